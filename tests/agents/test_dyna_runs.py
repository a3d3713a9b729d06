"""Dyna-Q in lock-step: the same algorithm as in a single run, so the same distribution of everything."""

import gymnasium as gym
import numpy as np
import pytest
from scipy import stats

from mbrl_teach.agents.dyna import dyna_q, dyna_q_runs
from mbrl_teach.problems.mazes import Maze, MazeEnv, blocking_maze, dyna_maze, shortcut_maze
from mbrl_teach.problems.tabular import transition_table
from tests.agents.small_worlds import SETTINGS, Clock, room

RARE = 1e-5  # the false-alarm rate of a single statistical test
BOOK = {"alpha": 0.1, "gamma": 0.95, "epsilon": 0.1}

# Mean steps and standard errors in episodes 2, 3, 5, 10 and 25 of figure 8.2, from an independent public program.
FIGURE_8_2 = {
    0: [(711.4, 28.8), (509.4, 19.7), (280.1, 10.1), (130.0, 4.4), (26.0, 0.8)],
    5: [(146.9, 4.4), (63.1, 2.9), (23.1, 0.8), (16.9, 0.2), (17.1, 0.2)],
    50: [(38.6, 1.0), (17.5, 0.4), (16.9, 0.2), (16.9, 0.3), (16.9, 0.3)],
}


def lock_step(env, *, seed=0, **changed):
    arguments = {
        "runs": 300,
        "planning_steps": 5,
        "episodes": 6,
        **SETTINGS,
        "rng": np.random.default_rng(seed),
    }
    return dyna_q_runs(env, **(arguments | changed))


def slippery_lake():
    return gym.make("FrozenLake-v1", max_episode_steps=30)


def cliff():
    """Rewards of -1 everywhere, so that planning has something to do from the first step."""
    return gym.make("CliffWalking-v1", max_episode_steps=60)


@pytest.mark.parametrize("how", [{"planning_steps": 0}, {}, {"direct": False}, {"bonus": 0.05}], ids=str)
@pytest.mark.parametrize("env", [room, slippery_lake, cliff])
def test_lock_step_has_the_distribution_of_single_runs(env, how):
    together = lock_step(env(), **how)
    arguments = {"planning_steps": 5, "episodes": 6, **SETTINGS} | how
    alone = [dyna_q(env(), rng=np.random.default_rng(seed), **arguments) for seed in range(150)]
    for name in ("steps", "returns"):
        for episode in (0, 1, 5):
            ours = getattr(together, name)[:, episode]
            theirs = [getattr(history, name)[episode] for history in alone]
            assert stats.ks_2samp(ours, theirs).pvalue > RARE
    start = int(np.argmax(env().unwrapped.initial_state_distrib))
    values = np.array([history.q[start] for history in alone])
    for a in range(values.shape[1]):
        assert stats.ks_2samp(together.q[:, start, a], values[:, a]).pvalue > RARE


def test_runs_differ_from_each_other():
    assert len({tuple(steps) for steps in lock_step(room()).steps.tolist()}) > 250


def test_the_first_episode_is_a_random_walk():
    """While all values are 0 every action is as good; the expected length of the walk solves a linear system."""
    world = transition_table(dyna_maze())
    inner = np.flatnonzero(~world.terminal & ~dyna_maze().maze.walls.ravel())
    walk = world.P.mean(axis=0)[np.ix_(inner, inner)]
    length = np.linalg.solve(np.eye(len(walk)) - walk, np.ones(len(walk))) @ world.start[inner]
    assert length == pytest.approx(868.7, abs=0.05)
    steps = lock_step(dyna_maze(), runs=500, episodes=1)
    assert abs(steps.steps.mean() - length) < 4.5 * stats.sem(steps.steps[:, 0])


def test_a_maze_that_closes_its_way_is_left_behind_by_the_bonus():
    """Blocking maze of the book: α = 1, κ = 1e-4, ten planning steps, 100 runs each."""
    rewards = {
        bonus: lock_step(
            blocking_maze(),
            runs=100,
            episodes=None,
            total_steps=3000,
            planning_steps=10,
            **(BOOK | {"alpha": 1.0}),
            bonus=bonus,
        ).rewards
        for bonus in (0.0, 1e-4)
    }
    assert rewards[0.0].shape == (100, 3000)
    before, after = slice(900, 1000), slice(2000, 3000)
    for part in rewards.values():
        assert part[:, before].mean() > 0.03  # one goal in 33 steps at most: the way was found
        assert part[:, 1000:1040].mean() < 0.5 * part[:, before].mean()  # and is closed
    late = [part[:, after].sum(axis=1) for part in rewards.values()]
    assert stats.mannwhitneyu(*late, alternative="less").pvalue < 1e-6


