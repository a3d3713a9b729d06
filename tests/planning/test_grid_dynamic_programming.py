"""Dynamic programming on a grid, against LQR, against an exact table and in Gymnasium's own pendulum."""

from itertools import pairwise

import gymnasium
import numpy as np
import pytest
from scipy.linalg import solve_discrete_are

from mbrl_teach.control.lqr import lqr
from mbrl_teach.planning.grid_dynamic_programming import (
    Axis,
    action_grid,
    grid_backward_induction,
    grid_points,
    grid_value_iteration,
    interpolation,
)
from mbrl_teach.problems.base import ControlProblem
from mbrl_teach.problems.gymnasium_worlds import GymnasiumPendulum
from mbrl_teach.problems.particle import Particle


class Line(ControlProblem):
    """A scalar, unstable linear-quadratic world."""

    state_size = action_size = 1
    horizon = 10
    initial_state = np.array([1.0])

    def dynamics(self, s, a):
        return 1.1 * s + 0.5 * a

    def cost(self, s, a):
        return 0.5 * (s[..., 0] ** 2 + 0.3 * a[..., 0] ** 2)


class Ring(ControlProblem):
    """Steps -1, 0, +1 on a ring of 12 places and a ladder of 4 rungs, at random costs: all lands on the grid."""

    state_size, action_size, horizon = 2, 2, 7
    initial_state = np.zeros(2)
    axes = (Axis(0.0, 12.0, 12, wraps=True), Axis(0.0, 3.0, 4))
    actions = action_grid([-1.0, -1.0], [1.0, 1.0], 3)
    stage = np.random.default_rng(5).uniform(size=(12, 4, 3, 3))
    end = np.random.default_rng(6).uniform(0.0, 5.0, size=(12, 4))

    def dynamics(self, s, a):
        moved = s + a
        return np.stack([moved[..., 0], np.clip(moved[..., 1], 0.0, 3.0)], axis=-1)

    def cost(self, s, a):
        s, a = np.broadcast_arrays(s, a)
        i, j, p, q = (x.astype(int) for x in (s[..., 0] % 12, s[..., 1], a[..., 0] + 1, a[..., 1] + 1))
        return self.stage[i, j, p, q]

    def final_cost(self, s):
        return self.end[s[..., 0].astype(int) % 12, s[..., 1].astype(int)]


def swept_table(J, gamma):
    """One sweep of Bellman's equation over the ring's table, in plain loops: J and the best action's index."""
    best, choice = np.empty((12, 4)), np.empty((12, 4), dtype=int)
    for i, j in np.ndindex(12, 4):
        ahead = [
            Ring.stage[i, j, p, q] + gamma * J[(i + p - 1) % 12, min(max(j + q - 1, 0), 3)]
            for p, q in np.ndindex(3, 3)
        ]
        best[i, j], choice[i, j] = min(ahead), int(np.argmin(ahead))
    return best, choice


def test_where_all_steps_land_on_the_grid_the_finite_horizon_is_that_of_the_exact_table():
    solution = grid_backward_induction(Ring(), Ring.axes, Ring.actions, gamma=0.9)
    points, J = grid_points(Ring.axes), Ring.end
    assert solution.J.shape == (8, 12, 4)
    assert solution.J[7] == pytest.approx(J)
    for t in reversed(range(7)):
        J, choice = swept_table(J, 0.9)
        assert solution.J[t] == pytest.approx(J, abs=1e-12)
        assert np.array_equal(solution.policy(points, t), Ring.actions[choice.ravel()])


@pytest.mark.parametrize("evaluation_sweeps", [0, 1, 30])
def test_where_all_steps_land_on_the_grid_the_infinite_horizon_is_that_of_the_exact_table(evaluation_sweeps):
    J = np.zeros((12, 4))
    for _ in range(400):
        J, choice = swept_table(J, 0.9)
    solution = grid_value_iteration(
        Ring(), Ring.axes, Ring.actions, gamma=0.9, tolerance=1e-9, evaluation_sweeps=evaluation_sweeps
    )
    assert solution.converged
    assert solution.J[0] == pytest.approx(J, abs=1e-9)
    assert np.array_equal(solution.policy(grid_points(Ring.axes)), Ring.actions[choice.ravel()])


def test_the_finite_horizon_approaches_lqr_with_the_square_of_the_spacing():
    world = Particle(horizon=8, dt=0.4, weights=(1.0, 0.5, 0.5))
    exact = lqr(*world.linear_quadratic())
    s = np.random.default_rng(0).uniform(-0.6, 0.6, size=(200, 2))
    least = 0.5 * np.einsum("bi,ij,bj->b", s, exact.V[0], s)

    def error(points):
        axes, actions = [Axis(-2.0, 2.0, points)] * 2, action_grid([-3.0], [3.0], 2 * points - 1)
        return np.abs(grid_backward_induction(world, axes, actions).cost_to_go(s) - least).max()

    errors = [error(points) for points in (21, 41, 81)]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2.0, abs=0.2)
    assert np.log2(errors[1] / errors[2]) == pytest.approx(2.0, abs=0.2)
    assert errors[2] < 0.01 * least.max()


