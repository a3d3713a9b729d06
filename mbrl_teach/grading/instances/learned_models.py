"""Random instances for the checks of assignment 06_learned_models: lists of cases, arguments of one call.

Where a task hands in something that learns or plans, it is a small function of plain numbers with an exact
result: no check trains a network.
"""

from __future__ import annotations

import numpy as np

from mbrl_teach.grading.references import learned_models as references
from mbrl_teach.grading.student_call import WrongAnswer


def _numbers(x):
    return np.asarray(x, dtype=np.float64)


def _same_length(name, *arrays):
    """Tell the student, rather than fail somewhere inside."""
    lengths = [len(x) for x in arrays]
    if len(set(lengths)) > 1:
        raise WrongAnswer(f"{name} was handed arrays of different lengths: {', '.join(map(str, lengths))}")


# Task 1 ---------------------------------------------------------------------------------------------


def _regression(rng, N, d, n, noise=0.3):
    """Inputs and targets; neither has mean zero."""
    X = rng.uniform(1.0, 2.0, size=d) * rng.choice([-1.0, 1.0], size=d) + rng.normal(size=(N, d))
    W = rng.uniform(0.5, 1.5, size=(d + 1, n)) * rng.choice([-1.0, 1.0], size=(d + 1, n))
    return X, references.with_ones(X) @ W + noise * rng.normal(size=(N, n))


def plain_regressions(rng):
    """X, Y, no ridge. In the second case as many inputs as targets."""
    return [(*_regression(rng, 12, 3, 2), 0.0), (*_regression(rng, 9, 2, 2), 0.0)]


def ridged_regressions(rng):
    """X, Y, and a ridge that matters."""
    return [(*_regression(rng, N, d, n), rng.uniform(2.0, 4.0)) for N, d, n in ((12, 3, 2), (9, 2, 3))]


def dependent_regressions(rng):
    """X, Y, no ridge. An action that follows from the state, a constant input, fewer steps than columns."""
    X, Y = _regression(rng, 12, 4, 2)
    X[:, 3] = X[:, :3] @ rng.uniform(0.5, 1.5, size=3)
    constant, Y_2 = _regression(rng, 12, 3, 2)
    constant[:, 1] = 2.0
    return [(X, Y, 0.0), (constant, Y_2, 0.0), (*_regression(rng, 3, 4, 2), 0.0)]


# Task 2 ---------------------------------------------------------------------------------------------


def _noisy(rng, N, d, n, M=7):
    """X, Y, W by least squares, new inputs, standard normals; the outputs' noises depend on each other."""
    X, Y = _regression(rng, N, d, n, noise=0.0)
    root = np.eye(n) + np.tril(rng.uniform(0.6, 0.9, size=(n, n)), -1)
    Y = Y + rng.normal(size=(N, n)) @ (rng.uniform(0.3, 0.6, size=(n, 1)) * root).T
    W = references.least_squares(X, Y, 0.0)
    return X, Y, W, 1.0 + rng.normal(size=(M, d)), rng.normal(size=(M, n))


def many_steps(rng):
    """So many that it hardly matters by what the sum of squares is divided: N or N - p, or in between."""
    return [_noisy(rng, 800, 2, 3)]


def few_steps(rng):
    """Little more data than columns."""
    return [_noisy(rng, 9, 3, 2), _noisy(rng, 8, 2, 3)]


# Task 3 ---------------------------------------------------------------------------------------------


def _trajectories(rng, M, T, n, m):
    """States (M, T+1, n), actions (M, T, m) of a world that differs from step to step; nothing is centred."""
    states = np.empty((M, T + 1, n))
    states[:, 0] = rng.normal(1.0, 1.0, size=(M, n))
    actions = rng.normal(-0.5, 1.0, size=(M, T, m))
    for t in range(T):
        F = rng.normal(size=(n, n + m)) * 0.7
        z = np.concatenate([states[:, t], actions[:, t]], axis=-1)
        states[:, t + 1] = z @ F.T + rng.normal(size=n) + 0.3 * rng.normal(size=(M, n))
    return states, actions


def _prior(rng, k):
    """A mean (k,) and a covariance (k, k)."""
    B = rng.normal(size=(k, k)) + 1.5 * np.eye(k)
    return rng.normal(size=k), B @ B.T / k


def trajectories_alone(rng):
    """The prior is worth nothing; more trajectories than columns."""
    return [
        (*_trajectories(rng, M, 3, n, m), *_prior(rng, 2 * n + m), 0.0) for M, n, m in ((9, 2, 1), (8, 2, 2))
    ]


def trajectories_around_the_prior(rng):
    """Each step's mean is the prior's. In the second case there are too few trajectories to do without."""
    cases = []
    for M, n, m in ((7, 2, 1), (3, 2, 2)):
        states, actions = _trajectories(rng, M, 3, n, m)
        middle = rng.normal(size=n + m)
        states += middle[:n] - states.mean(axis=0)
        actions += middle[n:] - actions.mean(axis=0)
        mean, covariance = np.concatenate([middle, middle[:n]]), _prior(rng, 2 * n + m)[1]
        cases.append((states, actions, mean, covariance, rng.uniform(2.0, 4.0)))
    return cases


