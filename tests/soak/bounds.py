"""The public kernels compiled with Numba's bounds checking, in one thread: an index outside of an array is an error.

It sees what is indexed as an array: the rows, blocks and sums of the dense layers, cross entropies and elementwise
kernels. What is read and written through pointers it does not see; for that there are zones and forbidden pages.
"""

import os
import sys
import tempfile
from pathlib import Path

os.environ["NUMBA_BOUNDSCHECK"] = "1"
os.environ["FCNET_CACHE_DIR"] = tempfile.mkdtemp()
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numba
import numpy as np

njit = numba.njit


def serial(*arguments, parallel=False, **options):
    """Without threads: an error in one of them would be lost."""
    return njit(*arguments, **options)


@njit
def last_but(array, n):
    return array[len(array) + n]


def main():
    numba.njit = serial
    import test_kernels
    from guards import Guarded

    try:
        last_but(np.zeros(3), 2)
    except IndexError:
        test_kernels.call_everything(Guarded(), np.random.default_rng(0))
        print("every public kernel, every shape: no index outside")
    else:
        raise AssertionError("bounds are not checked")


if __name__ == "__main__":
    main()
