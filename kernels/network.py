"""The network kernels: forward, loss, backward and update over all layers, for any depth, width and batch.

One step is two phases, each of which all threads share out::

    for every step of the epoch
        phase 1, over slabs of the batch       `forward_backward`
            A_0 = rows of X, transposed
            A_l = g_l(A_(l-1) W_l + b_l)        l = 1 .. L
            loss, dZ_L                          e.g. (p - y) / B
            dZ_(l-1) = (dZ_l W_l^T) * g'        l = L .. 2
        phase 2, over tiles of all the dW      `gradient_update`
            dW_l, db_l = A_(l-1)^T dZ_l, sum dZ_l
            W_l, b_l   = optimizer(W_l, b_l)

Threads take units of a phase, slabs or tiles, as long as there are any, and the last one to finish opens the next
phase, through all steps of a call (`steps`).  For wide layers phase 1 is several, of strips of outputs: see `strips`;
with many inputs to a few outputs, of parts of the inputs: see `inputs`.

No thread adds to what another one wrote: a slab is computed by one thread, a tile contracts over the whole batch
in a fixed order.  So the result has the same bits at any thread count.

What needs the whole gradient before the first weight changes (a clipped norm, a mean over several steps), or all
weights after the last (their moving average), comes as `stages` after phase 2; see there.  Then phase 2 leaves
dW in `gradient`, if the task says ``deferred``, and the optimizer is one of the stages.  A penalty on weights needs
no more than the weights of a tile: its gradient is added there.

A network of few weights has its dW summed in phase 1, by groups of slabs of a fixed size, while the group is in
cache; the groups' sums are added in order (`_partial_gradient`, `contraction`, `sum_update`).

The bias is the weight of one more input that is always 1: each slab of A has a last row of ones, and b follows
W in the flat vector, so [W; b] is one matrix of inputs + 1 rows, and db is the last row of dW.

In all phases subnormal numbers count as zero (`simd.flush_subnormals`).

A layer without a matrix product (`transforms`) stands in the same chain: its compiled parts turn A_prev into A, and
dA into dA_prev.

Everything is described by the records `TASK`, `LAYER` and `MATRIX`; addresses in them are of arrays and of compiled
parts (``_jit.part_address``).  `fcnet/engine.py` fills them in, `fcnet/rules.py` those of single arrays.  `steps.run`
is compiled once for all networks and dtypes.
"""

from __future__ import annotations

from math import sqrt as scalar_sqrt

import numpy as np
from numba import types

from ._jit import COUNT, INTEGERS, NUMBERS, helper, inline, part
from .blocking import (
    FAR_STATE,
    STRIP,
    TILE_COLUMNS,
    TILE_GROUP,
    copy_rows,
    count_tiles,
    full_slabs,
    near,
    packed_product,
    packs,
    tile_place,
    tile_product,
    transposed_product,
)
from .matmul import FEW, slab_width
from .optimizers import CLIP_NORM, EMA, HYPER_SIZE
from .simd import (
    address_of,
    call,
    flush_subnormals,
    fma,
    lanes,
    load,
    load_upto,
    pointer_like,
    prefetch,
    record_at,
    restore_subnormals,
    splat,
    store,
    store_upto,
    ticks,
    total,
)

PREDICT, EVALUATE, GRADIENT, TRAIN = range(4)

LAYER = np.dtype([(field, np.int64) for field in (
    "inputs", "outputs",
    "rows",         # of [W; b]: inputs, and one for a bias
    "weights",      # offset of [W; b] in the flat vectors
    "products",     # outputs that are computed from [W; b]: all of a Dense, none of a transform
    "near_strip", "far_strip", "forward_block",     # outputs and inputs of a strip of packed weights: see `strip_rows`
    "backward_strip", "backward_block",             # inputs and outputs of a strip of them for dA
    "transform",    # address of the part that stands in place of the product, 0 for a Dense: see `transforms`
    "transform_backward",   # address of its counterpart, 0 if dA_prev is dA
    "gamma", "beta",        # offsets in the flat vectors of what a transform learns, -1 for none
    "key",          # of its random numbers: see `counter`
    "learns",       # whether the gradient of its parameters is wanted
    "panel",        # offset in the workspace of this layer's A: slabs of (outputs + 1, P), the last row is ones
    "kept",         # the same of Z, which `backward` reads: A's own panel where A is enough, and Z is overwritten
    "columns",      # offset in the workspace of dZ: columns of (samples of a chunk, P)
    "forward",      # address of the activation (Z, A, rows, parameter); 0 if there is nothing to do
    "backward",     # address of its counterpart (kept, dA, rows, parameter)
)] + [("parameter", np.float64)])
"""One layer, A_prev (B, inputs) to A (B, outputs)."""

PIECE = np.dtype([(field, np.int64) for field in (
    "start", "size",    # in the flat vectors; it lies within one W or one b
    "first", "last",    # the pieces whose gradients have a common norm
    "frozen",           # whether the optimizer leaves it alone
)] + [(field, np.float64) for field in (
    "multiplier",       # of the learning rate
    "l1", "l2",         # see `rules.penalise`
)])
"""What a stage takes at a time."""
PIECE_SIZE = 1 << 14
"""The longest piece.  Norms are summed by pieces, so it is part of their rounding."""

MATRIX = np.dtype([(field, np.int64) for field in (
    "layer",            # whose parameters these are
    "rows", "outputs",  # [W; b] of a Dense; one row of a transform's
    "weights",          # their offset in the flat vectors
    "panel", "height",  # offset in the workspace of [A_prev, 1], and its rows in a slab
    "columns",          # offset in the workspace of dZ
)])
"""One matrix of parameters whose gradient [A_prev, 1]^T dZ is wanted."""

