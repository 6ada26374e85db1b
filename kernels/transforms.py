"""Transforms: layers without a matrix product.  Their parts stand in the chain of `network` in place of the product.

Forward ``transform(params, task, l, first, place, count)`` writes A of layer l from A of the layer before, for `count`
slabs of the batch from `first` on, in the workspace from `place` on.  Backward
``transform_backward(params, dA, room, task, l, thread, first, place, count)`` turns dA into dA_prev, in place; `room`
is as large as dA.  Between the two a transform keeps what it needs in its panel `kept`.

====================  =====================================  ===========================================
transform                 A                                      dA_prev
====================  =====================================  ===========================================
copy (`Activation`)   g(A_prev), by the layer's `forward`    dA g', by the layer's `backward`
dropout               A_prev m, m = 0 with probability r,    dA m
                      else 1 / (1 - r)
gaussian_noise        A_prev + sigma n, n normal             dA
layer_normalization   gamma x + beta,                        (d - mean d - x mean(d x)) / s,
                      x = (A_prev - mean) / s,               d = dA gamma
                      s^2 = variance + epsilon
====================  =====================================  ===========================================

Means go over the features of a sample.  Dropout and noise act in training alone; elsewhere they copy.

Sources: N. Srivastava and others, Dropout: a simple way to prevent neural networks from overfitting, 2014;
J. Ba, J. Kiros, G. Hinton, Layer normalization, 2016.
"""

from __future__ import annotations

from ._jit import COUNT, NUMBERS, helper, inline, part
from .counter import normals, uniforms
from .matmul import slab_width
from .network import TRAIN, _full_slabs, _integers, _layers, _task
from .simd import call, lanes, load, pointer_like, select, splat, sqrt, store

_FORWARD = NUMBERS, COUNT, COUNT, COUNT, COUNT, COUNT
_BACKWARD = NUMBERS, NUMBERS, NUMBERS, *[COUNT] * 6


@inline
def _panel_before(params, task_at, l, place):
    """A of the layer before, from slab `place` on."""
    task = _task(task_at)
    layers = _layers(task.layers)
    panel = task.input_panel if l == 0 else layers[l - 1].panel
    return pointer_like(task.workspace, params) + (panel + place * (layers[l].inputs + 1) * slab_width(params))


@inline
def _panel(params, task_at, l, place, start):
    """A panel of the layer itself, which starts at `start` of the workspace."""
    task = _task(task_at)
    layer = _layers(task.layers)[l]
    return pointer_like(task.workspace, params) + (start + place * (layer.outputs + 1) * slab_width(params))


@helper
def _copy_slabs(source, target, features, count):
    """A panel to another of the same height; the last row, of ones, stays."""
    P = slab_width(source)
    for n in range(count):
        at = n * (features + 1) * P
        for i in range(0, features * P, lanes(source)):
            store(load(source + (at + i)), target + (at + i))


@part(*_FORWARD)
def copy(params, task_at, l, first, place, count):
    """Z = A_prev; the layer's activation does the rest."""
    task = _task(task_at)
    layer = _layers(task.layers)[l]
    _copy_slabs(_panel_before(params, task_at, l, place), _panel(params, task_at, l, place, layer.kept), layer.outputs,
                count)


# ------------------------------------------------------------------------------------------------
# Random numbers, in training alone
# ------------------------------------------------------------------------------------------------

@inline
def _drop(u, rate, factor, A_prev, kept, A):
    m = select(u < rate, 0.0, factor)
    store(m, kept)
    store(m * load(A_prev), A)


