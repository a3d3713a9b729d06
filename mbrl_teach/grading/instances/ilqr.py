"""Random instances for the checks of assignment 02_ilqr: lists of cases, the arguments of one call each.

Where a task takes helper functions, a case hands in the references of other tasks. At grading every call of
a helper crosses two processes, so horizons are short.
"""

from __future__ import annotations

import numpy as np

from mbrl_teach.grading.instances.matrices import positive_definite, symmetric
from mbrl_teach.grading.references import ilqr as references
from mbrl_teach.problems.pendulum import Pendulum

# Task 1 ---------------------------------------------------------------------------------------------


def _pendulums(rng, *angles):
    """s, a, dt, gravity, mass, length, near each of the angles."""
    for angle in angles:
        s, a = np.array([angle * rng.uniform(0.8, 1.2), rng.normal()]), rng.normal(size=1)
        yield s, a, *rng.uniform([0.05, 5.0, 0.4, 0.4], [0.3, 12.0, 0.8, 2.5])


def upright_pendulums(rng):
    """The angle is zero; everything else is any number."""
    return list(_pendulums(rng, 0.0, 0.0))


def turned_pendulums(rng):
    """The angle is far from zero, with a slope of either sign."""
    return list(_pendulums(rng, 0.8, 2.4, -1.1))


# Task 2 ---------------------------------------------------------------------------------------------


def _cost_points(rng, power):
    """s, a and weights, on either side of the horizontal, where the curvature in θ has either sign."""
    for angle in (0.7, 2.2, -2.7):
        weights = rng.uniform(0.5, 2.0, size=4) * [1.0, 1.0, 1.0, power]
        s = np.array([angle + rng.uniform(-0.3, 0.3), rng.uniform(0.5, 2.0)])
        yield s, rng.uniform(0.5, 2.0, size=1), weights


def costs_without_power(rng):
    """The cost of angle, velocity and torque alone: w_p = 0."""
    return list(_cost_points(rng, power=0.0))


def costs_with_power(rng):
    """The power term couples velocity and torque."""
    return list(_cost_points(rng, power=1.0))


# Task 3 ---------------------------------------------------------------------------------------------


def convex_steps(rng):
    """Q, q, mu, n: Q_aa is positive definite and mu is zero."""
    return [(positive_definite(rng, n + m), rng.normal(size=n + m), 0.0, n) for n, m in ((2, 2), (3, 2))]


def regularised_steps(rng):
    """mu is positive; Q_aa + mu I is positive definite, Q_aa is not in the second case."""
    cases = []
    for n, m, bent in ((2, 2, False), (3, 2, True), (1, 1, False)):
        Q, mu = positive_definite(rng, n + m), rng.uniform(1.0, 3.0)
        if bent:
            Q[n:, n:] -= (np.linalg.eigvalsh(Q[n:, n:])[0] + 0.5 * mu) * np.eye(m)
        cases.append((Q, rng.normal(size=n + m), mu, n))
    return cases


def doubtful_steps(rng):
    """Q_aa + mu I is positive definite or not, in all the ways to be mistaken about it."""
    n, big, cases = 2, rng.uniform(2.0, 3.0), []
    for Q_aa, mu in (
        (np.diag([1.0, -big]), 0.0),  # no: one eigenvalue is negative
        (np.diag([-1.0, -big]), 0.0),  # no, though the determinant is positive
        (np.array([[1.0, big], [big, 1.0]]), 0.0),  # no, though the diagonal is positive
        (np.diag([-1.0, -big]), 2 * big),  # yes, by mu alone
        (np.array([[big, 1.0], [1.0, big]]), 0.0),  # yes
        (np.diag([0.0, big]), 0.0),  # no: it is singular
    ):
        Q = symmetric(rng, n + 2, n + 2)
        Q[n:, n:] = Q_aa
        cases.append((Q, rng.normal(size=n + 2), mu, n))
    return cases


# Task 4 ---------------------------------------------------------------------------------------------


def horizon(rng, n, m, T, mu, bad_steps=()):
    """V_final, v_final, mu, T, m and helpers; at `bad_steps` the cost of the action bends down steeply."""
    F = rng.normal(size=(T, n, n + m)) / np.sqrt(n)
    C = np.stack([positive_definite(rng, n + m) for _ in range(T)])
    for t in bad_steps:
        C[t, n:, n:] -= 1000.0 * np.eye(m)
    action_value = references.action_values(F, C, rng.normal(size=(T, n + m)))
    return positive_definite(rng, n), rng.normal(size=n), mu, T, m, action_value, references.backward_step


