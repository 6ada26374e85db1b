"""What the scripts of this folder share: processes and their threads, turn-taking, tables, RESULTS.md, pictures."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import llvmlite.binding as llvm
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "RESULTS.md"
PICTURES = ROOT / "docs"
# In the order in which RESULTS.md has them.
SECTIONS = [
    "Training", "scikit-learn", "Scaling", "Memory", "Out of core", "Inference", "Calls", "Starting",
    "Your own functions", "Kernels", "Training in detail",
]  # fmt: skip
ROUNDS = 7
# Threads of OpenBLAS and OpenMP go on spinning for some ms after their work; the next peer waits for that.
PAUSE = 0.05
PACKAGES = ["fcnet", "numpy", "numba", "scikit-learn", "torch", "jax"]


# --- processes ----------------------------------------------------------------------------------------


def cores_allowed() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def environment(threads: int) -> dict[str, str]:
    """Of a process in which every library computes on `threads` threads."""
    names = ["OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM", "NUMBA"]
    return os.environ | {f"{name}_NUM_THREADS": str(threads) for name in names} | {"JAX_PLATFORMS": "cpu"}


def start(command: list[str], threads: int) -> subprocess.Popen:
    """A process limited to `threads` in every way that a peer looks at; JAX goes by the cores it may use."""
    pipe = subprocess.PIPE
    options = {"env": environment(threads), "stdin": pipe, "stdout": pipe, "text": True}
    if not hasattr(os, "sched_setaffinity"):
        return subprocess.Popen(command, **options)
    cores = os.sched_getaffinity(0)
    try:  # the child inherits it
        os.sched_setaffinity(0, sorted(cores)[:threads])
        return subprocess.Popen(command, **options)
    finally:
        os.sched_setaffinity(0, cores)


class Worker:
    """This script again in a process of its own, with --worker and `options`, and there `serve`.

    Each peer has one. In a process with Numba's threads, PyTorch on two threads took up to ten times as long: both
    use OpenMP.
    """

    def __init__(self, threads: int, *options: str):
        self.process = start([sys.executable, *sys.argv, "--worker", str(threads), *options], threads)

    def ask(self, question: str, *arguments):
        self.process.stdin.write(json.dumps([question, arguments]) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"a worker ended with status {self.process.wait()}, asked for {question} {arguments}")
        return json.loads(answer)

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def serve(answers: dict[str, Callable]) -> None:
    """Answer what `Worker.ask` asks, until it closes."""
    for line in sys.stdin:
        question, arguments = json.loads(line)
        print(json.dumps(answers[question](*arguments)), flush=True)


# --- time ---------------------------------------------------------------------------------------------


def turn(call: Callable[[int], object], seconds: float, least: int = 3) -> list[float]:
    """Seconds of each call of one turn; `call` gets the number of the call.

    The first call brings things back into the caches, and counts only where it is as long as the whole turn.
    """

    def timed(number: int) -> float:
        begin = time.perf_counter()
        call(number)
        return time.perf_counter() - begin

    first = timed(0)
    times = [first] if least == 1 and first > seconds else []
    end = time.perf_counter() + seconds
    while len(times) < least or (time.perf_counter() < end and first <= seconds):
        times.append(timed(len(times)))
    return times


def rotations(names: list[str], rounds: int = ROUNDS) -> Iterator[list[str]]:
    """A B C, B C A, ...: an order for every round, so that a slow minute of the machine hits all alike."""
    for number in range(rounds):
        shift = number % len(names)
        yield names[shift:] + names[:shift]


def in_turn(calls: dict[str, Callable[[int], object]], seconds: float, rounds: int = ROUNDS, least: int = 3) -> dict:
    """The median time of every call in every round, `seconds` for each call in all."""
    medians = {name: [] for name in calls}
    for names in rotations([*calls], rounds):
        for name in names:
            time.sleep(PAUSE)
            medians[name].append(statistics.median(turn(calls[name], seconds / rounds, least)))
    return medians


def ratio(turns: list[float], base: list[float]) -> float:
    """The median over the rounds of the ratio within a round."""
    return statistics.median(a / b for a, b in zip(turns, base, strict=True))


def slope(sizes, times) -> float:
    """Of the straight line through log(times) over log(sizes): 1 is proportional."""
    return float(np.polyfit(np.log(sizes), np.log(times), 1)[0])


# --- text ---------------------------------------------------------------------------------------------


def processor() -> str:
    """Its name, and that of its kind to compilers: some makers' names are all alike."""
    return f"{model_name()} ({llvm.get_host_cpu_name()})"


