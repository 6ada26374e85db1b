"""Sparse samples in the form that the kernels read."""

from __future__ import annotations

from typing import Any

import numpy as np


class SparseRows:
    """Rows of a CSR matrix, in place of an array (n, I).

    Parameters
    ----------
    values : (k,) array of float32 or float64
    columns : (k,) intp array
        The feature of each value.
    starts : (n + 1,) intp array
        Row r has the values from starts[r] up to starts[r + 1].
    features : int
        I.

    Attributes
    ----------
    table : (3,) intp array
        Addresses of the three arrays: what a kernel is given for X.
    """

    def __init__(self, values: np.ndarray, columns: np.ndarray, starts: np.ndarray, features: int) -> None:
        self.values, self.columns, self.starts = values, columns, starts
        self.shape = len(starts) - 1, features
        self.dtype = values.dtype
        self.table = np.array([array.__array_interface__["data"][0] for array in (values, columns, starts)], np.intp)

    @classmethod
    def of(cls, matrix: Any, dtype: Any) -> SparseRows:
        """The rows of a matrix or array of SciPy's, any of its formats; values of this dtype."""
        rows = matrix.tocsr()
        return cls(
            np.ascontiguousarray(rows.data, dtype),
            np.ascontiguousarray(rows.indices, np.intp),
            np.ascontiguousarray(rows.indptr, np.intp),
            int(rows.shape[1]),
        )

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, part: slice) -> SparseRows:
        """Rows one after the other; values and columns are shared."""
        first, last, step = part.indices(len(self))
        if step != 1:
            raise ValueError(f"rows must follow each other, got a step of {step}")
        return SparseRows(self.values, self.columns, self.starts[first : max(first, last) + 1], self.shape[1])

    def __repr__(self) -> str:
        return f"SparseRows({self.shape[0]} x {self.shape[1]}, {len(self.values)} values of {self.dtype})"
