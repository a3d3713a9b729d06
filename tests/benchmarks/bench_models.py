"""A network's training step beside PyTorch's, and its Jacobian beside its own forward pass.

PyTorch (CPU, one thread, as ours) trains the same sizes on the same batches with its own Adam, in both of its ways: one
operation per parameter array (`foreach=False`) and fused. It is no part of the extra `peers`, since it is large;
to see its rows: ``pip install torch``.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from mbrl_teach.models.adam import Adam
from mbrl_teach.models.encoding import Angles
from mbrl_teach.models.network import NeuralNetwork
from mbrl_teach.models.perceptron import Perceptron
from mbrl_teach.problems.gymnasium_worlds import GymnasiumPendulum
from tests.benchmarks.paired import Row, compare

SIZES, BATCH, STEPS = (4, 64, 64, 2), 256, 400


def rows() -> Iterator[Row]:
    rng = np.random.default_rng(0)
    for N in (100, 500):
        yield from jacobian_rows(rng, N)
    X, Y = (rng.normal(size=(1600, size)).astype(np.float32) for size in (4, 2))
    batches = rng.integers(1600, size=(STEPS, BATCH))
    ours = lambda: train(X, Y, batches)
    name = f"{STEPS} Adam steps of 2×64, batch {BATCH}"
    if not importlib.util.find_spec("torch"):
        print(f"  {name}: no row beside PyTorch, which is not installed", file=sys.stderr)
        return
    for way in ("foreach", "fused"):
        yield compare(
            name, ours, f"PyTorch, {way}", torch_training(X, Y, batches, way), target="≥ 1×", seconds=4.0
        )


def jacobian_rows(rng, N) -> Iterator[Row]:
    network, x = Perceptron(SIZES, rng, dtype=np.float32), rng.normal(size=(N, 4)).astype(np.float32)
    jacobian, value = (lambda: network.jacobian(x)), (lambda: network.value(x))
    yield compare(f"Jacobian of 2×64 at {N} inputs", jacobian, "forward pass", value, target="≥ 0.33×")
    s, a = rng.uniform(-3, 3, (N, 2)), rng.uniform(-2, 2, (N, 1))
    model = NeuralNetwork(rng=rng, encoding=Angles(0), steps=10).fit(s, a, GymnasiumPendulum().dynamics(s, a))
    linearize, dynamics = (lambda: model.linearize(s, a)), (lambda: model.dynamics(s, a))
    yield compare(f"linearize at {N} states", linearize, "dynamics", dynamics, target="≥ 0.33×")


def train(X, Y, batches):
    network = Perceptron(SIZES, np.random.default_rng(0), dtype=np.float32)
    gradient = np.empty_like(network.parameters)
    layers, adam = network.views(gradient), Adam(network.parameters)
    for batch in batches:
        network.gradient(X[batch], Y[batch], layers)
        adam.step(gradient)
    return network


def torch_training(X, Y, batches, way):
    """The same, as anyone would write it there."""
    import torch

    torch.set_num_threads(1)
    X, Y, batches = (torch.from_numpy(array) for array in (X, Y, batches))
    layers = [torch.nn.Linear(d, k) for d, k in pairwise(SIZES)]
    network = torch.nn.Sequential(layers[0], torch.nn.Tanh(), layers[1], torch.nn.Tanh(), layers[2])

    def run():
        optimiser = torch.optim.Adam(network.parameters(), **{way: True})
        for batch in batches:
            optimiser.zero_grad()
            torch.nn.functional.mse_loss(network(X[batch]), Y[batch]).backward()
            optimiser.step()

    return run
