"""dW of few weights: the contraction over the samples with one sample a lane.

    dW[i, o] = sum over s of A[i, s] * dZ[o, s]

`matmul` reads dZ sample-major for this, with one output a lane: of a layer with 4 outputs it fills 4 lanes of 16, and
every dZ has to be transposed.  Here both operands are the feature-major panels that forward and backward leave in the
cache, and every lane works: a block of ROWS x COLUMNS vectors of products stays in registers over the samples, and
at the end the lanes of each are added.  That costs as much as the products of eight vectors of samples or so, so
it pays where there are many samples, or layers so narrow that the other way wastes most of its lanes.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from ._jit import COUNT, NUMBERS, part
from .matmul import slab_width
from .simd import (
    _I32,
    _I64,
    NV,
    REGISTER_BYTES,
    Vector,
    _constant,
    _fma,
    _load,
    _store_first,
    _vector_ir,
)

ROWS = 4 if REGISTER_BYTES == 64 else 2
COLUMNS = 4
"""The block: 16 sums and 8 operands of 32 registers, or 8 and 6 of 16.  Its sums are one vector, or several."""


@part(NUMBERS, COUNT, NUMBERS, COUNT, COUNT, COUNT, COUNT, COUNT, NUMBERS)
def lane_gradient(A, a_jump, dZ, dz_jump, rows, outputs, slabs, full, dW):
    """dW (rows, outputs) = A (rows, P) dZ (outputs, P)^T over `slabs` slabs, a_jump and dz_jump apart.

    Slabs from `full` on have one vector of samples.  Each lane adds up the first vectors of the slabs in their order,
    then the second ones; the lanes are added in pairs, pairs of pairs and so on.
    """
    P = slab_width(A)
    for i in range(0, rows, ROWS):
        for o in range(0, outputs, COLUMNS):
            block_of_sums(min(ROWS, rows - i), min(COLUMNS, outputs - o), A + i * P, a_jump, dZ + o * P, dz_jump,
                          slabs, full, dW + (i * outputs + o), outputs)


@intrinsic
def block_of_sums(typingctx, m, n, A, a_jump, dZ, dz_jump, slabs, full, dW, dw_row):
    """dW[i * dw_row + o] = sum over slabs and lanes of A[i, s] dZ[o, s] for i < m <= ROWS and o < n <= COLUMNS.

    One loop is emitted for every m and n; a switch picks it.
    """
    vector = Vector(A.dtype)
    assert NV == 2

    def codegen(context, builder, sig, args):
        m_, n_, A_, a_jump_, dZ_, dz_jump_, slabs_, full_, dW_, dw_row_ = args
        function, kind = builder.function, _vector_ir(vector)
        steps = builder.add(slabs_, full_)
        done = function.append_basic_block("sums.done")
        switch = builder.switch(builder.add(builder.mul(m_, ir.Constant(_I64, COLUMNS)), n_), done)
        found = []
        for rows in range(1, ROWS + 1):
            for columns in range(1, COLUMNS + 1):
                start = function.append_basic_block(f"sums{rows}x{columns}")
                switch.add_case(ir.Constant(_I64, rows * COLUMNS + columns), start)
                builder.position_at_end(start)
                sums = _emit_sums(builder, vector, rows, columns, A_, a_jump_, dZ_, dz_jump_, slabs_, steps)
                found.append((sums, builder.block))
                builder.branch(done)
        builder.position_at_end(done)
        zero = _constant(kind, 0.0)
        totals = []
        for index in [(i, o) for i in range(ROWS) for o in range(COLUMNS)]:
            phi = builder.phi(kind)
            phi.add_incoming(zero, switch.parent)
            for sums, block in found:
                phi.add_incoming(sums.get(index, zero), block)
            totals.append(phi)
        _store_block(builder, vector, _lane_sums(builder, totals), m_, n_, dW_, dw_row_)
        return context.get_dummy_value()

    index = types.intp
    return types.void(index, index, A, index, dZ, index, index, index, dW, index), codegen


def _emit_sums(builder, vector, rows, columns, A, a_jump, dZ, dz_jump, slabs, steps):
    """The loop over the vectors of the samples: (i, o) -> vector of sums.  At least one step."""
    kind = _vector_ir(vector)
    before = builder.block
    loop, after = (builder.function.append_basic_block(name) for name in ("sums.loop", "sums.after"))
    builder.branch(loop)
    builder.position_at_end(loop)
    step, a_now, dz_now = builder.phi(_I64), builder.phi(A.type), builder.phi(dZ.type)
    total = {(i, o): builder.phi(kind) for i in range(rows) for o in range(columns)}

    def row(base, i):
        return _load(builder, builder.gep(base, [ir.Constant(_I64, i * NV * vector.lanes)]), vector)

    a, dz = [row(a_now, i) for i in range(rows)], [row(dz_now, o) for o in range(columns)]
    following = {(i, o): _fma(builder, a[i], dz[o], total[i, o]) for i, o in total}
    step_next = builder.add(step, ir.Constant(_I64, 1))
    second = builder.icmp_signed("==", step_next, slabs)  # now the second vectors of the slabs
    for phi, base, jump in (a_now, A, a_jump), (dz_now, dZ, dz_jump):
        phi.add_incoming(base, before)
        phi.add_incoming(builder.select(second, builder.gep(base, [ir.Constant(_I64, vector.lanes)]),
                                        builder.gep(phi, [jump])), loop)
    step.add_incoming(ir.Constant(_I64, 0), before)
    step.add_incoming(step_next, loop)
    for index, phi in total.items():
        phi.add_incoming(_constant(kind, 0.0), before)
        phi.add_incoming(following[index], loop)
    builder.cbranch(builder.icmp_signed("<", step_next, steps), loop, after)
    builder.position_at_end(after)
    return following


def _lane_sums(builder, vectors):
    """The sum of the lanes of every vector: vectors with the first sum in lane 0, the second in lane 1 and so on.

    Two vectors become one of half sums, again and again; after each turn a sum takes half as many lanes.
    """
    size = vectors[0].type.count
    pick = ir.VectorType(_I32, size)
    parts = size
    while parts > 1:
        half = parts // 2
        low = [group + lane for group in range(0, 2 * size, parts) for lane in range(half)]
        high = [lane + half for lane in low]
        vectors = [builder.fadd(builder.shuffle_vector(x, y, ir.Constant(pick, low)),
                                builder.shuffle_vector(x, y, ir.Constant(pick, high)))
                   for x, y in zip(vectors[::2], vectors[1::2], strict=True)]
        parts = half
    return vectors


def _store_block(builder, vector, sums, m, n, target, target_row):
    """The first m rows and n columns of the ROWS x COLUMNS numbers in the lanes of `sums`."""
    pick = ir.VectorType(_I32, COLUMNS)
    row = Vector(vector.dtype, COLUMNS)
    for i in range(ROWS):
        first, lane = divmod(i * COLUMNS, vector.lanes)
        second = sums[min(first + 1, len(sums) - 1)]
        values = builder.shuffle_vector(sums[first], second, ir.Constant(pick, [lane + o for o in range(COLUMNS)]))
        count = builder.select(builder.icmp_signed("<", ir.Constant(_I64, i), m), n, ir.Constant(_I64, 0))
        place = builder.gep(target, [builder.mul(target_row, ir.Constant(_I64, i))])
        _store_first(builder, values, place, count, row)
