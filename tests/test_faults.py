"""What fcnet does with bad input, through every public call: the error, its words, and that nothing has changed.

The tables of faulty arrays and labels are those of test_checks.py, which looks at single checks; here they reach every
call of a model that takes them.
"""

import contextlib
import copy
import warnings

import numba
import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import NotFittedError
from test_checks import BAD_X, BAD_Y, SAME_X, SOURCE, Refusing, raises, with_value

import fcnet
from fcnet import (
    Dense,
    Dropout,
    Sequential,
    callbacks,
    constraints,
    descriptions,
    kernels,
    losses,
    optimizers,
    seeds,
)
from fcnet.sklearn import MLPClassifier, MLPRegressor

NAN, INF = float("nan"), float("inf")
X = np.random.default_rng(0).standard_normal((4, 3))
Y = np.array([0.0, 1.0, 1.0, 0.0])


def state(model):
    """Everything of a model that a call could change, and the generator of the process."""
    optimizer = model.optimizer
    return copy.deepcopy((
        model.name, model.built, model._flat,
        [descriptions.layer(layer, descriptions.Custom()) for layer in model.layers],
        optimizer and (repr(optimizer), optimizer.iterations, optimizer.state),
        model.history and (model.history.epoch, model.history.history, model.history.params), id(model.history),
        model._inputs, model._feature_names, model.stop_training, model._loss and model._loss.name,
        [metric.name for metric in model._metrics], seeds._generator.bit_generator.state,
    ))  # fmt: skip


def models(loss="binary_crossentropy", units=1, inputs=3):
    """One that was fitted, one that was not, and one that does not know its inputs."""
    activation = "softmax" if "categorical" in loss else "linear" if "mean" in loss else "sigmoid"
    for input_dim, fit_first in ((inputs, True), (inputs, False), (None, False)):
        model = Sequential([Dense(4, "tanh", input_dim=input_dim), Dropout(0.2), Dense(units, activation)])
        model.compile("adam", loss)
        if fit_first:
            labels = np.zeros(len(X)) if loss.startswith("sparse") else np.ones((len(X), units)) / units
            model.fit(np.ones((len(X), inputs)), labels, verbose=0)
        yield model


CALLS = {  # what takes samples and labels
    "fit": lambda model, x, y: model.fit(x, y, verbose=0),
    "partial_fit": lambda model, x, y: model.partial_fit(x, y),
    "train_on_batch": lambda model, x, y: model.train_on_batch(x, y),
    "evaluate": lambda model, x, y: model.evaluate(x, y),
    "loss_and_gradient": lambda model, x, y: model.loss_and_gradient(x, y),
    "inspect": lambda model, x, y: model.inspect(x, y),
    "find_learning_rate": lambda model, x, y: model.find_learning_rate(x, y, steps=3),
    "profile": lambda model, x, y: model.profile(2, x, y, seconds=0.01),
}
BUILDING = ("fit", "partial_fit", "train_on_batch")  # the others need a built model


def unchanged(model, call, *arguments, error, words):
    """The call raises this error with these words, and the model is as before."""
    before = state(model)
    with raises(error, *words):
        call(model, *arguments)
    np.testing.assert_equal(state(model), before)


def calls(model):
    """The names of those that a model in this state takes."""
    return CALLS if model.built else BUILDING


# ------------------------------------------------------------------------------------------------ arrays


@pytest.mark.parametrize("case", [case for case in BAD_X if case != "a generator"])  # which is taken for blocks
def test_faulty_samples(case):
    x, error, words = BAD_X[case]
    y = np.zeros(len(x)) if hasattr(x, "__len__") else Y
    for model in models():
        for name in calls(model):
            if x is not None or name != "profile":  # which takes random samples then
                unchanged(model, CALLS[name], x, y, error=error, words=words)
        if model.built and case != "no samples":
            unchanged(model, lambda model, x, y: model.predict(x), x, y, error=error, words=words)


def test_wrong_number_of_features():
    for model in models():
        if model.built:
            words = ["X has 2 features, the model expects 3"]
            for name in CALLS:
                unchanged(model, CALLS[name], X[:, :2], Y, error=ValueError, words=words)
            unchanged(model, lambda model, x: model.predict(x), X[:, :2], error=ValueError, words=words)


@pytest.mark.parametrize("case", BAD_Y)
def test_faulty_labels(case):
    y, loss, units, error, words = BAD_Y[case]
    for model in models(loss, units):
        for name in calls(model):
            if y is not None or name != "profile":  # which asks for both or neither
                unchanged(model, CALLS[name], X, y, error=error, words=words)


