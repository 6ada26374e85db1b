"""Callbacks: Keras's meanings by sequences of watched values, when hooks are called, errors and Ctrl-C in them."""

import copy
import csv
import math
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import fcnet
from fcnet import Dense, Sequential, callbacks, metrics, optimizers, schedules, training
from fcnet.callbacks import (
    Callback,
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ReduceLROnPlateau,
    TerminateOnNaN,
)  # fmt: skip

NAN = math.nan


@pytest.fixture(autouse=True)
def _seeded():
    fcnet.set_seed(20240229)


def data(n=40, seed=0):
    return fcnet.datasets.make_circles(n, factor=0.3, noise=0.1, random_state=seed)


def small(optimizer="sgd", **options):
    model = Sequential([Dense(3, "tanh", input_dim=2), Dense(1, "sigmoid")])
    model.compile(optimizer, "binary_crossentropy", **options)
    return model


class Script(Callback):
    """Puts a value of its list into the logs of every epoch, and keeps what each epoch has left."""

    def __init__(self, values, name="watched"):
        self.values, self.name = values, name
        self.weights, self.rates = [], []

    def on_epoch_end(self, epoch, logs=None):
        logs[self.name] = self.values[epoch]
        self.weights.append(self.model.parameters.copy())
        self.rates.append(self.model.optimizer.learning_rate)


def scripted(values, callback, **options):
    script = Script(values)
    model = small(optimizers.SGD(1.0))
    X, y = data(8)
    model.fit(X, y, epochs=len(values), verbose=0, callbacks=[script, callback], **options)
    return model, script


# ------------------------------------------------------------------------------------------ Keras's meanings

# (values, parameters) -> epochs run, the epoch (from 0) whose weights the model has at the end
EARLY = [
    ([5, 4, 3, 2, 1], {}, 5, 4),
    ([5, 4, 4, 3, 2], {}, 3, 2),  # as good is not better
    ([5, 6, 4, 3, 2], {}, 2, 1),
    ([5, 6, 7, 4, 5, 6, 7], dict(patience=2), 3, 2),
    ([5, 6, 4, 5, 6, 7, 1], dict(patience=3), 6, 5),
    ([5, 6, 4, 5, 6, 7, 1], dict(patience=3, restore_best_weights=True), 6, 2),
    ([5, 4, 3], dict(patience=3, restore_best_weights=True), 3, 2),
    ([3, 4, 5], dict(patience=5, restore_best_weights=True), 3, 0),  # also when nothing has stopped it
    ([5.0, 4.5, 4.0, 3.5], dict(min_delta=0.5), 2, 1),  # by 0.5 is not by more than 0.5
    ([5.0, 4.5, 3.9, 3.5], dict(min_delta=0.5, patience=2), 4, 3),  # 4.5 counts as no step, 3.9 is one from 5
    ([5.0, 4.5, 4.0, 3.5], dict(min_delta=-0.5), 2, 1),  # its sign does not matter
    ([1, 2, 3, 3, 4], dict(mode="max"), 4, 3),
    ([1, 2, 1.5, 1.2], dict(mode="max", patience=2, restore_best_weights=True), 4, 1),
    ([5, 4, 3, 2, 1, 0], dict(baseline=0.5), 6, 5),  # better every time: never stopped, the baseline met or not
    ([5, 6, 7, 8], dict(baseline=1, patience=2), 2, 1),
    ([5, 4, 6, 6], dict(baseline=1, patience=2), 3, 2),  # the improvement to 4 does not reset the waiting
    ([5, 4, 6, 6], dict(baseline=4.5, patience=2), 4, 3),
    ([5, 4, 6, 6], dict(baseline=1, patience=2, restore_best_weights=True), 3, 1),  # the best of those that ran
    ([9, 1, 5, 5, 5], dict(start_from_epoch=2), 4, 3),
    ([9, 1, 5, 4, 5, 5], dict(start_from_epoch=2, restore_best_weights=True), 5, 3),
    ([1, 1], dict(patience=0), 2, 1),
    ([NAN, 3, 2], {}, 3, 2),  # anything is better than NaN
    ([NAN, 3, 4], dict(restore_best_weights=True), 3, 1),
    ([NAN, NAN, NAN], dict(patience=1, restore_best_weights=True), 2, 1),
    ([3, NAN, 2], dict(patience=2), 3, 2),
    ([3, 2, NAN, math.inf, 1], dict(patience=2, restore_best_weights=True), 4, 1),
    ([3, 2, -math.inf, -math.inf], dict(patience=1), 4, 3),
]


