"""An ensemble of 5 × (2×64): its training and its rollouts beside mbrl-lib's.

Training: 400 Adam steps of the Gaussian likelihood, batch 256 for each member, on the same pendulum data. Of
mbrl-lib 0.2.0 it is `GaussianMLP(ensemble_size=5)` and its bare `update`, with batches that lie ready as tensors:
none of its trainer's or its buffer's overhead. Ours is a whole `fit`, normalisation and drawing of batches included.
Both test errors stand in the row's name: of the mean, in deviations of what is to be predicted. Each has the
learning rate, of 2e-3, 5e-3 and 1e-2, with which its own error is lowest.

Rollouts: 400 sequences × 20 particles × 25 steps, TS1, with the true reward; of mbrl-lib
`ModelEnv.evaluate_action_sequences`, which its PETS calls, normalised in double precision as there.

PyTorch is held to one thread, as we are. How to install mbrl-lib is said in bench_planners.py.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator

import numpy as np

from mbrl_teach.models.encoding import Angles
from mbrl_teach.models.ensemble import ProbabilisticEnsemble
from mbrl_teach.models.learned_world import LearnedWorld
from mbrl_teach.models.trajectory_sampling import TrajectorySampling
from mbrl_teach.planning.rollouts import Rollouts
from mbrl_teach.problems.gymnasium_worlds import GymnasiumPendulum
from tests.benchmarks.paired import Row, compare
from tests.models.worlds import pendulum_steps

MEMBERS, WIDTH, BATCH, STEPS = 5, 64, 256, 400
RATE, PEER_RATE = 1e-2, 2e-3
N, P, T = 400, 20, 25
WORLD, START = GymnasiumPendulum(), np.array([np.pi, 0.0])
TRAIN, TEST = (pendulum_steps(count, np.random.default_rng(count)) for count in (1500, 2000))


def rows() -> Iterator[Row]:
    rng = np.random.default_rng(0)
    model = fitted(rng)
    planned = LearnedWorld(model, WORLD.cost, horizon=T, action_low=[-2.0], action_high=[2.0])
    sequences = np.moveaxis(rng.uniform(-2.0, 2.0, (T, N, 1)), 0, 1)
    worlds = {s: Rollouts(TrajectorySampling(planned, s), particles=P) for s in ("TS1", "TSinf", "moments")}
    rollout = {s: lambda world=world: world.costs(START, sequences, rng) for s, world in worlds.items()}
    work = f"rollout {N}×{P}×{T}"
    for scheme in ("TSinf", "moments"):
        yield compare(f"{work}, TS1", rollout["TS1"], scheme, rollout[scheme], seconds=3.0)
    if not importlib.util.find_spec("mbrl"):
        print("  ensemble: no rows beside mbrl-lib, which is not installed", file=sys.stderr)
        return
    peer = Peer()
    peer.train()
    error, peer_error = test_error(lambda s, a: model.predict(s, a).mean - s), test_error(peer.change)
    name = f"ensemble, {STEPS} steps (test error {error:.4f}, theirs {peer_error:.4f})"
    yield compare(name, lambda: fitted(rng), "mbrl-lib", peer.train, target="≥ 1.82×", seconds=6.0)
    theirs = lambda: peer.evaluate(sequences)
    yield compare(f"{work}, TS1", rollout["TS1"], "mbrl-lib", theirs, target="≥ 3×", seconds=6.0)


def fitted(rng) -> ProbabilisticEnsemble:
    settings = {"steps": STEPS, "batch": BATCH, "learning_rate": RATE, "validation_share": 0.0}
    settings |= {"log_variance_bounds": (-10.0, 0.5)}  # as in mbrl-lib
    return ProbabilisticEnsemble(
        rng=rng, members=MEMBERS, hidden=(WIDTH, WIDTH), encoding=Angles(0), **settings
    ).fit(*TRAIN)


def test_error(change) -> float:
    """Root mean square of the error of a model's mean change, in deviations of the changes."""
    s, a, s_next = TEST
    change_there = Angles(0).difference(s_next, s)
    return float(np.sqrt(np.mean(((change(s, a) - change_there) / change_there.std(axis=0)) ** 2)))


class Peer:
    """mbrl-lib's ensemble; inputs and targets are normalised as ours."""

    def __init__(self):
        import torch
        from mbrl.models import GaussianMLP, ModelEnv, OneDTransitionRewardModel

        torch.set_num_threads(1)
        self.torch = torch
        s, a, s_next = TRAIN
        self.inputs = np.hstack([Angles(0).features(s), a])
        targets = Angles(0).difference(s_next, s)
        self.scale = (
            self.inputs.mean(axis=0),
            self.inputs.std(axis=0),
            targets.mean(axis=0),
            targets.std(axis=0),
        )
        X, Y = self._normalised(self.inputs), (targets - self.scale[2]) / self.scale[3]
        self.X, self.Y = (torch.tensor(array, dtype=torch.float32) for array in (X, Y))
        activation = {"_target_": "torch.nn.SiLU"}
        self.mlp = lambda: GaussianMLP(
            4, 2, "cpu", 2, MEMBERS, WIDTH, propagation_method="random_model", activation_fn_cfg=activation
        )
        self.batches = torch.randint(len(s), (STEPS, MEMBERS, BATCH))
        features = lambda s: torch.stack([torch.cos(s[..., 0]), torch.sin(s[..., 0]), s[..., 1]], dim=-1)
        model = OneDTransitionRewardModel(
            self.mlp(),
            target_is_delta=True,
            normalize=True,
            normalize_double_precision=True,
            learned_rewards=False,
            obs_process_fn=features,
        )
        model.input_normalizer.update_stats(self.inputs)
        never = lambda action, state: torch.zeros(len(state), 1, dtype=torch.bool)
        env = type("", (), {"observation_space": None, "action_space": None})()
        self.env = ModelEnv(env, model, never, self._reward, generator=torch.Generator())

    def _normalised(self, X):
        return (X - self.scale[0]) / self.scale[1]

    def train(self):
        """400 updates of new networks."""
        self.trained = self.mlp()
        optimiser = self.torch.optim.Adam(self.trained.parameters(), lr=PEER_RATE)
        for rows in self.batches:
            self.trained.update(self.X[rows], optimiser, target=self.Y[rows])

    def change(self, s, a):
        x = self.torch.tensor(
            self._normalised(np.hstack([Angles(0).features(s), a])), dtype=self.torch.float32
        )
        with self.torch.no_grad():
            mean = self.trained.forward(x, use_propagation=False)[0].mean(dim=0).numpy()
        return mean * self.scale[3] + self.scale[2]

    def _reward(self, action, state):
        theta = self.torch.remainder(state[:, 0] + np.pi, 2.0 * np.pi) - np.pi
        return -(theta**2 + 0.1 * state[:, 1] ** 2 + 0.001 * action[:, 0] ** 2)[:, None]

    def evaluate(self, sequences):
        """Returns of the sequences (N, T, 1), each the mean over its particles."""
        actions = self.torch.tensor(sequences, dtype=self.torch.float32)
        return self.env.evaluate_action_sequences(actions, START, P)
