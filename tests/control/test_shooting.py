"""Single shooting against optima that other methods find."""

import numpy as np
import pytest
from scipy.optimize import lsq_linear

from mbrl_teach.control.ilqr import ilqr
from mbrl_teach.control.lqr import lqr
from mbrl_teach.control.shooting import METHODS, shooting
from mbrl_teach.problems.base import ControlProblem
from mbrl_teach.problems.block_move import BlockMove
from mbrl_teach.problems.cart_pole import CartPole
from mbrl_teach.problems.particle import Particle
from mbrl_teach.problems.pendulum import Pendulum

both = pytest.mark.parametrize("method", METHODS)


@both
def test_a_linear_quadratic_problem_is_solved_as_by_lqr(method):
    particle = Particle(initial_state=(1.0, -0.5), target=0.0)
    _, actions, cost = lqr(*particle.linear_quadratic()).rollout(particle.initial_state)
    plan = shooting(particle, method=method, tolerance=1e-8)
    assert plan.converged
    assert plan.cost == pytest.approx(cost, rel=1e-10)
    np.testing.assert_allclose(plan.actions, actions, atol=1e-5)


def test_gauss_newton_takes_one_step_on_a_linear_quadratic_problem():
    assert shooting(Particle(), method="gauss-newton").iterations == 1


@both
def test_a_limit_on_actions_is_obeyed(method):
    """The block's cost is a least-squares problem in the box, which scipy solves."""
    block = BlockMove(action_limit=4.6, horizon=20)
    plan = shooting(block, method=method)
    assert plan.converged
    h = block.dt
    push = np.array(
        [[h * h * (19.5 - t), h] for t in range(20)]
    ).T  # what a unit of u_t adds to x, v at the end
    A = np.concatenate([np.sqrt(h) * np.eye(20), np.sqrt(0.5 * block.final_weights)[:, None] * push])
    b = np.concatenate([np.zeros(20), np.sqrt(0.5 * block.final_weights) * block.goal])
    peer = lsq_linear(A, b, bounds=(-4.6, 4.6), tol=1e-14)
    assert plan.cost == pytest.approx(2 * peer.cost, rel=1e-7)
    assert np.abs(plan.actions).max() <= 4.6


@both
def test_a_curved_world_is_solved_as_by_ilqr(method):
    """Near enough to the top there is one optimum."""
    pendulum = Pendulum(horizon=40, initial_state=(0.8, 0.0))
    plan = shooting(pendulum, method=method)
    assert plan.converged
    assert plan.cost == pytest.approx(ilqr(pendulum).cost, abs=1e-8)


def test_gauss_newton_swings_the_cart_pole_up():
    plan = shooting(CartPole(), method="gauss-newton")
    assert plan.converged
    assert np.abs(plan.states[-1] - CartPole().goal).max() < 0.05
    assert plan.cost == pytest.approx(ilqr(CartPole()).cost, rel=1e-4)


@both
def test_every_iterate_is_a_trajectory_of_the_world_and_costs_less(method):
    pendulum = Pendulum(horizon=40, initial_state=(0.8, 0.0))
    told = []
    plan = shooting(pendulum, method=method, callback=told.append)
    assert len(told) == len(plan.history) == plan.iterations + 1
    for it in plan.history:
        states, cost = pendulum.rollout(it.actions)
        np.testing.assert_allclose(it.states, states, atol=1e-12)
        assert it.cost == pytest.approx(cost)
    costs = [it.cost for it in plan.history]
    assert (np.diff(costs) <= 0).all()


class Explosive(ControlProblem):
    """s' = s³ + a: beyond 1 a state is soon infinite."""

    state_size, action_size, horizon = 1, 1, 12
    initial_state = np.array([0.9])

    def dynamics(self, s, a):
        return s**3 + a

    def cost(self, s, a):
        return (s[..., 0] - 0.5) ** 2 + 0.1 * a[..., 0] ** 2


@both
def test_a_step_that_explodes_is_taken_back(method):
    """The first full steps lead to infinite states, with not a warning; the end is an optimum all the same."""
    plan = shooting(Explosive(), np.full((12, 1), 0.05), method=method)
    assert plan.converged
    assert plan.cost == pytest.approx(ilqr(Explosive()).cost, abs=1e-8)


@both
def test_iterations_run_out(method):
    plan = shooting(Pendulum(), method=method, max_iterations=2)
    assert not plan.converged
    assert plan.iterations <= 2
    assert "stopped" in plan.message


def test_initial_actions_outside_the_limits_are_clipped():
    plan = shooting(Pendulum(action_limit=2.0), np.full((100, 1), 9.0), max_iterations=0)
    np.testing.assert_array_equal(plan.actions, 2.0)


@pytest.mark.parametrize(
    ("problem", "arguments", "message"),
    [
        (Particle(), {"method": "newton"}, "method must be one of .*; got 'newton'"),
        (Particle(), {"tolerance": 0.0}, "tolerance > 0"),
        (
            Pendulum(),
            {"initial_actions": np.zeros((99, 1))},
            r"initial_actions must have shape \(T, m\) = \(100, 1\)",
        ),
        (
            Pendulum(),
            {"initial_actions": np.full((100, 1), np.nan)},
            "initial_actions must be finite; got NaN",
        ),
        (Explosive(), {"initial_actions": np.full((12, 1), 9.0)}, "initial_actions lead to must be finite"),
    ],
)
def test_bad_input_is_refused_by_name(problem, arguments, message):
    with pytest.raises(ValueError, match=message):
        shooting(problem, **arguments)


def test_limits_that_cross_are_refused():
    pendulum = Pendulum()
    pendulum.action_low = np.array([2.0])
    pendulum.action_high = np.array([1.0])
    with pytest.raises(ValueError, match="action_low must be at most action_high"):
        shooting(pendulum)
