"""Checks of arguments and arrays, and the texts of their errors, for all modules.

What one class or function alone has to refuse, it refuses itself. A message names the parameter, what came,
what must hold, and the likely fix. Arrays are read once and come out in the one form that the kernels are
compiled for: C-contiguous, aligned, native byte order, of the model's dtype. The caller's arrays are never
written to.
"""

from __future__ import annotations

import contextlib
import datetime
import difflib
import importlib
import inspect
import math
import numbers
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar, NoReturn, TypeVar

import numpy as np
from numba.core.dispatcher import Dispatcher

from .kernels import formula
from .kernels.arguments import described
from .sparse import SparseRows

T = TypeVar("T")

DTYPES = ("float32", "float64")
_CHUNK = 1 << 16  # numbers looked at together when searching for NaN: their flags come from no new pages of memory
_REAL = (numbers.Real, np.bool_, Decimal)


# ---------------------------------------------------------------------------------------------- parameters


def whole(name: str, value: Any, low: int, wrong_type: type[Exception] = TypeError) -> int:
    """`value` as an int of at least `low`."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Integral):
        raise wrong_type(f"{name} must be a whole number, got {value!r}")
    if value < low:
        raise ValueError(f"{name} must be {low} or more, got {value!r}")
    return int(value)


def count(name: str, value: Any, low: int) -> int:
    """The same of a number that compiled code goes on counting from, in 64 bits."""
    found = whole(name, value, low)
    if found >= 2**62:
        raise ValueError(f"{name} must be below 2**62, got {found}")
    return found


def threads(n_threads: Any) -> int | None:
    """A number of threads, or None for the default."""
    return None if n_threads is None else whole("n_threads", n_threads, 1)


def real(name: str, value: Any, low: float, high: float, ends: str = "[]") -> float:
    """`value` as a finite float between `low` and `high`; `ends` says which ends belong to the range."""
    within = f"{ends[0]}{low:g}, {high:g}{ends[1]}"
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real) or not math.isfinite(value):
        raise ValueError(f"{name} must be a number in {within}, got {value!r}")
    number = float(value)
    above = number >= low if ends[0] == "[" else number > low
    below = number <= high if ends[1] == "]" else number < high
    if not (above and below):
        raise ValueError(f"{name} must be in {within}, got {value!r}")
    return number


def flag(name: str, value: Any) -> bool:
    """`value` as a bool; nothing else counts as true or false."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def keywords(what: str, given: Iterable[str], valid: Iterable[str]) -> None:
    """Refuse keyword arguments that are not in `valid`."""
    for name in given:
        if name not in (names := sorted(valid)):
            hint = nearest(name, names, 0.6)
            raise TypeError(f"{what} has no argument {name!r}. {hint}The arguments are {', '.join(names)}")


def only_one(values: Mapping[str, Any]) -> None:
    """Refuse more than one value that is not None."""
    given = [f"{name}={value!r}" for name, value in values.items() if value is not None]
    if len(given) > 1:
        raise ValueError(f"at most one of {', '.join(values)} can be set, got {' and '.join(given)}")


def extra(module: str, name: str, what: str) -> Any:
    """A module of an optional package, which comes with the extra `name` and is imported when it is needed."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = {"plot": "Matplotlib", "scipy": "SciPy"}[name]
        raise ImportError(f"{what} needs {package}: pip install 'fcnet[{name}]'") from error


def rates(schedule: Any, values: Any, count: int) -> np.ndarray:
    """The learning rates that a schedule gives for `count` steps."""
    found = np.ascontiguousarray(values, np.float64)
    if found.shape != (count,):
        raise ValueError(f"{schedule!r} must give one rate for each of {count} steps, got shape {np.shape(values)}")
    wrong = ~(np.isfinite(found) & (found >= 0))
    if wrong.any():
        raise ValueError(f"{schedule!r} must give rates of 0 or more, got {found[wrong.argmax()]}")
    return found


def text(name: str, value: Any) -> str:
    """`value` as a str that is not empty."""
    if not isinstance(value, str) or not value:
        raise TypeError(f"{name} must be a text, got {value!r}")
    return value


def path(name: str, value: Any) -> str:
    """`value` as the path of a file."""
    if not isinstance(value, (str, os.PathLike)) or not os.fspath(value):
        raise TypeError(f"{name} must be the path of a file, got {value!r}")
    return os.fsdecode(value)


def named(name: str, value: Any) -> Mapping[str, Any]:
    """`value` as a dict by names; None is an empty one."""
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise TypeError(f"{name} must be a dict of {{name: object}}, got {value!r}")
    return value


def one_of(name: str, value: Any, choices: Sequence[str]) -> str:
    """`value` as one of the texts."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} must be {' or '.join(map(repr, choices))}, got {value!r}")
    return value


def metric_names(names: Sequence[str]) -> None:
    """Refuse names of which two are the same, or that stand for something else in logs and History."""
    for i, name in enumerate(names):
        if name in names[:i]:
            raise ValueError(f"metrics: the name {name!r} stands twice; names must differ")
        if name in _LOGS or name.startswith("val_"):
            raise ValueError(
                f"metrics: the name {name!r} is taken, as are {', '.join(_LOGS)} and all that begin with 'val_': give "
                "the metric another one, with name=..."
            )


_LOGS = ("loss", "epoch", "learning_rate")


def unknown(kind: str, value: Any, valid: Iterable[str]) -> NoReturn:
    """Raise for a name that is not in `valid`: the nearest one first, then all of them."""
    names = sorted(valid)
    if not isinstance(value, str):
        raise TypeError(f"{kind} must be a name or an object of fcnet, got {value!r}; the names are {', '.join(names)}")
    raise ValueError(f"unknown {kind} {value!r}. {nearest(value, names)}The names are {', '.join(names)}")


