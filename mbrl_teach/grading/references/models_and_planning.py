"""The right answers to assignment 00_models_and_planning.

Keywords change one piece of an answer each: by their defaults it is right, and a known mistake is the same
function with one keyword set. Rewards are maximised; P (A, S, S) is indexed [a, s, s'].
"""

from __future__ import annotations

import numpy as np


def _add_discounted(r, G, gamma, t, T):
    return r + gamma * G


def returns_to_go(rewards, gamma, *, add=_add_discounted, order=reversed, first=0.0, write=1):
    """G_t = r_t + gamma G_{t+1} (T,), with nothing after the last step."""
    G, returns = first, np.zeros(len(rewards))
    for t in order(range(len(rewards))):
        G = add(rewards[t], G, gamma, t, len(rewards))
        returns[t] = G
    return returns[::write]


def change_returns(rewards, gamma, change):
    """The returns, changed afterwards."""
    return change(returns_to_go(rewards, gamma), np.asarray(rewards), gamma)


def expected_value(P, V):
    """The mean of V at the next state, (S, A)."""
    return (P @ V).T


def best_next_value(P, V):
    """The largest V among the next states that can come, (S, A): what a dreamer counts on."""
    return np.where(P > 0, V, -np.inf).max(axis=-1).T


def present_value(P, V):
    """V at the state itself, (S, A), as if nothing moved."""
    return np.tile(V[:, None], (1, len(P)))


def likeliest_next_value(P, V):
    """V at the likeliest next state, (S, A)."""
    return V[P.argmax(axis=-1)].T


def _average(policy, Q):
    return (policy * Q).sum(axis=1)


def expectation_backup(
    P,
    R,
    gamma,
    policy,
    V,
    *,
    read=np.asarray,
    future=expected_value,
    of_R=0,
    of_V=1,
    average=_average,
    keep=1,
):
    """V'(s) = sum_a policy(a | s) [R(s, a) + gamma sum_s' P(s' | s, a) V(s')], (S,)."""
    Q = keep * gamma**of_R * R + gamma**of_V * future(read(P), V)
    return average(policy, Q)


def backup_in_place(P, R, gamma, policy, V):
    """The states one by one, each with the new values of those before it."""
    V = V.copy()
    for s in range(len(V)):
        V[s] = policy[s] @ (R[s] + gamma * P[:, s] @ V)
    return V


def backup_with_a_bare_future(P, R, gamma, policy, V):
    """The policy's probabilities reach the reward only: brackets are missing."""
    return (policy * R + gamma * expected_value(P, V)).sum(axis=1)


def _best(R, future):
    return (R + future).max(axis=1)


def _settled(change, tolerance, sweep):
    return np.abs(change).max() < tolerance


def value_iteration(
    P,
    R,
    gamma,
    tolerance,
    *,
    read=np.asarray,
    future=expected_value,
    best=_best,
    settled=_settled,
    of_R=0,
    of_V=1,
):
    """V(s) = max_a [R(s, a) + gamma sum_s' P(s' | s, a) V(s')], (S,), from V = 0 until it changes no more."""
    P, V = read(P), np.zeros(len(R))
    for sweep in range(2_000):
        new = best(gamma**of_R * R, gamma**of_V * future(P, V))
        change, V = new - V, new
        if settled(change, tolerance, sweep):
            break
    return V


def never_assigned(P, R, gamma, tolerance):
    """V as it was in the beginning, (S,)."""
    return np.zeros(len(R))


def one_sweep(P, R, gamma, tolerance, *, in_place=False):
    """V after one sweep from 0, (S,): into an array of its own, or into the one that it reads."""
    V = np.zeros(len(R))
    old = V if in_place else V.copy()
    for s in range(len(V)):
        V[s] = (R[s] + gamma * P[:, s] @ old).max()
    return V


def _worth(p, r, gamma, value, terminated):
    return p * (r + gamma * value * (not terminated))


def _act_greedily(Q, model, V):
    return Q.argmax(axis=1)


def look_ahead(model, V, gamma, *, worth=_worth, add=1, sure=False, stay=False, choose=_act_greedily):
    """Q (S, A) of a model whose entry [s][a] lists (p, s', r, terminated), and the greedy policy (S,)."""
    Q = np.zeros((len(model), len(model[0])))
    for s, row in enumerate(model):
        for a, outcomes in enumerate(row):
            for p, s_next, r, terminated in [max(outcomes)] if sure else outcomes:
                value = V[s if stay else s_next]
                Q[s, a] = add * Q[s, a] + worth(1.0 if sure else p, r, gamma, value, terminated)
    return Q, choose(Q, model, V)


def mean_reward(model):
    """The mean reward of each pair, (S, A)."""
    return np.array([[sum(p * r for p, _, r, _ in outcomes) for outcomes in row] for row in model])


def mean_next_value(model, V):
    """The mean of V at the next state, (S, A)."""
    return np.array([[sum(p * V[i] for p, i, *_ in outcomes) for outcomes in row] for row in model])


def blind(r_1, p, R):
    """max over both actions of the mean: a_2 is chosen before s_2 is seen."""
    return (r_1[:, None] + p @ R).max()


def seeing(r_1, p, R):
    """max over a_1 of the mean of the max over a_2: a_2 is chosen after s_2 is seen."""
    return (r_1 + p @ R.max(axis=1)).max()


def blind_by_columns(r_1, p, R):
    """The first rewards stand at the second actions."""
    return (r_1 + p @ R).max()


def blind_after_the_first_of_the_seeing(r_1, p, R):
    """The first action is the best for one who will see."""
    first = (r_1 + p @ R.max(axis=1)).argmax()
    return r_1[first] + (p[first] @ R).max()


def blind_for_the_likeliest(r_1, p, R):
    """The second action is the best at the likeliest s_2."""
    second = R.argmax(axis=1)[p.argmax(axis=1)]
    return (r_1 + (p @ R)[np.arange(len(p)), second]).max()


def two_values(r_1, p, R, *, open_loop=blind, closed_loop=seeing, read=None, order=1):
    """What two steps are worth with a_2 chosen beforehand, and with a_2 chosen when s_2 is seen."""
    case = read(r_1, p, R) if read else (r_1, p, R)
    return (open_loop(*case), closed_loop(*case))[::order]


def _each_one(N, place):
    np.add.at(N, place, 1)


def count_once(N, place):
    """What N[place] += 1 does: a place that is named twice gets 1."""
    N[place] += 1


def share(N, total, of=None, unseen=None):
    """`of` (by default N) over its sums along the axes `total`; where these are 0, `unseen` (or 1/A)."""
    of = N if of is None else of
    unseen = 1 / N.shape[2] if unseen is None else unseen
    sums = of.sum(axis=total, keepdims=True) * np.ones_like(N)
    return np.where(sums > 0, of / np.where(sums > 0, sums, 1), unseen)


def _share_of_actions(N):
    return share(N, 2)


def inverse_model(
    states, actions, next_states, S, A, *, count=_each_one, share=_share_of_actions, flip=0, prior=0
):
    """P(a | s, s') (S, S, A) from counts; 1/A each where s' never came after s."""
    N = np.full((S, S, A), float(prior))
    count(N, (next_states, states, actions) if flip else (states, next_states, actions))
    return share(N)
