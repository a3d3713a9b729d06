"""The references of assignment 05_dyna_q against oracles that share nothing with them."""

import itertools

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.stats import binom, chisquare

from mbrl_teach.grading.chances import UNLIKELY, unlikely
from mbrl_teach.grading.checks import dyna_q as checks
from mbrl_teach.grading.instances import dyna_q as instances
from mbrl_teach.grading.references import dyna_q as references
from mbrl_teach.grading.student_call import NOT_FROM_RNG


@pytest.fixture(params=range(3))
def rng(request):
    return np.random.default_rng(request.param)


def optimal_values(P, R, gamma):
    """The least V with V ≥ R_a + gamma P_a V for every action a, P (S, A, S), R (S, A), by linear programming."""
    S, A = R.shape
    bounds = np.repeat(np.eye(S), A, axis=0) - gamma * P.reshape(S * A, S)
    return linprog(np.ones(S), A_ub=-bounds, b_ub=-R.ravel(), bounds=(None, None)).x


def test_the_points_are_those_that_the_assignment_promises():
    tasks = [
        checks.epsilon_greedy,
        checks.q_update,
        checks.table_model,
        checks.planning_sweep,
        checks.dyna_q,
        checks.expected_sweep,
        checks.dyna_q_plus_step,
    ]
    assert [task.points for task in tasks] == [4, 4, 4, 5, 6, 4, 5]
    assert not any(task.extra for task in tasks)
    assert (checks.prioritized_sweep.points, checks.prioritized_sweep.extra) == (4, True)


# What was drawn -------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [0.0, 0.2, 0.925, 1.0])
def test_a_right_count_is_called_unlikely_as_rarely_as_is_said(p):
    alarms = [k for k in range(41) if unlikely([k], [p], 40) is not None]
    assert binom.pmf(alarms, 40, p).sum() <= 2 * UNLIKELY
    assert alarms


def test_epsilon_greedy_draws_what_it_should():
    values, epsilon, rng = np.array([1.0, 3.0, 3.0, 0.0]), 0.4, np.random.default_rng(0)
    tally = np.bincount([references.epsilon_greedy(values, epsilon, rng) for _ in range(4000)], minlength=4)
    assert chisquare(tally, 4000 * np.array([0.1, 0.4, 0.4, 0.1])).pvalue > 1e-4


def test_a_sweep_draws_states_and_then_their_actions_alike(rng):
    Q, counts, reward_sums, *_ = instances.several_pairs(rng)[0]
    n, alpha = 4000, 1e-9
    swept = references.planning_sweep(Q, counts, reward_sums, n, alpha, 0.0, rng)
    tried = counts.any(axis=2)
    tally = ((swept - Q)[tried] / alpha).round()
    often = counts.sum(axis=2)[tried] == 40
    assert tally.sum() == n
    assert chisquare(tally, n * np.where(often, 0.5, 0.125)).pvalue > 1e-4


def test_draws_that_are_not_from_rng_are_told_so(rng):
    """They are of the right distribution, and another student's luck each time."""

    def elsewhere(function):
        return lambda *case: function(*case[:-1], np.random.default_rng())

    for task in (checks.epsilon_greedy, checks.planning_sweep):
        assert NOT_FROM_RNG in str(task.examine(elsewhere(task.reference), rng))
        assert NOT_FROM_RNG not in str(task.examine(task.reference, rng))


def test_an_answer_that_is_no_action_is_told_so(rng):
    for answer in (4, 0.5, -1, "0", [0, 1], True):
        report = checks.epsilon_greedy.examine(lambda *case, answer=answer: answer, rng)
        assert report.points == 0
        assert "action must be a whole number from 0 to 3" in report.verdicts[0].problem


def test_a_mistake_that_draws_is_named_whatever_its_order_of_draws(rng):
    def argmax_after_some_draws(values, epsilon, rng):
        rng.normal(size=3)
        return rng.integers(len(values)) if 1 - rng.random() <= epsilon else int(np.argmax(values))

    report = checks.epsilon_greedy.examine(argmax_after_some_draws, rng)
    assert report.lost == (checks.TIES,)
    assert "Looks like: np.argmax alone" in str(report)


def test_a_loop_that_never_ends_is_stopped_and_told_so(rng):
    def stays(S, A, reset, step, act, learn, plan, episodes):
        s = reset()
        while True:
            step(s, 0)

    report = checks.dyna_q.examine(stays, rng)
    assert report.points == 0
    assert "your loop does not end" in str(report)


# What is exact --------------------------------------------------------------------------------------


