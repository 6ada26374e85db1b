"""Metrics that are functions of several sums: counts by class, counts by probability, moments of the targets.

They have the arguments of any metric, see `losses`; ``sparse`` among the parameters says that Y (1, P) holds class
numbers.  `fcnet.metrics` makes the metric of the sums.
"""

from __future__ import annotations

from math import ceil, exp

from . import losses
from ._jit import inline, part
from .losses import METRIC, argmax, weighted
from .matmul import slab_width
from .simd import lanes, load, select, splat, total

SPARSE = 0
HIGHEST, THRESHOLD = 1, 2
"""Places in the parameters of `class_counts`: whether the highest output says yes, else all above THRESHOLD do."""
BUCKETS, LOGITS, SEPARATE = 1, 2, 3
"""Places in the parameters of `histogram`."""
K = 1
"""Place in the parameters of `top_k_accuracy`."""


@inline
def _is_class(Y, o, j, sparse):
    """1 in the lanes whose label is class o, else 0."""
    if sparse:
        return select(load(Y + j) == o, splat(1.0, Y), 0.0)
    return select(load(Y + (o * slab_width(Y) + j)) > 0.0, splat(1.0, Y), 0.0)


@part(*METRIC)
def class_counts(A, Y, outputs, weights, parameters, sums):
    """Of every output three sums: right when it says yes, wrong when it says yes, wrong when it says no."""
    sparse, highest, threshold = parameters[SPARSE] != 0.0, parameters[HIGHEST] != 0.0, parameters[THRESHOLD]
    P = slab_width(A)
    for i in range(3 * outputs):
        sums[i] = 0.0
    for j in range(0, P, lanes(A)):
        weight = load(weights + j)
        best = argmax(A, j, outputs) if highest else splat(0.0, A)
        for o in range(outputs):
            true = _is_class(Y, o, j, sparse)
            if highest:
                said = select(best == o, splat(1.0, A), 0.0)
            else:
                said = select(load(A + (o * P + j)) > threshold, splat(1.0, A), 0.0)
            sums[3 * o] += total(weighted(said * true, weight))
            sums[3 * o + 1] += total(weighted(said * (1.0 - true), weight))
            sums[3 * o + 2] += total(weighted((1.0 - said) * true, weight))


@part(*METRIC)
def histogram(A, Y, outputs, weights, parameters, sums):
    """Sums of weights by label (no, yes) and bucket of the probability a: bucket b has b / n < a <= (b + 1) / n.

    All outputs together, or one after the other.  Buckets 0 and n - 1 also have what is below and above.  NaN is in no
    bucket: it makes the first sum NaN.
    """
    sparse, logits, separate = parameters[SPARSE] != 0.0, parameters[LOGITS] != 0.0, parameters[SEPARATE] != 0.0
    n = int(parameters[BUCKETS])
    P = slab_width(A)
    for i in range(2 * n * (outputs if separate else 1)):
        sums[i] = 0.0
    for s in range(P):
        weight = float(weights[s])
        if weight == 0.0:
            continue
        for o in range(outputs):
            a = float(A[o * P + s])
            if logits:
                a = 1.0 / (1.0 + exp(-a))
            true = Y[s] == o if sparse else Y[o * P + s] > 0.0
            place = (2 * o if separate else 0) + (1 if true else 0)
            if a == a:
                bucket = ceil(min(max(a, 0.0), 1.0) * n) - 1
                sums[place * n + max(bucket, 0)] += weight
            else:
                sums[place * n] += a


@part(*METRIC)
def moments(A, Y, outputs, weights, parameters, sums):
    """Of every output the sums of y, y^2 and (y - a)^2, in float64: their differences are what counts."""
    P = slab_width(A)
    for i in range(3 * outputs):
        sums[i] = 0.0
    for s in range(P):
        weight = float(weights[s])
        if weight == 0.0:
            continue
        for o in range(outputs):
            y = float(Y[o * P + s])
            error = y - float(A[o * P + s])
            sums[3 * o] += weight * y
            sums[3 * o + 1] += weight * y * y
            sums[3 * o + 2] += weight * error * error


@part(*METRIC)
def top_k_accuracy(A, Y, outputs, weights, parameters, sums):
    """Share of the samples with fewer than k outputs above that of their label."""
    P = slab_width(A)
    right = 0.0
    for j in range(0, P, lanes(A)):
        label = load(Y + j) if parameters[SPARSE] != 0.0 else argmax(Y, j, outputs)
        chosen, above = splat(0.0, A), splat(0.0, A)
        for o in range(outputs):
            chosen = select(label == o, load(A + (o * P + j)), chosen)
        for o in range(outputs):
            above = above + select(load(A + (o * P + j)) <= chosen, splat(0.0, A), 1.0)  # NaN counts
        right += total(weighted(select(above < parameters[K], splat(1.0, A), 0.0), load(weights + j)))
    sums[0] = right


METRICS = {**losses.METRICS, **{function.__name__: function for function in (
    class_counts, histogram, moments, top_k_accuracy)}}
