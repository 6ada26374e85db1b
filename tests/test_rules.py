"""What holds for single arrays in training: regularizers, constraints, frozen layers, learning-rate multipliers."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import reference
import reference_layers
import test_layers
from tables import assert_within, batches, eps, train

import fcnet
from fcnet import Dense, Dropout, LayerNormalization, Sequential, constraints, optimizers, regularizers
from fcnet.callbacks import LambdaCallback
from fcnet.rules import Rule

FREE = Rule()
FROZEN = Rule(trainable=False)


def rules_of(inputs, layers, **given):
    """Rules for every array, in lists by layer; `given` has those of some: layer_0=(rule of W, rule of b)."""
    groups = reference_layers.shapes(inputs, layers)
    return [list(given.get(f"layer_{l}", [FREE] * len(group))) for l, group in enumerate(groups)]


L1, L2, BOTH = Rule(l1=0.03), Rule(l2=0.02), Rule(l1=0.01, l2=0.05, rate=0.5)
COLUMNS, ROWS, POSITIVE = (Rule(constraint=rule) for rule in (
    ("max_norm", 0, 0.6), ("max_norm", 1, 0.4), ("non_neg", 0, 0.0)))  # fmt: skip
CASES = {  # name: network of test_layers, rules by layer, optimizer with its options
    "penalties": ("all kinds", dict(layer_1=(L2, L1), layer_5=(BOTH, BOTH), layer_6=(FREE, L2)), {}),
    "constraints": ("all kinds", dict(
        layer_1=(COLUMNS, POSITIVE), layer_5=(ROWS, ROWS), layer_7=(POSITIVE, COLUMNS)), {}),
    "frozen below": ("all kinds", dict(layer_1=(FROZEN, FROZEN), layer_2=(FROZEN, FROZEN)), {}),
    "frozen between": ("wide", dict(layer_1=(FROZEN, FROZEN), layer_3=(FROZEN, FROZEN), layer_5=(L2, FREE)), {}),
    "frozen above": ("normalised inputs and outputs", dict(layer_3=(FROZEN, FROZEN), layer_4=(FROZEN,)), {}),
    "all frozen": ("dropped inputs and outputs", dict(layer_1=(FROZEN, FROZEN), layer_3=(FROZEN,)), {}),
    "rates": ("wide", dict(layer_0=(Rule(rate=0.1),) * 2, layer_3=(Rule(rate=3.0), FREE)), {}),
    "everything": ("wide", dict(layer_0=(FROZEN, FROZEN), layer_1=(BOTH, FREE), layer_3=(
        Rule(l2=0.01, constraint=("max_norm", 0, 0.9)), Rule(rate=2.0)), layer_5=(L1, POSITIVE)), {}),
    "penalties of few weights": ("softmax by itself", dict(layer_0=(L2, L1), layer_3=(L1, FREE)), {}),
    "penalties only": ("wide", dict(layer_0=(L2, FREE), layer_3=(L1, L2)), {}),
    "with a clipped norm": ("wide", dict(layer_0=(FROZEN, FROZEN), layer_3=(BOTH, FREE)), dict(global_clipnorm=0.05)),
}  # fmt: skip


def constrained(w, constraint):
    if constraint is None:
        return w
    name, axis, limit = constraint
    if name == "non_neg":
        return np.maximum(w, 0)
    norm = np.sqrt(np.sum(w**2, axis=axis if w.ndim > 1 else 0, keepdims=True))
    return w * np.clip(norm, 0, limit) / (norm + 1e-7)


def reference_training(params, X, Y, layers, loss, rules, optimizer, steps, key, global_clipnorm=np.inf):
    """Parameters after the last step, and the sum over the samples of the loss with its penalties."""
    params, total = np.array(params, np.float64), 0.0
    arrays = [array for group in reference_layers.unflatten(params, X.shape[1], layers) for array in group]
    flat = [rule for group in rules for rule in group]
    states = [[np.zeros_like(array) for _ in range(optimizer.slots)] for array in arrays]
    for step, rows in enumerate(steps):
        value, gradient = reference_layers.loss_and_gradient(params, X[rows], Y[rows], layers, loss, (key, step))
        parts = np.split(gradient, np.cumsum([array.size for array in arrays])[:-1])
        parts = [part.reshape(array.shape) for part, array in zip(parts, arrays, strict=True)]
        for i, (w, rule) in enumerate(zip(arrays, flat, strict=True)):
            value += rule.l1 * np.abs(w).sum() + rule.l2 * np.sum(w**2)
            parts[i] = (parts[i] + rule.l1 * np.sign(w) + 2 * rule.l2 * w) * rule.trainable
        total += len(rows) * value
        norm = np.sqrt(sum(np.sum(part**2) for part in parts))
        for w, rule, g, state in zip(arrays, flat, parts, states, strict=True):
            if rule.trainable:
                own = replace(optimizer, learning_rate=rule.rate * optimizer.learning_rate)
                new, state[:] = own.update(w, g * min(1, global_clipnorm / norm), state, step + 1)
                w[...] = constrained(new, rule.constraint)
    return params, total


@pytest.mark.parametrize("name", CASES)
def test_training(name, dtype):
    network, given, options = CASES[name]
    engine, params, X, Y, layers, loss = test_layers.prepared(network, 150, dtype)
    rules = rules_of(X.shape[1], layers, **given)
    engine.follow(rules)
    orders = np.array([np.random.default_rng(i).permutation(150) for i in range(2)])
    numbers = dict(learning_rate=0.01, epsilon=1e-2)
    optimizer = test_layers.fresh(optimizers.Adam(**numbers, **options), engine.n_params, dtype)
    trained = params.copy()
    sums = train(engine, trained, optimizer, X, Y, orders, 70, loss)
    expected, total = reference_training(params, X, Y, layers, loss, rules, reference.Adam(**numbers),
                                         batches(orders, 70), 0, **options)
    unit = 60 * eps(dtype)
    assert_within(trained, expected, 4 * unit, "params")
    assert_within(sums.sum(), total, unit * (150 + total), "loss")
    start = 0
    for group, shapes in zip(rules, reference_layers.shapes(X.shape[1], layers), strict=True):
        for rule, shape in zip(group, shapes, strict=True):
            part = slice(start, start := start + int(np.prod(shape)))
            assert np.array_equal(trained[part], params[part]) != rule.trainable


DENSE = [reference.Layer(150, "tanh"), reference.Layer(60, "tanh"), reference.Layer(3, "tanh")]


@pytest.mark.parametrize("batch, layers, frozen", [
    (3, DENSE, True), (3, DENSE, False), (200, DENSE, True), (2500, DENSE[:2], False), (300, DENSE[2:], False),
], ids=("rows", "rows, all learn", "tiles", "chunks", "sums"))  # fmt: skip
def test_penalties_are_added_where_the_gradient_is(batch, layers, frozen, dtype):
    """Each way that a gradient is computed updates with the penalties at once, of weights, of biases and of both."""
    samples = batch + batch // 2
    params, X, Y = test_layers.problem(np.random.default_rng(0), 40, layers, "mean_squared_error", samples, dtype)
    params[-layers[-1].units:] = 0.5
    engine = test_layers.Engine(40, layers, dtype)
    assert engine.planner.by_rows(batch) == (batch == 3)
    assert (engine.planner.summed_slabs(-(-batch // engine.slab)) > 0) == (batch == 300)
    rules = rules_of(40, layers, layer_0=(Rule(l1=0.01, l2=0.05), FREE))
    rules[-1][1] = Rule(l1=0.02, l2=0.01, constraint=("non_neg", 0, 0.0))
    if frozen:
        rules[1] = [FROZEN, FROZEN]
    engine.follow(rules)
    orders = np.array([np.random.default_rng(i).permutation(samples) for i in range(2)])
    options = dict(momentum=0.9, nesterov=True)
    optimizer = test_layers.fresh(optimizers.SGD(0.1, **options), engine.n_params, dtype)
    trained = params.copy()
    sums = train(engine, trained, optimizer, X, Y, orders, batch, "mean_squared_error")
    assert not engine._deferred
    expected, total = reference_training(params, X, Y, layers, "mean_squared_error", rules,
                                         reference.SGD(0.1, **options), batches(orders, batch), 0)
    unit = 60 * eps(dtype)
    assert_within(trained, expected, 4 * unit, "params")
    assert_within(sums.sum(), total, unit * (samples + total), "loss")


@pytest.mark.parametrize("name", ("penalties", "everything"))
def test_gradient_and_steps_in_pieces(name, dtype):
    """`loss_and_gradient` has the penalties too; and where calls are cut changes no bit."""
    network, given, _ = CASES[name]
    engine, params, X, Y, layers, loss = test_layers.prepared(network, 60, dtype)
    rules = rules_of(X.shape[1], layers, **given)
    plain, flat = engine.loss_and_gradient(params, X, Y, loss)
    engine.follow(rules)
    value, gradient = engine.loss_and_gradient(params, X, Y, loss)
    groups = reference_layers.unflatten(params.astype(float), X.shape[1], layers)
    arrays = [array for group in groups for array in group]
    pairs = list(zip(arrays, [rule for group in rules for rule in group], strict=True))
    penalty = sum(rule.l1 * np.abs(w).sum() + rule.l2 * (w**2).sum() for w, rule in pairs)
    slope = np.concatenate([(rule.l1 * np.sign(w) + 2 * rule.l2 * w).ravel() for w, rule in pairs])
    np.testing.assert_allclose(value, plain + penalty, rtol=1e-6)
    np.testing.assert_allclose(gradient, flat + slope, rtol=1e-5, atol=1e-6)
    results = []
    for cuts in ((), (1, 4, 8)):
        trained = params.copy()
        optimizer = test_layers.fresh(optimizers.SGD(0.1, momentum=0.9), params.size, dtype)
        sums = train(engine, trained, optimizer, X, Y, np.tile(np.arange(60), (2, 1)), 10, loss, cuts=cuts)
        results.append((trained, optimizer.state[0], sums))
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)


THREADS = """
    import hashlib
    import sys
    import numpy as np
    import fcnet
    import test_layers
    import test_rules
    from tables import train

    for threads in map(int, sys.argv[1:]):
        fcnet.set_num_threads(threads)
        for name in ("everything", "constraints", "penalties only", "penalties of few weights"):
            network, given, _ = test_rules.CASES[name]
            engine, params, X, Y, layers, loss = test_layers.prepared(network, 900, np.float32)
            engine.follow(test_rules.rules_of(X.shape[1], layers, **given))
            optimizer = test_layers.fresh(test_layers.optimizers.Adam(), engine.n_params, np.float32)
            sums = train(engine, params, optimizer, X, Y, np.arange(900)[None], 450, loss)
            print(engine.threads, name, hashlib.sha256(params.tobytes() + sums.tobytes()).hexdigest())
