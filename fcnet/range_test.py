"""The learning-rate range test: steps with a rising rate, on copies, and the loss of each.

Source: L. N. Smith, Cyclical learning rates for training neural networks, WACV 2017, section 3.3; with the rate rising
exponentially, and the loss smoothed, as in S. Gugger, How do you find a good learning rate, 2018.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import checks
from .training import Network, total_weight

DIVERGED = 4.0  # times the least smoothed loss


@dataclass(frozen=True)
class RangeTest:
    """What `find_learning_rate` found.

    Attributes
    ----------
    rates : ndarray of shape (k,)
        The learning rates of the steps, up to where the loss went up for good.
    losses : ndarray of shape (k,)
        The loss of every step's batch, before the step.
    smoothed : ndarray of shape (k,)
        Their weighted mean over the last steps.
    suggestion : float or None
        The rate where the smoothed loss falls most steeply, by the logarithm of the rate; None if it nowhere falls.
    """

    rates: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray
    suggestion: float | None

    def plot(self, ax: Any = None) -> Any:
        """Draw the losses over the rates, and return the axes; needs Matplotlib.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw. Default: a new figure.

        Raises
        ------
        ImportError
            If Matplotlib is missing.
        """
        if ax is None:
            _, ax = checks.extra("matplotlib.pyplot", "plot", "plot()").subplots()
        ax.plot(self.rates, self.losses, color="0.8", label="loss of the batch")
        ax.plot(self.rates, self.smoothed, label="smoothed")
        if self.suggestion is not None:
            ax.axvline(self.suggestion, color="C1", ls="--", label=f"suggestion {self.suggestion:.2g}")
        ax.set(xscale="log", xlabel="learning rate", ylabel="loss")
        ax.legend(frameon=False)
        return ax

    def __repr__(self) -> str:
        suggestion = None if self.suggestion is None else float(f"{self.suggestion:.3g}")
        return f"RangeTest({len(self.rates)} steps, suggestion={suggestion})"


def run(
    network: Network,
    X: Any,
    Y: np.ndarray,
    weights: np.ndarray | None,
    batch_size: int,
    rates: np.ndarray,
    smoothing: float,
    generator: np.random.Generator,
) -> RangeTest:
    """One step with each of the rates, until the loss goes up for good; the network changes."""
    steps = -(-len(X) // batch_size)
    losses: list[float] = []
    smoothed: list[float] = []
    mean = 0.0
    order = np.empty((1, len(X)), np.intp)
    for step, rate in enumerate(rates.tolist()):
        place = step % steps
        if place == 0:
            order[0] = generator.permutation(len(X))
        loss = _step(network, X, Y, weights, order, batch_size, place, rate, step)
        mean = smoothing * mean + (1 - smoothing) * loss
        now = mean / (1 - smoothing ** (step + 1))
        if not math.isfinite(now) or now > DIVERGED * min(smoothed, default=now):
            break
        losses.append(loss)
        smoothed.append(now)
    taken, means = rates[: len(losses)], np.array(smoothed)
    return RangeTest(taken, np.array(losses), means, _steepest(taken, means, len(rates) // 20))


def _step(
    network: Network, X: Any, Y: np.ndarray, weights: np.ndarray | None, order: np.ndarray, batch_size: int,
    place: int, rate: float, step: int,
) -> float:  # fmt: skip
    """One step; the loss of its batch."""
    objective = network.objective
    rows = order[0, place * batch_size : (place + 1) * batch_size]
    sums = np.zeros((1, objective.n_sums))
    network.optimizer.learning_rate = rate
    network.engine.train(
        network.parameters, network.optimizer, X, Y, order, batch_size, place, place + 1,
        objective.loss, objective.metrics, sums, weights, 0, step,
    )  # fmt: skip
    return float(sums[0, 0]) / (total_weight(rows, None if weights is None else weights[rows]) or 1.0)


def _steepest(rates: np.ndarray, smoothed: np.ndarray, first: int) -> float | None:
    """Where the loss falls most steeply; not among the first steps, whose mean is of few batches."""
    if len(rates) < first + 3:
        return None
    slopes = np.gradient(smoothed, np.log(rates))[first:]
    return float(rates[first + slopes.argmin()]) if slopes.min() < 0 else None
