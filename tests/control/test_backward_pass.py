"""The backward pass against the formulas written out, and against the world whose decrease it promises."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from mbrl_teach.control.backward_pass import backward_pass, expand
from mbrl_teach.problems.cart_pole import CartPole
from mbrl_teach.problems.unicycle import Unicycle


def somewhere(problem, rng, size=1.0):
    """A trajectory of the world under random actions."""
    actions = size * rng.normal(size=(problem.horizon, problem.action_size))
    return problem.rollout(actions)[0], actions


def written_out(problem, states, actions, mu, second_order):
    """K, k by the recursion in V, v, Q, q as it stands in the docstring."""
    s, n = states[:-1], problem.state_size
    F, (C, c), H = (
        problem.linearize(s, actions),
        problem.quadratize(s, actions),
        problem.dynamics_hessian(s, actions),
    )
    V, v = problem.quadratize_final(states[-1])
    policy = []
    for t in reversed(range(problem.horizon)):
        Q, q = C[t] + F[t].T @ V @ F[t], c[t] + F[t].T @ v
        if second_order:
            Q = Q + np.einsum("i,ijk", v, H[t])
        Q_ss, Q_sa, Q_as, Q_aa = Q[:n, :n], Q[:n, n:], Q[n:, :n], Q[n:, n:]
        inverse = np.linalg.inv(Q_aa + mu * np.eye(problem.action_size))
        K, k = -inverse @ Q_as, -inverse @ q[n:]
        V = Q_ss + Q_sa @ K + K.T @ Q_as + K.T @ Q_aa @ K
        v = q[:n] + Q_sa @ k + K.T @ q[n:] + K.T @ Q_aa @ k
        policy.append((K, k, Q_aa, q[n:]))
    return [np.array(array) for array in zip(*policy[::-1], strict=True)]


@pytest.mark.parametrize("mu", [0.0, 3.0])
@pytest.mark.parametrize("second_order", [False, True])
def test_agrees_with_the_formulas_written_out(second_order, mu):
    problem = Unicycle(horizon=12, obstacle_weight=0.0, goal=(1.0, 0.0, 0.0), weights=(3.0, 3.0))
    states, actions = somewhere(problem, np.random.default_rng(0))
    sweep = backward_pass(expand(problem, states, actions, second_order), mu)
    assert sweep.failed_at is None
    for own, formula in zip(sweep[:4], written_out(problem, states, actions, mu, second_order), strict=True):
        assert own == pytest.approx(formula, rel=1e-9, abs=1e-9 * np.abs(formula).max())


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.1, 10.0]), st.booleans())
def test_the_promise_is_the_decrease_of_the_quadratic_model(seed, mu, bounded):
    """Follow K, k through the linearised world, add up the model's cost: it falls by exactly D(1)."""
    rng = np.random.default_rng(seed)
    problem = CartPole(horizon=15)
    states, actions = somewhere(problem, rng)
    s, box = states[:-1], (-0.3 - 0.0 * actions, 0.2 + 0.0 * actions) if bounded else None
    F, (C, c) = problem.linearize(s, actions), problem.quadratize(s, actions)
    V, v = problem.quadratize_final(states[-1])
    sweep = backward_pass(expand(problem, states, actions, False), mu, box)
    ds, change = np.zeros(4), 0.0
    for t in range(15):
        z = np.concatenate([ds, sweep.K[t] @ ds + sweep.k[t]])
        change, ds = change + 0.5 * z @ C[t] @ z + z @ c[t], F[t] @ z
    change += 0.5 * ds @ V @ ds + ds @ v
    assert -change == pytest.approx(sweep.expected_decrease(1.0), rel=1e-8)
    assert change < 0.0


@pytest.mark.parametrize("mu", [0.0, 1.0])
def test_in_a_box_the_last_action_solves_its_own_bounded_program(mu):
    problem = Unicycle(horizon=6)
    states, actions = somewhere(problem, np.random.default_rng(1))
    box = (-0.3 * np.ones((6, 2)), 0.3 * np.ones((6, 2)))
    sweep = backward_pass(expand(problem, states, actions, False), mu, box)
    assert (np.abs(sweep.k) <= 0.3).all()
    Q_aa, q_a = sweep.Q_aa[-1] + mu * np.eye(2), sweep.q_a[-1]
    peer = minimize(
        lambda k: 0.5 * k @ Q_aa @ k + k @ q_a,
        np.zeros(2),
        jac=lambda k: Q_aa @ k + q_a,
        bounds=[(-0.3, 0.3)] * 2,
    )
    assert sweep.k[-1] == pytest.approx(peer.x, abs=1e-7)
    assert not sweep.K[np.abs(sweep.k) == 0.3].any()


def test_says_where_it_met_no_minimum():
    problem = Unicycle(horizon=6, weights=(0.2, -100.0), final_weights=(0.0, 0.0, 0.0))
    states, actions = somewhere(problem, np.random.default_rng(2))
    expansion = expand(problem, states, actions, False)
    assert backward_pass(expansion).failed_at == 5
    assert backward_pass(expansion, 1e3).failed_at is None


def test_an_overflow_counts_as_no_minimum():
    """No warning escapes, and no NaN is taken for a policy."""
    problem = CartPole(horizon=5, final_weights=(1e300, 1e300, 1e300, 1e300))
    problem.dt = 1e10
    states, actions = np.ones((6, 4)), np.ones((5, 1))
    assert backward_pass(expand(problem, states, actions, False)).failed_at is not None
