"""LQR backward against a plain loop per step, a stack of problems, and the Riccati equation against scipy."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import numpy as np
import scipy.linalg

from mbrl_teach.control.lqr import lqr, riccati
from tests.benchmarks.paired import Row, compare


def random_problem(rng, n, m, T):
    F = rng.normal(size=(T, n, n + m)) * 0.6 / np.sqrt(n)
    root = rng.normal(size=(T, n + m, n + m))
    C = root @ np.swapaxes(root, -1, -2) + np.eye(n + m)
    return F, rng.normal(size=(T, n)), C, rng.normal(size=(T, n + m))


def plain_loop(F, f, C, c):
    """The recursion as it stands in the formulas, with an inverse, one step at a time."""
    T, n, _ = F.shape
    V, v, gains = np.zeros((n, n)), np.zeros(n), []
    for t in reversed(range(T)):
        Q = C[t] + F[t].T @ V @ F[t]
        q = c[t] + F[t].T @ V @ f[t] + F[t].T @ v
        inverse = np.linalg.inv(Q[n:, n:])
        K, k = -inverse @ Q[n:, :n], -inverse @ q[n:]
        V = Q[:n, :n] + Q[:n, n:] @ K + K.T @ Q[n:, :n] + K.T @ Q[n:, n:] @ K
        v = q[:n] + Q[:n, n:] @ k + K.T @ q[n:] + K.T @ Q[n:, n:] @ k
        gains.append((K, k))
    return gains[::-1]


def rows() -> Iterator[Row]:
    rng = np.random.default_rng(0)
    for n, m, T in ((2, 1, 20), (4, 2, 50), (12, 4, 200)):
        problem = random_problem(rng, n, m, T)
        assert np.allclose(lqr(*problem).K[0], plain_loop(*problem)[0][0])
        target = "≤ 12 µs, ≥ 3×" if n == 4 else ""
        yield compare(
            f"LQR backward n={n} m={m} T={T}, per step",
            lambda problem=problem: lqr(*problem),
            "plain loop",
            lambda problem=problem: plain_loop(*problem),
            per=T,
            target=target,
        )
    problem = random_problem(rng, 4, 2, 50)
    stack = [np.repeat(array[None], 64, axis=0) for array in problem]
    yield compare(
        "LQR backward, stack of 64 (n=4 m=2 T=50), per problem",
        lambda: lqr(*stack),
        "plain loop",
        lambda: [plain_loop(*problem) for _ in range(64)],
        per=64,
        target="≤ 150 µs",
    )
    yield from _riccati_rows(rng)


def _riccati_rows(rng) -> Iterator[Row]:
    for radius in (0.9, 1.3):
        n, m = 12, 4
        A, B = rng.normal(size=(n, n)), rng.normal(size=(n, m))
        A *= radius / np.abs(np.linalg.eigvals(A)).max()
        F, root = np.hstack([A, B]), rng.normal(size=(n + m, n + m))
        C = root @ root.T
        Q, R, S = C[:n, :n], C[n:, n:], C[:n, n:]
        work = f"DARE n={n}, spectral radius of A {radius}"
        yield compare(
            work,
            lambda F=F, C=C: riccati(F, C),
            "scipy",
            lambda A=A, B=B, Q=Q, R=R, S=S: scipy.linalg.solve_discrete_are(A, B, Q, R, s=S),
            target="≥ 4×",
        )
        if importlib.util.find_spec("control"):
            import control

            yield compare(
                work,
                lambda F=F, C=C: riccati(F, C),
                f"python-control {control.__version__}",
                lambda A=A, B=B, Q=Q, R=R, S=S: control.dlqr(A, B, Q, R, S),
            )
