"""Parts made of functions of the user: an activation from g(z), losses and metrics from l(a, y), and their derivatives.

A function that `formula` can compile for vectors works on a register of samples at a time, any other on one number
after the other.  A derivative that is not given is the central difference

    f'(x) = (f(x + h) - f(x - h)) / 2 h,    h = e^(1/3) max(1, |x|),    e = 2.2e-16,

in float64, also in networks of float32.  Of a smooth f its error is h^2 f'''(x) / 6 from the difference, and e f(x) / h
from the rounding of f: near 1, some 1e-11, where float32 rounds at 6e-8.  Within h of a kink it is between the slopes
of the two sides.
"""

from __future__ import annotations

import functools
from typing import Any

import numba
import numpy as np
from numba import types

from ._jit import inline, user_part
from .activations import BACKWARD, FORWARD, Function
from .formula import as_vector, compiles, formula
from .matmul import slab_width
from .simd import Vector, lanes, lanes_of_float64, load, load_float64, store, store_float64

STEP = float(np.cbrt(np.finfo(np.float64).eps))
"""h of the central difference at |x| <= 1: there both errors are small."""


@functools.cache
def activation(function: Any, derivative: Any, of_output: bool, dtype: np.dtype) -> Function:
    """The parts of an activation g(z).

    The derivative takes z, or a = g(z) where `of_output` says so; None is the central difference.
    """
    vector, wide = Vector(numba.from_dtype(dtype)), Vector(types.float64)
    g = formula(function)
    forward = _forward(g) if compiles(g, vector) else _forward_by_numbers(g)
    if derivative is None:
        slope = _central_difference(g)
        backward = _backward_in_float64(slope) if compiles(slope, wide) else _backward_by_numbers(slope)
    else:
        slope = formula(derivative)
        backward = _backward(slope) if compiles(slope, vector) else _backward_by_numbers(slope)
    return Function(forward, backward, keeps_Z=not of_output)


def _central_difference(g: Any) -> Any:
    @inline
    def slope(z):
        x = 1.0 * z  # a float64, if z is a number
        h = STEP * max(1.0, abs(x))
        above, below = x + h, x - h
        return (g(above) - g(below)) / (above - below)
    return slope


def _forward(g: Any) -> Any:
    @user_part(*FORWARD)
    def forward(Z, A, rows, parameter):
        for i in range(0, rows * slab_width(A), lanes(A)):
            store(as_vector(g(load(Z + i)), A), A + i)
    return forward


def _forward_by_numbers(g: Any) -> Any:
    @user_part(*FORWARD)
    def forward(Z, A, rows, parameter):
        for i in range(rows * slab_width(A)):
            A[i] = g(Z[i])
    return forward


def _backward(slope: Any) -> Any:
    @user_part(*BACKWARD)
    def backward(kept, dA, rows, parameter):
        for i in range(0, rows * slab_width(dA), lanes(dA)):
            store(load(dA + i) * as_vector(slope(load(kept + i)), dA), dA + i)
    return backward


def _backward_in_float64(slope: Any) -> Any:
    @user_part(*BACKWARD)
    def backward(kept, dA, rows, parameter):
        for i in range(0, rows * slab_width(dA), lanes_of_float64()):
            store_float64(load_float64(dA + i) * slope(load_float64(kept + i)), dA + i)
    return backward


def _backward_by_numbers(slope: Any) -> Any:
    @user_part(*BACKWARD)
    def backward(kept, dA, rows, parameter):
        for i in range(rows * slab_width(dA)):
            dA[i] = dA[i] * slope(kept[i])
    return backward
