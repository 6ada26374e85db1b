"""Training on batches of few rows: the two phases of `network`, with every array as rows of samples.

A slab has one sample a lane, so that a batch of one costs what P of them do, and reads W one number at a time.  Here
the lanes are neighbouring outputs of a sample, and W is read along its rows, in place.  All three products are

    C[i, :] = sum over k of a[i, k] * B[k, :]

==================  =================  =================  ================================  ============
use                 C                  a                  B                                 contraction
==================  =================  =================  ================================  ============
forward             Z (b, O)           [A_prev, 1]        [W; b] in place                   inputs
dA of the layer     dA (b, I)          dZ (b, O)          P rows of W, transposed           outputs
below
dW                  strip of [dW; db]  [A_prev, 1]^T      dZ (b, O)                         samples
==================  =================  =================  ================================  ============

and every number is the same sum in the same order as with slabs.  Only a layer of at most NARROW outputs, which would
leave most lanes empty, has the lanes along its inputs: forward the lanes are added up, and dW^T = dZ^T A.

A strip of dW is rows of [dW; db] as they stand in the flat vector, one after the other: the optimizer goes along them
as along one vector, whatever the width of the layer.

With one sample, and an optimizer that only goes a step along the gradient, the third product and the update of a layer
that is wide enough (`goes_outer`) are one pass over W; on one thread, and with a dense X, the next sample's product
with the first layer's weights is part of it: see `_goes_ahead`.

Rows of A, Z and dZ are a multiple of P apart, so that an elementwise activation takes them for slabs.  The last layer's
logits become slabs, and dZ comes back from there: losses, metrics and softmax know nothing of rows.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from ._jit import COUNT, NUMBERS, either, helper, inline, part
from .blocking import FAR_WEIGHTS, copy_rows
from .matmul import _Block, _switch, slab_width
from .network import (
    LAP_GATHER,
    LAP_LAYERS,
    LAP_LOSS,
    LAP_OTHER,
    PHASE_ARGUMENTS,
    TRAIN,
    _first_dZ,
    _floats,
    _gather_targets,
    _integers,
    _lap,
    _layers,
    _losses,
    _rows,
    _task,
    _update,
    _updates_beyond,
)
from .simd import (
    _I64,
    BLOCK_ROWS,
    MR,
    NV,
    REGISTER_BYTES,
    Vector,
    call,
    flush_subnormals,
    fma,
    lanes,
    load,
    load_upto,
    pointer_like,
    prefetch,
    prefetch_far,
    record_at,
    restore_subnormals,
    splat,
    store,
    total,
)

PLACE = np.dtype([(field, np.int64) for field in (
    "stride",       # from one sample to the next
    "A",            # offsets of the rows in `room`: A, and after it a 1; of the input for place 0
    "kept",         # the same of what `backward` reads: A's or, where it is kept, Z's
    "dZ",
)])
"""Where the rows of a layer's arrays stand."""

SUMS = BLOCK_ROWS * NV
"""Vectors of C that stay in registers."""
WIDEST = 8 if REGISTER_BYTES == 64 else 4
"""At most so many of them in one row: with one sample, enough to hide the latency of a multiply-add."""
BUNDLE = (32 << 10) // REGISTER_BYTES
LEAST_DEPTH = 32
"""W goes by in bundles of rows, BUNDLE vectors together, so that they come from memory as they lie there, and more
samples find them in cache; but at least LEAST_DEPTH rows, or C comes and goes too often (1000 x 1000, 8 samples: 32
took 0.85 of the time of 8, 128 more again).  A transposed piece of W is as large."""
MOST_STRIPS = 4
"""Strips of dW that a thread takes at a time."""
STRIP_WIDTH = 256
STRIP_NUMBERS = MR * STRIP_WIDTH
"""A strip of dW has at most STRIP_WIDTH columns, and so many rows that it stays in the L1 cache beside its weights
(784 x 32, 1 sample: half or twice as much took 1.05 of the time, four times 1.2)."""
NARROW = 4
NARROW_DEPTH = 2048
"""Inputs of a narrow layer whose weights are transposed at a time."""
LANE_SUM = 8
"""Products of vectors that the sum over the lanes costs as much as."""

