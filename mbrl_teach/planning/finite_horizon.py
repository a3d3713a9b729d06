"""Exact planning over T steps in a table: with feedback, and without.

With feedback (closed loop) each action is chosen when its state is known. Backward, for t = T … 1:

    Q_t(s, a) = R(s, a) + γ Σ_s' P(s' | s, a) V_{t+1}(s'),     V_t(s) = max_a Q_t(s, a).

Without (open loop) the actions a_1 … a_T are fixed before the first state is seen; what moves forward is
the distribution d_t (S,) of the state, and the value is that of a whole sequence:

    d_{t+1}(s') = Σ_s d_t(s) P(s' | s, a_t),     J(a_1 … a_T) = Σ_t γ^{t-1} Σ_s d_t(s) R(s, a_t).

The maximum moves inside the expectation when the state is seen first, so that no open loop is worth more
than the closed loop: max_{a_1…a_T} J <= Σ_s d_1(s) V_1(s), with equality where nothing is random.

Source: Bertsekas, Dynamic Programming and Optimal Control I (2017), sections 1.2 and 1.3.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mbrl_teach.arguments import read_array, require_steps
from mbrl_teach.problems.tabular import read_distribution, read_transitions

NUMBERS_AT_ONCE = 5_000_000  # of all distributions of one step of the open-loop search: 40 MB


class ClosedLoop(NamedTuple):
    """`V` (T+1, S): values with T, T-1, … 0 steps to go; `policy` (T, S) of int: what to do at each step."""

    V: np.ndarray
    policy: np.ndarray


class OpenLoop(NamedTuple):
    """`value`: expected discounted sum of rewards of the best sequence; `actions` (T,) of int."""

    value: float
    actions: np.ndarray


def backward_induction(
    P: ArrayLike, R: ArrayLike, horizon: int, gamma: float = 1.0, V_final: ArrayLike | None = None
) -> ClosedLoop:
    """The best value with feedback over `horizon` steps, by the backward recursion above.

    P (A, S, S) and R (S, A) as in `problems.tabular`; `V_final` (S,) is the value of s_{T+1}, None is 0.
    ``V[t-1]`` is V_t. Among equally good actions the first is taken. Raises ValueError for what is no
    transition table, a horizon below 1 and gamma outside [0, 1].
    """
    P, R = read_transitions(P, R)
    T, gamma, (S, A) = require_steps(horizon), read_discount(gamma), R.shape
    V, policy = np.zeros((T + 1, S)), np.zeros((T, S), dtype=int)
    if V_final is not None:
        V[T] = read_array("V_final", V_final, "S", {"S": S})
    rows = P.reshape(A * S, S)
    for t in reversed(range(T)):
        Q = R + gamma * (rows @ V[t + 1]).reshape(A, S).T
        policy[t], V[t] = Q.argmax(axis=1), Q.max(axis=1)
    return ClosedLoop(V, policy)


def best_open_loop(
    P: ArrayLike, R: ArrayLike, start: ArrayLike, horizon: int, gamma: float = 1.0
) -> OpenLoop:
    """The best of all A^T sequences of actions from `start` (S,), by exact search forward in time.

    Sequences that have led to the same distribution have the same future, so that only the best of them is
    carried on: in a world without chance at most S of them, however long the horizon. Of equally good ones
    any may be returned. Raises ValueError as `backward_induction`, and where the distributions of one step
    would need more than 5 million numbers (50 states and 4 actions: T > 9 if no two meet).
    """
    P, R = read_transitions(P, R)
    T, gamma, (S, A) = require_steps(horizon), read_discount(gamma), R.shape
    d = read_distribution("start", start, S)[None]
    value, steps = np.zeros(1), []
    for t in range(T):
        value = (value[:, None] + gamma**t * (d @ R)).ravel()  # of every sequence so far, then every action
        if t == T - 1:
            kept = np.array([np.argmax(value)])
        else:
            _require_room(t + 2, value.size * S)
            d, kept = _best_of_each(np.moveaxis(d @ P, 0, 1).reshape(-1, S), value)
        value = value[kept]
        steps.append(kept)
    actions, last = np.zeros(T, dtype=int), 0
    for t in reversed(range(T)):
        last, actions[t] = divmod(int(steps[t][last]), A)
    return OpenLoop(float(value[0]), actions)


def open_loop_value(
    P: ArrayLike, R: ArrayLike, start: ArrayLike, actions: ArrayLike, gamma: float = 1.0
) -> float:
    """J(a_1 … a_T) of one sequence `actions` (T,) of int from `start` (S,): the forward recursion above.

    Raises ValueError for what is no transition table, and for an action that is none of 0 … A-1.
    """
    P, R = read_transitions(P, R)
    gamma, actions = read_discount(gamma), read_actions("actions", actions, "T", {}, P.shape[0])
    d, value = read_distribution("start", start, P.shape[1]), 0.0
    for t, a in enumerate(actions):
        value += gamma**t * float(d @ R[:, a])
        d = d @ P[a]
    return value


def read_discount(gamma: float) -> float:
    """`gamma` as a float. Raises ValueError unless it is a number in [0, 1]."""
    gamma = float(read_array("gamma", gamma, "", {}, finite=False))
    if not 0.0 <= gamma <= 1.0:
        raise ValueError(f"gamma must be in [0, 1]; got {gamma}")
    return gamma


def read_actions(name: str, value: ArrayLike, axes: str, sizes: dict[str, int], count: int) -> np.ndarray:
    """An array of int, each of them one of 0 … count-1. Raises ValueError otherwise."""
    numbers = read_array(name, value, axes, sizes)
    wrong = (numbers != np.floor(numbers)) | (numbers < 0) | (numbers >= count)
    if wrong.any():
        raise ValueError(f"{name} must hold actions 0 … {count - 1}; got {numbers[wrong][0]:g}")
    return numbers.astype(int)


def _best_of_each(d: np.ndarray, value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different rows of `d` (N, S), and the index (M,) of the best sequence that leads to each."""
    order = np.argsort(-value, kind="stable")
    rows, first = np.unique(d[order], axis=0, return_index=True)
    return rows, order[first]


def _require_room(t: int, numbers: int) -> None:
    if numbers > NUMBERS_AT_ONCE:
        raise ValueError(
            f"horizon is too long for an exact search in this world: the distributions of step t = {t} alone "
            f"would need {numbers:,} numbers, more than {NUMBERS_AT_ONCE:,}"
        )
