"""Schedules against their formulas, one step at a time in plain Python; and in a fit."""

import copy
import pickle
from math import cos, inf, nan, pi

import numpy as np
import pytest

from fcnet import Dense, Sequential, optimizers, schedules


def cosine(first, last, p):
    return last + (first - last) * (1 + cos(pi * p)) / 2


def warm_cosine(t):
    """From 0.01 to 0.2 in 5 steps, then in 20 steps to a tenth."""
    return 0.01 + 0.19 * t / 5 if t < 5 else cosine(0.2, 0.02, min((t - 5) / 20, 1))


def restarts(t):
    """Waves of 4, 8, 16 ... steps, heights 0.5, 0.4, 0.32 ..., of which a tenth of 0.5 is always left."""
    wave, begin, length = 0, 0, 4
    while t >= begin + length:
        wave, begin, length = wave + 1, begin + length, 2 * length
    return 0.5 * (0.9 * 0.8**wave * (1 + cos(pi * (t - begin) / length)) / 2 + 0.1)


def one_cycle(t, rise=5, peak=1.0, first=0.04, last=4e-6, steps=20):
    if t <= rise:
        return cosine(first, peak, t / rise)
    return cosine(peak, last, min((t - rise) / (steps - 1 - rise), 1))


def three_lines(t):
    """0.1 to 1 in 4 steps, back in 4, and to 0.01 in the last 11."""
    return np.interp(t, [0, 4, 8, 19], [0.1, 1, 0.1, 0.01])


