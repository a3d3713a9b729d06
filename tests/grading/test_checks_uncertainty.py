"""The references of assignment 07_uncertainty against oracles that share nothing with them."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import approx_fprime
from scipy.stats import multivariate_normal, norm

from mbrl_teach.grading.chances import UNLIKELY
from mbrl_teach.grading.checks import uncertainty as checks
from mbrl_teach.grading.instances import uncertainty as instances
from mbrl_teach.grading.judges import uncertainty as judges
from mbrl_teach.grading.references import uncertainty as references
from mbrl_teach.grading.student_call import NOT_FROM_RNG


@pytest.fixture(params=range(3))
def rng(request):
    return np.random.default_rng(request.param)


def squared_exponential(X, Z, signal_variance, lengthscales):
    """The kernel's formula, number by number."""
    k = lambda x, z: (
        signal_variance
        * np.exp(
            -sum((p - q) ** 2 / (2 * length**2) for p, q, length in zip(x, z, lengthscales, strict=True))
        )
    )
    return np.array([[k(x, z) for z in Z] for x in X])


def test_the_points_are_those_that_the_assignment_promises():
    tasks = [
        checks.gp_predict,
        checks.log_marginal_likelihood,
        checks.bootstrap,
        checks.decompose,
        checks.gaussian_nll,
    ]
    assert [task.points for task in tasks] == [6, 6, 5, 5, 6]


# Gaussian processes ---------------------------------------------------------------------------------


def test_the_posterior_is_that_of_bayes_rule_by_integration(rng):
    """Density of (y, f at a new input), over f: its mean and variance, with no algebra of Gaussians."""
    for X, y, X_new, signal_variance, lengthscales, noise_variance in instances.own_lengths(rng):
        mean, variance = references.gp_predict(X, y, X_new, signal_variance, lengthscales, noise_variance)
        both = np.vstack([X, X_new[:1]])
        joint = squared_exponential(both, both, signal_variance, lengthscales)
        joint += np.diag([noise_variance] * len(X) + [0.0])
        density = multivariate_normal(cov=joint).pdf
        weighted = lambda f, p, density=density, y=y: density([*y, f]) * f**p
        centre, width = mean[0], 8 * np.sqrt(variance[0])
        moments = [quad(weighted, centre - width, centre + width, args=(p,))[0] for p in range(3)]
        np.testing.assert_allclose(moments[1] / moments[0], mean[0], rtol=1e-6)
        second = moments[2] / moments[0] - (moments[1] / moments[0]) ** 2
        np.testing.assert_allclose(second, variance[0], rtol=1e-5)


def test_a_single_measurement_is_weighted_by_its_noise():
    """At the input of one datum: mean = σ_f² y / (σ_f² + σ_n²), precision = sum of both precisions."""
    X = np.array([[0.3, -1.0]])
    mean, variance = references.gp_predict(X, np.array([2.0]), X, 3.0, np.array([1.0, 0.5]), 0.6)
    np.testing.assert_allclose(mean, 3.0 / 3.6 * 2.0)
    np.testing.assert_allclose(1 / variance, 1 / 3.0 + 1 / 0.6)


def test_far_from_all_data_the_posterior_is_the_prior(rng):
    X, y, X_new, *hyperparameters = instances.own_lengths(rng)[0]
    mean, variance = references.gp_predict(X, y, X_new + 1e3, *hyperparameters)
    np.testing.assert_allclose(mean, 0.0, atol=1e-12)
    np.testing.assert_allclose(variance, hyperparameters[0])


def test_a_length_scale_is_a_change_of_units(rng):
    X, y, X_new, signal_variance, lengthscales, noise_variance = instances.own_lengths(rng)[1]
    units = np.array([10.0, 0.1, 3.0])
    in_others = units * X, y, units * X_new, signal_variance, units * lengthscales, noise_variance
    here = references.gp_predict(X, y, X_new, signal_variance, lengthscales, noise_variance)
    np.testing.assert_allclose(references.gp_predict(*in_others), here)


def test_the_evidence_is_the_density_of_the_data(rng):
    for k_XX, dK, y, noise_variance in instances.few_data(rng):
        log_p, _ = references.log_marginal_likelihood(k_XX, dK, y, noise_variance)
        covariance = k_XX + noise_variance * np.eye(len(y))
        np.testing.assert_allclose(log_p, multivariate_normal(cov=covariance).logpdf(y))


