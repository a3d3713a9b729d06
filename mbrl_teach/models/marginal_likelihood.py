"""The marginal likelihood of a Gaussian process: which hyperparameters expected what was seen?

Data y = f(X) + noise, f from the process with kernel k, noise of variance σ_n². All values of f taken
together, y is normal with mean zero and covariance K = k(X, X) + σ_n² I. With K = L L' and α = K⁻¹ y

    log p(y | X) = -½ y'α - Σ_i log L_ii - N/2 log 2π.

The first term asks that y be explained, the second that not everything could have been: a kernel that allows
for any function spreads its probability thin. None of the hyperparameters has to be held back from the data
for it; that is Occam's razor.

**The gradient.** By ∂K⁻¹ = -K⁻¹ ∂K K⁻¹ and ∂ log|K| = tr(K⁻¹ ∂K), for each hyperparameter θ_j

    ∂ log p / ∂θ_j = ½ tr((αα' - K⁻¹) ∂K/∂θ_j).

All are positive, and they may differ by powers of ten: θ = log [σ_f², ℓ_1 … ℓ_d, σ_n²], and

    ∂K/∂ log σ_f² = K_f = k(X, X),    ∂K_ab/∂ log ℓ_i = K_f,ab (x_ai - x_bi)²/ℓ_i²,    ∂K/∂ log σ_n² = σ_n² I.

With W = (αα' - K⁻¹) ⊙ K_f, the trace for ℓ_i is Σ_ab W_ab (x_ai - x_bi)²/ℓ_i². Multiplied out it consists
of matrix products with W: the d matrices of differences, N·N·d numbers, are never made.

Source: Rasmussen & Williams, Gaussian Processes for Machine Learning (2006), algorithm 2.1 and equations 5.8
and 5.9; MacKay, Bayesian Interpolation (Neural Computation 1992), for the razor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg.blas import dsyr
from scipy.linalg.lapack import dpocon, dpotrf, dpotri, dpotrs
from scipy.optimize import minimize

from mbrl_teach.models.normalisation import Normalisation
from mbrl_teach.models.squared_exponential import SquaredExponential

SINGULAR = 1e-14  # reciprocal condition of K below which rounding is no longer small beside the noise
DEFAULT_BOUNDS = (1e-5, 1e5)
FEW = 100  # rows up to which a second search costs little
STRUCTURE = 1.0  # by what log p must exceed that of pure noise for the data to show any structure


class SingularKernelError(ValueError):
    """The kernel matrix cannot be told from a singular one."""


@dataclass(frozen=True)
class Optimisation:
    """How the search for hyperparameters went.

    log_marginal_likelihood: at the end; evaluations: of it and its gradient; searches: how many that took
    converged: whether the best search has come to its tolerance; message: why it ended
    """

    log_marginal_likelihood: float
    evaluations: int
    searches: int
    converged: bool
    message: str


def factorise(kernel: SquaredExponential, noise_variance: float, X: np.ndarray):
    """K_f (N, N) and L (N, N) of K = K_f + σ_n² I = L L', for inputs X (N, d).

    Raises SingularKernelError where K is singular to working precision, as with inputs that are equal, or
    nearly, and hardly any noise. Nothing is added to its diagonal in silence.
    """
    K_f = kernel(X, X)
    K = K_f.copy()
    K.flat[:: len(K) + 1] += noise_variance
    norm = K.sum(axis=0).max(initial=0.0)
    L, failed = dpotrf(K.T, lower=1, overwrite_a=1)
    if failed or dpocon(L, norm, uplo="L")[0] < SINGULAR:
        raise SingularKernelError(
            f"the kernel matrix of {len(X)} inputs is singular to working precision: some are equal, or "
            f"close beside lengthscales up to {kernel.lengthscales.max():.3g}, and noise_variance = "
            f"{noise_variance:.3g} is too small beside signal_variance = {kernel.signal_variance:.3g}; "
            "raise noise_variance, or leave out inputs that are there twice"
        )
    return K_f, L


def solve(L: np.ndarray, y: np.ndarray) -> np.ndarray:
    """K⁻¹ y (N,) or (N, k)."""
    return dpotrs(L, y, lower=1)[0] if len(L) else np.zeros_like(y)


def log_marginal_likelihood(L: np.ndarray, alpha: np.ndarray, y: np.ndarray) -> float:
    """log p(y | X), from L (N, N), α (N,) and y (N,)."""
    return float(-0.5 * y @ alpha - np.log(np.diag(L)).sum() - 0.5 * len(y) * np.log(2.0 * np.pi))


def value_and_gradient(theta: np.ndarray, X: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    """log p(y | X) and its gradient (d+2,) by θ = log [σ_f², ℓ, σ_n²], at inputs X (N, d), targets y (N,).

    Raises SingularKernelError as `factorise`.
    """
    kernel, noise_variance = unpack(theta)
    K_f, L = factorise(kernel, noise_variance, X)
    alpha = solve(L, y)
    value = log_marginal_likelihood(L, alpha, y)
    K_inverse = dpotri(L, lower=1, overwrite_c=1)[0]  # its lower triangle: each pair once, zeros above
    W = dsyr(1.0, alpha, a=-K_inverse, lower=1, overwrite_a=1)  # αα' - K⁻¹, likewise
    of_noise = 0.5 * noise_variance * np.trace(W)
    W *= K_f.T
    of_signal = W.sum() - 0.5 * np.trace(W)
    return value, np.concatenate([[of_signal], squared_distances(W, X / kernel.lengthscales), [of_noise]])


def squared_distances(W: np.ndarray, X: np.ndarray) -> np.ndarray:
    """Σ_ab W_ab (x_ai - x_bi)² (d,), of any weights W (N, N) and X (N, d): (x_a - x_b)² multiplied out."""
    X = X - X.mean(axis=0)
    return (W.sum(axis=0) + W.sum(axis=1)) @ X**2 - 2.0 * (X * (W @ X)).sum(axis=0)


def pack(kernel: SquaredExponential, noise_variance: float) -> np.ndarray:
    """θ (d+2,)."""
    return np.log([kernel.signal_variance, *kernel.lengthscales, noise_variance])


def unpack(theta: np.ndarray) -> tuple[SquaredExponential, float]:
    """Kernel and noise variance of θ (d+2,)."""
    numbers = np.exp(theta)
    return SquaredExponential(float(numbers[0]), numbers[1:-1]), float(numbers[-1])


def maximise(
    theta: np.ndarray,
    X: np.ndarray,
    y: np.ndarray,
    bounds: tuple[float, float] | None = None,
    callback: Callable[[float], None] | None = None,
) -> tuple[np.ndarray, Optimisation]:
    """The θ (d+2,) of the highest log p(y | X) that L-BFGS-B finds from the one given.

    log p often has several maxima, one of them where all is noise. So there is a second start, made from the
    data (:func:`start_from_data`). With many rows it is tried only where the first has not come to anything
    better than noise, or to less than the second is worth before its first step.

    bounds: lowest and highest value of each hyperparameter; None: 1e-5 and 1e5, and if the search ends at
        these, on from there to the same in the units of the data. A start outside them widens them
    callback: called with log p after each iteration of each search
    """
    low, high = np.log(bounds or DEFAULT_BOUNDS)
    box = np.minimum(low, theta), np.maximum(high, theta)
    searches = [_search(theta, X, y, box, callback)]
    if bounds is None:
        units = np.log(_units(X, y))
        wide = np.minimum(box[0], low + units), np.maximum(box[1], high + units)
        if _stopped_by(box, wide, searches[0][0]):
            searches.append(_search(searches[0][0], X, y, wide, callback))
        box = wide
    other = np.clip(start_from_data(X, y), *box)
    reached = searches[-1][1].log_marginal_likelihood
    if len(X) <= FEW or reached < max(_pure_noise(y) + STRUCTURE, _value(other, X, y)):
        searches.append(_search(other, X, y, box, callback))
    theta, best = max(searches, key=lambda search: search[1].log_marginal_likelihood)
    evaluations = sum(found.evaluations for _, found in searches)
    return theta, replace(best, evaluations=evaluations, searches=len(searches))


def start_from_data(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """θ (d+2,) with a tenth of the targets' mean square as noise, and inputs that all matter alike."""
    d = X.shape[1]
    return np.log(_units(X, y) * np.concatenate([[1.0], np.full(d, np.sqrt(d)), [0.1]]))


