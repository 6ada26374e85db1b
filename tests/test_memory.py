"""Not one byte outside of the arrays that fcnet makes for its kernels, and none of those it has freed."""

import ctypes
import subprocess
import sys
from pathlib import Path

import leaks
import numpy as np
import pytest
import random_models
from guards import Guarded, Zones
from reference import Layer
from tables import problem

from fcnet.engine import Engine

CASES, PARTS = 240, 4


@pytest.mark.parametrize("part", range(PARTS))
def test_random_models_between_zones(part, monkeypatch):
    """Nothing is written outside, and nothing that is read there reaches a result: the bits are those without zones."""
    for seed in range(part, CASES, PARTS):
        case = random_models.draw(seed)
        with random_models.settings(case, monkeypatch):
            expected = random_models.run(case)
            memory = Guarded()
            try:
                with Zones() as zones:
                    found = random_models.run(case, memory.put)
                memory.check()
            except AssertionError as error:
                raise AssertionError(f"{error}\n{case}") from error
        assert zones.checks
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other, err_msg=str(case))


def network(samples=5):
    """An engine, and one batch for it."""
    layers, loss = [Layer(70, "tanh"), Layer(3, "softmax")], "categorical_crossentropy"
    batch = problem(np.random.default_rng(0), 9, layers, loss, samples, np.float32)
    return Engine(9, layers, np.float32), (*batch, loss)


@pytest.mark.parametrize("byte", (-1, 0))
def test_a_write_outside_is_found(byte):
    with Zones():
        engine, batch = network()
        engine.loss_and_gradient(*batch)
        outside = engine.workspace.ctypes.data + (byte if byte < 0 else engine.workspace.nbytes)
        ctypes.c_uint8.from_address(outside).value ^= 1
        with pytest.raises(AssertionError, match=r"written -?\d+ bytes from the start of engine.py:\d+"):
            engine.loss_and_gradient(*batch)


def test_a_write_to_freed_memory_is_found():
    with Zones():
        engine, batch = network()
        engine.loss_and_gradient(*batch)
        engine.workspace = None  # its address still stands in the task
        with pytest.raises(AssertionError, match=r"written to freed memory of engine.py:\d+"):
            engine.loss_and_gradient(*batch)


def test_no_index_outside():
    """The public kernels with Numba's bounds checking; `make soak` has both dtypes, and whole models."""
    script = Path(__file__).resolve().parent / "soak" / "bounds.py"
    done = subprocess.run([sys.executable, script, "float64"], capture_output=True, text=True)
    assert done.returncode == 0 and "no index outside" in done.stdout, done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="memory is told in Linux's way")
def test_memory_stays_flat():
    """Of 300 fits 1 MB would be 3 kB each: less than a model takes. `make soak` has 10,000."""
    leaks.check(fits=300, failures=3000, most=1 << 20)
