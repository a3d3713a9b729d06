"""The worlds as environments: Gymnasium's checker, seeds, what a return is, and what is seen of the state."""

import importlib
import subprocess
import sys

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from mbrl_teach.planning.grid_dynamic_programming import Axis, action_grid, grid_backward_induction
from mbrl_teach.problems import environments
from mbrl_teach.problems.base import ControlProblem
from mbrl_teach.problems.car import CarEnv, CarParking
from mbrl_teach.problems.cart_pole import CartPole, CartPoleEnv
from mbrl_teach.problems.environment import ControlEnv
from mbrl_teach.problems.particle import Particle, ParticleEnv
from mbrl_teach.problems.pendulum import Pendulum, PendulumEnv
from mbrl_teach.problems.unicycle import Unicycle, UnicycleEnv

IDS = [
    f"mbrl_teach/{name}"
    for name in (
        "Pendulum-v0",
        "CartPole-v0",
        "CartPoleSwingUp-v0",
        "CarParking-v0",
        "Unicycle-v0",
        "Particle-v0",
    )
]
every_id = pytest.mark.parametrize("id_", IDS)


class Drift(ControlProblem):
    """A newcomer's world in two functions: the state moves by the action, far from 0 it breaks."""

    state_size, action_size, horizon = 2, 2, 6
    initial_state = np.array([1.0, -1.0])

    def dynamics(self, s, a):
        return np.where(np.abs(s) < 100.0, s + a, np.nan)

    def cost(self, s, a):
        return (s * s).sum(axis=-1) + 0.1 * (a * a).sum(axis=-1)

    def final_cost(self, s):
        return 7.0 * np.abs(s).sum(axis=-1)


def episode(env, actions, **reset):
    """Observations, states, rewards, terminated and truncated of an episode, as arrays."""
    observation, info = env.reset(**reset)
    observations, states, rest = [observation], [info["state"]], []
    for a in actions:
        observation, reward, terminated, truncated, info = env.step(a)
        observations.append(observation)
        states.append(info["state"])
        rest.append((reward, terminated, truncated))
    return np.array(observations), np.array(states), *map(np.array, zip(*rest, strict=True))


def random_actions(env, seed=0, steps=None):
    env.action_space.seed(seed)
    return [env.action_space.sample() for _ in range(steps or env.unwrapped.problem.horizon)]


@every_id
def test_passes_gymnasiums_checker_without_a_warning(id_):
    check_env(gymnasium.make(id_).unwrapped)


@every_id
def test_an_episode_is_truncated_at_the_horizon_and_never_terminated(id_):
    env = gymnasium.make(id_)
    T = env.unwrapped.problem.horizon
    assert env.spec.max_episode_steps == T
    for each in (env, env.unwrapped):
        _, _, _, terminated, truncated = episode(each, random_actions(env), seed=0)
        assert not terminated.any()
        assert np.flatnonzero(truncated).tolist() == [T - 1]


@every_id
def test_the_return_is_minus_the_cost_of_the_rollout(id_):
    env = gymnasium.make(id_)
    actions = random_actions(env)
    _, states, rewards, _, _ = episode(env, actions, seed=3)
    problem = env.unwrapped.problem
    expected, cost = problem.rollout(actions, states[0])
    assert states == pytest.approx(expected, rel=1e-12)
    assert rewards.sum() == pytest.approx(-cost, rel=1e-12)
    assert rewards[0] == pytest.approx(-problem.cost(states[0], np.asarray(actions[0])))


@every_id
def test_the_same_seed_gives_the_same_trajectory_noise_included(id_):
    size = gymnasium.make(id_).unwrapped.problem.state_size
    env = gymnasium.make(id_, process_noise=1e-4 * np.eye(size))
    actions = random_actions(env, steps=15)
    first, other = episode(env, actions, seed=5), episode(env, actions, seed=6)
    again = episode(gymnasium.make(id_, process_noise=1e-4 * np.eye(size)), actions, seed=5)
    for one, same in zip(first, again, strict=True):
        assert np.array_equal(one, same)
    assert not np.array_equal(first[1], other[1])


