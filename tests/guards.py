"""Memory in which a kernel that reads or writes outside its arrays is found out.

`Guarded` lays every array in a larger buffer filled with a NaN of its own bit pattern: a write outside
changes the pattern, a read outside most likely makes a NaN appear in the result.  `Fenced` lays every array
against pages that may not be touched at all, so that a single foreign byte, even one that is only read,
ends the process: for subprocesses.
"""

import ctypes
import mmap

import numpy as np

MARGIN = 133  # elements; odd, so that no array is aligned to a vector, and wider than any block
PATTERN = {4: 0x7FC5A5A5, 8: 0x7FF85A5A5A5A5A5A}  # as a float NaN, as an index far too large


class Guarded:
    def __init__(self):
        self.kept = []  # (buffer, first element, values or None for an output)

    def _view(self, shape, dtype):
        dtype = np.dtype(dtype)
        size = int(np.prod(shape))
        buffer = np.full(size + 2 * MARGIN, PATTERN[dtype.itemsize], f"u{dtype.itemsize}")
        return buffer, buffer[MARGIN:MARGIN + size].view(dtype).reshape(shape)

    def put(self, values):
        """A copy of `values` that must not change."""
        buffer, view = self._view(values.shape, values.dtype)
        view[...] = values
        self.kept.append((buffer, view.size, buffer.copy()))
        return view

    def out(self, shape, dtype, values=None):
        """Room for a result: NaN, or the `values` that are updated in place."""
        buffer, view = self._view(shape, dtype)
        if values is not None:
            view[...] = values
        self.kept.append((buffer, view.size, None))
        return view

    def check(self):
        for buffer, size, before in self.kept:
            pattern = PATTERN[buffer.itemsize]
            assert np.all(buffer[:MARGIN] == pattern), "written before the start of an array"
            assert np.all(buffer[MARGIN + size:] == pattern), "written behind the end of an array"
            if before is not None:
                assert np.array_equal(buffer, before), "an input was changed"
        self.kept.clear()


class Fenced:
    """The same interface; POSIX only."""

    def __init__(self, at_end):
        self.at_end = at_end  # the array ends (True) or starts (False) at a forbidden page
        self.mprotect = ctypes.CDLL(None, use_errno=True).mprotect
        self.mprotect.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int

    def out(self, shape, dtype, values=None):
        dtype = np.dtype(dtype)
        size, page = int(np.prod(shape)), mmap.PAGESIZE
        room = -(-size * dtype.itemsize // page) * page
        memory = mmap.mmap(-1, room + 2 * page)
        pages = np.frombuffer(memory, np.uint8)
        for fence in (pages.ctypes.data, pages.ctypes.data + page + room):
            if self.mprotect(fence, page, 0):
                raise OSError(ctypes.get_errno(), "mprotect failed")
        start = page + (room - size * dtype.itemsize if self.at_end else 0)
        view = np.frombuffer(memory, dtype, size, start).reshape(shape)
        if values is not None:
            view[...] = values
        return view

    def put(self, values):
        return self.out(values.shape, values.dtype, values)

    def check(self):
        pass
