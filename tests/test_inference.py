"""A few rows are predicted by kernels of their own: the same bits as among many rows, whatever comes in."""

import os
import threading
from itertools import product

import numpy as np
import pytest
from reference import Layer
from tables import ACTIVATIONS, SIZES, layer, problem

from fcnet import Dense, Sequential, kernels
from fcnet.engine import Engine

isa = pytest.mark.isa
SHAPES = (  # widths below, at and above vectors, blocks and bundles of rows
    *((SIZES[i], SIZES[(7 * i + 3) % 20], SIZES[-1 - i]) for i in range(20)),
    (1, 1, 1), (784, 128, 10), (3, 530, 2), (260, 129, 300), (5, 1100, 257),
)


def one_by_one(engine, params, X, rows):
    """The outputs, so many rows at a time."""
    return np.concatenate([engine.predict(params, X[i:i + rows]) for i in range(0, len(X), rows)])


@isa
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_same_bits_as_among_many(shape, dtype):
    inputs, *widths = shape
    for hidden, output in zip(ACTIVATIONS, np.roll(ACTIVATIONS, shape[0]), strict=True):
        layers = [layer(units, str(activation), (units + inputs) % 3 > 0)
                  for units, activation in zip(widths, (hidden, output), strict=True)]
        params, X, _ = problem(np.random.default_rng(inputs), inputs, layers, "mean_squared_error", 40, dtype)
        engine = Engine(inputs, layers, dtype)
        assert 1 <= engine.few_rows < 40
        among_many = engine.predict(params, X)
        for rows in {1, 2, engine.few_rows}:
            np.testing.assert_array_equal(one_by_one(engine, params, X, rows), among_many, f"{hidden}, {output}")
        # they did go the short way
        np.testing.assert_array_equal(engine.predict_few(params, X[:1]), among_many[:1])


@isa
@pytest.mark.parametrize("output", ACTIVATIONS)
def test_extreme_weights(output, dtype):
    """Saturated, infinite and NaN: the same as among many rows."""
    layers = [Layer(19, "relu"), layer(7, output)]
    params, X, _ = problem(np.random.default_rng(1), 5, layers, "mean_squared_error", 40, dtype)
    engine = Engine(5, layers, dtype)
    for place, value in product((0, -1), (1e4, np.finfo(dtype).max, np.inf, np.nan)):
        changed = params.copy()
        changed[place] = value
        np.testing.assert_array_equal(one_by_one(engine, changed, X, 1), engine.predict(changed, X))


def test_loss_does_not_change_the_outputs(dtype):
    """A fused loss takes logits and leaves the network without its last activation; prediction has it."""
    layers, loss = [Layer(6, "relu"), Layer(3, "softmax")], "categorical_crossentropy"
    params, X, Y = problem(np.random.default_rng(2), 4, layers, loss, 40, dtype)
    engine = Engine(4, layers, dtype)
    engine.evaluate(params, X, Y, loss)
    before = one_by_one(engine, params, X, 1)
    engine.loss_and_gradient(params, X, Y, loss)
    np.testing.assert_array_equal(one_by_one(engine, params, X, 1), before)
    np.testing.assert_array_equal(engine.predict(params, X), before)


def small_model(dtype="float32"):
    return Sequential([Dense(9, "tanh", input_dim=3), Dense(4, "softmax")], dtype=dtype)


def test_forms_of_one_row(dtype):
    """Any container and layout of the same numbers: the same bits, the input unchanged, nothing compiled."""
    name = np.dtype(dtype).name
    model, X = small_model(name), np.random.default_rng(3).standard_normal((5, 3)).astype(dtype)
    among_many = model.predict(np.tile(X, (20, 1)))[:5]
    np.testing.assert_array_equal(model.predict(X), among_many)
    before = kernels.compiled()
    read_only = X.copy()
    read_only.flags.writeable = False
    unaligned = np.frombuffer(b"\0" + X.tobytes(), np.uint8)[1:].view(dtype).reshape(5, 3)
    forms = (X.tolist(), X.astype(np.float64), np.asfortranarray(X), np.repeat(X, 2, axis=1)[:, ::2], X[::-1][::-1],
             read_only, unaligned, X.astype(X.dtype.newbyteorder()), X.view(type("Own", (np.ndarray,), {})))
    for form in forms:
        np.testing.assert_array_equal(model.predict(form), among_many)
        for i in range(5):
            np.testing.assert_array_equal(model.predict(form[i:i + 1]), among_many[i:i + 1])
    assert kernels.compiled() == before
    result = model.predict(X[:1].copy())
    assert result.dtype == dtype and result.flags.owndata and result.flags.writeable


