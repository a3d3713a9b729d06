"""The ensemble: its moments are its members', its doubt is large where it has no data, its intervals hold."""

import numpy as np
import pytest
from scipy import stats

from mbrl_teach.models import calibration
from mbrl_teach.models.encoding import Angles
from mbrl_teach.models.ensemble import ProbabilisticEnsemble, reordered, resampled
from mbrl_teach.problems.finite_differences import jacobian
from tests.models.worlds import pendulum_steps

ANGLES = Angles(0)


def trained(data, seed=0, **settings):
    defaults = {"encoding": ANGLES, "steps": 150, "members": 3, "hidden": (16, 16), "dtype": np.float64}
    return ProbabilisticEnsemble(rng=np.random.default_rng(seed), **(defaults | settings)).fit(*data)


@pytest.fixture(scope="module")
def model():
    return trained(pendulum_steps(300, np.random.default_rng(1)))


@pytest.fixture(scope="module")
def there():
    return pendulum_steps(40, np.random.default_rng(2))[:2]


def test_moments_are_those_of_the_members_mixture(model, there):
    prediction = model.predict(*there)
    each = [member.predict(*there) for member in model.members]
    means = np.array([one.mean for one in each])
    np.testing.assert_allclose(prediction.mean, means.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(prediction.aleatoric, np.mean([one.aleatoric for one in each], axis=0))
    np.testing.assert_allclose(prediction.epistemic, means.var(axis=0), atol=1e-12)
    assert all((one.epistemic == 0.0).all() for one in each)
    np.testing.assert_allclose(model.dynamics(*there), prediction.mean, atol=1e-12)
    for part in ("aleatoric", "epistemic"):
        of_regression = getattr(model.regression, part)(model.inputs(*there))
        np.testing.assert_allclose(of_regression, getattr(prediction, part), atol=1e-12)


def test_draws_have_the_moments_and_the_quantiles_of_the_prediction(model, there):
    s, a = there[0][0] + [0.0, 30.0], there[1][0]  # far away, where the members disagree
    drawn = model.sample(np.tile(s, (40000, 1)), np.tile(a, (40000, 1)), np.random.default_rng(3))
    prediction = model.predict(s, a)
    assert (prediction.epistemic > prediction.aleatoric).any()
    np.testing.assert_allclose(
        drawn.mean(axis=0), prediction.mean, atol=0.02 * np.sqrt(prediction.variance).max()
    )
    np.testing.assert_allclose(drawn.var(axis=0), prediction.variance, rtol=0.04)
    q = np.array([0.05, 0.5, 0.95])
    below = (drawn <= model.quantiles(s, a, q)[:, None]).mean(axis=1)
    np.testing.assert_allclose(below, q[:, None] * np.ones(2), atol=0.01)


def test_a_row_asks_the_member_that_is_named(model, there):
    asked = np.random.default_rng(4).integers(3, size=40)
    draws = [model.sample(*there, np.random.default_rng(5), members=asked) for _ in range(2)]
    np.testing.assert_array_equal(*draws)
    mean, variance = model.regression.moments_of(model.inputs(*there), asked)
    for e, member in enumerate(model.members):
        own = member.predict(*there)
        rows = asked == e
        assert rows.sum() > 3
        np.testing.assert_allclose((there[0] + mean)[rows], own.mean[rows], atol=1e-12)
        np.testing.assert_allclose(variance[rows], own.aleatoric[rows], rtol=1e-10)


def test_each_row_s_member_is_drawn_for_itself(model):
    """Far away the members' means part by more than their noise: which was asked can be told from the draw."""
    s, a = np.tile([1.0, 300.0], (3000, 1)), np.zeros((3000, 1))
    means = np.array([member.dynamics(s[0], a[0])[1] for member in model.members])
    noise = np.sqrt(max(member.predict(s[0], a[0]).aleatoric[1] for member in model.members))
    assert np.diff(np.sort(means)).min() > 8 * noise
    drawn = model.sample(s, a, np.random.default_rng(6))[:, 1]
    counts = np.bincount(np.abs(drawn[:, None] - means).argmin(axis=1), minlength=3)
    assert stats.chisquare(counts).pvalue > 1e-4


def test_the_jacobian_is_the_slope_of_the_mean(model, there):
    s, a = there
    slopes = jacobian(lambda z: model.dynamics(z[..., :2], z[..., 2:]), np.hstack([s, a]))
    np.testing.assert_allclose(model.linearize(s, a), slopes, atol=1e-7)
    members = np.mean([member.linearize(s, a) for member in model.members], axis=0)
    np.testing.assert_allclose(model.linearize(s, a), members, atol=1e-12)


def test_leading_axes_are_kept(model, there):
    s, a = there
    grid = s.reshape(5, 8, 2), a.reshape(5, 8, 1)
    for got, flat in zip(model.predict(*grid), model.predict(s, a), strict=True):
        np.testing.assert_allclose(got.reshape(40, 2), flat, atol=1e-12)
    assert model.quantiles(*grid, [0.1, 0.9]).shape == (2, 5, 8, 2)
    assert model.log_density(*grid, grid[0]).shape == model.sample(*grid, np.random.default_rng(0)).shape
    np.testing.assert_allclose(model.predict(s[3], a[3]).epistemic, model.predict(s, a).epistemic[3])


def test_the_log_density_integrates_to_one_and_is_highest_at_a_lone_member_s_mean(there):
    one = trained(pendulum_steps(50, np.random.default_rng(7)), members=1, encoding=None)
    several = trained(pendulum_steps(50, np.random.default_rng(7)), encoding=None)
    s, a = there[0][0], there[1][0]
    for model in (one, several):
        mean, variance = model.predict(s, a)
        offsets = np.linspace(-12, 12, 4001)[:, None] * np.sqrt(variance)
        density = np.exp(model.log_density(np.tile(s, (4001, 1)), np.tile(a, (4001, 1)), mean + offsets))
        for i in range(2):
            assert np.trapezoid(density[:, i], offsets[:, i]) == pytest.approx(1.0, abs=1e-5)
    mean = one.predict(s, a).mean
    assert (one.log_density(s, a, mean) > one.log_density(s, a, mean + 0.1)).all()


def test_units_do_not_matter():
    """Velocities in thousandths of a unit, actions in thousands: means and deviations follow."""
    s, a, s_next = pendulum_steps(100, np.random.default_rng(16))
    scale = np.array([1.0, 1e3])
    plain = trained((s, a, s_next), encoding=None, steps=30).predict(s[:9], a[:9])
    scaled = trained((s * scale, a / 1e3, s_next * scale), encoding=None, steps=30)
    there = scaled.predict(s[:9] * scale, a[:9] / 1e3)
    np.testing.assert_allclose(there.mean / scale, plain.mean, atol=1e-8)
    np.testing.assert_allclose(there.aleatoric / scale**2, plain.aleatoric, rtol=1e-8)
    np.testing.assert_allclose(there.epistemic / scale**2, plain.epistemic, rtol=1e-6)
    width = np.diff(scaled.quantiles(s[:9] * scale, a[:9] / 1e3, [0.05, 0.95]), axis=0)[0]
    assert (width[:, 1] > 100.0).all()


def test_a_posterior_sample_is_a_member_and_each_comes_up(model, there):
    rng, means = np.random.default_rng(8), [member.dynamics(*there) for member in model.members]
    drawn = [model.posterior_sample(rng) for _ in range(60)]
    which = [[np.array_equal(one.dynamics(*there), mean) for mean in means].index(True) for one in drawn]
    assert set(which) == {0, 1, 2}
    assert drawn[0].sample(*there, rng).shape == (40, 2)


def test_the_bootstrap_draws_with_replacement_and_for_each_member_anew():
    rows = np.arange(100, 1100)
    drawn = resampled(rows, 6, np.random.default_rng(9))
    assert drawn.shape == (6, 1000)
    shares = [len(np.unique(member)) / 1000 for member in drawn]
    assert np.isin(drawn, rows).all()
    np.testing.assert_allclose(shares, 1 - np.exp(-1), atol=0.05)
    assert len({member.tobytes() for member in drawn}) == 6
    all_rows = reordered(rows, 6, np.random.default_rng(9))
    np.testing.assert_array_equal(np.sort(all_rows, axis=1), np.tile(rows, (6, 1)))
    assert len({member.tobytes() for member in all_rows}) == 6


def test_bootstrap_members_differ_by_their_rows():
    """With one linear layer all members come to the same fit of the same rows; the bootstrap parts them."""
    rng = np.random.default_rng(10)
    s, a = rng.normal(size=(40, 1)), rng.normal(size=(40, 1))
    data = s, a, s + 0.3 * a + 0.5 * rng.normal(size=(40, 1))
    settings = {
        "hidden": (),
        "encoding": None,
        "steps": 2500,
        "batch": 40,
        "validation_share": 0.0,
        "learning_rate": 0.02,
    }
    doubts = {
        bootstrap: trained(data, bootstrap=bootstrap, members=8, **settings).predict(s, a).epistemic.mean()
        for bootstrap in (True, False)
    }
    assert doubts[True] > 5 * doubts[False]


def gap_world(N, rng, low=1.0, high=3.0):
    """s' = s + sin 2s + a + noise, of deviation 0.1 to the left and 0.5 to the right; |s| between low and high."""
    s = rng.choice([-1.0, 1.0], size=(N, 1)) * rng.uniform(low, high, (N, 1))
    a = rng.uniform(-1.0, 1.0, (N, 1))
    noise = np.where(s < 0.0, 0.1, 0.5) * rng.standard_normal((N, 1))
    return s, a, s + np.sin(2.0 * s) + a + noise


def ensemble_of_gap_world(seed, N=1000, **settings):
    model = ProbabilisticEnsemble(rng=np.random.default_rng(seed), **({"steps": 500} | settings))
    return model.fit(*gap_world(N, np.random.default_rng(1000 + seed)))


@pytest.fixture(scope="module")
def fits():
    return [ensemble_of_gap_world(seed) for seed in range(5)]


def test_the_noise_is_learned_where_it_is(fits):
    """0.1 to the left, 0.5 to the right; mean of five fits within 15 %."""
    s = np.repeat([[-2.0], [2.0]], 50, axis=0)
    a = np.tile(np.linspace(-1, 1, 50)[:, None], (2, 1))
    noise = np.mean([np.sqrt(fit.predict(s, a).aleatoric[:, 0]) for fit in fits], axis=0)
    np.testing.assert_allclose(noise.reshape(2, 50).mean(axis=1), [0.1, 0.5], rtol=0.15)


def test_where_there_are_data_90_percent_intervals_hold_about_90_percent(fits):
    """2000 new steps for each of five fits, pooled; the mixture's quantiles. In either half alone, too."""
    new = gap_world(2000, np.random.default_rng(12))
    assert 0.85 <= np.mean([calibration.coverage(fit, *new) for fit in fits]) <= 0.95
    for half in (new[0][:, 0] < 0, new[0][:, 0] > 0):
        part = tuple(array[half] for array in new)
        assert 0.83 <= np.mean([calibration.coverage(fit, *part) for fit in fits]) <= 0.97


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.5), (4.5, 6.0)], ids=["in the gap", "beyond"])
def test_where_there_are_none_the_doubt_is_ten_times_as_large(fits, low, high):
    """Medians of the epistemic variance over 1000 states each, and of their ratios over five fits."""
    doubt = lambda fit, *place: np.median(
        fit.predict(*gap_world(1000, np.random.default_rng(13), *place)[:2]).epistemic
    )
    assert np.median([doubt(fit, low, high) / doubt(fit, 1.0, 3.0) for fit in fits]) >= 10.0


