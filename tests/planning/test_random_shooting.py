"""Random shooting: the best of what was tried, and how fast that gets worse with the horizon."""

import numpy as np
import pytest

from mbrl_teach.control.lqr import lqr
from mbrl_teach.planning.mpc import MPC
from mbrl_teach.planning.random_shooting import RandomShootingPlanner
from mbrl_teach.problems.particle import Particle
from mbrl_teach.problems.pendulum import Pendulum
from tests.planning.worlds import Cliff, LimitedParticle, RandomWalk

STATE = np.array([1.0, 0.5])


def planner(world, seed=0, **keywords):
    return RandomShootingPlanner(world, rng=np.random.default_rng(seed), **keywords)


def test_the_plan_is_the_best_sequence_tried():
    world = Pendulum(action_limit=2.0)
    plan = planner(world, horizon=8, population=40).plan(STATE)
    (shots,) = plan.history
    costs = [world.rollout(actions, STATE)[1] for actions in shots.candidates]
    assert shots.costs == pytest.approx(costs)
    assert np.array_equal(plan.actions, shots.candidates[np.argmin(costs)])
    assert plan.cost == pytest.approx(min(costs))
    assert np.array_equal(plan.states, world.rollout(plan.actions, STATE)[0])


def test_actions_are_uniform_between_the_limits():
    """Kolmogorov–Smirnov: false alarm below 1e-6."""
    from scipy.stats import kstest

    world = Pendulum()
    world.action_low, world.action_high = np.array([1.0]), np.array([5.0])
    draws = planner(world, horizon=10).plan(STATE).history[0].candidates
    assert kstest(draws.ravel(), "uniform", args=(1.0, 4.0)).pvalue > 1e-6


def test_with_a_deviation_they_are_normal_around_the_initial_actions():
    """Kolmogorov–Smirnov: false alarm below 1e-6."""
    from scipy.stats import kstest

    initial = np.linspace(-1.0, 1.0, 10)[:, None]
    plan = planner(Particle(), horizon=10, initial_std=0.5).plan(STATE, initial_actions=initial)
    draws = (plan.history[0].candidates[1:] - initial) / 0.5
    assert kstest(draws.ravel(), "norm").pvalue > 1e-6


def test_the_initial_actions_are_one_of_the_candidates_so_nothing_found_is_lost():
    world = LimitedParticle()
    _, actions, cost = lqr(*world.linear_quadratic()).rollout(STATE)
    plan = planner(world).plan(STATE, initial_actions=actions)
    assert np.array_equal(plan.actions, actions)
    assert plan.cost == pytest.approx(cost)


def test_the_longer_the_horizon_the_further_from_the_optimum():
    """Cost over optimal cost, mean of 10 seeds; it more than doubles, its standard error is below a tenth."""
    ratios = []
    for horizon in (2, 10, 40):
        world = LimitedParticle(horizon=horizon)
        optimum = lqr(*world.linear_quadratic()).rollout(STATE)[2]
        ratios.append(np.mean([planner(world, seed).plan(STATE).cost for seed in range(10)]) / optimum)
    assert 1.0 <= ratios[0] < 1.01
    assert ratios[0] < ratios[1] < ratios[2]
    assert ratios[2] > 2 * ratios[0]


def test_it_does_not_claim_to_have_converged():
    plan = planner(LimitedParticle()).plan(STATE)
    assert not plan.converged
    assert "500 random sequences" in plan.message


def test_the_same_rng_gives_the_same_plan():
    one, other, third = (planner(LimitedParticle(), seed).plan(STATE).actions for seed in (0, 0, 1))
    assert np.array_equal(one, other)
    assert not np.array_equal(one, third)


def test_in_a_receding_horizon_the_last_plan_is_tried_again():
    policy = MPC(planner(LimitedParticle()))
    policy(STATE)
    before = policy.plan.actions
    policy(policy.plan.states[1])
    assert np.array_equal(policy.plan.history[0].candidates[0], np.concatenate([before[1:], before[-1:]]))


def test_with_particles_the_cost_of_the_plan_is_estimated_anew():
    """The lowest of 500 noisy estimates is lucky. 10 plans: false alarm far below 1e-6."""
    plans = [planner(RandomWalk(), seed, particles=2).plan([1.0]) for seed in range(10)]
    assert np.mean([p.cost - p.history[0].costs.min() for p in plans]) > 0.1


def test_sequences_that_break_the_world_are_not_chosen():
    assert 0.45 < planner(Cliff()).plan([0.0]).actions[0, 0] <= 0.5
    with pytest.raises(ValueError, match="no candidate has a finite cost"):
        planner(Cliff(), final_cost=lambda s: np.inf + s[..., 0]).plan([0.0])


def test_unlimited_actions_need_a_deviation():
    with pytest.raises(ValueError, match="initial_std must be given"):
        planner(Particle())


@pytest.mark.parametrize("keywords", [{"population": 0}, {"horizon": 1.5}, {"initial_std": -1.0}])
def test_bad_settings_are_named(keywords):
    with pytest.raises(ValueError, match=next(iter(keywords))):
        planner(LimitedParticle(), **keywords)