def nearest(value: str, valid: Iterable[str], cutoff: float = 0.3) -> str:
    """A question for the name that may be meant, or nothing if none is as similar as `cutoff`, from 0 to 1."""
    near = difflib.get_close_matches(value.lower(), sorted(valid), n=1, cutoff=cutoff)
    return f"Did you mean {near[0]!r}? " if near else ""


def declared(kind: str, identifier: Any, base: type[T], names: Mapping[str, type[T]]) -> T:
    """The object that `identifier` is, or a new one of the class it is or names."""
    if isinstance(identifier, base) and type(identifier) is not base:
        return identifier
    found = names.get(identifier) if isinstance(identifier, str) else identifier
    if isinstance(found, type) and found in names.values():
        return found()
    # Each class also has names in other spellings; those in lower case are enough to choose from.
    unknown(kind, identifier, (name for name in names if name.islower()))


_latest = [object()]


def latest_setting() -> object:
    """What is another object whenever something `Declared` has been set since, anywhere in the process.

    Who keeps it, from before it read any of that, need not read it again as long as it is the same.
    """
    return _latest[0]


def note_setting() -> None:
    """Say that something `Declared` is not what it was."""
    _latest[0] = object()


class Declared:
    """Base of what is said in Python and done in compiled code.

    What can be set of it is checked whenever it is, and nothing else can be set. Nor can users derive classes from it:
    what they write in them would be passed over.
    """

    # What lies where, and what is True or False; then other attributes that can be set, which `_setting` checks.
    ranges: ClassVar[dict[str, tuple[float, float, str]]] = {}
    flags: ClassVar[tuple[str, ...]] = ()
    settable: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.__module__.rpartition(".")[0] != __package__:
            base = next(kind for kind in cls.__mro__[1:] if issubclass(kind, Declared))
            raise TypeError(
                f"{cls.__name__} can't be derived from {base.__name__}: training is compiled, and would call no method "
                "of it. Activations, losses and metrics of your own are functions with @numba.njit: see docs/custom.md"
            )

    def _define(self, **values: Any) -> None:
        """Set what stays as it is made, of values that have been checked."""
        vars(self).update(values)

    def __setattr__(self, name: str, value: Any) -> None:
        value = self._setting(name, value)
        note_setting()  # also before: Ctrl-C may come in between
        object.__setattr__(self, name, value)
        note_setting()

    def _setting(self, name: str, value: Any) -> Any:
        """The value that an attribute takes.

        Raises
        ------
        AttributeError
            If it can't be set.
        """
        if name in self.ranges:
            return real(name, value, *self.ranges[name])
        if name in self.flags:
            return flag(name, value)
        if name not in self.settable:
            not_settable(self, name, (*self.ranges, *self.flags, *self.settable))
        return value


def not_settable(owner: Any, name: str, settable: Iterable[str]) -> NoReturn:
    """Raise for an attribute that is not there, or stays as it is; the message has those that can be set."""
    kind, names = type(owner).__name__, sorted(settable)
    listed = ", ".join(names) or "nothing"
    if name in vars(owner) or hasattr(type(owner), name):
        raise AttributeError(f"{name} of {kind} can't be changed, make a new {kind}; what can be changed is {listed}")
    raise AttributeError(f"{kind} has no attribute {name!r}. {nearest(name, names, 0.6)}What can be set is {listed}")


def is_function(value: Any) -> bool:
    """Whether it is a function, compiled by Numba or not, and no object that can be called, like a loss of Keras."""
    return callable(value) and (inspect.isroutine(value) or isinstance(value, Dispatcher))


def njit(name: str, value: Any, arguments: tuple[str, ...]) -> None:
    """Refuse what is not a function compiled by Numba, from so many numbers to one."""
    called = getattr(getattr(value, "py_func", value), "__name__", type(value).__name__)
    shown = f"{called if called.isidentifier() else 'my_function'}({', '.join(arguments)})"
    if not isinstance(value, Dispatcher):
        came = f"the plain Python function {called}" if inspect.isfunction(value) else repr(value)
        raise TypeError(
            f"{name} must be compiled by Numba, as it runs inside the compiled training:\n\n    @numba.njit\n"
            f"    def {shown}:\n        ...\n\ngot {came}"
        )
    try:
        inspect.signature(value.py_func).bind(*arguments)
    except TypeError:
        takes = f"{called}{inspect.signature(value.py_func)}"
        count = _count(len(arguments), "number")
        raise TypeError(f"{name} must be a function of {count}, {shown}; got {takes}") from None
    try:
        result = formula.result_type(value, len(arguments))
    except formula.Uncompilable as error:
        raise TypeError(f"{name}: {called} does not compile for numbers. Numba says: {error}") from None
    if not formula.is_number(result):
        raise TypeError(f"{name} must return one number, got {result} from {called}")


def dtype(value: Any) -> np.dtype[Any]:
    """The model's dtype, float32 or float64."""
    try:
        found = np.dtype(value)
    except TypeError:
        found = None
    if value is None or found is None or found.name not in DTYPES:
        raise ValueError(f"dtype must be 'float32' or 'float64', got {value!r}")
    return found.newbyteorder("=")


def seed(value: Any) -> int | np.random.Generator:
    """A seed: a whole number of 0 or more, or a numpy.random.Generator."""
    return value if isinstance(value, np.random.Generator) else whole("seed", value, 0)


def verbose(value: Any) -> int:
    """How much to show: 0, 1 or 2; "auto" means 1."""
    if isinstance(value, str) and value == "auto":
        return 1
    if not isinstance(value, (int, np.integer)) or value not in (0, 1, 2):
        raise ValueError(f"verbose must be 'auto', 0 (silence), 1 (bar) or 2 (lines), got {value!r}")
    return int(value)


