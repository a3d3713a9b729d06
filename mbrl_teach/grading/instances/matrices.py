"""Random matrices of which the instances of several assignments are made."""

from __future__ import annotations

import numpy as np


def positive_definite(rng, d):
    """A symmetric positive definite matrix (d, d)."""
    root = rng.normal(size=(d, d))
    return root @ root.T / d + 0.5 * np.eye(d)


def symmetric(rng, *shape):
    """Matrices of this shape, symmetric in the last two axes, indefinite as they come."""
    half = rng.normal(size=shape)
    return half + half.swapaxes(-1, -2)
