"""Angles are angles: near each other across ±π, and smooth."""

import numpy as np
import pytest

from mbrl_teach.models.encoding import Angles, Encoding
from mbrl_teach.models.linear import Linear
from mbrl_teach.problems.finite_differences import jacobian
from mbrl_teach.problems.gymnasium_worlds import GymnasiumPendulum

S = np.random.default_rng(0).uniform(-4, 4, (5, 7, 3))


@pytest.mark.parametrize("encoding", [Encoding(), Angles(0), Angles(2, 0), Angles(1)])
def test_the_jacobian_is_that_of_the_features(encoding):
    np.testing.assert_allclose(encoding.jacobian(S), jacobian(encoding.features, S), atol=1e-9)


def test_an_angle_becomes_cosine_and_sine_in_the_order_of_the_state():
    s = np.array([0.3, -2.0])
    np.testing.assert_array_equal(Angles(0).features(s), GymnasiumPendulum.observation(s))
    np.testing.assert_array_equal(Angles(1).features(s), [0.3, np.cos(-2.0), np.sin(-2.0)])


def test_a_step_across_pi_is_a_small_one():
    delta = Angles(0).difference(np.array([[-3.1, 5.0]]), np.array([[3.1, 1.0]]))
    np.testing.assert_allclose(delta, [[2 * np.pi - 6.2, 4.0]])
    assert Angles(0).difference(np.array([3.1]), np.array([-3.1]))[0] == pytest.approx(6.2 - 2 * np.pi)


def test_differences_of_the_data_do_not_change_them():
    s, s_next = np.array([[3.1, 1.0]]), np.array([[-3.1, 5.0]])
    Angles(0).difference(s_next, s)
    np.testing.assert_array_equal(s_next, [[-3.1, 5.0]])


@pytest.mark.parametrize("angles", [(2,), (-1,), (0, 5)])
def test_an_angle_that_the_state_does_not_have_is_refused(angles):
    with pytest.raises(ValueError, match=r"angles must be coordinates 0 … 1 of the state"):
        Linear(encoding=Angles(*angles)).fit(np.zeros((3, 2)), np.zeros((3, 1)), np.zeros((3, 2)))
