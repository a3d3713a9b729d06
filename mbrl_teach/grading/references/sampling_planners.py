"""The right answers to assignment 04_sampling_planners.

Keywords change one piece of an answer each: by their defaults it is right, and a known mistake is the same
function with one keyword set.
"""

from __future__ import annotations

import copy

import numpy as np

# Task 1 ---------------------------------------------------------------------------------------------


def rollouts(
    *case, clip=np.clip, priced_raw=False, at=0, count=None, total=np.sum, begin=1.0, pick=None, batch=None
):
    """States (N, T+1, n) and costs (N,), the sequences moved together or, with `batch`, so many at a time.

    Costs are those of the states from `at` on, the first `count` of them.
    """
    state, actions, low, high, dynamics, cost = case
    pick = pick or (lambda a, t: a[:, t])
    N, T, _ = actions.shape
    clipped = clip(actions, low, high)
    states = np.empty((N, T + 1, len(state)))
    states[:, 0] = begin * state
    batches = [slice(None)] if batch is None else [slice(i, i + batch) for i in range(0, N, batch)]
    for rows in batches:
        for t in range(T):
            states[rows, t + 1] = dynamics(states[rows, t], pick(clipped, t)[rows])
    priced = np.stack([pick(actions if priced_raw else clipped, t) for t in range(T)], axis=1)
    return states, total(cost(states[:, at : at + T], priced)[:, :count], axis=1)


def rollouts_with_costs_one_by_one(state, actions, low, high, dynamics, cost):
    """The same results; the sequences move together, but each step of each is priced by a call of its own."""
    states, _ = rollouts(state, actions, low, high, dynamics, lambda s, a: np.zeros(s.shape[:-1]))
    clipped = np.clip(actions, low, high)
    N, T, _ = actions.shape
    return states, np.array([sum(cost(states[i, t], clipped[i, t]) for t in range(T)) for i in range(N)])


# Task 2 ---------------------------------------------------------------------------------------------


def uniform(rng, low, high, size):
    """Independent draws between the bounds."""
    return rng.uniform(low, high, size=size)


def cheapest(candidates, costs):
    """The candidate of the lowest cost."""
    return candidates[np.argmin(costs)]


def random_shooting(objective, T, low, high, population, rng, *, draw=uniform, choose=cheapest, of=None):
    """Candidates (N, T, m), their costs (N,), the cheapest (T, m). The rng is left as it was."""
    candidates = draw(copy.deepcopy(rng), low, high, (population, T, len(low)))
    costs = np.asarray(objective(candidates if of is None else of(candidates)))
    return candidates, costs, choose(candidates, costs)


# Task 3 ---------------------------------------------------------------------------------------------


def soft_weights(costs, temperature):
    """Weights that fall by the factor e with every `temperature` of cost, and sum to one."""
    w = np.exp(-(costs - costs.min()) / temperature)
    return w / w.sum()


def lowest(costs, elites):
    """Which candidates are the elites."""
    return np.argsort(costs)[:elites]


def refit(
    candidates,
    costs,
    elites,
    temperature,
    *,
    select=lowest,
    among=0,
    spread_among=0,
    deviation=np.std,
    spread_of_all=False,
    weights=soft_weights,
    heard_elites=False,
):
    """Mean and deviation (T, m) of the elites, and the mean (T, m) by MPPI's weights of all candidates."""
    chosen = select(costs, elites)
    best = candidates[chosen]
    spread_of = candidates if spread_of_all else best
    heard = chosen if heard_elites else slice(None)
    soft_mean = np.tensordot(weights(costs[heard], temperature), candidates[heard], axes=1)
    return best.mean(axis=among), deviation(spread_of, axis=spread_among), soft_mean


def swapped_refit(candidates, costs, elites, temperature):
    """The same results, the deviation first."""
    mean, std, soft_mean = refit(candidates, costs, elites, temperature)
    return std, mean, soft_mean


# Task 4 ---------------------------------------------------------------------------------------------


def draw_around(mean, std, noise, low, high):
    """Clipped normals."""
    return np.clip(mean + std * noise, low, high)


def cem(
    objective,
    mean,
    std,
    low,
    high,
    noise,
    kept,
    refit,
    *,
    draw=draw_around,
    noise_of=lambda noise, i: noise[i],
    keep=lambda candidates, costs, kept: candidates[np.argsort(costs)[:kept]],
    carry=lambda old, new: new,
    memory=True,
    order=1,
    answer=lambda best, cost, mean, objective: (best, cost),
):
    """Mean and deviation (T, m) after the last iteration, the best candidate (T, m) of all, and its cost."""
    elites, best, lowest_cost = noise[0][:0], mean, np.inf
    for i in range(len(noise)):
        candidates = np.concatenate([draw(mean, std, noise_of(noise, i), low, high), elites])
        costs = np.asarray(objective(candidates))
        first = np.argmin(order * costs)
        if order * costs[first] < order * lowest_cost or not memory or i == 0:
            best, lowest_cost = candidates[first], costs[first]
        elites = keep(candidates, costs, kept)
        mean, std = carry((mean, std), refit(candidates, costs))
    return mean, std, *answer(best, lowest_cost, mean, objective)


