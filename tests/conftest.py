"""One kernel cache for the whole run, hypothesis's profile, and the fixtures that all tests share."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import hypothesis
import numpy as np
import pytest

TESTS = Path(__file__).resolve().parent
CACHE = TESTS.parent / ".cache"  # ignored by git

# Before fcnet is imported: reruns and subprocesses find the kernels compiled.
os.environ.setdefault("FCNET_CACHE_DIR", str(CACHE / "kernels"))

# An example may have to compile a kernel first, so there is no deadline.
# The same examples in every run of a CI server; elsewhere new ones, and failures are replayed from a folder.
ON_CI = bool(os.environ.get("CI"))
hypothesis.settings.register_profile(
    "fcnet", deadline=None, max_examples=40, derandomize=ON_CI,
    database=None if ON_CI else hypothesis.database.DirectoryBasedExampleDatabase(CACHE / "hypothesis"))
hypothesis.settings.load_profile("fcnet")


def pytest_configure(config):
    config.addinivalue_line("markers", "isa: run again with the code for smaller vectors, by test_isa.py")


@pytest.fixture
def rng():
    return np.random.default_rng(20240229)


@pytest.fixture(autouse=True)
def small_arrays_are_shared(monkeypatch):
    """The public kernels use several threads for the smallest arrays, too."""
    monkeypatch.setattr("fcnet.kernels._jit.share_small", True)


@pytest.fixture(params=(np.float32, np.float64), ids=("float32", "float64"))
def dtype(request):
    return request.param


@pytest.fixture(scope="session")
def run_python():
    """Run a script in a process of its own, where it can import the modules of this folder.

    ``run_python(script, *arguments, **environment)`` returns the finished process, with its text output;
    it must have ended without an error.
    """
    def run(script, *arguments, **environment):
        path = os.pathsep.join(filter(None, (str(TESTS), os.environ.get("PYTHONPATH"))))
        command = [sys.executable, "-W", "error", "-c", textwrap.dedent(script), *map(str, arguments)]
        environment = {**os.environ, "PYTHONPATH": path, **environment}
        done = subprocess.run(command, env=environment, cwd=TESTS.parent, capture_output=True, text=True,
                              timeout=600)
        assert done.returncode == 0, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done
    return run
