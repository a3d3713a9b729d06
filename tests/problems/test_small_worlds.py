"""Small worlds: dynamic programming finds what their docstrings derive with pencil and paper."""

import numpy as np
import pytest

from mbrl_teach.planning.dynamic_programming import (
    action_values,
    backward_induction,
    best_open_loop,
    policy_evaluation,
    policy_iteration,
    value_iteration,
)
from mbrl_teach.problems.small_worlds import corridor, gridworld, noisy_decision, sure_or_patient


@pytest.mark.parametrize("gamma", [0.0, 0.3, 0.6, 0.7, 0.9, 1.0])
def test_the_discount_decides_between_the_sure_and_the_patient_way(gamma):
    world = sure_or_patient()
    V, policy = value_iteration(world.P, world.R, gamma)
    sure, patient = 1.5, 2.0 / (2.0 - gamma)
    assert pytest.approx([gamma * max(sure, patient), sure, patient, 0.0], abs=1e-9) == V
    assert action_values(world.P, world.R, V, gamma)[0] == pytest.approx(
        [gamma * sure, gamma * patient], abs=1e-9
    )
    assert policy[0] == (gamma > 2.0 / 3.0)


def test_at_two_thirds_both_ways_are_worth_the_same():
    world = sure_or_patient()
    Q = action_values(world.P, world.R, value_iteration(world.P, world.R, 2 / 3).V, 2 / 3)
    assert Q[0] == pytest.approx([1.0, 1.0], abs=1e-9)


@pytest.mark.parametrize("gamma", [1.0, 0.8])
@pytest.mark.parametrize("noise", [0.0, 0.1, 0.5, 0.8, 1.0])
def test_feedback_wins_the_smaller_of_the_two_chances(noise, gamma):
    world = noisy_decision(noise)
    closed = world.start @ backward_induction(world.P, world.R, 2, gamma).V[0]
    opened = best_open_loop(world.P, world.R, world.start, 2, gamma).value
    assert closed == pytest.approx(gamma, abs=1e-12)
    assert opened == pytest.approx(gamma * max(noise, 1.0 - noise), abs=1e-12)
    assert closed - opened == pytest.approx(gamma * min(noise, 1.0 - noise), abs=1e-12)


@pytest.mark.parametrize(("noise", "repeats"), [(0.2, True), (0.7, False)])
def test_without_feedback_the_second_action_repeats_the_first_unless_the_noise_is_likely(noise, repeats):
    world = noisy_decision(noise)
    first, second = best_open_loop(world.P, world.R, world.start, 2).actions
    assert (first == second) == repeats


@pytest.mark.parametrize("slip", [0.0, 0.1, 0.4, 0.5])
@pytest.mark.parametrize("length", [2, 7])
def test_the_corridor_takes_the_steps_of_its_recursion(slip, length):
    world, goal = corridor(length, slip=slip), length - 1
    steps = [1.0 / (1.0 - slip)]
    for _ in range(1, goal):
        steps.append(1.0 / (1.0 - slip) + slip / (1.0 - slip) * steps[-1])
    expected = [-sum(steps[s:]) for s in range(goal)] + [0.0]
    for solve in (value_iteration, policy_iteration):
        assert pytest.approx(expected, abs=1e-9) == solve(world.P, world.R, 1.0).V


def test_the_corridor_without_slip_has_a_geometric_value():
    world, gamma = corridor(8), 0.9
    expected = -(1.0 - gamma ** (7 - np.arange(8))) / (1.0 - gamma)
    assert pytest.approx(expected, abs=1e-9) == value_iteration(world.P, world.R, gamma).V


@pytest.mark.parametrize("slip", [0.0, 0.3, 1.0])
def test_who_tosses_a_coin_in_the_corridor_takes_a_quadratic_time(slip):
    world, s = corridor(9, slip=slip), np.arange(9)
    coin = policy_evaluation(world.P, world.R, np.full((9, 2), 0.5), 1.0)
    assert coin == pytest.approx(-(8.0 - s) * (8.0 + s + 1.0), abs=1e-9)


def test_the_gridworld_is_that_of_the_book():
    """Sutton and Barto (2018), figure 4.1."""
    world = gridworld()
    V = policy_evaluation(world.P, world.R, np.full((16, 4), 0.25), 1.0)
    book = [[0, -14, -20, -22], [-14, -18, -20, -20], [-20, -20, -18, -14], [-22, -20, -14, 0]]
    assert V.reshape(4, 4) == pytest.approx(np.array(book), abs=1e-9)
    row, column = np.divmod(np.arange(16), 4)
    nearest = np.minimum(row + column, 6 - row - column)
    assert pytest.approx(-nearest, abs=1e-12) == value_iteration(world.P, world.R, 1.0).V


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: noisy_decision(1.5), r"noise must be in \[0, 1\]; got 1\.5"),
        (lambda: noisy_decision(np.nan), r"noise must be in \[0, 1\]; got nan"),
        (lambda: corridor(1), "length must be a whole number from 2 on; got 1"),
        (lambda: corridor(2.5), r"length must be a whole number from 2 on; got 2\.5"),
        (lambda: corridor(5, slip=-0.1), r"slip must be in \[0, 1\]; got -0\.1"),
    ],
)
def test_what_is_no_world_is_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()
