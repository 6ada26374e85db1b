"""The learning-rate range test."""

import builtins
import copy
import sys

import numpy as np
import pytest

import fcnet
from fcnet import Dense, Sequential, optimizers, schedules

rng = np.random.default_rng(0)
X = rng.normal(size=(300, 4))
Y = (X @ rng.normal(size=(4, 1)) + 0.1 * rng.normal(size=(300, 1)))


def compiled(optimizer, dtype="float64"):
    fcnet.set_seed(1)
    model = Sequential([Dense(6, "tanh", input_dim=4), Dense(1)], dtype=dtype)
    model.compile(optimizer, "mse", metrics=["mae"])
    return model


def test_losses_are_those_of_steps_with_rising_rates():
    model = compiled("sgd")
    by_hand = copy.deepcopy(model)
    found = model.find_learning_rate(X, Y, 30, min_learning_rate=1e-3, max_learning_rate=0.1, steps=25, smoothing=0.5)
    np.testing.assert_allclose(found.rates, np.geomspace(1e-3, 0.1, 25))
    order, losses, mean = np.random.default_rng(0), [], 0
    for step, rate in enumerate(found.rates):
        if step % 10 == 0:
            rows = order.permutation(300)
        own = rows[30 * (step % 10):][:30]
        by_hand.optimizer.learning_rate = float(rate)
        losses.append(by_hand.train_on_batch(X[own], Y[own])[0])
        mean = 0.5 * mean + 0.5 * losses[-1]
        np.testing.assert_allclose(found.smoothed[step], mean / (1 - 0.5 ** (step + 1)), rtol=1e-12)
    np.testing.assert_allclose(found.losses, losses, rtol=1e-12)


@pytest.mark.parametrize("optimizer", [
    optimizers.SGD(0.05, momentum=0.5), optimizers.Adam(schedules.CosineDecay(0.01, 50), use_ema=True),
    optimizers.AdamW(gradient_accumulation_steps=2)], ids=lambda optimizer: type(optimizer).__name__)
def test_the_model_is_as_it_was(optimizer):
    """Before the first fit and after one; also its random numbers."""
    model = compiled(optimizer)
    for _ in range(2):
        twin = copy.deepcopy(model)
        model.find_learning_rate(X, Y, steps=20)
        np.testing.assert_array_equal(model.parameters, twin.parameters)
        assert model.optimizer.iterations == twin.optimizer.iterations
        assert repr(model.optimizer) == repr(twin.optimizer)
        for each in (model, twin):
            fcnet.set_seed(2)
            each.fit(X, Y, epochs=2, verbose=0)
        np.testing.assert_array_equal(model.parameters, twin.parameters)


@pytest.mark.parametrize("dtype", ("float32", "float64"))
def test_it_ends_where_the_loss_goes_up_and_suggests_a_rate_that_learns(dtype):
    model = compiled("sgd", dtype)
    found = model.find_learning_rate(X, Y, sample_weight=np.ones(300), max_learning_rate=1e6, steps=200)
    assert len(found.rates) == len(found.losses) == len(found.smoothed) < 200
    assert np.isfinite(found.losses).all()
    assert 1e-4 < found.suggestion < found.rates[-1] < 1e3
    before = model.evaluate(X, Y)[0]
    model.optimizer.learning_rate = found.suggestion
    model.fit(X, Y, epochs=5, verbose=0, seed=0)
    assert model.evaluate(X, Y)[0] < 0.3 * before
    again = compiled("sgd", dtype).find_learning_rate(X, Y, max_learning_rate=1e6, steps=200)
    np.testing.assert_array_equal(again.losses, found.losses)
    assert repr(found).startswith(f"RangeTest({len(found.rates)} steps, suggestion=")


def test_no_suggestion_where_nothing_falls():
    found = compiled("sgd").find_learning_rate(X, Y, min_learning_rate=1e8, max_learning_rate=1e9, steps=10)
    assert found.suggestion is None
    assert len(found.rates) < 3


def test_plot(monkeypatch):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    found = compiled("sgd").find_learning_rate(X, Y, steps=30, max_learning_rate=1.0)
    axes = found.plot()
    assert axes.get_xscale() == "log"
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), found.losses)
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), found.smoothed)
    assert found.plot(axes) is axes
    sys.modules["matplotlib.pyplot"].close("all")

    imported = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return imported(name, *args, **kwargs)

    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"plot\(\) needs Matplotlib: pip install 'fcnet\[plot\]'"):
        found.plot()


WRONG = {
    "range": dict(min_learning_rate=1.0, max_learning_rate=0.1), "zero": dict(min_learning_rate=0),
    "steps": dict(steps=1), "smoothing": dict(smoothing=1.0), "batch_size": dict(batch_size=0), "seed": dict(seed=-1),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_arguments(case):
    name = {"range": "max_learning_rate", "zero": "min_learning_rate"}.get(case, case)
    with pytest.raises(ValueError, match=name):
        compiled("sgd").find_learning_rate(X, Y, **WRONG[case])


def test_states():
    with pytest.raises(RuntimeError, match="compile"):
        Sequential([Dense(1, input_dim=4)]).find_learning_rate(X, Y)
    with pytest.raises(ValueError, match="LBFGS"):
        compiled("lbfgs").find_learning_rate(X, Y)
