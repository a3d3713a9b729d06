"""Random instances for the checks of assignment 07b_pets: lists of cases, the arguments of one call each.

The functions that a case hands in draw nothing and keep nothing: whoever calls them sees the same.
"""

from __future__ import annotations

import numpy as np

from mbrl_teach.grading.references import pets as references

# Task 1 ---------------------------------------------------------------------------------------------


class Members:
    """An ensemble whose members show in where they go: their means lie far apart, `shifts` (E, n).

    `variances` (E, n) are theirs, times a factor that changes with state and action.
    """

    def __init__(self, rng, m, shifts, variances):
        n = shifts.shape[1]
        self.turn, self.push = 0.4 * rng.normal(size=(n, n)), rng.uniform(0.3, 0.8, size=(m, n))
        self.bend, self.shifts, self.variances = rng.normal(size=(m, n)), shifts, variances

    def __call__(self, states, actions):
        """Means and variances (E, ..., n) for states (..., n) and actions (..., m), broadcast."""
        states, actions = np.asarray(states, dtype=float), np.asarray(actions, dtype=float)
        one_step = np.sin(states) @ self.turn + actions @ self.push
        factor = 1.0 + 0.4 * np.tanh(0.0 * states + actions @ self.bend)
        of_member = lambda x: x.reshape(len(x), *(1,) * (one_step.ndim - 1), -1)
        return one_step + of_member(self.shifts), factor * of_member(self.variances)


def _particles(rng, E, P, variances, redraw, *, N=2, T=3, n=2, m=1):
    """State, actions, predict, E, P, rng, redraw."""
    shifts = np.array([0.0, 110.0, 370.0, 850.0])[rng.permutation(4)[:E], None] + rng.uniform(
        -0.5, 0.5, (E, n)
    )
    predict = Members(rng, m, shifts, np.broadcast_to(variances, (E, n)))
    own = np.random.default_rng(rng.integers(2**62))
    return 1.0 + rng.uniform(size=n), rng.normal(size=(N, T, m)), predict, E, P, own, redraw


def single_members(rng):
    """One member without noise: chance has no part. Particles, sequences and steps differ in number."""
    return [
        _particles(rng, 1, 2, 0.0, False, N=3, T=4, m=2),
        _particles(rng, 1, 3, 0.0, True, N=2, T=5, n=3),
    ]


def both_schemes(rng):
    """Three members without noise."""
    return [_particles(rng, 3, 240, 0.0, redraw) for redraw in (False, True)]


def noisy_members(rng):
    """Three members with noise of their own, all variances below 1."""
    variances = np.array([0.015, 0.08, 0.4])[rng.permutation(3), None] * rng.uniform(0.8, 1.2, size=(3, 2))
    return [_particles(rng, 3, 240, variances, redraw) for redraw in (False, True)]


# Task 2 ---------------------------------------------------------------------------------------------


class Worlds:
    """P worlds, one for each particle: what they make of N sequences of actions."""

    def __init__(self, rng, P, n, m):
        self.bend, self.push = rng.normal(size=(P, 1, n, n)), rng.normal(size=(P, m, n))

    def __call__(self, state, actions):
        """Actions (N, T, m) -> states (P, N, T+1, n)."""
        state, actions = np.asarray(state, dtype=float), np.asarray(actions, dtype=float)
        P, (N, T, _) = len(self.push), actions.shape
        states = np.empty((P, N, T + 1, len(state)))
        states[:, :, 0] = state
        for t in range(T):
            s = states[:, :, t]
            turned = np.einsum("pni,pij->pnj", s, self.bend[:, 0])
            states[:, :, t + 1] = s + 0.4 * np.sin(turned) + actions[:, t] @ self.push
        return states


class Cost:
    """A cost in which state and action meet, quartic in the state; (..., n), (..., m) -> (...)."""

    def __init__(self, rng, n, m):
        self.of_s, self.of_a = rng.uniform(0.5, 1.5, n), rng.uniform(0.2, 0.5, m)
        self.mixed = rng.normal(size=(n, m))

    def __call__(self, s, a):
        """What a step from s with a costs."""
        s, a = np.asarray(s, dtype=float), np.asarray(a, dtype=float)
        return (
            (s**2 + 0.1 * s**4) @ self.of_s + a**2 @ self.of_a + np.sum(np.tanh(s @ self.mixed) * a, axis=-1)
        )


OTHER_COSTS = (
    {"over_particles": np.min},
    {"over_particles": np.max},
    {"over_particles": np.median},
    {"over_particles": lambda x, axis: x[0]},
    {"over_steps": lambda x, axis: x[:, :, -1]},
    {"over_steps": np.max},
    {"at": 1},
)


def _search(rng, *, iterations=1, bound=np.inf, P=4, N=10, T=3, m=2, n=2, elites=4):
    """State, propagate, cost, mean, std, bounds, noise, elites; no wrong cost has the same elites.

    Where there are bounds, an entry of the mean lies beyond them.
    """
    while True:
        mean = 0.5 * rng.normal(size=(T, m))
        mean[0, 0] = 1.4 * bound if np.isfinite(bound) else mean[0, 0]
        case = (
            rng.normal(size=n),
            Worlds(rng, P, n, m),
            Cost(rng, n, m),
            mean,
            rng.uniform(0.5, 1.0, size=(T, m)),
            np.full(m, -bound),
            np.full(m, bound),
            rng.normal(size=(iterations, N, T, m)),
            elites,
        )
        if _tells_costs_apart(*case):
            return case


