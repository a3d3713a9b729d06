"""Exact planning over an infinite horizon against a linear program, brute force and closed forms."""

import itertools

import gymnasium
import numpy as np
import pytest
from scipy.optimize import linprog

from mbrl_teach.planning.dynamic_programming import (
    action_values,
    policy_evaluation,
    policy_iteration,
    value_iteration,
)
from mbrl_teach.problems.mazes import DYNA_MAZE, MazeEnv
from mbrl_teach.problems.small_worlds import corridor
from mbrl_teach.problems.tabular import transition_table

SOLVERS = pytest.mark.parametrize("solve", [value_iteration, policy_iteration])


def random_world(seed, S=12, A=3):
    """Every row has a few likely next states, as real worlds have."""
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.full(S, 0.3), size=(A, S)), rng.normal(size=(S, A))


def linear_program(P, R, gamma, low=None):
    """The least V with V(s) >= R(s, a) + γ Σ P V for all s and a (Puterman 1994, section 6.9)."""
    A, S, _ = P.shape
    rows = np.concatenate([gamma * P[a] - np.eye(S) for a in range(A)])
    tight = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
    found = linprog(np.ones(S), rows, -R.T.ravel(), bounds=(low, None), method="highs", options=tight)
    assert found.success
    return found.x


def world_of(name, **arguments):
    return transition_table(gymnasium.make(name, **arguments))


@SOLVERS
@pytest.mark.parametrize("gamma", [0.3, 0.9, 0.99])
@pytest.mark.parametrize("seed", range(4))
def test_the_values_are_those_of_the_linear_program(solve, gamma, seed):
    P, R = random_world(seed, S=5 + 5 * seed, A=2 + seed)
    V, policy = solve(P, R, gamma)
    assert pytest.approx(linear_program(P, R, gamma), abs=1e-8) == V
    assert policy_evaluation(P, R, policy, gamma) == pytest.approx(V, abs=1e-8)


@SOLVERS
@pytest.mark.parametrize("seed", range(5))
def test_no_policy_of_all_is_better_in_any_state(solve, seed):
    P, R = random_world(seed, S=4, A=3)
    V, policy = solve(P, R, 0.9)
    values = [policy_evaluation(P, R, choice, 0.9) for choice in itertools.product(range(3), repeat=4)]
    best = np.max(values, axis=0)
    assert pytest.approx(best, abs=1e-9) == V
    assert policy_evaluation(P, R, policy, 0.9) == pytest.approx(best, abs=1e-12)


@pytest.mark.parametrize("gamma", [0.5, 0.95, 0.99, 0.999])
def test_value_iteration_ends_within_its_tolerance_where_the_contraction_is_slowest(gamma):
    """Two states that swap: nothing averages out, and the error shrinks by γ a sweep, no faster."""
    P = np.array([[[0.0, 1.0], [1.0, 0.0]]])
    V, _ = value_iteration(P, [[1.0], [0.5]], gamma)
    exact = np.array([1.0 + 0.5 * gamma, 0.5 + gamma]) / (1.0 - gamma**2)
    assert np.abs(V - exact).max() <= 1e-9


@SOLVERS
def test_without_a_future_the_largest_reward_is_the_value(solve):
    P, R = random_world(0)
    V, policy = solve(P, R, 0.0)
    assert np.array_equal(V, R.max(axis=1))
    assert np.array_equal(policy, R.argmax(axis=1))


@SOLVERS
def test_huge_values_end_where_float64_does(solve):
    V, _ = solve([[[1.0]]], [[1e9]], 0.99)
    assert pytest.approx([1e11], rel=1e-12) == V


def test_an_action_value_is_the_reward_and_the_discounted_value_of_where_it_leads():
    P, R = random_world(1)
    V = np.random.default_rng(2).normal(size=12)
    expected = [
        [R[s, a] + 0.7 * sum(P[a, s, x] * V[x] for x in range(12)) for a in range(3)] for s in range(12)
    ]
    assert action_values(P, R, V, 0.7) == pytest.approx(np.array(expected), rel=1e-12)


def test_a_large_sparse_world_has_the_same_action_values():
    world = world_of("Taxi-v4")
    V = np.random.default_rng(0).normal(size=500)
    expected = world.R + 0.9 * np.einsum("asx,x->sa", world.P, V)
    assert action_values(world.P, world.R, V, 0.9) == pytest.approx(expected, abs=1e-12)


def test_a_policys_value_is_its_sum_of_discounted_rewards():
    P, R = random_world(3)
    probabilities = np.random.default_rng(4).dirichlet(np.ones(3), size=12)
    chain = sum(probabilities[:, [a]] * P[a] for a in range(3))
    rewards, total = (probabilities * R).sum(axis=1), np.zeros(12)
    for t in range(400):
        total += 0.9**t * (np.linalg.matrix_power(chain, t) @ rewards)
    assert policy_evaluation(P, R, probabilities, 0.9) == pytest.approx(total, abs=1e-12)