@every_id
@pytest.mark.parametrize("side", [-1.0, 0.0, 1.0])
def test_the_sensors_do_not_saturate_before_the_horizon(id_, side):
    """Full actions to one side, or (0) each in the direction of the motion, which pumps in most energy."""
    env = gymnasium.make(id_).unwrapped
    observation, _ = env.reset(seed=0)
    for _ in range(env.problem.horizon):
        pumping = np.where(env.state[-1] >= 0.0, 1.0, -1.0)
        observation, *_ = env.step(np.full(env.problem.action_size, side or pumping))
        assert observation == pytest.approx(env.observation(env.state), rel=1e-14)


def test_an_agent_may_act_in_float32_at_a_bound_that_float32_rounds_up():
    env = PendulumEnv(Pendulum(action_limit=0.1), normalized_actions=False)
    env.reset(seed=0)
    action = np.array([0.1], dtype=np.float32)
    assert action.astype(float) > 0.1
    env.step(action)
    assert env.last_action == 0.1


@every_id
def test_a_picture_shows_where_the_state_is(id_):
    env = gymnasium.make(id_, render_mode="rgb_array")
    env.reset(seed=0)
    before = env.render()
    for _ in range(5):
        env.step(env.action_space.high)
    after = env.render()
    assert before.dtype == np.uint8
    assert before.shape == after.shape == (*before.shape[:2], 3)
    assert not np.array_equal(before, after)


def test_the_picture_of_the_standing_rod_is_that_of_the_hanging_one_upside_down():
    env = PendulumEnv(render_mode="rgb_array")
    pictures = []
    for theta in (0.0, np.pi, 0.5 * np.pi):
        env.reset(options={"state": [theta, 0.0]})
        pictures.append(env.render().astype(int))
    up, down, left = pictures
    assert np.abs(up - down[::-1]).mean() < 3.0
    assert np.abs(up - down).mean() > 5.0
    assert (left < 100).any(axis=-1)[:, :190].any()
    assert not (left < 100).any(axis=-1)[:, 215:].any()


def test_registering_again_changes_nothing():
    assert {id_ for id_ in gymnasium.registry if id_ in IDS} == set(IDS)
    importlib.reload(environments)
    gymnasium.make("mbrl_teach/Pendulum-v0")


def test_many_environments_step_together():
    envs = gymnasium.make_vec("mbrl_teach/Pendulum-v0", num_envs=3, vectorization_mode="sync")
    envs.reset(seed=0)
    observations, rewards, *_ = envs.step(envs.action_space.sample())
    assert observations.shape == (3, 3)
    assert rewards.shape == (3,)


def test_only_who_looks_needs_pillow():
    drawing = "{'matplotlib', 'PIL', 'pygame'} & {name.split('.')[0] for name in sys.modules}"
    code = f"""if True:
        import sys
        from mbrl_teach.problems.pendulum import PendulumEnv
        env = PendulumEnv(render_mode="rgb_array")
        env.reset(seed=0)
        print({drawing})
        env.render()
        print({drawing})"""
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.split("\n")[:2] == ["set()", "{'PIL'}"]


def test_a_newcomers_world_is_an_environment_in_its_own_units():
    env = ControlEnv(Drift(), render_mode="rgb_array")
    assert env.problem is env.world
    actions = random_actions(env)
    observations, states, rewards, _, truncated = episode(env, actions)
    assert np.array_equal(states[0], Drift.initial_state)
    assert np.array_equal(observations, states)
    assert rewards.sum() == pytest.approx(-Drift().rollout(actions)[1])
    assert rewards[-1] == pytest.approx(
        -Drift().cost(states[-2], actions[-1]) - Drift().final_cost(states[-1])
    )
    assert truncated[-1]
    assert env.render().shape == (400, 400, 3)


def test_a_finite_range_is_all_that_the_checker_misses_in_it():
    world = Drift()
    world.action_low, world.action_high = -np.ones(2), np.ones(2)
    check_env(ControlEnv(world, sensor_range=50.0), skip_render_check=True)
    with pytest.warns(UserWarning, match="infinity"):
        check_env(ControlEnv(world), skip_render_check=True)


