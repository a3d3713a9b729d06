"""Mazes: the pictures of the book, moves, slips, changes, and a student's edits."""

import math

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from scipy.stats import chisquare

from mbrl_teach.planning.dynamic_programming import value_iteration
from mbrl_teach.problems import environments
from mbrl_teach.problems.mazes import BLOCKING_MAZE, DYNA_MAZE, SHORTCUT_MAZE, Maze, MazeEnv, maze_image
from mbrl_teach.problems.tabular import transition_table

UP, RIGHT, DOWN, LEFT = range(4)
NAMES = pytest.mark.parametrize("name", [name for name, *_ in environments.ENVIRONMENTS if "Maze" in name])
CORNER = Maze.from_text("""
    S.#
    ..G
""")


def walk(env, actions):
    """The cells (row, column) after each action."""
    return [env.maze.cell(env.step(a)[0]) for a in actions]


@pytest.mark.parametrize(
    ("maze", "length"),
    [
        (DYNA_MAZE, 14),
        (BLOCKING_MAZE[0], 10),
        (BLOCKING_MAZE[1], 16),
        (SHORTCUT_MAZE[0], 16),
        (SHORTCUT_MAZE[1], 10),
    ],
)
def test_the_shortest_ways_are_those_of_the_book(maze, length):
    """Sutton and Barto (2018), section 8.2 and figures 8.4 and 8.5; value iteration finds the same ways."""
    assert (maze.rows, maze.columns) == (6, 9)
    assert maze.shortest_path_length() == length
    world = transition_table(MazeEnv(maze))
    V, _ = value_iteration(world.P, world.R, 0.95)
    assert V[maze.start] == pytest.approx(0.95 ** (length - 1), abs=1e-9)


def test_the_dyna_maze_stands_as_in_the_books_figure():
    walls = {(1, 2), (2, 2), (3, 2), (4, 5), (0, 7), (1, 7), (2, 7)}
    assert {tuple(cell) for cell in np.argwhere(DYNA_MAZE.walls).tolist()} == walls
    assert DYNA_MAZE.cell(DYNA_MAZE.start) == (2, 0)
    assert [DYNA_MAZE.cell(goal) for goal in DYNA_MAZE.goals] == [(0, 8)]


def test_a_maze_is_its_text_however_it_is_indented():
    assert Maze.from_text("S.#\n..G") == CORNER
    assert CORNER.text == "S.#\n..G"
    assert hash(Maze(CORNER.text)) == hash(CORNER)


def test_states_count_the_cells_row_by_row():
    assert CORNER.state(1, 2) == 5
    assert CORNER.cell(5) == (1, 2)
    assert (CORNER.start, CORNER.goals, CORNER.states) == (0, (5,), 6)
    with pytest.raises(ValueError, match=r"cell must be inside the 2 x 3 maze; got \(2, 0\)"):
        CORNER.state(2, 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("S..\n.G", r"the rows of a maze must have the same length; got the lengths \[3, 2\]"),
        ("...\n..G", "exactly one start 'S'; got 0"),
        ("S.S\n..G", "exactly one start 'S'; got 2"),
        ("S..\n...", "at least one goal 'G'; got none"),
        ("S.x\n..G", "consists of '#', 'S', 'G' and '.'; got 'x'"),
        ("", "exactly one start 'S'; got 0"),
    ],
)
def test_what_is_no_maze_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        Maze.from_text(text)


def test_an_edit_gives_a_new_maze_and_can_be_taken_back():
    edited = DYNA_MAZE.with_wall((2, 1))
    assert edited.walls[2, 1]
    assert not DYNA_MAZE.walls[2, 1]
    assert edited.with_wall((2, 1), present=False) == DYNA_MAZE
    assert edited.with_wall((2, 1)) == edited
    for cell in ((2, 0), (0, 8)):
        with pytest.raises(ValueError, match="must stay as it is: it is the start or a goal"):
            DYNA_MAZE.with_wall(cell)


def test_a_way_that_is_walled_off_has_no_length():
    assert CORNER.with_wall((1, 1)).shortest_path_length() == math.inf
    world = transition_table(MazeEnv(CORNER.with_wall((1, 1))))
    assert value_iteration(world.P, world.R, 0.9).V[CORNER.start] == 0.0


def test_of_several_goals_the_nearest_counts():
    assert Maze.from_text("G...S.G").shortest_path_length() == 2


def test_moves_stop_at_walls_and_edges_and_the_goal_pays_one():
    env = MazeEnv(CORNER)
    assert env.reset(seed=0)[0] == CORNER.start
    assert walk(env, [UP, LEFT, RIGHT, RIGHT, DOWN]) == [(0, 0), (0, 0), (0, 1), (0, 1), (1, 1)]
    assert env.step(LEFT)[1:4] == (0.0, False, False)
    assert walk(env, [RIGHT]) == [(1, 1)]
    assert env.step(RIGHT)[:4] == (5, 1.0, True, False)


