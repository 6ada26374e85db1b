"""Phase 1 of a wide network, layer by layer: threads share out the outputs of a layer, not the slabs of a batch.

A thread that takes its slabs through all layers packs all weights for them, as every other thread does, and what it
has not got done at the end it does alone.  Here each strip of W is packed once, by one thread, for all slabs of the
chunk, and there are many strips to take, down to a block of the product::

    gather      A_0                         over slabs
    forward     A_l = g_l(A_(l-1) W_l + b_l)                    over strips of outputs, for l < L
    output      A_L, loss, dZ_L                                 over slabs
    backward    dZ_(l-1) = (dZ_l W_l^T) * g'                    over strips of inputs, l = L .. 2

each a phase of its own: see `steps`.  Every number is the same sum in the same
order as in `network.forward_backward`, and stands in the same place, but for dZ: all slabs of two layers are kept.
"""

from __future__ import annotations

from ._jit import part
from .blocking import NEAR, STRIP
from .network import (
    LAP_GATHER,
    LAP_LAYERS,
    LAP_LOSS,
    LAP_OTHER,
    PHASE_ARGUMENTS,
    _activate,
    _backward_strip,
    _columns_at_once,
    _deactivate,
    _forward_strip,
    _full_slabs,
    _gather,
    _gather_targets,
    _lap,
    _layers,
    _losses,
    _scatter,
    _slabs,
    _task,
)
from .simd import MR, NV, call, flush_subnormals, pointer_like, restore_subnormals

NEAR_BLOCKS, FAR_BLOCKS = (4, 1), (24, 4)
"""Blocks of MR outputs, or inputs, that a thread takes at a time, at most and at least: where all panels stay in the L2
cache, and where they come from farther away for every strip (four there, too, took 1.03 to 1.06 of the time for layers
of 1,024 to 2,048)."""


def blocks_at_once(slabs, K):
    """That many, of a product of so many slabs and K."""
    return NEAR_BLOCKS if slabs * K * NV <= NEAR else FAR_BLOCKS


@part(*PHASE_ARGUMENTS)
def gather(params, task_at, thread, first, last):
    """A_0 of some slabs: rows of X, transposed."""
    floats = flush_subnormals()
    _lap(task_at, thread, LAP_OTHER)
    _gather(params, task_at, thread, first, first, last - first, 0, _task(task_at).inputs)
    _lap(task_at, thread, LAP_GATHER)
    restore_subnormals(floats)


@part(*PHASE_ARGUMENTS)
def forward(params, task_at, thread, first, last):
    """A of the present layer, some blocks of MR outputs of it; of the last layer Z."""
    task = _task(task_at)
    l, slabs = task.layer, _slabs(params, task_at)
    floats = flush_subnormals()
    _lap(task_at, thread, LAP_OTHER)
    columns = _columns_at_once(params, task_at, l, slabs)
    stop = min(last * MR, _layers(task.layers)[l].outputs)
    for strip in range(first * MR, stop, columns):
        outputs = min(columns, stop - strip)
        _forward_strip(params, task_at, thread, l, 0, 0, slabs, strip, outputs)
        if l < task.n_layers - 1:
            _activate(params, task_at, l, 0, slabs, strip, outputs)
    _lap(task_at, thread, LAP_LAYERS + 3 * l)
    restore_subnormals(floats)


@part(*PHASE_ARGUMENTS)
def output(params, task_at, thread, first, last):
    """The loss and dZ of the last layer, of some slabs; A, too, and if there are few outputs Z."""
    task = _task(task_at)
    l, jump = task.n_layers - 1, task.dZ_jump
    outputs = _layers(task.layers)[l].outputs
    floats = flush_subnormals()
    _lap(task_at, thread, LAP_OTHER)
    for slab in range(first, last, task.group_slabs):
        count = min(task.group_slabs, last - slab)
        _gather_targets(params, task_at, thread, slab, count)
        if outputs < STRIP:
            call(task.forward, (params, task_at, thread, slab, slab, count, l, l + 1))
        else:
            _activate(params, task_at, l, slab, count, 0, outputs)
        _losses(params, task_at, thread, slab, slab, count, pointer_like(task.dZ, params) + slab * jump, jump)
        _lap(task_at, thread, LAP_LOSS)
    restore_subnormals(floats)


@part(*PHASE_ARGUMENTS)
def backward(params, task_at, thread, first, last):
    """dZ of the present layer to where phase 2 reads it, and dZ of the layer below.

    Units are the slabs to transpose, if the layer learns, and then the blocks of MR inputs, if a layer below does.
    """
    task = _task(task_at)
    l, slabs = task.layer, _slabs(params, task_at)
    layer = _layers(task.layers)[l]
    floats = flush_subnormals()
    _lap(task_at, thread, LAP_OTHER)
    jump, turn = task.dZ_jump, (task.n_layers - 1 - l) % 2
    dZ = pointer_like(task.dZ, params) + turn * task.dZ_size
    dA = pointer_like(task.dZ, params) + (1 - turn) * task.dZ_size
    before = slabs if layer.learns else 0
    for n in range(first, min(last, before)):
        _scatter(params, task_at, thread, l, n, n, 1, dZ + n * jump, jump)
    stop = min((last - before) * MR, layer.inputs)
    for strip in range((max(first, before) - before) * MR, stop, layer.backward_strip):
        inputs = min(layer.backward_strip, stop - strip)
        _backward_strip(params, task_at, l, strip, inputs, dZ, dA, jump, slabs, _full_slabs(params, task_at, 0, slabs))
        _deactivate(params, task_at, l - 1, 0, slabs, dA, jump, strip, inputs)
    _lap(task_at, thread, LAP_LAYERS + 3 * l + 1)
    restore_subnormals(floats)
