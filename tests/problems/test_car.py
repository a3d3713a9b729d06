"""The car: how it rolls and turns, and what parking costs."""

import numpy as np
import pytest

from mbrl_teach.problems.car import CarParking, smooth_absolute


def test_straight_wheels_roll_straight_on():
    s = np.array([0.3, -0.2, 0.7, 1.5])
    expected = s + 0.03 * np.array([1.5 * np.cos(0.7), 1.5 * np.sin(0.7), 0.0, 0.4])
    assert CarParking().dynamics(s, np.array([0.0, 0.4])) == pytest.approx(expected, rel=1e-12)


def test_axles_keep_their_distance_and_front_wheels_roll_where_they_point():
    """The geometry that the equations come from: the rear axle follows along the old heading."""
    world, rng = CarParking(), np.random.default_rng(0)
    s, a = rng.normal(size=(20, 4)), 0.4 * rng.normal(size=(20, 2))
    heading = lambda angle: np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    after = world.dynamics(s, a)
    front_before = s[:, :2] + 2.0 * heading(s[:, 2])
    front_after = after[:, :2] + 2.0 * heading(after[:, 2])
    rolled = 0.03 * s[:, 3:] * heading(s[:, 2] + a[:, 0])
    assert front_after == pytest.approx(front_before + rolled, abs=1e-12)
    moved = after[:, :2] - s[:, :2]
    across = moved[:, 0] * np.sin(s[:, 2]) - moved[:, 1] * np.cos(s[:, 2])
    assert across == pytest.approx(np.zeros(20), abs=1e-15)


def test_in_reverse_the_car_comes_back():
    """Held wheels follow a circle: rolled forth and back in short steps, the car is where it was."""
    world = CarParking(dt=1e-4)
    start = np.array([0.3, -0.2, 0.7, 1.0])
    there = world.rollout(np.tile([0.4, 0.0], (1000, 1)), start)[0][-1]
    back = world.rollout(np.tile([0.4, 0.0], (1000, 1)), there * [1, 1, 1, -1])[0][-1]
    assert np.linalg.norm(there[:3] - start[:3]) > 0.09
    assert back[:3] == pytest.approx(start[:3], abs=1e-5)


def test_standing_still_at_the_goal_costs_nothing():
    states, cost = CarParking(initial_state=(0.0, 0.0, 0.0, 0.0)).rollout(np.zeros((500, 2)))
    assert np.array_equal(states, np.zeros((501, 4)))
    assert cost == 0.0


def test_the_costs_are_those_of_the_paper():
    world, s, a = CarParking(), np.array([3.0, -4.0, 1.0, 2.0]), np.array([0.2, 3.0])
    z = lambda x, p: np.hypot(x, p) - p
    assert world.cost(s, a) == pytest.approx(0.01 * 0.04 + 1e-4 * 9.0 + 1e-3 * (z(3, 0.1) + z(4, 0.1)))
    final = 0.1 * z(3, 0.01) + 0.1 * z(4, 0.01) + z(1, 0.01) + 0.3 * z(2, 1.0)
    assert world.final_cost(s) == pytest.approx(final)


def test_the_smooth_absolute_value_is_a_parabola_near_zero_and_the_absolute_value_far_away():
    value, slope, curvature = smooth_absolute(np.array([1e-4, -50.0]), 0.1)
    assert value == pytest.approx([0.5 * 1e-8 / 0.1, 50.0 - 0.1], rel=1e-3)
    assert slope == pytest.approx([1e-3, -1.0], rel=1e-3)
    assert curvature[0] == pytest.approx(10.0, rel=1e-3)


def test_the_heading_is_not_wrapped_and_steering_is_limited():
    world = CarParking()
    assert world.initial_state[2] == 1.5 * np.pi
    assert np.array_equal(world.action_low, [-0.5, -2.0])


def test_wheels_that_roll_further_than_the_wheelbase_are_found_by_the_rollout():
    with pytest.raises(ValueError, match="dynamics returned NaN for s_2"):
        CarParking().rollout(np.tile([1.5, 0.0], (3, 1)), [0.0, 0.0, 0.0, 100.0])


def test_refuses_a_car_without_length():
    with pytest.raises(ValueError, match="wheelbase must be positive; got 0"):
        CarParking(wheelbase=0)
