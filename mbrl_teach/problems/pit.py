"""A car in a pit, and a prize on the plain: reward so sparse that nobody comes upon it.

State s = [position x (m), velocity v (m/s)], action a = [force u (N)]; the car has 1 kg. The ground is flat
but for a pit about x = 0, of potential h(x) = -exp(-2 x²) J, so that

    v' = v + dt (-h'(x) - friction v + u),      x' = x + dt v',      h'(x) = 4 x exp(-2 x²).

The force is too weak to drive out (0.8 N, against 1.2 N where the wall is steepest); the car has to swing.
All that it is paid for is to be at the prize, far out on the plain, and each push has its price:

    cost = price u² - exp(-((x - prize) / width)² / 2).

Random pushes earn nothing, and cost something. So an agent that has only seen those, and expects nothing of
what it has not seen, does best to do nothing at all.

With a price of 0, or a prize so wide that it is felt in the pit (`width=1.5`), the same world needs no
exploration.

Source: after the car in a valley of Moore, Efficient Memory-based Learning for Robot Control (1990), with the
price on actions of Curi, Berkenkamp & Krause (NeurIPS 2020), whose pendulum is paid in the same way.
"""

from __future__ import annotations

import numpy as np

from mbrl_teach.arguments import read_array, require_positive, require_steps
from mbrl_teach.problems.base import ControlProblem
from mbrl_teach.problems.environment import ControlEnv


class Pit(ControlProblem):
    """The car.

    Parameters
        horizon: steps T, of `dt` seconds; prize: where it is paid, in m; width: deviation of the prize, in m
        price: of a force, per N² and step; friction in 1/s
    """

    state_size, action_size = 2, 1
    initial_state = np.zeros(2)
    action_low, action_high = np.array([-0.8]), np.array([0.8])

    def __init__(
        self,
        *,
        horizon: int = 40,
        dt: float = 0.15,
        prize: float = 2.0,
        width: float = 0.3,
        price: float = 0.05,
        friction: float = 0.3,
    ):
        require_positive(dt=dt, width=width)
        self.horizon, self.dt, self.width = require_steps(horizon), float(dt), float(width)
        self.prize = float(read_array("prize", prize, "", {}))
        self.price = float(read_array("price", price, "", {}))
        self.friction = float(read_array("friction", friction, "", {}))

    def height(self, x: np.ndarray) -> np.ndarray:
        """h(x) in J, the shape of the ground."""
        return -np.exp(-2.0 * x * x)

    def dynamics(self, s, a):
        """Next state (..., 2)."""
        x, v = s[..., 0], s[..., 1]
        downhill = -4.0 * x * np.exp(-2.0 * x * x)
        v = v + self.dt * (downhill - self.friction * v + a[..., 0])
        return np.stack([x + self.dt * v, v], axis=-1)

    def cost(self, s, a):
        """Price of the push minus what the place pays, (...)."""
        distance = (s[..., 0] - self.prize) / self.width
        return self.price * a[..., 0] ** 2 - np.exp(-0.5 * distance * distance)


class PitEnv(ControlEnv):
    """The car in Gymnasium; an observation is the state [position, velocity].

    Parameters
        world: by default `Pit()`
        options: those of `ControlEnv`; by default actions are shares of the limit, an episode starts within
            ± 0.02 of rest at the bottom, and each step adds noise of deviations 0.001 m and 0.003 m/s
    """

    view = ((-1.6, -1.3), (2.8, 0.7))

    def __init__(self, world: Pit | None = None, *, render_mode: str | None = None, **options):
        defaults = {
            "normalized_actions": True,
            "start_spread": 0.02,
            "process_noise": np.diag([1e-6, 1e-5]),
            "sensor_range": 100.0,
        }
        super().__init__(Pit() if world is None else world, render_mode=render_mode, **(defaults | options))

    def draw(self, canvas):
        """The ground, the prize, the car, and its force as a bar."""
        ground = np.linspace(self.view[0][0], self.view[1][0], 80)
        canvas.line(list(zip(ground, self.world.height(ground), strict=True)), canvas.INK, width=0.03)
        canvas.disc((self.world.prize, 0.08), 0.06, canvas.GREEN)
        x = self.state[0]
        car = (x, float(self.world.height(x)) + 0.08)
        canvas.line([car, (x + 0.5 * self.last_action[0], car[1])], canvas.VERMILLION, width=0.05)
        canvas.disc(car, 0.08, canvas.BLUE)
