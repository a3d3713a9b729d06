"""One step of a differential equation s' = derivative(s, a), with its first and second derivatives.

The action is held over the step. Both methods are Runge–Kutta methods whose stages form a chain,

    k_1 = derivative(s, a),   k_i = derivative(s + dt c_i k_{i-1}, a),   next s = s + dt sum_i w_i k_i,

given by their nodes c and weights w: explicit Euler is the chain of one stage, the classical Runge–Kutta
method (RK4) that of four, with an error of order dt⁴ over a fixed time. Deriving the chain twice by
z = [s; a], with J_i the Jacobian of the point [s + dt c_i k_{i-1}; a] where stage i is taken, gives

    Dk_i  = D J_i                              D  = Jacobian of the derivative there,  (n, n+m)
    D²k_i = J_i' D² J_i + dt c_i D_s D²k_{i-1}   D² = its Hessian there,  D_s = the columns of s

Source: Hairer, Nørsett & Wanner, Solving Ordinary Differential Equations I (1993), section II.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np


class DifferentialEquation(Protocol):
    """What an integrator asks of a world; any leading axes."""

    def derivative(self, s: np.ndarray, a: np.ndarray) -> np.ndarray:
        """s' (..., n) at (s, a)."""

    def derivative_jacobian(self, s: np.ndarray, a: np.ndarray) -> np.ndarray:
        """(..., n, n+m)."""

    def derivative_hessian(self, s: np.ndarray, a: np.ndarray) -> np.ndarray:
        """(..., n, n+m, n+m)."""


@dataclass(frozen=True)
class Integrator:
    """A chain of Runge–Kutta stages with nodes c and weights w."""

    nodes: tuple[float, ...]
    weights: tuple[float, ...]

    @cached_property
    def _later(self) -> tuple[tuple[float, float], ...]:
        """Nodes and weights of the stages after the first."""
        return tuple(zip(self.nodes[1:], self.weights[1:], strict=True))

    def step(self, equation: DifferentialEquation, s: np.ndarray, a: np.ndarray, dt: float) -> np.ndarray:
        """The state (..., n) after `dt` seconds."""
        k = equation.derivative(s, a)
        change = (dt * self.weights[0]) * k
        for node, weight in self._later:
            k = equation.derivative(s + (dt * node) * k, a)
            change += (dt * weight) * k
        change += s
        return change

    def jacobian(self, equation: DifferentialEquation, s: np.ndarray, a: np.ndarray, dt: float) -> np.ndarray:
        """Derivative (..., n, n+m) of the step by z = [s; a]."""
        return self._jacobian(equation, s, a, dt)[0]

    def _jacobian(self, equation, s, a, dt):
        """The Jacobian of the step, and for the Hessian all stages' points, D and J."""
        k, D = equation.derivative(s, a), equation.derivative_jacobian(s, a)
        n, d = D.shape[-2:]
        stages = [(s, D, np.eye(d))]
        Dk = D
        total = self.weights[0] * Dk
        for node, weight in self._later:
            point = s + (dt * node) * k
            k, D = equation.derivative(point, a), equation.derivative_jacobian(point, a)
            J = np.empty((*Dk.shape[:-2], d, d))
            J[...] = np.eye(d)
            J[..., :n, :] += (dt * node) * Dk
            stages.append((point, D, J))
            Dk = D @ J
            total += weight * Dk
        total *= dt
        total[..., range(n), range(n)] += 1.0
        return total, stages

    def hessian(self, equation: DifferentialEquation, s: np.ndarray, a: np.ndarray, dt: float) -> np.ndarray:
        """Second derivative (..., n, n+m, n+m) of the step by z = [s; a]."""
        _, stages = self._jacobian(equation, s, a, dt)
        D2k = equation.derivative_hessian(s, a)
        total = self.weights[0] * D2k
        for (node, weight), (point, D, J) in zip(self._later, stages[1:], strict=True):
            bend = _congruence(equation.derivative_hessian(point, a), J)
            D2k = bend + (dt * node) * _carry(D, D2k)
            total += weight * D2k
        return dt * total


def _congruence(H: np.ndarray, J: np.ndarray) -> np.ndarray:
    """J' H_i J for every H_i of H (..., n, d, d), with J (..., d, d)."""
    right = H.reshape(*H.shape[:-3], -1, H.shape[-1]) @ J
    return np.swapaxes(J, -1, -2)[..., None, :, :] @ right.reshape(H.shape)


def _carry(D: np.ndarray, H: np.ndarray) -> np.ndarray:
    """sum_j D_ij H_j over the n states, with D (..., n, d) and H (..., n, d, d)."""
    flat = H.reshape(*H.shape[:-2], -1)
    return (D[..., : H.shape[-3]] @ flat).reshape(H.shape)


EXPLICIT_EULER = Integrator(nodes=(0.0,), weights=(1.0,))
RK4 = Integrator(nodes=(0.0, 0.5, 0.5, 1.0), weights=(1 / 6, 1 / 3, 1 / 3, 1 / 6))
