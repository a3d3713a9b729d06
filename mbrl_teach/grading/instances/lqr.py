"""Random instances for the checks of assignment 01_lqr: lists of cases, the arguments of one call each.

Where a task takes helper functions, a case hands in the references of other tasks.
"""

from __future__ import annotations

import numpy as np

from mbrl_teach.grading.instances.matrices import positive_definite
from mbrl_teach.grading.references import lqr as references


def random_problem(rng, n, m, T, *, linear=True, drift=True, cross=True):
    """F (T, n, n+m), f (T, n), C (T, n+m, n+m), c (T, n+m), varying in time; what is not wanted is zero."""
    F = rng.normal(size=(T, n, n + m)) / np.sqrt(n)
    f = drift * rng.normal(size=(T, n))
    C = np.stack([positive_definite(rng, n + m) for _ in range(T)])
    if not cross:
        C[:, :n, n:] = C[:, n:, :n] = 0.0
    c = linear * rng.normal(size=(T, n + m))
    return F, f, C, c


# Task 1 ---------------------------------------------------------------------------------------------


def quadratics(rng):
    """Action-values Q, q with n; n = m first, where a transposed block still fits."""
    return [
        (positive_definite(rng, n + m), rng.normal(size=n + m), n)
        for n, m in ((2, 2), (3, 2), (1, 1), (4, 3))
    ]


# Task 2 ---------------------------------------------------------------------------------------------


def quadratics_and_policies(rng):
    """Q, q and any K, k: not the best ones."""
    return [
        (positive_definite(rng, n + m), rng.normal(size=n + m), rng.normal(size=(m, n)), rng.normal(size=m))
        for n, m in ((3, 2), (2, 2), (1, 1), (2, 3))
    ]


# Task 3 ---------------------------------------------------------------------------------------------


def _steps(rng, drift):
    """F, f, C, c, V, v."""
    for n, m in ((3, 2), (2, 1), (1, 1), (2, 2)):
        F, f, C, c = random_problem(rng, n, m, 1, drift=drift)
        yield F[0], f[0], C[0], c[0], positive_definite(rng, n), rng.normal(size=n)


def steps_without_drift(rng):
    """One step of a problem with f = 0, and the value V, v that follows it."""
    return list(_steps(rng, drift=False))


def steps_with_drift(rng):
    """The same with f."""
    return list(_steps(rng, drift=True))


# Task 4 ---------------------------------------------------------------------------------------------


def _problems(rng, **parts):
    """F, f, C, c and helpers."""
    helpers = references.action_value, references.gain, references.state_value
    return [(*random_problem(rng, *size, **parts), *helpers) for size in ((3, 2, 5), (2, 1, 4), (1, 1, 6))]


def plain_problems(rng):
    """No linear cost, no drift, no cross terms."""
    return _problems(rng, linear=False, drift=False, cross=False)


def linear_problems(rng):
    """Linear costs c_t, no drift, no cross terms."""
    return _problems(rng, drift=False, cross=False)


def drifting_problems(rng):
    """Drift f_t, no linear costs, no cross terms."""
    return _problems(rng, linear=False, cross=False)


def crossed_problems(rng):
    """Cross terms, nothing else."""
    return _problems(rng, linear=False, drift=False)


# Task 5 ---------------------------------------------------------------------------------------------


def _policies(rng, offsets):
    """F, f, C, c, K, k, initial_state."""
    for n, m, T in ((3, 2, 5), (2, 1, 4), (1, 1, 3)):
        F, f, C, c = random_problem(rng, n, m, T, drift=offsets)
        K, k = rng.normal(size=(T, m, n)) / n, offsets * rng.normal(size=(T, m))
        yield F, f, C, c, K, k, rng.normal(size=n)


def feedback_only(rng):
    """Any gains K_t, no offsets k_t, no drift."""
    return list(_policies(rng, offsets=False))


def with_offsets(rng):
    """Gains, offsets and drift."""
    return list(_policies(rng, offsets=True))


# Task 6 ---------------------------------------------------------------------------------------------


def _targets(rng, constant_weights):
    """Targets (T, n), weights of the state (T, n, n), weight of the action (m, m)."""
    for n, m, T in ((2, 1, 5), (3, 2, 4), (1, 1, 3)):
        weights = np.stack([positive_definite(rng, n) for _ in range(T)])
        if constant_weights:
            weights[:] = weights[0]
        yield rng.normal(size=(T, n)), weights, positive_definite(rng, m)


def constant_weights(rng):
    """Targets that move, weights that stay."""
    return list(_targets(rng, constant_weights=True))


def varying_weights(rng):
    """Targets and weights that both change in time."""
    return list(_targets(rng, constant_weights=False))