@pytest.mark.parametrize("values, parameters, epochs, kept", EARLY)
def test_early_stopping(values, parameters, epochs, kept):
    stopping = EarlyStopping("watched", **{"mode": "min"} | parameters)
    for _ in range(2):  # the same object serves again
        model, script = scripted(values, stopping)
        assert model.history.epoch == list(range(epochs))
        assert model.history.history["watched"] == pytest.approx(values[:epochs], nan_ok=True)
        np.testing.assert_array_equal(model.parameters, script.weights[kept])
        assert stopping.stopped_epoch == (epochs - 1 if model.stop_training else 0)


# (values, parameters) -> learning rate that every epoch has left, from 1
PLATEAU = [
    ([5, 4, 3, 2], dict(patience=1), [1, 1, 1, 1]),
    ([5, 5, 5, 5, 5], dict(patience=1), [1, 0.1, 0.01, 1e-3, 1e-4]),
    ([5, 5, 5, 5, 5], dict(patience=2, factor=0.5), [1, 1, 0.5, 0.5, 0.25]),
    ([5, 6, 4, 5, 5, 5], dict(patience=2, factor=0.5), [1, 1, 1, 1, 0.5, 0.5]),
    ([5, 5, 5, 5, 5, 5], dict(patience=1, factor=0.5, cooldown=2), [1, 0.5, 0.5, 0.25, 0.25, 0.125]),
    ([5, 5, 5, 5, 5, 5], dict(patience=2, factor=0.5, cooldown=1), [1, 1, 0.5, 0.5, 0.25, 0.25]),
    ([5, 5, 4, 4, 4, 4], dict(patience=1, factor=0.5, cooldown=3), [1, 0.5, 0.5, 0.5, 0.25, 0.25]),
    ([5, 5, 5, 5, 5], dict(patience=1, factor=0.5, min_lr=0.3), [1, 0.5, 0.3, 0.3, 0.3]),
    ([5, 4.99995, 4.9], dict(patience=1), [1, 0.1, 0.1]),  # by less than the default min_delta
    ([5, 4.99995, 4.9], dict(patience=1, min_delta=0), [1, 1, 1]),
    ([1, 2, 2, 3], dict(patience=1, mode="max"), [1, 1, 0.1, 0.1]),
    ([5, 5, 5], dict(patience=0), [1, 0.1, 0.01]),
]


@pytest.mark.parametrize("values, parameters, rates", PLATEAU)
def test_reduce_on_plateau(values, parameters, rates):
    model, script = scripted(values, ReduceLROnPlateau("watched", **{"mode": "min"} | parameters))
    np.testing.assert_allclose([*script.rates, model.optimizer.learning_rate], [1, *rates])
    # the logs have the rate that the epoch was trained with
    np.testing.assert_allclose(model.history.history["learning_rate"], script.rates)


def test_a_rate_that_rounds_to_min_lr_is_not_reduced_again(capsys):
    assert 0.1 * 0.1 > 0.01
    plateau = ReduceLROnPlateau("watched", mode="min", patience=1, cooldown=2, min_lr=0.01, verbose=1)
    scripted([5] * 9, plateau)
    assert [line[:8] for line in capsys.readouterr().out.splitlines()] == ["Epoch 2:", "Epoch 4:"]
    assert plateau.cooldown_counter == 0


def test_the_rate_is_the_one_that_trains():
    """A fit by hand, with the rates that the callback gave, has the same bits."""
    X, y = data()
    model, by_hand = small(optimizers.SGD(1.0, momentum=0.9)), small(optimizers.SGD(1.0, momentum=0.9))
    by_hand.set_weights(model.get_weights())
    given = []

    def halved(epoch, rate):
        given.append((epoch, rate))
        return rate / 2

    history = model.fit(X, y, epochs=3, verbose=0, seed=1, callbacks=[LearningRateScheduler(halved)])
    assert given == [(0, 1.0), (1, 0.5), (2, 0.25)]
    assert history.history["learning_rate"] == [0.5, 0.25, 0.125]
    for epoch, rate in enumerate([0.5, 0.25, 0.125]):
        by_hand.optimizer.learning_rate = rate
        by_hand.fit(X, y, initial_epoch=epoch, epochs=epoch + 1, verbose=0, seed=1)
    np.testing.assert_array_equal(model.parameters, by_hand.parameters)


