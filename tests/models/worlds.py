"""Worlds and data from which models are learned in these tests."""

import numpy as np

from mbrl_teach.problems.gymnasium_worlds import GymnasiumPendulum

F = np.array([[1.0, 0.1, 0.0], [-0.3, 0.9, 0.2]])
f = np.array([0.05, -0.1])
SIGMA = np.array([[0.04, 0.01], [0.01, 0.02]])


def linear_steps(N, rng, noise=True):
    """N steps of s' = F z + f + noise of covariance SIGMA, with n = 2, m = 1."""
    s, a = rng.normal(size=(N, 2)), rng.normal(size=(N, 1))
    s_next = np.hstack([s, a]) @ F.T + f
    if noise:
        s_next = s_next + rng.multivariate_normal(np.zeros(2), SIGMA, size=N)
    return s, a, s_next


def pendulum_steps(N, rng):
    """N steps of Gymnasium's pendulum from states all over the place; angles of s' wrapped to ±π."""
    world = GymnasiumPendulum()
    s = np.stack([rng.uniform(-np.pi, np.pi, N), rng.uniform(-6, 6, N)], axis=-1)
    a = rng.uniform(-2, 2, (N, 1))
    s_next = world.dynamics(s, a)
    s_next[:, 0] = (s_next[:, 0] + np.pi) % (2 * np.pi) - np.pi
    return s, a, s_next