def test_beyond_their_range_the_sensors_saturate_and_the_state_goes_on():
    env = ControlEnv(Drift(), sensor_range=(3.0, np.inf))
    env.reset(seed=0)
    observation, _, _, _, info = env.step([8.0, -4.0])
    assert observation.tolist() == [3.0, -5.0]
    assert info["state"].tolist() == [9.0, -5.0]
    assert observation in env.observation_space


def test_starts_are_spread_evenly_around_the_initial_state_or_given():
    env = ControlEnv(Drift(), start_spread=(0.5, 0.0))
    env.reset(seed=0)
    starts = np.array([env.reset()[0] for _ in range(500)])
    assert np.abs(starts[:, 0] - 1.0).max() <= 0.5
    assert np.ptp(starts[:, 0]) > 0.95
    assert starts[:, 0].std() == pytest.approx(1.0 / np.sqrt(12.0), rel=0.15)
    assert (starts[:, 1] == -1.0).all()
    given = np.array([4.0, 2.0])
    env.reset(seed=1, options={"state": given})
    given[:] = 50.0
    env.step([1.0, 1.0])
    assert np.array_equal(env.state, [5.0, 3.0])


def test_the_state_can_be_set_and_what_is_handed_out_is_a_copy():
    env = ControlEnv(Drift())
    observation, info = env.reset(seed=0)
    observation[:] = info["state"][:] = 50.0
    assert np.array_equal(env.state, Drift.initial_state)
    assert np.array_equal(Drift.initial_state, [1.0, -1.0])
    env.state = [2.0, 3.0]
    assert env.step([1.0, 0.0])[0].tolist() == [3.0, 3.0]


def test_process_noise_has_the_covariance_that_was_asked_for():
    """4000 draws: four standard deviations of each entry of the sample's covariance; one direction has none."""
    covariance = np.array([[0.04, 0.06], [0.06, 0.09]])
    env = ControlEnv(Drift(), process_noise=covariance)
    env.reset(seed=0)
    noise = []
    for _ in range(4000):
        env.state = [0.0, 0.0]
        noise.append(env.step([0.0, 0.0])[0])
    noise = np.array(noise)
    deviation = np.sqrt((np.outer([0.04, 0.09], [0.04, 0.09]) + covariance**2) / 4000)
    assert (np.abs(noise.T @ noise / 4000 - covariance) < 4.0 * deviation).all()
    assert noise @ [3.0, -2.0] == pytest.approx(0.0, abs=1e-6)


def test_an_observation_of_the_pendulum_is_gymnasiums_and_gives_the_state_back_but_for_turns():
    env = PendulumEnv()
    for seed in range(5):
        observation, info = env.reset(seed=seed)
        theta, omega = info["state"]
        assert 0.0 <= theta <= 2.0 * np.pi
        assert observation == pytest.approx([np.cos(theta), np.sin(theta), omega])
        turns = (env.state_from_observation(observation) - info["state"]) / (2.0 * np.pi)
        assert turns == pytest.approx(np.round(turns), abs=1e-12)
        assert turns[1] == 0.0


def test_a_turn_further_the_pendulums_return_is_the_same():
    env = PendulumEnv()
    actions = random_actions(env)
    here, there = (episode(env, actions, options={"state": [x, 0.0]})[2] for x in (1.0, 1.0 + 2.0 * np.pi))
    assert here == pytest.approx(there, abs=1e-9)


def test_actions_are_shares_of_the_limits_unless_asked_otherwise():
    share, torque = PendulumEnv(), PendulumEnv(normalized_actions=False)
    steps = []
    for env, action in ((share, 0.4), (torque, 0.8)):
        env.reset(options={"state": [2.0, 1.0]})
        observation, reward, *_ = env.step([action])
        steps.append((*observation, reward))
    assert steps[0] == pytest.approx(steps[1], rel=1e-14)
    assert torque.action_space.high == pytest.approx([2.0])
    assert np.array_equal(
        share.world.dynamics(np.ones(2), np.array([0.8])),
        torque.problem.dynamics(np.ones(2), np.array([0.8])),
    )


