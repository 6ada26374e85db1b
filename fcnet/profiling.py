"""What `Sequential.profile` does and returns: where the time of a training step goes, by layer and phase.

Each thread of the engine counts the ticks of the processor's clock that it spends in every phase (`laps` of
`kernels.network`). Real steps are timed in blocks of some 20 ms, with the FMA peak sampled between them, because a
machine's speed swings within seconds. The faster half of the blocks counts, and the best of the samples: what else
runs on the machine makes both slower, and nothing makes them faster.
"""

from __future__ import annotations

import copy
import os
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, overload

import numpy as np

from . import _runtime, layout
from .engine import Engine
from .kernels import network as kernel
from .kernels import peak as kernel_peak
from .kernels.simd import REGISTER_BYTES
from .optimizers import Optimizer
from .training import ORDER_NUMBERS, Network, Objective

BLOCK_SECONDS = 0.02
PEAK_SECONDS = 0.004
LEAST_STEPS, LEAST_BLOCKS = 3, 4  # of a block, so that the threads have come when most of them are done
DATA_NUMBERS = 1 << 22  # random data: as many batches as have so many numbers, in these bounds
LEAST_BATCHES, MOST_BATCHES = 2, 64
PAUSE = 0.002  # OpenMP's threads go on spinning for a while after their work, on the cores whose peak is sampled

PHASES = "forward", "backward", "gradient"


@dataclass(frozen=True)
class Row:
    """One phase of a step.

    Attributes
    ----------
    layer : str
        The layer's name; "" for what belongs to the whole step.
    phase : str
        Of a layer: "forward" is g(A_prev W + b); "backward" is dZ W^T and g' of the layer before, and bringing dZ
        into the form that the gradient reads; "gradient" is A_prev^T dZ with the optimizer's update. Of the step:
        "gathering the batch", "loss" (with the metrics), "summing partial gradients" (with the update, of few
        weights and many samples), "launch and waiting"; "step" is all of it.
    seconds : float
        Of one step, on average.
    flops : int
        Floating-point operations of the phase's matrix product in one step, 2 B I O; 0 where there is none.
    gflops : float
        10^9 of these a second.
    of_peak : float
        The same as a share of the FMA peak.
    """

    layer: str
    phase: str
    seconds: float
    flops: int
    gflops: float
    of_peak: float


