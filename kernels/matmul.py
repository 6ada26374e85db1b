"""The matrix product: one microkernel for all three uses, and the transposes between its operands' layouts.

A slab holds P = NV vectors of samples, feature-major: a panel (features, P), every lane one sample.  The
microkernel keeps a block of m <= BLOCK_ROWS rows and P lanes of the result in registers:

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

from functools import partial

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from ._jit import COUNT, INTEGERS, NUMBERS, helper, inline, part
from .simd import (
    _I64,
    BLOCK_ROWS,
    MR,
    NV,
    REGISTER_BYTES,
    TO_L2,
    Vector,
    _constant,
    _fma,
    _lane_numbers,
    _load,
    _masked_load,
    _opaque,
    _prefetch,
    _splat,
    _store,
    _store_first,
    _vector_ir,
    lanes,
    load_upto,
    prefetch,
    prefetch_far,
    store,
)

FEW = 2
"""Up to so many features are gathered one by one: a transpose costs as much as 32 single moves."""
B_AHEAD = 16
"""Rows of B between those in use and those asked for.  A panel of B comes from the L2 cache, faster than the
processor's own prefetcher brings it: 4 % of a step of 784-512-512-10, 6 % of 1024 x 4."""
PACK_AHEAD = 4
"""Rows of W between the one that is packed and the one asked for."""
PANELS = 2 if REGISTER_BYTES == 64 else 1
"""Panels that a quick block goes along at once: two where their vectors, sums and a weight have registers enough."""
QUICK_ROWS = BLOCK_ROWS // PANELS
"""Rows of a quick block, so that it has as many sums as any."""
UNROLL = 4
"""Values of k that the loop of such a block takes a turn."""


@inline
def slab_width(p):
    """P: samples of a slab, and columns of a tile of dW, for the dtype that `p` points to."""
    return NV * lanes(p)


# ------------------------------------------------------------------------------------------------
# The microkernel
# ------------------------------------------------------------------------------------------------

@intrinsic
def block_product(typingctx, m, vectors, a, a_row, a_k, a_jump, ahead, ahead_k, B, K, repeats, C, c_row, accumulate):
    """C (m, P) = [C if `accumulate`] + sum over r < repeats, k < K of a[i*a_row + k*a_k + r*a_jump] * B[(r*K + k), :].

    Rows of C are c_row apart; only the first `vectors` of their NV vectors are computed.  One loop is emitted for 1
    and for NV of them and for every m from 1 to BLOCK_ROWS, so that nothing is computed in vain; a switch picks it.
    Rows of B are prefetched, and at each k the number `ahead` + k * (`ahead_k` + a_k) further on in `a`: what the next
    call will read from far away.
    """
    vector = Vector(a.dtype)

    def codegen(context, builder, sig, args):
        m, vectors, a, a_row, a_k, a_jump, ahead, ahead_k, B, K, repeats, C, c_row, accumulate = args
        blocks = {count * BLOCK_ROWS + rows: _Block(builder, vector, rows, count, [(B, C)], prefetches=(ahead, ahead_k))
                  for count in (1, NV) for rows in range(1, BLOCK_ROWS + 1)}
        chosen = builder.add(m, builder.mul(vectors, ir.Constant(_I64, BLOCK_ROWS)))
        _switch(builder, chosen, {number: partial(block.emit, a, a_row, a_k, a_jump, K, repeats, c_row, accumulate)
                                  for number, block in blocks.items()})
        return context.get_dummy_value()

    index = types.intp
    kinds = index, index, a, index, index, index, index, index, B, index, index, C, index, types.boolean
    return types.void(*kinds), codegen


