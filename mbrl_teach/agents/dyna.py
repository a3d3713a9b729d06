"""Dyna-Q: learn action values from real steps, and from steps imagined in a model learned on the way.

Bellman's optimality equation, with V(s) = max_a Q(s, a) and V = 0 after the end of an episode,

    Q(s, a) = E[r + γ V(s')],

turns each step (s, a, r, s') into a sample of its right-hand side. After every real step:

1. Direct learning (Q-learning):   Q(s, a) += α [r + γ V(s') - Q(s, a)].
2. Model learning:                 count the step in a table.
3. Planning, `planning_steps` times: draw a state that was visited, and one of the actions tried there; let
   the model say what follows, and update Q(s, a) again, as if it had happened. `imagine` says how:

   "last"       (r, s') as it was when `a` was last tried in `s`: Dyna-Q of the book
   "sample"     s' drawn from P̂(· | s, a), and r = R̂(s, a)
   "expected"   no sample at all, Q(s, a) = R̂(s, a) + γ sum_s' P̂(s' | s, a) V(s'); no α, as there is no noise

With `planning_steps=0` this is Q-learning; with `direct=False` only imagined steps teach.

Dyna-Q+ (`bonus` κ > 0) adds κ √τ to each imagined reward, for a pair last tried τ real steps ago, and
imagines all actions of visited states; one that was never tried leads, in the model, nowhere and brings 0.
What was not tried for long looks better and better, until the agent goes and sees whether the world has
changed.

Source: Sutton & Barto, Reinforcement Learning (2018), sections 8.1 to 8.3 and 8.5; Sutton (1990), Integrated
architectures for learning, planning, and reacting based on approximating dynamic programming.
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from math import sqrt
from typing import Literal

import gymnasium as gym
import numpy as np

from mbrl_teach.agents.dyna_runs import dyna_q_runs
from mbrl_teach.agents.experience import Callback, Experience, History, Settings, read_sizes, stream
from mbrl_teach.models.table import TableModel

__all__ = ["dyna_q", "dyna_q_runs"]

Imagine = Literal["last", "sample", "expected"]


def dyna_q(
    env: gym.Env,
    *,
    planning_steps: int,
    alpha: float,
    gamma: float,
    epsilon: float,
    rng: np.random.Generator,
    episodes: int | None = None,
    total_steps: int | None = None,
    imagine: Imagine = "last",
    direct: bool = True,
    bonus: float = 0.0,
    model: TableModel | None = None,
    callback: Callback | None = None,
) -> History:
    """Learn to act in `env`, any Gymnasium environment with Discrete observations and actions.

    planning_steps: imagined updates after each real step
    alpha in (0, 1], gamma and epsilon in [0, 1]: learning rate, discount, share of random actions
    episodes, total_steps: stop after so many finished episodes or real steps, whatever comes first
    imagine, direct, bonus: see above
    model: one to begin with, which goes on learning; None for an empty one
    callback: called with a `Step` after each real step

    Raises ValueError for spaces that are not Discrete, settings out of range, rewards that are not finite.
    """
    S, A = read_sizes(env)
    Settings(alpha, gamma, epsilon, planning_steps, rng, episodes, total_steps, bonus)
    plan, model = _planner(imagine), read_model(model, S, A)
    q, uniforms = [[0.0] * A for _ in range(S)], stream(rng)
    seed = int(rng.integers(2**31))
    experience = Experience(
        env, q, uniforms, epsilon=epsilon, episodes=episodes, total_steps=total_steps, seed=seed
    )
    for transition in experience:
        s, a, r, s_next, terminated = transition
        if direct:
            target = r if terminated else r + gamma * max(q[s_next])
            q[s][a] += alpha * (target - q[s][a])
        model.update(s, a, r, s_next, terminated)
        draws = islice(uniforms, planning_steps)
        if callback is None and _planning_is_idle(model, bonus):
            deque(draws, maxlen=0)
        elif callback is not None or planning_steps:
            pairs = model.draw_pairs(draws, untried=bonus > 0)
            plan(q, model, pairs, alpha, gamma, bonus, uniforms)
        experience.updates += direct + planning_steps
        if callback is not None:
            callback(experience.step(transition, pairs))
    return experience.history(model)


def _planning_is_idle(model: TableModel, bonus: float) -> bool:
    """Whether every imagined update would turn a 0 into a 0, as no reward but 0 was ever seen.

    Then the numbers that would choose the pairs are only thrown away, so that what follows is the same. In
    figure 8.2 with 50 planning steps the first episode takes half of all real steps: MEASURE.
    """
    return not (model.rewarded or bonus)


def _plan_with_last_outcomes(q, model, pairs, alpha, gamma, bonus, uniforms):
    """Q(s, a) += α [r + κ √τ + γ V(s') - Q(s, a)] with (r, s') as it was the last time."""
    last_outcome, last_tried, now = model.last_outcome, model.last_tried, model.steps
    for s, a in pairs:
        target, s_next, terminated = last_outcome[s][a]
        if bonus:
            target += bonus * sqrt(now - last_tried[s][a])
        if not terminated:
            target += gamma * max(q[s_next])
        values = q[s]
        values[a] += alpha * (target - values[a])


def _plan_with_samples(q, model, pairs, alpha, gamma, bonus, uniforms):
    """Q(s, a) += α [R̂ + κ √τ + γ V(s') - Q(s, a)] with s' drawn from P̂."""
    last_tried, now = model.last_tried, model.steps
    for (s, a), u in zip(pairs, uniforms):  # noqa: B905, uniforms never end
        target, s_next, terminated = model.draw_outcome(s, a, u)
        if bonus:
            target += bonus * sqrt(now - last_tried[s][a])
        if not terminated:
            target += gamma * max(q[s_next])
        values = q[s]
        values[a] += alpha * (target - values[a])


def _plan_with_expectations(q, model, pairs, alpha, gamma, bonus, uniforms):
    """Q(s, a) = R̂ + κ √τ + γ sum_s' P̂(s') V(s')."""
    last_tried, now = model.last_tried, model.steps
    for s, a in pairs:
        q[s][a] = expected_target(q, model, s, a, gamma)
        if bonus:
            q[s][a] += bonus * sqrt(now - last_tried[s][a])


def expected_target(q: list[list[float]], model: TableModel, s: int, a: int, gamma: float) -> float:
    """R̂(s, a) + γ sum_s' P̂(s' | s, a) V(s'), from counts."""
    outcomes = model.outcomes[s][a]
    if not outcomes:  # never tried: a step that changes nothing
        return gamma * max(q[s])
    total, following = 0, 0.0
    for (s_next, terminated), times in outcomes.items():
        total += times
        if not terminated:
            following += times * max(q[s_next])
    return (model.reward_sums[s][a] + gamma * following) / total


PLANNERS = {
    "last": _plan_with_last_outcomes,
    "sample": _plan_with_samples,
    "expected": _plan_with_expectations,
}


def _planner(imagine: str):
    if imagine not in PLANNERS:
        raise ValueError(f"imagine must be one of {', '.join(map(repr, PLANNERS))}; got {imagine!r}")
    return PLANNERS[imagine]


def read_model(model: TableModel | None, states: int, actions: int) -> TableModel:
    """`model`, or an empty one. Raises ValueError if it belongs to a world of another size."""
    if model is None:
        return TableModel(states, actions)
    if (model.state_count, model.action_count) != (states, actions):
        raise ValueError(
            f"model must have (S, A) = ({states}, {actions}) states and actions like env; "
            f"got ({model.state_count}, {model.action_count})"
        )
    return model
