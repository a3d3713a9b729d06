"""The cart-pole: equations of motion against Lagrange's, energy, and the order of both integrators."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import minimize

from mbrl_teach.problems.cart_pole import CartPole

PARAMETERS = {"cart_mass": 1.4, "pole_mass": 0.5, "length": 0.7, "gravity": 9.6}


def test_the_accelerations_solve_lagranges_equations():
    """Two equations, linear in the accelerations, from the kinetic and potential energy."""
    world, rng = CartPole(**PARAMETERS), np.random.default_rng(0)
    s, u = rng.normal(size=(10, 4)), rng.normal(size=(10, 1))
    sin, cos, omega = np.sin(s[:, 1]), np.cos(s[:, 1]), s[:, 3]
    mass = np.array([[np.full(10, 1.9), 0.35 * cos], [0.35 * cos, np.full(10, 0.245)]])
    force = np.array([u[:, 0] + 0.35 * sin * omega**2, -0.35 * 9.6 * sin])
    accelerations = np.linalg.solve(np.moveaxis(mass, -1, 0), force.T[..., None])[..., 0]
    assert world.derivative(s, u) == pytest.approx(np.hstack([s[:, 2:], accelerations]), rel=1e-12)


def error_after_one_second(integrator, steps):
    world = CartPole(dt=1.0 / steps, integrator=integrator, initial_state=(0.1, 2.0, -0.3, 0.5), **PARAMETERS)
    exact = solve_ivp(
        lambda _, s: world.derivative(s, np.array([1.5])),
        (0.0, 1.0),
        world.initial_state,
        method="DOP853",
        rtol=1e-12,
        atol=1e-13,
    ).y[:, -1]
    return np.linalg.norm(world.rollout(np.full((steps, 1), 1.5))[0][-1] - exact)


@pytest.mark.parametrize(("integrator", "order", "steps"), [("euler", 1, 4000), ("rk4", 4, 50)])
def test_the_error_of_an_integrator_shrinks_with_its_order(integrator, order, steps):
    coarse, fine = (error_after_one_second(integrator, k * steps) for k in (1, 2))
    assert np.log2(coarse / fine) == pytest.approx(order, abs=0.15)


def test_without_force_the_energy_is_conserved():
    world = CartPole(integrator="rk4", dt=0.002, initial_state=(0.0, 2.5, 0.3, 0.0), **PARAMETERS)
    energy = world.energy(world.rollout(np.zeros((1000, 1)))[0])
    assert energy == pytest.approx(np.full(1001, energy[0]), abs=1e-8)


def test_without_force_the_momentum_along_the_track_is_conserved():
    world = CartPole(integrator="rk4", dt=0.002, initial_state=(0.0, 2.5, 0.3, 0.0), **PARAMETERS)
    states, _ = world.rollout(np.zeros((1000, 1)))
    momentum = 1.9 * states[:, 2] + 0.35 * np.cos(states[:, 1]) * states[:, 3]
    assert momentum == pytest.approx(np.full(1001, momentum[0]), abs=1e-8)


def test_the_force_does_the_work_that_the_energy_gains():
    world = CartPole(integrator="rk4", dt=1e-3, initial_state=(0.0, 1.0, 0.4, -0.5), **PARAMETERS)
    states, _ = world.rollout(np.full((100, 1), 2.5))
    gained = world.energy(states[-1]) - world.energy(states[0])
    assert gained == pytest.approx(2.5 * (states[-1, 0] - states[0, 0]), rel=1e-8)


def test_the_pole_is_upright_at_pi_and_the_goal_is_one_metre_away():
    world = CartPole()
    assert np.array_equal(world.goal, [1.0, np.pi, 0.0, 0.0])
    assert world.final_cost(world.goal) == 0.0
    assert world.dynamics(world.goal, np.zeros(1)) == pytest.approx(world.goal, abs=1e-15)


def test_a_constant_force_costs_its_square_for_two_seconds():
    world = CartPole()
    states, cost = world.rollout(np.full((150, 1), 3.0))
    assert cost - world.final_cost(states[-1]) == pytest.approx(2.0 * 9.0)


def test_collocation_of_the_equations_gives_the_published_cost():
    """Kelly's problem by trapezoids on 25 intervals, from a straight line, costs 60.0355194742.

    An independent check of the equations and parameters: a general solver (SLSQP), the final state exact.
    """
    world, N = CartPole(), 25
    h = 2.0 / N
    weights = h * np.array([0.5] + [1.0] * (N - 1) + [0.5])

    def parts(z):
        return z.reshape(N + 1, 5)[:, :4], z.reshape(N + 1, 5)[:, 4:]

    def defects(z):
        s, u = parts(z)
        slope = world.derivative(s, u)
        steps = s[1:] - s[:-1] - 0.5 * h * (slope[1:] + slope[:-1])
        return np.concatenate([steps.ravel(), s[0], s[-1] - world.goal])

    def defects_jacobian(z):
        D, here = 0.5 * h * world.derivative_jacobian(*parts(z)), np.eye(4, 5)
        J = np.zeros((N + 2, 4, N + 1, 5))
        for t in range(N):
            J[t, :, t], J[t, :, t + 1] = -here - D[t], here - D[t + 1]
        J[N, :, 0] = J[N + 1, :, N] = here
        return J.reshape(4 * (N + 2), -1)

    line = np.zeros((N + 1, 5))
    line[:, :4] = np.linspace(0.0, 1.0, N + 1)[:, None] * world.goal
    solution = minimize(
        lambda z: weights @ parts(z)[1][:, 0] ** 2,
        line.ravel(),
        jac=lambda z: np.hstack([np.zeros((N + 1, 4)), 2.0 * weights[:, None] * parts(z)[1]]).ravel(),
        constraints={"type": "eq", "fun": defects, "jac": defects_jacobian},
        method="SLSQP",
        options={"maxiter": 300, "ftol": 1e-12},
    )
    assert solution.success
    assert solution.fun == pytest.approx(60.0355194742, abs=1e-8)


def test_an_integrator_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match=r"integrator must be one of \['euler', 'rk4'\]; got 'verlet'"):
        CartPole(integrator="verlet")


def test_refuses_a_world_without_mass():
    with pytest.raises(ValueError, match="pole_mass must be positive; got 0"):
        CartPole(pole_mass=0)
