"""The right answers to assignment 02_ilqr.

Keywords change one piece of an answer each: by their defaults it is right, and a known mistake is the same
function with one keyword set.
"""

from __future__ import annotations

import numpy as np

from mbrl_teach.problems.pendulum import Pendulum

STEPS = 0.5 ** np.arange(8)  # of the line search


def pendulum_jacobian(s, a, dt, gravity, mass, length):
    """F by the world's own derivatives."""
    return Pendulum(dt=dt, gravity=gravity, mass=mass, length=length).linearize(s, a)


def pendulum_jacobian_by_rows(*case, slope=np.cos, push=3.0, explicit=False, keep=1.0, columns=(0, 1, 2)):
    """F from the row of the velocity, of which that of the angle is made."""
    s, _, dt, gravity, mass, length = case
    velocity = dt * np.array([1.5 * gravity / length * slope(s[0]), 0.0, push / (mass * length**2)])
    velocity[1] = keep
    angle = dt * (np.array([0.0, 1.0, 0.0]) if explicit else velocity)
    angle[0] += keep
    return np.stack([angle, velocity])[:, columns]


def expand_cost(s, a, weights, *, bend=np.cos, slope=np.sin, double=1, whole=1, coupling=2, at=1, shift=0):
    """C and c of w_θ (1 - cos θ) + 1/2 (w_ω ω² + w_u u² + w_p (ω u)²); C at `at` times the point."""
    w_angle, w_velocity, w_torque, w_power = weights
    stiffness = lambda omega, u: np.array([w_velocity + w_power * u**2, w_torque + w_power * omega**2])
    z = np.concatenate([s, a])
    c = np.append(w_angle * slope(z[0]), double * stiffness(*z[1:]) * z[1:])
    theta, omega, u = at * z
    C = np.diag([w_angle * bend(theta), *stiffness(omega, u)])
    C[1, 2] = C[2, 1] = coupling * w_power * omega * u
    return whole * C, c - shift * C @ z


def _is_positive(Q_aa, R):
    return np.linalg.eigvalsh(R)[0] > 0


def backward_step(
    Q, q, mu, n, *, sign=-1, ridge=np.eye, mu_of_k=1, worth=0, is_positive=_is_positive, solve=np.linalg.solve
):
    """The gain of Q + mu I and its value in Q; zeros and False if Q_aa + mu I is not positive definite."""
    Q_ss, Q_as, Q_aa, q_s, q_a = Q[:n, :n], Q[n:, :n], Q[n:, n:], q[:n], q[n:]
    R = Q_aa + mu * ridge(len(q_a))
    if not is_positive(Q_aa, R):
        return 0 * Q_as, 0 * q_a, 0 * Q_ss, 0 * q_s, False
    K = sign * solve(R, Q_as)
    k = sign * solve(R if mu_of_k else Q_aa, q_a)
    weight = R if worth else Q_aa
    V = Q_ss + Q_as.T @ K + K.T @ Q_as + K.T @ weight @ K
    v = q_s + Q_as.T @ k + K.T @ q_a + K.T @ weight @ k
    return K, k, V, v, True


def action_values(F, C, c):
    """The function action_value(t, V, v) -> Q, q of a problem in deviations, in which nothing drifts."""
    F, C, c = (np.asarray(array) for array in (F, C, c))
    return lambda t, V, v: (C[t] + F[t].T @ V @ F[t], c[t] + F[t].T @ v)


def promise(k, Q, q, n, mu):
    """One step's share of D_1 = -sum k'q_a and of D_2 = -sum k'Q_aa k."""
    return np.array([-k @ q[n:], -k @ Q[n:, n:] @ k])


def backward_pass(*case, carry=True, order=reversed, promise=promise, add=1, verdict=min, use_mu=1, write=1):
    """All gains, D_1 and D_2, and whether every step was positive definite."""
    V, v, mu, T, m, action_value, backward_step = case
    n, D, positive = len(v), np.zeros(2), True
    K, k = np.zeros((T, m, n)), np.zeros((T, m))
    for t in order(range(T)):
        Q, q = action_value(t, V, v)
        K[t], k[t], V_t, v_t, fine = backward_step(Q, q, use_mu * mu, n)
        V, v = (V_t, v_t) if carry else (V, v)
        positive = verdict(positive, fine)
        D = add * D + promise(k[t], Q, q, n, mu)
    return K[::write], k[::write], *(positive * D), positive


def _act(a, k, K, s, old):
    return a + k + K @ (s - old)


def _move(dynamics, s, old, a):
    return dynamics(s, a)


