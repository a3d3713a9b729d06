"""Losses and activations: their values against scipy, their slopes against finite differences."""

import numpy as np
import pytest
from scipy import special, stats

from mbrl_teach.models.activations import SILU, TANH
from mbrl_teach.models.losses import MEAN_OF_SQUARES, GaussianLikelihood
from mbrl_teach.models.perceptron import Perceptron
from mbrl_teach.problems.finite_differences import jacobian

LOSSES = {"squares": MEAN_OF_SQUARES, "likelihood": GaussianLikelihood()}
ACTIVATIONS = {"tanh": TANH, "SiLU": SILU}


def outputs_and_targets(loss, stack=(), p=2, N=6):
    rng = np.random.default_rng(0)
    return 2.0 * rng.normal(size=(*stack, N, loss.outputs(p))), rng.normal(size=(*stack, N, p))


def test_the_likelihood_is_scipy_s():
    loss = GaussianLikelihood()
    f, y = outputs_and_targets(loss)
    mean, variance = loss.moments(f)
    log_density = stats.norm(mean, np.sqrt(variance)).logpdf(y)
    assert loss.value(f, y) == pytest.approx(-log_density.mean(), rel=1e-12)
    np.testing.assert_array_equal(mean, f[:, :2])


def test_the_bounds_are_the_two_softplus_of_chua():
    """log σ² = min + ζ(max - ζ(max - ρ) - min), as their appendix has it."""
    softplus = lambda x: np.logaddexp(0.0, x)
    raw = np.linspace(-30.0, 30.0, 201)[:, None]
    for low, high in ((-10.0, 0.5), (-3.0, 2.0)):
        _, variance = GaussianLikelihood(low, high).moments(np.hstack([raw, raw]))
        expected = low + softplus(high - softplus(high - raw) - low)
        np.testing.assert_allclose(np.log(variance), expected, atol=1e-12)


def test_the_variance_stays_between_its_bounds_wherever_the_output_goes():
    loss = GaussianLikelihood(-10.0, 0.5)
    raw = np.array([-1e30, -1e3, -90.0, 0.0, 90.0, 1e3, 1e30])[:, None]
    for dtype in (np.float32, np.float64):
        f = np.hstack([0.0 * raw, raw]).astype(dtype)
        _, variance = loss.moments(f)
        assert (variance >= np.exp(-10.0) * (1 - 1e-6)).all()
        assert (variance <= np.exp(0.5) + np.exp(-10.0) * 1.01).all()
        assert np.isfinite(loss.slope(f, np.ones_like(raw, dtype))[1]).all()


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("stack", [(), (3,)])
def test_the_slope_is_that_of_the_value(loss, stack):
    f, y = outputs_and_targets(loss, stack)
    value, slope = loss.slope(f.copy(), y)
    np.testing.assert_allclose(value, loss.value(f, y), rtol=1e-12)
    of_all = lambda flat: np.array(
        [loss.value(row.reshape(f.shape), y).sum() for row in flat.reshape(-1, f.size)]
    ).reshape(*flat.shape[:-1], 1)
    np.testing.assert_allclose(slope.ravel(), jacobian(of_all, f.ravel())[0], atol=1e-8)


@pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=ACTIVATIONS)
def test_an_activation_s_slope_is_its_derivative(activation):
    a = np.linspace(-6.0, 6.0, 41)
    slope = activation.slope(*activation.forward(a.copy()))
    np.testing.assert_allclose(
        slope, np.diag(jacobian(lambda a: activation.forward(a.copy())[0], a)), atol=1e-9
    )


def test_silu_is_the_input_times_the_logistic_function():
    a = np.linspace(-800.0, 800.0, 101)
    np.testing.assert_allclose(SILU.forward(a.copy())[0], a * special.expit(a), atol=1e-12)


@pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_the_gradient_of_the_parameters_is_the_slope_of_the_loss(activation, loss):
    """Two members at once, each its own loss; by finite differences over all parameters."""
    sizes = [3, 5, 4, loss.outputs(2)]
    net = Perceptron(sizes, np.random.default_rng(0), members=(2,), activation=activation)
    net.parameters += 0.1 * np.random.default_rng(1).normal(size=net.parameters.shape)
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(2, 7, 3)), rng.normal(size=(2, 7, 2))
    gradient = np.empty_like(net.parameters)
    losses = net.gradient(x, y, net.views(gradient), loss)
    np.testing.assert_allclose(losses, net.loss(x, y, loss), rtol=1e-12)
    for e in range(2):
        alone = net.member(e)
        theta = alone.parameters.copy()

        def loss_at(parameters, alone=alone, e=e):
            found = []
            for row in parameters.reshape(-1, net.parameters.shape[-1]):
                alone.parameters[:] = row
                found.append(float(alone.loss(x[e], y[e], loss)))
            return np.reshape(found, (*parameters.shape[:-1], 1))

        np.testing.assert_allclose(gradient[e], jacobian(loss_at, theta)[0], atol=1e-8)
        alone.parameters[:] = theta
        np.testing.assert_allclose(alone.jacobian(x[e]), jacobian(alone.value, x[e]), atol=1e-8)


def test_a_member_shares_its_parameters():
    net = Perceptron([2, 3, 1], np.random.default_rng(0), members=(3,))
    member = net.member(1)
    np.testing.assert_array_equal(member.value(np.ones((4, 2))), net.value(np.ones((4, 2)))[1])
    member.parameters[:] = 0.0
    assert (net.value(np.ones((4, 2)))[1] == 0.0).all()


def test_bounds_that_cross_are_refused():
    with pytest.raises(ValueError, match="lower bound of the log-variance must be below the upper"):
        GaussianLikelihood(1.0, 0.5)
