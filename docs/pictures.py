"""Draws the svg files of this folder, but roofline.svg, with fcnet itself: python docs/pictures.py.

It needs the extra `plot`. The pictures of measurements are drawn by the scripts of benchmarks/.
"""

from pathlib import Path

import matplotlib
import numpy as np

import fcnet
from fcnet import Dense, Dropout, Sequential, activations, datasets, kernels, losses, optimizers, schedules
from fcnet.engine import Engine, _Linear

matplotlib.use("Agg")
matplotlib.rcParams.update({"svg.hashsalt": "fcnet", "svg.fonttype": "none", "font.size": 9})
from matplotlib import pyplot as plt  # noqa: E402

HERE = Path(__file__).resolve().parent
KEEP_Z = ("gelu", "silu", "mish")


def draw_activations():
    names = [name for name in activations.ACTIVATIONS if name not in ("linear", "softmax", "swish")]
    figure, plots = plt.subplots(3, 5, figsize=(11, 6.2), sharex=True, layout="constrained")
    Z = np.linspace(-7, 7, 701)
    for plot, name in zip(plots.flat, names, strict=True):
        A, slope = np.empty_like(Z), np.empty_like(Z)
        kernels.activate(name, Z, A)
        kernels.activate_backward(name, Z if name in KEEP_Z else A, np.ones_like(Z), slope)
        plot.axhline(0, color="0.8", lw=0.8)
        plot.axvline(0, color="0.8", lw=0.8)
        plot.plot(Z, A, label="g(Z)")
        plot.plot(Z, slope, "--", lw=1.2, label="g'(Z)")
        plot.set(title=name, ylim=(-2.2, 3.2) if A.max() > 1.1 else (-1.3, 1.3))
    plots[0, 0].legend(frameon=False)
    save(figure, "activations.svg")


def loss_and_slope(loss, outputs, label):
    """The loss of one linear output against one label, by way of a network with W = 1."""
    engine, one = Engine(1, [_Linear(1, False)], np.float64), np.ones(1)
    found = [engine.loss_and_gradient(one * a, np.ones((1, 1)), np.full((1, 1), label), loss) for a in outputs]
    return np.array([value for value, _ in found]), np.array([gradient[0] for _, gradient in found])


def draw_losses():
    figure, plots = plt.subplots(1, 3, figsize=(11, 3.4), layout="constrained")
    wide, positive = np.linspace(-3, 3, 601), np.linspace(0.02, 5, 500)
    panels = (
        ("errors, A - y", wide, 0.0, ("mean_squared_error", "mean_absolute_error", "huber", "log_cosh")),
        ("label 1, by the logit or output", wide, 1.0, (
            losses.BinaryCrossentropy(from_logits=True), losses.BinaryFocalCrossentropy(from_logits=True),
            "hinge", "squared_hinge")),
        ("target 2, by the output", positive, 2.0, ("poisson", "mean_squared_logarithmic_error", "mean_squared_error")),
    )
    for plot, (title, outputs, label, kinds) in zip(plots, panels, strict=True):
        for kind in kinds:
            value, _ = loss_and_slope(kind, outputs, label)
            plot.plot(outputs, value, label=losses.get(kind).name)
        plot.set(title=title, ylim=(-0.2, 4))
        plot.legend(frameon=False, fontsize=8)
    save(figure, "losses.svg")


def draw_schedules():
    panels = {
        "PiecewiseConstantDecay": [schedules.PiecewiseConstantDecay([300, 600], [1.0, 0.5, 0.1])],
        "ExponentialDecay": [schedules.ExponentialDecay(1.0, 200, 0.5),
                             schedules.ExponentialDecay(1.0, 200, 0.5, staircase=True)],
        "InverseTimeDecay": [schedules.InverseTimeDecay(1.0, 100, 1.0),
                             schedules.InverseTimeDecay(1.0, 100, 1.0, True)],
        "PolynomialDecay": [schedules.PolynomialDecay(1.0, 800), schedules.PolynomialDecay(1.0, 300, 0.1, 2.0, True)],
        "CosineDecay": [schedules.CosineDecay(1.0, 1000), schedules.CosineDecay(0.0, 800, 0.1, 1.0, 200)],
        "CosineDecayRestarts": [schedules.CosineDecayRestarts(1.0, 143, 2.0, 0.8)],
        "OneCycle": [schedules.OneCycle(1.0, 1000), schedules.OneCycle(1.0, 1000, three_phase=True)],
    }
    words = {"ExponentialDecay": "staircase", "InverseTimeDecay": "staircase", "PolynomialDecay": "cycle, power 2",
             "CosineDecay": "warm-up, alpha 0.1", "OneCycle": "three_phase"}
    figure, plots = plt.subplots(2, 4, figsize=(11, 4.2), sharex=True, sharey=True, layout="constrained")
    steps = np.arange(1000)
    for plot, (title, shown) in zip(plots.flat, panels.items(), strict=False):
        for schedule, style, label in zip(shown, ("-", "--"), (None, words.get(title)), strict=False):
            plot.plot(steps, schedule(steps), style, lw=1.2, label=label)
        plot.set(title=title, ylim=(-0.05, 1.15))
        if title in words:
            plot.legend(frameon=False, fontsize=8)
    plots[1, 3].axis("off")
    plots[1, 0].set(xlabel="step", ylabel="learning rate")
    save(figure, "schedules.svg")


def trained(layers, optimizer, X, y, epochs, **options):
    """A network with its history; the start is the same for equal layers."""
    fcnet.set_seed(1)
    model = Sequential(layers())
    model.compile(optimizer, "binary_crossentropy")
    return model, model.fit(X, y, batch_size=32, epochs=epochs, verbose=0, seed=0, **options).history