def batch_size(value: Any, samples: int) -> int:
    """The batch size, by default 32, clipped to the number of samples; a warning says so when it was given."""
    if value is None:
        return min(32, samples)
    size = whole("batch_size", value, 1, wrong_type=ValueError)
    if size > samples:
        warnings.warn(
            f"batch_size is {size} and there are {samples} samples: each batch has {samples}", stacklevel=3
        )
    return min(size, samples)


def full_batch(value: Any, samples: int) -> int:
    """The batch size of an optimizer that takes all samples at once."""
    if value is not None and whole("batch_size", value, 1, wrong_type=ValueError) != samples:
        raise ValueError(f"LBFGS takes all {samples} samples at once, got batch_size={value!r}: leave it out")
    return samples


def epoch_range(epochs: Any, initial_epoch: Any) -> range:
    """The epochs to run, counted from 0."""
    last = whole("epochs", epochs, 1)
    first = whole("initial_epoch", initial_epoch, 0)
    if first > last:
        raise ValueError(
            f"initial_epoch must not exceed epochs, got {first} and {last}; epochs is the number of the last "
            "epoch, not a number of further ones"
        )
    return range(first, last)


def validation_epochs(freq: Any) -> Callable[[int], bool]:
    """Whether the epoch of a number, counted from 0, ends with a validation."""
    if isinstance(freq, Sequence) and not isinstance(freq, str):
        numbers_from_1 = frozenset(whole("validation_freq", number, 1) for number in freq)
        return lambda epoch: epoch + 1 in numbers_from_1
    every = whole("validation_freq", freq, 1)
    return lambda epoch: (epoch + 1) % every == 0


def is_array(x: Any) -> bool:
    """Whether x is an array or a table, and no list of anything."""
    faces = "__array__", "__array_interface__", "__buffer__", "__dataframe__", "to_numpy", "toarray"
    return any(hasattr(x, face) for face in faces)


def counted(x: Any) -> bool:
    """Whether x is no array, gives something for every number below its length, and has no iterator of its own.

    Python and NumPy would ask such an object for one thing after the other until it raises IndexError, for ever if it
    never does: ask it for `len` of them.
    """
    return hasattr(x, "__getitem__") and hasattr(x, "__len__") and not (isinstance(x, Iterable) or is_array(x))


def length(x: Any) -> int:
    """The rows of one block."""
    try:
        return x.shape[0] if hasattr(x, "shape") else len(x)
    except (TypeError, IndexError):
        raise TypeError(f"X must be an array of numbers, got {type(x).__name__}") from None


def passes(once: bool, epochs: int, steps: int | None, name: str = "x") -> None:
    """Refuse an iterator for more than one pass."""
    if once and epochs > 1 and steps is None:
        fix = "" if name != "x" else ", or steps_per_epoch"
        raise ValueError(f"{name} is an iterator, which goes by once: pass a function that makes a new one{fix}")


def data(name: str, value: Any) -> tuple[Any, Any, Any]:
    """`value`, which is (x, y) or (x, y, sample_weight), as the latter."""
    if not isinstance(value, (tuple, list)) or len(value) not in (2, 3):
        came = f"{type(value).__name__} of {len(value)}" if hasattr(value, "__len__") else repr(value)
        raise ValueError(f"{name} must be (x, y) or (x, y, sample_weight), got {came}")
    return value[0], value[1], value[2] if len(value) == 3 else None


def together(first: str, one: Any, second: str, other: Any) -> bool:
    """Whether both are given; refuse one without the other."""
    if (one is None) != (other is None):
        given, missing = (second, first) if one is None else (first, second)
        raise ValueError(f"{given} is given without {missing}: give both, or neither")
    return one is not None


def split(fraction: Any, samples: int) -> int:
    """How many samples stay for training when the last `fraction` of them is held out."""
    share = real("validation_split", fraction, 0, 1, "[)")
    kept = math.floor(samples * (1.0 - share))
    if share and not 0 < kept < samples:
        raise ValueError(
            f"validation_split={fraction!r} of {samples} samples leaves {kept} to train on and "
            f"{samples - kept} to validate on; both need at least one"
        )
    return kept


def input_size(input_dim: Any, input_shape: Any) -> int | None:
    """Number of features from Keras's `input_dim=2` or `input_shape=(2,)`."""
    size = None if input_dim is None else whole("input_dim", input_dim, 1)
    if input_shape is None:
        return size
    shape = (input_shape,) if isinstance(input_shape, numbers.Integral) else input_shape
    if isinstance(shape, str) or not isinstance(shape, Sequence) or len(shape) != 1:
        raise ValueError(
            f"input_shape must hold one number, the features, like (2,); got {input_shape!r}. Flatten images "
            "first: X.reshape(len(X), -1)"
        )
    if size is not None and shape[0] != size:
        raise ValueError(f"input_dim={input_dim!r} and input_shape={input_shape!r} contradict each other")
    return whole("input_shape[0]", shape[0], 1)


CROSS_ENTROPIES = (
    "binary_crossentropy", "binary_focal_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy"
)  # fmt: skip
HINGES = ("hinge", "squared_hinge")
PROBABILITIES = ("sigmoid", "softmax", "hard_sigmoid")
NOT_NEGATIVE = (*PROBABILITIES, "exponential", "softplus", "relu", "relu6")


