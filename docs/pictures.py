"""Draws docs/activations.svg and docs/losses.svg, with fcnet's own kernels: python docs/pictures.py (needs .[plot])."""

from pathlib import Path

import matplotlib
import numpy as np

from fcnet import activations, kernels, losses
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


def save(figure, name):
    figure.savefig(HERE / name, metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    draw_activations()
    draw_losses()
