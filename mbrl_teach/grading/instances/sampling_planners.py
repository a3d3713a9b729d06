"""Random instances for the checks of assignment 04_sampling_planners: lists of cases, arguments of one call.

Wherever possible a case hands in the random numbers themselves, so that right answers agree in every digit.
"""

from __future__ import annotations

import numpy as np

from mbrl_teach.grading.references import sampling_planners as references


class Counted:
    """A function that counts how often it is called."""

    def __init__(self, function):
        self.function, self.calls = function, 0

    def __call__(self, *arguments):
        """The function's value."""
        self.calls += 1
        return self.function(*arguments)


def curved_world(rng, n, m):
    """Smooth dynamics without a name; (..., n), (..., m) -> (..., n)."""
    bend, push = rng.normal(size=(n, n)), rng.uniform(0.3, 0.8, size=(m, n))
    return lambda s, a: s + 0.4 * np.sin(np.asarray(s) @ bend) + np.asarray(a) @ push


def curved_cost(rng, n, m):
    """A cost in which state and action meet; (..., n), (..., m) -> (...)."""
    of_s, of_a, mixed = rng.uniform(0.5, 2.0, n), rng.uniform(0.5, 2.0, m), rng.normal(size=(n, m))

    def cost(s, a):
        s, a = np.asarray(s), np.asarray(a)
        return s**2 @ of_s + a**2 @ of_a + np.sum(np.tanh(s @ mixed) * a, axis=-1) + 0.3

    return cost


# Task 1 ---------------------------------------------------------------------------------------------


def _rollouts(rng, N, T, n, m, low=-np.inf, high=np.inf, wrap=lambda function: function):
    """State, actions, bounds, dynamics, cost."""
    worlds = wrap(curved_world(rng, n, m)), wrap(curved_cost(rng, n, m))
    return 1.0 + rng.normal(size=n), rng.normal(size=(N, T, m)), np.full(m, low), np.full(m, high), *worlds


def unbounded_rollouts(rng):
    """The bounds are infinite. In the first case there are as many sequences as steps."""
    return [_rollouts(rng, 4, 4, 3, 2), _rollouts(rng, 5, 3, 2, 1)]


def bounded_rollouts(rng):
    """The bounds of the actions differ, and both matter: actions lie beyond them."""
    state, actions, _, _, dynamics, cost = _rollouts(rng, 6, 4, 2, 2)
    actions[:, 0] = [[2.0, -2.0], [-2.0, 2.0], [0.0, 2.0], [0.0, -2.0], [2.0, 0.0], [-2.0, 0.0]]
    low, high = rng.uniform(-1.0, -0.7, size=2), rng.uniform(0.2, 0.6, size=2)
    return [(state, actions, low, high, dynamics, cost)]


def counted_rollouts(rng):
    """Dynamics and cost count their calls."""
    return [_rollouts(rng, 12, 4, 2, 1, wrap=Counted)]


# Task 2 ---------------------------------------------------------------------------------------------


def boxes_and_another_rng(rng):
    """As `boxes`, and a second rng."""
    return [(*case, np.random.default_rng(rng.integers(2**32))) for case in boxes(rng)]


def boxes(rng):
    """Objective, T, low, high, population, rng; each action has bounds of its own."""
    T, m = 3, 2
    low = rng.uniform(-3.0, -2.0, size=m) * [1.0, 0.3]
    high = low + rng.uniform(3.0, 5.0, size=m) * [1.0, 0.5]
    goal, weights = rng.uniform(low, high, size=(T, m)), rng.uniform(0.5, 2.0, size=(T, m))
    objective = lambda actions: 0.3 + np.sum(weights * np.square(np.asarray(actions) - goal), axis=(-2, -1))
    return [(objective, T, low, high, 300, np.random.default_rng(rng.integers(2**32)))]


# Task 3 ---------------------------------------------------------------------------------------------


