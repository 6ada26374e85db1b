"""The matrix product: one microkernel for all three uses, and the transposes between its operands' layouts.

A slab holds P = NV vectors of samples, feature-major: a panel (features, P), every lane one sample.  The
microkernel keeps a block of m <= MR rows and P lanes of the result in registers:

    C[i, s] = sum over k of a[i, k] * B[k, s]        i < m, s < P

`a` is read one number at a time and broadcast, at any stride; B is a contiguous panel, read as vectors.

===============  =====================  ==========================  ===================  ==================
use              C                      a                           B                    contraction
===============  =====================  ==========================  ===================  ==================
forward          Z (outputs, P)         W transposed                A_prev (inputs, P)   inputs
dA of the layer  dA (inputs, P)         W, in place                 dZ (outputs, P)      outputs
below
dW               tile (inputs, P)       A_prev (inputs, P), slab    dZ, sample-major     samples of a batch
                                        after slab                  columns (samples, P)
===============  =====================  ==========================  ===================  ==================

So weights are never repacked for small layers, and only dZ is ever transposed.  For few weights not even dZ is:
`contraction` has a product of its own for their dW.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from ._jit import COUNT, INTEGERS, NUMBERS, helper, inline, part
from .simd import (
    _I64,
    MR,
    NV,
    Vector,
    _constant,
    _fma,
    _lane_numbers,
    _load,
    _masked_load,
    _masked_store,
    _prefetch,
    _splat,
    _store,
    _vector_ir,
    lanes,
    load_upto,
    prefetch,
    store,
)

FEW = 2
"""Up to so many features are gathered one by one: a transpose costs as much as 32 single moves."""
B_AHEAD = 16
"""Rows of B between those in use and those asked for.  A panel of B comes from the L2 cache, faster than the
processor's own prefetcher brings it: 4 % of a step of 784-512-512-10, 6 % of 1024 x 4."""
PACK_AHEAD = 8
"""Rows of W between the one that is packed and the one asked for."""


@inline
def slab_width(p):
    """P: samples of a slab, and columns of a tile of dW, for the dtype that `p` points to."""
    return NV * lanes(p)


# ------------------------------------------------------------------------------------------------
# The microkernel
# ------------------------------------------------------------------------------------------------

@intrinsic
def block_product(typingctx, m, vectors, a, a_row, a_k, a_jump, ahead, ahead_k, B, K, repeats, C, accumulate):
    """C (m, P) = [C if `accumulate`] + sum over r < repeats, k < K of a[i*a_row + k*a_k + r*a_jump] * B[(r*K + k), :].

    Only the first `vectors` of the NV vectors of a row are computed.  One loop is emitted for 1 and for NV of them
    and for every m from 1 to MR, so that nothing is computed in vain; a switch picks it.  Rows of B are prefetched,
    and at each k the number `ahead` + k * (`ahead_k` + a_k) further on in `a`: what the next call will read from far
    away.
    """
    vector = Vector(a.dtype)

    def codegen(context, builder, sig, args):
        function = builder.function
        done = function.append_basic_block("product.done")
        switch = builder.switch(builder.add(args[0], builder.mul(args[1], ir.Constant(_I64, MR))), done)
        for count in (1, NV):
            for rows in range(1, MR + 1):
                start = function.append_basic_block(f"rows{rows}x{count}")
                switch.add_case(ir.Constant(_I64, count * MR + rows), start)
                builder.position_at_end(start)
                _emit_block(builder, vector, rows, count, *args[2:])
                builder.branch(done)
        builder.position_at_end(done)
        return context.get_dummy_value()

    index = types.intp
    return types.void(index, index, a, index, index, index, index, index, B, index, index, C, types.boolean), codegen


def _opaque(builder, value):
    """The same number, about which the optimizer knows nothing."""
    return builder.asm(ir.FunctionType(value.type, [value.type]), "", "=r,0", [value], side_effect=False)


