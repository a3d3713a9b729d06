"""A learned model as a world to plan in: a model says what happens, a cost says what that is worth.

    world = LearnedWorld(model, cost, horizon=200, action_low=[-2.0], action_high=[2.0])
    planner = CrossEntropyPlanner(world, horizon=30, rng=rng)

Every planner and controller takes it for any other :class:`ControlProblem`. The cost may be known or learned,
and may be changed: one model serves many tasks. ``LearnedWorld.of(model, task)`` takes from a known world
all but its motion.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from mbrl_teach.arguments import read_array, require_generator, require_steps
from mbrl_teach.models.dynamics_model import DynamicsModel
from mbrl_teach.problems.base import ControlProblem
from mbrl_teach.problems.finite_differences import jacobian

Cost = Callable[[np.ndarray, np.ndarray], np.ndarray]


class LearnedWorld(ControlProblem):
    """The motion of `model` at the price of `cost`.

    Parameters
        model: with dynamics, linearize and sample; it may be fitted again, and the world changes with it
        cost: (..., n), (..., m) -> (...)
        horizon: steps T
        action_low, action_high (m,): limits, None for none
        initial_state (n,): where rollouts and iLQR begin unless told; None: zero
        final_cost: (..., n) -> (...), None for none

    Raises ValueError for a model without data, and for wrong shapes.
    """

    def __init__(
        self,
        model: DynamicsModel,
        cost: Cost,
        *,
        horizon: int,
        action_low: ArrayLike | None = None,
        action_high: ArrayLike | None = None,
        initial_state: ArrayLike | None = None,
        final_cost: Callable[[np.ndarray], np.ndarray] | None = None,
    ):
        if model.state_size is None:
            raise ValueError("model must have seen data; call its fit first")
        self.model, self.horizon = model, require_steps(horizon)
        self.state_size, self.action_size = model.state_size, model.action_size
        sizes = {"n": self.state_size, "m": self.action_size}
        self.cost = cost
        if final_cost is not None:
            self.final_cost = final_cost
        if action_low is not None:
            self.action_low = read_array("action_low", action_low, "m", sizes, finite=False)
        if action_high is not None:
            self.action_high = read_array("action_high", action_high, "m", sizes, finite=False)
        start = np.zeros(self.state_size) if initial_state is None else initial_state
        self.initial_state = read_array("initial_state", start, "n", sizes)

    @classmethod
    def of(cls, model: DynamicsModel, task: ControlProblem, *, horizon: int | None = None) -> LearnedWorld:
        """`task` with the motion of `model`: costs, their derivatives, limits, start and horizon stay."""
        world = cls(
            model,
            task.cost,
            horizon=task.horizon if horizon is None else horizon,
            action_low=task.action_low,
            action_high=task.action_high,
            initial_state=task.initial_state,
            final_cost=task.final_cost,
        )
        world.quadratize, world.quadratize_final = task.quadratize, task.quadratize_final
        return world

    def dynamics(self, s, a):
        """The model's expected next state (..., n)."""
        return self.model.dynamics(s, a)

    def linearize(self, s, a):
        """F (..., n, n+m) of the model."""
        return self.model.linearize(s, a)

    def dynamics_hessian(self, s, a):
        """(..., n, n+m, n+m), by differences of `linearize`: two of `dynamics` in float32 are noise."""
        n = self.state_size
        flat = lambda z: self.model.linearize(z[..., :n], z[..., n:]).reshape(*z.shape[:-1], -1)
        H = jacobian(flat, self._join(s, a))
        H = H.reshape(*H.shape[:-2], n, H.shape[-1], H.shape[-1])
        return 0.5 * (H + H.mT)

    def sample(self, s: np.ndarray, a: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Next states (..., n) drawn from the model, for planners with particles."""
        require_generator(rng)
        return self.model.sample(s, a, rng)
