"""Layers without a matrix product: Activation, Dropout, GaussianNoise, LayerNormalization, against the reference."""

import json
import pickle

import numpy as np
import pytest
import reference
import reference_layers
from reference import Layer
from reference_layers import Transform
from tables import assert_within, batches, eps, problem, train

import fcnet
from fcnet import Activation, Dense, Dropout, GaussianNoise, LayerNormalization, Sequential, optimizers, seeds
from fcnet.engine import Engine

RATE = round(0.3 * 2**23) / 2**23
NORM = Transform("layer_normalization", 1e-3)
NETWORKS = {  # name: inputs, layers, loss
    "all kinds": (5, [Transform("gaussian_noise", 0.2), Layer(20), NORM, Transform("activation", activation="gelu"),
                      Transform("dropout", RATE), Layer(7, "tanh"), NORM, Layer(1),
                      Transform("activation", activation="sigmoid")],
                  "binary_crossentropy"),
    "normalised inputs and outputs": (
        13, [NORM, Layer(33, "softplus"), Transform("layer_normalization", 0.1, center=False), Layer(6, "linear"),
             Transform("layer_normalization", 0.2, scale=False)], "mean_squared_error"),
    "dropped inputs and outputs": (3, [Transform("dropout", 0.25, key=77), Layer(9, "tanh"), Transform("dropout", 0.5),
                                       Layer(4, "tanh", use_bias=False), Transform("dropout", 0.125)],
                                   "mean_squared_error"),
    "softmax by itself": (4, [Layer(150, "silu"), Transform("layer_normalization", 1e-3, scale=False, center=False),
                              Transform("gaussian_noise", 0.5, key=-5), Layer(3),
                              Transform("activation", activation="softmax")],
                          "categorical_crossentropy"),
    "wide": (70, [Layer(150, "tanh"), NORM, Transform("dropout", RATE), Layer(90, "tanh"), Transform("dropout", 0.5),
                  Layer(10, "softmax")], "categorical_crossentropy"),
}
SAMPLES = (1, 31, 70, 300)
FACTOR = 60  # times eps times the size of what is summed, as in test_network.py


def prepared(name, samples, dtype, seed=0):
    """Engine, parameters, X, Y, layers and loss; gamma and beta are anything too."""
    inputs, layers, loss = NETWORKS[name]
    rng = np.random.default_rng(seed)
    dense = [layer for layer in layers if layer.transform is None]
    outputs = [*dense[:-1], reference.Layer(dense[-1].units, layers[-1].activation)]
    _, X, Y = problem(rng, inputs, outputs, loss, samples, dtype)
    groups = reference_layers.shapes(inputs, layers)
    params = np.concatenate([rng.uniform(-1, 1, size=shape).ravel() / np.sqrt(shape[0]) + (len(shape) == 1) * 0.7
                             for group in groups for shape in group]).astype(dtype)
    return Engine(inputs, layers, dtype), params, X, Y, layers, loss


def fresh(optimizer, n_params, dtype):
    optimizer.build(n_params, dtype)
    return optimizer


@pytest.mark.parametrize("samples", SAMPLES)
@pytest.mark.parametrize("name", NETWORKS)
def test_network(name, samples, dtype):
    """Outputs, loss, gradient and all between, where nothing is dropped."""
    engine, params, X, Y, layers, loss = prepared(name, samples, dtype)
    unit = FACTOR * eps(dtype)
    outputs = reference_layers.predict(params, X, layers)
    size = max(1, np.abs(outputs).max())
    assert_within(engine.predict(params, X), outputs, unit * size, "outputs")
    steps = reference_layers.backward(params, X, Y, layers, loss)
    expected, flat = reference_layers.loss_and_gradient(params, X, Y, layers, loss)
    value, gradient = engine.loss_and_gradient(params, X, Y, loss)
    assert_within(value, expected, unit * (1 + expected), "loss")
    bound = unit * max(np.abs(flat).max(), 1)
    assert_within(gradient, flat, bound, "gradient")
    assert_within(engine.evaluate(params, X, Y, loss) / samples, [expected], unit * (1 + expected), "evaluated loss")

    _, found = engine.inspect(params, X, Y, loss)
    for l, (step, wanted) in enumerate(zip(found, steps, strict=True)):
        for part in ("Z", "A", "dZ"):
            assert_within(step[part], wanted[part], unit * max(1, np.abs(wanted[part]).max()), f"{part} of layer {l}")
        gradients = [step[part] for part in ("dW", "db", "dgamma", "dbeta") if step.get(part) is not None]
        assert len(gradients) == len(wanted["gradients"])
        for own, right in zip(gradients, wanted["gradients"], strict=True):
            assert_within(own, right, bound, f"gradient of layer {l}")


