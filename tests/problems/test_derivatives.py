"""Analytic derivatives of every world agree with the base class's finite differences."""

import numpy as np
import pytest

from mbrl_teach.problems.base import ControlProblem
from mbrl_teach.problems.car import CarParking
from mbrl_teach.problems.cart_pole import CartPole
from mbrl_teach.problems.pendulum import Pendulum
from mbrl_teach.problems.unicycle import Unicycle


class RoundedCar(CarParking):
    """Its final cost bends over 0.3 m and not over 0.01 m, where finite differences are too coarse."""

    final_smoothness = np.array([0.3, 0.3, 0.4, 1.0])


WORLDS = {
    "pendulum": Pendulum(gravity=9.6, mass=1.3, length=0.8, weights=(1.2, 0.3, 0.7)),
    "cart-pole, Euler": CartPole(dt=0.07, force_weight=0.3),
    "cart-pole, RK4": CartPole(dt=0.07, integrator="rk4", cart_mass=1.4, length=0.7),
    "car": RoundedCar(dt=0.2, wheelbase=1.8),
    "unicycle": Unicycle(dt=0.3, sharpness=2.0, weights=(0.4, 0.7)),
    "unicycle, nothing in its way": Unicycle(obstacles=np.empty((0, 3))),
}


@pytest.fixture(params=WORLDS)
def world(request):
    return WORLDS[request.param]


@pytest.fixture
def points(world):
    """States and actions with two leading axes, angles of several turns among them."""
    rng = np.random.default_rng(0)
    return 2.0 * rng.normal(size=(3, 20, world.state_size)), rng.normal(size=(3, 20, world.action_size))


def test_the_jacobian_of_the_dynamics(world, points):
    assert world.linearize(*points) == pytest.approx(ControlProblem.linearize(world, *points), abs=1e-8)


def test_the_second_derivatives_of_the_dynamics(world, points):
    default = ControlProblem.dynamics_hessian(world, *points)
    assert world.dynamics_hessian(*points) == pytest.approx(default, abs=2e-6)


def test_the_hessian_and_the_gradient_of_the_cost(world, points):
    C, c = ControlProblem.quadratize(world, *points)
    C_own, c_own = world.quadratize(*points)
    assert c_own == pytest.approx(c, rel=1e-8, abs=1e-8)
    assert C_own == pytest.approx(C, rel=1e-6, abs=1e-6)


def test_the_hessian_and_the_gradient_of_the_final_cost(world, points):
    V, v = ControlProblem.quadratize_final(world, points[0])
    V_own, v_own = world.quadratize_final(points[0])
    assert v_own == pytest.approx(v, rel=1e-8, abs=1e-8)
    assert pytest.approx(V, rel=1e-6, abs=1e-4) == V_own


@pytest.mark.parametrize("stack", [(), (1,), (2, 3, 4)], ids=str)
def test_a_stack_of_points_is_each_of_them(world, stack):
    rng = np.random.default_rng(1)
    s, a = rng.normal(size=(*stack, world.state_size)), rng.normal(size=(*stack, world.action_size))
    last = (-1,) * len(stack)
    for function in (world.dynamics, world.cost, world.linearize, world.dynamics_hessian):
        whole = function(s, a)
        assert np.shape(whole)[: len(stack)] == stack
        assert np.asarray(whole)[last] == pytest.approx(function(s[last], a[last]), rel=1e-14)
    for whole, one in zip(world.quadratize(s, a), world.quadratize(s[last], a[last]), strict=True):
        assert whole[last] == pytest.approx(one, rel=1e-14)
    for whole, one in zip(world.quadratize_final(s), world.quadratize_final(s[last]), strict=True):
        assert whole[last] == pytest.approx(one, rel=1e-14)


def test_one_action_serves_many_states(world):
    rng = np.random.default_rng(2)
    s, a = rng.normal(size=(5, world.state_size)), rng.normal(size=world.action_size)
    repeated = np.broadcast_to(a, (5, world.action_size))
    for function in (world.dynamics, world.cost, world.linearize, world.dynamics_hessian):
        assert np.array_equal(function(s, a), function(s, repeated))
    assert np.array_equal(world.quadratize(s, a)[1], world.quadratize(s, repeated)[1])


def test_arguments_are_left_as_they_were(world, points):
    s, a = (array.copy() for array in points)
    world.dynamics(s, a), world.linearize(s, a), world.quadratize(s, a), world.quadratize_final(s)
    world.dynamics_hessian(s, a)
    assert np.array_equal(s, points[0])
    assert np.array_equal(a, points[1])
