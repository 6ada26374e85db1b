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
from .losses import LOSS, METRIC, _metric_over_outputs, _over_outputs
from .matmul import slab_width
from .simd import Vector, lanes, lanes_of_float64, load, load_float64, select, store, store_float64

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


@functools.cache
def loss(function: Any, derivative: Any, dtype: np.dtype) -> Any:
    """The part of a loss l(a, y) of every output, its mean over the outputs; the derivative is dl/da, as above."""
    vectors, wide = [Vector(numba.from_dtype(dtype))] * 2, [Vector(types.float64)] * 2
    l = formula(function)
    if derivative is None:
        slope = _central_difference_of_loss(l)
        fast = compiles(l, *vectors) and compiles(slope, *wide)
        return _loss_in_float64(l, slope) if fast else _loss_by_numbers(l, slope)
    slope = formula(derivative)
    return _loss(l, slope) if compiles(l, *vectors) and compiles(slope, *vectors) else _loss_by_numbers(l, slope)


@functools.cache
def metric(function: Any, dtype: np.dtype) -> Any:
    """The part of a metric m(a, y) of every output, its mean over the outputs."""
    m = formula(function)
    return _metric(m) if compiles(m, *[Vector(numba.from_dtype(dtype))] * 2) else _metric_by_numbers(m)


def _or_nan(function: Any) -> Any:
    """The function, and NaN where it raises by itself, as an index beyond a tuple does.

    A part has nobody to give an error to: it would end there, with the other numbers not written.
    """
    @inline
    def value(*numbers):
        try:
            result = 1.0 * function(*numbers)
        except Exception:
            result = np.nan
        return result
    return value


# ------------------------------------------------------------------------------------------------
# Activations
# ------------------------------------------------------------------------------------------------

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
            z = load(Z + i)
            store(as_vector(g(z), z), A + i)
    return forward


def _forward_by_numbers(g: Any) -> Any:
    g = _or_nan(g)

    @user_part(*FORWARD)
    def forward(Z, A, rows, parameter):
        for i in range(rows * slab_width(A)):
            A[i] = g(Z[i])
    return forward


def _backward(slope: Any) -> Any:
    @user_part(*BACKWARD)
    def backward(kept, dA, rows, parameter):
        for i in range(0, rows * slab_width(dA), lanes(dA)):
            x = load(kept + i)
            store(load(dA + i) * as_vector(slope(x), x), dA + i)
    return backward


def _backward_in_float64(slope: Any) -> Any:
    @user_part(*BACKWARD)
    def backward(kept, dA, rows, parameter):
        for i in range(0, rows * slab_width(dA), lanes_of_float64()):
            store_float64(load_float64(dA + i) * slope(load_float64(kept + i)), dA + i)
    return backward


def _backward_by_numbers(slope: Any) -> Any:
    slope = _or_nan(slope)

    @user_part(*BACKWARD)
    def backward(kept, dA, rows, parameter):
        for i in range(rows * slab_width(dA)):
            dA[i] = dA[i] * slope(kept[i])
    return backward


# ------------------------------------------------------------------------------------------------
# Losses and metrics
# ------------------------------------------------------------------------------------------------

def _central_difference_of_loss(l: Any) -> Any:
    @inline
    def slope(a, y):
        x, target = 1.0 * a, 1.0 * y
        h = STEP * max(1.0, abs(x))
        above, below = x + h, x - h
        return (l(above, target) - l(below, target)) / (above - below)
    return slope


def _loss(l: Any, slope: Any) -> Any:
    @inline
    def value_and_slope(a, y, parameters):
        return as_vector(l(a, y), a), as_vector(slope(a, y), a)

    @user_part(*LOSS)
    def part(A, Y, dA, outputs, weights, scale, parameters, sums):
        _over_outputs(value_and_slope, A, Y, dA, outputs, weights, scale, parameters, sums, 1.0 / outputs)
    return part


def _loss_in_float64(l: Any, slope: Any) -> Any:
    @inline
    def value_and_one(a, y, parameters):
        return as_vector(l(a, y), a), as_vector(1.0, a)

    @user_part(*LOSS)
    def part(A, Y, dA, outputs, weights, scale, parameters, sums):
        _over_outputs(value_and_one, A, Y, dA, outputs, weights, scale, parameters, sums, 1.0 / outputs)
        for i in range(0, outputs * slab_width(A), lanes_of_float64()):
            share = load_float64(dA + i)
            da = share * slope(load_float64(A + i), load_float64(Y + i))
            store_float64(select(share > 0.0, da, 0.0), dA + i)
    return part


def _loss_by_numbers(l: Any, slope: Any) -> Any:
    l, slope = _or_nan(l), _or_nan(slope)

    @user_part(*LOSS)
    def part(A, Y, dA, outputs, weights, scale, parameters, sums):
        P = slab_width(A)
        loss, share = 0.0, 1.0 / outputs
        for s in range(P):
            weight = weights[s] * share
            for i in range(s, outputs * P, P):
                if weight > 0.0:
                    loss += weight * l(A[i], Y[i])
                    dA[i] = weight * scale * slope(A[i], Y[i])
                else:
                    dA[i] = 0.0
        sums[0] = loss
    return part


def _metric(m: Any) -> Any:
    @inline
    def value_alone(a, y, parameters):
        value = as_vector(m(a, y), a)
        return value, value

    @user_part(*METRIC)
    def part(A, Y, outputs, weights, parameters, sums):
        _metric_over_outputs(value_alone, A, Y, outputs, weights, parameters, sums, 1.0 / outputs)
    return part


def _metric_by_numbers(m: Any) -> Any:
    m = _or_nan(m)

    @user_part(*METRIC)
    def part(A, Y, outputs, weights, parameters, sums):
        P = slab_width(A)
        metric, share = 0.0, 1.0 / outputs
        for s in range(P):
            for i in range(s, outputs * P, P):
                if weights[s] > 0.0:
                    metric += weights[s] * share * m(A[i], Y[i])
        sums[0] = metric
    return part
