"""Direct collocation: a trajectory as a nonlinear program.

The time is cut into N intervals of lengths h. At P points in time, the knots alone (trapezoid, P = N+1) or
knots and mid-points in turn (Hermite–Simpson, separated, P = 2N+1), state and action z_p = [s_p; a_p] are
unknowns, and so is nothing else. With f_p = derivative(s_p, a_p), both schemes have the form

    minimise    sum_p q_p cost_rate(s_p, a_p) + final_cost(s_P)
    subject to  sum_p B_rp s_p - W_rp f_p = 0        for each row r,        low <= z <= high,

with constants B, W and q. The trapezoid has a row an interval,

    s_{k+1} - s_k - h/2 (f_k + f_{k+1}) = 0,

Hermite–Simpson two: where the mid-point lies on the cubic through both ends, and Simpson's rule,

    s_c - (s_k + s_{k+1})/2 - h/8 (f_k - f_{k+1}) = 0
    s_{k+1} - s_k - h/6 (f_k + 4 f_c + f_{k+1}) = 0.

So each point enters the Lagrangian by itself: its Hessian is block-diagonal, with the block
q_p ∂²cost_rate - sum_r W_rp λ_r' ∂²f_p, and the derivatives of all points come in one batched call each.

Source: Kelly, An Introduction to Trajectory Optimization (SIAM Review 59, 2017), sections 3 and 4; Betts,
Practical Methods for Optimal Control (2010), section 4.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from mbrl_teach.problems.base import ContinuousProblem

SCHEMES = ("trapezoid", "hermite-simpson")


class Transcription:
    """The nonlinear program of `problem` on a mesh of times (N+1,); see :mod:`control.interior_point`."""

    def __init__(self, problem: ContinuousProblem, mesh: np.ndarray, scheme: str):
        self.problem, self.mesh, self.scheme = problem, mesh, scheme
        h = np.diff(mesh)
        rows, points, b, w, self.q = (trapezoid if scheme == "trapezoid" else hermite_simpson)(h)
        self.P, self.n, self.m = len(self.q), problem.state_size, problem.action_size
        self.points_per_interval = (self.P - 1) // len(h)
        self.times = np.interp(np.arange(self.P) / self.points_per_interval, np.arange(len(mesh)), mesh)
        R = int(rows.max()) + 1
        self._points, self._b, self._w = points, b, w
        self.B = csr_array((b, (rows, points)), (R, self.P))
        self.W = csr_array((w, (rows, points)), (R, self.P))
        self._limits()
        self._places(rows)

    def _limits(self) -> None:
        p = self.problem
        low = np.tile(np.concatenate([p.state_low, p.action_low]), (self.P, 1))
        high = np.tile(np.concatenate([p.state_high, p.action_high]), (self.P, 1))
        self.fixed = np.full((self.P, self.n + self.m), np.nan)
        self.fixed[0, : self.n], self.fixed[-1, : self.n] = p.initial_state, p.final_state
        self.fixed = np.where((low == high) & np.isnan(self.fixed), low, self.fixed)
        self.free = np.isnan(self.fixed)
        self.low, self.high = low[self.free], high[self.free]

    def _places(self, rows: np.ndarray) -> None:
        """Where the entries of the Jacobian's blocks (K, n, n+m) and the Hessian's (P, n+m, n+m) stand."""
        n, size = self.n, self.n + self.m
        column = np.full(self.P * size, -1)
        column[self.free.ravel()] = np.arange(self.free.sum())
        column = column.reshape(self.P, size)
        i = np.broadcast_to((rows[:, None] * n + np.arange(n))[:, :, None], (len(rows), n, size))
        j = np.broadcast_to(column[self._points][:, None, :], i.shape)
        self._A_kept = j >= 0
        self.jacobian_places = i[self._A_kept], j[self._A_kept]
        i, j = np.broadcast_arrays(column[:, :, None], column[:, None, :])
        self._W_kept = (i >= 0) & (j >= 0)
        self.hessian_places = i[self._W_kept], j[self._W_kept]

    def trajectory(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """States (P, n) and actions (P, m) at all points."""
        z = self.fixed.copy()
        z[self.free] = x
        return z[:, : self.n], z[:, self.n :]

    def unknowns(self, states: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """The free entries x of a trajectory."""
        return np.concatenate([states, actions], axis=1)[self.free]

    def objective(self, x: np.ndarray) -> float:
        """Quadrature of the cost rate, and the final cost."""
        s, a = self.trajectory(x)
        return float(self.q @ self.problem.cost_rate(s, a) + self.problem.final_cost(s[-1]))

    def gradient(self, x: np.ndarray) -> np.ndarray:
        """Of the objective."""
        s, a = self.trajectory(x)
        gradient = self.q[:, None] * self.problem.quadratize_rate(s, a)[1]
        gradient[-1, : self.n] += self.problem.quadratize_final(s[-1])[1]
        return gradient[self.free]

    def constraints(self, x: np.ndarray) -> np.ndarray:
        """The defects (R n,)."""
        s, a = self.trajectory(x)
        return (self.B @ s - self.W @ self.problem.derivative(s, a)).ravel()

    def jacobian(self, x: np.ndarray) -> np.ndarray:
        """B_rp [I 0] - W_rp ∂f_p, block by block."""
        s, a = self.trajectory(x)
        F = self.problem.derivative_jacobian(s, a)
        blocks = -self._w[:, None, None] * F[self._points]
        blocks[:, range(self.n), range(self.n)] += self._b[:, None]
        return blocks[self._A_kept]

    def hessian(self, x: np.ndarray, multipliers: np.ndarray) -> np.ndarray:
        """Of the Lagrangian, block by block."""
        s, a = self.trajectory(x)
        blocks = self.q[:, None, None] * self.problem.quadratize_rate(s, a)[0]
        along = self.W.T @ multipliers.reshape(-1, self.n)
        blocks -= np.einsum("pi,pijk->pjk", along, self.problem.derivative_hessian(s, a))
        blocks[-1, : self.n, : self.n] += self.problem.quadratize_final(s[-1])[0]
        return blocks[self._W_kept]


def trapezoid(h: np.ndarray):
    """Rows, points and entries of B and W, and the quadrature weights q (N+1,), for intervals h (N,)."""
    k = np.arange(len(h))
    rows, points = np.concatenate([k, k]), np.concatenate([k, k + 1])
    b = np.concatenate([np.full(len(h), -1.0), np.ones(len(h))])
    w = np.concatenate([h / 2, h / 2])
    q = np.zeros(len(h) + 1)
    q[:-1] += h / 2
    q[1:] += h / 2
    return rows, points, b, w, q


def hermite_simpson(h: np.ndarray):
    """The same; points 2k are knots, 2k+1 mid-points."""
    k, one = np.arange(len(h)), np.ones(len(h))
    left, middle, right = 2 * k, 2 * k + 1, 2 * k + 2
    rows = np.concatenate([left] * 3 + [middle] * 3)
    points = np.concatenate([left, middle, right] * 2)
    b = np.concatenate([-one / 2, one, -one / 2, -one, 0 * one, one])
    w = np.concatenate([h / 8, 0 * h, -h / 8, h / 6, 4 * h / 6, h / 6])
    q = np.zeros(2 * len(h) + 1)
    q[left] += h / 6
    q[middle] += 4 * h / 6
    q[right] += h / 6
    return rows, points, b, w, q
