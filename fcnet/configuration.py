"""What fcnet runs on: versions, threads, processor, cache."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import numba
import numpy as np

from . import _runtime
from ._version import __version__
from .kernels import _cache, simd


def configuration() -> dict[str, str]:
    """What `show_config` prints, line by line."""
    threads, why = _runtime.count_threads()
    if _runtime.layer() is None and not _runtime.alone():
        numba.get_num_threads()  # which starts one
    bits = 8 * simd.REGISTER_BYTES
    return {
        "fcnet": __version__,
        "Python": f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        "NumPy": np.__version__,
        "Numba": f"{numba.__version__}, LLVM {'.'.join(map(str, llvm.llvm_version_info))}",
        "threads": f"{threads} ({why})",
        "threading layer": _runtime.layer() or "none: this process must not start one",
        "processor": f"{llvm.get_host_cpu_name()}, {os.cpu_count()} of them, vectors of {bits} bits",
        "kernel cache": _cached(_cache.folder()),
    }


def _cached(folder: Path | None) -> str:
    if folder is None:
        return "none: kernels are compiled in every process"
    sizes = _cache.sizes(folder)
    return f"{folder}, {len(sizes)} files, {sum(sizes) / 1e6:.1f} MB"


def show_config(print_fn: Callable[[str], Any] = print) -> None:
    """Print versions, number of threads and what says so, Numba's threading layer, processor and kernel cache.

    Parameters
    ----------
    print_fn : callable, default=print
        Called once, with all the text.
    """
    found = configuration()
    width = max(map(len, found))
    print_fn("\n".join(f"{name:{width}}  {value}" for name, value in found.items()))
