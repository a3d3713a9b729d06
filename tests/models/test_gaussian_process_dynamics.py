"""Gaussian processes as a model of the world: one for each coordinate, units, doubt, and worlds drawn from it."""

import numpy as np
import pytest

from mbrl_teach.control.ilqr import ilqr
from mbrl_teach.models.encoding import Angles
from mbrl_teach.models.gaussian_process import GaussianProcess
from mbrl_teach.models.gaussian_process_dynamics import GaussianProcessModel
from mbrl_teach.models.learned_world import LearnedWorld
from mbrl_teach.problems.finite_differences import jacobian
from mbrl_teach.problems.pendulum import Pendulum
from tests.models.worlds import linear_steps, pendulum_steps

ANGLES = Angles(0)


@pytest.fixture(scope="module")
def steps():
    """Of a pendulum at which one looks with noise of deviation 0.02 and 0.1."""
    rng = np.random.default_rng(0)
    s, a, s_next = pendulum_steps(150, rng)
    return s, a, s_next + rng.normal(size=s.shape) * [0.02, 0.1]


@pytest.fixture(scope="module")
def model(steps):
    return GaussianProcessModel(encoding=ANGLES).fit(*steps)


def split(model):
    """`model.dynamics` of z = [s; a]."""
    return lambda z: model.dynamics(z[..., :2], z[..., 2:])


def test_a_pendulum_is_learned_across_pi(model):
    s, a, s_next = pendulum_steps(400, np.random.default_rng(1))
    error = model.predict(s, a).mean - s_next
    error[:, 0] = (error[:, 0] + np.pi) % (2 * np.pi) - np.pi
    assert (np.sqrt((error**2).mean(axis=0)) < [0.02, 0.1]).all()  # less than the noise it has seen


def test_each_coordinate_is_a_process_of_its_own(model, steps):
    """In the world's units the model is what the processes say of normalised inputs, one by one."""
    s, a, s_next = steps
    x = np.stack([np.cos(s[:, 0]), np.sin(s[:, 0]), s[:, 1], a[:, 0]], axis=-1)
    normal = (x - x.mean(axis=0)) / x.std(axis=0)
    change = ANGLES.difference(s_next, s)
    unit = np.sqrt((change**2).mean(axis=0))
    prediction = model.predict(s, a)
    for j in range(2):
        alone = GaussianProcess(1.0, 2.0, 0.01).fit(normal, change[:, j] / unit[j])
        mean, variance = alone.predict(normal)
        np.testing.assert_allclose(prediction.mean[:, j], s[:, j] + unit[j] * mean, atol=1e-10)
        np.testing.assert_allclose(prediction.epistemic[:, j], unit[j] ** 2 * variance, atol=1e-12)
        np.testing.assert_allclose(prediction.aleatoric[:, j], unit[j] ** 2 * alone.noise_variance)


def test_the_aleatoric_variance_is_the_noise(model, steps):
    np.testing.assert_allclose(np.sqrt(model.predict(*steps[:2]).aleatoric[0]), [0.02, 0.1], rtol=0.25)


def test_more_data_take_away_doubt_but_not_noise():
    rng = np.random.default_rng(2)
    few, many = (GaussianProcessModel().fit(*linear_steps(N, rng)) for N in (30, 400))
    s, a = np.zeros((1, 2)), np.zeros((1, 1))
    assert (many.predict(s, a).epistemic < 0.3 * few.predict(s, a).epistemic).all()
    np.testing.assert_allclose(many.predict(s, a).aleatoric[0], [0.04, 0.02], rtol=0.3)


def test_doubt_is_large_where_there_are_no_data():
    """Positions between -1 and 1 are left out: in the gap doubt is at least ten times larger than beside it."""
    rng = np.random.default_rng(3)
    s, a = rng.uniform(-3.0, 3.0, (150, 1)), rng.normal(size=(150, 1))
    s_next = s + np.sin(3.0 * s) + 0.2 * a + 0.05 * rng.normal(size=(150, 1))
    seen, gap = np.abs(s[:, 0]) > 1.0, np.abs(s[:, 0]) < 0.5
    model = GaussianProcessModel().fit(s[seen], a[seen], s_next[seen])
    doubt = model.predict(s, a).epistemic
    assert np.median(doubt[gap]) > 10 * np.median(doubt[seen])
    error = model.predict(s[gap], a[gap]).mean - s_next[gap]
    assert (np.abs(error) < 4 * np.sqrt(model.predict(s[gap], a[gap]).variance)).all()


