"""Direct collocation: optimise states and actions together, the equations of motion as constraints.

Minimise over the trajectories of a :class:`ContinuousProblem`

    ∫ cost_rate(s, a) dt + final_cost(s(τ))   subject to   s' = derivative(s, a),
    s(0) = initial_state,   s(τ) = final_state (where not NaN),   limits on states and actions.

Until the error of the discretisation is small enough:

1. Transcribe: the values of state and action at points in time are the unknowns, the equations of motion
   hold by quadrature between them (`control.transcription`).
2. Solve the nonlinear program, in which each point meets its neighbours only, by an interior-point method
   (`control.interior_point`). Its iterates are no trajectories of the world until the end: what they lack
   are the *defects*.
3. Interpolate, measure how far the result is from the differential equation between the points, and cut the
   intervals where it is too far.

The trapezoid takes the derivative as linear between knots: states are quadratic, the error of the cost
falls with h². Hermite–Simpson takes it as quadratic: states are cubic, the error falls with h⁴. Neither
bounds the optimum: the quadrature of a cost may lie below every cost that a trajectory can have.

Source: Kelly, An Introduction to Trajectory Optimization (SIAM Review 59, 2017), sections 3–5.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike

from mbrl_teach.arguments import read_array, require_positive
from mbrl_teach.control import demands, interior_point
from mbrl_teach.control.interpolation import Interpolation
from mbrl_teach.control.plan import Plan
from mbrl_teach.control.transcription import SCHEMES, Transcription
from mbrl_teach.problems.base import ContinuousProblem

MAX_REFINEMENTS, MAX_PARTS = 8, 4


@dataclass(frozen=True)
class Iteration:
    """An iterate of the interior-point method, as a trajectory of points that may not obey the world yet.

    times (N+1,), states (N+1, n), actions (N+1, m): at the knots
    cost: its quadrature; infeasibility: the largest defect; optimality: the largest violation of the
        conditions of an optimum; barrier: μ; rho: the share of the step that was taken
    """

    iteration: int
    times: np.ndarray
    states: np.ndarray
    actions: np.ndarray
    cost: float
    infeasibility: float
    optimality: float
    barrier: float
    rho: float


@dataclass(frozen=True)
class CollocationPlan(Plan):
    """A plan at knots in time, and everything between them.

    times (N+1,) in s; states (N+1, n) and actions (N+1, m) are those at the knots
    midpoint_states (N, n), midpoint_actions (N, m): unknowns of Hermite–Simpson; for the trapezoid what the
        interpolation says
    errors (N,): of each interval, the integral of |s' - derivative(s, a)| along the interpolation, the
        largest of the n states
    """

    scheme: str = field(kw_only=True)
    times: np.ndarray = field(kw_only=True, repr=False)
    midpoint_states: np.ndarray = field(kw_only=True, repr=False)
    midpoint_actions: np.ndarray = field(kw_only=True, repr=False)
    errors: np.ndarray = field(kw_only=True, repr=False)
    interpolation: Interpolation = field(kw_only=True, repr=False)

    def at(self, times: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """States (M, n) and actions (M, m) at any times (M,) from 0 to the duration."""
        times = read_array("times", times, "M", {})
        if not ((times >= self.times[0]) & (times <= self.times[-1])).all():
            raise ValueError(
                f"times must lie from 0 to {self.times[-1]:g}; got {times.min()} to {times.max()}"
            )
        states, actions, _ = self.interpolation(times)
        return states, actions


def collocation(
    problem: ContinuousProblem,
    *,
    intervals: int,
    scheme: str = "trapezoid",
    initial_guess: Plan | tuple[ArrayLike, ArrayLike] | None = None,
    error_tolerance: float | None = None,
    max_iterations: int = 500,
    tolerance: float = 1e-9,
    callback: Callable[[Iteration], None] | None = None,
) -> CollocationPlan:
    """A locally optimal trajectory of `problem`, from N = `intervals` equal intervals.

    scheme: "trapezoid", or "hermite-simpson" in its separated form, where state and action at each
        mid-point are unknowns of their own and limits hold there too
    initial_guess: states (N+1, n) and actions (N+1, m), or the plan of another collocation; by default a
        straight line from the initial to the final state (where the end is free, the initial state) and
        zero actions
    error_tolerance: cut intervals until every one of `errors` is below it (at most eight times); None: never
    tolerance: of the conditions of an optimum; callback: called with each `Iteration` as it comes

    If the plan has not converged, its message says why; where the end cannot be reached within the limits,
    which entry of `final_state` and by how much.

    Raises ValueError for a wrong shape or NaN, limits that cross or exclude the initial or final state, an
    unknown scheme, and where the world's functions are not finite along the guess.
    """
    _check(problem, intervals, scheme, max_iterations, tolerance, error_tolerance)
    mesh = np.linspace(0.0, problem.duration, int(intervals) + 1)
    guess, history, refinements = initial_guess, [], 0
    while True:
        program = Transcription(problem, mesh, scheme)
        plan = _solve(program, _start(program, guess), history, max_iterations, tolerance, callback)
        if error_tolerance is None or not plan.converged or plan.errors.max() <= error_tolerance:
            return plan
        if refinements == MAX_REFINEMENTS:
            return replace(plan, converged=False, message=_too_coarse(plan, error_tolerance))
        mesh, guess, refinements = _refined(plan, error_tolerance), plan, refinements + 1


def _solve(program, start, history, max_iterations, tolerance, callback) -> CollocationPlan:
    """Solve on this mesh; where the end is out of reach, the message says so."""

    def relax(problem):
        relaxed = Transcription(problem, program.mesh, program.scheme)
        return relaxed, relaxed.unknowns(*_start(relaxed, None))

    solution = demands.solve(
        program,
        program.unknowns(*start),
        relax,
        max_iterations=max_iterations,
        tolerance=tolerance,
        callback=_recorder(program, history, callback),
    )
    return _plan(program, solution, history)


def _check(problem, intervals, scheme, max_iterations, tolerance, error_tolerance) -> None:
    if not (intervals >= 1 and intervals == int(intervals)):
        raise ValueError(f"intervals must be a whole number from 1 on; got {intervals}")
    if scheme not in SCHEMES:
        raise ValueError(f"scheme must be one of {SCHEMES}; got {scheme!r}")
    if not (max_iterations >= 0 and tolerance > 0):
        raise ValueError(f"max_iterations must be >= 0, tolerance > 0; got {max_iterations=}, {tolerance=}")
    require_positive(
        duration=problem.duration, error_tolerance=1.0 if error_tolerance is None else error_tolerance
    )
    demands.check_limits(problem)


def _start(program: Transcription, guess) -> tuple[np.ndarray, np.ndarray]:
    """States (P, n) and actions (P, m) of the guess at the points of the mesh."""
    problem, times = program.problem, program.times
    sizes = {"n": program.n, "m": program.m, "N+1": len(program.mesh)}
    if isinstance(guess, CollocationPlan):
        return guess.at(times)
    if guess is None:
        end = np.where(np.isnan(problem.final_state), problem.initial_state, problem.final_state)
        share = times[:, None] / problem.duration
        return (1.0 - share) * problem.initial_state + share * end, np.zeros((program.P, program.m))
    states, actions = (guess.states, guess.actions) if isinstance(guess, Plan) else guess
    states = read_array("initial_guess states", states, "N+1 n", sizes)
    actions = read_array("initial_guess actions", actions, "N+1 m", sizes)
    between = lambda values: np.stack([np.interp(times, program.mesh, x) for x in values.T], axis=1)
    return between(states), between(actions)


def _recorder(program: Transcription, history: list, callback) -> Callable:
    """What turns the solver's iterates into trajectories, and keeps them in `history`."""

    def record(it: interior_point.Iteration) -> None:
        states, actions = program.trajectory(it.x)
        if not np.isfinite([it.objective, it.infeasibility]).all():
            raise ValueError(f"cost_rate or derivative of {type(program.problem).__name__} is not finite")
        every = slice(None, None, program.points_per_interval)
        history.append(
            Iteration(
                iteration=len(history),
                times=program.mesh,
                states=states[every],
                actions=actions[every],
                cost=it.objective,
                infeasibility=it.infeasibility,
                optimality=it.optimality,
                barrier=it.barrier,
                rho=it.rho,
            )
        )
        if callback is not None:
            callback(history[-1])

    return record


