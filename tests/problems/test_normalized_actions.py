"""Actions as shares of their limits: the same world, and derivatives that follow the scale."""

import numpy as np
import pytest

from mbrl_teach.control.ilqr import ilqr
from mbrl_teach.problems.base import ControlProblem
from mbrl_teach.problems.normalized_actions import NormalizedActions
from mbrl_teach.problems.particle import Particle
from mbrl_teach.problems.pendulum import Pendulum
from mbrl_teach.problems.unicycle import Unicycle


@pytest.fixture
def lopsided():
    """Limits that are not symmetric, and differ between the actions."""
    world = Unicycle(horizon=20, velocity_limit=2.0, turning_limit=3.0)
    world.action_low = np.array([-0.5, -3.0])
    return NormalizedActions(world)


def test_the_ends_of_the_range_are_the_limits(lopsided):
    assert lopsided.world_action(-np.ones(2)).tolist() == [-0.5, -3.0]
    assert lopsided.world_action(np.ones(2)).tolist() == [2.0, 3.0]
    a = np.random.default_rng(0).uniform(-1.0, 1.0, size=(7, 2))
    assert lopsided.normalized(lopsided.world_action(a)) == pytest.approx(a)


def test_a_rollout_is_that_of_the_world(lopsided):
    a = np.random.default_rng(0).uniform(-1.0, 1.0, size=(5, 20, 2))
    states, cost = lopsided.rollout(a)
    expected, expected_cost = lopsided.world.rollout(lopsided.world_action(a))
    assert np.array_equal(states, expected)
    assert np.array_equal(cost, expected_cost)


def test_its_derivatives_are_those_of_its_own_functions(lopsided):
    """The base class differentiates the functions numerically."""
    rng = np.random.default_rng(1)
    s, a = rng.normal(size=(6, 3)), rng.uniform(-1.0, 1.0, size=(6, 2))
    own = (
        lopsided.linearize(s, a),
        *lopsided.quadratize(s, a),
        *lopsided.quadratize_final(s),
        lopsided.dynamics_hessian(s, a),
    )
    numerical = (
        ControlProblem.linearize(lopsided, s, a),
        *ControlProblem.quadratize(lopsided, s, a),
        *ControlProblem.quadratize_final(lopsided, s),
        ControlProblem.dynamics_hessian(lopsided, s, a),
    )
    for one, other in zip(own, numerical, strict=True):
        assert one == pytest.approx(other, rel=1e-4, abs=1e-4)


def test_the_best_plan_is_the_worlds_best_plan():
    world = Pendulum(horizon=30, action_limit=2.0, initial_state=(1.0, 0.0))
    shares = ilqr(NormalizedActions(world))
    assert shares.cost == pytest.approx(ilqr(world).cost, rel=1e-7)


def test_an_unbounded_action_has_no_shares():
    with pytest.raises(ValueError, match=r"world must have bounded actions; Particle has low = \[-inf\]"):
        NormalizedActions(Particle())
