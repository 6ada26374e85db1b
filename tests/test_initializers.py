"""Initializers against Keras's formulas: limits, moments, seeds, names."""

import math

import numpy as np
import pytest

import fcnet
from fcnet import Dense, Sequential, initializers

I, O = 300, 200
SHAPE = (I, O)

# Name, how the values spread (limit of a uniform, standard deviation of a normal distribution).
UNIFORM = {
    "glorot_uniform": math.sqrt(6 / (I + O)),
    "he_uniform": math.sqrt(6 / I),
    "lecun_uniform": math.sqrt(3 / I),
    "random_uniform": 0.05,
}
TRUNCATED = {
    "glorot_normal": math.sqrt(2 / (I + O)),
    "he_normal": math.sqrt(2 / I),
    "lecun_normal": math.sqrt(1 / I),
}
FIXED = {"zeros": 0.0, "ones": 1.0, "constant": 0.0}
RANDOM = [*UNIFORM, *TRUNCATED, "random_normal"]


def moments(values, std, kurtosis):
    """Mean and variance within five standard errors of 0 and std^2."""
    n = values.size
    assert abs(values.mean()) < 5 * std / math.sqrt(n)
    assert abs(values.var() / std**2 - 1) < 5 * math.sqrt((kurtosis - 1) / n)


@pytest.mark.parametrize("name", UNIFORM)
def test_uniform(name):
    values = getattr(initializers, name)(seed=3)(SHAPE, "float64")
    limit = UNIFORM[name]
    assert np.abs(values).max() <= limit
    assert np.abs(values).max() > 0.999 * limit
    moments(values, limit / math.sqrt(3), 9 / 5)


@pytest.mark.parametrize("name", TRUNCATED)
def test_truncated_normal(name):
    """The variance is the formula's although the tails are cut."""
    values = getattr(initializers, name)(seed=3)(SHAPE, "float64")
    std = TRUNCATED[name]
    cut = 2 * std / 0.87962566103423978
    assert 0.99 * cut < np.abs(values).max() <= cut
    moments(values, std, 3)  # the kurtosis of what is left is below 3


def test_correction_is_the_standard_deviation_of_the_cut_distribution():
    """Variance of a standard normal on [-c, c]: 1 - 2 c phi(c) / (2 Phi(c) - 1)."""
    c = 2.0
    phi = math.exp(-(c**2) / 2) / math.sqrt(2 * math.pi)
    inside = math.erf(c / math.sqrt(2))
    assert initializers._TRUNCATED_STD == pytest.approx(math.sqrt(1 - 2 * c * phi / inside), rel=1e-12)


def test_normal():
    values = initializers.RandomNormal(mean=0.5, stddev=0.2, seed=3)(SHAPE, "float64")
    moments(values - 0.5, 0.2, 3)
    moments(initializers.RandomNormal(seed=3)(SHAPE, "float64"), 0.05, 3)
    assert np.all(initializers.RandomNormal(stddev=0, mean=2)((3,)) == 2)


@pytest.mark.parametrize("name", FIXED)
def test_fixed(name):
    np.testing.assert_array_equal(initializers.get(name)((2, 3)), np.full((2, 3), FIXED[name]))
    np.testing.assert_array_equal(initializers.Constant(0.25)((2,)), [0.25, 0.25])


@pytest.mark.parametrize("name", RANDOM)
def test_seeds(name):
    make = getattr(initializers, name)
    first = make(seed=7)(SHAPE)
    again = make(seed=7)
    np.testing.assert_array_equal(again(SHAPE), first)
    np.testing.assert_array_equal(again(SHAPE), first)  # a number: the same at every call
    assert not np.array_equal(make(seed=8)(SHAPE), first)
    moving = make(seed=np.random.default_rng(7))
    np.testing.assert_array_equal(moving(SHAPE), first)
    assert not np.array_equal(moving(SHAPE), first)
    fcnet.set_seed(7)
    free = make()
    np.testing.assert_array_equal(free(SHAPE), first)
    assert not np.array_equal(free(SHAPE), first)


@pytest.mark.parametrize("name", [*RANDOM, *FIXED])
def test_names_and_dtypes(name):
    by_name = initializers.get(name)
    assert type(by_name) is getattr(initializers, name)
    assert type(initializers.get(type(by_name).__name__)) is type(by_name)
    assert type(initializers.get(type(by_name))) is type(by_name)
    assert initializers.get(by_name) is by_name
    fcnet.set_seed(1)
    single = by_name((5, 4))
    fcnet.set_seed(1)
    double = by_name((5, 4), "float64")
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single, double.astype(np.float32))


def test_short_names_of_keras():
    for short, name in {"normal": "random_normal", "uniform": "random_uniform", "zero": "zeros", "one": "ones"}.items():
        assert type(initializers.get(short)) is type(initializers.get(name))


@pytest.mark.parametrize("name", RANDOM)
def test_bias_has_its_length_as_fans(name):
    """As in Keras."""
    values = initializers.get(name)((400,))
    assert values.shape == (400,)
    assert np.all(np.abs(values) < 0.5)


def test_dense_uses_them():
    model = Sequential([Dense(O, input_dim=I, kernel_initializer="he_uniform", bias_initializer="ones")])
    layer = model.layers[0]
    assert np.abs(layer.kernel).max() > 0.99 * UNIFORM["he_uniform"]
    np.testing.assert_array_equal(layer.bias, 1)
    own = Dense(2, input_dim=3, kernel_initializer=lambda shape, dtype: np.arange(6).reshape(shape))
    Sequential([own])
    np.testing.assert_array_equal(own.W, [[0, 1], [2, 3], [4, 5]])
    default = Dense(O, input_dim=I)
    Sequential([default])
    assert 0.99 * UNIFORM["glorot_uniform"] < np.abs(default.W).max() <= UNIFORM["glorot_uniform"]
    np.testing.assert_array_equal(default.b, 0)
