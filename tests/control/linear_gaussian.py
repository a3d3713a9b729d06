"""Random linear-Gaussian models, and what is true of them by dense algebra on all variables at once."""

from types import SimpleNamespace

import numpy as np
from scipy.linalg import block_diag


def random_model(rng, *, n=3, m=2, p=2, T=6, varying=True, noise_rank=None, prior_rank=None):
    """Keyword arguments of kalman_filter: a random model with an observation and an action per step."""
    steps = (T,) if varying else ()
    root = rng.normal(size=(*steps, n, n if noise_rank is None else noise_rank))
    sensor_root = rng.normal(size=(*steps, p, p))
    prior_root = rng.normal(size=(n, n if prior_rank is None else prior_rank))
    return {
        "F": rng.normal(size=(*steps, n, n + m)) / np.sqrt(n + m),
        "f": rng.normal(size=(*steps, n)),
        "process_noise": root @ root.mT,
        "H": rng.normal(size=(*steps, p, n)),
        "observation_noise": sensor_root @ sensor_root.mT + 0.1 * np.eye(p),
        "mean": rng.normal(size=n),
        "covariance": prior_root @ prior_root.T,
        "observations": rng.normal(size=(T, p)),
        "actions": rng.normal(size=(T, m)),
    }


def without_data(model):
    """The model's keyword arguments alone, as LQGController takes them."""
    return {name: array for name, array in model.items() if name not in ("observations", "actions")}


def per_step(model):
    """The model with every array written out for each step, and T, n, p."""
    T, p = model["observations"].shape
    n = len(model["mean"])
    shapes = {"F": (n, model["F"].shape[-1]), "f": (n,), "process_noise": (n, n)}
    shapes |= {"H": (p, n), "observation_noise": (p, p)}
    full = {name: np.broadcast_to(model[name], (T, *shape)) for name, shape in shapes.items()}
    return SimpleNamespace(**(model | full), T=T, n=n, p=p)


def joint_gaussian(model):
    """Mean and covariance of s_1..s_{T+1} stacked and of o_1..o_T stacked, and their cross-covariance.

    Every state and observation is written as a constant plus a matrix times all noises at once.
    """
    x = per_step(model)
    noise = block_diag(model["covariance"], *x.process_noise, *x.observation_noise)
    picks = np.eye(len(noise))
    s_mean, s_map = [x.mean], [picks[: x.n]]
    o_mean, o_map = [], []
    for t in range(x.T):
        o_mean.append(x.H[t] @ s_mean[t])
        o_map.append(x.H[t] @ s_map[t] + picks[(x.T + 1) * x.n + t * x.p :][: x.p])
        s_mean.append(x.F[t] @ [*s_mean[t], *x.actions[t]] + x.f[t])
        s_map.append(x.F[t, :, : x.n] @ s_map[t] + picks[(t + 1) * x.n :][: x.n])
    s_mean, s_map, o_mean, o_map = (np.concatenate(part) for part in (s_mean, s_map, o_mean, o_map))
    return s_mean, s_map @ noise @ s_map.T, o_mean, o_map @ noise @ o_map.T, s_map @ noise @ o_map.T


def conditioned(model, seen):
    """Means and covariances of s_1..s_{T+1} given the first `seen` observations, by dense algebra."""
    s_mean, s_cov, o_mean, o_cov, cross = joint_gaussian(model)
    T, p = model["observations"].shape
    n, k = len(model["mean"]), seen * p
    gain = np.linalg.solve(o_cov[:k, :k], cross[:, :k].T).T
    means = s_mean + gain @ (model["observations"].ravel() - o_mean)[:k]
    covariance = s_cov - gain @ cross[:, :k].T
    blocks = [covariance[i : i + n, i : i + n] for i in range(0, (T + 1) * n, n)]
    return means.reshape(T + 1, n), np.array(blocks)