def test_the_evidence_is_that_of_one_datum_after_another(rng):
    """log p(y) = Σ log p(y_i | y_1 … y_{i-1}), each from the posterior of Task 1."""
    X, y, _, signal_variance, lengthscales, noise_variance = instances.own_lengths(rng)[0]
    one_by_one = norm.logpdf(y[0], scale=np.sqrt(signal_variance + noise_variance))
    for i in range(1, len(y)):
        before = X[:i], y[:i], X[i : i + 1], signal_variance, lengthscales, noise_variance
        mean, variance = references.gp_predict(*before)
        one_by_one += norm.logpdf(y[i], mean[0], np.sqrt(variance[0] + noise_variance))
    k_XX = squared_exponential(X, X, signal_variance, lengthscales)
    log_p, _ = references.log_marginal_likelihood(k_XX, k_XX[None], y, noise_variance)
    np.testing.assert_allclose(log_p, one_by_one)


def test_the_gradient_is_that_of_finite_differences(rng):
    for k_XX, dK, y, noise_variance in instances.few_data(rng):
        moved = lambda t, k_XX=k_XX, dK=dK, y=y, noise=noise_variance: references.log_marginal_likelihood(
            k_XX + np.tensordot(t, dK, axes=1), dK, y, noise
        )
        slopes = approx_fprime(np.zeros(len(dK)), lambda t, moved=moved: moved(t)[0], 1e-7)
        np.testing.assert_allclose(moved(np.zeros(len(dK)))[1], slopes, rtol=1e-4, atol=1e-5)


def test_in_small_units_the_determinant_is_no_number_and_the_evidence_still_is(rng):
    """Units change log p(y) by the logarithm of each datum's unit."""
    ((k_XX, dK, y, noise_variance),) = instances.small_units(rng)
    K = k_XX + noise_variance * np.eye(len(y))
    assert np.linalg.det(K) == np.linalg.det(np.linalg.cholesky(K)) == 0.0
    log_p, _ = references.log_marginal_likelihood(k_XX, dK, y, noise_variance)
    in_large = multivariate_normal(cov=1e12 * K).logpdf(1e6 * y)
    np.testing.assert_allclose(log_p, in_large + len(y) * np.log(1e6))


# Bootstrap ------------------------------------------------------------------------------------------


def told(function, rng):
    return checks.bootstrap.examine(function, rng)


def test_the_moments_that_the_judge_expects_are_those_of_all_resamplings(rng):
    """Of N = 4 rows there are 4⁴ samples: their distinct rows, counted, for the judge to accept, just."""
    N, E = 4, 500
    samples = np.stack(np.meshgrid(*[np.arange(N)] * N), axis=-1).reshape(-1, N)
    distinct = np.array([len(set(sample)) for sample in samples]) / N
    margin = judges.FAR_OUT * distinct.std() / np.sqrt(E)
    case = np.zeros((N, 1)), np.zeros((N, 1)), E, rng
    judged = lambda mean: judges.drawn_from_all(case, {"inputs": np.array([mean, *np.zeros(6)])})
    for side in (-1, 1):
        assert judged(distinct.mean() + 0.999 * side * margin) is None
        assert "distinct rows" in judged(distinct.mean() + 1.001 * side * margin)


def test_a_right_bootstrap_is_hardly_ever_called_wrong():
    """As stated: below 6e-5. Each of three hundred passes, though each has its 24 counts."""
    ((X, Y, members, _),) = instances.resamplings(np.random.default_rng(0))
    assert len(X) * 2 * UNLIKELY + 2 * 2 * norm.sf(judges.FAR_OUT) < 6e-5
    for seed in range(300):
        rows = references.with_replacement(len(X), members, np.random.default_rng(seed))
        tally = np.stack([np.bincount(drawn, minlength=len(X)) for drawn in rows])
        found = {"inputs": [*judges._told_by(tally), False, False]}
        case = X, Y, members, None
        assert judges.drawn_from_all(case, found) is None
        assert judges.drawn_apart(case, found) is None


