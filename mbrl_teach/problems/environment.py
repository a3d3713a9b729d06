"""A world as an environment of Gymnasium: what learning agents interact with.

    reward = -cost(s, a),     and with the T-th, last action also   -final_cost(s_{T+1}).

This is the one place where a cost becomes a reward; the return of an episode is minus the cost of its
rollout. After T = `horizon` steps an episode is *truncated*: time is up, but the world has not come to an
end, and who bootstraps a value continues there. (Where a world has a final cost it stands for all that
comes later: take it or the value, not both. It comes at a time that an observation does not tell.) No state
of these worlds is an end of its own: `terminated` is always False.

**What a planner sees.** `env.unwrapped.problem` is the world in the units of the environment's actions, and
`env.unwrapped.state` the true state (n,), also to be set; `info["state"]` is a copy of it::

    env = gymnasium.make("mbrl_teach/Pendulum-v0")
    env.reset(seed=0)
    policy = MPC(planner_of(env.unwrapped.problem))
    env.step(policy(env.unwrapped.state))

Observations and actions are float64, so that nothing is lost on the way to a planner and back; agents may
act in float32.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import gymnasium
import numpy as np
from numpy.typing import ArrayLike

from mbrl_teach.arguments import read_array, require_covariance
from mbrl_teach.problems.base import ControlProblem
from mbrl_teach.problems.normalized_actions import NormalizedActions

if TYPE_CHECKING:
    from mbrl_teach.problems.drawing import Canvas

ROUNDING = 1e-6  # relative; what an action in float32 may lie beyond its bound


class ControlEnv(gymnasium.Env):
    """An environment over any world.

    Parameters
        world: any ControlProblem
        normalized_actions: actions are shares in [-1, 1] of the world's limits, as Gymnasium's checker
            recommends; False: they have the world's own units and bounds
        start_spread (n,) or a number: an episode starts uniformly within ± of the world's initial state
        process_noise (n, n): covariance of normal noise that is added to each next state; None for none
        sensor_range (k,) or a number: observations saturate beyond ±; the state does not. Without one the
            observation space is unbounded, which Gymnasium's checker warns of
        render_mode: None or "rgb_array"

    A subclass may define `observation` and, for its picture, `view` and `draw`.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array"], "render_fps": 20}
    view = ((-1.0, -1.0), (1.0, 1.0))  # low and high corner of the picture, in the world's units

    def __init__(
        self,
        world: ControlProblem,
        *,
        normalized_actions: bool = False,
        start_spread: ArrayLike = 0.0,
        process_noise: ArrayLike | None = None,
        sensor_range: ArrayLike = np.inf,
        render_mode: str | None = None,
    ):
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ValueError(f'render_mode must be None or "rgb_array"; got {render_mode!r}')
        n = world.state_size
        self.world, self.render_mode = world, render_mode
        self.problem = NormalizedActions(world) if normalized_actions else world
        self.start_spread = _one_each("start_spread", start_spread, n)
        self._noise_factor = None if process_noise is None else _factor(process_noise, n)
        observed = self.observation(np.asarray(world.initial_state, dtype=np.float64))
        high = _one_each("sensor_range", sensor_range, len(observed))
        self.observation_space = gymnasium.spaces.Box(-high, high, dtype=np.float64)
        self.action_space = gymnasium.spaces.Box(
            self.problem.action_low, self.problem.action_high, dtype=np.float64
        )
        self.state: np.ndarray | None = None
        self.last_action = np.zeros(world.action_size)  # in the world's units, for the picture
        self._steps = 0

    def observation(self, s: np.ndarray) -> np.ndarray:
        """What is observed (..., k) in the state `s` (..., n): here the state itself."""
        return np.array(s)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start an episode; the same `seed` starts, and continues, in the same way.

        options: ``{"state": s}`` starts in the state `s` (n,), without chance.
        """
        super().reset(seed=seed)
        given = (options or {}).get("state")
        if given is None:
            start = self.world.initial_state + self.np_random.uniform(-self.start_spread, self.start_spread)
        else:
            start = read_array('options["state"]', given, "n", {"n": self.world.state_size}).copy()
        self.state, self._steps = start, 0
        self.last_action = np.zeros(self.world.action_size)
        return self._observed(), {"state": self.state.copy()}

    def step(self, action: ArrayLike) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Observation, reward, terminated (False), truncated (after T steps), info with the state.

        Raises ValueError for an action that is not finite or outside the action space: a torque in N m
        where shares of the limit are expected should not pass unseen. `gymnasium.wrappers.ClipAction`
        around the environment clips instead.
        """
        if self.state is None:
            raise gymnasium.error.ResetNeeded("reset must be called before step")
        a = self._read_action(action)
        s = read_array("state", self.state, "n", {"n": self.world.state_size})
        following = self.problem.dynamics(s, a)
        if self._noise_factor is not None:
            following = following + self._noise_factor @ self.np_random.standard_normal(len(s))
        if np.isnan(following).any():
            raise ValueError(f"{type(self.world).__name__}.dynamics returned NaN from s = {s}, a = {a}")
        cost = float(self.problem.cost(s, a))
        self._steps += 1
        if self._steps == self.problem.horizon:
            cost += float(self.problem.final_cost(following))
        self.state = following
        truncated = self._steps >= self.problem.horizon
        return self._observed(), -cost, False, truncated, {"state": self.state.copy()}

    def render(self) -> np.ndarray | None:
        """A picture, uint8 (height, width, 3), of the present state; None without a render mode."""
        if self.render_mode is None:
            gymnasium.logger.warn('render needs render_mode="rgb_array" when the environment is made')
            return None
        if self.state is None:
            raise gymnasium.error.ResetNeeded("reset must be called before render")
        from mbrl_teach.problems.drawing import Canvas  # Pillow only for those who look

        canvas = Canvas(*self.view)
        self.draw(canvas)
        return canvas.array()

    def draw(self, canvas: Canvas) -> None:
        """Draw the present state: here a bar for each coordinate, x / (1 + |x|) long, zero in the middle."""
        n = len(self.state)
        for i, x in enumerate(self.state / (1.0 + np.abs(self.state))):
            y = 1.0 - (2 * i + 1) / n
            canvas.line([(0.0, y), (x, y)], canvas.BLUE, width=0.5 / n)
        canvas.line([(0.0, -1.0), (0.0, 1.0)], canvas.INK, width=0.01)

    def _observed(self) -> np.ndarray:
        return np.clip(self.observation(self.state), self.observation_space.low, self.observation_space.high)

    def _read_action(self, action: ArrayLike) -> np.ndarray:
        a = read_array("action", action, "m", {"m": self.world.action_size})
        low, high = self.action_space.low, self.action_space.high
        if ((a < low - ROUNDING * np.abs(low)) | (a > high + ROUNDING * np.abs(high))).any():
            raise ValueError(f"action must lie between {low} and {high}, the action space; got {a}")
        a = np.clip(a, low, high)
        normalized = isinstance(self.problem, NormalizedActions)
        self.last_action = self.problem.world_action(a) if normalized else a
        return a


def _one_each(name: str, value: ArrayLike, size: int) -> np.ndarray:
    """`value`, a number or one for each coordinate, as an array (size,) without negative entries."""
    each = np.full(size, value) if np.ndim(value) == 0 else value
    each = read_array(name, each, "k", {"k": size}, finite=False)
    if not (each >= 0.0).all():
        raise ValueError(f"{name} must not be negative; got {each}")
    return each


def _factor(covariance: ArrayLike, n: int) -> np.ndarray:
    """B (n, n) with B B' = covariance, which need not be positive definite."""
    covariance = read_array("process_noise", covariance, "n n", {"n": n})
    require_covariance("process_noise", covariance, "n n")
    variances, directions = np.linalg.eigh(covariance)
    return directions * np.sqrt(np.maximum(variances, 0.0))
