"""Right solutions of assignment 07b_pets, each in a style of its own; those that draw, in orders of their own."""

import functools
import random

import numpy as np

# Task 1 ---------------------------------------------------------------------------------------------


def trajectory_sampling__with_all_members_drawn_first(state, actions, predict, E, P, rng, redraw):
    N, T, _ = actions.shape
    members = rng.integers(E, size=(T, P)) if redraw else np.repeat(rng.integers(E, size=(1, P)), T, axis=0)
    z = rng.normal(size=(T, P, N, len(state)))
    path = [np.tile(state, (P, N, 1))]
    for t in range(T):
        means, variances = predict(path[-1], actions[:, t])
        chosen = members[t][None, :, None, None]
        mean, variance = (np.take_along_axis(x, chosen, axis=0)[0] for x in (means, variances))
        path.append(mean + variance**0.5 * z[t])
    return np.stack(path, axis=2)


def trajectory_sampling__with_a_one_hot_sum(state, actions, predict, E, P, rng, redraw):
    N, T, _ = actions.shape
    states = np.broadcast_to(state, (T + 1, P, N, len(state))).copy()
    draw = lambda: np.eye(E)[rng.integers(0, E, P)]
    mine = draw()
    for t in range(T):
        mine = draw() if redraw else mine
        mean, variance = (np.einsum("pe,epni->pni", mine, x) for x in predict(states[t], actions[:, t]))
        states[t + 1] = rng.normal(mean, np.sqrt(variance))
    return np.moveaxis(states, 0, 2)


def trajectory_sampling__particle_by_particle(state, actions, predict, E, P, rng, redraw):
    """One call for each particle and step; the noise is the same for all sequences."""
    N, T, _ = actions.shape
    bundles = []
    for _ in range(P):
        path, e = [[list(state)] * N], rng.integers(E)
        for t in range(T):
            e = rng.integers(E) if redraw else e
            means, variances = predict(np.array(path[-1]), actions[:, t])
            z = rng.standard_normal(len(state))
            path.append((means[e] + np.sqrt(variances[e]) * z).tolist())
        bundles.append(np.swapaxes(path, 0, 1))
    return bundles


def trajectory_sampling__with_member_p_mod_E(state, actions, predict, E, P, rng, redraw):
    """Without luck where members are kept, as in the library."""
    N, T, _ = actions.shape
    states, everyone = np.zeros((P, N, T + 1, len(state))), np.arange(P)
    states[:, :, 0] = state
    for t in range(T):
        e = rng.choice(E, size=P) if redraw else everyone % E
        mean, variance = (x[e, everyone] for x in predict(states[:, :, t], actions[:, t]))
        states[:, :, t + 1] = rng.normal(mean, np.sqrt(variance))
    return states


def trajectory_sampling__with_even_shares(state, actions, predict, E, P, rng, redraw):
    """As many particles for each member, in an order that is shuffled: as good as drawing each."""
    N, T, _ = actions.shape
    states = np.zeros((P, N, T + 1, len(state)))
    states[:, :, 0] = state
    members = rng.permutation(np.arange(P) % E)
    for t in range(T):
        means, variances = predict(states[:, :, t], actions[:, t])
        for e in range(E):
            mine = members == e
            z = rng.standard_normal((mine.sum(), N, len(state)))
            states[mine, :, t + 1] = means[e, mine] + np.sqrt(variances[e, mine]) * z
        if redraw:
            members = rng.permutation(members)
    return states


# Task 2 ---------------------------------------------------------------------------------------------


def ensemble_cem__candidate_by_candidate(state, propagate, cost, mean, std, low, high, noise, elites):
    mean, std, table = mean.tolist(), std.tolist(), []
    for z in noise:
        candidates = [np.minimum(np.maximum(mean + std * each, low), high) for each in z]
        row = []
        for candidate in candidates:
            states = np.asarray(propagate(state, candidate[None]))[:, 0]
            paid = [np.sum(cost(path[:-1], candidate)) for path in states]
            row.append(sum(paid) / len(paid))
        ranked = sorted(range(len(row)), key=row.__getitem__)
        best = np.array([candidates[i] for i in ranked[:elites]])
        mean, std = np.mean(best, axis=0), np.std(best, axis=0)
        table.append(row)
    return mean, std, table


def ensemble_cem__with_einsum_and_partition(state, propagate, cost, mean, std, low, high, noise, elites):
    costs = np.empty(noise.shape[:2])
    for i, z in enumerate(noise):
        x = (mean + std * z).clip(low, high)
        states = propagate(state, x)
        costs[i] = np.einsum("pnt->n", cost(states[:, :, :-1, :], x[None])) / len(states)
        best = x[np.argpartition(costs[i], elites - 1)[:elites]]
        mean = best.sum(axis=0) / elites
        std = np.sqrt(((best - mean) ** 2).sum(axis=0) / elites)
    return mean, std, costs


def ensemble_cem__recursive(state, propagate, cost, mean, std, low, high, noise, elites):
    if len(noise) == 0:
        return mean, std, []
    x = np.clip(mean + std * noise[0], low, high)
    states = propagate(state, x)
    steps = [cost(states[:, :, t], x[:, t]) for t in range(x.shape[1])]
    J = np.mean(functools.reduce(np.add, steps), axis=0)
    best = x[np.sort(J)[elites - 1] >= J]
    *normal, rest = ensemble_cem__recursive(
        state, propagate, cost, best.mean(0), best.std(0), low, high, noise[1:], elites
    )
    return *normal, [J, *rest]


