"""How the time grows with the rows and with the weights, and what a second thread gives.

    python benchmarks/scaling.py                                rows, weights, threads
    python benchmarks/scaling.py --parts threads --seconds 5    from how much work on two threads pay
    python benchmarks/scaling.py --rows 1e6 --weights 1e7       up to fewer

How: one process; the numbers of threads take turns. "fit" is a call of `model.fit` for one epoch, with its checks
and its shuffling, "steps" is the compiled epoch alone. The slope is that of the line through the logarithms: 1 means
that the time is proportional. For the threads, two are also taken where fcnet would choose one.
"""

from __future__ import annotations

import math
import statistics

import common
import numpy as np
from common import on_threads, table
from peak import Peak
from peers import Fcnet, FcnetFit
from workloads import BINARY, CIRCLES, SQUARED, Workload

import fcnet
from fcnet import _runtime  # the part "threads" looks at its rule

ROUNDS = 3
THREADS = sorted({1, min(2, common.cores_allowed())})
LADDER = [
    Workload("tiny", (3, 3, 1), batch=8, rows=1024, loss=BINARY),
    Workload("circles", CIRCLES, batch=32, rows=1024, loss=BINARY),
    *(Workload("width", (w, w, w, 10), batch=32, rows=1024) for w in (8, 16, 24, 32, 48, 64, 96, 128, 192, 256)),
    Workload("circles-full", CIRCLES, batch=1000, rows=1000, loss=BINARY),
    *(Workload("batch", (w, w, w, 10), batch=256, rows=1024) for w in (8, 16, 32, 64, 128, 256, 512, 1024)),
]


def peer(kind, workload: Workload, data=None):
    made = kind(workload, np.dtype(np.float32), 1)
    made.setup(workload.weights(), *(data or workload.data()))
    return made


def on(threads: int, call):
    """`call`, with the number of threads set before."""

    def run(number):
        fcnet.set_num_threads(threads)
        return call(number)

    return run


# --- rows and weights ---------------------------------------------------------------------------------


def by_rows(largest: float, seconds: float) -> list[dict]:
    points = []
    for exponent in range(3, round(math.log10(largest)) + 1):
        # Squared errors stay of a size. A cross entropy would fall until its gradients are denormal numbers, with
        # which processors are several times slower, and one epoch of the most rows is long enough for that.
        workload = Workload("rows", (8, 32, 16, 1), batch=100, rows=10**exponent, loss=SQUARED)
        data = workload.data()
        steps, fit = peer(Fcnet, workload, data), peer(FcnetFit, workload, data)
        order = steps.prepare(workload.order(0))
        calls = {f"fit, {on_threads(n)}": on(n, fit.run_epoch) for n in THREADS}
        calls |= {f"steps, {on_threads(n)}": on(n, lambda _, steps=steps, order=order: steps.run_epoch(order))
                  for n in THREADS}  # fmt: skip
        points.append({"size": workload.rows, "times": medians(calls, seconds)})
    return points


def by_weights(largest: float, seconds: float) -> list[dict]:
    peaks = {threads: Peak(np.float32, threads) for threads in THREADS}
    points = []
    for exponent in np.arange(2, math.log10(largest) + 0.01, 0.5):
        width = round((math.sqrt(121 + 8 * (10**exponent - 10)) - 11) / 4)  # 2 w^2 + 12 w + 10 parameters
        units, batch = (width, width, width, 10), 128
        # Calls of a millisecond or more, but of one step where that takes longer.
        steps = max(1, round(1e8 / (6 * 10**exponent * batch)))
        workload = Workload("weights", units, batch=batch, rows=batch * min(steps, 200))
        made = peer(Fcnet, workload)
        order = made.prepare(workload.order(0))
        calls = {on_threads(n): on(n, lambda _, made=made, order=order: made.run_epoch(order)) for n in THREADS}
        times = {name: seconds / workload.steps for name, seconds in medians(calls, seconds).items()}
        rates = {on_threads(n): max(peaks[n].sample() for _ in range(3)) for n in THREADS}
        points.append({"size": len(made.params), "times": times, "flops": workload.flops, "peaks": rates})
        del made, calls
    return points


def medians(calls: dict, seconds: float) -> dict[str, float]:
    turns = common.in_turn(calls, seconds, ROUNDS, least=1)
    return {name: statistics.median(times) for name, times in turns.items()}


