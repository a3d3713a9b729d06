"""Where a world of two states goes by itself: arrows along its flow, for paths to be drawn over."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.streamplot import StreamplotSet
from numpy.typing import ArrayLike

from mbrl_teach.arguments import read_array

_FLOW = "#999999"  # behind whatever is drawn over it


class World(Protocol):
    """What a phase portrait asks of a world: the base class of problems has it."""

    state_size: int
    action_size: int

    def dynamics(self, s: np.ndarray, a: np.ndarray) -> np.ndarray:
        """Next state (..., n)."""


def plot_phase_portrait(
    axes: Axes, world: World, action: ArrayLike | None = None, *, density: float = 0.7
) -> StreamplotSet:
    """Stream lines of dynamics(s, a) - s over two states, under a constant `action` (m,), by default 0.

    They fill the axes' limits, which must be set before and stay as they are. `density` is matplotlib's:
    1 fills the axes with about 30 lines across. Raises ValueError for a world that has not two states,
    and for an action of a wrong shape.
    """
    if world.state_size != 2:
        raise ValueError(f"world must have 2 states; {type(world).__name__} has {world.state_size}")
    action = np.zeros(world.action_size) if action is None else action
    action = read_array("action", action, "m", {"m": world.action_size})
    limits = axes.get_xlim(), axes.get_ylim()
    across, up = (np.linspace(*limit, 41) for limit in limits)
    s = np.stack(np.meshgrid(across, up), axis=-1)
    step = world.dynamics(s, np.broadcast_to(action, (*s.shape[:-1], len(action)))) - s
    flow = axes.streamplot(
        across,
        up,
        *np.moveaxis(step, -1, 0),
        density=density,
        color=_FLOW,
        linewidth=0.6,
        arrowsize=0.7,
        zorder=1,
    )
    axes.set(xlim=limits[0], ylim=limits[1])
    return flow
