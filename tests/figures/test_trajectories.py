"""The plots show the numbers that they are given, and a move shows other numbers in the same artists."""

import itertools
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mbrl_teach.figures.style import PAGE, subplots
from mbrl_teach.figures.trajectories import (
    move_estimate,
    move_gains,
    move_spread,
    move_trajectory,
    move_value_function,
    plot_estimate,
    plot_gains,
    plot_spread,
    plot_trajectory,
    plot_value_function,
)
from tests.figures.test_style import contrast


@pytest.fixture
def axes():
    return subplots()[1]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def heights(lines):
    return np.array([line.get_ydata() for line in lines])


def edges(band):
    """Lower and upper edge of a filled band, over the points that it was drawn through."""
    (path,) = band.get_paths()
    points = path.vertices
    count = (len(points) - 3) // 2
    return points[1 : count + 1, 1], points[count + 2 : 2 * count + 2, 1][::-1]


def test_states_run_from_1_to_T_plus_1_and_an_action_is_held_until_the_next(axes, rng):
    states, actions = rng.normal(size=(6, 2)), rng.normal(size=(5, 1))
    position, velocity, force = plot_trajectory(axes, states, actions, labels=["x", "v", "u"])
    assert_array_equal(heights([position, velocity]), states.T)
    assert_array_equal(position.get_xdata(), [1, 2, 3, 4, 5, 6])
    assert force.get_drawstyle() == "steps-post"
    assert_array_equal(force.get_ydata(), [*actions[:, 0], actions[-1, 0]])
    assert [line.get_label() for line in (position, velocity, force)] == ["x", "v", "u"]
    assert axes.get_xlabel() == "step t"


def test_with_a_step_length_time_is_in_seconds_from_zero(axes):
    (line,) = plot_trajectory(axes, np.zeros((3, 1)), dt=0.5)
    assert_array_equal(line.get_xdata(), [0.0, 0.5, 1.0])
    assert axes.get_xlabel() == "time [s]"


def test_each_component_can_have_axes_of_its_own(rng):
    _, axes = subplots(3, 1)
    lines = plot_trajectory(axes, rng.normal(size=(6, 2)), rng.normal(size=(5, 1)))
    assert [line.axes for line in lines] == list(axes)


def test_moving_a_trajectory_shows_the_other_one(axes, rng):
    lines = plot_trajectory(axes, rng.normal(size=(6, 2)), rng.normal(size=(5, 1)))
    states, actions = rng.normal(size=(6, 2)), rng.normal(size=(5, 1))
    move_trajectory(lines, states, actions)
    assert_array_equal(heights(lines[:2]), states.T)
    assert_array_equal(lines[2].get_ydata()[:-1], actions[:, 0])


def test_a_caller_styles_lines_by_any_of_matplotlibs_names(axes):
    (line,) = plot_estimate(axes, [0.0, 1.0], [1.0, 1.0], ls=":", lw=3)[1:]
    assert (line.get_linestyle(), line.get_linewidth()) == (":", 3)


def test_gains_are_drawn_entry_by_entry_and_moved(axes, rng):
    K = rng.normal(size=(7, 2, 3))
    lines = plot_gains(axes, K)
    assert_array_equal(lines[0].get_xdata(), np.arange(1, 8))
    for line, (row, column) in zip(lines, itertools.product(range(2), range(3)), strict=True):
        assert_array_equal(line.get_ydata(), K[:, row, column])
        assert line.get_label() == f"$K_t[{row + 1},{column + 1}]$"
    scrubbed = np.where(np.arange(7)[:, None, None] < 4, np.nan, K)
    move_gains(lines, scrubbed)
    assert_array_equal(lines[5].get_ydata(), scrubbed[:, 1, 2])


@pytest.mark.parametrize("V", [[[2.0, 1.0], [1.0, 1.5]], [[1.0, 0.0], [0.0, 0.0]], [[1.0, 0.0], [0.0, -1.0]]])
def test_level_lines_lie_where_the_value_function_has_their_level(axes, V):
    axes.set(xlim=(-2, 2), ylim=(-3, 3))
    v, constant, levels = np.array([0.3, -0.2]), 0.1, [0.2, 0.5, 1.0]
    for line, level in zip(plot_value_function(axes, levels, V, v, constant), levels, strict=True):
        s = line.get_xydata()
        s = s[np.isfinite(s).all(axis=1)]
        assert len(s) > 10
        value = 0.5 * np.einsum("ki,ij,kj->k", s, V, s) + s @ v + constant
        assert_allclose(value, level, atol=0.01)


