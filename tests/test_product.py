"""The matrix product's part by itself: every shape of its block, in small integers, which no order of sums rounds."""

from itertools import product as combinations

import numpy as np
import pytest
from fcnet.kernels import _jit, matmul
from fcnet.kernels.simd import MR, NV, REGISTER_BYTES


@pytest.mark.isa
@pytest.mark.parametrize("rows_contiguous", [True, False])
def test_every_block(rows_contiguous, dtype, rng):
    """One panel, pairs of them, an odd one, and a pair with one vector in the second, also while other numbers are on
    their way to the cache; what is not asked for stays."""
    lanes = REGISTER_BYTES // np.dtype(dtype).itemsize
    P = NV * lanes
    c_row = P + 1
    function = _jit.part_function(matmul.product, dtype)
    panels = [(1, 1), (1, NV), (2, NV), (3, NV), (2, 1), (3, 1), (4, 1)]  # and vectors of the last one
    for m, K, repeats, (copies, vectors), add, pace in combinations(range(1, MR + 1), (1, 4, 7), (1, 3), panels, (0, 1),
                                                                    (0, MR)):
        a = rng.integers(-3, 4, (repeats, K, MR) if rows_contiguous else (MR, repeats, K)).astype(dtype)
        B = rng.integers(-3, 4, (copies, repeats * K, P)).astype(dtype)
        C = rng.integers(-3, 4, (copies, MR, c_row)).astype(dtype)
        strides = (1, MR, K * MR) if rows_contiguous else (repeats * K, 1, K)
        matrix = (a.reshape(repeats * K, MR).T if rows_contiguous else a.reshape(MR, repeats * K))[:m]
        expected = C.copy()
        for n in range(copies):
            width = lanes * (vectors if n == copies - 1 else NV)
            expected[n, :m, :width] = add * C[n, :m, :width] + matrix @ B[n, :, :width]
        function(a.ctypes.data, *strides, 0, 0, a.ctypes.data, pace, B.ctypes.data, repeats * K * P, K, repeats,
                 C.ctypes.data, c_row, MR * c_row, m, vectors, copies, add)
        np.testing.assert_array_equal(C, expected, err_msg=f"{m, K, repeats, copies, vectors, add, pace}")