@pytest.mark.parametrize("name", NETWORKS)
def test_training(name, dtype):
    """Two epochs with Adam, and the same random numbers on both sides."""
    engine, params, X, Y, layers, loss = prepared(name, 83, dtype)
    orders = np.array([np.random.default_rng(i).permutation(83) for i in range(2)])
    numbers = dict(learning_rate=0.01, epsilon=1e-2)
    key, first_draw = seeds.key(5), 2**32 - 3
    trained, optimizer = params.copy(), fresh(optimizers.Adam(**numbers), engine.n_params, dtype)
    sums = np.zeros((2, 1))
    engine.train(trained, optimizer, X, Y, orders, 20, 0, 10, loss, (), sums, key=key, first_draw=first_draw)
    expected, total = reference_layers.train(params, X, Y, layers, loss, reference.Adam(**numbers), batches(orders, 20),
                                             key, first_draw)
    unit = FACTOR * eps(dtype)
    assert_within(trained, expected, unit * 4, "params")
    assert_within(sums.sum(), total, unit * (83 + total), "loss")
    assert np.abs(expected - params).max() > 100 * unit


@pytest.mark.parametrize("name", NETWORKS)
def test_central_differences_of_a_step(name):
    """The loss that a step reports, as a function of the parameters, and the step that SGD takes: the same numbers."""
    engine, params, X, Y, _, loss = prepared(name, 40, np.float64)

    def step(at):
        sums, moved = np.zeros((1, 1)), at.copy()
        engine.train(moved, fresh(optimizers.SGD(1.0), at.size, at.dtype), X, Y, None, 40, 0, 1, loss, (), sums, key=3,
                     first_draw=9)
        return sums[0, 0] / 40, at - moved

    _, gradient = step(params)
    rng = np.random.default_rng(1)
    for _ in range(5):
        direction = rng.standard_normal(params.size)
        h = 1e-6
        slope = (step(params + h * direction)[0] - step(params - h * direction)[0]) / (2 * h)
        np.testing.assert_allclose(gradient @ direction, slope, rtol=2e-6, atol=2e-7)


def test_threefry_known_answers():
    """The published results of Threefry-4x32 with 20 rounds, for the reference; and the kernels draw its numbers."""
    ones = 0xFFFFFFFF
    cases = {
        (0, 0): (0x9C6CA96A, 0xE17EAE66, 0xFC10ECD4, 0x5256A7D8),
        (ones, ones): (0x2A881696, 0x57012287, 0xF6C7446E, 0xA16A6732),
    }
    for (key, counter), words in cases.items():
        with np.errstate(over="ignore"):
            found = reference_layers.threefry_4x32([key] * 4, [np.array([counter])] * 4)
        assert tuple(int(word[0]) for word in found) == words


def drawn(transform, parameter, samples, features, key, step, dtype=np.float64):
    """What a transform makes of a batch of ones: a linear layer behind it shows its inputs in its gradient."""
    layers = [Transform(transform, parameter), Layer(samples, use_bias=False)]
    engine = Engine(features, layers, dtype)
    # loss (mean of squares) of outputs 0 with targets -I/2: dZ = I / samples^2, so that dW is A^T / samples^2
    params, X = np.zeros(engine.n_params, dtype), np.ones((samples, features), dtype)
    Y = -np.eye(samples, dtype=dtype) / 2
    trained = params.copy()
    engine.train(trained, fresh(optimizers.SGD(1.0), params.size, dtype), X, Y, None, samples, 0, 1,
                 "mean_squared_error", (), np.zeros((1, 1)), key=key, first_draw=step)
    return -trained.reshape(features, samples).T * samples**2


@pytest.mark.parametrize("features", (1, 2, 3, 4, 7, 100))
def test_masks(features, dtype):
    """Exactly the reference's mask, also for large keys and steps, in both dtypes."""
    for key, step in ((1, 0), (-3, 1), (2**62 + 5, 2**33 + 1)):
        found = drawn("dropout", 0.25, 70, features, key, step, dtype)
        mask = reference_layers.uniforms(key, 0, step, 70, features) > 0.25
        np.testing.assert_allclose(found, mask / 0.75, rtol=10 * eps(dtype))
        noise = drawn("gaussian_noise", 2.0, 70, features, key, step, dtype) - 1
        np.testing.assert_allclose(noise, 2 * reference_layers.normals(key, 0, step, 70, features),
                                   atol=40 * eps(dtype))


