"""Is a probability what it says? How to test a model's distributions on steps it has not seen.

    coverage       the share of steps inside the model's central interval of probability p: should be p
    reliability    for each p, the share below the model's p-quantile: should be p, and the curve a diagonal
    error          root mean square of the mean's error
    log density    mean of log p(s' | s, a): the one number that pays for being sharp *and* honest

Coverage alone can be had for nothing, by the whole data's spread; the error alone says nothing about doubt.
The log density is a proper score: no distribution does better in expectation than the true one.

All functions take steps (N, n), (N, m), (N, n) and return a number for each coordinate (n,). A coordinate is
judged alone. Angles are compared as the model's encoding subtracts them.

Source: Gneiting & Raftery, Strictly Proper Scoring Rules, Prediction, and Estimation (JASA 102, 2007);
Kuleshov, Fenner & Ermon, Accurate Uncertainties for Deep Learning Using Calibrated Regression (ICML
2018), section 3.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from mbrl_teach.arguments import read_array
from mbrl_teach.models.dynamics_model import DynamicsModel, read_steps


def coverage(
    model: DynamicsModel,
    states: ArrayLike,
    actions: ArrayLike,
    next_states: ArrayLike,
    probability: float = 0.9,
) -> np.ndarray:
    """Share (n,) of the next states inside the model's central interval of `probability`."""
    if not 0.0 < probability < 1.0:
        raise ValueError(f"probability must be in (0, 1); got {probability}")
    s, a, s_next = _unwrapped(model, states, actions, next_states)
    low, high = quantiles(model, s, a, [0.5 - 0.5 * probability, 0.5 + 0.5 * probability])
    return ((low <= s_next) & (s_next <= high)).mean(axis=0)


def reliability(
    model: DynamicsModel,
    states: ArrayLike,
    actions: ArrayLike,
    next_states: ArrayLike,
    probabilities: ArrayLike,
) -> np.ndarray:
    """Share (K, n) of the next states below the model's quantiles at `probabilities` (K,)."""
    s, a, s_next = _unwrapped(model, states, actions, next_states)
    return (s_next <= quantiles(model, s, a, probabilities)).mean(axis=1)


def error(model: DynamicsModel, states: ArrayLike, actions: ArrayLike, next_states: ArrayLike) -> np.ndarray:
    """Root mean square (n,) of the mean's error, in the state's units."""
    s, a, s_next = _unwrapped(model, states, actions, next_states)
    return np.sqrt(np.mean((model.predict(s, a).mean - s_next) ** 2, axis=0))


def log_density(
    model: DynamicsModel, states: ArrayLike, actions: ArrayLike, next_states: ArrayLike
) -> np.ndarray:
    """Mean (n,) of the log-density of the next states; minus that is the NLL."""
    s, a, s_next = _unwrapped(model, states, actions, next_states)
    if hasattr(model, "log_density"):
        return model.log_density(s, a, s_next).mean(axis=0)
    mean, variance = model.predict(s, a)
    return (-0.5 * (np.log(2.0 * np.pi * variance) + (s_next - mean) ** 2 / variance)).mean(axis=0)


def quantiles(
    model: DynamicsModel, states: ArrayLike, actions: ArrayLike, probabilities: ArrayLike
) -> np.ndarray:
    """The model's own quantiles (K, ..., n), or if it has none those of the normal with its moments."""
    if hasattr(model, "quantiles"):
        return model.quantiles(states, actions, probabilities)
    q = read_array("probabilities", probabilities, "K", {})
    mean, variance = model.predict(states, actions)
    return mean + np.sqrt(variance) * ndtri(q).reshape(-1, *[1] * mean.ndim)


def _unwrapped(model, states, actions, next_states):
    """The steps, with each next state as far from its state as the model's encoding says."""
    s, a, s_next = read_steps(states, actions, next_states)
    return s, a, s + model.encoding.difference(s_next, s)
