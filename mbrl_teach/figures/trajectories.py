"""What control looks like over time: trajectories, gains, the value function, noise and belief.

Each ``plot_…`` draws into axes that are given and returns its artists; the ``move_…`` beside it gives
the same artists new numbers, which is what :class:`~mbrl_teach.figures.live.LiveFigure` needs. States and
gains are counted as in the mathematics, t = 1 … T, or with a step length `dt` in seconds from zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from contourpy import contour_generator
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cbook import normalize_kwargs
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from mbrl_teach.arguments import read_array, require_at_least_one
from mbrl_teach.figures.style import COLORS


def plot_trajectory(
    axes: Axes | Sequence[Axes],
    states: ArrayLike,
    actions: ArrayLike | None = None,
    *,
    dt: float | None = None,
    labels: Sequence[str] | None = None,
    **style: Any,
) -> list[Line2D]:
    """One line per component: states (T+1, n) through their points, actions (T, m) held over each step.

    `axes` holds one for each state, then for each action (the same one may come again), or is the one
    for all. `labels` name the lines in a legend. Raises ValueError for shapes that do not agree.
    """
    curves = _curves(states, actions)
    places = _one_each("axes", axes, len(curves))
    names = _one_each("labels", labels, len(curves))
    held = len(curves) if actions is None else np.shape(states)[1]
    lines = []
    for component, (place, name, curve) in enumerate(zip(places, names, curves, strict=True)):
        # Dashes make the corners of a staircase hard to see.
        stairs = {"drawstyle": "steps-post", "linestyle": "-"} if component >= held else {}
        lines.append(_line(place, _times(place, len(curve), dt), curve, style, label=name, **stairs))
    return lines


def move_trajectory(lines: Sequence[Line2D], states: ArrayLike, actions: ArrayLike | None = None) -> None:
    """Give the lines of :func:`plot_trajectory` another trajectory of the same shape."""
    _set_heights(lines, _curves(states, actions))


def plot_gains(
    axes: Axes, K: ArrayLike, *, labels: Sequence[str] | None = None, **style: Any
) -> list[Line2D]:
    """The entries of the gains K (T, m, n) over t = 1 … T, row by row; NaN where there is none yet."""
    K = read_array("K", K, "T m n", {}, finite=False)
    steps, m, n = K.shape
    if labels is None:
        labels = [f"$K_t[{row},{column}]$" for row in range(1, m + 1) for column in range(1, n + 1)]
    curves = K.reshape(steps, m * n).T
    names = _one_each("labels", labels, m * n)
    times = _times(axes, steps, None)
    return [_line(axes, times, curve, style, label=name) for curve, name in zip(curves, names, strict=True)]


def move_gains(lines: Sequence[Line2D], K: ArrayLike) -> None:
    """Give the lines of :func:`plot_gains` other gains of the same shape."""
    K = read_array("K", K, "T m n", {}, finite=False)
    _set_heights(lines, K.reshape(len(K), -1).T)


def plot_value_function(
    axes: Axes,
    levels: ArrayLike,
    V: ArrayLike,
    v: ArrayLike | None = None,
    constant: float = 0.0,
    **style: Any,
) -> list[Line2D]:
    """Where ½ s'Vs + s'v + constant takes each of the L `levels`, over a state of two numbers.

    V (2, 2), v (2,). These are ellipses while V is positive definite, and whatever V makes of them
    otherwise. One line per level, darker where the value is lower; together they fill the axes' limits,
    which stay as they are.
    """
    levels = read_array("levels", levels, "L", {})
    require_at_least_one("levels", levels, {"L": len(levels)})
    axes.set(xlim=axes.get_xlim(), ylim=axes.get_ylim())
    # The lighter part of the map would not stand out from the page.
    colors = colormaps["viridis"](np.linspace(0.0, 0.55, len(levels)))
    lines = [
        _line(axes, [], [], style, color=color, linestyle="-", label=f"{level:g}")
        for level, color in zip(levels, colors, strict=True)
    ]
    move_value_function(lines, levels, V, v, constant)
    return lines


def move_value_function(
    lines: Sequence[Line2D],
    levels: ArrayLike,
    V: ArrayLike,
    v: ArrayLike | None = None,
    constant: float = 0.0,
) -> None:
    """Give the lines of :func:`plot_value_function` another value function, at the same levels."""
    levels = read_array("levels", levels, "L", {"L": len(lines)})
    V = read_array("V", V, "n n", {"n": 2})
    v = read_array("v", np.zeros(2) if v is None else v, "n", {"n": 2})
    across, up = (np.linspace(*limits(), 101) for limits in (lines[0].axes.get_xlim, lines[0].axes.get_ylim))
    s = np.stack(np.meshgrid(across, up), axis=-1)
    value = 0.5 * np.einsum("...i,ij,...j", s, V, s) + s @ v + constant
    contours = contour_generator(across, up, value)
    gap = np.full((1, 2), np.nan)  # lifts the pen between the parts of one level
    for line, level in zip(lines, levels, strict=True):
        parts = [points for part in contours.lines(level) for points in (part, gap)]
        line.set_data(*np.concatenate([gap, *parts]).T)


def plot_spread(
    axes: Axes, samples: ArrayLike, *, dt: float | None = None, shown: int = 20, **style: Any
) -> list[Artist]:
    """Many random trajectories of one component, samples (R, T): mean, middle 90 %, and a few of them.

    Returns the band, the mean (which carries the colour and the label), and `shown` thin lines.
    """
    samples = read_array("samples", samples, "R T", {})
    require_at_least_one("samples", samples, {"R": len(samples)})
    times = _times(axes, samples.shape[1], dt)
    mean = _line(axes, times, samples.mean(axis=0), style, linewidth=2.0, linestyle="-", zorder=2.2)
    band = axes.fill_between(times, *_middle(samples), color=mean.get_color(), alpha=0.2, lw=0)
    thin = {"color": mean.get_color(), "alpha": 0.35, "lw": 0.6, "ls": "-"}
    return [band, mean, *axes.plot(times, samples[:shown].T, **thin)]


def move_spread(artists: Sequence[Artist], samples: ArrayLike) -> None:
    """Give the artists of :func:`plot_spread` other samples over the same steps."""
    band, mean, *few = artists
    times = mean.get_xdata()
    samples = read_array("samples", samples, "R T", {"T": len(times)})
    band.set_data(times, *_middle(samples))
    _set_heights([mean, *few], [samples.mean(axis=0), *samples[: len(few)]])


def plot_estimate(
    axes: Axes,
    means: ArrayLike,
    variances: ArrayLike,
    truth: ArrayLike | None = None,
    *,
    dt: float | None = None,
    **style: Any,
) -> list[Artist]:
    """A filter's belief about one component, mean ± 2σ, against the truth; each (T,).

    Returns the band, the mean and, with `truth`, its dashed line.
    """
    means, low, high = _belief(means, variances)
    times = _times(axes, len(means), dt)
    mean = _line(axes, times, means, style, label="mean ± 2σ", linestyle="-")
    band = axes.fill_between(times, low, high, color=mean.get_color(), alpha=0.2, lw=0)
    if truth is None:
        return [band, mean]
    truth = read_array("truth", truth, "T", {"T": len(means)})
    return [band, mean, _line(axes, times, truth, {}, color=COLORS["black"], linestyle="--", label="truth")]


def move_estimate(
    artists: Sequence[Artist], means: ArrayLike, variances: ArrayLike, truth: ArrayLike | None = None
) -> None:
    """Give the artists of :func:`plot_estimate` another belief over the same steps, and another truth."""
    band, mean, *true = artists
    means, low, high = _belief(means, variances)
    _set_heights([mean], [means])
    band.set_data(mean.get_xdata(), low, high)
    if truth is not None and not true:
        raise ValueError("truth must be given to plot_estimate before it can be moved; got none there")
    if truth is not None:
        _set_heights(true, [read_array("truth", truth, "T", {"T": len(means)})])


def _curves(states: ArrayLike, actions: ArrayLike | None) -> np.ndarray:
    """(n + m, T + 1), the last action held to the end; NaN draws nothing."""
    sizes: dict[str, int] = {}
    states = read_array("states", states, "T+1 n", sizes, finite=False)
    if actions is None:
        return states.T
    actions = read_array("actions", actions, "T m", sizes, finite=False)
    return np.hstack([states, np.pad(actions, ((0, 1), (0, 0)), mode="edge")]).T


def _middle(samples: np.ndarray) -> np.ndarray:
    return np.quantile(samples, [0.05, 0.95], axis=0)


def _belief(means: ArrayLike, variances: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    sizes: dict[str, int] = {}
    means = read_array("means", means, "T", sizes)
    variances = read_array("variances", variances, "T", sizes)
    if (variances < 0).any():
        raise ValueError(f"variances must not be negative; got {variances.min():g}")
    return means, means - 2 * np.sqrt(variances), means + 2 * np.sqrt(variances)


def _times(axes: Axes, steps: int, dt: float | None) -> np.ndarray:
    """1 … steps, or seconds from zero; the axis says which."""
    axes.set_xlabel("step t" if dt is None else "time [s]")
    axes.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=dt is None))
    return np.arange(1.0, steps + 1) if dt is None else dt * np.arange(steps)


def _line(axes: Axes, x: ArrayLike, y: ArrayLike, style: dict[str, Any], **defaults: Any) -> Line2D:
    """One line. `style` wins over the defaults by any of matplotlib's names (``lw``, ``linewidth``)."""
    (line,) = axes.plot(x, y, **defaults | normalize_kwargs(style, Line2D))
    return line


def _one_each(name: str, given: Any, count: int) -> list:
    """`given` for each of `count` lines: one per line, or one thing (or None) for all."""
    if isinstance(given, str) or not isinstance(given, Sequence | np.ndarray):
        return [given] * count
    if len(given) != count:
        raise ValueError(f"{name} must have one for each of {count} lines; got {len(given)}")
    return list(given)


def _set_heights(lines: Sequence[Line2D], curves: Sequence[np.ndarray]) -> None:
    drawn = (len(lines), len(lines[0].get_xdata()))
    if (got := (len(curves), len(curves[0]))) != drawn:
        raise ValueError(f"a move keeps the shape: {drawn} lines and points are drawn; got {got}")
    for line, curve in zip(lines, curves, strict=True):
        line.set_ydata(curve)
