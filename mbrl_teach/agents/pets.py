"""PETS: plan by sampling trajectories through a probabilistic ensemble, act, learn, and plan again.

    repeat for each trial
        fit an ensemble to all steps so far                     mbrl_teach.models.ensemble
        in each step
            plan by CEM: a sequence's value is the mean over    mbrl_teach.planning.cem
            particles, each in a member's world                 mbrl_teach.models.trajectory_sampling
            execute the first action                            mbrl_teach.planning.mpc

It is `model_based_rl` with a model that knows what it does not know, and a plan that counts it in. There is
no bonus for exploring: a sequence on which the members part is taken if the mean over their worlds is worth
it, and what happens then settles the question.

From hanging, the 10th trial in Gymnasium's Pendulum-v1 returns -326 (median of 20 seeds, -336 to -319), and
from the 4th on the median is above -340; a planner that knows the world, with the same horizon and search,
comes to -322. In `mbrl_teach/CartPoleSwingUp-v0` the pole stands at the end of the 10th trial, after 500
steps of 0.05 s, in 19 of 20 seeds (Clopper and Pearson's 95 %: 0.75 to 1.00), for the first time in the 4th
(median). Both with the settings of tests/agents/test_pets.py; a run takes about 35 and 12 s on one core.

    env = gymnasium.make("mbrl_teach/CartPoleSwingUp-v0")
    history = pets(
        env,
        reward=lambda s, a: -env.unwrapped.problem.cost(s, a),
        encoding=Angles(1),
        horizon=20,
        planner={"initial_std": 0.5},
        rng=rng,
    )

Source: Chua, Calandra, McAllister & Levine, Deep Reinforcement Learning in a Handful of Trials using
Probabilistic Dynamics Models (NeurIPS 2018), algorithm 1; Pinneri et al. (CoRL 2020) for coloured noise and
kept elites in the planner.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import gymnasium as gym
import numpy as np

from mbrl_teach.agents.model_based import History, Reward, model_based_rl
from mbrl_teach.agents.trials import Policy, ReadState, Trial
from mbrl_teach.models.encoding import Encoding
from mbrl_teach.models.ensemble import ProbabilisticEnsemble
from mbrl_teach.models.reward import RewardModel
from mbrl_teach.models.trajectory_sampling import Scheme, TrajectorySampling
from mbrl_teach.planning.cem import CrossEntropyPlanner


def pets(
    env: gym.Env,
    *,
    reward: Reward | RewardModel,
    rng: np.random.Generator,
    trials: int = 10,
    steps: int | None = None,
    read_state: ReadState = lambda observation: observation,
    encoding: Encoding | None = None,
    scheme: Scheme = "TSinf",
    horizon: int = 25,
    particles: int = 5,
    ensemble: Mapping[str, object] | None = None,
    planner: Mapping[str, object] | None = None,
    base_policy: Policy | None = None,
    callback: Callable[[Trial], None] | None = None,
) -> History:
    """Learn to act in `env`, any Gymnasium environment whose observations and actions are Boxes.

    reward: known, (..., n), (..., m) -> (...), or a `RewardModel`, which is fitted together with the ensemble
    rng: where all chance comes from, but for the environment's own
    trials: episodes, the first with `base_policy`; steps: per trial, None for the environment's own limit
    read_state, encoding: from an observation to the state, and from the state to the networks' inputs; which
        of them is an angle is to be said here
    scheme: "TS1", "TSinf" or "moments"
    horizon: steps of a plan; particles: for each sequence, best a multiple of the members
    ensemble, planner: further settings of `ProbabilisticEnsemble` and `CrossEntropyPlanner`
    base_policy: (n,) -> (m,); None: uniform between the limits
    callback: called with each `Trial`

    Raises ValueError as `model_based_rl`, and for settings out of range.
    """
    model = ProbabilisticEnsemble(rng=rng, encoding=encoding, **(ENSEMBLE | dict(ensemble or {})))
    settings = PLANNER | {"horizon": horizon, "particles": particles} | dict(planner or {})
    return model_based_rl(
        env,
        model,
        lambda world: CrossEntropyPlanner(world, rng=rng, **settings),
        reward=reward,
        rng=rng,
        belief=lambda world, rng: TrajectorySampling(world, scheme),
        trials=trials,
        steps=steps,
        read_state=read_state,
        base_policy=base_policy,
        callback=callback,
    )


# No step is held back to end training by: of a few hundred, the likelihood of some forty is decided by the
# one that is worst foretold, and training would end before the others are learned.
ENSEMBLE: Mapping[str, object] = {"steps": 300, "validation_share": 0.0}
PLANNER: Mapping[str, object] = {"population": 100, "elites": 10, "iterations": 3}
