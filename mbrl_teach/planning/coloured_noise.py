"""Coloured noise: normal numbers that are related over time.

White noise pushes to and fro, and what it pushes hardly moves: over T steps its pushes add up to √T, not T.
Noise whose power spectrum falls with the frequency as f^(-β) keeps pushing one way for a while. β = 0 is
white, β = 1 pink, β = 2 red (nearly a random walk).

The recipe: white noise z_1 … z_T, filtered. In the frequency domain a filter multiplies, here by f^(-β/2);
over time it is a convolution,

    y = M z,   M = circulant(h),   h = the inverse Fourier transform of f^(-β/2), scaled to sum_t h_t² = 1,

so every y_t is standard normal again, and only the relation between them has changed. The lowest frequency,
the constant, counts as 1/T. Time is a circle here: y_T is related to y_1 as to y_{T-1}.

Source: Timmer & König, On generating power law noise (Astronomy and Astrophysics 300, 1995), which draws the
Fourier coefficients instead of filtering (the same distribution); for planning, Pinneri et al.,
Sample-efficient Cross-Entropy Method for Real-time Planning (CoRL 2020), section 3.1.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import circulant

from mbrl_teach.arguments import require_steps


def colouring(beta: float, T: int) -> np.ndarray:
    """M (T, T), which makes white noise z (T, …) coloured: M @ z.

    Raises ValueError if `beta` is negative or not finite, or T is below 1.
    """
    if not 0.0 <= beta < np.inf:
        raise ValueError(f"noise_exponent must be from 0 on and finite; got {beta}")
    frequency = np.fft.rfftfreq(require_steps(T))
    frequency[0] = 1.0 / T
    h = np.fft.irfft(frequency ** (-beta / 2.0), T)
    return circulant(h / np.linalg.norm(h))
