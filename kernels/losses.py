"""Losses and metrics on one slab: A (outputs, P) against Y (targets, P), the first `valid` lanes count.

A loss ``loss(A, Y, dA, outputs, valid, scale, sums)`` writes its sum over the valid samples to ``sums[0]`` and
``scale`` times its gradient to dA (outputs, P), zeros in the other lanes, so that nothing after it needs to know
how many samples a slab holds.  ``scale`` is 1 / samples of the batch: the loss is the mean over them.

The fused ones take the logits in A, leave the probabilities there and give dZ instead of dA.  They compute the
loss from the logits, so that a probability of exactly 0 or 1 never meets a logarithm:

- sigmoid + binary cross entropy:  -y ln p - (1 - y) ln(1 - p) = ln(1 + e^z) - y z,  dZ = (p - y) / B
- softmax + cross entropy:         -sum_i y_i ln p_i = sum_i y_i (h - z_i + ln sum_j e^(z_j - h)),  h = max z,
  dZ = (p sum_i y_i - y) / B

Losses over several outputs are the mean over them for binary cross entropy and squared error, as in Keras.

Source: C. M. Bishop, Pattern Recognition and Machine Learning, 2006, 4.3.2, 4.3.4 and 5.2.

A metric ``metric(A, Y, outputs, valid, sums)`` writes its sum over the valid samples to ``sums[0]``.
"""

from __future__ import annotations

import numpy as np

from ._jit import COUNT, FLOATS, NUMBER, NUMBERS, inline, part
from .elementary import exp, log, log1p, log1p_exp_and_sigmoid
from .matmul import slab_width
from .simd import absolute, first_lanes, fma, lanes, load, select, splat, store, total

PROBABILITY_FLOOR = 1e-7

_LOSS = NUMBERS, NUMBERS, NUMBERS, COUNT, COUNT, NUMBER, FLOATS
_METRIC = NUMBERS, NUMBERS, COUNT, COUNT, FLOATS


# ------------------------------------------------------------------------------------------------
# Losses
# ------------------------------------------------------------------------------------------------

@part(*_LOSS)
def sigmoid_binary_crossentropy(A, Y, dZ, outputs, valid, scale, sums):
    P = slab_width(A)
    loss = 0.0
    for j in range(0, P, lanes(A)):
        counts = first_lanes(valid - j, A)
        of_lanes = splat(0.0, A)
        for i in range(j, outputs * P, P):
            z, y = load(A + i), load(Y + i)
            # ln(1 + e^z) = max(z, 0) + ln(1 + e^-|z|); the first part cancels against y z, so it goes first
            tail, p = log1p_exp_and_sigmoid(z)
            of_lanes = of_lanes + ((select(z < 0.0, 0.0, z) - y * z) + tail)
            store(p, A + i)
            store(select(counts, (p - y) * (scale / outputs), 0.0), dZ + i)
        loss += total(select(counts, of_lanes, 0.0))
    sums[0] = loss / outputs


@inline
def _softmax_of_lanes(A, j, outputs):
    """e^(z - h) in place, h = max z; returns h, the sum of the exponentials and its logarithm.

    The highest ones are 1 each.  All but one of them and the others are summed apart, so that the logarithm of a
    sum near 1, the loss of an answer that is sure and right, keeps its digits.
    """
    P = slab_width(A)
    highest = splat(-np.inf, A)
    for i in range(j, outputs * P, P):
        z = load(A + i)
        highest = select(z > highest, z, highest)
    others = splat(0.0, A)
    ones = splat(-1.0, A)
    for i in range(j, outputs * P, P):
        z = load(A + i)
        e = exp(z - highest)
        store(e, A + i)
        others = others + select(z == highest, 0.0, e)
        ones = ones + select(z == highest, splat(1.0, A), 0.0)
    others = others + ones
    return highest, 1.0 + others, log1p(others)


@part(*_LOSS)
def softmax_crossentropy(A, Y, dZ, outputs, valid, scale, sums):
    P = slab_width(A)
    loss = 0.0
    for j in range(0, P, lanes(A)):
        counts = first_lanes(valid - j, A)
        weight, of_lanes = splat(0.0, A), splat(0.0, A)
        for i in range(j, outputs * P, P):
            store(load(A + i), dZ + i)
        highest, exponentials, logarithm = _softmax_of_lanes(A, j, outputs)
        for i in range(j, outputs * P, P):
            y = load(Y + i)
            weight = weight + y
            of_lanes = fma(y, highest - load(dZ + i), of_lanes)
        for i in range(j, outputs * P, P):
            p = load(A + i) / exponentials
            store(p, A + i)
            store(select(counts, (weight * p - load(Y + i)) * scale, 0.0), dZ + i)
        of_lanes = fma(weight, logarithm, of_lanes)
        loss += total(select(counts, of_lanes, 0.0))
    sums[0] = loss


@part(*_LOSS)
def softmax_crossentropy_sparse(A, Y, dZ, outputs, valid, scale, sums):
    """Y (1, P) holds class indices; one-hot rows are never made."""
    P = slab_width(A)
    loss = 0.0
    for j in range(0, P, lanes(A)):
        counts = first_lanes(valid - j, A)
        label = load(Y + j)
        chosen = splat(0.0, A)
        for o in range(outputs):
            chosen = select(label == o, load(A + (o * P + j)), chosen)
        highest, exponentials, logarithm = _softmax_of_lanes(A, j, outputs)
        for o in range(outputs):
            p = load(A + (o * P + j)) / exponentials
            store(p, A + (o * P + j))
            store(select(counts, select(label == o, p - 1.0, p) * scale, 0.0), dZ + (o * P + j))
        of_lanes = (highest - chosen) + logarithm
        loss += total(select(counts, of_lanes, 0.0))
    sums[0] = loss


