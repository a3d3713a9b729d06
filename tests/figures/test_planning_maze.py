"""Planning in a maze, sweep by sweep: what is known after k sweeps is what lies k moves from the goal."""

from itertools import pairwise

import numpy as np
import pytest

from mbrl_teach.figures.planning_maze import think, watch_planning
from mbrl_teach.problems.mazes import BLOCKING_MAZE, DYNA_MAZE, Maze

WALLED_IN = Maze.from_text("""
    S#.
    .#G
""")


def moves_to_goal(maze):
    """By breadth-first search from the goal backward; inf where no way leads."""
    distance = np.full(maze.states, np.inf)
    distance[list(maze.goals)] = 0.0
    for k in range(maze.states):
        reaches = (distance[maze.moves] == k).any(axis=1)
        distance[reaches & ~maze.walls.ravel() & np.isinf(distance)] = k + 1
    return distance


@pytest.mark.parametrize("maze", [DYNA_MAZE, BLOCKING_MAZE[0], WALLED_IN])
def test_after_k_sweeps_the_cells_up_to_k_moves_away_are_known(maze):
    distance = moves_to_goal(maze)
    cells = ~maze.walls.ravel() & (distance > 0)
    for k, known in enumerate(think(maze, 0.9, 20)):
        within = distance <= k
        assert np.array_equal(~np.isnan(known.V[cells]), within[cells])
        assert known.V[cells & within] == pytest.approx(0.9 ** (distance[cells & within] - 1), abs=1e-12)


@pytest.mark.parametrize("maze", [DYNA_MAZE, *BLOCKING_MAZE])
def test_a_shortest_way_appears_with_the_sweep_that_reaches_the_start(maze):
    length = maze.shortest_path_length()
    thoughts = think(maze, 0.95, 24)
    assert [len(known.way) - 1 for known in thoughts] == [0] * length + [length] * (25 - length)
    way = thoughts[-1].way
    assert way[0] == maze.start
    assert way[-1] in maze.goals
    assert all(after in maze.moves[before] for before, after in pairwise(way))


def test_no_thought_finds_a_way_where_there_is_none():
    assert [known.way for known in think(WALLED_IN, 0.95, 10)] == [[WALLED_IN.start]] * 11


def test_the_slider_and_the_buttons_move_the_picture_and_its_words():
    figure = watch_planning({"open": DYNA_MAZE, "closed": DYNA_MAZE.with_wall((3, 7))}, first=10)
    before = figure.pixels
    assert "10 sweeps" in figure.alt
    assert "no way known" in figure.alt
    figure.set(sweep=14)
    assert "a way of 14 moves" in figure.alt
    assert (figure.pixels != before).any()
    figure.set(maze="closed")
    assert "no way known" in figure.alt
    figure.set(sweep=16)
    assert "a way of 16 moves" in figure.alt


@pytest.mark.parametrize("mazes", [{}, {"small": WALLED_IN, "large": DYNA_MAZE}])
def test_mazes_of_no_common_size_are_refused(mazes):
    with pytest.raises(ValueError, match="mazes must hold one or more of the same size"):
        watch_planning(mazes)
