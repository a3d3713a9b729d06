"""Collocation against closed forms, published values, and what it promises of its errors."""

import numpy as np
import pytest

from mbrl_teach.control.collocation import collocation
from mbrl_teach.control.plan import Plan
from mbrl_teach.problems.base import ContinuousProblem
from mbrl_teach.problems.block_move import BlockMove
from mbrl_teach.problems.cart_pole import CartPole

HERMITE_SIMPSON = {"scheme": "hermite-simpson"}
WORLDS = [
    {"distance": 1.0, "duration": 1.0, "mass": 1.0},
    {"distance": -2.5, "duration": 1.8, "mass": 0.7},
    {"distance": 0.3, "duration": 4.0, "mass": 12.0},
]


@pytest.mark.parametrize("world", WORLDS)
def test_hermite_simpson_solves_the_block_move_exactly(world):
    """The optimal force is linear and the position cubic: what the scheme can represent."""
    block = BlockMove(**world)
    plan = collocation(block, intervals=7, **HERMITE_SIMPSON)
    assert plan.converged
    assert plan.cost == pytest.approx(block.least_cost(), rel=1e-9)
    tau, d = block.duration, block.distance
    times = np.linspace(0, tau, 50)
    states, actions = plan.at(times)
    np.testing.assert_allclose(states[:, 0], d * (3 - 2 * times / tau) * (times / tau) ** 2, atol=1e-9)
    np.testing.assert_allclose(
        actions[:, 0], 6 * block.mass * d / tau**2 * (1 - 2 * times / tau), rtol=1e-9, atol=1e-9
    )


@pytest.mark.parametrize(
    ("intervals", "published"), [(10, 12.46105919), (25, 12.0749613601), (50, 12.0189418524)]
)
def test_the_trapezoid_gives_the_published_values_of_the_block_move(intervals, published):
    plan = collocation(BlockMove(), intervals=intervals)
    assert plan.cost == pytest.approx(published, abs=6e-9)


@pytest.mark.parametrize(
    ("options", "published"),
    [
        ({"intervals": 25}, 60.0355194742),
        ({"intervals": 50}, 59.1477573234),
        ({"intervals": 50, **HERMITE_SIMPSON}, 58.8076421659),
    ],
)
def test_the_published_values_of_the_cart_pole(options, published):
    plan = collocation(CartPole(), **options)
    assert plan.converged
    assert plan.cost == pytest.approx(published, abs=1e-8)


def test_with_a_speed_limit_the_block_coasts():
    plan = collocation(BlockMove(speed_limit=1.25), intervals=10, **HERMITE_SIMPSON)
    assert plan.cost == pytest.approx(125 / 9, abs=1e-6)
    assert max(plan.states[:, 1].max(), plan.midpoint_states[:, 1].max()) <= 1.25 + 1e-9


@pytest.mark.parametrize("world", WORLDS)
def test_a_speed_limit_that_no_knot_meets_is_met_by_refinement(world):
    block = BlockMove(**world, speed_limit=1.2 * abs(world["distance"]) / world["duration"])
    coarse = collocation(block, intervals=7, **HERMITE_SIMPSON)
    fine = collocation(block, intervals=7, error_tolerance=1e-7 * abs(block.distance), **HERMITE_SIMPSON)
    assert fine.converged
    assert len(fine.times) > len(coarse.times)
    assert fine.cost == pytest.approx(block.least_cost(), rel=1e-6)
    assert abs(coarse.cost / block.least_cost() - 1) > 10 * abs(fine.cost / block.least_cost() - 1)


def test_a_force_limit_is_obeyed_and_costs():
    free, limited = BlockMove(), BlockMove(action_limit=5.0)
    plan = collocation(limited, intervals=40, **HERMITE_SIMPSON)
    assert plan.converged
    assert np.abs(plan.actions).max() <= 5.0
    assert plan.cost > free.least_cost()
    # The force is 5 until t_1, falls linearly to 0 at t = 1/2 = t_1 + r, and so by symmetry. Half-way the block
    # must be at 1/2: 5 (t_1²/2 + t_1 r + r²/3) = 1/2, that is r² = 3/20.
    r = np.sqrt(0.15)
    assert plan.cost == pytest.approx(2 * 25.0 * ((0.5 - r) + r / 3), rel=1e-4)


@pytest.mark.parametrize(("scheme", "order"), [("trapezoid", 2), ("hermite-simpson", 4)])
def test_the_error_of_the_cost_falls_with_its_order(scheme, order):
    """On a world with a smooth solution that neither scheme represents."""
    cost = {N: collocation(Spring(), intervals=N, scheme=scheme, tolerance=1e-11).cost for N in (5, 10, 20)}
    exact = collocation(Spring(), intervals=200, scheme="hermite-simpson", tolerance=1e-11).cost
    measured = np.log2((cost[10] - exact) / (cost[20] - exact))
    assert measured == pytest.approx(order, abs=0.25)


