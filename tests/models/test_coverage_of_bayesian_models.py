"""What models that know what they do not know promise, and whether it holds: coverage, side by side."""

import numpy as np
import pytest

from mbrl_teach.models.bayes_by_backprop import BayesianNetwork
from mbrl_teach.models.bayesian_features import BayesianFeatures
from mbrl_teach.models.last_layer import LastLayerNetwork
from mbrl_teach.models.linearized_laplace import LaplaceNetwork

KINDS = {
    "features": (BayesianFeatures, {}),
    "laplace": (LaplaceNetwork, {"hidden": (16,)}),
    "last layer": (LastLayerNetwork, {"hidden": (32,), "steps": 1000}),
    "backprop": (BayesianNetwork, {"steps": 2000}),
}


def world(N, rng):
    """s' = s + sin 2s + noise of 0.1, and an action that does nothing."""
    s = rng.uniform(-3, 3, (N, 1))
    return s, np.zeros_like(s), s + np.sin(2 * s) + 0.1 * rng.normal(size=s.shape)


@pytest.mark.parametrize("kind", KINDS)
def test_intervals_of_90_percent_cover_85_to_95(kind):
    """New steps where there are data, pooled over five fits to 200 others each."""
    model_of, settings = KINDS[kind]
    covered = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        model = model_of(rng=rng, **settings).fit(*world(200, rng))
        s, a, s_next = world(1000, rng)
        mean, variance = model.predict(s, a)
        covered.append(np.abs(s_next - mean) < 1.645 * np.sqrt(variance))
    assert 0.85 < np.mean(covered) < 0.95


@pytest.mark.parametrize("kind", KINDS)
def test_noise_stays_and_ignorance_goes(kind):
    """Sixteen times the data: the aleatoric variance is the world's still, the epistemic one a small part."""
    model_of, settings = KINDS[kind]
    rng = np.random.default_rng(5)
    few, many = (model_of(rng=rng, **settings).fit(*world(N, rng)) for N in (100, 1600))
    s = np.linspace(-2.5, 2.5, 50)[:, None]
    few, many = (model.predict(s, np.zeros_like(s)) for model in (few, many))
    assert many.aleatoric[0, 0] == pytest.approx(0.01, rel=0.25)
    assert np.median(many.epistemic) < 0.25 * np.median(few.epistemic)
