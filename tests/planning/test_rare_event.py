"""Rare events: sums of normals, whose probability and whose estimate's variance are known exactly."""

import numpy as np
import pytest
from scipy.stats import norm

from mbrl_teach.planning.rare_event import rare_event_probability

D = 10


def total(x):
    return x.sum(axis=1)


def exact(level):
    return norm.sf(level / np.sqrt(D))


def exact_variance(level, theta):
    """Of 1{sum >= level} W for one sample of N(θ, I): E_q[1 W²] - p², and E_q[1 W²] = E_p[1 W] is

    exp(θ'θ) P(sum >= level) under N(-θ, I).
    """
    second_moment = np.exp(theta @ theta) * norm.sf((level + theta.sum()) / np.sqrt(D))
    return second_moment - exact(level) ** 2


def estimate(level, seed=0, V=total, mean=(0.0,) * D, std=(1.0,) * D, **keywords):
    rng = np.random.default_rng(seed)
    return rare_event_probability(V, mean, std, level, rng=rng, **keywords)


@pytest.mark.parametrize(("level", "seed"), [(9.0, 0), (15.0, 0), (15.0, 1), (15.0, 2)])
def test_the_estimate_is_within_four_exact_standard_errors(level, seed):
    """False alarm about 1e-4 each; p is 2e-3 and 1e-6."""
    found = estimate(level, seed)
    error = np.sqrt(exact_variance(level, found.means[-1]) / 1000)
    assert found.converged
    assert abs(found.probability - exact(level)) < 4 * error
    assert found.standard_error == pytest.approx(error, rel=0.3)


def test_monte_carlo_needs_a_hundred_times_the_samples_for_this_variance():
    level = 15.0
    found = estimate(level)
    variance = exact_variance(level, found.means[-1]) / 1000
    monte_carlo = exact(level) * (1 - exact(level)) / variance
    assert found.samples <= monte_carlo / 100


def test_the_mean_is_tilted_to_the_likeliest_point_of_the_event():
    """Given that the sum is at least d, every coordinate is a little above d/D."""
    tilted = estimate(15.0, population=20_000).means[-1]
    assert tilted == pytest.approx(np.full(D, 15.0 / D), abs=0.2)


def test_mean_and_deviation_of_x_scale_out():
    mean, std = np.linspace(-1, 1, D), np.linspace(0.5, 2.0, D)
    plain = estimate(15.0)
    scaled = estimate(15.0, V=lambda x: total((x - mean) / std), mean=mean, std=std)
    assert scaled.probability == pytest.approx(plain.probability, rel=1e-9)
    assert scaled.means == pytest.approx(mean + std * plain.means)


def test_levels_rise_to_the_level_and_all_samples_are_counted():
    found = estimate(15.0, population=500, final_population=2000)
    assert found.levels[-1] == 15.0
    assert np.all(np.diff(found.levels) > 0)
    assert found.samples == 500 * len(found.levels) + 2000
    assert len(found.means) == len(found.levels) + 1
    assert np.array_equal(found.means[0], np.zeros(D))


def test_an_event_that_is_common_needs_one_round():
    found = estimate(-20.0)
    assert len(found.levels) == 1
    assert found.probability == pytest.approx(1.0, abs=0.01)


def test_an_event_too_rare_for_a_double_is_found_and_has_probability_zero():
    """Beyond 38 deviations each weight alone would be zero, and the tilt 0/0."""
    level = 45.0 * np.sqrt(D)
    found = estimate(level)
    assert found.converged
    assert found.means[-1].sum() == pytest.approx(level, rel=0.01)
    assert found.probability == exact(level) == 0.0


def test_a_seed_is_no_source_of_chance():
    with pytest.raises(ValueError, match="rng must be"):
        rare_event_probability(total, [0.0], [1.0], 2.0, rng=0)


def test_it_says_when_the_level_was_not_reached():
    found = estimate(15.0, iterations=1)
    assert not found.converged
    assert "below 15" in found.message


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"rho": 1.0}, "rho must be in"),
        ({"level": np.nan}, "level"),
        ({"population": 0}, "population must be a whole number"),
        ({"final_population": 0}, "final_population must be a whole number"),
        ({"std": np.zeros(D)}, "std must be positive"),
        ({"std": np.ones(3)}, "std must have shape"),
        ({"V": lambda x: x}, "V must return values of shape"),
        ({"V": lambda x: np.nan * total(x)}, "V must not be NaN"),
    ],
)
def test_bad_arguments_are_named(keywords, message):
    with pytest.raises(ValueError, match=message):
        estimate(**({"level": 9.0} | keywords))
