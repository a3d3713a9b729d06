"""A world learned by Gaussian processes: one for each coordinate of the change.

    x = [φ(s); a],    x̃ = (x - μ_x) / σ_x,    Δ_j = c_j (f_j(x̃) + noise_j),    s'_j = s_j + Δ_j,

with f_j a process of its own (:mod:`mbrl_teach.models.gaussian_process`): coordinates differ in what they
depend on, and how smoothly. The f_j are independent given the data. c_j² is the mean square of Δ_j in the
data; nothing is subtracted from Δ_j, so that far from all data the model says: nothing changes, and the doubt
is c_j σ_f.

The aleatoric variance is c_j² σ_n², the same everywhere, the epistemic one c_j² (k_** - v'v).

A coordinate that never changed in the data has no scale and no noise to learn from: c_j is 1, and its two
variances end at the lowest that the optimisation allows, 1e-5. An input that was constant in the data is
taken as it is, with a length scale that nothing could be learned about.

Source: Deisenroth & Rasmussen, PILCO: A Model-Based and Data-Efficient Approach to Policy Search (ICML 2011),
section 2.1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from tqdm.auto import tqdm

from mbrl_teach.arguments import require_count, require_generator
from mbrl_teach.models.dynamics_model import DynamicsModel, Regression
from mbrl_teach.models.encoding import Encoding
from mbrl_teach.models.gaussian_process import GaussianProcess, PosteriorFunction
from mbrl_teach.models.normalisation import Normalisation


class IndependentProcesses(Regression):
    """Y_j = c_j (f_j(x̃) + noise_j); parameters as of :class:`GaussianProcessModel`.

    Attributes after `fit`: processes (a list of p), inputs (their Normalisation), units c (p,).
    """

    def __init__(
        self,
        signal_variance: float,
        lengthscales: ArrayLike,
        noise_variance: float,
        optimise: bool,
        max_points: int | None,
        rng: np.random.Generator | None,
        progress: bool | None,
    ):
        self.given = signal_variance, lengthscales, noise_variance
        GaussianProcess(*self.given)  # so that numbers out of range are refused before there are data
        if max_points is not None:
            require_count("max_points", max_points)
            require_generator(rng)
        self.optimise, self.max_points, self.rng, self.progress = optimise, max_points, rng, progress

    def fit(self, X, Y):
        """Each column's process, to the same rows."""
        if self.max_points is not None and len(X) > self.max_points:
            rows = self.rng.choice(len(X), int(self.max_points), replace=False)
            X, Y = X[rows], Y[rows]
        square = np.mean(Y**2, axis=0)
        self.inputs, self.units = Normalisation.of(X), np.sqrt(np.where(square > 0.0, square, 1.0))
        X, Y = self.inputs.normalised(X), Y / self.units
        hidden = None if self.progress is None else not self.progress
        columns = tqdm(Y.T, desc="Gaussian processes", leave=False, disable=hidden)
        self.processes = [GaussianProcess(*self.given).fit(X, y, self.optimise) for y in columns]
        return self

    def mean(self, X):
        """(..., p)."""
        X = self.inputs.normalised(X)
        return self.units * np.stack([process.mean(X) for process in self.processes], axis=-1)

    def aleatoric(self, X):
        """(..., p), the same everywhere."""
        noise = self.units**2 * [process.noise_variance for process in self.processes]
        return np.broadcast_to(noise, (*X.shape[:-1], len(noise)))

    def epistemic(self, X):
        """(..., p), of f."""
        X = self.inputs.normalised(X)
        return self.units**2 * np.stack([process.variance(X) for process in self.processes], axis=-1)

    def jacobian(self, X):
        """(..., p, d), by the chain rule through the units."""
        X = self.inputs.normalised(X)
        slopes = np.stack([process.jacobian(X) for process in self.processes], axis=-2)
        return slopes * (self.units[:, None] / self.inputs.std)

    def posterior_sample(self, rng):
        """A function drawn for each column, and the noise of each."""
        functions = [process.posterior_sample(rng) for process in self.processes]
        return DrawnFunctions(functions, self.inputs, self.units, self.aleatoric(np.empty(1)))


class DrawnFunctions(Regression):
    """Y_j = c_j f_j(x̃) + noise_j, with functions f_j that are known, and noise (p,) its variances."""

    def __init__(
        self,
        functions: Sequence[PosteriorFunction],
        inputs: Normalisation,
        units: np.ndarray,
        noise: np.ndarray,
    ):
        self.functions, self.inputs, self.units, self.noise = functions, inputs, units, noise

    def mean(self, X):
        """(..., p)."""
        X = self.inputs.normalised(X)
        return self.units * np.stack([function(X) for function in self.functions], axis=-1)

    def aleatoric(self, X):
        """(..., p), the same everywhere."""
        return np.broadcast_to(self.noise, (*X.shape[:-1], len(self.noise)))

    def jacobian(self, X):
        """(..., p, d)."""
        X = self.inputs.normalised(X)
        slopes = np.stack([function.jacobian(X) for function in self.functions], axis=-2)
        return slopes * (self.units[:, None] / self.inputs.std)


class GaussianProcessModel(DynamicsModel):
    """s' = s + c ⊙ f([φ(s); a]), each coordinate of f a Gaussian process.

    signal_variance, lengthscales, noise_variance: where the optimisation starts, or with optimise=False what
        is kept; in units of the normalised inputs and changes, so 1 is what the data vary by
    max_points: the most steps that are learned from, drawn at random by `rng` from those given; None: all
    progress: whether to show a bar over the coordinates; None: in a terminal or JupyterLab, not in a log
    encoding: φ, by default the state

    Raises ValueError for settings out of range, and when fitted as :class:`GaussianProcess` does.
    """

    regression: IndependentProcesses

    def __init__(
        self,
        *,
        signal_variance: float = 1.0,
        lengthscales: ArrayLike = 2.0,
        noise_variance: float = 0.01,
        optimise: bool = True,
        max_points: int | None = None,
        rng: np.random.Generator | None = None,
        progress: bool | None = None,
        encoding: Encoding | None = None,
    ):
        given = signal_variance, lengthscales, noise_variance
        super().__init__(IndependentProcesses(*given, optimise, max_points, rng, progress), encoding)

    @property
    def processes(self) -> list[GaussianProcess]:
        """One for each coordinate of the state. Raises ValueError before `fit`."""
        self._require_data()
        return self.regression.processes