def _plan(program, solution, history) -> CollocationPlan:
    problem, mesh = program.problem, program.mesh
    states, actions = program.trajectory(solution.x)
    interpolation = Interpolation(mesh, states, actions, problem.derivative(states, actions))
    midpoint_states, midpoint_actions, _ = interpolation((mesh[:-1] + mesh[1:]) / 2.0)
    every = slice(None, None, program.points_per_interval)
    return CollocationPlan(
        states=states[every],
        actions=actions[every],
        cost=history[-1].cost,
        converged=solution.converged,
        iterations=len(history) - 1,
        message=solution.message,
        history=tuple(history),
        scheme=program.scheme,
        times=mesh,
        midpoint_states=midpoint_states,
        midpoint_actions=midpoint_actions,
        errors=interpolation.errors(problem),
        interpolation=interpolation,
    )


def _refined(plan: CollocationPlan, error_tolerance: float) -> np.ndarray:
    """The mesh with every interval whose error is too large cut into equal parts."""
    order = 3 if plan.scheme == "trapezoid" else 5
    parts = np.ceil((plan.errors / error_tolerance) ** (1.0 / order)).astype(int).clip(1, MAX_PARTS)
    pieces = zip(plan.times[:-1], plan.times[1:], parts, strict=True)
    inner = [np.linspace(left, right, p, endpoint=False) for left, right, p in pieces]
    return np.concatenate([*inner, plan.times[-1:]])


def _too_coarse(plan: CollocationPlan, error_tolerance: float) -> str:
    return (
        f"stopped after {MAX_REFINEMENTS} refinements with {len(plan.errors)} intervals: "
        f"the largest error is {plan.errors.max():.1e}, asked for is {error_tolerance:.1e}"
    )
