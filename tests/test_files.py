"""Model files: what comes back is what was saved, bad files are refused, and writing is all or nothing."""

import copy
import errno
import hashlib
import importlib
import inspect
import json
import math
import os
import pickle
import struct
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numba
import numpy as np
import pytest

import fcnet
from fcnet import (
    Activation,
    Dense,
    Dropout,
    GaussianNoise,
    Input,
    LayerNormalization,
    ModelFileError,
    Sequential,
    activations,
    constraints,
    descriptions,
    files,
    initializers,
    losses,
    metrics,
    optimizers,
    regularizers,
    schedules,
)
from fcnet.datasets import make_circles

X, Y = make_circles(60, factor=0.3, noise=0.1, random_state=0)
BEGIN = b'{"__metadata__":{"checksum":"'


@numba.njit
def bent(z):
    return math.tanh(z) + 0.1 * z


@numba.njit
def bent_slope(z):
    return 1.1 - math.tanh(z) ** 2


@numba.njit
def quartic(a, y):
    return (a - y) ** 4


@numba.njit
def quartic_slope(a, y):
    return 4 * (a - y) ** 3


@numba.njit
def off_by_half(a, y):
    return 1.0 if abs(a - y) > 0.5 else 0.0


def halves(shape, dtype=None):
    return np.full(shape, 0.5, dtype)


