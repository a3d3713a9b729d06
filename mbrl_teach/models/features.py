"""Features of an input: what makes a model that is linear in its weights curved in x.

**Random Fourier features.** A kernel that depends on x - x' alone is the Fourier transform of a density over
frequencies (Bochner). That of k(x, x') = exp(-|(x - x') / ℓ|²/2) is the normal N(0, ℓ⁻²), so

    k(x, x') = E[cos ω'(x - x')] = E[cos ω'x cos ω'x' + sin ω'x sin ω'x'],        ω ~ N(0, diag(ℓ)⁻²),

and with ω_1 … ω_F drawn once, the mean of F terms stands for the expectation: φ(x)'φ(x') ≈ k(x, x') with

    φ(x) = [cos ω_1'x … cos ω_F'x, sin ω_1'x … sin ω_F'x] / √F.

Its error falls as 1/√F, and φ(x)'φ(x) = 1 exactly: weights w ~ N(0, I) make functions w'φ(x) that vary alike
everywhere.

**Radial features** sit on F points c_i of the data,

    φ_i(x) = exp(-|(x - c_i) / ℓ|² / 2).

Far from all c_i they vanish, and so does what the weights could change there: the further from the data, the
*surer* a Bayesian model on them is. For knowing what one does not know they are the wrong ones.

Source: Rahimi & Recht, Random Features for Large-Scale Kernel Machines (NeurIPS 2007), section 3; with a
cosine and a sine for each frequency: Sutherland & Schneider, On the Error of Random Fourier Features (UAI
2015). Bishop, Pattern Recognition and Machine Learning (2006), section 3.1; Rasmussen & Quiñonero-Candela,
Healing the Relevance Vector Machine through Augmentation (ICML 2005), for what radial ones lack.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from mbrl_teach.arguments import read_array, require_count, require_generator


class FeatureMap:
    """φ from x (d,) to K numbers."""

    def fit(self, X: np.ndarray) -> Self:
        """Choose the features for inputs like these (N, d)."""
        raise NotImplementedError

    def values(self, X: np.ndarray) -> np.ndarray:
        """φ (..., K) at `X` (..., d)."""
        raise NotImplementedError

    def jacobian(self, X: np.ndarray) -> np.ndarray:
        """dφ/dx (..., K, d) at `X` (..., d)."""
        raise NotImplementedError


class RandomFourier(FeatureMap):
    """K = `count` (even) features whose products approach the kernel exp(-|(x - x') / ℓ|²/2).

    lengthscale: ℓ, a number or (d,)

    Attribute after `fit`: frequencies (d, K/2).
    """

    def __init__(self, count: int, lengthscale: ArrayLike, *, rng: np.random.Generator):
        require_generator(rng)
        self.count = require_count("features", count, at_least=2)
        if count % 2:
            raise ValueError(f"features must be even, a cosine and a sine for each frequency; got {count}")
        self.lengthscale, self.rng = lengthscale, rng

    def fit(self, X):
        """Draw the frequencies; of the data only d matters."""
        lengthscale = _lengthscale(self.lengthscale, X.shape[1])
        self.frequencies = self.rng.standard_normal((X.shape[1], self.count // 2)) / lengthscale[:, None]
        return self

    def values(self, X):
        """All cosines, then all sines, over √F."""
        phase = X @ self.frequencies
        return np.concatenate([np.cos(phase), np.sin(phase)], axis=-1) / np.sqrt(phase.shape[-1])

    def jacobian(self, X):
        """Of cos ω'x: -sin(ω'x) ω', of the sines likewise."""
        phase = X @ self.frequencies
        slopes = np.concatenate([-np.sin(phase), np.cos(phase)], axis=-1) / np.sqrt(phase.shape[-1])
        return slopes[..., None] * np.vstack([self.frequencies.T, self.frequencies.T])


class Radial(FeatureMap):
    """K = `count` bumps of width ℓ on inputs drawn from the data without replacement, or on all, if fewer.

    Attributes after `fit`: centres (K, d), widths (d,).
    """

    def __init__(self, count: int, lengthscale: ArrayLike, *, rng: np.random.Generator):
        require_generator(rng)
        self.count, self.lengthscale, self.rng = require_count("features", count), lengthscale, rng

    def fit(self, X):
        """Draw the centres."""
        self.widths = _lengthscale(self.lengthscale, X.shape[1])
        self.centres = X[self.rng.permutation(len(X))[: self.count]]
        return self

    def values(self, X):
        """exp(-|(x - c) / ℓ|²/2), with the square multiplied out: no array (..., K, d)."""
        x, c = X / self.widths, self.centres / self.widths
        squares = (x * x).sum(axis=-1)[..., None] + (c * c).sum(axis=-1) - 2.0 * x @ c.T
        return np.exp(-0.5 * np.maximum(squares, 0.0))

    def jacobian(self, X):
        """-φ (x - c) / ℓ²."""
        offsets = (X[..., None, :] - self.centres) / self.widths**2
        return -self.values(X)[..., None] * offsets


def _lengthscale(value: ArrayLike, d: int) -> np.ndarray:
    """(d,), from one number or d of them."""
    each = read_array("lengthscale", np.full(d, value) if np.ndim(value) == 0 else value, "d", {"d": d})
    if not (each > 0.0).all():
        raise ValueError(f"lengthscale must be positive; got {each}")
    return each
