"""The three loops of model-based learning: what they collect, fit and execute, and how far they come."""

from functools import partial

import gymnasium
import numpy as np
import pytest
from scipy import stats

import mbrl_teach.problems.environments  # noqa: F401 (registers the worlds)
from mbrl_teach.agents.model_based import model_based_rl
from mbrl_teach.agents.trials import steps_of
from mbrl_teach.control.ilqr import ilqr
from mbrl_teach.control.plan import Plan
from mbrl_teach.models.encoding import Angles
from mbrl_teach.models.linear import Linear
from mbrl_teach.models.network import NeuralNetwork
from mbrl_teach.models.reward import RewardModel
from mbrl_teach.planning.cem import CrossEntropyPlanner
from mbrl_teach.planning.trajectory_optimization import ILQRPlanner
from mbrl_teach.problems.environment import ControlEnv
from mbrl_teach.problems.gymnasium_worlds import GymnasiumPendulum
from mbrl_teach.problems.particle import Particle

LOOPS = ("naive", "aggregating", "mpc")
WORLD = GymnasiumPendulum()


class Counter(gymnasium.Env):
    """s' = s + a, from 10 x (the number of the episode); it ends as the episode's number says."""

    def __init__(self, ends):
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (1,), np.float32)
        self.action_space = gymnasium.spaces.Box(-0.5, 1.0, (1, 1), np.float32)
        self.ends, self.episode, self.actions, self.seeds = ends, -1, [], []

    def reset(self, *, seed=None, options=None):
        self.episode, self.steps, self.s = self.episode + 1, 0, 10.0 * (self.episode + 1)
        self.seeds.append(seed)
        return np.array([self.s], np.float32), {}

    def step(self, action):
        assert self.action_space.contains(action)
        self.actions.append(action)
        self.s, self.steps = self.s + float(action[0, 0]), self.steps + 1
        kind, length = self.ends[self.episode]
        over = self.steps == length
        reward = -abs(self.s)
        return (
            np.array([self.s], np.float32),
            reward,
            over and kind == "terminated",
            over and kind == "truncated",
            {},
        )


class Recorder:
    """A planner that plans `actions`, and remembers from which states it was asked."""

    def __init__(self, world, asked, horizon=4):
        self.world, self.asked, self.horizon = world, asked, horizon

    def plan(self, state):
        self.asked.append(state)
        actions = np.linspace(-1.0, 2.0, self.horizon)[:, None]
        return Plan(np.zeros((self.horizon + 1, 1)), actions, 0.0, True, 1, "")


class Fits(Linear):
    """Remembers what it was fitted to."""

    def __init__(self):
        super().__init__()
        self.data = []

    def fit(self, states, actions, next_states):
        self.data.append((states, actions, next_states))
        return super().fit(states, actions, next_states)


def count(loop, ends=(("truncated", 6), ("terminated", 3), ("truncated", 6), ("truncated", 5)), **options):
    env, asked, model = Counter(ends), [], Fits()
    settings = {"reward": lambda s, a: -np.abs(s[..., 0]), "rng": np.random.default_rng(0), "steps": 50}
    history = model_based_rl(
        env, model, lambda world: Recorder(world, asked), loop=loop, trials=len(ends), **(settings | options)
    )
    return env, asked, model, history


@pytest.mark.parametrize("loop", LOOPS)
def test_no_pair_spans_the_end_of_an_episode(loop):
    """Truncated or terminated: the next state of a last step is the last state, not the new start."""
    _, _, model, history = count(loop)
    for states, actions, next_states in model.data:
        np.testing.assert_allclose(next_states, states + actions, atol=1e-5)
    assert [trial.terminated for trial in history.trials] == [False, True, False, False]
    np.testing.assert_array_equal(history.steps, [6, 3, 6, 5])
    s, a, s_next, rewards = steps_of(history.trials)
    assert len(s) == len(a) == len(s_next) == len(rewards) == 20
    np.testing.assert_allclose(s_next, s + a, atol=1e-5)
    np.testing.assert_allclose(rewards, -np.abs(s_next[:, 0]), atol=1e-5)
    np.testing.assert_allclose(history.returns, [trial.rewards.sum() for trial in history.trials])


