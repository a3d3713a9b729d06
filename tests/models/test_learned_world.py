"""A model with a cost is a world like any other; and what no model takes."""

from functools import partial

import numpy as np
import pytest

from mbrl_teach.control.ilqr import ilqr
from mbrl_teach.models.encoding import Angles
from mbrl_teach.models.learned_world import LearnedWorld
from mbrl_teach.models.linear import Linear
from mbrl_teach.models.linear_gaussian import LinearGaussian
from mbrl_teach.models.network import NeuralNetwork
from mbrl_teach.models.reward import RewardModel
from mbrl_teach.planning.cem import CrossEntropyPlanner
from mbrl_teach.problems.particle import Particle
from mbrl_teach.problems.pendulum import Pendulum
from tests.models.worlds import linear_steps, pendulum_steps

MODELS = {
    "linear": Linear,
    "linear-Gaussian": LinearGaussian,
    "network": lambda: NeuralNetwork(rng=np.random.default_rng(0), steps=30),
}


def particle_steps(world, N=200):
    rng = np.random.default_rng(0)
    s, a = rng.normal(size=(N, world.state_size)), rng.normal(size=(N, world.action_size))
    return s, a, world.dynamics(s, a)


def test_in_a_linear_world_the_plan_through_the_model_is_the_true_one():
    world = Particle()
    learned = LearnedWorld.of(Linear().fit(*particle_steps(world)), world)
    np.testing.assert_allclose(ilqr(learned).actions, ilqr(world).actions, atol=1e-8)
    assert ilqr(learned).cost == pytest.approx(ilqr(world).cost, rel=1e-9)
    assert learned.horizon == world.horizon


def test_the_same_model_serves_a_second_cost():
    world = Particle()
    model = Linear().fit(*particle_steps(world))
    cost = lambda s, a: (s[..., 0] + 3.0) ** 2 + 0.01 * (a**2).sum(axis=-1)
    start = {"horizon": 40, "initial_state": world.initial_state}
    first, second = LearnedWorld.of(model, world, horizon=40), LearnedWorld(model, cost, **start)
    assert ilqr(second).states[30, 0] == pytest.approx(-3.0, abs=0.2)
    assert abs(ilqr(first).states[30, 0] + 3.0) > 1.0


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_planners_with_and_without_particles_plan_in_it(make):
    world = Pendulum(horizon=10, action_limit=2.0)
    learned = LearnedWorld.of(make().fit(*pendulum_steps(50, np.random.default_rng(1))), world)
    for particles in (None, 3):
        planner = CrossEntropyPlanner(
            learned, population=20, elites=5, particles=particles, rng=np.random.default_rng(2)
        )
        plan = planner.plan([np.pi, 0.0])
        assert np.abs(plan.actions).max() <= 2.0
        np.testing.assert_allclose(plan.states, learned.rollout(plan.actions, plan.states[0])[0], atol=1e-6)


def test_second_derivatives_are_sound_in_float32_too():
    steps = pendulum_steps(400, np.random.default_rng(3))
    hessians = []
    for dtype in (np.float64, np.float32):
        model = NeuralNetwork(rng=np.random.default_rng(0), encoding=Angles(0), dtype=dtype, steps=200)
        world, at = LearnedWorld.of(model.fit(*steps), Pendulum()), [part[:6] for part in steps[:2]]
        hessians.append((world.dynamics_hessian(*at), super(LearnedWorld, world).dynamics_hessian(*at)))
    (double, differences), (single, noise) = hessians
    np.testing.assert_allclose(double, differences, atol=1e-5)
    np.testing.assert_allclose(single, double, atol=0.01)
    assert abs(noise - double).max() > 0.01


def test_all_but_the_motion_is_the_task_s():
    task = Pendulum(horizon=7, action_limit=2.0)
    world = LearnedWorld.of(Linear().fit(*pendulum_steps(9, np.random.default_rng(7))), task)
    s, a = np.array([[0.4, 1.0], [3.0, -2.0]]), np.array([[0.1], [-0.2]])
    for name, arguments in (
        ("cost", (s, a)),
        ("final_cost", (s,)),
        ("quadratize", (s, a)),
        ("quadratize_final", (s,)),
    ):
        for ours, its in zip(getattr(world, name)(*arguments), getattr(task, name)(*arguments), strict=True):
            np.testing.assert_array_equal(ours, its)
    for name in ("horizon", "initial_state", "action_low", "action_high"):
        np.testing.assert_array_equal(getattr(world, name), getattr(task, name))


def test_a_reward_is_learned_by_the_same_regressions():
    s, a, _ = linear_steps(100, np.random.default_rng(4))
    reward = RewardModel(Linear()).fit(s, a, 3.0 * s[:, 1] - a[:, 0] + 2.0)
    np.testing.assert_allclose(reward(s[0], a[0]), 3.0 * s[0, 1] - a[0, 0] + 2.0, atol=1e-12)
    assert reward(s.reshape(4, 25, 2), a.reshape(4, 25, 1)).shape == (4, 25)
    with pytest.raises(ValueError, match="has seen no data"):
        RewardModel(Linear())(s, a)
    with pytest.raises(ValueError, match=r"rewards must have shape \(N,\) = \(100,\)"):
        RewardModel(Linear()).fit(s, a, np.zeros(99))


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_what_no_model_takes(make):
    s, a, s_next = linear_steps(30, np.random.default_rng(5))
    bad = s.copy()
    bad[7, 1] = np.nan
    for arguments, message in (
        ((s, a[:-1], s_next), r"actions must have shape \(N, m\) = \(30, 1\); got \(29, 1\)"),
        ((s, a, s_next[:, :1]), r"next_states must have shape .*; got \(30, 1\)|states must have shape"),
        ((bad, a, s_next), "states must be finite; got NaN"),
        ((s, a, bad), "next_states must be finite; got NaN"),
        ((s[:0], a[:0], s_next[:0]), "states must have N >= 1"),
        ((s[0], a[0], s_next[0]), r"states must have shape \(N, n\)"),
    ):
        with pytest.raises(ValueError, match=message):
            make().fit(*arguments)
    with pytest.raises(ValueError, match="has seen no data; call fit first"):
        make().predict(s, a)
    model = make().fit(s, a, s_next)
    with pytest.raises(
        ValueError, match=r"states must have shape \(\.\.\., n\) = \(\.\.\., 2\)|states must have shape"
    ):
        model.predict(s[:, :1], a)
    with pytest.raises(ValueError, match="rng must be a"):
        model.sample(s, a, 0)


def test_a_world_needs_a_model_that_has_seen_data_and_limits_that_fit():
    with pytest.raises(ValueError, match="model must have seen data"):
        LearnedWorld(Linear(), np.zeros, horizon=3)
    make = partial(LearnedWorld, Linear().fit(*linear_steps(9, np.random.default_rng(6))), np.zeros)
    with pytest.raises(ValueError, match=r"action_low must have shape \(m,\) = \(1,\)"):
        make(horizon=3, action_low=[-1.0, -1.0])
    with pytest.raises(ValueError, match=r"initial_state must have shape \(n,\) = \(2,\)"):
        make(horizon=3, initial_state=[0.0])
    assert make(horizon=3).action_high == np.inf
