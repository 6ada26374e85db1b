"""What the tests run over: the names, sizes and problems of one table, so that no test forgets one."""

from itertools import pairwise

import numpy as np
import reference
from reference import Layer, Loss

from fcnet import losses, schedules

# label: (name, parameter); None is the default
LABELS = {name: (name, None) for name in reference.ACTIVATIONS} | {
    "leaky_relu(0.01)": ("leaky_relu", 0.01), "elu(0.5)": ("elu", 0.5), "gelu(approximate)": ("gelu", 1.0)}
ACTIVATIONS = tuple(LABELS)
HIDDEN = tuple(label for label in ACTIVATIONS if label != "exponential")  # whose layers would be a tower of powers
KINKS = {"relu": (0,), "leaky_relu": (0,), "relu6": (0, 6), "elu": (0,), "selu": (0,), "hard_sigmoid": (-3, 3),
         "hard_tanh": (-1, 1)}  # where a derivative jumps, or for elu the second one
KEEP_Z = ("gelu", "silu", "mish")  # the backward pass reads Z, not A
DTYPES = (np.float32, np.float64)

SMOOTH = ("label_smoothing", 0.2)
LOGITS = ("from_logits", True)
FOCAL = (("gamma", 1.5), ("alpha", 0.3), ("apply_class_balancing", True))

# Every output activation with the losses that fit it: cross entropies want probabilities or logits.
PAIRS = (
    ("sigmoid", "binary_crossentropy"),
    ("softmax", "binary_crossentropy"),
    ("softmax", "categorical_crossentropy"),
    ("softmax", "sparse_categorical_crossentropy"),
    ("sigmoid", Loss("binary_crossentropy", (SMOOTH,))),
    ("softmax", Loss("binary_crossentropy", (SMOOTH,))),
    ("linear", Loss("binary_crossentropy", (LOGITS, SMOOTH))),
    ("softmax", Loss("categorical_crossentropy", (SMOOTH,))),
    ("linear", Loss("categorical_crossentropy", (LOGITS,))),
    ("linear", Loss("sparse_categorical_crossentropy", (LOGITS,))),
    ("sigmoid", "binary_focal_crossentropy"),
    ("softmax", Loss("binary_focal_crossentropy", (*FOCAL, SMOOTH))),
    ("linear", Loss("binary_focal_crossentropy", (*FOCAL, LOGITS))),
    ("linear", "mean_absolute_error"),
    ("linear", "mean_absolute_percentage_error"),
    ("softplus", "mean_squared_logarithmic_error"),
    ("linear", "huber"),
    ("tanh", Loss("huber", (("delta", 0.3),))),
    ("linear", "log_cosh"),
    ("exponential", "poisson"),
    ("softplus", "poisson"),
    ("softmax", "kl_divergence"),
    ("tanh", "hinge"),
    ("linear", "squared_hinge"),
    ("softmax", "categorical_hinge"),
    *((activation, "mean_squared_error") for activation in ACTIVATIONS),
    ("linear", "root_mean_squared_error"),
    ("softmax", "root_mean_squared_error"),
)

# Every hidden activation and every pair, each with some of the others: a wrong derivative shows in any company.
COMBINATIONS = tuple((HIDDEN[i % len(HIDDEN)], PAIRS[i % len(PAIRS)]) for i in range(len(PAIRS))) + tuple(
    (HIDDEN[i], PAIRS[0]) for i in range(len(HIDDEN)))

METRICS = {  # those that fit the loss; of others, errors
    "binary_crossentropy": ("binary_accuracy", "sign_accuracy", "mean_squared_error", "mean_absolute_error"),
    "categorical_crossentropy": ("categorical_accuracy", "mean_squared_error", "mean_absolute_error"),
    "sparse_categorical_crossentropy": ("sparse_categorical_accuracy",),
    "mean_squared_error": ("mean_absolute_error", "mean_squared_error", "log_cosh"),
    "mean_absolute_percentage_error": ("mean_absolute_percentage_error",),
    "mean_squared_logarithmic_error": ("mean_squared_logarithmic_error",),
    "poisson": ("poisson",),
    "kl_divergence": ("kl_divergence",),
    "hinge": ("sign_accuracy", "hinge", "squared_hinge"),
    "categorical_hinge": ("categorical_hinge",),
}


def metrics_of(loss):
    return METRICS.get(name_of(loss), ("mean_absolute_error",))


def name_of(loss):
    return loss if isinstance(loss, str) else loss.name


def declared(loss):
    """fcnet's loss of this name and these parameters."""
    return loss if isinstance(loss, str) else type(losses.get(loss.name))(**dict(loss.parameters))


def layer(units, label, use_bias=True):
    name, parameter = LABELS[label]
    return Layer(units, name, use_bias, parameter)


def distance_to_kink(params, X, Y, layers, loss):
    """Least distance of a number from where its derivative jumps, in units of the greatest number beside it."""
    steps = reference.forward(params, X, layers)
    found = [np.abs(Z - kink).min() / max(1, np.abs(Z).max()) for layer, (Z, _) in zip(layers, steps, strict=True)
             for kink in KINKS.get(layer.activation, ())]
    A, name = steps[-1][1], name_of(loss)
    if name in ("mean_absolute_error", "mean_absolute_percentage_error", "huber"):
        kinks = np.abs(A - Y) if name != "huber" else np.abs(np.abs(A - Y) - dict(getattr(loss, "parameters", ())).get(
            "delta", 1.0))
        found.append(kinks.min() / max(1, np.abs(A).max()))
    elif name in ("hinge", "squared_hinge"):
        found.append(np.abs(1 - np.where(Y == 0, -1, Y) * A).min())
    elif name == "categorical_hinge":
        wrong = np.sort((1 - Y) * A, axis=1)
        found += [np.abs(reference.categorical_hinge(A, Y)).min(), np.abs(wrong[:, -1] - wrong[:, -2]).min()]
    return min(found, default=np.inf)


