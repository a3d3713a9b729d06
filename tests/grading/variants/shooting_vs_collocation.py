"""Right solutions of assignment 03_shooting_vs_collocation, each in a style of its own."""

from functools import reduce

import numpy as np
from scipy.integrate import simpson
from scipy.sparse import block_array, diags_array

# Task 1 ---------------------------------------------------------------------------------------------


def rollout_objective__into_an_array(start, actions, dynamics, cost, final_cost):
    T = len(actions)
    states = np.zeros((T + 1, len(start)))
    states[0] = start
    total = 0
    for t in range(T):
        total += cost(states[t], actions[t])
        states[t + 1] = dynamics(states[t], actions[t])
    return states, total + final_cost(states[T])


def rollout_objective__costs_in_one_call(start, actions, dynamics, cost, final_cost):
    states = [start]
    for a in actions:
        states += [dynamics(states[-1], a)]
    states = np.stack(states)
    return states, np.sum(cost(states[:-1], actions)) + final_cost(states[-1])


def rollout_objective__by_recursion(start, actions, dynamics, cost, final_cost):
    if len(actions) == 0:
        return [list(start)], float(final_cost(start))
    states, to_go = rollout_objective__by_recursion(
        dynamics(start, actions[0]), actions[1:], dynamics, cost, final_cost
    )
    return [list(start), *states], cost(start, actions[0]) + to_go


# Task 2 ---------------------------------------------------------------------------------------------


def adjoint_gradient__step_by_step(states, actions, linearize, cost_gradient, final_gradient):
    n = states.shape[1]
    adjoint = final_gradient(states[-1])
    adjoints, gradient = [adjoint], []
    for s, a in zip(states[-2::-1], actions[::-1], strict=True):
        slope = cost_gradient(s, a) + adjoint @ linearize(s, a)
        adjoint = slope[:n]
        gradient.insert(0, slope[n:])
        adjoints.insert(0, adjoint)
    return np.array(gradient), adjoints


def adjoint_gradient__einsum(states, actions, linearize, cost_gradient, final_gradient):
    T, m = actions.shape
    F, c = linearize(states[:T], actions), cost_gradient(states[:T], actions)
    lam = np.empty(states.shape)
    lam[T] = final_gradient(states[T])
    for t in range(T - 1, -1, -1):
        lam[t] = c[t, :-m] + np.einsum("ij,i->j", F[t, :, :-m], lam[t + 1])
    return c[:, -m:] + np.einsum("tij,ti->tj", F[:, :, -m:], lam[1:]), lam


def adjoint_gradient__as_one_linear_system(states, actions, linearize, cost_gradient, final_gradient):
    (T, _), n = actions.shape, states.shape[1]
    F, c = linearize(states[:-1], actions), cost_gradient(states[:-1], actions)
    M = np.eye((T + 1) * n)
    for t in range(T):
        M[t * n : (t + 1) * n, (t + 1) * n : (t + 2) * n] = -F[t, :, :n].T
    right = np.concatenate([c[:, :n].ravel(), final_gradient(states[-1])])
    lam = np.linalg.solve(M, right).reshape(T + 1, n)
    return [c[t, n:] + F[t, :, n:].T @ lam[t + 1] for t in range(T)], lam


# Task 3 ---------------------------------------------------------------------------------------------


def end_sensitivities__backwards(F):
    T, n, _ = F.shape
    product, to_actions = np.eye(n), [None] * T
    for t in range(T - 1, -1, -1):
        to_actions[t] = product @ F[t, :, n:]
        product = product @ F[t, :, :n]
    return product, to_actions


def end_sensitivities__forwards(F):
    _, n, d = F.shape
    moved = np.eye(n)
    by_actions = np.zeros((0, n, d - n))
    for F_t in F:
        moved = F_t[:, :n] @ moved
        by_actions = np.concatenate([F_t[:, :n] @ by_actions, F_t[None, :, n:]])
    return moved, by_actions


