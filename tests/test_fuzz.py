"""Anything in any order: the right result or a documented error, and never a crash."""

import contextlib
import copy
import gc
import os
import pickle
import sys

import file_fuzz
import numpy as np
import pytest
import reference
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from reference import Layer
from tables import assert_within

import fcnet
from fcnet import Dense, Dropout, LayerNormalization, Sequential, losses, metrics, optimizers

TIMES = int(os.environ.get("FUZZ_TIMES", "1"))  # as many examples: see tests/soak/anything.py
DOCUMENTED = (TypeError, ValueError, RuntimeError, FloatingPointError, MemoryError, OSError)

# ------------------------------------------------------------------------------------------------ arrays


@st.composite
def any_arrays(draw):
    """Arrays of any dtype, order, stride, shape and values, most of them with two dimensions."""
    shape = draw(arrays.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=6) | arrays.array_shapes(max_side=4))
    dtype = draw(st.one_of(
        arrays.floating_dtypes(), arrays.integer_dtypes(), arrays.unsigned_integer_dtypes(), arrays.boolean_dtypes(),
        arrays.complex_number_dtypes(), arrays.unicode_string_dtypes(max_len=3), arrays.datetime64_dtypes(),
        arrays.timedelta64_dtypes(), arrays.byte_string_dtypes(max_len=3),
        arrays.array_dtypes(max_size=2)))  # fmt: skip
    A = draw(arrays.arrays(dtype, shape))
    how = draw(st.sampled_from(
        ("plain", "fortran", "backwards", "strided", "read-only", "broadcast", "object", "list")))  # fmt: skip
    if how == "fortran":
        return np.asfortranarray(A)
    if how == "backwards":
        return A[::-1]
    if how == "strided":
        return np.repeat(A, 2, axis=-1)[..., ::2]
    if how == "read-only":
        A.flags.writeable = False
    if how == "broadcast" and len(A):
        return np.broadcast_to(A[:1], A.shape)
    return A.astype(object) if how == "object" else A.tolist() if how == "list" else A


def plain(A):
    """The same numbers in float64, None if they are not all finite numbers in two dimensions."""
    try:
        if np.asarray(A).dtype.kind not in "fiubO":
            return None
        with np.errstate(all="ignore"):
            B = np.array(A, dtype=object).astype(np.float64)
            fits = B.ndim == 2 and B.size and np.isfinite(B.astype(np.float32)).all()
    except (TypeError, ValueError, OverflowError):
        return None
    return B if fits else None


@settings(max_examples=150 * TIMES, suppress_health_check=list(HealthCheck))
@given(any_arrays(), any_arrays(), st.sampled_from(("predict", "fit", "evaluate", "train_on_batch")))
def test_arrays(x, y, call):
    """What is refused is refused with an error of ours; what is taken gives the bits of the plain copy."""
    numbers = plain(x)
    inputs = 3 if numbers is None else numbers.shape[1]
    fcnet.set_seed(0)
    model = Sequential([Dense(4, "tanh", input_dim=inputs), Dense(1)])
    model.compile("sgd", "mse")
    twin = copy.deepcopy(model)
    before = x.tobytes() if isinstance(x, np.ndarray) and not x.dtype.hasobject else None
    try:
        got = model.predict(x) if call == "predict" else getattr(model, call)(x, y)
    except (TypeError, ValueError, FloatingPointError):
        np.testing.assert_array_equal(model.parameters, twin.parameters)
        return
    finally:
        assert before is None or x.tobytes() == before
    assert numbers is not None or not np.size(x)
    if numbers is not None:
        expected = twin.predict(numbers) if call == "predict" else getattr(twin, call)(numbers, np.array(y, np.float64))
        if call != "fit":
            np.testing.assert_array_equal(got, expected)
        np.testing.assert_array_equal(model.parameters, twin.parameters)


# --------------------------------------------------------------------------------------------- arguments

VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 40), st.integers(), st.floats(), st.text(max_size=5),
    st.sampled_from(["relu", "softmax", "adam", "mse", "l2", "max_norm", "zeros", "accuracy", "balanced", "float64"]),
    st.lists(st.integers(-2, 4) | st.text(max_size=2), max_size=3), st.dictionaries(st.integers(0, 2), st.floats(),
    max_size=2), st.just(object()), st.just(np.float32(0.1)), st.just(np.int8(3)), st.just(len))  # fmt: skip
