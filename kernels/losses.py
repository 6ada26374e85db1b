"""Losses and metrics on one slab: A (outputs, P) against Y (targets, P), each lane a sample with a weight (P,).

A loss ``loss(A, Y, dA, outputs, weights, scale, parameters, sums)`` writes the weighted sum over the samples to
``sums[0]`` and ``scale`` times its gradient to dA (outputs, P).  Weights are 0 or more; where one is 0, also in the
lanes behind the last sample, dA is 0 and nothing is added, whatever A and Y hold: nothing after it needs to know how
many samples a slab holds.  ``scale`` is 1 / sum of the batch's weights: the loss is the mean over them.  Without
weights they are all 1, and a multiplication by 1 changes no bit.
``parameters`` are N_PARAMETERS numbers: what a loss reads of them is named with it.

The fused ones take the logits in A, leave the probabilities there (or the logits, if `FROM_LOGITS` is set: then the
logits are the output) and give dZ instead of dA.  They compute the loss from the logits, so that a probability of
exactly 0 or 1 never meets a logarithm:

- sigmoid + binary cross entropy:  -y ln p - (1 - y) ln(1 - p) = ln(1 + e^z) - y z,  dZ = (p - y) / B
- softmax + cross entropy:         -sum_i y_i ln p_i = sum_i y_i (h - z_i + ln sum_j e^(z_j - h)),  h = max z,
  dZ = (p sum_i y_i - y) / B
- exponential + Poisson:           a - y ln a = e^z - y z,  dZ = (a - y) / B

Losses over several outputs are the mean over them, but for the categorical ones and the Kullback-Leibler divergence,
which are sums, as in Keras 3: https://keras.io/api/losses.  All formulas and constants are Keras's; the fused ones need
none of its constants that keep logarithms away from 0.

Source of the cross entropies: C. M. Bishop, Pattern Recognition and Machine Learning, 2006, 4.3.2, 4.3.4 and 5.2.

A metric ``metric(A, Y, outputs, weights, parameters, sums)`` writes its weighted sum over the samples to ``sums[0]``,
some of them several sums.  `METRICS` has them by name.
"""

from __future__ import annotations

import numpy as np

from ._jit import COUNT, FLOATS, NUMBER, NUMBERS, inline, part
from .elementary import exp, expm1, log, log1p, log1p_exp_and_sigmoid
from .matmul import slab_width
from .simd import absolute, constant, copysign, fma, lanes, load, select, splat, store, total

PROBABILITY_FLOOR = 1e-7
"""Keras's epsilon: what keeps logarithms and divisions away from 0."""

LOSS = NUMBERS, NUMBERS, NUMBERS, COUNT, NUMBERS, NUMBER, FLOATS, FLOATS
METRIC = NUMBERS, NUMBERS, COUNT, NUMBERS, FLOATS, FLOATS
"""Arguments of a loss and of a metric."""

N_PARAMETERS = 5
FROM_LOGITS, LABEL_SMOOTHING, GAMMA, ALPHA, BALANCING = range(N_PARAMETERS)
"""Places in the parameters of a cross entropy.  Smoothing draws labels towards the mean of the classes: y (1 - s) +
s / classes; with s = 0 they keep their bits."""
DELTA = 0
"""Place in the parameters of huber."""


@inline
def weighted(x, weight):
    """weight x, and 0 where the weight is 0, also if x is NaN."""
    return select(weight > 0.0, x * weight, 0.0)


@inline
def _at_least(x, least):
    """max(x, least), NaN for NaN."""
    return select(x < least, least, x)


@inline
def _sign(x):
    """1, 0 or -1, NaN for NaN."""
    return select(x > 0.0, 1.0, select(x < 0.0, -1.0, x))


@inline
def _smooth(y, parameters):
    return y * (1.0 - parameters[LABEL_SMOOTHING]) + parameters[LABEL_SMOOTHING] / 2


