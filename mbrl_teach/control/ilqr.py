"""Iterative LQR and differential dynamic programming.

Minimise over a_1 … a_T

    sum_t cost(s_t, a_t) + final_cost(s_{T+1})
    subject to  s_{t+1} = dynamics(s_t, a_t),   low <= a_t <= high.

Follow some actions ā through the world, and call the states s̄. Until nothing is left to gain:

1. Expand: the derivatives of dynamics and cost along s̄, ā.
2. Backward: deviations from s̄, ā obey, near them, a linear-quadratic problem; its solution is a policy
   δa_t = K_t δs_t + k_t (`control.backward_pass`). Where Q_aa is not positive definite, raise μ and
   do it again.
3. Forward: try the policy in the true world for ρ = 1, 1/2, 1/4 …

       a_t = clip(ā_t + ρ k_t + K_t (s_t - s̄_t), low, high),   s_{t+1} = dynamics(s_t, a_t)

   and take the largest ρ that brings a fair share of the decrease that the model promises,

       D(ρ) = -sum_t (ρ k_t' q_a + ρ²/2 k_t' Q_aa k_t).

   Lower μ if there is one, raise it if not.

With the second derivatives of the dynamics this is DDP, which converges quadratically; without them it is
the Gauss–Newton method called iLQR, which converges linearly.

Source: Mayne (1966) and Jacobson & Mayne (1970), Differential dynamic programming; Li & Todorov (2004),
Iterative linear quadratic regulator design; Tassa, Erez & Todorov (2012), Synthesis and stabilization of
complex behaviors through online trajectory optimization, section II (line search, schedule of μ); Tassa,
Mansard & Todorov (2014), Control-limited differential dynamic programming (limits).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mbrl_teach.arguments import read_array, require_finite
from mbrl_teach.control.backward_pass import Sweep, backward_pass, expand
from mbrl_teach.control.plan import Plan
from mbrl_teach.problems.base import ControlProblem

RHO = 0.5 ** np.arange(11.0)  # the steps that the line search tries
FAIR_SHARE = 1e-4  # of the promised decrease: Nocedal & Wright (2006), section 3.1
MU_FACTOR, MU_MIN, MU_MAX = 2.0, 1e-6, 1e10  # Tassa, Erez & Todorov (2012), section II-F
ROUNDING = 1e-14  # of the cost: a smaller decrease drowns in the rounding of its sum


@dataclass(frozen=True)
class Iteration:
    """A trajectory on the way, and the step that led to it. Iteration 0 is the start.

    states (T+1, n), actions (T, m), cost: the trajectory
    gradient_norm: the largest entry of q_a on it; with limits, of what the box leaves of -q_a
    mu: of the backward pass on it
    decrease, expected_decrease: of the cost by the step: what came, and what the model had promised
    rho: the share of the step that was taken; 0 if none was fair and only μ changed
    """

    iteration: int
    states: np.ndarray
    actions: np.ndarray
    cost: float
    gradient_norm: float
    mu: float
    decrease: float
    expected_decrease: float
    rho: float


def ilqr(
    problem: ControlProblem,
    initial_actions: ArrayLike | None = None,
    *,
    second_order: bool = False,
    max_iterations: int = 500,
    tolerance: float = 1e-9,
    callback: Callable[[Iteration], None] | None = None,
) -> Plan:
    """Improve `initial_actions` (T, m), by default zeros, to a local optimum of `problem`.

    second_order: use the second derivatives of the dynamics (DDP); False is Gauss–Newton (iLQR)
    tolerance: stop when no more than this is left to gain, in the units of the cost (estimated from the
        last two promises, as a slow method has more left than its next step)
    callback: called with each `Iteration` as it comes

    Initial actions outside the limits are clipped. The plan's history holds every `Iteration` from the
    start to the plan itself. Its policy a_t = K_t s_t + k_t follows the plan and corrects deviations; with
    limits, clip what it says. If the plan has not converged, its message says why.

    Raises ValueError for a wrong shape or NaN in an argument, for limits that cross, and where the
    world's functions or derivatives are not finite (with the step).
    """
    if not (max_iterations >= 0 and tolerance >= 0):
        raise ValueError(f"max_iterations and tolerance must be >= 0; got {max_iterations=}, {tolerance=}")
    trajectory, low, high = _start(problem, initial_actions)
    mu, history, step, expansion, previous = _Regularisation(), [], _Step(), None, None
    while True:
        states, actions, cost = trajectory
        if expansion is None:
            expansion = expand(problem, states, actions, second_order)
        box = _box(actions, low, high)
        sweep = _regularised_backward_pass(expansion, box, mu)
        gradient_norm = sweep.gradient_norm(box)
        history.append(Iteration(len(history), states, actions, cost, gradient_norm, mu.value, *step))
        if callback is not None:
            callback(history[-1])
        enough = max(tolerance, ROUNDING * abs(cost))
        newton = None
        if mu.value > 0 and sweep.expected_decrease(1.0) <= enough:  # is the end near, or is it μ?
            newton = backward_pass(expand(problem, states, actions, True), 0.0, box)
        converged, message = _verdict(history, sweep, previous, newton, max_iterations, enough)
        if message:
            last = newton if converged and newton is not None else sweep
            return _plan(trajectory, last, converged, message, history)
        step, trajectory = _line_search(problem, trajectory, sweep, low, high)
        if step.rho > 0:
            expansion, previous = None, sweep
            mu.shrink()
        else:
            previous = None
            mu.grow()


class _Trajectory(NamedTuple):
    states: np.ndarray
    actions: np.ndarray
    cost: float


class _Step(NamedTuple):
    decrease: float = 0.0
    expected_decrease: float = 0.0
    rho: float = 0.0


class _Regularisation:
    """μ, which grows or shrinks the faster, the longer it has done so."""

    def __init__(self):
        self.value, self.factor = 0.0, 1.0

    def grow(self):
        self.factor = max(MU_FACTOR, self.factor * MU_FACTOR)
        self.value = max(MU_MIN, self.value * self.factor)

    def shrink(self):
        self.factor = min(1.0 / MU_FACTOR, self.factor / MU_FACTOR)
        self.value = self.value * self.factor if self.value * self.factor >= MU_MIN else 0.0


def _start(problem, initial_actions):
    """The trajectory to improve, and the limits (m,) of an action."""
    sizes = {"n": problem.state_size, "m": problem.action_size, "T": problem.horizon}
    if not sizes["T"] >= 1:
        raise ValueError(f"problem.horizon must be at least 1; got {problem.horizon}")
    low = read_array("problem.action_low", problem.action_low, "m", sizes, finite=False)
    high = read_array("problem.action_high", problem.action_high, "m", sizes, finite=False)
    if not ((low <= high) & (low < np.inf) & (high > -np.inf)).all():
        raise ValueError(f"problem.action_low must be at most action_high; got {low} and {high}")
    read_array("problem.initial_state", problem.initial_state, "n", sizes)
    if initial_actions is None:
        initial_actions = np.zeros((sizes["T"], sizes["m"]))
    actions = np.clip(read_array("initial_actions", initial_actions, "T m", sizes), low, high)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # the checks below say it better
        states, cost = problem.rollout(actions)
        require_finite("the states that initial_actions lead to", states, "T+1 n")
        require_finite("the cost along initial_actions", problem.cost(states[:-1], actions), "T")
    if not np.isfinite(cost):
        raise ValueError(f"the final cost that initial_actions lead to must be finite; got {cost}")
    return _Trajectory(states, actions, cost), low, high


def _box(actions, low, high):
    """How far each action (T, m) may move down and up; None without limits."""
    bounded = np.isfinite(low).any() or np.isfinite(high).any()
    return (low - actions, high - actions) if bounded else None


def _regularised_backward_pass(expansion, box, mu) -> Sweep:
    """Raise μ until Q_aa + μI is positive definite everywhere."""
    sweep = backward_pass(expansion, mu.value, box)
    while sweep.failed_at is not None and mu.value <= MU_MAX:
        mu.grow()
        sweep = backward_pass(expansion, mu.value, box)
    return sweep


def _verdict(history, sweep, previous, newton, max_iterations, enough):
    """Whether the end is reached, and why the search stops; "" if it goes on.

    Without μ the promises tell what is left. With μ they may be small for its sake alone, and Gauss–Newton
    may need it even at a minimum; there the pass with all second derivatives and no μ tells.
    """
    last = history[-1]
    if sweep.failed_at is not None:
        where = f"t = {sweep.failed_at + 1} (array index {sweep.failed_at})"
        return False, f"Q_aa + μI is not positive definite at {where}, even with μ = {last.mu:.0e}"
    promise, left = sweep.expected_decrease(1.0), np.inf
    if last.mu == 0:
        left = _left_to_gain(promise, previous)
    elif newton is not None and newton.failed_at is None:
        left = newton.expected_decrease(1.0)
    elif newton is not None and last.gradient_norm <= np.sqrt(enough):
        where = f"t = {newton.failed_at + 1} (array index {newton.failed_at})"
        return False, f"the cost is stationary, but no minimum: Q_aa is not positive definite at {where}"
    if left <= enough:
        return True, f"no more than about {max(left, 0.0):.0e} is left to gain"
    if last.mu > MU_MAX:
        return False, "no step lowers the cost: do the derivatives belong to the functions?"
    if last.iteration >= max_iterations:
        return False, f"stopped by max_iterations = {max_iterations}; the next step promised {promise:.1e}"
    return False, ""


def _left_to_gain(promise, previous):
    """All decreases to come, if each full step leaves the same share of what was left as the last one did.

    Where a step leaves the share r of the way to the optimum, promises shrink by r² and the first of them is
    (1 - r) of the whole.
    """
    if previous is None:
        return promise
    r = np.sqrt(max(promise, 0.0) / previous.expected_decrease(1.0))
    return promise / (1.0 - r) if r < 1.0 else np.inf


def _line_search(problem, trajectory, sweep, low, high):
    """The step with the largest ρ that brings a fair share of its promise, and where it leads."""
    states, actions, costs = _forward_passes(problem, trajectory, sweep, low, high)
    decreases, promises = trajectory.cost - costs, sweep.expected_decrease(RHO)
    fair = decreases >= FAIR_SHARE * promises
    if not fair.any():
        return _Step(), trajectory
    i = int(np.argmax(fair))
    step = _Step(float(decreases[i]), float(promises[i]), float(RHO[i]))
    return step, _Trajectory(states[:, i].copy(), actions[:, i].copy(), float(costs[i]))


def _forward_passes(problem, trajectory, sweep, low, high):
    """Follow the policy for all R values of ρ at once: batched, eleven rollouts cost little more than one.

    Returns states (T+1, R, n), actions (T, R, m), costs (R,), infinite where a number was not finite.
    """
    (T, m), n, R = trajectory.actions.shape, trajectory.states.shape[1], len(RHO)
    states, actions = np.empty((T + 1, R, n)), np.empty((T, R, m))
    states[0] = trajectory.states[0]
    K_T = np.swapaxes(sweep.K, -1, -2)
    k = _offset(trajectory, sweep)[:, None] + RHO[:, None] * sweep.k[:, None]  # a_t = K_t s_t + k_t
    bounded = _box(trajectory.actions, low, high) is not None
    low, high = np.tile(low, (R, 1)), np.tile(high, (R, 1))  # operands of one shape: 0.3 µs, not 1 µs
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for t in range(T):
            a = states[t].dot(K_T[t]) + k[t]
            actions[t] = a = np.minimum(np.maximum(a, low), high) if bounded else a
            states[t + 1] = problem.dynamics(states[t], a)
        costs = problem.cost(states[:-1], actions).sum(axis=0) + problem.final_cost(states[-1])
    return states, actions, np.where(np.isfinite(costs), costs, np.inf)


def _offset(trajectory, sweep):
    """ā_t - K_t s̄_t, so that a_t = K_t s_t + offset_t stays on the trajectory."""
    return trajectory.actions - np.einsum("tij,tj->ti", sweep.K, trajectory.states[:-1])


def _plan(trajectory, sweep, converged, message, history):
    policy = (sweep.K, _offset(trajectory, sweep)) if sweep.failed_at is None else None
    return Plan(*trajectory, converged, len(history) - 1, message, tuple(history), policy)
