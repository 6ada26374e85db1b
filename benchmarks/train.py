"""Training, timed beside every installed peer, with the losses compared.

    python benchmarks/train.py                                  the default workloads on 1 and 2 threads
    python benchmarks/train.py --workloads trials               those that nobody tuned for
    python benchmarks/train.py --workloads all --write          all of them, into benchmarks/RESULTS.md, with pictures
    python benchmarks/train.py --workloads circles --peers fcnet JAX --threads 1 --seconds 5
    python benchmarks/train.py --workloads digits --keep runs.json              one at a time, reported together
    python benchmarks/train.py --workloads --keep runs.json --write             the report again of what was kept

How: for each number of threads and each peer one process, bound to as many cores (what JAX, which takes no number
of threads, goes by) and told the number in every library's own words. They take turns, A B C, B C A, so that a slow
minute of the machine hits all alike; each turn starts from the same weights. A call is an epoch; of a small full batch
it is up to 16 of them, for every peer. The first epoch, with the compilation, is timed apart. A ratio is the median
over the rounds of the ratio within a round. The FMA peak is sampled in every round too. It ends with status 1 if the
losses do not agree.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path

import common
import numpy as np
from common import PAUSE, ROUNDS, on_threads, table
from peak import Peak
from peers import PEERS, FcnetFit
from workloads import LISTED, SETS, TRIALS, WORKLOADS, Workload

CHECKED_EPOCHS = 3
# Of the largest loss. float32 sums in other orders: 1e-7 to 1e-6 was seen, 5e-5 with Adam's rate in float32 (JAX).
LOSS_TOLERANCE = 1e-4
# PyTorch adds the epsilon of Adam and Adamax elsewhere, which tells where gradients are small: 6e-3 was seen.
EPSILON_TOLERANCE = 1e-2
AGREED = (
    f"all losses agree to {LOSS_TOLERANCE:.0e} of the largest, "
    f"PyTorch's with Adam and Adamax to {EPSILON_TOLERANCE:.0e}"
)


# --- the worker: one peer, one number of threads ------------------------------------------------------


class Trainer:
    """Trains one peer, in a process of its own."""

    def __init__(self, threads: int, seconds: float, dtype):
        self.threads, self.seconds, self.dtype = threads, seconds, dtype

    def setup(self, name: str, workload: str) -> dict:
        """Build the peer and train the epochs whose losses are compared."""
        workload = WORKLOADS[workload]
        X, y = workload.data(self.dtype)
        self.weights = workload.weights(self.dtype)
        peer = self.peer = PEERS[name](workload, self.dtype, self.threads)
        peer.setup([(W.copy(), b.copy()) for W, b in self.weights], X, y)
        orders = [peer.prepare(workload.order(epoch)) for epoch in range(CHECKED_EPOCHS)]
        begin = time.perf_counter()
        losses = [float(peer.run_epoch(orders[0]))]
        first = time.perf_counter() - begin
        losses += [float(peer.run_epoch(order)) for order in orders[1:]]
        self.orders = [peer.prepare(workload.orders(call)) for call in range(8)]
        result = {"first": first, "losses": losses, "loss": peer.loss(X, y), "turns": [], "best": 1e9}
        if isinstance(peer, FcnetFit):
            peer.epochs = enough_epochs(peer, orders[0])
        peer.run_epoch(self.orders[0])  # JAX compiles again for another number of steps
        return result

    def turn(self) -> tuple[float, float]:
        """Median and least seconds a step, from the same weights in every turn."""
        peer, orders = self.peer, self.orders
        peer.reset(self.weights)
        times = common.turn(lambda number: peer.run_epoch(orders[number % len(orders)]), self.seconds / ROUNDS)
        steps = getattr(peer, "epochs", peer.workload.epochs_a_call) * peer.workload.steps
        return statistics.median(times) / steps, min(times) / steps

    def peak(self) -> float:
        self.ceiling = getattr(self, "ceiling", None) or Peak(self.dtype, self.threads)
        return self.ceiling.sample()


def enough_epochs(peer: FcnetFit, order) -> int:
    """So many that one call of `fit` takes about 50 ms: its fixed cost is met once a training."""
    begin = time.perf_counter()
    peer.run_epoch(order)
    return max(1, round(0.05 / (time.perf_counter() - begin)))


def work(arguments) -> None:
    trainer = Trainer(arguments.worker, arguments.seconds, np.dtype(arguments.dtype))
    common.serve({"setup": trainer.setup, "turn": trainer.turn, "peak": trainer.peak})


# --- all of them --------------------------------------------------------------------------------------


def measure(workload: Workload, workers: dict[str, common.Worker], threads: int) -> dict:
    """One workload: every peer set up, then the rounds; the first worker also samples the FMA peak."""
    names = [name for name in workers if PEERS[name].supports(workload)]
    report = {name: workers[name].ask("setup", name, workload.name) for name in names}
    peaks = []
    for turns in common.rotations(names):
        for name in turns:
            time.sleep(PAUSE)
            median, best = workers[name].ask("turn")
            report[name]["turns"].append(median)
            report[name]["best"] = min(report[name]["best"], best)
        peaks.append(workers[names[0]].ask("peak"))
    return {"workload": workload.name, "threads": threads, "peaks": peaks, "peers": report}


# --- the report ---------------------------------------------------------------------------------------


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
        f"{common.ratio(peer['turns'], base['turns']):.2f}" if base else "",
        f"{peer['first'] * 1e3:,.1f}",
        f"{peer['loss']:.6f}" if name != "fcnet fit" else "(own batches)",
    ]


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
        f"### {workload.title}, batch {workload.batch:,}, {on_threads(result['threads'])}\n\n"
        f"{workload.flops / 1e6:,.3f} MFLOP a step; FMA peak {max(result['peaks']):.0f} GFLOP/s, "
        f"in the rounds {min(result['peaks']):.0f} to {max(result['peaks']):.0f}\n"
    )
    if disturbed(result, results):
        title += "\n**Disturbed:** something else used these cores; the figures below do not count.\n"
    return title + "\n" + table([COLUMNS, *rows])


def ratios(result: dict) -> dict[str, float]:
    """How many times fcnet's time each peer takes."""
    base = result["peers"].get("fcnet")
    others = {name: peer for name, peer in result["peers"].items() if PEERS[name].package != "fcnet"}
    return {name: common.ratio(peer["turns"], base["turns"]) for name, peer in others.items()} if base else {}


