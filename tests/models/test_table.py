"""The table model: every number that it tells is one that can be counted by hand."""

import gymnasium as gym
import numpy as np
import pytest
from scipy import stats

from mbrl_teach.models.table import TableModel
from mbrl_teach.planning.dynamic_programming import value_iteration
from mbrl_teach.problems.mazes import DYNA_MAZE, MazeEnv
from mbrl_teach.problems.tabular import transition_table

RARE = 1e-5  # the false-alarm rate of a single statistical test


@pytest.fixture
def steps():
    """500 random steps in a world of 5 states and 3 actions; the pair (2, 1) is never tried."""
    rng = np.random.default_rng(0)
    s, a, s_next = rng.integers(4, size=500), rng.integers(3, size=500), rng.integers(4, size=500)
    kept = (s != 2) | (a != 1)
    return s[kept], a[kept], s_next[kept], rng.normal(size=500)[kept]


@pytest.fixture
def model(steps):
    return TableModel(5, 3).fit(*steps)


def test_probabilities_are_relative_frequencies_and_rewards_are_averages(model, steps):
    s, a, s_next, r = steps
    for state in range(4):
        for action in range(3):
            here = (s == state) & (a == action)
            if here.any():
                expected = [np.mean(s_next[here] == following) for following in range(5)]
                np.testing.assert_allclose(model.P[action, state], expected, atol=1e-12)
                assert model.R[state, action] == pytest.approx(r[here].mean(), abs=1e-12)
            assert model.visited[state, action] == here.any()
            assert model.counts[state, action].sum() == here.sum()


def test_a_pair_that_was_never_tried_changes_nothing(model):
    assert not model.visited[2, 1]
    np.testing.assert_array_equal(model.P[1, 2], np.eye(5)[2])
    assert model.R[2, 1] == 0.0
    assert model.last_outcome[2][1] == (0.0, 2, False)
    assert model.draw_outcome(2, 1, 0.7) == (0.0, 2, False)


def test_the_last_outcome_forgets_what_the_estimate_averages():
    model = TableModel(3, 1)
    model.update(0, 0, 1.0, 1, False)
    model.update(0, 0, 3.0, 2, False)
    assert model.last_outcome[0][0] == (3.0, 2, False)
    np.testing.assert_array_equal(model.P[0, 0], [0.0, 0.5, 0.5])
    assert model.R[0, 0] == 2.0


def test_fit_forgets_what_was_before(model, steps):
    again = TableModel(5, 3)
    again.update(2, 1, 7.0, 4, True)
    assert again.fit(*steps) is again
    np.testing.assert_array_equal(again.counts, model.counts)
    assert not again.terminal.any()
    assert again.steps == model.steps == len(steps[0])


def test_tau_counts_the_steps_since_a_pair_was_tried():
    model = TableModel(2, 2)
    for s, a in [(0, 0), (0, 1), (1, 0), (0, 1)]:
        model.update(s, a, 0.0, 0, False)
    np.testing.assert_array_equal(model.tau, [[3, 0], [1, 4]])


def test_a_state_in_which_episodes_ended_is_absorbing():
    model = TableModel(3, 2).fit([0, 1], [0, 1], [1, 2], [0.0, 5.0], [False, True])
    np.testing.assert_array_equal(model.terminal, [False, False, True])
    rng = np.random.default_rng(0)
    for P in (model.P, model.posterior_sample(rng)):
        np.testing.assert_array_equal(P[:, 2], np.eye(3)[[2, 2]])
    model.update(2, 0, 0.0, 1, False)  # it was left after all
    assert not model.terminal[2]


@pytest.mark.parametrize(
    "env", [gym.make("FrozenLake-v1", is_slippery=False), MazeEnv(DYNA_MAZE)], ids=["lake", "maze"]
)
def test_the_model_of_a_deterministic_world_tried_out_has_its_values(env):
    world, table = transition_table(env), env.unwrapped.P
    S, A = world.R.shape
    model = TableModel(S, A)
    for s in np.flatnonzero(~world.terminal).tolist():
        for a in range(A):
            ((_, s_next, r, terminated),) = table[s][a]
            model.update(s, a, r, s_next, terminated)
    V, _ = value_iteration(world.P, world.R, 0.95)
    V_model, _ = value_iteration(model.P, model.R, 0.95)
    np.testing.assert_allclose(V_model, V, atol=1e-9)


