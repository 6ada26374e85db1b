"""Training, timed beside every installed peer, with the losses compared.

    python benchmarks/train.py                                  the default workloads on 1 and 2 threads
    python benchmarks/train.py --workloads all --write          all of them, into benchmarks/RESULTS.md
    python benchmarks/train.py --workloads circles --peers fcnet JAX --threads 1 --seconds 5
    python benchmarks/train.py --crossover                      from how much work on two threads pay

How: for each number of threads one process, bound to as many cores (what JAX, which takes no number of
threads, goes by) and told the number in every library's own words. In it the peers take turns, A B C A B C,
so that a slow minute of the machine hits all alike; each turn starts from the same weights. The first epoch,
with the compilation, is timed apart. A ratio is the median over the rounds of the ratio within a round.
The FMA peak is sampled in every round too. It ends with status 1 if the losses do not agree.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from peak import Peak
from peers import PEERS, Fcnet, FcnetFit
from workloads import DEFAULT, WORKLOADS, Workload

import fcnet

RESULTS = Path(__file__).with_name("RESULTS.md")
ROUNDS = 7
CHECKED_EPOCHS = 3
# Threads of OpenBLAS and OpenMP go on spinning for some ms after their work; the next peer waits for that.
PAUSE = 0.05
# float32 sums in other orders: 1e-7 to 1e-6 was seen; PyTorch adds Adam's epsilon elsewhere: 1e-5.
LOSS_TOLERANCE = 1e-4


# --- the worker: one number of threads ----------------------------------------------------------------


def measure(workload: Workload, names: list[str], threads: int, seconds: float, dtype) -> dict:
    X, y = workload.data(dtype)
    weights = workload.weights(dtype)
    orders = [workload.order(epoch) for epoch in range(8)]
    peers, prepared, report = {}, {}, {}
    for name in names:
        peer = PEERS[name](workload, dtype, threads)
        peer.setup([(W.copy(), b.copy()) for W, b in weights], X, y)
        prepared[name] = [peer.prepare(order) for order in orders]
        begin = time.perf_counter()
        losses = [float(peer.run_epoch(prepared[name][0]))]
        first = time.perf_counter() - begin
        losses += [float(peer.run_epoch(order)) for order in prepared[name][1:CHECKED_EPOCHS]]
        peers[name] = peer
        report[name] = {"first": first, "losses": losses, "loss": peer.loss(X, y), "turns": [], "best": 1e9}
        if isinstance(peer, FcnetFit):
            peer.epochs = enough_epochs(peer, orders[0])

    peak = Peak(dtype, threads)
    peaks = []
    for round_number in range(ROUNDS):
        shift = round_number % len(names)
        for name in names[shift:] + names[:shift]:
            peer = peers[name]
            peer.reset(weights)
            time.sleep(PAUSE)
            times = turn(peer, prepared[name], seconds / ROUNDS)
            report[name]["turns"].append(statistics.median(times))
            report[name]["best"] = min(report[name]["best"], *times)
        peaks.append(peak.sample())
    return {"workload": workload.name, "threads": threads, "peaks": peaks, "peers": report}


def turn(peer, orders, seconds: float) -> list[float]:
    """Seconds a step, for every epoch of one turn."""
    peer.run_epoch(orders[0])  # back into the caches
    epochs = getattr(peer, "epochs", 1)
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        order = orders[len(times) % len(orders)]
        begin = time.perf_counter()
        peer.run_epoch(order)
        times.append((time.perf_counter() - begin) / (epochs * peer.workload.steps))
    return times


def enough_epochs(peer: FcnetFit, order) -> int:
    """So many that one call of `fit` takes about 50 ms: its fixed cost is met once a training."""
    begin = time.perf_counter()
    peer.run_epoch(order)
    return max(1, round(0.05 / (time.perf_counter() - begin)))


def work(arguments) -> None:
    """Measure, and write one line of JSON a workload."""
    dtype = np.dtype(arguments.dtype)
    for workload in chosen_workloads(arguments):
        names = [name for name in chosen_peers(arguments) if PEERS[name].supports(workload)]
        result = measure(workload, names, arguments.worker, arguments.seconds, dtype)
        print(json.dumps(result), flush=True)


def crossover(seconds: float) -> str:
    """Growing networks on one thread and on two, two also where fcnet would choose one: a table."""
    from fcnet import _runtime  # its rule is what is looked at

    rule = _runtime.SHARE_FLOPS
    rows = [["network", "batch", "MFLOP a step", "1 thread, us", "2 threads, us", "2 as fast", "chosen"]]
    for width in (8, 16, 24, 32, 40, 48, 64, 96, 128, 192, 256):
        workload = Workload("crossover", (width, width, width, 10), batch=32, rows=1024)
        X, y = workload.data()
        peer, turns = Fcnet(workload), {1: [], 2: []}
        peer.setup(workload.weights(), X, y)
        orders = [peer.prepare(workload.order(0))]
        try:
            _runtime.SHARE_FLOPS = 1  # any work is worth a thread
            for _ in range(ROUNDS):
                for threads in (1, 2):
                    fcnet.set_num_threads(threads)
                    turns[threads].append(statistics.median(turn(peer, orders, seconds / ROUNDS / 10)))
        finally:
            _runtime.SHARE_FLOPS = rule
        fcnet.set_num_threads(2)
        one, two = statistics.median(turns[1]), statistics.median(turns[2])
        gain = statistics.median(a / b for a, b in zip(turns[1], turns[2], strict=True))
        rows.append(
            [
                workload.title,
                str(workload.batch),
                f"{workload.flops / 1e6:.3f}",
                f"{one * 1e6:.1f}",
                f"{two * 1e6:.1f}",
                f"{gain:.2f}",
                str(_runtime.shares(peer.engine.flops * workload.batch)),
            ]
        )
    fcnet.set_num_threads(None)
    return table(rows)


def start_worker(threads: int) -> subprocess.Popen:
    """A process that runs this script again, limited to `threads` in every way that a peer looks at."""
    names = ["OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM", "NUMBA"]
    environment = os.environ | {f"{name}_NUM_THREADS": str(threads) for name in names}
    environment |= {"JAX_PLATFORMS": "cpu"}
    command = [sys.executable, __file__, *sys.argv[1:], "--worker", str(threads)]
    if not hasattr(os, "sched_setaffinity"):
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    cores = os.sched_getaffinity(0)
    try:  # the child inherits it
        os.sched_setaffinity(0, sorted(cores)[:threads])
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    finally:
        os.sched_setaffinity(0, cores)


# --- the report ---------------------------------------------------------------------------------------


def header(arguments) -> str:
    packages = [f"fcnet {fcnet.__version__}"]
    for name in ("numpy", "numba", "scikit-learn", "torch", "jax"):
        try:
            packages.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            packages.append(f"{name} not installed")
    return "\n".join(
        [
            f"- machine: {processor()}, {cores_allowed()} cores, {platform.system()} {platform.machine()}",
            f"- versions: Python {platform.python_version()}, " + ", ".join(packages),
            f"- {arguments.dtype}; {ROUNDS} rounds in turn, {arguments.seconds:g} s a peer and workload; "
            f"the first epoch is apart; {time.strftime('%Y-%m-%d')}",
        ]
    )


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown processor"


def cores_allowed() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def row(name: str, workload: Workload, result: dict) -> list[str]:
    peer, base = result["peers"][name], result["peers"].get("fcnet")
    step = statistics.median(peer["turns"])
    rate = workload.flops / step / 1e9
    return [
        name,
        f"{step * 1e6:,.1f}",
        f"{peer['best'] * 1e6:,.1f}",
        f"{rate:.3g}",
        f"{rate / max(result['peaks']):.1%}",
        f"{ratio(peer, base):.2f}" if base else "",
        f"{peer['first'] * 1e3:,.1f}",
        f"{peer['loss']:.6f}" if name != "fcnet fit" else "(own batches)",
    ]


def ratio(peer: dict, base: dict) -> float:
    """How many times the base's speed is the peer's: the median over the rounds."""
    return statistics.median(a / b for a, b in zip(peer["turns"], base["turns"], strict=True))


COLUMNS = [
    "",
    "us a step",
    "best",
    "GFLOP/s",
    "of peak",
    "time / fcnet's",
    "first epoch, ms",
    f"loss after {CHECKED_EPOCHS} epochs",
]


def section(result: dict, results: list[dict]) -> str:
    workload = WORKLOADS[result["workload"]]
    rows = [row(name, workload, result) for name in result["peers"]]
    title = (
        f"### {workload.title}, batch {workload.batch:,}, {result['threads']} thread(s)\n\n"
        f"{workload.flops / 1e6:,.3f} MFLOP a step; FMA peak {max(result['peaks']):.0f} GFLOP/s, "
        f"in the rounds {min(result['peaks']):.0f} to {max(result['peaks']):.0f}\n"
    )
    if disturbed(result, results):
        title += "\n**Disturbed:** something else used these cores; the figures below do not count.\n"
    return title + "\n" + table([COLUMNS, *rows])


def summary(results: list[dict]) -> str:
    """One line a workload: fcnet's time, and how many times faster it is than each peer."""
    others = [name for name in PEERS if any(name in result["peers"] for result in results)]
    others = [name for name in others if PEERS[name].package != "fcnet"]
    rows = [
        [
            "network",
            "batch",
            "threads",
            "fcnet, us a step",
            "of peak",
            *(f"{name} / fcnet" for name in others),
        ]
    ]
    for result in results:
        workload, base = WORKLOADS[result["workload"]], result["peers"].get("fcnet")
        if base is None:
            continue
        step = statistics.median(base["turns"])
        share = workload.flops / step / 1e9 / max(result["peaks"])
        ratios = [f"{ratio(result['peers'][name], base):.2f}" if name in result["peers"] else "" for name in others]
        rows.append(
            [
                workload.title + (" (disturbed)" if disturbed(result, results) else ""),
                f"{workload.batch:,}",
                str(result["threads"]),
                f"{step * 1e6:,.1f}",
                f"{share:.1%}",
                *ratios,
            ]
        )
    return table(rows) if len(rows) > 1 else ""


