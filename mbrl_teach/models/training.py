"""Training of networks on data: batches, Adam, and when to stop.

A share of the data is held back for *validation*: no step is made on it. From time to time its loss is looked
at; the parameters with the lowest one are kept, and when it has not fallen for `patience` looks, training
ends. The training loss falls on, but what is learned then is these data's noise.

What is minimised is a loss of :mod:`mbrl_teach.models.losses`, the mean of squares unless another is given.

Networks may have members (see :mod:`mbrl_teach.models.perceptron`): `rows` then says for each member on which
rows of the data it is trained, and each keeps its own best parameters.

Source: Bishop, Pattern Recognition and Machine Learning (2006), section 5.5.2 (early stopping).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from tqdm.auto import tqdm

from mbrl_teach.arguments import require_count, require_positive
from mbrl_teach.models.adam import Adam
from mbrl_teach.models.losses import MEAN_OF_SQUARES, Loss
from mbrl_teach.models.perceptron import Perceptron

TOO_FEW = 10  # with fewer rows none is held back: a validation loss of one or two rows says nothing


@dataclass(frozen=True)
class Settings:
    """How to train.

    learning_rate: Adam's α, which falls to a tenth in the course of `steps`
    steps: the most that are made; batch: rows per step
    validation_share: of the data, held back; 0 for none, and then nothing stops early
    patience: looks without improvement until training ends; look_every: steps between looks
    progress: whether to show a bar; None: in a terminal or JupyterLab, not in a log
    """

    learning_rate: float = 2e-3
    steps: int = 2000
    batch: int = 128
    validation_share: float = 0.1
    patience: int = 20
    look_every: int = 25
    progress: bool | None = None

    def __post_init__(self):
        require_positive(learning_rate=self.learning_rate)
        for name in ("steps", "batch", "patience", "look_every"):
            require_count(name, getattr(self, name))
        if not 0.0 <= self.validation_share < 1.0:
            raise ValueError(f"validation_share must be in [0, 1); got {self.validation_share}")


@dataclass(frozen=True)
class Training:
    """What has come of it; losses are those that were minimised, of data in units of their deviations.

    steps: how many were made; best_step (*members): after which the kept parameters were found
    looks (L,): after how many steps the losses were looked at
    training_losses (L, *members): mean over the batches since the last look
    validation_losses (L, *members): NaN without validation data
    stopped_early: whether patience has ended it
    """

    steps: int
    best_step: np.ndarray
    looks: np.ndarray
    training_losses: np.ndarray
    validation_losses: np.ndarray
    stopped_early: bool


class Kept:
    """The parameters of the lowest validation loss so far, of each member its own."""

    def __init__(self, parameters: np.ndarray):
        self.parameters = parameters.copy()
        self.loss = np.full(parameters.shape[:-1], np.inf)
        self.step = np.zeros(parameters.shape[:-1], dtype=int)

    def look(self, step: int, parameters: np.ndarray, loss: np.ndarray) -> None:
        """Keep what is better than before; a NaN is not."""
        better = loss < self.loss
        np.copyto(self.parameters, parameters, where=better[..., None])
        self.loss, self.step = np.where(better, loss, self.loss), np.where(better, step, self.step)


def split(N: int, share: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rows to train on and rows held back, a `share` of N; of fewer than ten rows none is held back."""
    order = rng.permutation(N)
    held_back = 0 if N < TOO_FEW else int(np.ceil(share * N))
    return order[held_back:], order[:held_back]


def train(
    network: Perceptron,
    X: np.ndarray,
    Y: np.ndarray,
    rows: np.ndarray,
    validation: np.ndarray,
    settings: Settings,
    rng: np.random.Generator,
    loss: Loss = MEAN_OF_SQUARES,
) -> Training:
    """Train `network` in place on rows (*members, n) of the data X (N, d), Y (N, p).

    validation: rows (V,) whose loss decides which parameters are kept, or none: then the last ones are

    Raises ValueError if the loss grows beyond all numbers.
    """
    kept, looks, losses = Kept(network.parameters), [0], []
    hidden = None if settings.progress is None else not settings.progress
    with tqdm(total=settings.steps, desc="training", leave=False, disable=hidden) as bar:
        for step, recent in _descend(network, X, Y, rows, settings, rng, loss):
            bar.update(step - looks[-1])
            if not np.isfinite(recent).all():
                raise ValueError(f"training has diverged by step {step}: lower learning_rate")
            unseen = network.loss(X[validation], Y[validation], loss) if len(validation) else recent * np.nan
            kept.look(step, network.parameters, unseen)
            looks.append(step)
            losses.append((recent, unseen))
            if len(validation) and step - kept.step.max() >= settings.patience * settings.look_every:
                break
    if len(validation):
        network.parameters[...] = kept.parameters
    seen, unseen = (np.array(column) for column in zip(*losses, strict=True))
    return Training(step, kept.step, np.array(looks[1:]), seen, unseen, step < settings.steps)


def _descend(network, X, Y, rows, settings, rng, loss) -> Iterator[tuple[int, np.ndarray]]:
    """Make all steps; at every look, the step's number and the mean training loss since the last one."""
    gradient = np.empty_like(network.parameters)
    layers, adam = network.views(gradient), Adam(network.parameters)
    total, since = np.zeros(gradient.shape[:-1]), 0
    for step in range(1, settings.steps + 1):
        batch = rows.take(rng.integers(rows.shape[-1], size=settings.batch), axis=-1)
        total += network.gradient(X.take(batch, axis=0), Y.take(batch, axis=0), layers, loss)
        adam.learning_rate = settings.learning_rate * 0.1 ** (step / settings.steps)
        adam.step(gradient)
        if step % settings.look_every == 0 or step == settings.steps:
            yield step, total / (step - since)
            total, since = np.zeros_like(total), step
