"""Right solutions of assignment 04_sampling_planners, each in a style of its own."""

import heapq
import math

import numpy as np
from scipy.special import softmax
from scipy.stats import multivariate_normal, norm

# Task 1 ---------------------------------------------------------------------------------------------


def rollouts__step_by_step(state, actions, low, high, dynamics, cost):
    N, T, _ = actions.shape
    states, costs = np.zeros((N, T + 1, len(state))), np.zeros(N)
    states[:, 0] = state
    for t in range(T):
        a = np.clip(actions[:, t], low, high)
        costs += cost(states[:, t], a)
        states[:, t + 1] = dynamics(states[:, t], a)
    return states, costs


def rollouts__cost_in_one_call(state, actions, low, high, dynamics, cost):
    actions = np.minimum(np.maximum(actions, low), high)
    found = [np.tile(state, (len(actions), 1))]
    for a in np.swapaxes(actions, 0, 1):
        found.append(dynamics(found[-1], a))
    states = np.stack(found, axis=1)
    return states, cost(states[:, :-1], actions).sum(axis=-1)


def rollouts__into_lists_with_time_first(state, actions, low, high, dynamics, cost):
    s, states, costs = np.array([state] * len(actions)), [], 0.0
    states.append(s.tolist())
    for t in range(actions.shape[1]):
        a = actions[:, t, :].clip(low, high)
        s, paid = dynamics(s, a), cost(s, a)
        costs = costs + paid
        states.append(np.asarray(s).tolist())
    return np.transpose(states, (1, 0, 2)).tolist(), list(costs)


# Task 2 ---------------------------------------------------------------------------------------------


def random_shooting__in_one_draw(objective, T, low, high, population, rng):
    candidates = rng.uniform(low, high, size=(population, T, len(low)))
    costs = objective(candidates)
    return candidates, costs, candidates[costs.argmin()]


def random_shooting__one_by_one(objective, T, low, high, population, rng):
    best, lowest, candidates, costs = None, math.inf, [], []
    for _ in range(population):
        sequence = [[float(rng.uniform(a, b)) for a, b in zip(low, high, strict=True)] for _ in range(T)]
        candidates.append(sequence)
        costs.append(float(objective(np.array([sequence]))[0]))
        if costs[-1] < lowest:
            best, lowest = sequence, costs[-1]
    return candidates, costs, best


def random_shooting__scaled_and_sorted(objective, T, low, high, population, rng):
    candidates = low + rng.random((T, population, len(low))).transpose(1, 0, 2) * (high - low)
    order = np.argsort(objective(candidates))
    candidates = candidates[order]
    return candidates, objective(candidates), candidates[0]


def random_shooting__from_normals(objective, T, low, high, population, rng):
    candidates = high - norm.cdf(rng.standard_normal((population, T, low.size))) * (high - low)
    costs = objective(candidates)
    return candidates, costs, min(zip(costs, candidates, strict=True), key=lambda pair: pair[0])[1]


# Task 3 ---------------------------------------------------------------------------------------------


def refit__sorted(candidates, costs, elites, temperature):
    best = candidates[np.argsort(costs)[:elites]]
    w = np.exp((np.min(costs) - costs) / temperature)
    w /= np.sum(w)
    return np.mean(best, axis=0), np.std(best, axis=0), np.einsum("i,itm->tm", w, candidates)


def refit__with_a_heap(candidates, costs, elites, temperature):
    chosen = heapq.nsmallest(elites, range(len(costs)), key=costs.__getitem__)
    mean = sum(candidates[i] for i in chosen) / elites
    variance = sum((candidates[i] - mean) ** 2 for i in chosen) / elites
    w = softmax(-costs / temperature)
    return mean.tolist(), (variance**0.5).tolist(), sum(w[i] * candidates[i] for i in range(len(costs)))


