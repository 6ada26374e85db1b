"""Prediction for a few rows: one sample at a time, lanes over the outputs.

A slab (see `matmul`) has one sample a lane, so one sample costs as much as P of them.  Here the lanes of a vector
are neighbouring outputs of the same sample, and W (I, O), row-major, is read in place along its rows:

    z = 0;  for k < I:  z[:] += x[k] * W[k, :];  z[:] += b

That is the order of the slabs' sums too, so one row has the same bits as the same row among many
(`tests/test_inference.py`).  Activations are the compiled parts that slabs use.
"""

from __future__ import annotations

import numba
import numpy as np
from llvmlite import ir
from numba import carray, types
from numba.extending import intrinsic

from ._jit import helper, serial_kernel
from .matmul import slab_width
from .simd import (
    _I64,
    Vector,
    _constant,
    _fma,
    _load,
    _splat,
    _store,
    _vector_ir,
    address_of,
    call,
    data,
    fma,
    lanes,
    load,
    load_upto,
    pointer_like,
    splat,
    store,
    store_upto,
    total,
)

STEP = np.dtype([(field, np.int64) for field in (
    "inputs", "outputs",
    "rows",         # of [W; b]: inputs, and one for a bias
    "weights",      # offset of [W; b] in the flat vector
    "activation",   # address of the compiled part; 0 if there is nothing to do
    "across",       # whether the activation looks at all outputs of a sample together, as softmax does
)])
"""One layer, (n, inputs) to (n, outputs)."""

PLAN = np.dtype([(field, np.int64) for field in (
    "steps", "n_steps",
    "now", "next",  # room for the rows of a layer, each padded to a multiple of P
    "slab",         # room for one slab of the widest layer whose activation goes across
)])
"""All addresses that a call of `predict_rows` needs."""

BLOCK = 8
"""Vectors of z that stay in registers while k runs: a multiply-add takes 4 cycles and two can start in each, so 8."""

_plan = address_of(numba.from_dtype(PLAN))
_steps = address_of(numba.from_dtype(STEP))


@intrinsic
def row_sums(typingctx, vectors, x, K, W, row_length, z):
    """z[:vectors] = sum over k < K of x[k] * W[k * row_length:][:vectors], in whole vectors; 0 for K <= 0.

    One loop is emitted for every count of vectors from 1 to BLOCK; a switch picks it.
    """
    vector = Vector(x.dtype)

    def codegen(context, builder, sig, args):
        done = builder.function.append_basic_block("row.done")
        switch = builder.switch(args[0], done)
        for count in range(1, BLOCK + 1):
            start = builder.function.append_basic_block(f"row{count}")
            switch.add_case(ir.Constant(_I64, count), start)
            builder.position_at_end(start)
            _emit_row(builder, vector, count, *args[1:])
            builder.branch(done)
        builder.position_at_end(done)
        return context.get_dummy_value()

    index = types.intp
    return types.void(index, x, index, x, index, x), codegen


def _emit_row(builder, vector, count, x, K, W, row_length, z):
    kind = _vector_ir(vector)
    offsets = [ir.Constant(_I64, v * vector.lanes) for v in range(count)]
    head, body, finish = (builder.function.append_basic_block(f"row{count}.{name}")
                          for name in ("head", "body", "finish"))
    before = builder.block
    builder.branch(head)

    builder.position_at_end(head)
    k, w = builder.phi(_I64), builder.phi(W.type)
    sums = [builder.phi(kind) for _ in offsets]
    builder.cbranch(builder.icmp_signed("<", k, K), body, finish)

    builder.position_at_end(body)
    number = _splat(builder, builder.load(builder.gep(x, [k])), kind)
    following = [_fma(builder, number, _load(builder, builder.gep(w, [offset]), vector), value)
                 for offset, value in zip(offsets, sums, strict=True)]
    k_next, w_next = builder.add(k, ir.Constant(_I64, 1)), builder.gep(w, [row_length])
    builder.branch(head)

    for phi, first, step in [(k, ir.Constant(_I64, 0), k_next), (w, W, w_next),
                             *((s, _constant(kind, 0.0), f) for s, f in zip(sums, following, strict=True))]:
        phi.add_incoming(first, before)
        phi.add_incoming(step, body)

    builder.position_at_end(finish)
    for offset, value in zip(offsets, sums, strict=True):
        _store(builder, value, builder.gep(z, [offset]), vector)


@helper
def row_product(x, inputs, W, rows, outputs, z):
    """z (outputs,) = [x, 1] [W; b] for one sample; z has room for whole vectors, which are filled with anything."""
    step = lanes(x)
    for o in range(0, outputs, BLOCK * step):
        vectors = min(BLOCK, (outputs - o + step - 1) // step)
        # the last vector may reach into the next row of W, but not past the last row
        inside = (rows * outputs - o - vectors * step) // outputs + 1
        whole = max(0, min(inputs, inside))
        row_sums(vectors, x, whole, W + o, outputs, z + o)
        for k in range(whole, rows):
            number = x[k] if k < inputs else 1.0
            for c in range(o, o + vectors * step, step):
                store(fma(number, load_upto(W + (k * outputs + c), outputs - c), load(z + c)), z + c)


@helper
def activate_across(activation, z, row_length, n, outputs, slab):
    """An activation over the outputs of each row of z: through a slab that has row r in lane r."""
    P = slab_width(z)
    for o in range(outputs):
        for c in range(0, P, lanes(z)):
            store(splat(z[o], z), slab + (o * P + c))
        for r in range(1, n):
            slab[o * P + r] = z[r * row_length + o]
    call(activation, (slab, outputs))
    for r in range(n):
        for o in range(outputs):
            z[r * row_length + o] = slab[o * P + r]


@serial_kernel
def predict_rows(address, params, X, out):
    """out = the network's outputs for the rows of X.

    Parameters
    ----------
    address : int
        Address of a `PLAN`, whose room nobody else uses during the call.
    params : (n_params,) array
    X : (n, I) array
        n at most P, and what the plan has room for.
    out : (n, O) array
        Written.

    Returns
    -------
    bool
        Whether all of X is finite; nothing is computed otherwise.
    """
    plan = carray(_plan(address), 1)[0]
    steps = carray(_steps(plan.steps), plan.n_steps)
    n = X.shape[0]
    x = data(X)
    P, step = slab_width(x), lanes(x)
    zero = splat(0.0, x)
    for c in range(0, X.size, step):
        zero = fma(0.0, load_upto(x + c, X.size - c), zero)  # NaN if there is a NaN or an infinity
    if total(zero) != 0.0:
        return False
    x_length = X.shape[1]
    now, following = pointer_like(plan.now, x), pointer_like(plan.next, x)
    for l in range(plan.n_steps):
        layer = steps[l]
        length = (layer.outputs + P - 1) // P * P
        for r in range(n):
            row_product(x + r * x_length, layer.inputs, data(params) + layer.weights, layer.rows, layer.outputs,
                        now + r * length)
        if layer.across:
            activate_across(layer.activation, now, length, n, layer.outputs, pointer_like(plan.slab, x))
        elif layer.activation != 0:
            call(layer.activation, (now, n * length // P))
        x, x_length = now, length
        now, following = following, now
    outputs = out.shape[1]
    for r in range(n):
        for c in range(0, outputs, step):
            store_upto(load(x + (r * x_length + c)), data(out) + (r * outputs + c), outputs - c)
    return True