class Spring(ContinuousProblem):
    """A world of two functions: its derivatives come by themselves."""

    state_size, action_size, duration = 2, 1, 2.0
    initial_state, final_state = np.array([1.0, 0.0]), np.array([0.0, 0.0])

    def derivative(self, s, a):
        return np.stack([s[..., 1], -9.0 * np.sin(s[..., 0]) + a[..., 0]], axis=-1)

    def cost_rate(self, s, a):
        return a[..., 0] ** 2 + s[..., 0] ** 2


def test_a_world_of_two_functions_is_enough():
    class Block(ContinuousProblem):
        state_size, action_size, duration = 2, 1, 1.0
        initial_state, final_state = np.zeros(2), np.array([1.0, 0.0])

        def derivative(self, s, a):
            return np.stack([s[..., 1], a[..., 0]], axis=-1)

        def cost_rate(self, s, a):
            return a[..., 0] ** 2

    plan = collocation(Block(), intervals=10, **HERMITE_SIMPSON)
    assert plan.converged
    assert plan.cost == pytest.approx(12.0, abs=1e-8)


def test_a_free_final_velocity_costs_less():
    """From rest to d with any velocity: u = 3 d (1 - t), and the integral is 3."""
    block = BlockMove()
    block.final_state, block.final_weights = np.array([1.0, np.nan]), np.zeros(2)
    plan = collocation(block, intervals=10, **HERMITE_SIMPSON)
    assert plan.cost == pytest.approx(3.0, abs=1e-9)
    assert plan.states[-1, 1] == pytest.approx(1.5, abs=1e-9)


def test_with_a_free_end_only_the_final_cost_counts():
    block = BlockMove()
    block.final_state = np.full(2, np.nan)
    plan = collocation(block, intervals=10, **HERMITE_SIMPSON)
    assert plan.converged
    assert plan.cost < 12.0
    np.testing.assert_allclose(plan.states[-1], [1.0, 0.0], atol=5e-3)


@pytest.mark.parametrize("scheme", ["trapezoid", "hermite-simpson"])
def test_the_plan_obeys_the_world_at_its_points(scheme):
    cart = CartPole()
    plan = collocation(cart, intervals=20, scheme=scheme)
    h = np.diff(plan.times)[:, None]
    f = cart.derivative(plan.states, plan.actions)
    if scheme == "trapezoid":
        step = h / 2 * (f[:-1] + f[1:])
    else:
        step = h / 6 * (f[:-1] + 4 * cart.derivative(plan.midpoint_states, plan.midpoint_actions) + f[1:])
    np.testing.assert_allclose(np.diff(plan.states, axis=0), step, atol=1e-8)
    np.testing.assert_array_equal(plan.states[0], cart.initial_state)
    np.testing.assert_array_equal(plan.states[-1], cart.final_state)


