"""Every argument check: the kind of error, and that its message names the parameter and what came."""

import datetime
import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from tables import Numbered

import fcnet
from fcnet import (
    Dense,
    Input,
    Sequential,
    activations,
    checks,
    constraints,
    initializers,
    losses,
    metrics,
    optimizers,
    regularizers,
)

F4, F8 = np.dtype("float32"), np.dtype("float64")
INF, NAN = float("inf"), float("nan")


def network(units=1, activation="sigmoid", loss="binary_crossentropy", inputs=2, **options):
    model = Sequential([Dense(3, activation="relu", input_dim=inputs), Dense(units, activation=activation)])
    model.compile("sgd", loss, **options)
    return model


def data(n=10, inputs=2):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, inputs)), rng.integers(0, 2, n)


def raises(error, *words):
    """The error, with all of these words in its message, in any order."""
    return pytest.raises(error, match="".join(f"(?=.*{re.escape(word)})" for word in words))


# ------------------------------------------------------------------------------------------------ arrays

FULL = np.ones((4, 3))


def with_value(value, dtype=np.float64, at=(3, 1)):
    A = FULL.astype(dtype)
    A[at] = value
    return A


class Sparse:
    """What SciPy's matrices look like from outside."""

    shape = (4, 3)

    def toarray(self):
        return FULL


class Refusing:
    """Like a tensor that must be detached before it becomes an array."""

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("call detach() first")


BAD_X = {
    "1-D": (np.ones(40), ValueError, ["X", "expected 2-D (samples, features)", "(40,)", "reshape"]),
    "3-D": (np.ones((4, 5, 6)), ValueError, ["X", "(4, 5, 6)", "reshape(len(X), -1)"]),
    "scalar": (3.0, ValueError, ["X", "()"]),
    "no samples": (np.ones((0, 3)), ValueError, ["X", "no samples", "(0, 3)"]),
    "no features": (np.ones((4, 0)), ValueError, ["X", "no features", "(4, 0)"]),
    "NaN": (with_value(NAN), ValueError, ["X", "NaN at row 3, column 1"]),
    "NaN in float16": (with_value(NAN, np.float16), ValueError, ["X", "NaN at row 3, column 1"]),
    "inf": (with_value(INF), ValueError, ["X", "inf at row 3, column 1"]),
    "-inf": (with_value(-INF), ValueError, ["X", "-inf at row 3, column 1"]),
    "beyond float32": (with_value(1e300), ValueError, ["X", "1e+300", "row 3, column 1", "float32", "scale"]),
    "text": (np.array([["a", "b"]]), TypeError, ["X", "'a'", "row 0, column 0"]),
    "numbers in text": (np.array([["1.0", "2.0"]]), TypeError, ["X", "'1.0'", "astype(float)"]),
    "a text in a list": ([[1.0, 2.0], [3.0, "4"]], TypeError, ["X", "'4'", "row 1, column 1"]),
    "bytes": (np.array([[b"x"]]), TypeError, ["X", "b'x'"]),
    "object text": (with_value("cat", object), TypeError, ["X", "'cat'", "row 3, column 1", "np.unique(y, return_inv"]),
    "None inside": (with_value(None, object), ValueError, ["X", "None", "row 3, column 1"]),
    "datetime": (np.array([["2020-01-01"]], "datetime64[D]"), TypeError, ["X", "datetime"]),
    "timedelta objects": (with_value(np.timedelta64(5, "s"), object), TypeError, ["X", "row 3, column 1"]),
    "no text": (np.empty((0, 2), "U3"), TypeError, ["X", "text"]),
    "timedelta": (np.array([[5]], "timedelta64[s]"), TypeError, ["X", "timedelta"]),
    "date objects": ([[datetime.date(2020, 1, 1)]], TypeError, ["X", "2020", "row 0, column 0"]),
    "complex": (np.array([[1 + 2j]]), TypeError, ["X", "1+2j", "complex"]),
    "complex objects": (np.array([[1 + 2j]], object), TypeError, ["X", "1+2j"]),
    "records": (np.zeros(3, [("a", float)]), TypeError, ["X", "records"]),
    "a dtype of others": (np.zeros((2, 2), "V2"), TypeError, ["X", "row 0, column 0: of dtype |V2", "astype"]),
    "ragged": ([[1, 2], [3]], ValueError, ["X", "ragged", "row 1", "1 values"]),
    "ragged mixed": ([[1, 2], 3], ValueError, ["X", "ragged", "row 1", "a number"]),
    "ragged objects": (np.array([[1, 2], [3]], object), TypeError, ["X", "ragged", "[1, 2]"]),
    "masked": (np.ma.masked_array(FULL, [[0, 1, 0]] * 4), ValueError, ["X", "masked", "row 0, column 1"]),
    "sparse": (Sparse(), TypeError, ["X", "sparse", "dense input only", "X.toarray()"]),
    "huge whole number": ([[10**400]], ValueError, ["X", "float64"]),
    "None": (None, TypeError, ["X", "None"]),
    "a text": ("data.csv", TypeError, ["X", "data.csv"]),
    "a dict": ({"a": [1.0]}, TypeError, ["X", "dict"]),
    "a set": ({1.0}, TypeError, ["X", "set"]),
    "a generator": ((i for i in range(3)), TypeError, ["X", "generator"]),
    "refusing": (Refusing(), TypeError, ["X", "call detach() first"]),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_X)
