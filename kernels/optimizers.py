"""Optimizers: one in-place loop each over rows of the flat vectors.

``update(W, g, s1, s2, s3, rows, columns, W_row, g_row, hyper)`` updates ``rows`` rows of ``columns`` parameters each,
``W_row`` apart in the parameters W and in the state vectors s1, s2 and s3, ``g_row`` apart in the gradient g.  In
training that is a tile of dW, still in the cache that computed it; with one row it is the whole flat vector.

``hyper`` (16 float64): the learning rate, then the optimizer's numbers in the order of its docstring; from BIAS_1
to STEP what `correct_bias` sets; then the numbers of what every optimizer can do besides.

The formulas and the names are those of Keras 3.
"""

from __future__ import annotations

from math import sqrt as scalar_sqrt

import numpy as np
from numba import prange

from ._jit import COUNT, FLOATS, NUMBERS, part, public_kernel
from .arguments import check_arrays
from .simd import absolute, data, fma, lanes, load, load_upto, select, splat, sqrt, store, store_upto

BIAS_1, BIAS_2, STEP, DECAY, CLIP_VALUE, CLIP_NORM, EMA = range(6, 13)
HYPER_SIZE = 16

_UPDATE = NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS, COUNT, COUNT, COUNT, COUNT, FLOATS


@part(FLOATS, COUNT)
def correct_bias(hyper, t):
    """Before step t, counted from 1: 1 - b1^t, 1 - b2^t and t itself, for the formulas of CORRECTED."""
    hyper[BIAS_1] = 1.0 - hyper[1] ** t
    hyper[BIAS_2] = 1.0 - hyper[2] ** t
    hyper[STEP] = t


@part(NUMBERS, NUMBERS, COUNT, COUNT, COUNT, COUNT, FLOATS)
def clip_decay_rows(W, g, rows, columns, W_row, g_row, hyper):
    """g = min(max(g, -clip), clip), NaN stays; W -= lr decay W.  hyper: the learning rate, CLIP_VALUE, DECAY.

    Source of the decay: I. Loshchilov, F. Hutter, Decoupled weight decay regularization, 2019, algorithm 2.
    """
    clip, kept = splat(hyper[CLIP_VALUE], W), 1.0 - hyper[0] * hyper[DECAY]
    for r in range(rows):
        for c in range(0, columns, lanes(W)):
            w, at, n = W + (r * W_row + c), g + (r * g_row + c), columns - c
            gradient = load_upto(at, n)
            gradient = select(gradient > clip, clip, gradient)
            store_upto(select(gradient < -clip, -clip, gradient), at, n)
            store_upto(kept * load_upto(w, n), w, n)


@part(*_UPDATE)
def sgd_rows(W, g, s1, s2, s3, rows, columns, W_row, g_row, hyper):
    """W -= lr g.  hyper: lr, momentum = 0, nesterov."""
    lr = hyper[0]
    for r in range(rows):
        for c in range(0, columns, lanes(W)):
            w, n = W + (r * W_row + c), columns - c
            store_upto(load_upto(w, n) - lr * load_upto(g + (r * g_row + c), n), w, n)


@part(NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS, COUNT, COUNT, COUNT, FLOATS, COUNT)
def sgd_outer(W, a, dz, x, z, rows, columns, W_row, hyper, add):
    """`sgd_rows` with the gradient a dz^T of one sample, not stored; then z = x W, added to z if `add`.

    dz and z have whole vectors; who needs no z gives room for it.
    """
    lr, step, none = hyper[0], lanes(W), splat(0.0, W)
    for c in range(0, columns, 2 * step):
        n = columns - c
        dz_0, dz_1 = load(dz + c), load_upto(dz + (c + step), n - step)
        z_0, z_1 = (load(z + c), load_upto(z + (c + step), n - step)) if add != 0 else (none, none)
        for r in range(rows):
            w = W + (r * W_row + c)
            w_0 = load_upto(w, n) - lr * fma(a[r], dz_0, 0.0)
            w_1 = load_upto(w + step, n - step) - lr * fma(a[r], dz_1, 0.0)
            store_upto(w_0, w, n)
            store_upto(w_1, w + step, n - step)
            z_0, z_1 = fma(x[r], w_0, z_0), fma(x[r], w_1, z_1)
        store(z_0, z + c)
        store_upto(z_1, z + (c + step), n - step)