def end_sensitivities__each_product_anew(F):
    T, n = F.shape[:2]
    A, B = F[..., :n], F[..., n:]
    chain = lambda t: reduce(lambda product, A_t: A_t @ product, A[t:], np.eye(n))
    return chain(0).tolist(), [(chain(t + 1) @ B[t]).tolist() for t in range(T)]


# Task 4 ---------------------------------------------------------------------------------------------


def trapezoid__interval_by_interval(states, actions, duration, derivative, cost_rate):
    N = len(states) - 1
    h = duration / N
    defects, cost = [], 0.0
    for k in range(N):
        here, next_ = derivative(states[k], actions[k]), derivative(states[k + 1], actions[k + 1])
        defects.append(states[k + 1] - states[k] - 0.5 * h * (here + next_))
        cost += 0.5 * h * (cost_rate(states[k], actions[k]) + cost_rate(states[k + 1], actions[k + 1]))
    return defects, cost


def trapezoid__numpys_rule(states, actions, duration, derivative, cost_rate):
    h = duration / (len(actions) - 1)
    f = derivative(states, actions)
    defects = np.diff(states, axis=0) - h * (f[1:] + f[:-1]) / 2
    return defects, np.trapezoid(cost_rate(states, actions), dx=h)


def trapezoid__with_a_mesh(states, actions, duration, derivative, cost_rate):
    h = np.diff(np.linspace(0, duration, len(states)))
    q = np.append(h, 0) / 2 + np.append(0, h) / 2
    f = derivative(states, actions)
    defects = states[1:] - states[:-1] - h[:, None] / 2 * f[:-1] - h[:, None] / 2 * f[1:]
    return defects.tolist(), float(q @ cost_rate(states, actions))


# Task 5 ---------------------------------------------------------------------------------------------


def hermite_simpson__interval_by_interval(s, a, s_c, a_c, duration, derivative, cost_rate):
    N = len(s_c)
    h, middles, defects, cost = duration / N, [], [], 0.0
    for k in range(N):
        f, g = derivative(s[k], a[k]), derivative(s[k + 1], a[k + 1])
        middles.append(s_c[k] - (s[k] + s[k + 1]) / 2 - h / 8 * (f - g))
        defects.append(s[k + 1] - s[k] - h / 6 * (f + 4 * derivative(s_c[k], a_c[k]) + g))
        cost += (
            h / 6 * (cost_rate(s[k], a[k]) + 4 * cost_rate(s_c[k], a_c[k]) + cost_rate(s[k + 1], a[k + 1]))
        )
    return middles, defects, cost


def hermite_simpson__all_points_in_one(s, a, s_c, a_c, duration, derivative, cost_rate):
    P = len(s) + len(s_c)
    states, actions = np.zeros((P, s.shape[1])), np.zeros((P, a.shape[1]))
    states[::2], states[1::2], actions[::2], actions[1::2] = s, s_c, a, a_c
    f, h = derivative(states, actions), 2 * duration / (P - 1)
    left, middle, right = f[:-2:2], f[1::2], f[2::2]
    in_the_middle = states[1::2] - (states[:-2:2] + states[2::2]) / 2 - h * (left - right) / 8
    defects = states[2::2] - states[:-2:2] - h * (left + 4 * middle + right) / 6
    return in_the_middle, defects, simpson(cost_rate(states, actions), dx=h / 2)


def hermite_simpson__with_weights(s, a, s_c, a_c, duration, derivative, cost_rate):
    h = duration / (len(s) - 1)
    f, f_c = derivative(s, a), derivative(s_c, a_c)
    middles = s_c - 0.5 * (s[1:] + s[:-1]) + h * np.diff(f, axis=0) / 8
    defects = np.diff(s, axis=0) - h * (2 / 3 * f_c + (f[1:] + f[:-1]) / 6)
    q = np.full(len(s), h / 3)
    q[[0, -1]] = h / 6
    return middles, defects, q @ cost_rate(s, a) + 2 / 3 * h * cost_rate(s_c, a_c).sum()


