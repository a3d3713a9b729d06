"""Receding horizon, or model predictive control (MPC): plan, execute the first action, plan again.

A plan is computed for T steps, but only its first actions are executed; then the state is measured and a
new plan is made from where the world really is. So a plan, which is blind to disturbances and to errors
of the model, becomes a policy, which is not::

    policy = MPC(planner)
    action = policy(state)        # (n,) -> (m,)

**Warm start.** After an action, the rest of the old plan is nearly the new plan. A planner whose `plan`
takes `initial_actions` is given the last *solution*, shifted by the actions that were executed and
lengthened by repeating its last action::

    solution            a_1 a_2 a_3 … a_T
    initial_actions         a_2 a_3 … a_T a_T

Optimisers start from it, sampling planners draw around it. A planner that also takes `initial_policy` is
given the feedback law (K, k) of the solution, shifted alike: actions alone, replayed from a disturbed state
of an unstable world, can end far from the plan, whereas the law leads back to it. And a planner that takes
`initial_elites` is given the solution's elites, sequences nearly as good as it, each shifted alike. So what
is carried from plan to plan is kept here and nowhere else: `reset` forgets all of it.

Source: Rawlings, Mayne & Diehl, Model Predictive Control (2017), section 1.1; on warm starts, Tassa, Erez &
Todorov, Synthesis and Stabilization of Complex Behaviors (IROS 2012), section IV.
"""

from __future__ import annotations

import inspect
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from mbrl_teach.arguments import read_array


class Planned(Protocol):
    """What MPC reads of a plan. Further fields are welcome, `policy` and `elites` among them (see Plan)."""

    states: np.ndarray  # (T+1, n)
    actions: np.ndarray  # (T, m)


class Planner(Protocol):
    """What MPC asks of a planner."""

    def plan(self, state: np.ndarray) -> Planned:
        """A plan from `state` (n,).

        For a warm start it also takes the keyword `initial_actions` (T, m) or None, and perhaps
        `initial_policy` (K (T, m, n), k (T, m)) or None, or `initial_elites` (E, T, m) or None.
        """


class MPC:
    """The policy that follows, in every state, the beginning of a fresh plan.

    Parameters
        planner: see :class:`Planner`
        actions_per_plan: how many actions of a plan are executed before the next one is made
        warm_start: whether a plan starts from the last; None: if the planner can

    `plan` is the latest plan, None before the first. Call `reset` at the beginning of an episode.

    Raises ValueError if `actions_per_plan` is below 1, or a warm start is asked of a planner whose
    `plan` does not take `initial_actions`.
    """

    def __init__(self, planner: Planner, *, actions_per_plan: int = 1, warm_start: bool | None = None):
        if not callable(getattr(planner, "plan", None)):
            raise ValueError(f"planner must have a method plan(state); got {type(planner).__name__}")
        if not (actions_per_plan >= 1 and actions_per_plan == int(actions_per_plan)):
            raise ValueError(f"actions_per_plan must be a whole number from 1 on; got {actions_per_plan}")
        takes = _keywords(planner.plan)
        if warm_start and "initial_actions" not in takes:
            raise ValueError(
                f"warm_start=True, but {type(planner).__name__}.plan does not take initial_actions"
            )
        self.planner = planner
        self.actions_per_plan = int(actions_per_plan)
        self._hands_over = takes if warm_start is None or warm_start else frozenset()
        self.reset()

    def reset(self) -> None:
        """Forget the plan: a new episode begins, and the next plan starts cold."""
        self.plan: Planned | None = None
        self._executed = 0

    def __call__(self, state: ArrayLike) -> np.ndarray:
        """The action (m,) to take in `state` (n,).

        Raises ValueError if the state is not a vector of finite numbers, or the planner returns actions
        that are not, or fewer than `actions_per_plan` of them.
        """
        state = read_array("state", state, "n", {})
        if self.plan is None or self._executed == self.actions_per_plan:
            self.plan = self._new_plan(state)
            self._executed = 0
        action = np.array(self.plan.actions[self._executed], dtype=np.float64)
        self._executed += 1
        return action

    def _new_plan(self, state: np.ndarray) -> Planned:
        plan = self.planner.plan(state, **self._warm_start())
        if not hasattr(plan, "actions"):
            who = type(self.planner).__name__
            raise ValueError(f"{who}.plan(state) must return a plan with actions; got {type(plan).__name__}")
        sizes: dict[str, int] = {}
        read_array(f"{type(self.planner).__name__}.plan(state).actions", plan.actions, "T m", sizes)
        if sizes["T"] < self.actions_per_plan:
            raise ValueError(
                f"actions_per_plan must be at most the plan's length T = {sizes['T']}; "
                f"got {self.actions_per_plan}"
            )
        return plan

    def _warm_start(self) -> dict[str, object]:
        """The last solution, shifted, in the keywords that the planner takes."""
        if self.plan is None:
            return {}
        keywords: dict[str, object] = {}
        if "initial_actions" in self._hands_over:
            keywords["initial_actions"] = shift(self.plan.actions, self._executed)
        law = getattr(self.plan, "policy", None)
        if "initial_policy" in self._hands_over and law is not None:
            keywords["initial_policy"] = tuple(shift(part, self._executed) for part in law)
        elites = getattr(self.plan, "elites", None)
        if "initial_elites" in self._hands_over and elites is not None:
            keywords["initial_elites"] = np.array([shift(sequence, self._executed) for sequence in elites])
        return keywords


def shift(sequence: np.ndarray, steps: int) -> np.ndarray:
    """`sequence` (T, …) without its first `steps` entries, lengthened to T by repeating its last one."""
    steps = min(steps, len(sequence))
    last = np.repeat(sequence[-1:], steps, axis=0)
    return np.concatenate([sequence[steps:], last])


def _keywords(function) -> frozenset[str]:
    """Which of the keywords of a warm start the function takes."""
    parameters = inspect.signature(function).parameters
    anything = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())
    names = {"initial_actions", "initial_policy", "initial_elites"}
    return frozenset(names if anything else names & parameters.keys())
