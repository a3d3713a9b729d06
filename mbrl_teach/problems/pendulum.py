"""A pendulum that is to swing up and stand: the smallest curved world.

State s = [angle θ (rad, 0 upright, π hanging), velocity ω (rad/s)], action a = [torque u (N m)]. A uniform
rod of mass m and length l, hinged at one end, obeys

    θ'' = 3 g / (2 l) sin θ + 3 u / (m l²)

(Gymnasium's Pendulum-v1 has the same equation). A step is semi-implicit Euler: the new velocity moves the
angle. With the default weights the cost is

    dt (1 - cos θ + 0.05 ω² + 0.5 u²)     and at the end     50 θ² + 5 ω².

The angle is never wrapped: θ = 0 and θ = 2π are two different goals, and every function stays smooth.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mbrl_teach.arguments import read_array, require_positive, require_steps
from mbrl_teach.problems.base import ContinuousProblem
from mbrl_teach.problems.environment import ControlEnv


class Pendulum(ContinuousProblem):
    """Swing a pendulum up from `initial_state`, by default hanging at rest.

    Parameters
        horizon: number of steps T; dt: seconds per step
        gravity in m/s², mass in kg, length in m
        action_limit: the largest torque in N m; the dynamics do not clip, controllers obey it
        weights: of 1 - cos θ, ω²/2 and u²/2 in the running cost (times dt)
        final_weights: of θ²/2 and ω²/2 in the final cost
        initial_state (2,): angle and velocity at t = 1
    """

    state_size = 2
    action_size = 1

    def __init__(
        self,
        *,
        horizon: int = 100,
        dt: float = 0.05,
        gravity: float = 10.0,
        mass: float = 1.0,
        length: float = 1.0,
        action_limit: float = np.inf,
        weights: tuple[float, float, float] = (1.0, 0.1, 1.0),
        final_weights: tuple[float, float] = (100.0, 10.0),
        initial_state: tuple[float, float] = (np.pi, 0.0),
    ):
        require_positive(dt=dt, mass=mass, length=length, action_limit=action_limit)
        self.horizon, self.dt = require_steps(horizon), dt
        self.duration = self.horizon * dt
        self.gravity, self.mass, self.length = gravity, mass, length
        self.action_low, self.action_high = np.array([-action_limit]), np.array([action_limit])
        self.weights = read_array("weights", weights, "3", {}).copy()
        self.final_weights = read_array("final_weights", final_weights, "2", {}).copy()
        self.initial_state = read_array("initial_state", initial_state, "2", {}).copy()
        self._fall = 3.0 * gravity / (2.0 * length)
        self._push = 3.0 / (mass * length**2)

    def derivative(self, s, a):
        """s' = [ω, θ''] (..., 2)."""
        acceleration = self._fall * np.sin(s[..., 0]) + self._push * a[..., 0]
        return np.stack(np.broadcast_arrays(s[..., 1], acceleration), axis=-1)

    def dynamics(self, s, a):
        """Next state (..., 2), by semi-implicit Euler."""
        theta = s[..., 0]
        omega = s[..., 1] + self.dt * (self._fall * np.sin(theta) + self._push * a[..., 0])
        next_state = np.empty((*omega.shape, 2))
        next_state[..., 0] = theta + self.dt * omega
        next_state[..., 1] = omega
        return next_state

    def energy(self, s):
        """Kinetic and potential energy (...) in J, 0 at rest with the rod level."""
        inertia = self.mass * self.length**2 / 3.0
        height = 0.5 * self.length * np.cos(s[..., 0])
        return 0.5 * inertia * s[..., 1] ** 2 + self.mass * self.gravity * height

    def cost_rate(self, s, a):
        """Running cost per second (...)."""
        angle, velocity, torque = self.weights
        upright = 1.0 - np.cos(s[..., 0])
        return angle * upright + 0.5 * velocity * s[..., 1] ** 2 + 0.5 * torque * a[..., 0] ** 2

    def final_cost(self, s):
        """1/2 (w_θ θ² + w_ω ω²), of shape (...)."""
        return 0.5 * (s * s) @ self.final_weights

    def linearize(self, s, a):
        """F (..., 2, 3): only the slope of sin θ changes from state to state."""
        dt = self.dt
        slope = dt * self._fall * np.cos(s[..., 0])
        F = np.empty((*np.broadcast_shapes(slope.shape, a.shape[:-1]), 2, 3))
        F[...] = [[1.0, dt, dt**2 * self._push], [0.0, 1.0, dt * self._push]]
        F[..., 0, 0] += dt * slope
        F[..., 1, 0] = slope
        return F

    def quadratize_rate(self, s, a):
        """(..., 3, 3), diagonal and indefinite below the horizontal, and (..., 3)."""
        gradient = self._join(s, a)
        theta = gradient[..., 0]
        C = np.empty((*gradient.shape, 3))
        C[...] = np.diag(self.weights)
        C[..., 0, 0] *= np.cos(theta)
        gradient[..., 0] = np.sin(theta)
        gradient *= self.weights
        return C, gradient

    def quadratize_final(self, s):
        """V (..., 2, 2), the same everywhere, and v (..., 2)."""
        return np.broadcast_to(np.diag(self.final_weights), (*s.shape, 2)), s * self.final_weights

    def dynamics_hessian(self, s, a):
        """(..., 2, 3, 3): only sin θ bends."""
        bend = -self.dt * self._fall * np.sin(s[..., 0])
        H = np.zeros((*np.broadcast_shapes(bend.shape, a.shape[:-1]), 2, 3, 3))
        H[..., 0, 0, 0] = self.dt * bend
        H[..., 1, 0, 0] = bend
        return H


