"""The fuzzing of arrays, arguments and calls in any order in tests/test_fuzz.py, with many times as many examples.

    python tests/soak/anything.py           100 times as many: 1,200 sequences of calls, 15,000 arrays
    python tests/soak/anything.py 10        other numbers
"""

import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
NAMES = (
    "test_calls_in_any_order", "test_arrays", "test_arguments_of_constructors", "test_arguments_of_compile_and_fit",
)  # fmt: skip


def main(times=100):
    environment = {**os.environ, "FUZZ_TIMES": str(times)}
    environment.pop("CI", None)  # which has the same examples every time
    sys.exit(subprocess.run([sys.executable, "-m", "pytest", "-q", "--durations=4", *(
        f"{TESTS / 'test_fuzz.py'}::{name}" for name in NAMES)], env=environment).returncode)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