@inline
def _class_weight(y, parameters):
    alpha = parameters[ALPHA]
    return y * alpha + (1.0 - y) * (1.0 - alpha) if parameters[BALANCING] != 0.0 else 1.0 + 0.0 * y


# ------------------------------------------------------------------------------------------------
# Losses that read the outputs of a sample more than once
# ------------------------------------------------------------------------------------------------

@inline
def _softmax_of_lanes(A, E, j, outputs):
    """E = e^(z - h), h = max z; returns h, the sum of the exponentials and its logarithm.

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
        store(e, E + i)
        others = others + select(z == highest, 0.0, e)
        ones = ones + select(z == highest, splat(1.0, A), 0.0)
    others = others + ones
    return highest, 1.0 + others, log1p(others)


@part(*LOSS)
def softmax_crossentropy(A, Y, dZ, outputs, weights, scale, parameters, sums):
    P = slab_width(A)
    kept, share = 1.0 - parameters[LABEL_SMOOTHING], parameters[LABEL_SMOOTHING] / outputs
    leave_logits = parameters[FROM_LOGITS] != 0.0
    loss = 0.0
    for j in range(0, P, lanes(A)):
        weight, mass, of_lanes = load(weights + j), splat(0.0, A), splat(0.0, A)
        highest, exponentials, logarithm = _softmax_of_lanes(A, dZ, j, outputs)
        for i in range(j, outputs * P, P):
            y = load(Y + i) * kept + share
            mass = mass + y
            of_lanes = fma(y, highest - load(A + i), of_lanes)
        for i in range(j, outputs * P, P):
            p = load(dZ + i) / exponentials
            if not leave_logits:
                store(p, A + i)
            store(weighted(mass * p - (load(Y + i) * kept + share), weight * scale), dZ + i)
        of_lanes = fma(mass, logarithm, of_lanes)
        loss += total(weighted(of_lanes, weight))
    sums[0] = loss


@part(*LOSS)
def softmax_crossentropy_sparse(A, Y, dZ, outputs, weights, scale, parameters, sums):
    """Y (1, P) holds class indices; one-hot rows are never made."""
    P = slab_width(A)
    leave_logits = parameters[FROM_LOGITS] != 0.0
    loss = 0.0
    for j in range(0, P, lanes(A)):
        weight = load(weights + j)
        label = load(Y + j)
        chosen = splat(0.0, A)
        for o in range(outputs):
            chosen = select(label == o, load(A + (o * P + j)), chosen)
        highest, exponentials, logarithm = _softmax_of_lanes(A, dZ, j, outputs)
        for o in range(outputs):
            p = load(dZ + (o * P + j)) / exponentials
            if not leave_logits:
                store(p, A + (o * P + j))
            store(weighted(select(label == o, p - 1.0, p), weight * scale), dZ + (o * P + j))
        of_lanes = (highest - chosen) + logarithm
        loss += total(weighted(of_lanes, weight))
    sums[0] = loss


# ------------------------------------------------------------------------------------------------
# Fused losses that are a mean over the outputs: value, slope and output of one logit
# ------------------------------------------------------------------------------------------------

@inline
def _from_logits(formula, A, Y, dZ, outputs, weights, scale, parameters, sums):
    """`_over_outputs` with a share of 1 / outputs, and the outputs to A, unless the logits are the output."""
    P = slab_width(A)
    leave_logits = parameters[FROM_LOGITS] != 0.0
    loss = 0.0
    for j in range(0, P, lanes(A)):
        weight = load(weights + j)
        of_lanes = splat(0.0, A)
        for i in range(j, outputs * P, P):
            value, slope, output = formula(load(A + i), load(Y + i), parameters)
            of_lanes = of_lanes + value
            if not leave_logits:
                store(output, A + i)
            store(weighted(slope, weight * (scale / outputs)), dZ + i)
        loss += total(weighted(of_lanes, weight))
    sums[0] = loss / outputs


@inline
def _sigmoid_binary_crossentropy(z, y, parameters):
    y = _smooth(y, parameters)
    # ln(1 + e^z) = max(z, 0) + ln(1 + e^-|z|); the first part cancels against y z, so it goes first
    tail, p = log1p_exp_and_sigmoid(z)
    return (select(z < 0.0, 0.0, z) - y * z) + tail, p - y, p


@inline
def _sigmoid_binary_focal_crossentropy(z, y, parameters):
    y = _smooth(y, parameters)
    tail, size = log1p_exp_and_sigmoid(absolute(z))
    other = exp(-absolute(z)) * size  # 1 - size, to its last digits
    p, rest = select(z < 0.0, other, size), select(z < 0.0, size, other)
    entropy = (select(z < 0.0, 0.0, z) - y * z) + tail
    wrong = _at_least(y * rest + (1.0 - y) * p, 1e-37)
    factor = _class_weight(y, parameters) * exp(parameters[GAMMA] * log(wrong))
    # of the factor, gamma q^(gamma - 1) dq/dz, dq/dz = (1 - 2 y) p (1 - p)
    slope = parameters[GAMMA] * entropy * ((1.0 - 2.0 * y) * p * rest / wrong) + (p - y)
    return factor * entropy, factor * slope, p


@inline
def _exponential_poisson(z, y, parameters):
    a = exp(z)
    return a - y * z, a - y, a


@part(*LOSS)
def sigmoid_binary_crossentropy(A, Y, dZ, outputs, weights, scale, parameters, sums):
    _from_logits(_sigmoid_binary_crossentropy, A, Y, dZ, outputs, weights, scale, parameters, sums)


@part(*LOSS)
def sigmoid_binary_focal_crossentropy(A, Y, dZ, outputs, weights, scale, parameters, sums):
    """w q^gamma times the binary cross entropy; q = y (1 - p) + (1 - y) p is the probability of the wrong answer.

    With balancing, w = y alpha + (1 - y) (1 - alpha).
    Source: T.-Y. Lin and others, Focal loss for dense object detection, 2017, equations (4) and (5).
    """
    _from_logits(_sigmoid_binary_focal_crossentropy, A, Y, dZ, outputs, weights, scale, parameters, sums)


@part(*LOSS)
def exponential_poisson(A, Y, dZ, outputs, weights, scale, parameters, sums):
    _from_logits(_exponential_poisson, A, Y, dZ, outputs, weights, scale, parameters, sums)


# ------------------------------------------------------------------------------------------------
# Losses that are a mean or a sum over the outputs: value and slope of one output
# ------------------------------------------------------------------------------------------------

@inline
def _probability(a):
    """`a` kept away from 0 and 1, and where it was moved: the loss does not depend on it there."""
    p = _at_least(a, PROBABILITY_FLOOR)
    p = select(p > 1.0 - PROBABILITY_FLOOR, 1.0 - PROBABILITY_FLOOR, p)
    return p, absolute(a - p) > 0.0


@inline
def _binary_crossentropy(a, y, parameters):
    y = _smooth(y, parameters)
    p, moved = _probability(a)
    return -(y * log(p) + (1.0 - y) * log(1.0 - p)), select(moved, 0.0, (p - y) / (p * (1.0 - p)))


@inline
def _binary_focal_crossentropy(a, y, parameters):
    entropy, slope = _binary_crossentropy(a, y, parameters)
    y = _smooth(y, parameters)
    wrong = _at_least(y * (1.0 - a) + (1.0 - y) * a, 1e-37)
    factor = _class_weight(y, parameters) * exp(parameters[GAMMA] * log(wrong))
    return factor * entropy, factor * (slope + parameters[GAMMA] * entropy * ((1.0 - 2.0 * y) / wrong))


@inline
def _squared_error(a, y, parameters):
    error = a - y
    return error * error, 2.0 * error


@inline
def _absolute_error(a, y, parameters):
    return absolute(a - y), _sign(a - y)


@inline
def _absolute_percentage_error(a, y, parameters):
    part_of = 100.0 / _at_least(absolute(y), PROBABILITY_FLOOR)
    return absolute(a - y) * part_of, _sign(a - y) * part_of


@inline
def _squared_logarithmic_error(a, y, parameters):
    moved = _at_least(a, PROBABILITY_FLOOR)
    error = log1p(moved) - log1p(_at_least(y, PROBABILITY_FLOOR))
    return error * error, select(a < PROBABILITY_FLOOR, 0.0, 2.0 * error / (1.0 + moved))


@inline
def _huber(a, y, parameters):
    delta = parameters[DELTA]
    error = a - y
    size = absolute(error)
    slope = select(error > delta, delta, select(error < -delta, -delta, error))
    return select(size > delta, delta * (size - 0.5 * delta), 0.5 * error * error), slope


_cosh_is_exp = constant(20.0, 40.0)


@inline
def _log_cosh(a, y, parameters):
    # cosh e - 1 = m^2 / (2 (1 + m)) with m = e^|e| - 1: the logarithm of 1 + that keeps its digits near 0
    error = a - y
    size = absolute(error)
    near = select(size > _cosh_is_exp(size), _cosh_is_exp(size), size)
    m = expm1(near)
    power = 1.0 + m
    tanh = m * (m + 2.0) / (power * power + 1.0)
    return log1p(m * m / (2.0 * power)) + (size - near), copysign(tanh, error)


@inline
def _poisson(a, y, parameters):
    rate = a + PROBABILITY_FLOOR
    return a - y * log(rate), 1.0 - y / rate


@inline
def _between(x):
    """`x` kept between Keras's epsilon and 1."""
    x = _at_least(x, PROBABILITY_FLOOR)
    return select(x > 1.0, 1.0, x)


