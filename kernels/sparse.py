"""Sparse samples: rows of a matrix in compressed form (CSR) to slabs, without a dense matrix.

Row r has its values at ``values[starts[r] : starts[r + 1]]``, and their features at the same places of ``columns``.
Places that are named twice are added up.
"""

from __future__ import annotations

from numba import types

from ._jit import COUNT, INTEGERS, NUMBERS, part
from .matmul import slab_width
from .simd import address_of, as_integers, lanes, pointer_like, splat, store

VALUES, COLUMNS, STARTS = range(3)
"""Places in the table of addresses that stands for X."""

_integers = address_of(types.intp)


@part(NUMBERS, INTEGERS, COUNT, COUNT, COUNT, NUMBERS)
def gather_sparse(X, row_offsets, features, samples, following, panel):
    """`matmul.gather_slab` for a table of addresses X, of the values, the columns and the starts of rows.

    The rows of the next slab are not asked for.
    """
    P, step = slab_width(panel), lanes(panel)
    table = as_integers(X)
    values, columns, starts = pointer_like(table[VALUES], panel), _integers(table[COLUMNS]), _integers(table[STARTS])
    gathered = (samples + step - 1) // step * step
    for f in range(features):
        for s in range(0, gathered, step):
            store(splat(0.0, panel), panel + (f * P + s))
    for s in range(gathered):
        row = row_offsets[s] // features
        for k in range(starts[row], starts[row + 1]):
            place = columns[k] * P + s
            panel[place] = panel[place] + values[k]
