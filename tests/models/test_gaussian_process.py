"""Gaussian process regression beside scikit-learn's, and beside the joint normal distribution."""

import warnings

import numpy as np
import pytest
from scipy import stats
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

from mbrl_teach.models.gaussian_process import GaussianProcess
from mbrl_teach.problems.finite_differences import jacobian


def data(N, d, seed=0, noise=0.1):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(N, d))
    return X, np.sin(X @ rng.normal(size=d)) + 0.3 * X[:, 0] ** 2 + noise * rng.normal(size=N)


def peer(signal_variance, ell, noise_variance, X, y, optimizer="fmin_l_bfgs_b"):
    """scikit-learn's, with our hyperparameters in our order."""
    kernel = ConstantKernel(signal_variance) * RBF(ell) + WhiteKernel(noise_variance)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it says so where a bound is reached
        return GaussianProcessRegressor(kernel, alpha=0.0, optimizer=optimizer).fit(X, y)


@pytest.mark.parametrize(
    ("N", "d", "signal_variance", "noise_variance"),
    [(1, 2, 1.0, 0.1), (40, 1, 1.0, 1e-4), (200, 3, 2.5, 1e-3), (300, 5, 100.0, 0.5)],
)
def test_at_fixed_hyperparameters_it_is_scikit_learn_s(N, d, signal_variance, noise_variance):
    X, y = data(N, d)
    ell = np.linspace(0.5, 2.0, d)
    ours = GaussianProcess(signal_variance, ell, noise_variance).fit(X, y, optimise=False)
    theirs = peer(signal_variance, ell, noise_variance, X, y, optimizer=None)
    new = 2.0 * np.random.default_rng(1).normal(size=(50, d))
    mean, deviation = theirs.predict(new, return_std=True)
    np.testing.assert_allclose(ours.predict(new)[0], mean, atol=1e-10)
    np.testing.assert_allclose(ours.predict(new)[1] + noise_variance, deviation**2, atol=1e-10)
    value, gradient = theirs.log_marginal_likelihood(theirs.kernel_.theta, eval_gradient=True)
    assert ours.log_marginal_likelihood() == pytest.approx(value, rel=1e-10)
    np.testing.assert_allclose(ours.log_marginal_likelihood_gradient(), gradient, rtol=1e-8, atol=1e-10)


def test_it_conditions_the_joint_normal_distribution():
    """The covariance of y and f written down entry by entry, and conditioned by an inverse."""
    X, y = data(6, 2)
    new, ell = np.array([[0.1, -0.4], [2.0, 1.0]]), np.array([0.7, 1.5])
    points = np.vstack([X, new])
    S = np.array([[1.3 * np.exp(-0.5 * np.sum(((a - b) / ell) ** 2)) for a in points] for b in points])
    S[:6, :6] += 0.2 * np.eye(6)
    gain = S[6:, :6] @ np.linalg.inv(S[:6, :6])
    process = GaussianProcess(1.3, ell, 0.2).fit(X, y, optimise=False)
    mean, variance = process.predict(new)
    np.testing.assert_allclose(mean, gain @ y, atol=1e-12)
    np.testing.assert_allclose(variance, np.diag(S[6:, 6:] - gain @ S[:6, 6:]), atol=1e-12)
    density = stats.multivariate_normal(np.zeros(6), S[:6, :6]).logpdf(y)
    assert process.log_marginal_likelihood() == pytest.approx(density, rel=1e-12)


def test_the_gradient_is_that_of_the_likelihood():
    X, y = data(30, 3)

    def value(theta):
        s, *ell, noise = np.exp(theta)
        return GaussianProcess(s, ell, noise).fit(X, y, optimise=False).log_marginal_likelihood()

    theta = np.log([1.7, 0.6, 1.1, 2.3, 0.05])
    slopes = [(value(theta + h) - value(theta - h)) / 2e-5 for h in 1e-5 * np.eye(5)]
    s, *ell, noise = np.exp(theta)
    gradient = GaussianProcess(s, ell, noise).fit(X, y, optimise=False).log_marginal_likelihood_gradient()
    np.testing.assert_allclose(gradient, slopes, rtol=1e-6, atol=1e-6)


def test_where_the_origin_is_does_not_matter():
    """Not to the gradient either, whose squares are multiplied out: 10⁶ off, it would keep four digits fewer."""
    X, y = data(100, 2)
    here, there = (GaussianProcess(1.0, 0.5, 1e-2).fit(X + at, y, optimise=False) for at in (0.0, 1e6))
    gradient = here.log_marginal_likelihood_gradient()
    np.testing.assert_allclose(there.log_marginal_likelihood_gradient(), gradient, rtol=1e-6)


def test_the_gradient_makes_no_array_for_each_input_and_pair():
    """With 60 inputs these would be 60 matrices; it takes fewer than 10 at any time."""
    import tracemalloc

    X, y = data(200, 60)
    process = GaussianProcess(1.0, 8.0, 0.1).fit(X, y, optimise=False)
    tracemalloc.start()
    process.log_marginal_likelihood_gradient()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * 8 * 200**2