def test_a_slip_goes_to_the_sides_and_never_back():
    """From the middle of an open field, 4000 steps; false alarm below 1e-5 for each action."""
    field = Maze.from_text("S....\n.....\n.....\n....G")
    env, middle = MazeEnv(field, slip=0.3), field.state(2, 2)
    env.reset(seed=0)
    cells = {UP: (1, 2), RIGHT: (2, 3), DOWN: (3, 2), LEFT: (2, 1)}
    for action in range(4):
        counts = dict.fromkeys(cells.values(), 0)
        for _ in range(4000):
            env.state = middle
            counts[field.cell(env.step(action)[0])] += 1
        meant, right, back, left = (counts[cells[(action + turn) % 4]] for turn in range(4))
        assert back == 0
        assert chisquare([meant, right, left], [2800, 600, 600]).pvalue > 1e-5


def test_with_slip_two_thirds_the_maze_is_gymnasiums_slippery_lake():
    """Actions of the lake: 0 left, 1 down, 2 right, 3 up."""
    lake = transition_table(gymnasium.make("FrozenLake-v1", desc=["SFFF", "FFFF", "FFFF", "FFFG"]))
    maze = transition_table(MazeEnv(Maze.from_text("S...\n....\n....\n...G"), slip=2 / 3))
    order = [UP, RIGHT, DOWN, LEFT]
    of_lake = [3, 2, 1, 0]
    assert maze.P[order] == pytest.approx(lake.P[of_lake], abs=1e-12)
    assert maze.R[:, order] == pytest.approx(lake.R[:, of_lake], abs=1e-12)
    assert np.array_equal(maze.terminal, lake.terminal)


@pytest.mark.parametrize("slip", [0.0, 0.2, 1.0])
def test_the_lists_hold_each_next_state_once_with_probabilities_that_sum_to_one(slip):
    env = MazeEnv(DYNA_MAZE, slip=slip)
    for of_state in env.P.values():
        for outcomes in of_state.values():
            following = [x for _, x, _, _ in outcomes]
            assert len(set(following)) == len(following)
            assert sum(p for p, *_ in outcomes) == pytest.approx(1.0, abs=1e-15)
            assert all(p > 0.0 for p, *_ in outcomes)


@pytest.mark.parametrize(("name", "step"), [("BlockingMaze-v0", 1000), ("ShortcutMaze-v0", 3000)])
def test_the_maze_changes_after_the_books_number_of_steps_counted_over_episodes(name, step):
    env = gymnasium.make(f"mbrl_teach/{name}").unwrapped
    before, after = BLOCKING_MAZE if "Blocking" in name else SHORTCUT_MAZE
    rng = np.random.default_rng(0)
    env.reset(seed=0)
    for _ in range(step):
        assert env.maze == before
        if env.step(int(rng.integers(4)))[2]:
            env.reset()
    assert env.maze == after
    assert env.steps == step
    assert env.P == MazeEnv(after).P
    env.reset(seed=1)
    assert env.maze == after


def test_an_agent_around_whom_a_wall_is_built_walks_out():
    env = MazeEnv(Maze.from_text("S.G"), changes={1: Maze.from_text("S#G")})
    env.reset(seed=0)
    assert env.step(RIGHT)[0] == 1
    assert env.maze.walls[0, 1]
    assert env.step(LEFT)[0] == 0
    assert env.step(RIGHT)[0] == 0


def test_a_start_that_moves_counts_from_the_next_episode_on():
    env = MazeEnv(Maze.from_text("S.G"), changes={1: Maze.from_text(".SG")})
    env.reset(seed=0)
    assert env.step(LEFT)[0] == 0
    assert env.reset()[0] == 1


@NAMES
@pytest.mark.filterwarnings("error")
def test_registered_mazes_pass_gymnasiums_checker(name):
    env = gymnasium.make(f"mbrl_teach/{name}", render_mode="rgb_array")
    check_env(env.unwrapped)
    assert env.spec.max_episode_steps is None


def test_arguments_of_make_reach_the_maze():
    assert gymnasium.make("mbrl_teach/StochasticDynaMaze-v0").unwrapped.slip == 0.2
    assert gymnasium.make("mbrl_teach/DynaMaze-v0", slip=0.5).unwrapped.slip == 0.5
    assert list(gymnasium.make("mbrl_teach/BlockingMaze-v0", change=7).unwrapped.changes) == [7]


def test_the_picture_shows_walls_goal_and_agent():
    env = MazeEnv(CORNER, render_mode="rgb_array")
    env.reset(seed=0)
    before = env.render()
    assert before.shape == (64, 96, 3)
    assert before.dtype == np.uint8
    env.step(DOWN)
    changed = {(y // 32, x // 32) for y, x in np.argwhere((env.render() != before).any(axis=-1)).tolist()}
    assert changed == {(0, 0), (1, 0)}
    wall, free, goal = (
        maze_image(CORNER)[32 * row + 4, 32 * column + 4] for row, column in ((0, 2), (0, 1), (1, 2))
    )
    assert wall.max() < 80
    assert free.min() == 255
    assert goal[1] > goal[0]
    assert MazeEnv(CORNER).render() is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"slip": 1.2}, r"slip must be in \[0, 1\]; got 1\.2"),
        ({"slip": math.nan}, r"slip must be in \[0, 1\]; got nan"),
        ({"changes": {5: DYNA_MAZE}}, "changes must keep the size 2 x 3; the maze of step 5 is 6 x 9"),
        ({"changes": {0: CORNER}}, "changes must happen after one step or more; got 0"),
        ({"render_mode": "human"}, r"render_mode must be None or one of \['rgb_array'\]; got 'human'"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        MazeEnv(CORNER, **arguments)
