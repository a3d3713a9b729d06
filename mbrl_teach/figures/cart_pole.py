"""A cart-pole drawn to scale, as it stands in one state: with a slider over time, an animation.

As everywhere in the figures, ``plot_…`` draws into axes that are given and returns its artists, and the
``move_…`` beside it puts them into another state.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.patches import Polygon
from numpy.typing import ArrayLike

from mbrl_teach.arguments import read_array
from mbrl_teach.figures.style import COLORS, INK

HALF_CART = np.array([0.15, 0.08])  # m, across and up
CORNERS = HALF_CART * [[-1, -1], [1, -1], [1, 1], [-1, 1]]
METRES_PER_NEWTON = 0.03


def plot_cart_pole(axes: Axes, states: ArrayLike, force: float = 0.0, *, length: float) -> list[Artist]:
    """The cart and its pole in the last of `states` (T+1, 4), and the bob's path through all of them.

    force: in N, a bar from the cart's side in the direction in which it pushes; length: of the pole in m,
    which hangs down at θ = 0 and stands at θ = π. The axes get equal scales; their limits are yours.

    Returns the bob's path, the force, the cart and the pole.
    """
    axes.set_aspect("equal")
    axes.set(xlabel="position (m)", ylabel="height (m)")
    axes.axhline(-HALF_CART[1], color=INK, linewidth=0.8, linestyle="-", zorder=0.5)

    def line(color: str, linewidth: float, zorder: float, **style):
        style = {"color": color, "linewidth": linewidth, "linestyle": "-", "zorder": zorder} | style
        return axes.plot([], [], **style)[0]

    path = line(COLORS["orange"], 1.2, 1.5)
    bar = line(COLORS["vermillion"], 4.0, 1.8)
    cart = axes.add_patch(Polygon(CORNERS, facecolor=COLORS["sky blue"], edgecolor=INK, zorder=2.0))
    pole = line(INK, 2.5, 2.2, marker="o", markevery=[1])
    artists = [path, bar, cart, pole]
    move_cart_pole(artists, states, force, length=length)
    return artists


def move_cart_pole(
    artists: Sequence[Artist], states: ArrayLike, force: float = 0.0, *, length: float
) -> None:
    """Put the artists of :func:`plot_cart_pole` into the last of `states` (T+1, 4)."""
    states = read_array("states", states, "T+1 n", {"n": 4})
    path, bar, cart, pole = artists
    pivot, bob = states[-1, 0], _bob(states, length)
    path.set_data(*bob.T)
    pole.set_data([pivot, bob[-1, 0]], [0.0, bob[-1, 1]])
    cart.set_xy(CORNERS + np.array([pivot, 0.0]))
    side = pivot + np.sign(force) * HALF_CART[0]
    bar.set_data([side, side + METRES_PER_NEWTON * force], [0.0, 0.0])


def _bob(states: np.ndarray, length: float) -> np.ndarray:
    """Where the pole's end is, (..., 2)."""
    x, theta = states[..., 0], states[..., 1]
    return np.stack([x + length * np.sin(theta), -length * np.cos(theta)], axis=-1)