# Task 3 ---------------------------------------------------------------------------------------------


def posterior_sampling__row_by_row(prior, counts, plan, world, start, episodes, T, rng):
    A, S, _ = prior.shape
    worlds, actions = [], []
    for _ in range(episodes):
        P = np.zeros((A, S, S))
        for s in range(S):
            for a in range(A):
                P[a, s] = rng.dirichlet(prior[a, s] + counts[a, s])
        policy, s, taken = plan(P), start, []
        while len(taken) < T:
            taken.append(int(policy[s]))
            following = world(s, taken[-1])
            counts[taken[-1], s, following] += 1.0
            s = following
        worlds.append(P.tolist())
        actions.append(taken)
    return worlds, actions, counts


def posterior_sampling__with_betas(prior, counts, plan, world, start, episodes, T, rng):
    """Broken sticks: the share of what is left is a beta. The posterior is kept, and the prior taken off at last."""
    alpha, worlds, actions = prior + counts, [], np.full((episodes, T), -1)
    for k in range(episodes):
        rest = alpha[..., ::-1].cumsum(axis=-1)[..., ::-1]
        P, left = np.zeros_like(alpha), np.ones(alpha.shape[:-1])
        for i in range(alpha.shape[-1] - 1):
            share = rng.beta(alpha[..., i], rest[..., i + 1])
            P[..., i] = left * share
            left = left * (1 - share)
        P[..., -1] = left
        policy = plan(P)
        s = start
        for t in range(T):
            a = actions[k, t] = policy[s]
            before, s = s, world(s, a)
            alpha[a, before, s] += 1
        worlds.append(P)
    return np.stack(worlds), actions, np.rint(alpha - prior)


def posterior_sampling__counted_after_the_episode(prior, counts, plan, world, start, episodes, T, rng):
    """The gammas come from Python's own generator, seeded by `rng`."""
    dice = random.Random(int(rng.integers(2**60)))
    gammas = np.vectorize(lambda alpha: dice.gammavariate(alpha, 1.0))
    worlds, actions = [], []
    for _ in range(episodes):
        P = gammas(prior + counts)
        P = P / np.einsum("ast->as", P)[..., None]
        policy, path = plan(P), [start]
        for _ in range(T):
            path.append(world(path[-1], policy[path[-1]]))
        taken = np.asarray(policy)[path[:-1]]
        np.add.at(counts, (taken, path[:-1], path[1:]), 1)
        worlds.append(P)
        actions.append(taken)
    return np.array(worlds), np.array(actions), counts


# Task 4 ---------------------------------------------------------------------------------------------


def optimistic_values__with_while(P, R, width, gamma, V, sweeps):
    A, S, _ = P.shape
    for _ in range(sweeps):
        best_P = np.array(P)
        ranked = sorted(range(S), key=lambda s: -V[s])
        for s in range(S):
            for a in range(A):
                row, worst = best_P[a, s], S - 1
                row[ranked[0]] = min(1.0, row[ranked[0]] + 0.5 * width[s, a])
                while row.sum() > 1 + 1e-12:
                    others = row.sum() - row[ranked[worst]]
                    row[ranked[worst]] = max(0.0, 1.0 - others)
                    worst -= 1
        Q = [[R[s, a] + gamma * sum(best_P[a, s] * V) for a in range(A)] for s in range(S)]
        V = [max(row) for row in Q]
    return best_P, V, [row.index(max(row)) for row in Q]


def optimistic_values__all_rows_at_once(P, R, width, gamma, V, sweeps):
    """In the order of the values, probability is moved as a cumulative sum: what the worst ones have is cut off."""
    for _ in range(sweeps):
        order = np.argsort(V)
        sorted_P = P[:, :, order]
        gain = np.minimum(width.T / 2, 1 - sorted_P[:, :, -1])
        reached = np.cumsum(sorted_P, axis=-1)
        kept = np.maximum(reached - gain[..., None], 0)
        kept[:, :, -1] = 1.0
        optimistic = np.zeros_like(P)
        optimistic[:, :, order] = np.diff(kept, axis=-1, prepend=0.0)
        Q = R + gamma * np.einsum("ast,t->sa", optimistic, V)
        V = Q.max(axis=1)
    return optimistic, V, Q.argmax(axis=1)


def optimistic_values__with_a_function_for_a_row(P, R, width, gamma, V, sweeps):
    def hope(p, w):
        best, *others = np.argsort(-np.asarray(V))
        top = min(1.0, p[best] + w / 2)
        room, new = 1.0 - top, {best: top}
        for i in others:  # from the second-best on, each keeps what there is room for
            new[i] = min(p[i], room)
            room -= new[i]
        return [new[i] for i in range(len(p))]

    (A, S, _), policy = P.shape, None
    for _ in range(sweeps):
        optimistic = np.array([[hope(P[a, s], width[s, a]) for s in range(S)] for a in range(A)])
        Q = np.stack([R[:, a] + gamma * optimistic[a] @ V for a in range(A)], axis=1)
        policy = np.argmax(Q, axis=1)
        V = np.take_along_axis(Q, policy[:, None], axis=1)[:, 0]
    return optimistic, V, policy
