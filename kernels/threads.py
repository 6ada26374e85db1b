"""Threads: how many, and who may start them.

The GIL protects nothing here: a kernel releases it.  Two Python threads that enter parallel regions at the same
time abort the process under Numba's ``workqueue`` layer, and a forked child that enters one is killed under GNU
OpenMP.  So whoever starts threads is alone (`launching`), a fork waits until nobody computes or compiles
(`held_over_fork`), and the child of a process that has started threads computes on one.

A worker process has siblings that want processors too: it computes on one thread unless it asks for more.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import functools
import math
import multiprocessing
import os
import sys
import threading
import weakref
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import numba
from numba.core.compiler_lock import global_compiler_lock

launch_lock = threading.RLock()
_chosen: int | None = None
_in_context: ContextVar[int | None] = ContextVar("n_threads", default=None)
_asked = _forked = _alone = False


# ------------------------------------------------------------------------------------------------
# How many
# ------------------------------------------------------------------------------------------------

def checked(n: Any) -> int:
    """A number of threads; a TypeError or ValueError if it is none."""
    if isinstance(n, bool) or not hasattr(n, "__index__"):
        raise TypeError(f"n must be an integer or None, got {n!r}")
    if n < 1:
        raise ValueError(f"n must be at least 1, got {n}")
    return int(n)


def set_num_threads(n: int | None) -> None:
    """Set on how many threads this process computes.

    Parameters
    ----------
    n : int or None
        At least 1.  None restores the default: 1 in a worker process; elsewhere what Numba uses
        (``NUMBA_NUM_THREADS``, or the processors of the machine), at most the processors that this process may run
        on, and at most the container's CPU quota.  Results have the same bits for every n.

    Raises
    ------
    TypeError, ValueError
        If n is not an integer, or below 1.
    """
    global _chosen
    _chosen = None if n is None else checked(n)


@contextlib.contextmanager
def num_threads(n: int | None) -> Iterator[None]:
    """So many threads inside a ``with`` block.

    It takes precedence over `set_num_threads`, and holds for this Python thread (or asyncio task) alone.

    Parameters
    ----------
    n : int or None
        At least 1.  None changes nothing.

    Raises
    ------
    TypeError, ValueError
        If n is not an integer, or below 1.

    Examples
    --------
    >>> import fcnet
    >>> with fcnet.num_threads(2):
    ...     fcnet.get_num_threads()
    2
    """
    if n is None:
        yield
        return
    variable = _in_context  # a forked child gets another one
    token = variable.set(checked(n))
    try:
        yield
    finally:
        variable.reset(token)


def get_num_threads() -> int:
    """On how many threads fcnet computes, here and now."""
    return _decide()[0]


def count_threads() -> tuple[int, str]:
    """How many threads, and what says so."""
    count, why = _decide()
    return count, why or ("NUMBA_NUM_THREADS" if "NUMBA_NUM_THREADS" in os.environ else "the processors")


def _decide() -> tuple[int, str]:
    """The same; without a reason for what Numba would use, which takes longer to find than the number."""
    if _alone:
        return 1, "the parent of this process had started threads before it forked"
    in_context = _in_context.get()
    if in_context is not None:
        return in_context, "num_threads or n_threads"
    if _chosen is not None:
        return _chosen, "set_num_threads"
    if _forked or multiprocessing.parent_process() is not None:
        return 1, "a worker process"
    count, why = _numba_threads(), ""
    allowed = _affinity()
    if allowed is not None and allowed <= count:
        count, why = allowed, why if allowed == count else "the processors that this process may run on"
    quota = _quota()
    return (quota, "the CPU quota of the container") if quota is not None and quota < count else (count, why)


def _numba_threads() -> int:
    """What Numba would use; it starts its threads with the first question, and no fork may come between."""
    global _asked
    if not _asked:
        with launch_lock:
            numba.get_num_threads()
            _asked = True
    return numba.get_num_threads()


def layer() -> str | None:
    """Numba's threading layer, None before it has started one."""
    try:
        return numba.threading_layer()
    except ValueError:
        return None