def test_level_lines_move_with_the_value_function_and_keep_the_axes_limits(axes):
    axes.set(xlim=(-2, 2), ylim=(-2, 2))
    lines = plot_value_function(axes, [0.5], np.eye(2))
    assert_allclose(np.nanmax(np.hypot(*lines[0].get_data())), 1.0, atol=1e-3)
    move_value_function(lines, [0.5], 4 * np.eye(2))
    assert_allclose(np.nanmax(np.hypot(*lines[0].get_data())), 0.5, atol=1e-3)
    assert axes.get_xlim() == axes.get_ylim() == (-2, 2)


def test_a_level_outside_the_axes_draws_nothing(axes):
    axes.set(xlim=(-1, 1), ylim=(-1, 1))
    (line,) = plot_value_function(axes, [100.0], np.eye(2))
    assert np.isnan(line.get_xydata()).all()


def test_every_level_line_stands_out_from_the_page(axes):
    for line in plot_value_function(axes, np.arange(1.0, 9.0), np.eye(2)):
        assert contrast(line.get_color(), PAGE) >= 3.0


def test_a_spread_shows_the_mean_and_the_middle_nine_tenths(axes, rng):
    samples = rng.permuted(np.arange(101.0)[:, None] * np.ones(4), axis=0)
    band, mean, *few = plot_spread(axes, samples, shown=3)
    assert_allclose(mean.get_ydata(), 50.0)
    assert_allclose(edges(band), [np.full(4, 5.0), np.full(4, 95.0)])
    assert_array_equal(heights(few), samples[:3])


def test_moving_a_spread_moves_band_mean_and_samples(axes, rng):
    samples = rng.normal(size=(50, 4))
    artists = plot_spread(axes, samples, shown=3)
    before = edges(artists[0])
    move_spread(artists, samples + 10)
    assert_allclose(edges(artists[0]), np.add(before, 10))
    assert_allclose(artists[1].get_ydata(), samples.mean(axis=0) + 10)
    assert_allclose(heights(artists[2:]), samples[:3] + 10)


def test_an_estimate_shows_mean_two_deviations_and_truth_and_moves(axes):
    artists = plot_estimate(axes, [1.0, 2.0, 3.0], [1.0, 0.25, 0.0], [0.0, 2.0, 3.0])
    band, mean, truth = artists
    assert_allclose(edges(band), [[-1.0, 1.0, 3.0], [3.0, 3.0, 3.0]])
    assert_array_equal(truth.get_ydata(), [0.0, 2.0, 3.0])
    move_estimate(artists, [0.0, 0.0, 0.0], [4.0, 4.0, 4.0], [1.0, 1.0, 1.0])
    assert_allclose(edges(band), [[-4.0] * 3, [4.0] * 3])
    assert_array_equal(heights([mean, truth]), [[0.0] * 3, [1.0] * 3])


@pytest.mark.parametrize(
    ("plot", "arrays", "words"),
    [
        (plot_trajectory, [np.zeros((3, 2)), np.zeros((3, 1))], "actions must have shape (T, m)"),
        (plot_gains, [np.zeros((3, 2))], "K must have shape (T, m, n)"),
        (plot_value_function, [[1.0], np.eye(3)], "V must have shape (n, n) = (2, 2); got (3, 3)"),
        (plot_value_function, [[1.0], np.eye(2), [1.0]], "v must have shape (n,) = (2,); got (1,)"),
        (plot_spread, [np.zeros(3)], "samples must have shape (R, T)"),
        (plot_estimate, [[0.0], [-1.0]], "variances must not be negative; got -1"),
        (plot_estimate, [[0.0], [1.0], [0.0, 1.0]], "truth must have shape (T,) = (1,); got (2,)"),
    ],
)
def test_arrays_that_do_not_fit_are_refused_by_name(axes, plot, arrays, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        plot(axes, *arrays)


def test_each_line_needs_a_label_of_its_own(axes):
    with pytest.raises(ValueError, match="labels must have one for each of 2 lines; got 1"):
        plot_trajectory(axes, np.zeros((3, 2)), labels=["x"])


def test_a_move_keeps_the_number_of_lines_and_points(axes):
    lines = plot_gains(axes, np.zeros((3, 1, 2)))
    with pytest.raises(ValueError, match=re.escape("(2, 3) lines and points are drawn; got (2, 4)")):
        move_gains(lines, np.zeros((4, 1, 2)))


def test_what_there_is_nothing_of_cannot_be_drawn():
    _, axes = subplots()
    with pytest.raises(ValueError, match="levels must have L >= 1"):
        plot_value_function(axes, [], np.eye(2))
    with pytest.raises(ValueError, match="samples must have R >= 1"):
        plot_spread(axes, np.zeros((0, 5)))


def test_a_truth_that_was_not_drawn_cannot_be_moved():
    _, axes = subplots()
    artists = plot_estimate(axes, np.zeros(5), np.ones(5))
    with pytest.raises(ValueError, match="truth must be given to plot_estimate"):
        move_estimate(artists, np.zeros(5), np.ones(5), truth=np.zeros(5))
