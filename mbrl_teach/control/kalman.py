"""Kalman filter, smoother and LQG control: acting when the state is only seen through noise.

The state s_t has n entries. At each step t = 1..T an observation o_t (p entries) is seen, and then an
action a_t (m entries) is taken::

    s_1     ~ N(m_1|0, P_1|0)                                       before any observation
    o_t     = H_t s_t + v_t                     v_t ~ N(0, R_t)     observation noise
    s_{t+1} = F_t [s_t; a_t] + f_t + w_t        w_t ~ N(0, W_t)     process noise

All of this is jointly Gaussian: what o_1..o_j tell of s_t is a mean m_t|j and a covariance P_t|j. With
F_t = [A_t B_t], three recursions follow from conditioning::

    update     e_t = o_t - H_t m_t|t-1                              innovation
               S_t = H_t P_t|t-1 H_t' + R_t                         its covariance
               L_t = P_t|t-1 H_t' S_t^-1                            Kalman gain
               m_t|t = m_t|t-1 + L_t e_t
               P_t|t = (I - L_t H_t) P_t|t-1 (I - L_t H_t)' + L_t R_t L_t'
               log p(o_t | o_1..o_t-1) = -1/2 (e_t' S_t^-1 e_t + log det(2 pi S_t))
    predict    m_t+1|t = F_t [m_t|t; a_t] + f_t
               P_t+1|t = A_t P_t|t A_t' + W_t
    smooth     G_t = P_t|t A_t' P_t+1|t^-1                          backwards, from t = T-1
               m_t|T = m_t|t + G_t (m_t+1|T - m_t+1|t)
               P_t|T = (I - G_t A_t) P_t|t (I - G_t A_t)' + G_t (P_t+1|T + W_t) G_t'

The covariances are written as sums of squares (Joseph's form), which rounding cannot make indefinite.
With these gains they equal the shorter P_t|t-1 - L_t S_t L_t' and P_t|t + G_t (P_t+1|T - P_t+1|t) G_t'.

Sources: Kalman (1960), A New Approach to Linear Filtering and Prediction Problems; Rauch, Tung and
Striebel (1965), Maximum Likelihood Estimates of Linear Dynamic Systems; Bucy and Joseph (1968), Filtering
for Stochastic Processes with Applications to Guidance; Särkkä (2013), Bayesian Filtering and Smoothing,
1st ed., §4.3 and §8.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg.lapack import dposv

from mbrl_teach.arguments import read_array, read_arrays, require_at_least_one, require_covariance


@dataclass(frozen=True, eq=False)
class Filtered:
    """What is known of each state from the observations so far, and the model the smoother needs again."""

    means: np.ndarray  # (T, n) E[s_t | o_1..o_t]
    covariances: np.ndarray  # (T, n, n)
    predicted_means: np.ndarray  # (T+1, n) E[s_t | o_1..o_t-1]; the first is the mean given for s_1
    predicted_covariances: np.ndarray  # (T+1, n, n)
    log_likelihood: float  # log p(o_1..o_T)
    F: np.ndarray  # (T, n, n+m)
    process_noise: np.ndarray  # (T, n, n)


@dataclass(frozen=True, eq=False)
class Smoothed:
    """What is known of each state from all observations, past and future."""

    means: np.ndarray  # (T, n) E[s_t | o_1..o_T]
    covariances: np.ndarray  # (T, n, n)


def kalman_filter(
    F: ArrayLike,
    f: ArrayLike,
    process_noise: ArrayLike,
    H: ArrayLike,
    observation_noise: ArrayLike,
    mean: ArrayLike,
    covariance: ArrayLike,
    observations: ArrayLike,
    actions: ArrayLike | None = None,
) -> Filtered:
    """Mean and covariance of each state given the observations up to it; Särkkä (2013), Theorem 4.2.

    F (n, n+m), f (n,), process_noise (n, n), H (p, n) and observation_noise (p, p) each hold for all
    steps, or have one entry per step in front, (T, ...). The noises are covariances. mean (n,) and
    covariance (n, n) describe s_1 before any observation. observations (T, p); actions (T-1, m) or
    (T, m), None for zeros. F_T, f_T and a_T (zero if not given) enter the prediction of s_{T+1} only.

    Raises ValueError for a wrong shape, NaN or infinity, a covariance that is not symmetric (1e-10
    relative) and positive semi-definite, and at a step whose innovation covariance is singular.
    """
    read_observations = read_array("observations", observations, "T p", {})
    T = len(read_observations)
    require_at_least_one("observations", read_observations, {"T": T})
    dynamics = {"F": F, "f": f, "process_noise": process_noise}
    sensor = {"H": H, "observation_noise": observation_noise, "observations": observations}
    acted = {} if actions is None else {"actions": _with_last_action(actions, T)}
    x = _read(T, mean=mean, covariance=covariance, **dynamics, **sensor, **acted)
    n = len(x.mean)
    a = x.actions if acted else np.zeros((T, x.F.shape[2] - n))

    m, m_prior = np.empty((T, n)), np.empty((T + 1, n))
    P, P_prior = np.empty((T, n, n)), np.empty((T + 1, n, n))
    m_prior[0], P_prior[0], log_p = x.mean, x.covariance, np.empty(T)
    for t in range(T):
        o, R = x.observations[t], x.observation_noise[t]
        m[t], P[t], log_p[t] = _update(m_prior[t], P_prior[t], o, x.H[t], R, t)
        m_prior[t + 1], P_prior[t + 1] = _predict(m[t], P[t], x.F[t], x.f[t], x.process_noise[t], a[t])
    return Filtered(m, P, m_prior, P_prior, float(log_p.sum()), x.F, x.process_noise)


def update(
    mean: ArrayLike, covariance: ArrayLike, observation: ArrayLike, H: ArrayLike, observation_noise: ArrayLike
) -> tuple[np.ndarray, np.ndarray, float]:
    """Condition N(mean, covariance) on ``observation = H s + v``; Särkkä (2013), Theorem 4.2.

    mean (n,), covariance (n, n), observation (p,), H (p, n), observation_noise (p, p). Returns the new
    mean and covariance, and log p(observation) under the old ones. Errors as in :func:`kalman_filter`.
    """
    sensor = {"H": H, "observation_noise": observation_noise, "observation": observation}
    x = _read(None, mean=mean, covariance=covariance, **sensor)
    return _update(x.mean, x.covariance, x.observation, x.H, x.observation_noise)


def _update(
    m: np.ndarray, P: np.ndarray, o: np.ndarray, H: np.ndarray, R: np.ndarray, t: int | None = None
) -> tuple[np.ndarray, np.ndarray, float]:
    e = o - H @ m
    HP = H @ P
    S = HP @ H.T + R
    factor, solution, failed = dposv(S, np.column_stack([HP, e]))  # S^-1 [HP e] by Cholesky
    pivots = factor.diagonal() ** 2
    # A pivot is the variance that the entries of o before it leave unexplained: zero, if below rounding.
    if failed or not (pivots > len(o) * np.finfo(float).eps * S.diagonal()).all():
        where = "" if t is None else f" at t = {t + 1} (array index {t})"
        raise ValueError(f"innovation covariance H P H' + observation_noise is not positive definite{where}")
    L = solution[:, :-1].T
    I_LH = np.eye(len(m)) - L @ H
    log_p = -0.5 * (e @ solution[:, -1] + np.log(2 * np.pi * pivots).sum())
    return m + L @ e, _symmetric(I_LH @ P @ I_LH.T + L @ R @ L.T), float(log_p)


def predict(
    mean: ArrayLike,
    covariance: ArrayLike,
    F: ArrayLike,
    f: ArrayLike,
    process_noise: ArrayLike,
    action: ArrayLike,
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of the next state, ``F [s; action] + f + w``; Särkkä (2013), Theorem 4.2.

    mean (n,), covariance (n, n), F (n, n+m), f (n,), process_noise (n, n), action (m,).
    Errors as in :func:`kalman_filter`.
    """
    dynamics = {"F": F, "f": f, "process_noise": process_noise, "action": action}
    x = _read(None, mean=mean, covariance=covariance, **dynamics)
    return _predict(x.mean, x.covariance, x.F, x.f, x.process_noise, x.action)


