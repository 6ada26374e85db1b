"""dW contracted over the lanes: the compiled part against the plain sum, for every block, in guarded memory."""


import numpy as np
import pytest
from fcnet.kernels import _jit, contraction
from fcnet.kernels.simd import NV, REGISTER_BYTES
from guards import Guarded
from reference import Layer
from tables import assert_within, eps, problem

from fcnet import engine, optimizers, planning

SIZES = [(rows, outputs) for rows in (*range(1, contraction.ROWS + 2), 11) for outputs in (1, 2, 3, 4, 5, 9)]


def lane_gradient(*values):
    """The part for the dtype of the arrays among `values`."""
    given = [value.ctypes.data if isinstance(value, np.ndarray) else value for value in values]
    _jit.part_function(contraction.lane_gradient, values[0].dtype)(*given)


@pytest.mark.isa
@pytest.mark.parametrize("slabs, full", [(1, 0), (1, 1), (2, 1), (5, 5), (8, 7)])
def test_every_block(slabs, full, dtype, rng):
    """Also: nothing is read of the second vector of a slab that has one, and nothing written around dW."""
    lanes = REGISTER_BYTES // np.dtype(dtype).itemsize
    for rows, outputs in SIZES:
        memory = Guarded()
        A, dZ = (rng.standard_normal((slabs, height, NV, lanes)).astype(dtype) for height in (rows + 2, outputs + 1))
        A[full:, :, 1:] = dZ[full:, :, 1:] = np.nan
        dW = memory.out((rows, outputs), dtype)
        lane_gradient(memory.put(A), A[0].size, memory.put(dZ), dZ[0].size, rows, outputs, slabs, full, dW)
        memory.check()
        A, dZ = A[:, :rows].astype(np.float64), dZ[:, :outputs].astype(np.float64)
        bound = 4 * eps(dtype) * np.nansum(np.abs(A)[:, :, None] * np.abs(dZ)[:, None], axis=(0, 3, 4))
        assert_within(dW, np.nansum(A[:, :, None] * dZ[:, None], axis=(0, 3, 4)), bound, f"dW {rows} x {outputs}")


def test_where_it_is_used(dtype):
    """The groups of slabs follow from the sizes; the gradient is that of the tiles over the whole batch."""
    def summed(*widths):
        return engine.Engine(3, [Layer(width, "tanh") for width in widths], dtype).planner.summed_slabs

    slab = engine.Engine(3, [Layer(1)], dtype).slab
    narrow, wide = summed(slab // NV, 1), summed(slab // NV + 1, 1)
    half = planning.PARTIAL_SLABS
    whole = 2 * half
    slabs = 1, whole - 1, whole, 2 * whole - 1, 2 * whole, 1000
    assert [*map(narrow, slabs)] == [1, whole - 1, half, whole, whole, whole]
    assert [*map(wide, slabs)] == [0, 0, half, whole, whole, whole]
    assert [summed(90, 90)(slabs) for slabs in (1, 1000)] == [0, 0]  # too many weights


def test_gradient_is_that_of_the_tiles(dtype, monkeypatch):
    layers, loss = [Layer(7, "tanh"), Layer(5, "relu", False), Layer(3, "softmax")], "categorical_crossentropy"
    for samples in (3, 50, 700):
        params, X, Y = problem(np.random.default_rng(samples), 7, layers, loss, samples, dtype)
        found = []
        for limit in (planning.PARTIAL_PARAMS, 0):
            with monkeypatch.context() as patch:
                patch.setattr(planning, "PARTIAL_PARAMS", limit)
                made = engine.Engine(7, layers, dtype)
                found.append(made.loss_and_gradient(params, X, Y, loss))
        summed = made.planner.summed_slabs(-(-samples // made.slab))  # by the number of lanes: 50 may be too few
        (loss_value, gradient), (tiled_loss, tiled) = found
        assert loss_value == tiled_loss
        assert_within(gradient, tiled, 20 * eps(dtype) * np.abs(tiled).max(), f"{samples} samples")
        assert not np.array_equal(gradient, tiled) or samples < 50 or not summed
        assert summed or samples < 700


def test_full_batch_held_in_slabs(dtype, monkeypatch):
    """Copied from step to step it gives the bits of gathering it anew, and another call sees new numbers in X."""
    layers, loss = [Layer(2, "tanh"), Layer(2, "linear")], "mean_squared_error"  # narrow for vectors of any width
    monkeypatch.setattr(planning.Planner, "by_rows", lambda self, rows: False)
    for samples in (5, 700):
        params, X, Y = problem(np.random.default_rng(samples), 3, layers, loss, samples, dtype)
        results = []
        for limit in (1 << 20, 0):
            monkeypatch.setattr(planning, "HELD_BYTES", limit)
            made, optimizer, trained, rows = engine.Engine(3, layers, dtype), optimizers.Adam(), params.copy(), X.copy()
            optimizer.build(made.n_params, dtype)
            sums = np.zeros((6, 1))
            for first, last in ((0, 1), (1, 4), (4, 6)):
                made.train(trained, optimizer, rows, Y, None, samples, first, last, loss, (), sums)
                rows *= 2
            results.append((made._present.held.size > 1, sums, trained))
        assert [held for held, *_ in results] == [True, False]
        for found, expected in zip(results[0][1:], results[1][1:], strict=True):
            np.testing.assert_array_equal(found, expected)
