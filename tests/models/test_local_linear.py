"""Local models: right near the trajectories that they were fitted to."""

import numpy as np
import pytest

from mbrl_teach.control.lqr import lqr
from mbrl_teach.models.linear import Linear
from mbrl_teach.models.local_linear import LocalLinear
from mbrl_teach.problems.pendulum import Pendulum
from tests.models.worlds import linear_steps

T = 25


def swings(M, rng, spread=0.05):
    """M trajectories of a pendulum, disturbed from one sequence of actions: (M, T, ·) three times."""
    world = Pendulum(horizon=T)
    nominal = 2.0 * np.sin(np.arange(T) / 4.0)[:, None]
    actions = nominal + spread * rng.normal(size=(M, T, 1))
    states, _ = world.rollout(actions, world.initial_state + spread * rng.normal(size=(M, 2)))
    return states[:, :-1], actions, states[:, 1:]


def test_without_a_prior_each_step_is_least_squares_by_itself():
    steps = swings(12, np.random.default_rng(0))
    model = LocalLinear(prior_strength=0.0).fit(*steps)
    for t in range(T):
        alone = Linear().fit(*(part[:, t] for part in steps))
        np.testing.assert_allclose(model.F[t], alone.F, atol=1e-8)
        np.testing.assert_allclose(model.f[t], alone.f, atol=1e-7)
        np.testing.assert_allclose(model.covariance[t], alone.covariance, atol=1e-12)


def test_near_the_trajectories_the_slopes_are_those_of_the_world():
    rng = np.random.default_rng(1)
    s, a, s_next = swings(40, rng, spread=0.02)
    model = LocalLinear(prior_strength=0.0).fit(s, a, s_next)
    truth = Pendulum(horizon=T).linearize(s.mean(axis=0), a.mean(axis=0))
    np.testing.assert_allclose(model.F, truth, atol=0.01)


def test_a_local_model_foretells_its_neighbourhood_better_than_a_global_one():
    rng = np.random.default_rng(2)
    fitted, fresh = swings(12, rng), swings(50, rng)
    local = LocalLinear().fit(*fitted)
    overall = Linear().fit(*(part.reshape(-1, part.shape[-1]) for part in fitted))
    error = lambda model: np.abs(model.predict(*fresh[:2])[0] - fresh[2]).mean()
    assert error(local) < 0.4 * error(overall)


def test_with_few_trajectories_the_prior_decides_with_many_the_data():
    rng = np.random.default_rng(3)
    pooled = Linear().fit(*(part.reshape(-1, part.shape[-1]) for part in swings(2, rng)))
    assert np.isfinite(pooled.F).all()
    two = swings(2, rng)
    strong = LocalLinear(prior_strength=1e9).fit(*two)
    alike = Linear().fit(*(part.reshape(-1, part.shape[-1]) for part in two))
    np.testing.assert_allclose(strong.F, np.tile(alike.F, (T, 1, 1)), atol=1e-5)
    many = swings(400, rng)
    np.testing.assert_allclose(
        LocalLinear(prior_strength=0.1).fit(*many).F, LocalLinear(prior_strength=0.0).fit(*many).F, atol=0.05
    )


def test_the_posterior_covariance_is_that_of_the_normal_inverse_wishart_prior():
    """Against the update with one row at a time: the same formulas, as a recursion."""
    steps = linear_steps(8, np.random.default_rng(4))
    s, a, s_next = (part.reshape(4, 2, -1) for part in steps)
    model = LocalLinear(prior_strength=3.0).fit(s, a, s_next)
    y = np.concatenate([s, a, s_next - s], axis=-1)
    pooled = y.reshape(8, -1)
    for t in range(2):
        mean, strength = pooled.mean(axis=0), 3.0
        scale = 3.0 * np.cov(pooled.T, bias=True)
        for row in y[:, t]:
            scale = scale + strength / (strength + 1) * np.outer(row - mean, row - mean)
            mean, strength = (strength * mean + row) / (strength + 1), strength + 1
        slopes = np.linalg.solve(scale[:3, :3], scale[:3, 3:]).T
        np.testing.assert_allclose(model.F[t], np.eye(2, 3) + slopes, atol=1e-8)
        np.testing.assert_allclose(model.f[t], mean[3:] - slopes @ mean[:3], atol=1e-8)