def test_bad_features(case):
    X, error, words = BAD_X[case]
    with raises(error, *words):
        checks.features(X, F4)


def test_wrong_number_of_features():
    with raises(ValueError, "X has 2 features, the model expects 3"):
        checks.features(np.ones((4, 2)), F4, 3)


SOURCE = np.random.default_rng(1).integers(-9, 9, (6, 4)).astype(np.float64)


def read_only(A):
    A = A.copy()
    A.flags.writeable = False
    return A


def masked_nowhere(A):
    return np.ma.masked_array(A, np.zeros(A.shape, bool))


def memory_map(A, folder):
    path = folder / "X.npy"
    np.save(path, A)
    return np.load(path, mmap_mode="r")


class Table:
    """What a data frame without `__array__` looks like from outside."""

    columns = ("a", "b", "c", "d")

    def to_numpy(self):
        return SOURCE


SAME_X = {
    "float64": lambda A: A,
    "float32": lambda A: A.astype("f4"),
    "float16": lambda A: A.astype("f2"),
    "longdouble": lambda A: A.astype(np.longdouble),
    "int8": lambda A: A.astype("i1"),
    "int64": lambda A: A.astype("i8"),
    "object": lambda A: A.astype(object),
    "object whole": lambda A: A.astype("i8").astype(object),
    "decimal": lambda A: np.array([[Decimal(int(v)) for v in row] for row in A]),
    "fraction": lambda A: np.array([[Fraction(int(v)) for v in row] for row in A]),
    "lists": lambda A: A.tolist(),
    "tuples": lambda A: tuple(map(tuple, A)),
    "list of arrays": list,
    "big-endian": lambda A: A.astype(">f8"),
    "big-endian f4": lambda A: A.astype(">f4"),
    "Fortran": np.asfortranarray,
    "strided": lambda A: np.repeat(A, 2, axis=1)[:, ::2],
    "negative strides": lambda A: A[::-1].copy()[::-1],
    "read-only": read_only,
    "masked nowhere": masked_nowhere,
    "matrix": lambda A: A.view(np.matrix),
    "table": lambda A: Table(),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [F4, F8], ids=str)
@pytest.mark.parametrize("kind", SAME_X)
@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_every_container_gives_the_same_bits(kind, dtype):
    X = SAME_X[kind](SOURCE.copy())
    got = checks.features(X, dtype)
    assert type(got) is np.ndarray
    assert got.dtype == dtype
    assert got.dtype.isnative
    assert got.flags.c_contiguous
    assert got.flags.aligned
    assert got.tobytes() == SOURCE.astype(dtype).tobytes()


def test_rows_by_number_without_an_end():
    """An object with a length and without an iterator, which never raises IndexError."""
    assert checks.features(Numbered(SOURCE), F4).tobytes() == SOURCE.astype(F4).tobytes()
    assert checks.targets(Numbered([0, 1, 1]), F4, BINARY, 1, 3).tolist() == [[0], [1], [1]]
    for y, error, words in (
        (["a", "b"], TypeError, ["y", "'a' at row 0"]), ([[0], [0, 1]], ValueError, ["y is ragged", "row 1"]),
        ([[0, 1], [0, 1]], ValueError, ["y has shape (2, 2)"]),
    ):  # fmt: skip
        with raises(error, *words):
            checks.targets(Numbered(y), F4, BINARY, 1, 2)


