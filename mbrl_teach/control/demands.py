"""Demands on a plan, limits and a final state: refused where they exclude each other, named where they cannot
be met.

Limits that cross are seen at once. Whether an end can be reached is not: where the solver stops with gaps
left between what it has and what the world does, one cannot see why. So a second problem is solved that *has*
an answer: forget the cost, and come as near to the demanded end as the limits allow,

    minimise    1/2 |s_end - final_state|²     subject to the same equations of motion and limits.

If that end is near, its trajectory is a new start for the first problem; if not, the entries that stay away
are what cannot be met.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from mbrl_teach.arguments import read_array
from mbrl_teach.control import interior_point
from mbrl_teach.problems.base import ControlProblem

SMALL = 1e-8  # price of actions while the nearest end is looked for
NOT_MET = 1e-6  # a defect that is no rounding
OUT_OF_REACH = 1e-3  # how far from the demanded end the nearest one may be, relative to max(1, |end|)


def check_limits(problem: ControlProblem) -> None:
    """Raises ValueError, with the entry, for limits that cross or exclude the initial or the final state."""
    n, sizes = problem.state_size, {"n": problem.state_size, "m": problem.action_size}
    read = lambda name, size, default=None: read_array(
        name, getattr(problem, name, default), size, sizes, finite=False
    )
    initial = read_array("initial_state", problem.initial_state, "n", sizes)
    low, high = read("state_low", "n", np.full(n, -np.inf)), read("state_high", "n", np.full(n, np.inf))
    actions = "action", read("action_low", "m"), read("action_high", "m")
    for kind, least, most in (("state", low, high), actions):
        for i in np.flatnonzero(~(least <= most)):
            raise ValueError(
                f"{kind}_low[{i}] must be at most {kind}_high[{i}]; got {least[i]:g} and {most[i]:g}"
            )
    for name, state in (("initial_state", initial), ("final_state", demanded_end(problem))):
        for i in np.flatnonzero((state < low) | (state > high)):
            limits = f"state_low[{i}] = {low[i]:g} and state_high[{i}] = {high[i]:g}"
            raise ValueError(f"{name}[{i}] = {state[i]:g} must lie between {limits}")


def demanded_end(problem: ControlProblem) -> np.ndarray:
    """`final_state` (n,), NaN where the end is free."""
    n = problem.state_size
    end = getattr(problem, "final_state", np.full(n, np.nan))
    return read_array("final_state", end, "n", {"n": n}, finite=False)


def solve(
    program, start: np.ndarray, relax: Callable, *, max_iterations: int, tolerance: float, callback: Callable
) -> interior_point.Solution:
    """A local minimum of `program` from the unknowns `start`, or a message that says what cannot be met.

    program: a nonlinear program with its `problem`, `trajectory(x)` -> states, actions, and the inverse of
        that, `unknowns`
    relax: makes of another problem its program, and the unknowns to begin with
    """
    options = {"tolerance": tolerance, "callback": callback}
    solution = interior_point.solve(program, start, max_iterations=max_iterations, **options)
    left = max_iterations + 1 - len(solution.history)
    if solution.converged or left <= 0 or solution.history[-1].infeasibility <= NOT_MET:
        return solution
    relaxed, guess = relax(_nearest_end(program.problem))
    nearest = interior_point.solve(relaxed, guess, tolerance=tolerance).x
    states, actions = relaxed.trajectory(nearest)
    not_met = _what_cannot_be_met(program.problem, states[-1], relaxed.constraints(nearest))
    if not_met:
        return replace(solution, message=not_met)
    return interior_point.solve(program, program.unknowns(states, actions), max_iterations=left, **options)


def _nearest_end(problem: ControlProblem) -> ControlProblem:
    """The same world and limits, where only the distance from the demanded end counts."""
    end, n, m = demanded_end(problem), problem.state_size, problem.action_size
    demanded = ~np.isnan(end)
    miss = lambda s: np.where(demanded, s - end, 0.0)
    curvature = np.diag(np.concatenate([np.zeros(n), np.full(m, 2.0 * SMALL)]))

    def quadratize(s, a):
        return np.broadcast_to(curvature, (*a.shape[:-1], n + m, n + m)), problem._join(
            0.0 * s, a
        ) @ curvature

    nearest = copy.copy(problem)
    nearest.final_state = np.full(n, np.nan)
    nearest.cost = nearest.cost_rate = lambda s, a: SMALL * (a * a).sum(axis=-1)
    nearest.quadratize = nearest.quadratize_rate = quadratize
    nearest.final_cost = lambda s: 0.5 * (miss(s) ** 2).sum(axis=-1)
    nearest.quadratize_final = lambda s: (np.diag(demanded.astype(float)), miss(s))
    return nearest


def _what_cannot_be_met(problem: ControlProblem, end: np.ndarray, defects: np.ndarray) -> str:
    """Which entries of the final state the nearest `end` (n,) does not reach, if any."""
    if np.abs(defects).max() > NOT_MET:
        return "no trajectory from the initial state was found that stays within the limits, whatever its end"
    target = demanded_end(problem)
    far = np.abs(end - target) > OUT_OF_REACH * np.maximum(1.0, np.abs(target))
    return "; ".join(
        f"final_state[{i}] = {target[i]:g} cannot be reached within the limits: "
        f"the nearest end found is {end[i]:.4g}"
        for i in np.flatnonzero(far)
    )
