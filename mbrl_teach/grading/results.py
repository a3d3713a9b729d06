"""What a student's function returned, by name: every form of the right numbers will do."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mbrl_teach.arguments import read_array

if TYPE_CHECKING:
    from mbrl_teach.grading.task import Task

Outputs = dict[str, np.ndarray]

ARRAYS_AND_NUMBERS = (np.ndarray, np.number, list, tuple, float)


def name_results(task: Task, value: Any) -> Outputs:
    """The reference's results by name."""
    values = (value,) if len(task.results) == 1 else value
    return {name: np.asarray(v, dtype=np.float64) for name, v in zip(task.results, values, strict=True)}


def read_results(
    task: Task, value: Any, expected: Outputs, wanted: Sequence[str] | None = None, *, finite: bool = True
) -> Outputs:
    """A student's results by name, as float64 arrays of the right shape; ValueError says what does not fit.

    Only the `wanted` results have to be there and right in shape (None: all), so that a bad or missing one
    costs its own points alone. Without `finite` they may hold NaN and infinity.
    """
    names = ", ".join(task.results)
    if value is None:
        raise ValueError(f"your function returned None; it should return {names}: is its return missing?")
    if len(task.results) == 1:
        value = (value,)
    elif _count(value) != len(task.results) and not _holds_all(value, task, wanted):
        got = f"{len(value)} values" if isinstance(value, (tuple, list)) else f"one {type(value).__name__}"
        raise ValueError(
            f"your function should return {len(task.results)} values: {names}; it returned {got}"
        )
    return {
        name: _read_result(task, name, v, expected, finite)
        for name, v in zip(task.results, value, strict=False)
        if wanted is None or name in wanted
    }


def _read_result(task: Task, name: str, value: Any, expected: Outputs, finite: bool) -> np.ndarray:
    """One result; a wrong shape that is another result's may be a matter of their order."""
    axes = task.results[name]
    try:
        return read_array(name, value, axes, _sizes(task, expected), finite=finite)
    except ValueError as error:
        shape = None
        with contextlib.suppress(ValueError):  # of rows of different lengths
            shape = (
                np.shape(value) if isinstance(value, (np.ndarray, list, tuple, np.number, float)) else None
            )
        if shape in (None, expected[name].shape):
            raise
        message = str(error) if axes else f"{name} must be a number; got shape {shape}"
        if shape in {expected[other].shape for other in task.results}:
            message += f" (return {', '.join(task.results)} in this order)"
        raise ValueError(message) from None


def _sizes(task: Task, expected: Outputs) -> dict[str, int]:
    """The size that each symbol of the results' axes stands for."""
    sizes: dict[str, int] = {}
    for name, axes in task.results.items():
        read_array(name, expected[name], axes, sizes, finite=False)
    return sizes


def sizes_in_words(task: Task, expected: Outputs) -> str:
    """`in a case with T = 5, m = 2, n = 3` on a line of its own, as far as the results' axes tell."""
    known = [f"{symbol} = {size}" for symbol, size in sorted(_sizes(task, expected).items())]
    return f"\nin a case with {', '.join(known)}" if known else ""


def _holds_all(value: Any, task: Task, wanted: Sequence[str] | None) -> bool:
    """Whether a tuple that lacks its last results has those that are wanted all the same."""
    present = list(task.results)[: len(value)] if isinstance(value, tuple) else []
    return bool(wanted) and len(present) < len(task.results) and set(wanted) <= set(present)


def _count(value: Any) -> int:
    """How many results a function returned: an array holds one per entry of its first axis, a number none."""
    several = isinstance(value, (tuple, list)) or (isinstance(value, np.ndarray) and value.ndim > 0)
    return len(value) if several else 1
