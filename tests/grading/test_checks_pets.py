"""The references of assignment 07b_pets against oracles that share nothing with them, and its judges of draws."""

import itertools

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.stats import binom, dirichlet, kstest, norm

from mbrl_teach.grading.checks import pets as checks
from mbrl_teach.grading.instances import pets as instances
from mbrl_teach.grading.judges import episodes, particles
from mbrl_teach.grading.references import pets as references
from mbrl_teach.grading.student_call import NOT_FROM_RNG
from mbrl_teach.planning.dynamic_programming import value_iteration


@pytest.fixture(params=range(3))
def rng(request):
    return np.random.default_rng(request.param)


def test_the_points_are_those_that_the_assignment_promises():
    tasks = [
        checks.trajectory_sampling,
        checks.ensemble_cem,
        checks.posterior_sampling,
        checks.optimistic_values,
    ]
    assert [task.points for task in tasks] == [7, 6, 6, 6]


# Task 1 ---------------------------------------------------------------------------------------------


class LinearGaussian:
    """Members s' = F s + a + b_e + σ_e z, in one dimension."""

    def __init__(self, F, b, sigma):
        self.F, self.b, self.variance = F, np.asarray(b), np.asarray(sigma) ** 2

    def __call__(self, states, actions):
        one = self.F * states + actions
        shape = (len(self.b), *(1,) * one.ndim)
        means = one + self.b.reshape(shape)
        return means, np.broadcast_to(self.variance.reshape(shape), means.shape)


def after_all_sequences(world, state, actions):
    """Where noiseless members lead, for every sequence of members that there is."""
    ends = {}
    for members in itertools.product(range(len(world.b)), repeat=len(actions)):
        s = state
        for e, a in zip(members, actions, strict=True):
            s = world.F * s + a + world.b[e]
        ends[members] = s
    return ends


@pytest.mark.parametrize("redraw", [False, True])
def test_particles_end_where_the_sequences_of_members_lead_and_as_often(rng, redraw):
    """Every sequence of members under TS1, only constant ones under TS∞, each with the same chance."""
    world, actions, P = LinearGaussian(0.7, [0.0, 1.0, 5.3], [0.0, 0.0, 0.0]), rng.normal(size=3), 2000
    ends = after_all_sequences(world, 0.4, actions)
    if not redraw:
        ends = {members: end for members, end in ends.items() if len(set(members)) == 1}
    states = references.trajectory_sampling(
        np.array([0.4]), actions[None, :, None], world, 3, P, rng, redraw
    )[:, 0, -1, 0]
    tally = [np.isclose(states, end).sum() for end in ends.values()]
    assert sum(tally) == P
    low, high = binom.ppf([1e-7, 1 - 1e-7], P, 1 / len(ends))
    assert all(low <= count <= high for count in tally)


def moments(world, state, actions, redraw):
    """Mean and variance of the last state, in closed form."""
    weight = len(world.b)
    if redraw:  # in each step the mean of the members, their spread and their noise
        mean, variance = state, 0.0
        for a in actions:
            mean = world.F * mean + a + world.b.mean()
            variance = world.F**2 * variance + world.b.var() + world.variance.mean()
        return mean, variance
    means, variances = np.full(weight, state), np.zeros(weight)
    for a in actions:
        means, variances = world.F * means + a + world.b, world.F**2 * variances + world.variance
    return means.mean(), variances.mean() + means.var()


@pytest.mark.parametrize("redraw", [False, True])
def test_the_moments_are_those_of_linear_gaussian_members(rng, redraw):
    world, actions, P = LinearGaussian(0.9, [-0.5, 0.2, 0.6], [0.1, 0.3, 0.5]), rng.normal(size=5), 20_000
    states = references.trajectory_sampling(
        np.array([0.4]), actions[None, :, None], world, 3, P, rng, redraw
    )[:, 0, -1, 0]
    mean, variance = moments(world, 0.4, actions, redraw)
    assert abs(states.mean() - mean) < 5 * np.sqrt(variance / P)
    kurtosis_bound = np.mean((states - mean) ** 4)
    assert abs(np.mean((states - mean) ** 2) - variance) < 5 * np.sqrt(kurtosis_bound / P)


def test_what_members_disagree_about_grows_with_the_square_of_time_under_ts_infinity_alone():
    world = LinearGaussian(1.0, [-1.0, 1.0], [0.0, 0.0])
    for T in (1, 4, 9):
        assert moments(world, 0.0, np.zeros(T), False)[1] == pytest.approx(T**2)
        assert moments(world, 0.0, np.zeros(T), True)[1] == pytest.approx(T)


