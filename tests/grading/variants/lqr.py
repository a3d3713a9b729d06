"""Right solutions of assignment 01_lqr, each in a style of its own."""

import itertools

import numpy as np
import scipy.linalg

# gain(Q, q, n) -> K, k


def gain__inverse(Q, q, n):
    minus_inverse = -np.linalg.inv(Q[n:, n:])
    return minus_inverse @ Q[:n, n:].T, minus_inverse @ q[n:]


def gain__cholesky(Q, q, n):
    both = scipy.linalg.cho_solve(scipy.linalg.cho_factor(Q[n:, n:]), np.column_stack([Q[n:, :n], q[n:]]))
    K, k = np.split(-both, [n], axis=1)
    return K, k.squeeze(axis=1)


def gain__elimination_on_lists(Q, q, n):
    rows = [[*map(float, Q[i, n:]), *(-Q[i, :n]), -q[i]] for i in range(n, len(q))]
    m = len(rows)
    for i in range(m):
        rows[i] = [x / rows[i][i] for x in rows[i]]
        for j in range(m):
            if j != i:
                rows[j] = [y - rows[j][i] * x for x, y in zip(rows[i], rows[j], strict=True)]
    return [row[m:-1] for row in rows], [row[-1] for row in rows]


def gain__matrices(Q, q, n):
    Q, q = np.asmatrix(Q), np.asmatrix(q).T
    return -Q[n:, n:].I * Q[n:, :n], (-Q[n:, n:].I * q[n:]).A1


def gain__more_precision(Q, q, n):
    """Newton's iteration for the inverse, in long doubles."""
    Q_aa = Q[n:, n:].astype(np.longdouble)
    inverse = Q_aa.T / (np.abs(Q_aa).sum(axis=0).max() * np.abs(Q_aa).sum(axis=1).max())
    for _ in range(60):
        inverse = inverse @ (2 * np.eye(len(Q_aa), dtype=np.longdouble) - Q_aa @ inverse)
    return -inverse @ Q[n:, :n], -inverse @ q[n:]


# state_value(Q, q, K, k) -> V, v


def state_value__substitution(Q, q, K, k):
    n = K.shape[1]
    Z, z = np.vstack([np.eye(n), K]), np.concatenate([np.zeros(n), k])
    return Z.T @ Q @ Z, Z.T @ (Q @ z + q)


def state_value__homogeneous(Q, q, K, k):
    n = K.shape[1]
    M = np.block([[Q, q[:, None]], [q, np.zeros((1, 1))]])
    Z = np.block([[np.eye(n), np.zeros((n, 1))], [K, k[:, None]], [np.zeros((1, n)), np.ones((1, 1))]])
    W = Z.T @ M @ Z
    return W[:n, :n], W[:n, n]


def state_value__einsum(Q, q, K, k):
    n = K.shape[1]
    Q_ss, Q_sa, Q_aa = Q[:n, :n], Q[:n, n:], Q[n:, n:]
    cross = np.einsum("ia,aj->ij", Q_sa, K)
    V = Q_ss + cross + cross.swapaxes(0, 1) + np.einsum("ai,ab,bj->ij", K, Q_aa, K)
    return V, q[:n] + np.einsum("ia,a->i", Q_sa, k) + np.einsum("ai,a->i", K, q[n:] + Q_aa @ k)


def state_value__loops(Q, q, K, k):
    m, n = K.shape
    V, v = [[0.0] * n for _ in range(n)], [0.0] * n
    for i in range(n):
        v[i] = q[i] + sum(Q[i, n + a] * k[a] + K[a, i] * q[n + a] for a in range(m))
        v[i] += sum(K[a, i] * Q[n + a, n + b] * k[b] for a in range(m) for b in range(m))
        for j in range(n):
            V[i][j] = Q[i, j] + sum(Q[i, n + a] * K[a, j] + K[a, i] * Q[n + a, j] for a in range(m))
            V[i][j] += sum(K[a, i] * Q[n + a, n + b] * K[b, j] for a in range(m) for b in range(m))
    return V, v


# action_value(F, f, C, c, V, v) -> Q, q


def action_value__in_place(F, f, C, c, V, v):
    C += F.T.dot(V).dot(F)
    v += V.dot(f)
    c += F.T.dot(v)
    return C, c


