"""What a world gets from its base class: derivatives, bounds and rollouts from two functions."""

import re

import numpy as np
import pytest

from mbrl_teach.problems.base import ControlProblem


class Swing(ControlProblem):
    """Two functions and four attributes; derivatives of both are known in closed form."""

    state_size, action_size, horizon = 2, 1, 4
    initial_state = np.array([0.3, -0.2])

    def dynamics(self, s, a):
        assert s.dtype == a.dtype == np.float64
        return np.stack(
            [s[..., 0] + 0.1 * s[..., 1], s[..., 1] + np.sin(s[..., 0]) * a[..., 0] ** 2], axis=-1
        )

    def cost(self, s, a):
        return np.exp(s[..., 0]) * a[..., 0] + s[..., 1] ** 3

    def final_cost(self, s):
        return np.cos(s[..., 0]) * s[..., 1]


def closed_form(s, a):
    x, y, u = s[..., 0], s[..., 1], a[..., 0]
    zero, one = np.zeros_like(x), np.ones_like(x)
    F = np.array([[one, 0.1 * one, zero], [np.cos(x) * u**2, one, 2 * np.sin(x) * u]])
    c = np.array([np.exp(x) * u, 3 * y**2, np.exp(x)])
    C = np.array([[np.exp(x) * u, zero, np.exp(x)], [zero, 6 * y, zero], [np.exp(x), zero, zero]])
    H = np.array(
        [[-np.sin(x) * u**2, zero, 2 * np.cos(x) * u], [zero] * 3, [2 * np.cos(x) * u, zero, 2 * np.sin(x)]]
    )
    to_front = lambda array, k: np.moveaxis(array, range(k), range(-k, 0))
    return to_front(F, 2), to_front(C, 2), to_front(c, 1), to_front(H, 2)


@pytest.fixture
def points():
    rng = np.random.default_rng(0)
    return rng.normal(size=(5, 7, 2)), rng.normal(size=(5, 7, 1))


def test_default_derivatives_agree_with_the_closed_form(points):
    F, C, c, H = closed_form(*points)
    swing = Swing()
    assert swing.linearize(*points) == pytest.approx(F, abs=1e-10)
    C_own, c_own = swing.quadratize(*points)
    assert c_own == pytest.approx(c, abs=1e-9)
    assert C_own == pytest.approx(C, abs=1e-7)
    H_own = swing.dynamics_hessian(*points)
    assert H_own.shape == (5, 7, 2, 3, 3)
    assert H_own[..., 1, :, :] == pytest.approx(H, abs=1e-7)
    assert H_own[..., 0, :, :] == pytest.approx(np.zeros_like(H), abs=1e-7)


def test_default_derivatives_of_the_final_cost(points):
    x, y = np.moveaxis(points[0], -1, 0)
    V, v = Swing().quadratize_final(points[0])
    assert v == pytest.approx(np.stack([-np.sin(x) * y, np.cos(x)], axis=-1), abs=1e-9)
    expected = np.stack([[-np.cos(x) * y, -np.sin(x)], [-np.sin(x), 0 * x]])
    assert pytest.approx(np.moveaxis(expected, (0, 1), (-2, -1)), abs=1e-7) == V


def test_default_derivatives_hold_far_from_the_origin():
    """There the cost is 8e9, and the error of a second difference is that of its rounding."""
    s, a = np.array([0.5, 2000.0]), np.array([-300.0])
    F, C, c, _ = closed_form(s, a)
    C_own, c_own = Swing().quadratize(s, a)
    assert Swing().linearize(s, a) == pytest.approx(F, rel=1e-8, abs=1e-6)
    assert c_own == pytest.approx(c, rel=1e-8, abs=1e-3)
    assert np.abs(C_own - C).max() < 1e-10 * np.abs(Swing().cost(s, a))


