"""The cross-entropy planner: near the LQR's optimum where there is one, and as MPC needs it."""

import numpy as np
import pytest

from mbrl_teach.control.lqr import lqr
from mbrl_teach.planning.cem import CrossEntropyPlanner
from mbrl_teach.planning.mpc import MPC
from mbrl_teach.problems.particle import Particle
from mbrl_teach.problems.pendulum import Pendulum
from tests.planning.worlds import Cliff, LimitedParticle, RandomWalk

STATE = np.array([1.0, 0.5])


def planner(world, seed=0, **keywords):
    return CrossEntropyPlanner(world, rng=np.random.default_rng(seed), **keywords)


def swing_up(seed=0, **keywords):
    small = {"horizon": 15, "population": 60, "elites": 10, "iterations": 3}
    return planner(Pendulum(action_limit=2.0), seed, **(small | keywords))


@pytest.mark.parametrize(("noise_exponent", "within"), [(0.0, 1.005), (2.5, 1.05)])
def test_a_quadratic_world_is_solved_almost_as_by_lqr(noise_exponent, within):
    world = LimitedParticle(horizon=12)
    optimum = lqr(*world.linear_quadratic()).rollout(STATE)[2]
    plan = planner(world, iterations=60, noise_exponent=noise_exponent).plan(STATE)
    assert optimum <= plan.cost <= within * optimum


def test_with_the_value_at_its_end_a_short_plan_begins_as_the_long_one():
    world = LimitedParticle(horizon=40)
    solution = lqr(*world.linear_quadratic())
    value = lambda s: 0.5 * np.einsum("...i,ij,...j", s, solution.V[2], s)
    plan = planner(world, horizon=2, final_cost=value, iterations=20).plan(STATE)
    blind = planner(world, horizon=2, iterations=20).plan(STATE)
    assert plan.actions == pytest.approx(solution.rollout(STATE)[1][:2], abs=5e-3)
    assert abs(blind.actions[0] - solution.K[0] @ STATE) > 0.5


def test_the_plan_is_a_trajectory_of_the_world_and_its_cost_the_worlds():
    plan = swing_up().plan(STATE)
    states, cost = Pendulum().rollout(plan.actions, STATE)
    assert np.array_equal(plan.states, states)
    assert plan.cost == pytest.approx(cost)


def test_the_plan_is_no_worse_than_any_sequence_seen_and_than_the_mean():
    plan = swing_up(kept=0).plan(STATE)
    assert plan.cost <= min(record.costs.min() for record in plan.history) + 1e-9
    last = plan.history[-1]
    mean = 0.1 * last.mean + 0.9 * last.candidates[last.elites].mean(axis=0)
    assert plan.cost <= Pendulum().rollout(mean, STATE)[1] + 1e-9


def test_the_history_shows_every_iteration_as_sequences():
    plan = swing_up().plan(STATE)
    assert len(plan.history) == plan.iterations == 3
    for record in plan.history:
        assert record.mean.shape == record.std.shape == (15, 1)
        assert record.candidates.shape == (60, 15, 1)
        costs = [Pendulum().rollout(actions, STATE)[1] for actions in record.candidates]
        assert record.costs == pytest.approx(costs)
        assert record.elites.shape == (10,)


def test_actions_stay_within_the_limits():
    history = swing_up().plan(STATE).history
    assert max(np.abs(record.candidates).max() for record in history) == 2.0


def test_the_search_begins_around_the_initial_actions():
    """False alarm: the mean of 60 x 15 related draws is within 5 standard errors of its place."""
    initial = np.full((15, 1), 0.5)
    plan = swing_up(initial_std=0.1).plan(STATE, initial_actions=initial)
    assert np.array_equal(plan.history[0].mean, initial)
    assert plan.history[0].candidates[5:].mean() == pytest.approx(0.5, abs=5 * 0.1 / np.sqrt(55))


def test_without_initial_actions_it_begins_halfway_between_the_limits():
    world = Pendulum()
    world.action_low, world.action_high = np.array([1.0]), np.array([5.0])
    first = planner(world, horizon=4).plan(STATE).history[0]
    assert np.array_equal(first.mean, np.full((4, 1), 3.0))
    assert np.array_equal(first.std, np.full((4, 1), 2.0))


def test_coloured_noise_relates_neighbouring_actions():
    """False alarm: the correlation of 500 pairs has a standard error of 0.045 where there is none."""
    for noise_exponent, related in ((0.0, False), (2.5, True)):
        world = planner(Pendulum(), horizon=20, initial_std=1.0, noise_exponent=noise_exponent)
        draws = world.plan(STATE).history[0].candidates[:, :, 0]
        correlation = np.corrcoef(draws[:, 5], draws[:, 6])[0, 1]
        assert (correlation > 0.7) if related else (abs(correlation) < 5 * 0.045)