def plain_horizons(rng):
    """Positive definite at every step, without regularisation."""
    return [horizon(rng, 3, 2, 3, 0.0), horizon(rng, 2, 1, 4, 0.0)]


def regularised_horizons(rng):
    """The same with mu."""
    return [horizon(rng, 3, 2, 3, rng.uniform(1.0, 3.0)), horizon(rng, 2, 1, 4, rng.uniform(1.0, 3.0))]


def doubtful_horizons(rng):
    """Steps that are not positive definite: the first and the last to be computed, one of them; or mu helps.

    In this order, since what goes unnoticed in the first case tells mistakes apart.
    """
    return [
        horizon(rng, 2, 1, 3, mu, bad)
        for mu, bad in ((0.0, (0, 2)), (0.0, (0,)), (0.0, (2,)), (5000.0, (1,)))
    ]


# Task 5 ---------------------------------------------------------------------------------------------


def curved_world(rng, n, m):
    """Smooth dynamics without a name; (..., n), (..., m) -> (..., n)."""
    bend, push = rng.normal(size=(n, n)), rng.uniform(-0.8, 0.8, size=(m, n))
    return lambda s, a: s + 0.4 * np.sin(s @ bend) + a @ push


def _line_search(dynamics, start, actions, K, k, best, share, curvature=1.0):
    """A trajectory whose cost is about parabolic in rho, lowest at `best`, and a model that sees its slope.

    The model takes the lowest point to be at rho = 1, or beyond where `curvature` is smaller. The cost is
    half the squared distance from where `best` leads.
    """
    states, _ = references.follow(np.tile(start, (len(actions) + 1, 1)), actions, 0 * K, 0 * k, dynamics)
    goal = references.follow(states, actions, K, best * k, dynamics)

    def total_cost(states, actions):
        pairs = zip((states, actions), goal, strict=True)
        return 0.5 * sum(np.square(found - wanted).sum(axis=(-1, -2)) for found, wanted in pairs)

    cost = float(total_cost(states, actions))
    slope = 2 * cost / best if best else 1.0
    return states, actions, cost, K, k, slope, -curvature * slope, dynamics, total_cost, share


def _line_searches(rng, *aims, action=0.5, offset=0.3):
    """Line searches in curved worlds, one for each aim: best, share, perhaps curvature; sizes of a and k."""
    for aim, (n, m, T) in zip(aims, ((3, 2, 3), (2, 1, 3), (2, 2, 2), (3, 1, 2)), strict=False):
        K, k = 0.3 * rng.normal(size=(T, m, n)), offset * rng.uniform(-1.0, 1.0, size=(T, m))
        start, actions = rng.normal(size=n), action * rng.normal(size=(T, m))
        yield _line_search(curved_world(rng, n, m), start, actions, K, k, *aim)


def right_promises(rng):
    """The model is right: rho = 1 is the best step, and so long that wrong ones may be accepted, too.

    Of what the slope alone promises, it brings one half: less than the second share.
    """
    return list(_line_searches(rng, (1.0, 0.1), (1.0, 0.7), action=0.2, offset=0.8))


def broken_promises(rng):
    """The best step is shorter: rho = 1 overshoots, or brings too little for what was promised.

    In the third case the longest step that is good enough is not the one of the lowest cost.
    """
    return list(_line_searches(rng, (0.6, 0.29, 0.3), (0.3, 0.5), (0.35, 0.2), (0.6, 0.5)))


def empty_promises(rng):
    """The trajectory cannot be improved, whatever the model promises."""
    return list(_line_searches(rng, (0.0, 0.5)))


def whirling_pendulums(rng):
    """The new trajectory turns round and round, the old one hangs about."""
    K, k = 0.3 * rng.normal(size=(4, 1, 2)), rng.uniform(9.0, 12.0, size=(4, 1))
    world = Pendulum(dt=0.3, gravity=rng.uniform(1.0, 2.0))
    return [_line_search(world.dynamics, np.array([np.pi - 0.1, 0.0]), np.zeros((4, 1)), K, k, 1.0, 0.4)]


