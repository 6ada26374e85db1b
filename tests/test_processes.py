"""Threads and processes: the matrix of threading layers and ways to share work out, and the number of threads."""

import contextlib
import importlib.util
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import process_cells
import pytest
from conftest import TESTS
from fcnet.kernels import threads

import fcnet
from fcnet import _runtime, seeds

# ------------------------------------------------------------------------------------------------ the matrix

LAYERS = "omp", "workqueue", "tbb", "no libgomp"
CELLS = (
    "threads", "joblib_threading", "dask_threads", "dask_cluster_of_threads", "called_from_prange", "nested",
    "fork_after_fit", "fork_while_another_thread_fits", "pool_fork", "executor_fork",
    "executor_forkserver", "executor_spawn", "joblib_loky", "dask_processes", "dask_cluster_of_processes",
)  # fmt: skip
NEEDS = {"joblib": "joblib", "dask": "dask", "dask_cluster": "distributed"}


def in_a_group(command, environment, seconds=120):
    """Status, output and errors of a process; after so many seconds it ends, with all that it has started."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, env=environment, cwd=TESTS.parent, stdout=out, stderr=errors,
                                   start_new_session=True)  # fmt: skip
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGABRT)  # and says where it hangs
            process.wait()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        out.seek(0)
        errors.seek(0)
        return process.returncode, out.read(), errors.read()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("cell", CELLS)
def test_right_results(layer, cell):
    """The bits of one thread, from everyone; a worker computes on one. A hang or an abort ends in a failure."""
    for name, package in NEEDS.items():
        if cell.startswith(name) and not importlib.util.find_spec(package):
            pytest.skip(f"needs {package}")
    environment = {**os.environ, "NUMBA_NUM_THREADS": "2", "NUMBA_THREADING_LAYER": layer}
    if layer == "tbb" and not importlib.util.find_spec("numba.np.ufunc.tbbpool"):
        pytest.skip("this Numba has no tbb")
    if layer == "no libgomp":
        environment.update(NUMBA_THREADING_LAYER="default", FCNET_TEST_WITHOUT_LIBGOMP="1")
    status, out, errors = in_a_group([sys.executable, str(TESTS / "process_cells.py"), cell], environment)
    if layer in ("omp", "tbb") and "No threading layer could be loaded" in errors:
        pytest.skip(f"no library for {layer}")
    assert status == 0, f"exit status {status}\n{out}\n{errors}"
    assert out.split("\n")[0] == cell
    used = out.split("\n")[-2].removeprefix("done ")
    assert used in (("tbb", "workqueue") if layer == "no libgomp" else (layer,))


@pytest.mark.skipif(not importlib.util.find_spec("numba.np.ufunc.tbbpool"), reason="this Numba has no tbb")
def test_the_end_of_a_process_with_tbb():
    """Numba's layer, when it is unloaded, waits for a task that such forks have lost; it is not unloaded."""
    cells = "threads", "called_from_prange", "nested", "fork_while_another_thread_fits", "pool_fork", "executor_fork"
    environment = {**os.environ, "NUMBA_NUM_THREADS": "2", "NUMBA_THREADING_LAYER": "tbb"}
    status, out, errors = in_a_group([sys.executable, str(TESTS / "process_cells.py"), *cells], environment)
    if "No threading layer could be loaded" in errors:
        pytest.skip("no library for tbb")
    assert status == 0 and out.endswith("done tbb\n"), f"exit status {status}\n{out}\n{errors}"


# ------------------------------------------------------------------------------------------- how many threads


@pytest.fixture
def eight(monkeypatch):
    """A machine where Numba would use eight threads, and nothing limits them."""
    monkeypatch.setattr(threads, "_numba_threads", lambda: 8)
    monkeypatch.setattr(threads, "_affinity", lambda: None)
    monkeypatch.setattr(threads, "_quota", lambda: None)
    monkeypatch.delenv("NUMBA_NUM_THREADS", raising=False)
    assert fcnet.get_num_threads() == 8


