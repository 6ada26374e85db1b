"""Weights of samples and classes: as many copies of a sample, or none."""

import numpy as np
import pytest
import reference
from tables import (
    DTYPES,
    OPTIMIZERS,
    PAIRS,
    assert_within,
    batches,
    declared,
    eps,
    layers_of,
    metrics_of,
    problem,
    train,
)

from fcnet import Dense, Sequential, metrics, optimizers
from fcnet.engine import Engine

FACTOR = 200  # rounding, of what has the size 1
SAMPLES, INPUTS = 83, 5


def weighted_problem(output, loss, dtype, seed=0):
    rng = np.random.default_rng(seed)
    layers = layers_of((7, 6, 3), "tanh", output)
    params, X, Y = problem(rng, INPUTS, layers, loss, SAMPLES, dtype)
    weights = np.where(rng.random(SAMPLES) < 0.3, 0, rng.uniform(0.1, 3, SAMPLES)).astype(dtype)
    return layers, params, X, Y, weights


@pytest.mark.parametrize("output, loss", PAIRS, ids=str)
@pytest.mark.parametrize("number", DTYPES)
def test_every_loss(output, loss, number):
    """Loss and gradient are the reference's; without the samples of weight 0, and with copies of the others, the same.

    Weights of 1 change no bit.
    """
    layers, params, X, Y, weights = weighted_problem(output, loss, number)
    engine, loss_object = Engine(INPUTS, layers, number), declared(loss)

    def found(X, Y, weights):
        return engine.loss_and_gradient(params, X, Y, loss_object, weights)

    value, gradient = found(X, Y, weights)
    wanted, wanted_gradient = reference.loss_and_gradient(params, X, Y, layers, loss, weights)
    unit = FACTOR * eps(number)
    assert_within(value, wanted, unit * (1 + wanted), "loss")
    size = np.abs(wanted_gradient).max()
    assert_within(gradient, wanted_gradient, unit * size, "gradient")

    counts = np.rint(weights)
    copies = np.repeat(np.arange(SAMPLES), counts.astype(int))
    for rows, by in ((weights > 0, weights), (copies, counts)):
        value, gradient = found(X, Y, by)
        value_without, gradient_without = found(X[rows], Y[rows], weights[rows] if by is weights else None)
        assert_within(value, value_without, unit * (1 + value_without), "loss without")
        assert_within(gradient, gradient_without, unit * size, "gradient without")

    ones = found(X, Y, np.ones(SAMPLES, number))
    plain = found(X, Y, None)
    assert ones[0] == plain[0]
    np.testing.assert_array_equal(ones[1], plain[1])


@pytest.mark.parametrize("output, loss", PAIRS[:25], ids=str)
def test_metrics_count_by_weight(output, loss, dtype):
    """Those of weight 0 are absent from a weighted metric; an unweighted one counts every sample once."""
    layers, params, X, Y, weights = weighted_problem(output, loss, dtype)
    engine, names = Engine(INPUTS, layers, dtype), metrics_of(loss)
    weighted = [metrics.get(name) for name in names]
    for metric in weighted:
        metric.weighted = True
    sums = engine.evaluate(params, X, Y, declared(loss), [*weighted, *names], weights)
    kept = weights > 0
    without = engine.evaluate(params, X[kept], Y[kept], declared(loss), weighted, weights[kept])
    bound = FACTOR * eps(dtype) * (1 + np.abs(without)) * SAMPLES
    assert_within(sums[:1 + len(names)], without, bound, str(names))
    A = reference.predict(params, X, layers)
    for i, name in enumerate(names, 1):
        values = reference.METRICS[name](A, np.asarray(Y, np.float64))
        size = FACTOR * eps(dtype) * (1 + np.abs(values)).sum()
        assert_within(sums[i], weights @ values, 3 * size, f"weighted {name}")
        assert_within(sums[len(names) + i], values.sum(), size, name)


@pytest.mark.parametrize("samples, batch_size", ((83, 20), (700, 300)))
def test_training(samples, batch_size, dtype):
    """An epoch's steps by hand: the gradient of every batch is that of the weighted mean over it."""
    rng = np.random.default_rng(4)
    layers, loss = layers_of((9, 3), "tanh", "softmax"), "categorical_crossentropy"
    params, X, Y = problem(rng, INPUTS, layers, loss, samples, dtype)
    weights = rng.integers(0, 4, samples).astype(dtype)
    engine, orders = Engine(INPUTS, layers, dtype), np.array([rng.permutation(samples) for _ in range(2)])
    trained, optimizer = params.copy(), optimizers.SGD(0.1)
    optimizer.build(engine.n_params, dtype)
    sums = train(engine, trained, optimizer, X, Y, orders, batch_size, loss, weights=weights)
    wanted, wanted_sum = params.astype(np.float64), 0
    for rows in batches(orders, batch_size):
        value, gradient = reference.loss_and_gradient(wanted, X[rows], Y[rows], layers, loss, weights[rows])
        wanted -= 0.1 * gradient
        wanted_sum += value * weights[rows].sum()
    assert_within(trained, wanted, FACTOR * eps(dtype), "params")
    assert_within(sums.sum(), wanted_sum, FACTOR * eps(dtype) * wanted_sum, "sums")


