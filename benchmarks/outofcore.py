"""Training from a file ten times as large as the memory it may take, beside training from memory.

    python benchmarks/outofcore.py
    python benchmarks/outofcore.py --threads 1 --cases bytes --budget 32

How: a file of ten times the budget is written and read once, so that it is in the page cache and the disk is not timed.
A process for each case and number of threads. In it a model is fitted by turns, an epoch a turn, to the rows of the
file as an array in memory, already in the model's dtype, and to `fcnet.data.Blocks` over the memory-mapped file, whose
blocks take a quarter of the budget in the model's dtype. "Ratio" is the median over the turns. Both take all rows in
batches of the same size, in memory in an order of all rows, from the file block after block.

The memory is measured in another process, on Linux, in which nothing but the file is opened: what `tracemalloc` has
NumPy report, and the private memory of the process (RssAnon), read every millisecond while it trains, less what it was
before. Pages of the file itself are the system's to take back, and not counted. Last, a fit under a limit: RLIMIT_DATA
is set to the budget above what the process has, so that it could not take more, and the whole file does not fit.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import threading
import time
import tracemalloc
from dataclasses import replace
from pathlib import Path

import common
import numpy as np
from common import table
from memory import WARM_UP, settle
from peers import FcnetFit
from workloads import ADAM, BINARY, Workload

from fcnet import data

ROUNDS = 5
CASES = {  # workload of any number of rows, and the dtype of the file
    "same": (Workload("same", (784, 128, 10), batch=128, rows=128), "float32"),
    "bytes": (Workload("bytes", (784, 128, 10), batch=128, rows=128), "uint8"),
    "narrow": (Workload("narrow", (20, 64, 64, 1), batch=100, rows=100, loss=BINARY, optimizer=ADAM), "float64"),
}


def sized(name: str, budget: int) -> Workload:
    """The workload with as many rows as make a file of ten times the budget, and whole batches."""
    workload, dtype = CASES[name]
    row = workload.units[0] * np.dtype(dtype).itemsize
    return replace(workload, rows=10 * budget // row // workload.batch * workload.batch)


def write(name: str, budget: int, folder: str) -> None:
    """X of the case's dtype and y, chunk by chunk."""
    workload, dtype = sized(name, budget), CASES[name][1]
    rows, chunk = workload.rows, 20 * workload.batch
    X = np.lib.format.open_memmap(f"{folder}/X.npy", "w+", dtype, (rows, workload.units[0]))
    y = np.lib.format.open_memmap(f"{folder}/y.npy", "w+", np.float32, (rows, workload.units[-1]))
    for start in range(0, rows, chunk):
        part = slice(start, min(start + chunk, rows))
        x, y[part] = replace(workload, rows=part.stop - start).data(seed=start)
        X[part] = x if dtype != "uint8" else np.clip(64 * x + 128, 0, 255)


def opened(folder: str) -> tuple[np.ndarray, np.ndarray]:
    return np.load(f"{folder}/X.npy", mmap_mode="r"), np.load(f"{folder}/y.npy", mmap_mode="r")


