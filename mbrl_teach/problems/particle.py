"""A particle on a line, pushed by a force: the smallest world with inertia.

State s = [position (m), velocity (m/s)], action a = [force (N)]. Newton's law, with the force held
constant over a step of dt seconds, integrates exactly to

    position' = position + dt velocity + dt²/2 (force + wind) / mass
    velocity' = velocity + dt (force + wind) / mass

and the cost 1/2 (w_p (position - target)² + w_v velocity² + w_a force²) is quadratic: the particle is the
running example of unit 01, where it is solved exactly.
"""

from __future__ import annotations

import numpy as np

from mbrl_teach.arguments import read_array, require_positive, require_steps
from mbrl_teach.problems.base import ControlProblem
from mbrl_teach.problems.environment import ControlEnv


class Particle(ControlProblem):
    """A 1-D particle that is to come to rest at `target`.

    Parameters
        horizon: number of steps T; dt: seconds per step
        mass in kg; wind: a constant force in N, which makes the dynamics affine
        target: position in m; weights: of position error, velocity and force in the cost
        initial_state (2,): position and velocity at t = 1
    """

    state_size = 2
    action_size = 1

    def __init__(
        self,
        *,
        horizon: int = 20,
        dt: float = 0.2,
        mass: float = 1.0,
        wind: float = 0.0,
        target: float = 0.0,
        weights: tuple[float, float, float] = (1.0, 0.1, 0.1),
        initial_state: tuple[float, float] = (1.0, 0.0),
    ):
        require_positive(dt=dt, mass=mass)
        self.horizon, self.dt, self.mass = require_steps(horizon), float(dt), float(mass)
        self.wind = float(read_array("wind", wind, "", {}))
        self.target = float(read_array("target", target, "", {}))
        self.weights = read_array("weights", weights, "3", {})
        self.initial_state = read_array("initial_state", initial_state, "2", {})

    @property
    def F(self) -> np.ndarray:
        """(2, 3), the same at every step."""
        return np.array([[1.0, self.dt, self.dt**2 / 2 / self.mass], [0.0, 1.0, self.dt / self.mass]])

    @property
    def f(self) -> np.ndarray:
        """(2,), what the wind does in a step."""
        return self.wind * self.F[:, 2]

    def dynamics(self, s, a):
        """Next state (..., 2): F [s; a] + f."""
        F = self.F
        return s @ F[:, :2].T + a @ F[:, 2:].T + self.f

    def cost(self, s, a):
        """1/2 (w_p (position - target)² + w_v velocity² + w_a force²), of shape (...)."""
        position, velocity = self.weights[:2]
        error = s[..., 0] - self.target
        return 0.5 * (position * error**2 + velocity * s[..., 1] ** 2 + self.weights[2] * a[..., 0] ** 2)

    def linearize(self, s, a):
        """F (..., 2, 3), the same everywhere."""
        return np.broadcast_to(self.F, (*self._join(s, a).shape[:-1], 2, 3))

    def quadratize(self, s, a):
        """C (..., 3, 3), the same everywhere, and the gradient c (..., 3) at (s, a)."""
        z = self._join(s, a) - [self.target, 0.0, 0.0]
        return np.broadcast_to(np.diag(self.weights), (*z.shape, 3)), z * self.weights

    def dynamics_hessian(self, s, a):
        """Zero (..., 2, 3, 3): the dynamics are affine."""
        return np.zeros((*self._join(s, a).shape[:-1], 2, 3, 3))

    def linear_quadratic(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """F (T, 2, 3), f (T, 2), C (T, 3, 3), c (T, 3) in the notation of `control.lqr`.

        The constant 1/2 w_p target² of the cost has no place in them and is left out.
        """
        c = np.array([-self.weights[0] * self.target, 0.0, 0.0])
        arrays = (self.F, self.f, np.diag(self.weights), c)
        return tuple(np.repeat(array[None], self.horizon, axis=0) for array in arrays)


class ParticleEnv(ControlEnv):
    """The particle in Gymnasium; an observation is the state [position, velocity].

    Parameters
        world: by default `Particle()` with a force of at most 1 N
        options: those of `ControlEnv`; by default actions are shares of the limit, and an episode starts
            within ± 0.5 of the world's initial state
    """

    view = ((-3.0, -0.5), (3.0, 0.5))
    metadata = ControlEnv.metadata | {"render_fps": 5}

    def __init__(self, world: Particle | None = None, *, render_mode: str | None = None, **options):
        if world is None:
            world = Particle()
            world.action_low, world.action_high = np.array([-1.0]), np.array([1.0])
        defaults = {"normalized_actions": True, "start_spread": 0.5, "sensor_range": 100.0}
        super().__init__(world, render_mode=render_mode, **(defaults | options))

    def draw(self, canvas):
        """The line, the target, the particle, and the force as a bar from it."""
        x, force = self.state[0], self.last_action[0]
        canvas.line([(self.view[0][0], 0.0), (self.view[1][0], 0.0)], canvas.GREY, width=0.02)
        canvas.disc((self.world.target, 0.0), 0.06, canvas.GREEN)
        canvas.line([(x, 0.0), (x + 0.5 * force, 0.0)], canvas.VERMILLION, width=0.05)
        canvas.disc((x, 0.0), 0.12, canvas.BLUE)