def _units(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """What σ_f², ℓ and σ_n² (d+2,) are measured by: the targets' mean square, the inputs' deviations."""
    square = np.mean(y**2)
    square = square if square > 0.0 else 1.0
    return np.concatenate([[square], Normalisation.of(X).std, [square]])


def _stopped_by(box, wide, theta) -> bool:
    """Whether θ lies at a bound that `wide` does not have."""
    at_low, at_high = theta <= box[0] + 1e-6, theta >= box[1] - 1e-6
    return bool((at_low & (wide[0] < box[0])).any() or (at_high & (wide[1] > box[1])).any())


def _search(theta, X, y, box, callback):
    """L-BFGS-B from θ. Where K is singular the loss is a wall, higher than at the start by far."""
    wall: list[float] = []

    def loss(theta):
        try:
            value, gradient = value_and_gradient(theta, X, y)
        except SingularKernelError:
            if not wall:
                raise
            return wall[0], np.zeros_like(theta)
        wall.append(10.0 * abs(value) + 1e3 * len(y))
        return -value, -gradient

    said = callback and (lambda intermediate_result: callback(-float(intermediate_result.fun)))
    result = minimize(loss, theta, jac=True, method="L-BFGS-B", bounds=np.stack(box, axis=-1), callback=said)
    message = str(result.message)
    if message.startswith("ABNORMAL"):
        message = "no step leads higher any more, for rounding"
    return result.x, Optimisation(-float(result.fun), result.nfev, 1, bool(result.success), message)


def _value(theta, X, y) -> float:
    L = factorise(*unpack(theta), X)[1]
    return log_marginal_likelihood(L, solve(L, y), y)


def _pure_noise(y: np.ndarray) -> float:
    """The highest log p of y (N,) as independent numbers of one variance, their mean square."""
    square = np.mean(y**2)
    return -0.5 * len(y) * (np.log(2.0 * np.pi * square) + 1.0) if square > 0.0 else np.inf