ARGUMENTS = {
    Dense: ("units", "activation", "use_bias", "kernel_initializer", "bias_initializer", "kernel_regularizer",
            "bias_regularizer", "kernel_constraint", "bias_constraint", "learning_rate_multiplier", "input_dim",
            "input_shape", "name"),
    Dropout: ("rate", "seed", "input_dim", "name"),
    LayerNormalization: ("epsilon", "center", "scale", "beta_initializer", "gamma_initializer"),
    Sequential: ("layers", "name", "dtype"),
    optimizers.SGD: ("learning_rate", "momentum", "nesterov", "weight_decay", "clipnorm", "clipvalue", "use_ema"),
    optimizers.Adam: ("learning_rate", "beta_1", "beta_2", "epsilon", "amsgrad", "gradient_accumulation_steps"),
    losses.BinaryCrossentropy: ("from_logits", "label_smoothing"),
    losses.Huber: ("delta",),
    metrics.AUC: ("num_thresholds", "curve", "name"),
    metrics.TopKCategoricalAccuracy: ("k", "name"),
    fcnet.callbacks.EarlyStopping: ("monitor", "patience", "min_delta", "mode", "restore_best_weights"),
    fcnet.schedules.ExponentialDecay: ("initial_learning_rate", "decay_steps", "decay_rate", "staircase"),
}  # fmt: skip
COMPILE = ("optimizer", "loss", "metrics", "weighted_metrics")
FIT = ("batch_size", "epochs", "callbacks", "validation_split", "validation_data", "shuffle", "class_weight",
       "sample_weight", "initial_epoch", "steps_per_epoch", "validation_freq", "seed", "verbose")


@settings(max_examples=400 * TIMES)
@given(st.data(), st.sampled_from(sorted(ARGUMENTS, key=str)))
def test_arguments_of_constructors(data, kind):
    names = data.draw(st.lists(st.sampled_from(ARGUMENTS[kind]), max_size=3, unique=True))
    given_ = {name: data.draw(VALUES, name) for name in names}
    if isinstance(given_.get("units"), int):
        given_["units"] = min(given_["units"], 50)
    with contextlib.suppress(TypeError, ValueError):
        assert repr(kind(**given_))


@settings(max_examples=100 * TIMES)
@given(st.data())
def test_arguments_of_compile_and_fit(data):
    model = Sequential([Dense(3, "tanh", input_dim=2), Dense(1, "sigmoid")])
    model.compile("sgd", "binary_crossentropy")
    before = model.parameters.copy()
    X, y = np.eye(2).repeat(4, axis=0), np.arange(8) % 2
    for names, call in ((COMPILE, model.compile), (FIT, lambda **given_: model.fit(X, y, **given_))):
        chosen = data.draw(st.lists(st.sampled_from(names), max_size=3, unique=True))
        arguments = {name: data.draw(VALUES, name) for name in chosen}
        for name in ("epochs", "steps_per_epoch", "initial_epoch"):
            if isinstance(arguments.get(name), int):
                arguments[name] = min(arguments[name], 3)
        if call is not model.compile:
            arguments.setdefault("verbose", 0)
        try:
            with np.errstate(all="ignore"), pytest.MonkeyPatch.context() as patches:
                patches.setattr("warnings.warn", lambda *args, **options: None)
                call(**arguments)
        except FloatingPointError:
            assert np.isfinite(model.parameters).all()
        except (TypeError, ValueError, RuntimeError):
            if call is model.compile:
                np.testing.assert_array_equal(model.parameters, before)


# ------------------------------------------------------------------------------------------ calls in any order