def test_right_particles_are_never_refused():
    """60 examinations, each of which errs with a chance below 2e-5."""
    for seed in range(60):
        report = checks.trajectory_sampling.examine(
            references.trajectory_sampling, np.random.default_rng(100 + seed)
        )
        assert report.points == 7, report


def test_the_limits_of_the_judges_are_as_rare_as_they_say():
    assert 2 * norm.sf(particles.FAR) < 2e-9
    assert 2 * np.exp(-2 * episodes.KOLMOGOROV**2) < 1e-7  # Massart's bound, any N


def in_another_order(deviation=np.sqrt, members_of=lambda rng, E, size: rng.integers(E, size=size)):
    """A student's answer whose draws come in another order than the reference's."""

    def answer(state, actions, predict, E, P, rng, redraw):
        N, T, _ = actions.shape
        z = rng.standard_normal((T, P, N, len(state)))
        members = members_of(rng, E, (T if redraw else 1, P)) * np.ones((T, 1), dtype=int)
        states = np.zeros((P, N, T + 1, len(state)))
        states[:, :, 0] = state
        for t in range(T):
            chosen = members[t], np.arange(P)
            means, variances = predict(states[:, :, t], actions[:, t])
            states[:, :, t + 1] = means[chosen] + deviation(variances[chosen]) * z[t]
        return states

    return answer


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        (in_another_order(deviation=lambda v: v), "the variance is taken for a deviation"),
        (in_another_order(deviation=lambda v: 0 * v), "no noise is added"),
        (
            in_another_order(members_of=lambda rng, E, size: np.zeros(size, dtype=int)),
            "all particles follow the first member",
        ),
    ],
)
def test_a_mistake_is_named_in_whatever_order_the_student_draws(answer, name):
    for seed in range(5):
        assert f"Looks like: {name}" in str(
            checks.trajectory_sampling.examine(answer, np.random.default_rng(seed))
        )
    right = checks.trajectory_sampling.examine(in_another_order(), np.random.default_rng(0))
    assert right.points == 7


@pytest.mark.parametrize(
    "answer",
    [
        in_another_order(deviation=lambda v: 2 * np.sqrt(v)),
        in_another_order(deviation=lambda v: np.exp(0.5 * v)),
    ],
)
def test_a_mistake_that_nobody_knows_is_not_called_by_another_name(answer):
    for seed in range(5):
        report = checks.trajectory_sampling.examine(answer, np.random.default_rng(seed))
        assert report.points < 7
        assert "Looks like" not in str(report), report


# Task 2 ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cases", [instances.single_iterations, instances.bounded_iterations, instances.searches]
)
def test_every_candidate_is_priced_by_hand(rng, cases):
    for state, propagate, cost, mean, std, low, high, noise, elites in cases(rng):
        found = references.ensemble_cem(state, propagate, cost, mean, std, low, high, noise, elites)
        for i, z in enumerate(noise):
            candidates = np.clip(mean + std * z, low, high)
            for j, candidate in enumerate(candidates):
                paths = propagate(state, candidate[None])[:, 0]
                each = [sum(cost(s, a) for s, a in zip(p[:-1], candidate, strict=True)) for p in paths]
                assert found[2][i, j] == pytest.approx(np.mean(each))
            order = sorted(range(len(z)), key=lambda j, row=found[2][i]: row[j])
            best = candidates[order[:elites]]
            fits = np.array([[norm.fit(best[:, t, k]) for k in range(len(low))] for t in range(len(mean))])
            mean, std = fits[..., 0], fits[..., 1]
        np.testing.assert_allclose(found[0], mean)
        np.testing.assert_allclose(found[1], std, atol=1e-12)


def test_the_search_finds_the_compromise_of_the_particles_not_the_optimum_of_one(rng):
    """Each particle has a goal of its own; the mean of squared distances is least at the mean of the goals."""
    goals = rng.normal(size=4)
    propagate = lambda state, actions: np.stack(
        [np.concatenate([actions[..., :1] - g] * 2, axis=1) for g in goals]
    )
    cost = lambda s, a: s[..., 0] ** 2
    noise = rng.normal(size=(25, 200, 1, 1))
    bounds = np.full(1, -np.inf), np.full(1, np.inf)
    mean, std, _ = references.ensemble_cem(
        np.zeros(1), propagate, cost, np.zeros((1, 1)), np.ones((1, 1)), *bounds, noise, 20
    )
    np.testing.assert_allclose(mean, goals.mean(), atol=1e-4)
    assert std.max() < 1e-3


