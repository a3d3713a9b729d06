"""Which world to plan in: what each strategy believes, and how far it comes where reward is sparse."""

from functools import partial

import numpy as np
import pytest
from scipy import stats

from mbrl_teach.agents.exploration import greedy, optimism, posterior_sampling
from mbrl_teach.agents.model_based import model_based_rl
from mbrl_teach.models.hallucinated_world import HallucinatedWorld
from mbrl_teach.models.learned_world import LearnedWorld
from mbrl_teach.models.linear import Linear
from mbrl_teach.models.linear_gaussian import LinearGaussian
from mbrl_teach.models.stated_prior import StatedPrior
from mbrl_teach.planning.cem import CrossEntropyPlanner
from mbrl_teach.problems.particle import Particle
from mbrl_teach.problems.pit import Pit, PitEnv

STRATEGIES = {"greedy": greedy, "posterior sampling": posterior_sampling, "optimism": optimism(1.0)}
FOUND = 1.0  # a trial that returns more has been at the prize: nothing else pays


def explore(strategy, seed, *, trials=15, callback=None, **pit):
    """15 trials in the pit, the first of random pushes; each of the others executes one whole plan."""
    rng, env = np.random.default_rng(seed), PitEnv(Pit(**pit))
    return model_based_rl(
        env,
        StatedPrior([0.2, 0.5], [0.5, 0.6, 2.5], rng=rng),
        partial(CrossEntropyPlanner, population=300, elites=30, iterations=5, rng=rng),
        reward=lambda s, a: -env.problem.cost(s, a),
        rng=rng,
        loop="aggregating",
        belief=STRATEGIES[strategy],
        trials=trials,
        steps=env.problem.horizon,
        callback=callback,
    )


@pytest.fixture
def world():
    task, rng = Particle(), np.random.default_rng(0)
    s, a = rng.normal(size=(30, 2)), rng.normal(size=(30, 1))
    s_next = task.dynamics(s, a) + 0.1 * rng.normal(size=(30, 2))
    return LearnedWorld.of(LinearGaussian().fit(s, a, s_next), task)


@pytest.fixture
def points():
    rng = np.random.default_rng(1)
    return rng.normal(size=(50, 2)), rng.normal(size=(50, 1))


def test_greedy_believes_in_what_is_expected(world):
    assert greedy(world, np.random.default_rng(0)) is world


def test_a_sampled_world_is_one_draw_that_stays_what_it_is_with_the_same_task(world, points):
    rng = np.random.default_rng(2)
    drawn = [posterior_sampling(world, rng) for _ in range(500)]
    np.testing.assert_array_equal(drawn[0].dynamics(*points), drawn[0].dynamics(*points))
    np.testing.assert_array_equal(drawn[0].cost(*points), world.cost(*points))
    np.testing.assert_array_equal(drawn[0].action_high, world.action_high)
    assert drawn[0].horizon == world.horizon
    values = np.array([one.dynamics(*points) for one in drawn])
    expected = world.model.predict(*points)
    error = np.abs(values.mean(axis=0) - expected.mean)
    assert (error < 5 * np.sqrt(expected.epistemic / 500)).all()
    np.testing.assert_allclose(values.std(axis=0), np.sqrt(expected.epistemic), rtol=0.25)


def test_optimism_is_hallucinated_control(world):
    belief = optimism(2.5)(world, np.random.default_rng(0))
    assert isinstance(belief, HallucinatedWorld)
    assert belief.beta == 2.5
    assert belief.world is world


def test_what_does_not_fit_is_refused(world, points):
    for beta in (-0.1, np.nan, np.inf):
        with pytest.raises(ValueError, match="beta must be a finite number >= 0"):
            optimism(beta)
    with pytest.raises(ValueError, match=r"rng must be a numpy\.random\.Generator"):
        posterior_sampling(world, None)
    s, a = points
    certain = LearnedWorld.of(Linear().fit(s, a, s), Particle())
    with pytest.raises(ValueError, match="believes in one function"):
        posterior_sampling(certain, np.random.default_rng(0))


def test_greed_sits_still_where_hope_sets_out():
    """What each plans after the first trial: greedy to push little and go nowhere, optimism to be paid."""
    plans = {name: [explore(name, seed, trials=2).trials[1].plan for seed in (1, 2)] for name in STRATEGIES}
    for plan in plans["greedy"]:
        assert plan.cost > -0.05
        assert np.abs(plan.states[:, 0]).max() < 0.5
    for plan in plans["optimism"]:
        assert plan.actions.shape == (40, 3)
        assert plan.cost < -1.0
        assert plan.states[:, 0].max() > 1.5


def study(seeds, **pit):
    """Returns (seeds, 15) of each strategy."""
    return {
        name: np.array([explore(name, seed, **pit).returns for seed in range(seeds)]) for name in STRATEGIES
    }


@pytest.mark.slow
def test_where_reward_is_sparse_and_pushing_costs_exploring_beats_greed():
    """20 paired seeds, mean return of the last 3 trials: one-sided Wilcoxon, p < 0.01 with Holm's correction.

    And how many found the prize at all: Fisher's exact test, with the same correction.
    """
    returns = study(20)
    last = {name: r[:, -3:].mean(axis=1) for name, r in returns.items()}
    found = {name: int((r > FOUND).any(axis=1).sum()) for name, r in returns.items()}
    others = [name for name in STRATEGIES if name != "greedy"]
    wilcoxon = [stats.wilcoxon(last[name], last["greedy"], alternative="greater").pvalue for name in others]
    tables = [[[found[name], 20 - found[name]], [found["greedy"], 20 - found["greedy"]]] for name in others]
    fisher = [stats.fisher_exact(table, alternative="greater").pvalue for table in tables]
    for p in (sorted(wilcoxon), sorted(fisher)):
        assert p[0] < 0.01 / 2
        assert p[1] < 0.01


@pytest.mark.slow
@pytest.mark.parametrize("pit", [{"width": 1.5}, {"price": 0.0}], ids=["dense", "free"])
def test_where_reward_is_dense_or_pushing_is_free_greed_finds_it_as_well(pit):
    returns = study(8, **pit)
    for name, r in returns.items():
        assert (r > FOUND).any(axis=1).all(), name
    last = {name: np.median(r[:, -3:].mean(axis=1)) for name, r in returns.items()}
    assert last["greedy"] > 0.9 * max(last.values())