def test_the_same_rng_gives_the_same_plan():
    one, other, third = (swing_up(seed).plan(STATE) for seed in (0, 0, 1))
    assert np.array_equal(one.actions, other.actions)
    assert not np.array_equal(one.actions, third.actions)


def test_a_plan_says_that_a_few_iterations_do_not_converge_and_many_do():
    few, many = swing_up().plan(STATE), swing_up(iterations=200, elites=3).plan(STATE)
    assert not few.converged
    assert "stopped after iterations = 3" in few.message
    assert many.converged
    assert many.iterations < 200


def test_the_first_candidates_of_a_plan_are_the_elites_of_the_last_shifted():
    policy = MPC(swing_up(kept=4), actions_per_plan=2)
    for _ in range(2):
        policy(STATE)
    elites = policy.plan.elites
    policy(STATE)
    first = policy.plan.history[0].candidates
    assert np.array_equal(first[:4, :-2], elites[:, 2:])
    assert np.array_equal(first[:4, -2:], elites[:, [-1, -1]])


def test_after_reset_nothing_is_left_of_the_last_episode():
    used, fresh = MPC(swing_up(kept=4)), MPC(swing_up(kept=4))
    used(np.array([0.1, 3.0]))
    used.reset()
    used.planner.rng = np.random.default_rng(0)
    assert np.array_equal(used(STATE), fresh(STATE))


def test_in_a_receding_horizon_a_plan_is_no_worse_than_the_elites_it_was_given():
    first = swing_up().plan(STATE)
    again = swing_up(seed=1).plan(STATE, initial_elites=first.elites)
    assert again.cost <= min(Pendulum().rollout(actions, STATE)[1] for actions in first.elites) + 1e-9


def test_sequences_that_break_the_world_are_no_elites():
    plan = planner(Cliff(), iterations=20).plan([0.0])
    assert plan.actions[0, 0] == pytest.approx(0.5, abs=0.01)
    assert plan.actions[0, 0] <= 0.5


def test_a_world_that_is_broken_everywhere_is_an_error():
    with pytest.raises(ValueError, match="no candidate has a finite cost"):
        planner(Cliff(), final_cost=lambda s: np.nan * s[..., 0]).plan([0.0])


def test_particles_make_it_plan_for_the_expected_cost():
    """Noise of deviation |a|: the best a of (s + a)² + a² from s = 1 is -1/2 without it, -1/3 with it.

    The plan is the better of two noisy estimates, 4000 particles each: tolerance 0.1 is many deviations.
    """
    world = RandomWalk(horizon=1)
    world.sample = lambda s, a, rng: s + a + np.abs(a) * rng.standard_normal(s.shape)
    world.cost = lambda s, a: a[..., 0] ** 2
    settings = {"population": 60, "elites": 10, "iterations": 10}
    assert planner(world, **settings).plan([1.0]).actions[0, 0] == pytest.approx(-1 / 2, abs=0.01)
    noisy = planner(world, particles=4000, **settings).plan([1.0])
    assert noisy.actions[0, 0] == pytest.approx(-1 / 3, abs=0.1)
    assert noisy.cost == pytest.approx(2 / 3, abs=0.1)


def test_unlimited_actions_need_a_first_deviation():
    with pytest.raises(ValueError, match="initial_std must be given where an action has no limits"):
        planner(Particle())
    assert planner(Particle(), initial_std=1.0).plan(STATE).history[0].std == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"population": 10}, "elites must be a whole number from 1 to population = 10; got 50"),
        ({"kept": 51}, "kept must be a whole number from 0 to elites = 50"),
        ({"iterations": 0}, "iterations"),
        ({"momentum": -0.1}, r"momentum must be in \[0, 1\)"),
        ({"noise_exponent": -1.0}, "noise_exponent"),
        ({"initial_std": 0.0}, "initial_std must be positive"),
        ({"initial_std": [1.0, 1.0]}, r"initial_std must have shape \(m,\) = \(1,\)"),
        ({"gamma": 2.0}, "gamma"),
    ],
)
def test_bad_settings_are_named_at_once(keywords, message):
    with pytest.raises(ValueError, match=message):
        planner(Pendulum(action_limit=2.0), **keywords)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0.0],), r"state must have shape \(n,\) = \(2,\)"),
        (([0.0, np.nan],), "state must be finite"),
        ((STATE, np.zeros((3, 1))), r"initial_actions must have shape \(T, m\) = \(15, 1\)"),
        ((STATE, None, np.zeros((3, 1))), r"initial_elites must have shape \(E, T, m\)"),
    ],
)
def test_bad_starts_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        swing_up().plan(*arguments)
