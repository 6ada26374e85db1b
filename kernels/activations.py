"""Activations on slabs of (rows, P): forward from Z to A, backward in place from dA to dZ.

Forward ``g(Z, A, rows, parameter)`` writes A, which may be the same memory as Z.  Backward
``g_backward(kept, dA, rows, parameter)`` gets in `kept` what the forward pass has left for it; dA holds dZ on exit.
That is the output A where the derivative can be had from it with an error of a few units in the last place of its
greatest value, so that Z need not be kept; and Z where it cannot: gelu, silu and mish are not monotone, so two z have
the same a.  ``parameter`` is the one number that some of them have: s, alpha or, for gelu, whether to approximate.

==============  ===========================  ====================================  ======
name            a = g(z)                     dz / da                               kept
==============  ===========================  ====================================  ======
relu            max(z, 0)                    1 where a > 0, else 0                 a
relu6           min(max(z, 0), 6)            1 where 0 < a < 6, else 0             a
leaky_relu      z where z > 0, else s z      1 where a > 0, else s                 a
elu             z where z > 0,               1 where a > 0, else a + alpha         a
                else alpha (e^z - 1)
selu            l z where z > 0,             l where a > 0, else a + l alpha       a
                else l alpha (e^z - 1)
softplus        ln(1 + e^z)                  1 - e^-a                              a
softsign        z / (1 + |z|)                (1 - |a|)^2                           a
exponential     e^z                          a                                     a
sigmoid         1 / (1 + e^-z)               a (1 - a)                             a
hard_sigmoid    min(max(z + 3, 0), 6) / 6    1/6 where 0 < a < 1, else 0           a
tanh            tanh z                       1 - a^2                               a
hard_tanh       min(max(z, -1), 1)           1 where -1 < a < 1, else 0            a
gelu            z Phi(z), or its             Phi(z) + z Phi'(z)                    z
                approximation by tanh
silu            z sigmoid(z)                 sigmoid(z) (1 + z (1 - sigmoid(z)))   z
mish            z tanh(softplus(z))          t + z (1 - t^2) sigmoid(z),           z
                                             t = tanh(softplus(z))
softmax         e^z_i / sum_j e^z_j          dz = a (da - sum_j da_j a_j)          a
==============  ===========================  ====================================  ======

Names, defaults and formulas are those of Keras 3.  NaN stays NaN, and at infinity is the limit.  The derivative at
a kink is 0 if one side is flat, else that of the left.

Sources: I. Goodfellow, Y. Bengio, A. Courville, Deep Learning, 2016, 3.10 and 6.2 (relu, sigmoid, tanh, softplus,
softmax); A. Maas, A. Hannun, A. Ng, 2013 (leaky_relu); D.-A. Clevert, T. Unterthiner, S. Hochreiter, 2016 (elu);
G. Klambauer and others, 2017 (selu); A. Krizhevsky, 2010 (relu6); X. Glorot, Y. Bengio, 2010 (softsign);
D. Hendrycks, K. Gimpel, 2016 (gelu and silu); P. Ramachandran, B. Zoph, Q. Le, 2017 (silu as swish);
D. Misra, 2019 (mish); A. Howard and others, 2019 (hard_sigmoid).
"""

from __future__ import annotations

from math import pi, sqrt
from typing import Any, NamedTuple

import numpy as np

from . import elementary
from ._jit import COUNT, NUMBER, NUMBERS, helper, inline, part
from .elementary import exp, expm1, log1p_exp_and_sigmoid, normal_density_and_tail
from .matmul import slab_width
from .simd import absolute, apart, constant, copysign, fma, lanes, load, select, splat, store

FORWARD = BACKWARD = NUMBERS, NUMBERS, COUNT, NUMBER

SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805

_GELU_CUBE = 0.044715
_GELU_RATE = 2.0 * sqrt(2.0 / pi)
_DENSITY_AT_0 = 1.0 / sqrt(2.0 * pi)

# e^z is 0 below; a product with z would be infinity times 0 at -infinity
_exp_is_0 = constant(-110.0, -760.0)
# 1 + e^-z is 1 above, and 2 + e^z (e^z + 2), squared, is far from overflow
_sigmoid_is_1 = constant(20.0, 40.0)


