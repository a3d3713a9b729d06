"""Parking a car: reach the origin, pointing along the x axis, at rest, with limited steering.

State s = [x (m), y (m), heading θ (rad), velocity v (m/s) of the front wheels], the position being the
middle of the rear axle; action a = [steering angle w (rad), acceleration u (m/s²)]. In a step of h seconds
the front wheels roll f = h v along their own direction. With the axles at distance d, and e = f sin w,

    the rear wheels roll b = d + f cos w - √(d² - e²), the car turns by arcsin(e / d),
    x' = x + b cos θ,   y' = y + b sin θ,   θ' = θ + arcsin(e / d),   v' = v + h u.

With the smoothed absolute value z(x, p) = √(x² + p²) - p, which near 0 is a parabola, the costs are

    0.01 w² + 0.0001 u² + 0.001 (z(x, 0.1) + z(y, 0.1))
    and at the end   0.1 z(x, 0.01) + 0.1 z(y, 0.01) + z(θ, 0.01) + 0.3 z(v, 1).

The heading is never wrapped: the car starts at 3π/2 and turns back to 0.

Source: Tassa, Mansard & Todorov, Control-Limited Differential Dynamic Programming (ICRA 2014), the
car-parking example; the constants are those of the example that accompanies the paper.
"""

from __future__ import annotations

import numpy as np

from mbrl_teach.arguments import read_array, require_positive, require_steps
from mbrl_teach.problems.base import ControlProblem
from mbrl_teach.problems.environment import ControlEnv


class CarParking(ControlProblem):
    """Park the car at the origin.

    Parameters
        horizon: number of steps T; dt: h, seconds per step; wheelbase: d in m
        steering_limit in rad, acceleration_limit in m/s²; the dynamics do not clip, controllers obey them
        initial_state (4,): x, y, heading and velocity at t = 1

    The dynamics return NaN where the front wheels would roll further than the wheelbase in one step.
    """

    state_size = 4
    action_size = 2
    action_weights = np.array([1e-2, 1e-4])
    running_weight, running_smoothness = 1e-3, 0.1
    final_weights, final_smoothness = np.array([0.1, 0.1, 1.0, 0.3]), np.array([0.01, 0.01, 0.01, 1.0])

    def __init__(
        self,
        *,
        horizon: int = 500,
        dt: float = 0.03,
        wheelbase: float = 2.0,
        steering_limit: float = 0.5,
        acceleration_limit: float = 2.0,
        initial_state: tuple[float, float, float, float] = (1.0, 1.0, 1.5 * np.pi, 0.0),
    ):
        require_positive(dt=dt, wheelbase=wheelbase)
        require_positive(steering_limit=steering_limit, acceleration_limit=acceleration_limit)
        self.horizon, self.dt, self.wheelbase = require_steps(horizon), dt, wheelbase
        self.action_high = np.array([steering_limit, acceleration_limit])
        self.action_low = -self.action_high
        self.initial_state = read_array("initial_state", initial_state, "4", {}).copy()

    def dynamics(self, s, a):
        """Next state (..., 4)."""
        theta, w = s[..., 2], a[..., 0]
        f = self.dt * s[..., 3]
        e = f * np.sin(w)
        with np.errstate(invalid="ignore"):
            r = np.sqrt(self.wheelbase**2 - e * e)
        b = self.wheelbase + f * np.cos(w) - r
        next_state = np.empty((*b.shape, 4))
        next_state[..., 0] = s[..., 0] + b * np.cos(theta)
        next_state[..., 1] = s[..., 1] + b * np.sin(theta)
        next_state[..., 2] = theta + np.arctan2(e, r)
        next_state[..., 3] = s[..., 3] + self.dt * a[..., 1]
        return next_state

    def linearize(self, s, a):
        """F (..., 4, 6) by z = [x, y, θ, v, w, u]."""
        b, (b_v, b_w), (q_v, q_w), _, _ = self._roll_and_turn(s, a)
        sin, cos = np.sin(s[..., 2]), np.cos(s[..., 2])
        F = np.zeros((*b.shape, 4, 6))
        F[..., range(4), range(4)] = 1.0
        F[..., 0, 2], F[..., 1, 2] = -b * sin, b * cos
        F[..., 0, 3], F[..., 1, 3], F[..., 2, 3] = b_v * cos, b_v * sin, q_v
        F[..., 0, 4], F[..., 1, 4], F[..., 2, 4] = b_w * cos, b_w * sin, q_w
        F[..., 3, 5] = self.dt
        return F

    def dynamics_hessian(self, s, a):
        """(..., 4, 6, 6) by z = [x, y, θ, v, w, u]."""
        b, (b_v, b_w), _, b_second, q_second = self._roll_and_turn(s, a)
        sin, cos = np.sin(s[..., 2]), np.cos(s[..., 2])
        H = np.zeros((*b.shape, 4, 6, 6))
        H[..., 0, 2, 2], H[..., 1, 2, 2] = -b * cos, -b * sin
        for j, slope in ((3, b_v), (4, b_w)):
            H[..., 0, 2, j] = H[..., 0, j, 2] = -slope * sin
            H[..., 1, 2, j] = H[..., 1, j, 2] = slope * cos
        for (i, j), bend, turn in zip(((3, 3), (3, 4), (4, 4)), b_second, q_second, strict=True):
            H[..., 0, i, j] = H[..., 0, j, i] = bend * cos
            H[..., 1, i, j] = H[..., 1, j, i] = bend * sin
            H[..., 2, i, j] = H[..., 2, j, i] = turn
        return H

    def _roll_and_turn(self, s, a):
        """b, then (b_v, b_w), (q_v, q_w), (b_vv, b_vw, b_ww), (q_vv, q_vw, q_ww), with q the turn.

        Both depend on v and w mostly through e = f sin w: with r = √(d² - e²), the chain rule needs
        dr/de = -e/r, dq/de = 1/r and d(e/r)/de = d²/r³, d(1/r)/de = e/r³.
        """
        h, d, w = self.dt, self.wheelbase, a[..., 0]
        sin, cos, f = np.sin(w), np.cos(w), h * s[..., 3]
        e, e_v, e_w = f * sin, h * sin, f * cos
        with np.errstate(invalid="ignore"):
            r = np.sqrt(d * d - e * e)
        slope, q_e, e_vw = e / r, 1.0 / r, h * cos
        slope_e, q_ee = d * d * q_e**3, e * q_e**3
        return (
            d + f * cos - r,
            (h * cos + slope * e_v, slope * e_w - e),
            (q_e * e_v, q_e * e_w),
            (
                slope_e * e_v**2,
                slope_e * e_v * e_w + slope * e_vw - h * sin,
                slope_e * e_w**2 - slope * e - e_w,
            ),
            (q_ee * e_v**2, q_ee * e_v * e_w + q_e * e_vw, q_ee * e_w**2 - q_e * e),
        )

    def cost(self, s, a):
        """Running cost (...)."""
        place, _, _ = smooth_absolute(s[..., :2], self.running_smoothness)
        return (a * a) @ self.action_weights + self.running_weight * place.sum(axis=-1)

    def final_cost(self, s):
        """Cost (...) of where and how the car stands at the end."""
        return smooth_absolute(s, self.final_smoothness)[0] @ self.final_weights

    def quadratize(self, s, a):
        """C (..., 6, 6), diagonal, and c (..., 6)."""
        gradient = self._join(s, a)
        _, slope, curvature = smooth_absolute(gradient[..., :2], self.running_smoothness)
        C = np.zeros((*gradient.shape, 6))
        C[..., range(2), range(2)] = self.running_weight * curvature
        C[..., range(4, 6), range(4, 6)] = 2.0 * self.action_weights
        gradient[..., :2] = self.running_weight * slope
        gradient[..., 2:4] = 0.0
        gradient[..., 4:] *= 2.0 * self.action_weights
        return C, gradient

    def quadratize_final(self, s):
        """V (..., 4, 4), diagonal, and v (..., 4)."""
        _, slope, curvature = smooth_absolute(s, self.final_smoothness)
        V = np.zeros((*s.shape, 4))
        V[..., range(4), range(4)] = self.final_weights * curvature
        return V, self.final_weights * slope


