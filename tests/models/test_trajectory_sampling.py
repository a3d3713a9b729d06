"""Trajectory sampling: exact enumeration in tiny worlds, closed forms for linear members, and where moments mislead."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from mbrl_teach.models.ensemble import ProbabilisticEnsemble
from mbrl_teach.models.gaussian_network import GaussianNetwork
from mbrl_teach.models.learned_world import LearnedWorld
from mbrl_teach.models.linear import Linear
from mbrl_teach.models.losses import GaussianLikelihood
from mbrl_teach.models.normalisation import Normalisation
from mbrl_teach.models.perceptron import Perceptron
from mbrl_teach.models.trajectory_sampling import TrajectorySampling, normal_of_same_moments
from mbrl_teach.planning.cem import CrossEntropyPlanner
from mbrl_teach.planning.rollouts import Rollouts
from tests.models.worlds import linear_steps

STEPS = (
    lambda s, a: s + a,
    lambda s, a: 0.5 * s - a,
    lambda s, a: s * s - 0.3 * a,
)


class TinyWorlds:
    """Three members, one coordinate, no chance: what remains is who is asked."""

    state_size = action_size = 1
    member_count = 3

    def sample(self, s, a, rng, members):
        return np.choose(members[..., None], [step(s, a) for step in STEPS])

    def dynamics(self, s, a):
        return np.mean([step(s, a) for step in STEPS], axis=0)


def cost(s, a):
    return (s[..., 0] - 0.7) ** 2


START, ACTIONS = np.array([0.4]), np.array([0.2, -0.5, 0.3, 0.1])[:, None]


def tiny(scheme, T=4):
    return TrajectorySampling(
        LearnedWorld(TinyWorlds(), cost, horizon=T, final_cost=lambda s: s[..., 0] ** 2), scheme
    )


def exact_costs(orders):
    """What the actions cost when step t asks member order[t], for each order."""
    found = []
    for order in orders:
        s, total = START, 0.0
        for e, a in zip(order, ACTIONS, strict=True):
            total += cost(s, a)
            s = STEPS[e](s, a)
        found.append(float(total + s[0] ** 2))
    return np.array(found)


def test_ts_inf_is_the_mean_over_members_each_kept_to_the_end():
    exact = exact_costs([(e,) * 4 for e in range(3)])
    estimate = Rollouts(tiny("TSinf"), particles=6).costs(START, ACTIONS[None], np.random.default_rng(0))
    assert estimate[0] == pytest.approx(exact.mean(), rel=1e-12)


def test_ts1_draws_among_all_orders_of_members():
    """3⁴ = 81 orders, equally likely; the estimate of 40000 particles within five standard errors."""
    exact = exact_costs(product(range(3), repeat=4))
    estimate = Rollouts(tiny("TS1"), particles=40000).costs(START, ACTIONS[None], np.random.default_rng(1))
    error = exact.std() / np.sqrt(40000)
    assert abs(estimate[0] - exact.mean()) < 5 * error
    inf = exact_costs([(e,) * 4 for e in range(3)]).mean()
    assert abs(inf - exact.mean()) > 20 * error


def test_members_are_never_averaged_before_a_step():
    """The cost of the mean world is none of these: rolling out the mean is another, wrong, answer."""
    mean_world = Rollouts(tiny("TS1")).costs(START, ACTIONS[None])[0]
    for orders in (product(range(3), repeat=4), [(e,) * 4 for e in range(3)]):
        exact = exact_costs(orders)
        assert abs(mean_world - exact.mean()) > 0.02 * exact.mean()


@pytest.mark.parametrize("scheme", ["TS1", "TSinf"])
def test_who_is_asked(scheme):
    """Under TS∞ particle p asks p mod E; under TS1 all are asked, and each anew. Both whatever the sequence."""
    asked = []

    class Recorder(TinyWorlds):
        def sample(self, s, a, rng, members):
            asked.append(np.array(members))
            return s

    world = TrajectorySampling(LearnedWorld(Recorder(), cost, horizon=5), scheme)
    Rollouts(world, particles=400).costs(START, np.zeros((50, 5, 1)), np.random.default_rng(2))
    of_particles = np.array(asked)[:, :, 0]
    np.testing.assert_array_equal(asked, np.repeat(of_particles[:, :, None], 50, axis=2))
    if scheme == "TSinf":
        np.testing.assert_array_equal(of_particles, np.tile(np.arange(400) % 3, (5, 1)))
    else:
        orders = of_particles.T @ 3 ** np.arange(5)  # the five members of a particle, as one of 243 numbers
        assert stats.chisquare(np.bincount(orders % 9, minlength=9)).pvalue > 1e-4
        assert stats.chisquare(np.bincount(orders // 27, minlength=9)).pvalue > 1e-4


def linear_ensemble(slopes, offsets, noise):
    """Members s' = s + A_e [s; a] + b_e + noise of variance v_e, as networks without hidden layers."""
    E, p, d = slopes.shape
    likelihood = GaussianLikelihood(-30.0, np.inf)
    network = Perceptron([d, 2 * p], np.random.default_rng(0), members=(E,))
    (W, b) = network.layers[0]
    W[..., :p], W[..., p:] = slopes.mT, 0.0
    b[:, 0, :p], b[:, 0, p:] = offsets, np.log(noise)
    model = ProbabilisticEnsemble(rng=np.random.default_rng(0), members=E, hidden=(), dtype=np.float64)
    same = Normalisation(np.zeros(d), np.ones(d)), Normalisation(np.zeros(p), np.ones(p))
    model.regression.all = GaussianNetwork(network, likelihood, *same)
    model.regression.each = [GaussianNetwork(network.member(e), likelihood, *same) for e in range(E)]
    model.state_size, model.action_size = p, d - p
    return model


