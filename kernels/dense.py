"""One fully connected layer on plain arrays, forward and backward, for use on its own.

Each kernel is parallel over groups of slabs or over tiles of dW and is made of the same blocks as the network's
epoch.  All arrays are C-contiguous and of one dtype, float32 or float64; the caller owns the outputs.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from ._jit import helper, inline, public_kernel_of
from .activations import ACTIVATIONS, activate, activate_backward
from .arguments import check_arrays
from .blocking import (
    BACKWARD_BLOCK,
    FORWARD_BLOCK,
    PACKED_STRIP,
    TILE_COLUMNS,
    TILE_GROUP,
    block_size,
    copy_rows,
    count_tiles,
    full_slabs,
    near,
    packed_product,
    packs,
    strip_product,
    strip_rows,
    tile_place,
    tile_product,
    transposed_product,
)
from .matmul import gather_slab, pack_rows, product, row_offsets, scatter_columns, scatter_slab, slab_width
from .simd import MR, call, data, lanes, splat, store

_CODES = len(ACTIVATIONS)
GROUP_SLABS = 32
"""Slabs that share the packing of a strip of weights, at the most."""
WORTH = 1 << 15
"""Numbers in the first two arrays from which on a second thread pays: see `public_kernel`."""


@inline
def _groups(slabs, threads):
    """How many groups of slabs: as many for every thread."""
    return min(slabs, -(-slabs // (GROUP_SLABS * threads)) * threads)


@inline
def _share(group, groups, slabs):
    """The first slab of a group, and how many it has."""
    first = slabs * group // groups
    return first, slabs * (group + 1) // groups - first


def forward(X, W, b, A, activation, threads, gather, product, strip_product, pack_rows, scatter):
    check_arrays((X, W, b), (A,))
    (B, I), (O,) = X.shape, b.shape
    if W.shape != (I, O) or A.shape != (B, O):
        raise ValueError("dense_forward takes X (B, I), W (I, O), b (O,) and A (B, O)")
    if not (0 <= activation < _CODES and activation == int(activation)):
        raise ValueError("dense_forward: activation must be a code of kernels.ACTIVATIONS")
    P, step = slab_width(data(X)), lanes(data(X))
    slabs = (B + P - 1) // P
    groups = _groups(slabs, threads)
    for group in prange(groups):
        first, count = _share(group, groups, slabs)
        offsets = np.empty(P, np.intp)
        x = np.empty((count, I, P), X.dtype)
        z = np.empty((count, O, P), X.dtype)
        for n in range(count):
            row_offsets((first + n) * P, B, I, data(X), data(offsets))
            call(gather, (data(X), data(offsets), I, P, 0, data(x) + n * I * P))
            for i in range(0, O * P, step):
                store(splat(b[i // P], data(X)), data(z) + (n * O * P + i))
        is_near, pack = near(count, I, O), packs(count, I, O, step, 1)
        block = I if is_near else block_size(I, FORWARD_BLOCK)
        strip = min(PACKED_STRIP if is_near else O + MR - 1, strip_rows(step, block)) // MR * MR
        packed = np.empty(strip * (block + 1) if pack else 0, X.dtype)
        for o in range(0, O, strip):
            packed_product(product, strip_product, pack_rows, data(packed), data(W), O, I, block, o, min(strip, O - o),
                           data(x), I * P, data(z) + o * P, O * P, count, full_slabs(first, count, B, step), is_near,
                           pack, 1)
        for n in range(count):
            row = (first + n) * P
            activate(activation, data(z) + n * O * P, O)
            call(scatter, (data(z) + n * O * P, O, data(A) + row * O, O, min(P, B - row), data(offsets)))


@public_kernel_of(forward, WORTH, gather_slab, product, strip_product, pack_rows, scatter_slab)
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
    Parallel over groups of slabs of samples: they share nothing but W, which is only read.
    Source: M. Nielsen, Neural Networks and Deep Learning, 2015, chapter 2, equation (25).
    """
    _forward(X, W, b, A, activation, 1, gather_slab, product, strip_product, pack_rows, scatter_slab)


