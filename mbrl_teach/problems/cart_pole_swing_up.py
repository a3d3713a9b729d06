"""The cart-pole as a task for agents that learn: swing the pole up, and keep it there, paid in every step.

The motion is that of :mod:`mbrl_teach.problems.cart_pole`. There, all but the effort is paid at the end: good
for an optimiser that sees the end, useless for one that plans a second ahead. Here a step costs by how far
the tip of the pole is from where it should be,

    cost rate = 1 - exp(-|tip - goal|² / w²) + effort (u / limit)²,        goal = (distance, length),

between 0 and 1, and flat far away: a state that is lost costs no more than another, and a planner does not
pay for going through bad states to a good one more than for the time it takes.

The pole counts as *up* where its angle is within 0.2 rad of upright.

Source: Deisenroth & Rasmussen, PILCO (ICML 2011), section 3 (the saturating cost of the tip's distance);
Chua et al. (NeurIPS 2018), appendix A.3, with the same for a cart-pole.
"""

from __future__ import annotations

import numpy as np

from mbrl_teach.arguments import require_positive
from mbrl_teach.problems.base import ContinuousProblem
from mbrl_teach.problems.cart_pole import CartPole, CartPoleEnv


class CartPoleSwingUp(CartPole):
    """Swing the pole up at x = `distance` and keep it up.

    Parameters
        width: w in m, how near the tip has to be; effort: weight of (u / limit)²
        horizon, dt, integrator, distance: as of `CartPole`, with other defaults; so are all further ones
    """

    UP = 0.2  # rad

    def __init__(
        self,
        *,
        width: float = 1.0,
        effort: float = 0.02,
        horizon: int = 50,
        dt: float = 0.05,
        integrator: str = "rk4",
        distance: float = 0.0,
        **options: object,
    ):
        super().__init__(horizon=horizon, dt=dt, integrator=integrator, distance=distance, **options)
        require_positive(width=width)
        self.width, self.effort = width, effort

    def cost_rate(self, s, a):
        """Between 0 and 1, beside the effort, (...)."""
        x, theta = s[..., 0], s[..., 1]
        across = x + self.length * np.sin(theta) - self.goal[0]
        below = self.length * (1.0 + np.cos(theta))
        share = a[..., 0] / self.action_high[0]
        return 1.0 - np.exp(-(across**2 + below**2) / self.width**2) + self.effort * share**2

    def final_cost(self, s):
        """Nothing."""
        return np.zeros(s.shape[:-1])

    def is_up(self, s: np.ndarray) -> np.ndarray:
        """Whether the pole is within 0.2 rad of upright in `s` (..., 4): bool (...)."""
        return np.abs(s[..., 1] % (2.0 * np.pi) - np.pi) < self.UP

    # The derivatives of `CartPole` are those of its own cost.
    quadratize_rate = ContinuousProblem.quadratize_rate
    quadratize_final = ContinuousProblem.quadratize_final


class CartPoleSwingUpEnv(CartPoleEnv):
    """Like `CartPoleEnv`, by default over `CartPoleSwingUp()`."""

    metadata = CartPoleEnv.metadata | {"render_fps": 20}

    def __init__(self, world: CartPoleSwingUp | None = None, **options):
        super().__init__(world or CartPoleSwingUp(), **options)
