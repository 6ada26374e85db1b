"""One flat vector for all parameters, and the views of it that the layers are.

Layer after layer. Of a Dense W, I*O numbers in row-major order (I, O), then b, O numbers, if the layer has a bias; of a
LayerNormalization gamma and beta, as far as it has them. Nothing lies in between. The gradient and the optimizer's
state have the same layout.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np


class Declared(Protocol):
    """What the layout needs to know of a layer."""

    def width(self, inputs: int) -> int:
        """Outputs for so many inputs."""

    def shapes(self, inputs: int) -> dict[str, tuple[int, ...]]:
        """Its arrays in their order, by name."""


@dataclass(frozen=True)
class Slot:
    """The place of one layer in the flat vector: its arrays one after the other."""

    start: int
    inputs: int
    units: int
    shapes: dict[str, tuple[int, ...]]

    @property
    def size(self) -> int:
        return sum(math.prod(shape) for shape in self.shapes.values())

    @property
    def stop(self) -> int:
        return self.start + self.size

    def views(self, flat: np.ndarray) -> dict[str, np.ndarray]:
        """The layer's arrays, views of `flat`."""
        found, start = {}, self.start
        for name, shape in self.shapes.items():
            size = math.prod(shape)
            found[name] = flat[start : start + size].reshape(shape)
            start += size
        return found


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
        units = layer.width(inputs)
        places.append(Slot(start, inputs, units, layer.shapes(inputs)))
        start, inputs = places[-1].stop, units
    return places
