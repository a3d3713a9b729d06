"""The block's closed forms against a quadratic program and its own derivatives."""

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp

from mbrl_teach.problems.base import ContinuousProblem
from mbrl_teach.problems.block_move import BlockMove


def test_the_force_of_the_docstring_moves_the_block_and_costs_what_it_says():
    m, d, tau = 0.7, -2.0, 1.3
    force = lambda t: 6 * m * d / tau**2 * (1 - 2 * t / tau)
    block = BlockMove(distance=d, duration=tau, mass=m)
    end = solve_ivp(
        lambda t, s: block.derivative(s, np.array([force(t)])), (0, tau), [0, 0], rtol=1e-10, atol=1e-12
    ).y[:, -1]
    np.testing.assert_allclose(end, [d, 0.0], atol=1e-7)
    assert quad(lambda t: force(t) ** 2, 0, tau)[0] == pytest.approx(block.least_cost())


def test_with_a_speed_limit_the_block_speeds_up_coasts_and_slows_down():
    m, d, tau, V = 1.6, 2.0, 1.5, 1.7
    t_1 = 1.5 * (tau - d / V)
    force = lambda t: 2 * m * V / t_1 * (max(1 - t / t_1, 0.0) - max(1 - (tau - t) / t_1, 0.0))
    block = BlockMove(distance=d, duration=tau, mass=m, speed_limit=V)
    flow = solve_ivp(
        lambda t, s: block.derivative(s, np.array([force(t)])),
        (0, tau),
        [0, 0],
        rtol=1e-9,
        atol=1e-12,
        max_step=0.01,
    )
    np.testing.assert_allclose(flow.y[:, -1], [d, 0.0], atol=1e-5)
    assert flow.y[1].max() == pytest.approx(V, abs=1e-5)
    assert quad(lambda t: force(t) ** 2, 0, tau, points=[t_1, tau - t_1])[0] == pytest.approx(
        block.least_cost()
    )


def test_the_limit_counts_from_one_and_a_half_times_the_mean_speed():
    assert BlockMove(speed_limit=1.5).least_cost() == pytest.approx(12.0)
    assert BlockMove(speed_limit=1.4999).least_cost() == pytest.approx(12.0, rel=1e-3)
    assert BlockMove(speed_limit=1.25).least_cost() == pytest.approx(125 / 9)
    assert BlockMove(speed_limit=1.0).least_cost() == np.inf


@pytest.mark.parametrize(
    "name", ["derivative_jacobian", "derivative_hessian", "quadratize_rate", "quadratize_final"]
)
def test_derivatives_agree_with_those_that_come_by_themselves(name):
    block, rng = BlockMove(mass=0.6), np.random.default_rng(0)
    s, a = rng.normal(size=(3, 4, 2)), rng.normal(size=(3, 4, 1))
    arguments = (s,) if name == "quadratize_final" else (s, a)
    ours, default = getattr(block, name)(*arguments), getattr(ContinuousProblem, name)(block, *arguments)
    for left, right in zip(ours, default, strict=True) if isinstance(ours, tuple) else [(ours, default)]:
        np.testing.assert_allclose(left, right, atol=2e-4 if "final" in name else 1e-7)


def test_a_step_of_its_dynamics_is_exact():
    """The force is held: s moves on a parabola."""
    block = BlockMove(mass=2.0, horizon=10)
    following = block.dynamics(np.array([0.3, -0.4]), np.array([3.0]))
    np.testing.assert_allclose(following, [0.3 - 0.04 + 1.5 * 0.01 / 2, -0.4 + 0.15], rtol=1e-12)
    assert block.cost(np.zeros(2), np.array([3.0])) == pytest.approx(0.9)


@pytest.mark.parametrize("argument", ["duration", "mass", "speed_limit", "action_limit"])
def test_sizes_must_be_positive(argument):
    with pytest.raises(ValueError, match=f"{argument} must be positive"):
        BlockMove(**{argument: 0.0})