def test_the_posterior_is_a_dirichlet_distribution():
    """One probability of a Dirichlet distribution has a beta distribution; scipy knows both."""
    model = TableModel(3, 1).fit([0] * 9, [0] * 9, [0, 1, 1, 1, 1, 2, 2, 1, 0])
    rng = np.random.default_rng(1)
    rows = np.array([model.posterior_sample(rng, prior=0.5)[0, 0] for _ in range(4000)])
    concentration = np.array([2, 5, 2]) + 0.5
    deviation = np.sqrt(stats.dirichlet.var(concentration) / len(rows))
    assert (np.abs(rows.mean(axis=0) - stats.dirichlet.mean(concentration)) < 4.5 * deviation).all()
    rest = concentration.sum() - concentration
    for column, a, b in zip(rows.T, concentration, rest, strict=True):
        assert stats.kstest(column, stats.beta(a, b).cdf).pvalue > RARE


def test_before_any_data_the_posterior_is_the_prior():
    rng = np.random.default_rng(2)
    model = TableModel(2, 1)
    share = [model.posterior_sample(rng, prior=2.0)[0, 1, 0] for _ in range(2000)]
    assert stats.kstest(share, stats.beta(2.0, 2.0).cdf).pvalue > RARE


def test_the_prior_may_differ_from_pair_to_pair_and_exclude_states():
    """Mean and variance of every entry, with scipy; what the prior excludes is never drawn."""
    rng = np.random.default_rng(3)
    model = TableModel(4, 2).fit(rng.integers(4, size=50), rng.integers(2, size=50), rng.integers(4, size=50))
    unseen = model.counts == 0
    prior = np.where(unseen, rng.choice([0.0, 0.2, 3.0], size=unseen.shape), 0.5)
    mean = model.posterior_mean(prior=prior)
    draws = np.array([model.posterior_sample(rng, prior=prior) for _ in range(2000)])
    for s, a in np.ndindex(4, 2):
        alpha = (prior + model.counts)[s, a]
        possible = alpha > 0
        exact = stats.dirichlet(alpha[possible])
        np.testing.assert_allclose(mean[a, s, possible], exact.mean())
        error = draws[:, a, s, possible].mean(axis=0) - exact.mean()
        assert (np.abs(error) <= 5 * np.sqrt(exact.var() / len(draws)) + 1e-12).all()
        np.testing.assert_allclose(draws[:, a, s, possible].var(axis=0), exact.var(), rtol=0.3, atol=1e-12)
        assert (mean[a, s, ~possible] == 0).all()
        assert (draws[:, a, s, ~possible] == 0).all()


def test_the_posterior_mean_of_one_number_for_all_is_the_counts_with_that_added(model):
    alpha = model.counts + 0.5
    expected = np.moveaxis(alpha / alpha.sum(axis=-1, keepdims=True), 1, 0)
    here = ~model.terminal
    np.testing.assert_allclose(model.posterior_mean(prior=0.5)[:, here], expected[:, here])


def test_the_inverse_model_counts_which_action_led_there(model, steps):
    s, a, s_next, _ = steps
    inverse = model.inverse()
    np.testing.assert_allclose(inverse.sum(axis=-1), 1.0)
    for state in range(5):
        for following in range(5):
            there = a[(s == state) & (s_next == following)]
            expected = [np.mean(there == action) for action in range(3)] if len(there) else [1 / 3] * 3
            np.testing.assert_allclose(inverse[state, following], expected, atol=1e-12)


