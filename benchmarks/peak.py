"""The ceiling: how many floating-point operations a second the cores can do at all.

A loop of fused multiply-adds on registers, with enough independent sums to hide the latency and no load or
store inside. Run it: python benchmarks/peak.py
"""

from __future__ import annotations

import os
import platform
import threading
import time

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

FEATURES = llvm.get_host_cpu_features()
IS_ARM = platform.machine().lower() in ("arm64", "aarch64")
REGISTER_BYTES = 64 if FEATURES.get("avx512f") else 32 if FEATURES.get("avx") else 16
HAS_FMA = FEATURES.get("fma", False) or IS_ARM
# Two units with a latency of 4 need 8 sums in flight, four units (some ARM cores) 16; with both factors
# they must fit into the 16 registers of AVX2 or the 32 of AVX-512 and ARM.
SUMS = 16 if REGISTER_BYTES == 64 or IS_ARM else 12


def _fma_loop(dtype: np.dtype):
    """An intrinsic: `count` rounds of SUMS vector operations sum = a * sum + b, in registers."""
    scalar = ir.FloatType() if dtype == np.float32 else ir.DoubleType()
    lanes = REGISTER_BYTES // dtype.itemsize
    vector = ir.VectorType(scalar, lanes)
    counter = ir.IntType(64)

    def multiply_add(builder, a, x, b):
        if not HAS_FMA:  # the call would go to a slow function of the C library
            return builder.fadd(builder.fmul(a, x), b)
        kind = ir.FunctionType(vector, [vector] * 3)
        name = f"llvm.fma.v{lanes}f{dtype.itemsize * 8}"
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [a, x, b])

    @intrinsic
    def fma_loop(typingctx, a, b, count):
        number = types.float32 if dtype == np.float32 else types.float64

        def codegen(context, builder, signature, args):
            def splat(value):
                undefined = ir.Constant(vector, ir.Undefined)
                one = builder.insert_element(undefined, value, ir.Constant(ir.IntType(32), 0))
                return builder.shuffle_vector(one, undefined, ir.Constant(ir.VectorType(ir.IntType(32), lanes), None))

            a, b, count = splat(args[0]), splat(args[1]), args[2]
            entry, function = builder.block, builder.function
            loop, done = function.append_basic_block("fma.loop"), function.append_basic_block("fma.done")
            # Different starting values, or the compiler would see SUMS times the same sum.
            start = [builder.fmul(a, splat(ir.Constant(scalar, float(j + 1)))) for j in range(SUMS)]
            builder.branch(loop)

            builder.position_at_end(loop)
            now = builder.phi(counter)
            sums = [builder.phi(vector) for _ in range(SUMS)]
            following = [multiply_add(builder, a, x, b) for x in sums]
            then = builder.add(now, ir.Constant(counter, 1))
            now.add_incoming(ir.Constant(counter, 0), entry)
            now.add_incoming(then, loop)
            for x, first, later in zip(sums, start, following, strict=True):
                x.add_incoming(first, entry)
                x.add_incoming(later, loop)
            builder.cbranch(builder.icmp_signed("<", then, count), loop, done)

            builder.position_at_end(done)
            total = following[0]
            for x in following[1:]:
                total = builder.fadd(total, x)
            result = builder.extract_element(total, ir.Constant(ir.IntType(32), 0))
            for lane in range(1, lanes):  # all lanes are used, so none is optimised away
                result = builder.fadd(result, builder.extract_element(total, ir.Constant(ir.IntType(32), lane)))
            return result

        return number(number, number, types.int64), codegen

    return fma_loop, lanes


class Peak:
    """The FMA rate of `threads` cores together.

    The clock of a core changes with heat and neighbours, so a benchmark calls `sample` in turn with what
    it times and compares with the ceiling of the same minute.
    """

    def __init__(self, dtype=np.float32, threads: int = 1, seconds: float = 0.02):
        dtype = np.dtype(dtype)
        loop, lanes = _fma_loop(dtype)

        @njit(nogil=True)
        def run(a, b, count):
            return loop(a, b, count)

        a, b, trial = dtype.type(0.5), dtype.type(1.0), 500_000
        run(a, b, trial)
        begin = time.perf_counter()
        run(a, b, trial)
        count = int(trial * seconds / (time.perf_counter() - begin)) + 1
        self.threads, self.flops = threads, 2.0 * SUMS * lanes * count * threads
        self._work = lambda: run(a, b, count)

    def sample(self) -> float:
        """GFLOP/s of one round."""
        # A common start: the rate is that of all cores at the same time, with the slowest one's end.
        line = threading.Barrier(self.threads)
        begins, ends = [], []

        def work(number):
            # A core each: left alone, the scheduler kept two young threads on one core for a whole round.
            if hasattr(os, "sched_setaffinity"):
                cores = sorted(os.sched_getaffinity(0))
                os.sched_setaffinity(0, {cores[number % len(cores)]})
            line.wait()
            begins.append(time.perf_counter())
            self._work()
            ends.append(time.perf_counter())

        threads = [threading.Thread(target=work, args=(number,)) for number in range(self.threads)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return self.flops / (max(ends) - min(begins)) / 1e9


def measure_peak(dtype=np.float32, threads: int = 1, rounds: int = 25) -> float:
    """The best of some rounds of 20 ms, in GFLOP/s."""
    peak = Peak(dtype, threads)
    return max(peak.sample() for _ in range(rounds))


if __name__ == "__main__":
    for dtype in (np.float32, np.float64):
        for threads in (1, 2):
            rate = measure_peak(dtype, threads)
            print(f"{np.dtype(dtype).name}, {threads} thread(s), {REGISTER_BYTES * 8}-bit: {rate:6.1f} GFLOP/s")
