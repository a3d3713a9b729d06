"""Which world to plan in, when the data leave many open: greedy, posterior sampling, optimism.

A model with a posterior believes in a distribution over worlds. A planner plans in one. The three answers
are beliefs for :func:`mbrl_teach.agents.model_based.model_based_rl`, asked once before each trial::

    history = model_based_rl(env, LinearGaussian(...), planner, reward=reward, belief=posterior_sampling, …)

- **greedy**: the expected world. What nobody has seen is there what the prior expects of it: in a Gaussian
  process about zero that nothing changes. There is then no reason to go there, and without going there
  nothing is learned.
- **posterior sampling** (Thompson): one world, drawn from the posterior, and kept for the whole trial. Where
  the data leave nothing open every draw is alike; elsewhere each trial believes in something else, and goes
  to see. A world drawn anew in each step would take back tomorrow what is begun today: to come far from
  where the data are takes many steps in one direction, and so one and the same belief.
- **optimism**: the best of the worlds that are still possible, see
  :class:`mbrl_teach.models.hallucinated_world.HallucinatedWorld`. Either the world is that good, or the
  trial shows that it is not.

A fourth answer, all particles of a planner drawn from the posterior and their costs averaged, weighs risks,
but is greedy too: the average world does not reward finding out.

They differ where reward is far from where the data are, and going to look has its price. In
:mod:`mbrl_teach.problems.pit`, with :class:`mbrl_teach.models.stated_prior.StatedPrior` and 15 trials of one
plan each, 7 of 20 greedy runs find the prize, where the mean happened to promise it; with posterior sampling
and with optimism all 20 do, half of them within six and four trials. Where the reward is felt from the start,
or pushing costs nothing, every run of all three finds it, greedy the soonest, and ends alike.

In finite worlds the same three stand in :mod:`mbrl_teach.agents.tabular_exploration`.

Source: Thompson (Biometrika 1933) and Strens, A Bayesian framework for reinforcement learning (ICML 2000),
for sampling; Curi, Berkenkamp & Krause (NeurIPS 2020), for the three side by side; Kamthe &
Deisenroth, Data-Efficient Reinforcement Learning with Probabilistic Model Predictive Control (AISTATS 2018),
for the greedy one with uncertain predictions.
"""

from __future__ import annotations

import numpy as np

from mbrl_teach.agents.model_based import Belief
from mbrl_teach.arguments import require_generator
from mbrl_teach.models.hallucinated_world import HallucinatedWorld
from mbrl_teach.models.learned_world import LearnedWorld


def greedy(world: LearnedWorld, rng: np.random.Generator) -> LearnedWorld:
    """The learned world itself; planners follow its mean."""
    return world


def posterior_sampling(world: LearnedWorld, rng: np.random.Generator) -> LearnedWorld:
    """`world` with a model drawn from the posterior of its own.

    Raises ValueError for a model that keeps no posterior.
    """
    require_generator(rng)
    return LearnedWorld.of(world.model.posterior_sample(rng), world)


def optimism(beta: float = 1.0) -> Belief:
    """The belief in good luck within `beta` epistemic deviations. Raises ValueError unless beta >= 0."""
    if not 0.0 <= beta < np.inf:
        raise ValueError(f"beta must be a finite number >= 0; got {beta}")
    return lambda world, rng: HallucinatedWorld(world, beta)
