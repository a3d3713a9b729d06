"""The references of assignment 02_ilqr against oracles that share nothing with them."""

import itertools

import numpy as np
import pytest
from scipy.optimize import minimize

from mbrl_teach.grading.checks import ilqr as checks
from mbrl_teach.grading.instances import ilqr as instances
from mbrl_teach.grading.references import ilqr as references
from mbrl_teach.problems.finite_differences import hessian, jacobian


@pytest.fixture(params=range(3))
def rng(request):
    return np.random.default_rng(request.param)


def test_the_points_are_those_that_the_assignment_promises():
    tasks = [
        checks.pendulum_jacobian,
        checks.expand_cost,
        checks.backward_step,
        checks.backward_pass,
        checks.forward_pass,
        checks.ilqr,
        checks.ddp_action_value,
        checks.mpc,
    ]
    assert [task.points for task in tasks] == [3, 4, 5, 5, 6, 5, 3, 4]


def test_the_jacobian_is_the_difference_quotient_of_the_step_as_the_task_writes_it(rng):
    for s, a, dt, gravity, mass, length in instances.turned_pendulums(rng):

        def step(z, dt=dt, gravity=gravity, mass=mass, length=length):
            theta, omega, u = np.moveaxis(z, -1, 0)
            rate = 3 * gravity / (2 * length) * np.sin(theta) + 3 * u / (mass * length**2)
            return np.stack([theta + dt * (omega + dt * rate), omega + dt * rate], axis=-1)

        F = references.pendulum_jacobian(s, a, dt, gravity, mass, length)
        np.testing.assert_allclose(F, jacobian(step, np.concatenate([s, a])), rtol=1e-7, atol=1e-8)


def test_the_expansion_has_the_cost_s_difference_quotients(rng):
    for s, a, weights in instances.costs_with_power(rng):

        def cost(z, weights=weights):
            theta, omega, u = np.moveaxis(z, -1, 0)
            terms = 1 - np.cos(theta), omega**2 / 2, u**2 / 2, (omega * u) ** 2 / 2
            return sum(w * term for w, term in zip(weights, terms, strict=True))[..., None]

        z = np.concatenate([s, a])
        C, c = references.expand_cost(s, a, weights)
        np.testing.assert_allclose(c, jacobian(cost, z)[0], rtol=1e-7, atol=1e-7)
        np.testing.assert_allclose(C, hessian(cost, z)[0], rtol=1e-5, atol=1e-5)


def quadratic(Q, q, z):
    return 0.5 * z @ Q @ z + z @ q


def test_the_step_minimises_the_action_value_with_the_price_on_the_action(rng):
    for Q, q, mu, n in instances.regularised_steps(rng):
        K, k, *_ = references.backward_step(Q, q, mu, n)
        s = rng.normal(size=n)
        priced = lambda a, Q=Q, q=q, mu=mu, s=s: quadratic(Q, q, np.concatenate([s, a])) + 0.5 * mu * a @ a
        np.testing.assert_allclose(K @ s + k, minimize(priced, np.zeros(len(k))).x, atol=1e-4)


def test_the_value_is_the_action_value_of_the_step_without_the_price(rng):
    for Q, q, mu, n in instances.regularised_steps(rng):
        K, k, V, v, _ = references.backward_step(Q, q, mu, n)
        worth = lambda s, Q=Q, q=q, K=K, k=k: quadratic(Q, q, np.concatenate([s, K @ s + k]))
        s = rng.normal(size=n)
        assert quadratic(V, v, s) == pytest.approx(worth(s) - worth(0 * s))


def test_positive_means_that_every_direction_bends_upward(rng):
    directions = np.vstack([rng.normal(size=(1000, 2)), np.eye(2)])
    for Q, q, mu, n in instances.doubtful_steps(rng):
        bends = np.einsum("bi,ij,bj->b", directions, Q[n:, n:] + mu * np.eye(2), directions)
        assert references.backward_step(Q, q, mu, n)[-1] == (bends > 0).all()


