"""Gymnasium's own Pendulum-v1 and CartPole-v1, as worlds that a planner can plan in.

An environment of Gymnasium can only be stepped. Here are the same equations as pure batched functions, so
that a planner may ask what would happen, while Gymnasium's own environment stays the judge::

    env = gymnasium.make("Pendulum-v1")
    world = GymnasiumPendulum()
    env.reset(seed=0)
    policy = MPC(CrossEntropyPlanner(world, ...))
    env.step(policy(world.state(env)))

A reward of theirs is a negative cost here. The states are those the environments keep in float64; what they
hand out as observations is rounded to float32.

Source: gymnasium.envs.classic_control, `pendulum.py` and `cartpole.py` of version 1; the equations of the
cart-pole are those of Barto, Sutton & Anderson (1983) as corrected by Florian (2007).
"""

from __future__ import annotations

import gymnasium
import numpy as np
from numpy.typing import ArrayLike

from mbrl_teach.arguments import read_array, require_steps
from mbrl_teach.problems.base import ControlProblem


class GymnasiumPendulum(ControlProblem):
    """Pendulum-v1: s = [angle θ (rad, 0 upright, never wrapped), velocity ω (rad/s)], a = [torque u (N m)].

    With the torque clipped to ±2 N m, a step of 0.05 s is semi-implicit Euler with a limited velocity,

        ω' = clip(ω + dt (3g/2l sin θ + 3u/ml²), ±8),   θ' = θ + dt ω',

    and its cost is that of the state before it: θ² + 0.1 ω² + 0.001 u². Only there θ is taken to [-π, π).

    Parameters
        horizon: number of steps T, Gymnasium's limit of time; gravity in m/s²
        initial_state (2,): hanging at rest; Gymnasium itself draws θ from ±π and ω from ±1
    """

    state_size = 2
    action_size = 1
    dt, max_speed, max_torque = 0.05, 8.0, 2.0
    action_low, action_high = np.array([-max_torque]), np.array([max_torque])

    def __init__(
        self,
        *,
        horizon: int = 200,
        gravity: float = 10.0,
        initial_state: tuple[float, float] = (np.pi, 0.0),
    ):
        self.horizon, self.gravity = require_steps(horizon), gravity
        self.initial_state = read_array("initial_state", initial_state, "2", {}).copy()

    def dynamics(self, s, a):
        """Next state (..., 2)."""
        theta, u = s[..., 0], self._torque(a)
        omega = s[..., 1] + self.dt * (1.5 * self.gravity * np.sin(theta) + 3.0 * u)
        omega = np.minimum(np.maximum(omega, -self.max_speed), self.max_speed)
        next_state = np.empty((*omega.shape, 2))
        next_state[..., 0] = theta + self.dt * omega
        next_state[..., 1] = omega
        return next_state

    def cost(self, s, a):
        """Minus Gymnasium's reward, (...)."""
        theta = (s[..., 0] + np.pi) % (2.0 * np.pi) - np.pi
        return theta**2 + 0.1 * s[..., 1] ** 2 + 0.001 * self._torque(a) ** 2

    def _torque(self, a):
        return np.minimum(np.maximum(a[..., 0], -self.max_torque), self.max_torque)

    @staticmethod
    def state(env: gymnasium.Env) -> np.ndarray:
        """State (2,) of Gymnasium's environment, a copy. ``env.unwrapped.state = s`` sets it."""
        return np.array(env.unwrapped.state, dtype=np.float64)

    @staticmethod
    def observation(s: np.ndarray) -> np.ndarray:
        """[cos θ, sin θ, ω] (..., 3) of a state (..., 2), in float64."""
        return np.stack([np.cos(s[..., 0]), np.sin(s[..., 0]), s[..., 1]], axis=-1)

    @staticmethod
    def state_from_observation(observation: ArrayLike) -> np.ndarray:
        """State (..., 2) of an observation (..., 3), its angle between -π and π."""
        o = read_array("observation", observation, "... 3", {})
        return np.stack([np.arctan2(o[..., 1], o[..., 0]), o[..., 2]], axis=-1)