def blocks(X: np.ndarray, y: np.ndarray, budget: int) -> data.Blocks:
    """A block and its labels make a quarter of the budget in float32: one is trained on while the next one is made."""
    return data.Blocks(X, y, rows=budget // 4 // (4 * (X.shape[1] + y.shape[1])))


def fit(workload: Workload, threads: int, X, y):
    """An epoch a call."""
    peer = FcnetFit(workload, np.float32, threads)
    peer.setup(workload.weights(), X, y)
    return peer.run_epoch


def compare(name: str, threads: int, budget: int, folder: str) -> dict:
    """Seconds of an epoch by turns."""
    X, y = opened(folder)
    workload = sized(name, budget)
    epochs = {
        "memory": fit(workload, threads, np.array(X, np.float32), np.array(y)),
        "file": fit(workload, threads, blocks(X, y, budget), None),
    }
    times = {how: [] for how in epochs}
    for turn in range(ROUNDS + 1):
        for how, epoch in epochs.items():
            begin = time.perf_counter()
            epoch(None)
            if turn:  # in the first one kernels are loaded, and pages of the file are mapped
                times[how].append(time.perf_counter() - begin)
    return times


def memory(name: str, threads: int, budget: int, folder: str) -> dict:
    """Peaks of a fit from the file, above what the process had before."""
    X, y = opened(folder)
    workload = sized(name, budget)
    rows = WARM_UP // workload.batch * workload.batch
    fit(replace(workload, rows=rows), threads, np.array(X[:rows], np.float32), np.array(y[:rows]))(None)
    found = {}

    epoch = fit(workload, threads, blocks(X, y, budget), None)
    settle()
    before, peak, over = private(), 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not over.wait(0.001):
            peak = max(peak, private())

    watcher = threading.Thread(target=watch)
    watcher.start()
    epoch(None)
    over.set()
    watcher.join()
    found["private"] = peak - before

    epoch = fit(workload, threads, blocks(X, y, budget), None)
    settle()
    tracemalloc.start()
    epoch(None)
    found["allocated"] = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    import resource

    epoch = fit(workload, threads, blocks(X, y, budget), None)
    settle()
    status = Path("/proc/self/status").read_text().split()
    size = int(status[status.index("VmData:") + 1]) * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (size + budget, resource.RLIM_INFINITY))
    epoch(None)
    try:
        np.array(X, np.float32)
    except MemoryError:
        return found
    sys.exit("the limit did not hold")


def private() -> int:
    status = Path("/proc/self/status").read_text().split()
    return int(status[status.index("RssAnon:") + 1]) * 1024


def report(results: list[dict], budget: int) -> str:
    rows = [["network", "file", "rows", "threads", "file, MB", "in memory, us a row", "from the file", "ratio",
             "allocated, MB", "private, MB", "budget, MB"]]  # fmt: skip
    for result in results:
        name, times = result["case"], result["times"]
        workload, dtype = sized(name, budget), CASES[name][1]
        medians = [1e6 * statistics.median(times[how]) / workload.rows for how in ("memory", "file")]
        size = workload.rows * workload.units[0] * np.dtype(dtype).itemsize
        rows.append([
            workload.title, dtype, f"{workload.rows:,}", str(result["threads"]), f"{size / 1e6:,.0f}",
            *(f"{value:.2f}" for value in medians), f"{common.ratio(times['file'], times['memory']):.2f}",
            *(f"{result['peaks'][what] / 1e6:,.1f}" for what in ("allocated", "private")), f"{budget / 1e6:,.0f}",
        ])  # fmt: skip
    return table(rows)


def main() -> None:
    parser = common.with_threads(common.parser(__doc__))
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=list(CASES), metavar="CASE")
    parser.add_argument("--budget", type=int, default=32, help="MiB that training may take")
    parser.add_argument("--folder", help="for the files, which go again (default: where temporary files go)")
    arguments = common.parse(parser)
    budget = arguments.budget << 20
    if not Path("/proc/self/status").exists():
        sys.exit("outofcore.py needs Linux: /proc/self/status has the private memory of a process")
    if arguments.worker:
        threads = arguments.worker
        common.serve({
            "compare": lambda name, folder: compare(name, threads, budget, folder),
            "memory": lambda name, folder: memory(name, threads, budget, folder),
        })  # fmt: skip
        return
    header = common.header("float32; a file of ten times the budget, in the page cache; medians of an epoch's turns")
    print(header, end="\n\n", flush=True)
    results = []
    for name in arguments.cases:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            write(name, budget, folder)
            os.sync()
            for threads in arguments.threads:
                answers = {}
                for question in ("compare", "memory"):
                    worker = common.Worker(threads)
                    answers[question] = worker.ask(question, name, folder)
                    worker.close()
                results.append({"case": name, "threads": threads, "times": answers["compare"],
                                "peaks": answers["memory"]})  # fmt: skip
    result = report(results, budget)
    print(result)
    if arguments.write:
        common.write_section(arguments.write, "Out of core", header, result)


if __name__ == "__main__":
    main()
