"""Hallucinated control: with η one plans in any world that lies within β deviations, and pays for none."""

import numpy as np
import pytest

from mbrl_teach.control.ilqr import ilqr
from mbrl_teach.models.bayesian_features import BayesianFeatures
from mbrl_teach.models.ensemble import ProbabilisticEnsemble
from mbrl_teach.models.hallucinated_world import HallucinatedWorld
from mbrl_teach.models.learned_world import LearnedWorld
from mbrl_teach.models.linear import Linear
from mbrl_teach.models.linear_gaussian import LinearGaussian
from mbrl_teach.models.stated_prior import StatedPrior
from mbrl_teach.planning.cem import CrossEntropyPlanner
from mbrl_teach.problems.base import ControlProblem
from mbrl_teach.problems.particle import Particle
from mbrl_teach.problems.pit import Pit

TASK = Pit()
BETA = 1.7


def pit_steps(N, rng):
    s = rng.uniform([-0.5, -0.8], [0.5, 0.8], (N, 2))
    a = rng.uniform(-0.8, 0.8, (N, 1))
    return s, a, TASK.dynamics(s, a)


def learned(N=60, seed=0):
    rng = np.random.default_rng(seed)
    model = StatedPrior([0.2, 0.5], [0.5, 0.6, 2.0], noise=0.01, rng=rng, features=60)
    return LearnedWorld.of(model.fit(*pit_steps(N, rng)), TASK)


@pytest.fixture(scope="module")
def world():
    return learned()


@pytest.fixture
def hallucinated(world):
    return HallucinatedWorld(world, BETA)


@pytest.fixture
def points():
    """States (4, 30, 2), half of them far from the data, actions (4, 30, 1) and luck (4, 30, 2)."""
    rng = np.random.default_rng(1)
    s = rng.normal(size=(4, 30, 2)) * np.array([0.3, 0.3, 2.0, 2.0])[:, None, None]
    return s, rng.uniform(-0.8, 0.8, (4, 30, 1)), rng.uniform(-1.0, 1.0, (4, 30, 2))


def joined(a, eta):
    return np.concatenate([a, eta], axis=-1)


def test_without_luck_it_is_the_expected_world(world, hallucinated, points):
    s, a, eta = points
    np.testing.assert_allclose(hallucinated.dynamics(s, joined(a, 0 * eta)), world.dynamics(s, a), atol=1e-12)
    certain = HallucinatedWorld(world, 0.0)
    np.testing.assert_allclose(certain.dynamics(s, joined(a, eta)), world.dynamics(s, a), atol=1e-12)


def test_each_coordinate_has_a_luck_of_its_own_of_beta_epistemic_deviations(world, hallucinated, points):
    s, a, eta = points
    prediction = world.model.predict(s, a)
    for i in range(2):
        for sign in (-1.0, 1.0):
            luck = np.zeros_like(eta)
            luck[..., i] = sign
            moved = hallucinated.dynamics(s, joined(a, luck)) - prediction.mean
            np.testing.assert_allclose(moved[..., i], sign * BETA * np.sqrt(prediction.epistemic[..., i]))
            np.testing.assert_allclose(moved[..., 1 - i], 0.0, atol=1e-12)


def test_costs_limits_and_start_are_the_worlds_own(world, hallucinated, points):
    s, a, eta = points
    np.testing.assert_array_equal(hallucinated.cost(s, joined(a, eta)), TASK.cost(s, a))
    np.testing.assert_array_equal(hallucinated.final_cost(s), TASK.final_cost(s))
    assert hallucinated.action_low.tolist() == [-0.8, -1.0, -1.0]
    assert hallucinated.action_high.tolist() == [0.8, 1.0, 1.0]
    assert (hallucinated.state_size, hallucinated.action_size, hallucinated.horizon) == (2, 3, 40)
    np.testing.assert_array_equal(hallucinated.initial_state, world.initial_state)


def test_its_derivatives_are_those_of_finite_differences(hallucinated, points):
    s, a, eta = points
    a = joined(a, eta)
    F = ControlProblem.linearize(hallucinated, s, a)
    np.testing.assert_allclose(hallucinated.linearize(s, a), F, atol=1e-6)
    for own, by_differences in zip(
        hallucinated.quadratize(s, a), ControlProblem.quadratize(hallucinated, s, a), strict=True
    ):
        np.testing.assert_allclose(own, by_differences, atol=1e-4)
    V, v = hallucinated.quadratize_final(s)
    assert V.shape == (4, 30, 2, 2)
    assert not V.any()
    assert not v.any()


def test_noise_is_added_and_is_the_aleatoric_part_alone(world, hallucinated):
    rng = np.random.default_rng(2)
    s, a = np.tile([2.0, 0.0], (4000, 1)), np.tile([0.3, 0.5, -0.2], (4000, 1))
    drawn = hallucinated.sample(s, a, rng)
    aleatoric = world.model.predict(s[0], a[0, :1]).aleatoric
    error = np.abs(drawn.mean(axis=0) - hallucinated.dynamics(s[0], a[0]))
    assert (error < 5 * np.sqrt(aleatoric / 4000)).all()
    np.testing.assert_allclose(drawn.var(axis=0), aleatoric, rtol=0.15)