@part(*_UPDATE)
def sgd_momentum_rows(W, g, velocity, s2, s3, rows, columns, W_row, g_row, hyper):
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
def adam_rows(W, g, m, v, s3, rows, columns, W_row, g_row, hyper):
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
def adamax_rows(W, g, m, u, s3, rows, columns, W_row, g_row, hyper):
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


@part(*_UPDATE)
def amsgrad_rows(W, g, m, v, v_max, rows, columns, W_row, g_row, hyper):
    """Adam with max(v_max, v) in the place of v.  hyper: lr, b1, b2, eps.

    Source: S. J. Reddi, S. Kale, S. Kumar, On the convergence of Adam and beyond, 2018, algorithm 2; here, as in
    Keras, the greatest of the moments before their correction for the first steps.
    """
    eps = hyper[3]
    rate = hyper[0] * scalar_sqrt(hyper[BIAS_2]) / hyper[BIAS_1]
    for r in range(rows):
        for c in range(0, columns, lanes(W)):
            i, n = r * W_row + c, columns - c
            gradient = load_upto(g + (r * g_row + c), n)
            mean, square, greatest = load_upto(m + i, n), load_upto(v + i, n), load_upto(v_max + i, n)
            mean = mean + (1.0 - hyper[1]) * (gradient - mean)
            square = square + (1.0 - hyper[2]) * (gradient * gradient - square)
            greatest = select(greatest > square, greatest, square)
            store_upto(mean, m + i, n)
            store_upto(square, v + i, n)
            store_upto(greatest, v_max + i, n)
            store_upto(load_upto(W + i, n) - rate * mean / (sqrt(greatest) + eps), W + i, n)


@part(*_UPDATE)
def nadam_rows(W, g, m, v, s3, rows, columns, W_row, g_row, hyper):
    """m, v as in Adam; W -= lr (u' m / (1 - U u') + (1 - u) g / (1 - U)) / (sqrt(v / (1 - b2^t)) + eps).

    u = b1 (1 - 0.96^t / 2), u' the same of t + 1, U the product of u of all steps so far.  hyper: lr, b1, b2, eps.
    Source: T. Dozat, Incorporating Nesterov momentum into Adam, 2016, algorithm 2 with the schedule of section 2.
    """
    t, eps = int(hyper[STEP]), hyper[3]
    u, u_next = hyper[1] * (1.0 - 0.5 * 0.96**t), hyper[1] * (1.0 - 0.5 * 0.96**(t + 1))
    product = (1.0 - hyper[BIAS_1]) * _WARM_UP[min(t, _WARM_UP.size - 1)]
    of_mean, of_gradient = u_next / (1.0 - product * u_next), (1.0 - u) / (1.0 - product)
    for r in range(rows):
        for c in range(0, columns, lanes(W)):
            i, n = r * W_row + c, columns - c
            gradient = load_upto(g + (r * g_row + c), n)
            mean, square = load_upto(m + i, n), load_upto(v + i, n)
            mean = mean + (1.0 - hyper[1]) * (gradient - mean)
            square = square + (1.0 - hyper[2]) * (gradient * gradient - square)
            store_upto(mean, m + i, n)
            store_upto(square, v + i, n)
            step = hyper[0] * (of_mean * mean + of_gradient * gradient)
            store_upto(load_upto(W + i, n) - step / (sqrt(square * (1.0 / hyper[BIAS_2])) + eps), W + i, n)


