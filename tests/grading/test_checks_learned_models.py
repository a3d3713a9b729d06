"""The references of assignment 06_learned_models against oracles that share nothing with them."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

from mbrl_teach.grading.checks import learned_models as checks
from mbrl_teach.grading.instances import learned_models as instances
from mbrl_teach.grading.references import learned_models as references
from mbrl_teach.models.encoding import Angles
from mbrl_teach.models.linear import LeastSquares, Linear
from mbrl_teach.models.local_linear import LocalLinear
from mbrl_teach.models.network import NeuralNetwork


@pytest.fixture(params=range(3))
def rng(request):
    return np.random.default_rng(request.param)


def test_the_points_are_those_that_the_assignment_promises():
    tasks = [
        checks.least_squares,
        checks.noise_model,
        checks.fit_local,
        checks.rollout_error,
        checks.learn_changes,
        checks.aggregate,
        checks.mpc,
    ]
    assert [task.points for task in tasks] == [5, 5, 5, 5, 6, 5, 5]


# Task 1 ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cases", [instances.plain_regressions, instances.ridged_regressions])
def test_w_minimises_what_the_task_says(rng, cases):
    for X, Y, ridge in cases(rng):
        W = references.least_squares(X, Y, ridge)

        def objective(W, X=X, Y=Y, ridge=ridge):
            slopes, bias = np.split(W.reshape(-1, Y.shape[1]), [-1])
            return np.sum((Y - X @ slopes - bias) ** 2) + ridge * np.sum(slopes**2)

        found = minimize(objective, np.zeros(W.size), tol=1e-12).x
        np.testing.assert_allclose(W.ravel(), found, atol=1e-5)


def test_the_ridge_of_the_task_is_that_of_the_library(rng):
    for cases in (instances.plain_regressions, instances.ridged_regressions):
        for X, Y, ridge in cases(rng):
            np.testing.assert_allclose(references.least_squares(X, Y, ridge), LeastSquares(ridge).fit(X, Y).W)


def test_without_a_ridge_the_residuals_are_normal_to_the_inputs(rng):
    """Also where the inputs depend on each other; there W itself is open."""
    ranks = []
    for X, Y, ridge in [*instances.plain_regressions(rng), *instances.dependent_regressions(rng)]:
        A = references.with_ones(X)
        residuals = Y - A @ references.least_squares(X, Y, ridge)
        np.testing.assert_allclose(A.T @ residuals, 0.0, atol=1e-9)
        ranks.append(A.shape[1] - np.linalg.matrix_rank(A))
    assert ranks[:2] == [0, 0]
    assert all(missing > 0 for missing in ranks[2:])


def test_any_of_several_best_fits_is_right(rng):
    X, Y, _ = instances.dependent_regressions(rng)[0]
    A = references.with_ones(X)
    W = references.least_squares(X, Y, 0.0)
    nothing = np.linalg.svd(A)[2][-1]  # A @ nothing = 0
    np.testing.assert_allclose(A @ nothing, 0.0, atol=1e-9)
    prop = checks.least_squares.properties[-1]
    assert prop.test((X, Y, 0.0), {"W": W + 5.0 * nothing[:, None]}) is None
    assert "off by" in prop.test((X, Y, 0.0), {"W": W + 1e-3})


# Task 2 ---------------------------------------------------------------------------------------------


def test_the_covariance_is_right_on_average_over_many_experiments():
    """4000 sets of 8 steps: the mean's standard error is below 1.2 %, and N in place of N - p is 38 % off."""
    rng, N, true = np.random.default_rng(0), 8, np.array([[1.0, 0.5], [0.5, 0.8]])
    X, W = rng.normal(size=(N, 2)), rng.normal(size=(3, 2))
    found = []
    for noise in rng.multivariate_normal(np.zeros(2), true, size=(4000, N)):
        Y = references.with_ones(X) @ W + noise
        fitted = references.least_squares(X, Y, 0.0)
        found.append(references.noise_model(X, Y, fitted, X, noise)[0])
    np.testing.assert_allclose(np.mean(found, axis=0), true, rtol=0.06)


