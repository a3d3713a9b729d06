"""Profiles of what was drawn: shares and moments that come out nearly the same in whatever order one draws.

A check that asks for a profile instead of the draws themselves can tell a known mistake by the profile
that it has. A judge of a profile says in a sentence what is wrong, and which part of the profile shows it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mbrl_teach.arguments import read_array
from mbrl_teach.grading.first_difference import Difference
from mbrl_teach.grading.student_call import WrongAnswer

ROUNDING = 1e-6  # of what is computed in single precision


@dataclass(frozen=True)
class Told(Difference):
    """What is wrong in a sentence of its own; the part of a profile that it is about names a mistake."""

    sentence: str = ""

    def __str__(self) -> str:
        return f"first wrong: {self.sentence}"


def told(where: dict[str, Any], sentence: str) -> Told:
    """`sentence`, and where in the profiles (name → index) a known mistake shows that is to be named.

    The more of a profile, the fewer mistakes are named that are not the student's. No part may be all zero.
    """
    return Told(next(iter(where)), "", (), 0.0, 0.0, where, sentence)


def count_values(value: Any, names: Iterable[str]) -> None:
    """Whether there are as many values as names; None, one array or too many of them are a wrong answer."""
    names = list(names)
    said = f"your function should return {len(names)} values: {', '.join(names)}; it returned"
    if value is None:
        raise WrongAnswer(f"{said} None: is its return missing?")
    if not isinstance(value, (tuple, list)):
        raise WrongAnswer(f"{said} one {type(value).__name__}")
    if len(value) != len(names):
        raise WrongAnswer(f"{said} {len(value)} value{'s' * (len(value) != 1)}")


def read_result(name: str, value: Any, axes: str, sizes: dict[str, int]) -> np.ndarray:
    """One result as an array; what cannot be one is a wrong answer."""
    if value is None:
        raise WrongAnswer(f"your function returned None; it should return {name}: is its return missing?")
    try:
        return read_array(name, value, axes, sizes)
    except ValueError as error:
        raise WrongAnswer(str(error)) from None