PHASE = np.dtype([(field, np.int64) for field in (
    "part",         # what does units of it: (params, task, thread, first, last)
    "layer",        # whose turn it is
    "units",        # how many it has,
    "slabs",        # and one more for so many slabs of the chunk each, if not 0
    "most", "least",    # that a thread takes at a time
)])
"""What all threads do together before any of them goes on."""
PHASE_ARGUMENTS = NUMBERS, COUNT, COUNT, COUNT, COUNT
"""Of its part: parameters, address of the task, thread, first unit, and the one after the last."""
GROUP_ARGUMENTS = NUMBERS, COUNT, COUNT, COUNT, COUNT, COUNT
"""Of a part for a group of slabs: parameters, task, thread, first slab, its place in the workspace, and how many."""

PLANNED = (
    "mode", "threads", "batch", "n_rows", "targets", "lowest", "matrices", "n_matrices",
    "chunk_rows",   # samples that go through a phase at a time
    "group_slabs",  # slabs that a thread takes through a layer before the next layer
    "share_slabs",  # slabs that stay together when the work is shared out
    "local",        # whether a thread uses the same group_slabs places of the workspace again and again
    "half",         # inputs of the first layer that have a sum apart from the others', or 0: see `inputs`
    "outer",        # in place of gradient and `update` in a batch of one sample, or 0: see `optimizers.OUTER`
    "ahead",        # whether it also multiplies the next sample with the first layer's weights: see `few`
    "phases", "n_phases",   # of a step
    "chunk_phases",         # the first of them, done for every chunk
    # of two layers, numbers of one, and of a slab of it: see `strips`; or the second sums of Z: see `inputs`
    "dZ", "dZ_size", "dZ_jump",
    "places", "room", "panels", "panels_size",  # of batches of few rows: see `few`
    "slab_sums",    # of the loss and the metrics, per slab of the chunk
    "partials",     # gradients of the groups of slabs, or 0: see `_partial_gradient`
    "held",         # slabs of X and Y that stay from step to step
)
"""What follows from the kind and the size of batches.  They are the first fields of a TASK, so that all of them can be
exchanged at once."""

TASK = np.dtype([(field, np.int64) for field in (
    *PLANNED, "slab",
    # the network
    "layers", "n_layers",
    "params", "n_params", "gradient", "state_1", "state_2", "state_3", "hyper",
    "iterations",       # steps taken, of this and earlier calls
    "rates",            # learning rates of the steps of this call, or 0: hyper[0] is that of all
    # stages after phase 2
    "pieces", "n_pieces",
    "deferred",         # whether the optimizer is a stage, and not part of phase 2
    "accumulation",     # steps that make one update
    "updating",         # whether this step is the last of them
    "accumulated",      # sum of their gradients
    "piece_sums",       # of squares of the gradient, by pieces, or 0
    "own_hyper",        # room for each thread's `hyper`, where learning rates have multipliers
    "penalise",         # what adds the gradient of penalties before `update` on the same rows, or 0: see `rules`
    "spans", "n_spans",     # the arrays that have one, as pieces of any length
    "penalties", "n_penalties",     # of what was taken at a time: tiles, strips or pieces
    "constraints", "n_constraints",
    "average", "overwrite",     # moving average of the parameters, and after how many updates it takes their place
    "first_draw",   # random numbers of step k of this call have the number first_draw + k
    # the data
    "X", "Y", "order", "inputs", "out",
    "weights",      # of the samples, or 0: all are 1
    "ones",         # P ones and P zeros: the weights of the lanes of any slab, where all are 1
    # memory
    "workspace", "input_panel", "chunk_slabs",
    # who does what: see `steps`
    "shared",       # numbers that threads change together
    "phase", "layer", "units", "most", "least",     # the present one; it has no units when the call is at its end
    "advance",      # part that goes on to the next
    "give_way",     # address of what lets another thread have the processor, or 0
    "scratch", "scratch_size", "packed", "widest", "integers", "integers_size",
    # results: sums of the loss and the metrics
    "sums", "n_sums",
    # compiled parts
    "product", "strip_product", "pack_rows", "rows_product", "gather", "gather_targets", "scatter",
    "scatter_columns", "contraction",
    "gather_samples", "forward", "write_outputs", "backward",   # what is done with a group of slabs
    "loss", "loss_parameters", "metrics", "n_metrics", "update", "gather_weights", "weigh_batch",
    "add_sums",     # in place of `_add_slab_sums`, or 0
    "correct_bias", # what sets numbers of `hyper` for a step, or 0: see `optimizers`
    "prepare",      # what comes before `update` on the same rows, or 0: see `optimizers.clip_decay_rows`
    # profile: `ticks` spent, n_laps for each thread, or 0 (see `_lap`)
    "laps", "n_laps",
    "abandon",      # whether to leave the present step, set by another thread
    "not_finite",   # whether `gather_searched` found such a number
    # where the call is: step `now` of [begin, end); in it rows [start, stop) of the order, part of a batch up to `rows`
    "begin", "now", "end", "epoch", "start", "stop", "rows", "first_chunk", "last_chunk", "first_step",
)] + [(field, np.float64) for field in (
    "scale",
    "batch_loss", "factor",     # see `add_root_sums`
)])
"""All that a call of `run` needs; `iterations` and the fields of the last lines are written by it."""

