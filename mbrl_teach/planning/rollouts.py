"""What N action sequences cost, all at once: the one thing that sampling planners ask of a world.

A sequence a_1 … a_T, executed from the state s_1, costs

    J(a_1 … a_T) = sum_t γ^(t-1) cost(s_t, a_t) + γ^T final_cost(s_{T+1}),   s_{t+1} = dynamics(s_t, a_t).

The end is where a value function enters: with final_cost = V, the optimal cost to go, one step of planning
is as good as all of them. Whoever learns a value of *rewards* passes minus that.

Time is a loop, since every state needs the one before; the sequences are not: each step is one call of
`dynamics` for all of them, and `cost` is called once, for all steps and sequences together. In Python this
is the difference between milliseconds and seconds.

**Worlds with chance.** With `particles=P` each sequence is executed P times with `model.sample(s, a, rng)`
in place of `dynamics`, and J is the mean. The model sees states (P, N, n) in every step, so that an
ensemble can let a particle keep its member for the whole plan: particle p is always row p.

Source: Rawlings, Mayne & Diehl, Model Predictive Control (2017), chapter 2 (what the final cost is for);
Chua et al., Deep Reinforcement Learning in a Handful of Trials using Probabilistic Dynamics Models
(NeurIPS 2018), section 5 (particles).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from mbrl_teach.arguments import read_array, require_count, require_steps
from mbrl_teach.problems.base import ControlProblem


class Rollouts:
    """A world as a sampling planner sees it: horizon, limits, and costs of many sequences.

    Parameters
        model: the world to plan in, true or learned; it is not changed
        horizon: steps T of a sequence; None: the model's own
        gamma: discount, in (0, 1]
        final_cost: what the end of a sequence costs, (..., n) -> (...); None: the model's own
        particles: how often each sequence is executed with `model.sample`; None: once, with `model.dynamics`

    Attributes: those, n and m, and the limits `low`, `high` (m,) of an action.

    Raises ValueError for numbers out of range, limits that cross, or particles without `model.sample`.
    """

    def __init__(
        self,
        model: ControlProblem,
        *,
        horizon: int | None = None,
        gamma: float = 1.0,
        final_cost: Callable[[np.ndarray], np.ndarray] | None = None,
        particles: int | None = None,
    ):
        if not 0.0 < gamma <= 1.0:
            raise ValueError(f"gamma must be above 0 and at most 1; got {gamma}")
        if particles is not None:
            require_count("particles", particles)
            if not callable(getattr(model, "sample", None)):
                raise ValueError(
                    f"particles={particles} needs a model with sample(s, a, rng); "
                    f"{type(model).__name__} has none"
                )
        self.model, self.gamma, self.particles = model, gamma, particles
        self.horizon = require_steps(model.horizon if horizon is None else horizon)
        self.final_cost = model.final_cost if final_cost is None else final_cost
        self.n, self.m = model.state_size, model.action_size
        self.low, self.high = _limits(model)

    def costs(self, state: np.ndarray, actions: np.ndarray, rng: np.random.Generator | None = None):
        """J (N,) of the sequences `actions` (N, T, m) from `state` (n,); not finite where the world is not.

        rng: for `model.sample`, if there are particles

        Raises ValueError where a function of the world returns a wrong shape.
        """
        actions = np.moveaxis(actions, 1, 0)
        if self.particles is None:
            return self._price(*self._follow(state, actions, self.model.dynamics, "dynamics"))
        actions = np.broadcast_to(actions[:, None], (len(actions), self.particles, *actions.shape[1:]))
        sample = lambda s, a: self.model.sample(s, a, rng)
        return self._price(*self._follow(state, actions, sample, "sample")).mean(axis=0)

    def best_of(self, state: np.ndarray, actions: np.ndarray, rng: np.random.Generator | None = None):
        """The cheapest of a few sequences (N, T, m): its states (T+1, n), actions (T, m), and cost.

        With particles the costs are estimated by new ones: the lowest of many noisy costs, such as a search
        has seen, was lucky too. The states are those without chance, by `model.dynamics`.
        """
        states, ordered = self._follow(state, np.moveaxis(actions, 1, 0), self.model.dynamics, "dynamics")
        costs = self._price(states, ordered) if self.particles is None else self.costs(state, actions, rng)
        i = int(np.argmin(np.where(np.isfinite(costs), costs, np.inf)))
        return states[:, i].copy(), actions[i].copy(), float(costs[i])

    def read_state(self, state: ArrayLike) -> np.ndarray:
        """`state` (n,), or a ValueError."""
        return read_array("state", state, "n", {"n": self.n})

    def read_actions(self, name: str, actions: ArrayLike, axes: str = "T m") -> np.ndarray:
        """Actions of these axes within the limits, or a ValueError."""
        actions = read_array(name, actions, axes, {"T": self.horizon, "m": self.m})
        return np.clip(actions, self.low, self.high)

    def _follow(self, state, actions, step, name):
        """States (T+1, ..., n) along actions (T, ..., m), and those actions."""
        states = np.empty((len(actions) + 1, *actions.shape[1:-1], self.n))
        states[0] = state
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            for t in range(len(actions)):
                following = step(states[t], actions[t])
                if t == 0:
                    self._require_shape(name, following, states.shape[1:])
                states[t + 1] = following
        return states, actions

    def _price(self, states, actions):
        """J (...) of trajectories (T+1, ..., n), (T, ..., m)."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            running, end = self.model.cost(states[:-1], actions), self.final_cost(states[-1])
            self._require_shape("cost", running, actions.shape[:-1])
            self._require_shape("final_cost", end, actions.shape[1:-1])
            return self._discounted_sum(running, end)

    def _discounted_sum(self, running, end):
        """sum_t γ^(t-1) running_t + γ^T end, over the first axis."""
        if self.gamma == 1.0:
            return running.sum(axis=0) + end
        T = len(running)
        return np.tensordot(self.gamma ** np.arange(T), running, 1) + self.gamma**T * end

    def _require_shape(self, function: str, value, shape: tuple[int, ...]) -> None:
        """What a world returns must not be broadcast into something else."""
        if np.shape(value) != shape:
            who = type(self.model).__name__
            raise ValueError(f"{who}.{function} must return shape {shape}; got {np.shape(value)}")


def _limits(model):
    sizes = {"m": model.action_size}
    low = read_array("model.action_low", model.action_low, "m", sizes, finite=False)
    high = read_array("model.action_high", model.action_high, "m", sizes, finite=False)
    if not ((low <= high) & (low < np.inf) & (high > -np.inf)).all():
        raise ValueError(f"model.action_low must be at most action_high; got {low} and {high}")
    return low, high
