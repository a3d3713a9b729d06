"""The pendulum: its equation of motion, its energy, and angles that are never wrapped."""

import gymnasium
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from mbrl_teach.problems.pendulum import Pendulum


def motion(_, s):
    """θ'' = 3 g / 2l sin θ + 3 u / m l² for the rod of the tests under 0.8 N m."""
    return [s[1], 1.5 * 9.6 / 0.7 * np.sin(s[0]) + 3.0 * 0.8 / (1.3 * 0.7**2)]


def after_one_second(steps):
    world = Pendulum(dt=1.0 / steps, gravity=9.6, mass=1.3, length=0.7, initial_state=(2.5, -0.4))
    return world.rollout(np.full((steps, 1), 0.8))[0][-1]


def test_small_steps_approach_the_equation_of_motion_with_order_one():
    exact = solve_ivp(motion, (0.0, 1.0), [2.5, -0.4], rtol=1e-10, atol=1e-12).y[:, -1]
    coarse, fine = (np.linalg.norm(after_one_second(steps) - exact) for steps in (400, 800))
    assert np.log2(coarse / fine) == pytest.approx(1.0, abs=0.1)


def test_one_step_is_that_of_gymnasiums_pendulum():
    env = gymnasium.make("Pendulum-v1").unwrapped
    env.reset(seed=0)
    env.state = np.array([2.0, -0.5])
    env.step(np.array([0.7]))
    assert Pendulum().dynamics(np.array([2.0, -0.5]), np.array([0.7])) == pytest.approx(env.state, abs=1e-7)


def test_without_torque_the_energy_stays_within_the_order_of_the_step():
    """Semi-implicit Euler is symplectic: the error in the energy does not grow with time."""
    world = Pendulum(initial_state=(2.0, 0.0), dt=0.01)
    energy = world.energy(world.rollout(np.zeros((5000, 1)))[0])
    swing = energy[0] - world.energy(np.array([np.pi, 0.0]))
    error = np.abs(energy - energy[0])
    assert error.max() < 0.02 * swing
    assert error[2500:].max() < 1.1 * error[:2500].max()


def test_torque_does_the_work_that_the_energy_gains():
    world = Pendulum(dt=1e-5, initial_state=(1.0, 0.5), mass=1.3, length=0.7)
    before = world.initial_state
    after = world.dynamics(before, np.array([0.9]))
    work = 0.9 * (after[0] - before[0])
    assert world.energy(after) - world.energy(before) == pytest.approx(work, rel=1e-2)


def test_a_turn_further_the_motion_is_the_same_and_the_angle_is_not_wrapped():
    world, push, turn = Pendulum(), np.array([0.3]), np.array([2.0 * np.pi, 0.0])
    s = np.array([6.0, 5.0])
    assert world.dynamics(s + turn, push) == pytest.approx(world.dynamics(s, push) + turn, rel=1e-14)
    assert world.dynamics(s, push)[0] > 6.2


def test_the_cost_is_that_of_the_swing_up():
    world, s, u = Pendulum(), np.array([2.0, -1.5]), np.array([0.7])
    assert world.cost(s, u) == pytest.approx(0.05 * (0.5 * 0.49 + 1.0 - np.cos(2.0) + 0.05 * 2.25))
    assert world.final_cost(s) == pytest.approx(50.0 * 4.0 + 5.0 * 2.25)


def test_the_torque_is_unlimited_unless_a_limit_is_given():
    assert np.array_equal(Pendulum().action_high, [np.inf])
    limited = Pendulum(action_limit=2.0)
    assert np.array_equal(limited.action_low, [-2.0])
    assert np.array_equal(limited.action_high, [2.0])


@pytest.mark.parametrize("wrong", [{"horizon": 0}, {"dt": 0.0}, {"length": -1.0}, {"action_limit": 0.0}])
def test_refuses_what_is_no_pendulum(wrong):
    with pytest.raises(ValueError, match=rf"{next(iter(wrong))} must .*; got {next(iter(wrong.values()))}"):
        Pendulum(**wrong)


@pytest.mark.parametrize("name", ["dt", "mass", "length", "action_limit"])
def test_nan_is_no_parameter(name):
    with pytest.raises(ValueError, match=f"{name} must be positive; got nan"):
        Pendulum(**{name: np.nan})


@pytest.mark.parametrize(
    ("name", "value"), [("weights", (1, 2)), ("final_weights", (1,)), ("initial_state", np.zeros((2, 2)))]
)
def test_vectors_have_the_right_length(name, value):
    with pytest.raises(ValueError, match=f"{name} must have shape"):
        Pendulum(**{name: value})


def test_its_steps_approach_the_differential_equation():
    """Semi-implicit Euler is of first order: half the step, half the distance to scipy's solution."""
    actions = np.array([0.7])
    miss = []
    for horizon in (50, 100):
        world = Pendulum(horizon=horizon, dt=1.0 / horizon, initial_state=(2.0, 0.5))
        states, _ = world.rollout(np.full((horizon, 1), 0.7))
        flow = solve_ivp(lambda t, s, w=world: w.derivative(s, actions), (0, 1), [2.0, 0.5], rtol=1e-10)
        miss.append(np.abs(states[-1] - flow.y[:, -1]).max())
    assert miss[0] / miss[1] == pytest.approx(2.0, abs=0.1)