def backward(dZ, A_prev, W, activation_prev, dZ_prev, dW, db, threads, gather, product, strip_product, scatter,
             scatter_columns):
    check_arrays((dZ, A_prev, W), (dZ_prev, dW, db))
    (B, O), (I, _) = dZ.shape, W.shape
    if A_prev.shape != (B, I) or dZ_prev.shape != (B, I) or W.shape != (I, O) or dW.shape != (I, O) or db.shape != (O,):
        raise ValueError("dense_backward takes dZ (B, O), A_prev and dZ_prev (B, I), W and dW (I, O), and db (O,)")
    if not (0 <= activation_prev < _CODES and activation_prev == int(activation_prev)):
        raise ValueError("dense_backward: activation_prev must be a code of kernels.ACTIVATIONS")
    P, step = slab_width(data(dZ)), lanes(data(dZ))
    slabs = (B + P - 1) // P
    groups = _groups(slabs, threads)
    height, jump = I + 1, slabs * P * P
    panels = np.empty((slabs, height, P), dZ.dtype)
    columns = np.zeros(((O + P - 1) // P, slabs, P, P), dZ.dtype)
    block = block_size(O, BACKWARD_BLOCK)
    strip = strip_rows(step, block)
    for group in prange(groups):
        first, count = _share(group, groups, slabs)
        offsets = np.empty(P, np.intp)
        dz = np.empty((count, O, P), dZ.dtype)
        da = np.empty((count, I, P), dZ.dtype)
        for n in range(count):
            row = (first + n) * P
            row_offsets(row, B, O, data(dZ), data(offsets))
            call(gather, (data(dZ), data(offsets), O, P, 0, data(dz) + n * O * P))
            for s in range(B - row, P):
                dz[n, :, s] = 0.0
            column = data(columns) + (first + n) * P * P
            call(scatter_columns, (data(dz) + n * O * P, O, column, jump, P, data(offsets)))
            row_offsets(row, B, I, data(dZ), data(offsets))
            call(gather, (data(A_prev), data(offsets), I, P, 0, data(panels) + (first + n) * height * P))
            panels[first + n, I, :] = 1.0
        for i in range(0, I, strip):
            inputs = min(strip, I - i)
            is_near = near(count, O, inputs)
            transposed_product(product, strip_product, data(W) + i * O, O, O if is_near else block, inputs, data(dz),
                               O * P, data(da) + i * P, I * P, count, full_slabs(first, count, B, step), is_near)
        for n in range(count):
            row = (first + n) * P
            activate_backward(activation_prev, data(panels) + (first + n) * height * P, data(da) + n * I * P, I)
            call(scatter, (data(da) + n * I * P, I, data(dZ_prev) + row * I, I, min(P, B - row), data(offsets)))
    width = TILE_COLUMNS * P
    for t in prange(count_tiles(height, O, P)):
        i, o, rows, here = tile_place(t, height, O, P, TILE_GROUP)
        tile = np.zeros((MR, width), dZ.dtype)
        C, C_row, copied = data(tile), width, min(rows, I - i)
        if slabs > 0 and copied == rows and here % P == 0:  # of no samples it is the tile's zeros
            C, C_row, copied = data(dW) + (i * O + o), O, 0
        tile_product(product, data(panels) + i * P, height, rows, data(columns) + o // P * jump, jump, o, here, B, C,
                     C_row, 0)
        copy_rows(C, C_row, data(dW) + (i * O + o), O, copied, here)
        if i + rows > I:
            copy_rows(C + (I - i) * C_row, C_row, data(db) + o, O, 1, here)


_forward, _backward = helper(forward), helper(backward)


@public_kernel_of(backward, WORTH, gather_slab, product, strip_product, scatter_slab, scatter_columns)
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
    Two parallel regions: over groups of slabs for dZ_prev, then over tiles of dW, each of which contracts over the
    whole batch in the same order at any thread count.
    Source: M. Nielsen, Neural Networks and Deep Learning, 2015, chapter 2, equations (BP2) to (BP4).
    """
    _backward(dZ, A_prev, W, activation_prev, dZ_prev, dW, db, 1, gather_slab, product, strip_product, scatter_slab,
              scatter_columns)