def _samples(rng, N, T, m, elites):
    """Candidates with a mean that is not zero, costs in no order, elites, temperature."""
    candidates = rng.normal(1.0, [0.5, 1.5][:m], size=(N, T, m))
    costs = rng.permutation(np.linspace(0.0, 3.0, N)) + rng.uniform(0.0, 0.2, size=N)
    while np.ptp(np.argsort(np.argsort(costs))[:elites]) < N // 2:  # the first ones: neither best nor worst
        costs = rng.permutation(costs)
    return candidates, costs, elites, rng.uniform(0.4, 0.8)


def samples(rng):
    """Costs of about one. In the first case there are as many elites as steps."""
    return [_samples(rng, 9, 3, 2, 3), _samples(rng, 12, 4, 2, 5), _samples(rng, 6, 2, 1, 4)]


def expensive_samples(rng):
    """exp(-cost/temperature) has few digits left above zero, or none: only differences of costs count.

    In the last case they are so large that exp overflows if another cost than the lowest is subtracted.
    """
    candidates, _, elites, _ = _samples(rng, 9, 3, 2, 3)
    steps = rng.permutation(9) / 8  # such that cost / temperature is exact, however it is written
    apart = np.where(steps < 0.5, steps, 1e4 * steps)
    return [
        (candidates, 0.5 * (741 + steps), elites, 0.5),
        (candidates, 1e5 + 4 * steps, elites, 1.0),
        (candidates, apart, elites, 1.0),
    ]


# Task 4 ---------------------------------------------------------------------------------------------


def _search(rng, *, kept=0, bound=np.inf, planted=0, T=3, m=2, population=7, elites=3):
    """Objective, mean, std, bounds, noise, kept, refit; the first noise hits the optimum `planted` times."""
    mean, std = rng.normal(size=(T, m)), rng.uniform(0.5, 1.5, size=(T, m))
    goal = mean + std * rng.uniform(1.0, 1.5, size=(T, m)) * rng.choice([-1.0, 1.0], size=(T, m))
    weights = rng.uniform(0.5, 2.0, size=(T, m))
    noise = rng.normal(size=(3, population, T, m))
    noise[0, 3 : 3 + planted] = (goal - mean) / std + 0.01 * rng.normal(size=(planted, T, m))
    objective = lambda actions: 0.3 + np.sum(weights * np.square(np.asarray(actions) - goal), axis=(-2, -1))
    bounds = np.full(m, -bound), np.full(m, bound)
    return objective, mean, std, *bounds, noise, kept, _refit_softly if kept else _refit_to(elites)


def _refit_to(elites):
    return lambda candidates, costs: references.refit(np.asarray(candidates), np.asarray(costs), elites, 1.0)[
        :2
    ]


def _refit_softly(candidates, costs):
    """Every candidate counts, the worst ones too: it matters which are kept."""
    candidates, costs = np.asarray(candidates), np.asarray(costs)
    w = references.soft_weights(costs, 5.0)
    mean = np.tensordot(w, candidates, axes=1)
    return mean, np.sqrt(np.tensordot(w, (candidates - mean) ** 2, axes=1))


def plain_searches(rng):
    """Neither bounds nor kept elites; the first iteration already has the best candidate of all."""
    return [_search(rng, planted=1), _search(rng, planted=1, T=2, m=1, population=6, elites=4)]


def bounded_searches(rng):
    """Some candidates lie beyond the bounds, others inside; so do the entries of the mean."""
    bound = rng.uniform(1.0, 1.3)
    objective, mean, *rest = _search(rng, bound=bound, population=12, elites=6)
    mean[0, 0] = rng.choice([-1.5, 1.5]) * bound
    return [(objective, mean, *rest)]


def searches_with_elites(rng):
    """Two candidates of the first iteration are better than all that follow; then a search that improves."""
    return [_search(rng, kept=2, planted=2), _search(rng, kept=2)]


# Task 5 ---------------------------------------------------------------------------------------------


class Weighted:
    """V(x) = w'x, which is normal: the probability of V >= d is known."""

    def __init__(self, weights):
        self.weights = weights

    def __call__(self, x):
        """(..., n) -> (...)."""
        return np.asarray(x) @ self.weights