@intrinsic
def quick_product(typingctx, vectors, a, a_row, a_k, a_jump, coming, pace, B, b_jump, K, repeats, C, c_row, c_jump,
                  accumulate):
    """The `block_product` of QUICK_ROWS rows and PANELS panels, b_jump and c_jump apart; a_row or a_k is 1.

    Its loop takes several k a turn.  `vectors` is PANELS * NV, or with two panels NV + 1, which leaves out the second's
    last vector.  Two panels are as many sums as BLOCK_ROWS rows of one, for 10 loads a k in place of 14.  Where
    all vectors are there, what stands at `coming` is asked for into the L2 cache, `pace` numbers further on every
    UNROLL k (if that is not 0), and from coming + a_jump on in the next repeat.
    """
    vector = Vector(a.dtype)

    def codegen(context, builder, sig, args):
        vectors, a, a_row, a_k, a_jump, coming, pace, B, b_jump, K, repeats, C, c_row, c_jump, accumulate = args
        zero, two = ir.Constant(_I64, 0), ir.Constant(_I64, 2)
        panels = [(B, C), (builder.gep(B, [b_jump]), builder.gep(C, [c_jump]))][:PANELS]
        whole = PANELS * NV
        shapes = [(whole, False), (whole, True), *[(NV + 1, False)] * (PANELS > 1)]
        blocks = {4 * count + 2 * by_rows + asks: _Block(builder, vector, QUICK_ROWS, count, panels, UNROLL, by_rows,
                                                         coming=(coming, pace) if asks else None)
                  for count, asks in shapes for by_rows in (False, True)}
        chosen = vectors
        for yes in (builder.icmp_signed("==", a_row, ir.Constant(_I64, 1)), builder.icmp_signed("!=", pace, zero)):
            chosen = builder.add(builder.mul(chosen, two), builder.zext(yes, _I64))
        _switch(builder, chosen, {number: partial(block.emit, a, a_row, a_k, a_jump, K, repeats, c_row, accumulate)
                                  for number, block in blocks.items()})
        return context.get_dummy_value()

    index = types.intp
    kinds = index, a, index, index, index, a, index, B, index, index, index, C, index, index, types.boolean
    return types.void(*kinds), codegen


def _switch(builder, number, emitters):
    """Emit every case behind its number; no number, nothing done."""
    function = builder.function
    done = function.append_basic_block("product.done")
    switch = builder.switch(number, done)
    for case, emit in emitters.items():
        start = function.append_basic_block("product.case")
        switch.add_case(ir.Constant(_I64, case), start)
        builder.position_at_end(start)
        emit()
        builder.branch(done)
    builder.position_at_end(done)


def _at(builder, p, *offsets):
    """The address some numbers and values behind `p`."""
    for offset in offsets:
        p = builder.gep(p, [offset if isinstance(offset, ir.Value) else ir.Constant(_I64, offset)])
    return p