class GymnasiumCartPole(ControlProblem):
    """CartPole-v1: state s = [x (m), v (m/s), θ (rad, 0 upright), ω (rad/s)], a push of 10 N to one side.

    Gymnasium's actions are 0 (push left) and 1 (push right). Here the action is a number in [-1, 1] whose
    sign alone counts, so that a planner for continuous actions can use it: right where a > 0, else left.
    :meth:`discrete` says which of Gymnasium's actions that is.

    An episode of Gymnasium gives 1 for each step and ends when the cart leaves ±2.4 m or the pole ±12°.
    Here a fallen state stays as it is and costs 1 a step, any other nothing: over T steps

        cost = T - return.

    Parameters
        horizon: number of steps T, Gymnasium's limit of time
        initial_state (4,): Gymnasium itself draws each coordinate from ±0.05
    """

    state_size = 4
    action_size = 1
    action_low, action_high = np.array([-1.0]), np.array([1.0])
    dt, gravity, force = 0.02, 9.8, 10.0
    total_mass, pole_mass, half_length = 1.1, 0.1, 0.5
    position_limit, angle_limit = 2.4, 12.0 * 2.0 * np.pi / 360.0  # 12°, in Gymnasium's order of rounding

    def __init__(
        self,
        *,
        horizon: int = 500,
        initial_state: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0),
    ):
        self.horizon = require_steps(horizon)
        self.initial_state = read_array("initial_state", initial_state, "4", {}).copy()

    def dynamics(self, s, a):
        """Next state (..., 4): a step of explicit Euler, or `s` itself once it has fallen."""
        theta, omega = s[..., 2], s[..., 3]
        sin, cos = np.sin(theta), np.cos(theta)
        moment = self.pole_mass * self.half_length
        push = np.where(a[..., 0] > 0.0, self.force, -self.force)
        pull = (push + moment * omega**2 * sin) / self.total_mass
        inertia = self.half_length * (4.0 / 3.0 - self.pole_mass * cos**2 / self.total_mass)
        turning = (self.gravity * sin - cos * pull) / inertia
        rates = np.empty((*turning.shape, 4))
        rates[..., 0] = s[..., 1]
        rates[..., 1] = pull - moment * turning * cos / self.total_mass
        rates[..., 2] = omega
        rates[..., 3] = turning
        return s + np.where(self.fallen(s)[..., None], 0.0, self.dt * rates)

    def cost(self, s, a):
        """1 where the state has fallen, 0 elsewhere, of shape (...)."""
        return np.broadcast_to(self.fallen(s).astype(np.float64), self._join(s, a).shape[:-1])

    def fallen(self, s: np.ndarray) -> np.ndarray:
        """Whether Gymnasium's episode is over (`terminated`) in `s` (..., 4): bool (...)."""
        return (np.abs(s[..., 0]) > self.position_limit) | (np.abs(s[..., 2]) > self.angle_limit)

    @staticmethod
    def discrete(action: ArrayLike) -> int:
        """Gymnasium's action, 0 (push left) or 1 (push right), for `action` (1,)."""
        return int(read_array("action", action, "1", {})[0] > 0.0)

    @staticmethod
    def continuous(discrete_action: int) -> np.ndarray:
        """The action (1,) for Gymnasium's 0 or 1: -1 or 1."""
        if discrete_action not in (0, 1):
            raise ValueError(
                f"discrete_action must be 0 (push left) or 1 (push right); got {discrete_action}"
            )
        return np.array([2.0 * discrete_action - 1.0])

    @staticmethod
    def state(env: gymnasium.Env) -> np.ndarray:
        """State (4,) of Gymnasium's environment, a copy; its observation is the same in float32."""
        return np.array(env.unwrapped.state, dtype=np.float64)
