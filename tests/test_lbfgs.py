"""L-BFGS: full-batch fits through SciPy."""

import copy
import pickle
import sys

import numpy as np
import pytest

import fcnet
from fcnet import Dense, Dropout, Sequential, callbacks, optimizers

optimize = pytest.importorskip("scipy.optimize")
rng = np.random.default_rng(0)
X = rng.normal(size=(120, 3))
Y = np.sin(X[:, :1]) * X[:, 1:2]


def compiled(optimizer="lbfgs", dtype="float64", activation="tanh", loss="mse"):
    fcnet.set_seed(3)
    model = Sequential([Dense(7, activation, input_dim=3), Dense(1)], dtype=dtype)
    model.compile(optimizer, loss, metrics=["mae"])
    return model


def test_least_squares():
    """One linear layer: the minimum is known."""
    weights = np.random.default_rng(1).uniform(0.5, 2, 120)
    fcnet.set_seed(0)
    model = Sequential([Dense(1, input_dim=3)], dtype="float64")
    # with a smaller tolerance the loss may no longer change before the gradient is small enough
    model.compile(optimizers.LBFGS(tol=0, gradient_tol=1e-6), "mse")
    model.fit(X, Y, epochs=100, sample_weight=weights, verbose=0)
    A, root = np.hstack([X, np.ones((120, 1))]), np.sqrt(weights)[:, None]
    np.testing.assert_allclose(model.parameters, np.linalg.lstsq(root * A, root * Y)[0][:, 0], atol=1e-5)
    assert "CONVERGENCE" in model.optimizer.message


def test_iterations_are_scipys():
    """Epoch by epoch the loss of SciPy's iterations on the same function."""
    model = compiled()
    twin, losses = copy.deepcopy(model), []

    def function(values):
        twin.parameters[:] = values
        return twin.loss_and_gradient(X, Y)

    def note(intermediate_result):
        losses.append(intermediate_result.fun)

    optimize.minimize(function, model.parameters.copy(), jac=True, method="L-BFGS-B", callback=note,
                      options={"maxiter": 25, "ftol": 1e-9})
    history = model.fit(X, Y, epochs=25, verbose=0, validation_data=(X[:50], Y[:50]))
    np.testing.assert_allclose(history.history["loss"], losses, rtol=1e-9)
    assert history.epoch == list(range(25)) and model.optimizer.iterations == 25
    assert set(history.history) == {"loss", "mae", "val_loss", "val_mae"}
    assert history.history["loss"][-1] == model.evaluate(X, Y)[0] < 0.1 * history.history["loss"][0]
    assert "REACHED LIMIT" in model.optimizer.message


@pytest.mark.parametrize("loss", ("mse", "rmse"))
def test_float32_and_pieces(loss, monkeypatch):
    """The loss in pieces of rows is the loss of all."""
    whole, parts, single = compiled(loss=loss), compiled(loss=loss), compiled(dtype="float32", loss=loss)
    for model in (whole, single):
        model.fit(X, Y, epochs=10, verbose=0)
    monkeypatch.setattr(fcnet.training, "rows_per_call", lambda n_params: 32)
    parts.fit(X, Y, epochs=10, verbose=0)
    assert parts.history.history["loss"][-1] == pytest.approx(parts.loss_and_gradient(X, Y)[0], rel=1e-12)
    np.testing.assert_allclose(parts.parameters, whole.parameters, rtol=1e-8)
    assert single.parameters.dtype == np.float32
    np.testing.assert_allclose(single.history.history["loss"], whole.history.history["loss"], rtol=0.02)


def test_it_ends_by_tolerance_and_by_callbacks():
    model = compiled(optimizers.LBFGS(tol=1e-2))
    assert len(model.fit(X, Y, epochs=500, verbose=0).epoch) < 100
    model = compiled()
    seen = []
    stop = callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: seen.append(epoch),
        on_epoch_end=lambda epoch, logs: setattr(model, "stop_training", epoch == 3),
    )
    assert model.fit(X, Y, epochs=50, verbose=0, callbacks=[stop]).epoch == seen == [0, 1, 2, 3]
    assert model.optimizer.message == "STOP: by a callback"


