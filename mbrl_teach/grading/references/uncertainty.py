"""The right answers to assignment 07_uncertainty.

Keywords change one piece of an answer each: by their defaults it is right, and a known mistake is the same
function with one keyword set.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit, ndtr

# Task 1 ---------------------------------------------------------------------------------------------


def gap_squared(gap, lengthscales):
    """Each input's gap in lengths of its own, squared: (x - x')² / ℓ², (N, M, d)."""
    return (gap / lengthscales) ** 2


def solved_twice(L, y):
    """K⁻¹ y for K = L L'."""
    return np.linalg.solve(L.T, np.linalg.solve(L, y))


def gp_predict(
    X,
    y,
    X_new,
    signal_variance,
    lengthscales,
    noise_variance,
    *,
    squares=gap_squared,
    exponent=lambda total: -0.5 * total,
    signal=lambda variance: variance,
    noise=lambda variance: variance,
    spread=np.eye,
    centre=lambda y: 0.0,
    weights=solved_twice,
    whiten=np.linalg.solve,
    prior=lambda signal_variance, noise_variance: signal_variance,
    finish=lambda prior, explained: prior - explained,
    told=lambda mean, variance: (mean, variance),
):
    """Posterior mean and variance (M,) of f.

    Source: Rasmussen & Williams, Gaussian Processes for Machine Learning (2006), Algorithm 2.1.
    """
    s = signal(signal_variance)
    k = lambda A, B: s * np.exp(exponent(squares(A[:, None] - B[None], lengthscales).sum(axis=-1)))
    L = np.linalg.cholesky(k(X, X) + noise(noise_variance) * spread(len(X)))
    k_new = k(X, X_new)
    mean = centre(y) + k_new.T @ weights(L, y - centre(y))
    variance = finish(prior(s, noise_variance), (whiten(L, k_new) ** 2).sum(axis=0))
    return told(mean, variance)


# Task 2 ---------------------------------------------------------------------------------------------


def twice_the_factors(K, L):
    """log |K| from the Cholesky factor."""
    return 2 * np.log(np.diag(L)).sum()


def trace_of_product(K_inverse, dK):
    """tr(K⁻¹ dK_i) for every i."""
    return np.einsum("ab,iba->i", K_inverse, dK)


def log_marginal_likelihood(
    k_XX,
    dK,
    y,
    noise_variance,
    *,
    noise=lambda variance: variance,
    spread=np.eye,
    fit=lambda L, y: -0.5 * y @ solved_twice(L, y),
    log_determinant=twice_the_factors,
    penalty=-0.5,
    constant=lambda N: -0.5 * N * np.log(2 * np.pi),
    told=lambda log_p, N: log_p,
    trace=trace_of_product,
    slope=lambda fit, trace: 0.5 * (fit - trace),
):
    """log p(y | X) and its derivative (p,) along each of dK (p, N, N).

    Source: Rasmussen & Williams (2006), equations 5.8 and 5.9.
    """
    N = len(y)
    K = k_XX + noise(noise_variance) * spread(N)
    L = np.linalg.cholesky(K)
    alpha = solved_twice(L, y)
    log_p = fit(L, y) + penalty * log_determinant(K, L) + constant(N)
    return told(log_p, N), slope(np.einsum("a,iab,b->i", alpha, dK, alpha), trace(np.linalg.inv(K), dK))


# Task 3 ---------------------------------------------------------------------------------------------


def with_replacement(N, members, rng):
    """Rows (E, N), each drawn from all."""
    return rng.integers(N, size=(members, N))


def without_replacement(N, members, rng):
    """Rows (E, N): all of them, in another order for each member."""
    return np.array([rng.permutation(N) for _ in range(members)])


def never_drawn(rows):
    """Which of the N rows are not among a member's, (E, N)."""
    return ~(rows[:, :, None] == np.arange(rows.shape[1])).any(axis=1)


def bootstrap(
    X,
    Y,
    members,
    rng,
    *,
    draw=with_replacement,
    of_targets=lambda rows, N, rng: rows,
    unseen=never_drawn,
    source=lambda rng: rng,
):
    """Inputs (E, N, d), targets (E, N, n) and the rows that a member has not seen, (E, N).

    Source: Efron, Bootstrap methods: another look at the jackknife (1979).
    """
    rng = source(rng)
    rows = draw(len(X), members, rng)
    return X[rows], Y[of_targets(rows, len(X), rng)], unseen(rows)


# Task 4 ---------------------------------------------------------------------------------------------


def mixture_quantile(p, means, variances, *, deviation=np.sqrt):
    """Where the members' mean distribution function is p, (N, n), by bisection."""
    sigma = deviation(variances)
    low, high = (means - 40 * sigma).min(axis=0), (means + 40 * sigma).max(axis=0)
    for _ in range(70):
        middle = 0.5 * (low + high)
        short = ndtr((middle - means) / sigma).mean(axis=0) < p
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return 0.5 * (low + high)


def both_tails(coverage):
    """The probabilities below the two ends: what is left is shared by both sides."""
    return (1 - coverage) / 2, (1 + coverage) / 2


def decompose(
    means,
    variances,
    coverage,
    *,
    average=lambda means, variances: means.mean(axis=0),
    aleatoric=lambda means, variances: variances.mean(axis=0),
    epistemic=lambda means, variances: means.var(axis=0),
    tails=both_tails,
    quantile=mixture_quantile,
):
    """Mean, aleatoric and epistemic variance, low and high of an ensemble of Gaussians, each (N, n).

    Source: Lakshminarayanan, Pritzel & Blundell, Simple and Scalable Predictive Uncertainty Estimation using
    Deep Ensembles (NeurIPS 2017), section 2.4, for mean and variance of the mixture.
    """
    parts = [part(means, variances) for part in (average, aleatoric, epistemic)]
    return *parts, *(quantile(p, means, variances) for p in tails(coverage))


# Task 5 ---------------------------------------------------------------------------------------------


def softplus(x):
    """log(1 + e^x) without overflow."""
    return np.logaddexp(0.0, x)


def upper_then_lower(raw, low, high):
    """Bounded log-variance, and its slope over raw."""
    below = high - softplus(high - raw)
    return low + softplus(below - low), expit(high - raw) * expit(below - low)


def gaussian_nll(
    mean,
    raw,
    targets,
    low,
    high,
    *,
    bound=upper_then_lower,
    precision=lambda log_variance: np.exp(-log_variance),
    each=lambda e, w, log_variance: 0.5 * (e**2 * w + log_variance + np.log(2 * np.pi)),
    total=lambda each: each.sum() / len(each),
    to_mean=lambda e, w: -e * w,
    to_log_variance=lambda e, w: 0.5 * (1 - e**2 * w),
    through=lambda slope: slope,
    share=lambda e: 1 / len(e),
    told=lambda d_mean, d_raw: (d_mean, d_raw),
):
    """Bounded log-variance (N, n), the loss, its gradients over mean and raw (N, n).

    Source: Nix & Weigend, Estimating the mean and variance of the target probability distribution (1994);
    Chua et al., Deep Reinforcement Learning in a Handful of Trials (NeurIPS 2018), appendix A.1 (the bounds).
    """
    log_variance, slope = bound(raw, low, high)
    e, w = targets - mean, precision(log_variance)
    gradients = to_mean(e, w), to_log_variance(e, w) * through(slope)
    return log_variance, total(each(e, w, log_variance)), *told(*(share(e) * g for g in gradients))
