"""The cross-entropy method as an optimiser: known minima, and each refit against its formula."""

from itertools import pairwise

import numpy as np
import pytest

from mbrl_teach.planning.cem import cross_entropy_method

SETTINGS = {"population": 100, "elites": 10, "iterations": 60}


def minimise(objective, mean=(3.0, -2.0), std=(2.0, 2.0), seed=0, **keywords):
    return cross_entropy_method(
        objective, mean, std, rng=np.random.default_rng(seed), **(SETTINGS | keywords)
    )


def bowl(x):
    return (x[:, 0] - 1.0) ** 2 + 10.0 * (x[:, 1] + 0.5 * x[:, 0]) ** 2


def waves(x):
    """Rastrigin's function: its global minimum 0 at 0 lies among local ones at all whole numbers."""
    return (x**2 - 10.0 * np.cos(2 * np.pi * x) + 10.0).sum(axis=1)


def test_the_minimum_of_a_bowl_is_found():
    result = minimise(bowl, tolerance=1e-6, population=300, elites=60, kept=5)
    assert result.converged
    assert result.best == pytest.approx([1.0, -0.5], abs=1e-4)
    assert result.best_cost == bowl(result.best[None])[0] < 1e-8


@pytest.mark.parametrize("seed", range(5))
def test_a_wide_start_sees_past_local_minima(seed):
    result = minimise(waves, mean=(3.0, -2.0), std=(3.0, 3.0), seed=seed, population=300, elites=30)
    assert np.abs(result.best).max() < 0.01


def test_a_refit_is_mean_and_deviation_of_the_elites_mixed_with_the_old_ones():
    first, second = minimise(bowl, iterations=2, momentum=0.3).history
    elites = first.candidates[np.argsort(bowl(first.candidates))[:10]]
    assert second.mean == pytest.approx(0.3 * first.mean + 0.7 * elites.mean(axis=0))
    assert second.std == pytest.approx(0.3 * first.std + 0.7 * elites.std(axis=0))


def test_the_first_iteration_draws_from_the_distribution_given():
    """False alarm: 5 standard errors of mean and deviation in two coordinates, below 1e-5."""
    first = minimise(bowl, population=10_000, iterations=1).history[0]
    error = first.candidates - [3.0, -2.0]
    assert np.abs(error.mean(axis=0)).max() < 5 * 2.0 / 100
    assert np.abs(error.std(axis=0) - 2.0).max() < 5 * 2.0 / np.sqrt(2 * 10_000)


def test_elites_are_the_candidates_of_lowest_cost_best_first():
    for record in minimise(bowl).history:
        assert np.array_equal(record.costs, bowl(record.candidates))
        assert np.array_equal(record.costs[record.elites], np.sort(record.costs)[:10])


def test_kept_elites_take_part_again_so_nothing_found_is_lost():
    history = minimise(bowl, kept=4).history
    for before, after in pairwise(history):
        assert np.array_equal(after.candidates[:4], before.candidates[before.elites[:4]])
    lowest = [record.costs.min() for record in history]
    assert np.all(np.diff(lowest) <= 0)


def test_the_best_is_the_best_of_all_iterations():
    result = minimise(bowl, iterations=5)
    assert result.best_cost == min(record.costs.min() for record in result.history)


def test_initial_candidates_take_part():
    result = minimise(bowl, initial_candidates=[[1.0, -0.5]], iterations=1)
    assert np.array_equal(result.best, [1.0, -0.5])
    assert result.best_cost == 0.0


def test_initial_candidates_are_clipped_too():
    result = minimise(bowl, initial_candidates=[[1.0, -0.5]], iterations=1, low=[2.0, 0.0], high=[4.0, 4.0])
    assert np.array_equal(result.history[0].candidates[0], [2.0, 0.0])


def test_candidates_stay_within_bounds_and_reach_a_minimum_on_one():
    result = minimise(bowl, mean=(3.0, 1.0), low=[2.0, -np.inf], high=[4.0, np.inf])
    for record in result.history:
        assert record.candidates[:, 0].min() >= 2.0
    assert result.best == pytest.approx([2.0, -1.0], abs=1e-2)


