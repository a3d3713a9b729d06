"""Right solutions of assignment 05_dyna_q, each in a style of its own; those that draw, in orders of their own."""

import heapq
import math
import random
from collections import Counter, defaultdict
from itertools import groupby

import numpy as np

# Task 1 ---------------------------------------------------------------------------------------------


def epsilon_greedy__by_probabilities(values, epsilon, rng):
    best = values == values.max()
    return rng.choice(len(values), p=epsilon / len(values) + (1 - epsilon) * best / best.sum())


def epsilon_greedy__with_a_shuffled_argmax(values, epsilon, rng):
    greedy, explore = np.argmax(values), rng.integers(len(values))
    order = rng.permutation(len(values))
    greedy = order[np.argmax(values[order])]
    return explore if rng.uniform() >= 1 - epsilon else greedy


def epsilon_greedy__with_a_loop(values, epsilon, rng):
    """One more tie, one draw more: the k-th of the best replaces those before it once in k times."""
    action, best, ties = -1, -math.inf, 0
    for a, value in enumerate(values):
        if value > best:
            action, best, ties = a, value, 1
        elif value == best:
            ties += 1
            if rng.random() < 1 / ties:
                action = a
    if rng.random() < epsilon:
        action = math.floor(rng.random() * len(values))
    return action


def epsilon_greedy__with_a_generator_of_its_own(values, epsilon, rng):
    dice = random.Random(int(rng.integers(2**60)))
    if dice.random() < epsilon:
        return float(dice.randrange(len(values)))
    return dice.choice([a for a in range(len(values)) if values[a] == max(values)])


# Task 2 ---------------------------------------------------------------------------------------------


def q_update__in_place(Q, s, a, r, next_state, terminated, truncated, alpha, gamma):
    target = r
    if not terminated:
        target += gamma * Q[next_state].max()
    Q[s, a] += alpha * (target - Q[s, a])
    return Q


def q_update__as_a_mean_of_old_and_new(Q, s, a, r, next_state, terminated, truncated, alpha, gamma):
    new = Q.copy()
    new[s][a] = (1 - alpha) * Q[s][a] + alpha * (r + gamma * (1 - terminated) * max(Q[next_state]))
    return new


def q_update__on_lists(Q, s, a, r, next_state, terminated, truncated, alpha, gamma):
    Q = [list(row) for row in Q]
    future = 0 if terminated else sorted(Q[next_state])[-1]
    Q[s][a] = Q[s][a] + alpha * (r + gamma * future - Q[s][a])
    return Q


# Task 3 ---------------------------------------------------------------------------------------------


def table_model__vectorised(experience, S, A):
    s, a, r, s2 = zip(*experience, strict=True)
    counts, sums = np.zeros((S, A, S)), np.zeros((S, A))
    np.add.at(counts, (s, a, s2), 1)
    np.add.at(sums, (s, a), r)
    tried = counts.sum(axis=-1)
    stay = np.broadcast_to(np.eye(S)[:, None], counts.shape)
    P = np.where(tried[..., None] > 0, counts / np.maximum(tried, 1)[..., None], stay)
    return counts, P, np.divide(sums, tried, out=np.zeros_like(sums), where=tried > 0)


def table_model__pair_by_pair(experience, S, A):
    counts, P, R = np.zeros((S, A, S), dtype=int), np.zeros((S, A, S)), np.zeros((S, A))
    for s in range(S):
        for a in range(A):
            seen = [(r, s2) for s_, a_, r, s2 in experience if (s_, a_) == (s, a)]
            if not seen:
                P[s, a, s] = 1
                continue
            for _, s2 in seen:
                counts[s, a, s2] += 1
            P[s, a] = counts[s, a] / len(seen)
            R[s, a] = np.mean([r for r, _ in seen])
    return counts, P, R


def table_model__with_dictionaries(experience, S, A):
    often, rewards = Counter((s, a, s2) for s, a, _, s2 in experience), defaultdict(list)
    for s, a, r, _ in experience:
        rewards[s, a].append(r)
    pairs = [[(s, a) for a in range(A)] for s in range(S)]
    counts = [[[often[s, a, s2] for s2 in range(S)] for s, a in row] for row in pairs]
    share = lambda s, a, s2: often[s, a, s2] / len(rewards[s, a]) if (s, a) in rewards else float(s == s2)
    P = [[[share(s, a, s2) for s2 in range(S)] for s, a in row] for row in pairs]
    R = [[sum(rewards[p]) / len(rewards[p]) if p in rewards else 0 for p in row] for row in pairs]
    return counts, P, R


def table_model__with_running_means(experience, S, A):
    counts, P, R = np.zeros((S, A, S)), np.zeros((S, A, S)), np.zeros((S, A))
    P[:] = np.eye(S)[:, None, :]
    for s, a, r, s2 in experience:
        counts[s, a, s2] += 1
        n = counts[s, a].sum()
        P[s, a] += (np.eye(S)[s2] - P[s, a]) / n
        R[s, a] += (r - R[s, a]) / n
    return counts, P, R


# Task 4 ---------------------------------------------------------------------------------------------


