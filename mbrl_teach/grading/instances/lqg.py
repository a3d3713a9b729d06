"""Random instances for the checks of assignment 01b_lqg: lists of cases, the arguments of one call each.

Where a task takes helper functions, a case hands in the references of other tasks.
"""

from __future__ import annotations

import numpy as np

from mbrl_teach.arguments import read_array
from mbrl_teach.grading.instances.matrices import positive_definite
from mbrl_teach.grading.references import lqg as references

HELPERS = (references.predict, references.update)


def random_belief(rng, n):
    """A mean (n,) and a covariance (n, n)."""
    return rng.normal(size=n), positive_definite(rng, n)


def random_dynamics(rng, n, m):
    """F (n, n+m), f (n,) and the covariance of the process noise (n, n)."""
    return rng.normal(size=(n, n + m)) / np.sqrt(n), rng.normal(size=n), positive_definite(rng, n)


def random_sensor(rng, n, p):
    """H (p, n) and the covariance of the observation noise (p, p)."""
    return rng.normal(size=(p, n)), positive_definite(rng, p)


# Task 1a --------------------------------------------------------------------------------------------


def _beliefs_before_a_step(rng, acted, drifting):
    """mean, covariance, F, f, process_noise, action."""
    for n, m in ((3, 2), (2, 2), (1, 1)):
        F, f, process_noise = random_dynamics(rng, n, m)
        yield *random_belief(rng, n), F, drifting * f, process_noise, acted * rng.normal(size=m)


def steps_with_action(rng):
    """A belief and a step without drift."""
    return list(_beliefs_before_a_step(rng, acted=True, drifting=False))


def steps_with_drift(rng):
    """A belief and a step on which nothing is done."""
    return list(_beliefs_before_a_step(rng, acted=False, drifting=True))


# Task 1b --------------------------------------------------------------------------------------------


def _beliefs_before_an_observation(rng, sizes):
    """mean, covariance, observation, H, observation_noise."""
    for n, p in sizes:
        mean, covariance = random_belief(rng, n)
        H, observation_noise = random_sensor(rng, n, p)
        yield mean, covariance, H @ mean + rng.normal(size=p), H, observation_noise


def one_sensor(rng):
    """A belief and one number that is seen."""
    return list(_beliefs_before_an_observation(rng, ((3, 1), (2, 1), (1, 1))))


def several_sensors(rng):
    """A belief and several numbers that are seen at once; n = p first, where H L fits in place of L H."""
    return list(_beliefs_before_an_observation(rng, ((2, 2), (4, 3), (1, 2))))


# Task 2 ---------------------------------------------------------------------------------------------


def _sequences(rng, acted, horizons):
    """F, f, process_noise, H, observation_noise, mean, covariance, observations, actions and helpers."""
    for (n, m, p), T in zip(((3, 2, 2), (2, 1, 1), (1, 1, 1)), horizons, strict=True):
        model = *random_dynamics(rng, n, m), *random_sensor(rng, n, p)
        actions = acted * rng.normal(size=(T - 1, m))
        yield *model, *random_belief(rng, n), rng.normal(size=(T, p)), actions, *HELPERS


def single_observations(rng):
    """One observation, before anything could be done."""
    return list(_sequences(rng, acted=False, horizons=(1, 1, 1)))


def watched_only(rng):
    """Several observations, all actions zero."""
    return list(_sequences(rng, acted=False, horizons=(4, 5, 3)))


def watched_and_acted(rng):
    """Several observations and actions."""
    return list(_sequences(rng, acted=True, horizons=(4, 5, 3)))


# Task 3 ---------------------------------------------------------------------------------------------


def world(F, f, H, initial_state, process_noise, observation_noise):
    """A hidden state behind two functions: reset() gives o_1, step(a_t) gives o_{t+1}.

    The noise is drawn beforehand, process_noise (T, n) and observation_noise (T+1, p), so that a reset
    starts the same world again.
    """
    T, m = len(process_noise), F.shape[1] - F.shape[0]
    now = {}

    def reset():
        now.update(t=0, s=initial_state)
        return H @ now["s"] + observation_noise[0]

    def step(action):
        a = read_array("action", action, "m", {"m": m})
        if not now:
            raise ValueError("the world has not begun: reset() does, and returns the first observation")
        if now["t"] == T:
            raise ValueError(f"the world ended after T = {T} actions")
        now["s"] = F @ np.concatenate([now["s"], a]) + f + process_noise[now["t"]]
        now["t"] += 1
        return H @ now["s"] + observation_noise[now["t"]]

    return reset, step


def _loops(rng, offsets):
    """reset, step, K, k, F, f, process_noise, H, observation_noise, mean, covariance and helpers."""
    for n, m, p, T in ((3, 2, 2, 5), (2, 1, 1, 4), (1, 1, 1, 3)):
        F, f, W = random_dynamics(rng, n, m)
        H, R = random_sensor(rng, n, p)
        mean, P = random_belief(rng, n)
        noise = rng.multivariate_normal(np.zeros(n), W, T), rng.multivariate_normal(np.zeros(p), R, T + 1)
        K, k = rng.normal(size=(T, m, n)) / n, offsets * rng.normal(size=(T, m))
        reset, step = world(F, f, H, rng.multivariate_normal(mean, P), *noise)
        yield reset, step, K, k, F, f, W, H, R, mean, P, *HELPERS


def loops_without_offsets(rng):
    """Any gains K_t, no offsets k_t."""
    return list(_loops(rng, offsets=False))


def loops_with_offsets(rng):
    """Gains and offsets."""
    return list(_loops(rng, offsets=True))
