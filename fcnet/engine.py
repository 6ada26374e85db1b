"""The compiled side of one architecture: memory for its kernels, and calls into them.

An `Engine` knows the shape of a network and nothing of models, epochs or callbacks.  It holds the workspace and
the records that `fcnet.kernels.steps` reads.  Its arguments have been checked: see `checks`.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np

from . import _runtime, checks, layout
from . import losses as declared
from . import metrics as declared_metrics
from .activations import Custom
from .kernels import (
    _jit,
    activations,
    blocking,
    contraction,
    custom,
    few,
    held,
    inference,
    inputs,
    losses,
    matmul,
    network,
    optimizers,
    rules,
    sparse,
    steps,
    strips,
    transforms,
)
from .kernels.metrics import METRICS
from .kernels.simd import MR, NV, REGISTER_BYTES
from .layout import PLAIN, Rule
from .sparse import SparseRows

CHUNK_ROWS = 1024
CHUNK_BYTES = 2 << 20
LOCAL_CHUNK_SLABS = 1024
GROUP_SLABS = 32
"""A batch is worked off in chunks of CHUNK_ROWS samples, or of as many as fit into CHUNK_BYTES if that is more.  A
thread takes GROUP_SLABS slabs of it through a layer before the next layer: packed weights are used that often (packing
takes 21 % of the forward product with 4 slabs, 14 with 8, 10 with 16; 32 are a chunk in float32 with AVX-512).
Without tiles over the whole batch a thread uses the same places for one group after the other, in chunks of
LOCAL_CHUNK_SLABS.  None of these changes a bit of the result."""
STRIPS_FLOPS, STRIPS_WIDTH = 8e6, 160
"""Several threads share out the outputs of a layer in place of the slabs, if a chunk has so much work, and its layers,
on average over their weights, so many outputs.  Measured with 784-32-10 to 1024 x 4 and batches of 32 to 1,024."""
LEAST_GROUP = 4
"""Groups whose weights need no packing may be smaller, down to this: see `Engine._slabs_in_cache`."""
SUMS = 1 << 19
"""Sums of loss and metrics, one of each for every slab of a chunk, that are kept at a time."""
PARTIAL_PARAMS = 8192
PARTIAL_SLABS = 4 if REGISTER_BYTES == 64 else 8
"""With at most PARTIAL_PARAMS parameters the gradient of a batch of many slabs is summed by groups of twice
PARTIAL_SLABS slabs, of one with less than two such groups by halves, and of a small one, if the layers are narrow, at
once.  All of this is part of the result's rounding, so it depends on the sizes alone."""
HELD_BYTES = 2 << 20
"""With few weights, a full batch stays in slabs from step to step of a call, if it is no larger than this."""
ROWS_SHARE = 1.05, 0.95, 0.95, 0.66
SUMMED_SHARE = (1.3, 1.3, 0.79) if REGISTER_BYTES == 64 else (1.3, 1.3, 1.15, 0.79)
HALVED_SHARE = 1.05, 0.7, 0.7, 0.5
"""Batches of one vector of samples, of two, and so on are trained on by rows (`kernels.few`) if `Engine.by_rows` counts
at most so much for them by what it counts for slabs, which go faster the more there are; SUMMED_SHARE where few weights
make slabs cheap, HALVED_SHARE where slabs let threads share out the inputs.  Measured with 1 to 200 rows of networks
from 4-8-1 to 1000-1000-1000-10, on a processor with AVX-512 and on one with AVX2, whose vectors are half as long."""
ROWS_SLABS = 16
"""Nor do they if they fill more slabs than that."""
HALVED_INPUTS, HALVED_WORK = 256, 0.75
"""Threads share out the inputs of the first layer (`kernels.inputs`) if there are so many and their products are so
much of all.  With 100 to 200 inputs that took 1.03 to 1.1 of the time, with 256 as long, with 784 0.57 to 0.99."""
UPDATE_FLOPS = 3
"""What the update of a parameter counts, where it is all that threads can share: with 1.0 million of them and 8 rows a
second thread gained 3 to 18 %, with up to 0.27 million it lost up to 22."""
TURN = 10
"""Products of vectors that the transposes around a layer cost, for each of its inputs and outputs."""
FEW_ROWS = 2
"""Up to a slab's rows divided by this are predicted one by one: there, on an AVX-512 core, networks of 784-128-10 to
1024 x 4 took 0.5 to 0.75 of a slab's time in float32, and 0.5 to 1 of it in float64."""

# fields of TASK with the address of a part that every network needs, or those that work with slabs, or by rows
_STEP_PARTS = {"gather_targets": matmul.gather_slab, "advance": steps.advance}
_SLAB_PARTS = {"product": matmul.product, "strip_product": blocking.strip_product, "forward": network.forward}
_ROW_PARTS = {"rows_product": few.product, "scatter": matmul.scatter_slab}
# and, by slabs, for a prediction, and for a gradient that is summed at once or left to phase 2
_PREDICTION_PARTS = {"write_outputs": network.write_outputs, "scatter": matmul.scatter_slab}
_SUM_PARTS = {"backward": network.backward, "contraction": contraction.lane_gradient}
_TILE_PARTS = {"backward": network.backward, "scatter_columns": matmul.scatter_columns}
_STRIP_PARTS = {"scatter_columns": matmul.scatter_columns}
_FIELD = {name: i for i, name in enumerate(network.TASK.names or ())}


LossLike: TypeAlias = str | declared.Loss
Samples: TypeAlias = np.ndarray | SparseRows
MetricLike: TypeAlias = str | declared_metrics.Metric


class LayerShape(Protocol):
    """What the engine reads of a layer.

    A Dense has `units` and `use_bias`. A transform has `transform_parameter`, `key`, and `scale` and `center` if it
    learns.
    """

    activation: str | Custom

    @property
    def transform(self) -> str | None:
        """The name of a layer without a product, as `kernels.transforms` has it; None for a Dense."""

    @property
    def activation_parameter(self) -> float | None:
        """The number that some activations have; None is its default."""


class OptimizerState(Protocol):
    """What the engine reads and writes of an optimizer."""

    state: list[np.ndarray]
    iterations: int
    weight_decay: float | None
    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    gradient_accumulation_steps: int | None

    @property
    def formula(self) -> str: ...

    @property
    def formula_slots(self) -> int: ...

    def hyperparameters(self) -> np.ndarray: ...

    def rates(self, steps: int) -> np.ndarray | None: ...


def _address(array: np.ndarray) -> int:
    return array.ctypes.data  # `__array_interface__` would list all fields of a record, for 100 microseconds


