"""Learn a model of the world, plan in it, and act: three loops that differ in what they do with a plan.

    naive        collect steps with a base policy, once; fit a model; plan in it, and execute the plan. Where
                 it is shorter than the episode, plan again at its end.
    aggregating  the same, but each executed plan's steps join the data, and the model is fitted to all of
                 them before the next plan.
    mpc          aggregating, and a new plan in each step: only its first action is executed.

*Why aggregate?* A model fitted to the base policy's data is good where the base policy goes. A plan goes
elsewhere and, worse, it goes where the model errs to its advantage: nothing is looked for as eagerly as a
mistake that promises a low cost. Executing the plan brings data from just there. That is DAgger for models:
the data come, more and more, from the distribution that the plans themselves bring about, and a model that
fits *that* is all that planning needs.

*Why replan?* A plan of T steps adds up T steps' errors, and in an unstable world the first one has grown by
e^(λT) at the end. A new plan begins at the true state.

All loops take the same number of real steps: `trials` episodes. The base policy acts in the first, in the
naive loop in all but the last. From hanging, the last of 8 trials in Gymnasium's Pendulum-v1 returns -1284
(naive), -896 (aggregating) and -355 (mpc), means of 20 seeds with plans of 40 steps; dynamic programming,
which knows the world, -301.

    history = model_based_rl(
        gymnasium.make("Pendulum-v1"),
        NeuralNetwork(rng=rng, encoding=Angles(0)),
        lambda world: CrossEntropyPlanner(world, horizon=40, rng=rng),
        reward=lambda s, a: -GymnasiumPendulum().cost(s, a),
        read_state=GymnasiumPendulum.state_from_observation,
        rng=rng,
    )

Source: Sutton, Dyna (SIGART Bulletin 2, 1991), and Atkeson & Santamaria, A comparison of direct and
model-based reinforcement learning (ICRA 1997), for the loop; Ross & Bagnell, Agnostic System Identification
for Model-Based Reinforcement Learning (ICML 2012), algorithm 1 (aggregation) and section 3 (why one batch
may fail); Nagabandi et al. (ICRA 2018), algorithm 1 (MPC on a network).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

import gymnasium as gym
import numpy as np

from mbrl_teach.agents.trials import (
    Policy,
    ReadState,
    Trial,
    episode_length,
    require_boxes,
    run_trial,
    steps_of,
)
from mbrl_teach.arguments import require_count, require_generator
from mbrl_teach.models.dynamics_model import DynamicsModel
from mbrl_teach.models.learned_world import LearnedWorld
from mbrl_teach.models.reward import RewardModel
from mbrl_teach.planning.mpc import MPC, Planned, Planner
from mbrl_teach.problems.base import ControlProblem

Loop = Literal["naive", "aggregating", "mpc"]
Reward = Callable[[np.ndarray, np.ndarray], np.ndarray]
Belief = Callable[[LearnedWorld, np.random.Generator], ControlProblem]


@dataclass(frozen=True)
class History:
    """What has come of all trials.

    returns (trials,): the sum of each trial's rewards, not discounted
    steps (trials,): how many real steps each took
    trials: every :class:`mbrl_teach.agents.trials.Trial`
    model, reward: at the end, fitted to the data that the last trial's plans were made from
    """

    returns: np.ndarray
    steps: np.ndarray
    trials: tuple[Trial, ...] = field(repr=False)
    model: DynamicsModel
    reward: Reward


def model_based_rl(
    env: gym.Env,
    model: DynamicsModel,
    planner: Callable[[LearnedWorld], Planner],
    *,
    reward: Reward | RewardModel,
    rng: np.random.Generator,
    loop: Loop = "mpc",
    belief: Belief = lambda world, rng: world,
    trials: int = 8,
    steps: int | None = None,
    read_state: ReadState = lambda observation: observation,
    base_policy: Policy | None = None,
    callback: Callable[[Trial], None] | None = None,
) -> History:
    """Learn to act in `env`, any Gymnasium environment whose observations and actions are Boxes.

    model: fitted anew before each trial that follows a plan
    planner: makes a planner of a world; a horizon that it does not set is the trial's
    reward: known, (..., n), (..., m) -> (...), or a `RewardModel`, fitted together with the model
    belief: makes of the learned world the one to plan in, before each trial that follows a plan; by default
        it is the learned one, its mean. Of a world with more actions than `env` the first are executed
    loop, trials: see above; steps: per trial, None for the environment's own limit
    read_state: from an observation (k,), flattened, to the state (n,) that model, reward and planner see
    base_policy: (n,) -> (m,); None: uniform between the limits
    callback: called with each `Trial`

    The model does not know of episodes that terminate: a reward has to tell that the end is to be avoided.

    Raises ValueError for other spaces, actions without limits, or settings out of range.
    """
    require_boxes(env)
    require_generator(rng)
    base_trials = _base_trials(loop, require_count("trials", trials, at_least=2))
    steps = episode_length(env, steps)
    done: list[Trial] = []
    for number in range(trials):
        policy = base_policy or _uniform(env.action_space, rng)
        if number >= base_trials:
            world = belief(_fit_world(env, model, reward, done, steps), rng)
            policy = MPC(planner(world)) if loop == "mpc" else WholePlans(planner(world))
            policy = FirstActions(policy, int(np.prod(env.action_space.shape)))
        seed = int(rng.integers(2**31))
        done.append(run_trial(env, policy, steps=steps, read_state=read_state, seed=seed))
        if callback is not None:
            callback(done[-1])
    returns = np.array([trial.total_reward for trial in done])
    return History(returns, np.array([len(trial.actions) for trial in done]), tuple(done), model, reward)


class WholePlans:
    """The policy that makes a plan, executes all of it whatever happens, and then makes the next.

    `plan` is the latest plan, None before the first.
    """

    def __init__(self, planner: Planner):
        self.planner = planner
        self.plan: Planned | None = None
        self._left: Iterator[np.ndarray] = iter(())

    def __call__(self, state: np.ndarray) -> np.ndarray:
        """The next action (m,); `state` (n,) matters only when a new plan is made."""
        action = next(self._left, None)
        if action is None:
            self.plan = self.planner.plan(state)
            self._left = iter(self.plan.actions)
            action = next(self._left)
        return np.array(action)


class FirstActions:
    """`policy`, of whose actions only the first m are the environment's; `plan` is its own."""

    def __init__(self, policy: Policy, m: int):
        self.policy, self.m = policy, m

    @property
    def plan(self) -> Planned | None:
        """The latest plan, with all of its actions."""
        return self.policy.plan

    def __call__(self, state: np.ndarray) -> np.ndarray:
        """The action (m,) in `state` (n,)."""
        return self.policy(state)[: self.m]


def _base_trials(loop: str, trials: int) -> int:
    """In how many trials the base policy acts."""
    base_trials = {"naive": trials - 1, "aggregating": 1, "mpc": 1}
    if loop not in base_trials:
        raise ValueError(f"loop must be one of {', '.join(map(repr, base_trials))}; got {loop!r}")
    return base_trials[loop]


def _uniform(space: gym.spaces.Box, rng: np.random.Generator) -> Policy:
    return lambda _: rng.uniform(space.low.ravel(), space.high.ravel())


def _fit_world(env, model, reward, done, steps) -> LearnedWorld:
    """Model and reward fitted to all trials so far, as a world to plan in."""
    s, a, s_next, r = steps_of(done)
    model.fit(s, a, s_next)
    if isinstance(reward, RewardModel):
        reward.fit(s, a, r)
    low, high = env.action_space.low.ravel(), env.action_space.high.ravel()
    cost = lambda s, a: -reward(s, a)  # here a reward becomes a cost
    return LearnedWorld(model, cost, horizon=steps, action_low=low, action_high=high)
