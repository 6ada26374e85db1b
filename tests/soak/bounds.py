"""Kernels compiled with Numba's bounds checking, in one thread: an index outside of an array is an error.

    python tests/soak/bounds.py             public kernels, and 40 random models
    python tests/soak/bounds.py float64     public kernels of this dtype

It sees what is indexed as an array: the rows, blocks and sums of the public kernels, the layers, pieces and tables of a
model. What is read and written through pointers it does not see; for that there are zones and forbidden pages.
"""

import atexit
import os
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

os.environ["NUMBA_BOUNDSCHECK"] = "1"
os.environ["FCNET_CACHE_DIR"] = CACHE = tempfile.mkdtemp()
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numba
import numpy as np

atexit.register(shutil.rmtree, CACHE, ignore_errors=True)

njit = numba.njit
MODELS = 40


def serial(*arguments, parallel=False, **options):
    """Without threads: an error in one of them would be lost."""
    return njit(*arguments, **options)


def ended(error):
    """An error in a part, which can't raise it."""
    print(error, file=sys.stderr)
    os._exit(1)


@njit
def last_but(array, n):
    return array[len(array) + n]


def public_kernels(dtypes):
    import test_kernels
    from guards import Guarded

    test_kernels.call_everything(Guarded(), np.random.default_rng(0), dtypes)
    print("every public kernel, every shape: no index outside", flush=True)


def models():
    import random_models

    warnings.simplefilter("ignore")
    for seed in range(MODELS):
        random_models.run(random_models.draw(seed))
    print(f"{MODELS} models: no index outside")


def main(*dtypes):
    numba.njit = serial
    sys.unraisablehook = ended
    try:
        last_but(np.zeros(3), 2)
    except IndexError:
        public_kernels(dtypes or ("float32", "float64"))
        if not dtypes:
            models()
    else:
        raise AssertionError("bounds are not checked")


if __name__ == "__main__":
    main(*sys.argv[1:])
