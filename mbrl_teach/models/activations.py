"""What bends a network between its layers: h = φ(a), and its slope.

    tanh        φ(a) = tanh a,              φ' = 1 - h²
    SiLU        φ(a) = a S,                 φ' = S + h (1 - S),         S = 1/(1 + e^(-a)) = (1 + tanh(a/2))/2

tanh saturates: far from the data a network of it is constant. SiLU, also called swish, passes large numbers
on, and near zero it bends: what is nearly linear, as the change over a short step is, it fits in fewer steps
and from fewer data. Chua et al. take it for PETS.

Source: Ramachandran, Zoph & Le, Searching for Activation Functions (2017).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np


class Activation(Protocol):
    """What a network asks of its activation; arrays of any shape."""

    def forward(self, a: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """h = φ(a), for which a's memory is used, and what `slope` needs to know beside it."""

    def slope(self, h: np.ndarray, kept: np.ndarray | None) -> np.ndarray:
        """φ'(a), in the memory of one of its arguments."""

    def value(self, a: np.ndarray, out: np.ndarray) -> np.ndarray:
        """h = φ(a) alone, written to `out`; what was in a is lost."""


class Tanh:
    """h = tanh a; the slope needs h alone."""

    def forward(self, a):
        """h, written over a; nothing else is kept."""
        return np.tanh(a, out=a), None

    def slope(self, h, kept):
        """1 - h², written over h."""
        h *= h
        return np.subtract(1.0, h, out=h)

    def value(self, a, out):
        """h, in `out`."""
        return np.tanh(a, out=out)


class SiLU:
    """h = a S; the slope needs S too."""

    def forward(self, a):
        """h, written over a, and S."""
        S = 0.5 * a
        np.tanh(S, out=S)
        S += 1.0
        S *= 0.5
        a *= S
        return a, S

    def slope(self, h, kept):
        """S + h (1 - S) = h + S (1 - h), written over S."""
        kept *= 1.0 - h
        kept += h
        return kept

    def value(self, a, out):
        """h = a/2 + a/2 tanh(a/2), in `out`: one pass less than `forward`."""
        a *= 0.5
        np.tanh(a, out=out)
        out *= a
        out += a
        return out


TANH, SILU = Tanh(), SiLU()
