"""Features of an input: the kernel that random ones approach, their derivatives, and how they are chosen."""

import numpy as np
import pytest
from sklearn.gaussian_process.kernels import RBF

from mbrl_teach.models.features import Radial, RandomFourier
from mbrl_teach.problems.finite_differences import jacobian

LENGTHSCALES = np.array([0.7, 1.5, 3.0])


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(30, 3))


def fourier(count, X, seed=1):
    return RandomFourier(count, LENGTHSCALES, rng=np.random.default_rng(seed)).fit(X)


def test_products_of_fourier_features_are_the_kernel_on_average(X):
    """Each cosine has variance at most 1/2: the mean of 100 draws of 100 stays within 6 of its deviations."""
    mean = np.mean([phi @ phi.T for phi in (fourier(200, X, seed).values(X) for seed in range(100))], axis=0)
    np.testing.assert_allclose(mean, RBF(LENGTHSCALES)(X), atol=6 * np.sqrt(0.5 / 10_000))


def test_the_error_falls_with_the_root_of_their_number(X):
    kernel = RBF(LENGTHSCALES)(X)
    error = lambda phi: np.sqrt(np.mean((phi @ phi.T - kernel) ** 2))
    few, many = (
        np.mean([error(fourier(count, X, seed).values(X)) for seed in range(10)]) for count in (100, 6400)
    )
    assert few / many == pytest.approx(8.0, rel=0.2)


def test_fourier_features_have_length_one_everywhere(X):
    np.testing.assert_allclose((fourier(20, X).values(100 * X) ** 2).sum(axis=-1), 1.0)


def test_radial_features_are_the_kernel_between_inputs_and_centres(X):
    radial = Radial(12, LENGTHSCALES, rng=np.random.default_rng(2)).fit(X)
    np.testing.assert_allclose(radial.values(X), RBF(LENGTHSCALES)(X, radial.centres), atol=1e-12)
    assert len(np.unique(radial.centres, axis=0)) == 12
    assert all((centre == X).all(axis=1).any() for centre in radial.centres)
    assert len(Radial(12, 1.0, rng=np.random.default_rng(2)).fit(X[:5]).centres) == 5


@pytest.mark.parametrize("kind", [RandomFourier, Radial])
def test_jacobians_are_those_of_finite_differences(kind, X):
    features = kind(10, LENGTHSCALES, rng=np.random.default_rng(3)).fit(X)
    points = X[:6].reshape(2, 3, 3)
    np.testing.assert_allclose(features.jacobian(points), jacobian(features.values, points), atol=1e-8)


@pytest.mark.parametrize("kind", [RandomFourier, Radial])
def test_what_cannot_be_is_refused(kind, X):
    rng = np.random.default_rng(4)
    with pytest.raises(ValueError, match="features must be a whole number"):
        kind(0, 1.0, rng=rng)
    with pytest.raises(ValueError, match="rng must be a"):
        kind(10, 1.0, rng=3)
    with pytest.raises(ValueError, match="lengthscale must be positive"):
        kind(10, [1.0, 0.0, 1.0], rng=rng).fit(X)
    with pytest.raises(ValueError, match=r"lengthscale must have shape \(d,\) = \(3,\); got \(2,\)"):
        kind(10, [1.0, 2.0], rng=rng).fit(X)


def test_an_odd_number_of_fourier_features_is_refused():
    with pytest.raises(ValueError, match="features must be even"):
        RandomFourier(7, 1.0, rng=np.random.default_rng(0))