SLOPES = np.array([[[-0.1, 0.2, 0.1], [-0.3, -0.2, 0.4]], [[0.1, 0.0, 0.3], [-0.2, 0.1, 0.2]]])
OFFSETS, NOISE = np.array([[0.1, 0.0], [-0.1, 0.05]]), np.array([[0.01, 0.02], [0.03, 0.01]])


def closed_form(slopes, offset, noise, actions, mean, covariance):
    """Mean and covariance after the actions in one linear-Gaussian world."""
    n = len(mean)
    A, B = np.eye(n) + slopes[:, :n], slopes[:, n:]
    for a in actions:
        mean = A @ mean + B @ a + offset
        covariance = A @ covariance @ A.T + np.diag(noise)
    return mean, covariance


def final_states(scheme, particles, actions, rng, start=(0.5, -0.2)):
    world = TrajectorySampling(
        LearnedWorld(linear_ensemble(SLOPES, OFFSETS, NOISE), cost, horizon=len(actions)), scheme
    )
    s = np.tile(np.array(start), (particles, 1, 1))
    for a in actions:
        s = world.sample(s, np.broadcast_to(a, (particles, 1, 1)), rng)
    return s[:, 0]


def test_ts_inf_with_linear_members_has_each_member_s_closed_form():
    actions = np.array([[0.5], [-1.0], [0.3]])
    particles = final_states("TSinf", 40000, actions, np.random.default_rng(3))
    for e in range(2):
        mean, covariance = closed_form(
            SLOPES[e], OFFSETS[e], NOISE[e], actions, np.array([0.5, -0.2]), np.zeros((2, 2))
        )
        own = particles[e::2]
        np.testing.assert_allclose(own.mean(axis=0), mean, atol=5 * np.sqrt(covariance.max() / 20000))
        np.testing.assert_allclose(np.cov(own.T), covariance, atol=0.05 * covariance.max())


def mixture_after(actions):
    """Mean and covariance under TS1: the law of total variance over all orders of members."""
    means, covariances = [], []
    for order in product(range(2), repeat=len(actions)):
        mean, covariance = np.array([0.5, -0.2]), np.zeros((2, 2))
        for e, a in zip(order, actions, strict=True):
            mean, covariance = closed_form(SLOPES[e], OFFSETS[e], NOISE[e], [a], mean, covariance)
        means.append(mean)
        covariances.append(covariance)
    return np.mean(means, axis=0), np.mean(covariances, axis=0) + np.cov(np.array(means).T, bias=True)


@pytest.mark.parametrize("scheme", ["TS1", "moments"])
def test_ts1_and_moments_have_the_mixture_s_first_two_moments_with_linear_members(scheme):
    """Of linear members the next two moments depend on the present two alone: there matching them loses nothing."""
    actions = np.array([[0.5], [-1.0], [0.3]])
    mean, covariance = mixture_after(actions)
    particles = 2000 if scheme == "moments" else 40000
    drawn = final_states(scheme, particles, actions, np.random.default_rng(4))
    width = np.sqrt(covariance.max() / particles)
    np.testing.assert_allclose(drawn.mean(axis=0), mean, atol=8 * width)
    np.testing.assert_allclose(
        np.cov(drawn.T), covariance, atol=(0.15 if scheme == "moments" else 0.05) * covariance.max()
    )


