"""What a caller is told about an array that does not fit."""

import re

import numpy as np
import pytest

from mbrl_teach.arguments import read_array, read_arrays, require_count, require_generator, require_steps


def test_binds_the_sizes_that_the_first_array_determines():
    sizes = {}
    read_array("F", np.zeros((20, 2, 3)), "T n n+m", sizes)
    assert sizes == {"T": 20, "n": 2, "m": 1}


def test_reads_lists_as_float64():
    array = read_array("c", [[1, 2], [3, 4]], "T n", {})
    assert array.dtype == np.float64


def test_allows_stacks_in_front_where_they_are_asked_for():
    assert read_array("F", np.zeros((64, 20, 2, 3)), "... T n n+m", {}).shape == (64, 20, 2, 3)
    with pytest.raises(ValueError, match="F must have shape"):
        read_array("F", np.zeros((64, 20, 2, 3)), "T n n+m", {})


@pytest.mark.parametrize(
    ("value", "axes", "message"),
    [
        (np.zeros((20, 2, 2)), "T n n+m", "F must have shape (T, n, n+m) = (20, 2, 3); got (20, 2, 2)"),
        (
            np.zeros((20, 2)),
            "... T n n+m",
            "F must have shape (T, n, n+m) = (20, 2, 3); got (20, 2)",
        ),
        (np.zeros(3), "n", "F must have shape (n,) = (2,); got (3,)"),
        (np.zeros(3), "p n", "F must have shape (p, n) = (p, 2); got (3,)"),
        ([[1.0], [1.0, 2.0]], "n n", "F must be an array of numbers; got rows of different lengths"),
        (["a", "b"], "n", "F must be an array of real numbers; got dtype <U1"),
        ([1j, 2j], "n", "F must be an array of real numbers; got dtype complex128"),
    ],
)
def test_says_what_came_and_what_was_expected(value, axes, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        read_array("F", value, axes, {"T": 20, "n": 2, "m": 1})


def test_says_at_which_step_a_nan_first_appears():
    F = np.zeros((3, 20, 2, 3))
    F[1, 7, 0, 0] = F[0, 9, 0, 0] = np.nan
    with pytest.raises(
        ValueError, match=re.escape("F must be finite; got NaN, first at t = 8 (array index 7)")
    ):
        read_array("F", F, "... T n n+m", {})


def test_tells_infinity_from_nan():
    with pytest.raises(ValueError, match=re.escape("mean must be finite; got infinity")):
        read_array("mean", [0.0, np.inf], "n", {})


def test_a_failed_argument_binds_nothing():
    sizes = {"n": 2}
    with pytest.raises(ValueError, match="H must have shape"):
        read_array("H", np.zeros((1, 3)), "p n", sizes)
    assert sizes == {"n": 2}


def test_reads_a_scalar():
    assert read_array("cost", 3, "", {}) == 3.0
    with pytest.raises(ValueError, match=re.escape("cost must have shape (); got (1,)")):
        read_array("cost", [3.0], "", {})


def test_of_several_arrays_the_odd_one_is_named_with_the_shape_that_would_fit():
    arguments = {
        "F": (np.zeros((20, 2, 2)), "... T n n+m"),
        "f": (np.zeros((20, 2)), "... T n"),
        "C": (np.zeros((20, 3, 3)), "... T n+m n+m"),
        "c": (np.zeros((20, 3)), "... T n+m"),
    }
    with pytest.raises(
        ValueError, match=re.escape("F must have shape (T, n, n+m) = (20, 2, 3); got (20, 2, 2)")
    ):
        read_arrays(arguments, {})
    arguments["F"] = (np.zeros((20, 2, 3)), "... T n n+m")
    sizes = {}
    assert [array.shape for array in read_arrays(arguments, sizes).values()] == [
        (20, 2, 3),
        (20, 2),
        (20, 3, 3),
        (20, 3),
    ]
    assert sizes == {"T": 20, "n": 2, "m": 1}


@pytest.mark.parametrize("wrong", ["F", "f", "C", "c"])
def test_whichever_array_is_odd(wrong):
    shapes = {"F": (20, 2, 3), "f": (20, 2), "C": (20, 3, 3), "c": (20, 3)}
    shapes[wrong] = (19, *shapes[wrong][1:])
    axes = {"F": "T n n+m", "f": "T n", "C": "T n+m n+m", "c": "T n+m"}
    with pytest.raises(ValueError, match=f"^{wrong} must have shape"):
        read_arrays({name: (np.zeros(shapes[name]), axes[name]) for name in axes}, {})


@pytest.mark.parametrize("number", [0, 2.5, np.nan, np.inf, "5", None])
def test_what_is_no_count_is_named(number):
    with pytest.raises(ValueError, match=re.escape(f"runs must be a whole number from 1 on; got {number}")):
        require_count("runs", number)
    with pytest.raises(
        ValueError, match=re.escape(f"horizon must be a whole number from 1 on; got {number}")
    ):
        require_steps(number)


def test_a_count_becomes_an_int():
    assert [type(require_count("runs", number)) for number in (3, 3.0, np.int64(3))] == [int, int, int]


@pytest.mark.parametrize("rng", [None, 0, np.random, np.random.RandomState(0)])
def test_only_a_generator_is_a_source_of_chance(rng):
    require_generator(np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"rng must be a numpy\.random\.Generator, such as"):
        require_generator(rng)
