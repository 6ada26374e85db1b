"""Region 1 of a wide network, layer by layer: threads share out the outputs of a layer, not the slabs of a batch.

A thread that takes its slabs through all layers packs all weights for them, as every other thread does, and what it
has not got done at the end it does alone.  Here each strip of W is packed once, by one thread, for all slabs of the
chunk, and there are many strips to claim (`network._claim`), down to a block of the product::

    gather      A_0                         over slabs
    forward     A_l = g_l(A_(l-1) W_l + b_l)                    over strips of outputs, for l < L
    output      A_L, loss, dZ_L                                 over slabs
    backward    dZ_(l-1) = (dZ_l W_l^T) * g'                    over strips of inputs, l = L .. 2

with a barrier after each; in the time of a layer that is a small part.  Every number is the same sum in the same
order as in `network.forward_backward`, and stands in the same place, but for dZ: all slabs of two layers are kept.
"""

from __future__ import annotations

from numba import carray

from ._jit import COUNT, NUMBERS, helper, part
from .matmul import slab_width
from .network import (
    LAP_GATHER,
    LAP_LAYERS,
    LAP_LOSS,
    LAP_OTHER,
    STRIP,
    _activate,
    _backward_strip,
    _claim,
    _columns_at_once,
    _deactivate,
    _forward,
    _forward_strip,
    _full_slabs,
    _gather,
    _gather_targets,
    _lap,
    _layers,
    _losses,
    _scatter,
    _strip_rows,
    _task,
)
from .simd import MR, flush_subnormals, pointer_like, restore_subnormals


@part(NUMBERS, COUNT, COUNT, COUNT)
def gather(params, task_at, thread, threads):
    """A_0: rows of X, transposed."""
    floats = flush_subnormals()
    _lap(task_at, thread, LAP_OTHER)
    while True:
        first, last = _claim(task_at, thread, threads, _slabs(params, task_at), 1, 1)
        if last == 0:
            break
        _gather(params, task_at, thread, first, first, last - first)
    _lap(task_at, thread, LAP_GATHER)
    restore_subnormals(floats)


@helper
def _slabs(params, task_at):
    """Of the chunk."""
    task = carray(_task(task_at), 1)[0]
    P = slab_width(params)
    return (task.stop - task.start + P - 1) // P


@part(NUMBERS, COUNT, COUNT, COUNT)
def forward(params, task_at, thread, threads):
    """A of the present layer; of the last one Z."""
    task = carray(_task(task_at), 1)[0]
    l = task.layer
    layer = carray(_layers(task.layers), task.n_layers)[l]
    floats = flush_subnormals()
    _lap(task_at, thread, LAP_OTHER)
    slabs = _slabs(params, task_at)
    blocks, most = (layer.outputs + MR - 1) // MR, _columns_at_once(params, task_at, l, slabs) // MR
    while True:
        first, last = _claim(task_at, thread, threads, blocks, most, 1)
        if last == 0:
            break
        output, outputs = first * MR, min(last * MR, layer.outputs) - first * MR
        _forward_strip(params, task_at, thread, l, 0, 0, slabs, output, outputs)
        if l < task.n_layers - 1:
            _activate(params, task_at, l, 0, slabs, output, outputs)
    _lap(task_at, thread, LAP_LAYERS + 3 * l)
    restore_subnormals(floats)


@part(NUMBERS, COUNT, COUNT, COUNT)
def output(params, task_at, thread, threads):
    """The loss and dZ of the last layer; A, too, and if there are few outputs Z."""
    task = carray(_task(task_at), 1)[0]
    layer = carray(_layers(task.layers), task.n_layers)[task.n_layers - 1]
    floats = flush_subnormals()
    _lap(task_at, thread, LAP_OTHER)
    jump = task.dZ_jump
    while True:
        first, last = _claim(task_at, thread, threads, _slabs(params, task_at), task.group_slabs, 1)
        if last == 0:
            break
        count = last - first
        _gather_targets(params, task_at, thread, first, count)
        if layer.outputs < STRIP:
            _forward(params, task_at, thread, first, first, count, task.n_layers - 1, task.n_layers)
        else:
            _activate(params, task_at, task.n_layers - 1, first, count, 0, layer.outputs)
        dZ = pointer_like(task.dZ, params) + first * jump
        _losses(params, task_at, thread, first, first, count, dZ, jump)
    _lap(task_at, thread, LAP_LOSS)
    restore_subnormals(floats)


@part(NUMBERS, COUNT, COUNT, COUNT)
def backward(params, task_at, thread, threads):
    """dZ of the present layer to where region 2 reads it, and dZ of the layer below, if that learns."""
    task = carray(_task(task_at), 1)[0]
    l = task.layer
    layer = carray(_layers(task.layers), task.n_layers)[l]
    floats = flush_subnormals()
    _lap(task_at, thread, LAP_OTHER)
    slabs = _slabs(params, task_at)
    jump, turn = task.dZ_jump, (task.n_layers - 1 - l) % 2
    dZ = pointer_like(task.dZ, params) + turn * task.dZ_size
    dA = pointer_like(task.dZ, params) + (1 - turn) * task.dZ_size
    full = _full_slabs(params, task_at, 0, slabs)
    scattered = slabs if layer.learns else 0
    blocks = (layer.inputs + MR - 1) // MR if l > task.lowest else 0
    while True:
        first, last = _claim(task_at, thread, threads, scattered + blocks, _strip_rows(params, layer.outputs) // MR, 1)
        if last == 0:
            break
        for n in range(first, min(last, scattered)):
            _scatter(params, task_at, thread, l, n, n, 1, dZ + n * jump, jump)
        strip = (max(first, scattered) - scattered) * MR
        rows = min((last - scattered) * MR, layer.inputs) - strip
        if rows > 0:
            _backward_strip(params, task_at, l, strip, rows, dZ, dA, jump, slabs, full)
            _deactivate(params, task_at, l - 1, 0, slabs, dA, jump, strip, rows)
    _lap(task_at, thread, LAP_LAYERS + 3 * l + 1)
    restore_subnormals(floats)