@pytest.mark.parametrize("style", ["choice", "random", "sorted"])
def test_a_mistake_is_named_whatever_its_order_of_draws(rng, style):
    draws = {
        "choice": lambda n, rng: rng.choice(n, size=n, replace=False),
        "random": lambda n, rng: np.argsort(rng.random(n)),
        "sorted": lambda n, rng: np.sort(rng.permutation(n)),
    }

    def without_replacement(X, Y, members, rng):
        rng.normal(size=3)
        rows = np.array([draws[style](len(X), rng) for _ in range(members)])
        return X[rows], Y[rows], np.full(rows.shape, style == "sorted")

    report = told(without_replacement, rng)
    if style == "sorted":  # all the data, in their order: nothing was drawn
        assert report.lost == (checks.REPLACED, checks.APART, checks.UNSEEN)
        assert "another rng brings the same" in str(report)
    else:
        assert report.lost == (checks.REPLACED,)
        assert "Looks like: the rows are drawn without replacement" in str(report)


def test_separate_draws_are_named_whatever_their_order(rng):
    def separately(X, Y, members, rng):
        targets = Y[rng.choice(len(X), size=(members, len(X)))]
        rows = rng.choice(len(X), size=(members, len(X)))
        return X[rows], targets, references.never_drawn(rows)

    report = told(separately, rng)
    assert report.lost == (checks.PAIRS,)
    assert "Looks like: inputs and targets are drawn separately" in str(report)


def test_one_draw_for_all_is_named_whatever_its_order(rng):
    def once(X, Y, members, rng):
        rows = rng.choice(len(X), size=len(X))
        rows = np.array([rng.permutation(rows) for _ in range(members)])
        return X[rows], Y[rows], references.never_drawn(rows)

    report = told(once, rng)
    assert report.lost == (checks.REPLACED, checks.APART)
    assert "Looks like: one draw serves all members" in str(report)


def test_draws_that_are_not_from_rng_are_told_so(rng):
    elsewhere = lambda X, Y, members, rng: references.bootstrap(X, Y, members, np.random.default_rng())
    seeded = lambda X, Y, members, rng: references.bootstrap(X, Y, members, np.random.default_rng(7))
    for function, name in ((elsewhere, NOT_FROM_RNG), (seeded, judges.ALWAYS_THE_SAME)):
        report = told(function, rng)
        assert report.lost == (checks.REPLACED, checks.APART)
        assert name in str(report)


def test_rows_that_are_none_of_the_data_are_told_so(rng):
    def jittered(X, Y, members, rng):
        inputs, targets, unseen = references.bootstrap(X, Y, members, rng)
        return inputs + 0.01 * rng.normal(size=inputs.shape), targets, unseen

    report = told(jittered, rng)
    assert report.points == 0
    assert "[0, 0] is none of the rows of X" in str(report)


# Mixtures -------------------------------------------------------------------------------------------


def test_the_decomposition_is_that_of_draws_from_the_mixture(rng):
    """A member for each draw, then a number of its Gaussian: no law of total variance."""
    for means, variances, coverage in instances.ensembles(rng):
        mean, aleatoric, epistemic, low, high = references.decompose(means, variances, coverage)
        draws = 200_000
        e = rng.integers(len(means), size=draws)
        x = means[e, 0, 0] + np.sqrt(variances[e, 0, 0]) * rng.normal(size=draws)
        error = 5 * x.std() / np.sqrt(draws)
        np.testing.assert_allclose(x.mean(), mean[0, 0], atol=error)
        np.testing.assert_allclose(x.var(), (aleatoric + epistemic)[0, 0], rtol=0.03)
        inside = np.mean((x > low[0, 0]) & (x < high[0, 0]))
        np.testing.assert_allclose(inside, coverage, atol=0.006)
        np.testing.assert_allclose(np.mean(x < low[0, 0]), (1 - coverage) / 2, atol=0.006)


def test_members_that_agree_leave_noise_alone_and_certain_members_ignorance_alone(rng):
    means, variances, coverage = instances.ensembles(rng)[0]
    _, aleatoric, epistemic, *ends = references.decompose(
        means[:1].repeat(5, 0), variances[:1].repeat(5, 0), coverage
    )
    np.testing.assert_allclose(aleatoric, variances[0])
    np.testing.assert_allclose(epistemic, 0.0, atol=1e-12)
    np.testing.assert_allclose(ends, norm.interval(coverage, means[0], np.sqrt(variances[0])), atol=1e-9)
    _, aleatoric, epistemic, *_ = references.decompose(means, 0 * variances + 1e-12, coverage)
    np.testing.assert_allclose(aleatoric, 1e-12)
    np.testing.assert_allclose(epistemic[0, 0], np.cov(means[:, 0, 0], bias=True))


