"""Functions of the user: the plain Python function, called number by number, is the reference of every one."""

import copy
import math
import pickle

import numba
import numpy as np
import pytest
from fcnet.kernels import _jit, custom, formula
from fcnet.kernels import activations as built_in
from fcnet.kernels.simd import NV, REGISTER_BYTES, Vector
from numba import njit, types
from reference import Layer

import fcnet
from fcnet import (
    Dense,
    Sequential,
    activations,
    constraints,
    layers,
    losses,
    metrics,
    optimizers,
    regularizers,
    set_num_threads,
)
from fcnet.engine import Engine

isa = pytest.mark.isa
FLOOR = -0.75  # a global number, frozen when it is compiled


@njit
def sigmoid(z):
    if z < 0:
        e = math.exp(z)
        return e / (1 + e)
    return 1 / (1 + math.exp(-z))


def scaled(alpha):
    """Two of these have one name and one text, and differ by what they close over."""
    @njit
    def f(z):
        return alpha * z if z < 0 else z

    return f


@njit
def tower(z):
    """Every kind of branch: a chain, and, or, not, a value set in some branches, early returns, nesting."""
    if -0.5 < z <= 0.25 and z != 0.125:
        s = z**3
    elif not z > 1.5 or (z > 2.0 and z < 2.5):
        s = 2 * math.exp(z) - 1
    else:
        return sigmoid(z) if z < 3 else -sigmoid(z)
    if s < 1:
        s = max(s, FLOOR)
    return s if s > 0 else (0.5 * s if z < -1 else s - 1.0)


@njit
def looped(z):
    total = 0.0
    for k in range(1, 4):
        total += math.sin(k * z)
    return total


@njit
def with_numpy(z):
    kept = np.where(z > 1, np.minimum(z, 2.0), np.maximum(-1.0, np.abs(z)))
    return kept + (z > 0.5) * z + np.tanh(z) + np.log1p(np.exp(-np.abs(z))) + np.expm1(0.1 * z) * np.sqrt(z * z + 1)


@njit
def defaulted(z, width=2.0):
    return z / (width + abs(z))


# name: (g, g' by z, g' by a, the built-in of the same formula, kinks)
FORMULAS = {
    "relu": (lambda z: max(z, 0.0), lambda z: 1.0 if z > 0 else 0.0, lambda a: float(1.0 if a > 0 else 0.0), "relu",
             (0,)),
    "relu6": (lambda z: min(max(z, 0), 6), lambda z: (0 < z) == (z < 6), None, "relu6", (0, 6)),
    "elu": (lambda z: z if z > 0 else math.expm1(z), lambda z: 1.0 if z > 0 else math.exp(z),
            lambda a: 1.0 if a > 0 else a + 1.0, "elu", (0,)),
    "softplus": (lambda z: max(z, 0.0) + math.log1p(math.exp(-abs(z))), sigmoid.py_func, lambda a: -math.expm1(-a),
                 "softplus", ()),
    "tanh": (lambda z: math.tanh(z), lambda z: 1 - math.tanh(z) ** 2, lambda a: 1 - a * a, "tanh", ()),
    "silu": (lambda z: z * sigmoid(z), lambda z: sigmoid(z) * (1 + z * (1 - sigmoid(z))), None, "silu", ()),
    "gelu": (lambda z: 0.5 * z * (1.0 + math.erf(z / math.sqrt(2.0))),
             lambda z: 0.5 * (1.0 + math.erf(z / math.sqrt(2.0))) + z * math.exp(-z * z / 2) / math.sqrt(2 * math.pi),
             None, "gelu", ()),
    "linear": (lambda z: z, lambda z: 1, lambda a: True, None, ()),
    "cube": (lambda z: 0.1 * z**3.0, lambda z: 0.3 * z**2, None, None, ()),
    "bell": (lambda z: (1 + z * z) ** -2, lambda z: -4 * z * (1 + z * z) ** -3.0, None, None, ()),
    "where": (lambda z: np.where(z > 0, z, math.expm1(np.where(z < 0, z, 0))),
              lambda z: np.where(z, z > 0, False) if z > 0 else np.where(FLOOR, math.exp(z), 0), None, "elu", (0,)),
    "sine": (lambda z: math.sin(z), lambda z: math.cos(z), None, None, ()),
    "listed": (lambda z: -1.0 if z in (0.0, 1.0) else z, None, None, None, (0, 1)),
    "looped": (looped.py_func, None, None, None, ()),
    "tower": (tower.py_func, None, None, None, (-1, -0.75, -0.5, 0, 0.125, 0.25, 1.5, 2, 2.5, 3)),
    "with_numpy": (with_numpy.py_func, None, None, None, (0, 0.5, 1, 2)),
    "defaulted": (defaulted.py_func, None, None, None, ()),
    "closure": (scaled(0.3).py_func, None, None, None, (0,)),
}
BY_NUMBERS = ("sine", "looped", "listed")
_compiled = {}