@part(*_LOSS)
def mean_squared_error(A, Y, dA, outputs, valid, scale, sums):
    """(a - y)^2; dA = 2 (a - y) / B."""
    P = slab_width(A)
    loss = 0.0
    for j in range(0, P, lanes(A)):
        counts = first_lanes(valid - j, A)
        of_lanes = splat(0.0, A)
        for i in range(j, outputs * P, P):
            error = load(A + i) - load(Y + i)
            of_lanes = fma(error, error, of_lanes)
            store(select(counts, error * (2.0 * scale / outputs), 0.0), dA + i)
        loss += total(select(counts, of_lanes, 0.0))
    sums[0] = loss / outputs


@part(*_LOSS)
def binary_crossentropy(A, Y, dA, outputs, valid, scale, sums):
    """From probabilities, for outputs other than sigmoid; they are kept 1e-7 away from 0 and 1, as in Keras."""
    P = slab_width(A)
    loss = 0.0
    for j in range(0, P, lanes(A)):
        counts = first_lanes(valid - j, A)
        of_lanes = splat(0.0, A)
        for i in range(j, outputs * P, P):
            a, y = load(A + i), load(Y + i)
            p = select(a < PROBABILITY_FLOOR, PROBABILITY_FLOOR, a)
            p = select(p > 1.0 - PROBABILITY_FLOOR, 1.0 - PROBABILITY_FLOOR, p)
            of_lanes = of_lanes - (y * log(p) + (1.0 - y) * log(1.0 - p))
            # where the probability was moved, the loss no longer depends on it
            slope = select(absolute(a - p) > 0.0, 0.0, (p - y) / (p * (1.0 - p)))
            store(select(counts, slope * (scale / outputs), 0.0), dA + i)
        loss += total(select(counts, of_lanes, 0.0))
    sums[0] = loss / outputs


# ------------------------------------------------------------------------------------------------
# Metrics
# ------------------------------------------------------------------------------------------------

@part(*_METRIC)
def binary_accuracy(A, Y, outputs, valid, sums):
    """Share of the outputs on the right side of 0.5."""
    P = slab_width(A)
    right = 0.0
    for j in range(0, P, lanes(A)):
        of_lanes = splat(0.0, A)
        for i in range(j, outputs * P, P):
            guess = select(load(A + i) > 0.5, splat(1.0, A), 0.0)
            of_lanes = of_lanes + select(guess == load(Y + i), splat(1.0, A), 0.0)
        right += total(select(first_lanes(valid - j, A), of_lanes, 0.0))
    sums[0] = right / outputs


@inline
def _argmax(A, j, rows):
    """Index of the first highest row, in every lane, as a float."""
    P = slab_width(A)
    best = load(A + j)
    where = splat(0.0, A)
    for o in range(1, rows):
        a = load(A + (o * P + j))
        where = select(a > best, splat(o, A), where)
        best = select(a > best, a, best)
    return where


@part(*_METRIC)
def categorical_accuracy(A, Y, outputs, valid, sums):
    """Share of the samples whose highest output is the class of the highest target."""
    right = 0.0
    for j in range(0, slab_width(A), lanes(A)):
        hit = select(_argmax(A, j, outputs) == _argmax(Y, j, outputs), splat(1.0, A), 0.0)
        right += total(select(first_lanes(valid - j, A), hit, 0.0))
    sums[0] = right


@part(*_METRIC)
def sparse_categorical_accuracy(A, Y, outputs, valid, sums):
    """Share of the samples whose highest output is their label."""
    right = 0.0
    for j in range(0, slab_width(A), lanes(A)):
        hit = select(_argmax(A, j, outputs) == load(Y + j), splat(1.0, A), 0.0)
        right += total(select(first_lanes(valid - j, A), hit, 0.0))
    sums[0] = right


@part(*_METRIC)
def mean_squared_error_metric(A, Y, outputs, valid, sums):
    P = slab_width(A)
    squares = 0.0
    for j in range(0, P, lanes(A)):
        of_lanes = splat(0.0, A)
        for i in range(j, outputs * P, P):
            error = load(A + i) - load(Y + i)
            of_lanes = fma(error, error, of_lanes)
        squares += total(select(first_lanes(valid - j, A), of_lanes, 0.0))
    sums[0] = squares / outputs


@part(*_METRIC)
def mean_absolute_error_metric(A, Y, outputs, valid, sums):
    P = slab_width(A)
    errors = 0.0
    for j in range(0, P, lanes(A)):
        of_lanes = splat(0.0, A)
        for i in range(j, outputs * P, P):
            of_lanes = of_lanes + absolute(load(A + i) - load(Y + i))
        errors += total(select(first_lanes(valid - j, A), of_lanes, 0.0))
    sums[0] = errors / outputs


# (loss, activation of the output) -> the loss that is fused with it
FUSED = {
    ("binary_crossentropy", "sigmoid"): sigmoid_binary_crossentropy,
    ("categorical_crossentropy", "softmax"): softmax_crossentropy,
    ("sparse_categorical_crossentropy", "softmax"): softmax_crossentropy_sparse,
}
LOSSES = {"binary_crossentropy": binary_crossentropy, "mean_squared_error": mean_squared_error}
METRICS = {
    "binary_accuracy": binary_accuracy,
    "categorical_accuracy": categorical_accuracy,
    "sparse_categorical_accuracy": sparse_categorical_accuracy,
    "mean_squared_error": mean_squared_error_metric,
    "mean_absolute_error": mean_absolute_error_metric,
}
