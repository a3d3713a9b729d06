"""MPPI: each update against its formula, its limits in the temperature, and the LQR's optimum."""

import numpy as np
import pytest

from mbrl_teach.control.lqr import lqr
from mbrl_teach.planning.mpc import MPC
from mbrl_teach.planning.mppi import PathIntegralPlanner, path_integral_weights, temperature_worth
from mbrl_teach.problems.particle import Particle
from mbrl_teach.problems.pendulum import Pendulum
from tests.planning.worlds import Cliff, LimitedParticle

STATE = np.array([1.0, 0.5])


def planner(world, seed=0, **keywords):
    return PathIntegralPlanner(world, rng=np.random.default_rng(seed), **keywords)


def swing_up(**keywords):
    return planner(Pendulum(action_limit=2.0), **({"horizon": 12, "population": 50} | keywords))


@pytest.mark.parametrize("effort", [0.0, 0.7])
def test_an_update_is_the_weighted_mean_of_the_formula(effort):
    lam, std, start = 0.3, 0.5, np.linspace(-1, 1, 12)[:, None]
    plan = swing_up(temperature=lam, effort=effort, initial_std=std, iterations=2).plan(STATE, start)
    first, second = plan.history
    S = []
    for a in first.candidates:
        force = sum(start[t, 0] / std**2 * (a[t, 0] - start[t, 0]) for t in range(12))
        S.append(Pendulum().rollout(a, STATE)[1] + effort * lam * force)
    w = np.exp(-(np.array(S) - min(S)) / lam)
    w /= w.sum()
    assert first.weights == pytest.approx(w)
    assert second.mean == pytest.approx(sum(w_i * a for w_i, a in zip(w, first.candidates, strict=True)))


def test_the_plan_is_the_last_weighted_mean():
    plan = swing_up().plan(STATE)
    last = plan.history[-1]
    assert plan.actions == pytest.approx(np.einsum("i,itm->tm", last.weights, last.candidates))
    states, cost = Pendulum().rollout(plan.actions, STATE)
    assert np.array_equal(plan.states, states)
    assert plan.cost == pytest.approx(cost)


def test_cold_only_the_best_counts_and_hot_all_count_alike():
    costs = np.array([3.0, 1.0, 2.0, np.inf])
    assert path_integral_weights(costs, 1e-3) == pytest.approx([0, 1, 0, 0])
    assert path_integral_weights(costs, 1e6) == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0], abs=1e-6)


def test_huge_costs_do_not_make_all_weights_vanish():
    w = path_integral_weights(np.array([1e6, 1e6 + 1.0]), 1.0)
    assert w[0] / w[1] == pytest.approx(np.e)


@pytest.mark.parametrize("samples", [2.0, 10.0, 80.0])
@pytest.mark.parametrize("scale", [1e-5, 1.0, 1e7])
def test_the_temperature_makes_the_weights_worth_so_many_samples(samples, scale):
    costs = scale * np.append(np.random.default_rng(0).standard_normal(100) ** 2, np.inf)
    w = path_integral_weights(costs, temperature_worth(costs, samples))
    assert 1 / (w**2).sum() == pytest.approx(samples, rel=5e-3)


def test_where_no_temperature_is_worth_it_the_nearest_is_taken():
    twins = np.array([1.0, 1.0, 2.0])
    assert path_integral_weights(twins, temperature_worth(twins, 1.0)) == pytest.approx([0.5, 0.5, 0])
    assert path_integral_weights(np.ones(4), temperature_worth(np.ones(4), 2.0)) == pytest.approx(0.25)


def test_a_plan_is_worth_the_elites_asked_for():
    plan = swing_up(elites=7).plan(STATE)
    for record in plan.history:
        assert 1 / (record.weights**2).sum() == pytest.approx(7, rel=5e-3)


def test_a_quadratic_world_is_solved_almost_as_by_lqr():
    world = LimitedParticle(horizon=12)
    optimum = lqr(*world.linear_quadratic()).rollout(STATE)[2]
    plan = planner(world, iterations=60, initial_std=0.3).plan(STATE)
    assert optimum <= plan.cost <= 1.02 * optimum


def test_it_does_not_claim_to_have_converged():
    plan = swing_up(iterations=2).plan(STATE)
    assert not plan.converged
    assert "iterations = 2" in plan.message
    assert plan.iterations == len(plan.history) == 2


def test_the_same_rng_gives_the_same_plan():
    one, other, third = (planner(LimitedParticle(), seed).plan(STATE).actions for seed in (0, 0, 1))
    assert np.array_equal(one, other)
    assert not np.array_equal(one, third)


def test_in_a_receding_horizon_the_plan_begins_where_the_last_was_shifted_to():
    policy = MPC(swing_up())
    policy(STATE)
    before = policy.plan.actions
    policy(STATE)
    assert np.array_equal(policy.plan.history[0].mean, np.concatenate([before[1:], before[-1:]]))


def test_sequences_that_break_the_world_weigh_nothing():
    plan = planner(Cliff()).plan([0.0])
    for record in plan.history:
        assert np.all(record.weights[record.candidates[:, 0, 0] > 0.5] == 0.0)
    assert 0.3 < plan.actions[0, 0] <= 0.5


def test_unlimited_actions_need_a_deviation():
    with pytest.raises(ValueError, match="initial_std must be given"):
        planner(Particle())


@pytest.mark.parametrize(
    "keywords",
    [
        {"temperature": 0.0},
        {"effort": 1.5},
        {"elites": 501},
        {"population": 0},
        {"iterations": 0},
        {"noise_exponent": -1.0},
    ],
)
def test_bad_settings_are_named(keywords):
    with pytest.raises(ValueError, match=next(iter(keywords))):
        planner(LimitedParticle(), **keywords)
