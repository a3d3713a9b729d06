"""Mazes: the worlds in which learning from a model was first shown to pay.

A maze is a text, one character a cell: ``#`` wall, ``S`` start, ``G`` goal (one or more), ``.`` free::

    S.#
    ..G

States count the cells row by row, walls included: state = row * columns + column. The actions are 0 up,
1 right, 2 down, 3 left; a move into a wall or over the edge leaves the agent where it is. Entering the goal
pays 1 and ends the episode, every other step pays 0.

With `slip` > 0 a move goes astray: with probability slip / 2 each it goes in one of the two directions
perpendicular to the one intended (Gymnasium's slippery FrozenLake is slip = 2/3), never backwards.

Source of the three mazes: Sutton and Barto, Reinforcement Learning, 2nd edition (2018), figures 8.2 (Dyna
maze), 8.4 (blocking maze, changes after 1000 steps) and 8.5 (shortcut maze, after 3000).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from textwrap import dedent

import numpy as np

from mbrl_teach.problems.tabular import Table, TransitionEnv

WALL, START, GOAL, FREE = "#SG."
ACTIONS = ("up", "right", "down", "left")
STEPS = ((-1, 0), (0, 1), (1, 0), (0, -1))  # what an action adds to (row, column)
CELL_PIXELS = 32

# Colours of Okabe and Ito, which all readers can tell apart, on dark walls.
COLORS = {WALL: "#3A3A3A", FREE: "#FFFFFF", START: "#56B4E9", GOAL: "#009E73"}
AGENT_COLOR, GRID_COLOR = "#D55E00", "#BBBBBB"


@dataclass(frozen=True)
class Maze:
    """A maze, given by its text; equal texts are equal mazes.

    Raises ValueError for rows of different lengths, a character that means nothing, and unless there is
    exactly one start and at least one goal.
    """

    text: str

    def __post_init__(self):
        lines = self.text.split("\n")
        lengths = [len(line) for line in lines]
        if len(set(lengths)) > 1:
            raise ValueError(f"the rows of a maze must have the same length; got the lengths {lengths}")
        unknown = sorted(set("".join(lines)) - {WALL, START, GOAL, FREE})
        if unknown:
            raise ValueError(f"a maze consists of '#', 'S', 'G' and '.'; got {unknown[0]!r}")
        if self.text.count(START) != 1:
            raise ValueError(f"a maze must have exactly one start 'S'; got {self.text.count(START)}")
        if self.text.count(GOAL) < 1:
            raise ValueError("a maze must have at least one goal 'G'; got none")

    @classmethod
    def from_text(cls, text: str) -> Maze:
        """The maze of a drawing, which may be indented and have blank lines around it."""
        return cls("\n".join(line.rstrip() for line in dedent(text).strip("\n ").splitlines()))

    @cached_property
    def _cells(self) -> np.ndarray:
        return np.array([list(line) for line in self.text.split("\n")])

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self._cells.shape[0]

    @property
    def columns(self) -> int:
        """Number of columns."""
        return self._cells.shape[1]

    @property
    def states(self) -> int:
        """Number of states: rows * columns."""
        return self._cells.size

    @property
    def walls(self) -> np.ndarray:
        """(rows, columns) bool: where walls stand."""
        return self._cells == WALL

    @property
    def start(self) -> int:
        """The state in which episodes begin."""
        return int(np.flatnonzero(self._cells == START)[0])

    @property
    def goals(self) -> tuple[int, ...]:
        """The states in which episodes end."""
        return tuple(np.flatnonzero(self._cells == GOAL).tolist())

    def state(self, row: int, column: int) -> int:
        """The number of a cell. Raises ValueError for a cell outside."""
        if not (0 <= row < self.rows and 0 <= column < self.columns):
            raise ValueError(
                f"cell must be inside the {self.rows} x {self.columns} maze; got ({row}, {column})"
            )
        return row * self.columns + column

    def cell(self, state: int) -> tuple[int, int]:
        """(row, column) of a state."""
        return divmod(state, self.columns)

    @cached_property
    def moves(self) -> np.ndarray:
        """(S, A) of int: the state in which each action ends that does not slip.

        From the cell of a wall the same rule leads out: an agent around whom a wall is built can leave it.
        """
        row, column = np.indices((self.rows, self.columns))
        here, following = row * self.columns + column, []
        for down, right in STEPS:
            to_row, to_column = row + down, column + right
            inside = (to_row >= 0) & (to_row < self.rows) & (to_column >= 0) & (to_column < self.columns)
            to = np.where(inside, to_row * self.columns + to_column, here)
            following.append(np.where(self.walls.ravel()[to], here, to).ravel())
        return np.stack(following, axis=1)

    def with_wall(self, cell: tuple[int, int], present: bool = True) -> Maze:
        """The same maze with a wall at `cell` = (row, column), or without one (`present=False`).

        Raises ValueError for a cell outside, and for the start and the goals.
        """
        s = self.state(*cell)
        cells = self._cells.copy()
        if cells.flat[s] in (START, GOAL):
            raise ValueError(f"cell {tuple(cell)} must stay as it is: it is the start or a goal")
        cells.flat[s] = WALL if present else FREE
        return Maze("\n".join("".join(line) for line in cells))

    def shortest_path_length(self) -> float:
        """Number of moves from the start to the nearest goal, by breadth-first search; inf without a way."""
        reached, length = {self.start}, 0
        frontier = reached
        while frontier:
            if frontier & set(self.goals):
                return length
            frontier = set(self.moves[sorted(frontier)].ravel().tolist()) - reached
            reached = reached | frontier
            length += 1
        return math.inf


DYNA_MAZE = Maze.from_text("""
    .......#G
    ..#....#.
    S.#....#.
    ..#......
    .....#...
    .........
