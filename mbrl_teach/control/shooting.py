"""Single shooting: optimise actions, and let the world say which states they lead to.

Minimise over a_1 … a_T, within their limits,

    J(a) = sum_t cost(s_t, a_t) + final_cost(s_{T+1}),      s_{t+1} = dynamics(s_t, a_t).

The states are functions of the actions, so every iterate is a trajectory of the world, and there are no
constraints but limits of actions. The gradient comes from the adjoint sweep (`control.sensitivities`) at
the cost of a rollout or two, however many actions there are; what is done with it is the choice of
`method`:

    "l-bfgs"         a quasi-Newton method, which learns the curvature of J from its gradients
    "gauss-newton"   H = sum_t Z_t' C_t Z_t + Z_{T+1}' V Z_{T+1}, with Z_t = ∂[s_t; a_t]/∂a and
                     Z_{T+1} = ∂s_{T+1}/∂a, products of Jacobians; the step minimises
                     1/2 d'(H + μI)d + d'∇J in the box that the limits leave

Either way a_1 acts on s_{T+1} through F_{s,T} … F_{s,2} F_{a,1}, a product that explodes or vanishes as T
grows: see :func:`multiple_shooting` for the remedy.

Source: Betts, Practical Methods for Optimal Control (2010), section 3.3; Byrd, Lu, Nocedal & Zhu, A limited
memory algorithm for bound constrained optimization (SIAM Journal on Scientific Computing 16, 1995), as
scipy has it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize

from mbrl_teach.arguments import read_array, require_finite
from mbrl_teach.control.box_qp import minimise_in_box
from mbrl_teach.control.multiple_shooting import multiple_shooting
from mbrl_teach.control.plan import Plan
from mbrl_teach.control.sensitivities import adjoint_gradient, condense
from mbrl_teach.problems.base import ControlProblem

__all__ = ["METHODS", "Iteration", "multiple_shooting", "shooting"]

METHODS = ("l-bfgs", "gauss-newton")
MEMORY = 30  # pairs of steps and gradients that L-BFGS keeps
RHO = 0.5 ** np.arange(12.0)
FAIR_SHARE = 1e-4
MU_MIN, MU_MAX = 1e-6, 1e10


@dataclass(frozen=True)
class Iteration:
    """A trajectory on the way: states (T+1, n), actions (T, m), cost, the largest entry of the gradient
    that the limits leave, and its place in the sequence.
    """

    iteration: int
    states: np.ndarray
    actions: np.ndarray
    cost: float
    gradient_norm: float


def shooting(
    problem: ControlProblem,
    initial_actions: ArrayLike | None = None,
    *,
    method: str = "l-bfgs",
    max_iterations: int = 500,
    tolerance: float = 1e-6,
    callback: Callable[[Iteration], None] | None = None,
) -> Plan:
    """Improve `initial_actions` (T, m), by default zeros, to a local optimum of `problem`.

    tolerance: stop when no entry of the gradient, as far as limits leave it, is above this
    callback: called with each `Iteration` as it comes

    Initial actions outside the limits are clipped. A final state that is demanded plays no part: only
    `final_cost` does. If the plan has not converged, its message says why.

    Raises ValueError for a wrong shape or NaN in an argument, an unknown method, limits that cross, and
    where `initial_actions` lead to states or a cost that are not finite (with the step).
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {METHODS}; got {method!r}")
    if not (max_iterations >= 0 and tolerance > 0):
        raise ValueError(f"max_iterations must be >= 0, tolerance > 0; got {max_iterations=}, {tolerance=}")
    search = _Search(problem, initial_actions, callback)
    run = _l_bfgs if method == "l-bfgs" else _gauss_newton
    message = run(search, max_iterations, tolerance)
    last = search.history[-1]
    converged = last.gradient_norm <= tolerance
    if converged:
        message = f"no entry of the gradient is above {last.gradient_norm:.1e}"
    return Plan(
        last.states, last.actions, last.cost, converged, last.iteration, message, tuple(search.history)
    )