"""


def test_any_number_of_threads(run_python):
    lines = [line.split(" ", 1) for line in run_python(THREADS, 1, 2, NUMBA_NUM_THREADS="2").stdout.splitlines()]
    assert [line[1] for line in lines[:4]] == [line[1] for line in lines[4:]] and lines[4][0] == lines[7][0] == "2"


@pytest.mark.parametrize("shape", ((3, 5), (70, 300), (300, 70), (1, 1)))
def test_constraint_objects(shape):
    """What the objects compute is what the reference does, and what training leaves within bounds."""
    w = np.random.default_rng(0).standard_normal(shape)
    for made in (constraints.MaxNorm(0.5), constraints.MaxNorm(0.5, axis=1), constraints.NonNeg()):
        np.testing.assert_allclose(made(w), constrained(w, made.rule), rtol=1e-12)
        assert made(w).dtype == w.dtype
    for made in (regularizers.L1(0.5), regularizers.l2(0.5), regularizers.l1_l2(0.1, 0.2)):
        np.testing.assert_allclose(made(w), made.l1 * np.abs(w).sum() + made.l2 * (w**2).sum(), rtol=1e-12)
    assert type(regularizers.get("l1l2")) is type(regularizers.get("l1_l2")) is regularizers.L1L2


# ------------------------------------------------------------------------------------------------
# The model
# ------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((150, 6))
    return X, np.argmax(X[:, :3], axis=1)


def build(dtype="float64", **numbers):
    """Dropout, layer normalization and penalties together."""
    fcnet.set_seed(1)
    model = Sequential([
        Dense(16, "tanh", input_dim=6, kernel_regularizer=regularizers.L2(0.02), name="features"),
        LayerNormalization(), Dropout(0.25),
        Dense(8, "tanh", kernel_regularizer=regularizers.L1L2(0.001, 0.01), bias_regularizer="l1", **numbers),
        Dense(3, activation="softmax", name="answer"),
    ], dtype=dtype)  # fmt: skip
    model.compile(optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    return model


def test_loss_has_the_penalties(data):
    model = build()
    model.get_layer("dense").b[:] = 0.3
    X, y = data
    value, gradient = model.loss_and_gradient(X, y)
    penalty = (0.02 * np.sum(model.layers[0].W**2) + 0.001 * np.abs(model.layers[3].W).sum()
               + 0.01 * np.sum(model.layers[3].W**2) + 0.01 * 8 * 0.3)
    p = model.predict(X)[np.arange(150), y]
    np.testing.assert_allclose(value, np.mean(-np.log(p)) + penalty, rtol=1e-12)
    np.testing.assert_allclose(model.evaluate(X, y), value, rtol=1e-12)
    np.testing.assert_allclose(model.inspect(X, y).loss, value, rtol=1e-12)
    np.testing.assert_allclose(model.inspect(X, y)["features"].dW.ravel(), gradient[:96], rtol=1e-12)
    flat = model.parameters
    for i in range(0, flat.size, 7):
        before, h = flat[i], 1e-6
        flat[i] = before + h
        above = model.loss_and_gradient(X, y)[0]
        flat[i] = before - h
        below = model.loss_and_gradient(X, y)[0]
        flat[i] = before
        np.testing.assert_allclose(gradient[i], (above - below) / (2 * h), atol=1e-8)


def test_frozen_layers(data):
    """Frozen from the next fit on, also by a penalty's share of the loss; thawed they learn again."""
    model = build()
    model.fit(*data, epochs=2, verbose=0, seed=1)
    model.layers[0].trainable = False
    weights = model.get_weights()
    assert model.evaluate(*data) == build_like(model, data)
    history = model.fit(*data, epochs=2, verbose=0, seed=1)
    assert len(history.history["loss"]) == 2
    moved = [not np.array_equal(*pair) for pair in zip(weights, model.get_weights(), strict=True)]
    assert moved == [False, False, True, True, True, True, True, True]
    copy = pickle.loads(pickle.dumps(model))
    assert not copy.layers[0].trainable
    model.layers[0].trainable = True
    model.fit(*data, verbose=0)
    assert not np.array_equal(weights[0], model.layers[0].W)


