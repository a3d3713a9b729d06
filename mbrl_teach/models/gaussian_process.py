"""Gaussian process regression: a distribution over functions, conditioned on what was seen of one of them.

A function f is drawn from a process if its values at any inputs are jointly normal, here with mean zero and
covariance k (:mod:`mbrl_teach.models.squared_exponential`). Of f we have seen y = f(X) + noise, N times, with
noise ~ N(0, σ_n²). At an input x_*, y and f_* = f(x_*) are jointly normal,

    [ y  ]         [ K      k_*  ]
    [ f_*]  ~ N(0, [ k_*'   k_** ]),      K = k(X, X) + σ_n² I,    k_* = k(X, x_*),    k_** = k(x_*, x_*),

so f_* given y is normal too. With K = L L', α = K⁻¹ y and v = L⁻¹ k_*

    mean       k_*' α
    variance   k_** - v'v.

The mean is a sum of bumps, one at each input seen. The variance is doubt alone, without the noise of a new
target; it does not depend on y, and away from all data it is k_**, as if nothing had been seen.

**Functions drawn from the posterior** come by Matheron's rule: draw f from the prior and noise ε, look by how
much it misses y, and add what the mean would be of that:

    f_posterior(x) = f(x) + k(x, X) K⁻¹ (y - f(X) - ε).

f is a sum of random waves, so a draw is a function that can be asked anywhere, again and again, and answers
the same: a planner's world.

**Hyperparameters** σ_f², ℓ and σ_n² are those of the highest marginal likelihood
(:mod:`mbrl_teach.models.marginal_likelihood`), or those given.

**Costs and limits.** K has N² numbers of 8 bytes, and L takes N³/3 steps. More than `MOST_ROWS` rows are
refused, and so are equal inputs with hardly any noise: nothing is left out or added in silence.

Source: Rasmussen & Williams, Gaussian Processes for Machine Learning (2006), equations 2.23-2.24 and
algorithm 2.1; Wilson et al., Efficiently Sampling Functions from Gaussian Process Posteriors (ICML 2020),
equations 10 and 13.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg.blas import dtrmm
from scipy.linalg.lapack import dtrtri

from mbrl_teach.arguments import (
    read_array,
    read_arrays,
    require_at_least_one,
    require_count,
    require_generator,
    require_positive,
)
from mbrl_teach.models import marginal_likelihood as evidence
from mbrl_teach.models.blocks import in_blocks
from mbrl_teach.models.squared_exponential import SquaredExponential, Waves

MOST_ROWS = 10_000  # K is 0.8 GB then, and a step of the optimisation needs four of that size
UNSOLVED = 1e-6  # of the largest target


class GaussianProcess:
    """f with kernel k, seen through noise.

    signal_variance: σ_f², in squared units of the targets
    lengthscales: ℓ (d,), or one number for all d, in units of the inputs
    noise_variance: σ_n²; it must be positive, and where inputs are equal more than 1e-14 N σ_f²
    bounds: lowest and highest value of each in the optimisation; None: 1e-5 and 1e5, or if these are in the
        way, the same in the units of the data (mean square of the targets, deviation of an input)

    Before `fit` it is the prior. Attributes: signal_variance, lengthscales (d,), noise_variance, as given or
    as found by `fit`; after it inputs (N, d), targets (N,), L (N, N), alpha (N,) and `optimisation`, None
    if there was none.

    Raises ValueError for numbers that are not positive, and bounds that are none.
    """

    def __init__(
        self,
        signal_variance: float = 1.0,
        lengthscales: ArrayLike = 1.0,
        noise_variance: float = 0.1,
        *,
        bounds: tuple[float, float] | None = None,
    ):
        ell = np.atleast_1d(
            read_array("lengthscales", lengthscales, "d" if np.ndim(lengthscales) else "", {})
        )
        for name, value in {"signal_variance": signal_variance, "noise_variance": noise_variance}.items():
            require_positive(**{name: float(read_array(name, value, "", {}))})
        require_positive(lengthscales=ell.min(initial=np.inf))
        if bounds is not None and not 0.0 < bounds[0] <= bounds[1] < np.inf:
            raise ValueError(f"bounds must be two positive numbers in order; got {bounds}")
        self.bounds = bounds
        self._given = SquaredExponential(float(signal_variance), ell), float(noise_variance)
        self.kernel, self.noise_variance = self._given
        self._sizes = {"d": len(ell)} if np.ndim(lengthscales) else {}
        self.inputs, self.L = np.empty((0, len(ell))), np.empty((0, 0))
        self.targets = self.alpha = np.empty(0)
        self._L_inverse: np.ndarray | None = None
        self.optimisation: evidence.Optimisation | None = None

    @property
    def signal_variance(self) -> float:
        """σ_f²."""
        return self.kernel.signal_variance

    @property
    def lengthscales(self) -> np.ndarray:
        """ℓ (d,); (1,) before `fit`, if one number was given for all."""
        return self.kernel.lengthscales

    def fit(
        self,
        inputs: ArrayLike,
        targets: ArrayLike,
        optimise: bool = True,
        *,
        callback: Callable[[float], None] | None = None,
    ) -> Self:
        """Forget everything, and learn from inputs (N, d) and targets (N,); returns itself.

        optimise: search for hyperparameters, from those given to the constructor; False: keep these. A single
            row says nothing of them: they are kept
        callback: called with the log marginal likelihood after each step of each search

        Raises ValueError for arrays that do not fit together, hold NaN or infinity or no row, or more than
        `MOST_ROWS`, and for a kernel matrix that is singular to working precision.
        """
        sizes = dict(self._sizes)
        X, y = read_arrays({"inputs": (inputs, "N d"), "targets": (targets, "N")}, sizes).values()
        require_at_least_one("inputs", X, sizes)
        _require_memory(X)
        signal_variance, ell = self._given[0].signal_variance, self._given[0].lengthscales
        kernel, noise_variance = SquaredExponential(signal_variance, np.full(sizes["d"], ell)), self._given[1]
        optimisation = None
        if optimise and len(X) > 1:
            theta = evidence.pack(kernel, noise_variance)
            theta, optimisation = evidence.maximise(theta, X, y, self.bounds, callback)
            kernel, noise_variance = evidence.unpack(theta)
        K_f, L = evidence.factorise(kernel, noise_variance, X)
        alpha = evidence.solve(L, y)
        _require_solved(K_f @ alpha + noise_variance * alpha, y, noise_variance)
        self.kernel, self.noise_variance, self.optimisation = kernel, noise_variance, optimisation
        self.inputs, self.targets, self.L, self.alpha = X.copy(), y.copy(), L, alpha
        self._L_inverse = None
        return self

    def predict(self, inputs: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Mean and variance (M,) of f at inputs (M, d); leading axes (..., d) are kept.

        Before `fit` these are the prior's. Raises ValueError for wrong shapes, NaN or infinity.
        """
        fitted = len(self.targets)
        X = read_array(
            "inputs", inputs, "... d", {"d": len(self.lengthscales)} if fitted else dict(self._sizes)
        )
        if not fitted:
            return np.zeros(X.shape[:-1]), np.full(X.shape[:-1], self.signal_variance)
        return self.mean(X), self.variance(X)

    def mean(self, X: np.ndarray) -> np.ndarray:
        """k_*'α (...) at X (..., d), without checks."""
        return in_blocks(lambda X: self.kernel(X, self.inputs) @ self.alpha, X, len(self.inputs))

    def variance(self, X: np.ndarray) -> np.ndarray:
        """k_** - v'v (...) at X (..., d), without checks.

        L⁻¹ is made once: a planner asks often, and a product with it takes a third of the time of solving.
        """
        if self._L_inverse is None:
            self._L_inverse = dtrtri(self.L, lower=1)[0]

        def of_block(X):
            v = dtrmm(1.0, self._L_inverse, self.kernel(X, self.inputs).T, lower=1, overwrite_b=1)
            return np.maximum(self.signal_variance - np.einsum("nm,nm->m", v, v), 0.0)

        return in_blocks(of_block, X, len(self.inputs))

    def jacobian(self, X: np.ndarray) -> np.ndarray:
        """d mean / dx (..., d) at X (..., d), without checks."""
        of_block = lambda X: self.kernel.weighted_slope(X, self.inputs, self.alpha)
        return in_blocks(of_block, X, len(self.inputs), X.shape[-1:])

    def log_marginal_likelihood(self) -> float:
        """log p(y | X) of the data and the hyperparameters at hand. Raises ValueError before `fit`."""
        self._require_data()
        return evidence.log_marginal_likelihood(self.L, self.alpha, self.targets)

    def log_marginal_likelihood_gradient(self) -> np.ndarray:
        """(d+2,), by log [σ_f², ℓ_1 … ℓ_d, σ_n²]. Raises ValueError before `fit`."""
        self._require_data()
        theta = evidence.pack(self.kernel, self.noise_variance)
        return evidence.value_and_gradient(theta, self.inputs, self.targets)[1]

    def posterior_sample(self, rng: np.random.Generator, *, features: int = 1024) -> PosteriorFunction:
        """A function drawn from the posterior, before `fit` from the prior: (M, d) -> (M,).

        features: cosines and sines of the prior's draw. Its covariance misses k by about √(2/features) σ_f²

        Raises ValueError before `fit`, if one number was given for all length scales.
        """
        require_generator(rng)
        if not (self._sizes or len(self.targets)):
            raise ValueError("lengthscales must have shape (d,) for draws from the prior; got one number")
        half = require_count("features", features, at_least=2) // 2
        waves = self.kernel.waves(2 * half, rng)
        weights = rng.standard_normal(2 * half)
        noise = np.sqrt(self.noise_variance) * rng.standard_normal(len(self.targets))
        missed = self.targets - waves.weighted(self.inputs, weights) - noise
        return PosteriorFunction(self.kernel, self.inputs, evidence.solve(self.L, missed), waves, weights)

    def _require_data(self) -> None:
        if not len(self.targets):
            raise ValueError(f"{type(self).__name__} has seen no data; call fit first")


