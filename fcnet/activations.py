"""Activations: their names and formulas. The arithmetic is compiled, in `fcnet.kernels`.

The derivative is written in terms of the output A = g(Z), as the backward pass uses it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import checks


@dataclass(frozen=True)
class Activation:
    """One activation: the name that `Dense` and the kernels know it by, g and its derivative."""

    name: str
    formula: str
    derivative: str


linear = Activation("linear", "Z", "1")
relu = Activation("relu", "max(Z, 0)", "1 where A > 0, else 0")
leaky_relu = Activation("leaky_relu", "Z where Z > 0, else 0.2 Z", "1 where A > 0, else 0.2")
sigmoid = Activation("sigmoid", "1 / (1 + exp(-Z))", "A (1 - A)")
tanh = Activation("tanh", "tanh(Z)", "1 - A^2")
softmax = Activation("softmax", "exp(Z) / sum of exp(Z) over the units", "dZ = A (dA - sum of A dA)")

ACTIVATIONS = {known.name: known for known in (linear, relu, leaky_relu, sigmoid, tanh, softmax)}


def get(identifier: Any) -> Activation:
    """The activation of a name ("relu") or object; None means linear.

    Raises
    ------
    ValueError
        If the name is not known; the message has the valid names and the nearest one.
    TypeError
        If `identifier` is neither a name nor an Activation.
    """
    if identifier is None:
        return linear
    if isinstance(identifier, Activation):
        return identifier
    if isinstance(identifier, str) and identifier in ACTIVATIONS:
        return ACTIVATIONS[identifier]
    checks.unknown("activation", identifier, ACTIVATIONS)
