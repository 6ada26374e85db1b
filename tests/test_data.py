"""Data that does not fit: files and blocks give the steps of one array, within bounded memory."""

import itertools
import tracemalloc

import numpy as np
import pytest
from tables import Numbered

import fcnet
from fcnet import Dense, Sequential, data, losses, optimizers, training
from fcnet.callbacks import EarlyStopping, LambdaCallback
from fcnet.data import Blocks

N, I = 203, 3
CUTS = (1, 7, 32, 50, 64, 203, 1000)  # rows of a block: less than a batch, a batch, several, all


@pytest.fixture(autouse=True)
def _seeded():
    fcnet.set_seed(20240229)


def rows(n=N, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, I))
    return X, (X[:, 0] * X[:, 1] > 0).astype(float), rng.uniform(0.1, 3, n)


def small(optimizer="adam", dtype="float32", **options):
    fcnet.set_seed(1)
    model = Sequential([Dense(6, "tanh", input_dim=I), Dense(1, "sigmoid")], dtype=dtype)
    model.compile(optimizer, "binary_crossentropy", metrics=["accuracy"], **options)
    return model


def cut(*arrays, rows):
    return [tuple(array[start:start + rows] for array in arrays) for start in range(0, len(arrays[0]), rows)]


@pytest.fixture
def file(tmp_path):
    """An array as a memory-mapped file."""
    names = (tmp_path / f"{i}.npy" for i in itertools.count())

    def mapped(array):
        path = next(names)
        np.save(path, array)
        return np.load(path, mmap_mode="r")
    return mapped


def same(model, expected):
    np.testing.assert_array_equal(model.parameters, expected.parameters)
    for got, want in zip(model.optimizer.state, expected.optimizer.state, strict=True):
        np.testing.assert_array_equal(got, want)
    assert model.optimizer.iterations == expected.optimizer.iterations
    assert model.history.history.keys() == expected.history.history.keys()
    for name, column in model.history.history.items():
        np.testing.assert_allclose(column, expected.history.history[name], rtol=1e-12, err_msg=name)


# ------------------------------------------------------------------------------------- the steps of one array

@pytest.mark.parametrize("length", CUTS)
@pytest.mark.parametrize("batch", [32, 203])
@pytest.mark.parametrize("weighted", [False, True])
def test_blocks_have_the_batches_of_the_array(length, batch, weighted, file):
    """Over the ends of blocks, with the smaller batch at the end of the epoch, to the bit."""
    X, y, weights = rows()
    own = (X, y, weights) if weighted else (X, y)
    whole = small()
    whole.fit(X, y, batch, 2, 0, shuffle=False, sample_weight=weights if weighted else None)
    pieces = cut(*own, rows=length)
    for source in (
        Blocks(*own, rows=length), Blocks(file(X), *own[1:], rows=length), pieces,
        lambda: iter(pieces), tuple(pieces), Numbered(pieces),
    ):  # fmt: skip
        model = small()
        model.fit(source, batch_size=batch, epochs=2, verbose=0, shuffle=False)
        same(model, whole)