class PendulumEnv(ControlEnv):
    """The pendulum in Gymnasium; observations are [cos θ, sin θ, ω], as in Pendulum-v1.

    Parameters
        world: by default 200 steps with at most 2 N m, too weak to lift the rod at once, and no final cost:
            so θ and θ + 2π, which look alike, are alike
        options: those of `ControlEnv`; by default actions are shares of the limit, and an episode starts
            anywhere: θ within π ± π, ω within ± 1
    """

    view = ((-1.2, -1.2), (1.2, 1.2))  # in lengths of the rod

    def __init__(self, world: Pendulum | None = None, *, render_mode: str | None = None, **options):
        if world is None:
            world = Pendulum(horizon=200, action_limit=2.0, final_weights=(0.0, 0.0))
        defaults = {
            "normalized_actions": True,
            "start_spread": (np.pi, 1.0),
            "sensor_range": (1.0, 1.0, 100.0),
        }
        super().__init__(world, render_mode=render_mode, **(defaults | options))

    def observation(self, s):
        """[cos θ, sin θ, ω] (..., 3)."""
        return np.stack([np.cos(s[..., 0]), np.sin(s[..., 0]), s[..., 1]], axis=-1)

    @staticmethod
    def state_from_observation(observation: ArrayLike) -> np.ndarray:
        """The state (..., 2) of an observation (..., 3), its angle between -π and π."""
        o = read_array("observation", observation, "... 3", {})
        return np.stack([np.arctan2(o[..., 1], o[..., 0]), o[..., 2]], axis=-1)

    def draw(self, canvas):
        """The rod, and the torque as an arc around the hinge, a half turn for 5 N m."""
        theta, torque = self.state[0], self.last_action[0]
        canvas.line([(0.0, 0.0), (-np.sin(theta), np.cos(theta))], canvas.BLUE, width=0.12)
        arc = np.pi / 2.0 + np.linspace(0.0, np.clip(torque / 5.0, -2.0, 2.0) * np.pi, 40)
        canvas.line(0.3 * np.stack([np.cos(arc), np.sin(arc)], axis=-1), canvas.VERMILLION, width=0.04)
        canvas.disc((0.0, 0.0), 0.04, canvas.INK)
