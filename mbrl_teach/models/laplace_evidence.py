"""How sure the data make of a network's parameters, and of how much noise: Laplace and MacKay.

Data X (N, d), Y (N, p), noise N(0, v_k) in output k, prior N(0, 1/(α t_j)) of parameter θ_j
(:mod:`mbrl_teach.models.weight_prior`). The minimum θ* of minus the posterior's logarithm, M(θ), is found in
:mod:`mbrl_teach.models.most_probable`. Around it M is replaced by a parabola; with f replaced by its tangent
at θ*, the parabola's curvature needs first derivatives only,

    A = sum_ik J_ik' J_ik / v_k + α diag(t)           (generalised Gauss-Newton),         θ ~ N(θ*, A⁻¹).

**How many parameters the data determine.** For the outputs of each noise,

    γ_k = sum_i J_ik A⁻¹ J_ik' / v_k,        γ = sum_k γ_k <= P:

each direction of θ counts by the share of its precision that the data give. The evidence

    log p(Y) ≈ -M(θ*) - 1/2 log|A| + 1/2 sum_j log(α t_j) - N/2 sum_k log(2π v_k)

has derivatives of zero by α and v_k, for the θ* and J at hand, where

    α = γ / sum_j t_j θ*_j²,        v_k = sum_i (y_ik - f_k)² / (N - γ_k).

The second is known: a fit uses up γ_k of the N residuals. So one alternates: minimise M, set α and v. No data
are held back, and nothing needs to stop early. For a network without hidden layers the posterior and the
evidence are exact: it is Bayesian linear regression.

Both are estimated with one more parameter, of size 1, and one more residual, of a hundredth, so that a single
step, or targets that never change, give numbers and not 0/0.

Source: MacKay, A Practical Bayesian Framework for Backpropagation Networks (Neural Computation 4, 1992);
Bishop, Pattern Recognition and Machine Learning (2006), section 5.7; Immer et al. (AISTATS 2021), section 2,
for the Gauss-Newton matrix.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import cholesky, solve_triangular

from mbrl_teach.models.linearized_network import parameter_jacobian
from mbrl_teach.models.most_probable import FIRST_NOISE, LEAST_NOISE, most_probable
from mbrl_teach.models.perceptron import Perceptron
from mbrl_teach.models.weight_prior import prior_precisions

BLOCK = 4_000_000  # numbers in a block of rows of J: 32 MB


@dataclass(frozen=True)
class Laplace:
    """θ ~ N(θ*, A⁻¹), with the network at θ*.

    factor: L (P, P), lower, A = L L'
    prior_precision: α; noise: v (p,)
    determined: γ_k (p,), of how many parameters each output's data are sure
    log_evidence: see the module
    """

    network: Perceptron
    factor: np.ndarray
    prior_precision: float
    noise: np.ndarray
    determined: np.ndarray
    log_evidence: float

    def variance(self, x: np.ndarray) -> np.ndarray:
        """Diagonal (N, p) of J A⁻¹ J' at inputs (N, d): of the network's tangent at θ*."""
        N, p = len(x), self.network.sizes[-1]
        variance = np.empty((N, p))
        for rows in _blocks(N, p * len(self.factor)):
            J = parameter_jacobian(self.network, x[rows])
            half = solve_triangular(self.factor, J.reshape(-1, len(self.factor)).T, lower=True)
            variance[rows] = (half * half).sum(axis=0).reshape(-1, p)
        return variance

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """θ - θ* (P,), drawn from N(0, A⁻¹)."""
        return solve_triangular(self.factor, rng.standard_normal(len(self.factor)), lower=True, trans="T")


def laplace(
    network: Perceptron,
    X: np.ndarray,
    Y: np.ndarray,
    *,
    prior_precision: float | None = None,
    noise: np.ndarray | None = None,
    rounds: int = 4,
    iterations: int = 300,
) -> Laplace:
    """Find θ* from the network's parameters, which are changed, and the posterior about it.

    prior_precision: α, noise: v (p,); None: by the evidence, in so many `rounds`
    iterations: of L-BFGS, the most for each minimum; 0: the parameters stay as they are
    """
    t = prior_precisions(network)
    alpha = 1.0 if prior_precision is None else prior_precision
    v = FIRST_NOISE * np.ones(Y.shape[1]) if noise is None else np.asarray(noise)
    found = _posterior(network, X, Y, alpha, v, t, iterations)
    for _ in range(rounds - 1 if prior_precision is None or noise is None else 0):
        if prior_precision is None:
            alpha = (1.0 + found.determined.sum()) / (1.0 + np.sum(t * network.parameters**2))
        if noise is None:
            errors = np.sum((network.value(X) - Y) ** 2, axis=0)
            v = (LEAST_NOISE + errors) / (1.0 + len(X) - found.determined)
        found = _posterior(network, X, Y, alpha, v, t, iterations)
    return found


def _posterior(network, X, Y, alpha, v, t, iterations) -> Laplace:
    """Minimise M for these α and v; A, γ_k and the evidence at the minimum."""
    M = most_probable(network, X, Y, alpha * t, v, iterations)
    A = np.diag(alpha * t)
    for rows in _blocks(len(X), Y.shape[1] * len(t)):
        J = (parameter_jacobian(network, X[rows]) / np.sqrt(v)[:, None]).reshape(-1, len(t))
        A += J.T @ J
    factor = cholesky(A, lower=True, overwrite_a=True)
    log_evidence = 0.5 * np.sum(np.log(alpha * t)) - np.sum(np.log(np.diag(factor))) - M
    log_evidence -= 0.5 * len(X) * np.sum(np.log(2.0 * np.pi * v))
    found = Laplace(network, factor, alpha, v, np.empty(0), float(log_evidence))
    return replace(found, determined=found.variance(X).sum(axis=0) / v)


def _blocks(N: int, row: int) -> Iterator[slice]:
    """Slices of N rows, each row of so many numbers, that fit into a block."""
    size = max(1, BLOCK // row)
    return (slice(start, start + size) for start in range(0, N, size))