@inline
def _kl_divergence(a, y, parameters):
    y, p = (_between(y), _between(a))
    moved = absolute(a - p) > 0.0
    return y * log(y / p), select(moved, 0.0, -y / p)


@inline
def _hinge(a, y, parameters):
    # labels 1, and 0 or -1
    sign = select(y > 0.0, 1.0 + 0.0 * y, -1.0)
    lack = 1.0 - sign * a
    return select(lack <= 0.0, 0.0, lack), select(lack <= 0.0, 0.0, select(lack > 0.0, -sign, lack))


@inline
def _squared_hinge(a, y, parameters):
    lack, slope = _hinge(a, y, parameters)
    return lack * lack, 2.0 * lack * slope


@inline
def _categorical_hinge(A, Y, j, outputs):
    """The loss of every lane, and the number of the output with the greatest (1 - y) a, as a float."""
    P = slab_width(A)
    right, most, where = splat(0.0, A), splat(-np.inf, A), splat(0.0, A)
    for o in range(outputs):
        a, y = load(A + (o * P + j)), load(Y + (o * P + j))
        right = fma(y, a, right)
        wrong = (1.0 - y) * a
        where = select(wrong > most, splat(o, A), where)
        most = select(wrong > most, wrong, most)
    lack = (most - right) + 1.0
    return select(lack <= 0.0, 0.0, lack), where