def _events(rng, iterations, *sizes, deviations=(3.3, 3.6)):
    """V, d, elites, noise (iterations, N, n), final noise (M, n); V = d lies so many `deviations` out.

    With 3.3 and more the event is rarer than one in 2000.
    """
    for n in sizes:
        weights = rng.uniform(0.5, 1.5, size=n) * rng.choice([-1.0, 1.0], size=n)
        d = rng.uniform(*deviations) * np.linalg.norm(weights)
        noise = rng.normal(size=(iterations, 300, n))
        yield Weighted(weights), d, 60, noise, rng.normal(size=(1000, n))


def first_tilts(rng):
    """One iteration, which does not reach the event."""
    return list(_events(rng, 1, 3))


def rare_events(rng):
    """Enough iterations to reach the event and to stay there."""
    return list(_events(rng, 8, 3, 2))


def estimates(rng):
    """An event that the elites do not reach: the last level lies below d. And rare ones that they do."""
    return [*_events(rng, 2, 2, deviations=(2.7, 2.9)), *rare_events(rng)]


# Task 6 ---------------------------------------------------------------------------------------------


def _closed_loop(rng, of_mean=0.0, of_std=0.0, of_elites=0.0):
    """State, mean, std, no elites yet, plan, world, steps; the plan is a random policy and some hints."""
    n, m, T, kept = 3, 2, 3, 2
    gains, mean = rng.normal(size=(T, m, n)), rng.normal(size=(T, m))
    offsets = rng.normal(size=(kept, T, m))

    def plan(state, mean, std, elites):
        mean, std, elites = np.asarray(mean), np.asarray(std), np.asarray(elites)
        of_kept = elites[0] - 0.5 * elites[-1] if len(elites) else 0.0 * mean
        hints = of_mean * mean[::-1] + of_std * std + of_elites * of_kept
        best = np.tanh(gains @ state) + hints
        return best, 0.5 * best + 0.3, 0.4 * std, best + offsets

    std = rng.uniform(0.5, 1.5, size=(T, m))
    return [(rng.normal(size=n), mean, std, np.empty((0, T, m)), plan, curved_world(rng, n, m), 4)]


def loops_without_memory(rng):
    """The planner looks at the state alone."""
    return _closed_loop(rng)


def loops_with_a_mean(rng):
    """The planner searches around its mean. The last action of the mean comes first, so that it counts."""
    return _closed_loop(rng, of_mean=0.5)


def loops_with_elites(rng):
    """The planner remembers candidates."""
    return _closed_loop(rng, of_elites=0.5)


def loops_with_a_width(rng):
    """What the planner finds depends on how widely it searches."""
    return _closed_loop(rng, of_std=0.5)


# Task 7 ---------------------------------------------------------------------------------------------


def _sequences(rng, over, worth):
    """States, actions, cost, value, ended, gamma; `over` (N, T+1) says where a state is an end."""
    over = np.asarray(over, dtype=bool)
    N, T, n, m = len(over), over.shape[1] - 1, 3, 2
    states, actions = rng.normal(size=(N, T + 1, n)), rng.normal(size=(N, T, m))
    states[..., 0] = np.where(over, 1.0, -1.0) * rng.uniform(0.5, 1.5, size=over.shape)
    weights = rng.uniform(0.5, 2.0, size=n)
    value = lambda s: worth * (0.3 + np.square(np.asarray(s)) @ weights)
    return states, actions, curved_cost(rng, n, m), value, _is_over, rng.uniform(0.6, 0.8)


def _is_over(s):
    return np.asarray(s)[..., 0] > 0


def valueless_sequences(rng):
    """Nothing ends, and the last state is worth nothing."""
    return [_sequences(rng, np.zeros((N, T + 1)), 0.0) for N, T in ((3, 4), (4, 2))]


def open_sequences(rng):
    """Nothing ends; what follows the last state has a value."""
    return [_sequences(rng, np.zeros((N, T + 1)), 1.0) for N, T in ((3, 4), (4, 2))]


def ended_sequences(rng):
    """Each ends: in the middle, at the very end, at the beginning; one leaves the end again."""
    over = [[0, 0, 1, 1, 1], [0, 1, 0, 0, 0], [0, 0, 0, 0, 1], [1, 1, 1, 1, 1]]
    return [_sequences(rng, over, 1.0)]
