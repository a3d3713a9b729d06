"""A world whose actions are shares of their limits: the same motion and cost, all actions in [-1, 1].

With the middle and half the width of the limits,

    world's action = middle + half_width a,       -1 <= a <= 1,

as learning agents expect their actions. Derivatives by `a` are those of the world times `half_width`.
"""

from __future__ import annotations

import numpy as np

from mbrl_teach.problems.base import ControlProblem


class NormalizedActions(ControlProblem):
    """`world`, its actions between finite limits taken to [-1, 1].

    Raises ValueError if an action of the world is unbounded.
    """

    def __init__(self, world: ControlProblem):
        low, high = np.asarray(world.action_low), np.asarray(world.action_high)
        if not (np.isfinite(low) & np.isfinite(high)).all():
            raise ValueError(
                f"world must have bounded actions; {type(world).__name__} has low = {low}, high = {high}"
            )
        self.world = world
        self.state_size, self.action_size, self.horizon = world.state_size, world.action_size, world.horizon
        self.initial_state = world.initial_state
        self.middle, self.half_width = 0.5 * (low + high), 0.5 * (high - low)
        self.action_low, self.action_high = -np.ones(self.action_size), np.ones(self.action_size)
        self._scale = np.concatenate([np.ones(self.state_size), self.half_width])

    def world_action(self, a: np.ndarray) -> np.ndarray:
        """The action (..., m) in the world's units."""
        return self.middle + self.half_width * a

    def normalized(self, world_action: np.ndarray) -> np.ndarray:
        """The share `a` (..., m) of an action in the world's units."""
        return (world_action - self.middle) / self.half_width

    def dynamics(self, s, a):
        """Next state (..., n)."""
        return self.world.dynamics(s, self.world_action(a))

    def cost(self, s, a):
        """Running cost (...)."""
        return self.world.cost(s, self.world_action(a))

    def final_cost(self, s):
        """The world's own (...)."""
        return self.world.final_cost(s)

    def linearize(self, s, a):
        """F (..., n, n+m)."""
        return self.world.linearize(s, self.world_action(a)) * self._scale

    def quadratize(self, s, a):
        """C (..., n+m, n+m) and c (..., n+m)."""
        C, c = self.world.quadratize(s, self.world_action(a))
        return C * np.outer(self._scale, self._scale), c * self._scale

    def quadratize_final(self, s):
        """The world's own V (..., n, n) and v (..., n)."""
        return self.world.quadratize_final(s)

    def dynamics_hessian(self, s, a):
        """(..., n, n+m, n+m)."""
        return self.world.dynamics_hessian(s, self.world_action(a)) * np.outer(self._scale, self._scale)
