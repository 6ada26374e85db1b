"""Where random numbers come from: one generator for the process, or the one a call was given."""

from __future__ import annotations

import numpy as np

from . import checks

_generator = np.random.default_rng()


def set_seed(seed: int) -> None:
    """Seed everything that is not given a seed of its own: initial weights, order of the samples, dropout and noise.

    Parameters
    ----------
    seed : int
        0 or more. The same seed, program and fcnet version give the same bits.

    Raises
    ------
    TypeError, ValueError
        If `seed` is not a whole number of 0 or more.
    """
    global _generator
    _generator = np.random.default_rng(checks.whole("seed", seed, 0))


def generator(seed: int | np.random.Generator | None = None) -> np.random.Generator:
    """The process's generator for None, a new one for a number, a generator as it is."""
    if seed is None:
        return _generator
    return np.random.default_rng(checks.seed(seed))


def key(seed: int) -> int:
    """The key that layers with random numbers get from a seed: 64 bits, as a signed number, never 0."""
    return int(np.random.SeedSequence(seed).generate_state(1, np.uint64).view(np.int64)[0]) or 1