def test_far_from_all_data_nothing_changes(model):
    plain = GaussianProcessModel(optimise=False).fit(*linear_steps(30, np.random.default_rng(4)))
    s, a = np.full((1, 2), 1e4), np.zeros((1, 1))
    prediction = plain.predict(s, a)
    np.testing.assert_array_equal(prediction.mean, s)
    np.testing.assert_allclose(prediction.epistemic[0], plain.regression.units**2)


def test_the_jacobian_is_in_the_world_s_units(model):
    s, a, _ = pendulum_steps(12, np.random.default_rng(5))
    slopes = jacobian(split(model), np.hstack([s, a]))
    np.testing.assert_allclose(model.linearize(s, a), slopes, atol=1e-7)


def test_a_drawn_world_is_one_world(model):
    s, a, _ = pendulum_steps(12, np.random.default_rng(6))
    world = model.posterior_sample(np.random.default_rng(7))
    np.testing.assert_array_equal(world.dynamics(s, a), world.dynamics(s, a))
    np.testing.assert_allclose(world.linearize(s, a), jacobian(split(world), np.hstack([s, a])), atol=1e-6)
    prediction = world.predict(s, a)
    np.testing.assert_array_equal(prediction.epistemic, 0.0)
    np.testing.assert_array_equal(prediction.aleatoric, model.predict(s, a).aleatoric)
    assert (world.dynamics(s, a) != model.posterior_sample(np.random.default_rng(8)).dynamics(s, a)).all()


def test_drawn_worlds_average_to_the_model(model):
    s, a = np.array([[0.5, 1.0], [3.0, 12.0]]), np.array([[0.0], [2.0]])
    rng, prediction = np.random.default_rng(9), model.predict(s, a)
    drawn = np.array([model.posterior_sample(rng).dynamics(s, a) for _ in range(1500)])
    error = (drawn.mean(axis=0) - prediction.mean) / np.sqrt(prediction.epistemic / 1500)
    assert (np.abs(error) < 5.0).all()
    np.testing.assert_allclose(drawn.var(axis=0), prediction.epistemic, rtol=0.2)


def test_samples_have_both_variances(model):
    s, a = np.tile([3.0, 12.0], (20000, 1)), np.full((20000, 1), 2.0)
    drawn, prediction = model.sample(s, a, np.random.default_rng(10)), model.predict(s[0], a[0])
    np.testing.assert_allclose(drawn.var(axis=0), prediction.variance, rtol=0.05)


def test_leading_axes_are_kept(model):
    s, a, _ = pendulum_steps(12, np.random.default_rng(11))
    world = model.posterior_sample(np.random.default_rng(12))
    for one in (model, world):
        flat, F = one.dynamics(s, a), one.linearize(s, a)
        stacked = one.dynamics(s.reshape(3, 4, 2), a.reshape(3, 4, 1))
        np.testing.assert_allclose(stacked.reshape(12, 2), flat, atol=1e-12)
        np.testing.assert_allclose(
            one.linearize(s.reshape(3, 4, 2), a.reshape(3, 4, 1)).reshape(12, 2, 3), F, atol=1e-10
        )
        np.testing.assert_allclose(one.predict(s[0], a[0]).mean, flat[0], atol=1e-12)


def test_units_do_not_matter(steps):
    s, a, s_next = steps
    scale = np.array([1.0, 1e3])
    plain = GaussianProcessModel().fit(s, a, s_next)
    scaled = GaussianProcessModel().fit(s * scale + 5.0, a / 1e3, s_next * scale + 5.0)
    there = scaled.dynamics(s[:9] * scale + 5.0, a[:9] / 1e3)
    np.testing.assert_allclose((there - 5.0) / scale, plain.dynamics(s[:9], a[:9]), atol=1e-3)


