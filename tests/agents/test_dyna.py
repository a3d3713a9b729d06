"""Dyna-Q: every value that it learns is replayed, update by update, by a plain second implementation."""

from collections import Counter

import gymnasium as gym
import numpy as np
import pytest
from scipy import stats

from mbrl_teach.agents.dyna import dyna_q
from mbrl_teach.agents.experience import epsilon_greedy, stream
from mbrl_teach.models.table import TableModel
from mbrl_teach.planning.dynamic_programming import action_values, policy_evaluation, value_iteration
from mbrl_teach.problems.mazes import blocking_maze, dyna_maze
from mbrl_teach.problems.tabular import transition_table
from tests.agents.small_worlds import SETTINGS, Clock, Shifted, room, stochastic_world

RARE = 1e-5  # the false-alarm rate of a single statistical test


def learn(env, *, seed=0, **changed):
    arguments = {"planning_steps": 5, "episodes": 20, **SETTINGS, "rng": np.random.default_rng(seed)}
    return dyna_q(env, **(arguments | changed))


def recorded(env, **arguments):
    steps = []
    return learn(env, callback=steps.append, **arguments), steps


def replayed(steps, *, direct=True, imagine="last", bonus=0.0):
    """q from the steps and the planned pairs of a run alone, with dictionaries: for deterministic choices."""
    alpha, gamma = SETTINGS["alpha"], SETTINGS["gamma"]
    q, seen, when = np.zeros_like(steps[0].q), {}, {}
    for now, step in enumerate(steps, 1):
        s, a = step.state, step.action
        V = 0.0 if step.terminated else q[step.next_state].max()
        if direct:
            q[s, a] = (1 - alpha) * q[s, a] + alpha * (step.reward + gamma * V)
        seen.setdefault((s, a), []).append((step.reward, step.next_state, step.terminated))
        when[s, a] = now
        for s, a in map(tuple, step.planned):
            outcomes = seen.get((s, a), [(0.0, s, False)])
            outcomes = outcomes[-1:] if imagine == "last" else outcomes
            target = np.mean([r + gamma * (0.0 if end else q[x].max()) for r, x, end in outcomes])
            target += bonus * np.sqrt(now - when.get((s, a), 0))
            share = 1.0 if imagine == "expected" else alpha
            q[s, a] = (1 - share) * q[s, a] + share * target
        np.testing.assert_allclose(step.q, q, atol=1e-12)
    return q


