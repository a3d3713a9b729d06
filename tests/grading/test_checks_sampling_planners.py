"""The references of assignment 04_sampling_planners against oracles that share nothing with them."""

import itertools

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import softmax
from scipy.stats import kstest, multivariate_normal, norm

from mbrl_teach.grading.checks import sampling_planners as checks
from mbrl_teach.grading.instances import sampling_planners as instances
from mbrl_teach.grading.judges import sampling_planners as judges
from mbrl_teach.grading.references import sampling_planners as references
from mbrl_teach.grading.student_call import NOT_FROM_RNG
from mbrl_teach.problems.particle import Particle


@pytest.fixture(params=range(3))
def rng(request):
    return np.random.default_rng(request.param)


def test_the_points_are_those_that_the_assignment_promises():
    tasks = [
        checks.rollouts,
        checks.random_shooting,
        checks.refit,
        checks.cem,
        checks.rare_event,
        checks.mpc,
        checks.total_costs,
    ]
    assert [task.points for task in tasks] == [5, 4, 5, 5, 6, 5, 5]


# Task 1 ---------------------------------------------------------------------------------------------


def test_the_rollouts_are_those_of_a_world_of_the_course(rng):
    world = Particle(horizon=6, wind=0.3, target=1.0)
    actions = rng.normal(size=(5, 6, 1))
    low, high = np.array([-0.5]), np.array([0.8])
    found = references.rollouts(world.initial_state, actions, low, high, world.dynamics, world.cost)
    states, costs = world.rollout(np.clip(actions, low, high))
    np.testing.assert_allclose(found[0], states)
    np.testing.assert_allclose(found[1], costs)


def test_in_the_bounded_case_actions_lie_beyond_every_bound(rng):
    for _, actions, low, high, _, _ in instances.bounded_rollouts(rng):
        assert (actions < low).any(axis=(0, 1)).all()
        assert (actions > high).any(axis=(0, 1)).all()


@pytest.mark.parametrize(("batch", "points"), [(None, 5.0), (6, 5.0), (4, 3.0), (1, 3.0)])
def test_calls_are_counted_whoever_makes_them(batch, points):
    """In the case with 12 sequences two batches are as good as one, three are not."""

    def in_batches(*case):
        return references.rollouts(*case, batch=batch)

    assert checks.rollouts.examine(in_batches, np.random.default_rng(0)).points == points


# Task 2 ---------------------------------------------------------------------------------------------


def test_the_candidates_are_a_uniform_sample(rng):
    for case in instances.boxes(rng):
        _, _, low, high, _, _ = case
        candidates, costs, actions = references.random_shooting(*case)
        shares = (candidates - low) / (high - low)
        assert kstest(shares.ravel(), "uniform").pvalue > 1e-4
        assert case[0](actions) == costs.min() == min(map(case[0], candidates))


def test_no_uniform_sample_is_refused(rng):
    (case,) = instances.boxes(rng)
    for _ in range(1000):
        shares = rng.random((300, 3, 2))
        assert judges.spread(case, {"candidates": case[2] + shares * (case[3] - case[2])}) is None


def test_a_student_who_leaves_the_rng_alone_is_told_from_one_who_uses_it():
    """Samples that are perfectly uniform, and the same whatever rng came, or others with the same rng."""
    again = np.random.default_rng(1)

    def draws(of):
        return lambda *case: references.random_shooting(*case[:-1], of(case[-1]))

    def report(of):
        return str(checks.random_shooting.examine(draws(of), np.random.default_rng(0)))

    assert "4 of 4 points" in report(lambda rng: rng)
    assert NOT_FROM_RNG in report(lambda rng: np.random.default_rng(again.integers(10**9)))
    assert judges.FROM_A_SEED in report(lambda rng: np.random.default_rng(0))


def test_the_limits_of_the_judge_of_samples_are_as_rare_as_it_says():
    assert 6 * 2 * np.exp(-2 * 2.9**2) < 1e-6  # Massart's bound on Kolmogorov's distance, any N
    assert 15 * 2 * norm.sf(6) < 1e-7


# Task 3 ---------------------------------------------------------------------------------------------


