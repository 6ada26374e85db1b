"""Optimizers: one in-place loop each over rows of the flat vectors.

``update(W, g, s1, s2, rows, columns, W_row, g_row, hyper)`` updates ``rows`` rows of ``columns`` parameters each,
``W_row`` apart in the parameters W and in the state vectors s1 and s2, ``g_row`` apart in the gradient g.  In
training that is a tile of dW, still in the cache that computed it; with one row it is the whole flat vector.

``hyper`` (8 float64): the learning rate, then the optimizer's numbers in the order of its docstring; at BIAS_1
and BIAS_2 stand 1 - hyper[1]**t and 1 - hyper[2]**t for step t, counted from 1.

The formulas and the names are those of Keras 3.
"""

from __future__ import annotations

from math import sqrt as scalar_sqrt

import numpy as np
from numba import prange

from ._jit import COUNT, FLOATS, NUMBERS, parallel_kernel, part
from .simd import absolute, data, lanes, load_upto, select, sqrt, store_upto

BIAS_1, BIAS_2, HYPER_SIZE = 6, 7, 8

_UPDATE = NUMBERS, NUMBERS, NUMBERS, NUMBERS, COUNT, COUNT, COUNT, COUNT, FLOATS


@part(*_UPDATE)
def sgd_rows(W, g, s1, s2, rows, columns, W_row, g_row, hyper):
    """W -= lr g.  hyper: lr, momentum = 0, nesterov."""
    lr = hyper[0]
    for r in range(rows):
        for c in range(0, columns, lanes(W)):
            w, n = W + (r * W_row + c), columns - c
            store_upto(load_upto(w, n) - lr * load_upto(g + (r * g_row + c), n), w, n)


@part(*_UPDATE)
def sgd_momentum_rows(W, g, velocity, s2, rows, columns, W_row, g_row, hyper):
    """v = momentum v - lr g; W += v, or with nesterov W += momentum v - lr g.  hyper: lr, momentum, nesterov.

    Source: I. Sutskever, J. Martens, G. Dahl, G. Hinton, On the importance of initialization and momentum, 2013.
    """
    lr, momentum, nesterov = hyper[0], hyper[1], hyper[2] != 0.0
    for r in range(rows):
        for c in range(0, columns, lanes(W)):
            i, n = r * W_row + c, columns - c
            step = lr * load_upto(g + (r * g_row + c), n)
            v = momentum * load_upto(velocity + i, n) - step
            store_upto(v, velocity + i, n)
            if nesterov:
                v = momentum * v - step
            store_upto(load_upto(W + i, n) + v, W + i, n)


@part(*_UPDATE)
def adam_rows(W, g, m, v, rows, columns, W_row, g_row, hyper):
    """m += (1 - b1)(g - m); v += (1 - b2)(g^2 - v); W -= lr sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + eps).

    hyper: lr, b1, b2, eps.
    Source: D. P. Kingma, J. Ba, Adam: a method for stochastic optimization, 2015, section 2, last paragraph.
    """
    eps = hyper[3]
    rate = hyper[0] * scalar_sqrt(hyper[BIAS_2]) / hyper[BIAS_1]
    for r in range(rows):
        for c in range(0, columns, lanes(W)):
            i, n = r * W_row + c, columns - c
            gradient = load_upto(g + (r * g_row + c), n)
            mean, square = load_upto(m + i, n), load_upto(v + i, n)
            mean = mean + (1.0 - hyper[1]) * (gradient - mean)
            square = square + (1.0 - hyper[2]) * (gradient * gradient - square)
            store_upto(mean, m + i, n)
            store_upto(square, v + i, n)
            store_upto(load_upto(W + i, n) - rate * mean / (sqrt(square) + eps), W + i, n)


@part(*_UPDATE)
def adamax_rows(W, g, m, u, rows, columns, W_row, g_row, hyper):
    """m += (1 - b1)(g - m); u = max(b2 u, |g|); W -= lr / (1 - b1^t) m / (u + eps).

    hyper: lr, b1, b2, eps.
    Source: D. P. Kingma, J. Ba, Adam: a method for stochastic optimization, 2015, algorithm 2.
    """
    eps = hyper[3]
    rate = hyper[0] / hyper[BIAS_1]
    for r in range(rows):
        for c in range(0, columns, lanes(W)):
            i, n = r * W_row + c, columns - c
            gradient = load_upto(g + (r * g_row + c), n)
            mean, size = load_upto(m + i, n), hyper[2] * load_upto(u + i, n)
            mean = mean + (1.0 - hyper[1]) * (gradient - mean)
            size = select(size > absolute(gradient), size, absolute(gradient))
            store_upto(mean, m + i, n)
            store_upto(size, u + i, n)
            store_upto(load_upto(W + i, n) - rate * mean / (size + eps), W + i, n)


UPDATES = {"sgd": sgd_rows, "sgd_momentum": sgd_momentum_rows, "adam": adam_rows, "adamax": adamax_rows}


# ------------------------------------------------------------------------------------------------
# On whole flat vectors, for use on their own: parallel over pieces that share nothing
# ------------------------------------------------------------------------------------------------

_PIECE = 1 << 14


@parallel_kernel
def sgd(params, gradient, velocity, learning_rate, momentum, nesterov):
    """One step of gradient descent with momentum (0 for none) on flat vectors of one dtype, in place.

    Parameters
    ----------
    params, gradient, velocity : (n,) arrays
        ``params`` and ``velocity`` are updated.
    learning_rate, momentum : float
    nesterov : bool
    """
    hyper = np.array([learning_rate, momentum, 1.0 if nesterov else 0.0])
    for piece in prange((params.size + _PIECE - 1) // _PIECE):
        i = piece * _PIECE
        n = min(_PIECE, params.size - i)
        sgd_momentum_rows(data(params) + i, data(gradient) + i, data(velocity) + i, data(velocity) + i, 1, n, n, n,
                          data(hyper))


@parallel_kernel
def adam(params, gradient, m, v, step, learning_rate, beta_1, beta_2, epsilon):
    """One step of Adam on flat vectors of one dtype, in place.

    Parameters
    ----------
    params, gradient, m, v : (n,) arrays
        ``params`` and the moments ``m`` and ``v`` are updated.
    step : int
        Number of this step, from 1.
    learning_rate, beta_1, beta_2, epsilon : float
    """
    hyper = np.array([learning_rate, beta_1, beta_2, epsilon, 0.0, 0.0, 1.0 - beta_1**step, 1.0 - beta_2**step])
    for piece in prange((params.size + _PIECE - 1) // _PIECE):
        i = piece * _PIECE
        n = min(_PIECE, params.size - i)
        adam_rows(data(params) + i, data(gradient) + i, data(m) + i, data(v) + i, 1, n, n, n, data(hyper))


@parallel_kernel
def adamax(params, gradient, m, u, step, learning_rate, beta_1, beta_2, epsilon):
    """One step of Adamax on flat vectors of one dtype, in place.

    Parameters
    ----------
    params, gradient, m, u : (n,) arrays
        ``params``, the mean ``m`` and the norm ``u`` are updated.
    step : int
        Number of this step, from 1.
    learning_rate, beta_1, beta_2, epsilon : float
    """
    hyper = np.array([learning_rate, beta_1, beta_2, epsilon, 0.0, 0.0, 1.0 - beta_1**step, 1.0])
    for piece in prange((params.size + _PIECE - 1) // _PIECE):
        i = piece * _PIECE
        n = min(_PIECE, params.size - i)
        adamax_rows(data(params) + i, data(gradient) + i, data(m) + i, data(u) + i, 1, n, n, n, data(hyper))
