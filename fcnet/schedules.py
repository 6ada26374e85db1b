"""Schedules: the learning rate as a function of the steps taken.

``optimizers.Adam(learning_rate=schedules.CosineDecay(0.01, 1000))``. The first step has the rate of 0 steps. A second
fit goes on where the last one ended; `compile` starts afresh. With gradient accumulation every batch counts as a step.
Names, arguments and formulas are Keras 3's, those of `OneCycle` PyTorch's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from . import checks


class Schedule:
    """Base class. One of your own overrides `rates`, and returns a rate of 0 or more for every step.

    Examples
    --------
    >>> from fcnet import schedules
    >>> class Halving(schedules.Schedule):
    ...     def rates(self, steps):
    ...         return 0.1 * 0.5 ** (steps // 100)
    >>> Halving()(250)
    0.025
    """

    def rates(self, steps: np.ndarray) -> np.ndarray:
        """The rates (n,) of steps (n,), which are whole numbers from 0 as float64.

        It is called for many steps at once, so it must not depend on when it is called.
        """
        raise NotImplementedError(f"{type(self).__name__} must define rates(steps)")

    def __call__(self, step: Any) -> Any:
        """The rate after `step` steps: a float of a number, an array of an array."""
        steps = np.asarray(step, np.float64)
        found = checks.rates(self, self.rates(steps.reshape(-1)), steps.size)
        return found.reshape(steps.shape) if steps.ndim else float(found[0])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"


def _rate(name: str, value: Any, ends: str = "()") -> float:
    return checks.real(name, value, 0, math.inf, ends)


class Constant(Schedule):
    """The same rate at every step, as without a schedule.

    Parameters
    ----------
    learning_rate : float
        Above 0.

    Raises
    ------
    ValueError
        If it lies outside its range.
    """

    def __init__(self, learning_rate: float) -> None:
        self.learning_rate = _rate("learning_rate", learning_rate)

    def rates(self, steps: np.ndarray) -> np.ndarray:
        return np.full(len(steps), self.learning_rate)


class PiecewiseConstantDecay(Schedule):
    """values[0] up to and with step boundaries[0], values[1] up to and with boundaries[1], and so on.

    Parameters
    ----------
    boundaries : sequence of int
        Rising, 0 or more.
    values : sequence of float
        One more than boundaries, 0 or more.

    Raises
    ------
    TypeError, ValueError
        If a boundary or value lies outside its range, or there are not as many as there must be.
    """

    def __init__(self, boundaries: Sequence[int], values: Sequence[float]) -> None:
        self.boundaries = [checks.whole(f"boundaries[{i}]", step, 0) for i, step in enumerate(boundaries)]
        self.values = [_rate(f"values[{i}]", value, "[)") for i, value in enumerate(values)]
        if len(self.values) != len(self.boundaries) + 1:
            raise ValueError(
                f"values must hold one rate more than boundaries has steps, got {len(self.values)} rates and "
                f"{len(self.boundaries)} steps"
            )
        if any(b <= a for a, b in pairwise(self.boundaries)):
            raise ValueError(f"boundaries must rise, got {self.boundaries}")

    def rates(self, steps: np.ndarray) -> np.ndarray:
        return np.array(self.values)[np.searchsorted(self.boundaries, steps, side="left")]


class ExponentialDecay(Schedule):
    """initial_learning_rate decay_rate^(step / decay_steps).

    Parameters
    ----------
    initial_learning_rate : float
        Above 0.
    decay_steps : int
        1 or more.
    decay_rate : float
        Above 0.
    staircase : bool, default=False
        Round the exponent down: one rate for every `decay_steps` steps.

    Raises
    ------
    TypeError, ValueError
        If a value lies outside its range.
    """

    def __init__(
        self, initial_learning_rate: float, decay_steps: int, decay_rate: float, staircase: bool = False
    ) -> None:
        self.initial_learning_rate = _rate("initial_learning_rate", initial_learning_rate)
        self.decay_steps = checks.whole("decay_steps", decay_steps, 1)
        self.decay_rate = _rate("decay_rate", decay_rate)
        self.staircase = checks.flag("staircase", staircase)

    def rates(self, steps: np.ndarray) -> np.ndarray:
        p = steps / self.decay_steps
        return self.initial_learning_rate * self.decay_rate ** (np.floor(p) if self.staircase else p)


class InverseTimeDecay(Schedule):
    """initial_learning_rate / (1 + decay_rate step / decay_steps).

    Parameters
    ----------
    initial_learning_rate : float
        Above 0.
    decay_steps : int
        1 or more.
    decay_rate : float
        0 or more.
    staircase : bool, default=False
        Round step / decay_steps down.

    Raises
    ------
    TypeError, ValueError
        If a value lies outside its range.
    """

    def __init__(
        self, initial_learning_rate: float, decay_steps: int, decay_rate: float, staircase: bool = False
    ) -> None:
        self.initial_learning_rate = _rate("initial_learning_rate", initial_learning_rate)
        self.decay_steps = checks.whole("decay_steps", decay_steps, 1)
        self.decay_rate = _rate("decay_rate", decay_rate, "[)")
        self.staircase = checks.flag("staircase", staircase)

    def rates(self, steps: np.ndarray) -> np.ndarray:
        p = steps / self.decay_steps
        return self.initial_learning_rate / (1 + self.decay_rate * (np.floor(p) if self.staircase else p))


class PolynomialDecay(Schedule):
    """(initial_learning_rate - end_learning_rate) (1 - p)^power + end_learning_rate, p = step / decay_steps up to 1.

    Parameters
    ----------
    initial_learning_rate : float
        Above 0.
    decay_steps : int
        1 or more.
    end_learning_rate : float, default=0.0001
        0 or more.
    power : float, default=1.0
        0 or more; 1 is a straight line.
    cycle : bool, default=False
        Do not stay at the end: decay_steps is the next multiple of itself that is not below the step.

    Raises
    ------
    TypeError, ValueError
        If a value lies outside its range.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
    ) -> None:
        self.initial_learning_rate = _rate("initial_learning_rate", initial_learning_rate)
        self.decay_steps = checks.whole("decay_steps", decay_steps, 1)
        self.end_learning_rate = _rate("end_learning_rate", end_learning_rate, "[)")
        self.power = _rate("power", power, "[)")
        self.cycle = checks.flag("cycle", cycle)

    def rates(self, steps: np.ndarray) -> np.ndarray:
        p = steps / self.decay_steps
        p = p / np.maximum(np.ceil(p), 1) if self.cycle else np.minimum(p, 1)
        first, last = self.initial_learning_rate, self.end_learning_rate
        return (first - last) * (1 - p) ** self.power + last