def model_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown processor"


def header(how: str) -> str:
    """The machine, the versions and, last, `how` it was measured: a Markdown list."""
    packages = []
    for name in PACKAGES:
        try:
            packages.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            packages.append(f"{name} {source_version()}" if name == "fcnet" else f"{name} not installed")
    return "\n".join(
        [
            f"- machine: {processor()}, {cores_allowed()} cores, {platform.system()} {platform.machine()}",
            f"- versions: Python {platform.python_version()}, " + ", ".join(packages),
            f"- {how}; {time.strftime('%Y-%m-%d')}",
        ]
    )


def source_version() -> str:
    """Of an fcnet that is run from its sources."""
    import fcnet

    return fcnet.__version__


def on_threads(number: int) -> str:
    return f"{number} thread{'s' * (number > 1)}"


def table(rows: list[list[str]]) -> str:
    """Markdown whose columns also line up in a terminal."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]

    def line(first, *rest):
        aligned = [first.ljust(widths[0]), *map(str.rjust, rest, widths[1:])]
        return "| " + " | ".join(aligned) + " |\n"

    rule = line("-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:]))
    return line(*rows[0]) + rule + "".join(line(*cells) for cells in rows[1:])


def parser(doc: str) -> argparse.ArgumentParser:
    """A parser with the options that every script has."""
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    where = f"its section of {RESULTS.name} and its pictures, or that of another FILE (as of another machine)"
    made.add_argument("--write", nargs="?", const=RESULTS, type=Path, metavar="FILE", help=where)
    made.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    return made


def with_threads(made: argparse.ArgumentParser) -> argparse.ArgumentParser:
    default = sorted({1, min(2, cores_allowed())})
    made.add_argument("--threads", nargs="+", type=int, default=default, metavar="N")
    return made


def parse(made: argparse.ArgumentParser) -> argparse.Namespace:
    """The arguments; a worker has fewer cores than there are in --threads, and reads --worker."""
    arguments = made.parse_args()
    if not arguments.worker:
        for threads in getattr(arguments, "threads", []):
            if not 1 <= threads <= cores_allowed():
                made.error(f"--threads {threads}: this process may use 1 to {cores_allowed()} cores")
    return arguments


def write_section(file: Path, name: str, *parts: str) -> None:
    """Put `parts` under the heading `name` of `file`, and leave its other sections as they are."""
    script = Path(sys.argv[0]).resolve()
    what = f"benchmarks/{script.name}" if script.parent.name == "benchmarks" else f"-m {script.parent.name}"
    arguments = [Path(given).name if Path(given).is_absolute() else given for given in sys.argv[1:]]
    command = " ".join(["python", what, *arguments])
    body = "\n\n".join(part.strip() for part in (f"Written by `{command}`.", *parts) if part.strip())
    sections = {}
    if file.exists():
        for text in file.read_text(encoding="utf-8").split("\n## ")[1:]:
            heading, _, rest = text.partition("\n")
            sections[heading] = rest.strip()
    sections[name] = body
    known = [f"## {heading}\n\n{sections[heading]}" for heading in SECTIONS if heading in sections]
    file.write_text("\n\n".join(["# Results", *known]) + "\n", encoding="utf-8")


# --- pictures -----------------------------------------------------------------------------------------

# One colour each (Okabe and Ito's, which colour-blind readers tell apart).
COLOURS = {
    "fcnet": "#000000",
    "fcnet fit": "#888888",
    "NumPy": "#0072b2",
    "scikit-learn": "#e69f00",
    "PyTorch": "#d55e00",
    "JAX": "#009e73",
}


def figure(*shape: int, **options):
    """Figure and axes of matplotlib, or a message and (None, None) where it is not installed."""
    try:
        import matplotlib
    except ImportError:
        print("no picture: matplotlib is not installed; pip install '.[plot]' brings it", file=sys.stderr)
        return None, None
    matplotlib.use("Agg")
    from matplotlib import pyplot

    return pyplot.subplots(*shape, layout="constrained", **options)


def pictures(file: Path, draw: Callable[[], list[str]]) -> list[str]:
    """What `draw` draws, as `file` shows it; only RESULTS.md has pictures."""
    return [f"![{name}](../docs/{name})" for name in draw()] if file == RESULTS else []


def save(picture, name: str) -> None:
    path = PICTURES / name
    picture.savefig(path, dpi=120, metadata={"Software": None})
    print(f"wrote {path.relative_to(ROOT)}", file=sys.stderr)
