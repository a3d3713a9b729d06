"""Planning seen from above: value iteration in a maze, sweep by sweep, and the way that it finds.

A sweep replaces every value by the best that one move and the value behind it promise,

    V(s) <- max_a [R(s, a) + γ V(s')].

It begins at zero. In a maze whose goal pays 1 the k-th sweep reaches the cells that are k moves from the
goal, and no others: what is known spreads from the goal like a wave, and a way from the start is known
once the wave has reached it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from ipywidgets import IntSlider, ToggleButtons

from mbrl_teach.figures.live import LiveFigure
from mbrl_teach.figures.mazes import (
    move_agent,
    move_maze,
    move_policy,
    move_values,
    plot_agent,
    plot_maze,
    plot_policy,
    plot_values,
)
from mbrl_teach.figures.style import subplots
from mbrl_teach.planning.dynamic_programming import action_values
from mbrl_teach.problems.mazes import Maze, MazeEnv
from mbrl_teach.problems.tabular import transition_table


class Thought(NamedTuple):
    """What is known after some sweeps: `V` (S,), NaN where nothing is, `Q` (S, 4), and the `way` (T+1,)."""

    V: np.ndarray
    Q: np.ndarray
    way: list[int]


def watch_planning(
    mazes: Mapping[str, Maze], *, gamma: float = 0.95, sweeps: int = 24, first: int = 10
) -> LiveFigure:
    """A slider through the sweeps of value iteration, and a button for each maze, all of one size.

    gamma: the discount, between 0 and 1; sweeps: the end of the slider; first: where it stands at first

    Raises ValueError for no maze and for mazes of different sizes.
    """
    mazes = _read_mazes(mazes)
    thoughts = {name: think(maze, gamma, sweeps) for name, maze in mazes.items()}
    name, maze = next(iter(mazes.items()))
    known = thoughts[name][0]
    figure, axes = subplots(size=(6.4, 3.5))
    drawn_maze = plot_maze(axes, maze)
    lowest = gamma ** (sweeps - 1)  # of what the last sweep of the slider reaches
    colours = plot_values(axes, maze, known.V, limits=(lowest, 1.0), label="value of a cell")
    arrows = plot_policy(axes, maze, known.Q)
    agent = plot_agent(axes, maze, known.way)
    title = axes.set_title(" ")

    def move(sweep: int, maze: str) -> None:
        known, drawn = thoughts[maze][sweep], mazes[maze]
        move_maze(drawn_maze, drawn)
        move_values(colours, drawn, known.V)
        move_policy(arrows, drawn, known.Q)
        move_agent(agent, drawn, known.way)
        title.set_text(_said(sweep, known))

    return LiveFigure(
        figure,
        move,
        artists=[drawn_maze, colours, arrows, agent, title],
        controls={
            "sweep": IntSlider(first, min=0, max=sweeps, description="sweeps of thought"),
            "maze": ToggleButtons(options=list(mazes), style={"button_width": "auto"}),
        },
        alt=lambda sweep, maze: (
            f"The maze ({maze}) from above. {_said(sweep, thoughts[maze][sweep])}; colours and arrows "
            "surround the goal and reach as many moves far as there were sweeps."
        ),
    )


def think(maze: Maze, gamma: float, sweeps: int) -> list[Thought]:
    """What is known after 0, 1 … `sweeps` sweeps of value iteration in `maze`."""
    world = transition_table(MazeEnv(maze))
    V, Q = np.zeros(maze.states), np.zeros((maze.states, 4))
    thoughts = [_thought(maze, V, Q)]
    for _ in range(sweeps):
        Q = action_values(world.P, world.R, V, gamma)
        V = Q.max(axis=1)
        thoughts.append(_thought(maze, V, Q))
    return thoughts


def _thought(maze: Maze, V: np.ndarray, Q: np.ndarray) -> Thought:
    s, way = maze.start, [maze.start]
    while V[s] > 0.0:  # the next cell is known too, and nearer to the goal, where V = 0
        s = int(maze.moves[s, Q[s].argmax()])
        way.append(s)
    return Thought(np.where(V > 0.0, V, np.nan), Q, way)


def _said(sweep: int, known: Thought) -> str:
    thought = f"{sweep} {'sweep' if sweep == 1 else 'sweeps'} of thought, 0 steps taken"
    moves = len(known.way) - 1
    return f"{thought}: {f'a way of {moves} moves' if moves else 'no way known from S'}"


def _read_mazes(mazes: Mapping[str, Maze]) -> dict[str, Maze]:
    mazes = dict(mazes)
    sizes = {(maze.rows, maze.columns) for maze in mazes.values()}
    if len(sizes) != 1:
        raise ValueError(
            f"mazes must hold one or more of the same size (rows, columns); got the sizes {sorted(sizes)}"
        )
    return mazes