def follow(states, actions, K, k, dynamics, act=_act, move=_move, copy=np.array, first=None):
    """The trajectory of a_t = â_t + k_t + K_t (s_t - ŝ_t) in the world."""
    new_states, new_actions = copy(states), copy(actions)
    new_states[0] = states[0] if first is None else first
    for t in range(len(K)):
        new_actions[t] = act(actions[t], k[t], K[t], new_states[t], states[t])
        new_states[t + 1] = move(dynamics, new_states[t], states[t], new_actions[t])
    return new_states, new_actions


def follow_linearised(states, actions, K, k, dynamics):
    """The same in the linear model δs_{t+1} = F_t [δs_t; δa_t], by a central difference."""
    n, h = states.shape[1], 1e-5
    ds, da = np.zeros_like(states), np.zeros_like(actions)
    for t in range(len(K)):
        da[t] = k[t] + K[t] @ ds[t]
        z, dz = np.concatenate([states[t], actions[t]]), h * np.concatenate([ds[t], da[t]])
        ahead, behind = (dynamics(*np.split(z + side * dz, [n])) for side in (1, -1))
        ds[t + 1] = (ahead - behind) / (2 * h)
    return states + ds, actions + da


def wrap(delta):
    """A deviation whose first entry, a pendulum's angle, is wrapped into [-π, π)."""
    return np.append((delta[0] + np.pi) % (2 * np.pi) - np.pi, delta[1:])


def expected_decrease(rho, D_1, D_2):
    """What the model promises for a step."""
    return rho * D_1 + 0.5 * rho**2 * D_2


def forward_pass(
    *case,
    follow=follow,
    of_k=1,
    of_K=0,
    expected=expected_decrease,
    keep_old=True,
    tell=True,
    lowest=False,
    carry=False,
):
    """The first of the steps 1, 1/2, 1/4 … that decreases the cost by a share of what the model promises."""
    states, actions, cost, K, k, linear, quadratic, dynamics, total_cost, share = case
    good, start = [], {}
    for rho in STEPS:
        new = follow(states, actions, rho**of_K * K, rho**of_k * k, dynamics, **start)
        new_cost = total_cost(*new)
        if cost - new_cost >= share * expected(rho, linear, quadratic):
            good.append((*new, new_cost if tell else cost, rho))
            if not lowest:
                break
        start = {"first": new[0][-1]} if carry else {}
    if good:
        return min(good, key=lambda step: step[2])
    return (states, actions, cost, 0.0) if keep_old else (*new, new_cost, rho)


def ilqr(
    *case,
    end=-1,
    once=(),
    stale=False,
    late=False,
    half=0.5,
    grow=10.0,
    fresh=True,
    careful=True,
    at_limit=False,
):
    """Sweep and search until a sweep promises no more than the tolerance."""
    states, actions, cost, expand, expand_final, sweep, search, max_iterations, tolerance = case
    mu, rho, local, final, K_before = 0.0, 0.0, None, None, None
    for _ in range(max_iterations):
        local = local if local and "local" in once else expand(states[:-1], actions)
        final = final if final and "final" in once else expand_final(states[end])
        K, k, linear, quadratic, positive = sweep(local, final, mu)
        if linear + half * quadratic <= tolerance and (positive or not careful):
            if late:
                states, actions, *_ = search(states, actions, cost, K, k, linear, quadratic)
            return states, actions, K_before if stale else K, True
        rho = 0.0 if fresh else rho
        if positive:
            states, actions, cost, rho = search(states, actions, cost, K, k, linear, quadratic)
        mu, K_before = (mu / 2 if rho > 0 else max(grow * mu, 0.001 * grow)), K
    return states, actions, K, at_limit


def ddp_action_value(
    F, F_zz, C, c, V, v, *, weight=lambda c, V, v: v, extra=1.0, states_only=False, chain=1.0, slope=1.0
):
    """Q = C + F'VF + sum_i v_i F_zz,i and q = c + F'v."""
    bend = extra * np.tensordot(weight(c, V, v), F_zz, axes=1)
    if states_only:
        bend[len(v) :] = bend[:, len(v) :] = 0.0
    return C + chain * F.T @ V @ F + bend, c + slope * F.T @ v


def move_on(plan):
    """A plan without its first action, the last one repeated."""
    return np.append(plan[1:], plan[-1:], axis=0)


def mpc(*case, first=0, begin=lambda guess, plan: move_on(plan), observe=True, once=False):
    """Plan, apply the first action, observe, and begin the next plan with the last one moved on."""
    state, guess, planner, world, steps = case
    states, actions, solution = [state], [], None
    for t in range(steps):
        if t == 0 or not once:
            solution = np.asarray(planner(states[-1] if observe else state, guess))
        actions.append(solution[min(t, len(solution) - 1) if once else first])
        states.append(np.asarray(world(states[-1], actions[-1])))
        guess = begin(guess, solution)
    return np.array(states), np.array(actions)
