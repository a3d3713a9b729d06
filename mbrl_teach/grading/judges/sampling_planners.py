"""Judges for assignment 04_sampling_planners: counts, samples and estimates.

A judge takes a case and the results found, and returns what is wrong with them, or None.
"""

from __future__ import annotations

import copy

import numpy as np
from scipy.special import ndtr

from mbrl_teach.grading.first_difference import Difference
from mbrl_teach.grading.references import sampling_planners as references
from mbrl_teach.grading.student_call import NOT_FROM_RNG, WrongAnswer
from mbrl_teach.grading.task import TOLERANCE

ONE_BY_ONE = "the sequences are rolled out one by one: `s` and `a` may be all of them, (N, n) and (N, m)"
COST_ONE_BY_ONE = "the costs are computed one by one: `cost`, too, takes all sequences at once"
FROM_A_SEED = "the random numbers come from a generator with a seed of its own, not from `rng`"
ROUNDING = 1e-6  # of what is computed in single precision


def few_calls(case, found):
    """At most twice as many calls as there are steps: dynamics step by step, the cost as one likes."""
    if not np.allclose(found["states"], references.rollouts(*_uncounted(case))[0], rtol=TOLERANCE):
        return "first wrong: states: they are not those of the world"
    T = case[1].shape[1]
    # The reference has just made T calls of dynamics and one of the cost on the same case.
    moves, prices = case[4].calls - T, case[5].calls - 1
    if moves > 2 * T:
        return f"dynamics was called {moves} times for {T} steps\nLooks like: {ONE_BY_ONE}"
    if prices > 2 * T:
        return f"cost was called {prices} times for {T} steps\nLooks like: {COST_ONE_BY_ONE}"
    return None


def _uncounted(case):
    *numbers, dynamics, cost = case
    return *numbers, dynamics.function, cost.function


def ask_again(function, case):
    """The results of one call; a case with a second rng tells whether it is from `rng` that they come.

    The same rng has to bring the same candidates, another one others.
    """
    *known, rng = case[:6]
    if len(case) == 6:
        return function(*known, rng)
    first = function(*known, copy.deepcopy(rng))
    if not isinstance(first, (tuple, list)) or len(first) != 3:  # told when the results are read
        return first
    if not np.array_equal(first[0], function(*known, rng)[0]):
        raise WrongAnswer(f"first wrong: candidates: the same rng brings others\nLooks like: {NOT_FROM_RNG}")
    if np.array_equal(first[0], function(*known, case[6])[0]):
        raise WrongAnswer(
            f"first wrong: candidates: another rng brings the same ones\nLooks like: {FROM_A_SEED}"
        )
    return first


def spread(case, found):
    """Bounds, Kolmogorov's distance from uniform, no repetition, no correlation; false alarm below 1e-5.

    P(√N D > 2.9) < 1e-7 for each of six entries; a correlation beyond 6/√N has a probability of 2e-9.
    The order of the candidates does not matter.
    """
    low, high = case[2:4]
    shares = (found["candidates"] - low) / (high - low)
    N = len(shares)
    if shares.min() < -ROUNDING or shares.max() > 1 + ROUNDING:
        return "first wrong: candidates: some lie beyond the bounds"
    shares = shares.reshape(N, -1)
    if len(np.unique(shares, axis=0)) < N:
        return "first wrong: candidates: some are the same sequence as others"
    steps = np.arange(N + 1)[:, None] / N
    ordered = np.sort(shares, axis=0)
    if np.sqrt(N) * max(np.max(steps[1:] - ordered), np.max(ordered - steps[:-1])) > 2.9:
        return "first wrong: candidates: they are not spread evenly from low to high"
    related = np.abs(np.corrcoef(shares.T) - np.eye(shares.shape[1]))
    if np.sqrt(N) * related.max() > 6:
        pair = np.unravel_index(np.argmax(related), related.shape)
        one, other = (np.unravel_index(i, found["candidates"].shape[1:]) for i in pair)
        where = " and ".join(f"[:, {t}, {j}]" for t, j in (one, other))
        return f"first wrong: candidates: {where} depend on each other"
    return None


def priced(case, found):
    """The costs against the objective of the candidates found."""
    expected = case[0](found["candidates"])
    error = np.abs(found["costs"] - expected)
    if error.max() <= 1e-7 * np.abs(expected).max():
        return None
    i = int(np.argmax(error > 1e-7 * np.abs(expected).max()))
    return f"first wrong: costs, entry [{i}]: off by {error[i]:.2g} from the objective of candidate {i}"


def cheapest(case, found):
    """The actions against all candidates found, by the objective."""
    costs = case[0](found["candidates"])
    if np.ptp(costs) == 0:
        return "first wrong: candidates: all cost the same, so there is nothing to choose from"
    gap = np.abs(found["candidates"] - found["actions"]).max(axis=(1, 2))
    if gap.min() > ROUNDING * np.abs(found["candidates"]).max():
        return "first wrong: actions: they are none of your candidates"
    cheaper = int(np.sum(costs < costs[np.argmin(gap)]))
    return f"first wrong: actions: {cheaper} of your candidates are cheaper" if cheaper else None


def exact(case, mean):
    """P(V >= d), and the exact standard error of its estimate with this mean, for V = w'x.

    With x ~ N(mean, I) a hit weighs W(x) = exp(½|mean|² - mean'x), so that E W² over the hits is
    exp(|mean|²) P(V >= d for x ~ N(-mean, I)).
    """
    value, d, _, _, final_noise = case
    w, length = value.weights, np.linalg.norm(value.weights)
    probability = ndtr(-d / length)
    second_moment = np.exp(mean @ mean) * ndtr(-(d + w @ mean) / length)
    return probability, np.sqrt((second_moment - probability**2) / len(final_noise))


def by_own_mean(name, of_hits, tolerance=TOLERANCE):
    """Compare the result `name` with that of the student's own mean, if this mean is good for anything."""

    def test(case, found):
        value, d, _, _, final_noise = case
        mean = found["mean"]
        probability, error = exact(case, mean)
        if not error < 0.3 * probability:
            return "first wrong: mean: with it, the standard error is more than 0.3 of the probability itself"
        x = mean + final_noise
        hits = references.likelihood_ratio(x, mean) * (value(x) >= d)
        expected = of_hits(hits)
        off = abs(float(found[name]) - expected)
        return (
            None
            if off <= tolerance * expected
            else Difference(name, "", (), off, off / expected, {name: ...})
        )

    return test