SETS = {
    "smooth": data(80, 2),
    "noisy": data(60, 1, 1, noise=0.5),
    "one input matters": (data(100, 4, 3)[0], np.sin(2.0 * data(100, 4, 3)[0][:, 1])),
    "noise only": (data(40, 2, 4)[0], np.random.default_rng(5).normal(size=40)),
    "no noise": data(50, 2, 6, noise=0.0),
    "large targets": (data(60, 2, 7)[0], 40.0 * data(60, 2, 7)[1] + 100.0),
    "few": data(5, 3, 8),
}


def test_more_than_scikit_learn_s_bounds_allow_is_found_from_its_optimum():
    """Where these are in the way the search goes on; elsewhere it is the same."""
    rng = np.random.default_rng(0)
    for N, unit in ((30, 1.0), (110, 40.0), (73, 34.0), (120, 0.02)):
        X = rng.normal(size=(N, 1))
        y = unit * (np.sin(2.0 * X[:, 0]) + 1e-3 * rng.normal(size=N) + 5.0)
        theirs = peer(1.0, [1.0], 0.1, X, y).log_marginal_likelihood_value_
        assert GaussianProcess().fit(X, y).log_marginal_likelihood() >= theirs - 1e-4


@pytest.mark.parametrize("name", SETS)
def test_what_is_found_is_at_least_as_likely_as_what_scikit_learn_finds(name):
    """From the same start, within the same bounds, 1e-5 and 1e5."""
    X, y = SETS[name]
    ours = GaussianProcess(bounds=(1e-5, 1e5)).fit(X, y)
    theirs = peer(1.0, np.ones(X.shape[1]), 0.1, X, y)
    assert ours.log_marginal_likelihood() >= theirs.log_marginal_likelihood_value_ - 1e-4
    assert ours.log_marginal_likelihood() == pytest.approx(
        ours.optimisation.log_marginal_likelihood, rel=1e-9
    )
    numbers = np.array([ours.signal_variance, *ours.lengthscales, ours.noise_variance])
    assert ((numbers > 0.999e-5) & (numbers < 1.001e5)).all()


def test_an_input_that_does_not_matter_gets_a_long_length_scale():
    X, y = SETS["one input matters"]
    ell = GaussianProcess().fit(X, y).lengthscales
    assert ell[1] < 3.0 < 10.0 < min(ell[0], ell[2], ell[3])


def test_units_of_the_data_are_found():
    """Inputs in thousands and targets in thousandths: from length scale 1 all looks like noise."""
    X, y = data(150, 2)
    plain, scaled = GaussianProcess().fit(X, y), GaussianProcess().fit(1e3 * X, 1e-3 * y)
    assert plain.optimisation.searches == 1 < scaled.optimisation.searches
    np.testing.assert_allclose(scaled.lengthscales, 1e3 * plain.lengthscales, rtol=0.02)
    assert scaled.noise_variance == pytest.approx(1e-6 * plain.noise_variance, rel=0.02)


def test_the_hyperparameters_that_made_the_data_are_found():
    rng = np.random.default_rng(9)
    X = rng.uniform(0.0, 10.0, (250, 2))
    y = GaussianProcess(2.0, [0.8, 3.0], 0.05).posterior_sample(rng)(X) + np.sqrt(0.05) * rng.normal(size=250)
    found = GaussianProcess().fit(X, y)
    np.testing.assert_allclose(found.lengthscales, [0.8, 3.0], rtol=0.3)
    assert found.noise_variance == pytest.approx(0.05, rel=0.35)
    assert found.optimisation.converged


def test_before_data_it_is_the_prior():
    process = GaussianProcess(2.0, 0.5, 0.1)
    mean, variance = process.predict(np.ones((3, 7)))
    np.testing.assert_array_equal(mean, np.zeros(3))
    np.testing.assert_array_equal(variance, np.full(3, 2.0))
    assert GaussianProcess(1.0, [1.0, 2.0]).jacobian(np.ones((4, 2))).shape == (4, 2)
    with pytest.raises(ValueError, match="seen no data; call fit first"):
        process.log_marginal_likelihood()
    with pytest.raises(ValueError, match=r"lengthscales must have shape \(d,\) for draws from the prior"):
        process.posterior_sample(np.random.default_rng(0))


def test_far_from_the_data_it_is_the_prior_again():
    mean, variance = GaussianProcess(2.0, 1.0, 0.1).fit(*data(30, 2), optimise=False).predict([[1e3, -1e3]])
    np.testing.assert_array_equal(mean, 0.0)
    np.testing.assert_array_equal(variance, 2.0)


def test_functions_drawn_from_the_prior_have_its_covariance():
    rng, process = np.random.default_rng(10), GaussianProcess(2.0, [0.5, 2.0])
    X = np.array([[0.0, 0.0], [0.3, 0.0], [0.0, 2.0], [5.0, 5.0]])
    drawn = np.array([process.posterior_sample(rng, features=200)(X) for _ in range(8000)])
    np.testing.assert_allclose(drawn.mean(axis=0), 0.0, atol=4 * np.sqrt(2.0 / 8000))
    np.testing.assert_allclose(np.cov(drawn.T), process.kernel(X, X), atol=5 * 2.0 * np.sqrt(2.0 / 8000))


