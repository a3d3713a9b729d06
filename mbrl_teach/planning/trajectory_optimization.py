"""Planning by trajectory optimisation: from the state at hand, iLQR or DDP over a horizon of the model.

Sampling planners need the model's values only; this one needs its derivatives, and is exact near an
optimum. In a receding horizon a few iterations suffice, since every plan starts from the last: see
:mod:`mbrl_teach.planning.mpc`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from types import MethodType

import numpy as np
from numpy.typing import ArrayLike

from mbrl_teach.arguments import read_array, require_steps
from mbrl_teach.control.ilqr import ilqr
from mbrl_teach.control.plan import Plan
from mbrl_teach.problems.base import ControlProblem


class ILQRPlanner:
    """Plans with :func:`mbrl_teach.control.ilqr.ilqr`.

    Parameters
        model: the world to plan in, true or learned; it is not changed
        horizon: steps T of a plan; None: the model's own
        iterations: the most that a plan may take; a plan that stops there has ``converged=False``
        second_order: DDP instead of iLQR; tolerance: as in `ilqr`
        final_cost: what the end of a plan costs, (..., n) -> (...), for instance minus a learned value;
            None: the model's own
    """

    def __init__(
        self,
        model: ControlProblem,
        *,
        horizon: int | None = None,
        iterations: int = 100,
        second_order: bool = False,
        tolerance: float = 1e-9,
        final_cost: Callable[[np.ndarray], np.ndarray] | None = None,
    ):
        if not (iterations >= 0 and tolerance >= 0):
            raise ValueError(f"iterations and tolerance must be >= 0; got {iterations=}, {tolerance=}")
        self.model = copy.copy(model)
        if horizon is not None:
            self.model.horizon = require_steps(horizon)
        if final_cost is not None:
            self.model.final_cost = final_cost
            # The model's own derivatives are those of another final cost now.
            self.model.quadratize_final = MethodType(ControlProblem.quadratize_final, self.model)
        self.iterations, self.second_order, self.tolerance = iterations, second_order, tolerance

    def plan(
        self,
        state: ArrayLike,
        initial_actions: ArrayLike | None = None,
        initial_policy: tuple[ArrayLike, ArrayLike] | None = None,
    ) -> Plan:
        """A plan from `state` (n,), starting from `initial_policy` if given, else from `initial_actions`.

        initial_actions (T, m): zeros if None
        initial_policy: K (T, m, n) and k (T, m); the law a_t = K_t s_t + k_t is followed from `state`, which
            after a disturbance is a far better start than the actions alone; where it blows up, the
            plan starts from `initial_actions` after all

        Raises ValueError for wrong shapes, and as `ilqr` does.
        """
        problem = copy.copy(self.model)
        sizes = {"n": problem.state_size, "m": problem.action_size, "T": problem.horizon}
        problem.initial_state = read_array("state", state, "n", sizes)
        if initial_policy is not None:
            K = read_array("initial_policy K", initial_policy[0], "T m n", sizes)
            k = read_array("initial_policy k", initial_policy[1], "T m", sizes)
            followed = _follow(problem, K, k)
            if np.isfinite(followed).all():  # else the law blows up from here: the actions must do
                initial_actions = followed
        return ilqr(
            problem,
            initial_actions,
            second_order=self.second_order,
            max_iterations=self.iterations,
            tolerance=self.tolerance,
        )


def _follow(problem: ControlProblem, K: np.ndarray, k: np.ndarray) -> np.ndarray:
    """The actions (T, m) of the law a_t = K_t s_t + k_t, within the limits, from the initial state."""
    s, actions = problem.initial_state, np.empty_like(k)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for t in range(len(k)):
            actions[t] = np.clip(K[t] @ s + k[t], problem.action_low, problem.action_high)
            s = problem.dynamics(s, actions[t])
    return actions
