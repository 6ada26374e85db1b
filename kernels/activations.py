"""Activations on slabs of (rows, P): forward from Z to A, backward in place from dA to dZ.

Forward ``g(Z, A, rows, parameter)`` writes A, which may be the same memory as Z.  Backward
``g_backward(kept, dA, rows, parameter)`` gets in `kept` the output A, or Z if `FUNCTIONS` says so; dA holds dZ on exit.
The formulas are in `formulas`; ``parameter`` is the one number that some of them have.

softmax is the one that is not element by element: A = e^Z_i / sum e^Z_j,  dZ = A (dA - sum_j dA_j A_j).
Source: I. Goodfellow, Y. Bengio, A. Courville, Deep Learning, 2016, 6.2.2.3.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from . import formulas
from ._jit import COUNT, NUMBER, NUMBERS, helper, inline, part
from .elementary import exp
from .matmul import slab_width
from .simd import fma, lanes, load, select, splat, store

_FORWARD = _BACKWARD = NUMBERS, NUMBERS, COUNT, NUMBER


@inline
def _forward(formula, Z, A, rows, parameter):
    for i in range(0, rows * slab_width(A), lanes(A)):
        store(formula(load(Z + i), parameter), A + i)


@inline
def _backward(formula, kept, dA, rows, parameter):
    for i in range(0, rows * slab_width(dA), lanes(dA)):
        store(formula(load(kept + i), load(dA + i), parameter), dA + i)


@part(*_FORWARD)
def relu(Z, A, rows, parameter):
    _forward(formulas.relu, Z, A, rows, parameter)


@part(*_BACKWARD)
def relu_backward(A, dA, rows, parameter):
    _backward(formulas.relu_backward, A, dA, rows, parameter)


@part(*_FORWARD)
def relu6(Z, A, rows, parameter):
    _forward(formulas.relu6, Z, A, rows, parameter)


@part(*_BACKWARD)
def relu6_backward(A, dA, rows, parameter):
    _backward(formulas.relu6_backward, A, dA, rows, parameter)


@part(*_FORWARD)
def leaky_relu(Z, A, rows, slope):
    _forward(formulas.leaky_relu, Z, A, rows, slope)


@part(*_BACKWARD)
def leaky_relu_backward(A, dA, rows, slope):
    _backward(formulas.leaky_relu_backward, A, dA, rows, slope)


@part(*_FORWARD)
def elu(Z, A, rows, alpha):
    _forward(formulas.elu, Z, A, rows, alpha)


@part(*_BACKWARD)
def elu_backward(A, dA, rows, alpha):
    _backward(formulas.elu_backward, A, dA, rows, alpha)


@part(*_FORWARD)
def selu(Z, A, rows, parameter):
    _forward(formulas.selu, Z, A, rows, parameter)


@part(*_BACKWARD)
def selu_backward(A, dA, rows, parameter):
    _backward(formulas.selu_backward, A, dA, rows, parameter)


@part(*_FORWARD)
def softplus(Z, A, rows, parameter):
    _forward(formulas.softplus, Z, A, rows, parameter)


@part(*_BACKWARD)
def softplus_backward(A, dA, rows, parameter):
    _backward(formulas.softplus_backward, A, dA, rows, parameter)


@part(*_FORWARD)
def softsign(Z, A, rows, parameter):
    _forward(formulas.softsign, Z, A, rows, parameter)


@part(*_BACKWARD)
def softsign_backward(A, dA, rows, parameter):
    _backward(formulas.softsign_backward, A, dA, rows, parameter)


@part(*_FORWARD)
def exponential(Z, A, rows, parameter):
    _forward(formulas.exponential, Z, A, rows, parameter)


@part(*_BACKWARD)
def exponential_backward(A, dA, rows, parameter):
    _backward(formulas.exponential_backward, A, dA, rows, parameter)


@part(*_FORWARD)
def sigmoid(Z, A, rows, parameter):
    _forward(formulas.sigmoid, Z, A, rows, parameter)


@part(*_BACKWARD)
def sigmoid_backward(A, dA, rows, parameter):
    _backward(formulas.sigmoid_backward, A, dA, rows, parameter)


@part(*_FORWARD)
def hard_sigmoid(Z, A, rows, parameter):
    _forward(formulas.hard_sigmoid, Z, A, rows, parameter)


@part(*_BACKWARD)
def hard_sigmoid_backward(A, dA, rows, parameter):
    _backward(formulas.hard_sigmoid_backward, A, dA, rows, parameter)


@part(*_FORWARD)
def tanh(Z, A, rows, parameter):
    _forward(formulas.tanh, Z, A, rows, parameter)


@part(*_BACKWARD)
def tanh_backward(A, dA, rows, parameter):
    _backward(formulas.tanh_backward, A, dA, rows, parameter)


@part(*_FORWARD)
def hard_tanh(Z, A, rows, parameter):
    _forward(formulas.hard_tanh, Z, A, rows, parameter)


@part(*_BACKWARD)
def hard_tanh_backward(A, dA, rows, parameter):
    _backward(formulas.hard_tanh_backward, A, dA, rows, parameter)


@part(*_FORWARD)
def silu(Z, A, rows, parameter):
    _forward(formulas.silu, Z, A, rows, parameter)


@part(*_BACKWARD)
def silu_backward(Z, dA, rows, parameter):
    _backward(formulas.silu_backward, Z, dA, rows, parameter)


@part(*_FORWARD)
def mish(Z, A, rows, parameter):
    _forward(formulas.mish, Z, A, rows, parameter)


@part(*_BACKWARD)
def mish_backward(Z, dA, rows, parameter):
    _backward(formulas.mish_backward, Z, dA, rows, parameter)


@part(*_FORWARD)
def gelu(Z, A, rows, approximate):
    if approximate != 0.0:
        _forward(formulas.gelu_tanh, Z, A, rows, approximate)
    else:
        _forward(formulas.gelu, Z, A, rows, approximate)


@part(*_BACKWARD)
def gelu_backward(Z, dA, rows, approximate):
    if approximate != 0.0:
        _backward(formulas.gelu_tanh_backward, Z, dA, rows, approximate)
    else:
        _backward(formulas.gelu_backward, Z, dA, rows, approximate)


@part(*_FORWARD)
def softmax(Z, A, rows, parameter):
    P = slab_width(A)
    for j in range(0, P, lanes(A)):
        highest = splat(-np.inf, A)
        for i in range(j, rows * P, P):
            z = load(Z + i)
            highest = select(z > highest, z, highest)
        scale = splat(0.0, A)
        for i in range(j, rows * P, P):
            e = exp(load(Z + i) - highest)
            store(e, A + i)
            scale = scale + e
        for i in range(j, rows * P, P):
            store(load(A + i) / scale, A + i)


@part(*_BACKWARD)
def softmax_backward(A, dA, rows, parameter):
    P = slab_width(A)
    for j in range(0, P, lanes(A)):
        inner = splat(0.0, A)
        for i in range(j, rows * P, P):
            inner = fma(load(A + i), load(dA + i), inner)
        for i in range(j, rows * P, P):
            store(load(A + i) * (load(dA + i) - inner), dA + i)


class Function(NamedTuple):
    """The parts of one activation, None where there is nothing to do, and what they need."""

    forward: Any
    backward: Any
    parameter: float = 0.0
    """Its default."""
    keeps_Z: bool = False
    """Whether the backward part reads Z, not A."""


FUNCTIONS = {
    "linear": Function(None, None),
    "relu": Function(relu, relu_backward),
    "relu6": Function(relu6, relu6_backward),
    "leaky_relu": Function(leaky_relu, leaky_relu_backward, parameter=0.2),
    "elu": Function(elu, elu_backward, parameter=1.0),
    "selu": Function(selu, selu_backward),
    "softplus": Function(softplus, softplus_backward),
    "softsign": Function(softsign, softsign_backward),
    "exponential": Function(exponential, exponential_backward),
    "sigmoid": Function(sigmoid, sigmoid_backward),
    "hard_sigmoid": Function(hard_sigmoid, hard_sigmoid_backward),
    "tanh": Function(tanh, tanh_backward),
    "hard_tanh": Function(hard_tanh, hard_tanh_backward),
    "gelu": Function(gelu, gelu_backward, keeps_Z=True),
    "silu": Function(silu, silu_backward, keeps_Z=True),
    "mish": Function(mish, mish_backward, keeps_Z=True),
    "softmax": Function(softmax, softmax_backward),
}


# ------------------------------------------------------------------------------------------------
# By code, for the kernels of one layer: few, because they are all compiled into each of them
# ------------------------------------------------------------------------------------------------

LINEAR, RELU, LEAKY_RELU, SIGMOID, TANH, SOFTMAX = range(6)

ACTIVATIONS = {"linear": LINEAR, "relu": RELU, "leaky_relu": LEAKY_RELU, "sigmoid": SIGMOID, "tanh": TANH,
               "softmax": SOFTMAX}
_SLOPE = FUNCTIONS["leaky_relu"].parameter


@helper
def activate(activation, A, rows):
    """Forward of the activation with this code, in place."""
    if activation == RELU:
        relu(A, A, rows, 0.0)
    elif activation == LEAKY_RELU:
        leaky_relu(A, A, rows, _SLOPE)
    elif activation == SIGMOID:
        sigmoid(A, A, rows, 0.0)
    elif activation == TANH:
        tanh(A, A, rows, 0.0)
    elif activation == SOFTMAX:
        softmax(A, A, rows, 0.0)


@helper
def activate_backward(activation, A, dA, rows):
    """Backward of the activation with this code."""
    if activation == RELU:
        relu_backward(A, dA, rows, 0.0)
    elif activation == LEAKY_RELU:
        leaky_relu_backward(A, dA, rows, _SLOPE)
    elif activation == SIGMOID:
        sigmoid_backward(A, dA, rows, 0.0)
    elif activation == TANH:
        tanh_backward(A, dA, rows, 0.0)
    elif activation == SOFTMAX:
        softmax_backward(A, dA, rows, 0.0)
