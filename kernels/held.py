"""Samples that every step reads in the same order: brought into slabs once in a call of `steps.run`.

A full batch has the same rows at the same places in every step.  With few weights, turning rows into slabs takes as
long as a layer does, so the slabs of X and Y are kept, and copied to where a step works on them: to the L1 cache.
"""

from __future__ import annotations

from ._jit import helper, part
from .matmul import slab_width
from .network import GROUP_ARGUMENTS, _task, gather_samples
from .simd import lanes, load, pointer_like, store


@part(*GROUP_ARGUMENTS)
def gather_held(params, task_at, thread, first, place, count):
    """What `gather_samples` does: in the first step of a call like that, and put aside; later on copied from there."""
    task = _task(task_at)
    P = slab_width(params)
    features, targets = task.inputs * P, task.targets * P
    panel = pointer_like(task.workspace, params) + (task.input_panel + place * (features + P))
    Y = pointer_like(task.scratch, params) + thread * task.scratch_size
    held = pointer_like(task.held, params) + first * (features + targets)
    if task.first_step:
        gather_samples(params, task_at, thread, first, place, count)
    for n in range(count):
        X_n, Y_n, held_n = panel + n * (features + P), Y + n * targets, held + n * (features + targets)
        if task.first_step:
            _copy(X_n, held_n, features)
            _copy(Y_n, held_n + features, targets)
        else:
            _copy(held_n, X_n, features)
            _copy(held_n + features, Y_n, targets)


@helper
def _copy(source, target, size):
    for i in range(0, size, lanes(source)):
        store(load(source + i), target + i)