def test_statistics():
    """Share and independence of what is dropped, moments of the noise: within 5 standard deviations of the law."""
    masks = [drawn("dropout", 0.3, 200, 300, key, step) > 0 for key, step in ((1, 0), (1, 1), (2, 0))]
    size = masks[0].size
    for mask in masks:
        assert abs(mask.mean() - 0.7) < 5 * np.sqrt(0.21 / size)
        assert np.abs(mask.mean(axis=0) - 0.7).max() < 5 * np.sqrt(0.21 / 200)  # of every feature
        assert np.abs(mask.mean(axis=1) - 0.7).max() < 5 * np.sqrt(0.21 / 300)  # of every sample
    pairs = [(masks[0], masks[1]), (masks[0], masks[2]), (masks[0][1:], masks[0][:-1]),
             (masks[0][:, 1:], masks[0][:, :-1]), (masks[0][:, 4:], masks[0][:, :-4])]
    for one, other in pairs:  # other steps, seeds, samples, features
        correlation = np.mean((one - 0.7) * (other - 0.7)) / 0.21
        assert abs(correlation) < 5 / np.sqrt(one.size)
    noise = drawn("gaussian_noise", 1.0, 200, 300, 4, 0) - 1
    for power, mean, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs(np.mean(noise**power) - mean) < 5 * np.sqrt(variance / noise.size)


@pytest.mark.parametrize("options", (dict(global_clipnorm=0.05), dict(clipnorm=0.02)), ids=str)
def test_clipped_norms(options):
    """Of gamma and beta too: the step of SGD is as long as the norm allows, or as the gradient."""
    engine, params, X, Y, layers, loss = prepared("normalised inputs and outputs", 40, np.float64)
    _, flat = reference_layers.loss_and_gradient(params, X, Y, layers, loss)
    moved = params.copy()
    engine.train(moved, fresh(optimizers.SGD(1.0, **options), params.size, params.dtype), X, Y, None, 40, 0, 1, loss,
                 (), np.zeros((1, 1)))
    (longest,) = options.values()
    shapes = [array for group in reference_layers.shapes(13, layers) for array in group]
    sizes = [params.size] if "global_clipnorm" in options else [int(np.prod(shape)) for shape in shapes]
    parts = [part * min(1, longest / np.linalg.norm(part)) for part in np.split(flat, np.cumsum(sizes)[:-1])]
    np.testing.assert_allclose(params - moved, np.concatenate(parts), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ("all kinds", "wide"))
def test_steps_in_pieces(name, dtype):
    """How steps are grouped into calls, and how a batch goes through memory, changes no bit."""
    engine, params, X, Y, _, loss = prepared(name, 50, dtype)
    orders = np.array([np.random.default_rng(i).permutation(50) for i in range(3)])
    results = []
    for cuts in ((), (7, 14), (1, 4, 5, 9, 20)):
        optimizer, trained = fresh(optimizers.Adam(), engine.n_params, dtype), params.copy()
        train(engine, trained, optimizer, X, Y, orders, 8, loss, cuts=cuts)
        results.append((trained, *optimizer.state))
    for pieces in results[1:]:
        for array, whole in zip(pieces, results[0], strict=True):
            np.testing.assert_array_equal(array, whole)


def test_chunks(dtype, monkeypatch):
    """A batch in several chunks, in groups of any size, draws the numbers of the same samples."""
    results = []
    for limits in ({}, dict(CHUNK_ROWS=100, CHUNK_BYTES=1, GROUP_SLABS=1), dict(CHUNK_ROWS=10**6, GROUP_SLABS=64)):
        for limit, value in limits.items():
            monkeypatch.setattr(f"fcnet.planning.{limit}", value)
        engine, params, X, Y, _, loss = prepared("wide", 700, dtype)
        optimizer = fresh(optimizers.Adam(), engine.n_params, dtype)
        train(engine, params, optimizer, X, Y, np.arange(700)[None], 300, loss)
        results.append(params)
        monkeypatch.undo()
    for params in results[1:]:
        np.testing.assert_array_equal(params, results[0])


THREADS = """
    import hashlib
    import sys
    import numpy as np
    import fcnet
    import test_layers
    from tables import train

    for threads in map(int, sys.argv[1:]):
        fcnet.set_num_threads(threads)
        for name, batch in (("all kinds", 450), ("wide", 300)):
            engine, params, X, Y, _, loss = test_layers.prepared(name, 900, np.float32)
            optimizer = test_layers.fresh(test_layers.optimizers.Adam(), engine.n_params, np.float32)
            train(engine, params, optimizer, X, Y, np.arange(900)[None], batch, loss)
            print(threads, engine.threads, name, hashlib.sha256(params).hexdigest())
"""


