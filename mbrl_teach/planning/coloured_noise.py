"""Coloured noise: normal numbers that are related over time.

White noise pushes to and fro, and what it pushes hardly moves: over T steps its pushes add up to √T, not T.
Noise whose power spectrum falls with the frequency as f^(-β) keeps pushing one way for a while. β = 0 is
white, β = 1 pink, β = 2 red (nearly a random walk).

The recipe: draw the Fourier coefficients, each normal, with standard deviation f_k^(-β/2), and transform
back. Lowest frequency (k = 0, the constant) counts as 1/T. Each number is standard normal; only the relation
between them changes.

Source: Timmer & König, On generating power law noise (Astronomy and Astrophysics 300, 1995); for planning,
Pinneri et al., Sample-efficient Cross-Entropy Method for Real-time Planning (CoRL 2020), section 3.1.
"""

from __future__ import annotations

import numpy as np

from mbrl_teach.arguments import require_steps


def coloured_noise(beta: float, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Standard normal numbers (..., T), independent but along the last axis, with spectrum f^(-beta).

    Raises ValueError if `beta` is negative or not finite, or T is below 1.
    """
    if not 0.0 <= beta < np.inf:
        raise ValueError(f"beta must be from 0 on and finite; got {beta}")
    T = require_steps(shape[-1])
    if beta == 0.0 or T == 1:
        return rng.standard_normal(shape)
    frequency = np.fft.rfftfreq(T)
    frequency[0] = 1.0 / T
    amplitude = frequency ** (-beta / 2.0)
    real = rng.standard_normal((*shape[:-1], len(frequency)))
    imaginary = rng.standard_normal(real.shape)
    alone = np.zeros(len(frequency), dtype=bool)  # the others come in pairs, k and -k
    alone[0] = True
    alone[-1] = T % 2 == 0
    real[..., alone] *= np.sqrt(2.0)
    imaginary[..., alone] = 0.0
    variance = (2.0 * amplitude**2 * np.where(alone, 1.0, 2.0)).sum() / T**2
    return np.fft.irfft(amplitude * (real + 1j * imaginary), T) / np.sqrt(variance)
