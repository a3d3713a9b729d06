"""Where sampling planners look: the first mean, the first deviation, and the noise between them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mbrl_teach.arguments import read_array
from mbrl_teach.planning.rollouts import Rollouts


def first_mean(world: Rollouts, initial_actions: ArrayLike | None) -> np.ndarray:
    """The sequence (T, m) to look around: `initial_actions`, clipped to the limits.

    None: halfway between the limits, or the action nearest to zero where a limit is infinite.

    Raises ValueError for a wrong shape, NaN or infinity.
    """
    if initial_actions is not None:
        return world.read_actions("initial_actions", initial_actions)
    bounded = np.isfinite(world.low) & np.isfinite(world.high)
    low, high = np.where(bounded, world.low, 0.0), np.where(bounded, world.high, 0.0)
    return np.tile(np.clip(0.5 * (low + high), world.low, world.high), (world.horizon, 1))


def first_std(world: Rollouts, initial_std: ArrayLike | None) -> np.ndarray:
    """The deviation (m,) to look with: `initial_std`, one number or (m,).

    None: half of what lies between the limits, so that one deviation from the middle reaches them.

    Raises ValueError if it is not positive, or None though a limit is infinite.
    """
    if initial_std is None:
        if not np.isfinite(world.high - world.low).all():
            raise ValueError(
                "initial_std must be given where an action has no limits to take it from; "
                f"got None with action_low = {world.low} and action_high = {world.high}"
            )
        initial_std = 0.5 * (world.high - world.low)
    if np.ndim(initial_std) == 0:
        initial_std = [initial_std] * world.m
    std = read_array("initial_std", initial_std, "m", {"m": world.m})
    if not (std > 0.0).all():
        raise ValueError(f"initial_std must be positive; got {std}")
    return std


def standard_noise(M: np.ndarray | None, count: int, T: int, m: int, rng: np.random.Generator) -> np.ndarray:
    """Standard normal numbers (count, T, m), coloured over time by M (T, T); None: white.

    In memory time comes first and `count` last: every step of a rollout reads one contiguous block.
    """
    z = rng.standard_normal((T, m * count))
    if M is not None:
        z = M @ z
    return np.moveaxis(z.reshape(T, m, count), -1, 0)