def test_what_says_how_many(eight, monkeypatch):
    """From the weakest to the strongest."""
    for where, name, value, count, why in (
        (threads, "_quota", lambda: 6, 6, "the CPU quota of the container"),
        (threads, "_affinity", lambda: 5, 5, "the processors that this process may run on"),
        (threads, "_quota", lambda: 3, 3, "the CPU quota of the container"),
        (multiprocessing, "parent_process", lambda: object(), 1, "a worker process"),
        (threads, "_chosen", 4, 4, "set_num_threads"),
    ):
        monkeypatch.setattr(where, name, value)
        assert threads.count_threads() == (count, why)
    with fcnet.num_threads(7):
        assert threads.count_threads() == (7, "num_threads or n_threads")
        monkeypatch.setattr(threads, "_alone", True)
        assert threads.count_threads()[0] == 1


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs affinities")
def test_an_affinity_set_later_counts():
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert fcnet.get_num_threads() == 1
    finally:
        os.sched_setaffinity(0, before)


@pytest.mark.parametrize("files, groups, expected", [
    ({"cpu.max": "150000 100000"}, "0::/", 2),
    ({"cpu.max": "max 100000"}, "0::/", None),
    ({"a/cpu.max": "max 100000", "cpu.max": "300000 100000"}, "0::/a", 3),
    ({"a/cpu.max": "100000 100000", "a/b/cpu.max": "400000 100000"}, "0::/a/b/c", 1),
    ({"cpu.max": "1000 100000"}, "0::/", 1),
    ({"cpu.max": "nonsense"}, "0::/", None),
    ({}, "0::/", None),
    ({"cpu,cpuacct/a/cpu.cfs_quota_us": "250000", "cpu,cpuacct/a/cpu.cfs_period_us": "100000"},
     "5:memory:/\n4:cpu,cpuacct:/a\n0::/", 3),
    ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, "4:cpu:/", None),
])  # fmt: skip
def test_quota(files, groups, expected, tmp_path):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    assert threads.quota(tmp_path, groups) == expected


def test_a_context_is_of_one_thread_alone():
    """Two Python threads with numbers of their own at the same time, and errors inside."""
    together, default = threading.Barrier(2, timeout=60), fcnet.get_num_threads()

    def inside(n):
        seen = [fcnet.get_num_threads()]
        with contextlib.suppress(KeyError), fcnet.num_threads(n):
            together.wait()
            seen.append(fcnet.get_num_threads())
            with fcnet.num_threads(n + 10), fcnet.num_threads(None):
                together.wait()
                seen.append(fcnet.get_num_threads())
            seen.append(fcnet.get_num_threads())
            raise KeyError
        return [*seen, fcnet.get_num_threads()]

    with ThreadPoolExecutor(2) as pool, fcnet.num_threads(5):
        found = list(pool.map(inside, (2, 3)))
        assert fcnet.get_num_threads() == 5
    assert found == [[default, n, n + 10, n, default] for n in (2, 3)]


def test_only_so_many_of_numbas_threads_take_part():
    before = numba.get_num_threads()
    with threads.launching(1):
        assert numba.get_num_threads() == 1
    with contextlib.suppress(KeyError), threads.launching(10**6):
        assert numba.get_num_threads() == numba.config.NUMBA_NUM_THREADS
        raise KeyError
    assert numba.get_num_threads() == before


def test_n_threads_of_one_call(monkeypatch):
    """Work is cut into so many shares, with the same bits; the count of the process is as it was."""
    X, y = process_cells.samples(0)
    digests = []
    for n in (None, 1, 2, np.int64(3)):
        model, counts = process_cells.network(0), []
        enter = type(model._compiled_engine())._enter
        monkeypatch.setattr(type(model._engine), "_enter",
                            lambda self, *steps, enter=enter, counts=counts: counts.append(self.threads)
                            or enter(self, *steps))  # fmt: skip
        model.fit(X, y, batch_size=256, epochs=2, verbose=0, seed=1, n_threads=n)
        values = np.array(model.evaluate(X, y, n_threads=n))
        digests.append(process_cells.digest(model.parameters, model.predict(X, n_threads=n), values))
        monkeypatch.undo()
        assert n is None or (set(counts) == {n} and len(counts) >= 3)
    assert len(set(digests)) == 1


