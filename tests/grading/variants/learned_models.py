"""Right solutions of assignment 06_learned_models, each in a style of its own."""

import math

import numpy as np
import scipy.linalg
from scipy.optimize import lsq_linear

# Task 1 ---------------------------------------------------------------------------------------------


def least_squares__pretended_rows(X, Y, ridge):
    N, d = X.shape
    A = np.vstack([np.hstack([X, np.ones((N, 1))]), np.sqrt(ridge) * np.eye(d, d + 1)])
    return np.linalg.lstsq(A, np.vstack([Y, np.zeros((d, Y.shape[1]))]), rcond=None)[0]


def least_squares__centred(X, Y, ridge):
    x_mean, y_mean = X.mean(0), Y.mean(0)
    X_0, Y_0 = X - x_mean, Y - y_mean
    slopes = np.linalg.pinv(X_0.T @ X_0 + ridge * np.eye(X.shape[1]), rcond=1e-10) @ X_0.T @ Y_0
    return np.r_[slopes, [y_mean - x_mean @ slopes]]


def least_squares__normal_equations(X, Y, ridge):
    A = np.c_[X, np.ones(len(X))]
    penalty = np.diag([ridge] * X.shape[1] + [0.0])
    return (scipy.linalg.pinvh(A.T @ A + penalty, rtol=1e-10) @ (A.T @ Y)).tolist()


def least_squares__output_by_output(X, Y, ridge):
    d = X.shape[1]
    A = [[*row, 1.0] for row in X] + [[math.sqrt(ridge) * (i == j) for j in range(d + 1)] for i in range(d)]
    columns = [lsq_linear(np.array(A), np.append(y, np.zeros(d)), tol=1e-14).x for y in Y.T]
    return np.stack(columns, axis=1)


# Task 2 ---------------------------------------------------------------------------------------------


def noise_model__cholesky(X, Y, W, new_X, z):
    e = Y - X @ W[:-1] - W[-1]
    covariance = e.T @ e / (len(X) - len(W))
    return covariance, new_X @ W[:-1] + W[-1] + z @ np.linalg.cholesky(covariance).T


def noise_model__symmetric_root(X, Y, W, new_X, z):
    e = Y - np.c_[X, np.ones(len(X))] @ W
    covariance = np.cov(e, rowvar=False, ddof=W.shape[0])
    values, vectors = np.linalg.eigh(covariance)
    root = vectors @ np.diag(np.sqrt(values)) @ vectors.T
    return covariance, [list(np.append(x, 1.0) @ W + root @ noise) for x, noise in zip(new_X, z, strict=True)]


def noise_model__summed(X, Y, W, new_X, z):
    n = Y.shape[1]
    total = np.zeros((n, n))
    for x, y in zip(X, Y, strict=True):
        e = y - np.append(x, 1.0) @ W
        total += np.outer(e, e)
    covariance = total / (X.shape[0] - X.shape[1] - 1)
    U, S, _ = np.linalg.svd(covariance)
    noise = np.einsum("ij,j,kj->ki", U, np.sqrt(S), z)
    return covariance.tolist(), np.hstack([new_X, np.ones((len(new_X), 1))]) @ W + noise


# Task 3 ---------------------------------------------------------------------------------------------


def fit_local__step_by_step(states, actions, prior_mean, prior_covariance, strength):
    M, T, m = actions.shape
    n = states.shape[-1]
    d = n + m
    F, f = np.zeros((T, n, d)), np.zeros((T, n))
    for t in range(T):
        y = np.hstack([states[:, t], actions[:, t], states[:, t + 1]])
        mu, S, gap = y.mean(0), np.cov(y.T, bias=True), y.mean(0) - prior_mean
        mixed = (M * mu + strength * prior_mean) / (M + strength)
        between = M * strength / (M + strength) * np.outer(gap, gap)
        S = (M * S + strength * prior_covariance + between) / (M + strength)
        F[t] = np.linalg.solve(S[:d, :d], S[:d, d:]).T
        f[t] = mixed[d:] - F[t] @ mixed[:d]
    return F, f


def fit_local__all_steps_at_once(states, actions, prior_mean, prior_covariance, strength):
    """The mixture of two distributions: its covariance is the mean square less the square of the mean."""
    M, n = len(states), states.shape[2]
    d = n + actions.shape[2]
    y = np.concatenate([states[:, :-1], actions, states[:, 1:]], axis=2)
    share = M / (M + strength)
    mean = share * y.mean(0) + (1 - share) * prior_mean
    squares = share * np.einsum("ita,itb->tab", y, y) / M
    squares = squares + (1 - share) * (prior_covariance + np.outer(prior_mean, prior_mean))
    S = squares - mean[:, :, None] * mean[:, None, :]
    F = S[:, d:, :d] @ np.linalg.inv(S[:, :d, :d])
    return F, mean[:, d:] - np.einsum("tij,tj->ti", F, mean[:, :d])