@pytest.mark.parametrize("units, samples, batch", [((9, 1), 700, 300), ((70, 40, 1), 150, 64), ((3, 1), 5, 3)])
def test_other_networks_and_batches(units, samples, batch, dtype):
    """Those whose gradient is summed by groups of slabs too: the smaller last batch rounds as it does in an array."""
    X, y, _ = rows(samples)
    models = []
    for source in ((X, y), (Blocks(X, y, rows=batch // 2 + 1), None)):
        fcnet.set_seed(3)
        model = Sequential([Dense(n, "tanh") for n in units], dtype=np.dtype(dtype).name)
        model.compile("sgd", "mse")
        model.fit(*source, batch_size=batch, epochs=2, verbose=0, seed=4)
        models.append(model)
    same(*models)


@pytest.mark.parametrize("length", CUTS)
def test_an_array_in_blocks_is_shuffled_as_a_whole(length):
    """So it gives the bits of the array, also when it goes on with a later epoch."""
    X, y, weights = rows()
    whole, model = small(), small()
    whole.fit(X, y, epochs=3, verbose=0, seed=5, sample_weight=weights)
    model.fit(Blocks(X, y, weights, rows=length), epochs=3, verbose=0, seed=5)
    same(model, whole)
    parts = small()
    for first, last in ((0, 1), (1, 3)):
        parts.fit(Blocks(X, y, weights, rows=length), initial_epoch=first, epochs=last, verbose=0, seed=5)
    np.testing.assert_array_equal(parts.parameters, whole.parameters)


def watched(monkeypatch):
    """The rows of every step, by the first feature, of the fits to come."""
    from fcnet.engine import Engine

    seen, train = [], Engine.train

    def watch(self, params, optimizer, X, Y, orders, batch, first, last, *rest):
        for step in range(first, last):
            part = slice(step * batch, step * batch + batch)
            seen.append((X[part] if orders is None else X[orders[0, part]])[:, 0].astype(int).tolist())
        return train(self, params, optimizer, X, Y, orders, batch, first, last, *rest)

    monkeypatch.setattr(Engine, "train", watch)
    return seen


def numbered(n):
    X = np.zeros((n, I))
    X[:, 0] = np.arange(n)
    return X, np.arange(n) % 2


def test_a_file_is_shuffled_by_blocks_and_within_them(monkeypatch, file):
    X, y = numbered(100)
    seen = watched(monkeypatch)
    small().fit(Blocks(file(X), y, rows=20), batch_size=10, epochs=2, verbose=0, seed=0)
    epochs = np.reshape(seen, (2, 5, 20))
    for epoch in epochs:
        assert sorted(epoch.ravel()) == list(range(100))
        starts = epoch.min(axis=1)
        for start, block in zip(starts, epoch, strict=True):
            assert sorted(block) == list(range(start, start + 20))
            assert list(block) != sorted(block)
        assert list(starts) != sorted(starts)
    assert not np.array_equal(*epochs)
    del seen[:]
    small().fit(Blocks(file(X), y, rows=20), batch_size=10, initial_epoch=1, epochs=2, verbose=0, seed=0)
    np.testing.assert_array_equal(np.reshape(seen, (5, 20)), epochs[1])  # the first epoch's order was skipped


@pytest.mark.parametrize("listed", [None, list, Numbered])
def test_what_is_shuffled_of_pieces(listed, monkeypatch):
    """The order of a list, and the rows of each block; the order of what is made anew is its maker's."""
    X, y = numbered(60)
    pieces = cut(X, y, rows=15)
    seen = watched(monkeypatch)
    small().fit(listed(pieces) if listed else lambda: iter(pieces), batch_size=15, epochs=3, verbose=0, seed=0)
    epochs = np.reshape(seen, (3, 4, 15))
    for block in epochs.reshape(12, 15):
        assert sorted(block) == list(range(block.min(), block.min() + 15)) and list(block) != sorted(block)
    orders = [list(starts) for starts in epochs.min(axis=2)]
    assert (len(set(map(tuple, orders))) > 1) == bool(listed)
    assert listed or orders[0] == [0, 15, 30, 45]


def test_without_a_batch_size_every_piece_is_a_batch():
    """As in Keras; of Blocks it is 32."""
    X, y, weights = rows()
    lengths = [50, 3, 100, 50]
    starts = np.cumsum([0, *lengths])
    pieces = [(X[a:b], y[a:b], weights[a:b]) for a, b in itertools.pairwise(starts)]
    model, by_hand = small(), small()
    history = model.fit(pieces, epochs=2, verbose=0, shuffle=False)
    for piece in 2 * pieces:
        by_hand.train_on_batch(*piece)
    np.testing.assert_array_equal(model.parameters, by_hand.parameters)
    assert history.params["steps"] is None
    model = small()
    assert model.fit(Blocks(X, y, rows=50), verbose=0).params["steps"] == model.optimizer.iterations == 7


@pytest.mark.parametrize("kind", ["float32", "float64", "float16", "uint8", "int32", ">f8", "bool"])
def test_files_of_every_dtype(kind, file, monkeypatch):
    """Read in blocks when they are large, they give what the array gives, and are never converted as a whole."""
    X, y, _ = rows()
    X = (X > 0 if kind == "bool" else 10 * abs(X)).astype(kind)
    whole = small()
    whole.fit(X, y, epochs=2, verbose=0, shuffle=False)
    sizes = []
    features = fcnet.checks.features
    monkeypatch.setattr(fcnet.checks, "features", lambda X, *rest, **more: (
        sizes.append(len(X) * data.mapped(X)), features(X, *rest, **more))[1])
    monkeypatch.setattr(data, "WHOLE_BYTES", 1000)
    monkeypatch.setattr(data, "BLOCK_BYTES", 8 * I * 30)
    model = small()
    model.fit(file(X), file(y), epochs=2, verbose=0, shuffle=False)
    same(model, whole)
    assert model.evaluate(file(X), y) == pytest.approx(whole.evaluate(X, y), rel=1e-12)
    np.testing.assert_array_equal(model.predict(file(X)), whole.predict(X))
    assert max(sizes) == 30 and sum(sizes) == 4 * N + 1  # two epochs, two passes, and a look at the first row


def test_a_large_array_of_another_dtype_has_the_bits_of_its_copy(monkeypatch):
    X, y, weights = rows()
    whole = small()
    options = dict(epochs=2, verbose=0, seed=1, validation_split=0.2, sample_weight=weights)
    whole.fit(X, y, **options)
    monkeypatch.setattr(data, "WHOLE_BYTES", 1000)
    monkeypatch.setattr(data, "BLOCK_BYTES", 8 * I * 30)
    model = small()
    model.fit(X, y, **options)
    same(model, whole)
    assert not data.too_large(X.astype("f"), np.dtype("f")) and data.too_large(X, np.dtype("f"))


def test_the_same_bits_at_any_thread_count(file):
    X, y, _ = rows(3000)
    found = []
    try:
        for threads in (1, 2):
            fcnet.set_num_threads(threads)
            model = small()
            model.fit(Blocks(file(X), y, rows=700), batch_size=1000, epochs=2, verbose=0, seed=2)
            found.append(model)
    finally:
        fcnet.set_num_threads(None)
    same(*found)


# ------------------------------------------------------------------------------------------ validation and weights

def test_validation_from_files_and_blocks(file, monkeypatch):
    X, y, _ = rows()
    Xv, yv, wv = rows(90, seed=1)
    whole = small(weighted_metrics=["mae"])
    whole.fit(X, y, epochs=2, verbose=0, seed=3, validation_data=(Xv, yv, wv))
    monkeypatch.setattr(data, "WHOLE_BYTES", 500)
    monkeypatch.setattr(data, "BLOCK_BYTES", 8 * I * 25)
    pieces = cut(Xv, yv, wv, rows=40)
    for held_out in ((file(Xv), yv, wv), Blocks(Xv, yv, wv, rows=7), lambda: iter(pieces), Numbered(pieces)):
        model = small(weighted_metrics=["mae"])
        model.fit(X, y, epochs=2, verbose=0, seed=3, validation_data=held_out)
        same(model, whole)
        assert model.evaluate(*(held_out if isinstance(held_out, tuple) else (held_out,))[:2], sample_weight=(
            wv if isinstance(held_out, tuple) else None)) == pytest.approx(whole.evaluate(Xv, yv, sample_weight=wv))
    with pytest.raises(ValueError, match=r"validation_data is an iterator, which goes by once: pass a function"):
        small().fit(X, y, verbose=0, validation_data=iter(pieces))
    for count in 2, 3, 4:
        with pytest.raises(ValueError, match=r"validation_data is a list of blocks: pass a function"):
            small().fit(X, y, verbose=0, validation_data=(pieces * 4)[:count])


def test_validation_split_of_blocks(file):
    X, y, weights = rows()
    whole, model = small(), small()
    whole.fit(X, y, epochs=2, verbose=0, shuffle=False, validation_split=0.3, sample_weight=weights)
    model.fit(Blocks(file(X), y, weights, rows=20), epochs=2, verbose=0, shuffle=False, validation_split=0.3)
    same(model, whole)
    with pytest.raises(ValueError, match=r"validation_split needs arrays or fcnet.data.Blocks"):
        small().fit(cut(X, y, rows=20), verbose=0, validation_split=0.3)


@pytest.mark.parametrize("class_weight", [{0: 0.3}, "balanced"])
@pytest.mark.parametrize("weighted", [False, True])
def test_class_weights(class_weight, weighted, file):
    X, y, weights = rows()
    given = weights if weighted else None
    whole, model = small(), small()
    options = dict(epochs=2, verbose=0, shuffle=False, class_weight=class_weight)
    whole.fit(X, y, sample_weight=given, **options)
    model.fit(Blocks(file(X), y, given, rows=20), **options)
    same(model, whole)
    pieces = cut(*((X, y, weights) if weighted else (X, y)), rows=20)
    if class_weight == "balanced":
        with pytest.raises(ValueError, match=r"balanced' needs all labels at once"):
            small().fit(pieces, batch_size=32, **options)
    else:  # without the common factor that weights of samples and classes together get in an array
        model = small()
        model.fit(pieces, batch_size=32, **options)
        np.testing.assert_allclose(model.parameters, whole.parameters, rtol=1e-4, atol=1e-6)


def test_a_piece_without_weights_counts_once_and_one_of_zeros_not():
    X, y, _ = rows(96)
    mixed = [(X[:40], y[:40], np.full(40, 2.0)), (X[40:70], y[40:70]), (X[70:], y[70:], np.zeros(26))]
    whole, model = small(optimizers.SGD(0.1)), small(optimizers.SGD(0.1))
    weights = np.repeat([2.0, 1.0, 0.0], [40, 30, 26])
    whole.fit(X, y, 96, 2, 0, sample_weight=weights)
    model.fit(mixed, batch_size=96, epochs=2, verbose=0, shuffle=False)
    same(model, whole)


# ----------------------------------------------------------------------------------------------- endless, once

def test_steps_per_epoch_of_data_without_end():
    X, y, _ = rows(100)
    pieces = cut(X, y, rows=30)
    model, by_hand = small(), small()
    endless = itertools.cycle(pieces)
    history = model.fit(endless, batch_size=20, epochs=4, steps_per_epoch=3, verbose=0, shuffle=False)
    assert history.params["steps"] == 3 and history.epoch == [0, 1, 2, 3]
    for step in range(12):
        taken = np.arange(20 * step, 20 * step + 20) % 100
        by_hand.train_on_batch(X[taken], y[taken])
    np.testing.assert_array_equal(model.parameters, by_hand.parameters)


def test_steps_per_epoch_of_arrays_and_lists():
    """What can be had again begins again, after the smaller batch at its end."""
    X, y, _ = rows(100)
    model, twin = small(), small()
    model.fit(X, y, epochs=8, steps_per_epoch=2, verbose=0, shuffle=False)
    twin.fit(X, y, epochs=4, verbose=0, shuffle=False)
    np.testing.assert_array_equal(model.parameters, twin.parameters)
    assert model.optimizer.iterations == 16
    twin = small()
    twin.fit(cut(X, y, rows=9), batch_size=32, epochs=2, steps_per_epoch=8, verbose=0, shuffle=False)
    np.testing.assert_array_equal(model.parameters, twin.parameters)


def test_evaluating_nothing():
    X, y, _ = rows(10)
    model, iterator = small(), iter([(X, y)])
    for call in (lambda: model.evaluate(lambda: iter([]), verbose=0), lambda: model.evaluate(Blocks(X[:0], y[:0])),
                 lambda: model.fit(X, y, epochs=2, verbose=0, validation_data=lambda: iterator)):  # fmt: skip
        with pytest.raises(ValueError, match="the data to evaluate has no samples"):
            call()


def test_data_that_runs_out():
    X, y, _ = rows(100)
    pieces = cut(X, y, rows=10)
    model, twin = small(), small()
    with pytest.warns(UserWarning, match=r"ran out 2 steps before the end of an epoch of steps_per_epoch=4") as caught:
        history = model.fit(iter(pieces), epochs=9, steps_per_epoch=4, verbose=0)
    assert caught[0].filename == __file__
    assert history.epoch == [0, 1, 2]  # the last one of 2 steps
    twin.fit(pieces, verbose=0, shuffle=False)
    np.testing.assert_array_equal(model.parameters, twin.parameters)
    with pytest.warns(UserWarning, match=r"ran out 4 steps"):
        assert model.fit(iter(pieces[:4]), epochs=2, steps_per_epoch=4, verbose=0).epoch == [0]
    with pytest.raises(ValueError, match=r"x is an iterator, which goes by once: .* or steps_per_epoch"):
        model.fit(iter(pieces), epochs=2, verbose=0)
    assert model.fit(iter(pieces), verbose=0).epoch == [0]
    begun, iterator = [], iter(pieces)
    noted = LambdaCallback(on_epoch_begin=lambda epoch, logs: begun.append(epoch))
    with pytest.warns(UserWarning, match=r"no block in this epoch; the fit ends") as caught:
        history = model.fit(lambda: iterator, epochs=9, verbose=0, callbacks=noted)
    assert caught[0].filename == __file__
    assert history.epoch == [0] and begun == [0, 1]


def test_callbacks_and_progress_over_blocks(capsys):
    X, y, _ = rows(100)
    pieces = cut(X, y, rows=30)
    model = small()
    begins, ends = [], []
    watch = [EarlyStopping("loss", patience=3), LambdaCallback(
        on_train_batch_begin=lambda batch, logs: begins.append(batch),
        on_train_batch_end=lambda batch, logs: ends.append((batch, logs["loss"])))]
    history = model.fit(lambda: iter(pieces), batch_size=20, epochs=2, verbose=2, callbacks=watch)
    assert begins[0] == 0 and [batch for batch, _ in ends].count(4) == 2
    assert [loss for batch, loss in ends if batch == 4] == pytest.approx(history.history["loss"])
    assert capsys.readouterr().out.count("Epoch") == 2
    model.fit(lambda: iter(pieces), epochs=2, verbose=1)
    assert "Epoch 2/2" in capsys.readouterr().err


def test_divergence_and_ctrl_c_within_blocks():
    X = np.linspace(-1, 1, 64)[:, None]
    y = 3 * X[:, 0]
    model = Sequential([Dense(8, input_dim=1), Dense(1)])
    model.compile(optimizers.SGD(8.0, momentum=0.5), "mse")
    with pytest.raises(FloatingPointError, match=r"diverged in epoch"):
        model.fit(Blocks(X, y, rows=20), epochs=500, batch_size=16, verbose=0)
    assert np.isfinite(model.parameters).all()
    assert model.optimizer.iterations == 4 * len(model.history.epoch)

    def interrupted():
        for number, piece in enumerate(pieces):
            if number == 3:
                raise KeyboardInterrupt
            yield piece

    X, y, _ = rows(100)
    pieces = cut(X, y, rows=20)
    model, twin = small(), small()
    with pytest.raises(KeyboardInterrupt):
        model.fit(interrupted, verbose=0, shuffle=False)
    twin.fit(pieces[:3], verbose=0, shuffle=False)
    np.testing.assert_array_equal(model.parameters, twin.parameters)
    assert model.history.epoch == []


# --------------------------------------------------------------------------------------------------- partial_fit

def test_partial_fit_goes_on():
    """The optimizer's state stays: two calls are two epochs of a fit on what they were given."""
    X, y, weights = rows(128)
    model, twin = small(), small()
    assert model.partial_fit(X[:64], y[:64], sample_weight=weights[:64], shuffle=False) is model
    model.partial_fit(X[64:], y[64:], sample_weight=weights[64:], shuffle=False)
    twin.fit(X, y, epochs=1, verbose=0, shuffle=False, sample_weight=weights)
    np.testing.assert_array_equal(model.parameters, twin.parameters)
    np.testing.assert_array_equal(model.optimizer.state[1], twin.optimizer.state[1])
    assert model.optimizer.iterations == 4 and model.history.epoch == [0]
    unbuilt = Sequential([Dense(1, "sigmoid")])
    unbuilt.compile("sgd", "binary_crossentropy")
    assert unbuilt.partial_fit(Blocks(X, y, rows=10), seed=1).built


# -------------------------------------------------------------------------------------------------------- errors

def bad(kind, row):
    X, y, weights = rows(100)
    if kind == "nan":
        X[row, 1] = np.nan
    elif kind == "inf":
        X[row, 2] = np.inf
    elif kind == "label":
        y[row] = 2
    elif kind == "weight":
        weights[row] = -1
    return X, y, weights


@pytest.mark.parametrize("kind, message", [
    ("nan", "X: NaN at row 73, column 1"), ("inf", "X: inf at row 73, column 2"), ("label", "y holds 2.0 at row 73"),
    ("weight", "sample_weight is -1 at row 73"),
])  # fmt: skip
@pytest.mark.parametrize("shuffle", [False, True])
def test_an_error_names_the_row_in_all_the_data(kind, message, shuffle, file):
    X, y, weights = bad(kind, 73)
    for source in (
        Blocks(X, y, weights, rows=20), Blocks(file(X), y, weights, rows=20), lambda: iter(cut(X, y, weights, rows=20)),
    ):  # fmt: skip
        model = small()
        with pytest.raises(ValueError, match=message):
            model.fit(source, batch_size=10, verbose=0, shuffle=shuffle)
        with pytest.raises(ValueError, match=message):
            model.evaluate(source)
    if kind in ("nan", "inf"):
        with pytest.raises(ValueError, match=message):
            model.predict(Blocks(file(X), rows=30))


def test_the_model_is_that_before_the_bad_block():
    X, y, _ = bad("nan", 73)
    model, twin = small(), small()
    with pytest.raises(ValueError, match=r"row 73"):
        model.fit(Blocks(X, y, rows=20), batch_size=20, epochs=2, verbose=0, shuffle=False)
    twin.fit(X[:60], y[:60], batch_size=20, verbose=0, shuffle=False)
    np.testing.assert_array_equal(model.parameters, twin.parameters)
    assert model.history.epoch == []


@pytest.mark.parametrize("source, error, message", [
    (lambda X, y: [(X, y), (X, y, y, y)], ValueError, r"a block must be \(x, y\) or .*, got tuple of 4"),
    (lambda X, y: [], ValueError, "a block must be .* got no block"),
    (lambda X, y: lambda: iter(()), ValueError, "got no block"),
    (lambda X, y: lambda: 7, TypeError, "must give an iterator of blocks .* got 7"),
    (lambda X, y: [(X[:, :2], y)], ValueError, "X has 2 features, the model expects 3"),
    (lambda X, y: [(X, y[:5])], ValueError, "X has 203 samples and y has 5"),
    (lambda X, y: [(X, y), (7, y)], TypeError, "X must be an array of numbers, got int"),
    (lambda X, y: Blocks(X), TypeError, "y must be an array of numbers, got None"),
    (lambda X, y: X, TypeError, "y must be an array of numbers, got None"),
    (lambda X, y: (X, y), ValueError, r"x is a tuple of 2 arrays: pass X and y as two arguments, like fit\(X, y\)"),
    (lambda X, y: [X, y, y], ValueError, "x is a list of 3 arrays: pass X and y as two arguments"),
    (lambda X, y: Numbered(list(zip(X, y, strict=True))), ValueError,
     r"X of \(samples, features\), got one of shape \(3,\); .* single samples"),
])  # fmt: skip
def test_what_is_no_block(source, error, message):
    X, y, _ = rows()
    model = small()
    with pytest.raises(error, match=message):
        model.fit(source(X, y), verbose=0, shuffle=False)


def test_first_errors_change_nothing():
    X, y, weights = rows()
    model = small()
    before = model.parameters.copy()
    for wrong in ([(X[:, :2], y)], Blocks(X[:, :2], y), lambda: iter([(X, 7 * y - 2)])):
        with pytest.raises(ValueError, match=r"features|holds"):
            model.fit(wrong, verbose=0)
    for block, options in (((X, y, -weights), {}), ((X, y), dict(class_weight={2: 1.0})),
                           ((X, y), dict(class_weight="balanced"))):  # fmt: skip
        for wrong in ([block], lambda block=block: iter([block])):
            with pytest.raises(ValueError, match=r"weight"):
                model.fit(wrong, verbose=0, **options)
    np.testing.assert_array_equal(model.parameters, before)
    assert model.history is None


@pytest.mark.parametrize("make, error, message", [
    (lambda X, y: Blocks(X[:, 0], y), ValueError, r"X: expected 2-D \(samples, features\), got \(203,\)"),
    (lambda X, y: Blocks(X, y[:9]), ValueError, "X has 203 samples and y has 9"),
    (lambda X, y: Blocks(X, y, y[:9]), ValueError, "X has 203 samples and sample_weight has 9"),
    (lambda X, y: Blocks(X, 1), ValueError, r"y: expected one value for each of 203 samples, got array\(1\)"),
    (lambda X, y: Blocks(X, y, False), ValueError, r"sample_weight: expected one value .* got array\(False\)"),
    (lambda X, y: Blocks(X, y, rows=0), ValueError, "rows must be 1 or more"),
    (lambda X, y: Blocks(X, y, rows=2.5), TypeError, "rows must be a whole number"),
])  # fmt: skip
def test_blocks_are_checked(make, error, message):
    X, y, _ = rows()
    with pytest.raises(error, match=message):
        make(X, y)


def test_labels_stand_in_the_blocks():
    X, y, weights = rows()
    with pytest.raises(ValueError, match=r"leave y out"):
        small().fit(Blocks(X, y), y, verbose=0)
    with pytest.raises(ValueError, match=r"leave sample_weight out"):
        small().evaluate(Blocks(X, y), sample_weight=weights)


def test_repr():
    X, y, _ = rows()
    assert repr(Blocks(X, y, rows=50)) == "Blocks(203 samples of 3 features, 50 rows a block)"
    assert Blocks(X, y).rows == data.BLOCK_BYTES // (8 * I)


# --------------------------------------------------------------------------------------------- other containers

class Sliced:
    """Like a data set of HDF5: a shape, a dtype, and arrays for slices; never all of it."""

    def __init__(self, array):
        self._array, self.shape, self.dtype = array, array.shape, array.dtype

    def __getitem__(self, rows):
        assert isinstance(rows, slice) and len(range(*rows.indices(self.shape[0]))) <= 50
        return self._array[rows]


def test_rows_by_number_beside_labels():
    """With y it is no source of blocks."""
    X, y, _ = rows()
    whole, model = small(), small()
    for made, x in ((whole, X), (model, Numbered(X.tolist()))):
        made.fit(x, y, verbose=0, seed=1, validation_data=(x, y))
        made.train_on_batch(x, y)
    same(model, whole)
    assert model.evaluate(Numbered(X.tolist()), y, verbose=0) == whole.evaluate(X, y, verbose=0)


def test_sliced():
    X, y, _ = rows()
    whole, model = small(), small()
    whole.fit(X, y, epochs=2, verbose=0, shuffle=False)
    source = Blocks(Sliced(X), Sliced(y), rows=50)
    model.fit(source, epochs=2, verbose=0, shuffle=False)
    same(model, whole)
    np.testing.assert_array_equal(model.predict(source), whole.predict(X))
    model.fit(source, epochs=1, verbose=0)  # in an order of its own


@pytest.mark.parametrize("weighted", [False, True])
def test_a_split_of_what_is_sliced_is_not_read_whole(weighted):
    X, y, weights = rows()
    weights = weights if weighted else None
    whole, model = small(), small()
    options = dict(epochs=2, verbose=0, shuffle=False, validation_split=0.4)
    whole.fit(X, y, sample_weight=weights, **options)
    model.fit(Blocks(Sliced(X), Sliced(y), weights, rows=50), **options)
    same(model, whole)
    for made, x, labels in ((whole, X[:50], y[:50]), (model, Blocks(Sliced(X[:50]), Sliced(y[:50])), None)):
        made.fit(x, labels, class_weight="balanced", **options)  # of the labels alone
    same(model, whole)


def test_sliced_labels_of_an_array():
    """In the order of all rows, which what is sliced does not give."""
    X, y, _ = rows(50)
    whole, model = small(), small()
    whole.fit(X, y, epochs=2, verbose=0, seed=1)
    model.fit(Blocks(X, Sliced(y), rows=9), epochs=2, verbose=0, seed=1)
    same(model, whole)


class Changing(Sliced):
    """After the first rows it gives others than it was asked for, as a file does that another program changes."""

    def __init__(self, array, change):
        super().__init__(array)
        self.change = change

    def __getitem__(self, rows):
        found = super().__getitem__(rows)
        return found if rows.start is None else self.change(found)


@pytest.mark.parametrize("change, came", [(lambda rows: rows[:-1], 49), (lambda rows: rows.repeat(2, axis=0), 100)])
def test_a_source_that_changes_while_it_is_read(change, came, monkeypatch):
    """The order of its rows, and the room for its predictions, were made for those that it said it has."""
    monkeypatch.setattr(training, "rows_per_call", lambda n_params: 64)
    X, y, _ = rows()
    source = Blocks(Changing(X[:200], change), Changing(y[:200], change), rows=50)
    model = small()
    message = f"X has 200 samples, but gave {came} for the 50 from row (0|50|100|150) on"
    for call in (lambda: model.fit(source, verbose=0), lambda: model.evaluate(source), lambda: model.predict(source)):
        with pytest.raises(ValueError, match=message):
            call()


def test_sparse_and_dense_blocks_in_one_batch():
    sparse = pytest.importorskip("scipy.sparse")
    X, y, _ = rows()
    for pieces in ([(sparse.csr_array(X[:45]), y[:45]), (X[45:], y[45:])],
                   [(X[:45], y[:45]), (sparse.csr_array(X[45:]), y[45:])]):  # fmt: skip
        with pytest.raises(TypeError, match="sparse block and of a dense one"):
            small().fit(pieces, batch_size=32, verbose=0, shuffle=False)


def test_sparse_blocks():
    sparse = pytest.importorskip("scipy.sparse")
    X, y, _ = rows()
    X[abs(X) < 0.8] = 0
    X[50:60] = 0
    for shuffle in (False, True):
        whole = small()
        whole.fit(X, y, epochs=2, verbose=0, seed=1, shuffle=shuffle)
        sources = [Blocks(sparse.coo_array(X), y, rows=50)]
        if not shuffle:
            sources.append([(sparse.csr_matrix(X[part]), y[part]) for part in (slice(45), slice(45, None))])
        for source in sources:
            model = small()
            model.fit(source, batch_size=32, epochs=2, verbose=0, seed=1, shuffle=shuffle)
            same(model, whole)
    np.testing.assert_array_equal(model.predict(Blocks(sparse.csr_array(X), rows=9)), model.predict(X))


def test_dropout_draws_the_numbers_of_the_array():
    X, y, _ = rows()
    found = []
    for x, labels in ((X, y), (Blocks(X, y, rows=50), None)):
        fcnet.set_seed(1)
        model = Sequential([Dense(16, "relu", input_dim=I), fcnet.Dropout(0.5), Dense(1, "sigmoid")])
        model.compile("adam", "binary_crossentropy")
        model.fit(x, labels, epochs=3, verbose=0, seed=4)
        found.append(model)
    same(*found)


def test_averaged_weights():
    X, y, _ = rows()
    found = []
    for x, labels in ((X, y), (Blocks(X, y, rows=50), None)):
        model = small(optimizers.Adam(use_ema=True, gradient_accumulation_steps=2))
        model.fit(x, labels, epochs=3, verbose=0, seed=4)
        found.append(model)
    same(*found)


def test_tables_in_blocks():
    pandas = pytest.importorskip("pandas")
    X, y, _ = rows()
    frame = pandas.DataFrame(X, columns=["a", "b", "c"])
    whole = small()
    whole.fit(X, y, verbose=0, shuffle=False)
    for source in (Blocks(frame, pandas.Series(y), rows=50), [(frame[:50], y[:50]), (frame[50:], y[50:])]):
        model = small()
        model.fit(source, batch_size=32, verbose=0, shuffle=False)
        same(model, whole)
    with pytest.raises(ValueError, match=r"the model was fitted with"):
        model.predict(frame[["b", "a", "c"]])


@pytest.mark.parametrize("kind", ["table", "blocks"])
def test_validation_tables_have_the_columns_of_the_samples(kind):
    """In the first fit too, and before anything has changed."""
    pandas = pytest.importorskip("pandas")
    X, y, _ = rows()
    frame = pandas.DataFrame(X, columns=["a", "b", "c"])
    other = frame[["b", "a", "c"]], y
    for model, x, labels in ((small(), frame, y), (small(), [(frame, y)], None)):
        before = model.parameters.copy()
        with pytest.raises(ValueError, match=r"X has columns \['b', 'a', 'c'\], the model was fitted with"):
            model.fit(x, labels, verbose=0, validation_data=other if kind == "table" else lambda: iter([other]))
        assert model.history is None
        np.testing.assert_array_equal(model.parameters, before)


def test_predict_and_evaluate_blocks(file, monkeypatch):
    X, y, weights = rows(700)
    model = small(weighted_metrics=["mae"])
    monkeypatch.setattr(training, "rows_per_call", lambda n_params: 256)
    expected, values = model.predict(X), model.evaluate(X, y, sample_weight=weights)
    pieces = cut(X, y, weights, rows=300)
    for source in (Blocks(X, y, weights, rows=300), Blocks(file(X), y, weights, rows=7), lambda: iter(pieces),
                   iter(pieces), Numbered(pieces)):  # fmt: skip
        np.testing.assert_array_equal(model.predict(source), expected)
    for source in (Blocks(X, y, weights, rows=300), pieces, lambda: iter(pieces), iter(pieces), Numbered(pieces)):
        assert model.evaluate(source) == pytest.approx(values, rel=1e-12)
    np.testing.assert_array_equal(model.predict(lambda: (x for x, _, _ in pieces)), expected)
    np.testing.assert_array_equal(model.predict([x] for x, _, _ in pieces), expected)  # as a DataLoader gives X alone
    np.testing.assert_array_equal(model.predict(Blocks(X[:2])), expected[:2])
    assert model.predict(Blocks(X[:0])).shape == model.predict(iter(())).shape == (0, 1)
    with pytest.raises(ValueError, match=r"sample_weight is 0 for all"):
        model.evaluate([(X, y, np.zeros(700))])


# -------------------------------------------------------------------------------------------------------- memory

def test_memory_is_a_few_blocks(file):
    """Twenty thousand rows of 100 numbers, 8 MB in float32, through blocks of 0.2."""
    rng = np.random.default_rng(0)
    X = file(rng.integers(0, 255, (20_000, 100), np.uint8))
    y = file(rng.integers(0, 2, (20_000, 1), np.uint8))
    model = Sequential([Dense(8, "relu", input_dim=100), Dense(1, "sigmoid")])
    model.compile("sgd", losses.BinaryCrossentropy())
    source = Blocks(X, y, rows=500)
    block = 500 * 101 * 4
    for run, extra in (
        (lambda: model.fit(source, epochs=1, verbose=0), 0), (lambda: model.evaluate(source), 0),
        (lambda: model.predict(source), 20_000 * 4), (lambda: model.partial_fit(source), 0),
    ):  # fmt: skip
        run()
        tracemalloc.start()
        run()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 4 * block + extra, f"{peak / block:.1f} blocks"