def planning_sweep__with_choices_by_probability(Q, counts, reward_sums, n, alpha, gamma, rng):
    often = counts.sum(axis=2)
    visited = [s for s in range(len(Q)) if often[s].any()]
    for _ in range(n):
        s = visited[rng.integers(len(visited))]
        a = rng.choice(Q.shape[1], p=(often[s] > 0) / np.count_nonzero(often[s]))
        s2 = rng.choice(len(Q), p=counts[s, a] / often[s, a])
        Q[s, a] += alpha * (reward_sums[s, a] / often[s, a] + gamma * Q[s2].max() - Q[s, a])
    return Q


def planning_sweep__all_draws_before_the_updates(Q, counts, reward_sums, n, alpha, gamma, rng):
    Q = Q.copy()
    tried = counts.any(axis=2)
    states = rng.choice(np.flatnonzero(tried.any(axis=1)), size=n)
    draws = rng.random((n, 2))
    for s, (u, w) in zip(states, draws, strict=True):
        actions = np.flatnonzero(tried[s])
        a = actions[int(u * len(actions))]
        cumulated = np.cumsum(counts[s, a])
        s2 = np.searchsorted(cumulated, w * cumulated[-1], side="right")
        r = reward_sums[s, a] / cumulated[-1]
        Q[s, a] = (1 - alpha) * Q[s, a] + alpha * (r + gamma * np.max(Q[s2]))
    return Q


def planning_sweep__from_a_list_of_memories(Q, counts, reward_sums, n, alpha, gamma, rng):
    memory = {}
    for s, a, s2 in np.argwhere(counts).tolist():
        memory.setdefault(s, {}).setdefault(a, []).extend([s2] * int(counts[s, a, s2]))
    Q, dice = Q.tolist(), random.Random(int(rng.integers(2**60)))
    for _ in range(n):
        s = dice.choice(list(memory))
        a = dice.choice(list(memory[s]))
        s2, r = dice.choice(memory[s][a]), reward_sums[s, a] / len(memory[s][a])
        Q[s][a] += alpha * (r + gamma * max(Q[s2]) - Q[s][a])
    return Q


# Task 5 ---------------------------------------------------------------------------------------------


def dyna_q__with_break(S, A, reset, step, act, learn, plan, episodes):
    Q, counts, reward_sums, steps = np.zeros((S, A)), np.zeros((S, A, S)), np.zeros((S, A)), []
    for _ in range(episodes):
        s, t = reset(), 0
        while True:
            t += 1
            a = act(Q, s)
            s2, r, terminated, truncated = step(s, a)
            Q = learn(Q, s, a, r, s2, terminated)
            counts[s, a, s2] += 1
            reward_sums[s, a] += r
            Q = plan(Q, counts, reward_sums)
            if terminated or truncated:
                break
            s = s2
        steps.append(t)
    return Q, counts, steps


def dyna_q__records_first(S, A, reset, step, act, learn, plan, episodes):
    Q, counts, sums = [[0.0] * A for _ in range(S)], np.zeros((S, A, S), dtype=int), np.zeros((S, A))
    steps = np.zeros(episodes, dtype=int)
    for episode in range(episodes):
        s, over = reset(), False
        while not over:
            action = act(np.array(Q), s)
            new, reward, terminated, truncated = step(s, action)
            counts[s, action, new] += 1
            sums[s, action] += reward
            Q = plan(learn(np.array(Q), s, action, reward, new, terminated), counts, sums)
            steps[episode] += 1
            s, over = new, terminated | truncated
    return Q, counts, steps


def dyna_q__as_one_stream_of_steps(S, A, reset, step, act, learn, plan, episodes):
    Q, counts, reward_sums, ends, t = np.zeros((S, A)), np.zeros((S, A, S)), np.zeros((S, A)), [0], 0
    s = reset()
    while len(ends) <= episodes:
        a = act(Q, s)
        s2, r, *flags = step(s, a)
        Q[:] = learn(Q, s, a, r, s2, flags[0])
        counts[s, a, s2] += 1
        reward_sums[s, a] += r
        Q[:] = plan(Q, counts, reward_sums)
        t, s = t + 1, s2
        if any(flags):
            ends.append(t)
            s = reset() if len(ends) <= episodes else s
    return Q, counts, np.diff(ends)


# Task 6 ---------------------------------------------------------------------------------------------


def expected_sweep__by_a_product(Q, pairs, counts, reward_sums, gamma):
    for s, a in pairs:
        n = counts[s, a].sum()
        Q[s, a] = (reward_sums[s, a] + gamma * counts[s, a] @ Q.max(axis=1)) / n
    return Q


def expected_sweep__with_sums(Q, pairs, counts, reward_sums, gamma):
    Q = Q.tolist()
    for s, a in pairs:
        n = float(sum(counts[s, a]))
        Q[s][a] = reward_sums[s, a] / n + gamma * sum(
            k / n * max(Q[s2]) for s2, k in enumerate(counts[s, a]) if k
        )
    return Q


