"""The right answers to assignment 05_dyna_q.

Keywords change one piece of an answer each: by their defaults it is right, and a known mistake is the same
function with one keyword set. In these tables a row of Q that belongs to a terminal state is zero, unless a
task says otherwise.
"""

from __future__ import annotations

import numpy as np

# Task 1 ---------------------------------------------------------------------------------------------


def ties(values):
    """The actions of the largest value."""
    return np.flatnonzero(values == np.max(values))


def epsilon_greedy(
    values, epsilon, rng, *, best=ties, share=lambda epsilon: epsilon, others=None, source=lambda rng: rng
):
    """With probability epsilon any action, else one of the best; `others(values)`: among which to explore."""
    rng = source(rng)
    if rng.random() < share(epsilon):
        return rng.choice(np.arange(len(values)) if others is None else others(values))
    return rng.choice(best(values))


def all_but_the_best(values):
    """The actions that are not the first of the best; the best itself where there is no other."""
    return np.delete(np.arange(len(values)), np.argmax(values)) if len(values) > 1 else np.arange(1)


# Task 2 ---------------------------------------------------------------------------------------------


def best_next(Q, s, a, s2):
    """The value of the next state: that of its best action."""
    return np.max(Q[s2])


def terminated_alone(terminated, truncated):
    """A time limit ends an episode, but not the world: the state still has a value."""
    return terminated


def part_of_the_error(old, r, future, alpha):
    """A share alpha of the way from the old value to the target."""
    return alpha * (r + future - old)


def q_update(
    Q,
    s,
    a,
    r,
    next_state,
    terminated,
    truncated,
    alpha,
    gamma,
    *,
    ends=terminated_alone,
    value=best_next,
    discount=lambda gamma: gamma,
    move=part_of_the_error,
    where=lambda s, a, s2: (s, a),
):
    """Q(s, a) moves by alpha towards r + gamma max Q(s', ·), or towards r where the episode terminates."""
    Q = np.array(Q)
    future = 0.0 if ends(terminated, truncated) else value(Q, s, a, next_state)
    Q[where(s, a, next_state)] += move(Q[s, a], r, discount(gamma) * future, alpha)
    return Q


# Task 3 ---------------------------------------------------------------------------------------------


def stay(P, R, untried):
    """An action that was never tried leads back to where it started, for nothing."""
    s, a = np.nonzero(untried)
    P[s, a], P[s, a, s], R[untried] = 0.0, 1.0, 0.0


def table_model(
    experience,
    S,
    A,
    *,
    add=1,
    mean=True,
    total=lambda counts: counts.sum(axis=2),
    unknown=stay,
    turn=1,
    of_untried=0,
):
    """Counts, frequencies of the next states, mean rewards; `experience` is a list of (s, a, r, s')."""
    counts, rewards = np.zeros((S, A, S)), np.zeros((S, A))
    for s, a, r, s2 in experience:
        s, s2 = (s, s2)[::turn]
        counts[s, a, s2] = 1 + add * counts[s, a, s2]
        rewards[s, a] = r + add * rewards[s, a] if mean != "last" else r
    tried = np.maximum(counts.sum(axis=2), 1)
    with np.errstate(all="ignore"):
        P = counts / np.broadcast_to(np.asarray(total(counts)), (S, A))[:, :, None]
        R = rewards / {True: tried, False: 1.0, "last": 1.0, "all": len(experience)}[mean]
    untried = counts.sum(axis=2) == 0
    unknown(P, R, untried)
    s, a = np.nonzero(untried)
    counts[s, a, s] = of_untried
    return counts, P, R


def fill(P_untried, R_untried=0.0):
    """What P and R hold where nothing was tried: these numbers."""

    def unknown(P, R, untried):
        P[untried], R[untried] = P_untried, R_untried

    return unknown


# Task 4 ---------------------------------------------------------------------------------------------