class _Search:
    """The problem, its limits, and the trajectories so far."""

    def __init__(self, problem, initial_actions, callback):
        sizes = {"n": problem.state_size, "m": problem.action_size, "T": problem.horizon}
        self.problem, self.callback, self.shape = problem, callback, (sizes["T"], sizes["m"])
        low = read_array("problem.action_low", problem.action_low, "m", sizes, finite=False)
        high = read_array("problem.action_high", problem.action_high, "m", sizes, finite=False)
        if not (low <= high).all():
            raise ValueError(f"problem.action_low must be at most action_high; got {low} and {high}")
        self.low, self.high = np.broadcast_to(low, self.shape), np.broadcast_to(high, self.shape)
        if initial_actions is None:
            initial_actions = np.zeros(self.shape)
        actions = np.clip(read_array("initial_actions", initial_actions, "T m", sizes), low, high)
        states, cost = self.rollout(actions)
        require_finite("the states that initial_actions lead to", states, "T+1 n")
        if not np.isfinite(cost):
            raise ValueError(f"the cost that initial_actions lead to must be finite; got {cost}")
        self.history: list[Iteration] = []
        self.record(states, actions, cost, self.gradient(states, actions))

    def rollout(self, actions):
        """States (T+1, n) and the cost, inf where one or the other is not finite."""
        problem = self.problem
        states = np.empty((len(actions) + 1, problem.state_size))
        states[0] = problem.initial_state
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            for t, a in enumerate(actions):
                states[t + 1] = problem.dynamics(states[t], a)
            cost = float(problem.cost(states[:-1], actions).sum() + problem.final_cost(states[-1]))
        return states, cost if np.isfinite(cost) and np.isfinite(states[-1]).all() else np.inf

    def gradient(self, states, actions):
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            return adjoint_gradient(self.problem, states, actions)[0]

    def record(self, states, actions, cost, gradient):
        left = np.abs(np.clip(actions - gradient, self.low, self.high) - actions).max()
        self.history.append(Iteration(len(self.history), states, actions, cost, float(left)))
        if self.callback is not None:
            self.callback(self.history[-1])


def _l_bfgs(search: _Search, max_iterations: int, tolerance: float) -> str:
    """scipy's L-BFGS-B; why it stopped."""
    known = {}  # the trajectory of the last call: scipy reports x alone

    def cost_and_gradient(x):
        actions = x.reshape(search.shape).copy()
        states, cost = search.rollout(actions)
        gradient = search.gradient(states, actions) if np.isfinite(cost) else np.full(x.shape, np.inf)
        if not np.isfinite(gradient).all():  # scipy wants numbers: worse than here, but not by far
            return 2.0 * abs(search.history[-1].cost) + 1.0, np.zeros(x.size)
        known[x.tobytes()] = states, actions, cost, gradient
        return cost, gradient.ravel()

    def record(x):
        search.record(*known[x.tobytes()])
        known.clear()

    if max_iterations == 0:
        return "stopped by max_iterations = 0"
    first = search.history[0].actions
    result = minimize(
        cost_and_gradient,
        first.ravel(),
        jac=True,
        method="L-BFGS-B",
        bounds=np.stack([search.low.ravel(), search.high.ravel()], axis=1),
        callback=record,
        options={
            "maxiter": max_iterations,
            "maxfun": 10**9,
            "maxcor": MEMORY,
            "ftol": 0.0,
            "gtol": tolerance,
        },
    )
    return f"L-BFGS stopped: {result.message.lower()}"


def _gauss_newton(search: _Search, max_iterations: int, tolerance: float) -> str:
    """Steps in the box, with μ raised where none lowers the cost; why it stopped."""
    mu, n = 0.0, search.problem.state_size
    for _ in range(max_iterations):
        now = search.history[-1]
        if now.gradient_norm <= tolerance:
            break
        H, g = _expansion(search.problem, now.states, now.actions, n)
        box = (search.low - now.actions).ravel(), (search.high - now.actions).ravel()
        while True:
            step = minimise_in_box(H + mu * np.eye(len(g)), g, *box, np.zeros_like(g))
            if step is not None and _advance(search, now, step.x.reshape(search.shape), g):
                mu = mu / 4.0 if mu > MU_MIN else 0.0
                break
            mu = max(MU_MIN, 8.0 * mu)
            if mu > MU_MAX:
                return "no step lowers the cost: do the derivatives belong to the functions?"
    return f"stopped by max_iterations = {max_iterations}"


def _expansion(problem, states, actions, n):
    """Gauss–Newton Hessian (Tm, Tm) and gradient (Tm,) by all actions."""
    V, v = problem.quadratize_final(states[-1])
    condensed = condense(problem, states[None], actions[None], v[None], second_order=False)
    end = condensed.end[0, :, n:]
    H = condensed.hessian[0, n:, n:] + end.T @ V @ end
    return 0.5 * (H + H.T), condensed.gradient[0, n:] + v @ end


def _advance(search, now, step, g) -> bool:
    """Go along the step by the largest ρ that brings a fair share of its promise; False if none does."""
    slope = g @ step.ravel()
    for rho in RHO:
        actions = now.actions + rho * step
        states, cost = search.rollout(actions)
        if cost <= now.cost + FAIR_SHARE * rho * slope and slope < 0:
            search.record(states, actions, cost, search.gradient(states, actions))
            return True
    return False
