"""A unicycle that drives around obstacles: one wheel that rolls where it points.

State s = [x (m), y (m), heading θ (rad)], action a = [velocity v (m/s), turning rate ω (rad/s)]. Rolling
without slipping means x' = v cos θ, y' = v sin θ, θ' = ω. A step is the explicit midpoint rule,

    next [x, y] = [x, y] + dt v [cos φ, sin φ],   next θ = θ + dt ω,   with φ = θ + dt ω / 2.

Obstacle i is a disc of centre p_i and radius r_i. With d_i = (|[x, y] - p_i|² - r_i²) / (2 r_i), which at
the rim equals the distance to it in value and slope, the cost is

    dt (1/2 (w_v v² + w_ω ω²) + w_o sum_i exp(-sharpness d_i))   and   1/2 sum_j w_j (s_j - goal_j)².

The obstacles' cost has the form of van den Berg (2014), who takes the distance itself: its slope jumps at
the centre, that of d_i does not. The heading is never wrapped.

Source: van den Berg, Iterated LQR Smoothing for Locally-Optimal Feedback Control of Systems with
Non-Linear Dynamics and Non-Quadratic Cost (ACC 2014), the differential-drive robot.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mbrl_teach.arguments import read_array, require_positive, require_steps
from mbrl_teach.problems.base import ControlProblem
from mbrl_teach.problems.environment import ControlEnv

OBSTACLES = ((1.0, -0.3, 0.4), (1.6, 1.6, 0.5), (3.2, 1.0, 0.6), (3.0, 3.2, 0.4))


class Unicycle(ControlProblem):
    """Drive from `initial_state` to `goal` among obstacles.

    Parameters
        horizon: number of steps T; dt: seconds per step
        obstacles (k, 3): x, y and radius of each, in m; ``np.empty((0, 3))`` for none
        obstacle_weight, sharpness (1/m): height and steepness of the obstacles' cost
        weights: of v²/2 and ω²/2 in the running cost; final_weights: of x, y and θ at the end
        goal (3,), initial_state (3,): x, y and heading
        velocity_limit in m/s, turning_limit in rad/s; the dynamics do not clip, controllers obey them
    """

    state_size = 3
    action_size = 2

    def __init__(
        self,
        *,
        horizon: int = 100,
        dt: float = 0.05,
        obstacles: ArrayLike = OBSTACLES,
        obstacle_weight: float = 1.0,
        sharpness: float = 6.0,
        weights: tuple[float, float] = (0.2, 0.2),
        final_weights: tuple[float, float, float] = (100.0, 100.0, 100.0),
        goal: tuple[float, float, float] = (4.5, 3.0, 0.0),
        initial_state: tuple[float, float, float] = (0.0, 0.0, 0.0),
        velocity_limit: float = np.inf,
        turning_limit: float = np.inf,
    ):
        require_positive(dt=dt, velocity_limit=velocity_limit, turning_limit=turning_limit)
        discs = read_array("obstacles", obstacles, "k 3", {})
        if (discs[:, 2] <= 0).any():
            raise ValueError(f"obstacles must have positive radii; got {discs[:, 2].tolist()}")
        self.horizon, self.dt, self.obstacles = require_steps(horizon), dt, discs
        self.obstacle_weight, self.sharpness = obstacle_weight, sharpness
        self.weights = read_array("weights", weights, "2", {}).copy()
        self.final_weights = read_array("final_weights", final_weights, "3", {}).copy()
        self.goal = read_array("goal", goal, "3", {}).copy()
        self.initial_state = read_array("initial_state", initial_state, "3", {}).copy()
        self.action_high = np.array([velocity_limit, turning_limit])
        self.action_low = -self.action_high

    def dynamics(self, s, a):
        """Next state (..., 3)."""
        roll, turn = self.dt * a[..., 0], self.dt * a[..., 1]
        phi = s[..., 2] + 0.5 * turn
        next_state = np.empty((*phi.shape, 3))
        next_state[..., 0] = s[..., 0] + roll * np.cos(phi)
        next_state[..., 1] = s[..., 1] + roll * np.sin(phi)
        next_state[..., 2] = s[..., 2] + turn
        return next_state

    def linearize(self, s, a):
        """F (..., 3, 5) by z = [x, y, θ, v, ω]; ω acts on φ half a step long."""
        dt = self.dt
        phi = s[..., 2] + 0.5 * dt * a[..., 1]
        roll, sin, cos = dt * a[..., 0], np.sin(phi), np.cos(phi)
        F = np.zeros((*phi.shape, 3, 5))
        F[..., range(3), range(3)] = 1.0
        F[..., 0, 2], F[..., 1, 2] = -roll * sin, roll * cos
        F[..., 0, 3], F[..., 1, 3] = dt * cos, dt * sin
        F[..., :2, 4] = 0.5 * dt * F[..., :2, 2]
        F[..., 2, 4] = dt
        return F

    def dynamics_hessian(self, s, a):
        """(..., 3, 5, 5) by z = [x, y, θ, v, ω]."""
        half = 0.5 * self.dt
        phi = s[..., 2] + half * a[..., 1]
        roll, sin, cos = self.dt * a[..., 0], np.sin(phi), np.cos(phi)
        H = np.zeros((*phi.shape, 3, 5, 5))
        for row, bend, tilt in ((0, -roll * cos, -self.dt * sin), (1, -roll * sin, self.dt * cos)):
            H[..., row, 2, 2], H[..., row, 4, 4] = bend, half**2 * bend
            H[..., row, 2, 4] = H[..., row, 4, 2] = half * bend
            H[..., row, 2, 3] = H[..., row, 3, 2] = tilt
            H[..., row, 4, 3] = H[..., row, 3, 4] = half * tilt
        return H

    def cost(self, s, a):
        """Running cost (...): effort and nearness of obstacles."""
        _, nearness = self._nearness(s)
        return self.dt * (0.5 * (a * a) @ self.weights + nearness.sum(axis=-1))

    def quadratize(self, s, a):
        """C (..., 5, 5) and c (..., 5); C is indefinite beside an obstacle.

        With N_i = w_o exp(-sharpness d_i) and the slope g_i = sharpness ([x, y] - p_i) / r_i of the
        exponent, the gradient is -N_i g_i and the Hessian N_i (g_i g_i' - sharpness / r_i).
        """
        offset, nearness = self._nearness(s)
        steepness = self.sharpness / self.obstacles[:, 2]
        g = offset * steepness[:, None]
        weighted = nearness[..., None] * g
        gradient = self._join(s, a)
        C = np.zeros((*gradient.shape, 5))
        C[..., :2, :2] = np.swapaxes(g, -1, -2) @ weighted
        C[..., range(2), range(2)] -= (nearness @ steepness)[..., None]
        C[..., range(3, 5), range(3, 5)] = self.weights
        gradient[..., :2] = -weighted.sum(axis=-2)
        gradient[..., 2] = 0.0
        gradient[..., 3:] *= self.weights
        return self.dt * C, self.dt * gradient

    def _nearness(self, s):
        """Offsets (..., k, 2) from the obstacles' centres, and w_o exp(-sharpness d_i), (..., k)."""
        radius = self.obstacles[:, 2]
        offset = s[..., None, :2] - self.obstacles[:, :2]
        d = ((offset * offset).sum(axis=-1) - radius**2) / (2.0 * radius)
        return offset, self.obstacle_weight * np.exp(-self.sharpness * d)

    def final_cost(self, s):
        """1/2 sum_j w_j (s_j - goal_j)², of shape (...)."""
        error = s - self.goal
        return 0.5 * (error * error) @ self.final_weights

    def quadratize_final(self, s):
        """V (..., 3, 3), the same everywhere, and v (..., 3)."""
        gradient = self.final_weights * (s - self.goal)
        return np.broadcast_to(np.diag(self.final_weights), (*s.shape, 3)), gradient


class UnicycleEnv(ControlEnv):
    """The unicycle in Gymnasium; an observation is the state [x, y, θ].

    The goal is in the final cost, paid with the last action of an episode.

    Parameters
        world: by default at most 2 m/s and 2 rad/s
        options: those of `ControlEnv`; by default actions are shares of the limits, and an episode starts
            within ± 0.1 of the world's initial state
    """

    view = ((-1.0, -1.5), (6.0, 4.5))

    def __init__(self, world: Unicycle | None = None, *, render_mode: str | None = None, **options):
        if world is None:
            world = Unicycle(velocity_limit=2.0, turning_limit=2.0)
        defaults = {"normalized_actions": True, "start_spread": 0.1, "sensor_range": 50.0}
        super().__init__(world, render_mode=render_mode, **(defaults | options))

    def draw(self, canvas):
        """Obstacles, goal, and the wheel as an arrowhead that points along its heading."""
        for x, y, radius in self.world.obstacles:
            canvas.disc((x, y), radius, canvas.GREY)
        canvas.disc(self.world.goal[:2], 0.12, canvas.GREEN)
        arrowhead = [(0.3, 0.0), (-0.2, 0.18), (-0.1, 0.0), (-0.2, -0.18)]
        canvas.polygon(canvas.turned(arrowhead, self.state[2], self.state[:2]), canvas.BLUE)
