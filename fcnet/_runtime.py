"""When threads are worth it, and how a long call is left on Ctrl-C; how many there are is said in `kernels.threads`."""

from __future__ import annotations

import contextlib
import threading
from _thread import start_new_thread
from collections.abc import Callable

from .kernels.threads import (
    alone,
    count_threads,
    get_num_threads,
    giving_way,
    held_over_fork,
    launch_lock,
    launching,
    layer,
    num_threads,
    set_num_threads,
)

__all__ = [
    "alone",
    "count_threads",
    "get_num_threads",
    "giving_way",
    "held_over_fork",
    "interruptible",
    "launch_lock",
    "launching",
    "layer",
    "num_threads",
    "set_num_threads",
    "worth",
]

SHARE_FLOPS = 800_000
"""Work, in floating-point operations a step, that is worth a thread of its own.

Opening a phase for other threads costs some tenths of a microsecond, and what they read of each other comes through a
shared cache; `benchmarks/scaling.py --parts threads` shows where two threads overtake one.
"""

PANEL_FLOPS = 40_000
"""What a layer of a slab costs besides its arithmetic (calls, transposes, activation), in the same unit."""

LONG_FLOPS = 2e9
"""Work for one thread that Ctrl-C should not wait for: 20 ms at 100 GFLOP/s. Another thread takes 0.1 ms to start."""


def worth(flops: float) -> int:
    """How many threads work of so many floating-point operations a step is worth."""
    return max(1, int(flops // SHARE_FLOPS))


def interruptible(work: Callable[[], object], abandon: Callable[[], object]) -> None:
    """Run `work`, compiled code that the main thread would not hear a signal in, while this one listens.

    When a signal raises an exception, as Ctrl-C does, `abandon` is called to make the work end early; the exception
    goes on when it has.
    """
    errors: list[BaseException] = []
    finished: list[bool] = []
    asleep = threading.Lock()
    asleep.acquire()

    def run() -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)
        finished.append(True)
        asleep.release()

    def wait() -> None:
        while not finished:
            asleep.acquire(timeout=0.1)  # without a timeout Windows hears nothing

    try:
        try:
            start_new_thread(run, ())
        except RuntimeError:  # there can be no more threads
            run()
        wait()
    except BaseException:
        abandon()
        while not finished:
            with contextlib.suppress(KeyboardInterrupt):
                wait()
        raise
    if errors:
        raise errors[0]