def refit__partitioned(candidates, costs, elites, temperature):
    best = candidates[np.argpartition(costs, elites - 1)[:elites]].reshape(elites, -1)
    mean, squares = best.mean(0), (best**2).mean(0)
    w = np.exp(-(costs - costs.min()) / temperature)
    shape = candidates.shape[1:]
    soft_mean = np.average(candidates, axis=0, weights=w)
    return mean.reshape(shape), np.sqrt(squares - mean**2).reshape(shape), soft_mean


# Task 4 ---------------------------------------------------------------------------------------------


def cem__into_arrays(objective, mean, std, low, high, noise, kept, refit):
    elites, actions, cost = noise[0, :0], None, np.inf
    for z in noise:
        candidates = np.concatenate([np.clip(mean + std * z, low, high), elites])
        costs = objective(candidates)
        order = np.argsort(costs)
        elites = candidates[order[:kept]]
        if costs[order[0]] < cost:
            actions, cost = candidates[order[0]], costs[order[0]]
        mean, std = refit(candidates, costs)
    return mean, std, actions, cost


def cem__with_costs_remembered(objective, mean, std, low, high, noise, kept, refit):
    """Kept candidates are not priced again, and everything ever tried is searched at the end."""
    memory, everything = [], []
    for z in noise:
        fresh = [np.minimum(np.maximum(mean + std * each, low), high) for each in z]
        priced = list(zip(map(float, objective(np.array(fresh))), fresh, strict=True)) + memory
        everything += priced
        memory = sorted(priced, key=lambda pair: pair[0])[:kept]
        mean, std = refit(np.array([x for _, x in priced]), np.array([c for c, _ in priced]))
    cost, actions = min(everything, key=lambda pair: pair[0])
    return mean, std, actions, cost


def cem__by_recursion(objective, mean, std, low, high, noise, kept, refit):
    def search(i, mean, std, elites, best):
        if i == len(noise):
            return mean, std, best[0].tolist(), best[1]
        candidates = np.vstack([elites, np.clip(noise[i] * std + mean, low, high)])
        costs = objective(candidates)
        j = int(np.argmin(costs))
        best = best if best[1] <= costs[j] else (candidates[j], float(costs[j]))
        return search(i + 1, *refit(candidates, costs), candidates[np.argsort(costs)][:kept], best)

    return search(0, mean, std, np.empty((0, *mean.shape)), (mean, math.inf))


# Task 5 ---------------------------------------------------------------------------------------------


def rare_event__by_exponent(value, d, elites, noise, final_noise):
    mean = np.zeros(noise.shape[2])
    for z in noise:
        x = mean + z
        reached = value(x)
        w = np.exp(mean @ mean / 2 - x @ mean) * (reached >= min(d, np.sort(reached)[-elites]))
        mean = w @ x / w.sum()
    x = mean + final_noise
    hits = np.exp(mean @ mean / 2 - x @ mean) * (value(x) >= d)
    return mean, hits.mean(), hits.std() / np.sqrt(len(x))


def rare_event__by_densities(value, d, elites, noise, final_noise):
    """The deviation of the hits is that of a sample, with M - 1."""
    n = noise.shape[-1]
    mean, plain = np.zeros(n), multivariate_normal(np.zeros(n), np.eye(n))
    for i in range(len(noise)):
        x = noise[i] + mean
        reached = value(x)
        chosen = reached >= min(d, np.partition(reached, -elites)[-elites])
        w = plain.pdf(x[chosen]) / multivariate_normal(mean, np.eye(n)).pdf(x[chosen])
        mean = np.average(x[chosen], axis=0, weights=w)
    x = final_noise + mean
    hits = np.where(value(x) >= d, plain.pdf(x) / multivariate_normal(mean, np.eye(n)).pdf(x), 0.0)
    return mean, np.average(hits), np.std(hits, ddof=1) / len(hits) ** 0.5


