"""One fully connected layer on plain arrays, forward and backward, for use on its own.

Each kernel is parallel over slabs of samples or over tiles of dW and is made of the same blocks as the network's
epoch.  All arrays are C-contiguous and of one dtype, float32 or float64; the caller owns the outputs.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from ._jit import public_kernel
from .activations import ACTIVATIONS, activate, activate_backward
from .arguments import check_arrays
from .matmul import block_product, gather_slab, row_offsets, scatter_columns, scatter_slab, slab_width
from .simd import BLOCK_ROWS, NV, data

_CODES = len(ACTIVATIONS)


@public_kernel
def dense_forward(X, W, b, A, activation):
    """Fused linear + bias + activation: A = g(X W + b).

    Parameters
    ----------
    X : (B, I) array
    W : (I, O) array
    b : (O,) array
    A : (B, O) array
        Written.
    activation : int
        ``LINEAR``, ``RELU``, ``LEAKY_RELU``, ``SIGMOID``, ``TANH`` or ``SOFTMAX`` of this package.

    Notes
    -----
    Parallel over slabs of samples: they share nothing but W, which is only read.
    Source: M. Nielsen, Neural Networks and Deep Learning, 2015, chapter 2, equation (25).
    """
    check_arrays((X, W, b), (A,))
    (B, I), (O,) = X.shape, b.shape
    if W.shape != (I, O) or A.shape != (B, O):
        raise ValueError("dense_forward takes X (B, I), W (I, O), b (O,) and A (B, O)")
    if not 0 <= activation < _CODES:
        raise ValueError("dense_forward: activation must be a code of kernels.ACTIVATIONS")
    P = slab_width(data(X))
    for slab in prange((B + P - 1) // P):
        offsets = np.empty(P, np.intp)
        x = np.empty((I, P), X.dtype)
        z = np.empty((O, P), X.dtype)
        row_offsets(slab * P, B, I, data(X), data(offsets))
        gather_slab(data(X), data(offsets), I, P, data(x))
        for o in range(O):
            z[o, :] = b[o]
        for o in range(0, O, BLOCK_ROWS):
            block_product(min(BLOCK_ROWS, O - o), NV, data(W) + o, 1, O, 0, 0, 0, data(x), I, 1, data(z) + o * P, P,
                          True)
        activate(activation, data(z), O)
        scatter_slab(data(z), O, data(A) + slab * P * O, O, min(P, B - slab * P), data(offsets))


@public_kernel
def dense_backward(dZ, A_prev, W, activation_prev, dZ_prev, dW, db):
    """dW = A_prev^T dZ, db = sum of dZ over samples, dZ_prev = (dZ W^T) * g'.

    Parameters
    ----------
    dZ : (B, O) array
    A_prev : (B, I) array
        Input of the layer, the output of the activation below.
    W : (I, O) array
    activation_prev : int
        Code of the activation g that gave A_prev; with ``LINEAR`` dZ_prev is dA_prev.
    dZ_prev : (B, I) array
        Written.
    dW : (I, O) array
        Written.
    db : (O,) array
        Written.

    Notes
    -----
    Two parallel regions: over slabs for dZ_prev, then over columns of dW, each of which contracts over the whole
    batch in the same order at any thread count.
    Source: M. Nielsen, Neural Networks and Deep Learning, 2015, chapter 2, equations (BP2) to (BP4).
    """
    check_arrays((dZ, A_prev, W), (dZ_prev, dW, db))
    (B, O), (I, _) = dZ.shape, W.shape
    if A_prev.shape != (B, I) or dZ_prev.shape != (B, I) or W.shape != (I, O) or dW.shape != (I, O) or db.shape != (O,):
        raise ValueError("dense_backward takes dZ (B, O), A_prev and dZ_prev (B, I), W and dW (I, O), and db (O,)")
    if not 0 <= activation_prev < _CODES:
        raise ValueError("dense_backward: activation_prev must be a code of kernels.ACTIVATIONS")
    P = slab_width(data(dZ))
    slabs = (B + P - 1) // P
    n_columns = (O + P - 1) // P
    panels = np.empty((slabs, I + 1, P), dZ.dtype)
    columns = np.zeros((n_columns, slabs, P, P), dZ.dtype)
    for slab in prange(slabs):
        offsets = np.empty(P, np.intp)
        dz = np.empty((O, P), dZ.dtype)
        da = np.empty((I, P), dZ.dtype)
        panel = data(panels) + slab * (I + 1) * P
        row_offsets(slab * P, B, O, data(dZ), data(offsets))
        gather_slab(data(dZ), data(offsets), O, P, data(dz))
        for s in range(B - slab * P, P):
            dz[:, s] = 0.0
        row_offsets(slab * P, B, I, data(dZ), data(offsets))
        gather_slab(data(A_prev), data(offsets), I, P, panel)
        panels[slab, I, :] = 1.0
        for i in range(0, I, BLOCK_ROWS):
            block_product(min(BLOCK_ROWS, I - i), NV, data(W) + i * O, O, 1, 0, 0, 0, data(dz), O, 1, data(da) + i * P,
                          P, False)
        activate_backward(activation_prev, panel, data(da), I)
        scatter_slab(data(da), I, data(dZ_prev) + slab * P * I, I, min(P, B - slab * P), data(offsets))
        scatter_columns(data(dz), O, data(columns) + slab * P * P, slabs * P * P, P, data(offsets))
    blocks = (I + 1 + BLOCK_ROWS - 1) // BLOCK_ROWS
    for t in prange(n_columns * blocks):
        column, i = t // blocks, t % blocks * BLOCK_ROWS
        tile = np.empty((BLOCK_ROWS, P), dZ.dtype)
        rows, width = min(BLOCK_ROWS, I + 1 - i), min(P, O - column * P)
        block_product(rows, NV, data(panels) + i * P, P, 1, (I + 1) * P, 0, 0,
                      data(columns) + column * slabs * P * P, P, slabs, data(tile), P, False)
        for r in range(rows):
            for c in range(width):
                if i + r < I:
                    dW[i + r, column * P + c] = tile[r, c]
                else:
                    db[column * P + c] = tile[r, c]