def test_a_policy_of_actions_is_one_of_certain_probabilities():
    P, R = random_world(5)
    policy = np.arange(12) % 3
    certain = policy_evaluation(P, R, np.eye(3)[policy], 0.9)
    assert np.array_equal(policy_evaluation(P, R, policy, 0.9), certain)


@SOLVERS
@pytest.mark.parametrize("slippery", [False, True])
def test_without_discount_frozen_lakes_value_is_the_chance_to_arrive(solve, slippery):
    """Rewards are never negative there: V is the least non-negative solution (Puterman 1994, section 7.2)."""
    world = world_of("FrozenLake-v1", is_slippery=slippery)
    V, policy = solve(world.P, world.R, 1.0)
    assert pytest.approx(linear_program(world.P, world.R, 1.0, low=0.0), abs=1e-8) == V
    assert policy_evaluation(world.P, world.R, policy, 1.0) == pytest.approx(V, abs=1e-12)


@SOLVERS
def test_without_discount_cliff_walking_takes_thirteen_steps(solve):
    world = world_of("CliffWalking-v1")
    V, _ = solve(world.P, world.R, 1.0)
    assert world.start @ V == pytest.approx(-13.0, abs=1e-12)


@SOLVERS
def test_without_discount_the_policy_of_a_maze_arrives_though_circling_looks_as_good(solve):
    """Each action has the value 1 in each cell that has a way to the goal; a first-of-equals policy circles."""
    world = transition_table(MazeEnv(DYNA_MAZE.with_wall((0, 3)).with_wall((1, 4)).with_wall((1, 2))))
    V, policy = solve(world.P, world.R, 1.0)
    state, steps = DYNA_MAZE.start, 0
    while not world.terminal[state]:
        state, steps = int(world.P[policy[state], state].argmax()), steps + 1
        assert steps <= 54
    assert V[DYNA_MAZE.start] == pytest.approx(1.0, abs=1e-12)


@SOLVERS
def test_without_discount_a_cell_walled_in_is_worth_nothing(solve):
    maze = DYNA_MAZE.with_wall((4, 0)).with_wall((5, 1))
    world = transition_table(MazeEnv(maze))
    assert solve(world.P, world.R, 1.0).V[maze.state(5, 0)] == 0.0


@SOLVERS
def test_without_discount_rewards_that_never_end_are_refused(solve):
    with pytest.raises(ValueError, match="gamma = 1"):
        solve(np.ones((1, 1, 1)), [[1.0]], 1.0)


@pytest.mark.parametrize("seed", range(6))
def test_without_discount_a_world_without_an_end_is_refused_early_and_says_what_a_step_earns(seed):
    """What the best policy earns a step in the long run is what a sweep adds to V after many of them."""
    P, R = random_world(seed)
    V = np.zeros(12)
    for _ in range(1000):
        V_last, V = V, (R + (P @ V).T).max(axis=1)
    gain = (V - V_last)[0]
    with pytest.raises(ValueError, match=rf"from state 0 the best policy earns {gain:.4g} a step") as refusal:
        value_iteration(P, R, 1.0)
    assert "use gamma < 1" in str(refusal.value)


