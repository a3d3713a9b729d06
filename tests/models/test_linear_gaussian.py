"""Bayesian linear regression: the posterior in closed form, and what it says of its own doubt."""

import numpy as np
import pytest
from scipy import stats

from mbrl_teach.models.encoding import Angles
from mbrl_teach.models.linear import Linear
from mbrl_teach.models.linear_gaussian import LinearGaussian
from tests.models.worlds import SIGMA, linear_steps

PRIOR = {"prior_precision": [0.5, 2.0, 1.0, 0.1], "prior_noise": [0.3, 0.2], "prior_degrees": 6.0}


@pytest.fixture
def steps():
    return linear_steps(40, np.random.default_rng(0))


def closed_form(s, a, s_next):
    """Posterior M, Λ, Ψ, ν under PRIOR; Ψ by the other formula, Ψ_0 + Y'Y - M'ΛM."""
    X, Y = np.hstack([s, a, np.ones((len(s), 1))]), s_next - s
    precision = np.diag(PRIOR["prior_precision"]) + X.T @ X
    M = np.linalg.inv(precision) @ X.T @ Y
    prior_scale = (6.0 - 3.0) * np.diag([0.09, 0.04])  # so that the prior mean of Σ is diag(noise²)
    return M, precision, prior_scale + Y.T @ Y - M.T @ precision @ M, 6.0 + len(s)


def test_the_posterior_is_the_closed_form(steps):
    model = LinearGaussian(**PRIOR).fit(*steps)
    M, precision, scale, degrees = closed_form(*steps)
    np.testing.assert_allclose(model.regression.M, M, atol=1e-10)
    np.testing.assert_allclose(model.regression.scale, scale, atol=1e-10)
    assert model.regression.degrees == degrees
    s, a = np.array([0.4, -3.0]), np.array([1.5])
    x = np.concatenate([s, a, [1.0]])
    mean, variance = model.predict(s, a)
    np.testing.assert_allclose(mean, s + x @ M, atol=1e-10)
    expected = (1.0 + x @ np.linalg.solve(precision, x)) * np.diag(scale) / (degrees - 3.0)
    np.testing.assert_allclose(variance, expected, atol=1e-10)


def test_steps_at_once_and_one_by_one_teach_the_same(steps):
    at_once, one_by_one = LinearGaussian(**PRIOR).fit(*steps), LinearGaussian(**PRIOR)
    for t in range(40):
        one_by_one.update(*(part[t : t + 1] for part in steps))
    for name in ("M", "precision_matrix", "scale", "degrees", "log_evidence"):
        expected = getattr(at_once.regression, name)
        np.testing.assert_allclose(getattr(one_by_one.regression, name), expected, rtol=1e-9, atol=1e-10)


def test_the_evidence_is_the_product_of_what_was_foretold(steps):
    """Each step's density under Student's t of the model of the steps before it, by scipy."""
    model, total = LinearGaussian(**PRIOR).fit(*(part[:1] for part in steps)), 0.0
    before = model.log_evidence
    for t in range(1, 40):
        s, a, s_next = (part[t] for part in steps)
        mean, _ = model.predict(s, a)
        degrees, x = model.regression.degrees - 2 + 1, np.concatenate([s, a])
        shape = model.regression.scale * (1 + model.regression.doubt(x)) / degrees
        total += stats.multivariate_t(mean, shape, df=degrees).logpdf(s_next)
        model.update(s[None], a[None], s_next[None])
    assert model.log_evidence - before == pytest.approx(total, rel=1e-9)


def test_with_a_weak_prior_it_is_least_squares(steps):
    model, reference = LinearGaussian(prior_precision=1e-9).fit(*steps), Linear().fit(*steps)
    np.testing.assert_allclose(model.predict(*steps[:2])[0], reference.predict(*steps[:2])[0], atol=1e-8)


def test_doubt_grows_away_from_the_data_and_shrinks_with_more():
    rng = np.random.default_rng(1)
    few, many = (LinearGaussian().fit(*linear_steps(N, rng)) for N in (20, 2000))
    inside, outside = np.zeros((2, 3)), np.full((2, 3), 10.0)
    assert (few.regression.doubt(outside) > 10 * few.regression.doubt(inside)).all()
    assert (many.regression.doubt(outside) < 0.1 * few.regression.doubt(outside)).all()
    np.testing.assert_allclose(many.covariance, SIGMA, rtol=0.2, atol=0.002)


