"""Gymnasium's own environments are the oracle: they and our worlds are stepped side by side."""

import gymnasium
import numpy as np
import pytest

from mbrl_teach.problems.gymnasium_worlds import GymnasiumCartPole, GymnasiumPendulum


@pytest.fixture
def pendulum():
    with gymnasium.make("Pendulum-v1") as env:
        yield env


@pytest.fixture
def cart_pole():
    with gymnasium.make("CartPole-v1") as env:
        yield env


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("torque", [0.0, 1.0, 5.0])
def test_a_step_of_the_pendulum_and_its_cost_are_gymnasiums(pendulum, seed, torque):
    """Torques around +torque, beyond the limit too, drive it through turns and to the limit of velocity."""
    rng = np.random.default_rng(seed)
    world = GymnasiumPendulum()
    pendulum.reset(seed=seed)
    s = world.state(pendulum)
    for _ in range(world.horizon):
        a = rng.normal(torque, 2.0, size=1)
        cost = world.cost(s, a)
        s = world.dynamics(s, a)
        observation, reward, _, _, _ = pendulum.step(a)
        assert s == pytest.approx(world.state(pendulum), abs=1e-12)
        assert cost == pytest.approx(-reward, abs=1e-12)
        assert world.observation(s) == pytest.approx(observation, abs=1e-6)


def test_full_torque_with_the_motion_reaches_the_limit_of_velocity_and_many_turns(pendulum):
    """What the comparison above relies on: the clip and the wrapped angle have been met."""
    world = GymnasiumPendulum()
    states, _ = world.rollout(np.full((200, 1), 2.0), [0.0, 8.0])
    assert np.sum(states[1:, 1] == world.max_speed) > 50
    assert states[-1, 0] > 6.0 * np.pi


def test_a_rollout_of_the_pendulum_costs_minus_the_return(pendulum):
    actions = np.random.default_rng(3).uniform(-2.0, 2.0, size=(200, 1))
    world = GymnasiumPendulum()
    pendulum.reset(seed=0)
    pendulum.unwrapped.state = world.initial_state
    rewards = [pendulum.step(a)[1] for a in actions]
    assert world.rollout(actions)[1] == pytest.approx(-sum(rewards), rel=1e-12)


def test_worlds_are_batched():
    rng = np.random.default_rng(0)
    for world in (GymnasiumPendulum(), GymnasiumCartPole()):
        s, a = rng.normal(size=(3, 1, world.state_size)), rng.normal(size=(4, 1))
        following, cost = world.dynamics(s, a), world.cost(s, a)
        assert following.shape == (3, 4, world.state_size)
        assert cost.shape == (3, 4)
        for i, j in np.ndindex(3, 4):
            assert np.array_equal(following[i, j], world.dynamics(s[i, 0], a[j]))
            assert cost[i, j] == world.cost(s[i, 0], a[j])


def test_an_observation_of_the_pendulum_gives_the_state_back_but_for_turns(pendulum):
    world = GymnasiumPendulum()
    for seed in range(5):
        observation, _ = pendulum.reset(seed=seed)
        assert world.state_from_observation(observation) == pytest.approx(world.state(pendulum), abs=1e-6)
    s = np.array([[7.0, -3.0], [-4.0, 1.0]])
    turns = (world.state_from_observation(world.observation(s)) - s) / [2.0 * np.pi, 1.0]
    assert turns == pytest.approx(np.array([[-1.0, 0.0], [1.0, 0.0]]), abs=1e-12)


@pytest.mark.parametrize("seed", range(10))
def test_steps_of_the_cart_pole_and_the_end_of_its_episode_are_gymnasiums(cart_pole, seed):
    rng = np.random.default_rng(seed)
    world = GymnasiumCartPole()
    actions = rng.uniform(-1.0, 1.0, size=(world.horizon, 1)) + rng.choice([-0.3, 0.0, 0.3])
    cart_pole.reset(seed=seed)
    states, cost = world.rollout(actions, world.state(cart_pole))
    steps, terminated = 0, False
    while not terminated:
        observation, _, terminated, _, _ = cart_pole.step(world.discrete(actions[steps]))
        steps += 1
        assert states[steps] == pytest.approx(world.state(cart_pole), abs=1e-12)
        assert states[steps] == pytest.approx(observation, abs=1e-6)
        assert world.fallen(states[steps]) == terminated
    assert steps < world.horizon
    assert cost == world.horizon - steps
    assert np.array_equal(states[steps], states[-1])


def test_a_cart_that_leaves_the_track_has_fallen_too(cart_pole):
    world = GymnasiumCartPole()
    for x in (-2.41, -2.39, 2.39, 2.41):
        cart_pole.reset(seed=0)
        cart_pole.unwrapped.state = np.array([x, 0.0, 0.0, 0.0])
        terminated = cart_pole.step(1)[2]
        assert world.fallen(world.state(cart_pole)) == terminated == (abs(x) > 2.4)


def test_only_the_sign_of_the_action_pushes_the_cart():
    world, s = GymnasiumCartPole(), np.array([0.1, -0.2, 0.05, 0.3])
    right, left = world.dynamics(s, np.array([1.0])), world.dynamics(s, np.array([-1.0]))
    assert right[1] > left[1]
    for a, expected in ((0.01, right), (0.7, right), (0.0, left), (-0.01, left)):
        assert np.array_equal(world.dynamics(s, np.array([a])), expected)


def test_gymnasiums_actions_come_back_from_ours():
    world = GymnasiumCartPole()
    assert [world.discrete(world.continuous(a)) for a in (0, 1)] == [0, 1]
    with pytest.raises(ValueError, match=r"discrete_action must be 0 .* or 1 .*; got 2"):
        world.continuous(2)
    with pytest.raises(ValueError, match=r"action must have shape \(1,\); got \(2,\)"):
        world.discrete([0.1, 0.2])


def test_state_returns_a_copy(pendulum, cart_pole):
    for world, env in ((GymnasiumPendulum(), pendulum), (GymnasiumCartPole(), cart_pole)):
        env.reset(seed=0)
        before = world.state(env)
        world.state(env)[:] = 9.0
        assert np.array_equal(world.state(env), before)


@pytest.mark.parametrize("world", [GymnasiumPendulum, GymnasiumCartPole])
def test_refuses_what_is_no_world(world):
    with pytest.raises(ValueError, match="horizon must be a whole number from 1 on; got 0"):
        world(horizon=0)
    with pytest.raises(ValueError, match="initial_state must have shape"):
        world(initial_state=(0.0, 0.0, 0.0))
