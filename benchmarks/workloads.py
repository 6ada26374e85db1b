"""The one table of workloads: what `train.py` times, and what it checks against every peer."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

# Keras's hyperparameters, given to every peer alike.
SGD = {"name": "sgd", "learning_rate": 0.01, "momentum": 0.0}
ADAM = {"name": "adam", "learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}


@dataclass(frozen=True)
class Workload:
    """One network and how it is trained; `rows` is a multiple of `batch`, so all batches are alike."""

    name: str
    units: tuple[int, ...]  # inputs, then the units of every layer
    batch: int
    rows: int
    activation: str = "relu"
    loss: str = "categorical_crossentropy"
    optimizer: dict = field(default_factory=lambda: SGD)

    def __post_init__(self):
        assert self.rows % self.batch == 0, self.name

    @property
    def output(self) -> str:
        """The activation of the last layer, the one that belongs to the loss."""
        outputs = {"binary_crossentropy": "sigmoid", "categorical_crossentropy": "softmax"}
        return outputs.get(self.loss, "linear")

    @property
    def activations(self) -> list[str]:
        return [self.activation] * (len(self.units) - 2) + [self.output]

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """(I, O) of every layer."""
        return list(zip(self.units[:-1], self.units[1:], strict=True))

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return self.rows // self.batch

    @property
    def title(self) -> str:
        extra = "" if self.activation == "relu" else f" {self.activation}"
        if self.optimizer["name"] != "sgd":
            extra += f" {self.optimizer['name']}"
        elif self.optimizer["momentum"]:
            extra += f" momentum {self.optimizer['momentum']}"
        return "-".join(map(str, self.units)) + extra

    @property
    def flops(self) -> int:
        """Of the matrix products of one step: forward, dW, and dZ of all layers but the first."""
        forward = sum(2 * self.batch * i * o for i, o in self.shapes)
        return 3 * forward - 2 * self.batch * self.units[0] * self.units[1]

    def data(self, dtype=np.float32, seed=0) -> tuple[np.ndarray, np.ndarray]:
        """Normal X (rows, I), and y (rows, O) from a random linear map of X: a law to learn."""
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((self.rows, self.units[0]), dtype=np.float32)
        outputs = self.units[-1]
        law = rng.standard_normal((self.units[0], outputs), dtype=np.float32) / math.sqrt(self.units[0])
        score = X @ law
        if self.loss == "categorical_crossentropy":
            y = np.eye(outputs, dtype=np.float32)[score.argmax(axis=1)]
        elif self.loss == "binary_crossentropy":
            y = score > 0
        else:
            y = np.tanh(score)
        return X.astype(dtype), y.astype(dtype)

    def weights(self, dtype=np.float32, seed=1) -> list[tuple[np.ndarray, np.ndarray]]:
        """W (I, O), Glorot-uniform, and b (O,), small but not zero, for every layer."""
        rng = np.random.default_rng(seed)
        layers = []
        for inputs, outputs in self.shapes:
            limit = math.sqrt(6 / (inputs + outputs))
            W = rng.uniform(-limit, limit, (inputs, outputs))
            layers.append((W.astype(dtype), rng.uniform(-0.05, 0.05, outputs).astype(dtype)))
        return layers

    def order(self, epoch: int) -> np.ndarray:
        """The rows of `epoch` in the order in which every peer takes them."""
        return np.random.default_rng((2, epoch)).permutation(self.rows)


CIRCLES = (2, 4, 6, 6, 4, 1)
BINARY = "binary_crossentropy"

WORKLOADS = {
    workload.name: workload
    for workload in [
        Workload("circles-full", CIRCLES, batch=1000, rows=1000, loss=BINARY),
        Workload("circles", CIRCLES, batch=32, rows=1024, loss=BINARY),
        Workload("digits", (64, 64, 10), batch=32, rows=1792),
        Workload("mnist-128", (784, 128, 10), batch=128, rows=4096),
        Workload("mnist-512", (784, 512, 512, 10), batch=256, rows=4096),
        Workload("wide-1024", (1024, 1024, 1024, 1024, 10), batch=512, rows=1024),
        Workload("wide-2048", (2048, 2048, 2048, 2048, 10), batch=1024, rows=1024),
        Workload(
            "mnist-sigmoid",
            (784, 500, 250, 10),
            batch=100,
            rows=2000,
            activation="sigmoid",
            optimizer=SGD | {"learning_rate": 0.1, "momentum": 0.9},
        ),
        Workload(
            "simplechains",
            (4, 32, 16, 4),
            batch=10_000,
            rows=10_000,
            activation="tanh",
            loss="mean_squared_error",
            optimizer=ADAM,
        ),
    ]
}
# Timed when nothing is chosen; the others by --workloads, or all by --workloads all.
DEFAULT = ["circles", "digits", "mnist-128", "wide-1024"]
