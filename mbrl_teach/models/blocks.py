"""Matrices with a row for each input and many columns, made a few rows at a time.

A planner asks for thousands of inputs at once. All their rows together need much memory, and more time than
in pieces that the processor's cache holds: of 500 rows of 1024, a third.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

BLOCK = 2**16  # numbers at a time: half a megabyte


def in_blocks(
    function: Callable[[np.ndarray], np.ndarray], X: np.ndarray, columns: int, shape: tuple[int, ...] = ()
) -> np.ndarray:
    """`function` at X (..., d), as an array (..., *shape).

    function: (M, d) -> (M, *shape), by way of a matrix (M, columns)
    """
    flat = X.reshape(-1, X.shape[-1])
    values, rows = np.empty((len(flat), *shape)), max(1, BLOCK // max(1, columns))
    for start in range(0, len(flat), rows):
        values[start : start + rows] = function(flat[start : start + rows])
    return values.reshape((*X.shape[:-1], *shape))
