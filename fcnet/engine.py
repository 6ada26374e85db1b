"""The compiled side of one architecture: memory for its kernels, and calls into them.

An `Engine` knows the shape of a network and nothing of models, epochs or callbacks.  It holds the workspace and
the records that `fcnet.kernels.network.run` reads.  Its arguments have been checked: see `checks`.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numba import from_dtype, types

from . import _runtime
from .kernels import _jit, activations, losses, network, optimizers
from .kernels.simd import MR, NV, REGISTER_BYTES

CHUNK_ROWS = 1024
CHUNK_BYTES = 2 << 20
GROUP_BYTES = 512 << 10
"""A batch is worked off in chunks of at least CHUNK_ROWS samples, or as many as fit into CHUNK_BYTES; a thread
takes as many slabs at a time as keep two layers' activations within GROUP_BYTES of its cache.  Neither changes
a bit of the result."""


class LayerShape(Protocol):
    """What the engine reads of a layer."""

    units: int
    use_bias: bool
    activation: str


class OptimizerState(Protocol):
    """What the engine reads and writes of an optimizer."""

    name: str
    state: list[np.ndarray]
    iterations: int

    def hyperparameters(self) -> np.ndarray: ...


def _address(array: np.ndarray) -> int:
    return array.__array_interface__["data"][0]


def _aligned(size: int, dtype: np.dtype) -> np.ndarray:
    """Zeros that start at a cache line."""
    memory = np.zeros(size * dtype.itemsize + 64, np.uint8)
    skip = -_address(memory) % 64
    return memory[skip:skip + size * dtype.itemsize].view(dtype)


class Engine:
    """Kernels and workspace of one network.

    Parameters
    ----------
    inputs : int
        Features of a sample.
    layers : sequence of LayerShape
        From the first to the output layer.
    dtype : numpy.dtype
        float32 or float64.
    """

    def __init__(self, inputs: int, layers: Sequence[LayerShape], dtype: Any) -> None:
        self.dtype = np.dtype(dtype)
        self.lock = threading.RLock()
        self.activations = [layer.activation for layer in layers]
        self.slab = NV * REGISTER_BYTES // self.dtype.itemsize
        self.layers = np.zeros(len(layers), network.LAYER)
        weights = 0
        for record, layer in zip(self.layers, layers, strict=True):
            record["inputs"], record["outputs"] = inputs, layer.units
            record["rows"] = inputs + bool(layer.use_bias)
            record["weights"] = weights
            weights += int(record["rows"]) * layer.units
            inputs = layer.units
            functions = activations.FUNCTIONS[activations.ACTIVATIONS[layer.activation]]
            record["forward"], record["backward"] = (self._part(f, ("A", "rows"), ("A", "dA", "rows"))
                                                     for f in functions)
        self.n_params = weights
        self.outputs = inputs

        n_inputs = int(self.layers[0]["inputs"])
        widths = [n_inputs, *(int(width) for width in self.layers["outputs"])]
        # per slab: each layer's (width + 1, P) of A, and dZ in columns P wide
        self._panel_rows = [width + 1 for width in widths]
        self._column_counts = [-(-width // self.slab) for width in widths[1:]]
        slab_numbers = self.slab * (sum(self._panel_rows) + self.slab * sum(self._column_counts))
        self.chunk_limit = max(-(-CHUNK_ROWS // self.slab), CHUNK_BYTES // (slab_numbers * self.dtype.itemsize))
        self.flops = 6 * weights - 2 * widths[0] * widths[1]

        self.task = np.zeros(1, network.TASK)
        task = self.task
        task["slab"], task["layers"], task["n_layers"] = self.slab, _address(self.layers), len(self.layers)
        task["inputs"], task["widest"] = n_inputs, max(widths)
        pair = 2 * max(widths) * self.slab * self.dtype.itemsize
        task["group_slabs"] = min(16, max(1, GROUP_BYTES // pair))
        task["forward_backward"] = self._part(network.forward_backward, *self._REGION)
        task["gradient_update"] = self._part(network.gradient_update, *self._REGION)
        self.hyper = np.zeros(optimizers.HYPER_SIZE)
        task["hyper"] = _address(self.hyper)
        self._chunk_slabs = self._threads = 0
        self._no_integers = np.zeros(1, np.intp)
        self._no_floats = np.zeros(1, self.dtype)

    # -- compiled parts ---------------------------------------------------------------------------

    _REGION = (("params", "task", "count", "count"),)
    _LOSS = (("A", "Y", "dA", "count", "count", "scale", "sums"),)
    _METRIC = (("A", "Y", "count", "count", "sums"),)
    _UPDATE = (("A", "A", "A", "A", "count", "count", "count", "count", "sums"),)

    def _part(self, function: Any, *signatures: Any) -> int:
        """Address of a compiled part, 0 for None; of several signatures the one with its number of arguments."""
        if function is None:
            return 0
        number = types.float32 if self.dtype == np.float32 else types.float64
        kinds = {"count": types.intp, "rows": types.intp, "scale": types.float64,
                 "sums": types.CPointer(types.float64), "task": types.CPointer(from_dtype(network.TASK))}
        signature = next(s for s in signatures if len(s) == function.py_func.__code__.co_argcount)
        return _jit.part_address(function, number, *(kinds.get(kind, types.CPointer(number)) for kind in signature))

    def _set_loss(self, loss: str, metrics: Sequence[str]) -> None:
        fused = losses.FUSED.get((loss, self.activations[-1]))
        activation = activations.FUNCTIONS[activations.ACTIVATIONS[self.activations[-1]]]
        forward, backward = (None, None) if fused else activation
        self.layers[-1]["forward"] = self._part(forward, ("A", "rows"))
        self.layers[-1]["backward"] = self._part(backward, ("A", "dA", "rows"))
        self.task["loss"] = self._part(fused or losses.LOSSES[loss], *self._LOSS)
        self.metrics = np.array([self._part(losses.METRICS[name], *self._METRIC) for name in metrics], np.intp)
        self.task["metrics"], self.task["n_metrics"] = _address(self.metrics), len(metrics)
        self.sums = np.zeros(1 + len(metrics))
        self.task["sums"] = _address(self.sums)

    # -- memory -----------------------------------------------------------------------------------

    def _reserve(self, batch: int, targets: int, threads: int, whole: bool = False) -> None:
        """Workspace for batches of this size; kept, and made anew only when it must grow."""
        task = self.task
        slabs = -(-batch // self.slab)
        chunk = slabs if whole else min(slabs, self.chunk_limit)
        P = self.slab
        if chunk > self._chunk_slabs:
            self._chunk_slabs = chunk
            panels = chunk * P * np.array(self._panel_rows)
            columns = chunk * P * P * np.array(self._column_counts)
            starts = np.concatenate([[0], np.cumsum(np.concatenate([panels, columns]))])
            self.workspace = _aligned(int(starts[-1]), self.dtype)
            task["workspace"], task["input_panel"], task["chunk_slabs"] = _address(self.workspace), 0, chunk
            self.layers["panel"] = starts[1:len(panels)]
            self.layers["columns"] = starts[len(panels):-1]
            for start, size, rows in zip(starts, panels, self._panel_rows, strict=False):
                self.workspace[start:start + size].reshape(chunk, rows, P)[:, -1] = 1.0
        group = int(task["group_slabs"][0])
        scratch = P * max(group * targets + 2 * group * int(task["widest"][0]), MR)
        if scratch > int(task["scratch_size"][0]) or threads > self._threads:
            self._threads = max(threads, self._threads)
            scratch = max(scratch, int(task["scratch_size"][0]))
            self._scratch = _aligned(scratch * self._threads, self.dtype)
            # one cache line apart, so that threads do not write to each other's
            integers = 2 * P + 8
            self._integers = np.zeros(integers * self._threads, np.intp)
            task["scratch"], task["scratch_size"] = _address(self._scratch), scratch
            task["integers"], task["integers_size"] = _address(self._integers), integers

    # -- running ----------------------------------------------------------------------------------

    def _run(self, mode: int, params: np.ndarray, X: np.ndarray, Y: np.ndarray, batch: int, first: int, last: int,
             order: np.ndarray | None = None, out: np.ndarray | None = None, whole: bool = False) -> None:
        """Fill in the task and run its steps; the caller holds `lock`."""
        task = self.task
        threads = _runtime.shares(self.flops * min(batch, len(X)))
        targets = Y.shape[1]
        self._reserve(batch, targets, threads, whole)
        slab_sums = np.empty((self._chunk_slabs, 1 + int(task["n_metrics"][0])))
        task["mode"], task["threads"], task["batch"] = mode, threads, batch
        task["params"], task["X"], task["Y"] = _address(params), _address(X), _address(Y)
        task["n_rows"], task["targets"] = len(X), targets
        task["order"] = 0 if order is None else _address(order)
        task["out"] = 0 if out is None else _address(out)
        task["slab_sums"] = _address(slab_sums)
        if threads == 1:
            network.run(_address(task), first, last)
        else:
            with _runtime.launch_lock:
                network.run(_address(task), first, last)

    def predict(self, params: np.ndarray, X: np.ndarray) -> np.ndarray:
        """The network's outputs.

        Parameters
        ----------
        params : (n_params,) array
        X : (n, I) array

        Returns
        -------
        (n, O) array of the engine's dtype
        """
        out = np.empty((len(X), self.outputs), self.dtype)
        with self.lock:
            self._set_output_activation()
            if len(X):
                self._run(network.PREDICT, params, X, self._no_targets(), len(X), 0, 1, out=out)
        return out

    def _set_output_activation(self) -> None:
        """A fused loss applies the output's activation itself; without a loss the layer must."""
        forward, _ = activations.FUNCTIONS[activations.ACTIVATIONS[self.activations[-1]]]
        self.layers[-1]["forward"] = self._part(forward, ("A", "rows"))

    def _no_targets(self) -> np.ndarray:
        return self._no_floats.reshape(1, 1)

    def evaluate(self, params: np.ndarray, X: np.ndarray, Y: np.ndarray, loss: str,
                 metrics: Sequence[str] = ()) -> np.ndarray:
        """Means over the samples of the loss and of each metric, (1 + len(metrics),) float64."""
        with self.lock:
            self._set_loss(loss, metrics)
            self._run(network.EVALUATE, params, X, Y, len(X), 0, 1)
            return self.sums / len(X)

    def loss_and_gradient(self, params: np.ndarray, X: np.ndarray, Y: np.ndarray,
                          loss: str) -> tuple[float, np.ndarray]:
        """Loss of one batch and its gradient, flat like `params`."""
        gradient = np.empty(self.n_params, self.dtype)
        with self.lock:
            self._set_loss(loss, ())
            self.task["gradient"] = _address(gradient)
            self._run(network.GRADIENT, params, X, Y, len(X), 0, 1)
            return float(self.sums[0] / len(X)), gradient

    def inspect(self, params: np.ndarray, X: np.ndarray, Y: np.ndarray,
                loss: str) -> tuple[float, list[dict[str, np.ndarray | None]]]:
        """Loss of one batch, and what the kernels computed on the way: Z, A, dZ, dW and db of every layer.

        A, dZ, dW and db are read from the memory that training uses; Z, which training overwrites with A, is the
        same layer run again without its activation.
        """
        gradient = np.empty(self.n_params, self.dtype)
        found: list[dict[str, np.ndarray | None]] = []
        with self.lock:
            self._set_loss(loss, ())
            self._chunk_slabs = 0
            self.task["gradient"] = _address(gradient)
            self._run(network.GRADIENT, params, X, Y, len(X), 0, 1, whole=True)
            value = float(self.sums[0] / len(X))
            A_prev = X
            for l, record in enumerate(self.layers):
                A, dZ = self._panel(record, len(X)), self._columns(record, self._column_counts[l], len(X))
                I, O, rows, at = (int(record[field]) for field in ("inputs", "outputs", "rows", "weights"))
                matrix = slice(at, at + rows * O)
                linear = Engine(I, [_Linear(O, rows > I)], self.dtype)
                Z = linear.predict(params[matrix], A_prev)
                dW = gradient[matrix].reshape(rows, O)
                found.append({"Z": Z, "A": A, "dZ": dZ, "dW": dW[:I], "db": dW[I] if rows > I else None})
                A_prev = A
            self._chunk_slabs = 0
        return value, found

    def _panel(self, record: np.ndarray, n: int) -> np.ndarray:
        """A of a layer as rows of samples, from the slabs."""
        O, start = int(record["outputs"]), int(record["panel"])
        slabs = self.workspace[start:start + self._chunk_slabs * (O + 1) * self.slab]
        slabs = slabs.reshape(self._chunk_slabs, O + 1, self.slab)[:, :O]
        return np.ascontiguousarray(slabs.transpose(0, 2, 1).reshape(-1, O)[:n])

    def _columns(self, record: np.ndarray, count: int, n: int) -> np.ndarray:
        """dZ of a layer as rows of samples, from the sample-major columns."""
        O, start = int(record["outputs"]), int(record["columns"])
        columns = self.workspace[start:start + count * self._chunk_slabs * self.slab**2]
        columns = columns.reshape(count, self._chunk_slabs * self.slab, self.slab)
        return np.ascontiguousarray(columns.transpose(1, 0, 2).reshape(-1, count * self.slab)[:n, :O])

    def train(self, params: np.ndarray, optimizer: OptimizerState, X: np.ndarray, Y: np.ndarray,
              order: np.ndarray | None, batch_size: int, first: int, last: int, loss: str,
              metrics: Sequence[str] = ()) -> np.ndarray:
        """Steps ``first <= step < last`` of an epoch; step k has the rows ``order[k * batch_size:][:batch_size]``.

        Parameters
        ----------
        params : (n_params,) array
            Updated, as are ``optimizer.state`` and ``optimizer.iterations``.
        optimizer : OptimizerState
        X, Y : (n, I) and (n, targets) arrays
        order : (n,) intp array, or None for the order of the rows
        batch_size : int
        first, last : int
        loss : str
        metrics : sequence of str

        Returns
        -------
        (1 + len(metrics),) float64 array
            Sums over the samples of those steps of the loss and of each metric.
        """
        name = "sgd_momentum" if optimizer.name == "sgd" and optimizer.state else optimizer.name
        state = [*optimizer.state, self._no_floats, self._no_floats]
        with self.lock:
            self._set_loss(loss, metrics)
            hyper = optimizer.hyperparameters()
            self.hyper[:len(hyper)] = hyper
            task = self.task
            task["update"] = self._part(optimizers.UPDATES[name], *self._UPDATE)
            task["state_1"], task["state_2"] = _address(state[0]), _address(state[1])
            task["iterations"] = optimizer.iterations
            # a batch in chunks carries its gradient over from one to the next
            gradient = np.empty(self.n_params if batch_size > self.chunk_limit * self.slab else 1, self.dtype)
            task["gradient"] = _address(gradient)
            self._run(network.TRAIN, params, X, Y, batch_size, first, last, order=order)
            optimizer.iterations = int(task["iterations"][0])
            return self.sums


class _Linear:
    """One layer without activation."""

    activation = "linear"

    def __init__(self, units: int, use_bias: bool) -> None:
        self.units, self.use_bias = units, use_bias
