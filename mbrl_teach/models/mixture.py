"""An equal mixture of normal distributions: its moments, and its quantiles.

    p(y) = 1/E sum_e N(y; μ_e, σ_e²),        F(y) = 1/E sum_e Φ((y - μ_e) / σ_e).

Mean and variance follow from those of the members,

    μ = 1/E sum_e μ_e,        Var y = 1/E sum_e σ_e²  +  1/E sum_e (μ_e - μ)²,

the noise that they expect and what they disagree about. Quantiles do not: two narrow members far apart have
a wide variance and nothing in the middle. F rises, and the quantile y_q with F(y_q) = q lies between the
lowest and the highest of the members' own, μ_e + σ_e Φ⁻¹(q); there it is found by bisection.

Source: Lakshminarayanan, Pritzel & Blundell (NeurIPS 2017), section 2.4, for the moments.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp, ndtr, ndtri

from mbrl_teach.arguments import read_array
from mbrl_teach.models.prediction import Prediction


def mixture_moments(means: np.ndarray, variances: np.ndarray) -> Prediction:
    """Mean, aleatoric and epistemic variance (...) of members' means and variances (E, ...)."""
    return Prediction(means.mean(axis=0), variances.mean(axis=0), means.var(axis=0))


def mixture_log_density(means: np.ndarray, variances: np.ndarray, y: np.ndarray) -> np.ndarray:
    """log p(y) (...) at `y` (...), the members' densities added with their largest taken out."""
    each = -0.5 * (np.log(2.0 * np.pi * variances) + (y - means) ** 2 / variances)
    return logsumexp(each, axis=0) - np.log(len(means))


def mixture_quantiles(means: np.ndarray, variances: np.ndarray, probabilities: ArrayLike) -> np.ndarray:
    """y_q (K, ...) for each of `probabilities` (K,), to 1e-12 of the distance between the members'.

    means, variances (E, ...)

    Raises ValueError for probabilities that are not in (0, 1).
    """
    q = read_array("probabilities", probabilities, "K", {})
    if not ((q > 0.0) & (q < 1.0)).all():
        raise ValueError(f"probabilities must be in (0, 1); got {q}")
    q = q.reshape(-1, *[1] * (means.ndim - 1))
    deviations = np.sqrt(variances)
    of_members = means[:, None] + deviations[:, None] * ndtri(q)
    low, high = of_members.min(axis=0), of_members.max(axis=0)
    for _ in range(40):
        middle = 0.5 * (low + high)
        below = ndtr((middle - means[:, None]) / deviations[:, None]).mean(axis=0) < q
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return 0.5 * (low + high)