def trajectories_and_a_prior(rng):
    """The prior's mean lies elsewhere."""
    return [(*_trajectories(rng, 6, 3, 2, 1), *_prior(rng, 5), rng.uniform(2.0, 4.0))]


# Task 4 ---------------------------------------------------------------------------------------------


def plain_difference(one, other):
    """(..., n), (..., n) -> (..., n)."""
    return _numbers(one) - _numbers(other)


def _predicted(rng, M, T, angular=False):
    """Predict, difference, L, states, actions; with `angular`, the first coordinate is a growing angle."""
    bend, push = rng.normal(size=(2, 2)), rng.uniform(0.1, 0.3, size=(1, 2))
    rise, off = np.array([0.5 * angular, 0.0]), rng.uniform(0.1, 0.2, size=2)

    def true(s, a):
        s, a = _numbers(s), _numbers(a)
        return s + rise + 0.2 * np.sin(np.sin(s) @ bend) + 0.5 * np.tanh(a @ push)

    def predict(s, a):
        return true(s, a) + 0.1 * np.cos(_numbers(s)) + off

    def wrapped_difference(one, other):
        return references.wrapped(plain_difference(one, other), [0])

    states, actions = np.empty((M, T + 1, 2)), rng.normal(size=(M, T, 1))
    states[:, 0] = rng.normal(size=(M, 2))
    if angular:
        states[:, 0, 0] = np.pi + np.linspace(-0.6, 0.3, M)
    for t in range(T):
        states[:, t + 1] = true(states[:, t], actions[:, t])
    if angular:
        states[..., :1] = references.wrapped(states[..., :1], [0])
    return (
        predict,
        wrapped_difference if angular else plain_difference,
        rng.uniform(1.2, 1.5),
        states,
        actions,
    )


def plain_rollouts(rng):
    """No angle among the coordinates."""
    return [_predicted(rng, 4, 5), _predicted(rng, 3, 4)]


def rollouts_with_an_angle(rng):
    """The first coordinate is an angle, wrapped in the data, and some trajectories cross ±π."""
    return [_predicted(rng, 4, 5, angular=True)]


# Task 5 ---------------------------------------------------------------------------------------------


def _regressor(rng, d, n, h=6):
    """Ridge regression on tanh features: fit, evaluate, jacobian. What it learns depends on the units.

    The ridge and the features make it depend on those of the inputs, a doubt in large targets on theirs.
    """
    A, b = 0.6 * rng.normal(size=(d, h)), rng.normal(size=h)
    features = lambda X: np.concatenate([np.tanh(X @ A + b), X], axis=-1)

    def fit(X, Y):
        X, Y = _numbers(X), _numbers(Y)
        _same_length("fit", X, Y)
        if not (np.isfinite(X).all() and np.isfinite(Y).all()):
            return np.full((h + d, n), np.nan)
        H = features(X)
        return np.linalg.solve(H.T @ H + 2.0 * np.eye(h + d), H.T @ (2.0 * np.tanh(Y / 2.0)))

    def evaluate(parameters, X):
        return features(_numbers(X)) @ _numbers(parameters)

    def jacobian(parameters, X):
        X, P = _numbers(X), _numbers(parameters)
        slopes = 1.0 - np.tanh(X @ A + b) ** 2
        return np.einsum("...h,dh,hn->...nd", slopes, A, P[:h]) + P[h:].T

    return fit, evaluate, jacobian


def _steps_in_units(rng, N, n, m):
    """States, actions, next states, in units far from one; some changes are larger than π."""
    size = np.array([0.3, 8.0, 30.0])[:n]
    states = 2.0 * size + size * rng.normal(size=(N, n))
    actions = rng.normal(-1.0, 2.0, size=(N, m))
    z = np.concatenate([states / size, actions], axis=-1)
    change = size * (0.7 + 0.5 * np.sin(z @ rng.normal(size=(n + m, n))))
    return states, actions, states + change


def _learning(rng, N=20, n=2, m=1, angles=(), new=None):
    """All arguments; where nothing new is asked, the training data are asked again."""
    states, actions, next_states = _steps_in_units(rng, N, n, m)
    regressor = _regressor(rng, n + m, n)
    if new is None:
        return states, actions, next_states, list(angles), *regressor, states.copy(), actions.copy()
    elsewhere, acting, _ = _steps_in_units(rng, new, n, m)
    return states, actions, next_states, list(angles), *regressor, 1.5 * elsewhere, 1.5 * acting + 1.0


def seen_again(rng):
    """The model is asked at its training data, which have the statistics of the training data."""
    return [_learning(rng), _learning(rng, N=24, n=3, m=2)]


