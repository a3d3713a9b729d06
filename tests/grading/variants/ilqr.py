"""Right solutions of assignment 02_ilqr, each in a style of its own."""

import numpy as np
from scipy.linalg import LinAlgError, block_diag, cho_factor, cho_solve

# Task 1 ---------------------------------------------------------------------------------------------


def pendulum_jacobian__entry_by_entry(s, a, dt, gravity, mass, length):
    F = np.zeros((2, 3))
    F[1, 0] = dt * 3 * gravity / (2 * length) * np.cos(s[0])
    F[1, 1] = 1
    F[1, 2] = dt * 3 / (mass * length**2)
    F[0] = dt * F[1]
    F[0, 0] += 1
    return F


def pendulum_jacobian__as_a_product(s, a, dt, gravity, mass, length):
    push = [[1, 0, 0], [dt * 1.5 * gravity / length * np.cos(s[0]), 1, dt * 3 / (mass * length**2)]]
    return np.array([[1, dt], [0, 1]]) @ push


def pendulum_jacobian__as_lists(s, a, dt, gravity, mass, length):
    rate, push = 1.5 * gravity / length * float(np.cos(s[0])), 3 / mass / length**2
    return [[1 + dt**2 * rate, dt, dt**2 * push], [dt * rate, 1, dt * push]]


# Task 2 ---------------------------------------------------------------------------------------------


def expand_cost__entry_by_entry(s, a, weights):
    (theta, w), u, (p, q, r, e) = s, a[0], weights
    c = [p * np.sin(theta), q * w + e * w * u**2, r * u + e * w**2 * u]
    C = [[p * np.cos(theta), 0, 0], [0, q + e * u**2, 2 * e * w * u], [0, 2 * e * w * u, r + e * w**2]]
    return np.array(C), np.array(c)


def expand_cost__term_by_term(s, a, weights):
    z = np.concatenate([s, a])
    C = np.diag([weights[0] * np.cos(z[0]), weights[1], weights[2]])
    c = np.array([weights[0] * np.sin(z[0]), weights[1] * z[1], weights[2] * z[2]])
    power, slope = z[1] * z[2], np.array([0.0, z[2], z[1]])
    C += weights[3] * (np.outer(slope, slope) + power * np.array([[0, 0, 0], [0, 0, 1], [0, 1, 0]]))
    return C, c + weights[3] * power * slope


def expand_cost__by_blocks(s, a, weights):
    (theta, omega), (u,) = s.tolist(), a.tolist()
    motor = weights[3] * np.array([[u * u, 2 * u * omega], [2 * u * omega, omega * omega]])
    C = block_diag(weights[0] * np.cos(theta), np.diag(weights[1:3]) + motor)
    stiffness = weights[1:3] + motor.diagonal()
    return C, [weights[0] * np.sin(theta), stiffness[0] * omega, stiffness[1] * u]


# Task 3 ---------------------------------------------------------------------------------------------


def backward_step__by_cholesky(Q, q, mu, n):
    R = Q[n:, n:] + mu * np.eye(len(q) - n)
    try:
        factor = cho_factor(R)
    except LinAlgError:
        return None, None, None, None, False
    K, k = -cho_solve(factor, Q[n:, :n]), -cho_solve(factor, q[n:])
    V = Q[:n, :n] + Q[:n, n:] @ K + K.T @ (Q[n:, :n] + Q[n:, n:] @ K)
    v = q[:n] + Q[:n, n:] @ k + K.T @ (q[n:] + Q[n:, n:] @ k)
    return K, k, V, v, True


def backward_step__by_substitution(Q, q, mu, n):
    """The value by the policy as a matrix: z = [I; K] s + [0; k]."""
    R = np.array(Q[n:, n:])
    R[np.diag_indices_from(R)] += mu
    if np.any(np.linalg.eigh(R)[0] <= 0):
        return np.zeros_like(Q[n:, :n]), 0 * q[n:], 0 * Q[:n, :n], 0 * q[:n], 0
    K, k = np.split(-np.linalg.inv(R) @ np.column_stack([Q[n:, :n], q[n:]]), [n], axis=1)
    policy, offset = np.vstack([np.eye(n), K]), np.concatenate([np.zeros(n), k[:, 0]])
    return K, k[:, 0], policy.T @ Q @ policy, policy.T @ (Q @ offset + q), 1


