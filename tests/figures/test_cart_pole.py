"""The drawing stands where the state says."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from mbrl_teach.figures.cart_pole import move_cart_pole, plot_cart_pole
from mbrl_teach.figures.style import subplots
from mbrl_teach.problems.cart_pole import CartPole


@pytest.fixture
def world():
    return CartPole()


@pytest.fixture
def drawing(world):
    return plot_cart_pole(subplots()[1], world, world.initial_state)


def tip(drawing):
    return np.ravel(drawing[3].get_data())


@pytest.mark.parametrize(
    ("angle", "place"),
    [(0.0, (2.0, -0.5)), (np.pi / 2, (2.5, 0.0)), (np.pi, (2.0, 0.5)), (-np.pi / 2, (1.5, 0.0))],
)
def test_zero_hangs_and_pi_stands(drawing, world, angle, place):
    move_cart_pole(drawing, world, np.array([[2.0, angle, 0.0, 0.0]]))
    assert_allclose(tip(drawing), place, atol=1e-12)


def test_the_pole_reaches_from_the_cart_to_the_tip(drawing, world):
    move_cart_pole(drawing, world, np.array([[0.3, 1.0, 0.0, 0.0]]))
    _, cart, pole, _ = drawing
    hinge, end = np.transpose(pole.get_data())
    assert_allclose(hinge, cart.get_center())
    assert_allclose(end, tip(drawing))
    assert_allclose(np.linalg.norm(end - hinge), world.length)


def test_the_tip_moves_as_the_physics_says(drawing, world):
    """A free pole and its cart keep their common centre of mass across: no force, no drift."""
    states, _ = CartPole(integrator="rk4", initial_state=(0.0, 1.0, 0.0, 0.0)).rollout(np.zeros((50, 1)))
    move_cart_pole(drawing, world, states)
    across = drawing[0].get_xdata()
    centre = world.cart_mass * states[:, 0] + world.pole_mass * across
    assert_allclose(centre, centre[0], atol=1e-6)


def test_behind_the_pole_stands_the_path_of_its_tip(drawing, world):
    states = np.array([[0.0, 0.0, 0.0, 0.0], [0.1, 0.5, 0.0, 0.0], [0.2, 1.0, 0.0, 0.0]])
    move_cart_pole(drawing, world, states)
    path = np.transpose(drawing[0].get_data())
    assert path.shape == (3, 2)
    assert_allclose(path[-1], tip(drawing))


def test_states_must_be_a_trajectory(drawing, world):
    with pytest.raises(ValueError, match="states must have shape"):
        move_cart_pole(drawing, world, world.initial_state)