# name: (schedule, its rate after t steps)
SCHEDULES = {
    "constant": (schedules.Constant(0.3), lambda t: 0.3),
    "piecewise": (schedules.PiecewiseConstantDecay([3, 10], [1.0, 0.5, 0.1]),
                  lambda t: 1.0 if t <= 3 else 0.5 if t <= 10 else 0.1),
    "exponential": (schedules.ExponentialDecay(0.1, 10, 0.5), lambda t: 0.1 * 0.5 ** (t / 10)),
    "steps": (schedules.ExponentialDecay(0.1, 10, 0.5, staircase=True), lambda t: 0.1 * 0.5 ** (t // 10)),
    "inverse": (schedules.InverseTimeDecay(0.1, 10, 2), lambda t: 0.1 / (1 + 0.2 * t)),
    "inverse steps": (schedules.InverseTimeDecay(0.1, 10, 2, True), lambda t: 0.1 / (1 + 2 * (t // 10))),
    "line": (schedules.PolynomialDecay(0.1, 20), lambda t: 0.1 - 0.0999 * min(t / 20, 1)),
    "square": (schedules.PolynomialDecay(0.1, 20, 0.0, 2.0), lambda t: 0.1 * (1 - min(t / 20, 1)) ** 2),
    "polynomial cycle": (schedules.PolynomialDecay(0.1, 20, 0.01, 2.0, cycle=True),
                         lambda t: 0.01 + 0.09 * (1 - t / (20 * max(-(-t // 20), 1))) ** 2),
    "cosine": (schedules.CosineDecay(0.1, 30), lambda t: cosine(0.1, 0, min(t / 30, 1))),
    "warm cosine": (schedules.CosineDecay(0.01, 20, 0.1, 0.2, 5), warm_cosine),
    "restarts": (schedules.CosineDecayRestarts(0.5, 4, 2.0, 0.8, 0.1), restarts),
    "equal restarts": (schedules.CosineDecayRestarts(0.5, 7, 1.0), lambda t: cosine(0.5, 0, t % 7 / 7)),
    "one cycle": (schedules.OneCycle(1.0, 20), one_cycle),
    "three phases": (schedules.OneCycle(1.0, 20, 0.25, "linear", 10, 10, three_phase=True), three_lines),
}
MANY = 20000


@pytest.mark.parametrize("name", SCHEDULES)
def test_formula(name):
    schedule, expected = SCHEDULES[name]
    steps = [*range(70), 4 * (2**11 - 1) - 1, 4 * (2**11 - 1), MANY]
    want = [expected(t) for t in steps]
    np.testing.assert_allclose(schedule(np.array(steps)), want, rtol=1e-12, atol=1e-14)
    assert schedule(7) == pytest.approx(want[7], rel=1e-12)
    assert type(schedule(7)) is float
    assert schedule(np.array([[1, 2], [3, 4]])).shape == (2, 2)
    kind = type(schedule).__name__
    assert repr(schedule).startswith(f"{kind}(") and f"schedules.{kind}" not in repr(schedule)


def test_every_schedule_is_in_the_table():
    ours = {kind for kind in schedules.Schedule.__subclasses__() if kind.__module__ == schedules.__name__}
    assert ours == {type(schedule) for schedule, _ in SCHEDULES.values()}


@pytest.mark.parametrize("name", SCHEDULES)
def test_bits_do_not_depend_on_what_is_asked_for_at_a_time(name):
    schedule, _ = SCHEDULES[name]
    whole = schedule(np.arange(MANY))
    for cuts in ([1, 2, 3, 5, 8, 13, 21, 34, 1000], list(range(0, MANY, 517))):
        parts = np.split(np.arange(MANY), cuts)
        np.testing.assert_array_equal(np.concatenate([schedule(part) for part in parts]), whole)


@pytest.mark.parametrize("t_mul", (1.1, 1.5, 2.0, 3.0, 10.0))
def test_restarts_come_in_time(t_mul):
    """Where a logarithm says 2.9999 and means 3, the rate is the one after the restart."""
    schedule = schedules.CosineDecayRestarts(1.0, 100, t_mul)
    begins = np.cumsum(100 * t_mul ** np.arange(4))
    whole = begins[begins == np.round(begins)]
    np.testing.assert_allclose(schedule(whole), 1, atol=1e-9)


X = np.random.default_rng(3).normal(size=(50, 3))
Y = X[:, :1] * X[:, 1:2]


def compiled(optimizer):
    model = Sequential([Dense(4, "tanh", input_dim=3), Dense(1)], dtype="float64")
    model.compile(optimizer, "mse")
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    return model


def test_a_fit_takes_the_rates_of_its_steps():
    """As one step after the other with these rates; a second fit goes on, compile starts afresh."""
    schedule = schedules.ExponentialDecay(0.2, 3, 0.7)
    model, by_hand = compiled(optimizers.SGD(schedule)), compiled(optimizers.SGD(1.0))
    model.fit(X, Y, batch_size=20, epochs=2, shuffle=False, verbose=0)
    model.fit(X, Y, batch_size=20, epochs=1, shuffle=False, verbose=0)
    for step in range(9):
        begin = 20 * (step % 3)
        by_hand.optimizer.learning_rate = schedule(step)
        by_hand.train_on_batch(X[begin:begin + 20], Y[begin:begin + 20])
    np.testing.assert_array_equal(model.parameters, by_hand.parameters)
    assert model.optimizer.current_learning_rate == schedule(9)
    model.optimizer.learning_rate = 1e-9
    before = model.parameters.copy()
    model.fit(X, Y, verbose=0)
    np.testing.assert_allclose(model.parameters, before, atol=1e-7)
    model.compile(model.optimizer, "mse")
    model.optimizer.learning_rate = schedule
    assert model.optimizer.current_learning_rate == 0.2


def test_constant_schedule_is_the_number():
    models = [compiled(optimizers.Adam(rate)) for rate in (0.01, schedules.Constant(0.01))]
    for model in models:
        model.fit(X, Y, epochs=3, verbose=0, seed=1)
    np.testing.assert_array_equal(models[0].parameters, models[1].parameters)


def test_optimizers_with_schedules_copy_and_print():
    model = compiled(optimizers.Adam(schedules.CosineDecay(0.1, 20), clipnorm=1.0))
    model.fit(X, Y, verbose=0, seed=0)
    assert repr(model.optimizer).startswith("Adam(learning_rate=CosineDecay(initial_learning_rate=0.1, decay_steps=20,")
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert other.optimizer.current_learning_rate == model.optimizer.current_learning_rate
        other.fit(X, Y, verbose=0, seed=1)
        again = copy.deepcopy(model)
        again.fit(X, Y, verbose=0, seed=1)
        np.testing.assert_array_equal(other.parameters, again.parameters)


def test_a_diverging_fit_names_the_rate_of_its_epoch():
    model = compiled(optimizers.SGD(schedules.PiecewiseConstantDecay([3], [0.01, 1e200])))
    with pytest.raises(FloatingPointError, match=r"epoch 3.*learning_rate=1e\+200"):
        model.fit(X, Y, batch_size=25, epochs=5, verbose=0)


class Bad(schedules.Schedule):
    def __init__(self, value):
        self.value = value

    def rates(self, steps):
        return self.value


@pytest.mark.parametrize("value", (np.array([nan]), np.array([-0.1]), np.array([inf]), np.ones(7), 0.1))
def test_rates_of_a_schedule_of_ones_own_are_checked(value):
    model = compiled(optimizers.SGD(Bad(value)))
    before = model.parameters.copy()
    with pytest.raises(ValueError, match=r"Bad\(value=.*must give"):
        model.fit(X, Y, verbose=0)
    np.testing.assert_array_equal(model.parameters, before)
    assert model.optimizer.iterations == 0


WRONG = {
    "rate": (lambda: schedules.Constant(0), ValueError, "learning_rate"),
    "boundaries": (lambda: schedules.PiecewiseConstantDecay([3, 3], [1, 2, 3]), ValueError, "rise"),
    "boundary": (lambda: schedules.PiecewiseConstantDecay([1.5], [1, 2]), TypeError, r"boundaries\[0\]"),
    "values": (lambda: schedules.PiecewiseConstantDecay([3], [1, 2, 3]), ValueError, "3 rates and 1 steps"),
    "value": (lambda: schedules.PiecewiseConstantDecay([3], [1, -2]), ValueError, r"values\[1\]"),
    "decay_steps": (lambda: schedules.ExponentialDecay(0.1, 0, 0.5), ValueError, "decay_steps"),
    "decay_rate": (lambda: schedules.ExponentialDecay(0.1, 1, 0), ValueError, "decay_rate"),
    "staircase": (lambda: schedules.InverseTimeDecay(0.1, 1, 0.5, 1), TypeError, "staircase"),
    "power": (lambda: schedules.PolynomialDecay(0.1, 1, power=-1), ValueError, "power"),
    "alpha": (lambda: schedules.CosineDecay(0.1, 1, 2), ValueError, "alpha"),
    "warmup": (lambda: schedules.CosineDecay(0.1, 1, warmup_steps=2), ValueError, "warmup_target"),
    "t_mul": (lambda: schedules.CosineDecayRestarts(0.1, 1, 0.5), ValueError, "t_mul"),
    "pct_start": (lambda: schedules.OneCycle(0.1, 10, 1.0), ValueError, "pct_start"),
    "three_phase": (lambda: schedules.OneCycle(0.1, 10, 0.6, three_phase=True), ValueError, "pct_start"),
    "strategy": (lambda: schedules.OneCycle(0.1, 10, anneal_strategy="cosine"), ValueError, "'cos'"),
    "not defined": (lambda: schedules.Schedule()(1), NotImplementedError, "rates"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_arguments(name):
    make, error, match = WRONG[name]
    with pytest.raises(error, match=match):
        make()

