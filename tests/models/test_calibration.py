"""Calibration: a model that is right is found right, and one that errs is found out, in the right number."""

import numpy as np
import pytest
from scipy import stats

from mbrl_teach.models import calibration
from mbrl_teach.models.dynamics_model import DynamicsModel, Regression
from mbrl_teach.models.encoding import Angles

NOISE = np.array([0.1, 2.0])


class Claims(Regression):
    """Says that nothing changes but for noise `claimed`, with the mean off by `bias`."""

    def __init__(self, claimed, bias=0.0):
        self.claimed, self.bias = np.asarray(claimed), bias

    def mean(self, X):
        return np.full((*X.shape[:-1], 2), self.bias)

    def aleatoric(self, X):
        return np.broadcast_to(self.claimed**2, (*X.shape[:-1], 2))


def model(claimed, bias=0.0, encoding=None):
    world = DynamicsModel(Claims(claimed, bias), encoding)
    world.state_size, world.action_size = 2, 1
    return world


@pytest.fixture(scope="module")
def steps():
    rng = np.random.default_rng(0)
    s = rng.normal(size=(20000, 2))
    return s, rng.normal(size=(20000, 1)), s + NOISE * rng.standard_normal(s.shape)


def test_the_truth_is_calibrated(steps):
    q = np.array([0.05, 0.3, 0.9])
    np.testing.assert_allclose(calibration.coverage(model(NOISE), *steps), 0.9, atol=0.01)
    np.testing.assert_allclose(calibration.coverage(model(NOISE), *steps, 0.5), 0.5, atol=0.015)
    reliability = calibration.reliability(model(NOISE), *steps, q)
    np.testing.assert_allclose(reliability, q[:, None] * np.ones(2), atol=0.015)
    np.testing.assert_allclose(calibration.error(model(NOISE), *steps), NOISE, rtol=0.02)


def test_a_variance_for_a_deviation_is_found_out(steps):
    """Claims 0.01 for 0.1 and 4 for 2: too few inside, too many."""
    inside = calibration.coverage(model(NOISE**2), *steps)
    np.testing.assert_allclose(
        inside, [2 * stats.norm.cdf(0.1645) - 1, 2 * stats.norm.cdf(3.29) - 1], atol=0.01
    )


def test_the_log_density_is_highest_for_the_truth(steps):
    true = calibration.log_density(model(NOISE), *steps)
    np.testing.assert_allclose(true, -0.5 * (1 + np.log(2 * np.pi * NOISE**2)), atol=0.02)
    for other in (model(1.3 * NOISE), model(0.7 * NOISE), model(NOISE, bias=0.05)):
        assert (calibration.log_density(other, *steps)[0] < true[0]).all()


def test_an_angle_that_was_wrapped_is_still_near():
    s = np.full((50, 2), 3.1)
    s_next = s + np.array([0.1 - 2 * np.pi, 0.0])
    errors = calibration.error(model(NOISE, encoding=Angles(0)), s, s[:, :1], s_next)
    np.testing.assert_allclose(errors, [0.1, 0.0], atol=1e-12)


def test_a_probability_out_of_range_is_refused(steps):
    with pytest.raises(ValueError, match=r"probability must be in \(0, 1\); got 90"):
        calibration.coverage(model(NOISE), *steps, 90)