def smooth_absolute(x: np.ndarray, p: np.ndarray | float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """z(x, p) = √(x² + p²) - p with its first and second derivative, all of the shape of x.

    Near 0 it is the parabola x² / 2p, far away |x| - p: the pseudo-Huber loss.
    """
    root = np.sqrt(x * x + p * p)
    return root - p, x / root, p * p / root**3


class CarEnv(ControlEnv):
    """Parking in Gymnasium; an observation is the state [x, y, θ, v].

    How and where the car stands at the end is in the final cost, paid with the last action of an episode.

    Parameters
        world: by default `CarParking()`
        options: those of `ControlEnv`; by default actions are shares of the limits, and an episode starts
            within ± 0.1 of the world's place and heading, at rest
    """

    view = ((-4.0, -4.0), (4.0, 4.0))
    metadata = ControlEnv.metadata | {"render_fps": 33}

    def __init__(self, world: CarParking | None = None, *, render_mode: str | None = None, **options):
        defaults = {
            "normalized_actions": True,
            "start_spread": (0.1, 0.1, 0.1, 0.0),
            "sensor_range": (500.0, 500.0, 200.0, 50.0),
        }
        super().__init__(world or CarParking(), render_mode=render_mode, **(defaults | options))

    def draw(self, canvas):
        """The goal, the car's body, and its front wheel as it is steered."""
        x, y, theta, _ = self.state
        d = self.world.wheelbase
        body = [(-0.3, -0.5), (d + 0.3, -0.5), (d + 0.3, 0.5), (-0.3, 0.5)]
        canvas.polygon(body, canvas.GREY)
        canvas.polygon(canvas.turned(body, theta, (x, y)), canvas.BLUE)
        axle = np.array([x, y]) + d * np.array([np.cos(theta), np.sin(theta)])
        wheel = canvas.turned([(-0.3, 0.0), (0.3, 0.0)], theta + self.last_action[0], axle)
        canvas.line(wheel, canvas.INK, width=0.15)
        canvas.disc((0.0, 0.0), 0.1, canvas.GREEN)