def quadratic_horizon(rng, mu, n=2, m=1, T=4):
    """A random problem in deviations, and its backward pass."""
    V, v, _, _, _, action_value, step = instances.horizon(rng, n, m, T, mu)
    zero = np.zeros((n, n)), np.zeros(n)
    C, c = zip(*[action_value(t, *zero) for t in range(T)], strict=True)
    # Q - C = F'F where V is the identity; F itself comes from q - c, one unit of v at a time.
    F = [np.stack([action_value(t, zero[0], e)[1] - c[t] for e in np.eye(n)]) for t in range(T)]
    K, k, *promise = references.backward_pass(V, v, mu, T, m, action_value, step)
    return F, C, c, V, v, K, k, promise


def model_cost(F, C, c, V, v, ds, act, first=0):
    cost = 0.0
    for t in range(first, len(F)):
        dz = np.concatenate([ds, act(t, ds)])
        cost, ds = cost + quadratic(C[t], c[t], dz), F[t] @ dz
    return cost + quadratic(V, v, ds)


def test_without_a_price_the_gains_reach_the_minimum_of_the_whole_problem(rng):
    F, C, c, V, v, K, k, _ = quadratic_horizon(rng, 0.0)
    start = rng.normal(size=2)
    cost = lambda actions: model_cost(F, C, c, V, v, start, lambda t, ds: actions[t : t + 1])
    best = minimize(cost, np.zeros(len(F)), options={"gtol": 1e-9}).fun
    assert model_cost(F, C, c, V, v, start, lambda t, ds: K[t] @ ds + k[t]) == pytest.approx(best, abs=1e-7)


@pytest.mark.parametrize("mu", [0.0, 0.7])
def test_the_model_keeps_the_promise_of_the_full_step(rng, mu):
    F, C, c, V, v, K, k, (linear, quadratic_, positive) = quadratic_horizon(rng, mu)
    cost = model_cost(F, C, c, V, v, np.zeros(2), lambda t, ds: K[t] @ ds + k[t])
    assert positive
    assert -cost == pytest.approx(linear + quadratic_ / 2)


@pytest.mark.parametrize("rho", [0.5, 0.125])
def test_without_a_price_the_model_keeps_the_promise_of_every_step(rng, rho):
    F, C, c, V, v, K, k, (linear, quadratic_, _) = quadratic_horizon(rng, 0.0)
    cost = model_cost(F, C, c, V, v, np.zeros(2), lambda t, ds: K[t] @ ds + rho * k[t])
    assert -cost == pytest.approx(rho * linear + rho**2 / 2 * quadratic_)


def test_with_a_price_each_action_is_best_for_the_steps_that_follow_it(rng):
    mu = 0.7
    F, C, c, V, v, K, k, _ = quadratic_horizon(rng, mu)
    for t in range(len(F)):
        ds = rng.normal(size=2)
        follow = lambda a, t=t, ds=ds: lambda i, s: np.array([a]) if i == t else K[i] @ s + k[i]
        priced = lambda a, t=t, ds=ds, follow=follow: (
            model_cost(F, C, c, V, v, ds, follow(a), t) + 0.5 * mu * a**2
        )
        a = float((K[t] @ ds + k[t])[0])
        assert priced(a) < min(priced(a - 0.01), priced(a + 0.01))


@pytest.mark.parametrize(
    "cases", [instances.right_promises, instances.broken_promises, instances.whirling_pendulums]
)
def test_the_forward_pass_returns_what_the_world_makes_of_its_actions(rng, cases):
    for case in cases(rng):
        old_states, old_actions, cost, K, k, linear, quadratic_, dynamics, total_cost, share = case
        states, actions, new_cost, rho = references.forward_pass(*case)
        np.testing.assert_allclose(states[0], old_states[0])
        np.testing.assert_allclose(states[1:], dynamics(states[:-1], actions))
        feedback = np.einsum("tmn,tn->tm", K, states[:-1] - old_states[:-1])
        np.testing.assert_allclose(actions - old_actions, rho * k + feedback, atol=1e-12)
        assert new_cost == total_cost(states, actions)
        assert cost - new_cost >= share * (rho * linear + rho**2 / 2 * quadratic_)


