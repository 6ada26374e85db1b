"""The same bits: for any number of threads, any layout of the input, and a rerun with the same seed."""

import hashlib
import json

import numpy as np
import pytest
from reference import Layer
from tables import DTYPES, OPTIMIZERS, problem, train

import fcnet
from fcnet import Dense, Sequential, _runtime, kernels, metrics, optimizers
from fcnet.engine import Engine

# 700 rows of 200 features are shared between threads, and 1,500 rows of the narrow network by groups, whose sums
# are shared out too; the small one is one thread's work.
SHARED = [Layer(300, "relu"), Layer(130, "tanh"), Layer(10, "softmax")]
SMALL = [Layer(4, "relu"), Layer(6, "relu"), Layer(1, "sigmoid")]
NARROW = [Layer(48, "tanh"), Layer(24, "tanh"), Layer(4, "linear")]


def digest(*arrays):
    return hashlib.sha256(b"".join(np.asarray(array).tobytes() for array in arrays)).hexdigest()


def digests():
    """Name -> hash of results, over kernels, engine and model, at the present number of threads."""
    found = {}
    for dtype in DTYPES:
        name = np.dtype(dtype).name
        rng = np.random.default_rng(5)
        X, W, b, dZ = (rng.standard_normal(shape).astype(dtype)
                       for shape in ((700, 300), (300, 170), 170, (700, 170)))
        A = np.empty((700, 170), dtype)
        kernels.dense_forward(X, W, b, A, kernels.RELU)
        found[f"dense_forward {name}"] = digest(A)
        out = np.empty_like(X), np.empty_like(W), np.empty_like(b)
        kernels.dense_backward(dZ, X, W, kernels.LINEAR, *out)
        found[f"dense_backward {name}"] = digest(*out)
        p, gradient = np.empty_like(dZ), np.empty_like(dZ)
        labels = np.arange(700) % 170
        one_hot = np.eye(170, dtype=dtype)[labels]
        for kernel, Y in ((kernels.sigmoid_binary_crossentropy, one_hot),
                          (kernels.softmax_crossentropy, one_hot),
                          (kernels.softmax_crossentropy_sparse, labels)):
            loss = kernel(dZ, Y, p, gradient)
            found[f"{kernel.__name__} {name}"] = digest(np.float64(loss), p, gradient)

        for label, layers, inputs, batch_size, loss in (
                ("shared", SHARED, 200, 700, "categorical_crossentropy"),
                ("small", SMALL, 2, 32, "binary_crossentropy"),
                ("narrow", NARROW, 4, 1500, "mean_squared_error")):
            params, X, Y = problem(np.random.default_rng(6), inputs, layers, loss, 1500, dtype)
            engine = Engine(inputs, layers, dtype)
            found[f"predict {label} {name}"] = digest(engine.predict(params, X))
            sums = engine.evaluate(params, X, Y, loss, ("mean_squared_error",))
            found[f"evaluate {label} {name}"] = digest(sums)
            found[f"gradient {label} {name}"] = digest(*engine.loss_and_gradient(params, X, Y, loss))
            for optimizer_name, (class_name, parameters) in OPTIMIZERS.items():
                optimizer = getattr(optimizers, class_name)(**parameters)
                optimizer.build(engine.n_params, dtype)
                trained, order = params.copy(), np.random.default_rng(7).permutation(1500)
                sums = train(engine, trained, optimizer, X, Y, order[None], batch_size, loss)
                found[f"{optimizer_name} {label} {name}"] = digest(sums, trained, *optimizer.state)
            weights = np.random.default_rng(9).random(1500).astype(dtype)
            sums = train(engine, trained, optimizers.SGD(0.1), X, Y, order[None], batch_size, loss, weights=weights)
            found[f"weights {label} {name}"] = digest(sums, trained)
            root, several = "root_mean_squared_error", ("precision", "auc", "r2_score")
            sums = np.zeros((1, 1 + sum(metrics.get(metric).n_sums(engine.outputs) for metric in several)))
            sgd = optimizers.SGD(0.1)
            engine.train(trained, sgd, X, Y, order[None], batch_size, 0, 1, root, several, sums, weights)
            found[f"root {label} {name}"] = digest(sums, trained)
    _, X, Y = problem(np.random.default_rng(8), 200, SHARED, "categorical_crossentropy", 900, np.float32)
    history, weights = fitted(X, Y)
    found["fit"] = digest(*history.values(), *weights)
    return found


def fitted(X, Y, seed=3, initial_seed=4):
    """History and weights of a model that was built and trained from these seeds."""
    fcnet.set_seed(initial_seed)
    model = Sequential([Dense(300, activation="relu"), Dense(10, activation="softmax")])
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(X, Y, batch_size=256, epochs=2, verbose=0, validation_split=0.1, seed=seed)
    return history.history, model.get_weights()


