"""Real steps of an ε-greedy agent with a table of action values, and what an experiment keeps of them.

`Experience` walks through a Gymnasium environment with finitely many states and actions::

    for s, a, r, s_next, terminated in experience:
        ...                              # learn: change the table q, in place

and starts a new episode after the end of one. An episode ends in one of two ways. *Terminated*: the world
has come to a state after which nothing counts, so its value is 0. *Truncated*: somebody has stopped the
clock; the world would go on, and the value of the last state counts like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isfinite

import gymnasium as gym
import numpy as np

from mbrl_teach.models.table import TableModel


@dataclass(frozen=True)
class History:
    """What has come of an experiment. With `dyna_q_runs` every array has a leading axis of runs.

    steps (episodes,): real steps in each finished episode
    returns (episodes,): the sum of its rewards, not discounted
    updates (episodes,): updates of q since the beginning, real and imagined, when it ended
    rewards (real steps,): the reward of every real step, also in an episode that is not finished
    q (S, A): the action values at the end
    model: the model at the end; None from `dyna_q_runs`
    """

    steps: np.ndarray
    returns: np.ndarray
    updates: np.ndarray
    rewards: np.ndarray
    q: np.ndarray
    model: TableModel | None


@dataclass(frozen=True)
class Step:
    """A real step, as a callback gets it after all learning and planning of this step.

    step, episode: counted from 0
    state, action, reward, next_state, terminated, truncated: what happened
    planned (k, 2): the pairs (s, a) that planning has updated in this step, in this order
    q (S, A): a copy of the action values
    """

    step: int
    episode: int
    state: int
    action: int
    reward: float
    next_state: int
    terminated: bool
    truncated: bool
    planned: np.ndarray
    q: np.ndarray


# One real step: state, action, reward, next state, terminated. After a terminated one V(next state) = 0.
Transition = tuple[int, int, float, int, bool]
Callback = Callable[[Step], None]


class Experience:
    """Steps of the policy that is ε-greedy with respect to `q` (S lists of A numbers), read as it changes.

    It stops after `episodes` finished episodes or `total_steps` real steps, whatever comes first; None is
    without limit. `updates` is for the algorithm to count its updates in.
    """

    def __init__(
        self,
        env: gym.Env,
        q: list[list[float]],
        uniforms: Iterator[float],
        *,
        epsilon: float,
        episodes: int | None,
        total_steps: int | None,
        seed: int,
    ):
        self.env, self.q, self.uniforms, self.epsilon, self.seed = env, q, uniforms, epsilon, seed
        self.episode_limit = float("inf") if episodes is None else episodes
        self.step_limit = float("inf") if total_steps is None else total_steps
        self.updates, self.truncated = 0, False
        self.rewards: list[float] = []
        self.ends: list[tuple[int, int]] = []  # after how many real steps and updates each episode ended

    def __iter__(self) -> Iterator[Transition]:
        env, q, epsilon, uniforms, rewards = self.env, self.q, self.epsilon, self.uniforms, self.rewards
        first_state, first_action = int(env.observation_space.start), int(env.action_space.start)
        seed, steps = self.seed, 0
        while len(self.ends) < self.episode_limit and steps < self.step_limit:
            observation, _ = env.reset(seed=seed)
            seed = None  # the environment's own generator goes on
            s, ended = int(observation) - first_state, False
            while not ended and steps < self.step_limit:
                a = epsilon_greedy(q[s], epsilon, uniforms)
                observation, r, terminated, truncated, _ = env.step(a + first_action)
                s_next, r, terminated = int(observation) - first_state, float(r), bool(terminated)
                steps += 1
                if not isfinite(r):
                    raise ValueError(
                        f"env must give finite rewards; got {r} at step {steps}, state {s}, action {a}"
                    )
                rewards.append(r)
                self.truncated = truncated
                yield s, a, r, s_next, terminated
                s, ended = s_next, terminated or truncated
            if ended:
                self.ends.append((steps, self.updates))

    def step(self, transition: Transition, planned: list[tuple[int, int]]) -> Step:
        """The latest step for a callback."""
        pairs = np.array(planned, dtype=np.int64).reshape(-1, 2)
        index, truncated = len(self.rewards) - 1, bool(self.truncated)
        return Step(index, len(self.ends), *transition, truncated, pairs, np.array(self.q))

    def history(self, model: TableModel) -> History:
        """Everything so far."""
        ends = np.array([end for end, _ in self.ends], dtype=np.int64)
        updates = np.array([updates for _, updates in self.ends], dtype=np.int64)
        steps, rewards = np.diff(ends, prepend=0), np.array(self.rewards, dtype=np.float64)
        returns = np.diff(np.concatenate([[0.0], rewards.cumsum()])[ends], prepend=0.0)
        return History(steps, returns, updates, rewards, np.array(self.q), model)


def epsilon_greedy(values: list[float], epsilon: float, uniforms: Iterator[float]) -> int:
    """With probability ε any action, else one of the best; both uniformly. `values` are Q(s, ·)."""
    if next(uniforms) < epsilon:
        return int(next(uniforms) * len(values))
    best = max(values)
    ties = [a for a, value in enumerate(values) if value == best]
    return ties[0] if len(ties) == 1 else ties[int(next(uniforms) * len(ties))]


def stream(rng: np.random.Generator, block: int = 4096) -> Iterator[float]:
    """Uniform numbers in [0, 1) without end, as Python floats.

    Drawn in blocks: 0.08 µs a number, where a call of `rng.random()` takes 0.5 µs.
    """
    while True:
        yield from rng.random(block).tolist()


@dataclass(frozen=True)
class Settings:
    """The arguments of a learning agent, checked.

    Raises ValueError naming the argument that is out of its range, what came and what was expected.
    """

    alpha: float
    gamma: float
    epsilon: float
    planning_steps: int
    rng: np.random.Generator
    episodes: int | None
    total_steps: int | None
    bonus: float = 0.0

    def __post_init__(self):
        if not 0 < self.alpha <= 1:
            raise ValueError(f"alpha must lie in (0, 1]; got {self.alpha}")
        for name in ("gamma", "epsilon"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in [0, 1]; got {getattr(self, name)}")
        if not 0 <= self.bonus < float("inf"):
            raise ValueError(f"bonus must be a finite number >= 0; got {self.bonus}")
        require_count("planning_steps", self.planning_steps, 0)
        if self.episodes is None and self.total_steps is None:
            raise ValueError("episodes or total_steps must be given: otherwise learning would never end")
        for name in ("episodes", "total_steps"):
            if getattr(self, name) is not None:
                require_count(name, getattr(self, name), 1)
        if not isinstance(self.rng, np.random.Generator):
            raise ValueError(f"rng must be a numpy.random.Generator; got {type(self.rng).__name__}")


def require_count(name: str, number: float, least: int) -> None:
    """Raise ValueError unless `number` is a whole number from `least` on."""
    if not (number >= least and number == int(number)):
        raise ValueError(f"{name} must be a whole number from {least} on; got {number}")


def read_sizes(env: gym.Env) -> tuple[int, int]:
    """The numbers of states S and actions A.

    Raises ValueError unless observations and actions are Discrete with at least one element.
    """
    for name in ("observation_space", "action_space"):
        space = getattr(env, name, None)
        if not isinstance(space, gym.spaces.Discrete):
            raise ValueError(f"env.{name} must be Discrete, finitely many states and actions; got {space}")
        if space.n < 1:
            raise ValueError(f"env.{name} must have at least one element; got {space}")
    return int(env.observation_space.n), int(env.action_space.n)
