"""Right solutions of assignment 07_uncertainty, each in a style of its own."""

import math

import numpy as np
import scipy.linalg
from scipy.optimize import brentq
from scipy.spatial.distance import cdist
from scipy.special import expit, ndtr
from scipy.stats import multivariate_normal, norm

# Task 1 ---------------------------------------------------------------------------------------------


def gp_predict__cholesky(X, y, X_new, signal_variance, lengthscales, noise_variance):
    def k(A, B):
        return signal_variance * np.exp(-0.5 * (((A[:, None] - B) / lengthscales) ** 2).sum(-1))

    L = scipy.linalg.cholesky(k(X, X) + noise_variance * np.eye(len(y)), lower=True)
    v = scipy.linalg.solve_triangular(L, k(X, X_new), lower=True)
    mean = k(X_new, X) @ scipy.linalg.cho_solve((L, True), y)
    return mean, signal_variance - np.einsum("nm,nm->m", v, v)


def gp_predict__inverse(X, y, X_new, signal_variance, lengthscales, noise_variance):
    k = lambda A, B: signal_variance * np.exp(-cdist(A / lengthscales, B / lengthscales, "sqeuclidean") / 2)
    inverse = np.linalg.inv(k(X, X) + np.diag([noise_variance] * len(X)))
    k_new = k(X_new, X)
    return k_new @ inverse @ y, np.diag(k(X_new, X_new) - k_new @ inverse @ k_new.T)


def gp_predict__point_by_point(X, y, X_new, signal_variance, lengthscales, noise_variance):
    def k(a, b):
        total = sum(((p - q) / length) ** 2 for p, q, length in zip(a, b, lengthscales, strict=True))
        return signal_variance * math.exp(-total / 2)

    K = np.array([[k(a, b) for b in X] for a in X])
    K[np.diag_indices(len(X))] += noise_variance
    means, variances = [], []
    for x in X_new:
        k_x = np.array([k(a, x) for a in X])
        w = np.linalg.solve(K, k_x)
        means.append(float(w @ y))
        variances.append(float(k(x, x) - w @ k_x))
    return means, variances


def gp_predict__one_datum_after_another(X, y, X_new, signal_variance, lengthscales, noise_variance):
    """Condition the joint Gaussian of all function values on one measurement at a time."""
    every = np.vstack([X, X_new]) / lengthscales
    C = signal_variance * np.exp(-0.5 * ((every[:, None] - every) ** 2).sum(-1))
    mean = np.zeros(len(every))
    for i, measured in enumerate(y):
        gain = C[:, i] / (C[i, i] + noise_variance)
        mean = mean + gain * (measured - mean[i])
        C = C - np.outer(gain, C[i])
    return mean[len(X) :], np.diag(C)[len(X) :]


# Task 2 ---------------------------------------------------------------------------------------------


def log_marginal_likelihood__cholesky(k_XX, dK, y, noise_variance):
    N = len(y)
    K = k_XX + noise_variance * np.eye(N)
    L = np.linalg.cholesky(K)
    alpha = scipy.linalg.cho_solve((L, True), y)
    log_p = -0.5 * y @ alpha - np.log(np.diag(L)).sum() - N / 2 * np.log(2 * np.pi)
    A = np.outer(alpha, alpha) - np.linalg.inv(K)
    return log_p, 0.5 * np.einsum("ab,iab->i", A, dK)


def log_marginal_likelihood__slogdet(k_XX, dK, y, noise_variance):
    K = np.array(k_XX)
    K.flat[:: len(K) + 1] += noise_variance
    alpha = np.linalg.solve(K, y)
    log_p = -0.5 * (alpha @ y + np.linalg.slogdet(K)[1] + len(y) * math.log(2 * math.pi))
    return log_p, [0.5 * (alpha @ D @ alpha - np.trace(np.linalg.solve(K, D))) for D in dK]