def test_a_mean_that_lies_on_a_bound_leaves_it():
    """PETS' cap on the deviation, half the distance to the bound, would be zero here for ever."""
    result = minimise(bowl, mean=(4.0, 4.0), low=[-4.0, -4.0], high=[4.0, 4.0])
    assert result.best == pytest.approx([1.0, -0.5], abs=1e-2)


def test_noise_may_relate_the_coordinates():
    equal = lambda N, rng: np.repeat(rng.standard_normal((N, 1)), 2, axis=1)
    candidates = minimise(bowl, mean=(0.0, 0.0), noise=equal, iterations=1).history[0].candidates
    assert np.array_equal(candidates[:, 0], candidates[:, 1])


@pytest.mark.parametrize("strange", [np.nan, np.inf, -np.inf])
def test_a_cost_that_is_not_finite_is_never_an_elite(strange):
    lost = lambda x: np.where(x[:, 0] < 2.9, strange, bowl(x))
    result = minimise(lost, kept=2)
    for record in result.history:
        assert np.isfinite(lost(record.candidates[record.elites])).all()
    assert result.best[0] == pytest.approx(2.9, abs=0.05)


def test_with_fewer_finite_costs_than_elites_those_are_the_elites():
    only_three = lambda x: np.where(np.arange(len(x)) < 3, bowl(x), np.nan)
    first, second = minimise(only_three, iterations=2).history
    assert sorted(first.elites) == [0, 1, 2]
    assert second.mean == pytest.approx(first.candidates[:3].mean(axis=0))


def test_without_any_finite_cost_there_is_an_error():
    with pytest.raises(ValueError, match="no candidate has a finite cost: all 100 are NaN or infinite"):
        minimise(lambda x: np.full(len(x), np.nan))


def test_the_same_rng_gives_the_same_result():
    one, other = minimise(waves, kept=3), minimise(waves, kept=3)
    assert np.array_equal(one.best, other.best)
    assert np.array_equal(one.mean, other.mean)
    assert not np.array_equal(one.best, minimise(waves, kept=3, seed=1).best)


def test_it_says_whether_it_has_converged():
    done, stopped = minimise(bowl), minimise(bowl, iterations=3)
    assert done.converged
    assert done.iterations == len(done.history) < 60
    assert done.std.max() <= 1e-3 * 2.0
    assert not stopped.converged
    assert stopped.iterations == 3
    assert "iterations = 3" in stopped.message


def test_the_callback_sees_each_iteration():
    seen = []
    result = minimise(bowl, iterations=4, callback=seen.append)
    assert seen == list(result.history)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"elites": 101}, "elites must be a whole number from 1 to population = 100; got 101"),
        ({"elites": 0}, "elites must be a whole number"),
        ({"population": 2.5}, "population must be a whole number from 1 on; got 2.5"),
        ({"iterations": 0}, "iterations must be a whole number"),
        ({"kept": 11}, "kept must be a whole number from 0 to elites = 10; got 11"),
        ({"kept": -1}, "kept must be a whole number from 0"),
        ({"momentum": 1.0}, "momentum"),
        ({"tolerance": -1.0}, "tolerance"),
        ({"mean": [[1.0]]}, "mean must have shape"),
        ({"std": [1.0]}, "std must have shape"),
        ({"std": [1.0, 0.0]}, "std must be positive"),
        ({"low": [0.0]}, "low must have shape"),
        ({"low": [0.0, 1.0], "high": [1.0, 0.0]}, "low must be at most high"),
        ({"initial_candidates": [[1.0]]}, "initial_candidates must have shape"),
        ({"initial_candidates": np.zeros((101, 2))}, "initial_candidates .* population = 100; got 101"),
    ],
)
def test_bad_arguments_are_named(keywords, message):
    with pytest.raises(ValueError, match=message):
        minimise(bowl, **keywords)


def test_a_seed_is_no_source_of_chance():
    with pytest.raises(ValueError, match="rng must be"):
        cross_entropy_method(bowl, [0.0], [1.0], population=10, elites=2, iterations=1, rng=0)


def test_an_objective_of_a_wrong_shape_is_named():
    with pytest.raises(ValueError, match=r"objective must return costs of shape \(N,\) = \(100,\)"):
        minimise(lambda x: x)
