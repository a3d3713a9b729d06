"""The cross-entropy method: minimise a function by guessing, keeping the best guesses, and guessing nearer.

Minimise `objective` over x in R^d. Begin with a wide normal distribution, N(mean, diag(std²)). Repeat:

1. Draw `population` candidates x_1 … x_N from it; clip them to the bounds.
2. Let J_i = objective(x_i); the elites are the M candidates of lowest J.
3. Refit: mean and std of the elites, mixed with the old ones if there is momentum β,

       mean <- β mean + (1 - β) mean_elites(x),     std <- β std + (1 - β) std_elites(x).

The refit is the maximum-likelihood fit to the elites, which is to say that it minimises the cross-entropy
between "a candidate that is good enough" and the normal distribution: hence the name. It needs no
derivative and no smoothness, and as long as the deviation is large it sees past local minima.

**Bounds** are met by clipping what was drawn (clipped normals), so the distribution may pile up on a bound
and its mean may reach it. The cap that PETS uses instead, std <= half the distance from the mean to the
nearest bound, sends std to zero there: a mean that has reached a bound by accident never leaves it.

**Kept elites.** The `kept` best candidates of an iteration take part in the next one, so what was found is
not lost again. With a deterministic objective, the lowest cost of an iteration can then only fall.

Source: de Boer, Kroese, Mannor & Rubinstein, A Tutorial on the Cross-Entropy Method (Annals of Operations
Research 134, 2005), section 3.2, with its smoothed updating; Pinneri et al. (CoRL 2020) for kept elites.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from mbrl_teach.arguments import read_array, require_count, require_generator


@dataclass(frozen=True)
class CEMIteration:
    """One round of guessing.

    mean, std: of the distribution that was drawn from
    candidates (N, …), costs (N,): all that was drawn (and kept), infinite where a cost was not finite
    elites (M,): which of the candidates are the best, best first
    """

    iteration: int
    mean: np.ndarray
    std: np.ndarray
    candidates: np.ndarray = field(repr=False)
    costs: np.ndarray = field(repr=False)
    elites: np.ndarray = field(repr=False)


@dataclass(frozen=True)
class CEMResult:
    """mean, std (d,): the last distribution
    best (d,), best_cost: of all candidates of all iterations; of a noisy objective, a lucky one
    converged: whether the deviations have shrunk to the tolerance; if not, `message` says how far. They may
        shrink before the mean arrives: then more elites, or momentum, help
    history: every :class:`CEMIteration`
    """

    mean: np.ndarray
    std: np.ndarray
    best: np.ndarray
    best_cost: float
    converged: bool
    iterations: int
    message: str
    history: tuple[CEMIteration, ...] = field(default=(), repr=False)


def cross_entropy_method(
    objective: Callable[[np.ndarray], np.ndarray],
    mean: ArrayLike,
    std: ArrayLike,
    *,
    population: int,
    elites: int,
    iterations: int,
    rng: np.random.Generator,
    low: ArrayLike | None = None,
    high: ArrayLike | None = None,
    momentum: float = 0.0,
    kept: int = 0,
    initial_candidates: ArrayLike | None = None,
    noise: Callable[[int, np.random.Generator], np.ndarray] | None = None,
    tolerance: float = 1e-3,
    callback: Callable[[CEMIteration], None] | None = None,
) -> CEMResult:
    """Minimise `objective`, which takes candidates (N, d) and returns their costs (N,).

    mean, std (d,): of the first draw
    population N, elites M <= N, iterations: at most so many
    low, high (d,): bounds to which candidates are clipped; None: none
    momentum: share of the old mean and std that a refit keeps, in [0, 1)
    kept: how many elites of an iteration take part in the next
    initial_candidates (K, d): clipped, take part in the first iteration, in the place of the first K draws
    noise: (N, rng) -> (N, d), standard normal numbers with whatever relation inside a row; None: independent
    tolerance: stop when every std is at most this share of what it was at first
    callback: called with each :class:`CEMIteration` as it comes

    A candidate whose cost is not finite is never an elite.

    Raises ValueError for a wrong shape or number, or if no candidate of an iteration has a finite cost.
    """
    require_generator(rng)
    mean, first_std, low, high = _read_distribution(mean, std, low, high)
    population, iterations = require_count("population", population), require_count("iterations", iterations)
    elites = require_count("elites", elites, at_most=("population", population))
    kept = require_count("kept", kept, at_least=0, at_most=("elites", elites))
    if not (0.0 <= momentum < 1.0 and tolerance >= 0.0):
        raise ValueError(f"momentum must be in [0, 1) and tolerance >= 0; got {momentum=}, {tolerance=}")
    carried = np.clip(_read_candidates(initial_candidates, population, len(mean)), low, high)
    std, history, best, best_cost, converged = first_std, [], mean, np.inf, False
    for iteration in range(1, iterations + 1):
        draws = _standard_normal(population, len(mean), rng) if noise is None else noise(population, rng)
        candidates = std * draws
        candidates += mean
        np.clip(candidates, low, high, out=candidates)
        candidates[: len(carried)] = carried
        costs = finite_costs(objective(candidates), population)
        order = np.argsort(costs)[: min(elites, np.isfinite(costs).sum())]
        record = CEMIteration(iteration, mean, std, candidates, costs, order)
        history.append(record)
        if callback is not None:
            callback(record)
        if costs[order[0]] < best_cost:
            best, best_cost = candidates[order[0]].copy(), float(costs[order[0]])
        good = candidates[order]
        carried = good[:kept]
        mean = momentum * mean + (1.0 - momentum) * good.mean(axis=0)
        std = momentum * std + (1.0 - momentum) * good.std(axis=0)
        converged = bool((std <= tolerance * first_std).all())
        if converged:
            break
    message = _message(converged, std, first_std, tolerance, iterations)
    return CEMResult(mean, std, best, best_cost, converged, len(history), message, tuple(history))


def _standard_normal(population, d, rng):
    """(N, d), each coordinate contiguous in memory: dynamics take them apart by coordinates and steps."""
    return rng.standard_normal((d, population)).T


def finite_costs(costs: ArrayLike, population: int) -> np.ndarray:
    """Costs (N,), infinite where they are not finite. Raises ValueError for a wrong shape, or if all are."""
    costs = np.asarray(costs, dtype=np.float64)
    if costs.shape != (population,):
        raise ValueError(f"objective must return costs of shape (N,) = ({population},); got {costs.shape}")
    finite = np.isfinite(costs)
    if finite.all():
        return costs
    if not finite.any():
        raise ValueError(f"no candidate has a finite cost: all {population} are NaN or infinite")
    return np.where(finite, costs, np.inf)


def _read_distribution(mean, std, low, high):
    sizes: dict[str, int] = {}
    mean, std = read_array("mean", mean, "d", sizes), read_array("std", std, "d", sizes)
    if not (std > 0.0).all():
        raise ValueError(f"std must be positive; got {std.min()}")
    bounds = []
    for name, bound, default in (("low", low, -np.inf), ("high", high, np.inf)):
        bound = np.full(sizes["d"], default) if bound is None else bound
        bounds.append(read_array(name, bound, "d", sizes, finite=False))
    low, high = bounds
    if not ((low <= high) & (low < np.inf) & (high > -np.inf)).all():
        raise ValueError(f"low must be at most high; got {low} and {high}")
    return mean, std, low, high


def _read_candidates(candidates, population, d):
    if candidates is None:
        return np.empty((0, d))
    sizes = {"d": d}
    candidates = read_array("initial_candidates", candidates, "K d", sizes)
    require_count(
        "the number of initial_candidates", sizes["K"], at_least=0, at_most=("population", population)
    )
    return candidates


def _message(converged, std, first_std, tolerance, iterations):
    left = (std / first_std).max()
    if converged:
        return f"every deviation has shrunk to {left:.0e} of its first value or less"
    return (
        f"stopped after iterations = {iterations}; the largest deviation is still {left:.2g} of its first "
        f"value, not {tolerance:.0e}"
    )