def test_any_number_of_threads(run_python):
    lines = [line.split(" ", 2) for line in run_python(THREADS, 1, 2, NUMBA_NUM_THREADS="2").stdout.splitlines()]
    one, two = lines[:2], lines[2:]
    assert [line[2] for line in one] == [line[2] for line in two]
    assert two[1][1] == "2"  # the wide one is shared


# ------------------------------------------------------------------------------------------------
# The model
# ------------------------------------------------------------------------------------------------

def build(dtype="float32", **dropout):
    fcnet.set_seed(1)
    model = Sequential([
        GaussianNoise(0.05, input_dim=6), Dense(16), LayerNormalization(), Activation("relu"), Dropout(0.25, **dropout),
        Dense(3, activation="softmax"),
    ], dtype=dtype)  # fmt: skip
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    return model


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((150, 6))
    return X, np.argmax(X[:, :3], axis=1)


def test_model(data, capsys):
    model = build()
    assert [layer.name for layer in model.layers] == [
        "gaussian_noise", "dense", "layer_normalization", "activation", "dropout", "dense_1"]  # fmt: skip
    assert model.count_params() == 6 * 16 + 16 + 32 + 16 * 3 + 3
    norm = model.get_layer("layer_normalization")
    assert np.shares_memory(norm.gamma, model.parameters) and norm.units == 16
    np.testing.assert_array_equal(norm.gamma, 1)
    np.testing.assert_array_equal(norm.beta, 0)
    assert model.get_layer("dropout").get_weights() == []
    model.summary()
    text = capsys.readouterr().out
    assert "layer_normalization  (None, 16)                32" in text and "Dropout(0.25, name='dropout')" in repr(
        model.layers)
    history = model.fit(*data, epochs=40, verbose=0, seed=2)
    assert history.history["accuracy"][-1] > 0.7
    weights = model.get_weights()
    assert [array.shape for array in weights] == [(6, 16), (16,), (16,), (16,), (16, 3), (3,)]
    assert np.abs(norm.gamma - 1).max() > 0.001  # it has learned
    twin = build()
    twin.set_weights(weights)
    copy = pickle.loads(pickle.dumps(model))
    for other in (twin, copy):
        np.testing.assert_array_equal(other.predict(data[0]), model.predict(data[0]))
    with pytest.raises(ValueError, match="'dropout' has 0 arrays, got 1"):
        model.get_layer("dropout").set_weights([np.zeros(3)])


def test_weights_may_change_places():
    """Views of the parameters are read before any is written."""
    model = Sequential([Dense(4, "relu", input_dim=4), Dense(4, "relu")])
    first, second = model.layers
    before = model.get_weights()
    model.set_weights([second.kernel, second.bias, first.kernel, first.bias])
    for now, then in zip(model.get_weights(), [*before[2:], *before[:2]], strict=True):
        np.testing.assert_array_equal(now, then)


def test_few_rows(data):
    """The short way for few rows is open to dropout, noise and activations, and closed to layer normalization."""
    for layers, is_open in (
        ([Dropout(0.5, input_dim=6), Dense(5), Activation("gelu"), GaussianNoise(1.0), Dense(2), Activation("softmax")],
         True),
        ([Dense(5, "tanh", input_dim=6), Activation("relu"), Dense(2)], False),
        ([Dense(5, input_dim=6), LayerNormalization(), Dense(2)], False),
    ):
        model = Sequential(layers)
        X = data[0][:40].astype(np.float32)
        many = model.predict(X)
        for n in (1, 3):
            np.testing.assert_array_equal(model.predict(X[:n]), many[:n])
        assert (model._engine.predict_few(model.parameters, X[:1]) is not None) == is_open


