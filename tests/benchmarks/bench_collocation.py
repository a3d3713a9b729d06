"""Collocation beside CasADi with IPOPT and scipy's SLSQP, the adjoint gradient beside a rollout.

All solve Kelly's cart-pole swing-up on the same trapezoid with the same start; SLSQP gets our derivatives.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import coo_array

from mbrl_teach.control.collocation import collocation
from mbrl_teach.control.sensitivities import adjoint_gradient
from mbrl_teach.control.transcription import Transcription
from mbrl_teach.problems.cart_pole import CartPole
from mbrl_teach.problems.pendulum import Pendulum
from tests.benchmarks.paired import Row, compare


def rows() -> Iterator[Row]:
    cart, N = CartPole(), 50
    ours = lambda: collocation(cart, intervals=N)
    plan = ours()
    work = f"collocation, cart-pole, trapezoid N={N}, {plan.iterations} iterations"
    if importlib.util.find_spec("casadi"):
        solve = ipopt(cart, N)
        cost, iterations = solve()
        assert abs(cost - plan.cost) < 1e-7
        yield compare(work, ours, f"IPOPT, {iterations} iterations", solve, target="≥ 0.33×")
    peer = slsqp(cart, N)
    assert abs(peer().fun - plan.cost) < 1e-4
    yield compare(work, ours, "SLSQP, the same derivatives", peer, target="≥ 10×")
    for T in (100, 1000):
        pendulum, actions = Pendulum(horizon=T), np.zeros((T, 1))
        states, _ = pendulum.rollout(actions)
        yield compare(
            f"adjoint gradient, pendulum T={T}",
            lambda p=pendulum, s=states, a=actions: adjoint_gradient(p, s, a),
            "one rollout",
            lambda p=pendulum, a=actions: p.rollout(a),
        )


def slsqp(problem, N):
    """A function that solves the same program by scipy."""
    program = Transcription(problem, np.linspace(0, problem.duration, N + 1), "trapezoid")
    share = program.times[:, None] / problem.duration
    start = program.unknowns(share * problem.final_state, np.zeros((N + 1, 1)))
    shape = (len(program.constraints(start)), len(start))
    dense = lambda x: coo_array((program.jacobian(x), program.jacobian_places), shape).toarray()
    return lambda: minimize(
        program.objective,
        start,
        jac=program.gradient,
        method="SLSQP",
        bounds=list(zip(program.low, program.high, strict=True)),
        constraints={"type": "eq", "fun": program.constraints, "jac": dense},
        options={"maxiter": 1000, "ftol": 1e-9},
    )


def ipopt(problem, N):
    """A function that solves the problem with CasADi and IPOPT and returns cost and iterations."""
    import casadi as ca

    s, a = ca.SX.sym("s", 4, N + 1), ca.SX.sym("a", 1, N + 1)
    h, p = problem.duration / N, problem
    sin, cos = ca.sin(s[1, :]), ca.cos(s[1, :])
    D = p.cart_mass + p.pole_mass * sin**2
    swing = p.length * p.pole_mass * s[3, :] ** 2
    x_acceleration = (swing * sin + a + p.pole_mass * p.gravity * cos * sin) / D
    both = (p.cart_mass + p.pole_mass) * p.gravity * sin
    angle_acceleration = -(swing * cos * sin + a * cos + both) / (p.length * D)
    f = ca.vertcat(s[2, :], s[3, :], x_acceleration, angle_acceleration)
    defects = s[:, 1:] - s[:, :-1] - h / 2 * (f[:, 1:] + f[:, :-1])
    cost = h / 2 * ca.sum2(a[:, 1:] ** 2 + a[:, :-1] ** 2)
    unknowns = ca.reshape(ca.vertcat(s, a), -1, 1)
    quiet = {"print_time": 0, "ipopt.print_level": 0, "ipopt.sb": "yes", "ipopt.tol": 1e-9}
    program = {"x": unknowns, "f": cost, "g": ca.reshape(defects, -1, 1)}
    solver = ca.nlpsol("peer", "ipopt", program, quiet)
    high = np.tile(np.concatenate([np.full(4, np.inf), p.action_high]), (N + 1, 1))
    low = -high
    low[0, :4] = high[0, :4] = p.initial_state
    low[-1, :4] = high[-1, :4] = p.final_state
    start = np.hstack([np.linspace(0, 1, N + 1)[:, None] * p.final_state, np.zeros((N + 1, 1))])

    def solve():
        result = solver(x0=start.ravel(), lbx=low.ravel(), ubx=high.ravel(), lbg=0, ubg=0)
        return float(result["f"]), solver.stats()["iter_count"]

    return solve
