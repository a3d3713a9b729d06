"""Worlds with finitely many states and actions: everything that can happen stands in two arrays.

    P (A, S, S)   P[a, s, s'] = p(s' | s, a)
    R (S, A)      R[s, a] = E[r | s, a]

Gymnasium's toy_text environments (FrozenLake, CliffWalking, Taxi) keep the same knowledge as lists,
``env.unwrapped.P[s][a] = [(probability, next state, reward, terminated), …]``. `transition_table` turns these
lists into arrays, and `TabularEnv` turns arrays into an environment that has such lists.

An episode that has ended earns nothing more. In the arrays this is a terminal state that no action
leaves, with reward 0: its value is 0, and no formula needs an exception for it.
"""

from __future__ import annotations

from dataclasses import dataclass

import gymnasium
import numpy as np
from numpy.typing import ArrayLike

from mbrl_teach.arguments import read_array, require_at_least_one

ROUNDING = 1e-8  # how far the sum of a row of probabilities may be from one

# What a pair (s, a) may lead to, as in gymnasium's toy_text: (probability, next state, reward, terminated).
Outcomes = list[tuple[float, int, float, bool]]
Table = dict[int, dict[int, Outcomes]]


@dataclass(frozen=True, eq=False)
class TabularWorld:
    """A Markov decision process in arrays. A terminal state is absorbing, and its rewards are 0.

    P (A, S, S): probability of s' after action a in state s
    R (S, A): expected reward
    start (S,): probabilities of the first state
    terminal (S,) bool: the states in which an episode has ended

    Raises ValueError for a wrong shape, NaN, rows that are no probabilities (with their action and state)
    and a terminal state that can be left or pays.
    """

    P: np.ndarray
    R: np.ndarray
    start: np.ndarray
    terminal: np.ndarray

    def __post_init__(self):
        P, R = read_transitions(self.P, self.R)
        start = read_distribution("start", self.start, P.shape[1])
        terminal = read_array("terminal", self.terminal, "S", {"S": P.shape[1]}).astype(bool)
        for s in np.flatnonzero(terminal):
            if (P[:, s, s] < 1.0 - ROUNDING).any() or R[s].any():
                raise ValueError(f"a terminal state must lead to itself with reward 0; state {s} does not")
        for name, array in {"P": P, "R": R, "start": start, "terminal": terminal}.items():
            object.__setattr__(self, name, array)

    @property
    def states(self) -> int:
        """S, the number of states, which are numbered 0 … S-1."""
        return self.P.shape[1]

    @property
    def actions(self) -> int:
        """A, the number of actions."""
        return self.P.shape[0]