def test_output_variance_alone_does_not_tell_the_gap_from_noise(fits):
    """The noisy side is the noisiest, and the best known: only the epistemic part says which of them data would cure."""
    noisy, gap = (np.full((200, 1), s) for s in (2.0, -0.1))
    a = np.linspace(-1, 1, 200)[:, None]
    ratio = lambda part: np.median(
        [np.median(getattr(fit.predict(noisy, a), part) / getattr(fit.predict(gap, a), part)) for fit in fits]
    )
    assert ratio("aleatoric") > 1.0
    assert ratio("epistemic") < 0.1


def test_one_step_is_repeated_and_a_constant_column_is_harmless():
    one = trained(([[1.0, 2.0]], [[0.5]], [[1.5, 1.0]]), encoding=None, steps=400)
    np.testing.assert_allclose(one.predict([1.0, 2.0], [0.5]).mean, [1.5, 1.0], atol=0.05)
    s, a, _ = pendulum_steps(30, np.random.default_rng(14))
    still = trained((s, a, s), encoding=None, steps=50)
    assert all(np.isfinite(part).all() for part in still.predict(s, a))


def test_the_same_generator_gives_the_same_ensemble_and_a_fit_begins_anew(there):
    data = pendulum_steps(60, np.random.default_rng(15))
    one, other = (trained(data, steps=20) for _ in range(2))
    np.testing.assert_array_equal(one.dynamics(*there), other.dynamics(*there))
    assert (one.dynamics(*there) != other.fit(*data).dynamics(*there)).any()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rng": 0}, "rng must be a numpy.random.Generator"),
        ({"members": 0}, "members must be a whole number from 1 on"),
        ({"hidden": (0,)}, "hidden must be a whole number from 1 on"),
        ({"dtype": int}, "dtype must be a type of real numbers"),
        ({"steps": 0}, "steps must be a whole number"),
        ({"log_variance_bounds": (1.0, 0.0)}, "lower bound of the log-variance must be below the upper"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        ProbabilisticEnsemble(**({"rng": np.random.default_rng(0)} | settings))


def test_what_does_not_fit_is_refused(model, there):
    s, a = there
    rng = np.random.default_rng(0)
    empty = ProbabilisticEnsemble(rng=rng)
    for ask in (lambda: empty.predict(s, a), lambda: empty.members, lambda: empty.posterior_sample(rng)):
        with pytest.raises(ValueError, match="has seen no data; call fit first"):
            ask()
    with pytest.raises(ValueError, match="states must be finite; got NaN"):
        empty.fit(np.where(s > 1, np.nan, s), a, s)
    with pytest.raises(ValueError, match=r"actions must have shape \(N, m\) = \(40, 1\)"):
        empty.fit(s, a[1:], s)
    with pytest.raises(ValueError, match=r"members must be whole numbers of shape \(40,\)"):
        model.sample(s, a, rng, members=np.zeros(3, dtype=int))
    with pytest.raises(ValueError, match=r"members must be from 0 to 2; got 0 … 3"):
        model.sample(s, a, rng, members=np.arange(40) % 4)
    with pytest.raises(ValueError, match=r"probabilities must be in \(0, 1\)"):
        model.quantiles(s, a, [0.0])


@pytest.mark.slow
def test_the_bootstrap_costs_accuracy_and_pays_only_where_data_are_few():
    """20 seeds, paired, 2000 new steps each; Wilcoxon, p < 0.01. Steps to learn from: 100, then 1000.

    Of 100, members without the bootstrap are nearer to the truth, but their intervals too narrow; those with
    it cover. Of 1000 both cover, and neither is nearer.
    """
    new = gap_world(2000, np.random.default_rng(12))
    truth = new[0] + np.sin(2.0 * new[0]) + new[1]
    found = {}
    for N, bootstrap in ((100, True), (100, False), (1000, True), (1000, False)):
        fits = [ensemble_of_gap_world(seed, N=N, bootstrap=bootstrap) for seed in range(20)]
        errors = [np.sqrt(np.mean((fit.dynamics(*new[:2]) - truth) ** 2)) for fit in fits]
        found[N, bootstrap] = np.array(errors), np.array([calibration.coverage(fit, *new)[0] for fit in fits])
    p_error, p_coverage = (
        stats.wilcoxon(found[100, True][i], found[100, False][i], alternative="greater").pvalue
        for i in (0, 1)
    )
    assert max(p_error, p_coverage) < 0.01
    assert found[100, False][1].mean() < 0.88 < found[100, True][1].mean() < 0.93
    for bootstrap in (True, False):
        assert 0.88 < found[1000, bootstrap][1].mean() < 0.93
    assert stats.wilcoxon(found[1000, True][0], found[1000, False][0]).pvalue > 0.01
