"""What `Sequential.inspect` returns: every array of one forward and backward pass, by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import overload

import numpy as np


@dataclass(frozen=True, eq=False, repr=False)
class LayerPass:
    """One layer's part in a forward and backward pass.

    Attributes
    ----------
    name : str
        The layer's name.
    Z : ndarray of shape (B, O)
        What the layer's function is applied to: of a Dense the logits A_prev W + b, of others A_prev.
    A : ndarray of shape (B, O)
        Outputs, g(Z).
    dZ : ndarray of shape (B, O)
        Gradient of the loss with respect to Z.
    dW : ndarray of shape (I, O) or None
        A_prev^T dZ, and the gradient of a penalty on W if there is one; None for a layer without W.
    db : ndarray of shape (O,) or None
        Sum of dZ over the samples, and the same of b; None without bias.
    dgamma, dbeta : ndarray of shape (O,) or None
        Gradients of what a LayerNormalization learns.
    """

    name: str
    Z: np.ndarray
    A: np.ndarray
    dZ: np.ndarray
    dW: np.ndarray | None
    db: np.ndarray | None
    dgamma: np.ndarray | None = None
    dbeta: np.ndarray | None = None

    def __repr__(self) -> str:
        arrays = {field.name: getattr(self, field.name) for field in fields(self)[1:]}
        shapes = (f"{name} {array.shape}" for name, array in arrays.items() if array is not None)
        return f"{self.name}: {', '.join(shapes)}"


class Inspection(Sequence[LayerPass]):
    """The loss and the layers of one pass; a layer by its place or its name.

    Attributes
    ----------
    loss : float
        Mean over the samples, with the penalties of regularizers.
    layers : list of LayerPass
        From the first layer to the last.
    """

    def __init__(self, loss: float, layers: Sequence[LayerPass]) -> None:
        self.loss = loss
        self.layers = list(layers)

    @overload
    def __getitem__(self, key: int | str) -> LayerPass: ...
    @overload
    def __getitem__(self, key: slice) -> list[LayerPass]: ...
    def __getitem__(self, key: int | slice | str) -> LayerPass | list[LayerPass]:
        if isinstance(key, str):
            for layer in self.layers:
                if layer.name == key:
                    return layer
            raise KeyError(f"no layer {key!r}; there are {', '.join(layer.name for layer in self.layers)}")
        return self.layers[key]

    def __iter__(self) -> Iterator[LayerPass]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)

    def __repr__(self) -> str:
        return "\n".join([f"loss {self.loss:.6g}", *map(repr, self.layers)])