def rare_event__by_quantile_and_logarithms(value, d, elites, noise, final_noise):
    log_weight = lambda x, mean: norm.logpdf(x).sum(axis=1) - norm.logpdf(x, loc=mean).sum(axis=1)
    mean = 0 * final_noise[0]
    for z in noise:
        reached = value(mean + z)
        level = np.quantile(reached, 1 - elites / len(reached), method="higher")
        chosen = (mean + z)[reached >= min(d, level)]
        mean = softmax(log_weight(chosen, mean)) @ chosen
    x = mean + final_noise
    weights = [math.exp(w) if hit else 0.0 for w, hit in zip(log_weight(x, mean), value(x) >= d, strict=True)]
    probability = sum(weights) / len(x)
    return list(mean), probability, math.sqrt(sum((w - probability) ** 2 for w in weights)) / len(x)


# Task 6 ---------------------------------------------------------------------------------------------


def mpc__into_lists(state, mean, std, elites, plan, world, steps):
    states, actions = [state], []
    for _ in range(steps):
        best, mean, _, elites = plan(states[-1], mean, std, elites)
        actions.append(best[0])
        states.append(world(states[-1], best[0]))
        mean = np.concatenate([mean[1:], mean[-1:]])
        elites = np.concatenate([elites[:, 1:], elites[:, -1:]], axis=1)
    return np.array(states), np.array(actions)


def mpc__by_index(state, mean, std, elites, plan, world, steps):
    later = [*range(1, len(mean)), len(mean) - 1]
    states, actions = np.zeros((steps + 1, len(state))), np.zeros((steps, mean.shape[1]))
    states[0] = state
    for t in range(steps):
        found = plan(states[t], mean, std, elites)
        actions[t] = found[0][0]
        states[t + 1] = world(states[t], actions[t])
        mean, elites = found[1][later], found[3][:, later]
    return states, actions


def mpc__with_padding(state, mean, std, elites, plan, world, steps):
    if steps == 0:
        return [state], []
    best, mean, _, elites = plan(state, mean, std.copy(), elites)
    mean = np.pad(mean, ((0, 1), (0, 0)), mode="edge")[1:]
    elites = [np.pad(each, ((0, 1), (0, 0)), mode="edge")[1:] for each in elites]
    following = np.asarray(world(state, best[0]))
    states, actions = mpc__with_padding(following, mean, std, np.array(elites), plan, world, steps - 1)
    return [list(state), *states], [best[0], *actions]


# Task 7 ---------------------------------------------------------------------------------------------


def total_costs__masked(states, actions, cost, value, ended, gamma):
    T = actions.shape[1]
    over = np.maximum.accumulate(ended(states), axis=1)
    costs = np.where(over[:, :-1], 0.0, cost(states[:, :-1], actions))
    return costs @ gamma ** np.arange(T) + gamma**T * np.where(over[:, -1], 0.0, value(states[:, -1]))


def total_costs__backward(states, actions, cost, value, ended, gamma):
    """From the end: what is still to come is forgotten at each end."""
    total = np.where(ended(states[:, -1]), 0.0, value(states[:, -1]))
    for t in reversed(range(actions.shape[1])):
        total = cost(states[:, t], actions[:, t]) + gamma * total
        total = np.where(ended(states[:, t]), 0.0, total)
    return total


def total_costs__sequence_by_sequence(states, actions, cost, value, ended, gamma):
    totals = []
    for s, a in zip(states, actions, strict=True):
        total, discount = 0.0, 1.0
        for t in range(len(a)):
            if ended(s[t]):
                break
            total += discount * float(cost(s[t], a[t]))
            discount *= gamma
        else:
            total += 0.0 if ended(s[-1]) else discount * float(value(s[-1]))
        totals.append(total)
    return totals


def total_costs__alive(states, actions, cost, value, ended, gamma):
    alive, total, weight = np.ones(len(states)), np.zeros(len(states)), 1.0
    for t in range(actions.shape[1]):
        alive = alive * (1 - ended(states[:, t]))
        total += weight * alive * cost(states[:, t], actions[:, t])
        weight *= gamma
    return total + weight * alive * ~ended(states[:, -1]) * value(states[:, -1])
