"""Greedy, posterior sampling and optimism in tables: what each believes, and how far each comes."""

import gymnasium
import numpy as np
import pytest
from scipy import stats

from mbrl_teach.agents.dyna import dyna_q
from mbrl_teach.agents.tabular_exploration import explore_table, policy_value
from mbrl_teach.models.table import TableModel
from mbrl_teach.planning.dynamic_programming import backward_induction
from mbrl_teach.planning.extended_value_iteration import confidence_widths, extended_backward_induction
from mbrl_teach.problems.river_swim import RiverSwimEnv, one_cell_at_most, river_swim
from mbrl_teach.problems.tabular import transition_table
from tests.agents.small_worlds import Clock, Shifted, room, stochastic_world

STRATEGIES = ("greedy", "posterior sampling", "optimism")
every_strategy = pytest.mark.parametrize("strategy", STRATEGIES)


def river(strategy, seed, *, cells=10, horizon=40, small_reward=0.05, episodes=40, **options):
    """The river in which a pleasant bank tempts, for those who know how far a stroke can move."""
    env = RiverSwimEnv(cells, small_reward=small_reward)
    settings = {"prior": one_cell_at_most(cells), "rng": np.random.default_rng(seed)} | options
    return explore_table(env, strategy=strategy, episodes=episodes, horizon=horizon, **settings)


def recorded(strategy, env=None, **options):
    episodes = []
    settings = {"episodes": 12, "horizon": 9, "rng": np.random.default_rng(0)} | options
    env = stochastic_world() if env is None else env
    return explore_table(env, strategy=strategy, callback=episodes.append, **settings), episodes


@every_strategy
def test_one_policy_is_followed_through_the_whole_episode_and_everything_is_counted(strategy):
    history, episodes = recorded(strategy)
    counts = np.zeros((4, 3, 4))
    for number, episode in enumerate(episodes):
        assert episode.number == number
        np.testing.assert_array_equal(episode.counts, counts)
        followed = episode.believed.policy[np.arange(9), episode.states[:-1]]
        np.testing.assert_array_equal(episode.actions, followed)
        np.add.at(counts, (episode.states[:-1], episode.actions, episode.states[1:]), 1)
        assert episode.rewards.sum() == history.returns[number]
    np.testing.assert_array_equal(history.model.counts, counts)


def test_greedy_plans_in_the_mean_of_the_posterior():
    world = transition_table(stochastic_world())
    for episode in recorded("greedy", prior=0.3)[1]:
        alpha = np.moveaxis(episode.counts + 0.3, 0, 1)
        mean = alpha / alpha.sum(axis=-1, keepdims=True)
        np.testing.assert_allclose(episode.believed.V, backward_induction(mean, world.R, 9).V)


def test_posterior_sampling_draws_one_world_for_each_episode_and_plans_in_it(monkeypatch):
    drawn, draw = [], TableModel.posterior_sample

    def remember(model, rng, *, prior):
        drawn.append(draw(model, rng, prior=prior))
        return drawn[-1]

    monkeypatch.setattr(TableModel, "posterior_sample", remember)
    world = transition_table(stochastic_world())
    _, episodes = recorded("posterior sampling")
    assert len(drawn) == len(episodes)
    for episode, P in zip(episodes, drawn, strict=True):
        np.testing.assert_allclose(episode.believed.V, backward_induction(P, world.R, 9).V)
    assert np.abs(drawn[0] - drawn[1]).max() > 0.1


def test_optimism_plans_in_the_best_world_within_the_widths_about_the_frequencies():
    world = transition_table(stochastic_world())
    for episode in recorded("optimism", confidence=0.8, episodes=40)[1]:
        N = np.moveaxis(episode.counts, 0, 1)
        n = N.sum(axis=-1, keepdims=True)
        frequencies = np.where(n > 0, N / np.maximum(n, 1), 0.25)
        widths = confidence_widths(episode.counts, 0.8)
        expected = extended_backward_induction(frequencies, world.R, widths, 9)
        np.testing.assert_allclose(episode.believed.V, expected.V, atol=1e-12)


def test_the_optimist_hardly_ever_promises_less_than_the_best():
    """In 20 worlds and 30 episodes each; the promise of 95 % is not for all episodes at once, but wide."""
    best = backward_induction(*[getattr(river_swim(), name) for name in ("P", "R")], 20).V[0]
    promised = []
    for seed in range(20):
        river(
            "optimism",
            seed,
            cells=6,
            horizon=20,
            small_reward=0.005,
            episodes=30,
            callback=lambda episode: promised.append((episode.believed.V[0] >= best - 1e-9).all()),
        )
    assert np.mean(promised) >= 0.95


@every_strategy
def test_with_ever_more_data_all_come_to_the_best_policy(strategy):
    history, _ = recorded(strategy, episodes=400, prior=0.1)
    assert history.values[-1] == pytest.approx(history.best, rel=0.02)
    assert history.values.max() <= history.best + 1e-9
    np.testing.assert_allclose(np.diff(history.regret), (history.best - history.values)[1:], atol=1e-9)


