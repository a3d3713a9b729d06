"""A learned world in which the agent chooses its luck: optimism as control.

A model with mean μ(s, a) and epistemic deviation σ(s, a) holds every function between μ - β σ and μ + β σ for
possible. The optimist plans in the one of them that suits it best. That looks like a search over functions,
but each step asks the function at a single point only, so that it is a search over one more action η:

    s' = μ(s, a) + β σ(s, a) ⊙ η,      η ∈ [-1, 1]^n,     ã = [a; η],

one entry for each coordinate of the state. The planner maximises over a and η together, as it would over any
action; in the true world a alone is executed. Where the data leave nothing open σ = 0, and η has no effect.
With η = 0 this is the expected world. The cost does not know of η: luck is free, and there is no bonus on
the reward. What draws the agent to the unknown is what might be reached *through* it.

If the true world lies within the β σ about μ at every step, some η leads exactly where the world would, for
any policy. Then the optimist's best value is at least the true one.

σ is the epistemic deviation alone. Noise is no matter of luck that one may choose; `sample` adds it.

Source: Curi, Berkenkamp & Krause, Efficient Model-Based Reinforcement Learning through Optimistic Policy
Search and Planning (NeurIPS 2020; H-UCRL); Moldovan et al., Optimism-driven exploration for nonlinear systems
(ICRA 2015), for the same idea with slack variables.
"""

from __future__ import annotations

import numpy as np

from mbrl_teach.arguments import read_array, require_generator
from mbrl_teach.models.learned_world import LearnedWorld
from mbrl_teach.models.prediction import Prediction
from mbrl_teach.problems.base import ControlProblem
from mbrl_teach.problems.finite_differences import jacobian


class HallucinatedWorld(ControlProblem):
    """`world` with m + n actions [a; η]: what would happen, and how lucky one is within `beta` deviations.

    Parameters
        world: a learned world, whose model knows its epistemic variance
        beta: how many deviations are held for possible, >= 0

    Costs, horizon, limits of `a` and initial state are those of `world`. Raises ValueError for a `beta` that
    is negative or not finite, and a world without a model.
    """

    def __init__(self, world: LearnedWorld, beta: float = 1.0):
        if not isinstance(world, LearnedWorld):
            raise ValueError(f"world must be a LearnedWorld, with a model; got {type(world).__name__}")
        self.beta = float(read_array("beta", beta, "", {}))
        if self.beta < 0.0:
            raise ValueError(f"beta must be a finite number >= 0; got {beta}")
        self.world, self.model, self.horizon = world, world.model, world.horizon
        self.state_size, self.real_actions = world.state_size, world.action_size
        self.action_size = self.real_actions + self.state_size
        luck = np.ones(self.state_size)
        self.action_low = np.concatenate([world.action_low, -luck])
        self.action_high = np.concatenate([world.action_high, luck])
        self.initial_state = world.initial_state

    def dynamics(self, s, a):
        """μ + β σ ⊙ η (..., n), for actions [a; η] (..., m+n)."""
        a, eta = self._split(a)
        following = self._predict(s, a)
        return s + following.mean + self.beta * np.sqrt(following.epistemic) * eta

    def sample(self, s: np.ndarray, a: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Next states (..., n): those of `dynamics`, with the model's noise (normal, aleatoric variance)."""
        require_generator(rng)
        a, eta = self._split(a)
        following = self._predict(s, a)
        lucky = s + following.mean + self.beta * np.sqrt(following.epistemic) * eta
        return lucky + np.sqrt(following.aleatoric) * rng.standard_normal(lucky.shape)

    def linearize(self, s, a):
        """F (..., n, n+m+n) = [dμ/ds + β η dσ/ds   dμ/da + β η dσ/da   β diag(σ)].

        The mean's part is the model's own; σ is differentiated by finite differences, and has no derivative
        where it comes to zero.
        """
        s, a = np.asarray(s, dtype=np.float64), np.asarray(a, dtype=np.float64)
        n, (a, eta) = self.state_size, self._split(a)
        z = self._join(s, a)
        sigma_of = lambda z: np.sqrt(self._predict(z[..., :n], z[..., n:]).epistemic)
        mean = self.world.linearize(z[..., :n], z[..., n:])
        real = mean + self.beta * eta[..., None] * jacobian(sigma_of, z)
        luck = self.beta * sigma_of(z)[..., None] * np.eye(n)
        return np.concatenate([real, luck], axis=-1)

    def cost(self, s, a):
        """The world's own (...), of `s` and the real action."""
        return self.world.cost(s, self._split(a)[0])

    def final_cost(self, s):
        """The world's own (...)."""
        return self.world.final_cost(s)

    def quadratize(self, s, a):
        """C (..., n+m+n, n+m+n) and c (..., n+m+n): the world's own, and zero for η."""
        C, c = self.world.quadratize(s, self._split(a)[0])
        luck = self.state_size
        pad = [(0, 0)] * (c.ndim - 1)
        return np.pad(C, [*pad, (0, luck), (0, luck)]), np.pad(c, [*pad, (0, luck)])

    def quadratize_final(self, s):
        """The world's own V (..., n, n) and v (..., n)."""
        return self.world.quadratize_final(s)

    def _split(self, a):
        """[a; η] as two."""
        return a[..., : self.real_actions], a[..., self.real_actions :]

    def _predict(self, s, a) -> Prediction:
        """Of the change s' - s, without checks; where a plan's states have overflowed NaN, and no error."""
        X = self.model.inputs(s, a)
        lost = ~np.isfinite(X).all(axis=-1, keepdims=True)
        if not lost.any():
            return self.model.regression.predict(X)
        change = self.model.regression.predict(np.where(lost, 0.0, X))
        return Prediction(np.where(lost, np.nan, change.mean), change.aleatoric, change.epistemic)
