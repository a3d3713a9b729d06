"""The linear system of a Newton step with constraints, kept as a band matrix.

    [ W + Σ + δ I    A'    ] [ d  ]     [ g ]
    [ A            -δ_c I  ] [ λ⁺ ] = - [ c ]

In a program where each point in time meets its neighbours only, unknowns and multipliers can be numbered so
that the matrix is a narrow band (reverse Cuthill–McKee, once); its factors then cost a time linear in the
number of points.

δ >= 0 grows until d sees enough curvature, d'(W + Σ + δ I) d + max(-λ'c, 0) >= κ d'd: then d is a direction
of descent. Here λ are the multipliers before the step; the source takes λ⁺, and neither was better on the
course's problems. δ_c > 0 helps where the rows of A depend on each other.

Source: Wächter & Biegler, On the implementation of an interior-point filter line-search algorithm
(Mathematical Programming 106, 2006), section 3.1 (δ and δ_c); Chiang & Zavala, An inertia-free filter
line-search algorithm (Computational Optimization and Applications 64, 2016) (the test of curvature).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.linalg import get_lapack_funcs
from scipy.sparse import coo_array
from scipy.sparse.csgraph import reverse_cuthill_mckee

CURVATURE = 1e-10  # κ
DELTA_START, DELTA_GROWTH, DELTA_MAX = 1e-4, 8.0, 1e12
DELTA_C = 1e-8

Places = tuple[np.ndarray, np.ndarray]


class NewtonStep(NamedTuple):
    """d (d,), the new multipliers λ⁺ (p,), and the curvature d'(W + Σ + δ I) d."""

    x: np.ndarray
    multipliers: np.ndarray
    curvature: float


class NewtonSystem:
    """The system for d unknowns and p constraints, with the places (rows, columns) of the entries of W and A.

    `least_delta` is the δ that the next step begins with.
    """

    def __init__(self, hessian_places: Places, jacobian_places: Places, d: int, p: int):
        self.d, self.p, self.delta, self.least_delta = d, p, 0.0, 0.0
        self._W_places = hessian_places
        (A_rows, A_columns), (W_rows, W_columns) = jacobian_places, hessian_places
        diagonal = np.arange(d + p)
        rows = np.concatenate([W_rows, A_rows + d, A_columns, diagonal])
        columns = np.concatenate([W_columns, A_columns, A_rows + d, diagonal])
        pattern = coo_array((np.ones(len(rows)), (rows, columns)), (d + p, d + p)).tocsr()
        self._order = reverse_cuthill_mckee(pattern, symmetric_mode=True)
        place = np.empty(d + p, dtype=int)
        place[self._order] = diagonal
        i, j = place[rows], place[columns]
        self._width = int(np.abs(i - j).max())
        # LAPACK's band storage, column by column, with room above the band for the pivots.
        self._height = 3 * self._width + 1
        self._slot = j * self._height + 2 * self._width + i - j
        self._factorise_band, self._solve_band = get_lapack_funcs(("gbtrf", "gbtrs"))

    def step(
        self,
        W: np.ndarray,
        A: np.ndarray,
        sigma: np.ndarray,
        gradient: np.ndarray,
        c: np.ndarray,
        multipliers: np.ndarray,
    ) -> NewtonStep | None:
        """The step of the least δ, from `least_delta` on, with enough curvature; None if there is none.

        W, A: entries at their places; sigma (d,): the diagonal Σ; gradient (d,): g; c (p,); multipliers
        (p,)
        """
        right = np.concatenate([-gradient, -c])
        rows, columns = self._W_places
        delta, delta_c = self.least_delta, 0.0
        while delta <= DELTA_MAX:
            if self._factorise(W, A, sigma + delta, delta_c):
                solution = self._solve(right)
                x, new = solution[: self.d], solution[self.d :]
                curvature = np.sum(W * x[rows] * x[columns]) + np.sum((sigma + delta) * x * x)
                enough = curvature + max(-multipliers @ c, 0.0) >= CURVATURE * (x @ x)
                if enough and np.isfinite(curvature):
                    self.delta = delta
                    return NewtonStep(x, new, float(curvature))
            else:
                delta_c = DELTA_C
            delta = max(DELTA_START, self.delta / 3.0) if delta == 0.0 else DELTA_GROWTH * delta
        return None

    def shorten(self) -> None:
        """The last step was too long: begin the next with a larger δ."""
        self.least_delta = max(DELTA_START, DELTA_GROWTH * self.delta)

    def lengthen(self) -> None:
        """The last step was well chosen: begin the next with a smaller δ."""
        self.least_delta = self.least_delta / DELTA_GROWTH if self.least_delta > DELTA_START else 0.0

    def correction(self, c: np.ndarray) -> np.ndarray:
        """The shortest way (d,), in the metric of the last factorisation, from constraints c (p,) to 0."""
        return self._solve(np.concatenate([np.zeros(self.d), -c]))[: self.d]

    def _factorise(self, W, A, diagonal, delta_c) -> bool:
        entries = np.concatenate([W, A, A, diagonal, np.full(self.p, -delta_c)])
        band = np.bincount(self._slot, entries, (self.d + self.p) * self._height)
        band = band.reshape(self.d + self.p, self._height).T
        self._factors, self._pivots, failed = self._factorise_band(
            band, self._width, self._width, overwrite_ab=True
        )
        return failed == 0

    def _solve(self, right: np.ndarray) -> np.ndarray:
        solution = np.empty_like(right)
        solution[self._order], _ = self._solve_band(
            self._factors, self._width, self._width, right[self._order], self._pivots
        )
        return solution