def test_a_schedule_of_the_epoch_alone():
    model = small()
    model.fit(*data(), epochs=3, verbose=0, callbacks=[LearningRateScheduler(lambda epoch: 1 / (1 + epoch))])
    assert model.history.history["learning_rate"] == [1, 1 / 2, 1 / 3]


@pytest.mark.parametrize("rate", [0, -1.0, "fast", None, NAN])
def test_a_schedule_must_give_a_rate(rate):
    model = small()
    with pytest.raises(ValueError, match="learning_rate must be"):
        model.fit(*data(), verbose=0, callbacks=[LearningRateScheduler(lambda epoch, rate_: rate)])
    assert model.optimizer.iterations == 0


@pytest.mark.parametrize("callback", [ReduceLROnPlateau("loss"), LearningRateScheduler(lambda epoch: 0.1)])
def test_two_schedules(callback):
    model = small(optimizers.SGD(schedules.ExponentialDecay(0.1, 10, 0.5)))
    message = rf"{type(callback).__name__} sets .* the schedule ExponentialDecay.*; give the optimizer a number"
    with pytest.raises(ValueError, match=message):
        model.fit(*data(), verbose=0, callbacks=callback)
    assert model.history is None


@pytest.mark.parametrize("metric, values, epochs", [
    ("loss", [3, 2, 2.5, 1], 3), ("accuracy", [0.3, 0.4, 0.35, 0.5], 3), ("mae", [0.4, 0.5, 0.3, 0.1], 2),
])  # fmt: skip
@pytest.mark.parametrize("prefix", ["", "val_"])
def test_auto_knows_what_is_better(metric, values, epochs, prefix):
    """The watched value is the real one, replaced before EarlyStopping sees it."""
    name = prefix + metric
    X, y = data()
    model = small(metrics=["accuracy", "mae"])
    watch = [Script(values, name), EarlyStopping(name)]
    model.fit(X, y, epochs=4, verbose=0, validation_data=(X, y), callbacks=watch)
    assert len(model.history.epoch) == epochs


def test_auto_wants_to_be_told(monkeypatch):
    model = small()
    with pytest.raises(ValueError, match="can't know whether more 'learning_rate' is better"):
        model.fit(*data(), verbose=0, callbacks=[
            LearningRateScheduler(lambda epoch: 0.1), EarlyStopping("learning_rate")])

    monkeypatch.setattr(metrics.MeanAbsoluteError, "direction", None)
    model = small(metrics=[metrics.MeanAbsoluteError(name="score")])
    with pytest.raises(ValueError, match="more 'val_score' is better"):
        model.fit(*data(), verbose=0, validation_split=0.5, callbacks=ReduceLROnPlateau("val_score"))
    model.fit(*data(), verbose=0, validation_split=0.5, callbacks=ReduceLROnPlateau("val_score", mode="min"))


def test_messages(capsys):
    scripted([5, 6, 7], EarlyStopping("watched", mode="min", restore_best_weights=True, verbose=1))
    assert capsys.readouterr().out.splitlines() == [
        "Epoch 2: watched has not improved, the fit ends", "The weights are those of epoch 1, watched 5"]
    scripted([5, 6], ReduceLROnPlateau("watched", mode="min", patience=1, verbose=1))
    assert capsys.readouterr().out == "Epoch 2: watched has not improved, learning_rate is now 0.1\n"
    scripted([5, 6], LearningRateScheduler(lambda epoch: 0.25, verbose=1))
    assert capsys.readouterr().out == "Epoch 1: learning_rate is 0.25\nEpoch 2: learning_rate is 0.25\n"
    scripted([5, 6], EarlyStopping("watched", mode="min", restore_best_weights=True))
    assert capsys.readouterr().out == ""


# --------------------------------------------------------------------------------------------- names

@pytest.mark.parametrize("callback, message", [
    (EarlyStopping(), "EarlyStopping monitors 'val_loss', which is not among loss, accuracy; 'val_' names need valid"),
    (ReduceLROnPlateau("acc"), "ReduceLROnPlateau monitors 'acc', which is not among loss, accuracy$"),
], ids=lambda value: type(value).__name__)  # fmt: skip
def test_a_wrong_name_is_known_before_training(callback, message):
    model = small(metrics=["accuracy"])
    with pytest.raises(ValueError, match=message):
        model.fit(*data(), verbose=0, callbacks=[CSVLogger.__base__(), callback])
    assert model.history is None and model.optimizer.iterations == 0


