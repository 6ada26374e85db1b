"""Divergence, overflow, saturation and large sizes: what is not finite is named, and never turned into a number."""

import math

import numpy as np
import pytest

import fcnet
from fcnet import Dense, LayerNormalization, Sequential, optimizers
from fcnet.activations import ACTIVATIONS

X = np.linspace(-1, 1, 64)[:, None]
Y = 3 * X[:, 0]


def diverging(rate=8.0, **options):
    """Its loss grows from step to step until it is beyond float32."""
    fcnet.set_seed(2)
    model = Sequential([Dense(8, input_dim=1), Dense(1)])
    model.compile(optimizers.SGD(rate, momentum=0.5, **options), "mse")
    return model


# ------------------------------------------------------------------------------------------------
# Divergence
# ------------------------------------------------------------------------------------------------

def first_not_finite(model, batch_size):
    """The number of the step, counted from 1, whose loss is not finite, by steps that are taken one by one."""
    network = model._trainable(model._compiled("fit"), 1)
    data, labels = X.astype(np.float32), Y[:, None].astype(np.float32)
    order = np.arange(len(X))[None]
    steps = len(X) // batch_size
    for step in range(10_000):
        sums = np.zeros((1, 1))
        place = step % steps
        network.engine.train(network.parameters, network.optimizer, data, labels, order, batch_size, place, place + 1,
                             network.objective.loss, (), sums)
        if not math.isfinite(sums[0, 0]):
            return step + 1
    raise AssertionError


@pytest.mark.parametrize("rate, batch_size", ((8.0, 16), (4.0, 1), (1e6, 64), (2.0, 64)))
@pytest.mark.parametrize("watched", (False, True), ids=("epochs together", "epoch by epoch"))
def test_error_names_epoch_step_loss_and_rate(rate, batch_size, watched):
    """The step is that whose loss is the first that is not finite, however many steps run in one call."""
    step = first_not_finite(diverging(rate), batch_size)
    steps = len(X) // batch_size
    epoch, place = divmod(step - 1, steps)
    model = diverging(rate)
    watch = [fcnet.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: None)] if watched else []
    with pytest.raises(FloatingPointError) as caught:
        model.fit(X, Y, epochs=1000, batch_size=batch_size, shuffle=False, verbose=0, callbacks=watch)
    message = str(caught.value)
    assert f"diverged in epoch {epoch + 1}, step {place + 1} of {steps}: the loss is " in message
    assert f"learning_rate={rate:g}" in message and "as they were before that epoch" in message

    good = diverging(rate)  # the last finite weights: those of the epoch before, with the optimizer of that moment
    if epoch > 0:
        good.fit(X, Y, epochs=epoch, batch_size=batch_size, shuffle=False, verbose=0)
        assert model.history.history == good.history.history
    np.testing.assert_array_equal(model.parameters, good.parameters)
    assert model.optimizer.iterations == good.optimizer.iterations == steps * epoch
    if epoch > 0:
        np.testing.assert_array_equal(model.optimizer.state[0], good.optimizer.state[0])
    else:
        assert not model.optimizer.state[0].any()
    model.compile(optimizers.SGD(1e-3), "mse")
    model.set_weights([np.ones_like(array) for array in model.get_weights()])
    model.fit(X, Y, verbose=0)  # and another fit is as good as ever


def test_training_ends_with_the_step_that_diverged():
    """Not at the end of the epoch: its other steps are not run."""
    model = diverging()
    network = model._trainable(model._compiled("fit"), 1)
    data, labels = X.astype(np.float32), Y[:, None].astype(np.float32)
    data[5] = np.nan
    sums = np.zeros((3, 1))
    network.engine.train(network.parameters, network.optimizer, data, labels, np.arange(64)[None].repeat(3, axis=0), 2,
                         0, 96, network.objective.loss, (), sums)
    assert network.optimizer.iterations == 3
    assert np.isnan(sums[0, 0]) and not sums[1:].any()


def test_parameters_that_overflow_with_the_last_step():
    """Its loss was finite."""
    model = Sequential([Dense(1, input_dim=1)])
    model.compile(optimizers.SGD(1e30), "mse")
    before = model.parameters.copy()
    with pytest.raises(FloatingPointError, match=r"epoch 1, step 1 of 1: parameters are not finite \(loss .*e\+30"):
        model.fit([[1e15], [-1e15]], [1e15, 1e15], verbose=0)
    np.testing.assert_array_equal(model.parameters, before)


def test_rate_of_a_schedule_is_that_of_the_step():
    model = diverging()
    model.optimizer.learning_rate = fcnet.schedules.PiecewiseConstantDecay([5], [1e-3, 1e30])
    with pytest.raises(FloatingPointError, match=r"epoch 2, step [34] of 4: .*learning_rate=1e\+30"):
        model.fit(X, Y, epochs=4, batch_size=16, verbose=0)


