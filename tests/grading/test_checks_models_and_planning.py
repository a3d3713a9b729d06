"""The references of assignment 00_models_and_planning against oracles that share nothing with them."""

import itertools

import numpy as np
import pytest
from scipy.optimize import linprog

from mbrl_teach.grading.checks import models_and_planning as checks
from mbrl_teach.grading.instances import models_and_planning as instances
from mbrl_teach.grading.references import models_and_planning as references

EVERY_WORLD = [instances.worlds, instances.costly_worlds, instances.endless_worlds]


@pytest.fixture(params=range(3))
def rng(request):
    return np.random.default_rng(request.param)


def test_the_points_are_those_that_the_assignment_promises():
    tasks = [
        checks.returns_to_go,
        checks.expectation_backup,
        checks.value_iteration,
        checks.look_ahead,
        checks.two_values,
        checks.inverse_model,
    ]
    assert [task.points for task in tasks] == [3, 4, 4, 4, 5, 3]


def test_the_returns_solve_the_equations_that_tie_each_to_the_next(rng):
    """G = r + gamma (G shifted), as one linear system."""
    for rewards, gamma in instances.discounted_rewards(rng):
        tied = np.eye(len(rewards)) - gamma * np.eye(len(rewards), k=1)
        np.testing.assert_allclose(references.returns_to_go(rewards, gamma), np.linalg.solve(tied, rewards))


@pytest.mark.parametrize("cases", [instances.rewards_only, instances.sure_backups, instances.backups])
def test_a_policy_s_own_value_is_what_the_backup_leaves_alone(rng, cases):
    """The value is that of the chain that the policy makes of the world: one linear solve."""
    for P, R, gamma, policy, _ in cases(rng):
        S = len(R)
        chain = [[sum(policy[s, a] * P[a, s, i] for a in range(len(P))) for i in range(S)] for s in range(S)]
        reward = [sum(policy[s, a] * R[s, a] for a in range(len(P))) for s in range(S)]
        V = np.linalg.solve(np.eye(S) - gamma * np.array(chain), reward)
        np.testing.assert_allclose(references.expectation_backup(P, R, gamma, policy, V), V, atol=1e-12)


def test_the_backup_is_the_mean_of_what_steps_in_the_world_bring(rng):
    """50 000 steps from each state, drawn one by one: five standard errors, a false alarm in a million."""
    P, R, gamma, policy, V = instances.backups(rng)[1]
    backed_up = references.expectation_backup(P, R, gamma, policy, V)
    A, S, _ = P.shape
    for s in range(S):
        actions = rng.choice(A, size=50_000, p=policy[s])
        next_states = np.zeros_like(actions)
        for a in range(A):
            next_states[actions == a] = rng.choice(S, size=(actions == a).sum(), p=P[a, s])
        targets = R[s, actions] + gamma * V[next_states]
        error = targets.std() / np.sqrt(len(targets))
        assert abs(backed_up[s] - targets.mean()) <= 5 * error + 1e-12


@pytest.mark.parametrize("cases", EVERY_WORLD)
def test_value_iteration_agrees_with_a_linear_program(rng, cases):
    """The optimal values are the smallest that no action can improve on (Puterman 1994, section 6.9)."""
    for P, R, gamma, tolerance in cases(rng):
        S, A = R.shape
        improve = np.concatenate([gamma * P[a] - np.eye(S) for a in range(A)])
        program = linprog(np.ones(S), A_ub=improve, b_ub=-R.T.ravel(), bounds=(None, None))
        np.testing.assert_allclose(
            references.value_iteration(P, R, gamma, tolerance), program.x, rtol=1e-6, atol=1e-7
        )


@pytest.mark.parametrize("cases", EVERY_WORLD)
def test_no_policy_has_a_larger_value_and_one_has_this(rng, cases):
    for P, R, gamma, tolerance in cases(rng):
        S, A = R.shape
        values = []
        for policy in itertools.product(range(A), repeat=S):
            chosen = list(policy)
            chain = np.eye(S) - gamma * P[chosen, np.arange(S)]
            values.append(np.linalg.solve(chain, R[np.arange(S), chosen]))
        V = references.value_iteration(P, R, gamma, tolerance)
        np.testing.assert_allclose(V, np.max(values, axis=0), rtol=1e-6)


def test_the_largest_reward_at_once_is_somewhere_not_the_best_in_every_world_to_solve(rng):
    for cases in EVERY_WORLD:
        for P, R, gamma, tolerance in cases(rng):
            V = references.value_iteration(P, R, gamma, tolerance)
            assert np.abs(expected(P, R, gamma, V).max(axis=1) - V).max() < 1e-7
            assert (expected(P, R, gamma, V).argmax(axis=1) != R.argmax(axis=1)).any()


def expected(P, R, gamma, V):
    return R + gamma * np.einsum("asn,n->sa", P, V)


