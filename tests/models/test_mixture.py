"""The mixture's moments and quantiles, against scipy and against draws."""

import numpy as np
import pytest
from scipy import optimize, stats

from mbrl_teach.models.mixture import mixture_moments, mixture_quantiles

MEANS, VARIANCES = np.array([-1.0, 0.2, 3.0]), np.array([0.04, 1.0, 0.25])


def test_the_variance_is_that_of_the_mixture_by_quadrature():
    y = np.linspace(-12.0, 12.0, 40001)
    density = stats.norm(MEANS[:, None], np.sqrt(VARIANCES)[:, None]).pdf(y).mean(axis=0)
    moment = lambda k: np.trapezoid(y**k * density, y)
    prediction = mixture_moments(MEANS, VARIANCES)
    assert prediction.mean == pytest.approx(moment(1), abs=1e-8)
    assert prediction.variance == pytest.approx(moment(2) - moment(1) ** 2, rel=1e-8)
    assert prediction.aleatoric == pytest.approx(VARIANCES.mean())


def test_quantiles_are_where_the_distribution_function_says():
    q = np.array([1e-3, 0.05, 0.5, 0.95, 0.999])
    F = lambda y: stats.norm(MEANS, np.sqrt(VARIANCES)).cdf(y).mean()
    expected = [optimize.brentq(lambda y, p=p: F(y) - p, -20, 20, xtol=1e-13) for p in q]
    np.testing.assert_allclose(mixture_quantiles(MEANS, VARIANCES, q), expected, atol=1e-9)


def test_one_member_has_the_normal_s_quantiles():
    q = np.array([0.05, 0.25, 0.95])
    shape = (1, 4, 2)
    found = mixture_quantiles(np.full(shape, 2.0), np.full(shape, 9.0), q)
    assert found.shape == (3, 4, 2)
    np.testing.assert_allclose(found[:, 1, 1], stats.norm(2.0, 3.0).ppf(q), atol=1e-9)


def test_of_two_members_far_apart_the_interval_is_not_that_of_a_normal():
    """At ±5 with deviation 0.1 the mixture's 90 % ends near ±5.13; the normal of its moments, at ±8.2."""
    low, high = mixture_quantiles(np.array([-5.0, 5.0]), np.array([0.01, 0.01]), [0.05, 0.95])
    assert high == pytest.approx(5.0 + 0.1 * stats.norm.ppf(0.9), abs=1e-6)
    assert low == pytest.approx(-high, abs=1e-9)
    assert 1.645 * np.sqrt(mixture_moments(np.array([-5.0, 5.0]), np.array([0.01, 0.01])).variance) > 8.0


@pytest.mark.parametrize("q", [[0.0], [1.0], [-0.1, 0.5]])
def test_probabilities_out_of_range_are_refused(q):
    with pytest.raises(ValueError, match=r"probabilities must be in \(0, 1\)"):
        mixture_quantiles(MEANS, VARIANCES, q)
