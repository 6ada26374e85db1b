"""What `test_processes.py` runs in a process of its own: every way in which programs share work out, with digests.

``python process_cells.py CELL...`` prints the name of a cell before it runs, and ends with "done" when all gave the
bits of a fit that is alone.
"""

import ctypes
import faulthandler
import hashlib
import importlib.util
import multiprocessing
import os
import sys
import threading
import warnings
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numba
import numpy as np

import fcnet
from fcnet import Dense, Sequential, kernels

N, BATCH, EPOCHS = 512, 256, 3
THREADS = 2


def load_tbb():
    """The wheel puts it where the loader does not look."""
    for prefix in (sys.prefix, Path(importlib.util.find_spec("numba").origin).parents[4]):
        for library in sorted(Path(prefix, "lib").glob("libtbb.so.*")):
            ctypes.CDLL(str(library))
            return


def prepare_layer():
    """Also in workers that do not import this file."""
    if os.environ.get("NUMBA_THREADING_LAYER") == "tbb":
        load_tbb()
    if os.environ.get("FCNET_TEST_WITHOUT_LIBGOMP"):
        sys.modules["numba.np.ufunc.omppool"] = None  # the ImportError of a slim container


prepare_layer()


# ----------------------------------------------------------------------------------- what everyone computes


def samples(seed):
    X = np.random.default_rng(seed).normal(size=(N, 16)).astype(np.float32)
    return X, np.cos(X[:, 0])


def network(seed):
    fcnet.set_seed(seed)
    model = Sequential([Dense(64, "relu", input_dim=16), Dense(64, "tanh"), Dense(1)])
    model.compile("adam", "mse")
    return model


def digest(*arrays):
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()[:16]


def work(seed):
    """A fit and a prediction."""
    model = network(0)  # its weights are those of the seed, whoever draws others meanwhile
    start = np.random.default_rng(seed).normal(scale=0.2, size=model.count_params())
    model.parameters[:] = start
    X, y = samples(seed)
    model.fit(X, y, batch_size=BATCH, epochs=EPOCHS, verbose=0, seed=seed)
    return digest(model.parameters, model.predict(X))


def kernel_work(seed):
    """Public kernels, which have threads of their own, here for small arrays too."""
    kernels._jit.share_small = True
    X, _ = samples(seed)
    W, b, A = np.ones((16, 40), np.float32), np.zeros(40, np.float32), np.empty((N, 40), np.float32)
    kernels.dense_forward(X, W, b, A, kernels.TANH)
    params, velocity = np.ones(40_000, np.float32), np.zeros(40_000, np.float32)
    kernels.sgd(params, np.resize(A, params.shape), velocity, 0.1, 0.9, False)
    return digest(A, params)


def in_worker(seed):
    """The same in a process of a pool, where one thread is the default."""
    prepare_layer()
    assert fcnet.get_num_threads() == 1, fcnet.get_num_threads()
    return work(seed) + kernel_work(seed)


SEEDS = range(3)


def check(found, expected):
    assert list(found) == expected, f"{list(found)} is not {expected}"


class Expected:
    """Computed on two threads, so the layer has been used before a cell begins; and the same on one."""

    def __init__(self):
        self.fits = [work(seed) for seed in SEEDS]
        self.kernels = [kernel_work(seed) for seed in SEEDS]
        with fcnet.num_threads(1):
            check([work(seed) for seed in SEEDS], self.fits)
            check([kernel_work(seed) for seed in SEEDS], self.kernels)
        self.both = [fit + of_kernel for fit, of_kernel in zip(self.fits, self.kernels, strict=True)]


# ------------------------------------------------------------------------------------------------- the cells


def threads(expected):
    """Models of their own in several Python threads, kernels, and one model that one thread fits and others ask."""
    model = network(0)
    X, y = samples(0)
    model.fit(X, y, verbose=0)
    stop = threading.Event()

    def ask():
        while not stop.is_set():
            assert np.isfinite(model.predict(X)).all() and np.isfinite(model.predict(X[:2])).all()

    with ThreadPoolExecutor(6) as pool:
        asking = [pool.submit(ask) for _ in range(2)]
        fitting = pool.submit(model.fit, X, y, epochs=20, verbose=0)
        fits, of_kernels = pool.map(work, SEEDS), pool.map(kernel_work, SEEDS)
        check(fits, expected.fits)
        check(of_kernels, expected.kernels)
        fitting.result()
        stop.set()
        [asked.result() for asked in asking]