def test_the_costs_of_all_iterations_are_asked_for():
    def last_costs(*case):
        mean, std, costs = references.ensemble_cem(*case)
        return mean, std, costs[-1:]

    report = checks.ensemble_cem.examine(last_costs, np.random.default_rng(0))
    assert report.lost == (checks.LOOP,)


# Task 3 ---------------------------------------------------------------------------------------------


def test_drawn_rows_have_the_moments_of_a_dirichlet_distribution(rng):
    alpha = rng.uniform(0.3, 4.0, size=5)
    rows = references.dirichlet(rng, np.tile(alpha, (20_000, 1)))
    expected = dirichlet(alpha)
    error = np.sqrt(expected.var() / len(rows))
    np.testing.assert_allclose(rows.sum(axis=-1), 1.0)
    assert np.all(np.abs(rows.mean(axis=0) - expected.mean()) < 5 * error)
    np.testing.assert_allclose(np.cov(rows.T, bias=True), expected.cov(), atol=0.003)


def test_the_ranks_of_dirichlet_draws_are_uniform_and_independent(rng):
    alpha = rng.uniform(0.3, 4.0, size=4)
    ranks = episodes.ranks(dirichlet(alpha).rvs(3000, random_state=rng), np.tile(alpha, (3000, 1)))
    assert ranks.shape == (3000, 3)
    assert all(kstest(column, "uniform").pvalue > 1e-6 for column in ranks.T)
    assert np.abs(np.corrcoef(ranks.T) - np.eye(3)).max() < 6 / np.sqrt(3000)


def test_the_ranks_of_other_draws_are_not(rng):
    alpha = rng.uniform(0.3, 4.0, size=4)
    ranks = episodes.ranks(dirichlet(alpha + 1.0).rvs(3000, random_state=rng), np.tile(alpha, (3000, 1)))
    assert kstest(ranks.ravel(), "uniform").pvalue < 1e-6


def test_flatness_is_uniform_for_right_rows_and_high_for_rows_that_are_too_flat(rng):
    """Large entries that are too small and small ones that are too large cancel in plain ranks."""
    alpha = np.array([0.3, 2.0, 0.3, 0.3, 2.0, 0.3])
    wanted = np.tile(alpha, (1000, 1))
    drawn = lambda alpha: episodes.flatness(dirichlet(alpha).rvs(1000, random_state=rng), wanted).ravel()
    assert kstest(drawn(alpha), "uniform").pvalue > 1e-6
    assert drawn(alpha + 1.0).mean() > 0.6
    assert drawn(0.5 * alpha).mean() < 0.5


def test_the_episodes_follow_their_plans_and_every_step_is_counted(rng):
    (case,) = instances.episodes(rng)
    _, counts, plan, world, start, K, T, _ = case
    before = counts.copy()
    worlds, actions, after = references.posterior_sampling(*case)
    assert np.array_equal(counts, before)
    tally = {}
    for P, taken in zip(worlds, actions, strict=True):
        s = start
        for a in taken:
            assert a == plan(P)[s]
            following = world(s, a)
            tally[a, s, following] = tally.get((a, s, following), 0) + 1
            s = following
    assert {tuple(i): after[tuple(i)] - before[tuple(i)] for i in np.argwhere(after != before)} == tally
    assert sum(tally.values()) == K * T