def backward_step__with_mu_put_in_afterwards(Q, q, mu, n):
    """Q with mu gives the short forms; what mu adds to the value is taken off again."""
    m = len(q) - n
    priced = Q + block_diag(np.zeros((n, n)), mu * np.eye(m))
    if min(np.linalg.eigvals(priced[n:, n:]).real) <= 0:
        return np.full((m, n), np.nan), np.full(m, np.nan), np.eye(n), np.ones(n), np.False_
    K = np.linalg.solve(-priced[n:, n:], Q[n:, :n])
    k = np.linalg.solve(-priced[n:, n:], q[n:])
    V, v = Q[:n, :n] + Q[:n, n:] @ K, q[:n] + Q[:n, n:] @ k
    return K, k, V - mu * K.T @ K, v - mu * K.T @ k, np.True_


# Task 4 ---------------------------------------------------------------------------------------------


def backward_pass__into_lists(V_final, v_final, mu, T, m, action_value, backward_step):
    gains, offsets, linear, quadratic, V, v = [], [], 0.0, 0.0, V_final, v_final
    for t in range(T - 1, -1, -1):
        Q, q = action_value(t, V, v)
        K, k, V, v, positive = backward_step(Q, q, mu, len(v_final))
        if not positive:
            return None, None, None, None, False
        gains.insert(0, K)
        offsets.insert(0, k)
        linear += -np.dot(k, q[-m:])
        quadratic += -np.dot(k, Q[-m:, -m:].dot(k))
    return gains, offsets, linear, quadratic, True


def backward_pass__by_recursion(V_final, v_final, mu, T, m, action_value, backward_step):
    def back(t):
        """K, k, linear, quadratic from step t on, and the value of step t."""
        if t == T:
            return [], [], 0.0, 0.0, True, V_final, v_final
        K, k, linear, quadratic, fine, V, v = back(t + 1)
        Q, q = action_value(t, V, v)
        K_t, k_t, V, v, positive = backward_step(Q, q, mu, len(q) - m)
        n = len(q) - m
        return (
            [K_t, *K],
            [k_t, *k],
            linear - k_t @ q[n:],
            quadratic - k_t @ Q[n:, n:] @ k_t,
            fine and positive,
            V,
            v,
        )

    return back(0)[:5]


def backward_pass__with_sums_at_the_end(V_final, v_final, mu, T, m, action_value, backward_step):
    n = V_final.shape[0]
    V, v, Q, q, K, k = [None] * T + [V_final], [None] * T + [v_final], *([None] * T for _ in range(4))
    positive = np.ones(T, dtype=bool)
    for i in range(T):
        t = T - 1 - i
        Q[t], q[t] = action_value(t, V[t + 1], v[t + 1])
        K[t], k[t], V[t], v[t], positive[t] = backward_step(Q[t], q[t], mu, n)
    q_a, Q_aa = np.array(q)[:, n:], np.array(Q)[:, n:, n:]
    k = np.array(k)
    return np.array(K), k, -(k * q_a).sum(), -np.einsum("ti,tij,tj", k, Q_aa, k), positive.all()


# Task 5 ---------------------------------------------------------------------------------------------


def forward_pass__while_it_is_not_good(s_old, a_old, J, K, k, linear, quadratic, dynamics, total_cost, share):
    rho = 1.0
    while rho >= 2**-7:
        states, actions = [s_old[0]], []
        for t in range(len(a_old)):
            actions.append(a_old[t] + rho * k[t] + K[t].dot(states[-1] - s_old[t]))
            states.append(dynamics(states[-1], actions[-1]))
        new = total_cost(np.array(states), np.array(actions))
        if J - new >= share * rho * (linear + rho / 2 * quadratic):
            return np.array(states), np.array(actions), new, rho
        rho /= 2
    return s_old, a_old, J, 0


def forward_pass__all_steps_at_once(s_old, a_old, J, K, k, linear, quadratic, dynamics, total_cost, share):
    rho = 0.5 ** np.arange(8)[:, None]
    s, states, actions = np.repeat(s_old[:1], 8, axis=0), [s_old[:1].repeat(8, axis=0)], []
    for t in range(len(a_old)):
        a = a_old[t] + rho * k[t] + (s - s_old[t]) @ K[t].T
        s = dynamics(s, a)
        states.append(s)
        actions.append(a)
    states, actions = np.stack(states, axis=1), np.stack(actions, axis=1)
    costs = total_cost(states, actions)
    good = np.flatnonzero(J - costs >= share * (rho * linear + rho**2 / 2 * quadratic)[:, 0])
    if len(good) == 0:
        return s_old, a_old, J, 0.0
    return states[good[0]], actions[good[0]], costs[good[0]], rho[good[0], 0]


