"""Every optimizer's formula on rows of memory, and what all optimizers can do besides."""


import numpy as np
import pytest
import reference
from fcnet.kernels import _jit
from fcnet.kernels import optimizers as compiled
from guards import Guarded
from tables import assert_within, eps

from fcnet import Dense, Sequential, optimizers

# With Keras's defaults: both sides are given the same gradient.
FORMULAS = {
    "sgd": ("SGD", {}), "momentum": ("SGD", dict(momentum=0.9)), "nesterov": ("SGD", dict(momentum=0.9, nesterov=True)),
    "rmsprop": ("RMSprop", {}), "rmsprop momentum": ("RMSprop", dict(momentum=0.5)),
    "rmsprop centered": ("RMSprop", dict(centered=True)), "adagrad": ("Adagrad", {}), "adam": ("Adam", {}),
    "amsgrad": ("Adam", dict(amsgrad=True)), "adamax": ("Adamax", {}), "nadam": ("Nadam", {}), "lion": ("Lion", {}),
}  # fmt: skip


def hyper_of(optimizer, step):
    hyper = np.zeros(compiled.HYPER_SIZE)
    own = optimizer.hyperparameters()
    hyper[:len(own)] = own
    hyper[[compiled.BIAS_1, compiled.BIAS_2, compiled.STEP]] = 1 - hyper[1]**step, 1 - hyper[2]**step, step
    return hyper


def test_every_formula_is_in_the_table():
    made = [getattr(optimizers, kind)(**parameters).formula for kind, parameters in FORMULAS.values()]
    assert set(made) == set(compiled.UPDATES)


@pytest.mark.isa
@pytest.mark.parametrize("name", FORMULAS)
def test_formula(name, dtype, rng):
    """Rows of a matrix and of a tile, of any length; steps from the first to one after all warm-up."""
    kind, parameters = FORMULAS[name]
    optimizer = getattr(optimizers, kind)(**parameters)
    update = _jit.part_function(compiled.UPDATES[optimizer.formula], dtype)
    for rows, columns, row in ((1, 1, 1), (3, 7, 9), (5, 33, 40), (1, 70, 70)):
        memory = Guarded()
        W = memory.out((rows, row), dtype, rng.standard_normal((rows, row)))
        first = np.full((rows, row), getattr(optimizer, "initial_accumulator_value", 0))
        state = [memory.out((rows, row), dtype, first) for _ in range(optimizer.formula_slots)]
        for step in (1, 2, 3, 1500):
            wanted = reference.optimizer(kind, parameters, 1, ())
            g = rng.standard_normal((rows, columns + 5)).astype(dtype) * (rng.random((rows, columns + 5)) < 0.8)
            before = [np.float64(array) for array in (W, *state)]
            own = [array[:, :columns] for array in before[1:]]
            if kind == "Adagrad" and step == 1:
                own = [0 * own[0]]
            full = own + [np.zeros((rows, columns))] * (wanted.slots - len(own))
            expected, states = wanted.update(before[0][:, :columns], np.float64(g[:, :columns]), full, step)
            pointers = [array.ctypes.data for array in (W, memory.put(g), *state)]
            pointers += [W.ctypes.data] * (5 - len(pointers))
            update(*pointers, rows, columns, row, columns + 5, hyper_of(optimizer, step).ctypes.data)
            unit = 20 * eps(dtype)
            moved = np.abs(expected - before[0][:, :columns])
            # centered, v - mean^2 may lose all its digits: the rounding error of v, in units of what is left
            lost = 1
            if name == "rmsprop centered":
                lost += states[0] / (states[0] - states[2]**2 + 1e-7)
            assert_within(W[:, :columns], expected, unit * (1 + np.abs(expected) + moved * lost), f"{name} W")
            for got, want in zip(state, states, strict=False):
                if name != "rmsprop centered" or want is not states[1]:
                    assert_within(got[:, :columns], want, unit * (np.abs(want) + 0.2), f"{name} state")
            for got, was in zip((W, *state), before, strict=True):
                np.testing.assert_array_equal(got[:, columns:], was[:, columns:])
            memory.kept = [entry for entry in memory.kept if entry[2] is None]
        memory.check()


def test_sign_of_lion():
    """0 stays, and NaN is seen."""
    update = _jit.part_function(compiled.UPDATES["lion"], np.float64)
    W, g, m = np.ones(4), np.array([0.0, 1e-300, -3.0, np.nan]), np.zeros(4)
    update(*(array.ctypes.data for array in (W, g, m, m, m)), 1, 4, 4, 4,
           hyper_of(optimizers.Lion(0.25), 1).ctypes.data)
    np.testing.assert_array_equal(W, [1, 0.75, 1.25, np.nan])


X = np.random.default_rng(3).normal(size=(60, 3))
Y = X[:, :1] * X[:, 1:2]


def model_with(optimizer, dtype="float64", units=4):
    model = Sequential([Dense(units, "tanh", input_dim=3), Dense(1)], dtype=dtype)
    model.compile(optimizer, "mse")
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    return model


def trained(optimizer, batch_size=20, **options):
    model = model_with(optimizer, **options)
    model.fit(X, Y, batch_size=batch_size, epochs=3, shuffle=False, verbose=0)
    return model.parameters


@pytest.mark.parametrize("option", [
    dict(clipvalue=1e30), dict(clipnorm=1e30), dict(global_clipnorm=1e30), dict(use_ema=True, ema_momentum=0.0),
    dict(weight_decay=0.0), dict(gradient_accumulation_steps=None),
], ids=str)  # fmt: skip
def test_options_that_do_nothing_change_no_bit(option, dtype):
    for kind in (optimizers.SGD, optimizers.Adam):
        plain, own = (trained(kind(0.01, **chosen), dtype=np.dtype(dtype).name) for chosen in ({}, option))
        np.testing.assert_array_equal(own, plain)


