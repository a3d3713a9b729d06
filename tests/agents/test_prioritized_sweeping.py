"""Prioritised sweeping: the queue does what a search of all pairs would, and saves updates."""

import gymnasium as gym
import numpy as np
import pytest

from mbrl_teach.agents.dyna import dyna_q
from mbrl_teach.agents.prioritized_sweeping import _Queue, prioritized_sweeping
from mbrl_teach.planning.dynamic_programming import action_values, policy_evaluation, value_iteration
from mbrl_teach.problems.mazes import Maze, MazeEnv, blocking_maze, dyna_maze
from mbrl_teach.problems.tabular import transition_table
from tests.agents.small_worlds import Clock, room, stochastic_world


def sweep(env, *, seed=0, **changed):
    arguments = {
        "planning_steps": 20,
        "episodes": 20,
        "gamma": 0.9,
        "epsilon": 0.2,
        "rng": np.random.default_rng(seed),
    }
    return prioritized_sweeping(env, **(arguments | changed))


def test_the_first_reward_runs_back_along_the_whole_way():
    """In a corridor of ten cells one episode tells the value of each: γ to the number of steps to come."""
    corridor = MazeEnv(Maze.from_text("S........G"))
    q = sweep(corridor, episodes=1, planning_steps=100).q
    np.testing.assert_allclose(q.max(axis=1)[:9], 0.9 ** np.arange(8, -1, -1))
    history = sweep(corridor, episodes=1, planning_steps=3)
    assert history.updates[0] == np.count_nonzero(history.q) == 3


def test_every_step_is_replayed_by_a_search_of_all_pairs():
    """The plain algorithm keeps {pair: priority} and looks through all of it, and through all pairs for predecessors."""
    steps, alpha, gamma, threshold = [], 0.5, 0.9, 1e-3
    sweep(room(), alpha=alpha, threshold=threshold, planning_steps=4, callback=steps.append)
    q, model, queue = np.zeros((9, 4)), {}, {}
    target = lambda pair: model[pair][0] + gamma * (0.0 if model[pair][2] else q[model[pair][1]].max())

    def put(pair):
        priority = abs(target(pair) - q[pair])
        if priority > max(threshold, queue.get(pair, 0.0)):
            queue[pair] = priority

    for step in steps:
        model[step.state, step.action] = (step.reward, step.next_state, step.terminated)
        put((step.state, step.action))
        for pair in map(tuple, step.planned.tolist()):
            assert queue.pop(pair) >= max(queue.values(), default=0.0) - 1e-12
            q[pair] += alpha * (target(pair) - q[pair])
            for before in model:
                if model[before][1] == pair[0]:
                    put(before)
        assert len(step.planned) == 4 or not queue
        np.testing.assert_allclose(step.q, q, atol=1e-12)


@pytest.mark.parametrize("imagine", ["last", "expected"])
def test_nothing_follows_a_terminated_step(imagine):
    assert sweep(Clock(terminates=True), imagine=imagine).q[0, 0] == 1.0


def test_the_queue_gives_the_highest_priority_first():
    rng, queue, plain = np.random.default_rng(0), _Queue(0.2), {}
    for _ in range(3000):
        if rng.random() < 0.6:
            pair, priority = (int(rng.integers(5)), int(rng.integers(4))), float(rng.random())
            queue.put(*pair, priority)
            if priority > max(0.2, plain.get(pair, 0.0)):
                plain[pair] = priority
        elif plain:
            pair = queue.take()
            assert plain.pop(pair) > max(plain.values(), default=0.0)
        assert len(queue) == len(plain)


def test_it_needs_a_tenth_of_the_updates_of_dyna_q():
    """Until the greedy way leads through the Dyna maze to the goal, median of 15 seeds."""
    world, needed = transition_table(dyna_maze()), {}

    class Found(Exception):
        pass

    def updates_needed(agent, seed, **how):
        made = 0

        def stop(step):
            nonlocal made
            made += len(step.planned) + (agent is dyna_q)
            if step.terminated:
                V = policy_evaluation(world.P, world.R, step.q.argmax(axis=1), 0.95)
                if V @ world.start > 0.0:
                    raise Found

        with pytest.raises(Found):
            agent(
                dyna_maze(),
                episodes=500,
                planning_steps=5,
                gamma=0.95,
                epsilon=0.1,
                rng=np.random.default_rng(seed),
                callback=stop,
                **how,
            )
        return made

    needed["sweeping"] = np.median([updates_needed(prioritized_sweeping, seed) for seed in range(15)])
    needed["Dyna-Q"] = np.median([updates_needed(dyna_q, seed, alpha=0.5) for seed in range(15)])
    assert 10 * needed["sweeping"] < needed["Dyna-Q"]


def test_expectations_come_to_the_values_of_the_model():
    history = sweep(
        stochastic_world(),
        episodes=None,
        total_steps=700,
        imagine="expected",
        epsilon=1.0,
        threshold=1e-9,
        planning_steps=50,
    )
    model = history.model
    V, _ = value_iteration(model.P, model.R, 0.9)
    np.testing.assert_allclose(history.q, action_values(model.P, model.R, V, 0.9), atol=1e-2)


def test_a_way_that_is_closed_is_forgotten():
    """With the last outcome as model, values of the old way fall as soon as the wall has been met."""
    history = sweep(blocking_maze(), episodes=None, total_steps=4000, epsilon=0.5, planning_steps=50)
    assert history.rewards[:1000].sum() > 0
    before_the_old_gap, right = 4 * 9 + 8, 0
    assert history.model.last_outcome[before_the_old_gap][right][1] == before_the_old_gap
    assert history.q[before_the_old_gap, right] <= 0.9 * history.q[before_the_old_gap].max() + 1e-3


def test_a_pair_below_the_threshold_is_left_alone():
    assert sweep(room(), threshold=2.0).updates[-1] == 0


@pytest.mark.parametrize(
    "env", [gym.make("FrozenLake-v1", is_slippery=False), gym.make("CliffWalking-v1")], ids=["lake", "cliff"]
)
def test_it_solves_gymnasiums_worlds(env):
    history = sweep(env, episodes=None, total_steps=3000, gamma=0.95)
    world = transition_table(env)
    V, _ = value_iteration(world.P, world.R, 0.95)
    V_greedy = policy_evaluation(world.P, world.R, history.q.argmax(axis=1), 0.95)
    assert V_greedy @ world.start == pytest.approx(V @ world.start)


@pytest.mark.parametrize(
    ("env", "changed", "message"),
    [
        (gym.make("CartPole-v1"), {}, "env.observation_space must be Discrete"),
        (Clock(reward=np.inf), {}, "env must give finite rewards; got inf"),
        (room(), {"alpha": 0.0}, r"alpha must lie in \(0, 1\]; got 0.0"),
        (room(), {"threshold": -1.0}, "threshold must be a finite number >= 0; got -1.0"),
        (room(), {"imagine": "sample"}, "imagine must be one of 'last', 'expected'; got 'sample'"),
    ],
)
def test_what_does_not_fit_is_named(env, changed, message):
    with pytest.raises(ValueError, match=message):
        sweep(env, **changed)
