"""Worlds in tables: what the arrays say is what the environment does."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from scipy.stats import chisquare

from mbrl_teach.problems.tabular import TabularEnv, TabularWorld, TransitionEnv, transition_table

TOY_TEXT = [
    ("FrozenLake-v1", {"is_slippery": True}),
    ("FrozenLake-v1", {"is_slippery": False, "map_name": "8x8"}),
    ("CliffWalking-v1", {}),
    ("CliffWalking-v1", {"is_slippery": True}),
    ("Taxi-v4", {}),
    ("Taxi-v4", {"is_rainy": True}),
]
toy_text = pytest.mark.parametrize(("name", "arguments"), TOY_TEXT)


def random_world(seed, S=6, A=3):
    """The last state is terminal."""
    rng = np.random.default_rng(seed)
    P, R = rng.dirichlet(np.full(S, 0.5), size=(A, S)), rng.normal(size=(S, A))
    P[:, -1], R[-1] = np.eye(S)[-1], 0.0
    start = np.append(rng.dirichlet(np.ones(S - 1)), 0.0)
    return TabularWorld(P, R, start, np.arange(S) == S - 1)


def table_env(P, start=(1.0, 0.0), states=2, actions=1):
    """An environment of which only spaces and lists matter."""
    env = TransitionEnv(P, np.array(start))
    env.observation_space = gymnasium.spaces.Discrete(states) if states else gymnasium.spaces.Box(0.0, 1.0)
    env.action_space = gymnasium.spaces.Discrete(actions) if actions else gymnasium.spaces.Box(0.0, 1.0)
    return env


@toy_text
def test_every_step_of_toy_text_is_possible_in_the_table_and_ends_where_it_says(name, arguments):
    env = gymnasium.make(name, **arguments)
    world = transition_table(env)
    rng = np.random.default_rng(0)
    s, _ = env.reset(seed=0)
    assert world.start[s] > 0.0
    for _ in range(3000):
        a = int(rng.integers(world.actions))
        following, _, terminated, truncated, _ = env.step(a)
        assert world.P[a, s, following] > 0.0
        assert world.terminal[following] == terminated
        s = env.reset()[0] if terminated or truncated else following


@toy_text
def test_the_arrays_are_the_sums_of_the_lists(name, arguments):
    env = gymnasium.make(name, **arguments)
    world, table = transition_table(env), env.unwrapped.P
    for s in np.flatnonzero(~world.terminal)[::7].tolist():
        for a in range(world.actions):
            outcomes = table[s][a]
            assert world.R[s, a] == pytest.approx(sum(p * r for p, _, r, _ in outcomes), abs=1e-12)
            for x in {x for _, x, _, _ in outcomes}:
                assert world.P[a, s, x] == pytest.approx(sum(o[0] for o in outcomes if o[1] == x), abs=1e-12)


def test_the_goal_of_cliff_walking_is_terminal_though_its_own_rows_lead_on():
    world = transition_table(gymnasium.make("CliffWalking-v1"))
    assert np.flatnonzero(world.terminal).tolist() == [47]
    assert (world.P[:, 47, 47] == 1.0).all()
    assert not world.R[47].any()


def test_the_lakes_terminal_states_are_its_holes_and_its_goal():
    env = gymnasium.make("FrozenLake-v1")
    letters = env.unwrapped.desc.ravel()
    assert np.array_equal(transition_table(env).terminal, (letters == b"H") | (letters == b"G"))


def test_a_world_made_into_an_environment_gives_itself_back():
    world = random_world(0)
    again = transition_table(TabularEnv(world))
    for name in ("P", "R", "start", "terminal"):
        assert getattr(again, name) == pytest.approx(getattr(world, name), abs=1e-15)


def test_steps_and_starts_are_drawn_with_their_probabilities():
    """False alarm below 1e-5 for each of the four tests."""
    world = random_world(1)
    env = TabularEnv(world)
    env.reset(seed=0)
    starts = np.bincount([env.reset()[0] for _ in range(4000)], minlength=6)
    possible = world.start > 0.0
    assert starts[~possible].sum() == 0
    assert chisquare(starts[possible], 4000 * world.start[possible]).pvalue > 1e-5
    for s, a in ((0, 1), (2, 0), (4, 2)):
        counts = np.zeros(6)
        for _ in range(4000):
            env.state = s
            following, reward, terminated, truncated, info = env.step(a)
            counts[following] += 1
            assert reward == world.R[s, a]
            assert terminated == (following == 5)
            assert not truncated
            assert info["prob"] == pytest.approx(world.P[a, s, following])
        assert chisquare(counts, 4000 * world.P[a, s]).pvalue > 1e-5


def test_the_same_seed_draws_the_same_episode():
    runs = []
    for _ in range(2):
        env = TabularEnv(random_world(2))
        runs.append([env.reset(seed=7)[0]] + [env.step(t % 3)[0] for t in range(20)])
    assert runs[0] == runs[1]
    assert len(set(runs[0])) > 1


def test_the_environment_passes_gymnasiums_checker():
    check_env(TabularEnv(random_world(3)), skip_render_check=True)


def test_a_step_before_the_first_reset_and_an_unknown_action_are_refused():
    env = TabularEnv(random_world(0))
    with pytest.raises(ValueError, match=r"reset\(\) must be called before step"):
        env.step(0)
    env.reset(seed=0)
    with pytest.raises(ValueError, match="action must be one of 0 … 2; got 3"):
        env.step(3)
    with pytest.raises(ValueError, match="render_mode must be None"):
        TabularEnv(random_world(0), render_mode="human")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"P": np.full((1, 2, 2), 0.4)}, r"must sum to 1; got 0\.8 for action 0 in state 0"),
        ({"R": np.zeros((2, 2))}, r"R must have shape \(S, A\) = \(2, 1\); got \(2, 2\)"),
        ({"start": [0.7, 0.7]}, r"start must hold probabilities that sum to 1; got the sum 1\.4"),
        ({"start": [1.5, -0.5]}, r"start must hold probabilities .* the least -0\.5"),
        ({"terminal": [True]}, r"terminal must have shape \(S,\) = \(2,\); got \(1,\)"),
        ({"terminal": [True, True]}, "terminal state must lead to itself with reward 0; state 0 does not"),
        ({"R": [[0.0], [1.0]]}, "terminal state must lead to itself with reward 0; state 1 does not"),
    ],
)
def test_what_is_no_world_is_refused(change, message):
    world = {"P": [[[0.0, 1.0], [0.0, 1.0]]], "R": [[1.0], [0.0]], "start": [1.0, 0.0], "terminal": [0, 1]}
    TabularWorld(**world)
    with pytest.raises(ValueError, match=message):
        TabularWorld(**(world | change))


END = {0: [(1.0, 1, 0.0, True)]}


@pytest.mark.parametrize(
    ("P", "message"),
    [
        (
            {0: {0: [(1.0, 1, np.nan, True)]}, 1: END},
            r"rewards must be finite; .*P\[0\]\[0\] holds the reward nan",
        ),
        ({0: {0: [(1.0, 2, 0.0, True)]}, 1: END}, r"P\[0\]\[0\] leads to 2; states are 0 … 1"),
        ({0: {0: [(0.5, 1, 0.0, True)]}, 1: END}, r"must sum to 1; got 0\.5 for action 0 in state 0"),
        ({0: END, 1: {}}, r"P\[1\]\[0\] is missing"),
        (
            {0: {0: [(0.5, 1, 0.0, True), (0.5, 1, 0.0, False)]}, 1: END},
            r"each state must either end an episode or not; .* from state 0 to state 1",
        ),
    ],
)
def test_lists_that_are_no_world_are_refused(P, message):
    with pytest.raises(ValueError, match=message):
        transition_table(table_env(P))


def test_a_state_that_episodes_both_pass_and_end_in_is_refused():
    P = {0: {0: [(1.0, 2, 0.0, False)]}, 1: {0: [(1.0, 2, 0.0, True)]}, 2: {0: [(1.0, 1, 0.0, False)]}}
    with pytest.raises(ValueError, match=r"either end an episode or not; .* from state 0 to state 2"):
        transition_table(table_env(P, start=[0.5, 0.5, 0.0], states=3))
    assert transition_table(table_env(P, start=[0.0, 1.0, 0.0], states=3)).terminal.tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("name", "message"),
    [("CartPole-v1", r"env\.observation_space must be Discrete .*; got Box"), ("Blackjack-v1", "got Tuple")],
)
def test_spaces_that_are_not_discrete_are_refused(name, message):
    with pytest.raises(ValueError, match=message):
        transition_table(gymnasium.make(name))


def test_actions_that_are_not_discrete_or_none_at_all_are_refused():
    P = {0: END, 1: END}
    with pytest.raises(ValueError, match=r"env\.action_space must be Discrete .*; got Box"):
        transition_table(table_env(P, actions=0))
    env = table_env(P)
    env.action_space.n = 0  # gymnasium itself makes no such space
    with pytest.raises(
        ValueError, match=r"env\.action_space must hold at least one element; got Discrete\(0\)"
    ):
        transition_table(env)


def test_an_environment_without_lists_or_without_a_first_state_is_refused():
    env = table_env({0: END, 1: END})
    del env.initial_state_distrib
    with pytest.raises(ValueError, match=r"start must be given: .* has no initial_state_distrib"):
        transition_table(env)
    assert transition_table(env, start=[1.0, 0.0]).start.tolist() == [1.0, 0.0]
    del env.P
    with pytest.raises(ValueError, match=r"must list its transitions in env\.unwrapped\.P"):
        transition_table(env)


def test_an_episode_that_begins_where_others_end_is_over_at_once():
    world = transition_table(table_env({0: END, 1: {0: [(1.0, 1, 3.0, False)]}}, start=[0.5, 0.5]))
    assert world.terminal.tolist() == [False, True]
    assert world.R[1, 0] == 0.0
