"""A fit that goes on from a file ends with the bits of one that was never stopped."""

import math
import os
import pickle

import numba
import numpy as np
import pytest

import fcnet
from fcnet import (
    Dense,
    Dropout,
    GaussianNoise,
    LayerNormalization,
    ModelFileError,
    Sequential,
    data,
    optimizers,
    schedules,
    training,
)
from fcnet.callbacks import (
    Callback,
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
)
from fcnet.datasets import make_circles

X, Y = make_circles(100, factor=0.3, noise=0.1, random_state=0)
EPOCHS = 4


def network(optimizer=None, seed=0, dtype="float32"):
    fcnet.set_seed(seed)
    model = Sequential([
        Dense(6, "relu", input_dim=2), LayerNormalization(), Dropout(0.2), GaussianNoise(0.1), Dense(1, "sigmoid"),
    ], dtype=dtype)  # fmt: skip
    model.compile(optimizer or optimizers.Adam(0.01), "binary_crossentropy", ["acc"])
    return model


class Everywhere(Callback):
    """Saves wherever there is a hook, each time under another name."""

    def __init__(self, folder):
        self.folder, self.files = folder, []

    def save(self):
        self.files.append(self.folder / str(len(self.files)))
        self.model.save(self.files[-1])

    def on_epoch_begin(self, epoch, logs=None):
        self.save()

    def on_epoch_end(self, epoch, logs=None):
        logs["mine"] = logs["loss"] + 1
        self.save()

    def on_train_batch_end(self, batch, logs=None):
        self.save()


class Idle(Callback):
    """In the place of the above, where nothing is to be saved."""

    def on_epoch_end(self, epoch, logs=None):
        logs["mine"] = logs["loss"] + 1

    def on_train_batch_end(self, batch, logs=None):
        pass


def lists():
    return [(X[:30], Y[:30]), (X[30:70], Y[30:70]), (X[70:], Y[70:])]


CASES = {
    "arrays": lambda: dict(x=X, y=Y, seed=1),
    "the process's generator": lambda: dict(x=X, y=Y),
    "in order": lambda: dict(x=X, y=Y, shuffle=False, seed=1),
    "a generator": lambda: dict(x=X, y=Y, seed=np.random.Generator(np.random.MT19937(3))),
    "weights": lambda: dict(x=X, y=Y, seed=1, sample_weight=np.arange(100.0), class_weight={0: 2.0, 1: 1.0}),
    "one batch": lambda: dict(x=X, y=Y, seed=1, batch_size=100),
    "validation": lambda: dict(x=X, y=Y, seed=1, validation_split=0.2, validation_freq=2),
    "blocks": lambda: dict(x=data.Blocks(X, Y, rows=23), seed=1),
    "list": lambda: dict(x=lists(), batch_size=16, seed=1),
    "blocks as batches": lambda: dict(x=lists(), seed=1),
    "without an end": lambda: dict(x=lists(), batch_size=16, steps_per_epoch=5, seed=1),
    "function": lambda: dict(x=lambda: iter(lists()), batch_size=16, steps_per_epoch=4, seed=1),
    "iterator": lambda: dict(x=iter(lists() * 5), batch_size=16, steps_per_epoch=4, seed=1),
}