@dataclass(frozen=True)
class PosteriorFunction:
    """f(x) + k(x, X) β, with f = w'φ a draw from the prior, and β = K⁻¹ (y - f(X) - ε)."""

    kernel: SquaredExponential
    inputs: np.ndarray
    beta: np.ndarray
    waves: Waves
    weights: np.ndarray

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """Values (...) at X (..., d)."""

        def of_block(X):
            return self.waves.weighted(X, self.weights) + self.kernel(X, self.inputs) @ self.beta

        return in_blocks(of_block, X, self._columns)

    def jacobian(self, X: np.ndarray) -> np.ndarray:
        """d f/dx (..., d) at X (..., d)."""

        def of_block(X):
            of_waves = self.waves.weighted_slope(X, self.weights)
            return of_waves + self.kernel.weighted_slope(X, self.inputs, self.beta)

        return in_blocks(of_block, X, self._columns, X.shape[-1:])

    @property
    def _columns(self) -> int:
        return max(len(self.inputs), len(self.weights) // 2)


def _require_memory(X: np.ndarray) -> None:
    if len(X) > MOST_ROWS:
        raise ValueError(
            f"inputs must have at most {MOST_ROWS} rows; got {len(X)}: the kernel matrix has N² numbers of "
            f"8 bytes, {8e-9 * len(X) ** 2:.1f} GB here, and its factorisation takes N³/3 steps. Fit to "
            "fewer rows (GaussianProcessModel: max_points), or take a model whose cost does not grow so fast"
        )


def _require_solved(reached: np.ndarray, y: np.ndarray, noise_variance: float) -> None:
    """K α is y; where it is not, by rounding, K is too near a singular one for these targets."""
    off = np.abs(reached - y).max()
    if not off <= UNSOLVED * np.abs(y).max():
        raise evidence.SingularKernelError(
            f"the mean misses its equations by {off:.1e}: equal or close inputs differ in their targets, and "
            f"noise_variance = {noise_variance:.3g} is too small for that; raise it"
        )
