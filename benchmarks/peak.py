"""The ceiling: how many floating-point operations a second the cores can do at all.

`fcnet.profiling.Peak` measures it, for `model.profile` and for the benchmarks. Run this: python benchmarks/peak.py
"""

from __future__ import annotations

import numpy as np

from fcnet.profiling import REGISTER_BYTES, Peak


def measure_peak(dtype=np.float32, threads: int = 1, rounds: int = 25) -> float:
    """The best of some rounds of 20 ms, in GFLOP/s."""
    peak = Peak(dtype, threads)
    return max(peak.sample() for _ in range(rounds))


if __name__ == "__main__":
    for dtype in (np.float32, np.float64):
        for threads in (1, 2):
            rate = measure_peak(dtype, threads)
            print(f"{np.dtype(dtype).name}, {threads} thread(s), {REGISTER_BYTES * 8}-bit: {rate:6.1f} GFLOP/s")
