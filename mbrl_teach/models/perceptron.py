"""A multilayer perceptron: its value, the gradient of its loss, and its Jacobian, written out.

    h_0 = x,        h_l = tanh(h_{l-1} W_l + b_l)   for l < L,        f(x) = h_{L-1} W_L + b_L.

In place of tanh there may be another of :mod:`mbrl_teach.models.activations`.

Rows are samples. The loss of a batch of B rows with p targets is the mean of squares, or another one of
:mod:`mbrl_teach.models.losses`,

    loss = 1/(B p) sum (f(x) - y)².

*Backpropagation* is the chain rule from the end to the beginning. With δ_l the derivative of the loss by
what enters the l-th tanh, and ⊙ entry by entry, where tanh' = 1 - tanh²,

    δ_L = d loss/df = 2/(B p) (f(x) - y),    d loss/dW_l = h_{l-1}' δ_l,    d loss/db_l = sum of rows of δ_l,
    δ_{l-1} = (δ_l W_l') ⊙ (1 - h_{l-1}²).

The *Jacobian* is the same chain, without a loss: its factors are multiplied from the end at which there are
fewer numbers to carry, p outputs or d inputs, so that it costs about min(p, d) further forward passes.

**Members.** All parameters lie in one vector θ (P,), of which W_l and b_l are views. With `members=(E,)` they
lie in θ (E, P): E networks at once, by the same lines, since a matrix product takes leading axes along.

Source: Bishop, Pattern Recognition and Machine Learning (2006), sections 5.3.1 and 5.3.4 (Jacobian); LeCun
et al., Efficient BackProp (1998), section 4.6, for the initial weights.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import DTypeLike

from mbrl_teach.models.activations import TANH, Activation
from mbrl_teach.models.losses import MEAN_OF_SQUARES, Loss

MANY = 1000  # samples from which on values are made in blocks
BLOCK = 128  # samples of which a Jacobian is made at once: what is carried along then stays in the cache

Layer = tuple[np.ndarray, np.ndarray]  # W (..., inputs, outputs), b (..., 1, outputs)


class Perceptron:
    """Networks of the same sizes, with parameters drawn at random.

    sizes: d, the hidden layers' widths, p
    members: () for one network, (E,) for E of them; all arrays then begin with this axis, except that
        inputs without it are given to every member

    Attributes: parameters θ (*members, P); layers: its views W_l, b_l.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        rng: np.random.Generator,
        *,
        members: tuple[int, ...] = (),
        activation: Activation = TANH,
        dtype: DTypeLike = np.float64,
    ):
        self.sizes, self.activation = tuple(sizes), activation
        count = sum((d + 1) * k for d, k in pairwise(self.sizes))
        self.parameters = np.zeros((*members, count), dtype)
        self.layers = self.views(self.parameters)
        for W, _ in self.layers:  # variance 1/d keeps what passes through at the size of its input
            W[...] = rng.standard_normal(W.shape) / np.sqrt(W.shape[-2])

    def member(self, e: int) -> Perceptron:
        """The network number `e` alone; it shares its parameters with this one."""
        one = copy.copy(self)
        one.parameters = self.parameters[e]
        one.layers = one.views(one.parameters)
        return one

    def views(self, vector: np.ndarray) -> list[Layer]:
        """The layers W_l, b_l inside a vector (*members, P), of parameters or of their gradient."""
        layers, start, stack = [], 0, vector.shape[:-1]
        for d, k in pairwise(self.sizes):
            W = vector[..., start : start + d * k].reshape(*stack, d, k)
            b = vector[..., start + d * k : start + (d + 1) * k].reshape(*stack, 1, k)
            layers.append((W, b))
            start += (d + 1) * k
        return layers

    def value(self, x: np.ndarray) -> np.ndarray:
        """f(x) (*members, N, p) of inputs (N, d) or (*members, N, d)."""
        if x.shape[-2] > MANY:
            return self._value_in_blocks(x)
        h = x
        for layer in self.layers[:-1]:
            h, _ = self.activation.forward(_affine(h, layer))
        return _affine(h, self.layers[-1])

    def _value_in_blocks(self, x: np.ndarray) -> np.ndarray:
        """The same, 256 samples at a time in the same memory, which stays in the cache.

        1600 samples take half the time with SiLU, three quarters with tanh; few take longer.
        """
        *stack, N, _ = np.broadcast_shapes(x.shape, (*self.parameters.shape[:-1], 1, 1))
        f = np.empty((*stack, N, self.sizes[-1]), np.result_type(x, self.parameters))
        memory = [np.empty((2, *stack, 256, width), f.dtype) for width in self.sizes[1:-1]]
        for i in range(0, N, 256):
            h, rows = x[..., i : i + 256, :], min(256, N - i)
            for (W, b), (a, out) in zip(self.layers[:-1], memory, strict=True):
                a = np.matmul(h, W, out=a[..., :rows, :])
                a += b
                h = self.activation.value(a, out=out[..., :rows, :])
            np.matmul(h, self.layers[-1][0], out=f[..., i : i + 256, :])
        f += self.layers[-1][1]
        return f

    def loss(self, x: np.ndarray, y: np.ndarray, loss: Loss = MEAN_OF_SQUARES) -> np.ndarray:
        """The loss (*members) at inputs (N, d) or (*members, N, d) and their targets."""
        return loss.value(self.value(x), y)

    def gradient(
        self, x: np.ndarray, y: np.ndarray, layers: list[Layer], loss: Loss = MEAN_OF_SQUARES
    ) -> np.ndarray:
        """Write the gradient of the loss at (x, y) into `layers`, the views of a vector; return the loss."""
        activations = self._forward(x)
        value, delta = loss.slope(_affine(activations[-1][0], self.layers[-1]), y)
        for (W, _), (dW, db) in zip(reversed(self.layers), reversed(layers), strict=True):
            h, kept = activations.pop()
            np.matmul(h.mT, delta, out=dW)
            _sum_rows(delta, out=db)
            if activations:
                delta = delta @ W.mT
                delta *= self.activation.slope(h, kept)
        return value

    def jacobian(self, x: np.ndarray) -> np.ndarray:
        """df/dx (*members, N, p, d) at inputs (N, d) or (*members, N, d)."""
        blocks = [self._jacobian(x[..., i : i + BLOCK, :]) for i in range(0, max(x.shape[-2], 1), BLOCK)]
        return blocks[0] if len(blocks) == 1 else np.concatenate(blocks, axis=-3)

    def _jacobian(self, x: np.ndarray) -> np.ndarray:
        weights = [W for W, _ in self.layers]
        slopes = [self.activation.slope(*pair)[..., None, :, :] for pair in self._forward(x)[1:]]
        if not slopes:  # a linear network: the same for every sample
            W = weights[0].mT[..., None, :, :]
            return np.broadcast_to(W, (*W.shape[:-3], x.shape[-2], *W.shape[-2:]))
        if self.sizes[-1] <= self.sizes[0]:  # rows of df/dh_l, from the last layer to the first
            return _chain([W.mT for W in reversed(weights)], slopes[::-1]).swapaxes(-3, -2)
        return _chain(weights, slopes).swapaxes(-3, -2).mT  # columns of dh_l/dx, from the first to the last

    def _forward(self, x: np.ndarray) -> list[tuple[np.ndarray, np.ndarray | None]]:
        """h_0 = x, h_1, …, h_{L-1}, each with what its slope needs."""
        activations = [(x, None)]
        for layer in self.layers[:-1]:
            activations.append(self.activation.forward(_affine(activations[-1][0], layer)))
        return activations