class BatchPlan(NamedTuple):
    """How batches of one size are worked off: by rows, by strips, by inputs, or in groups of slabs.

    Parameters
    ----------
    mode : int
        PREDICT, EVALUATE, GRADIENT or TRAIN of `kernels.network`.
    rows, slabs : int
        Of a whole batch.
    targets : int
        Columns of Y.
    flops : float
        Of a step.
    threads : int
    by_rows, by_strips, by_inputs : bool
        Whether the phases are those of `kernels.few`, of `kernels.strips`, or of `kernels.inputs`.
    ahead : bool
        Whether a step of one sample also makes the next one's first product: see `kernels.few`.
    half : int
        Inputs of the first layer that make a sum of their own, on any number of threads; 0 if all make one.
    summed : int
        How many slabs have their gradient summed while they are in cache; 0 if all have, in phase 2.
    group : int
        Slabs that a thread takes through a layer before the next layer.
    chunk : int
        Slabs that go through a phase before the next phase.
    """

    mode: int
    rows: int
    slabs: int
    targets: int
    flops: float
    threads: int
    by_rows: bool
    by_strips: bool
    by_inputs: bool
    ahead: bool
    half: int
    summed: int
    group: int
    chunk: int

    @property
    def training(self) -> bool:
        """Whether parameters change."""
        return self.mode == network.TRAIN

    @property
    def local(self) -> bool:
        """Whether a thread uses the same places of the workspace for one group after the other."""
        return self.summed > 0 or self.mode < network.GRADIENT

    @property
    def share(self) -> int:
        """Slabs that stay together when they are shared out: those of one sum."""
        return self.group if self.summed else 1


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
        self._addresses: dict[Any, int] = {"give way": _runtime.giving_way()}
        self.activations = [layer.activation for layer in layers]
        self._functions = [self._function(activation) for activation in self.activations]
        self.transforms = [layer.transform for layer in layers]
        self.slab = NV * REGISTER_BYTES // self.dtype.itemsize
        self.layers = np.zeros(len(layers), network.LAYER)
        self.inputs, weights = inputs, 0
        for record, layer, function in zip(self.layers, layers, self._functions, strict=True):
            record["inputs"], record["weights"] = inputs, weights
            declare = self._declare_dense if layer.transform is None else self._declare_transform
            weights += declare(record, layer)
            inputs = int(record["outputs"])
            parameter = layer.activation_parameter
            if layer.transform in (None, "activation"):
                record["parameter"] = function.parameter if parameter is None else parameter
        self.n_params = weights
        self.outputs = inputs
        random = [l for l, transform in enumerate(self.transforms) if transform in transforms.RANDOM]
        self._drawing = [l for l in random if not self.layers["key"][l]]  # those without a seed of their own
        self._parametric = [bool(record["rows"]) or max(record["gamma"], record["beta"]) >= 0 for record in self.layers]
        self._learning = self._parametric

        widths = [self.inputs, *(int(width) for width in self.layers["outputs"])]
        # per slab: each layer's (width + 1, P) of A, another panel where more is kept, and dZ in columns P wide
        self._keepers = [l for l, transform in enumerate(self.transforms) if self._keeps(l, transform)]
        self._panel_rows = [width + 1 for width in widths] + [widths[l + 1] + 1 for l in self._keepers]
        self._column_counts = [-(-width // self.slab) for width in widths[1:]]
        # of a transform that learns, also what dgamma and dbeta are the sums of
        blocks = 1 + (self.layers["gamma"] >= 0) + (self.layers["beta"] >= 0)
        self._column_blocks = (blocks * self._column_counts).tolist()
        slab_numbers = self.slab * (sum(self._panel_rows) + self.slab * sum(self._column_blocks))
        self.chunk_limit = max(-(-CHUNK_ROWS // self.slab), CHUNK_BYTES // (slab_numbers * self.dtype.itemsize))
        self.flops = 6 * weights - 2 * int(np.prod(self.layers[self.lowest][["inputs", "products"]].tolist()))

        self.widest = max(widths)
        self.flat = not any(self.transforms) and not any(
            activation in inference.ACROSS for activation in self.activations[:-1])
        self._near_slabs, self.packed_size = self._slabs_in_cache(), self._cut_strips()
        self.hyper = np.zeros(optimizers.HYPER_SIZE)
        self._ones = np.repeat(np.array([1, 0], self.dtype), self.slab)
        self._task = np.zeros(1, network.TASK)
        self._task_address = _address(self._task)
        self._fields = self._task.view(np.int64).data
        self._known: dict[str, tuple[weakref.ref[np.ndarray], int, int]] = {}
        self._laid_out: tuple[int, ...] = ()
        self._set(slab=self.slab, layers=_address(self.layers), n_layers=len(self.layers), inputs=self.inputs,
                  widest=self.widest, n_params=self.n_params, hyper=_address(self.hyper), ones=_address(self._ones),
                  give_way=self._addresses["give way"])
        self._slabs = self._scratch_size = self._scratch_threads = 0
        self._options: tuple[Any, ...] = ()
        self._stages: list[tuple[Any, ...]] = []
        self._outer: Any = None  # the update that makes the gradient of one sample itself, if nothing else needs that
        self._constraints = np.zeros(0, rules.CONSTRAINT)
        self._rules = self._plain = [[PLAIN for _ in self._arrays(l)] for l in range(len(layers))]
        self._deferred = self._rooted = False
        self._places = np.zeros(len(layers) + 1, few.PLACE)
        self._room = self._panels = self._dZ = np.zeros(0, self.dtype)
        self._objective: tuple[Any, ...] | None = None
        self._loss_parameters = np.zeros(losses.N_PARAMETERS)
        self._none = np.zeros(1, self.dtype)
        self.few_rows = self.slab // FEW_ROWS
        self._few_shapes: dict[tuple[int, ...], tuple[int, int]] = {}
        self._laps: np.ndarray | None = None

    def _slabs_in_cache(self) -> int:
        """How many slabs have their panels in the L2 cache, if one thread reads all weights in place; else GROUP_SLABS.

        Where weights are packed, smaller groups would pack them more often; so they would if the panels of LEAST_GROUP
        slabs are too large.
        """
        dense = self.layers[self.layers["products"] > 0]
        fitting = blocking.NEAR // (NV * int(dense["rows"].max(initial=1)))
        in_place = all(blocking.read_in_place(int(outputs), self.slab // NV, 1) for outputs in dense["outputs"])
        return fitting if in_place and fitting >= LEAST_GROUP else GROUP_SLABS

    def _cut_strips(self) -> int:
        """Fill in how far strips of every layer's weights reach; numbers of the largest one that a thread copies."""
        layers, lanes = self.layers, self.slab // NV
        for record in layers:
            rows, outputs = int(record["rows"]), int(record["outputs"])
            record["forward_block"] = forward = blocking.block_size(rows, blocking.FORWARD_BLOCK)
            record["backward_block"] = backward = blocking.block_size(outputs, blocking.BACKWARD_BLOCK)
            record["near_strip"] = min(blocking.PACKED_STRIP, blocking.strip_rows(lanes, rows))
            record["far_strip"] = blocking.strip_rows(lanes, forward)
            record["backward_strip"] = blocking.strip_rows(lanes, backward)
        far = np.minimum(layers["far_strip"], -(-layers["products"] // MR) * MR) * (layers["forward_block"] + 1)
        return int(np.maximum(blocking.PACKED_STRIP * (layers["rows"] + 1), far).max())


    def _declare_dense(self, record: np.void, layer: Any) -> int:
        """Fill in the record of a product; the number of its parameters."""
        record["outputs"] = record["products"] = layer.units
        record["rows"] = record["inputs"] + bool(layer.use_bias)
        record["gamma"] = record["beta"] = -1
        return int(record["rows"]) * layer.units

    def _declare_transform(self, record: np.void, layer: Any) -> int:
        """The same of a layer without a product, which has as many outputs as inputs."""
        forward, backward = transforms.TRANSFORMS[layer.transform]
        record["outputs"] = width = int(record["inputs"])
        record["transform"], record["transform_backward"] = self._part(forward), self._part(backward)
        record["parameter"] = layer.transform_parameter
        record["key"] = layer.key
        learns = layer.transform == "layer_normalization"
        scale, center = learns and layer.scale, learns and layer.center
        at = int(record["weights"])
        record["gamma"], record["beta"] = at if scale else -1, at + width * scale if center else -1
        return width * (scale + center)

    def _keeps(self, l: int, transform: str | None) -> bool:
        """Whether the backward pass wants more of a layer than its output."""
        if transform in (None, "activation"):
            return self._functions[l].keeps_Z
        return transforms.TRANSFORMS[transform][1] is not None

    @property
    def lowest(self) -> int:
        """The first layer that learns: in training the backward pass ends there."""
        return self._learning.index(True) if any(self._learning) else len(self.layers)

    # -- compiled parts ---------------------------------------------------------------------------

    def _function(self, activation: str | Custom) -> activations.Function:
        """The parts of an activation."""
        if isinstance(activation, Custom):
            return custom.activation(*activation.functions, self.dtype)
        return activations.FUNCTIONS[activation]

    def _part(self, function: Any) -> int:
        """Address of a compiled part, 0 for None."""
        if function is None:
            return 0
        if function not in self._addresses:
            self._addresses[function] = _jit.part_address(function, self.dtype)
        return self._addresses[function]

    def _set(self, **fields: int) -> None:
        """Write integers to the task."""
        for name, value in fields.items():
            self._fields[_FIELD[name]] = value

    def _set_array(self, name: str, array: np.ndarray | None) -> None:
        """Write an array's address to the task, 0 for None; NumPy takes 1 us to tell it, so the last one is kept."""
        address = 0
        if array is not None:
            known = self._known.get(name)
            if known is not None and known[0]() is array and known[1] == array.nbytes:
                address = known[2]
            else:
                address = _address(array)
                self._known[name] = weakref.ref(array), array.nbytes, address
        self._fields[_FIELD[name]] = address

    def _set_objective(self, loss: LossLike | None, metrics: Sequence[MetricLike] = ()) -> None:
        """Which compiled parts end the forward pass; without a loss, only the output's activation."""
        aim: Any = None
        parameters: tuple[float, ...] = ()
        if loss is not None:
            loss = declared.get(loss)
            aim = (loss.function, loss.derivative) if isinstance(loss, declared.Custom) else loss.kernel
            parameters = loss.parameters()
        wanted = [declared_metrics.get(metric) if isinstance(metric, str) else metric for metric in metrics]
        reported = tuple((metric.function if isinstance(metric, declared_metrics.Custom) else metric.kernel,
                          metric.parameters(), metric.n_sums(self.outputs), metric.weighted) for metric in wanted)
        if self._objective == (aim, parameters, reported):
            return
        self._objective = None  # until all of it is set: Ctrl-C may come in between
        # now and not before: a process that predicts single rows needs none of them
        self._set(**{name: self._part(function) for name, function in _STEP_PARTS.items()})
        activation = self.activations[-1]
        fused = losses.FUSED.get((aim, activation))
        # a fused loss takes logits, and leaves dZ and the output
        last = activations.FUNCTIONS["linear"] if fused else self._functions[-1]
        for record, function in zip(self.layers, (*self._functions[:-1], last), strict=True):
            record["forward"] = self._part(function.forward)
            record["backward"] = self._part(function.backward) if aim is not None else 0
        if aim is not None:
            self._loss_parameters[:len(parameters)] = parameters
            part = fused or (losses.LOSSES[aim] if isinstance(aim, str) else custom.loss(*aim, self.dtype))
            self._set(loss=self._part(part), loss_parameters=_address(self._loss_parameters))
        self._rooted = aim in losses.ROOTS
        self._set(add_sums=self._part(network.add_root_sums) if self._rooted else 0)
        self._columns_of_sums = 1
        self._metrics = np.zeros(len(reported), network.METRIC)
        self._metric_parameters = [np.array(given, np.float64) for _, given, _, _ in reported]
        for record, numbers, (kernel, _, n_sums, weighted) in zip(
                self._metrics, self._metric_parameters, reported, strict=True):
            part = METRICS[kernel] if isinstance(kernel, str) else custom.metric(kernel, self.dtype)
            record["part"], record["parameters"] = self._part(part), _address(numbers)
            record["column"], record["weighted"] = self._columns_of_sums, weighted
            self._columns_of_sums += n_sums
        self._set(metrics=_address(self._metrics), n_metrics=len(reported), n_sums=self._columns_of_sums)
        self._objective = aim, parameters, reported

    # -- plan -------------------------------------------------------------------------------------

    def plan(self, mode: int, rows: int, targets: int, whole: bool = False, sparse: bool = False) -> BatchPlan:
        """How batches of so many rows are worked off.

        `whole`, for `inspect`, in one chunk that stays; `sparse`, from rows that have no place for every feature.
        A batch with fewer rows, which an epoch may end with, goes as a whole one would: that is part of the rounding.
        """
        slabs = -(-rows // self.slab)
        forward_only = mode < network.GRADIENT
        work = self.flops * rows + _runtime.PANEL_FLOPS * len(self.layers) * slabs
        flops = work / 3 if forward_only else work

        by_rows = not (forward_only or whole) and self.by_rows(rows)
        summed = 0 if forward_only or whole or by_rows else self.summed_slabs(slabs)
        by_strips = (not (forward_only or by_rows or summed)
                     and self.by_strips(work * min(1, self.chunk_limit / slabs)))
        half = 0 if forward_only or by_rows or summed or by_strips else self.half(slabs)
        by_inputs = half > 0 and not (whole or sparse)
        ahead = by_rows and mode == network.TRAIN and rows == 1 and not sparse and self._goes_ahead()
        if forward_only:
            threads = min(_runtime.shares(flops), slabs)
        else:
            threads = _runtime.shares(self._shared_work(flops, slabs, by_rows, by_strips or by_inputs, summed, ahead))
        if self._laps is not None:
            threads = min(threads, len(self._laps))
        by_strips, by_inputs = by_strips and threads > 1, by_inputs and threads > 1

        near = GROUP_SLABS if threads > 1 else self._near_slabs
        if by_strips or by_inputs:
            group = 2
        elif by_rows:
            group = slabs  # of which a thread takes all at once
        else:
            group = summed or min(near, GROUP_SLABS, slabs)
        limit = LOCAL_CHUNK_SLABS if forward_only or summed else slabs if whole else self.chunk_limit
        chunk = self._chunk(slabs, group, limit)
        return BatchPlan(mode, rows, slabs, targets, flops, threads, by_rows, by_strips, by_inputs,
                         ahead and threads == 1, half, summed, group, chunk)

    def by_rows(self, rows: int) -> bool:
        """Whether batches of so many rows are trained on by `kernels.few`, and not as slabs.

        It counts products of vectors in the forward pass, which those of the others are like: for each input a slab
        takes one for every output and vector of samples; rows take one for every sample and vector of outputs, and
        with less than NV of these stay as long.  A `few.NARROW` layer has its sums across the lanes.  Slabs also
        cost transposes, unless the gradient is summed over their lanes.
        """
        lanes = self.slab // NV
        vectors, slabs = -(-rows // lanes), -(-rows // self.slab)
        if not self.flat or slabs > min(ROWS_SLABS, self.chunk_limit):
            return False
        summed = self.summed_slabs(slabs)
        by_rows = by_slabs = 0
        for record in self.layers:
            inputs, outputs = int(record["rows"]), int(record["outputs"])
            by_slabs += vectors * (inputs * outputs + (0 if summed else TURN * (inputs + outputs)))
            if outputs <= few.NARROW:
                by_rows += rows * outputs * (inputs // lanes + few.LANE_SUM)
            else:
                by_rows += rows * inputs * max(NV, -(-outputs // lanes))
        shares = SUMMED_SHARE if summed else HALVED_SHARE if self.half(slabs) else ROWS_SHARE
        return by_rows <= shares[min(vectors, len(shares)) - 1] * by_slabs

    def by_strips(self, work: float) -> bool:
        """Whether several threads share out the outputs of each layer (`kernels.strips`), not the slabs of a chunk."""
        weights = self.layers["inputs"] * self.layers["outputs"]
        width = int(weights @ self.layers["outputs"]) / int(weights.sum())
        return self.flat and work >= STRIPS_FLOPS and width >= STRIPS_WIDTH

    def half(self, slabs: int) -> int:
        """How many inputs of the first layer have their products in so many slabs summed apart from the others'.

        Half of them, about, where they are so many that threads should share them out, and a half's panels stay in the
        L2 cache; else 0. It is part of the rounding, so it depends on the sizes alone.
        """
        first, weights = self.layers[0], self.layers["rows"] * self.layers["products"]
        half = round(int(first["rows"]) / 2 / MR) * MR
        near = slabs <= self.chunk_limit and slabs * half * NV <= blocking.NEAR
        wide = self.inputs >= max(HALVED_INPUTS, int(first["outputs"]))
        return half if self.flat and near and wide and weights[0] >= HALVED_WORK * weights.sum() else 0

    def _parts(self, plan: BatchPlan) -> dict[str, Any]:
        """The compiled parts that a plan needs, by their fields of TASK."""
        if plan.by_rows:
            return _ROW_PARTS
        parts = _SLAB_PARTS
        if plan.mode == network.PREDICT:
            parts = parts | _PREDICTION_PARTS
        elif plan.mode >= network.GRADIENT:
            parts = parts | (_SUM_PARTS if plan.summed else _STRIP_PARTS if plan.by_strips else _TILE_PARTS)
        if plan.slabs > 1 and self.layers["products"].max() >= blocking.STRIP:
            parts = parts | {"pack_rows": matmul.pack_rows}
        return parts

    def summed_slabs(self, slabs: int) -> int:
        """How many slabs of a batch have their gradient summed while they are in cache; 0 if all have, in phase 2."""
        if self.n_params <= PARTIAL_PARAMS and slabs >= 2 * PARTIAL_SLABS:
            return min(-(-slabs // 2), 2 * PARTIAL_SLABS)
        narrow = int(self.layers["outputs"].max()) <= self.slab // NV
        return slabs if narrow and slabs * self.n_params <= PARTIAL_PARAMS else 0

    def _goes_ahead(self) -> bool:
        """Whether the optimizer's pass over the first layer's weights may multiply the next sample with them.

        Nothing else may change them before that sample's step, so there must be no stage.
        """
        outputs = int(self.layers["outputs"][0])
        return self._outer is not None and not self._stages and self._learning[0] and few.goes_outer(outputs, self.slab)

    def _shared_work(
        self, work: float, slabs: int, by_rows: bool, by_layers: bool, summed: int, ahead: bool
    ) -> float:  # fmt: skip
        """How much of the work of a step, in floating-point operations, several threads can share out."""
        if summed >= slabs:  # one group
            return 0
        if slabs > 1 or by_layers:
            return work
        # of a single slab only the gradient and the update, which by rows goes as fast as the weights come; several
        # threads can't go ahead, and lose with it what they gain by the first layer's update
        alone = int(self.layers["rows"][0] * self.layers["outputs"][0]) if ahead else 0
        return UPDATE_FLOPS * (self.n_params - alone) if by_rows else work / 3

    def _chunk(self, slabs: int, group: int, limit: int) -> int:
        """How many slabs make a chunk: whole groups where their sums would take too much room."""
        chunk = min(slabs, limit)
        if self._columns_of_sums > 1:
            chunk = min(chunk, max(1, SUMS // (self._columns_of_sums * group)) * group)
        return chunk

    # -- memory -----------------------------------------------------------------------------------

    def _reserve(self, plan: BatchPlan, n: int) -> None:
        """All memory for batches of n rows in all."""
        if plan.by_rows:
            self._reserve_rows(max(plan.rows, 2), plan.threads)  # the second of one is the next sample's
        self._reserve_workspace(plan.threads * plan.group if plan.local else plan.chunk)
        self._reserve_scratch(plan.group, plan.targets, plan.threads)
        if plan.by_strips:
            self._reserve_dZ(2, int(self.layers["outputs"].max()), plan.chunk)
        elif plan.by_inputs:
            self._reserve_dZ(1, int(self.layers["outputs"][0]), plan.chunk)
        self._reserve_sums(plan)
        self._reserve_held(plan, n)

    def _reserve_workspace(self, slabs: int) -> None:
        """Panels and columns of so many slabs; kept, and made anew only when they must grow."""
        P = self.slab
        if slabs <= self._slabs:
            return
        self._slabs = 0
        panels = slabs * P * np.array(self._panel_rows)
        columns = slabs * P * P * np.array(self._column_blocks)
        starts = np.concatenate([[0], np.cumsum(np.concatenate([panels, columns]))])
        self.workspace = layout.zeros(int(starts[-1]), self.dtype)
        self.layers["panel"] = self.layers["kept"] = starts[1:len(self.layers) + 1]
        self.layers["kept"][self._keepers] = starts[len(self.layers) + 1:len(panels)]
        self.layers["columns"] = starts[len(panels):-1]
        for start, size, rows in zip(starts, panels, self._panel_rows, strict=False):
            self.workspace[start:start + size].reshape(slabs, rows, P)[:, -1] = 1.0
        self._set(workspace=_address(self.workspace), input_panel=0, chunk_slabs=slabs)
        self._slabs = slabs
        self._list_matrices()

    def _reserve_scratch(self, group: int, targets: int, threads: int) -> None:
        """What every thread has for itself, and what they tell each other; kept in the same way."""
        P = self.slab
        packed = P * max(group * (targets + 2 * self.widest + 1), blocking.TILE_COLUMNS * MR)
        scratch = -(-(packed + self.packed_size) // 64) * 64
        if scratch <= self._scratch_size and threads <= self._scratch_threads:
            return
        scratch, threads = max(scratch, self._scratch_size), max(threads, self._scratch_threads)
        self._scratch_size = 0  # until all of it is there
        self._scratch = layout.zeros(scratch * threads, self.dtype)
        # a cache line apart, so that threads do not write to each other's
        integers = 2 * P + 8
        self._integers = np.zeros(integers * threads, np.intp)
        self._own_hyper = np.zeros(optimizers.HYPER_SIZE * threads)
        self._shared = layout.zeros(steps.SHARES + steps.LINE * threads, np.dtype(np.int64))
        self._set(scratch=_address(self._scratch), scratch_size=scratch,
                  packed=scratch - self.packed_size, own_hyper=_address(self._own_hyper),
                  shared=_address(self._shared), integers=_address(self._integers), integers_size=integers)
        self._scratch_size, self._scratch_threads = scratch, threads

    def _reserve_sums(self, plan: BatchPlan) -> None:
        """Room for the sums of loss and metrics, for partial gradients, and for the gradient of a step."""
        self._slab_sums = np.empty(plan.chunk * self._columns_of_sums)
        self._partials = np.zeros(-(-plan.chunk // plan.group) * self.n_params if plan.summed else 1, self.dtype)
        # needed for a batch in several chunks, to add up partial gradients, and for stages
        carried = plan.training and (plan.summed or plan.chunk < plan.slabs or self._deferred)
        self._carried = np.empty(self.n_params, self.dtype) if carried else self._none
        self._set(slab_sums=_address(self._slab_sums), partials=_address(self._partials) if plan.summed else 0)

    def _reserve_held(self, plan: BatchPlan, n: int) -> None:
        """Room for a full batch that stays in slabs from step to step, if it may."""
        numbers = plan.slabs * self.slab * (self.inputs + plan.targets)
        holds = plan.training and plan.summed and plan.rows == n and plan.chunk == plan.slabs
        fits = holds and numbers * self.dtype.itemsize <= HELD_BYTES
        self._held = layout.zeros(numbers, self.dtype) if fits else self._none
        self._set(held=_address(self._held) if fits else 0)

    def _list_matrices(self) -> None:
        """What phase 2 computes: for the gradient all matrices of parameters, for training those that learn."""
        every = np.array([matrix for l in range(len(self.layers)) for matrix in self._matrices_of(l)], network.MATRIX)
        self._matrices = every, every[[self._learning[l] for l in every["layer"]]]
        self._matrix_addresses = [_address(matrices) for matrices in self._matrices]

    def _matrices_of(self, l: int) -> list[tuple[int, ...]]:
        """The records of one layer, in the order of the flat vector."""
        record, P = self.layers[l], self.slab
        O, columns = int(record["outputs"]), int(record["columns"])
        if record["products"]:
            before = int(self.layers[l - 1]["panel"]) if l else 0
            return [(l, int(record["rows"]), O, int(record["weights"]), before, int(record["inputs"]) + 1, columns)]
        # a sum over the samples is a product with the panel's row of ones
        ones, block = int(record["panel"]) + O * P, self._column_counts[l] * self._slabs * P * P
        learned = [int(record[name]) for name in ("gamma", "beta") if record[name] >= 0]
        return [(l, 1, O, at, ones, O + 1, columns + block * n) for n, at in enumerate(learned, 1)]

    def _reserve_dZ(self, count: int, width: int, slabs: int) -> None:
        """Room for dZ of `count` layers of so many outputs, beside the workspace; by inputs, for half of Z."""
        jump = self.slab * width
        if count * slabs * jump > self._dZ.size:
            self._dZ = layout.zeros(count * slabs * jump, self.dtype)
        self._set(dZ=_address(self._dZ), dZ_size=slabs * jump, dZ_jump=jump)

    def _reserve_rows(self, rows: int, threads: int) -> None:
        """Room for so many rows of A, dZ and, where it is kept, Z, and for the threads of `few`."""
        P, places, start = self.slab, self._places, 0
        widths = np.array([self.inputs, *self.layers["outputs"]])
        # an odd number of slabs' widths: rows a page apart would share few sets of the caches
        places["stride"] = P * (widths // P + 1 | 1)
        for field in ("A", "dZ", "kept"):
            for l, place in enumerate(places):
                if field == "kept" and l - 1 not in self._keepers:
                    place[field] = place["A"]
                else:
                    place[field] = start
                    start += rows * int(place["stride"])
        panels = few.panel_numbers(self.layers["outputs"], P)
        if start > self._room.size:
            self._room = layout.zeros(start, self.dtype)
        if threads * panels > self._panels.size:
            self._panels = layout.zeros(threads * panels, self.dtype)
        self._set(places=_address(places), room=_address(self._room), panels=_address(self._panels), panels_size=panels)

    # -- running ----------------------------------------------------------------------------------

    def _run(self, mode: int, params: np.ndarray, X: Samples, Y: np.ndarray, batch: int, first: int = 0,
             last: int = 1, orders: np.ndarray | None = None, out: np.ndarray | None = None,
             gradient: np.ndarray | None = None, sums: np.ndarray | None = None,
             weights: np.ndarray | None = None, whole: bool = False, search: bool = False) -> None:
        """Fill in the task and run its steps; the caller holds `lock`.

        With `whole` the batch stays in the workspace, in one chunk, for `inspect` to read. With `search` it is looked
        for numbers that are not finite.
        """
        key = (mode, len(X), batch, Y.shape[1], whole, isinstance(X, SparseRows), self._columns_of_sums,
               _runtime.get_num_threads(), _runtime.SHARE_FLOPS, self._deferred)
        if key != self._laid_out or whole:
            self._laid_out = ()
            self._lay_out(*key[:6])
            self._laid_out = key
        self._set_array("params", params)
        self._set_array("gradient", self._carried if gradient is None else gradient)
        if isinstance(X, SparseRows):
            self._set(gather=self._part(sparse.gather_sparse))
            self._set_array("X", X.table)
        else:
            self._set(gather=self._part(matmul.gather_slab))
            self._set_array("X", X)
        self._set_array("Y", Y)
        self._set_array("order", orders)
        self._set_array("out", out)
        self._set_array("sums", sums)
        self._set_array("weights", weights)
        hold = self._held.size > 1 and last - first > 1 and orders is None and weights is None
        if self._in_groups:
            gather = held.gather_held if hold else network.gather_searched if search else network.gather_samples
            self._set(gather_samples=self._part(gather))
        if weights is not None:
            self._set(gather_weights=self._part(network.gather_weights), weigh_batch=self._part(network.weigh_batch))
        self._set(abandon=0)
        long = self._step_flops * (last - first) > _runtime.LONG_FLOPS * self.threads
        if long and threading.current_thread() is threading.main_thread():
            kernel = steps.run if self.threads == 1 else steps.run_shared
            if not kernel.signatures:
                self._enter(0, 0)  # compiled here, where a signal is heard
            _runtime.interruptible(lambda: self._enter(first, last), lambda: self._set(abandon=1))
        else:
            self._enter(first, last)

    def _enter(self, first: int, last: int) -> None:
        """Run the steps of the task, alone if on several threads."""
        if self.threads == 1:
            steps.run(self._task_address, first, last)
        else:
            with _runtime.launching(self.threads):
                steps.run_shared(self._task_address, first, last)

    def _lay_out(self, mode: int, n: int, batch: int, targets: int, whole: bool, sparse: bool) -> None:
        """Say how batches of n rows in all are worked off, with memory for them."""
        plan = self.plan(mode, batch, targets, whole, sparse)
        self._step_flops, self._in_groups = plan.flops, not (plan.by_rows or plan.by_strips or plan.by_inputs)
        self._reserve(plan, n)
        self._set(**{name: self._part(function) for name, function in self._parts(plan).items()})
        self._set_learning(plan.training)
        self._set_phases(plan)
        self._set(mode=mode, threads=plan.threads, batch=batch, n_rows=n, targets=targets,
                  chunk_rows=plan.chunk * self.slab, group_slabs=plan.group, share_slabs=plan.share, local=plan.local,
                  half=plan.half, ahead=plan.ahead,
                  outer=self._part(self._outer if plan.training and plan.by_rows and plan.rows == 1 else None))

    def _set_learning(self, training: bool) -> None:
        """Which layers have a gradient: in training those that learn, else all that have parameters."""
        self.layers["learns"] = self._learning if training else self._parametric
        self._set(matrices=self._matrix_addresses[training], n_matrices=len(self._matrices[training]),
                  lowest=self.lowest if training else 0)

    def _set_phases(self, plan: BatchPlan) -> None:
        """What the threads do one after the other: for every chunk, and at the end of a step."""
        of_a_chunk = self._sample_phases(plan) + self._gradient_phases(plan)
        phases = of_a_chunk + (self._stages if plan.training else [])
        self._phases = np.array([(self._part(part), *numbers) for part, *numbers in phases], network.PHASE)
        self._set(phases=_address(self._phases), n_phases=len(phases), chunk_phases=len(of_a_chunk))

    def _sample_phases(self, plan: BatchPlan) -> list[tuple[Any, ...]]:
        """Phase 1, which shares out the samples: forward, loss and dZ; or outputs or inputs of layers first."""
        if plan.by_strips:
            return self._strip_phases(plan.mode, plan.chunk)
        if plan.by_inputs:
            blocks = -(-self.inputs * NV // self.slab)
            of_a_thread = -(-blocks // plan.threads)
            sums = 2 * -(-int(self.layers["outputs"][0]) // MR)
            return [(inputs.gather, 0, blocks, 0, of_a_thread, of_a_thread),
                    (inputs.product, 0, sums, 0, sums, inputs.BLOCKS), (inputs.rest, 0, 0, 1, plan.group, 1)]
        if plan.by_rows:
            of_a_thread = -(-plan.slabs // plan.threads)
            return [(few.forward_backward, 0, 0, 1, of_a_thread, of_a_thread)]
        shares = plan.group // plan.share
        return [(network.forward_backward, 0, 0, plan.share, shares, shares)]

    def _gradient_phases(self, plan: BatchPlan) -> list[tuple[Any, ...]]:
        """Phase 2, which shares out the parameters: the gradient, and in training the update."""
        if plan.by_rows:
            return [(few.gradient_update, 0, self._strips(), 0, few.MOST_STRIPS, 1)]
        if plan.summed:
            return [(network.sum_update, 0, self._sums(), 0, network.MOST_PIECES, 1)]
        if plan.mode < network.GRADIENT:
            return []
        tiles = self._tiles(self._matrices[plan.training])
        return [(network.gradient_update, 0, tiles, 0, network.MOST_TILES, blocking.TILE_GROUP)]

    def _strip_phases(self, mode: int, slabs: int) -> list[tuple[Any, ...]]:
        """Those of `kernels.strips` for a chunk of so many slabs."""
        lowest, last = self.lowest if mode == network.TRAIN else 0, len(self.layers) - 1
        phases: list[tuple[Any, ...]] = [(strips.gather, 0, 0, 1, 1, 1)]
        for l, record in enumerate(self.layers):
            if l < last or record["outputs"] >= blocking.STRIP:
                at_once = strips.blocks_at_once(slabs, int(record["rows"]))
                phases.append((strips.forward, l, -(-int(record["outputs"]) // MR), 0, *at_once))
        phases.append((strips.output, last, 0, 1, 2, 1))
        for l in range(last, lowest - 1, -1):
            blocks = -(-int(self.layers[l]["inputs"]) // MR) if l > lowest else 0
            at_once = strips.blocks_at_once(slabs, int(self.layers[l]["outputs"]))
            phases.append((strips.backward, l, blocks, int(self.layers[l]["learns"]), *at_once))
        return phases

    def _tiles(self, matrices: np.ndarray) -> int:
        """How many tiles phase 2 has."""
        return sum(blocking.count_tiles(int(matrix["rows"]), int(matrix["outputs"]), self.slab) for matrix in matrices)

    def _sums(self) -> int:
        """How many units phase 2 has where partial gradients are added up."""
        return -(-self.n_params // network.SUMMED)

    def _strips(self) -> int:
        """How many strips phase 2 has, by rows."""
        return sum(few.count_strips(int(record["rows"]), int(record["outputs"]))
                   for record in self.layers if record["learns"])

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
        if 0 < len(X) <= self.few_rows and isinstance(X, np.ndarray):
            with self.lock:
                if not self._few_shapes:
                    self._plan_few()
            few = self.predict_few(params, X if X.flags.carray else X.copy())
            if few is not None:
                return few
        out = np.empty((len(X), self.outputs), self.dtype)
        if len(X):
            with self.lock:
                self._set_objective(None)
                self._run(network.PREDICT, params, X, self._none.reshape(1, 1), len(X), out=out)
        return out

    def predict_few(self, params: np.ndarray, X: np.ndarray) -> np.ndarray | None:
        """What `predict` returns, with the same bits, by a shorter way for few rows; None if it is not open to X.

        Parameters
        ----------
        params : (n_params,) array
        X : array
            Of any shape, dtype and content; only that it is a plain ndarray must be known.

        Returns
        -------
        (n, O) array of the engine's dtype, or None
            None unless X (n, I) is C-contiguous, writable and of the engine's dtype, has at least one row and at
            most `few_rows`, and is finite; and before `predict` has been given few rows once.
        """
        shape = self._few_shapes.get(X.shape)
        # dtype and flags are part of a Numba type: another one would compile the kernel once more
        if shape is None or X.dtype != self.dtype or not X.flags.carray:
            return None
        out = np.empty(shape, self.dtype)
        with self.lock:
            finite = inference.predict_rows(self._plan_address, params, X, out)
        return out if finite else None

    def predict_many(self, params: np.ndarray, X: np.ndarray) -> np.ndarray | None:
        """The same for any number of rows whose prediction Ctrl-C may wait for; X may be read-only."""
        if X.ndim != 2 or X.shape[1] != self.inputs or X.dtype != self.dtype:
            return None
        n = len(X)
        if n <= self.few_rows or n * self.flops > _runtime.LONG_FLOPS or not (X.flags.c_contiguous and X.flags.aligned):
            return None
        out = np.empty((n, self.outputs), self.dtype)
        with self.lock:
            self._set_objective(None)
            self._set(not_finite=0)
            self._run(network.PREDICT, params, X, self._none.reshape(1, 1), n, out=out, search=True)
            finite = self._task["not_finite"][0] == 0
        return out if finite else None

    def _plan_few(self) -> None:
        """Records and room for `predict_few`, and the shapes (n, I) that it takes, each with that of its outputs."""
        steps: list[tuple[np.void, int]] = []  # a record with the product, and the layer whose activation follows
        for l, transform in enumerate(self.transforms):
            if transform is None:
                steps.append((self.layers[l], l))
            elif transform == "activation" and steps and self.activations[steps[-1][1]] == "linear":
                steps[-1] = steps[-1][0], l
            elif transform not in transforms.RANDOM:  # those change nothing here
                self.few_rows = 0
                return
        self._steps = np.zeros(len(steps), inference.STEP)
        for step, (record, l) in zip(self._steps, steps, strict=True):
            for field in ("inputs", "outputs", "rows", "weights"):
                step[field] = record[field]
            activation = self.activations[l]
            step["parameter"] = self.layers[l]["parameter"]
            step["activation"] = self._part(inference.ACROSS.get(activation, self._functions[l].forward))
            step["across"] = activation in inference.ACROSS
        self._plan_room = layout.zeros(2 * self.few_rows * self.slab * max(self._column_counts), self.dtype)
        start = _address(self._plan_room)
        self._plan_record = np.zeros(1, inference.PLAN)
        self._plan_record[0] = _address(self._steps), len(self._steps), start, start + self._plan_room.nbytes // 2
        self._plan_address = _address(self._plan_record)
        self._few_shapes = {(n, self.inputs): (n, self.outputs) for n in range(1, self.few_rows + 1)}

    def evaluate(self, params: np.ndarray, X: np.ndarray, Y: np.ndarray, loss: LossLike,
                 metrics: Sequence[MetricLike] = (), weights: np.ndarray | None = None) -> np.ndarray:
        """Sums over the samples, weighted, of the loss and of each metric: float64, as many as the metrics have.

        Of a loss that is a root, they are sums of its square: see `Loss.total`.
        """
        with self.lock:
            self._set_objective(loss, metrics)
            sums = np.zeros(self._columns_of_sums)
            self._run(network.EVALUATE, params, X, Y, len(X), sums=sums, weights=weights)
        return sums

    def loss_and_gradient(self, params: np.ndarray, X: np.ndarray, Y: np.ndarray, loss: LossLike,
                          weights: np.ndarray | None = None) -> tuple[float, np.ndarray]:
        """Loss of one batch, the mean weighted by `weights` (n,), and its gradient, flat like `params`."""
        with self.lock:
            return self._gradient(params, X, Y, loss, weights, whole=False)

    def _gradient(self, params: np.ndarray, X: np.ndarray, Y: np.ndarray, loss: LossLike,
                  weights: np.ndarray | None, whole: bool) -> tuple[float, np.ndarray]:
        gradient, sums = np.empty(self.n_params, self.dtype), np.zeros(1)
        self._set_objective(loss)
        self._run(network.GRADIENT, params, X, Y, len(X), gradient=gradient, sums=sums, weights=weights, whole=whole)
        if self._rooted:
            gradient *= self._task["factor"][0]
        weight = len(X) if weights is None else weights.sum(dtype=np.float64) or 1.0
        self._add_penalty_gradient(params, gradient)
        return float(sums[0] / weight) + self.penalty(params), gradient

    def inspect(self, params: np.ndarray, X: np.ndarray, Y: np.ndarray, loss: LossLike,
                weights: np.ndarray | None = None) -> tuple[float, list[dict[str, np.ndarray | None]]]:
        """Loss of one batch, and what the kernels computed on the way: Z, A, dZ, dW and db of every layer.

        A, dZ, dW and db are read from the memory that training uses; Z, which training overwrites with A, is the
        same layer run again without its activation.
        """
        found: list[dict[str, np.ndarray | None]] = []
        with self.lock:
            self._slabs = 0  # a workspace of its own: the batch in one chunk
            value, gradient = self._gradient(params, X, Y, loss, weights, whole=True)
            A_prev = X
            for l, record in enumerate(self.layers):
                A, dZ = self._panel(record, len(X)), self._columns(record, self._column_counts[l], len(X))
                if self._rooted:
                    dZ *= self._task["factor"][0]
                I, O, rows, at = (int(record[field]) for field in ("inputs", "outputs", "rows", "weights"))
                if not record["products"]:
                    learned = {f"d{name}": gradient[start:start + O].copy() if start >= 0 else None
                               for name, start in (("gamma", record["gamma"]), ("beta", record["beta"]))}
                    if l == 0:
                        A_prev = self._rows(0, I, len(X))  # dense, whatever X is
                    found.append({"Z": A_prev, "A": A, "dZ": dZ, "dW": None, "db": None, **learned})
                    A_prev = A
                    continue
                matrix = slice(at, at + rows * O)
                linear = Engine(I, [_Linear(O, rows > I)], self.dtype)
                Z = linear.predict(params[matrix], A_prev)
                dW = gradient[matrix].reshape(rows, O)
                found.append({"Z": Z, "A": A, "dZ": dZ, "dW": dW[:I], "db": dW[I] if rows > I else None})
                A_prev = A
            self._slabs = 0
        return value, found

    def _panel(self, record: np.ndarray, n: int) -> np.ndarray:
        """A of a layer as rows of samples, from the slabs."""
        return self._rows(int(record["panel"]), int(record["outputs"]), n)

    def _rows(self, start: int, O: int, n: int) -> np.ndarray:
        """A panel of O features as rows of samples."""
        slabs = self.workspace[start:start + self._slabs * (O + 1) * self.slab]
        slabs = slabs.reshape(self._slabs, O + 1, self.slab)[:, :O]
        return np.ascontiguousarray(slabs.transpose(0, 2, 1).reshape(-1, O)[:n])

    def _columns(self, record: np.ndarray, count: int, n: int) -> np.ndarray:
        """dZ of a layer as rows of samples, from the sample-major columns."""
        O, start = int(record["outputs"]), int(record["columns"])
        columns = self.workspace[start:start + count * self._slabs * self.slab**2]
        columns = columns.reshape(count, self._slabs * self.slab, self.slab)
        return np.ascontiguousarray(columns.transpose(1, 0, 2).reshape(-1, count * self.slab)[:n, :O])

    def train(self, params: np.ndarray, optimizer: OptimizerState, X: np.ndarray, Y: np.ndarray,
              orders: np.ndarray | None, batch_size: int, first: int, last: int, loss: LossLike,
              metrics: Sequence[MetricLike], sums: np.ndarray, weights: np.ndarray | None = None,
              key: int = 0, first_draw: int = 0) -> None:
        """Steps ``first <= step < last``, counted through one or several epochs.

        Parameters
        ----------
        params : (n_params,) array
            Updated, as are ``optimizer.state`` and ``optimizer.iterations``.
        optimizer : OptimizerState
        X, Y : (n, I) and (n, targets) arrays
        orders : (epochs, n) intp array, or None for the order of the rows in every epoch
            Step k of an epoch has the rows ``order[k * batch_size:][:batch_size]``.
        batch_size : int
        first, last : int
        loss : str or Loss
        metrics : sequence of str or Metric
        sums : (epochs, n_sums) float64 array
            The sums over the samples of the loss and of each metric are added to the epoch's row; a metric has one
            or several (`Metric.n_sums`).
        weights : (n,) array, optional
            Of the samples, 0 or more: the loss of a batch is sum(w l) / sum(w), and 0 if sum(w) is.
        key : int
            Of the random numbers of layers that have no seed of their own, see `fcnet.kernels.counter`.
        first_draw : int
            What step 0 counts as for them; step k counts as ``first_draw + k``.
        """
        with self.lock:
            self._set_objective(loss, metrics)
            self._set_optimizer(optimizer)
            self._set(first_draw=first_draw)
            if self._drawing:
                self.layers["key"][self._drawing] = key
            rates = optimizer.rates(last - first)
            self._set_array("rates", rates)
            try:
                self._run(network.TRAIN, params, X, Y, batch_size, first, last, orders=orders, sums=sums,
                          weights=weights)
            finally:
                # a KeyboardInterrupt comes when the steps are done
                optimizer.iterations = self._fields[_FIELD["iterations"]]

    def _set_optimizer(self, optimizer: OptimizerState) -> None:
        """The compiled update with its numbers and vectors, and the stages that its options need."""
        hyper = optimizer.hyperparameters()
        self.hyper[:len(hyper)] = hyper
        options = (self._rooted, optimizer.formula, optimizer.weight_decay, optimizer.clipvalue, optimizer.clipnorm,
                   optimizer.global_clipnorm, optimizer.gradient_accumulation_steps, optimizer.use_ema,
                   optimizer.ema_momentum, optimizer.ema_overwrite_frequency)
        if options != self._options:
            self._options = ()
            self._set_options(*options)
            self._options = options
        # also here: callbacks may have changed them since the fit began
        own, extras = optimizer.formula_slots, optimizer.use_ema + bool(optimizer.gradient_accumulation_steps)
        checks.vectors(optimizer.state, self.dtype, (own + extras, self.n_params))
        for name, vector in zip(("state_1", "state_2", "state_3"), optimizer.state[:own], strict=False):
            self._set_array(name, vector)
        if optimizer.use_ema:
            self._set_array("average", optimizer.state[own])
        if optimizer.gradient_accumulation_steps:
            self._set_array("accumulated", optimizer.state[-1])
        self._fields[_FIELD["iterations"]] = optimizer.iterations

    def _set_options(self, rooted: bool, formula: str, weight_decay: float | None, clipvalue: float | None,
                     clipnorm: float | None, global_clipnorm: float | None, steps: int | None, use_ema: bool,
                     ema_momentum: float, ema_overwrite_frequency: int | None) -> None:
        """Which parts an optimizer's options need; see `fcnet.optimizers.Optimizer`."""
        prepared, norm = weight_decay or clipvalue, clipnorm or global_clipnorm
        stages: list[Any] = []
        self._pieces = self._cut(whole_norm=global_clipnorm is not None)
        every = [rule for group in self._rules for rule in group]
        penalised = any(rule.l1 or rule.l2 for rule in every)
        self._deferred = bool(rooted or steps or norm) or self._differs(every)
        # what changes the gradient; then the optimizer, if it has to wait for that; then what changes the parameters
        if rooted:
            stages.append(network.scale_gradient)
        if penalised:
            stages += [rules.penalise, rules.report_penalty] if self._deferred else [rules.report_penalty]
        if steps:
            stages.append(network.accumulate)
        if norm:
            stages.append(network.sum_squares)
        if self._deferred:
            stages.append(network.update_pieces)
        if use_ema:
            stages.append(network.average_parameters)
        if any(rule.constraint for rule in every):
            stages.append(rules.constrain)
            self._constraints = self._blocks()
            self._set(constraints=_address(self._constraints), n_constraints=len(self._constraints))
        units = {rules.report_penalty: 1, rules.constrain: len(self._constraints)}
        self._stages = [(stage, 0, units.get(stage, len(self._pieces)), 0, network.MOST_PIECES, 1) for stage in stages]
        self._laid_out = ()
        self._outer = None if prepared or penalised or self._deferred else optimizers.OUTER.get(formula)

        self.hyper[optimizers.DECAY] = weight_decay or 0.0
        self.hyper[optimizers.CLIP_VALUE] = clipvalue or np.inf
        self.hyper[optimizers.CLIP_NORM] = norm or np.inf
        self.hyper[optimizers.EMA] = ema_momentum
        self._set(update=self._part(optimizers.UPDATES[formula]), state_1=0, state_2=0, state_3=0,
                  correct_bias=self._part(optimizers.correct_bias) if formula in optimizers.CORRECTED else 0,
                  prepare=self._part(optimizers.clip_decay_rows) if prepared else 0, deferred=self._deferred,
                  accumulation=steps or 1, updating=1, overwrite=ema_overwrite_frequency or 0,
                  penalise=self._part(rules.penalise_rows) if penalised and not self._deferred else 0)
        self._piece_sums = np.zeros(len(self._pieces))
        self._set(pieces=_address(self._pieces), n_pieces=len(self._pieces),
                  piece_sums=_address(self._piece_sums) if norm else 0)
        if penalised:
            self._spans = np.array([(begin, end - begin, 0, 0, 0, 1.0, rule.l1, rule.l2)
                                    for begin, end, rule in self._ruled() if rule.l1 or rule.l2], network.PIECE)
            self._penalties = np.zeros(len(self._pieces) if self._deferred else self._most_units())
            self._set(spans=_address(self._spans), n_spans=len(self._spans),
                      penalties=_address(self._penalties), n_penalties=len(self._penalties))

    def _differs(self, every: list[Rule]) -> bool:
        """Whether the optimizer does not do the same with all that phase 2 has the gradient of."""
        # few weights have it as a whole, with that of frozen layers
        frozen = self.n_params <= PARTIAL_PARAMS and not all(rule.trainable for rule in every)
        return frozen or any(rule.rate != 1.0 for rule in every)

    def _most_units(self) -> int:
        """At least as many as phase 2 has tiles, strips or sums."""
        width = min(blocking.TILE_COLUMNS * self.slab, few.STRIP_WIDTH)
        tiles = sum(-(-int(record["rows"]) // MR) * -(-int(record["outputs"]) // width) if record["rows"] else
                    2 * -(-int(record["outputs"]) // width) for record in self.layers)
        return max(tiles, self._sums())

    def _arrays(self, l: int) -> list[tuple[int, int]]:
        """Where the arrays of a layer begin and end in the flat vectors."""
        I, O, rows, start, gamma, beta = (int(self.layers[l][field]) for field in (
            "inputs", "outputs", "rows", "weights", "gamma", "beta"))
        if rows:
            return [(start, start + I * O), (start + I * O, start + rows * O)][:1 + rows - I]
        return [(at, at + O) for at in (gamma, beta) if at >= 0]

    def _ruled(self) -> list[tuple[int, int, Rule]]:
        """Where every array begins and ends in the flat vectors, and what holds for it."""
        return [(begin, end, rule) for l, group in enumerate(self._rules)
                for (begin, end), rule in zip(self._arrays(l), group, strict=True)]

    def _blocks(self) -> np.ndarray:
        """The arrays with a constraint, in blocks that one thread takes."""
        blocks: list[tuple[float, ...]] = []
        for l, group in enumerate(self._rules):
            O = int(self.layers[l]["outputs"])
            for (begin, end), rule in zip(self._arrays(l), group, strict=True):
                if rule.constraint is None:
                    continue
                name, axis, limit = rule.constraint
                rows = (end - begin) // O
                by_columns = name == "max_norm" and axis == 0 and begin == self.layers[l]["weights"]
                function = rules.non_negative if name == "non_neg" else (
                    rules.max_norm_columns if by_columns else rules.max_norm_rows)
                part = self._part(function)
                if by_columns:
                    blocks += [(part, begin + o, rows, min(rules.BLOCK, O - o), O, limit)
                               for o in range(0, O, rules.BLOCK)]
                else:
                    blocks += [(part, begin + r * O, min(rules.BLOCK, rows - r), O, O, limit)
                               for r in range(0, rows, rules.BLOCK)]
        return np.array(blocks, rules.CONSTRAINT)

    def follow(self, wanted: list[list[Rule]]) -> None:
        """What holds from now on for the arrays of every layer; before the first call they have no rules."""
        if wanted == self._rules:
            return
        with self.lock:
            self._rules, self._options, self._laid_out = wanted, (), ()
            self._learning = [known and group[0].trainable
                              for known, group in zip(self._parametric, wanted, strict=True)]
            if self._slabs:
                self._list_matrices()

    def hold(self, gradient: np.ndarray) -> None:
        """Set what belongs to frozen layers to 0."""
        for begin, end, rule in self._ruled():
            if not rule.trainable:
                gradient[begin:end] = 0

    def penalty(self, params: np.ndarray) -> float:
        """What the regularizers add to the loss."""
        value = 0.0
        for begin, end, rule in self._ruled():
            if rule.l1 or rule.l2:
                w = params[begin:end].astype(np.float64)
                value += rule.l1 * float(np.abs(w).sum()) + rule.l2 * float(np.square(w).sum())
        return value

    def _add_penalty_gradient(self, params: np.ndarray, gradient: np.ndarray) -> None:
        for begin, end, rule in self._ruled():
            if rule.l1 or rule.l2:
                w = params[begin:end]
                gradient[begin:end] += rule.l1 * np.sign(w) + 2 * rule.l2 * w

    def _cut(self, whole_norm: bool) -> np.ndarray:
        """Every W, b, gamma and beta in pieces; a norm is that of one of them, or of the whole vector."""
        pieces: list[tuple[float, ...]] = []
        for begin, end, rule in self._ruled():
            cuts = range(begin, end, network.PIECE_SIZE)
            first, last = len(pieces), len(pieces) + len(cuts)
            held = not rule.trainable, rule.rate, rule.l1, rule.l2
            pieces += [(cut, min(network.PIECE_SIZE, end - cut), first, last, *held) for cut in cuts]
        found = np.array(pieces, network.PIECE)
        if whole_norm:
            found["first"], found["last"] = 0, len(found)
        return found

    # -- profile ----------------------------------------------------------------------------------

    def count_laps(self, laps: np.ndarray) -> None:
        """From now on every thread adds the ticks it spends to its row of `laps`, (threads, columns) int64.

        Columns are the LAP_* of `kernels.network`, at least LAP_LAYERS + 3 n_layers of them.
        """
        with self.lock:
            self._laps = laps
            self._laid_out = ()
            self._set(laps=_address(laps), n_laps=laps.shape[1])

    @property
    def threads(self) -> int:
        """Into how many shares the last run cut its work."""
        return self._fields[_FIELD["threads"]]

    @property
    def ahead(self) -> bool:
        """Whether a step of the last run made the first product of the next."""
        return bool(self._fields[_FIELD["ahead"]])


class _Linear:
    """One layer without activation."""

    transform = None
    activation: str | Custom = "linear"
    activation_parameter = None

    def __init__(self, units: int, use_bias: bool) -> None:
        self.units, self.use_bias = units, use_bias
