"""Greedy, posterior sampling and optimism in a world of finitely many states, where each is a few lines.

The rewards R (S, A) are known; what leads where is not. Of P the agent believes in a Dirichlet posterior: the
prior c (S, A, S) plus the counts N of what happened (:mod:`mbrl_teach.models.table`). Before each episode of
T steps it makes *one* policy, the best over T steps of one world, and follows it to the end:

    greedy               P = the posterior's mean, (c + N) / Σ (c + N)
    posterior sampling   P drawn from the posterior (PSRL)
    optimism             P chosen, within the L1 width of each row about the frequencies N / Σ N, as suits
                         best (UCRL2's extended value iteration)

Greedy tries what its mean makes look good, and a prior that leaves much open makes much look good: "anywhere,
with equal chances" is a hopeful thought if one of the places pays. But hope in the mean shrinks with every
step that lies between, and where it falls below a small reward at hand, greedy takes that for ever: it never
tries the rest, so the mean never changes. In the river of ten cells whose left bank pays 0.05 a step it stays
there in each of 20 runs, while the other two find the far bank. Where the way is short or the reward at hand
tiny, as in the river of six cells, greedy finds it too, and sooner.

Source: Strens (ICML 2000) and Osband, Russo & Van Roy (NeurIPS 2013), algorithm 1, for posterior sampling;
Jaksch, Ortner & Auer (JMLR 2010) for optimism, here with fixed episodes and without bounds of the rewards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import gymnasium as gym
import numpy as np
from numpy.typing import ArrayLike

from mbrl_teach.agents.experience import read_sizes
from mbrl_teach.arguments import read_array, require_count, require_generator
from mbrl_teach.models.table import TableModel
from mbrl_teach.planning.extended_value_iteration import confidence_widths, extended_backward_induction
from mbrl_teach.planning.finite_horizon import ClosedLoop, backward_induction
from mbrl_teach.problems.tabular import TabularWorld, transition_table

Strategy = Literal["greedy", "posterior sampling", "optimism"]


@dataclass(frozen=True)
class TabularEpisode:
    """An episode, as a callback gets it.

    number: counted from 0; states (T+1,), actions (T,) of int, rewards (T,)
    believed: V (T+1, S) and policy (T, S), which the agent planned before it
    counts (S, A, S): what it knew then
    """

    number: int
    states: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    believed: ClosedLoop
    counts: np.ndarray


@dataclass(frozen=True)
class Exploration:
    """What has come of all episodes.

    returns (episodes,): sums of rewards
    values (episodes,): what the policy of each is worth on average, in the true world; and `best`, what the
        best is worth. Both None for an environment that does not list its transitions
    model: the counts at the end
    """

    returns: np.ndarray
    values: np.ndarray | None
    best: float | None
    model: TableModel = field(repr=False)

    @property
    def regret(self) -> np.ndarray:
        """(episodes,): what was lost so far, on average, against the best policy.

        Raises ValueError for an environment that does not list its transitions.
        """
        if self.values is None:
            raise ValueError("regret needs an environment that lists its transitions in env.unwrapped.P")
        return np.cumsum(self.best - self.values)


def explore_table(
    env: gym.Env,
    *,
    strategy: Strategy,
    episodes: int,
    horizon: int,
    rng: np.random.Generator,
    rewards: ArrayLike | None = None,
    prior: ArrayLike = 1.0,
    confidence: float = 0.95,
    callback: Callable[[TabularEpisode], None] | None = None,
) -> Exploration:
    """Learn to act in `env`, any Gymnasium environment with Discrete observations and actions.

    strategy: see above; horizon: steps T of an episode, unless it ends before
    rewards (S, A): R; None: those that the environment lists in env.unwrapped.P (nothing else is read there,
        but to judge the policies afterwards)
    prior: of the Dirichlet distribution, a number or (S, A, S), 0 where a step is known never to lead
    confidence: of optimism, that all rows together lie within their widths
    callback: called with each `TabularEpisode`

    Raises ValueError for spaces that are not Discrete, settings out of range, and rewards that are missing.
    """
    S, A = read_sizes(env)
    require_generator(rng)
    episodes, horizon = require_count("episodes", episodes), require_count("horizon", horizon)
    model, world, returns, policies = TableModel(S, A), _listed_world(env), [], []
    R, prior = _read_rewards(rewards, world, S, A), model.read_prior(prior)
    plan = _planner(strategy, R, horizon, rng, prior, confidence)
    for number in range(episodes):
        believed = plan(model)
        counts = model.counts if callback is not None else None
        seed = int(rng.integers(2**31)) if number == 0 else None  # then the environment's own chance goes on
        states, actions, earned = _follow(env, believed.policy, model, seed)
        returns.append(earned.sum())
        policies.append(believed.policy)
        if callback is not None:
            callback(TabularEpisode(number, states, actions, earned, believed, counts))
    return Exploration(np.array(returns), *_judged(policies, world), model)


def policy_value(P: np.ndarray, R: np.ndarray, policy: np.ndarray) -> np.ndarray:
    """V_1 (S,) of a `policy` (T, S) in the world P (A, S, S), R (S, A), without discount."""
    V, states = np.zeros(len(R)), np.arange(len(R))
    for actions in policy[::-1]:
        V = R[states, actions] + P[actions, states] @ V
    return V


def _judged(policies: list[np.ndarray], world: TabularWorld | None) -> tuple[np.ndarray | None, float | None]:
    """What each policy is worth on average in the true world, if that is known, and what the best is."""
    if world is None:
        return None, None
    values = [world.start @ policy_value(world.P, world.R, policy) for policy in policies]
    best = backward_induction(world.P, world.R, len(policies[0])).V[0]
    return np.array(values), float(world.start @ best)


def _planner(strategy, R, horizon, rng, prior, confidence) -> Callable[[TableModel], ClosedLoop]:
    """What a strategy does with the counts before an episode."""
    possible = np.moveaxis(prior > 0.0, 0, 1)

    def greedy(model):
        return backward_induction(model.posterior_mean(prior=prior), R, horizon)

    def posterior_sampling(model):
        return backward_induction(model.posterior_sample(rng, prior=prior), R, horizon)

    def optimism(model):
        counts = model.counts
        can_lead = possible | np.moveaxis(counts > 0, 0, 1) | np.eye(len(R), dtype=bool) * model.terminal
        widths = np.where(model.terminal[:, None], 0.0, confidence_widths(counts, confidence, can_lead))
        frequencies = np.where(can_lead, model.P, 0.0)
        untried = ~model.visited.T & ~model.terminal
        frequencies[untried] = can_lead[untried] / can_lead[untried].sum(axis=-1, keepdims=True)
        return extended_backward_induction(frequencies, R, widths, horizon, can_lead)

    strategies = {"greedy": greedy, "posterior sampling": posterior_sampling, "optimism": optimism}
    if strategy not in strategies:
        raise ValueError(f"strategy must be one of {', '.join(map(repr, strategies))}; got {strategy!r}")
    return strategies[strategy]


def _follow(env, policy, model, seed) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """An episode of `policy` (T, S), counted in `model`: states, actions and rewards."""
    first_state, first_action = int(env.observation_space.start), int(env.action_space.start)
    observation, _ = env.reset(seed=seed)
    states, actions, rewards = [int(observation) - first_state], [], []
    for choice in policy:
        s = states[-1]
        a = int(choice[s])
        observation, r, terminated, truncated, _ = env.step(a + first_action)
        states.append(int(observation) - first_state)
        actions.append(a)
        rewards.append(float(r))
        model.update(s, a, float(r), states[-1], bool(terminated))
        if terminated or truncated:
            break
    rewards = read_array("the environment's rewards", rewards, "T", {})
    return np.array(states), np.array(actions), rewards


def _listed_world(env: gym.Env) -> TabularWorld | None:
    """The true world, of an environment that lists it, and with which probabilities it starts."""
    if hasattr(env.unwrapped, "P") and hasattr(env.unwrapped, "initial_state_distrib"):
        return transition_table(env.unwrapped)
    return None


def _read_rewards(rewards: ArrayLike | None, world: TabularWorld | None, S: int, A: int) -> np.ndarray:
    if rewards is not None:
        return read_array("rewards", rewards, "S A", {"S": S, "A": A})
    if world is None:
        raise ValueError("rewards must be given: env does not list its transitions in env.unwrapped.P")
    return world.R
