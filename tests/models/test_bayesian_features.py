"""Bayesian linear regression on features: the Gaussian process that it is, its two variances, its errors."""

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, DotProduct

from mbrl_teach.models.bayesian_features import BayesianFeatures, FeatureRegression
from mbrl_teach.models.encoding import Angles
from mbrl_teach.models.features import Radial, RandomFourier
from mbrl_teach.models.linear_gaussian import BayesianLinear
from mbrl_teach.problems.finite_differences import jacobian
from tests.models.worlds import linear_steps, pendulum_steps

PRECISION = 0.05


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.uniform(-3, 3, (40, 2))
    return X, np.sin(X[:, :1]) * X[:, 1:] + 0.1 * rng.normal(size=(40, 1))


@pytest.fixture(scope="module")
def steps():
    return pendulum_steps(200, np.random.default_rng(1))


def fitted(features, data):
    return FeatureRegression(features, BayesianLinear(PRECISION)).fit(*data)


def model_of(data, **settings):
    return BayesianFeatures(**{"rng": np.random.default_rng(2), "encoding": Angles(0)} | settings).fit(*data)


@pytest.mark.parametrize("kind", [RandomFourier, Radial])
def test_it_is_the_gaussian_process_of_its_features(kind, data):
    """By scikit-learn, with the kernel φ(x)'φ(x') + 1 and the noise λ: variances in units of the noise's."""
    regression = fitted(kind(20, 1.0, rng=np.random.default_rng(3)), data)
    phi = regression.features.values
    X = np.random.default_rng(4).uniform(-5, 5, (30, 2))
    process = GaussianProcessRegressor(DotProduct(1.0), alpha=PRECISION, optimizer=None)
    mean, std = process.fit(phi(data[0]), data[1][:, 0]).predict(phi(X), return_std=True)
    np.testing.assert_allclose(regression.mean(X)[:, 0], mean, atol=1e-8)
    doubt = regression.epistemic(X) / regression.aleatoric(X)
    np.testing.assert_allclose(PRECISION * doubt[:, 0], std**2, atol=1e-8)


def test_with_more_fourier_features_it_approaches_the_process_of_the_kernel(data):
    """Both moments of scikit-learn's process, with an error that falls as one over the root of their number."""
    X = np.random.default_rng(6).uniform(-4, 4, (50, 2))
    process = GaussianProcessRegressor(RBF(1.2) + ConstantKernel(1.0), alpha=PRECISION, optimizer=None)
    mean, std = process.fit(data[0], data[1][:, 0]).predict(X, return_std=True)

    def errors(count, seed):
        regression = fitted(RandomFourier(count, 1.2, rng=np.random.default_rng(seed)), data)
        doubt = (regression.epistemic(X) / regression.aleatoric(X))[:, 0]
        off = regression.mean(X)[:, 0] - mean, np.sqrt(PRECISION * doubt) - std
        return [np.mean(one**2) for one in off]

    few, many = (np.sqrt(np.mean([errors(count, seed) for seed in range(8)], axis=0)) for count in (100, 900))
    assert (few / many > 2.0).all()  # 3 in the limit
    assert (many < [0.15 * mean.std(), 0.07]).all()


def test_the_evidence_finds_the_length_scale_of_the_world():
    """Functions drawn with ℓ = 1 over inputs of deviation 1; of ℓ = 1/4, 1, 4 it is foretold best."""
    chosen = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(80, 1))
        Y = rng.multivariate_normal(np.zeros(80), RBF(1.0)(X) + 1e-3 * np.eye(80))[:, None]
        evidence = lambda ell, X=X, Y=Y: (
            FeatureRegression(
                RandomFourier(200, ell, rng=np.random.default_rng(7)), BayesianLinear(1e-3, np.sqrt(1e-3))
            )
            .fit(X, Y)
            .log_evidence
        )
        chosen.append(max((0.25, 1.0, 4.0), key=evidence))
    assert chosen.count(1.0) >= 9


def test_a_model_takes_what_is_most_evident(steps):
    model = model_of(steps)
    candidates = model.regression.regression.candidates
    assert model.chosen.log_evidence == max(one.log_evidence for one in candidates)
    assert len(candidates) == 28
    assert len(model_of(steps, lengthscale=[1.0, 1.0, 2.0, 2.0]).regression.regression.candidates) == 7


def test_a_pendulum_is_learned(steps):
    s, a, s_next = pendulum_steps(500, np.random.default_rng(8))
    error = np.abs((model_of(steps).predict(s, a).mean - s_next + np.pi) % (2 * np.pi) - np.pi)
    change = np.abs(s_next[:, 1] - s[:, 1]).mean()
    assert np.sqrt((error**2).mean(axis=0)).max() < 0.02 * change


@pytest.mark.parametrize("kind", ["fourier", "radial"])
def test_the_jacobian_is_in_the_world_s_units(steps, kind):
    model = model_of(steps, kind=kind)
    z = np.hstack(pendulum_steps(20, np.random.default_rng(9))[:2]).reshape(4, 5, 3)
    slopes = jacobian(lambda z: model.dynamics(z[..., :2], z[..., 2:]), z)
    np.testing.assert_allclose(model.linearize(z[..., :2], z[..., 2:]), slopes, atol=1e-6)
    drawn = model.posterior_sample(np.random.default_rng(10))
    slopes = jacobian(lambda z: drawn.dynamics(z[..., :2], z[..., 2:]), z)
    np.testing.assert_allclose(drawn.linearize(z[..., :2], z[..., 2:]), slopes, atol=1e-6)


