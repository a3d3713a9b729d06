"""A block on a frictionless table that is to be moved and stopped: the continuous problem whose answer is
known.

State s = [position x (m), velocity v (m/s)], action a = [force u (N)], s' = [v, u/m] for the mass m. From
rest at 0 to rest at d in time τ, with the least ∫ u² dt:

    u(t) = 6 m d/τ² (1 - 2 t/τ),      v(t) = 6 d/τ² t (1 - t/τ),      x(t) = d (3 - 2 t/τ) (t/τ)²,

and the integral is 12 m² d²/τ³. The speed is highest half-way, 3/2 d/τ. A limit V below that (but above
d/τ, or the block comes too late) is touched at times t_1 = 3/2 (τ - d/V) from either end: the block speeds
up, coasts and slows down, and

    ∫ u² dt = 8/3 m² V²/t_1 = 16/9 m² V² / (τ - d/V).

Why: where nothing limits the speed, u changes linearly with time. At the limit u = 0, and u is continuous
there: so u falls linearly from 2 m V/t_1 to 0, x(t_1) = 2/3 V t_1, and d = 4/3 V t_1 + V (τ - 2 t_1). The
rest by symmetry.

For methods that optimise actions alone the end has a price, 1/2 w (s - [d, 0])², which is 0 where it is
met.

Source: Kelly, An Introduction to Trajectory Optimization (SIAM Review 59, 2017), section 2 (without a
limit); Bryson & Ho, Applied Optimal Control (1975), section 3.11 (with a limit on the state).
"""

from __future__ import annotations

import numpy as np

from mbrl_teach.arguments import read_array, require_positive, require_steps
from mbrl_teach.problems.base import ContinuousProblem


class BlockMove(ContinuousProblem):
    """Move the block by `distance` in `duration` seconds.

    Parameters
        distance d in m, duration τ in s, mass m in kg
        speed_limit: V in m/s; action_limit: the largest force in N
        horizon: number of steps, for methods that count them
        final_weights: w of position and velocity in the final cost
    """

    state_size = 2
    action_size = 1

    def __init__(
        self,
        *,
        distance: float = 1.0,
        duration: float = 1.0,
        mass: float = 1.0,
        speed_limit: float = np.inf,
        action_limit: float = np.inf,
        horizon: int = 50,
        final_weights: tuple[float, float] = (1e4, 1e4),
    ):
        require_positive(duration=duration, mass=mass, speed_limit=speed_limit, action_limit=action_limit)
        self.distance, self.duration, self.mass, self.speed_limit = distance, duration, mass, speed_limit
        self.horizon = require_steps(horizon)
        self.dt = duration / self.horizon
        self.final_weights = read_array("final_weights", final_weights, "2", {}).copy()
        self.initial_state, self.goal = np.zeros(2), np.array([distance, 0.0])
        self.final_state = self.goal.copy()
        self.state_low = np.array([-np.inf, -speed_limit])
        self.state_high = -self.state_low
        self.action_low, self.action_high = np.array([-action_limit]), np.array([action_limit])

    def least_cost(self) -> float:
        """The least ∫ u² dt, if the force is not limited; inf if the speed limit is too low."""
        m, d, V, tau = self.mass, abs(self.distance), self.speed_limit, self.duration
        if 1.5 * d <= V * tau:
            return 12.0 * m**2 * d**2 / tau**3
        return 16.0 / 9.0 * m**2 * V**2 / (tau - d / V) if d < V * tau else np.inf

    def derivative(self, s, a):
        """[v, u/m] (..., 2)."""
        return np.stack(np.broadcast_arrays(s[..., 1], a[..., 0] / self.mass), axis=-1)

    def derivative_jacobian(self, s, a):
        """(..., 2, 3), the same everywhere."""
        stack = np.broadcast_shapes(s.shape[:-1], a.shape[:-1])
        return np.broadcast_to([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0 / self.mass]], (*stack, 2, 3))

    def derivative_hessian(self, s, a):
        """(..., 2, 3, 3): zero."""
        return np.zeros((*np.broadcast_shapes(s.shape[:-1], a.shape[:-1]), 2, 3, 3))

    def cost_rate(self, s, a):
        """u² (...)."""
        return np.broadcast_to(a[..., 0] ** 2, np.broadcast_shapes(s.shape[:-1], a.shape[:-1]))

    def quadratize_rate(self, s, a):
        """(..., 3, 3), the same everywhere, and (..., 3)."""
        z = self._join(s, a)
        z[..., :2] = 0.0
        return np.broadcast_to(np.diag([0.0, 0.0, 2.0]), (*z.shape, 3)), 2.0 * z

    def final_cost(self, s):
        """1/2 sum_i w_i (s_i - [d, 0]_i)², of shape (...)."""
        error = s - self.goal
        return 0.5 * (error * error) @ self.final_weights

    def quadratize_final(self, s):
        """V (..., 2, 2), the same everywhere, and v (..., 2)."""
        V = np.broadcast_to(np.diag(self.final_weights), (*s.shape, 2))
        return V, (s - self.goal) * self.final_weights
