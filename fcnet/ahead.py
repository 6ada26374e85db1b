"""Compiling ahead, and clearing what was compiled."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from functools import partial

import numpy as np

from . import checks
from .kernels import _cache, _jit, inference, peak, steps


def clear_cache() -> int:
    """Delete the compiled kernels of all versions of fcnet from the disk.

    They are compiled again when they are needed; what this process has loaded it keeps.

    Returns
    -------
    int
        How many bytes that were.

    Raises
    ------
    OSError
        If a file can't be deleted.
    """
    return _cache.clear()


def _kernels(dtype: str) -> Iterable[tuple[str, Callable[[], object]]]:
    """Name and compilation of everything that models of this dtype can use."""
    for part in _jit.declared_parts:
        yield part.__name__, partial(_jit.part_address, part, dtype)
    vector, rows = np.zeros(1, dtype), np.zeros((1, 1), dtype)
    for kernel, arguments in (
        (steps.run, (0, 0, 0)),
        (steps.run_shared, (0, 0, 0)),
        (inference.predict_rows, (0, vector, rows, rows)),
        (peak.clock, ()),
        (peak.multiply_adds, (vector, 0)),
    ):
        yield kernel.__name__, partial(_jit.compile_for, kernel, arguments)


def warm_up(dtypes: Iterable[str] = checks.DTYPES, progress: bool = True) -> int:
    """Compile, or load from the cache, every kernel that a model can use; functions of the user are not among them.

    Parameters
    ----------
    dtypes : iterable of str, default=("float32", "float64")
        Of the models.
    progress : bool, default=True
        Show a bar.

    Returns
    -------
    int
        How many kernels there are.

    Raises
    ------
    ValueError
        If a dtype is neither float32 nor float64.
    RuntimeError
        If the kernels can't be kept for other processes.
    """
    from tqdm.auto import tqdm

    _jit.Notice.told = True  # the bar says it
    kernels = [kernel for dtype in dtypes for kernel in _kernels(checks.dtype(dtype).name)]
    hidden = not progress or sys.stderr is None
    with tqdm(kernels, unit="kernel", desc="Compiling", disable=hidden, dynamic_ncols=True) as bar:
        for name, compile_kernel in bar:
            bar.set_postfix_str(name, refresh=False)
            compile_kernel()
    problem = _cache.problem()
    if problem is not None:
        raise RuntimeError(f"the compiled kernels can't be kept: {problem}; set FCNET_CACHE_DIR to another folder")
    return len(kernels)
