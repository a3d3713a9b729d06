"""A linear model that knows how much it knows: Bayesian linear regression with unknown noise.

Data and prior, with x = [φ(s); a; 1] (p) and y = s' - s (n):

    y = W' x + noise,  noise ~ N(0, Σ),        W | Σ ~ MN(M_0, Λ_0⁻¹, Σ),        Σ ~ IW(Ψ_0, ν_0).

MN is the matrix-normal distribution: column covariance Σ, row covariance Λ_0⁻¹. IW is the inverse Wishart,
whose mean is Ψ / (ν - n - 1). This prior is *conjugate*: after N steps X (N, p), Y (N, n) the posterior is of
the same kind, with

    Λ = Λ_0 + X'X
    M = Λ⁻¹ (Λ_0 M_0 + X'Y)
    Ψ = Ψ_0 + (Y - X M)'(Y - X M) + (M - M_0)' Λ_0 (M - M_0)
    ν = ν_0 + N.

So learning is adding up, and it does not matter whether the steps come at once or one by one: the posterior
is the prior of the next. A new step is distributed as Student's t about M'x, with

    covariance   (1 + x' Λ⁻¹ x) Ψ / (ν - n - 1):

noise (the 1), and doubt about W (x' Λ⁻¹ x), large where the data have not been and gone as N grows.

The prior mean M_0 is zero: before any data, nothing changes. The prior takes care of dependent columns, a
single step, and none at all along a direction: there Λ stays Λ_0, and the model says so.

Source: Bishop, Pattern Recognition and Machine Learning (2006), section 3.3 and exercise 3.12 (one output);
Murphy, Machine Learning: A Probabilistic Perspective (2012), section 7.6.3; Minka, Bayesian linear
regression (2000), for several outputs.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.special import multigammaln

from mbrl_teach.arguments import read_array, require_generator
from mbrl_teach.models.dynamics_model import DynamicsModel, Regression, read_steps
from mbrl_teach.models.encoding import Encoding
from mbrl_teach.models.linear import LeastSquares, Linear, square_root


class BayesianLinear(Regression):
    """Y = W' [x; 1] + noise of covariance Σ, W and Σ unknown; see the module.

    precision: Λ_0's diagonal, a number or (d+1,), the last for the bias
    noise: deviations of the noise expected before any data, a number or (p,), in the targets' units
    degrees: ν_0, how many residuals that expectation is worth, above p + 1; None: p + 2

    Attributes after `fit`: M (d+1, p), precision_matrix Λ (d+1, d+1), scale Ψ (p, p), degrees ν.
    """

    def __init__(self, precision: ArrayLike = 1e-6, noise: ArrayLike = 1e-2, degrees: float | None = None):
        self.prior = precision, noise, degrees

    def fit(self, X, Y):
        """The posterior after these data alone."""
        d, p = X.shape[1] + 1, Y.shape[1]
        precision, noise, degrees = self.prior
        self.M = np.zeros((d, p))
        self.precision_matrix = np.diag(_positive("prior_precision", precision, d))
        self.degrees = p + 2.0 if degrees is None else float(degrees)
        if not p + 1 < self.degrees < np.inf:
            raise ValueError(f"prior_degrees must be above n + 1 = {p + 1}, for a finite mean; got {degrees}")
        self.scale = (self.degrees - p - 1.0) * np.diag(_positive("prior_noise", noise, p) ** 2)
        self.log_evidence = 0.0
        return self.update(X, Y)

    def update(self, X, Y):
        """The posterior after these data too: what was the posterior is the prior now."""
        X, (M_0, precision_0) = _with_bias(X), (self.M, self.precision_matrix)
        before = self._log_normaliser()
        self.precision_matrix = precision_0 + X.T @ X
        self.M = cho_solve(cho_factor(self.precision_matrix), precision_0 @ M_0 + X.T @ Y)
        residuals, moved = Y - X @ self.M, self.M - M_0
        self.scale = self.scale + residuals.T @ residuals + moved.T @ precision_0 @ moved
        self.degrees += len(X)
        self.log_evidence += self._log_normaliser() - before - 0.5 * Y.size * np.log(np.pi)
        return self

    def _log_normaliser(self) -> float:
        """log Γ_p(ν/2) - ν/2 log|Ψ| - p/2 log|Λ|: what it changes by, but for π, is log p(Y | X)."""
        p = len(self.scale)
        log_determinant = lambda matrix: np.linalg.slogdet(matrix)[1]
        return (
            multigammaln(0.5 * self.degrees, p)
            - 0.5 * self.degrees * log_determinant(self.scale)
            - 0.5 * p * log_determinant(self.precision_matrix)
        )

    def mean(self, X):
        """M' [x; 1], (..., p)."""
        return X @ self.M[:-1] + self.M[-1]

    def doubt(self, X: np.ndarray) -> np.ndarray:
        """x' Λ⁻¹ x (...): the share of the variance that comes from not knowing W, beside the noise's 1."""
        whitened = solve_triangular(
            np.linalg.cholesky(self.precision_matrix), _with_bias(X).reshape(-1, len(self.M)).T, lower=True
        )
        return (whitened * whitened).sum(axis=0).reshape(X.shape[:-1])

    def aleatoric(self, X):
        """Diagonal (..., p) of E[Σ]."""
        noise = np.diag(self.scale) / (self.degrees - len(self.scale) - 1.0)
        return np.broadcast_to(noise, (*X.shape[:-1], len(noise)))

    def epistemic(self, X):
        """Diagonal (..., p) of the covariance of W'[x; 1]."""
        return self.doubt(X)[..., None] * self.aleatoric(X)

    def jacobian(self, X):
        """(..., p, d), the same everywhere."""
        slopes = self.M[:-1].T
        return np.broadcast_to(slopes, (*X.shape[:-1], *slopes.shape))

    def sample(self, X, rng):
        """Student's t (..., p), with ν - p + 1 degrees of freedom: W and Σ are drawn anew for each row."""
        mean, freedom = self.mean(X), self.degrees - len(self.scale) + 1.0
        normal = rng.standard_normal(mean.shape) @ square_root(self.scale).T
        return (
            mean + normal * np.sqrt((1.0 + self.doubt(X)) / rng.chisquare(freedom, X.shape[:-1]))[..., None]
        )

    def posterior_sample(self, rng):
        """One W and Σ drawn from the posterior: Σ ~ IW(Ψ, ν), then W ~ MN(M, Λ⁻¹, Σ)."""
        from scipy.stats import invwishart  # takes longer to import than all the rest: for those who draw

        drawn = LeastSquares()
        covariance = invwishart(self.degrees, self.scale).rvs(random_state=rng)
        drawn.covariance = np.reshape(covariance, self.scale.shape)
        normal = rng.standard_normal(self.M.shape) @ square_root(drawn.covariance).T
        factor = np.linalg.cholesky(self.precision_matrix)
        drawn.W = self.M + solve_triangular(factor, normal, lower=True, trans="T")
        drawn.rank = len(drawn.W)
        return drawn