def test_memory_map_is_read_in_place(tmp_path):
    X = memory_map(SOURCE.astype("f4"), tmp_path)
    got = checks.features(X, F4)
    assert np.shares_memory(got, X)
    np.testing.assert_array_equal(got, SOURCE)


def test_unaligned():
    memory = np.zeros(SOURCE.size * 4 + 1, np.uint8)
    X = memory[1:].view("f4").reshape(SOURCE.shape)
    X[:] = SOURCE
    assert not X.flags.aligned
    np.testing.assert_array_equal(checks.features(X, F4), SOURCE)


def test_bool():
    X = SOURCE > 0
    np.testing.assert_array_equal(checks.features(X, F4), X.astype("f4"))


def test_nothing_is_written_and_only_the_fitting_form_is_shared():
    X = SOURCE.astype("f4")
    before = X.tobytes()
    assert checks.features(X, F4) is X
    assert not np.shares_memory(checks.features(X, F8), X)
    assert X.tobytes() == before


def test_no_rows_when_allowed():
    assert checks.features(np.ones((0, 3)), F4, 3, least=0).shape == (0, 3)


def test_nan_is_found_in_a_later_chunk():
    X = np.ones((checks._CHUNK // 4 + 5, 7), "f4")
    X[-2, 6] = NAN
    with raises(ValueError, f"NaN at row {len(X) - 2}, column 6"):
        checks.features(X, F4)


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_tables(library):
    module = pytest.importorskip(library)
    columns = {name: SOURCE[:, i] for i, name in enumerate("abcd")}
    table = module.table(columns) if library == "pyarrow" else module.DataFrame(columns)
    np.testing.assert_array_equal(checks.features(table, F4), SOURCE)
    assert checks.feature_names(table) == ("a", "b", "c", "d")
    holes = {"a": [1.0, None, 2.0], "b": [1, 2, 3]}
    table = module.table(holes) if library == "pyarrow" else module.DataFrame(holes)
    with raises(ValueError, "X", "row 1, column 0"):
        checks.features(table, F4)
    whole = {"a": [1, None, 2], "b": [1, 2, 3]}
    table = module.table(whole) if library == "pyarrow" else module.DataFrame(whole)
    if library == "pandas":
        table = table.astype("Int64")
    with raises(ValueError, "X", "row 1, column 0"):
        checks.features(table, F4)
    text = {"a": [1.0, 2.0], "b": ["x", "y"]}
    table = module.table(text) if library == "pyarrow" else module.DataFrame(text)
    with raises(TypeError, "X", "'x'"):
        checks.features(table, F4)


def test_feature_names_are_kept_and_checked():
    class Frame(Table):
        def __init__(self, columns):
            self.columns = columns

    model = network(inputs=4)
    y = np.arange(6) % 2
    model.fit(Frame(["a", "b", "c", "d"]), y, verbose=0)
    same = model.predict(Frame(["a", "b", "c", "d"]))
    np.testing.assert_array_equal(model.predict(SOURCE), same)
    with raises(ValueError, "['b', 'a', 'c', 'd']", "['a', 'b', 'c', 'd']", "order"):
        model.predict(Frame(["b", "a", "c", "d"]))
    with raises(ValueError, "missing ['d']", "not expected ['e']"):
        model.evaluate(Frame(["a", "b", "c", "e"]), y)


# ------------------------------------------------------------------------------------------------ labels

BINARY, SPARSE = "binary_crossentropy", "sparse_categorical_crossentropy"
DENSE, SQUARED = "categorical_crossentropy", "mean_squared_error"

BAD_Y = {
    "length": ([0, 1, 1], BINARY, 1, ValueError, ["X has 4 samples", "y has 3"]),
    "3-D": (np.zeros((4, 1, 1)), BINARY, 1, ValueError, ["y", "(4, 1, 1)"]),
    "scalar": (1, BINARY, 1, ValueError, ["y", "()"]),
    "two columns for one unit": (np.zeros((4, 2)), BINARY, 1, ValueError, ["y", "(4, 2)", "(samples, 1)"]),
    "one column for two units": (np.zeros(4), SQUARED, 2, ValueError, ["y", "(4,)", "(samples, 2)"]),
    "-1": ([0, 1, -1, 1], BINARY, 1, ValueError, ["y", "-1", "row 2", "[0, 1]"]),
    "2": ([0, 1, 2, 1], BINARY, 1, ValueError, ["y", "2", "row 2", "[0, 1]"]),
    "NaN": ([0, 1, NAN, 1], BINARY, 1, ValueError, ["y", "NaN at row 2"]),
    "NaN class": ([0, 1, NAN, 1], SPARSE, 3, ValueError, ["y", "NaN at row 2"]),
    "inf class": ([0, 1, INF, 1], SPARSE, 3, ValueError, ["y", "inf at row 2"]),
    "beyond float32": ([0, 1, 1e300, 1], SQUARED, 1, ValueError, ["y", "1e+300", "float32", "scale"]),
    "text": (["a", "b", "a", "b"], SPARSE, 2, TypeError, ["y", "'a'", "row 0", "np.unique"]),
    "None": (None, SPARSE, 2, TypeError, ["y", "None"]),
    "None inside": ([0, 1, None, 1], SPARSE, 2, TypeError, ["y", "None", "row 2"]),
    "mixed": (np.array([0, 1, "x", 1], object), SPARSE, 2, TypeError, ["y", "'x'", "row 2"]),
    "class -1": ([0, 1, -1, 1], SPARSE, 3, ValueError, ["y", "label -1", "row 2", "0..2"]),
    "class 3 of 3": ([0, 1, 2, 3], SPARSE, 3, ValueError, ["y", "label 3", "row 3", "0..2"]),
    "near 2**63": ([0, 1, 2**63 - 1, 1], SPARSE, 3, ValueError, ["y", str(2**63 - 1), "0..2"]),
    "uint64": (np.array([0, 1, 2**64 - 1, 1], "u8"), SPARSE, 3, ValueError, ["y", str(2**64 - 1), "0..2"]),
    "class 1.5": ([0, 1, 1.5, 1], SPARSE, 3, ValueError, ["y", "1.5", "row 2", "whole numbers"]),
    "one-hot for sparse": (np.eye(4), SPARSE, 4, ValueError, ["y", "(4, 4)", "categorical_crossentropy"]),
    "classes for one-hot": ([0, 1, 2, 1], DENSE, 3, ValueError, ["y", "(4,)", SPARSE]),
    "masked": (np.ma.masked_array([0, 1, 0, 1], [0, 0, 1, 0]), BINARY, 1, ValueError, ["y is masked at row 2"]),
    "complex": (np.array([0, 1j, 0, 1]), BINARY, 1, TypeError, ["y", "complex"]),
    "datetime": (np.arange(4).astype("M8[s]"), SQUARED, 1, TypeError, ["y", "1970", "row 0", "datetime"]),
    "ragged": ([[0], [1, 1], [0], [1]], SQUARED, 1, ValueError, ["y is ragged", "row 1 has 2 values"]),
    "numbers in text": (list("0101"), BINARY, 1, TypeError, ["y", "'0'", "row 0"]),
    "sparse": (Sparse(), BINARY, 1, TypeError, ["y is sparse", "dense input only; use y.toarray()"]),
    "no distribution": (np.full((4, 2), 0.7), DENSE, 2, ValueError, ["y", "1.4", "row 0", "one-hot"]),
    "negative share": (np.tile([1.5, -0.5], (4, 1)), DENSE, 2, ValueError, ["y", "1.5", "[0, 1]"]),
}


@pytest.mark.parametrize("case", BAD_Y)
def test_bad_targets(case):
    y, loss, units, error, words = BAD_Y[case]
    with raises(error, *words):
        checks.targets(y, F4, loss, units, 4)


@pytest.mark.parametrize("y", [
    [0, 1, 1, 0], [[0], [1], [1], [0]], np.array([0, 1, 1, 0], "i1"), np.array([False, True, True, False]),
    np.array([0.0, 1.0, 1.0, 0.0]), np.array([0, 1, 1, 0], object), np.array([[0, 1, 1, 0]]).T,
])  # fmt: skip
@pytest.mark.parametrize("loss", [BINARY, SQUARED, SPARSE])
def test_one_column_means_the_same_in_every_form(y, loss):
    Y = checks.targets(y, F4, loss, 2 if loss == SPARSE else 1, 4)
    assert Y.shape == (4, 1)
    assert Y.dtype == F4
    assert Y.flags.c_contiguous
    np.testing.assert_array_equal(Y[:, 0], [0, 1, 1, 0])


def test_too_many_classes_for_float32():
    with raises(ValueError, str(2**24), "float64"):
        checks.targets([0], F4, SPARSE, 2**24, 1)


# ---------------------------------------------------------------------------------------- loss and output

BAD_PAIRS = [
    ("softmax", 1, BINARY, ["softmax of 1 unit", "sigmoid"]),
    ("softmax", 1, SQUARED, ["softmax of 1 unit"]),
    ("sigmoid", 1, SPARSE, [SPARSE, "softmax", "'sigmoid'", BINARY]),
    ("sigmoid", 3, DENSE, [DENSE, "softmax", "'sigmoid'"]),
    ("linear", 3, DENSE, [DENSE, "softmax", "'linear'"]),
    ("linear", 1, BINARY, [BINARY, "sigmoid", "'linear'", SQUARED]),
    ("relu", 1, BINARY, [BINARY, "'relu'"]),
]


@pytest.mark.parametrize("activation, units, loss, words", BAD_PAIRS)
def test_loss_must_fit_the_output(activation, units, loss, words):
    with raises(ValueError, *words):
        network(units, activation, loss)
    late = Sequential()
    late.compile("sgd", loss)
    late.add(Dense(units, activation))
    with raises(ValueError, *words):
        late.fit([[1.0]], [1], verbose=0)
    assert not late.built


BAD_METRICS = [
    ("sigmoid", 1, BINARY, "sparse_categorical_accuracy", [SPARSE]),
    ("sigmoid", 1, BINARY, "categorical_accuracy", ["binary_accuracy"]),
    ("softmax", 3, SPARSE, "binary_accuracy", ["binary_accuracy", "accuracy"]),
    ("softmax", 3, SPARSE, "categorical_accuracy", ["categorical_accuracy", DENSE]),
    ("softmax", 3, SPARSE, "mse", ["mean_squared_error"]),
    ("softmax", 3, SPARSE, "rmse", ["mean_squared_error"]),
]


@pytest.mark.parametrize("activation, units, loss, metric, words", BAD_METRICS)
def test_metric_must_fit_the_loss(activation, units, loss, metric, words):
    with raises(ValueError, *words):
        network(units, activation, loss, metrics=[metric])


# --------------------------------------------------------------------------------------------- parameters

X, Y = data()

BAD_ARGUMENTS = {
    "units 0": (lambda: Dense(0), ValueError, ["units", "0"]),
    "units -1": (lambda: Dense(-1), ValueError, ["units", "-1"]),
    "units 2.5": (lambda: Dense(2.5), TypeError, ["units", "2.5"]),
    "units True": (lambda: Dense(True), TypeError, ["units", "True"]),
    "units text": (lambda: Dense("3"), TypeError, ["units", "'3'"]),
    "activation": (lambda: Dense(1, "rleu"), ValueError, ["activation", "'rleu'", "'relu'", "softmax"]),
    "activation type": (lambda: Dense(1, 3), TypeError, ["activation", "3", "relu"]),
    "kernel_initializer": (
        lambda: Dense(1, kernel_initializer="glorot"), ValueError, ["kernel_initializer", "glorot_uniform"]
    ),
    "bias_initializer": (lambda: Dense(1, bias_initializer=0), TypeError, ["bias_initializer", "0", "zeros"]),
    "use_bias": (lambda: Dense(1, use_bias="no"), TypeError, ["use_bias", "'no'"]),
    "input_dim": (lambda: Dense(1, input_dim=0), ValueError, ["input_dim", "0"]),
    "input_shape": (
        lambda: Dense(1, input_shape=(28, 28)), ValueError, ["input_shape", "(28, 28)", "reshape"]
    ),
    "both": (lambda: Dense(1, input_dim=2, input_shape=(3,)), ValueError, ["input_dim=2", "(3,)"]),
    "Input": (lambda: Input((None,)), TypeError, ["None"]),
    "Input of nothing": (lambda: Input(None), ValueError, ["None"]),
    "layer name": (lambda: Dense(1, name=3), TypeError, ["name", "3"]),
    "same name": (
        lambda: Sequential([Dense(1, name="a"), Dense(1, name="a")]), ValueError, ["'a'", "already"]
    ),
    "dtype": (lambda: Sequential(dtype="float16"), ValueError, ["dtype", "'float16'", "float32"]),
    "dtype None": (lambda: Sequential(dtype=None), ValueError, ["dtype", "None"]),
    "dtype nonsense": (lambda: Sequential(dtype="flaot"), ValueError, ["dtype", "'flaot'"]),
    "layer": (lambda: Sequential([3]), TypeError, ["layer", "3", "Dense"]),
    "late Input": (lambda: Sequential([Dense(1), Input((2,))]), ValueError, ["Input", "first"]),
    "inner input_dim": (
        lambda: Sequential([Dense(4, input_dim=2), Dense(1, input_dim=3)]), ValueError, ["input_dim=3", "4"]
    ),
    "too large": (
        lambda: Sequential([Dense(10**7, input_dim=10**7)]), MemoryError, ["100,000,010,000,000", "GiB"]
    ),
    "loss": (lambda: network(loss="mean_square_eror"), ValueError, ["loss", "'mean_square_eror'", SQUARED]),
    "no loss": (lambda: Sequential().compile("sgd"), ValueError, ["compile", "loss"]),
    "no optimizer": (lambda: Sequential().compile(None, "mse"), TypeError, ["optimizer", "None", "adam"]),
    "optimizer": (lambda: Sequential().compile("adm", "mse"), ValueError, ["optimizer", "'adm'", "'adam'"]),
    "optimizer type": (lambda: Sequential().compile(3, "mse"), TypeError, ["optimizer", "3", "adam"]),
    "metric": (lambda: network(metrics=["acuracy"]), ValueError, ["metric", "'acuracy'", "'accuracy'"]),
    "metrics text": (lambda: network(metrics="accuracy"), TypeError, ["metrics", "'accuracy'", "list"]),
    "metric twice": (lambda: network(metrics=["mse", "mse"]), ValueError, ["metrics", "'mse'", "twice"]),
    **{f"metric named {name}": (lambda name=name: network(metrics=[metrics.AUC(name=name)]), error, words)
       for name, error, words in (
        (3, TypeError, ["name", "3"]), ("", TypeError, ["name", "''"]),
        ("loss", ValueError, ["metrics", "'loss'", "taken", "name="]), ("epoch", ValueError, ["'epoch'", "taken"]),
        ("learning_rate", ValueError, ["'learning_rate'"]), ("val_loss", ValueError, ["'val_loss'", "'val_'"]))},
    "from_logits": (lambda: network(loss=losses.BinaryCrossentropy(from_logits=True)), ValueError,
                    ["from_logits=True", "'sigmoid'"]),
    "from_logits 1": (lambda: losses.BinaryCrossentropy(from_logits=1), TypeError, ["from_logits"]),
    "label_smoothing": (lambda: losses.CategoricalCrossentropy(label_smoothing=2), ValueError, ["label_smoothing"]),
    "delta": (lambda: losses.Huber(delta=0), ValueError, ["delta"]),
    "loss argument": (lambda: losses.BinaryCrossentropy(from_logit=True), TypeError,
                      ["BinaryCrossentropy", "'from_logit'", "Did you mean 'from_logits'?", "label_smoothing"]),
    "loss argument of another": (lambda: losses.SparseCategoricalCrossentropy(label_smoothing=0.1), TypeError,
                                 ["'label_smoothing'", "from_logits"]),
    "loss argument of none": (lambda: losses.MeanSquaredError(foo=3), TypeError, ["'foo'", "name, reduction"]),
    "reduction": (lambda: losses.Huber(reduction="sum"), ValueError, ["reduction", "'sum_over_batch_size'", "'sum'"]),
    "loss name": (lambda: losses.Poisson(name=""), TypeError, ["name", "''"]),
    "loss name set": (lambda: setattr(losses.Huber(), "name", 3), TypeError, ["name", "3"]),
    "loss kernel": (lambda: setattr(losses.Huber(), "kernel", "mse"), AttributeError, ["kernel of Huber", "delta"]),
    "loss attribute": (lambda: setattr(losses.Huber(), "dleta", 1), AttributeError, ["'dleta'", "mean 'delta'?"]),
    "activation object": (lambda: Dense(1, activations.Activation("relux", "", "")), ValueError, ["'relux'", "'relu'"]),
    "penalty set": (lambda: setattr(regularizers.L2(), "l2", -1), ValueError, ["l2", "[0, inf)", "-1"]),
    "penalty it has not": (lambda: setattr(regularizers.L2(), "l1", 1), AttributeError, ["l1 of L2"]),
    "max_value set": (lambda: setattr(constraints.MaxNorm(), "max_value", 0), ValueError, ["max_value", "0"]),
    "thresholds set": (lambda: setattr(metrics.AUC(), "num_thresholds", 0), AttributeError, ["num_thresholds of AUC"]),
    "m": (lambda: setattr(optimizers.LBFGS(), "m", 0), ValueError, ["m must be 1 or more"]),
    "LBFGS option": (lambda: setattr(optimizers.LBFGS(), "use_ema", True), AttributeError, ["use_ema of LBFGS", "tol"]),
    "alpha NaN": (lambda: activations.elu(alpha=NAN), ValueError, ["alpha", "nan"]),
    "penalty NaN": (lambda: regularizers.L2(NAN), ValueError, ["l2", "nan"]),
    "regularizer": (lambda: Dense(1, kernel_regularizer="l3"), ValueError, ["kernel_regularizer", "'l3'", "'l2'"]),
    "gamma": (lambda: losses.BinaryFocalCrossentropy(gamma=-1), ValueError, ["gamma"]),
    "alpha": (lambda: activations.elu(alpha=-1), ValueError, ["alpha"]),
    "not alpha": (lambda: activations.elu(slope=1), TypeError, ["elu", "'alpha'", "'slope'"]),
    "no parameters": (lambda: activations.relu(alpha=1), TypeError, ["relu", "no parameters"]),
    "activation of an array": (lambda: activations.relu(X), TypeError, ["relu", "Dense(", "ndarray", "activate"]),
    "parameter without a name": (lambda: activations.elu(0.5), TypeError, ["elu(alpha=...)", "float"]),
    "approximate": (lambda: activations.gelu(approximate=1), TypeError, ["approximate"]),
    "seed": (lambda: fcnet.set_seed(-1), ValueError, ["seed", "-1"]),
    "seed type": (lambda: fcnet.set_seed("1"), TypeError, ["seed", "'1'"]),
    "initializer seed": (lambda: initializers.HeNormal(seed=-1), ValueError, ["seed", "-1"]),
    "stddev": (lambda: initializers.RandomNormal(stddev=-1), ValueError, ["stddev", "-1"]),
    "maxval": (lambda: initializers.RandomUniform(maxval=-1), ValueError, ["maxval", "-1"]),
    "constant": (lambda: initializers.Constant(NAN), ValueError, ["value", "nan"]),
    "batch_size 0": (lambda: network().fit(X, Y, batch_size=0), ValueError, ["batch_size", "0"]),
    "batch_size 2.5": (lambda: network().fit(X, Y, batch_size=2.5), ValueError, ["batch_size", "2.5"]),
    "predict batch_size": (lambda: network().predict(X, batch_size=0), ValueError, ["batch_size", "0"]),
    "epochs 0": (lambda: network().fit(X, Y, epochs=0), ValueError, ["epochs", "0"]),
    "epochs 1.5": (lambda: network().fit(X, Y, epochs=1.5), TypeError, ["epochs", "1.5"]),
    "initial_epoch": (
        lambda: network().fit(X, Y, epochs=2, initial_epoch=3), ValueError, ["initial_epoch", "3", "2"]
    ),
    "verbose": (lambda: network().fit(X, Y, verbose=3), ValueError, ["verbose", "3"]),
    "verbose text": (lambda: network().fit(X, Y, verbose="loud"), ValueError, ["verbose", "'loud'"]),
    "shuffle": (lambda: network().fit(X, Y, shuffle="batch"), TypeError, ["shuffle", "'batch'"]),
    "fit seed": (lambda: network().fit(X, Y, seed=-1), ValueError, ["seed", "-1"]),
    "validation_split 1": (
        lambda: network().fit(X, Y, validation_split=1), ValueError, ["validation_split", "[0, 1)", "1"]
    ),
    "validation_split small": (
        lambda: network().fit(X[:1], Y[:1], validation_split=0.1), ValueError, ["validation_split=0.1", "1 "]
    ),
    "validation_data": (
        lambda: network().fit(X, Y, validation_data=X), ValueError, ["validation_data", "(x, y)", "ndarray"]
    ),
    "validation features": (
        lambda: network().fit(X, Y, validation_data=(X[:, :1], Y)), ValueError, ["X has 1 feature,", "2"]
    ),
    "layer index": (lambda: network().get_layer(index=2), ValueError, ["index", "2"]),
    "layer name unknown": (lambda: network().get_layer("x"), ValueError, ["'x'", "dense_1"]),
    "layer nothing": (lambda: network().get_layer(), ValueError, ["name", "index"]),
    "weights count": (lambda: network().set_weights([]), ValueError, ["weights", "4 arrays", "0"]),
    "build": (lambda: network().build((None, 3)), ValueError, ["input_shape", "3", "2 features"]),
    "build images": (
        lambda: Sequential([Dense(1)]).build((None, 28, 28)), ValueError, ["input_shape", "(None, 28, 28)", "reshape"]
    ),
    "layers without a list": (lambda: Sequential(Dense(8), Dense(1)), TypeError, ["layers must be a list", "Dense(8"]),
    "a name for layers": (lambda: Sequential("name"), TypeError, ["layers must be a list", "'name'"]),
    "build nothing": (lambda: Sequential([Dense(1)]).build(()), ValueError, ["input_shape", "()"]),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_ARGUMENTS)
def test_bad_arguments(case):
    call, error, words = BAD_ARGUMENTS[case]
    with raises(error, *words):
        call()


@pytest.mark.parametrize("value", [0, -1, -0.5, NAN, INF, "0.1", None, True])
@pytest.mark.parametrize("kind", [optimizers.SGD, optimizers.Adam, optimizers.Adamax])
def test_learning_rate(kind, value):
    with raises(ValueError, "learning_rate", "(0, inf)", repr(value)):
        kind(learning_rate=value)
    optimizer = kind()
    with raises(ValueError, "learning_rate"):
        optimizer.learning_rate = value
    assert optimizer.learning_rate == kind().learning_rate


@pytest.mark.parametrize("kind, name, value", [
    (optimizers.SGD, "momentum", 2), (optimizers.SGD, "momentum", -0.1), (optimizers.Adam, "beta_1", 1),
    (optimizers.Adam, "beta_2", -0.1), (optimizers.Adam, "epsilon", 0), (optimizers.Adamax, "beta_1", NAN),
])  # fmt: skip
def test_hyperparameters(kind, name, value):
    with raises(ValueError, name, repr(value)):
        kind(**{name: value})


def test_nearest_name_and_all_names():
    with raises(ValueError, "'mean_absolut_error'", "Did you mean 'mean_absolute_error'", *(
        name for name in metrics.METRICS if name.islower()
    )):  # fmt: skip
        metrics.get("mean_absolut_error")


def test_large_batch_is_clipped_with_one_warning():
    model = network()
    with pytest.warns(UserWarning, match="batch_size is 64 and there are 10 samples") as caught:
        history = model.fit(X, Y, batch_size=64, epochs=3, verbose=0)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert history.params["steps"] == 1
    model.fit(X, Y, verbose=0)  # the default says nothing


def test_states():
    with raises(RuntimeError, "compile", "fit"):
        Sequential([Dense(1, input_dim=2)]).fit(X, Y)
    with raises(RuntimeError, "no layers"):
        Sequential().count_params()
    with raises(RuntimeError, "no parameters", "input_dim"):
        Sequential([Dense(1)]).predict(X)
    with raises(RuntimeError, "no parameters", "input_dim"):
        Dense(1).get_weights()
    model = Sequential([Dense(1)])
    model.compile("sgd", "mse")
    with raises(RuntimeError, "no parameters"):
        model.evaluate(X, Y)


def test_nothing_changes_when_an_argument_is_refused():
    model = network()
    before = model.parameters.copy()
    for word, arguments in (
        ("samples", dict(x=X, y=Y[:3])), ("NaN", dict(x=X * NAN, y=Y)), ("[0, 1]", dict(x=X, y=Y - 5)),
        ("epochs", dict(x=X, y=Y, epochs=0)), ("[0, 1]", dict(x=X, y=Y, validation_data=(X, Y + 7))),
        ("seed", dict(x=X, y=Y, seed=-3)),
    ):  # fmt: skip
        with raises(ValueError, word):
            model.fit(**arguments, verbose=0)
    np.testing.assert_array_equal(model.parameters, before)
    assert model.history is None
    assert model.optimizer.iterations == 0
    unbuilt = Sequential([Dense(1, "sigmoid")])
    unbuilt.compile("sgd", BINARY)
    with raises(ValueError, "y"):
        unbuilt.fit(X, Y - 5, verbose=0)
    assert not unbuilt.built
    with raises(ValueError, "kernel_initializer", "(1, 2)", "(3,)"):
        model.add(Dense(2, kernel_initializer=lambda shape, dtype: np.ones(3)))
    assert len(model.layers) == 2
    with raises(ValueError, "dense_1.bias", "(1,)", "(7,)"):
        model.set_weights([*(w + 1 for w in model.get_weights()[:3]), np.ones(7)])
    np.testing.assert_array_equal(model.parameters, before)
