"""Draws activations.svg, losses.svg and schedules.svg here, with fcnet's own kernels: python docs/pictures.py.

It needs the extra `plot`.
"""

from pathlib import Path

import matplotlib
import numpy as np

from fcnet import activations, kernels, losses, schedules
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


def save(figure, name):
    figure.savefig(HERE / name, metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    draw_activations()
    draw_losses()
    draw_schedules()
