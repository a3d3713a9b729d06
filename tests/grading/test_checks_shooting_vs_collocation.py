"""The references of assignment 03_shooting_vs_collocation against oracles that share nothing with them."""

import numpy as np
import pytest
from scipy.integrate import simpson, solve_ivp
from scipy.optimize import minimize

from mbrl_teach.control.collocation import collocation
from mbrl_teach.grading.checks import shooting_vs_collocation as checks
from mbrl_teach.grading.instances import shooting_vs_collocation as instances
from mbrl_teach.grading.references import shooting_vs_collocation as references
from mbrl_teach.problems.block_move import BlockMove
from mbrl_teach.problems.finite_differences import jacobian


@pytest.fixture(params=range(3))
def rng(request):
    return np.random.default_rng(request.param)


def test_the_points_are_those_that_the_assignment_promises():
    tasks = [
        checks.rollout_objective,
        checks.adjoint_gradient,
        checks.end_sensitivities,
        checks.trapezoid,
        checks.hermite_simpson,
        checks.block_move,
    ]
    assert [task.points for task in tasks] == [3, 6, 4, 4, 5, 6]


def test_the_worlds_of_the_instances_have_the_derivatives_that_they_say(rng):
    n, m = 3, 2
    dynamics, linearize = instances.curved_world(rng, n, m)
    cost, gradient = instances.curved_cost(rng, n + m)
    z = rng.normal(size=(4, n + m))
    joint = lambda function: lambda z: function(z[..., :n], z[..., n:])
    np.testing.assert_allclose(joint(linearize)(z), jacobian(joint(dynamics), z), atol=1e-7)
    found = jacobian(lambda z: joint(cost)(z)[..., None], z)[..., 0, :]
    np.testing.assert_allclose(joint(gradient)(z), found, atol=1e-7)


def test_the_objective_of_a_linear_world_is_a_quadratic_form_in_powers_of_its_matrix(rng):
    A, B = 0.7 * rng.normal(size=(2, 2)), rng.normal(size=(2, 1))
    start, actions = rng.normal(size=2), rng.normal(size=(4, 1))
    world = lambda s, a: A @ s + B @ a
    states, total = references.rollout_objective(
        start, actions, world, lambda s, a: s @ s + 2 * a @ a, lambda s: 10 * s @ s
    )
    power = np.linalg.matrix_power
    expected = [
        power(A, t) @ start + sum((power(A, t - 1 - i) @ B @ actions[i] for i in range(t)), np.zeros(2))
        for t in range(5)
    ]
    np.testing.assert_allclose(states, expected)
    squares = np.sum(np.square(expected), axis=1)
    assert total == pytest.approx(squares[:-1].sum() + 2 * np.square(actions).sum() + 10 * squares[-1])


def paired_trajectory(rng, n=3, m=2, T=4):
    """A trajectory with its world, and what a rollout of other starts and actions costs."""
    dynamics, linearize = instances.curved_world(rng, n, m)
    cost, cost_gradient = instances.curved_cost(rng, n + m)
    final_cost, final_gradient = instances.curved_cost(rng, n)
    start, actions = rng.normal(size=n), rng.normal(size=(T, m))

    def objective(start, actions):
        total, s = 0.0, start
        for a in actions:
            total, s = total + cost(s, a), dynamics(s, a)
        return total + final_cost(s)

    states, total = references.rollout_objective(start, actions, dynamics, cost, final_cost)
    assert total == pytest.approx(objective(start, actions), rel=1e-14)
    return states, actions, (linearize, cost_gradient, final_gradient), objective


def complex_step(function, x):
    """The gradient to machine precision, by the imaginary part of f(x + i 1e-30)."""
    flat = [function(x + 1e-30j * e.reshape(x.shape)).imag / 1e-30 for e in np.eye(x.size)]
    return np.reshape(flat, x.shape)


