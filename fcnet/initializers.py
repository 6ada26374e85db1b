"""How weights begin: Keras's initializers, drawn from a `numpy.random.Generator`.

An initializer is called with a shape and a dtype. Without a seed it draws from the generator that
`fcnet.set_seed` seeds; with a whole number it gives the same values at every call, as in Keras; a Generator
moves on. Values are drawn in float64 and rounded, so float32 and float64 models begin alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from . import checks, seeds

Seed: TypeAlias = int | np.random.Generator | None

# Standard deviation of a standard normal variable cut off at -2 and 2.
_TRUNCATED_STD = 0.87962566103423978


class Initializer:
    """Base class: called with a shape and a dtype, float32 by default or float64, it gives such an array.

    Those that draw take a `seed`: a whole number of 0 or more, a numpy.random.Generator, or None.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or lies outside its range.
    """

    def __call__(self, shape: tuple[int, ...], dtype: Any = "float32") -> np.ndarray:
        return np.asarray(self._values(shape), checks.dtype(dtype))

    def _values(self, shape: tuple[int, ...]) -> np.ndarray:
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in vars(self).items())})"


class Constant(Initializer):
    """Every value is `value`.

    Parameters
    ----------
    value : float, default=0.0
    """

    def __init__(self, value: float = 0.0) -> None:
        self.value = checks.real("value", value, -math.inf, math.inf, "()")

    def _values(self, shape: tuple[int, ...]) -> np.ndarray:
        return np.full(shape, self.value)


class Zeros(Initializer):
    """Every value is 0."""

    def _values(self, shape: tuple[int, ...]) -> np.ndarray:
        return np.zeros(shape)


class Ones(Initializer):
    """Every value is 1."""

    def _values(self, shape: tuple[int, ...]) -> np.ndarray:
        return np.ones(shape)


class _Random(Initializer):
    def __init__(self, seed: Seed) -> None:
        self.seed = None if seed is None else checks.seed(seed)


class RandomNormal(_Random):
    """Normal distribution.

    Parameters
    ----------
    mean : float, default=0.0
    stddev : float, default=0.05
        0 or more.
    seed : int, numpy.random.Generator or None, default=None
        As of `Initializer`.
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Seed = None) -> None:
        super().__init__(seed)
        self.mean = checks.real("mean", mean, -math.inf, math.inf, "()")
        self.stddev = checks.real("stddev", stddev, 0, math.inf, "[)")

    def _values(self, shape: tuple[int, ...]) -> np.ndarray:
        return seeds.generator(self.seed).normal(self.mean, self.stddev, shape)


class RandomUniform(_Random):
    """Uniform distribution.

    Parameters
    ----------
    minval : float, default=-0.05
    maxval : float, default=0.05
        Excluded; `minval` or more.
    seed : int, numpy.random.Generator or None, default=None
        As of `Initializer`.
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Seed = None) -> None:
        super().__init__(seed)
        self.minval = checks.real("minval", minval, -math.inf, math.inf, "()")
        self.maxval = checks.real("maxval", maxval, self.minval, math.inf, "[)")

    def _values(self, shape: tuple[int, ...]) -> np.ndarray:
        return seeds.generator(self.seed).uniform(self.minval, self.maxval, shape)


class _VarianceScaling(_Random):
    """Variance scale / n, where n is the number of inputs I, or the mean of inputs and outputs.

    A uniform distribution has its limits at sqrt(3 * scale / n). A normal one is cut off at two standard
    deviations, and widened by as much as the cutting narrows it, so that its variance is scale / n too.
    """

    scale = 1.0
    average = False
    uniform = False

    def __init__(self, seed: Seed = None) -> None:
        super().__init__(seed)

    def _values(self, shape: tuple[int, ...]) -> np.ndarray:
        fan_in, fan_out = shape[0], shape[-1]  # of a bias, as in Keras, both are its length
        variance = self.scale / ((fan_in + fan_out) / 2 if self.average else fan_in)
        generator = seeds.generator(self.seed)
        if self.uniform:
            limit = math.sqrt(3 * variance)
            return generator.uniform(-limit, limit, shape)
        return _truncated_normal(generator, shape) * (math.sqrt(variance) / _TRUNCATED_STD)


class GlorotUniform(_VarianceScaling):
    """Uniform in [-limit, limit], limit = sqrt(6 / (I + O)); also called Xavier. `Dense`'s default.

    Source: Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks,
    AISTATS 2010.
    """

    average, uniform = True, True


class GlorotNormal(_VarianceScaling):
    """Normal, cut off at two standard deviations, with variance 2 / (I + O) (Glorot and Bengio, 2010)."""

    average = True


class HeUniform(_VarianceScaling):
    """Uniform in [-limit, limit], limit = sqrt(6 / I): for ReLU.

    Source: He et al., Delving deep into rectifiers, ICCV 2015.
    """

    scale, uniform = 2.0, True


class HeNormal(_VarianceScaling):
    """Normal, cut off at two standard deviations, with variance 2 / I: for ReLU (He et al., 2015)."""

    scale = 2.0


class LecunUniform(_VarianceScaling):
    """Uniform in [-limit, limit], limit = sqrt(3 / I).

    Source: LeCun et al., Efficient BackProp, in: Neural Networks: Tricks of the Trade, 1998.
    """

    uniform = True


class LecunNormal(_VarianceScaling):
    """Normal, cut off at two standard deviations, with variance 1 / I (LeCun et al., 1998)."""


def _truncated_normal(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Standard normal values, those beyond -2 and 2 drawn again."""
    values = generator.standard_normal(shape)
    flat = values.reshape(-1)
    beyond = np.flatnonzero(np.abs(flat) > 2)
    while beyond.size:
        flat[beyond] = generator.standard_normal(beyond.size)
        beyond = beyond[np.abs(flat[beyond]) > 2]
    return values


constant, zeros, ones = Constant, Zeros, Ones
random_normal, random_uniform = RandomNormal, RandomUniform
glorot_uniform, glorot_normal = GlorotUniform, GlorotNormal
he_uniform, he_normal = HeUniform, HeNormal
lecun_uniform, lecun_normal = LecunUniform, LecunNormal

_NAMES: dict[str, type[Initializer]] = {
    "constant": Constant,
    "glorot_normal": GlorotNormal,
    "glorot_uniform": GlorotUniform,
    "he_normal": HeNormal,
    "he_uniform": HeUniform,
    "lecun_normal": LecunNormal,
    "lecun_uniform": LecunUniform,
    "ones": Ones,
    "random_normal": RandomNormal,
    "random_uniform": RandomUniform,
    "zeros": Zeros,
}
INITIALIZERS = {
    **_NAMES,
    **{kind.__name__: kind for kind in _NAMES.values()},
    **{"normal": RandomNormal, "uniform": RandomUniform, "one": Ones, "zero": Zeros},  # as in Keras
}


def get(identifier: Any, kind: str = "initializer") -> Callable[..., np.ndarray]:
    """The initializer of a name ("he_normal", "HeNormal"), a class, or any callable of shape and dtype.

    Raises
    ------
    ValueError
        If the name is not known; the message has the valid names and the nearest one.
    TypeError
        If `identifier` is neither a name nor callable.
    """
    if callable(identifier) and not isinstance(identifier, type):
        return identifier
    return checks.declared(kind, identifier, Initializer, INITIALIZERS)
