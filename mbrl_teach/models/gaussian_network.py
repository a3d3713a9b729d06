"""A network that says how sure it is of the noise: a mean and a variance for each target.

    x̃ = (x - μ_x) / σ_x,    [μ̃; ρ] = f(x̃),    Δ ~ N(μ_y + σ_y ⊙ μ̃,  σ_y² ⊙ σ²(ρ)),

with f a perceptron, σ²(ρ) the softly bounded variance of :mod:`mbrl_teach.models.losses`, and the
normalisation of the training data. The variance is the world's noise where the network has learned it, and
different from place to place; it knows nothing of what has not been seen. That takes several such networks:
:mod:`mbrl_teach.models.ensemble`.

Source: Nix & Weigend, Estimating the mean and variance of the target probability distribution (ICNN 1994).
"""

from __future__ import annotations

import numpy as np

from mbrl_teach.models.dynamics_model import Regression
from mbrl_teach.models.losses import GaussianLikelihood
from mbrl_teach.models.normalisation import Normalisation
from mbrl_teach.models.perceptron import Perceptron
from mbrl_teach.models.prediction import Prediction


class GaussianNetwork(Regression):
    """Y ~ N(μ(X), σ²(X)), both from one trained network; of an ensemble all at once, or one member.

    network: with members, then everything that comes back has their axis first, or without
    """

    def __init__(
        self,
        network: Perceptron,
        likelihood: GaussianLikelihood,
        inputs: Normalisation,
        targets: Normalisation,
    ):
        self.network, self.likelihood = network, likelihood
        self.inputs, self.targets = inputs, targets

    def moments(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """μ and σ² (*members, ..., p) at `X` (..., d), from one forward pass."""
        return self.moments_of_outputs(self.network.value(self.network_inputs(X)), X.shape[:-1])

    def network_inputs(self, X: np.ndarray) -> np.ndarray:
        """`X` (..., d), normalised and flat (N, d), as the network takes it."""
        return self.inputs.normalised(X.reshape(-1, X.shape[-1])).astype(self.network.parameters.dtype)

    def moments_of_outputs(self, f: np.ndarray, rows: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """μ and σ² (*members, *rows, p) in the targets' units, of outputs (*members, N, 2p)."""
        mean, variance = self.likelihood.moments(f)
        shape = (*mean.shape[:-2], *rows, mean.shape[-1])
        return self.targets.restored(mean).reshape(shape), (variance * self.targets.std**2).reshape(shape)

    def mean(self, X):
        """(*members, ..., p), float64."""
        p = len(self.targets.std)
        mean = self.targets.restored(self.network.value(self.network_inputs(X))[..., :p])
        return mean.reshape(*mean.shape[:-2], *X.shape[:-1], p)

    def aleatoric(self, X):
        """(*members, ..., p)."""
        return self.moments(X)[1]

    def predict(self, X):
        """Without doubt of its own."""
        mean, variance = self.moments(X)
        return Prediction(mean, variance, np.zeros_like(variance))

    def jacobian(self, X):
        """dμ/dX (*members, ..., p, d)."""
        p = len(self.targets.std)
        J = self.network.jacobian(self.network_inputs(X))[..., :p, :]
        J = J * (self.targets.std[:, None] / self.inputs.std)
        return J.reshape(*J.shape[:-3], *X.shape[:-1], *J.shape[-2:])
