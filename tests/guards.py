"""Memory in which a kernel that reads or writes outside its arrays is found out.

`Guarded` lays every array in a larger buffer filled with a NaN of its own bit pattern: a write outside
changes the pattern, a read outside most likely makes a NaN appear in the result.  `Fenced` lays every array
against pages that may not be touched at all, so that a single foreign byte, even one that is only read,
ends the process: for subprocesses.  `Zones` does for the arrays that fcnet itself makes what `Guarded` does for those
of a test, and finds writes to memory that was freed.
"""

import ctypes
import mmap
import sys
import types
import weakref

import numpy as np
import pytest

from fcnet import data, engine, layout, training

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


class Zones:
    """While it is entered, every array that fcnet makes for its kernels lies between zones with a pattern.

    After every run of the kernels the zones must be as they were, and so must memory that nobody holds any more: it is
    filled with the pattern and kept.  The pattern is NaN as a number and -1 as an index, so what is read there shows in
    the result.  What NumPy leaves uninitialised begins with it.
    """

    MARGIN = 4096
    PATTERN = 0xFF
    KEPT = 64 << 20  # bytes of freed memory to look after

    def __init__(self):
        self.blocks = {}  # (memory, start and stop of the array in it, line of fcnet that asked for it)
        self.freed = []
        self.checks = 0

    def take(self, size, text, fill=PATTERN):
        """So many bytes."""
        memory = bytearray([self.PATTERN]) * (size + 2 * self.MARGIN + 64)
        whole = np.frombuffer(memory, np.uint8)  # the owner of every view: its end is the array's
        start = self.MARGIN + -(whole.ctypes.data + self.MARGIN) % 64
        whole[start:start + size] = fill
        key = id(memory)
        self.blocks[key] = memory, start, start + size, text
        weakref.finalize(whole, self._free, key).atexit = False
        return whole[start:start + size]

    def _free(self, key):
        if key in self.blocks:
            memory, *_, text = self.blocks.pop(key)
            np.frombuffer(memory, np.uint8)[:] = self.PATTERN
            self.freed.append((memory, text))
            while sum(len(memory) for memory, _ in self.freed) > self.KEPT:
                self.freed.pop(0)

    def check(self):
        self.checks += 1
        for memory, start, stop, text in self.blocks.values():
            outside = np.frombuffer(memory, np.uint8) != self.PATTERN
            outside[start:stop] = False
            assert not outside.any(), f"written {int(outside.argmax()) - start} bytes from the start of {text}"
        for memory, text in self.freed:
            assert np.all(np.frombuffer(memory, np.uint8) == self.PATTERN), f"written to freed memory of {text}"

    def _array(self, make):
        """The same function of NumPy's, whose result lies between zones."""
        def laid_out(*arguments, **options):
            given = make(*arguments, **options)
            if given.dtype.hasobject:
                return given
            own = self.take(given.nbytes, _place()).view(given.dtype).reshape(given.shape)
            if make is not np.empty:
                own[...] = given
            return own
        return laid_out

    def _checked(self, run):
        def checked(*arguments):
            found = run(*arguments)
            self.check()
            return found
        return checked

    def __enter__(self):
        self.patches = pytest.MonkeyPatch()
        put = self.patches.setattr
        made = {name: self._array(getattr(np, name)) for name in ("zeros", "empty", "array", "repeat", "concatenate")}
        for module in (engine, training, data):
            put(module, "np", types.SimpleNamespace(**{**vars(np), **made}))
        put(layout, "zeros", lambda size, dtype: self.take(size * dtype.itemsize, _place(), 0).view(dtype))
        for module, *names in ((engine.steps, "run", "run_shared"), (engine.inference, "predict_rows")):
            spies = {name: self._checked(getattr(module, name)) for name in names}
            put(engine, module.__name__.rpartition(".")[2], types.SimpleNamespace(**{**vars(module), **spies}))
        return self

    def __exit__(self, *exc_info):
        self.patches.undo()


def _place():
    """The line of fcnet that asks for memory."""
    frame = sys._getframe(2)
    return f"{frame.f_code.co_filename.rpartition('/')[2]}:{frame.f_lineno}"