@inline
def _at_least(z, least):
    """max(z, least), NaN for NaN."""
    return select(z < least, least, z)


@inline
def _at_most(z, most):
    """min(z, most), NaN for NaN."""
    return select(z > most, most, z)


# ------------------------------------------------------------------------------------------------
# Straight pieces
# ------------------------------------------------------------------------------------------------

@part(*FORWARD)
def relu(Z, A, rows, parameter):
    for i in range(0, rows * slab_width(A), lanes(A)):
        z = load(Z + i)
        store(select(z < 0.0, 0.0, z), A + i)


@part(*BACKWARD)
def relu_backward(A, dA, rows, parameter):
    before = apart(dA)
    for i in range(0, rows * slab_width(dA), lanes(dA)):
        # not "A > 0, else 0": that would turn a NaN into a gradient of 0
        store(select(load(A + i) <= 0.0, 0.0, load(before + i)), dA + i)


@part(*FORWARD)
def relu6(Z, A, rows, parameter):
    for i in range(0, rows * slab_width(A), lanes(A)):
        z = load(Z + i)
        store(select(z < 0.0, 0.0, select(z > 6.0, 6.0, z)), A + i)


@part(*BACKWARD)
def relu6_backward(A, dA, rows, parameter):
    before = apart(dA)
    for i in range(0, rows * slab_width(dA), lanes(dA)):
        a = load(A + i)
        store(select(a <= 0.0, 0.0, select(a >= 6.0, 0.0, load(before + i))), dA + i)


@part(*FORWARD)
def leaky_relu(Z, A, rows, slope):
    for i in range(0, rows * slab_width(A), lanes(A)):
        z = load(Z + i)
        store(select(z < 0.0, slope * z, z), A + i)


@part(*BACKWARD)
def leaky_relu_backward(A, dA, rows, slope):
    before = apart(dA)
    for i in range(0, rows * slab_width(dA), lanes(dA)):
        da = load(before + i)
        store(select(load(A + i) <= 0.0, slope * da, da), dA + i)


@part(*FORWARD)
def hard_sigmoid(Z, A, rows, parameter):
    for i in range(0, rows * slab_width(A), lanes(A)):
        z = load(Z + i) + 3.0
        store(select(z < 0.0, 0.0, select(z > 6.0, 6.0, z)) / 6.0, A + i)


@part(*BACKWARD)
def hard_sigmoid_backward(A, dA, rows, parameter):
    for i in range(0, rows * slab_width(dA), lanes(dA)):
        a = load(A + i)
        store(select(a <= 0.0, 0.0, select(a >= 1.0, 0.0, load(dA + i) / 6.0)), dA + i)


@part(*FORWARD)
def hard_tanh(Z, A, rows, parameter):
    for i in range(0, rows * slab_width(A), lanes(A)):
        z = load(Z + i)
        store(select(z < -1.0, -1.0, select(z > 1.0, 1.0, z)), A + i)


@part(*BACKWARD)
def hard_tanh_backward(A, dA, rows, parameter):
    before = apart(dA)
    for i in range(0, rows * slab_width(dA), lanes(dA)):
        store(select(absolute(load(A + i)) >= 1.0, 0.0, load(before + i)), dA + i)


# ------------------------------------------------------------------------------------------------
# Smooth, with a derivative in terms of the output
# ------------------------------------------------------------------------------------------------

@part(*FORWARD)
def elu(Z, A, rows, alpha):
    for i in range(0, rows * slab_width(A), lanes(A)):
        z = load(Z + i)
        store(select(z < 0.0, alpha * expm1(_at_least(z, -80.0)), z), A + i)


@part(*BACKWARD)
def elu_backward(A, dA, rows, alpha):
    before = apart(dA)
    for i in range(0, rows * slab_width(dA), lanes(dA)):
        a, da = load(A + i), load(before + i)
        store(select(a <= 0.0, da * (a + alpha), da), dA + i)