def _affine(h: np.ndarray, layer: Layer) -> np.ndarray:
    """h W + b."""
    W, b = layer
    a = h @ W
    a += b
    return a


def _sum_rows(delta: np.ndarray, out: np.ndarray) -> None:
    """Sum over samples. Of members as a product with ones: `np.sum` takes six times as long there."""
    if delta.ndim == 2:
        np.sum(delta, axis=0, keepdims=True, out=out)
    else:
        np.matmul(np.ones((1, delta.shape[-2]), delta.dtype), delta, out=out)


def _chain(weights: list[np.ndarray], slopes: list[np.ndarray]) -> np.ndarray:
    """Rows of the first matrix (c, k), carried for each of N samples through all slopes and matrices.

    Slopes (*members, 1, N, k) between weights (*members, k, l); returns (*members, c, N, l). The rows of all
    samples lie under each other, so that each layer is one matrix product.
    """
    first, *others = weights
    carried = start = np.ascontiguousarray(first)[
        ..., :, None, :
    ]  # else all that follows lies crosswise in memory
    for slope, W in zip(slopes, others, strict=True):
        carried = carried * slope if carried is start else np.multiply(carried, slope, out=carried)
        *stack, c, N, k = carried.shape
        carried = (carried.reshape(*stack, c * N, k) @ W).reshape(*stack, c, N, W.shape[-1])
    return carried
