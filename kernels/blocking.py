"""How a large product is cut, so that what it reads again is still in a cache: strips of weights, tiles of dW.

::

    Z  = [W; b]^T A_prev      strips of outputs: their weights, packed or in place, go along all slabs
    dA = W dZ                 strips of inputs: their weights, in place
    dW = A_prev dZ^T          tiles of MR rows and TILE_COLUMNS * P columns, over all slabs

A strip or a tile is one call, or a few, of `matmul.product`.  How the parts are handed over, by address as in the
network or by name as in the kernels for plain arrays, makes no difference: see `simd.call`.
"""

from __future__ import annotations

from ._jit import COUNT, NUMBERS, either, helper, part
from .matmul import PANELS, slab_width, turns
from .simd import MR, NV, REGISTER_BYTES, call, lanes, load_upto, store_upto

PACKED_STRIP = 8 * MR
"""Outputs whose weights are packed together, while the panels stay in the L2 cache: whole cache lines of a row of W."""
STRIP = 4 * MR
"""Rows of a result whose weights stay there while the panels go by, or a multiple: see `strip_rows`."""
STRIP_VECTORS = (576 << 10) // REGISTER_BYTES
"""Vectors of weights that do: 144 rows of 1,024 numbers in float32 with AVX-512."""
NEAR = (768 << 10) // REGISTER_BYTES
"""Vectors that stay in an L2 cache of 1 MB or more while something else goes through it; with 512 KB half as many gain
nothing."""
FAR_STATE = (2 << 20) // REGISTER_BYTES
"""Vectors of parameters and optimizer's state beyond which both are asked for before a tile of dW: of less, which an L2
cache of 1 MB all but keeps, it costs up to 3 %."""
FAR_WEIGHTS = (8 << 20) // REGISTER_BYTES
"""Vectors of both beyond which batches of few rows ask for the weights that they come to next; of less, which an L3
cache keeps, it gains nothing."""
FORWARD_BLOCK, BACKWARD_BLOCK = 512, 1024
"""About how many values of k a strip is high, where the panels don't: packed, and in place along rows of W."""
ROW_VECTORS, OWN_ROW_VECTORS = 512 // REGISTER_BYTES, 832 // REGISTER_BYTES
"""Vectors of a row of W that several slabs read in place in any case, where several threads have written W and where
one has: see `read_in_place`."""
SHARED_LINES = 256
"""Bytes: rows of W a multiple of that apart share few sets of the L1 cache."""
SHARED_SLABS, SHARED_ROWS = 8, 256
"""For so many slabs such rows are copied even if they are short, if there are so many of them; without AVX-512."""
AHEAD = 8
"""Rows of W between the one in use and the one prefetched, where weights are read in place."""
PACKED_AHEAD = 16
"""The same where they are packed."""
TILE_COLUMNS = 4 // PANELS
"""Columns of dZ, P wide, that a tile of dW takes from one block of A."""
TILE_GROUP = 2
"""Tiles side by side whose dZ stays in the L2 cache while blocks of A go along them; by inputs, all are."""


# ------------------------------------------------------------------------------------------------
# Sizes
# ------------------------------------------------------------------------------------------------

@either
def packs(slabs, K, outputs, lanes, threads):
    """Whether the weights of a strip are copied, to lie in the order in which the product of some slabs reads them."""
    # Of many slabs the panels don't stay in the L2 cache.
    in_place = slabs * K * NV <= NEAR and read_in_place(outputs, lanes, threads)
    again = slabs >= SHARED_SLABS and K >= SHARED_ROWS and shares_lines(outputs, lanes)
    return slabs >= 2 and outputs >= STRIP and (again or not in_place)


@either
def read_in_place(outputs, lanes, threads):
    """Whether several slabs read rows of W of so many outputs as they lie there.

    Of long rows, a few numbers of each come from as many pages.  With AVX-512 they are all copied: its product has half
    as many instructions to hide a late load behind.  Without it those are whose length is a multiple of SHARED_LINES,
    since their lines share few sets of the caches.
    """
    short = outputs <= (ROW_VECTORS if threads > 1 else OWN_ROW_VECTORS) * lanes
    return short or (REGISTER_BYTES < 64 and not shares_lines(outputs, lanes))


