"""The backward pass around a trajectory: expand the problem, solve the linear-quadratic one that appears.

Take a trajectory s̄, ā that the world itself has followed. For deviations z = [δs; δa] from it, with F_t the
Jacobian of the dynamics, C_t and c_t the Hessian and the gradient of the cost, and V_{T+1}, v_{T+1} those
of the final cost, t = T … 1:

    Q_t = C_t + F_t' V_{t+1} F_t   [ + sum_i v_{t+1,i} ∂²dynamics_i/∂z² ]       q_t = c_t + F_t' v_{t+1}
    K_t = -(Q_aa + μI)⁻¹ Q_as                                                 k_t = -(Q_aa + μI)⁻¹ q_a
    V_t = Q_ss + Q_sa K_t + K_t' Q_as + K_t' Q_aa K_t
    v_t = q_s + Q_sa k_t + K_t' q_a + K_t' Q_aa k_t

The term in brackets makes it DDP; without it, it is Gauss–Newton. μ >= 0 makes Q_aa + μI positive definite
and the step shorter; V_t and v_t are still the value of the policy in the problem without μ. With limits,
k_t minimises 1/2 k'(Q_aa + μI)k + k'q_a in the box low - ā_t <= k <= high - ā_t, and an action that the box
clamps has a zero row in K_t.

As in `control.lqr`, x = [δs; 1] and [x; δa] carry each matrix and its vector together.

Source: Mayne (1966) and Jacobson & Mayne (1970), Differential dynamic programming; Li & Todorov (2004),
Iterative linear quadratic regulator design (Gauss–Newton); Liao & Shoemaker (1991), Convergence in
unconstrained discrete-time DDP (μI); Tassa, Erez & Todorov (2012), Synthesis and stabilization of complex
behaviors through online trajectory optimization, section II-F (value without μ); Tassa, Mansard & Todorov
(2014), Control-limited differential dynamic programming (the box).
"""

from __future__ import annotations

from operator import le
from typing import NamedTuple

import numpy as np
from scipy.linalg.lapack import dposv

from mbrl_teach.arguments import read_array, require_symmetric
from mbrl_teach.control.box_qp import minimise_in_box
from mbrl_teach.problems.base import ControlProblem


class Expansion(NamedTuple):
    """The problem around a trajectory, in [x; δa] of size d = n+1+m."""

    F: np.ndarray  # (T, n+1, d)
    C: np.ndarray  # (T, d, d)
    V: np.ndarray  # (n+1, n+1)
    curvature: np.ndarray | None  # (T, n, d²): ∂²dynamics_i/∂z² for DDP


def expand(problem: ControlProblem, states: np.ndarray, actions: np.ndarray, second_order: bool) -> Expansion:
    """Derivatives along states (T+1, n) and actions (T, m), each with one call for all steps.

    Raises ValueError where the problem's derivatives have a wrong shape or NaN (with the step).
    """
    s, a = states[:-1], actions
    (T, m), n = a.shape, s.shape[1]
    sizes = {"T": T, "n": n, "m": m}
    z, one, d = np.r_[:n, n + 1 : n + 1 + m], n, n + 1 + m
    F, C, V = np.zeros((T, n + 1, d)), np.zeros((T, d, d)), np.zeros((n + 1, n + 1))
    F[:, :n, z] = read_array("linearize(s, a)", problem.linearize(s, a), "T n n+m", sizes)
    F[:, one, one] = 1.0
    hessian, gradient = problem.quadratize(s, a)
    C[:, z[:, None], z] = _symmetric("the Hessian of quadratize(s, a)", hessian, "T n+m n+m", sizes)
    C[:, z, one] = read_array("the gradient of quadratize(s, a)", gradient, "T n+m", sizes)
    C[:, one, z] = C[:, z, one]
    hessian, gradient = problem.quadratize_final(states[-1])
    V[:n, :n] = _symmetric("the Hessian of quadratize_final(s)", hessian, "n n", sizes)
    V[:n, one] = V[one, :n] = read_array("the gradient of quadratize_final(s)", gradient, "n", sizes)
    if not second_order:
        return Expansion(F, C, V, None)
    curvature, hessian = np.zeros((T, n, d, d)), problem.dynamics_hessian(s, a)
    curvature[:, :, z[:, None], z] = _symmetric("dynamics_hessian(s, a)", hessian, "T n n+m n+m", sizes)
    return Expansion(F, C, V, curvature.reshape(T, n, d * d))


