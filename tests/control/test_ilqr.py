"""iLQR and DDP against the linear-quadratic solution and against scipy's minimisers of the cost over the actions."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from least_cost import LinearQuadratic, least_cost_over_actions, least_cost_over_states_and_actions

from mbrl_teach.control.ilqr import ilqr
from mbrl_teach.problems.base import ControlProblem
from mbrl_teach.problems.car import CarParking
from mbrl_teach.problems.cart_pole import CartPole
from mbrl_teach.problems.pendulum import Pendulum
from mbrl_teach.problems.unicycle import Unicycle

BOTH = pytest.mark.parametrize("second_order", [False, True], ids=["gauss-newton", "ddp"])


def only_functions(problem):
    """The same world, without its analytic derivatives."""
    names = ("linearize", "quadratize", "quadratize_final", "dynamics_hessian")
    defaults = {name: getattr(ControlProblem, name) for name in names}
    plain = object.__new__(type("OnlyFunctions", (type(problem),), defaults))
    plain.__dict__.update(problem.__dict__)
    return plain


@pytest.fixture(scope="module")
def pendulum():
    """Both plans of the swing-up."""
    return {second_order: ilqr(Pendulum(), second_order=second_order) for second_order in (False, True)}


# The optimum


@BOTH
@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 3), st.integers(1, 8))
def test_a_linear_quadratic_problem_is_solved_in_one_iteration(second_order, seed, n, m, T):
    problem = LinearQuadratic(np.random.default_rng(seed), n, m, T)
    exact = problem.solution()
    _, actions, cost = exact.rollout(problem.initial_state)
    plan = ilqr(problem, second_order=second_order)
    assert plan.converged
    assert plan.iterations == 1
    assert plan.cost == pytest.approx(cost, rel=1e-10, abs=1e-10)
    assert plan.actions == pytest.approx(actions, abs=1e-8 * (1.0 + np.abs(actions).max()))
    gains, offsets = plan.policy
    assert gains == pytest.approx(exact.K, abs=1e-9 * (1.0 + np.abs(exact.K).max()))
    assert offsets == pytest.approx(exact.k, abs=1e-7 * (1.0 + np.abs(exact.k).max()))


@BOTH
def test_the_pendulum_swings_up_at_the_published_cost(pendulum, second_order):
    plan = pendulum[second_order]
    assert plan.converged
    assert plan.cost == pytest.approx(7.7881009955, abs=2e-9)
    assert np.abs(plan.states[-1]).max() < 1e-3


@BOTH
@pytest.mark.parametrize("problem", [CartPole(), Unicycle()], ids=["cart-pole", "unicycle"])
def test_finds_a_minimum_over_all_actions(problem, second_order):
    plan = ilqr(problem, second_order=second_order)
    assert plan.converged
    assert plan.cost == pytest.approx(least_cost_over_actions(problem, plan), abs=1e-8)


@pytest.mark.slow
@BOTH
def test_parks_the_car_where_no_action_can_be_improved(second_order):
    problem = CarParking()
    plan = ilqr(problem, second_order=second_order)
    assert plan.converged
    assert (problem.action_low <= plan.actions).all()
    assert (plan.actions <= problem.action_high).all()
    assert plan.cost <= least_cost_over_actions(problem, plan) + 1e-6


@BOTH
def test_the_default_derivatives_lead_to_the_same_optimum(pendulum, second_order):
    plan = ilqr(only_functions(Pendulum()), second_order=second_order)
    assert plan.converged
    assert plan.cost == pytest.approx(pendulum[second_order].cost, abs=1e-9)


def test_tolerance_bounds_what_is_left_to_gain(pendulum):
    """Gauss–Newton creeps: its next promise is far less than what is left, and the estimate knows it."""
    best = pendulum[True].cost
    for tolerance in (1e-3, 1e-5, 1e-7):
        plan = ilqr(Pendulum(), tolerance=tolerance)
        assert plan.converged
        assert 0.0 < plan.cost - best < 1.5 * tolerance


# Convergence


def test_ddp_converges_quadratically_and_gauss_newton_linearly(pendulum):
    """Near the end the error e of DDP falls like e², that of Gauss–Newton by a constant factor."""
    best = ilqr(Pendulum(), pendulum[True].actions, second_order=True, tolerance=0.0).actions
    errors = {
        second_order: np.array([np.linalg.norm(record.actions - best) for record in plan.history])
        for second_order, plan in pendulum.items()
    }
    last = errors[True][-4:]
    assert (last[1:] < 2.0 * last[:-1] ** 2).all()
    assert last[-1] < 1e-4
    shares = errors[False][-20:] / errors[False][-21:-1]
    assert shares.min() > 0.8
    assert np.ptp(shares) < 0.01


@pytest.mark.parametrize("problem", [Pendulum(), CartPole()], ids=["pendulum", "cart-pole"])
def test_ddp_needs_a_third_of_the_iterations_of_gauss_newton(problem):
    ddp, gauss_newton = ilqr(problem, second_order=True), ilqr(problem)
    assert 3 * ddp.iterations <= gauss_newton.iterations
    assert ddp.cost == pytest.approx(gauss_newton.cost, abs=1e-8)


def test_the_model_promises_what_a_linear_quadratic_world_keeps():
    record = ilqr(LinearQuadratic(np.random.default_rng(1), 3, 2, 6)).history[1]
    assert record.rho == 1.0
    assert record.decrease == pytest.approx(record.expected_decrease, rel=1e-10)


# Limits


SHORT_PENDULUM = {"dt": 0.1, "horizon": 40}


@BOTH
@pytest.mark.parametrize(
    ("problem", "least_cost"),
    [
        (Pendulum(action_limit=1.0, **SHORT_PENDULUM), least_cost_over_states_and_actions),
        (Pendulum(action_limit=2.0, **SHORT_PENDULUM), least_cost_over_states_and_actions),
        (CartPole(action_limit=8.0), least_cost_over_actions),
        (Unicycle(velocity_limit=1.2, turning_limit=1.0), least_cost_over_actions),
    ],
    ids=["pendulum 1 N m", "pendulum 2 N m", "cart-pole 8 N", "unicycle"],
)
def test_limits_hold_and_the_cost_is_that_of_a_bounded_minimum(problem, least_cost, second_order):
    plan = ilqr(problem, second_order=second_order)
    assert plan.converged
    for record in plan.history:
        assert (record.actions >= problem.action_low).all()
        assert (record.actions <= problem.action_high).all()
    assert (np.abs(plan.actions) == problem.action_high).any()
    assert plan.cost == pytest.approx(least_cost(problem, plan), abs=1e-6)


def test_a_clamped_action_has_no_feedback():
    problem = Unicycle(velocity_limit=1.2, turning_limit=1.0)
    plan = ilqr(problem, second_order=True)
    clamped = np.abs(plan.actions) == problem.action_high
    assert clamped.any()
    assert not plan.policy[0][clamped].any()
    assert np.abs(plan.policy[0][~clamped]).max(axis=-1).min() > 0.0


def test_initial_actions_are_brought_within_the_limits():
    problem = Pendulum(action_limit=1.0)
    start = ilqr(problem, np.full((100, 1), 7.0), max_iterations=0)
    assert np.array_equal(start.actions, np.ones((100, 1)))


def test_limits_may_exclude_zero():
    class Particle1N(LinearQuadratic):
        action_low, action_high = np.array([1.0]), np.array([2.0])

    problem = Particle1N(np.random.default_rng(2), 2, 1, 5)
    plan = ilqr(problem)
    assert plan.converged
    assert plan.actions.min() >= 1.0
    assert plan.cost == pytest.approx(least_cost_over_actions(problem, plan), abs=1e-8)


def test_a_valley_that_bends_down_ends_at_the_limits():
    """Cost -a² over [-1, 1]: Q_aa is positive definite nowhere, and the vertex is a minimum all the same."""

    class Concave(LinearQuadratic):
        action_low, action_high = -np.ones(2), np.ones(2)

    problem = Concave(np.random.default_rng(3), 2, 2, 4)
    problem.C, problem.V = -problem.C, 0.0 * problem.V
    plan = ilqr(problem, np.full((4, 2), 0.1))
    assert plan.converged
    assert (np.abs(plan.actions) == 1.0).all()
    assert plan.cost == pytest.approx(least_cost_over_actions(problem, plan), abs=1e-9)


# What is handed back


def test_history_leads_from_the_start_to_the_plan(pendulum):
    plan, seen = pendulum[True], []
    again = ilqr(Pendulum(), second_order=True, callback=seen.append)
    assert all(one is other for one, other in zip(seen, again.history, strict=True))
    assert again.cost == plan.cost
    assert [record.iteration for record in plan.history] == list(range(plan.iterations + 1))
    first, last = plan.history[0], plan.history[-1]
    assert not first.actions.any()
    assert first.rho == 0.0
    assert np.array_equal(last.states, plan.states)
    assert np.array_equal(last.actions, plan.actions)
    assert last.gradient_norm < 1e-5 < first.gradient_norm


@pytest.mark.parametrize("problem", [Pendulum(), CartPole()], ids=["pendulum", "cart-pole"])
def test_each_iteration_is_a_trajectory_of_the_world_and_none_is_worse(problem):
    history = ilqr(problem, second_order=True).history
    for before, after in pairwise(history):
        states, cost = problem.rollout(after.actions)
        assert states == pytest.approx(after.states, abs=1e-6)
        assert cost == pytest.approx(after.cost, rel=1e-6)
        assert before.cost - after.cost == after.decrease >= 1e-4 * after.expected_decrease
        if after.rho == 0.0:
            assert after.mu > before.mu
        else:
            assert after.expected_decrease > 0.0


def test_the_policy_follows_the_plan_and_corrects_a_deviation(pendulum):
    plan, world = pendulum[True], Pendulum()
    K, k = plan.policy
    follow = np.einsum("tij,tj->ti", K, plan.states[:-1]) + k
    assert follow == pytest.approx(plan.actions, abs=1e-12)
    s, pushed = plan.states[0] + [0.05, -0.1], 0.0
    for t in range(world.horizon):
        a = K[t] @ s + k[t]
        pushed, s = pushed + world.cost(s, a), world.dynamics(s, a)
    pushed += world.final_cost(s)
    _, open_loop = world.rollout(plan.actions, plan.states[0] + [0.05, -0.1])
    best = ilqr(Pendulum(initial_state=tuple(plan.states[0] + [0.05, -0.1])), plan.actions).cost
    assert pushed - best < 0.05 * (open_loop - best)


def test_a_warm_start_is_worth_its_iterations(pendulum):
    plan = pendulum[True]
    assert ilqr(Pendulum(), plan.actions, second_order=True).iterations == 0
    heavier = Pendulum(weights=(1.0, 0.1, 1.1))
    assert 4 * ilqr(heavier, plan.actions, second_order=True).iterations < plan.iterations


def test_does_not_change_what_it_is_given():
    actions = np.full((100, 1), 0.1)
    ilqr(Pendulum(), actions, max_iterations=3)
    assert (actions == 0.1).all()
