"""What a student's function returns: taken in every form that holds the right numbers, or told why not."""

import numpy as np
import pytest

from mbrl_teach.grading.results import name_results, read_results
from mbrl_teach.grading.task import Task

SHAPES = {"gains": (3, 1, 2), "total": ()}


def right(*_):
    return np.ones(SHAPES["gains"]), 1.0


TASK = Task(
    name="00_test/gains",
    title="Task 0",
    objective="return something",
    results={"gains": "T m n", "total": ""},
    reference=right,
    properties=(),
)
SINGLE = Task(
    name="00_test/one", title="Task 0", objective="", results={"x": "n"}, reference=np.ones, properties=()
)


def read(value, task=TASK, **options):
    return read_results(task, value, name_results(task, right() if task is TASK else np.ones(2)), **options)


RIGHT = {
    "tuple": right(),
    "list": list(right()),
    "lists of lists": (right()[0].tolist(), 1),
    "integers": (right()[0].astype(int), np.int32(1)),
    "booleans": (right()[0].astype(bool), True),
    "more precision": (right()[0].astype(np.longdouble), np.longdouble(1)),
    "less precision": (right()[0].astype(np.float32), np.float32(1)),
    "an array without axes": (right()[0], np.array(1.0)),
    "not contiguous": (np.ones((2, 1, 3)).T, 1.0),
}


@pytest.mark.parametrize("value", RIGHT.values(), ids=RIGHT)
def test_every_form_of_the_right_numbers_will_do(value):
    found = read(value)
    assert {name: array.shape for name, array in found.items()} == SHAPES
    assert {array.dtype for array in found.values()} == {np.dtype(np.float64)}
    assert all((array == 1.0).all() for array in found.values())


@pytest.mark.parametrize("value", [np.ones(2), [1, 1], (1.0, 1.0)], ids=["array", "list", "tuple"])
def test_a_single_result_is_returned_as_it_is(value):
    np.testing.assert_array_equal(read(value, SINGLE)["x"], [1.0, 1.0])


WRONG = {
    "gains must have shape (T, m, n) = (3, 1, 2); got (1, 2)": (np.ones((1, 2)), 1.0),
    "gains must have shape (T, m, n) = (3, 1, 2); got ()": (1.0, 1.0),
    "total must be a number; got shape (1, 1)": (right()[0], np.ones((1, 1))),
    "got () (return gains, total in this order)": (1.0, right()[0]),
    "gains must be an array of numbers; got rows of different lengths": ([[1], [1, 2]], 1.0),
    "gains must be an array of real numbers; got dtype <U4": ("ones", 1.0),
    "gains must be an array of real numbers; got dtype complex128": (1j * right()[0], 1.0),
    "total must be an array of real numbers; got dtype object": (right()[0], None),
    "gains must be finite; got NaN, first at t = 2 (array index 1)": (
        [[[1, 1]], [[np.nan, 1]], [[1, 1]]],
        1.0,
    ),
    "returned None; it should return gains, total: is its return missing?": None,
    "should return 2 values: gains, total; it returned 3 values": (1, 2, 3),
    "should return 2 values: gains, total; it returned 0 values": (),
    "should return 2 values: gains, total; it returned one float": 1.0,
    "should return 2 values: gains, total; it returned one dict": {"gains": 1, "total": 1},
    "should return 2 values: gains, total; it returned one ndarray": np.array(1.0),
    "should return 2 values: gains, total; it returned one generator": (one for one in right()),
}


@pytest.mark.parametrize(("message", "value"), WRONG.items(), ids=range(len(WRONG)))
def test_what_does_not_fit_is_told(message, value):
    with pytest.raises(ValueError) as error:  # noqa: PT011 (the message is compared as it is)
        read(value)
    assert message in str(error.value)


def test_only_what_is_wanted_has_to_fit():
    assert list(read((right()[0], "a word"), wanted=("gains",))) == ["gains"]


def test_a_tuple_may_lack_results_that_are_not_wanted():
    assert list(read((right()[0],), wanted=("gains",))) == ["gains"]
    with pytest.raises(ValueError, match="it returned 1 values"):
        read((right()[0],), wanted=("total",))


def test_nan_may_be_let_through():
    assert np.isnan(read((right()[0], np.nan), finite=False)["total"])
