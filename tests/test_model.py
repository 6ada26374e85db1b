"""Sequential from outside: building, training, Keras's meanings, seeds, copies, interrupts, divergence."""

import copy
import math
import os
import pickle
import sys

import numpy as np
import pytest
import reference

import fcnet
from fcnet import Dense, Input, Sequential, callbacks, checks, display, losses, metrics, optimizers, training


@pytest.fixture(autouse=True)
def _seeded():
    fcnet.set_seed(20240229)


def circles(n=200, seed=0):
    return fcnet.datasets.make_circles(n, factor=0.3, noise=0.1, random_state=seed)


def article(dtype="float32", optimizer="adamax", **options):
    """The article's network: 2-4-6-6-4-1."""
    model = Sequential(dtype=dtype)
    model.add(Dense(4, input_dim=2, activation="relu"))
    model.add(Dense(6, activation="relu"))
    model.add(Dense(6, activation="relu"))
    model.add(Dense(4, activation="relu"))
    model.add(Dense(1, activation="sigmoid"))
    model.compile(loss="binary_crossentropy", optimizer=optimizer, metrics=["accuracy"], **options)
    return model


def classes(units=3, loss="sparse_categorical_crossentropy", **options):
    model = Sequential([Dense(5, activation="tanh", input_dim=2), Dense(units, activation="softmax")])
    model.compile("adam", loss, **options)
    return model


# ---------------------------------------------------------------------------------------------- building

def test_input_size_in_every_spelling():
    for first in (
        [Dense(3, input_dim=2)], [Dense(3, input_shape=(2,))], [Input(shape=(2,)), Dense(3)],
        [Input((2,)), Dense(3, input_dim=2)],
    ):  # fmt: skip
        model = Sequential(first)
        assert model.built
        assert [array.shape for array in model.get_weights()] == [(2, 3), (3,)]
    model = Sequential([Dense(3)])
    assert not model.built
    model.build((None, 2))
    assert model.count_params() == 9
    model.build((None, 2))


def test_flat_vector_and_views():
    model = Sequential([Dense(3, input_dim=2), Dense(4, use_bias=False), Dense(1)])
    first, second, third = model.layers
    assert model.count_params() == model.parameters.size == 2 * 3 + 3 + 3 * 4 + 4 * 1 + 1
    assert [layer.count_params() for layer in model.layers] == [9, 12, 5]
    parts = [first.W, first.b, second.kernel, third.W, third.bias]
    np.testing.assert_array_equal(np.concatenate([part.ravel() for part in parts]), model.parameters)
    assert second.b is None
    assert all(np.shares_memory(part, model.parameters) for part in parts)
    first.W[1, 2] = 7
    first.W *= 1  # sets the view that it has changed
    assert model.parameters[1 * 3 + 2] == 7
    model.parameters[-1] = 5
    assert third.b[0] == 5
    assert all(part.flags.c_contiguous for part in parts)


def test_growing_keeps_the_weights():
    model = Sequential([Dense(3, input_dim=2)])
    before = model.get_weights()
    model.add(Dense(2))
    for old, new in zip(before, model.get_weights(), strict=False):
        np.testing.assert_array_equal(old, new)
    assert np.shares_memory(model.layers[0].W, model.parameters)
    X, y = circles(20)
    model.compile("sgd", "mse")
    model.fit(X, np.stack([y, y], 1), verbose=0)
    model.add(Dense(1))
    model.fit(X, y, verbose=0)
    assert model.predict(X).shape == (20, 1)


def test_late_build_draws_the_same_weights():
    fcnet.set_seed(5)
    early = Sequential([Dense(3, "relu", input_dim=2), Dense(1, "sigmoid")])
    fcnet.set_seed(5)
    late = Sequential([Dense(3, "relu"), Dense(1, "sigmoid")])
    late.build(2)
    np.testing.assert_array_equal(early.parameters, late.parameters)


def test_names():
    model = Sequential([Dense(2), Dense(2, name="mine"), Dense(2), Dense(2)], name="net")
    assert [layer.name for layer in model.layers] == ["dense", "mine", "dense_1", "dense_2"]
    assert model.get_layer("mine") is model.layers[1]
    assert model.get_layer(index=-1) is model.layers[3]
    assert repr(model) == "Sequential('net', ?-2-2-2-2, float32)"


def test_a_layer_belongs_to_one_model():
    layer = Dense(2, input_dim=2)
    Sequential([layer])
    with pytest.raises(ValueError, match="belongs to a model"):
        Sequential([layer])
    unbuilt = Dense(2)
    with pytest.raises(ValueError, match="belongs to a model"):
        Sequential([unbuilt, unbuilt])


