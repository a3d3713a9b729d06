"""Mazes seen from above: walls, values, the policy's arrows, which pairs were updated, and the way taken.

``plot_maze`` comes first and prepares the axes. Each other ``plot_…`` adds one layer over it and returns
its artist; the ``move_…`` beside it gives that layer other numbers, or the walls of another maze of the
same size. A state is the cell ``row * columns + column``, with row 0 at the top; the actions are 0 up,
1 right, 2 down, 3 left. What lies in a wall is not drawn, and neither is what lies in a goal, where the
episode is over and V = 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import Normalize, to_rgb
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from mbrl_teach.arguments import read_array
from mbrl_teach.figures.style import COLORS, GRID, INK, PAGE

# A cell is 1 wide. Shapes are given (ahead, aside) from its centre, for an agent that looks along its action.
AHEAD = np.array([[0, -1], [1, 0], [0, 1], [-1, 0]])  # (column, row) that up, right, down and left add
FRAMES = np.stack([AHEAD, np.roll(AHEAD, -1, axis=0)], axis=1)  # (4, 2, 2): ahead, and aside to the right
TIP = 0.38
ARROW = np.array([[0, -1], [5, -1], [5, -3], [9, 0], [5, 3], [5, 1], [0, 1]]) * [TIP / 9, 0.05]
QUARTER = np.array([[0.0, 0.0], [0.5, -0.5], [0.5, 0.5]])
MARK = np.array([[0.3, -0.2], [0.48, 0.0], [0.3, 0.2]])
CORNER = np.array([-0.32, -0.3])
SQUARE = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])

PALEST = 0.25  # how much colour the least of what was updated keeps


class Grid(Protocol):
    """What of a maze is drawn; any world of cells has it."""

    @property
    def rows(self) -> int:
        """How many rows."""

    @property
    def columns(self) -> int:
        """How many columns."""

    @property
    def walls(self) -> np.ndarray:
        """(rows, columns) bool."""

    @property
    def start(self) -> int:
        """The state in which an episode begins."""

    @property
    def goals(self) -> Sequence[int]:
        """The states in which it ends."""


def plot_maze(axes: Axes, maze: Grid) -> list[Artist]:
    """The cells, hatched walls, S at the start and G at each goal. Returns walls, start and goals.

    Sets the axes' limits, labels and equal scales for the layers that follow.
    """
    rows, columns = maze.rows, maze.columns
    axes.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5), xlabel="column", ylabel="row")
    axes.set_aspect("equal")
    axes.grid(False)
    axes.tick_params(length=0)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(10, steps=[1, 2, 5, 10], integer=True))
    for spine in axes.spines.values():
        spine.set(visible=True, color=INK, linewidth=1.0)
    down = [[(x, -0.5), (x, rows - 0.5)] for x in np.arange(0.5, columns - 1)]
    across = [[(-0.5, y), (columns - 0.5, y)] for y in np.arange(0.5, rows - 1)]
    axes.add_collection(LineCollection(down + across, colors=GRID, linewidths=0.6, zorder=1.3))

    # Below the values, so that they move without the walls; one path, for each hatched one takes its time.
    wall = {"facecolor": "0.78", "edgecolor": "0.45", "hatch": "/////", "linewidth": 0.6, "zorder": 1.1}
    artists = [axes.add_patch(PathPatch(_outline(maze.walls), **wall))]
    for letter, size in {"S": 8.0, "G": 10.0}.items():
        letters = {"marker": f"$\\mathrm{{{letter}}}$", "markersize": size, "color": INK, "zorder": 2.4}
        artists += axes.plot([], [], linestyle="none", path_effects=_halo(2.5), **letters)
    move_maze(artists, maze)
    return artists


def move_maze(artists: Sequence[Artist], maze: Grid) -> None:
    """Give the artists of :func:`plot_maze` the walls, the start and the goals of another maze."""
    walls, start, goals = artists
    walls.set_path(_outline(maze.walls))
    start.set_data(*(_centres(maze, [maze.start]) + CORNER).T)  # clear of arrows and of the agent's way
    goals.set_data(*_centres(maze, maze.goals).T)


def plot_values(
    axes: Axes,
    maze: Grid,
    values: ArrayLike,
    *,
    limits: tuple[float, float] | None = None,
    label: str | None = None,
) -> AxesImage:
    """The values (S,) as colours; NaN stays blank.

    limits: the values of the first and the last colour, which a move keeps; by default the lowest and the
    highest of `values`. label: what the numbers are (``"V(s)"``), for a colour bar, which is drawn with it.
    """
    drawn = _value_image(maze, values)
    place = {"origin": "upper", "extent": (-0.5, maze.columns - 0.5, maze.rows - 0.5, -0.5)}
    image = axes.imshow(drawn, cmap="viridis", interpolation="nearest", zorder=1.2, **place)
    image.set_norm(_scale(limits, drawn))
    _add_colorbar(axes, image, label)
    return image


def move_values(image: AxesImage, maze: Grid, values: ArrayLike) -> None:
    """Give the image of :func:`plot_values` other values (S,), on the same scale of colours."""
    image.set_data(_value_image(maze, values))


def plot_action_values(
    axes: Axes,
    maze: Grid,
    q: ArrayLike,
    *,
    limits: tuple[float, float] | None = None,
    label: str | None = None,
) -> PolyCollection:
    """The action values q (S, 4) as four triangles a cell, each on the side to which its action leads.

    `limits` and `label` are those of :func:`plot_values`.
    """
    edge = {"edgecolors": GRID, "linewidths": 0.3, "zorder": 1.2}
    triangles = axes.add_collection(PolyCollection([], cmap="viridis", **edge))
    move_action_values(triangles, maze, q)
    triangles.set_norm(_scale(limits, triangles.get_array()))
    _add_colorbar(axes, triangles, label)
    return triangles


def move_action_values(triangles: PolyCollection, maze: Grid, q: ArrayLike) -> None:
    """Give the triangles of :func:`plot_action_values` other values (S, 4), on the same scale of colours."""
    q = _read_table("q", q, maze, finite=False)
    cells, actions = np.nonzero(_open(maze)[:, None] & np.isfinite(q))
    triangles.set_verts(_shapes(QUARTER, maze, cells, actions))
    triangles.set_array(q[cells, actions])


def plot_policy(axes: Axes, maze: Grid, policy: ArrayLike) -> PolyCollection:
    """An arrow for the action of each cell: of a policy (S,), or where a table (S, 4) is largest in its row.

    The table holds action values, or probabilities. Actions that tie have an arrow each; where all four
    tie there is none, as in Sutton & Barto (2018), Figure 8.3: nothing is known there yet.
    """
    style = {"facecolors": INK, "edgecolors": PAGE, "linewidths": 0.7, "zorder": 2.0}
    arrows = axes.add_collection(PolyCollection([], **style))
    move_policy(arrows, maze, policy)
    return arrows


def move_policy(arrows: PolyCollection, maze: Grid, policy: ArrayLike) -> None:
    """Give the arrows of :func:`plot_policy` another policy (S,), or another table (S, 4)."""
    chosen = _chosen(maze, policy) & _open(maze)[:, None]
    cells, actions = np.nonzero(chosen)
    alone = chosen.sum(axis=1)[cells] == 1  # such an arrow is moved back, into the middle of its cell
    back = -TIP / 2 * np.where(alone, 1.0, 0.0)[:, None] * AHEAD[actions]
    arrows.set_verts(_shapes(ARROW, maze, cells, actions) + back[:, None])


def plot_updates(axes: Axes, maze: Grid, counts: ArrayLike) -> PolyCollection:
    """A mark for each pair that was updated, `counts` (S, 4) times, on the side to which its action leads.

    The pair with the most updates has the full colour, one with fewer is paler, one with none has no mark.
    """
    marks = axes.add_collection(PolyCollection([], edgecolors=INK, linewidths=0.8, zorder=2.2))
    move_updates(marks, maze, counts)
    return marks


def move_updates(marks: PolyCollection, maze: Grid, counts: ArrayLike) -> None:
    """Give the marks of :func:`plot_updates` other counts (S, 4)."""
    counts = _read_table("counts", counts, maze)
    if (counts < 0).any():
        raise ValueError(f"counts must not be negative; got {counts.min():g}")
    cells, actions = np.nonzero(counts * _open(maze)[:, None])
    share = counts[cells, actions] / max(counts[cells, actions], default=1.0)
    page, full = np.array(to_rgb(PAGE)), np.array(to_rgb(COLORS["reddish purple"]))
    depth = PALEST + (1 - PALEST) * share[:, None]
    # Mixed with the page's colour: a mark that one could see through would be lost on a dark cell.
    marks.set_verts(_shapes(MARK, maze, cells, actions))
    marks.set_facecolor((1 - depth) * page + depth * full)


def plot_agent(axes: Axes, maze: Grid, states: ArrayLike) -> list[Line2D]:
    """The way through `states` (T+1,), and a dot in the last of them. Returns path and dot."""
    style = {"color": COLORS["vermillion"], "path_effects": _halo(4.0)}
    (path,) = axes.plot([], [], linestyle="-", linewidth=2.0, zorder=2.6, **style)
    (dot,) = axes.plot([], [], linestyle="none", marker="o", markersize=9.0, zorder=2.7, **style)
    move_agent([path, dot], maze, states)
    return [path, dot]


def move_agent(artists: Sequence[Line2D], maze: Grid, states: ArrayLike) -> None:
    """Give the artists of :func:`plot_agent` another way, of any length."""
    states = read_array("states", states, "T+1", {})
    centres = _centres(maze, _whole("states", states, maze.rows * maze.columns))
    path, dot = artists
    path.set_data(*centres.T)
    dot.set_data(*centres[-1:].T)


def _open(maze: Grid) -> np.ndarray:
    """Whether there is something to do in a state, (S,): neither in a wall nor in a goal."""
    free = ~np.asarray(maze.walls, dtype=bool).ravel()
    free[list(maze.goals)] = False
    return free


def _centres(maze: Grid, states: ArrayLike) -> np.ndarray:
    """(column, row) of each state, (N, 2)."""
    rows, columns = np.divmod(np.asarray(states, dtype=int), maze.columns)
    return np.stack([columns, rows], axis=-1).astype(float)


def _outline(walls: np.ndarray) -> Path:
    """The squares of the walls (rows, columns) as one path."""
    return Path.make_compound_path_from_polys(np.argwhere(walls)[:, None, ::-1] + SQUARE)


def _shapes(template: np.ndarray, maze: Grid, cells: np.ndarray, actions: np.ndarray) -> np.ndarray:
    """The template (k, 2) in each of N cells, turned to look along its action, (N, k, 2)."""
    return _centres(maze, cells)[:, None] + template @ FRAMES[actions]


def _value_image(maze: Grid, values: ArrayLike) -> np.ndarray:
    values = read_array("values", values, "S", {"S": maze.rows * maze.columns}, finite=False)
    return np.where(_open(maze), values, np.nan).reshape(maze.rows, maze.columns)


def _read_table(name: str, table: ArrayLike, maze: Grid, *, finite: bool = True) -> np.ndarray:
    sizes = {"S": maze.rows * maze.columns, "A": len(AHEAD)}
    return read_array(name, table, "S A", sizes, finite=finite)


def _chosen(maze: Grid, policy: ArrayLike) -> np.ndarray:
    """Which actions have an arrow, (S, 4) bool."""
    policy = read_array("policy", policy, "...", {}, finite=False)
    if policy.ndim != 2:
        policy = read_array("policy", policy, "S", {"S": maze.rows * maze.columns})
        return np.eye(len(AHEAD), dtype=bool)[_whole("policy", policy, len(AHEAD))]
    table = _read_table("policy", policy, maze, finite=False)
    table = np.where(np.isnan(table), -np.inf, table)
    # Ties of iterated values differ by rounding. Nothing absolute: early values are tiny, and not all equal.
    best = np.isclose(table, table.max(axis=1, keepdims=True), rtol=1e-6, atol=0.0)
    return best & ~best.all(axis=1, keepdims=True)


def _whole(name: str, numbers: np.ndarray, end: int) -> np.ndarray:
    wrong = (numbers != np.floor(numbers)) | (numbers < 0) | (numbers >= end)
    if wrong.any():
        raise ValueError(f"{name} must be whole numbers from 0 to {end - 1}; got {numbers[wrong][0]:g}")
    return numbers.astype(int)


def _scale(limits: tuple[float, float] | None, drawn: np.ndarray) -> Normalize:
    """From the first to the last colour."""
    if limits is None:
        known = drawn[np.isfinite(drawn)]
        low, high = min(known, default=0.0), max(known, default=1.0)
        return Normalize(low, high if high > low else low + 1.0)
    if not limits[0] < limits[1]:
        raise ValueError(f"limits must be a lower and a higher number; got {limits}")
    return Normalize(*limits)


def _add_colorbar(axes: Axes, mappable: ScalarMappable, label: str | None) -> None:
    """Axes for the scale of colours, in the course's ink whatever the notebook's own style."""
    if label is None:
        return
    bar = axes.figure.colorbar(mappable, ax=axes, shrink=0.9)
    bar.set_label(label, color=INK)
    bar.ax.tick_params(colors=INK)
    bar.outline.set_edgecolor(INK)


def _halo(width: float) -> list[withStroke]:
    """An outline in the page's colour, by which ink is read on dark colours too."""
    return [withStroke(linewidth=width, foreground=PAGE)]