def test_naive_fits_once_to_the_base_policy_s_steps_and_the_others_add_up():
    assert [len(data[0]) for data in count("naive")[2].data] == [15]
    for loop in ("aggregating", "mpc"):
        assert [len(data[0]) for data in count(loop)[2].data] == [6, 9, 15]


def test_naive_and_aggregating_execute_whole_plans_and_mpc_first_actions_only():
    whole = np.float32(np.clip(np.linspace(-1.0, 2.0, 4), -0.5, 1.0))
    for loop in LOOPS:
        env, asked, _, history = count(loop)
        last = np.ravel(env.actions)[-5:]
        if loop == "mpc":
            np.testing.assert_array_equal(last, np.full(5, whole[0]))
            np.testing.assert_allclose(np.ravel(asked)[-5:], history.trials[-1].states[:-1, 0])
        else:
            np.testing.assert_array_equal(last, [*whole, whole[0]])
            np.testing.assert_allclose(np.ravel(asked)[-2:], history.trials[-1].states[[0, 4], 0])


def test_all_loops_begin_with_the_same_steps_and_take_equally_many():
    runs = [count(loop) for loop in LOOPS]
    for env, _, _, history in runs[1:]:
        np.testing.assert_array_equal(env.actions[:6], runs[0][0].actions[:6])
        np.testing.assert_array_equal(history.steps, runs[0][3].steps)
    assert len(set(runs[0][0].seeds)) == 4


def test_a_trial_keeps_its_first_plan_and_the_callback_sees_each():
    for loop in LOOPS:
        seen = []
        _, _, _, history = count(loop, callback=seen.append)
        assert seen == list(history.trials)
        planned = [trial.plan is not None for trial in history.trials]
        assert planned == ([False, False, False, True] if loop == "naive" else [False, True, True, True])


def test_steps_limit_a_trial_and_the_state_is_what_read_state_makes_of_it():
    _, asked, model, history = count(
        "mpc", steps=2, read_state=lambda o: np.concatenate([o, 2 * o]), reward=zero
    )
    assert model.state_size == 2
    np.testing.assert_array_equal(history.steps, 2)
    np.testing.assert_allclose(history.trials[0].states[:, 1], 2 * history.trials[0].states[:, 0])
    assert all(state.shape == (2,) for state in asked)


def zero(s, a):
    return np.zeros(s.shape[:-1])


def test_a_base_policy_may_be_given():
    env, *_ = count("naive", base_policy=lambda s: np.array([0.25]))
    np.testing.assert_array_equal(np.ravel(env.actions)[:15], 0.25)


def test_in_a_linear_world_one_trial_is_enough():
    """MPC by iLQR through least squares does what iLQR does in the true world, from the second trial on."""
    world = Particle(horizon=15)
    env = ControlEnv(Bounded(world))
    history = model_based_rl(
        env,
        Linear(),
        partial(ILQRPlanner, horizon=15),
        reward=lambda s, a: -world.cost(s, a),
        rng=np.random.default_rng(0),
        loop="aggregating",
        trials=2,
        steps=15,
    )
    stage = Bounded(world)
    stage.final_cost = lambda s: np.zeros(s.shape[:-1])
    stage.quadratize_final = lambda s: (np.zeros((*s.shape, s.shape[-1])), np.zeros_like(s))
    best = ilqr(stage)
    np.testing.assert_allclose(history.trials[1].actions, best.actions, atol=1e-5)


class Bounded(Particle):
    """The particle, with limits far away."""

    def __init__(self, world):
        self.__dict__.update(world.__dict__)
        self.action_low, self.action_high = np.full(self.action_size, -50.0), np.full(self.action_size, 50.0)