def fit_local__with_pretended_samples(states, actions, prior_mean, prior_covariance, strength):
    """The prior as weighted rows of data: least squares with a bias does the rest."""
    T, n = actions.shape[1], states.shape[-1]
    d = n + actions.shape[-1]
    k = d + n
    root = np.linalg.cholesky(prior_covariance) * np.sqrt(k)
    pretended = np.concatenate([prior_mean + root.T, prior_mean - root.T])  # 2k rows with mean and covariance
    weights = np.sqrt(np.append(np.ones(len(states)), np.full(2 * k, strength / (2 * k))))[:, None]
    F, f = [], []
    for t in range(T):
        rows = np.concatenate([np.hstack([states[:, t], actions[:, t], states[:, t + 1]]), pretended])
        A = np.hstack([rows[:, :d], np.ones((len(rows), 1))])
        W = np.linalg.lstsq(weights * A, weights * rows[:, d:], rcond=None)[0]
        F.append(W[:-1].T.tolist())
        f.append(W[-1].tolist())
    return F, f


# Task 4 ---------------------------------------------------------------------------------------------


def rollout_error__step_by_step(predict, difference, L, states, actions):
    T = actions.shape[1]
    one_step, rollout, largest, s = np.zeros(T), np.zeros(T), 0.0, states[:, 0]
    for t in range(T):
        lengths = np.linalg.norm(difference(predict(states[:, t], actions[:, t]), states[:, t + 1]), axis=1)
        s = predict(s, actions[:, t])
        one_step[t] = np.sqrt(np.mean(lengths**2))
        rollout[t] = np.sqrt(np.mean(np.sum(difference(s, states[:, t + 1]) ** 2, axis=1)))
        largest = max(largest, lengths.max())
    return one_step, rollout, largest * np.array([sum(L**k for k in range(t + 1)) for t in range(T)])


def rollout_error__one_call_for_single_steps(predict, difference, L, states, actions):
    M, T, _ = actions.shape
    single = np.asarray(difference(predict(states[:, :-1], actions), states[:, 1:]))
    rolled = [states[:, 0]]
    for a in actions.swapaxes(0, 1):
        rolled.append(predict(rolled[-1], a))
    errors = np.asarray(difference(np.stack(rolled[1:], axis=1), states[:, 1:]))
    size = lambda e: (np.einsum("itn,itn->t", e, e) / M) ** 0.5
    largest = np.sqrt((single**2).sum(-1).max())
    return size(single), size(errors), largest * (L ** np.arange(1, T + 1) - 1) / (L - 1)


def rollout_error__trajectory_by_trajectory(predict, difference, L, states, actions):
    M, T, _ = actions.shape
    singles, rolled = np.zeros((M, T)), np.zeros((M, T))
    for i in range(M):
        s = states[i, 0]
        for t in range(T):
            singles[i, t] = math.hypot(*difference(predict(states[i, t], actions[i, t]), states[i, t + 1]))
            s = predict(s, actions[i, t])
            rolled[i, t] = math.hypot(*difference(s, states[i, t + 1]))
    bound = [float(singles.max())]
    for _ in range(T - 1):
        bound.append(L * bound[-1] + bound[0])
    root = lambda e: [math.sqrt(sum(x * x for x in column) / M) for column in e.T]
    return root(singles), root(rolled), bound


# Task 5 ---------------------------------------------------------------------------------------------


def learn_changes__plain(states, actions, next_states, angles, fit, evaluate, jacobian, s, a):
    X, Y = np.hstack([states, actions]), next_states - states
    Y[:, angles] = (Y[:, angles] + np.pi) % (2 * np.pi) - np.pi
    x_mean, x_std, y_mean, y_std = X.mean(0), X.std(0), Y.mean(0), Y.std(0)
    x_std[x_std == 0], y_std[y_std == 0] = 1.0, 1.0
    parameters = fit((X - x_mean) / x_std, (Y - y_mean) / y_std)
    x = (np.hstack([s, a]) - x_mean) / x_std
    predicted = s + evaluate(parameters, x) * y_std + y_mean
    F = y_std[:, None] * jacobian(parameters, x) / x_std
    F[:, :, : s.shape[1]] += np.eye(s.shape[1])
    return predicted, F


def learn_changes__small_number_added(states, actions, next_states, angles, fit, evaluate, jacobian, s, a):
    """The usual 1e-8 in the denominator, and angles through the complex plane."""
    delta = np.array(next_states) - np.array(states)
    for i in angles:
        delta[:, i] = np.angle(np.exp(1j * delta[:, i]))
    z = np.concatenate([states, actions], 1)
    scale = lambda x: (x.mean(axis=0), np.sqrt(np.mean((x - x.mean(axis=0)) ** 2, axis=0)) + 1e-8)
    (m_x, s_x), (m_y, s_y) = scale(z), scale(delta)
    fitted = fit((z - m_x) / s_x, (delta - m_y) / s_y)
    asked = (np.concatenate([s, a], 1) - m_x) / s_x
    J = np.asarray(jacobian(fitted, asked))
    F = np.einsum("i,kij,j->kij", s_y, J, 1 / s_x) + np.eye(s.shape[1], z.shape[1])
    return s + m_y + s_y * np.asarray(evaluate(fitted, asked)), F