@pytest.mark.parametrize(
    "how",
    [
        {"planning_steps": 0},
        {},
        {"direct": False},
        {"bonus": 0.01},
        {"imagine": "expected"},
        {"imagine": "expected", "bonus": 0.01, "direct": False},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "env", [room, stochastic_world, lambda: gym.make("FrozenLake-v1")], ids=["room", "world", "lake"]
)
def test_every_update_is_that_of_the_formula(env, how):
    history, steps = recorded(env(), total_steps=300, **how)
    how = {name: value for name, value in how.items() if name != "planning_steps"}
    np.testing.assert_allclose(history.q, replayed(steps, **how), atol=1e-12)


@pytest.mark.parametrize("bonus", [0.0, 0.01])
def test_the_callback_changes_nothing(bonus):
    with_callback, _ = recorded(dyna_maze(), total_steps=3000, bonus=bonus)
    without = learn(dyna_maze(), total_steps=3000, bonus=bonus)
    assert without.q.any()
    np.testing.assert_array_equal(with_callback.q, without.q)
    np.testing.assert_array_equal(with_callback.steps, without.steps)
    np.testing.assert_array_equal(with_callback.updates, without.updates)


def test_the_same_seed_learns_the_same_and_another_does_not():
    lake = lambda seed: learn(gym.make("FrozenLake-v1"), episodes=30, seed=seed).rewards.shape
    assert lake(1) == lake(1) != lake(2)


def test_planning_takes_visited_pairs_and_dyna_q_plus_all_actions_of_visited_states():
    for bonus in (0.0, 0.01):
        _, steps = recorded(room(), bonus=bonus)
        visited, states, untried = set(), set(), 0
        for step in steps:
            visited.add((step.state, step.action))
            states.add(step.state)
            planned = set(map(tuple, step.planned.tolist()))
            assert {s for s, _ in planned} <= states
            untried += len(planned - visited)
        assert 8 not in states  # the goal
        assert (untried > 0) == (bonus > 0)


def test_the_value_of_the_goal_stays_zero():
    for bonus in (0.0, 0.1):
        np.testing.assert_array_equal(learn(room(), bonus=bonus).q[8], 0.0)


@pytest.mark.parametrize(
    "how",
    [{"planning_steps": 0}, *({"imagine": name, "direct": False} for name in ("last", "sample", "expected"))],
    ids=str,
)
def test_nothing_follows_a_terminated_step_but_a_truncated_one_is_continued(how):
    once = learn(Clock(terminates=True), alpha=1.0, gamma=0.5, **how)
    assert once.q[0, 0] == 1.0
    cut = learn(gym.wrappers.TimeLimit(Clock(), 1), alpha=1.0, gamma=0.5, episodes=50, **how)
    assert cut.q[0, 0] == pytest.approx(2.0)  # 1 + 1/2 + 1/4 + …
    np.testing.assert_array_equal(cut.steps, 1)


def test_ties_are_broken_at_random_and_every_action_is_explored():
    """Of (1, 0, 1, 1) with ε = 0.4: 0.1 for the second action and 0.3 for each other."""
    uniforms = stream(np.random.default_rng(0))
    counts = Counter(epsilon_greedy([1.0, 0.0, 1.0, 1.0], 0.4, uniforms) for _ in range(10_000))
    assert stats.chisquare([counts[a] for a in range(4)], [3000, 1000, 3000, 3000]).pvalue > RARE


def test_expectations_come_to_the_values_of_the_model():
    history = learn(
        stochastic_world(), total_steps=2000, imagine="expected", direct=False, epsilon=1.0, planning_steps=20
    )
    model = history.model
    assert model.visited.all()
    V, _ = value_iteration(model.P, model.R, SETTINGS["gamma"])
    # The last counts have changed the model by 1/100; values cannot be nearer than that.
    np.testing.assert_allclose(history.q, action_values(model.P, model.R, V, SETTINGS["gamma"]), atol=0.05)


def test_samples_come_to_the_values_of_the_world_where_the_last_outcome_does_not():
    """With a small α, samples of P̂ average over what a pair leads to."""
    world, errors = transition_table(stochastic_world()), {}
    V, _ = value_iteration(world.P, world.R, SETTINGS["gamma"])
    Q = action_values(world.P, world.R, V, SETTINGS["gamma"])
    for imagine in ("sample", "last"):
        history = learn(
            stochastic_world(),
            total_steps=3000,
            imagine=imagine,
            direct=False,
            epsilon=1.0,
            alpha=0.02,
            planning_steps=10,
        )
        errors[imagine] = np.abs(history.q - Q).max()
    assert errors["sample"] < 0.25 * np.abs(Q).max()
    assert errors["sample"] < errors["last"]


@pytest.mark.parametrize(
    "how", [{}, {"direct": False}, {"imagine": "sample"}, {"imagine": "expected"}], ids=str
)
def test_every_kind_of_dyna_finds_the_shortest_way(how):
    world = transition_table(dyna_maze())
    history = learn(dyna_maze(), planning_steps=30, episodes=30, **how)
    V = policy_evaluation(world.P, world.R, history.q.argmax(axis=1), 0.9)
    assert V @ world.start == pytest.approx(0.9**13)


def test_a_world_may_count_its_states_and_actions_from_any_number():
    np.testing.assert_array_equal(learn(Shifted(room())).q, learn(room()).q)


def test_a_number_of_real_steps_ends_learning_in_the_middle_of_an_episode():
    history = learn(blocking_maze(), episodes=None, total_steps=1500)
    assert history.rewards.shape == (1500,)
    assert history.steps.sum() <= 1500
    assert history.returns.sum() == history.rewards.sum() == len(history.steps)
    assert history.model.steps == 1500


def test_the_history_counts_episodes_rewards_and_updates():
    history, steps = recorded(gym.make("CliffWalking-v1"), episodes=4, planning_steps=3)
    lengths = np.bincount([step.episode for step in steps])
    np.testing.assert_array_equal(history.steps, lengths)
    np.testing.assert_array_equal(history.rewards, [step.reward for step in steps])
    by_episode = np.split(history.rewards, lengths.cumsum()[:-1])
    np.testing.assert_allclose(history.returns, [part.sum() for part in by_episode])
    np.testing.assert_array_equal(history.updates, 4 * lengths.cumsum())  # one real, three imagined


def test_a_model_that_is_brought_along_goes_on_learning():
    first = learn(room())
    before = first.model.steps
    second = learn(room(), model=first.model, episodes=1, planning_steps=200)
    assert second.model is first.model
    assert second.model.steps == before + second.steps.sum()
    assert second.steps[0] < 20  # it plans the way before it has gone


class NoActions(Clock):
    def __init__(self):
        super().__init__()
        self.action_space = gym.spaces.Discrete(1)
        self.action_space.n = 0


@pytest.mark.parametrize(
    ("env", "changed", "message"),
    [
        (gym.make("CartPole-v1"), {}, "env.observation_space must be Discrete"),
        (gym.make("Blackjack-v1"), {}, "env.observation_space must be Discrete"),
        (NoActions(), {}, "env.action_space must have at least one element"),
        (Clock(reward=np.nan), {}, "env must give finite rewards; got nan at step 1, state 0, action 0"),
        (Clock(), {"alpha": 0.0}, r"alpha must lie in \(0, 1\]; got 0.0"),
        (Clock(), {"alpha": np.nan}, r"alpha must lie in \(0, 1\]; got nan"),
        (Clock(), {"gamma": 1.1}, r"gamma must lie in \[0, 1\]; got 1.1"),
        (Clock(), {"epsilon": -0.1}, r"epsilon must lie in \[0, 1\]; got -0.1"),
        (Clock(), {"planning_steps": 2.5}, "planning_steps must be a whole number from 0 on; got 2.5"),
        (Clock(), {"episodes": 0}, "episodes must be a whole number from 1 on; got 0"),
        (Clock(), {"total_steps": -1}, "total_steps must be a whole number from 1 on; got -1"),
        (Clock(), {"episodes": None}, "episodes or total_steps must be given"),
        (Clock(), {"bonus": -1.0}, "bonus must be a finite number >= 0; got -1.0"),
        (Clock(), {"imagine": "most"}, "imagine must be one of 'last', 'sample', 'expected'; got 'most'"),
        (Clock(), {"model": TableModel(2, 1)}, r"model must have .* \(1, 1\) .* got \(2, 1\)"),
        (Clock(), {"rng": 3}, "rng must be a numpy.random.Generator; got int"),
    ],
)
def test_what_does_not_fit_is_named(env, changed, message):
    with pytest.raises(ValueError, match=message):
        learn(env, **changed)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "world", "steps", "how"),
    [
        ("FrozenLake-v1", {"is_slippery": False}, 2000, {"alpha": 0.5, "epsilon": 0.1}),
        ("CliffWalking-v1", {}, 2000, {"alpha": 0.5, "epsilon": 0.1}),
        ("Taxi-v4", {}, 20_000, {"alpha": 0.5, "epsilon": 0.1}),
        ("FrozenLake-v1", {}, 20_000, {"alpha": 0.1, "epsilon": 0.5, "imagine": "expected", "direct": False}),
    ],
    ids=["lake", "cliff", "taxi", "slippery lake"],
)
def test_the_greedy_policy_is_within_5_percent_of_the_optimum(name, world, steps, how):
    """In at least 16 of 20 seeds, exactly evaluated, with γ = 0.99; and never in fewer than Q-learning's."""
    table = transition_table(gym.make(name, **world))
    V, _ = value_iteration(table.P, table.R, 0.99)
    best, good = V @ table.start, {}
    for planning_steps in (0, 20):
        values = []
        for seed in range(20):
            arguments = how if planning_steps else how | {"imagine": "last", "direct": True}
            history = learn(
                gym.make(name, **world),
                seed=seed,
                episodes=None,
                total_steps=steps,
                gamma=0.99,
                planning_steps=planning_steps,
                **arguments,
            )
            policy = history.q.argmax(axis=1)
            values.append(policy_evaluation(table.P, table.R, policy, 0.99) @ table.start)
        good[planning_steps] = np.sum(np.array(values) >= best - 0.05 * abs(best))
    assert good[20] >= max(16, good[0])
