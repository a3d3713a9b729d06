"""PETS in Gymnasium's pendulum and in the cart-pole: what it learns in ten trials."""

import gymnasium
import numpy as np
import pytest
from scipy import stats

import mbrl_teach.problems.environments  # noqa: F401 (registers the worlds)
from mbrl_teach.agents.pets import pets
from mbrl_teach.models.encoding import Angles
from mbrl_teach.models.ensemble import ProbabilisticEnsemble
from mbrl_teach.models.linear import Linear
from mbrl_teach.models.reward import RewardModel
from mbrl_teach.models.trajectory_sampling import TrajectorySampling
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


QUICK = {
    "trials": 3,
    "steps": 12,
    "horizon": 4,
    "planner": {"population": 12, "elites": 4, "iterations": 1},
    "ensemble": {"steps": 10, "hidden": (8,)},
}


def test_it_is_the_model_based_loop_with_an_ensemble_and_the_same_seed_does_the_same():
    one, other = (pendulum(3, **QUICK) for _ in range(2))
    assert isinstance(one.model, ProbabilisticEnsemble)
    np.testing.assert_array_equal(one.steps, 12)
    assert [trial.plan is None for trial in one.trials] == [True, False, False]
    for trial, again in zip(one.trials, other.trials, strict=True):
        np.testing.assert_array_equal(trial.actions, again.actions)
    assert one.trials[1].plan.actions.shape == (4, 1)
    assert not np.array_equal(pendulum(4, **QUICK).trials[1].actions, one.trials[1].actions)


@pytest.mark.parametrize("scheme", ["TS1", "TSinf", "moments"])
def test_it_plans_in_trajectory_sampling_of_the_scheme_with_as_many_particles(monkeypatch, scheme):
    seen = []
    sample = TrajectorySampling.sample
    monkeypatch.setattr(
        TrajectorySampling,
        "sample",
        lambda world, s, a, rng: seen.append((world.scheme, s.shape)) or sample(world, s, a, rng),
    )
    pendulum(0, scheme=scheme, particles=6, **QUICK)
    assert {what for what, _ in seen} == {scheme}
    assert {shape for _, shape in seen} == {(6, 12, 2), (6, 2, 2)}  # the population, and the two finalists


def test_a_reward_can_be_learned_on_the_way():
    reward = RewardModel(Linear())
    history = pets(
        Hanging(gymnasium.make("Pendulum-v1")), reward=reward, rng=np.random.default_rng(0), **QUICK
    )
    assert history.reward is reward
    assert reward.state_size == 3


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"env.action_space must be a Box"):
        pets(gymnasium.make("CartPole-v1"), reward=None, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="TSinf needs at least as many particles as members, E = 5; got 3"):
        pendulum(0, particles=3, **QUICK)
    with pytest.raises(ValueError, match="scheme must be one of"):
        pendulum(0, scheme="TS", **QUICK)


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
