"""Calling a student's function: nothing of it escapes, and what stops it is told in the student's lines."""

import json
import linecache
import logging
import sys
import warnings

import numpy as np
import pytest

from mbrl_teach.grading.references import lqr as references
from mbrl_teach.grading.student_call import NOT_FROM_RNG, WrongAnswer, ask_twice, call


def compiled(source, filename="/tmp/ipykernel_4711/1234567.py"):
    """The function `student` of a notebook's cell, compiled and registered as the kernel does."""
    linecache.cache[filename] = len(source), None, source.splitlines(keepends=True), filename
    names = {"np": np, "json": json, "logging": logging, "sys": sys, "warnings": warnings}
    exec(compile(source, filename, "exec"), names)
    return names["student"]


def error_lines(student, *arguments):
    return [line.strip() for line in call(student, arguments).error.splitlines()]


# Errors ----------------------------------------------------------------------------------------------

CELL = """
def helper(x):
    {line}

def student(x):
    y = 2 * x
    return helper(x)
"""


@pytest.mark.parametrize(
    "line",
    [
        "return 1 / 0",
        "return np.linalg.inv(np.zeros((2, 2)))",
        "return np.random.default_rng(0).choice(2, p=[0.5, 0.6])",
        "return json.loads('x')",
    ],
    ids=["own", "numpy", "compiled numpy", "standard library"],
)
def test_an_error_shows_the_students_own_lines_and_no_others(line):
    what, *where = error_lines(compiled(CELL.format(line=line)), 1.0)
    assert what.startswith("your code stopped with ")
    assert where == ["line 7, in student: return helper(x)", f"line 3, in helper: {line}"]


def test_an_error_in_a_function_that_was_handed_in_shows_the_line_that_called_it():
    student = compiled("def student(gain):\n    return gain(1, 2, 3)\n")
    what, *where = error_lines(student, references.gain)
    assert what == "your code stopped with TypeError: 'int' object is not subscriptable"
    assert where == ["line 2, in student: return gain(1, 2, 3)"]


def test_of_a_deep_error_the_innermost_lines_are_shown():
    student = compiled("def student(depth):\n    if depth:\n        student(depth - 1)\n    return 1 / 0\n")
    _, *where = error_lines(student, 50)
    assert where == 2 * ["line 3, in student: student(depth - 1)"] + ["line 4, in student: return 1 / 0"]


def test_what_is_not_written_yet_is_no_error():
    student = compiled('def student():\n    raise NotImplementedError("compute the gain")\n')
    assert error_lines(student) == ["not written yet: compute the gain"]


def test_an_error_that_crossed_a_process_brings_its_lines_along():
    def proxy():
        error = RuntimeError("singular")
        error.student_error, error.student_lines = "LinAlgError", ["line 3, in student: inv(Q)"]
        raise error

    assert error_lines(proxy) == [
        "your code stopped with LinAlgError: singular",
        "line 3, in student: inv(Q)",
    ]


@pytest.mark.parametrize("error", ["SystemExit(1)", "RecursionError()", "MemoryError()", "GeneratorExit()"])
def test_no_error_gets_out(error):
    name = error.partition("(")[0]
    assert f"stopped with {name}" in call(compiled(f"def student():\n    raise {error}\n"), ()).error


def test_an_error_that_cannot_say_what_it_is_does_not_get_out():
    class Mute(Exception):
        def __str__(self):
            raise RuntimeError

    def student():
        raise Mute

    assert error_lines(student)[0] == "your code stopped with Mute: (no message)"


def test_a_student_can_interrupt_a_check():
    with pytest.raises(KeyboardInterrupt):
        call(compiled("def student():\n    raise KeyboardInterrupt\n"), ())


@pytest.mark.parametrize("not_a_function", [None, 3.0, "gain"])
def test_what_is_no_function_is_said_to_be_none(not_a_function):
    assert "not callable" in call(not_a_function, ()).error


# Noise -----------------------------------------------------------------------------------------------

NOISE = {
    "print": "print('here I am')",
    "stderr": "print('here I am', file=sys.stderr)",
    "write": "sys.stderr.write('here I am')",
    "warning": "warnings.warn('here I am')",
    "log": "logging.getLogger('student').warning('here I am')",
    "division": "np.ones(1) / 0",
    "matrix": "np.matrix([1.0])",
}


@pytest.mark.parametrize("noise", NOISE.values(), ids=NOISE)
def test_noise_costs_nothing_and_reaches_neither_stdout_nor_stderr(noise, capfd):
    answer = call(compiled(f"def student():\n    {noise}\n    return 3.0\n"), ())
    assert (answer.value, answer.error) == (3.0, None)
    assert capfd.readouterr() == ("", "")


def test_numpys_errors_cost_nothing_even_where_a_cell_has_made_them_fatal():
    with np.errstate(all="raise"):
        assert call(lambda: np.ones(1) / 0, ()).value == np.inf


@pytest.mark.parametrize("noise", ["print", "stderr", "write"])
def test_what_is_printed_is_kept(noise):
    assert call(compiled(f"def student():\n    {NOISE[noise]}\n"), ()).printed.strip() == "here I am"


def test_what_was_printed_before_an_error_is_kept():
    answer = call(compiled("def student():\n    print('here I am')\n    return 1 / 0\n"), ())
    assert answer.error
    assert answer.printed == "here I am\n"


# Arguments -------------------------------------------------------------------------------------------


def test_arguments_that_are_changed_in_place_stay_as_they_were():
    x, nested = np.ones(3), [np.ones(2), {"a": np.ones(2)}]

    def student(x, nested):
        x[:] = nested[0][:] = nested[1]["a"][:] = 0.0
        nested.append(1)

    assert call(student, (x, nested)).error is None
    assert x.all()
    assert len(nested) == 2
    assert nested[0].all()
    assert nested[1]["a"].all()


def test_functions_are_handed_on_as_they_are():
    assert call(lambda f: f, (np.linalg.inv,)).value is np.linalg.inv


def test_a_function_may_be_asked_several_times_on_the_same_copies():
    ask = lambda function, case: [function(*case) for _ in range(3)]
    numbers = [1]
    assert call(lambda x: x.append(1) or len(x), (numbers,), ask).value == [2, 3, 4]
    assert numbers == [1]


def test_a_wrong_answer_is_told_in_its_own_words():
    def ask(function, case):
        raise WrongAnswer(f"{function()} is no action")

    assert call(lambda: 7, (), ask).error == "7 is no action"


def test_a_function_asked_twice_has_to_answer_the_same_to_the_same_rng():
    rng = np.random.default_rng(0)
    assert call(lambda x, rng: x + rng.random(), (1.0, rng), ask_twice).value == 1.0 + rng.random()
    other = call(lambda x, rng: x + np.random.default_rng().random(), (1.0, rng), ask_twice)
    assert other.error.endswith(f"Looks like: {NOT_FROM_RNG}")


@pytest.mark.parametrize("value", [np.nan, None, "a word", [[1.0], [2.0, 3.0]]])
def test_what_is_no_number_is_not_taken_for_a_draw(value):
    assert call(lambda rng: value, (np.random.default_rng(0),), ask_twice).error is None
