"""What a collocated trajectory is between its points, and how far that is from the differential equation.

In an interval of length h, at the time τ from its beginning, with f the derivative at its points:

    trapezoid           s'(τ) runs straight through f_k, f_{k+1}:      s quadratic, a linear
    Hermite–Simpson     s'(τ) is the parabola through f_k, f_c, f_{k+1}: s cubic, a quadratic

At the points s' = derivative(s, a) holds exactly. Between them it does not, and the integral of what is
missing,

    e_k = ∫ |s'(τ) - derivative(s(τ), a(τ))| dτ,

says where the mesh is too coarse: h³ for the trapezoid, h⁵ for Hermite–Simpson on a smooth solution.

Source: Kelly, An Introduction to Trajectory Optimization (SIAM Review 59, 2017), sections 3.4, 4.4 and 5.3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mbrl_teach.problems.base import ContinuousProblem

QUADRATURE_POINTS = 8  # in each interval


@dataclass(frozen=True)
class Interpolation:
    """A trajectory between knots.

    times (N+1,); states, actions, derivatives (P, ...): at the points, P = N+1, or 2N+1 with mid-points
    """

    times: np.ndarray
    states: np.ndarray
    actions: np.ndarray
    derivatives: np.ndarray

    def __call__(self, times: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """States (M, n), actions (M, m) and the states' slopes s' (M, n) at `times` (M,)."""
        k = np.clip(np.searchsorted(self.times, times, side="right") - 1, 0, len(self.times) - 2)
        h = np.diff(self.times)[k][:, None]
        x = (times - self.times[k])[:, None] / h  # from 0 to 1 in the interval
        piece = _straight if len(self.states) == len(self.times) else _parabola
        step, slope, actions = piece(k, x, self.derivatives, self.actions)
        first = self.states[k if piece is _straight else 2 * k]
        return first + h * step, actions, slope

    def errors(self, problem: ContinuousProblem) -> np.ndarray:
        """e_k (N,), the largest of the n states."""
        nodes, weights = np.polynomial.legendre.leggauss(QUADRATURE_POINTS)
        h = np.diff(self.times)
        times = self.times[:-1, None] + h[:, None] * (nodes + 1.0) / 2.0
        states, actions, slope = self(times.ravel())
        missing = np.abs(slope - problem.derivative(states, actions)).reshape(len(h), QUADRATURE_POINTS, -1)
        return (h[:, None] / 2.0 * np.einsum("q,kqn->kn", weights, missing)).max(axis=1)


def _straight(k, x, f, a):
    """∫ s' dτ / h, s' and a, from the values at both ends."""
    step = f[k] * x + 0.5 * (f[k + 1] - f[k]) * x**2
    return step, f[k] + (f[k + 1] - f[k]) * x, a[k] + (a[k + 1] - a[k]) * x


def _parabola(k, x, f, a):
    """The same from the values at both ends and at the mid-point."""
    left, middle, right = f[2 * k], f[2 * k + 1], f[2 * k + 2]
    bend, curve = -3.0 * left + 4.0 * middle - right, 2.0 * left - 4.0 * middle + 2.0 * right
    step = left * x + bend * x**2 / 2.0 + curve * x**3 / 3.0
    actions = (
        a[2 * k] * (2 * x - 1) * (x - 1) + a[2 * k + 1] * 4 * x * (1 - x) + a[2 * k + 2] * x * (2 * x - 1)
    )
    return step, left + bend * x + curve * x**2, actions