class CosineDecay(Schedule):
    """Half a cosine wave, from the initial rate down to `alpha` times it; before it, if wanted, a warm-up.

    ::

        without:       rate(step) = r ((1 - alpha) (1 + cos(pi p)) / 2 + alpha), p = step / decay_steps up to 1,
                       r = initial_learning_rate
        warmup_target: a straight line from initial_learning_rate to warmup_target over warmup_steps;
                       then the same with r = warmup_target

    Parameters
    ----------
    initial_learning_rate : float
        0 or more with a warm-up, above 0 without.
    decay_steps : int
        1 or more, after the warm-up.
    alpha : float, default=0.0
        In [0, 1]: what is left at the end, of r.
    warmup_target : float, optional
        Above 0.
    warmup_steps : int, default=0
        0 or more.

    Raises
    ------
    TypeError, ValueError
        If a value lies outside its range.

    Notes
    -----
    Source: Loshchilov and Hutter, SGDR: stochastic gradient descent with warm restarts, ICLR 2017, equation 5.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        alpha: float = 0.0,
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ) -> None:
        warm = warmup_target is not None
        self.initial_learning_rate = _rate("initial_learning_rate", initial_learning_rate, "[)" if warm else "()")
        self.decay_steps = checks.whole("decay_steps", decay_steps, 1)
        self.alpha = checks.real("alpha", alpha, 0, 1)
        self.warmup_target = _rate("warmup_target", warmup_target) if warm else None
        self.warmup_steps = checks.whole("warmup_steps", warmup_steps, 0)
        if self.warmup_steps and not warm:
            raise ValueError(f"warmup_steps is {warmup_steps} and there is no warmup_target to reach in them")

    def rates(self, steps: np.ndarray) -> np.ndarray:
        if self.warmup_target is None:
            return self.initial_learning_rate * self._decay(steps)
        first, target = self.initial_learning_rate, self.warmup_target
        rising = first + (target - first) * steps / max(self.warmup_steps, 1)
        falling = target * self._decay(np.maximum(steps - self.warmup_steps, 0))
        return np.where(steps < self.warmup_steps, rising, falling)

    def _decay(self, steps: np.ndarray) -> np.ndarray:
        p = np.minimum(steps / self.decay_steps, 1)
        return (1 - self.alpha) * 0.5 * (1 + np.cos(np.pi * p)) + self.alpha


class CosineDecayRestarts(Schedule):
    """Half a cosine wave again and again, each `t_mul` times as long as the one before and `m_mul` times as high.

    ::

        rate(step) = initial_learning_rate ((1 - alpha) m_mul^i (1 + cos(pi p)) / 2 + alpha)

    for wave i = 0, 1, ... of first_decay_steps t_mul^i steps, of which p are over, from 0 to 1.

    Parameters
    ----------
    initial_learning_rate : float
        Above 0.
    first_decay_steps : int
        1 or more.
    t_mul : float, default=2.0
        1 or more.
    m_mul : float, default=1.0
        Above 0.
    alpha : float, default=0.0
        In [0, 1].

    Raises
    ------
    TypeError, ValueError
        If a value lies outside its range.

    Notes
    -----
    Source: Loshchilov and Hutter, SGDR: stochastic gradient descent with warm restarts, ICLR 2017.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: int,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
    ) -> None:
        self.initial_learning_rate = _rate("initial_learning_rate", initial_learning_rate)
        self.first_decay_steps = checks.whole("first_decay_steps", first_decay_steps, 1)
        self.t_mul = checks.real("t_mul", t_mul, 1, math.inf, "[)")
        self.m_mul = _rate("m_mul", m_mul)
        self.alpha = checks.real("alpha", alpha, 0, 1)

    def rates(self, steps: np.ndarray) -> np.ndarray:
        waves = steps / self.first_decay_steps  # in first waves
        if self.t_mul == 1:
            i = np.floor(waves)
            p = waves - i
        else:
            i = np.floor(np.log1p(waves * (self.t_mul - 1)) / np.log(self.t_mul))
            i += waves >= self._begin(i + 1)  # the logarithm may fall just short of a whole number
            p = (waves - self._begin(i)) / self.t_mul**i
        wave = self.m_mul**i * 0.5 * (1 + np.cos(np.pi * p))
        return self.initial_learning_rate * ((1 - self.alpha) * wave + self.alpha)

    def _begin(self, i: np.ndarray) -> np.ndarray:
        """Where wave i begins."""
        return (self.t_mul**i - 1) / (self.t_mul - 1)


