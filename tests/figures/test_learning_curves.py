"""The band of a learning curve is two standard errors of the mean, and moves with it."""

import re

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import sem

from mbrl_teach.figures.learning_curves import move_mean_and_error, plot_mean_and_error
from mbrl_teach.figures.style import subplots
from tests.figures.test_trajectories import edges

X = np.arange(1, 6)


@pytest.fixture
def axes():
    return subplots()[1]


@pytest.fixture
def runs():
    return np.random.default_rng(0).gamma(2.0, size=(30, 5))


def test_the_band_is_two_standard_errors_about_the_mean(axes, runs):
    band, line = plot_mean_and_error(axes, X, runs, label="Dyna-Q")
    mean, error = runs.mean(axis=0), sem(runs)
    assert_array_equal(line.get_xdata(), X)
    assert_allclose(line.get_ydata(), mean)
    assert_allclose(edges(band), [mean - 2 * error, mean + 2 * error])
    assert line.get_label() == "Dyna-Q"


def test_the_band_holds_the_expectation_in_about_95_of_100_figures(axes):
    samples = np.random.default_rng(1).normal(3.0, 1.0, size=(30, 2000))
    band, _ = plot_mean_and_error(axes, np.arange(2000), samples)
    low, high = edges(band)
    assert np.mean((low < 3.0) & (high > 3.0)) == pytest.approx(0.95, abs=0.02)


def test_other_runs_move_line_and_band_even_if_they_are_more_of_them(axes, runs):
    artists = band, line = plot_mean_and_error(axes, X, runs[:5])
    move_mean_and_error(artists, runs + 10)
    assert_allclose(line.get_ydata(), runs.mean(axis=0) + 10)
    low, high = edges(band)
    assert_allclose(high - low, 4 * sem(runs))


def test_curves_differ_in_colour_and_in_style(axes, runs):
    one, other = (plot_mean_and_error(axes, X, runs + shift)[1] for shift in (0, 1))
    assert one.get_color() != other.get_color()
    assert one.get_linestyle() != other.get_linestyle()


@pytest.mark.parametrize("style", [{}, {"color": "0.3"}], ids=str)
def test_a_band_has_the_colour_of_its_line(axes, runs, style):
    band, line = plot_mean_and_error(axes, X, runs, **style)
    assert_allclose(band.get_facecolor()[0, :3], to_rgb(line.get_color()))


def test_a_caller_styles_the_line_by_any_of_matplotlibs_names(axes, runs):
    _, line = plot_mean_and_error(axes, X, runs, ls=":", lw=3)
    assert (line.get_linestyle(), line.get_linewidth()) == (":", 3)


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        (np.zeros((3, 4)), "runs must have shape (R, K) = (R, 5); got (3, 4)"),
        (np.zeros((1, 5)), "runs must have R >= 2, for one run has no standard error; got R = 1"),
        (np.full((3, 5), np.nan), "runs must be finite; got NaN"),
    ],
)
def test_runs_that_have_no_mean_and_error_over_x_are_refused(axes, runs, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        plot_mean_and_error(axes, X, runs)