WEIGHED = {
    "fit": lambda model, w: model.fit(X, Y, sample_weight=w, verbose=0),
    "validation": lambda model, w: model.fit(X, Y, validation_data=(X, Y, w), verbose=0),
    "train_on_batch": lambda model, w: model.train_on_batch(X, Y, w),
    "evaluate": lambda model, w: model.evaluate(X, Y, sample_weight=w),
    "loss_and_gradient": lambda model, w: model.loss_and_gradient(X, Y, w),
    "inspect": lambda model, w: model.inspect(X, Y, w),
    "find_learning_rate": lambda model, w: model.find_learning_rate(X, Y, sample_weight=w, steps=3),
}
BAD_WEIGHT = {
    "negative": ([1, 1, -0.5, 1], ValueError, ["sample_weight", "-0.5", "row 2"]),
    "NaN": ([1, NAN, 1, 1], ValueError, ["sample_weight", "NaN at row 1"]),
    "inf": ([1, 1, 1, INF], ValueError, ["sample_weight", "inf at row 3"]),
    "all zero": ([0, 0, 0, 0], ValueError, ["0 for all 4 samples"]),
    "length": ([1, 1, 1], ValueError, ["X has 4 samples", "sample_weight has 3"]),
    "2-D": (np.ones((4, 2)), ValueError, ["sample_weight", "(4, 2)"]),
    "text": (["a"] * 4, TypeError, ["sample_weight", "'a'"]),
}


@pytest.mark.parametrize("case", BAD_WEIGHT)
def test_faulty_weights(case):
    w, error, words = BAD_WEIGHT[case]
    for model in models():
        for name, call in WEIGHED.items():
            if model.built or name in ("fit", "validation", "train_on_batch"):
                unchanged(model, call, w, error=error, words=words)


# --------------------------------------------------------------------------------------------- parameters

FIT = {
    **{f"epochs {value!r}": (dict(epochs=value), error, ["epochs", repr(value)]) for value, error in (
        (0, ValueError), (-3, ValueError), (2.5, TypeError), ("2", TypeError), (None, TypeError), (True, TypeError))},
    **{f"batch_size {value!r}": (dict(batch_size=value), ValueError, ["batch_size", repr(value)])
       for value in (0, -1, 2.5, NAN, "8", True, [4])},
    **{f"verbose {value!r}": (dict(verbose=value), ValueError, ["verbose", repr(value)])
       for value in (3, -1, "x", None)},
    "initial_epoch": (dict(initial_epoch=2), ValueError, ["initial_epoch", "2", "1"]),
    "shuffle": (dict(shuffle="yes"), TypeError, ["shuffle", "'yes'"]),
    "seed -1": (dict(seed=-1), ValueError, ["seed", "-1"]),
    "seed 0.5": (dict(seed=0.5), TypeError, ["seed", "0.5"]),
    **{f"validation_split {value!r}": (dict(validation_split=value), ValueError, ["validation_split", repr(value)])
       for value in (1.0, -0.1, NAN, "half", 0.9)},
    "validation_data": (dict(validation_data=X), ValueError, ["validation_data", "(x, y)"]),
    "validation labels": (dict(validation_data=(X, Y + 7)), ValueError, ["y holds 7.0 at row 0"]),
    "validation features": (dict(validation_data=(X[:, :2], Y)), ValueError, ["X has 2 features", "expects 3"]),
    "validation_freq": (dict(validation_freq=0), ValueError, ["validation_freq", "0"]),
    "validation_batch_size": (dict(validation_batch_size=0), ValueError, ["validation_batch_size", "0"]),
    "steps_per_epoch": (dict(steps_per_epoch=0), ValueError, ["steps_per_epoch", "0"]),
    "class_weight": (dict(class_weight={7: 1.0}), ValueError, ["class_weight", "7", "0, 1"]),
    "class_weight NaN": (dict(class_weight={0: NAN}), ValueError, ["class_weight[0]", "nan"]),
    "class_weight text": (dict(class_weight="even"), TypeError, ["class_weight", "'even'", "balanced"]),
    "callbacks": (dict(callbacks=[3]), TypeError, ["callbacks", "3"]),
    "callbacks text": (dict(callbacks="EarlyStopping"), TypeError, ["callbacks", "EarlyStopping"]),
    "callbacks class": (dict(callbacks=[callbacks.EarlyStopping]), TypeError, ["callbacks", "EarlyStopping(...)"]),
    "monitor": (dict(callbacks=callbacks.EarlyStopping("val_los")), ValueError, ["monitor", "'val_los'", "loss"]),
    "mode": (dict(callbacks=[callbacks.LearningRateScheduler(lambda epoch: 0.1),
                             callbacks.EarlyStopping("learning_rate")]), ValueError, ["'learning_rate'", "mode='min'"]),
    "filepath": (dict(callbacks=callbacks.ModelCheckpoint("{val_los}")), ValueError, ["filepath", "'val_los'", "loss"]),
    "filepath format": (dict(callbacks=callbacks.ModelCheckpoint("{epoch:zz}")), ValueError, ["filepath", "zz"]),
    "unknown argument": (dict(bacth_size=3), TypeError, ["bacth_size"]),
}  # fmt: skip


@pytest.mark.parametrize("case", FIT)
def test_faulty_arguments_of_fit(case):
    arguments, error, words = FIT[case]
    for model in models():
        unchanged(model, lambda model, arguments: model.fit(X, Y, **{"verbose": 0, **arguments}), arguments,
                  error=error, words=words)  # fmt: skip


def test_a_large_batch_is_clipped_with_one_warning():
    for model in models():
        with pytest.warns(UserWarning, match="batch_size is 99 and there are 4 samples") as caught:
            model.fit(X, Y, batch_size=99, epochs=3, verbose=0)
        assert len(caught) == 1