def test_a_wrong_name_that_another_callback_might_have_given():
    model = small()
    with pytest.raises(ValueError, match="monitors 'val_loss', which is not among loss, watched; 'val_' names need"):
        model.fit(*data(), epochs=3, verbose=0, callbacks=[Script([1, 2, 3]), EarlyStopping()])
    with pytest.raises(ValueError, match="EarlyStopping monitors 'watch', which is not among loss, watched"):
        model.fit(*data(), epochs=3, verbose=0, callbacks=[Script([1, 2, 3]), EarlyStopping("watch", mode="min")])
    assert model.history.epoch == [0] and model.history.history["watched"] == [1]


def test_epochs_without_validation_do_not_count():
    X, y = data()
    model = small()
    stopping = EarlyStopping(patience=2)
    values = [9, 5, 9, 6, 9, 7, 9, 1]
    watch = [LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(
        {"val_loss": values[epoch]} if "val_loss" in logs else {})), stopping]
    history = model.fit(X, y, epochs=8, verbose=0, validation_data=(X, y), validation_freq=2, callbacks=watch)
    assert len(history.epoch) == len(history.history["loss"]) == 6
    assert len(history.history["val_loss"]) == 3
    assert stopping.best == 5 and stopping.best_epoch == 1


@pytest.mark.parametrize("freq, validated", [(1, [0, 1, 2, 3, 4]), (2, [1, 3]), (7, []), ([1, 4, 9], [0, 3])])
@pytest.mark.parametrize("watched", [False, True])
def test_validation_frequency(freq, validated, watched):
    X, y = data()
    model = small(optimizers.SGD(0.5))
    seen = []
    watch = LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append((epoch, logs.get("val_loss"))))
    history = model.fit(X, y, epochs=5, verbose=0, validation_data=(X, y), validation_freq=freq,
                        validation_batch_size=7, callbacks=watch if watched else None)
    assert history.epoch == [0, 1, 2, 3, 4]
    assert len(history.history["val_loss"]) == len(validated)
    if watched:
        values = iter(history.history["val_loss"])
        assert seen == [(epoch, next(values) if epoch in validated else None) for epoch in range(5)]
    if 4 in validated:
        assert history.history["val_loss"][-1] == model.evaluate(X, y)