def test_ilqr_swings_up_through_it():
    world, rng = Pendulum(horizon=60, action_limit=np.inf), np.random.default_rng(13)
    s = np.stack([rng.uniform(-1, 4, 200), rng.uniform(-8, 4, 200)], axis=-1)
    a = rng.uniform(-8, 8, (200, 1))
    learned = LearnedWorld.of(GaussianProcessModel(encoding=ANGLES).fit(s, a, world.dynamics(s, a)), world)
    # without noise in the data the weights are large, and their sum is good to fewer digits than iLQR's tolerance
    plan, best = ilqr(learned, tolerance=1e-6), ilqr(world)
    assert plan.converged
    assert world.rollout(plan.actions)[1] < 1.1 * best.cost


def test_it_learns_from_as_many_steps_as_it_is_told_to(steps):
    few = GaussianProcessModel(max_points=20, rng=np.random.default_rng(14), optimise=False).fit(*steps)
    assert [len(process.inputs) for process in few.processes] == [20, 20]
    rows = np.random.default_rng(14).choice(150, 20, replace=False)
    same = GaussianProcessModel(optimise=False).fit(*(part[rows] for part in steps))
    np.testing.assert_array_equal(few.dynamics(*steps[:2]), same.dynamics(*steps[:2]))
    all_of_them = GaussianProcessModel(max_points=150, rng=np.random.default_rng(0), optimise=False)
    assert len(all_of_them.fit(*steps).processes[0].inputs) == 150


def test_a_hundred_thousand_steps_are_refused_unless_told_which_share_to_learn_from():
    s, a, s_next = linear_steps(100_000, np.random.default_rng(15))
    with pytest.raises(ValueError, match=r"got 100000: .* 80.0 GB.*max_points"):
        GaussianProcessModel().fit(s, a, s_next)
    model = GaussianProcessModel(max_points=50, rng=np.random.default_rng(16)).fit(s, a, s_next)
    assert np.sqrt(np.mean((model.dynamics(s[:500], a[:500]) - s_next[:500]) ** 2)) < 0.3


def test_what_never_changed_is_expected_to_stay():
    s, a, _ = linear_steps(30, np.random.default_rng(17))
    s_next = s + np.stack([0.1 * a[:, 0], np.zeros(30)], axis=-1)
    prediction = GaussianProcessModel().fit(s, np.full_like(a, 0.3), s_next).predict(s, a)
    np.testing.assert_array_equal(prediction.mean[:, 1], s[:, 1])
    assert (prediction.variance[:, 1] < 1e-4).all()


def test_one_step_is_believed_in_as_far_as_its_noise_allows():
    model = GaussianProcessModel().fit([[1.0, 2.0]], [[0.5]], [[1.5, 1.0]])
    np.testing.assert_allclose(model.predict([1.0, 2.0], [0.5]).mean, [1.0 + 0.5 / 1.01, 2.0 - 1.0 / 1.01])
    np.testing.assert_allclose(model.predict([9.0, 9.0], [0.5]).epistemic, [0.25, 1.0], rtol=1e-3)


def test_the_same_step_many_times_is_no_singular_kernel():
    model = GaussianProcessModel().fit(np.ones((40, 2)), np.ones((40, 1)), np.full((40, 2), 1.5))
    np.testing.assert_allclose(model.predict(np.ones(2), np.ones(1)).mean, 1.5, atol=1e-3)
    with pytest.raises(ValueError, match="singular to working precision"):
        GaussianProcessModel(noise_variance=1e-16, optimise=False).fit(
            np.ones((40, 2)), np.ones((40, 1)), np.full((40, 2), 1.5)
        )


def test_a_bar_is_shown_when_asked_for_and_off_otherwise(steps, capsys):
    GaussianProcessModel(optimise=False).fit(*steps)
    assert capsys.readouterr().err == ""
    GaussianProcessModel(optimise=False, progress=True).fit(*steps)
    assert "Gaussian processes" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"noise_variance": 0.0}, "noise_variance must be positive"),
        ({"lengthscales": -1.0}, "lengthscales must be positive"),
        ({"max_points": 0, "rng": np.random.default_rng(0)}, "max_points must be a whole number from 1 on"),
        ({"max_points": 10}, "rng must be a numpy.random.Generator"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        GaussianProcessModel(**settings)


def test_before_data_it_says_so():
    with pytest.raises(ValueError, match="GaussianProcessModel has seen no data"):
        GaussianProcessModel().predict([0.0, 0.0], [0.0])
    with pytest.raises(ValueError, match="GaussianProcessModel has seen no data"):
        _ = GaussianProcessModel().processes
