"""The network as a model of the world: units, normalisation, training and its end, and iLQR through it."""

import numpy as np
import pytest

from mbrl_teach.control.ilqr import ilqr
from mbrl_teach.models.encoding import Angles
from mbrl_teach.models.learned_world import LearnedWorld
from mbrl_teach.models.network import NeuralNetwork
from mbrl_teach.models.normalisation import Normalisation
from mbrl_teach.problems.finite_differences import jacobian
from mbrl_teach.problems.pendulum import Pendulum
from tests.models.worlds import linear_steps, pendulum_steps


@pytest.fixture(scope="module")
def steps():
    return pendulum_steps(800, np.random.default_rng(0))


@pytest.fixture(scope="module")
def model(steps):
    return trained(steps)


ANGLES = Angles(0)


def trained(data, seed=1, dtype=np.float64, encoding=ANGLES, **settings):
    return NeuralNetwork(rng=np.random.default_rng(seed), encoding=encoding, dtype=dtype, **settings).fit(
        *data
    )


def wrapped(angle):
    return (angle + np.pi) % (2 * np.pi) - np.pi


def test_a_pendulum_is_learned_across_pi(model):
    s, a, s_next = pendulum_steps(500, np.random.default_rng(2))
    error = model.predict(s, a)[0] - s_next
    error[:, 0] = wrapped(error[:, 0])
    change = np.abs(s_next[:, 1] - s[:, 1]).mean()
    assert np.sqrt((error**2).mean(axis=0)[1]) < 0.1 * change
    assert np.abs(error[:, 0]).max() < 0.1


def test_the_jacobian_is_in_the_world_s_units(model):
    s, a, _ = pendulum_steps(20, np.random.default_rng(3))
    slopes = jacobian(lambda z: model.dynamics(z[..., :2], z[..., 2:]), np.hstack([s, a]))
    np.testing.assert_allclose(model.linearize(s, a), slopes, atol=1e-8)


def test_leading_axes_are_kept(model):
    s, a, _ = pendulum_steps(12, np.random.default_rng(4))
    flat, F = model.dynamics(s, a), model.linearize(s, a)
    np.testing.assert_allclose(model.dynamics(s.reshape(3, 4, 2), a.reshape(3, 4, 1)).reshape(12, 2), flat)
    np.testing.assert_allclose(model.linearize(s.reshape(3, 4, 2), a.reshape(3, 4, 1)).reshape(12, 2, 3), F)
    np.testing.assert_allclose(model.dynamics(s[0], a[0]), flat[0])
    np.testing.assert_allclose(model.dynamics(s, a[0])[5], model.dynamics(s[5], a[0]))


def test_float32_differs_by_rounding_only(steps, model):
    single = trained(steps, dtype=np.float32, steps=100)
    double = trained(steps, dtype=np.float64, steps=100)
    s, a, _ = pendulum_steps(50, np.random.default_rng(5))
    assert single.dynamics(s, a).dtype == single.linearize(s, a).dtype == np.float64
    np.testing.assert_allclose(single.dynamics(s, a), double.dynamics(s, a), atol=2e-3)


def test_units_do_not_matter(steps):
    """Velocities in thousandths of a unit, actions in thousands: the same network, the same prediction."""
    s, a, s_next = steps
    scale = np.array([1.0, 1e3])
    plain, scaled = (
        trained(steps, encoding=None, steps=50),
        trained((s * scale + 5.0, a / 1e3, s_next * scale + 5.0), encoding=None, steps=50),
    )
    there = scaled.dynamics(s[:9] * scale + 5.0, a[:9] / 1e3)
    np.testing.assert_allclose((there - 5.0) / scale, plain.dynamics(s[:9], a[:9]), atol=1e-6)


