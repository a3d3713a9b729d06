"""Timing in pairs: ours and the peer's in turn, in one process, so that a noisy machine disturbs both alike."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Row:
    """One line of the table: median microseconds of both, and the median of the ratios peer / ours."""

    work: str
    ours: float
    peer_name: str
    peer: float
    ratio: float
    target: str = ""


def compare(
    work: str,
    ours: Callable[[], object],
    peer_name: str,
    peer: Callable[[], object],
    *,
    per: int = 1,
    target: str = "",
    seconds: float = 1.0,
) -> Row:
    """Run both in turn for about `seconds`; `per` divides the times (steps, or problems of a stack).

    A turn lasts at least 5 ms, so that short calls are timed warm, as in a loop of a user's.
    """
    ours(), peer()
    numbers = [1 + int(0.005 / _seconds(function)) for function in (ours, peer)]
    pairs = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(pairs) < 7:
        pairs.append(tuple(_seconds(f, n) for f, n in zip((ours, peer), numbers, strict=True)))
    scale = 1e6 / per
    return Row(
        work=work,
        ours=median(a for a, _ in pairs) * scale,
        peer_name=peer_name,
        peer=median(b for _, b in pairs) * scale,
        ratio=median(b / a for a, b in pairs),
        target=target,
    )


def _seconds(function: Callable[[], object], number: int = 1) -> float:
    start = time.perf_counter()
    for _ in range(number):
        function()
    return (time.perf_counter() - start) / number