def test_predict_is_mean_and_variance_of_the_samples(model):
    rng = np.random.default_rng(3)
    states, actions = np.array([0, 3]), np.array([2, 1])
    mean, variance = model.predict(states, actions)
    samples = model.sample(np.tile(states, (5000, 1)), actions, rng)
    assert samples.shape == (5000, 2)
    indicators = np.eye(5)[samples]
    np.testing.assert_allclose(variance, mean - mean**2)
    assert (np.abs(indicators.mean(axis=0) - mean) <= 4.5 * np.sqrt(variance / 5000)).all()


def test_outcomes_are_drawn_by_their_frequency(model):
    rng = np.random.default_rng(4)
    drawn = [model.draw_outcome(1, 0, u) for u in rng.random(5000)]
    counts = model.counts[1, 0][:4]
    observed = np.bincount([s_next for _, s_next, _ in drawn], minlength=4)
    assert stats.chisquare(observed, 5000 * counts / counts.sum()).pvalue > RARE
    assert all(r == pytest.approx(model.R[1, 0]) for r, _, _ in drawn)


@pytest.mark.parametrize("untried", [False, True])
def test_planning_draws_a_visited_state_and_then_one_of_its_actions(untried):
    model = TableModel(4, 3).fit([2, 0, 0, 2], [1, 0, 2, 1], [0, 0, 2, 3])
    pairs = model.draw_pairs(np.random.default_rng(5).random(9000), untried=untried)
    share = {(s, a): 1 / 6 for s in (0, 2) for a in range(3)}
    share = share if untried else {(2, 1): 1 / 2, (0, 0): 1 / 4, (0, 2): 1 / 4}
    assert set(pairs) == set(share)
    observed = [pairs.count(pair) for pair in share]
    assert stats.chisquare(observed, 9000 * np.array(list(share.values()))).pvalue > RARE


def test_an_empty_model_has_nothing_to_plan_from():
    assert TableModel(3, 2).draw_pairs([0.1, 0.9]) == []


def test_predecessors_are_the_pairs_that_led_to_a_state(model, steps):
    s, a, s_next, _ = steps
    for state in range(5):
        there = s_next == state
        assert set(model.predecessors[state]) == set(zip(s[there].tolist(), a[there].tolist(), strict=True))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: TableModel(0, 2), "states must be a whole number from 1 on; got 0"),
        (lambda: TableModel(2, 0), "actions must be a whole number from 1 on; got 0"),
        (lambda: TableModel(2, 2).fit([0, 2], [0, 0], [0, 0]), r"states must be states 0 … 1; got 2"),
        (lambda: TableModel(2, 2).fit([0, 1], [0, -1], [0, 0]), r"actions must be actions 0 … 1; got -1"),
        (
            lambda: TableModel(2, 2).fit([0, 1], [0, 1], [0]),
            r"next_states must have shape \(N,\) = \(2,\); got \(1,\)",
        ),
        (lambda: TableModel(2, 2).fit([0.5], [0], [0]), "states must be whole numbers; got dtype float64"),
        (lambda: TableModel(2, 2).fit([0], [0], [0], [np.nan]), "rewards must be finite; got NaN"),
        (lambda: TableModel(2, 2).predict(3, 0), r"states must be states 0 … 1; got 3"),
        (
            lambda: TableModel(2, 2).posterior_sample(None),
            "rng must be a numpy.random.Generator",
        ),
        (
            lambda: TableModel(2, 2).sample(0, 0, None),
            "rng must be a numpy.random.Generator",
        ),
        (
            lambda: TableModel(2, 2).posterior_sample(np.random.default_rng(), prior=0.0),
            "prior must be positive",
        ),
        (lambda: TableModel(2, 2).posterior_mean(prior=np.nan), "prior must be positive; got nan"),
        (lambda: TableModel(2, 2).posterior_mean(prior=np.ones((2, 2))), "prior must have shape"),
        (lambda: TableModel(1, 1).posterior_mean(prior=[[[-1.0]]]), "prior must not be negative"),
        (lambda: TableModel(2, 1).posterior_mean(prior=[[[1, 1]], [[0, 0]]]), "positive somewhere"),
    ],
)
def test_what_does_not_fit_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