def table(rows: list[list[str]]) -> str:
    """Markdown whose columns also line up in a terminal."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]

    def line(first, *rest):
        aligned = [first.ljust(widths[0]), *map(str.rjust, rest, widths[1:])]
        return "| " + " | ".join(aligned) + " |\n"

    rule = line("-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:]))
    return line(*rows[0]) + rule + "".join(line(*cells) for cells in rows[1:])


def disturbed(result: dict, results: list[dict]) -> bool:
    """Whether the cores were not ours alone: the median round's FMA rate below 85 % of the best of the run.

    With one of two cores taken, peers lose between half and nine tenths of their speed, each another share
    (those that spin at a barrier most), so that not even the ratios mean anything.
    """
    best = max(max(other["peaks"]) for other in results if other["threads"] == result["threads"])
    return statistics.median(result["peaks"]) < 0.85 * best


def disagreements(result: dict) -> list[str]:
    """Peers whose losses differ from the first one's by more than LOSS_TOLERANCE."""
    compared = {name: peer for name, peer in result["peers"].items() if name != "fcnet fit"}
    if not compared:
        return []
    first, *others = compared
    expected = np.array([*compared[first]["losses"], compared[first]["loss"]])
    messages = []
    for name in others:
        got = np.array([*compared[name]["losses"], compared[name]["loss"]])
        error = np.max(np.abs(got - expected) / np.abs(expected))
        if not error <= LOSS_TOLERANCE:
            messages.append(
                f"{result['workload']}, {result['threads']} thread(s): the losses of {name} are {got}, "
                f"those of {first} {expected}: {error:.1e} apart"
            )
    return messages


