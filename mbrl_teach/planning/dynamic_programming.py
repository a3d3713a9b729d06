"""Exact planning in a table: what is the best that can be had from each state, and how.

A world is given by P (A, S, S) and R (S, A) as in `problems.tabular`. Bellman's equations say of the value
of a policy π, and of the best value,

    V_π(s) = R(s, π(s)) + γ Σ_s' P(s' | s, π(s)) V_π(s')
    V(s)   = max_a Q(s, a),     Q(s, a) = R(s, a) + γ Σ_s' P(s' | s, a) V(s').

The first is a linear system: policy evaluation. The second is solved by repeating it (value iteration) or by
turns of evaluation and π(s) <- argmax_a Q(s, a) (policy iteration).

When to stop. The right side of the second equation is a contraction: it brings any two V nearer to each
other by the factor γ, in the norm max_s |·|. Hence the error after k sweeps is bounded by what they change,

    ‖V_k - V‖ <= γ / (1 - γ) ‖V_k - V_{k-1}‖,

and value iteration stops once this bound is below the tolerance.

Near γ = 1 that is far away: the number of sweeps grows like 1 / (1 - γ). After 10,000 of them the
greedy policy is evaluated exactly, and improved until it solves Bellman's equation: policy iteration.

Without discount (γ = 1) there is no contraction, and a sum of rewards is finite only if rewards come to an
end. The sweeps then lead to a policy, which is evaluated and improved in the same way. An episode that goes
on for ever without reward is worth 0, like one that has ended. Where the best policy earns or pays g ≠ 0 a
step for ever, no value is finite, and the world is refused.

Source: Puterman, Markov Decision Processes (1994), sections 6.3 and 6.4, and 8.2 for g; without discount:
Bertsekas and Tsitsiklis, "An analysis of stochastic shortest path problems" (1991). Over a finite horizon,
with and without feedback: `finite_horizon`, in a file of its own.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from mbrl_teach.arguments import read_array
from mbrl_teach.planning.finite_horizon import (
    ClosedLoop,
    OpenLoop,
    backward_induction,
    best_open_loop,
    open_loop_value,
    read_actions,
    read_discount,
)
from mbrl_teach.problems.tabular import ROUNDING, read_transitions

__all__ = [
    "ClosedLoop",
    "OpenLoop",
    "Solution",
    "action_values",
    "backward_induction",
    "best_open_loop",
    "open_loop_value",
    "policy_evaluation",
    "policy_iteration",
    "value_iteration",
]

TOLERANCE = 1e-9  # of the returned values, in the largest difference
PATIENT_SWEEPS = 10_000  # more take longer than turns of policy iteration: 0.1 s in a world of 30 states
ENDING_SWEEPS = 100  # after these it is asked whether rewards without discount ever end
FLOAT_NOISE = 64 * np.finfo(np.float64).eps  # relative to the largest value: differences below are rounding


class Solution(NamedTuple):
    """The best values `V` (S,) and a policy (S,) of int that earns them."""

    V: np.ndarray
    policy: np.ndarray


def value_iteration(P: ArrayLike, R: ArrayLike, gamma: float, *, max_iterations: int = 1_000_000) -> Solution:
    """V <- max_a Q(s, a) until V is known to 1e-9, from P (A, S, S), R (S, A) and gamma in [0, 1].

    The policy is greedy: argmax_a Q(s, a), the first of equals. Where the sweeps come down to rounding before
    the bound above is small enough (large values, gamma = 1), or have not done so after 10,000 of them (gamma
    near 1), the greedy policy is evaluated exactly and improved until it is the best.

    Raises ValueError for what is no transition table, gamma outside [0, 1], no end within `max_iterations`
    sweeps, and with gamma = 1 for a world in which the best policy earns or pays for ever (with a state).
    """
    P, R = read_transitions(P, R)
    gamma, rows = read_discount(gamma), _rows(P)
    enough = TOLERANCE * (1.0 - gamma) / gamma if gamma > 0.0 else np.inf
    V = np.zeros(R.shape[0])
    for sweep in range(1, max_iterations + 1):
        V_last, V = V, _action_values(rows, R, V, gamma).max(axis=1)
        change = np.abs(V - V_last).max()
        if change <= max(enough, _noise(V, R)) or (gamma < 1.0 and sweep == PATIENT_SWEEPS):
            break
        if gamma == 1.0 and sweep == ENDING_SWEEPS:
            _require_an_end(P, R)
    else:
        raise ValueError(
            f"value iteration did not converge in {max_iterations} sweeps with gamma = {gamma}: "
            f"the last one changed V by {change:.1e}; policy_iteration takes fewer"
        )
    policy = _action_values(rows, R, V, gamma).argmax(axis=1)
    bounded = gamma < 1.0 and change <= enough
    return Solution(V, policy) if bounded else _beyond_rounding(P, R, V, policy, gamma)


def policy_iteration(P: ArrayLike, R: ArrayLike, gamma: float, *, max_iterations: int = 10_000) -> Solution:
    """Evaluate, then improve, until no action is better than the policy's own.

    It begins with the policy that draws every action alike (with gamma = 1 its episodes end if those of any
    policy do), and keeps an action until another one is strictly better. Arguments, result and errors are
    those of `value_iteration`, but V solves a linear system, and with gamma = 1 it may miss that going on for
    ever at no cost is better than an end that costs: to the policies that end the two look alike.
    """
    P, R = read_transitions(P, R)
    gamma, A = read_discount(gamma), R.shape[1]
    V = policy_evaluation(P, R, np.full(R.shape, 1.0 / A), gamma)
    policy = _action_values(_rows(P), R, V, gamma).argmax(axis=1)
    return _improve(P, R, policy, gamma, max_iterations)


def _improve(P: np.ndarray, R: np.ndarray, policy: np.ndarray, gamma: float, max_iterations: int) -> Solution:
    """Policy iteration from a given policy (S,)."""
    rows, states = _rows(P), np.arange(policy.size)
    for _ in range(max_iterations):
        V = policy_evaluation(P, R, policy, gamma)
        Q = _action_values(rows, R, V, gamma)
        better = Q[states, policy] < Q.max(axis=1) - _noise(V, R)
        if not better.any():
            return Solution(V, policy)
        policy = np.where(better, Q.argmax(axis=1), policy)
    raise ValueError(f"policy iteration did not converge in {max_iterations} turns with gamma = {gamma}")


def policy_evaluation(P: ArrayLike, R: ArrayLike, policy: ArrayLike, gamma: float) -> np.ndarray:
    """V_π (S,), by solving (I - γ P_π) V = R_π.

    P (A, S, S), R (S, A); `policy` (S,) of int, or (S, A) with the probabilities of the actions. With
    gamma = 1 the sum of rewards must be finite: states that the policy keeps for ever and that earn nothing
    on the way have value 0, and all others must lead to them.

    Raises ValueError for what is no transition table, a policy that is none, gamma outside [0, 1], and a
    policy that with gamma = 1 collects rewards for ever (with the state).
    """
    P, R = read_transitions(P, R)
    gamma = read_discount(gamma)
    probabilities = _policy_probabilities(policy, *R.shape)
    P_pi = np.einsum("sa,asx->sx", probabilities, P)
    R_pi = (probabilities * R).sum(axis=1)
    V = np.zeros(R.shape[0])
    moving = np.ones(V.size, dtype=bool) if gamma < 1.0 else ~_at_rest(P_pi, R_pi)
    system = np.eye(moving.sum()) - gamma * P_pi[np.ix_(moving, moving)]
    V[moving] = np.linalg.solve(system, R_pi[moving])
    return V


def action_values(P: ArrayLike, R: ArrayLike, V: ArrayLike, gamma: float) -> np.ndarray:
    """Q (S, A) = R(s, a) + γ Σ_s' P(s' | s, a) V(s'): one step of look-ahead from V (S,).

    Raises ValueError for what is no transition table, and gamma outside [0, 1].
    """
    P, R = read_transitions(P, R)
    return _action_values(_rows(P), R, read_array("V", V, "S", {"S": R.shape[0]}), read_discount(gamma))


def _rows(P: np.ndarray) -> np.ndarray | csr_array:
    """P as one matrix (A S, S); sparse where that pays: a sweep of Taxi takes 10 µs instead of 1 ms."""
    rows = P.reshape(-1, P.shape[-1])
    return csr_array(rows) if rows.size > 50_000 and np.count_nonzero(rows) < 0.05 * rows.size else rows


def _action_values(rows, R: np.ndarray, V: np.ndarray, gamma: float) -> np.ndarray:
    return R + gamma * (rows @ V).reshape(R.shape[::-1]).T


def _noise(V: np.ndarray, R: np.ndarray) -> float:
    """Differences between action values up to this size are rounding."""
    return FLOAT_NOISE * max(np.abs(V).max(), np.abs(R).max())


def _policy_probabilities(policy: ArrayLike, S: int, A: int) -> np.ndarray:
    """A policy of either form as probabilities (S, A)."""
    if np.ndim(policy) < 2:
        return np.eye(A)[read_actions("policy", policy, "S", {"S": S}, A)]
    probabilities = read_array("policy", policy, "S A", {"S": S, "A": A})
    wrong = (probabilities < 0.0).any(axis=1) | (np.abs(probabilities.sum(axis=1) - 1.0) > ROUNDING)
    if wrong.any():
        s = int(np.argmax(wrong))
        raise ValueError(
            f"policy must hold probabilities that sum to 1; in state {s} it is {probabilities[s]}"
        )
    return probabilities


def _at_rest(P_pi: np.ndarray, R_pi: np.ndarray) -> np.ndarray:
    """(S,) bool: the states that a policy never leaves for good, and in which it earns nothing (γ = 1).

    They are the closed classes of its Markov chain: strongly connected, with no way out.
    """
    _, component = connected_components(csr_array(P_pi > 0.0), connection="strong")
    way_out = (P_pi > 0.0) & (component[:, None] != component)
    kept = ~np.isin(component, component[way_out.any(axis=1)])
    earning = kept & (R_pi != 0.0)
    if earning.any():
        raise ValueError(
            f"with gamma = 1 the rewards of a policy must end; it comes back to state "
            f"{int(np.argmax(earning))} for ever, with reward {R_pi[earning][0]:.4g}; use gamma < 1"
        )
    return kept


def _require_an_end(P: np.ndarray, R: np.ndarray) -> None:
    """Raise ValueError if with γ = 1 the rewards of the best policy do not come to an end.

    Near γ = 1 its value is g / (1 - γ) + h, with g (S,) the mean reward of a step in the long run, which does
    not depend on γ. To halve 1 - γ doubles V where g is not 0, and leaves it as it is where rewards end.
    """
    near, nearer = (policy_iteration(P, R, 1.0 - rest).V for rest in (2e-8, 1e-8))
    endless = np.abs(nearer) > np.maximum(1.5 * np.abs(near), np.abs(R).max())
    if endless.any():
        s = int(np.argmax(endless))
        raise ValueError(
            f"with gamma = 1 rewards must come to an end; from state {s} the best policy earns "
            f"{2e-8 * (nearer - near)[s]:.4g} a step on average, for ever; use gamma < 1"
        )


def _beyond_rounding(P, R, V, policy, gamma: float) -> Solution:
    """The exact end of a value iteration whose sweeps are slow, or change V no more than rounding does."""
    best = _improve(P, R, policy, gamma, 1000)
    if gamma == 1.0 and np.abs(best.V - V).max() > 1e-6 * max(1.0, np.abs(V).max()):
        raise ValueError(
            "value iteration did not converge with gamma = 1: no policy earns the values that the sweeps "
            "approach; use gamma < 1"
        )
    return best
