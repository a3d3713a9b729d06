"""The right answers to assignment 06_learned_models.

Keywords change one piece of an answer each: by their defaults it is right, and a known mistake is the same
function with one keyword set.
"""

from __future__ import annotations

import numpy as np

# Task 1 ---------------------------------------------------------------------------------------------


def with_ones(X):
    """Inputs (N, d) and a column of ones for the bias, (N, p)."""
    return np.column_stack([X, np.ones(len(X))])


def slopes_alone(ridge, X):
    """The weight (p,) of each squared row of W: the bias is free."""
    return np.append(np.full(X.shape[1], ridge), 0.0)


def slopes_and_bias(X, Y, W):
    """W as it was found."""
    return W


def least_squares(
    X, Y, ridge, *, columns=with_ones, weights=slopes_alone, target=lambda Y: Y, finish=slopes_and_bias
):
    """W (p, n), the bias in its last row; the ridge is p more rows of data, whose targets are zero."""
    pretended = np.diag(np.sqrt(weights(ridge, X)))
    Y_all = np.concatenate([target(Y), np.zeros((len(pretended), Y.shape[1]))])
    W = np.linalg.lstsq(np.concatenate([columns(X), pretended]), Y_all, rcond=None)[0]
    return finish(X, Y, W)


def bias_is(bias):
    """W with another bias, `bias(X, Y)` (n,)."""
    return lambda X, Y, W: np.vstack([W[:-1], bias(X, Y)])


# Task 2 ---------------------------------------------------------------------------------------------


def noise_model(
    X,
    Y,
    W,
    new_X,
    z,
    *,
    residuals=lambda X, Y, W: Y - with_ones(X) @ W,
    count=lambda N, p: N - p,
    keep=lambda covariance: covariance,
    root=np.linalg.cholesky,
    draw=lambda B, z: z @ B.T,
    mean=lambda new_X, W: with_ones(new_X) @ W,
):
    """The residuals' covariance (n, n) over N - p, and new targets (M, n) with this noise."""
    e = residuals(X, Y, W)
    covariance = keep(e.T @ e / count(len(X), len(W)))
    return covariance, mean(new_X, W) + draw(root(covariance), z)


# Task 3 ---------------------------------------------------------------------------------------------


def in_time(states, actions):
    """[s_t; a_t; s_{t+1}] of every step, (M, T, k)."""
    return np.concatenate([states[:, :-1], actions, states[:, 1:]], axis=-1)


def conditioned(cross, S_zz):
    """Slopes (n, n+m) of s' over z: the covariance of s' with z times the inverse of z's own."""
    return np.linalg.solve(S_zz, cross.T).T


def fit_local(
    states,
    actions,
    prior_mean,
    prior_covariance,
    strength,
    *,
    steps=in_time,
    weight=lambda strength: strength,
    samples=lambda M: M,
    divisor=lambda M: M,
    apart=lambda M, n_0: M * n_0 / (M + n_0),
    centre=1.0,
    through="mixed",
    slopes=conditioned,
    bias=1.0,
):
    """F (T, n, n+m), f (T, n): each step's samples, joined by a prior worth `strength` of them."""
    Y, n, n_0 = steps(states, actions), states.shape[-1], weight(strength)
    M, T, k = Y.shape
    d = k - n
    F, f = np.empty((T, n, d)), np.empty((T, n))
    for t in range(T):
        mu = Y[:, t].mean(axis=0)
        e, gap = Y[:, t] - centre * mu, mu - prior_mean
        S = samples(M) * (e.T @ e) / divisor(M) + n_0 * prior_covariance
        S = (S + apart(M, n_0) * np.outer(gap, gap)) / (M + n_0)
        mixed = mu if through == "sample" else (M * mu + n_0 * prior_mean) / (M + n_0)
        F[t] = slopes(S[d:, :d], S[:d, :d])
        f[t] = bias * (mixed[d:] - F[t] @ mixed[:d])
    return F, f


def of_all_times(states, actions):
    """The steps of all times, at each time again: (M T, T, k)."""
    Y = in_time(states, actions)
    return np.repeat(Y.reshape(-1, 1, Y.shape[-1]), Y.shape[1], axis=1)


# Task 4 ---------------------------------------------------------------------------------------------


def root_mean_square(errors):
    """Over the trajectories, of errors (M, n)."""
    return np.sqrt((errors**2).sum(axis=-1).mean())


def geometric(largest, L, T):
    """The largest error of one step times 1 + L + … + L^(t-1), for t = 1 … T."""
    return largest * np.cumsum(L ** np.arange(T))


def rollout_error(
    predict,
    difference,
    L,
    states,
    actions,
    *,
    size=root_mean_square,
    carry=lambda predicted, observed: predicted,
    against=1,
    acted=0,
    subtract=None,
    worst=lambda errors: np.sqrt((errors**2).sum(axis=-1)).max(),
    of_step=lambda single, rolled: single,
    grow=geometric,
    add_up=False,
):
    """Errors (T,) of one step, after t steps of a rollout, and their bound."""
    difference = difference if subtract is None else subtract
    T = actions.shape[1]
    one_step, rollout, errors, rolled, s = np.empty(T), np.empty(T), [], [], states[:, 0]
    for t in range(T):
        a, truth = actions[:, min(t + acted, T - 1)], states[:, t + against]
        errors.append(difference(np.asarray(predict(states[:, t], actions[:, t])), truth))
        one_step[t] = size(errors[t])
        s = np.asarray(predict(s, a))
        rolled.append(difference(s, truth))
        rollout[t] = size(rolled[t])
        s = carry(s, states[:, t + 1])
    bound = grow(worst(np.array(of_step(errors, rolled))), L, T)
    return one_step, np.cumsum(one_step) if add_up else rollout, bound


