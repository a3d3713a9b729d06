"""Trajectory sampling: plan through an ensemble by following particles, each in a world of its own.

An action sequence has no one future in an ensemble. P particles start from the state at hand and draw

    s_{t+1}^p ~ N(μ_e, σ_e²) at (s_t^p, a_t),        e = e(p, t) the member that particle p asks in step t,

and the sequence costs the mean over particles. Nothing is linearised and no shape is assumed: where the
members' futures part, the particles part. The schemes differ in who is asked:

    TS1      a member is drawn anew for each particle in each step. The world may change its mind from step
             to step, and disagreement is averaged away like noise. All sequences ask the member that was
             drawn: they are compared in the same worlds, not each in worlds of its own luck.
    TS∞      particle p keeps member p mod E. One world is true and does not change; a sequence that is bad
             in one of them is bad in P/E particles to the end. Disagreement adds up along the way.
    moments  as TS1, but after each step the particles of a sequence are replaced by draws from the normal
             distribution with their mean and covariance: moment matching. It is what analytic propagation
             in Gaussian processes does, and it forgets all but two moments. If one half of the particles
             goes left and the other right, it puts most of them in the middle, where none was.

Members are asked for one step of one particle each; they are never averaged before a step, since the mean of
two possible worlds need not be possible. What is left to the model's own noise is drawn, in all schemes.

    planner = CrossEntropyPlanner(TrajectorySampling(world, "TSinf"), particles=10, rng=rng)

Source: Chua et al. (NeurIPS 2018), section 5.1 (TS1, TS∞, moment matching of particles as a baseline);
Deisenroth & Rasmussen, PILCO (ICML 2011), section 2.2, and Kamthe & Deisenroth, Data-Efficient Reinforcement
Learning with Probabilistic Model Predictive Control (AISTATS 2018), section 2.1 (moment matching).
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from mbrl_teach.arguments import require_generator
from mbrl_teach.models.learned_world import LearnedWorld
from mbrl_teach.problems.base import ControlProblem

Scheme = Literal["TS1", "TSinf", "moments"]


class TrajectorySampling(ControlProblem):
    """`world`, whose `sample` moves particles through the members of its model.

    world: of a model with `member_count` E and ``sample(s, a, rng, members)``, such as
        :class:`mbrl_teach.models.ensemble.ProbabilisticEnsemble`
    scheme: "TS1", "TSinf" or "moments"

    All else, `dynamics` (the mean) and its derivatives, costs and limits, is the world's.

    Raises ValueError for another scheme, or a model without members.
    """

    def __init__(self, world: LearnedWorld, scheme: Scheme = "TSinf"):
        if scheme not in get_args(Scheme):
            raise ValueError(
                f"scheme must be one of {', '.join(map(repr, get_args(Scheme)))}; got {scheme!r}"
            )
        if not hasattr(world.model, "member_count"):
            raise ValueError(
                "trajectory sampling needs a model with members, such as ProbabilisticEnsemble; "
                f"got {type(world.model).__name__}"
            )
        self.world, self.scheme = world, scheme
        self.state_size, self.action_size = world.state_size, world.action_size
        self.horizon, self.initial_state = world.horizon, world.initial_state
        self.action_low, self.action_high = world.action_low, world.action_high
        self.dynamics, self.linearize, self.dynamics_hessian = (
            world.dynamics,
            world.linearize,
            world.dynamics_hessian,
        )
        self.cost, self.quadratize = world.cost, world.quadratize
        self.final_cost, self.quadratize_final = world.final_cost, world.quadratize_final

    def sample(self, s: np.ndarray, a: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Next states (P, N, n) of P particles of each of N sequences; particle p is row p in every step.

        s (P, N, n), a (P, N, m)

        Raises ValueError for other axes, and where there are too few particles: under TSinf fewer than
        members, so that some would never be asked; for moments fewer than two.
        """
        require_generator(rng)
        if s.ndim != 3:
            raise ValueError(f"s must have shape (P, N, n), particles first; got {s.shape}")
        members = self._members(s.shape[:2], rng)
        following = self.world.model.sample(s, a, rng, members)
        return normal_of_same_moments(following, rng) if self.scheme == "moments" else following

    def _members(self, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
        """Which member (P, N) each particle asks."""
        E, particles = self.world.model.member_count, shape[0]
        if self.scheme != "TSinf":
            return np.broadcast_to(rng.integers(E, size=(particles, 1)), shape)
        if particles < E:
            raise ValueError(f"TSinf needs at least as many particles as members, E = {E}; got {particles}")
        return np.broadcast_to((np.arange(particles) % E)[:, None], shape)


def normal_of_same_moments(particles: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """As many draws (P, N, n) from N normals, with mean and sample covariance of `particles` (P, N, n).

    With deviations d_p from the mean and standard normal w, the sum of w_p d_p / √(P-1) has covariance
    1/(P-1) sum_p d_p d_p': no covariance is built and none is factorised, so it may well be singular.

    Raises ValueError for a single particle.
    """
    P, N, _ = particles.shape
    if P < 2:
        raise ValueError(f"moments need at least two particles, to have a covariance; got {P}")
    mean = particles.mean(axis=0)
    deviations = (particles - mean).swapaxes(0, 1)
    w = rng.standard_normal((N, P, P)) / np.sqrt(P - 1.0)
    return mean + (w @ deviations).swapaxes(0, 1)
