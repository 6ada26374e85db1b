"""Random models and what is done with them, each drawn from one number: `run(draw(seed))`.

Everything that reaches the kernels varies: layers, rules, frozen layers, loss, metrics, optimizer with its options,
dtype, sizes, weights, sparse and dense samples, shuffling, threads, and the limits that decide how a batch is cut.
"""

import contextlib
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from tables import OPTIMIZERS, PAIRS, declared, name_of, targets

import fcnet
from fcnet import (
    Activation,
    Dense,
    Dropout,
    GaussianNoise,
    LayerNormalization,
    Sequential,
    constraints,
    metrics,
    optimizers,
    regularizers,
)

NAMED = [pair for pair in PAIRS if pair[0] in fcnet.activations.ACTIVATIONS]
HIDDEN = sorted({*fcnet.activations.ACTIVATIONS} - {"exponential"})
WIDTHS = (1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 33, 48, 64, 65, 70, 130)
SAMPLES = (1, 2, 3, 5, 8, 15, 16, 17, 31, 32, 33, 63, 65, 100, 129, 257, 400, 1100)
CALLS = ("fit", "predict", "predict one", "evaluate", "train_on_batch", "gradient", "inspect", "freeze", "set_weights")
# How a batch is cut: each changes the memory that is taken, and some the bits.
LIMITS = ({}, {}, dict(CHUNK_ROWS=64, CHUNK_BYTES=1), dict(CHUNK_ROWS=32, CHUNK_BYTES=1, GROUP_SLABS=1),
          dict(LOCAL_CHUNK_SLABS=2), dict(PARTIAL_PARAMS=0), dict(SUMS=8), dict(HELD_BYTES=0),
          dict(ROWS_SHARE=(np.inf,), SUMMED_SHARE=(np.inf,)), dict(ROWS_SHARE=(0,), SUMMED_SHARE=(0,)))


@dataclass
class Case:
    """What `run` needs; its repr tells all of it."""

    seed: int
    dtype: str
    inputs: int
    layers: list
    pair: tuple
    optimizer: str
    samples: int
    batch: int
    calls: list
    metrics: list
    weighted: bool
    form: str
    shuffle: bool
    threads: int
    limits: dict


def draw(seed):
    """The case of this number."""
    rng = np.random.default_rng(seed)

    def one(choices):
        return choices[rng.integers(len(choices))]

    output, loss = one(NAMED)
    widths = WIDTHS[1:] if "softmax" in output or "categorical" in name_of(loss) else WIDTHS
    layers = []
    for _ in range(rng.integers(4)):
        layers.append(("dense", one(WIDTHS), one(HIDDEN), *_rules(rng)))
        if rng.random() < 0.3:
            layers.append((one(("dropout", "noise", "normalization", "activation")), one(HIDDEN), one((True, False)),
                           one((True, False))))
    layers.append(("dense", one(widths), output, *_rules(rng)))
    samples = one(SAMPLES)
    return Case(
        seed=seed, dtype=one(("float32", "float64")), inputs=one(WIDTHS), layers=layers, pair=(output, loss),
        optimizer=one(sorted(OPTIMIZERS)), samples=samples, batch=one([size for size in SAMPLES if size <= samples]),
        calls=[*(one(CALLS) for _ in range(rng.integers(1, 6))), "fit"], metrics=rng.integers(0, 100, 2).tolist(),
        weighted=rng.random() < 0.4, form=one(("dense", "dense", "sparse")), shuffle=one((True, False)),
        threads=one((1, 2, 3)), limits=one(LIMITS),
    )  # fmt: skip


def _rules(rng):
    """Bias, penalty, constraint, multiplier and frozen or not of a Dense."""
    bias, penalty, constraint, multiplier, frozen = (rng.random(5) < 0.2).tolist()
    kinds = rng.integers(1, 4, 2).tolist()
    return not bias, kinds[0] * penalty, kinds[1] * constraint, 0.5 if multiplier else 1.0, frozen


