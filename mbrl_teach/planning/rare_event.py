"""Where the cross-entropy method comes from: how probable is an event that hardly ever happens?

Wanted is p = P(V(X) >= d) for X ~ N(mean, diag(std²)). Monte Carlo counts hits; its relative error is
sqrt((1-p) / (p N)), so an event of p = 1e-6 takes 1e8 samples for an error of 10 %.

**Importance sampling** draws from another q, under which the event is common, and weighs each sample with
how much more probable it is under the true p:

    P(V(X) >= d) = E_q[1{V(X) >= d} W(X)],   W(x) = p(x) / q(x).

The best q is p itself, given the event. The **cross-entropy method** looks for the member of a family that
is nearest to it in cross-entropy. For normal distributions with the deviation fixed, that is the one with
the mean

    μ = E_p[1{V >= d} X] / P(V >= d) ≈ sum_i 1_i W_i x_i / sum_i 1_i W_i .

At first no sample reaches d, so levels lead there: the (1 - rho) quantile γ_k of V under the present q
takes the place of d, μ is refitted, and so on until γ_k >= d.

**Only the mean is tilted.** With q = N(μ, σ²) and p = N(0, 1), E_q[W²] is finite only if σ² > 1/2. The
deviation of what lies beyond d is small, so a refit of the deviation goes below that: the estimate looks
precise, and its variance is infinite. With the deviation fixed, W = exp(-θ'z + θ'θ/2), z = (x - mean)/std,
θ = (μ - mean)/std, whose variance is finite for every θ.

Source: de Boer, Kroese, Mannor & Rubinstein, A Tutorial on the Cross-Entropy Method (Annals of Operations
Research 134, 2005), section 3.1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mbrl_teach.arguments import read_array, require_count, require_generator


@dataclass(frozen=True)
class RareEvent:
    """probability, standard_error: the estimate, and its error as estimated from the same samples
    samples: how many were drawn in all, those of the search included
    levels (k,): γ_1 … γ_k of the search, the last of them d if it was reached
    means (k+1, d): the means that were sampled from; the estimate is from the last
    converged: whether the levels reached d; if not, `message` says how far they came
    """

    probability: float
    standard_error: float
    samples: int
    levels: np.ndarray
    means: np.ndarray
    converged: bool
    message: str


def rare_event_probability(
    V: Callable[[np.ndarray], np.ndarray],
    mean: ArrayLike,
    std: ArrayLike,
    level: float,
    *,
    population: int = 1000,
    final_population: int | None = None,
    rho: float = 0.1,
    iterations: int = 50,
    rng: np.random.Generator,
) -> RareEvent:
    """P(V(X) >= level) for X ~ N(mean, diag(std²)); V takes samples (N, d) and returns (N,).

    population: samples of each round of the search; final_population: of the estimate, None: as many
    rho: share of the samples that a level leaves above it, in (0, 1)
    iterations: at most so many rounds

    Raises ValueError for a wrong shape or number, or where V is NaN.
    """
    require_generator(rng)
    sizes: dict[str, int] = {}
    mean, std = read_array("mean", mean, "d", sizes), read_array("std", std, "d", sizes)
    if not (std > 0.0).all():
        raise ValueError(f"std must be positive; got {std.min()}")
    if not (0.0 < rho < 1.0 and np.isfinite(level)):
        raise ValueError(f"rho must be in (0, 1) and level finite; got {rho=}, {level=}")
    N, iterations = require_count("population", population), require_count("iterations", iterations)
    last = require_count("final_population", population if final_population is None else final_population)
    theta, thetas, levels = np.zeros(sizes["d"]), [np.zeros(sizes["d"])], []
    while len(levels) < iterations and (not levels or levels[-1] < level):
        z, values, log_W = _sample(V, mean, std, theta, N, rng)
        levels.append(min(level, np.quantile(values, 1.0 - rho, method="lower")))
        above = values >= levels[-1]
        votes = np.exp(log_W[above] - log_W[above].max())  # only their ratios count: none may vanish
        theta = votes @ z[above] / votes.sum()
        thetas.append(theta)
    _, values, log_W = _sample(V, mean, std, theta, last, rng)
    hits = np.exp(log_W) * (values >= level)
    converged = bool(levels[-1] >= level)
    return RareEvent(
        probability=float(hits.mean()),
        standard_error=float(hits.std() / np.sqrt(last)),
        samples=N * len(levels) + last,
        levels=np.array(levels),
        means=mean + std * np.array(thetas),
        converged=converged,
        message=_message(converged, levels, level),
    )


def _sample(V, mean, std, theta, N, rng):
    """N samples of N(mean + std θ, diag(std²)): z = (x - mean) / std, V(x), and log W(x)."""
    z = theta + rng.standard_normal((N, len(mean)))
    values = np.asarray(V(mean + std * z), dtype=np.float64)
    if values.shape != (N,):
        raise ValueError(f"V must return values of shape (N,) = ({N},); got {values.shape}")
    if np.isnan(values).any():
        raise ValueError("V must not be NaN; got NaN for a sample")
    return z, values, -z @ theta + 0.5 * theta @ theta


def _message(converged, levels, level):
    if converged:
        return f"the level {level:g} was reached in {len(levels)} rounds"
    return f"stopped after iterations = {len(levels)} at level {levels[-1]:g}, below {level:g}"