def test_accumulated_batches_are_one_large_batch():
    parts, whole = optimizers.Adam(0.01, gradient_accumulation_steps=3), optimizers.Adam(0.01)
    np.testing.assert_allclose(trained(parts, 20), trained(whole, 60), rtol=1e-12)


def test_accumulation_goes_on_across_epochs_and_fits():
    whole, parts = (model_with(optimizers.SGD(0.1, gradient_accumulation_steps=4)) for _ in range(2))
    whole.fit(X, Y, batch_size=20, epochs=4, shuffle=False, verbose=0)  # 12 steps, 3 updates
    for _ in range(4):
        parts.fit(X, Y, batch_size=20, shuffle=False, verbose=0)
    np.testing.assert_array_equal(parts.parameters, whole.parameters)
    start = whole.parameters.copy()
    whole.fit(X, Y, batch_size=20, shuffle=False, verbose=0)
    np.testing.assert_array_equal(whole.parameters, start)  # the fourth step makes the update
    assert whole.optimizer.iterations == 15


def test_the_average_becomes_the_weights_at_the_end_of_fit():
    raw, model = model_with(optimizers.SGD(0.1)), model_with(optimizers.SGD(0.1, use_ema=True, ema_momentum=0.9))
    average = None
    for _ in range(6):  # train_on_batch leaves the weights as they are
        for each in (raw, model):
            each.train_on_batch(X, Y)
        np.testing.assert_array_equal(raw.parameters, model.parameters)
        average = raw.parameters.copy() if average is None else 0.9 * average + 0.1 * raw.parameters
    np.testing.assert_allclose(model.optimizer.average, average, rtol=1e-13)
    raw.train_on_batch(X, Y)
    model.fit(X, Y, batch_size=60, shuffle=False, verbose=0)
    np.testing.assert_allclose(model.parameters, 0.9 * average + 0.1 * raw.parameters, rtol=1e-13)


def test_a_fit_that_diverges_in_its_first_epoch_keeps_the_weights():
    model = model_with(optimizers.SGD(1e200, use_ema=True))
    before = model.parameters.copy()
    with pytest.raises(FloatingPointError):
        model.fit(X, Y, batch_size=20, verbose=0)
    np.testing.assert_array_equal(model.parameters, before)


@pytest.mark.parametrize("option", [dict(clipvalue=0.1), dict(clipnorm=0.1), dict(global_clipnorm=0.1)], ids=str)
def test_clipping_hides_no_nan(option):
    model = model_with(optimizers.SGD(0.1, **option))
    model.parameters[0] = np.nan
    with pytest.raises(FloatingPointError):
        model.train_on_batch(X, Y)


def test_an_option_set_between_fits_takes_effect():
    """A clip needs no vectors, so the moments stay; an average does, and the optimizer starts afresh."""
    model = model_with(optimizers.SGD(0.1, momentum=0.9))
    model.train_on_batch(X, Y)
    velocity = model.optimizer.state[0]
    model.optimizer.clipnorm = 1e-9
    model.train_on_batch(X, Y)
    assert model.optimizer.state[0] is velocity and model.optimizer.iterations == 2
    model.optimizer.clipnorm = None
    model.optimizer.use_ema = True
    model.train_on_batch(X, Y)
    assert len(model.optimizer.state) == 2 and model.optimizer.iterations == 1


WRONG = {
    "decay": (dict(weight_decay=-0.1), ValueError, "weight_decay.*-0.1"),
    "norm": (dict(clipnorm=0), ValueError, "clipnorm.*0"),
    "value": (dict(clipvalue=np.nan), ValueError, "clipvalue.*nan"),
    "two": (dict(clipnorm=1.0, clipvalue=2.0), ValueError, "at most one of clipnorm, clipvalue, global_clipnorm"),
    "ema": (dict(use_ema=1), TypeError, "use_ema"),
    "momentum": (dict(use_ema=True, ema_momentum=1.1), ValueError, "ema_momentum"),
    "frequency": (dict(use_ema=True, ema_overwrite_frequency=0), ValueError, "ema_overwrite_frequency"),
    "steps": (dict(gradient_accumulation_steps=1), ValueError, "gradient_accumulation_steps must be 2 or more"),
    "fraction": (dict(gradient_accumulation_steps=2.5), TypeError, "gradient_accumulation_steps"),
    "name": (dict(clip_norm=1.0), TypeError, "no argument 'clip_norm'. Did you mean 'clipnorm'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_options(case):
    options, error, match = WRONG[case]
    for kind in (optimizers.SGD, optimizers.Lion):
        with pytest.raises(error, match=match):
            kind(**options)


def test_wrong_options_set_later_change_nothing():
    optimizer = optimizers.Adam(clipnorm=1.0)
    with pytest.raises(ValueError, match="at most one"):
        optimizer.clipvalue = 0.5
    assert optimizer.clipvalue is None
    assert repr(optimizer).endswith("amsgrad=False, clipnorm=1.0)")
    with pytest.raises(ValueError, match="AdamW"):
        optimizers.AdamW(weight_decay=None)


@pytest.mark.parametrize("kind, name, value", [
    (optimizers.RMSprop, "rho", 1), (optimizers.RMSprop, "centered", 1), (optimizers.Lion, "beta_1", 0),
    (optimizers.Adagrad, "initial_accumulator_value", -1), (optimizers.Nadam, "beta_2", 1.0),
    (optimizers.Adam, "amsgrad", None),
])  # fmt: skip
def test_wrong_hyperparameters(kind, name, value):
    with pytest.raises((ValueError, TypeError), match=name):
        kind(**{name: value})
