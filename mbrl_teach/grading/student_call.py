"""Calling a student's function: on copies, with nothing escaping, and errors told in the student's lines.

A check never looks into the function. It hands over plain data and helper functions and takes plain data
back, so that the function may as well live in another process.
"""

from __future__ import annotations

import contextlib
import copy
import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mbrl_teach.grading.kernel.student_lines import student_lines, text_of


@dataclass(frozen=True)
class Answer:
    """What came of one call: a value, or an `error` in words; and what the call printed."""

    value: Any = None
    error: str | None = None
    printed: str = ""


class WrongAnswer(ValueError):
    """What a call returned, or did with a helper, cannot be right: the message is all that is told."""


def ask_once(function: Callable, arguments: tuple) -> Any:
    """What `function` returns."""
    return function(*arguments)


NOT_FROM_RNG = "the random numbers come from somewhere else, not from `rng`"


def ask_twice(function: Callable, arguments: tuple) -> Any:
    """What `function` returns, if with the same rng, the last of the arguments, it returns the same again."""
    first = function(*copy.deepcopy(arguments))
    again = function(*arguments)
    if not _same(first, again):
        raise WrongAnswer(f"the same rng brings another result\nLooks like: {NOT_FROM_RNG}")
    return first


def _same(one: Any, other: Any) -> bool:
    try:
        return np.array_equal(np.asarray(one, dtype=float), np.asarray(other, dtype=float), equal_nan=True)
    except (TypeError, ValueError):  # no numbers: told when the results are read
        return True


def call(function: Callable, arguments: tuple, ask: Callable[[Callable, tuple], Any] = ask_once) -> Answer:
    """Call `function` on copies of `arguments`. Warnings and stderr cost nothing; no exception gets out.

    `ask` may call it several times, and make one value of all.
    """
    printed = io.StringIO()
    with (
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
    ):
        warnings.simplefilter("ignore")
        try:
            value = ask(function, tuple(a if callable(a) else copy.deepcopy(a) for a in arguments))
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return Answer(error=describe(error), printed=printed.getvalue())
    return Answer(value=value, printed=printed.getvalue())


def describe(error: BaseException) -> str:
    """The error in one line, then the student's own lines that led to it, innermost last.

    An error that crossed a process brings these lines along in its attribute `student_lines`.
    """
    if isinstance(error, NotImplementedError):
        return f"not written yet: {error}" if str(error) else "not written yet"
    if isinstance(error, WrongAnswer):
        return str(error)
    lines = getattr(error, "student_lines", None)
    if lines is None:
        lines = student_lines(error)
    name = getattr(error, "student_error", type(error).__name__)
    what = f"your code stopped with {name}: {text_of(error)}"
    return "\n".join([what, *(f"    {line}" for line in lines[-3:])])
