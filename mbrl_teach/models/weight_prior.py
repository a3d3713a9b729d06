"""A normal prior over a network's parameters, the same for those who need its precisions.

    W_l ~ N(0, 1/(α d_l)),        b_l ~ N(0, 1/α),        d_l inputs of layer l.

With α = 1 a weight is expected to be as large as :class:`mbrl_teach.models.perceptron.Perceptron` draws it:
d_l terms of variance 1/d_l add up to something of size one, however wide the layer.

Source: MacKay, A Practical Bayesian Framework for Backpropagation Networks (Neural Computation 4, 1992),
on weights and biases that need their own scales; Neal, Bayesian Learning for Neural Networks
(1996), section 2.1, on the width.
"""

from __future__ import annotations

import numpy as np

from mbrl_teach.models.perceptron import Perceptron


def prior_precisions(network: Perceptron) -> np.ndarray:
    """For each parameter (P,) its prior precision over α: d_l for a weight, 1 for a bias."""
    precisions = np.ones(network.parameters.shape[-1])
    for W, _ in network.views(precisions):
        W[...] = W.shape[0]
    return precisions