@pytest.mark.parametrize("wrong, error", [(0, ValueError), (-1, ValueError), (1.5, TypeError), (True, TypeError),
                                          ("2", TypeError)])  # fmt: skip
def test_no_number_of_threads(wrong, error):
    X, y = process_cells.samples(0)
    model = process_cells.network(0)
    before = model.parameters.copy()
    for call in (lambda: model.fit(X, y, verbose=0, n_threads=wrong), lambda: model.predict(X, n_threads=wrong),
                 lambda: model.evaluate(X, y, n_threads=wrong)):  # fmt: skip
        with pytest.raises(error, match=f"n_threads must be .*got {wrong!r}"):
            call()
    with pytest.raises(error, match=f"n must be .*got {wrong!r}"):
        fcnet.set_num_threads(wrong)
    with pytest.raises(error, match=f"n must be .*got {wrong!r}"), fcnet.num_threads(wrong):
        pass
    np.testing.assert_array_equal(model.parameters, before)


def test_show_config(capsys):
    fcnet.show_config()
    text = capsys.readouterr().out
    shown = dict(line.split("  ", 1) for line in text.splitlines())
    assert [*shown] == ["fcnet", "Python", "NumPy", "Numba", "threads", "threading layer", "processor", "kernel cache"]
    shown = {name: value.strip() for name, value in shown.items()}
    assert shown["fcnet"] == fcnet.__version__ and shown["NumPy"] == np.__version__
    assert shown["Numba"].startswith(f"{numba.__version__}, LLVM ")
    assert shown["threading layer"] == numba.threading_layer()
    with fcnet.num_threads(3):
        lines = []
        fcnet.show_config(lines.append)
    assert len(lines) == 1 and "3 (num_threads or n_threads)" in lines[0]


# ------------------------------------------------------------------------------------------------- interrupts

LONG_STEP = """
    import signal, sys, threading, time
    import numpy as np
    import fcnet
    from fcnet import Dense, Sequential

    def made():
        fcnet.set_seed(0)
        model = Sequential([Dense(width, "relu", input_dim=64), Dense(width, "relu"), Dense(1)])
        model.compile("adam", "mse")
        model.fit(X[:300], y[:300], batch_size=300, verbose=0)
        return model

    width, n = 512, 100_000
    X = np.random.default_rng(0).normal(size=(n, 64)).astype(np.float32)
    y = X[:, :1].copy()
    model, twin = made(), made()
    model.predict(X[:300]), model.evaluate(X[:300], y[:300]), model.loss_and_gradient(X[:300], y[:300])
    before, steps, sent = model.parameters.copy(), model.optimizer.iterations, []

    def interrupt():
        sent.append((time.perf_counter(), time.process_time()))
        signal.raise_signal(signal.SIGINT)

    for call in (
        lambda: model.fit(X, y, batch_size=n, verbose=0, shuffle=False, epochs=1000),
        lambda: [model.predict(X) for _ in range(1000)],
        lambda: [model.evaluate(X, y) for _ in range(1000)],
        lambda: [model.loss_and_gradient(X, y) for _ in range(1000)],
        lambda: model.find_learning_rate(X, y, batch_size=n, steps=1000),
        lambda: model.train_on_batch(X, y),
    ):
        threading.Timer(0.3, interrupt).start()
        try:
            call()
            time.sleep(60)  # it was soon done
        except KeyboardInterrupt:
            print(*(now - then for now, then in zip((time.perf_counter(), time.process_time()), sent[-1])))
        twin.fit(X, y, batch_size=n, verbose=0, shuffle=False, epochs=model.optimizer.iterations - steps) \
            if model.optimizer.iterations > steps else None
        assert np.array_equal(model.parameters, twin.parameters), call
        steps = model.optimizer.iterations
    assert model.history.epoch == [*range(len(model.history.history["loss"]))]
    model.fit(X[:300], y[:300], batch_size=300, verbose=0)
    twin.fit(X[:300], y[:300], batch_size=300, verbose=0)
    assert np.array_equal(model.parameters, twin.parameters)
"""