@part(*FORWARD)
def selu(Z, A, rows, parameter):
    for i in range(0, rows * slab_width(A), lanes(A)):
        z = load(Z + i)
        store(SELU_SCALE * select(z < 0.0, SELU_ALPHA * expm1(_at_least(z, -80.0)), z), A + i)


@part(*BACKWARD)
def selu_backward(A, dA, rows, parameter):
    for i in range(0, rows * slab_width(dA), lanes(dA)):
        a = load(A + i)
        store(load(dA + i) * select(a <= 0.0, a + SELU_SCALE * SELU_ALPHA, SELU_SCALE), dA + i)


@part(*FORWARD)
def softplus(Z, A, rows, parameter):
    for i in range(0, rows * slab_width(A), lanes(A)):
        z = load(Z + i)
        tail, _ = log1p_exp_and_sigmoid(z)
        store(select(z < 0.0, 0.0, z) + tail, A + i)


@part(*BACKWARD)
def softplus_backward(A, dA, rows, parameter):
    for i in range(0, rows * slab_width(dA), lanes(dA)):
        store(load(dA + i) * -expm1(-_at_most(load(A + i), 80.0)), dA + i)


@part(*FORWARD)
def softsign(Z, A, rows, parameter):
    for i in range(0, rows * slab_width(A), lanes(A)):
        z = load(Z + i)
        size = _at_most(absolute(z), 1e30)  # so that infinity gives 1
        store(copysign(size / (1.0 + size), z), A + i)


@part(*BACKWARD)
def softsign_backward(A, dA, rows, parameter):
    for i in range(0, rows * slab_width(dA), lanes(dA)):
        left = 1.0 - absolute(load(A + i))
        store(load(dA + i) * (left * left), dA + i)


@part(*FORWARD)
def exponential(Z, A, rows, parameter):
    for i in range(0, rows * slab_width(A), lanes(A)):
        store(exp(load(Z + i)), A + i)


@part(*BACKWARD)
def exponential_backward(A, dA, rows, parameter):
    for i in range(0, rows * slab_width(dA), lanes(dA)):
        store(load(dA + i) * load(A + i), dA + i)


@part(*FORWARD)
def sigmoid(Z, A, rows, parameter):
    for i in range(0, rows * slab_width(A), lanes(A)):
        store(elementary.sigmoid(load(Z + i)), A + i)


@part(*BACKWARD)
def sigmoid_backward(A, dA, rows, parameter):
    for i in range(0, rows * slab_width(dA), lanes(dA)):
        a = load(A + i)
        store(load(dA + i) * (a * (1.0 - a)), dA + i)


@part(*FORWARD)
def tanh(Z, A, rows, parameter):
    for i in range(0, rows * slab_width(A), lanes(A)):
        store(elementary.tanh(load(Z + i)), A + i)


@part(*BACKWARD)
def tanh_backward(A, dA, rows, parameter):
    for i in range(0, rows * slab_width(dA), lanes(dA)):
        a = load(A + i)
        store(load(dA + i) * (1.0 - a * a), dA + i)


# ------------------------------------------------------------------------------------------------
# Not monotone: the derivative from Z
# ------------------------------------------------------------------------------------------------

@inline
def _sigmoid_and_slope(x):
    """sigmoid(x) and its derivative, each to its last digits, from one exponential."""
    e = exp(-absolute(x))
    return select(x < 0.0, e, 1.0) / (1.0 + e), e / ((1.0 + e) * (1.0 + e))


@part(*FORWARD)
def silu(Z, A, rows, parameter):
    for i in range(0, rows * slab_width(A), lanes(A)):
        z = _at_least(load(Z + i), _exp_is_0(load(Z + i)))
        store(z * elementary.sigmoid(z), A + i)


@part(*BACKWARD)
def silu_backward(Z, dA, rows, parameter):
    for i in range(0, rows * slab_width(dA), lanes(dA)):
        z = load(Z + i)
        z = _at_most(_at_least(z, _exp_is_0(z)), -_exp_is_0(z))
        s, slope = _sigmoid_and_slope(z)
        store(load(dA + i) * (s + z * slope), dA + i)


