"""Threads: how many, and who may start them.

The GIL protects nothing here: a kernel releases it.  Two Python threads that enter parallel regions at the same
time abort the process under Numba's ``workqueue`` layer, and a forked child that enters one is killed under GNU
OpenMP.  So every call that may start threads holds one lock of the process (`launch_lock`), a fork waits for
that lock, and in a forked child work runs on one thread.
"""

from __future__ import annotations

import functools
import math
import os
import threading
from pathlib import Path

import numba

SHARE_FLOPS = 800_000
"""Work, in floating-point operations a step, that is worth a thread of its own.

A parallel region costs about 2 microseconds on an idle machine, and a step has two; `benchmarks/scaling.py --parts
threads` shows where two threads overtake one.
"""

TRIAL_STEPS = 256
"""Training tries after so many steps whether one thread is faster than several, as on a busy machine; 0: never."""

PANEL_FLOPS = 40_000
"""What a layer of a slab costs besides its arithmetic (calls, transposes, activation), in the same unit."""

launch_lock = threading.RLock()
_forked = False
_num_threads: int | None = None


@functools.cache
def _cgroup_quota() -> int | None:
    """Processors that the container may use, None where no quota is set (an affinity mask is Numba's business)."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return None if quota == "max" else max(1, math.ceil(int(quota) / int(period)))
    except (OSError, ValueError):
        return None


def set_num_threads(n: int | None) -> None:
    """Set on how many threads fcnet computes.

    Parameters
    ----------
    n : int or None
        At least 1.  None restores the default: what Numba uses (``NUMBA_NUM_THREADS``, or the processors this
        process may run on), at most the container's CPU quota.  Results have the same bits for every n.

    Raises
    ------
    TypeError, ValueError
        If n is not an integer, or below 1.
    """
    global _num_threads
    if n is not None:
        if isinstance(n, bool) or not isinstance(n, int):
            raise TypeError(f"n must be an integer or None, got {n!r}")
        if n < 1:
            raise ValueError(f"n must be at least 1, got {n}")
    _num_threads = n


def get_num_threads() -> int:
    """On how many threads fcnet computes; 1 in a forked child."""
    if _forked:
        return 1
    if _num_threads is not None:
        return _num_threads
    default = numba.get_num_threads()
    quota = _cgroup_quota()
    return default if quota is None else min(default, quota)


def shares(flops: float) -> int:
    """Into how many shares work of so many floating-point operations a step is cut."""
    worth = int(flops // SHARE_FLOPS)
    return min(get_num_threads(), worth) if worth > 1 else 1


def _before_fork() -> None:
    launch_lock.acquire()


def _after_fork_in_parent() -> None:
    launch_lock.release()


def _after_fork_in_child() -> None:
    global launch_lock, _forked
    launch_lock = threading.RLock()
    _forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent,
                        after_in_child=_after_fork_in_child)
