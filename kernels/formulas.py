"""The activations on vectors: ``g(z, parameter)``, and ``g_backward(kept, da, parameter)``, which gives dz = da g'(z).

``kept`` is what the forward pass has left for the backward pass.  It is the output a where the derivative can be
had from it with an error of a few units in the last place of its greatest value, and z where it cannot: gelu,
silu and mish are not monotone, so two z have the same a.

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
==============  ===========================  ====================================  ======

Names, defaults and formulas are those of Keras 3.  NaN stays NaN, and at infinity is the limit.  Where a
derivative jumps, a kink has that of its flat or lower side.

Sources: I. Goodfellow, Y. Bengio, A. Courville, Deep Learning, 2016, 3.10 and 6.2 (relu, sigmoid, tanh, softplus);
A. Maas, A. Hannun, A. Ng, 2013 (leaky_relu); D.-A. Clevert, T. Unterthiner, S. Hochreiter, 2016 (elu);
G. Klambauer and others, 2017 (selu); A. Krizhevsky, 2010 (relu6); X. Glorot, Y. Bengio, 2010 (softsign);
D. Hendrycks, K. Gimpel, 2016 (gelu and silu); P. Ramachandran, B. Zoph, Q. Le, 2017 (silu as swish);
D. Misra, 2019 (mish); A. Howard and others, 2019 (hard_sigmoid).
"""

from __future__ import annotations

from math import pi, sqrt

from . import elementary
from ._jit import inline
from .elementary import exp, expm1, normal_density_and_tail
from .simd import absolute, constant, copysign, select

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
def _from_below(z, least):
    """max(z, least), NaN for NaN."""
    return select(z < least, least, z)


@inline
def _from_above(z, most):
    return select(z > most, most, z)


# ------------------------------------------------------------------------------------------------
# Straight pieces
# ------------------------------------------------------------------------------------------------

@inline
def relu(z, parameter):
    return select(z < 0.0, 0.0, z)


@inline
def relu_backward(a, da, parameter):
    # not "a > 0, else 0": that would turn a NaN into a gradient of 0
    return select(a <= 0.0, 0.0, da)


@inline
def relu6(z, parameter):
    return _from_above(relu(z, parameter), 6.0)


@inline
def relu6_backward(a, da, parameter):
    return select(a >= 6.0, 0.0, relu_backward(a, da, parameter))


@inline
def leaky_relu(z, slope):
    return select(z < 0.0, slope * z, z)


@inline
def leaky_relu_backward(a, da, slope):
    return select(a <= 0.0, slope * da, da)


@inline
def hard_sigmoid(z, parameter):
    return relu6(z + 3.0, parameter) / 6.0


@inline
def hard_sigmoid_backward(a, da, parameter):
    return select(a >= 1.0, 0.0, select(a <= 0.0, 0.0, da / 6.0))


@inline
def hard_tanh(z, parameter):
    return _from_above(_from_below(z, -1.0), 1.0)


@inline
def hard_tanh_backward(a, da, parameter):
    return select(absolute(a) >= 1.0, 0.0, da)


# ------------------------------------------------------------------------------------------------
# Smooth, with a derivative in terms of the output
# ------------------------------------------------------------------------------------------------

@inline
def elu(z, alpha):
    return select(z < 0.0, alpha * expm1(_from_below(z, -80.0)), z)


@inline
def elu_backward(a, da, alpha):
    return select(a <= 0.0, da * (a + alpha), da)


@inline
def selu(z, parameter):
    return SELU_SCALE * elu(z, SELU_ALPHA)


@inline
def selu_backward(a, da, parameter):
    return da * select(a <= 0.0, a + SELU_SCALE * SELU_ALPHA, SELU_SCALE)


@inline
def softplus(z, parameter):
    tail, _ = elementary.log1p_exp_and_sigmoid(z)
    return relu(z, parameter) + tail


@inline
def softplus_backward(a, da, parameter):
    return da * -expm1(-_from_above(a, 80.0))


@inline
def softsign(z, parameter):
    size = _from_above(absolute(z), 1e30)  # so that infinity gives 1
    return copysign(size / (1.0 + size), z)


@inline
def softsign_backward(a, da, parameter):
    left = 1.0 - absolute(a)
    return da * (left * left)


@inline
def exponential(z, parameter):
    return exp(z)


@inline
def exponential_backward(a, da, parameter):
    return da * a


@inline
def sigmoid(z, parameter):
    return elementary.sigmoid(z)


@inline
def sigmoid_backward(a, da, parameter):
    return da * (a * (1.0 - a))


@inline
def tanh(z, parameter):
    return elementary.tanh(z)


@inline
def tanh_backward(a, da, parameter):
    return da * (1.0 - a * a)


# ------------------------------------------------------------------------------------------------
# Not monotone: the derivative from z
# ------------------------------------------------------------------------------------------------

@inline
def _sigmoid_and_slope(x):
    """sigmoid(x) and its derivative, each to its last digits, from one exponential."""
    e = exp(-absolute(x))
    return select(x < 0.0, e, 1.0) / (1.0 + e), e / ((1.0 + e) * (1.0 + e))


@inline
def silu(z, parameter):
    z = _from_below(z, _exp_is_0(z))
    return z * elementary.sigmoid(z)


@inline
def silu_backward(z, da, parameter):
    z = _from_above(_from_below(z, _exp_is_0(z)), -_exp_is_0(z))
    s, slope = _sigmoid_and_slope(z)
    return da * (s + z * slope)


@inline
def mish(z, parameter):
    # tanh(ln(1 + w)) = ((1 + w)^2 - 1) / ((1 + w)^2 + 1), w = e^z
    w = exp(_from_above(z, _sigmoid_is_1(z)))
    n = w * (w + 2.0)
    return _from_below(z, _exp_is_0(z)) * (n / (n + 2.0))


@inline
def mish_backward(z, da, parameter):
    z = _from_above(_from_below(z, _exp_is_0(z)), _sigmoid_is_1(z))
    w = exp(z)
    n = w * (w + 2.0)
    # (1 - t^2) sigmoid(z) = 4 w (1 + w) / (n + 2)^2
    return da * (n / (n + 2.0) + z * (4.0 * w * (1.0 + w)) / ((n + 2.0) * (n + 2.0)))


@inline
def gelu(z, parameter):
    """Exact: the distribution of the normal law comes from its tail, so that small results keep their digits."""
    size = absolute(z)
    _, tail = normal_density_and_tail(size)
    return select(z < 0.0, _from_below(z, -40.0) * tail, z * (1.0 - tail))


@inline
def gelu_backward(z, da, parameter):
    z = _from_above(_from_below(z, -40.0), 40.0)
    bell, tail = normal_density_and_tail(absolute(z))
    return da * (select(z < 0.0, tail, 1.0 - tail) + z * bell * _DENSITY_AT_0)


@inline
def gelu_tanh(z, parameter):
    """0.5 z (1 + tanh u) = z sigmoid(2 u), u = sqrt(2/pi) (z + 0.044715 z^3)."""
    x = _from_above(_from_below(z, -30.0), 30.0)
    s = elementary.sigmoid(_GELU_RATE * x * (1.0 + _GELU_CUBE * (x * x)))
    return _from_below(z, -30.0) * s


@inline
def gelu_tanh_backward(z, da, parameter):
    z = _from_above(_from_below(z, -30.0), 30.0)
    square = z * z
    s, slope = _sigmoid_and_slope(_GELU_RATE * z * (1.0 + _GELU_CUBE * square))
    return da * (s + z * slope * (_GELU_RATE * (1.0 + 3.0 * _GELU_CUBE * square)))
