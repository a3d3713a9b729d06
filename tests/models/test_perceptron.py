"""The perceptron: its gradient and its Jacobian are those that finite differences find, and members keep apart."""

import numpy as np
import pytest

from mbrl_teach.models.activations import SILU, TANH
from mbrl_teach.models.adam import Adam
from mbrl_teach.models.perceptron import BLOCK, MANY, Perceptron
from mbrl_teach.problems.finite_differences import jacobian

SIZES = {
    "outputs fewer": [4, 7, 6, 2],
    "inputs fewer": [2, 5, 6, 3],
    "one layer": [3, 5, 2],
    "linear": [3, 2],
}


def network(sizes, members=(), dtype=np.float64):
    """With biases other than zero."""
    net = Perceptron(sizes, np.random.default_rng(0), members=members, dtype=dtype)
    net.parameters += 0.1 * np.random.default_rng(1).normal(size=net.parameters.shape)
    return net


def data(sizes, N, stack=()):
    rng = np.random.default_rng(2)
    return rng.normal(size=(*stack, N, sizes[0])), rng.normal(size=(*stack, N, sizes[-1]))


def by_loops(net, x):
    """f(x), one sample and one neuron at a time."""
    h = list(x)
    for layer, (W, b) in enumerate(net.layers):
        a = [sum(h[i] * W[i, j] for i in range(len(h))) + b[0, j] for j in range(W.shape[1])]
        h = a if layer == len(net.layers) - 1 else [np.tanh(value) for value in a]
    return h


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
def test_the_value_is_the_formula(sizes):
    net, (x, _) = network(sizes), data(sizes, 5)
    np.testing.assert_allclose(net.value(x), [by_loops(net, row) for row in x], atol=1e-13)


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
def test_the_gradient_is_the_slope_of_the_loss(sizes):
    net, (x, y) = network(sizes), data(sizes, 9)
    gradient = np.empty_like(net.parameters)
    loss = net.gradient(x, y, net.views(gradient))
    assert loss == pytest.approx(np.mean((net.value(x) - y) ** 2), rel=1e-12)
    theta = net.parameters.copy()

    def losses(parameters):
        found = []
        for row in parameters.reshape(-1, len(theta)):
            net.parameters[:] = row
            found.append(float(net.loss(x, y)))
        return np.reshape(found, (*parameters.shape[:-1], 1))

    np.testing.assert_allclose(gradient, jacobian(losses, theta)[0], atol=1e-9)


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("N", [1, 6, BLOCK + 3])
def test_the_jacobian_is_the_slope_of_the_value(sizes, N):
    net, (x, _) = network(sizes), data(sizes, N)
    np.testing.assert_allclose(net.jacobian(x), jacobian(net.value, x), atol=1e-9)


def test_members_are_networks_of_their_own():
    sizes = [3, 8, 8, 2]
    net, (x, y) = network(sizes, members=(4,)), data(sizes, 11, stack=(4,))
    gradient = np.empty_like(net.parameters)
    losses = net.gradient(x, y, net.views(gradient))
    assert len(np.unique(losses)) == 4
    for e in range(4):
        alone = Perceptron(sizes, np.random.default_rng(9))
        alone.parameters[:] = net.parameters[e]
        own = np.empty_like(alone.parameters)
        assert alone.gradient(x[e], y[e], alone.views(own)) == pytest.approx(losses[e], rel=1e-12)
        np.testing.assert_allclose(gradient[e], own, atol=1e-14)
        np.testing.assert_allclose(net.value(x[0])[e], alone.value(x[0]), atol=1e-13)
        np.testing.assert_allclose(net.jacobian(x)[e], alone.jacobian(x[e]), atol=1e-13)


def test_float32_stays_float32():
    net, (x, y) = network([3, 8, 2], dtype=np.float32), data([3, 8, 2], 4)
    x, y = x.astype(np.float32), y.astype(np.float32)
    assert net.value(x).dtype == net.jacobian(x).dtype == net.gradient(x, y, net.layers).dtype == np.float32


def test_inputs_and_targets_are_not_changed():
    net, (x, y) = network([3, 8, 2]), data([3, 8, 2], 4)
    before = x.copy(), y.copy()
    net.gradient(x, y, net.views(np.empty_like(net.parameters)))
    net.jacobian(x)
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(y, before[1])


def test_what_passes_through_keeps_its_size():
    net, x = Perceptron([50, 200, 200, 200], np.random.default_rng(0)), data([50, 1], 500)[0]
    assert 0.3 < net.value(x).std() < 1.0


def test_adam_is_the_algorithm_of_its_paper():
    """Kingma & Ba, algorithm 1, one parameter at a time."""
    rng = np.random.default_rng(3)
    theta, gradients = rng.normal(size=6), rng.normal(size=(40, 6))
    expected = theta.copy()
    for i in range(6):
        m = v = 0.0
        for t, g in enumerate(gradients[:, i], start=1):
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
            expected[i] -= 0.01 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    adam = Adam(theta, learning_rate=0.01)
    for gradient in gradients:
        adam.step(gradient)
    np.testing.assert_allclose(theta, expected, rtol=1e-12)


def test_adam_s_first_step_has_the_length_of_the_learning_rate_whatever_the_gradient():
    theta = np.zeros(3)
    Adam(theta, learning_rate=0.2).step(np.array([1e-3, -5.0, 1e4]))
    np.testing.assert_allclose(theta, [-0.2, 0.2, -0.2], rtol=1e-4)


@pytest.mark.parametrize("activation", [TANH, SILU], ids=["tanh", "SiLU"])
@pytest.mark.parametrize("members", [(), (2,)], ids=["one", "two"])
@pytest.mark.parametrize("sizes", [[3, 8, 6, 2], [3, 2]], ids=["deep", "linear"])
def test_values_of_many_samples_are_those_of_a_few(activation, members, sizes):
    net = Perceptron(sizes, np.random.default_rng(0), members=members, activation=activation)
    net.parameters += 0.1
    x, _ = data(sizes, MANY + 300)
    few = [net.value(x[i : i + 100]) for i in range(0, len(x), 100)]
    np.testing.assert_allclose(net.value(x), np.concatenate(few, axis=-2), atol=1e-13)