def a_state_then_an_action(counts, rng):
    """A state that was visited, then one of the actions that were tried there: both with equal chances."""
    tried = counts.sum(axis=2) > 0
    s = rng.choice(np.flatnonzero(tried.any(axis=1)))
    return s, rng.choice(np.flatnonzero(tried[s]))


def any_pair(counts, rng):
    """Any state and any action, tried or not."""
    return rng.integers(counts.shape[0]), rng.integers(counts.shape[1])


def any_action_of_a_visited_state(counts, rng):
    """A state that was visited, and any action, tried or not."""
    visited = np.flatnonzero(counts.any(axis=(1, 2)))
    return rng.choice(visited), rng.integers(counts.shape[1])


def any_tried_pair(counts, rng):
    """A pair that was tried, each with the same chance."""
    return rng.choice(np.argwhere(counts.sum(axis=2) > 0))


def by_visits(counts, rng):
    """A state as often as it was visited, then one of the actions that were tried there."""
    visits = counts.sum(axis=(1, 2))
    s = rng.choice(len(visits), p=visits / visits.sum())
    return s, rng.choice(np.flatnonzero(counts[s].sum(axis=1)))


def by_counts(row, rng):
    """A next state, as often as it was counted."""
    return rng.choice(len(row), p=row / row.sum())


def planning_sweep(
    Q,
    counts,
    reward_sums,
    n,
    alpha,
    gamma,
    rng,
    *,
    draw=a_state_then_an_action,
    follow=by_counts,
    mean=True,
    steps=lambda n: n,
    value=best_next,
    discount=lambda gamma: gamma,
    rate=lambda alpha: alpha,
    frozen=False,
    source=lambda rng: rng,
):
    """n updates from a table model: a pair that was tried, a next state by its counts, the mean reward."""
    Q, rng = np.array(Q), source(rng)
    before = Q.copy() if frozen else Q
    for _ in range(steps(n)):
        s, a = draw(counts, rng)
        total = counts[s, a].sum()
        s2 = follow(counts[s, a], rng) if total else 0
        r = reward_sums[s, a] / (max(total, 1) if mean else 1)
        Q[s, a] += rate(alpha) * (r + discount(gamma) * value(before, s, a, s2) - before[s, a])
    return Q


# Task 5 ---------------------------------------------------------------------------------------------


def dyna_q(
    S,
    A,
    reset,
    step,
    act,
    learn,
    plan,
    episodes,
    *,
    ends=lambda terminated, truncated: terminated or truncated,
    flag=terminated_alone,
    order=("learn", "record", "plan"),
    add=1,
    remember=1,
    source=lambda s, s2: s,
    extra=0,
    assign=1,
    fresh=False,
    wipe=False,
    plan_at_end=False,
):
    """Act, learn from the real step, record it, plan; Q, counts and the steps of each episode."""
    Q, counts, reward_sums, steps = np.zeros((S, A)), np.zeros((S, A, S)), np.zeros((S, A)), []
    for _ in range(episodes):
        s, done, t = reset(), False, extra
        Q = np.zeros((S, A)) if fresh else Q
        if wipe:
            counts, reward_sums = np.zeros((S, A, S)), np.zeros((S, A))
        while not done:
            a = act(Q, s)
            s2, r, terminated, truncated = step(s, a)
            done = ends(terminated, truncated)
            for part in order:
                if part == "learn":
                    Q = learn(Q, s, a, r, s2, flag(terminated, truncated))
                elif part == "record":
                    at = source(s, s2)
                    counts[at, a, s2] = 1 + add * counts[at, a, s2]
                    reward_sums[at, a] = r + remember * reward_sums[at, a]
                elif done or not plan_at_end:
                    planned = plan(Q, counts, reward_sums)
                    Q = planned if assign else Q
            s, t = s2, t + 1
        steps.append(t)
    return Q, counts, np.array(steps)


# Task 6 ---------------------------------------------------------------------------------------------


def maximum_inside(Q, p):
    """The mean of the next states' values."""
    return p @ Q.max(axis=1)