@dataclass(frozen=True, eq=False, repr=False)
class Profile(Sequence[Row]):
    """Where the time of a training step goes; `print` shows it as a table.

    A row by its place, or by layer and phase: ``profile["dense", "forward"]``, ``profile["", "loss"]``. With several
    threads, the seconds of a row are the mean over the threads of the time that they spent on it, so that all rows
    add up to the time of the step; "launch and waiting" is what no thread accounts for: starting the parallel
    regions, waiting for the slowest thread, and the Python around a block of steps.

    Attributes
    ----------
    network : str
        Inputs, then the units of every Dense, like "784-128-10".
    batch_size : int
        B.
    dtype : str
        float32 or float64.
    threads : int
        Into how many shares the work was cut; may be fewer than `fcnet.get_num_threads`.
    peak : float
        GFLOP/s of so many threads that do nothing but multiply-adds in registers: the largest of `peaks`.
    peaks : tuple of float
        All samples of it, taken between blocks of steps. Where their median is far below the largest, something else
        used the cores, and the figures are those of a disturbed machine.
    steps : int
        How many steps count in the averages.
    rows : tuple of Row
        Forward, backward and gradient of every layer, then the rows of the whole step.
    total : Row
        The step as a whole.
    """

    network: str
    batch_size: int
    dtype: str
    threads: int
    peaks: tuple[float, ...]
    steps: int
    rows: tuple[Row, ...]
    total: Row

    @property
    def peak(self) -> float:
        """The largest of `peaks`: a disturbance makes a sample smaller, nothing makes it larger."""
        return max(self.peaks)

    @overload
    def __getitem__(self, key: int | tuple[str, str]) -> Row: ...
    @overload
    def __getitem__(self, key: slice) -> tuple[Row, ...]: ...
    def __getitem__(self, key: int | slice | tuple[str, str]) -> Row | tuple[Row, ...]:
        if isinstance(key, tuple):
            for row in (*self.rows, self.total):
                if (row.layer, row.phase) == key:
                    return row
            raise KeyError(f"no row {key!r}; there are {', '.join(repr((row.layer, row.phase)) for row in self.rows)}")
        return self.rows[key]

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def to_dict(self) -> dict[str, Any]:
        """All attributes as plain numbers, texts, dicts and lists, as JSON has them."""
        lists = {"rows": [asdict(row) for row in self.rows], "peaks": list(self.peaks)}
        return asdict(self) | lists | {"peak": self.peak}

    def __str__(self) -> str:
        cells: list[tuple[str, ...]] = [("Layer", "Phase", "us a step", "of time", "MFLOP", "GFLOP/s", "of peak")]
        cells += [self._cells(row) for row in (*self.rows, self.total)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [
            "  ".join([*map(str.ljust, row[:2], widths[:2]), *map(str.rjust, row[2:], widths[2:])]) for row in cells
        ]
        ceiling = (f"FMA peak {self.peak:.1f} GFLOP/s, the best of {len(self.peaks)} samples; "
                   f"their median is {statistics.median(self.peaks):.1f}")  # fmt: skip
        rule = "-" * max(map(len, lines))
        facts = [f"{self._facts()}, {self.steps:,} steps timed", ceiling]
        return "\n".join(text.rstrip() for text in [*facts, rule, lines[0], rule, *lines[1:-1], rule, lines[-1]])

    def _cells(self, row: Row) -> tuple[str, ...]:
        """A row as texts: the layer's name once, and nothing where there is no product."""
        first = (row.layer if row.phase == PHASES[0] else "", row.phase) if row.layer else (row.phase, "")
        times = f"{row.seconds * 1e6:,.2f}", f"{row.seconds / self.total.seconds:.1%}"
        if not row.flops:
            return (*first, *times, "", "", "")
        return (*first, *times, f"{row.flops / 1e6:,.3f}", f"{row.gflops:.1f}", f"{row.of_peak:.1%}")

    def _facts(self) -> str:
        threads = f"{self.threads} thread{'s' * (self.threads > 1)}"
        return f"{self.network}, batch {self.batch_size:,}, {self.dtype}, {threads}"

    def __repr__(self) -> str:
        return f"<Profile {self._facts()}: {self.total.seconds * 1e6:,.1f} us a step, {self.total.of_peak:.1%} of peak>"


class Peak:
    """The FMA rate of `threads` cores together.

    The clock of a core changes with heat and neighbours, so `sample` is called in turn with what is timed.

    Parameters
    ----------
    dtype : dtype, default=float32
        float32 or float64.
    threads : int, default=1
    seconds : float, default=0.02
        Of one sample.
    """

    def __init__(self, dtype: Any = np.float32, threads: int = 1, seconds: float = 0.02) -> None:
        dtype = np.dtype(dtype)
        self._numbers = [np.array([0.5, 1.0, 0.0], dtype) for _ in range(threads)]
        trial = 200_000
        times = []
        for _ in range(4):  # the first one compiles
            begin = time.perf_counter()
            kernel_peak.multiply_adds(self._numbers[0], trial)
            times.append(time.perf_counter() - begin)
        self._count = int(trial * seconds / min(times)) + 1
        self.threads = threads
        self.flops = 2.0 * kernel_peak.SUMS * (REGISTER_BYTES // dtype.itemsize) * self._count * threads

    def sample(self) -> float:
        """GFLOP/s of one round."""
        # A common start: the rate is that of all cores at the same time, with the slowest one's end.
        line = threading.Barrier(self.threads)
        begins, ends = [], []

        def work(number: int) -> None:
            # A core each: left alone, the scheduler kept two young threads on one core for a whole round.
            if hasattr(os, "sched_setaffinity"):
                cores = sorted(os.sched_getaffinity(0))
                os.sched_setaffinity(0, {cores[number % len(cores)]})
            line.wait()
            begins.append(time.perf_counter())
            kernel_peak.multiply_adds(self._numbers[number], self._count)
            ends.append(time.perf_counter())

        threads = [threading.Thread(target=work, args=(number,)) for number in range(self.threads)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return self.flops / (max(ends) - min(begins)) / 1e9


def random_data(
    loss: str, inputs: int, units: int, batch_size: int, dtype: np.dtype[Any]
) -> tuple[np.ndarray, np.ndarray]:
    """Some batches of normal X and random classes y that every loss takes: class numbers, 0 and 1, or one-hot."""
    sparse = loss.startswith("sparse")
    width = inputs + (1 if sparse else units)
    batches = min(max(LEAST_BATCHES, DATA_NUMBERS // (batch_size * width)), MOST_BATCHES)
    generator = np.random.default_rng(0)  # not that of `set_seed`: a profile changes nothing
    X = generator.standard_normal((batches * batch_size, inputs), np.float32).astype(dtype)
    classes = generator.integers(0, max(units, 2), len(X))
    if sparse or units == 1:
        return X, classes.astype(dtype)[:, None]
    Y = np.zeros((len(X), units), dtype)
    Y[np.arange(len(X)), classes] = 1
    return X, Y


def rehearsal(engine: Engine, parameters: np.ndarray, optimizer: Optimizer, objective: Objective) -> Network:
    """A network to train, with copies of all that training changes."""

    def copied(array: np.ndarray) -> np.ndarray:
        result = layout.zeros(array.size, array.dtype)
        result[:] = array
        return result

    own = copy.copy(optimizer)
    form = [(parameters.shape, parameters.dtype)] * optimizer.slots
    if [(array.shape, array.dtype) for array in optimizer.state] == form:
        own.state = [copied(array) for array in optimizer.state]
    else:  # not trained yet
        own.build(parameters.size, parameters.dtype)
    return Network(engine, copied(parameters), own, objective)


@dataclass
class _Block:
    """Consecutive steps: their time, and what the threads counted meanwhile."""

    seconds: float
    steps: int
    ticks: np.ndarray  # mean over the threads, by what `laps` counts


class _Timer:
    """Runs training steps in blocks, from the same parameters each, and reads the laps."""

    def __init__(self, network: Network, X: np.ndarray, Y: np.ndarray, batch_size: int) -> None:
        self.network, self.X, self.Y, self.batch_size = network, X, Y, batch_size
        steps = len(X) // batch_size
        epochs = max(1 + (steps == 1), ORDER_NUMBERS // len(X))
        orders = np.tile(np.arange(len(X), dtype=np.intp), (epochs, 1))
        self.orders = np.random.default_rng(1).permuted(orders, axis=1)
        self.sums = np.zeros((epochs, network.objective.n_sums))
        self.checkpoint = network.checkpoint()
        self.available = epochs * steps
        self.at = 0
        columns = kernel.LAP_LAYERS + 3 * len(network.engine.layers)
        line = 64 // 8  # threads do not write to each other's cache lines
        threads, padded = _runtime.get_num_threads(), -(-columns // line) * line
        self.laps = layout.zeros(threads * padded, np.dtype(np.int64)).reshape(threads, padded)
        network.engine.count_laps(self.laps)

    def _train(self, steps: int) -> None:
        """The next steps; the first ones again when the orders are at their end."""
        if self.at + steps > self.available:
            self.at = 0
        network, objective = self.network, self.network.objective
        network.engine.train(
            network.parameters, network.optimizer, self.X, self.Y, self.orders, self.batch_size,
            self.at, self.at + steps, objective.loss, objective.metrics, self.sums,
        )  # fmt: skip
        self.at += steps

    def block(self, steps: int) -> _Block:
        """Time so many steps.

        From the checkpoint, so that training on a few random batches never leads to a loss of 0 and to
        subnormal numbers; the first step brings the parameters back into the caches and does not count.
        """
        self.checkpoint.restore()
        self._train(1)
        before = self.laps.copy()
        begin = time.perf_counter()
        self._train(steps)
        seconds = time.perf_counter() - begin
        counted = (self.laps - before)[: self.network.engine.threads]
        return _Block(seconds, steps, counted.mean(axis=0))

    def steps_in(self, seconds: float) -> int:
        """How many steps take so long, about; they run for it."""
        steps = 1
        while True:
            block = self.block(steps)
            if block.seconds > seconds / 4 or steps == self.available:
                return max(1, min(self.available, round(steps * seconds / block.seconds)))
            steps = min(4 * steps, self.available)


def measure(network: Network, names: Sequence[str], X: np.ndarray, Y: np.ndarray, batch_size: int,
            seconds: float) -> Profile:  # fmt: skip
    """Profile training steps of a `rehearsal`.

    Parameters
    ----------
    network : Network
        Trained on the way; its engine is used for nothing else.
    names : sequence of str
        Of the layers.
    X, Y : ndarray of shape (n, I) and (n, O) or (n, 1)
        Checked samples and labels, at least `batch_size` of them; those of the last, smaller batch are left out.
    batch_size : int
    seconds : float
        About how long to measure; at least LEAST_BLOCKS blocks of LEAST_STEPS steps, if the data have so many, and the
        first call may compile kernels before.

    Raises
    ------
    NotImplementedError
        If the processor's clock can't be read.
    """
    if kernel_peak.clock() == 0:
        raise NotImplementedError(
            "profile reads the clock of x86-64 and ARM64 processors, and this is neither; time a call of fit instead"
        )
    rows = len(X) // batch_size * batch_size
    timer = _Timer(network, X[:rows], Y[:rows], batch_size)
    steps = max(timer.steps_in(BLOCK_SECONDS), min(LEAST_STEPS, timer.available))
    threads = network.engine.threads
    peak = Peak(X.dtype, threads, PEAK_SECONDS)

    def sampled() -> float:
        if threads > 1:
            time.sleep(PAUSE)
        return peak.sample()

    start = _now()
    peaks = [sampled()]
    blocks: list[_Block] = []
    while len(blocks) < LEAST_BLOCKS or _now()[1] - start[1] < seconds:
        blocks.append(timer.block(steps))
        peaks.append(sampled())
    stop = _now()
    rate = (stop[0] - start[0]) / (stop[1] - start[1])
    blocks.sort(key=lambda block: block.seconds)
    return _profile(network, names, batch_size, threads, peaks, rate, blocks[: (len(blocks) + 1) // 2])


def _now() -> tuple[int, float]:
    """Ticks and seconds at one moment: of some readings the one that nothing came between."""

    def reading() -> tuple[float, int, float]:
        begin = time.perf_counter()
        ticks = kernel_peak.clock()
        end = time.perf_counter()
        return end - begin, ticks, (begin + end) / 2

    return min(reading() for _ in range(5))[1:]


def _profile(network: Network, names: Sequence[str], batch_size: int, threads: int, peaks: Sequence[float],
             rate: float, blocks: Sequence[_Block]) -> Profile:  # fmt: skip
    """The averages over the blocks, and what they mean."""
    steps = sum(block.steps for block in blocks)
    wall = sum(block.seconds for block in blocks)
    spent = np.sum([block.ticks for block in blocks], axis=0) / rate / steps

    def row(layer: str, phase: str, seconds: float, flops: int = 0) -> Row:
        gflops = flops / seconds / 1e9 if flops and seconds > 0 else 0.0
        return Row(layer, phase, float(seconds), flops, float(gflops), float(gflops / max(peaks)))

    rows = []
    for l, (name, shape) in enumerate(zip(names, network.engine.layers, strict=True)):
        product = 2 * batch_size * int(shape["inputs"]) * int(shape["products"])
        flops = dict.fromkeys(PHASES, product)
        if l <= network.engine.lowest:  # nobody asks for the gradient of X
            flops["backward"] = 0
        if l == 0 and network.engine.ahead:
            flops["forward"], flops["gradient"] = 0, 2 * product
        for i, phase in enumerate(PHASES):
            rows.append(row(name, phase, spent[kernel.LAP_LAYERS + 3 * l + i], flops[phase]))
    rows += [row("", "gathering the batch", spent[kernel.LAP_GATHER]), row("", "loss", spent[kernel.LAP_LOSS])]
    if spent[kernel.LAP_SUM]:
        rows.append(row("", "summing partial gradients", spent[kernel.LAP_SUM]))
    step = wall / steps
    rows.append(row("", "launch and waiting", step - sum(known.seconds for known in rows)))
    shapes = network.engine.layers
    units = [int(shapes["inputs"][0]), *(int(width) for width in shapes["products"] if width)]
    return Profile(
        network="-".join(map(str, units)),
        batch_size=batch_size,
        dtype=network.parameters.dtype.name,
        threads=threads,
        peaks=tuple(peaks),
        steps=steps,
        rows=tuple(rows),
        total=row("", "step", step, sum(known.flops for known in rows)),
    )
