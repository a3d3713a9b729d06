"""Right solutions of assignment 01b_lqg, each in a style of its own."""

import numpy as np
import scipy.linalg
from scipy.stats import multivariate_normal

# predict(mean, covariance, F, f, process_noise, action) -> mean, covariance


def predict__einsum(mean, covariance, F, f, process_noise, action):
    A, B = np.split(F, [len(mean)], axis=1)
    mean = np.einsum("ij,j->i", A, mean) + np.einsum("ij,j->i", B, action) + f
    return mean, np.einsum("ij,jk,lk->il", A, covariance, A) + process_noise


def predict__homogeneous(mean, covariance, F, f, process_noise, action):
    """One matrix for [s; a; noise; 1]."""
    n, m = len(mean), len(action)
    M = np.hstack([F, np.eye(n), f[:, None]])
    joint = scipy.linalg.block_diag(covariance, np.zeros((m, m)), process_noise, [[0.0]])
    return M @ np.concatenate([mean, action, np.zeros(n), [1]]), M @ joint @ M.T


def predict__square_root(mean, covariance, F, f, process_noise, action):
    """The square-root filter's prediction: a triangular factor from a QR decomposition."""
    A, B = F[:, : len(mean)], F[:, len(mean) :]
    roots = np.hstack([A @ np.linalg.cholesky(covariance), np.linalg.cholesky(process_noise)])
    root = np.linalg.qr(roots.T, mode="r").T
    return A @ mean + B @ action + f, root @ root.T


def predict__loops(mean, covariance, F, f, process_noise, action):
    n, z = len(mean), [*mean, *action]
    following, spread = [], []
    for i in range(n):
        following.append(f[i] + sum(F[i][j] * z[j] for j in range(len(z))))
        spread.append([])
        for j in range(n):
            through = sum(F[i][k] * covariance[k][l] * F[j][l] for k in range(n) for l in range(n))  # noqa: E741
            spread[i].append(process_noise[i][j] + through)
    return following, spread


def predict__in_place(mean, covariance, F, f, process_noise, action):
    n = mean.size
    f += F.dot(np.r_[mean, action])
    covariance[:] = F[:, :n].dot(covariance).dot(F[:, :n].T)
    covariance += process_noise
    return f, covariance


# update(mean, covariance, observation, H, observation_noise) -> mean, covariance


def update__textbook(mean, covariance, observation, H, observation_noise):
    L = covariance @ H.T @ np.linalg.inv(H @ covariance @ H.T + observation_noise)
    return mean + L @ (observation - H @ mean), (np.eye(len(mean)) - L @ H) @ covariance


def update__joseph(mean, covariance, observation, H, observation_noise):
    L = np.linalg.solve(H @ covariance @ H.T + observation_noise, H @ covariance).T
    I_LH = np.eye(len(mean)) - L @ H
    return I_LH @ mean + L @ observation, I_LH @ covariance @ I_LH.T + L @ observation_noise @ L.T


def update__information(mean, covariance, observation, H, observation_noise):
    information, precision = np.linalg.inv(covariance), np.linalg.inv(observation_noise)
    covariance = np.linalg.inv(information + H.T @ precision @ H)
    return covariance @ (information @ mean + H.T @ precision @ observation), covariance


def update__cholesky(mean, covariance, observation, H, observation_noise):
    PH = covariance @ H.T
    factor = scipy.linalg.cho_factor(H @ PH + observation_noise, lower=True)
    mean = mean + PH @ scipy.linalg.cho_solve(factor, observation - H @ mean)
    return mean, covariance - PH @ scipy.linalg.cho_solve(factor, PH.T)


def update__one_number_at_a_time(mean, covariance, observation, H, observation_noise):
    """Sensors made independent of each other; then each update divides by a number."""
    root = np.linalg.cholesky(observation_noise)
    rows = scipy.linalg.solve_triangular(root, np.column_stack([H, observation]), lower=True)
    for *h, o in rows:
        Ph = covariance @ h
        mean = mean + Ph * (o - np.dot(h, mean)) / (np.dot(h, Ph) + 1)
        covariance = covariance - np.outer(Ph, Ph) / (np.dot(h, Ph) + 1)
    return mean.tolist(), covariance.tolist()