@pytest.mark.parametrize("error", (KeyboardInterrupt, ValueError))
def test_an_interrupt_leaves_the_last_iteration(error):
    model, good = compiled(), compiled()
    good.fit(X, Y, epochs=4, verbose=0)

    def interrupt(epoch, logs):
        if epoch == 3:
            raise error

    with pytest.raises(error):
        model.fit(X, Y, epochs=9, verbose=0, callbacks=[callbacks.LambdaCallback(on_epoch_end=interrupt)])
    np.testing.assert_array_equal(model.parameters, good.parameters)
    assert model.history.epoch == [0, 1, 2, 3]


def test_interrupt_inside_the_line_search(monkeypatch):
    """Trial steps do not reach the model."""
    model, calls = compiled(), []
    plain = type(model._compiled_engine()).loss_and_gradient

    def counted(self, *arguments):
        calls.append(1)
        if len(calls) == 12:
            raise KeyboardInterrupt
        return plain(self, *arguments)

    monkeypatch.setattr(type(model._compiled_engine()), "loss_and_gradient", counted)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, epochs=50, verbose=0)
    assert model.history.history["loss"][-1] == model.evaluate(X, Y)[0]


def test_what_a_hook_sets_at_a_layer_waits_for_the_next_fit():
    """Also where the hook looks at the model as it is now: what is minimized stays the same function."""
    found = []
    for changes in (False, True):
        fcnet.set_seed(0)
        model = compiled()

        def look(epoch, logs, model=model, changes=changes):
            if changes:
                model.layers[0].trainable = False
                model.evaluate(X, Y)

        model.fit(X, Y, epochs=6, verbose=0, callbacks=callbacks.LambdaCallback(on_epoch_end=look))
        found.append(model.parameters.copy())
    np.testing.assert_array_equal(*found)
    before = model.layers[0].W.copy()
    model.fit(X, Y, epochs=2, verbose=0)
    np.testing.assert_array_equal(model.layers[0].W, before)


def test_copies_and_text():
    model = compiled(optimizers.LBFGS(m=5))
    model.fit(X, Y, epochs=3, verbose=0)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert repr(other.optimizer) == "LBFGS(m=5, tol=1e-09, gradient_tol=1e-05)"
        other.fit(X, Y, epochs=3, verbose=0)
    model.fit(X, Y, epochs=3, verbose=0)
    np.testing.assert_array_equal(other.parameters, model.parameters)


def test_refusals(monkeypatch):
    model = compiled()
    before = model.parameters.copy()
    for call in (lambda: model.train_on_batch(X, Y), model.profile):
        with pytest.raises(ValueError, match="LBFGS works in fit only"):
            call()
    with pytest.raises(ValueError, match="all 120 samples at once, got batch_size=32"):
        model.fit(X, Y, batch_size=32, verbose=0)
    model.fit(X, Y, batch_size=120, verbose=0)
    for arguments in (dict(m=0), dict(tol=-1), dict(gradient_tol=np.nan)):
        with pytest.raises(ValueError, match=next(iter(arguments))):
            optimizers.LBFGS(**arguments)
    with pytest.raises(ValueError, match=r"sets optimizer\.learning_rate, and LBFGS has none: leave the callback out"):
        model.fit(X, Y, verbose=0, callbacks=[callbacks.ReduceLROnPlateau("loss")])
    dropping = Sequential([Dense(7, input_dim=3), Dropout(0.5), Dense(1)])
    dropping.compile("lbfgs", "mse")
    with pytest.raises(ValueError, match="'dropout' draws random numbers"):
        dropping.fit(X, Y, verbose=0)
    model = compiled()
    model.parameters[0] = np.nan
    with pytest.raises(FloatingPointError, match="not finite at the start"):
        model.fit(X, Y, verbose=0)
    model = compiled()
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    with pytest.raises(ImportError, match=r"LBFGS needs SciPy: pip install 'fcnet\[scipy\]'"):
        model.fit(X, Y, verbose=0)
    np.testing.assert_array_equal(model.parameters, before)
