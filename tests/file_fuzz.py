"""Model files with something wrong: bytes of them, or values in them under a checksum that is right again."""

import copy
import json
import resource
from contextlib import contextmanager

import numpy as np
from test_files import opened, plain, sealed

import fcnet
from fcnet import ModelFileError

ODD = (None, True, False, 0, -1, 1, 7, 10**9, 2**63, 10**300, -0.5, 1e308, 1e-320, "", "x", "relu", "Dense", "adam",
       "float64", "O", "../x", "\0", "é" * 50, [], {}, [[]], [0, 0], {"class": "Dense"}, {"custom": "os.system"},
       {"__metadata__": 1}, [1] * 1000)  # fmt: skip


def valid(folder):
    """The bytes of some files."""
    found, path = [], folder / "valid"
    rng = np.random.default_rng(0)
    for optimizer in ("sgd", "adam"):
        model = plain()
        model.compile(optimizer, "binary_crossentropy", metrics=["accuracy"])
        model.fit(rng.standard_normal((8, 2)), np.arange(8) % 2, verbose=0, seed=1)
        model.save(path)
        found.append(path.read_bytes())
    return found


def places(value, found=None):
    """Every container within a JSON value, with the keys of what lies in it."""
    found = [] if found is None else found
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            found.append((value, key))
            places(value[key], found)
    return found


def forged(raw, rng):
    """Some values of the header, the contents or the arrays changed, and the checksum made anew."""
    header, data = opened(raw)
    contents = json.loads(header["__metadata__"]["contents"])
    data = bytearray(data)
    for _ in range(rng.integers(1, 4)):
        target = (contents, contents, contents, header)[rng.integers(4)]
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


def load(path, raw):
    """Load this; a ModelFileError, or a model that works. Returns whether it is one."""
    path.write_bytes(raw)
    try:
        model = fcnet.load(path)
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
