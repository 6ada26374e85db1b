"""fcnet.sklearn beside scikit-learn: the same programs with either import, whole calls timed.

    python benchmarks/estimators.py
    python benchmarks/estimators.py --programs "fit digits" "predict one row" --seconds 20
    python benchmarks/estimators.py --scores    # no times: test scores over 20 seeds

Both sides get the same data, parameters and number of epochs (tol=0: neither stops early), float64 as scikit-learn
computes it, and float32 where it says so; each side has a process of its own, and the test scores are compared.  What
is compiled at the first use is compiled before.  In `GridSearchCV(n_jobs=2)` every worker process loads the kernels
from the cache, and that is part of its time, as it is for a user.  Where a program is
one fit, the FMA peak is sampled in every round; the products by that are the share of the peak, which bounds what
anything can gain.
"""

from __future__ import annotations

import os
import statistics
import time
import warnings

import common
import numpy as np
from common import PAUSE, on_threads
from peak import Peak

EPOCHS = 30
HIDDEN = 100


def digits(dtype=np.float64):
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return (X / 16).astype(dtype), y


def images(dtype=np.float64):
    """60,000 samples of the size of MNIST's: ten blurred random shapes and noise."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 10, 60_000)
    shapes = rng.random((10, 784))
    return (0.5 * shapes[y] + 0.5 * rng.random((60_000, 784))).astype(dtype), y


def fit(data, max_iter):
    X, y = data
    half, classes = len(X) // 2, len(np.unique(y))

    def program(classifier):
        made = classifier((HIDDEN,), random_state=0, max_iter=max_iter, tol=0.0, n_iter_no_change=10_000)
        return made.fit(X, y).score(X[:half], y[:half])

    program.dtype = X.dtype.name
    program.flops = max_iter * len(X) * (4 * X.shape[1] + 6 * classes) * HIDDEN  # the first layer needs no dX
    return program


def cross_validation(data):
    def program(classifier):
        from sklearn.model_selection import cross_val_score

        return cross_val_score(classifier(random_state=0, max_iter=EPOCHS), *data, cv=3).mean()

    return program


def grid_search(data):
    def program(classifier):
        import joblib
        from sklearn.model_selection import GridSearchCV

        grid = {"hidden_layer_sizes": [(50,), (100,)], "alpha": [1e-4, 1e-2]}
        search = GridSearchCV(classifier(random_state=0, max_iter=EPOCHS), grid, cv=3, n_jobs=2)
        # joblib's default, unless the environment has numbers of threads, as it has here
        with joblib.parallel_config("loky", inner_max_num_threads=1):
            search.fit(*data)
        return search.best_score_

    return program


def bagging(data):
    def program(classifier):
        from sklearn.ensemble import BaggingClassifier

        nets = BaggingClassifier(classifier(max_iter=EPOCHS // 3), n_estimators=50, random_state=0)
        return nets.fit(*data).score(*data)

    return program


def predictions(rows):
    """1,000 calls of so many rows."""
    X, y = digits()
    some, fitted = X[:rows].copy(), {}

    def program(classifier):
        if not fitted:
            fitted["net"] = classifier(max_iter=3, random_state=0).fit(X, y)
        predict = fitted["net"].predict
        for _ in range(1000):
            predict(some)

    return program


def stream(rows):
    """Ten times through the samples, so many a call."""
    X, y = digits()
    parts = [(X[first : first + rows], y[first : first + rows]) for first in range(0, len(X), rows)]

    def program(classifier):
        made = classifier((HIDDEN,), random_state=0)
        for _ in range(10):
            for part in parts:
                made.partial_fit(*part, classes=range(10) if part is parts[0] else None)
        return made.score(X, y)

    return program


PROGRAMS = {
    "fit digits": lambda: fit(digits(), max_iter=200),
    "fit digits, float32": lambda: fit(digits(np.float32), max_iter=200),
    "fit 60,000 x 784": lambda: fit(images(), max_iter=3),
    "fit 60,000 x 784, float32": lambda: fit(images(np.float32), max_iter=3),
    "cross_val_score": lambda: cross_validation(digits()),
    "GridSearchCV(n_jobs=2)": lambda: grid_search(digits()),
    "BaggingClassifier of 50": lambda: bagging(digits()),
    "partial_fit of 32 rows": lambda: stream(32),
    "predict one row": lambda: predictions(1),
    "predict 32 rows": lambda: predictions(32),
}


def compared_scores(seeds: int = 20) -> list[list[str]]:
    """Test scores of both sides, trained on the same three quarters of the samples from the same first weights."""
    from sklearn import datasets, neural_network
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import StandardScaler

    import fcnet.sklearn

    warnings.simplefilter("ignore")
    rows = [["data", "score", "fcnet", "scikit-learn", "difference", "its standard error"]]
    for name, kind, score in (("digits", "MLPClassifier", "accuracy"), ("iris", "MLPClassifier", "accuracy"),
                              ("diabetes", "MLPRegressor", "R2")):  # fmt: skip
        X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        X, y = StandardScaler().fit_transform(X), (y - y.mean()) / y.std() if score == "R2" else y
        found = np.empty((seeds, 2))
        for seed in range(seeds):
            train_X, test_X, train_y, test_y = train_test_split(X, y, random_state=seed)
            for side, module in enumerate((fcnet.sklearn, neural_network)):
                estimator = getattr(module, kind)(max_iter=60, random_state=seed)
                found[seed, side] = estimator.fit(train_X, train_y).score(test_X, test_y)
        difference = found[:, 0] - found[:, 1]
        means = [f"{mean:.4f}" for mean in (*found.mean(axis=0), difference.mean())]
        rows.append([name, score, *means, f"{difference.std(ddof=1) / np.sqrt(seeds):.4f}"])
    return rows


class Server:
    """One side in a worker process."""

    def __init__(self, side: str, threads: int):
        self.threads = threads
        # for processes that it starts
        os.environ["PYTHONWARNINGS"] = "ignore"
        warnings.simplefilter("ignore")
        if side == "fcnet":
            from fcnet.sklearn import MLPClassifier
        else:
            from sklearn.neural_network import MLPClassifier
        self.classifier = MLPClassifier

    def prepare(self, name: str):
        self.program = PROGRAMS[name]()
        return *self.run(), getattr(self.program, "flops", 0)

    def peak(self) -> float:
        peak = Peak(self.program.dtype, self.threads)
        return max(peak.sample() for _ in range(3))

    def run(self):
        begin = time.perf_counter()
        score = self.program(self.classifier)
        return time.perf_counter() - begin, score


def measure(name: str, workers: dict[str, common.Worker], seconds: float) -> tuple[dict, dict, float]:
    """Seconds of the calls of either side, in turn, their scores, and the time of the products at the peak."""
    first = {side: worker.ask("prepare", name) for side, worker in workers.items()}
    flops, times, peaks = first["fcnet"][2], {side: [] for side in workers}, []
    rounds = max(3, min(15, int(seconds / sum(answer[0] for answer in first.values()))))
    for order in common.rotations([*workers], rounds):
        for side in order:
            time.sleep(PAUSE)
            times[side].append(workers[side].ask("run")[0])
        if flops:
            peaks.append(workers["fcnet"].ask("peak"))
    bound = flops / max(peaks) / 1e9 if flops else 0.0
    return times, {side: answer[1] for side, answer in first.items()}, bound


def main() -> None:
    parser = common.with_threads(common.parser(__doc__))
    parser.add_argument("--programs", nargs="+", choices=[*PROGRAMS], default=[*PROGRAMS], metavar="NAME")
    parser.add_argument("--seconds", type=float, default=20.0, help="for each program, at least 3 rounds")
    parser.add_argument("--scores", action="store_true", help="test scores over 20 seeds in place of times")
    parser.add_argument("--side", help="of a worker")
    arguments = common.parse(parser)
    if arguments.worker:
        server = Server(arguments.side, arguments.worker)
        common.serve({"prepare": server.prepare, "run": server.run, "peak": server.peak})
        return
    if arguments.scores:
        print(common.table(compared_scores()))
        return
    header = common.header("whole calls in turn, medians")
    print(header, end="\n\n", flush=True)
    sections = []
    for threads in arguments.threads:
        workers = {side: common.Worker(threads, "--side", side) for side in ("fcnet", "scikit-learn")}
        rows = [["program", "fcnet, s", "scikit-learn, s", "time / fcnet's", "of peak", "scores"]]
        for name in arguments.programs:
            times, scores, bound = measure(name, workers, arguments.seconds)
            medians = [statistics.median(turns) for turns in times.values()]
            shares = " / ".join(f"{bound / median:.0%}" for median in medians) if bound else ""
            shown = " / ".join("" if score is None else f"{score:.3f}" for score in scores.values())
            rows.append([name, *(f"{median:.3g}" for median in medians),
                         f"{common.ratio(times['scikit-learn'], times['fcnet']):.1f}", shares, shown])  # fmt: skip
            print(rows[-1], flush=True)
        for worker in workers.values():
            worker.close()
        sections.append(f"### {on_threads(threads)}\n\n{common.table(rows)}")
        print(sections[-1], flush=True)
    if arguments.write:
        text = (
            "A fit is followed by `score` of half the samples. Epochs: 200, scikit-learn's default, of digits; 3 of "
            f"60,000 x 784; {EPOCHS} in `cross_val_score` and `GridSearchCV`, {EPOCHS // 3} in `BaggingClassifier`. "
            "`partial_fit` goes ten times through digits, `predict` is 1,000 calls. Of peak: the time that the "
            "products of a fit take at the FMA peak of these cores, by that of fcnet / scikit-learn; 1 by the second "
            "is the most that anything can gain."
        )
        common.write_section(arguments.write, "scikit-learn", header, text, *sections)


if __name__ == "__main__":
    main()
