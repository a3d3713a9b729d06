"""How the states of a trajectory, and its cost, move with where it begins and with its actions.

Along a trajectory s_{t+1} = dynamics(s_t, a_t), t = 1 … L, let F_t = [F_s F_a] be the Jacobian of the
dynamics, C_t and c_t the Hessian and the gradient of the cost. With x = [s_1; a_1; …; a_L], states and
actions move with x as

    ∂s_{t+1}/∂x = F_s ∂s_t/∂x + F_a ∂a_t/∂x,        Z_t = ∂[s_t; a_t]/∂x.

So ∂s_{L+1}/∂s_1 is the product F_{s,L} … F_{s,1}. Let the end cost λ_{L+1} for each unit that it moves. The
*adjoint*

    λ_t = c_{s,t} + F_{s,t}' λ_{t+1}

is what a move of s_t costs, c_{a,t} + F_{a,t}' λ_{t+1} what a move of a_t does: the whole gradient in one
sweep backwards. And with f_t'' the second derivatives of the dynamics, the Hessian by x of the cost and
λ_{L+1}' s_{L+1} is

    sum_t Z_t' (C_t + sum_i λ_{t+1,i} f''_{t,i}) Z_t.

Everything takes a stack of segments of equal length at once, as multiple shooting needs it.

Source: Bryson & Ho, Applied Optimal Control (1975), section 2.2 (adjoint); Bock & Plitt, A multiple
shooting algorithm for direct solution of optimal control problems (IFAC World Congress 1984) (condensing).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mbrl_teach.arguments import read_array
from mbrl_teach.problems.base import ControlProblem


def adjoint_gradient(
    problem: ControlProblem, states: ArrayLike, actions: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
    """Gradient (T, m) of the total cost by the actions, and the adjoints λ (T+1, n), along a trajectory.

    states (T+1, n), actions (T, m): a trajectory of the world, as `problem.rollout` gives it

    Raises ValueError for a wrong shape, or NaN.
    """
    sizes = {"n": problem.state_size, "m": problem.action_size}
    actions = read_array("actions", actions, "T m", sizes)
    states = read_array("states", states, "T+1 n", sizes)
    _, end = problem.quadratize_final(states[-1])
    _, c = problem.quadratize(states[:-1], actions)
    F = problem.linearize(states[:-1], actions)
    adjoints = adjoint_sweep(F, c, end)
    return c[:, sizes["n"] :] + np.einsum("tni,tn->ti", F[..., sizes["n"] :], adjoints[1:]), adjoints


def adjoint_sweep(F: np.ndarray, c: np.ndarray, end: np.ndarray) -> np.ndarray:
    """λ (..., L+1, n) from F (..., L, n, n+m), c (..., L, n+m) and λ_{L+1} = `end` (..., n)."""
    L, n = F.shape[-3:-1]
    adjoints = np.empty((*F.shape[:-3], L + 1, n))
    adjoints[..., L, :] = end
    for t in reversed(range(L)):
        F_s = F[..., t, :, :n]
        adjoints[..., t, :] = c[..., t, :n] + (adjoints[..., t + 1, None, :] @ F_s)[..., 0, :]
    return adjoints


def sensitivities(F: ArrayLike) -> np.ndarray:
    """∂s_t/∂[s_1; a_1; …; a_L], t = 1 … L+1: (..., L+1, n, n+Lm), from Jacobians F (..., L, n, n+m).

    Raises ValueError for a wrong shape, or NaN.
    """
    sizes: dict[str, int] = {}
    F = read_array("F", F, "... L n n+m", sizes)
    L, n, m = sizes["L"], sizes["n"], sizes["m"]
    G = np.zeros((*F.shape[:-3], L + 1, n, n + L * m))
    G[..., 0, :, :n] = np.eye(n)
    for t in range(L):
        done = n + t * m  # s_{t+1} depends on the start and on a_1 … a_t only
        G[..., t + 1, :, :done] = F[..., t, :, :n] @ G[..., t, :, :done]
        G[..., t + 1, :, done : done + m] = F[..., t, :, n:]
    return G


class Condensed(NamedTuple):
    """Cost and end of M segments as functions of x = [s_1; a_1; …; a_L]."""

    gradient: np.ndarray  # (M, n+Lm) of the cost alone
    end: np.ndarray  # (M, n, n+Lm): ∂s_{L+1}/∂x
    hessian: np.ndarray  # (M, n+Lm, n+Lm) of cost + λ_{L+1}' s_{L+1}


def condense(
    problem: ControlProblem, states: np.ndarray, actions: np.ndarray, end: np.ndarray, second_order: bool
) -> Condensed:
    """Derivatives of segments with states (M, L+1, n) and actions (M, L, m), whose ends cost `end` (M, n) a
    unit.

    second_order: with the second derivatives of the dynamics; without them it is Gauss–Newton
    """
    s = states[:, :-1]
    M, L, n = s.shape
    m = actions.shape[-1]
    F, (C, c) = problem.linearize(s, actions), problem.quadratize(s, actions)
    G = sensitivities(F)
    Z = np.zeros((M, L, n + m, n + L * m))
    Z[:, :, :n] = G[:, :-1]
    t = np.arange(L)[:, None]
    i = np.arange(m)
    Z[:, t, n + i, n + t * m + i] = 1.0
    if second_order:
        adjoints = adjoint_sweep(F, c, end)
        C = C + np.einsum("kti,ktiyz->ktyz", adjoints[:, 1:], problem.dynamics_hessian(s, actions))
    flat = Z.reshape(M, L * (n + m), n + L * m)
    curved = (C @ Z).reshape(flat.shape)
    return Condensed(
        gradient=np.einsum("kty,ktyx->kx", c, Z), end=G[:, -1], hessian=np.swapaxes(flat, -1, -2) @ curved
    )