CHANGES = {  # what changes a model, and refuses
    "compile optimizer": (lambda model: model.compile("adamm", "mse"), ValueError, ["optimizer", "'adamm'", "'adam'"]),
    "compile loss": (lambda model: model.compile("sgd", "mean_sq"), ValueError, ["loss", "'mean_sq'", "mean_squared"]),
    "compile no loss": (lambda model: model.compile("sgd"), ValueError, ["loss"]),
    "compile metric": (lambda model: model.compile("sgd", "mse", ["acc", "x"]), ValueError, ["metric", "'x'"]),
    "compile pair": (lambda model: model.compile("sgd", "sparse_categorical_crossentropy"), ValueError, ["softmax"]),
    "compile metric and loss": (
        lambda model: model.compile("sgd", "mse", ["sparse_categorical_accuracy"]), ValueError, ["sparse_categorical"]),
    "compile rate": (lambda model: model.compile(optimizers.SGD(0), "mse"), ValueError, ["learning_rate", "0"]),
    "compile loss parameter": (
        lambda model: model.compile("sgd", losses.Huber(delta=NAN)), ValueError, ["delta", "nan"]),
    "add": (lambda model: model.add("relu"), TypeError, ["layer", "'relu'"]),
    "add again": (lambda model: model.add(model.layers[0]), ValueError, ["belongs to a model"]),
    "add name": (lambda model: model.add(Dense(1, name="dense")), ValueError, ["'dense'", "already"]),
    "add inputs": (lambda model: model.add(Dense(1, input_dim=7)), ValueError, ["input_dim=7", "1"]),
    "rate": (lambda model: setattr(model.optimizer, "learning_rate", -1), ValueError, ["learning_rate", "-1"]),
    "trainable": (lambda model: setattr(model.layers[0], "trainable", 1), TypeError, ["trainable", "1"]),
    **{f"layer {name}": (lambda model, name=name, value=value: setattr(model.layers[0], name, value), error, words)
       for name, value, error, words in (
        ("activation", "relu", AttributeError, ["activation of Dense", "make a new Dense", "trainable"]),
        ("activation", None, AttributeError, ["activation of Dense"]),
        ("use_bias", False, AttributeError, ["use_bias of Dense"]), ("units", 3, AttributeError, ["units of Dense"]),
        ("name", "dense_1", AttributeError, ["name of Dense"]), ("input_dim", 3, AttributeError, ["input_dim"]),
        ("trainible", False, AttributeError, ["no attribute 'trainible'", "Did you mean 'trainable'?"]),
        ("learning_rate_multiplier", -1, ValueError, ["learning_rate_multiplier", "(0, inf)", "-1"]),
        ("learning_rate_multiplier", NAN, ValueError, ["learning_rate_multiplier", "nan"]),
        ("kernel_regularizer", "l3", ValueError, ["kernel_regularizer", "'l3'", "'l2'"]),
        ("bias_constraint", constraints.MaxNorm(axis=1), ValueError, ["bias_constraint", "axis 0"]))},
    "option of LBFGS": (lambda model: setattr(optimizers.LBFGS(), "clipnorm", 0.1), AttributeError,
                        ["clipnorm", "gradient_tol, iterations, m"]),
    "layer W": (lambda model: setattr(model.layers[0], "W", 3), AttributeError, ["W is a view", "W[...] = values"]),
    "layer rate": (lambda model: setattr(model.layers[1], "rate", 0.9), AttributeError, ["rate of Dropout"]),
    "model name": (lambda model: setattr(model, "name", 3), TypeError, ["name", "3"]),
    "model attribute": (lambda model: setattr(model, "stop_trainin", True), AttributeError,
                        ["'stop_trainin'", "'stop_training'"]),
    "model layers": (lambda model: setattr(model, "layers", []), AttributeError, ["layers of Sequential"]),
    "model trainable": (lambda model: setattr(model, "trainable", 0), TypeError, ["trainable", "0"]),
    "optimizer lr": (lambda model: setattr(model.optimizer, "lr", 3), AttributeError, ["'lr'", "learning_rate"]),
    "optimizer beta1": (lambda model: setattr(model.optimizer, "beta1", 2), AttributeError, ["mean 'beta_1'?"]),
    "optimizer iterations": (lambda model: setattr(model.optimizer, "iterations", -1), ValueError, ["iterations"]),
    "build": (lambda model: model.build(0), ValueError, ["input_shape", "0"]),
    "get_layer": (lambda model: model.get_layer("x"), ValueError, ["'x'", "dense"]),
}  # fmt: skip


@pytest.mark.parametrize("case", CHANGES)
def test_faulty_changes(case):
    call, error, words = CHANGES[case]
    for model in models():
        unchanged(model, call, error=error, words=words)


@pytest.mark.parametrize("value, error, words", [
    (7, TypeError, ["weights", "7"]), ([], ValueError, ["weights", "4 arrays", "0"]),
    ([np.ones((3, 4)), np.ones(4), np.ones((4, 1)), [NAN]], ValueError, ["dense_1.bias", "NaN"]),
    ([np.ones((3, 4)), np.ones(4), np.ones((4, 1)), ["a"]], TypeError, ["dense_1.bias", "'a'"]),
    ([np.ones((4, 3)), np.ones(4), np.ones((4, 1)), [0.0]], ValueError, ["dense.kernel", "(3, 4)", "(4, 3)"]),
    ([np.full((3, 4), 1e300), np.ones(4), np.ones((4, 1)), [0.0]], ValueError, ["dense.kernel", "1e+300", "float32"]),
])  # fmt: skip
def test_faulty_weights_of_layers(value, error, words):
    for model in models():
        if model.built:
            unchanged(model, lambda model, weights: model.set_weights(weights), value, error=error, words=words)