@pytest.mark.skipif(os.name == "nt", reason="signals are sent another way")
@pytest.mark.parametrize("threads", [1, 2])
def test_ctrl_c_within_a_step(threads, run_python):
    """A step of a second is left in its midst, and has not been."""
    found = run_python(LONG_STEP, NUMBA_NUM_THREADS=str(threads)).stdout
    for line in found.splitlines():
        seconds, of_processor = map(float, line.split())
        # what others take of the processor does not count, but no wait is endless
        assert of_processor < 0.2 * threads and seconds < 2, found
    assert len(found.splitlines()) == 6


LONG_FITS = """
    import itertools, signal, threading, time
    import numpy as np
    import fcnet
    from fcnet import Dense, Sequential, optimizers

    n = 60_000
    X = np.random.default_rng(0).normal(size=(n, 64)).astype(np.float32)
    y = np.tanh(X[:, :1])
    small = X[:100], y[:100]

    def blocks():
        for first in range(0, n, 10_000):
            yield X[first:first + 10_000], y[first:first + 10_000]

    def adam(**options):
        return optimizers.Adam(1e-4, **options)

    CASES = {  # optimizer, width, rows, batch size, what else fit takes, its samples
        "L-BFGS": (optimizers.LBFGS, 512, n, None, {}, None),
        "clipping": (lambda: adam(global_clipnorm=0.5), 512, n, n, {}, None),
        "accumulation": (lambda: adam(gradient_accumulation_steps=3), 512, n, n, {}, None),
        "moving average": (lambda: adam(use_ema=True), 512, n, n, {}, None),
        "blocks": (adam, 512, n, 500, {}, blocks),
        "by rows": (adam, 1024, 2000, 1, {}, None),
        "validation": (adam, 512, 300, 300, dict(validation_data=(X, y)), None),
    }
    for name, (optimizer, width, rows, batch, more, source) in CASES.items():
        def made():
            fcnet.set_seed(0)
            model = Sequential([Dense(width, "relu", input_dim=64), Dense(width, "relu"), Dense(1)])
            model.compile(optimizer(), "mse")
            model.fit(*small, verbose=0, batch_size=None if batch is None else 1 if batch == 1 else 100)
            return model

        def fit(model, rows, epochs, **more):
            size = None if batch is None else min(batch, rows)
            model.fit(X[:rows], y[:rows], batch_size=size, epochs=epochs, shuffle=False, verbose=0, **more)

        model, twin, sent = made(), made(), []
        model.evaluate(*small)
        steps = model.optimizer.iterations

        def interrupt():
            sent.append((time.perf_counter(), time.process_time()))
            signal.raise_signal(signal.SIGINT)

        threading.Timer(0.4, interrupt).start()
        try:
            if source is None:
                fit(model, rows, 1000, **more)
            else:
                model.fit(source, batch_size=batch, epochs=1000, shuffle=False, verbose=0)
            time.sleep(60)  # it was soon done
        except KeyboardInterrupt:
            print(*(now - then for now, then in zip((time.perf_counter(), time.process_time()), sent[-1])), name)
        history = model.history
        if batch is None:
            epochs, rest = len(history.epoch), 0
        else:
            epochs, rest = divmod(model.optimizer.iterations - steps, -(-rows // batch))
        assert len(history.epoch) == epochs == len(history.history.get("loss", [])), (name, history.epoch, epochs)
        for part, times in ((rows, epochs), (rest * (batch or 0), 1)):
            fit(twin, part, times) if part and times else None
        assert np.array_equal(model.parameters, twin.parameters), name
        for each in (model, twin):
            fit(each, 100, 1)
        assert np.array_equal(model.parameters, twin.parameters), name
"""


