"""Right solutions of assignment 00_models_and_planning, each in a style of its own."""

import itertools
from collections import Counter

import numpy as np
from scipy.optimize import linprog

# Task 1 ---------------------------------------------------------------------------------------------


def returns_to_go__backward_into_a_list(rewards, gamma):
    G, returns = 0.0, []
    for r in rewards[::-1]:
        G = r + gamma * G
        returns.append(G)
    return returns[::-1]


def returns_to_go__forward_with_powers(rewards, gamma):
    T = len(rewards)
    return [sum(gamma ** (k - t) * rewards[k] for k in range(t, T)) for t in range(T)]


def returns_to_go__as_a_matrix(rewards, gamma):
    ahead = np.arange(len(rewards)) - np.arange(len(rewards))[:, None]
    return np.where(ahead >= 0, gamma ** np.maximum(ahead, 0.0), 0.0) @ rewards


def returns_to_go__in_place(rewards, gamma):
    for t in range(len(rewards) - 2, -1, -1):
        rewards[t] += gamma * rewards[t + 1]
    return rewards


def returns_to_go__by_recursion(rewards, gamma):
    if len(rewards) == 0:
        return []
    rest = returns_to_go__by_recursion(rewards[1:], gamma)
    return [rewards[0] + gamma * (rest[0] if rest else 0), *rest]


# Task 2 ---------------------------------------------------------------------------------------------


def expectation_backup__four_loops(P, R, gamma, policy, V):
    A, S, _ = P.shape
    V_new = [0.0] * S
    for s in range(S):
        for a in range(A):
            value = R[s, a]
            for s_next in range(S):
                value += gamma * P[a, s, s_next] * V[s_next]
            V_new[s] += policy[s, a] * value
    return V_new


def expectation_backup__einsum(P, R, gamma, policy, V):
    return np.einsum("sa,sa->s", policy, R + gamma * np.einsum("asn,n->sa", P, V))


def expectation_backup__the_policys_own_world(P, R, gamma, policy, V):
    """The policy makes a Markov chain of the world; its average reward and transition come first."""
    P_policy = np.einsum("sa,asn->sn", policy, P)
    return np.diag(policy @ R.T) + gamma * P_policy @ V


def expectation_backup__state_by_state(P, R, gamma, policy, V):
    return [policy[s] @ (R[s] + gamma * P[:, s, :] @ V) for s in range(len(V))]


# Task 3 ---------------------------------------------------------------------------------------------


def value_iteration__in_place(P, R, gamma, tolerance):
    V = np.zeros(R.shape[0])
    while True:
        change = 0.0
        for s in range(len(V)):
            old = V[s]
            V[s] = max(R[s, a] + gamma * P[a, s] @ V for a in range(R.shape[1]))
            change = max(change, abs(V[s] - old))
        if change < tolerance:
            return V


def value_iteration__with_whole_arrays(P, R, gamma, tolerance):
    V, V_old = np.zeros(len(R)), np.full(len(R), np.inf)
    while np.linalg.norm(V - V_old) > tolerance:
        V_old, V = V, np.max(R.T + gamma * P @ V, axis=0)
    return V


def value_iteration__many_sweeps_without_a_test(P, R, gamma, tolerance):
    V = [0.0] * len(R)
    for _ in range(1000):
        V = (R + gamma * np.einsum("asn,n->sa", P, V)).max(axis=1)
    return V


def value_iteration__as_a_linear_program(P, R, gamma, tolerance):
    """The smallest V with V >= R + gamma P V for every action."""
    S, A = R.shape
    bounds = np.concatenate([gamma * P[a] - np.eye(S) for a in range(A)])
    return linprog(np.ones(S), A_ub=bounds, b_ub=-R.T.ravel(), bounds=(None, None)).x


def value_iteration__from_a_high_guess(P, R, gamma, tolerance):
    V = np.full(len(R), 100.0)
    while True:
        new = (R + gamma * np.moveaxis(P @ V, 0, 1)).max(1)
        if max(abs(new - V)) < tolerance:
            return new
        V = new


# Task 4 ---------------------------------------------------------------------------------------------


def look_ahead__three_loops(model, V, gamma):
    Q = np.zeros((len(model), len(model[0])))
    for s in range(len(model)):
        for a in range(len(model[s])):
            for p, s_next, r, terminated in model[s][a]:
                if terminated:
                    Q[s, a] += p * r
                else:
                    Q[s, a] += p * (r + gamma * V[s_next])
    return Q, np.argmax(Q, axis=1)