def test_a_policys_value_is_what_its_episodes_return_on_average():
    rng, world = np.random.default_rng(0), transition_table(stochastic_world())
    policy = rng.integers(3, size=(5, 4))
    s, earned = np.full(20_000, 2), np.zeros(20_000)
    for actions in policy:
        a = actions[s]
        earned += world.R[s, a]
        s = (rng.random((20_000, 1)) >= world.P[a, s].cumsum(axis=-1)).sum(axis=-1)
    error = policy_value(world.P, world.R, policy)[2] - earned.mean()
    assert abs(error) < 4.5 * earned.std() / np.sqrt(20_000)
    V, best = backward_induction(world.P, world.R, 5)
    np.testing.assert_allclose(policy_value(world.P, world.R, best), V[0])


@every_strategy
def test_episodes_may_end_and_states_be_counted_from_anywhere(strategy):
    history, episodes = recorded(strategy, room(), episodes=60, horizon=12)
    assert history.returns[-1] == 1.0
    assert len(episodes[-1].actions) == 4  # the shortest way
    again, _ = recorded(strategy, Shifted(room()), episodes=60, horizon=12)
    np.testing.assert_array_equal(again.returns, history.returns)


def test_without_a_list_of_transitions_rewards_are_given_and_nothing_is_judged():
    history, _ = recorded("greedy", Clock(), rewards=[[1.0]])
    assert history.returns.tolist() == [9.0] * 12
    assert history.values is None
    with pytest.raises(ValueError, match="regret needs an environment that lists its transitions"):
        _ = history.regret


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strategy": "bold"}, "strategy must be one of 'greedy', 'posterior sampling', 'optimism'; got 'bo"),
        ({"env": Clock()}, "rewards must be given: env does not list"),
        ({"env": gymnasium.make("CartPole-v1")}, "env.observation_space must be Discrete"),
        ({"rewards": [1.0]}, "rewards must have shape"),
        ({"episodes": 0}, "episodes must be a whole number from 1 on"),
        ({"horizon": 0}, "horizon must be a whole number from 1 on"),
        ({"rng": 0}, "rng must be a numpy.random.Generator"),
        ({"prior": 0.0}, "prior must be positive"),
        ({"strategy": "optimism", "confidence": 1.0}, "confidence must lie between 0 and 1"),
    ],
)
def test_what_does_not_fit_is_refused(options, message):
    settings = {"env": stochastic_world(), "strategy": "greedy", "episodes": 2, "horizon": 3}
    with pytest.raises(ValueError, match=message):
        explore_table(**(settings | {"rng": np.random.default_rng(0)} | options))


def test_where_a_small_reward_tempts_exploring_beats_greed():
    """Ten cells, 20 paired seeds, 40 episodes; one-sided Wilcoxon, p < 0.01 with Holm's correction."""
    last = {name: [river(name, seed).values[-10:].mean() for seed in range(20)] for name in STRATEGIES}
    bank = 40 * 0.05
    assert last["greedy"] == pytest.approx(np.full(20, bank))  # it never leaves
    p = sorted(
        stats.wilcoxon(last[name], last["greedy"], alternative="greater").pvalue for name in STRATEGIES[1:]
    )
    assert p[0] < 0.01 / 2
    assert p[1] < 0.01


def test_where_little_tempts_greed_comes_there_too_and_loses_less_on_the_way():
    """The river of six cells, 20 paired seeds: total regret of 60 episodes, one-sided Wilcoxon, Holm."""
    runs = {
        name: [river(name, seed, cells=6, horizon=20, small_reward=0.005, episodes=60) for seed in range(20)]
        for name in STRATEGIES
    }
    for histories in runs.values():
        assert np.median([history.values[-1] / history.best for history in histories]) > 0.9
    regret = {name: [history.regret[-1] for history in histories] for name, histories in runs.items()}
    p = sorted(
        stats.wilcoxon(regret["greedy"], regret[name], alternative="less").pvalue for name in STRATEGIES[1:]
    )
    assert p[0] < 0.01 / 2
    assert p[1] < 0.01


def episodes_until(returns, level, window=20):
    """How many episodes until the mean of `window` of them is at least `level`; all + 1 if never."""
    means = np.convolve(returns, np.full(window, 1.0 / window), "valid")
    return window + int(np.argmax(means >= level)) if (means >= level).any() else len(returns) + 1


@pytest.mark.slow
def test_without_a_model_the_far_bank_takes_many_times_as_many_episodes():
    """Four cells only, episodes until half of the best return: Q-learning with ε = 0.3 and 20 seeds."""
    best = backward_induction(river_swim(4).P, river_swim(4).R, 20).V[0, 0]
    model_free, model_based = [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        env = gymnasium.wrappers.TimeLimit(RiverSwimEnv(4), 20)
        settings = {"planning_steps": 0, "alpha": 0.1, "gamma": 0.99, "epsilon": 0.3}
        model_free.append(dyna_q(env, episodes=10_000, rng=rng, **settings).returns)
        planned = river(
            "posterior sampling", seed, cells=4, horizon=20, small_reward=0.005, episodes=100, prior=1.0
        )
        model_based.append(planned.returns)
    needed = [[episodes_until(r, best / 2) for r in runs] for runs in (model_free, model_based)]
    assert np.median(needed[0]) > 20 * np.median(needed[1])
    assert stats.wilcoxon(*needed, alternative="greater").pvalue < 0.01
