"""Constraints: what parameters are brought back to after every update. Compiled in `fcnet.kernels.rules`.

Names, defaults and formulas are Keras 3's.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from . import checks


class Constraint(checks.Declared):
    """Base class."""

    @property
    def rule(self) -> tuple[Any, ...]:
        """What the engine knows it by: a name, and numbers."""
        raise NotImplementedError


class MaxNorm(Constraint):
    """w min(norm, max_value) / (norm + 1e-7): no norm is longer than `max_value`.

    Parameters
    ----------
    max_value : float, default=2
        Above 0.
    axis : 0 or 1, default=0
        Of W (I, O), 0 is the norm of the weights into each unit (a column), 1 of those out of each input (a row).
        A vector such as b has one norm, with axis 0.

    Raises
    ------
    ValueError
        If a value lies outside its range.

    Notes
    -----
    Source: N. Srivastava and others, Dropout: a simple way to prevent neural networks from overfitting, 2014.
    """

    ranges: ClassVar = {"max_value": (0, math.inf, "()")}
    max_value: float
    axis: int

    def __init__(self, max_value: float = 2, axis: int = 0) -> None:
        self.max_value = max_value
        if checks.whole("axis", axis, 0) > 1:
            raise ValueError(f"axis must be 0 or 1, got {axis!r}")
        self._define(axis=int(axis))

    @property
    def rule(self) -> tuple[Any, ...]:
        """What the engine knows it by."""
        return "max_norm", self.axis, self.max_value

    def __call__(self, w: Any) -> np.ndarray:
        """w within the bound."""
        w = np.asarray(w)
        norm = np.sqrt(np.sum(np.square(w), axis=self.axis, keepdims=True))
        return w * (np.minimum(norm, self.max_value) / (norm + 1e-7))

    def __repr__(self) -> str:
        return f"MaxNorm(max_value={self.max_value!r}, axis={self.axis})"


class NonNeg(Constraint):
    """0 in place of every w below 0."""

    @property
    def rule(self) -> tuple[Any, ...]:
        """What the engine knows it by."""
        return "non_neg", 0, 0.0

    def __call__(self, w: Any) -> np.ndarray:
        """w within the bound."""
        w = np.asarray(w)
        return np.where(w < 0, w.dtype.type(0), w)

    def __repr__(self) -> str:
        return "NonNeg()"


max_norm, non_neg = MaxNorm, NonNeg  # as in Keras

CONSTRAINTS: dict[str, type[Constraint]] = {
    "max_norm": MaxNorm, "MaxNorm": MaxNorm, "non_neg": NonNeg, "NonNeg": NonNeg
}  # fmt: skip


def get(identifier: Any, name: str = "constraint", axes: int = 2) -> Constraint | None:
    """The constraint of a name ("max_norm"), a class or an object; None for None. For an array with so many axes.

    Raises
    ------
    ValueError
        If the name is not known, or the array has no such axis.
    TypeError
        If `identifier` is neither a name nor a Constraint.
    """
    if identifier is None:
        return None
    found = checks.declared(name, identifier, Constraint, CONSTRAINTS)
    if isinstance(found, MaxNorm) and found.axis >= axes:
        raise ValueError(f"{name}={found!r}: a vector has axis 0 alone")
    return found