def test_the_short_way_has_the_same_errors():
    model, row = small_model(), np.ones((1, 3), np.float32)
    for _ in range(2):
        for place, value, message in ((0, np.nan, "NaN at row 0, column 0"), (2, np.inf, "inf at row 0, column 2"),
                                      (1, -np.inf, "-inf at row 0, column 1")):
            wrong = row.copy()
            wrong[0, place] = value
            with pytest.raises(ValueError, match=message):
                model.predict(wrong)
        with pytest.raises(ValueError, match="X has 2 features, the model expects 3"):
            model.predict(row[:, :2].copy())
        with pytest.raises(ValueError, match="expected 2-D"):
            model.predict(row[0])
        with pytest.raises(ValueError, match="batch_size"):
            model.predict(row, batch_size=0)
        for verbose in (3, "loud", 1.5):
            with pytest.raises(ValueError, match="verbose"):
                model.predict(row, verbose=verbose)
        assert model.predict(row, 1, "auto").shape == (1, 4)
        assert model.predict(row[:0]).shape == (0, 4)


@isa
def test_many_rows_are_searched_on_the_way(dtype, rng):
    """A plain array is looked at by the kernel; the outputs, and the errors, are those of any other."""
    model = Sequential([Dense(37, "relu", input_dim=21), Dense(3, "softmax")], dtype=np.dtype(dtype).name)
    for rows in (model._compiled_engine().few_rows + 1, 64, 100, 333):
        X = rng.standard_normal((rows, 21)).astype(dtype)
        expected = model.predict(np.asfortranarray(X))
        assert model._engine.predict_many(model._flat, X) is not None
        np.testing.assert_array_equal(model.predict(X), expected)
        X.flags.writeable = False
        np.testing.assert_array_equal(model.predict(X), expected)
        for value in (np.nan, np.inf, -np.inf):
            for row, column in ((0, 0), (rows - 1, 20), (rng.integers(rows), rng.integers(21))):
                wrong = X.copy()
                wrong[row, column] = value
                assert model._engine.predict_many(model._flat, wrong) is None
                with pytest.raises(ValueError, match=rf"^X: .* at row {row}, column {column}"):
                    model.predict(wrong)
                # what is left of it in lanes without samples is nobody's number
                for fewer in range(model._engine.few_rows + 1, rows, 7):
                    assert model._engine.predict_many(model._flat, X[:fewer]) is not None
        np.testing.assert_array_equal(model.predict(X), expected)
    for other in (X[:, :20], X[0], X[None], X[:, ::-1], X.astype(np.float16), X.astype(X.dtype.newbyteorder())):
        assert model._engine.predict_many(model._flat, other) is None


def test_it_follows_the_parameters():
    """Weights set, changed in place, trained, and another layer added: the next row sees them."""
    model, row = small_model(), np.ones((1, 3), np.float32)
    model.compile("sgd", "categorical_crossentropy")

    def agree():
        np.testing.assert_array_equal(model.predict(row), model.predict(np.repeat(row, 40, axis=0))[:1])
        return model.predict(row)

    seen = [agree()]
    model.set_weights([weight + 0.1 * i for i, weight in enumerate(model.get_weights())])
    seen.append(agree())
    model.parameters[:4] *= -1
    seen.append(agree())
    model.train_on_batch(row, [[0, 1, 0, 0]])
    seen.append(agree())
    model.add(Dense(4, "sigmoid"))
    seen.append(agree())
    assert len({result.tobytes() for result in seen}) == len(seen)


def test_threads():
    """Several threads predict with one model at the same time."""
    model, X = small_model(), np.random.default_rng(4).standard_normal((4, 1, 3)).astype(np.float32)
    expected = [model.predict(x) for x in X]
    wrong = []

    def work(x, want):
        wrong.extend(got for got in (model.predict(x) for _ in range(2000)) if not np.array_equal(got, want))

    threads = [threading.Thread(target=work, args=pair) for pair in zip(X, expected, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.skipif(os.name == "nt", reason="page protection is asked for in the POSIX way")
@pytest.mark.parametrize("at_end", (True, False))
def test_nothing_outside_is_touched(at_end, run_python):
    """Parameters and samples against pages that may not be read: vectors of W reach into the next row only."""
    run_python("""
        import sys
        import numpy as np
        from guards import Fenced
        from reference import Layer
        from tables import DTYPES, SIZES, problem
        from fcnet.engine import Engine

        memory = Fenced(sys.argv[1] == "True")
        for dtype in DTYPES:
            for i, units in enumerate((*SIZES, 130)):
                inputs = SIZES[-1 - i % 20]
                layers = [Layer(units, "relu", i % 2 > 0), Layer(1 + i, "softmax", i % 3 > 0)]
                params, X, _ = problem(np.random.default_rng(i), inputs, layers, "mean_squared_error", 2, dtype)
                engine = Engine(inputs, layers, dtype)
                for n in range(1, min(2, engine.few_rows) + 1):
                    expected = engine.predict(params, X[:n])
                    got = engine.predict_few(memory.put(params), memory.put(X[:n]))
                    assert np.array_equal(got, expected)
    """, at_end)