def action_value__homogeneous(F, f, C, c, V, v):
    d = len(c)
    G = np.block([[F, f[:, None]], [np.zeros((1, d)), np.ones((1, 1))]])
    W = np.block([[V, v[:, None]], [v[None], np.zeros((1, 1))]])
    M = np.block([[C, c[:, None]], [c[None], np.zeros((1, 1))]]) + G.T @ W @ G
    return M[:d, :d], M[:d, d]


def action_value__einsum(F, f, C, c, V, v):
    return C + np.einsum("ki,kl,lj->ij", F, V, F), c + np.einsum("ki,k->i", F, np.einsum("kl,l->k", V, f) + v)


def action_value__derivatives(F, f, C, c, V, v):
    """Gradient at zero and its differences: exact, for the function is quadratic."""

    def gradient(z):
        return C @ z + c + F.T @ (V @ (F @ z + f) + v)

    q = gradient(np.zeros(len(c)))
    return np.array([gradient(unit) - q for unit in np.eye(len(c))]), q


# backward_pass(F, f, C, c, action_value, gain, state_value) -> K, k, V, v


def backward_pass__lists(F, f, C, c, action_value, gain, state_value):
    n = F.shape[1]
    K, k, V, v = [], [], [np.zeros((n, n))], [np.zeros(n)]
    for F_t, f_t, C_t, c_t in zip(*(array[::-1] for array in (F, f, C, c)), strict=True):
        Q, q = action_value(F_t, f_t, C_t, c_t, V[0], v[0])
        K_t, k_t = gain(Q, q, n)
        V_t, v_t = state_value(Q, q, K_t, k_t)
        for results, result in ((K, K_t), (k, k_t), (V, V_t), (v, v_t)):
            results.insert(0, result)
    return K, k, V, v


def backward_pass__recursion(F, f, C, c, action_value, gain, state_value):
    n = F.shape[1]

    def from_step(t):
        if t == len(F):
            return [(None, None, np.zeros((n, n)), np.zeros(n))]
        rest = from_step(t + 1)
        Q, q = action_value(F[t], f[t], C[t], c[t], *rest[0][2:])
        policy = gain(Q, q, n)
        return [(*policy, *state_value(Q, q, *policy)), *rest]

    K, k, V, v = zip(*from_step(0), strict=True)
    return K[:-1], k[:-1], V, v


def backward_pass__inline(F, f, C, c, *_):
    (T, n, d), V_next, v_next = F.shape, 0.0, 0.0
    K, k = np.empty((T, d - n, n)), np.empty((T, d - n))
    V, v = np.zeros((T + 1, n, n)), np.zeros((T + 1, n))
    for t in range(T - 1, -1, -1):
        V_next, v_next = V[t + 1], v[t + 1]
        Q = C[t] + F[t].T @ V_next @ F[t]
        q = c[t] + F[t].T @ V_next @ f[t] + F[t].T @ v_next
        inverse = np.linalg.inv(Q[n:, n:])
        K[t], k[t] = -inverse @ Q[n:, :n], -inverse @ q[n:]
        V[t], v[t] = Q[:n, :n] + Q[:n, n:] @ K[t], q[:n] + Q[:n, n:] @ k[t]
    return K, k, V, v


def backward_pass__homogeneous(F, f, C, c, *_):
    """With [s; 1] for the state there is one matrix for the value; its Schur complement is the recursion."""
    T, n, d = F.shape
    order = [*range(n), d, *range(n, d)]  # [s; 1; a]
    G = np.concatenate([F, f[:, :, None]], axis=2)
    G = np.concatenate([G, np.broadcast_to(np.eye(d + 1)[d], (T, 1, d + 1))], axis=1)[:, :, order]
    M = np.concatenate([C, c[:, :, None]], axis=2)
    last = np.concatenate([c, np.zeros((T, 1))], axis=1)[:, None]
    M = np.concatenate([M, last], axis=1)[:, order][:, :, order]
    W, policies = [np.zeros((n + 1, n + 1))], []
    for t in reversed(range(T)):
        Q = M[t] + G[t].T @ W[-1] @ G[t]
        policies.append(-np.linalg.solve(Q[n + 1 :, n + 1 :], Q[n + 1 :, : n + 1]))
        W.append(Q[: n + 1, : n + 1] + Q[: n + 1, n + 1 :] @ policies[-1])
        W[-1][n, n] = 0.0
    W, policies = np.array(W[::-1]), np.array(policies[::-1])
    return policies[:, :, :n], policies[:, :, n], W[:, :n, :n], W[:, :n, n]


