"""The finite-horizon regulator against a brute-force quadratic program, and what it says of bad input."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mbrl_teach.control.lqr import lqr
from mbrl_teach.problems.particle import Particle


def random_problem(rng, n=3, m=2, T=6, final=True):
    """Time-varying, affine, with cross terms; C is positive semi-definite, C_aa positive definite."""
    F = rng.normal(size=(T, n, n + m)) / np.sqrt(n)
    f = rng.normal(size=(T, n))
    root = rng.normal(size=(T, n + m, n + m))
    C = root @ np.swapaxes(root, -1, -2)
    c = rng.normal(size=(T, n + m))
    root = rng.normal(size=(n, n))
    return {"F": F, "f": f, "C": C, "c": c} | (
        {"V_final": root @ root.T, "v_final": rng.normal(size=n)} if final else {}
    )


def quadratic_program(F, f, C, c, V_final=None, v_final=None, *, initial_state):
    """All actions at once: eliminate the states by hand, then solve one dense linear system.

    Returns the actions (T, m), the states (T+1, n) and the cost.
    """
    T, n, joint = F.shape
    m = joint - n
    state, offset = (
        np.zeros((n, T * m)),
        np.array(initial_state, dtype=float),
    )  # s_t = state @ actions + offset
    hessian, gradient, constant = np.zeros((T * m, T * m)), np.zeros(T * m), 0.0
    rows = []

    def add(matrix, vector, J, b):
        nonlocal hessian, gradient, constant
        hessian = hessian + J.T @ matrix @ J
        gradient = gradient + J.T @ (matrix @ b + vector)
        constant += 0.5 * b @ matrix @ b + vector @ b

    for t in range(T):
        rows.append((state, offset))
        choose = np.zeros((m, T * m))
        choose[:, t * m : (t + 1) * m] = np.eye(m)
        J, b = np.vstack([state, choose]), np.concatenate([offset, np.zeros(m)])
        add(C[t], c[t], J, b)
        state, offset = F[t] @ J, F[t] @ b + f[t]
    rows.append((state, offset))
    if V_final is not None:
        add(V_final, v_final, state, offset)
    actions = np.linalg.solve(hessian, -gradient)
    cost = 0.5 * actions @ hessian @ actions + gradient @ actions + constant
    return actions.reshape(T, m), np.array([J @ actions + b for J, b in rows]), cost


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 3), st.integers(1, 9), st.booleans())
def test_agrees_with_a_quadratic_program(seed, n, m, T, final):
    rng = np.random.default_rng(seed)
    problem, start = random_problem(rng, n, m, T, final), rng.normal(size=n)
    actions, states, cost = quadratic_program(**problem, initial_state=start)
    own_states, own_actions, own_cost = lqr(**problem).rollout(start)
    assert own_actions == pytest.approx(actions, rel=1e-9, abs=1e-9 * np.abs(actions).max())
    assert own_states == pytest.approx(states, rel=1e-9, abs=1e-9 * np.abs(states).max())
    assert own_cost == pytest.approx(cost, rel=1e-9)


def test_the_value_is_the_cost_of_following_the_policy():
    rng = np.random.default_rng(0)
    solution, start = lqr(**random_problem(rng)), rng.normal(size=3)
    states, _, cost = solution.rollout(start)
    values = (
        0.5 * np.einsum("ti,tij,tj->t", states, solution.V, states)
        + np.einsum("ti,ti->t", states, solution.v)
        + solution.constant
    )
    assert values[0] == pytest.approx(cost, rel=1e-12)
    assert values.shape == (7,)


def test_the_values_satisfy_bellmans_equation():
    rng = np.random.default_rng(1)
    problem = random_problem(rng)
    solution = lqr(**problem)
    s = rng.normal(size=3)
    for t in range(6):
        a = solution.K[t] @ s + solution.k[t]
        z = np.concatenate([s, a])
        nxt = problem["F"][t] @ z + problem["f"][t]
        value = lambda t, s: 0.5 * s @ solution.V[t] @ s + s @ solution.v[t] + solution.constant[t]
        stage = 0.5 * z @ problem["C"][t] @ z + z @ problem["c"][t]
        assert value(t, s) == pytest.approx(stage + value(t + 1, nxt), rel=1e-11)
        assert solution.Q[t] @ z + solution.q[t] == pytest.approx(
            problem["C"][t] @ z
            + problem["c"][t]
            + problem["F"][t].T @ (solution.V[t + 1] @ nxt + solution.v[t + 1]),
            rel=1e-11,
        )


def test_no_final_value_means_that_the_last_transition_does_not_matter():
    problem = random_problem(np.random.default_rng(2), final=False)
    changed = problem | {"F": problem["F"].copy(), "f": problem["f"].copy()}
    changed["F"][-1], changed["f"][-1] = np.nan, np.nan
    one, other = lqr(**problem), lqr(**changed)
    assert np.array_equal(one.K, other.K)
    assert np.array_equal(one.V, other.V)
    assert one.rollout(np.ones(3))[2] == other.rollout(np.ones(3))[2]


def test_a_stack_is_solved_as_each_of_its_problems():
    rng = np.random.default_rng(3)
    problems = [random_problem(rng) for _ in range(4)]
    stack = {name: np.stack([p[name] for p in problems]) for name in problems[0]}
    solution, starts = lqr(**stack), rng.normal(size=(4, 3))
    states, actions, costs = solution.rollout(starts)
    for i, problem in enumerate(problems):
        single = lqr(**problem)
        for name in ("K", "k", "V", "v", "constant", "Q", "q"):
            assert getattr(solution, name)[i] == pytest.approx(getattr(single, name), rel=1e-9, abs=1e-9)
        s, a, cost = single.rollout(starts[i])
        assert states[i] == pytest.approx(s, rel=1e-9, abs=1e-9)
        assert actions[i] == pytest.approx(a, rel=1e-9, abs=1e-9)
        assert costs[i] == pytest.approx(cost, rel=1e-9)


def test_leading_axes_broadcast():
    rng = np.random.default_rng(4)
    problem = random_problem(rng)
    c = rng.normal(size=(5, 6, 5))
    solution = lqr(**(problem | {"c": c}))
    assert solution.K.shape == (5, 6, 2, 3)
    assert solution.k[3] == pytest.approx(lqr(**(problem | {"c": c[3]})).k, rel=1e-9)


def test_noise_leaves_the_policy_and_raises_the_constant_by_the_mean_extra_cost():
    """Monte Carlo: 20 000 noisy rollouts; the mean cost is within 5 standard errors (false alarm < 1e-6)."""
    rng = np.random.default_rng(5)
    problem = random_problem(rng, n=2, m=1, T=5)
    root = 0.3 * rng.normal(size=(5, 2, 2))
    noise = root @ np.swapaxes(root, -1, -2)
    solution, quiet, start = lqr(**problem, noise=noise), lqr(**problem), rng.normal(size=2)
    assert np.array_equal(solution.K, quiet.K)
    assert np.array_equal(solution.v, quiet.v)
    N = 20_000
    s, costs = np.tile(start, (N, 1)), np.zeros(N)
    for t in range(5):
        z = np.hstack([s, s @ solution.K[t].T + solution.k[t]])
        costs += 0.5 * np.einsum("bi,ij,bj->b", z, problem["C"][t], z) + z @ problem["c"][t]
        s = z @ problem["F"][t].T + problem["f"][t] + rng.normal(size=(N, 2)) @ root[t].T
    costs += 0.5 * np.einsum("bi,ij,bj->b", s, problem["V_final"], s) + s @ problem["v_final"]
    expected = 0.5 * start @ solution.V[0] @ start + start @ solution.v[0] + solution.constant[0]
    error = costs.std(ddof=1) / np.sqrt(N)
    assert abs(costs.mean() - expected) < 5 * error
    assert solution.constant[0] - quiet.constant[0] > 10 * error  # so that the test can fail


def test_the_values_are_symmetric_and_contiguous_in_time():
    solution = lqr(**random_problem(np.random.default_rng(6)))
    assert np.array_equal(solution.V, np.swapaxes(solution.V, -1, -2))


def test_does_not_change_what_it_is_given():
    problem = random_problem(np.random.default_rng(7))
    before = {name: array.copy() for name, array in problem.items()}
    lqr(**problem).rollout(np.ones(3))
    assert all(np.array_equal(before[name], problem[name]) for name in problem)


def test_a_singular_action_cost_is_allowed_where_the_future_pays():
    problem = random_problem(np.random.default_rng(8), n=2, m=1, T=3)
    problem["C"][:, 2, :] = problem["C"][:, :, 2] = 0.0
    actions, *_ = quadratic_program(**problem, initial_state=np.ones(2))
    assert lqr(**problem).rollout(np.ones(2))[1] == pytest.approx(actions, rel=1e-8)


@pytest.mark.parametrize("stacked", [False, True])
def test_says_at_which_step_the_cost_has_no_minimum(stacked):
    problem = random_problem(np.random.default_rng(9), n=2, m=1, T=4)
    problem["C"][1] -= 1000.0 * np.diag([0.0, 0.0, 1.0])
    if stacked:
        problem = {name: np.stack([array, array]) for name, array in problem.items()}
    with pytest.raises(
        ValueError, match=re.escape("Q_aa must be positive definite; it is not at t = 2 (array")
    ):
        lqr(**problem)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"F": np.zeros((6, 3))}, "F must have shape (T, n, n+m) = (6, 3, 5); got (6, 3)"),
        ({"f": np.zeros((5, 3))}, "f must have shape (T, n) = (6, 3); got (5, 3)"),
        ({"C": np.zeros((6, 3, 5))}, "C must have shape (T, n+m, n+m) = (6, 5, 5); got (6, 3, 5)"),
        ({"c": np.zeros((6, 4))}, "c must have shape (T, n+m) = (6, 5); got (6, 4)"),
        ({"V_final": np.zeros(3)}, "V_final must have shape (n, n) = (3, 3); got (3,)"),
        ({"v_final": np.zeros(2)}, "v_final must have shape (n,) = (3,); got (2,)"),
        (
            {"noise": np.zeros((6, 2, 2))},
            "noise must have shape (T, n, n) = (6, 3, 3); got (6, 2, 2)",
        ),
        (
            {"noise": -np.tile(np.eye(3), (6, 1, 1))},
            "noise must be positive semi-definite; got eigenvalue -1, first at t = 1 (array",
        ),
        ({"C": np.triu(np.ones((6, 5, 5)))}, "C must be symmetric; it differs"),
        ({"V_final": np.triu(np.ones((3, 3)))}, "V_final must be symmetric; it differs"),
        ({"c": np.full((6, 5), np.nan)}, "c must be finite; got NaN, first at t = 1 (array index 0)"),
    ],
)
def test_says_what_is_wrong_with_an_argument(change, message):
    problem = random_problem(np.random.default_rng(10)) | change
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        lqr(**problem)


def test_the_rollout_says_what_is_wrong_with_the_start():
    solution = lqr(**random_problem(np.random.default_rng(11)))
    with pytest.raises(ValueError, match=re.escape("initial_state must have shape (n,) = (3,); got (2,)")):
        solution.rollout(np.ones(2))


def test_the_scalar_gains_settle_at_the_golden_ratio():
    """A = B = Q = R = 1: the stationary gain is -1/φ = -0.618…, with φ the golden ratio."""
    T = 40
    ones = np.ones((T, 1, 2))
    solution = lqr(ones, np.zeros((T, 1)), np.tile(np.eye(2), (T, 1, 1)), np.zeros((T, 2)))
    golden = (1 + np.sqrt(5)) / 2
    assert solution.K[0, 0, 0] == pytest.approx(-1 / golden, rel=1e-12)
    assert solution.V[0, 0, 0] == pytest.approx(golden, rel=1e-12)


def test_the_particle_is_brought_to_its_target():
    particle = Particle(target=2.0, wind=0.3)
    states, actions, _ = lqr(*particle.linear_quadratic()).rollout(particle.initial_state)
    own_states, _ = particle.rollout(actions)
    assert own_states == pytest.approx(states)
    assert abs(states[-1, 0] - 2.0) < 0.2 < abs(states[0, 0] - 2.0)


def test_the_solution_keeps_its_own_copy_of_the_problem():
    problem = random_problem(np.random.default_rng(12))
    solution = lqr(**problem)
    cost = solution.rollout(np.ones(3))[2]
    for array in problem.values():
        array *= 0
    assert solution.rollout(np.ones(3))[2] == cost


def test_a_stack_of_noises_alone_is_a_stack_of_problems():
    rng = np.random.default_rng(13)
    problem = random_problem(rng)
    root = rng.normal(size=(4, 6, 3, 3))
    noise = root @ np.swapaxes(root, -1, -2)
    solution = lqr(**problem, noise=noise)
    assert solution.constant.shape == (4, 7)
    assert solution.constant[2] == pytest.approx(lqr(**problem, noise=noise[2]).constant)


def test_stacks_that_do_not_fit_are_named():
    problem = random_problem(np.random.default_rng(14))
    problem |= {"c": np.zeros((2, 6, 5)), "v_final": np.zeros((3, 3))}
    with pytest.raises(
        ValueError, match=re.escape("leading axes of all arguments must broadcast; got c (2,), v_final (3,)")
    ):
        lqr(**problem)


def test_a_problem_without_actions_is_refused():
    with pytest.raises(ValueError, match=re.escape("F must have m >= 1; got shape (6, 3, 3), so m = 0")):
        lqr(np.zeros((6, 3, 3)), np.zeros((6, 3)), np.zeros((6, 3, 3)), np.zeros((6, 3)))