def test_the_look_ahead_is_a_bellman_backup_in_a_world_where_all_ends_lead_to_a_state_of_value_zero(rng):
    """The end as a state of its own: the same numbers as `terminated`."""
    for cases in (instances.sure_models, instances.models_with_chance, instances.models_with_an_end):
        for model, V, gamma in cases(rng):
            S, A = len(model), len(model[0])
            P, R = np.zeros((A, S, S + 1)), np.zeros((S, A))
            for s, a in itertools.product(range(S), range(A)):
                for p, s_next, r, terminated in model[s][a]:
                    P[a, s, S if terminated else s_next] += p
                    R[s, a] += p * r
            np.testing.assert_allclose(P.sum(axis=2), 1.0)
            Q, policy = references.look_ahead(model, V, gamma)
            np.testing.assert_allclose(Q, expected(P, R, gamma, np.append(V, 0.0)))
            assert all(Q[s, policy[s]] == max(Q[s]) for s in range(S))


def test_the_policy_is_judged_by_the_student_s_own_action_values(rng):
    """A wrong Q costs the points of Q alone, if its best actions are taken."""

    def upside_down(*case):
        Q, _ = references.look_ahead(*case)
        return -Q, Q.argmin(axis=1)

    assert checks.look_ahead.examine(upside_down, rng).lost == (checks.ONE, checks.SEVERAL, checks.END)


@pytest.mark.parametrize(
    ("policy", "complaint"),
    [
        (lambda Q: Q.argmax(axis=1) + 0.5, "not the number of an action"),
        (lambda Q: Q.argmax(axis=1) + 10, "not the number of an action"),
        (lambda Q: Q.argmin(axis=1), "another action has a larger Q"),
    ],
)
def test_what_is_wrong_with_a_policy_is_said(rng, policy, complaint):
    def student(*case):
        Q, _ = references.look_ahead(*case)
        return Q, policy(Q)

    report = checks.look_ahead.examine(student, rng)
    assert report.lost == (checks.GREEDY,)
    assert complaint in str(report)


def every_plan(r_1, p, R):
    """The values of all plans (a_1, a_2), and of all rules (a_1, a_2 for each s_2)."""
    S, A = R.shape
    worth = lambda a_1, rule: r_1[a_1] + sum(p[a_1, s] * R[s, rule[s]] for s in range(S))
    first = range(len(r_1))
    plans = [worth(a_1, [a_2] * S) for a_1 in first for a_2 in range(A)]
    return plans, [worth(a_1, rule) for a_1 in first for rule in itertools.product(range(A), repeat=S)]


@pytest.mark.parametrize("cases", [instances.sure_decisions, instances.noisy_decisions])
def test_the_two_values_are_the_best_of_all_plans_and_of_all_rules(rng, cases):
    for case in cases(rng):
        plans, rules = every_plan(*case)
        np.testing.assert_allclose(references.two_values(*case), (max(plans), max(rules)))


def test_to_see_is_never_worse_and_helps_only_against_chance(rng):
    for case in instances.noisy_decisions(rng):
        open_loop, closed_loop = references.two_values(*case)
        assert closed_loop > open_loop
    for case in instances.sure_decisions(rng):
        open_loop, closed_loop = references.two_values(*case)
        assert closed_loop == pytest.approx(open_loop)


@pytest.mark.parametrize("gust", [0.0, 0.1, 0.25, 0.3, 0.5])
def test_on_the_windy_bridge_feedback_gains_what_paper_says(gust):
    """Bridge: match the side where one ends, 1 or 0, wrong with probability `gust`. Detour: 0.7 for sure.

    Eyes open: 1. Blind: max(1 - gust, 0.7). The difference is min(gust, 0.3).
    """
    r_1, p = np.array([0.0, -0.3]), np.array([[1 - gust, gust], [1.0, 0.0]])
    open_loop, closed_loop = references.two_values(r_1, p, np.eye(2))
    assert closed_loop - open_loop == pytest.approx(min(gust, 0.3))


@pytest.mark.parametrize("cases", [instances.plenty_of_steps, instances.few_steps])
def test_the_inverse_model_is_the_share_of_each_action_among_the_steps_from_s_to_s_next(rng, cases):
    for states, actions, next_states, S, A in cases(rng):
        inverse = references.inverse_model(states, actions, next_states, S, A)
        for s, s_next in itertools.product(range(S), range(S)):
            taken = actions[(states == s) & (next_states == s_next)].tolist()
            shares = [taken.count(a) / len(taken) if taken else 1 / A for a in range(A)]
            np.testing.assert_allclose(inverse[s, s_next], shares)


def test_by_counting_one_comes_to_bayes_rule():
    """P(a | s, s') is P(s' | s, a) policy(a | s) over its sum: 200 000 steps, five standard errors each."""
    rng = np.random.default_rng(0)
    S, A, N = 3, 2, 200_000
    P, _ = instances.world(rng, S, A)
    policy = np.array([[0.2, 0.8], [0.5, 0.5], [0.7, 0.3]])
    states = rng.integers(S, size=N)
    actions = (rng.random(N) > policy[states, 0]).astype(int)
    edges = P[actions, states].cumsum(axis=1)
    next_states = (rng.random(N)[:, None] > edges[:, :-1]).sum(axis=1)
    inverse = references.inverse_model(states, actions, next_states, S, A)
    joint = np.einsum("asn,sa->sna", P, policy)
    reached = joint.sum(axis=2) > 0.01
    bayes = joint[reached] / joint[reached].sum(axis=1, keepdims=True)
    error = 5 * np.sqrt(bayes * (1 - bayes) / (N / S * joint[reached].sum(axis=1, keepdims=True)))
    assert (np.abs(inverse[reached] - bayes) <= 1.2 * error + 1e-12).all()
