"""A quadratic program in a box, by Newton's method on the coordinates that are free to move.

Minimise over x

    1/2 x' H x + g' x   subject to   low <= x <= high.

At x, a coordinate is clamped if it sits on a bound and the slope g + Hx pushes it further out; the others
are free. One step

    Δ_free = -H_free,free⁻¹ (g + Hx)_free,   Δ_clamped = 0,   x <- clip(x + ρ Δ, low, high)

with ρ = 1, 1/2, … until the cost falls enough. When a whole step stays inside the box and leaves the
clamped coordinates clamped, x is the solution: the problem there has no bounds that matter.

Source: Bertsekas (1982), Projected Newton methods for optimization problems with simple constraints;
Tassa, Mansard & Todorov (2014), Control-limited differential dynamic programming, section III-B.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg.lapack import dposv

from mbrl_teach.arguments import read_array, require_symmetric

MAX_STEPS = 100
SUFFICIENT = 0.1  # share of the decrease promised by the slope that a step must bring


@dataclass(frozen=True)
class BoxQPSolution:
    """The minimiser `x` (d,) and which of its coordinates are `free` (d,), not held by a bound."""

    x: np.ndarray
    free: np.ndarray


def box_qp(
    H: ArrayLike, g: ArrayLike, low: ArrayLike, high: ArrayLike, start: ArrayLike | None = None
) -> BoxQPSolution:
    """Minimise 1/2 x'Hx + g'x over low <= x <= high, beginning at `start` (default: 0), moved into the box.

    H (d, d) symmetric; g, low, high, start (d,); bounds may be infinite. A positive definite H has one
    minimum. Without it, the result is a local one, as long as H is positive definite on the coordinates
    that are free on the way.

    Raises ValueError for a wrong shape, NaN, an H that is not symmetric or not positive definite on the
    free coordinates, and bounds that cross.
    """
    sizes: dict[str, int] = {}
    H = read_array("H", H, "d d", sizes)
    g = read_array("g", g, "d", sizes)
    low = read_array("low", low, "d", sizes, finite=False)
    high = read_array("high", high, "d", sizes, finite=False)
    start = read_array("start", np.zeros(sizes["d"]) if start is None else start, "d", sizes)
    require_symmetric("H", H, "d d")
    if not ((low <= high) & (low < np.inf) & (high > -np.inf)).all():
        raise ValueError(f"low must be at most high; got low = {low}, high = {high}")
    solution = minimise_in_box(H, g, low, high, start)
    if solution is None:
        raise ValueError("H must be positive definite on the free coordinates; it is not")
    return solution


def minimise_in_box(H, g, low, high, start) -> BoxQPSolution | None:
    """`box_qp` for arrays known to be right; None where H is not positive definite."""
    x, clamped_before = np.minimum(np.maximum(start, low), high), None
    for _ in range(MAX_STEPS):
        slope = H.dot(x) + g
        clamped = ((x <= low) & (slope > 0)) | ((x >= high) & (slope < 0))  # slope 0: H decides
        if clamped.all() or clamped.tolist() == clamped_before:
            break
        free, move = ~clamped, np.zeros_like(x)
        _, move[free], not_positive = dposv(H[free][:, free], -slope[free])
        if not_positive:
            return None
        x_new, whole = _projected_step(H, low, high, x, slope, move)
        if (x_new == x).all():  # no step brings more: at the limit of rounding
            break
        x, clamped_before = x_new, clamped.tolist() if whole else None
    return BoxQPSolution(x, ~clamped)


def _projected_step(H, low, high, x, slope, move):
    """The next x, and whether the whole move fitted into the box."""
    rho = 1.0
    while rho > 1e-12:
        x_new = np.minimum(np.maximum(x + rho * move, low), high)
        step = x_new - x
        promised = -slope.dot(step)
        if promised - 0.5 * step.dot(H).dot(step) >= SUFFICIENT * promised:  # left: the decrease itself
            return x_new, rho == 1.0 and bool((x_new == x + move).all())
        rho *= 0.5
    return x, False
