"""Memory of a fit above data, parameters and optimizer state, beside what docs/performance.md says it is.

    python benchmarks/memory.py
    python benchmarks/memory.py --threads 2 --cases wide rows

How: a process for each case, on Linux. It makes the data, trains another model of the same shape on some rows, so
that everything is compiled and loaded and the threads are there, and throws it away. Then it sets the peak of its
resident memory back (/proc/self/clear_refs), fits a new model for an epoch, and takes from the new peak what was
resident before and the optimizer's state: "resident". A second new model is fitted with `tracemalloc` looking on,
to which NumPy reports every array: "allocated". It should be "formula", and some 10 KB of Python's objects.
Resident memory can be more by up to 2 MB for every array of 4 MB or more, for which NumPy asks for large pages, and
less where a part is not used at its peak.
"""

from __future__ import annotations

import ctypes
import gc
import math
import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path

import common
import numpy as np
from common import table
from peers import FcnetFit
from workloads import ADAM, BINARY, CIRCLES, SQUARED, Workload

from fcnet import kernels, num_threads, planning
from fcnet.engine import Engine

FULL = 1_000_000
CASES = {
    workload.name: workload
    for workload in [
        Workload("full-batch", (20, 64, 64, 1), batch=FULL, rows=FULL, loss=BINARY, optimizer=ADAM),
        Workload("few-weights", CIRCLES, batch=FULL, rows=FULL, loss=BINARY, optimizer=ADAM),
        Workload("rows", (20, 64, 64, 1), batch=100, rows=FULL, loss=BINARY),
        Workload("wide", (4096, 4096, 4096, 10), batch=256, rows=2048, optimizer=ADAM),
        Workload("wide-full", (2048, 2048, 2048, 10), batch=8192, rows=8192, loss=SQUARED),
        Workload("mnist", (784, 512, 512, 10), batch=256, rows=12_800),
        Workload("inputs", (784, 128, 10), batch=128, rows=12_800),
    ]
}
WARM_UP = 2048  # rows


def formula(made: Engine, workload: Workload, threads: int, slots: int) -> dict[str, int]:
    """Bytes of every part, as in the section Memory of docs/performance.md."""
    P, params = made.slab, made.n_params
    widths = [int(made.layers["inputs"][0]), *map(int, made.layers["outputs"])]
    with num_threads(threads):
        plan = made.plan(kernels.network.TRAIN, workload.batch, widths[-1])
    of_a_slab = P * (sum(width + 1 for width in widths) + P * sum(math.ceil(width / P) for width in widths[1:]))
    places = plan.threads * plan.group if plan.summed else plan.chunk
    of_a_group = P * plan.group * (widths[-1] + 2 * max(widths) + 1)
    scratch = max(of_a_group, kernels.blocking.TILE_COLUMNS * P * kernels.simd.MR) + made.packed_size
    held = plan.slabs * P * (widths[0] + widths[-1])
    full = workload.steps == 1 and plan.chunk == plan.slabs
    numbers = {
        "workspace": places * of_a_slab,
        "scratch": plan.threads * (scratch + 64),
        "dZ by strips": 2 * plan.chunk * P * max(widths[1:]) if plan.by_strips else 0,
        "Z by inputs": plan.chunk * P * widths[1] if plan.by_inputs else 0,
        "rows": 2 * max(workload.batch, 2) * P * sum(width // P + 1 | 1 for width in widths) if plan.by_rows else 0,
        "panels": plan.threads * kernels.few.panel_numbers(widths[1:], P) if plan.by_rows else 0,
        "gradient": params if plan.summed or plan.chunk < plan.slabs else 0,
        "partial gradients": math.ceil(plan.chunk / plan.group) * params if plan.summed else 0,
        "held": held if plan.summed and full and held * made.dtype.itemsize <= planning.HELD_BYTES else 0,
        "checkpoint": params * (1 + slots),
    }
    sizes = {part: count * made.dtype.itemsize for part, count in numbers.items()}
    # The epoch's order and the rows from which it is made; after an epoch a truth value for every parameter.
    orders = 8 * workload.rows * (1 if workload.steps == 1 else 2)
    return sizes | {"orders": orders, "finite?": params}


def measure(workload: Workload, threads: int) -> dict:
    X, y = workload.data()
    batch = min(workload.batch, WARM_UP)
    rows = WARM_UP // batch * batch
    fit(replace(workload, batch=batch, rows=rows), threads, X[:rows], y[:rows])(None)

    epoch = fit(workload, threads, X, y)
    optimizer = epoch.__self__.model.optimizer
    settle()
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    epoch(None)
    peak = resident("VmHWM")
    state = sum(vector.nbytes for vector in optimizer.state)
    made = epoch.__self__.model._compiled_engine()
    parts = formula(made, workload, threads, optimizer.slots)
    params = made.n_params
    del epoch, optimizer, made

    epoch = fit(workload, threads, X, y)
    settle()
    tracemalloc.start()
    epoch(None)
    allocated = tracemalloc.get_traced_memory()[1]
    return {
        "case": workload.name,
        "threads": threads,
        "params": params,
        "data": X.nbytes + y.nbytes,
        "state": state,
        "parts": parts,
        "resident": peak - before - state,
        "allocated": allocated - state,
    }


def fit(workload: Workload, threads: int, X, y):
    """`fit` of a new model, an epoch a call."""
    peer = FcnetFit(workload, np.float32, threads)
    peer.setup(workload.weights(), X, y)
    return peer.run_epoch


def settle() -> None:
    """Give back what is free."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)


def resident(field: str) -> int:
    status = Path("/proc/self/status").read_text().split()
    return int(status[status.index(f"{field}:") + 1]) * 1024


def report(results: list[dict]) -> str:
    rows = [["network", "batch", "rows", "threads", "data", "parameters", "state", "formula", "allocated", "resident"]]
    for result in results:
        workload = CASES[result["case"]]
        sizes = [
            result["data"],
            4 * result["params"],
            result["state"],
            sum(result["parts"].values()),
            result["allocated"],
            result["resident"],
        ]
        counts = f"{workload.batch:,}", f"{workload.rows:,}", str(result["threads"])
        rows.append([workload.title, *counts, *(f"{size / 1e6:,.2f}" for size in sizes)])
    return table(rows)


def largest_parts(results: list[dict]) -> str:
    parts = [*results[0]["parts"]]
    rows = [["the formula, part by part", "batch", "threads", *parts]]
    for result in results:
        workload = CASES[result["case"]]
        counts = f"{workload.batch:,}", str(result["threads"])
        rows.append([workload.title, *counts, *(f"{result['parts'][part] / 1e6:,.2f}" for part in parts)])
    return table(rows)


def main() -> None:
    parser = common.with_threads(common.parser(__doc__))
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=list(CASES), metavar="CASE")
    arguments = common.parse(parser)
    if not Path("/proc/self/clear_refs").exists():
        sys.exit("memory.py needs Linux: /proc/self/clear_refs sets the peak of the resident memory back")
    if arguments.worker:
        common.serve({"measure": lambda case: measure(CASES[case], arguments.worker)})
        return
    header = common.header("float32; one epoch; all sizes in MB, 10^6 bytes")
    print(header, end="\n\n", flush=True)
    pairs = [(name, threads) for name in arguments.cases for threads in arguments.threads]
    results = []
    for name, threads in pairs:
        worker = common.Worker(threads)
        results.append(worker.ask("measure", name))
        worker.close()
    tables = report(results), largest_parts(results)
    print(*tables, sep="\n")
    if arguments.write:
        common.write_section(arguments.write, "Memory", header, *tables)


if __name__ == "__main__":
    main()
