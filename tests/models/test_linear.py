"""The linear model: least squares with a bias, and the noise that is left over."""

import numpy as np
import pytest

from mbrl_teach.models.encoding import Angles
from mbrl_teach.models.linear import Linear
from mbrl_teach.problems.gymnasium_worlds import GymnasiumPendulum
from tests.models.worlds import SIGMA, F, f, linear_steps, pendulum_steps


@pytest.fixture
def steps():
    return linear_steps(60, np.random.default_rng(0))


def normal_equations(s, a, s_next, ridge=0.0):
    """[F f]' (p, n) with the targets s' themselves, in closed form."""
    X = np.hstack([s, a, np.ones((len(s), 1))])
    penalty = ridge * np.diag([1.0, 1.0, 1.0, 0.0])
    return np.linalg.solve(X.T @ X + penalty, X.T @ s_next), X


def test_the_fit_is_the_closed_form(steps):
    model = Linear().fit(*steps)
    W, X = normal_equations(*steps)
    np.testing.assert_allclose(np.vstack([model.F.T, model.f]), W, atol=1e-10)
    residuals = steps[2] - X @ W
    np.testing.assert_allclose(model.covariance, residuals.T @ residuals / (60 - 4), atol=1e-12)
    mean, variance = model.predict(*steps[:2])
    np.testing.assert_allclose(mean, X @ W, atol=1e-10)
    np.testing.assert_allclose(variance, np.tile(np.diag(model.covariance), (60, 1)))


def test_the_ridge_pulls_the_change_to_zero_and_leaves_the_bias_alone(steps):
    s, a, s_next = steps
    model = Linear(ridge=7.0).fit(*steps)
    W, _ = normal_equations(s, a, s_next - s, ridge=7.0)
    np.testing.assert_allclose(np.vstack([(model.F - np.eye(2, 3)).T, model.f]), W, atol=1e-10)
    far = Linear(ridge=1e12).fit(*steps)
    np.testing.assert_allclose(far.f, (s_next - s).mean(axis=0), atol=1e-8)


def test_the_noise_is_found_without_bias_from_few_steps():
    """Over N the mean of many fits would be 0.6 of the truth."""
    rng = np.random.default_rng(1)
    mean = np.mean([Linear().fit(*linear_steps(10, rng)).covariance for _ in range(1500)], axis=0)
    np.testing.assert_allclose(mean, SIGMA, rtol=0.07, atol=0.0015)


def test_without_noise_the_world_is_found():
    model = Linear().fit(*linear_steps(20, np.random.default_rng(2), noise=False))
    np.testing.assert_allclose(model.F, F, atol=1e-12)
    np.testing.assert_allclose(model.f, f, atol=1e-12)


def test_the_constants_of_a_pendulum_are_least_squares_in_its_features():
    """ω' - ω = dt (3g/2l sin θ + 3u/ml²), as long as the velocity is not limited."""
    model = Linear(encoding=Angles(0)).fit(*pendulum_steps(100, np.random.default_rng(3)))
    of_omega = model.regression.W[:, 1]
    np.testing.assert_allclose(of_omega, [0.0, 0.05 * 15.0, 0.0, 0.05 * 3.0, 0.0], atol=1e-10)
    world, s, a = GymnasiumPendulum(), np.array([[0.3, -1.0]]), np.array([[0.5]])
    np.testing.assert_allclose(model.dynamics(s, a), world.dynamics(s, a), atol=1e-10)
    with pytest.raises(ValueError, match="features are the state itself"):
        _ = model.F


def test_samples_have_the_mean_and_the_covariance(steps):
    model, rng = Linear().fit(*steps), np.random.default_rng(4)
    s, a = np.tile([0.5, -1.0], (20000, 1)), np.tile([2.0], (20000, 1))
    drawn = model.sample(s, a, rng)
    np.testing.assert_allclose(drawn.mean(axis=0), model.predict(s[0], a[0])[0], atol=0.01)
    np.testing.assert_allclose(np.cov(drawn.T), model.covariance, atol=0.003)


def test_the_jacobian_is_F_everywhere(steps):
    model = Linear().fit(*steps)
    np.testing.assert_allclose(model.linearize(steps[0], steps[1]), np.tile(model.F, (60, 1, 1)), atol=1e-15)


def test_actions_that_follow_from_the_state_leave_the_model_open_and_the_fit_says_so():
    """a = K s excites nothing: F_s + F_a K is found, and among all splits of it the shortest."""
    rng = np.random.default_rng(5)
    s = rng.normal(size=(50, 2))
    a = s @ [[0.7], [-0.2]]
    s_next = np.hstack([s, a]) @ F.T + f
    model = Linear().fit(s, a, s_next)
    assert model.regression.rank == 3
    np.testing.assert_allclose(model.dynamics(s, a), s_next, atol=1e-12)
    closed = lambda F: F[:, :2] + F[:, 2:] @ [[0.7, -0.2]]
    np.testing.assert_allclose(closed(model.F), closed(F), atol=1e-12)
    assert abs(model.F - F).max() > 0.01


def test_a_constant_column_gets_no_weight_and_does_no_harm(steps):
    s, _, s_next = steps
    model = Linear().fit(s, np.full((60, 1), 0.1), s_next)
    assert model.regression.rank == 3
    np.testing.assert_array_equal(model.F[:, 2], 0.0)
    reference, *_ = np.linalg.lstsq(np.hstack([s, np.ones((60, 1))]), s_next, rcond=None)
    np.testing.assert_allclose(np.vstack([model.F[:, :2].T, model.f]), reference, atol=1e-10)


def test_a_coordinate_in_tiny_units_is_not_taken_for_rounding(steps):
    scale = np.array([1e-20, 1.0])
    model = Linear().fit(steps[0] * scale, steps[1], steps[2] * scale)
    expected = Linear().fit(*steps).F * scale[:, None] / [1e-20, 1.0, 1.0]
    np.testing.assert_allclose(model.F, expected, rtol=1e-8)


def test_one_step_is_repeated_and_its_noise_is_unknown():
    model = Linear().fit([[1.0, 2.0]], [[0.5]], [[1.5, 1.0]])
    mean, variance = model.predict([1.0, 2.0], [0.5])
    np.testing.assert_allclose(mean, [1.5, 1.0])
    assert np.isinf(variance).all()
    with pytest.raises(ValueError, match="more steps than the inputs' rank 1"):
        model.sample([1.0, 2.0], [0.5], np.random.default_rng(0))
