"""A cart with a pole, drawn where it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike

from mbrl_teach.arguments import read_array
from mbrl_teach.figures.style import COLORS

_CART = (0.3, 0.16)  # width and height in m


class World(Protocol):
    """What a drawing asks of a cart-pole: the pole's length in m."""

    length: float


def plot_cart_pole(axes: Axes, world: World, state: ArrayLike) -> list[Artist]:
    """The cart, its pole and the path of the pole's tip so far (none yet), in axes of equal scale in m.

    `state` begins with the position in m and the angle in rad, 0 hanging and π upright.
    """
    axes.set_aspect("equal")
    axes.axhline(-0.5 * _CART[1], color=COLORS["black"], lw=0.8)
    cart = Rectangle((0.0, 0.0), *_CART, facecolor=COLORS["sky blue"], edgecolor=COLORS["black"], zorder=3)
    axes.add_patch(cart)
    (path,) = axes.plot([], [], color=COLORS["vermillion"], ls=":", lw=1.0, zorder=2)
    (pole,) = axes.plot([], [], color=COLORS["black"], ls="-", lw=2.5, zorder=4)
    (tip,) = axes.plot([], [], "o", color=COLORS["vermillion"], ms=9, zorder=5)
    artists = [path, cart, pole, tip]
    move_cart_pole(artists, world, np.asarray(state)[None])
    return artists


def move_cart_pole(artists: Sequence[Artist], world: World, states: ArrayLike) -> None:
    """Put the drawing of :func:`plot_cart_pole` at the last of `states` (t, n), behind it the tip's path."""
    states = read_array("states", states, "t n", {})
    path, cart, pole, tip = artists
    ends = np.column_stack(tip_of(world, states))
    hinge = states[-1, 0]
    cart.set_xy((hinge - 0.5 * _CART[0], -0.5 * _CART[1]))
    _put(path, ends)
    _put(pole, np.array([[hinge, 0.0], ends[-1]]))
    _put(tip, ends[-1:])


def tip_of(world: World, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the tip of the pole is, across (...) and up (...) in m, the hinge running at height 0."""
    position, angle = states[..., 0], states[..., 1]
    return position + world.length * np.sin(angle), -world.length * np.cos(angle)


def _put(line: Line2D, points: np.ndarray) -> None:
    line.set_data(*points.T)