def test_lqr_on_local_models_brings_the_pendulum_nearer_to_its_goal():
    """One improvement step from data alone: the gains are near those of the true derivatives."""
    s, a, s_next = swings(60, np.random.default_rng(5), spread=0.02)
    model, world = LocalLinear(prior_strength=0.0).fit(s, a, s_next), Pendulum(horizon=T)
    C, c = np.tile(np.eye(3), (T, 1, 1)), np.zeros((T, 3))
    learned = lqr(model.F, model.f, C, c).K
    truth = lqr(world.linearize(s.mean(axis=0), a.mean(axis=0)), model.f, C, c).K
    np.testing.assert_allclose(learned, truth, atol=0.02)


def test_a_rollout_follows_the_steps():
    s, a, s_next = swings(10, np.random.default_rng(6))
    model = LocalLinear().fit(s, a, s_next)
    states = model.rollout(a, s[:, 0])
    np.testing.assert_allclose(states[:, 1:], model.predict(states[:, :-1], a)[0], atol=1e-12)
    np.testing.assert_allclose(
        model.at(3).dynamics(s[:, 3], a[:, 3]), model.predict(s, a)[0][:, 3], atol=1e-12
    )
    assert model.linearize(s, a).shape == (10, T, 2, 3)


def test_samples_have_the_mean_and_the_covariance():
    rng = np.random.default_rng(7)
    s, a = rng.normal(size=(30, 3, 2)), rng.normal(size=(30, 3, 1))
    s_next = s + 0.1 * rng.normal(size=(30, 3, 2))
    model = LocalLinear().fit(s, a, s_next)
    many = np.broadcast_to(s[0], (20000, 3, 2)), np.broadcast_to(a[0], (20000, 3, 1))
    drawn, (mean, variance) = model.sample(*many, rng), model.predict(s[0], a[0])
    np.testing.assert_allclose(drawn.mean(axis=0), mean, atol=0.005)
    np.testing.assert_allclose(drawn.var(axis=0), variance, rtol=0.06)


def test_one_start_for_all_and_one_trajectory_have_a_fallback():
    s, a, s_next = swings(20, np.random.default_rng(8))
    s[:, 0] = s[0, 0]
    s_next[:, 0] = Pendulum(horizon=T).dynamics(s[:, 0], a[:, 0])
    model = LocalLinear(prior_strength=0.0).fit(s, a, s_next)
    np.testing.assert_allclose(model.predict(s, a)[0][:, 0], s_next[:, 0], atol=1e-8)
    one = LocalLinear().fit(s[:1], a[:1], s_next[:1])
    assert np.isfinite(one.F).all()


def test_a_coordinate_in_tiny_units_is_not_taken_for_rounding():
    s, a, s_next = swings(12, np.random.default_rng(10))
    scale = np.array([1.0, 1e-9])
    for strength in (0.0, 1.0):
        model = LocalLinear(prior_strength=strength)
        expected = model.fit(s, a, s_next).predict(s, a)[0] * scale
        small = model.fit(s * scale, a, s_next * scale).predict(s * scale, a)[0]
        np.testing.assert_allclose(small / scale, expected / scale, rtol=1e-6, atol=1e-7)


def test_errors_say_what_is_wrong():
    s, a, s_next = swings(4, np.random.default_rng(9))
    with pytest.raises(ValueError, match=r"more than n \+ m \+ 1 = 4 trajectories; got M = 4"):
        LocalLinear(prior_strength=0.0).fit(s, a, s_next)
    with pytest.raises(ValueError, match=r"states must have shape \(M, T, n\)"):
        LocalLinear().fit(s[0], a[0], s_next[0])
    with pytest.raises(ValueError, match="actions must have shape"):
        LocalLinear().fit(s, a[:, 1:], s_next)
    with pytest.raises(ValueError, match="prior_strength must be a finite number >= 0; got -1"):
        LocalLinear(prior_strength=-1)
    with pytest.raises(ValueError, match="call fit first"):
        LocalLinear().predict(s, a)
    with pytest.raises(ValueError, match=r"states must have shape .*25, 2\)"):
        LocalLinear().fit(s, a, s_next).predict(s[:, 1:], a[:, 1:])
    with pytest.raises(ValueError, match="t must be a whole number from 0"):
        LocalLinear().fit(s, a, s_next).at(T)
