"""Small worlds in tables, whose values can be found with pencil and paper.

Each function returns a `TabularWorld`; its docstring derives the values in closed form, so that an
algorithm can be held against them.
"""

from __future__ import annotations

import numpy as np

from mbrl_teach.arguments import require_count
from mbrl_teach.problems.mazes import STEPS
from mbrl_teach.problems.tabular import TabularWorld


def sure_or_patient() -> TabularWorld:
    """Four states: how much the future counts decides between a sure reward and a larger one that takes time.

    States 0 choice, 1 sure, 2 patient, 3 end (terminal). In the choice, action 0 leads to *sure* and action
    1 to *patient*, both with reward 0. *Sure* pays 3/2 and ends, whatever the action. *Patient*, whatever
    the action, pays 1, and ends with probability 1/2, else stays. Hence

        V(sure) = 3/2,     V(patient) = 1 + γ/2 V(patient)  =>  V(patient) = 2 / (2 - γ),
        Q(choice, 0) = 3γ/2,     Q(choice, 1) = 2γ / (2 - γ),     V(choice) the larger of the two.

    Patience is better for 2 / (2 - γ) > 3/2, that is for γ > 2/3; at γ = 2/3 both are worth 1.
    """
    P = np.zeros((2, 4, 4))
    P[0, 0, 1] = P[1, 0, 2] = 1.0
    P[:, 1, 3] = 1.0
    P[:, 2, 2:] = 0.5
    P[:, 3, 3] = 1.0
    R = np.array([[0.0, 0.0], [1.5, 1.5], [1.0, 1.0], [0.0, 0.0]])
    return TabularWorld(P, R, start=_at(0, 4), terminal=_at(3, 4))


def noisy_decision(noise: float) -> TabularWorld:
    """One noisy move, one decision: the smallest world in which feedback provably wins.

    States 0 start, 1 left, 2 right, 3 end (terminal); actions 0 left, 1 right; horizon T = 2. The first move
    goes to the side that is meant with probability 1 - p, to the other with p = `noise`. The second
    action ends the episode and pays 1 if it names the side on which the agent is, else 0.

    Closed loop: the side is seen before the second action, which then always names it. Value 1.
    Open loop: (a_1, a_2) are fixed at once. With a_2 = a_1 the second action is right with probability 1 - p,
    with a_2 != a_1 with probability p. Value max(p, 1 - p).

    Feedback is worth 1 - max(p, 1 - p) = min(p, 1 - p): nothing without noise, most at p = 1/2, and nothing
    again at p = 1, where the noise is certain. With a discount all values are multiplied by γ.

    Raises ValueError unless `noise` is in [0, 1].
    """
    _require_probability("noise", noise)
    P = np.zeros((2, 4, 4))
    P[0, 0, 1:3] = 1.0 - noise, noise
    P[1, 0, 1:3] = noise, 1.0 - noise
    P[:, 1:, 3] = 1.0
    R = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    return TabularWorld(P, R, start=_at(0, 4), terminal=_at(3, 4))


def corridor(length: int, *, slip: float = 0.0) -> TabularWorld:
    """`length` cells in a row, from the start at the left to the goal (terminal); each step costs 1.

    Actions 0 left, 1 right; with probability `slip` the step goes the other way, and a step over the left end
    stays there. Let n = length - 1 be the cell of the goal, and γ = 1. The best action is right for
    slip <= 1/2; with u = slip / (1 - slip), the steps D(s) that it takes on average from s to s + 1 obey

        D(s) = 1 + slip (D(s-1) + D(s)),   D(0) = 1 + slip D(0)
        =>  D(s) = 1 / (1 - slip) + u D(s-1),     V(s) = -(D(s) + D(s+1) + … + D(n-1)).

    Without slip D = 1 and V(s) = -(n - s), or -(1 - γ^(n-s)) / (1 - γ) with a discount. At slip = 1/2, and
    for the policy that tosses a coin at any slip, u = 1, D(s) = 2 (s + 1) and V(s) = -(n - s)(n + s + 1).

    Raises ValueError for fewer than two cells and a slip outside [0, 1].
    """
    length = require_count("length", length, at_least=2)
    _require_probability("slip", slip)
    goal, cells = length - 1, np.arange(length)
    P = np.zeros((2, goal + 1, goal + 1))
    left, right = np.maximum(cells - 1, 0), np.minimum(cells + 1, goal)
    for a, (meant, other) in enumerate(((left, right), (right, left))):
        P[a, cells, meant] += 1.0 - slip
        P[a, cells, other] += slip
    return _with_goals(P, np.array([goal]), start=_at(0, goal + 1))


def gridworld() -> TabularWorld:
    """The 4 x 4 grid of Sutton and Barto (2018), Example 4.1: two opposite corners end, each step costs 1.

    States row by row, the corners 0 and 15 terminal; actions 0 up, 1 right, 2 down, 3 left; a step over the
    edge stays. The first state is any of the others, each alike. Without discount the book's figure 4.1 gives
    the value of the policy that draws each action alike,

          0  -14  -20  -22
        -14  -18  -20  -20
        -20  -20  -18  -14
        -22  -20  -14    0

    and the best value is minus the number of steps to the nearer corner.
    """
    row, column = np.divmod(np.arange(16), 4)
    P = np.zeros((4, 16, 16))
    for a, (down, right) in enumerate(STEPS):
        to = 4 * np.clip(row + down, 0, 3) + np.clip(column + right, 0, 3)
        P[a, np.arange(16), to] = 1.0
    start = np.full(16, 1.0 / 14.0)
    start[[0, 15]] = 0.0
    return _with_goals(P, np.array([0, 15]), start)


def _with_goals(P: np.ndarray, goals: np.ndarray, start: np.ndarray) -> TabularWorld:
    """The world in which each step costs 1 until one of `goals` is reached."""
    A, S, _ = P.shape
    P[:, goals] = np.eye(S)[goals]
    R = np.full((S, A), -1.0)
    R[goals] = 0.0
    return TabularWorld(P, R, start, terminal=np.isin(np.arange(S), goals))


def _at(state: int, states: int) -> np.ndarray:
    return np.eye(states)[state]


def _require_probability(name: str, probability: float) -> None:
    if not 0.0 <= probability <= 1.0:
        raise ValueError(f"{name} must be in [0, 1]; got {probability}")