@pytest.mark.parametrize("looks", [False, True])
@pytest.mark.parametrize("name, value", [
    ("trainable", False), ("kernel_regularizer", "l1"), ("kernel_constraint", "non_neg"),
    ("learning_rate_multiplier", 0.5),
])  # fmt: skip
def test_what_a_hook_sets_holds_from_the_next_step_on(data, name, value, looks):
    """As if it had been set between two fits, whether the hook asks the model for something or not."""

    def change(epoch, logs=None):
        if epoch == 1:
            setattr(model.layers[0], name, value)
        if looks:
            model.evaluate(*data)

    model = build()
    one = model.fit(*data, epochs=3, verbose=0, seed=1, callbacks=LambdaCallback(on_epoch_begin=change))
    expected, model = model.parameters, build()
    model.fit(*data, epochs=1, verbose=0, seed=1)
    change(1)
    two = model.fit(*data, epochs=3, initial_epoch=1, verbose=0, seed=1)
    np.testing.assert_array_equal(model.parameters, expected)
    assert one.history["loss"][1:] == two.history["loss"]


def build_like(model, data):
    """The loss of the same network without the frozen layer's penalty."""
    penalty = 0.02 * np.sum(model.layers[0].W**2)
    model.layers[0].trainable = True
    value = model.evaluate(*data)
    model.layers[0].trainable = False
    return pytest.approx(value - penalty, rel=1e-12)


