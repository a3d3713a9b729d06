"""The stationary regulator against scipy, and the conditions under which there is one."""

import re

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from mbrl_teach.control.lqr import lqr, riccati


def random_system(rng, n, m, radius):
    A = rng.normal(size=(n, n))
    A *= radius / np.abs(np.linalg.eigvals(A)).max()
    root = rng.normal(size=(n + m, n + m))
    return np.hstack([A, rng.normal(size=(n, m))]), root @ root.T + 0.1 * np.eye(n + m)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 8), st.integers(1, 4), st.sampled_from([0.5, 1.0, 1.5]))
def test_agrees_with_scipy(seed, n, m, radius):
    F, C = random_system(np.random.default_rng(seed), n, m, radius)
    V, K = riccati(F, C)
    expected = scipy.linalg.solve_discrete_are(F[:, :n], F[:, n:], C[:n, :n], C[n:, n:], s=C[:n, n:])
    assert pytest.approx(expected, rel=1e-10, abs=1e-10 * np.abs(expected).max()) == V
    assert np.abs(np.linalg.eigvals(F[:, :n] + F[:, n:] @ K)).max() < 1


def test_published_values():
    """The scalar system and the double integrator of the literature."""
    V, K = riccati([[1.0, 1.0]], np.eye(2))
    golden = (1 + np.sqrt(5)) / 2
    assert pytest.approx(np.array([[golden]]), rel=1e-12) == V
    assert pytest.approx(np.array([[-1 / golden]]), rel=1e-12) == K
    _, K = riccati([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]], np.eye(3))
    assert pytest.approx(np.array([[-0.4220824404, -1.2439288539]]), abs=1e-10) == K


def test_is_the_limit_of_the_finite_horizon():
    F, C = random_system(np.random.default_rng(0), 3, 2, 1.2)
    T = 200
    finite = lqr(np.tile(F, (T, 1, 1)), np.zeros((T, 3)), np.tile(C, (T, 1, 1)), np.zeros((T, 5)))
    V, K = riccati(F, C)
    assert finite.K[0] == pytest.approx(K, rel=1e-9, abs=1e-9)
    assert finite.V[0] == pytest.approx(V, rel=1e-9, abs=1e-9)


def test_a_semidefinite_cost_that_sees_the_unstable_mode_is_enough():
    A, B = np.array([[1.2, 1.0], [0.0, 1.1]]), np.array([[0.0], [1.0]])
    C = np.diag([1.0, 0.0, 1.0])
    V, _ = riccati(np.hstack([A, B]), C)
    assert pytest.approx(scipy.linalg.solve_discrete_are(A, B, C[:2, :2], C[2:, 2:]), rel=1e-10) == V


@pytest.mark.parametrize(
    ("F", "C", "message"),
    [
        ([[1.0, 1.0]], np.diag([1.0, 0.0]), "C_aa must be positive definite"),
        ([[2.0, 0.0]], np.eye(2), "(A, B) must be stabilisable: no action moves the mode with eigenvalue 2"),
        (
            [[0.5, 0.0, 1.0], [0.0, 1.0, 0.0]],
            np.eye(3),
            "(A, B) must be stabilisable: no action moves the mode",
        ),
        ([[2.0, 1.0]], np.diag([0.0, 1.0]), "the cost C must see every mode on or outside the unit circle"),
        ([[1.0, 1.0]], np.diag([0.0, 1.0]), "the cost C must see every mode on or outside the unit circle"),
        (np.eye(2), np.eye(2), "F must have m >= 1; got shape (2, 2), so m = 0"),
        ([[1.0, 1.0]], np.eye(3), "C must have shape (n+m, n+m) = (2, 2); got (3, 3)"),
        ([1.0, 1.0], np.eye(2), "F must have shape (n, n+m) = (n, 2); got (2,)"),
        ([[1.0, 1.0]], [[1.0, 0.5], [0.0, 1.0]], "C must be symmetric"),
        ([[np.nan, 1.0]], np.eye(2), "F must be finite; got NaN"),
    ],
)
def test_names_the_condition_that_fails(F, C, message):
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        riccati(F, C)


def test_rounding_does_not_hide_a_mode_that_the_cost_does_not_see():
    """In rotated coordinates the unseen unstable mode costs 1e-17, not zero: still an error, not an answer."""
    rng = np.random.default_rng(3)
    rotation = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    A = rotation @ np.diag([2.0, 0.5, 0.3]) @ rotation.T
    C = np.zeros((4, 4))
    C[:3, :3] = rotation @ np.diag([0.0, 1.0, 1.0]) @ rotation.T
    C[:3, :3] = (C[:3, :3] + C[:3, :3].T) / 2
    C[3, 3] = 1.0
    with pytest.raises(ValueError, match=r"does not see the one with eigenvalue 2"):
        riccati(np.hstack([A, rng.normal(size=(3, 1))]), C)
