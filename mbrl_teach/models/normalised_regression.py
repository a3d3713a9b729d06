"""A regression between normalised columns: what it learns, it learns in numbers of size one.

    x̃ = (x - μ_x) / σ_x,        y = μ_y + σ_y ⊙ g(x̃),        dy/dx = diag(σ_y) dg/dx̃ diag(σ_x)⁻¹,

and a variance of g becomes one of y by σ_y². A prior over g ("changes by about one, over a distance of about
one") then means the same in every world; see :mod:`mbrl_teach.models.normalisation`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np

from mbrl_teach.models.dynamics_model import Regression
from mbrl_teach.models.normalisation import Normalisation
from mbrl_teach.models.prediction import Prediction


class Normalised(Regression):
    """`regression` in the units of the data it is fitted to; g's posterior is that of y.

    Attributes after `fit`: inputs and targets, their Normalisation.
    """

    def __init__(self, regression: Regression):
        self.regression = regression

    def fit(self, X, Y):
        """Mean and deviations of these data, and the regression between them."""
        self.inputs, self.targets = Normalisation.of(X), Normalisation.of(Y)
        self.regression.fit(self.inputs.normalised(X), self.targets.normalised(Y))
        return self

    def predict(self, X):
        """All three (..., p), as the regression gives them at once."""
        found, units = self.regression.predict(self.inputs.normalised(X)), self.targets.std**2
        return Prediction(self.targets.restored(found.mean), found.aleatoric * units, found.epistemic * units)

    def mean(self, X):
        """(..., p)."""
        return self.targets.restored(self.regression.mean(self.inputs.normalised(X)))

    def aleatoric(self, X):
        """(..., p)."""
        return self.regression.aleatoric(self.inputs.normalised(X)) * self.targets.std**2

    def epistemic(self, X):
        """(..., p)."""
        return self.regression.epistemic(self.inputs.normalised(X)) * self.targets.std**2

    def jacobian(self, X):
        """(..., p, d), by the chain rule through both normalisations."""
        J = self.regression.jacobian(self.inputs.normalised(X))
        return J * (self.targets.std[:, None] / self.inputs.std)

    def sample(self, X, rng):
        """(..., p), as the regression draws."""
        return self.targets.restored(self.regression.sample(self.inputs.normalised(X), rng))

    def posterior_sample(self, rng):
        """A function drawn by the regression, in the same units."""
        drawn = copy.copy(self)
        drawn.regression = self.regression.posterior_sample(rng)
        return drawn


def rowwise(function: Callable[[np.ndarray], np.ndarray], X: np.ndarray) -> np.ndarray:
    """`function`, which takes rows (N, d), at `X` (..., d)."""
    result = function(X.reshape(-1, X.shape[-1]))
    return result.reshape(*X.shape[:-1], *result.shape[1:])


def nothing_varies(Y: np.ndarray) -> bool:
    """Whether normalised targets (N, p) hold one number in each column: one row, or a world at rest.

    There is then nothing to estimate a scale from, and an evidence would take what it sees for all there is.
    """
    return bool(np.ptp(Y, axis=0).max() < 1e-9)  # a column that varies has deviation 1
