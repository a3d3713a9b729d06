"""Random shooting: guess action sequences, take the best.

Draw N sequences a_1 … a_T, follow each through the world, and keep the one of lowest cost. No derivative, no
iteration, nothing to tune but N; and no hope once T m is large: if a useful action is a share p of all, a
useful sequence is a share p^T. :mod:`mbrl_teach.planning.cem` spends the same number of guesses in rounds.

Source: the method has no single origin; for model-based reinforcement learning see Nagabandi et al., Neural
Network Dynamics for Model-Based Deep Reinforcement Learning with Model-Free Fine-Tuning (ICRA 2018),
section IV-C.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from mbrl_teach.arguments import require_count
from mbrl_teach.control.plan import Plan
from mbrl_teach.planning.cross_entropy_method import finite_costs
from mbrl_teach.planning.proposals import first_mean, first_std
from mbrl_teach.planning.rollouts import Rollouts
from mbrl_teach.problems.base import ControlProblem


@dataclass(frozen=True)
class Shots:
    """All that was tried: candidates (N, T, m), their costs (N,), infinite where they were not finite."""

    candidates: np.ndarray = field(repr=False)
    costs: np.ndarray = field(repr=False)


class RandomShootingPlanner:
    """The best of `population` random sequences.

    Parameters
        model: the world to plan in, true or learned
        horizon: steps T of a plan; None: the model's own
        population: how many sequences N are tried
        rng: where all chance comes from
        gamma, final_cost, particles: see :class:`mbrl_teach.planning.rollouts.Rollouts`
        initial_std: number or (m,); None: actions are uniform between the limits. Given: normal, with this
            deviation around `initial_actions`, clipped to the limits

    Raises ValueError for numbers out of range, or without limits and `initial_std`.
    """

    def __init__(
        self,
        model: ControlProblem,
        *,
        horizon: int | None = None,
        population: int = 500,
        rng: np.random.Generator,
        gamma: float = 1.0,
        final_cost: Callable[[np.ndarray], np.ndarray] | None = None,
        initial_std: ArrayLike | None = None,
        particles: int | None = None,
    ):
        self.world = Rollouts(model, horizon=horizon, gamma=gamma, final_cost=final_cost, particles=particles)
        self.std = first_std(self.world, initial_std)
        self.uniform = initial_std is None
        self.population = require_count("population", population)
        self.rng = rng

    def plan(self, state: ArrayLike, initial_actions: ArrayLike | None = None) -> Plan:
        """The best of N sequences from `state` (n,); `initial_actions` (T, m), if given, is one of them.

        The plan's history is one record of :class:`Shots`. It never claims to have converged.

        Raises ValueError for a wrong shape, or if no sequence has a finite cost.
        """
        state = self.world.read_state(state)
        mean = first_mean(self.world, initial_actions)
        candidates = self._draw(mean)
        if initial_actions is not None:
            candidates[0] = mean
        costs = finite_costs(self.world.costs(state, candidates, self.rng), self.population)
        best = candidates[[np.argmin(costs)]]
        states, actions, cost = self.world.best_of(state, best, self.rng)
        return Plan(
            states=states,
            actions=actions,
            cost=cost,
            converged=False,
            iterations=1,
            message=f"the best of {self.population} random sequences; nothing tells how good that is",
            history=(Shots(candidates, costs),),
        )

    def _draw(self, mean):
        """Sequences (N, T, m), in memory time first."""
        low, high, shape = (
            self.world.low,
            self.world.high,
            (self.world.horizon, self.population, self.world.m),
        )
        if self.uniform:
            return np.swapaxes(self.rng.uniform(low, high, shape), 0, 1)
        draws = mean[:, None] + self.std * self.rng.standard_normal(shape)
        return np.swapaxes(np.clip(draws, low, high), 0, 1)
