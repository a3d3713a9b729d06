"""Optimistic planning: the inner maximum is a linear program's, and no world of the set is worth more."""

import numpy as np
import pytest
from scipy import optimize, stats

from mbrl_teach.planning.dynamic_programming import backward_induction, value_iteration
from mbrl_teach.planning.extended_value_iteration import (
    confidence_widths,
    extended_backward_induction,
    extended_value_iteration,
    optimistic_transitions,
)

A, S, GAMMA = 3, 5, 0.9


def worlds(count, seed=0, restricted=False):
    """P (A, S, S), R (S, A), widths (S, A) between nothing and everything, and the possible states."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        possible = rng.random((A, S, S)) < 0.6 if restricted else np.ones((A, S, S), dtype=bool)
        possible |= np.eye(S, dtype=bool)
        P = rng.dirichlet(np.full(S, 0.5), size=(A, S)) * possible
        P /= P.sum(axis=-1, keepdims=True)
        widths = rng.choice([0.0, 0.1, 0.5, 1.0, 2.0], size=(S, A))
        yield P, rng.normal(size=(S, A)), widths, possible, rng.normal(size=S).round(1)  # values with ties


def best_by_linear_program(p, width, V, possible):
    """max p' V over p' >= 0, sum 1, |p' - p|_1 <= width, with p' - p = up - down."""
    n = len(p)
    bounds = [(0.0, None)] * (2 * n)
    identity = np.eye(n)
    not_below_zero = np.hstack([-identity, identity])
    closed = np.flatnonzero(~possible)
    bounds = [(0.0, 0.0 if i in closed else None) for i in range(n)] + bounds[n:]
    solution = optimize.linprog(
        np.concatenate([-V, V]),
        A_ub=np.vstack([not_below_zero, np.ones(2 * n)]),
        b_ub=np.append(p, width),
        A_eq=np.append(np.ones(n), -np.ones(n))[None],
        b_eq=[0.0],
        bounds=bounds,
    )
    assert solution.status == 0
    return p @ V - solution.fun


@pytest.mark.parametrize("restricted", [False, True])
def test_the_inner_maximum_is_that_of_a_linear_program(restricted):
    for P, _, widths, possible, V in worlds(6, restricted=restricted):
        best = optimistic_transitions(P, widths, V, possible)
        assert (best >= 0.0).all()
        assert (best[~possible] == 0.0).all()
        np.testing.assert_allclose(best.sum(axis=-1), 1.0, atol=1e-12)
        assert (np.abs(best - P).sum(axis=-1) <= widths.T + 1e-12).all()
        for a, s in np.ndindex(A, S):
            exact = best_by_linear_program(P[a, s], widths[s, a], V, possible[a, s])
            assert best[a, s] @ V == pytest.approx(exact, abs=1e-9)


def test_without_width_it_is_value_iteration_and_backward_induction():
    for P, R, _, _, _ in worlds(3):
        extended, plain = (
            extended_value_iteration(P, R, np.zeros((S, A)), GAMMA),
            value_iteration(P, R, GAMMA),
        )
        np.testing.assert_allclose(extended.V, plain.V, atol=1e-8)
        np.testing.assert_array_equal(extended.policy, plain.policy)
        extended, plain = extended_backward_induction(P, R, np.zeros((S, A)), 7), backward_induction(P, R, 7)
        np.testing.assert_allclose(extended.V, plain.V, atol=1e-12)
        np.testing.assert_array_equal(extended.policy, plain.policy)


def test_with_every_width_two_the_largest_reward_is_a_step_away_from_everywhere():
    """V(s) = max_a R(s, a) + γ max V."""
    for P, R, _, _, _ in worlds(3):
        here = R.max(axis=1)
        expected = here + GAMMA * here.max() / (1.0 - GAMMA)
        V = extended_value_iteration(P, R, np.full((S, A), 2.0), GAMMA).V
        np.testing.assert_allclose(V, expected, atol=1e-8)


def test_the_optimists_value_is_the_best_of_a_world_in_the_set():
    for P, R, widths, possible, _ in worlds(5, restricted=True):
        V, policy = extended_value_iteration(P, R, widths, GAMMA, possible)
        chosen = optimistic_transitions(P, widths, V, possible)
        there = value_iteration(chosen / chosen.sum(axis=-1, keepdims=True), R, GAMMA)
        np.testing.assert_allclose(V, there.V, atol=1e-7)
        np.testing.assert_array_equal(policy, there.policy)


def test_no_world_of_the_set_is_worth_more():
    """Worlds drawn within the widths, some at their edge."""
    rng = np.random.default_rng(3)
    for P, R, widths, _, _ in worlds(20, seed=2):
        V = extended_value_iteration(P, R, widths, GAMMA).V
        V_T = extended_backward_induction(P, R, widths, 6).V
        for _ in range(5):
            other = rng.dirichlet(np.full(S, 0.3), size=(A, S))
            distance = np.abs(other - P).sum(axis=-1, keepdims=True)
            share = np.minimum(1.0, widths.T[..., None] / distance)  # as far towards it as the set allows
            true = P + share * (other - P)
            assert (V >= value_iteration(true, R, GAMMA).V - 1e-8).all()
            assert (V_T >= backward_induction(true, R, 6).V - 1e-12).all()


def test_the_widths_are_those_of_the_bound_and_shrink_with_the_root_of_the_counts():
    """(2^S - 2) exp(-n w²/2) is the share of 1 - confidence that a pair gets."""
    counts = np.zeros((S, A, S), dtype=int)
    counts[1, 2, 3], counts[2, 0, :2] = 400, 800
    widths = confidence_widths(counts, 0.9)
    assert (2**S - 2) * np.exp(-0.5 * 400 * widths[1, 2] ** 2) == pytest.approx(0.1 / (S * A))
    assert widths[2, 0] == pytest.approx(widths[1, 2] / 2)
    assert widths[0, 0] == 2.0
    possible = np.ones((A, S, S), dtype=bool)
    possible[2, 1] = np.arange(S) < 3
    possible[0, 2] = np.arange(S) < 1
    some = confidence_widths(counts, 0.9, possible)
    assert (2**3 - 2) * np.exp(-0.5 * 400 * some[1, 2] ** 2) == pytest.approx(0.1 / (S * A))
    assert some[2, 0] == 0.0  # it can lead to one state only


def test_the_true_row_lies_within_the_width_as_often_as_promised():
    """Of two states the frequency is binomial: the chance to lie outside is a sum of its probabilities."""
    for n in (1, 5, 20, 100, 400):
        width = confidence_widths(np.full((2, 1, 2), n / 2), 0.8)[0, 0]  # 0.1 for each of two pairs
        k = np.arange(n + 1)
        for p in (0.02, 0.3, 0.5, 0.9):
            outside = 2.0 * np.abs(k / n - p) > width
            assert stats.binom.pmf(k, n, p)[outside].sum() <= 0.1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda P, R, w: extended_value_iteration(P, R, w, 1.0), r"gamma must be in \[0, 1\)"),
        (lambda P, R, w: extended_value_iteration(P, R, -w, GAMMA), "widths must not be negative; got -2"),
        (lambda P, R, w: extended_value_iteration(P, R, w.T, GAMMA), "widths must have shape"),
        (lambda P, R, w: extended_value_iteration(P, R, w, GAMMA, max_iterations=3), "in 3 sweeps"),
        (lambda P, R, w: extended_backward_induction(P, R, w, 0), "horizon must be a whole number"),
        (lambda P, R, w: extended_backward_induction(P, R, w, 2, P < 0), "possible must leave each state"),
        (lambda P, R, w: optimistic_transitions(P, w, R[:, 0], P > 0.5), "possible"),
        (lambda P, R, w: optimistic_transitions(P, w, R), "V must have shape"),
        (lambda P, R, w: optimistic_transitions(P * 0.5, w, R[:, 0]), "must sum to 1"),
        (lambda P, R, w: confidence_widths(w[..., None] * np.ones(S), 1.0), "confidence must lie between"),
        (lambda P, R, w: confidence_widths(-np.ones((S, A, S)), 0.9), "counts must not be negative"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    P, R, *_ = next(worlds(1))
    with pytest.raises(ValueError, match=message):
        call(P, R, np.full((S, A), 2.0))