def test_weights():
    model = article()
    weights = model.get_weights()
    assert [array.shape for array in weights] == [
        (2, 4), (4,), (4, 6), (6,), (6, 6), (6,), (6, 4), (4,), (4, 1), (1,)
    ]  # fmt: skip
    weights[0][:] = 3  # a copy
    assert not np.any(model.layers[0].W == 3)
    other = article()
    other.set_weights([array.astype(np.float64).tolist() for array in model.get_weights()])
    np.testing.assert_array_equal(other.parameters, model.parameters)
    model.layers[0].set_weights([np.ones((2, 4)), np.zeros(4)])
    np.testing.assert_array_equal(model.parameters[:12], [1] * 8 + [0] * 4)


def test_summary(capsys):
    model = Sequential([Dense(1000, input_dim=999), Dense(2, "softmax")])
    model.summary()
    text = capsys.readouterr().out
    for word in ("dense", "dense_1", "softmax", "1,000,000", "2,002", "(None, 2)", "1,002,002 parameters"):
        assert word in text
    Sequential([Dense(2)]).summary()
    assert "not built" in capsys.readouterr().out
    lines = []
    model.summary(print_fn=lines.append)
    assert "1,002,002" in "\n".join(lines)


# ---------------------------------------------------------------------------------------------- training