@either
def shares_lines(outputs, lanes):
    """Whether rows of so many numbers do, without AVX-512."""
    return REGISTER_BYTES < 64 and outputs % (SHARED_LINES // REGISTER_BYTES * lanes) == 0


@either
def near(slabs, K, width):
    """Whether the panels that go with a strip stay in the L2 cache, or it has one block that each passes by once."""
    return slabs * K * NV <= NEAR or width <= MR


@either
def block_size(K, about):
    """K cut into equal blocks."""
    return -(-K // max(1, (K + about // 2) // about))


@either
def strip_rows(lanes, K):
    """Rows of K weights that stay in the L2 cache."""
    return max(STRIP, STRIP_VECTORS * lanes // max(K, 1) // STRIP * STRIP)


@either
def count_tiles(rows, outputs, P):
    """Number of tiles of a [dW; db]."""
    return (rows + MR - 1) // MR * ((outputs + TILE_COLUMNS * P - 1) // (TILE_COLUMNS * P))


@either
def tile_place(t, layer_rows, outputs, P, side_by_side):
    """First row and column of tile t, and how many of them it has.

    The tiles go down the rows, so many of them side by side: their dZ stays in cache, as does the block of A.
    """
    width = TILE_COLUMNS * P
    blocks, across = (layer_rows + MR - 1) // MR, (outputs + width - 1) // width
    group = t // (blocks * side_by_side)
    in_group = min(side_by_side, across - group * side_by_side)
    t -= group * blocks * side_by_side
    i, o = t // in_group * MR, (group * side_by_side + t % in_group) * width
    return i, o, min(MR, layer_rows - i), min(width, outputs - o)


@either
def full_slabs(first, count, samples, lanes):
    """How many of some slabs need every vector: all, but for the last one of all if one vector holds its samples."""
    return count - 1 if samples - (first + count - 1) * NV * lanes <= lanes else count


# ------------------------------------------------------------------------------------------------
# Products
# ------------------------------------------------------------------------------------------------

@part(NUMBERS, *[COUNT] * 5, NUMBERS, COUNT, COUNT, NUMBERS, *[COUNT] * 6)
def strip_product(a, a_block, a_k, a_row, ahead, width, B, b_jump, K, C, c_jump, count, full, is_near, accumulate,
                  product):
    """C [+]= a B for a strip of `width` rows of `a`, and all slabs; of those from `full` on, one vector.

    While the panels of B are near, each block of `a` goes along all of them.  Otherwise (16 slabs of 1024 features
    come from L3) each two panels go down the strip, which is read from L2, and are themselves read once a strip; on
    the way the next two are asked for, each by half of the blocks.
    """
    P = slab_width(a)
    at_once = count if is_near else 2
    share = ((width + MR - 1) // MR + 1) // 2
    portion = (K * P + share - 1) // share
    for n in range(0, count, at_once):
        here = min(at_once, count - n)
        B_n, C_n = B + n * b_jump, C + n * c_jump
        pace = portion // max(1, turns(MR, K, 2)) + 1 if n + at_once < count else 0
        for i in range(0, width, MR):
            coming = B_n + ((2 + i // MR // share) * b_jump + i // MR % share * portion)
            call(product, (a + i * a_block, a_row, a_k, 0, ahead, 0, coming, pace, B_n, b_jump, K, 1, C_n + i * P, P,
                           c_jump, min(MR, width - i), NV if n + here <= full else 1, here, accumulate))


@helper
def packed_product(product, strip_product, pack_rows, packed, W, outputs, rows, block, strip, width, A_prev, a_jump,
                   C, c_jump, count, full, is_near, pack, accumulate):
    """C [+]= A_prev W for `width` outputs from `strip` on, and all slabs; W (rows, outputs), in blocks of its rows.

    A_prev and C are the panels of the first slab, the others' a_jump and c_jump behind; C is that of the strip.
    """
    P = slab_width(W)
    for k in range(0, rows, max(block, 1)):
        K = min(block, rows - k)
        # in place, ask for the row AHEAD further down: they may be a page apart
        a, a_block, a_k, ahead = W + (k * outputs + strip), 1, outputs, AHEAD * outputs
        if pack:
            call(pack_rows, (a, outputs, K, width, outputs - strip, packed))
            a, a_block, a_k, ahead = packed, K + 1, MR, PACKED_AHEAD * MR
        call(strip_product, (a, a_block, a_k, 1, ahead, width, A_prev + k * P, a_jump, K, C, c_jump, count, full,
                             int(is_near), 1 if k > 0 else accumulate, product))


@helper
def transposed_product(product, strip_product, W, outputs, block, width, dZ, dZ_jump, dA, dA_jump, count, full,
                       is_near):
    """dA = dZ W^T for `width` inputs, W (width, outputs) in blocks of outputs, and all slabs."""
    P = slab_width(W)
    for k in range(0, max(outputs, 1), max(block, 1)):
        call(strip_product, (W + k, outputs, 1, outputs, 0, width, dZ + k * P, dZ_jump, min(block, outputs - k), dA,
                             dA_jump, count, full, int(is_near), min(k, 1), product))


@helper
def tile_product(product, A, height, rows, dZ, jump, o, width, samples, tile, tile_row, accumulate):
    """tile [+]= A^T dZ over all slabs of so many `samples`, whose panels A are of `height` rows.

    dZ is the column that the tile begins with, the next one `jump` behind; `o` counts the outputs before it.  Of a
    slab with one vector of samples or less, it reads as many as there are.
    """
    P = slab_width(A)
    slabs = (samples + P - 1) // P
    full = full_slabs(0, slabs, samples, lanes(A))
    copies = (width + P - 1) // P
    vectors = NV if width > copies * P - lanes(A) else 1
    # of each slab, the rows of the next block follow those of this one: ask for them, MR numbers a sample; or, where
    # they come from far away, each of the tiles side by side for a part of them
    asked = turns(MR, P, TILE_COLUMNS)
    pace = MR * P // (TILE_GROUP * asked) if slabs * height * NV > 2 * NEAR else 0
    coming = A + (MR * P + o // (TILE_COLUMNS * P) % TILE_GROUP * asked * pace)
    if full > 0:
        call(product, (A, P, 1, height * P, MR * P, MR - 1, coming, pace, dZ, jump, P, full, tile, tile_row, P, rows,
                       vectors, copies, accumulate))
    if full < slabs:
        call(product, (A + full * height * P, P, 1, 0, MR * P, MR - 1, coming, 0, dZ + full * P * P, jump,
                       samples - full * P, 1, tile, tile_row, P, rows, vectors, copies, 1 if full > 0 else accumulate))


@helper
def copy_rows(source, source_row, target, target_row, rows, columns):
    """So many of them, of matrices whose rows are source_row and target_row apart."""
    for r in range(rows):
        for c in range(0, columns, lanes(source)):
            n = columns - c
            store_upto(load_upto(source + (r * source_row + c), n), target + (r * target_row + c), n)