def expected_sweep(
    Q,
    pairs,
    counts,
    reward_sums,
    gamma,
    *,
    future=maximum_inside,
    mean=True,
    probability=lambda row: row / row.sum(),
    frozen=False,
    discount=lambda gamma: gamma,
):
    """Q(s, a) = R̂ + gamma Σ P̂ max Q(s', ·) for each pair in turn."""
    Q = np.array(Q, dtype=np.float64)
    before = Q.copy() if frozen else Q
    for s, a in pairs:
        total = counts[s, a].sum()
        r = reward_sums[s, a] / (total if mean else 1)
        Q[s, a] = r + discount(gamma) * future(before, probability(counts[s, a]))
    return Q


def most_likely(row):
    """All probability on the next state that was counted most often."""
    return (np.arange(len(row)) == np.argmax(row)).astype(float)


# Task 7 ---------------------------------------------------------------------------------------------


def dyna_q_plus_step(
    Q,
    tau,
    rewards,
    next_states,
    experience,
    pairs,
    kappa,
    alpha,
    gamma,
    *,
    bonus=lambda kappa, tau: kappa * np.sqrt(tau),
    real=0.0,
    learns=1.0,
    grow=1,
    grown=lambda s: slice(None),
    reset=lambda tau, s, a: (s, a),
    zero=0.0,
    blend=1.0,
    lead=True,
    while_planning=0,
    dreamt=1.0,
    late=False,
    frozen=False,
):
    """One real step without a bonus, the last-seen model, the times since, and planning with the bonus."""
    Q, tau, rewards, next_states = np.array(Q), np.array(tau), np.array(rewards), np.array(next_states)
    s, a, r, s2 = experience
    Q[s, a] += learns * alpha * (r + real * bonus(kappa, tau[s, a]) + gamma * Q[s2].max() - Q[s, a])
    rewards[s, a] += blend * (r - rewards[s, a])
    next_states[s, a] = s2 if lead else next_states[s, a]
    waited = tau.copy()
    tau[grown(s)] += grow
    if reset is not None:
        tau[reset(tau, s, a)] = zero
    before = Q.copy() if frozen else Q
    for s, a in pairs:
        target = rewards[s, a] + bonus(kappa, (waited if late else tau)[s, a])
        Q[s, a] += alpha * (target + gamma * before[next_states[s, a]].max() - before[s, a])
        tau += while_planning
        tau[s, a] *= dreamt
    return Q, tau, rewards, next_states


# Task 8 ---------------------------------------------------------------------------------------------


def surprise(Q, s, a, rewards, next_states, gamma):
    """How far Q(s, a) is from what the model makes of it."""
    return rewards[s, a] + gamma * np.max(Q[next_states[s, a]]) - Q[s, a]


def prioritized_sweep(
    Q,
    priority,
    rewards,
    next_states,
    tried,
    updates,
    theta,
    alpha,
    gamma,
    *,
    pick=np.argmax,
    size=abs,
    error=surprise,
    stale=False,
    clear=0.0,
    clear_last=False,
    known=True,
    spread=True,
    stop=True,
    renewed=lambda new, old, theta: new,
):
    """Update the pair of highest priority, then the priorities of all pairs that lead to it."""
    Q, priority, done = np.array(Q), np.array(priority), 0
    while done < updates and not (stop and priority.max() <= theta):
        s, a = np.unravel_index(pick(priority), priority.shape)
        before = Q.copy()
        Q[s, a] += alpha * surprise(Q, s, a, rewards, next_states, gamma)
        priority[s, a] = clear * priority[s, a]
        leading = (next_states == s) & (tried if known else True)
        for s_before, a_before in np.argwhere(leading)[: None if spread else 1]:
            now = before if stale else Q
            new = size(error(now, s_before, a_before, rewards, next_states, gamma))
            priority[s_before, a_before] = renewed(new, priority[s_before, a_before], theta)
        priority[s, a] *= not clear_last
        done += 1
    return Q, priority, done
