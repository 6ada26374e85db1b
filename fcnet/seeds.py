"""Where random numbers come from: one generator for the process, or the one a call was given."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from . import _runtime, checks

_generator = np.random.default_rng()


_seeding = threading.RLock()


class _Process:
    """The lock that NumPy takes while the process's generator draws: a child needs it free, and that generator."""

    @property
    def lock(self) -> _Process:
        return self

    def acquire(self) -> None:
        _seeding.acquire()
        self._drawing = _generator.bit_generator.lock
        self._drawing.acquire()

    def release(self) -> None:
        self._drawing.release()
        _seeding.release()


_process = _Process()
_runtime.held_over_fork(_process)


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
    seeded = np.random.default_rng(checks.whole("seed", seed, 0))
    with _seeding:
        _generator = seeded


def generator(seed: int | np.random.Generator | None = None) -> np.random.Generator:
    """The process's generator for None, a new one for a number, a generator as it is."""
    if seed is None:
        return _generator
    return np.random.default_rng(checks.seed(seed))


def key(seed: int) -> int:
    """The key that layers with random numbers get from a seed: 64 bits, as a signed number, never 0."""
    return int(np.random.SeedSequence(seed).generate_state(1, np.uint64).view(np.int64)[0]) or 1


_BITS = {kind.__name__: kind for kind in (
    np.random.PCG64, np.random.PCG64DXSM, np.random.SFC64, np.random.MT19937, np.random.Philox
)}  # fmt: skip
_HIGHEST = {"pos": 624, "buffer_pos": 4}  # places in arrays of the state, which NumPy does not check


def state(generator: np.random.Generator) -> dict[str, Any]:
    """Where a generator stands."""
    return dict(generator.bit_generator.state)


def stored(state: dict[str, Any]) -> dict[str, Any]:
    """The same as numbers, texts and lists."""
    kind = state["bit_generator"]
    if kind not in _BITS:
        raise ValueError(f"the state of a {kind} can't be stored; those of {', '.join(_BITS)} can")
    return _listed(state)


def restore(generator: np.random.Generator, state: Any) -> None:
    """Bring a generator to where one stood, as `stored` tells it.

    Raises
    ------
    TypeError, ValueError
        If it is of another kind, or `state` is no state of its kind.
    """
    bits = generator.bit_generator
    if not isinstance(state, dict) or state.get("bit_generator") != type(bits).__name__:
        raise ValueError(f"a generator of the kind {type(bits).__name__} can't go on from a state of another kind")
    bits.state = _like(bits.state, state, "")


def restored(state: Any) -> np.random.Generator:
    """A generator that stands where one stood."""
    kind = _BITS.get(state["bit_generator"])
    if kind is None:
        raise ValueError(f"the kind of a generator must be one of {', '.join(_BITS)}")
    generator = np.random.Generator(kind(0))
    restore(generator, state)
    return generator


def _listed(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _listed(part) for name, part in value.items()}
    return value.tolist() if isinstance(value, np.ndarray) else value


def _like(pattern: Any, value: Any, name: str) -> Any:
    """`value` in the form of `pattern`, a state of the same kind of generator."""
    if isinstance(pattern, dict) and isinstance(value, dict) and pattern.keys() == value.keys():
        return {name: _like(pattern[name], value[name], name) for name in pattern}
    if isinstance(pattern, np.ndarray) and isinstance(value, list) and len(value) == len(pattern):
        return np.array([_like(0, number, name) for number in value], pattern.dtype)
    if isinstance(pattern, str) and pattern == value:
        return value
    if isinstance(pattern, int) and type(value) is int and 0 <= value <= _HIGHEST.get(name, 2**128 - 1):
        return value
    raise ValueError("this is no state of a generator")
