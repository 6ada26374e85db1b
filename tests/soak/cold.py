"""Processes that start together on an empty cache of compiled kernels, each with a fit.

    python tests/soak/cold.py            8 processes
    python tests/soak/cold.py 4 3        4 processes, 3 times

All must give the bits of a process that is alone, without a warning or anything on stderr but the notice of compiling;
a process after them compiles nothing, and no unfinished file is left.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOTICE = "fcnet: compiling kernels for this processor; this happens once and takes some seconds ..."

FIT = """
import hashlib, sys, time

import numpy as np

import fcnet

time.sleep(max(0.0, float(sys.argv[1]) - time.time()))
fcnet.set_seed(0)
X = np.random.default_rng(0).normal(size=(200, 5)).astype(np.float32)
model = fcnet.Sequential([fcnet.Dense(20, "tanh", input_dim=5), fcnet.Dense(20, "relu"), fcnet.Dense(1, "sigmoid")])
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
model.fit(X, X[:, 0] > 0, batch_size=16, epochs=5, verbose=0, seed=0)
bits = model.parameters.tobytes() + model.predict(X).tobytes()
compiled = fcnet.kernels.compiled().values()
print(hashlib.sha256(bits).hexdigest(), len(compiled) - sum(compiled))
"""


def start(folder, when):
    environment = {**os.environ, "FCNET_CACHE_DIR": str(folder), "NUMBA_NUM_THREADS": "1",
                   "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))}
    return subprocess.Popen([sys.executable, "-W", "error", "-c", FIT, str(when)], env=environment, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def ended(process):
    """Digest, and how many kernels it compiled."""
    out, errors = process.communicate()
    assert process.returncode == 0, errors
    assert set(errors.splitlines()) <= {NOTICE}, errors
    digest, compiled = out.split()
    return digest, int(compiled)


def cold(count):
    """The seconds of so many processes on one empty cache."""
    with tempfile.TemporaryDirectory() as name:
        begin = time.perf_counter()
        when = time.time() + 3  # all are ready
        found = [ended(process) for process in [start(name, when) for _ in range(count)]]
        seconds = time.perf_counter() - begin
        digest, compiled = ended(start(name, 0))
        assert {bits for bits, _ in found} == {digest}, found
        assert all(of_each > 0 for _, of_each in found) and compiled == 0, (found, compiled)
        left = [path for path in Path(name).rglob("*") if path.is_file() and path.suffix != ".kernel"]
        assert not left, left
    return seconds


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:]]
    count, times = given + [8, 1][len(given):]
    for _ in range(times):
        print(f"{count} processes on an empty cache: all right after {cold(count):.0f} s", flush=True)