def test_a_model_is_frozen_as_a_whole(data):
    """As in Keras it is set in all layers, each of which may be set again."""
    model = build("float32")
    assert model.trainable
    model.trainable = False
    assert not model.trainable and not any(layer.trainable for layer in model.layers)
    before = model.parameters.copy()
    model.fit(*data, verbose=0)
    np.testing.assert_array_equal(model.parameters, before)
    model.layers[-1].trainable = True
    model.fit(*data, verbose=0)
    changed = before != model.parameters
    assert changed.any() and not changed[: -model.layers[-1].count_params()].any()


def test_options_of_a_layer_may_be_set(data):
    """What is set is what a layer could have been made with: it trains alike, and it is checked by the same code."""
    options = dict(kernel_regularizer="l1", bias_regularizer=regularizers.l2(0.1), kernel_constraint="max_norm",
                   bias_constraint="non_neg", learning_rate_multiplier=0.5)  # fmt: skip
    found = []
    for given, later in ((options, {}), ({}, options)):
        fcnet.set_seed(3)
        model = Sequential([Dense(8, "tanh", input_dim=data[0].shape[1], **given), Dense(3, "softmax")])
        model.compile("sgd", "sparse_categorical_crossentropy")
        for name, value in later.items():
            setattr(model.layers[0], name, value)
        model.fit(*data, epochs=2, verbose=0, seed=1)
        found.append(model.parameters)
    np.testing.assert_array_equal(*found)
    layer = model.layers[0]
    assert (repr(layer.kernel_regularizer), repr(layer.bias_constraint)) == ("L1(l1=0.01)", "NonNeg()")
    layer.kernel_constraint.max_value = 0.25
    model.fit(*data, verbose=0)
    assert np.linalg.norm(layer.W, axis=0).max() <= 0.25


