"""Model predictive path integral control (MPPI): a softened cross-entropy method.

Where the cross-entropy method lets the best M of N sequences vote alike and ignores the rest, MPPI lets
all vote, with weights that fall exponentially with the cost. From the plan ā_1 … ā_T:

    ε_i ~ N(0, Σ),  Σ = diag(std²)                      noise (T, m), i = 1 … N
    a_i = clip(ā + ε_i, low, high)
    S_i = J(a_i) + effort λ sum_t ā_t' Σ⁻¹ ε_{i,t}
    w_i = exp(-(S_i - min_j S_j) / λ) / sum_k exp(-(S_k - min_j S_j) / λ)
    ā   <- sum_i w_i a_i

Subtracting the minimum changes no weight and keeps the exponentials from vanishing all at once. The deviation
stays as it is: nothing is refitted but the mean.

**Why exponential.** Among all distributions q of sequences, the one that minimises E_q[J] + λ KL(q ‖ p) is
q ∝ exp(-J / λ) p; the update is its mean, estimated from samples of N(ā, Σ) with importance weights. With
p = N(ā, Σ), "stay near the plan", the weights are those above without the last term of S; with p = N(0, Σ),
"use little force", the term appears, with effort = 1 (as of white noise: that coloured noise relates the
steps is left out of it). As λ falls to 0 only the best sequence counts; as λ grows, all count alike and the
plan stands still.

**Temperature.** λ is in the units of the cost, so no number suits every world. With `temperature=None` each
iteration takes the λ for which the weights are worth `elites` samples, 1 / sum_i w_i² = elites.

Source: Williams et al., Information Theoretic Model Predictive Control: Theory and Applications to Autonomous
Driving (IEEE Transactions on Robotics 34, 2018), section III, where effort is γ/λ = 1 - α.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from mbrl_teach.arguments import require_count, require_generator
from mbrl_teach.control.plan import Plan
from mbrl_teach.planning.coloured_noise import colouring
from mbrl_teach.planning.cross_entropy_method import finite_costs
from mbrl_teach.planning.proposals import first_mean, first_std, standard_noise
from mbrl_teach.planning.rollouts import Rollouts
from mbrl_teach.problems.base import ControlProblem


@dataclass(frozen=True)
class MPPIIteration:
    """One update.

    mean (T, m): ā before it; temperature λ
    candidates (N, T, m), costs (N,): J, infinite where it was not finite
    weights (N,): w
    """

    iteration: int
    mean: np.ndarray
    temperature: float
    candidates: np.ndarray = field(repr=False)
    costs: np.ndarray = field(repr=False)
    weights: np.ndarray = field(repr=False)


class PathIntegralPlanner:
    """Plans by MPPI.

    Parameters
        model: the world to plan in, true or learned
        horizon: steps T of a plan; None: the model's own
        population: sequences N of an iteration; iterations: updates of one plan
        rng: where all chance comes from
        temperature: λ; None: from `elites`
        elites: how many samples the weights shall be worth where the temperature is None; None: N / 50
        effort: weight of the term that pulls the plan to zero, from 0 (none) to 1
        initial_std: deviation of the noise, one number or (m,); None: half of what lies between the limits
        noise_exponent: β of coloured noise, see :mod:`mbrl_teach.planning.coloured_noise`; 0 is white
        gamma, final_cost, particles: see :class:`mbrl_teach.planning.rollouts.Rollouts`

    Raises ValueError for numbers out of range, or without limits and `initial_std`.
    """

    def __init__(
        self,
        model: ControlProblem,
        *,
        horizon: int | None = None,
        population: int = 500,
        iterations: int = 5,
        rng: np.random.Generator,
        temperature: float | None = None,
        elites: int | None = None,
        effort: float = 0.0,
        gamma: float = 1.0,
        final_cost: Callable[[np.ndarray], np.ndarray] | None = None,
        initial_std: ArrayLike | None = None,
        noise_exponent: float = 2.5,
        particles: int | None = None,
    ):
        self.world = Rollouts(model, horizon=horizon, gamma=gamma, final_cost=final_cost, particles=particles)
        self.std = first_std(self.world, initial_std)
        self.population = require_count("population", population)
        self.iterations = require_count("iterations", iterations)
        elites = max(1, self.population // 50) if elites is None else elites
        self.elites = require_count("elites", elites, at_most=("population", self.population))
        if temperature is not None and not temperature > 0.0:
            raise ValueError(f"temperature must be positive or None; got {temperature}")
        if not 0.0 <= effort <= 1.0:
            raise ValueError(f"effort must be from 0 to 1; got {effort}")
        self.temperature, self.effort = temperature, effort
        self.colouring = colouring(noise_exponent, self.world.horizon)
        require_generator(rng)
        self.rng = rng

    def plan(self, state: ArrayLike, initial_actions: ArrayLike | None = None) -> Plan:
        """A plan from `state` (n,), improved from `initial_actions` (T, m), by default the limits' middle.

        The plan's history holds every :class:`MPPIIteration`. It never claims to have converged: the noise
        never ends.

        Raises ValueError for a wrong shape, or if no sequence has a finite cost.
        """
        state = self.world.read_state(state)
        mean = first_mean(self.world, initial_actions)
        history = []
        for iteration in range(1, self.iterations + 1):
            history.append(self._iterate(iteration, state, mean))
            mean = np.tensordot(history[-1].weights, history[-1].candidates, 1)
        states, actions, cost = self.world.best_of(state, mean[None], self.rng)
        worth = _worth(history[-1].weights)
        return Plan(
            states=states,
            actions=actions,
            cost=cost,
            converged=False,
            iterations=self.iterations,
            message=f"stopped after iterations = {self.iterations}, its weights worth {worth:.1f} samples",
            history=tuple(history),
        )

    def _iterate(self, iteration, state, mean):
        world = self.world
        noise = self.std * standard_noise(self.colouring, self.population, world.horizon, world.m, self.rng)
        candidates = np.clip(mean + noise, world.low, world.high)
        costs = finite_costs(world.costs(state, candidates, self.rng), self.population)
        pull = self.effort * ((candidates - mean) * (mean / self.std**2)).sum(axis=(1, 2))
        temperature = self.temperature
        if temperature is None:
            temperature = temperature_worth(costs, self.elites)
        weights = path_integral_weights(costs + temperature * pull, temperature)
        return MPPIIteration(iteration, mean, temperature, candidates, costs, weights)


def path_integral_weights(costs: np.ndarray, temperature: float) -> np.ndarray:
    """w (N,), which sum to 1; infinite costs weigh nothing."""
    w = np.exp(-(costs - costs.min()) / temperature)
    return w / w.sum()


def temperature_worth(costs: np.ndarray, samples: float) -> float:
    """The λ, to 0.1 %, for which the weights of these costs are worth so many samples, 1 / sum_i w_i².

    The worth grows with λ, from the number of minima to the number of finite costs. Where `samples` lies
    outside, λ is at the end of the search, a millionth or a million times the spread of the costs.
    """
    finite = costs[np.isfinite(costs)]
    spread = np.ptp(finite)
    if spread == 0.0:
        return 1.0  # any will do
    excess = lambda log: np.log(_worth(path_integral_weights(finite, spread * np.exp(log))) / samples)
    low, high = np.log(1e-6), np.log(1e6)
    if excess(low) >= 0.0 or excess(high) <= 0.0:
        return float(spread * np.exp(low if excess(low) >= 0.0 else high))
    return float(spread * np.exp(brentq(excess, low, high, xtol=1e-3)))


def _worth(w):
    """How many equal weights have the variance of these."""
    return 1.0 / (w @ w)
