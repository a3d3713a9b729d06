"""RiverSwim: a small reward at hand, a large one upstream, and a current in between.

A row of cells, in which the swimmer starts at the left. Action 0 goes left with the current, and never fails;
in the leftmost cell it pays a little. Action 1 swims right, against the current: mostly that only holds the
place, and now and then it loses ground. Staying in the rightmost cell pays a lot.

    cell          left     stay     right          (action 1)
    leftmost        -       0.4      0.6
    between       0.05      0.6      0.35
    rightmost     0.4       0.6       -

From the left the rightmost cell is a long way of strokes that pay nothing, while the left bank pays at once.
Random actions drift back: a stroke to the left takes what three to the right have won. Of 100 episodes of 20
random steps 2 come to the last of six cells; of 10,000 with 40 steps 4 to the last of ten. So it takes a plan
to find the reward, and the plan needs a reason.

Source: Strehl & Littman, An analysis of model-based interval estimation for Markov decision processes
(Journal of Computer and System Sciences 74, 2008); numbers and episodes of 20 steps from the left as in
Osband, Russo & Van Roy, (More) efficient reinforcement learning via posterior sampling (NeurIPS 2013).
"""

from __future__ import annotations

import numpy as np

from mbrl_teach.arguments import read_array, require_count
from mbrl_teach.problems.tabular import TabularEnv, TabularWorld


def river_swim(cells: int = 6, *, small_reward: float = 0.005, large_reward: float = 1.0) -> TabularWorld:
    """The world in arrays; actions 0 left, 1 right. No state is terminal.

    Raises ValueError for fewer than two cells, and rewards that are not finite numbers.
    """
    cells = require_count("cells", cells, at_least=2)
    P, last = np.zeros((2, cells, cells)), cells - 1
    P[0, np.arange(cells), np.maximum(np.arange(cells) - 1, 0)] = 1.0
    P[1, 0, :2] = 0.4, 0.6
    for s in range(1, last):
        P[1, s, s - 1 : s + 2] = 0.05, 0.6, 0.35
    P[1, last, last - 1 :] = 0.4, 0.6
    R = np.zeros((cells, 2))
    R[0, 0] = read_array("small_reward", small_reward, "", {})
    R[last, 1] = read_array("large_reward", large_reward, "", {})
    return TabularWorld(P, R, start=np.eye(cells)[0], terminal=np.zeros(cells, dtype=bool))


def one_cell_at_most(cells: int) -> np.ndarray:
    """A prior (S, A, S) for `TableModel`: 1 for the cell itself and its neighbours, 0 elsewhere.

    Who has seen a river knows that a stroke moves by one cell at most; not by which, nor how often.
    """
    cells = require_count("cells", cells, at_least=2)
    near = np.abs(np.subtract.outer(np.arange(cells), np.arange(cells))) <= 1
    return np.repeat(near[:, None, :], 2, axis=1).astype(np.float64)


class RiverSwimEnv(TabularEnv):
    """The river as a Gymnasium environment; arguments as of `river_swim`."""

    def __init__(
        self,
        cells: int = 6,
        *,
        small_reward: float = 0.005,
        large_reward: float = 1.0,
        render_mode: str | None = None,
    ):
        world = river_swim(cells, small_reward=small_reward, large_reward=large_reward)
        super().__init__(world, render_mode=render_mode)
