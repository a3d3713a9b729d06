"""What iLQR says of bad input, and when it cannot go on: an error, or converged=False with a reason."""

import re

import numpy as np
import pytest

from mbrl_teach.control.ilqr import ilqr
from mbrl_teach.problems.base import ControlProblem
from mbrl_teach.problems.pendulum import Pendulum


class Scalar(ControlProblem):
    """s' = s + a for four steps from 1, at the cost 1/2 (s² + weight a²)."""

    state_size, action_size, horizon = 1, 1, 4
    initial_state = np.ones(1)
    weight = 1.0

    def dynamics(self, s, a):
        return s + a

    def cost(self, s, a):
        return 0.5 * (s[..., 0] ** 2 + self.weight * a[..., 0] ** 2)


def scalar(**attributes):
    """A `Scalar` with other attributes or, where callable, methods."""
    return type("Changed", (Scalar,), attributes)()


def test_an_iteration_limit_is_reported():
    plan = ilqr(Pendulum(), max_iterations=3)
    assert not plan.converged
    assert plan.iterations == 3
    assert plan.message.startswith("stopped by max_iterations = 3; the next step promised ")
    assert plan.cost == plan.history[-1].cost < plan.history[0].cost


def test_no_iterations_give_the_policy_of_the_start():
    plan = ilqr(Pendulum(), max_iterations=0)
    assert not plan.converged
    assert not plan.actions.any()
    assert plan.policy[0].shape == (100, 1, 2)


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        (
            scalar(dynamics=lambda self, s, a: np.where(s > 2.5, np.nan, s + a + 1.0)),
            "Changed.dynamics returned NaN for s_4 (array index 3)",
        ),
        (
            scalar(dynamics=lambda self, s, a: s + a + np.where(s > 2.5, np.inf, 1.0)),
            "the states that initial_actions lead to must be finite; got infinity, first at t = 4 (array index 3)",
        ),
        (
            scalar(dynamics=lambda self, s, a: 0.5 * s + a, cost=lambda self, s, a: np.log(s[..., 0] - 0.3)),
            "the cost along initial_actions must be finite; got NaN, first at t = 3 (array index 2)",
        ),
        (
            scalar(final_cost=lambda self, s: np.log(-s[..., 0])),
            "the final cost that initial_actions lead to must be finite; got nan",
        ),
        (
            scalar(linearize=lambda self, s, a: np.array([[[1.0, 1.0]]] * 2 + [[[np.nan, 1.0]]] * 2)),
            "linearize(s, a) must be finite; got NaN, first at t = 3 (array index 2)",
        ),
        (
            scalar(quadratize=lambda self, s, a: (np.eye(2), np.zeros(2))),
            "the Hessian of quadratize(s, a) must have shape (T, n+m, n+m) = (4, 2, 2); got (2, 2)",
        ),
        (
            scalar(quadratize=lambda self, s, a: (np.tile(np.tri(2), (4, 1, 1)), np.zeros((4, 2)))),
            "the Hessian of quadratize(s, a) must be symmetric; it differs from its transpose by 1.0e+00",
        ),
        (
            scalar(quadratize_final=lambda self, s: (np.zeros((1, 1)), np.zeros(2))),
            "the gradient of quadratize_final(s) must have shape (n,) = (1,); got (2,)",
        ),
        (scalar(horizon=0), "problem.horizon must be at least 1; got 0"),
        (scalar(initial_state=np.array([np.nan])), "problem.initial_state must be finite; got NaN"),
        (scalar(initial_state=np.ones(2)), "problem.initial_state must have shape (n,) = (1,); got (2,)"),
        (
            scalar(action_low=np.ones(1), action_high=-np.ones(1)),
            "problem.action_low must be at most action_high; got [1.] and [-1.]",
        ),
    ],
)
def test_says_what_is_wrong_with_a_world(problem, message):
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        ilqr(problem)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"initial_actions": np.zeros((3, 1))},
            "initial_actions must have shape (T, m) = (4, 1); got (3, 1)",
        ),
        (
            {"initial_actions": [[0.0], [0.0], [np.nan], [0.0]]},
            "initial_actions must be finite; got NaN, first at t = 3 (array index 2)",
        ),
        (
            {"max_iterations": -1},
            "max_iterations and tolerance must be >= 0; got max_iterations=-1, tolerance=1e-09",
        ),
        (
            {"tolerance": np.nan},
            "max_iterations and tolerance must be >= 0; got max_iterations=500, tolerance=nan",
        ),
    ],
)
def test_says_what_is_wrong_with_an_argument(arguments, message):
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        ilqr(Scalar(), **arguments)