# forward_pass(F, f, C, c, K, k, initial_state) -> states, actions, cost


def forward_pass__lists(F, f, C, c, K, k, initial_state):
    states, actions, costs = [initial_state], [], []
    for F_t, f_t, C_t, c_t, K_t, k_t in zip(F, f, C, c, K, k, strict=True):
        actions.append(K_t @ states[-1] + k_t)
        z = np.r_[states[-1], actions[-1]]
        costs.append(z @ (C_t @ z / 2 + c_t))
        states.append(F_t @ z + f_t)
    return states, actions, sum(costs)


def forward_pass__closed_loop(F, f, C, c, K, k, initial_state):
    """States first, by the closed loop's matrices; then everything else for all steps at once."""
    n = F.shape[1]
    A, B = F[:, :, :n], F[:, :, n:]
    loop, push = A + B @ K, np.einsum("tij,tj->ti", B, k) + f
    steps = zip(loop, push, strict=True)
    states = np.array([*itertools.accumulate(steps, lambda s, Mb: Mb[0] @ s + Mb[1], initial=initial_state)])
    actions = np.einsum("tij,tj->ti", K, states[:-1]) + k
    z = np.hstack([states[:-1], actions])
    return states, actions, 0.5 * np.einsum("ti,tij,tj->", z, C, z) + np.vdot(z, c)


def forward_pass__in_place(F, f, C, c, K, k, initial_state):
    T, m, n = K.shape
    z, states = np.zeros((T + 1, n + m)), np.zeros((T + 1, n))
    states[0], cost = initial_state, np.zeros(())
    for t in range(T):
        z[t, :n] = states[t]
        np.matmul(K[t], states[t], out=z[t, n:])
        z[t, n:] += k[t]
        np.add(F[t] @ z[t], f[t], out=states[t + 1])
        cost += z[t] @ C[t] @ z[t] / 2
        cost += c[t] @ z[t]
    return states, z[:-1, n:], cost


def forward_pass__generator(F, f, C, c, K, k, initial_state):
    def steps(s):
        for t in range(len(K)):
            a = sum(K[t][:, j] * s[j] for j in range(len(s))) + k[t]
            z = np.array([*s, *a], dtype=np.longdouble)
            s = F[t].astype(np.longdouble) @ z + f[t]
            yield s, a, 0.5 * np.trace(np.outer(z, z) @ C[t]) + np.dot(z, c[t])

    states, actions, costs = zip(*steps(initial_state), strict=True)
    return [initial_state, *states], actions, np.sum(costs)


# tracking_cost(targets, state_weights, action_weight) -> C, c


def tracking_cost__block_diag(targets, state_weights, action_weight):
    C = [scipy.linalg.block_diag(W, action_weight) for W in state_weights]
    rest = np.zeros(len(action_weight))
    return C, [np.concatenate([-W @ target, rest]) for W, target in zip(state_weights, targets, strict=True)]


def tracking_cost__whole_arrays(targets, state_weights, action_weight):
    m = len(action_weight)
    C = np.pad(state_weights, ((0, 0), (0, m), (0, m)))
    C[:, -m:, -m:] += action_weight
    return C, np.pad(-(state_weights @ targets[..., None])[..., 0], ((0, 0), (0, m)))


def tracking_cost__from_c_of_C(targets, state_weights, action_weight):
    (T, n), m = targets.shape, len(action_weight)
    pick = np.eye(n + m)
    C = pick[:, :n] @ state_weights @ pick[:n] + pick[:, n:] @ action_weight @ pick[n:]
    return C, -np.einsum("tij,tj->ti", C, np.hstack([targets, np.zeros((T, m))]))


def tracking_cost__loops(targets, state_weights, action_weight):
    n, m = len(targets[0]), len(action_weight)
    C, c = [], []
    for t, target in enumerate(targets.tolist()):
        C.append([[0.0] * (n + m) for _ in range(n + m)])
        c.append([0.0] * (n + m))
        for i in range(n):
            for j in range(n):
                C[t][i][j] = float(state_weights[t, i, j])
                c[t][i] -= C[t][i][j] * target[j]
        for i, j in itertools.product(range(m), repeat=2):
            C[t][n + i][n + j] = float(action_weight[i, j])
    return C, c