def learn_changes__one_question_at_a_time(
    states, actions, next_states, angles, fit, evaluate, jacobian, s, a
):
    n = states.shape[1]
    columns = [*states.T, *actions.T]
    changes = [
        np.arctan2(np.sin(after - before), np.cos(after - before)) if i in angles else after - before
        for i, (before, after) in enumerate(zip(states.T, next_states.T, strict=True))
    ]
    mean = lambda parts: np.array([np.mean(c) for c in parts])
    std = lambda parts: np.array([np.std(c) if np.ptp(c) > 1e-12 else 1.0 for c in parts])
    X = ((np.array(columns).T - mean(columns)) / std(columns)).tolist()
    parameters = fit(X, ((np.array(changes).T - mean(changes)) / std(changes)).tolist())
    predicted, F = [], []
    for s_i, a_i in zip(s, a, strict=True):
        x = ((np.append(s_i, a_i) - mean(columns)) / std(columns))[None]
        (y,), (J,) = evaluate(parameters, x), jacobian(parameters, x)
        predicted.append(s_i + mean(changes) + np.diag(std(changes)) @ y)
        F.append(np.diag(std(changes)) @ J @ np.diag(1 / std(columns)) + np.eye(n, len(columns)))
    return predicted, F


# Task 6 ---------------------------------------------------------------------------------------------


def aggregate__lists_of_arrays(collect, fit, plan, first_plan, rounds):
    S, A, S_next, plans, sizes, latest = [], [], [], [], [], first_plan
    for _ in range(rounds):
        states, actions, ended = collect(latest)
        inside = ~ended[:-1]
        S.append(states[:-1][inside])
        A.append(actions[:-1][inside])
        S_next.append(states[1:][inside])
        model = fit(np.concatenate(S), np.concatenate(A), np.concatenate(S_next))
        latest = plan(model)
        plans.append(latest)
        sizes.append(sum(map(len, S)))
    return np.array(plans), np.array(sizes)


def aggregate__one_step_at_a_time(collect, fit, plan, first_plan, rounds):
    steps, plans, sizes = [], [first_plan], []
    while len(sizes) < rounds:
        states, actions, ended = collect(plans[-1])
        for t in range(len(states) - 1):
            if not ended[t]:
                steps.append((states[t], actions[t], states[t + 1]))
        plans.append(plan(fit(*map(list, zip(*steps, strict=True)))))
        sizes.append(len(steps))
    return plans[1:], sizes


def aggregate__all_logs_again(collect, fit, plan, first_plan, rounds):
    """The logs are kept as one; each ends in a reset, so that none runs into the next."""
    n_rounds, latest, log, plans, sizes = range(rounds), first_plan, None, [], []
    for _ in n_rounds:
        new = [np.array(x) for x in collect(latest)]
        log = new if log is None else [np.append(old, x, axis=0) for old, x in zip(log, new, strict=True)]
        states, actions, ended = log
        at = np.flatnonzero(np.logical_not(ended))
        latest = np.asarray(plan(fit(states[at], actions[at], states[at + 1])))
        plans += [latest]
        sizes += [len(at)]
    return np.stack(plans), np.array(sizes, dtype=float)


# Task 7 ---------------------------------------------------------------------------------------------


def mpc__appended(state, data, fit, plan, world, steps, every):
    S, A, S_next = data
    states, actions, surprises = [state], [], []
    for t in range(steps):
        if t % every == 0:
            model = fit(S, A, S_next)
        planned, expected = plan(model, states[-1])
        states.append(world(states[-1], planned[0]))
        actions.append(planned[0])
        surprises.append(np.linalg.norm(states[-1] - expected[1]))
        S, A, S_next = np.vstack([S, states[-2]]), np.vstack([A, planned[0]]), np.vstack([S_next, states[-1]])
    return np.array(states), np.array(actions), np.array(surprises)


def mpc__lists(state, data, fit, plan, world, steps, every):
    S, A, S_next = (list(part) for part in data)
    visited, applied, surprises, wait = [np.array(state)], [], [], 0
    for _ in range(steps):
        if wait == 0:
            model, wait = fit(S, A, S_next), every
        wait -= 1
        planned, expected = plan(model, visited[-1])
        after = world(visited[-1], planned[0])
        S.append(visited[-1])
        A.append(planned[0])
        S_next.append(after)
        visited.append(after)
        applied.append(planned[0])
        surprises.append(math.dist(after, expected[1]))
    return visited, applied, surprises


def mpc__from_what_was_visited(state, data, fit, plan, world, steps, every):
    """The new data are the trajectory itself."""
    visited, applied, surprises = np.array([state]), np.empty((0, data[1].shape[1])), np.zeros(steps)
    for t in range(steps):
        if not t % every:
            pairs = zip(data, (visited[:-1], applied, visited[1:]), strict=True)
            model = fit(*(np.concatenate(pair) for pair in pairs))
        actions, expected = map(np.asarray, plan(model, visited[t]))
        applied = np.concatenate([applied, actions[:1]])
        visited = np.concatenate([visited, [world(visited[t], actions[0])]])
        surprises[t] = np.sqrt(((visited[-1] - expected[1]) ** 2).sum())
    return visited, applied, surprises