def test_the_infinite_horizon_approaches_the_riccati_equations_solution_and_its_policy():
    gamma = 0.9
    A, B = np.sqrt(gamma) * np.array([[1.1]]), np.sqrt(gamma) * np.array([[0.5]])
    P = solve_discrete_are(A, B, np.eye(1), np.array([[0.3]]))
    gain = -np.linalg.solve(0.3 + B.T @ P @ B, B.T @ P @ A)
    s = np.random.default_rng(0).uniform(-1.0, 1.0, size=(200, 1))

    def solve(points):
        actions = action_grid([-4.0], [4.0], 2 * points - 1)
        return grid_value_iteration(Line(), [Axis(-2.0, 2.0, points)], actions, gamma=gamma, tolerance=1e-8)

    coarse, fine = (np.abs(solve(n).cost_to_go(s) - 0.5 * P[0, 0] * s[:, 0] ** 2).max() for n in (21, 321))
    assert 1.6 < np.log2(coarse / fine) / 4.0 < 2.2
    assert solve(641).policy(s) == pytest.approx(s @ gain.T, abs=0.05)


def test_refining_the_grid_changes_the_pendulums_cost_to_go_less_and_less():
    """Of the first order only: where two ways up cost the same, the cost-to-go has a ridge."""
    world = GymnasiumPendulum(horizon=40)
    s = np.random.default_rng(1).uniform([-np.pi, -5.0], [np.pi, 5.0], size=(300, 2))
    levels = [
        grid_backward_induction(
            world,
            [Axis(-np.pi, np.pi, points - 1, wraps=True), Axis(-8.0, 8.0, points)],
            action_grid(world.action_low, world.action_high, 9),
        ).cost_to_go(s)
        for points in (41, 81, 161)
    ]
    first, second = (np.abs(fine - coarse).mean() for coarse, fine in pairwise(levels))
    assert second < 0.6 * first
    assert second < 0.03 * levels[-1].mean()


def test_gymnasiums_pendulum_swings_up_from_hanging_near_the_least_cost():
    """Dynamic programming on a grid of another author gives a return of -300.7."""
    world = GymnasiumPendulum()
    axes = [Axis(-np.pi, np.pi, 201, wraps=True), Axis(-8.0, 8.0, 201)]
    solution = grid_backward_induction(world, axes, action_grid(world.action_low, world.action_high, 11))
    with gymnasium.make("Pendulum-v1") as env:
        env.reset(seed=0)
        env.unwrapped.state = world.initial_state
        total = sum(env.step(solution.policy(world.state(env), t))[1] for t in range(200))
    assert -300.7 * 1.02 < total < -300.7 * 0.98
    assert solution.value(world.initial_state) == pytest.approx(total, rel=0.01)


def test_what_is_linear_in_each_coordinate_is_interpolated_exactly():
    axes = (Axis(-1.0, 2.0, 4), Axis(0.0, 1.0, 3), Axis(-5.0, 5.0, 6))
    multilinear = lambda s: 2.0 + s[:, 0] - s[:, 1] * s[:, 2] + 3.0 * s[:, 0] * s[:, 1] * s[:, 2]
    s = np.random.default_rng(0).uniform([-1.0, 0.0, -5.0], [2.0, 1.0, 5.0], size=(50, 3))
    columns, weights = interpolation(axes, s)
    assert columns.shape == weights.shape == (50, 8)
    assert weights.min() >= 0.0
    assert weights.sum(axis=1) == pytest.approx(1.0)
    assert (weights * multilinear(grid_points(axes))[columns]).sum(axis=1) == pytest.approx(multilinear(s))


def test_an_angle_wraps_and_the_last_cell_leads_to_the_first_point():
    turn = 2.0 * np.pi
    axis = Axis(-np.pi, np.pi, 8, wraps=True)
    assert axis.values == pytest.approx(np.arange(-4, 4) * turn / 8.0)
    columns, weights = interpolation([axis], np.array([[np.pi - turn / 32.0]]))
    assert columns.tolist() == [[7, 0]]
    assert weights == pytest.approx(np.array([[0.25, 0.75]]))
    solution = grid_backward_induction(Ring(), Ring.axes, Ring.actions)
    s = np.random.default_rng(2).uniform([0.0, 0.0], [12.0, 3.0], size=(40, 2))
    for turns in (-2, 1):
        assert solution.cost_to_go(s + np.array([12.0 * turns, 0.0])) == pytest.approx(solution.cost_to_go(s))
    assert np.isfinite(solution.cost_to_go([[-1e-18, 0.0], [np.nextafter(12.0, 0.0), 3.0]])).all()


