"""A world learned by a neural network: the change of the state, from normalised inputs.

    x = [φ(s); a],    x̃ = (x - μ_x) / σ_x,    Δ = μ_y + σ_y ⊙ f(x̃),    s' = s + Δ,

with f a perceptron (:mod:`mbrl_teach.models.perceptron`) and the four vectors taken from the training data
(:mod:`mbrl_teach.models.normalisation`). It is trained on the mean of squares of f(x̃) - (Δ - μ_y) / σ_y, with
a share of the data held back (:mod:`mbrl_teach.models.training`). The Jacobian in the world's units is

    dΔ/dx = diag(σ_y) f'(x̃) diag(σ_x)⁻¹.

The variance that `predict` gives is that of the residuals on the data held back (on all data if there are
none): one number for each coordinate, wherever it is asked. It is the noise, and an honest average of the
errors near the data; far from them the network is wrong and does not know it.

**Precision.** Planners call `dynamics` thousands of times, and in float32 it takes a third of the time. What
comes back is float64, but good to seven digits only. Whoever takes differences of it (a second derivative by
finite differences, a solver's last digits) takes ``dtype=np.float64``. `linearize` needs neither.

Source: Nagabandi, Kahn, Fearing & Levine, Neural Network Dynamics for Model-Based Deep Reinforcement Learning
with Model-Free Fine-Tuning (ICRA 2018), section IV.A-B; Chua et al., Deep Reinforcement Learning in a Handful
of Trials using Probabilistic Dynamics Models (NeurIPS 2018), section 4.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike

from mbrl_teach.arguments import require_count, require_generator
from mbrl_teach.models.dynamics_model import DynamicsModel, Regression
from mbrl_teach.models.encoding import Encoding
from mbrl_teach.models.normalisation import Normalisation
from mbrl_teach.models.perceptron import Perceptron
from mbrl_teach.models.training import Settings, Training, split, train


class NetworkRegression(Regression):
    """Y = f(X) + noise, f a perceptron between normalised columns; parameters as of :class:`NeuralNetwork`.

    Attributes after `fit`: network, inputs and targets (their Normalisation), noise (p,), training.
    """

    def __init__(
        self, rng: np.random.Generator, hidden: Sequence[int], dtype: DTypeLike, settings: dict[str, object]
    ):
        require_generator(rng)
        self.hidden = [require_count("hidden", width) for width in hidden]
        self.rng, self.dtype, self.settings = rng, np.dtype(dtype), Settings(**settings)
        if self.dtype.kind != "f":
            raise ValueError(f"dtype must be a type of real numbers, such as np.float32; got {self.dtype}")
        self.training: Training | None = None

    def fit(self, X, Y):
        """Train from new parameters. Fewer than ten rows are all trained on, and nothing stops early."""
        rows, validation = split(len(X), self.settings.validation_share, self.rng)
        self.inputs, self.targets = Normalisation.of(X[rows]), Normalisation.of(Y[rows])
        self.network = Perceptron([X.shape[1], *self.hidden, Y.shape[1]], self.rng, dtype=self.dtype)
        self.training = train(
            self.network,
            self.inputs.normalised(X).astype(self.dtype),
            self.targets.normalised(Y).astype(self.dtype),
            rows,
            validation,
            self.settings,
            self.rng,
        )
        unseen = validation if len(validation) else rows
        self.noise = np.mean((Y[unseen] - self.mean(X[unseen])) ** 2, axis=0)
        return self

    def mean(self, X):
        """(..., p), float64."""
        flat = self._network_inputs(X)
        return self.targets.restored(self.network.value(flat)).reshape(*X.shape[:-1], -1)

    def aleatoric(self, X):
        """(..., p), the same everywhere."""
        return np.broadcast_to(self.noise, (*X.shape[:-1], len(self.noise)))

    def jacobian(self, X):
        """(..., p, d), by the chain rule through both normalisations."""
        J = self.network.jacobian(self._network_inputs(X)) * (self.targets.std[:, None] / self.inputs.std)
        return J.reshape(*X.shape[:-1], *J.shape[-2:])

    def _network_inputs(self, X: np.ndarray) -> np.ndarray:
        return self.inputs.normalised(X.reshape(-1, X.shape[-1])).astype(self.dtype)


class NeuralNetwork(DynamicsModel):
    """s' = s + a perceptron of [φ(s); a].

    rng: where initial parameters and batches come from; each `fit` begins anew, and draws further from it
    hidden: widths of the hidden layers (tanh)
    encoding: φ, by default the state
    dtype: of the network, see above
    training: `learning_rate`, `steps`, … of :class:`mbrl_teach.models.training.Settings`

    Raises ValueError for settings out of range.
    """

    regression: NetworkRegression

    def __init__(
        self,
        *,
        rng: np.random.Generator,
        hidden: Sequence[int] = (64, 64),
        encoding: Encoding | None = None,
        dtype: DTypeLike = np.float32,
        **training: object,
    ):
        super().__init__(NetworkRegression(rng, hidden, dtype, training), encoding)

    @property
    def training(self) -> Training | None:
        """How the last training went; None before `fit`."""
        return self.regression.training