def read_transitions(P: ArrayLike, R: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """P (A, S, S) and R (S, A) as float64 arrays.

    Raises ValueError for a wrong shape, NaN, and a row of P that is negative or does not sum to one.
    """
    sizes: dict[str, int] = {}
    P = read_array("P", P, "A S S", sizes)
    require_at_least_one("P", P, sizes)
    R = read_array("R", R, "S A", sizes)
    if (P < 0.0).any():
        a, s, following = (int(index) for index in np.argwhere(P < 0.0)[0])
        raise ValueError(
            f"P must not be negative; got {P[a, s, following]:.4g} for action {a} "
            f"in state {s} (P[{a}, {s}, {following}])"
        )
    sums = P.sum(axis=-1)
    wrong = np.abs(sums - 1.0) > ROUNDING
    if wrong.any():
        a, s = (int(index) for index in np.argwhere(wrong)[0])
        raise ValueError(
            f"each row P[a, s] must sum to 1; got {sums[a, s]:.10g} for action {a} in state {s} (P[{a}, {s}])"
        )
    return P, R


def read_distribution(name: str, probabilities: ArrayLike, states: int) -> np.ndarray:
    """Probabilities (S,). Raises ValueError unless they are non-negative and sum to one."""
    probabilities = read_array(name, probabilities, "S", {"S": states})
    if (probabilities < 0.0).any() or abs(probabilities.sum() - 1.0) > ROUNDING:
        raise ValueError(
            f"{name} must hold probabilities that sum to 1; "
            f"got the sum {probabilities.sum():.10g} and the least {probabilities.min():.4g}"
        )
    return probabilities


def transition_table(env: gymnasium.Env, start: ArrayLike | None = None) -> TabularWorld:
    """The arrays of an environment that lists its transitions in ``env.unwrapped.P``, as toy_text does.

    A state that a terminating transition enters becomes terminal: absorbing, with reward 0, whatever its own
    rows say (CliffWalking's goal has rows that lead away from it, but no step ever uses them). `start` (S,)
    are the probabilities of the first state; None takes ``env.unwrapped.initial_state_distrib``.

    Raises ValueError for spaces that are not discrete, zero actions, no P, NaN among the rewards, and a
    state that episodes both pass and end in: as one row of an array it cannot be both.
    """
    S, A = _sizes(env)
    table = getattr(env.unwrapped, "P", None)
    if table is None:
        raise ValueError(f"env must list its transitions in env.unwrapped.P; {env} does not")
    if start is None:
        start = getattr(env.unwrapped, "initial_state_distrib", None)
    if start is None:
        raise ValueError(f"start must be given: {env} has no initial_state_distrib")
    start = read_distribution("start", start, S)
    P, R = np.zeros((A, S, S)), np.zeros((S, A))
    ends, goes_on = np.zeros((2, S, S), dtype=bool)  # from s to s'
    for s in range(S):
        for a in range(A):
            for probability, following, reward, terminated in _outcomes(table, s, a, S):
                P[a, s, following] += probability
                R[s, a] += probability * reward
                if probability > 0.0:
                    (ends if terminated else goes_on)[s, following] = True
    terminal = ends.any(axis=0)
    _require_one_role(goes_on, terminal, start)
    P[:, terminal], R[terminal] = 0.0, 0.0
    P[:, terminal, terminal] = 1.0
    return TabularWorld(P, R, start, terminal)


def _sizes(env: gymnasium.Env) -> tuple[int, int]:
    """S and A of an environment with discrete spaces that count from 0."""
    sizes = []
    for name in ("observation_space", "action_space"):
        space = getattr(env, name, None)
        if not isinstance(space, gymnasium.spaces.Discrete) or space.start != 0:
            raise ValueError(f"env.{name} must be Discrete and count from 0; got {space}")
        if space.n < 1:
            raise ValueError(f"env.{name} must hold at least one element; got {space}")
        sizes.append(int(space.n))
    return sizes[0], sizes[1]


def _outcomes(table: Table, s: int, a: int, states: int) -> Outcomes:
    """The list P[s][a], checked."""
    try:
        outcomes = list(table[s][a])
    except (KeyError, IndexError):
        raise ValueError(
            f"env.unwrapped.P must list every state and action; P[{s}][{a}] is missing"
        ) from None
    for _, following, reward, _ in outcomes:
        if not np.isfinite(reward):
            raise ValueError(f"rewards must be finite; env.unwrapped.P[{s}][{a}] holds the reward {reward}")
        if not 0 <= following < states:
            raise ValueError(f"env.unwrapped.P[{s}][{a}] leads to {following}; states are 0 … {states - 1}")
    return outcomes


def _require_one_role(goes_on: np.ndarray, terminal: np.ndarray, start: np.ndarray) -> None:
    """No transition that can happen may enter a terminal state without ending the episode there."""
    reached = (start > 0.0) & ~terminal
    while True:
        further = reached | goes_on[reached].any(axis=0)
        if np.array_equal(further, reached):
            break
        reached = further
    passes = goes_on & reached[:, None]
    both = np.flatnonzero(passes.any(axis=0) & terminal)
    if both.size:
        s = int(both[0])
        raise ValueError(
            f"each state must either end an episode or not; in env.unwrapped.P the way from state "
            f"{int(np.argmax(passes[:, s]))} to state {s} goes on, while others that enter {s} terminate"
        )


class TransitionEnv(gymnasium.Env):
    """A Gymnasium environment made of lists ``P[s][a] = [(probability, next state, reward, terminated), …]``.

    The spaces are Discrete, with the states and actions of `P`; the first state is drawn from `start` (S,).
    `step` reports the probability of what happened as ``info["prob"]``. No number of steps truncates an
    episode. Chance comes from ``reset(seed=…)`` as in every Gymnasium environment.
    """

    metadata = {"render_modes": []}  # noqa: RUF012 - gymnasium's own form

    def __init__(self, P: Table, start: np.ndarray, *, render_mode: str | None = None):
        modes = self.metadata["render_modes"]
        if render_mode not in (None, *modes):
            raise ValueError(f"render_mode must be None or one of {modes}; got {render_mode!r}")
        self.render_mode = render_mode
        self.P = P
        self.initial_state_distrib = start
        self.observation_space = gymnasium.spaces.Discrete(len(P))
        self.action_space = gymnasium.spaces.Discrete(len(P[0]))
        self._actions = range(len(P[0]))  # asks whether an action is one of them in 0.05 µs, the space in 2.5
        self.state: int | None = None

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[int, dict]:
        """Draw the first state. Returns it and ``{"prob": its probability}``."""
        super().reset(seed=seed)
        probability, self.state, _, _ = self._draw(
            [(float(p), int(s), 0.0, False) for s, p in enumerate(self.initial_state_distrib) if p > 0.0]
        )
        return self.state, {"prob": probability}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict]:
        """One transition: next state, reward, terminated, truncated (always False) and info.

        Raises ValueError for an action that is none of 0 … A-1, or before the first reset.
        """
        if self.state is None:
            raise ValueError("reset() must be called before step()")
        if action not in self._actions:
            raise ValueError(f"action must be one of 0 … {len(self._actions) - 1}; got {action!r}")
        probability, self.state, reward, terminated = self._draw(self.P[self.state][int(action)])
        return self.state, reward, terminated, False, {"prob": probability}

    def _draw(self, outcomes: Outcomes) -> tuple[float, int, float, bool]:
        """One of the outcomes, by its probability; a certain one costs no random number."""
        if len(outcomes) == 1:
            return outcomes[0]
        chance = self.np_random.random()
        for outcome in outcomes:
            chance -= outcome[0]
            if chance < 0.0:
                return outcome
        return outcomes[-1]


class TabularEnv(TransitionEnv):
    """A `TabularWorld` as a Gymnasium environment, with the reward R[s, a] whatever the next state is.

    An episode ends (`terminated`) on entering a terminal state. `transition_table` gives the world back.
    """

    def __init__(self, world: TabularWorld, *, render_mode: str | None = None):
        super().__init__(_lists(world), world.start, render_mode=render_mode)


def _lists(world: TabularWorld) -> Table:
    """The arrays as toy_text's lists."""
    P, R, terminal = world.P, world.R.tolist(), world.terminal.tolist()
    table: Table = {s: {a: [] for a in range(world.actions)} for s in range(world.states)}
    for a, s, following in np.argwhere(P > 0.0).tolist():
        table[s][a].append((float(P[a, s, following]), following, R[s][a], terminal[following]))
    return table