def test_the_adjoint_gradient_is_the_complex_step_s_to_nearly_every_digit(rng):
    states, actions, derivatives, objective = paired_trajectory(rng)
    gradient, adjoints = references.adjoint_gradient(states, actions, *derivatives)
    by_actions = complex_step(lambda a: objective(states[0], a), actions)
    np.testing.assert_allclose(gradient, by_actions, rtol=1e-11, atol=1e-11)
    for t in range(len(actions) + 1):  # λ_t: what a move of s_t costs from there on
        to_go = complex_step(lambda s, t=t: objective(s, actions[t:]), states[t])
        np.testing.assert_allclose(adjoints[t], to_go, rtol=1e-11, atol=1e-11)


def test_the_adjoint_gradient_is_the_difference_quotient_of_the_cost(rng):
    states, actions, derivatives, objective = paired_trajectory(rng, n=2, m=1, T=3)
    gradient, _ = references.adjoint_gradient(states, actions, *derivatives)
    for t in range(3):
        h = 1e-6 * np.eye(3)[t][:, None]
        quotient = (objective(states[0], actions + h) - objective(states[0], actions - h)) / 2e-6
        assert gradient[t, 0] == pytest.approx(quotient, abs=1e-7)


def test_the_sensitivities_are_difference_quotients_of_the_last_state(rng):
    n, m, T = 3, 2, 4
    dynamics, linearize = instances.curved_world(rng, n, m)
    x = rng.normal(size=n + T * m)

    def end(x):
        s, actions = x[..., :n], x[..., n:].reshape(*x.shape[:-1], T, m)
        for t in range(T):
            s = dynamics(s, actions[..., t, :])
        return s

    states, actions = [x[:n]], x[n:].reshape(T, m)
    for a in actions:
        states.append(dynamics(states[-1], a))
    to_start, to_actions = references.end_sensitivities(linearize(np.array(states[:-1]), actions))
    G = jacobian(end, x)
    np.testing.assert_allclose(to_start, G[:, :n], atol=1e-7)
    np.testing.assert_allclose(np.concatenate(to_actions, axis=1), G[:, n:], atol=1e-7)


def test_the_costs_of_both_rules_are_those_of_scipy_and_numpy(rng):
    for states, actions, duration, _, cost_rate in instances.bending_knots(rng):
        _, cost = references.trapezoid(states, actions, duration, lambda s, a: s, cost_rate)
        times = np.linspace(0, duration, len(states))
        assert cost == pytest.approx(np.trapezoid(cost_rate(states, actions), times))
    for case in instances.bending_points(rng):
        (s, a, s_c, a_c, duration, _, cost_rate), N = case, len(case[2])
        *_, cost = references.hermite_simpson(*case)
        rates = np.empty(2 * N + 1)
        rates[::2], rates[1::2] = cost_rate(s, a), cost_rate(s_c, a_c)
        assert cost == pytest.approx(simpson(rates, x=np.linspace(0, duration, 2 * N + 1)))


def true_motion(points):
    """A pendulum that is pushed by sin t, at equally spaced times of two seconds, from scipy's integrator."""
    times = np.linspace(0.0, 2.0, points)
    push = np.sin(times)[:, None]
    move = lambda t, s: [s[1], np.sin(s[0]) + np.sin(t)]
    found = solve_ivp(move, (0.0, 2.0), [1.0, 0.0], t_eval=times, rtol=1e-13, atol=1e-13, method="DOP853")
    return found.y.T, push


def pendulum_derivative(s, a):
    return np.stack([s[..., 1], np.sin(s[..., 0]) + a[..., 0]], axis=-1)


def worst_defects(N):
    s, a = true_motion(2 * N + 1)
    rate = lambda s, a: a[..., 0] ** 2
    simple, _ = references.trapezoid(s[::2], a[::2], 2.0, pendulum_derivative, rate)
    split = s[::2], a[::2], s[1::2], a[1::2]
    middle, simpsons, _ = references.hermite_simpson(*split, 2.0, pendulum_derivative, rate)
    return np.array([np.abs(defects).max() for defects in (simple, middle, simpsons)])


def test_the_defects_of_the_true_motion_fall_with_the_powers_of_the_interval_that_theory_says():
    """h³ of the trapezoid, h⁴ of the cubic's middle, h⁵ of Simpson's rule; a wrong weight leaves a power 1."""
    orders = np.log2(worst_defects(16) / worst_defects(32))
    np.testing.assert_allclose(orders, [3, 4, 5], atol=0.2)


