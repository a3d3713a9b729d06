"""Laplace's approximation of a network's posterior: exact where the network is linear, and its tangent."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from mbrl_teach.models.encoding import Angles
from mbrl_teach.models.laplace_evidence import laplace
from mbrl_teach.models.linearized_laplace import LaplaceNetwork
from mbrl_teach.models.linearized_network import parameter_jacobian, tangent, tangent_jacobian
from mbrl_teach.models.most_probable import KnownNoise
from mbrl_teach.models.perceptron import Perceptron
from mbrl_teach.models.weight_prior import prior_precisions
from mbrl_teach.problems.finite_differences import jacobian
from tests.models.worlds import pendulum_steps


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def network_with(theta, like):
    network = Perceptron(like.sizes, np.random.default_rng(0))
    network.parameters[...] = theta
    return network


@pytest.fixture
def curved(rng):
    return Perceptron([3, 5, 4, 2], rng)


@pytest.fixture
def data(rng):
    X = rng.normal(size=(40, 3))
    return X, X @ rng.normal(size=(3, 2)) + 0.5 + rng.normal(size=(40, 2)) * [0.3, 0.1]


NOISE = np.array([0.09, 0.01])


def test_the_jacobian_by_parameters_is_that_of_finite_differences(curved, rng):
    x = rng.normal(size=(6, 3))
    values = lambda theta: np.array(
        [network_with(one, curved).value(x).ravel() for one in np.atleast_2d(theta)]
    )
    slopes = jacobian(
        lambda theta: values(theta.reshape(-1, theta.shape[-1])).reshape(*theta.shape[:-1], 12),
        curved.parameters,
    )
    np.testing.assert_allclose(parameter_jacobian(curved, x).reshape(12, -1), slopes, atol=1e-8)


def test_the_tangent_is_that_jacobian_along_a_direction(curved, rng):
    x, v = rng.normal(size=(6, 3)), rng.normal(size=curved.parameters.shape)
    np.testing.assert_allclose(tangent(curved, x, v), parameter_jacobian(curved, x) @ v, atol=1e-12)
    slopes = jacobian(lambda x: tangent(curved, x.reshape(-1, 3), v).reshape(*x.shape[:-1], 2), x)
    np.testing.assert_allclose(tangent_jacobian(curved, x, v), slopes, atol=1e-8)


@pytest.mark.parametrize("slope", ["value", "slope"])
def test_the_loss_of_known_noise_is_minus_the_log_density(slope, rng):
    f, y = rng.normal(size=(2, 5, 2))
    density = sum(multivariate_normal(y[i], np.diag(NOISE)).logpdf(f[i]) for i in range(5))
    loss = getattr(KnownNoise(NOISE), slope)(f, y)
    expected = -density - 2.5 * np.sum(np.log(2 * np.pi * NOISE))
    assert (loss if slope == "value" else loss[0]) == pytest.approx(expected)


def by_hand(X, Y, alpha, k):
    """Posterior mean and covariance (4, 4) of output k's weights and bias, by the normal equations."""
    Z = np.hstack([X, np.ones((len(X), 1))])
    covariance = np.linalg.inv(Z.T @ Z / NOISE[k] + alpha * np.diag([3.0, 3.0, 3.0, 1.0]))
    return covariance @ Z.T @ Y[:, k] / NOISE[k], covariance


def test_of_a_linear_network_it_is_bayesian_linear_regression(data, rng):
    """Mean, variance, number of determined parameters and evidence, all in closed form."""
    alpha, (X, Y) = 0.7, data
    network = Perceptron([3, 2], rng)
    found = laplace(network, X, Y, prior_precision=alpha, noise=NOISE)
    x = 5 * rng.normal(size=(9, 3))
    z, Z = (np.hstack([part, np.ones((len(part), 1))]) for part in (x, X))
    evidence = 0.0
    for k in range(2):
        mean, covariance = by_hand(X, Y, alpha, k)
        np.testing.assert_allclose(network.value(x)[:, k], z @ mean, atol=1e-4)
        np.testing.assert_allclose(
            found.variance(x)[:, k], np.einsum("ij,jk,ik->i", z, covariance, z), rtol=1e-10
        )
        assert found.determined[k] == pytest.approx(np.trace(Z @ covariance @ Z.T) / NOISE[k])
        marginal = Z @ np.diag([1 / 3, 1 / 3, 1 / 3, 1.0]) @ Z.T / alpha + NOISE[k] * np.eye(40)
        evidence += multivariate_normal(np.zeros(40), marginal).logpdf(Y[:, k])
    assert found.log_evidence == pytest.approx(evidence, abs=1e-6)