# Task 5 ---------------------------------------------------------------------------------------------


def wrapped(delta, angles):
    """Differences with those of angles taken to [-π, π)."""
    delta = np.array(delta)
    delta[..., angles] = (delta[..., angles] + np.pi) % (2 * np.pi) - np.pi
    return delta


def scale(columns):
    """Deviations (d,), one where a column is constant."""
    std = columns.std(axis=0)
    return np.where(std == 0, 1.0, std)


def training_data(X, x):
    """The data that the statistics are made of."""
    return X, X


def in_the_worlds_units(J, x_std, y_std, n):
    """[I 0] + σ_y J / σ_x."""
    return np.eye(n, len(x_std)) + y_std[:, None] * J / x_std


def learn_changes(
    states,
    actions,
    next_states,
    angles,
    fit,
    evaluate,
    jacobian,
    s,
    a,
    *,
    change=wrapped,
    before=1.0,
    statistics=training_data,
    x_scale=scale,
    y_scale=scale,
    x_shift=1.0,
    asked=lambda raw, x: x,
    slope_at=lambda raw, x: x,
    restore=lambda y, mean, std: mean + std * y,
    add=lambda s, delta, angles: s + delta,
    units=in_the_worlds_units,
):
    """Next states (B, n) at (s, a) and their Jacobian F (B, n, n+m), from normalised changes."""
    X, x = np.concatenate([states, actions], axis=-1), np.concatenate([s, a], axis=-1)
    Y = change(next_states - before * states, angles)
    of_data, of_new = statistics(X, x)
    shift, y_mean = x_shift * of_data.mean(axis=0), Y.mean(axis=0)
    x_std, y_std = x_scale(of_data), y_scale(Y)
    parameters = fit((X - shift) / x_std, (Y - y_mean) / y_std)
    raw, x = x, (x - x_shift * of_new.mean(axis=0)) / x_scale(of_new)
    delta = restore(np.asarray(evaluate(parameters, asked(raw, x))), y_mean, y_std)
    F = units(np.asarray(jacobian(parameters, slope_at(raw, x))), x_std, y_std, s.shape[-1])
    return add(s, delta, angles), F


# Task 6 ---------------------------------------------------------------------------------------------


def inside_episodes(states, actions, ended):
    """The steps of a log whose next state is known: those after which no reset came."""
    inside = ~np.asarray(ended)[:-1]
    return states[:-1][inside], actions[:-1][inside], states[1:][inside]


def aggregate(
    collect,
    fit,
    plan,
    first_plan,
    rounds,
    *,
    pairs=inside_episodes,
    remember=lambda data, new: [*data, new],
    execute=lambda first, latest: latest,
    recorded=lambda planned, taken: taken,
    fits=lambda r: True,
    plan_first=False,
    told=lambda executed, planned: planned,
    counted=lambda parts: len(np.concatenate(parts)),
):
    """The plan made after each round (R, T, m), and how many steps the model was fitted to (R,)."""
    latest, logs, plans, sizes, model = first_plan, [], [], [], None
    for r in range(rounds):
        latest = execute(first_plan, latest)
        states, taken, ended = (np.asarray(x) for x in collect(latest))
        logs = remember(logs, (states, recorded(np.asarray(latest), taken), ended))
        before = model
        if fits(r):
            parts = [np.concatenate(part) for part in zip(*(pairs(*log) for log in logs), strict=True)]
            model, size = fit(*parts), counted([pairs(*log)[0] for log in logs])
        executed, latest = latest, plan(before if plan_first and before is not None else model)
        plans.append(told(executed, latest))
        sizes.append(size)
    return np.array(plans), np.array(sizes)


# Task 7 ---------------------------------------------------------------------------------------------


def mpc(
    state,
    data,
    fit,
    plan,
    world,
    steps,
    every,
    *,
    first=0,
    whole=False,
    start=lambda states, expected: states[-1],
    due=lambda t, every: t % every == 0,
    join=lambda data, new: [*data, *new],
    late=0,
    order=(0, 1, 2),
    learned=lambda observed, expected: observed,
    surprise=lambda observed, expected: np.linalg.norm(observed - expected[1]),
):
    """States (steps+1, n), actions (steps, m), and how far each step was from what was expected (steps,)."""
    begin, new = list(zip(*data, strict=True)), []
    states, actions, surprises, queue, expected = [state], [], [], [], None
    for t in range(steps):
        if t == 0 or due(t, every):
            known = join(begin, new[: len(new) - late])
            model = fit(*(np.array(part) for part in zip(*known, strict=True)))
        if not (whole and queue):
            planned, expected = (np.asarray(x) for x in plan(model, start(states, expected)))
            queue = list(planned[first:])
        a = queue.pop(0)
        actions.append(a)
        states.append(np.asarray(world(states[-1], a)))
        pair = states[-2], a, learned(states[-1], expected[1])
        new.append(tuple(pair[i] for i in order))
        surprises.append(surprise(states[-1], expected))
    return np.array(states), np.array(actions), np.array(surprises)
