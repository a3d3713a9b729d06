"""The references of 01b_lqg agree with conditioning of one large Gaussian; the world keeps its promises."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from mbrl_teach.grading.checks import lqg as checks
from mbrl_teach.grading.instances import lqg as instances
from mbrl_teach.grading.references import lqg as references
from tests.control.linear_gaussian import conditioned, joint_gaussian

EXACT = {"rtol": 1e-9, "atol": 1e-9}
SEEDS = range(5)


def cases(*sources):
    """Every case of these sources, on a few seeds."""
    return [case for source in sources for seed in SEEDS for case in source(np.random.default_rng(seed))]


def filtered_at_once(F, f, process_noise, H, observation_noise, mean, covariance, observations, actions):
    """E and Cov of each s_t given o_1 … o_t, and log p(o_1 … o_T), with no recursion over time."""
    model = {"F": F, "f": f, "process_noise": process_noise, "H": H, "observation_noise": observation_noise}
    after_last = np.zeros((len(observations) - len(actions), F.shape[1] - len(F)))
    model |= {"mean": mean, "covariance": covariance, "observations": observations}
    model |= {"actions": np.concatenate([actions, after_last])}
    beliefs = [conditioned(model, seen=t + 1) for t in range(len(observations))]
    _, _, o_mean, o_cov, _ = joint_gaussian(model)
    return (
        [means[t] for t, (means, _) in enumerate(beliefs)],
        [covariances[t] for t, (_, covariances) in enumerate(beliefs)],
        multivariate_normal(o_mean, o_cov).logpdf(observations.ravel()),
    )


@pytest.mark.parametrize("case", cases(instances.steps_with_action, instances.steps_with_drift))
def test_predict_is_the_next_state_of_the_joint_gaussian(case):
    mean, P, F, f, process_noise, action = case
    model = {"mean": mean, "covariance": P, "F": F, "f": f, "process_noise": process_noise}
    nothing_seen = {"H": np.eye(len(P)), "observation_noise": np.eye(len(P)), "observations": mean[None]}
    means, covariances = conditioned(model | nothing_seen | {"actions": action[None]}, seen=0)
    predicted, covariance = references.predict(*case)
    np.testing.assert_allclose(predicted, means[1], **EXACT)
    np.testing.assert_allclose(covariance, covariances[1], **EXACT)


@pytest.mark.parametrize("case", cases(instances.one_sensor, instances.several_sensors))
def test_update_adds_the_information_of_the_observation(case):
    mean, P, observation, H, R = case
    information = np.linalg.inv(P) + H.T @ np.linalg.inv(R) @ H
    weighted = np.linalg.inv(P) @ mean + H.T @ np.linalg.inv(R) @ observation
    updated, covariance = references.update(*case)
    np.testing.assert_allclose(covariance, np.linalg.inv(information), **EXACT)
    np.testing.assert_allclose(updated, np.linalg.solve(information, weighted), **EXACT)


@pytest.mark.parametrize(
    "case", cases(instances.single_observations, instances.watched_only, instances.watched_and_acted)
)
def test_the_filter_is_the_joint_gaussian_conditioned_on_what_was_seen(case):
    *model, _, _ = case
    means, covariances, log_likelihood = references.kalman_filter(*case)
    expected_means, expected_covariances, expected_log_likelihood = filtered_at_once(*model)
    np.testing.assert_allclose(means, expected_means, **EXACT)
    np.testing.assert_allclose(covariances, expected_covariances, **EXACT)
    np.testing.assert_allclose(log_likelihood, expected_log_likelihood, **EXACT)


@pytest.mark.parametrize("case", cases(instances.loops_without_offsets, instances.loops_with_offsets))
def test_the_loop_acts_on_the_conditional_mean_of_what_it_saw(case):
    reset, step, K, k, *model, _, _ = case
    actions, means = references.lqg_loop(*case)
    observations = np.array([reset(), *(step(action) for action in actions[:-1])])
    np.testing.assert_allclose(means, filtered_at_once(*model, observations, actions)[0], **EXACT)
    np.testing.assert_allclose(actions, [K_t @ m + k_t for K_t, m, k_t in zip(K, means, k, strict=True)])


def test_cases_with_actions_and_offsets_have_some():
    """Else the points for them would be given away."""
    assert all(np.abs(case[5]).min() > 1e-3 for case in cases(instances.steps_with_action))
    assert all(np.abs(case[3]).min() > 1e-3 for case in cases(instances.steps_with_drift))
    assert all(np.abs(case[3]).min() > 1e-3 for case in cases(instances.loops_with_offsets))
    assert all(np.abs(case[8]).min() > 1e-3 for case in cases(instances.watched_and_acted))


@pytest.fixture
def a_world():
    n, m, p, T = 3, 2, 2, 4
    rng = np.random.default_rng(0)
    F, f, _ = instances.random_dynamics(rng, n, m)
    H, _ = instances.random_sensor(rng, n, p)
    start, w, v = rng.normal(size=n), rng.normal(size=(T, n)), rng.normal(size=(T + 1, p))
    return F, f, H, start, w, v, *instances.world(F, f, H, start, w, v)


def test_a_world_shows_its_state_through_noise(a_world):
    F, f, H, s, w, v, reset, step = a_world
    np.testing.assert_allclose(reset(), H @ s + v[0])
    for t, action in enumerate(np.random.default_rng(1).normal(size=(4, 2))):
        s = F[:, :3] @ s + F[:, 3:] @ action + f + w[t]
        np.testing.assert_allclose(step(action), H @ s + v[t + 1])


def test_a_world_starts_again_as_before_whatever_is_done_to_what_it_showed(a_world):
    *_, reset, step = a_world
    first, second = reset(), step(np.ones(2))
    kept = first.copy(), second.copy()
    first[:] = second[:] = 0.0
    np.testing.assert_array_equal(reset(), kept[0])
    np.testing.assert_array_equal(step([1, 1]), kept[1])


def test_a_world_says_what_is_asked_of_it_wrongly(a_world):
    *_, reset, step = a_world
    with pytest.raises(ValueError, match=r"reset\(\) does"):
        step(np.zeros(2))
    reset()
    with pytest.raises(ValueError, match=r"action must have shape \(m,\) = \(2,\); got \(2, 1\)"):
        step(np.zeros((2, 1)))
    for _ in range(4):
        step(np.zeros(2))
    with pytest.raises(ValueError, match="ended after T = 4"):
        step(np.zeros(2))


def examine(function):
    return checks.lqg_loop.examine(function, np.random.default_rng(0))


def test_a_wrong_filter_costs_no_points_of_the_controller():
    """A loop that acts rightly on means that are not the filter's, from the second step on."""

    def loop(reset, step, K, k, *model_and_helpers):
        _, means = references.lqg_loop(reset, step, K, k, *model_and_helpers)
        means[1:] += 1.0
        return np.einsum("tij,tj->ti", K, means) + k, means

    assert examine(loop).lost == (checks.ESTIMATES,)


def test_a_wrong_controller_costs_no_points_of_the_filter():
    """A loop that filters rightly, and acts as it likes."""

    def loop(reset, step, K, k, *model_and_helpers):
        _, means = references.lqg_loop(reset, step, 2 * K, k - 1, *model_and_helpers)
        actions = np.einsum("tij,tj->ti", 2 * K, means) + k - 1
        return actions, means

    assert examine(loop).lost == (checks.FEEDBACK, checks.OFFSETS)


def test_a_loop_that_never_looks_gets_nothing():
    """Actions that fit means that were made up."""

    def loop(reset, step, K, k, *model_and_helpers):
        return k, np.zeros((len(K), K.shape[2]))

    assert examine(loop).points == 0.0
