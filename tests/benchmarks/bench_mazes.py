"""A slider's move of a maze with all its layers, in the kernel, against a full redraw."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
from ipywidgets import IntSlider

from mbrl_teach.figures.live import LiveFigure
from mbrl_teach.figures.mazes import (
    move_action_values,
    move_agent,
    move_policy,
    move_updates,
    move_values,
    plot_action_values,
    plot_agent,
    plot_maze,
    plot_policy,
    plot_updates,
    plot_values,
)
from mbrl_teach.figures.style import subplots
from tests.benchmarks.paired import Row, compare
from tests.figures.test_live import full_draw

FRAMES = 4


def rows() -> Iterator[Row]:
    for rows, columns in ((6, 9), (25, 25)):
        live = _live(rows, columns)
        frames = itertools.cycle(range(FRAMES))
        move = lambda live=live, frames=frames: live.set(frame=next(frames))
        redraw = lambda live=live: full_draw(live)
        work = f"move all layers of a maze of {rows} x {columns} (kernel)"
        yield compare(work, move, "full redraw", redraw, target="ours < 100 ms")


def _live(rows: int, columns: int) -> LiveFigure:
    """Values, arrows, marks and the agent on the left; four values a cell on the right."""
    rng = np.random.default_rng(0)
    S = rows * columns
    walls = rng.random((rows, columns)) < 0.2
    maze = SimpleNamespace(rows=rows, columns=columns, walls=walls, start=0, goals=(S - 1,))
    q = rng.random((FRAMES, S, 4))
    counts = rng.integers(0, 3, size=(FRAMES, S, 4))
    states = rng.integers(0, S, size=(FRAMES, 50))
    figure, (left, right) = subplots(1, 2, size=(10.0, 3.6))
    for axes in (left, right):
        plot_maze(axes, maze)
    layers = [
        (move_values, plot_values(left, maze, q[0].max(axis=1), label="V(s)"), q.max(axis=2)),
        (move_policy, plot_policy(left, maze, q[0]), q),
        (move_updates, plot_updates(left, maze, counts[0]), counts),
        (move_agent, plot_agent(left, maze, states[0]), states),
        (move_action_values, plot_action_values(right, maze, q[0], label="Q(s, a)"), q),
    ]

    def update(frame):
        for move, artists, numbers in layers:
            move(artists, maze, numbers[frame])

    artists = [artists for _, artists, _ in layers]
    return LiveFigure(figure, update, artists, {"frame": IntSlider(0, max=FRAMES - 1)}, "a maze")
