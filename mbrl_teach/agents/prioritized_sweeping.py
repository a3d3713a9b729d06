"""Prioritised sweeping: plan where something has changed, and work backwards from there.

Dyna-Q draws its imagined steps at random, and most of them change nothing: in a maze, until the goal was
found, none at all. A pair is worth an update only if its value is wrong in the model,

    priority(s, a) = |target(s, a) - Q(s, a)|,     target(s, a) = E[r + γ V(s')] in the model,

and that has one of two causes: a real step has changed the model of (s, a), or an update has changed V(s').
So, with a queue of pairs by priority:

1. After a real step (s, a, r, s'): count it; put (s, a) into the queue if its priority is above `threshold`.
2. Up to `planning_steps` times, while the queue holds anything: take the pair (s, a) with the highest
   priority, update Q(s, a) += α [target - Q(s, a)], and put all pairs that lead to `s` into the queue whose
   priority is above the threshold. A pair that is in the queue already keeps its higher priority.

The reward of the goal runs backwards along the ways that lead to it. Nothing else teaches: the real step
itself does not change Q.

Source: Sutton & Barto, Reinforcement Learning (2018), section 8.4; Moore & Atkeson, Prioritized sweeping
(Machine Learning 13, 1993), for the model with expectations.
"""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from typing import Literal

import gymnasium as gym
import numpy as np

from mbrl_teach.agents.dyna import expected_target, read_model
from mbrl_teach.agents.experience import Callback, Experience, History, Settings, read_sizes, stream
from mbrl_teach.models.table import TableModel


def prioritized_sweeping(
    env: gym.Env,
    *,
    planning_steps: int,
    gamma: float,
    epsilon: float,
    rng: np.random.Generator,
    alpha: float = 1.0,
    threshold: float = 1e-4,
    episodes: int | None = None,
    total_steps: int | None = None,
    imagine: Literal["last", "expected"] = "last",
    model: TableModel | None = None,
    callback: Callback | None = None,
) -> History:
    """Learn to act in `env`, any Gymnasium environment with Discrete observations and actions.

    planning_steps: updates after each real step, at most; `History.updates` tells how many were made
    threshold: pairs whose priority is not above it are left alone
    imagine: the target is that of the last outcome of a pair ("last", for deterministic worlds) or the
        expectation R̂ + γ sum_s' P̂(s') V(s') ("expected")
    The other arguments are those of `agents.dyna.dyna_q`.

    Raises ValueError for spaces that are not Discrete, settings out of range, rewards that are not finite.
    """
    S, A = read_sizes(env)
    Settings(alpha, gamma, epsilon, planning_steps, rng, episodes, total_steps)
    if not 0 <= threshold < float("inf"):
        raise ValueError(f"threshold must be a finite number >= 0; got {threshold}")
    target, model = _target(imagine), read_model(model, S, A)
    q, uniforms, queue = [[0.0] * A for _ in range(S)], stream(rng), _Queue(threshold)
    seed = int(rng.integers(2**31))
    experience = Experience(
        env, q, uniforms, epsilon=epsilon, episodes=episodes, total_steps=total_steps, seed=seed
    )
    for transition in experience:
        model.update(*transition)
        s, a = transition[:2]
        queue.put(s, a, abs(target(q, model, s, a, gamma) - q[s][a]))
        swept = []
        while queue and len(swept) < planning_steps:
            s, a = queue.take()
            q[s][a] += alpha * (target(q, model, s, a, gamma) - q[s][a])
            swept.append((s, a))
            for before, action in model.predecessors[s]:
                error = target(q, model, before, action, gamma) - q[before][action]
                queue.put(before, action, abs(error))
        experience.updates += len(swept)
        if callback is not None:
            callback(experience.step(transition, swept))
    return experience.history(model)


def _target(imagine: str):
    targets = {"last": _last_target, "expected": expected_target}
    if imagine not in targets:
        raise ValueError(f"imagine must be one of {', '.join(map(repr, targets))}; got {imagine!r}")
    return targets[imagine]


def _last_target(q, model, s, a, gamma):
    r, s_next, terminated = model.last_outcome[s][a]
    return r if terminated else r + gamma * max(q[s_next])


class _Queue:
    """Pairs by priority; of equal priorities the one that came first.

    A heap cannot change an entry. A pair whose priority rises is pushed again, and its older entry, which
    is no longer the pair's priority, is passed over when it comes to the top.
    """

    def __init__(self, threshold: float):
        self.threshold, self.arrivals = threshold, count()
        self.heap: list[tuple[float, int, tuple[int, int]]] = []
        self.priority: dict[tuple[int, int], float] = {}

    def __len__(self) -> int:
        return len(self.priority)

    def put(self, s: int, a: int, priority: float) -> None:
        """Put a pair in, or raise its priority; nothing below the threshold comes in."""
        if priority > max(self.threshold, self.priority.get((s, a), 0.0)):
            self.priority[s, a] = priority
            heappush(self.heap, (-priority, next(self.arrivals), (s, a)))

    def take(self) -> tuple[int, int]:
        """Take the pair with the highest priority out."""
        while True:
            priority, _, pair = heappop(self.heap)
            if self.priority.get(pair) == -priority:
                del self.priority[pair]
                return pair