def update__columns_as_matrices(mean, covariance, observation, H, observation_noise):
    m, P, o, H = map(np.asmatrix, (mean[:, None], covariance, observation[:, None], H))
    L = P * H.T * (H * P * H.T + observation_noise).I
    return (m + L * (o - H * m)).A1, P - L * H * P


# kalman_filter(F, f, W, H, R, mean, P, observations, actions, predict, update) -> means, covariances, log-likelihood


def kalman_filter__lists(F, f, W, H, R, mean, P, observations, actions, predict, update):
    means, covariances, likelihoods = [], [], []
    for o, a in zip(observations, [*actions, None], strict=True):
        likelihoods.append(multivariate_normal(H @ mean, H @ P @ H.T + R).pdf(o))
        mean, P = update(mean, P, o, H, R)
        means.append(mean)
        covariances.append(P)
        if a is not None:
            mean, P = predict(mean, P, F, f, W, a)
    return means, covariances, np.log(likelihoods).sum()


def kalman_filter__generator(F, f, W, H, R, mean, P, observations, actions, predict, update):
    def beliefs(m, C):
        for t, o in enumerate(observations):
            if t:
                m, C = predict(m, C, F, f, W, actions[t - 1])
            root = np.linalg.cholesky(2 * np.pi * (H @ C @ H.T + R))
            surprise = scipy.linalg.solve_triangular(root, o - H @ m, lower=True)
            m, C = update(m, C, o, H, R)
            yield m, C, -np.pi * surprise @ surprise - np.log(np.diag(root)).sum()

    means, covariances, terms = map(np.array, zip(*beliefs(mean, P), strict=True))
    return means, covariances, terms.sum()


def kalman_filter__inline(F, f, W, H, R, mean, P, observations, actions, *_):
    (T, p), n, log_likelihood = observations.shape, len(mean), 0.0
    A, B, means, covariances = F[:, :n], F[:, n:], np.empty((T, n)), np.empty((T, n, n))
    for t in range(T):
        S = H @ P @ H.T + R
        inverse, innovation = np.linalg.inv(S), observations[t] - H @ mean
        log_likelihood += -np.log(np.sqrt((2 * np.pi) ** p * np.linalg.det(S)))
        log_likelihood -= innovation @ inverse @ innovation / 2
        L = P @ H.T @ inverse
        means[t], covariances[t] = mean + L @ innovation, P - L @ S @ L.T
        if t < T - 1:
            mean, P = A @ means[t] + B @ actions[t] + f, A @ covariances[t] @ A.T + W
    return means, covariances, float(log_likelihood)


def kalman_filter__forgetting_time(F, f, W, H, R, mean, P, observations, actions, *_):
    """All states and observations as one Gaussian, conditioned on ever more of it."""
    (T, p), n = observations.shape, len(mean)
    noise = scipy.linalg.block_diag(P, *[W] * (T - 1), *[R] * T)
    of_state, of_sensor = np.split(np.eye(len(noise)), [T * n])
    m, M = [mean], [of_state[:n]]
    for t in range(T - 1):
        m.append(F @ np.concatenate([m[t], actions[t]]) + f)
        M.append(F[:, :n] @ M[t] + of_state[(t + 1) * n : (t + 2) * n])
    sees = np.concatenate([H @ M_t for M_t in M]) + of_sensor
    surprise, S = observations.ravel() - np.concatenate([H @ m_t for m_t in m]), sees @ noise @ sees.T
    means, covariances = [], []
    for t in range(T):
        seen = slice((t + 1) * p)
        L = M[t] @ noise @ sees[seen].T @ np.linalg.inv(S[seen, seen])
        means.append(m[t] + L @ surprise[seen])
        covariances.append(M[t] @ noise @ M[t].T - L @ S[seen, seen] @ L.T)
    return means, covariances, multivariate_normal(cov=S).logpdf(surprise)


