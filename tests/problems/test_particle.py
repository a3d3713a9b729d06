"""The particle: Newton's law, and analytic derivatives that agree with the defaults."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from mbrl_teach.problems.base import ControlProblem
from mbrl_teach.problems.particle import Particle


@pytest.fixture
def particle():
    return Particle(mass=1.7, wind=-0.4, target=0.8, weights=(1.3, 0.2, 0.6), dt=0.3)


def test_a_step_solves_newtons_law(particle):
    start, force = np.array([0.5, -1.2]), np.array([0.9])
    motion = solve_ivp(lambda _, s: [s[1], (0.9 - 0.4) / 1.7], (0.0, 0.3), start, rtol=1e-10, atol=1e-12)
    assert particle.dynamics(start, force) == pytest.approx(motion.y[:, -1], abs=1e-9)


def test_analytic_derivatives_agree_with_the_defaults(particle):
    rng = np.random.default_rng(0)
    s, a = rng.normal(size=(4, 2)), rng.normal(size=(4, 1))
    assert particle.linearize(s, a) == pytest.approx(ControlProblem.linearize(particle, s, a), abs=1e-9)
    for own, default in zip(
        particle.quadratize(s, a), ControlProblem.quadratize(particle, s, a), strict=True
    ):
        assert own == pytest.approx(default, abs=1e-8)
    default = ControlProblem.dynamics_hessian(particle, s, a)
    assert particle.dynamics_hessian(s, a) == pytest.approx(default, abs=1e-8)


def test_the_linear_quadratic_form_is_the_same_world(particle):
    F, f, C, c = particle.linear_quadratic()
    s, a = np.array([0.4, -0.7]), np.array([1.1])
    z = np.concatenate([s, a])
    assert F[3] @ z + f[3] == pytest.approx(particle.dynamics(s, a))
    left_out = 0.5 * 1.3 * 0.8**2
    assert 0.5 * z @ C[3] @ z + z @ c[3] + left_out == pytest.approx(particle.cost(s, a))


def test_refuses_a_world_without_time_or_mass():
    with pytest.raises(ValueError, match="dt must be positive"):
        Particle(dt=0.0)


def test_a_changed_world_moves_as_it_says(particle):
    particle.wind, particle.mass = 2.0, 0.5
    fresh = Particle(mass=0.5, wind=2.0, target=0.8, weights=(1.3, 0.2, 0.6), dt=0.3)
    assert particle.dynamics(np.ones(2), np.ones(1)) == pytest.approx(fresh.dynamics(np.ones(2), np.ones(1)))


def test_derivatives_take_one_state_with_many_actions(particle):
    assert particle.linearize(np.ones(2), np.ones((5, 1))).shape == (5, 2, 3)
    assert particle.dynamics_hessian(np.ones(2), np.ones((5, 1))).shape == (5, 2, 3, 3)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"weights": (1, 2)}, "weights must have shape"),
        ({"initial_state": (1, 2, 3)}, "initial_state must have shape"),
        ({"wind": np.nan}, "wind must be finite"),
        ({"horizon": 2.5}, "horizon must be a whole number"),
    ],
)
def test_says_which_parameter_is_wrong(wrong, message):
    with pytest.raises(ValueError, match=message):
        Particle(**wrong)
