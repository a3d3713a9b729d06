"""The Kalman filter and smoother against dense Gaussian conditioning, scipy and simulation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from linear_gaussian import conditioned, joint_gaussian, per_step, random_model
from scipy.linalg import solve_discrete_are
from scipy.stats import chi2, multivariate_normal

from mbrl_teach.control.kalman import kalman_filter, kalman_smoother, predict, update


@st.composite
def models(draw):
    n = draw(st.integers(1, 4))
    return random_model(
        np.random.default_rng(draw(st.integers(0, 2**32 - 1))),
        n=n,
        m=draw(st.integers(0, 2)),
        p=draw(st.integers(1, 5)),
        T=draw(st.integers(1, 7)),
        varying=draw(st.booleans()),
        noise_rank=draw(st.integers(0, n)),
        prior_rank=draw(st.integers(0, n)),
    )


random_instances = settings(max_examples=60, deadline=None, derandomize=True)


@random_instances
@given(models())
def test_filter_agrees_with_conditioning_the_joint_gaussian(model):
    filtered = kalman_filter(**model)
    for t in range(len(model["observations"])):
        means, covariances = conditioned(model, seen=t + 1)
        np.testing.assert_allclose(filtered.means[t], means[t], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(filtered.covariances[t], covariances[t], rtol=1e-9, atol=1e-9)


@random_instances
@given(models())
def test_predictions_agree_with_conditioning_on_the_observations_before(model):
    filtered = kalman_filter(**model)
    for t in range(len(model["observations"]) + 1):
        means, covariances = conditioned(model, seen=t)
        np.testing.assert_allclose(filtered.predicted_means[t], means[t], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(filtered.predicted_covariances[t], covariances[t], rtol=1e-9, atol=1e-9)


@random_instances
@given(models())
def test_smoother_agrees_with_conditioning_on_all_observations(model):
    smoothed = kalman_smoother(kalman_filter(**model))
    means, covariances = conditioned(model, seen=len(model["observations"]))
    np.testing.assert_allclose(smoothed.means, means[:-1], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(smoothed.covariances, covariances[:-1], rtol=1e-9, atol=1e-9)


@random_instances
@given(models())
def test_log_likelihood_is_the_density_of_all_observations_at_once(model):
    _, _, mean, covariance, _ = joint_gaussian(model)
    expected = multivariate_normal(mean, covariance).logpdf(model["observations"].ravel())
    assert kalman_filter(**model).log_likelihood == pytest.approx(expected, rel=1e-9)


@random_instances
@given(models())
def test_covariances_stay_symmetric_and_positive_semi_definite(model):
    filtered = kalman_filter(**model)
    smoothed = kalman_smoother(filtered)
    for P in (filtered.covariances, filtered.predicted_covariances, smoothed.covariances):
        np.testing.assert_array_equal(P, P.mT)
        assert np.linalg.eigvalsh(P).min() >= -1e-14 * np.abs(P).max()


def test_an_excellent_sensor_leaves_its_own_variance_to_all_digits():
    # From variance 1e8 to 1e-8 in one update: P - L S L' would keep no digit of it.
    _, P, _ = update([0.0], [[1e8]], [0.0], [[1.0]], [[1e-8]])
    assert P[0, 0] == pytest.approx(1e-8, rel=1e-12)


def test_smoother_knows_a_state_that_nothing_disturbs_equally_well_at_all_times():
    # A constant seen T times: the smoothed value is the posterior mean at every step.
    T, prior, sensor = 10, 4.0, 0.5
    o = np.random.default_rng(0).normal(size=(T, 1))
    smoothed = kalman_smoother(kalman_filter([[1]], [0], [[0]], [[1]], [[sensor]], [0], [[prior]], o))
    variance = 1 / (1 / prior + T / sensor)
    np.testing.assert_allclose(smoothed.means, np.full((T, 1), variance * o.sum() / sensor), rtol=1e-12)
    np.testing.assert_allclose(smoothed.covariances, np.full((T, 1, 1), variance), rtol=1e-12)


def test_smoother_does_not_depend_on_the_units_of_the_states():
    model = random_model(np.random.default_rng(1), n=3, m=0, noise_rank=2)
    units = np.array([1e-9, 1.0, 1e9])
    scaled = model | {
        "F": units[:, None] * model["F"] / units,
        "f": units * model["f"],
        "process_noise": units[:, None] * model["process_noise"] * units,
        "H": model["H"] / units,
        "mean": units * model["mean"],
        "covariance": units[:, None] * model["covariance"] * units,
    }
    expected = kalman_smoother(kalman_filter(**model))
    smoothed = kalman_smoother(kalman_filter(**scaled))
    np.testing.assert_allclose(smoothed.means / units, expected.means, rtol=1e-8, atol=1e-8)
    spread = smoothed.covariances / units / units[:, None]
    np.testing.assert_allclose(spread, expected.covariances, rtol=1e-8, atol=1e-8)


def test_predicted_covariance_approaches_the_riccati_solution_of_the_dual_problem():
    rng = np.random.default_rng(2)
    model = random_model(rng, n=4, m=1, p=2, T=200, varying=False)
    A = model["F"][:, :4]
    stationary = solve_discrete_are(A.T, model["H"].T, model["process_noise"], model["observation_noise"])
    np.testing.assert_allclose(kalman_filter(**model).predicted_covariances[-1], stationary, rtol=1e-10)


def test_predict_and_update_are_the_steps_of_the_filter():
    model = random_model(np.random.default_rng(3))
    filtered, x = kalman_filter(**model), per_step(model)
    log_likelihood = 0.0
    mean, covariance = x.mean, x.covariance
    for t in range(x.T):
        mean, covariance, log_p = update(mean, covariance, x.observations[t], x.H[t], x.observation_noise[t])
        np.testing.assert_allclose(mean, filtered.means[t], rtol=1e-12)
        np.testing.assert_allclose(covariance, filtered.covariances[t], rtol=1e-12)
        mean, covariance = predict(mean, covariance, x.F[t], x.f[t], x.process_noise[t], x.actions[t])
        log_likelihood += log_p
    np.testing.assert_allclose(mean, filtered.predicted_means[-1], rtol=1e-12)
    np.testing.assert_allclose(covariance, filtered.predicted_covariances[-1], rtol=1e-12)
    assert log_likelihood == pytest.approx(filtered.log_likelihood, rel=1e-12)


def test_no_actions_are_actions_of_zero():
    model = random_model(np.random.default_rng(4))
    without = kalman_filter(**model | {"actions": None})
    zeros = kalman_filter(**model | {"actions": np.zeros_like(model["actions"])})
    np.testing.assert_array_equal(without.predicted_means, zeros.predicted_means)


def test_the_last_action_matters_to_the_last_prediction_only():
    model = random_model(np.random.default_rng(5))
    whole = kalman_filter(**model)
    short = kalman_filter(**model | {"actions": model["actions"][:-1]})
    np.testing.assert_array_equal(short.means, whole.means)
    np.testing.assert_array_equal(short.predicted_means[:-1], whole.predicted_means[:-1])
    assert not np.allclose(short.predicted_means[-1], whole.predicted_means[-1])


def simulated_errors(model, rng, runs):
    """Errors s_T - m_T|T (runs, n) of the filter in worlds drawn from its own model, and P_T|T."""
    x = per_step(model)
    errors = []
    for _ in range(runs):
        s, observations = rng.multivariate_normal(x.mean, x.covariance), np.empty((x.T, x.p))
        for t in range(x.T):
            v = rng.multivariate_normal(np.zeros(x.p), x.observation_noise[t])
            observations[t], last = x.H[t] @ s + v, s
            w = rng.multivariate_normal(np.zeros(x.n), x.process_noise[t])
            s = x.F[t] @ [*s, *x.actions[t]] + x.f[t] + w
        filtered = kalman_filter(**model | {"observations": observations})
        errors.append(last - filtered.means[-1])
    return np.array(errors), filtered.covariances[-1]


def test_errors_are_as_large_as_the_filter_believes():
    # Normalised estimation error squared (Bar-Shalom, Li and Kirubarajan 2001, §5.4): the sum over
    # independent runs is chi-square with runs x n degrees of freedom. False alarm over seeds: 1e-5.
    runs, n = 300, 3
    rng = np.random.default_rng(6)
    errors, P = simulated_errors(random_model(rng, n=n), rng, runs)
    low, high = chi2(runs * n).ppf([5e-6, 1 - 5e-6])
    assert low < np.einsum("ri,ij,rj->", errors, np.linalg.inv(P), errors) < high
    # The interval is narrow enough to notice a covariance that is half or twice as large.
    assert runs * n / 2 < low
    assert high < runs * n * 2


def test_inputs_are_not_modified_and_what_comes_back_is_ours():
    model = random_model(np.random.default_rng(12))
    for array in model.values():
        array.flags.writeable = False
    filtered = kalman_filter(**model)
    kalman_smoother(filtered)
    again = kalman_filter(**model)
    np.testing.assert_array_equal(filtered.means, again.means)
    results = [filtered.F, filtered.process_noise, filtered.means, filtered.predicted_means]
    assert not any(np.shares_memory(ours, theirs) for ours in results for theirs in model.values())


def test_smoother_leaves_the_filtered_result_alone():
    filtered = kalman_filter(**random_model(np.random.default_rng(13)))
    before = filtered.means.copy(), filtered.covariances.copy()
    kalman_smoother(filtered)
    np.testing.assert_array_equal(filtered.means, before[0])
    np.testing.assert_array_equal(filtered.covariances, before[1])


def test_integers_and_lists_give_float64():
    filtered = kalman_filter([[1, 1]], [0], [[1]], [[1]], [[1]], [0], [[1]], [[1], [2]], [[1]])
    assert filtered.means.dtype == filtered.covariances.dtype == np.float64
    assert isinstance(filtered.log_likelihood, float)