def test_the_optimal_values_are_where_q_learning_rests(rng):
    """In the mean over all next states no update changes them."""
    ((_, pairs, counts, reward_sums, gamma),) = instances.many_sweeps(rng)
    n = counts.sum(axis=2)
    P, R = counts / n[:, :, None], reward_sums / n
    Q = R + gamma * P @ optimal_values(P, R, gamma)
    for s, a in set(pairs):
        update = lambda s2, s=s, a=a: references.q_update(Q, s, a, R[s, a], s2, False, False, 0.5, gamma)
        drift = sum(P[s, a, s2] * (update(s2) - Q) for s2 in range(len(Q)))
        np.testing.assert_allclose(drift, 0.0, atol=1e-6)


def test_nothing_is_expected_after_a_terminal_state_and_much_after_a_time_limit(rng):
    for case in instances.terminated_steps(rng):
        Q, s, a, r, s2, _, _, alpha, gamma = case
        np.testing.assert_allclose(references.q_update(*case)[s, a], Q[s, a] + alpha * (r - Q[s, a]))
        limited = references.q_update(Q, s, a, r, s2, False, True, alpha, gamma)
        np.testing.assert_allclose(
            limited[s, a] - references.q_update(*case)[s, a], alpha * gamma * max(Q[s2])
        )


def test_the_table_model_is_the_most_likely_one(rng):
    """No small change of P makes the experience likelier, none of R lowers the squared errors."""
    experience, S, A = instances.complete_streams(rng)[0]
    counts, P, R = references.table_model(experience, S, A)
    assert counts.sum() == len(experience)
    np.testing.assert_allclose(P.sum(axis=2), 1.0)

    def surprise(P, R):
        return -sum(np.log(P[s, a, s2]) - (r - R[s, a]) ** 2 for s, a, r, s2 in experience)

    for s, a in np.ndindex(S, A):
        for s2 in np.flatnonzero(counts[s, a]):
            other, R_other = P.copy(), R.copy()
            other[s, a, s2] += 0.05
            other[s, a] /= 1.05
            R_other[s, a] += 0.01 * rng.choice([-1, 1])
            assert surprise(other, R) > surprise(P, R)
            assert surprise(P, R_other) > surprise(P, R)


def test_an_untried_pair_is_a_loop_without_reward(rng):
    ((experience, S, A),) = instances.incomplete_streams(rng)
    _, P, R = references.table_model(experience, S, A)
    for s, a in set(itertools.product(range(S), range(A))) - {step[:2] for step in experience}:
        assert (P[s, a] == np.eye(S)[s]).all()
        assert R[s, a] == 0


def test_a_long_planning_sweep_arrives_at_the_optimum_of_the_model(rng):
    S, A, gamma = 4, 2, 0.8
    next_states = rng.integers(S, size=(S, A))
    counts, R = 3.0 * np.eye(S)[next_states], rng.normal(size=(S, A))
    Q = references.planning_sweep(np.zeros((S, A)), counts, 3 * R, 3000, 1.0, gamma, rng)
    V = optimal_values(np.eye(S)[next_states], R, gamma)
    np.testing.assert_allclose(Q.max(axis=1), V, atol=1e-6)


def test_expected_sweeps_arrive_at_the_optimum_of_the_model(rng):
    ((Q, pairs, counts, reward_sums, gamma),) = instances.many_sweeps(rng)
    n = counts.sum(axis=2)
    V = optimal_values(counts / n[:, :, None], reward_sums / n, gamma)
    swept = references.expected_sweep(Q, pairs, counts, reward_sums, gamma)
    np.testing.assert_allclose(swept.max(axis=1), V, atol=1e-6)


def test_an_expected_update_is_the_mean_of_all_sampled_ones(rng):
    for Q, pairs, counts, reward_sums, gamma in instances.one_pair_updates(rng):
        ((s, a),) = pairs
        r = reward_sums[s, a] / counts[s, a].sum()
        sampled = [references.q_update(Q, s, a, r, s2, False, False, 1.0, gamma) for s2 in range(len(Q))]
        mean = np.average(sampled, axis=0, weights=counts[s, a])
        np.testing.assert_allclose(references.expected_sweep(Q, pairs, counts, reward_sums, gamma), mean)


