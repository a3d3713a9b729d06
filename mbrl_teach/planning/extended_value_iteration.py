"""Exact planning with optimism: the best value in the best of many worlds.

A table of counts does not give P, but an estimate P̂, and for each pair a width w(s, a) such that with high
probability the true row lies in

    { p : p >= 0, sum_s' p(s') = 1, ‖p - P̂(· | s, a)‖₁ <= w(s, a) }.

The optimist chooses the action *and* the world, in each state the one that suits best:

    V(s) = max_a [ R(s, a) + γ max_p Σ_s' p(s') V(s') ],      p in the set of (s, a).

That is an ordinary decision problem, whose actions are pairs (a, p): extended value iteration. The inner
maximum is a linear program that is solved by sorting. A norm of w allows w/2 to be taken away and w/2 to be
added, so

1. the best next state gets w/2 more, but at most probability 1;
2. what is now too much is taken from the worst states first.

It is optimism about what happens, not about what it is worth: the rewards stay as they are. If the set
holds the true world, V is at least its best value, since the maximum is over more.

**How wide?** Among k possible next states, after n steps,

    Pr( ‖P̂ - P‖₁ >= w ) <= (2^k - 2) exp(-n w² / 2),

which is δ for w = √(2 (ln(2^k - 2) - ln δ) / n). An untried pair may be anything: w = 2.

Source: Jaksch, Ortner & Auer, Near-optimal regret bounds for reinforcement learning (JMLR 11, 2010), section
3.1 and figure 2; Weissman et al., Inequalities for the L1 deviation of the empirical distribution (Hewlett
Packard, 2003), for the width; Strehl & Littman (2008) for the same maximum with a discount.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mbrl_teach.arguments import read_array, require_steps
from mbrl_teach.planning.dynamic_programming import TOLERANCE, ClosedLoop, Solution
from mbrl_teach.planning.finite_horizon import read_discount
from mbrl_teach.problems.tabular import read_transitions


def confidence_widths(counts: ArrayLike, confidence: float, possible: ArrayLike | None = None) -> np.ndarray:
    """w (S, A): with probability `confidence` all rows together lie within them about the frequencies.

    counts (S, A, S): how often a pair led to each state, each a number fixed beforehand (the bound is not
        one for all times at once, for which UCRL2 pays with larger widths)
    possible (A, S, S) of bool: the states that a pair may lead to at all; None: all

    Raises ValueError for a wrong shape, negative counts, and a confidence outside (0, 1).
    """
    sizes: dict[str, int] = {}
    counts = read_array("counts", counts, "S A S", sizes)
    if (counts < 0.0).any():
        raise ValueError(f"counts must not be negative; got {counts.min():g}")
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must lie between 0 and 1; got {confidence}")
    S, A = sizes["S"], sizes["A"]
    k = np.full((S, A), S) if possible is None else _read_possible(possible, A, S).sum(axis=-1).T
    n = counts.sum(axis=-1)
    delta = (1.0 - confidence) / (S * A)
    log_subsets = k * np.log(2.0) + np.log1p(-(2.0 ** (1.0 - np.maximum(k, 2.0))))  # ln(2^k - 2)
    widths = np.sqrt(2.0 * (log_subsets - np.log(delta)) / np.maximum(n, 1.0))
    return np.where(k < 2, 0.0, np.where(n > 0, np.minimum(widths, 2.0), 2.0))


def optimistic_transitions(
    P: ArrayLike, widths: ArrayLike, V: ArrayLike, possible: ArrayLike | None = None
) -> np.ndarray:
    """The rows (A, S, S) within `widths` (S, A) of P (A, S, S) that make Σ_s' p(s') V(s') largest.

    possible (A, S, S) of bool: the states that a pair may lead to at all; None: all

    Raises ValueError for what is no transition table, negative widths, and wrong shapes.
    """
    P, widths, possible = _read_set(P, widths, possible)
    return _optimistic(P, widths, read_array("V", V, "S", {"S": P.shape[1]}), possible)


def extended_value_iteration(
    P: ArrayLike,
    R: ArrayLike,
    widths: ArrayLike,
    gamma: float,
    possible: ArrayLike | None = None,
    *,
    max_iterations: int = 100_000,
) -> Solution:
    """V (S,) to 1e-9 and policy (S,) of int of the optimist, with a discount gamma in [0, 1).

    P (A, S, S), R (S, A), widths (S, A), possible as of `optimistic_transitions`. It stops where value
    iteration does: the inner maximum is no less a contraction. Raises ValueError also for gamma outside
    [0, 1), and no end within `max_iterations` sweeps.
    """
    (P, R), gamma = read_transitions(P, R), read_discount(gamma)
    P, widths, possible = _read_set(P, widths, possible)
    if gamma == 1.0:
        raise ValueError("gamma must be in [0, 1); got 1.0. Without discount take a horizon")
    enough = TOLERANCE * (1.0 - gamma) / gamma if gamma > 0.0 else np.inf
    V = np.zeros(len(R))
    for _ in range(max_iterations):
        Q = R + gamma * (_optimistic(P, widths, V, possible) @ V).T
        V_last, V = V, Q.max(axis=1)
        if np.abs(V - V_last).max() <= max(enough, 1e-14 * np.abs(V).max()):
            return Solution(V, Q.argmax(axis=1))
    raise ValueError(f"extended value iteration did not converge in {max_iterations} sweeps; gamma = {gamma}")


def extended_backward_induction(
    P: ArrayLike, R: ArrayLike, widths: ArrayLike, horizon: int, possible: ArrayLike | None = None
) -> ClosedLoop:
    """V (T+1, S) and policy (T, S) of int of the optimist over `horizon` steps.

    The world may be another one at each step, which only makes the set larger. Arguments and errors as of
    `extended_value_iteration`, without a discount.
    """
    (P, R), T = read_transitions(P, R), require_steps(horizon)
    P, widths, possible = _read_set(P, widths, possible)
    V, policy = np.zeros((T + 1, len(R))), np.zeros((T, len(R)), dtype=int)
    for t in reversed(range(T)):
        Q = R + (_optimistic(P, widths, V[t + 1], possible) @ V[t + 1]).T
        policy[t], V[t] = Q.argmax(axis=1), Q.max(axis=1)
    return ClosedLoop(V, policy)


def _optimistic(P, widths, V, possible) -> np.ndarray:
    """Sorted by V, the best state first, a row is filled up until it holds 1: the worst get what is left."""
    best_first = np.argsort(-V, kind="stable")
    rows = P[..., best_first]
    best = possible[..., best_first].argmax(axis=-1)[..., None]
    lucky = np.take_along_axis(rows, best, axis=-1) + 0.5 * widths.T[..., None]
    np.put_along_axis(rows, best, lucky, axis=-1)
    filled = np.minimum(rows.cumsum(axis=-1), 1.0)
    optimistic = np.empty_like(rows)
    optimistic[..., best_first] = np.diff(filled, axis=-1, prepend=0.0)
    return optimistic


def _read_set(P, widths, possible) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frequencies, widths and possible states, as arrays that fit together."""
    sizes: dict[str, int] = {}
    P = read_array("P", P, "A S S", sizes)
    P, _ = read_transitions(P, np.zeros((sizes["S"], sizes["A"])))
    widths = read_array("widths", widths, "S A", sizes)
    if (widths < 0.0).any():
        raise ValueError(f"widths must not be negative; got {widths.min():g}")
    if possible is None:
        return P, widths, np.ones(P.shape, dtype=bool)
    possible = _read_possible(possible, sizes["A"], sizes["S"])
    if (P[~possible] > 0.0).any():
        raise ValueError("P must be 0 where a state is not possible")
    return P, widths, possible


def _read_possible(possible: ArrayLike, A: int, S: int) -> np.ndarray:
    possible = read_array("possible", possible, "A S S", {"A": A, "S": S}).astype(bool)
    if not possible.any(axis=-1).all():
        raise ValueError("possible must leave each state and action a state to lead to")
    return possible
