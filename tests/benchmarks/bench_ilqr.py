"""DDP against CasADi with IPOPT and against Gauss–Newton, default against analytic derivatives.

IPOPT solves the same problem with states and actions as unknowns, exact second derivatives and the same
start: the actions that are zero, and the states that they lead to.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from mbrl_teach.control.ilqr import ilqr
from mbrl_teach.problems.base import ControlProblem
from mbrl_teach.problems.cart_pole import CartPole
from mbrl_teach.problems.pendulum import Pendulum
from tests.benchmarks.paired import Row, compare


def only_functions(problem):
    """The same world, without its analytic derivatives."""
    names = ("linearize", "quadratize", "quadratize_final", "dynamics_hessian")
    plain = object.__new__(
        type("Plain", (type(problem),), {name: getattr(ControlProblem, name) for name in names})
    )
    plain.__dict__.update(problem.__dict__)
    return plain


def derivatives(problem, states, actions):
    s = states[:-1]
    problem.linearize(s, actions), problem.quadratize(s, actions), problem.dynamics_hessian(s, actions)
    problem.quadratize_final(states[-1])


def rows() -> Iterator[Row]:
    free = {"pendulum T=100": Pendulum(), "cart-pole T=150": CartPole(action_limit=np.inf)}
    limited = {"pendulum T=100, |a| ≤ 2": Pendulum(action_limit=2.0), "cart-pole T=150, |a| ≤ 20": CartPole()}
    for name, problem in (free | limited).items():
        ddp = lambda problem=problem: ilqr(problem, second_order=True)
        plan = ddp()
        work = f"DDP {name}, {plan.iterations} iterations"
        if importlib.util.find_spec("casadi"):
            solve = ipopt(problem)
            cost, iterations = solve()
            assert abs(cost - plan.cost) < 1e-6 * plan.cost
            yield compare(work, ddp, f"IPOPT, {iterations} iterations", solve, target="≥ 0.33×")
        slow = ilqr(problem)
        yield compare(work, ddp, f"Gauss–Newton, {slow.iterations} iterations", lambda p=problem: ilqr(p))
        if name in free:
            yield from _derivative_rows(name, problem, plan, ddp)


def _derivative_rows(name, problem, plan, ddp) -> Iterator[Row]:
    plain = only_functions(problem)
    yield compare(
        f"DDP {name}, two functions only",
        lambda: ilqr(plain, second_order=True),
        "analytic derivatives",
        ddp,
        target="≥ 0.25×",
    )
    row = compare(
        f"derivatives of {name}",
        lambda: derivatives(problem, plan.states, plan.actions),
        "one DDP iteration",
        ddp,
        target="≥ 20×",
    )
    yield replace(row, peer=row.peer / plan.iterations, ratio=row.ratio / plan.iterations)


def ipopt(problem):
    """A function that solves the problem with CasADi and IPOPT and returns cost and iterations."""
    import casadi as ca

    T, n, m = problem.horizon, problem.state_size, problem.action_size
    step, stage, final = pendulum(ca, problem) if n == 2 else cart_pole(ca, problem)
    s = [ca.SX.sym(f"s{t}", n) for t in range(T + 1)]
    a = [ca.SX.sym(f"a{t}", m) for t in range(T)]
    cost = sum(stage(s[t], a[t]) for t in range(T)) + final(s[T])
    gaps = [s[0] - problem.initial_state] + [s[t + 1] - step(s[t], a[t]) for t in range(T)]
    unknowns = ca.vertcat(*[v for t in range(T) for v in (s[t], a[t])], s[T])
    quiet = {"print_time": 0, "ipopt.print_level": 0, "ipopt.sb": "yes", "ipopt.tol": 1e-9}
    solver = ca.nlpsol("peer", "ipopt", {"x": unknowns, "f": cost, "g": ca.vertcat(*gaps)}, quiet)
    interleave = lambda of_s, of_a: np.concatenate([np.tile(np.concatenate([of_s, of_a]), T), of_s])
    free = np.full(n, np.inf)
    low, high = interleave(-free, problem.action_low), interleave(free, problem.action_high)
    states, _ = problem.rollout(np.zeros((T, m)))
    start = np.concatenate([np.hstack([states[:-1], np.zeros((T, m))]).ravel(), states[-1]])

    def solve():
        result = solver(x0=start, lbg=0, ubg=0, lbx=low, ubx=high)
        return float(result["f"]), solver.stats()["iter_count"]

    return solve


def pendulum(ca, p):
    """Step, stage cost and final cost for CasADi."""

    def step(s, a):
        omega = s[1] + p.dt * (
            1.5 * p.gravity / p.length * ca.sin(s[0]) + 3.0 / (p.mass * p.length**2) * a[0]
        )
        return ca.vertcat(s[0] + p.dt * omega, omega)

    angle, velocity, torque = p.dt * p.weights
    stage = lambda s, a: angle * (1.0 - ca.cos(s[0])) + 0.5 * velocity * s[1] ** 2 + 0.5 * torque * a[0] ** 2
    return step, stage, lambda s: 0.5 * ca.dot(p.final_weights, s * s)


def cart_pole(ca, p):
    """The same; explicit Euler."""

    def step(s, a):
        sin, cos, swing = ca.sin(s[1]), ca.cos(s[1]), p.length * p.pole_mass * s[3] ** 2
        D, g, both = p.cart_mass + p.pole_mass * sin**2, p.gravity, p.cart_mass + p.pole_mass
        x_acceleration = (swing * sin + a[0] + p.pole_mass * g * cos * sin) / D
        angle_acceleration = -(swing * cos * sin + a[0] * cos + both * g * sin) / (p.length * D)
        return s + p.dt * ca.vertcat(s[2], s[3], x_acceleration, angle_acceleration)

    stage = lambda s, a: p.dt * p.force_weight * a[0] ** 2
    return step, stage, lambda s: 0.5 * ca.dot(p.final_weights, (s - p.goal) ** 2)
