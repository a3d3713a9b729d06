"""A model whose prior is stated in the world's units, and stays what it is whatever the data say.

Who explores asks a model about places without data, and there its answer is the prior. A prior that is
estimated from the data (:mod:`mbrl_teach.models.bayesian_features`) knows only what the data are like: after
a hundred steps about one spot it takes the spot for the world. Here one says beforehand, for each coordinate,

    amplitude     by how much a step may change it, where nobody has been: the deviation of Δ
    lengthscales  over which distance of each input that may become quite another change
    noise         its own, as a share of the amplitude, taken for known

and Δ = W' φ(x) + noise, with random Fourier features φ of x = [φ(s); a] and normal weights W: in the limit of
many features a Gaussian process with mean 0, so that the expected world is one in which, away from the data,
nothing changes.

Source: Rasmussen & Williams, Gaussian Processes for Machine Learning (2006), section 2.1 (the same prior in
function space); Rahimi & Recht (NeurIPS 2007), for the features.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mbrl_teach.arguments import read_array, require_positive
from mbrl_teach.models.bayesian_features import FeatureRegression
from mbrl_teach.models.dynamics_model import DynamicsModel
from mbrl_teach.models.encoding import Encoding
from mbrl_teach.models.features import RandomFourier
from mbrl_teach.models.linear_gaussian import BayesianLinear

KNOWN = 1e6  # how many residuals the stated noise is worth; and how much surer the prior is of no bias


class StatedPrior(DynamicsModel):
    """s' = s + W' φ([φ(s); a]) + noise, with a posterior over W.

    Parameters
        amplitude (n,): deviation of the change before any data, in the state's units
        lengthscales (k+m,): in the inputs' units; a number is one for all
        noise: deviation of the noise as a share of the amplitude
        rng: where the features come from; each `fit` draws them anew
        features: how many, even
        encoding: φ, by default the state

    Raises ValueError for numbers that are not positive; wrong lengths are met by `fit`.
    """

    def __init__(
        self,
        amplitude: ArrayLike,
        lengthscales: ArrayLike,
        *,
        noise: float = 0.01,
        rng: np.random.Generator,
        features: int = 100,
        encoding: Encoding | None = None,
    ):
        amplitude = read_array("amplitude", amplitude, "n", {})
        require_positive(amplitude=amplitude.min(initial=np.inf), noise=noise)
        maps = RandomFourier(features, lengthscales, rng=rng)
        precision = np.append(np.full(maps.count, noise**2), KNOWN)  # of W, in the noise's units; no bias
        weights = BayesianLinear(precision, noise * amplitude, degrees=KNOWN)
        super().__init__(FeatureRegression(maps, weights), encoding)
