"""Reading a caller's arrays, with errors that name the argument, what came and what was expected.

Every public function takes its arrays through :func:`read_array`, so that a wrong shape is met at the
door and with the same words everywhere::

    sizes = {}
    F = read_array("F", F, "... T n n+m", sizes)      # binds T and n, and m from the last axis
    c = read_array("c", c, "... T n+m", sizes)        # must agree with what F has bound
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def read_array(
    name: str, value: ArrayLike, axes: str, sizes: dict[str, int], *, finite: bool = True
) -> np.ndarray:
    """`value` as a float64 array whose trailing axes are `axes`.

    `axes` lists the axes by their symbols, separated by spaces: ``"T n n+m"``. A leading ``...`` allows
    any axes before them. A symbol that `sizes` does not hold yet is bound by the first axis that
    determines it (``m`` by ``n+m`` once ``n`` is known) and written into `sizes`.

    Raises ValueError if the value is not a real array, has another shape, or (with `finite`) holds NaN
    or infinity; with a time axis ``T`` or ``T+1`` the message says at which step that first happens.
    """
    array = _as_float64(name, value)
    symbols = axes.removeprefix("...").split()
    leading = axes.startswith("...")
    fits = array.ndim >= len(symbols) if leading else array.ndim == len(symbols)
    trailing = array.shape[array.ndim - len(symbols) :] if fits else ()
    bound = dict(sizes)
    if not fits or not all(_bind(*pair, bound) for pair in zip(symbols, trailing, strict=True)):
        raise ValueError(f"{name} must have shape {_expected(symbols, leading, sizes)}; got {array.shape}")
    sizes.update(bound)
    if finite:
        require_finite(name, array, axes)
    return array


def _as_float64(name: str, value: ArrayLike) -> np.ndarray:
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(f"{name} must be an array of numbers; got rows of different lengths") from None
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name} must be an array of real numbers; got dtype {array.dtype}")
    return array.astype(np.float64, copy=False)


def _bind(symbol: str, size: int, sizes: dict[str, int]) -> bool:
    """Whether an axis of this size fits its symbol.

    What is unknown of it is bound: one term of a sum takes what the others leave, and a sum of which
    nothing but the whole is known is kept as a whole.
    """
    known = _size(symbol, sizes)
    if known is not None:
        return size == known
    unknown = [term for term in symbol.split("+") if _size(term, sizes) is None]
    rest = sum(_size(term, sizes) for term in symbol.split("+") if term not in unknown)
    sizes[unknown[0] if len(unknown) == 1 else symbol] = size - rest if len(unknown) == 1 else size
    return size >= rest


def _size(symbol: str, sizes: dict[str, int]) -> int | None:
    """The size that a symbol, a number or a sum of them stands for; None if it is not known yet."""
    if symbol in sizes or symbol.isdigit():
        return sizes[symbol] if symbol in sizes else int(symbol)
    terms = symbol.split("+")
    known = [_size(term, sizes) for term in terms] if len(terms) > 1 else [None]
    return None if None in known else sum(known)


def _expected(symbols: list[str], leading: bool, sizes: dict[str, int]) -> str:
    """``(T, n, n+m) = (20, 2, 3)``, or the symbols alone while a size is still unknown."""
    dots = ["..."] if leading else []
    known = [_size(symbol, sizes) for symbol in symbols]
    shape = _tuple(dots + symbols)
    return (
        shape if None in known or not known else f"{shape} = {_tuple(dots + [str(size) for size in known])}"
    )


def _tuple(items: list[str]) -> str:
    return f"({', '.join(items)}{',' if len(items) == 1 else ''})"


def require_finite(name: str, array: np.ndarray, axes: str) -> None:
    """Raise ValueError if `array` holds NaN or infinity; say the first step if its first axis is time."""
    if np.isfinite(array).all():
        return
    symbols = axes.removeprefix("...").split()
    bad = ~np.isfinite(array)
    what = "NaN" if np.isnan(array[bad]).any() else "infinity"
    where = ""
    if symbols and symbols[0] in ("T", "T+1"):
        time = array.ndim - len(symbols)
        steps = bad.any(axis=tuple(axis for axis in range(array.ndim) if axis != time))
        where = f", first at t = {int(np.argmax(steps)) + 1} (array index {int(np.argmax(steps))})"
    raise ValueError(f"{name} must be finite; got {what}{where}")


def require_symmetric(name: str, matrices: np.ndarray, *, tolerance: float = 1e-10) -> None:
    """Raise ValueError unless every matrix in ``(..., d, d)`` is symmetric, relative to its largest entry."""
    largest = np.abs(matrices).max(axis=(-1, -2), initial=0.0)
    skew = np.abs(matrices - np.swapaxes(matrices, -1, -2)).max(axis=(-1, -2), initial=0.0)
    wrong = skew > tolerance * largest
    if wrong.any():
        first = tuple(int(i) for i in np.argwhere(wrong)[0])
        where = f" at index {first[0] if len(first) == 1 else first}" if first else ""
        raise ValueError(
            f"{name} must be symmetric{where}; it differs from its transpose by {skew[first]:.1e}"
        )
