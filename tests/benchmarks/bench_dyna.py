"""Dyna-Q on the Dyna maze of figure 8.2: the library, its lock-step runs, and a plain program.

The plain program is what one writes from the book: q in an array, the model a dictionary of dictionaries,
the choices by NumPy. It learns in the same time of the world, so the work is the same on average: a run of 20
episodes, with its long first one. Both draw from one generator that goes on, and the mean over all runs counts.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mbrl_teach.agents.dyna import dyna_q, dyna_q_runs
from mbrl_teach.agents.prioritized_sweeping import prioritized_sweeping
from mbrl_teach.problems.mazes import dyna_maze
from tests.benchmarks.paired import Row, compare

EPISODES, RUNS = 20, 300
SETTINGS = {"alpha": 0.1, "gamma": 0.95, "epsilon": 0.1}


def plain_dyna_q(env, *, episodes, planning_steps, alpha, gamma, epsilon, rng):
    """The number of real steps and q."""
    q, model, steps = np.zeros((env.observation_space.n, env.action_space.n)), {}, 0
    for _ in range(episodes):
        s, _ = env.reset()
        ended = False
        while not ended:
            greedy = rng.random() >= epsilon
            a = rng.choice(np.flatnonzero(q[s] == q[s].max())) if greedy else rng.integers(q.shape[1])
            s_next, r, ended, _, _ = env.step(a)
            q[s, a] += alpha * (r + gamma * np.max(q[s_next]) - q[s, a])
            model.setdefault(s, {})[a] = (r, s_next)
            for _ in range(planning_steps):
                x = list(model)[rng.integers(len(model))]
                b = list(model[x])[rng.integers(len(model[x]))]
                reward, y = model[x][b]
                q[x, b] += alpha * (reward + gamma * np.max(q[y]) - q[x, b])
            s, steps = s_next, steps + 1
    return steps, q


def rows() -> Iterator[Row]:
    rng = np.random.default_rng(0)
    for n in (0, 5, 50):
        how = {"episodes": EPISODES, "planning_steps": n, "rng": rng, **SETTINGS}
        work = f"Dyna maze, {EPISODES} episodes, n = {n}"
        ours, plain = (
            (lambda how=how: dyna_q(dyna_maze(), **how)),
            (lambda how=how: plain_dyna_q(dyna_maze(), **how)),
        )
        yield compare(
            work, ours, "dictionary and NumPy", plain, target="≥ 10×" if n == 50 else "", seconds=5.0
        )
    together = lambda: dyna_q_runs(dyna_maze(), runs=RUNS, **how)
    row = compare(f"{work}, {RUNS} runs in lock-step", together, "one run", ours, seconds=5.0)
    yield Row(row.work, row.ours / RUNS, row.peer_name, row.peer, row.ratio * RUNS, "≥ 3×")
    sweep = lambda: prioritized_sweeping(dyna_maze(), **(how | {"alpha": 1.0, "planning_steps": 5}))
    yield compare(
        f"prioritised sweeping, {EPISODES} episodes, n = 5", sweep, "Dyna-Q, n = 50", ours, seconds=5.0
    )