@pytest.mark.parametrize("options", [
    dict(validation_freq=0), dict(validation_freq=[0]), dict(validation_batch_size=0),
])  # fmt: skip
def test_validation_options_are_checked(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        small().fit(*data(), verbose=0, **options)


# --------------------------------------------------------------------------------------------- hooks

class Diary(Callback):
    """Writes down every call."""

    def __init__(self):
        self.calls = []

    def __getattribute__(self, name):
        if name.startswith("on_") and hasattr(Callback, name):
            def written(*arguments):
                *number, logs = arguments
                self.calls.append((name, *number, sorted(logs)))
            return written
        return super().__getattribute__(name)


def test_when_hooks_are_called_and_with_what(monkeypatch):
    X, y = data(40)
    diary = Diary()
    monkeypatch.setattr(training, "_CALL", 1.0)  # a call a step
    model = small(metrics=["accuracy"])
    model.fit(X, y, batch_size=32, epochs=2, verbose=0, validation_data=(X, y), callbacks=[diary])
    seen, all_four = ["accuracy", "loss"], ["accuracy", "loss", "val_accuracy", "val_loss"]
    steps = [call for step in range(2) for call in (
        ("on_train_batch_begin", step, []), ("on_train_batch_end", step, seen))]
    epochs = [call for epoch in range(2) for call in (
        ("on_epoch_begin", epoch, []), *steps, ("on_epoch_end", epoch, all_four))]
    assert diary.calls == [("on_train_begin", []), *epochs, ("on_train_end", all_four)]
    assert diary.model is model
    assert diary.params == {"verbose": 0, "epochs": 2, "steps": 2}


def test_batch_hooks_cover_every_step_and_have_the_means_so_far():
    X, y = data(1000)
    model = small(optimizers.SGD(1e-9), metrics=["accuracy"])  # the weights all but stand still
    order = np.random.default_rng(5).permutation(1000)
    begins, ends = [], []
    watch = LambdaCallback(
        on_train_batch_begin=lambda batch, logs: begins.append(batch),
        on_train_batch_end=lambda batch, logs: ends.append((batch, logs["loss"], logs["accuracy"])),
    )
    model.fit(X[order], y[order], batch_size=8, verbose=0, shuffle=False, callbacks=watch)
    assert begins[0] == 0 and ends[-1][0] == 124
    assert begins[1:] == [batch + 1 for batch, *_ in ends[:-1]]
    for batch, loss, accuracy in ends:
        seen = order[: 8 * (batch + 1)]
        np.testing.assert_allclose((loss, accuracy), model.evaluate(X[seen], y[seen]), rtol=1e-4)


def test_callbacks_change_no_bit():
    """Whether an epoch is a call of its own or not, and also when a callback predicts in between."""
    X, y = data(100)
    Xv, yv = data(30, seed=1)

    def fitted(watch, **options):
        fcnet.set_seed(3)
        model = small("adam", metrics=["accuracy"])
        model.fit(X, y, epochs=5, verbose=0, seed=1, callbacks=watch, **options)
        return model

    plain = fitted(None)
    with_model = LambdaCallback(
        on_epoch_end=lambda epoch, logs: with_model.model.evaluate(Xv, yv),
        on_train_batch_end=lambda batch, logs: with_model.model.predict(Xv),
    )
    for watch in ([], [Callback()], [Diary()], with_model):
        model = fitted(watch)
        np.testing.assert_array_equal(model.parameters, plain.parameters)
        assert model.history.history == plain.history.history
    model = fitted([Diary()], validation_data=(Xv, yv))
    np.testing.assert_array_equal(model.parameters, plain.parameters)
    assert model.history.history["val_loss"][-1] == model.evaluate(Xv, yv)[0]


def test_short_epochs_share_a_call_unless_someone_looks_on(monkeypatch):
    X, y = data(100)
    model = small()
    model.fit(X, y, verbose=0)
    calls = []
    train = type(model._engine).train
    monkeypatch.setattr(type(model._engine), "train", lambda self, *rest: calls.append(0) or train(self, *rest))
    monkeypatch.setattr(training, "_SECONDS", 1e9)  # no call is cut for its time
    counts = {}
    for name, watch in {
        "nobody": None, "begin and end": LambdaCallback(on_train_begin=lambda logs: None, on_train_end=lambda logs: 0),
        "nan": TerminateOnNaN(), "epochs": LambdaCallback(on_epoch_begin=lambda epoch, logs: None),
    }.items():  # fmt: skip
        calls.clear()
        model.fit(X, y, epochs=64, verbose=0, callbacks=watch)
        counts[name] = len(calls)
    assert counts["nobody"] == counts["begin and end"] == counts["nan"] < 16
    assert counts["epochs"] == 64


@pytest.mark.parametrize("hook", ["on_train_begin", "on_epoch_begin", "on_train_batch_end", "on_epoch_end"])
def test_stop_training(hook):
    """Ends after the epoch, also from a hook in its midst; a stop before training leaves the first epoch."""
    model = small()
    watch = LambdaCallback(**{hook: lambda *arguments: setattr(model, "stop_training", True)})
    ended = []
    last = LambdaCallback(on_train_end=lambda logs: ended.append(logs))
    history = model.fit(*data(), epochs=9, verbose=0, callbacks=[watch, last])
    assert history.epoch == [0] and model.optimizer.iterations == 2
    assert ended == [{"loss": history.history["loss"][0]}]
    model.fit(*data(), epochs=3, verbose=0)
    assert len(model.history.epoch) == 3 and not model.stop_training


@pytest.mark.parametrize("verbose", [0, 1, 2])
@pytest.mark.parametrize("value", ["12s", None, np.arange(3.0), NAN, np.float32(2), True, 1j])
def test_logs_of_any_type(value, verbose, capsys):
    """They go to the History, and the fit ends as ever."""
    ended = []
    watch = [Script([value, value]), LambdaCallback(on_train_end=ended.append)]
    history = small().fit(*data(), epochs=2, verbose=verbose, callbacks=watch)
    assert all(found is value for found in history.history["watched"])
    assert ended == [{"loss": history.history["loss"][1], "watched": value}]
    assert verbose != 1 or "loss: 0." in capsys.readouterr().err


@pytest.mark.parametrize("value", ["12s", np.arange(3.0), 1j])
@pytest.mark.parametrize("callback", [EarlyStopping, ReduceLROnPlateau])
def test_what_is_watched_must_be_a_number(callback, value):
    with pytest.raises(TypeError, match=f"{callback.__name__} monitors 'watched', which must be a number, got"):
        small().fit(*data(), verbose=0, callbacks=[Script([value]), callback("watched", mode="min")])


def test_numbers_of_any_kind_can_be_watched():
    best = EarlyStopping("watched", mode="min", patience=9)
    small().fit(*data(), epochs=2, verbose=0, callbacks=[Script([np.array(3.0), np.float32(2)]), best])
    assert type(best.best) is float and best.best == 2


def test_an_error_after_steps_of_a_hook(monkeypatch):
    """They do not complete the epoch."""
    monkeypatch.setattr(training, "_CALL", 1.0)  # a call a step
    model = small()

    def go(batch, logs):
        model.train_on_batch(*data())
        if batch == 2:
            raise LookupError("here")

    with pytest.raises(LookupError, match="here"):
        model.fit(*data(), batch_size=10, verbose=0, callbacks=LambdaCallback(on_train_batch_end=go))
    assert model.optimizer.iterations == 6 and model.history.epoch == []


def test_changed_logs():
    """A smoothed value is that of later callbacks, of the History and of `on_train_end`, as in Keras."""
    ended = []

    class Halved(Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["loss"] = epoch / 2
            if "val_loss" in logs:
                logs["val_loss"] = -epoch

    best = EarlyStopping(patience=9)
    history = small().fit(*data(), epochs=5, verbose=0, validation_split=0.2, validation_freq=2,
                          callbacks=[Halved(), best, LambdaCallback(on_train_end=ended.append)])  # fmt: skip
    assert history.history == {"loss": [0, 0.5, 1, 1.5, 2], "val_loss": [-1, -3]}
    assert best.best == -3 and ended == [{"loss": 2}]


def test_hooks_that_are_never_called():
    class FromKeras(Callback):
        def on_test_begin(self, logs=None):
            pass

    with pytest.warns(UserWarning, match="FromKeras has on_test_begin, which fcnet never calls") as caught:
        small().fit(*data(), verbose=0, callbacks=[FromKeras()])
    assert caught[0].filename == __file__


def test_the_old_name_of_a_batch_hook_is_told_the_new_one():
    class FromKeras(Callback):
        def on_batch_end(self, batch, logs=None):
            pass

    with pytest.warns(UserWarning, match="FromKeras has on_batch_end, .* on_train_batch_begin and on_train_batch_end"):
        small().fit(*data(), verbose=0, callbacks=[FromKeras()])


@pytest.mark.parametrize("wrong, message", [
    ("early", "must be a list of fcnet.callbacks.Callback"), (7, "must be a list"), ([None], "must hold"),
    ([EarlyStopping], r"must hold .*; pass an object, EarlyStopping\(\.\.\.\)"),
])  # fmt: skip
def test_what_is_no_callback(wrong, message):
    model = small()
    with pytest.raises(TypeError, match=message):
        model.fit(*data(), verbose=0, callbacks=wrong)
    assert model.history is None


@pytest.mark.parametrize("make, name", [
    (lambda: EarlyStopping(patience=-1), "patience"),
    (lambda: EarlyStopping(mode="least"), "mode"),
    (lambda: EarlyStopping(min_delta=NAN), "min_delta"),
    (lambda: EarlyStopping(baseline="good"), "baseline"),
    (lambda: EarlyStopping(start_from_epoch=-1), "start_from_epoch"),
    (lambda: ReduceLROnPlateau(factor=1), "factor"),
    (lambda: ReduceLROnPlateau(min_lr=-1), "min_lr"),
    (lambda: ReduceLROnPlateau(cooldown=-1), "cooldown"),
    (lambda: CSVLogger("x", separator=", "), "separator"),
])  # fmt: skip
def test_parameters_are_checked(make, name):
    with pytest.raises(ValueError, match=name):
        make()


@pytest.mark.parametrize("make, name", [
    (lambda: EarlyStopping(None), "monitor"), (lambda: EarlyStopping(restore_best_weights=1), "restore_best_weights"),
    (lambda: LearningRateScheduler(0.1), "schedule"), (lambda: LambdaCallback(on_epoch_end=1), "on_epoch_end"),
])  # fmt: skip
def test_parameters_of_another_type(make, name):
    with pytest.raises(TypeError, match=name):
        make()


# ------------------------------------------------------------------------------- errors, Ctrl-C, divergence

@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("hook, epochs, steps", [
    ("on_train_begin", 0, 0), ("on_epoch_begin", 2, 4), ("on_train_batch_end", 1, 3), ("on_epoch_end", 3, 6),
])  # fmt: skip
def test_an_error_in_a_callback(error, hook, epochs, steps, monkeypatch):
    """The model is the one after the last complete step, the History has the complete epochs, and both go on."""
    monkeypatch.setattr(training, "_CALL", 1.0)  # a call a step
    X, y = data()
    model, twin = small("adam"), small("adam")
    twin.set_weights(model.get_weights())
    counts = []

    def fail(*arguments):
        counts.append(arguments)
        if hook == "on_train_begin" or len(counts) == 3:
            raise error("mine")

    ended = []
    watch = [
        LearningRateScheduler(lambda epoch: 0.01),
        LambdaCallback(**{hook: fail}), LambdaCallback(on_train_end=lambda logs: ended.append(1)),
    ]  # fmt: skip
    with pytest.raises(error, match="mine"):
        model.fit(X, y, batch_size=20, epochs=9, verbose=0, shuffle=False, validation_data=(X, y), callbacks=watch)
    assert not ended
    if hook == "on_train_begin":
        assert model.history is None and not model.stop_training
    else:
        assert len(model.history.epoch) == epochs
        assert {len(column) for column in model.history.history.values()} == {epochs}
    assert model.optimizer.iterations == steps
    twin.optimizer.learning_rate = 0.01
    for step in range(steps):
        rows = slice(20 * (step % 2), 20 * (step % 2) + 20)
        twin.train_on_batch(X[rows], y[rows])
    np.testing.assert_array_equal(model.parameters, twin.parameters)
    model.fit(X, y, verbose=0)


@pytest.mark.parametrize("hook", ["on_train_begin", "on_epoch_begin", "on_train_batch_end", "on_epoch_end"])
@pytest.mark.parametrize("call", [lambda model: model.add(Dense(1)), lambda model: model.compile("adam", "mse")])
def test_what_a_fit_would_not_follow(call, hook):
    model = small()
    optimizer, parameters = model.optimizer, model.parameters
    with pytest.raises(RuntimeError, match=r"(add|compile) can't be called within a hook of fit"):
        model.fit(*data(), verbose=0, callbacks=LambdaCallback(**{hook: lambda *arguments: call(model)}))
    assert model.optimizer is optimizer and len(model.layers) == 2
    assert np.shares_memory(model.parameters, parameters)
    call(model)
    small().fit(*data(), verbose=0, callbacks=LambdaCallback(**{hook: lambda *arguments: call(model)}))  # of another


def test_a_fit_within_a_hook():
    """Has a History of its own, and leaves that of the fit around it, and whether this one is to stop."""
    X, y = data()
    model, found, saved = small(), [], []

    def inner(epoch, logs):
        model.stop_training = epoch == 1
        stop = LambdaCallback(on_epoch_end=lambda epoch, logs: setattr(model, "stop_training", True))
        found.append(model.fit(X, y, epochs=5, verbose=0, callbacks=stop))
        saved.append(model._running[threading.get_ident()])

    history = model.fit(X, y, epochs=9, verbose=0, callbacks=LambdaCallback(on_epoch_end=inner))
    assert model.history is history and history.epoch == [0, 1] and len(history.history["loss"]) == 2
    assert [inner.epoch for inner in found] == [[0], [0]]
    assert saved[0] is saved[1] and saved[0].history is history and not model._running


def test_fits_of_one_model_in_several_threads():
    X, y = data()
    model, started = small(), threading.Barrier(4)
    wait = LambdaCallback(on_train_begin=lambda logs: started.wait(20))
    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(model.fit, X, y, epochs=3 + i, verbose=0, callbacks=wait) for i in range(4)]
        lengths = [len(future.result().epoch) for future in futures]
    assert lengths == [3, 4, 5, 6] and not model._running


def test_best_weights_outlive_ctrl_c():
    stopping = EarlyStopping("watched", mode="min", patience=9, restore_best_weights=True)

    def interrupt(epoch, logs):
        if epoch == 3:
            raise KeyboardInterrupt

    script = Script([3, 1, 2, 4])
    model = small(optimizers.SGD(1.0))
    with pytest.raises(KeyboardInterrupt):
        model.fit(*data(), epochs=9, verbose=0, callbacks=[script, stopping, LambdaCallback(on_epoch_end=interrupt)])
    np.testing.assert_array_equal(model.parameters, script.weights[3])
    model.set_weights(stopping.best_weights)
    np.testing.assert_array_equal(model.parameters, script.weights[1])


@pytest.mark.parametrize("watched", [False, True])
def test_terminate_on_nan(watched):
    """The same weights, optimizer and History that the error leaves, and the end is told."""
    X = np.linspace(-1, 1, 64)[:, None]
    y = 3 * X[:, 0]

    def diverging(*watch):
        fcnet.set_seed(2)
        model = Sequential([Dense(8, input_dim=1), Dense(1)])
        model.compile(optimizers.SGD(8.0, momentum=0.5), "mse")
        model.fit(X, y, epochs=500, batch_size=16, verbose=0, seed=5, callbacks=list(watch))
        return model

    seen, ended = [], []
    quiet = TerminateOnNaN()
    watch = [LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))] if watched else []
    model = diverging(quiet, *watch, LambdaCallback(on_train_end=lambda logs: ended.append(logs)))
    done = len(model.history.epoch)
    assert quiet.stopped_epoch == done < 500
    assert model.history.epoch == list(range(done)) and (not watched or seen == model.history.epoch)
    assert np.isfinite(model.parameters).all()
    assert model.optimizer.iterations == 4 * done
    assert ended == [{"loss": model.history.history["loss"][-1]} if done else {}]
    with pytest.raises(FloatingPointError, match=f"epoch {done + 1}"):
        diverging()
    calm = small()
    calm.fit(*data(), verbose=0, callbacks=quiet)
    assert quiet.stopped_epoch is None


