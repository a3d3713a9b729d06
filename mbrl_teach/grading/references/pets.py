"""The right answers to assignment 07b_pets.

Keywords change one piece of an answer each: by their defaults it is right, and a known mistake is the same
function with one keyword set.
"""

from __future__ import annotations

import numpy as np

# Task 1 ---------------------------------------------------------------------------------------------


def one_each(rng, E, P, N):
    """A member for every particle, the same for all sequences, (P, 1)."""
    return rng.integers(E, size=P)[:, None]


def of_the_member(means, variances, members):
    """Mean and variance (P, N, n) of the member that each particle has; `members` (P, 1) or (P, N)."""
    _, P, N, _ = means.shape
    chosen = members, np.arange(P)[:, None], np.arange(N)
    return means[chosen], variances[chosen]


def fresh(rng, shape, t):
    """Standard normal noise, drawn anew in every step."""
    return rng.standard_normal(shape)


def trajectory_sampling(
    state,
    actions,
    predict,
    E,
    P,
    rng,
    redraw,
    *,
    draw=one_each,
    redraws=lambda redraw: redraw,
    pick=of_the_member,
    noise=fresh,
    deviation=np.sqrt,
    times=1,
    action=lambda actions, t: actions[:, t],
    origin=lambda states, t: states[:, :, t],
    begin=1.0,
    source=lambda rng: rng,
):
    """States (P, N, T+1, n) of P particles for each of N sequences; each step is one member's, with noise."""
    rng, (N, T, _) = source(rng), actions.shape
    states = np.empty((P, N, T + 1, len(state)))
    states[:, :, 0] = begin * state
    members = draw(rng, E, P, N)
    for t in range(T):
        if redraws(redraw) and t > 0:
            members = draw(rng, E, P, N)
        means, variances = predict(origin(states, t), action(actions, t))
        mean, variance = pick(np.asarray(means), np.asarray(variances), members)
        states[:, :, t + 1] = mean
        for _ in range(times):
            states[:, :, t + 1] += deviation(variance) * noise(rng, mean.shape, t)
    return states


# Task 2 ---------------------------------------------------------------------------------------------


def expected_costs(states, actions, cost, *, at=0, over_steps=np.sum, over_particles=np.mean):
    """Cost of each candidate (N,): the sum over its steps, averaged over the particles."""
    T = actions.shape[1]
    paid = np.asarray(cost(states[:, :, at : at + T], actions))
    return over_particles(over_steps(paid, axis=2), axis=0)


def cost_of_the_mean(states, actions, cost):
    """The cost of a particle that goes where the particles are on average."""
    return expected_costs(states.mean(axis=0, keepdims=True), actions, cost)


def ensemble_cem(
    state,
    propagate,
    cost,
    mean,
    std,
    low,
    high,
    noise,
    elites,
    *,
    draw=lambda mean, std, z, low, high: np.clip(mean + std * z, low, high),
    noise_of=lambda noise, i: noise[i],
    price=expected_costs,
    select=lambda costs, elites: np.argsort(costs)[:elites],
    deviation=np.std,
    carry=lambda old, new: new,
):
    """Mean and deviation (T, m) of the last elites, and expected costs (iterations, N) of all candidates."""
    costs, normal = [], (mean, std)
    for i in range(len(noise)):
        candidates = draw(*normal, noise_of(noise, i), low, high)
        costs.append(price(np.asarray(propagate(state, candidates)), candidates, cost))
        best = candidates[select(costs[-1], elites)]
        found = best.mean(axis=0), deviation(best, axis=0)
        normal = carry(normal, found)
    return *found, np.array(costs)


# Task 3 ---------------------------------------------------------------------------------------------


def dirichlet(rng, pseudo_counts, axis=-1):
    """A row from the Dirichlet distribution for each row of `pseudo_counts`: gammas over their sum."""
    gammas = rng.standard_gamma(pseudo_counts)
    return gammas / gammas.sum(axis=axis, keepdims=True)


def posterior_mean(rng, pseudo_counts):
    """What the rows of the Dirichlet distribution are on average."""
    return pseudo_counts / pseudo_counts.sum(axis=-1, keepdims=True)


def every_step(steps):
    """All that was seen in an episode, as (a, s, s')."""
    return steps


def posterior_sampling(
    prior,
    counts,
    plan,
    world,
    start,
    episodes,
    T,
    rng,
    *,
    pseudo=lambda prior, counts, given: prior + counts,
    draw=dirichlet,
    shown=lambda P, pseudo_counts: P,
    once=False,
    each_step=False,
    restart=True,
    acts=lambda policy, s, following: policy[s],
    seen=every_step,
    forget=False,
    moves=True,
    answer=lambda counts, prior, given: counts,
    source=lambda rng: rng,
):
    """The drawn worlds (K, A, S, S), the actions (K, T) of their plans, and all counts (A, S, S)."""
    rng, given, counts = source(rng), counts, np.array(counts)
    worlds, actions, s = [], [], start
    for _ in range(episodes):
        posterior = pseudo(prior, counts, given)
        P = worlds[0] if once and worlds else draw(rng, posterior)
        policy = np.asarray(plan(shown(P, posterior)))
        worlds.append(P)
        steps, taken, s = [], [], start if restart else s
        for t in range(T):
            if each_step and t > 0:
                policy = np.asarray(plan(draw(rng, posterior)))
            a = int(acts(policy, s, (s + 1) % len(policy)))
            following = int(world(s, a))
            steps.append((a, s, following))
            taken.append(a)
            s = following if moves else s
        actions.append(taken)
        counts = np.array(given) if forget else counts
        for step in seen(steps):
            counts[step] += 1
    return np.array(worlds), np.array(actions), answer(counts, prior, given)


# Task 4 ---------------------------------------------------------------------------------------------


def worst_first(V):
    """The next states from which probability is taken, in this order; the last of them gains it."""
    return np.argsort(V)


def taken_from_the_worst(p, order):
    """Bring the sum back to 1: each state, the worst first, gives what it has until enough is given."""
    excess = p.sum() - 1.0
    for s in order:
        if excess <= 0.0:
            return
        given = min(p[s], excess)
        p[s] -= given
        excess -= given


def most_optimistic(P, width, V, *, share=0.5, order=worst_first, cap=1.0, repair=taken_from_the_worst):
    """The dynamics (A, S, S) within `width` (S, A) of P, in the sum of |differences|, that make V largest."""
    P, sequence = P.copy(), order(V)
    for a, s in np.ndindex(P.shape[:2]):
        best = sequence[-1]
        P[a, s, best] = min(cap, P[a, s, best] + share * width[s, a])
        repair(P[a, s], sequence)
    return P


def backup(P, R, gamma, V):
    """Action values (S, A) of one step and V."""
    return R + gamma * np.einsum("ast,t->sa", P, V)


def optimistic_values(
    P,
    R,
    width,
    gamma,
    V,
    sweeps,
    *,
    choose=most_optimistic,
    radius=lambda width: width,
    bonus=0.0,
    action_values=backup,
    best=np.argmax,
    frozen=False,
    kept=True,
    count=lambda sweeps: sweeps,
):
    """Dynamics (A, S, S), values (S,) and policy (S,) after `sweeps` of extended value iteration from V."""
    first = V
    for _ in range(count(sweeps)):
        chosen = choose(P, radius(width), first if frozen else V)
        P = P if kept else chosen
        Q = action_values(chosen, R + bonus * width, gamma, V)
        policy = best(Q, axis=1)
        V = Q[np.arange(len(Q)), policy]
    return chosen, V, policy
