"""How kernels are compiled: the njit options, the parts and the notice, each in one place.

Kinds of compiled function, and a reason for each:

``inline``
    A formula on vectors.  Always merged into its caller, never compiled or cached alone.
``either``
    The same of sizes, which Python calls as well.
``helper``
    A loop that is called from kernels and linked into them.
``public_kernel``
    A kernel for Python: arrays in, arrays out, cached on disk, compiled at its first call.  It may start threads.
``public_serial_kernel``
    The same on one thread.
``serial_kernel``
    For `fcnet.engine`, on one thread.
``parallel_kernel``
    For `fcnet.engine`, which sees to it that nobody else starts threads.

Network kernels are composed of another, the `part`: a helper compiled once per dtype and called by address.  LLVM
optimises a callee again inside every caller up the chain, so linking everything into the epoch made the cold start
several times as long; an indirect call costs a few nanoseconds.  It also means that an activation, a loss or an
optimizer that no network uses is never compiled.
"""

from __future__ import annotations

import ctypes
import functools
import inspect
import sys
import threading
import time
from collections.abc import Callable
from types import FunctionType
from typing import Any, NamedTuple

import numba
import numpy as np
from numba import types
from numba.core import event
from numba.core.compiler import CompilerBase
from numba.core.errors import NumbaError
from numba.extending import overload, register_jitable

from . import threads
from ._cache import KernelCache
from .arguments import ARRAYS, NEEDED, described

_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy"}

_UNWRAPPED: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, **_OPTIONS}
"""Never called from Python: no wrappers for that, which take a tenth of the compilation."""


def helper(function: Callable, **options: Any) -> Any:
    """Linked into kernels.

    A constant argument has the type of a variable: Numba would compile the function once for every constant.
    """
    dispatcher = numba.njit(**_UNWRAPPED, **options)(function)
    template = dispatcher.get_call_template
    dispatcher.get_call_template = lambda args, kws: template(tuple(map(types.unliteral, args)), kws)
    return dispatcher


def inline(function: Callable) -> Any:
    """Merged into kernels."""
    return helper(function, forceinline=True)


FORMULA_OPTIONS: dict[str, Any] = {"forceinline": True, **_UNWRAPPED}
"""Of what a formula of the user calls: see `formula`."""


def either(function: Callable) -> Any:
    """For Python as it is, and merged into kernels: a rule on sizes, which both must know."""
    return register_jitable(**FORMULA_OPTIONS)(function)


def inline_with(compiler: type[CompilerBase]) -> Any:
    """`inline` through another sequence of compiler passes."""
    return numba.njit(pipeline_class=compiler, **FORMULA_OPTIONS)


# ------------------------------------------------------------------------------------------------
# Compiling
# ------------------------------------------------------------------------------------------------

class Part(NamedTuple):
    """A `part` in this process."""

    address: int
    from_cache: bool


declared_parts: list[Any] = []
"""All that can be compiled ahead: see `part`."""
_parts: dict[tuple[Any, str], Part] = {}
_kernels: list[Any] = []
_lock = threading.RLock()
threads.compile_locks.insert(0, _lock)


share_small = False
"""Whether threads share the smallest arrays, too: for the tests."""


def public_kernel(worth: int) -> Callable[[Callable], Any]:
    """A kernel whose threads nobody else's come in the way of, with our options and our cache.

    Python threads take turns.  On one thread, and in compiled code, where no lock can be held, it is the serial
    kernel: so a loop of the user, parallel or not, may call it under any threading layer.  It is, too, if there are
    less than `worth` numbers in the first two arrays, which one thread is through with before another one has begun.
    """
    return lambda function: _public(function, _launch(function, worth))


def public_kernel_of(body: Callable, worth: int, *parts: Any) -> Callable[[Callable], Any]:
    """The same of a `body` that takes the number of threads and parts behind the arguments of the function.

    From Python the parts come by address, compiled once for all kernels: see `simd.call`.  The function, which calls
    `helper(body)` with the parts themselves, is for compiled code alone: linking them takes LLVM several times as long.
    """
    return lambda function: _public(function, _launch(body, worth, parts))