def draw_optimizers():
    X, y = datasets.make_circles(500, factor=0.6, noise=0.08, random_state=0)
    kinds = {
        "sgd, 0.1": optimizers.SGD(0.1), "momentum 0.9": optimizers.SGD(0.1, 0.9),
        "nesterov": optimizers.SGD(0.1, 0.9, nesterov=True), "rmsprop": optimizers.RMSprop(0.003),
        "adagrad, 0.03": optimizers.Adagrad(0.03), "adam": optimizers.Adam(0.003), "nadam": optimizers.Nadam(0.003),
        "adamax": optimizers.Adamax(0.003), "lion, 0.0005": optimizers.Lion(0.0005),
    }  # fmt: skip

    def layers():
        return [Dense(16, "tanh", input_dim=2), Dense(16, "tanh"), Dense(1, "sigmoid")]

    figure, plot = plt.subplots(figsize=(8, 4.2), layout="constrained")
    for number, (name, optimizer) in enumerate(kinds.items()):
        loss = trained(layers, optimizer, X, y, 120)[1]["loss"]
        plot.semilogy(np.arange(1, 121), loss, ("-", "--")[number % 2], label=name)
    plot.set(xlabel="epoch", title="circles, 2-16-16-1 tanh, batches of 32: loss (rate 0.003 where none is named)")
    plot.legend(frameon=False, ncols=2)
    save(figure, "optimizers.svg")


def draw_regularization():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 30))
    y = (X[:, 0] - X[:, 1] + 0.5 * X[:, 2] + 0.7 * rng.normal(size=400) > 0).astype(float)
    kinds = {
        "nothing": ({}, 0.0), "l1 0.003": ({"kernel_regularizer": fcnet.regularizers.L1(0.003)}, 0.0),
        "l2 0.01": ({"kernel_regularizer": fcnet.regularizers.L2(0.01)}, 0.0),
        "max_norm 1": ({"kernel_constraint": fcnet.constraints.MaxNorm(1)}, 0.0), "dropout 0.5": ({}, 0.5),
    }  # fmt: skip
    figure, (weights, losses_) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
    for name, (options, rate) in kinds.items():

        def layers(options=options, rate=rate):
            dropped = [Dropout(rate)] if rate else []
            return [Dense(32, "relu", input_dim=30, **options), *dropped, Dense(1, "sigmoid", **options)]

        model, history = trained(layers, "adam", X[:150], y[:150], 150, validation_data=(X[150:], y[150:]))
        weights.plot(np.sort(np.abs(model.layers[0].kernel).ravel())[::-1], label=name)
        losses_.plot(np.arange(1, 151), history["val_loss"], label=name)
    weights.set(title="|w| of the first layer, from the largest", xlabel="weight", xscale="log")
    losses_.set(title="validation loss with the penalty", xlabel="epoch", ylim=(0.3, 1.6))
    weights.legend(frameon=False)
    save(figure, "regularization.svg")


def draw_metrics():
    rng = np.random.default_rng(0)
    y = (rng.random(4000) < 0.1).astype(float)
    p = 1 / (1 + np.exp(-(rng.normal(size=4000) + 2.5 * y - 2)))
    score = Sequential([Dense(1, "linear", input_dim=1, kernel_initializer="ones")])

    def of(metric):
        score.compile("sgd", "mean_squared_error", metrics=[metric])
        return score.evaluate(p[:, None], y)[1]

    thresholds = np.linspace(0.02, 0.98, 49)
    found = {
        kind.__name__: [of(kind(thresholds=float(t))) for t in thresholds]
        for kind in (fcnet.metrics.Precision, fcnet.metrics.Recall)
    }
    figure, (by_threshold, curve) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
    for name, values in found.items():
        by_threshold.plot(thresholds, values, label=name)
    precision, recall = map(np.array, found.values())
    by_threshold.plot(thresholds, 2 * precision * recall / np.maximum(precision + recall, 1e-7), "--", label="F1")
    by_threshold.set(title="1 sample in 10 is of the class", xlabel="threshold")
    by_threshold.legend(frameon=False)
    false = [np.mean(p[y == 0] > t) for t in thresholds]
    curve.plot([1, *false, 0], [1, *recall, 0], label=f"ROC, AUC {of(fcnet.metrics.AUC()):.3f}")
    pr = of(fcnet.metrics.AUC(curve="PR"))
    curve.plot(recall, precision, "--", label=f"precision by recall, AUC {pr:.3f}")
    curve.set(title="all thresholds", xlabel="false positive rate; recall")
    curve.legend(frameon=False)
    save(figure, "metrics.svg")


def draw_layers():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 32)) * np.geomspace(0.2, 4, 60)[:, None] + np.linspace(-3, 3, 60)[:, None]
    passed = Sequential([fcnet.LayerNormalization(input_dim=32)]).predict(X)
    figure, plots = plt.subplots(1, 2, figsize=(10, 3.4), sharex=True, sharey=True, layout="constrained")
    for plot, values, name in zip(plots, (X, passed), ("before", "after LayerNormalization"), strict=True):
        plot.plot(np.arange(60), values, ".", ms=2, color="0.6")
        plot.plot(np.arange(60), values.mean(axis=1), label="mean")
        plot.plot(np.arange(60), values.std(axis=1), "--", label="standard deviation")
        plot.set(title=f"32 features of 60 samples, {name}", xlabel="sample", ylim=(-8, 8))
    plots[0].legend(frameon=False)
    save(figure, "layers.svg")


def save(figure, name):
    figure.savefig(HERE / name, metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    draw_activations()
    draw_losses()
    draw_schedules()
    draw_optimizers()
    draw_regularization()
    draw_metrics()
    draw_layers()
