"""PETS in Gymnasium's pendulum and in the cart-pole: what it learns in ten trials."""

import gymnasium
import numpy as np
import pytest
from scipy import stats

import mbrl_teach.problems.environments  # noqa: F401 (registers the worlds)
from mbrl_teach.agents.pets import pets
from mbrl_teach.models.encoding import Angles
from mbrl_teach.problems.gymnasium_worlds import GymnasiumPendulum

PENDULUM = GymnasiumPendulum()
SEEDS = range(20)


class Hanging(gymnasium.Wrapper):
    """Pendulum-v1, from hanging at rest."""

    def reset(self, **options):
        _, info = self.env.reset(**options)
        self.unwrapped.state = np.array([np.pi, 0.0])
        return PENDULUM.observation(self.unwrapped.state), info


def pendulum(seed, **settings):
    """With two iterations a plan is good enough there."""
    return pets(
        Hanging(gymnasium.make("Pendulum-v1")),
        reward=lambda s, a: -PENDULUM.cost(s, a),
        read_state=PENDULUM.state_from_observation,
        encoding=Angles(0),
        rng=np.random.default_rng(seed),
        **({"planner": {"iterations": 2}} | settings),
    )


def cart_pole(seed, **settings):
    """Plans of a second; half the force is enough to look with."""
    env = gymnasium.make("mbrl_teach/CartPoleSwingUp-v0")
    return pets(
        env,
        reward=lambda s, a: -env.unwrapped.problem.cost(s, a),
        encoding=Angles(1),
        rng=np.random.default_rng(seed),
        **({"horizon": 20, "planner": {"initial_std": 0.5}} | settings),
    )


def stands(history):
    """Whether the pole is within 0.2 rad of upright in the last ten steps, half a second, of the last trial."""
    world = gymnasium.make("mbrl_teach/CartPoleSwingUp-v0").unwrapped.world
    return bool(world.is_up(history.trials[-1].states[-10:]).all())


@pytest.mark.slow
def test_the_pendulum_swings_up_in_ten_trials():
    """From hanging; the 10th trial's return, over 20 seeds."""
    returns = [pendulum(seed).returns[-1] for seed in SEEDS]
    assert np.median(returns) >= -350.0


@pytest.mark.slow
def test_the_cart_pole_s_pole_stands_after_ten_trials():
    """In at least 16 of 20 seeds; then 95 % of Clopper and Pearson's intervals begin above one half."""
    successes = sum(stands(cart_pole(seed)) for seed in SEEDS)
    assert successes >= 16
    assert stats.binomtest(successes, len(SEEDS)).proportion_ci(0.95, "exact").low > 0.5