BAD_STATE = {  # what a vector of the optimizer is replaced by, of n numbers
    "reversed": (lambda n: np.zeros(2 * n, "f4")[n:][::-1], TypeError, ["state[0]", "float32", "not C-contiguous"]),
    "read-only": (lambda n: read_only(np.zeros(n, "f4")), TypeError, ["state[0]", "writable", "read-only"]),
    "dtype": (lambda n: np.zeros(n), TypeError, ["state[0]", "float32", "float64"]),
    "list": (lambda n: [0.0] * n, TypeError, ["state[0]", "[0.0"]),
    "shape": (lambda n: np.zeros((1, n), "f4"), ValueError, ["state[0]", "(1, "]),
    "length": (lambda n: np.zeros(3, "f4"), ValueError, ["state[1]", "(3,)"]),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_STATE)
def test_faulty_vectors_of_the_optimizer(case):
    """Compiled code would write beyond them."""
    make, error, words = BAD_STATE[case]
    model = next(models())
    model.optimizer.state[0] = make(model.count_params())
    for call in (CALLS["fit"], CALLS["train_on_batch"], lambda model, x, y: model.save("never written")):
        unchanged(model, call, X, Y, error=error, words=words)


@pytest.mark.parametrize("optimizer, change, words", [
    ("sgd", lambda own: setattr(own, "momentum", 0.9), ["has 0 vectors", "need 1", "between two fits"]),
    ("adam", lambda own: own.state.__setitem__(1, np.zeros(1, "f4")), ["state[1]", "(1,)"]),
    ("adam", lambda own: own.build(5, np.float32), ["state[0]", "(5,)"]),
    ("adam", lambda own: own.reset(), ["has 0 vectors", "need 2"]),
])  # fmt: skip
def test_vectors_of_the_optimizer_that_a_callback_changes(optimizer, change, words):
    model = next(models())
    model.compile(optimizer, "binary_crossentropy")
    change_it = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: change(model.optimizer))
    with raises(ValueError, *words):
        model.fit(X, Y, epochs=2, verbose=0, callbacks=change_it)
    assert len(model.history.epoch) == 1


def test_parameters_beyond_memory_change_nothing():
    for model in models():
        if model.built:
            unchanged(model, lambda model: model.add(Dense(10**13)), error=MemoryError, words=["parameters", "GiB"])


def test_before_a_fit():
    """What has no weights or is not compiled says so, and what has weights predicts."""
    model = Sequential([Dense(1)])
    for call in (lambda: model.predict(X), lambda: model.get_weights(), lambda: model.count_params()):
        with raises(RuntimeError, "no parameters", "input_dim", "fit"):
            call()
    for name, call in CALLS.items():
        with raises(RuntimeError, "compile", name if name != "partial_fit" else "fit"):
            call(model, X, Y)
    assert Sequential([Dense(1, input_dim=3)]).predict(X).shape == (4, 1)
    for kind in (MLPClassifier, MLPRegressor):
        for name in ("predict", "predict_proba", "score")[:: 1 if kind is MLPClassifier else 2]:
            with pytest.raises(NotFittedError, match=kind.__name__):
                getattr(kind(), name)(*(X, Y)[: 2 if name == "score" else 1])


# ---------------------------------------------------------------------------------------------- what works


@pytest.mark.parametrize("loss, units, labels", [
    ("binary_crossentropy", 1, np.zeros(4)), ("binary_crossentropy", 1, np.ones(4)),
    ("sparse_categorical_crossentropy", 3, np.full(4, 2)), ("categorical_crossentropy", 2, np.tile([0.0, 1.0], (4, 1))),
])  # fmt: skip
def test_one_class_trains_a_constant(loss, units, labels):
    fcnet.set_seed(0)
    *_, model = models(loss, units)
    model.compile(optimizers.Adam(0.05), loss)
    model.fit(X, labels, epochs=300, verbose=0, seed=0)
    assert model.evaluate(X, labels) < 0.1


def test_one_sample_trains():
    for model in models():
        before = [layer.get_weights() for layer in model.layers] if model.built else None
        assert np.isfinite(model.fit(X[:1], Y[:1], epochs=2, verbose=0).history["loss"]).all()
        assert before is None or not np.array_equal(before[0][0], model.layers[0].W)


def test_labels_never_make_a_square():
    """(n,) and (n, 1) mean the same: of n outputs and n labels no n n losses are made."""
    *_, one = models("mean_squared_error")
    other = copy.deepcopy(one)
    one.fit(X, Y, verbose=0, seed=0)
    fcnet.set_seed(0)
    other.build(3)
    other.set_weights(one.get_weights())
    assert one.evaluate(X, Y) == other.evaluate(X, Y[:, None]) == pytest.approx(
        np.mean((one.predict(X)[:, 0] - Y) ** 2), rel=1e-5)


# ------------------------------------------------------------------------------------------- scikit-learn