@pytest.mark.parametrize("name", CASES)
def test_from_every_place(name, tmp_path, monkeypatch):
    """Between the epochs and in the middle of one, wherever a call of the engine ends."""
    monkeypatch.setattr(training, "steps_per_call", lambda *_: 3)
    model, saved = network(), Everywhere(tmp_path)
    model.fit(**({"batch_size": 8} | CASES[name]()), epochs=EPOCHS, verbose=0, callbacks=[saved])
    draws = None if "seed" in CASES[name]() else fcnet.seeds.generator().integers(100)
    expected = network()
    expected.fit(**({"batch_size": 8} | CASES[name]()), epochs=EPOCHS, verbose=0, callbacks=[Idle()])
    np.testing.assert_array_equal(model.parameters, expected.parameters)  # saving changes nothing
    assert len(saved.files) >= 3 * EPOCHS
    for path in saved.files[:: max(1, len(saved.files) // 9)] + saved.files[-2:]:
        twin = network(seed=0 if draws is not None else 9)
        arguments = {"batch_size": 8} | CASES[name]()
        if name == "a generator":
            arguments["seed"] = np.random.Generator(np.random.MT19937(77))
        twin.fit(**arguments, epochs=EPOCHS, verbose=0, callbacks=[Idle()], resume=path)
        np.testing.assert_array_equal(twin.parameters, model.parameters, strict=True)
        for mine, its in zip(twin.optimizer.state, model.optimizer.state, strict=True):
            np.testing.assert_array_equal(mine, its)
        assert twin.history.history == model.history.history and twin.history.epoch == model.history.epoch
        assert twin.optimizer.iterations == model.optimizer.iterations
        if draws is not None:
            assert fcnet.seeds.generator().integers(100) == draws


OPTIMIZERS = {
    "average and accumulation": lambda: optimizers.SGD(
        0.05, momentum=0.9, use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=5, gradient_accumulation_steps=3),
    "schedule": lambda: optimizers.Nadam(schedules.CosineDecayRestarts(0.01, 7)),
    "clipping": lambda: optimizers.AdamW(0.01, weight_decay=0.01, global_clipnorm=0.1),
}  # fmt: skip


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_go_on(name, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "steps_per_call", lambda *_: 3)
    model, saved = network(OPTIMIZERS[name]()), Everywhere(tmp_path)
    model.fit(X, Y, 8, EPOCHS, 0, [saved], seed=1)
    for path in saved.files[::7] + saved.files[-1:]:
        twin = network(OPTIMIZERS[name](), seed=5)
        twin.optimizer.learning_rate = 0.5  # that of the file holds
        twin.fit(X, Y, 8, EPOCHS, 0, [Idle()], seed=1, resume=path)
        np.testing.assert_array_equal(twin.parameters, model.parameters)
        assert repr(twin.optimizer) == repr(model.optimizer)


def callbacks(folder, extra=()):
    """Those of fcnet that have a state, with the checkpoint in front."""
    return [ModelCheckpoint(folder / "{epoch}"), ReduceLROnPlateau("loss", patience=1, min_delta=0.05, cooldown=1),
            EarlyStopping("val_loss", patience=4, min_delta=0.01, restore_best_weights=True),
            CSVLogger(folder / "log.csv"), *extra]  # fmt: skip


def test_callbacks_go_on(tmp_path):
    model = network()
    arguments = dict(epochs=40, verbose=0, validation_split=0.2, seed=1)
    model.fit(X, Y, callbacks=(own := callbacks(tmp_path)), **arguments)
    log, last = (tmp_path / "log.csv").read_bytes(), len(model.history.epoch)
    assert 5 < last < 40 and own[2].stopped_epoch == last - 1
    assert len(set(model.history.history["learning_rate"])) > 1
    for epoch in (1, 4, last - 1, last):
        twin = network(seed=5)
        twin.fit(X, Y, callbacks=(others := callbacks(tmp_path)), resume=tmp_path / str(epoch), **arguments)
        np.testing.assert_array_equal(twin.parameters, model.parameters)
        assert twin.history.history == model.history.history
        assert (tmp_path / "log.csv").read_bytes() == log
        for mine, its in zip(others[1:3], own[1:3], strict=True):
            for name in ("best", "wait", *(["best_epoch", "stopped_epoch"] if mine is others[2] else [])):
                assert getattr(mine, name) == getattr(its, name)
    (tmp_path / "log.csv").write_text("")
    with pytest.raises(ValueError, match="not the log of the fit"):
        network().fit(X, Y, callbacks=callbacks(tmp_path), resume=tmp_path / "4", **arguments)


def test_added_logs_stand_once_in_the_history(tmp_path, monkeypatch):
    """Also where the resumed fit is saved within its first epoch, when the logs are still those of the file."""
    monkeypatch.setattr(training, "steps_per_call", lambda *_: 1)
    path = tmp_path / "run"
    for epochs in 2, 4, 5:
        watch = [LearningRateScheduler(lambda epoch, rate: 0.1 / (epoch + 1)),
                 LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(number=epoch)),
                 ModelCheckpoint(path, save_freq=None, minutes=0)]  # fmt: skip
        model = network()
        model.fit(X, Y, epochs=epochs, verbose=0, seed=1, callbacks=watch, resume=path if path.exists() else None)
    assert model.history.history["number"] == [0, 1, 2, 3, 4]
    assert model.history.history["learning_rate"] == [0.1 / (epoch + 1) for epoch in range(5)]


def test_a_layer_that_a_callback_has_frozen(tmp_path):
    model = network()
    watch = [LambdaCallback(on_epoch_end=lambda epoch, logs: setattr(model.layers[0], "trainable", epoch != 1)),
             ModelCheckpoint(tmp_path / "{epoch}")]  # fmt: skip
    model.fit(X, Y, epochs=4, verbose=0, seed=1, callbacks=watch)
    expected = model.parameters
    for epoch in 1, 2, 3:
        model = network()
        model.fit(X, Y, epochs=4, verbose=0, seed=1, callbacks=watch, resume=tmp_path / str(epoch))
        np.testing.assert_array_equal(model.parameters, expected)


@pytest.mark.parametrize("hook", [
    lambda model: model.fit(X[:30], Y[:30], verbose=0, seed=2),
    lambda model: setattr(model.optimizer, "iterations", 0),  # its schedule begins again
])  # fmt: skip
def test_a_hook_that_takes_steps_or_sets_their_number(tmp_path, hook):
    """A fit counts its own steps: the file stands at the end of the epoch."""

    def trained(epochs, resume=None):
        model = network(optimizers.SGD(schedules.ExponentialDecay(0.1, 3, 0.5)))
        watch = [LambdaCallback(on_epoch_end=lambda epoch, logs: hook(model)), ModelCheckpoint(tmp_path / "{epoch}")]
        model.fit(X, Y, epochs=epochs, verbose=0, seed=1, callbacks=watch, resume=resume)
        return model

    model, twin = trained(4), trained(4, tmp_path / "2")
    np.testing.assert_array_equal(twin.parameters, model.parameters)
    assert twin.history.history == model.history.history and len(model.history.epoch) == 4


def test_the_state_of_your_own_callback(tmp_path):
    class Counting(Callback):
        def on_train_begin(self, logs=None):
            self.count, self.seen = 0, np.zeros(2)

        def on_epoch_end(self, epoch, logs=None):
            self.count += 1
            self.seen += epoch

        def get_state(self):
            return {"count": self.count, "seen": self.seen, "other": [None, True, "a", float("inf"), {"b": 1}]}

        def resume(self, state):
            self.count, self.seen, self.other = state["count"], state["seen"], state["other"]

    network().fit(X, Y, epochs=3, verbose=0, callbacks=[ModelCheckpoint(tmp_path / "{epoch}"), Counting()])
    mine = Counting()
    network().fit(X, Y, epochs=5, verbose=0, callbacks=[mine], resume=tmp_path / "2")
    assert mine.count == 5 and mine.seen.tolist() == [10, 10]
    assert mine.other == [None, True, "a", float("inf"), {"b": 1}]

    class Odd(Counting):
        def get_state(self):
            return {"what": object()}

    with pytest.raises(TypeError, match=r"fit\.callbacks\.Odd\.0\.what can't be stored"):
        network().fit(X, Y, epochs=3, verbose=0, callbacks=[ModelCheckpoint(tmp_path / "x"), Odd()])


def test_a_rate_set_for_an_epoch_is_not_set_again_within_it(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "steps_per_call", lambda *_: 3)

    def fit(last, **arguments):
        model = network()
        slower = LearningRateScheduler(lambda epoch, rate: rate * 0.7)
        model.fit(X, Y, 8, EPOCHS, 0, [slower, last], seed=1, **arguments)
        return model

    class Within(Everywhere):  # what is saved before the rate has been set is another matter
        def on_epoch_begin(self, epoch, logs=None):
            pass

    model = fit(saved := Within(tmp_path))
    for path in saved.files[::3]:
        twin = fit(Idle(), resume=path)
        np.testing.assert_array_equal(twin.parameters, model.parameters)
        assert twin.history.history["learning_rate"] == model.history.history["learning_rate"]


@pytest.mark.parametrize("hook", ["on_epoch_begin", "on_epoch_end"])
def test_a_callback_that_begins_a_schedule_again(hook, tmp_path, monkeypatch):
    """It sets the optimizer's count, which is then not that of the fit's steps."""
    monkeypatch.setattr(training, "steps_per_call", lambda *_: 3)

    def fit(last, **arguments):
        model = network(optimizers.SGD(schedules.CosineDecay(0.1, 20)))
        again = LambdaCallback(**{hook: lambda *_: setattr(model.optimizer, "iterations", 0)})
        model.fit(X, Y, 8, EPOCHS, 0, [again, last], seed=1, **arguments)
        return model

    class Within(Everywhere):  # what is saved before an epoch's hook is called has it called anew
        def on_epoch_begin(self, epoch, logs=None):
            pass

    model = fit(saved := Within(tmp_path))
    for path in saved.files[::3] + saved.files[-2:]:
        twin = fit(Idle(), resume=path)
        np.testing.assert_array_equal(twin.parameters, model.parameters)
        assert twin.history.history == model.history.history


def interrupt(*_):
    raise KeyboardInterrupt


def test_ctrl_c_in_the_epoch_that_was_resumed(tmp_path, monkeypatch):
    """In its last step, and while it is validated: the epoch is whole, and the next one stands at its beginning."""
    monkeypatch.setattr(training, "steps_per_call", lambda *_: 3)
    model, saved = network(), Everywhere(tmp_path)
    model.fit(X, Y, 8, EPOCHS, 0, [saved], seed=1)
    within = saved.files[2]  # the first epoch began, and two calls of its 13 steps are over
    cut = network()
    last = LambdaCallback(on_train_batch_end=lambda batch, logs: interrupt() if batch == 12 else None)
    with pytest.raises(KeyboardInterrupt):
        cut.fit(X, Y, 8, EPOCHS, 0, [Idle(), ModelCheckpoint(tmp_path / "cut"), last], seed=1, resume=within)
    assert cut.history.epoch == [0]
    twin = network()
    twin.fit(X, Y, 8, EPOCHS, 0, [Idle(), ModelCheckpoint(tmp_path / "cut")], seed=1, resume=tmp_path / "cut")
    np.testing.assert_array_equal(twin.parameters, model.parameters)
    assert twin.history.history == model.history.history

    held_out = dict(validation_data=(X, Y), epochs=2, verbose=0, seed=1)
    network().fit(X, Y, 8, callbacks=[saved], **held_out)
    within = saved.files[-3]  # in the second epoch
    cut = network()
    with monkeypatch.context() as patch:
        patch.setattr(training, "evaluate", interrupt)
        with pytest.raises(KeyboardInterrupt):
            cut.fit(X, Y, 8, callbacks=[Idle()], resume=within, **held_out)
    assert cut.history.epoch == [0, 1] and len(cut.history.history["val_loss"]) == 1


def test_a_loaded_model_goes_on_too(tmp_path):
    model = network()
    model.fit(X, Y, epochs=5, verbose=0, seed=1, callbacks=ModelCheckpoint(tmp_path / "{epoch}"))
    twin = fcnet.load(tmp_path / "3")
    twin.fit(X, Y, epochs=5, verbose=0, seed=1, resume=tmp_path / "3")
    np.testing.assert_array_equal(twin.parameters, model.parameters)
    twin.fit(X, Y, epochs=6, verbose=0, seed=1, resume=tmp_path / "5")  # one more
    assert twin.history.epoch == [0, 1, 2, 3, 4, 5]


@numba.njit
def bent(z):
    return math.tanh(z) + 0.1 * z


@numba.njit
def quartic(a, y):
    return (a - y) ** 4


class Halving(schedules.Schedule):
    def rates(self, steps):
        return 0.1 * 0.5 ** (steps // 10)


def test_own_functions_are_those_of_the_model(tmp_path):
    models = []
    for resume in (None, tmp_path / "2"):
        model = Sequential([Dense(4, bent, input_dim=2), Dense(1)])
        model.compile(optimizers.SGD(Halving()), quartic, [quartic])
        model.fit(X, Y, epochs=4, verbose=0, seed=1, callbacks=ModelCheckpoint(tmp_path / "{epoch}"), resume=resume)
        models.append(model)
    np.testing.assert_array_equal(models[0].parameters, models[1].parameters)


def test_a_model_without_an_input_size_and_one_in_float64(tmp_path):
    models = []
    for resume in (None, tmp_path / "2"):
        fcnet.set_seed(1)
        model = Sequential([Dense(4, "tanh"), Dense(1)], dtype="float64")
        model.compile("sgd", "mse")
        model.fit(X, Y, epochs=4, verbose=0, callbacks=ModelCheckpoint(tmp_path / "{epoch}"), resume=resume)
        models.append(model)
    np.testing.assert_array_equal(models[0].parameters, models[1].parameters)


def test_what_is_refused(tmp_path, monkeypatch):
    """A fit of other data, arguments or models; nothing has changed then."""
    path = tmp_path / "5"
    model = network()
    model.fit(X, Y, epochs=5, verbose=0, seed=1, callbacks=ModelCheckpoint(tmp_path / "{epoch}"))
    model.save(tmp_path / "outside")
    model.save_weights(tmp_path / "weights")
    (tmp_path / "bad").write_bytes(b"nothing")

    def within(batch, logs):
        if batch == 1 and not (tmp_path / "within").exists() and watched.history.epoch == [0, 1]:
            watched.save(tmp_path / "within")

    monkeypatch.setattr(training, "steps_per_call", lambda *_: 1)
    watched = network()
    watched.fit(X, Y, epochs=5, verbose=0, seed=1, callbacks=LambdaCallback(on_train_batch_end=within))
    other = network(optimizers.SGD(0.1))
    wide = Sequential([Dense(1, "sigmoid", input_dim=2)])
    wide.compile("adam", "binary_crossentropy", ["acc"])
    different = Sequential([
        Dense(6, "tanh", input_dim=2), LayerNormalization(), Dropout(0.2), GaussianNoise(0.1), Dense(1, "sigmoid"),
    ])  # fmt: skip
    different.compile("adam", "binary_crossentropy", ["acc"])
    plain = network()
    plain.compile("adam", "mse", ["acc"])
    cases = [
        (network(), dict(batch_size=16), ValueError, "batch_size is 16, and was 32"),
        (network(), dict(x=X[1:], y=Y[1:]), ValueError, "samples is 99, and was 100"),
        (network(), dict(shuffle=False), ValueError, "shuffle is None, and was 'PCG64'"),
        (network(), dict(validation_split=0.1), ValueError, "samples is 90"),
        (network(), dict(validation_data=(X, Y)), ValueError, "validation data is True"),
        (network(), dict(epochs=4), ValueError, "epochs is 4, and .* it stands at the end of epoch 5 already"),
        (network(), dict(epochs=2, resume=tmp_path / "within"), ValueError, "it stands within epoch 3 already"),
        (network(), dict(x=data.Blocks(X, Y), y=None), ValueError, "data is 'blocks', and was 'arrays'"),
        (network(), dict(seed=np.random.Generator(np.random.SFC64(1))), ValueError, "'SFC64'"),
        (network(), dict(resume=tmp_path / "missing"), FileNotFoundError, "missing"),
        (network(), dict(resume=3), TypeError, "resume must be the path"),
        (network(), dict(resume=tmp_path / "bad"), ModelFileError, "bad: it is no file"),
        (network(), dict(resume=tmp_path / "outside"), ModelFileError, "from no fit that can be resumed"),
        (network(), dict(resume=tmp_path / "weights"), ModelFileError, "weights alone"),
        (other, {}, ModelFileError, "optimizer had class 'Adam', and has 'SGD'"),
        (wide, {}, ModelFileError, "it has 5 layers, the model has 1"),
        (different, {}, ModelFileError, "layer 'dense' had activation .*relu.*tanh"),
        (plain, {}, ModelFileError, "loss had loss .*BinaryCrossentropy.*MeanSquaredError"),
        (network(dtype="float64"), {}, ModelFileError, "dtype had dtype 'float32', and has 'float64'"),
    ]
    for fresh, changes, error, match in cases:
        before, rate = fresh.parameters.copy(), fresh.optimizer.learning_rate
        with pytest.raises(error, match=match):
            fresh.fit(**(dict(x=X, y=Y, epochs=6, verbose=0, seed=1, resume=path) | changes))
        np.testing.assert_array_equal(fresh.parameters, before)
        assert fresh.optimizer.iterations == 0 and fresh.optimizer.learning_rate == rate and fresh.history is None


def test_lbfgs_can_be_saved_and_not_resumed(tmp_path):
    pytest.importorskip("scipy")
    model = Sequential([Dense(1, input_dim=2)])
    model.compile(optimizers.LBFGS(), "mse")
    model.fit(X, Y, epochs=3, verbose=0, callbacks=ModelCheckpoint(tmp_path / "model"))
    assert fcnet.load(tmp_path / "model").optimizer.iterations == model.optimizer.iterations
    with pytest.raises(ValueError, match="fits of LBFGS begin afresh"):
        model.fit(X, Y, epochs=3, verbose=0, resume=tmp_path / "model")


@pytest.mark.parametrize("threads", [1, 2])
def test_another_number_of_threads(threads, tmp_path):
    """Enough work in a step for two threads."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 64)).astype("float32")

    def fit(threads, **arguments):
        fcnet.set_num_threads(threads)
        try:
            fcnet.set_seed(3)
            model = Sequential([Dense(64, "relu", input_dim=64), Dropout(0.1), Dense(1)])
            model.compile("adam", "mse")
            model.fit(x, x[:, 0], 200, 6, 0, seed=1, **arguments)
            return model.parameters
        finally:
            fcnet.set_num_threads(None)

    expected = fit(threads, callbacks=[ModelCheckpoint(tmp_path / "{epoch}")])
    np.testing.assert_array_equal(fit(3 - threads, resume=tmp_path / "3"), expected)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="POSIX")
def test_killed_200_times(run_python):
    """While a file is written, and as often while a network is trained; tests/soak/kill.py says what must hold."""
    seen = run_python("""
        import sys
        sys.path.insert(0, "tests/soak")
        import kill
        whole, left, dead, ended = kill.main(200, 200)
        assert (whole, dead) == (200, 200) and left and ended, (left, ended)
    """)
    assert "200 of 200 files whole" in seen.stdout


# ------------------------------------------------------------------------------------------ ModelCheckpoint


def written(tmp_path, *, epochs=6, fit=(), **options):
    folder = tmp_path / "files"
    folder.mkdir(exist_ok=True)
    model = network()
    filepath = folder / options.pop("filepath", "{epoch}")
    model.fit(X, Y, epochs=epochs, verbose=0, seed=1, callbacks=ModelCheckpoint(filepath, **options), **dict(fit))
    return model, sorted(os.listdir(folder))


def test_every_so_many_epochs(tmp_path):
    assert written(tmp_path, save_freq=2)[1] == ["2", "4", "6"]
    assert written(tmp_path, filepath="last")[1] == ["2", "4", "6", "last"]


def test_names_with_values(tmp_path):
    model, names = written(tmp_path, filepath="{epoch:02d}-{val_acc:.2f}-{loss:.3f}.safetensors", epochs=2,
                           fit={"validation_split": 0.2})  # fmt: skip
    values = model.history.history
    assert names == [f"{i + 1:02d}-{values['val_acc'][i]:.2f}-{values['loss'][i]:.3f}.safetensors" for i in range(2)]
    for path, match in (
        ("{val_loss}", "has 'val_loss'; epoch 1 has epoch, loss, acc"), ("{epoch:zz}", "can't be filled in: "),
        ("{}", "can't be filled in: "), ("{epoch", "can't be filled in: "), ("{loss.x}", "can't be filled in: "),
    ):  # fmt: skip
        model = network()
        with pytest.raises(ValueError, match=rf"filepath .* {match}"):
            model.fit(X, Y, verbose=0, callbacks=ModelCheckpoint(tmp_path / "new" / path))
        assert model.history is None and model.optimizer.iterations == 0 and not (tmp_path / "new").exists()


def test_names_that_another_callback_adds(tmp_path):
    """They, and they alone, are looked for when the file is written."""
    model = network()
    model.fit(X, Y, verbose=0, callbacks=[ModelCheckpoint(tmp_path / "{mine:.1f}{epoch}"), Idle()])
    assert [path.name for path in tmp_path.iterdir()] == [f"{model.history.history['loss'][0] + 1:.1f}1"]
    with pytest.raises(ValueError, match=r"has 'other'; epoch 1 has epoch, loss, acc, mine"):
        model.fit(X, Y, verbose=0, callbacks=[ModelCheckpoint(tmp_path / "{other}"), Idle()])
    history = model.history
    with pytest.raises(ValueError, match=r"can't be filled in"):
        model.fit(X, Y, verbose=0, callbacks=[ModelCheckpoint(tmp_path / "{epoch:zz}"), Idle()])
    assert model.history is history


def test_only_the_best(tmp_path):
    model, names = written(tmp_path, monitor="acc", save_best_only=True, epochs=12)
    best, expected = -1.0, []
    for epoch, value in enumerate(model.history.history["acc"], 1):
        if value > best:
            best, expected = value, [*expected, str(epoch)]
    assert names == sorted(expected) and len(names) < 12
    assert fcnet.load(tmp_path / "files" / expected[-1]).history.history["acc"][-1] == best
    with pytest.raises(ValueError, match="ModelCheckpoint monitors 'val_loss'"):
        written(tmp_path, save_best_only=True)


def test_the_best_of_several_fits(tmp_path):
    """As in Keras a second fit with the same object goes on looking for something better than the first one found."""
    model, best = network(), ModelCheckpoint(tmp_path / "best", "loss", save_best_only=True)
    model.fit(X, Y, epochs=8, verbose=0, seed=1, callbacks=best)
    found, kept = best.best, (tmp_path / "best").read_bytes()
    assert found == min(model.history.history["loss"])
    model.set_weights([3 * w for w in model.get_weights()])
    model.fit(X, Y, epochs=1, verbose=0, seed=1, callbacks=best)
    assert model.history.history["loss"][0] > found
    assert best.best == found and (tmp_path / "best").read_bytes() == kept
    network().fit(X, Y, verbose=0, callbacks=ModelCheckpoint(tmp_path / "best", "loss", save_best_only=True))
    assert (tmp_path / "best").read_bytes() != kept


def test_weights_only(tmp_path):
    model, _ = written(tmp_path, save_weights_only=True, filepath="weights")
    twin = network(seed=9)
    twin.load_weights(tmp_path / "files" / "weights")
    np.testing.assert_array_equal(twin.parameters, model.parameters)


def test_by_the_clock(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "steps_per_call", lambda *_: 1)
    times = iter(range(10**6))
    monkeypatch.setattr("fcnet.callbacks.time.monotonic", lambda: float(next(times)))
    seen = []
    monkeypatch.setattr(Sequential, "save", lambda model, path: seen.append(model.optimizer.iterations))
    written(tmp_path, save_freq=None, minutes=3 / 60)
    assert len(seen) > 2 and any(steps % 4 for steps in seen)  # 4 steps an epoch
    monkeypatch.undo()
    assert written(tmp_path, save_freq=None, minutes=1000)[1] == []


def test_verbose_says_what_was_written(tmp_path, capsys):
    written(tmp_path, filepath="model", epochs=1, verbose=1)
    assert capsys.readouterr().out == f"Epoch 1: {tmp_path}/files/model written\n"


@pytest.mark.parametrize("options, error, match", [
    (dict(filepath=3), TypeError, "filepath must be the path"),
    (dict(save_freq=0), ValueError, "save_freq must be 1 or more"),
    (dict(save_freq="batch"), TypeError, "save_freq must be a whole number"),
    (dict(save_freq=None), ValueError, "nothing would be written"),
    (dict(minutes=-1), ValueError, "minutes must be"),
    (dict(minutes=1, save_best_only=True), ValueError, "minutes does not go with"),
    (dict(minutes=1, filepath="{loss}"), ValueError, r"filepath can have \{epoch\} alone"),
    (dict(minutes=1, filepath="{epoch:zz}"), ValueError, r"filepath can have \{epoch\} alone, got '\{epoch:zz\}'"),
    (dict(mode="most"), ValueError, "mode must be"),
    (dict(save_best_only=1), TypeError, "save_best_only must be True or False"),
])  # fmt: skip
def test_bad_options(options, error, match):
    with pytest.raises(error, match=match):
        ModelCheckpoint(**({"filepath": "model"} | options))


def test_a_checkpoint_that_cannot_be_written_ends_the_fit(tmp_path):
    class InTheWay(Callback):
        def on_epoch_end(self, epoch, logs=None):
            (tmp_path / "model").mkdir()

    model = network()
    with pytest.raises(IsADirectoryError, match="model"):
        model.fit(X, Y, epochs=3, verbose=0, callbacks=[InTheWay(), ModelCheckpoint(tmp_path / "model")])
    assert len(model.history.epoch) == 1


def test_a_path_that_cannot_be_written_is_refused_before_training(tmp_path):
    (tmp_path / "file").touch()
    model = network()
    model.fit(X, Y, verbose=0)
    before, history = model.parameters.copy(), model.history
    for path, error in ((tmp_path, IsADirectoryError), (tmp_path / "file" / "x", OSError)):
        with pytest.raises(error, match=str(path)):
            model.fit(X, Y, epochs=3, verbose=0, callbacks=ModelCheckpoint(path))
    np.testing.assert_array_equal(model.parameters, before)
    assert model.history is history and model.optimizer.iterations == 4


def test_missing_folders_are_made(tmp_path):
    watch = [ModelCheckpoint(tmp_path / "a" / "b" / "last"), ModelCheckpoint(tmp_path / "{epoch}" / "model")]
    network().fit(X, Y, epochs=2, verbose=0, callbacks=watch)
    found = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert found == ["1/model", "2/model", "a/b/last"]


def test_a_model_that_is_being_trained_pickles_without_its_fit():
    class Pickling(Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.copy = pickle.loads(pickle.dumps(self.model))

    pickling = Pickling()
    model = network()
    model.fit(X, Y, epochs=2, verbose=0, callbacks=pickling)
    np.testing.assert_array_equal(pickling.copy.parameters, model.parameters)