def _predict(
    m: np.ndarray, P: np.ndarray, F: np.ndarray, f: np.ndarray, W: np.ndarray, a: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    A = F[:, : len(m)]
    return F @ np.concatenate([m, a]) + f, _symmetric(A @ P @ A.T + W)


def kalman_smoother(filtered: Filtered) -> Smoothed:
    """Mean and covariance of each state given all observations; Rauch, Tung and Striebel (1965).

    Särkkä (2013), Theorem 8.2. Predicted covariances may be singular. Raises ValueError if the arrays of
    `filtered`, which :func:`kalman_filter` returned, do not fit together or hold NaN.
    """
    sizes: dict[str, int] = {}
    read = lambda name, axes: read_array(f"filtered.{name}", getattr(filtered, name), axes, sizes)
    m, P = read("means", "T n").copy(), read("covariances", "T n n").copy()
    m_prior, P_prior = read("predicted_means", "T+1 n"), read("predicted_covariances", "T+1 n n")
    F, W = read("F", "T n n+m"), read("process_noise", "T n n")
    for t in reversed(range(len(m) - 1)):
        A = F[t, :, : m.shape[1]]
        G = _smoother_gain(P[t] @ A.T, P_prior[t + 1])
        I_GA = np.eye(len(G)) - G @ A
        m[t] += G @ (m[t + 1] - m_prior[t + 1])
        P[t] = _symmetric(I_GA @ P[t] @ I_GA.T + G @ (P[t + 1] + W[t]) @ G.T)
    return Smoothed(m, P)


def _smoother_gain(PA: np.ndarray, P_next: np.ndarray) -> np.ndarray:
    """``PA inv(P_next)``; where P_next is singular, the same on the directions that are uncertain.

    Only those matter: the rows of PA lie in the range of P_next. What counts as zero must not depend on
    the units of the states, hence the scaling to unit diagonal.
    """
    deviation = np.sqrt(P_next.diagonal().clip(0))
    scale = 1 / np.where(deviation > 0, deviation, 1.0)
    variances, directions = np.linalg.eigh(scale[:, None] * P_next * scale)
    uncertain = variances > len(P_next) * np.finfo(float).eps * variances.max()
    basis = scale[:, None] * directions[:, uncertain]
    return (PA @ basis / variances[uncertain]) @ basis.T


class LQGController:
    """The optimal controller of a linear system seen through noise: LQR gains on the filtered mean.

    ``action = controller(observation)`` updates with o_t, acts a_t = K_t m_t|t + k_t, and predicts s_{t+1}
    with that a_t. That the gains need not know of the noise is the separation principle: Joseph and Tou
    (1961), On Linear Control Theory; Åström (1970), Introduction to Stochastic Control Theory, ch. 8.

    K (T, m, n), k (T, m); the rest and its errors as in :func:`kalman_filter`. Attributes: `t`, the next
    step; `mean`, `covariance` of s_t before o_t; `filtered_mean`, `filtered_covariance` of the last call.
    """

    def __init__(
        self,
        K: ArrayLike,
        k: ArrayLike,
        F: ArrayLike,
        f: ArrayLike,
        process_noise: ArrayLike,
        H: ArrayLike,
        observation_noise: ArrayLike,
        mean: ArrayLike,
        covariance: ArrayLike,
    ) -> None:
        self.horizon = len(read_array("K", K, "T m n", {}))
        gains, dynamics = {"K": K, "k": k}, {"F": F, "f": f, "process_noise": process_noise}
        sensor = {"observation_noise": observation_noise, "H": H}
        start = {"mean": mean, "covariance": covariance}
        self._given = _read(self.horizon, **start, **gains, **dynamics, **sensor)
        self.reset()

    def reset(self) -> None:
        """Forget all observations: the next call is for t = 1."""
        self.t = 1
        self.mean, self.covariance = self._given.mean.copy(), self._given.covariance.copy()
        self.filtered_mean = self.filtered_covariance = None

    def __call__(self, observation: ArrayLike) -> np.ndarray:
        """The action a_t (m,) after observation o_t (p,); ValueError when called past t = T."""
        x, t = self._given, self.t - 1
        if t == self.horizon:
            raise ValueError(f"the controller has gains for T = {t} steps; reset() starts it again at t = 1")
        o = read_array(f"observation at t = {self.t}", observation, "p", {"p": x.H.shape[1]})
        m, P, _ = _update(self.mean, self.covariance, o, x.H[t], x.observation_noise[t], t)
        a = x.K[t] @ m + x.k[t]
        self.filtered_mean, self.filtered_covariance = m, P
        self.mean, self.covariance = _predict(m, P, x.F[t], x.f[t], x.process_noise[t], a)
        self.t += 1
        return a


_AXES = {
    "F": "n n+m", "f": "n", "process_noise": "n n", "H": "p n", "observation_noise": "p p",
    "mean": "n", "covariance": "n n", "observation": "p", "observations": "T p", "action": "m",
    "actions": "T m", "K": "T m n", "k": "T m",
}  # fmt: skip
_PER_STEP = {"F", "f", "process_noise", "H", "observation_noise"}
_COVARIANCES = ("process_noise", "observation_noise", "covariance")


def _read(T: int | None, **arguments: ArrayLike) -> SimpleNamespace:
    """Checked copies of the arguments; given T, those that may vary in time have T entries in front."""
    axes = {name: _AXES[name] for name in arguments}
    constant = set()
    for name in axes.keys() & _PER_STEP if T is not None else ():
        if read_array(name, arguments[name], "...", {}, finite=False).ndim <= len(axes[name].split()):
            constant.add(name)
        else:
            axes[name] = f"T {axes[name]}"
    given = {name: (value, axes[name]) for name, value in arguments.items()}
    arrays = read_arrays(given, {} if T is None else {"T": T})
    for name, array in arrays.items():
        if name in _COVARIANCES:
            require_covariance(name, array, axes[name])
        array = _symmetric(array) if name in _COVARIANCES else array.copy()
        arrays[name] = np.broadcast_to(array, (T, *array.shape)) if name in constant else array
    return SimpleNamespace(**arrays)


def _symmetric(P: np.ndarray) -> np.ndarray:
    return (P + P.mT) / 2


def _with_last_action(actions: ArrayLike, T: int) -> np.ndarray:
    array = read_array("actions", actions, "...", {}, finite=False)
    lacks_last = array.ndim == 2 and len(array) == T - 1
    return np.vstack([array, np.zeros(array.shape[1])]) if lacks_last else array
