"""A world learned by regression: what the linear model, the Bayesian one and the network have in common.

From steps (s, a, s') a regression learns by how much the state changes,

    x = [φ(s); a]   ->   Δ = s' - s,          and the model says          s' = s + Δ(x).

Why the change? Over a short step s' is nearly s. Who predicts s' itself spends most of the fit on
reproducing its input, and what is left as an error is large against what matters; who predicts Δ begins with
"nothing changes", and a regression that is pulled towards zero is pulled towards that. φ and the difference
come from an :class:`mbrl_teach.models.encoding.Encoding`.

For planners and iLQR there are `dynamics`, the mean of s', and by the chain rule its Jacobian

    F = [I 0] + dΔ/dx · dx/dz,       dx/dz = [dφ/ds  0; 0  I],       z = [s; a].

Source: Sutton, Dyna, an integrated architecture for learning, planning, and reacting (SIGART Bulletin 2,
1991), for a model as something that is learned and then asked; Deisenroth & Rasmussen, PILCO (ICML 2011),
section 2.1, and Nagabandi et al., Neural Network Dynamics for Model-Based Deep Reinforcement Learning (ICRA
2018), section IV.A, for differences as targets.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from mbrl_teach.arguments import read_array, read_arrays, require_at_least_one, require_generator
from mbrl_teach.models.encoding import Encoding
from mbrl_teach.models.prediction import Prediction


class Regression:
    """Learns Y from X. Subclasses give `fit`, `mean`, `aleatoric` and `jacobian`.

    One that knows what it does not know gives `epistemic` and `posterior_sample` too.
    """

    def fit(self, X: np.ndarray, Y: np.ndarray) -> Self:
        """Forget everything, and learn from inputs (N, d) and targets (N, p)."""
        raise NotImplementedError

    def mean(self, X: np.ndarray) -> np.ndarray:
        """Prediction (..., p) at `X` (..., d)."""
        raise NotImplementedError

    def aleatoric(self, X: np.ndarray) -> np.ndarray:
        """Variance (..., p) of the noise at `X` (..., d)."""
        raise NotImplementedError

    def epistemic(self, X: np.ndarray) -> np.ndarray:
        """Variance (..., p) of the mean at `X` (..., d), by what the data leave open; 0: no doubt."""
        return np.zeros_like(self.aleatoric(X))

    def predict(self, X: np.ndarray) -> Prediction:
        """Mean and both variances (..., p) at `X` (..., d)."""
        return Prediction(self.mean(X), self.aleatoric(X), self.epistemic(X))

    def jacobian(self, X: np.ndarray) -> np.ndarray:
        """d mean / dX (..., p, d)."""
        raise NotImplementedError

    def sample(self, X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """New targets (..., p): normal, with the moments of `predict`, unless a subclass knows better."""
        mean, variance = self.predict(X)
        return mean + np.sqrt(variance) * rng.standard_normal(mean.shape)

    def posterior_sample(self, rng: np.random.Generator) -> Regression:
        """One of the functions that are still possible, drawn from the posterior, with its noise."""
        raise ValueError(f"{type(self).__name__} believes in one function, and has no posterior to draw from")


class DynamicsModel:
    """A learned world: s' = s + regression([φ(s); a]).

    Attributes, None before `fit`: state_size n, action_size m.
    """

    def __init__(self, regression: Regression, encoding: Encoding | None = None):
        self.regression = regression
        self.encoding = Encoding() if encoding is None else encoding
        self.state_size: int | None = None
        self.action_size: int | None = None

    def fit(self, states: ArrayLike, actions: ArrayLike, next_states: ArrayLike) -> Self:
        """Forget everything, and learn from N steps; returns itself.

        states, next_states (N, n), actions (N, m). A step must not span an episode's end: its next state is
        the last one seen there, not the new start.

        Raises ValueError for arrays that do not fit together, hold NaN or infinity, or hold no step.
        """
        s, a, s_next = read_steps(states, actions, next_states)
        self.regression.fit(self.inputs(s, a), self.encoding.difference(s_next, s))
        self.state_size, self.action_size = s.shape[-1], a.shape[-1]
        return self

    def predict(self, states: ArrayLike, actions: ArrayLike) -> Prediction:
        """Mean and variances (..., n) of the next state, from states (..., n) and actions (..., m).

        ``mean, variance = model.predict(…)``, or by name `mean`, `aleatoric`, `epistemic`.

        Raises ValueError for wrong shapes, NaN or infinity, or before `fit`.
        """
        s, a = self._read(states, actions)
        change = self.regression.predict(self.inputs(s, a))
        return Prediction(s + change.mean, change.aleatoric, change.epistemic)

    def sample(self, states: ArrayLike, actions: ArrayLike, rng: np.random.Generator) -> np.ndarray:
        """Next states (..., n), each drawn for itself. Raises ValueError like `predict`."""
        require_generator(rng)
        s, a = self._read(states, actions)
        return s + self.regression.sample(self.inputs(s, a), rng)

    def posterior_sample(self, rng: np.random.Generator) -> DynamicsModel:
        """One of the worlds that are still possible, drawn from the posterior: sure of itself, but for noise.

        Raises ValueError before `fit`, and of a model that keeps no posterior.
        """
        require_generator(rng)
        self._require_data()
        return self._world_of(self.regression.posterior_sample(rng))

    def dynamics(self, s: np.ndarray, a: np.ndarray) -> np.ndarray:
        """The expected next state (..., n): what planners ask, many times, and without checks."""
        return s + self.regression.mean(self.inputs(s, a))

    def linearize(self, s: np.ndarray, a: np.ndarray) -> np.ndarray:
        """Jacobian F (..., n, n+m) of `dynamics` at (s, a), in the units of the state and the action."""
        n = s.shape[-1]
        J = self.regression.jacobian(self.inputs(s, a))
        k = J.shape[-1] - a.shape[-1]
        F = np.empty((*J.shape[:-1], n + a.shape[-1]))
        np.matmul(J[..., :k], self.encoding.jacobian(s), out=F[..., :n])
        F[..., :n] += np.eye(n)
        F[..., n:] = J[..., k:]
        return F

    def inputs(self, s: np.ndarray, a: np.ndarray) -> np.ndarray:
        """x = [φ(s); a] (..., k+m)."""
        phi = self.encoding.features(s)
        if phi.shape[:-1] != a.shape[:-1]:
            stack = np.broadcast_shapes(phi.shape[:-1], a.shape[:-1])
            phi, a = (np.broadcast_to(part, (*stack, part.shape[-1])) for part in (phi, a))
        return np.concatenate([phi, a], axis=-1)

    def _world_of(self, regression: Regression) -> DynamicsModel:
        """A fitted `regression` as a model of the same states and actions."""
        world = DynamicsModel(regression, self.encoding)
        world.state_size, world.action_size = self.state_size, self.action_size
        return world

    def _require_data(self) -> None:
        if self.state_size is None:
            raise ValueError(f"{type(self).__name__} has seen no data; call fit first")

    def _read(self, states, actions):
        self._require_data()
        sizes = {"n": self.state_size, "m": self.action_size}
        return read_array("states", states, "... n", sizes), read_array("actions", actions, "... m", sizes)


def read_steps(
    states: ArrayLike, actions: ArrayLike, next_states: ArrayLike, axes: str = "N"
) -> list[np.ndarray]:
    """Three arrays (N, n), (N, m), (N, n) that fit together, or a ValueError that names the odd one.

    axes: "M T" for trajectories (M, T, n) instead
    """
    sizes: dict[str, int] = {}
    arguments = {
        "states": (states, f"{axes} n"),
        "actions": (actions, f"{axes} m"),
        "next_states": (next_states, f"{axes} n"),
    }
    arrays = read_arrays(arguments, sizes)
    require_at_least_one("states", arrays["states"], sizes)
    return list(arrays.values())