def test_a_class_derived_from_sequential_has_attributes_of_its_own():
    class Own(Sequential):
        def __init__(self, note):
            self.note = note
            super().__init__([Dense(1, input_dim=2)])

    model = Own("before")
    model.note = "after"
    assert model.note == "after" and model.count_params() == 3


def test_an_average_keeps_what_is_frozen(data):
    model = build("float32")
    model.compile(optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9), "sparse_categorical_crossentropy")
    model.layers[0].trainable = False
    before = model.layers[0].W.copy()
    model.fit(*data, epochs=3, verbose=0)
    np.testing.assert_array_equal(model.layers[0].W, before)
    assert np.isfinite(model.parameters).all()


def test_what_is_frozen_accumulates_nothing(data):
    """Nobody computes its gradient; what was summed up before is forgotten, and thawed it begins with 0."""
    model = build("float32")
    model.compile(optimizers.SGD(0.1, gradient_accumulation_steps=4), "sparse_categorical_crossentropy")
    frozen = model.layers[0].count_params()
    model.train_on_batch(*data)
    assert model.optimizer.state[-1][:frozen].any()
    model.layers[0].trainable = False
    model.train_on_batch(*data)
    summed = model.optimizer.state[-1]
    assert not summed[:frozen].any() and summed[frozen:].all()


def test_multiplier(data):
    """One step of SGD with a multiplier is as much longer."""
    steps = []
    for multiplier in (1.0, 0.25):
        model = build(learning_rate_multiplier=multiplier)
        before = [layer.get_weights() for layer in model.layers]
        fcnet.set_seed(2)
        model.train_on_batch(*data)
        steps.append([now - was for was, layer in zip(before, model.layers, strict=True)
                      for was, now in zip(was, layer.get_weights(), strict=True)])
    for i, (whole, part) in enumerate(zip(*steps, strict=True)):
        np.testing.assert_allclose(part, whole * (0.25 if i in (4, 5) else 1), rtol=1e-9, atol=1e-15)


