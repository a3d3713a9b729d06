"""Adjoints and products of Jacobians against finite differences, complex steps and counting."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from mbrl_teach.control.sensitivities import adjoint_gradient, condense, sensitivities
from mbrl_teach.problems.base import ControlProblem
from mbrl_teach.problems.cart_pole import CartPole
from mbrl_teach.problems.pendulum import Pendulum


class Swing(ControlProblem):
    """A world whose functions also take complex numbers; derivatives by hand."""

    state_size, action_size, horizon = 2, 1, 30
    initial_state = np.array([0.5, -1.0])

    def dynamics(self, s, a):
        omega = s[..., 1] + 0.1 * (np.sin(s[..., 0]) + a[..., 0] ** 3)
        return np.stack([s[..., 0] + 0.1 * omega, omega], axis=-1)

    def cost(self, s, a):
        return 1 - np.cos(s[..., 0]) + 0.1 * s[..., 1] ** 2 * (1 + a[..., 0] ** 2)

    def final_cost(self, s):
        return s[..., 0] ** 4 + s[..., 1] ** 2

    def linearize(self, s, a):
        F = np.zeros((*s.shape, 3))
        F[..., 1, 0], F[..., 1, 1], F[..., 1, 2] = 0.1 * np.cos(s[..., 0]), 1.0, 0.3 * a[..., 0] ** 2
        F[..., 0, :] = 0.1 * F[..., 1, :]
        F[..., 0, 0] += 1.0
        return F

    def quadratize(self, s, a):
        C, _ = super().quadratize(s, a)
        one = 1 + a[..., 0] ** 2
        c = [np.sin(s[..., 0]), 0.2 * s[..., 1] * one, 0.2 * s[..., 1] ** 2 * a[..., 0]]
        return C, np.stack(c, axis=-1)

    def quadratize_final(self, s):
        V, _ = super().quadratize_final(s)
        return V, np.stack([4 * s[..., 0] ** 3, 2 * s[..., 1]], axis=-1)


def total_cost(problem, actions):
    """Also for complex actions."""
    s, cost = problem.initial_state, 0.0
    for a in actions:
        cost = cost + problem.cost(s, a)
        s = problem.dynamics(s, a)
    return cost + problem.final_cost(s)


def test_the_adjoint_gradient_equals_the_complex_step():
    problem = Swing()
    actions = np.random.default_rng(0).normal(size=(30, 1))
    gradient, _ = adjoint_gradient(problem, problem.rollout(actions)[0], actions)
    step = 1e-30j
    exact = [total_cost(problem, actions + step * np.eye(30)[t][:, None]).imag / 1e-30 for t in range(30)]
    np.testing.assert_allclose(gradient[:, 0], exact, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("problem", [Pendulum(horizon=40), CartPole(horizon=40)])
def test_the_adjoint_gradient_equals_central_differences(problem):
    actions = 0.5 * np.random.default_rng(1).normal(size=(40, 1))
    gradient, _ = adjoint_gradient(problem, problem.rollout(actions)[0], actions)
    h = 1e-4
    both = np.stack([actions + h * e[:, None] for e in np.concatenate([np.eye(40), -np.eye(40)])])
    far = np.stack([actions + 2 * h * e[:, None] for e in np.concatenate([np.eye(40), -np.eye(40)])])
    cost, cost_far = problem.rollout(both)[1], problem.rollout(far)[1]
    near = (cost[:40] - cost[40:]) / (2 * h)
    wide = (cost_far[:40] - cost_far[40:]) / (4 * h)
    differences = (4 * near - wide) / 3
    np.testing.assert_allclose(gradient[:, 0], differences, atol=1e-8 * np.abs(cost).max())


def test_an_adjoint_is_the_price_of_a_state():
    """λ_t: what the rest of the trajectory costs more if s_t moves."""
    problem = Swing()
    actions = np.random.default_rng(2).normal(size=(30, 1))
    states, _ = problem.rollout(actions)
    _, adjoints = adjoint_gradient(problem, states, actions)
    for t in (0, 12, 29, 30):
        tail = lambda s, t=t: float(problem.rollout(actions[t:], s)[1]) if t < 30 else problem.final_cost(s)
        np.testing.assert_allclose(adjoints[t], approx_fprime(states[t], tail, 1e-7), rtol=1e-4, atol=1e-5)


def test_the_gradient_takes_one_call_of_each_derivative_whatever_the_horizon():
    """So its cost is linear in T: three batched calls, and one product a step."""
    for horizon in (10, 1000):
        calls = []

        class Counted(Pendulum):
            def linearize(self, s, a, calls=calls):
                calls.append(len(s))
                return super().linearize(s, a)

            def quadratize(self, s, a, calls=calls):
                calls.append(len(s))
                return super().quadratize(s, a)

        problem = Counted(horizon=horizon)
        actions = np.zeros((horizon, 1))
        adjoint_gradient(problem, problem.rollout(actions)[0], actions)
        assert calls == [horizon, horizon]


def test_sensitivities_are_products_of_jacobians():
    problem = Swing()
    actions = np.random.default_rng(3).normal(size=(6, 1))
    states, _ = problem.rollout(actions)
    F = problem.linearize(states[:-1], actions)
    G = sensitivities(F)
    product = np.eye(2)
    for F_t in F:
        product = F_t[:, :2] @ product
    np.testing.assert_allclose(G[-1][:, :2], product, rtol=1e-12)
    np.testing.assert_allclose(
        G[-1][:, 2:3], F[5, :, :2] @ F[4, :, :2] @ F[3, :, :2] @ F[2, :, :2] @ F[1, :, :2] @ F[0, :, 2:]
    )
    last = lambda x: problem.rollout(x[2:, None], x[:2])[0][-1]
    x = np.concatenate([problem.initial_state, actions[:, 0]])
    np.testing.assert_allclose(G[-1], approx_fprime(x, last, 1e-7), atol=1e-5)


def test_sensitivities_of_a_stack_are_those_of_its_members():
    F = np.random.default_rng(4).normal(size=(3, 5, 2, 3))
    np.testing.assert_allclose(sensitivities(F)[1], sensitivities(F[1]))


def test_condensed_derivatives_equal_finite_differences():
    """Gradient, end and Hessian of cost + λ' s_{L+1} by the start and the actions, for two segments at once."""
    problem, rng = Swing(), np.random.default_rng(5)
    starts, actions, end = rng.normal(size=(2, 2)), rng.normal(size=(2, 4, 1)), rng.normal(size=(2, 2))
    states, _ = problem.rollout(actions, starts)
    condensed = condense(problem, states, actions, end, second_order=True)
    problem.final_cost = lambda s: np.zeros(s.shape[:-1])
    for k in range(2):
        x = np.concatenate([starts[k], actions[k, :, 0]])

        def gradient(x, k=k, price=end):
            states, _ = problem.rollout(x[None, 2:, None], x[None, :2])
            parts = condense(problem, states, x[None, 2:, None], price[k : k + 1], second_order=False)
            return parts.gradient[0] + price[k] @ parts.end[0]

        value = lambda x, k=k: problem.rollout(x[2:, None], x[:2])[1]
        np.testing.assert_allclose(condensed.gradient[k], approx_fprime(x, value, 1e-7), atol=2e-5)
        np.testing.assert_allclose(condensed.hessian[k], approx_fprime(x, gradient, 1e-7), atol=2e-4)


@pytest.mark.parametrize(
    ("states", "actions", "message"),
    [
        (np.zeros((5, 2)), np.zeros((5, 1)), r"states must have shape \(T\+1, n\) = \(6, 2\); got \(5, 2\)"),
        (np.zeros((6, 2)), np.full((5, 1), np.nan), "actions must be finite; got NaN"),
    ],
)
def test_bad_input_is_refused_by_name(states, actions, message):
    with pytest.raises(ValueError, match=message):
        adjoint_gradient(Swing(), states, actions)
