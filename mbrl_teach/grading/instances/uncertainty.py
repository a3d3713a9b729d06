"""Random instances for the checks of assignment 07_uncertainty: lists of cases, the arguments of one call."""

from __future__ import annotations

import numpy as np

# Task 1 ---------------------------------------------------------------------------------------------


def _spread(rng, N, d):
    """N inputs that keep apart from each other, so that the kernel's matrix is well conditioned."""
    columns = [np.linspace(-2.4, 2.4, N) + rng.uniform(-0.12, 0.12, size=N) for _ in range(d)]
    return np.stack([rng.permutation(column) for column in columns], axis=1)


def _measured(rng, X):
    """Targets of a smooth function, whose mean is not zero, with noise."""
    w = rng.uniform(0.5, 1.0, size=X.shape[1])
    return rng.uniform(1.0, 2.0) + np.sin(X @ w) + 0.3 * rng.normal(size=len(X))


def _regression(rng, N, lengthscales, M):
    """X, y, X_new, signal variance, lengthscales, noise variance; variances are far from their squares."""
    d = len(lengthscales)
    X = _spread(rng, N, d)
    X_new = rng.uniform(-3.0, 3.0, size=(M, d))
    hyperparameters = rng.uniform(1.8, 3.0), np.asarray(lengthscales), rng.uniform(0.15, 0.35)
    return X, _measured(rng, X), X_new, *hyperparameters


def unit_lengths(rng):
    """All length scales are 1: how they enter does not matter."""
    return [_regression(rng, 6, np.ones(1), 4), _regression(rng, 7, np.ones(2), 5)]


def own_lengths(rng):
    """One short length scale and one long, and three; another number of inputs than of new ones."""
    short, long = rng.uniform(0.5, 0.8), rng.uniform(1.6, 3.0)
    return [
        _regression(rng, 7, [short, long], 5),
        _regression(rng, 6, [long, short, 1.2], 4),
    ]


# Task 2 ---------------------------------------------------------------------------------------------


def _covariance(rng, N, p):
    """k(X, X) of a smooth kernel, p symmetric derivatives, targets, noise variance."""
    X = _spread(rng, N, 1)
    gaps = (X - X.T) / rng.uniform(0.5, 1.0)
    k = rng.uniform(1.8, 3.0) * np.exp(-0.5 * gaps**2)
    parts = [k * gaps**2, np.eye(N), k][:p]
    return k, np.stack(parts) * rng.uniform(0.5, 1.5, size=(p, 1, 1)), _measured(rng, X)


def few_data(rng):
    """So few that the determinant is an ordinary number."""
    return [(*_covariance(rng, N, p), rng.uniform(0.15, 0.35)) for N, p in ((5, 2), (7, 3))]


def small_units(rng):
    """Sixty data, in units so small that the determinants of K and of its factor are zero to a computer."""
    k, dK, y = _covariance(rng, 60, 2)
    unit = 1e-6
    return [(unit**2 * k, unit**2 * dK, unit * y, unit**2 * rng.uniform(0.15, 0.35))]


# Task 3 ---------------------------------------------------------------------------------------------


def resamplings(rng):
    """X, Y, the number of members, a generator: so many members that their draws tell how they were made."""
    N, generator = 24, np.random.default_rng(rng.integers(2**62))
    return [(rng.normal(size=(N, 2)), rng.normal(size=(N, 1)), 100, generator)]


# Task 4 ---------------------------------------------------------------------------------------------


def ensembles(rng):
    """Means and variances (E, N, n), coverage: members that agree roughly, and members that do not.

    No quantile lies in a gap between two members, where it would be badly determined.
    """
    cases = []
    for E, N, n, coverage, apart in ((5, 4, 2, 0.9, 2.0), (3, 3, 1, 0.8, 4.0)):
        middle = rng.uniform(1.0, 3.0, size=(N, n))
        order = np.argsort(rng.uniform(size=(E, N, n)), axis=0) - (E - 1) / 2
        means = middle + apart * order * rng.uniform(0.7, 1.0, size=(E, N, n))
        cases.append((means, rng.uniform(0.2, 2.5, size=(E, N, n)), coverage))
    return cases


# Task 5 ---------------------------------------------------------------------------------------------


def _outputs(rng, N, n, raw):
    """mean, raw, targets, the bounds of the log-variance."""
    mean = rng.normal(size=(N, n))
    targets = mean + rng.choice([-1.0, 1.0], size=(N, n)) * rng.uniform(0.5, 2.0, size=(N, n))
    return mean, raw, targets, rng.uniform(-2.0, -1.0, size=n), rng.uniform(0.5, 1.5, size=n)


def usual_outputs(rng):
    """Raw outputs between the bounds and a little beyond."""
    return [_outputs(rng, N, n, rng.uniform(-2.5, 2.0, size=(N, n))) for N, n in ((5, 2), (4, 3))]


def extreme_outputs(rng):
    """Some raw outputs are in the thousands, as after a step that was too long."""
    raw = rng.uniform(-2.5, 2.0, size=(6, 2))
    raw[:2] = [[-1e3, 1e3], [2e4, -2e4]]
    return [_outputs(rng, 6, 2, raw)]
