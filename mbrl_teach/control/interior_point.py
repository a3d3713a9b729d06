"""A primal-dual interior-point method for sparse nonlinear programs.

Minimise f(x) subject to c(x) = 0 and low <= x <= high. The limits enter as a barrier that falls with μ,

    φ_μ(x) = f(x) - μ sum_i log(x_i - low_i) - μ sum_i log(high_i - x_i),

and each iteration is a Newton step on the conditions ∇φ_μ + A' λ = 0, c = 0, with A = ∂c/∂x:

    [ W + Σ + δ I   A'   ] [ d  ]     [ ∇φ_μ ]
    [ A            -δ_c I ] [ λ⁺ ] = - [ c    ],

where W is the Hessian of f + λ'c and Σ = z_low / (x - low) + z_high / (high - x) that of the barrier, with
the multipliers z of the limits as unknowns of their own; δ grows where W lacks curvature, and after a step
that was too long (`control.newton_system`). The step's length leaves the limits unviolated, and lowers the
merit

    φ_μ(x) + ν ‖c(x)‖₁,

after one second-order correction if the first try does not. Once the conditions hold within a multiple of
μ, μ falls, faster than linearly. Without limits this is Newton's method with a line search.

Source: Wächter & Biegler, On the implementation of an interior-point filter line-search algorithm
(Mathematical Programming 106, 2006), for the barrier and its constants; Nocedal & Wright, Numerical
Optimization (2006), section 18.3, for ν and the merit function, section 18.11 for the correction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from mbrl_teach.control.newton_system import DELTA_MAX, NewtonStep, NewtonSystem

BARRIER_START, BARRIER_SHARE, BARRIER_POWER = 0.1, 0.2, 1.5
ENOUGH_FOR_BARRIER = 10.0  # times μ: how well the conditions must hold before μ falls
TO_THE_LIMIT = 0.99  # share of the way to a limit that a step may take, at least
FAIR_SHARE, PENALTY_SHARE = 1e-4, 0.1
DUAL_SPREAD = 1e10  # how far z (x - low) may be from μ, as a factor
RHO = 0.5 ** np.arange(30.0)
SHORT = 0.1  # a smaller ρ says that the step was too long


class NonlinearProgram(Protocol):
    """What the method asks of a program with d unknowns and p constraints."""

    low: np.ndarray  # (d,), below `high`
    high: np.ndarray  # (d,)
    jacobian_places: tuple[np.ndarray, np.ndarray]  # rows, columns of the entries of A
    hessian_places: tuple[np.ndarray, np.ndarray]  # rows, columns of the entries of W, both triangles

    def objective(self, x: np.ndarray) -> float:
        """f(x)."""

    def gradient(self, x: np.ndarray) -> np.ndarray:
        """Of f, (d,)."""

    def constraints(self, x: np.ndarray) -> np.ndarray:
        """c(x), (p,)."""

    def jacobian(self, x: np.ndarray) -> np.ndarray:
        """The entries of A at `jacobian_places`; entries at the same place add up."""

    def hessian(self, x: np.ndarray, multipliers: np.ndarray) -> np.ndarray:
        """The entries of W at `hessian_places`."""


@dataclass(frozen=True)
class Iteration:
    """One iterate: x, f(x), the largest |c|, the violation of the optimality conditions, μ and the step ρ
    to it."""

    iteration: int
    x: np.ndarray
    objective: float
    infeasibility: float
    optimality: float
    barrier: float
    rho: float


@dataclass(frozen=True)
class Solution:
    """The last iterate x (d,), the multipliers λ (p,), and how it ended."""

    x: np.ndarray
    multipliers: np.ndarray
    converged: bool
    message: str
    history: tuple[Iteration, ...]


def solve(
    program: NonlinearProgram,
    x: np.ndarray,
    *,
    max_iterations: int = 500,
    tolerance: float = 1e-9,
    callback: Callable[[Iteration], None] | None = None,
) -> Solution:
    """A local minimum of `program` from `x` (d,), which is moved inside the limits first.

    tolerance: on the largest |c|, and on the largest entry of the gradient of the Lagrangian (scaled down
        where the multipliers are large) and of z (x - low) and z (high - x)
    """
    state = _State(program, _inside(x, program.low, program.high))
    system = NewtonSystem(program.hessian_places, program.jacobian_places, len(x), len(state.c))
    history, rho = [], 0.0
    while True:
        error = state.error(0.0)
        history.append(
            Iteration(
                len(history), state.x, state.f, _largest(state.c), state.optimality(0.0), state.barrier, rho
            )
        )
        if callback is not None:
            callback(history[-1])
        if error <= tolerance:
            return _solution(state, True, f"converged: the conditions hold to {error:.1e}", history)
        if len(history) > max_iterations:
            return _solution(state, False, f"stopped after {max_iterations} iterations", history)
        state.lower_barrier(tolerance)
        rho = _next(state, system)
        if rho == 0.0:
            return _solution(state, False, "stopped: no step lowers the merit function", history)


def _next(state: _State, system: NewtonSystem) -> float:
    """Move to the next iterate; returns ρ, 0 if no δ gives a step that lowers the merit.

    A step that could be followed a small part of the way only was too long: the next has a larger δ.
    """
    W = state.program.hessian(state.x, state.multipliers)
    while system.least_delta <= DELTA_MAX:
        step = system.step(
            W, state.jacobian, state.sigma(), state.barrier_gradient(), state.c, state.multipliers
        )
        if step is None:
            return 0.0
        rho = state.advance(step, system)
        if rho >= SHORT:
            system.lengthen()
        else:
            system.shorten()
        if rho > 0.0:
            return rho
    return 0.0


class _State:
    """x with everything that is known there, the multipliers, μ and ν."""

    def __init__(self, program: NonlinearProgram, x: np.ndarray):
        self.program, self.low, self.high = program, program.low, program.high
        self.has_low, self.has_high = np.isfinite(self.low), np.isfinite(self.high)
        self.barrier = BARRIER_START if (self.has_low | self.has_high).any() else 0.0
        self.penalty = 1.0
        self.multipliers = np.zeros(len(program.constraints(x)))
        self.z_low = np.where(self.has_low, 1.0, 0.0)
        self.z_high = np.where(self.has_high, 1.0, 0.0)
        self.move_to(x)

    def move_to(self, x: np.ndarray) -> None:
        self.x, self.f, self.c = x, self.program.objective(x), self.program.constraints(x)
        self.gradient, self.jacobian = self.program.gradient(x), self.program.jacobian(x)
        self.to_low = np.where(self.has_low, x - self.low, 1.0)
        self.to_high = np.where(self.has_high, self.high - x, 1.0)

    def barrier_gradient(self) -> np.ndarray:
        """∇φ_μ (d,)."""
        return self.gradient - self.barrier * (self.has_low / self.to_low - self.has_high / self.to_high)

    def sigma(self) -> np.ndarray:
        """The diagonal of Σ (d,)."""
        return self.z_low / self.to_low + self.z_high / self.to_high

    def optimality(self, barrier: float) -> float:
        """The largest violation of stationarity and complementarity for this μ."""
        rows, columns = self.program.jacobian_places
        A_lambda = np.bincount(columns, self.jacobian * self.multipliers[rows], len(self.x))
        stationarity = self.gradient + A_lambda - self.z_low + self.z_high
        low = np.where(self.has_low, self.z_low * self.to_low - barrier, 0.0)
        high = np.where(self.has_high, self.z_high * self.to_high - barrier, 0.0)
        duals = np.abs(self.multipliers).sum() + self.z_low.sum() + self.z_high.sum()
        scale = max(1.0, duals / (len(self.multipliers) + len(self.x)) / 100.0)
        return max(_largest(stationarity), _largest(low), _largest(high)) / scale

    def error(self, barrier: float) -> float:
        return max(self.optimality(barrier), _largest(self.c))

    def lower_barrier(self, tolerance: float) -> None:
        while self.barrier > 0 and self.error(self.barrier) <= ENOUGH_FOR_BARRIER * self.barrier:
            lower = min(BARRIER_SHARE * self.barrier, self.barrier**BARRIER_POWER)
            lower = max(0.1 * tolerance, lower)
            if lower == self.barrier:
                return
            self.barrier, self.penalty = lower, 1.0

    def merit(self, x: np.ndarray) -> float:
        """φ_μ(x) + ν ‖c(x)‖₁; inf where the program has no value."""
        room = np.concatenate([(x - self.low)[self.has_low], (self.high - x)[self.has_high]])
        with np.errstate(all="ignore"):
            value = self.program.objective(x) - self.barrier * np.log(room).sum()
            value += self.penalty * np.abs(self.program.constraints(x)).sum()
        return value if np.isfinite(value) else np.inf

    def advance(self, step: NewtonStep, system: NewtonSystem) -> float:
        """Go along the step as far as it lowers the merit; returns ρ, 0 if it does nowhere."""
        infeasibility = np.abs(self.c).sum()
        slope = self.barrier_gradient() @ step.x
        if infeasibility > 0:
            needed = (slope + 0.5 * max(step.curvature, 0.0)) / ((1.0 - PENALTY_SHARE) * infeasibility)
            self.penalty = max(self.penalty, 1.1 * needed)
        descent = slope - self.penalty * infeasibility
        share = max(TO_THE_LIMIT, 1.0 - self.barrier)
        longest = self._room(step.x, share)
        here = self.merit(self.x)
        noise = 1e-14 * abs(here)
        for k, rho in enumerate(longest * RHO):
            x = self.x + rho * step.x
            if self.merit(x) <= here + FAIR_SHARE * rho * descent + noise:
                break
            if k == 0:  # the second-order correction: once more towards c = 0, from where the step led
                bend = system.correction(self.program.constraints(x) - (1 - rho) * self.c)
                x = x + self._room(bend, share, x) * bend
                if self.merit(x) <= here + FAIR_SHARE * rho * descent + noise:
                    break
        else:
            return 0.0
        self._move_duals(step, rho, share)
        self.move_to(x)
        self._keep_duals_near()
        return float(rho)

    def _room(self, d: np.ndarray, share: float, x: np.ndarray | None = None) -> float:
        """The largest ρ <= 1 for which x + ρ d keeps 1 - share of its distance to each limit."""
        x = self.x if x is None else x
        with np.errstate(divide="ignore", invalid="ignore"):
            low = np.where(self.has_low & (d < 0), share * (x - self.low) / -d, np.inf)
            high = np.where(self.has_high & (d > 0), share * (self.high - x) / d, np.inf)
        return float(min(1.0, low.min(), high.min()))

    def _move_duals(self, step: NewtonStep, rho: float, share: float) -> None:
        self.multipliers = self.multipliers + rho * (step.multipliers - self.multipliers)
        low = np.where(self.has_low, (self.barrier - self.z_low * step.x) / self.to_low - self.z_low, 0.0)
        high = np.where(
            self.has_high, (self.barrier + self.z_high * step.x) / self.to_high - self.z_high, 0.0
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            z, dz = np.concatenate([self.z_low, self.z_high]), np.concatenate([low, high])
            longest = min(1.0, np.where(dz < 0, -share * z / dz, np.inf).min())
        self.z_low, self.z_high = self.z_low + longest * low, self.z_high + longest * high

    def _keep_duals_near(self) -> None:
        """z (x - low) within a factor of μ, else the barrier's curvature Σ tells nothing."""
        for z, room, has in (
            (self.z_low, self.to_low, self.has_low),
            (self.z_high, self.to_high, self.has_high),
        ):
            near = self.barrier / room
            z[has] = np.clip(z, near / DUAL_SPREAD, near * DUAL_SPREAD)[has]


def _inside(x: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """`x` away from the limits: by a hundredth of their size, or of what lies between if less."""
    between = high - low  # inf unless both are there
    from_low = 1e-2 * np.minimum(np.maximum(1.0, np.abs(low)), between)
    from_high = 1e-2 * np.minimum(np.maximum(1.0, np.abs(high)), between)
    has_low, has_high = np.isfinite(low), np.isfinite(high)
    x = x.copy()
    x[has_low] = np.maximum(x[has_low], low[has_low] + from_low[has_low])
    x[has_high] = np.minimum(x[has_high], high[has_high] - from_high[has_high])
    return x


def _largest(values: np.ndarray) -> float:
    return float(np.abs(values).max(initial=0.0))


def _solution(state: _State, converged: bool, message: str, history: list[Iteration]) -> Solution:
    return Solution(state.x, state.multipliers, converged, message, tuple(history))
