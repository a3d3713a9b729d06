"""Derivatives by finite differences, batched: all displaced points go through the function in one call.

Both use central differences at step h and at step 2h and combine them so that the error terms of order
h² cancel (Richardson extrapolation): the error is of order h⁴. The steps balance it against rounding:
eps^(1/5) for first and eps^(1/6) for second derivatives, relative to max(1, |z|).

Source: Nocedal & Wright, Numerical Optimization (2006), section 8.1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

EPS = np.finfo(np.float64).eps

Function = Callable[[np.ndarray], np.ndarray]


def jacobian(function: Function, z: np.ndarray) -> np.ndarray:
    """First derivatives of ``function: (..., d) -> (..., p)`` at `z` (..., d), of shape (..., p, d)."""
    h = _steps(z, EPS ** (1 / 5))
    return _richardson(lambda factor: _first(function, z, factor * h))


def hessian(function: Function, z: np.ndarray) -> np.ndarray:
    """Second derivatives of ``function: (..., d) -> (..., p)`` at `z` (..., d), of shape (..., p, d, d)."""
    h = _steps(z, EPS ** (1 / 6))
    here = function(z)
    return _richardson(lambda factor: _second(function, z, factor * h, here))


def _steps(z: np.ndarray, relative: float) -> np.ndarray:
    """Steps h (..., d), rounded so that z + h differs from z by exactly h."""
    h = relative * np.maximum(1.0, np.abs(z))
    return (z + h) - z


def _richardson(central: Callable[[float], np.ndarray]) -> np.ndarray:
    return (4.0 * central(1.0) - central(2.0)) / 3.0


def _first(function: Function, z: np.ndarray, h: np.ndarray) -> np.ndarray:
    """(f(z + h e_i) - f(z - h e_i)) / 2h for every i."""
    along = _along_axes(h)
    ahead, behind = np.split(function(z + np.concatenate([along, -along])), 2)
    return np.moveaxis(ahead - behind, 0, -1) / (2.0 * h[..., None, :])


def _second(function: Function, z: np.ndarray, h: np.ndarray, here: np.ndarray) -> np.ndarray:
    """Central second differences: along the axes, and along each diagonal for the mixed ones."""
    d = z.shape[-1]
    along = _along_axes(h)
    i, j = np.triu_indices(d, k=1)
    moves = np.concatenate([along, along[i] + along[j]])
    ahead, behind = np.split(function(z + np.concatenate([moves, -moves])), 2)
    bend = ahead + behind - 2.0 * here
    own, mixed = bend[:d], bend[d:]
    result = np.empty((d, d, *here.shape))
    result[range(d), range(d)] = own
    result[i, j] = result[j, i] = 0.5 * (mixed - own[i] - own[j])
    return np.moveaxis(result, (0, 1), (-2, -1)) / (h[..., None, :, None] * h[..., None, None, :])


def _along_axes(h: np.ndarray) -> np.ndarray:
    """Displacements (d, ..., d): the i-th moves coordinate i by its own step."""
    return np.moveaxis(h[..., None, :] * np.eye(h.shape[-1]), -2, 0)
