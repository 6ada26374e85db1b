"""Prediction: the latency of one sample from Python, and the rate of a batch beside that of training.

    python benchmarks/inference.py                      beside every installed peer, on 1 and 2 threads
    python benchmarks/inference.py --threads 1 --seconds 2

How: as in `train.py`, the peers take turns, each in a process of its own. Each gets its sample in its
own kind of array, made before, and is done when the outputs are there: fcnet's `model.predict`, NumPy into arrays
allocated before, scikit-learn's `predict` or `predict_proba`, PyTorch in `inference_mode`, a jitted function of
JAX. The outputs are compared first. GFLOP/s counts the matrix products.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import replace

import common
import numpy as np
from common import PAUSE, ROUNDS, on_threads, table
from peak import Peak
from peers import PEERS
from workloads import SQUARED, Workload

BATCH = 1024
NETWORKS = {
    workload.name: workload
    for workload in [
        Workload("4-32-32-2", (4, 32, 32, 2), batch=1, rows=1, loss=SQUARED),
        Workload("784-128-10", (784, 128, 10), batch=1, rows=1),
    ]
}
NAMES = {"fcnet" if name == "fcnet fit" else name: peer for name, peer in PEERS.items() if name != "fcnet"}


class Server:
    """Predicts and trains with one peer, in a process of its own."""

    def __init__(self, threads: int, seconds: float):
        self.threads, self.seconds = threads, seconds

    def build(self, name: str, network: str, batch: int):
        workload = replace(NETWORKS[network], batch=batch, rows=BATCH)
        weights, (X, y) = workload.weights(), workload.data()
        self.peer = NAMES[name](workload, np.dtype(np.float32), self.threads)
        self.peer.setup([(W.copy(), b.copy()) for W, b in weights], X, y)
        return X[:batch]

    def predictor(self, name: str, network: str, batch: int) -> list:
        """Get ready to predict `batch` rows; the outputs."""
        X = self.build(name, network, batch)
        sample = self.peer.sample(X)
        self.call = lambda _: self.peer.predict(sample)
        return np.asarray(self.peer.predict(sample)).reshape(len(X), -1).tolist()

    def trainer(self, name: str, network: str, batch: int) -> None:
        """Get ready to train on one batch."""
        self.build(name, network, batch)
        order = self.peer.prepare(self.peer.workload.order(0))
        self.call = lambda _: self.peer.run_epoch(order)

    def turn(self) -> float:
        return statistics.median(common.turn(self.call, self.seconds / ROUNDS))

    def peak(self) -> float:
        peak = Peak(np.float32, self.threads)
        return max(peak.sample() for _ in range(5))


def measure(network: str, workers: dict[str, common.Worker], threads: int) -> dict:
    """Median seconds in every round: of one row, of a batch of rows, and of a training step on that batch."""
    names = [name for name in workers if NAMES[name].supports(NETWORKS[network])]
    result = {"network": network, "threads": threads, "peak": workers["fcnet"].ask("peak")}
    for what, question, batch in (
        ("latency", "predictor", 1),
        ("batch", "predictor", BATCH),
        ("step", "trainer", BATCH),
    ):
        outputs = {name: workers[name].ask(question, name, network, batch) for name in names}
        for name in names if question == "predictor" else []:
            np.testing.assert_allclose(outputs[name], outputs["fcnet"], rtol=1e-3, atol=1e-5, err_msg=name)
        result[what] = {name: [] for name in names}
        for turns in common.rotations(names):
            for name in turns:
                time.sleep(PAUSE)
                result[what][name].append(workers[name].ask("turn"))
    return result


def section(result: dict) -> str:
    workload = replace(NETWORKS[result["network"]], batch=BATCH, rows=BATCH)
    forward = sum(2 * BATCH * inputs * outputs for inputs, outputs in workload.shapes)
    latency, batch, step = result["latency"], result["batch"], result["step"]
    rows = [["", "one row, us", "time / fcnet's", "rows/s", "GFLOP/s", "time / fcnet's", "training, GFLOP/s"]]
    for name in latency:
        seconds = statistics.median(batch[name])
        rows.append(
            [
                name,
                f"{statistics.median(latency[name]) * 1e6:,.1f}",
                f"{common.ratio(latency[name], latency['fcnet']):.2f}",
                f"{BATCH / seconds:,.0f}",
                f"{forward / seconds / 1e9:.3g}",
                f"{common.ratio(batch[name], batch['fcnet']):.2f}",
                f"{workload.flops / statistics.median(step[name]) / 1e9:.3g}",
            ]
        )
    title = f"### {result['network']}, {on_threads(result['threads'])}"
    return f"{title}\n\nBatches of {BATCH:,}; FMA peak {result['peak']:.0f} GFLOP/s\n\n{table(rows)}"


def main() -> None:
    parser = common.with_threads(common.parser(__doc__))
    parser.add_argument("--seconds", type=float, default=1.0, help="for each time of each peer, without set-up")
    arguments = common.parse(parser)
    if arguments.worker:
        server = Server(arguments.worker, arguments.seconds)
        common.serve({name: getattr(server, name) for name in ("predictor", "trainer", "turn", "peak")})
        return
    header = common.header(f"float32; {ROUNDS} rounds in turn, {arguments.seconds:g} s a time and peer")
    print(header, end="\n\n", flush=True)
    sections = []
    for threads in arguments.threads:
        workers = {name: common.Worker(threads) for name, peer in NAMES.items() if peer.installed()}
        for network in NETWORKS:
            sections.append(section(measure(network, workers, threads)))
            print(sections[-1], flush=True)
        for worker in workers.values():
            worker.close()
    if arguments.write:
        common.write_section(arguments.write, "Inference", header, *sections)


if __name__ == "__main__":
    main()
