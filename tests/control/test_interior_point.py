"""Small nonlinear programs with known answers, and random ones beside scipy."""

import numpy as np
import pytest
from scipy.optimize import minimize

from mbrl_teach.control.interior_point import solve


class Dense:
    """A program from functions of x, with full matrices."""

    def __init__(self, f, gradient, c, A, W, low, high):
        self.objective, self.gradient, self.constraints = f, gradient, c
        self._A, self._W = A, W
        self.low, self.high = np.array(low, dtype=float), np.array(high, dtype=float)
        d, p = len(self.low), len(c(np.zeros(len(self.low))))
        self.jacobian_places = tuple(np.indices((p, d)).reshape(2, -1))
        self.hessian_places = tuple(np.indices((d, d)).reshape(2, -1))

    def jacobian(self, x):
        return np.ravel(self._A(x))

    def hessian(self, x, multipliers):
        return np.ravel(self._W(x, multipliers))


def quadratic(H, g, A, b, low, high):
    return Dense(
        lambda x: 0.5 * x @ H @ x + g @ x,
        lambda x: H @ x + g,
        lambda x: A @ x - b,
        lambda x: A,
        lambda x, y: H,
        low,
        high,
    )


def test_without_limits_a_quadratic_program_takes_one_step():
    """Minimise x² + y² on x + y = 2."""
    program = quadratic(
        2 * np.eye(2), np.zeros(2), np.ones((1, 2)), np.array([2.0]), [-np.inf] * 2, [np.inf] * 2
    )
    solution = solve(program, np.array([5.0, -7.0]))
    assert solution.converged
    assert len(solution.history) == 2
    np.testing.assert_allclose(solution.x, 1.0)
    np.testing.assert_allclose(solution.multipliers, -2.0)


@pytest.mark.parametrize("seed", range(8))
def test_random_quadratic_programs_agree_with_scipy(seed):
    rng = np.random.default_rng(seed)
    d, p = 6, 2
    root = rng.normal(size=(d, d))
    H, g = root @ root.T + 0.1 * np.eye(d), 3 * rng.normal(size=d)
    A, inside = rng.normal(size=(p, d)), rng.uniform(-0.5, 0.5, size=d)
    low, high = np.full(d, -1.0), np.full(d, 1.0)
    low[0], high[1] = -np.inf, np.inf
    b = A @ inside
    ours = solve(quadratic(H, g, A, b, low, high), np.zeros(d))
    peer = minimize(
        lambda x: 0.5 * x @ H @ x + g @ x,
        inside,
        jac=lambda x: H @ x + g,
        method="SLSQP",
        bounds=list(zip(low, high, strict=True)),
        constraints={"type": "eq", "fun": lambda x: A @ x - b, "jac": lambda x: A},
        options={"ftol": 1e-14, "maxiter": 1000},
    )
    assert ours.converged
    np.testing.assert_allclose(ours.x, peer.x, atol=1e-5)
    assert ours.history[-1].objective <= peer.fun + 1e-8


def rosenbrock_on_a_circle(low, high):
    """Minimise (1 - x)² + 100 (y - x²)² on x² + y² = 2: the optimum is (1, 1), near (-1, 1) is another."""
    return Dense(
        lambda x: (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2,
        lambda x: np.array([-2 * (1 - x[0]) - 400 * x[0] * (x[1] - x[0] ** 2), 200 * (x[1] - x[0] ** 2)]),
        lambda x: np.array([x @ x - 2.0]),
        lambda x: 2 * x[None],
        lambda x, y: np.array(
            [[2 + 1200 * x[0] ** 2 - 400 * x[1] + 2 * y[0], -400 * x[0]], [-400 * x[0], 200 + 2 * y[0]]]
        ),
        low,
        high,
    )


def test_a_curved_program_with_a_curved_constraint():
    solution = solve(rosenbrock_on_a_circle([-np.inf] * 2, [np.inf] * 2), np.array([1.5, -0.5]))
    assert solution.converged
    np.testing.assert_allclose(solution.x, 1.0, atol=1e-7)


def test_a_limit_can_hold_the_optimum():
    """For 0 <= x <= 1/2 the best point of the circle has x = 1/2."""
    solution = solve(rosenbrock_on_a_circle([0, 0], [0.5, 2]), np.array([0.1, 1.0]))
    assert solution.converged
    np.testing.assert_allclose(solution.x, [0.5, np.sqrt(1.75)], atol=1e-6)


def test_a_saddle_is_left_downhill():
    """-x² + x⁴/2 has a maximum at 0 and minima at ±1; y and z follow x."""
    program = Dense(
        lambda x: -(x[0] ** 2) + 0.5 * x[0] ** 4 + (x[1] - x[0]) ** 2,
        lambda x: np.array([-2 * x[0] + 2 * x[0] ** 3 - 2 * (x[1] - x[0]), 2 * (x[1] - x[0]), 0.0]),
        lambda x: np.array([x[2] - x[0]]),
        lambda x: np.array([[-1.0, 0.0, 1.0]]),
        lambda x, y: np.array([[-2 + 6 * x[0] ** 2 + 2, -2, 0], [-2, 2, 0], [0, 0, 0.0]]),
        [-np.inf] * 3,
        [np.inf] * 3,
    )
    solution = solve(program, np.array([0.1, 0.0, 0.0]))
    assert solution.converged
    np.testing.assert_allclose(np.abs(solution.x), 1.0, atol=1e-7)


def test_constraints_that_repeat_themselves_do_no_harm():
    A = np.array([[1.0, 1.0, 0.0], [2.0, 2.0, 0.0]])
    program = quadratic(np.eye(3), np.zeros(3), A, np.array([2.0, 4.0]), [-np.inf] * 3, [np.inf] * 3)
    solution = solve(program, np.zeros(3), tolerance=1e-7)
    np.testing.assert_allclose(solution.x, [1.0, 1.0, 0.0], atol=1e-6)


def test_constraints_that_cannot_hold_are_not_reported_as_solved():
    """x + y = 3 in the unit square."""
    program = quadratic(np.eye(2), np.zeros(2), np.ones((1, 2)), np.array([3.0]), [0, 0], [1, 1])
    solution = solve(program, np.full(2, 0.5))
    assert not solution.converged
    assert solution.message.startswith("stopped")


def test_iterates_stay_within_the_limits():
    solution = solve(rosenbrock_on_a_circle([-2, 0], [0.5, 2]), np.array([7.0, -3.0]))
    x = np.array([it.x for it in solution.history])
    assert (x > [-2, 0]).all()
    assert (x < [0.5, 2]).all()


def test_close_to_the_end_the_method_is_faster_than_linear():
    solution = solve(rosenbrock_on_a_circle([0, 0], [0.5, 2]), np.array([0.1, 1.0]))
    errors = np.array([max(it.optimality, it.infeasibility) for it in solution.history])
    assert (errors[-3:] / errors[-4:-1]).max() < 0.1