LABELS = np.array([0, 1, 2, 1])
ESTIMATORS = ((MLPClassifier, LABELS), (MLPRegressor, Y))
SMALL = dict(hidden_layer_sizes=(4,), max_iter=2, random_state=0)


def estimator_state(estimator):
    """All attributes; of the network its parameters."""
    known = {name: value for name, value in vars(estimator).items() if name not in ("_model", "_views", "_penalties")}
    known["_random_state"] = known["_random_state"].get_state()
    known["_label_binarizer"] = getattr(known.get("_label_binarizer"), "classes_", None)
    return copy.deepcopy((known, estimator._model.parameters, estimator._model.optimizer.state))


def sliced(labels, change):
    """Labels with one of them changed."""
    changed = labels.astype(object)
    changed[2] = change
    return changed


BAD_FOR_SKLEARN = {  # x and y from the right ones, the classes and calls, the error
    "1-D": (lambda x, y: (x[:, 0], y), "all", ValueError, ["1D array"]),
    "3-D": (lambda x, y: (x[None], y), "all", ValueError, ["dim 3"]),
    "lengths": (lambda x, y: (x, y[:2]), "fits", ValueError, ["[4, 2]"]),
    "no samples": (lambda x, y: (x[:0], y[:0]), "fits", ValueError, ["0 sample(s)", "(0, 3)"]),
    "no features": (lambda x, y: (x[:, :0], y), "all", ValueError, ["0 feature(s)", "(4, 0)"]),
    "features": (lambda x, y: (x[:, :2], y), "later", ValueError, ["X has 2 features", "expecting 3"]),
    "NaN": (lambda x, y: (with_value(NAN), y), "all", ValueError, ["X: NaN at row 3, column 1"]),
    "inf": (lambda x, y: (with_value(INF), y), "all", ValueError, ["X: inf at row 3, column 1"]),
    "None": (lambda x, y: (with_value(None, object), y), "all", ValueError, ["X", "None", "row 3, column 1"]),
    "beyond float32": (lambda x, y: (with_value(1e300), y), "all", ValueError,
                       ["X", "1e+300", "row 3, column 1", "float32", "scale"]),
    "text": (lambda x, y: (with_value("cat", object), y), "all", TypeError, ["X", "'cat'", "row 3, column 1"]),
    "numbers in text": (lambda x, y: (x.astype(str), y), "all", TypeError, ["X", "row 0, column 0", "astype(float)"]),
    "a list of text": (lambda x, y: ([["1", "2", "3"]] * 4, y), "all", TypeError, ["X", "'1'", "row 0, column 0"]),
    "datetime": (lambda x, y: (x.astype("M8[s]"), y), "all", TypeError, ["X", "datetime"]),
    "timedelta": (lambda x, y: (x.astype("m8[s]"), y), "all", TypeError, ["X", "timedelta"]),
    "complex": (lambda x, y: (x + 1j, y), "all", ValueError, ["Complex"]),
    "ragged": (lambda x, y: ([[1, 2, 3], [1]] * 2, y), "all", ValueError, ["X is ragged", "row 1 has 1 values"]),
    "masked": (lambda x, y: (np.ma.masked_array(x, x > x[1, 2] - 1e-9), y), "all", ValueError, ["X is masked at row"]),
    "refusing": (lambda x, y: (Refusing(), y), "fits", RuntimeError, ["detach()"]),
    "y NaN": (lambda x, y: (x, np.array([0, 1, NAN, 1])), "fits", ValueError, ["y: NaN at row 2"]),
    "y inf": (lambda x, y: (x, np.array([0, 1, INF, 1])), "fits", ValueError, ["y: inf at row 2"]),
    "y ragged": (lambda x, y: (x, [[0], [1, 1], [0], [1]]), "fits", ValueError, ["ragged", "row 1"]),
    "y complex": (lambda x, y: (x, y + 1j), "values", ValueError, ["Complex"]),
    "y None": (lambda x, y: (x, sliced(LABELS, None)), "classes", TypeError, ["y", "None", "row 2"]),
    "y mixed": (lambda x, y: (x, sliced(LABELS, "x")), "classes", TypeError, ["y", "0 at row 0", "'x' at row 2"]),
    "y continuous": (lambda x, y: (x, X[:, 0]), "classes", ValueError, ["Unknown label type", "use a regressor"]),
    "y text": (lambda x, y: (x, np.array(list("abca"))), "values", TypeError, ["y", "'a'", "row 0"]),
    "y missing": (lambda x, y: (x, sliced(Y, None)), "values", TypeError, ["y", "None", "row 2"]),
    "y masked": (lambda x, y: (x, np.ma.masked_array(Y, Y > 0)), "fits", ValueError, ["y is masked at row 1"]),
    "y sparse": (lambda x, y: (x, sparse.csr_array(Y[:, None])), "values", TypeError, ["y is sparse (csr_array)"]),
    "unseen class": (lambda x, y: (x, LABELS + 5), "later classes", ValueError, ["y", "classes"]),
}  # fmt: skip


def sklearn_calls(which, estimator, other):
    """Calls of a fitted estimator, and `fit` of a new one."""
    fits = [estimator.fit, estimator.partial_fit]
    rest = [lambda x, y: estimator.predict(x), lambda x, y: estimator.score(x, y)]
    return {"all": [*fits, *rest, other.fit], "later": [estimator.partial_fit, *rest],
            "later classes": [estimator.partial_fit]}.get(which, [*fits, other.fit])  # fmt: skip


