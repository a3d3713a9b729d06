"""A linear model by least squares: the expected next state, and what is left over.

With x = [φ(s); a] and a 1 for the bias, X (N, p) the N inputs and Y (N, n) the changes s' - s,

    W = argmin sum_i |y_i - W' x_i|² + ridge |W without its bias|²,        Δ(x) = W' x,
    Σ = (Y - X W)'(Y - X W) / (N - p).

W is the *expectation* model: if E[Δ | x] is linear, it converges to it, whatever the noise. Σ divides by
N - p, not by N: the fit has used up p of the N residuals' directions, so the sum is too small by that factor
on average. The ridge leaves the bias alone, since where the data lie is no reason to doubt it.

**Too little data.** If the columns of X are dependent (constant ones, actions that were always a function
of the state, fewer steps than columns) the minimum is not unique. Then W is the one of least norm (by
singular values), which agrees with the others on the data and on nothing else; `rank` tells. Σ divides by
N - rank; where that is zero there is no residual to learn from, and the variance is infinite.

With the state itself as features, s' = F z + f. With others this is system identification: the pendulum's
ω' - ω = dt (3g/2l sin θ + 3u/(ml²)) is linear in (cos θ, sin θ, ω, u), and W holds its constants.

Source: Bishop, Pattern Recognition and Machine Learning (2006), section 3.1; Ljung, System Identification
(1999), chapter 7, on what data must excite; for expectation models Sutton et al., Dyna-style planning with
linear function approximation and prioritized sweeping (UAI 2008).
"""

from __future__ import annotations

import numpy as np

from mbrl_teach.models.dynamics_model import DynamicsModel, Regression
from mbrl_teach.models.encoding import Encoding
from mbrl_teach.models.normalisation import is_constant


class LeastSquares(Regression):
    """Y = W' [x; 1] + noise of covariance Σ.

    ridge >= 0: weight of |W|², in units of squared targets over squared inputs; the bias is free of it

    Attributes after `fit`: W (d+1, p), its last row the bias; covariance Σ (p, p); rank of [X 1].
    """

    def __init__(self, ridge: float = 0.0):
        if not 0.0 <= ridge < np.inf:
            raise ValueError(f"ridge must be a finite number >= 0; got {ridge}")
        self.ridge = ridge

    def fit(self, X, Y):
        """Least squares; see the module on dependent columns."""
        x_mean, y_mean = X.mean(axis=0), Y.mean(axis=0)
        deviations = np.where(is_constant(X), 0.0, X - x_mean)
        slopes, rank = _solve(deviations, Y - y_mean, self.ridge)  # in deviations the bias is free by itself
        self.W = np.vstack([slopes, y_mean - x_mean @ slopes])
        self.rank = rank + 1
        residuals = Y - self.mean(X)
        left = len(X) - self.rank
        self.covariance = residuals.T @ residuals / left if left else np.diag(np.full(Y.shape[1], np.inf))
        return self

    def mean(self, X):
        """(..., p)."""
        return X @ self.W[:-1] + self.W[-1]

    def aleatoric(self, X):
        """Σ's diagonal (..., p), the same everywhere: noise, but not the doubt about W."""
        return np.broadcast_to(np.diag(self.covariance), (*X.shape[:-1], len(self.covariance)))

    def jacobian(self, X):
        """(..., p, d), the same everywhere."""
        slopes = self.W[:-1].T
        return np.broadcast_to(slopes, (*X.shape[:-1], *slopes.shape))

    def sample(self, X, rng):
        """Normal with covariance Σ, (..., p). Raises ValueError where N <= rank has left Σ unknown."""
        if not np.isfinite(self.covariance).all():
            raise ValueError(f"sample needs more steps than the inputs' rank {self.rank}, to know the noise")
        mean = self.mean(X)
        return mean + rng.standard_normal(mean.shape) @ square_root(self.covariance).T


class Linear(DynamicsModel):
    """s' = s + W' [φ(s); a; 1] by least squares; with plain features, s' = F z + f.

    ridge: pulls the change towards zero, see :class:`LeastSquares`; encoding: φ, by default the state
    """

    regression: LeastSquares

    def __init__(self, *, ridge: float = 0.0, encoding: Encoding | None = None):
        super().__init__(LeastSquares(ridge), encoding)

    @classmethod
    def of(
        cls, W: np.ndarray, covariance: np.ndarray, *, action_size: int, encoding: Encoding | None = None
    ) -> Linear:
        """The model whose W (k+m+1, n) and noise covariance (n, n) are known instead of fitted."""
        model = cls(encoding=encoding)
        known = model.regression
        known.W, known.covariance, known.rank = W, covariance, len(W)
        model.state_size, model.action_size = W.shape[1], action_size
        return model

    @property
    def F(self) -> np.ndarray:
        """(n, n+m) of s' = F z + f. Raises ValueError if features other than the state are used."""
        self._require_plain("F")
        return np.eye(self.state_size, self.state_size + self.action_size) + self.regression.W[:-1].T

    @property
    def f(self) -> np.ndarray:
        """(n,) of s' = F z + f. Raises ValueError likewise."""
        self._require_plain("f")
        return self.regression.W[-1]

    @property
    def covariance(self) -> np.ndarray:
        """Σ (n, n) of the noise."""
        self._require_data()
        return self.regression.covariance

    def _require_plain(self, name: str) -> None:
        self._require_data()
        if type(self.encoding) is not Encoding:
            raise ValueError(f"{name} exists where the features are the state itself; use linearize(s, a)")


def _solve(X: np.ndarray, Y: np.ndarray, ridge: float) -> tuple[np.ndarray, int]:
    """W (d, p) that minimises |Y - X W|² + ridge |W|², of least norm, and the rank of X.

    By singular values X = U S V': W = V S / (S² + ridge) U' Y, where those that are zero but for rounding
    are left out. Without a ridge the columns are scaled first, lest a coordinate in small units be taken for
    rounding; least norm means in these units.
    """
    scale = np.sqrt((X * X).sum(axis=0)) if ridge == 0.0 else np.ones(X.shape[1])
    scale[scale == 0.0] = 1.0
    U, S, Vt = np.linalg.svd(X / scale, full_matrices=False)
    kept = max(X.shape) * np.finfo(np.float64).eps * S.max(initial=0.0) < S
    gain = np.divide(S, S * S + ridge, out=np.zeros_like(S), where=kept)
    return (Vt.T * gain) @ (U.T @ Y) / scale[:, None], int(kept.sum())


def square_root(covariance: np.ndarray) -> np.ndarray:
    """B (..., n, n) with B B' = covariance, which may be singular."""
    variances, directions = np.linalg.eigh(covariance)
    return directions * np.sqrt(np.maximum(variances, 0.0))[..., None, :]