def test_any_world_within_the_deviations_is_followed_by_some_luck_so_that_the_best_is_worth_no_less():
    """The true world, a plan of its own, and the η that makes every hallucinated step the true one."""
    beta = 3.0
    hallucinated = HallucinatedWorld(learned(20), beta)
    actions = CrossEntropyPlanner(TASK, population=200, elites=20, rng=np.random.default_rng(0)).plan([0, 0])
    states, cost = TASK.rollout(actions.actions)
    assert cost < -3.0
    prediction = hallucinated.model.predict(states[:-1], actions.actions)
    luck = (states[1:] - prediction.mean) / (beta * np.sqrt(prediction.epistemic))
    assert np.abs(luck).max() <= 1.0  # so the premise holds here
    followed, same = hallucinated.rollout(joined(actions.actions, luck))
    np.testing.assert_allclose(followed, states, atol=1e-9)
    assert same == pytest.approx(cost)


def test_where_the_data_leave_nothing_open_luck_has_no_effect():
    task, rng = Particle(), np.random.default_rng(0)
    s, a = rng.normal(size=(2000, 2)), rng.normal(size=(2000, 1))
    model = LinearGaussian(prior_noise=1e-6).fit(s, a, task.dynamics(s, a))
    hallucinated = HallucinatedWorld(LearnedWorld.of(model, task), 3.0)
    lucky = joined(rng.normal(size=(task.horizon, 1)), rng.uniform(-1, 1, (task.horizon, 2)))
    states, cost = hallucinated.rollout(lucky)
    expected, same = task.rollout(lucky[:, :1])
    np.testing.assert_allclose(states, expected, atol=1e-4)
    assert cost == pytest.approx(same, abs=1e-3)


def test_a_planner_of_derivatives_uses_luck_too():
    task, rng = Particle(), np.random.default_rng(0)
    s, a = rng.normal(size=(6, 2)), rng.normal(size=(6, 1))
    s_next = task.dynamics(s, a) + 0.1 * rng.normal(size=(6, 2))
    learned = LearnedWorld.of(LinearGaussian().fit(s, a, s_next), task)
    expected, optimistic = ilqr(learned), ilqr(HallucinatedWorld(learned, 1.0))
    assert optimistic.cost < 0.9 * expected.cost


def test_a_sequence_that_leads_to_infinity_costs_no_number_and_the_others_what_they_did(hallucinated):
    planner = CrossEntropyPlanner(hallucinated, population=20, elites=2, rng=np.random.default_rng(0))
    states = np.array([[0.1, 0.0], [np.inf, 0.0]])
    costs = [planner.world.costs(s, np.zeros((1, 40, 3)))[0] for s in states]
    assert np.isfinite(costs).tolist() == [True, False]
    both = hallucinated.dynamics(states, np.zeros((2, 3)))
    np.testing.assert_allclose(both[0], hallucinated.dynamics(states[0], np.zeros(3)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((TASK,), "world must be a LearnedWorld, with a model; got Pit"),
        ((None, -1.0), "beta must be a finite number >= 0; got -1"),
        ((None, np.inf), "beta must be finite"),
        ((None, [1.0, 2.0]), "beta must have shape"),
    ],
)
def test_what_does_not_fit_is_refused(world, arguments, message):
    world_, *beta = arguments
    with pytest.raises(ValueError, match=message):
        HallucinatedWorld(world_ or world, *beta)


@pytest.mark.parametrize(
    "model",
    [
        LinearGaussian(),
        BayesianFeatures(rng=np.random.default_rng(0), features=40),
        ProbabilisticEnsemble(rng=np.random.default_rng(0), members=3, hidden=(16,), steps=50),
    ],
    ids=lambda model: type(model).__name__,
)
def test_any_model_with_doubt_will_do(model):
    rng = np.random.default_rng(0)
    world = LearnedWorld.of(model.fit(*pit_steps(80, rng)), TASK)
    s, a, eta = rng.normal(size=(7, 2)), rng.normal(size=(7, 1)), rng.uniform(-1, 1, (7, 2))
    prediction = model.predict(s, a)
    assert (prediction.epistemic > 0.0).all()
    expected = prediction.mean + 2.0 * np.sqrt(prediction.epistemic) * eta
    np.testing.assert_allclose(HallucinatedWorld(world, 2.0).dynamics(s, joined(a, eta)), expected)


def test_a_model_without_doubt_makes_no_luck():
    task, rng = Particle(), np.random.default_rng(0)
    s, a = rng.normal(size=(20, 2)), rng.normal(size=(20, 1))
    world = LearnedWorld.of(Linear().fit(s, a, task.dynamics(s, a)), task)
    np.testing.assert_allclose(
        HallucinatedWorld(world, 5.0).dynamics(s, joined(a, np.ones((20, 2)))), world.dynamics(s, a)
    )
