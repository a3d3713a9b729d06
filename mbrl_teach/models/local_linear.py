"""A linear model for each step of time, fitted to a batch of trajectories: right near them, and only there.

Trajectories of one controller, started alike, are at time t in nearly the same place. There the world is
nearly linear, whatever it is elsewhere:

    s_{t+1} = F_t z_t + f_t + noise of covariance Σ_t,       z_t = [s_t; a_t],       t = 1 … T.

Each t has M samples only, as many as there are trajectories, and no fewer unknowns than a global model; so
what t's samples leave open is taken from a *prior*, the samples of all times together. With
y = [z_t; s_{t+1} - s_t], mean μ_t and covariance S_t of t's M samples, μ_0 and S_0 of all, and strength n_0,

    Σ_y = (M S_t + n_0 S_0 + M n_0 / (M + n_0) (μ_t - μ_0)(μ_t - μ_0)') / (M + n_0)

is the covariance under a normal-inverse-Wishart prior that is worth n_0 samples; the mean follows alike,
(M μ_t + n_0 μ_0) / (M + n_0). Conditioning this joint normal distribution on z_t gives the model,

    [slopes] = Σ_yz Σ_zz⁻¹,        F_t = [I 0] + slopes,        Σ_t = Σ_yy - slopes Σ_zy.

With n_0 = 0 it is least squares with a bias, each t alone, and needs M > n + m + 1 trajectories; Σ_t is then
scaled by M / (M - n - m - 1), since the fit has used up n + m + 1 of its M residuals. Wherever Σ_zz is
singular (all start in the same state, actions are a function of the state) the slopes of least norm are
taken. An angle must not be wrapped within the data.

F, f are what :func:`mbrl_teach.control.lqr.lqr` takes: plan with it, collect trajectories near the plan, and
fit again.

Source: Levine & Abbeel, Learning Neural Network Policies with Guided Policy Search under Unknown Dynamics
(NeurIPS 2014), section 3 (theirs is a mixture of normals as the prior, this one has a single one); Gelman et
al., Bayesian Data Analysis (2013), section 3.6, for the normal-inverse-Wishart posterior.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from mbrl_teach.arguments import read_array, require_count, require_generator
from mbrl_teach.models.dynamics_model import read_steps
from mbrl_teach.models.linear import Linear, square_root


class LocalLinear:
    """Time-varying linear-Gaussian model; see the module.

    prior_strength: n_0, how many trajectories the prior is worth; 0 for none. Where trajectories lie close
        together the prior outweighs them: take less.

    It has no `dynamics(s, a)`: which step it is has to be known. `at` gives the model of one.

    Attributes after `fit`: F (T, n, n+m), f (T, n), covariance (T, n, n), state_size, action_size, horizon.
    """

    def __init__(self, *, prior_strength: float = 1.0):
        if not 0.0 <= prior_strength < np.inf:
            raise ValueError(f"prior_strength must be a finite number >= 0; got {prior_strength}")
        self.prior_strength = prior_strength
        self.state_size: int | None = None

    def fit(self, states: ArrayLike, actions: ArrayLike, next_states: ArrayLike) -> Self:
        """Learn from M trajectories: states, next_states (M, T, n), actions (M, T, m); returns itself.

        Raises ValueError for arrays that do not fit together, hold NaN or infinity, or hold no step; and if
        without a prior there are not more than n + m + 1 trajectories.
        """
        s, a, s_next = read_steps(states, actions, next_states, axes="M T")
        M, T, n = s.shape
        d = n + a.shape[-1]
        if self.prior_strength == 0.0 and d + 1 >= M:
            raise ValueError(
                f"without a prior, states must hold more than n + m + 1 = {d + 1} trajectories; got M = {M}"
            )
        y = np.concatenate([s, a, s_next - s], axis=-1)
        mean, covariance = self._joint(y)
        slopes = _slopes(mean[:, :d], covariance[:, :d, :d], covariance[:, d:, :d])
        self.F = np.eye(n, d) + slopes
        self.f = mean[:, d:] - (slopes @ mean[:, :d, None])[..., 0]
        left = covariance[:, d:, d:] - slopes @ covariance[:, :d, d:]
        used = d + 1 if self.prior_strength == 0.0 else 0
        self.covariance = 0.5 * (left + left.mT) * M / (M - used)
        self.state_size, self.action_size, self.horizon = n, d - n, T
        return self

    def _joint(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean (T, k) and covariance (T, k, k) of y (M, T, k) at each time, under the prior."""
        M, n_0 = len(y), self.prior_strength
        pooled = y.reshape(-1, y.shape[-1])
        mean, prior_mean = y.mean(axis=0), pooled.mean(axis=0)
        scatter = np.einsum("mti,mtj->tij", y - mean, y - mean)
        if n_0 == 0.0:
            return mean, scatter / M
        prior = (pooled - prior_mean).T @ (pooled - prior_mean) / len(pooled)
        apart = mean - prior_mean
        between = M * n_0 / (M + n_0) * apart[:, :, None] * apart[:, None, :]
        return (M * mean + n_0 * prior_mean) / (M + n_0), (scatter + n_0 * prior + between) / (M + n_0)

    def predict(self, states: ArrayLike, actions: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Mean and variance (..., T, n) of the next states along trajectories (..., T, n), (..., T, m).

        Raises ValueError for wrong shapes, another T, NaN or infinity, or before `fit`.
        """
        s, a = self._read(states, actions)
        mean = (self.F @ np.concatenate([s, a], axis=-1)[..., None])[..., 0] + self.f
        return mean, np.broadcast_to(np.diagonal(self.covariance, axis1=-2, axis2=-1), mean.shape)

    def sample(self, states: ArrayLike, actions: ArrayLike, rng: np.random.Generator) -> np.ndarray:
        """Next states (..., T, n), each step's drawn for itself. Raises ValueError like `predict`."""
        require_generator(rng)
        mean, _ = self.predict(states, actions)
        noise = square_root(self.covariance) @ rng.standard_normal((*mean.shape, 1))
        return mean + noise[..., 0]

    def linearize(self, s: np.ndarray, a: np.ndarray) -> np.ndarray:
        """F (..., T, n, n+m) along trajectories (..., T, n), (..., T, m): the same wherever they are."""
        s, _ = self._read(s, a)
        return np.broadcast_to(self.F, (*s.shape[:-2], *self.F.shape))

    def at(self, t: int) -> Linear:
        """The model of the step t, counted from 0, by itself. Raises ValueError for a step that is none."""
        self._require_data()
        require_count("t", t, at_least=0, at_most=("T - 1", self.horizon - 1))
        n, d = self.F.shape[1:]
        W = np.vstack([(self.F[t] - np.eye(n, d)).T, self.f[t]])
        return Linear.of(W, self.covariance[t], action_size=d - n)

    def rollout(self, actions: ArrayLike, initial_state: ArrayLike) -> np.ndarray:
        """States (..., T+1, n) under `actions` (..., T, m) from `initial_state` (..., n), without noise."""
        self._require_data()
        sizes = {"n": self.state_size, "m": self.action_size, "T": self.horizon}
        actions = read_array("actions", actions, "... T m", sizes)
        s = read_array("initial_state", initial_state, "... n", sizes)
        states = [np.broadcast_to(s, (*actions.shape[:-2], s.shape[-1]))]
        for t in range(self.horizon):
            z = np.concatenate([states[-1], actions[..., t, :]], axis=-1)
            states.append(z @ self.F[t].T + self.f[t])
        return np.stack(states, axis=-2)

    def _require_data(self) -> None:
        if self.state_size is None:
            raise ValueError("LocalLinear has seen no data; call fit first")

    def _read(self, states, actions):
        self._require_data()
        sizes = {"n": self.state_size, "m": self.action_size, "T": self.horizon}
        return (
            read_array("states", states, "... T n", sizes),
            read_array("actions", actions, "... T m", sizes),
        )


def _slopes(mean: np.ndarray, S_zz: np.ndarray, S_yz: np.ndarray) -> np.ndarray:
    """S_yz S_zz⁻¹ (T, p, d), of least norm where S_zz is singular but for rounding.

    In units of each coordinate's deviation, lest one in small units be taken for rounding; one that is
    constant but for rounding is left out.
    """
    variance = np.diagonal(S_zz, axis1=-2, axis2=-1)
    moves = variance > (1e-12 * mean) ** 2
    scale = np.divide(1.0, np.sqrt(variance), out=np.zeros_like(variance), where=moves)
    correlation = scale[:, :, None] * S_zz * scale[:, None, :]
    inverse = np.linalg.pinv(correlation, rcond=1e-12, hermitian=True)
    return S_yz @ (scale[:, :, None] * inverse * scale[:, None, :])
