"""Planning over T steps against the tree of all futures and the list of all sequences."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mbrl_teach.planning.dynamic_programming import (
    backward_induction,
    best_open_loop,
    open_loop_value,
    value_iteration,
)
from mbrl_teach.problems.mazes import DYNA_MAZE, MazeEnv
from mbrl_teach.problems.tabular import transition_table


def random_world(seed, S=4, A=3):
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.full(S, 0.5), size=(A, S)), rng.normal(size=(S, A)), rng.dirichlet(np.ones(S))


def tree_value(P, R, s, steps, gamma, V_final):
    """The best expected sum of rewards by trying every action and every outcome."""
    if steps == 0:
        return V_final[s]
    following = [tree_value(P, R, x, steps - 1, gamma, V_final) for x in range(len(R))]
    return max(
        R[s, a] + gamma * sum(p * v for p, v in zip(P[a, s], following, strict=True))
        for a in range(R.shape[1])
    )


def paths_value(P, R, start, actions, gamma):
    """Σ over all paths of probability times return."""
    total = 0.0
    for path in itertools.product(range(len(R)), repeat=len(actions)):
        probability = start[path[0]]
        for a, s, x in zip(actions, path, path[1:], strict=False):
            probability *= P[a, s, x]
        total += probability * sum(
            gamma**t * R[s, a] for t, (s, a) in enumerate(zip(path, actions, strict=True))
        )
    return total


@pytest.mark.parametrize("gamma", [1.0, 0.8, 0.0])
def test_the_closed_loop_is_the_best_of_the_tree_of_futures(gamma):
    P, R, V_final = random_world(0)
    V, policy = backward_induction(P, R, 4, gamma, V_final)
    for steps in range(5):
        expected = [tree_value(P, R, s, steps, gamma, V_final) for s in range(4)]
        assert V[4 - steps] == pytest.approx(expected, abs=1e-12)
    Q = [[R[s, a] + gamma * P[a, s] @ V[1] for a in range(3)] for s in range(4)]
    assert np.array_equal(policy[0], np.argmax(Q, axis=1))


def test_over_a_long_horizon_the_closed_loop_earns_what_value_iteration_says():
    P, R, _ = random_world(1)
    V, policy = backward_induction(P, R, 300, 0.9)
    assert V[0] == pytest.approx(value_iteration(P, R, 0.9).V, abs=1e-9)
    assert np.array_equal(policy[0], value_iteration(P, R, 0.9).policy)


def test_a_sequence_is_worth_the_sum_over_all_paths():
    P, R, start = random_world(2)
    for actions in ([0], [2, 1], [1, 1, 0, 2]):
        expected = paths_value(P, R, start, actions, 0.9)
        assert open_loop_value(P, R, start, actions, 0.9) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("seed", "gamma", "horizon"), [(3, 1.0, 1), (4, 0.9, 2), (5, 1.0, 5), (6, 0.5, 6)])
def test_the_open_loop_is_the_best_of_all_sequences(seed, gamma, horizon):
    P, R, start = random_world(seed)
    best = max(open_loop_value(P, R, start, x, gamma) for x in itertools.product(range(3), repeat=horizon))
    value, actions = best_open_loop(P, R, start, horizon, gamma)
    assert value == pytest.approx(best, abs=1e-12)
    assert actions.shape == (horizon,)
    assert open_loop_value(P, R, start, actions, gamma) == pytest.approx(best, abs=1e-12)


def test_where_sequences_meet_again_the_better_one_is_carried_on():
    """Action 1 pays 1 where action 0 pays nothing, and both lead to the same state."""
    P = np.zeros((2, 3, 3))
    P[:, 0, 1] = P[:, 1, 2] = P[:, 2, 2] = 1.0
    value, actions = best_open_loop(P, [[0.0, 1.0], [2.0, 0.0], [0.0, 0.0]], [1.0, 0.0, 0.0], 2)
    assert (value, actions.tolist()) == (3.0, [1, 0])


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), horizon=st.integers(1, 5), gamma=st.sampled_from([0.7, 1.0]))
def test_feedback_never_loses(seed, horizon, gamma):
    P, R, start = random_world(seed)
    closed = start @ backward_induction(P, R, horizon, gamma).V[0]
    assert best_open_loop(P, R, start, horizon, gamma).value <= closed + 1e-12


def test_without_chance_feedback_wins_nothing_however_long_the_horizon():
    world = transition_table(MazeEnv(DYNA_MAZE))
    closed = world.start @ backward_induction(world.P, world.R, 100, 0.95).V[0]
    value, actions = best_open_loop(world.P, world.R, world.start, 100, 0.95)
    assert value == pytest.approx(closed, rel=1e-12)
    assert closed == pytest.approx(0.95**13, rel=1e-12)
    assert len(actions) == 100


def test_a_horizon_too_long_for_exact_search_is_refused_before_memory_runs_out():
    P, R, start = random_world(0, S=100, A=100)
    with pytest.raises(
        ValueError, match=r"horizon is too long for an exact search .* step t = 4 .* 100,000,000"
    ):
        best_open_loop(P, R, start, 4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"start": [0.5, 0.5, 0.5, 0.0]}, r"start must hold probabilities that sum to 1; got the sum 1\.5"),
        ({"start": [1.0, 0.0, 0.0]}, r"start must have shape \(S,\) = \(4,\); got \(3,\)"),
        ({"horizon": 0}, "horizon must be a whole number from 1 on; got 0"),
        ({"gamma": 2.0}, r"gamma must be in \[0, 1\]; got 2\.0"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    P, R, start = random_world(0)
    with pytest.raises(ValueError, match=message):
        best_open_loop(**({"P": P, "R": R, "start": start, "horizon": 2} | arguments))


def test_an_action_that_the_world_does_not_have_is_named():
    with pytest.raises(ValueError, match="actions must hold actions 0 … 2; got 5"):
        open_loop_value(*random_world(0), [0, 5])