def summary(results: list[dict]) -> str:
    """One line a workload, for the tuned ones and for the trials: fcnet's time, and the peers' by it."""
    titles = {"The listed workloads": LISTED, "Trials, for which nothing was tuned": TRIALS}
    parts = []
    for title, workloads in titles.items():
        ran = [result for result in results if result["workload"] in workloads and ratios(result)]
        if ran:
            parts += [f"### {title}", overview(ran, results), *map(extremes, by_threads(ran).values())]
    return "\n\n".join(part.strip() for part in parts)


def by_threads(results: list[dict]) -> dict[int, list[dict]]:
    numbers = sorted({result["threads"] for result in results})
    return {number: [result for result in results if result["threads"] == number] for number in numbers}


def overview(ran: list[dict], results: list[dict]) -> str:
    others = [name for name in PEERS if any(name in ratios(result) for result in ran)]
    names = [f"{name} / fcnet" for name in others]
    rows = [["network", "batch", "threads", "fcnet, us a step", "of peak", *names, "best peer / fcnet"]]
    for result in ran:
        workload, found = WORKLOADS[result["workload"]], ratios(result)
        step = statistics.median(result["peers"]["fcnet"]["turns"])
        share = workload.flops / step / 1e9 / max(result["peaks"])
        rows.append(
            [
                workload.title + (" (disturbed)" if disturbed(result, results) else ""),
                f"{workload.batch:,}",
                str(result["threads"]),
                f"{step * 1e6:,.1f}",
                f"{share:.1%}",
                *(f"{found[name]:.2f}" if name in found else "" for name in others),
                f"{min(found.values()):.2f} ({min(found, key=found.get)})",
            ]
        )
    return table(rows)


