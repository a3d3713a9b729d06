"""Plans by iLQR: what a plan starts from, and the closed loop under disturbance."""

import numpy as np
import pytest

from mbrl_teach.control.ilqr import ilqr
from mbrl_teach.planning.mpc import MPC
from mbrl_teach.planning.trajectory_optimization import ILQRPlanner
from mbrl_teach.problems.cart_pole import CartPole
from mbrl_teach.problems.pendulum import Pendulum


@pytest.fixture(scope="module")
def swing_up():
    return ilqr(Pendulum(), second_order=True)


def test_a_plan_is_the_solution_of_the_problem_from_that_state():
    state = np.array([0.4, -0.3])
    expected = ilqr(Pendulum(initial_state=state, horizon=30))
    plan = ILQRPlanner(Pendulum(), horizon=30).plan(state)
    assert np.array_equal(plan.states[0], state)
    assert np.array_equal(plan.actions, expected.actions)


def test_the_model_is_left_as_it_was():
    world = Pendulum()
    planner = ILQRPlanner(world, horizon=30, final_cost=lambda s: s[..., 0] ** 2)
    planner.plan([0.4, -0.3])
    for model in (world, planner.model):
        assert np.array_equal(model.initial_state, [np.pi, 0.0])
    assert world.horizon == 100
    assert world.final_cost(np.array([1.0, 0.0])) == 50.0


def test_a_plan_that_starts_from_a_solution_has_nothing_left_to_do(swing_up):
    planner = ILQRPlanner(Pendulum(), second_order=True)
    again = planner.plan([np.pi, 0.0], initial_actions=swing_up.actions)
    assert again.iterations == 0
    assert again.cost == pytest.approx(swing_up.cost, rel=1e-12)


def test_from_a_disturbed_state_the_law_is_a_better_start_than_the_actions(swing_up):
    """The actions alone, replayed from 0.02 rad further, no longer bring the pendulum up."""
    planner, state = ILQRPlanner(Pendulum(), iterations=0), np.array([np.pi + 0.02, 0.0])
    replayed = planner.plan(state, initial_actions=swing_up.actions)
    followed = planner.plan(state, initial_policy=swing_up.policy)
    assert abs(replayed.states[-1, 0]) > 1.0
    assert abs(followed.states[-1, 0]) < 0.01
    assert followed.cost == pytest.approx(swing_up.cost, rel=0.05)


def test_the_law_is_followed_within_the_limits(swing_up):
    planner = ILQRPlanner(Pendulum(action_limit=1.5), iterations=0)
    plan = planner.plan([np.pi + 0.5, 0.0], initial_policy=swing_up.policy)
    K, k = swing_up.policy
    law = np.einsum("tij,tj->ti", K, plan.states[:-1]) + k
    assert np.abs(law).max() > 2.0
    assert plan.actions == pytest.approx(np.clip(law, -1.5, 1.5), abs=1e-9)


def test_another_final_cost_takes_the_place_of_the_models_own():
    other = Pendulum(final_weights=(3.0, 0.5), initial_state=(0.5, 0.0), horizon=30)
    plan = ILQRPlanner(Pendulum(), horizon=30, final_cost=other.final_cost).plan([0.5, 0.0])
    assert plan.actions == pytest.approx(ilqr(other).actions, abs=1e-4)


def closed_loop(policy, steps, noise):
    world, rng = Pendulum(), np.random.default_rng(0)
    states = [world.initial_state]
    for _ in range(steps):
        push = noise * rng.normal(size=2) * [0.1, 1.0]
        states.append(world.dynamics(states[-1], policy(states[-1])) + push)
    return np.array(states)


def test_mpc_holds_the_pendulum_up_where_the_open_loop_falls(swing_up):
    policy = MPC(ILQRPlanner(Pendulum(), horizon=50, iterations=3))
    states = closed_loop(policy, 120, noise=0.1)
    assert np.abs(states[-40:, 0]).max() < 0.2
    steps = iter(swing_up.actions)
    open_loop = closed_loop(lambda _: next(steps), 100, noise=0.1)
    assert np.abs(open_loop[-20:, 0]).max() > np.pi


def test_warm_starts_save_iterations():
    def iterations(warm_start):
        policy, spent = MPC(ILQRPlanner(Pendulum(), horizon=30), warm_start=warm_start), []

        def counted(state):
            action = policy(state)
            spent.append(policy.plan.iterations)
            return action

        closed_loop(counted, 20, noise=0.05)
        return sum(spent[1:])

    assert iterations(warm_start=None) < 0.5 * iterations(warm_start=False)


def test_in_a_perfect_world_a_receding_horizon_over_the_whole_task_repeats_the_plan(swing_up):
    policy = MPC(ILQRPlanner(Pendulum(), second_order=True))
    states = closed_loop(policy, 10, noise=0.0)
    assert states == pytest.approx(swing_up.states[:11], abs=1e-2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0.0, 0.0, 0.0],), r"state must have shape \(n,\) = \(2,\); got \(3,\)"),
        (
            ([0.0, 0.0], np.zeros((5, 1))),
            r"initial_actions must have shape \(T, m\) = \(30, 1\); got \(5, 1\)",
        ),
        (
            ([0.0, 0.0], None, (np.zeros((30, 2, 1)), np.zeros((30, 1)))),
            r"initial_policy K must have shape \(T, m, n\) = \(30, 1, 2\); got \(30, 2, 1\)",
        ),
    ],
)
def test_says_what_is_wrong_with_an_argument(arguments, message):
    with pytest.raises(ValueError, match=message):
        ILQRPlanner(Pendulum(), horizon=30).plan(*arguments)


def test_refuses_a_horizon_of_no_steps():
    with pytest.raises(ValueError, match="horizon must be a whole number from 1 on; got 0"):
        ILQRPlanner(Pendulum(), horizon=0)


def test_a_law_that_blows_up_leaves_the_start_to_the_actions():
    planner = ILQRPlanner(CartPole(action_limit=np.inf), horizon=5, iterations=0)
    wild = np.full((5, 1, 4), 1e200), np.zeros((5, 1))
    actions = np.full((5, 1), 0.3)
    plan = planner.plan([1.0, 1.0, 1.0, 1.0], initial_actions=actions, initial_policy=wild)
    assert np.array_equal(plan.actions, actions)