def test_the_refitted_normal_is_the_likeliest_for_the_elites(rng):
    for candidates, costs, elites, temperature in instances.samples(rng):
        mean, std, _ = references.refit(candidates, costs, elites, temperature)
        worst = np.sort(costs)[elites - 1]
        chosen = np.stack([x for x, c in zip(candidates, costs, strict=True) if c <= worst])

        def unlikely(parameters, chosen=chosen, shape=mean.shape):
            loc, log_scale = parameters.reshape(2, *shape)
            return -norm.logpdf(chosen, loc, np.exp(log_scale)).sum()

        found = minimize(unlikely, np.zeros(2 * mean.size)).x.reshape(2, *mean.shape)
        np.testing.assert_allclose(mean, found[0], atol=1e-4)
        np.testing.assert_allclose(std, np.exp(found[1]), rtol=1e-3)


@pytest.mark.parametrize("cases", [instances.samples, instances.expensive_samples])
def test_the_soft_mean_is_the_softmax_of_the_costs(rng, cases):
    for candidates, costs, elites, temperature in cases(rng):
        w = softmax(-costs / temperature)
        soft_mean = references.refit(candidates, costs, elites, temperature)[2]
        np.testing.assert_allclose(soft_mean, np.average(candidates, axis=0, weights=w))


# Task 4 ---------------------------------------------------------------------------------------------


def test_the_kept_elites_change_in_one_search_at_least(rng):
    """Else a student who keeps those of the first iteration for ever would not be found out."""

    def frozen(objective, *rest):
        first = []

        def keep(candidates, costs, kept):
            first.append(candidates[np.argsort(costs)[:kept]])
            return first[0]

        return references.cem(objective, *rest, keep=keep)

    lost = checks.cem.examine(frozen, rng).lost
    assert lost == (checks.KEPT,)


def test_the_loop_finds_the_minimum_of_a_bowl_and_stays_between_the_bounds(rng):
    goal = np.array([[0.5, -2.0], [1.5, 0.3]])
    objective = lambda x: np.square(x - goal).sum(axis=(-2, -1))
    refit = lambda x, J: references.refit(x, J, 20, 1.0)[:2]
    bounds = np.full(2, -1.0), np.full(2, 1.0)
    noise = rng.normal(size=(30, 200, 2, 2))
    mean, std, best, cost = references.cem(
        objective, np.zeros((2, 2)), np.ones((2, 2)), *bounds, noise, 2, refit
    )
    np.testing.assert_allclose(best, np.clip(goal, -1, 1), atol=1e-3)
    np.testing.assert_allclose(mean, best, atol=1e-3)
    assert std.max() < 1e-3
    assert cost == objective(best) <= objective(mean)


@pytest.mark.parametrize(
    "cases", [instances.plain_searches, instances.bounded_searches, instances.searches_with_elites]
)
def test_the_best_candidate_is_the_cheapest_that_was_ever_tried(rng, cases):
    for objective, *rest in cases(rng):
        tried = []

        def noted(x, objective=objective, tried=tried):
            tried.extend(x)
            return objective(x)

        *_, best, cost = references.cem(noted, *rest)
        low, high = rest[2:4]
        assert cost == objective(best) == min(map(objective, tried))
        assert all(np.all((low <= x) & (x <= high)) for x in tried)


def test_kept_candidates_are_tried_again(rng):
    for objective, *rest in instances.searches_with_elites(rng):
        tried = []

        def noted(x, objective=objective, tried=tried):
            tried.append(np.array(x))
            return objective(x)

        references.cem(noted, *rest)
        for before, after in itertools.pairwise(tried):
            two_best = before[np.argsort(objective(before))[: rest[5]]]
            assert all((after == x).all(axis=(1, 2)).any() for x in two_best)


# Task 5 ---------------------------------------------------------------------------------------------


def test_the_weights_are_ratios_of_densities(rng):
    x, mean = rng.normal(size=(5, 3)), rng.normal(size=3)
    expected = multivariate_normal(np.zeros(3)).pdf(x) / multivariate_normal(mean).pdf(x)
    np.testing.assert_allclose(references.likelihood_ratio(x, mean), expected)


def test_the_exact_standard_error_is_that_of_an_integral():
    """V = w x in one dimension: the second moment of a hit's weight by quadrature."""
    w, d, mean = 1.3, 4.5, 3.2
    x = np.linspace(d / w, 15, 400_001)
    hit = norm.pdf(x) / norm.pdf(x, mean)
    probability = np.trapezoid(norm.pdf(x), x)
    variance = np.trapezoid(norm.pdf(x, mean) * hit**2, x) - probability**2
    case = instances.Weighted(np.array([w])), d, None, None, np.empty((1000, 1))
    found = judges.exact(case, np.array([mean]))
    np.testing.assert_allclose(found, [probability, np.sqrt(variance / 1000)], rtol=1e-6)


