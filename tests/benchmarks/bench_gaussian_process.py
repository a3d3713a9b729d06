"""A Gaussian process beside scikit-learn's: the fit with its search, predictions, and what a planner asks of both.

Both search by L-BFGS-B, from the same start and within the same bounds; the row's name says how much likelier than
scikit-learn's are the hyperparameters that ours has found (a negative number: less likely).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

from mbrl_teach.models.gaussian_process import GaussianProcess
from tests.benchmarks.paired import Row, compare

BOUNDS = (1e-5, 1e5)  # scikit-learn's


def rows() -> Iterator[Row]:
    for N, d in ((200, 2), (500, 4)):
        X, y = data(N, d)
        peer = lambda X=X, y=y: theirs(X, y, "fmin_l_bfgs_b")
        ours = lambda X=X, y=y: GaussianProcess(bounds=BOUNDS).fit(X, y)
        gained = ours().log_marginal_likelihood() - peer().log_marginal_likelihood_value_
        name = f"fit and search, N = {N}, d = {d} (log p {gained:+.0e})"
        yield compare(name, ours, "scikit-learn", peer, target="≥ 4×" if N == 500 else "", seconds=6.0)
    process, peer = GaussianProcess().fit(X, y, optimise=False), theirs(X, y, None)
    new = np.random.default_rng(1).normal(size=(500, 4))
    yield compare(
        "mean at 500 inputs, N = 500",
        lambda: process.mean(new),
        "scikit-learn",
        lambda: peer.predict(new),
    )
    yield compare(
        "mean and variance there",
        lambda: process.predict(new),
        "scikit-learn",
        lambda: peer.predict(new, return_std=True),
    )
    jacobian, mean = (lambda: process.jacobian(new)), (lambda: process.mean(new))
    yield compare("Jacobian of the mean there", jacobian, "the mean", mean, target="≥ 0.33×")
    draw = process.posterior_sample(np.random.default_rng(2))
    yield compare("a drawn function there", lambda: draw(new), "the mean", mean)


def data(N, d):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, d))
    return X, np.sin(X @ rng.normal(size=d)) + 0.3 * X[:, 0] ** 2 + 0.1 * rng.normal(size=N)


def theirs(X, y, optimizer):
    kernel = ConstantKernel(1.0) * RBF(np.ones(X.shape[1])) + WhiteKernel(0.1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return GaussianProcessRegressor(kernel, alpha=0.0, optimizer=optimizer).fit(X, y)
