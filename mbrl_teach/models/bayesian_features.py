"""Bayesian linear regression on features of the input: a curved world, and still a closed form.

    y = W' [φ(x̃); 1] + noise,        W | Σ ~ MN(0, I/λ, Σ),        noise ~ N(0, Σ).

All of :mod:`mbrl_teach.models.linear_gaussian` holds with φ(x̃) in place of x: the posterior of W and Σ, the
two variances, the evidence, draws of whole functions. With random Fourier features it approaches, as their
number grows, the Gaussian process whose kernel is (exp(-|(x̃ - x̃')/ℓ|²/2) + 1) / λ, in units of the noise's
variance; but N steps cost N K² instead of N³, and a draw from the posterior is a function like any other.

**Occam's razor.** ℓ and λ are questions that the data answer. A short ℓ or a small λ can explain everything
and so promises little for any of it; a long ℓ cannot explain what is there. The *evidence* p(data | ℓ, λ) is
largest in between, and needs no data held back. Where ℓ or λ is None, that of a few candidates is taken.

Source: Bishop, Pattern Recognition and Machine Learning (2006), sections 3.3-3.5; MacKay, Bayesian
Interpolation (Neural Computation 4, 1992), for the evidence; Rahimi & Recht (NeurIPS 2007).
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from mbrl_teach.arguments import require_positive
from mbrl_teach.models.dynamics_model import DynamicsModel, Regression
from mbrl_teach.models.encoding import Encoding
from mbrl_teach.models.features import FeatureMap, Radial, RandomFourier
from mbrl_teach.models.linear_gaussian import BayesianLinear
from mbrl_teach.models.normalised_regression import Normalised, nothing_varies

LENGTHSCALES = (0.5, 1.0, 2.0, 4.0)  # in the inputs' deviations
KINDS = {"fourier": RandomFourier, "radial": Radial}
PRECISIONS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # of the weights, in units of the noise's


class FeatureRegression(Regression):
    """Y = W' [φ(X); 1] + noise: `linear`, a Bayesian one, on `features`; both are fitted."""

    def __init__(self, features: FeatureMap, linear: Regression):
        self.features, self.linear = features, linear

    def fit(self, X, Y):
        """Choose the features, and the posterior of their weights."""
        self.linear.fit(self.features.fit(X).values(X), Y)
        return self

    @property
    def log_evidence(self) -> float:
        """log p(Y | X), for these features and this prior."""
        return self.linear.log_evidence

    def predict(self, X):
        """All three (..., p), from features that are computed once."""
        return self.linear.predict(self.features.values(X))

    def mean(self, X):
        """(..., p)."""
        return self.linear.mean(self.features.values(X))

    def aleatoric(self, X):
        """(..., p), the same everywhere."""
        return self.linear.aleatoric(X)

    def epistemic(self, X):
        """(..., p), by the doubt φ' Λ⁻¹ φ."""
        return self.linear.epistemic(self.features.values(X))

    def jacobian(self, X):
        """(..., p, d): dW'φ/dφ dφ/dx."""
        phi_x = self.features.jacobian(X)
        return self.linear.jacobian(phi_x[..., 0]) @ phi_x

    def sample(self, X, rng):
        """(..., p), as `linear` draws."""
        return self.linear.sample(self.features.values(X), rng)

    def posterior_sample(self, rng):
        """The same features with weights and noise drawn from the posterior."""
        drawn = copy.copy(self)
        drawn.linear = self.linear.posterior_sample(rng)
        return drawn


class MostEvident(Regression):
    """Of several regressions the one whose `log_evidence` is largest, once each has seen the data.

    Where nothing varies (one step, a world at rest) the evidence would be for "nothing ever does". Then the
    first one is taken: let it be the one that promises least.

    Attribute after `fit`: chosen. Everything is asked of it.
    """

    def __init__(self, candidates: Iterable[FeatureRegression]):
        self.candidates = list(candidates)

    def fit(self, X, Y):
        """Fit all, choose the best; the first of equals."""
        candidates = self.candidates[:1] if nothing_varies(Y) else self.candidates
        self.chosen = max((one.fit(X, Y) for one in candidates), key=lambda one: one.log_evidence)
        return self

    def predict(self, X):
        """All three (..., p), at once."""
        return self.chosen.predict(X)

    def mean(self, X):
        """(..., p)."""
        return self.chosen.mean(X)

    def aleatoric(self, X):
        """(..., p)."""
        return self.chosen.aleatoric(X)

    def epistemic(self, X):
        """(..., p)."""
        return self.chosen.epistemic(X)

    def jacobian(self, X):
        """(..., p, d)."""
        return self.chosen.jacobian(X)

    def sample(self, X, rng):
        """(..., p)."""
        return self.chosen.sample(X, rng)

    def posterior_sample(self, rng):
        """A draw from the posterior of the chosen one; the others are forgotten."""
        return self.chosen.posterior_sample(rng)


class BayesianFeatures(DynamicsModel):
    """s' = s + W' [features of [φ(s); a]; 1] + noise, with a posterior over W and the noise's covariance.

    rng: where features come from; each `fit` draws them anew
    features: how many, K
    kind: "fourier" or "radial", see :mod:`mbrl_teach.models.features`
    lengthscale: ℓ, a number or one for each input, in deviations of the inputs; None: by the evidence
    prior_precision: λ: how small the prior takes the weights, against the noise; None: by the evidence
    prior_noise: the noise expected before any data, in deviations of the change; outweighed by a few steps
    encoding: φ, by default the state

    Raises ValueError for settings out of range; a lengthscale of the wrong length is met by `fit`.
    """

    def __init__(
        self,
        *,
        rng: np.random.Generator,
        features: int = 200,
        kind: Literal["fourier", "radial"] = "fourier",
        lengthscale: ArrayLike | None = None,
        prior_precision: float | None = None,
        prior_noise: float = 1e-2,
        encoding: Encoding | None = None,
    ):
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}; got {kind!r}")
        lengthscales = LENGTHSCALES if lengthscale is None else (lengthscale,)
        precisions = PRECISIONS if prior_precision is None else (prior_precision,)
        require_positive(prior_noise=prior_noise, **{"prior_precision": min(precisions)})
        candidates = [
            FeatureRegression(KINDS[kind](features, ell, rng=rng), BayesianLinear(precision, prior_noise))
            for ell, precision in product(lengthscales, precisions)
        ]
        super().__init__(Normalised(MostEvident(candidates)), encoding)

    @property
    def chosen(self) -> FeatureRegression:
        """The regression on features that is in use: its `features`, its `linear`, its `log_evidence`."""
        self._require_data()
        return self.regression.regression.chosen
