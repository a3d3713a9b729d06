"""Learning curves: what many runs of an algorithm did on average, and how sure one can be of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cbook import normalize_kwargs
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from mbrl_teach.arguments import read_array


def plot_mean_and_error(
    axes: Axes, x: ArrayLike, runs: ArrayLike, *, label: str | None = None, **style: Any
) -> list[Artist]:
    """The mean of `runs` (R, K) over `x` (K,), and a band of ± 2 standard errors of that mean.

    With independent runs the band holds the expectation in about 95 of 100 such figures; where two bands
    are apart, the algorithms differ. It does not say how far a single run strays. `style` is the line's.

    Returns the band and the mean. Raises ValueError for fewer than two runs: one has no error.
    """
    x = read_array("x", x, "K", {})
    mean, error = _mean_and_error(runs, len(x))
    (line,) = axes.plot(x, mean, label=label, **normalize_kwargs(style, Line2D))
    band = axes.fill_between(x, mean - 2 * error, mean + 2 * error, color=line.get_color(), alpha=0.2, lw=0)
    return [band, line]


def move_mean_and_error(artists: Sequence[Artist], runs: ArrayLike) -> None:
    """Give the artists of :func:`plot_mean_and_error` other runs (R, K), over the same `x`."""
    band, line = artists
    x = line.get_xdata()
    mean, error = _mean_and_error(runs, len(x))
    line.set_ydata(mean)
    band.set_data(x, mean - 2 * error, mean + 2 * error)


def _mean_and_error(runs: ArrayLike, points: int) -> tuple[np.ndarray, np.ndarray]:
    """The mean over R runs and its standard error, each (K,)."""
    runs = read_array("runs", runs, "R K", {"K": points})
    if len(runs) < 2:
        raise ValueError(f"runs must have R >= 2, for one run has no standard error; got R = {len(runs)}")
    return runs.mean(axis=0), runs.std(axis=0, ddof=1) / np.sqrt(len(runs))
