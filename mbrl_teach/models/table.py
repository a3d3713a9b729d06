"""A world learned by counting: the table model of a world with finitely many states and actions.

Experience is a list of steps (s, a, r, s'). With N(s, a, s') the number of times that `a` in `s` led to s',
and N(s, a) their sum over s', the most likely model is

    P̂(s' | s, a) = N(s, a, s') / N(s, a),      R̂(s, a) = the average reward of these N(s, a) steps.

Three models come from the same table:

- the *last outcome*: (r, s') as it was when `a` was last tried in `s`; exact in a deterministic world, quick
  to notice a change, wrong in a stochastic world;
- the *estimate* P̂, R̂, of which one can take samples or expectations;
- the *posterior*: before any data let every P(· | s, a) be drawn from Dirichlet(c, …, c). After the counts it
  is distributed as Dirichlet(c + N(s, a, ·)): a whole distribution over worlds, from which one can be drawn.

Turned round, the same counts tell which action leads from s to s':
P̂(a | s, s') = N(s, a, s') / sum_b N(s, b, s'), the inverse model of whatever policy has gathered them.

The table also remembers which pairs were visited, and when a pair was last tried.

Source: Sutton & Barto, Reinforcement Learning (2018), sections 8.1 to 8.3; Strens, A Bayesian framework for
reinforcement learning (ICML 2000), for the posterior.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from mbrl_teach.arguments import read_array, require_count, require_generator, require_positive

# What a step led to: reward, next state, terminated. After a terminated step nothing follows, and the next
# state's value does not count.
Outcome = tuple[float, int, bool]


class TableModel:
    """Counts of what happened in a world of S `states` and A `actions`, and the models made of them.

    A pair (s, a) that was never tried is taken for a step that changes nothing: to `s` itself, with reward
    0. States in which episodes ended, and which were never left, are terminal; in P they are absorbing.

    Attributes, to be read and not written (Python lists: planning reads millions of single entries)
        steps: how many steps were observed
        rewarded: whether any reward was other than 0
        last_outcome[s][a]: the most recent `Outcome` of the pair
        last_tried[s][a]: the number of the step when the pair was last tried, counted from 1; 0 if never
        outcomes[s][a]: {(next_state, terminated): how often}
        reward_sums[s][a]: the sum of all rewards of the pair
        predecessors[s]: the pairs that ever led to s, as keys of a dict in the order of their first time

    Raises ValueError unless both sizes are whole numbers from 1 on.
    """

    def __init__(self, states: int, actions: int):
        self.state_count = require_count("states", states)
        self.action_count = require_count("actions", actions)
        self._forget()

    def _forget(self) -> None:
        S, A = range(self.state_count), range(self.action_count)
        self.steps, self.rewarded = 0, False
        self.last_outcome: list[list[Outcome]] = [[(0.0, s, False) for _ in A] for s in S]
        self.last_tried = [[0 for _ in A] for _ in S]
        self.outcomes: list[list[dict[tuple[int, bool], int]]] = [[{} for _ in A] for _ in S]
        self.reward_sums = [[0.0 for _ in A] for _ in S]
        self.predecessors: list[dict[tuple[int, int], None]] = [{} for _ in S]
        self._tried_pairs: list[list[tuple[int, int]]] = []  # for each visited state, its tried pairs …
        self._all_pairs: list[list[tuple[int, int]]] = []  # … and the pairs with every action
        self._row_of: dict[int, int] = {}  # where a visited state stands in these two

    def update(self, s: int, a: int, r: float, s_next: int, terminated: bool) -> None:
        """Count one step."""
        self.steps += 1
        if self.last_tried[s][a] == 0:
            self._remember_pair(s, a)
        self.last_tried[s][a] = self.steps
        self.last_outcome[s][a] = (r, s_next, terminated)
        seen, outcome = self.outcomes[s][a], (s_next, terminated)
        if outcome in seen:
            seen[outcome] += 1
        else:
            seen[outcome] = 1
            self.predecessors[s_next][s, a] = None
        if r:
            self.reward_sums[s][a] += r
            self.rewarded = True

    def _remember_pair(self, s: int, a: int) -> None:
        if s not in self._row_of:
            self._row_of[s] = len(self._row_of)
            self._tried_pairs.append([])
            self._all_pairs.append([(s, action) for action in range(self.action_count)])
        self._tried_pairs[self._row_of[s]].append((s, a))

    def fit(
        self,
        states: ArrayLike,
        actions: ArrayLike,
        next_states: ArrayLike,
        rewards: ArrayLike | None = None,
        terminated: ArrayLike | None = None,
    ) -> TableModel:
        """Forget everything, then count the steps given as arrays (N,); returns itself.

        rewards: None for zeros; terminated: None if no episode has ended

        Raises ValueError for arrays of different lengths, entries that are no state or action of this world,
        and rewards that are not finite.
        """
        columns = {
            "states": self._states("states", states),
            "actions": self._actions(actions),
            "rewards": np.zeros(np.shape(states)) if rewards is None else rewards,
            "next_states": self._states("next_states", next_states),
            "terminated": np.zeros(np.shape(states)) if terminated is None else terminated,
        }
        sizes: dict[str, int] = {}
        for name, column in columns.items():
            read_array(name, column, "N", sizes)
        s, a, r, s_next, ended = (np.asarray(column) for column in columns.values())
        lists = s.tolist(), a.tolist(), r.astype(float).tolist(), s_next.tolist(), ended.astype(bool).tolist()
        self._forget()
        for step in zip(*lists, strict=True):
            self.update(*step)
        return self

    @property
    def counts(self) -> np.ndarray:
        """N (S, A, S): how often a pair led to each state."""
        N = np.zeros((self.state_count, self.action_count, self.state_count), dtype=np.int64)
        for s, row in enumerate(self.outcomes):
            for a, seen in enumerate(row):
                for (s_next, _), times in seen.items():
                    N[s, a, s_next] += times
        return N

    @property
    def visited(self) -> np.ndarray:
        """Which pairs were tried (S, A) of bool."""
        return np.array(self.last_tried) > 0

    @property
    def terminal(self) -> np.ndarray:
        """In which states episodes ended (S,) of bool; a state that was left by an action is not terminal."""
        ended = np.zeros(self.state_count, dtype=bool)
        for row in self.outcomes:
            for seen in row:
                ended[[s_next for s_next, terminated in seen if terminated]] = True
        return ended & ~self.visited.any(axis=1)

    @property
    def P(self) -> np.ndarray:
        """P̂ (A, S, S); a pair that was never tried, and a terminal state, lead to themselves."""
        return self._transitions(lambda times: times / times.sum())

    @property
    def R(self) -> np.ndarray:
        """R̂ (S, A): average rewards; 0 for a pair that was never tried."""
        tried = np.maximum(self.counts.sum(axis=-1), 1)
        return np.array(self.reward_sums) / tried

    @property
    def tau(self) -> np.ndarray:
        """How many steps ago each pair was last tried (S, A); for one never tried, the number of steps."""
        return self.steps - np.array(self.last_tried)

    def posterior_sample(self, rng: np.random.Generator, *, prior: ArrayLike = 1.0) -> np.ndarray:
        """P (A, S, S) of one world drawn from the posterior, with Dirichlet(`prior`, …) before the data.

        prior: a positive number, or (S, A, S) like `counts`, 0 where a step is known never to lead

        Terminal states are absorbing. Raises ValueError for a prior that is none.
        """
        require_generator(rng)
        return self._posterior(rng.dirichlet, prior)

    def posterior_mean(self, *, prior: ArrayLike = 1.0) -> np.ndarray:
        """P (A, S, S), the mean of that posterior: (c + N) / (sum_s' c + N), for the same `prior` c."""
        return self._posterior(lambda alpha: alpha / alpha.sum(), prior)

    def _transitions(self, row_from_counts) -> np.ndarray:
        """P (A, S, S) with rows made from counts, where there are any."""
        N = self.counts
        P = np.tile(np.eye(self.state_count), (self.action_count, 1, 1))
        for s, a in np.argwhere(~self.terminal[:, None] & (N.sum(axis=-1) > 0)):
            P[a, s] = row_from_counts(N[s, a])
        return P

    def _posterior(self, row_from_alpha, prior: ArrayLike) -> np.ndarray:
        """P (A, S, S) with rows made from α = prior + counts, where that is not 0; terminal states stay."""
        alpha = self.read_prior(prior) + self.counts
        P = np.tile(np.eye(self.state_count), (self.action_count, 1, 1))
        for s in np.flatnonzero(~self.terminal):
            for a in range(self.action_count):
                possible = alpha[s, a] > 0.0
                P[a, s] = 0.0
                P[a, s, possible] = row_from_alpha(alpha[s, a, possible])
        return P

    def read_prior(self, prior: ArrayLike) -> np.ndarray:
        """A prior as (S, A, S). Raises ValueError for one that is negative, or lets a pair lead nowhere."""
        S, A = self.state_count, self.action_count
        if np.ndim(prior) == 0:
            require_positive(prior=prior)
            return np.full((S, A, S), float(prior))
        prior = read_array("prior", prior, "S A S", {"S": S, "A": A})
        if (prior < 0.0).any() or not (prior.sum(axis=-1) > 0.0).all():
            raise ValueError("prior must not be negative, and positive somewhere for each state and action")
        return prior

    def inverse(self) -> np.ndarray:
        """P̂(a | s, s') (S, S, A): which action has led from s to s'; uniform where none ever did."""
        N = self.counts.swapaxes(1, 2).astype(np.float64)
        total = N.sum(axis=-1, keepdims=True)
        return np.where(total > 0, N / np.maximum(total, 1.0), 1.0 / self.action_count)

    def predict(self, states: ArrayLike, actions: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Mean and variance (..., S) of the next state as an indicator vector: P̂ and P̂ (1 - P̂).

        states, actions: integers (...). Raises ValueError for a number that is no state or action.
        """
        states, actions = self._states("states", states), self._actions(actions)
        mean = self.P[actions, states]
        return mean, mean * (1.0 - mean)

    def sample(self, states: ArrayLike, actions: ArrayLike, rng: np.random.Generator) -> np.ndarray:
        """Next states (...) drawn from P̂ after `actions` (...) in `states` (...)."""
        require_generator(rng)
        probabilities, _ = self.predict(states, actions)
        cumulative = probabilities.cumsum(axis=-1)
        u = rng.random(cumulative.shape[:-1])[..., None] * cumulative[..., -1:]
        return (u >= cumulative).sum(axis=-1)

    def draw_pairs(self, uniforms: Iterable[float], *, untried: bool = False) -> list[tuple[int, int]]:
        """For each number in [0, 1), a visited state, and one of the actions tried there, both uniformly.

        untried: take one of all its actions instead. One number serves both choices: what is left of
        u · (number of states) behind the point is itself uniform in [0, 1). Before any step: no pairs.
        """
        pairs_of, pairs = self._all_pairs if untried else self._tried_pairs, []
        visited = len(pairs_of)
        for u in uniforms if visited else ():
            x = u * visited
            row = int(x)
            pairs_here = pairs_of[row]
            pairs.append(pairs_here[int((x - row) * len(pairs_here))])
        return pairs

    def draw_outcome(self, s: int, a: int, uniform: float) -> Outcome:
        """One outcome from P̂(· | s, a), chosen by a number in [0, 1), with the reward R̂(s, a)."""
        outcomes = self.outcomes[s][a]
        if not outcomes:
            return 0.0, s, False
        total = sum(outcomes.values())
        left = uniform * total
        for (s_next, terminated), times in outcomes.items():  # noqa: B007, the last one counts
            left -= times
            if left < 0:
                break
        return self.reward_sums[s][a] / total, s_next, terminated

    def _states(self, name: str, states: ArrayLike) -> np.ndarray:
        return _indices(name, states, self.state_count, "state")

    def _actions(self, actions: ArrayLike) -> np.ndarray:
        return _indices("actions", actions, self.action_count, "action")


def _indices(name: str, values: ArrayLike, size: int, what: str) -> np.ndarray:
    array = np.asarray(values)
    if array.size == 0:
        return array.astype(np.int64)
    if array.dtype.kind not in "iu":
        raise ValueError(f"{name} must be whole numbers; got dtype {array.dtype}")
    if array.min() < 0 or array.max() >= size:
        bad = array.min() if array.min() < 0 else array.max()
        raise ValueError(f"{name} must be {what}s 0 … {size - 1}; got {bad}")
    return array