def test_held_back_data_do_not_reach_the_normalisation(steps):
    """Whatever happens in the rows held back, the network that is trained on the others is the same."""
    s, a, s_next = steps
    rng = np.random.default_rng(1)
    held_back = rng.permutation(len(s))[: len(s) // 10]
    spoilt = s.copy()
    spoilt[held_back] += 100.0
    regressions = [
        trained(data, steps=1).regression for data in ((s, a, s_next), (spoilt, a, s_next + spoilt - s))
    ]
    np.testing.assert_array_equal(regressions[0].inputs.mean, regressions[1].inputs.mean)
    np.testing.assert_allclose(regressions[0].targets.std, regressions[1].targets.std, rtol=1e-12)


def test_training_stops_when_the_rows_held_back_get_no_better_and_keeps_the_best():
    """Pure noise has nothing to learn: the best is near the beginning, and the loss of the kept is the lowest."""
    rng = np.random.default_rng(6)
    s, a = rng.normal(size=(60, 2)), rng.normal(size=(60, 1))
    model = trained(
        (s, a, s + rng.normal(size=(60, 2))), encoding=None, steps=5000, patience=10, look_every=10
    )
    training = model.training
    assert training.stopped_early
    assert training.steps == training.best_step + 100 < 5000
    best = int(np.flatnonzero(training.looks == training.best_step)[0])
    assert training.training_losses[-1] < training.training_losses[best]
    assert training.validation_losses[-1] > training.validation_losses[best]
    assert training.validation_losses.min() == training.validation_losses[best]
    noise = model.predict(s[0], a[0])[1] / model.regression.targets.std**2
    assert noise.mean() == pytest.approx(training.validation_losses.min(), rel=1e-6)


def test_the_variance_is_that_of_the_noise():
    steps = linear_steps(3000, np.random.default_rng(7))
    model = trained(steps, encoding=None)
    np.testing.assert_allclose(model.predict(*steps[:2])[1][0], [0.04, 0.02], rtol=0.3)
    s, a = np.zeros((20000, 2)), np.zeros((20000, 1))
    drawn = model.sample(s, a, np.random.default_rng(8))
    np.testing.assert_allclose(drawn.var(axis=0), model.predict(s[0], a[0])[1], rtol=0.05)


def test_the_same_generator_gives_the_same_network_and_a_fit_begins_anew(steps):
    s, a = steps[0][:5], steps[1][:5]
    one, other = (trained(steps, steps=60).dynamics(s, a) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    model = trained(steps, steps=60)
    weights = model.regression.network.parameters.copy()
    assert (model.fit(*steps).regression.network.parameters != weights).all()


def test_ilqr_swings_up_through_the_network(steps):
    """What it finds in the learned world is a swing-up in the true one, near the first steps at least."""
    world = Pendulum(horizon=60, action_limit=np.inf)
    rng = np.random.default_rng(9)
    s = np.stack([rng.uniform(-1, 4, 3000), rng.uniform(-8, 4, 3000)], axis=-1)
    a = rng.uniform(-8, 8, (3000, 1))
    model = trained((s, a, world.dynamics(s, a)), steps=3000)
    learned = LearnedWorld.of(model, world)
    plan = ilqr(learned)
    assert plan.converged
    true, best = world.rollout(plan.actions)[1], ilqr(world)
    assert plan.cost < 1.3 * best.cost
    assert true < world.rollout(np.zeros((60, 1)))[1]
    np.testing.assert_allclose(plan.states, learned.rollout(plan.actions)[0], atol=1e-9)


def test_a_constant_column_is_harmless(steps):
    s, a, s_next = steps
    model = trained((s, np.full_like(a, 0.1), s_next), steps=50)
    assert np.isfinite(model.dynamics(s, a)).all()
    still = trained((s, a, s), steps=20)
    assert np.isfinite(still.linearize(s, a)).all()
    data = np.stack([np.full(9, 0.1), np.arange(9.0)], axis=-1)
    assert Normalisation.of(data).std[0] == 1.0
    np.testing.assert_allclose(Normalisation.of(data).restored(Normalisation.of(data).normalised(data)), data)


def test_one_step_is_repeated():
    model = trained(([[1.0, 2.0]], [[0.5]], [[1.5, 1.0]]), encoding=None, steps=300)
    np.testing.assert_allclose(model.predict([1.0, 2.0], [0.5])[0], [1.5, 1.0], atol=0.01)
    assert np.isnan(model.training.validation_losses).all()


def test_without_hidden_layers_it_is_linear():
    steps = linear_steps(200, np.random.default_rng(10), noise=False)
    model = trained(steps, encoding=None, hidden=(), steps=3000, learning_rate=0.02)
    np.testing.assert_allclose(model.predict(*steps[:2])[0], steps[2], atol=0.01)


def test_a_bar_is_shown_when_asked_for_and_off_otherwise(steps, capsys):
    trained(steps, steps=30)
    assert capsys.readouterr().err == ""
    trained(steps, steps=30, progress=True)
    assert "training" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rng": 0}, "rng must be a numpy.random.Generator"),
        ({"hidden": (64, 0)}, "hidden must be a whole number from 1 on"),
        ({"dtype": int}, "dtype must be a type of real numbers"),
        ({"learning_rate": 0.0}, "learning_rate must be positive"),
        ({"steps": 0}, "steps must be a whole number"),
        ({"validation_share": 1.0}, r"validation_share must be in \[0, 1\)"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        NeuralNetwork(**({"rng": np.random.default_rng(0)} | settings))


def test_a_learning_rate_that_blows_up_is_not_hidden(steps):
    with (
        np.errstate(all="ignore"),
        pytest.raises(ValueError, match=r"training has diverged by step .*: lower learning_rate"),
    ):
        trained(steps, learning_rate=1e200)
