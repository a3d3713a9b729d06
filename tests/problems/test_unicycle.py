"""The unicycle: it rolls along circles, and obstacles cost most inside."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from mbrl_teach.problems.unicycle import Unicycle


def error_after_one_second(steps):
    exact = solve_ivp(
        lambda _, s: [1.3 * np.cos(s[2]), 1.3 * np.sin(s[2]), 0.9],
        (0.0, 1.0),
        [0.2, -0.1, 0.5],
        rtol=1e-11,
        atol=1e-12,
    ).y[:, -1]
    world = Unicycle(dt=1.0 / steps, initial_state=(0.2, -0.1, 0.5))
    return np.linalg.norm(world.rollout(np.tile([1.3, 0.9], (steps, 1)))[0][-1] - exact)


def test_the_error_of_the_midpoint_rule_shrinks_with_order_two():
    assert np.log2(error_after_one_second(50) / error_after_one_second(100)) == pytest.approx(2.0, abs=0.05)


def test_constant_actions_lead_along_a_circle_and_back_to_the_start():
    """The chords of the midpoint rule are equal and turn by equal angles: a regular polygon."""
    steps = 40
    states, _ = Unicycle(dt=2.0 * np.pi / steps).rollout(np.tile([1.3, 1.0], (steps, 1)))
    assert states[-1, :2] == pytest.approx(states[0, :2], abs=1e-12)
    assert states[-1, 2] == pytest.approx(2.0 * np.pi)


def test_near_the_rim_the_distance_is_that_to_the_disc():
    """At the rim the nearness is 1 and falls by `sharpness` per metre."""
    world = Unicycle(obstacles=[(1.0, 2.0, 0.5)], obstacle_weight=3.0, sharpness=4.0, dt=0.1)
    rest = np.zeros(2)
    rim, outside = np.array([1.5, 2.0, 0.0]), np.array([1.5 + 1e-5, 2.0, 0.0])
    assert world.cost(rim, rest) == pytest.approx(0.3)
    assert world.cost(outside, rest) - world.cost(rim, rest) == pytest.approx(-0.3 * 4.0 * 1e-5, rel=1e-3)


def test_an_obstacle_costs_most_at_its_centre_and_nothing_far_away():
    world, rest = Unicycle(obstacles=[(1.0, 2.0, 0.5)]), np.zeros(2)
    distances = np.linspace(0.0, 3.0, 50)
    along = np.stack([1.0 + distances, np.full(50, 2.0), np.zeros(50)], axis=-1)
    costs = world.cost(along, rest)
    assert (np.diff(costs) < 0).all()
    assert costs[-1] < 1e-12
    _, gradient = world.quadratize(along[0], rest)
    assert np.array_equal(gradient, np.zeros(5))


def test_the_default_obstacles_leave_start_and_goal_free():
    world = Unicycle()
    for s in (world.initial_state, world.goal):
        assert (np.hypot(*(s[:2] - world.obstacles[:, :2]).T) > world.obstacles[:, 2] + 0.3).all()


def test_obstacles_of_a_wrong_shape_or_without_a_radius_are_refused():
    with pytest.raises(ValueError, match=r"obstacles must have shape \(k, 3\)"):
        Unicycle(obstacles=[(1.0, 2.0)])
    with pytest.raises(ValueError, match=r"positive radii; got \[0.0\]"):
        Unicycle(obstacles=[(1.0, 2.0, 0.0)])


def test_refuses_a_world_without_time():
    with pytest.raises(ValueError, match="dt must be positive; got 0"):
        Unicycle(dt=0)
