"""What the tests run over: the names, sizes and problems of one table, so that no test forgets one."""

from itertools import pairwise

import numpy as np
import reference
from reference import Layer

ACTIVATIONS = tuple(reference.ACTIVATIONS)
KINKED = ("relu", "leaky_relu")  # their derivative jumps at 0
DTYPES = (np.float32, np.float64)

# Every output activation with the losses that fit it: cross entropies want probabilities.
PAIRS = (
    ("sigmoid", "binary_crossentropy"),
    ("softmax", "binary_crossentropy"),
    ("softmax", "categorical_crossentropy"),
    ("softmax", "sparse_categorical_crossentropy"),
    *((activation, "mean_squared_error") for activation in ACTIVATIONS),
)

METRICS = {  # those that fit the loss
    "binary_crossentropy": ("binary_accuracy", "mean_squared_error", "mean_absolute_error"),
    "categorical_crossentropy": ("categorical_accuracy", "mean_squared_error", "mean_absolute_error"),
    "sparse_categorical_crossentropy": ("sparse_categorical_accuracy",),
    "mean_squared_error": ("mean_absolute_error", "mean_squared_error"),
}

# name: (class in reference.py and in fcnet.optimizers, its parameters).  Epsilon is large because where a
# gradient vanishes Adam's step is the gradient's rounding error divided by epsilon; Keras's 1e-7 is tried
# in test_kernels.py, where both sides are given the same gradient.
OPTIMIZERS = {
    "sgd": ("SGD", dict(learning_rate=0.1)),
    "momentum": ("SGD", dict(learning_rate=0.05, momentum=0.9)),
    "nesterov": ("SGD", dict(learning_rate=0.05, momentum=0.8, nesterov=True)),
    "adam": ("Adam", dict(learning_rate=0.01, beta_1=0.8, beta_2=0.99, epsilon=1e-2)),
    "adamax": ("Adamax", dict(learning_rate=0.02, beta_1=0.8, beta_2=0.99, epsilon=1e-2)),
}

# Below, at and above the widths of vectors, blocks and slabs.
SIZES = (1, 2, 3, 4, 6, 7, 10, 11, 12, 13, 15, 16, 17, 31, 32, 33, 47, 64, 65, 70)
LONG = 530  # more than one block of the contraction

# (B, I, O): every size in every place and beside different partners; all mixtures of the smallest; long
# contractions of the forward product (I), of dW (B) and of dZ (O).
SHAPES = (
    *((SIZES[i], SIZES[(3 * i + 1) % 20], SIZES[(7 * i + 2) % 20]) for i in range(20)),
    *((SIZES[i], SIZES[(9 * i + 5) % 20], SIZES[-1 - i]) for i in range(20)),
    *((B, I, O) for B in (1, 2, 3) for I in (1, 2, 3) for O in (1, 2, 3)),
    (33, LONG, 13), (LONG, 13, 33), (13, 33, LONG), (70, LONG, LONG),
)


def layers_of(widths, hidden, output, use_bias=True):
    return [Layer(units, output if index == len(widths) - 1 else hidden, use_bias)
            for index, units in enumerate(widths)]


def targets(rng, samples, units, activation, loss, dtype):
    """Labels that suit the pair: of every class, for squared error numbers the output can reach."""
    if loss == "binary_crossentropy":
        Y = rng.integers(0, 2, (samples, units))
    elif loss == "sparse_categorical_crossentropy":
        Y = rng.integers(0, units, (samples, 1))
    elif activation == "softmax":
        Y = reference.one_hot(rng.integers(0, units, samples), units)
    elif activation == "sigmoid":
        Y = rng.random((samples, units))
    else:
        Y = rng.uniform(-1, 1, (samples, units))
    return np.ascontiguousarray(Y, dtype)


def problem(rng, inputs, layers, loss, samples, dtype=np.float64):
    """Glorot weights, small biases, normal inputs, fitting targets; exactly representable in `dtype`."""
    weights, width = [], inputs
    for layer in layers:
        limit = np.sqrt(6 / (width + layer.units))
        W = rng.uniform(-limit, limit, (width, layer.units))
        weights.append((W, rng.uniform(-0.3, 0.3, layer.units) if layer.use_bias else None))
        width = layer.units
    params = reference.flatten(weights).astype(dtype)
    X = rng.standard_normal((samples, inputs)).astype(dtype)
    return params, X, targets(rng, samples, width, layers[-1].activation, loss, dtype)


def batches(orders, batch_size):
    """The rows of every step: orders (epochs, n) cut into batches, the last one of an epoch as it comes."""
    return [order[start:start + batch_size] for order in orders for start in range(0, len(order), batch_size)]


def train(engine, params, optimizer, X, Y, orders, batch_size, loss, metrics=(), cuts=()):
    """All epochs by the engine, cut before the steps `cuts`; returns its sums, (epochs, 1 + metrics)."""
    sums = np.zeros((len(orders), 1 + len(metrics)))
    steps = len(batches(orders, batch_size))
    for first, last in pairwise((0, *cuts, steps)):
        engine.train(params, optimizer, X, Y, orders, batch_size, first, last, loss, metrics, sums)
    assert optimizer.iterations == steps
    return sums


def eps(dtype):
    return float(np.finfo(dtype).eps)


def assert_within(got, want, bound, what=""):
    """|got - want| <= bound for every element; NaN is never within."""
    got, want = np.asarray(got, np.float64), np.asarray(want, np.float64)
    assert got.shape == want.shape, f"{what}: shape {got.shape}, expected {want.shape}"
    excess = np.abs(got - want) / np.maximum(bound, np.finfo(np.float64).tiny)
    inside = (excess <= 1) | (got == want)
    if not np.all(inside):
        worst = np.unravel_index(np.argmax(np.where(np.isnan(excess), np.inf, excess)), got.shape)
        raise AssertionError(f"{what}: {np.sum(~inside)} of {got.size} outside the bound; at {worst} got "
                             f"{got[worst]!r}, expected {want[worst]!r}, {excess[worst]:.3g} times the bound")