def test_the_covariance_is_numpys_with_the_right_degrees_of_freedom(rng):
    for cases in (instances.few_steps, instances.many_steps):
        for X, Y, W, new_X, z in cases(rng):
            residuals = Y - references.with_ones(X) @ W
            covariance, _ = references.noise_model(X, Y, W, new_X, z)
            np.testing.assert_allclose(covariance, np.cov(residuals.T, ddof=len(W)), atol=1e-12)
            np.testing.assert_allclose(covariance, LeastSquares().fit(X, Y).covariance, atol=1e-12)


def test_samples_have_the_density_of_their_covariance(rng):
    """log p(sample) = -½ z'z - log |B| - …, whichever root B is."""
    for X, Y, W, new_X, z in instances.few_steps(rng):
        covariance, samples = references.noise_model(X, Y, W, new_X, z)
        mean = references.with_ones(new_X) @ W
        expected = multivariate_normal(np.zeros(len(W.T)), covariance).logpdf(samples - mean)
        n = z.shape[1]
        by_hand = -0.5 * ((z**2).sum(1) + n * np.log(2 * np.pi) + np.linalg.slogdet(covariance)[1])
        np.testing.assert_allclose(expected, by_hand)


# Task 3 ---------------------------------------------------------------------------------------------


def test_without_a_prior_each_step_is_least_squares(rng):
    for states, actions, *prior in instances.trajectories_alone(rng):
        F, f = references.fit_local(states, actions, *prior)
        for t in range(actions.shape[1]):
            A = np.column_stack([states[:, t], actions[:, t], np.ones(len(states))])
            W = np.linalg.lstsq(A, states[:, t + 1], rcond=None)[0]
            np.testing.assert_allclose(np.column_stack([F[t], f[t]]), W.T, atol=1e-9)


def test_the_models_are_those_of_the_library(rng):
    """Its prior is made of the steps of all times, with changes in place of next states."""
    states, actions, *_ = instances.trajectories_and_a_prior(rng)[0]
    Y = references.in_time(states, actions).reshape(-1, 5)
    F, f = references.fit_local(states, actions, Y.mean(0), np.cov(Y.T, bias=True), 2.5)
    model = LocalLinear(prior_strength=2.5).fit(states[:, :-1], actions, states[:, 1:])
    np.testing.assert_allclose(F, model.F, atol=1e-9)
    np.testing.assert_allclose(f, model.f, atol=1e-9)


def test_a_strong_prior_wins(rng):
    for states, actions, mean, covariance, _ in instances.trajectories_and_a_prior(rng):
        F, f = references.fit_local(states, actions, mean, covariance, 1e9)
        expected = covariance[3:, :3] @ np.linalg.inv(covariance[:3, :3])
        np.testing.assert_allclose(F, np.broadcast_to(expected, F.shape), atol=1e-5)
        np.testing.assert_allclose(f, np.broadcast_to(mean[3:] - expected @ mean[:3], f.shape), atol=1e-5)


def test_the_cases_isolate_the_distance_of_the_means(rng):
    for states, actions, mean, *_ in instances.trajectories_around_the_prior(rng):
        of_steps = references.in_time(states, actions).mean(axis=0)
        np.testing.assert_allclose(of_steps, np.broadcast_to(mean, of_steps.shape), atol=1e-12)


# Task 4 ---------------------------------------------------------------------------------------------


def test_on_a_linear_world_the_errors_are_a_closed_form():
    """s' = F s in truth, F s + b in the model: after t steps the error is (I + F + … + F^(t-1)) b."""
    F, b, T = np.array([[1.1, 0.2], [0.0, 0.9]]), np.array([0.3, -0.1]), 6
    states = [np.random.default_rng(0).normal(size=(3, 2))]
    for _ in range(T):
        states.append(states[-1] @ F.T)
    L = np.linalg.norm(F, 2)
    one_step, rollout, bound = references.rollout_error(
        lambda s, a: s @ F.T + b,
        instances.plain_difference,
        L,
        np.stack(states, axis=1),
        np.zeros((3, T, 1)),
    )
    powers = [np.linalg.matrix_power(F, k) for k in range(T)]
    np.testing.assert_allclose(one_step, np.linalg.norm(b))
    np.testing.assert_allclose(rollout, [np.linalg.norm(sum(powers[: t + 1]) @ b) for t in range(T)])
    np.testing.assert_allclose(bound, [np.linalg.norm(b) * sum(L**k for k in range(t + 1)) for t in range(T)])
    assert np.all(rollout <= bound + 1e-12)