def test_all_displaced_points_go_through_the_function_in_one_call(points):
    calls = []

    class Counted(Swing):
        def dynamics(self, s, a):
            calls.append(s.shape)
            return super().dynamics(s, a)

    Counted().linearize(*points)
    assert len(calls) == 2  # one for the step h, one for 2h


def test_rollout_follows_the_dynamics_and_adds_up_the_costs():
    swing, actions = Swing(), np.array([[0.5], [-1.0], [2.0], [0.1]])
    states, cost = swing.rollout(actions)
    s, total = swing.initial_state, 0.0
    for a in actions:
        total += swing.cost(s, a)
        s = swing.dynamics(s, a)
    assert states[-1] == pytest.approx(s, rel=1e-15)
    assert cost == pytest.approx(total + swing.final_cost(s), rel=1e-14)
    assert isinstance(cost, float)


def test_rollout_of_many_sequences_is_each_of_them():
    rng = np.random.default_rng(1)
    actions, starts = rng.normal(size=(6, 3, 4, 1)), rng.normal(size=(3, 2))
    states, costs = Swing().rollout(actions, starts)
    assert states.shape == (6, 3, 5, 2)
    one, cost = Swing().rollout(actions[4, 2], starts[2])
    assert states[4, 2] == pytest.approx(one, rel=1e-14)
    assert costs[4, 2] == pytest.approx(cost, rel=1e-13)


def test_actions_are_unbounded_unless_the_world_says_so():
    assert np.array_equal(Swing().action_low, [-np.inf])
    assert np.array_equal(Swing().action_high, [np.inf])
    swing = Swing()
    swing.action_low = np.array([-2.0])
    assert np.array_equal(swing.action_low, [-2.0])

    class Bounded(Swing):
        action_high = np.array([3.0])

    assert np.array_equal(Bounded().action_high, [3.0])


@pytest.mark.parametrize(
    ("actions", "start", "message"),
    [
        (np.zeros((4, 2)), None, "actions must have shape (T, m)"),
        (np.zeros((4, 1)), np.zeros(3), "initial_state must have shape (n,) = (2,); got (3,)"),
        ([[0.0], [np.nan]], None, "actions must be finite; got NaN, first at t = 2 (array index 1)"),
    ],
)
def test_rollout_says_what_is_wrong_with_an_argument(actions, start, message):
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        Swing().rollout(actions, start)


def test_rollout_says_where_the_world_turned_to_nan():
    class Broken(Swing):
        def dynamics(self, s, a):
            return np.where(a > 1.5, np.nan, super().dynamics(s, a))

    with pytest.raises(ValueError, match=re.escape("Broken.dynamics returned NaN for s_4 (array index 3)")):
        Broken().rollout([[0.5], [-1.0], [2.0], [0.1]])


@pytest.mark.parametrize("name", ["dynamics", "cost"])
def test_a_world_without_its_two_functions_says_which_is_missing(name):
    class Empty(ControlProblem):
        state_size, action_size = 1, 1

    with pytest.raises(NotImplementedError, match=f"Empty must define {name}"):
        getattr(Empty(), name)(np.zeros(1), np.zeros(1))


@pytest.mark.parametrize(
    ("function", "value", "message"),
    [
        ("dynamics", lambda s, a: s[..., :1], "dynamics must return shape (..., n) = (2,); got (1,)"),
        ("cost", lambda s, a: s[..., :1], "cost must return shape (...) = (4,); got (4, 1)"),
        ("cost", lambda s, a: s.sum(), "cost must return shape (...) = (4,); got ()"),
        ("final_cost", lambda s: s[..., :1], "final_cost must return shape (...) = (); got (1,)"),
    ],
)
def test_rollout_says_which_function_of_a_world_returns_a_wrong_shape(function, value, message):
    swing = Swing()
    setattr(swing, function, value)
    with pytest.raises(ValueError, match=re.escape(f"Swing.{message}")):
        swing.rollout(np.zeros((4, 1)))
