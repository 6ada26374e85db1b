"""Optimizers: hyperparameters, their ranges and formulas, and the state. The arithmetic is compiled.

Names, defaults and formulas are Keras 3's. w is the flat parameter vector, g the flat gradient, t the step
counted from 1. Hyperparameters may be changed between two fits: `model.optimizer.learning_rate = 1e-4`.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from . import checks, layout


class Optimizer:
    """Base class: hyperparameters as attributes, and the state of a run.

    Attributes
    ----------
    iterations : int
        Number of steps taken.
    state : list of ndarray
        Vectors as long as the parameters, `slots` of them; empty before the first fit.
    """

    name: str
    # What lies where: checked whenever the attribute is set, in the order of the kernel's arguments.
    ranges: ClassVar[dict[str, tuple[float, float, str]]]
    learning_rate: float

    def __init__(self, **hyperparameters: Any) -> None:
        for name, value in hyperparameters.items():
            setattr(self, name, value)
        self.reset()

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.ranges:
            value = checks.real(name, value, *self.ranges[name])
        object.__setattr__(self, name, value)

    @property
    def slots(self) -> int:
        """How many state vectors the formula needs."""
        return 2

    def reset(self) -> None:
        """Forget all steps taken."""
        self.iterations = 0
        self.state: list[np.ndarray] = []

    def build(self, n_params: int, dtype: Any) -> None:
        """Begin anew with `slots` vectors of zeros, `n_params` long."""
        self.iterations = 0
        self.state = [layout.zeros(n_params, np.dtype(dtype)) for _ in range(self.slots)]

    def hyperparameters(self) -> np.ndarray:
        """Float64 values in the order of the kernel's arguments."""
        return np.array([getattr(self, name) for name in self.ranges])

    def __repr__(self) -> str:
        values = (f"{name}={getattr(self, name)!r}" for name in self.ranges)
        return f"{type(self).__name__}({', '.join(values)})"


class SGD(Optimizer):
    """Gradient descent, with momentum if `momentum` is not 0.

    ::

        momentum 0:  w = w - learning_rate g
        otherwise:   velocity = momentum velocity - learning_rate g
                     w = w + velocity
        nesterov:    w = w + momentum velocity - learning_rate g

    Parameters
    ----------
    learning_rate : float, default=0.01
        Above 0.
    momentum : float, default=0.0
        In [0, 1].
    nesterov : bool, default=False
        Look ahead along the velocity (Sutskever et al., On the importance of initialization and momentum in
        deep learning, ICML 2013).

    Raises
    ------
    ValueError
        If a value lies outside its range.
    """

    name = "sgd"
    ranges: ClassVar = {"learning_rate": (0, math.inf, "()"), "momentum": (0, 1, "[]")}
    momentum: float
    nesterov: bool

    def __init__(self, learning_rate: float = 0.01, momentum: float = 0.0, nesterov: bool = False) -> None:
        super().__init__(learning_rate=learning_rate, momentum=momentum)
        self.nesterov = checks.flag("nesterov", nesterov)

    @property
    def slots(self) -> int:
        """The velocity, if there is momentum."""
        return 1 if self.momentum else 0

    def hyperparameters(self) -> np.ndarray:
        """Float64 [learning_rate, momentum, nesterov]."""
        return np.array([self.learning_rate, self.momentum, self.nesterov])

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, nesterov={self.nesterov})"


class Adam(Optimizer):
    """Adaptive moments.

    ::

        m = m + (1 - beta_1) (g - m)
        v = v + (1 - beta_2) (g^2 - v)
        w = w - learning_rate sqrt(1 - beta_2^t) / (1 - beta_1^t) * m / (sqrt(v) + epsilon)

    Parameters
    ----------
    learning_rate : float, default=0.001
        Above 0.
    beta_1, beta_2 : float, default=0.9 and 0.999
        Decay of the two moments, in [0, 1).
    epsilon : float, default=1e-7
        Above 0; the paper's "epsilon hat", of the formula before its section 2.1.

    Raises
    ------
    ValueError
        If a value lies outside its range.

    Notes
    -----
    Source: Kingma and Ba, Adam: a method for stochastic optimization, ICLR 2015.
    """

    name = "adam"
    ranges: ClassVar = {
        "learning_rate": (0, math.inf, "()"),
        "beta_1": (0, 1, "[)"),
        "beta_2": (0, 1, "[)"),
        "epsilon": (0, math.inf, "()"),
    }
    beta_1: float
    beta_2: float
    epsilon: float

    def __init__(
        self, learning_rate: float = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7
    ) -> None:
        super().__init__(learning_rate=learning_rate, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon)


class Adamax(Adam):
    """Adam with the infinity norm in place of the second moment.

    ::

        m = m + (1 - beta_1) (g - m)
        u = max(beta_2 u, |g|)
        w = w - learning_rate / (1 - beta_1^t) * m / (u + epsilon)

    Parameters, ranges and defaults are those of `Adam`.

    Notes
    -----
    Source: Kingma and Ba, Adam: a method for stochastic optimization, ICLR 2015, section 7.1.
    """

    name = "adamax"


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD, "SGD": SGD, "adam": Adam, "Adam": Adam, "adamax": Adamax, "Adamax": Adamax
}  # fmt: skip


def get(identifier: Any) -> Optimizer:
    """The optimizer of a name ("adam", "Adam"), a class or an object.

    Raises
    ------
    ValueError
        If the name is not known; the message has the valid names and the nearest one.
    TypeError
        If `identifier` is neither a name nor an Optimizer.
    """
    return checks.declared("optimizer", identifier, Optimizer, OPTIMIZERS)