def test_a_reward_can_be_learned_on_the_way():
    known, learned = (
        model_based_rl(
            gymnasium.make("Pendulum-v1"),
            Linear(encoding=Angles(0)),
            partial(CrossEntropyPlanner, horizon=5, population=20, elites=5, rng=np.random.default_rng(1)),
            reward=reward,
            rng=np.random.default_rng(0),
            trials=2,
            steps=20,
            read_state=WORLD.state_from_observation,
        )
        for reward in (
            lambda s, a: -WORLD.cost(s, a),
            RewardModel(NeuralNetwork(rng=np.random.default_rng(2), steps=20)),
        )
    )
    assert learned.reward.state_size == 2
    np.testing.assert_array_equal(known.trials[0].actions, learned.trials[0].actions)
    assert (known.trials[1].actions != learned.trials[1].actions).any()


def make(observations=None, actions=None):
    env = Counter([("truncated", 3)] * 2)
    env.observation_space = observations or env.observation_space
    env.action_space = actions or env.action_space
    return env


@pytest.mark.parametrize(
    ("env", "options", "message"),
    [
        (make(gymnasium.spaces.Discrete(3)), {}, "env.observation_space must be a Box"),
        (make(actions=gymnasium.spaces.Discrete(3)), {}, "env.action_space must be a Box"),
        (
            make(actions=gymnasium.spaces.Box(-np.inf, 1.0, (1,))),
            {},
            "env.action_space must have finite limits",
        ),
        (make(), {}, "steps must be given: the environment has no max_episode_steps"),
        (make(), {"steps": 0}, "steps must be a whole number from 1 on"),
        (make(), {"steps": 5, "loop": "dagger"}, "loop must be one of 'naive', 'aggregating', 'mpc'"),
        (make(), {"steps": 5, "trials": 1}, "trials must be a whole number from 2 on"),
        (make(), {"steps": 5, "rng": 3}, r"rng must be a numpy\.random\.Generator"),
        (
            make(),
            {"steps": 5, "base_policy": lambda s: [0.0, 0.0]},
            r"the policy's action must have shape \(m,\) = \(1,\)",
        ),
    ],
)
def test_what_does_not_fit_is_refused(env, options, message):
    settings = {"reward": zero, "rng": np.random.default_rng(0), "trials": 2} | options
    with pytest.raises(ValueError, match=message):
        model_based_rl(env, Linear(), lambda world: Recorder(world, []), **settings)


class Hanging(gymnasium.Wrapper):
    """Pendulum-v1, from hanging at rest."""

    def reset(self, **options):
        _, info = self.env.reset(**options)
        self.unwrapped.state = np.array([np.pi, 0.0])
        return WORLD.observation(self.unwrapped.state), info


def swing_up(loop, seed):
    """The return of the last of 8 trials."""
    rng = np.random.default_rng(seed)
    history = model_based_rl(
        Hanging(gymnasium.make("Pendulum-v1")),
        NeuralNetwork(rng=rng, encoding=Angles(0)),
        partial(CrossEntropyPlanner, horizon=40, population=200, elites=20, iterations=3, rng=rng),
        reward=lambda s, a: -WORLD.cost(s, a),
        read_state=WORLD.state_from_observation,
        rng=rng,
        loop=loop,
        trials=8,
    )
    assert history.steps.sum() == 1600
    return history.returns[-1]


@pytest.mark.slow
def test_hanging_mpc_swings_up_and_each_loop_is_better_than_the_one_before():
    """20 seeds, the same for each loop; one-sided Wilcoxon, p < 0.01 with Holm's correction."""
    naive, aggregating, mpc = (np.array([swing_up(loop, seed) for seed in range(20)]) for loop in LOOPS)
    assert mpc.mean() >= -400
    p = sorted(
        stats.wilcoxon(better, worse, alternative="greater").pvalue
        for better, worse in ((aggregating, naive), (mpc, aggregating))
    )
    assert p[0] < 0.01 / 2
    assert p[1] < 0.01
