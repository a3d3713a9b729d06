"""What a caller of the Kalman filter, smoother and controller is told about arguments that do not fit."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
from linear_gaussian import random_model, without_data

from mbrl_teach.control.kalman import LQGController, kalman_filter, kalman_smoother, predict, update

T, n, m, p = 5, 3, 2, 1
WRONG_SHAPES = [
    ("F", np.zeros((T, n, n)), "F must have shape (T, n, n+m) = (5, 3, 5); got (5, 3, 3)"),
    ("F", np.zeros((n, n)), "F must have shape (n, n+m) = (3, 5); got (3, 3)"),
    ("F", np.zeros((n + 1, n + m)), "F must have shape (n, n+m) = (3, 5); got (4, 5)"),
    ("F", np.zeros((T + 1, n, n + m)), "F must have shape (T, n, n+m) = (5, 3, 5); got (6, 3, 5)"),
    ("F", 1.0, "F must have shape (n, n+m) = (3, 5); got ()"),
    ("f", np.zeros(n + 1), "f must have shape (n,) = (3,); got (4,)"),
    ("f", np.zeros((T - 1, n)), "f must have shape (T, n) = (5, 3); got (4, 3)"),
    ("process_noise", np.eye(n + 1), "process_noise must have shape (n, n) = (3, 3); got (4, 4)"),
    ("process_noise", np.zeros((T, n)), "process_noise must have shape (n, n) = (3, 3); got (5, 3)"),
    ("H", np.zeros((n, p)), "H must have shape (p, n) = (1, 3); got (3, 1)"),
    ("H", np.zeros((p + 1, n)), "H must have shape (p, n) = (1, 3); got (2, 3)"),
    ("observation_noise", np.eye(2), "observation_noise must have shape (p, p) = (1, 1); got (2, 2)"),
    ("observation_noise", 0.1, "observation_noise must have shape (p, p) = (1, 1); got ()"),
    ("mean", np.zeros(n - 1), "mean must have shape (n,) = (3,); got (2,)"),
    ("mean", np.zeros((n, 1)), "mean must have shape (n,) = (3,); got (3, 1)"),
    ("covariance", np.eye(n + 1), "covariance must have shape (n, n) = (3, 3); got (4, 4)"),
    ("covariance", np.ones(n), "covariance must have shape (n, n) = (3, 3); got (3,)"),
]
WRONG_SERIES = [
    ("observations", np.zeros((T, p + 1)), "observations must have shape (T, p) = (5, 1); got (5, 2)"),
    ("observations", np.zeros(T), "observations must have shape (T, p); got (5,)"),
    ("actions", np.zeros((T + 1, m)), "actions must have shape (T, m) = (5, 2); got (6, 2)"),
    ("actions", np.zeros(T), "actions must have shape (T, m) = (5, 2); got (5,)"),
]
WRONG_VALUES = [
    ("F", [[1.0], [1.0, 2.0]], "F must be an array of numbers; got rows of different lengths"),
    ("mean", [np.nan, 0, 0], "mean must be finite; got NaN"),
    ("f", np.full((T, n), np.inf), "f must be finite; got infinity, first at t = 1 (array index 0)"),
    ("process_noise", np.triu(np.ones((n, n))), "process_noise must be symmetric; it differs"),
    (
        "process_noise",
        np.eye(n) + np.arange(T)[:, None, None] * np.eye(n, k=1),
        "process_noise must be symmetric; it differs",
    ),
    ("process_noise", -np.eye(n), "process_noise must be positive semi-definite; got eigenvalue -1"),
    (
        "process_noise",
        np.eye(n) * np.array([1, 1, 1, -2, -1])[:, None, None],
        "process_noise must be positive semi-definite; got eigenvalue -2, first at t = 4 (array index 3)",
    ),
    ("observation_noise", [[-1.0]], "observation_noise must be positive semi-definite; got eigenvalue -1"),
    (
        "covariance",
        np.diag([1.0, -1e-6, 1.0]),
        "covariance must be positive semi-definite; got eigenvalue -1e-06",
    ),
    ("covariance", np.eye(n) + 1e-9 * np.eye(n, k=1), "covariance must be symmetric; it differs"),
]


def valid_arguments():
    return random_model(np.random.default_rng(14), n=n, m=m, p=p, T=T, varying=False)


@pytest.mark.parametrize(("name", "value", "message"), WRONG_SHAPES + WRONG_SERIES + WRONG_VALUES)
def test_filter_says_which_argument_is_wrong(name, value, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        kalman_filter(**valid_arguments() | {name: value})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        # Only H and observation_noise speak of p here: where they disagree, H is the one named.
        *(case for case in WRONG_SHAPES if case[0] != "observation_noise"),
        *WRONG_VALUES,
        ("K", np.zeros((T, m)), "K must have shape (T, m, n); got (5, 2)"),
        ("K", np.zeros((T, m, n + 1)), "K must have shape (T, m, n) = (5, 2, 3); got (5, 2, 4)"),
        ("k", np.zeros((T - 1, m)), "k must have shape (T, m) = (5, 2); got (4, 2)"),
    ],
)
def test_controller_says_which_argument_is_wrong(name, value, message):
    valid = without_data(valid_arguments()) | {"K": np.zeros((T, m, n)), "k": np.zeros((T, m))}
    with pytest.raises(ValueError, match=re.escape(message)):
        LQGController(**valid | {name: value})


@pytest.mark.parametrize(
    ("step", "names", "name", "value", "message"),
    [
        (
            update,
            "H observation_noise observation",
            "mean",
            [0],
            "mean must have shape (n,) = (3,); got (1,)",
        ),
        (update, "H observation_noise observation", "covariance", -np.eye(3), "covariance must be positive"),
        (
            update,
            "H observation_noise observation",
            "H",
            np.eye(3)[None],
            "H must have shape (p, n) = (1, 3)",
        ),
        (update, "H observation_noise observation", "observation_noise", [[-1]], "observation_noise must be"),
        (update, "H observation_noise observation", "observation", [np.nan], "observation must be finite"),
        (update, "H observation_noise observation", "observation", [0, 0], "(p,) = (1,); got (2,)"),
        (
            predict,
            "F f process_noise action",
            "F",
            np.eye(3),
            "F must have shape (n, n+m) = (3, 5); got (3, 3)",
        ),
        (predict, "F f process_noise action", "f", [0], "f must have shape (n,) = (3,); got (1,)"),
        (predict, "F f process_noise action", "action", 1.0, "action must have shape (m,) = (2,); got ()"),
        (predict, "F f process_noise action", "process_noise", -np.eye(3), "process_noise must be positive"),
        (
            predict,
            "F f process_noise action",
            "mean",
            np.zeros(4),
            "mean must have shape (n,) = (3,); got (4,)",
        ),
        (predict, "F f process_noise action", "covariance", np.eye(4), "covariance must have shape (n, n)"),
    ],
)
def test_single_steps_say_which_argument_is_wrong(step, names, name, value, message):
    valid = valid_arguments()
    valid |= {"observation": valid["observations"][0], "action": valid["actions"][0]}
    valid = {key: valid[key] for key in ("mean", "covariance", *names.split())}
    step(**valid)
    with pytest.raises(ValueError, match=re.escape(message)):
        step(**valid | {name: value})


def test_a_missing_observation_is_named_by_its_step():
    arguments = valid_arguments()
    arguments["observations"][2] = np.nan
    with pytest.raises(ValueError, match=re.escape("observations must be finite; got NaN, first at t = 3")):
        kalman_filter(**arguments)


def test_controller_names_the_step_of_a_missing_observation():
    controller = LQGController(np.zeros((T, m, n)), np.zeros((T, m)), **without_data(valid_arguments()))
    controller([0.0])
    with pytest.raises(ValueError, match=re.escape("observation at t = 2 must be finite; got NaN")):
        controller([np.nan])


def test_smoother_says_which_array_does_not_fit():
    filtered = kalman_filter(**valid_arguments())
    broken = SimpleNamespace(**vars(filtered) | {"predicted_means": filtered.predicted_means[:-1]})
    message = "filtered.predicted_means must have shape (T+1, n) = (6, 3); got (5, 3)"
    with pytest.raises(ValueError, match=re.escape(message)):
        kalman_smoother(broken)


@pytest.mark.parametrize("seed", range(10))
def test_two_noise_free_sensors_that_say_the_same_are_refused_with_the_step(seed):
    # For some seeds rounding lets a plain Cholesky factorisation through.
    rng = np.random.default_rng(seed)
    model = random_model(rng, n=3, p=2, T=4)
    row = rng.normal(size=3)
    model["H"][2] = [row, 3 * row]
    model["observation_noise"][2] = 0
    message = (
        "innovation covariance H P H' + observation_noise is not positive definite at t = 3 (array index 2)"
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        kalman_filter(**model)


def test_controller_refuses_a_singular_innovation_covariance_with_the_step():
    model = without_data(valid_arguments()) | {"observation_noise": [[0.0]], "H": np.zeros((p, n))}
    controller = LQGController(np.zeros((T, m, n)), np.zeros((T, m)), **model)
    with pytest.raises(ValueError, match=re.escape("not positive definite at t = 1 (array index 0)")):
        controller([0.0])


def test_no_observations_at_all_are_refused_in_words():
    with pytest.raises(ValueError, match="observations"):
        kalman_filter(
            np.eye(2), np.zeros(2), np.eye(2), np.eye(2), np.eye(2), np.zeros(2), np.eye(2), np.zeros((0, 2))
        )