class Calls(RuleBasedStateMachine):
    """A model, and a second one that does the same in another way: from copies, files and arrays of another layout."""

    @initialize(seed=st.integers(0, 99), dtype=st.sampled_from(("float32", "float64")), inputs=st.none() | st.just(3))
    def begin(self, seed, dtype, inputs):
        self.rng = np.random.default_rng(seed)
        self.X, self.y = self.rng.standard_normal((37, 3)).astype(dtype), (self.rng.random(37) > 0.5).astype(dtype)
        fcnet.set_seed(seed)
        self.models = [Sequential(dtype=dtype) for _ in range(2)]
        self.random = False
        self._each(lambda model: model.add(Dense(4, "tanh", input_dim=inputs)))

    def _each(self, call):
        """The same with both, from the same random numbers: the same result, or the same error."""
        seed, results = int(self.rng.integers(2**31)), []
        for model in self.models:
            fcnet.set_seed(seed)
            try:
                results.append(call(model))
            except DOCUMENTED as error:
                results.append((type(error), str(error)))
        np.testing.assert_equal(*results)
        return results[0]

    @rule(units=st.integers(1, 20), activation=st.sampled_from(("relu", "sigmoid", "linear", "softmax", "nonsense")))
    def add(self, units, activation):
        if len(self.models[0].layers) < 6:
            self._each(lambda model: model.add(Dense(units, activation)))

    @rule(kind=st.sampled_from(("dropout", "normalization", "again", "nothing")))
    def add_another(self, kind):
        def add(model):
            model.add({"dropout": lambda: Dropout(0.3), "normalization": LayerNormalization,
                       "again": lambda: model.layers[0], "nothing": lambda: None}[kind]())
        if len(self.models[0].layers) < 6:
            self._each(add)
            self.random |= kind == "dropout"

    @rule(optimizer=st.sampled_from(("sgd", "adam", "lion", "unknown", None)), loss=st.sampled_from(("mse", "hinge",
          "binary_crossentropy", "sparse_categorical_crossentropy", None)), metric=st.sampled_from((
          None, "accuracy", "mae")))  # fmt: skip
    def compile(self, optimizer, loss, metric):
        self._each(lambda model: model.compile(optimizer, loss, metric and [metric]))

    @rule(batch=st.sampled_from((1, 8, 37)), rows=st.integers(0, 37), weighted=st.booleans(),
          split=st.sampled_from((0.0, 0.2)))  # fmt: skip
    def fit(self, batch, rows, weighted, split):
        w = np.ones(rows) if weighted else None
        forms = iter((np.asfortranarray, lambda A: A.astype(">f8") if A.dtype == "f8" else A.astype(">f4")))

        def fit(model):
            form = next(forms)
            history = model.fit(form(self.X[:rows]), form(self.y[:rows]), min(batch, max(rows, 1)), 2, 0,
                                sample_weight=w, validation_split=split)  # fmt: skip
            return history.history, model.history is history
        self._each(fit)

    @rule(rows=st.sampled_from((0, 1, 5, 37)), features=st.sampled_from((3, 3, 3, 2)))
    def predict(self, rows, features):
        found = self._each(lambda model: model.predict(self.X[:rows, :features]))
        model = self.models[0]
        if isinstance(found, np.ndarray) and not any(isinstance(layer, LayerNormalization) for layer in model.layers):
            layers = [Layer(layer.units, layer.activation) for layer in model.layers if isinstance(layer, Dense)]
            expected = reference.predict(model.parameters, self.X[:rows], layers)
            assert_within(found, expected, 1e-4 * max(1, np.abs(expected).max(initial=0)), "outputs")

    @rule(batch=st.sampled_from((5, 37)), epoch=st.integers(1, 3), shuffle=st.booleans())
    def fit_and_resume(self, batch, epoch, shuffle):
        """The second model goes on from where the first one was after an epoch."""
        path = self.folder / "checkpoint {epoch}"
        for old in self.folder.glob("checkpoint *"):
            old.unlink()

        def fit(model):
            begun = self.folder / f"checkpoint {epoch}"
            resume = begun if model is self.models[1] and begun.exists() else None
            callbacks = [fcnet.callbacks.ModelCheckpoint(path)]
            return model.fit(self.X, self.y, batch, 3, 0, callbacks, shuffle=shuffle, resume=resume).history
        self._each(fit)

    @rule(rows=st.integers(0, 37))
    def partial_fit(self, rows):
        self._each(lambda model: model.partial_fit(self.X[:rows], self.y[:rows]) is model)

    @rule(rate=st.sampled_from((0.01, 1e-4, 0.0)))
    def change_the_rate(self, rate):
        self._each(lambda model: model.optimizer and setattr(model.optimizer, "learning_rate", rate))

    @rule()
    def summary(self):
        def shown(model):
            lines = [repr(model), repr(model.layers), repr(model.optimizer)]
            model.summary(lines.append)
            return lines
        self._each(shown)

    @rule(rows=st.integers(0, 37))
    def evaluate(self, rows):
        self._each(lambda model: model.evaluate(self.X[:rows], self.y[:rows]))

    @rule(rows=st.integers(0, 37))
    def train_on_batch(self, rows):
        self._each(lambda model: model.train_on_batch(self.X[:rows], self.y[:rows]))

    @rule(rows=st.integers(1, 37))
    def gradient(self, rows):
        self._each(lambda model: model.loss_and_gradient(self.X[:rows], self.y[:rows]))

    @rule(rows=st.integers(1, 9))
    def inspect(self, rows):
        self._each(lambda model: [layer.A for layer in model.inspect(self.X[:rows], self.y[:rows])])

    @rule(factor=st.sampled_from((0.5, 2.0, np.nan)), short=st.booleans())
    def set_weights(self, factor, short):
        self._each(lambda model: model.set_weights([factor * W for W in model.get_weights()][short:]))

    @rule(place=st.integers(0, 6), value=st.sampled_from((True, False, None)))
    def freeze(self, place, value):
        self._each(lambda model: setattr(model.layers[place % len(model.layers)], "trainable", value))

    @rule(how=st.sampled_from(("pickle", "deepcopy")))
    def copy(self, how):
        other = self.models[1]
        self.models[1] = pickle.loads(pickle.dumps(other)) if how == "pickle" else copy.deepcopy(other)

    @precondition(lambda self: self.models[0].built)
    @rule()
    def save_and_load(self):
        path = self.folder / "model"
        self.models[1].save(path)
        self.models[1] = fcnet.load(path)

    @precondition(lambda self: self.models[0].built)
    @rule()
    def save_and_load_weights(self):
        path = self.folder / "weights"
        self.models[0].save_weights(path)
        self.models[1].load_weights(path)

    @rule()
    def forget(self):
        """The engine is made anew, and freed memory may be used for something else."""
        self.models[1]._engine = None
        gc.collect()

    @invariant()
    def agree(self):
        if not hasattr(self, "models"):
            return
        one, other = self.models
        assert one.built == other.built and len(one.layers) == len(other.layers)
        if one.built:
            assert np.isfinite(one.parameters).all()
            np.testing.assert_array_equal(one.parameters, other.parameters)
            assert all(np.shares_memory(array, one.parameters) for layer in one.layers
                       for array in layer._views().values())
            if one.optimizer is not None:
                assert one.optimizer.iterations == other.optimizer.iterations
                for a, b in zip(one.optimizer.state, other.optimizer.state, strict=True):
                    np.testing.assert_array_equal(a, b)
            np.testing.assert_equal(*(model.history and model.history.history for model in self.models))


def test_calls_in_any_order(tmp_path):
    machine = type("Calls", (Calls,), {"folder": tmp_path})
    run_state_machine_as_test(machine, settings=settings(
        max_examples=12 * TIMES, stateful_step_count=20, deadline=None,
        suppress_health_check=list(HealthCheck)))  # fmt: skip


# ------------------------------------------------------------------------------------------------- files


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited in Linux's way")
def test_mutated_model_files():
    """Only ModelFileError, in memory that is bounded."""
    with file_fuzz.in_memory() as folder, file_fuzz.at_most(1 << 30):
        refused, taken = file_fuzz.fuzz(folder, range(20_000))
    assert refused > 10_000 and taken > 100


@pytest.mark.filterwarnings("ignore")
def test_forged_fits():
    """Resumed, or taken for weights: only ModelFileError, and then all is as before, to the bit."""
    with file_fuzz.in_memory() as folder:
        refused, taken = file_fuzz.fuzz_fits(folder, range(1500))
    assert refused > 700 and taken > 200
