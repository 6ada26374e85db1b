"""How near to the FMA peak each layer and phase of a training step comes: `model.profile` as a picture.

    python benchmarks/roofline.py                               the workloads below on 1 and 2 threads
    python benchmarks/roofline.py --workloads digits --threads 1 --out digits.png
    python benchmarks/roofline.py --tables                      print the profiles too

Needs matplotlib: pip install "fcnet[plot]". The width of a bar is its share of the step's time, its height the share
of the peak; so the area is the work done, and what is missing up to
100 % is the time to be gained. The dotted line is at 75 %.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from workloads import WORKLOADS, Workload

import fcnet
from fcnet.profiling import PHASES, Profile

CHOSEN = ["mnist-128", "mnist-512", "wide-1024"]
OUT = Path(__file__).resolve().parent.parent / "docs" / "roofline.svg"
COLOURS = dict(zip(PHASES, ["#4477aa", "#ccbb44", "#228833"], strict=True))
OTHER = "#dddddd"
GOAL = 0.75
NARROW = 0.035  # of the step: too narrow for a number
LOW = 0.25  # of the peak: too low for a name


def profile(workload: Workload, seconds: float) -> Profile:
    """Of the workload's network, loss and optimizer, on random data."""
    model = fcnet.Sequential()
    for i, (inputs, units) in enumerate(workload.shapes):
        model.add(fcnet.Dense(units, workload.activations[i], input_dim=inputs if i == 0 else None))
    options = dict(workload.optimizer)
    kind = fcnet.optimizers.OPTIMIZERS[options.pop("name")]
    model.compile(kind(**options), workload.loss)
    return model.profile(workload.batch, seconds=seconds)


def draw(axes, found: Profile) -> None:
    """One profile: bars in the order of the rows, as wide as they take time."""
    step, left = found.total.seconds, 0.0
    order = [row for row in found if row.flops] + [row for row in found if not row.flops]
    for row in order:
        width = row.seconds / step
        if row.flops:
            axes.bar(left, row.of_peak, width, align="edge", color=COLOURS[row.phase], edgecolor="white", linewidth=0.5)
            if width > NARROW:
                axes.text(left + width / 2, row.of_peak + 0.01, f"{row.of_peak:.0%}", ha="center", fontsize=7,
                          bbox={"facecolor": "white", "alpha": 0.9, "linewidth": 0, "pad": 0.6})
            if width > NARROW and row.of_peak > LOW:
                axes.text(left + width / 2, 0.02, row.layer, ha="center", va="bottom", rotation=90, fontsize=7,
                          color="white")
        left += width
    products = sum(row.seconds for row in found if row.flops) / step
    axes.axvspan(products, 1, color=OTHER, linewidth=0)
    axes.axhline(GOAL, color="black", linestyle=":", linewidth=0.8)
    threads = f"{found.threads} thread{'s' * (found.threads > 1)}"
    axes.set_title(f"{found.network}, batch {found.batch_size}, {threads}\n{found.total.seconds * 1e6:,.0f} us a step, "
                   f"{found.total.of_peak:.0%} of {found.peak:.0f} GFLOP/s", fontsize=8)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25 %", "50 %", "75 %", "100 %"], fontsize=7)
    axes.set_yticks([0, 0.25, 0.5, GOAL, 1], ["0", "25 %", "50 %", "75 %", "100 %"], fontsize=7)
    axes.spines[["top", "right"]].set_visible(False)


def picture(profiles: list[list[Profile]], path: Path) -> None:
    """Rows of profiles to a file, whose name says whether it is an SVG or a PNG."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "roofline"  # the same file for the same numbers
    matplotlib.rcParams["svg.fonttype"] = "none"  # texts as texts, not as outlines
    import matplotlib.pyplot as plt

    rows, columns = len(profiles), max(map(len, profiles))
    figure, grid = plt.subplots(rows, columns, figsize=(3.6 * columns, 2.6 * rows + 0.5), squeeze=False,
                                layout="constrained")
    for line, found in zip(grid, profiles, strict=True):
        for axes, one in zip(line, found, strict=True):
            draw(axes, one)
        line[0].set_ylabel("share of the FMA peak", fontsize=7)
    for axes in grid[-1]:
        axes.set_xlabel("share of the step's time", fontsize=7)
    patches = [plt.Rectangle((0, 0), 1, 1, color=colour) for colour in [*COLOURS.values(), OTHER]]
    figure.legend(patches, [*COLOURS, "no product: gathering, loss, transposing, waiting"], loc="outside lower center",
                  ncols=4, fontsize=7, frameon=False)
    figure.savefig(path, dpi=150, metadata={"Date": None} if path.suffix == ".svg" else None)
    plt.close(figure)


def parse(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workloads", nargs="+", default=CHOSEN, choices=list(WORKLOADS), metavar="NAME")
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2], metavar="N")
    parser.add_argument("--seconds", type=float, default=3.0, help="a profile")
    parser.add_argument("--out", type=Path, default=OUT, help=f"an SVG or PNG file, default docs/{OUT.name}")
    parser.add_argument("--tables", action="store_true", help="print every profile")
    return parser.parse_args(argv)


def main() -> int:
    arguments = parse()
    try:
        import matplotlib  # noqa: F401 - before minutes of measuring
    except ImportError:
        print('the picture needs matplotlib: pip install "fcnet[plot]"', file=sys.stderr)
        return 1
    profiles: list[list[Profile]] = []
    for threads in arguments.threads:
        fcnet.set_num_threads(threads)
        profiles.append([])
        for name in arguments.workloads:
            profiles[-1].append(profile(WORKLOADS[name], arguments.seconds))
            print(f"{profiles[-1][-1]}\n" if arguments.tables else repr(profiles[-1][-1]), flush=True)
    picture(profiles, arguments.out)
    print(f"saved {arguments.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
