"""A prior that is stated: what the model says without data, and that with many features it is a known GP."""

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel

from mbrl_teach.models.encoding import Angles
from mbrl_teach.models.stated_prior import StatedPrior
from mbrl_teach.problems.pit import Pit

AMPLITUDE, LENGTHSCALES, NOISE = np.array([0.2, 0.5]), np.array([0.5, 0.6, 2.0]), 0.05


def steps(N, rng, middle=0.0):
    s = middle + rng.uniform(-0.5, 0.5, (N, 2))
    a = rng.uniform(-0.8, 0.8, (N, 1))
    return s, a, Pit().dynamics(s, a) + rng.normal(size=(N, 2)) * NOISE * AMPLITUDE


def fitted(features=800, seed=0, N=40):
    rng = np.random.default_rng(seed)
    model = StatedPrior(AMPLITUDE, LENGTHSCALES, noise=NOISE, rng=rng, features=features)
    return model.fit(*steps(N, rng))


def test_with_many_features_it_is_the_gaussian_process_of_that_prior():
    """In deviations of the prior, against scikit-learn; of 1500 features a few percent of error are left."""
    rng = np.random.default_rng(1)
    data, (s, a, _) = steps(30, rng), steps(50, rng, middle=0.4)
    model = StatedPrior(AMPLITUDE, LENGTHSCALES, noise=NOISE, rng=rng, features=1500).fit(*data)
    prediction = model.predict(s, a)
    for i, amplitude in enumerate(AMPLITUDE):
        kernel = ConstantKernel(amplitude**2) * RBF(LENGTHSCALES)
        gp = GaussianProcessRegressor(kernel, alpha=(NOISE * amplitude) ** 2, optimizer=None)
        gp.fit(np.hstack(data[:2]), (data[2] - data[0])[:, i])
        mean, std = gp.predict(np.hstack([s, a]), return_std=True)
        np.testing.assert_allclose(prediction.mean[:, i] - s[:, i], mean, atol=0.15 * amplitude)
        np.testing.assert_allclose(np.sqrt(prediction.epistemic[:, i]), std, atol=0.05 * amplitude)
        np.testing.assert_allclose(prediction.aleatoric[:, i], (NOISE * amplitude) ** 2, rtol=1e-2)


def test_far_from_the_data_nothing_changes_and_the_doubt_is_the_stated_amplitude():
    model = fitted()
    far = np.random.default_rng(2).choice([-1.0, 1.0], (50, 2)) * np.linspace(6.0, 12.0, 50)[:, None]
    prediction = model.predict(far, np.zeros((50, 1)))
    assert (np.abs(prediction.mean - far) < 0.3 * AMPLITUDE).all()
    assert np.sqrt(prediction.epistemic) == pytest.approx(np.broadcast_to(AMPLITUDE, (50, 2)), rel=0.05)


def test_the_data_do_not_change_the_prior():
    """Ten times as many steps in the same place: as much doubt elsewhere, less here."""
    here, far = np.zeros((1, 2)), np.full((1, 2), 8.0)
    few, many = fitted(), fitted(N=400)
    epistemic = lambda model, s: model.predict(s, np.zeros((1, 1))).epistemic
    np.testing.assert_allclose(epistemic(few, far), epistemic(many, far), rtol=0.05)
    assert (epistemic(many, here) < 0.5 * epistemic(few, here)).all()


def test_worlds_drawn_from_the_posterior_agree_where_the_data_are_and_nowhere_else():
    rng, model = np.random.default_rng(3), fitted(features=200)
    s, a = np.array([[0.1, -0.1], [5.0, 5.0]]), np.zeros((2, 1))
    drawn = np.array([model.posterior_sample(rng).dynamics(s, a) for _ in range(400)])
    prediction = model.predict(s, a)
    error = np.abs(drawn.mean(axis=0) - prediction.mean)
    assert (error < 5 * np.sqrt(prediction.epistemic / 400)).all()
    np.testing.assert_allclose(drawn.std(axis=0), np.sqrt(prediction.epistemic), rtol=0.15)
    assert (drawn.std(axis=0)[1] > 10 * drawn.std(axis=0)[0]).all()


def test_angles_may_be_encoded():
    rng = np.random.default_rng(4)
    model = StatedPrior(AMPLITUDE, 1.0, rng=rng, encoding=Angles(0)).fit(*steps(20, rng))
    s, a = np.array([[0.3, 0.1]]), np.zeros((1, 1))
    turn = np.array([2 * np.pi, 0.0])
    turned = model.dynamics(s + turn, a) - turn
    np.testing.assert_allclose(turned, model.dynamics(s, a))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"amplitude": [0.2, 0.0]}, "amplitude must be positive; got 0"),
        ({"amplitude": 0.2}, "amplitude must have shape"),
        ({"noise": 0.0}, "noise must be positive"),
        ({"features": 5}, "features must be even"),
        ({"rng": 0}, "rng must be a numpy.random.Generator"),
        ({"lengthscales": [1.0, 1.0]}, "lengthscale must have shape"),
        ({"amplitude": [0.1, 0.2, 0.3]}, r"\(k,\) = \(2,\)"),
    ],
)
def test_what_does_not_fit_is_refused(options, message):
    rng = np.random.default_rng(0)
    settings = {"amplitude": AMPLITUDE, "lengthscales": LENGTHSCALES, "rng": rng} | options
    with pytest.raises(ValueError, match=message):
        StatedPrior(**settings).fit(*steps(5, rng))
