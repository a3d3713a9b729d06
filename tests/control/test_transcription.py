"""The nonlinear program of collocation: its values by hand, its derivatives by finite differences."""

import numpy as np
import pytest
from scipy.interpolate import CubicHermiteSpline
from scipy.optimize import approx_fprime
from scipy.sparse import coo_array

from mbrl_teach.control.transcription import SCHEMES, Transcription
from mbrl_teach.problems.block_move import BlockMove
from mbrl_teach.problems.cart_pole import CartPole

MESH = np.array([0.0, 0.3, 0.5, 1.1, 2.0])


def some_point(program, seed=0):
    return np.random.default_rng(seed).normal(size=len(program.low))


def dense(places, entries, shape):
    return coo_array((entries, places), shape).toarray()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_derivatives_agree_with_finite_differences(scheme):
    program = Transcription(CartPole(), MESH, scheme)
    x = some_point(program)
    d, p = len(x), len(program.constraints(x))
    np.testing.assert_allclose(
        program.gradient(x), approx_fprime(x, program.objective, 1e-6), atol=1e-3, rtol=1e-4
    )
    A = dense(program.jacobian_places, program.jacobian(x), (p, d))
    np.testing.assert_allclose(A, approx_fprime(x, program.constraints, 1e-7), atol=2e-5)
    multipliers = np.random.default_rng(1).normal(size=p)

    def slope(x):
        A = dense(program.jacobian_places, program.jacobian(x), (p, d))
        return program.gradient(x) + multipliers @ A

    W = dense(program.hessian_places, program.hessian(x, multipliers), (d, d))
    np.testing.assert_allclose(W, approx_fprime(x, slope, 1e-7), atol=2e-3 * np.abs(W).max() / 1e3)
    np.testing.assert_allclose(W, W.T)


def test_the_trapezoid_by_hand():
    """One interval of length 2: v_2 - v_1 - (u_1 + u_2) = 0, and the cost u_1² + u_2²."""
    block = BlockMove(duration=2.0)
    block.final_state, block.final_weights = np.full(2, np.nan), np.zeros(2)
    program = Transcription(block, np.array([0.0, 2.0]), "trapezoid")
    states, actions = np.array([[0.0, 0.0], [5.0, 3.0]]), np.array([[1.0], [4.0]])
    x = program.unknowns(states, actions)
    np.testing.assert_allclose(program.constraints(x), [5.0 - 3.0, 3.0 - 5.0])
    assert program.objective(x) == pytest.approx(17.0)


def test_simpson_by_hand():
    """One interval of length 3: its mid-point, and the weights 1, 4, 1 over 6."""
    block = BlockMove(duration=3.0)
    block.final_state, block.final_weights = np.full(2, np.nan), np.zeros(2)
    program = Transcription(block, np.array([0.0, 3.0]), "hermite-simpson")
    states, actions = np.array([[0.0, 0.0], [7.0, 2.0], [9.0, 6.0]]), np.array([[1.0], [2.0], [4.0]])
    x = program.unknowns(states, actions)
    middle = [7.0 - 4.5 - 3 / 8 * (0.0 - 6.0), 2.0 - 3.0 - 3 / 8 * (1.0 - 4.0)]
    whole = [9.0 - 3 / 6 * (0.0 + 8.0 + 6.0), 6.0 - 3 / 6 * (1.0 + 8.0 + 4.0)]
    np.testing.assert_allclose(program.constraints(x), middle + whole)
    assert program.objective(x) == pytest.approx(3 / 6 * (1.0 + 4 * 4.0 + 16.0))


def test_the_mid_point_lies_on_the_cubic_through_both_ends():
    """Hermite's cubic by scipy has no mid-point defect."""
    program = Transcription(CartPole(), np.array([0.0, 0.4]), "hermite-simpson")
    rng, cart = np.random.default_rng(2), CartPole()
    states, actions = rng.normal(size=(3, 4)), rng.normal(size=(3, 1))
    states[0], states[2] = cart.initial_state, cart.final_state
    f = cart.derivative(states, actions)
    states[1] = CubicHermiteSpline([0.0, 0.4], states[[0, 2]], f[[0, 2]])(0.2)
    defects = program.constraints(program.unknowns(states, actions)).reshape(2, 4)
    np.testing.assert_allclose(defects[0], 0.0, atol=1e-12)
    assert np.abs(defects[1]).max() > 0.1


@pytest.mark.parametrize("scheme", SCHEMES)
def test_initial_and_final_state_are_no_unknowns(scheme):
    program = Transcription(CartPole(), MESH, scheme)
    points = 5 if scheme == "trapezoid" else 9
    assert len(program.low) == points * 5 - 8
    states, actions = program.trajectory(some_point(program))
    np.testing.assert_array_equal(states[[0, -1]], [np.zeros(4), CartPole().final_state])
    np.testing.assert_array_equal(program.unknowns(states, actions), some_point(program))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_defect_depends_on_the_points_of_its_interval_only(scheme):
    program = Transcription(CartPole(), np.linspace(0, 2, 21), scheme)
    rows, columns = program.jacobian_places
    time_of_unknown = np.repeat(program.times, 5)[program.free.ravel()]
    rows_per_interval = len(program.constraints(some_point(program))) // 20
    interval = rows // rows_per_interval
    distance = time_of_unknown[columns] / 0.1 - interval
    assert distance.min() > -1e-9
    assert distance.max() < 1 + 1e-9


def test_a_coordinate_whose_limits_meet_is_fixed():
    block = BlockMove()
    block.action_low = block.action_high = np.array([2.0])
    program = Transcription(block, MESH / 2, "trapezoid")
    _, actions = program.trajectory(some_point(program))
    np.testing.assert_array_equal(actions, 2.0)