def kalman_filter__recursion(F, f, W, H, R, mean, P, observations, actions, predict, update):
    o, *later = observations
    e, S = (o - H @ mean)[:, None], H @ P @ H.T + R
    term = -0.5 * (e.T @ np.linalg.inv(S) @ e + np.log(np.linalg.det(2 * np.pi * S))).item()
    belief = update(mean, P, o, H, R)
    if not later:
        return [belief[0]], [belief[1]], term
    following = predict(*belief, F, f, W, actions[0])
    rest = kalman_filter__recursion(F, f, W, H, R, *following, later, actions[1:], predict, update)
    return [belief[0], *rest[0]], [belief[1], *rest[1]], term + rest[2]


# lqg_loop(reset, step, K, k, F, f, W, H, R, mean, P, predict, update) -> actions, means


def lqg_loop__lists(reset, step, K, k, F, f, W, H, R, mean, P, predict, update):
    actions, means, o = [], [], reset()
    for K_t, k_t in zip(K, k, strict=True):
        mean, P = update(mean, P, o, H, R)
        means.append(mean.tolist())
        actions.append([K_i @ mean + k_i for K_i, k_i in zip(K_t, k_t, strict=True)])
        mean, P = predict(mean, P, F, f, W, np.array(actions[-1]))
        o = step(actions[-1])
    return actions, means


def lqg_loop__no_more_steps_than_needed(reset, step, K, k, F, f, W, H, R, mean, P, predict, update):
    T, m, n = K.shape
    results = np.zeros((T, m + n))
    for t in range(T):
        if t == 0:
            observation = reset()
        else:
            action = results[t - 1, :m]
            observation = step(action)
            mean, P = predict(mean, P, F, f, W, action)
        mean, P = update(mean, P, observation, H, R)
        results[t, m:] = mean
        results[t, :m] = np.einsum("ij,j->i", K[t], mean) + k[t]
    return results[:, :m], results[:, m:]


def lqg_loop__inline(reset, step, K, k, F, f, W, H, R, mean, P, *_):
    n, actions, means, o = len(mean), np.zeros(k.shape), np.zeros((len(k), len(mean))), reset()
    A, B = F[:, :n], F[:, n:]
    for t in range(len(K)):
        L = P @ H.T @ np.linalg.inv(H @ P @ H.T + R)
        mean += L @ (o - H @ mean)
        P -= L @ H @ P
        means[t], actions[t] = mean, K[t] @ mean + k[t]
        o = step(actions[t].copy())
        mean, P = A @ mean + B @ actions[t] + f, A @ P @ A.T + W
    return actions, means


def lqg_loop__coroutine(reset, step, K, k, F, f, W, H, R, mean, P, predict, update):
    def controller(m, C):
        o = yield
        for K_t, k_t in zip(K, k, strict=True):
            m, C = update(m, C, o, H, R)
            a = k_t + K_t.dot(m)
            o = yield a, m
            m, C = predict(m, C, F, f, W, a)

    loop, o, seen = controller(mean, P), reset(), []
    next(loop)
    for _ in K:
        seen.append(loop.send(o))
        o = step(seen[-1][0])
    return tuple(zip(*seen, strict=True))


def lqg_loop__gains_beforehand(reset, step, K, k, F, f, W, H, R, mean, P, predict, update):
    """The covariances, and so the Kalman gains, do not depend on what is seen or done."""
    gains, nothing = [], np.zeros(K.shape[1])
    for _ in K:
        gains.append(P @ H.T @ np.linalg.inv(H @ P @ H.T + R))
        _, P = update(mean, P, H @ mean, H, R)
        _, P = predict(mean, P, F, f, W, nothing)
    actions, means, o = [], [], reset()
    for L_t, K_t, k_t in zip(gains, K, k, strict=True):
        means.append(mean + L_t @ (o - H @ mean))
        actions.append(K_t @ means[-1] + k_t)
        o = step(actions[-1])
        mean = F @ np.hstack([means[-1], actions[-1]]) + f
    return np.vstack(actions), np.vstack(means)
