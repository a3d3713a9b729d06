"""A network (of tanh) as a linear function of its parameters: the tangent at θ*.

    f_lin(x; θ) = f(x; θ*) + J(x) (θ - θ*),        J(x) = df/dθ (p, P) at θ*.

It is curved in x as the network is, and linear in θ: a normal θ makes f_lin(x) normal, with covariance
J Σ J'. The derivatives by the parameters of layer l are those of backpropagation (see
:mod:`mbrl_teach.models.perceptron`), begun with one output at a time in place of the loss,

    df_k/dW_l = h_{l-1} δ_l',    df_k/db_l = δ_l,        δ_L = e_k,    δ_{l-1} = (W_l δ_l) ⊙ (1 - h_{l-1}²).

Where a single direction v = θ - θ* = (V_l, c_l) is asked, J v is cheaper forwards: with ḣ the derivative of h
along v,

    ȧ_l = ḣ_{l-1} W_l + h_{l-1} V_l + c_l,        ḣ_l = (1 - h_l²) ⊙ ȧ_l.

Source: Bishop, Pattern Recognition and Machine Learning (2006), sections 5.3 and 5.7.1; Immer, Korzepa &
Bauer, Improving predictions of Bayesian neural nets via local linearization (AISTATS 2021), section 3.
"""

from __future__ import annotations

import numpy as np

from mbrl_teach.models.perceptron import Perceptron


def parameter_jacobian(network: Perceptron, x: np.ndarray) -> np.ndarray:
    """J (N, p, P) of one network at inputs (N, d)."""
    activations = [x]
    for W, b in network.layers[:-1]:
        activations.append(np.tanh(activations[-1] @ W + b))
    N, p = len(x), network.sizes[-1]
    J = np.empty((N, p, network.parameters.shape[-1]))
    delta = np.broadcast_to(np.eye(p), (N, p, p))  # of sample and output, by what enters the layer's tanh
    for (W, _), (J_W, J_b) in zip(reversed(network.layers), reversed(network.views(J)), strict=True):
        h = activations.pop()
        J_W[...] = h[:, None, :, None] * delta[:, :, None, :]
        J_b[...] = delta[:, :, None, :]
        if activations:
            delta = (delta @ W.T) * (1.0 - h * h)[:, None, :]
    return J


def tangent(network: Perceptron, x: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """J(x) v (N, p) at inputs (N, d), along one direction v (P,)."""
    h, h_dot = x, np.zeros_like(x)
    for (W, b), (V, c) in zip(network.layers, network.views(direction), strict=True):
        a, a_dot = h @ W + b, h_dot @ W + h @ V + c
        h = np.tanh(a)
        h_dot = (1.0 - h * h) * a_dot
    return a_dot


def tangent_jacobian(network: Perceptron, x: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """d[J(x) v]/dx (N, p, d): each line of `tangent`, differentiated by x."""
    h, h_dot = x, np.zeros_like(x)
    h_x = np.broadcast_to(np.eye(x.shape[-1]), (*x.shape, x.shape[-1])).mT  # (N, d, k): rows are of x
    h_dot_x = np.zeros_like(h_x)
    for (W, b), (V, c) in zip(network.layers, network.views(direction), strict=True):
        a, a_dot = h @ W + b, h_dot @ W + h @ V + c
        a_x, a_dot_x = h_x @ W, h_dot_x @ W + h_x @ V
        h = np.tanh(a)
        slope = (1.0 - h * h)[:, None, :]
        h_dot = slope[:, 0] * a_dot
        h_x = slope * a_x
        h_dot_x = slope * a_dot_x - 2.0 * (h * a_dot)[:, None, :] * h_x
    return a_dot_x.mT
