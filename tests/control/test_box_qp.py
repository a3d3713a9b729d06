"""The quadratic program in a box against scipy's exact active-set solver, and what it says of bad input."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import lsq_linear

from mbrl_teach.control.box_qp import box_qp


def random_program(rng, d):
    """Scales of the coordinates differ by up to 100; some bounds are infinite, some pairs equal."""
    root = rng.normal(size=(d + 1, d)) * 10.0 ** rng.uniform(-1, 1, size=d)
    low, high = -rng.uniform(0, 1, d), rng.uniform(0, 1, d)
    low[rng.random(d) < 0.2] = -np.inf
    high[rng.random(d) < 0.2] = np.inf
    equal = (rng.random(d) < 0.1) & np.isfinite(high)
    return root, rng.normal(size=d + 1), np.where(equal, high, low), high


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 7))
def test_agrees_with_bounded_variable_least_squares(seed, d):
    """1/2 |R x - b|² is the program with H = R'R, g = -R'b; scipy moves equal bounds apart to allow them."""
    rng = np.random.default_rng(seed)
    root, b, low, high = random_program(rng, d)
    H = root.T @ root
    solution = box_qp(H, -root.T @ b, low, high, start=rng.normal(size=d))
    fixed = low == high
    peer = np.where(fixed, low, 0.0)
    if not fixed.all():
        rest = b - root[:, fixed] @ low[fixed]
        peer[~fixed] = lsq_linear(
            root[:, ~fixed], rest, (low[~fixed], high[~fixed]), method="bvls", tol=1e-14
        ).x
    value = lambda x: 0.5 * np.sum((root @ x - b) ** 2)
    assert (solution.x >= low).all()
    assert (solution.x <= high).all()
    assert value(solution.x) <= value(peer) + 1e-10 * (1.0 + value(peer))
    assert solution.x == pytest.approx(peer, abs=1e-6 * (1.0 + np.abs(peer).max()))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 7))
def test_the_slope_is_zero_where_free_and_points_out_of_the_box_where_clamped(seed, d):
    rng = np.random.default_rng(seed)
    root, b, low, high = random_program(rng, d)
    solution = box_qp(root.T @ root, -root.T @ b, low, high)
    slope = root.T @ (root @ solution.x - b)
    size = 1e-9 * (1.0 + np.abs(root.T @ b).max())
    assert np.abs(slope[solution.free]).max(initial=0.0) < size
    clamped = ~solution.free
    assert np.isin(solution.x[clamped], np.concatenate([low, high])).all()
    assert (slope[clamped & (solution.x == low) & (low < high)] >= -size).all()
    assert (slope[clamped & (solution.x == high) & (low < high)] <= size).all()


def test_the_start_does_not_change_the_answer():
    rng = np.random.default_rng(0)
    root, b, low, high = random_program(rng, 6)
    answers = [box_qp(root.T @ root, -root.T @ b, low, high, rng.normal(size=6) * 10).x for _ in range(20)]
    assert np.ptp(answers, axis=0) == pytest.approx(np.zeros(6), abs=1e-10)


def test_a_shortened_step_is_not_taken_for_the_last():
    """A narrow valley: the first whole step, clipped, would go up, and half of it clamps nothing."""
    H, g = np.array([[21.25, -18.25], [-18.25, 16.25]]), np.array([13.0, -15.0])
    solution = box_qp(H, g, -np.ones(2), np.ones(2), start=[-0.5, 0.0])
    assert solution.x == pytest.approx([(18.25 - 13.0) / 21.25, 1.0], rel=1e-12)
    assert solution.free.tolist() == [True, False]


def test_without_bounds_it_is_newtons_step():
    H, g = np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([1.0, -4.0])
    free = np.full(2, np.inf)
    solution = box_qp(H, g, -free, free)
    assert solution.x == pytest.approx(np.linalg.solve(H, -g), rel=1e-12)
    assert solution.free.all()


def test_a_valley_that_bends_down_ends_at_a_bound():
    """-x² has no minimum on the line; on [-1, 2] it has two, and the one downhill of the start is found."""
    downhill = lambda start: box_qp([[-2.0]], [0.0], [-1.0], [2.0], [start])
    with pytest.raises(ValueError, match="H must be positive definite on the free coordinates; it is not"):
        downhill(0.5)
    assert downhill(2.0).x == 2.0
    assert downhill(-1.0).x == -1.0
    assert not downhill(-1.0).free.any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"H": np.eye(3)}, "g must have shape (d,) = (3,); got (2,)"),
        ({"H": [[1.0, 2.0], [0.0, 1.0]]}, "H must be symmetric; it differs"),
        ({"H": -np.eye(2)}, "H must be positive definite on the free coordinates; it is not"),
        ({"g": [np.nan, 0.0]}, "g must be finite; got NaN"),
        ({"low": [0.0, 3.0]}, "low must be at most high; got low = [0. 3.], high = [1. 1.]"),
        ({"low": [np.nan, 0.0]}, "low must be at most high; got low = [nan  0.]"),
        ({"start": [0.0]}, "start must have shape (d,) = (2,); got (1,)"),
    ],
)
def test_says_what_is_wrong_with_an_argument(change, message):
    program = {"H": np.eye(2), "g": np.zeros(2), "low": -np.ones(2), "high": np.ones(2)} | change
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        box_qp(**program)