def test_some_rows_are_never_seen_and_plans_differ_from_draw_to_draw(rng):
    """Else a judge of the draws would have nothing to look at, or an agent that ignores its world would pass."""
    (case,) = instances.episodes(rng)
    worlds, _, after = references.posterior_sampling(*case)
    tried = (after - case[1]).any(axis=-1)
    assert not tried[:, -2:].any()
    assert tried.sum() >= 6
    policies = {tuple(case[2](P)) for P in worlds[len(worlds) // 2 :]}
    assert len(policies) >= 5


def test_right_episodes_are_never_refused():
    for seed in range(30):
        report = checks.posterior_sampling.examine(
            references.posterior_sampling, np.random.default_rng(100 + seed)
        )
        assert report.points == 6, report


def rows_drawn_one_by_one(alpha_of):
    """A student's answer with `rng.dirichlet`, from the last row to the first."""

    def draw(rng, pseudo_counts):
        P = np.zeros_like(pseudo_counts)
        for a, s in reversed(list(np.ndindex(P.shape[:2]))):
            P[a, s] = rng.dirichlet(pseudo_counts[a, s])
        return P

    return lambda *case: references.posterior_sampling(*case, draw=draw, pseudo=alpha_of)


@pytest.mark.parametrize(
    ("alpha_of", "name"),
    [
        (lambda prior, counts, given: counts, "the prior is forgotten"),
        (lambda prior, counts, given: prior, "the counts are forgotten"),
    ],
)
def test_a_wrong_posterior_is_named_in_whatever_order_the_student_draws(alpha_of, name):
    for seed in range(4):
        report = str(
            checks.posterior_sampling.examine(rows_drawn_one_by_one(alpha_of), np.random.default_rng(seed))
        )
        assert f"Looks like: {name}" in report, report
    right = rows_drawn_one_by_one(lambda prior, counts, given: prior + counts)
    assert checks.posterior_sampling.examine(right, np.random.default_rng(0)).points == 6


def test_who_draws_from_a_generator_of_their_own_is_told():
    other = np.random.default_rng(5)
    answer = lambda *case: references.posterior_sampling(
        *case[:-1], np.random.default_rng(other.integers(99))
    )
    assert NOT_FROM_RNG in str(checks.posterior_sampling.examine(answer, np.random.default_rng(0)))


# Task 4 ---------------------------------------------------------------------------------------------


def best_by_linear_programme(p, width, V):
    """Largest q'V over distributions q with |q - p|₁ <= width, as a programme in q and u >= |q - p|."""
    S = len(p)
    eye, one, zero = np.eye(S), np.ones((1, S)), np.zeros((1, S))
    found = linprog(
        np.concatenate([-V, np.zeros(S)]),
        A_ub=np.block([[eye, -eye], [-eye, -eye], [zero, one]]),
        b_ub=np.concatenate([p, -p, [width]]),
        A_eq=np.hstack([one, zero]),
        b_eq=[1.0],
        bounds=[(0, None)] * (2 * S),
    )
    assert found.success
    return found.x[:S]


@pytest.mark.parametrize("cases", [instances.narrow_sets, instances.wide_sets])
def test_the_optimistic_dynamics_solve_the_linear_programme(rng, cases):
    for P, _, width, _, V, _ in cases(rng):
        chosen = references.most_optimistic(P, width, V)
        for a, s in np.ndindex(P.shape[:2]):
            expected = best_by_linear_programme(P[a, s], width[s, a], V)
            np.testing.assert_allclose(chosen[a, s], expected, atol=1e-7)


def test_without_width_it_is_value_iteration(rng):
    P, R, width, gamma, V, _ = instances.many_sweeps(rng)[0]
    chosen, values, policy = references.optimistic_values(P, R, 0 * width, gamma, V, 200)
    expected, best = value_iteration(P, R, gamma)
    np.testing.assert_allclose(values, expected, atol=1e-8)
    np.testing.assert_array_equal(policy, best)
    np.testing.assert_allclose(chosen, P)


def test_with_all_the_width_there_is_every_step_leads_to_the_best_state(rng):
    P, R, width, gamma, V, _ = instances.many_sweeps(rng)[0]
    chosen, values, _ = references.optimistic_values(P, R, 0 * width + 2.0, gamma, V, 200)
    best = np.argmax(values)
    np.testing.assert_allclose(chosen[..., best], 1.0)
    np.testing.assert_allclose(values, R.max(axis=1) + gamma * R[best].max() / (1 - gamma))


def test_the_optimistic_values_are_those_of_a_world_that_is_allowed_and_no_other_has_more(rng):
    P, R, width, gamma, V, sweeps = instances.many_sweeps(rng)[0]
    chosen, values, _ = references.optimistic_values(P, R, width, gamma, V, sweeps)
    assert np.all(np.abs(chosen - P).sum(axis=-1) <= width.T + 1e-12)
    np.testing.assert_allclose(chosen.sum(axis=-1), 1.0)
    assert chosen.min() >= 0.0
    np.testing.assert_allclose(value_iteration(chosen, R, gamma)[0], values, atol=1e-5)
    for _ in range(100):
        other = rng.dirichlet(np.full(P.shape[-1], 0.3), size=P.shape[:2])
        far = np.abs(other - P).sum(axis=-1, keepdims=True)
        allowed = P + (other - P) * np.minimum(1.0, width.T[..., None] / far)
        assert np.all(value_iteration(allowed, R, gamma)[0] <= values + 1e-6)


def test_in_the_wide_sets_probabilities_reach_0_and_1(rng):
    for P, _, width, _, V, _ in instances.wide_sets(rng):
        chosen = references.most_optimistic(P, width, V)
        assert (chosen == 1.0).any()
        assert ((chosen == 0.0).sum(axis=-1) >= 2).any()