def _launch(function: Callable, worth: int, parts: tuple[Any, ...] = ()) -> Callable[..., Any]:
    """The kernel for Python; if it takes parts, the number of threads and their addresses are its last arguments."""
    parallel, serial = parallel_kernel(function), serial_kernel(_renamed(function, f"serial_{function.__name__}"))
    addresses: dict[Any, tuple[int, ...]] = {}

    def handed(array: Any) -> tuple[int, ...]:
        dtype = array.dtype if isinstance(array, np.ndarray) else None
        if dtype not in addresses:
            fits = dtype in (np.float32, np.float64)  # the kernel refuses others
            addresses[dtype] = tuple(part_address(part, dtype) if fits else 0 for part in parts)
        return addresses[dtype]

    def launch(*arguments: Any) -> Any:
        count = threads.get_num_threads()
        if count > 1 and not share_small and sum(getattr(array, "size", 0) for array in arguments[:2]) < worth:
            count = 1
        if parts:
            arguments += count, *handed(arguments[0])
        if count == 1:
            return serial(*arguments)
        with threads.launching(count):
            return parallel(*arguments)

    return launch


def public_serial_kernel(function: Callable) -> Any:
    """A kernel on one thread, for Python and for compiled code, with our options and our cache."""
    return _public(function, serial_kernel(function))


def _public(function: Callable, call: Callable) -> Any:
    """`call` from Python, where an error says what came; `function` in compiled code."""
    signature = inspect.signature(function)

    @functools.wraps(function)
    def kernel(*arguments: Any, **named: Any) -> Any:
        if named or len(arguments) != len(signature.parameters):
            arguments = signature.bind(*arguments, **named).args
        try:
            for value in arguments:
                if isinstance(value, np.ndarray) and not (type(value) in ARRAYS and value.dtype.isnative):
                    raise TypeError("Numba sees no mask, and, once it has seen the like, no order of bytes")
            return call(*arguments)
        except (NumbaError, TypeError, NotImplementedError, OverflowError):
            raise TypeError(f"{function.__name__} takes {NEEDED}; got {came(arguments)}") from None
        except ValueError as error:
            raise ValueError(f"{error}; got {came(arguments)}") from None

    def came(arguments: tuple[Any, ...]) -> str:
        named = zip(signature.parameters, arguments, strict=True)
        return ", ".join(f"{name} {described(value)}" for name, value in named)

    overload(kernel, jit_options=_OPTIONS, strict=False)(lambda *arguments, **named: function)
    return kernel


def _renamed(function: Callable, name: str) -> Callable:
    """A copy of the function, whose compiled code is found in the cache by this name."""
    copy = FunctionType(function.__code__, function.__globals__, name, function.__defaults__, function.__closure__)
    copy.__qualname__ = name
    copy.__module__ = function.__module__
    return copy


def parallel_kernel(function: Callable) -> Any:
    """``@njit(parallel=True)`` with our options and our cache."""
    return _cached(numba.njit(parallel=True, **_OPTIONS)(function))


def serial_kernel(function: Callable) -> Any:
    """``@njit`` with our options and our cache."""
    return _cached(numba.njit(**_OPTIONS)(function))


def _cached(dispatcher: Any) -> Any:
    dispatcher._cache = KernelCache(dispatcher.py_func)
    _kernels.append(dispatcher)
    return dispatcher


# Arguments of a part
NUMBERS = None
"""Pointer to numbers of the part's dtype."""
COUNT = types.intp
NUMBER = types.float64
INTEGERS = types.CPointer(types.intp)
FLOATS = types.CPointer(types.float64)


def part(*signature: Any, cached: bool = True) -> Callable[[Callable], Any]:
    """A `helper` that can also be called by address, from any kernel: see `part_address`.

    It returns nothing and raises nothing; `signature` names its arguments by the constants above.
    """
    def decorate(function: Callable) -> Any:
        dispatcher = helper(function)
        dispatcher.signature_of_part = signature
        if cached:
            dispatcher._cache = KernelCache(function)
            declared_parts.append(dispatcher)
        return dispatcher
    return decorate


