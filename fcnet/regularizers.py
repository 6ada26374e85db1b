"""Regularizers: penalties on parameters, as part of the loss. The arithmetic is compiled, in `fcnet.kernels.rules`.

Names, defaults and formulas are Keras 3's.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from . import checks

FACTOR = (0, math.inf, "[)")


class Regularizer(checks.Declared):
    """Base class: l1 sum |w| + l2 sum w^2.

    Attributes
    ----------
    l1, l2 : float
    """

    l1: float = 0.0
    l2: float = 0.0

    def __call__(self, w: Any) -> float:
        """The penalty for the array w."""
        w = np.asarray(w, np.float64)
        return float(self.l1 * np.abs(w).sum() + self.l2 * np.square(w).sum())

    def __repr__(self) -> str:
        values = (f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({', '.join(values)})"


class L1(Regularizer):
    """l1 sum |w|: pulls every w towards 0 with the same force, so that many end there or near.

    Parameters
    ----------
    l1 : float, default=0.01
        0 or more.

    Raises
    ------
    ValueError
        If it lies outside its range.
    """

    ranges: ClassVar = {"l1": FACTOR}

    def __init__(self, l1: float = 0.01) -> None:
        self.l1 = l1


class L2(Regularizer):
    """l2 sum w^2: pulls w towards 0 with a force in proportion to w, so that none is large.

    Parameters
    ----------
    l2 : float, default=0.01
        0 or more.

    Raises
    ------
    ValueError
        If it lies outside its range.
    """

    ranges: ClassVar = {"l2": FACTOR}

    def __init__(self, l2: float = 0.01) -> None:
        self.l2 = l2


class L1L2(Regularizer):
    """l1 sum |w| + l2 sum w^2.

    Parameters
    ----------
    l1, l2 : float, default=0.0
        0 or more.

    Raises
    ------
    ValueError
        If one lies outside its range.
    """

    ranges: ClassVar = {"l1": FACTOR, "l2": FACTOR}

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1 = l1
        self.l2 = l2


l1, l2, l1_l2 = L1, L2, L1L2  # as in Keras

REGULARIZERS: dict[str, type[Regularizer]] = {
    "l1": L1, "L1": L1, "l2": L2, "L2": L2, "l1_l2": L1L2, "l1l2": L1L2, "L1L2": L1L2
}  # fmt: skip


def get(identifier: Any, name: str = "regularizer") -> Regularizer | None:
    """The regularizer of a name ("l2"), a class or an object; None for None.

    Raises
    ------
    ValueError
        If the name is not known; the message has the valid names and the nearest one.
    TypeError
        If `identifier` is neither a name nor a Regularizer.
    """
    return None if identifier is None else checks.declared(name, identifier, Regularizer, REGULARIZERS)