def log_marginal_likelihood__eigenvalues(k_XX, dK, y, noise_variance):
    values, vectors = np.linalg.eigh(k_XX)
    values = values + noise_variance
    seen = vectors.T @ y
    log_p = sum(norm.logpdf(z, scale=math.sqrt(value)) for z, value in zip(seen, values, strict=True))
    w = vectors @ (seen / values)
    inverse = (vectors / values) @ vectors.T
    return float(log_p), np.array([(w @ D @ w - (inverse * D).sum()) / 2 for D in dK])


def log_marginal_likelihood__scipy(k_XX, dK, y, noise_variance):
    K = k_XX + noise_variance * np.identity(len(y))
    scale = np.sqrt(np.diag(K).mean())
    log_p = multivariate_normal(cov=K / scale**2).logpdf(y / scale) - len(y) * np.log(scale)
    alpha = np.linalg.solve(K, y)
    gradient = 0.5 * (alpha @ dK @ alpha) - 0.5 * np.trace(np.linalg.solve(K, dK), axis1=1, axis2=2)
    return log_p, gradient


# Task 3 ---------------------------------------------------------------------------------------------


def bootstrap__at_once(X, Y, members, rng):
    N = len(X)
    rows = rng.integers(N, size=(members, N))
    unseen = np.ones((members, N), dtype=bool)
    unseen[np.arange(members)[:, None], rows] = False
    return X[rows], Y[rows], unseen


def bootstrap__member_by_member(X, Y, members, rng):
    inputs, targets, unseen = [], [], []
    for _ in range(members):
        rows = rng.choice(len(X), size=len(X), replace=True)
        inputs.append(X[rows])
        targets.append(Y[rows])
        unseen.append([i not in rows for i in range(len(X))])
    return inputs, targets, unseen


def bootstrap__spawned(X, Y, members, rng):
    """A generator of its own for each member, as NumPy recommends for streams that are to be independent."""
    rows = np.array([child.integers(len(X), size=len(X)) for child in rng.spawn(members)])
    return X[rows], Y[rows], [np.isin(np.arange(len(X)), drawn, invert=True) for drawn in rows]


def bootstrap__counts(X, Y, members, rng):
    """How often each row comes; then it is repeated."""
    N = len(X)
    counts = rng.multinomial(N, np.full(N, 1 / N), size=members)
    rows = np.stack([np.repeat(np.arange(N), count) for count in counts])
    return np.take(X, rows, axis=0), np.take(Y, rows, axis=0), (counts == 0).astype(int)


def bootstrap__row_by_row(X, Y, members, rng):
    rows = [sorted(int(rng.random() * len(X)) for _ in X) for _ in range(members)]
    unseen = [[float(i not in set(drawn)) for i in range(len(X))] for drawn in rows]
    return (
        [[list(X[i]) for i in drawn] for drawn in rows],
        [[list(Y[i]) for i in drawn] for drawn in rows],
        unseen,
    )


# Task 4 ---------------------------------------------------------------------------------------------


def decompose__bisection(means, variances, coverage):
    def quantile(p):
        sigma = np.sqrt(variances)
        low, high = (means - 10 * sigma).min(0), (means + 10 * sigma).max(0)
        for _ in range(50):
            middle = (low + high) / 2
            below = ndtr((middle - means) / sigma).mean(0) < p
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return high

    tail = (1 - coverage) / 2
    return means.mean(0), variances.mean(0), means.var(0), quantile(tail), quantile(1 - tail)


def decompose__entry_by_entry(means, variances, coverage):
    E, N, n = means.shape
    parts = np.zeros((5, N, n))
    for i in range(N):
        for j in range(n):
            mu, var = means[:, i, j], variances[:, i, j]
            cdf = lambda x, mu=mu, var=var: norm.cdf(x, mu, np.sqrt(var)).mean()
            quantile = lambda p, cdf=cdf: brentq(lambda x: cdf(x) - p, -100, 100, xtol=1e-12)
            ends = quantile(0.5 - coverage / 2), quantile(0.5 + coverage / 2)
            parts[:, i, j] = sum(mu) / E, sum(var) / E, sum((mu - mu.mean()) ** 2) / E, *ends
    return list(parts)


