"""The compiled side of one architecture: memory for its kernels, and calls into them.

An `Engine` knows the shape of a network and nothing of models, epochs or callbacks.  It holds the workspace and
the records that `fcnet.kernels.steps` reads.  Its arguments have been checked: see `checks`.
"""

from __future__ import annotations

import ctypes
import operator
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np

from . import _runtime, checks, layout, planning
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
from .planning import BatchPlan, Planner
from .rules import Rule, RuledArrays
from .sparse import SparseRows

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
_STATE = "state_1", "state_2", "state_3"
_UNKNOWN = lambda: None, 0, 0  # in place of a weak reference to an array
KEPT = 8
"""Kinds and sizes of batches that an engine keeps what it has prepared for, such as steps and a validation in turn."""


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


class Prepared(NamedTuple):
    """What the task says of batches of one kind and size, and the memory that is theirs alone."""

    plan: BatchPlan
    there_were: int  # threads; 0 if the plan is the same for any number
    fields: np.ndarray  # the values of `network.PLANNED`
    learns: np.ndarray  # that field of the layers
    # what some of the fields are the addresses of
    slab_sums: np.ndarray
    partials: np.ndarray
    held: np.ndarray
    matrices: np.ndarray
    phases: np.ndarray
    places: np.ndarray

    @property
    def valid(self) -> bool:
        """Whether it is what would be prepared now."""
        return self.there_were == 0 or self.there_were == _runtime.get_num_threads()


def _address(array: np.ndarray) -> int:
    return array.ctypes.data  # `__array_interface__` would list all fields of a record, for 100 microseconds


def _quick_address(array: Any) -> int:
    """The same of an array of plain numbers, in half of the time if it is writable."""
    flags = array.flags
    if flags.writeable and flags.c_contiguous and array.size:
        return ctypes.addressof(ctypes.c_char.from_buffer(array))
    return _address(array)


