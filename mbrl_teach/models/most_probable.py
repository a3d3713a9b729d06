"""The most probable parameters of a network: the minimum of its errors' squares and a prior's.

For noise N(0, v_k) in output k and a prior N(0, 1/τ_j) of parameter θ_j, minus the posterior's logarithm is,
but for a constant,

    M(θ) = sum_ik (y_ik - f_k(x_i; θ))² / (2 v_k)  +  1/2 sum_j τ_j θ_j².

All rows enter each step, so M is a function like any other, and L-BFGS brings its gradient to zero: what
follows, a parabola at the minimum, needs just that. (Adam on batches, :mod:`mbrl_teach.models.training`, is
for large data, and stops where data held back say so.)

Source: MacKay, A Practical Bayesian Framework for Backpropagation Networks (Neural Computation 4, 1992);
Nocedal & Wright, Numerical Optimization (2006), section 7.2 (L-BFGS).
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from mbrl_teach.models.perceptron import Perceptron

FIRST_NOISE = 1e-2  # v before the first estimate, of targets with variance 1
LEAST_NOISE = 1e-4  # what the one residual that is known before any data is worth


class KnownNoise:
    """The loss sum (f - y)² / (2 v), over all rows; `variance` v (p,)."""

    def __init__(self, variance: np.ndarray):
        self.variance = variance

    def value(self, f, y):
        """The loss (*members)."""
        return 0.5 * np.sum((f - y) ** 2 / self.variance, axis=(-2, -1))

    def slope(self, f, y):
        """The loss (*members), and (f - y) / v."""
        error = f - y
        scaled = error / self.variance
        return 0.5 * np.sum(error * scaled, axis=(-2, -1)), scaled


def most_probable(
    network: Perceptron,
    X: np.ndarray,
    Y: np.ndarray,
    precisions: np.ndarray,
    noise: np.ndarray,
    iterations: int = 300,
) -> float:
    """Bring the network from where it is to a minimum of M; return M there.

    precisions: τ (P,); noise: v (p,)
    iterations: of L-BFGS, at most; 0: the parameters stay as they are
    """
    gradient, loss = np.empty_like(network.parameters), KnownNoise(noise)
    layers = network.views(gradient)

    def objective(theta: np.ndarray) -> tuple[float, np.ndarray]:
        network.parameters[...] = theta
        value = network.gradient(X, Y, layers, loss)
        return float(value + 0.5 * np.sum(precisions * theta**2)), gradient + precisions * theta

    start = network.parameters.copy()
    if iterations == 0:
        return objective(start)[0]
    options = {"maxiter": iterations, "maxfun": 2 * iterations, "maxcor": 30, "ftol": 1e-12, "gtol": 1e-6}
    found = minimize(objective, start, jac=True, method="L-BFGS-B", options=options)
    network.parameters[...] = found.x
    return float(found.fun)