_WARM_UP = np.cumprod(np.concatenate([[1.0], 1.0 - 0.5 * 0.96 ** np.arange(1.0, 1000.0)]))
"""Products of 1 - 0.96^i / 2 over the first t steps; after a thousand nothing changes any more."""


@part(*_UPDATE)
def rmsprop_rows(W, g, v, s2, s3, rows, columns, W_row, g_row, hyper):
    """v = rho v + (1 - rho) g^2; W -= lr g / sqrt(v + eps).  hyper: lr, rho, momentum = 0, eps, centered = 0.

    Source: T. Tieleman, G. Hinton, Lecture 6.5 of Neural networks for machine learning, 2012.
    """
    lr, eps = hyper[0], hyper[3]
    for r in range(rows):
        for c in range(0, columns, lanes(W)):
            i, n = r * W_row + c, columns - c
            gradient = load_upto(g + (r * g_row + c), n)
            square = hyper[1] * load_upto(v + i, n) + (1.0 - hyper[1]) * (gradient * gradient)
            store_upto(square, v + i, n)
            store_upto(load_upto(W + i, n) - lr * gradient / sqrt(square + eps), W + i, n)


@part(*_UPDATE)
def rmsprop_full_rows(W, g, v, velocity, mean, rows, columns, W_row, g_row, hyper):
    """The same with momentum: velocity = momentum velocity + lr g / sqrt(...), W -= velocity; and centered, with the
    variance in the root: mean = rho mean + (1 - rho) g, sqrt(v - mean^2 + eps).  Without it `mean` is not touched.

    hyper: lr, rho, momentum, eps, centered.
    Source: A. Graves, Generating sequences with recurrent neural networks, 2013, equations 38 to 41.
    """
    lr, eps, centered = hyper[0], hyper[3], hyper[4] != 0.0
    for r in range(rows):
        for c in range(0, columns, lanes(W)):
            i, n = r * W_row + c, columns - c
            gradient = load_upto(g + (r * g_row + c), n)
            square = hyper[1] * load_upto(v + i, n) + (1.0 - hyper[1]) * (gradient * gradient)
            store_upto(square, v + i, n)
            if centered:
                average = hyper[1] * load_upto(mean + i, n) + (1.0 - hyper[1]) * gradient
                store_upto(average, mean + i, n)
                square = square - average * average
            step = hyper[2] * load_upto(velocity + i, n) + lr * gradient / sqrt(square + eps)
            store_upto(step, velocity + i, n)
            store_upto(load_upto(W + i, n) - step, W + i, n)


@part(*_UPDATE)
def adagrad_rows(W, g, squares, s2, s3, rows, columns, W_row, g_row, hyper):
    """squares += g^2; W -= lr g / sqrt(squares + eps).  hyper: lr, the first squares, eps.

    Source: J. Duchi, E. Hazan, Y. Singer, Adaptive subgradient methods for online learning and stochastic
    optimization, 2011, section 1.1 with the diagonal of G.
    """
    lr, eps = hyper[0], hyper[2]
    for r in range(rows):
        for c in range(0, columns, lanes(W)):
            i, n = r * W_row + c, columns - c
            gradient = load_upto(g + (r * g_row + c), n)
            together = load_upto(squares + i, n) + gradient * gradient
            store_upto(together, squares + i, n)
            store_upto(load_upto(W + i, n) - lr * gradient / sqrt(together + eps), W + i, n)


@part(*_UPDATE)
def lion_rows(W, g, m, s2, s3, rows, columns, W_row, g_row, hyper):
    """W -= lr sign(b1 m + (1 - b1) g), with sign(0) = 0 and NaN of NaN; m = b2 m + (1 - b2) g.  hyper: lr, b1, b2.

    Source: X. Chen and others, Symbolic discovery of optimization algorithms, 2023, algorithm 2.
    """
    lr, zero = hyper[0], splat(0.0, W)
    for r in range(rows):
        for c in range(0, columns, lanes(W)):
            i, n = r * W_row + c, columns - c
            gradient, mean = load_upto(g + (r * g_row + c), n), load_upto(m + i, n)
            sign = hyper[1] * mean + (1.0 - hyper[1]) * gradient
            sign = select(sign > zero, splat(1.0, W), select(sign < zero, splat(-1.0, W), sign))
            store_upto(hyper[2] * mean + (1.0 - hyper[2]) * gradient, m + i, n)
            store_upto(load_upto(W + i, n) - lr * sign, W + i, n)