def shares():
    """Into how many shares a step of the small, of the large and of the narrow network is cut."""
    steps = (Engine(inputs, layers, np.float32).planner.flops * batch
             for inputs, layers, batch in ((2, SMALL, 32), (200, SHARED, 700), (4, NARROW, 1500)))
    return tuple(min(_runtime.get_num_threads(), _runtime.worth(flops)) for flops in steps)


def assert_same_results(found, expected):
    different = [name for name in expected if found[name] != expected[name]]
    assert not different and set(found) == set(expected), f"other bits: {different}"


SCRIPT = """
    import json
    import sys
    import fcnet
    import test_determinism

    for threads in map(int, sys.argv[1:]):
        fcnet.set_num_threads(threads)
        assert test_determinism.shares() == (1, threads, threads)
        print(json.dumps(test_determinism.digests()))
"""


@pytest.fixture(scope="module")
def alone(run_python):
    """Results of a process that has one thread and knows no other."""
    return json.loads(run_python(SCRIPT, 1, NUMBA_NUM_THREADS="1").stdout)


def test_any_number_of_threads(run_python, alone):
    """Also more threads than most test machines have processors."""
    lines = run_python(SCRIPT, 1, 2, 3, NUMBA_NUM_THREADS="3").stdout.splitlines()
    assert len(lines) == 3
    for line in lines:
        assert_same_results(json.loads(line), alone)


def test_another_threading_layer(run_python, alone):
    done = run_python(SCRIPT, 2, NUMBA_NUM_THREADS="2", NUMBA_THREADING_LAYER="workqueue")
    assert_same_results(json.loads(done.stdout), alone)


@pytest.mark.parametrize("label", ("shared", "small"))
def test_memory_limits(label, dtype, monkeypatch):
    """In how many pieces a batch goes through the caches changes no bit."""
    inputs, layers, loss = {"shared": (200, SHARED, "categorical_crossentropy"),
                            "small": (2, SMALL, "binary_crossentropy")}[label]
    params, X, Y = problem(np.random.default_rng(10), inputs, layers, loss, 1500, dtype)
    order = np.random.default_rng(11).permutation(1500)[None]
    results = []
    for limits in ({}, dict(CHUNK_ROWS=100, CHUNK_BYTES=1, GROUP_SLABS=1),
                   dict(CHUNK_ROWS=10**6, GROUP_SLABS=64)):
        for name, value in limits.items():
            monkeypatch.setattr(fcnet.planning, name, value)
        engine, optimizer, trained = Engine(inputs, layers, dtype), optimizers.Adam(), params.copy()
        optimizer.build(engine.n_params, dtype)
        sums = train(engine, trained, optimizer, X, Y, order, 1100, loss)
        results.append((engine.planner.chunk_limit, digest(engine.predict(params, X)),
                        digest(*engine.loss_and_gradient(params, X, Y, loss)), digest(sums, trained)))
    assert len({limit for limit, *_ in results}) == 3
    assert len({tuple(rest) for _, *rest in results}) == 1


@pytest.fixture(scope="module")
def data():
    _, X, Y = problem(np.random.default_rng(9), 20, SHARED, "categorical_crossentropy", 500, np.float32)
    return X, Y


def test_rerun_with_the_same_seeds(data):
    (history, weights), (history_2, weights_2) = fitted(*data), fitted(*data)
    assert history == history_2
    for array, array_2 in zip(weights, weights_2, strict=True):
        np.testing.assert_array_equal(array, array_2)


@pytest.mark.parametrize("seeds", ((2, 4), (3, 5)), ids=("order", "weights"))
def test_other_seeds_give_other_weights(data, seeds):
    assert digest(*fitted(*data, *seeds)[1]) != digest(*fitted(*data)[1])


def strided(array):
    return np.repeat(array, 2, axis=1)[:, ::2]


def backwards(array):
    return array[::-1, ::-1].copy()[::-1, ::-1]


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def unaligned(array):
    return np.frombuffer(b"\0" + array.tobytes(), array.dtype, offset=1).reshape(array.shape)


LAYOUTS = {  # same values as the plain array
    "fortran": np.asfortranarray,
    "strided": strided,
    "backwards": backwards,
    "read_only": read_only,
    "unaligned": unaligned,
    "float64": lambda array: array.astype(np.float64),
    "big_endian": lambda array: array.astype(array.dtype.newbyteorder(">")),
    "objects": lambda array: array.astype(object),
    "list": lambda array: array.tolist(),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_layout(data, layout):
    """The bits of the plain copy, and what the caller gave is as it was."""
    given = [LAYOUTS[layout](array) for array in data]
    history, weights = fitted(*given)
    expected_history, expected = fitted(*data)
    assert history == expected_history
    for array, wanted in zip(weights, expected, strict=True):
        np.testing.assert_array_equal(array, wanted)
    for array, before in zip(given, data, strict=True):
        np.testing.assert_array_equal(np.asarray(array, np.float32), before)
