"""Random models between guard zones, random models on poisoned memory, and memory that must stay flat.

    python tests/soak/memory.py               20,000 models between zones, 2,000 on poisoned memory, 10,000 fits
    python tests/soak/memory.py 500 100 300   other numbers

Poisoned: glibc fills what is freed, and what is allocated, with bytes that are no zeros (MALLOC_PERTURB_), and Python's
own memory comes from there. The results must be those of a process without that. Only glibc does it.
"""

import hashlib
import os
import subprocess
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import leaks
import numpy as np
import pytest
import random_models
from guards import Guarded, Zones

POISON = {"MALLOC_PERTURB_": "165", "PYTHONMALLOC": "malloc", "MALLOC_MMAP_THRESHOLD_": str(1 << 30)}


def between_zones(cases):
    patches = pytest.MonkeyPatch()
    for seed in range(cases):
        case = random_models.draw(seed)
        with random_models.settings(case, patches):
            expected, memory = random_models.run(case), Guarded()
            with Zones():
                found = random_models.run(case, memory.put)
            memory.check()
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other, err_msg=str(case))


def digests(cases):
    """One line for every case."""
    patches = pytest.MonkeyPatch()
    for seed in range(cases):
        case = random_models.draw(seed)
        with random_models.settings(case, patches):
            arrays = random_models.run(case)
        print(seed, hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest())


def on_poisoned_memory(cases):
    runs = [subprocess.run([sys.executable, __file__, "digests", str(cases)], env={**os.environ, **more}, check=True,
                           capture_output=True, text=True).stdout.splitlines() for more in ({}, POISON)]  # fmt: skip
    different = [one for one, other in zip(*runs, strict=True) if one != other]
    assert len(runs[0]) == cases and not different, different


def main():
    warnings.simplefilter("ignore")
    if sys.argv[1:2] == ["digests"]:
        digests(int(sys.argv[2]))
        return
    zones, poisoned, fits = (int(number) for number in sys.argv[1:] or (20_000, 2_000, 10_000))
    between_zones(zones)
    print(f"{zones:,} models between zones: nothing outside, the same bits")
    on_poisoned_memory(poisoned)
    print(f"{poisoned:,} models on poisoned memory: the same bits")
    print(f"{fits:,} fits and failing calls, bytes grown:", leaks.check(fits, fits, 8 << 20))


if __name__ == "__main__":
    main()
