"""What a profile measures with: the processor's clock, and multiply-adds that wait for nothing but each other.

No product can do more operations a second than `multiply_adds`: it works on registers of the width that the
kernels are compiled for, and loads and stores nothing.
"""

from __future__ import annotations

import platform
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from ._jit import serial_kernel
from .simd import REGISTER_BYTES, _fma, data, splat, ticks, total

SUMS = 16 if REGISTER_BYTES == 64 or platform.machine().lower() in ("arm64", "aarch64") else 12
"""Independent sums: two units with a latency of 4 need 8 in flight, four units (some ARM cores) 16; with both factors
they must fit into the 16 registers of AVX2 or the 32 of AVX-512 and ARM."""


@serial_kernel
def clock():
    """The processor's clock, in `ticks`; 0 where it can't be read."""
    return ticks()


@serial_kernel
def multiply_adds(x, count):
    """`count` rounds of SUMS vector operations sum = x[0] * sum + x[1]; x[2] gets what they add up to.

    Parameters
    ----------
    x : (3,) array
        Of float32 or float64.
    count : int
        1 or more.
    """
    p = data(x)
    x[2] = total(_rounds(splat(x[0], p), splat(x[1], p), count))


@intrinsic
def _rounds(typingctx, a, b, count):
    """The sum of SUMS vectors after `count` rounds; a loop of its own, or the compiler would unroll and merge it."""
    counter = ir.IntType(64)

    def codegen(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        a, b, count = args
        entry, function = builder.block, builder.function
        loop, done = function.append_basic_block("rounds"), function.append_basic_block("rounds.done")
        # different starting values, or the compiler would see SUMS times the same sum
        start = [a]
        while len(start) < SUMS:
            start.append(builder.fadd(start[-1], a))
        builder.branch(loop)

        builder.position_at_end(loop)
        now = builder.phi(counter)
        sums = [builder.phi(a.type) for _ in range(SUMS)]
        following = [_fma(builder, a, x, b) for x in sums]
        then = builder.add(now, ir.Constant(counter, 1))
        for phi, first, later in zip([now, *sums], [ir.Constant(counter, 0), *start], [then, *following], strict=True):
            phi.add_incoming(first, entry)
            phi.add_incoming(later, loop)
        builder.cbranch(builder.icmp_signed("<", then, count), loop, done)

        builder.position_at_end(done)
        result = following[0]
        for x in following[1:]:
            result = builder.fadd(result, x)
        return result
    return a(a, b, types.int64), codegen