# ----------------------------------------------------------------------------------------------------- files

def rows(path, separator=","):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file, delimiter=separator))


def test_csv(tmp_path):
    X, y = data()
    path = tmp_path / "log.csv"
    model = small(metrics=["accuracy"])
    history = model.fit(X, y, epochs=3, verbose=0, callbacks=CSVLogger(path)).history
    expected = [["0", "1", "2"], *([str(value) for value in history[name]] for name in ("accuracy", "loss"))]
    assert rows(path) == [["epoch", "accuracy", "loss"], *map(list, zip(*expected, strict=True))]

    logger = CSVLogger(str(path), separator=";", append=False)
    options = dict(verbose=0, validation_split=0.5, validation_freq=2)
    watch = [LearningRateScheduler(lambda epoch: 0.5), logger]
    values = model.fit(X, y, epochs=2, callbacks=watch, **options).history["val_loss"]
    columns = ["epoch", "accuracy", "learning_rate", "loss", "val_accuracy", "val_loss"]
    found = rows(path, ";")
    assert found[0] == columns
    assert [row[0] for row in found[1:]] == ["0", "1"]
    assert found[1][4:] == ["NA", "NA"] and float(found[2][5]) == values[0] and found[1][2] == "0.5"


def test_csv_goes_on(tmp_path):
    path = tmp_path / "log.csv"
    model = small()
    for initial in (0, 2):
        model.fit(*data(), initial_epoch=initial, epochs=initial + 2, verbose=0, callbacks=CSVLogger(path, append=True))
    assert [row[0] for row in rows(path)] == ["epoch", "0", "1", "2", "3"]
    before = path.read_bytes()
    history, steps = model.history, model.optimizer.iterations
    with pytest.raises(ValueError, match=r"log.csv has the columns \['epoch', 'loss'\], this fit has .*val_loss"):
        model.fit(*data(), verbose=0, validation_split=0.5, callbacks=CSVLogger(path, append=True))
    assert path.read_bytes() == before and model.history is history and model.optimizer.iterations == steps
    with pytest.raises(ValueError, match=r"log.csv has the columns .*, this fit has .*watched"):  # may be anything
        model.fit(*data(), verbose=0, callbacks=[Script([1]), CSVLogger(path, append=True)])
    assert path.read_bytes() == before and model.history.epoch == [0]
    model.fit(*data(), verbose=0, callbacks=CSVLogger(path))
    assert [row[0] for row in rows(path)] == ["epoch", "0"]


def test_csv_has_what_was_done_before_an_error(tmp_path):
    path = tmp_path / "log.csv"

    def fail(epoch, logs):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        small().fit(*data(), verbose=0, callbacks=[CSVLogger(path), LambdaCallback(on_epoch_end=fail)])
    assert [row[0] for row in rows(path)] == ["epoch", "0"]
    model = small()
    history = model.fit(*data(), verbose=0)
    with pytest.raises(OSError, match="nowhere"):
        model.fit(*data(), verbose=0, callbacks=CSVLogger(tmp_path / "nowhere" / "log.csv"))
    assert model.history is history


def test_copies():
    model, _ = scripted([3, 2, 4], EarlyStopping("watched", mode="min", patience=9))
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert twin.history.history == model.history.history
    stopping = pickle.loads(pickle.dumps(EarlyStopping("loss", patience=3)))
    assert stopping.patience == 3
    assert callbacks.Callback.params == {}
