"""Where two sets of results differ first, in the order in which an algorithm computes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Difference:
    """The first wrong quantity: its `name`, its array `index`, and how far off it is.

    `where` picks the quantity out of the results: the whole array, or one step of it.
    """

    name: str
    step: str
    entry: tuple[int, ...]
    error: float
    relative: float
    where: Mapping[str, Any]

    def __str__(self) -> str:
        return f"first wrong: {self.in_words}"

    @property
    def in_words(self) -> str:
        """`K at t = 3 (array index 2), entry [0, 1]: off by 0.5 (relative error 0.5)`."""
        entry = f", entry [{', '.join(map(str, self.entry))}]" if self.entry else ""
        relative = f" (relative error {self.relative:.2g})" if np.isfinite(self.relative) else ""
        size = f"off by {self.error:.2g}{relative}" if np.isfinite(self.error) else "NaN or infinite"
        return f"{self.name}{self.step}{entry}: {size}"


def first_difference(
    found: Mapping[str, np.ndarray],
    expected: Mapping[str, np.ndarray],
    axes: Mapping[str, str],
    tolerance: float,
    time: str = "forward",
) -> Difference | None:
    """The first entry of `found` that is off by more than `tolerance` of the expected array's largest entry.

    Steps come first, in the direction of `time` ("forward" or "backward"), then the results in the order
    of `axes`. A result without a time axis counts as computed before those that have one. The time axis
    is the first one, named T or T+1, steps or steps+1; it counts from t = 1.
    """
    candidates = []
    for order, (name, symbols) in enumerate(axes.items()):
        wrong = _wrong(found[name], expected[name], tolerance)
        if not wrong.any():
            continue
        timed = has_time(symbols)
        steps = np.flatnonzero(wrong.any(axis=tuple(range(1, wrong.ndim)))) if timed else [-1]
        t = int(steps[-1] if time == "backward" else steps[0])
        rank = -1 if not timed else -t + 10**6 if time == "backward" else t
        candidates.append((rank, order, name, t if timed else None))
    if not candidates:
        return None
    _, _, name, t = min(candidates)
    return _describe(name, found[name], expected[name], _wrong(found[name], expected[name], tolerance), t)


def has_time(symbols: str) -> bool:
    """Whether the first of these axes counts the steps."""
    return symbols.split()[:1] in (["T"], ["T+1"], ["steps"], ["steps+1"])


def same(one: Mapping, other: Mapping, where: Mapping[str, Any], tolerance: float) -> bool:
    """Whether two sets of results agree in the parts picked out by `where`: name → array index.

    NaN in the same places is agreement, too: a mistake may be to divide zero by zero.
    """
    both_nan = lambda name: np.isnan(one[name]) & np.isnan(other[name])
    differ = lambda name: _wrong(one[name], other[name], tolerance) & ~both_nan(name)
    return not any(differ(name)[part].any() for name, part in where.items())


def _wrong(found: np.ndarray, expected: np.ndarray, tolerance: float) -> np.ndarray:
    largest = np.abs(expected[np.isfinite(expected)]).max(initial=0.0)
    return ~((found == expected) | (np.abs(found - expected) <= tolerance * max(largest, 1e-3)))


def _describe(name, found, expected, wrong, t) -> Difference:
    where = ... if t is None else t
    inside = np.argwhere(np.atleast_1d(wrong[where]))[0]
    entry = tuple(int(i) for i in inside) if np.ndim(wrong[where]) else ()
    f, e = float(found[where][entry]), float(expected[where][entry])
    relative = abs(f - e) / abs(e) if e else np.inf
    step = "" if t is None else f" at t = {t + 1} (array index {t})"
    return Difference(name, step, entry, abs(f - e), relative, {name: where})