@pytest.mark.parametrize("x, y", ((1e30, 1), (1, 1e30)), ids=("inputs", "targets"))
@pytest.mark.parametrize("optimizer", ("adam", "lbfgs"))
def test_overflow_before_any_update_is_no_matter_of_the_rate(x, y, optimizer):
    """Finite numbers whose products are beyond float32."""
    if optimizer == "lbfgs":
        pytest.importorskip("scipy")
    model = Sequential([Dense(3, "relu", input_dim=1, kernel_initializer="ones"), Dense(1, kernel_initializer="ones")])
    model.compile(optimizer, "mse")
    before = model.parameters.copy()
    with pytest.raises(FloatingPointError, match=r"[Ss]cale inputs and targets") as caught:
        model.fit(x * X, y * Y, verbose=0)
    assert "learning_rate" not in str(caught.value)
    np.testing.assert_array_equal(model.parameters, before)


@pytest.mark.parametrize("call", ("fit", "train_on_batch"))
def test_poisson_of_negative_outputs_is_no_matter_of_the_rate(call):
    model = Sequential([Dense(1, input_dim=1, kernel_initializer="ones")])
    model.compile("adam", "poisson")
    fix = "activation='exponential' or 'softplus'"
    with pytest.raises(FloatingPointError, match=f"nan before any update.*{fix}") as caught:
        getattr(model, call)([[-1.0], [2.0]], [1, 3])
    assert "learning_rate" not in str(caught.value)
    model.compile(optimizers.SGD(1e3), "poisson")
    model.set_weights([[[1.0]], [2.0]])
    with pytest.raises(FloatingPointError, match=rf"learning_rate=1000\. .*{fix}"):
        model.fit([[1.0], [2.0]], [1, 3], epochs=3, verbose=0)


def test_overflow_of_float32_inputs_is_named():
    model = diverging()
    with pytest.raises(ValueError, match=r"X: 1e\+300 at row 2, column 0 is beyond float32; scale the inputs"):
        model.fit([[0], [1], [1e300]], [0, 1, 2], verbose=0)
    with pytest.raises(ValueError, match=r"y: 1e\+300 at row 1, column 0 is beyond float32; scale the targets"):
        model.fit([[0], [1], [2]], [0, 1e300, 2], verbose=0)


# ------------------------------------------------------------------------------------------------
# NaN stays NaN
# ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("activation", sorted({*ACTIVATIONS} - {"softmax"}))
def test_activations_keep_nan(activation):
    model = Sequential([Dense(3, activation, input_dim=1), Dense(2)])
    model.parameters[0] = np.nan
    for rows in (1, 40):
        assert np.isnan(model.predict(np.ones((rows, 1)))).all()


@pytest.mark.parametrize("option", (
    {}, dict(clipvalue=0.1), dict(clipnorm=0.1), dict(global_clipnorm=0.1), dict(use_ema=True),
    dict(gradient_accumulation_steps=2),
), ids=str)
def test_nan_in_the_gradient_reaches_the_parameters(option):
    """No option of an optimizer makes it a number, and no constraint."""
    fcnet.set_seed(3)
    model = Sequential([Dense(4, "relu", input_dim=1, kernel_constraint="non_neg"), LayerNormalization(), Dense(1)])
    model.compile(optimizers.SGD(0.1, **option), "mse")
    network = model._trainable(model._compiled("fit"), 1)
    data, labels = X.astype(np.float32), Y[:, None].astype(np.float32)
    data[:32] = np.nan
    sums = np.zeros((1, 1))
    network.engine.train(network.parameters, network.optimizer, data, labels, np.arange(64)[None], 32, 0, 1,
                         network.objective.loss, (), sums)
    assert np.isnan(sums[0, 0])
    if "gradient_accumulation_steps" in option:  # the update is that of the second step
        assert np.isnan(network.optimizer.state[-1]).any()
    else:
        assert np.isnan(network.parameters).any()


def test_validation_shows_what_is_not_finite():
    """Training is finite, so it goes on; the History shows it, and no callback takes it for the best."""
    model = Sequential([Dense(2, "relu", input_dim=1, kernel_initializer="ones"), Dense(1, kernel_initializer="ones")])
    model.compile(optimizers.SGD(1e-3), "mse", metrics=["mae", "r2_score"])
    stopping = fcnet.callbacks.EarlyStopping("val_loss", patience=1, restore_best_weights=True)
    history = model.fit(X, Y, validation_data=(np.full((3, 1), 1e30), np.ones(3)), epochs=5, verbose=0,
                        callbacks=stopping).history
    assert len(history["loss"]) == 2 and np.isfinite(history["loss"]).all()
    assert not np.isfinite(history["val_loss"]).any()


def test_metrics_that_count_show_nan(dtype):
    model = Sequential([Dense(1, "sigmoid", input_dim=1)], dtype=dtype)
    model.compile("sgd", "binary_crossentropy", ["accuracy", "precision", "auc"])
    assert np.isfinite(model.evaluate(X, Y > 0)).all()
    model.parameters[0] = np.nan
    values = model.evaluate(X, Y > 0)
    assert len(values) == 4 and np.isnan(values).all()