@part(*_FORWARD)
def dropout(params, task_at, l, first, place, count):
    task = _task(task_at)
    layer = _layers(task.layers)[l]
    A_prev, A = _panel_before(params, task_at, l, place), _panel(params, task_at, l, place, layer.panel)
    if task.mode != TRAIN:
        _copy_slabs(A_prev, A, layer.outputs, count)
        return
    kept = _panel(params, task_at, l, place, layer.kept)
    P = slab_width(params)
    factor = splat(1.0 / (1.0 - layer.parameter), params)
    for n in range(count):
        sample = task.start % task.batch + (first + n) * P
        for block in range((layer.outputs + 3) // 4):
            at = (n * (layer.outputs + 1) + 4 * block) * P
            for s in range(0, P, lanes(params)):
                u = uniforms(layer.key, l, task.first_draw + task.now, sample + s, block, params)
                c, left = at + s, layer.outputs - 4 * block
                _drop(u[0], layer.parameter, factor, A_prev + c, kept + c, A + c)
                if left > 1:
                    _drop(u[1], layer.parameter, factor, A_prev + (c + P), kept + (c + P), A + (c + P))
                if left > 2:
                    c += 2 * P
                    _drop(u[2], layer.parameter, factor, A_prev + c, kept + c, A + c)
                if left > 3:
                    _drop(u[3], layer.parameter, factor, A_prev + (c + P), kept + (c + P), A + (c + P))


@part(*_BACKWARD)
def dropout_backward(params, dA, room, task_at, l, thread, first, place, count):
    task = _task(task_at)
    layer = _layers(task.layers)[l]
    P = slab_width(params)
    m = _panel(params, task_at, l, place, layer.kept)
    if task.mode == TRAIN:
        for n in range(count):
            for i in range(0, layer.outputs * P, lanes(params)):
                c = n * task.widest * P + i
                store(load(m + (n * (layer.outputs + 1) * P + i)) * load(dA + c), dA + c)


@part(*_FORWARD)
def gaussian_noise(params, task_at, l, first, place, count):
    task = _task(task_at)
    layer = _layers(task.layers)[l]
    A_prev, A = _panel_before(params, task_at, l, place), _panel(params, task_at, l, place, layer.panel)
    if task.mode != TRAIN:
        _copy_slabs(A_prev, A, layer.outputs, count)
        return
    P = slab_width(params)
    for n in range(count):
        sample = task.start % task.batch + (first + n) * P
        for block in range((layer.outputs + 3) // 4):
            at = (n * (layer.outputs + 1) + 4 * block) * P
            for s in range(0, P, lanes(params)):
                u = uniforms(layer.key, l, task.first_draw + task.now, sample + s, block, params)
                c, left = at + s, layer.outputs - 4 * block
                x, y = normals(u[0], u[1])
                store(load(A_prev + c) + layer.parameter * x, A + c)
                if left > 1:
                    store(load(A_prev + (c + P)) + layer.parameter * y, A + (c + P))
                if left > 2:
                    c += 2 * P
                    x, y = normals(u[2], u[3])
                    store(load(A_prev + c) + layer.parameter * x, A + c)
                    if left > 3:
                        store(load(A_prev + (c + P)) + layer.parameter * y, A + (c + P))


# ------------------------------------------------------------------------------------------------
# Layer normalization
# ------------------------------------------------------------------------------------------------

@part(*_FORWARD)
def layer_normalization(params, task_at, l, first, place, count):
    """Keeps x, and in the row behind it 1 / s."""
    task = _task(task_at)
    layer = _layers(task.layers)[l]
    A_prev, A = _panel_before(params, task_at, l, place), _panel(params, task_at, l, place, layer.panel)
    kept = _panel(params, task_at, l, place, layer.kept)
    P, features = slab_width(params), layer.outputs
    share = 1.0 / features
    for n in range(count):
        for s in range(0, P, lanes(params)):
            at = n * (features + 1) * P + s
            mean = splat(0.0, params)
            for f in range(features):
                mean = mean + load(A_prev + (at + f * P))
            mean = mean * share
            variance = splat(0.0, params)
            for f in range(features):
                difference = load(A_prev + (at + f * P)) - mean
                variance = variance + difference * difference
            rate = 1.0 / sqrt(variance * share + layer.parameter)
            store(rate, kept + (at + features * P))
            for f in range(features):
                x = rate * (load(A_prev + (at + f * P)) - mean)
                store(x, kept + (at + f * P))
                if layer.gamma >= 0:
                    x = x * params[layer.gamma + f]
                if layer.beta >= 0:
                    x = x + params[layer.beta + f]
                store(x, A + (at + f * P))


@part(*_BACKWARD)
def layer_normalization_backward(params, dA, room, task_at, l, thread, first, place, count):
    """Leaves dA x and dA sample-major for phase 2, or their sums over these slabs, which are dgamma and dbeta."""
    task = _task(task_at)
    layer = _layers(task.layers)[l]
    kept = _panel(params, task_at, l, place, layer.kept)
    P, features = slab_width(params), layer.outputs
    offsets = _integers(task.integers) + thread * task.integers_size
    block = task.chunk_slabs * P * P
    gamma_columns = layer.columns + (features + P - 1) // P * block
    beta_columns = gamma_columns + (features + P - 1) // P * block if layer.gamma >= 0 else gamma_columns
    columns = pointer_like(task.workspace, params)
    jump = task.widest * P
    for n in range(count if layer.learns and layer.gamma >= 0 else 0):
        x, d, dx = kept + n * (features + 1) * P, dA + n * jump, room + n * jump
        for i in range(0, features * P, lanes(params)):
            store(load(x + i) * load(d + i), dx + i)
    if layer.learns and task.partials != 0:
        # a sum over the samples is a product with the panel's row of ones
        ones = _panel(params, task_at, l, place, layer.panel) + features * P
        sums = pointer_like(task.partials, params) + first // task.share_slabs * task.n_params
        full = _full_slabs(params, task_at, first, count)
        if layer.gamma >= 0:
            call(task.contraction, (ones, (features + 1) * P, room, jump, 1, features, count, full, sums + layer.gamma))
        if layer.beta >= 0:
            call(task.contraction, (ones, (features + 1) * P, dA, jump, 1, features, count, full, sums + layer.beta))
    elif layer.learns:
        for n in range(count):
            samples, at = min(P, task.stop - task.start - (first + n) * P), (place + n) * P * P
            if layer.gamma >= 0:
                call(task.scatter_columns, (room + n * jump, features, columns + (gamma_columns + at), block, samples,
                                            offsets))
            if layer.beta >= 0:
                call(task.scatter_columns, (dA + n * jump, features, columns + (beta_columns + at), block, samples,
                                            offsets))
    for n in range(count):
        x, d = kept + n * (features + 1) * P, dA + n * jump
        for s in range(0, P, lanes(params)):
            total, product = splat(0.0, params), splat(0.0, params)
            for f in range(features):
                i = f * P + s
                change = load(d + i)
                if layer.gamma >= 0:
                    change = change * params[layer.gamma + f]
                    store(change, d + i)
                total = total + change
                product = product + change * load(x + i)
            mean, along, rate = total / features, product / features, load(x + (features * P + s))
            for f in range(features):
                i = f * P + s
                store(rate * (load(d + i) - mean - along * load(x + i)), d + i)


TRANSFORMS = {
    "activation": (copy, None),
    "dropout": (dropout, dropout_backward),
    "gaussian_noise": (gaussian_noise, None),
    "layer_normalization": (layer_normalization, layer_normalization_backward),
}
"""Name -> forward part, and backward part or None."""

RANDOM = "dropout", "gaussian_noise"
"""Those that draw random numbers, and do nothing outside training."""