def extremes(ran: list[dict]) -> str:
    """Of the best peer's ratio, over some workloads with the same number of threads."""
    best = [min(ratios(result).values()) for result in ran]
    return (
        f"The best peer of each, {on_threads(ran[0]['threads'])}, {len(best)} workload(s): "
        f"minimum {min(best):.2f}, median {statistics.median(best):.2f} times fcnet's time; "
        f"faster than fcnet in {sum(ratio < 1 for ratio in best)}."
    )


def disturbed(result: dict, results: list[dict]) -> bool:
    """Whether the cores were not ours alone: the median round's FMA rate below 85 % of the best of the run.

    With one of two cores taken, peers lose between half and nine tenths of their speed, each another share
    (those that spin at a barrier most), so that not even the ratios mean anything.
    """
    best = max(max(other["peaks"]) for other in results if other["threads"] == result["threads"])
    return statistics.median(result["peaks"]) < 0.85 * best


def disagreements(result: dict) -> list[str]:
    """Peers whose losses differ from the first one's by more than the tolerance."""
    compared = {name: peer for name, peer in result["peers"].items() if name != "fcnet fit"}
    if not compared:
        return []
    first, *others = compared
    expected = np.array([*compared[first]["losses"], compared[first]["loss"]])
    messages = []
    for name in others:
        got = np.array([*compared[name]["losses"], compared[name]["loss"]])
        error = np.max(np.abs(got - expected)) / np.max(np.abs(expected))
        elsewhere = name == "PyTorch" and WORKLOADS[result["workload"]].optimizer["name"] != "sgd"
        if not error <= (EPSILON_TOLERANCE if elsewhere else LOSS_TOLERANCE):
            messages.append(
                f"{result['workload']}, {on_threads(result['threads'])}: the losses of {name} are {got}, "
                f"those of {first} {expected}: {error:.1e} apart"
            )
    return messages


# --- the pictures -------------------------------------------------------------------------------------


def draw(results: list[dict]) -> list[str]:
    """A picture of the ratios of the listed workloads, and one of the trials; their names."""
    drawn = []
    for name, workloads in {"ratios.png": LISTED, "ratios-trials.png": TRIALS}.items():
        groups = by_threads([result for result in results if result["workload"] in workloads and ratios(result)])
        if not groups:
            continue
        shown = list(dict.fromkeys(result["workload"] for ran in groups.values() for result in ran))
        picture, axes = common.figure(
            1, len(groups), sharex=True, sharey=True, squeeze=False, figsize=(10, 1.3 + 0.5 * len(shown))
        )
        if picture is None:
            continue
        for panel, (threads, ran) in zip(axes[0], groups.items(), strict=True):
            bars(panel, ran, shown)
            panel.set_title(on_threads(threads), fontsize="medium")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        picture.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False)
        picture.supxlabel("time of a training step / fcnet's (right of the line fcnet is faster)", fontsize="medium")
        common.save(picture, name)
        drawn.append(name)
    return drawn


def bars(panel, ran: list[dict], shown: list[str]) -> None:
    """A group of bars for each workload, from 1, which is fcnet's time, on a logarithmic axis."""
    found = {shown.index(result["workload"]): ratios(result) for result in ran}
    names = [name for name in PEERS if any(name in one for one in found.values())]
    high = 0.8 / len(names)
    for i, name in enumerate(names):
        places = [k + (i - (len(names) - 1) / 2) * high for k, one in found.items() if name in one]
        widths = [one[name] - 1 for one in found.values() if name in one]
        panel.barh(places, widths, high, left=1, label=name, color=common.COLOURS[name])
    panel.set_xscale("log")
    least = min(min(one.values()) for one in found.values())
    panel.set_xlim(left=min(0.5, panel.get_xlim()[0], 0.9 * least))
    panel.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    panel.axvline(1, color="black", linewidth=1)
    panel.grid(axis="x", linewidth=0.4)
    panel.set_axisbelow(True)
    panel.spines[["top", "right"]].set_visible(False)
    panel.set_yticks(range(len(shown)), [label(WORKLOADS[name]) for name in shown], fontsize="small")
    panel.set_ylim(len(shown) - 0.5, -0.5)


