"""A network with a Bayesian last layer: the regression on its hidden layer, and what that knows."""

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import DotProduct

from mbrl_teach.models.encoding import Angles
from mbrl_teach.models.last_layer import LastLayerNetwork
from mbrl_teach.models.linear_gaussian import BayesianLinear
from mbrl_teach.models.network import NeuralNetwork
from mbrl_teach.problems.finite_differences import jacobian
from tests.models.worlds import linear_steps, pendulum_steps


def model_of(data, kind=LastLayerNetwork, **settings):
    defaults = {"rng": np.random.default_rng(1), "encoding": Angles(0), "dtype": np.float64, "steps": 600}
    return kind(**defaults | {"hidden": (32,)} | settings).fit(*data)


@pytest.fixture(scope="module")
def steps():
    return pendulum_steps(300, np.random.default_rng(0))


@pytest.fixture(scope="module")
def model(steps):
    return model_of(steps)


def test_the_hidden_layers_are_those_of_the_trained_network(model, steps):
    plain = model_of(steps, kind=NeuralNetwork)
    for ours, theirs in zip(
        model.regression.network.layers[:-1], plain.regression.network.layers[:-1], strict=True
    ):
        np.testing.assert_array_equal(ours[0], theirs[0])
    errors = [np.mean((one.dynamics(*steps[:2]) - plain.dynamics(*steps[:2])) ** 2) for one in (model, plain)]
    assert errors[0] > errors[1] == 0.0


def test_it_is_the_gaussian_process_of_its_last_hidden_layer(model, steps):
    """By scikit-learn, on h computed here; the precision in use is the process's noise."""
    regression = model.regression
    X, Y = model.inputs(*steps[:2]), model.encoding.difference(steps[2], steps[0])
    W, b = regression.network.layers[0]
    hidden = lambda X: np.tanh((X - regression.inputs.mean) / regression.inputs.std @ W + b)
    process = GaussianProcessRegressor(DotProduct(1.0), alpha=regression.linear.prior[0], optimizer=None)
    targets = (Y - regression.targets.mean) / regression.targets.std
    s, a, _ = pendulum_steps(40, np.random.default_rng(2))
    mean, std = process.fit(hidden(X), targets[:, 1]).predict(hidden(model.inputs(s, a)), return_std=True)
    said = model.predict(s, a)
    expected = s[:, 1] + regression.targets.mean[1] + regression.targets.std[1] * mean
    np.testing.assert_allclose(said.mean[:, 1], expected, atol=1e-7)
    doubt = (said.epistemic / said.aleatoric)[:, 1] * regression.linear.prior[0]
    np.testing.assert_allclose(doubt, std**2, rtol=1e-4)


def test_the_precision_is_that_of_the_greatest_evidence(model, steps):
    regression = model.regression
    h = regression.last_hidden(model.inputs(*steps[:2]))
    targets = regression.targets.normalised(model.encoding.difference(steps[2], steps[0]))
    for factor in (0.01, 0.1, 10.0, 100.0):
        other = BayesianLinear(factor * regression.linear.prior[0]).fit(h, targets)
        if 1e-6 <= factor * regression.linear.prior[0] <= 1.0:
            assert other.log_evidence < regression.linear.log_evidence


def test_the_noise_is_found():
    model = model_of(linear_steps(2000, np.random.default_rng(3)), encoding=None)
    np.testing.assert_allclose(model.predict([0.0, 0.0], [0.0]).aleatoric, [0.04, 0.02], rtol=0.15)


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
    np.testing.assert_allclose(
        np.mean([one.aleatoric for one in said], axis=0), prediction.aleatoric, rtol=0.1
    )
    assert all((one.epistemic == 0).all() for one in said)


def test_a_draw_leaves_the_model_as_it_is(model, steps):
    before = model.dynamics(*steps[:2])
    drawn = model.posterior_sample(np.random.default_rng(7))
    assert (drawn.dynamics(*steps[:2]) != before).all()
    np.testing.assert_array_equal(model.dynamics(*steps[:2]), before)


def test_float32_differs_by_rounding_only(model, steps):
    single = model_of(steps, dtype=np.float32)
    s, a, _ = pendulum_steps(50, np.random.default_rng(8))
    assert single.dynamics(s, a).dtype == np.float64
    np.testing.assert_allclose(single.dynamics(s, a), model.dynamics(s, a), atol=0.02)


def test_doubt_is_larger_in_a_gap_and_beyond_the_data():
    rng = np.random.default_rng(9)
    s = np.concatenate([rng.uniform(-3, -1, 60), rng.uniform(1, 3, 60)])[:, None]
    model = model_of(
        (s, np.zeros_like(s), s + np.sin(2 * s) + 0.1 * rng.normal(size=s.shape)), encoding=None, steps=2000
    )
    at = lambda low, high: np.median(
        model.predict(np.linspace(low, high, 50)[:, None], np.zeros((50, 1))).epistemic
    )
    assert at(-0.5, 0.5) > 3 * at(1, 3)
    assert at(5, 6) > 100 * at(1, 3)


def test_one_step_leaves_doubt_elsewhere():
    model = model_of(([[1.0, 2.0]], [[0.5]], [[1.5, 1.0]]), encoding=None, steps=50)
    np.testing.assert_allclose(model.predict([1.0, 2.0], [0.5]).mean, [1.5, 1.0], atol=1e-6)
    near, far = model.predict([1.0, 2.0], [0.5]), model.predict([4.0, 2.0], [0.5])
    assert (far.epistemic > 100 * near.epistemic).all()
    assert (far.epistemic > 0.1).all()


def test_what_cannot_be_is_refused(steps):
    with pytest.raises(ValueError, match="rng must be a"):
        model_of(steps, rng=0)
    with pytest.raises(ValueError, match="learning_rate must be positive"):
        model_of(steps, learning_rate=-1.0)
    with pytest.raises(ValueError, match="states must be finite; got NaN"):
        model_of((np.full_like(steps[0], np.nan), *steps[1:]))
    with pytest.raises(ValueError, match="LastLayerNetwork has seen no data; call fit first"):
        LastLayerNetwork(rng=np.random.default_rng(0)).posterior_sample(np.random.default_rng(0))