def test_a_motion_that_is_cubic_in_time_has_no_defect_by_hermite_simpson():
    """x = t³ is driven by u = 6 t: the cubic is the true motion. x = t², by u = 2, is exact by the trapezoid."""
    t = np.linspace(0, 2, 9)
    integrator = lambda s, a: np.stack([s[..., 1], a[..., 0]], axis=-1)
    s, a = np.stack([t**3, 3 * t**2], axis=1), 6 * t[:, None]
    rate = lambda s, a: a[..., 0] ** 2
    middle, defects, cost = references.hermite_simpson(
        s[::2], a[::2], s[1::2], a[1::2], 2.0, integrator, rate
    )
    assert np.abs([middle, defects]).max() < 1e-14
    assert cost == pytest.approx(36 * 2**3 / 3)
    s, a = np.stack([t**2, 2 * t], axis=1), np.full((9, 1), 2.0)
    defects, cost = references.trapezoid(s, a, 2.0, integrator, rate)
    assert np.abs(defects).max() < 1e-14
    assert cost == pytest.approx(8.0)


@pytest.mark.parametrize(("N", "cost"), [(10, 12.46105919), (25, 12.0749613601), (50, 12.0189418524)])
def test_the_block_move_costs_what_published_solvers_find(N, cost):
    *_, found = references.block_move(N, 1.0, 1.0, 1.0, references.solve_qp)
    assert found == pytest.approx(cost, abs=1e-8)


def test_the_block_move_is_that_of_the_library_s_collocation(rng):
    for N, distance, duration, mass, solve in instances.other_moves(rng):
        plan = collocation(BlockMove(distance=distance, duration=duration, mass=mass), intervals=N)
        states, actions, cost = references.block_move(N, distance, duration, mass, solve)
        np.testing.assert_allclose(states, plan.states, atol=1e-6)
        np.testing.assert_allclose(actions, plan.actions, atol=1e-5)
        assert cost == pytest.approx(plan.cost, rel=1e-7)


def test_the_block_move_is_the_one_that_a_general_solver_finds_from_the_rules(rng):
    N, distance, duration, mass = 4, *rng.uniform(1.3, 2.5, size=3)
    h, split = duration / N, lambda z: (z[: 2 * N + 2].reshape(-1, 2), z[2 * N + 2 :])

    def rules(z):
        s, u = split(z)
        f = np.column_stack([s[:, 1], u / mass])
        defects = s[1:] - s[:-1] - h / 2 * (f[1:] + f[:-1])
        return np.concatenate([defects.ravel(), s[0], s[-1] - [distance, 0.0]])

    cost = lambda z: np.trapezoid(split(z)[1] ** 2, dx=h)
    found = minimize(cost, np.zeros(3 * N + 3), constraints={"type": "eq", "fun": rules}, method="SLSQP")
    states, actions, best = references.block_move(N, distance, duration, mass, references.solve_qp)
    np.testing.assert_allclose(states, split(found.x)[0], atol=1e-4)
    assert best == pytest.approx(found.fun, rel=1e-5)
    assert np.abs(rules(np.concatenate([states.ravel(), actions.ravel()]))).max() < 1e-12


def test_the_cost_of_the_block_move_tends_to_the_known_one_with_the_square_of_the_interval(rng):
    distance, duration, mass = rng.uniform(1.3, 2.5, size=3)
    exact = 12 * mass**2 * distance**2 / duration**3
    gaps = [
        references.block_move(N, distance, duration, mass, references.solve_qp)[2] - exact for N in (40, 80)
    ]
    assert gaps[0] / gaps[1] == pytest.approx(4, rel=0.01)
    assert 0 < gaps[1] < 1e-3 * exact


def test_a_demand_made_twice_is_refused_with_a_reason():
    with pytest.raises(ValueError, match="a row of A"):
        references.solve_qp(np.eye(2), np.array([[1.0, 0.0], [1.0, 0.0]]), np.zeros(2))


def test_a_row_that_was_never_filled_is_named():
    with pytest.raises(ValueError, match=r"A\[1\] holds nothing but zeros"):
        references.solve_qp(np.eye(2), np.array([[1.0, 0.0], [0.0, 0.0]]), np.zeros(2))
