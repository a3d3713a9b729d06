"""The phase plane: angle across, velocity up, and the levels of energy along which a free motion runs.

As everywhere in the figures, ``plot_…`` draws into axes that are given and returns its artists, and the
``move_…`` beside it gives them other numbers.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MultipleLocator
from numpy.typing import ArrayLike

from mbrl_teach.arguments import read_array
from mbrl_teach.figures.style import COLORS


class Conservative(Protocol):
    """A world whose free motion keeps its energy."""

    def energy(self, s: np.ndarray) -> np.ndarray:
        """(..., 2) -> (...)."""


def plot_energy_levels(
    axes: Axes, world: Conservative, *, levels: int = 9, upright: ArrayLike = (0.0, 0.0)
) -> list[Artist]:
    """Levels of `world.energy` over the axes' limits, which stay as they are; none of it moves.

    The level through `upright` is dashed: the separatrix, between swinging to and fro and going round.
    """
    across, up = (np.linspace(*limits, 201) for limits in (axes.get_xlim(), axes.get_ylim()))
    energy = world.energy(np.stack(np.meshgrid(across, up), axis=-1))
    heights = np.linspace(energy.min(), energy.max(), levels + 2)[1:-1]
    top = float(world.energy(np.asarray(upright, dtype=np.float64)))
    thin = {"colors": "0.72", "linewidths": 0.7, "linestyles": "-", "zorder": 1.0}
    dashed = {"colors": COLORS["black"], "linewidths": 1.0, "linestyles": "--", "zorder": 1.1}
    free = axes.contour(across, up, energy, heights, **thin)
    separatrix = axes.contour(across, up, energy, [top], **dashed)
    return [free, separatrix]


def plot_phase_path(axes: Axes, states: ArrayLike, **style: Any) -> list[Line2D]:
    """The path of states (T+1, 2), with a dot where it begins and a square where it ends.

    The angle's axis is marked in multiples of π; a path that goes round is drawn on, never wrapped.
    """
    axes.xaxis.set_major_locator(MultipleLocator(np.pi / 2))
    axes.xaxis.set_major_formatter(FuncFormatter(_in_halves_of_pi))
    axes.set(xlabel="angle θ (rad)", ylabel="velocity ω (rad/s)")
    (path,) = axes.plot([], [], **({"linewidth": 1.6, "linestyle": "-"} | style))
    ends = {"linestyle": "none", "color": path.get_color(), "markersize": 6.0}
    (start,) = axes.plot([], [], marker="o", **ends)
    (end,) = axes.plot([], [], marker="s", **ends)
    move_phase_path([path, start, end], states)
    return [path, start, end]


def move_phase_path(lines: list[Line2D], states: ArrayLike) -> None:
    """Give the lines of :func:`plot_phase_path` another path, of any length."""
    states = read_array("states", states, "T+1 n", {"n": 2}, finite=False)
    for line, part in zip(lines, (states, states[:1], states[-1:]), strict=True):
        line.set_data(*part.T)


def _in_halves_of_pi(value: float, _position: int | None = None) -> str:
    halves = round(value / (np.pi / 2))
    if halves == 0:
        return "0"
    sign, halves = "-" if halves < 0 else "", abs(halves)
    whole, over = (halves // 2, "") if halves % 2 == 0 else (halves, "/2")
    return f"{sign}{'' if whole == 1 else whole}π{over}"
