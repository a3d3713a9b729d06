"""The first wrong quantity is the one that the algorithm computes first."""

import numpy as np
import pytest

from mbrl_teach.grading.first_difference import first_difference, same

AXES = {"K": "T m n", "V": "T+1 n", "cost": ""}
EXPECTED = {"K": np.ones((4, 1, 2)), "V": np.full((5, 2), 2.0), "cost": np.array(3.0)}


def off(**entries):
    """The expected results with some entries off by ½: name → index."""
    found = {name: array.copy() for name, array in EXPECTED.items()}
    for name, index in entries.items():
        found[name][index] += 0.5
    return found


def first(found, time="forward"):
    return first_difference(found, EXPECTED, AXES, 1e-6, time)


def test_there_is_none_where_all_agrees():
    assert first(EXPECTED) is None


def test_it_says_name_step_entry_and_how_far_off():
    said = "first wrong: K at t = 3 (array index 2), entry [0, 1]: off by 0.5 (relative error 0.5)"
    assert str(first(off(K=(2, 0, 1)))) == said


def test_forward_in_time_it_is_the_earliest_step():
    assert str(first(off(K=(2, 0, 0), V=(1, 1)))).startswith(
        "first wrong: V at t = 2 (array index 1), entry [1]"
    )


def test_backward_in_time_it_is_the_latest_step():
    found = off(K=(2, 0, 0), V=(1, 1))
    assert str(first(found, "backward")).startswith("first wrong: K at t = 3 (array index 2), entry [0, 0]")


@pytest.mark.parametrize("time", ["forward", "backward"])
def test_within_a_step_it_is_the_result_that_stands_first(time):
    assert first(off(K=(2, 0, 0), V=(2, 0)), time).name == "K"


@pytest.mark.parametrize("time", ["forward", "backward"])
def test_a_result_without_time_comes_before_all_steps(time):
    assert (
        str(first(off(cost=(), K=..., V=...), time)) == "first wrong: cost: off by 0.5 (relative error 0.17)"
    )


def test_steps_are_time_too():
    """What a loop did comes before what came of it, though it is returned after it."""
    expected = {"states": np.zeros((4, 2)), "actions": np.zeros((3, 1))}
    found = {"states": np.array([[0, 0], [1, 0], [1, 0], [1, 0]]), "actions": np.array([[1], [0], [0]])}
    said = str(first_difference(found, expected, {"states": "steps+1 n", "actions": "steps m"}, 1e-6))
    assert said.startswith("first wrong: actions at t = 1 (array index 0)")


@pytest.mark.parametrize(("time", "step"), [("forward", 2), ("backward", 5)])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_wrong_and_said_to_be_so(bad, time, step):
    found = off()
    found["V"][1:] = bad
    said = f"first wrong: V at t = {step} (array index {step - 1}), entry [0]: NaN or infinite"
    assert str(first(found, time)) == said


def test_how_much_is_wrong_is_relative_to_the_largest_entry():
    found = {name: 1e6 * array for name, array in off().items()}
    expected = {name: 1e6 * array for name, array in EXPECTED.items()}
    found["K"][0] += 0.5
    assert first_difference(found, expected, AXES, 1e-6) is None
    found["K"][0] += 1.0
    assert first_difference(found, expected, AXES, 1e-6).name == "K"


def test_zeros_may_be_rounded():
    expected = {"K": np.zeros((4, 1, 2))}
    axes = {"K": AXES["K"]}
    assert first_difference({"K": expected["K"] + 1e-12}, expected, axes, 1e-6) is None
    assert first_difference({"K": expected["K"] + 1e-6}, expected, axes, 1e-6).name == "K"


def test_its_place_is_where_two_results_can_be_compared():
    one, other = off(K=(2, 0, 0)), off(K=(2, 0, 0), V=(3, 0))
    assert same(one, other, first(one).where, 1e-6)
    assert not same(one, other, first_difference(one, other, AXES, 1e-6).where, 1e-6)