def test_the_rounds_climb_to_the_greatest_evidence(data, rng):
    """Of a linear network: no other α or noise near by has a greater one, by the exact marginal."""
    X, Y = data
    best = laplace(Perceptron([3, 2], rng), X, Y, rounds=30)
    evidence = lambda alpha, noise: (
        laplace(Perceptron([3, 2], rng), X, Y, prior_precision=alpha, noise=noise).log_evidence
    )
    for factor in (0.5, 2.0):
        assert evidence(factor * best.prior_precision, best.noise) < best.log_evidence
        assert evidence(best.prior_precision, best.noise * [factor, 1]) < best.log_evidence
        assert evidence(best.prior_precision, best.noise * [1, factor]) < best.log_evidence


def test_the_noise_is_found_without_data_held_back(rng):
    """Its residuals alone would say too little: the fit has used them up, γ of them."""
    ratios = []
    for _ in range(20):
        X = rng.uniform(-1, 1, (40, 1))
        found = laplace(Perceptron([1, 20, 1], rng), X, np.sin(3 * X) + 0.3 * rng.normal(size=X.shape))
        ratios.append(found.noise[0] / 0.09)
        assert 2.0 < found.determined[0] < 15.0
    assert np.mean(ratios) == pytest.approx(1.0, abs=4 * np.std(ratios) / np.sqrt(20))


def test_the_variance_of_functions_is_that_of_drawn_tangents(rng):
    """J A⁻¹ J' against draws of θ put into the tangent, taken by finite differences of the network."""
    X = rng.normal(size=(12, 2))
    network = Perceptron([2, 6, 2], rng)
    found = laplace(network, X, np.sin(X), prior_precision=1.0, noise=NOISE)
    x = 2 * rng.normal(size=(7, 2))
    step, values = 1e-5, []
    for _ in range(2500):
        v = found.draw(rng)
        up, down = (network_with(network.parameters + sign * step * v, network).value(x) for sign in (1, -1))
        values.append((up - down) / (2 * step))
    np.testing.assert_allclose(np.var(values, axis=0), found.variance(x), rtol=0.12)


def test_it_is_the_same_in_blocks_of_rows(data, rng, monkeypatch):
    network = Perceptron([3, 4, 2], rng)
    start = network.parameters.copy()
    whole = laplace(network, *data, prior_precision=1.0, noise=NOISE)
    variance = whole.variance(data[0])
    monkeypatch.setattr("mbrl_teach.models.laplace_evidence.BLOCK", 200)
    network.parameters[...] = start
    parts = laplace(network, *data, prior_precision=1.0, noise=NOISE)
    np.testing.assert_allclose(parts.factor, whole.factor, atol=1e-10)
    np.testing.assert_allclose(parts.variance(data[0]), variance, rtol=1e-8)


# as a model of a world ---------------------------------------------------------------------------------------


def model_of(data, **settings):
    defaults = {"rng": np.random.default_rng(1), "encoding": Angles(0), "hidden": (16,)}
    return LaplaceNetwork(**defaults | settings).fit(*data)


@pytest.fixture(scope="module")
def steps():
    return pendulum_steps(150, np.random.default_rng(2))


@pytest.fixture(scope="module")
def model(steps):
    return model_of(steps)


def test_a_pendulum_is_learned(model):
    s, a, s_next = pendulum_steps(500, np.random.default_rng(3))
    error = np.abs((model.predict(s, a).mean - s_next + np.pi) % (2 * np.pi) - np.pi)
    change = np.abs(s_next[:, 1] - s[:, 1]).mean()
    assert np.sqrt((error**2).mean(axis=0)).max() < 0.05 * change


def test_jacobians_are_in_the_world_s_units(model):
    z = np.hstack(pendulum_steps(20, np.random.default_rng(4))[:2]).reshape(4, 5, 3)
    for world in (model, model.posterior_sample(np.random.default_rng(5))):
        slopes = jacobian(lambda z, world=world: world.dynamics(z[..., :2], z[..., 2:]), z)
        np.testing.assert_allclose(world.linearize(z[..., :2], z[..., 2:]), slopes, atol=1e-7)