@pytest.mark.parametrize("case", BAD_FOR_SKLEARN)
def test_faults_of_estimators(case):
    change, which, error, words = BAD_FOR_SKLEARN[case]
    kinds = ESTIMATORS[:1] if "classes" in which else ESTIMATORS[1:] if which == "values" else ESTIMATORS
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for kind, labels in kinds:
            estimator, other = kind(**SMALL, dtype="float32").fit(X, labels), kind(**SMALL, dtype="float32")
            before, parameters = estimator_state(estimator), dict(vars(other))
            for call in sklearn_calls(which, estimator, other):
                with raises(error, *words):
                    call(*change(X, labels))
                np.testing.assert_equal(estimator_state(estimator), before)
                assert vars(other) == parameters


BAD_PARAMETERS = [
    *((name, value) for name, values in {
        "learning_rate_init": (0, -1, NAN, "0.1", INF), "hidden_layer_sizes": (0, -1, 2.5, (2.5,), "10"),
        "alpha": (-1, NAN), "momentum": (2, -0.1), "beta_1": (1.0, -0.1), "epsilon": (0, NAN), "max_iter": (0, 1.5),
        "batch_size": (0, -1, 2.5, "all"), "random_state": (-1, "x"),
        "solver": ("newton",), "activation": ("rleu",), "dtype": ("float16",),
        "validation_fraction": (1.0, -0.1), "n_threads": (0, 1.5), "loss": ("hinged",), "dropout": (1.0, -0.5),
    }.items() for value in values),
]  # fmt: skip


@pytest.mark.parametrize("name, value", BAD_PARAMETERS, ids=str)
def test_parameters_of_estimators(name, value):
    for kind, labels in ESTIMATORS:
        estimator = kind(**{**SMALL, "solver": "sgd", name: value})
        parameters = dict(vars(estimator))
        with raises((ValueError, TypeError), name, repr(value).strip("(,)")):
            estimator.fit(X, labels)
        np.testing.assert_equal(vars(estimator), parameters)


@pytest.mark.parametrize("name, value", [
    ("alpha", -1), ("alpha", None), ("batch_size", 0), ("batch_size", -5), ("n_threads", 0), ("callbacks", 3),
])  # fmt: skip
def test_parameters_set_between_partial_fits(name, value):
    """scikit-learn looks at them in the first one only."""
    for kind, labels in ESTIMATORS:
        first = {"classes": np.unique(labels)} if kind is MLPClassifier else {}
        estimator = kind(**SMALL).partial_fit(X, labels, **first)
        before = [W.copy() for W in estimator.coefs_]
        estimator.set_params(**{name: value})
        with raises(ValueError, f"'{name}' parameter of {kind.__name__} must be", repr(value)):
            estimator.partial_fit(X, labels)
        for W, V in zip(estimator.coefs_, before, strict=True):
            np.testing.assert_array_equal(W, V)


@pytest.mark.parametrize("name, value, near", [
    ("activation", "rleu", "relu"), ("solver", "adm", "adam"), ("loss", "huberr", "huber")])  # fmt: skip
def test_nearest_name_of_estimators(name, value, near):
    for kind, labels in ESTIMATORS:
        with raises(ValueError, f"'{name}' parameter", f"Got '{value}' instead. Did you mean '{near}'?"):
            kind(**{name: value}).fit(X, labels)


def test_hidden_layers_of_estimators_must_have_units():
    for kind, labels in ESTIMATORS:
        with raises(ValueError, "hidden_layer_sizes", "[3, 0]"):
            kind(hidden_layer_sizes=(3, 0)).fit(X, labels)


def test_a_large_batch_of_an_estimator_is_clipped_with_one_warning():
    for kind, labels in ESTIMATORS:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            kind(**SMALL, batch_size=99).fit(X, labels)
        assert sum("`batch_size`" in str(warning.message) for warning in caught) == 1


def test_estimators_larger_than_memory():
    with raises(MemoryError, "100,000,0", "parameters", "GiB"):
        MLPRegressor(hidden_layer_sizes=(10**7, 10**7)).fit(X, Y)


