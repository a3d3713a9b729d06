"""A learned reward: r as a function of state and action, by the same regressions as a learned world.

    r ≈ ρ([φ(s); a]),     least squares on the rewards that were seen.

Where the reward is noisy, or depends on the next state too, this is its expectation. What a planner does
with it is to look for its maximum, and so for its errors: a reward that is too high somewhere is found.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from mbrl_teach.arguments import read_arrays, require_at_least_one
from mbrl_teach.models.dynamics_model import DynamicsModel


class RewardModel:
    """Regression of rewards, of the kind that `like` is.

    like: a model whose regression and encoding are used, made for this purpose alone: ``RewardModel(
        NeuralNetwork(rng=rng, encoding=Angles(0)))``. What it has learned is forgotten

    Call it with states (..., n) and actions (..., m) for rewards (...).
    """

    def __init__(self, like: DynamicsModel):
        self._model = like
        self.state_size: int | None = None

    def fit(self, states: ArrayLike, actions: ArrayLike, rewards: ArrayLike) -> Self:
        """Learn from states (N, n), actions (N, m) and rewards (N,); returns itself.

        Raises ValueError for arrays that do not fit together, hold NaN or infinity, or hold no step.
        """
        sizes: dict[str, int] = {}
        arguments = {"states": (states, "N n"), "actions": (actions, "N m"), "rewards": (rewards, "N")}
        s, a, r = read_arrays(arguments, sizes).values()
        require_at_least_one("states", s, sizes)
        self._model.regression.fit(self._model.inputs(s, a), r[:, None])
        self.state_size, self.action_size = s.shape[-1], a.shape[-1]
        return self

    def __call__(self, s: np.ndarray, a: np.ndarray) -> np.ndarray:
        """Expected rewards (...). Raises ValueError before `fit`."""
        if self.state_size is None:
            raise ValueError("RewardModel has seen no data; call fit first")
        return self._model.regression.mean(self._model.inputs(s, a))[..., 0]