def test_constraints_hold(data):
    model = Sequential([
        Dense(300, "relu", input_dim=6, kernel_constraint=constraints.MaxNorm(0.5), bias_constraint="non_neg"),
        Dense(3, "softmax", kernel_constraint=constraints.MaxNorm(0.3, axis=1), bias_constraint="max_norm"),
    ])  # fmt: skip
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(*data, epochs=3, verbose=0)
    first, last = model.layers
    assert np.linalg.norm(first.W, axis=0).max() <= 0.5 and first.b.min() >= 0
    assert np.linalg.norm(last.W, axis=1).max() <= 0.3 and np.linalg.norm(last.W, axis=0).max() > 0.3


def test_weights_go_from_model_to_model(data):
    first, second = build(), build("float32")
    first.fit(*data, verbose=0)
    second.get_layer("features").set_weights(first.get_layer("features").get_weights())
    np.testing.assert_allclose(second.layers[0].W, first.layers[0].W, rtol=1e-6)
    with pytest.raises(ValueError, match="belongs to a model already"):
        Sequential([first.get_layer("features")])


def test_full_batch_fits(data):
    """LBFGS minimizes the loss with its penalties and leaves frozen layers as they are."""
    pytest.importorskip("scipy")
    model = Sequential([Dense(8, "tanh", input_dim=6), Dense(3, "softmax", kernel_regularizer="l2")], dtype="float64")
    model.compile(optimizers.LBFGS(), "sparse_categorical_crossentropy")
    model.layers[0].trainable = False
    before = model.layers[0].W.copy()
    history = model.fit(*data, epochs=50, verbose=0)
    np.testing.assert_array_equal(model.layers[0].W, before)
    assert np.abs(model.loss_and_gradient(*data)[1][56:]).max() < 1e-3
    np.testing.assert_allclose(history.history["loss"][-1], model.evaluate(*data), rtol=1e-9)
    model.add(Dense(3, "softmax", kernel_constraint="non_neg"))
    with pytest.raises(ValueError, match="'dense_2' has a constraint"):
        model.fit(*data)


def test_range_test_and_profile_keep_the_rules(data):
    model = build("float32")
    model.layers[0].trainable = False
    found = model.find_learning_rate(*data, batch_size=50, steps=20)
    assert np.isfinite(found.losses).all()
    profile = model.profile(50, *data, seconds=0.05)
    assert profile["features", "gradient"].seconds == 0


BAD = {
    "name": (lambda: Dense(1, kernel_regularizer="l3"), ValueError, "kernel_regularizer 'l3'"),
    "number": (lambda: Dense(1, bias_regularizer=0.1), TypeError, "bias_regularizer must be a name"),
    "l1": (lambda: regularizers.L1(-1), ValueError, r"l1 must be in \[0, inf\)"),
    "l2": (lambda: regularizers.L2(np.nan), ValueError, "l2 must be a number"),
    "constraint": (lambda: Dense(1, kernel_constraint="maxnorm2"), ValueError, "kernel_constraint"),
    "axis": (lambda: constraints.MaxNorm(axis=2), ValueError, "axis must be 0 or 1, got 2"),
    "axis of b": (lambda: Dense(1, bias_constraint=constraints.MaxNorm(axis=1)), ValueError, "a vector has axis 0"),
    "max_value": (lambda: constraints.MaxNorm(0), ValueError, "max_value must be in"),
    "multiplier": (lambda: Dense(1, learning_rate_multiplier=0), ValueError, "learning_rate_multiplier must be in"),
    "trainable": (lambda: setattr(Dense(1), "trainable", 0), TypeError, "trainable must be True or False"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_arguments(case):
    make, error, message = BAD[case]
    with pytest.raises(error, match=message):
        make()