def test_an_estimator_that_diverges():
    """The error tells where; an estimator that was fitted before predicts as before."""
    regressor = MLPRegressor(hidden_layer_sizes=(), solver="sgd", max_iter=60, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = regressor.fit(X, Y).predict(X)
    with raises(ValueError, "non-finite", "training diverged in epoch", "the loss is", "learning_rate"):
        regressor.set_params(learning_rate_init=1e40).fit(X, Y)
    with raises(ValueError, "learning_rate=1.5e+40", "(learning_rate is 1.5 times learning_rate_init)"):
        regressor.fit(X, np.stack([Y, Y, Y], axis=1))
    np.testing.assert_array_equal(regressor.predict(X), before)
    with raises(ValueError, "non-finite", "loss is nan"):
        regressor.set_params(solver="lbfgs").fit(X * 1e200, Y)
    np.testing.assert_array_equal(regressor.predict(X), before)


@pytest.mark.parametrize("kind", SAME_X)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning", "ignore:the matrix subclass")
def test_every_container_gives_estimators_the_same_bits(kind):
    if kind in ("matrix", "table"):
        pytest.skip("scikit-learn takes none")
    y = np.arange(len(SOURCE)) % 2
    for estimator in (MLPClassifier(**SMALL, dtype="float64"), MLPRegressor(**SMALL, dtype="float64")):
        expected = estimator.fit(SOURCE, y)._model.parameters.copy()
        outputs = estimator.predict(SOURCE)
        given = SAME_X[kind](SOURCE.copy())
        np.testing.assert_array_equal(estimator.fit(given, y)._model.parameters, expected)
        np.testing.assert_array_equal(estimator.predict(given), outputs)


def test_estimators_and_one_or_no_sample():
    """As scikit-learn's: one sample trains, and no rows are refused, also by predict."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for kind, labels in ESTIMATORS:
            estimator = kind(**SMALL).fit(X[:1], labels[:1])
            assert estimator.predict(X[:1]).shape == (1,)
            with raises(ValueError, "0 sample(s)", "(0, 3)"):
                estimator.predict(X[:0])


@pytest.mark.parametrize("labels", [
    np.array(["rot", "blau", "rot", "grün"]), np.array([2**63 - 1, 2**63 - 2, 2**63 - 1, -(2**63)]),
    np.array([2**64 - 1, 2**64 - 2, 2**64 - 1, 0], np.uint64), np.array([True, False, True, True]),
    np.array([None, None, None, None]) == None, np.array(["a", "b", "c", "a"], object),  # noqa: E711
], ids=("text", "int64", "uint64", "bool", "one class", "objects"))  # fmt: skip
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_labels_come_back_exactly(labels):
    parameters = dict(hidden_layer_sizes=(30,), max_iter=500, learning_rate_init=0.02, random_state=0)
    classifier = MLPClassifier(**parameters).fit(X, labels)
    np.testing.assert_array_equal(classifier.classes_, np.unique(labels))
    assert classifier.classes_.dtype == labels.dtype or labels.dtype == object
    np.testing.assert_array_equal(classifier.predict(X), labels)


def test_partial_fit_wants_to_know_the_classes():
    with raises(ValueError, "classes", "partial_fit"):
        MLPClassifier(**SMALL).partial_fit(X, LABELS)


@pytest.mark.parametrize("case", BAD_WEIGHT)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_weights_of_estimators(case):
    w, error, _ = BAD_WEIGHT[case]
    for kind, labels in ESTIMATORS:
        estimator = kind(**SMALL).fit(X, labels)
        before = estimator_state(estimator)
        with pytest.raises((error, ValueError), match=r"(?i)sample.weight"):
            estimator.fit(X, labels, sample_weight=w)
        np.testing.assert_equal(estimator_state(estimator), before)


# ------------------------------------------------------------------------------------------------ kernels


def array(*shape, dtype="f4"):
    return np.ones(shape, dtype)


B, I, O, N = 5, 3, 2, 6
LOSS = dict(Z=array(B, O), y=array(B, O), p=array(B, O), dZ=array(B, O))
PUBLIC = {  # arguments that fit, and the arrays that are written
    "dense_forward": (dict(X=array(B, I), W=array(I, O), b=array(O), A=array(B, O), activation=kernels.RELU), "A"),
    "dense_backward": (dict(dZ=array(B, O), A_prev=array(B, I), W=array(I, O), activation_prev=kernels.RELU,
                            dZ_prev=array(B, I), dW=array(I, O), db=array(O)), "dZ_prev dW db"),
    "sigmoid_binary_crossentropy": (LOSS, "p dZ"),
    "softmax_crossentropy": (LOSS, "p dZ"),
    "softmax_crossentropy_sparse": (dict(Z=array(B, O), labels=array(B, dtype=int), p=array(B, O), dZ=array(B, O)),
                                    "p dZ"),
    "sgd": (dict(params=array(N), gradient=array(N), velocity=array(N), learning_rate=0.1, momentum=0.9,
                 nesterov=False), "params velocity"),
    "adam": (dict(params=array(N), gradient=array(N), m=array(N), v=array(N), step=1, learning_rate=0.1, beta_1=0.9,
                  beta_2=0.999, epsilon=1e-7), "params m v"),
    "adamax": (dict(params=array(N), gradient=array(N), m=array(N), u=array(N), step=1, learning_rate=0.1, beta_1=0.9,
                    beta_2=0.999, epsilon=1e-7), "params m u"),
    **{name: (dict(x=array(N), out=array(N)), "out") for name in ("exp", "log", "tanh", "sigmoid")},
    "activate": (dict(activation="gelu", Z=array(B, O), A=array(B, O)), "A"),
    "activate_backward": (dict(activation="gelu", kept=array(B, O), dA=array(B, O), dZ=array(B, O)), "dZ"),
}  # fmt: skip
EVERY_TYPE = "exp", "sgd", "activate"  # the others ask the same function


def read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


OF_ANY = {  # of every array: what is made of it, the error, and what is said to have come
    "strided": (lambda x: np.repeat(x, 2, -1)[..., ::2], TypeError, "not C-contiguous"),
    "a row more": (lambda x: np.concatenate([x, x[:1]]), ValueError, ""),
    "a row less": (lambda x: x[:-1], ValueError, ""),
}
OF_WRITTEN = {"read-only": (read_only, TypeError, "read-only")}
OF_THE_FIRST = {
    "float64": (lambda x: x.astype("f8"), TypeError, "float64"),
    "masked": (lambda x: np.ma.masked_array(x, x > 0), TypeError, "float32"),
    "a column more": (lambda x: np.ones((*x.shape[:-1], x.shape[-1] + 1), x.dtype), ValueError, ""),
}
OF_A_TYPE = {
    "integers": (lambda x: x.astype(int), TypeError, "int64"),
    "float16": (lambda x: x.astype("f2"), TypeError, "float16"),
    "big-endian": (lambda x: x.astype(">f4"), TypeError, ">f4"),
    "text": (lambda x: x.astype(str), TypeError, "<U32"),
    "objects": (lambda x: x.astype(object), TypeError, "object"),
    "a list": (lambda x: x.tolist(), TypeError, "[1.0"),
    "None": (lambda x: None, TypeError, "None"),
}
OF_OTHERS = {  # by name
    "activation": [("relu", TypeError), (len(kernels.ACTIVATIONS), ValueError), (-1, ValueError), (None, TypeError),
                   (1.5, ValueError)],
    "activation_prev": [("relu", TypeError), (99, ValueError), (1.5, ValueError)],
    "step": [(0, ValueError)],
    "learning_rate": [("0.1", TypeError)],
    "labels": [(np.array([0, 1, O, 0, 1]), ValueError), (np.array([0, 1, -1, 0, 1]), ValueError),
               (np.array([0, 1, 0.5, 0, 1]), TypeError)],
}  # fmt: skip


def faults_of(name):
    """(argument, its faulty value, error, what the message says came)"""
    good, written = PUBLIC[name]
    arrays = [argument for argument, value in good.items() if isinstance(value, np.ndarray)]
    for argument in arrays:
        tables = [OF_ANY]
        tables += [OF_WRITTEN] if argument in written.split() else []
        tables += [OF_THE_FIRST] if argument == arrays[0] else []
        tables += [OF_A_TYPE] if argument == arrays[0] and name in EVERY_TYPE else []
        for faults in tables:
            for make, error, said in faults.values():
                yield argument, make(good[argument]), error, said
    for argument, values in OF_OTHERS.items():
        if argument in good and not name.startswith("activate"):
            for value, error in values:
                yield argument, value, error, repr(value) if not isinstance(value, np.ndarray) else ""


@pytest.mark.parametrize("name", PUBLIC)
def test_faults_of_kernels(name):
    """Before anything is written, and in words that name the kernel, the argument and what came."""
    good, _ = PUBLIC[name]
    kernel = getattr(kernels, name)
    kernel(**{argument: np.copy(value) if isinstance(value, np.ndarray) else value for argument, value in good.items()})
    for argument, value, error, said in faults_of(name):
        given = {**good, argument: value}
        before = copy.deepcopy(given)
        with pytest.raises(error) as caught:
            kernel(**given)
        assert type(caught.value) is error
        for words in (name, f"{argument} ", said):
            assert words in str(caught.value), caught.value
        np.testing.assert_equal(given, before)


def test_inputs_of_kernels_may_be_read_only():
    out = array(N)
    kernels.exp(read_only(np.zeros(N, "f4")), out)
    assert (out == 1).all()


def test_arrays_that_numba_takes_for_others():
    """Once it has seen a read-only one of a dtype, it looks neither at the order of bytes nor at the class."""
    class Own(np.ndarray):
        pass

    known, out = read_only(np.zeros(N, "f4")), array(N)
    kernels.exp(known, out)
    for other, said in ((read_only(known.astype(">f4")), ">f4"), (known.view(Own), "of class Own")):
        with pytest.raises(TypeError, match=f"x .*{said}"):
            kernels.exp(other, out)
        assert (out == 1).all()
    with pytest.raises(TypeError, match="y float16"):
        kernels.sigmoid_binary_crossentropy(*(np.zeros((2, 1), dtype) for dtype in ("f4", "f2", "f4", "f4")))


@numba.njit
def in_compiled_code(x, out):
    kernels.exp(x, out)


@numba.njit(parallel=True)
def in_prange(x, outs):
    for i in numba.prange(len(outs)):
        kernels.exp(x, outs[i])


def test_faults_of_kernels_in_compiled_code():
    """Types are refused when the caller is compiled, sizes when it runs; within prange such a call does nothing."""
    x, out = np.zeros(N, np.float32), np.zeros(N, np.float32)
    in_compiled_code(x, out)
    assert (out == 1).all()
    for given in ((x[::-1], out), (x.astype("f8"), out), (x, read_only(out))):
        with pytest.raises(TypeError, match=r"C-contiguous arrays of one dtype|read-only"):
            in_compiled_code(*given)
    with pytest.raises(ValueError, match="exp takes x and out of one shape"):
        in_compiled_code(x, out[1:])
    outs = np.zeros((4, N), np.float32)
    with contextlib.suppress(SystemError):  # which one of the threads may leave behind
        in_prange(x[1:], outs)
    assert not outs.any()
    in_prange(x, outs)
    assert (outs == 1).all()