# --- the command --------------------------------------------------------------------------------------


def chosen_workloads(arguments) -> list[Workload]:
    names = list(WORKLOADS) if arguments.workloads == ["all"] else arguments.workloads
    return [WORKLOADS[name] for name in names]


def chosen_peers(arguments) -> list[str]:
    """Those asked for that are installed; fcnet must be."""
    chosen = [PEERS[name] for name in PEERS if name in arguments.peers]
    return [peer.name for peer in chosen if peer.package == "fcnet" or peer.installed()]


def parse(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workloads", nargs="+", default=DEFAULT, choices=[*WORKLOADS, "all"], metavar="NAME")
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2], metavar="N")
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=list(PEERS), metavar="PEER")
    parser.add_argument("--seconds", type=float, default=2.0, help="a peer and workload, without set-up")
    parser.add_argument("--dtype", default="float32", choices=["float32", "float64"])
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name} beside this script")
    parser.add_argument("--crossover", action="store_true", help="one thread against two, by work")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if not arguments.worker:
        for threads in arguments.threads:
            if not 1 <= threads <= cores_allowed():
                parser.error(f"--threads {threads}: this process may use 1 to {cores_allowed()} cores")
    return arguments


def main() -> int:
    arguments = parse()
    if arguments.worker:
        work(arguments)
        return 0
    print(header(arguments), end="\n\n", flush=True)
    if arguments.crossover:
        print(crossover(arguments.seconds))
        return 0
    results: list[dict] = []
    for threads in arguments.threads:
        worker = start_worker(threads)
        for line in worker.stdout:
            results.append(json.loads(line))
            print(section(results[-1], results), flush=True)
        if worker.wait():
            print(f"the worker with {threads} thread(s) ended with status {worker.returncode}", file=sys.stderr)
            return worker.returncode
    short = summary(results)
    print(short)
    wrong = [message for result in results for message in disagreements(result)]
    if any(disturbed(result, results) for result in results):
        print("some workloads were disturbed by other processes: repeat them on a quiet machine")
    print("\n".join(wrong) if wrong else f"all losses agree to {LOSS_TOLERANCE:.0e}, relative")
    if arguments.write:
        parts = [
            "# Results",
            f"Written by `python benchmarks/train.py {' '.join(sys.argv[1:])}`, which says how it measures.",
            header(arguments),
            short,
            *(section(result, results) for result in results),
        ]
        RESULTS.write_text("\n\n".join(part.strip() for part in parts) + "\n", encoding="utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