def scaled(title: str, what: str, points: list[dict]) -> str:
    """A row for each size, the slopes in the last rows."""
    names, sizes = [*points[0]["times"]], [point["size"] for point in points]
    share = "flops" in points[0]
    rows = [[what, *(f"{name}, ms" for name in names), *(f"of peak, {name}" for name in names if share)]]
    for point in points:
        times = point["times"]
        shares = [f"{point['flops'] / times[n] / 1e9 / point['peaks'][n]:.1%}" for n in names if share]
        rows.append([f"{point['size']:,}", *(f"{1e3 * times[name]:,.4g}" for name in names), *shares])
    for label, first in (("slope", 0), ("slope of the upper half", len(points) // 2)):
        if len(points) - first >= 2:
            slopes = [common.slope(sizes[first:], [p["times"][n] for p in points[first:]]) for n in names]
            rows.append([label, *(f"{slope:.2f}" for slope in slopes), *([""] * len(names) if share else [])])
    return f"### {title}\n\n{table(rows)}"


# --- threads ------------------------------------------------------------------------------------------


def by_threads(seconds: float) -> list[dict]:
    """Growing networks on one thread and on two, two also where fcnet would choose one."""
    points = []
    for workload in LADDER:
        made = peer(Fcnet, workload)
        order, rule = made.prepare(workload.orders(0)), _runtime.SHARE_FLOPS
        calls = {str(n): on(n, lambda _, made=made, order=order: made.run_epoch(order)) for n in (1, 2)}
        try:
            _runtime.SHARE_FLOPS = 1  # any work is worth a thread
            turns = common.in_turn(calls, seconds)
        finally:
            _runtime.SHARE_FLOPS = rule
        steps = workload.steps * workload.epochs_a_call
        one, two = (statistics.median(turns[n]) / steps for n in ("1", "2"))
        points.append({"workload": workload, "one": one, "two": two, "gain": common.ratio(turns["1"], turns["2"]),
                       "chosen": chosen(made, order)})  # fmt: skip
    return sorted(points, key=lambda point: point["workload"].flops)


def chosen(made: Fcnet, order) -> int:
    """Threads that fcnet takes of two, read from the task of its last call."""
    fcnet.set_num_threads(2)
    made.run_epoch(order)
    return int(made.engine._task["threads"][0])


def crossover(points: list[dict]) -> str:
    rows = [["network", "batch", "MFLOP a step", "1 thread, us", "2 threads, us", "2 as fast", "chosen"]]
    for point in points:
        workload = point["workload"]
        times = f"{point['one'] * 1e6:,.1f}", f"{point['two'] * 1e6:,.1f}", f"{point['gain']:.2f}"
        flops = f"{workload.flops / 1e6:,.3f}"
        rows.append([workload.title, str(workload.batch), flops, *times, str(point["chosen"])])
    return f"### Two threads against one\n\n{table(rows)}"


# --- pictures -----------------------------------------------------------------------------------------


def draw(found: dict[str, list[dict]]) -> list[str]:
    """A panel for each part that ran."""
    picture, axes = common.figure(1, len(found), figsize=(4.4 * len(found), 3.8), squeeze=False)
    if picture is None:
        return []
    panels = dict(zip(found, axes[0], strict=True))
    for part, panel in panels.items():
        panel.set_xscale("log")
        panel.grid(linewidth=0.4)
        panel.spines[["top", "right"]].set_visible(False)
        if part == "threads":
            draw_threads(panel, found[part])
            continue
        panel.set_yscale("log")
        draw_lines(panel, found[part])
        panel.set_xlabel({"rows": "rows", "weights": "parameters"}[part])
        panel.set_title({"rows": "an epoch, 8-32-16-1, batch 100", "weights": "a step, w-w-w-10, batch 128"}[part],
                        fontsize="medium")  # fmt: skip
        panel.set_ylabel("seconds")
        panel.legend(fontsize="small", frameon=False)
    common.save(picture, "scaling.png")
    return ["scaling.png"]


def draw_lines(panel, points: list[dict]) -> None:
    sizes = [point["size"] for point in points]
    for name in points[0]["times"]:
        colour = common.COLOURS["NumPy" if "1 thread" in name else "PyTorch"]
        times, style = [point["times"][name] for point in points], "--" if "steps" in name else "-"
        (line,) = panel.plot(sizes, times, style, marker=".", color=colour, label=name)
        if "peaks" in points[0]:
            least = [point["flops"] / point["peaks"][name] / 1e9 for point in points]
            panel.plot(sizes, least, ":", color=line.get_color(), label=f"{name}, at the FMA peak")


def draw_threads(panel, points: list[dict]) -> None:
    groups: dict[tuple[int, bool], list[dict]] = {}
    for point in points:
        groups.setdefault((point["chosen"], point["workload"].batch > 32), []).append(point)
    for (number, large), some in sorted(groups.items()):
        places, gains = [point["workload"].flops / 1e6 for point in some], [point["gain"] for point in some]
        colour, batches = common.COLOURS["NumPy" if number == 1 else "PyTorch"], "256 or more" if large else "to 32"
        panel.plot(places, gains, "s" if large else "o", color=colour, label=f"batch {batches}, fcnet takes {number}")
    panel.axhline(1, color="black", linewidth=1)
    panel.set_ylim(0)
    panel.set_xlabel("MFLOP a step")
    panel.set_title("two threads, times as fast as one", fontsize="medium")
    panel.legend(fontsize="small", frameon=False)


# --- the command --------------------------------------------------------------------------------------


def main() -> None:
    parser = common.parser(__doc__)
    parts = ["rows", "weights", "threads"]
    parser.add_argument("--parts", nargs="+", default=parts, choices=parts, metavar="PART")
    parser.add_argument("--rows", type=float, default=1e7, help="the most")
    parser.add_argument("--weights", type=float, default=1e8, help="the most")
    parser.add_argument("--seconds", type=float, default=0.5, help="for each time, without set-up")
    arguments = common.parse(parser)
    wanted = [part for part in parts if part in arguments.parts and not (part == "threads" and THREADS == [1])]
    header = common.header(f"float32; numbers of threads in turn, {arguments.seconds:g} s a time")
    print(header, end="\n\n", flush=True)
    measures = {
        "rows": lambda: by_rows(arguments.rows, arguments.seconds),
        "weights": lambda: by_weights(arguments.weights, arguments.seconds),
        "threads": lambda: by_threads(arguments.seconds),
    }
    texts = {
        "rows": lambda points: scaled("An epoch, by rows: 8-32-16-1, batch 100", "rows", points),
        "weights": lambda points: scaled("A step, by weights: w-w-w-10, batch 128", "parameters", points),
        "threads": crossover,
    }
    found, shown = {}, []
    for part in wanted:
        found[part] = measures[part]()
        shown.append(texts[part](found[part]))
        print(shown[-1], flush=True)
    if arguments.write:
        pictures = common.pictures(arguments.write, lambda: draw(found))
        common.write_section(arguments.write, "Scaling", header, *shown, *pictures)


if __name__ == "__main__":
    main()