""")

BLOCKING_MAZE = (
    Maze.from_text("""
        ........G
        .........
        .........
        ########.
        .........
        ...S.....
    """),
    Maze.from_text("""
        ........G
        .........
        .........
        .########
        .........
        ...S.....
    """),
)

SHORTCUT_MAZE = (BLOCKING_MAZE[1], BLOCKING_MAZE[1].with_wall((3, 8), present=False))


def maze_transitions(maze: Maze, slip: float = 0.0) -> Table:
    """``P[s][a] = [(probability, next state, reward, terminated), …]``, one entry for each next state."""
    goals, moves = set(maze.goals), maze.moves.tolist()
    table: Table = {s: {} for s in range(maze.states)}
    for s, to in enumerate(moves):
        for a in range(len(ACTIONS)):
            if s in goals:
                table[s][a] = [(1.0, s, 0.0, True)]
                continue
            chances: dict[int, float] = {}
            for direction, chance in ((a, 1.0 - slip), (a - 1, slip / 2), (a + 1, slip / 2)):
                following = to[direction % 4]
                chances[following] = chances.get(following, 0.0) + chance
            table[s][a] = [(p, x, float(x in goals), x in goals) for x, p in chances.items() if p > 0.0]
    return table


class MazeEnv(TransitionEnv):
    """A maze as a Gymnasium environment; it may change while the agent learns.

    Parameters
        maze: the maze at the beginning
        slip: probability that a move goes to one of the sides of its direction, in [0, 1]
        changes: {number of steps: Maze}; the steps of all episodes are counted. Once so many have been made
            the maze is the new one, in the middle of an episode too. An agent on a cell that becomes a wall
            can walk out of it
        render_mode: "rgb_array" or None

    Attributes: `maze` and `P` (lists as in toy_text) are those of now, `steps` counts, `state` is the cell.
    Raises ValueError for a slip outside [0, 1], mazes of different sizes and changes before the first step.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 8}  # noqa: RUF012 - gymnasium's own form

    def __init__(
        self,
        maze: Maze,
        *,
        slip: float = 0.0,
        changes: Mapping[int, Maze] | None = None,
        render_mode: str | None = None,
    ):
        if not 0.0 <= slip <= 1.0:
            raise ValueError(f"slip must be in [0, 1]; got {slip}")
        self.slip, self.changes, self.steps = float(slip), dict(changes or {}), 0
        for step, later in self.changes.items():
            if (later.rows, later.columns) != (maze.rows, maze.columns):
                raise ValueError(
                    f"changes must keep the size {maze.rows} x {maze.columns}; "
                    f"the maze of step {step} is {later.rows} x {later.columns}"
                )
            if step < 1:
                raise ValueError(f"changes must happen after one step or more; got {step}")
        self.maze = maze
        super().__init__(maze_transitions(maze, self.slip), _start(maze), render_mode=render_mode)

    def step(self, action: int) -> tuple[int, float, bool, bool, dict]:
        """One move; see `TransitionEnv.step`. If its number is in `changes`, the maze changes after it."""
        outcome = super().step(action)
        self.steps += 1
        if self.steps in self.changes:
            self.maze = self.changes[self.steps]
            self.P, self.initial_state_distrib = maze_transitions(self.maze, self.slip), _start(self.maze)
        return outcome

    def render(self) -> np.ndarray | None:
        """The maze and the agent as an image (32 rows, 32 columns, 3) of uint8, or None without a mode."""
        return None if self.render_mode is None else maze_image(self.maze, self.state)


