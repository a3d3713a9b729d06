"""Receding horizon: when it plans, what it executes, and what it hands to the next plan."""

from types import SimpleNamespace

import numpy as np
import pytest

from mbrl_teach.planning.mpc import MPC, shift


class Countdown:
    """A planner whose n-th plan holds the actions 10 n, 10 n + 1, …; it writes down how it was called."""

    def __init__(self, length=4, policy=None):
        self.calls, self.length, self.policy = [], length, policy

    def plan(self, state, initial_actions=None):
        self.calls.append((state, initial_actions))
        actions = 10.0 * len(self.calls) + np.arange(self.length)[:, None]
        states = np.tile(state, (self.length + 1, 1))
        return SimpleNamespace(states=states, actions=actions, policy=self.policy)


class ColdPlanner(Countdown):
    """The same for a planner that takes nothing but the state."""

    def plan(self, state):
        return super().plan(state)


class FeedbackPlanner(Countdown):
    """The same for a planner that takes a feedback law too."""

    def plan(self, state, initial_actions=None, initial_policy=None):
        plan = super().plan(state, initial_actions)
        self.calls[-1] += (initial_policy,)
        return plan


STATES = np.arange(14.0).reshape(7, 2)


def test_every_state_gets_the_first_action_of_a_fresh_plan():
    planner = Countdown()
    policy = MPC(planner)
    actions = [policy(state) for state in STATES[:3]]
    assert np.array_equal(actions, [[10.0], [20.0], [30.0]])
    assert np.array_equal([state for state, _ in planner.calls], STATES[:3])


def test_several_actions_of_a_plan_are_executed_before_the_next_is_made():
    planner = Countdown()
    policy = MPC(planner, actions_per_plan=3)
    actions = [policy(state)[0] for state in STATES]
    assert actions == [10.0, 11.0, 12.0, 20.0, 21.0, 22.0, 30.0]
    assert np.array_equal([state for state, _ in planner.calls], STATES[[0, 3, 6]])


def test_the_solution_is_shifted_by_what_was_executed_and_its_last_action_repeated():
    planner = Countdown()
    policy = MPC(planner, actions_per_plan=3)
    for state in STATES:
        policy(state)
    (_, first), (_, second), (_, third) = planner.calls
    assert first is None
    assert np.array_equal(second, [[13.0], [13.0], [13.0], [13.0]])
    assert np.array_equal(third, [[23.0], [23.0], [23.0], [23.0]])


def test_the_next_plan_starts_from_the_last_solution_and_not_from_its_guess():
    planner = Countdown()
    policy = MPC(planner)
    for state in STATES[:3]:
        policy(state)
    assert np.array_equal(planner.calls[2][1], [[21.0], [22.0], [23.0], [23.0]])


def test_a_feedback_law_is_shifted_alike():
    K, k = np.arange(8.0).reshape(4, 1, 2), np.arange(4.0)[:, None]
    planner = FeedbackPlanner(policy=(K, k))
    policy = MPC(planner)
    policy(STATES[0]), policy(STATES[1])
    assert planner.calls[0][2] is None
    next_K, next_k = planner.calls[1][2]
    assert np.array_equal(next_K, K[[1, 2, 3, 3]])
    assert np.array_equal(next_k, k[[1, 2, 3, 3]])


def test_a_plan_without_a_feedback_law_hands_over_its_actions_only():
    planner = FeedbackPlanner(policy=None)
    policy = MPC(planner)
    policy(STATES[0]), policy(STATES[1])
    _, actions, law = planner.calls[1]
    assert np.array_equal(actions, [[11.0], [12.0], [13.0], [13.0]])
    assert law is None


def test_a_planner_that_takes_only_a_state_is_given_only_a_state():
    planner = ColdPlanner()
    policy = MPC(planner)
    assert [policy(state)[0] for state in STATES[:3]] == [10.0, 20.0, 30.0]


def test_without_a_warm_start_every_plan_starts_cold():
    planner = Countdown()
    policy = MPC(planner, warm_start=False)
    for state in STATES[:3]:
        policy(state)
    assert [guess for _, guess in planner.calls] == [None, None, None]


def test_after_a_reset_a_new_plan_is_made_from_cold():
    planner = Countdown()
    policy = MPC(planner, actions_per_plan=3)
    policy(STATES[0])
    policy.reset()
    assert policy.plan is None
    assert np.array_equal(policy(STATES[1]), [20.0])
    assert planner.calls[1][1] is None


def test_the_latest_plan_can_be_looked_at_and_its_actions_are_safe_from_the_caller():
    policy = MPC(Countdown(), actions_per_plan=2)
    action = policy(STATES[0])
    action[:] = np.nan
    assert np.array_equal(policy.plan.actions[:, 0], [10.0, 11.0, 12.0, 13.0])


def test_shifting_by_the_whole_length_repeats_the_last_entry():
    assert np.array_equal(shift(np.array([1.0, 2.0, 3.0]), 3), [3.0, 3.0, 3.0])
    assert np.array_equal(shift(np.array([1.0, 2.0, 3.0]), 0), [1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MPC(object()), r"planner must have a method plan\(state\); got object"),
        (
            lambda: MPC(Countdown(), actions_per_plan=0),
            "actions_per_plan must be a whole number from 1 on; got 0",
        ),
        (
            lambda: MPC(ColdPlanner(), warm_start=True),
            "ColdPlanner.plan does not take initial_actions",
        ),
    ],
)
def test_says_at_once_what_cannot_work(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_says_which_state_it_cannot_plan_from():
    with pytest.raises(ValueError, match=r"state must have shape \(n,\); got \(3, 2\)"):
        MPC(Countdown())(STATES[:3])
    with pytest.raises(ValueError, match="state must be finite; got NaN"):
        MPC(Countdown())([0.0, np.nan])


def test_says_when_a_plan_is_shorter_than_what_is_to_be_executed():
    with pytest.raises(ValueError, match="at most the plan's length T = 4; got 5"):
        MPC(Countdown(), actions_per_plan=5)(STATES[0])


def test_a_plan_of_nan_is_not_executed():
    planner = Countdown()
    planner.length = 0
    planner.plan = lambda state: SimpleNamespace(actions=np.array([[1.0], [np.nan]]))
    with pytest.raises(
        ValueError, match=r"Countdown.plan\(state\).actions must be finite; got NaN, first at t = 2"
    ):
        MPC(planner)(STATES[0])


@pytest.mark.parametrize("number", [1.5, np.nan, 0])
def test_executes_a_whole_number_of_actions(number):
    with pytest.raises(ValueError, match="actions_per_plan must be a whole number from 1 on"):
        MPC(Countdown(), actions_per_plan=number)


def test_a_planner_without_a_plan_is_named():
    planner = SimpleNamespace(plan=lambda state: None)
    with pytest.raises(ValueError, match=r"must return a plan with actions; got NoneType"):
        MPC(planner)(STATES[0])


def test_a_shift_by_more_than_all_repeats_the_last():
    assert np.array_equal(shift(np.arange(3), 5), [2, 2, 2])