def test_a_change_comes_after_the_same_number_of_steps_as_in_a_single_run():
    """A goal appears beside the start after three steps of a random walk."""
    far, near = Maze("S......G"), Maze("SG.....G")
    changing = lambda: MazeEnv(far, changes={3: near})
    walk = {"planning_steps": 0, "episodes": 2, **(SETTINGS | {"epsilon": 1.0})}
    together = lock_step(changing(), **walk).steps
    alone = np.array(
        [dyna_q(changing(), rng=np.random.default_rng(seed), **walk).steps for seed in range(200)]
    )
    for episode in (0, 1):
        assert stats.ks_2samp(together[:, episode], alone[:, episode]).pvalue > RARE
    assert together[:, 0].min() > 3  # the far goal is seven steps away, the near one is not there yet
    used = changing()
    used.reset(seed=0)
    for _ in range(2):
        used.step(3)
    assert lock_step(used, **walk).steps[:, 0].min() == 2  # one step remains before the change


def test_a_time_limit_truncates_and_the_value_goes_on():
    limited = gym.make("FrozenLake-v1", is_slippery=False, max_episode_steps=5)
    history = lock_step(limited, episodes=20)
    assert history.steps.max() == 5
    assert (history.steps[history.returns > 0] >= 6).sum() == 0


def test_what_is_missing_is_filled_up():
    history = lock_step(room(), runs=40, episodes=None, total_steps=50)
    assert history.rewards.shape == (40, 50)
    for i in range(40):
        finished = int((history.steps[i] > 0).sum())
        assert np.isnan(history.returns[i, finished:]).all()
        assert (history.steps[i, finished:] == 0).all()
        assert np.nansum(history.returns[i]) == history.rewards[i].sum()
    history = lock_step(room(), runs=40, episodes=3)
    made = np.isfinite(history.rewards).sum(axis=1)
    np.testing.assert_array_equal(made, history.steps.sum(axis=1))
    np.testing.assert_array_equal(history.updates, 6 * history.steps.cumsum(axis=1))
    assert made.max() == history.rewards.shape[1] > made.min()


def test_the_callback_sees_the_runs_end():
    seen = []
    history = lock_step(room(), callback=lambda step, going: seen.append((step, going)))
    steps, going = np.array(seen).T
    np.testing.assert_array_equal(steps, 1 + np.arange(history.rewards.shape[1]))
    np.testing.assert_array_equal(going[:-1], np.isfinite(history.rewards[:, 1:]).sum(axis=0))
    assert going[-1] == 0


@pytest.mark.parametrize(
    ("env", "changed", "message"),
    [
        (Clock(), {}, r"env must have unwrapped.P and unwrapped.initial_state_distrib"),
        (room(), {"runs": 0}, "runs must be a whole number from 1 on; got 0"),
        (room(), {"alpha": 2.0}, r"alpha must lie in \(0, 1\]; got 2.0"),
        (room(), {"bonus": np.inf}, "bonus must be a finite number >= 0; got inf"),
        (gym.make("CartPole-v1"), {}, "env.observation_space must be Discrete"),
    ],
)
def test_what_does_not_fit_is_named(env, changed, message):
    with pytest.raises(ValueError, match=message):
        lock_step(env, **changed)


def test_a_table_with_a_reward_of_nan_is_refused():
    env = room()
    ((p, s_next, _, terminated),) = env.P[0][1]
    env.P[0][1] = [(p, s_next, np.nan, terminated)]
    with pytest.raises(ValueError, match="env must give finite rewards; state 0, action 1 does not"):
        lock_step(env)


@pytest.mark.slow
@pytest.mark.parametrize("planning_steps", FIGURE_8_2)
def test_figure_8_2(planning_steps):
    """300 runs, within five combined standard errors of the curves of another program."""
    steps = lock_step(dyna_maze(), planning_steps=planning_steps, episodes=25, **BOOK).steps
    for episode, (mean, error) in zip((2, 3, 5, 10, 25), FIGURE_8_2[planning_steps], strict=True):
        ours = steps[:, episode - 1]
        assert abs(ours.mean() - mean) < 5 * np.hypot(error, stats.sem(ours))
    first = steps[:, 0]
    assert abs(first.mean() - 868.7) < 5 * stats.sem(first)


@pytest.mark.slow
def test_only_the_bonus_finds_the_shortcut():
    """Shortcut maze of the book: a way of 10 steps opens beside that of 16; who takes it comes 80 times in 1000 steps."""
    share = []
    for bonus in (0.0, 1e-3):
        history = lock_step(
            shortcut_maze(),
            runs=100,
            episodes=None,
            total_steps=6000,
            planning_steps=50,
            **(BOOK | {"alpha": 1.0}),
            bonus=bonus,
        )
        share.append(np.mean(history.rewards[:, -1000:].sum(axis=1) > 68))
    assert share[0] < 0.2
    assert share[1] > 0.9