@inline
def _over_outputs(formula, A, Y, dA, outputs, weights, scale, parameters, sums, share):
    """`share` times the sum over the outputs."""
    P = slab_width(A)
    loss = 0.0
    for j in range(0, P, lanes(A)):
        weight = load(weights + j)
        of_lanes = splat(0.0, A)
        for i in range(j, outputs * P, P):
            value, slope = formula(load(A + i), load(Y + i), parameters)
            of_lanes = of_lanes + value
            store(weighted(slope, weight * (scale * share)), dA + i)
        loss += total(weighted(of_lanes, weight))
    sums[0] = loss * share


@inline
def _metric_over_outputs(formula, A, Y, outputs, weights, parameters, sums, share):
    """The same without a gradient."""
    P = slab_width(A)
    metric = 0.0
    for j in range(0, P, lanes(A)):
        of_lanes = splat(0.0, A)
        for i in range(j, outputs * P, P):
            value, _ = formula(load(A + i), load(Y + i), parameters)
            of_lanes = of_lanes + value
        metric += total(weighted(of_lanes, load(weights + j)))
    sums[0] = metric * share


@part(*LOSS)
def binary_crossentropy(A, Y, dA, outputs, weights, scale, parameters, sums):
    """From probabilities, for outputs other than sigmoid; they are kept 1e-7 away from 0 and 1, as in Keras."""
    _over_outputs(_binary_crossentropy, A, Y, dA, outputs, weights, scale, parameters, sums, 1.0 / outputs)