def test_nothing_is_dropped_outside_training(data):
    model = build("float64")
    X, y = data
    assert model.evaluate(X, y) == model.evaluate(X, y)
    np.testing.assert_array_equal(model.inspect(X, y)["dropout"].A, model.inspect(X, y)["activation"].A)
    norm = model.inspect(X, y)["layer_normalization"]
    np.testing.assert_allclose(norm.A.mean(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(norm.dbeta, model.loss_and_gradient(X, y)[1][128:144])
    assert norm.dW is None and norm.dgamma.shape == (16,)


def test_seeds(data):
    """One seed, the same bits; the seed of fit, that of the process, and one of the layer's own."""
    def fitted(seed=None, process=None, parts=((0, 4),), own=None):
        model = build(seed=own)
        if process is not None:
            fcnet.set_seed(process)
        for first, last in parts:
            model.fit(*data, epochs=last, initial_epoch=first, verbose=0, seed=seed)
        return model.parameters.copy()

    def same(one, other):
        return np.array_equal(one, other)

    assert same(fitted(7), fitted(7)) and same(fitted(process=7), fitted(process=7))
    assert not same(fitted(7), fitted(8)) and not same(fitted(process=7), fitted(process=8))
    assert same(fitted(7), fitted(7, parts=((0, 1), (1, 4))))  # a fit in two parts draws what one in one part does
    assert not same(fitted(7), fitted(7, own=9))
    assert same(fitted(7, own=9), fitted(7, own=9))


def test_train_on_batch_draws_anew(data):
    def losses(seed):
        model = build(seed=4)
        model.optimizer.learning_rate = 1e-30
        fcnet.set_seed(seed)
        return [model.train_on_batch(*data)[0] for _ in range(3)]

    assert len(set(losses(3))) == 3 and losses(3) == losses(3) and losses(3) != losses(4)


def test_profile(data):
    model = build()
    model.fit(*data, verbose=0)
    before = model.parameters.copy()
    profile = model.profile(50, *data, seconds=0.05)
    assert profile.network == "6-16-3" and len([row for row in profile if row.layer]) == 18
    assert profile["dropout", "forward"].seconds > 0 and profile["dropout", "forward"].flops == 0
    assert profile["dense_1", "backward"].flops > 0 and profile["dense", "backward"].flops == 0
    np.testing.assert_array_equal(model.parameters, before)
    json.dumps(profile.to_dict())


BAD = {
    "rate 1": (lambda: Dropout(1.0), ValueError, r"rate must be in \[0, 1\), got 1.0"),
    "rate below 0": (lambda: Dropout(-0.1), ValueError, "rate must be in"),
    "rate of text": (lambda: Dropout("0.5"), ValueError, "rate must be a number"),
    "seed": (lambda: Dropout(0.5, seed=-1), ValueError, "seed must be 0 or more"),
    "seed of text": (lambda: GaussianNoise(0.5, seed="a"), TypeError, "seed must be a whole number"),
    "stddev": (lambda: GaussianNoise(-1), ValueError, "stddev must be in"),
    "infinite stddev": (lambda: GaussianNoise(np.inf), ValueError, "stddev must be a number"),
    "epsilon": (lambda: LayerNormalization(0), ValueError, r"epsilon must be in \(0, inf\)"),
    "center": (lambda: LayerNormalization(center=1), TypeError, "center must be True or False"),
    "gamma": (lambda: LayerNormalization(gamma_initializer="first"), ValueError, "gamma_initializer"),
    "activation": (lambda: Activation("rulu"), ValueError, "rulu"),
    "not a layer": (lambda: Sequential([Dropout]), TypeError, "fcnet.Dense or another layer"),
    "no Dense": (lambda: Sequential([Dropout(0.5, input_dim=3)]).fit([[1, 2, 3]], [1]), RuntimeError, "compile"),
    "softmax of 1": (lambda: Sequential([Dense(1, input_dim=2), Activation("softmax")]).compile(
        "sgd", "categorical_crossentropy"), ValueError, "softmax of 1 unit"),
    "same name": (lambda: Sequential([Dense(1, name="a"), Dropout(0.5, name="a")]), ValueError, "named 'a' already"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_arguments(case):
    make, error, message = BAD[case]
    with pytest.raises(error, match=message):
        make()


def test_one_model_for_a_layer():
    """Also while neither model is built."""
    layer = Dense(3)
    first = Sequential([layer])
    with pytest.raises(ValueError, match=r"belongs to a model already; make a new Dense.*set_weights"):
        Sequential([Dense(2), layer])
    assert first.layers == [layer]


def test_the_input_size_may_come_late():
    model = Sequential([Dropout(0.5), LayerNormalization(), Dense(2)])
    assert not model.built and not model.layers[1].built
    with pytest.raises(RuntimeError, match="no parameters yet"):
        model.layers[1].get_weights()
    model.build(3)
    assert [array.shape for array in model.get_weights()] == [(3,), (3,), (3, 2), (2,)]
    model.add(LayerNormalization(name="late"))
    model.add(Dense(1))
    assert model.predict(np.ones((4, 3))).shape == (4, 1) and model.get_layer("late").gamma.shape == (2,)
