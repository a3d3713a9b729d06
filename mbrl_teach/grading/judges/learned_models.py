"""Judges for assignment 06_learned_models: results that are right in more than one way.

A judge takes a case and the results found, and returns what is wrong with them, or None.
"""

from __future__ import annotations

import numpy as np

from mbrl_teach.grading.references import learned_models as references
from mbrl_teach.grading.task import TOLERANCE


def fits_best(case, found):
    """W on the data against the best fit there is; elsewhere dependent columns leave W open."""
    X, Y, ridge = case
    best = references.with_ones(X) @ references.least_squares(X, Y, ridge)
    off = np.abs(references.with_ones(X) @ found["W"] - best)
    if off.max() <= TOLERANCE * np.abs(Y).max():
        return None
    i, j = np.unravel_index(np.argmax(off), off.shape)
    return f"first wrong: W: for sample {i}, output {j}, it is off by {off[i, j]:.2g} from the best fit"


def drawn_with_own_covariance(case, found):
    """The samples are mean + B z with B B' = Σ, the covariance found; which root B is does not matter."""
    _, _, W, new_X, z = case
    noise = found["samples"] - references.with_ones(new_X) @ W
    B_T, *_ = np.linalg.lstsq(z, noise, rcond=None)
    left = np.abs(noise - z @ B_T).max()
    if left > TOLERANCE * np.abs(found["samples"]).max():
        return (
            f"first wrong: samples: less the mean, row i is not a fixed matrix times z[i] (off by {left:.2g})"
        )
    off = np.abs(B_T.T @ B_T - found["covariance"])
    largest = np.abs(found["covariance"]).max()
    if off.max() <= 1e-4 * largest and largest > 0:
        return None
    i, j = np.unravel_index(np.argmax(off), off.shape)
    return (
        f"first wrong: samples: their covariance differs from yours in entry [{i}, {j}], by {off[i, j]:.2g}"
    )