def asked_elsewhere(rng):
    """The model is asked at other places, far out."""
    return [_learning(rng, new=5)]


def around_the_circle(rng):
    """The second coordinate is an angle in [-π, π), and some steps cross its end, in either direction."""
    case = list(_learning(rng, N=20))
    states, next_states = case[0], case[2]
    states[:, 1] = np.linspace(-np.pi, 3.0, 20) + 0.05 * rng.random(20)
    turn = 0.4 * np.sin(np.arange(20)) + rng.uniform(0.02, 0.1, size=20)
    turn[:2], turn[-2:] = -0.5, 0.5
    next_states[:, 1] = references.wrapped((states[:, 1] + turn)[:, None], [0])[:, 0]
    case[3], case[7] = [1], states.copy()
    return [tuple(case)]


def constant_columns(rng):
    """The action is always the same, and so is one coordinate of the state."""
    case = list(_learning(rng, N=20, n=3, m=1))
    for array in (case[0], case[2], case[7]):
        array[:, 0] = 0.5
    case[1][:], case[8][:] = -2.0, -2.0
    return [tuple(case)]


# Task 6 ---------------------------------------------------------------------------------------------


def _moments(states, actions, next_states):
    """A model, as far as this check is concerned: means of products, to which every step counts alike."""
    s, a, after = map(_numbers, (states, actions, next_states))
    _same_length("fit", s, a, after)
    z = np.concatenate([s, a, np.ones((len(s), 1))], axis=-1)
    return np.concatenate([(z.T @ z).ravel(), (after.T @ z).ravel()]) / len(s)


def _world(rng, n, m):
    bend, push = rng.normal(size=(n, n)), rng.uniform(0.3, 0.8, size=(m, n))
    return lambda s, a: 0.8 * _numbers(s) + 0.4 * np.sin(_numbers(s) @ bend) + np.tanh(_numbers(a)) @ push


def _loop(rng, ends, L=6, n=2, m=1):
    """Collect, fit, plan, first plan, rounds; the log has a reset after each of the rows `ends`."""
    world, starts = _world(rng, n, m), rng.normal(2.0, 1.0, size=(L + 1, n))
    k = (n + m + 1) * (2 * n + m + 1)
    gains = rng.normal(size=(k, L * m)) / np.sqrt(k)
    ended = np.isin(np.arange(L), [*ends, L - 1])

    def collect(plan):
        plan = _numbers(plan)
        if plan.shape != (L, m):
            raise WrongAnswer(
                f"your function handed collect a plan of shape {plan.shape}; (T, m) = {(L, m)} is meant"
            )
        taken, states = np.clip(plan, -1.0, 1.0), [starts[0]]
        for t in range(L - 1):
            states.append(starts[t + 1] if ended[t] else world(states[t], taken[t]))
        return np.array(states), taken, ended.copy()

    def plan(model):
        return 1.5 * np.sin(_numbers(model) @ gains).reshape(L, m)

    return (
        collect,
        _moments,
        plan,
        rng.choice([-1.0, 1.0], size=(L, m)) * rng.uniform(0.5, 2.0, size=(L, m)),
        4,
    )


def unbroken_logs(rng):
    """Each log is one episode."""
    return [_loop(rng, ()), _loop(rng, (), L=5, m=2)]


def logs_with_resets(rng):
    """Episodes end in the middle of the logs."""
    return [_loop(rng, (2,)), _loop(rng, (1, 4), L=8)]


# Task 7 ---------------------------------------------------------------------------------------------


def _closed_loop(rng, every, of_model, steps=5, n=3, m=2, T=3, N=6):
    """State, data, fit, plan, world, steps, every; `of_model`: how much the plan depends on the model."""
    world, believed = _world(rng, n, m), _world(rng, n, m)
    gains = rng.normal(size=(T, m, n))
    k = (n + m + 1) * (2 * n + m + 1)
    hints = rng.normal(size=(k, T * m)) / np.sqrt(k)

    def plan(model, state):
        actions = np.tanh(gains @ _numbers(state)) + of_model * np.sin(_numbers(model) @ hints).reshape(T, m)
        expected = [_numbers(state)]
        for a in actions:
            expected.append(believed(expected[-1], a))
        return actions, np.array(expected)

    states, actions = rng.normal(size=(N, n)), rng.normal(size=(N, m))
    data = states, actions, world(states, actions)
    return rng.normal(2.0, 1.0, size=n), data, _moments, plan, world, steps, every


def loops_with_a_fixed_model(rng):
    """The plan depends on the state alone."""
    return [_closed_loop(rng, 2, 0.0), _closed_loop(rng, 1, 0.0, n=2, m=1)]


def loops_that_learn(rng):
    """The plan depends on what the model was fitted to. It is fitted at each step, or at every third."""
    return [_closed_loop(rng, 1, 1.0), _closed_loop(rng, 3, 1.0, steps=7)]