@part(*LOSS)
def binary_focal_crossentropy(A, Y, dA, outputs, weights, scale, parameters, sums):
    """The same times w q^gamma: see `sigmoid_binary_focal_crossentropy`."""
    _over_outputs(_binary_focal_crossentropy, A, Y, dA, outputs, weights, scale, parameters, sums, 1.0 / outputs)


@part(*LOSS)
def mean_squared_error(A, Y, dA, outputs, weights, scale, parameters, sums):
    """(a - y)^2; dA = 2 (a - y) / B."""
    _over_outputs(_squared_error, A, Y, dA, outputs, weights, scale, parameters, sums, 1.0 / outputs)


@part(*LOSS)
def mean_absolute_error(A, Y, dA, outputs, weights, scale, parameters, sums):
    """|a - y|; dA = sign(a - y) / B, 0 where a = y."""
    _over_outputs(_absolute_error, A, Y, dA, outputs, weights, scale, parameters, sums, 1.0 / outputs)


@part(*LOSS)
def mean_absolute_percentage_error(A, Y, dA, outputs, weights, scale, parameters, sums):
    """100 |a - y| / |y|, |y| being 1e-7 or more."""
    _over_outputs(_absolute_percentage_error, A, Y, dA, outputs, weights, scale, parameters, sums, 1.0 / outputs)


@part(*LOSS)
def mean_squared_logarithmic_error(A, Y, dA, outputs, weights, scale, parameters, sums):
    """(ln(1 + a) - ln(1 + y))^2, a and y being 1e-7 or more."""
    _over_outputs(_squared_logarithmic_error, A, Y, dA, outputs, weights, scale, parameters, sums, 1.0 / outputs)


@part(*LOSS)
def huber(A, Y, dA, outputs, weights, scale, parameters, sums):
    """e^2 / 2 for |e| <= delta, else delta |e| - delta^2 / 2; e = a - y.

    Source: P. J. Huber, Robust estimation of a location parameter, 1964.
    """
    _over_outputs(_huber, A, Y, dA, outputs, weights, scale, parameters, sums, 1.0 / outputs)


@part(*LOSS)
def log_cosh(A, Y, dA, outputs, weights, scale, parameters, sums):
    """ln cosh(a - y); dA = tanh(a - y) / B."""
    _over_outputs(_log_cosh, A, Y, dA, outputs, weights, scale, parameters, sums, 1.0 / outputs)


@part(*LOSS)
def poisson(A, Y, dA, outputs, weights, scale, parameters, sums):
    """a - y ln(a + 1e-7), the negative log likelihood of a count y with mean a, but for ln y!."""
    _over_outputs(_poisson, A, Y, dA, outputs, weights, scale, parameters, sums, 1.0 / outputs)


@part(*LOSS)
def kl_divergence(A, Y, dA, outputs, weights, scale, parameters, sums):
    """Sum of y ln(y / a), both kept between 1e-7 and 1.

    Source: S. Kullback, R. A. Leibler, On information and sufficiency, 1951.
    """
    _over_outputs(_kl_divergence, A, Y, dA, outputs, weights, scale, parameters, sums, 1.0)


@part(*LOSS)
def hinge(A, Y, dA, outputs, weights, scale, parameters, sums):
    """max(1 - y a, 0), y = 1 or -1; 0 means -1."""
    _over_outputs(_hinge, A, Y, dA, outputs, weights, scale, parameters, sums, 1.0 / outputs)


