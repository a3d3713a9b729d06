"""A trained network whose last layer is Bayesian: learned features, and a closed form on top.

    Δ = W' [h(x̃); 1] + noise,        h(x̃) = the network's last hidden layer.

The network is trained as :class:`mbrl_teach.models.network.NeuralNetwork` is. Then h is taken as given, and
its last layer is fitted again, by Bayesian linear regression with unknown noise
(:mod:`mbrl_teach.models.linear_gaussian`): the posterior mean of W becomes the last layer, the doubt
h' Λ⁻¹ h the epistemic variance. Against all parameters (:mod:`mbrl_teach.models.linearized_laplace`) this is
K numbers instead of P, and as quick as features are. Its doubt is smaller: of what the layers below might
have been otherwise it knows nothing, and inputs that they map to the same h are the same to it.

The prior precision is that of the greatest evidence among a few. All data are used for W, those held back for
early stopping too: on the others alone, to which h is fitted, the noise would look smaller than it is.

Source: Bishop, Pattern Recognition and Machine Learning (2006), section 3.3; Snoek et al., Scalable Bayesian
Optimization Using Deep Neural Networks (ICML 2015), section 3 (a Bayesian last layer); Kristiadi, Hein &
Hennig, Being Bayesian, Even Just a Bit, Fixes Overconfidence in ReLU Networks (ICML 2020).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike

from mbrl_teach.models.bayesian_features import PRECISIONS
from mbrl_teach.models.dynamics_model import DynamicsModel
from mbrl_teach.models.encoding import Encoding
from mbrl_teach.models.linear_gaussian import BayesianLinear
from mbrl_teach.models.network import NetworkRegression
from mbrl_teach.models.normalised_regression import nothing_varies
from mbrl_teach.models.training import Training


class LastLayerRegression(NetworkRegression):
    """Y = W' [h(X); 1] + noise. Attribute after `fit`, beside the network's: linear, fitted between
    normalised targets and h.
    """

    def fit(self, X, Y):
        """Train the network; then the posterior of its last layer."""
        super().fit(X, Y)
        h, targets = self.last_hidden(X), self.targets.normalised(Y)
        precisions = PRECISIONS[:1] if nothing_varies(targets) else PRECISIONS  # the loosest, without a scale
        candidates = (BayesianLinear(precision).fit(h, targets) for precision in precisions)
        self.linear = max(candidates, key=lambda one: one.log_evidence)
        self._set_last_layer(self.linear.M)
        return self

    def last_hidden(self, X: np.ndarray) -> np.ndarray:
        """h (..., K), float64."""
        h = self.inputs.normalised(X).astype(self.dtype)
        for W, b in self.network.layers[:-1]:
            h = np.tanh(h @ W + b[0])
        return h.astype(np.float64)

    def aleatoric(self, X):
        """(..., p), the same everywhere."""
        return self.linear.aleatoric(X) * self.targets.std**2

    def epistemic(self, X):
        """(..., p), by the doubt h' Λ⁻¹ h."""
        return self.linear.epistemic(self.last_hidden(X)) * self.targets.std**2

    def posterior_sample(self, rng):
        """The same hidden layers, with a last one and its noise drawn from the posterior."""
        drawn = copy.copy(self)
        drawn.linear = self.linear.posterior_sample(rng)
        drawn.network = copy.copy(self.network)
        drawn.network.parameters = self.network.parameters.copy()
        drawn.network.layers = drawn.network.views(drawn.network.parameters)
        drawn._set_last_layer(drawn.linear.W)
        return drawn

    def _set_last_layer(self, weights: np.ndarray) -> None:
        W, b = self.network.layers[-1]
        W[...], b[...] = weights[:-1], weights[-1]


class LastLayerNetwork(DynamicsModel):
    """s' = s + a perceptron of [φ(s); a] with a posterior of its last layer; settings as of `NeuralNetwork`.

    Raises ValueError for settings out of range.
    """

    regression: LastLayerRegression

    def __init__(
        self,
        *,
        rng: np.random.Generator,
        hidden: Sequence[int] = (64, 64),
        encoding: Encoding | None = None,
        dtype: DTypeLike = np.float32,
        **training: object,
    ):
        super().__init__(LastLayerRegression(rng, hidden, dtype, training), encoding)

    @property
    def training(self) -> Training | None:
        """How the last training of the whole network went; None before `fit`."""
        return self.regression.training
