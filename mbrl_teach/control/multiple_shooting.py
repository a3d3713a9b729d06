"""Multiple shooting: cut the horizon into segments, and let the optimiser close the gaps.

The horizon T is cut into M segments of L = T/M steps. Unknown are the actions, and the states x_1 … x_{M+1}
at which segments begin and the last one ends. With φ(x_k, a) the state at which the world ends up after a
segment,

    minimise    sum over segments of their cost + final_cost(x_{M+1})
    subject to  φ(x_k, a of segment k) - x_{k+1} = 0,      x_1 = initial_state,      limits.

No Jacobians are multiplied beyond the end of a segment, so that none explodes; until the end there are gaps
between the segments, and limits on states can be obeyed where segments meet. M = T takes every state as an
unknown: collocation with the steps of `dynamics`. M = 1 is single shooting, but for the end.

The nonlinear program goes to the interior-point method of `control.interior_point`, with second derivatives
condensed from those of the steps (`control.sensitivities`).

Source: Bock & Plitt, A multiple shooting algorithm for direct solution of optimal control problems (IFAC
World Congress 1984); Betts, Practical Methods for Optimal Control (2010), section 3.4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mbrl_teach.arguments import read_array
from mbrl_teach.control import demands, interior_point
from mbrl_teach.control.plan import Plan
from mbrl_teach.control.sensitivities import condense
from mbrl_teach.problems.base import ControlProblem


@dataclass(frozen=True)
class Iteration:
    """An iterate, with gaps between its segments until the end.

    segments (M, L+1, n): the states of each segment, its end included; actions (T, m); nodes (M+1, n): x_k
    cost: of the segments and of the last node; infeasibility: the largest gap; optimality: the largest
        violation of the conditions of an optimum; rho: the share of the step that was taken
    """

    iteration: int
    segments: np.ndarray
    nodes: np.ndarray
    actions: np.ndarray
    cost: float
    infeasibility: float
    optimality: float
    rho: float


def multiple_shooting(
    problem: ControlProblem,
    initial_actions: ArrayLike | None = None,
    initial_states: ArrayLike | None = None,
    *,
    segments: int | None = None,
    max_iterations: int = 500,
    tolerance: float = 1e-9,
    callback: Callable[[Iteration], None] | None = None,
) -> Plan:
    """A local optimum of `problem`, with M = `segments` segments, by default one per step.

    initial_actions (T, m): zeros if None
    initial_states (T+1, n): those that the segments begin with are taken; if None, the straight line from
        the initial to the final state if the problem demands one, else the states that `initial_actions`
        lead to
    tolerance: of the conditions of an optimum; callback: called with each `Iteration` as it comes

    A `final_state` (NaN where free) and the limits `state_low`, `state_high` of a ContinuousProblem hold
    where segments meet. If the plan has not converged, its message says why; where the end cannot be reached
    within the limits, which entry of `final_state` and by how much.

    Raises ValueError for a wrong shape or NaN, limits that cross or exclude the initial or final state, a
    number of segments that does not divide the horizon, and where the guess leads to a cost or states that
    are not finite.
    """
    T = problem.horizon
    M = T if segments is None else segments
    if not (M >= 1 and T % M == 0):
        raise ValueError(f"segments must divide the horizon T = {T}; got {segments}")
    if not (max_iterations >= 0 and tolerance > 0):
        raise ValueError(f"max_iterations must be >= 0, tolerance > 0; got {max_iterations=}, {tolerance=}")
    demands.check_limits(problem)
    program = Segments(problem, int(M))
    start = program.guess(initial_actions, initial_states)
    history: list[Iteration] = []

    def record(it: interior_point.Iteration) -> None:
        nodes, actions = program.trajectory(it.x)
        states = program.shoot(nodes, actions)
        if not np.isfinite([it.objective, it.infeasibility]).all():
            raise ValueError(f"cost or dynamics of {type(problem).__name__} are not finite along the guess")
        flat = actions.reshape(T, -1)
        history.append(
            Iteration(
                len(history), states, nodes, flat, it.objective, it.infeasibility, it.optimality, it.rho
            )
        )
        if callback is not None:
            callback(history[-1])

    def relax(problem):
        relaxed = Segments(problem, program.M)
        return relaxed, relaxed.guess(None, None)

    solution = demands.solve(
        program, start, relax, max_iterations=max_iterations, tolerance=tolerance, callback=record
    )
    last = history[-1]
    states = np.concatenate([last.segments[:, :-1].reshape(T, -1), last.nodes[-1:]])
    return Plan(
        states, last.actions, last.cost, solution.converged, last.iteration, solution.message, tuple(history)
    )


class Segments:
    """The nonlinear program; unknowns are the free entries of [x_k; actions of segment k], k = 1 … M, and
    of x_{M+1}."""

    def __init__(self, problem: ControlProblem, M: int):
        self.problem, self.M, self.L = problem, M, problem.horizon // M
        self.n, self.m = problem.state_size, problem.action_size
        self.size = self.n + self.L * self.m
        self._limits()
        self._places()
        self._memory = None

    def _limits(self) -> None:
        p, n = self.problem, self.n
        sizes = {"n": n, "m": self.m}
        read = lambda name, default, axes: read_array(
            name, getattr(p, name, default), axes, sizes, finite=False
        )
        state_low, state_high = (
            read("state_low", np.full(n, -np.inf), "n"),
            read("state_high", np.full(n, np.inf), "n"),
        )
        action_low, action_high = read("action_low", None, "m"), read("action_high", None, "m")
        row = lambda state, action: np.concatenate([state, np.tile(action, self.L)])
        low = np.tile(row(state_low, action_low), (self.M, 1)).ravel()
        high = np.tile(row(state_high, action_high), (self.M, 1)).ravel()
        low, high = np.concatenate([low, state_low]), np.concatenate([high, state_high])
        self.fixed = np.full(low.shape, np.nan)
        self.fixed[:n] = read_array("problem.initial_state", p.initial_state, "n", sizes)
        self.fixed[-n:] = self.demanded = read("final_state", np.full(n, np.nan), "n")
        self.fixed = np.where(np.isnan(self.fixed) & (low == high), low, self.fixed)
        self.free = np.isnan(self.fixed)
        self.low, self.high = low[self.free], high[self.free]

    def _places(self) -> None:
        column = np.full(len(self.fixed), -1)
        column[self.free] = np.arange(self.free.sum())
        blocks, M, n = column[: -self.n].reshape(self.M, self.size), self.M, self.n
        nodes = np.concatenate([blocks[1:, :n], column[None, -n:]])
        row = np.arange(M * n).reshape(M, n)
        i, j = np.broadcast_arrays(row[:, :, None], blocks[:, None, :])
        self._ends_kept, self._nodes_kept = j >= 0, nodes >= 0
        self.jacobian_places = (
            np.concatenate([i[self._ends_kept], row[self._nodes_kept]]),
            np.concatenate([j[self._ends_kept], nodes[self._nodes_kept]]),
        )
        i, j = np.broadcast_arrays(blocks[:, :, None], blocks[:, None, :])
        last = np.broadcast_arrays(column[-n:, None], column[None, -n:])
        self._W_kept, self._V_kept = (i >= 0) & (j >= 0), (last[0] >= 0) & (last[1] >= 0)
        self.hessian_places = (
            np.concatenate([i[self._W_kept], last[0][self._V_kept]]),
            np.concatenate([j[self._W_kept], last[1][self._V_kept]]),
        )

    def guess(self, actions: ArrayLike | None, states: ArrayLike | None) -> np.ndarray:
        """The free entries of the first iterate."""
        T, sizes = self.M * self.L, {"n": self.n, "m": self.m, "T": self.M * self.L}
        actions = read_array(
            "initial_actions", np.zeros((T, self.m)) if actions is None else actions, "T m", sizes
        )
        if states is not None:
            states = read_array("initial_states", states, "T+1 n", sizes)
        elif np.isnan(self.demanded).all():
            states, _ = self.problem.rollout(actions)
        else:
            end = np.where(np.isnan(self.demanded), self.fixed[: self.n], self.demanded)
            states = np.linspace(self.fixed[: self.n], end, T + 1)
        return self.unknowns(states[:: self.L], actions)

    def unknowns(self, nodes: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """The free entries x of nodes (M+1, n) and actions (M, L, m) or (T, m)."""
        blocks = np.concatenate([nodes[:-1], actions.reshape(self.M, -1)], axis=1)
        return np.concatenate([blocks.ravel(), nodes[-1]])[self.free]

    def trajectory(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Nodes (M+1, n) and actions (M, L, m)."""
        values = self.fixed.copy()
        values[self.free] = x
        blocks = values[: -self.n].reshape(self.M, self.size)
        nodes = np.concatenate([blocks[:, : self.n], values[None, -self.n :]])
        return nodes, blocks[:, self.n :].reshape(self.M, self.L, self.m)

    def shoot(self, nodes: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """The states (M, L+1, n) of all segments, side by side."""
        states = np.empty((self.M, self.L + 1, self.n))
        states[:, 0] = nodes[:-1]
        for t in range(self.L):
            states[:, t + 1] = self.problem.dynamics(states[:, t], actions[:, t])
        return states

    def objective(self, x: np.ndarray) -> float:
        """Cost of the segments and of the last node."""
        nodes, actions, states = self._at(x)
        return float(self.problem.cost(states[:, :-1], actions).sum() + self.problem.final_cost(nodes[-1]))

    def constraints(self, x: np.ndarray) -> np.ndarray:
        """The gaps (M n,)."""
        nodes, _, states = self._at(x)
        return (states[:, -1] - nodes[1:]).ravel()

    def gradient(self, x: np.ndarray) -> np.ndarray:
        """Of the objective."""
        nodes, _, _ = self._at(x)
        blocks = self._condensed(x, np.zeros((self.M, self.n)), False).gradient
        return np.concatenate([blocks.ravel(), self.problem.quadratize_final(nodes[-1])[1]])[self.free]

    def jacobian(self, x: np.ndarray) -> np.ndarray:
        """∂φ for the unknowns of the segment, -1 for the node that follows."""
        ends = self._condensed(x, np.zeros((self.M, self.n)), False).end
        return np.concatenate([ends[self._ends_kept], np.full(self._nodes_kept.sum(), -1.0)])

    def hessian(self, x: np.ndarray, multipliers: np.ndarray) -> np.ndarray:
        """Of the Lagrangian, segment by segment."""
        nodes, _, _ = self._at(x)
        blocks = self._condensed(x, multipliers.reshape(self.M, self.n), True).hessian
        return np.concatenate(
            [blocks[self._W_kept], self.problem.quadratize_final(nodes[-1])[0][self._V_kept]]
        )

    def _at(self, x: np.ndarray):
        """Nodes, actions and states at x; the last x is remembered, since each is asked for several times."""
        if self._memory is None or not np.array_equal(self._memory[0], x):
            nodes, actions = self.trajectory(x)
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                self._memory = x.copy(), (nodes, actions, self.shoot(nodes, actions)), None
        return self._memory[1]

    def _condensed(self, x, end, second_order):
        _, actions, states = self._at(x)
        return condense(self.problem, states, actions, end, second_order)
