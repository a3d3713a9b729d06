"""Planning by the cross-entropy method: guess action sequences, keep the best, guess nearer to them.

The candidate of :func:`cross_entropy_method` is a whole sequence a_1 … a_T; its cost is what the sequence
costs in the world (:mod:`mbrl_teach.planning.rollouts`). Every a_t has a mean and a deviation of its own,
and all that relates the actions of a sequence to each other is that they are elites together.

**What is executed** is the better of two: the best sequence seen, and the last mean. After a few iterations
the elites still push at different times, so their mean pushes less than any of them. From hanging, 200
steps of Gymnasium's Pendulum-v1 return about -450 by the mean alone, about -325 by the best of both (white
noise).

**Coloured noise** (:mod:`mbrl_teach.planning.coloured_noise`) decides how far the search sees. White noise
hardly moves a world with inertia, and no draw holds a push long enough. Worse is a world that falls by
itself, as the pendulum does near the top: what the first pushes did wrong has grown by e^(λT) after T
steps, so with wide white noise *every* candidate falls, and the elites agree on the best way to fall and
come round again. The trouble is the search, not the horizon: a longer one makes it worse, and the exact
value as `final_cost` does not help unless the horizon is short too. Against dynamic programming on a grid,
from Gymnasium's 20 first seeds, white noise loses 44 of -127 on average and up to 125 where it should
simply stay up; red noise with β = 2.5 loses 2, and 3 at most. (Horizon 50, 200 steps; with horizon 30 some
ways up are out of sight.)

**In a receding horizon** (:class:`mbrl_teach.planning.mpc.MPC`) three things matter from plan to plan. The
solution, shifted by what was executed, is where the mean starts. The `kept` best sequences, shifted alike,
take part in the first iteration. The deviation starts wide again, since the world may have moved.

**With a value** at the end a plan may be short. With the value of dynamic programming, five steps of white
noise already lose nothing from any of these starts.

Source: Chua et al. (NeurIPS 2018), section 5 (CEM as the planner of learned models); Pinneri et al.,
Sample-efficient Cross-Entropy Method for Real-time Planning (CoRL 2020; kept and shifted elites, coloured
noise, executing the best sequence).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from mbrl_teach.arguments import require_count
from mbrl_teach.control.plan import Plan
from mbrl_teach.planning.coloured_noise import colouring
from mbrl_teach.planning.cross_entropy_method import CEMIteration, CEMResult, cross_entropy_method
from mbrl_teach.planning.proposals import first_mean, first_std, standard_noise
from mbrl_teach.planning.rollouts import Rollouts
from mbrl_teach.problems.base import ControlProblem

__all__ = ["CEMIteration", "CEMResult", "CrossEntropyPlanner", "cross_entropy_method"]


class CrossEntropyPlanner:
    """Plans by the cross-entropy method.

    Parameters
        model: the world to plan in, true or learned
        horizon: steps T of a plan; None: the model's own
        population N, elites M, iterations: of the method
        rng: where all chance comes from
        gamma, final_cost, particles: see :class:`mbrl_teach.planning.rollouts.Rollouts`
        initial_std: deviation of the first draw, one number or (m,); None: half the way between the limits
        momentum: share of the old mean and deviation that a refit keeps, in [0, 1)
        kept: elites that take part in the next iteration, and, shifted, in the next plan
        noise_exponent: β of coloured noise, see :mod:`mbrl_teach.planning.coloured_noise`; 0 is white

    Raises ValueError for numbers out of range, or without limits and `initial_std`.
    """

    def __init__(
        self,
        model: ControlProblem,
        *,
        horizon: int | None = None,
        population: int = 500,
        elites: int = 50,
        iterations: int = 5,
        rng: np.random.Generator,
        gamma: float = 1.0,
        final_cost: Callable[[np.ndarray], np.ndarray] | None = None,
        initial_std: ArrayLike | None = None,
        momentum: float = 0.1,
        kept: int | None = None,
        noise_exponent: float = 2.5,
        particles: int | None = None,
    ):
        self.world = Rollouts(model, horizon=horizon, gamma=gamma, final_cost=final_cost, particles=particles)
        self.std = first_std(self.world, initial_std)
        self.population = require_count("population", population)
        self.elites = require_count("elites", elites, at_most=("population", self.population))
        self.iterations = require_count("iterations", iterations)
        kept = min(5, self.elites) if kept is None else kept
        self.kept = require_count("kept", kept, at_least=0, at_most=("elites", self.elites))
        if not 0.0 <= momentum < 1.0:
            raise ValueError(f"momentum must be in [0, 1); got {momentum}")
        self.momentum, self.colouring = momentum, colouring(noise_exponent, self.world.horizon)
        self.rng = rng

    def plan(
        self,
        state: ArrayLike,
        initial_actions: ArrayLike | None = None,
        initial_elites: ArrayLike | None = None,
    ) -> Plan:
        """A plan from `state` (n,).

        initial_actions (T, m): the first mean; None: halfway between the limits
        initial_elites (E, T, m): sequences that take part in the first iteration, or None

        The plan's history holds every :class:`CEMIteration`, with mean, std (T, m), candidates (N, T, m).

        Raises ValueError for a wrong shape, or if no sequence of an iteration has a finite cost.
        """
        world = self.world
        state, mean = world.read_state(state), first_mean(world, initial_actions)
        if initial_elites is not None:
            initial_elites = self._flat(world.read_actions("initial_elites", initial_elites, "E T m"))
        result = cross_entropy_method(
            lambda flat: world.costs(state, self._sequences(flat), self.rng),
            mean.ravel(),
            self._every_step(self.std),
            population=self.population,
            elites=self.elites,
            iterations=self.iterations,
            rng=self.rng,
            low=self._every_step(world.low),
            high=self._every_step(world.high),
            momentum=self.momentum,
            kept=self.kept,
            initial_candidates=initial_elites,
            noise=self._noise,
        )
        return self._plan(state, result)

    def _plan(self, state, result: CEMResult) -> Plan:
        finalists = self._sequences(np.stack([result.best, result.mean]))
        states, actions, cost = self.world.best_of(state, finalists, self.rng)
        last = result.history[-1]
        return Plan(
            states=states,
            actions=actions,
            cost=cost,
            converged=result.converged,
            iterations=result.iterations,
            message=result.message,
            history=tuple(self._unflattened(record) for record in result.history),
            elites=self._sequences(last.candidates[last.elites[: self.kept]]) if self.kept else None,
        )

    def _unflattened(self, record: CEMIteration) -> CEMIteration:
        mean, std = (self._sequences(part[None])[0] for part in (record.mean, record.std))
        return replace(record, mean=mean, std=std, candidates=self._sequences(record.candidates))

    def _noise(self, population, rng):
        return self._flat(standard_noise(self.colouring, population, self.world.horizon, self.world.m, rng))

    def _sequences(self, flat):
        """(N, T m) as (N, T, m), without a copy."""
        return flat.reshape(len(flat), self.world.horizon, self.world.m)

    def _flat(self, sequences):
        return sequences.reshape(len(sequences), -1)

    def _every_step(self, of_an_action):
        return np.tile(of_an_action, self.world.horizon)
