"""Multiple shooting against single shooting, iLQR, closed forms and collocation's limits."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.sparse import coo_array

from mbrl_teach.control.ilqr import ilqr
from mbrl_teach.control.lqr import lqr
from mbrl_teach.control.multiple_shooting import Segments
from mbrl_teach.control.shooting import multiple_shooting
from mbrl_teach.problems.base import ControlProblem
from mbrl_teach.problems.block_move import BlockMove
from mbrl_teach.problems.cart_pole import CartPole
from mbrl_teach.problems.particle import Particle
from mbrl_teach.problems.pendulum import Pendulum


@pytest.mark.parametrize("segments", [1, 2, 5, 20])
def test_any_number_of_segments_solves_a_linear_quadratic_problem(segments):
    particle = Particle(initial_state=(1.0, -0.5), target=0.0)
    assert particle.horizon == 20
    _, actions, cost = lqr(*particle.linear_quadratic()).rollout(particle.initial_state)
    plan = multiple_shooting(particle, segments=segments)
    assert plan.converged
    assert plan.iterations == 1
    assert plan.cost == pytest.approx(cost, rel=1e-10)
    np.testing.assert_allclose(plan.actions, actions, atol=1e-8)


@pytest.mark.parametrize("segments", [1, 8, 40])
def test_a_curved_world_is_solved_as_by_ilqr(segments):
    pendulum = Pendulum(horizon=40, initial_state=(0.8, 0.0))
    plan = multiple_shooting(pendulum, segments=segments)
    assert plan.converged
    assert plan.cost == pytest.approx(ilqr(pendulum).cost, abs=1e-8)
    states, cost = pendulum.rollout(plan.actions)
    np.testing.assert_allclose(plan.states, states, atol=1e-6)
    assert plan.cost == pytest.approx(cost, abs=1e-7)


@pytest.mark.parametrize("segments", [10, 100])
def test_the_swing_up_from_hanging_is_found(segments):
    """A local optimum that is published; single shooting from the same start gets nowhere near it."""
    plan = multiple_shooting(Pendulum(), segments=segments)
    assert plan.converged
    assert plan.cost == pytest.approx(7.7881009955, abs=1e-8)


def test_a_demanded_end_is_met_exactly():
    cart = CartPole()
    plan = multiple_shooting(cart, segments=15)
    assert plan.converged
    np.testing.assert_array_equal(plan.states[-1], cart.final_state)
    np.testing.assert_allclose(cart.rollout(plan.actions)[0][-1], cart.final_state, atol=1e-5)
    assert np.abs(plan.actions).max() <= 20.0


def test_more_steps_come_nearer_to_the_continuous_optimum():
    gaps = [multiple_shooting(BlockMove(horizon=T)).cost - 12.0 for T in (10, 20, 40)]
    assert gaps[0] > 3.5 * gaps[1] > 3.5**2 * gaps[2] > 0  # held forces: an error of order h²


def test_a_limit_on_states_holds_where_segments_meet():
    plan = multiple_shooting(BlockMove(speed_limit=1.25), segments=50)
    assert plan.converged
    assert plan.states[:, 1].max() == pytest.approx(1.25, abs=1e-6)
    assert plan.cost == pytest.approx(125 / 9, rel=5e-3)


def test_gaps_are_open_at_first_and_closed_at_the_end():
    told = []
    plan = multiple_shooting(CartPole(), segments=10, callback=told.append)
    assert len(told) == len(plan.history) == plan.iterations + 1
    first, last = plan.history[0], plan.history[-1]
    assert first.segments.shape == (10, 16, 4)
    assert np.abs(first.segments[:-1, -1] - first.nodes[1:-1]).max() > 0.1
    assert np.abs(last.segments[:-1, -1] - last.nodes[1:-1]).max() < 1e-8


@pytest.mark.parametrize("segments", [1, 3, 6])
def test_derivatives_of_the_program_equal_finite_differences(segments):
    program = Segments(CartPole(horizon=6, dt=0.1), segments)
    x = np.random.default_rng(0).normal(size=len(program.low))
    d, p = len(x), len(program.constraints(x))
    dense = lambda places, entries, shape: coo_array((entries, places), shape).toarray()
    A = dense(program.jacobian_places, program.jacobian(x), (p, d))
    np.testing.assert_allclose(A, approx_fprime(x, program.constraints, 1e-7), atol=1e-4)
    np.testing.assert_allclose(
        program.gradient(x), approx_fprime(x, program.objective, 1e-6), rtol=1e-3, atol=1e-2
    )
    y = np.random.default_rng(1).normal(size=p)

    def slope(x):
        return program.gradient(x) + y @ dense(program.jacobian_places, program.jacobian(x), (p, d))

    W = dense(program.hessian_places, program.hessian(x, y), (d, d))
    np.testing.assert_allclose(W, approx_fprime(x, slope, 1e-7), atol=1e-5 * max(1.0, np.abs(W).max()))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"segments": 7}, "segments must divide the horizon T = 100; got 7"),
        ({"segments": 0}, "segments must divide"),
        ({"tolerance": -1.0}, "tolerance > 0"),
        ({"initial_actions": np.zeros((3, 1))}, r"initial_actions must have shape \(T, m\) = \(100, 1\)"),
        ({"initial_states": np.zeros((100, 2))}, r"initial_states must have shape \(T\+1, n\) = \(101, 2\)"),
    ],
)
def test_bad_input_is_refused_by_name(arguments, message):
    with pytest.raises(ValueError, match=message):
        multiple_shooting(Pendulum(), **arguments)


def test_limits_that_cross_are_refused():
    block = BlockMove()
    block.state_low, block.state_high = np.array([0.0, 2.0]), np.array([3.0, 1.0])
    with pytest.raises(ValueError, match=r"state_low\[1\] must be at most state_high\[1\]; got 2 and 1"):
        multiple_shooting(block)


def test_a_final_state_beyond_the_limits_is_refused():
    block = BlockMove()
    block.state_high = np.array([0.5, np.inf])
    with pytest.raises(ValueError, match=r"final_state\[0\] = 1 must lie between .* state_high\[0\] = 0.5"):
        multiple_shooting(block)


@pytest.mark.parametrize(
    ("limits", "segments"),
    [({"speed_limit": 0.5}, 50), ({"action_limit": 3.0}, 50), ({"action_limit": 3.0}, 5)],
)
def test_an_end_out_of_reach_is_named(limits, segments):
    """At 0.5 m/s the block gets 0.5 m far in one second, with 3 N 0.75 m if it is to stop there."""
    plan = multiple_shooting(BlockMove(**limits), segments=segments)
    assert not plan.converged
    assert "final_state[0] = 1 cannot be reached within the limits: the nearest end" in plan.message


def test_between_the_ends_of_long_segments_a_limit_on_states_does_not_hold():
    """So the end that is out of reach with a segment per step is within it with ten."""
    plan = multiple_shooting(BlockMove(speed_limit=0.5), segments=10)
    assert plan.converged
    assert plan.states[::5, 1].max() < 0.5 + 1e-6 < 1.0 < plan.states[:, 1].max()


def test_an_end_out_of_reach_is_named_in_a_world_of_steps_alone():
    """Two functions, no derivatives, no limits on states: ten steps of at most 0.1 do not make 2."""

    class Walk(ControlProblem):
        state_size, action_size, horizon, initial_state = 1, 1, 10, np.zeros(1)
        action_low, action_high, final_state = np.array([-0.1]), np.array([0.1]), np.array([2.0])

        def dynamics(self, s, a):
            return s + a

        def cost(self, s, a):
            return (a**2).sum(axis=-1)

    plan = multiple_shooting(Walk(), segments=5)
    assert not plan.converged
    assert plan.message == (
        "final_state[0] = 2 cannot be reached within the limits: the nearest end found is 1"
    )
