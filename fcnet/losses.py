"""Losses: their names and formulas. The arithmetic is compiled, in `fcnet.kernels`.

Every loss is a mean over the B samples of a batch. The cross entropies are computed from the logits Z, not
from the probabilities p, so p = 0 or 1 never gives log(0).
"""

from __future__ import annotations

from typing import Any, ClassVar

from . import checks


class Loss:
    """Base class: the name that the kernels know the loss by."""

    name: ClassVar[str]

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class _CrossEntropy(Loss):
    def __init__(self, from_logits: bool = False) -> None:
        if checks.flag("from_logits", from_logits):
            raise ValueError(
                "from_logits=True is not needed: give the last layer its activation (sigmoid or softmax) and "
                "leave from_logits out; the loss is computed from the logits all the same"
            )


class BinaryCrossentropy(_CrossEntropy):
    """-(y log p + (1 - y) log(1 - p)), mean over outputs and samples; labels y (B, O) in [0, 1].

    With sigmoid p = 1 / (1 + exp(-Z)), this is max(Z, 0) - Z y + log(1 + exp(-|Z|)), and its gradient is
    dZ = (p - y) / (B O). Names: "binary_crossentropy", "bce".
    """

    name = "binary_crossentropy"


class CategoricalCrossentropy(_CrossEntropy):
    """-sum of y log p over the classes, mean over samples; labels y (B, O) one-hot or probabilities.

    With softmax p, this is log(sum of exp(Z)) - sum of y Z, and its gradient is dZ = (p - y) / B.
    Name: "categorical_crossentropy".
    """

    name = "categorical_crossentropy"


class SparseCategoricalCrossentropy(_CrossEntropy):
    """The same as `CategoricalCrossentropy` for labels y (B,) that are class numbers 0..O-1.

    Name: "sparse_categorical_crossentropy".
    """

    name = "sparse_categorical_crossentropy"


class MeanSquaredError(Loss):
    """(A - y)^2, mean over outputs and samples; targets y (B, O), any activation.

    Gradient: dA = 2 (A - y) / (B O). Names: "mean_squared_error", "mse".
    """

    name = "mean_squared_error"


_KINDS = (BinaryCrossentropy, CategoricalCrossentropy, SparseCategoricalCrossentropy, MeanSquaredError)
LOSSES: dict[str, type[Loss]] = {
    **{kind.name: kind for kind in _KINDS},
    **{kind.__name__: kind for kind in _KINDS},
    **dict.fromkeys(("bce", "BCE"), BinaryCrossentropy),
    **dict.fromkeys(("mse", "MSE"), MeanSquaredError),
}


def get(identifier: Any) -> Loss:
    """The loss of a name ("mse", "mean_squared_error", "MeanSquaredError"), a class or an object.

    Raises
    ------
    ValueError
        If the name is not known; the message has the valid names and the nearest one.
    TypeError
        If `identifier` is neither a name nor a Loss.
    """
    return checks.declared("loss", identifier, Loss, LOSSES)
