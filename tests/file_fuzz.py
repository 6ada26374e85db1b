"""Model files with something wrong: bytes of them, or values in them under a checksum that is right again."""

import copy
import json
import os
import resource
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from test_files import bent, opened, plain, quartic, sealed

import fcnet
from fcnet import Dense, Dropout, LayerNormalization, ModelFileError, Sequential, optimizers, schedules
from fcnet.callbacks import CSVLogger, EarlyStopping, ModelCheckpoint, ReduceLROnPlateau

ODD = (None, True, False, 0, -1, 1, 7, 10**9, 2**63, 10**300, -0.5, 1e308, 1e-320, "", "x", "relu", "Dense", "adam",
       "float64", "O", "../x", "\0", "é" * 50, [], {}, [[]], [0, 0], {"class": "Dense"}, {"custom": "os.system"},
       {"__metadata__": 1}, [1] * 1000)  # fmt: skip


OWN = {"bent": bent, "quartic": quartic}


def valid(folder):
    """The bytes of some files, one with functions of one's own and a fit that stands still."""
    found, path = [], folder / "valid"
    rng = np.random.default_rng(0)
    for optimizer in ("sgd", "adam"):
        model = plain()
        model.compile(optimizer, "binary_crossentropy", metrics=["accuracy"])
        model.fit(rng.standard_normal((8, 2)), np.arange(8) % 2, verbose=0, seed=1)
        model.save(path)
        found.append(path.read_bytes())
    return [*found, Fit(folder, "blocks").valid]


def places(value, found=None):
    """Every container within a JSON value, with the keys of what lies in it."""
    found = [] if found is None else found
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            found.append((value, key))
            places(value[key], found)
    return found