def test_drawn_worlds_have_the_moments_that_are_predicted(model):
    s, a = np.array([[2.0, -9.0], [0.0, 0.5]]), np.array([[2.0], [0.0]])
    prediction, rng = model.predict(s, a), np.random.default_rng(6)
    said = [model.posterior_sample(rng).predict(s, a) for _ in range(2000)]
    means = np.array([one.mean for one in said])
    assert (np.abs(means.mean(axis=0) - prediction.mean) < 4 * np.sqrt(prediction.epistemic / 2000)).all()
    np.testing.assert_allclose(means.var(axis=0), prediction.epistemic, rtol=0.15)
    assert all((one.epistemic == 0).all() for one in said)
    np.testing.assert_array_equal(said[0].aleatoric, prediction.aleatoric)


def test_doubt_is_larger_in_a_gap_and_beyond_the_data():
    rng = np.random.default_rng(7)
    s = np.concatenate([rng.uniform(-3, -1, 60), rng.uniform(1, 3, 60)])[:, None]
    model = model_of((s, np.zeros_like(s), s + np.sin(2 * s) + 0.1 * rng.normal(size=s.shape)), encoding=None)
    at = lambda low, high: np.median(
        model.predict(np.linspace(low, high, 50)[:, None], np.zeros((50, 1))).epistemic
    )
    assert at(-0.5, 0.5) > 5 * at(1, 3)
    assert at(5, 6) > 20 * at(1, 3)


def test_one_step_leaves_doubt_elsewhere_and_says_which_noise_it_takes():
    model = model_of(([[1.0, 2.0]], [[0.5]], [[1.5, 1.0]]), encoding=None)
    np.testing.assert_allclose(model.predict([1.0, 2.0], [0.5]).mean, [1.5, 1.0])
    near, far = model.predict([1.0, 2.0], [0.5]), model.predict([4.0, 2.0], [0.5])
    assert (far.epistemic > 100 * near.epistemic).all()
    assert (far.epistemic > 0.1).all()  # in the units of the state, since there are no others
    still = model_of((np.ones((9, 2)), np.full((9, 1), 0.1), np.ones((9, 2))), encoding=None)
    np.testing.assert_allclose(still.dynamics(np.ones(2), np.full(1, 0.1)), 1.0)


def test_noise_and_prior_that_are_known_are_kept(steps):
    model = model_of(steps, noise=0.2, prior_precision=3.0, iterations=5)
    change = model.encoding.difference(steps[2], steps[0])
    s, a = steps[0][0], steps[1][0]
    np.testing.assert_allclose(np.sqrt(model.predict(s, a).aleatoric), 0.2 * change.std(axis=0))
    assert model.posterior.prior_precision == 3.0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rng": 0}, "rng must be a numpy.random.Generator"),
        ({"hidden": (0,)}, "hidden must be a whole number from 1 on"),
        ({"prior_precision": 0.0}, "prior_precision must be positive"),
        ({"noise": -1.0}, "noise must be positive"),
        ({"rounds": 0}, "rounds must be a whole number"),
        ({"iterations": 0}, "iterations must be a whole number"),
        ({"hidden": (100, 100)}, r"hidden must leave at most 6000 parameters.*got \[100, 100\], so 10802"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message, steps):
    with pytest.raises(ValueError, match=message):
        model_of(steps, **settings)


def test_what_is_asked_before_fit_or_of_nan_is_refused(steps):
    model = LaplaceNetwork(rng=np.random.default_rng(0))
    for ask in (lambda: model.posterior, lambda: model.posterior_sample(np.random.default_rng(0))):
        with pytest.raises(ValueError, match="LaplaceNetwork has seen no data; call fit first"):
            ask()
    with pytest.raises(ValueError, match="next_states must be finite; got NaN"):
        model.fit(*steps[:2], np.full_like(steps[2], np.nan))


def test_the_prior_is_what_a_network_is_born_with():
    """Initial weights of many networks have the prior's variances, for α = 1."""
    rng = np.random.default_rng(8)
    drawn = np.array([Perceptron([3, 8, 2], rng).parameters for _ in range(2000)])
    precisions = prior_precisions(Perceptron([3, 8, 2], rng))
    weights = drawn.var(axis=0) > 0
    np.testing.assert_allclose((drawn.var(axis=0) * precisions)[weights], 1.0, rtol=0.2)
    assert set(precisions[~weights]) == {1.0}