def label(workload: Workload) -> str:
    units, _, extra = workload.title.partition(" ")
    long = "-".join(["16"] * 8)
    return "\n".join([units.replace(long, "(8 x 16)"), ", ".join(filter(None, [extra, f"batch {workload.batch:,}"]))])


# --- the command --------------------------------------------------------------------------------------


def chosen_workloads(arguments) -> list[Workload]:
    """Every one once, in the order of the table."""
    wanted = set()
    for name in arguments.workloads:
        wanted |= {workload.name for workload in SETS.get(name, [])} or {name}
    return [workload for name, workload in WORKLOADS.items() if name in wanted]


def chosen_peers(arguments) -> list[str]:
    """Those asked for that are installed; fcnet must be."""
    chosen = [PEERS[name] for name in PEERS if name in arguments.peers]
    return [peer.name for peer in chosen if peer.package == "fcnet" or peer.installed()]


def parse():
    parser = common.with_threads(common.parser(__doc__))
    choices = [*SETS, *WORKLOADS]
    parser.add_argument(
        "--workloads", nargs="*", default=["default"], choices=choices, metavar="NAME", help=", ".join(choices)
    )
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=list(PEERS), metavar="PEER")
    parser.add_argument("--seconds", type=float, default=2.0, help="a peer and workload, without set-up")
    parser.add_argument("--dtype", default="float32", choices=["float32", "float64"])
    parser.add_argument(
        "--keep", type=Path, help="a JSON file: this run's results replace theirs in it, and all in it are reported"
    )
    return common.parse(parser)


def gather(arguments) -> list[dict]:
    """The results of this run, each shown and kept as it comes, and those kept of earlier ones."""
    kept = json.loads(arguments.keep.read_text()) if arguments.keep and arguments.keep.exists() else []
    results = {(result["workload"], result["threads"]): result for result in kept}
    for threads in arguments.threads if arguments.workloads else []:
        workers = {name: common.Worker(threads) for name in chosen_peers(arguments)}
        for workload in chosen_workloads(arguments):
            result = measure(workload, workers, threads) | {"seconds": arguments.seconds}
            results[workload.name, threads] = result
            print(section(result, [*results.values()]), flush=True)
            if arguments.keep:
                arguments.keep.write_text(json.dumps(in_order(results)))
        for worker in workers.values():
            worker.close()
    return in_order(results)


def in_order(results: dict[tuple[str, int], dict]) -> list[dict]:
    """As in the table of workloads."""
    names = list(WORKLOADS)
    return [results[key] for key in sorted(results, key=lambda key: (names.index(key[0]), key[1]))]


def header(arguments, seconds) -> str:
    times = " or ".join(f"{one:g}" for one in sorted(seconds))
    how = f"{ROUNDS} rounds in turn, {times} s a peer and workload; the first epoch is apart"
    return common.header(f"{arguments.dtype}; {how}")


def main() -> int:
    arguments = parse()
    if arguments.worker:
        work(arguments)
        return 0
    print(header(arguments, [arguments.seconds]), end="\n\n", flush=True)
    results = gather(arguments)
    print(summary(results))
    wrong = [message for result in results for message in disagreements(result)]
    if any(disturbed(result, results) for result in results):
        print("some workloads were disturbed by other processes: repeat them on a quiet machine")
    print("\n".join(wrong) if wrong else AGREED)
    if arguments.write:
        pictures = common.pictures(arguments.write, lambda: draw(results))
        lines = header(arguments, {result["seconds"] for result in results})
        common.write_section(arguments.write, "Training", lines, summary(results), *pictures)
        common.write_section(arguments.write, "Training in detail", *(section(result, results) for result in results))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