@part(*FORWARD)
def mish(Z, A, rows, parameter):
    for i in range(0, rows * slab_width(A), lanes(A)):
        z = load(Z + i)
        # tanh(ln(1 + w)) = ((1 + w)^2 - 1) / ((1 + w)^2 + 1), w = e^z
        w = exp(_at_most(z, _sigmoid_is_1(z)))
        n = w * (w + 2.0)
        store(_at_least(z, _exp_is_0(z)) * (n / (n + 2.0)), A + i)


@part(*BACKWARD)
def mish_backward(Z, dA, rows, parameter):
    for i in range(0, rows * slab_width(dA), lanes(dA)):
        z = load(Z + i)
        z = _at_most(_at_least(z, _exp_is_0(z)), _sigmoid_is_1(z))
        w = exp(z)
        n = w * (w + 2.0)
        # (1 - t^2) sigmoid(z) = 4 w (1 + w) / (n + 2)^2
        store(load(dA + i) * (n / (n + 2.0) + z * (4.0 * w * (1.0 + w)) / ((n + 2.0) * (n + 2.0))), dA + i)


@part(*FORWARD)
def gelu(Z, A, rows, approximate):
    """z Phi(z), Phi from its tail, so that small results keep their digits; or, approximately,

    0.5 z (1 + tanh u) = z sigmoid(2 u), u = sqrt(2/pi) (z + 0.044715 z^3).
    """
    if approximate != 0.0:
        for i in range(0, rows * slab_width(A), lanes(A)):
            z = _at_least(load(Z + i), -30.0)
            x = _at_most(z, 30.0)
            store(z * elementary.sigmoid(_GELU_RATE * x * (1.0 + _GELU_CUBE * (x * x))), A + i)
    else:
        for i in range(0, rows * slab_width(A), lanes(A)):
            z = _at_least(load(Z + i), -40.0)
            _, tail = normal_density_and_tail(absolute(z))
            store(z * select(z < 0.0, tail, 1.0 - tail), A + i)


@part(*BACKWARD)
def gelu_backward(Z, dA, rows, approximate):
    if approximate != 0.0:
        for i in range(0, rows * slab_width(dA), lanes(dA)):
            z = _at_most(_at_least(load(Z + i), -30.0), 30.0)
            square = z * z
            s, slope = _sigmoid_and_slope(_GELU_RATE * z * (1.0 + _GELU_CUBE * square))
            rate = _GELU_RATE * (1.0 + 3.0 * _GELU_CUBE * square)
            store(load(dA + i) * (s + z * slope * rate), dA + i)
    else:
        for i in range(0, rows * slab_width(dA), lanes(dA)):
            z = _at_most(_at_least(load(Z + i), -40.0), 40.0)
            bell, tail = normal_density_and_tail(absolute(z))
            store(load(dA + i) * (select(z < 0.0, tail, 1.0 - tail) + z * bell * _DENSITY_AT_0), dA + i)


# ------------------------------------------------------------------------------------------------
# Not element by element
# ------------------------------------------------------------------------------------------------

@part(*FORWARD)
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


@part(*BACKWARD)
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
    parametric: bool = False
    """Whether there is one."""
    keeps_Z: bool = False
    """Whether the backward part reads Z, not A."""


FUNCTIONS = {
    "linear": Function(None, None),
    "relu": Function(relu, relu_backward),
    "relu6": Function(relu6, relu6_backward),
    "leaky_relu": Function(leaky_relu, leaky_relu_backward, parameter=0.2, parametric=True),
    "elu": Function(elu, elu_backward, parameter=1.0, parametric=True),
    "selu": Function(selu, selu_backward),
    "softplus": Function(softplus, softplus_backward),
    "softsign": Function(softsign, softsign_backward),
    "exponential": Function(exponential, exponential_backward),
    "sigmoid": Function(sigmoid, sigmoid_backward),
    "hard_sigmoid": Function(hard_sigmoid, hard_sigmoid_backward),
    "tanh": Function(tanh, tanh_backward),
    "hard_tanh": Function(hard_tanh, hard_tanh_backward),
    "gelu": Function(gelu, gelu_backward, parametric=True, keeps_Z=True),
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
