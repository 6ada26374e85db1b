"""Prediction: the latency of one sample from Python, and the rate of a batch beside that of training.

    python benchmarks/inference.py                      beside every installed peer, on 1 and 2 threads
    python benchmarks/inference.py --threads 1 --seconds 2

How: as in `train.py`, the peers take turns in a process for each number of threads. Each gets its sample in its
own kind of array, made before, and is done when the outputs are there: fcnet's `model.predict`, NumPy into arrays
allocated before, scikit-learn's `predict` or `predict_proba`, PyTorch in `inference_mode`, a jitted function of
JAX. The outputs are compared first. GFLOP/s counts the matrix products.
"""

from __future__ import annotations

import statistics
from dataclasses import replace

import common
import numpy as np
from common import ROUNDS, on_threads, table
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


def measure(workload: Workload, threads: int, seconds: float) -> dict:
    """Median seconds in every round: of one row, of a batch of rows, and of a training step on that batch."""
    one, batch = workload, replace(workload, batch=BATCH, rows=BATCH)
    times = {"latency": common.in_turn(predictors(one, threads), seconds)}
    times["batch"] = common.in_turn(predictors(batch, threads), seconds)
    times["step"] = common.in_turn(trainers(replace(batch, rows=4 * BATCH), threads), seconds)
    times["step"] = {name: [epoch / 4 for epoch in turns] for name, turns in times["step"].items()}
    peak = Peak(np.float32, threads)
    return {"network": workload.name, "threads": threads, "peak": max(peak.sample() for _ in range(5)), **times}


def built(workload: Workload, threads: int) -> dict:
    X, y = replace(workload, rows=4 * BATCH, batch=1).data()  # of all classes, for scikit-learn
    weights = workload.weights()
    peers = {}
    for name, kind in NAMES.items():
        if kind.installed() and kind.supports(workload):
            peers[name] = kind(workload, np.dtype(np.float32), threads)
            peers[name].setup([(W.copy(), b.copy()) for W, b in weights], X, y)
    return peers


def predictors(workload: Workload, threads: int) -> dict:
    X, peers = workload.data()[0], built(workload, threads)
    outputs = {name: np.asarray(peer.predict(peer.sample(X))).reshape(len(X), -1) for name, peer in peers.items()}
    for name in outputs:
        np.testing.assert_allclose(outputs[name], outputs["fcnet"], rtol=1e-3, atol=1e-5, err_msg=name)
    samples = {name: peer.sample(X) for name, peer in peers.items()}
    return {name: lambda _, name=name: peers[name].predict(samples[name]) for name in peers}


def trainers(workload: Workload, threads: int) -> dict:
    peers = built(workload, threads)
    orders = {name: peer.prepare(workload.order(0)) for name, peer in peers.items()}
    return {name: lambda _, name=name: peers[name].run_epoch(orders[name]) for name in peers}


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
    arguments = parser.parse_args()
    if arguments.worker:
        for workload in NETWORKS.values():
            common.report(measure(workload, arguments.worker, arguments.seconds))
        return
    header = common.header(f"float32; {ROUNDS} rounds in turn, {arguments.seconds:g} s a time and peer")
    print(header, end="\n\n", flush=True)
    sections = []
    for threads in arguments.threads:
        for result in common.worker(threads):
            sections.append(section(result))
            print(sections[-1], flush=True)
    if arguments.write:
        common.write_section("Inference", header, *sections)


if __name__ == "__main__":
    main()
