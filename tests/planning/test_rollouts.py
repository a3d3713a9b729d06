"""What many sequences cost: against one rollout at a time, and against closed forms where there is chance."""

import numpy as np
import pytest

from mbrl_teach.planning.rollouts import Rollouts
from mbrl_teach.problems.pendulum import Pendulum
from tests.planning.worlds import RandomWalk

STATE = np.array([2.0, -0.5])


@pytest.fixture
def actions():
    return np.random.default_rng(0).uniform(-2, 2, (7, 12, 1))


def test_costs_are_those_of_each_sequence_alone(actions):
    world = Pendulum(horizon=12)
    expected = [world.rollout(sequence, STATE)[1] for sequence in actions]
    assert Rollouts(world).costs(STATE, actions) == pytest.approx(expected, rel=1e-13)


def test_step_t_counts_gamma_to_the_t_minus_1_and_the_end_gamma_to_the_T(actions):
    world, gamma = Pendulum(horizon=12), 0.8
    expected = []
    for sequence in actions:
        s, total = STATE, 0.0
        for t, a in enumerate(sequence):
            total += gamma**t * world.cost(s, a)
            s = world.dynamics(s, a)
        expected.append(total + gamma**12 * world.final_cost(s))
    assert Rollouts(world, gamma=gamma).costs(STATE, actions) == pytest.approx(expected, rel=1e-13)


def test_a_final_cost_replaces_the_worlds_own_and_leaves_the_world_alone(actions):
    world = Pendulum(horizon=12)
    value = lambda s: 3.0 + s[..., 1]
    ends = np.array([world.rollout(sequence, STATE)[0][-1] for sequence in actions])
    difference = Rollouts(world, gamma=0.9, final_cost=value).costs(STATE, actions)
    difference -= Rollouts(world, gamma=0.9).costs(STATE, actions)
    assert difference == pytest.approx(0.9**12 * (value(ends) - world.final_cost(ends)), rel=1e-10)
    assert world.final_cost(np.array([1.0, 0.0])) == 50.0


def test_a_step_is_one_call_for_all_sequences_and_the_cost_one_for_all_steps():
    world = RandomWalk(horizon=4)
    Rollouts(world).costs(np.ones(1), np.zeros((30, 4, 1)))
    assert world.calls == [("dynamics", (30, 1), (30, 1))] * 4 + [("cost", (4, 30, 1), (4, 30, 1))]


def test_particles_keep_their_row_and_share_the_actions():
    world = RandomWalk(horizon=4)
    rng = np.random.default_rng(0)
    Rollouts(world, particles=5).costs(np.ones(1), np.zeros((30, 4, 1)), rng)
    assert world.calls == [("sample", (5, 30, 1), (5, 30, 1))] * 4 + [("cost", (4, 5, 30, 1), (4, 5, 30, 1))]


def test_with_particles_the_cost_is_the_expected_one():
    """For s' = s + a + noise, E s_t² = (E s_t)² + (t-1) σ². False alarm: 5 standard errors, below 1e-6."""
    world, rng = RandomWalk(horizon=4, sigma=0.5), np.random.default_rng(0)
    sequence = np.array([[-0.5], [0.2], [0.1], [-0.3]])
    costs = Rollouts(world, particles=3).costs(np.ones(1), np.tile(sequence, (20_000, 1, 1)), rng)
    means = 1.0 + np.concatenate([[0.0], np.cumsum(sequence)])
    expected = (means**2).sum() + (sequence**2).sum() + 0.25 * np.arange(5).sum()
    assert abs(costs.mean() - expected) < 5 * costs.std() / np.sqrt(len(costs))


def test_the_best_of_few_has_its_states_and_its_cost(actions):
    world = Pendulum(horizon=12)
    rollouts = Rollouts(world)
    states, best, cost = rollouts.best_of(STATE, actions)
    expected_states, expected = world.rollout(best, STATE)
    assert cost == pytest.approx(expected) == rollouts.costs(STATE, actions).min()
    assert np.array_equal(states, expected_states)


def test_a_finalist_with_a_cost_that_is_not_a_number_loses():
    world = Pendulum(horizon=1)
    nan_if_pushed = lambda s: np.where(s[..., 1] > 0, np.nan, 1.0)
    actions = np.array([[[1.0]], [[-1.0]]])
    _, best, _ = Rollouts(world, final_cost=nan_if_pushed).best_of(np.zeros(2), actions)
    assert best == [[-1.0]]


def wrong(function):
    """A world of which one function forgets an axis, or keeps one too many."""
    world = RandomWalk()
    setattr(world, function, lambda s, *_: s[..., 0] if function == "dynamics" else s)
    return world


@pytest.mark.parametrize("function", ["dynamics", "cost", "final_cost"])
def test_a_function_of_a_wrong_shape_is_named(function):
    with pytest.raises(ValueError, match=rf"RandomWalk\.{function} must return shape"):
        Rollouts(wrong(function)).costs(np.ones(1), np.zeros((3, 4, 1)))


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"gamma": 0.0}, "gamma must be above 0"),
        ({"gamma": 1.1}, "gamma must be above 0"),
        ({"horizon": 0}, "horizon must be a whole number"),
        ({"particles": 0}, "particles must be a whole number"),
        ({"particles": 3}, r"particles=3 needs a model with sample\(s, a, rng\); Pendulum has none"),
    ],
)
def test_numbers_out_of_range_are_named(keywords, message):
    with pytest.raises(ValueError, match=message):
        Rollouts(Pendulum(), **keywords)


def test_limits_that_cross_are_named():
    world = Pendulum()
    world.action_low, world.action_high = np.array([1.0]), np.array([-1.0])
    with pytest.raises(ValueError, match="action_low must be at most action_high"):
        Rollouts(world)