class _Block:
    """Code for one shape of the block: `rows` rows of `vectors` vectors, as many from each of the `panels` (B, C).

    With `unroll` > 1 the loop takes so many k a turn and needs few additions for their addresses; then the numbers of
    a row of `a`, or with `rows_contiguous` the rows of a k, must lie side by side.  Rows of B are b_row apart, or P.
    """

    def __init__(self, builder, vector, rows, vectors, panels, unroll=1, rows_contiguous=False, prefetches=None,
                 b_row=None, coming=None):
        self.builder, self.vector, self.rows, self.unroll = builder, vector, rows, unroll
        self.rows_contiguous, self.prefetches, self.coming = rows_contiguous, prefetches, coming
        self.panels, self.b_row = panels, b_row or ir.Constant(_I64, NV * vector.lanes)
        # a vector's panel, and its place in the panel's row
        of_one = -(-vectors // len(panels))
        self.lanes = [(v // of_one, v % of_one * vector.lanes) for v in range(vectors)]

    def emit(self, a, a_row, a_k, a_jump, K, repeats, c_row, accumulate):
        """From the first k to the sums in C."""
        builder = self.builder
        places = {(i, j): _at(builder, self.panels[panel][1], builder.mul(c_row, ir.Constant(_I64, i)), lane)
                  for i in range(self.rows) for j, (panel, lane) in enumerate(self.lanes)}
        self.sums = {index: cgutils.alloca_once(builder, _vector_ir(self.vector)) for index in places}
        with builder.if_else(accumulate) as (then, otherwise):
            with then:
                for index, place in places.items():
                    builder.store(_load(builder, place, self.vector), self.sums[index])
            with otherwise:
                for total in self.sums.values():
                    builder.store(_constant(_vector_ir(self.vector), 0.0), total)
        # Four rows (or four k) share a base: base + {0, 1, 2, 3} * stride.  Bases and multiples are hidden from LLVM.
        # Left to itself it reaches each row by adding a_row to the one before, a chain as long as the loop's
        # arithmetic, or keeps one register a row, and spills them as soon as there is anything else in the loop (1.6
        # times the time).
        self.a_k, stride = a_k, a_k if self.rows_contiguous else a_row
        self.multiples = [ir.Constant(_I64, 0), stride,
                          *(_opaque(builder, builder.mul(stride, ir.Constant(_I64, i))) for i in (2, 3))]
        self.B = [cgutils.alloca_once_value(builder, B) for B, _ in self.panels]
        first = cgutils.alloca_once_value(builder, a)
        if self.coming:
            asked = cgutils.alloca_once_value(builder, self.coming[0])
        with cgutils.for_range(builder, repeats):
            bases = [builder.load(first)]
            while not self.rows_contiguous and 4 * len(bases) < self.rows:
                bases.append(_at(builder, bases[-1], builder.mul(a_row, ir.Constant(_I64, 4))))
            self.bases = [cgutils.alloca_once_value(builder, base) for base in bases]
            if self.prefetches:
                self.distance = cgutils.alloca_once_value(builder, self.prefetches[0])
            if self.coming:
                self.asked = cgutils.alloca_once_value(builder, builder.load(asked))
                builder.store(_at(builder, builder.load(asked), a_jump), asked)
            if self.unroll > 1:
                left = _opaque(builder, builder.and_(K, ir.Constant(_I64, self.unroll - 1)))
                self._loop(left, 1)
                self._loop(builder.sdiv(K, ir.Constant(_I64, self.unroll)), self.unroll)
            else:
                self._loop(K, 1)
            builder.store(_at(builder, builder.load(first), a_jump), first)
        for index, place in places.items():
            _store(builder, builder.load(self.sums[index]), place, self.vector)

    def _loop(self, turns, steps):
        """`steps` values of k a turn."""
        builder = self.builder
        ahead, *b_rows = (builder.mul(self.b_row, ir.Constant(_I64, n)) for n in (B_AHEAD, *range(steps + 1)))
        with cgutils.for_range(builder, turns):
            bases = [_opaque(builder, builder.load(base)) for base in self.bases]
            B = [builder.load(panel) for panel in self.B]
            if self.prefetches:
                distance = builder.load(self.distance)
                _prefetch(builder, _at(builder, bases[0], distance))
                builder.store(builder.add(distance, self.prefetches[1]), self.distance)
                for panel, lane in self.lanes:
                    _prefetch(builder, _at(builder, B[panel], ahead, lane))
            if self.coming and steps > 1:
                place = builder.load(self.asked)
                _prefetch(builder, place, TO_L2)
                builder.store(_at(builder, place, self.coming[1]), self.asked)
            for k in range(steps):
                b = [_load(builder, _at(builder, B[panel], b_rows[k], lane), self.vector)
                     for panel, lane in self.lanes]
                for i in range(self.rows):
                    if self.rows_contiguous:
                        address = _at(builder, bases[0], self.multiples[k], i)
                    else:
                        address = _at(builder, bases[i // 4], self.multiples[i % 4], k)
                    weight = _splat(builder, builder.load(address), _vector_ir(self.vector))
                    for j, lanes_of_b in enumerate(b):
                        total = self.sums[i, j]
                        builder.store(_fma(builder, weight, lanes_of_b, builder.load(total)), total)
            on = builder.mul(self.a_k, ir.Constant(_I64, steps)) if steps == 1 or self.rows_contiguous else steps
            for base, now in zip(self.bases, bases, strict=True):
                builder.store(_at(builder, now, on), base)
            for panel, now in zip(self.B, B, strict=True):
                builder.store(_at(builder, now, b_rows[steps]), panel)


@inline
def turns(m, K, panels):
    """Turns of the loops of `quick_product` for m rows and so many panels."""
    return m // QUICK_ROWS * (panels // PANELS) * (K // UNROLL)


@part(NUMBERS, *[COUNT] * 5, NUMBERS, COUNT, NUMBERS, *[COUNT] * 3, NUMBERS, *[COUNT] * 6)
def product(a, a_row, a_k, a_jump, ahead, ahead_k, coming, pace, B, b_jump, K, repeats, C, c_row, c_jump, m, vectors,
            copies, accumulate):
    """Blocks of m <= MR rows against `copies` panels: B and C move on by b_jump and c_jump, `a` stays in cache.

    Of the last panel `vectors` are computed, 1 or NV, of the others all.  Whole panels ask `turns` times for what is
    coming, a `pace` farther every time: see `quick_product`.
    """
    whole = copies if vectors == NV else copies - 1
    quick = whole // PANELS * PANELS
    if quick < whole < copies:  # a whole panel goes together with the one vector behind it
        quick = copies
    rows = m // QUICK_ROWS * QUICK_ROWS
    for n in range(0, quick, PANELS):
        here, step = (PANELS * NV, pace) if n + PANELS <= whole else (NV + 1, 0)
        for i in range(0, rows, QUICK_ROWS):
            quick_product(here, a + i * a_row, a_row, a_k, a_jump,
                          coming + (turns(m, K, n) + turns(i, K, PANELS)) * step, step, B + n * b_jump, b_jump, K,
                          repeats, C + (n * c_jump + i * c_row), c_row, c_jump, accumulate != 0)
    for n in range(copies):
        for i in range(rows if n < quick else 0, m, BLOCK_ROWS):
            block_product(min(BLOCK_ROWS, m - i), NV if n < whole else vectors, a + i * a_row, a_row, a_k, a_jump,
                          ahead, ahead_k, B + n * b_jump, K, repeats, C + (n * c_jump + i * c_row), c_row,
                          accumulate != 0)


@part(NUMBERS, *[COUNT] * 4, NUMBERS)
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


def _store_rows(builder, vector, rows, target, target_row, count, store_row):
    """The first `count` rows to target, each by `store_row`."""
    places = [builder.gep(target, [builder.mul(target_row, ir.Constant(_I64, r))]) for r in range(len(rows))]
    with builder.if_else(builder.icmp_signed(">=", count, ir.Constant(_I64, len(rows)))) as (all_of_them, fewer):
        with all_of_them:  # without the jump by a table, which took as long as the rest
            for row, place in zip(rows, places, strict=True):
                store_row(row, place)
        with fewer:  # the switch enters at the last row and falls through to the first
            function = builder.function
            done = function.append_basic_block("rows.done")
            blocks = [function.append_basic_block(f"rows.{r}") for r in range(len(rows) - 1)]
            switch = builder.switch(count, done)
            for r, block in enumerate(blocks):
                switch.add_case(ir.Constant(_I64, r + 1), block)
                builder.position_at_end(block)
                store_row(rows[r], places[r])
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
                _store_rows(builder, vector, columns_out, target_p, target_row_, rows_out_,
                            lambda row, place: _store(builder, row, place, vector))
            with otherwise:
                _store_rows(builder, vector, columns_out, target_p, target_row_, rows_out_,
                            lambda row, place: _store_first(builder, row, place, columns_out_, vector))
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


@part(NUMBERS, INTEGERS, COUNT, COUNT, COUNT, NUMBERS)
def gather_slab(X, row_offsets, features, samples, following, panel):
    """panel[f, s] = X[row_offsets[s] + f]: rows of samples become one slab, of as many vectors as `samples` need.

    On the way, the rows of the next slab are asked for into the L2 cache, as many as are `following`: where they stand
    is told behind the P offsets of this one.
    """
    P, step = slab_width(X), lanes(X)
    if features <= FEW:
        for f in range(features):
            for s in range((samples + step - 1) // step * step):
                panel[f * P + s] = X[row_offsets[s] + f]
        return
    for f in range(0, features, step):
        n = min(step, features - f)
        for j in range(0, samples, step):  # without AVX-512 all of them write to the same cache lines
            if f + 4 * step < features:
                # the rows stand anywhere: too many streams for the processor to foresee
                for s in range(j, j + step):
                    prefetch(X + (row_offsets[s] + f + 4 * step))
            for s in range(P + j, min(P + j + step, P + following)):
                prefetch_far(X + (row_offsets[s] + f))
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