def test_the_first_step_of_a_rollout_is_a_single_step(rng):
    for cases in (instances.plain_rollouts, instances.rollouts_with_an_angle):
        for case in cases(rng):
            one_step, rollout, bound = references.rollout_error(*case)
            assert one_step[0] == pytest.approx(rollout[0])
            assert one_step.max() <= bound[0]


def test_trajectories_do_cross_the_end_of_the_circle(rng):
    for _, _, _, states, _ in instances.rollouts_with_an_angle(rng):
        assert np.abs(np.diff(states[..., 0], axis=1)).max() > np.pi
        assert np.abs(states[..., 0]).max() <= np.pi


# Task 5 ---------------------------------------------------------------------------------------------


def predicted_at(case, z):
    """Predictions where the model is asked at `z` (B, n+m)."""
    n = case[0].shape[1]
    return references.learn_changes(*case[:7], z[:, :n], z[:, n:])[0]


def test_f_is_the_derivative_of_the_prediction(rng):
    for case in instances.seen_again(rng):
        z, step = np.concatenate(case[7:], axis=-1), 1e-5
        _, F = references.learn_changes(*case)
        for j, unit in enumerate(np.eye(z.shape[1])):
            slope = (predicted_at(case, z + step * unit) - predicted_at(case, z - step * unit)) / (2 * step)
            np.testing.assert_allclose(F[:, :, j], slope, atol=1e-6)


def test_units_do_not_matter(rng):
    """In degrees and litres the same world is learned: that is what normalisation is for."""
    for case in instances.seen_again(rng):
        states, actions, next_states, angles, *regressor, s, a = case
        n, m = states.shape[1], actions.shape[1]
        u, v = rng.uniform(0.01, 100.0, size=n), rng.uniform(0.01, 100.0, size=m)
        scaled = references.learn_changes(
            u * states, v * actions, u * next_states, angles, *regressor, u * s, v * a
        )
        predicted, F = references.learn_changes(*case)
        np.testing.assert_allclose(scaled[0], u * predicted, rtol=1e-6)
        np.testing.assert_allclose(scaled[1], u[:, None] * F / np.append(u, v), rtol=1e-6, atol=1e-9)


def exact_regression():
    """Least squares, which knows no units, in the form that the task hands in."""
    with_ones = lambda X: np.column_stack([X, np.ones(len(X))])
    return (
        lambda X, Y: np.linalg.lstsq(with_ones(X), Y, rcond=None)[0],
        lambda W, X: with_ones(X) @ W,
        lambda W, X: np.broadcast_to(W[:-1].T, (len(X), *W[:-1].T.shape)),
    )


@pytest.mark.parametrize(
    "cases", [instances.seen_again, instances.asked_elsewhere, instances.around_the_circle]
)
def test_with_least_squares_inside_it_is_the_linear_model_of_the_library(rng, cases):
    class Wrapped(Angles):
        """Angles are subtracted as such, but seen as numbers: the task has no cosines."""

        def features(self, s):
            return s

        def jacobian(self, s):
            return np.broadcast_to(np.eye(s.shape[-1]), (*s.shape, s.shape[-1]))

    for states, actions, next_states, angles, *_, s, a in cases(rng):
        predicted, F = references.learn_changes(
            states, actions, next_states, angles, *exact_regression(), s, a
        )
        model = Linear(encoding=Wrapped(*angles)).fit(states, actions, next_states)
        np.testing.assert_allclose(predicted, model.dynamics(s, a), rtol=1e-8)
        np.testing.assert_allclose(F, model.linearize(s, a), atol=1e-8)