# Task 6 ---------------------------------------------------------------------------------------------

MILD = {"weights": (1.0, 0.1, 0.1), "final_weights": (5.0, 1.0)}
CHEAP = {"weights": (1.0, 0.1, 0.002), "final_weights": (0.2, 0.0)}  # torque costs next to nothing
PAID = {"weights": (1.0, 0.1, -0.09), "final_weights": (0.2, 0.0)}  # torque is paid for: mu is always needed


def _swing(rng, weights, angle, max_iterations, tolerance):
    """A pendulum, a first trajectory, and the helpers of the whole loop."""
    world = Pendulum(horizon=5, dt=0.2, gravity=rng.uniform(8.0, 10.0), **weights)
    actions = 0.1 * rng.normal(size=(5, 1))
    states, cost = world.rollout(actions, [angle * rng.uniform(0.9, 1.1), 0.3 * rng.normal()])

    def total_cost(states, actions):
        return world.cost(states[:-1], actions).sum() + world.final_cost(states[-1])

    def expand(states, actions):
        return world.linearize(states, actions), *world.quadratize(states, actions)

    def backward_pass(local, final, mu):
        helpers = references.action_values(*local), references.backward_step
        return references.backward_pass(*final, mu, 5, 1, *helpers)

    def forward_pass(*trajectory_and_policy):
        return references.forward_pass(*trajectory_and_policy, world.dynamics, total_cost, 0.1)

    helpers = expand, world.quadratize_final, backward_pass, forward_pass
    return states, actions, cost, *helpers, max_iterations, tolerance


def swings(rng):
    """From an angle that is not small to an optimum."""
    return [_swing(rng, MILD, 1.0, 50, 1e-12)]


def rough_swings(rng):
    """The same, stopped where the trajectory still moves from sweep to sweep."""
    return [_swing(rng, MILD, 1.0, 50, 1.0)]


def short_swings(rng):
    """Two iterations do not suffice."""
    return [_swing(rng, MILD, 1.2, 2, 1e-12)]


def hanging_starts(rng):
    """The first sweeps are not positive definite: hanging, the cost bends down, and torque is cheap.

    Where it is paid for, steps follow until mu is too small: then a sweep fails right after a step.
    """
    return [_swing(rng, CHEAP, np.pi, 8, 1e-12), _swing(rng, PAID, np.pi, 8, 1e-12)]


# Task 7 ---------------------------------------------------------------------------------------------


def _steps(rng, bend):
    """F, F_zz, C, c, V, v."""
    for n, m in ((3, 2), (2, 1), (1, 2)):
        F, F_zz = rng.normal(size=(n, n + m)), bend * symmetric(rng, n, n + m, n + m)
        C, c = symmetric(rng, n + m, n + m), rng.normal(size=n + m)
        yield F, F_zz, C, c, positive_definite(rng, n), rng.normal(size=n)


def straight_steps(rng):
    """Dynamics without second derivatives."""
    return list(_steps(rng, bend=0.0))


def curved_steps(rng):
    """Dynamics with second derivatives."""
    return list(_steps(rng, bend=1.0))


# Task 8 ---------------------------------------------------------------------------------------------


def _closed_loop(rng, planner):
    """State, guess, plan, world, steps; the plan is planner(policy, guess) with a random policy (T, m)."""
    n, m, T = 3, 2, 3
    gains, guess = rng.normal(size=(T, m, n)), rng.normal(size=(T, m))
    plan = lambda state, guess: planner(np.tanh(gains @ state), np.asarray(guess))
    return [(rng.normal(size=n), guess, plan, curved_world(rng, n, m), 4)]


def loops_without_memory(rng):
    """The planner looks at the state alone."""
    return _closed_loop(rng, lambda policy, guess: policy)


def loops_with_memory(rng):
    """The planner improves its guess, except for the last action, which it makes anew."""
    remembered = lambda guess: np.append(guess[:-1], 0 * guess[-1:], axis=0)
    return _closed_loop(rng, lambda policy, guess: policy + 0.5 * remembered(guess))


def loops_with_an_end(rng):
    """The planner cares for the last action of its guess."""
    return _closed_loop(rng, lambda policy, guess: policy + 0.5 * guess[-1])
