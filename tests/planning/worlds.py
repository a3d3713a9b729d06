"""Small worlds for the planners' tests."""

import numpy as np

from mbrl_teach.problems.base import ControlProblem
from mbrl_teach.problems.particle import Particle


class LimitedParticle(Particle):
    """The particle with limits, far out, from which a planner takes its first deviation."""

    action_low, action_high = np.array([-6.0]), np.array([6.0])


class PendulumV1(ControlProblem):
    """Gymnasium's Pendulum-v1, from its documentation: state (θ, ω); the cost wraps the angle."""

    state_size, action_size, horizon = 2, 1, 50
    initial_state = np.array([np.pi, 0.0])
    action_low, action_high = np.array([-2.0]), np.array([2.0])

    def dynamics(self, s, a):
        omega = s[..., 1] + 0.05 * (15.0 * np.sin(s[..., 0]) + 3.0 * a[..., 0])
        omega = np.clip(omega, -8.0, 8.0)
        return np.stack([s[..., 0] + 0.05 * omega, omega], axis=-1)

    def cost(self, s, a):
        angle = (s[..., 0] + np.pi) % (2 * np.pi) - np.pi
        return angle**2 + 0.1 * s[..., 1] ** 2 + 0.001 * a[..., 0] ** 2


class RandomWalk(ControlProblem):
    """s' = s + a + noise of deviation `sigma`; cost s² + a². `calls` notes the shapes that were asked for."""

    state_size = action_size = 1
    initial_state = np.array([1.0])
    action_low, action_high = np.array([-1.0]), np.array([1.0])

    def __init__(self, horizon=4, sigma=0.5):
        self.horizon, self.sigma, self.calls = horizon, sigma, []

    def dynamics(self, s, a):
        self.calls.append(("dynamics", s.shape, a.shape))
        return s + a

    def sample(self, s, a, rng):
        self.calls.append(("sample", s.shape, a.shape))
        return s + a + self.sigma * rng.standard_normal(s.shape)

    def cost(self, s, a):
        self.calls.append(("cost", s.shape, a.shape))
        return s[..., 0] ** 2 + a[..., 0] ** 2

    def final_cost(self, s):
        return s[..., 0] ** 2


class Cliff(ControlProblem):
    """One action in [0, 1]: the further, the cheaper; but beyond 1/2 the world breaks (NaN)."""

    state_size = action_size = 1
    horizon = 1
    initial_state = np.zeros(1)
    action_low, action_high = np.array([0.0]), np.array([1.0])

    def dynamics(self, s, a):
        return np.where(a > 0.5, np.nan, s + a)

    def cost(self, s, a):
        return -a[..., 0]

    def final_cost(self, s):
        return 0.0 * s[..., 0]