def test_the_librarys_network_undoes_its_normalisation_likewise(rng):
    """With its perceptron in place of the regression, the task's function is the library's model."""
    states, actions, next_states, *_ = instances.seen_again(rng)[0]
    model = NeuralNetwork(
        hidden=(8,), steps=20, validation_share=0.0, dtype=np.float64, rng=np.random.default_rng(0)
    )
    model.fit(states, actions, next_states)
    inside = model.regression.network
    regressor = lambda X, Y: None, lambda _, x: inside.value(x), lambda _, x: inside.jacobian(x)
    s, a = states[:4] + 0.1, actions[:4]
    predicted, F = references.learn_changes(states, actions, next_states, [], *regressor, s, a)
    np.testing.assert_allclose(predicted, model.dynamics(s, a))
    np.testing.assert_allclose(F, model.linearize(s, a), atol=1e-12)


def test_steps_do_cross_the_end_of_the_circle_in_both_directions(rng):
    for states, _, next_states, (angle,), *_ in instances.around_the_circle(rng):
        jump = (next_states - states)[:, angle]
        assert jump.max() > np.pi
        assert jump.min() < -np.pi


def test_the_questions_far_out_are_none_of_the_training_data(rng):
    for states, _, _, *_, s, _ in instances.asked_elsewhere(rng):
        assert np.abs(s.mean(0) - states.mean(0)).max() > 0.3 * states.std(0).min()


# Task 6 ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cases", [instances.unbroken_logs, instances.logs_with_resets])
def test_every_model_is_fitted_to_each_step_of_an_episode_once(rng, cases):
    """A ledger: what `fit` has seen is what `collect` has shown, less the rows before a reset."""
    for collect, fit, plan, first_plan, rounds in cases(rng):
        shown, executed, seen, models = [], [], [], []

        def noted_collect(latest, collect=collect, shown=shown, executed=executed):
            executed.append(np.array(latest))
            states, actions, ended = collect(latest)
            shown.extend(
                (*states[t], *actions[t], *states[t + 1]) for t in range(len(states) - 1) if not ended[t]
            )
            return states, actions, ended

        def noted_fit(*data, fit=fit, shown=shown, seen=seen, models=models):
            seen.append(sorted(map(tuple, np.concatenate(data, axis=-1))))
            assert seen[-1] == sorted(shown)
            models.append(fit(*data))
            return models[-1]

        plans, sizes = references.aggregate(noted_collect, noted_fit, plan, first_plan, rounds)
        assert len(seen) == len(executed) == rounds
        np.testing.assert_array_equal(plans, [plan(model) for model in models])
        np.testing.assert_array_equal(executed, [first_plan, *plans[:-1]])
        np.testing.assert_array_equal(sizes, [len(data) for data in seen])


def test_the_logs_have_resets_inside_or_none(rng):
    for cases, inside in ((instances.unbroken_logs, False), (instances.logs_with_resets, True)):
        for collect, _, _, first_plan, _ in cases(rng):
            _, actions, ended = collect(first_plan)
            assert ended[-1]
            assert ended[:-1].any() == inside
            assert not np.array_equal(actions, first_plan)


# Task 7 ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cases", [instances.loops_with_a_fixed_model, instances.loops_that_learn])
def test_the_loop_asks_for_a_plan_at_each_state_and_learns_all_that_came_before(rng, cases):
    for state, data, fit, plan, world, steps, every in cases(rng):
        fitted, asked = [], []

        def noted_fit(*known, fit=fit, fitted=fitted):
            fitted.append([np.array(part) for part in known])
            return fit(*known)

        def noted_plan(model, s, plan=plan, asked=asked):
            asked.append((np.array(s), *plan(model, s)))
            return asked[-1][1:]

        states, actions, surprises = references.mpc(state, data, noted_fit, noted_plan, world, steps, every)
        assert len(asked) == steps
        assert len(fitted) == -(-steps // every)
        for t, (s, planned, expected) in enumerate(asked):
            np.testing.assert_array_equal(s, states[t])
            np.testing.assert_array_equal(actions[t], planned[0])
            np.testing.assert_allclose(states[t + 1], world(states[t], actions[t]))
            assert surprises[t] == pytest.approx(np.linalg.norm(states[t + 1] - expected[1]))
        for i, known in enumerate(fitted):
            lived = states[: i * every], actions[: i * every], states[1 : i * every + 1]
            for part, before, new in zip(known, data, lived, strict=True):
                np.testing.assert_array_equal(part, np.concatenate([before, new]))