def test_a_line_search_that_fails_says_so():
    """Derivatives with the wrong sign point uphill: μ grows to its end and no step helps."""
    uphill = scalar(
        quadratize=lambda self, s, a: (np.tile(np.eye(2), (4, 1, 1)), -np.concatenate([s, a], -1))
    )
    plan = ilqr(uphill)
    assert not plan.converged
    assert plan.message.startswith("no step lowers the cost")
    assert not plan.actions.any()
    assert {record.rho for record in plan.history} == {0.0}


def test_a_horizon_too_short_to_swing_up_is_solved_as_it_stands():
    plan = ilqr(Pendulum(horizon=2), second_order=True)
    assert plan.converged
    assert plan.states[-1, 0] > 1.0


@pytest.mark.parametrize("second_order", [False, True])
def test_an_indefinite_cost_is_brought_down_with_regularisation(second_order):
    """cos a + a⁴/8 bends down at a = 0 and is least where sin a = a³/2."""
    double_well = scalar(
        cost=lambda self, s, a: np.cos(a[..., 0]) - 1.0 + a[..., 0] ** 4 / 8.0,
        final_cost=lambda self, s: 0.0 * s[..., 0],
    )
    plan = ilqr(double_well, np.full((4, 1), 0.1), second_order=second_order)
    assert plan.converged
    assert plan.history[0].mu > 0.9 > 1e-3 > plan.history[-1].mu
    well = np.abs(plan.actions)
    assert np.sin(well) == pytest.approx(0.5 * well**3, abs=1e-6)
    assert well.min() > 1.0


def test_a_saddle_is_not_passed_off_as_a_minimum():
    """Hanging at rest, no torque changes the cost 1 - cos θ to first order."""
    hanging = Pendulum(final_weights=(0.0, 0.0), weights=(1.0, 0.0, 1e-3))
    for second_order in (False, True):
        plan = ilqr(hanging, second_order=second_order)
        assert not plan.converged
        assert plan.message.startswith(
            "the cost is stationary, but no minimum: Q_aa is not positive definite at t"
        )


def test_a_cost_without_a_minimum_is_reported():
    steep = ilqr(scalar(weight=-1e12))
    assert not steep.converged
    assert steep.message.startswith(
        "Q_aa + μI is not positive definite at t = 4 (array index 3), even with μ = "
    )
    assert steep.policy is None
    gentle = ilqr(scalar(weight=-1.0, cost=lambda self, s, a: -a[..., 0]), max_iterations=30)
    assert not gentle.converged


def test_a_cost_of_minus_infinity_is_no_bargain():
    bargain = scalar(
        cost=lambda self, s, a: np.where(a[..., 0] > 2.0, -np.inf, -a[..., 0]),
        quadratize=lambda self, s, a: (np.zeros((4, 2, 2)), np.tile([0.0, -1.0], (4, 1))),
    )
    plan = ilqr(bargain, max_iterations=20)
    assert np.isfinite(plan.cost)
    assert 0.0 < plan.actions.max() <= 2.0


def test_steps_into_nan_are_not_taken():
    """log is NaN to the left of zero, where the first full step leads."""
    barrier = scalar(cost=lambda self, s, a: 20.0 * s[..., 0] - np.log(s[..., 0]) + 0.01 * a[..., 0] ** 2)
    plan = ilqr(barrier, second_order=True)
    assert plan.converged
    assert (plan.states[:-1] > 0.0).all()
    assert min(record.rho for record in plan.history[1:]) < 1.0


@pytest.mark.parametrize("second_order", [False, True], ids=["iLQR", "DDP"])
def test_a_maximum_on_a_limit_is_no_solution(second_order):
    """Ending at 0 is the dearest near 0, and 0 is where the limit lies: the slope there is zero."""
    fork = scalar(
        initial_state=np.zeros(1),
        cost=lambda self, s, a: 0.5 * a[..., 0] ** 2,
        final_cost=lambda self, s: 0.25 * s[..., 0] ** 4 - s[..., 0] ** 2,
        action_low=np.zeros(1),
        action_high=np.ones(1),
    )
    stuck = ilqr(fork, second_order=second_order)
    assert not stuck.converged
    assert "no minimum" in stuck.message
    off = ilqr(fork, np.full((4, 1), 0.01), second_order=second_order)
    assert off.converged
    assert off.cost < -0.5
