"""The one table of workloads: what `train.py` times, and what it checks against every peer."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

# Keras's hyperparameters, given to every peer alike.
SGD = {"name": "sgd", "learning_rate": 0.01, "momentum": 0.0}
MOMENTUM = SGD | {"momentum": 0.9}
ADAM = {"name": "adam", "learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
ADAMAX = ADAM | {"name": "adamax"}


@dataclass(frozen=True)
class Workload:
    """One network and how it is trained; `rows` is a multiple of `batch`, so all batches are alike."""

    name: str
    units: tuple[int, ...]  # inputs, then the units of every layer
    batch: int
    rows: int
    activation: str | tuple[str, ...] = "relu"  # of all hidden layers, or of each
    loss: str = "categorical_crossentropy"
    optimizer: dict = field(default_factory=lambda: SGD)

    def __post_init__(self):
        assert self.rows % self.batch == 0, self.name
        assert len(self.activations) == len(self.units) - 1, self.name

    @property
    def output(self) -> str:
        """The activation of the last layer, the one that belongs to the loss."""
        outputs = {"binary_crossentropy": "sigmoid", "categorical_crossentropy": "softmax"}
        return outputs.get(self.loss, "linear")

    @property
    def activations(self) -> list[str]:
        """Of every layer."""
        same = isinstance(self.activation, str)
        hidden = [self.activation] * (len(self.units) - 2) if same else [*self.activation]
        return [*hidden, self.output]

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """(I, O) of every layer."""
        return list(zip(self.units[:-1], self.units[1:], strict=True))

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return self.rows // self.batch

    @property
    def epochs_a_call(self) -> int:
        """An epoch of a full batch is one step, and a training has many: some of a small network go in one call."""
        return max(1, min(16, int(1e9 // self.flops))) if self.steps == 1 else 1

    @property
    def title(self) -> str:
        names = dict.fromkeys(self.activations[:-1])
        extra = "" if [*names] in ([], ["relu"]) else " " + "+".join(names)
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

    def orders(self, call: int) -> np.ndarray:
        """Those of `epochs_a_call` epochs, one after the other."""
        first = call * self.epochs_a_call
        return np.concatenate([self.order(epoch) for epoch in range(first, first + self.epochs_a_call)])


CIRCLES = (2, 4, 6, 6, 4, 1)
BINARY = "binary_crossentropy"
SQUARED = "mean_squared_error"


def by_name(*workloads: Workload) -> dict[str, Workload]:
    return {workload.name: workload for workload in workloads}


# Those that the kernels were tuned with.
LISTED = by_name(
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
        optimizer=MOMENTUM | {"learning_rate": 0.1},
    ),
    Workload(
        "simplechains",
        (4, 32, 16, 4),
        batch=10_000,
        rows=10_000,
        activation="tanh",
        loss=SQUARED,
        optimizer=ADAM,
    ),
)

# Those that nobody tuned for: odd widths, other depths and batches, every optimizer and activation. Do not tune
# for them either: change the kernels by what a workload above shows, and look here whether it holds.
TRIALS = by_name(
    Workload("three", (3, 3, 1), batch=8, rows=1024, loss=BINARY),
    Workload("iris", (4, 10, 3), batch=1, rows=600, activation="tanh", optimizer=MOMENTUM),
    Workload("logistic", (200, 1), batch=20, rows=2000, loss=BINARY),
    Workload("softmax", (784, 10), batch=100, rows=2000),
    Workload("sine", (1, 64, 64, 1), batch=100, rows=2000, activation="tanh", loss=SQUARED, optimizer=ADAM),
    Workload("odd", (10, 37, 53, 1), batch=20, rows=2000, loss=SQUARED),
    Workload("housing", (13, 100, 100, 100, 1), batch=64, rows=2048, loss=SQUARED, optimizer=ADAM),
    Workload("moons-full", (2, 25, 50, 50, 25, 1), batch=900, rows=900, loss=BINARY),
    Workload("deep", (20, *[16] * 8, 3), batch=32, rows=1024),
    Workload(
        "mixed",
        (17, 129, 65, 33, 5),
        batch=100,
        rows=2000,
        activation=("leaky_relu", "tanh", "sigmoid"),
        optimizer=ADAMAX,
    ),
    Workload("adult", (105, 64, 32, 1), batch=200, rows=4000, activation="leaky_relu", loss=BINARY, optimizer=ADAMAX),
    Workload("covertype", (54, 256, 7), batch=256, rows=5120, optimizer=ADAM),
    Workload("higgs", (28, 300, 300, 300, 1), batch=100, rows=2000, loss=BINARY, optimizer=MOMENTUM),
    Workload("tanh-256", (30, 256, 256, 256, 256, 5), batch=100, rows=2000, activation="tanh", optimizer=ADAM),
    Workload("online", (784, 32, 10), batch=1, rows=500),
    Workload("hidden-2000", (100, 2000, 2), batch=50, rows=1000),
    Workload("hidden-1000", (300, 1000, 10), batch=200, rows=2000, activation="sigmoid", optimizer=MOMENTUM),
    Workload("autoencoder", (784, 128, 32, 128, 784), batch=128, rows=1280, loss=SQUARED, optimizer=ADAM),
    Workload("inputs-4096", (4096, 64, 20), batch=20, rows=400),
    Workload("few-rows", (1000, 1000, 1000, 10), batch=8, rows=80, optimizer=MOMENTUM),
)

WORKLOADS = LISTED | TRIALS
# What --workloads takes besides the names. The defaults are few, and timed when nothing is chosen.
SETS = {
    "default": [LISTED[name] for name in ("circles", "digits", "mnist-128", "wide-1024")],
    "listed": [*LISTED.values()],
    "trials": [*TRIALS.values()],
    "all": [*WORKLOADS.values()],
}
