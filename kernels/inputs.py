"""A step by inputs: threads share out the inputs of the first layer, where it has most of the work and few outputs.

Threads that share out samples read all of W, of which the others have just changed their part, and in phase 2 what the
others have gathered.  Here a thread keeps to some inputs: it gathers these features of all samples, multiplies them
with its rows of W, and changes those rows.  Only Z goes from one to the other::

    gather      A_0                                                         over inputs
    product     A_0[:half] W[:half] to Z, A_0[half:] W[half:] beside it     over outputs of the one, then of the other
    rest        Z, the other layers, the loss, all dZ                       over slabs
    phase 2     `network.gradient_update`                                   over tiles, along the rows of W first

each a phase of its own: see `steps`.  With more than two threads some share the outputs of a half.  Where the same
network goes by slabs, on one thread or with sparse rows, it adds the same two sums (`network._forward_strip`).
"""

from __future__ import annotations

from ._jit import part
from .matmul import slab_width
from .network import (
    LAP_GATHER,
    LAP_LAYERS,
    LAP_LOSS,
    LAP_OTHER,
    PHASE_ARGUMENTS,
    _activate,
    _add_half,
    _first_dZ,
    _gather,
    _gather_targets,
    _lap,
    _layers,
    _losses,
    _slabs,
    _strip_sums,
    _task,
)
from .simd import MR, call, flush_subnormals, lanes, pointer_like, restore_subnormals

BLOCKS = 4
"""Blocks of MR outputs that a thread takes at a time, at the least."""


@part(*PHASE_ARGUMENTS)
def gather(params, task_at, thread, first, last):
    """Some features of A_0, in units of a vector of them."""
    floats = flush_subnormals()
    _lap(task_at, thread, LAP_OTHER)
    begin, end = first * lanes(params), min(last * lanes(params), _task(task_at).inputs)
    _gather(params, task_at, thread, 0, 0, _slabs(params, task_at), begin, end)
    _lap(task_at, thread, LAP_GATHER)
    restore_subnormals(floats)


@part(*PHASE_ARGUMENTS)
def product(params, task_at, thread, first, last):
    """The sums of one half of the inputs and then of the other, for blocks of MR outputs."""
    task = _task(task_at)
    layer = _layers(task.layers)[0]
    P = slab_width(params)
    floats = flush_subnormals()
    _lap(task_at, thread, LAP_OTHER)
    blocks, slabs = (layer.outputs + MR - 1) // MR, _slabs(params, task_at)
    Z, jump = pointer_like(task.workspace, params) + layer.kept, (layer.outputs + 1) * P
    start, rows = 0, task.half
    for half in range(2):
        stop = min(last - half * blocks, blocks)
        for block in range(max(first - half * blocks, 0), stop, BLOCKS):
            strip = block * MR
            columns = min(min(block + BLOCKS, stop) * MR, layer.outputs) - strip
            _strip_sums(params, task_at, thread, 0, 0, 0, slabs, strip, columns, start, rows, Z, jump)
        Z, jump = pointer_like(task.dZ, params), task.dZ_jump
        start, rows = task.half, layer.rows - task.half
    _lap(task_at, thread, LAP_LAYERS)
    restore_subnormals(floats)


@part(*PHASE_ARGUMENTS)
def rest(params, task_at, thread, first, last):
    """Some slabs, from the sums of the first layer to dZ of every layer."""
    task = _task(task_at)
    layer = _layers(task.layers)[0]
    floats = flush_subnormals()
    _lap(task_at, thread, LAP_OTHER)
    jump = task.dZ_jump
    for slab in range(first, last, task.group_slabs):
        count = min(task.group_slabs, last - slab)
        _gather_targets(params, task_at, thread, slab, count)
        _add_half(params, task_at, slab, count, 0, layer.outputs, pointer_like(task.dZ, params) + slab * jump, jump)
        _activate(params, task_at, 0, slab, count, 0, layer.outputs)
        _lap(task_at, thread, LAP_LAYERS)
        call(task.forward, (params, task_at, thread, slab, slab, count, 1, task.n_layers))
        _losses(params, task_at, thread, slab, slab, count, _first_dZ(params, task_at, thread),
                task.widest * slab_width(params))
        _lap(task_at, thread, LAP_LOSS)
        call(task.backward, (params, task_at, thread, slab, slab, count))
    restore_subnormals(floats)
