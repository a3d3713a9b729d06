"""Worlds in which a learning agent can be checked by hand."""

import gymnasium as gym
import numpy as np

from mbrl_teach.problems.mazes import Maze, MazeEnv
from mbrl_teach.problems.tabular import TabularEnv, TabularWorld

ROOM = Maze.from_text("""
    S..
    .#.
    ..G
""")
SETTINGS = {"alpha": 0.5, "gamma": 0.9, "epsilon": 0.2}


class Clock(gym.Env):
    """One state, one action, reward 1; it never ends by itself."""

    observation_space = gym.spaces.Discrete(1)
    action_space = gym.spaces.Discrete(1)

    def __init__(self, terminates=False, reward=1.0):
        self.terminates, self.reward = terminates, reward

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return 0, {}

    def step(self, action):
        return 0, self.reward, self.terminates, False, {}


class Shifted(gym.Wrapper):
    """The same world, with states counted from 7 and actions from 3."""

    def __init__(self, env):
        super().__init__(env)
        self.observation_space = gym.spaces.Discrete(int(env.observation_space.n), start=7)
        self.action_space = gym.spaces.Discrete(int(env.action_space.n), start=3)

    def reset(self, **kwargs):
        observation, info = self.env.reset(**kwargs)
        return observation + 7, info

    def step(self, action):
        observation, *rest = self.env.step(action - 3)
        return observation + 7, *rest


def room() -> MazeEnv:
    return MazeEnv(ROOM)


def stochastic_world() -> TabularEnv:
    """Four states that never end, three actions, everything random."""
    rng = np.random.default_rng(0)
    P, R = rng.dirichlet(np.full(4, 0.5), size=(3, 4)), rng.normal(size=(4, 3))
    return TabularEnv(TabularWorld(P, R, np.full(4, 0.25), np.zeros(4, bool)))