def test_the_article_trains():
    X, y = circles(1000)
    model = article(optimizer=optimizers.Adamax(0.01))
    history = model.fit(X, y, epochs=100, batch_size=32, validation_split=0.1, verbose=0, seed=1)
    assert history is model.history
    assert history.model is model
    assert set(history.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert history.epoch == list(range(100))
    assert history.params == {"verbose": 0, "epochs": 100, "steps": math.ceil(900 / 32)}
    assert all(len(column) == 100 and type(column[0]) is float for column in history.history.values())
    assert history.history["loss"][-1] < 0.5 * history.history["loss"][0]
    assert history.history["val_accuracy"][-1] > 0.9
    loss, accuracy = model.evaluate(X, y)
    assert accuracy == np.mean((model.predict(X)[:, 0] > 0.5) == y)
    assert model.evaluate(X, y, return_dict=True) == {"loss": loss, "accuracy": accuracy}


def test_one_step_is_gradient_descent():
    X, y = circles(50)
    model = article("float64", optimizers.SGD(0.1))
    before = model.parameters.copy()
    loss, gradient = model.loss_and_gradient(X, y)
    assert gradient.shape == before.shape
    assert model.train_on_batch(X, y)[0] == pytest.approx(loss, rel=1e-12)
    np.testing.assert_allclose(model.parameters, before - 0.1 * gradient, rtol=1e-12, atol=1e-15)


def test_inspect_agrees_with_the_reference():
    X, y = circles(33)
    model = article("float64")
    seen = model.inspect(X, y)
    loss, gradient = model.loss_and_gradient(X, y)
    assert seen.loss == pytest.approx(loss, rel=1e-12)
    assert len(seen) == 5
    assert seen["dense_1"] is seen[1]
    assert [layer.name for layer in seen] == [layer.name for layer in model.layers]
    A_prev = X
    for layer, own in zip(seen, model.layers, strict=True):
        np.testing.assert_allclose(layer.Z, A_prev @ own.W + own.b, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(layer.A, reference.ACTIVATIONS[own.activation][0](layer.Z), rtol=1e-12)
        np.testing.assert_allclose(layer.dW, A_prev.T @ layer.dZ, rtol=1e-10, atol=1e-14)
        np.testing.assert_allclose(layer.db, layer.dZ.sum(axis=0), rtol=1e-10, atol=1e-14)
        A_prev = layer.A
    np.testing.assert_allclose(seen[-1].dZ, (seen[-1].A - y[:, None]) / 33, rtol=1e-10, atol=1e-16)
    flat = np.concatenate([part.ravel() for layer in seen for part in (layer.dW, layer.db)])
    np.testing.assert_allclose(flat, gradient, rtol=1e-12, atol=1e-16)
    assert "dense_1: Z (33, 6), A (33, 6), dZ (33, 6), dW (4, 6), db (6,)" in repr(seen)
    with pytest.raises(KeyError, match="dense_4"):
        seen["nothing"]


def test_inspect_without_bias():
    model = Sequential([Dense(2, use_bias=False, input_dim=2), Dense(1)])
    model.compile("sgd", "mse")
    seen = model.inspect(*circles(5))
    assert seen[0].db is None
    assert "db" not in repr(seen[0])


def test_sparse_and_one_hot_are_the_same():
    X, _ = circles(60)
    labels = np.arange(60) % 3
    fcnet.set_seed(1)
    sparse = classes(metrics=["accuracy"])
    fcnet.set_seed(1)
    dense = classes(loss="categorical_crossentropy", metrics=["accuracy"])
    first = sparse.fit(X, labels, epochs=3, verbose=0, seed=2)
    second = dense.fit(X, np.eye(3)[labels], epochs=3, verbose=0, seed=2)
    for name in ("loss", "accuracy"):
        np.testing.assert_allclose(first.history[name], second.history[name], rtol=1e-5)
    np.testing.assert_allclose(sparse.predict(X).sum(axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize("form", [lambda y: y, lambda y: y[:, None], lambda y: y.tolist(), lambda y: y == 1])
def test_one_label_column_in_every_form(form):
    X, y = circles(40)
    fcnet.set_seed(3)
    expected = article()
    expected.fit(X, y, epochs=2, verbose=0)
    fcnet.set_seed(3)
    model = article()
    model.fit(X, form(y), epochs=2, verbose=0)
    np.testing.assert_array_equal(model.parameters, expected.parameters)


def test_validation_split_holds_out_the_last_samples():
    X, y = circles(50)
    fcnet.set_seed(3)
    split = article()
    first = split.fit(X, y, epochs=3, validation_split=0.3, verbose=0)
    fcnet.set_seed(3)
    given = article()
    second = given.fit(X[:35], y[:35], epochs=3, validation_data=(X[35:], y[35:]), verbose=0)
    assert first.history == second.history
    assert given.evaluate(X[35:], y[35:]) == [first.history[f"val_{k}"][-1] for k in ("loss", "accuracy")]


def test_validation_data_goes_before_the_split():
    X, y = circles(50)
    history = article().fit(X, y, batch_size=50, validation_split=0.3, validation_data=(X, y), verbose=0)
    assert history.params["steps"] == 1


def test_metric_names_and_values():
    X, _ = circles(40)
    target = X[:, 0]
    model = Sequential([Dense(1, input_dim=2)], dtype="float64")
    model.compile("sgd", losses.MeanSquaredError(), metrics=[
        "mae", metrics.RootMeanSquaredError(), metrics.MeanSquaredError(name="again"), "acc",
    ])  # fmt: skip
    history = model.fit(X, target, verbose=0)
    assert list(history.history) == ["loss", "mae", "root_mean_squared_error", "again", "acc"]
    error = model.predict(X)[:, 0] - target
    expected = [np.mean(error**2), np.mean(abs(error)), math.sqrt(np.mean(error**2)), np.mean(error**2)]
    np.testing.assert_allclose(model.evaluate(X, target)[:4], expected, rtol=1e-12)


@pytest.mark.parametrize("name", ["my own", "mse", "mean_absolute_error"])
def test_the_name_of_a_loss_is_a_label(name):
    """The kernels know the loss by something else, also when the name is that of another one."""
    X, _ = circles(40)
    model = Sequential([Dense(1, input_dim=2)])
    loss = losses.MeanSquaredError(name=name)
    model.compile("sgd", loss)
    error = model.predict(X)[:, 0] - X[:, 0]
    assert model.evaluate(X, X[:, 0]) == pytest.approx(np.mean(error**2), rel=1e-5)
    loss.name = "another"
    assert model.evaluate(X, X[:, 0]) == pytest.approx(np.mean(error**2), rel=1e-5)
    assert [*model.fit(X, X[:, 0], verbose=0).history] == ["loss"]


def test_loss_alone_is_a_number():
    X, y = circles(20)
    model = Sequential([Dense(1, "sigmoid", input_dim=2)])
    model.compile("sgd", "binary_crossentropy")
    assert type(model.evaluate(X, y)) is float
    assert type(model.train_on_batch(X, y)) is float
    assert set(model.train_on_batch(X, y, return_dict=True)) == {"loss"}
    weights = np.arange(len(X)) % 3
    loss = model.test_on_batch(X, y, weights)
    assert loss == model.evaluate(X, y, sample_weight=weights) != model.evaluate(X, y)
    assert model.test_on_batch(X, y, weights, return_dict=True) == {"loss": loss}
    np.testing.assert_array_equal(model.predict_on_batch(X), model.predict(X))


def test_history_means_the_epoch():
    """Means over the samples as their batches saw them, a smaller last batch included."""
    X, y = circles(45)
    model = article("float64", optimizers.SGD(1e-12))
    model.layers[-1].b[:] = 0.1  # no output at 0.5, where the least change counts
    loss, accuracy = model.evaluate(X, y)
    history = model.fit(X, y, batch_size=16, verbose=0)
    assert history.history["loss"][0] == pytest.approx(loss, rel=1e-9)
    assert history.history["accuracy"][0] == pytest.approx(accuracy, rel=1e-9)


def test_one_sample_and_no_rows():
    X, y = circles(20)
    model = article()
    assert np.isfinite(model.fit(X[:1], y[:1], epochs=3, verbose=0).history["loss"]).all()
    assert model.predict(np.empty((0, 2))).shape == (0, 1)
    assert model.predict(np.empty((0, 2))).dtype == np.float32


def test_large_inputs_go_in_pieces(monkeypatch):
    X, y = circles(1000)
    model = article("float64")
    whole, means = model.predict(X), model.evaluate(X, y)
    monkeypatch.setattr(training, "rows_per_call", lambda n_params: 256)
    np.testing.assert_array_equal(model.predict(X), whole)
    np.testing.assert_allclose(model.evaluate(X, y), means, rtol=1e-12)


def test_logits_of_ten_thousand():
    model = Sequential([Dense(1, "sigmoid", input_dim=1, use_bias=False)])
    model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
    model.parameters[:] = 1e4
    X, y = [[1.0], [-1.0], [1.0]], [1, 0, 0]
    np.testing.assert_array_equal(model.predict(X)[:, 0], [1, 0, 1])
    loss, gradient = model.loss_and_gradient(X, y)
    assert loss == pytest.approx(1e4 / 3)
    assert np.isfinite(gradient).all()


# ------------------------------------------------------------------------------------------------- seeds

def fitted(seed=None, **options):
    fcnet.set_seed(11)
    model = article()
    X, y = circles(100)
    history = model.fit(X, y, epochs=6, verbose=0, seed=seed, **options)
    return model.parameters.copy(), history.history


def test_a_rerun_gives_the_same_bits():
    first, second = fitted(), fitted()
    np.testing.assert_array_equal(first[0], second[0])
    assert first[1] == second[1]
    assert not np.array_equal(fitted(seed=1)[0], first[0])
    np.testing.assert_array_equal(fitted(seed=1)[0], fitted(seed=np.random.default_rng(1))[0])


def test_a_fit_with_a_seed_leaves_the_global_generator_alone():
    X, y = circles(40)
    fcnet.set_seed(4)
    expected = [Dense(3, input_dim=2), Dense(3, input_dim=2)]
    for layer in expected:
        Sequential([layer])
    fcnet.set_seed(4)
    got = [Dense(3, input_dim=2), Dense(3, input_dim=2)]
    for layer in got:
        Sequential([layer]).name = "x"
        other = Sequential([Dense(1, "sigmoid", input_dim=2, kernel_initializer="zeros")])
        other.compile("sgd", "binary_crossentropy")
        other.fit(X, y, epochs=2, seed=9, verbose=0)
    for left, right in zip(expected, got, strict=True):
        np.testing.assert_array_equal(left.W, right.W)


@pytest.mark.parametrize("work", [1.0, 3e5, 1e6, 1e12])
def test_where_a_call_ends_changes_no_bit(work, monkeypatch):
    """Steps one by one, some at a time, and several epochs in one call."""
    expected = fitted(batch_size=8)
    monkeypatch.setattr(training, "_CALL", work)
    got = fitted(batch_size=8)
    np.testing.assert_array_equal(got[0], expected[0])
    assert got[1] == expected[1]


def test_a_seeded_fit_in_two_parts_takes_the_same_order():
    X, y = circles(100)
    whole, parts = article(), article()
    parts.set_weights(whole.get_weights())
    whole.fit(X, y, epochs=5, seed=3, verbose=0)
    parts.fit(X, y, epochs=2, seed=3, verbose=0)
    parts.fit(X, y, epochs=5, initial_epoch=2, seed=3, verbose=0)
    np.testing.assert_array_equal(parts.parameters, whole.parameters)
    assert parts.history.epoch == [2, 3, 4]


def test_shuffle_off():
    """The steps are those over the rows as they stand."""
    X, y = circles(30)
    model, by_hand = article(), article()
    by_hand.set_weights(model.get_weights())
    model.fit(X, y, batch_size=8, shuffle=False, verbose=0)
    for first in range(0, 30, 8):
        by_hand.train_on_batch(X[first : first + 8], y[first : first + 8])
    np.testing.assert_array_equal(model.parameters, by_hand.parameters)


# ------------------------------------------------------------------------------------------------ copies

COPIES = {"deepcopy": copy.deepcopy, "pickle": lambda model: pickle.loads(pickle.dumps(model))}


@pytest.mark.parametrize("how", COPIES)
def test_copies_predict_and_train_the_same(how):
    X, y = circles(60)
    model = article()
    for fit_first in (False, True):
        if fit_first:
            model.fit(X, y, epochs=3, verbose=0, seed=1)
        twin = COPIES[how](model)
        np.testing.assert_array_equal(twin.predict(X), model.predict(X))
        assert np.shares_memory(twin.layers[0].W, twin.parameters)
        assert not np.shares_memory(twin.parameters, model.parameters)
        twin.layers[-1].b[0] = 7
        assert twin.parameters[-1] == 7
        assert model.parameters[-1] != 7
    twin = COPIES[how](model)
    assert twin.history.history == model.history.history
    assert twin.history.model is twin
    model.fit(X, y, epochs=2, verbose=0, seed=2)
    twin.fit(X, y, epochs=2, verbose=0, seed=2)
    np.testing.assert_array_equal(twin.parameters, model.parameters)


def test_arrays_that_a_pickler_maps_read_only():
    """As joblib does with large ones: the kernels must never write there."""
    X, y = circles(60)
    model = article()
    model.fit(X, y, verbose=0, seed=1)
    buffers = []
    pickled = pickle.dumps(model, protocol=5, buffer_callback=buffers.append)
    assert buffers
    twin = pickle.loads(pickled, buffers=[bytes(buffer) for buffer in buffers])
    twin.fit(X, y, verbose=0, seed=2)
    model.fit(X, y, verbose=0, seed=2)
    np.testing.assert_array_equal(twin.parameters, model.parameters)
    np.testing.assert_array_equal(twin.layers[0].W, model.layers[0].W)


def test_an_unbuilt_model_copies():
    twin = copy.deepcopy(Sequential([Dense(2)]))
    assert not twin.built


# ------------------------------------------------------------------------------- divergence and Ctrl-C

@pytest.mark.parametrize("shuffle", [False, True])
def test_divergence_keeps_the_last_good_epoch(shuffle):
    X = np.linspace(-1, 1, 64)[:, None]
    y = 3 * X[:, 0]

    def model():
        fcnet.set_seed(2)
        model = Sequential([Dense(8, input_dim=1), Dense(1)])
        model.compile(optimizers.SGD(8.0, momentum=0.5), "mse")
        return model

    broken = model()
    with pytest.raises(FloatingPointError, match=r"epoch \d+, step \d of 4: .*learning_rate=8.*such as 0\.8"):
        broken.fit(X, y, epochs=500, batch_size=16, verbose=0, seed=5, shuffle=shuffle)
    done = len(broken.history.epoch)
    assert np.isfinite(broken.parameters).all()
    assert np.isfinite(broken.history.history["loss"]).all()
    assert broken.optimizer.iterations == 4 * done
    if done:
        good = model()
        history = good.fit(X, y, epochs=done, batch_size=16, verbose=0, seed=5, shuffle=shuffle)
        np.testing.assert_array_equal(broken.parameters, good.parameters)
        np.testing.assert_array_equal(broken.optimizer.state[0], good.optimizer.state[0])
        assert history.history == broken.history.history


def test_divergence_after_a_callback_has_replaced_a_vector():
    """What comes back is what the epoch began with, in the arrays that the optimizer has now."""
    class Replaces(callbacks.Callback):
        def on_train_begin(self, logs=None):
            state = self.model.optimizer.state
            state[0] = np.full_like(state[0], 0.5)

        def on_train_batch_end(self, batch, logs=None):
            self.model.parameters[0] = np.nan

    model = Sequential([Dense(2, input_dim=1), Dense(1)])
    model.compile(optimizers.SGD(0.1, momentum=0.5), "mse")
    x = np.ones((8, 1))
    model.fit(x, x, verbose=0)
    with pytest.raises(FloatingPointError):
        model.fit(x, x, verbose=0, callbacks=[Replaces()])
    np.testing.assert_array_equal(model.optimizer.state[0], 0.5)
    assert model.optimizer.iterations == 1 and np.isfinite(model.parameters).all()


def test_divergence_of_one_batch():
    model = Sequential([Dense(1, input_dim=1)])
    model.compile(optimizers.SGD(1e30), "mse")
    before = model.parameters.copy()
    X, y = [[1e15], [-1e15]], [1e15, 1e15]
    with pytest.raises(FloatingPointError, match=r"diverged in this step.*learning_rate=1e\+30"):
        model.train_on_batch(X, y)
    np.testing.assert_array_equal(model.parameters, before)
    assert model.optimizer.iterations == 0


INTERRUPTED = """
    import copy, signal, sys, threading, time
    import numpy as np
    import fcnet
    from fcnet import Dense, Sequential

    rng = np.random.default_rng(0)
    widths, n, batch = eval(sys.argv[1])
    X, y = rng.normal(size=(n, widths[0])), rng.integers(0, 2, n)
    model = Sequential([Dense(width, "relu") for width in widths[1:]] + [Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy")
    model.fit(X[:batch], y[:batch], batch_size=batch, epochs=2, verbose=0, shuffle=False)  # compiles all that is needed
    sent = []
    twin = copy.deepcopy(model)
    start = model.optimizer.iterations

    def interrupt():
        while model.optimizer.iterations == start:  # however long a busy machine takes to come so far
            time.sleep(0.01)
        time.sleep(0.3)
        sent.append((time.perf_counter(), time.process_time()))
        signal.raise_signal(signal.SIGINT)

    try:
        threading.Thread(target=interrupt).start()
        model.fit(X, y, batch_size=batch, epochs=10**9, verbose=0, shuffle=False)
    except KeyboardInterrupt:
        late = [now - then for now, then in zip((time.perf_counter(), time.process_time()), sent[0])]
    steps = model.optimizer.iterations - start
    assert np.isfinite(model.parameters).all()
    epochs = len(model.history.epoch)
    assert epochs == len(model.history.history["loss"]) == steps // -(-n // batch), (epochs, steps)
    assert steps > 0
    if n == batch:  # every step is an epoch: the weights are those after exactly so many
        twin.fit(X, y, batch_size=batch, epochs=epochs, verbose=0, shuffle=False)
        assert np.array_equal(model.parameters, twin.parameters)
    model.fit(X[:batch], y[:batch], batch_size=batch, verbose=0)
    print(*late)
"""


@pytest.mark.skipif(os.name == "nt", reason="signals are sent another way")
@pytest.mark.parametrize("task", [
    ((2, 4, 4), 100, 32), ((2, 4, 4), 1000, 1000), ((64, 256, 256), 20_000, 128), ((512, 1024), 4096, 512),
], ids=str)  # fmt: skip
def test_interrupt(task, run_python):
    """What others take of the processor does not count, but no wait is endless."""
    seconds, of_processor = map(float, run_python(INTERRUPTED, task, NUMBA_NUM_THREADS="1").stdout.split())
    assert of_processor < 0.2 and seconds < 2


def test_a_signal_finds_parameters_and_count_of_one_step(monkeypatch):
    """It may raise in any function of Python that is called when the steps are done; none is between the two."""
    whole = checks.whole

    def interrupted(name, *arguments):
        if name == "iterations":
            raise TimeoutError
        return whole(name, *arguments)

    X, y = circles(64)
    model = article()
    model.fit(X, y, verbose=0)
    monkeypatch.setattr(checks, "whole", interrupted)
    model.fit(X, y, verbose=0, callbacks=callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: None))
    assert model.optimizer.iterations == 4


def test_a_signal_while_a_divergence_is_undone(monkeypatch):
    model = Sequential([Dense(1, input_dim=1)])
    model.compile(optimizers.SGD(1e30, momentum=0.5), "mse")
    before, copyto, calls = model.parameters.copy(), np.copyto, []

    def interrupted(*arguments):
        calls.append(arguments)
        if len(calls) == 4:  # of parameters and one vector, after they were saved once more for the first epoch
            raise TimeoutError
        copyto(*arguments)

    monkeypatch.setattr(np, "copyto", interrupted)
    with pytest.raises(TimeoutError):
        model.fit([[1.0]] * 4, [3.0] * 4, batch_size=1, verbose=0)
    np.testing.assert_array_equal(model.parameters, before)
    assert not model.optimizer.state[0].any() and model.optimizer.iterations == 0


# ----------------------------------------------------------------------------------------------- display

def test_silence(capfd):
    X, y = circles(40)
    model = article()
    model.fit(X, y, epochs=2, verbose=0, validation_split=0.2)
    model.evaluate(X, y, verbose=0)
    model.predict(X)
    captured = capfd.readouterr()
    assert captured.out == ""


def test_a_bar_without_a_standard_error(rng, monkeypatch):
    """As in a program without a console, and where it was closed."""
    monkeypatch.setattr(sys, "stderr", None)
    model = Sequential([Dense(1, input_dim=2)])
    model.compile("sgd", "mse")
    assert len(model.fit(rng.standard_normal((20, 2)), np.zeros(20), epochs=2).epoch) == 2


def test_one_line_an_epoch(capsys):
    X, y = circles(40)
    article().fit(X, y, epochs=3, verbose=2, validation_split=0.2)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    for number, line in enumerate(lines, 1):
        assert line.startswith(f"Epoch {number}/3 - ")
        for name in ("loss: 0.", "accuracy: 0.", "val_loss: 0.", "val_accuracy: "):
            assert f" - {name}" in line


@pytest.mark.parametrize("verbose", ["auto", 1])
def test_bar(verbose, capsys):
    X, y = circles(40)
    article().fit(X, y, epochs=7, verbose=verbose, batch_size=8)
    text = capsys.readouterr().err
    assert "Epoch 7/7" in text
    assert "35/35" in text
    assert "100%" in text
    assert "accuracy: 0." in text


def test_bar_is_closed_by_an_error(capsys):
    model = Sequential([Dense(1, input_dim=2)])
    model.compile(optimizers.SGD(1e30), "mse")
    X, y = circles(20)
    with pytest.raises(FloatingPointError):
        model.fit(X * 1e10, y, epochs=50, verbose=1)
    assert capsys.readouterr().err.endswith("\n")


def test_evaluate_tells(capsys):
    X, y = circles(40)
    article().evaluate(X, y, verbose=1)
    assert capsys.readouterr().out.startswith("40 samples - loss: 0.")


def test_numbers_are_readable():
    assert display.line({"loss": 0.5, "a": 0.0, "b": 1e-5, "c": -3.25}, ", ") == (
        "loss: 0.5000, a: 0.0000, b: 1.0000e-05, c: -3.2500"
    )


def test_history_repr():
    X, y = circles(20)
    assert repr(article().fit(X, y, epochs=2, verbose=0)) == "History(2 epochs: loss, accuracy)"


# --------------------------------------------------------------------------------------------- the loop

def test_work_of_a_call():
    """Small networks run many steps in a call, large ones one; never none."""
    assert training.steps_per_call(117, 32) > 1000
    assert training.steps_per_call(3_000_000, 512) == 1
    assert training.rows_per_call(10**9) == 256
    assert training.rows_per_call(117) % 256 == 0


def freeze(model):
    model.layers[0].trainable = False


CHANGES = {
    "learning rate": lambda model: setattr(model.optimizer, "learning_rate", 0.5),
    "schedule": lambda model: setattr(model.optimizer, "learning_rate", fcnet.schedules.ExponentialDecay(0.5, 1, 0.5)),
    "beta_1": lambda model: setattr(model.optimizer, "beta_1", 0.5),
    "clipnorm": lambda model: setattr(model.optimizer, "clipnorm", 1e-3),
    "weight decay": lambda model: setattr(model.optimizer, "weight_decay", 0.1),
    "iterations": lambda model: setattr(model.optimizer, "iterations", 1000),
    "state": lambda model: model.optimizer.state.__setitem__(0, model.optimizer.state[0] + 1),
    "numbers of the state": lambda model: model.optimizer.state[1].fill(2),
    "frozen layer": freeze,
    "regularizer": lambda model: setattr(model.layers[0], "kernel_regularizer", "l2"),
    "its factor": lambda model: setattr(model.layers[1].kernel_regularizer, "l2", 0.3),
    "constraint": lambda model: setattr(model.layers[0], "kernel_constraint", fcnet.constraints.MaxNorm(0.1)),
    "its limit": lambda model: setattr(model.layers[1].kernel_constraint, "max_value", 0.1),
    "multiplier": lambda model: setattr(model.layers[0], "learning_rate_multiplier", 7.0),
    "loss": lambda model: setattr(model._loss, "delta", 0.1),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_set_between_calls_holds(change, rng):
    """A model that has trained, then is changed, goes on like a copy, which has nothing left of its last call."""
    model = Sequential([
        Dense(5, "tanh", input_dim=3),
        Dense(2, kernel_regularizer=fcnet.regularizers.L2(0.01), kernel_constraint=fcnet.constraints.MaxNorm(0.9)),
    ])
    model.compile(fcnet.optimizers.Adam(0.01), fcnet.losses.Huber(1.0))
    X, Y = rng.standard_normal((20, 3)).astype(np.float32), rng.standard_normal((20, 2)).astype(np.float32)
    for _ in range(3):
        model.train_on_batch(X, Y)
        model.evaluate(X, Y)
    plain = copy.deepcopy(model)
    CHANGES[change](model)
    changed = copy.deepcopy(model)
    for one in plain, changed:
        one._engine = None
    found, expected, without = ([one.train_on_batch(X, Y) for _ in range(3)] + [one.evaluate(X, Y), *one.get_weights()]
                                for one in (model, changed, plain))
    for got, wanted in zip(found, expected, strict=True):
        np.testing.assert_array_equal(got, wanted)
    assert any((got != other).any() for got, other in zip(map(np.array, found), without, strict=True))


def interrupt(call, file, line, functions=None):
    """Whether `call` has run at least so many lines of a file of fcnet's, after which it got a Ctrl-C."""
    lines = 0

    def count(frame, event, _):
        nonlocal lines
        lines += event == "line"
        if lines == line:
            sys.settrace(before)
            raise KeyboardInterrupt
        return count

    def enter(frame, *_):
        code = frame.f_code
        ours = code.co_filename == file.__file__ and (functions is None or code.co_name in functions)
        return count if ours else None

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        call()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


def test_ctrl_c_at_any_line_leaves_no_engine_half_told(rng):
    """A layer was frozen, and a batch is larger than any before: what follows has the bits of a new engine."""
    X, Y = rng.standard_normal((300, 5)).astype(np.float32), rng.standard_normal((300, 2)).astype(np.float32)
    # not what takes the lock: a trace raises where a signal does not, after the block and before the lock is free
    telling = ("_follow", "_lay_out", "_prepare", "_reserve", "_reserve_workspace", "_list_matrices", "_set_optimizer",
               "_steer", "_set_options", "_set_objective", "_choose_objective")  # fmt: skip
    trained = Sequential([Dense(100, "tanh", input_dim=5), Dense(90, "tanh"), Dense(2)])
    trained.compile(optimizers.Adam(0.01), "mse")
    line = 0
    while line := line + 1:
        model = copy.deepcopy(trained)
        model.train_on_batch(X[:20], Y[:20])
        model.layers[0].trainable = False
        if not interrupt(lambda model=model: model.train_on_batch(X, Y), fcnet.engine, line, telling):
            break
        twin = copy.deepcopy(model)
        for rows in 300, 20:
            assert model.train_on_batch(X[:rows], Y[:rows]) == twin.train_on_batch(X[:rows], Y[:rows]), line
            np.testing.assert_array_equal(model.parameters, twin.parameters)
    assert line > 50


def test_ctrl_c_within_a_setting(rng):
    """The engine goes on with the value that the optimizer has, be it the old or the new one."""
    X, Y = rng.standard_normal((20, 3)).astype(np.float32), rng.standard_normal((20, 2)).astype(np.float32)
    for line in range(1, 20):
        model = Sequential([Dense(2, input_dim=3)])
        model.compile(optimizers.SGD(0.1), "mse")
        model.train_on_batch(X, Y)
        if not interrupt(lambda model=model: setattr(model.optimizer, "learning_rate", 0.5), checks, line):
            break
        twin = copy.deepcopy(model)
        for one in model, twin:
            one.train_on_batch(X, Y)
        np.testing.assert_array_equal(model.parameters, twin.parameters)
    assert 5 < line < 19


def test_ctrl_c_at_any_line_of_the_first_step(rng):
    """The next one is the first then; nobody says that the optimizer belongs to another model."""
    X, Y = rng.standard_normal((20, 3)).astype(np.float32), rng.standard_normal((20, 2)).astype(np.float32)
    line = 0
    while line := line + 1:
        model = Sequential([Dense(2, input_dim=3)])
        model.compile(optimizers.Adagrad(0.1), "mse")
        if not interrupt(lambda model=model: model.train_on_batch(X, Y), fcnet.model, line):
            break
        twin = copy.deepcopy(model)
        assert model.train_on_batch(X, Y) == twin.train_on_batch(X, Y)
        np.testing.assert_array_equal(model.parameters, twin.parameters)
        assert model.optimizer.state[0].min() >= 0.1  # with what Adagrad begins
    assert line > 20