def build(case):
    """The model of a case, compiled; its weights depend on the case alone."""
    fcnet.set_seed(case.seed)
    model, dense = Sequential(dtype=case.dtype), []
    for i, (kind, *arguments) in enumerate(case.layers):
        first = {"input_dim": case.inputs} if i == 0 else {}
        if kind == "dense":
            units, activation, use_bias, penalty, constraint, multiplier, frozen = arguments
            model.add(Dense(
                units, activation, use_bias, kernel_regularizer=(None, "l1", regularizers.L2(1e-3), "l1_l2")[penalty],
                kernel_constraint=(None, "non_neg", "max_norm", constraints.MaxNorm(1.0, axis=1))[constraint],
                bias_constraint="max_norm" if constraint == 3 and use_bias else None,
                learning_rate_multiplier=multiplier, **first,
            ))  # fmt: skip
            dense.append((model.layers[-1], frozen))
        else:
            activation, center, scale = arguments
            model.add({"dropout": Dropout(0.3, seed=3 if center else None), "noise": GaussianNoise(0.1),
                       "normalization": LayerNormalization(center=center, scale=scale),
                       "activation": Activation(activation)}[kind])
    for layer, frozen in dense:
        layer.trainable = not frozen
    loss = declared(case.pair[1])
    kind, parameters = OPTIMIZERS[case.optimizer]
    model.compile(getattr(optimizers, kind)(**parameters), loss, *_metrics(case, model))
    return model


def _metrics(case, model):
    """Two metrics, plain and weighted, of those that fit the loss."""
    fitting = []
    for make in (lambda: metrics.Accuracy(), lambda: metrics.AUC(num_thresholds=20), lambda: metrics.R2Score(),
                 lambda: metrics.F1Score(), lambda: metrics.TopKCategoricalAccuracy(k=1), lambda: metrics.Recall(),
                 lambda: metrics.MeanAbsoluteError(), lambda: metrics.RootMeanSquaredError()):
        try:
            metrics.resolve(make(), name_of(case.pair[1]), model.layers[-1].units)
            fitting.append(make)
        except ValueError:
            pass
    plain, weighted = (fitting[number % len(fitting)]() for number in case.metrics)
    return [[plain], [weighted] if weighted.name != plain.name else []]


@contextlib.contextmanager
def settings(case, monkeypatch):
    """Threads and limits of a case; even the least work is shared."""
    with monkeypatch.context() as patches:
        for name, value in case.limits.items():
            patches.setattr(fcnet.planning, name, value)
        patches.setattr(fcnet._runtime, "SHARE_FLOPS", 1)
        fcnet.set_num_threads(case.threads)
        try:
            yield
        finally:
            fcnet.set_num_threads(None)


def run(case, put=lambda array: array):
    """Everything that the calls of a case give, as a list of arrays; `put` lays the caller's arrays somewhere."""
    model, rng = build(case), np.random.default_rng(case.seed + 1)
    X = rng.standard_normal((case.samples, case.inputs)).astype(case.dtype)
    if case.form == "sparse":
        X[rng.random(X.shape) < 0.7] = 0
    Y = put(targets(rng, case.samples, model.layers[-1].units, case.pair[0], case.pair[1], case.dtype))
    weights = put(rng.integers(1, 4, case.samples).astype(case.dtype)) if case.weighted else None
    X = sparse.csr_array(X) if case.form == "sparse" else put(X)
    found = []
    for number, call in enumerate(case.calls):
        try:
            found += _call(model, call, case, X, Y, weights, number)
        except FloatingPointError as error:
            found.append(np.frombuffer(str(error).encode(), np.uint8))
        assert np.isfinite(model.parameters).all()
    return [np.array(array) for array in (*found, model.parameters, *model.optimizer.state)]


def _call(model, call, case, X, Y, weights, number):
    """One call, and what it gives."""
    some = slice(0, 1 + case.seed % case.samples)
    of_some = None if weights is None else weights[some]
    if call == "fit":
        history = model.fit(X, Y, case.batch, 2, 0, shuffle=case.shuffle, sample_weight=weights, seed=number)
        return [np.array(list(history.history.values()))]
    if call == "predict":
        return [model.predict(X)]
    if call == "predict one":
        return [model.predict(X[:1]), model.predict(X[some])]
    if call == "evaluate":
        return [np.array(model.evaluate(X, Y, sample_weight=weights))]
    if call == "train_on_batch":
        return [np.array(model.train_on_batch(X[some], Y[some], of_some))]
    if call == "gradient":
        return list(model.loss_and_gradient(X, Y, weights))
    if call == "inspect":
        seen = model.inspect(X[some], Y[some], of_some)
        parts = [part for layer in seen for part in (layer.Z, layer.A, layer.dZ, layer.dW, layer.db)]
        return [part for part in parts if part is not None]
    layer = model.layers[number % len(model.layers)]
    if call == "freeze":
        layer.trainable = not layer.trainable
    else:
        model.set_weights([W / 2 for W in model.get_weights()])
    return []