@pytest.mark.parametrize("optimizer", ("sgd", "momentum", "adam"))  # none that decays weights
def test_a_batch_without_weight(optimizer, dtype):
    """Loss and gradient are 0, and nothing is NaN: a plain step leaves the parameters as they were."""
    layers, loss = layers_of((9, 3), "relu", "softmax"), "categorical_crossentropy"
    params, X, Y = problem(np.random.default_rng(1), INPUTS, layers, loss, 96, dtype)
    engine = Engine(INPUTS, layers, dtype)
    weights = np.zeros(96, dtype)
    value, gradient = engine.loss_and_gradient(params, X, Y, loss, weights)
    assert value == 0 and not gradient.any()
    class_name, parameters = OPTIMIZERS[optimizer]
    weights[32:64] = 1  # the second of three batches
    results = []
    for last in (1, 3):
        own, trained = getattr(optimizers, class_name)(**parameters), params.copy()
        own.build(engine.n_params, dtype)
        sums = np.zeros((1, 1))
        engine.train(trained, own, X, Y, None, 32, 0, last, loss, (), sums, weights)
        results.append(trained)
        assert np.isfinite(trained).all() and np.isfinite(sums).all()
    np.testing.assert_array_equal(results[0], params)
    assert np.abs(results[1] - params).max() > 1e-4


# ------------------------------------------------------------------------------------------------
# The model
# ------------------------------------------------------------------------------------------------

def classifier(units=1, dtype="float64", **how):
    output = "sigmoid" if units == 1 else "softmax"
    model = Sequential([Dense(6, "tanh", input_dim=3), Dense(units, output)], dtype=dtype)
    first, second = model.layers
    rng = np.random.default_rng(3)
    first.set_weights([rng.standard_normal((3, 6)), np.zeros(6)])
    second.set_weights([rng.standard_normal((6, units)), np.zeros(units)])
    loss = "binary_crossentropy" if units == 1 else "sparse_categorical_crossentropy"
    model.compile(**{"optimizer": "sgd", "loss": loss, "metrics": ["accuracy"], **how})
    return model


def labelled(n=60, classes=2):
    rng = np.random.default_rng(8)
    X = rng.standard_normal((n, 3))
    return X, np.minimum(rng.integers(0, 2 * classes, n), classes - 1)  # the last class is the most frequent


def history(model, X, y, **how):
    return model.fit(X, y, batch_size=60, epochs=2, verbose=0, shuffle=False, **how).history


def test_weights_through_the_model():
    """fit, train_on_batch, evaluate, loss_and_gradient and inspect with weights are those of the rows, repeated."""
    X, y = labelled()
    w = np.random.default_rng(2).integers(0, 3, 60)
    rows = np.repeat(np.arange(60), w)
    how = dict(metrics=["accuracy"], weighted_metrics=["acc", "mse"])
    weighted, plain = classifier(**how), classifier(**how)
    found = history(weighted, X, y, sample_weight=w, validation_data=(X, y, w))
    wanted = plain.fit(X[rows], y[rows], len(rows), 2, 0, shuffle=False, validation_data=(X[rows], y[rows])).history
    assert list(found) == ["loss", "accuracy", "acc", "mse", *(f"val_{n}" for n in ("loss", "accuracy", "acc", "mse"))]
    for name in found:
        if "accuracy" not in name:
            np.testing.assert_allclose(found[name], wanted[name], rtol=1e-12)
    np.testing.assert_allclose(weighted.parameters, plain.parameters, rtol=1e-12)
    unweighted = np.mean((weighted.predict(X)[:, 0] > 0.5) == y)
    assert found["val_accuracy"][-1] == pytest.approx(unweighted) != pytest.approx(found["val_acc"][-1])

    assert weighted.train_on_batch(X, y, w)[0] == pytest.approx(plain.train_on_batch(X[rows], y[rows])[0])
    pairs = [(m.evaluate(*data)[0], *m.loss_and_gradient(*data[:2], *data[4:])) for m, data in (
        (weighted, (X, y, None, 0, w)), (plain, (X[rows], y[rows])))]
    for one, other in zip(*pairs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-14)
    passes = weighted.inspect(X, y, w)
    gradient = np.concatenate([part.ravel() for layer in passes for part in (layer.dW, layer.db)])
    np.testing.assert_allclose(gradient, weighted.loss_and_gradient(X, y, w)[1], rtol=1e-12)
    assert passes.loss == pytest.approx(weighted.evaluate(X, y, sample_weight=w)[0])


