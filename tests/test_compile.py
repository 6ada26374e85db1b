"""One compilation serves every network, and the next process finds it on disk."""

import json

import numba
import numpy as np
import reference
from numba.core import event
from reference import Layer
from tables import problem

from fcnet import Dense, Sequential, kernels

LOSS = "categorical_crossentropy"


def use(widths, inputs, samples, batch_size, layout=np.asarray):
    """Everything a user does with a model, in float32."""
    layers = [*(Layer(units, "relu") for units in widths[:-1]), Layer(widths[-1], "softmax")]
    _, X, Y = problem(np.random.default_rng(0), inputs, layers, LOSS, samples)
    X, Y = layout(X), layout(Y)
    model = Sequential([Dense(layer.units, activation=layer.activation) for layer in layers])
    model.compile(optimizer="adam", loss=LOSS, metrics=["accuracy"])
    model.fit(X, Y, batch_size=batch_size, epochs=2, verbose=0, validation_split=0.2, seed=1)
    model.train_on_batch(X[:3], Y[:3])
    model.evaluate(X, Y, verbose=0)
    model.predict(X[:7])
    model.loss_and_gradient(X, Y)
    model.inspect(X, Y)


def compilations(recorder):
    """Names of the functions that Numba compiled, by dispatchers and by any other way."""
    passes = (occurred.data for _, occurred in recorder.buffer if occurred.is_start)
    return sorted({f"{data['module']}.{data['qualname']}" for data in passes})


def test_recorder_sees_a_compilation():
    """Otherwise the tests below could not fail."""
    with event.install_recorder("numba:run_pass") as recorder:
        numba.njit(lambda x: x + 1)(1)
    assert compilations(recorder)
    with event.install_recorder("numba:run_pass") as recorder:
        numba.cfunc(numba.float64(numba.float64))(lambda x: x + 1)
    assert compilations(recorder)


def test_another_network_compiles_nothing():
    """Another depth, widths, batch size, input dtype and layout; the large one is shared between threads."""
    use((6, 3), inputs=2, samples=50, batch_size=10)
    use((40, 3), inputs=30, samples=8, batch_size=2)  # by rows
    use((400, 3), inputs=40, samples=512, batch_size=256)  # by strips, on several threads
    before = kernels.compiled()
    assert before
    with event.install_recorder("numba:run_pass") as recorder:
        use((5,), inputs=1, samples=9, batch_size=4)
        use((70, 33, 17, 1, 2), inputs=13, samples=131, batch_size=37, layout=np.asfortranarray)
        use((300, 200, 10), inputs=250, samples=900, batch_size=512, layout=np.float32)
    assert compilations(recorder) == []
    assert kernels.compiled() == before


def test_other_shapes_compile_no_kernel():
    def call(B, I, O):
        X, W, b, A = (np.ones(shape, np.float32) for shape in ((B, I), (I, O), O, (B, O)))
        kernels.dense_forward(X, W, b, A, kernels.RELU)
        kernels.dense_backward(A, X, W, kernels.RELU, np.empty_like(X), np.empty_like(W), np.empty_like(b))
        Y = reference.one_hot(np.zeros(B), O).astype(np.float32)
        kernels.softmax_crossentropy(A, Y, A.copy(), A.copy())
        kernels.adam(b, b.copy(), b.copy(), b.copy(), 1, 0.1, 0.9, 0.999, 1e-7)

    call(3, 2, 2)
    before = kernels.compiled()
    with event.install_recorder("numba:run_pass") as recorder:
        call(1, 1, 1)
        call(700, 65, 530)
    assert compilations(recorder) == []
    assert kernels.compiled() == before


SCRIPT = """
    from numba.core import event

    with event.install_recorder("numba:run_pass") as recorder:
        import json
        import test_compile
        from fcnet import kernels

        test_compile.use((6, 3), inputs=2, samples=50, batch_size=10)
    print(json.dumps([kernels.compiled(), test_compile.compilations(recorder)]))
"""


def test_second_process_compiles_nothing(run_python, tmp_path):
    """The first one says on stderr what takes so long, in one line; the second one has nothing to say."""
    first, second = (run_python(SCRIPT, FCNET_CACHE_DIR=str(tmp_path / "cache")) for _ in range(2))
    kernels_1, compiled_1 = json.loads(first.stdout)
    assert compiled_1
    assert not any(kernels_1.values())  # nothing came from the cache
    (notice,) = first.stderr.splitlines()
    assert "compiling" in notice

    kernels_2, compiled_2 = json.loads(second.stdout)
    assert compiled_2 == []
    assert set(kernels_2) == set(kernels_1) and all(kernels_2.values())
    assert second.stderr == ""