@pytest.mark.skipif(os.name == "nt", reason="signals are sent another way")
def test_ctrl_c_in_every_kind_of_fit(run_python):
    """L-BFGS, what optimizers do besides, blocks, networks by rows, validation; as in a long step."""
    found = run_python(LONG_FITS, NUMBA_NUM_THREADS="1").stdout.splitlines()
    for line in found:
        seconds, of_processor = map(float, line.split()[:2])
        assert of_processor < 0.2 and seconds < 2, found
    assert len(found) == 7


CHECKPOINTS = """
    import sys
    import process_cells
    from fcnet.callbacks import ModelCheckpoint

    X, y = process_cells.samples(0)
    process_cells.network(0).fit(X, y, epochs=10**9, verbose=0, callbacks=ModelCheckpoint(sys.argv[1]))
"""


@pytest.mark.skipif(os.name == "nt", reason="signals are sent another way")
def test_sigterm_leaves_a_checkpoint(tmp_path):
    path = tmp_path / "model.safetensors"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])}
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(CHECKPOINTS), str(path)], env=environment,
                               cwd=TESTS.parent)  # fmt: skip
    while not path.exists():
        assert process.poll() is None
        time.sleep(0.05)
    time.sleep(0.2)
    process.terminate()
    assert process.wait(60) == -signal.SIGTERM
    model = fcnet.load(path)
    assert model.optimizer.iterations > 0 and np.isfinite(model.predict(process_cells.samples(0)[0])).all()


def test_work_that_is_abandoned():
    """The exception waits for the end of the work; a second one does not shorten that."""
    leave, order = threading.Event(), []

    def work():
        assert leave.wait(60)
        order.append("work")

    def abandon():
        order.append("abandoned")
        threading.Timer(0.5, leave.set).start()

    def fire():
        order.append("signal")
        signal.raise_signal(signal.SIGINT)

    timers = [threading.Timer(delay, fire) for delay in (0.1, 0.3)]
    for timer in timers:
        timer.start()
    with pytest.raises(KeyboardInterrupt):
        _runtime.interruptible(work, abandon)
    assert order == ["signal", "abandoned", "signal", "work"]


