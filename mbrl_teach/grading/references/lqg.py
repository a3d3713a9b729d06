"""The right answers to assignment 01b_lqg.

They are the library's. Beside each stands the same by its formulas, whose keywords change one piece each: by
their defaults it is right, and a known mistake is that function with one keyword set.
"""

from __future__ import annotations

import numpy as np

from mbrl_teach.control import kalman

# Tasks 1a and 1b ------------------------------------------------------------------------------------


def predict(mean, covariance, F, f, process_noise, action):
    """Mean F [m; a] + f and covariance A P A' + W, with F = [A B]."""
    return kalman.predict(mean, covariance, F, f, process_noise, action)


def _moved_covariance(A, P, W):
    return A @ P @ A.T + W


def predict_by_formula(mean, P, F, f, W, a, *, acted=1, drift=1, P_of=_moved_covariance):
    """The same, possibly with another covariance `P_of(A, P, W)`."""
    return F @ np.concatenate([mean, acted * a]) + drift * f, P_of(F[:, : len(mean)], P, W)


def update(mean, covariance, observation, H, observation_noise):
    """Mean m + L (o - H m) and covariance (I - L H) P, with the gain L = P H' (H P H' + R)⁻¹."""
    return kalman.update(mean, covariance, observation, H, observation_noise)[:2]


def kalman_gain(P, H, R):
    """L = P H' (H P H' + R)⁻¹."""
    return P @ H.T @ np.linalg.inv(H @ P @ H.T + R)


def _corrected_mean(m, L, o, H):
    return m + L @ (o - H @ m)


def _reduced_covariance(P, L, H):
    return P - L @ H @ P


def half_of_joseph(P, L, H):
    """(I - L H) P (I - L H)', without the L R L' that makes it a covariance."""
    I_LH = np.eye(len(P)) - L @ H
    return I_LH @ P @ I_LH.T


def update_by_formula(
    mean, P, o, H, R, *, L_of=kalman_gain, mean_of=_corrected_mean, P_of=_reduced_covariance
):
    """The same, possibly with another gain, mean or covariance."""
    L = L_of(P, H, R)
    return mean_of(mean, L, o, H), P_of(P, L, H)


# Task 2 ---------------------------------------------------------------------------------------------


def kalman_filter(F, f, process_noise, H, observation_noise, mean, covariance, o, a, *helpers):
    """Means, covariances and log-likelihood."""
    filtered = kalman.kalman_filter(F, f, process_noise, H, observation_noise, mean, covariance, o, a)
    return filtered.means, filtered.covariances, filtered.log_likelihood


def _each_once(p):
    return 1, 1, 1


def _log_density(o, H, R, mean, P, weights):
    """log N(o; H m, S) with S = H P H' + R; its terms are weighted by `weights(p)`."""
    innovation, S = o - H @ mean, H @ P @ H.T + R
    terms = innovation @ np.linalg.solve(S, innovation), np.linalg.slogdet(S)[1], len(o) * np.log(2 * np.pi)
    return -0.5 * np.dot(weights(len(o)), terms)


def _first_prior(mean, P, F, f, W, early):
    """The belief before o_1; `early` predicts once too often."""
    no_action = np.zeros(F.shape[1] - len(mean))
    return predict_by_formula(mean, P, F, f, W, no_action) if early else (mean, P)


def kalman_filter_by_steps(
    *case,
    early=False,
    carry=True,
    acted=lambda actions: actions,
    report=lambda prior, posterior: posterior,
    judge=lambda prior, posterior: prior,
    noise=1,
    weights=_each_once,
    total=sum,
):
    """The same; prior and posterior are the beliefs before and after o_t, `judge` says which o_t meets."""
    F, f, W, H, R, mean, P, observations, actions, *_ = case
    reported, log_densities, no_action = [], [], np.zeros(F.shape[1] - len(mean))
    prior = _first_prior(mean, P, F, f, W, early)
    for o, a in zip(observations, [*acted(actions), no_action], strict=True):
        posterior = update_by_formula(*prior, o, H, R)
        reported.append(report(prior, posterior))
        log_densities.append(_log_density(o, H, noise * R, *judge(prior, posterior), weights))
        next_mean, next_P = predict_by_formula(*posterior, F, f, W, a)
        prior = next_mean, next_P if carry else P
    means, covariances = zip(*reported, strict=True)
    return means, covariances, total(log_densities)


# Task 3 ---------------------------------------------------------------------------------------------


def lqg_loop(reset, step, K, k, F, f, W, H, R, mean, covariance, *helpers):
    """Actions and filtered means of the library's controller."""
    controller = kalman.LQGController(K, k, F, f, W, H, R, mean, covariance)
    observation, actions, means = reset(), [], []
    for _ in K:
        actions.append(controller(observation))
        means.append(controller.filtered_mean)
        observation = step(actions[-1])
    return np.array(actions), np.array(means)


def _act(K, k, t, predicted, filtered):
    return K[t] @ filtered + k[t]


def lqg_loop_by_steps(
    *case,
    early=False,
    carry=True,
    see=lambda first, new: new,
    act=_act,
    executed=1,
    known=lambda actions: actions[-1],
):
    """The same; of the actions so far, `known` is what the prediction is told."""
    reset, step, K, k, F, f, W, H, R, mean, P, *_ = case
    actions, means = [], []
    first = o = reset()
    m_t, P_t = _first_prior(mean, P, F, f, W, early)
    for t in range(len(K)):
        predicted = m_t
        m_t, P_t = update_by_formula(m_t, P_t, see(first, o), H, R)
        actions.append(act(K, k, t, predicted, m_t))
        means.append(m_t)
        o = step(executed * actions[-1])
        m_t, P_t = predict_by_formula(m_t, P_t, F, f, W, known(actions))
        P_t = P_t if carry else P
    return np.array(actions), np.array(means)