def test_functions_drawn_from_the_posterior_have_its_mean_and_covariance():
    """Jointly at several inputs, near the data and far; the covariance by the textbook's formula."""
    rng, (X, y) = np.random.default_rng(11), data(8, 1)
    process = GaussianProcess(1.5, 0.7, 0.05).fit(X, y, optimise=False)
    new = np.array([X[0] + 0.01, X[0] + 0.2, [0.0], [1.0], [6.0]])
    drawn = np.array([process.posterior_sample(rng, features=400)(new) for _ in range(6000)])
    k = process.kernel
    gain = k(new, X) @ np.linalg.inv(k(X, X) + 0.05 * np.eye(8))
    np.testing.assert_allclose(drawn.mean(axis=0), process.predict(new)[0], atol=5 * np.sqrt(1.5 / 6000))
    covariance = k(new, new) - gain @ k(X, new)
    np.testing.assert_allclose(np.cov(drawn.T), covariance, atol=5 * 1.5 * np.sqrt(2.0 / 6000))
    np.testing.assert_allclose(drawn.var(axis=0)[:2], np.diag(covariance)[:2], rtol=0.15)


def test_a_drawn_function_is_one_function():
    process = GaussianProcess(1.0, 0.7, 1e-6).fit(*data(20, 2, noise=0.0), optimise=False)
    draw, new = (
        process.posterior_sample(np.random.default_rng(12)),
        np.random.default_rng(13).normal(size=(9, 2)),
    )
    np.testing.assert_array_equal(draw(new), draw(new))
    np.testing.assert_allclose(draw(new)[4:6], draw(new[4:6]), atol=1e-12)
    np.testing.assert_allclose(
        draw(process.inputs), process.targets, atol=5e-3
    )  # the noise's deviation is 1e-3
    other = process.posterior_sample(np.random.default_rng(14))
    assert abs(draw(4.0 * np.ones((1, 2))) - other(4.0 * np.ones((1, 2)))) > 1e-3
    slopes = jacobian(lambda x: draw(x)[..., None], new)[..., 0, :]
    np.testing.assert_allclose(draw.jacobian(new), slopes, atol=1e-6)


def test_the_jacobian_is_that_of_the_mean():
    process = GaussianProcess(1.0, [0.7, 1.3, 2.0], 1e-3).fit(*data(50, 3), optimise=False)
    new = np.random.default_rng(15).normal(size=(4, 5, 3))
    slopes = jacobian(lambda x: process.mean(x)[..., None], new)[..., 0, :]
    np.testing.assert_allclose(process.jacobian(new), slopes, atol=1e-7)
    far = GaussianProcess(1.0, [0.7, 1.3, 2.0], 1e-3).fit(
        process.inputs + 1e6, process.targets, optimise=False
    )
    np.testing.assert_allclose(far.jacobian(new + 1e6), slopes, atol=1e-5)


def test_leading_axes_and_many_inputs_at_once_change_nothing():
    process = GaussianProcess().fit(*data(70, 2), optimise=False)
    new = np.random.default_rng(16).normal(size=(3, 1000, 2))
    mean, variance = process.predict(new)
    np.testing.assert_allclose(mean[1, 700:702], process.predict(new[1, 700:702])[0], atol=1e-12)
    np.testing.assert_allclose(variance[2, 999], process.predict(new[2, 999])[1], atol=1e-12)
    assert process.predict(np.empty((0, 2)))[0].shape == (0,)


def test_intervals_hold_what_they_promise():
    """90 % of the values of functions drawn from the prior lie in the central 90 %; ±4 deviations."""
    rng, inside = np.random.default_rng(17), 0
    for _ in range(600):
        X = rng.uniform(-2.0, 2.0, (9, 1))
        f = GaussianProcess(1.0, [0.8], 0.04).posterior_sample(rng, features=600)(X)
        y = f + 0.2 * rng.normal(size=9)
        mean, variance = GaussianProcess(1.0, 0.8, 0.04).fit(X[:8], y[:8], optimise=False).predict(X[8:])
        inside += abs(f[8] - mean[0]) < 1.645 * np.sqrt(variance[0])
    assert abs(inside - 540) < 4 * np.sqrt(600 * 0.9 * 0.1)


def test_a_fit_begins_anew():
    (X, y), other = data(40, 2), data(30, 3, 1)
    process = GaussianProcess().fit(X, y)
    found, variance = process.lengthscales, process.predict(X)[1]
    afresh = GaussianProcess().fit(*other).predict(other[0])
    np.testing.assert_array_equal(process.fit(*other).predict(other[0]), afresh)
    np.testing.assert_array_equal(process.fit(X, y).lengthscales, found)
    np.testing.assert_array_equal(process.predict(X)[1], variance)
    X[:] = 0.0
    assert (process.inputs != 0.0).all()


def test_the_search_reports_its_steps():
    seen = []
    process = GaussianProcess().fit(*data(40, 2), callback=seen.append)
    assert len(seen) > 5
    assert max(seen) == pytest.approx(process.log_marginal_likelihood())
