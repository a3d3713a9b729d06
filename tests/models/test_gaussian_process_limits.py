"""Gaussian process regression at its limits: singular kernels, few data, constant ones, too many, and none."""

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel

from mbrl_teach.models.gaussian_process import GaussianProcess
from mbrl_teach.models.marginal_likelihood import SingularKernelError
from tests.models.test_gaussian_process import data


def test_two_equal_inputs_are_one_with_half_the_noise():
    X, y = data(10, 2)
    twice = GaussianProcess(1.0, 1.0, 0.1).fit(
        np.vstack([X, X]), np.concatenate([y, y + 1.0]), optimise=False
    )
    kernel = ConstantKernel(1.0) * RBF([1.0, 1.0])
    once = GaussianProcessRegressor(kernel, alpha=0.05, optimizer=None).fit(X, y + 0.5)
    mean, deviation = once.predict(X + 0.3, return_std=True)
    np.testing.assert_allclose(twice.predict(X + 0.3)[0], mean, atol=1e-12)
    np.testing.assert_allclose(twice.predict(X + 0.3)[1], deviation**2, atol=1e-12)


@pytest.mark.parametrize("noise_variance", [1e-300, 1e-17, 3e-16, 1e-15])
def test_equal_inputs_with_hardly_any_noise_are_refused(noise_variance):
    X = np.array([[0.0, 1.0], [2.0, 0.0], [0.0, 1.0]])
    with pytest.raises(SingularKernelError, match=r"singular to working precision.*raise noise_variance"):
        GaussianProcess(1.0, 1.0, noise_variance).fit(X, [1.0, 0.0, 1.0], optimise=False)


def test_equal_inputs_with_different_targets_and_hardly_any_noise_are_refused():
    """K can be inverted, but its solution is so large that its rounding is seen: the mean would be off."""
    X, y = np.zeros((2, 1)), [0.0, 1.0]
    with pytest.raises(SingularKernelError, match="the mean misses its equations by"):
        GaussianProcess(1.0, 1.0, 1e-13).fit(X, y, optimise=False)
    assert GaussianProcess(1.0, 1.0, 1e-8).fit(X, y, optimise=False).predict([[0.0]])[0] == pytest.approx(0.5)


@pytest.mark.parametrize("signal_variance", [1.0, 1e5])
def test_the_search_is_not_stopped_by_singular_kernels(signal_variance):
    """Equal inputs, no noise in the targets, and bounds that allow for next to none."""
    X = np.repeat(np.linspace(0.0, 1.0, 20), 3)[:, None]
    process = GaussianProcess(signal_variance, 1.0, 1e-2, bounds=(1e-18, 1e9)).fit(X, np.sin(6.0 * X[:, 0]))
    np.testing.assert_allclose(process.predict(X)[0], np.sin(6.0 * X[:, 0]), atol=1e-3)


def test_one_row_is_conditioned_on_and_says_nothing_of_the_hyperparameters():
    process = GaussianProcess(2.0, 1.0, 0.5).fit([[1.0, 1.0]], [3.0])
    assert (process.signal_variance, process.noise_variance, process.optimisation) == (2.0, 0.5, None)
    mean, variance = process.predict([[1.0, 1.0]])
    assert mean == pytest.approx(3.0 * 2.0 / 2.5)
    assert variance == pytest.approx(2.0 - 4.0 / 2.5)


def test_a_constant_input_changes_nothing():
    X, y = data(40, 1)
    ours, constant = (
        GaussianProcess().fit(X, y),
        GaussianProcess().fit(np.hstack([X, np.full((40, 1), 7.0)]), y),
    )
    np.testing.assert_allclose(
        constant.predict(np.hstack([X, np.full((40, 1), 7.0)]))[0], ours.predict(X)[0], atol=1e-4
    )


@pytest.mark.parametrize("value", [0.0, 1e-3, 5.0, -2e4])
def test_constant_targets_are_learned(value):
    X, _ = data(30, 2)
    mean, variance = GaussianProcess().fit(X, np.full(30, value)).predict(X)
    np.testing.assert_allclose(mean, value, rtol=1e-3, atol=1e-12)
    assert (variance <= 1e-4 * max(1.0, value**2)).all()


def test_too_many_rows_are_refused_with_what_they_would_need():
    with pytest.raises(ValueError, match=r"at most 10000 rows; got 100000: .* N² .* 8 bytes, 80.0 GB"):
        GaussianProcess().fit(np.zeros((100_000, 2)), np.zeros(100_000))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"signal_variance": 0.0}, "signal_variance must be positive; got 0"),
        ({"signal_variance": [1.0, 2.0]}, r"signal_variance must have shape \(\)"),
        ({"lengthscales": [1.0, -1.0]}, "lengthscales must be positive; got -1"),
        ({"lengthscales": [[1.0]]}, r"lengthscales must have shape \(d,\)"),
        ({"noise_variance": 0.0}, "noise_variance must be positive; got 0"),
        ({"noise_variance": np.nan}, "noise_variance must be finite"),
        ({"bounds": (1.0, 0.1)}, "bounds must be two positive numbers in order"),
    ],
)
def test_hyperparameters_that_are_none_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        GaussianProcess(**arguments)


@pytest.mark.parametrize(
    ("inputs", "targets", "message"),
    [
        (np.zeros((4, 2)), np.zeros(3), r"(targets|inputs) must have shape"),
        (np.zeros((4, 2)), np.zeros((4, 1)), r"targets must have shape \(N,\) = \(4,\); got \(4, 1\)"),
        (np.zeros(4), np.zeros(4), r"inputs must have shape \(N, d\)"),
        (np.zeros((4, 3)), np.zeros(4), r"inputs must have shape \(N, d\) = \(4, 2\); got \(4, 3\)"),
        (np.zeros((0, 2)), np.zeros(0), "inputs must have N >= 1"),
        (np.full((4, 2), np.nan), np.zeros(4), "inputs must be finite; got NaN"),
        (np.zeros((4, 2)), [0.0, 1.0, np.inf, 0.0], "targets must be finite; got infinity"),
    ],
)
def test_data_that_are_none_are_refused(inputs, targets, message):
    with pytest.raises(ValueError, match=message):
        GaussianProcess(1.0, [1.0, 1.0], 0.1).fit(inputs, targets)


def test_inputs_that_do_not_fit_are_refused():
    process = GaussianProcess().fit(*data(10, 2), optimise=False)
    with pytest.raises(
        ValueError, match=r"inputs must have shape \(\.\.\., d\)|inputs must have shape \(d,\) = \(2,\)"
    ):
        process.predict(np.zeros(3))
    with pytest.raises(ValueError, match="inputs must be finite; got NaN"):
        process.predict([[np.nan, 0.0]])
    with pytest.raises(ValueError, match=r"rng must be a numpy.random.Generator"):
        process.posterior_sample(0)
