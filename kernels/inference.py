"""Prediction for a few rows: one sample at a time, lanes over the outputs.

A slab (see `matmul`) has one sample a lane, so one sample costs as much as P of them.  Here the lanes of a vector
are neighbouring outputs of the same sample, and W (I, O), row-major, is read in place along its rows:

    z = 0;  for k < I:  z[:] += x[k] * W[k, :];  z[:] += b

That is the order of the slabs' sums too, so one row has the same bits as the same row among many
(`tests/test_inference.py`).  Activations are the compiled parts that slabs use.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from ._jit import COUNT, NUMBERS, helper, part, serial_kernel
from .elementary import exp
from .matmul import slab_width
from .simd import (
    _I64,
    REGISTER_BYTES,
    Vector,
    _fma,
    _load,
    _splat,
    _store,
    _vector_ir,
    call,
    data,
    flush_subnormals,
    fma,
    lanes,
    load,
    load_upto,
    pointer_like,
    record_at,
    restore_subnormals,
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
)] + [("parameter", np.float64)])
"""One layer, (n, inputs) to (n, outputs)."""

PLAN = np.dtype([(field, np.int64) for field in (
    "steps", "n_steps",
    "now", "next",  # room for the rows of a layer, each padded to a multiple of P
)])
"""All addresses that a call of `predict_rows` needs."""

BLOCK = 8
"""Vectors of z that stay in registers while k runs: a multiply-add takes 4 cycles and two can start in each, so 8."""
NEAR = (24 << 10) // REGISTER_BYTES
LEAST = 8
"""Wide layers, and several samples, take W by bundles of rows: of NEAR vectors, which stay in the L1 cache for all
blocks and samples, but at least LEAST rows.  Down whole columns of blocks each row of W would be on another page,
and each sample would fetch W anew (1024 x 4 in float32: 0.92 ms for one row and 7.6 ms for 8; by bundles 0.71 and 2.5).
"""

_plan = record_at("PLAN", PLAN)
_steps = record_at("STEP", STEP)


@intrinsic
def row_sums(typingctx, vectors, x, K, W, row_length, z):
    """z[:vectors] += sum over k < K of x[k] * W[k * row_length:][:vectors], in whole vectors.

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
    given = [_load(builder, builder.gep(z, [offset]), vector) for offset in offsets]
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
                             *zip(sums, given, following, strict=True)]:
        phi.add_incoming(first, before)
        phi.add_incoming(step, body)

    builder.position_at_end(finish)
    for offset, value in zip(offsets, sums, strict=True):
        _store(builder, value, builder.gep(z, [offset]), vector)


@helper
def rows_product(x, x_length, n, inputs, W, rows, outputs, z, z_length):
    """z (n, outputs) = [x, 1] [W; b]; a row of z has room for whole vectors, and anything behind its outputs."""
    step = lanes(x)
    for c in range(0, n * z_length, step):
        store(0.0, z + c)
    depth = rows if n == 1 and outputs <= BLOCK * step else max(LEAST, NEAR * step // outputs)
    for first in range(0, rows, depth):
        last = min(first + depth, rows)
        for o in range(0, outputs, BLOCK * step):
            vectors = min(BLOCK, (outputs - o + step - 1) // step)
            # the last vector may reach into the next row of W, but not past the last row
            inside = (rows * outputs - o - vectors * step) // outputs + 1
            whole = max(first, min(last, inputs, inside))
            for r in range(n):
                x_r, z_r = x + r * x_length, z + r * z_length
                row_sums(vectors, x_r + first, whole - first, W + (first * outputs + o), outputs, z_r + o)
                for k in range(whole, last):
                    number = x_r[k] if k < inputs else 1.0
                    for c in range(o, o + vectors * step, step):
                        store(fma(number, load_upto(W + (k * outputs + c), outputs - c), load(z_r + c)), z_r + c)


@part(NUMBERS, COUNT)
def softmax_row(z, outputs):
    """`activations.softmax` of one sample, along memory; the same sums in the same order."""
    highest = z[0]
    for o in range(1, outputs):
        highest = z[o] if z[o] > highest else highest
    for o in range(0, outputs, lanes(z)):
        store(exp(load(z + o) - highest), z + o)
    scale = z[0]
    for o in range(1, outputs):
        scale += z[o]
    for o in range(0, outputs, lanes(z)):
        store(load(z + o) / scale, z + o)


ACROSS = {"softmax": softmax_row}
"""Activations that look at all outputs of a sample together: their part takes (z, outputs) of one row."""


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
    plan = _plan(address)
    steps = _steps(plan.steps)
    n = X.shape[0]
    x = data(X)
    P, step = slab_width(x), lanes(x)
    zero = splat(0.0, x)
    for c in range(0, X.size, step):
        zero = fma(0.0, load_upto(x + c, X.size - c), zero)  # NaN if there is a NaN or an infinity
    if total(zero) != 0.0:
        return False
    floats = flush_subnormals()
    x_length = X.shape[1]
    now, following = pointer_like(plan.now, x), pointer_like(plan.next, x)
    for l in range(plan.n_steps):
        layer = steps[l]
        length = (layer.outputs + P - 1) // P * P
        rows_product(x, x_length, n, layer.inputs, data(params) + layer.weights, layer.rows, layer.outputs, now, length)
        if layer.across:
            for r in range(n):
                call(layer.activation, (now + r * length, layer.outputs))
        elif layer.activation != 0:
            call(layer.activation, (now, now, n * length // P, layer.parameter))
        x, x_length = now, length
        now, following = following, now
    outputs = out.shape[1]
    for r in range(n):
        for c in range(0, outputs, step):
            store_upto(load(x + (r * x_length + c)), data(out) + (r * outputs + c), outputs - c)
    restore_subnormals(floats)
    return True