def _tells_costs_apart(state, propagate, cost, mean, std, low, high, noise, elites):
    candidates = np.clip(mean + std * noise[0], low, high)
    states = propagate(state, candidates)
    best = lambda costs: set(np.argsort(costs)[:elites].tolist())
    right = best(references.expected_costs(states, candidates, cost))
    wrong = [references.expected_costs(states, candidates, cost, **other) for other in OTHER_COSTS]
    wrong.append(references.cost_of_the_mean(states, candidates, cost))
    return all(best(costs) != right for costs in wrong) and right != set(range(elites))


def single_iterations(rng):
    """No bounds. In the second case there are as many particles as candidates."""
    return [_search(rng), _search(rng, P=8, N=8, m=1, elites=3)]


def bounded_iterations(rng):
    """Some candidates lie beyond the bounds, and so does an entry of the mean."""
    return [_search(rng, bound=rng.uniform(0.5, 0.7))]


def searches(rng):
    """Three iterations."""
    return [_search(rng, iterations=3)]


# Task 3 ---------------------------------------------------------------------------------------------


class Greedy:
    """Plans for worlds with these rewards: the policy of a few sweeps of value iteration."""

    def __init__(self, R, gamma=0.7, sweeps=4):
        self.R, self.gamma, self.sweeps = R, gamma, sweeps

    def __call__(self, P):
        """P (..., A, S, S) -> the best action of every state (..., S)."""
        P = np.asarray(P, dtype=float)
        V = np.zeros((*P.shape[:-3], len(self.R)))
        for _ in range(self.sweeps):
            Q = self.R + self.gamma * np.swapaxes((P @ V[..., None, :, None])[..., 0], -1, -2)
            V = Q.max(axis=-1)
        return Q.argmax(axis=-1)


class Moves:
    """A world in which each action leads from each state to one other, `table` (S, A)."""

    def __init__(self, table):
        self.table = table

    def __call__(self, s, a):
        """The next state."""
        return int(self.table[int(s), int(a)])


def _episodes(rng, *, A=3, reachable=6, elsewhere=2, episodes=40, T=5):
    """Prior, counts, plan, world, start, episodes, T, rng; some states are never reached.

    Most entries of the prior are small and most counts are 0, but none of a whole row. What an action is
    worth is decided by how likely it seems to lead to one of the states that are never reached, so that plans
    differ from draw to draw, however much was seen. The world leads away from `start` and never back.
    """
    S = reachable + elsewhere
    shape = A, S, S
    prior = np.where(rng.random(shape) < 0.8, rng.uniform(0.2, 0.4, shape), rng.uniform(1.5, 2.0, shape))
    counts = np.zeros(shape)
    for a, s in np.ndindex(A, S):
        np.add.at(counts[a, s], rng.choice(S, size=4), 1.0)
    table, names = np.zeros((S, A), dtype=int), rng.permutation(reachable)
    for s, a in np.ndindex(reachable, A):
        onwards = s + 1 + a
        table[names[s], a] = names[onwards if onwards < reachable else reachable // 2 + onwards % 3]
    R = np.repeat(rng.uniform(0.0, 0.1, size=(S, 1)), A, axis=1)
    R[reachable:] += np.linspace(-3.0, 4.0, elsewhere)[:, None]
    own = np.random.default_rng(rng.integers(2**62))
    return prior, counts, Greedy(R), Moves(table), int(names[0]), episodes, T, own


def episodes(rng):
    """Forty episodes: many draws of the rows that are never seen, and many that learn."""
    return [_episodes(rng)]


# Task 4 ---------------------------------------------------------------------------------------------


def _world(rng, widths, sweeps, *, A=2, S=5):
    """P, R, width, gamma, V, sweeps; every entry of P is between 0.1 and 0.6.

    To take from the states in the order of their numbers is wrong in the first sweep and in the last; the
    best state of many sweeps is another one than that of `V`.
    """
    while True:
        P = 0.1 + (1.0 - 0.1 * S) * rng.dirichlet(np.full(S, 3.0), size=(A, S))
        V = 3.0 * rng.permutation(S) + rng.uniform(-0.5, 0.5, size=S)
        width, R = rng.uniform(*widths, size=(S, A)), rng.uniform(0.0, 3.0, size=(S, A))
        case = P, R, width, rng.uniform(0.5, 0.7), V, sweeps
        last = V if sweeps == 1 else references.optimistic_values(*case[:5], sweeps - 1)[1]
        moved = sweeps == 1 or np.argmax(V) != np.argmax(last)
        if moved and not any(_first_is_worst_or_second(x) for x in (V, last)):
            return case


def _first_is_worst_or_second(V):
    """Whether of all states but the best that of the smallest number is the worst or the second-best."""
    order = np.argsort(V)
    return min(order[:-1]) in (order[0], order[-2])


def narrow_sets(rng):
    """One sweep; the worst next state has what the best one gains."""
    return [_world(rng, (0.04, 0.18), 1), _world(rng, (0.04, 0.18), 1, A=3)]


def wide_sets(rng):
    """One sweep; the best next state takes from several others, and in some rows it becomes certain."""
    P, R, width, *rest = _world(rng, (0.5, 0.9), 1)
    certain, known = rng.choice(5, size=2, replace=False)
    width[certain], width[known, 0] = 2.0, 0.0
    return [(P, R, width, *rest)]


def many_sweeps(rng):
    """So many that the values stand still; most of the best next states take from more than the worst."""
    return [_world(rng, (0.5, 0.8), 40)]