def walk(rng, episodes=400):
    """The reference of Dyna-Q on a line of five cells with the goal on the right, acting at random."""
    S, gamma = 5, 0.9
    step = lambda s, a: (
        (max(s - 1, 0), 0.0, False, False) if a == 0 else (s + 1, float(s == 3), s == 3, False)
    )
    learn = lambda Q, s, a, r, s2, over: references.q_update(Q, s, a, r, s2, over, False, 0.5, gamma)
    act, plan = lambda Q, s: rng.integers(2), lambda Q, counts, reward_sums: Q
    return references.dyna_q(S, 2, lambda: 0, step, act, learn, plan, episodes)


def test_dyna_q_learns_the_values_of_a_line_and_counts_what_it_does():
    Q, counts, steps = walk(np.random.default_rng(0))
    np.testing.assert_allclose(Q.max(axis=1), [0.9**3, 0.9**2, 0.9, 1.0, 0.0], atol=1e-3)
    assert counts.sum() == steps.sum()
    assert counts[3, 1, 4] == len(steps)
    assert steps.min() >= 4


def test_planning_after_each_step_sees_exactly_the_steps_so_far(rng):
    ((*case, _, episodes),) = instances.corridors_with_planning(rng)
    seen = []
    plan = lambda Q, counts, reward_sums: (seen.append((counts.sum(), counts.copy(), reward_sums.copy())), Q)[
        1
    ]
    _, counts, steps = references.dyna_q(*case, plan, episodes)
    assert [total for total, _, _ in seen] == list(range(1, steps.sum() + 1))
    np.testing.assert_array_equal(seen[-1][1], counts)


def test_in_the_world_with_a_time_limit_an_episode_ends_by_it(rng):
    (case,) = instances.rings_with_a_time_limit(rng)
    assert references.dyna_q(*case)[2].tolist() == [4, 4]


def test_the_bonus_grows_with_the_root_of_the_time_and_only_dreams_have_it(rng):
    for case in instances.planned_steps(rng):
        Q, tau, _, next_states, experience, _, kappa, alpha, gamma = case
        s, a, r, s2 = experience
        other = next((x, u) for x, u in np.ndindex(tau.shape) if x != s and next_states[x, u] != s)
        step = lambda pairs, kappa, case=case: references.dyna_q_plus_step(*case[:5], pairs, kappa, *case[7:])
        real, times, *_ = step([], kappa)
        assert (real != Q).sum() == 1
        np.testing.assert_allclose(real[s, a], Q[s, a] + alpha * (r + gamma * Q[s2].max() - Q[s, a]))
        assert (times[s, a], times[other]) == (0, tau[other] + 1)
        gained = step([other], kappa)[0] - step([other], 0.0)[0]
        np.testing.assert_allclose(gained[other], alpha * kappa * np.sqrt(tau[other] + 1))
        np.testing.assert_allclose(step([(s, a)], kappa)[0], step([(s, a)], 0.0)[0])


def bellman_errors(Q, rewards, next_states, gamma):
    return np.abs(rewards + gamma * Q.max(axis=1)[next_states] - Q)


def test_after_sweeping_the_priorities_of_all_that_changed_are_their_bellman_errors(rng):
    for case in instances.first_updates(rng):
        Q, before, rewards, next_states, tried, *_, gamma = case
        swept, priority, done = references.prioritized_sweep(*case)
        (changed,) = np.argwhere(swept != Q)
        assert (tuple(changed), done) == (np.unravel_index(before.argmax(), before.shape), 1)
        leading = tried & (next_states == changed[0])
        assert leading.sum() >= 2
        errors = bellman_errors(swept, rewards, next_states, gamma)
        np.testing.assert_allclose(priority[leading], errors[leading])


def test_sweeping_from_everything_leaves_no_error_above_theta(rng):
    for *model, _, theta, alpha, gamma in instances.calm_models(rng):
        Q, _, rewards, next_states, tried = model
        errors = bellman_errors(Q, rewards, next_states, gamma) * tried
        swept, _, done = references.prioritized_sweep(Q, errors, *model[2:], 10_000, theta, alpha, gamma)
        assert 0 < done < 10_000
        assert (bellman_errors(swept, rewards, next_states, gamma) * tried).max() <= theta


@pytest.mark.parametrize("seed", range(40))
def test_rounding_does_not_say_which_pair_is_updated_first(seed):
    """Right answers that add up in another order must not be refused."""
    for Q, priority, rewards, *rest in instances.many_updates(np.random.default_rng(seed)):
        nudged = Q * (1 + 1e-12 * np.random.default_rng(seed).normal(size=Q.shape))
        plain = references.prioritized_sweep(Q, priority, rewards, *rest)[0]
        np.testing.assert_allclose(
            references.prioritized_sweep(nudged, priority, rewards, *rest)[0], plain, atol=1e-9
        )
