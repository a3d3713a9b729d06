"""Dynamic programming for a continuous world of few dimensions: states and actions on grids.

Nothing is planned here from one state: the cost-to-go J, the least cost from a state onwards, is computed
for all states at once. On every point x_i of a grid of states, over a finite list of actions,

    J_t(x_i) = min_a  cost(x_i, a) + γ J_{t+1}(dynamics(x_i, a)),        J_{T+1} = final_cost.

The next state falls between the points: J there is interpolated multilinearly from the 2^n corners of its
cell, with weights that are not negative and sum to one. So all interpolations of a sweep are one product
with a sparse matrix W, a row for each point and action,

    J <- min over actions of   c + γ W J,

which is exact dynamic programming of a Markov chain that jumps to a corner with the probability of its
weight. Hence a sweep contracts as there, J converges, and for smooth J the error falls with the square of
the spacing of states and actions. The price is the curse of dimension: points^n, so n up to about 3.

**Signs.** `control/` and `planning/` minimise costs: J is a cost, the *smaller* the better. The value of
reinforcement learning is V = -J. As terminal cost of a planner take `cost_to_go`, which is -`value`.

Outside the grid J is taken at the nearest point of its edge; choose axes that the good paths do not leave.

Source: Kushner & Dupuis, Numerical Methods for Stochastic Control Problems in Continuous Time (2001),
section 5.3, for interpolation as a Markov chain; Puterman, Markov Decision Processes (1994), section 6.5,
for the modified policy iteration with which the sweeps are interleaved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from mbrl_teach.arguments import read_array, require_positive, require_steps
from mbrl_teach.problems.base import ControlProblem


@dataclass(frozen=True)
class Axis:
    """One coordinate of the grid: `points` equally spaced values from `low` to `high`, both included.

    wraps: the coordinate is an angle, `high` is the same as `low` and not counted again. The grid then
        serves every turn of the angle.

    Raises ValueError unless low < high, both finite, and points is a whole number from 2 on.
    """

    low: float
    high: float
    points: int
    wraps: bool = False

    def __post_init__(self):
        if not (np.isfinite([self.low, self.high]).all() and self.low < self.high):
            raise ValueError(f"low must be below high, both finite; got low = {self.low}, high = {self.high}")
        if not (self.points >= 2 and self.points == int(self.points)):
            raise ValueError(f"points must be a whole number from 2 on; got {self.points}")

    @property
    def values(self) -> np.ndarray:
        """The grid's values (points,)."""
        return np.linspace(self.low, self.high, self.points, endpoint=not self.wraps)

    def corners(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Index of the grid's values below and above `x` (M,), and the share (M,) of the one above."""
        cells = self.points if self.wraps else self.points - 1
        place = (x - self.low) * (cells / (self.high - self.low))
        place = place % cells if self.wraps else np.clip(place, 0.0, cells)
        below = np.minimum(place.astype(np.int32), cells - 1)
        return below, (below + 1) % self.points, place - below


@dataclass(frozen=True)
class GridSolution:
    """The cost-to-go on the grid, and what follows from it anywhere.

    J (T+1, points_1, …, points_n): cost-to-go at each time, final cost last; of an infinite horizon (1, …)
    axes, actions (A, m): the grids; gamma: the discount
    converged, iterations, message: of the sweeps of an infinite horizon; else True and T
    """

    problem: ControlProblem = field(repr=False)
    axes: tuple[Axis, ...]
    actions: np.ndarray = field(repr=False)
    gamma: float
    J: np.ndarray = field(repr=False)
    converged: bool
    iterations: int
    message: str

    def cost_to_go(self, s: ArrayLike, t: int = 0) -> np.ndarray:
        """J (...) at the states `s` (..., n): the least cost from time index `t` on, 0 being the start.

        Of an infinite horizon it is the same for every t. Raises ValueError for t outside 0 … T.
        """
        s = read_array("s", s, "... n", {"n": len(self.axes)})
        J = self._at(t).ravel()
        columns, weights = interpolation(self.axes, s.reshape(-1, s.shape[-1]))
        return (weights * J[columns]).sum(axis=-1).reshape(s.shape[:-1])

    def value(self, s: ArrayLike, t: int = 0) -> np.ndarray:
        """V = -J (...): the greatest sum of rewards, where a reward is a negative cost."""
        return -self.cost_to_go(s, t)

    def policy(self, s: ArrayLike, t: int = 0) -> np.ndarray:
        """The action (..., m) that is greedy by one look ahead from `s` (..., n) at time index `t` < T.

        Between the points it is not interpolated: every action of the grid is tried in `s` itself.
        """
        s = read_array("s", s, "... n", {"n": len(self.axes)})
        if len(self.J) > 1 and not 0 <= t < len(self.J) - 1:
            raise ValueError(f"t must be an index 0 … {len(self.J) - 2} of an action; got {t}")
        tried = s[..., None, :]
        following = self.problem.dynamics(tried, self.actions)
        ahead = self.problem.cost(tried, self.actions) + self.gamma * self.cost_to_go(following, t + 1)
        return self.actions[np.argmin(ahead, axis=-1)]

    def _at(self, t: int) -> np.ndarray:
        if len(self.J) == 1:
            return self.J[0]
        if not 0 <= t < len(self.J):
            raise ValueError(f"t must be an index 0 … {len(self.J) - 1} of J; got {t}")
        return self.J[t]


def grid_backward_induction(
    problem: ControlProblem,
    axes: Sequence[Axis],
    actions: ArrayLike,
    *,
    horizon: int | None = None,
    gamma: float = 1.0,
    final_cost: Callable[[np.ndarray], np.ndarray] | None = None,
) -> GridSolution:
    """The cost-to-go of a finite horizon at every time, backwards from the end.

    axes: one :class:`Axis` for each coordinate of the state
    actions (A, m): the actions to choose from; see :func:`action_grid`
    horizon, final_cost: those of the problem unless given
    gamma: discount in (0, 1]; the final cost is discounted with gamma^T

    Raises ValueError for arguments that do not fit, or where the world is not finite on the grid.
    """
    T = require_steps(problem.horizon if horizon is None else horizon)
    axes, actions = _require_grids(problem, axes, actions, gamma)
    final_cost = problem.final_cost if final_cost is None else final_cost
    x = grid_points(axes)
    costs, W = _transitions(problem, axes, actions, x)
    J = np.empty((T + 1, len(x)))
    J[T] = read_array("final_cost(s)", final_cost(x), "N", {"N": len(x)})
    for t in reversed(range(T)):
        J[t] = _action_costs(costs, W, gamma, J[t + 1]).min(axis=-1)
    J = J.reshape(T + 1, *_shape(axes))
    return GridSolution(problem, axes, actions, gamma, J, True, T, "backwards over the horizon")


def grid_value_iteration(
    problem: ControlProblem,
    axes: Sequence[Axis],
    actions: ArrayLike,
    *,
    gamma: float,
    tolerance: float = 1e-6,
    max_iterations: int = 10_000,
    evaluation_sweeps: int = 20,
    callback: Callable[[int, float], None] | None = None,
) -> GridSolution:
    """The discounted cost-to-go of an infinite horizon.

    axes, actions: as in :func:`grid_backward_induction`; gamma: discount in (0, 1)
    tolerance: J is within it of the grid's own fixed point, everywhere; a sweep contracts by γ, so the
        last change times γ / (1 - γ) bounds what is missing
    evaluation_sweeps: between two sweeps, this many for the greedy actions only, which are cheaper by the
        number of actions; 0 is plain value iteration
    callback(iteration, bound): called after each sweep

    Raises ValueError for arguments that do not fit, or where the world is not finite on the grid.
    """
    require_positive(tolerance=tolerance)
    if not gamma < 1.0:
        raise ValueError(f"gamma must be below 1 for an infinite horizon; got {gamma}")
    axes, actions = _require_grids(problem, axes, actions, gamma)
    x = grid_points(axes)
    costs, W = _transitions(problem, axes, actions, x)
    J, bound = np.zeros(len(x)), np.inf
    iteration = 0
    while bound > tolerance and iteration < max_iterations:
        iteration += 1
        ahead = _action_costs(costs, W, gamma, J)
        greedy = np.argmin(ahead, axis=-1)
        swept = ahead[np.arange(len(x)), greedy]
        bound = float(np.abs(swept - J).max()) * gamma / (1.0 - gamma)
        J = swept
        if callback is not None:
            callback(iteration, bound)
        if bound > tolerance and evaluation_sweeps:
            J = _evaluated(costs, W, gamma, greedy, J, evaluation_sweeps)
    converged = bound <= tolerance
    reached = "is within" if converged else f"after {iteration} iterations may be off by"
    message = f"J {reached} {bound:.1e} of the fixed point on this grid"
    return GridSolution(
        problem, axes, actions, gamma, J.reshape(1, *_shape(axes)), converged, iteration, message
    )


def _action_costs(costs: np.ndarray, W: csr_array, gamma: float, J: np.ndarray) -> np.ndarray:
    """c + γ W J (N, A): what each action costs at each point, and optimal ones after it."""
    return costs + gamma * (W @ J).reshape(costs.shape)


def _evaluated(costs, W, gamma, greedy, J, sweeps) -> np.ndarray:
    """J (N,) after a few sweeps in which each point keeps its greedy action."""
    points = np.arange(len(J))
    cost, W = costs[points, greedy], W[points * costs.shape[1] + greedy]
    for _ in range(sweeps):
        J = cost + gamma * (W @ J)
    return J


def _transitions(problem, axes, actions, x) -> tuple[np.ndarray, csr_array]:
    """Costs (N, A), and the sparse matrix W (N A, N) that interpolates J in all next states."""
    s = x[:, None, :]
    costs = np.broadcast_to(problem.cost(s, actions), (len(x), len(actions)))
    following = problem.dynamics(s, actions).reshape(-1, len(axes))
    wrong = ~np.isfinite(costs) | ~np.isfinite(following).all(axis=-1).reshape(costs.shape)
    if wrong.any():
        i, j = np.unravel_index(np.argmax(wrong), wrong.shape)
        place = f"s = {x[i]}, a = {actions[j]}"
        raise ValueError(f"{type(problem).__name__} must be finite on the grid; not at {place}")
    columns, weights = interpolation(axes, following)
    rows = np.arange(0, columns.size + 1, columns.shape[1], dtype=np.int32)
    W = csr_array((weights.ravel(), columns.ravel(), rows), shape=(len(following), len(x)))
    return costs, W


def interpolation(axes: Sequence[Axis], s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For `s` (M, n) the 2^n corners of its cell, as flat indices (M, 2^n), and their weights (M, 2^n)."""
    columns = np.zeros((len(s), 1), dtype=np.int32)
    weights = np.ones((len(s), 1))
    for axis, x in zip(axes, s.T, strict=True):
        below, above, share = axis.corners(x)
        columns = columns[:, None, :] * axis.points + np.stack([below, above], axis=-1)[..., None]
        weights = weights[:, None, :] * np.stack([1.0 - share, share], axis=-1)[..., None]
        columns, weights = columns.reshape(len(s), -1), weights.reshape(len(s), -1)
    return columns, weights


def grid_points(axes: Sequence[Axis]) -> np.ndarray:
    """All points (N, n) of the grid, the last coordinate running fastest."""
    return np.stack(np.meshgrid(*(axis.values for axis in axes), indexing="ij"), axis=-1).reshape(
        -1, len(axes)
    )


def action_grid(low: ArrayLike, high: ArrayLike, points: int | Sequence[int]) -> np.ndarray:
    """Every combination (A, m) of equally spaced actions between the finite bounds `low` and `high` (m,).

    points: for each coordinate, or one number for all. An odd number holds the middle, often 0.
    """
    sizes: dict[str, int] = {}
    low, high = read_array("low", low, "m", sizes), read_array("high", high, "m", sizes)
    each = np.broadcast_to(points, low.shape)
    if (each < 1).any():
        raise ValueError(f"points must be at least 1 for each action; got {points}")
    return np.array(list(product(*map(np.linspace, low, high, each))))


def _shape(axes: Sequence[Axis]) -> tuple[int, ...]:
    return tuple(axis.points for axis in axes)


def _require_grids(problem, axes, actions, gamma) -> tuple[tuple[Axis, ...], np.ndarray]:
    axes = tuple(axes)
    if len(axes) != problem.state_size:
        raise ValueError(f"axes must be n = {problem.state_size} in number; got {len(axes)}")
    if not 0.0 < gamma <= 1.0:
        raise ValueError(f"gamma must be in (0, 1]; got {gamma}")
    return axes, read_array("actions", actions, "A m", {"m": problem.action_size})
