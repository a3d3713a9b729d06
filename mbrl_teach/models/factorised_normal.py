"""A normal distribution in which every parameter stands for itself, and how far it is from a prior.

    q(θ) = prod_j N(μ_j, σ_j²),        σ_j = e^(ρ_j),        θ = μ + σ ⊙ ε,    ε ~ N(0, I).

The last is the *reparameterisation*: the randomness ε does not depend on what is learned, so a derivative
g = dL/dθ at a draw is one by μ and ρ,

    dL/dμ = g,        dL/dρ = g ⊙ ε ⊙ σ,

and its mean over ε is the derivative of E_q[L]. From the prior N(0, 1/τ_j) it is

    KL(q | prior) = sum_j 1/2 [τ_j (μ_j² + σ_j²) - 1 - log τ_j] - ρ_j,
    dKL/dμ = τ ⊙ μ,        dKL/dρ = τ ⊙ σ² - 1

away, so without data σ becomes the prior's, and μ zero.

Blundell et al. take σ = log(1 + e^ρ); with e^ρ a step of ρ is a share of σ, at any size of it.

Source: Blundell, Cornebise, Kavukcuoglu & Wierstra, Weight Uncertainty in Neural Networks (ICML 2015),
sections 3.1-3.2; Kingma & Welling, Auto-Encoding Variational Bayes (ICLR 2014), section 2.4.
"""

from __future__ import annotations

import numpy as np


class FactorisedNormal:
    """q over P parameters; `mean` μ and `log_deviation` ρ (P,) are kept, and may be views of a vector."""

    def __init__(self, mean: np.ndarray, log_deviation: np.ndarray):
        self.mean, self.log_deviation = mean, log_deviation

    @property
    def deviation(self) -> np.ndarray:
        """σ (P,)."""
        return np.exp(self.log_deviation)

    def at(self, epsilon: np.ndarray) -> np.ndarray:
        """θ = μ + σ ⊙ ε (..., P)."""
        return self.mean + self.deviation * epsilon

    def gradient(self, slopes: np.ndarray, epsilon: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of the mean loss over M draws, by μ and ρ, from slopes dL/dθ (M, P) at the draws of ε (M, P)."""
        by_log_deviation = np.einsum("mp,mp->p", slopes, epsilon) * self.deviation
        return slopes.mean(axis=0), by_log_deviation / len(slopes)

    def divergence(self, precisions: np.ndarray) -> float:
        """KL from the prior N(0, 1/τ), `precisions` τ (P,)."""
        each = precisions * (self.mean**2 + self.deviation**2) - 1.0 - np.log(precisions)
        return float(np.sum(0.5 * each - self.log_deviation))

    def divergence_gradient(self, precisions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of `divergence`, by μ and ρ."""
        return precisions * self.mean, precisions * self.deviation**2 - 1.0