def test_learning_rates_that_overflow_are_left_out():
    model = diverging()
    found = model.find_learning_rate(X, Y, 16, max_learning_rate=1e20)
    assert len(found.rates) < 100 and np.isfinite(found.losses).all()
    assert found.suggestion is not None and found.suggestion < 8
    with_huge_inputs = model.find_learning_rate(1e30 * X, Y, 16)
    assert len(with_huge_inputs.rates) == 0 and with_huge_inputs.suggestion is None


# ------------------------------------------------------------------------------------------------
# Saturation
# ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("activation, loss, weights, targets", (
    ("sigmoid", "binary_crossentropy", [1e4], [1, 0, 0, 1]),
    ("softmax", "sparse_categorical_crossentropy", [-5e3, 5e3], [1, 0, 0, 1]),
    ("softmax", "categorical_crossentropy", [-5e3, 5e3], [[0, 1], [1, 0], [1, 0], [0, 1]]),
))
def test_logits_of_10_000(activation, loss, weights, targets, dtype):
    """Exactly 0 and 1; two right and two wrong, whose loss is the logit."""
    units = len(weights)
    model = Sequential([Dense(units, activation, input_dim=1)], dtype=dtype)
    model.set_weights([[weights], np.zeros(units)])
    model.compile("sgd", loss)
    x = [[1.0], [-1.0], [1.0], [-1.0]]
    np.testing.assert_array_equal(model.predict(x), [[0, 1][2 - units:], [1, 0][2 - units:]] * 2)
    value, gradient = model.loss_and_gradient(x, targets)
    assert value == pytest.approx(5000, rel=1e-6)
    assert np.isfinite(gradient).all() and gradient.any()
    right, gradient = model.loss_and_gradient(x[:2], targets[:2])
    assert right == 0 and not gradient.any()
    model.fit(x, targets, verbose=0)
    assert np.isfinite(model.parameters).all()


def test_dead_relu(dtype):
    """All outputs 0: the loss is finite, and only the last bias has a gradient."""
    model = Sequential([Dense(5, "relu", input_dim=1), Dense(4, "relu"), Dense(1)], dtype=dtype)
    for layer in model.layers[:2]:
        layer.set_weights([np.ones_like(layer.get_weights()[0]), np.full(layer.units, -1e3)])
    model.compile("adam", "mse")
    value, gradient = model.loss_and_gradient(X, Y)
    assert value == pytest.approx(np.mean(Y**2) + 0.0, rel=1e-5)
    assert not gradient[:-1].any() and np.isfinite(gradient).all()
    before = model.get_weights()
    model.fit(X, Y + 1, epochs=3, verbose=0)
    for old, new in zip(before[:-1], model.get_weights()[:-1], strict=True):
        np.testing.assert_array_equal(old, new)
    assert model.get_weights()[-1] > 0


# ------------------------------------------------------------------------------------------------
# Sizes
# ------------------------------------------------------------------------------------------------

def test_products_of_sizes_beyond_31_bits(tmp_path, dtype):
    """Rows whose first number stands 2**31 numbers and more into X: a file with holes, of which they alone are read."""
    I, n = 32_768, 70_000
    assert (n - 100) * I > 2**31
    path = tmp_path / "holes"
    path.touch()
    try:
        huge = np.memmap(path, dtype, "w+", shape=(n, I))
    except (OSError, ValueError) as error:
        pytest.skip(f"no file of that length: {error}")
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(100, I)).astype(dtype)
    huge[-100:] = rows
    labels = rng.normal(size=(n, 1)).astype(dtype)
    order = np.concatenate([rng.permutation(np.arange(n - 100, n)), np.zeros(n - 100, np.intp)])[None]
    found = []
    for data, y, orders in ((huge, labels, order), (rows, labels[-100:], order[:, :100] - (n - 100))):
        model = Sequential([Dense(2, "tanh", input_dim=I, kernel_initializer=fcnet.initializers.GlorotUniform(seed=1)),
                            Dense(1, kernel_initializer=fcnet.initializers.GlorotUniform(seed=2))], dtype=dtype)
        model.compile(optimizers.SGD(1e-4), "mse")
        network = model._trainable(model._compiled("fit"), I)
        sums = np.zeros((1, 1))
        for batch, last in ((3, 2), (32, 3)):  # by rows, and by slabs
            network.engine.train(network.parameters, network.optimizer, data, y, np.ascontiguousarray(orders), batch,
                                 0, last, network.objective.loss, (), sums)
        found.append((model.parameters.copy(), sums))
    for a, b in zip(*found, strict=True):
        np.testing.assert_array_equal(a, b)
    assert found[0][1] > 0


def test_parameters_beyond_memory():
    """Refused by their size, before anything is allocated; also where a product of sizes is beyond 63 bits."""
    model = Sequential([Dense(2, input_dim=3)])
    before = model.parameters
    for units in (10**13, 2**62):
        with pytest.raises(MemoryError, match=r"parameters and their gradient in float32 need [\d,.]+ GiB"):
            model.add(Dense(units))
    assert model.parameters is before and len(model.layers) == 1