def test_intervals_hold_what_they_promise():
    """Of 800 worlds drawn from the prior, 90 % of the next steps lie in the central 90 %; ±4 deviations."""
    rng, inside = np.random.default_rng(2), 0
    for _ in range(800):
        covariance = stats.invwishart(6.0, 3.0 * np.diag([0.09, 0.04])).rvs(random_state=rng)
        W = rng.multivariate_normal(np.zeros(2), covariance, size=4) / np.sqrt([[0.5], [2.0], [1.0], [0.1]])
        s, a = rng.normal(size=(6, 2)), rng.normal(size=(6, 1))
        x = np.hstack([s, a, np.ones((6, 1))])
        s_next = s + x @ W + rng.multivariate_normal(np.zeros(2), covariance, size=6)
        model = LinearGaussian(**PRIOR).fit(s[:5], a[:5], s_next[:5])
        mean, variance = model.predict(s[5], a[5])
        degrees = model.regression.degrees - 1
        spread = np.sqrt(variance * (degrees - 2) / degrees)
        inside += abs(s_next[5, 0] - mean[0]) < stats.t(degrees).ppf(0.95) * spread[0]
    assert abs(inside - 720) < 4 * np.sqrt(800 * 0.9 * 0.1)


def test_samples_have_the_mean_and_the_variance_that_is_predicted(steps):
    model, rng = LinearGaussian().fit(*steps), np.random.default_rng(3)
    s, a = np.tile([3.0, -1.0], (40000, 1)), np.tile([2.0], (40000, 1))
    drawn, (mean, variance) = model.sample(s, a, rng), model.predict(s[0], a[0])
    np.testing.assert_allclose(drawn.mean(axis=0), mean, atol=0.01)
    np.testing.assert_allclose(drawn.var(axis=0), variance, rtol=0.05)


def test_worlds_drawn_from_the_posterior_average_to_it(steps):
    """With inputs that go together, so that the doubt about their weights does too."""
    s, a, s_next = (part[:15] for part in steps)
    model, rng = LinearGaussian().fit(s, s[:, :1] + 0.3 * a, s_next), np.random.default_rng(4)
    s, a = np.array([2.0, -1.0]), np.array([2.0])
    drawn = [model.posterior_sample(rng) for _ in range(2000)]
    mean, variance = model.predict(s, a)
    means = np.array([world.dynamics(s, a) for world in drawn])
    noise = np.mean([world.covariance for world in drawn], axis=0)
    np.testing.assert_allclose(means.mean(axis=0), mean, atol=0.02)
    np.testing.assert_allclose(noise, model.covariance, rtol=0.1, atol=0.002)
    np.testing.assert_allclose(means.var(axis=0) + np.diag(noise), variance, rtol=0.1)


def test_dependent_columns_and_a_single_step_are_met_by_the_prior():
    s = np.array([[1.0, 2.0]])
    model = LinearGaussian().fit(s, [[0.5]], [[1.5, 1.0]])
    np.testing.assert_allclose(model.predict(s, [[0.5]])[0], [[1.5, 1.0]], atol=1e-5)
    _, variance = model.predict([50.0, -50.0], [0.0])
    assert (variance > 1.0).all()
    constant = LinearGaussian().fit(np.ones((9, 2)), np.full((9, 1), 0.1), np.ones((9, 2)))
    np.testing.assert_allclose(constant.dynamics(np.ones(2), np.full(1, 0.1)), 1.0, atol=1e-12)


def test_angles_wrap():
    s, a = np.array([[3.1, 1.0], [-3.1, 1.0]]), np.zeros((2, 1))
    model = LinearGaussian(encoding=Angles(0)).fit(s, a, [[-3.1, 1.0], [-3.0, 1.0]])
    np.testing.assert_allclose(model.dynamics(s, a)[:, 0], [3.1 + 2 * np.pi - 6.2, -3.0], atol=1e-3)


@pytest.mark.parametrize(
    ("prior", "message"),
    [
        ({"prior_precision": 0.0}, "prior_precision must be positive"),
        ({"prior_precision": [1.0, 1.0]}, r"prior_precision must have shape \(k,\) = \(4,\)"),
        ({"prior_noise": -1.0}, "prior_noise must be positive"),
        ({"prior_degrees": 3.0}, r"prior_degrees must be above n \+ 1 = 3"),
    ],
)
def test_a_prior_that_is_none_is_refused(prior, message, steps):
    with pytest.raises(ValueError, match=message):
        LinearGaussian(**prior).fit(*steps)


def test_the_variance_is_noise_and_doubt(steps):
    """By the law of total variance over drawn worlds: E[Σ], and the variance of their means."""
    s, a, s_next = steps
    rng = np.random.default_rng(5)
    model = LinearGaussian().fit(s[:12], a[:12], s_next[:12])
    prediction = model.predict(s[:3] * 3, a[:3])
    worlds = [model.posterior_sample(rng) for _ in range(4000)]
    means = np.array([world.dynamics(s[:3] * 3, a[:3]) for world in worlds])
    noise = np.array([np.diag(world.covariance) for world in worlds])
    np.testing.assert_allclose(prediction.epistemic, means.var(axis=0), rtol=0.15)
    np.testing.assert_allclose(prediction.aleatoric[0], noise.mean(axis=0), rtol=0.15)
    np.testing.assert_allclose(prediction[1], prediction.aleatoric + prediction.epistemic)
