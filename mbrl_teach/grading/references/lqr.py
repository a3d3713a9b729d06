"""The right answers to assignment 01_lqr.

Keywords change one piece of an answer each: by their defaults it is right, and a known mistake is the same
function with one keyword set. The backward pass is the library's; its mistakes differ from the same by steps.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import block_diag

from mbrl_teach.control.lqr import lqr


def gain(
    Q,
    q,
    n,
    *,
    signs=(-1, -1),
    solve=np.linalg.solve,
    curvature=lambda Q, n: Q[n:, n:],
    block=lambda Q, n: Q[n:, :n],
    part=lambda q, n: q[n:],
):
    """K = -Q_aa⁻¹ Q_as, k = -Q_aa⁻¹ q_a."""
    Q_aa = curvature(Q, n)
    return signs[0] * solve(Q_aa, block(Q, n)), signs[1] * solve(Q_aa, part(q, n))


def _given_policy(Q, q, K, k):
    return K, k


def best_policy(Q, q, K, k):
    """The best K and k, whatever was given."""
    return gain(Q, q, K.shape[1])


def state_value(Q, q, K, k, *, of_V=(1, 1, 1, 1), of_v=(1, 1, 1, 1), policy=_given_policy):
    """V = Q_ss + Q_sa K + K'Q_as + K'Q_aa K, v = q_s + Q_sa k + K'q_a + K'Q_aa k; a weight for each term."""
    n = K.shape[1]
    K, k = policy(Q, q, K, k)
    Q_ss, Q_sa, Q_as, Q_aa = Q[:n, :n], Q[:n, n:], Q[n:, :n], Q[n:, n:]
    quadratic = Q_ss, Q_sa @ K, K.T @ Q_as, K.T @ Q_aa @ K
    linear = q[:n], Q_sa @ k, K.T @ q[n:], K.T @ Q_aa @ k
    V = sum(weight * term for weight, term in zip(of_V, quadratic, strict=True))
    v = sum(weight * term for weight, term in zip(of_v, linear, strict=True))
    return V, v


def action_value(F, f, C, c, V, v, *, cost=1, chain=1, drift=1, slope=1, next_state=lambda F, f: (F, f)):
    """Q = C + F'VF, q = c + F'(Vf + v)."""
    F, f = next_state(F, f)
    return cost * C + chain * F.T @ V @ F, cost * c + F.T @ (drift * V @ f + slope * v)


def backward_pass(F, f, C, c, *helpers):
    """K, k, V, v by the library."""
    solution = lqr(F, f, C, c)
    return solution.K, solution.k, solution.V, solution.v


def backward_pass_by_steps(
    *case,
    order=reversed,
    F_at=lambda t, T: t,
    C_of=lambda C, t, n: C[t],
    drift=1,
    slope=1,
    old=0,
    write=1,
    worth=lambda Q, q, C, c: (Q, q),
):
    """The same by the recursion; with `old` = 1 the value takes the policy of the step computed before."""
    F, f, C, c, *_ = case
    T, n, joint = F.shape
    K, k = np.zeros((T + 1, joint - n, n)), np.zeros((T + 1, joint - n))
    V, v = np.zeros((T + 1, n, n)), np.zeros((T + 1, n))
    for t in order(range(T)):
        value = V[t + 1], slope * v[t + 1]
        Q, q = action_value(F[F_at(t, T)], drift * f[t], C_of(C, t, n), c[t], *value)
        K[t], k[t] = gain(Q, q, n)
        V[t], v[t] = state_value(*worth(Q, q, C[t], c[t]), K[t + old], k[t + old])
    return K[:T][::write], k[:T][::write], V[::write], v[::write]


def without_cross_terms(C, t, n):
    """C_t with zero in the place of C_sa and C_as."""
    return block_diag(C[t, :n, :n], C[t, n:, n:])


def _act(K, k, t, s):
    return K[t] @ s + k[t]


def forward_pass(
    F,
    f,
    C,
    c,
    K,
    k,
    initial_state,
    *,
    act=_act,
    drift=1,
    half=0.5,
    linear=1,
    late=False,
    join=lambda s, a: np.concatenate([s, a]),
    store=lambda states: states,
):
    """States, actions and their cost under a_t = K_t s_t + k_t; a `late` cost takes s_{t+1} for s_t."""
    s, states, actions, cost = np.array(initial_state, dtype=float), [initial_state], [], 0.0
    for t in range(len(K)):
        a = act(K, k, t, s)
        z = join(s, a)
        s = F[t] @ z + drift * f[t]
        z = join(s, a) if late else z
        cost += half * z @ C[t] @ z + linear * z @ c[t]
        states.append(s)
        actions.append(a)
    return np.array(store(states)), np.array(actions), cost


def _pull(W, target):
    return -W @ target


def tracking_cost(
    targets, state_weights, action_weight, *, slope=_pull, whole=1, of_action=1, ahead=0, varying=1
):
    """C_t = blockdiag(W_t, W_a), c_t = [-W_t target_t; 0]."""
    T, no_pull, C, c = len(targets), np.zeros(len(action_weight)), [], []
    for t in range(T):
        W, target = state_weights[varying * t], targets[(t + ahead) % T]
        C.append(whole * block_diag(W, of_action * action_weight))
        c.append(np.append(slope(W, target), no_pull))
    return np.array(C), np.array(c)