@pytest.mark.parametrize("scheme", ["trapezoid", "hermite-simpson"])
def test_between_the_knots_the_plan_follows_an_integrator(scheme):
    """Integrated with its own actions by scipy, the plan is met the better, the finer the mesh."""
    from scipy.integrate import solve_ivp

    cart, miss = CartPole(), []
    for intervals in (40, 80):
        plan = collocation(cart, intervals=intervals, scheme=scheme)
        quarter = plan.times[intervals // 4]
        flow = solve_ivp(
            lambda t, s, plan=plan: cart.derivative(s, plan.at([t])[1][0]),
            (0, quarter),
            cart.initial_state,
            rtol=1e-9,
            atol=1e-11,
        )
        miss.append(np.abs(flow.y[:, -1] - plan.states[intervals // 4]).max())
    assert miss[1] < (0.35 if scheme == "trapezoid" else 0.1) * miss[0]


def test_errors_say_how_far_the_interpolation_is_from_the_world():
    plan = collocation(CartPole(), intervals=25)
    k = int(np.argmax(plan.errors))
    times = np.linspace(plan.times[k], plan.times[k + 1], 2001)[1:-1]
    states, actions = plan.at(times)
    slope = np.gradient(states, times, axis=0)
    missing = np.abs(slope - CartPole().derivative(states, actions))[1:-1]
    assert missing.sum(axis=0).max() * (times[1] - times[0]) == pytest.approx(plan.errors[k], rel=0.01)


def test_a_finished_plan_is_a_good_guess():
    coarse = collocation(CartPole(), intervals=25)
    cold = collocation(CartPole(), intervals=50)
    warm = collocation(CartPole(), intervals=50, initial_guess=coarse)
    assert warm.cost == pytest.approx(cold.cost, abs=1e-8)
    given = collocation(CartPole(), intervals=50, initial_guess=(cold.states, cold.actions))
    assert given.history[0].infeasibility < 1e-8
    plain = Plan(cold.states, cold.actions, cold.cost, True, 0, "")
    assert collocation(CartPole(), intervals=50, initial_guess=plain).cost == pytest.approx(given.cost)


def test_every_iterate_is_in_the_history_and_told_to_the_callback():
    told = []
    plan = collocation(CartPole(), intervals=20, callback=told.append)
    assert len(told) == len(plan.history) == plan.iterations + 1
    assert plan.history[0].infeasibility > 0.1 > 1e-8 > plan.history[-1].infeasibility
    assert plan.history[-1].states.shape == (21, 4)
    np.testing.assert_array_equal(plan.history[-1].states, plan.states)


def test_an_end_out_of_reach_is_named():
    """At 0.5 m/s the block is 0.5 m away after one second."""
    plan = collocation(BlockMove(speed_limit=0.5), intervals=10, **HERMITE_SIMPSON)
    assert not plan.converged
    assert "final_state[0] = 1 cannot be reached within the limits" in plan.message


def test_a_force_too_weak_is_named():
    """Four newtons just do: 1/2 m at full force, 1/2 m braking, in half a second each."""
    assert not collocation(BlockMove(action_limit=3.9), intervals=20, **HERMITE_SIMPSON).converged
    assert collocation(BlockMove(action_limit=4.2), intervals=20, **HERMITE_SIMPSON).converged


def test_a_swing_up_is_found_although_the_first_try_fails():
    """With 8 N the iterates get stuck off the trajectories; the nearest end is a better start."""
    plan = collocation(CartPole(action_limit=8.0), intervals=50)
    assert plan.converged
    assert np.abs(plan.actions).max() <= 8.0


def test_iterations_run_out():
    plan = collocation(CartPole(), intervals=20, max_iterations=3)
    assert not plan.converged
    assert plan.message == "stopped after 3 iterations"


def changed(**attributes):
    block = BlockMove()
    for name, value in attributes.items():
        setattr(block, name, value)
    return block


@pytest.mark.parametrize(
    ("problem", "options", "message"),
    [
        (BlockMove(), {"intervals": 0}, "intervals must be a whole number from 1 on; got 0"),
        (BlockMove(), {"intervals": 2.5}, "intervals must be a whole number"),
        (BlockMove(), {"intervals": 5, "scheme": "euler"}, "scheme must be one of .*; got 'euler'"),
        (BlockMove(), {"intervals": 5, "tolerance": 0.0}, "tolerance"),
        (BlockMove(), {"intervals": 5, "error_tolerance": -1.0}, "error_tolerance must be positive"),
        (BlockMove(), {"intervals": 5, "error_tolerance": 0.0}, "error_tolerance must be positive"),
        (
            changed(state_low=np.array([0.0, 2.0]), state_high=np.array([3.0, 1.0])),
            {"intervals": 5},
            r"state_low\[1\] must be at most state_high\[1\]; got 2 and 1",
        ),
        (
            changed(state_high=np.array([0.5, 1.0])),
            {"intervals": 5},
            r"final_state\[0\] = 1 must lie between state_low\[0\] = -inf and state_high\[0\] = 0.5",
        ),
        (changed(initial_state=np.array([0.0, np.nan])), {"intervals": 5}, "initial_state must be finite"),
        (changed(final_state=np.zeros(3)), {"intervals": 5}, r"final_state must have shape \(n,\) = \(2,\)"),
        (
            BlockMove(),
            {"intervals": 5, "initial_guess": (np.zeros((5, 2)), np.zeros((6, 1)))},
            r"initial_guess states must have shape \(N\+1, n\) = \(6, 2\); got \(5, 2\)",
        ),
    ],
)
def test_bad_input_is_refused_by_name(problem, options, message):
    with pytest.raises(ValueError, match=message):
        collocation(problem, **options)


def test_a_world_that_is_not_finite_is_refused():
    class Broken(BlockMove):
        def cost_rate(self, s, a):
            return super().cost_rate(s, a) * np.nan

    with pytest.raises(ValueError, match="Broken is not finite"):
        collocation(Broken(), intervals=5)


def test_times_outside_the_plan_are_refused():
    with pytest.raises(ValueError, match="times must lie from 0 to 1"):
        collocation(BlockMove(), intervals=5).at([0.5, 1.5])