def _emit_block(builder, vector, rows, vectors, a, a_row, a_k, a_jump, ahead, ahead_k, B, K, repeats, C,
                accumulate):
    width = NV * vector.lanes
    kind = _vector_ir(vector)
    function = builder.function

    def const(value):
        return ir.Constant(_I64, value)

    def c_address(i, j):
        return builder.gep(C, [const(i * width + j * vector.lanes)])

    sums = [(i, j) for i in range(rows) for j in range(vectors)]
    # Four rows share a base: base + {0, 1, 2, 3} * a_row.  Bases and multiples are hidden from LLVM.  Left to itself
    # it reaches each row by adding a_row to the one before, a chain as long as the loop's arithmetic, or keeps one
    # register a row, and spills them as soon as there is anything else in the loop (1.6 times the time).
    offsets = [None, a_row, *(_opaque(builder, builder.mul(a_row, const(i))) for i in (2, 3))]

    names = ("load", "outer", "inner", "inner.done", "store")
    loaded, outer, inner, inner_done, finish = (function.append_basic_block(f"rows{rows}.{name}") for name in names)

    zero_from = builder.block
    zero = _constant(kind, 0.0)
    builder.cbranch(accumulate, loaded, outer)
    builder.position_at_end(loaded)
    before = {(i, j): _load(builder, c_address(i, j), vector) for i, j in sums}
    builder.branch(outer)

    builder.position_at_end(outer)
    r = builder.phi(_I64)
    a_outer, b_outer = builder.phi(a.type), builder.phi(B.type)
    total_outer = {index: builder.phi(kind) for index in sums}
    bases_outer = [a_outer]
    for _ in range(1, (rows + 3) // 4):
        bases_outer.append(builder.gep(bases_outer[-1], [builder.mul(a_row, const(4))]))
    builder.branch(inner)

    builder.position_at_end(inner)
    k = builder.phi(_I64)
    b_now = builder.phi(B.type)
    base_phis = [builder.phi(a.type) for _ in bases_outer]
    total = {index: builder.phi(kind) for index in sums}
    distance = builder.phi(_I64)
    bases = [_opaque(builder, base) for base in base_phis]
    _prefetch(builder, builder.gep(bases[0], [distance]))
    for j in range(vectors):
        _prefetch(builder, builder.gep(b_now, [const(B_AHEAD * width + j * vector.lanes)]))
    b_lanes = [_load(builder, builder.gep(b_now, [const(j * vector.lanes)]), vector) for j in range(vectors)]
    following = {}
    for i in range(rows):
        base = bases[i // 4]
        address = base if i % 4 == 0 else builder.gep(base, [offsets[i % 4]])
        weight = _splat(builder, builder.load(address), kind)
        for j in range(vectors):
            following[i, j] = _fma(builder, weight, b_lanes[j], total[i, j])
    k_next = builder.add(k, const(1))
    distance_next = builder.add(distance, ahead_k)
    b_next = builder.gep(b_now, [const(width)])
    bases_next = [builder.gep(base, [a_k]) for base in bases]
    builder.cbranch(builder.icmp_signed("<", k_next, K), inner, inner_done)

    builder.position_at_end(inner_done)
    r_next = builder.add(r, const(1))
    a_next = builder.gep(a_outer, [a_jump])
    builder.cbranch(builder.icmp_signed("<", r_next, repeats), outer, finish)

    builder.position_at_end(finish)
    for index in sums:
        _store(builder, following[index], c_address(*index), vector)

    for phi, first, step in [(k, const(0), k_next), (b_now, b_outer, b_next), (distance, ahead, distance_next),
                             *zip(base_phis, bases_outer, bases_next, strict=True),
                             *((total[s], total_outer[s], following[s]) for s in sums)]:
        phi.add_incoming(first, outer)
        phi.add_incoming(step, inner)
    for phi, first, step in [(r, const(0), r_next), (a_outer, a, a_next), (b_outer, B, b_next)]:
        phi.add_incoming(first, zero_from)
        phi.add_incoming(first, loaded)
        phi.add_incoming(step, inner_done)
    for s in sums:
        total_outer[s].add_incoming(zero, zero_from)
        total_outer[s].add_incoming(before[s], loaded)
        total_outer[s].add_incoming(following[s], inner_done)


@part(NUMBERS, COUNT, COUNT, COUNT, COUNT, COUNT, NUMBERS, COUNT, COUNT, COUNT, NUMBERS, *[COUNT] * 5)
def product(a, a_row, a_k, a_jump, ahead, ahead_k, B, b_jump, K, repeats, C, c_jump, m, vectors, copies, accumulate):
    """Blocks of one row range against `copies` panels: B and C move on by b_jump and c_jump, `a` stays in cache."""
    for n in range(copies):
        block_product(m, vectors, a, a_row, a_k, a_jump, ahead, ahead_k, B + n * b_jump, K, repeats, C + n * c_jump,
                      accumulate != 0)


@helper
def pack_rows(a, a_k, K, m, end, packed):
    """`a` for the microkernel, contiguous: packed[i // MR][k, i % MR] = a[i + k*a_k], i < m.

    A block has K + 1 rows of MR numbers: whole vectors are stored, the last one into the spare row.  `end` is the
    number of elements that may be read of a row.  The rows may be pages apart, each a TLB miss and all in a few sets
    of the caches, so a row is visited once, and asked for some rows before.
    """
    for k in range(K):
        for i in range(0, m, MR):
            prefetch(a + ((k + PACK_AHEAD) * a_k + i))
            for c in range(0, MR, lanes(a)):
                store(load_upto(a + (k * a_k + i + c), end - i - c), packed + ((K + 1) * i + k * MR + c))


# ------------------------------------------------------------------------------------------------
# Transposes
# ------------------------------------------------------------------------------------------------

def _transposed(builder, rows):
    """The square of vectors `rows`, transposed: swap the off-diagonal halves of ever smaller squares."""
    size = len(rows)
    distance = size // 2
    while distance:
        for i in range(size):
            if i & distance:
                continue
            upper, lower = rows[i], rows[i + distance]
            left = [j if not j & distance else size + j - distance for j in range(size)]
            right = [j + distance if not j & distance else size + j for j in range(size)]
            pick = ir.VectorType(ir.IntType(32), size)
            rows[i] = builder.shuffle_vector(upper, lower, ir.Constant(pick, left))
            rows[i + distance] = builder.shuffle_vector(upper, lower, ir.Constant(pick, right))
        distance //= 2
    return rows


def _store_rows(builder, vector, rows, target, target_row, count, mask):
    """The first `count` rows to target: a switch enters at the last row and falls through to the first."""
    function = builder.function
    done = function.append_basic_block("rows.done")
    blocks = [function.append_basic_block(f"rows.{r}") for r in range(len(rows))]
    switch = builder.switch(count, done)
    for r, block in enumerate(blocks):
        switch.add_case(ir.Constant(_I64, r + 1), block)
        builder.position_at_end(block)
        address = builder.gep(target, [builder.mul(target_row, ir.Constant(_I64, r))])
        if mask is None:
            _store(builder, rows[r], address, vector)
        else:
            _masked_store(builder, rows[r], address, mask, vector)
        builder.branch(blocks[r - 1] if r else done)
    builder.position_at_end(done)


@intrinsic
def transpose_square(typingctx, source, offsets, columns, target, target_row, rows_out, columns_out):
    """target[c * target_row + r] = source[offsets[r] + c] for one register-wide square, in registers.

    Reads `columns` numbers from each of `lanes` rows and writes `columns_out` numbers of `rows_out` rows; each
    count is at most the lanes of a register.  For source rows that do not exist the caller's offsets repeat
    one that does.
    """
    vector = Vector(source.dtype)

    def codegen(context, builder, sig, args):
        source_p, offsets_p, columns_, target_p, target_row_, rows_out_, columns_out_ = args
        size = vector.lanes
        kind = _vector_ir(vector)
        addresses = []
        for r in range(size):
            offset = builder.load(builder.gep(offsets_p, [ir.Constant(_I64, r)]))
            addresses.append(builder.gep(source_p, [offset]))
        whole = builder.icmp_signed(">=", columns_, ir.Constant(_I64, size))
        with builder.if_else(whole) as (then, otherwise):
            with then:
                full = [_load(builder, address, vector) for address in addresses]
                then_block = builder.block
            with otherwise:
                mask = _lane_numbers(builder, columns_, vector)
                part = [_masked_load(builder, address, mask, vector) for address in addresses]
                otherwise_block = builder.block
        rows = []
        for r in range(size):
            phi = builder.phi(kind)
            phi.add_incoming(full[r], then_block)
            phi.add_incoming(part[r], otherwise_block)
            rows.append(phi)
        columns_out = _transposed(builder, rows)
        whole = builder.icmp_signed(">=", columns_out_, ir.Constant(_I64, size))
        with builder.if_else(whole) as (then, otherwise):
            with then:
                _store_rows(builder, vector, columns_out, target_p, target_row_, rows_out_, None)
            with otherwise:
                mask = _lane_numbers(builder, columns_out_, vector)
                _store_rows(builder, vector, columns_out, target_p, target_row_, rows_out_, mask)
        return context.get_dummy_value()

    index = types.intp
    return types.void(source, types.CPointer(types.intp), index, target, index, index, index), codegen


# ------------------------------------------------------------------------------------------------
# Between rows of samples and slabs
# ------------------------------------------------------------------------------------------------

@helper
def row_offsets(first, rows, row_length, p, offsets):
    """Where the samples of the slab from row `first` stand; lanes behind the last row repeat it."""
    for s in range(slab_width(p)):
        offsets[s] = min(first + s, rows - 1) * row_length


@part(NUMBERS, INTEGERS, COUNT, COUNT, NUMBERS)
def gather_slab(X, row_offsets, features, samples, panel):
    """panel[f, s] = X[row_offsets[s] + f]: rows of samples become one slab, of as many vectors as `samples` need."""
    P, step = slab_width(X), lanes(X)
    if features <= FEW:
        for f in range(features):
            for s in range((samples + step - 1) // step * step):
                panel[f * P + s] = X[row_offsets[s] + f]
        return
    for j in range(0, samples, step):
        for f in range(0, features, step):
            n = min(step, features - f)
            if f + 4 * step < features:
                # the rows stand anywhere: too many streams for the processor to foresee
                for s in range(j, j + step):
                    prefetch(X + (row_offsets[s] + f + 4 * step))
            transpose_square(X + f, row_offsets + j, n, panel + (f * P + j), P, n, step)


@part(NUMBERS, COUNT, NUMBERS, COUNT, COUNT, INTEGERS)
def scatter_slab(panel, features, rows, row_length, count, offsets):
    """rows[s, f] = panel[f, s] for the first `count` samples; `offsets` is scratch for one register's lanes."""
    P, step = slab_width(panel), lanes(panel)
    for f in range(0, features, step):
        n = min(step, features - f)
        for r in range(step):
            offsets[r] = (f + min(r, n - 1)) * P
        for j in range(0, count, step):
            transpose_square(panel + j, offsets, step, rows + (j * row_length + f), row_length,
                             min(step, count - j), n)


@part(NUMBERS, COUNT, NUMBERS, COUNT, COUNT, INTEGERS)
def scatter_columns(panel, features, columns, column_jump, samples, offsets):
    """dZ of a slab, sample-major in columns P wide: columns[c][s, f'] = panel[c * P + f', s], as `gather_slab`.

    The last vector is filled up with repeats of the last feature: their products land in columns of the tile that
    nobody reads.  What may lie behind it is left alone; it must be no subnormal numbers, which would be slow.
    """
    P, step = slab_width(panel), lanes(panel)
    for f in range(0, features, step):
        for r in range(step):
            offsets[r] = min(f + r, features - 1) * P
        column = columns + (f // P * column_jump + f % P)
        for j in range(0, samples, step):
            transpose_square(panel + j, offsets, step, column + j * P, P, step, step)

