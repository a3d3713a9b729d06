"""The phase plane shows levels of energy, and a path that is never wrapped."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from mbrl_teach.figures.phase_portrait import move_phase_path, plot_energy_levels, plot_phase_path
from mbrl_teach.figures.style import subplots
from mbrl_teach.problems.pendulum import Pendulum


@pytest.fixture
def axes():
    axes = subplots()[1]
    axes.set(xlim=(-np.pi, 2 * np.pi), ylim=(-10.0, 10.0))
    return axes


def test_every_level_is_one_of_equal_energy_and_the_dashed_one_passes_through_the_top(axes):
    world = Pendulum()
    free, separatrix = plot_energy_levels(axes, world, levels=5)
    for contours in (free, separatrix):
        for level, path in zip(contours.levels, contours.get_paths(), strict=True):
            assert world.energy(path.vertices) == pytest.approx(np.full(len(path.vertices), level), abs=0.02)
    assert separatrix.levels == pytest.approx(world.energy(np.zeros(2)))
    assert len(free.levels) == 5


def test_the_limits_stay_as_they_are(axes):
    plot_energy_levels(axes, Pendulum())
    assert axes.get_xlim() == (-np.pi, 2 * np.pi)
    assert axes.get_ylim() == (-10.0, 10.0)


def test_a_path_shows_its_states_its_start_and_its_end(axes):
    states = np.array([[np.pi, 0.0], [4.0, 2.0], [7.5, -1.0]])
    lines = path, start, end = plot_phase_path(axes, states)
    assert_array_equal(path.get_xydata(), states)
    assert_array_equal(start.get_xydata(), states[:1])
    assert_array_equal(end.get_xydata(), states[2:])
    move_phase_path(lines, states[:2] + 1.0)
    assert_array_equal(path.get_xydata(), states[:2] + 1.0)
    assert_array_equal(end.get_xydata(), states[1:2] + 1.0)


def test_angles_are_marked_in_multiples_of_pi(axes):
    plot_phase_path(axes, np.zeros((2, 2)))
    label = axes.xaxis.get_major_formatter()
    marks = [label(k * np.pi / 2) for k in (-3, -2, -1, 0, 1, 2, 3, 4)]
    assert marks == ["-3π/2", "-π", "-π/2", "0", "π/2", "π", "3π/2", "2π"]


def test_a_path_through_more_than_a_plane_is_refused(axes):
    with pytest.raises(ValueError, match=r"states must have shape"):
        plot_phase_path(axes, np.zeros((5, 4)))
