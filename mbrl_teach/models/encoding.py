"""How a model sees a state, and how it subtracts two of them: where angles are treated as angles.

A regression knows numbers only. To it θ = 3.1 and θ = -3.1 are far apart, though the pendulum hangs a hand's
breadth to either side; and a step from the one to the other looks like a jump by -6.2. Two things put this
right, and both belong to the state's coordinates, not to the regression:

    features    what the regression is given:    (θ, ω)  ->  (cos θ, sin θ, ω)
    difference  what it is to predict:           s' - s, with angles taken to [-π, π)

The next state is then s + Δ, never wrapped, so a learned world is smooth where the true one is, and iLQR can
differentiate it: :meth:`Encoding.jacobian` is the derivative of the features.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


class Encoding:
    """The state as it is: features φ(s) = s, difference s' - s. Subclasses change one or both."""

    def features(self, s: np.ndarray) -> np.ndarray:
        """φ(s) (..., k) of a state `s` (..., n)."""
        return s

    def jacobian(self, s: np.ndarray) -> np.ndarray:
        """dφ/ds (..., k, n) at `s` (..., n)."""
        n = s.shape[-1]
        return np.broadcast_to(np.eye(n), (*s.shape, n))

    def difference(self, s_next: np.ndarray, s: np.ndarray) -> np.ndarray:
        """By what `s_next` (..., n) differs from `s` (..., n): the Δ of s' = s + Δ."""
        return s_next - s


class Angles(Encoding):
    """The coordinates in `angles` are angles in radians: each is replaced by its cosine and sine.

    ``Angles(0)`` takes (θ, ω) to (cos θ, sin θ, ω), in the order of the state. Their differences lie in
    [-π, π), so it does not matter whether the data wrap angles, as long as none turns by π in a step.

    Raises ValueError, when a state comes, for an index that it does not have.
    """

    def __init__(self, *angles: int):
        self.angles: Sequence[int] = sorted(set(angles))

    def features(self, s):
        """φ(s) (..., n + number of angles)."""
        self._require_indices(s.shape[-1])
        columns = []
        for i in range(s.shape[-1]):
            columns += [np.cos(s[..., i]), np.sin(s[..., i])] if i in self.angles else [s[..., i]]
        return np.stack(columns, axis=-1)

    def jacobian(self, s):
        """dφ/ds (..., n + number of angles, n)."""
        n = s.shape[-1]
        self._require_indices(n)
        J, row = np.zeros((*s.shape[:-1], n + len(self.angles), n)), 0
        for i in range(n):
            if i in self.angles:
                J[..., row, i], J[..., row + 1, i] = -np.sin(s[..., i]), np.cos(s[..., i])
            else:
                J[..., row, i] = 1.0
            row += 2 if i in self.angles else 1
        return J

    def difference(self, s_next, s):
        """Δ (..., n), angles between -π and π."""
        self._require_indices(s.shape[-1])
        delta = s_next - s
        delta[..., self.angles] = (delta[..., self.angles] + np.pi) % (2.0 * np.pi) - np.pi
        return delta

    def _require_indices(self, n: int) -> None:
        if self.angles and not 0 <= self.angles[0] <= self.angles[-1] < n:
            raise ValueError(f"angles must be coordinates 0 … {n - 1} of the state; got {self.angles}")