# name: (class in reference.py and in fcnet.optimizers, its parameters).  Epsilon is large because where a
# gradient vanishes Adam's step is the gradient's rounding error divided by epsilon; Keras's 1e-7 is tried
# in test_kernels.py, where both sides are given the same gradient.
MOMENTS = dict(beta_1=0.8, beta_2=0.99, epsilon=1e-2)
OPTIMIZERS = {
    "sgd": ("SGD", dict(learning_rate=0.1)),
    "momentum": ("SGD", dict(learning_rate=0.05, momentum=0.9)),
    "nesterov": ("SGD", dict(learning_rate=0.05, momentum=0.8, nesterov=True)),
    "rmsprop": ("RMSprop", dict(learning_rate=0.01, rho=0.8, epsilon=1e-2)),
    "rmsprop momentum": ("RMSprop", dict(learning_rate=0.005, rho=0.8, momentum=0.5, epsilon=1e-2)),
    "rmsprop centered": ("RMSprop", dict(learning_rate=0.005, rho=0.8, momentum=0.5, epsilon=1e-2, centered=True)),
    "adagrad": ("Adagrad", dict(learning_rate=0.05, initial_accumulator_value=0.2, epsilon=1e-2)),
    "adam": ("Adam", dict(learning_rate=0.01, **MOMENTS)),
    "amsgrad": ("Adam", dict(learning_rate=0.01, amsgrad=True, **MOMENTS)),
    "adamw": ("AdamW", dict(learning_rate=0.01, weight_decay=0.5, **MOMENTS)),
    "adamax": ("Adamax", dict(learning_rate=0.02, **MOMENTS)),
    "nadam": ("Nadam", dict(learning_rate=0.01, **MOMENTS)),
    "schedule": ("AdamW", dict(learning_rate=schedules.CosineDecay(0.001, 6, 0.1, 0.02, 3), **MOMENTS)),
    "clipvalue": ("SGD", dict(learning_rate=0.1, clipvalue=0.002, weight_decay=0.1)),
    "clipnorm": ("SGD", dict(learning_rate=0.1, momentum=0.5, clipnorm=0.01, weight_decay=0.1)),
    "global_clipnorm": ("Adam", dict(learning_rate=0.01, global_clipnorm=0.02, **MOMENTS)),
    "accumulation": ("Adam", dict(learning_rate=0.01, gradient_accumulation_steps=3, **MOMENTS)),
    "ema": ("SGD", dict(learning_rate=0.1, use_ema=True, ema_momentum=0.7, ema_overwrite_frequency=2)),
    "everything": ("RMSprop", dict(
        learning_rate=0.01, rho=0.8, epsilon=1e-2, weight_decay=0.2, clipnorm=0.05, use_ema=True, ema_momentum=0.6,
        ema_overwrite_frequency=2, gradient_accumulation_steps=2)),
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
    return [layer(units, output if index == len(widths) - 1 else hidden, use_bias)
            for index, units in enumerate(widths)]


def targets(rng, samples, units, activation, loss, dtype):
    """Labels that suit the pair: of every class, for squared error numbers the output can reach."""
    name = name_of(loss)
    if name in ("binary_crossentropy", "binary_focal_crossentropy", "hinge"):
        Y = rng.integers(0, 2, (samples, units))
    elif name == "squared_hinge":
        Y = 2 * rng.integers(0, 2, (samples, units)) - 1
    elif name == "sparse_categorical_crossentropy":
        Y = rng.integers(0, units, (samples, 1))
    elif name == "categorical_crossentropy":
        Y = reference.one_hot(rng.integers(0, units, samples), units)
    elif name == "poisson":
        Y = rng.poisson(2.0, (samples, units))
    elif name == "kl_divergence":
        Y = reference.softmax(rng.standard_normal((samples, units)))
    elif name in ("mean_absolute_percentage_error", "mean_squared_logarithmic_error"):
        Y = rng.uniform(0.5, 2, (samples, units))
    elif name == "log_cosh":
        Y = rng.uniform(-5, 5, (samples, units))
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


def train(engine, params, optimizer, X, Y, orders, batch_size, loss, metrics=(), cuts=(), weights=None):
    """All epochs by the engine, cut before the steps `cuts`; returns its sums, (epochs, 1 + metrics)."""
    sums = np.zeros((len(orders), 1 + len(metrics)))
    steps = len(batches(orders, batch_size))
    for first, last in pairwise((0, *cuts, steps)):
        engine.train(params, optimizer, X, Y, orders, batch_size, first, last, declared(loss), metrics, sums, weights)
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


class Numbered:
    """Things by their numbers: a length, items, and neither an end nor an iterator."""

    def __init__(self, things):
        self._things = things

    def __len__(self):
        return len(self._things)

    def __getitem__(self, i):
        return self._things[i % len(self)]