# Task 5 ---------------------------------------------------------------------------------------------


def likelihood_ratio(x, mean, std=1.0):
    """How much more likely x is under N(0, I) than under N(mean, std²), (N, n) -> (N,)."""
    logarithms = 0.5 * ((x - mean) / std) ** 2 + np.log(std) - 0.5 * x**2
    return np.exp(logarithms.sum(axis=-1))


def level_reached(V, d, elites):
    """The level that `elites` of the samples reach, at most d."""
    return min(d, np.sort(V)[-elites])


def standard_error(hits):
    """The deviation of an average of independent hits."""
    return hits.std() / np.sqrt(len(hits))


def rare_event(
    value,
    d,
    elites,
    noise,
    final_noise,
    *,
    level=level_reached,
    reached=np.greater_equal,
    ratio=likelihood_ratio,
    final_ratio=None,
    refit_std=False,
    total=np.sum,
    moved=1.0,
    weighed_by=lambda before, mean: mean,
    event=lambda d, level: d,
    of=None,
    error=standard_error,
):
    """The tilted mean (n,), the probability that V >= d for x ~ N(0, I), and its standard error."""
    mean, std = np.zeros(noise.shape[-1]), np.ones(noise.shape[-1])
    for z in noise:
        x = mean + std * z
        V = value(x)
        last_level = level(V, d, elites)
        w = ratio(x, mean, std) * reached(V, last_level)
        w = w / total(w)
        before, mean = mean, w @ x
        if refit_std:
            std = np.sqrt(w @ (x - mean) ** 2)
    x = moved * mean + std * final_noise
    happens = value(x) >= event(d, last_level)
    hits = (final_ratio or ratio)(x, weighed_by(before, mean), std) * happens
    hits = hits if of is None else of(hits, happens)
    return mean, hits.mean(), error(hits)


# Task 6 ---------------------------------------------------------------------------------------------


def move_on(sequences):
    """Sequences (..., T, m) without their first action, the last one repeated."""
    return np.concatenate([sequences[..., 1:, :], sequences[..., -1:, :]], axis=-2)


def mpc(
    *case,
    move_mean=move_on,
    move_elites=move_on,
    solution=lambda guess, plan: plan[1],
    widen=lambda first, last: first,
    act=lambda best, mean: best[0],
    observe=True,
    once=False,
):
    """Plan, apply the first action of the best sequence, observe; the next plan begins with the last one."""
    state, mean, std, elites, plan, world, steps = case
    states, actions, found, width = [state], [], None, std
    for t in range(steps):
        if not once or t == 0:
            found = [np.asarray(part) for part in plan(states[-1] if observe else state, mean, width, elites)]
        best, _, narrow, chosen = found
        actions.append(best[min(t, len(best) - 1)] if once else act(best, found[1]))
        states.append(np.asarray(world(states[-1], actions[-1])))
        mean, elites = move_mean(solution(mean, found)), move_elites(chosen)
        width = widen(std, narrow)
    return np.array(states), np.array(actions)


# Task 7 ---------------------------------------------------------------------------------------------


def has_ended(over):
    """Whether a sequence has ended before or at each of its states, (N, T+1) -> (N, T+1)."""
    return np.logical_or.accumulate(over, axis=1)


def total_costs(
    states,
    actions,
    cost,
    value,
    ended,
    gamma,
    *,
    discount=lambda gamma, t: gamma**t,
    value_discount=lambda gamma, T: gamma**T,
    paid_at=0,
    at=-1,
    sign=1.0,
    count=has_ended,
    late=0,
    paid_for_ever=False,
    goes_on=lambda over, gone: ~gone[:, -1],
):
    """Discounted costs (N,) of the steps up to the end of each sequence, and the value where it goes on."""
    T = actions.shape[1]
    over = np.asarray(ended(states))
    gone = count(over)
    paid = cost(states[:, paid_at : T + paid_at], actions) * (~gone[:, late : T + late] | paid_for_ever)
    worth = value(states[:, at]) * goes_on(over, gone)
    return paid @ discount(gamma, np.arange(T)) + sign * value_discount(gamma, T) * worth