UPDATES = {
    "sgd": sgd_rows, "sgd_momentum": sgd_momentum_rows, "adam": adam_rows, "amsgrad": amsgrad_rows,
    "adamax": adamax_rows, "nadam": nadam_rows, "rmsprop": rmsprop_rows, "rmsprop_full": rmsprop_full_rows,
    "adagrad": adagrad_rows, "lion": lion_rows,
}
OUTER = {"sgd": sgd_outer}
"""Updates with the gradient of one sample, (W, a, dz, x, z, rows, columns, W_row, hyper, add)."""
CORRECTED = "adam", "amsgrad", "adamax", "nadam"
"""Those of them that want `correct_bias`."""


# ------------------------------------------------------------------------------------------------
# On whole flat vectors, for use on their own: parallel over pieces that share nothing
# ------------------------------------------------------------------------------------------------

_PIECE = 1 << 14


@public_kernel(worth=1 << 17)
def sgd(params, gradient, velocity, learning_rate, momentum, nesterov):
    """One step of gradient descent with momentum (0 for none) on flat vectors of one dtype, in place.

    Parameters
    ----------
    params, gradient, velocity : (n,) arrays
        ``params`` and ``velocity`` are updated.
    learning_rate, momentum : float
    nesterov : bool
    """
    check_arrays((gradient,), (params, velocity))
    if gradient.shape != params.shape or velocity.shape != params.shape:
        raise ValueError("sgd takes params, gradient and velocity of one shape")
    hyper = np.array([learning_rate, momentum, 1.0 if nesterov else 0.0])
    for piece in prange((params.size + _PIECE - 1) // _PIECE):
        i = piece * _PIECE
        n = min(_PIECE, params.size - i)
        sgd_momentum_rows(data(params) + i, data(gradient) + i, data(velocity) + i, data(velocity) + i,
                          data(velocity) + i, 1, n, n, n, data(hyper))


@public_kernel(worth=1 << 17)
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
    check_arrays((gradient,), (params, m, v))
    if gradient.shape != params.shape or m.shape != params.shape or v.shape != params.shape:
        raise ValueError("adam takes params, gradient, m and v of one shape")
    if step < 1:
        raise ValueError("adam: step counts from 1")
    hyper = np.array([learning_rate, beta_1, beta_2, epsilon, 0.0, 0.0, 1.0 - beta_1**step, 1.0 - beta_2**step])
    for piece in prange((params.size + _PIECE - 1) // _PIECE):
        i = piece * _PIECE
        n = min(_PIECE, params.size - i)
        adam_rows(data(params) + i, data(gradient) + i, data(m) + i, data(v) + i, data(v) + i, 1, n, n, n, data(hyper))


@public_kernel(worth=1 << 17)
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
    check_arrays((gradient,), (params, m, u))
    if gradient.shape != params.shape or m.shape != params.shape or u.shape != params.shape:
        raise ValueError("adamax takes params, gradient, m and u of one shape")
    if step < 1:
        raise ValueError("adamax: step counts from 1")
    hyper = np.array([learning_rate, beta_1, beta_2, epsilon, 0.0, 0.0, 1.0 - beta_1**step, 1.0])
    for piece in prange((params.size + _PIECE - 1) // _PIECE):
        i = piece * _PIECE
        n = min(_PIECE, params.size - i)
        adamax_rows(data(params) + i, data(gradient) + i, data(m) + i, data(u) + i, data(u) + i, 1, n, n, n,
                    data(hyper))