METRIC = np.dtype([(field, np.int64) for field in (
    "part",         # address of the metric (A, Y, outputs, weights, parameters, sums)
    "parameters",
    "column",       # of its first sum
    "weighted",     # by the weights of the samples
)])

MOST_TILES, MOST_PIECES = 16, 8
"""Tiles of dW, and pieces of a stage, that a thread takes at a time."""
SUMMED = 1024
"""Numbers of the partial gradients that a thread adds up, and updates, at a time."""

LAP_NOW, LAP_OTHER, LAP_GATHER, LAP_LOSS, LAP_SUM, LAP_LAYERS = np.arange(6)
"""What the columns of `laps` count: from LAP_LAYERS on, forward, backward and gradient of each layer."""

_integers = address_of(types.intp)
_floats = address_of(types.float64)
_layers = record_at("LAYER", LAYER)
_metrics = record_at("METRIC", METRIC)
_pieces = record_at("PIECE", PIECE)
_matrices = record_at("MATRIX", MATRIX)
_phases = record_at("PHASE", PHASE)
_task = record_at("TASK", TASK)


@inline
def _lap(task_at, thread, column):
    """Add the ticks since this thread's last lap to its `column`, if the step is profiled."""
    task = _task(task_at)
    if task.laps != 0:
        laps = _integers(task.laps) + thread * task.n_laps
        now = ticks()
        laps[column] += now - laps[LAP_NOW]
        laps[LAP_NOW] = now


# ------------------------------------------------------------------------------------------------
# Phase 1: over slabs
# ------------------------------------------------------------------------------------------------