def output_fits(loss: str, activation: object, units: int, from_logits: bool) -> None:
    """Refuse a loss that makes no sense with the last layer; an activation that has no name may give anything."""
    if from_logits:
        if activation != "linear":
            raise ValueError(
                f"from_logits=True means that the outputs are logits: leave the activation of the last layer out, "
                f"got {activation!r}; or leave from_logits out, the loss is computed from the logits all the same"
            )
        return
    if activation == "softmax" and units == 1:
        raise ValueError(
            "softmax of 1 unit is always 1: use activation='sigmoid' with loss='binary_crossentropy', or "
            "one unit for every class"
        )
    if loss in ("categorical_crossentropy", "sparse_categorical_crossentropy"):
        if activation != "softmax":
            raise ValueError(
                f"loss={loss!r} fits a last layer with activation='softmax', got {activation!r} with {units} "
                f"unit{'s' * (units > 1)}; for one sigmoid unit use loss='binary_crossentropy'"
            )
    elif loss in CROSS_ENTROPIES and isinstance(activation, str) and activation not in PROBABILITIES:
        raise ValueError(
            f"loss={loss!r} fits a last layer with activation='sigmoid' or 'softmax', got {activation!r}; for any "
            "other use loss='mean_squared_error', or from_logits=True with a linear one"
        )


def metric_fits(metric: str, loss: str, units: int) -> None:
    """Refuse a metric that needs labels of another kind than the loss."""
    sparse = loss == "sparse_categorical_crossentropy"
    if metric in ("class_counts", "histogram"):
        return
    if sparse and not metric.startswith("sparse"):
        raise ValueError(
            f"metric {metric!r} does not fit the class numbers of loss={loss!r}; use 'accuracy', or one-hot "
            "labels with loss='categorical_crossentropy'"
        )
    if not sparse and metric.startswith("sparse"):
        raise ValueError(
            f"metric {metric!r} fits loss='sparse_categorical_crossentropy' only, got loss={loss!r}; use "
            "'accuracy', which picks the fitting one"
        )
    if metric.endswith("categorical_accuracy") and units == 1:
        raise ValueError(f"metric {metric!r} of 1 unit is always 1: use 'binary_accuracy' or 'accuracy'")


def memory(n_params: int, dtype: np.dtype[Any]) -> None:
    """Refuse parameters and a gradient that exceed the machine's memory, before allocating them."""
    need = 2 * n_params * dtype.itemsize
    have = _physical_memory()
    if need > have:
        raise MemoryError(
            f"{n_params:,} parameters and their gradient in {dtype.name} need {need / 2**30:,.1f} GiB; this "
            f"machine has {have / 2**30:,.1f} GiB"
        )


def _physical_memory() -> float:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows: NumPy raises its own MemoryError
        return math.inf


# -------------------------------------------------------------------------------------------------- arrays


def features(X: Any, dtype: np.dtype[Any], expected: int | None = None, least: int = 1) -> np.ndarray:
    """The samples as a C-contiguous array of the model's dtype, or as sparse rows.

    Parameters
    ----------
    X : array_like of shape (B, I)
        Anything NumPy reads as numbers: arrays of any layout and real dtype, lists, memory maps, and pandas,
        polars and Arrow tables. Or a sparse matrix or array of SciPy's.
    dtype : numpy.dtype
        float32 or float64.
    expected : int, optional
        The number of features the model was built for.
    least : int, default=1
        The smallest number of rows.

    Returns
    -------
    ndarray or SparseRows of shape (B, I)
        The caller's own memory when it already has the right form: it is only read.

    Raises
    ------
    TypeError
        If X holds no real numbers.
    ValueError
        If the shape is wrong, or a value is missing, NaN, infinite or too large for `dtype`.
    """
    if is_ready(X, dtype, expected) and len(X) >= least:
        return X
    A = X if hasattr(X, "tocsr") else _numeric("X", X)
    if A.ndim != 2:
        fix = "X.reshape(-1, 1) if it is one feature, X.reshape(1, -1) if it is one sample"
        if A.ndim > 2:
            fix = "X.reshape(len(X), -1)"
        raise ValueError(f"X: expected 2-D (samples, features), got {A.shape}; pass {fix}")
    if A.shape[1] == 0:
        raise ValueError(f"X has no features, its shape is {A.shape}")
    if expected is not None and A.shape[1] != expected:
        raise ValueError(f"X has {_count(A.shape[1], 'feature')}, the model expects {expected}")
    if A.shape[0] < least:
        raise ValueError(f"X has no samples, its shape is {A.shape}")
    return normalised("X", A, dtype) if isinstance(A, np.ndarray) else _sparse(A, dtype)


def is_ready(values: Any, dtype: np.dtype[Any], columns: int | None) -> bool:
    """True if they are an array of so many columns that kernels may read as it is, not large and every value finite.

    False says nothing: all that is checked after it would have found the same, but takes four times as long.
    """
    if type(values) is not np.ndarray or values.ndim != 2 or values.shape[1] != columns or values.dtype != dtype:
        return False
    flags = values.flags
    return flags.c_contiguous and flags.aligned and values.size <= _CHUNK and bool(np.isfinite(values).all())


def _sparse(X: Any, dtype: np.dtype[Any]) -> Any:
    """The rows of a sparse matrix, every value finite: SparseRows, which go where arrays go."""
    if X.dtype.kind not in "fiub":
        raise TypeError(f"X must hold real numbers, got a sparse matrix of {X.dtype}")
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        rows = SparseRows.of(_compressed(_compressed(X).tocsr()), dtype)
    finite = np.isfinite(rows.values)
    if not finite.all():
        k = int(finite.argmin())
        row, column = int(np.searchsorted(rows.starts, k, side="right")) - 1, int(rows.columns[k])
        _refuse("X", X.tocsr().data[k], (row, column), dtype)
    return rows


