"""The infinite-horizon regulator: the Riccati equation, solved by doubling.

Minimise sum_{t=1}^∞ 1/2 z_t' C z_t subject to s_{t+1} = F z_t with z = [s; a], F = [A, B]. The optimal cost
1/2 s'Vs satisfies the fixed point of the finite-horizon recursion,

    V = Q_ss + Q_sa K,   Q = C + F'VF,   K = -Q_aa⁻¹ Q_as.

Running that recursion forgets its start only as fast as the closed loop settles. Doubling takes 2^j of its
steps at once. Let the action first answer the cross term, a = -C_aa⁻¹ C_as s + a'; what
is left is

    A_0 = A - B C_aa⁻¹ C_as,   G_0 = B C_aa⁻¹ B',   H_0 = C_ss - C_sa C_aa⁻¹ C_as,

and two stretches of 2^j steps, one after the other, make one of 2^(j+1):

    A <- A (I + GH)⁻¹ A,   G <- G + A (I + GH)⁻¹ G A',   H <- H + A' H (I + GH)⁻¹ A.

H_j is the optimal cost over 2^j steps with no final value, and tends to V quadratically.

Source: Anderson (1978), Second-order convergent algorithms for the steady-state Riccati equation; Chu, Fan,
Lin & Wang (2004), Structure-preserving algorithms for periodic discrete-time algebraic Riccati equations.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg.lapack import dgeev, dgesv, dposv, dpotrf

from mbrl_teach.arguments import read_arrays, require_at_least_one, require_symmetric

MAX_DOUBLINGS = 60  # 2^60 steps: what has not settled by then never will


def riccati(F: ArrayLike, C: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Stationary value and gain of the infinite-horizon regulator: V (n, n) and K (m, n), a = K s.

    F (n, n+m) = [A, B] and C (n+m, n+m), symmetric, cross terms allowed. The Riccati equation can have
    several solutions; this is the stabilising one, under which every eigenvalue of A + BK lies inside the
    unit circle.

    Raises ValueError for a wrong shape, NaN or asymmetry, and names the condition that fails: C_aa positive
    definite; (A, B) stabilisable; no mode of the dynamics on or outside the unit circle that the cost does
    not see. Also if rounding leaves a Bellman residual above 1e-9 of V, or an unstable closed loop.
    """
    sizes: dict[str, int] = {}
    F, C = read_arrays({"F": (F, "n n+m"), "C": (C, "n+m n+m")}, sizes).values()
    require_at_least_one("F", F, sizes)
    require_symmetric("C", C, "n+m n+m")
    n = sizes["n"]
    A, G, H = _without_cross_terms(F, C, n)
    _require_cost_sees_unstable_modes(A, H)
    with np.errstate(over="ignore", invalid="ignore"):  # where there is no solution, numbers may overflow
        V = _double(A, G, H)
        Q = C + F.T.dot(V).dot(F)
        _, K, not_positive = dposv(Q[n:, n:], -Q[n:, :n])
        residual = np.abs(Q[:n, :n] + Q[:n, n:].dot(K) - V).max()
        closed_loop = F[:, :n] + F[:, n:].dot(K)
    if not_positive or not residual <= 1e-9 * np.abs(V).max() or not _radius(closed_loop) < 1.0:
        _require_stabilisable(A, G)
        raise ValueError(
            "the Riccati equation of F and C has no stabilising solution that can be computed: the Bellman "
            f"residual is {residual:.1e}, the largest eigenvalue of A + BK {_radius(closed_loop):.6g}"
        )
    return V, K


def _without_cross_terms(F, C, n):
    """A_0, G_0, H_0 of the module's docstring."""
    A, B = F[:, :n], F[:, n:]
    _, answers, not_positive = dposv(C[n:, n:], np.hstack([C[n:, :n], B.T]))
    if not_positive:
        raise ValueError("C_aa must be positive definite: over an infinite horizon every action must cost")
    return A - B @ answers[:, :n], B @ answers[:, n:], C[:n, :n] - C[:n, n:] @ answers[:, :n]


def _double(A, G, H):
    """Double the horizon until the value no longer changes."""
    n = len(A)
    identity = np.eye(n)
    for _ in range(MAX_DOUBLINGS):
        _, _, X, singular = dgesv(identity + G.dot(H), np.concatenate((A, G), axis=1))
        growth = A.T.dot(H).dot(X[:, :n])
        H = H + 0.5 * (growth + growth.T)
        change, size = np.vdot(growth, growth), np.vdot(H, H)  # squared Frobenius norms
        if singular or not size < np.inf or change <= 1e-18 * size:  # the next change is its square
            break
        AX = A.dot(X)
        G = G + AX[:, n:].dot(A.T)
        A = AX[:, :n]
    return H


def _require_cost_sees_unstable_modes(A, H):
    """Popov–Belevitch–Hautus test: Ax = λx with |λ| >= 1 and Hx = 0 is a growing mode that costs nothing.

    Doubling would leave it alone, or, by rounding, not. A positive definite H sees everything.
    """
    factor, not_positive = dpotrf(H)
    if not not_positive and factor.diagonal().min() ** 2 > 1e-10 * np.abs(H).max():
        return
    for mode in _unstable_modes(A):
        if _has_null_vector(np.vstack([A - mode * np.eye(len(A)), H])):
            raise ValueError(
                "the cost C must see every mode on or outside the unit circle: "
                f"it does not see the one with eigenvalue {mode:.4g}"
            )


def _require_stabilisable(A, G):
    """The same test for w'A = λw', w'G = 0: a growing mode that no action moves."""
    for mode in _unstable_modes(A):
        if _has_null_vector(np.hstack([A - mode * np.eye(len(A)), G]).T):
            raise ValueError(
                f"(A, B) must be stabilisable: no action moves the mode with eigenvalue {mode:.4g}, "
                "which lies on or outside the unit circle"
            )


def _unstable_modes(A):
    eigenvalues = np.linalg.eigvals(A)
    real = np.isreal(eigenvalues).all()
    return [mode.real if real else mode for mode in eigenvalues if abs(mode) >= 1.0 - 1e-9]


def _has_null_vector(matrix) -> bool:
    singular_values = np.linalg.svd(matrix, compute_uv=False)
    return singular_values[-1] <= 1e-10 * singular_values[0]


def _radius(matrix) -> float:
    """The largest |eigenvalue|; infinite where the matrix is not finite or they cannot be computed."""
    if not np.isfinite(matrix).all():
        return np.inf
    real, imaginary, _, _, failed = dgeev(matrix, compute_vl=0, compute_vr=0)
    return np.inf if failed else float(np.hypot(real, imaginary).max())