class LinearGaussian(DynamicsModel):
    """s' = s + W' [φ(s); a; 1] + noise, with a distribution over W and the noise's covariance.

    prior_precision: how sure the prior is that nothing changes, a number or one for each input and the bias
    prior_noise: deviations (n,) of the noise expected before any data, or one number, in the state's units
    prior_degrees: how many steps that expectation is worth, above n + 1; None: n + 2
    encoding: φ, by default the state

    The defaults hardly hold an opinion: a hundred steps outweigh them, unless a coordinate moves by far less
    than 1e-3. Raises ValueError, when fitted, for a prior that is none.
    """

    regression: BayesianLinear

    def __init__(
        self,
        *,
        prior_precision: ArrayLike = 1e-6,
        prior_noise: ArrayLike = 1e-2,
        prior_degrees: float | None = None,
        encoding: Encoding | None = None,
    ):
        super().__init__(BayesianLinear(prior_precision, prior_noise, prior_degrees), encoding)

    def update(self, states: ArrayLike, actions: ArrayLike, next_states: ArrayLike) -> Self:
        """Learn from further steps, and forget nothing. The same as `fit` with all of them."""
        if self.state_size is None:
            return self.fit(states, actions, next_states)
        s, a, s_next = read_steps(states, actions, next_states)
        self._read(s, a)
        self.regression.update(self.inputs(s, a), self.encoding.difference(s_next, s))
        return self

    def posterior_sample(self, rng: np.random.Generator) -> Linear:
        """One world drawn from the posterior, of known W and Σ."""
        require_generator(rng)
        self._require_data()
        drawn = self.regression.posterior_sample(rng)
        return Linear.of(drawn.W, drawn.covariance, action_size=self.action_size, encoding=self.encoding)

    @property
    def covariance(self) -> np.ndarray:
        """E[Σ] (n, n) of the noise, without the doubt about W."""
        self._require_data()
        return self.regression.scale / (self.regression.degrees - self.state_size - 1.0)

    @property
    def log_evidence(self) -> float:
        """log p(data): how well the prior foretold all that was seen; it compares priors, or features."""
        self._require_data()
        return float(self.regression.log_evidence)


def _with_bias(X: np.ndarray) -> np.ndarray:
    return np.concatenate([X, np.ones((*X.shape[:-1], 1))], axis=-1)


def _positive(name: str, value: ArrayLike, size: int) -> np.ndarray:
    """`value`, a number or one for each column, as (size,)."""
    each = read_array(name, np.full(size, value) if np.ndim(value) == 0 else value, "k", {"k": size})
    if not (each > 0.0).all():
        raise ValueError(f"{name} must be positive; got {each}")
    return each
