"""Oracles of the trajectory optimisers: a linear-quadratic world, and scipy's minimisers from beside a plan."""

import numpy as np
from scipy.optimize import minimize

from mbrl_teach.control.lqr import lqr
from mbrl_teach.problems.base import ControlProblem


class LinearQuadratic(ControlProblem):
    """s' = F z + f, cost 1/2 z'Cz + z'c and 1/2 s'Vs + s'v at the end, with random numbers."""

    def __init__(self, rng, n, m, T):
        self.state_size, self.action_size, self.horizon = n, m, T
        self.initial_state = rng.normal(size=n)
        self.F, self.f = rng.normal(size=(n, n + m)) / np.sqrt(n), rng.normal(size=n)
        root, final_root = rng.normal(size=(n + m, n + m)), rng.normal(size=(n, n))
        self.C, self.c = root @ root.T + 0.1 * np.eye(n + m), rng.normal(size=n + m)
        self.V, self.v = final_root @ final_root.T, rng.normal(size=n)

    def dynamics(self, s, a):
        return self._join(s, a) @ self.F.T + self.f

    def cost(self, s, a):
        z = self._join(s, a)
        return 0.5 * np.einsum("...i,ij,...j", z, self.C, z) + z @ self.c

    def final_cost(self, s):
        return 0.5 * np.einsum("...i,ij,...j", s, self.V, s) + s @ self.v

    def linearize(self, s, a):
        return np.broadcast_to(self.F, (*s.shape[:-1], *self.F.shape))

    def quadratize(self, s, a):
        z = self._join(s, a)
        return np.broadcast_to(self.C, (*z.shape, z.shape[-1])), z @ self.C + self.c

    def quadratize_final(self, s):
        return self.V, self.V @ s + self.v

    def dynamics_hessian(self, s, a):
        return np.zeros((*s.shape[:-1], len(self.f), len(self.c), len(self.c)))

    def solution(self):
        repeat = lambda array: np.repeat(array[None], self.horizon, axis=0)
        return lqr(*map(repeat, (self.F, self.f, self.C, self.c)), self.V, self.v)


def least_cost_over_actions(problem, plan):
    """Single shooting: L-BFGS-B over all actions, with gradients by the adjoint, from a start beside the plan."""
    T, n, m = problem.horizon, problem.state_size, problem.action_size

    def cost_and_gradient(flat):
        actions = flat.reshape(T, m)
        states, cost = problem.rollout(actions)
        F = problem.linearize(states[:-1], actions)
        _, c = problem.quadratize(states[:-1], actions)
        _, adjoint = problem.quadratize_final(states[-1])
        gradient = np.empty_like(actions)
        for t in reversed(range(T)):
            slope = c[t] + F[t].T @ adjoint
            adjoint, gradient[t] = slope[:n], slope[n:]
        return cost, gradient.ravel()

    start = plan.actions + 1e-3 * np.random.default_rng(0).normal(size=(T, m))
    bounds = list(zip(problem.action_low, problem.action_high, strict=True)) * T
    options = {"maxiter": 5000, "maxfun": 5000, "maxcor": 60, "ftol": 0.0, "gtol": 1e-8}
    result = minimize(
        cost_and_gradient, start.ravel(), jac=True, method="L-BFGS-B", bounds=bounds, options=options
    )
    return result.fun


def least_cost_over_states_and_actions(problem, plan):
    """A nonlinear program whose unknowns are s_2 … s_{T+1} and all actions: SLSQP, from a start beside the plan.

    It bears the pendulum, which turns a change of the first actions by 0.001 into a fall.
    """
    T, n, m = problem.horizon, problem.state_size, problem.action_size
    split = lambda x: (np.vstack([problem.initial_state, x[: T * n].reshape(T, n)]), x[T * n :].reshape(T, m))
    cost = lambda s, a: problem.cost(s[:-1], a).sum() + problem.final_cost(s[-1])

    def slope(s, a):
        c = problem.quadratize(s[:-1], a)[1]
        return np.concatenate([c[1:, :n].ravel(), problem.quadratize_final(s[-1])[1], c[:, n:].ravel()])

    def constraint_slope(s, a):
        F, rows = problem.linearize(s[:-1], a), np.zeros((T, n, T * (n + m)))
        for t in range(T):
            rows[t, :, t * n : (t + 1) * n] = -np.eye(n)
            if t > 0:
                rows[t, :, (t - 1) * n : t * n] = F[t][:, :n]
            rows[t, :, T * n + t * m : T * n + (t + 1) * m] = F[t][:, n:]
        return rows.reshape(T * n, -1)

    x = np.concatenate([plan.states[1:].ravel(), plan.actions.ravel()])
    x += 1e-3 * np.random.default_rng(0).normal(size=x.shape)
    result = minimize(
        lambda x: cost(*split(x)),
        x,
        jac=lambda x: slope(*split(x)),
        method="SLSQP",
        bounds=[(None, None)] * (T * n) + list(zip(problem.action_low, problem.action_high, strict=True)) * T,
        constraints={
            "type": "eq",
            "fun": lambda x: (problem.dynamics((z := split(x))[0][:-1], z[1]) - z[0][1:]).ravel(),
            "jac": lambda x: constraint_slope(*split(x)),
        },
        options={"ftol": 1e-12, "maxiter": 200},
    )
    assert result.success
    return result.fun