_places = record_at("PLACE", PLACE)


# ------------------------------------------------------------------------------------------------
# The product
# ------------------------------------------------------------------------------------------------

@intrinsic
def _rows_block(typingctx, m, vectors, a, a_row, a_k, B, B_row, K, C, C_row, accumulate):
    """The product for m rows and 1, 2, 4 or 8 vectors, with m * vectors at most SUMS; a switch picks the loop."""
    vector = Vector(a.dtype)

    def codegen(context, builder, sig, args):
        m, vectors, a, a_row, a_k, B, B_row, K, C, C_row, accumulate = args
        one, none = ir.Constant(_I64, 1), ir.Constant(_I64, 0)
        shapes = [(rows, count) for count in (1, 2, 4, 8) if count <= WIDEST
                  for rows in range(1, min(BLOCK_ROWS, SUMS // count) + 1)]
        blocks = {count * (BLOCK_ROWS + 1) + rows: _Block(builder, vector, rows, count, [(B, C)], b_row=B_row)
                  for rows, count in shapes}
        chosen = builder.add(m, builder.mul(vectors, ir.Constant(_I64, BLOCK_ROWS + 1)))
        _switch(builder, chosen, {number: partial(block.emit, a, a_row, a_k, none, K, one, C_row, accumulate)
                                  for number, block in blocks.items()})
        return context.get_dummy_value()

    index = types.intp
    return types.void(index, index, a, index, index, a, index, index, a, index, types.boolean), codegen


@part(NUMBERS, COUNT, COUNT, COUNT, NUMBERS, COUNT, COUNT, COUNT, NUMBERS, COUNT, COUNT, COUNT)
def product(a, a_row, a_k, m, B, B_row, K, ahead, C, C_row, columns, accumulate):
    """C (m, columns) [+]= sum over k < K of a[i*a_row + k*a_k] * B[k*B_row:], in whole vectors.

    From the last columns to the first and from the first row to the last, so that in a C without gaps what comes of
    the lanes behind a row's end is overwritten by the next row.  If B's rows have no gaps and more follow, `ahead` is
    their distance: as many are asked for as were read, in order; else 0.
    """
    step = lanes(a)
    most = WIDEST
    while most > 1 and min(m, BLOCK_ROWS) * most > SUMS:
        most //= 2
    end = (columns + step - 1) // step
    while end > 0:
        vectors = most
        while vectors > end:
            vectors //= 2
        end -= vectors
        if ahead != 0:
            for at in range(end * step * K, (end + vectors) * step * K, step):
                prefetch_far(B + (ahead + at))
        for i in range(0, m, BLOCK_ROWS):
            _rows_block(min(BLOCK_ROWS, m - i), vectors, a + i * a_row, a_row, a_k, B + end * step, B_row, K,
                   C + (i * C_row + end * step), C_row, accumulate != 0)


# ------------------------------------------------------------------------------------------------
# Phase 1: over the samples
# ------------------------------------------------------------------------------------------------

@part(*PHASE_ARGUMENTS)
def forward_backward(params, task_at, thread, first, last):
    """A part of the batch, in units of slabs: from rows of X to dZ of every layer."""
    task = _task(task_at)
    P = slab_width(params)
    floats = flush_subnormals()
    _lap(task_at, thread, LAP_OTHER)
    begin, count = first * P, min(last * P, task.stop - task.start) - first * P
    _copy_inputs(params, task_at, thread, begin, count)
    _gather_targets(params, task_at, thread, first, last - first)
    _lap(task_at, thread, LAP_GATHER)
    _forward(params, task_at, thread, begin, count)
    _output(params, task_at, thread, first, last - first)
    _backward(params, task_at, thread, begin, count)
    restore_subnormals(floats)


@helper
def _copy_inputs(params, task_at, thread, begin, count):
    """Rows of X, and a 1 after each."""
    task = _task(task_at)
    place = _places(task.places)
    A = pointer_like(task.room, params) + (place.A + begin * place.stride)
    if _went_ahead(task_at):
        copy_rows(A + place.stride, place.stride, A, place.stride, 1, task.inputs)
    elif task.gather == task.gather_targets:
        _copy_rows(params, task_at, begin, count, A, place.stride)
    else:
        _copy_slabs(params, task_at, thread, begin, count, A, place.stride)
    if _goes_ahead(task_at):
        _copy_rows(params, task_at, begin + 1, 1, A + place.stride, place.stride)
        count += 1
    for s in range(count):
        A[s * place.stride + task.inputs] = 1.0


@inline
def _goes_ahead(task_at):
    """Whether the next batch, of one sample too, has its first product with this one's update.

    The optimizer has every row of W at hand: one way through the weights a step in place of two.  The second row of A_0
    and Z_1 is that sample's.  It is the next one of the same epoch, in the same call, and nothing changes W in between.
    """
    task = _task(task_at)
    return task.ahead != 0 and task.now + 1 < task.end and task.stop < task.n_rows


@inline
def _went_ahead(task_at):
    """Whether the first product of this batch is done: whether `_goes_ahead` held for the one before."""
    task = _task(task_at)
    return task.ahead != 0 and not task.first_step and task.start > 0


@helper
def _copy_rows(params, task_at, begin, count, A, stride):
    """From a dense X, while the next batch is asked for: its rows may stand anywhere."""
    task = _task(task_at)
    step = lanes(params)
    X, order = pointer_like(task.X, params), _integers(task.order) + task.epoch * task.n_rows
    for s in range(count):
        at = task.start + begin + s
        following = min(at + task.batch, task.n_rows - 1)
        if task.order != 0:
            at, following = order[at], order[following]
        for c in range(0, task.inputs, step):
            prefetch(X + (following * task.inputs + c))
            store(load_upto(X + (at * task.inputs + c), task.inputs - c), A + (s * stride + c))


@helper
def _copy_slabs(params, task_at, thread, begin, count, A, stride):
    """From any other X, whose part makes slabs."""
    task = _task(task_at)
    P = slab_width(params)
    rows = _integers(task.integers) + thread * task.integers_size
    panel = pointer_like(task.workspace, params) + (task.input_panel + begin * (task.inputs + 1))
    for s in range(0, count, P):
        samples = min(P, count - s)
        _rows(task_at, task.start + begin + s, P, task.inputs, rows)
        call(task.gather, (pointer_like(task.X, params), rows, task.inputs, samples, 0, panel))
        call(task.scatter, (panel, task.inputs, A + s * stride, stride, samples, rows))


@helper
def _forward(params, task_at, thread, begin, count):
    """A_l = g_l([A_(l-1), 1] [W_l; b_l]); of the last layer the logits, before g."""
    task = _task(task_at)
    layers = _layers(task.layers)
    places = _places(task.places)
    room = pointer_like(task.room, params)
    spare = pointer_like(task.panels, params) + thread * task.panels_size
    far = _updates_beyond(FAR_WEIGHTS, params, task_at)
    for l in range(task.n_layers):
        layer, below, place = layers[l], places[l], places[l + 1]
        at = begin * place.stride
        Z, A = room + (place.kept + at), room + (place.A + at)
        A_prev, W = room + (below.A + begin * below.stride), params + layer.weights
        if l == 0 and _went_ahead(task_at):
            copy_rows(Z + place.stride, place.stride, Z, place.stride, 1, layer.outputs)
        elif layer.outputs <= NARROW:
            _dot_weights(A_prev, below.stride, count, W, layer.rows, layer.outputs, Z, place.stride, spare)
        else:
            _times_weights(task.rows_product, A_prev, below.stride, count, W, layer.rows, layer.outputs, Z,
                           place.stride, far, spare)
        if l < task.n_layers - 1:
            if layer.forward != 0:
                call(layer.forward, (Z, A, count * place.stride // slab_width(params), layer.parameter))
            for s in range(count):
                A[s * place.stride + layer.outputs] = 1.0
        _lap(task_at, thread, LAP_LAYERS + 3 * l)


@helper
def _times_weights(product, a, a_row, n, W, rows, outputs, Z, Z_row, far, spare):
    """Z (n, outputs) = a (n, rows) W (rows, outputs): by bundles of rows of W, which lie side by side in memory.

    The last vector of a row of W reaches into the next row; the last rows are read from a copy with room behind it.
    """
    step = lanes(a)
    width = (outputs + step - 1) // step * step
    inside = max(0, (rows * outputs - width) // outputs + 1)
    depth = max(LEAST_DEPTH, BUNDLE * step // outputs)
    for k in range(0, inside, depth):
        call(product, (a + k, a_row, 1, n, W + k * outputs, outputs, min(depth, inside - k),
                       depth * outputs if far else 0, Z, Z_row, outputs, k))
    for k in range(inside, rows):
        for c in range(0, width, step):
            store(load_upto(W + (k * outputs + c), outputs - c), spare + ((k - inside) * width + c))
    if inside < rows:
        call(product, (a + inside, a_row, 1, n, spare, width, rows - inside, 0, Z, Z_row, outputs, inside))


@helper
def _dot_weights(a, a_row, n, W, rows, outputs, Z, Z_row, transposed):
    """Z (n, outputs) = a (n, rows) W (rows, outputs) for few outputs: lanes over the inputs, and their sum."""
    step = lanes(a)
    for first in range(0, rows, NARROW_DEPTH):
        depth = min(NARROW_DEPTH, rows - first)
        pairs = depth // (2 * step) * (2 * step)
        for o in range(outputs):
            for k in range(depth):
                transposed[o * NARROW_DEPTH + k] = W[(first + k) * outputs + o]
        for s in range(n):
            x = a + (s * a_row + first)
            for o in range(outputs):
                w = transposed + o * NARROW_DEPTH
                sum_0, sum_1 = splat(0.0, a), splat(0.0, a)
                for k in range(0, pairs, 2 * step):
                    sum_0 = fma(load(x + k), load(w + k), sum_0)
                    sum_1 = fma(load(x + (k + step)), load(w + (k + step)), sum_1)
                for k in range(pairs, depth, step):
                    sum_0 = fma(load_upto(x + k, depth - k), load_upto(w + k, depth - k), sum_0)
                z = total(sum_0 + sum_1)
                Z[s * Z_row + o] = z if first == 0 else Z[s * Z_row + o] + z


@helper
def _output(params, task_at, thread, first, slabs):
    """The last layer's logits to slabs, g, loss and metrics, and dZ back to rows."""
    task = _task(task_at)
    last = task.n_layers - 1
    layer, place = _layers(task.layers)[last], _places(task.places)[last + 1]
    P = slab_width(params)
    room, workspace = pointer_like(task.room, params), pointer_like(task.workspace, params)
    height = (layer.outputs + 1) * P
    Z, A = workspace + (layer.kept + first * height), workspace + (layer.panel + first * height)
    dZ = _first_dZ(params, task_at, thread)
    offsets = _integers(task.integers) + thread * task.integers_size
    for n in range(slabs):
        begin = (first + n) * P
        samples = min(P, task.stop - task.start - begin)
        for s in range(P):
            offsets[s] = (begin + min(s, samples - 1)) * place.stride
        call(task.gather_targets, (room + place.kept, offsets, layer.outputs, samples, 0, Z + n * height))
        if layer.forward != 0:
            call(layer.forward, (Z + n * height, A + n * height, layer.outputs, layer.parameter))
    _losses(params, task_at, thread, first, first, slabs, dZ, task.widest * P)
    for n in range(slabs):
        begin = (first + n) * P
        call(task.scatter, (dZ + n * task.widest * P, layer.outputs, room + (place.dZ + begin * place.stride),
                            place.stride, min(P, task.stop - task.start - begin), offsets))
    _lap(task_at, thread, LAP_LOSS)


@helper
def _backward(params, task_at, thread, begin, count):
    """dZ_(l-1) = (dZ_l W_l^T) * g' down to the lowest layer that learns."""
    task = _task(task_at)
    layers = _layers(task.layers)
    places = _places(task.places)
    room = pointer_like(task.room, params)
    panel = pointer_like(task.panels, params) + thread * task.panels_size
    offsets = _integers(task.integers) + thread * task.integers_size
    far = _updates_beyond(FAR_WEIGHTS, params, task_at)
    for l in range(task.n_layers - 1, task.lowest, -1):
        layer, below, place = layers[l], places[l], places[l + 1]
        at = begin * below.stride
        dZ, dA = room + (place.dZ + begin * place.stride), room + (below.dZ + at)
        _times_transposed(task.rows_product, task.gather_targets, dZ, place.stride, count, params + layer.weights,
                          layer.inputs, layer.outputs, dA, below.stride, far, panel, offsets)
        g = layers[l - 1]
        if g.backward != 0:
            call(g.backward, (room + (below.kept + at), dA, count * below.stride // slab_width(params), g.parameter))
        _lap(task_at, thread, LAP_LAYERS + 3 * l + 1)


@helper
def _times_transposed(product, gather, dZ, dZ_row, n, W, inputs, outputs, dA, dA_row, far, panel, offsets):
    """dA (n, inputs) = dZ (n, outputs) W^T: P rows of W at a time, transposed; of a `far` W the next are asked for."""
    P = slab_width(dZ)
    depth = BUNDLE // NV
    for s in range(P, 2 * P):
        offsets[s] = s * outputs
    for i in range(0, inputs, P):
        width = min(P, inputs - i)
        for s in range(P):
            offsets[s] = min(s, width - 1) * outputs
        following = min(P, inputs - i - width) if far else 0
        for o in range(0, outputs, depth):
            deep = min(depth, outputs - o)
            call(gather, (W + (i * outputs + o), offsets, deep, width, following, panel))
            call(product, (dZ + o, dZ_row, 1, n, panel, P, deep, 0, dA + i, dA_row, width, o))


# ------------------------------------------------------------------------------------------------
# Phase 2: over strips of dW
# ------------------------------------------------------------------------------------------------

@part(*PHASE_ARGUMENTS)
def gradient_update(params, task_at, thread, first, last):
    """Some strips of all [dW; db] = [A_prev, 1]^T dZ, counted through, and the optimizer on each."""
    task = _task(task_at)
    layers = _layers(task.layers)
    places = _places(task.places)
    room, gradient = pointer_like(task.room, params), pointer_like(task.gradient, params)
    strip = pointer_like(task.panels, params) + thread * task.panels_size
    samples = task.stop - task.start
    floats = flush_subnormals()
    _lap(task_at, thread, LAP_OTHER)
    before = 0
    for l in range(task.n_layers):
        layer, below, place = layers[l], places[l], places[l + 1]
        here = _strips(layer)
        for t in range(max(first - before, 0), min(last - before, here)):
            i, o, rows, width = _strip(t, layer.rows, layer.outputs)
            A, dZ = room + (below.A + i), room + (place.dZ + o)
            at, strip_row = layer.weights + i * layer.outputs + o, min(layer.outputs, STRIP_WIDTH)
            if task.outer != 0 and goes_outer(layer.outputs, slab_width(params)):
                x, z = A, strip  # a product that nobody asks for, beside the update it costs nothing
                if l == 0 and _goes_ahead(task_at):
                    x, z = A + below.stride, room + (place.kept + place.stride + o)
                call(task.outer, (params + at, A, dZ, x, z, rows, width, layer.outputs, _floats(task.hyper), i))
                continue
            if layer.outputs <= NARROW:
                _narrow_strip(task.rows_product, A, below.stride, dZ, place.stride, samples, rows, width, strip)
            elif samples == 1:
                _outer_strip(A, dZ, rows, width, strip, strip_row)
            else:
                call(task.rows_product, (A, 1, below.stride, rows, dZ, place.stride, samples, 0, strip, strip_row,
                                         width, 0))
            if width == layer.outputs:  # no gaps between the rows
                rows, width = 1, rows * width
            if task.mode == TRAIN and not task.deferred:
                _update(params, task_at, at, strip, rows, width, layer.outputs, strip_row, task.hyper,
                        before + t)
            else:
                copy_rows(strip, strip_row, gradient + at, layer.outputs, rows, width)
        before += here
        _lap(task_at, thread, LAP_LAYERS + 3 * l + 2)
    restore_subnormals(floats)


@helper
def _outer_strip(A, dZ, rows, outputs, strip, strip_row):
    """dW of one sample, from the last columns to the first, as in `product`."""
    step = lanes(A)
    for n in range((outputs + step - 1) // step):
        o = (outputs - 1) // step * step - n * step
        d = load(dZ + o)
        for r in range(rows):
            store(fma(A[r], d, 0.0), strip + (r * strip_row + o))


@helper
def _narrow_strip(product, A, A_row, dZ, dZ_row, samples, rows, outputs, strip):
    """dW^T = dZ^T A with lanes over the inputs, and its numbers in the order of dW."""
    step = lanes(A)
    padded = (rows + step - 1) // step * step
    transposed = strip if outputs == 1 else strip + STRIP_NUMBERS
    call(product, (dZ, 1, dZ_row, outputs, A, A_row, samples, 0, transposed, padded, rows, 0))
    if outputs > 1:
        for r in range(rows):
            for o in range(outputs):
                strip[r * outputs + o] = transposed[o * padded + r]


@either
def goes_outer(outputs, P):
    """Whether the update of one sample goes along the rows of W: where they fill their vectors, or most of them.

    Others go faster as one vector, strip by strip: 200-5 took 2.5 times as long along its rows, 1000-17 1.3.
    """
    return outputs > NARROW and (outputs >= P or outputs % (P // NV) == 0)


@either
def _strip_rows(outputs):
    return max(1, STRIP_WIDTH // outputs) * MR


@either
def count_strips(rows, outputs):
    """Number of strips of a matrix."""
    height = _strip_rows(outputs)
    return (rows + height - 1) // height * ((outputs + STRIP_WIDTH - 1) // STRIP_WIDTH)


@inline
def _strips(layer):
    """Number of strips of a layer's [dW; db], if it learns."""
    return count_strips(layer.rows, layer.outputs) if layer.learns else 0


@inline
def _strip(t, layer_rows, outputs):
    """First row and column of strip t, and how many of them it has."""
    height, columns = _strip_rows(outputs), (outputs + STRIP_WIDTH - 1) // STRIP_WIDTH
    i, o = t // columns * height, t % columns * STRIP_WIDTH
    return i, o, min(height, layer_rows - i), min(STRIP_WIDTH, outputs - o)


def panel_numbers(outputs, P):
    """Room that a thread needs: for a piece of W, transposed or its last rows, or a strip of dW, also transposed."""
    step = P // NV
    last_rows = max((-(-width // step) * step // width + 2) * -(-width // step) * step for width in map(int, outputs))
    numbers = max(BUNDLE * step, last_rows, NARROW * NARROW_DEPTH, 2 * STRIP_NUMBERS + NARROW * P)
    return -(-numbers // 64) * 64
