"""RiverSwim: the numbers of the papers, and why random actions do not find the far bank."""

import gymnasium
import numpy as np
import pytest

import mbrl_teach.problems.environments  # noqa: F401 (registers the worlds)
from mbrl_teach.planning.dynamic_programming import backward_induction
from mbrl_teach.problems.river_swim import RiverSwimEnv, one_cell_at_most, river_swim
from mbrl_teach.problems.tabular import transition_table


def test_a_stroke_moves_by_one_cell_at_most_and_the_current_always_does():
    world = river_swim()
    for s in range(6):
        assert world.P[0, s, max(s - 1, 0)] == 1.0
    np.testing.assert_array_equal(world.P[1, 0], [0.4, 0.6, 0, 0, 0, 0])
    np.testing.assert_array_equal(world.P[1, 3], [0, 0, 0.05, 0.6, 0.35, 0])
    np.testing.assert_array_equal(world.P[1, 5], [0, 0, 0, 0, 0.4, 0.6])
    assert np.argwhere(world.R).tolist() == [[0, 0], [5, 1]]
    assert world.R[0, 0] == 0.005
    assert world.R[5, 1] == 1.0
    possible = np.moveaxis(one_cell_at_most(6) > 0, 0, 1)
    assert (possible | (world.P == 0.0)).all()
    assert possible[1, 3].tolist() == [False, False, True, True, True, False]


def test_going_right_is_best_by_far():
    world = river_swim()
    V, policy = backward_induction(world.P, world.R, 20)
    assert (policy[:10] == 1).all()
    assert V[0, 0] > 30 * 20 * 0.005  # 30 times as much as staying at the bank


@pytest.mark.parametrize(("cells", "steps", "chance"), [(6, 20, 0.02), (10, 40, 4e-4)])
def test_random_actions_hardly_ever_come_to_the_far_bank(cells, steps, chance):
    """By the powers of P, with the last cell made absorbing."""
    P = river_swim(cells).P.mean(axis=0)
    P[-1] = np.eye(cells)[-1]
    assert np.linalg.matrix_power(P, steps)[0, -1] == pytest.approx(chance, rel=0.15)


def test_the_environment_is_the_table():
    env = gymnasium.make("mbrl_teach/RiverSwim-v0", cells=4, small_reward=0.1, large_reward=2.0)
    listed, world = transition_table(env), river_swim(4, small_reward=0.1, large_reward=2.0)
    for name in ("P", "R", "start", "terminal"):
        np.testing.assert_array_equal(getattr(listed, name), getattr(world, name))
    state, _ = env.reset(seed=0)
    assert state == 0
    assert env.step(0)[:4] == (0, 0.1, False, False)
    ends = [env.step(1)[3] for _ in range(19)]
    assert ends == [False] * 18 + [True]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: river_swim(1), "cells must be a whole number from 2 on"),
        (lambda: one_cell_at_most(1), "cells must be a whole number from 2 on"),
        (lambda: RiverSwimEnv(small_reward=np.nan), "small_reward must be finite"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