def in_fork(function):
    """The function's result in a forked child, through a pipe."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writer, function().encode())
        finally:
            os._exit(0)
    os.close(writer)
    text = b""
    while part := os.read(reader, 1 << 16):
        text += part
    os.close(reader)
    assert os.waitpid(child, 0)[1] == 0
    return text.decode()


def fork_after_fit(expected):
    check([in_fork(lambda seed=seed: in_worker(seed)) for seed in SEEDS], expected.both)
    check([in_fork(lambda: in_fork(lambda: in_worker(0)))], expected.both[:1])
    with fcnet.num_threads(2):  # a setting of the parent is none of the child
        check([in_fork(lambda: in_worker(0))], expected.both[:1])
    check([work(0)], expected.fits[:1])  # and the parent goes on


def fork_while_another_thread_fits(expected):
    """A child has the model as it was between two steps, and nobody holds its lock."""
    X, y = samples(0)
    model, twin = network(0), network(0)
    twin.parameters[:] = model.parameters
    fitting = threading.Thread(target=model.fit, args=(X, y, N, 10**9), kwargs=dict(verbose=0))
    fitting.start()

    def child():
        steps = model.optimizer.iterations
        twin.fit(X, y, N, steps, verbose=0)
        assert np.array_equal(model.parameters, twin.parameters), steps
        assert np.array_equal(model.predict(X), twin.predict(X))
        model.fit(X, y, N, 2, verbose=0)
        return in_worker(0)

    try:
        while model.optimizer.iterations < 10:
            pass
        check([in_fork(child) for _ in range(5)], 5 * expected.both[:1])
    finally:
        model.stop_training = True
        fitting.join()


def pool_fork(expected):
    with multiprocessing.get_context("fork").Pool(2) as pool:
        check(pool.map(in_worker, SEEDS), expected.both)


def executor(method, expected):
    with ProcessPoolExecutor(2, multiprocessing.get_context(method)) as pool:
        check(pool.map(in_worker, SEEDS), expected.both)


def executor_fork(expected):
    executor("fork", expected)


def executor_forkserver(expected):
    executor("forkserver", expected)


def executor_spawn(expected):
    executor("spawn", expected)


def joblib_cell(backend, function, expected):
    import joblib

    check(joblib.Parallel(2, backend=backend)(joblib.delayed(function)(seed) for seed in SEEDS), expected)


def joblib_loky(expected):
    joblib_cell("loky", in_worker, expected.both)


def joblib_threading(expected):
    joblib_cell("threading", work, expected.fits)


def dask_cell(scheduler, function, expected):
    import dask

    tasks = [dask.delayed(function)(seed) for seed in SEEDS]
    check(dask.compute(*tasks, scheduler=scheduler, num_workers=2), expected)


def dask_threads(expected):
    dask_cell("threads", work, expected.fits)


def dask_processes(expected):
    dask_cell("processes", in_worker, expected.both)


def dask_cluster(processes, function, expected):
    from dask.distributed import Client, LocalCluster

    cluster = LocalCluster(2, processes=processes, threads_per_worker=1 if processes else 2, dashboard_address=":0")
    with cluster, Client(cluster) as client:
        check(client.gather(client.map(function, SEEDS)), expected)


def dask_cluster_of_threads(expected):
    dask_cluster(False, work, expected.fits)


def dask_cluster_of_processes(expected):
    dask_cluster(True, in_worker, expected.both)


@numba.njit(parallel=True)
def users_loop(P, G, V):
    for i in numba.prange(len(P)):
        kernels.sgd(P[i], G[i], V[i], 0.1, 0.9, False)


def called_from_prange(expected):
    P, V = np.ones((8, 20_000), np.float32), np.zeros((8, 20_000), np.float32)
    G = np.random.default_rng(0).normal(size=P.shape).astype(np.float32)
    Q, U = P.copy(), V.copy()
    for i in range(len(Q)):
        kernels.sgd(Q[i], G[i], U[i], 0.1, 0.9, False)
    users_loop(P, G, V)
    assert np.array_equal(P, Q) and np.array_equal(V, U)


def nested(expected):
    """A fit in a hook of a fit, in a thread of a pool, and a pool in a process of a pool."""
    found = []
    hook = fcnet.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: found.append(work(0)))
    X, y = samples(1)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda seed: network(seed).fit(X, y, verbose=0, callbacks=hook), SEEDS))
    check(found, len(found) * expected.fits[:1])
    assert len(found) >= len(SEEDS)
    with ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as pool:
        pool.submit(executor_fork, expected).result()


if __name__ == "__main__":
    warnings.filterwarnings("error")
    warnings.filterwarnings("ignore", message=r".*multi-threaded.*fork", category=DeprecationWarning)
    faulthandler.enable()
    fcnet.set_num_threads(THREADS)  # also where this process may run on one processor
    expected = Expected()
    for name in sys.argv[1:]:
        print(name, flush=True)
        globals()[name](expected)
    print("done", numba.threading_layer(), flush=True)
