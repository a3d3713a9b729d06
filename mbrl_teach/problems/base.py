"""A world to be controlled: the one face that planners and controllers see.

The task is to choose actions a_1 … a_T that minimise

    sum_t cost(s_t, a_t) + final_cost(s_{T+1})   subject to   s_{t+1} = dynamics(s_t, a_t).

A new world is a class with two functions and four attributes; the derivatives come by themselves::

    class Pendulum(ControlProblem):
        state_size, action_size, horizon = 2, 1, 100
        initial_state = np.array([np.pi, 0.0])

        def dynamics(self, s, a): ...
        def cost(self, s, a): ...

Both functions take and return real float64 arrays with any leading axes: one call serves one state, a
trajectory, or a thousand of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mbrl_teach.arguments import read_array
from mbrl_teach.problems.finite_differences import hessian, jacobian
from mbrl_teach.problems.integrators import RK4, Integrator


class Unbounded:
    """A default for as many actions, or states, as the world has; any value set on the world replaces it."""

    def __init__(self, value: float, size: str = "action_size"):
        self.value, self.size = value, size

    def __get__(self, problem: ControlProblem | None, owner: type[ControlProblem]) -> np.ndarray:
        return np.full(getattr(owner if problem is None else problem, self.size), self.value)


class ControlProblem:
    """Base class of all worlds, known or learned. Subclasses give `dynamics` and `cost`.

    Attributes (of the class or of the instance; read when a method is called)
        state_size n, action_size m, horizon T
        initial_state (n,): s_1
        action_low, action_high (m,): -inf and inf unless set
    """

    state_size: int
    action_size: int
    horizon: int
    initial_state: np.ndarray
    action_low: np.ndarray = Unbounded(-np.inf)
    action_high: np.ndarray = Unbounded(np.inf)

    def dynamics(self, s: np.ndarray, a: np.ndarray) -> np.ndarray:
        """Next state (..., n) after action `a` (..., m) in state `s` (..., n); it changes neither."""
        raise NotImplementedError(f"{type(self).__name__} must define dynamics(self, s, a)")

    def cost(self, s: np.ndarray, a: np.ndarray) -> np.ndarray:
        """Cost (...) of action `a` (..., m) in state `s` (..., n)."""
        raise NotImplementedError(f"{type(self).__name__} must define cost(self, s, a)")

    def final_cost(self, s: np.ndarray) -> np.ndarray:
        """Cost (...) of ending in `s` (..., n); zero unless the world defines it."""
        return np.zeros(np.shape(s)[:-1])

    def linearize(self, s: np.ndarray, a: np.ndarray) -> np.ndarray:
        """Jacobian F (..., n, n+m) of the dynamics at (s, a), for deviations from it."""
        return jacobian(self._of_joint(self.dynamics), self._join(s, a))

    def quadratize(self, s: np.ndarray, a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Hessian C (..., n+m, n+m) and gradient c (..., n+m) of the cost at (s, a)."""
        return _curvature_and_slope(self._of_joint(self.cost), self._join(s, a))

    def quadratize_final(self, s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Hessian V (..., n, n) and gradient v (..., n) of the final cost at `s`."""
        return _curvature_and_slope(self.final_cost, np.asarray(s, dtype=np.float64))

    def dynamics_hessian(self, s: np.ndarray, a: np.ndarray) -> np.ndarray:
        """Second derivatives (..., n, n+m, n+m) of each next-state coordinate at (s, a)."""
        return hessian(self._of_joint(self.dynamics), self._join(s, a))

    def rollout(
        self, actions: ArrayLike, initial_state: ArrayLike | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Apply `actions` (..., T, m) from `initial_state` (..., n), by default the world's own.

        Returns states (..., T+1, n) and the total cost (...), a float for a single sequence. Any number
        of actions is allowed. Raises ValueError for a wrong shape, and where the world turns to NaN.
        """
        sizes = {"n": self.state_size, "m": self.action_size}
        actions = read_array("actions", actions, "... T m", sizes)
        start = self.initial_state if initial_state is None else initial_state
        start = read_array("initial_state", start, "... n", sizes)
        stack = np.broadcast_shapes(actions.shape[:-2], start.shape[:-1])
        actions = np.broadcast_to(actions, (*stack, *actions.shape[-2:]))
        states = np.empty((*stack, sizes["T"] + 1, self.state_size))
        states[..., 0, :] = start
        for t in range(sizes["T"]):
            following = self.dynamics(states[..., t, :], actions[..., t, :])
            if t == 0:
                self._require_shape("dynamics", following, (*stack, self.state_size))
            states[..., t + 1, :] = following
        self._require_numbers(states)
        stages, end = self.cost(states[..., :-1, :], actions), self.final_cost(states[..., -1, :])
        self._require_shape("cost", stages, (*stack, sizes["T"]))
        self._require_shape("final_cost", end, stack)
        cost = stages.sum(axis=-1) + end
        return states, cost if stack else float(cost)

    def _require_shape(self, function: str, value: np.ndarray, shape: tuple[int, ...]) -> None:
        """What a world's own function returns must not be broadcast into something else."""
        if np.shape(value) != shape:
            axes = "(..., n)" if function == "dynamics" else "(...)"
            raise ValueError(
                f"{type(self).__name__}.{function} must return shape {axes} = {shape}; got {np.shape(value)}"
            )

    def _require_numbers(self, states: np.ndarray) -> None:
        lost = np.isnan(states).any(axis=-1)
        if lost.any():
            t = int(np.argmax(lost.any(axis=tuple(range(lost.ndim - 1)))))
            raise ValueError(f"{type(self).__name__}.dynamics returned NaN for s_{t + 1} (array index {t})")

    def _join(self, s: np.ndarray, a: np.ndarray) -> np.ndarray:
        """z = [s; a] (..., n+m)."""
        s, a = np.asarray(s, dtype=np.float64), np.asarray(a, dtype=np.float64)
        stack = np.broadcast_shapes(s.shape[:-1], a.shape[:-1])
        return np.concatenate(
            [np.broadcast_to(s, (*stack, s.shape[-1])), np.broadcast_to(a, (*stack, a.shape[-1]))], axis=-1
        )

    def _of_joint(self, function):
        """A function of (s, a) as a function of z = [s; a]."""
        n = self.state_size
        return lambda z: function(z[..., :n], z[..., n:])


class ContinuousProblem(ControlProblem):
    """Base class of worlds in continuous time. Subclasses give `derivative` and `cost_rate`.

    The task is to choose the actions of all times 0 <= t <= duration that minimise

        ∫ cost_rate(s, a) dt + final_cost(s(duration))    subject to    s' = derivative(s, a),

    from `initial_state` to `final_state`, within limits: collocation does, and needs neither horizon nor
    step. In steps of `dt` seconds, over which an action is held, it is a :class:`ControlProblem` like any
    other: `dynamics` is one step of `integrator`, and `cost` the rate at its beginning, times dt. That face
    knows nothing of a final state that is demanded; what it pays for the end is `final_cost`.

    Attributes beside those of a ControlProblem
        duration: in seconds
        final_state (n,): NaN where the end is free, as it is everywhere unless set
        state_low, state_high (n,): -inf and inf unless set
        dt: seconds per step; integrator: RK4 unless set
    """

    duration: float
    dt: float
    final_state: np.ndarray = Unbounded(np.nan, "state_size")
    state_low: np.ndarray = Unbounded(-np.inf, "state_size")
    state_high: np.ndarray = Unbounded(np.inf, "state_size")
    integrator: Integrator = RK4

    def derivative(self, s: np.ndarray, a: np.ndarray) -> np.ndarray:
        """s' (..., n) under action `a` (..., m) in state `s` (..., n)."""
        raise NotImplementedError(f"{type(self).__name__} must define derivative(self, s, a)")

    def cost_rate(self, s: np.ndarray, a: np.ndarray) -> np.ndarray:
        """Cost per second (...)."""
        raise NotImplementedError(f"{type(self).__name__} must define cost_rate(self, s, a)")

    def derivative_jacobian(self, s: np.ndarray, a: np.ndarray) -> np.ndarray:
        """First derivatives (..., n, n+m) of `derivative` by z = [s; a]."""
        return jacobian(self._of_joint(self.derivative), self._join(s, a))

    def derivative_hessian(self, s: np.ndarray, a: np.ndarray) -> np.ndarray:
        """Second derivatives (..., n, n+m, n+m) of `derivative`."""
        return hessian(self._of_joint(self.derivative), self._join(s, a))

    def quadratize_rate(self, s: np.ndarray, a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Hessian (..., n+m, n+m) and gradient (..., n+m) of `cost_rate`."""
        return _curvature_and_slope(self._of_joint(self.cost_rate), self._join(s, a))

    def dynamics(self, s, a):
        """Next state (..., n): one step of the integrator."""
        return self.integrator.step(self, s, a, self.dt)

    def linearize(self, s, a):
        """F (..., n, n+m), from the derivatives of `derivative`."""
        return self.integrator.jacobian(self, s, a, self.dt)

    def dynamics_hessian(self, s, a):
        """(..., n, n+m, n+m), likewise."""
        return self.integrator.hessian(self, s, a, self.dt)

    def cost(self, s, a):
        """dt times the cost rate, (...)."""
        return self.dt * self.cost_rate(s, a)

    def quadratize(self, s, a):
        """C (..., n+m, n+m) and c (..., n+m)."""
        C, c = self.quadratize_rate(s, a)
        return self.dt * C, self.dt * c


def _curvature_and_slope(scalar_function, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Hessian (..., d, d) and gradient (..., d) of a function (..., d) -> (...)."""
    column = lambda z: np.asarray(scalar_function(z))[..., None]
    return hessian(column, z)[..., 0, :, :], jacobian(column, z)[..., 0, :]
