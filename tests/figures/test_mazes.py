"""A maze's layers stand in the cells and point the ways that their numbers say, and move with them."""

import re
from collections import namedtuple

import ipywidgets as widgets
import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb
from numpy.testing import assert_allclose, assert_array_equal

from mbrl_teach.figures.live import LiveFigure
from mbrl_teach.figures.mazes import (
    move_action_values,
    move_agent,
    move_maze,
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
from mbrl_teach.figures.style import COLORS, INK, PAGE, subplots
from tests.figures.test_live import full_draw
from tests.figures.test_style import contrast

Maze = namedtuple("Maze", "rows columns walls start goals")

WALLS = np.array([[0, 0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 0]], dtype=bool)
MAZE = Maze(3, 4, WALLS, 4, (3,))  # S in row 1, column 0; G in the upper right corner
S = 12
CLOSED = {2, 3, 6}  # walls and goal
FREE = sorted(set(range(S)) - CLOSED)
WAYS = {0: (0, -1), 1: (1, 0), 2: (0, 1), 3: (-1, 0)}  # (column, row): up, right, down, left


@pytest.fixture
def axes():
    axes = subplots()[1]
    plot_maze(axes, MAZE)
    return axes


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def polygons(collection):
    return [path.vertices[:-1] for path in collection.get_paths()]


def squares(walls):
    return [points[:-1] for points in walls.get_path().to_polygons()]


def cell(points):
    """The state in whose cell a shape lies as a whole."""
    column, row = np.round(points.mean(axis=0)).astype(int)
    assert (np.abs(points - [column, row]) <= 0.5 + 1e-12).all()
    return int(row * MAZE.columns + column)


def arrowheads(collection):
    """(state, action) of each arrow: its tip is the vertex that lies farthest from its tail."""
    pairs = []
    for points in polygons(collection):
        tail = (points[0] + points[-1]) / 2
        tip = points[np.linalg.norm(points - tail, axis=1).argmax()]
        across, down = np.sign(np.round(tip - tail, 6))
        pairs.append((cell(points), next(a for a, way in WAYS.items() if way == (across, down))))
    return pairs


def sides(collection):
    """(state, action) of each shape that lies on one side of its cell."""
    pairs = []
    for points in polygons(collection):
        state = cell(points)
        offset = points.mean(axis=0) - [state % MAZE.columns, state // MAZE.columns]
        pairs.append((state, max(WAYS, key=lambda a: np.dot(WAYS[a], offset))))
    return pairs


def test_walls_start_and_goal_stand_in_their_cells_with_row_zero_at_the_top():
    _, axes = subplots()
    walls, start, goals = plot_maze(axes, MAZE)
    assert [cell(points) for points in squares(walls)] == [2, 6]
    assert cell(start.get_xydata()) == 4
    assert_array_equal(goals.get_xydata(), [[3, 0]])
    assert axes.get_xlim() == (-0.5, 3.5)
    assert axes.get_ylim() == (2.5, -0.5)
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_aspect()) == ("column", "row", 1.0)


def test_a_wall_covers_its_whole_cell():
    walls, *_ = plot_maze(subplots()[1], MAZE)
    for points in squares(walls):
        assert_allclose(np.ptp(points, axis=0), 1.0)


def test_walls_move_with_the_maze_and_a_maze_may_have_several_goals_or_none():
    artists = walls, start, goals = plot_maze(subplots()[1], MAZE)
    move_maze(artists, Maze(3, 4, np.roll(WALLS, -1, axis=1), 0, (8, 11)))
    assert [cell(points) for points in squares(walls)] == [1, 5]
    assert cell(start.get_xydata()) == 0
    assert_array_equal(goals.get_xydata(), [[0, 2], [3, 2]])
    move_maze(artists, Maze(3, 4, np.zeros((3, 4), bool), 0, ()))
    assert len(squares(walls)) == len(goals.get_xdata()) == 0


def test_values_lie_in_their_cells_and_walls_and_goals_are_blank(axes):
    image = plot_values(axes, MAZE, np.arange(S))
    assert tuple(image.get_extent()) == (-0.5, 3.5, 2.5, -0.5)
    shown = image.get_array()
    blank = [divmod(state, 4) for state in sorted(CLOSED)]
    assert_array_equal(np.argwhere(np.ma.getmaskarray(shown)), blank)
    assert_array_equal(shown.ravel()[FREE], FREE)


def test_the_scale_of_colours_is_that_of_the_cells_that_are_drawn_and_a_move_keeps_it(axes):
    values = np.where(np.isin(np.arange(S), FREE), np.arange(S), 99.0)
    image = plot_values(axes, MAZE, values)
    assert image.get_clim() == (0.0, 11.0)
    move_values(image, MAZE, 2.0 * np.arange(S))
    assert image.get_clim() == (0.0, 11.0)
    assert_array_equal(image.get_array().ravel()[FREE], 2.0 * np.array(FREE))
    assert plot_values(axes, MAZE, values, limits=(-1, 3)).get_clim() == (-1, 3)


def test_values_that_are_all_equal_or_all_unknown_are_drawn(axes):
    assert plot_values(axes, MAZE, np.zeros(S)).get_clim() == (0.0, 1.0)
    image = plot_values(axes, MAZE, np.full(S, np.nan))
    assert image.get_array().mask.all()


def test_action_values_lie_on_the_side_to_which_the_action_leads(axes, rng):
    q = rng.normal(size=(S, 4))
    triangles = plot_action_values(axes, MAZE, q)
    pairs = sides(triangles)
    assert sorted(pairs) == [(s, a) for s in FREE for a in range(4)]
    assert_array_equal(triangles.get_array(), [q[pair] for pair in pairs])
    assert triangles.get_clim() == (q[FREE].min(), q[FREE].max())


def test_four_triangles_fill_a_cell(axes):
    for points in polygons(plot_action_values(axes, MAZE, np.zeros((S, 4)))):
        (x1, y1), (x2, y2) = points[1] - points[0], points[2] - points[0]
        assert abs(x1 * y2 - x2 * y1) / 2 == pytest.approx(0.25)


def test_moved_action_values_keep_the_scale_and_leave_out_what_is_unknown(axes, rng):
    triangles = plot_action_values(axes, MAZE, np.zeros((S, 4)), limits=(0, 1))
    q = rng.normal(size=(S, 4))
    q[FREE[0], 2] = np.nan
    move_action_values(triangles, MAZE, q)
    pairs = sides(triangles)
    assert len(pairs) == 4 * len(FREE) - 1
    assert (FREE[0], 2) not in pairs
    assert_array_equal(triangles.get_array(), [q[pair] for pair in pairs])
    assert triangles.get_clim() == (0, 1)


def test_each_free_cell_has_the_arrow_of_its_action_in_its_middle(axes):
    policy = np.arange(S) % 4
    arrows = plot_policy(axes, MAZE, policy)
    assert arrowheads(arrows) == [(s, s % 4) for s in FREE]
    for points in polygons(arrows):
        state = cell(points)
        middle = (points.max(axis=0) + points.min(axis=0)) / 2
        assert_allclose(middle, [state % 4, state // 4], atol=1e-12)


def test_a_table_shows_its_largest_actions_and_ties_have_an_arrow_each(axes):
    q = np.zeros((S, 4))
    q[0] = [0.1, 0.7, 0.1, 0.7 * (1 + 1e-12)]  # a tie but for rounding
    q[1] = [0.0, 0.0, 1e-14, 0.0]  # early in learning: tiny, but better
    q[4] = [-3.0, -2.0, -2.0, -2.0]
    q[5] = [np.nan, 0.5, 0.4, np.nan]
    q[7] = np.nan
    assert arrowheads(plot_policy(axes, MAZE, q)) == [(0, 1), (0, 3), (1, 2), (4, 1), (4, 2), (4, 3), (5, 1)]


def test_where_all_actions_tie_there_is_no_arrow(axes):
    assert polygons(plot_policy(axes, MAZE, np.full((S, 4), 0.3))) == []


def test_arrows_move_with_the_policy_and_with_the_walls(axes):
    arrows = plot_policy(axes, MAZE, np.zeros((S, 4)))
    move_policy(arrows, MAZE, np.full(S, 3))
    assert arrowheads(arrows) == [(s, 3) for s in FREE]
    move_policy(arrows, MAZE._replace(walls=np.zeros((3, 4), bool)), np.full(S, 3))
    assert arrowheads(arrows) == [(s, 3) for s in range(S) if s != 3]


def test_updated_pairs_are_marked_and_more_updates_have_more_colour(axes):
    counts = np.zeros((S, 4), dtype=int)
    counts[4, 0], counts[4, 3], counts[11, 2], counts[0, 1] = 1, 4, 2, 4
    marks = plot_updates(axes, MAZE, counts)
    pairs = sides(marks)
    assert pairs == [(0, 1), (4, 0), (4, 3), (11, 2)]
    saturation = {pair: np.ptp(color[:3]) for pair, color in zip(pairs, marks.get_facecolor(), strict=True)}
    assert saturation[4, 0] < saturation[11, 2] < saturation[4, 3] == saturation[0, 1]
    assert to_hex(marks.get_facecolor()[0]).upper() == COLORS["reddish purple"]


def test_marks_move_to_other_pairs_or_vanish(axes):
    counts = np.zeros((S, 4))
    marks = plot_updates(axes, MAZE, counts)
    assert polygons(marks) == []
    counts[9, 1] = 3
    move_updates(marks, MAZE, counts)
    assert sides(marks) == [(9, 1)]
    assert len(marks.get_facecolor()) == 1


def test_the_agent_stands_in_its_last_state_and_its_path_runs_through_all(axes):
    artists = path, dot = plot_agent(axes, MAZE, [4, 8, 9, 9, 10])
    assert_array_equal(path.get_xydata(), [[0, 1], [0, 2], [1, 2], [1, 2], [2, 2]])
    assert_array_equal(dot.get_xydata(), [[2, 2]])
    move_agent(artists, MAZE, [4])
    assert_array_equal(path.get_xydata(), dot.get_xydata())
    assert_array_equal(dot.get_xydata(), [[0, 1]])


def test_arrows_stand_out_from_every_colour_of_the_map_by_their_ink_or_by_their_edge():
    for share in np.linspace(0, 1, 101):
        color = matplotlib.colormaps["viridis"](share)
        assert max(contrast(INK, color), contrast(PAGE, color)) >= 3.0


def test_a_labelled_scale_of_colours_is_readable_in_a_dark_notebook(axes):
    with matplotlib.rc_context():
        matplotlib.style.use("dark_background")
        plot_values(axes, MAZE, np.arange(S), label="V(s)")
    assert plot_values(axes, MAZE, np.arange(S)).colorbar is None
    _, bar = axes.figure.axes
    assert bar.get_ylabel() == "V(s)"
    for text in (bar.yaxis.label, *bar.get_yticklabels()):
        assert to_rgb(text.get_color()) == to_rgb(INK)


def test_every_layer_moves_in_a_live_figure_as_a_full_draw_would_show_it(rng):
    figure, (left, right) = subplots(1, 2, size=(7, 3))
    mazes = MAZE, MAZE._replace(walls=np.roll(WALLS, -1, axis=1), goals=(11,))
    q, counts, ways = rng.random((2, S, 4)), rng.integers(0, 2, size=(2, S, 4)), ([4, 5], [4, 5, 9])
    layers = [
        (move_values, plot_values(left, MAZE, q[0].max(axis=1), label="V(s)"), q.max(axis=2)),
        (move_policy, plot_policy(left, MAZE, q[0]), q),
        (move_updates, plot_updates(left, MAZE, counts[0]), counts),
        (move_agent, plot_agent(left, MAZE, ways[0]), ways),
        (move_action_values, plot_action_values(right, MAZE, q[0], label="Q(s, a)"), q),
    ]
    walls = [plot_maze(axes, MAZE) for axes in (left, right)]

    def update(k):
        for artists in walls:
            move_maze(artists, mazes[k])
        for move, artists, numbers in layers:
            move(artists, mazes[k], numbers[k])

    moving = [walls, [artists for _, artists, _ in layers]]
    live = LiveFigure(figure, update, moving, {"k": widgets.IntSlider(0, max=1)}, "a maze")
    first = live.pixels
    live.set(k=1)
    assert live.message == ""
    assert (live.pixels != first).any()
    assert_array_equal(live.pixels, full_draw(live))
    live.set(k=0)
    assert_array_equal(live.pixels, first)


@pytest.mark.parametrize(
    ("plot", "numbers", "words"),
    [
        (plot_values, np.zeros(11), "values must have shape (S,) = (12,); got (11,)"),
        (plot_action_values, np.zeros((12, 3)), "q must have shape (S, A) = (12, 4); got (12, 3)"),
        (plot_policy, np.zeros(11), "policy must have shape (S,) = (12,); got (11,)"),
        (plot_policy, np.zeros((12, 5)), "policy must have shape (S, A) = (12, 4); got (12, 5)"),
        (plot_policy, np.full(12, 4), "policy must be whole numbers from 0 to 3; got 4"),
        (plot_policy, np.full(12, 0.5), "policy must be whole numbers from 0 to 3; got 0.5"),
        (plot_updates, np.zeros(12), "counts must have shape (S, A) = (12, 4); got (12,)"),
        (plot_updates, np.full((12, 4), -1), "counts must not be negative; got -1"),
        (plot_agent, [12], "states must be whole numbers from 0 to 11; got 12"),
        (plot_agent, [], "states must have shape (T+1,); got (0,)"),
    ],
)
def test_numbers_that_do_not_fit_are_refused_by_name(axes, plot, numbers, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        plot(axes, MAZE, numbers)


def test_limits_that_hold_no_colours_between_them_are_refused(axes):
    with pytest.raises(ValueError, match="limits must be a lower and a higher number"):
        plot_values(axes, MAZE, np.zeros(S), limits=(1, 1))
