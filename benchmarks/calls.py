"""What a call from Python costs: one step on one batch, and the prediction of that batch.

    python benchmarks/calls.py                      beside every installed peer, on 1 and 2 threads
    python benchmarks/calls.py --threads 1 --seconds 2

How: as in `train.py`, the peers take turns, each in a process of its own. Each has the batch in its own kind of array
already, and is done when the loss is a number of Python's, or the outputs are there: fcnet's `train_on_batch` and
`predict`, NumPy into arrays allocated before, scikit-learn's `partial_fit` and `predict` or `predict_proba`, the loop
of PyTorch's tutorials, jitted functions of JAX. Losses and outputs are compared first.
"""

from __future__ import annotations

import statistics
import time

import common
import numpy as np
from common import PAUSE, ROUNDS, table
from peers import PEERS, FcnetFit
from workloads import ADAM, SQUARED, Workload

BATCHES = {
    f"{workload.name}, {workload.batch}": workload
    for workload in [
        Workload("4-32-32-2", (4, 32, 32, 2), batch=1, rows=1, loss=SQUARED, optimizer=ADAM),
        Workload("4-32-32-2", (4, 32, 32, 2), batch=32, rows=32, loss=SQUARED, optimizer=ADAM),
        Workload("2-4-6-6-4-1", (2, 4, 6, 6, 4, 1), batch=32, rows=32, loss="binary_crossentropy"),
        Workload("64-64-10", (64, 64, 10), batch=32, rows=32, optimizer=ADAM),
        Workload("784-128-10", (784, 128, 10), batch=128, rows=128),
    ]
}


class Caller(FcnetFit):
    """A call for every batch."""

    def run_epoch(self, order):
        return self.model.train_on_batch(self.X, self.y)


NAMES = {"fcnet": Caller} | {name: peer for name, peer in PEERS.items() if peer.package != "fcnet"}


class Server:
    """Makes the calls of one peer, in a process of its own."""

    def __init__(self, threads: int, seconds: float):
        self.threads, self.seconds = threads, seconds

    def build(self, name: str, batch: str):
        workload = BATCHES[batch]
        weights, (X, y) = workload.weights(), workload.data()
        self.peer = NAMES[name](workload, np.dtype(np.float32), self.threads)
        self.peer.setup([(W.copy(), b.copy()) for W, b in weights], X, y)
        return X

    def step(self, name: str, batch: str) -> list:
        """Get ready for steps; the losses before the first three."""
        self.build(name, batch)
        order = self.peer.prepare(np.arange(BATCHES[batch].rows))
        self.call = lambda _: self.peer.run_epoch(order)
        return [float(self.peer.run_epoch(order)) for _ in range(3)]

    def prediction(self, name: str, batch: str) -> list:
        """Get ready to predict; the outputs."""
        X = self.build(name, batch)
        sample = self.peer.sample(X)
        self.call = lambda _: self.peer.predict(sample)
        return np.asarray(self.peer.predict(sample)).reshape(len(X), -1).tolist()

    def turn(self) -> float:
        return statistics.median(common.turn(self.call, self.seconds / ROUNDS))


def measure(what: str, batch: str, workers: dict[str, common.Worker]) -> dict[str, list[float]]:
    """Median seconds of a call in every round."""
    names = [name for name in workers if NAMES[name].supports(BATCHES[batch])]
    found = {name: workers[name].ask(what, name, batch) for name in names}
    for name in names:
        if what == "prediction" and len(found[name][0]) > len(found["fcnet"][0]):  # scikit-learn's, of both classes
            found[name] = [row[1:] for row in found[name]]
        np.testing.assert_allclose(found[name], found["fcnet"], rtol=2e-3, atol=1e-5, err_msg=f"{name}, {batch}")
    times = {name: [] for name in names}
    for turns in common.rotations(names):
        for name in turns:
            time.sleep(PAUSE)
            times[name].append(workers[name].ask("turn"))
    return times


def rows(what: str, threads: int, workers: dict[str, common.Worker]) -> list[list[str]]:
    """The table of one kind of call."""
    peers = [name for name in NAMES if name != "fcnet"]
    lines = [["network, batch", "threads", "fcnet, us", *(f"{name} / fcnet" for name in peers)]]
    for batch in BATCHES:
        times = measure(what, batch, workers)
        line = [batch, str(threads), f"{statistics.median(times['fcnet']) * 1e6:,.1f}"]
        for name in peers:
            line.append(f"{common.ratio(times[name], times['fcnet']):.2f}" if name in times else "")
        lines.append(line)
        print(what, *line, flush=True)
    return lines


def main() -> None:
    parser = common.with_threads(common.parser(__doc__))
    parser.add_argument("--seconds", type=float, default=1.0, help="for each kind of call of each peer, without set-up")
    arguments = common.parse(parser)
    if arguments.worker:
        server = Server(arguments.worker, arguments.seconds)
        common.serve({name: getattr(server, name) for name in ("step", "prediction", "turn")})
        return
    header = common.header(f"float32; {ROUNDS} rounds in turn, {arguments.seconds:g} s a call and peer; medians")
    print(header, end="\n\n", flush=True)
    tables: dict[str, list[list[str]]] = {"step": [], "prediction": []}
    for threads in arguments.threads:
        workers = {name: common.Worker(threads) for name, peer in NAMES.items() if peer.installed()}
        for what, lines in tables.items():
            found = rows(what, threads, workers)
            lines.extend(found if not lines else found[1:])
        for worker in workers.values():
            worker.close()
    sections = [f"### A {what}\n\n{table(lines)}" for what, lines in tables.items()]
    print(*sections, sep="\n\n")
    if arguments.write:
        common.write_section(arguments.write, "Calls", header, *sections)


if __name__ == "__main__":
    main()
