"""Probabilistic ensembles: networks that know the noise, and disagree about what they have not seen.

Each of E members is a network with two outputs for each coordinate, a mean and a variance, trained by its
Gaussian likelihood (:mod:`mbrl_teach.models.losses`). The ensemble says that each may be right:

    p(Δ | x) = 1/E sum_e N(μ_e(x), σ_e²(x)).

Its moments are those of a mixture, by the law of total variance:

    mean        μ   = 1/E sum_e μ_e
    aleatoric         1/E sum_e σ_e²             what each member calls noise
    epistemic         1/E sum_e (μ_e - μ)²       what they disagree about

Members agree where there are data, since these have taught them all the same. Elsewhere each goes on as its
initial weights would have it. *Bootstrap*: each member gets its own N rows, drawn with replacement from the
N; so they differ about the data too, where few decide. Whether that helps is a question to data, not to
principle: initial weights and batches alone already make members differ, and with replacement a member never
sees a third of the rows. In a world of one coordinate with noise, over 20 seeds, with and without:

    steps     error of the mean     coverage of 90 % intervals     mean log-density
      100       0.43     0.30              0.90     0.85             -0.65    -0.45
      300       0.19     0.18              0.90     0.90             -0.10    -0.06
     1000       0.16     0.15              0.91     0.91              0.00     0.01

A mixture is not normal. Its quantiles, unlike μ ± 1.645 σ, lie where its distribution function says
(:meth:`ProbabilisticEnsemble.quantiles`), and two of its members may both be right though nothing between
them is: plan with draws, not with moments (:mod:`mbrl_teach.models.trajectory_sampling`).

Source: Lakshminarayanan, Pritzel & Blundell, Simple and Scalable Predictive Uncertainty Estimation using Deep
Ensembles (NeurIPS 2017), section 2.4; Chua et al., Deep Reinforcement Learning in a Handful of Trials using
Probabilistic Dynamics Models (NeurIPS 2018), sections 4 and 5.1; Efron & Tibshirani, An Introduction to the
Bootstrap (1993), chapter 6.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from mbrl_teach.arguments import read_array, require_count, require_generator
from mbrl_teach.models.activations import SILU
from mbrl_teach.models.dynamics_model import DynamicsModel, Regression
from mbrl_teach.models.encoding import Encoding
from mbrl_teach.models.gaussian_network import GaussianNetwork
from mbrl_teach.models.losses import GaussianLikelihood
from mbrl_teach.models.mixture import mixture_log_density, mixture_moments, mixture_quantiles
from mbrl_teach.models.normalisation import Normalisation
from mbrl_teach.models.perceptron import Perceptron
from mbrl_teach.models.training import Settings, Training, split, train

TRAINING: dict[str, object] = {"learning_rate": 1e-2, "steps": 1000}


class EnsembleRegression(Regression):
    """The mixture of E networks; parameters as of :class:`ProbabilisticEnsemble`.

    Attributes after `fit`: all, the members together, and each, one by one; training.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        members: int,
        hidden: Sequence[int],
        bootstrap: bool,
        likelihood: GaussianLikelihood,
        dtype: DTypeLike,
        settings: dict[str, object],
    ):
        require_generator(rng)
        self.size = require_count("members", members)
        self.hidden = [require_count("hidden", width) for width in hidden]
        self.rng, self.bootstrap, self.likelihood = rng, bootstrap, likelihood
        self.dtype, self.settings = np.dtype(dtype), Settings(**settings)
        if self.dtype.kind != "f":
            raise ValueError(f"dtype must be a type of real numbers, such as np.float32; got {self.dtype}")
        self.training: Training | None = None

    def fit(self, X, Y):
        """Train all members from new parameters, on the same rows or, with bootstrap, each on its own."""
        rows, validation = split(len(X), self.settings.validation_share, self.rng)
        inputs, targets = Normalisation.of(X[rows]), Normalisation.of(Y[rows])
        sizes = [X.shape[1], *self.hidden, self.likelihood.outputs(Y.shape[1])]
        network = Perceptron(sizes, self.rng, members=(self.size,), activation=SILU, dtype=self.dtype)
        self.training = train(
            network,
            inputs.normalised(X).astype(self.dtype),
            targets.normalised(Y).astype(self.dtype),
            resampled(rows, self.size, self.rng) if self.bootstrap else reordered(rows, self.size, self.rng),
            validation,
            self.settings,
            self.rng,
            self.likelihood,
        )
        self.all = GaussianNetwork(network, self.likelihood, inputs, targets)
        self.each = [
            GaussianNetwork(network.member(e), self.likelihood, inputs, targets) for e in range(self.size)
        ]
        return self

    def predict(self, X):
        """The mixture's moments (..., p), from one forward pass."""
        return mixture_moments(*self.all.moments(X))

    def mean(self, X):
        """(..., p)."""
        return self.all.mean(X).mean(axis=0)

    def aleatoric(self, X):
        """(..., p)."""
        return self.predict(X).aleatoric

    def epistemic(self, X):
        """(..., p)."""
        return self.predict(X).epistemic

    def jacobian(self, X):
        """d mean / dX (..., p, d)."""
        return self.all.jacobian(X).mean(axis=0)

    def sample(self, X, rng, members=None):
        """New targets (..., p), row by row from the member that `members` (...) names; None: from any."""
        if members is None:
            members = rng.integers(self.size, size=X.shape[:-1])
        mean, variance = self.moments_of(X, members)
        return mean + np.sqrt(variance) * rng.standard_normal(mean.shape, dtype=np.float32)

    def moments_of(self, X: np.ndarray, members: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """μ and σ² (..., p) at `X` (..., d), each row asked of one member only."""
        x, asked = self.all.network_inputs(X), members.ravel()
        f = np.empty((len(x), self.all.network.sizes[-1]), x.dtype)
        for e, member in enumerate(self.each):
            rows = np.flatnonzero(asked == e)
            f[rows] = member.network.value(x[rows])
        return self.all.moments_of_outputs(f, X.shape[:-1])

    def posterior_sample(self, rng):
        """One of the members."""
        return self.each[rng.integers(self.size)]


def resampled(rows: np.ndarray, members: int, rng: np.random.Generator) -> np.ndarray:
    """The bootstrap (members, N): for each member N of the N rows, drawn with replacement."""
    return rng.choice(rows, size=(members, len(rows)), replace=True)


def reordered(rows: np.ndarray, members: int, rng: np.random.Generator) -> np.ndarray:
    """All rows for each member (members, N), in an order of its own, so that their batches differ."""
    return rng.permuted(np.tile(rows, (members, 1)), axis=1)


class ProbabilisticEnsemble(DynamicsModel):
    """s' = s + Δ, Δ from a mixture of E networks, each N(μ_e, σ_e²) of [φ(s); a].

    rng: where initial parameters, rows and batches come from; each `fit` begins anew, and draws further
    members E; hidden: widths of their hidden layers (SiLU, as in PETS)
    bootstrap: whether each learns from rows of its own, see the module
    encoding: φ, by default the state
    log_variance_bounds: of the noise, in units of the targets' variance, see mbrl_teach.models.losses. A
        target that never changed in the data counts with deviation 1
    dtype: of the networks; float32 is what planners want
    training: `learning_rate`, `steps`, … of :class:`mbrl_teach.models.training.Settings`; unless given, 1000
        steps from a rate of 1e-2. At 2e-3 a likelihood first calls everything noise, and takes long to learn
        from it what it can

    Raises ValueError for settings out of range.
    """

    regression: EnsembleRegression

    def __init__(
        self,
        *,
        rng: np.random.Generator,
        members: int = 5,
        hidden: Sequence[int] = (64, 64),
        bootstrap: bool = True,
        encoding: Encoding | None = None,
        log_variance_bounds: tuple[float, float] = (-6.0, 0.5),
        dtype: DTypeLike = np.float32,
        **training: object,
    ):
        likelihood, training = GaussianLikelihood(*log_variance_bounds), TRAINING | training
        super().__init__(
            EnsembleRegression(rng, members, hidden, bootstrap, likelihood, dtype, training), encoding
        )

    @property
    def member_count(self) -> int:
        """E."""
        return self.regression.size

    @property
    def members(self) -> list[DynamicsModel]:
        """Each member as a model of its own: sure of itself, but for noise."""
        self._require_data()
        return [self._world_of(network) for network in self.regression.each]

    @property
    def training(self) -> Training | None:
        """How the last training went, with a loss for each member; None before `fit`."""
        return self.regression.training

    def sample(
        self,
        states: ArrayLike,
        actions: ArrayLike,
        rng: np.random.Generator,
        members: ArrayLike | None = None,
    ) -> np.ndarray:
        """Next states (..., n): for each row a member is drawn, then a state from it.

        members (...): which member to ask, 0 … E-1, or None to draw it

        Raises ValueError like `predict`, and for members that do not exist.
        """
        require_generator(rng)
        s, a = self._read(states, actions)
        X = self.inputs(s, a)
        if members is not None:
            members = self._read_members(members, X.shape[:-1])
        return s + self.regression.sample(X, rng, members)

    def quantiles(self, states: ArrayLike, actions: ArrayLike, probabilities: ArrayLike) -> np.ndarray:
        """Quantiles (K, ..., n) of each next coordinate's mixture, at `probabilities` (K,) in (0, 1).

        Raises ValueError like `predict`, and for probabilities out of range.
        """
        s, a = self._read(states, actions)
        return s + mixture_quantiles(*self.regression.all.moments(self.inputs(s, a)), probabilities)

    def log_density(self, states: ArrayLike, actions: ArrayLike, next_states: ArrayLike) -> np.ndarray:
        """log p (..., n) of each next coordinate under its mixture. Raises ValueError like `predict`."""
        s, a = self._read(states, actions)
        s_next = read_array("next_states", next_states, "... n", {"n": self.state_size})
        change = self.encoding.difference(s_next, s)
        return mixture_log_density(*self.regression.all.moments(self.inputs(s, a)), change)

    def _read_members(self, members: ArrayLike, shape: tuple[int, ...]) -> np.ndarray:
        members = np.asarray(members)
        if members.dtype.kind not in "iu" or members.shape != shape:
            raise ValueError(
                f"members must be whole numbers of shape {shape}; got {members.dtype} {members.shape}"
            )
        if members.size and not 0 <= members.min() <= members.max() < self.member_count:
            raise ValueError(
                f"members must be from 0 to {self.member_count - 1}; got {members.min()} … {members.max()}"
            )
        return members