@pytest.mark.parametrize("form", ("list", "int8", "float16", "column", "pandas", "polars", "strided", "read-only"))
def test_any_form_of_weights(form):
    X, y = labelled()
    w = np.random.default_rng(2).integers(0, 3, 60).astype(np.float64)
    if form in ("pandas", "polars"):
        given = pytest.importorskip(form).Series(w.tolist())
    else:
        given = {"list": w.tolist(), "int8": w.astype(np.int8), "float16": w.astype(np.float16),
                 "column": w[:, None], "strided": np.repeat(w, 2)[::2], "read-only": w.copy()}[form]
    if form == "read-only":
        given.flags.writeable = False
    one, other = classifier(dtype="float32"), classifier(dtype="float32")
    kept = w.copy()
    assert history(one, X, y, sample_weight=given) == history(other, X, y, sample_weight=w)
    np.testing.assert_array_equal(one.parameters, other.parameters)
    np.testing.assert_array_equal(w, kept)


def test_only_ratios_of_weights_matter():
    """Also where float32 would overflow, or flush to zero."""
    X, y = labelled()
    w = np.random.default_rng(2).uniform(0.5, 2, 60)
    wanted = classifier(dtype="float32").loss_and_gradient(X, y, w)
    for power in (-1000, -140, 140, 1000):
        value, gradient = classifier(dtype="float32").loss_and_gradient(X, y, np.ldexp(w, power))
        assert value == pytest.approx(wanted[0], rel=1e-6)
        np.testing.assert_allclose(gradient, wanted[1], rtol=1e-4, atol=1e-7)


CLASS_WEIGHTS = [  # labels of (60,) class numbers in the form that the loss wants, class_weight, weight of each class
    (2, "binary_crossentropy", lambda y: y, {0: 3, 1: 0.5}, (3, 0.5)),
    (2, "binary_crossentropy", lambda y: y, {0: 3}, (3, 1)),
    (2, "hinge", lambda y: 2 * y - 1, {-1: 3, np.int64(1): 2}, (3, 2)),
    (2, "mean_squared_error", lambda y: y.astype(bool), {0: 0}, (0, 1)),
    (3, "sparse_categorical_crossentropy", lambda y: y, {2: 0.25, 0: 2}, (2, 1, 0.25)),
    (3, "categorical_crossentropy", lambda y: np.eye(3)[y], {1: 5}, (1, 5, 1)),
]


@pytest.mark.parametrize("classes, loss, labels, given, expected", CLASS_WEIGHTS)
def test_class_weight(classes, loss, labels, given, expected):
    """The same as weights of the samples; with both they multiply; "balanced" is n / (k count)."""
    X, y = labelled(classes=classes)
    units = 1 if classes == 2 else classes
    own = np.random.default_rng(2).uniform(0.5, 2, 60)
    balanced = 60 / (classes * np.bincount(y))
    for by_class, weight in ((given, expected), ("balanced", balanced)):
        for more in (None, own):
            one, other = (classifier(units, loss=loss, metrics=None, weighted_metrics=["accuracy"]) for _ in range(2))
            w = np.asarray(weight)[y] * (1 if more is None else more)
            found = history(one, X, labels(y), class_weight=by_class, sample_weight=more, validation_split=0.0)
            wanted = history(other, X, labels(y), sample_weight=w)
            for name in wanted:
                np.testing.assert_allclose(found[name], wanted[name], rtol=1e-12)
            np.testing.assert_allclose(one.parameters, other.parameters, rtol=1e-12)
            np.testing.assert_allclose(one.train_on_batch(X, labels(y), more, by_class)[0],
                                       other.train_on_batch(X, labels(y), w)[0], rtol=1e-12)