def decompose__newton(means, variances, coverage):
    """Law of total variance, and Newton's steps from the members' outermost quantiles, safeguarded."""
    mean = np.einsum("eij->ij", means) / len(means)
    second = (variances + means**2).mean(axis=0)
    aleatoric = np.average(variances, axis=0)
    ends = []
    for p in ((1 - coverage) / 2, (1 + coverage) / 2):
        own = norm.ppf(p, means, np.sqrt(variances))
        low, high = own.min(axis=0), own.max(axis=0)
        x = (low + high) / 2
        for _ in range(60):
            off = norm.cdf(x, means, np.sqrt(variances)).mean(axis=0) - p
            low, high = np.where(off < 0, x, low), np.where(off < 0, high, x)
            x = x - off / norm.pdf(x, means, np.sqrt(variances)).mean(axis=0)
            x = np.where((x > low) & (x < high), x, (low + high) / 2)
        ends.append(x.tolist())
    return mean, aleatoric, second - mean**2 - aleatoric, *ends


# Task 5 ---------------------------------------------------------------------------------------------


def gaussian_nll__logaddexp(mean, raw, targets, low, high):
    N = len(mean)
    below = high - np.logaddexp(0, high - raw)
    log_variance = low + np.logaddexp(0, below - low)
    e, variance = targets - mean, np.exp(log_variance)
    loss = 0.5 * (e**2 / variance + log_variance + np.log(2 * np.pi)).sum() / N
    d_log_variance = 0.5 * (1 - e**2 / variance) / N
    return log_variance, loss, -e / variance / N, d_log_variance * expit(high - raw) * expit(below - low)


def gaussian_nll__scipy(mean, raw, targets, low, high):
    softplus = lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))
    slope = lambda x: 0.5 * (1 + np.tanh(x / 2))
    capped = high - softplus(high - raw)
    log_variance = low + softplus(capped - low)
    deviation = np.exp(log_variance / 2)
    loss = -norm.logpdf(targets, mean, deviation).sum(axis=1).mean()
    z = (targets - mean) / deviation
    d_raw = (1 - z**2) / 2 * slope(high - raw) * slope(capped - low)
    return log_variance, loss, -z / deviation / len(z), d_raw / len(z)


def gaussian_nll__number_by_number(mean, raw, targets, low, high):
    softplus = lambda x: x if x > 30 else math.log1p(math.exp(x))
    slope = lambda x: 1 / (1 + math.exp(-x)) if x > -30 else 0.0
    N, n = len(mean), len(mean[0])
    log_variance, d_mean, d_raw = (np.zeros((N, n)) for _ in range(3))
    loss = 0.0
    for i in range(N):
        for j in range(n):
            below = high[j] - softplus(high[j] - raw[i, j])
            value = low[j] + softplus(below - low[j])
            e, variance = mean[i, j] - targets[i, j], math.exp(value)
            loss += (e * e / variance + value + math.log(2 * math.pi)) / (2 * N)
            log_variance[i, j], d_mean[i, j] = value, e / variance / N
            through = slope(high[j] - raw[i, j]) * slope(below - low[j])
            d_raw[i, j] = (1 - e * e / variance) / (2 * N) * through
    return log_variance.tolist(), loss, d_mean.tolist(), d_raw.tolist()


def gaussian_nll__plain_softplus(mean, raw, targets, low, high):
    """log(1 + e^x) overflows where x is large, and comes out right at the end all the same."""
    below = high - np.log(1 + np.exp(high - raw))
    log_variance = low + np.log(1 + np.exp(below - low))
    e, w = mean - targets, np.exp(-log_variance)
    loss = (0.5 * e**2 * w + 0.5 * log_variance + 0.5 * np.log(2 * np.pi)).sum(1).mean()
    slopes = 1 / (1 + np.exp(raw - high)) / (1 + np.exp(low - below))
    return log_variance, loss, e * w / len(e), 0.5 * (1 - e**2 * w) * slopes / len(e)