def user_part(*signature: Any) -> Callable[[Callable], Any]:
    """A `part` around a function of the user.  It is not cached on disk: two of the same name and text may differ in
    what they refer to."""
    return part(*signature, cached=False)


def part_address(function: Any, dtype: Any) -> int:
    """Address of the `part` compiled for numbers of this dtype (float32 or float64), once in a process.

    There stands what Numba calls, without a wrapper for C, which would be a second call: see `simd.call`.
    """
    number = numba.from_dtype(np.dtype(dtype))
    key = function, str(number)
    with _lock:
        if key not in _parts:
            arguments = tuple(types.CPointer(number) if kind is NUMBERS else kind
                              for kind in function.signature_of_part)
            with Notice():
                function.compile(arguments)
            compiled_part = function.overloads[arguments]
            assert compiled_part.signature.return_type == types.none
            _parts[key] = Part(
                compiled_part.library.get_pointer_to_function(compiled_part.fndesc.llvm_func_name),
                function.stats.cache_hits[arguments] > 0)
        return _parts[key].address


_TYPES = {COUNT: ctypes.c_ssize_t, NUMBER: ctypes.c_double}


@functools.cache
def part_function(function: Any, dtype: Any) -> Callable[..., None]:
    """The same for Python: a function that takes addresses in place of pointers."""
    kinds = [_TYPES.get(kind, ctypes.c_void_p) for kind in function.signature_of_part]
    compiled_part = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, *kinds)(
        part_address(function, dtype))

    def call(*arguments: Any) -> None:
        returned = (ctypes.c_void_p * 2)()
        compiled_part(ctypes.byref(returned), ctypes.byref(returned, ctypes.sizeof(ctypes.c_void_p)), *arguments)
    return call


def compile_for(kernel: Any, arguments: tuple[Any, ...]) -> None:
    """Compile a kernel for arguments like these, or load it, without a call."""
    kernel.compile(tuple(numba.typeof(argument) for argument in arguments))


def compiled() -> dict[str, int]:
    """What this process compiled or loaded: name and signature -> 1 if it came from the cache, else 0."""
    found = {f"{part.py_func.__module__}.{part.py_func.__qualname__}({dtype})": int(compiled_part.from_cache)
             for (part, dtype), compiled_part in _parts.items()}
    for kernel in _kernels:
        hits = dict(kernel.stats.cache_hits)
        for signature in kernel.signatures:
            found[f"{kernel.py_func.__module__}.{kernel.__name__}{signature}"] = int(hits.get(signature, 0))
    return found


class Notice:
    """One line on stderr, once in a process, when compiling has taken longer than a second in all."""

    told = False
    patience = 1.0

    def __enter__(self) -> None:
        self.begin = time.perf_counter()
        self.timer = threading.Timer(max(Notice.patience, 0.0), self.tell)
        self.timer.daemon = True
        self.timer.start()

    def __exit__(self, *exc_info: object) -> None:
        self.timer.cancel()
        Notice.patience -= time.perf_counter() - self.begin

    @classmethod
    def tell(cls) -> None:
        if not cls.told:
            cls.told = True
            print("fcnet: compiling kernels for this processor; this happens once and takes some seconds ...",
                  file=sys.stderr, flush=True)


class _NoticeOfKernels(event.Listener):
    """Starts the notice when Numba compiles one of our kernels (cached ones are loaded, not compiled)."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []

    def on_start(self, event: Any) -> None:
        if event.data["dispatcher"] in _kernels:
            self.notices.append(Notice())
            self.notices[-1].__enter__()

    def on_end(self, event: Any) -> None:
        if event.data["dispatcher"] in _kernels and self.notices:
            self.notices.pop().__exit__()


event.register("numba:compile", _NoticeOfKernels())
