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

    def __getitem__(self, part: slice | np.ndarray) -> SparseRows:
        """Rows one after the other, whose values and columns are shared, or copies of rows by their numbers."""
        if isinstance(part, np.ndarray):
            return self._taken(part)
        first, last, step = part.indices(len(self))
        if step != 1:
            raise ValueError(f"rows must follow each other, got a step of {step}")
        return SparseRows(self.values, self.columns, self.starts[first : max(first, last) + 1], self.shape[1])

    def _taken(self, rows: np.ndarray) -> SparseRows:
        counts = np.diff(self.starts)[rows]
        starts = np.concatenate([[0], np.cumsum(counts)])
        at = np.arange(starts[-1]) + np.repeat(self.starts[rows] - starts[:-1], counts)
        return SparseRows(self.values[at], self.columns[at], starts, self.shape[1])

    def followed_by(self, other: SparseRows) -> SparseRows:
        """A copy of these rows and the others."""
        parts = [(rows, slice(rows.starts[0], rows.starts[-1])) for rows in (self, other)]
        values, columns = (
            np.concatenate([getattr(rows, name)[part] for rows, part in parts]) for name in ("values", "columns")
        )
        counts = np.concatenate([np.diff(self.starts), np.diff(other.starts)])
        return SparseRows(values, columns, np.concatenate([[0], np.cumsum(counts)]), self.shape[1])

    def __repr__(self) -> str:
        return f"SparseRows({self.shape[0]} x {self.shape[1]}, {len(self.values)} values of {self.dtype})"