def test_an_error_of_the_work():
    with pytest.raises(ZeroDivisionError):
        _runtime.interruptible(lambda: 1 // 0, lambda: None)


@pytest.mark.parametrize("ask", ["predict", "evaluate", "train_on_batch", "loss_and_gradient", "inspect"])
def test_a_model_that_computes_is_not_disturbed_by_a_handler(ask, monkeypatch):
    """Which runs in the same Python thread, so that no lock keeps it out."""
    X, y = process_cells.samples(0)
    model, twin = process_cells.network(0), process_cells.network(0)
    twin.set_weights(model.get_weights())
    one = model.predict(X[:1])
    enter = model._engine._enter

    def interrupted(first, last):
        monkeypatch.undo()
        signal.raise_signal(signal.SIGINT)
        enter(first, last)

    def handler(*_):
        np.testing.assert_array_equal(model.predict(X[:1]), one)
        with pytest.raises(RuntimeError, match="computes at this moment"):
            getattr(model, ask)(*[X, y][:1 if ask == "predict" else 2])

    before = signal.signal(signal.SIGINT, handler)
    monkeypatch.setattr(model._engine, "_enter", interrupted)
    try:
        model.fit(X, y, batch_size=256, verbose=0, seed=0)
    finally:
        signal.signal(signal.SIGINT, before)
    assert "_enter" not in vars(model._engine)
    twin.fit(X, y, batch_size=256, verbose=0, seed=0)
    np.testing.assert_array_equal(model.parameters, twin.parameters)


def test_stop_training_from_another_thread():
    """In short epochs that share a call, and within an epoch."""
    X, y = process_cells.samples(0)
    for n, batch in ((64, 32), (512, 1)):
        model = process_cells.network(0)
        model.fit(X[:n], y[:n], batch_size=batch, verbose=0)
        steps, per_epoch = model.optimizer.iterations, n // batch
        timer = threading.Timer(0.2, setattr, (model, "stop_training", True))
        timer.start()
        history = model.fit(X[:n], y[:n], batch_size=batch, epochs=10**9, verbose=0)
        taken = model.optimizer.iterations - steps
        assert len(history.epoch) == len(history.history["loss"]) == -(-taken // per_epoch) > 0


def test_stop_training_within_an_epoch():
    """As in Keras: what was trained counts as the epoch, which is validated and told."""
    X, y = process_cells.samples(0)
    model, twin = process_cells.network(0), process_cells.network(0)
    twin.set_weights(model.get_weights())
    taken, ended = [], []

    def stop(batch, logs):
        if batch >= 20:
            taken.append((batch + 1, logs["loss"]))
            model.stop_training = True

    hooks = fcnet.callbacks.LambdaCallback(
        on_train_batch_end=stop, on_epoch_end=lambda epoch, logs: ended.append({**logs}))
    history = model.fit(np.tile(X, (400, 1)), np.tile(y, 400), batch_size=512, epochs=3, verbose=0, shuffle=False,
                        validation_data=(X, y), callbacks=hooks)  # fmt: skip
    [(steps, loss)] = taken
    assert steps < 400 and model.optimizer.iterations == steps
    assert history.history == {name: [value] for name, value in ended[0].items()} and history.epoch == [0]
    assert history.history["loss"] == [loss] and [*history.history] == ["loss", "val_loss"]
    twin.fit(np.tile(X, (steps, 1)), np.tile(y, steps), batch_size=512, verbose=0, shuffle=False)
    np.testing.assert_array_equal(model.parameters, twin.parameters)
    assert twin.history.history["loss"] == [loss]


def test_ctrl_c_while_validating():
    """It is answered at once; the epoch is in the History, without what was not found out."""
    X, y = process_cells.samples(0)
    model, asked = process_cells.network(0), []

    def blocks():
        asked.append(0)
        if len(asked) == 3:
            raise KeyboardInterrupt
        yield X, y

    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y, epochs=9, verbose=0, validation_data=blocks)
    assert model.history.epoch == [0, 1, 2] and len(asked) == 3
    assert {name: len(values) for name, values in model.history.history.items()} == {"loss": 3, "val_loss": 2}
    model.fit(X, y, verbose=0)


def test_the_mean_so_far_with_a_smaller_last_batch():
    X, y = process_cells.samples(0)
    model, seen = process_cells.network(0), []
    watch = fcnet.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(logs["loss"]))
    history = model.fit(X[:100], y[:100], batch_size=32, verbose=0, callbacks=watch)
    assert seen[-1] == history.history["loss"][0]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="POSIX")
def test_a_fork_waits_for_the_generator(run_python):
    """NumPy locks it while it draws: a child of that moment would wait for ever."""
    run_python("""
        import os, signal, threading, time
        import fcnet
        held = threading.Event()
        def draw():
            with fcnet.seeds.generator().bit_generator.lock:
                held.set()
                time.sleep(0.2)
        thread = threading.Thread(target=draw)
        thread.start()
        held.wait()
        child = os.fork()
        if not child:
            signal.alarm(5)
            fcnet.seeds.generator().permutation(3)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        thread.join()
    """)


def test_a_fork_keeps_the_generator_that_it_waited_for():
    """`set_seed` of another thread waits for the fork: the child's generator is the one whose lock it has."""
    seeds._process.acquire()
    other = threading.Thread(target=fcnet.set_seed, args=(1,))
    try:
        before = seeds.generator()
        other.start()
        other.join(0.2)
        assert other.is_alive() and seeds.generator() is before
    finally:
        seeds._process.release()
    other.join(10)
    assert not other.is_alive() and seeds.generator() is not before
