"""Optimizers, losses, metrics and activations as declarations: names, defaults, state, resolution."""

import copy
import pickle

import numpy as np
import pytest

from fcnet import Dense, Sequential, activations, kernels, losses, metrics, optimizers

MOMENTS = dict(beta_1=0.9, beta_2=0.999, epsilon=1e-7)
DEFAULTS = {
    "SGD": dict(learning_rate=0.01, momentum=0.0, nesterov=False),
    "RMSprop": dict(learning_rate=0.001, rho=0.9, momentum=0.0, epsilon=1e-7, centered=False),
    "Adagrad": dict(learning_rate=0.001, initial_accumulator_value=0.1, epsilon=1e-7),
    "Adam": dict(learning_rate=0.001, **MOMENTS, amsgrad=False),
    "AdamW": dict(learning_rate=0.001, **MOMENTS, amsgrad=False),
    "Adamax": dict(learning_rate=0.001, **MOMENTS),
    "Nadam": dict(learning_rate=0.001, **MOMENTS),
    "Lion": dict(learning_rate=0.001, beta_1=0.9, beta_2=0.99),
}
OPTIONS = dict(weight_decay=None, clipnorm=None, clipvalue=None, global_clipnorm=None, use_ema=False,
               ema_momentum=0.99, ema_overwrite_frequency=None, gradient_accumulation_steps=None)  # fmt: skip


def test_all_optimizers_are_in_the_table():
    assert {*DEFAULTS, "LBFGS"} == {name for name in optimizers.OPTIMIZERS if not name.islower()}


@pytest.mark.parametrize("name", DEFAULTS)
def test_defaults_are_those_of_keras(name):
    optimizer = getattr(optimizers, name)()
    own = {"weight_decay": 0.004} if name == "AdamW" else {}
    for parameter, value in (DEFAULTS[name] | OPTIONS | own).items():
        assert getattr(optimizer, parameter) == value, parameter
    np.testing.assert_array_equal(optimizer.hyperparameters(), [float(v) for v in DEFAULTS[name].values()])
    assert optimizer.hyperparameters().dtype == np.float64
    assert repr(optimizer) == f"{name}({', '.join(f'{k}={v!r}' for k, v in (DEFAULTS[name] | own).items())})"


@pytest.mark.parametrize("name", DEFAULTS)
def test_resolution(name):
    kind = getattr(optimizers, name)
    own = kind(learning_rate=0.5)
    assert optimizers.get(own) is own
    for identifier in (name, name.lower(), kind):
        assert type(optimizers.get(identifier)) is kind


def test_state():
    assert [optimizers.SGD().slots, optimizers.SGD(momentum=0.9).slots] == [0, 1]
    optimizer = optimizers.Adam()
    assert optimizer.state == []
    optimizer.build(5, np.float64)
    assert [(array.shape, array.dtype) for array in optimizer.state] == [((5,), np.float64)] * 2
    optimizer.iterations = 3
    for copied in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        assert copied.iterations == 3
        assert len(copied.state) == 2
        assert copied.state[0] is not optimizer.state[0]
    optimizer.reset()
    assert (optimizer.iterations, optimizer.state) == (0, [])


def compiled(optimizer, seed=0):
    model = Sequential([Dense(3, "tanh", input_dim=2), Dense(1)])
    model.compile(optimizer, "mse")
    rng = np.random.default_rng(seed)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    return model


X = np.random.default_rng(3).normal(size=(20, 2))
Y = X[:, 0] * X[:, 1]


@pytest.mark.parametrize("make", [
    lambda: optimizers.SGD(0.1, momentum=0.9), lambda: optimizers.Adam(0.01), lambda: optimizers.Adamax(0.01)
])  # fmt: skip
def test_two_fits_are_one_and_compile_starts_afresh(make):
    whole, parts, again = compiled(make()), compiled(make()), compiled(make())
    whole.fit(X, Y, epochs=4, shuffle=False, verbose=0)
    parts.fit(X, Y, epochs=2, shuffle=False, verbose=0)
    parts.fit(X, Y, epochs=4, initial_epoch=2, shuffle=False, verbose=0)
    np.testing.assert_array_equal(parts.parameters, whole.parameters)
    assert parts.optimizer.iterations == 4
    again.fit(X, Y, epochs=2, shuffle=False, verbose=0)
    again.compile(again.optimizer, "mse")
    assert again.optimizer.iterations == 0
    again.fit(X, Y, epochs=2, shuffle=False, verbose=0)
    assert not np.array_equal(again.parameters, whole.parameters)


