"""What a model says about the next state: its mean, and two variances that are not the same.

A model believes in a distribution over functions f, and each f comes with noise. By the law of total
variance,

    Var[s'] = E_f[ Var[s' | f] ]  +  Var_f[ E[s' | f] ]
            =     aleatoric       +      epistemic.

The first is chance: the world's noise, which stays however much is learned. The second is ignorance: what
the functions that are still possible disagree about, and what further data take away.

Source: Depeweg et al., Decomposition of Uncertainty in Bayesian Deep Learning (ICML 2018), section 3;
Chua et al. (NeurIPS 2018), section 4.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Prediction:
    """Mean, aleatoric and epistemic variance, all (..., n).

    It unpacks into the first two moments: ``mean, variance = model.predict(states, actions)``.
    """

    mean: np.ndarray
    aleatoric: np.ndarray
    epistemic: np.ndarray

    @property
    def variance(self) -> np.ndarray:
        """Of the next state (..., n): the sum of both."""
        return self.aleatoric + self.epistemic

    def __iter__(self) -> Iterator[np.ndarray]:
        yield self.mean
        yield self.variance

    def __getitem__(self, index: int) -> np.ndarray:
        return (self.mean, self.variance)[index]