@part(*PHASE_ARGUMENTS)
def forward_backward(params, task_at, thread, first, last):
    """Some slabs of a chunk, from rows of X to dZ of every layer, or to dW of a group of slabs."""
    task = _task(task_at)
    P = slab_width(params)
    floats = flush_subnormals()
    _lap(task_at, thread, LAP_OTHER)
    stop = min(last * task.share_slabs, (task.stop - task.start + P - 1) // P)
    for slab in range(first * task.share_slabs, stop, task.group_slabs):
        count = min(task.group_slabs, stop - slab)
        place = thread * task.group_slabs if task.local else slab
        call(task.gather_samples, (params, task_at, thread, slab, place, count))
        _lap(task_at, thread, LAP_GATHER)
        call(task.forward, (params, task_at, thread, slab, place, count, 0, task.n_layers))
        if task.mode == PREDICT:
            call(task.write_outputs, (params, task_at, thread, slab, place, count))
        else:
            _losses(params, task_at, thread, slab, place, count, _first_dZ(params, task_at, thread), task.widest * P)
            _lap(task_at, thread, LAP_LOSS)
            if task.mode != EVALUATE:
                call(task.backward, (params, task_at, thread, slab, place, count))
    restore_subnormals(floats)


@part(*GROUP_ARGUMENTS)
def gather_samples(params, task_at, thread, first, place, count):
    """Rows of X and, but for a prediction, of Y to slabs."""
    _gather(params, task_at, thread, first, place, count, 0, _task(task_at).inputs)
    if _task(task_at).mode != PREDICT:
        _gather_targets(params, task_at, thread, first, count)


@part(*GROUP_ARGUMENTS)
def gather_searched(params, task_at, thread, first, place, count):
    """Rows of X to slabs, and `not_finite` if there is a number among them that isn't."""
    task = _task(task_at)
    P, step = slab_width(params), lanes(params)
    _gather(params, task_at, thread, first, place, count, 0, task.inputs)
    numbers = (task.inputs + 1) * P
    even = odd = splat(0.0, params)
    for n in range(count):
        panel = pointer_like(task.workspace, params) + (task.input_panel + (place + n) * numbers)
        for v in range(0, min(P, task.stop - task.start - (first + n) * P), step):  # what is behind is of other batches
            for i in range(v, task.inputs * P, 2 * P):  # with an odd number of inputs the row of ones, too
                even, odd = fma(load(panel + i), even, even), fma(load(panel + (i + P)), odd, odd)
    if total(even + odd) != 0.0:  # 0 x + 0 is NaN where x is NaN or infinite
        task.not_finite = 1


@helper
def _gather(params, task_at, thread, first, place, count, begin, end):
    """Features begin <= f < end of rows of X to slabs.

    The lanes behind the last row repeat it, and the loss gives them dZ = 0.
    """
    task = _task(task_at)
    P = slab_width(params)
    X = pointer_like(task.X, params) + begin
    rows = _integers(task.integers) + thread * task.integers_size
    panel = pointer_like(task.workspace, params) + (task.input_panel + (place * (task.inputs + 1) + begin) * P)
    for n in range(count):
        sample = task.start + (first + n) * P
        _rows(task_at, sample, P, task.inputs, rows)
        following = _following_rows(task_at, sample, n, count, P, task.inputs, rows + P)
        call(task.gather, (X, rows, end - begin, min(P, task.stop - sample), following,
                           panel + n * (task.inputs + 1) * P))


@helper
def _gather_targets(params, task_at, thread, first, count):
    """Rows of Y to slabs, at the start of the thread's scratch, and weights of the samples."""
    task = _task(task_at)
    P = slab_width(params)
    Y, targets = pointer_like(task.Y, params), pointer_like(task.scratch, params) + thread * task.scratch_size
    rows = _integers(task.integers) + thread * task.integers_size
    for n in range(count):
        begin = task.start + (first + n) * P
        samples = min(P, task.stop - begin)
        _rows(task_at, begin, P, task.targets, rows)
        following = _following_rows(task_at, begin, n, count, P, task.targets, rows + P)
        call(task.gather_targets, (Y, rows, task.targets, samples, following, targets + n * task.targets * P))
        if task.weights != 0:
            _rows(task_at, begin, P, 1, rows)
            call(task.gather_weights, (pointer_like(task.weights, params), rows, samples,
                                       _weights(params, task_at, thread) + n * P))


@helper
def _rows(task_at, begin, P, row_length, rows):
    """Where P samples of the order stand; the last one again behind the end of the chunk."""
    samples = min(P, _task(task_at).stop - begin)
    _rows_of(task_at, begin, samples, row_length, rows)
    for s in range(samples, P):
        rows[s] = rows[samples - 1]


@helper
def _following_rows(task_at, sample, n, count, P, row_length, rows):
    """How many rows are gathered after the slab from `sample` on, the n-th of `count`, and where they stand.

    They are those of the next slab, or, after the last, of the first one in the epoch's next batch.  None of so short
    ones that they are read number by number.
    """
    task = _task(task_at)
    if row_length <= FEW:
        return 0
    begin, stop = (sample + P, task.stop) if n + 1 < count else (sample - n * P + task.batch, task.n_rows)
    samples = max(0, min(P, stop - begin))
    _rows_of(task_at, begin, samples, row_length, rows)
    return samples


@helper
def _rows_of(task_at, begin, samples, row_length, rows):
    """Where so many samples of the order stand."""
    task = _task(task_at)
    if task.order != 0:
        order = _integers(task.order) + (task.epoch * task.n_rows + begin)
        for s in range(samples):
            rows[s] = order[s] * row_length
    else:
        for s in range(samples):
            rows[s] = (begin + s) * row_length


@inline
def _weights(params, task_at, thread):
    """Where the weights of the lanes of a group of slabs stand: behind its targets, dZ and dA."""
    task = _task(task_at)
    numbers = task.group_slabs * (task.targets + 2 * task.widest) * task.slab
    return pointer_like(task.scratch, params) + (thread * task.scratch_size + numbers)


@part(NUMBERS, INTEGERS, COUNT, NUMBERS)
def gather_weights(weights, rows, samples, lane_weights):
    """Of the samples of a slab; 0 in the lanes behind them."""
    for s in range(slab_width(weights)):
        lane_weights[s] = weights[rows[s]] if s < samples else 0.0


@part(NUMBERS, COUNT)
def weigh_batch(params, task_at):
    """scale = 1 / sum of the weights of the batch [start, stop), 0 if that is 0."""
    task = _task(task_at)
    weights, order = pointer_like(task.weights, params), _integers(task.order) + task.epoch * task.n_rows
    weight = 0.0
    for at in range(task.start, task.stop):
        weight += weights[order[at] if task.order != 0 else at]
    task.scale = 1.0 / weight if weight > 0.0 else 0.0


@part(*GROUP_ARGUMENTS, COUNT, COUNT)
def forward(params, task_at, thread, first, place, count, start, stop):
    """A_l = g_l(A_(l-1) W_l + b_l) for start <= l < stop, strip by strip."""
    task = _task(task_at)
    layers = _layers(task.layers)
    for l in range(start, stop):
        if task.abandon != 0:
            return
        if layers[l].transform != 0:
            call(layers[l].transform, (params, task_at, l, first, place, count))
        columns = _columns_at_once(params, task_at, l, count)
        for strip in range(0, layers[l].products, columns):
            _forward_strip(params, task_at, thread, l, first, place, count, strip, columns)
        _activate(params, task_at, l, place, count, 0, layers[l].outputs)
        _lap(task_at, thread, LAP_LAYERS + 3 * l)


@inline
def _columns_at_once(params, task_at, l, count):
    """Outputs of a strip: so many that their weights stay in cache."""
    task = _task(task_at)
    layer = _layers(task.layers)[l]
    if l == 0 and task.half > 0:  # a half of all rows is copied at a time, for which a far strip is too wide
        return layer.near_strip
    if not packs(count, layer.rows, layer.outputs, lanes(params), task.threads):
        return STRIP
    if near(count, layer.rows, layer.outputs):
        return layer.near_strip
    return layer.far_strip


@helper
def _forward_strip(params, task_at, thread, l, first, place, count, strip, columns):
    """A W + b of a strip of outputs, against all slabs of the group."""
    task = _task(task_at)
    layer = _layers(task.layers)[l]
    P = slab_width(params)
    Z = pointer_like(task.workspace, params) + (layer.kept + place * (layer.outputs + 1) * P)
    half = task.half if l == 0 else 0
    _strip_sums(params, task_at, thread, l, first, place, count, strip, columns, 0, half if half > 0 else layer.rows,
                Z, (layer.outputs + 1) * P)
    if half > 0:
        sums, jump = _first_dZ(params, task_at, thread), task.widest * P
        _strip_sums(params, task_at, thread, l, first, place, count, strip, columns, half, layer.rows - half, sums,
                    jump)
        _add_half(params, task_at, place, count, strip, min(columns, layer.outputs - strip), sums, jump)


@helper
def _add_half(params, task_at, place, count, strip, outputs, sums, jump):
    """The sums of the second half of the inputs to those of the first, for some outputs of the first layer."""
    task = _task(task_at)
    layer = _layers(task.layers)[0]
    P = slab_width(params)
    Z = pointer_like(task.workspace, params) + layer.kept
    for n in range(count):
        Z_n, sums_n = Z + ((place + n) * (layer.outputs + 1) + strip) * P, sums + (n * jump + strip * P)
        for i in range(0, outputs * P, lanes(params)):
            store(load(Z_n + i) + load(sums_n + i), Z_n + i)


@helper
def _strip_sums(params, task_at, thread, l, first, place, count, strip, columns, start, rows, C, c_jump):
    """Some rows' part of A [W; b] for a strip of outputs, its weights in cache, to C, panels c_jump apart."""
    task = _task(task_at)
    layers = _layers(task.layers)
    layer = layers[l]
    P = slab_width(params)
    panel = layers[l - 1].panel if l > 0 else task.input_panel
    height = layer.inputs + 1
    A_prev = pointer_like(task.workspace, params) + (panel + place * height * P)
    width, is_near = min(columns, layer.outputs - strip), near(count, rows, layer.outputs)
    packed = pointer_like(task.scratch, params) + (thread * task.scratch_size + task.packed)
    packed_product(task.product, task.strip_product, task.pack_rows, packed,
                   params + (layer.weights + start * layer.outputs), layer.outputs, rows,
                   rows if is_near else layer.forward_block, strip, width, A_prev + start * P, height * P,
                   C + strip * P, c_jump, count, _full_slabs(params, task_at, first, count), is_near,
                   packs(count, rows, layer.outputs, lanes(params), task.threads), 0)


@inline
def _activate(params, task_at, l, place, count, output, outputs):
    """A = g(Z) of some outputs of a layer."""
    task = _task(task_at)
    layer = _layers(task.layers)[l]
    P = slab_width(params)
    workspace = pointer_like(task.workspace, params)
    if layer.forward != 0:
        for n in range(place, place + count):
            at = (n * (layer.outputs + 1) + output) * P
            call(layer.forward, (workspace + (layer.kept + at), workspace + (layer.panel + at), outputs,
                                 layer.parameter))


@inline
def _slabs(params, task_at):
    """Of the chunk."""
    task = _task(task_at)
    P = slab_width(params)
    return (task.stop - task.start + P - 1) // P


@inline
def _full_slabs(params, task_at, first, count):
    """How many slabs of the chunk need every vector."""
    task = _task(task_at)
    return full_slabs(first, count, task.stop - task.start, lanes(params))


@part(*GROUP_ARGUMENTS)
def write_outputs(params, task_at, thread, first, place, count):
    """The last layer's A to rows of `out`."""
    task = _task(task_at)
    layer = _layers(task.layers)[task.n_layers - 1]
    P = slab_width(params)
    panel = pointer_like(task.workspace, params) + (layer.panel + place * (layer.outputs + 1) * P)
    out = pointer_like(task.out, params)
    offsets = _integers(task.integers) + thread * task.integers_size
    for n in range(count):
        begin = task.start + (first + n) * P
        call(task.scatter, (panel + n * (layer.outputs + 1) * P, layer.outputs, out + begin * layer.outputs,
                            layer.outputs, min(P, task.stop - begin), offsets))


@inline
def _first_dZ(params, task_at, thread):
    """Where dZ of the last layer stands: behind the targets."""
    task = _task(task_at)
    numbers = task.group_slabs * task.targets * slab_width(params)
    return pointer_like(task.scratch, params) + (thread * task.scratch_size + numbers)


@helper
def _losses(params, task_at, thread, first, place, count, dZ, jump):
    """Loss, metrics and dZ (or dA, turned into dZ) of the last layer, a slab's `jump` behind that of the one before."""
    task = _task(task_at)
    layer = _layers(task.layers)[task.n_layers - 1]
    P = slab_width(params)
    A = pointer_like(task.workspace, params) + (layer.panel + place * (layer.outputs + 1) * P)
    targets = pointer_like(task.scratch, params) + thread * task.scratch_size
    sums = _floats(task.slab_sums)
    metrics = _metrics(task.metrics)
    for n in range(count):
        A_n, Y_n, dZ_n = A + n * (layer.outputs + 1) * P, targets + n * task.targets * P, dZ + n * jump
        valid = min(P, task.stop - task.start - (first + n) * P)
        ones = pointer_like(task.ones, params) + (P - valid)
        weights = _weights(params, task_at, thread) + n * P if task.weights != 0 else ones
        slot = sums + (first + n) * task.n_sums
        call(task.loss, (A_n, Y_n, dZ_n, layer.outputs, weights, task.scale, _floats(task.loss_parameters), slot))
        for m in range(task.n_metrics):
            metric = metrics[m]
            call(metric.part, (A_n, Y_n, layer.outputs, weights if metric.weighted else ones,
                               _floats(metric.parameters), slot + metric.column))
        if layer.backward != 0 and task.mode != EVALUATE:
            call(layer.backward, (A_n + (layer.kept - layer.panel), dZ_n, layer.outputs, layer.parameter))


@part(*GROUP_ARGUMENTS)
def backward(params, task_at, thread, first, place, count):
    """dZ_(l-1) = (dZ_l W_l^T) * g' down to the lowest layer that learns.

    Every dZ_l is left sample-major for phase 2, or makes dW_l of these slabs at once.  A transform does that itself
    for what it learns; in place of dZ_l it leaves dA_(l-1), for `inspect`.
    """
    task = _task(task_at)
    layers = _layers(task.layers)
    P = slab_width(params)
    jump = task.widest * P
    full = _full_slabs(params, task_at, first, count)
    dZ = _first_dZ(params, task_at, thread)
    dA = dZ + task.group_slabs * jump
    for l in range(task.n_layers - 1, task.lowest - 1, -1):
        if task.abandon != 0:
            return
        layer, below = layers[l], layers[l - 1]
        if layer.transform_backward != 0:
            call(layer.transform_backward, (params, dZ, dA, task_at, l, thread, first, place, count))
        wanted = layer.learns if layer.products > 0 else task.mode == GRADIENT
        if wanted and task.partials == 0:
            _scatter(params, task_at, thread, l, first, place, count, dZ, jump)
        elif wanted and layer.products > 0:
            panel, height = (below.panel, below.outputs + 1) if l > 0 else (task.input_panel, task.inputs + 1)
            _partial_gradient(params, task_at, l, panel, height, dZ, first, place, count)
            _lap(task_at, thread, LAP_LAYERS + 3 * l + 2)
        if l > task.lowest:
            if layer.products > 0:
                for strip in range(0, layer.inputs, layer.backward_strip):
                    inputs = min(layer.backward_strip, layer.inputs - strip)
                    _backward_strip(params, task_at, l, strip, inputs, dZ, dA, jump, count, full)
                dZ, dA = dA, dZ
            _deactivate(params, task_at, l - 1, place, count, dZ, jump, 0, below.outputs)
        _lap(task_at, thread, LAP_LAYERS + 3 * l + 1)


@inline
def _scatter(params, task_at, thread, l, first, place, count, dZ, jump):
    """dZ of some slabs, sample-major, to where phase 2 reads it."""
    task = _task(task_at)
    layer = _layers(task.layers)[l]
    P = slab_width(params)
    columns = pointer_like(task.workspace, params) + (layer.columns + place * P * P)
    offsets = _integers(task.integers) + thread * task.integers_size
    for n in range(count):
        call(task.scatter_columns, (dZ + n * jump, layer.outputs, columns + n * P * P, task.chunk_slabs * P * P,
                                    min(P, task.stop - task.start - (first + n) * P), offsets))


@helper
def _backward_strip(params, task_at, l, strip, inputs, dZ, dA, jump, count, full):
    """dA_(l-1) = dZ_l W_l^T for a strip of inputs, its weights in cache, against some slabs."""
    task = _task(task_at)
    layer = _layers(task.layers)[l]
    P = slab_width(params)
    W = params + (layer.weights + strip * layer.outputs)
    is_near = near(count, layer.outputs, inputs)
    transposed_product(task.product, task.strip_product, W, layer.outputs,
                       layer.outputs if is_near else layer.backward_block, inputs, dZ, jump, dA + strip * P, jump,
                       count, full, is_near)


@inline
def _deactivate(params, task_at, l, place, count, dA, jump, output, outputs):
    """dZ = dA * g' of some outputs of a layer, in place."""
    task = _task(task_at)
    layer = _layers(task.layers)[l]
    P = slab_width(params)
    kept = pointer_like(task.workspace, params) + (layer.kept + (place * (layer.outputs + 1) + output) * P)
    if layer.backward != 0:
        for n in range(count):
            call(layer.backward, (kept + n * (layer.outputs + 1) * P, dA + (n * jump + output * P), outputs,
                                  layer.parameter))


# ------------------------------------------------------------------------------------------------
# Phase 2: over tiles of dW
# ------------------------------------------------------------------------------------------------

@part(*PHASE_ARGUMENTS)
def gradient_update(params, task_at, thread, first, last):
    """Some tiles of all [dW; db] = [A_prev, 1]^T dZ, counted through, and the optimizer on each.

    A tile is MR rows of TILE_COLUMNS * P columns.  Of a batch in several chunks, it is carried over in `gradient`.
    """
    task = _task(task_at)
    matrices = _matrices(task.matrices)
    P = slab_width(params)
    tile = pointer_like(task.scratch, params) + thread * task.scratch_size
    gradient = pointer_like(task.gradient, params)
    workspace, jump = pointer_like(task.workspace, params), task.chunk_slabs * P * P
    far = _updates_beyond(FAR_STATE, params, task_at)
    floats = flush_subnormals()
    _lap(task_at, thread, LAP_OTHER)
    before = 0
    for m in range(task.n_matrices):
        matrix = matrices[m]
        here = count_tiles(matrix.rows, matrix.outputs, P)
        # by inputs a thread should have all outputs of some inputs
        side_by_side = here if matrix.layer == 0 and task.half > 0 else TILE_GROUP
        for t in range(max(first - before, 0), min(last - before, here)):
            i, o, rows, width = tile_place(t, matrix.rows, matrix.outputs, P, side_by_side)
            at = matrix.weights + i * matrix.outputs + o
            # the update will want them, and finds them a microkernel later
            _ask_for(params + at, rows, width, matrix.outputs)
            if far:
                for state in (task.state_1, task.state_2, task.state_3):
                    if state != 0:
                        _ask_for(pointer_like(state, params) + at, rows, width, matrix.outputs)
            if not task.first_chunk:
                copy_rows(gradient + at, matrix.outputs, tile, TILE_COLUMNS * P, rows, width)
            tile_product(task.product, workspace + (matrix.panel + i * P), matrix.height, rows,
                         workspace + (matrix.columns + o // P * jump), jump, o, width, task.stop - task.start, tile,
                         TILE_COLUMNS * P, 1 - task.first_chunk)
            if task.last_chunk and task.mode == TRAIN and not task.deferred:
                _update(params, task_at, at, tile, rows, width, matrix.outputs, TILE_COLUMNS * P, task.hyper,
                        before + t)
            else:
                copy_rows(tile, TILE_COLUMNS * P, gradient + at, matrix.outputs, rows, width)
        before += here
        _lap(task_at, thread, LAP_LAYERS + 3 * matrix.layer + 2)
    restore_subnormals(floats)


@inline
def _updates_beyond(vectors, params, task_at):
    """Whether a step goes through more than so many vectors of parameters and optimizer's state."""
    task = _task(task_at)
    arrays = 1 + (task.state_1 != 0) + (task.state_2 != 0) + (task.state_3 != 0)
    return task.mode == TRAIN and not task.deferred and arrays * task.n_params > vectors * lanes(params)


@helper
def _ask_for(p, rows, columns, row_length):
    """So many rows and columns of what lies from `p` on."""
    for r in range(rows):
        for c in range(0, columns, lanes(p)):
            prefetch(p + (r * row_length + c))


@inline
def _update(params, task_at, at, gradient, rows, columns, W_row, g_row, hyper, unit):
    """The optimizer on rows of the parameters, from `at` on, and their gradient; `hyper` is an address.

    `unit` is the number of what is updated at a time, where its penalty goes.
    """
    task = _task(task_at)
    if task.penalise != 0:
        call(task.penalise, (params, task_at, at, gradient, rows, columns, W_row, g_row, unit))
    if task.prepare != 0:
        call(task.prepare, (params + at, gradient, rows, columns, W_row, g_row, _floats(hyper)))
    call(task.update, (params + at, gradient, pointer_like(task.state_1, params) + at,
                       pointer_like(task.state_2, params) + at, pointer_like(task.state_3, params) + at,
                       rows, columns, W_row, g_row, _floats(hyper)))


# ------------------------------------------------------------------------------------------------
# Few weights: dW of each group of slabs, while the group is in cache
# ------------------------------------------------------------------------------------------------

@helper
def _partial_gradient(params, task_at, l, panel, height, dZ, first, place, count):
    """[dW; db] of layer l and one group of slabs to its place in `partials`; dZ (count, widest, P).

    Tiles over the whole batch would make every thread read what the others have just written: with 2-4-6-6-4-1 and
    1,000 samples two threads were no faster than one.  Groups depend on sizes only, so bits do not on threads.
    """
    task = _task(task_at)
    layer = _layers(task.layers)[l]
    P = slab_width(params)
    A = pointer_like(task.workspace, params) + (panel + place * height * P)
    target = pointer_like(task.partials, params) + (first // task.share_slabs * task.n_params + layer.weights)
    call(task.contraction, (A, height * P, dZ, task.widest * P, layer.rows, layer.outputs, count,
                            _full_slabs(params, task_at, first, count), target))


@part(*PHASE_ARGUMENTS)
def sum_update(params, task_at, thread, first, last):
    """SUMMED numbers at a time of a chunk's partial gradients, added to `gradient` in the order of the groups; then the
    optimizer on them.
    """
    task = _task(task_at)
    floats = flush_subnormals()
    _lap(task_at, thread, LAP_OTHER)
    rows = task.slab * task.share_slabs
    groups = (task.stop - task.start + rows - 1) // rows
    for unit in range(first, last):
        at, size = unit * SUMMED, min(SUMMED, task.n_params - unit * SUMMED)
        gradient, partials = pointer_like(task.gradient, params) + at, pointer_like(task.partials, params) + at
        for c in range(0, size, lanes(params)):
            n = size - c
            total = load_upto(partials + c, n) if task.first_chunk else load_upto(gradient + c, n)
            for group in range(1 if task.first_chunk else 0, groups):
                total = total + load_upto(partials + (group * task.n_params + c), n)
            store_upto(total, gradient + c, n)
        if task.last_chunk and task.mode == TRAIN and not task.deferred:
            _update(params, task_at, at, gradient, 1, size, size, size, task.hyper, unit)
    _lap(task_at, thread, LAP_SUM)
    restore_subnormals(floats)


# ------------------------------------------------------------------------------------------------
# Stages: over the whole flat vectors, after phase 2
# ------------------------------------------------------------------------------------------------

# A stage is a phase after every step's last chunk: what changes `gradient`, then the optimizer, then what changes the
# parameters.  Its units are pieces, and what goes over several of them is summed in their order.

@part(NUMBERS, COUNT)
def add_root_sums(params, task_at):
    """The sums of a chunk to the totals, where the loss of a batch is the root of the mean l of its samples' losses.

    It is known with the last chunk: sqrt(l), and its gradient, sqrt(l)' = l' / (2 sqrt(l)), is that of l times
    `factor`; 0 where sqrt(l) is.
    """
    task = _task(task_at)
    columns = task.n_sums
    slab_sums, sums = _floats(task.slab_sums), _floats(task.sums) + task.epoch * columns
    if task.first_chunk:
        task.batch_loss = 0.0
    for n in range((task.stop - task.start + task.slab - 1) // task.slab):
        task.batch_loss += slab_sums[n * columns]
        for column in range(1, columns):
            sums[column] += slab_sums[n * columns + column]
    if task.last_chunk:
        root = scalar_sqrt(task.batch_loss * task.scale)
        task.factor = 0.5 / root if root != 0.0 else 0.0
        sums[0] += root / task.scale if root != 0.0 else 0.0


@part(*PHASE_ARGUMENTS)
def scale_gradient(params, task_at, thread, first, last):
    """The gradient of the root of a loss from that of the loss: see `add_root_sums`."""
    task = _task(task_at)
    floats = flush_subnormals()
    _lap(task_at, thread, LAP_OTHER)
    pieces = _pieces(task.pieces)
    for p in range(first, last):
        g = pointer_like(task.gradient, params) + pieces[p].start
        for c in range(0, pieces[p].size, lanes(params)):
            n = pieces[p].size - c
            store_upto(task.factor * load_upto(g + c, n), g + c, n)
    _lap(task_at, thread, LAP_SUM)
    restore_subnormals(floats)


@part(*PHASE_ARGUMENTS)
def accumulate(params, task_at, thread, first, last):
    """The gradient to the sum of those before it; with the last one, their mean to `gradient`."""
    task = _task(task_at)
    floats = flush_subnormals()
    _lap(task_at, thread, LAP_OTHER)
    pieces = _pieces(task.pieces)
    for p in range(first, last):
        g = pointer_like(task.gradient, params) + pieces[p].start
        added = pointer_like(task.accumulated, params) + pieces[p].start
        for c in range(0, pieces[p].size, lanes(params)):
            n = pieces[p].size - c
            if pieces[p].frozen:  # nobody computed a gradient; what came before it was frozen is forgotten
                store_upto(splat(0.0, params), added + c, n)
                continue
            together = load_upto(added + c, n) + load_upto(g + c, n)
            if task.updating:
                store_upto(together * (1.0 / task.accumulation), g + c, n)
                store_upto(splat(0.0, params), added + c, n)
            else:
                store_upto(together, added + c, n)
    _lap(task_at, thread, LAP_SUM)
    restore_subnormals(floats)


@part(*PHASE_ARGUMENTS)
def sum_squares(params, task_at, thread, first, last):
    """The sum of the squares of every piece of `gradient`."""
    task = _task(task_at)
    if not task.updating:
        return
    floats = flush_subnormals()
    _lap(task_at, thread, LAP_OTHER)
    pieces = _pieces(task.pieces)
    sums = _floats(task.piece_sums)
    for p in range(first, last):
        g = pointer_like(task.gradient, params) + pieces[p].start
        even = odd = splat(0.0, params)
        for c in range(0, pieces[p].size, 2 * lanes(params)):
            n = pieces[p].size - c
            x, y = load_upto(g + c, n), load_upto(g + (c + lanes(params)), max(n - lanes(params), 0))
            even, odd = fma(x, x, even), fma(y, y, odd)
        sums[p] = 0.0 if pieces[p].frozen else total(even + odd)
    _lap(task_at, thread, LAP_SUM)
    restore_subnormals(floats)


@part(*PHASE_ARGUMENTS)
def update_pieces(params, task_at, thread, first, last):
    """The optimizer, with `gradient` shortened where its norm is greater than allowed."""
    task = _task(task_at)
    if not task.updating:
        return
    floats = flush_subnormals()
    _lap(task_at, thread, LAP_OTHER)
    pieces = _pieces(task.pieces)
    together, factor = -1, 1.0
    own = _floats(task.own_hyper) + thread * HYPER_SIZE
    for i in range(HYPER_SIZE):
        own[i] = _floats(task.hyper)[i]
    for p in range(first, last):
        piece = pieces[p]
        if piece.frozen:
            continue
        g = pointer_like(task.gradient, params) + piece.start
        if task.piece_sums != 0 and piece.first != together:
            together, factor = piece.first, _shortened(task_at, piece.first, piece.last)
        if factor != 1.0:
            for c in range(0, piece.size, lanes(params)):
                n = piece.size - c
                store_upto(factor * load_upto(g + c, n), g + c, n)
        own[0] = piece.multiplier * _floats(task.hyper)[0]
        _update(params, task_at, piece.start, g, 1, piece.size, piece.size, piece.size,
                task.own_hyper + thread * HYPER_SIZE * 8, p)
    _lap(task_at, thread, LAP_SUM)
    restore_subnormals(floats)


@inline
def _shortened(task_at, first, last):
    """By what to multiply the gradient of some pieces, so that its norm is at most hyper[CLIP_NORM]; NaN is kept."""
    task = _task(task_at)
    sums, longest = _floats(task.piece_sums), _floats(task.hyper)[CLIP_NORM]
    square = 0.0
    for p in range(first, last):
        square += sums[p]
    norm = scalar_sqrt(square)
    return longest / norm if norm > longest else 1.0


@part(*PHASE_ARGUMENTS)
def average_parameters(params, task_at, thread, first, last):
    """average = momentum average + (1 - momentum) params; the first update's is params.  Every `overwrite` updates it
    takes their place.  As in Keras it goes on at every step, also at one that makes no update.
    """
    task = _task(task_at)
    floats = flush_subnormals()
    _lap(task_at, thread, LAP_OTHER)
    pieces = _pieces(task.pieces)
    updates = (task.iterations - 1) // task.accumulation
    decay = _floats(task.hyper)[EMA] if updates > 0 else 0.0
    overwrite = task.overwrite != 0 and (updates + 1) % max(task.overwrite, 1) == 0
    for p in range(first, last):
        W, average = params + pieces[p].start, pointer_like(task.average, params) + pieces[p].start
        momentum = 0.0 if pieces[p].frozen else decay  # the average of what stays is that, to the bit
        for c in range(0, pieces[p].size, lanes(params)):
            n = pieces[p].size - c
            mean = momentum * load_upto(average + c, n) + (1.0 - momentum) * load_upto(W + c, n)
            store_upto(mean, average + c, n)
            if overwrite:
                store_upto(mean, W + c, n)
    _lap(task_at, thread, LAP_SUM)
    restore_subnormals(floats)