def _affinity() -> int | None:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


@functools.cache
def _quota() -> int | None:
    """Processors that the container may use, None where no quota is set."""
    try:
        return quota(Path("/sys/fs/cgroup"), Path("/proc/self/cgroup").read_text())
    except OSError:
        return None


def quota(mounted: Path, groups: str) -> int | None:
    """The least quota, in processors rounded up, of a process's control groups and those that they are in.

    Parameters
    ----------
    mounted : Path
        Where the file systems of version 2, or of the controllers of version 1, are.
    groups : str
        Lines of number:controllers:path, as in ``/proc/self/cgroup``.
    """
    least = None
    for line in groups.splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        root = mounted / controllers if controllers else mounted
        group = root / path.lstrip("/")
        for folder in (group, *group.parents):
            allowed = _quota_of(folder)
            least = allowed if least is None or (allowed is not None and allowed < least) else least
            if folder == root:
                break
    return least


def _quota_of(folder: Path) -> int | None:
    try:
        if (folder / "cpu.max").exists():
            time, period = (folder / "cpu.max").read_text().split()
        else:
            time, period = ((folder / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        return None if time == "max" or int(time) < 0 else max(1, math.ceil(int(time) / int(period)))
    except (OSError, ValueError, ZeroDivisionError):
        return None


def alone() -> bool:
    """Whether this process must not start threads, as its parent had before it forked."""
    return _alone


# ------------------------------------------------------------------------------------------------
# Who
# ------------------------------------------------------------------------------------------------

@contextlib.contextmanager
def launching(threads: int) -> Iterator[None]:
    """Alone, and with so many of Numba's threads, of which others would only be waited for."""
    with launch_lock:
        before = numba.get_num_threads()
        numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
        try:
            yield
        finally:
            numba.set_num_threads(before)


def giving_way() -> int:
    """Address of the system's function that lets other threads have the processor; 0 where none is known."""
    try:
        windows = sys.platform == "win32"
        function = ctypes.WinDLL("kernel32").SwitchToThread if windows else ctypes.CDLL(None).sched_yield
        return ctypes.cast(function, ctypes.c_void_p).value or 0
    except (OSError, AttributeError):
        return 0


_held: weakref.WeakSet[Any] = weakref.WeakSet()
_listing, _forking = threading.Lock(), threading.RLock()
_taken: list[Any] = []
compile_locks: list[Any] = [global_compiler_lock]
"""Held over a fork too, in this order: a child can't compile if a thread that is no longer there was compiling."""


def held_over_fork(owner: Any) -> None:
    """From now on a fork waits for ``owner.lock``, so that the child gets it free, and what it protects complete.

    Whoever has it may take `launch_lock` and those of compilation, but no other of its kind.
    """
    with _listing:
        _held.add(owner)


def _before_fork() -> None:
    _forking.acquire()
    with _listing:
        computing = [owner.lock for owner in _held]
    _taken[:] = [*computing, launch_lock, *compile_locks]
    for lock in _taken:
        lock.acquire()


def _after_fork() -> None:
    for lock in reversed(_taken):
        lock.release()
    _taken.clear()
    _forking.release()


def _after_fork_in_child() -> None:
    global _forked, _alone, _chosen, _in_context
    _alone = layer() is not None  # deadly under one layer, noisy under another, and of little use in a worker
    _forked, _chosen, _in_context = True, None, ContextVar("n_threads", default=None)
    _after_fork()


@atexit.register
def _keep_tbb() -> None:
    """Let Numba's tbb layer never be unloaded: that waits for an empty task of its own, which a fork may have lost."""
    module = sys.modules.get("numba.np.ufunc.tbbpool")
    if module is not None:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(module))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork_in_child)