def look_ahead__comprehension(model, V, gamma):
    worth = lambda outcomes: sum(p * (r + (1 - end) * gamma * V[i]) for p, i, r, end in outcomes)
    Q = [[worth(outcomes) for outcomes in row] for row in model]
    return Q, [row.index(max(row)) for row in Q]


def look_ahead__by_tables(model, V, gamma):
    """The lists become arrays P and R first; what ends leads nowhere."""
    S, A = len(model), len(model[0])
    P, R = np.zeros((A, S, S)), np.zeros((S, A))
    for s, a in itertools.product(range(S), range(A)):
        for p, i, r, end in model[s][a]:
            R[s, a] += p * r
            P[a, s, i] += 0.0 if end else p
    Q = R + gamma * (P @ V).T
    return Q, Q.argmax(axis=-1).astype(float)


def look_ahead__a_loop_for_the_policy(model, V, gamma):
    Q, policy = [], []
    for row in model:
        best, values = None, []
        for a, outcomes in enumerate(row):
            p, i, r, end = (np.array(column) for column in zip(*outcomes, strict=True))
            values.append(float(p @ (r + gamma * np.where(end, 0.0, V[i]))))
            if best is None or values[a] > values[best]:
                best = a
        Q.append(values)
        policy.append(best)
    return np.array(Q), policy


# Task 5 ---------------------------------------------------------------------------------------------


def two_values__whole_arrays(r_1, p, R):
    return np.max(r_1[:, None] + p @ R), np.max(r_1 + p @ np.max(R, axis=1))


def two_values__all_plans(r_1, p, R):
    """Every pair of actions; and every first action with every rule that says a_2 for each s_2."""
    S, A = R.shape
    plans = itertools.product(range(len(r_1)), range(A))
    rules = itertools.product(range(len(r_1)), itertools.product(range(A), repeat=S))
    open_loop = max(r_1[a] + sum(p[a, s] * R[s, b] for s in range(S)) for a, b in plans)
    closed_loop = max(r_1[a] + sum(p[a, s] * R[s, b[s]] for s in range(S)) for a, b in rules)
    return open_loop, closed_loop


def two_values__loops(r_1, p, R):
    open_loop = closed_loop = -np.inf
    for a_1 in range(len(r_1)):
        for a_2 in range(R.shape[1]):
            value = r_1[a_1]
            for s in range(len(R)):
                value += p[a_1][s] * R[s][a_2]
            open_loop = max(open_loop, value)
        value = r_1[a_1]
        for s in range(len(R)):
            value += p[a_1][s] * max(R[s])
        closed_loop = max(closed_loop, value)
    return [open_loop, closed_loop]


# Task 6 ---------------------------------------------------------------------------------------------


def inverse_model__step_by_step(states, actions, next_states, S, A):
    N = np.zeros((S, S, A))
    for s, a, s_next in zip(states, actions, next_states, strict=True):
        N[s, s_next, a] += 1
    total = N.sum(axis=2)
    inverse = np.full((S, S, A), 1 / A)
    inverse[total > 0] = N[total > 0] / total[total > 0, None]
    return inverse


def inverse_model__add_at(states, actions, next_states, S, A):
    N = np.zeros((S, S, A), dtype=int)
    np.add.at(N, (states, next_states, actions), 1)
    inverse = N / N.sum(axis=-1, keepdims=True)
    inverse[np.isnan(inverse)] = 1 / A
    return inverse


def inverse_model__bincount(states, actions, next_states, S, A):
    place = np.ravel_multi_index((states, next_states, actions), (S, S, A))
    N = np.bincount(place, minlength=S * S * A).reshape(S, S, A)
    total = N.sum(axis=2, keepdims=True)
    return np.where(total == 0, 1 / A, N / np.maximum(total, 1))


def inverse_model__dictionaries(states, actions, next_states, S, A):
    steps = Counter(zip(states.tolist(), next_states.tolist(), actions.tolist(), strict=True))
    pairs = Counter(zip(states.tolist(), next_states.tolist(), strict=True))
    share = lambda s, i, a: steps[s, i, a] / pairs[s, i] if (s, i) in pairs else 1 / A
    return [[[share(s, i, a) for a in range(A)] for i in range(S)] for s in range(S)]
