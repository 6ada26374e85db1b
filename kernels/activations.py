"""Activations on a panel (rows, P): forward in place from Z to A, backward in place from dA to dZ.

Backward works from the output A, not from Z: sigmoid, tanh and softmax have their derivative in terms of it,
and the two ReLUs need only its sign.  So Z is never kept, and forward may overwrite it.

Forward ``g(A, rows)``: A holds Z on entry.  Backward ``g_backward(A, dA, rows)``: dA holds dZ on exit.
NaN stays NaN in all of them.

================  =======================  ==========================
name              A = g(Z)                 dZ
================  =======================  ==========================
linear            Z                        dA
relu              max(Z, 0)                dA where A > 0, else 0
leaky_relu        Z where Z > 0, else 0.2 Z  dA where A > 0, else 0.2 dA
sigmoid           1 / (1 + e^-Z)           dA A (1 - A)
tanh              tanh Z                   dA (1 - A^2)
softmax           e^Z_i / sum e^Z_j        A (dA - sum_j dA_j A_j)
================  =======================  ==========================

Source: I. Goodfellow, Y. Bengio, A. Courville, Deep Learning, 2016, chapters 3.10 and 6.2; names and the slope
of leaky_relu as in Keras 3.
"""

from __future__ import annotations

import numpy as np

from . import elementary
from ._jit import COUNT, NUMBERS, helper, part
from .elementary import exp
from .matmul import slab_width
from .simd import fma, lanes, load, select, splat, store

LINEAR, RELU, LEAKY_RELU, SIGMOID, TANH, SOFTMAX = range(6)

NEGATIVE_SLOPE = 0.2


@part(NUMBERS, COUNT)
def relu(A, rows):
    for i in range(0, rows * slab_width(A), lanes(A)):
        z = load(A + i)
        store(select(z < 0.0, 0.0, z), A + i)


@part(NUMBERS, NUMBERS, COUNT)
def relu_backward(A, dA, rows):
    for i in range(0, rows * slab_width(A), lanes(A)):
        # not "A > 0, else 0": that would turn a NaN into a gradient of 0
        store(select(load(A + i) <= 0.0, 0.0, load(dA + i)), dA + i)


@part(NUMBERS, COUNT)
def leaky_relu(A, rows):
    for i in range(0, rows * slab_width(A), lanes(A)):
        z = load(A + i)
        store(select(z < 0.0, NEGATIVE_SLOPE * z, z), A + i)


@part(NUMBERS, NUMBERS, COUNT)
def leaky_relu_backward(A, dA, rows):
    for i in range(0, rows * slab_width(A), lanes(A)):
        da = load(dA + i)
        store(select(load(A + i) <= 0.0, NEGATIVE_SLOPE * da, da), dA + i)


@part(NUMBERS, COUNT)
def sigmoid(A, rows):
    for i in range(0, rows * slab_width(A), lanes(A)):
        store(elementary.sigmoid(load(A + i)), A + i)


@part(NUMBERS, NUMBERS, COUNT)
def sigmoid_backward(A, dA, rows):
    for i in range(0, rows * slab_width(A), lanes(A)):
        a = load(A + i)
        store(load(dA + i) * (a * (1.0 - a)), dA + i)


@part(NUMBERS, COUNT)
def tanh(A, rows):
    for i in range(0, rows * slab_width(A), lanes(A)):
        store(elementary.tanh(load(A + i)), A + i)


@part(NUMBERS, NUMBERS, COUNT)
def tanh_backward(A, dA, rows):
    for i in range(0, rows * slab_width(A), lanes(A)):
        a = load(A + i)
        store(load(dA + i) * (1.0 - a * a), dA + i)


@part(NUMBERS, COUNT)
def softmax(A, rows):
    P = slab_width(A)
    for j in range(0, P, lanes(A)):
        highest = splat(-np.inf, A)
        for i in range(j, rows * P, P):
            z = load(A + i)
            highest = select(z > highest, z, highest)
        scale = splat(0.0, A)
        for i in range(j, rows * P, P):
            e = exp(load(A + i) - highest)
            store(e, A + i)
            scale = scale + e
        for i in range(j, rows * P, P):
            store(load(A + i) / scale, A + i)


@part(NUMBERS, NUMBERS, COUNT)
def softmax_backward(A, dA, rows):
    P = slab_width(A)
    for j in range(0, P, lanes(A)):
        inner = splat(0.0, A)
        for i in range(j, rows * P, P):
            inner = fma(load(A + i), load(dA + i), inner)
        for i in range(j, rows * P, P):
            store(load(A + i) * (load(dA + i) - inner), dA + i)


FUNCTIONS = {
    LINEAR: (None, None),
    RELU: (relu, relu_backward),
    LEAKY_RELU: (leaky_relu, leaky_relu_backward),
    SIGMOID: (sigmoid, sigmoid_backward),
    TANH: (tanh, tanh_backward),
    SOFTMAX: (softmax, softmax_backward),
}

ACTIVATIONS = {"linear": LINEAR, "relu": RELU, "leaky_relu": LEAKY_RELU, "sigmoid": SIGMOID, "tanh": TANH,
               "softmax": SOFTMAX}


@helper
def activate(activation, A, rows):
    """Forward of the activation with this code."""
    if activation == RELU:
        relu(A, rows)
    elif activation == LEAKY_RELU:
        leaky_relu(A, rows)
    elif activation == SIGMOID:
        sigmoid(A, rows)
    elif activation == TANH:
        tanh(A, rows)
    elif activation == SOFTMAX:
        softmax(A, rows)


@helper
def activate_backward(activation, A, dA, rows):
    """Backward of the activation with this code."""
    if activation == RELU:
        relu_backward(A, dA, rows)
    elif activation == LEAKY_RELU:
        leaky_relu_backward(A, dA, rows)
    elif activation == SIGMOID:
        sigmoid_backward(A, dA, rows)
    elif activation == TANH:
        tanh_backward(A, dA, rows)
    elif activation == SOFTMAX:
        softmax_backward(A, dA, rows)