def forward_pass__in_deviations(s_old, a_old, J, K, k, linear, quadratic, dynamics, total_cost, share):
    """Deviations are kept instead of states, and the old cost is computed anew."""
    J = total_cost(s_old, a_old)
    for halvings in range(8):
        rho, ds, da = 1 / 2**halvings, np.zeros_like(s_old), np.zeros_like(a_old)
        for t, gain in enumerate(K):
            da[t] = rho * k[t] + gain @ ds[t]
            ds[t + 1] = dynamics(s_old[t] + ds[t], a_old[t] + da[t]) - s_old[t + 1]
        new = total_cost(s_old + ds, a_old + da)
        if (new - J) <= -share * (rho * linear + 0.5 * rho**2 * quadratic):
            return s_old + ds, a_old + da, new, rho
    return s_old.tolist(), a_old.tolist(), J, 0.0


# Task 6 ---------------------------------------------------------------------------------------------


def ilqr__with_else(states, actions, cost, expand, expand_final, sweep, search, max_iterations, tolerance):
    mu, converged = 0.0, False
    for _ in range(max_iterations):
        K, k, linear, quadratic, positive = sweep(expand(states[:-1], actions), expand_final(states[-1]), mu)
        if not positive:
            mu = max(10 * mu, 0.01)
            continue
        if linear + quadratic / 2 <= tolerance:
            converged = True
            break
        states, actions, cost, rho = search(states, actions, cost, K, k, linear, quadratic)
        mu = mu / 2 if rho else max(10 * mu, 0.01)
    return states, actions, K, converged


def ilqr__with_while(states, actions, cost, expand, expand_final, sweep, search, max_iterations, tolerance):
    iteration, mu = 0, 0
    while True:
        T = len(actions)
        K, k, linear, quadratic, positive = sweep(expand(states[:T], actions), expand_final(states[T]), mu)
        if positive and tolerance >= linear + 0.5 * quadratic:
            return states, actions, K, 1
        better = False
        if positive:
            *new, rho = search(states, actions, cost, K, k, linear, quadratic)
            better = rho > 0
        if better:
            states, actions, cost = new
        mu = mu * 0.5 if better else np.maximum(mu * 10, 1e-2)
        iteration += 1
        if iteration == max_iterations:
            return states, actions, K, 0


def ilqr__by_recursion(states, actions, cost, expand, expand_final, sweep, search, left, tolerance, mu=0.0):
    local, final = expand(states[:-1], actions), expand_final(states[-1])
    K, k, linear, quadratic, positive = sweep(local, final, mu)
    if positive and linear + quadratic / 2 <= tolerance:
        return states, actions, K, True
    rho = 0
    if positive:
        states, actions, cost, rho = search(states, actions, cost, K, k, linear, quadratic)
    mu = mu / 2 if rho > 0 else max(10 * mu, 0.01)
    if left == 1:
        return list(states), list(actions), K, False
    helpers = expand, expand_final, sweep, search
    return ilqr__by_recursion(states, actions, cost, *helpers, left - 1, tolerance, mu)


# Task 7 ---------------------------------------------------------------------------------------------


def ddp_action_value__by_a_loop(F, F_zz, C, c, V, v):
    Q = C + F.T @ V @ F
    for i in range(len(v)):
        Q = Q + v[i] * F_zz[i]
    return Q, c + v @ F


def ddp_action_value__by_transposition(F, F_zz, C, c, V, v):
    return F_zz.T @ v + C + F.T @ (V @ F), F.T.dot(v) + c


def ddp_action_value__in_place(F, F_zz, C, c, V, v):
    C += np.einsum("ij,jk,kl", F.T, V, F)
    C += (v[:, None, None] * F_zz).sum(axis=0)
    c += np.tensordot(v, F, axes=1)
    return C, c


# Task 8 ---------------------------------------------------------------------------------------------


def mpc__into_arrays(state, guess, plan, world, steps):
    T, m = guess.shape
    states, actions = np.zeros((steps + 1, len(state))), np.zeros((steps, m))
    states[0] = state
    for t in range(steps):
        guess = plan(states[t], guess)
        actions[t] = guess[0]
        states[t + 1] = world(states[t], actions[t])
        guess = guess[[*range(1, T), T - 1]]
    return states, actions


def mpc__with_copies(state, guess, plan, world, steps):
    states, actions = [np.array(state)], []
    for _ in range(steps):
        solution = np.array(plan(state, guess))
        state = world(state, solution[0])
        guess = solution.copy()
        guess[:-1] = solution[1:]
        states.append(np.array(state))
        actions.append(solution[0].copy())
    return states, actions


def mpc__on_lists(state, guess, plan, world, steps):
    states, actions = [state.tolist()], []
    for _ in range(steps):
        first, *rest = plan(np.array(states[-1]), guess).tolist()
        actions.append(first)
        states.append(list(world(np.array(states[-1]), np.array(first))))
        guess = np.array([*rest, rest[-1]])
    return states, actions