def test_in_the_instances_the_longest_step_is_the_one_that_is_meant(rng):
    rhos = lambda cases: [float(references.forward_pass(*case)[-1]) for case in cases(rng)]
    assert rhos(instances.right_promises) == [1.0, 1.0]
    assert rhos(instances.broken_promises) == [0.5, 0.25, 0.5, 0.5]
    assert rhos(instances.empty_promises) == [0.0]
    assert rhos(instances.whirling_pendulums) == [1.0]


def test_the_loop_ends_in_a_local_optimum_of_the_actions(rng):
    (case,) = instances.swings(rng)
    first_states, first_actions, first_cost, *_, roll_out = case[:7]
    _, actions, K, converged = references.ilqr(*case)

    def cost(flat):  # a promise of minus infinity is always kept, so the first step that is tried is taken
        k = flat[:, None] - first_actions
        return roll_out(first_states, first_actions, first_cost, 0 * K, k, -np.inf, 0.0)[2]

    found = minimize(cost, actions[:, 0], method="BFGS", options={"gtol": 1e-6})
    assert converged
    assert cost(first_actions[:, 0]) == pytest.approx(first_cost)
    assert cost(actions[:, 0]) <= found.fun + 1e-9 < first_cost
    np.testing.assert_allclose(actions[:, 0], found.x, atol=1e-4)


def sweeps_of(case):
    """The mu of every sweep, whether it was positive definite, and whether the loop converged."""
    mus, positive = [], []

    def noted(local, final, mu, sweep=case[5]):
        swept = sweep(local, final, mu)
        mus.append(mu)
        positive.append(swept[-1])
        return swept

    *_, converged = references.ilqr(*case[:5], noted, *case[6:])
    return mus, positive, converged


def test_the_sweeps_of_a_hanging_start_are_indefinite_at_first(rng):
    for case in instances.hanging_starts(rng):
        mus, positive, converged = sweeps_of(case)
        assert not converged
        assert not any(positive[:2])
        assert max(mus) >= 0.1


def test_where_torque_is_paid_for_a_sweep_is_indefinite_right_after_a_step(rng):
    _, case = instances.hanging_starts(rng)
    mus, positive, _ = sweeps_of(case)
    after_a_step = [later < mu for mu, later in itertools.pairwise(mus)]
    assert any(stepped and not fine for stepped, fine in zip(after_a_step, positive[1:], strict=True))


def test_the_action_value_of_ddp_is_the_second_derivative_through_the_dynamics(rng):
    for F, F_zz, C, c, V, v in instances.curved_steps(rng):

        def value(z, F=F, F_zz=F_zz, C=C, c=c, V=V, v=v):
            ds = z @ F.T + 0.5 * np.einsum("...j,ijk,...k->...i", z, F_zz, z)
            now = 0.5 * np.einsum("...i,ij,...j", z, C, z) + z @ c
            return (now + 0.5 * np.einsum("...i,ij,...j", ds, V, ds) + ds @ v)[..., None]

        Q, q = references.ddp_action_value(F, F_zz, C, c, V, v)
        np.testing.assert_allclose(q, jacobian(value, np.zeros(len(c)))[0], atol=1e-7)
        np.testing.assert_allclose(Q, hessian(value, np.zeros(len(c)))[0], atol=1e-4)


def test_mpc_with_a_linear_planner_is_a_linear_closed_loop(rng):
    A, B, K = rng.normal(size=(2, 2)), rng.normal(size=(2, 1)), rng.normal(size=(3, 1, 2))
    world = lambda s, a: A @ s + B @ a
    states, actions = references.mpc(np.ones(2), np.zeros((3, 1)), lambda s, guess: K @ s, world, 5)
    powers = [np.linalg.matrix_power(A + B @ K[0], t) @ np.ones(2) for t in range(6)]
    np.testing.assert_allclose(states, powers)
    np.testing.assert_allclose(actions, np.array(powers[:-1]) @ K[0].T)


def test_mpc_hands_each_solution_on_without_its_first_action():
    """A planner that adds one to its guess: the action of step t was raised t + 1 times."""
    guess = 10.0 * np.arange(4.0)[:, None]
    _, actions = references.mpc(np.zeros(1), guess, lambda s, guess: guess + 1, lambda s, a: s, 6)
    assert actions[:, 0].tolist() == [1, 12, 23, 34, 35, 36]