def _same(known: tuple[Any, ...], wanted: tuple[Any, ...]) -> bool:
    """Whether they are the same objects."""
    return bool(known) and all(map(operator.is_, known, wanted))


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
        self._learns, self._forwards = self.layers["learns"], self.layers["forward"]
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
        self.arrays = RuledArrays(self.layers)

        widths = [self.inputs, *(int(width) for width in self.layers["outputs"])]
        # per slab: each layer's (width + 1, P) of A, another panel where more is kept, and dZ in columns P wide
        self._keepers = [l for l, transform in enumerate(self.transforms) if self._keeps(l, transform)]
        self._panel_rows = [width + 1 for width in widths] + [widths[l + 1] + 1 for l in self._keepers]
        self._column_counts = [-(-width // self.slab) for width in widths[1:]]
        # of a transform that learns, also what dgamma and dbeta are the sums of
        blocks = 1 + (self.layers["gamma"] >= 0) + (self.layers["beta"] >= 0)
        self._column_blocks = (blocks * self._column_counts).tolist()
        slab_numbers = self.slab * (sum(self._panel_rows) + self.slab * sum(self._column_blocks))
        flops = 6 * weights - 2 * int(np.prod(self.layers[self.lowest][["inputs", "products"]].tolist()))

        self.widest = max(widths)
        flat = not any(self.transforms) and not any(
            activation in inference.ACROSS for activation in self.activations[:-1])
        slab_bytes = slab_numbers * self.dtype.itemsize
        self.planner = Planner(self.layers, self.slab, slab_bytes, flat, self.n_params, flops)
        self.packed_size = self._cut_strips()
        self.hyper = np.zeros(optimizers.HYPER_SIZE)
        self._ones = np.repeat(np.array([1, 0], self.dtype), self.slab)
        self._task = np.zeros(1, network.TASK)
        self._task_address = _address(self._task)
        self._fields = self._task.view(np.int64).data
        self._planned = self._task.view(np.int64)[:len(network.PLANNED)]
        self._prepared: dict[tuple[Any, ...], Prepared] = {}
        self._known: dict[str, tuple[Callable[[], np.ndarray | None], int, int]] = {}
        self._laid_out: tuple[Any, ...] = ()
        self._set(slab=self.slab, layers=_address(self.layers), n_layers=len(self.layers), inputs=self.inputs,
                  widest=self.widest, n_params=self.n_params, hyper=_address(self.hyper), ones=_address(self._ones),
                  give_way=self._addresses["give way"])
        self._slabs = self._scratch_size = self._scratch_threads = 0
        self._options: tuple[Any, ...] = ()
        self._stages: list[tuple[Any, ...]] = []
        self._outer: Any = None  # the update that makes the gradient of one sample itself, if nothing else needs that
        self._constraints = np.zeros(0, rules.CONSTRAINT)
        self._deferred = self._rooted = False
        self._room = self._panels = self._dZ = np.zeros(0, self.dtype)
        self._none = self._carried = np.zeros(1, self.dtype)
        self._objective: tuple[Any, ...] | None = None
        # the objects that objective and options were read from, and `checks.latest_setting` of then: as long as they
        # are the same, their values are not compared
        self._aimed: tuple[Any, ...] = ()
        self._steered: tuple[Any, ...] = ()
        self.followed: object = None  # that of when the model told its rules
        self._columns_of_sums = 1
        self._last = self._functions[-1]  # what the forward pass of a training ends with
        self._has_forward = False
        self._loss_parameters = np.zeros(losses.N_PARAMETERS)
        self.few_rows = self.slab // FEW_ROWS
        self._few_shapes: dict[tuple[int, ...], tuple[int, int]] = {}
        self._laps: np.ndarray | None = None

    def _cut_strips(self) -> int:
        """Fill in how far strips of every layer's weights reach; how many numbers the largest packed one has."""
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
    def _learning(self) -> list[bool]:
        """Which layers learn; told by `arrays` each time, so that Ctrl-C can't come between the two."""
        return [known and group[0].trainable for known, group in zip(self._parametric, self.arrays.given, strict=True)]

    @property
    def lowest(self) -> int:
        """The first layer that learns: in training the backward pass ends there."""
        learning = self._learning
        return learning.index(True) if any(learning) else len(self.layers)

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

    def _set_arrays(self, **arrays: np.ndarray | None) -> None:
        """Write arrays' addresses to the task, 0 for None; NumPy takes 1 us to tell one, so the last ones are kept."""
        fields, known = self._fields, self._known
        for name, array in arrays.items():
            if array is None:
                fields[_FIELD[name]] = 0
                continue
            last, size, address = known.get(name, _UNKNOWN)
            if last() is not array or size != array.nbytes:
                address = _quick_address(array)
                known[name] = weakref.ref(array), array.nbytes, address
            fields[_FIELD[name]] = address

    def _set_forward(self) -> None:
        """The compiled parts that every pass needs, but for the last activation: a fused loss takes its place."""
        # now and not before: a process that predicts single rows needs none of them
        if not self._has_forward:
            self._set(**{name: self._part(function) for name, function in _STEP_PARTS.items()})
            for record, function in zip(self.layers[:-1], self._functions[:-1], strict=True):
                record["forward"] = self._part(function.forward)
            self._has_forward = True

    def _set_objective(self, loss: LossLike, metrics: Sequence[MetricLike] = ()) -> None:
        """Which compiled parts end the forward pass, and what goes back from there."""
        wanted = checks.latest_setting(), loss, metrics
        if not _same(self._aimed, wanted):
            self._aimed = ()
            self._choose_objective(declared.get(loss), metrics)
            if isinstance(metrics, tuple):  # no list, which may be changed
                self._aimed = wanted

    def _choose_objective(self, loss: declared.Loss, metrics: Sequence[MetricLike]) -> None:
        """The same, where the values differ from those in the task."""
        aim: Any = (loss.function, loss.derivative) if isinstance(loss, declared.Custom) else loss.kernel
        parameters = loss.parameters()
        wanted = [declared_metrics.get(metric) if isinstance(metric, str) else metric for metric in metrics]
        reported = tuple((metric.function if isinstance(metric, declared_metrics.Custom) else metric.kernel,
                          metric.parameters(), metric.n_sums(self.outputs), metric.weighted) for metric in wanted)
        if self._objective == (aim, parameters, reported):
            return
        self._objective, self._laid_out = None, ()  # until all of it is set: Ctrl-C may come in between
        self._set_forward()
        fused = losses.FUSED.get((aim, self.activations[-1]))
        # a fused loss takes logits, and leaves dZ and the output
        self._last = activations.FUNCTIONS["linear"] if fused else self._functions[-1]
        for record, function in zip(self.layers, (*self._functions[:-1], self._last), strict=True):
            record["backward"] = self._part(function.backward)
        self._loss_parameters[:] = 0
        self._loss_parameters[:len(parameters)] = parameters
        part = fused or (losses.LOSSES[aim] if isinstance(aim, str) else custom.loss(*aim, self.dtype))
        self._rooted = aim in losses.ROOTS
        self._set(loss=self._part(part), loss_parameters=_address(self._loss_parameters),
                  add_sums=self._part(network.add_root_sums) if self._rooted else 0)
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
        """How batches of so many rows are worked off: see `Planner.plan`."""
        return self.planner.plan(
            mode, rows, targets, self._columns_of_sums, whole=whole, sparse=sparse,
            free=self._outer is not None and not self._stages and self._learning[0],
            most_threads=None if self._laps is None else len(self._laps),
        )  # fmt: skip

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

    # -- memory -----------------------------------------------------------------------------------

    def _reserve(self, plan: BatchPlan) -> None:
        """The memory that all batches share, as much as these need; but for that of `_reserve_rows`."""
        self._reserve_workspace(plan.threads * plan.group if plan.local else plan.chunk)
        self._reserve_scratch(plan.group, plan.targets, plan.threads)
        if plan.by_strips:
            self._reserve_dZ(2, int(self.layers["outputs"].max()), plan.chunk)
        elif plan.by_inputs:
            self._reserve_dZ(1, int(self.layers["outputs"][0]), plan.chunk)
        # a batch in several chunks, partial gradients and stages need the gradient of a step as a whole
        carries = plan.training and (plan.summed or plan.chunk < plan.slabs or self._deferred)
        if carries and self._carried is self._none:
            self._carried = np.empty(self.n_params, self.dtype)

    def _reserve_workspace(self, slabs: int) -> None:
        """Panels and columns of so many slabs; kept, and made anew only when they must grow."""
        P = self.slab
        if slabs <= self._slabs:
            return
        self._slabs = 0
        self._prepared.clear()
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

    def _room_for_sums(self, plan: BatchPlan) -> tuple[np.ndarray, np.ndarray]:
        """For the sums of loss and metrics, and for partial gradients."""
        slab_sums = np.empty(plan.chunk * self._columns_of_sums)
        partials = np.zeros(-(-plan.chunk // plan.group) * self.n_params if plan.summed else 1, self.dtype)
        self._set(slab_sums=_address(slab_sums), partials=_address(partials) if plan.summed else 0)
        return slab_sums, partials

    def _room_to_hold(self, plan: BatchPlan, n: int) -> np.ndarray:
        """For a full batch that stays in slabs from step to step, if it may."""
        numbers = plan.slabs * self.slab * (self.inputs + plan.targets)
        holds = plan.training and plan.summed and plan.rows == n and plan.chunk == plan.slabs
        fits = holds and numbers * self.dtype.itemsize <= planning.HELD_BYTES
        held = layout.zeros(numbers, self.dtype) if fits else self._none
        self._set(held=_address(held) if fits else 0)
        return held

    def _list_matrices(self) -> np.ndarray:
        """What phase 2 computes: the matrices of parameters of the layers that have a gradient."""
        layers = np.flatnonzero(self._learns).tolist()
        matrices = np.array([matrix for l in layers for matrix in self._matrices_of(l)], network.MATRIX)
        self._set(matrices=_address(matrices), n_matrices=len(matrices))
        return matrices

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
            self._prepared.clear()
            self._dZ = layout.zeros(count * slabs * jump, self.dtype)
        self._set(dZ=_address(self._dZ), dZ_size=slabs * jump, dZ_jump=jump)

    def _reserve_rows(self, rows: int, threads: int) -> np.ndarray:
        """Room for so many rows of A, dZ and, where it is kept, Z, and for the threads of `few`; where they lie."""
        P, start = self.slab, 0
        widths = np.array([self.inputs, *self.layers["outputs"]])
        places = np.zeros(len(widths), few.PLACE)
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
        if start > self._room.size or threads * panels > self._panels.size:
            self._prepared.clear()
        if start > self._room.size:
            self._room = layout.zeros(start, self.dtype)
        if threads * panels > self._panels.size:
            self._panels = layout.zeros(threads * panels, self.dtype)
        self._set(places=_address(places), room=_address(self._room), panels=_address(self._panels), panels_size=panels)
        return places

    # -- running ----------------------------------------------------------------------------------

    def _turn(self) -> threading.RLock:
        """`lock`, for whoever uses the task and the workspace; not for the handler of a signal amid such a use."""
        if self.lock._is_owned():  # type: ignore[attr-defined]  # Ctrl-C could leave a flag of our own behind
            raise RuntimeError("the model computes at this moment, in this very Python thread: the handler of a signal "
                               "can't ask it then, but can leave a note for a hook of fit")
        return self.lock

    def _run(self, mode: int, params: np.ndarray, X: Samples, Y: np.ndarray, batch: int, first: int = 0,
             last: int = 1, orders: np.ndarray | None = None, out: np.ndarray | None = None,
             gradient: np.ndarray | None = None, sums: np.ndarray | None = None,
             weights: np.ndarray | None = None, whole: bool = False, search: bool = False) -> None:
        """Fill in the task and run its steps; the caller holds `lock`.

        With `whole` the batch stays in the workspace, in one chunk, for `inspect` to read. With `search` it is looked
        for numbers that are not finite.
        """
        key = (mode, len(X), batch, Y.shape[1], whole, isinstance(X, SparseRows), self._columns_of_sums,
               _runtime.SHARE_FLOPS)  # benchmarks/scaling.py changes it
        if key != self._laid_out or not self._present.valid:
            self._lay_out(key)
        plan = self._present.plan
        rows, gather = (X.table, sparse.gather_sparse) if isinstance(X, SparseRows) else (X, matmul.gather_slab)
        self._set_arrays(params=params, gradient=self._carried if gradient is None else gradient, X=rows, Y=Y,
                         order=orders, out=out, sums=sums, weights=weights)
        self._set(gather=self._part(gather), abandon=0)
        if plan.in_groups:
            hold = self._present.held.size > 1 and last - first > 1 and orders is None and weights is None
            group = held.gather_held if hold else network.gather_searched if search else network.gather_samples
            self._set(gather_samples=self._part(group))
        if weights is not None:
            self._set(gather_weights=self._part(network.gather_weights), weigh_batch=self._part(network.weigh_batch))
        long = plan.flops * (last - first) > _runtime.LONG_FLOPS * plan.threads
        if long and threading.current_thread() is threading.main_thread():
            kernel = steps.run if self.threads == 1 else steps.run_shared
            if not kernel.signatures:
                self._enter(0, 0)  # compiled here, where a signal is heard
            _runtime.interruptible(lambda: self._enter(first, last), lambda: self._set(abandon=1))
        else:
            self._enter(first, last)

    def _forget(self) -> None:
        """Lay the work out anew before it is done next: something changes that depends on more than its sizes."""
        self._laid_out = ()
        self._prepared.clear()

    def _drop_workspace(self) -> None:
        """Make another one before work is done next."""
        self._slabs = 0
        self._forget()

    def _enter(self, first: int, last: int) -> None:
        """Run the steps of the task, alone if on several threads."""
        if self.threads == 1:
            steps.run(self._task_address, first, last)
        else:
            with _runtime.launching(self.threads):
                steps.run_shared(self._task_address, first, last)

    def _lay_out(self, key: tuple[Any, ...]) -> None:
        """Say in the task how batches are worked off; `key` has the arguments of `_prepare`, and what else counts."""
        self._laid_out = ()
        prepared = self._prepared.pop(key, None)
        if prepared is None or not prepared.valid:
            prepared = self._prepare(*key[:6])
        else:
            self._planned[:] = prepared.fields
        while len(self._prepared) >= KEPT:
            del self._prepared[next(iter(self._prepared))]  # the one that was not needed for longest
        self._prepared[key] = prepared
        self._learns[:] = prepared.learns
        last = self._functions[-1] if prepared.plan.mode == network.PREDICT else self._last
        self._forwards[-1] = self._part(last.forward)
        self._present, self._laid_out = prepared, key

    def _prepare(self, mode: int, n: int, batch: int, targets: int, whole: bool, sparse: bool) -> Prepared:
        """How batches of n rows in all are worked off, in the task too, with memory for them."""
        there_are = _runtime.get_num_threads()
        plan = self.plan(mode, batch, targets, whole, sparse)
        self._planned[:] = 0
        self._reserve(plan)
        rows = max(plan.rows, 2)  # the second of one is the next sample's
        places = self._reserve_rows(rows, plan.threads) if plan.by_rows else self._none
        slab_sums, partials = self._room_for_sums(plan)
        held = self._room_to_hold(plan, n)
        self._set(**{name: self._part(function) for name, function in self._parts(plan).items()})
        self._learns[:] = self._learning if plan.training else self._parametric
        matrices = self._list_matrices()
        phases = self._set_phases(plan, matrices)
        self._set(mode=mode, threads=plan.threads, batch=batch, n_rows=n, targets=targets,
                  lowest=self.lowest if plan.training else 0, chunk_rows=plan.chunk * self.slab,
                  group_slabs=plan.group, share_slabs=plan.share, local=plan.local, half=plan.half, ahead=plan.ahead,
                  outer=self._part(self._outer if plan.training and plan.by_rows and plan.rows == 1 else None))
        threads = there_are if plan.worth > 1 else 0
        return Prepared(plan, threads, self._planned.copy(), self._learns.copy(), slab_sums, partials, held, matrices,
                        phases, places)

    def _set_phases(self, plan: BatchPlan, matrices: np.ndarray) -> np.ndarray:
        """What the threads do one after the other: for every chunk, and at the end of a step."""
        of_a_chunk = self._sample_phases(plan) + self._gradient_phases(plan, matrices)
        phases = of_a_chunk + (self._stages if plan.training else [])
        records = np.array([(self._part(part), *numbers) for part, *numbers in phases], network.PHASE)
        self._set(phases=_address(records), n_phases=len(phases), chunk_phases=len(of_a_chunk))
        return records

    def _sample_phases(self, plan: BatchPlan) -> list[tuple[Any, ...]]:
        """Phase 1, which shares out the samples: forward, loss and dZ; or outputs or inputs of layers first."""
        if plan.by_strips:
            return self._strip_phases(plan)
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

    def _gradient_phases(self, plan: BatchPlan, matrices: np.ndarray) -> list[tuple[Any, ...]]:
        """Phase 2, which shares out the parameters: the gradient, and in training the update."""
        if plan.by_rows:
            return [(few.gradient_update, 0, self._strips(), 0, few.MOST_STRIPS, 1)]
        if plan.summed:
            return [(network.sum_update, 0, self._sums(), 0, network.MOST_PIECES, 1)]
        if plan.mode < network.GRADIENT:
            return []
        tiles = sum(blocking.count_tiles(int(matrix["rows"]), int(matrix["outputs"]), self.slab) for matrix in matrices)
        return [(network.gradient_update, 0, tiles, 0, network.MOST_TILES, blocking.TILE_GROUP)]

    def _strip_phases(self, plan: BatchPlan) -> list[tuple[Any, ...]]:
        """Those of `kernels.strips` for a chunk."""
        lowest, last = self.lowest if plan.training else 0, len(self.layers) - 1
        phases: list[tuple[Any, ...]] = [(strips.gather, 0, 0, 1, 1, 1)]
        for l, record in enumerate(self.layers):
            if l < last or record["outputs"] >= blocking.STRIP:
                at_once = strips.blocks_at_once(plan.chunk, int(record["rows"]))
                phases.append((strips.forward, l, -(-int(record["outputs"]) // MR), 0, *at_once))
        phases.append((strips.output, last, 0, 1, 2, 1))
        for l in range(last, lowest - 1, -1):
            blocks = -(-int(self.layers[l]["inputs"]) // MR) if l > lowest else 0
            at_once = strips.blocks_at_once(plan.chunk, int(self.layers[l]["outputs"]))
            phases.append((strips.backward, l, blocks, int(self.layers[l]["learns"]), *at_once))
        return phases

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
            with self._turn():
                if not self._few_shapes:
                    self._plan_few()
            found = self.predict_few(params, X if X.flags.carray else X.copy())
            if found is not None:
                return found
        out = np.empty((len(X), self.outputs), self.dtype)
        if len(X):
            with self._turn():
                self._set_forward()
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
        long = n * self.planner.flops > _runtime.LONG_FLOPS
        if n <= self.few_rows or long or not (X.flags.c_contiguous and X.flags.aligned):
            return None
        out = np.empty((n, self.outputs), self.dtype)
        with self._turn():
            self._set_forward()
            self._set(not_finite=0)
            self._run(network.PREDICT, params, X, self._none.reshape(1, 1), n, out=out, search=True)
            finite = self._fields[_FIELD["not_finite"]] == 0
        return out if finite else None

    def _plan_few(self) -> None:
        """Records and room for `predict_few`, and the shapes (n, I) that it takes, each with that of its outputs."""
        products: list[tuple[np.void, int]] = []  # the record of each, and the layer whose activation follows
        for l, transform in enumerate(self.transforms):
            if transform is None:
                products.append((self.layers[l], l))
            elif transform == "activation" and products and self.activations[products[-1][1]] == "linear":
                products[-1] = products[-1][0], l
            elif transform not in transforms.RANDOM:  # those change nothing here
                self.few_rows = 0
                return
        self._steps = np.zeros(len(products), inference.STEP)
        for step, (record, l) in zip(self._steps, products, strict=True):
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
        with self._turn():
            self._set_objective(loss, metrics)
            sums = np.zeros(self._columns_of_sums)
            self._run(network.EVALUATE, params, X, Y, len(X), sums=sums, weights=weights)
        return sums

    def loss_and_gradient(self, params: np.ndarray, X: np.ndarray, Y: np.ndarray, loss: LossLike,
                          weights: np.ndarray | None = None) -> tuple[float, np.ndarray]:
        """Loss of one batch, the mean weighted by `weights` (n,), and its gradient, flat like `params`."""
        with self._turn():
            return self._gradient(params, X, Y, loss, weights, whole=False)

    def _gradient(self, params: np.ndarray, X: np.ndarray, Y: np.ndarray, loss: LossLike,
                  weights: np.ndarray | None, whole: bool) -> tuple[float, np.ndarray]:
        gradient, sums = np.empty(self.n_params, self.dtype), np.zeros(1)
        self._set_objective(loss)
        self._run(network.GRADIENT, params, X, Y, len(X), gradient=gradient, sums=sums, weights=weights, whole=whole)
        if self._rooted:
            gradient *= self._task["factor"][0]
        weight = len(X) if weights is None else weights.sum(dtype=np.float64) or 1.0
        self.arrays.add_penalty_gradient(params, gradient)
        return float(sums[0] / weight) + self.arrays.penalty(params), gradient

    def inspect(self, params: np.ndarray, X: np.ndarray, Y: np.ndarray, loss: LossLike,
                weights: np.ndarray | None = None) -> tuple[float, list[dict[str, np.ndarray | None]]]:
        """Loss of one batch, and what the kernels computed on the way: Z, A, dZ, dW and db of every layer.

        A, dZ, dW and db are read from the memory that training uses; Z, which training overwrites with A, is the
        same layer run again without its activation.
        """
        found: list[dict[str, np.ndarray | None]] = []
        with self._turn():
            self._drop_workspace()  # for one of its own: the batch in one chunk
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
            self._drop_workspace()
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
        with self._turn():
            self._set_objective(loss, metrics)
            self._set_optimizer(optimizer)
            self._set(first_draw=first_draw)
            if self._drawing:
                self.layers["key"][self._drawing] = key
            rates = optimizer.rates(last - first)
            self._set_arrays(rates=rates)
            try:
                self._run(network.TRAIN, params, X, Y, batch_size, first, last, orders=orders, sums=sums,
                          weights=weights)
            finally:
                # a KeyboardInterrupt comes when the steps are done; a checked setting would leave room for another
                object.__setattr__(optimizer, "iterations", self._fields[_FIELD["iterations"]])

    def _set_optimizer(self, optimizer: OptimizerState) -> None:
        """What the task knows of an optimizer; the vectors of its state too."""
        wanted = checks.latest_setting(), optimizer, self._rooted
        if not _same(self._steered, wanted):
            self._steered = ()
            self._steer(optimizer)
            self._steered = wanted
        # also here: callbacks may have changed them since the fit began
        own, extras = optimizer.formula_slots, optimizer.use_ema + bool(optimizer.gradient_accumulation_steps)
        checks.vectors(optimizer.state, self.dtype, (own + extras, self.n_params))
        self._set_arrays(**dict(zip(_STATE, optimizer.state[:own], strict=False)))
        if optimizer.use_ema:
            self._set_arrays(average=optimizer.state[own])
        if optimizer.gradient_accumulation_steps:
            self._set_arrays(accumulated=optimizer.state[-1])
        self._fields[_FIELD["iterations"]] = optimizer.iterations

    def _steer(self, optimizer: OptimizerState) -> None:
        """The compiled update with its numbers, and the stages that the optimizer's options need."""
        # the numbers may change with every epoch; the options seldom do, and cost the work laid out anew
        hyper = optimizer.hyperparameters()
        self.hyper[:len(hyper)] = hyper
        options = (self._rooted, optimizer.formula, optimizer.weight_decay, optimizer.clipvalue, optimizer.clipnorm,
                   optimizer.global_clipnorm, optimizer.gradient_accumulation_steps, optimizer.use_ema,
                   optimizer.ema_momentum, optimizer.ema_overwrite_frequency)
        if options != self._options:
            self._options = ()
            self._set_options(optimizer)
            self._options = options

    def _set_options(self, optimizer: OptimizerState) -> None:
        """Which parts an optimizer's options need; see `fcnet.optimizers.Optimizer`."""
        formula, accumulated = optimizer.formula, optimizer.gradient_accumulation_steps
        prepares = optimizer.weight_decay or optimizer.clipvalue
        norm = optimizer.clipnorm or optimizer.global_clipnorm
        stages: list[Any] = []
        self._pieces = self.arrays.pieces(whole_norm=optimizer.global_clipnorm is not None)
        penalised = len(self.arrays.penalised) > 0
        self._deferred = bool(self._rooted or accumulated or norm) or self._differs()
        # what changes the gradient; then the optimizer, if it has to wait for that; then what changes the parameters
        if self._rooted:
            stages.append(network.scale_gradient)
        if penalised:
            stages += [rules.penalise, rules.report_penalty] if self._deferred else [rules.report_penalty]
        if accumulated:
            stages.append(network.accumulate)
        if norm:
            stages.append(network.sum_squares)
        if self._deferred:
            stages.append(network.update_pieces)
        if optimizer.use_ema:
            stages.append(network.average_parameters)
        if any(rule.constraint for rule in self.arrays.rules):
            stages.append(rules.constrain)
            self._constraints = self.arrays.constraints(self._part)
            self._set(constraints=_address(self._constraints), n_constraints=len(self._constraints))
        units = {rules.report_penalty: 1, rules.constrain: len(self._constraints)}
        self._stages = [(stage, 0, units.get(stage, len(self._pieces)), 0, network.MOST_PIECES, 1) for stage in stages]
        self._forget()
        self._outer = None if prepares or penalised or self._deferred else optimizers.OUTER.get(formula)

        self.hyper[optimizers.DECAY] = optimizer.weight_decay or 0.0
        self.hyper[optimizers.CLIP_VALUE] = optimizer.clipvalue or np.inf
        self.hyper[optimizers.CLIP_NORM] = norm or np.inf
        self.hyper[optimizers.EMA] = optimizer.ema_momentum
        self._set(update=self._part(optimizers.UPDATES[formula]), state_1=0, state_2=0, state_3=0,
                  correct_bias=self._part(optimizers.correct_bias) if formula in optimizers.CORRECTED else 0,
                  prepare=self._part(optimizers.clip_decay_rows) if prepares else 0, deferred=self._deferred,
                  accumulation=accumulated or 1, updating=1, overwrite=optimizer.ema_overwrite_frequency or 0,
                  penalise=self._part(rules.penalise_rows) if penalised and not self._deferred else 0)
        self._piece_sums = np.zeros(len(self._pieces))
        self._set(pieces=_address(self._pieces), n_pieces=len(self._pieces),
                  piece_sums=_address(self._piece_sums) if norm else 0)
        if penalised:
            self._spans = self.arrays.spans()
            self._penalties = np.zeros(len(self._pieces) if self._deferred else self._most_units())
            self._set(spans=_address(self._spans), n_spans=len(self._spans),
                      penalties=_address(self._penalties), n_penalties=len(self._penalties))

    def _differs(self) -> bool:
        """Whether the optimizer does not do the same with all that phase 2 has the gradient of."""
        # few weights have it as a whole, with that of frozen layers
        frozen = self.planner.few_weights and not all(rule.trainable for rule in self.arrays.rules)
        return frozen or any(rule.rate != 1.0 for rule in self.arrays.rules)

    def _most_units(self) -> int:
        """At least as many as phase 2 has tiles, strips or sums."""
        width = min(blocking.TILE_COLUMNS * self.slab, few.STRIP_WIDTH)
        tiles = sum(-(-int(record["rows"]) // MR) * -(-int(record["outputs"]) // width) if record["rows"] else
                    2 * -(-int(record["outputs"]) // width) for record in self.layers)
        return max(tiles, self._sums())

    def follow(self, wanted: list[list[Rule]]) -> None:
        """What holds from now on for the arrays of every layer; before the first call they have no rules."""
        self.followed = None
        if wanted == self.arrays.given:
            return
        with self._turn():
            self._follow(wanted)

    def _follow(self, wanted: list[list[Rule]]) -> None:
        self._forget()
        self._steered = self._options = ()
        self.arrays = RuledArrays(self.layers, wanted)  # last: Ctrl-C before it leaves rules that are not wanted

    # -- profile ----------------------------------------------------------------------------------

    def count_laps(self, laps: np.ndarray) -> None:
        """From now on every thread adds the ticks it spends to its row of `laps`, (threads, columns) int64.

        Columns are the LAP_* of `kernels.network`, at least LAP_LAYERS + 3 n_layers of them.
        """
        with self._turn():
            self._forget()
            self._laps = laps
            self._set(laps=_address(laps), n_laps=laps.shape[1])

    @property
    def draws(self) -> bool:
        """Whether layers draw random numbers, and have no seed of their own."""
        return bool(self._drawing)

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
