"""What networks are trained on: a loss of their outputs, and the derivative that backpropagation begins with.

**Mean of squares**, over B rows of p targets,

    loss = 1/(B p) sum (f - y)²,        d loss/df = 2/(B p) (f - y).

**Gaussian likelihood.** A network with 2p outputs says for each target a mean and how far to trust it. The
raw second output ρ becomes a variance, and the loss is minus the mean log-density of the targets,

    loss = 1/(B p) sum 1/2 [log 2π + λ + (y - μ)² e^(-λ)],        λ = log σ²(ρ),
    d loss/dμ = 1/(B p) e^(-λ) (μ - y),
    d loss/dλ = 1/(B p) 1/2 [1 - (y - μ)² e^(-λ)].

The second is zero where σ² is the square of the error: σ² learns the errors that are left, μ fits best where
σ² is small. Without the term λ the best would be σ = ∞.

**Soft bounds.** e^ρ alone may run off to 0 on data that are fitted exactly, and to ∞ where there are none.
Chua et al. hold ρ between two bounds with two softplus functions, ζ(x) = log(1 + e^x),

    λ_1 = λ_max - ζ(λ_max - ρ),        λ = λ_min + ζ(λ_1 - λ_min),        dλ/dρ = S(λ_max - ρ) S(λ_1 - λ_min),

with S = ζ' the logistic function. For variances this is less than it looks, since e^ζ(x) = 1 + e^x:

    1/v_1 = 1/v_max + 1/e^ρ,        σ² = v_min + v_1,        dλ/dρ = (1 - v_1/v_max) (1 - v_min/σ²).

So precisions add up, then variances; there is no softplus to compute and nothing to overflow. The bounds are
*fixed* here: λ_min = -6, λ_max = 0.5. Chua's begin at -10 and 0.5 and are learned, pushed together by a
penalty, since no fixed one suits every unit. Targets here are normalised, their whole variance is 1: noise
above e^0.5 explains nothing, and the loss stays a likelihood. The lower bound matters with few data of a
world without noise, which a network can fit exactly: then it claims λ_min, is wrong elsewhere, and pays for
it. From 400 steps of a cart-pole, claims down to e^-5 (0.7 % of a deviation) leave new steps less probable
by e^70 and more than claims down to e^-3 (5 %), and the mean is worse too.

Source: Nix & Weigend, Estimating the mean and variance of the target probability distribution (ICNN 1994);
Lakshminarayanan, Pritzel & Blundell, Simple and Scalable Predictive Uncertainty Estimation using Deep
Ensembles (NeurIPS 2017), section 2.2.1; Chua et al. (NeurIPS 2018), appendix A.1 (the bounds).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np


class Loss(Protocol):
    """What training asks of a loss. Outputs f (*members, B, q), targets y (*members, B, p)."""

    def outputs(self, targets: int) -> int:
        """How many outputs q a network needs for so many targets p."""

    def value(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """The loss (*members)."""

    def slope(self, f: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The loss (*members) and its derivative by f, for which f's own memory may be used."""


class MeanOfSquares:
    """1/(B p) sum (f - y)²."""

    def outputs(self, targets):
        """As many as targets."""
        return targets

    def value(self, f, y):
        """The loss (*members)."""
        error = f - y
        return np.mean(error * error, axis=(-2, -1))

    def slope(self, f, y):
        """The loss (*members), and 2/(B p) (f - y), written over f."""
        f -= y
        loss = np.mean(f * f, axis=(-2, -1))
        f *= 2.0 / (f.shape[-2] * f.shape[-1])
        return loss, f


class GaussianLikelihood:
    """Minus the mean log-density under N(μ, σ²), from outputs [μ; ρ].

    low, high: the bounds λ_min and λ_max of log σ², for normalised targets; high = inf for none above

    Raises ValueError for bounds that cross.
    """

    def __init__(self, low: float = -6.0, high: float = 0.5):
        if not low < high:
            raise ValueError(
                f"the lower bound of the log-variance must be below the upper; got {low}, {high}"
            )
        self.v_min, self.v_max = float(np.exp(low)), float(np.exp(high))

    def outputs(self, targets):
        """Two for each target: all means, then all raw log-variances."""
        return 2 * targets

    def moments(self, f: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """μ and σ² (..., p) of outputs f (..., 2p)."""
        p = f.shape[-1] // 2
        return f[..., :p], self._bounded(f[..., p:])[1]

    def value(self, f, y):
        """The loss (*members)."""
        mean, variance = self.moments(f)
        return self._mean_loss(mean - y, variance)

    def slope(self, f, y):
        """The loss (*members), and its derivative (*members, B, 2p), written over f."""
        p = y.shape[-1]
        v_1, variance = self._bounded(np.ascontiguousarray(f[..., p:]))
        error = f[..., :p] - y
        loss = self._mean_loss(error, variance)
        scaled = error / variance
        share = 1.0 / (y.shape[-2] * p)
        f[..., :p] = share * scaled
        by_log_variance = (0.5 * share) * (1.0 - scaled * error)
        f[..., p:] = by_log_variance * (1.0 - v_1 / self.v_max) * (1.0 - self.v_min / variance)
        return loss, f

    def _bounded(self, raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """v_1 and σ² (..., p)."""
        v_1 = 1.0 / (1.0 / self.v_max + np.exp(-np.maximum(raw, -80.0)))  # float32 ends at e^88
        return v_1, self.v_min + v_1

    @staticmethod
    def _mean_loss(error: np.ndarray, variance: np.ndarray) -> np.ndarray:
        each = np.log(variance) + error * error / variance
        return 0.5 * (np.log(2.0 * np.pi) + each.sum(axis=(-2, -1)) / (each.shape[-2] * each.shape[-1]))


MEAN_OF_SQUARES = MeanOfSquares()