def test_outside_the_grid_the_cost_to_go_is_that_of_the_edge():
    solution = grid_backward_induction(Line(), [Axis(-1.0, 1.0, 21)], [[-1.0], [0.0], [1.0]])
    assert solution.cost_to_go([[5.0], [-1e300]]) == pytest.approx(solution.cost_to_go([[1.0], [-1.0]]))


def test_a_value_is_minus_the_cost_to_go_and_leading_axes_stay():
    solution = grid_backward_induction(Line(), [Axis(-1.0, 1.0, 21)], [[-1.0], [0.0], [1.0]])
    s = np.random.default_rng(0).uniform(-1.0, 1.0, size=(3, 4, 1))
    for t in (0, 6, 10):
        assert solution.cost_to_go(s, t).shape == (3, 4)
        assert np.array_equal(solution.value(s, t), -solution.cost_to_go(s, t))
    assert (solution.cost_to_go(s) >= 0.0).all()
    assert solution.policy(s).shape == (3, 4, 1)
    assert solution.policy(s[0, 0]).shape == (1,)


def test_a_short_horizon_ending_in_the_cost_to_go_of_a_long_one_is_the_long_one():
    axes, actions = [Axis(-1.0, 1.0, 41)], action_grid([-3.0], [3.0], 31)
    long = grid_backward_induction(Line(), axes, actions, horizon=12)
    rest = grid_backward_induction(Line(), axes, actions, horizon=8)
    short = grid_backward_induction(Line(), axes, actions, horizon=4, final_cost=rest.cost_to_go)
    assert short.J[0] == pytest.approx(long.J[0], rel=1e-12)


def test_actions_are_all_combinations():
    assert action_grid([-1.0, 0.0], [1.0, 2.0], (3, 2)).tolist() == [
        [-1.0, 0.0], [-1.0, 2.0], [0.0, 0.0], [0.0, 2.0], [1.0, 0.0], [1.0, 2.0],
    ]  # fmt: skip


def test_what_has_not_converged_says_how_far_off_it_may_be():
    seen = []
    solution = grid_value_iteration(
        Ring(), Ring.axes, Ring.actions, gamma=0.99, max_iterations=3, evaluation_sweeps=0,
        callback=lambda iteration, bound: seen.append((iteration, bound)),
    )  # fmt: skip
    assert not solution.converged
    assert [iteration for iteration, _ in seen] == [1, 2, 3]
    assert "after 3 iterations may be off by" in solution.message
    exact = grid_value_iteration(Ring(), Ring.axes, Ring.actions, gamma=0.99, tolerance=1e-9)
    assert np.abs(exact.J - solution.J).max() < seen[-1][1]


GRID = ([Axis(-1.0, 1.0, 5)], [[-1.0], [1.0]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Axis(1.0, 1.0, 5), "low must be below high, both finite; got low = 1.0, high = 1.0"),
        (lambda: Axis(0.0, np.inf, 5), "low must be below high, both finite; got low = 0.0, high = inf"),
        (lambda: Axis(0.0, 1.0, 1), "points must be a whole number from 2 on; got 1"),
        (lambda: grid_backward_induction(Line(), GRID[0] * 2, GRID[1]), "axes must be n = 1 in number; got 2"),
        (lambda: grid_backward_induction(Line(), GRID[0], [1.0]), r"actions must have shape \(A, m\)"),
        (lambda: grid_backward_induction(Line(), *GRID, horizon=0), "horizon must be"),
        (lambda: grid_backward_induction(Line(), *GRID, gamma=1.1), r"gamma must be in \(0, 1\]; got 1.1"),
        (lambda: grid_value_iteration(Line(), *GRID, gamma=1.0), "gamma must be below 1"),
        (lambda: grid_value_iteration(Line(), *GRID, gamma=0.9, tolerance=0.0), "tolerance must be positive"),
        (lambda: grid_backward_induction(Line(), *GRID).cost_to_go([0.0], 11), "t must be an index 0 … 10 "),
        (lambda: grid_backward_induction(Line(), *GRID).policy([0.0], 10), "t must be an index 0 … 9 "),
        (lambda: grid_backward_induction(Line(), *GRID).value([0.0, 1.0]), "s must have shape"),
        (lambda: action_grid([0.0], [np.inf], 3), "high must be finite"),
        (lambda: action_grid([0.0], [1.0], 0), "points must be at least 1 for each action; got 0"),
    ],
)  # fmt: skip
def test_refuses_what_does_not_fit(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_world_that_is_not_finite_on_the_grid_is_named_with_the_place():
    class Broken(Line):
        def dynamics(self, s, a):
            return np.where((s > 0.9) & (a > 0.0), np.nan, s + a)

    with pytest.raises(ValueError, match=r"Broken must be finite on the grid; not at s = \[1.\], a = \[1.\]"):
        grid_backward_induction(Broken(), *GRID)
