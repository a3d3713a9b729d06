"""Random instances for the checks of assignment 03_shooting_vs_collocation: lists of cases.

A case holds the arguments of one call. Worlds are plain functions, for one point or for stacks of points;
horizons are short, since at grading every call of a helper crosses two processes.
"""

from __future__ import annotations

import numpy as np

from mbrl_teach.grading.instances.matrices import positive_definite
from mbrl_teach.grading.references import shooting_vs_collocation as references

# Worlds ---------------------------------------------------------------------------------------------


def curved_world(rng, n, m):
    """Smooth dynamics without a name, s' = s + sin(W z)/2, and their Jacobian F = [I 0] + diag(cos W z) W/2.

    Both take (..., n), (..., m) and give (..., n) and (..., n, n+m).
    """
    W = rng.normal(size=(n, n + m))

    def turn(s, a):
        return np.concatenate([s, a], axis=-1) @ W.T

    def dynamics(s, a):
        return s + 0.5 * np.sin(turn(s, a))

    def linearize(s, a):
        return np.eye(n, n + m) + 0.5 * np.cos(turn(s, a))[..., None] * W

    return dynamics, linearize


def curved_cost(rng, d, scale=1.0):
    """A cost of [s; a] or of s alone, 1/2 z'Cz + sum sin z, and its gradient; entries are coupled."""
    C = scale * positive_definite(rng, d)

    def cost(*parts):
        z = np.concatenate(parts, axis=-1)
        return 0.5 * np.einsum("...i,ij,...j", z, C, z) + scale * np.sin(z).sum(axis=-1)

    def gradient(*parts):
        z = np.concatenate(parts, axis=-1)
        return z @ C + scale * np.cos(z)

    return cost, gradient


# Task 1 ---------------------------------------------------------------------------------------------


def _rollout(rng, n, m, T, final):
    dynamics, _ = curved_world(rng, n, m)
    cost, _ = curved_cost(rng, n + m)
    final_cost, _ = curved_cost(rng, n, scale=final)
    return rng.normal(size=n), rng.normal(size=(T, m)), dynamics, cost, final_cost


def rollouts_without_end(rng):
    """start, actions and world; the final cost is zero."""
    return [_rollout(rng, 2, 1, 3, 0.0), _rollout(rng, 3, 2, 4, 0.0)]


def rollouts(rng):
    """The end costs as well."""
    return [_rollout(rng, 2, 1, 3, 1.0), _rollout(rng, 3, 2, 4, 1.0)]


# Task 2 ---------------------------------------------------------------------------------------------


def _trajectory(rng, n, m, T, running):
    """states, actions, and the derivatives of dynamics, cost and final cost."""
    dynamics, linearize = curved_world(rng, n, m)
    _, cost_gradient = curved_cost(rng, n + m, scale=running)
    _, final_gradient = curved_cost(rng, n)
    states, actions = [rng.normal(size=n)], rng.normal(size=(T, m))
    for a in actions:
        states.append(dynamics(states[-1], a))
    return np.array(states), actions, linearize, cost_gradient, final_gradient


def single_steps(rng):
    """One action, so that its gradient needs λ of the end alone."""
    return [_trajectory(rng, 2, 1, 1, 1.0), _trajectory(rng, 3, 2, 1, 1.0)]


def paid_at_the_end(rng):
    """States and actions cost nothing on the way."""
    return [_trajectory(rng, 3, 2, 3, 0.0), _trajectory(rng, 2, 1, 4, 0.0)]


def paid_on_the_way(rng):
    """Every state and every action costs."""
    return [_trajectory(rng, 3, 2, 3, 1.0), _trajectory(rng, 2, 1, 4, 1.0)]


# Task 3 ---------------------------------------------------------------------------------------------


def scalar_products(rng):
    """Jacobians of one state, whose products do not mind their order."""
    return [
        (rng.uniform(0.5, 2.0, size=(T, 1, 1 + m)) * rng.choice([-1, 1], size=(T, 1, 1 + m)),)
        for T, m in ((3, 1), (4, 2))
    ]


def matrix_products(rng):
    """Jacobians of several states."""
    return [(rng.normal(size=(T, n, n + m)),) for T, n, m in ((3, 2, 1), (4, 3, 2))]


# Task 4 and 5 ---------------------------------------------------------------------------------------


def _drift(rng, n):
    """The same derivative and cost rate at every point."""
    velocity, price = rng.normal(size=n), rng.uniform(1.0, 2.0)
    stack = lambda s, a: np.broadcast_shapes(s.shape[:-1], a.shape[:-1])
    derivative = lambda s, a: np.broadcast_to(velocity, (*stack(s, a), n)).copy()
    return derivative, lambda s, a: np.full(stack(s, a), price)


def _bends(rng, n, m):
    W = rng.normal(size=(n, n + m))
    cost_rate, _ = curved_cost(rng, n + m)
    return lambda s, a: np.sin(np.concatenate([s, a], axis=-1) @ W.T), cost_rate


def _knots(rng, n, m, N, drifts):
    """states, actions, duration and the functions of points that are no trajectory of the world."""
    functions = _drift(rng, n) if drifts else _bends(rng, n, m)
    duration = rng.uniform(1.5, 4.0)
    return rng.normal(size=(N + 1, n)), rng.normal(size=(N + 1, m)), duration, *functions


def drifting_knots(rng):
    """Knots in a world that drifts steadily."""
    return [_knots(rng, 2, 1, 3, True), _knots(rng, 3, 2, 4, True)]


def bending_knots(rng):
    """Knots in a world whose derivative depends on state and action."""
    return [_knots(rng, 2, 1, 3, False), _knots(rng, 3, 2, 4, False)]


def _with_middles(rng, case):
    states, actions, *rest = case
    middles = (rng.normal(size=(len(z) - 1, z.shape[1])) for z in (states, actions))
    return states, actions, *middles, *rest


def drifting_points(rng):
    """The same with mid-points that lie anywhere."""
    return [_with_middles(rng, case) for case in drifting_knots(rng)]


def bending_points(rng):
    """Likewise."""
    return [_with_middles(rng, case) for case in bending_knots(rng)]


# Task 6 ---------------------------------------------------------------------------------------------


def unit_moves(rng):
    """1 m in 1 s with 1 kg: N, distance, duration, mass and the solver."""
    return [(N, 1.0, 1.0, 1.0, references.solve_qp) for N in (4, 7)]


def other_moves(rng):
    """Any distance, duration and mass."""
    return [(int(N), *rng.uniform(1.3, 2.5, size=3), references.solve_qp) for N in (5, 8)]