def forged(raw, rng, part=None):
    """Some values of the header, the contents or the arrays changed, and the checksum made anew.

    With a part, values of this part of the contents.
    """
    header, data = opened(raw)
    contents = json.loads(header["__metadata__"]["contents"])
    data = bytearray(data)
    for _ in range(rng.integers(1, 4)):
        target = contents[part] if part else (contents, contents, contents, header)[rng.integers(4)]
        known = places(target)
        if not known or rng.random() < 0.1:
            start = 4 * rng.integers(len(data) // 4)
            data[start : start + 4] = rng.bytes(4)
            continue
        holder, key = known[rng.integers(len(known))]
        what = rng.integers(5)
        if what == 0:
            del holder[key]
        elif what == 1:
            other, place = known[rng.integers(len(known))]
            holder[key] = copy.deepcopy(other[place]) if place in _keys(other) else None
        elif what == 2 and isinstance(holder, dict):
            holder[str(ODD[rng.integers(len(ODD))])[:20]] = holder.pop(key)
        else:
            holder[key] = copy.deepcopy(ODD[rng.integers(len(ODD))])
    if isinstance(header.get("__metadata__"), dict) and "contents" in header["__metadata__"]:
        header["__metadata__"]["contents"] = json.dumps(contents)
    if rng.random() < 0.1:
        data = data[: rng.integers(len(data))] + rng.bytes(rng.integers(9))
    text = json.dumps(header, separators=(",", ":")).encode()
    if rng.random() < 0.05:
        text = text[: rng.integers(len(text))]
    return sealed(text, bytes(data))


def _keys(holder):
    return holder.keys() if isinstance(holder, dict) else range(len(holder))


def damaged(raw, rng):
    """Some bytes changed, cut out or put in."""
    raw = bytearray(raw)
    for _ in range(rng.integers(1, 4)):
        start = rng.integers(len(raw) or 1)
        stop = start + rng.integers(1, 40)
        what = rng.integers(4)
        if what == 0:
            raw[start : start + 1] = rng.bytes(1)
        elif what == 1:
            del raw[start:stop]
        elif what == 2:
            raw[start:start] = raw[start:stop]
        else:
            raw[start:stop] = rng.bytes(stop - start)
    return bytes(raw)


class Fit:
    """A fit with everything that a checkpoint has, and its model, which a bad one must not change."""

    X = np.random.default_rng(0).standard_normal((20, 2)).astype("float32")
    y = (X[:, 0] > 0).astype("float32")

    def __init__(self, folder, kind):
        self.kind, self.log, self.path = kind, folder / f"{kind}.csv", folder / f"{kind}.safetensors"
        self.begin()
        self.fit(ModelCheckpoint(self.path), epochs=2)
        self.valid, self.logged = self.path.read_bytes(), self.log.read_bytes()
        if kind == "blocks":  # in the middle of an epoch
            self.begin()
            self.fit(ModelCheckpoint(self.path, save_freq=None, minutes=0), epochs=2)
        self.files = [self.valid, self.path.read_bytes()]
        self.begin()

    def begin(self):
        """The model anew."""
        fcnet.set_seed(1)
        if self.kind == "arrays":
            self.model = Sequential([Dense(3, "relu", input_dim=2), Dropout(0.2), Dense(1, "sigmoid")])
            self.model.compile(optimizers.Adam(0.01, use_ema=True), "binary_crossentropy", ["accuracy"])
        else:
            self.model = Sequential([Dense(2, bent, input_dim=2), LayerNormalization(), Dense(1)])
            self.model.compile(optimizers.SGD(schedules.CosineDecay(0.01, 50), momentum=0.9), quartic)
        if hasattr(self, "logged"):
            self.log.write_bytes(self.logged)

    def fit(self, *callbacks, epochs=3, **more):
        if self.kind == "arrays":
            self.model.fit(self.X, self.y, 8, epochs, 0, [
                EarlyStopping("loss", patience=5, restore_best_weights=True), ReduceLROnPlateau("loss"),
                CSVLogger(self.log), *callbacks], validation_split=0.2, **more)  # fmt: skip
        else:
            pieces = [(self.X[:9], self.y[:9]), (self.X[9:], self.y[9:])]
            self.model.fit(pieces, batch_size=4, steps_per_epoch=3, epochs=epochs, verbose=0,
                           callbacks=[CSVLogger(self.log), *callbacks], **more)  # fmt: skip

    def state(self):
        """All that a refused file must leave as it was."""
        model, optimizer = self.model, self.model.optimizer
        return [
            model.parameters.tobytes(), [vector.tobytes() for vector in optimizer.state], optimizer.iterations,
            repr(optimizer), [layer.trainable for layer in model.layers], model._feature_names, model.stop_training,
            id(model.history), fcnet.seeds.state(fcnet.seeds.generator()), self.log.read_bytes(),
        ]  # fmt: skip

    def attack(self, rng):
        """Resume from a forged file or take its weights; whether it was taken."""
        self.path.write_bytes(forged(self.files[rng.integers(2)], rng, "fit" if rng.random() < 0.7 else None))
        before, refusal = self.state(), None
        try:
            if rng.random() < 0.8:
                self.fit(resume=self.path)
            else:
                self.model.load_weights(self.path)
        except ModelFileError as error:
            refusal = str(error)
        except FloatingPointError:  # it may have weights or a learning rate of any size
            pass
        assert np.isfinite(self.model.parameters).all()
        if refusal is None:
            self.begin()
            return True
        assert str(self.path) in refusal
        assert self.state() == before, f"{refusal}, and something has changed"
        return False


def fuzz_fits(folder, seeds):
    """Attack fits with a mutation for every seed; how many were refused and how many were taken."""
    fits, counts = [Fit(folder, "arrays"), Fit(folder, "blocks")], [0, 0]
    for seed in seeds:
        rng = np.random.default_rng(seed)
        try:
            counts[fits[rng.integers(2)].attack(rng)] += 1
        except Exception as error:
            raise AssertionError(f"seed {seed}: {type(error).__name__}: {error}") from error
    return counts


def load(path, raw):
    """Load this; a ModelFileError, or a model that works. Returns whether it is one."""
    path.write_bytes(raw)
    try:
        model = fcnet.load(path, OWN)
    except ModelFileError:
        return False
    if model.built:
        outputs = model.predict(np.ones((3, model.layers[0].get_weights()[0].shape[0])))
        assert outputs.shape[0] == 3
    return True


def fuzz(folder, seeds):
    """Load a mutation for every seed; how many were refused and how many were models."""
    files, path, counts = valid(folder), folder / "fuzzed", [0, 0]
    for seed in seeds:
        rng = np.random.default_rng(seed)
        raw = files[rng.integers(len(files))]
        try:
            counts[load(path, (forged if rng.random() < 0.6 else damaged)(raw, rng))] += 1
        except Exception as error:
            raise AssertionError(f"seed {seed}: {type(error).__name__}: {error}") from error
    return counts


@contextmanager
def in_memory():
    """A folder without a disk, where there is one: half of the time would go to writing files."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as name:
        yield Path(name)


@contextmanager
def at_most(more):
    """A limit of so many bytes beyond what the process has now; beyond it, MemoryError."""
    with open("/proc/self/statm") as file:
        size = int(file.read().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (size + more, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
