"""Columns of data brought to mean 0 and deviation 1, with numbers that come from the training data alone.

    x̃ = (x - μ) / σ

An angle in radians, a velocity of 8 and a change of 0.01 then weigh alike in a loss, and the first layer of
a network sees numbers of the size that its initial weights were made for. A derivative of ỹ by x̃ becomes one
in the world's units by σ_y / σ_x.

A column that is constant in the data gets σ = 1: it becomes 0, and stays finite where it is not constant.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Normalisation:
    """Mean and deviation (d,) of each column."""

    mean: np.ndarray
    std: np.ndarray

    @classmethod
    def of(cls, data: np.ndarray) -> Normalisation:
        """Mean and deviation of training data (N, d)."""
        std = data.std(axis=0)
        return cls(data.mean(axis=0), np.where(is_constant(data), 1.0, std))

    def normalised(self, x: np.ndarray) -> np.ndarray:
        """x̃ (..., d)."""
        return (x - self.mean) / self.std

    def restored(self, x: np.ndarray) -> np.ndarray:
        """x (..., d) of x̃."""
        return x * self.std + self.mean


def is_constant(data: np.ndarray) -> np.ndarray:
    """Which columns (d,) of data (N, d) hold one number, but for rounding."""
    return np.ptp(data, axis=0) <= 8.0 * np.finfo(np.float64).eps * np.abs(data).max(axis=0)