def test_the_quantiles_are_those_of_the_mixtures_distribution_function(rng):
    for means, variances, coverage in instances.ensembles(rng):
        *_, low, high = references.decompose(means, variances, coverage)
        below = lambda x, m=means, v=variances: norm.cdf(x, m, np.sqrt(v)).mean(axis=0)
        np.testing.assert_allclose(below(low), (1 - coverage) / 2, rtol=1e-9)
        np.testing.assert_allclose(1 - below(high), (1 - coverage) / 2, rtol=1e-9)


def test_one_gaussian_is_no_stand_in_for_two_modes():
    """Two certain members, ten apart: the 80 % interval is narrower than mean ± z σ, and ends at the modes."""
    means, variances = np.array([-5.0, 5.0]).reshape(2, 1, 1), np.full((2, 1, 1), 0.01)
    mean, aleatoric, epistemic, low, high = references.decompose(means, variances, 0.8)
    assert mean[0, 0] == pytest.approx(0.0)
    assert epistemic[0, 0] == pytest.approx(25.0)
    np.testing.assert_allclose((low[0, 0], high[0, 0]), (-5.0, 5.0), atol=0.3)
    assert norm.ppf(0.9) * np.sqrt(aleatoric + epistemic)[0, 0] > 6


# Likelihood -----------------------------------------------------------------------------------------


def test_the_loss_is_the_negative_log_density(rng):
    for mean, raw, targets, low, high in instances.usual_outputs(rng):
        log_variance, loss, _, _ = references.gaussian_nll(mean, raw, targets, low, high)
        densities = norm.logpdf(targets, mean, np.exp(log_variance / 2))
        np.testing.assert_allclose(loss, -densities.sum(axis=1).mean())


def test_the_gradients_are_those_of_finite_differences(rng):
    for mean, raw, targets, low, high in instances.usual_outputs(rng):
        loss = lambda mean, raw, y=targets, b=(low, high): references.gaussian_nll(mean, raw, y, *b)[1]
        _, _, d_mean, d_raw = references.gaussian_nll(mean, raw, targets, low, high)
        shape = mean.shape
        over_mean = approx_fprime(mean.ravel(), lambda x, f=loss, r=raw, s=shape: f(x.reshape(s), r), 1e-7)
        over_raw = approx_fprime(raw.ravel(), lambda x, f=loss, m=mean, s=shape: f(m, x.reshape(s)), 1e-7)
        np.testing.assert_allclose(d_mean.ravel(), over_mean, atol=1e-6)
        np.testing.assert_allclose(d_raw.ravel(), over_raw, atol=1e-6)


def test_the_bounds_hold_softly_and_leave_the_middle_alone():
    raw = np.linspace(-3000, 3000, 6001)[:, None]
    bounded, slope = references.upper_then_lower(raw, np.array([-50.0]), np.array([40.0]))
    assert np.all(np.diff(bounded, axis=0) >= 0)
    assert bounded.min() >= -50.0
    assert bounded.max() <= 40.0 + 1e-9
    middle = np.abs(raw + 5) < 20
    np.testing.assert_allclose(bounded[middle], raw[middle], atol=1e-8)
    np.testing.assert_allclose(slope[middle], 1.0, atol=1e-8)


def test_the_lower_bound_always_holds_and_the_upper_one_but_for_a_known_excess(rng):
    """As the task says: at most log(1 + e^(low - high)) beyond it."""
    low, high = np.array([-1.0]), np.array([0.5])
    bounded, _ = references.upper_then_lower(rng.uniform(-1e4, 1e4, size=(500, 1)), low, high)
    assert bounded.min() >= low[0]
    assert high[0] < bounded.max() <= high[0] + np.log1p(np.exp(low - high))[0] + 1e-12


def test_extreme_outputs_overflow_where_they_are_handled_carelessly(rng):
    ((_, raw, _, _, high),) = instances.extreme_outputs(rng)
    with np.errstate(all="ignore"):
        assert not np.isfinite(np.exp(high - raw)).all()
    assert all(np.isfinite(x).all() for x in references.gaussian_nll(*instances.extreme_outputs(rng)[0]))