def own(name):
    """(g, g' by z, g' by a), compiled, the same object every time."""
    if name not in _compiled:
        _compiled[name] = tuple(part and njit(part) for part in FORMULAS[name][:3])
    return _compiled[name]


def call(part, source, target):
    """The compiled part on whole rows of a slab."""
    row = row_of(target.dtype)
    assert target.size % row == 0
    _jit.part_function(part, target.dtype)(source.ctypes.data, target.ctypes.data, target.size // row, 0.0)


def row_of(dtype):
    return NV * REGISTER_BYTES // np.dtype(dtype).itemsize


def by_python(function, Z):
    """In float64, one number after the other."""
    with np.errstate(all="ignore"):
        return np.array([function(float(z)) for z in Z], np.float64)


def numbers(dtype, kinks=()):
    Z = np.concatenate([np.linspace(-6, 8, 900), np.random.default_rng(1).standard_normal(124)]).astype(dtype)
    for kink in kinks:  # where a rounding may go either way
        Z[np.abs(Z - kink) < 1e-4] += 0.01
    return Z


@pytest.mark.parametrize("name", FORMULAS)
def test_activation_is_its_formula(name, dtype):
    g, by_z, by_a = own(name)
    Z = numbers(dtype, FORMULAS[name][4])
    unit = float(np.finfo(dtype).eps)
    parts = custom.activation(g, by_z, False, np.dtype(dtype))
    A, dA = np.empty_like(Z), np.full_like(Z, 0.5)
    call(parts.forward, Z, A)
    np.testing.assert_allclose(A, by_python(FORMULAS[name][0], Z), rtol=12 * unit, atol=12 * unit)
    assert parts.keeps_Z
    if by_z is not None:
        call(parts.backward, Z, dA)
        expected = 0.5 * by_python(FORMULAS[name][1], Z)
        np.testing.assert_allclose(dA, expected, rtol=12 * unit, atol=12 * unit)
    if by_a is not None:
        parts = custom.activation(g, by_a, True, np.dtype(dtype))
        dA[:] = 0.5
        call(parts.backward, A, dA)
        np.testing.assert_allclose(dA, expected, rtol=12 * unit, atol=12 * unit)
        assert not parts.keeps_Z
    assert formula.compiles(formula.formula(g), Vector(numba.from_dtype(dtype))) == (name not in BY_NUMBERS)


@pytest.mark.parametrize("name", [name for name, row in FORMULAS.items() if row[3]])
def test_same_formula_as_a_built_in(name, dtype):
    g, by_z, _ = own(name)
    parts, known = custom.activation(g, by_z, False, np.dtype(dtype)), built_in.FUNCTIONS[FORMULAS[name][3]]
    Z, unit = numbers(dtype), float(np.finfo(dtype).eps)
    A, dA, A_known, dA_known = np.empty_like(Z), np.ones_like(Z), np.empty_like(Z), np.ones_like(Z)
    call(parts.forward, Z, A)
    call(parts.backward, Z, dA)
    for part, source, target in (
        (known.forward, Z, A_known), (known.backward, Z if known.keeps_Z else A_known, dA_known)
    ):
        rows = Z.size // row_of(dtype)
        _jit.part_function(part, dtype)(source.ctypes.data, target.ctypes.data, rows, known.parameter)
    np.testing.assert_allclose(A, A_known, rtol=12 * unit, atol=12 * unit)
    np.testing.assert_allclose(dA, dA_known, rtol=12 * unit, atol=12 * unit)


@isa
@pytest.mark.parametrize("name", ("tanh", "silu", "cube", "sine"))
def test_central_difference(name, dtype):
    """Of smooth functions: below the rounding of float32, and 1e-9 in float64."""
    parts = custom.activation(own(name)[0], None, False, np.dtype(dtype))
    Z = numbers(dtype)
    dA = np.ones_like(Z)
    call(parts.backward, Z, dA)
    slope = by_python(FORMULAS[name][1], Z)
    tolerance = 1e-9 * max(1, np.abs(slope).max())
    if dtype is np.float32:
        tolerance = tolerance + np.abs(slope) * np.finfo(np.float32).eps
    assert (np.abs(dA - slope) <= tolerance).all()


def test_central_difference_at_a_kink_lies_between():
    parts = custom.activation(own("relu")[0], None, False, np.dtype(np.float64))
    Z, dA = np.zeros(64), np.ones(64)
    Z[1], Z[2] = 1e-4, -1e-4
    call(parts.backward, Z, dA)
    np.testing.assert_allclose(dA[:4], [0.5, 1, 0, 0.5], atol=1e-9)


@isa
@pytest.mark.parametrize("name", ("tanh", "silu", "tower", "sine"))
def test_nan_stays_visible(name, dtype):
    g, by_z, _ = own(name)
    Z = numbers(dtype)
    Z[::5] = np.nan
    for derivative in {by_z, None}:
        parts = custom.activation(g, derivative, False, np.dtype(dtype))
        A, dA = np.empty_like(Z), np.ones_like(Z)
        call(parts.forward, Z, A)
        call(parts.backward, Z, dA)
        assert np.isnan(A[::5]).all() and np.isfinite(np.delete(A, np.s_[::5])).all()
        assert np.isnan(dA[::5]).all() and np.isfinite(np.delete(dA, np.s_[::5])).all()


def test_a_power_below_0_is_infinite_at_0(dtype):
    """Numba's raises there, and a part can't."""
    parts = custom.activation(njit(lambda z: z**-2), None, False, np.dtype(dtype))
    Z = np.full(row_of(dtype), 0.5, dtype)
    Z[1] = 0
    A = np.empty_like(Z)
    call(parts.forward, Z, A)
    assert A.tolist() == [4, np.inf] + [4] * (Z.size - 2)


TUPLE = 1.0, 2.0


@njit
def looked_up(z):
    return TUPLE[int(z)]


@njit
def looked_up_error(a, y):
    return TUPLE[int(a)] - y


def test_what_raises_by_itself_is_nan_and_the_others_are_there(dtype):
    X, expected = np.array([0, 1, 2, 0, 1], dtype), np.array([1, 2, np.nan, 1, 2], dtype)
    model = Sequential([Dense(1, looked_up, input_dim=1, kernel_initializer="ones")], dtype=dtype)
    np.testing.assert_array_equal(model.predict(X[:, None])[:, 0], expected)
    parts = custom.activation(looked_up, None, False, np.dtype(dtype))
    Z, dA = np.resize(X, 5 * row_of(dtype)), np.ones(5 * row_of(dtype), dtype)
    call(parts.backward, Z, dA)
    assert np.array_equal(np.isnan(dA), Z == 2)
    model = Sequential([Dense(1, input_dim=1, kernel_initializer="ones")], dtype=dtype)
    model.compile("sgd", looked_up_error, metrics=[looked_up_error])
    weights = np.array([1, 1, 0, 1, 1])
    assert model.evaluate(X[:, None], np.zeros(5), sample_weight=weights)[0] == 1.5
    assert np.isnan(model.evaluate(X[:, None], np.zeros(5))).all()


@pytest.mark.parametrize("function", (njit(lambda z: print(z) or z), numba.njit(lambda z: doubled(z))),
                         ids=("print", "vectorize"))
def test_what_only_numbers_have_is_taken_by_numbers(function):
    assert not formula.compiles(formula.formula(function), Vector(types.float32))
    assert formula.result_type(function, 1) == types.float64


@numba.vectorize
def doubled(z):
    return 2 * z


# ------------------------------------------------------------------------------------------------
# Losses and metrics
# ------------------------------------------------------------------------------------------------


def quantile(share):
    return lambda a, y: share * (y - a) if y > a else (1 - share) * (a - y)


# name: (l(a, y), dl/da, the built-in of the same formula, whether it is smooth)
LOSSES = {
    "squared": (lambda a, y: (a - y) ** 2, lambda a, y: 2 * (a - y), "mean_squared_error", True),
    "absolute": (lambda a, y: abs(a - y), lambda a, y: 1 if a > y else -1, "mean_absolute_error", False),
    "huber": (
        lambda a, y: 0.5 * (a - y) ** 2 if abs(a - y) <= 1 else abs(a - y) - 0.5,
        lambda a, y: max(min(a - y, 1.0), -1.0), "huber", True),
    "log_cosh": (lambda a, y: math.log(math.exp(a - y) + math.exp(y - a)) - math.log(2.0),
                 lambda a, y: math.tanh(a - y), "log_cosh", True),
    "quantile": (quantile(0.9), lambda a, y: -0.9 if y > a else 0.1, None, False),
    "wave": (lambda a, y: 1 - math.cos(a - y), lambda a, y: math.sin(a - y), None, True),
}
LOSS_BY_NUMBERS = ("wave",)
_compiled_losses = {}


def own_loss(name):
    if name not in _compiled_losses:
        _compiled_losses[name] = tuple(njit(part) for part in LOSSES[name][:2])
    return _compiled_losses[name]


def small_problem(dtype, samples=45):
    """An engine with a linear output, no multiple of a slab; some weights are 0."""
    engine = Engine(3, [Layer(4, "tanh"), Layer(5, "linear")], dtype)
    rng = np.random.default_rng(4)
    params = rng.standard_normal(engine.n_params).astype(dtype)
    X, Y = rng.standard_normal((samples, 3)).astype(dtype), (2 * rng.standard_normal((samples, 5))).astype(dtype)
    weights = rng.choice([0.0, 1.0, 2.5], samples).astype(dtype)
    return engine, params, X, Y, weights


@pytest.mark.parametrize("given", (True, False), ids=("derivative", "difference"))
@pytest.mark.parametrize("name", LOSSES)
def test_loss_is_its_formula(name, given, dtype):
    function, derivative = own_loss(name)
    engine, params, X, Y, weights = small_problem(dtype)
    loss = losses.Custom(function, derivative if given else None)
    unit = 20 * float(np.finfo(dtype).eps) + (0 if given else 1e-9)
    for weighted in (None, weights):
        value, seen = engine.inspect(params, X, Y, loss, weighted)
        A, dZ = seen[-1]["A"].astype(np.float64), seen[-1]["dZ"]
        pairs = [*zip(A.ravel().tolist(), Y.astype(np.float64).ravel().tolist(), strict=True)]
        w = np.ones(len(X)) if weighted is None else weights.astype(np.float64)
        values = np.array([LOSSES[name][0](*pair) for pair in pairs]).reshape(Y.shape)
        slopes = np.array([LOSSES[name][1](*pair) for pair in pairs]).reshape(Y.shape)
        assert value == pytest.approx((w * values.mean(axis=1)).sum() / w.sum(), rel=unit)
        expected = w[:, None] * slopes / 5 / w.sum()
        np.testing.assert_allclose(dZ, expected, rtol=0, atol=unit * np.abs(expected).max())
        assert (dZ[w == 0] == 0).all()
        if LOSSES[name][2]:
            known = engine.inspect(params, X, Y, LOSSES[name][2], weighted)
            assert value == pytest.approx(known[0], rel=unit)
            np.testing.assert_allclose(dZ, known[1][-1]["dZ"], rtol=0, atol=unit * np.abs(expected).max())
    vectors = [Vector(numba.from_dtype(dtype))] * 2
    assert formula.compiles(formula.formula(function), *vectors) == (name not in LOSS_BY_NUMBERS)


METRICS = {
    "squared": (LOSSES["squared"][0], "mean_squared_error"),
    "hit": (lambda a, y: (a > 0) == (y > 0), "sign_accuracy"),
    "within": (lambda a, y: abs(a - y) < 0.5, None),
    "wave": (LOSSES["wave"][0], None),
}


@pytest.mark.parametrize("name", METRICS)
def test_metric_is_its_formula(name, dtype):
    function, known = METRICS[name]
    engine, params, X, Y, weights = small_problem(dtype)
    Y[:, 0] = (Y[:, 0] > 0) * 2 - 1
    metric = metrics.Custom(njit(function), "mine")
    plain, weighted = copy.copy(metric), copy.copy(metric)
    weighted.weighted = True
    A = engine.predict(params, X).astype(np.float64)
    values = np.array([float(function(a, y)) for a, y in zip(A.ravel().tolist(), Y.ravel().tolist(), strict=True)])
    values = values.reshape(Y.shape).mean(axis=1)
    sums = engine.evaluate(params, X, Y, "mse", (plain, weighted), weights)
    np.testing.assert_allclose(sums[1:], [values.sum(), weights @ values], rtol=20 * float(np.finfo(dtype).eps))
    if known:
        sums_known = engine.evaluate(params, X, Y, "mse", (known,), weights)
        assert sums[1] == pytest.approx(sums_known[1], rel=20 * float(np.finfo(dtype).eps))


def test_nan_stays_visible_in_losses_but_for_weight_0(dtype):
    engine, params, X, Y, weights = small_problem(dtype)
    Y[3] = np.nan
    for name, derivative in (("squared", True), ("squared", False), ("wave", True), ("wave", False)):
        function, slope = own_loss(name)
        loss = losses.Custom(function, slope if derivative else None)
        weights[:] = 1
        value, gradient = engine.loss_and_gradient(params, X, Y, loss, weights)
        assert math.isnan(value) and np.isnan(gradient).all()
        weights[3] = 0
        value, gradient = engine.loss_and_gradient(params, X, Y, loss, weights)
        assert math.isfinite(value) and np.isfinite(gradient).all()


def test_own_loss_and_metric_in_a_model():
    """As the built-ins of the same formulas; the metric has the function's name in the History."""
    @njit
    def closeness(a, y):
        return abs(a - y) < 0.5

    X, Y = data(300)
    histories = []
    for loss, known in (("huber", True), (own_loss("huber")[0], False), (losses.Custom(*own_loss("huber")), False)):
        fcnet.set_seed(2)
        model = Sequential([Dense(8, "tanh", input_dim=30), Dense(3)], dtype="float64")
        model.compile("adam", loss, metrics=["mae" if known else own_loss("absolute")[0], closeness],
                      weighted_metrics=None)
        model.fit(X, Y, epochs=3, verbose=0, seed=1, validation_split=0.2)
        histories.append(model.history.history)
    assert [*histories[1]] == ["loss", "<lambda>", "closeness", "val_loss", "val_<lambda>", "val_closeness"]
    for history in histories[1:]:
        np.testing.assert_allclose([*history.values()], [*histories[0].values()], rtol=1e-7)
    twin = pickle.loads(pickle.dumps(model))
    assert twin.evaluate(X, Y) == model.evaluate(X, Y)
    assert "step" in str(model.profile(32, seconds=0.01))
    assert repr(losses.get(own_loss("huber")[0])) == "Custom(<lambda>)"


@isa
def test_elementary_functions_of_vectors(dtype, rng):
    """Those that formulas have beyond the kernels' own: 8 units in the last place, and the limits."""
    def spread(low, high, exponent):
        return np.concatenate([rng.uniform(low, high, 480), np.logspace(-30, exponent, 480)])

    nan, inf = math.nan, math.inf
    rows = (  # at -inf, inf, NaN and 0
        (lambda z: math.expm1(z), np.expm1, spread(-80, 80, 1), (-1, inf, nan, 0)),
        (lambda z: math.log1p(z), np.log1p, spread(-1, 9, 30), (nan, inf, nan, 0)),
        (lambda z: math.erf(z), np.vectorize(math.erf), spread(-5, 5, 1), (-1, 1, nan, 0)),
    )
    for function, exact, inside, limits in rows:
        Z = np.zeros(1024, dtype)
        Z[:960], Z[960:964] = inside, (-inf, inf, nan, 0)
        A, g = np.empty_like(Z), njit(function)
        assert formula.compiles(formula.formula(g), Vector(numba.from_dtype(dtype)))
        call(custom.activation(g, None, False, np.dtype(dtype)).forward, Z, A)
        expected = exact(Z[:960].astype(np.float64))
        np.testing.assert_allclose(A[:960], expected, rtol=8 * float(np.finfo(dtype).eps))
        np.testing.assert_array_equal(A[960:964], limits)


# ------------------------------------------------------------------------------------------------
# In a model
# ------------------------------------------------------------------------------------------------


def twins(dtype="float32"):
    """A model of built-ins, and one of the same formulas of one's own."""
    (tanh, _, tanh_by_a), (silu, silu_by_z, _) = own("tanh"), own("silu")
    fcnet.set_seed(3)
    known = Sequential([Dense(40, "tanh", input_dim=30), Dense(20, "silu"), Dense(3, "tanh")], dtype=dtype)
    mine = Sequential([
        Dense(40, activations.Custom(tanh, output_derivative=tanh_by_a), input_dim=30),
        Dense(20, activations.Custom(silu, silu_by_z)),
        Dense(3, tanh),
    ], dtype=dtype)
    mine.set_weights(known.get_weights())
    for model in (known, mine):
        model.compile("adam", "mse", metrics=["mae"])
    return known, mine


def data(rows=600):
    rng = np.random.default_rng(8)
    return rng.standard_normal((rows, 30)), rng.uniform(-1, 1, (rows, 3))


def test_model_of_own_functions():
    """Everything that runs a network, against the built-ins of the same formulas."""
    known, mine = twins("float64")
    X, Y = data()
    for seen, expected in zip(mine.inspect(X, Y), known.inspect(X, Y), strict=True):
        for name in ("Z", "A", "dZ", "dW", "db"):
            value = getattr(expected, name)
            np.testing.assert_allclose(getattr(seen, name), value, rtol=0, atol=1e-9 * np.abs(value).max())
    for model in (known, mine):
        model.fit(X, Y, epochs=3, batch_size=100, verbose=0, seed=1, validation_split=0.2)
    for key, values in known.history.history.items():
        np.testing.assert_allclose(mine.history.history[key], values, rtol=1e-7)
    np.testing.assert_allclose(mine.predict(X), known.predict(X), rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(mine.predict(X[:3]), mine.predict(X)[:3])
    np.testing.assert_allclose(mine.evaluate(X, Y), known.evaluate(X, Y), rtol=1e-7)
    shown = []
    mine.summary(print_fn=shown.append)
    assert "<lambda>" in shown[0]


def test_same_bits_for_any_number_of_threads():
    X, Y = data(1500)
    results = []
    try:
        for threads in (1, 2, 3):
            set_num_threads(threads)
            model = twins()[1]
            model.fit(X, Y, epochs=2, batch_size=700, verbose=0, seed=1)
            results.append((model.parameters.tobytes(), model.predict(X).tobytes()))
    finally:
        set_num_threads(None)
    assert len(set(results)) == 1


def test_one_name_two_functions():
    """As in a notebook, where a cell runs again with another formula, and in a loop over a constant."""
    X = np.linspace(-2, 2, 50).reshape(-1, 1)
    found = []
    for alpha in (0.1, 0.4):
        model = Sequential([Dense(1, scaled(alpha), input_dim=1, kernel_initializer="ones")], dtype="float64")
        found.append(model.predict(X))
        np.testing.assert_allclose(found[-1], np.where(X < 0, alpha * X, X), rtol=1e-15)
    assert (found[0] != found[1]).any()


def test_one_is_a_mixture_with_names():
    """A function that is called like a built-in is not taken for it."""
    namespace = {"math": math}
    exec("def sigmoid(z):\n    return 0.5 + 0.4 * math.tanh(z)", namespace)
    model = Sequential([Dense(1, njit(namespace["sigmoid"]), input_dim=1, kernel_initializer="ones")], dtype="float64")
    model.compile("sgd", "binary_crossentropy")
    X, Y = np.linspace(-2, 2, 20).reshape(-1, 1), np.tile([0.0, 1.0], 10)
    p = 0.5 + 0.4 * np.tanh(X[:, 0])
    np.testing.assert_allclose(model.predict(X)[:, 0], p, rtol=1e-14)
    np.testing.assert_allclose(model.evaluate(X, Y), -np.mean(Y * np.log(p) + (1 - Y) * np.log(1 - p)), rtol=1e-6)


def test_copies_and_pickles():
    X, Y = data(64)
    model = twins()[1]
    model.fit(X, Y, epochs=1, verbose=0)
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(twin.predict(X), model.predict(X))
        twin.fit(X, Y, epochs=1, verbose=0)


def test_pickle_in_another_process(run_python, tmp_path):
    """The functions go along by value, with what they close over."""
    X = np.linspace(-2, 2, 40).reshape(-1, 1)
    model = Sequential([Dense(4, scaled(0.3), input_dim=1), Dense(1, sigmoid)])
    model.compile("sgd", own_loss("huber")[0], [own_loss("quantile")[0]])
    model.fit(X, X, verbose=0)
    path = tmp_path / "model"
    path.write_bytes(pickle.dumps([model, X, model.predict(X), model.evaluate(X, X)]))
    run_python("""
        import pickle, sys
        from pathlib import Path
        model, X, outputs, values = pickle.loads(Path(sys.argv[1]).read_bytes())
        assert (model.predict(X) == outputs).all()
        assert model.evaluate(X, X) == values
        """, path)


# ------------------------------------------------------------------------------------------------
# What is refused
# ------------------------------------------------------------------------------------------------


def plain(z):
    return z


@njit
def imports(z):
    from math import sin
    return sin(z)


@njit
def raises(z):
    if z > 3:
        raise ValueError(z)
    return z


@njit
def tries(z):
    try:
        return 1.0 / z
    except Exception:
        return 0.0


REFUSED = (
    (plain, r"@numba\.njit\n    def plain\(z\):\n.*got the plain Python function plain"),
    (lambda z: z, r"def my_function\(z\)"),
    (math.sin, "got <built-in function sin>"),
    (njit(lambda z, w: z + w), r"function of 1 number, my_function\(z\); got <lambda>\(z, w\)"),
    (njit(lambda: 1.0), r"got <lambda>\(\)"),
    (njit(lambda z: (z, z)), "must return one number, got UniTuple"),
    (njit(lambda z: None), "must return one number, got none"),
    (njit(lambda z: z.real_part), "does not compile for numbers. Numba says: Unknown attribute 'real_part'"),
    (njit(lambda z: math.hypot(z)), "does not compile for numbers. Numba says: No implementation of function"),
    (imports, "imports does not compile for numbers. Numba says: Use of unsupported opcode"),
    (raises, "raises does not compile.*raise, try and assert"),
    (tries, "tries does not compile.*raise, try and assert"),
)


@pytest.mark.parametrize("function, message", REFUSED, ids=range(len(REFUSED)))
def test_refused(function, message):
    pattern = "(?s)activation.*" + message
    with pytest.raises(TypeError, match=pattern) as caught:
        Dense(3, activation=function)
    assert len(str(caught.value)) < 700
    with pytest.raises(TypeError, match="(?s)^derivative.*" + message):
        activations.Custom(tower, function)


@pytest.mark.parametrize("function, message", (
    (lambda a, y: a - y, r"def my_function\(a, y\)"),
    (njit(lambda z: z), r"function of 2 numbers, my_function\(a, y\); got <lambda>\(z\)"),
    (njit(lambda a, y: np.ones(3)), "must return one number, got array"),
    (njit(lambda a, y: a.mean() + y), "does not compile for numbers. Numba says: Unknown attribute 'mean'"),
))
def test_refused_losses_and_metrics(function, message):
    """Nothing has changed then."""
    model = Sequential([Dense(1, input_dim=2)])
    model.compile("sgd", "mse")
    before = model.optimizer
    with pytest.raises(TypeError, match="(?s)^loss.*" + message):
        model.compile("adam", function)
    with pytest.raises(TypeError, match="(?s)^metric.*" + message):
        model.compile("adam", "mse", [function])
    with pytest.raises(TypeError, match="(?s)^derivative.*" + message):
        losses.Custom(own_loss("huber")[0], function)
    assert model.optimizer is before
    assert model.train_on_batch(np.ones((3, 2)), np.ones(3)) >= 0


def test_class_numbers_have_no_metric_of_one_output():
    model = Sequential([Dense(3, "softmax", input_dim=2)])
    with pytest.raises(ValueError, match="class numbers"):
        model.compile("sgd", "sparse_categorical_crossentropy", [own_loss("huber")[0]])


def test_derivatives_are_one():
    with pytest.raises(ValueError, match="not both"):
        activations.Custom(tower, own("tanh")[1], own("tanh")[2])
    custom_tower = activations.Custom(tower, name="mine")
    assert str(custom_tower) == "mine" and repr(custom_tower) == "Custom(mine)" and custom_tower() is custom_tower
    assert custom_tower == activations.Custom(tower, name="mine") != activations.Custom(tower)
    assert activations.get(tower).derivative == "central difference"


@pytest.mark.parametrize("base", [
    losses.Loss, losses.MeanSquaredError, metrics.Metric, metrics.AUC, layers.Layer, Dense, optimizers.Adam,
    regularizers.Regularizer, constraints.Constraint,
])  # fmt: skip
def test_derived_classes(base):
    """Nothing would call what is written in them."""
    with pytest.raises(TypeError, match=rf"Own can't be derived from {base.__name__}: .*@numba\.njit.*docs/custom\.md"):

        class Own(base):
            def call(self, *arguments):
                raise AssertionError


def test_objects_of_another_library():
    """Of Keras they can be called; the advice is not to compile them, but to take fcnet's."""

    class Theirs:
        def __call__(self, *arguments):
            raise AssertionError

    model = Sequential([Dense(1, input_dim=2)])
    for kind, use in {
        "loss": lambda: model.compile("sgd", Theirs()), "optimizer": lambda: model.compile(Theirs(), "mse"),
        "metric": lambda: model.compile("sgd", "mse", [Theirs()]), "activation": lambda: Dense(1, Theirs()),
    }.items():  # fmt: skip
        with pytest.raises(TypeError, match=f"^{kind} must be a name or an object of fcnet, got .*Theirs .*; the"):
            use()
    for rate in Theirs(), "0.1":
        with pytest.raises(ValueError, match=r"learning_rate must be a number in \(0, inf\) or one of fcnet.schedules"):
            optimizers.SGD(rate)


def test_base_classes_are_nothing_to_train_with():
    model = Sequential([Dense(1, input_dim=2)])
    with pytest.raises(TypeError, match=r"loss must be a name or an object of fcnet, got Loss\(\)"):
        model.compile("sgd", losses.Loss())
    with pytest.raises(TypeError, match="kernel_regularizer must be a name or an object of fcnet"):
        Dense(1, kernel_regularizer=regularizers.Regularizer())
    with pytest.raises(TypeError, match="or another layer or, first"):
        model.add(layers.Layer())