@part(*LOSS)
def squared_hinge(A, Y, dA, outputs, weights, scale, parameters, sums):
    """max(1 - y a, 0)^2, y = 1 or -1; 0 means -1."""
    _over_outputs(_squared_hinge, A, Y, dA, outputs, weights, scale, parameters, sums, 1.0 / outputs)


@part(*LOSS)
def categorical_hinge(A, Y, dA, outputs, weights, scale, parameters, sums):
    """max(n - p + 1, 0), p = sum of y a, n = the greatest (1 - y) a."""
    P = slab_width(A)
    loss = 0.0
    for j in range(0, P, lanes(A)):
        weight = load(weights + j)
        of_lanes, where = _categorical_hinge(A, Y, j, outputs)
        active = select(of_lanes <= 0.0, 0.0, weight * scale)
        for o in range(outputs):
            y = load(Y + (o * P + j))
            store(weighted(select(where == o, 1.0 - y, 0.0) - y, active), dA + (o * P + j))
        loss += total(weighted(of_lanes, weight))
    sums[0] = loss


# ------------------------------------------------------------------------------------------------
# Metrics
# ------------------------------------------------------------------------------------------------

@part(*METRIC)
def binary_accuracy(A, Y, outputs, weights, parameters, sums):
    """Share of the outputs on the right side of 0.5."""
    P = slab_width(A)
    right = 0.0
    for j in range(0, P, lanes(A)):
        of_lanes = splat(0.0, A)
        for i in range(j, outputs * P, P):
            guess = select(load(A + i) > 0.5, splat(1.0, A), 0.0)
            of_lanes = of_lanes + select(guess == load(Y + i), splat(1.0, A), 0.0)
        right += total(weighted(of_lanes, load(weights + j)))
    sums[0] = right / outputs


@part(*METRIC)
def sign_accuracy(A, Y, outputs, weights, parameters, sums):
    """Share of the outputs above 0 where the label is, for logits and for hinge losses."""
    P = slab_width(A)
    right = 0.0
    for j in range(0, P, lanes(A)):
        of_lanes = splat(0.0, A)
        for i in range(j, outputs * P, P):
            guess = select(load(A + i) > 0.0, splat(1.0, A), 0.0)
            of_lanes = of_lanes + select(guess == select(load(Y + i) > 0.0, splat(1.0, A), 0.0), splat(1.0, A), 0.0)
        right += total(weighted(of_lanes, load(weights + j)))
    sums[0] = right / outputs


@inline
def argmax(A, j, rows):
    """Index of the first highest row, in every lane, as a float."""
    P = slab_width(A)
    best = load(A + j)
    where = splat(0.0, A)
    for o in range(1, rows):
        a = load(A + (o * P + j))
        where = select(a > best, splat(o, A), where)
        best = select(a > best, a, best)
    return where


@part(*METRIC)
def categorical_accuracy(A, Y, outputs, weights, parameters, sums):
    """Share of the samples whose highest output is the class of the highest target."""
    right = 0.0
    for j in range(0, slab_width(A), lanes(A)):
        hit = select(argmax(A, j, outputs) == argmax(Y, j, outputs), splat(1.0, A), 0.0)
        right += total(weighted(hit, load(weights + j)))
    sums[0] = right


@part(*METRIC)
def sparse_categorical_accuracy(A, Y, outputs, weights, parameters, sums):
    """Share of the samples whose highest output is their label."""
    right = 0.0
    for j in range(0, slab_width(A), lanes(A)):
        hit = select(argmax(A, j, outputs) == load(Y + j), splat(1.0, A), 0.0)
        right += total(weighted(hit, load(weights + j)))
    sums[0] = right


@part(*METRIC)
def mean_squared_error_metric(A, Y, outputs, weights, parameters, sums):
    _metric_over_outputs(_squared_error, A, Y, outputs, weights, parameters, sums, 1.0 / outputs)


@part(*METRIC)
def mean_absolute_error_metric(A, Y, outputs, weights, parameters, sums):
    _metric_over_outputs(_absolute_error, A, Y, outputs, weights, parameters, sums, 1.0 / outputs)


