"""From the start of Python to the end of the first epoch, in fresh processes.

    python benchmarks/starting.py
    python benchmarks/starting.py --runs 3 --cold-runs 1

How: a process for every run, in turn; the clock starts before the process does and stops when the import or the
first epoch is done. The epoch is that of the workload "circles" (2-4-6-6-4-1, 1,024 rows, batch 32), with `fit`
for fcnet and as in `train.py` for its peers. "Cold" has an empty FCNET_CACHE_DIR, so all kernels are compiled.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time

import common
from common import table
from peers import PEERS

EPOCH = """
import sys
sys.path.insert(0, {folder!r})
import numpy
from peers import PEERS
from workloads import WORKLOADS
workload = WORKLOADS["circles"]
peer = PEERS[{name!r}](workload, numpy.float32, {threads})
peer.setup(workload.weights(), *workload.data())
peer.run_epoch(peer.prepare(workload.order(0)))
"""


def seconds(code: str, threads: int, **environment: str) -> float:
    """Until `code` is done in a new process; ending it is not timed."""
    code += "\nimport time; print(time.time())"
    begin = time.time()
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=common.environment(threads) | environment,
        check=True,
        stdout=subprocess.PIPE,
        stderr=None if not environment else subprocess.DEVNULL,  # "compiling kernels ..."
        text=True,
    )
    return float(done.stdout) - begin


def cold(code: str, threads: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        return seconds(code, threads, FCNET_CACHE_DIR=folder)


def codes(threads: int) -> dict[str, str]:
    """Every line of the table and the program that it runs."""
    folder = os.path.dirname(os.path.abspath(__file__))
    epochs = {
        f"first epoch, {'fcnet, warm cache' if name == 'fcnet fit' else name}": EPOCH.format(
            folder=folder, name=name, threads=threads
        )
        for name, peer in PEERS.items()
        if name != "fcnet" and (peer.package == "fcnet" or peer.installed())
    }
    imports = {f"import {name}": f"import {name}" for name in ("numpy", "numba", "fcnet")}
    return {"python": "", **imports, **epochs}


def main() -> None:
    parser = common.parser(__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--cold-runs", type=int, default=3)
    arguments = common.parse(parser)
    threads = min(2, common.cores_allowed())
    header = common.header(f"seconds; median of {arguments.runs} runs, cold of {arguments.cold_runs}")
    print(header, end="\n\n", flush=True)
    programs = codes(threads)
    (warm,) = (name for name in programs if "warm" in name)
    times = {name: [] for name in programs}
    seconds(programs[warm], threads)  # fills the cache
    for names in common.rotations([*programs], arguments.runs):
        for name in names:
            times[name].append(seconds(programs[name], threads))
    if arguments.cold_runs:
        times["first epoch, fcnet, cold cache"] = [cold(programs[warm], threads) for _ in range(arguments.cold_runs)]
    rows = [["until the end of", "median, s", "fastest, s"]]
    rows += [[name, f"{statistics.median(some):.2f}", f"{min(some):.2f}"] for name, some in times.items()]
    print(table(rows))
    if arguments.write:
        common.write_section(arguments.write, "Starting", header, table(rows))


if __name__ == "__main__":
    main()
