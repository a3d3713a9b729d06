"""Reading a caller's arrays, with errors that name the argument, what came and what was expected.

Every public function takes its arrays through :func:`read_array`, so that a wrong shape is met at the
door and with the same words everywhere::

    sizes = {}
    F = read_array("F", F, "... T n n+m", sizes)      # binds T and n, and m from the last axis
    c = read_array("c", c, "... T n+m", sizes)        # must agree with what F has bound

Where several arrays share their sizes, :func:`read_arrays` finds out which of them is the odd one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

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
        stacked = leading and array.ndim > len(symbols)
        raise ValueError(f"{name} must have shape {_expected(symbols, stacked, sizes)}; got {array.shape}")
    sizes.update(bound)
    if finite:
        require_finite(name, array, axes)
    return array


def read_arrays(
    arguments: Mapping[str, tuple[ArrayLike, str]], sizes: dict[str, int], *, unchecked: Collection[str] = ()
) -> dict[str, np.ndarray]:
    """Several arrays by name, from values and axes; those named in `unchecked` may hold NaN.

    Raises ValueError as `read_array`. Where the arrays disagree about a size, most of them are right: the
    error names one of the others, and the shape that would fit.
    """
    read = lambda name, value, axes, sizes: read_array(name, value, axes, sizes, finite=name not in unchecked)
    bound = dict(sizes)
    try:
        arrays = {name: read(name, *argument, bound) for name, argument in arguments.items()}
    except ValueError:
        agreed = _agreed_sizes(arguments, sizes)
        for name, argument in arguments.items():
            read(name, *argument, agreed)
        raise
    sizes.update(bound)
    return arrays


def _agreed_sizes(arguments: Mapping[str, tuple[ArrayLike, str]], sizes: dict[str, int]) -> dict[str, int]:
    """What most arrays say of each size; every array with the right number of axes has one vote."""
    votes = Counter()
    for name, (value, axes) in arguments.items():
        symbols = axes.removeprefix("...").split()
        shape = _as_float64(name, value).shape[-len(symbols) :] if symbols else ()
        said = {(symbol, size) for symbol, size in zip(symbols, shape, strict=False)}
        if len(shape) == len(symbols) and len(said) == len(set(symbols)):  # else it contradicts itself
            votes.update(sorted(said))
    agreed = dict(sizes)
    ranked = [vote for vote, _ in votes.most_common()]
    for symbol, size in sorted(ranked, key=lambda vote: "+" in vote[0]):  # n and m before n+m
        if _size(symbol, agreed) is None:
            _bind(symbol, size, agreed)
    return agreed


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
    if symbol in sizes:
        return sizes[symbol]
    terms = symbol.split("+")
    known = [int(term) if term.isdigit() else sizes.get(term) for term in terms]
    return None if None in known else sum(known)


def _expected(symbols: list[str], leading: bool, sizes: dict[str, int]) -> str:
    """``(T, n, n+m) = (20, 2, 3)``; an unknown one keeps its symbol: ``(T, m) = (T, 1)``."""
    dots = ["..."] if leading else []
    known = [_size(symbol, sizes) for symbol in symbols]
    shape = _tuple(dots + symbols)
    filled = [symbol if size is None else str(size) for symbol, size in zip(symbols, known, strict=True)]
    return shape if filled == symbols else f"{shape} = {_tuple(dots + filled)}"


def _tuple(items: list[str]) -> str:
    return f"({', '.join(items)}{',' if len(items) == 1 else ''})"


def require_steps(horizon: int) -> int:
    """`horizon` as an int. Raises ValueError unless it is a whole number from 1 on."""
    if not (horizon >= 1 and horizon == int(horizon)):
        raise ValueError(f"horizon must be a whole number from 1 on; got {horizon}")
    return int(horizon)


def require_count(
    name: str, number: int, *, at_least: int = 1, at_most: tuple[str, int] | None = None
) -> int:
    """`number` as an int. Raises ValueError unless it is whole and in the range; `at_most` has a name too."""
    whole = isinstance(number, (int, float, np.number)) and number == np.floor(number) and number < np.inf
    if not (whole and number >= at_least and (at_most is None or number <= at_most[1])):
        until = "on" if at_most is None else f"to {at_most[0]} = {at_most[1]}"
        raise ValueError(f"{name} must be a whole number from {at_least} {until}; got {number}")
    return int(number)


def require_positive(**numbers: float) -> None:
    """Raise ValueError for the first number that is not above zero (NaN is not), with its name."""
    for name, number in numbers.items():
        if not number > 0:
            raise ValueError(f"{name} must be positive; got {number}")


def require_at_least_one(name: str, array: np.ndarray, sizes: Mapping[str, int]) -> None:
    """Raise ValueError if one of `sizes`, which the shape of `array` has bound, is zero."""
    for symbol, size in sizes.items():
        if size < 1:
            raise ValueError(f"{name} must have {symbol} >= 1; got shape {array.shape}, so {symbol} = {size}")


def require_finite(name: str, array: np.ndarray, axes: str) -> None:
    """Raise ValueError if `array` holds NaN or infinity; with a time axis, say the first step."""
    if np.isfinite(array).all():
        return
    bad = ~np.isfinite(array)
    what = "NaN" if np.isnan(array[bad]).any() else "infinity"
    raise ValueError(f"{name} must be finite; got {what}{_first_step(bad, axes)}")


def require_symmetric(name: str, matrices: np.ndarray, axes: str, *, tolerance: float = 1e-10) -> None:
    """Raise ValueError unless every matrix in (..., d, d) is symmetric, relative to its largest entry."""
    if np.array_equal(matrices, matrices.mT):
        return
    skew = np.abs(matrices - matrices.mT)
    wrong = skew > tolerance * np.abs(matrices).max(axis=(-1, -2), keepdims=True)
    if wrong.any():
        raise ValueError(
            f"{name} must be symmetric; it differs from its transpose by {skew[wrong].max():.1e}"
            + _first_step(wrong, axes)
        )


def require_covariance(name: str, matrices: np.ndarray, axes: str, *, tolerance: float = 1e-10) -> None:
    """Raise ValueError unless every matrix in (..., d, d) is symmetric and positive semi-definite."""
    require_symmetric(name, matrices, axes, tolerance=tolerance)
    lowest = np.linalg.eigvalsh(matrices).min(axis=-1, initial=0.0)[..., None, None]
    wrong = lowest < -tolerance * np.abs(matrices).max(axis=(-1, -2), keepdims=True, initial=0.0)
    if wrong.any():
        raise ValueError(
            f"{name} must be positive semi-definite; got eigenvalue {lowest[wrong].min():.2g}"
            + _first_step(wrong, axes)
        )


def _first_step(wrong: np.ndarray, axes: str) -> str:
    """`, first at t = 3 (array index 2)` where `axes` begins with time, else nothing."""
    symbols = axes.removeprefix("...").split()
    if symbols[:1] not in (["T"], ["T+1"]):
        return ""
    time = wrong.ndim - len(symbols)
    steps = wrong.any(axis=tuple(axis for axis in range(wrong.ndim) if axis != time))
    return f", first at t = {int(np.argmax(steps)) + 1} (array index {int(np.argmax(steps))})"
