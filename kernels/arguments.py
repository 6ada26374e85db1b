"""What public kernels ask of their arguments.

Types are looked at when a kernel is compiled for them, and cost no call anything: `check_arrays` and `check_integers`.
They raise a TypeError, with which Numba stops; with a TypingError it would first go on, into what does not fit.
Sizes and values are compared at the head of a kernel, before anything is written, and raise a ValueError with a
constant message; where the kernel was called from Python, `_jit.public_kernel` adds what came.  Within a ``prange`` of
the user Numba loses the error: that call has then written nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import overload

ARRAYS = np.ndarray, np.memmap
"""Classes of arrays that kernels take."""
NEEDED = ("C-contiguous arrays of one dtype, float32 or float64, that can be written to where it writes, "
          "integer arrays as labels, and numbers (for activations the codes of kernels.ACTIVATIONS)")


def check_arrays(read, written):
    """A TypeError if these are no arrays as all kernels take them, or the latter are read-only."""


def check_integers(array):
    """A TypeError if it is not a C-contiguous array of integers."""


@overload(check_arrays)
def _check_arrays(read, written):
    arrays = *read, *written
    fit = all(isinstance(array, types.Array) and array.layout == "C" for array in arrays)
    if not fit or arrays[0].dtype not in (types.float32, types.float64) or len({array.dtype for array in arrays}) > 1:
        raise TypeError(f"a kernel takes {NEEDED}; got {', '.join(map(str, arrays))}")
    if not all(array.mutable for array in written):
        raise TypeError(f"a kernel can't write to read-only arrays; got {', '.join(map(str, written))}")
    return lambda read, written: None


@overload(check_integers)
def _check_integers(array):
    if not (isinstance(array, types.Array) and array.layout == "C" and isinstance(array.dtype, types.Integer)):
        raise TypeError(f"labels must be a C-contiguous array of integers, got {array}")
    return lambda array: None


def described(argument: Any) -> str:
    """What came, in a message."""
    if not (hasattr(argument, "dtype") and hasattr(argument, "flags")):
        text = repr(argument)
        return text if len(text) <= 40 else f"{text[:37]}..."
    own = isinstance(argument, np.ndarray) and type(argument) not in ARRAYS
    faults = [word for word, there in (("not C-contiguous", not argument.flags.c_contiguous),
                                       ("read-only", not argument.flags.writeable),
                                       (f"of class {type(argument).__name__}", own)) if there]
    return " ".join([str(argument.dtype), str(argument.shape), *faults])
