"""The LQG controller: separation of estimation and control, against brute force over policies."""

import numpy as np
import pytest
from linear_gaussian import joint_gaussian, random_model, without_data
from scipy.linalg import block_diag

from mbrl_teach.control.kalman import LQGController, kalman_filter
from mbrl_teach.control.lqr import lqr


def controlled_problem(rng, **sizes):
    """A random model, a convex cost on (s_t, a_t) for t = 1..T, and the controller of both."""
    model = random_model(rng, **sizes)
    T, m = model["actions"].shape
    size = len(model["mean"]) + m
    root = rng.normal(size=(T, size, size))
    C, c = root @ root.mT + 0.5 * np.eye(size), rng.normal(size=(T, size))
    solution = lqr(model["F"], model["f"], C, c)
    K, k = solution.K, solution.k
    return model, C, c, K, k, LQGController(K, k, **without_data(model))


def test_controller_with_a_perfect_sensor_acts_as_lqr():
    rng = np.random.default_rng(7)
    model, _, _, K, k, _ = controlled_problem(rng, n=3, m=2, p=3)
    model |= {"H": np.eye(3), "observation_noise": np.zeros((3, 3))}
    controller = LQGController(K, k, **without_data(model))
    for t in range(len(K)):
        s = rng.normal(size=3)
        np.testing.assert_allclose(controller(s), K[t] @ s + k[t], rtol=1e-9, atol=1e-9)


def test_controller_acts_on_the_mean_that_the_filter_has_after_the_observation():
    model, _, _, K, k, controller = controlled_problem(np.random.default_rng(8))
    means, actions = [], []
    for o in model["observations"]:
        actions.append(controller(o))
        means.append(controller.filtered_mean)
    filtered = kalman_filter(**model | {"actions": actions})
    np.testing.assert_allclose(means, filtered.means, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(
        actions, np.einsum("tij,tj->ti", K, filtered.means) + k, rtol=1e-10, atol=1e-10
    )
    np.testing.assert_allclose(controller.filtered_covariance, filtered.covariances[-1], rtol=1e-10)
    np.testing.assert_allclose(controller.mean, filtered.predicted_means[-1], rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(controller.covariance, filtered.predicted_covariances[-1], rtol=1e-10)


def affine_policy(controller, O_a, p):
    """The controller's actions as a matrix times (1, o°), o° the observations if nobody acted.

    Its answers to unit observations give a = offset + gain o; in closed loop o = o° + O_a a.
    """
    answers = []
    for observations in np.vstack([np.zeros(len(O_a)), np.eye(len(O_a))]):
        controller.reset()
        answers.append(np.concatenate([controller(o) for o in observations.reshape(-1, p)]))
    offset, gain = answers[0], np.transpose(answers[1:] - answers[0])
    return np.linalg.solve(np.eye(len(gain)) - gain @ O_a, np.column_stack([offset, gain]))


def test_no_policy_affine_in_the_observations_so_far_costs_less_than_the_controller():
    """Separation, by brute force over all causal affine policies a = Theta (1, o°).

    States and actions are affine in Theta, so the expected cost is convex in it: Theta is optimal if and
    only if the gradient vanishes in every entry that causality leaves free.
    """
    T, n, m, p = 5, 3, 2, 2
    model, C, c, _, _, controller = controlled_problem(np.random.default_rng(9), n=n, m=m, p=p, T=T)
    s_mean, s_cov, o_mean, o_cov, cross = joint_gaussian(model | {"actions": np.zeros((T, m))})
    pushed = [joint_gaussian(model | {"actions": unit.reshape(T, m)}) for unit in np.eye(T * m)]
    S_a = np.transpose([states - s_mean for states, *_ in pushed])[: T * n]
    O_a = np.transpose([observations - o_mean for _, _, observations, *_ in pushed])
    Theta = affine_policy(controller, O_a, p)

    # The second moment of y = (1, s°, o°), and (s, a) = Z y under the policy.
    mean = np.concatenate([[1.0], s_mean[: T * n], o_mean])
    noise = np.block([[s_cov[: T * n, : T * n], cross[: T * n]], [cross[: T * n].T, o_cov]])
    moment = np.outer(mean, mean) + block_diag(0.0, noise)
    seen = np.r_[0, 1 + T * n : len(mean)]
    reach = np.vstack([S_a, np.eye(T * m)])
    Z = np.zeros((T * (n + m), len(mean)))
    Z[: T * n, 1 : 1 + T * n] = np.eye(T * n)
    Z[:, seen] += reach @ Theta

    # E sum_t 1/2 z_t'C_t z_t + z_t'c_t is 1/2 tr(C Z moment Z') + c'Z mean with C and c in that order.
    blocks = [[C[:, :n, :n], C[:, :n, n:]], [C[:, n:, :n], C[:, n:, n:]]]
    C_all = np.block([[block_diag(*block) for block in row] for row in blocks])
    c_all = np.concatenate([c[:, :n].ravel(), c[:, n:].ravel()])
    gradient = (reach.T @ (C_all @ Z @ moment + np.outer(c_all, mean)))[:, seen]
    free = np.column_stack([np.ones(T * m), np.kron(np.tril(np.ones((T, T))), np.ones((m, p)))]) > 0
    assert np.abs(gradient[free]).max() < 1e-9 * np.abs(gradient[~free]).max()


def test_reset_controller_repeats_itself():
    model, *_, controller = controlled_problem(np.random.default_rng(10))
    first = [controller(o) for o in model["observations"]]
    controller.reset()
    np.testing.assert_array_equal([controller(o) for o in model["observations"]], first)


def test_controller_has_no_action_past_its_horizon():
    model, *_, controller = controlled_problem(np.random.default_rng(11), T=3)
    for o in model["observations"]:
        controller(o)
    with pytest.raises(ValueError, match=r"gains for T = 3 steps; reset\(\)"):
        controller(model["observations"][0])
