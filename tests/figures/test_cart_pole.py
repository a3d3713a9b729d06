"""The drawing of the cart-pole stands where the state says."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from mbrl_teach.figures.cart_pole import move_cart_pole, plot_cart_pole
from mbrl_teach.figures.style import subplots


@pytest.fixture
def axes():
    return subplots()[1]


def test_the_pole_hangs_at_zero_points_right_at_a_quarter_turn_and_stands_at_pi(axes):
    angles = [0.0, np.pi / 2, np.pi]
    path, *_ = plot_cart_pole(axes, [[1.0, angle, 0.0, 0.0] for angle in angles], length=0.5)
    assert path.get_xydata() == pytest.approx(np.array([[1.0, -0.5], [1.5, 0.0], [1.0, 0.5]]))


def test_cart_and_pole_stand_in_the_last_state(axes):
    artists = plot_cart_pole(axes, np.zeros((1, 4)), length=0.5)
    move_cart_pole(artists, [[0.0, 0.0, 0.0, 0.0], [0.3, np.pi, 0.0, 0.0]], length=0.5)
    path, _, cart, pole = artists
    assert len(path.get_xydata()) == 2
    assert pole.get_xydata() == pytest.approx(np.array([[0.3, 0.0], [0.3, 0.5]]))
    assert cart.get_xy()[:4].mean(axis=0) == pytest.approx([0.3, 0.0])


@pytest.mark.parametrize("force", [-4.0, 4.0])
def test_the_force_points_away_from_the_cart_the_way_it_pushes(axes, force):
    _, bar, *_ = plot_cart_pole(axes, np.zeros((1, 4)), force, length=0.5)
    (near, far), heights = bar.get_data()
    assert np.sign(near) == np.sign(force)
    assert far - near == pytest.approx(0.03 * force)
    assert_array_equal(heights, [0.0, 0.0])


def test_scales_are_equal_so_that_the_pole_keeps_its_length(axes):
    plot_cart_pole(axes, np.zeros((1, 4)), length=0.5)
    assert axes.get_aspect() == 1.0


def test_states_of_another_world_are_refused(axes):
    with pytest.raises(ValueError, match="states must have shape"):
        plot_cart_pole(axes, np.zeros((3, 2)), length=0.5)
