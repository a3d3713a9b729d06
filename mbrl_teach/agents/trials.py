"""Trials: episodes in a Gymnasium environment of Boxes, kept so that a model can learn from them.

A trial of T steps is T + 1 states and T actions. Its steps (s_t, a_t, s_{t+1}) are pairs of *its own* states:
between the last state of one trial and the first of the next there is a reset, and no world to be learned.
What `step` returns is paired with what it was called in, so no such pair is ever made. Whether an episode
was truncated (time is up) or terminated (the world has come to an end), its last step is a step like any
other; only `terminated` says something about the world.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import gymnasium as gym
import numpy as np

from mbrl_teach.arguments import read_array, require_count
from mbrl_teach.planning.mpc import Planned

Policy = Callable[[np.ndarray], np.ndarray]
ReadState = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Trial:
    """What happened in an episode.

    states (T+1, n), actions (T, m), rewards (T,)
    terminated: whether the last state was an end of the world; else time was up
    plan: the first one that was made, None if there was none: what the model expected
    """

    states: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    terminated: bool
    plan: Planned | None = field(default=None, repr=False)

    @property
    def total_reward(self) -> float:
        """The return, not discounted."""
        return float(self.rewards.sum())


def run_trial(env: gym.Env, policy: Policy, *, steps: int, read_state: ReadState, seed: int) -> Trial:
    """Reset `env` and follow `policy`, (n,) -> (m,), until the episode ends or for `steps` steps.

    policy: its attribute `plan`, if it has one, is the latest plan that it has made
    read_state: from an observation, flattened, to the state (n,) that model and planner see

    Raises ValueError if the environment's reward or state is not finite.
    """
    observation, _ = env.reset(seed=seed)
    states, actions, rewards = [_state(observation, read_state)], [], []
    plan = None
    for _ in range(steps):
        action = _action(policy(states[-1]), env.action_space)
        plan = plan or getattr(policy, "plan", None)
        observation, reward, terminated, truncated, _ = env.step(action)
        states.append(_state(observation, read_state))
        actions.append(action.astype(np.float64).ravel())
        rewards.append(reward)
        if terminated or truncated:
            break
    rewards = read_array("the environment's rewards", rewards, "T", {})
    return Trial(np.array(states), np.array(actions), rewards, bool(terminated), plan)


def steps_of(trials: Sequence[Trial]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """All steps of `trials`: states (N, n), actions (N, m), next states (N, n), rewards (N,)."""
    return (
        np.concatenate([trial.states[:-1] for trial in trials]),
        np.concatenate([trial.actions for trial in trials]),
        np.concatenate([trial.states[1:] for trial in trials]),
        np.concatenate([trial.rewards for trial in trials]),
    )


def require_boxes(env: gym.Env) -> None:
    """Raise ValueError unless observations and actions are Boxes, and actions have finite limits."""
    for name in ("observation_space", "action_space"):
        space = getattr(env, name, None)
        if not isinstance(space, gym.spaces.Box):
            raise ValueError(f"env.{name} must be a Box, a vector of real numbers; got {space}")
    space = env.action_space
    if not space.is_bounded():
        raise ValueError(f"env.action_space must have finite limits; got {space.low} … {space.high}")


def episode_length(env: gym.Env, steps: int | None) -> int:
    """`steps`, or the limit with which the environment was registered. Raises ValueError without either."""
    if steps is None:
        steps = getattr(env.spec, "max_episode_steps", None)
        if steps is None:
            raise ValueError("steps must be given: the environment has no max_episode_steps")
    return require_count("steps", steps)


def _state(observation, read_state) -> np.ndarray:
    flat = np.asarray(observation, dtype=np.float64).ravel()
    return read_array("read_state(observation)", read_state(flat), "n", {})


def _action(action, space: gym.spaces.Box) -> np.ndarray:
    """In the shape, type and limits of the space; rounding to its type must not carry it over a limit."""
    flat = read_array("the policy's action", action, "m", {"m": int(np.prod(space.shape))})
    return np.clip(flat.reshape(space.shape).astype(space.dtype), space.low, space.high)