def test_in_the_pendulums_environment_it_pays_to_swing_up():
    env = PendulumEnv()
    axes = [Axis(-np.pi, np.pi, 61, wraps=True), Axis(-10.0, 10.0, 61)]
    solution = grid_backward_induction(env.problem, axes, action_grid([-1.0], [1.0], 7))
    env.reset(options={"state": [np.pi, 0.0]})
    heights = [env.step(solution.policy(env.state, t))[0][0] for t in range(200)]
    assert min(heights[80:180]) > 0.95  # towards the end nothing is lost by falling


@pytest.mark.parametrize(
    ("env", "world"),
    [
        (PendulumEnv, Pendulum(horizon=3, length=2.0)),
        (CartPoleEnv, CartPole(horizon=3, pole_mass=0.1)),
        (CarEnv, CarParking(horizon=3, wheelbase=3.0)),
        (UnicycleEnv, Unicycle(horizon=3, obstacles=np.empty((0, 3)))),
        (ParticleEnv, Particle(horizon=3, wind=1.0)),
    ],
)
def test_another_world_of_its_kind_can_be_given(env, world):
    env = env(world, normalized_actions=False, render_mode="rgb_array")
    actions = np.full((3, world.action_size), 0.1)
    _, states, _, _, truncated = episode(env, actions, seed=0)
    assert states[-1] == pytest.approx(world.rollout(actions, states[0])[0][-1])
    assert truncated.tolist() == [False, False, True]
    env.render()


def test_a_torque_where_a_share_is_expected_does_not_pass_unseen():
    env = PendulumEnv()
    env.reset(seed=0)
    with pytest.raises(
        ValueError, match=r"action must lie between \[-1.\] and \[1.\], the action space; got \[2.\]"
    ):
        env.step([2.0])
    gymnasium.wrappers.ClipAction(env).step(np.array([2.0]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start_spread": [0.1] * 3}, "start_spread must have shape"),
        ({"start_spread": -0.1}, "start_spread must not be negative"),
        ({"sensor_range": [1.0]}, "sensor_range must have shape"),
        ({"sensor_range": np.nan}, "sensor_range must not be negative"),
        ({"process_noise": [0.1, 0.1]}, "process_noise must have shape"),
        ({"process_noise": [[1.0, 2.0], [2.0, 1.0]]}, "process_noise must be positive semi-definite"),
        ({"render_mode": "human"}, "render_mode must be None or \"rgb_array\"; got 'human'"),
        ({"normalized_actions": True}, "world must have bounded actions; Drift has"),
    ],
)
def test_refuses_options_that_do_not_fit(options, message):
    with pytest.raises(ValueError, match=message):
        ControlEnv(Drift(), **options)


@pytest.mark.parametrize(
    ("action", "message"), [([1.0], "action must have shape"), ([1.0, np.nan], "action must be finite")]
)
def test_refuses_actions_that_are_none(action, message):
    env = ControlEnv(Drift())
    env.reset(seed=0)
    with pytest.raises(ValueError, match=message):
        env.step(action)


def test_refuses_a_start_that_is_none():
    with pytest.raises(ValueError, match=r'options\["state"\] must have shape'):
        ControlEnv(Drift()).reset(options={"state": [1.0]})


def test_a_world_that_turns_to_nan_says_so():
    env = ControlEnv(Drift())
    env.reset(options={"state": [1e3, 0.0]})
    with pytest.raises(ValueError, match=r"Drift\.dynamics returned NaN from s = "):
        env.step([0.0, 0.0])


def test_nothing_is_done_before_a_reset():
    env = ControlEnv(Drift(), render_mode="rgb_array")
    for call in (lambda: env.step([0.0, 0.0]), env.render):
        with pytest.raises(gymnasium.error.ResetNeeded):
            call()


def test_without_a_render_mode_there_is_a_warning_and_no_picture():
    env = ControlEnv(Drift())
    env.reset(seed=0)
    with pytest.warns(UserWarning, match="render_mode"):
        assert env.render() is None