def _start(maze: Maze) -> np.ndarray:
    return np.eye(maze.states)[maze.start]


def maze_image(maze: Maze, agent: int | None = None) -> np.ndarray:
    """A maze as an image (32 rows, 32 columns, 3) of uint8, with the agent as a disc on its cell."""
    from PIL import Image, ImageDraw

    size = CELL_PIXELS
    image = Image.new("RGB", (maze.columns * size, maze.rows * size))
    draw = ImageDraw.Draw(image)
    for s, kind in enumerate(maze.text.replace("\n", "")):
        row, column = maze.cell(s)
        x, y = column * size, row * size
        draw.rectangle((x, y, x + size - 1, y + size - 1), fill=COLORS[kind], outline=GRID_COLOR)
        if kind in (START, GOAL):
            draw.text((x + size / 2, y + size / 2), kind, fill="#000000", anchor="mm", font_size=size * 0.6)
        if s == agent:
            edge = 0.2 * size
            draw.ellipse((x + edge, y + edge, x + size - edge, y + size - edge), fill=AGENT_COLOR)
    return np.asarray(image, dtype=np.uint8).copy()


def dyna_maze(*, slip: float = 0.0, render_mode: str | None = None) -> MazeEnv:
    """The Dyna maze (figure 8.2): 6 x 9 cells, the shortest way has 14 moves."""
    return MazeEnv(DYNA_MAZE, slip=slip, render_mode=render_mode)


def stochastic_dyna_maze(*, slip: float = 0.2, render_mode: str | None = None) -> MazeEnv:
    """The Dyna maze in which every fifth move goes astray."""
    return MazeEnv(DYNA_MAZE, slip=slip, render_mode=render_mode)


def blocking_maze(*, slip: float = 0.0, change: int = 1000, render_mode: str | None = None) -> MazeEnv:
    """The blocking maze (figure 8.4): after `change` steps the way of 10 moves closes, one of 16 opens."""
    before, after = BLOCKING_MAZE
    return MazeEnv(before, slip=slip, changes={change: after}, render_mode=render_mode)


def shortcut_maze(*, slip: float = 0.0, change: int = 3000, render_mode: str | None = None) -> MazeEnv:
    """The shortcut maze (figure 8.5): the way has 16 moves; after `change` steps one of 10 opens as well."""
    before, after = SHORTCUT_MAZE
    return MazeEnv(before, slip=slip, changes={change: after}, render_mode=render_mode)