def test_the_last_level_is_not_always_d(rng):
    """Else an estimate of P(V >= level) would pass for one of P(V >= d)."""
    levels = []
    for case in instances.estimates(rng):
        seen = []
        references.rare_event(*case, event=lambda d, level, seen=seen: seen.append(level) or d)
        levels.append(seen[0] < case[1])
    assert levels == [True, False, False]


@pytest.mark.parametrize("seed", range(20))
def test_the_estimate_lies_within_four_exact_standard_errors(seed):
    """False alarm 20 seeds × 2 cases × 6e-5; a hundred times fewer samples than plain Monte Carlo needs."""
    for case in instances.rare_events(np.random.default_rng(seed)):
        mean, estimate, error = references.rare_event(*case)
        probability, exact_error = judges.exact(case, mean)
        assert probability == pytest.approx(norm.sf(case[1] / np.linalg.norm(case[0].weights)))
        assert abs(estimate - probability) < 4 * exact_error
        assert error == pytest.approx(exact_error, rel=0.5)
        plain_error = np.sqrt(probability * (1 - probability) / len(case[-1]))
        assert plain_error**2 > 100 * exact_error**2


def test_the_tilted_mean_comes_close_to_the_best_one(rng):
    """E[x | V >= d], towards which CEM moves, is w φ(β) / (|w| P(V >= d)) with β = d / |w|."""
    for case in instances.rare_events(rng):
        mean, *_ = references.rare_event(*case)
        w, length = case[0].weights, np.linalg.norm(case[0].weights)
        best = w / length * norm.pdf(case[1] / length) / norm.sf(case[1] / length)
        assert np.linalg.norm(mean - best) < 0.5


# Task 6 ---------------------------------------------------------------------------------------------


def test_the_loop_tells_the_planner_where_the_world_is_and_what_is_left_of_its_plan(rng):
    state, mean, std, elites, plan, world, steps = instances.loops_with_elites(rng)[0]
    told, found = [], []

    def noted(*question):
        told.append(question)
        found.append(plan(*question))
        return found[-1]

    states, actions = references.mpc(state, mean, std, elites, noted, world, steps)
    assert len(told) == steps
    for t in range(steps):
        np.testing.assert_allclose(told[t][0], states[t])
        np.testing.assert_allclose(states[t + 1], world(states[t], actions[t]))
        np.testing.assert_allclose(actions[t], found[t][0][0])
        np.testing.assert_allclose(told[t][2], std)
    for (_, _, _, elites), (_, mean, _, chosen), (_, next_mean, _, moved) in zip(
        told, found, told[1:], strict=False
    ):
        np.testing.assert_allclose(next_mean, [mean[1], mean[2], mean[2]])
        np.testing.assert_allclose(moved, [[e[1], e[2], e[2]] for e in chosen])
        assert len(elites) in (0, len(chosen))


# Task 7 ---------------------------------------------------------------------------------------------


def by_hand(states, actions, cost, value, ended, gamma):
    """The recursion J = 0 at an end, else cost + gamma J of what follows."""

    def following(s, a):
        if ended(s[0]):
            return 0.0
        return cost(s[0], a[0]) + gamma * following(s[1:], a[1:]) if len(a) else value(s[0])

    return [following(s, a) for s, a in zip(states, actions, strict=True)]


@pytest.mark.parametrize(
    "cases", [instances.valueless_sequences, instances.open_sequences, instances.ended_sequences]
)
def test_the_total_is_that_of_bellmans_recursion(rng, cases):
    for case in cases(rng):
        np.testing.assert_allclose(references.total_costs(*case), by_hand(*case), atol=1e-12)


def test_a_short_horizon_with_the_value_of_the_rest_is_a_long_horizon(rng):
    """x' = 0.9 x costs x² a step, for ever: V(x) = x² / (1 - 0.81 gamma)."""
    gamma = 0.8
    states = rng.normal(size=(4, 1, 1)) * 0.9 ** np.arange(6)[:, None]
    cost, never = (lambda s, a: s[..., 0] ** 2), (lambda s: np.zeros(s.shape[:-1], dtype=bool))
    value = lambda s: s[..., 0] ** 2 / (1 - 0.81 * gamma)
    for T in range(1, 6):
        total = references.total_costs(states[:, : T + 1], np.zeros((4, T, 1)), cost, value, never, gamma)
        np.testing.assert_allclose(total, value(states[:, 0]))