def test_a_bimodal_future_is_seen_by_particles_and_not_by_moments():
    """Members that go left and right. The middle is where no particle is; a normal has most of itself there."""
    slopes, noise = np.zeros((2, 1, 2)), np.full((2, 1), 1e-4)
    model = linear_ensemble(slopes, np.array([[-1.0], [1.0]]), noise)
    gate = lambda s, a: (np.abs(s[..., 0]) < 0.5).astype(float)  # what the middle costs
    found = {
        scheme: Rollouts(
            TrajectorySampling(LearnedWorld(model, lambda s, a: 0.0 * a[..., 0], horizon=1), scheme),
            particles=2000,
            final_cost=lambda s: gate(s, None),
        ).costs(np.zeros(1), np.zeros((1, 1, 1)), np.random.default_rng(5))[0]
        for scheme in ("TS1", "TSinf", "moments")
    }
    assert found["TS1"] == found["TSinf"] == 0.0
    middle = stats.norm(0.0, np.sqrt(1.0 + 1e-4)).cdf([-0.5, 0.5]) @ [-1, 1]
    assert found["moments"] == pytest.approx(middle, abs=5 * np.sqrt(middle * (1 - middle) / 2000))


def test_replaced_particles_have_mean_and_covariance_of_those_before():
    """20000 clouds of three particles in the plane: the covariance has rank 2, and with two particles rank 1."""
    rng = np.random.default_rng(6)
    for P in (2, 3):
        cloud = rng.normal(size=(P, 1, 2))
        drawn = normal_of_same_moments(np.broadcast_to(cloud, (P, 20000, 2)), rng)
        covariance = np.cov(cloud[:, 0].T)
        np.testing.assert_allclose(drawn[0].mean(axis=0), cloud.mean(axis=(0, 1)), atol=0.06)
        np.testing.assert_allclose(np.cov(drawn[0].T), covariance, atol=0.06 * covariance.max())
        between = np.mean((drawn[0] - cloud.mean(axis=0)) * (drawn[1] - cloud.mean(axis=0)), axis=0)
        np.testing.assert_allclose(between, 0.0, atol=0.06 * covariance.max())


def test_everything_but_chance_is_the_world_s():
    model = linear_ensemble(SLOPES, OFFSETS, NOISE)
    world = LearnedWorld(
        model, cost, horizon=3, action_low=[-1.0], action_high=[2.0], final_cost=lambda s: s[..., 1]
    )
    planned = TrajectorySampling(world)
    s, a = np.array([0.3, 0.1]), np.array([0.5])
    for name in ("dynamics", "cost", "linearize"):
        np.testing.assert_array_equal(getattr(planned, name)(s, a), getattr(world, name)(s, a))
    assert planned.final_cost(s) == 0.1
    assert (planned.horizon, planned.action_low, planned.action_high) == (3, [-1.0], [2.0])
    plan = CrossEntropyPlanner(
        planned, population=20, elites=4, particles=4, rng=np.random.default_rng(7)
    ).plan(s)
    assert plan.actions.shape == (3, 1)


def test_what_cannot_be_sampled_is_refused():
    world = LearnedWorld(linear_ensemble(SLOPES, OFFSETS, NOISE), cost, horizon=2)
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="scheme must be one of 'TS1', 'TSinf', 'moments'; got 'TS2'"):
        TrajectorySampling(world, "TS2")
    linear = Linear().fit(*linear_steps(20, rng))
    with pytest.raises(
        ValueError, match="needs a model with members, such as ProbabilisticEnsemble; got Linear"
    ):
        TrajectorySampling(LearnedWorld(linear, cost, horizon=2))
    s, a = np.zeros((1, 4, 2)), np.zeros((1, 4, 1))
    with pytest.raises(ValueError, match="TSinf needs at least as many particles as members, E = 2; got 1"):
        TrajectorySampling(world, "TSinf").sample(s, a, rng)
    with pytest.raises(ValueError, match="moments need at least two particles"):
        TrajectorySampling(world, "moments").sample(s, a, rng)
    with pytest.raises(ValueError, match=r"s must have shape \(P, N, n\), particles first; got \(4, 2\)"):
        TrajectorySampling(world).sample(s[0], a[0], rng)
    with pytest.raises(ValueError, match="rng must be a"):
        TrajectorySampling(world).sample(s, a, 0)