@part(*METRIC)
def mean_absolute_percentage_error_metric(A, Y, outputs, weights, parameters, sums):
    _metric_over_outputs(_absolute_percentage_error, A, Y, outputs, weights, parameters, sums, 1.0 / outputs)


@part(*METRIC)
def mean_squared_logarithmic_error_metric(A, Y, outputs, weights, parameters, sums):
    _metric_over_outputs(_squared_logarithmic_error, A, Y, outputs, weights, parameters, sums, 1.0 / outputs)


@part(*METRIC)
def log_cosh_metric(A, Y, outputs, weights, parameters, sums):
    _metric_over_outputs(_log_cosh, A, Y, outputs, weights, parameters, sums, 1.0 / outputs)


@part(*METRIC)
def poisson_metric(A, Y, outputs, weights, parameters, sums):
    _metric_over_outputs(_poisson, A, Y, outputs, weights, parameters, sums, 1.0 / outputs)


@part(*METRIC)
def kl_divergence_metric(A, Y, outputs, weights, parameters, sums):
    _metric_over_outputs(_kl_divergence, A, Y, outputs, weights, parameters, sums, 1.0)


@part(*METRIC)
def hinge_metric(A, Y, outputs, weights, parameters, sums):
    _metric_over_outputs(_hinge, A, Y, outputs, weights, parameters, sums, 1.0 / outputs)


@part(*METRIC)
def squared_hinge_metric(A, Y, outputs, weights, parameters, sums):
    _metric_over_outputs(_squared_hinge, A, Y, outputs, weights, parameters, sums, 1.0 / outputs)


@part(*METRIC)
def categorical_hinge_metric(A, Y, outputs, weights, parameters, sums):
    metric = 0.0
    for j in range(0, slab_width(A), lanes(A)):
        of_lanes, _ = _categorical_hinge(A, Y, j, outputs)
        metric += total(weighted(of_lanes, load(weights + j)))
    sums[0] = metric


# (loss, activation of the output) -> the loss fused with it; a linear output of a cross entropy is one of logits
FUSED = {
    (name, activation): function
    for name, output, function in (
        ("binary_crossentropy", "sigmoid", sigmoid_binary_crossentropy),
        ("binary_focal_crossentropy", "sigmoid", sigmoid_binary_focal_crossentropy),
        ("categorical_crossentropy", "softmax", softmax_crossentropy),
        ("sparse_categorical_crossentropy", "softmax", softmax_crossentropy_sparse),
    )
    for activation in (output, "linear")
} | {("poisson", "exponential"): exponential_poisson}
LOSSES = {function.__name__: function for function in (
    binary_crossentropy, binary_focal_crossentropy, mean_squared_error, mean_absolute_error,
    mean_absolute_percentage_error, mean_squared_logarithmic_error, huber, log_cosh, poisson, kl_divergence, hinge,
    squared_hinge, categorical_hinge)}
LOSSES["root_mean_squared_error"] = mean_squared_error
ROOTS = ("root_mean_squared_error",)
"""Of these a part has the square: a batch's loss is the root of the mean, see `network.add_root_sums`."""
METRICS = {
    "binary_accuracy": binary_accuracy,
    "sign_accuracy": sign_accuracy,
    "categorical_accuracy": categorical_accuracy,
    "sparse_categorical_accuracy": sparse_categorical_accuracy,
    "mean_squared_error": mean_squared_error_metric,
    "mean_absolute_error": mean_absolute_error_metric,
    "mean_absolute_percentage_error": mean_absolute_percentage_error_metric,
    "mean_squared_logarithmic_error": mean_squared_logarithmic_error_metric,
    "log_cosh": log_cosh_metric,
    "poisson": poisson_metric,
    "kl_divergence": kl_divergence_metric,
    "hinge": hinge_metric,
    "squared_hinge": squared_hinge_metric,
    "categorical_hinge": categorical_hinge_metric,
}
