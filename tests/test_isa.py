"""The code for smaller vectors: the tests marked `isa` once more, compiled for another processor.

A machine with AVX-512 would otherwise never run the AVX2 path, and no x86-64 machine the 128-bit path, which
is also that of ARM.
"""

import os
import platform
import subprocess
import sys

import llvmlite.binding as llvm
import pytest
from conftest import TESTS

TARGETS = {  # name: (processor, features, bytes of its vector registers)
    "avx2": ("haswell", "+avx2,+fma", 32),
    "sse4": ("nehalem", "+sse4.2", 16),
}
# To compile fewer kernels: float64 where the code differs from float32's by more than the number of lanes.
SELECTION = "float32 or test_network or target or ulp or limits"


@pytest.mark.skipif(platform.machine().lower() not in ("x86_64", "amd64"), reason="the targets are of x86-64")
@pytest.mark.parametrize("target", TARGETS)
def test_smaller_vectors(target):
    processor, features, register_bytes = TARGETS[target]
    host = llvm.get_host_cpu_features()
    missing = [name for name in features.split(",") if not host.get(name.lstrip("+"))]
    if missing:
        pytest.skip(f"this processor has no {missing}")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-m", "isa", "-k", SELECTION, "-q", "-x", "-p", "no:cacheprovider",
         str(TESTS / "test_kernels.py"), str(TESTS / "test_network.py"), str(TESTS / "test_inference.py"),
         str(TESTS / "test_custom.py"), str(TESTS / "test_product.py"), str(TESTS / "test_strips.py"),
         str(TESTS / "test_inputs.py"), str(TESTS / "test_few.py")],
        env={**os.environ, "NUMBA_CPU_NAME": processor, "NUMBA_CPU_FEATURES": features, "CI": "1",
             "FCNET_TEST_REGISTER_BYTES": str(register_bytes)},
        cwd=TESTS.parent, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert " passed" in done.stdout