def test_drawn_worlds_have_the_moments_that_are_predicted():
    """Law of total variance, in units where inputs and targets have different deviations."""
    s, a, s_next = linear_steps(25, np.random.default_rng(11))
    scale = np.array([1.0, 50.0])
    model = model_of((s * scale, a, s_next * scale), encoding=None, features=30)
    s, a = np.array([[2.0, -1.0], [0.0, 0.5]]) * scale, np.array([[2.0], [0.0]])
    prediction, rng = model.predict(s, a), np.random.default_rng(12)
    worlds = [model.posterior_sample(rng) for _ in range(2000)]
    said = [world.predict(s, a) for world in worlds]
    means = np.array([one.mean for one in said])
    np.testing.assert_allclose(
        means.mean(axis=0), prediction.mean, atol=0.1 * np.sqrt(prediction.variance.max())
    )
    np.testing.assert_allclose(means.var(axis=0), prediction.epistemic, rtol=0.15)
    np.testing.assert_allclose(
        np.mean([one.aleatoric for one in said], axis=0), prediction.aleatoric, rtol=0.15
    )
    assert all((one.epistemic == 0).all() for one in said)
    drawn = model.sample(np.tile(s[0], (40_000, 1)), np.tile(a[0], (40_000, 1)), rng)
    np.testing.assert_allclose(drawn.var(axis=0), prediction.variance[0], rtol=0.1)
    np.testing.assert_allclose(
        worlds[0].sample(np.tile(s[0], (40_000, 1)), np.tile(a[0], (40_000, 1)), rng).var(axis=0),
        said[0].aleatoric[0],
        rtol=0.1,
    )


def gap_ratio(**settings):
    """Median epistemic variance between two clusters of data over that on them, and far outside over on."""
    rng = np.random.default_rng(13)
    s = np.concatenate([rng.uniform(-3, -1, 60), rng.uniform(1, 3, 60)])[:, None]
    change = np.sin(2 * s) + 0.1 * rng.normal(size=s.shape)
    model = model_of((s, np.zeros_like(s), s + change), encoding=None, **settings)
    at = lambda low, high: np.median(
        model.predict(np.linspace(low, high, 50)[:, None], np.zeros((50, 1))).epistemic
    )
    return at(-0.5, 0.5) / at(1, 3), at(20, 30) / at(1, 3)


def test_doubt_is_larger_in_a_gap_and_beyond_the_data():
    gap, beyond = gap_ratio()
    assert gap > 10
    assert beyond > 100


def test_radial_features_are_sure_of_themselves_far_from_the_data():
    """They vanish there, and with them all that the weights could change: what the module warns of."""
    _, fourier = gap_ratio(lengthscale=0.3, prior_precision=1e-3)
    _, radial = gap_ratio(lengthscale=0.3, prior_precision=1e-3, kind="radial")
    assert radial < 0.2 * fourier


def test_one_step_and_constant_columns_leave_the_prior():
    """Without a scale in the data no evidence is asked, and the loosest of the priors stays."""
    model = model_of(([[1.0, 2.0]], [[0.5]], [[1.5, 1.0]]), encoding=None)
    np.testing.assert_allclose(model.predict([1.0, 2.0], [0.5]).mean, [1.5, 1.0], atol=1e-6)
    near, far = model.predict([1.0, 2.0], [0.5]), model.predict([9.0, 2.0], [0.5])
    assert (far.epistemic > 1e4 * near.epistemic).all()
    assert (far.epistemic > 1.0).all()
    still = model_of((np.ones((9, 2)), np.full((9, 1), 0.1), np.ones((9, 2))), encoding=None)
    np.testing.assert_allclose(still.dynamics(np.ones(2), np.full(1, 0.1)), 1.0, atol=1e-12)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rng": 0}, "rng must be a numpy.random.Generator"),
        ({"features": 0}, "features must be a whole number"),
        ({"kind": "wavelets"}, "kind must be one of fourier, radial; got 'wavelets'"),
        ({"prior_precision": -1.0}, "prior_precision must be positive"),
        ({"prior_noise": 0.0}, "prior_noise must be positive"),
        ({"lengthscale": 0.0}, "lengthscale must be positive"),
        ({"lengthscale": [1.0, 2.0]}, r"lengthscale must have shape \(d,\) = \(4,\)"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message, steps):
    with pytest.raises(ValueError, match=message):
        model_of(steps, **settings)


def test_what_is_asked_before_fit_or_of_nan_is_refused(steps):
    model = BayesianFeatures(rng=np.random.default_rng(0))
    for ask in (lambda: model.chosen, lambda: model.posterior_sample(np.random.default_rng(0))):
        with pytest.raises(ValueError, match="BayesianFeatures has seen no data; call fit first"):
            ask()
    s, a, s_next = (part.copy() for part in steps)
    s[3, 1] = np.nan
    with pytest.raises(ValueError, match="states must be finite; got NaN"):
        model.fit(s, a, s_next)
    with pytest.raises(ValueError, match="states must have N >= 1"):
        model.fit(s[:0], a[:0], s_next[:0])