# Task 6 ---------------------------------------------------------------------------------------------


def block_move__unknowns_by_kind(N, distance, duration, mass, solve):
    """All positions, then all velocities, then all forces: any order of the unknowns will do."""
    h, P = duration / N, N + 1
    D, S = np.diff(np.eye(P), axis=0), (np.eye(P)[1:] + np.eye(P)[:-1]) / 2
    zero = np.zeros((N, P))
    ends = np.zeros((4, 3 * P))
    ends[[0, 1, 2, 3], [0, P - 1, P, 2 * P - 1]] = 1
    A = np.vstack([np.hstack([D, -h * S, zero]), np.hstack([zero, D, -h / mass * S]), ends])
    b = np.zeros(len(A))
    b[-3] = distance
    q = h * S.sum(axis=0)
    x, v, u = np.split(solve(np.diag(np.append(np.zeros(2 * P), q)), A, b), 3)
    return np.column_stack([x, v]), u[:, None], q @ u**2


def block_move__row_by_row(N, distance, duration, mass, solve):
    h, size = duration / N, 3 * (N + 1)
    rows, right = [], []

    def demand(entries, value):
        row = [0.0] * size
        for place, entry in entries.items():
            row[place] = entry
        rows.append(row)
        right.append(value)

    demand({0: 1}, 0.0)
    demand({1: 1}, 0.0)
    for k in range(0, 3 * N, 3):
        demand({k: -1, k + 3: 1, k + 1: -h / 2, k + 4: -h / 2}, 0.0)
        demand({k + 1: -1, k + 4: 1, k + 2: -h / 2 / mass, k + 5: -h / 2 / mass}, 0.0)
    demand({size - 3: 1}, distance)
    demand({size - 2: 1}, 0.0)
    H = np.zeros((size, size))
    for k in range(N + 1):
        H[3 * k + 2, 3 * k + 2] = h / 2 if k in (0, N) else h
    z = solve(H, np.array(rows), np.array(right))
    return z.reshape(-1, 3)[:, :2].tolist(), z.reshape(-1, 3)[:, 2:].tolist(), float(z @ H @ z)


def block_move__sparse(N, distance, duration, mass, solve):
    """Every matrix is scipy's, from its diagonals."""
    h = duration / N
    D = diags_array([-1.0, 1.0], offsets=[0, 1], shape=(N, N + 1))
    S = diags_array([h / 2, h / 2], offsets=[0, 1], shape=(N, N + 1))
    ends = (
        diags_array([1.0], offsets=[0], shape=(1, N + 1)),
        diags_array([1.0], offsets=[N], shape=(1, N + 1)),
    )
    A = block_array(
        [
            [D, -S, None],
            [None, D, -S / mass],
            *([e, None, None] for e in ends),
            *([None, e, None] for e in ends),
        ]
    )
    b = np.zeros(2 * N + 4)
    b[2 * N + 1] = distance
    H = diags_array(np.concatenate([np.zeros(2 * N + 2), S.sum(axis=0)]))
    z = solve(H, A, b)
    return z[: 2 * N + 2].reshape(2, -1).T, z[2 * N + 2 :, None], z @ H @ z


def block_move__without_the_states(N, distance, duration, mass, solve):
    """The states are linear in the forces: only two demands are left, and no solver is needed."""
    h = duration / N
    up = np.tril(np.ones((N + 1, N + 1)))
    S = h * (up - np.eye(N + 1) / 2)
    S[:, 0] -= h / 2
    S[0] = 0.0
    velocity = S / mass
    position = S @ velocity
    q = np.full(N + 1, h)
    q[[0, -1]] /= 2
    ends = np.stack([position[-1], velocity[-1]]) / q
    u = ends.T @ np.linalg.solve(ends @ np.diag(q) @ ends.T, [distance, 0])
    return np.stack([position @ u, velocity @ u], axis=1), u[:, None], np.trapezoid(u**2, dx=h)
