"""A plan of 500 sequences x 30 steps x 5 iterations on the pendulum, against its bare rollouts and mbrl-lib.

The bare rollouts are what no such planner can do without: 5 times, 500 given sequences through the world.

mbrl-lib 0.2.0 (torch) gets the same world as plain torch functions, one call a step, without the overhead of
its model environments; its optimiser has the settings of PETS, once with its truncated normals, once with
clipped ones as ours. It is no part of the extra `peers`, since it pins a hydra-core that does not import on Python
3.11 and newer; to see its rows, install it with a newer one beside this package:
``pip install torch mbrl && pip install 'hydra-core>=1.3'``.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import numpy as np

from mbrl_teach.planning.cem import CrossEntropyPlanner
from mbrl_teach.planning.mppi import PathIntegralPlanner
from mbrl_teach.planning.random_shooting import RandomShootingPlanner
from mbrl_teach.planning.rollouts import Rollouts
from mbrl_teach.problems.pendulum import Pendulum
from tests.benchmarks.paired import Row, compare

N, T, ITERATIONS, STATE = 500, 30, 5, np.array([np.pi, 0.0])


def rows() -> Iterator[Row]:
    world = Pendulum(horizon=T, action_limit=2.0)
    rollouts = Rollouts(world)
    sequences = np.moveaxis(np.random.default_rng(0).uniform(-2, 2, (T, N, 1)), 0, 1)
    bare = lambda: [rollouts.costs(STATE, sequences) for _ in range(ITERATIONS)]
    cem = plan_with(CrossEntropyPlanner, world, iterations=ITERATIONS)
    yield compare("CEM plan", cem, "bare rollouts", bare, target="≥ 0.5×")
    white = plan_with(CrossEntropyPlanner, world, iterations=ITERATIONS, noise_exponent=0.0)
    yield compare("CEM plan, white noise", white, "bare rollouts", bare)
    mppi = plan_with(PathIntegralPlanner, world, iterations=ITERATIONS)
    yield compare("MPPI plan", mppi, "bare rollouts", bare)
    shooting = plan_with(RandomShootingPlanner, world, population=N * ITERATIONS)
    yield compare("random shooting, as many sequences", shooting, "bare rollouts", bare)
    if importlib.util.find_spec("mbrl"):
        for name, clipped in (("truncated", False), ("clipped", True)):
            peer = f"mbrl-lib, {name} normals"
            yield compare("CEM plan", cem, peer, mbrl_lib(world, clipped), target="≥ 1.82×", seconds=5.0)


def plan_with(planner, world, **keywords):
    planner = planner(world, rng=np.random.default_rng(0), **keywords)
    return lambda: planner.plan(STATE)


def mbrl_lib(world, clipped):
    """A function that makes one plan with mbrl-lib."""
    import torch
    from mbrl.planning.trajectory_opt import CEMOptimizer

    torch.set_num_threads(1)
    limits = [[-2.0]] * T, [[2.0]] * T
    cpu = torch.device("cpu")
    optimiser = CEMOptimizer(ITERATIONS, 0.1, N, *limits, 0.1, cpu, clipped_normal=clipped)
    angle, velocity, torque = world.dt * world.weights
    final_angle, final_velocity = world.final_weights

    def returns(actions):
        theta, omega = torch.full((N,), STATE[0]), torch.full((N,), STATE[1])
        total = torch.zeros(N)
        for t in range(T):
            u = actions[:, t, 0]
            total -= angle * (1 - torch.cos(theta)) + 0.5 * velocity * omega**2 + 0.5 * torque * u**2
            omega = omega + world.dt * (1.5 * world.gravity / world.length * torch.sin(theta) + 3.0 * u)
            theta = theta + world.dt * omega
        return total - 0.5 * (final_angle * theta**2 + final_velocity * omega**2)

    start = torch.zeros(T, 1)

    def plan():
        with torch.no_grad():
            return optimiser.optimize(returns, x0=start)

    return plan