def _compressed(X: Any) -> Any:
    """A sparse matrix whose indices lie within it: SciPy takes others too, and compiled code would follow them."""
    if getattr(X, "format", None) not in ("csr", "csc", "bsr"):
        return X
    rows, columns = (size // block for size, block in zip(X.shape, getattr(X, "blocksize", (1, 1)), strict=True))
    lines, places = (columns, rows) if X.format == "csc" else (rows, columns)
    indptr, indices, values = X.indptr, X.indices, len(X.data)
    if len(indptr) != lines + 1 or indptr[0] != 0 or (np.diff(indptr) < 0).any():
        raise ValueError(f"X is a corrupt sparse matrix: indptr must have {lines + 1} numbers that rise from 0")
    if not indptr[-1] <= min(len(indices), values):
        raise ValueError(f"X is a corrupt sparse matrix: indptr ends at {indptr[-1]}, and there are {values} values")
    outside = (indices < 0) | (indices >= places)
    if outside.any():
        k = int(outside.argmax())
        raise ValueError(f"X is a corrupt sparse matrix: indices[{k}] is {indices[k]}, and must be below {places}")
    return X


def targets(y: Any, dtype: np.dtype[Any], loss: str, units: int, samples: int) -> np.ndarray:
    """The labels as a C-contiguous 2-D array of the model's dtype, fit for the loss.

    Parameters
    ----------
    y : array_like of shape (B,), (B, 1) or (B, O)
        (B,) and (B, 1) mean the same.
    dtype : numpy.dtype
        float32 or float64.
    loss : str
        Canonical name; it says what y may hold.
    units : int
        O, the units of the last layer.
    samples : int
        B, the rows of X.

    Returns
    -------
    ndarray of shape (B, O), or (B, 1) with class numbers for sparse_categorical_crossentropy

    Raises
    ------
    TypeError, ValueError
        If y is not numeric, has another length than X or another width than the output, or holds a label
        outside the range of the loss.
    """
    sparse = loss == "sparse_categorical_crossentropy"
    ready = is_ready(y, dtype, 1 if sparse else units) and len(y) == samples
    A = y if ready else _columns(y, 1 if sparse else units, loss, units, samples)
    if sparse:
        _class_numbers(A, units, dtype)
    Y = A if ready else normalised("y", A, dtype)
    if sparse:
        return Y
    if loss in (*HINGES, "categorical_hinge"):
        allowed = (0, 1) if loss == "categorical_hinge" else (-1, 0, 1)
        wrong = ~np.isin(Y, allowed)
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            needs = "one-hot labels" if loss == "categorical_hinge" else "labels 1 and -1, or 1 and 0"
            raise ValueError(f"y holds {A[row, column]} at row {row}, loss={loss!r} needs {needs}")
    if loss == "poisson" and (Y < 0).any():
        row, column = np.argwhere(Y < 0)[0]
        raise ValueError(f"y holds {A[row, column]} at row {row}, loss={loss!r} needs counts, 0 or more")
    if loss in CROSS_ENTROPIES:
        outside = (Y < 0) | (Y > 1)
        if outside.any():
            row, column = np.argwhere(outside)[0]
            raise ValueError(
                f"y holds {A[row, column]} at row {row}, loss={loss!r} needs labels in [0, 1]; for other "
                "values use loss='mean_squared_error'"
            )
    if loss == "categorical_crossentropy":
        # The gradient (p - y)/B holds only for labels that add up to 1.
        sums = Y.sum(axis=1, dtype=np.float64)
        wrong = np.abs(sums - 1) > 1e-3
        if wrong.any():
            row = int(wrong.argmax())
            raise ValueError(
                f"y adds up to {sums[row]:g} at row {row}; loss='categorical_crossentropy' needs one-hot "
                "labels or probabilities (several classes at once: sigmoid, loss='binary_crossentropy')"
            )
    return Y


def _columns(y: Any, width: int, loss: str, units: int, samples: int) -> np.ndarray:
    """The labels as an array of so many rows and columns, not yet converted."""
    A = _numeric("y", y)
    if A.ndim not in (1, 2):
        raise ValueError(f"y: expected (samples,) or (samples, {units}), got {A.shape}")
    if A.shape[0] != samples:
        raise ValueError(f"X has {_count(samples, 'sample')} and y has {A.shape[0]}; they must be equal")
    shape, A = A.shape, A.reshape(samples, -1)
    if A.shape[1] != width:
        _wrong_width(shape, A.shape[1], loss, units)
    return A


def sample_weights(value: Any, samples: int, dtype: np.dtype[Any], block: bool = False) -> np.ndarray | None:
    """The weights of the samples as an array (samples,) of the model's dtype; None stays None.

    Only their ratios matter: weights beyond what the dtype sums up are multiplied by a power of 2. Those of a `block`
    of the samples are not, and may all be 0.

    Raises
    ------
    TypeError, ValueError
        If they are no numbers of 0 or more, one for every sample, some of them above 0.
    """
    if value is None:
        return None
    A = _numeric("sample_weight", value)
    if A.ndim not in (1, 2) or A.size != len(A):
        raise ValueError(f"sample_weight: expected (samples,), got {A.shape}")
    if len(A) != samples:
        raise ValueError(f"X has {_count(samples, 'sample')} and sample_weight has {len(A)}; they must be equal")
    w = normalised("sample_weight", A.reshape(-1), np.dtype(np.float64))
    if (w < 0).any():
        row = int((w < 0).argmax())
        raise ValueError(f"sample_weight is {w[row]:g} at row {row}; weights must be 0 or more")
    if block:
        return normalised("sample_weight", w, dtype)
    some_weight("sample_weight", w)
    return _in_range(w, dtype)


def some_weight(name: str, weights: np.ndarray | None) -> None:
    """Refuse weights that leave no sample."""
    if weights is not None and not (weights > 0).any():
        raise ValueError(f"{name} is 0 for all {len(weights)} samples; at least one must count")


def class_weights(
    value: Any, Y: np.ndarray, loss: str, units: int, weights: np.ndarray | None, dtype: np.dtype[Any],
    block: bool,
) -> np.ndarray | None:  # fmt: skip
    """The weights of the samples by their class, times `weights`; None as `value` leaves these.

    Parameters
    ----------
    value : dict of {class: weight}, "balanced" or None
        Classes that the dict leaves out have weight 1. Balanced is n / (k count), k being the number of classes
        that there are, as in scikit-learn.
    Y : ndarray of shape (B, O) or (B, 1)
        Checked labels.
    loss, units
        As in `targets`.
    weights : ndarray of shape (B,) or None
        Of the samples themselves.
    dtype : numpy.dtype
        float32 or float64.
    block : bool
        As in `sample_weights`; then not balanced.

    Raises
    ------
    TypeError, ValueError
        If it is neither of the two, names a class that cannot be, or y is not one class a sample.
    """
    if value is None:
        return weights
    balanced = isinstance(value, str) and value == "balanced"
    if not balanced and not isinstance(value, Mapping):
        raise TypeError(f"class_weight must be a dict of {{class: weight}} or 'balanced', got {value!r}")
    if balanced and block:
        raise ValueError("class_weight='balanced' needs all labels at once; pass a dict of {class: weight}")
    labels = _classes(Y, loss)
    if balanced:
        _, places, counts = np.unique(labels, return_inverse=True, return_counts=True)
        w = (len(labels) / (len(counts) * counts))[places]
    else:
        known = range(units) if units > 1 else (-1, 1) if (labels < 0).any() else (0, 1)
        w = np.ones(len(labels))
        for label, weight in value.items():
            if not isinstance(label, numbers.Integral) or label not in known:
                raise ValueError(f"class_weight names class {label!r}, the classes are {', '.join(map(str, known))}")
            w[labels == label] = real(f"class_weight[{label!r}]", weight, 0, math.inf, "[)")
    if block:
        return normalised("class_weight times sample_weight", w if weights is None else w * weights, dtype)
    if weights is not None:
        w = w / w.max(initial=np.finfo(np.float64).tiny) * weights
    some_weight("class_weight" if weights is None else "class_weight times sample_weight", w)
    return _in_range(w, dtype)


def _classes(Y: np.ndarray, loss: str) -> np.ndarray:
    """(B,) class number of every sample; those of one output are 0 and 1, or -1 and 1."""
    if loss == "sparse_categorical_crossentropy":
        return Y[:, 0].astype(np.intp)
    one = Y.shape[1] == 1
    wrong = ~np.isin(Y[:, 0], (-1, 0, 1)) if one else (Y.max(axis=1) != 1) | (np.count_nonzero(Y, axis=1) != 1)
    if wrong.any():
        row = int(wrong.argmax())
        needs = "labels that are 0 or 1" if one else "one-hot labels"
        raise ValueError(f"class_weight needs {needs}: y holds {Y[row].tolist()} at row {row}; use sample_weight")
    return Y[:, 0].astype(np.intp) if one else Y.argmax(axis=1)


def classes(name: str, values: Any, threshold: float | None = None) -> tuple[np.ndarray, int]:
    """Class numbers (B,) of labels or outputs, and how many classes there can be.

    Of several columns the greatest is the class. One column of whole numbers has the classes themselves; with a
    threshold, one of floats has class 1 above it.
    """
    A = _numeric(name, values)
    if A.ndim not in (1, 2) or 0 in A.shape:
        raise ValueError(f"{name}: expected (samples,) or (samples, classes), got {A.shape}")
    normalised(name, A, np.dtype(np.float64))
    if A.ndim == 2 and A.shape[1] > 1:
        return A.argmax(axis=1), A.shape[1]
    A = A.reshape(-1)
    if threshold is not None and A.dtype.kind == "f":
        return (A > threshold).astype(np.intp), 2
    wrong = (A < 0) | (A != np.floor(A)) if A.dtype.kind == "f" else A < 0
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(f"{name} holds {A[row]} at row {row}, classes are whole numbers from 0")
    return A.astype(np.intp), max(2, int(A.max()) + 1)


def _in_range(weights: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    """Weights of `dtype`, which neither overflow nor vanish in sums and reciprocals."""
    exponent = int(np.frexp(weights.max())[1])
    return (np.ldexp(weights, -exponent) if abs(exponent) > 32 else weights).astype(dtype)


def arrays(name: str, values: Any) -> list[Any]:
    """The arrays of a list or tuple."""
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, (Sequence, np.ndarray)):
        raise TypeError(f"{name} must be a list of arrays, got {values!r:.60}")
    return [*values]


def weights(name: str, value: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
    """One array of weights of exactly this shape."""
    A = _numeric(name, value)
    if A.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {A.shape}")
    return normalised(name, A, dtype)


def vectors(found: Sequence[Any], dtype: np.dtype[Any], wanted: tuple[int, int] | None = None) -> None:
    """Refuse vectors of an optimizer that compiled code can't work on, as it looks at none of this itself.

    They must be as long as each other, or with `wanted` so many and so long.
    """
    if wanted is not None and len(found) != wanted[0]:
        raise ValueError(
            f"optimizer.state has {_count(len(found), 'vector')}, the hyperparameters need {wanted[0]}: what changes "
            "their number, like momentum or use_ema, may change between two fits, not within one"
        )
    for i, vector in enumerate(found):
        if not isinstance(vector, np.ndarray) or vector.dtype != dtype or not vector.flags.carray:
            raise TypeError(
                f"optimizer.state[{i}] must be an array of {dtype.name}, C-contiguous and writable, got "
                f"{described(vector)}; optimizer.state[{i}][:] = ... sets its numbers"
            )
        size = len(found[0]) if wanted is None else wanted[1]
        if vector.shape != (size,):
            raise ValueError(f"optimizer.state[{i}] must have shape {(size,)}, got {vector.shape}")


def undisguised(name: str, values: Any) -> None:
    """Refuse what scikit-learn would read as other numbers: masked values, dates, numbers in text, a corrupt matrix.

    Whatever else is wrong, scikit-learn says itself.
    """
    if hasattr(values, "tocsr"):
        if name == "X":
            _compressed(values)
        else:
            _numeric(name, values)
        return
    try:
        A = np.asarray(values)
    except (TypeError, ValueError):
        return
    if isinstance(values, np.ma.MaskedArray) or A.dtype.kind in "USTMm":
        _numeric(name, values)
    elif A.dtype.kind == "O" and A.ndim:
        refused = _NO_NUMBERS if name == "X" else (*_NO_NUMBERS, type(None))
        wrong = np.fromiter((isinstance(value, refused) for value in A.flat), bool, A.size)
        if wrong.any():
            index = np.unravel_index(int(wrong.argmax()), A.shape)
            raise TypeError(f"{name} must hold real numbers, got {A[index]!r:.60} at {_where(index)}")


_NO_NUMBERS = (str, bytes, datetime.date, datetime.timedelta, np.datetime64, np.timedelta64)


@contextlib.contextmanager
def located(**arrays: Any) -> Iterator[None]:
    """scikit-learn's errors about values that are not finite, and about ragged rows, as fcnet's, which say where."""
    try:
        yield
    except ValueError as error:
        if any(word in str(error) for word in ("contains NaN", "contains infinity", "inhomogeneous")):
            for name, values in arrays.items():
                if name == "X" and hasattr(values, "tocsr"):
                    _sparse(values, np.dtype(np.float64))
                elif values is not None and not hasattr(values, "tocsr"):
                    normalised(name, _numeric(name, values), np.dtype(np.float64))
        raise


def labels(y: Any) -> None:
    """Refuse labels of which one is missing or masked, or some are text and others numbers."""
    if y is None or hasattr(y, "tocsr"):
        return
    _unmasked("y", y)
    A = np.asarray(y, dtype=object) if isinstance(y, list | tuple) else np.asarray(y)
    if A.dtype.kind != "O" or not A.size:
        return
    text = isinstance(A.flat[0], str)
    for position, label in enumerate(A.flat):
        where = _where(np.unravel_index(position, A.shape))
        if label is None or type(label).__name__ in ("NAType", "NaTType"):
            raise TypeError(f"y: missing label {label!r} at {where}; remove such samples")
        if isinstance(label, str) != text:
            raise TypeError(f"y mixes text and numbers, {A.flat[0]!r} at row 0 and {label!r:.60} at {where}")


def feature_names(X: Any) -> tuple[str, ...] | None:
    """The column names of a table (pandas, polars, Arrow), or None for anything else."""
    names = getattr(X, "column_names", None)
    if names is None:
        names = getattr(X, "columns", None)
    if names is None or isinstance(X, np.ndarray):
        return None
    names = tuple(names) if isinstance(names, Iterable) else ()
    return names if names and all(isinstance(name, str) for name in names) else None


def same_features(expected: tuple[str, ...] | None, X: Any) -> None:
    """Refuse a table whose columns are not, in this order, those that the model was fitted with."""
    came = feature_names(X) if expected is not None else None
    if expected is None or came is None or came == expected:
        return
    if sorted(came) == sorted(expected):
        fix = f"the order must be {list(expected)}"
    else:
        missing, surplus = sorted(set(expected) - set(came)), sorted(set(came) - set(expected))
        fix = f"missing {missing}, not expected {surplus}"
    raise ValueError(f"X has columns {list(came)}, the model was fitted with {list(expected)}: {fix}")


def normalised(name: str, A: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    """`A` C-contiguous, aligned and of `dtype`, every value finite."""
    if A.dtype.kind in "iub":  # the largest of 64 bits is finite in float32
        return np.require(A, dtype, ["C", "A"])
    B = A
    if A.dtype != dtype or not (A.flags.c_contiguous and A.flags.aligned):
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            B = np.require(A, dtype, ["C", "A"])
    flat = B.reshape(-1)
    for start in range(0, flat.size, _CHUNK):
        finite = np.isfinite(flat[start : start + _CHUNK])
        if not finite.all():
            _not_finite(name, A, start + int(finite.argmin()), dtype)
    return B


def _not_finite(name: str, A: np.ndarray, position: int, dtype: np.dtype[Any]) -> NoReturn:
    index = np.unravel_index(position, A.shape)
    _refuse(name, A[index], index, dtype)


def _refuse(name: str, value: Any, index: Sequence[Any], dtype: np.dtype[Any]) -> NoReturn:
    where = _where(index)
    if np.isnan(value):
        raise ValueError(f"{name}: NaN at {where}; remove or fill missing values first")
    if np.isinf(value):
        raise ValueError(f"{name}: {value} at {where}; every value must be finite")
    fix = "scale the inputs" if name == "X" else "scale the targets" if name == "y" else "use smaller values"
    raise ValueError(f"{name}: {value!s} at {where} is beyond {dtype.name}; {fix}")


def _numeric(name: str, values: Any) -> np.ndarray:
    """Any container of real numbers as a NumPy array of a real dtype, not yet converted or copied."""
    if type(values) is np.ndarray and values.dtype.kind in "fiub":
        return values
    if values is None:
        raise TypeError(f"{name} must be an array of numbers, got None")
    _unmasked(name, values)
    if hasattr(values, "toarray") and not hasattr(values, "__array__"):
        raise TypeError(f"{name} is sparse ({type(values).__name__}): dense input only; use {name}.toarray()")
    if isinstance(values, (str, bytes, dict, set, frozenset)):
        raise TypeError(f"{name} must be an array of numbers, got {type(values).__name__} {values!r:.60}")
    if counted(values):
        values = [values[i] for i in range(len(values))]
    A = _read(name, values)
    kind = A.dtype.kind
    if kind == "O":
        A = _unboxed(name, A)
    elif kind in "USTVcMm":
        # In a list of numbers and text NumPy has made text of all: look at the list's own values.
        index, value = _first_not_real(np.asarray(values, dtype=object)) if kind in "UST" else (None, None)
        if index is None and A.size:
            index, value = (0,) * A.ndim, A.flat[0]
        where = "" if index is None else f"{value!r} at {_where(index)}: "
        why = _KINDS[kind]
        if kind == "V" and A.dtype.names is None:  # bfloat16 and its kin, as JAX has them
            why = f"of dtype {A.dtype}, which NumPy does not have; pass {name}.astype('float32')"
        raise TypeError(f"{name} must hold real numbers, got {where}{why}")
    return A


def _unmasked(name: str, values: Any) -> None:
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        where = _where(np.argwhere(np.ma.getmaskarray(values))[0])
        raise ValueError(f"{name} is masked at {where}; fill masked values first, with .filled()")


_KINDS = {
    "U": "text; turn numbers in text with .astype(float), classes with np.unique(y, return_inverse=True)",
    "c": "complex; pass real and imaginary part as two features",
    "M": "datetime; pass a difference in seconds or days",
    "m": "timedelta; divide by np.timedelta64(1, 's')",
    "V": "records; pass one plain column for every field",
}
_KINDS["S"] = _KINDS["T"] = _KINDS["U"]


def _read(name: str, values: Any) -> np.ndarray:
    if not hasattr(values, "__array__") and hasattr(values, "to_numpy"):
        values = values.to_numpy()
    elif not isinstance(values, (Sequence, numbers.Number)) and not any(
        hasattr(values, face) for face in ("__array__", "__array_interface__", "__buffer__", "__len__")
    ):
        raise TypeError(f"{name} must be an array of numbers, got {type(values).__name__}")
    try:
        return np.asarray(values)
    except ValueError as error:
        lengths = [len(row) if hasattr(row, "__len__") else None for row in values]
        odd = next((i for i, length in enumerate(lengths) if length != lengths[0]), None)
        if odd is None:
            raise ValueError(f"{name} cannot be read as an array: {error}") from error
        first, came = ("a number" if n is None else f"{n} values" for n in (lengths[0], lengths[odd]))
        raise ValueError(f"{name} is ragged: row 0 has {first}, row {odd} has {came}") from error
    except (TypeError, RuntimeError) as error:
        raise TypeError(f"{name} cannot be read as an array of numbers: {error}") from error


def _unboxed(name: str, A: np.ndarray) -> np.ndarray:
    """An array of Python objects, all real numbers, as the plain array of the same values."""
    index, value = _first_not_real(A)
    if index is not None:
        if value is None or type(value).__name__ in ("NAType", "NaTType"):
            error = ValueError if name == "X" else TypeError
            raise error(f"{name}: missing value {value!r} at {_where(index)}; remove or fill missing values")
        if isinstance(value, (list, tuple, np.ndarray)):
            raise TypeError(f"{name} is ragged or nested: {_where(index)} holds {value!r:.60}")
        why = f": {_KINDS['U']}" if isinstance(value, (str, bytes)) else ""
        raise TypeError(f"{name} must hold real numbers, got {value!r:.60} at {_where(index)}{why}")
    # By way of a list, so that whole numbers become int64 and not float64: the bits of the plain array.
    plain = np.array(A.ravel().tolist()).reshape(A.shape)
    if plain.dtype.kind == "O":
        try:
            plain = A.astype(np.float64)
        except OverflowError:
            raise ValueError(f"{name} holds a whole number beyond float64; scale the inputs") from None
    return plain


def _first_not_real(A: np.ndarray) -> tuple[Any, Any]:
    """Index and value of the first object that is no real number; the index is None if there is none."""
    for position, value in enumerate(A.flat):
        if not isinstance(value, _REAL) or isinstance(value, np.timedelta64):
            return np.unravel_index(position, A.shape), value
    return None, None


def _class_numbers(A: np.ndarray, units: int, dtype: np.dtype[Any]) -> None:
    """Refuse class numbers that are no whole numbers in 0..units-1: a kernel would read foreign memory."""
    if units > 2 ** np.finfo(dtype).nmant:
        raise ValueError(f"{units} classes cannot be told apart in {dtype.name}; use dtype='float64'")
    if A.size and A.min() >= 0 and A.max() < units and (A.dtype.kind != "f" or (A == np.floor(A)).all()):
        return  # what follows is for the message, and for NaN, which gets its own elsewhere
    if A.dtype.kind == "f":
        whole_numbers = np.isnan(A) | (A == np.floor(A))
        if not whole_numbers.all():
            row = int(whole_numbers.argmin())
            raise ValueError(
                f"y: label {A[row, 0]} at row {row} is not a class number; classes are whole numbers from 0 "
                "(for continuous values use loss='mean_squared_error')"
            )
    outside = ((A < 0) | (A >= units)) & np.isfinite(A)
    if outside.any():
        row = int(outside.argmax())
        raise ValueError(
            f"y: label {A[row, 0]} at row {row} is outside 0..{units - 1}, the last layer has "
            f"{_count(units, 'unit')}; number the classes from 0 with np.unique(y, return_inverse=True)"
        )


def _wrong_width(shape: tuple[int, ...], columns: int, loss: str, units: int) -> NoReturn:
    fix = ""
    if loss == "sparse_categorical_crossentropy":
        units, fix = 1, "; one-hot labels need loss='categorical_crossentropy'"
    elif loss == "categorical_crossentropy" and columns == 1:
        fix = "; class numbers need loss='sparse_categorical_crossentropy'"
    raise ValueError(f"y has shape {shape}, loss={loss!r} needs (samples, {units}){fix}")


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"


def _where(index: Iterable[Any]) -> str:
    return ", ".join(f"{axis} {int(i)}" for axis, i in zip(("row", "column", "plane"), index, strict=False))
