"""What a trajectory optimiser returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Plan:
    """A trajectory, what it costs, and how it was found.

    states (T+1, n), actions (T, m): ``states[t]`` is s_{t+1}, ``actions[t]`` is a_{t+1}, counted from 0
    cost: the total cost
    converged: whether the solver reached its tolerance; if not, `message` says why
    iterations: how many the solver made
    history: one record per iteration, made of what the solver has to show
    policy: K (T, m, n) and k (T, m) of the feedback law a_t = K_t s_t + k_t around the trajectory, or None
    elites: further action sequences (E, T, m), nearly as good, which the next plan may start from, or None
    """

    states: np.ndarray
    actions: np.ndarray
    cost: float
    converged: bool
    iterations: int
    message: str
    history: tuple[Any, ...] = field(default=(), repr=False)
    policy: tuple[np.ndarray, np.ndarray] | None = field(default=None, repr=False)
    elites: np.ndarray | None = field(default=None, repr=False)