def expected_sweep__keeping_the_values(Q, pairs, counts, reward_sums, gamma):
    n = np.maximum(counts.sum(axis=2), 1)
    P, R, V = counts / n[:, :, None], reward_sums / n, Q.max(axis=1)
    for s, a in pairs:
        Q[s, a] = R[s, a] + gamma * np.einsum("i,i", P[s, a], V)
        V[s] = Q[s].max()
    return Q


# Task 7 ---------------------------------------------------------------------------------------------


def dyna_q_plus_step__in_place(Q, tau, rewards, next_states, experience, pairs, kappa, alpha, gamma):
    s, a, r, s2 = experience
    Q[s, a] += alpha * (r + gamma * max(Q[s2]) - Q[s, a])
    rewards[s, a], next_states[s, a] = r, s2
    tau += 1
    tau[s, a] = 0
    for x, u in pairs:
        dream = rewards[x, u] + kappa * tau[x, u] ** 0.5
        Q[x, u] += alpha * (dream + gamma * max(Q[next_states[x, u]]) - Q[x, u])
    return Q, tau, rewards, next_states


def dyna_q_plus_step__with_one_update(Q, tau, rewards, next_states, experience, pairs, kappa, alpha, gamma):
    def update(s, a, r, s2):
        Q[s, a] = (1 - alpha) * Q[s, a] + alpha * (r + gamma * Q[s2].max())

    update(*experience)
    s, a, rewards[s, a], next_states[s, a] = experience[0], experience[1], *experience[2:]
    tau = np.where(np.arange(tau.size).reshape(tau.shape) == s * tau.shape[1] + a, 0, tau + 1)
    for pair in pairs:
        update(*pair, rewards[tuple(pair)] + kappa * math.sqrt(tau[tuple(pair)]), next_states[tuple(pair)])
    return Q, tau, rewards, next_states


def dyna_q_plus_step__on_lists(Q, tau, rewards, next_states, experience, pairs, kappa, alpha, gamma):
    Q, tau, rewards, next_states = Q.tolist(), (tau + 1).tolist(), rewards.tolist(), next_states.tolist()
    s, a, r, s2 = experience
    tau[s][a], rewards[s][a], next_states[s][a] = 0, r, s2
    for i, (x, u) in enumerate([(s, a), *pairs]):
        bonus = kappa * math.sqrt(tau[x][u]) if i else 0.0  # the first is the real one
        Q[x][u] += alpha * (rewards[x][u] + bonus + gamma * max(Q[next_states[x][u]]) - Q[x][u])
    return Q, tau, rewards, next_states


# Task 8 ---------------------------------------------------------------------------------------------


def prioritized_sweep__with_loops(Q, priority, rewards, next_states, tried, updates, theta, alpha, gamma):
    S, A = Q.shape
    error = lambda s, a: rewards[s, a] + gamma * Q[next_states[s, a]].max() - Q[s, a]
    for done in range(updates):
        s, a = divmod(int(priority.argmax()), A)
        if priority[s, a] <= theta:
            return Q, priority, done
        Q[s, a] += alpha * error(s, a)
        priority[s, a] = 0
        for s_before in range(S):
            for a_before in range(A):
                if tried[s_before, a_before] and next_states[s_before, a_before] == s:
                    priority[s_before, a_before] = abs(error(s_before, a_before))
    return Q, priority, updates


def prioritized_sweep__all_errors_at_once(
    Q, priority, rewards, next_states, tried, updates, theta, alpha, gamma
):
    done = 0
    while done < updates and (priority > theta).any():
        worst = np.unravel_index(priority.argmax(), Q.shape)
        target = rewards + gamma * Q.max(axis=1)[next_states]
        Q[worst] = (1 - alpha) * Q[worst] + alpha * target[worst]
        priority[worst] = 0.0
        errors = np.abs(rewards + gamma * Q.max(axis=1)[next_states] - Q)
        priority = np.where(tried & (next_states == worst[0]), errors, priority)
        done += 1
    return Q, priority, done


def prioritized_sweep__with_a_heap(Q, priority, rewards, next_states, tried, updates, theta, alpha, gamma):
    """An entry of the heap is out of date if the table says another priority."""
    heap = [(-priority[s, a], s, a) for s, a in np.argwhere(priority > 0).tolist()]
    heapq.heapify(heap)
    leading = sorted((next_states[s, a], s, a) for s, a in np.argwhere(tried).tolist())
    before = {s2: [pair[1:] for pair in group] for s2, group in groupby(leading, key=lambda x: x[0])}
    done = 0
    while heap and done < updates:
        p, s, a = heapq.heappop(heap)
        if -p != priority[s, a]:
            continue
        if -p <= theta:
            break
        Q[s, a] += alpha * (rewards[s, a] + gamma * Q[next_states[s, a]].max() - Q[s, a])
        priority[s, a] = 0.0
        done += 1
        for s0, a0 in before.get(s, ()):
            priority[s0, a0] = abs(rewards[s0, a0] + gamma * Q[s].max() - Q[s0, a0])
            heapq.heappush(heap, (-priority[s0, a0], s0, a0))
    return Q, priority, done
