"""A phase portrait shows where the world goes, and leaves the axes as they were."""

import numpy as np
import pytest

from mbrl_teach.figures.phase_portrait import plot_phase_portrait
from mbrl_teach.figures.style import subplots
from mbrl_teach.problems.cart_pole import CartPole
from mbrl_teach.problems.pendulum import Pendulum


@pytest.fixture
def axes():
    axes = subplots()[1]
    axes.set(xlim=(-1.0, 4.0), ylim=(-6.0, 6.0))
    return axes


def along_the_flow(flow, world, action):
    """The cosine between each drawn segment and the world's own step at its middle; NaN for a point."""
    curves = flow.lines.get_segments()
    drawn = np.concatenate([np.diff(curve, axis=0) for curve in curves])
    middle = np.concatenate([0.5 * (curve[1:] + curve[:-1]) for curve in curves])
    step = world.dynamics(middle, np.broadcast_to(action, (len(middle), 1))) - middle
    lengths = np.linalg.norm(drawn, axis=1) * np.linalg.norm(step, axis=1)
    return (drawn * step).sum(axis=1) / np.where(lengths > 0, lengths, np.nan)


@pytest.mark.parametrize("action", [0.0, 4.0])
def test_every_line_goes_where_the_world_goes(axes, action):
    pendulum = Pendulum()
    flow = plot_phase_portrait(axes, pendulum, np.array([action]))
    assert np.nanmin(along_the_flow(flow, pendulum, np.array([action]))) > 0.95


def test_the_limits_stay(axes):
    plot_phase_portrait(axes, Pendulum())
    assert axes.get_xlim() == (-1.0, 4.0)
    assert axes.get_ylim() == (-6.0, 6.0)


def test_a_world_of_four_states_has_no_phase_plane(axes):
    with pytest.raises(ValueError, match="world must have 2 states; CartPole has 4"):
        plot_phase_portrait(axes, CartPole())


def test_an_action_of_a_wrong_shape_is_refused(axes):
    with pytest.raises(ValueError, match="action must have shape"):
        plot_phase_portrait(axes, Pendulum(), np.zeros(2))
