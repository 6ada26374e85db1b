"""One flat vector for all parameters, and the views of it that the layers are.

Layer after layer: W, I*O numbers in row-major order (I, O), then b, O numbers, if the layer has a bias.
Nothing lies in between. The gradient and the optimizer's state have the same layout.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np


class Declared(Protocol):
    """What the layout needs to know of a layer."""

    units: int
    use_bias: bool


@dataclass(frozen=True)
class Slot:
    """The place of one layer in the flat vector."""

    start: int
    inputs: int
    units: int
    use_bias: bool

    @property
    def middle(self) -> int:
        """Where W ends and b begins."""
        return self.start + self.inputs * self.units

    @property
    def stop(self) -> int:
        return self.middle + self.units * self.use_bias

    def kernel(self, flat: np.ndarray) -> np.ndarray:
        """W (I, O), a view of `flat`."""
        return flat[self.start : self.middle].reshape(self.inputs, self.units)

    def bias(self, flat: np.ndarray) -> np.ndarray | None:
        """b (O,), a view of `flat`; None without bias."""
        return flat[self.middle : self.stop] if self.use_bias else None


def zeros(size: int, dtype: np.dtype) -> np.ndarray:
    """Zeros that start at a cache line: rows of whole vectors then lie in whole lines."""
    memory = np.zeros(size * dtype.itemsize + 64, np.uint8)
    skip = -memory.ctypes.data % 64
    return memory[skip : skip + size * dtype.itemsize].view(dtype)


def slots(inputs: int, layers: Iterable[Declared]) -> list[Slot]:
    """The places of all layers, for a first layer of `inputs` features."""
    places: list[Slot] = []
    start = 0
    for layer in layers:
        places.append(Slot(start, inputs, layer.units, layer.use_bias))
        start, inputs = places[-1].stop, layer.units
    return places
