"""The pit: too deep for the force, the prize out of reach of random pushes, and worth a plan."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import mbrl_teach.problems.environments  # noqa: F401 (registers the worlds)
from mbrl_teach.planning.cem import CrossEntropyPlanner
from mbrl_teach.problems.finite_differences import jacobian
from mbrl_teach.problems.pit import Pit, PitEnv


def test_the_ground_pushes_down_its_slope():
    world, x = Pit(friction=0.0), np.linspace(-3.0, 3.0, 41)
    s = np.stack([x, np.zeros(41)], axis=-1)
    force = (world.dynamics(s, np.zeros((41, 1)))[:, 1]) / world.dt
    slope = jacobian(lambda x: world.height(x), x[:, None])[:, 0, 0]
    np.testing.assert_allclose(force, -slope, atol=1e-9)
    assert np.abs(slope).max() > 1.2  # more than the car's 0.8 N


def test_a_constant_push_does_not_leave_the_pit():
    world = Pit(horizon=400)
    for force in (-0.8, 0.8):
        states, _ = world.rollout(np.full((400, 1), force))
        assert np.abs(states[:, 0]).max() < 0.5


def test_random_pushes_earn_nothing():
    """10,000 episodes: none comes near the prize, and each pays for its pushes."""
    world, rng = Pit(), np.random.default_rng(0)
    actions = rng.uniform(-0.8, 0.8, (10_000, 40, 1))
    states, cost = world.rollout(actions)
    assert states[..., 0].max() < world.prize - 2 * world.width
    earned = world.price * (actions**2).sum(axis=(1, 2)) - cost
    assert earned.max() < 0.5  # of about 40 that the best place pays in as many steps
    assert np.median(earned) < 1e-6


def test_a_plan_in_the_true_world_swings_out_and_is_paid():
    planner = CrossEntropyPlanner(Pit(), iterations=10, rng=np.random.default_rng(0))
    plan = planner.plan(np.zeros(2))
    assert plan.cost < -6.0
    assert plan.states[:10, 0].min() < -0.1  # back first
    assert plan.states[-5:, 0] == pytest.approx(np.full(5, 2.0), abs=0.6)


def test_the_environment_passes_gymnasiums_checker():
    env = gymnasium.make("mbrl_teach/Pit-v0", render_mode="rgb_array")
    check_env(env.unwrapped, skip_render_check=False)
    env.reset(seed=0)
    assert not [env.step(np.array([0.5]))[3] for _ in range(40)][-2]
    assert env.render().shape[2] == 3


def test_another_pit_can_be_given_in_its_own_units():
    world = Pit(horizon=3, price=0.5)
    env = PitEnv(world, normalized_actions=False, process_noise=None, start_spread=0.0)
    env.reset(seed=0)
    observation, reward, *_ = env.step([0.8])
    np.testing.assert_allclose(observation, world.dynamics(np.zeros(2), np.array([0.8])))
    assert reward == pytest.approx(-0.5 * 0.64)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dt": 0.0}, "dt must be positive"),
        ({"width": -1.0}, "width must be positive"),
        ({"horizon": 0}, "horizon must be a whole number"),
        ({"prize": np.nan}, "prize must be finite"),
        ({"price": "much"}, "price must be an array of real numbers"),
    ],
)
def test_what_does_not_fit_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Pit(**options)