class OneCycle(Schedule):
    """Up to a high rate and down to a very low one, once; the last rate stays.

    The rate goes from ``max_learning_rate / div_factor`` up to max_learning_rate over the first `pct_start` of the
    steps, and then down to ``max_learning_rate / div_factor / final_div_factor``; with `three_phase` it first comes
    down to where it began, in as many steps as it went up. The formula is that of PyTorch's OneCycleLR; its momentum,
    which goes down and up meanwhile, is not part of it.

    Parameters
    ----------
    max_learning_rate : float
        Above 0.
    total_steps : int
        2 or more: epochs times batches an epoch.
    pct_start : float, default=0.3
        In (0, 1); with three_phase at most 0.5.
    anneal_strategy : "cos" or "linear", default="cos"
        Half cosine waves, or straight lines.
    div_factor : float, default=25.0
        Above 0.
    final_div_factor : float, default=1e4
        Above 0.
    three_phase : bool, default=False

    Raises
    ------
    TypeError, ValueError
        If a value lies outside its range.

    Notes
    -----
    Source: Smith and Topin, Super-convergence: very fast training of neural networks using large learning rates, 2018.
    """

    def __init__(
        self,
        max_learning_rate: float,
        total_steps: int,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
    ) -> None:
        self.max_learning_rate = _rate("max_learning_rate", max_learning_rate)
        self.total_steps = checks.whole("total_steps", total_steps, 2)
        self.three_phase = checks.flag("three_phase", three_phase)
        self.pct_start = checks.real("pct_start", pct_start, 0, *((0.5, "(]") if three_phase else (1, "()")))
        if anneal_strategy not in ("cos", "linear"):
            checks.unknown("anneal_strategy", anneal_strategy, ("cos", "linear"))
        self.anneal_strategy = anneal_strategy
        self.div_factor = _rate("div_factor", div_factor)
        self.final_div_factor = _rate("final_div_factor", final_div_factor)

    def rates(self, steps: np.ndarray) -> np.ndarray:
        high, low = self.max_learning_rate, self.max_learning_rate / self.div_factor
        top, last = self.pct_start * self.total_steps - 1, self.total_steps - 1.0
        corners = [(0.0, low), (top, high), (last, low / self.final_div_factor)]
        if self.three_phase:
            corners.insert(2, (2 * top, low))
        found = np.full(len(steps), corners[-1][1])
        for (begin, first), (end, final) in reversed([*pairwise(corners)]):
            p = np.clip((steps - begin) / (end - begin), 0, 1) if end > begin else np.ones(len(steps))
            if self.anneal_strategy == "cos":
                p = 0.5 * (1 - np.cos(np.pi * p))
            found = np.where(steps <= end, first + (final - first) * p, found)
        return found