def test_an_optimizer_belongs_to_one_model():
    shared = optimizers.Adam()
    first, second = compiled(shared), compiled(shared)
    with pytest.raises(RuntimeError, match="another model"):
        first.fit(X, Y, verbose=0)
    second.fit(X, Y, verbose=0)
    assert first.evaluate(X, Y) > 0  # needs no optimizer
    with pytest.raises(RuntimeError, match="another model"):
        first.fit(X, Y, verbose=0)
    first.compile(shared, "mse")  # taken back
    first.fit(X, Y, verbose=0)


def test_hyperparameters_may_change_between_fits():
    model = compiled(optimizers.SGD(0.1))
    model.fit(X, Y, verbose=0)
    model.optimizer.momentum = 0.9
    model.optimizer.learning_rate = 1e-12
    before = model.parameters.copy()
    model.fit(X, Y, verbose=0)
    np.testing.assert_allclose(model.parameters, before, rtol=1e-6, atol=1e-9)
    assert len(model.optimizer.state) == 1


@pytest.mark.parametrize("name", ["iterations", "ema_overwrite_frequency", "gradient_accumulation_steps"])
def test_numbers_that_compiled_code_counts_in_64_bits(name):
    optimizer = optimizers.Adam(use_ema=True)
    with pytest.raises(ValueError, match=rf"{name} must be below 2\*\*62, got {2**63}"):
        setattr(optimizer, name, 2**63)


def test_an_option_that_lbfgs_does_not_have_keeps_its_value():
    optimizer = optimizers.LBFGS()
    optimizer.use_ema = 0.0
    assert optimizer.use_ema is False and optimizer.slots == 0


LOSSES = {
    "binary_crossentropy": ("bce", "BCE", "BinaryCrossentropy"),
    "categorical_crossentropy": ("CategoricalCrossentropy",),
    "sparse_categorical_crossentropy": ("SparseCategoricalCrossentropy",),
    "mean_squared_error": ("mse", "MSE", "MeanSquaredError"),
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses(name):
    for identifier in (name, *LOSSES[name]):
        assert losses.get(identifier).name == name
    kind = getattr(losses, LOSSES[name][-1])
    assert losses.get(kind).name == name
    assert losses.get(kind()).name == name


METRICS = {
    "BinaryAccuracy": ("binary_accuracy",),
    "CategoricalAccuracy": ("categorical_accuracy",),
    "SparseCategoricalAccuracy": ("sparse_categorical_accuracy",),
    "MeanSquaredError": ("mean_squared_error", "mse", "MSE"),
    "MeanAbsoluteError": ("mean_absolute_error", "mae", "MAE"),
    "RootMeanSquaredError": ("root_mean_squared_error", "rmse", "RMSE"),
    "TopKCategoricalAccuracy": ("top_k_categorical_accuracy",),
    "SparseTopKCategoricalAccuracy": ("sparse_top_k_categorical_accuracy",),
    "Precision": ("precision",),
    "Recall": ("recall",),
    "F1Score": ("f1_score",),
    "FBetaScore": ("fbeta_score",),
    "AUC": ("auc",),
    "R2Score": ("r2_score",),
}


@pytest.mark.parametrize("kind", METRICS)
def test_a_metric_is_called_what_it_was_asked_for(kind):
    """As in Keras 3: the key in the History is the given name, of an object its own name."""
    for name in (*METRICS[kind], kind):
        metric = metrics.get(name)
        assert type(metric).__name__ == kind
        assert metric.name == name
    assert getattr(metrics, kind)().name == METRICS[kind][0]
    assert metrics.get(getattr(metrics, kind)).name == METRICS[kind][0]
    assert getattr(metrics, kind)(name="mine").name == "mine"


@pytest.mark.parametrize("loss, units, expected", [
    ("binary_crossentropy", 1, "binary_accuracy"), ("mean_squared_error", 1, "binary_accuracy"),
    ("binary_crossentropy", 3, "categorical_accuracy"), ("mean_squared_error", 3, "categorical_accuracy"),
    ("categorical_crossentropy", 3, "categorical_accuracy"),
    ("sparse_categorical_crossentropy", 3, "sparse_categorical_accuracy"),
])  # fmt: skip
def test_accuracy_fits_the_output(loss, units, expected):
    for name in ("accuracy", "acc"):
        metric = metrics.resolve(metrics.get(name), loss, units)
        assert (metric.kernel, metric.name) == (expected, name)


def test_activations_are_those_of_the_kernels():
    assert set(activations.ACTIVATIONS) - {"swish"} == set(kernels.activations.FUNCTIONS)
    assert activations.get(None) is activations.linear
    assert activations.get(activations.tanh) is activations.tanh
    assert Dense(1, activations.relu).activation == "relu"
