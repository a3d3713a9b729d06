"""Bayes by backprop: its gradient, the optimum it must find where that is known, and what it then says."""

import copy

import numpy as np
import pytest
from scipy import stats

from mbrl_teach.models.bayes_by_backprop import BackpropRegression, BayesianNetwork, FreeEnergy
from mbrl_teach.models.encoding import Angles
from mbrl_teach.models.factorised_normal import FactorisedNormal
from mbrl_teach.models.linearized_laplace import LaplaceNetwork
from mbrl_teach.models.perceptron import Perceptron
from mbrl_teach.problems.finite_differences import jacobian
from tests.models.worlds import pendulum_steps

NOISE = np.array([0.09, 0.01])


def some_energy(rng, sizes=(3, 4, 2), draws=5):
    network = Perceptron(sizes, rng, members=(draws,))
    P = network.parameters.shape[-1]
    energy = FreeEnergy(network, rng.uniform(0.5, 2.0, P), NOISE)
    energy.q.mean[...], energy.q.log_deviation[...] = rng.normal(size=P), rng.normal(-1.0, 0.3, P)
    return energy


def test_the_gradient_is_that_of_finite_differences_for_the_same_draws():
    rng = np.random.default_rng(0)
    energy = some_energy(rng)
    epsilon, omega = rng.standard_normal(energy.network.parameters.shape), energy.omega.copy()
    x, y = rng.normal(size=(6, 3)), rng.normal(size=(6, 2))

    def value(omega):
        energy.omega[...] = omega
        return energy.evaluate(x, y, 50, epsilon)

    slopes = jacobian(lambda many: np.apply_along_axis(value, -1, many)[..., None], omega)[0]
    value(omega)
    np.testing.assert_allclose(energy.gradient, slopes, rtol=1e-6, atol=1e-7)


def test_the_free_energy_is_the_log_densities_of_its_draws():
    """Σ log p(y | x, θ), by scipy, for each draw's network; and the divergence, by scipy's entropies."""
    rng = np.random.default_rng(1)
    energy = some_energy(rng)
    q, epsilon = energy.q, rng.standard_normal(energy.network.parameters.shape)
    x, y = rng.normal(size=(6, 3)), rng.normal(size=(6, 2))
    likelihoods = []
    for e in epsilon:
        network = Perceptron((3, 4, 2), rng)
        network.parameters[...] = q.mean + np.exp(q.log_deviation) * e
        likelihoods.append(stats.norm(network.value(x), np.sqrt(NOISE)).logpdf(y).sum())
    prior, posterior = stats.norm(0, energy.precisions**-0.5), stats.norm(q.mean, q.deviation)
    cross = [
        posterior.dist.expect(
            lambda t, j=j: -stats.norm(0, energy.precisions[j] ** -0.5).logpdf(t),
            loc=q.mean[j],
            scale=q.deviation[j],
        )
        for j in range(3)
    ]
    each = 0.5 * energy.precisions * (q.mean**2 + q.deviation**2) - prior.logpdf(0) - posterior.entropy()
    np.testing.assert_allclose(
        each[:3], cross - posterior.entropy()[:3], rtol=1e-6
    )  # the formula, by quadrature
    expected = -np.mean(likelihoods) / 6 + each.sum() / 50
    assert energy.evaluate(x, y, 50, epsilon) == pytest.approx(expected, rel=1e-10)


def test_draws_have_the_mean_and_deviation_of_q():
    q = FactorisedNormal(np.array([1.0, -2.0]), np.log([0.5, 3.0]))
    drawn = q.at(np.random.default_rng(2).standard_normal((100_000, 2)))
    np.testing.assert_allclose(drawn.mean(axis=0), q.mean, atol=0.05)
    np.testing.assert_allclose(drawn.std(axis=0), [0.5, 3.0], rtol=0.02)