def test_without_discount_only_the_states_whose_rewards_never_end_are_to_blame():
    """State 0 ends after a step, state 1 cannot: it is the one that is named; sweeps alone are patient."""
    P = np.array([[[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]])
    with pytest.raises(ValueError, match="from state 1 the best policy earns -2 a step"):
        value_iteration(P, [[5.0], [-2.0], [0.0]], 1.0)


@pytest.mark.parametrize("slip", [0.5, 0.6])
def test_without_discount_a_long_way_to_the_end_is_none_without_an_end(slip):
    """A corridor whose end is hundreds or thousands of sweeps away is solved, not refused."""
    cells = 30
    world = corridor(cells, slip=slip)
    best = 1.0 - min(slip, 1.0 - slip)  # slips can be relied on: for slip > 1/2 the best action is left
    u, D = (1.0 - best) / best, [1.0 / best]
    for _ in range(cells - 2):
        D.append(1.0 / best + u * D[-1])
    assert value_iteration(world.P, world.R, 1.0).V[0] == pytest.approx(-sum(D), rel=1e-9)


@pytest.mark.parametrize("gamma", [0.9999, 0.99999, 1.0 - 1e-8])
@pytest.mark.parametrize("seed", range(3))
def test_near_no_discount_value_iteration_takes_no_longer_and_agrees_with_policy_iteration(gamma, seed):
    P, R = random_world(seed)
    V, policy = value_iteration(P, R, gamma, max_iterations=10_000)
    assert pytest.approx(policy_iteration(P, R, gamma).V, rel=1e-12 / (1.0 - gamma)) == V
    Q = action_values(P, R, V, gamma)
    assert Q[np.arange(12), policy] == pytest.approx(Q.max(axis=1), rel=1e-12)
    assert Q.max(axis=1) == pytest.approx(V, rel=1e-12)


def test_without_discount_waiting_for_ever_at_no_cost_is_worth_nothing_and_better_than_an_end_that_costs():
    P = np.array([[[0.0, 1.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 1.0]]])
    V, policy = value_iteration(P, [[-1.0, 0.0], [0.0, 0.0]], 1.0)
    assert (V.tolist(), policy[0]) == ([0.0, 0.0], 1)


def test_values_that_no_policy_earns_are_refused():
    """A reward of 1 is paid back a step later; waiting keeps the promise of it for ever, and earns nothing."""
    P = np.zeros((2, 3, 3))
    P[0] = [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]
    P[1] = [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]
    with pytest.raises(ValueError, match="no policy earns the values that the sweeps approach"):
        value_iteration(P, [[0.0, 1.0], [-1.0, -1.0], [0.0, 0.0]], 1.0)


def test_value_iteration_says_when_it_runs_out_of_sweeps():
    P, R = random_world(0)
    with pytest.raises(ValueError, match=r"did not converge in 7 sweeps with gamma = 0\.9"):
        value_iteration(P, R, 0.9, max_iterations=7)


def test_without_discount_a_policy_that_pays_for_ever_has_no_value_and_one_that_rests_has():
    P = np.array([[[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [0.0, 1.0]]])
    R = np.array([[-2.0, -1.0], [0.0, 0.0]])
    with pytest.raises(ValueError, match="comes back to state 0 for ever, with reward -2"):
        policy_evaluation(P, R, [0, 0], 1.0)
    assert policy_evaluation(P, R, [1, 0], 1.0) == pytest.approx([-1.0, 0.0])
    assert policy_evaluation(P, 0.0 * R, [0, 0], 1.0) == pytest.approx([0.0, 0.0])


def test_action_names_the_row_that_is_no_probability():
    P, R = random_world(0)
    P[1, 4] *= 0.9
    with pytest.raises(
        ValueError, match=r"each row P\[a, s\] must sum to 1; got 0\.9 for action 1 in state 4"
    ):
        value_iteration(P, R, 0.9)
    P[1, 4] = np.eye(12)[0] * 1.5 - np.eye(12)[7] * 0.5
    with pytest.raises(
        ValueError, match=r"P must not be negative; got -0\.5 for action 1 in state 4 \(P\[1, 4, 7\]"
    ):
        policy_iteration(P, R, 0.9)


@SOLVERS
@pytest.mark.parametrize("gamma", [-0.1, 1.0001, np.nan, np.inf])
def test_a_discount_outside_of_zero_to_one_is_refused(solve, gamma):
    with pytest.raises(ValueError, match=r"gamma must be in \[0, 1\]; got"):
        solve(*random_world(0), gamma)


@pytest.mark.parametrize(
    ("P", "R", "message"),
    [
        (np.ones((1, 2, 3)) / 3, np.zeros((2, 1)), r"P must have shape \(A, S, S\); got \(1, 2, 3\)"),
        (np.ones((1, 2, 2)) / 2, np.zeros((1, 2)), r"R must have shape \(S, A\) = \(2, 1\); got \(1, 2\)"),
        (np.full((1, 2, 2), np.nan), np.zeros((2, 1)), "P must be finite; got NaN"),
        (np.ones((1, 2, 2)) / 2, [[0.0], [np.nan]], "R must be finite; got NaN"),
        (np.ones((0, 2, 2)), np.zeros((2, 0)), "P must have A >= 1"),
    ],
)
def test_what_is_no_world_is_refused(P, R, message):
    for solve in (value_iteration, policy_iteration):
        with pytest.raises(ValueError, match=message):
            solve(P, R, 0.9)


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (np.full(12, 3), r"policy must hold actions 0 … 2; got 3"),
        (np.full(12, 0.5), r"policy must hold actions 0 … 2; got 0\.5"),
        (np.zeros(11), r"policy must have shape \(S,\) = \(12,\); got \(11,\)"),
        (np.full((12, 3), 0.3), "policy must hold probabilities that sum to 1; in state 0"),
        (np.full((3, 12), 1 / 12), r"policy must have shape \(S, A\) = \(12, 3\); got \(3, 12\)"),
    ],
)
def test_what_is_no_policy_is_refused(policy, message):
    with pytest.raises(ValueError, match=message):
        policy_evaluation(*random_world(0), policy, 0.9)