def test_root_of_the_mean_of_all_samples():
    """An epoch's loss is the mean of its batches' roots; evaluate and validation have the root of the mean."""
    X, y = labelled()
    w = np.random.default_rng(2).uniform(0.5, 2, 60)
    still = dict(loss="rmse", metrics=None, optimizer=optimizers.SGD(1e-12), weighted_metrics=["mse"])
    model = classifier(**still)
    found = model.fit(X, y, 25, 1, 0, sample_weight=w, shuffle=False, validation_data=(X, y, w)).history
    errors = (model.predict(X)[:, 0] - y) ** 2
    parts = [slice(0, 25), slice(25, 50), slice(50, 60)]
    roots = [np.sqrt(np.average(errors[part], weights=w[part])) for part in parts]
    wanted = np.sqrt(np.average(errors, weights=w))
    assert found["loss"][0] == pytest.approx(np.average(roots, weights=[w[part].sum() for part in parts]), rel=1e-9)
    assert found["val_loss"][0] == pytest.approx(wanted, rel=1e-12)
    assert model.evaluate(X, y, sample_weight=w) == pytest.approx([wanted, wanted**2], rel=1e-9)
    assert model.train_on_batch(X, y, w)[0] == pytest.approx(wanted, rel=1e-9)


def test_balanced_is_that_of_scikit_learn():
    sklearn = pytest.importorskip("sklearn.utils.class_weight")
    X, y = labelled(classes=3)
    one, other = classifier(3), classifier(3)
    history(one, X, y, class_weight="balanced")
    history(other, X, y, sample_weight=sklearn.compute_sample_weight("balanced", y))
    np.testing.assert_allclose(one.parameters, other.parameters, rtol=1e-13)


def test_validation_split_holds_out_weights_too():
    """Weights by class are of the samples that are trained on; the loss of validation is without them."""
    X, y = labelled()
    w = np.random.default_rng(2).integers(0, 3, 60)
    one, other = classifier(), classifier()
    found = one.fit(X, y, 45, 2, 0, sample_weight=w, class_weight="balanced", validation_split=0.25, shuffle=False)
    wanted = other.fit(X[:45], y[:45], 45, 2, 0, sample_weight=w[:45], class_weight="balanced",
                       validation_data=(X[45:], y[45:], w[45:]), shuffle=False)
    assert found.history == wanted.history


BAD_WEIGHTS = [
    (dict(sample_weight=np.ones(59)), ValueError, ["60", "59"]),
    (dict(sample_weight=np.ones((60, 2))), ValueError, ["(60, 2)"]),
    (dict(sample_weight=[1.0] * 7 + [-0.5] + [1.0] * 52), ValueError, ["-0.5", "row 7"]),
    (dict(sample_weight=[1.0] * 7 + [np.nan] + [1.0] * 52), ValueError, ["NaN", "row 7"]),
    (dict(sample_weight=[1.0] * 7 + [np.inf] + [1.0] * 52), ValueError, ["inf", "row 7"]),
    (dict(sample_weight=np.zeros(60)), ValueError, ["0 for all 60"]),
    (dict(sample_weight=[0] * 30 + [1] * 30, validation_split=0.5), ValueError, ["train on", "30"]),
    (dict(sample_weight=[1] * 30 + [0] * 30, validation_split=0.5), ValueError, ["held-out", "30"]),
    (dict(sample_weight=["a"] * 60), TypeError, ["sample_weight"]),
    (dict(class_weight="balance"), TypeError, ["balanced"]),
    (dict(class_weight=[1, 2]), TypeError, ["balanced", "[1, 2]"]),
    (dict(class_weight={2: 1.0}), ValueError, ["class 2", "0, 1"]),
    (dict(class_weight={"0": 1.0}), ValueError, ["class '0'"]),
    (dict(class_weight={0: -1.0}), ValueError, ["class_weight[0]", "-1.0"]),
    (dict(class_weight={0: 0, 1: 0}), ValueError, ["class_weight", "0 for all"]),
    (dict(validation_data=(1, 2, 3, 4)), ValueError, ["(x, y, sample_weight)", "4"]),
]


@pytest.mark.parametrize("how, error, words", BAD_WEIGHTS)
def test_wrong_weights(how, error, words):
    X, y = labelled()
    model = classifier()
    before = model.parameters.copy()
    with pytest.raises(error) as raised:
        history(model, X, y, **how)
    for word in words:
        assert word in str(raised.value)
    np.testing.assert_array_equal(model.parameters, before)


@pytest.mark.parametrize("labels, words", (
    (np.full((60, 1), 0.5), ["0 or 1", "row 0"]), (np.ones((60, 3)), ["one-hot", "row 0"])))
def test_class_weight_needs_classes(labels, words):
    model = classifier(labels.shape[1], loss="mean_squared_error", metrics=None)
    with pytest.raises(ValueError, match="class_weight needs") as raised:
        history(model, labelled()[0], labels, class_weight="balanced")
    for word in words:
        assert word in str(raised.value)


def test_weighted_metrics_must_be_a_list():
    with pytest.raises(TypeError, match="weighted_metrics"):
        classifier(weighted_metrics="accuracy")
    with pytest.raises(ValueError, match="accuracy"):
        classifier(metrics=["accuracy"], weighted_metrics=["accuracy"])