def _symmetric(name, matrices, axes, sizes):
    matrices = read_array(name, matrices, axes, sizes)
    require_symmetric(name, matrices, axes)
    return matrices


class Sweep(NamedTuple):
    """What a backward pass finds: the policy δa_t = K_t δs_t + k_t, and the action part of Q_t and q_t."""

    K: np.ndarray  # (T, m, n)
    k: np.ndarray  # (T, m)
    Q_aa: np.ndarray  # (T, m, m), without μ
    q_a: np.ndarray  # (T, m)
    failed_at: (
        int | None
    )  # the array index at which Q_aa + μI was not positive definite: the pass ended there

    def expected_decrease(self, rho):
        """D(ρ) = -sum_t (ρ k_t' q_a + ρ²/2 k_t' Q_aa k_t), for one ρ or many."""
        slope = np.einsum("ti,ti", self.k, self.q_a)
        bend = np.einsum("ti,tij,tj", self.k, self.Q_aa, self.k)
        return -(rho * slope + 0.5 * rho**2 * bend)

    def gradient_norm(self, box) -> float:
        """The largest entry of q_a; with limits, of the move along -q_a that the box leaves."""
        downhill = -self.q_a if box is None else np.clip(-self.q_a, *box)
        return float(np.abs(downhill).max())


def backward_pass(
    expansion: Expansion, mu: float = 0.0, box: tuple[np.ndarray, np.ndarray] | None = None
) -> Sweep:
    """The recursion above; `box` holds low - ā and high - ā, (T, m) each.

    `np.dot` and LAPACK are called directly: on matrices of this size they take half the time of `@`.
    """
    F, C, V, curvature = expansion
    T, x, d = F.shape
    n, m = x - 1, d - x
    Q = np.full((T, d, d), np.nan)
    policy = np.zeros((T, d, x))  # [I; G_t] with G_t = [K_t, k_t]: what [x; δa] is under the policy
    policy[:, :x] = np.eye(x)
    G = policy[:, x:]
    F_T, policy_T = np.swapaxes(F, -1, -2), np.swapaxes(policy, -1, -2)
    mu_identity, failed_at = mu * np.eye(m), None
    low, high = ([], []) if box is None else (bound.tolist() for bound in box)
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows has failed, too: see below
        for t in reversed(range(T)):
            Q_t = F_T[t].dot(V).dot(F[t]) + C[t]
            if curvature is not None:
                Q_t += V[n, :n].dot(curvature[t]).reshape(d, d)
            Q_aa, Q_ax = Q_t[x:, x:] + mu_identity, Q_t[x:, :x]
            _, G_t, failed = dposv(Q_aa, -Q_ax)
            if box is not None and (failed or not _inside(G_t[:, n], low[t], high[t])):
                G_t, failed = _clamped_gains(Q_aa, Q_ax, box[0][t], box[1][t], G_t[:, n], failed)
            if failed:
                failed_at = t
                break
            Q[t], G[t] = Q_t, G_t
            V = policy_T[t].dot(Q_t).dot(policy[t])
    if failed_at is None and not np.isfinite(G).all():  # LAPACK lets a NaN pass
        failed_at = int(np.flatnonzero(~np.isfinite(G).all(axis=(1, 2)))[-1])
    return Sweep(G[..., :n], G[..., n], Q[:, x:, x:], Q[:, x:, n], failed_at)


def _inside(k, low, high):
    """low <= k <= high, on Python floats: 2 µs less than on arrays of this size."""
    k = k.tolist()
    return all(map(le, low, k)) and all(map(le, k, high))


def _clamped_gains(Q_aa, Q_ax, low, high, newton, failed):
    """G_t = [K_t, k_t] with k_t in the box, and whether Q_aa is not positive definite where it is free.

    The search begins at the Newton step, or, where there is none, at the action of the last iteration.
    """
    G_t = np.zeros_like(Q_ax)
    if len(newton) == 1 and not failed:  # a single action outside its box stops at the bound: 20 µs less
        G_t[0, -1] = low[0] if newton[0] < low[0] else high[0]
        return G_t, False
    solution = minimise_in_box(Q_aa, Q_ax[:, -1], low, high, np.zeros_like(newton) if failed else newton)
    if solution is None:
        return G_t, True
    free = solution.free
    if free.any():
        G_t[free] = dposv(Q_aa[free][:, free], -Q_ax[free])[1]
    G_t[:, -1] = solution.x
    return G_t, False