class Halving(schedules.Schedule):
    def rates(self, steps):
        return 0.1 * 0.5 ** (steps // 10)


OWN = {"bent": bent, "quartic": quartic, "off_by_half": off_by_half, "halves": halves, "Halving": Halving()}


def mixed(dtype="float32", optimizer=None):
    """A model with a bit of everything."""
    model = Sequential([
        Dense(8, activations.elu(alpha=0.5), input_dim=2, kernel_regularizer="l2", kernel_constraint="max_norm",
              learning_rate_multiplier=0.5),
        LayerNormalization(epsilon=1e-4, center=False),
        Dropout(0.2, seed=3),
        GaussianNoise(0.1),
        Dense(6, use_bias=False, name="narrow", bias_initializer=initializers.Constant(0.1)),
        Activation("gelu"),
        Dense(1, "sigmoid"),
    ], name="mixed", dtype=dtype)  # fmt: skip
    rate = schedules.CosineDecay(0.01, 100)
    model.compile(
        optimizer or optimizers.Adam(rate, use_ema=True, gradient_accumulation_steps=2, clipnorm=1.0),
        losses.BinaryCrossentropy(label_smoothing=0.1, name="smooth"),
        ["acc", metrics.Precision(0.4)], [metrics.F1Score(class_id=0), "mse"],
    )  # fmt: skip
    return model


def plain():
    model = Sequential([Dense(3, "tanh", input_dim=2), Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy")
    return model


def same_training(model, twin, epochs=(3, 5)):
    """Both go on alike, bit by bit."""
    np.testing.assert_array_equal(twin.predict(X), model.predict(X), strict=True)
    for one in (model, twin):
        one.fit(X, Y, initial_epoch=epochs[0], epochs=epochs[1], verbose=0, seed=1)
    np.testing.assert_array_equal(twin.parameters, model.parameters, strict=True)
    assert twin.history.history == model.history.history
    assert twin.optimizer.iterations == model.optimizer.iterations


# --------------------------------------------------------------------------------------------- there and back


def test_everything_comes_back(tmp_path, dtype):
    fcnet.set_seed(0)
    model = mixed(np.dtype(dtype).name)
    model.get_layer("narrow").trainable = False
    model.fit(X, Y, epochs=3, verbose=0, seed=1)
    path = tmp_path / "model.safetensors"
    model.save(path)
    twin = fcnet.load(path)
    assert [repr(layer) for layer in twin.layers] == [repr(layer) for layer in model.layers]
    assert not twin.get_layer("narrow").trainable
    assert (twin.name, twin.dtype, repr(twin.optimizer)) == ("mixed", model.dtype, repr(model.optimizer))
    assert repr(twin._loss) == repr(model._loss) and twin._loss.name == "smooth"
    assert twin.history.history == model.history.history
    assert twin.history.params == model.history.params and twin.history.model is twin
    assert np.shares_memory(twin.layers[0].W, twin.parameters)
    again = tmp_path / "again"
    twin.save(str(again))
    assert again.read_bytes() == path.read_bytes()
    same_training(model, twin)


SCHEDULES = (
    schedules.Constant(0.1), schedules.PiecewiseConstantDecay([10, 20], [0.1, 0.05, 0.0]),
    schedules.ExponentialDecay(0.1, 5, 0.9, staircase=True), schedules.InverseTimeDecay(0.1, 5, 0.5),
    schedules.PolynomialDecay(0.1, 50, power=2.0, cycle=True),
    schedules.CosineDecay(0.0, 50, 0.1, warmup_target=0.1, warmup_steps=3),
    schedules.CosineDecayRestarts(0.1, 5, m_mul=0.9), schedules.OneCycle(0.1, 40, three_phase=True),
)  # fmt: skip


def test_every_schedule_is_in_the_table():
    own = {kind for kind in vars(schedules).values()
           if isinstance(kind, type) and issubclass(kind, schedules.Schedule)} - {schedules.Schedule}  # fmt: skip
    assert own == set(descriptions.SCHEDULES.values()) == {type(schedule) for schedule in SCHEDULES}


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_schedules(schedule):
    custom = descriptions.Custom()
    text = json.dumps(descriptions.described(schedule, descriptions.SCHEDULES, custom))
    twin = descriptions.made(json.loads(text), descriptions.SCHEDULES, custom, "schedule")
    assert repr(twin) == repr(schedule) and not custom.known
    np.testing.assert_array_equal(twin(np.arange(60)), schedule(np.arange(60)))


@pytest.mark.parametrize("kind", descriptions.OPTIMIZERS.values(), ids=lambda kind: kind.__name__)
def test_every_optimizer(kind, tmp_path):
    """Also with its flags on and its options set, with the state of both after a fit."""
    if kind is optimizers.LBFGS:
        chosen = [optimizers.LBFGS(m=7, tol=1e-7)]
    else:
        flags = dict.fromkeys(kind.flags, True) | ({"momentum": 0.5} if "momentum" in kind.ranges else {})
        chosen = [kind(), kind(0.005, **flags, clipvalue=0.5, use_ema=True, ema_overwrite_frequency=2)]
    for optimizer in chosen:
        model = plain()
        model.compile(optimizer, "binary_crossentropy")
        if kind is not optimizers.LBFGS:
            model.fit(X, Y, epochs=3, verbose=0, seed=1)
        model.save(tmp_path / "model")
        twin = fcnet.load(tmp_path / "model")
        assert repr(twin.optimizer) == repr(optimizer)
        if kind is not optimizers.LBFGS:
            same_training(model, twin)


def variants(kind):
    """An object with its defaults, and one with another value for every argument that has one."""
    other = {"from_logits": True, "label_smoothing": 0.1, "apply_class_balancing": True, "alpha": 0.3, "gamma": 1.5,
             "delta": 0.7, "name": "other", "k": 2, "thresholds": 0.3, "average": "micro", "beta": 2.0,
             "threshold": 0.6, "num_thresholds": 33, "curve": "PR", "multi_label": True, "l1": 0.1, "l2": 0.2,
             "class_aggregation": "variance_weighted_average", "max_value": 3.0, "axis": 1, "seed": 5,
             "value": 0.3, "mean": 0.1, "stddev": 0.2, "minval": -0.3, "maxval": 0.4, "class_id": None}  # fmt: skip
    names = [p.name for p in inspect.signature(kind).parameters.values() if p.kind is not p.VAR_KEYWORD]
    return kind(), kind(**{name: other[name] for name in names})


@pytest.mark.parametrize("table", [descriptions.LOSSES, descriptions.METRICS, *descriptions.PARTS.values()])
def test_every_object_of_the_tables(table):
    for kind in table.values():
        for made in variants(kind):
            custom = descriptions.Custom()
            text = json.dumps(descriptions.described(made, table, custom))
            twin = descriptions.made(json.loads(text), table, custom, "object")
            assert type(twin) is kind and vars(twin) == vars(made)
    assert "Custom" not in table


@pytest.mark.parametrize("name", activations.ACTIVATIONS)
def test_every_activation(name):
    known = activations.ACTIVATIONS[name]
    other = {"approximate": True}.get(known.parameter_name, 0.7)
    for made in (known, known(**{known.parameter_name: other}) if known.parameter_name else known):
        for layer in (Dense(2, made), Activation(made)):
            twin = descriptions.made_layer(descriptions.layer(layer, descriptions.Custom()), descriptions.Custom())
            assert (twin.activation, twin.activation_parameter) == (layer.activation, layer.activation_parameter)


def test_generators_of_initializers_come_back():
    for bits in (np.random.PCG64, np.random.PCG64DXSM, np.random.SFC64, np.random.MT19937, np.random.Philox):
        generator = np.random.Generator(bits(7))
        generator.integers(9, size=3, dtype=np.int32)
        layer = Dense(4, kernel_initializer=initializers.HeNormal(generator))
        text = json.dumps(descriptions.layer(layer, descriptions.Custom()))
        twin = descriptions.made_layer(json.loads(text), descriptions.Custom())
        np.testing.assert_array_equal(twin.kernel_initializer((3, 4)), layer.kernel_initializer((3, 4)))


def test_models_without_weights_training_or_layers(tmp_path):
    model = Sequential([Dense(4, "relu"), Dense(1)])
    for change in (lambda: None, lambda: model.compile("sgd", "mse"), lambda: model.fit(X, Y, verbose=0)):
        change()
        model.save(tmp_path / "model")
        twin = fcnet.load(tmp_path / "model")
        assert twin.built == model.built and repr(twin) == repr(model)
        assert (twin.optimizer is None) == (model.optimizer is None)
    twin.fit(X, Y, verbose=0)
    assert twin.optimizer.iterations == 4
    for layers in ([], [Input(3)], [Input(2), Dropout(0.1)]):
        Sequential(layers).save(tmp_path / "model")
        twin = fcnet.load(tmp_path / "model")
        twin.add(Dense(2))
        assert twin.built == bool(layers)


def test_a_layer_added_after_the_fit_keeps_the_file_right(tmp_path):
    model = plain()
    model.fit(X, Y, verbose=0)
    model.add(Dense(1, "sigmoid"))
    model.save(tmp_path / "model")
    twin = fcnet.load(tmp_path / "model")
    same_training(model, twin, (0, 2))


def test_feature_names_come_back(tmp_path):
    pandas = pytest.importorskip("pandas")
    model = plain()
    table = pandas.DataFrame(X, columns=["left", "right"])
    model.fit(table, Y, verbose=0)
    model.save(tmp_path / "model")
    with pytest.raises(ValueError, match="left"):
        fcnet.load(tmp_path / "model").predict(table[["right", "left"]])


def test_a_shared_optimizer_is_refused(tmp_path):
    model, other = plain(), plain()
    other.compile(model.optimizer, "mse")
    with pytest.raises(RuntimeError, match="its own optimizer"):
        model.save(tmp_path / "model")


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    model = plain()
    model.parameters[4] = np.nan
    for save in (model.save, model.save_weights):
        with pytest.raises(ValueError, match=r"layers\.dense\.kernel: NaN at row 1, column 1"):
            save(tmp_path / "model")
    assert not [*tmp_path.iterdir()]


def copies(model, folder):
    """Twins by every way there is; cloudpickle and joblib where they are installed."""
    model.save(folder / "model")
    found = [fcnet.load(folder / "model"), copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
    for name in "cloudpickle", "joblib":
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        if name == "cloudpickle":
            found.append(pickle.loads(module.dumps(model)))
        else:
            module.dump(model, folder / "joblib")
            found += [module.load(folder / "joblib"), module.load(folder / "joblib", mmap_mode="r")]
    return found


@pytest.mark.parametrize("epochs", [0, 3])
def test_pickle_deepcopy_and_the_file_agree(epochs, tmp_path):
    model = mixed()
    if epochs:
        model.fit(X, Y, epochs=epochs, verbose=0, seed=1)
    for twin in copies(model, tmp_path):
        same_training(copy.deepcopy(model), twin, (epochs, epochs + 2))


def test_safetensors_reads_the_arrays(tmp_path):
    safetensors = pytest.importorskip("safetensors")
    numpy = pytest.importorskip("safetensors.numpy")
    model = mixed()
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "model.safetensors")
    arrays = numpy.load_file(tmp_path / "model.safetensors")
    for layer in model.layers:
        for part, view in layer._views().items():
            np.testing.assert_array_equal(arrays.pop(f"layers.{layer.name}.{part}"), view, strict=True)
    assert sorted(arrays) == [f"optimizer.{i}" for i in range(4)]
    with safetensors.safe_open(tmp_path / "model.safetensors", "numpy") as file:
        contents = json.loads(file.metadata()["contents"])
    assert [layer["class"] for layer in contents["layers"]][:2] == ["Dense", "LayerNormalization"]


# ------------------------------------------------------------------------------------------------ one's own


def test_own_functions_are_passed_to_load(tmp_path):
    model = Sequential([Dense(4, bent, input_dim=2, kernel_initializer=halves), Dense(1)])
    model.compile(optimizers.SGD(Halving()), quartic, [off_by_half])
    model.fit(X, Y, epochs=3, verbose=0, seed=1)
    model.save(tmp_path / "model")
    twin = fcnet.load(tmp_path / "model", OWN)
    same_training(model, twin)
    for name in OWN:
        with pytest.raises(ModelFileError, match=rf"model: it needs '{name}', .* custom_objects=\{{'{name}'"):
            fcnet.load(tmp_path / "model", {key: value for key, value in OWN.items() if key != name})
    with pytest.raises(ModelFileError, match="must be compiled by Numba"):
        fcnet.load(tmp_path / "model", OWN | {"bent": math.tanh})
    with pytest.raises(ModelFileError, match="must be a schedule"):
        fcnet.load(tmp_path / "model", OWN | {"Halving": Halving})
    for wrong in ([bent], {1: bent}, "bent"):
        with pytest.raises(TypeError, match="custom_objects must be a dict"):
            fcnet.load(tmp_path / "model", wrong)


def test_own_derivatives_must_come_too(tmp_path):
    own = activations.Custom(bent, bent_slope), losses.Custom(quartic, quartic_slope)
    model = Sequential([Dense(4, own[0], input_dim=2), Dense(1)])
    model.compile("sgd", own[1])
    model.save(tmp_path / "model")
    assert fcnet.load(tmp_path / "model", {"bent": own[0], "quartic": own[1]}).layers[0].activation == own[0]
    for name, kind in (("bent", "activations"), ("quartic", "losses")):
        known = {"bent": own[0], "quartic": own[1]} | {name: OWN[name]}
        with pytest.raises(ModelFileError, match=rf"'{name}' had the derivative .*pass {kind}\.Custom"):
            fcnet.load(tmp_path / "model", known)


def test_two_functions_of_one_name(tmp_path):
    first, second = numba.njit(lambda z: z * 0.5), numba.njit(lambda z: z * 2.0)
    model = Sequential([Dense(2, first, input_dim=2), Dense(2, second), Dense(1, first)])
    model.save(tmp_path / "model")
    twin = fcnet.load(tmp_path / "model", {"<lambda>": first, "<lambda>_1": second})
    np.testing.assert_array_equal(twin.predict(X), model.predict(X))


# ------------------------------------------------------------------------------------------------- weights


def test_weights_alone(tmp_path):
    model, other = mixed(), mixed("float64")
    before = other.optimizer
    model.save_weights(tmp_path / "weights")
    other.load_weights(tmp_path / "weights")
    for one, two in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two.astype(np.float32))
    assert other.optimizer is before
    model.parameters[:] = 0
    model.save(tmp_path / "model")
    other.load_weights(tmp_path / "model")
    assert not other.parameters.any()
    kept = (small := plain()).get_weights()
    with pytest.raises(ModelFileError, match=r"weights: weights must hold 4 arrays"):
        small.load_weights(tmp_path / "weights")
    wide = Sequential([Dense(4, input_dim=2), Dense(1)])
    wide.save_weights(tmp_path / "weights")
    with pytest.raises(ModelFileError, match=r"dense\.kernel must have shape \(2, 3\), got \(2, 4\)"):
        small.load_weights(tmp_path / "weights")
    for array, same in zip(small.get_weights(), kept, strict=True):
        np.testing.assert_array_equal(array, same)
    with pytest.raises(ModelFileError, match="holds weights alone"):
        fcnet.load(tmp_path / "weights")
    for call in (Sequential([Dense(1)]).save_weights, Sequential([Dense(1)]).load_weights):
        with pytest.raises(RuntimeError, match="no parameters yet"):
            call(tmp_path / "weights")


# ----------------------------------------------------------------------------------------------- bad files


def sealed(header, data):
    """A file with this header, a dict or bytes, and the checksum that belongs to it."""
    if isinstance(header, dict):
        header = json.dumps(header, separators=(",", ":")).encode()
    start = len(BEGIN)
    raw = struct.pack("<Q", len(header)) + header[:start] + b"0" * 64 + header[start + 64 :] + data
    checksum = hashlib.sha256(raw).hexdigest().encode()
    return raw[: 8 + start] + checksum + raw[8 + start + 64 :]


def opened(raw):
    """Header and data of a file."""
    (length,) = struct.unpack("<Q", raw[:8])
    return json.loads(raw[8 : 8 + length]), raw[8 + length :]


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    path = tmp_path_factory.mktemp("good") / "model"
    model = plain()
    model.fit(X, Y, epochs=2, verbose=0, seed=1)
    model.save(path)
    fcnet.load(path)
    return path.read_bytes()


def refused(path, raw, match):
    path.write_bytes(raw)
    with pytest.raises(ModelFileError, match=match) as caught:
        fcnet.load(path)
    assert str(path) in str(caught.value)
    assert caught.value.path == str(path) and caught.value.reason


class Planted:
    """A pickle that would leave a mark."""

    def __reduce__(self):
        return os.mkdir, ("planted-by-a-pickle",)


RAW = {
    "empty": (lambda raw: b"", "it is empty"),
    "a byte": (lambda raw: b"x", "no file of fcnet's, or cut off"),
    "half": (lambda raw: raw[: len(raw) // 2], "no file of fcnet's, or cut off"),
    "last byte cut": (lambda raw: raw[:-1], "checksum"),
    "trailing": (lambda raw: raw + b"\0", "checksum"),
    "pickle": (lambda raw: pickle.dumps(Planted()) + raw, "no file of fcnet's"),
    "zip": (lambda raw: b"PK\x03\x04" + b"\0" * 500, "no file of fcnet's"),
    "text": (lambda raw: b"epochs: 3\n" * 100, "no file of fcnet's"),
    "length beyond the file": (lambda raw: struct.pack("<Q", 2**63) + raw[8:], "no file of fcnet's, or cut off"),
    "plain safetensors": (lambda raw: struct.pack("<Q", 200) + b'{"__metadata__":{"a":"b"}}'.ljust(200), "checksum"),
    "header": (lambda raw: raw.replace(b'"format":"1"', b'"format":"2"'), "checksum"),
}


@pytest.mark.parametrize("name", RAW)
def test_files_that_are_none(name, good, tmp_path):
    change, match = RAW[name]
    refused(tmp_path / "bad", change(good), match)
    assert not Path("planted-by-a-pickle").exists()


def test_every_flipped_bit_is_found(good, tmp_path):
    rng = np.random.default_rng(0)
    for place in rng.choice(8 * len(good), 300, replace=False):
        raw = bytearray(good)
        raw[place // 8] ^= 1 << place % 8
        refused(tmp_path / "bad", raw, "damaged|no file of fcnet's|header")


def test_every_cut_is_found(good, tmp_path):
    for size in np.random.default_rng(1).choice(len(good), 100, replace=False):
        refused(tmp_path / "bad", good[:size], "cut off|checksum|empty")


def with_header(change):
    def changed(raw):
        header, data = opened(raw)
        return sealed(change(header) or header, data)
    return changed


def with_contents(change):
    def altered(header):
        contents = json.loads(header["__metadata__"]["contents"])
        contents = change(contents) or contents
        header["__metadata__"]["contents"] = json.dumps(contents)
    return with_header(altered)


def with_text(name, text):
    return with_header(lambda header: header["__metadata__"].update({name: text}))


def with_array(**changes):
    return with_header(lambda header: header["layers.dense.kernel"].update(changes))


def layer(**changes):
    return with_contents(lambda contents: contents["layers"][0].update(changes))


def doubled(raw):
    """The first array listed twice."""
    header, data = opened(raw)
    text = json.dumps(header, separators=(",", ":"))
    entry = text[text.index('"layers.dense.kernel"') : text.index("},", text.index('"layers.dense.kernel"')) + 1]
    return sealed((text[:-1] + "," + entry + "}").encode(), data)


def with_data(change):
    def changed(raw):
        header, data = opened(raw)
        return sealed(header, change(data))
    return changed


def not_a_number(raw):
    header, data = opened(raw)
    begin = header["layers.dense_1.bias"]["data_offsets"][0]
    return sealed(header, data[:begin] + struct.pack("<f", math.nan) + data[begin + 4 :])


DEEP = "[" * 5000 + "]" * 5000
# what the checksum of a forger would not show
FORGED = {
    "trailing bytes": (with_data(lambda data: data + b"1234"), "4 bytes that belong to no array"),
    "bytes missing": (with_data(lambda data: data[:-4]), "array '.*' of shape"),
    "NaN": (not_a_number, r"dense_1\.bias: NaN at row 0"),
    "array twice": (doubled, "header has 'layers.dense.kernel' twice"),
    "name in contents twice": (with_text("contents", '{"kind":"model","kind":"model"}'), "contents has 'kind' twice"),
    "deep": (with_text("contents", DEEP), "no JSON"),
    "deep in the middle": (with_contents(lambda c: {**c, "history": json.loads("[" * 900 + "]" * 900)}), "recursion"),
    "deep header": (lambda raw: sealed(BEGIN + b"0" * 64 + b'"},"a":' + DEEP.encode() + b"}", b""), "no JSON"),
    "no JSON": (with_text("contents", "{"), "no JSON"),
    "no object": (with_text("contents", "[]"), "no JSON object"),
    "surrogates": (with_text("contents", '{"kind": "\ud800"}'), "it holds weights|it lacks"),
    "not UTF-8": (lambda raw: sealed(BEGIN + b"0" * 64 + b'","\xff":""}}', b""), "no JSON"),
    "huge number": (with_text("contents", "1" * 10000), "no JSON"),
    "no contents": (with_header(lambda h: h["__metadata__"].pop("contents") and None), "no JSON"),
    "metadata no texts": (with_text("contents", {}), "no texts"),
    "newer": (with_header(lambda h: h["__metadata__"].update(format="2", fcnet="9.1")), r"written by fcnet 9\.1"),
    "format no number": (with_text("format", "-1"), "its format is '-1'"),
    "format huge": (with_text("format", "9" * 5000), "its format"),
    "huge shape": (with_array(shape=[2**62, 2]), "array 'layers.dense.kernel' of shape"),
    "overflowing shape": (with_array(shape=[2**32, 2**32, 3]), "array 'layers.dense.kernel' of shape"),
    "negative shape": (with_array(shape=[-2, -3]), "where array 'layers.dense.kernel' lies"),
    "float shape": (with_array(shape=[2.0, 3]), "where array"),
    "true shape": (with_array(shape=[True, 6]), "where array"),
    "text shape": (with_array(shape="23"), "where array"),
    "many axes": (with_array(shape=[1] * 100), "where array"),
    "no rows": (with_array(shape=[0, 3], data_offsets=[0, 0]), "is empty"),
    "offsets beyond": (with_array(data_offsets=[10**9, 10**9 + 24]), "is said to be bytes"),
    "offsets reversed": (with_array(data_offsets=[24, 0]), "is said to be bytes"),
    "overlap": (with_array(data_offsets=[4, 28]), "is said to be bytes"),
    "one offset": (with_array(data_offsets=[0]), "where array"),
    "unknown dtype": (with_array(dtype="BF16"), "dtype of array"),
    "object dtype": (with_array(dtype="O"), "dtype of array"),
    "dtype list": (with_array(dtype=[DEEP]), "dtype of array"),
    "other dtype": (with_array(dtype="I32"), "must be float32"),
    "wrong shape": (with_array(shape=[3, 2]), r"must be float32 \(2, 3\), not float32 \(3, 2\)"),
    "more in an entry": (with_array(code="x"), "where array"),
    "entry no object": (with_header(lambda h: h.update({"layers.dense.kernel": 3})), "where array"),
    "array renamed": (with_header(lambda h: h.update({"a": h.pop("layers.dense.kernel")})), "it lacks the array"),
    "array too many": (with_header(lambda h: h.update(a=dict(dtype="F32", shape=[0], data_offsets=[0, 0]))),
                       "belong to nothing: a"),
    "unknown layer": (layer(**{"class": "Denser"}), "unknown layer 'Denser'. Did you mean"),
    "layer by module": (layer(**{"class": "os.system"}), "unknown layer"),
    "layer no text": (layer(**{"class": ["Dense"]}), "layer must be a name"),
    "unknown activation": (layer(activation={"name": "__import__"}), "unknown activation"),
    "wrong parameter": (layer(activation={"name": "relu", "alpha": 1}), "has no parameters"),
    "unknown option": (layer(code="print"), "unexpected keyword"),
    "missing option": (with_contents(lambda c: c["layers"][0].pop("units") and None), "missing 1 required"),
    "units negative": (layer(units=-3), "units must be 1 or more"),
    "units huge": (layer(units=10**18), "must be float32"),
    "units beyond 64 bits": (layer(units=10**300), "must be float32"),
    "units no number": (layer(units="8"), "units must be a whole number"),
    "input_dim": (layer(input_dim=-1), "input_dim must be 1 or more"),
    "trainable": (layer(trainable="yes"), "trainable must be True or False"),
    "names alike": (with_contents(lambda c: c["layers"][1].update(name="dense")), "a layer named 'dense' already"),
    "layers no list": (with_contents(lambda c: {**c, "layers": 3}), "not iterable"),
    "layer no object": (with_contents(lambda c: {**c, "layers": ["Dense"]}), "."),
    "no layers": (with_contents(lambda c: {**c, "layers": []}), "."),
    "no inputs": (with_contents(lambda c: {**c, "inputs": None}), "inputs is null"),
    "inputs negative": (with_contents(lambda c: {**c, "inputs": -1}), "inputs must be 1 or more"),
    "other inputs": (with_contents(lambda c: {**c, "inputs": 10**18}), "must be float32"),
    "dtype": (with_contents(lambda c: {**c, "dtype": "float64"}), "must be float64"),
    "dtype of objects": (with_contents(lambda c: {**c, "dtype": "O"}), "dtype must be"),
    "kind": (with_contents(lambda c: {"kind": 3}), "weights alone"),
    "no kind": (with_contents(lambda c: c.pop("kind") and None), "it lacks 'kind'"),
    "name": (with_contents(lambda c: {**c, "name": 3}), "name must be a text"),
    "feature names": (with_contents(lambda c: {**c, "feature_names": [3]}), "feature_names"),
    "unknown loss": (with_contents(lambda c: {**c, "loss": {"class": "eval"}}), "unknown loss"),
    "loss that does not fit": (
        with_contents(lambda c: {**c, "loss": {"class": "CategoricalCrossentropy"}}), "categorical_crossentropy"),
    "own loss": (with_contents(lambda c: {**c, "loss": {"custom": "os.system"}}), "it needs 'os.system'"),
    "own list": (with_contents(lambda c: {**c, "loss": {"custom": []}}), "."),
    "unknown metric": (with_contents(lambda c: {**c, "metrics": [{"class": "open"}]}), "unknown metric"),
    "unknown optimizer": (with_contents(lambda c: c["optimizer"].update({"class": "x"})), "unknown optimizer"),
    "rate": (with_contents(lambda c: c["optimizer"].update(learning_rate=-1)), "learning_rate must be"),
    "iterations": (with_contents(lambda c: c["optimizer"].update(iterations=-1)), "iterations must be 0 or more"),
    "iterations too many": (with_contents(lambda c: c["optimizer"].update(iterations=2**63)), "iterations"),
    "no vectors": (with_contents(lambda c: {**c, "vectors": 0}), "belong to nothing"),
    "one vector": (with_contents(lambda c: {**c, "vectors": 1}), "Adam has 2 vectors"),
    "history": (with_contents(lambda c: {**c, "history": {"dict": {"epoch": 3}}}), "."),
    "history of others": (with_contents(lambda c: {**c, "history": {"eval": "1"}}), "it has 'eval'"),
    "history epochs": (
        with_contents(lambda c: c["history"]["dict"].update(epoch=["x"])), "epoch must be a whole number"),
    "initializer": (layer(kernel_initializer={"class": "Orthogonal"}), "unknown initializer"),
    "generator": (layer(kernel_initializer={"class": "HeNormal", "seed": {"generator": {"bit_generator": "os"}}}),
                  "kind of a generator"),
    "generator's place": (
        layer(kernel_initializer={"class": "HeNormal", "seed": {"generator": {
            "bit_generator": "MT19937", "state": {"key": [0] * 624, "pos": 10**6}}}}), "no state of a generator"),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGED)
def test_forged_files(name, good, tmp_path):
    change, match = FORGED[name]
    refused(tmp_path / "bad", change(good), f"(?s).*{match}")


def test_a_forged_file_that_changes_nothing_is_read(good, tmp_path):
    """The forger of the cases above works."""
    (tmp_path / "same").write_bytes(with_contents(lambda contents: None)(good))
    fcnet.load(tmp_path / "same")


def test_a_huge_header_is_not_read(tmp_path, monkeypatch, good):
    monkeypatch.setattr(files, "HEADER_BYTES", 1000)
    refused(tmp_path / "bad", good, "at most 1,000 are read")
    model = plain()
    with pytest.raises(ValueError, match="at most 1,000 fit"):
        model.save(tmp_path / "other")


@pytest.mark.parametrize("name", ["units huge", "huge shape", "offsets beyond", "other inputs", "deep", "half"])
def test_memory_is_bounded_by_the_size_of_the_file(name, good, tmp_path):
    raw = ({**RAW, **FORGED})[name][0](good)
    (tmp_path / "bad").write_bytes(raw)
    tracemalloc.start()
    try:
        with pytest.raises(ModelFileError):
            fcnet.load(tmp_path / "bad")
        assert tracemalloc.get_traced_memory()[1] < 60 * len(raw) + 200_000
    finally:
        tracemalloc.stop()


def test_the_error_pickles():
    error = pickle.loads(pickle.dumps(ModelFileError("a/b", "it is empty")))
    assert str(error) == "a/b: it is empty" and isinstance(error, ValueError)


# ------------------------------------------------------------------------------------------------- writing


def test_what_is_not_there(tmp_path):
    for call in (fcnet.load, plain().load_weights):
        with pytest.raises(FileNotFoundError, match="missing"):
            call(tmp_path / "missing")
    with pytest.raises(FileNotFoundError, match="no-folder"):
        plain().save(tmp_path / "no-folder" / "model")
    for call in (fcnet.load, plain().save):
        with pytest.raises(OSError, match=tmp_path.name):
            call(tmp_path)
        for wrong in (None, 3, b"", ""):
            with pytest.raises(TypeError, match="path must be the path of a file"):
                call(wrong)
    for call in (plain().save, files.prepare):
        with pytest.raises(IsADirectoryError, match="models/"):
            call(f"{tmp_path}/models/")
    assert not [*tmp_path.iterdir()]


@pytest.mark.skipif(os.name != "posix", reason="POSIX")
def test_a_folder_that_is_gone(tmp_path, monkeypatch):
    """A relative path leads nowhere then, and the error names it still."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    for call in (plain().save, files.prepare, fcnet.load):
        with pytest.raises(FileNotFoundError, match="model"):
            call("model")


@pytest.mark.skipif(os.name != "posix", reason="POSIX")
def test_special_files_are_left_alone(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ModelFileError, match="not a regular file"):
        fcnet.load(tmp_path / "pipe")
    with pytest.raises(OSError, match="pipe"):
        plain().save(tmp_path / "pipe")
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


@pytest.mark.skipif(os.name != "posix", reason="POSIX")
def test_unwritable(run_python):
    """A file, and a folder; root, who may write everywhere, becomes somebody else for it."""
    run_python("""
        import os, tempfile
        from pathlib import Path
        from test_files import plain
        model = plain()
        if os.geteuid() == 0:
            os.setuid(65534)
            tempfile.tempdir = "/tmp"
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / "model"
            model.save(path)
            before = path.read_bytes()
            for what, mode in (path, 0o444), (path.parent, 0o555):
                what.chmod(mode)
                try:
                    model.save(path)
                except PermissionError as error:
                    assert error.filename == str(path), error
                else:
                    raise SystemExit(f"{what} was written to")
                what.chmod(0o755)
            assert os.listdir(name) == ["model"] and path.read_bytes() == before
    """)


def test_unwritable_files_are_not_replaced(tmp_path, monkeypatch):
    """As root sees it when the system says no."""
    model, path = plain(), tmp_path / "model"
    model.save(path)
    before = path.read_bytes()
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(PermissionError, match="model"):
        mixed().save(path)
    assert path.read_bytes() == before


@pytest.mark.skipif(os.name != "posix", reason="POSIX")
def test_symbolic_links_are_followed_and_permissions_stay(tmp_path):
    folder = tmp_path / "far"
    folder.mkdir()
    (tmp_path / "link").symlink_to(folder / "model")
    plain().save(tmp_path / "link")
    (folder / "model").chmod(0o640)
    mixed().save(tmp_path / "link")
    assert (tmp_path / "link").is_symlink() and fcnet.load(folder / "model").name == "mixed"
    assert (folder / "model").stat().st_mode & 0o777 == 0o640
    assert os.listdir(folder) == ["model"]


@pytest.mark.parametrize("when", ["fsync", "replace", "chmod"])
def test_a_full_disk_leaves_the_old_file(when, tmp_path, monkeypatch):
    model, path = plain(), tmp_path / "model"
    model.save(path)
    before = path.read_bytes()

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, when, full)
    with pytest.raises(OSError, match="model") as caught:
        model.save(path)
    assert caught.value.errno == errno.ENOSPC and caught.value.filename == str(path)
    monkeypatch.undo()
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["model"]


@pytest.mark.skipif(os.name != "posix", reason="POSIX")
def test_a_write_that_fails_leaves_the_old_file(run_python, tmp_path):
    """The system's own limit on the size of a file, in the middle of the writing."""
    run_python("""
        import os, resource, signal, sys
        from pathlib import Path
        import fcnet
        path = Path(sys.argv[1]) / "model"
        model = fcnet.Sequential([fcnet.Dense(10, input_dim=2)])
        model.save(path)
        before = path.read_bytes()
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        large = fcnet.Sequential([fcnet.Dense(1000, input_dim=1000)])
        try:
            large.save(path)
        except OSError as error:
            assert error.filename == str(path), error
        else:
            raise SystemExit("no error")
        assert path.read_bytes() == before
        assert os.listdir(sys.argv[1]) == ["model"]
    """, tmp_path)


def test_interrupted_writing_leaves_the_old_file(tmp_path, monkeypatch):
    model, path = plain(), tmp_path / "model"
    model.save(path)
    before = path.read_bytes()

    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.save(path)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["model"]


@pytest.mark.skipif(os.name != "posix", reason="POSIX")
def test_temporary_files_of_the_dead_are_swept_and_those_of_the_living_are_not(tmp_path):
    stale = tmp_path / ".fcnet-0123456789abcdef.tmp"
    stale.write_bytes(b"half a model")
    others = {".fcnet-notes.tmp", "x.fcnet-0123456789abcdef.tmp", ".fcnet-0123456789abcdef.tmp.bak"}
    for name in others:
        (tmp_path / name).write_text("mine")
    with files.replacing(tmp_path / "slow") as file:
        plain().save(tmp_path / "model")
        assert not stale.exists()
        file.write(b"written by another")
    assert {path.name for path in tmp_path.iterdir()} == others | {"model", "slow"}
    assert (tmp_path / "slow").read_bytes() == b"written by another"


def test_the_file_is_right_whatever_happens_to_the_arrays(tmp_path, monkeypatch):
    """What changes while it is written is in it as it was written, with the checksum of that."""
    model = Sequential([Dense(600, input_dim=600)])
    real = files._header

    def header(*arguments):
        model.parameters[:] = 7
        return real(*arguments)

    monkeypatch.setattr(files, "_header", header)
    model.save(tmp_path / "model")
    assert (fcnet.load(tmp_path / "model").parameters == 7).all()


def test_two_processes_save_to_one_path(tmp_path):
    """One whole winner, at any time."""
    script = """
import sys, fcnet
model = fcnet.Sequential([fcnet.Dense(100, input_dim=100)])
model.parameters[:] = float(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
for _ in range(40):
    model.save(sys.argv[1])
"""
    path = tmp_path / "model"
    writers = [subprocess.Popen([sys.executable, "-W", "error", "-c", script, path, str(value)], text=True,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE) for value in (1, 2)]  # fmt: skip
    for writer in writers:
        writer.stdout.readline()
    for writer in writers:
        writer.stdin.write("\n")
        writer.stdin.flush()
    seen = set()
    while any(writer.poll() is None for writer in writers):
        if path.exists():
            seen |= {tuple(np.unique(fcnet.load(path).parameters))}
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    seen |= {tuple(np.unique(fcnet.load(path).parameters))}
    assert seen <= {(1.0,), (2.0,)}
    assert os.listdir(tmp_path) == ["model"]


def test_regularizers_and_constraints_are_the_ones_that_were_saved(tmp_path):
    model = Sequential([Dense(4, input_dim=2, kernel_regularizer=regularizers.L1L2(0.1, 0.2),
                              bias_constraint=constraints.NonNeg())])  # fmt: skip
    model.save(tmp_path / "model")
    twin = fcnet.load(tmp_path / "model").layers[0]
    assert (twin.kernel_regularizer.l1, twin.kernel_regularizer.l2) == (0.1, 0.2)
    assert type(twin.bias_constraint) is constraints.NonNeg
