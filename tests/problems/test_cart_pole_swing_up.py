"""The swing-up paid in every step: what costs nothing, what costs all, and that the motion is the cart-pole's."""

import gymnasium
import numpy as np
import pytest

import mbrl_teach.problems.environments  # noqa: F401 (registers the worlds)
from mbrl_teach.problems.cart_pole import CartPole
from mbrl_teach.problems.cart_pole_swing_up import CartPoleSwingUp
from mbrl_teach.problems.finite_differences import jacobian


def states(N=50):
    rng = np.random.default_rng(0)
    return rng.normal(size=(N, 4)) * [1.0, 3.0, 1.0, 3.0], rng.uniform(-20, 20, (N, 1))


def test_only_upright_at_the_goal_costs_nothing():
    world = CartPoleSwingUp(distance=0.4)
    s = np.array([0.4, np.pi, 2.0, -1.0])
    assert world.cost_rate(s, np.zeros(1)) == pytest.approx(0.0, abs=1e-12)
    assert (world.cost_rate(states()[0], np.zeros((50, 1))) > 1e-6).all()
    assert world.cost_rate(s + np.array([0, 2 * np.pi, 0, 0]), np.zeros(1)) == pytest.approx(0.0, abs=1e-12)


def test_the_cost_is_that_of_the_tip_s_distance_and_saturates():
    """The tip by hand: hanging it is two lengths below the goal; a cart far away costs 1 a second, and no more."""
    world = CartPoleSwingUp(width=0.8)
    hanging = world.cost_rate(np.zeros(4), np.zeros(1))
    assert hanging == pytest.approx(1.0 - np.exp(-((2 * 0.5) ** 2) / 0.64), rel=1e-12)
    level = world.cost_rate(np.array([0.3, np.pi / 2, 0.0, 0.0]), np.zeros(1))
    assert level == pytest.approx(1.0 - np.exp(-(0.8**2 + 0.5**2) / 0.64), rel=1e-12)
    assert world.cost_rate(np.array([50.0, np.pi, 0.0, 0.0]), np.zeros(1)) == pytest.approx(1.0)
    assert world.cost_rate(np.zeros(4), np.array([10.0])) - hanging == pytest.approx(0.02 * 0.25)


def test_the_motion_is_the_cart_pole_s():
    s, a = states()
    plain = CartPole(dt=0.05, integrator="rk4")
    np.testing.assert_array_equal(CartPoleSwingUp().dynamics(s, a), plain.dynamics(s, a))


def test_the_derivatives_are_those_of_its_own_cost():
    world = CartPoleSwingUp()
    s, a = states(10)
    _, c = world.quadratize(s, a)
    slopes = jacobian(lambda z: world.cost(z[..., :4], z[..., 4:])[..., None], np.hstack([s, a]))
    np.testing.assert_allclose(c, slopes[..., 0, :], atol=1e-7)
    assert (world.final_cost(s) == 0.0).all()
    assert all((part == 0.0).all() for part in world.quadratize_final(s))


def test_up_is_within_a_fifth_of_a_radian_however_often_it_has_turned():
    world = CartPoleSwingUp()
    angles = np.array([np.pi, -np.pi, 3 * np.pi + 0.19, np.pi - 0.21, 0.0, 2 * np.pi])
    s = np.zeros((6, 4))
    s[:, 1] = angles
    np.testing.assert_array_equal(world.is_up(s), [True, True, True, False, False, False])


def test_an_episode_lasts_fifty_steps_from_near_hanging_and_pays_minus_the_cost():
    env = gymnasium.make("mbrl_teach/CartPoleSwingUp-v0")
    state, _ = env.reset(seed=0)
    assert np.abs(state).max() <= 0.05
    world, total = env.unwrapped.world, 0.0
    for _ in range(50):
        s = env.unwrapped.state
        _, reward, terminated, truncated, _ = env.step(np.array([0.3]))
        assert reward == pytest.approx(-world.cost(s, np.array([6.0])), rel=1e-12)
        total += reward
    assert truncated
    assert not terminated
    assert total < -1.0


def test_a_width_of_nothing_is_refused():
    with pytest.raises(ValueError, match="width must be positive"):
        CartPoleSwingUp(width=0.0)
