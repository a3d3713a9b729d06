"""The linear-quadratic regulator.

Minimise over a_1 … a_T, with z_t = [s_t; a_t],

    sum_t (1/2 z_t' C_t z_t + z_t' c_t) + 1/2 s_{T+1}' V_{T+1} s_{T+1} + s_{T+1}' v_{T+1}
    subject to  s_{t+1} = F_t z_t + f_t.

Backward, for t = T … 1:

    Q_t = C_t + F_t' V_{t+1} F_t                      q_t = c_t + F_t' (V_{t+1} f_t + v_{t+1})
    K_t = -Q_aa⁻¹ Q_as                                k_t = -Q_aa⁻¹ q_a
    V_t = Q_ss + Q_sa K_t + K_t' Q_as + K_t' Q_aa K_t
    v_t = q_s + Q_sa k_t + K_t' q_a + K_t' Q_aa k_t

Forward, for t = 1 … T:  a_t = K_t s_t + k_t,  s_{t+1} = F_t z_t + f_t.

In the code the matrix and the vector of each pair travel together: with a constant 1 appended to the
state, x = [s; 1], every affine map is linear and every quadratic with a linear term is a quadratic form,

    V_t <- [[V_t, v_t], [v_t', 2 constant_t]],   G_t = [K_t, k_t],   a_t = G_t x_t,

so that two lines compute all that stands above:  Q = C + F' V F,  V = [I; G]' Q [I; G].

The infinite horizon, where the gains no longer change, is `riccati`, in a file of its own.

Source: Bertsekas, Dynamic Programming and Optimal Control I (2017), section 3.1; the joint notation is
that of Levine, CS 285 (UC Berkeley), lecture "Optimal control and planning".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg.lapack import dposv

from mbrl_teach.arguments import (
    read_array,
    read_arrays,
    require_at_least_one,
    require_covariance,
    require_finite,
    require_symmetric,
)
from mbrl_teach.control.riccati import riccati

__all__ = ["LQRSolution", "lqr", "riccati"]


@dataclass(frozen=True)
class LQRSolution:
    """The optimal policy a_t = K_t s_t + k_t and the values of a linear-quadratic problem.

    Arrays count from 0: ``K[t-1]`` is K_t. A stack of problems puts its axes before the time axis.

    K (T, m, n), k (T, m): the policy
    V (T+1, n, n), v (T+1, n), constant (T+1,): the optimal cost from s at t is 1/2 s'Vs + s'v + constant
    Q (T, n+m, n+m), q (T, n+m): the action-value 1/2 z'Qz + z'q, up to its constant
    F, f, C, c: the problem
    """

    K: np.ndarray
    k: np.ndarray
    V: np.ndarray
    v: np.ndarray
    constant: np.ndarray
    Q: np.ndarray
    q: np.ndarray
    F: np.ndarray
    f: np.ndarray
    C: np.ndarray
    c: np.ndarray

    def rollout(self, initial_state: ArrayLike) -> tuple[np.ndarray, np.ndarray, float | np.ndarray]:
        """Follow the policy from `initial_state` (..., n) without noise.

        Returns states (..., T+1, n), actions (..., T, m) and the total cost: a float, or an array (...)
        for a stack of problems or of initial states. Raises ValueError for a wrong shape or NaN.
        """
        T, m, n = self.K.shape[-3:]
        start = read_array("initial_state", initial_state, "... n", {"n": n})
        stack = np.broadcast_shapes(self.K.shape[:-3], start.shape[:-1])
        states, actions = np.empty((*stack, T + 1, n)), np.empty((*stack, T, m))
        states[..., 0, :] = start
        for t in range(T):
            s = states[..., t, :]
            a = actions[..., t, :] = _apply(self.K[..., t, :, :], s) + self.k[..., t, :]
            z = np.concatenate([s, a], axis=-1)
            states[..., t + 1, :] = _apply(self.F[..., t, :, :], z) + self.f[..., t, :]
        z = np.concatenate([states[..., :-1, :], actions], axis=-1)
        cost = _quadratic(self.C, self.c, z).sum(axis=-1)
        if self.V[..., -1, :, :].any() or self.v[..., -1, :].any():
            cost = cost + _quadratic(self.V[..., -1, :, :], self.v[..., -1, :], states[..., -1, :])
        return states, actions, cost if stack else float(cost)


def lqr(
    F: ArrayLike,
    f: ArrayLike,
    C: ArrayLike,
    c: ArrayLike,
    V_final: ArrayLike | None = None,
    v_final: ArrayLike | None = None,
    noise: ArrayLike | None = None,
) -> LQRSolution:
    """Solve a finite-horizon linear-quadratic problem exactly, by the backward recursion above.

    Parameters (leading axes of all of them broadcast: a stack of problems is solved in one sweep)
        F (T, n, n+m), f (T, n): dynamics s_{t+1} = F_t [s_t; a_t] + f_t
        C (T, n+m, n+m), c (T, n+m): cost 1/2 z'Cz + z'c; C symmetric; it may be singular, Q_aa may not
        V_final (n, n), v_final (n,): value of s_{T+1}; None is zero: then F_T and f_T do not matter
        noise (T, n, n): covariances of Gaussian noise on s_{t+1}; it leaves the policy as it is and adds
            1/2 tr(V_{t+1} noise_t) to the constant

    Raises ValueError for a wrong shape, NaN, a matrix that is not symmetric (1e-10 relative), noise that
    is no covariance, and where Q_aa is not positive definite (with the step).
    """
    F, f, C, c, V_final, v_final, noise = _read(F, f, C, c, V_final, v_final, noise)
    n, T = F.shape[-2], F.shape[-3]
    V, G, Q = _backward(*_homogeneous(F, f, C, c, V_final, v_final))
    state_and_action = np.delete(np.arange(Q.shape[-1]), n)
    constant = 0.5 * V[..., n, n]
    if noise is not None:
        spread = 0.5 * np.einsum("...tij,...tji->...t", V[..., 1:, :n, :n], noise)
        constant[..., :T] += np.cumsum(spread[..., ::-1], axis=-1)[..., ::-1]
    return LQRSolution(
        K=G[..., :n],
        k=G[..., n],
        V=V[..., :n, :n],
        v=V[..., :n, n],
        constant=constant,
        Q=Q[..., state_and_action[:, None], state_and_action],
        q=Q[..., state_and_action, n],
        F=F,
        f=f,
        C=C,
        c=c,
    )


def _read(F, f, C, c, V_final, v_final, noise):
    """All arguments as arrays with a common stack; a missing final value becomes zero."""
    sizes: dict[str, int] = {}
    ends_at_T = V_final is None and v_final is None
    dynamics = {"F": (F, "... T n n+m"), "f": (f, "... T n")}
    cost = {"C": (C, "... T n+m n+m"), "c": (c, "... T n+m")}
    end = {"V_final": (V_final, "... n n"), "v_final": (v_final, "... n"), "noise": (noise, "... T n n")}
    end = {name: argument for name, argument in end.items() if argument[0] is not None}
    arrays = read_arrays(dynamics | cost | end, sizes, unchecked=("F", "f"))
    require_at_least_one("F", arrays["F"], {name: sizes[name] for name in ("T", "n", "m")})
    n, used = sizes["n"], sizes["T"] - ends_at_T
    require_finite("F", arrays["F"][..., :used, :, :], "... T n n+m")
    require_finite("f", arrays["f"][..., :used, :], "... T n")
    arrays.setdefault("V_final", np.zeros((n, n)))
    arrays.setdefault("v_final", np.zeros(n))
    require_symmetric("C", arrays["C"], "... T n+m n+m")
    require_symmetric("V_final", arrays["V_final"], "... n n")
    if noise is not None:
        require_covariance("noise", arrays["noise"], "... T n n")
    arrays = _with_common_stack(arrays)
    return *(arrays[name] for name in ("F", "f", "C", "c", "V_final", "v_final")), arrays.get("noise")


_RANKS = {"F": 3, "f": 2, "C": 3, "c": 2, "V_final": 2, "v_final": 1, "noise": 3}


def _with_common_stack(arrays):
    """Copies of the arrays, whose leading axes are broadcast against each other."""
    stacks = {name: array.shape[: array.ndim - _RANKS[name]] for name, array in arrays.items()}
    try:
        stack = np.broadcast_shapes(*stacks.values())
    except ValueError:
        told = ", ".join(f"{name} {axes}" for name, axes in stacks.items() if axes)
        raise ValueError(f"the leading axes of all arguments must broadcast; got {told}") from None
    own = {name: array.shape[array.ndim - _RANKS[name] :] for name, array in arrays.items()}
    return {name: np.array(np.broadcast_to(array, stack + own[name])) for name, array in arrays.items()}


def _homogeneous(F, f, C, c, V_final, v_final):
    """The problem in x = [s; 1] and [x; a]: time first, then the stack; one matrix for each pair."""
    T, n, joint = F.shape[-3:]
    stack = F.shape[:-3]
    s, one, a = slice(0, n), n, slice(n + 1, joint + 1)
    F_x = np.zeros((T, *stack, n + 1, joint + 1))
    C_x = np.zeros((T, *stack, joint + 1, joint + 1))
    V_x = np.zeros((*stack, n + 1, n + 1))
    if not np.any(V_final) and not np.any(v_final):
        T -= 1  # the last transition leads nowhere that costs: F_T and f_T stay out
    F, f, C, c = _time_first(F, 3), _time_first(f, 2), _time_first(C, 3), _time_first(c, 2)
    F_x[:T, ..., s, s] = F[:T, ..., :n]
    F_x[:T, ..., s, a] = F[:T, ..., n:]
    F_x[:T, ..., s, one] = f[:T]
    F_x[..., one, one] = 1.0
    for rows, of_rows in ((s, slice(0, n)), (a, slice(n, joint))):
        C_x[..., rows, one] = C_x[..., one, rows] = c[..., of_rows]
        for columns, of_columns in ((s, slice(0, n)), (a, slice(n, joint))):
            C_x[..., rows, columns] = C[..., of_rows, of_columns]
    V_x[..., s, s] = V_final
    V_x[..., s, one] = V_x[..., one, s] = v_final
    return F_x, C_x, V_x


def _time_first(array, rank):
    """An array (stack, T, …) of which `rank` axes belong to one problem, as (T, stack, …)."""
    return array if array.ndim == rank else np.moveaxis(array, -rank, 0)


def _backward(F, C, V_final):
    """Backward recursion in x = [s; 1]: values V (T+1, …), gains G = [K, k] (T, …), action-values Q (T, …).

    A single problem multiplies with `np.dot`, which costs 0.4 µs on matrices of this size where `@` costs
    0.9 µs; a stack needs `np.matmul`.
    """
    T, x, joint = F.shape[0], F.shape[-2], F.shape[-1]
    stack = F.shape[1:-2]
    product = np.matmul if stack else np.dot
    solve = _solve_stack if stack else _solve_one
    V = np.empty((T + 1, *stack, x, x))
    Q = np.empty_like(C)
    Q_aa, Q_ax = Q[..., x:, x:], Q[..., x:, :x]
    policy = np.zeros((T, *stack, joint, x))  # [I; G_t]: what [x; a] is once a_t = G_t x_t
    policy[..., :x, :] = np.eye(x)
    G = policy[..., x:, :]
    F_T, policy_T = np.swapaxes(F, -1, -2), np.swapaxes(policy, -1, -2)
    V_t = V[T] = V_final
    for t in reversed(range(T)):
        Q_t = Q[t] = product(product(F_T[t], V_t), F[t]) + C[t]
        G[t] = solve(Q_aa[t], Q_ax[t], t)
        V_t = V[t] = product(product(policy_T[t], Q_t), policy[t])
    V = 0.5 * (V + np.swapaxes(V, -1, -2))  # symmetric but for rounding
    return tuple(np.moveaxis(array, 0, -3) if stack else array for array in (V, G, Q))


def _solve_one(Q_aa, Q_ax, t):
    """G_t = -Q_aa⁻¹ Q_ax by Cholesky (LAPACK posv, which notices a Q_aa that is not positive definite)."""
    _, G, not_positive = dposv(Q_aa, Q_ax)
    if not_positive:
        raise ValueError(_no_minimum(t))
    return -G


def _solve_stack(Q_aa, Q_ax, t):
    """The same for a stack."""
    try:
        np.linalg.cholesky(Q_aa)
    except np.linalg.LinAlgError:
        raise ValueError(_no_minimum(t)) from None
    return -np.linalg.solve(Q_aa, Q_ax)


def _no_minimum(t: int) -> str:
    return (
        f"Q_aa must be positive definite; it is not at t = {t + 1} (array index {t}): "
        "the cost from there on has no minimum over the action"
    )


def _apply(matrix, vector):
    return (matrix @ vector[..., None])[..., 0]


def _quadratic(matrix, vector, x):
    """1/2 x' matrix x + x' vector over the last axes."""
    return 0.5 * np.einsum("...i,...ij,...j", x, matrix, x) + np.einsum("...i,...i", x, vector)