def test_of_a_linear_network_it_finds_the_nearest_factorised_normal():
    """The exact posterior is normal with precision Λ: μ is its mean, σ² = 1/Λ_jj, not the marginal (Λ⁻¹)_jj."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(60, 2)) @ np.array([[1.0, 0.9], [0.0, 0.4]])  # inputs that go together
    Y = X @ rng.normal(size=(2, 2)) + 0.3 + 0.2 * rng.normal(size=(60, 2))
    regression = BackpropRegression(rng, (), noise=0.2, draws=8, steps=2000, batch=256, learning_rate=0.03)
    q = regression.fit(X, Y).q
    Z = np.hstack([X, np.ones((60, 1))])
    precision = Z.T @ Z / 0.04 + np.diag([2.0, 2.0, 1.0])
    mean = np.linalg.solve(precision, Z.T @ Y / 0.04)
    nearest, marginal = 1 / np.diag(precision), np.diag(np.linalg.inv(precision))
    assert (marginal[:2] > 3 * nearest[:2]).all()
    np.testing.assert_allclose(q.mean.reshape(3, 2), mean, atol=0.02)
    np.testing.assert_allclose(
        q.deviation.reshape(3, 2) ** 2, np.stack([nearest, nearest], axis=-1), rtol=0.1
    )


def test_without_information_q_is_the_prior():
    """One row, of noise 1e3: the free energy is the divergence alone."""
    rng = np.random.default_rng(4)
    regression = BackpropRegression(rng, (3,), noise=1e3, prior_precision=2.0, steps=1500, learning_rate=0.03)
    q = regression.fit(np.ones((2, 2)), np.array([[1.0], [-1.0]])).q
    np.testing.assert_allclose(q.mean, 0.0, atol=0.01)
    np.testing.assert_allclose(q.deviation[:6], 0.5, rtol=0.01)  # weights of the first layer: 1/(α d) = 1/4
    np.testing.assert_allclose(q.deviation[6:9], np.sqrt(0.5), rtol=0.01)


def test_the_noise_is_the_mean_square_of_the_errors_under_q():
    rng = np.random.default_rng(5)
    X = rng.uniform(-1, 1, (300, 1))
    Y = np.hstack([np.sin(3 * X), X]) + rng.normal(size=(300, 2)) * [0.5, 0.1]
    regression = BackpropRegression(rng, (16,)).fit(X, Y)
    np.testing.assert_allclose(np.sqrt(regression.noise), [0.5, 0.1], rtol=0.25)
    assert regression.free_energies[-200:].mean() < regression.free_energies[:200].mean()


# as a model of a world ---------------------------------------------------------------------------------------


def model_of(data, **settings):
    defaults = {"rng": np.random.default_rng(6), "encoding": Angles(0), "steps": 1500}
    return BayesianNetwork(**defaults | settings).fit(*data)


@pytest.fixture(scope="module")
def steps():
    return pendulum_steps(300, np.random.default_rng(7))


@pytest.fixture(scope="module")
def model(steps):
    return model_of(steps)


def test_a_pendulum_is_learned(model):
    s, a, s_next = pendulum_steps(500, np.random.default_rng(8))
    error = np.abs((model.predict(s, a).mean - s_next + np.pi) % (2 * np.pi) - np.pi)
    change = np.abs(s_next - s + np.pi) % (2 * np.pi) - np.pi
    assert (np.sqrt((error**2).mean(axis=0)) < 0.15 * change.std(axis=0)).all()


def test_the_two_variances_add_up_to_that_of_the_drawn_networks(model):
    """Law of total variance, of new draws from q against those that are kept."""
    s, a = np.array([[2.0, -9.0], [0.0, 0.5]]), np.array([[2.0], [0.0]])
    prediction, rng = model_of_many_draws(model).predict(s, a), np.random.default_rng(9)
    said = [model.posterior_sample(rng).predict(s, a) for _ in range(4000)]
    means = np.array([one.mean for one in said])
    np.testing.assert_allclose(means.var(axis=0), prediction.epistemic, rtol=0.15)
    difference = np.abs(means.mean(axis=0) - prediction.mean)
    assert (difference < 4 * np.sqrt(2 * prediction.epistemic / 4000)).all()
    assert all((one.epistemic == 0).all() for one in said)
    np.testing.assert_array_equal(said[0].aleatoric, prediction.aleatoric)
    np.testing.assert_allclose(prediction.variance, prediction.aleatoric + prediction.epistemic)


def model_of_many_draws(model):
    """The same posterior, with 4000 networks that predict."""
    model = copy.deepcopy(model)
    regression = model.regression.regression
    regression.drawn = Perceptron(regression.drawn.sizes, np.random.default_rng(0), members=(4000,))
    regression.drawn.parameters[...] = regression.q.at(
        np.random.default_rng(1).standard_normal(regression.drawn.parameters.shape)
    )
    return model


def test_jacobians_are_in_the_world_s_units(steps):
    model = model_of(steps, steps=200)
    z = np.hstack(pendulum_steps(20, np.random.default_rng(10))[:2]).reshape(4, 5, 3)
    for world in (model, model.posterior_sample(np.random.default_rng(11))):
        slopes = jacobian(lambda z, world=world: world.dynamics(z[..., :2], z[..., 2:]), z)
        np.testing.assert_allclose(world.linearize(z[..., :2], z[..., 2:]), slopes, atol=1e-7)


def test_a_question_asked_twice_gets_the_same_answer(steps):
    one, other = (model_of(steps, steps=60) for _ in range(2))
    np.testing.assert_array_equal(one.dynamics(*steps[:2]), one.dynamics(*steps[:2]))
    np.testing.assert_array_equal(one.dynamics(*steps[:2]), other.dynamics(*steps[:2]))


def test_noise_that_is_known_is_kept(steps):
    model = model_of(steps, noise=0.2, steps=120)
    change = model.encoding.difference(steps[2], steps[0])
    variance = model.predict(steps[0][0], steps[1][0]).aleatoric
    np.testing.assert_allclose(np.sqrt(variance), 0.2 * change.std(axis=0))


def gap_ratio(kind, **settings):
    """Median epistemic variance between two clusters of data over that on them."""
    rng = np.random.default_rng(12)
    s = np.concatenate([rng.uniform(-3, -1, 300), rng.uniform(1, 3, 300)])[:, None]
    s_next = s + np.sin(2 * s) + 0.1 * rng.normal(size=s.shape)
    model = kind(rng=rng, hidden=(16,), **settings).fit(s, np.zeros_like(s), s_next)
    at = lambda low, high: np.median(
        model.predict(np.linspace(low, high, 50)[:, None], np.zeros((50, 1))).epistemic
    )
    return at(-0.5, 0.5) / at(1, 3)


def test_doubt_is_larger_in_a_gap_but_far_from_what_weights_that_go_together_say():
    """What the module warns of: a Laplace posterior of the same network, not factorised, doubts far more."""
    factorised = gap_ratio(BayesianNetwork, steps=2000)
    assert factorised > 2
    assert gap_ratio(LaplaceNetwork) > 30 * factorised


def test_a_bar_is_shown_when_asked_for_and_off_otherwise(steps, capsys):
    model_of(steps, steps=30)
    assert capsys.readouterr().err == ""
    model_of(steps, steps=30, progress=True)
    assert "training" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rng": 0}, "rng must be a numpy.random.Generator"),
        ({"hidden": (0,)}, "hidden must be a whole number from 1 on"),
        ({"prior_precision": 0.0}, "prior_precision must be positive"),
        ({"noise": 0.0}, "noise must be positive"),
        ({"learning_rate": 0.0}, "learning_rate must be positive"),
        ({"predict_draws": 1}, "predict_draws must be a whole number from 2 on"),
        ({"draws": 0}, "draws must be a whole number"),
        ({"steps": 0}, "steps must be a whole number"),
        ({"batch": 0}, "batch must be a whole number"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message, steps):
    with pytest.raises(ValueError, match=message):
        model_of(steps, **settings)


def test_data_that_teach_no_scale_are_refused(steps):
    with pytest.raises(ValueError, match="next_states - states must vary between steps"):
        model_of(tuple(part[:1] for part in steps))
    with pytest.raises(ValueError, match="next_states - states must vary between steps"):
        model_of((np.full((9, 2), 0.1), np.ones((9, 1)), np.full((9, 2), 0.3)), encoding=None)
    with pytest.raises(ValueError, match="actions must be finite; got NaN"):
        model_of((steps[0], np.full_like(steps[1], np.nan), steps[2]))
    with pytest.raises(ValueError, match="BayesianNetwork has seen no data; call fit first"):
        BayesianNetwork(rng=np.random.default_rng(0)).predict([0.0], [0.0])


def test_a_learning_rate_that_blows_up_is_not_hidden(steps):
    with np.errstate(all="ignore"), pytest.raises(ValueError, match="training has diverged by step"):
        model_of(steps, learning_rate=1e200)
