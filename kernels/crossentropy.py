"""The fused cross entropies on plain arrays, for use on their own: loss, probabilities and dZ from logits.

All arrays are C-contiguous; Z, p and dZ are (B, O) of one dtype, float32 or float64; the caller owns p and dZ.
Parallel over slabs of samples; each slab's loss goes to a place of its own and they
are added in order, so that the sum does not depend on the number of threads.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from . import losses
from ._jit import helper, public_kernel
from .arguments import check_arrays, check_integers
from .matmul import gather_slab, row_offsets, scatter_slab, slab_width
from .simd import data

_SIGMOID, _SOFTMAX, _SPARSE = range(3)


@helper
def _slab_loss(kind, slab, Z, y, p, dZ, sums):
    """Loss of one slab to sums[slab]; its rows of p and dZ."""
    B, O = Z.shape
    P = slab_width(data(Z))
    first = slab * P
    count, targets = min(P, B - first), y.size // B
    offsets = np.empty(P, np.intp)
    z, dz, Y = np.empty((O, P), Z.dtype), np.empty((O, P), Z.dtype), np.empty((targets, P), Z.dtype)
    row_offsets(first, B, O, data(Z), data(offsets))
    gather_slab(data(Z), data(offsets), O, P, 0, data(z))
    for s in range(P):
        for t in range(targets):
            Y[t, s] = y[(first + min(s, count - 1)) * targets + t]
    parameters, weights = np.zeros(losses.N_PARAMETERS), np.zeros(P, Z.dtype)
    weights[:count] = 1
    arguments = data(z), data(Y), data(dz), O, data(weights), 1.0 / B, data(parameters), data(sums) + slab
    if kind == _SIGMOID:
        losses.sigmoid_binary_crossentropy(*arguments)
    elif kind == _SOFTMAX:
        losses.softmax_crossentropy(*arguments)
    else:
        losses.softmax_crossentropy_sparse(*arguments)
    scatter_slab(data(z), O, data(p) + first * O, O, count, data(offsets))
    scatter_slab(data(dz), O, data(dZ) + first * O, O, count, data(offsets))


@helper
def _mean(sums, B):
    total = 0.0
    for slab_sum in sums:
        total += slab_sum
    return total / B


@public_kernel(worth=1 << 13)
def sigmoid_binary_crossentropy(Z, y, p, dZ):
    """Sigmoid and binary cross entropy: loss = mean(ln(1 + e^Z) - y Z), dZ = (p - y) / (B O).

    Parameters
    ----------
    Z : (B, O) array
        Logits.
    y : (B, O) array
        Targets in [0, 1].
    p : (B, O) array
        Written: sigmoid(Z).
    dZ : (B, O) array
        Written: gradient of the loss.

    Returns
    -------
    float
        Mean over samples and outputs.

    Notes
    -----
    Source: C. M. Bishop, Pattern Recognition and Machine Learning, 2006, equations (4.90) and (4.91).
    """
    check_arrays((Z,), (p, dZ))
    if Z.ndim != 2 or y.shape != Z.shape or p.shape != Z.shape or dZ.shape != Z.shape:
        raise ValueError("sigmoid_binary_crossentropy takes Z, y, p and dZ of one shape (B, O)")
    slabs = -(-len(Z) // slab_width(data(Z)))
    sums = np.empty(slabs)
    for slab in prange(slabs):
        _slab_loss(_SIGMOID, slab, Z, y.reshape(-1), p, dZ, sums)
    return _mean(sums, len(Z))


@public_kernel(worth=1 << 13)
def softmax_crossentropy(Z, y, p, dZ):
    """Softmax and cross entropy with probabilities (one-hot rows) as targets: dZ = (p - y) / B.

    Parameters
    ----------
    Z : (B, O) array
        Logits.
    y : (B, O) array
        Targets, rows that sum to 1.
    p : (B, O) array
        Written: softmax(Z).
    dZ : (B, O) array
        Written: gradient of the loss.

    Returns
    -------
    float
        Mean over the samples of -sum_i y_i ln p_i.

    Notes
    -----
    Source: C. M. Bishop, Pattern Recognition and Machine Learning, 2006, equations (4.108) and (4.109).
    """
    check_arrays((Z,), (p, dZ))
    if Z.ndim != 2 or y.shape != Z.shape or p.shape != Z.shape or dZ.shape != Z.shape:
        raise ValueError("softmax_crossentropy takes Z, y, p and dZ of one shape (B, O)")
    slabs = -(-len(Z) // slab_width(data(Z)))
    sums = np.empty(slabs)
    for slab in prange(slabs):
        _slab_loss(_SOFTMAX, slab, Z, y.reshape(-1), p, dZ, sums)
    return _mean(sums, len(Z))


@public_kernel(worth=1 << 13)
def softmax_crossentropy_sparse(Z, labels, p, dZ):
    """Softmax and cross entropy with class indices as targets; no one-hot rows are made.

    Parameters
    ----------
    Z : (B, O) array
        Logits.
    labels : (B,) int array
        0 <= label < O.
    p : (B, O) array
        Written: softmax(Z).
    dZ : (B, O) array
        Written: (p - onehot(labels)) / B.

    Returns
    -------
    float
        Mean over the samples of -ln p[label].

    Notes
    -----
    Source: C. M. Bishop, Pattern Recognition and Machine Learning, 2006, equations (4.108) and (4.109).
    """
    check_arrays((Z,), (p, dZ))
    check_integers(labels)
    B, O = Z.shape
    if labels.shape != (B,) or p.shape != (B, O) or dZ.shape != (B, O):
        raise ValueError("softmax_crossentropy_sparse takes Z, p and dZ (B, O) and labels (B,)")
    for label in labels:
        if not 0 <= label < O:
            raise ValueError("softmax_crossentropy_sparse: labels must be at least 0 and below O, the columns of Z")
    slabs = -(-len(Z) // slab_width(data(Z)))
    sums = np.empty(slabs)
    for slab in prange(slabs):
        _slab_loss(_SPARSE, slab, Z, labels.reshape(-1), p, dZ, sums)
    return _mean(sums, len(Z))
