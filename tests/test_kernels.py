"""The public kernels against the reference, for every edge size, in guarded memory.

Bounds are those of floating point: eps times the sum of the absolute products for a sum of products (with a
factor that grows with the square root of the number of terms: roundings go up as often as down), plus 4 ulp
for an activation.  The activations never steepen an error: |g'| <= 1.
"""

import os
import re
import sys
from contextlib import nullcontext

import numpy as np
import pytest
import reference
from fcnet.kernels import _jit, activations, optimizers, rules
from fcnet.kernels.blocking import BACKWARD_BLOCK, FORWARD_BLOCK, block_size, near, packs
from fcnet.kernels.simd import NV, REGISTER_BYTES
from guards import Guarded
from llvmlite import binding, ir
from numba import types
from tables import DTYPES, KEEP_Z, KINKS, LABELS, LONG, SHAPES, SIZES, assert_within, eps, layer

import fcnet
from fcnet import kernels

isa = pytest.mark.isa
ACTIVATIONS = tuple(kernels.ACTIVATIONS)  # of the kernels of one layer


def rounding(terms, dtype):
    """Bound of a sum of `terms` products, relative to the sum of their absolute values."""
    return (4 + np.sqrt(terms) / 2) * eps(dtype)


# ------------------------------------------------------------------------------------------------
# Calls in given memory
# ------------------------------------------------------------------------------------------------

def dense_forward(memory, X, W, b, activation):
    A = memory.out((len(X), W.shape[1]), X.dtype)
    kernels.dense_forward(memory.put(X), memory.put(W), memory.put(b), A, kernels.ACTIVATIONS[activation])
    memory.check()
    return A


def dense_backward(memory, dZ, A_prev, W, activation_prev):
    dZ_prev, dW, db = (memory.out(shape, dZ.dtype) for shape in (A_prev.shape, W.shape, W.shape[1:]))
    kernels.dense_backward(memory.put(dZ), memory.put(A_prev), memory.put(W),
                           kernels.ACTIVATIONS[activation_prev], dZ_prev, dW, db)
    memory.check()
    return dZ_prev, dW, db


def fused_loss(memory, kernel, Z, Y):
    p, dZ = memory.out(Z.shape, Z.dtype), memory.out(Z.shape, Z.dtype)
    loss = kernel(memory.put(Z), memory.put(Y), p, dZ)
    memory.check()
    return loss, p, dZ


def elementwise(memory, kernel, x):
    out = memory.out(x.shape, x.dtype)
    kernel(memory.put(x), out)
    memory.check()
    return out


def dense_problem(rng, shape, dtype, activation="linear"):
    """X of the previous activation's range, W that makes Z of ordinary size, b and dZ."""
    B, I, O = shape
    X = reference.ACTIVATIONS[activation][0](rng.standard_normal((B, I)))
    W = rng.standard_normal((I, O)) / np.sqrt(I)
    return [array.astype(dtype) for array in (X, W, rng.standard_normal(O), rng.standard_normal((B, O)))]


# ------------------------------------------------------------------------------------------------
# Dense layer
# ------------------------------------------------------------------------------------------------

def test_activations_are_those_of_the_reference():
    assert set(kernels.activations.FUNCTIONS) == set(reference.ACTIVATIONS)
    assert set(ACTIVATIONS) < set(reference.ACTIVATIONS)
    assert sorted(kernels.ACTIVATIONS.values()) == sorted(
        [kernels.LINEAR, kernels.RELU, kernels.LEAKY_RELU, kernels.SIGMOID, kernels.TANH, kernels.SOFTMAX])
    assert len(set(kernels.ACTIVATIONS.values())) == len(ACTIVATIONS)


@isa
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_dense_forward(activation, dtype, rng):
    for shape in SHAPES:
        X, W, b, _ = dense_problem(rng, shape, dtype)
        A = dense_forward(Guarded(), X, W, b, activation)
        X, W, b = (array.astype(np.float64) for array in (X, W, b))
        expected = reference.ACTIVATIONS[activation][0](X @ W + b)
        Z_error = rounding(shape[1], dtype) * (np.abs(X) @ np.abs(W) + np.abs(b))
        if activation == "softmax":  # d log p = dz - sum of p dz
            bound = expected * (2 * Z_error.max(axis=1, keepdims=True) + rounding(shape[2], dtype))
        else:
            bound = Z_error + 4 * eps(dtype) * np.abs(expected)
        assert_within(A, expected, bound, f"{activation} {shape}")


@isa
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_dense_backward(activation, dtype, rng):
    for shape in SHAPES:
        A_prev, W, _, dZ = dense_problem(rng, shape, dtype, activation)
        found = dense_backward(Guarded(), dZ, A_prev, W, activation)
        dZ, A_prev, W = (array.astype(np.float64) for array in (dZ, A_prev, W))
        expected = (reference.ACTIVATIONS[activation][1](dZ @ W.T, A_prev), A_prev.T @ dZ, dZ.sum(axis=0))
        dA_error = rounding(shape[2], dtype) * (np.abs(dZ) @ np.abs(W.T))
        if activation == "softmax":  # every dZ_prev is a mixture of the whole row
            dA_error = 2 * A_prev * dA_error.max(axis=1, keepdims=True)
        bounds = (dA_error, rounding(shape[0], dtype) * (np.abs(A_prev.T) @ np.abs(dZ)),
                  rounding(shape[0], dtype) * np.abs(dZ).sum(axis=0))
        for name, got, want, bound in zip(("dZ_prev", "dW", "db"), found, expected, bounds, strict=True):
            assert_within(got, want, bound, f"{name} {activation} {shape}")


@isa
@pytest.mark.parametrize("activation", ("linear", "relu"))
def test_dense_is_exact_on_small_integers(activation, dtype, rng):
    """Sums of small integers have no rounding: one product out of place and the result differs."""
    forward, backward = reference.ACTIVATIONS[activation]
    for B, I, O in SHAPES:
        X, W, b, dZ = (rng.integers(-4, 5, shape).astype(dtype) for shape in ((B, I), (I, O), O, (B, O)))
        np.testing.assert_array_equal(dense_forward(Guarded(), X, W, b, activation), forward(X @ W + b))
        A_prev = forward(X)
        dZ_prev, dW, db = dense_backward(Guarded(), dZ, A_prev, W, activation)
        np.testing.assert_array_equal(dZ_prev, backward(dZ @ W.T, A_prev))
        np.testing.assert_array_equal(dW, A_prev.T @ dZ)
        np.testing.assert_array_equal(db, dZ.sum(axis=0))


@isa
def test_dense_of_wide_layers(dtype, rng):
    """Weights that are packed, panels out of cache, products in several blocks; exact, with any number of threads."""
    lanes = REGISTER_BYTES // np.dtype(dtype).itemsize
    assert packs(2, 700, 704, lanes, 1) and not near(20, 1700, 650) and not near(20, 1600, 65)
    assert block_size(1700, FORWARD_BLOCK) < 1700 and block_size(1600, BACKWARD_BLOCK) < 1600
    rows = 20 * NV * lanes + 1
    for B, I, O in ((5 * NV * lanes, 700, 704), (rows, 1700, 650), (rows, 65, 1600), (3, 1700, 650)):
        X, W, b, dZ = (rng.integers(-4, 5, shape).astype(dtype) for shape in ((B, I), (I, O), O, (B, O)))
        for threads in (1, 3):
            with fcnet.num_threads(threads):
                np.testing.assert_array_equal(dense_forward(Guarded(), X, W, b, "linear"), X @ W + b)
                dZ_prev, dW, db = dense_backward(Guarded(), dZ, X, W, "linear")
            np.testing.assert_array_equal(dZ_prev, dZ @ W.T)
            np.testing.assert_array_equal(dW, X.T @ dZ)
            np.testing.assert_array_equal(db, dZ.sum(axis=0))


def test_dense_of_no_samples(dtype):
    """Nothing adds to dW and db, which are 0 then, in tiles of any place."""
    X, dZ, W, b = (np.full(shape, 7, dtype) for shape in ((0, 40), (0, 130), (40, 130), 130))
    dW, db = W.copy(), b.copy()
    kernels.dense_backward(dZ, X, W, kernels.LINEAR, X.copy(), dW, db)
    assert not dW.any() and not db.any()
    kernels.dense_forward(X, W, b, dZ.copy(), kernels.TANH)


def test_dense_of_no_inputs_or_outputs(dtype):
    """A sum of no terms is 0, or the bias."""
    for I, O in ((0, 20), (40, 0)):
        X, dZ, W, b = (np.full(shape, 7, dtype) for shape in ((30, I), (30, O), (I, O), O))
        A, dX, dW, db = dZ + 1, X + 1, W + 1, b + 1
        kernels.dense_forward(X, W, b, A, kernels.LINEAR)
        kernels.dense_backward(dZ, X, W, kernels.LINEAR, dX, dW, db)
        np.testing.assert_array_equal(A, X @ W + b)
        np.testing.assert_array_equal(dX, dZ @ W.T)
        np.testing.assert_array_equal(dW, X.T @ dZ)
        np.testing.assert_array_equal(db, dZ.sum(axis=0))


def test_small_arrays_wake_no_thread(monkeypatch):
    """One thread is through with them before another one has begun."""
    woken = []
    monkeypatch.setattr(_jit.threads, "launching", lambda count: woken.append(count) or nullcontext())
    monkeypatch.setattr(_jit, "share_small", False)
    with fcnet.num_threads(2):
        for rows, expected in ((10, []), (3000, [2])):
            X, W, b, A = (np.ones(shape, np.float32) for shape in ((rows, 20), (20, 30), 30, (rows, 30)))
            kernels.dense_forward(X, W, b, A, kernels.LINEAR)
            assert woken == expected


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("bad", (np.nan, np.inf))
def test_bad_sample_stays_alone(activation, bad, dtype, rng):
    """NaN is never turned into a number, and a lane never reaches its neighbours."""
    for B, I, O in ((1, 1, 1), (7, 3, 5), (40, 17, 33), (70, LONG, 13)):
        X, W, b, dZ = dense_problem(rng, (B, I, O), dtype)
        good = dense_forward(Guarded(), X, W, b, activation)
        row = B // 2
        X[row, I // 2] = bad
        found = dense_forward(Guarded(), X, W, b, activation)
        others = np.arange(B) != row
        np.testing.assert_array_equal(found[others], good[others])
        with np.errstate(invalid="ignore"):
            Z = X[row:row + 1].astype(np.float64) @ W + b
            expected = reference.ACTIVATIONS[activation][0](Z)
        np.testing.assert_array_equal(np.isnan(found[row]), np.isnan(expected[0]))
        if np.isnan(bad):
            assert np.all(np.isnan(found[row]))

        A_prev = reference.ACTIVATIONS[activation][0](rng.standard_normal((B, I))).astype(dtype)
        good = dense_backward(Guarded(), dZ, A_prev, W, activation)
        dZ[row] = np.nan
        found = dense_backward(Guarded(), dZ, A_prev, W, activation)
        np.testing.assert_array_equal(found[0][others], good[0][others])
        assert np.all(np.isnan(found[1])) and np.all(np.isnan(found[2]))
        where_active = A_prev[row] > 0 if activation == "relu" else np.full(I, True)
        assert np.all(np.isnan(found[0][row][where_active]))


# ------------------------------------------------------------------------------------------------
# Fused losses
# ------------------------------------------------------------------------------------------------

FUSED_KERNELS = {  # name of the kernel: (loss of every sample, dZ)
    "sigmoid_binary_crossentropy": reference.FUSED["sigmoid", "binary_crossentropy"],
    "softmax_crossentropy": reference.FUSED["softmax", "categorical_crossentropy"],
    "softmax_crossentropy_sparse": reference.FUSED["softmax", "sparse_categorical_crossentropy"],
}
LOSS_SHAPES = (*{(B, O) for B, _, O in SHAPES}, (1500, 10), (3, 1500))


def logits_and_labels(name, rng, B, O, dtype, scale=2.0):
    Z = (scale * rng.standard_normal((B, O))).astype(dtype)
    if name == "sigmoid_binary_crossentropy":
        return Z, rng.integers(0, 2, (B, O)).astype(dtype)
    labels = rng.integers(0, O, B)
    return Z, labels if name.endswith("sparse") else reference.one_hot(labels, O).astype(dtype)


def check_fused_loss(name, Z, Y):
    """Probabilities to a few ulp, and what follows from that for dZ and for the loss."""
    loss, p, dZ = fused_loss(Guarded(), getattr(kernels, name), Z, Y)
    Z, dtype = Z.astype(np.float64), Z.dtype
    values, gradient = FUSED_KERNELS[name]
    unit, smallest = eps(dtype), float(np.finfo(dtype).smallest_subnormal)
    if name.startswith("sigmoid"):
        probabilities, count = reference.sigmoid(Z), Z.size
        p_error = 4 * unit * probabilities
    else:  # z - max(z) is rounded, and so is the sum of the exponentials
        probabilities, count = reference.softmax(Z), len(Z)
        span = np.ptp(Z, axis=1, keepdims=True)
        p_error = probabilities * (rounding(Z.shape[1], dtype) + unit * (4 + span))
    p_error += 4 * smallest
    assert_within(p, probabilities, p_error, f"p {name} {Z.shape}")
    expected = gradient(Z, Y)
    dZ_error = p_error / count + 2 * unit * np.abs(expected) + smallest
    assert_within(dZ, expected, dZ_error, f"dZ {name} {Z.shape}")
    assert_within(loss, np.mean(values(Z, Y)), 4 * unit * (1 + np.mean(np.abs(Z).max(axis=1))),
                  f"loss {name} {Z.shape}")


@isa
@pytest.mark.parametrize("name", FUSED_KERNELS)
def test_fused_loss(name, dtype, rng):
    for B, O in LOSS_SHAPES:
        check_fused_loss(name, *logits_and_labels(name, rng, B, O, dtype))


@pytest.mark.parametrize("name", ("sigmoid_binary_crossentropy", "softmax_crossentropy"))
def test_fused_loss_with_soft_labels(name, dtype, rng):
    Z, _ = logits_and_labels(name, rng, 37, 5, dtype)
    soft = rng.random((37, 5))
    check_fused_loss(name, Z, (soft if name.startswith("sigmoid") else reference.softmax(soft)).astype(dtype))


@isa
@pytest.mark.parametrize("name", FUSED_KERNELS)
def test_fused_loss_of_far_logits(name, dtype, rng):
    """Logits of 1e4: exact 0 and 1, a finite loss, no gradient where the answer is right."""
    for B, O in ((5, 2), (33, 13)):
        Z, Y = logits_and_labels(name, rng, B, O, dtype, scale=1e4)
        check_fused_loss(name, Z, Y)
        Z = np.where(reference.one_hot(np.arange(B) % O, O) > 0, 1e4, -1e4).astype(dtype)
        loss, p, dZ = fused_loss(Guarded(), getattr(kernels, name), Z, Y)
        assert np.isfinite(loss)
        np.testing.assert_array_equal(p, Z > 0)
        count = Z.size if name.startswith("sigmoid") else B
        labels = reference.one_hot(Y, O) if Y.dtype == np.int64 else Y
        np.testing.assert_allclose(dZ, ((Z > 0) - labels) / count, rtol=2 * eps(dtype))


def test_loss_of_a_sure_and_right_answer_keeps_its_digits(dtype):
    """log(1 + exp(-z)) is about exp(-z), not 0, long after 1 + exp(-z) has become 1."""
    for z in (5.0, 20.0, 40.0, 80.0):
        Z, Y = np.array([[z, -z]], dtype), np.array([[1, 0]], dtype)
        loss = kernels.sigmoid_binary_crossentropy(Z, Y, np.empty_like(Z), np.empty_like(Z))
        assert_within(loss, np.log1p(np.exp(-z)), 10 * eps(dtype) * np.exp(-z), f"z = {z}")


@pytest.mark.parametrize("name", FUSED_KERNELS)
def test_fused_loss_shows_nan(name, dtype, rng):
    for B, O in ((1, 2), (50, 3)):
        Z, Y = logits_and_labels(name, rng, B, O, dtype)
        good = fused_loss(Guarded(), getattr(kernels, name), Z, Y)
        row = B // 2
        Z[row, 1] = np.nan
        loss, p, dZ = fused_loss(Guarded(), getattr(kernels, name), Z, Y)
        assert np.isnan(loss)
        touched = np.full((B, O), False)
        touched[row, 1 if name.startswith("sigmoid") else slice(None)] = True
        for before, after in zip(good[1:], (p, dZ), strict=True):
            assert np.all(np.isnan(after[touched]))
            np.testing.assert_array_equal(after[~touched], before[~touched])


# ------------------------------------------------------------------------------------------------
# exp, log, tanh, sigmoid: at most 4 ulp
# ------------------------------------------------------------------------------------------------

# np.longdouble has 64 bits of mantissa on x86 but is a mere float64 elsewhere; there mpmath judges a sample.
PRECISE = {np.float32: np.float64, np.float64: np.longdouble}
LONGDOUBLE_IS_LONG = np.finfo(np.longdouble).nmant > np.finfo(np.float64).nmant


def precise_sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


FUNCTIONS = {"exp": np.exp, "log": np.log, "tanh": np.tanh, "sigmoid": precise_sigmoid}


def all_magnitudes(dtype, rng, each):
    """`each` random numbers of every exponent, subnormal ones too, of both signs."""
    bits = np.dtype(dtype).itemsize * 8
    mantissa_bits = np.finfo(dtype).nmant
    exponents = np.arange(2 ** (bits - 1 - mantissa_bits) - 1, dtype=f"u{bits // 8}")
    mantissas = rng.integers(0, 2**mantissa_bits, (len(exponents), each), dtype=exponents.dtype)
    x = ((exponents[:, None] << exponents.dtype.type(mantissa_bits)) | mantissas).view(dtype).ravel()
    return np.concatenate((x, -x))


def interesting(function, dtype, rng):
    """Where the results are: densely over the range, around 0 and 1, up to and beyond the limits."""
    low, high = (-104.5, 89.5) if dtype is np.float32 else (-746.0, 710.5)
    around = rng.standard_normal(20_000)
    spread = {
        "exp": (np.linspace(low, high, 60_001), around, around * 1e-3),
        "log": (1 + around * 1e-3, 1 + around * 1e-6, np.abs(around), np.linspace(0.4, 3, 60_001)),
        "tanh": (np.linspace(-25, 25, 60_001), around, around * 1e-3),
        "sigmoid": (np.linspace(low, -low, 60_001), around, around * 1e-3),
    }[function]
    edges = np.array([0, -0.0, 1, -1, np.finfo(dtype).smallest_subnormal, np.finfo(dtype).tiny,
                      np.finfo(dtype).max, -np.finfo(dtype).max], dtype)
    return np.concatenate([all_magnitudes(dtype, rng, 200 if dtype is np.float32 else 30), edges,
                           *(x.astype(dtype) for x in spread)])


def ulp_errors(got, exact):
    """|got - exact| in units of the last place of the exact value; infinity is the next power of two."""
    info = np.finfo(got.dtype)
    beyond = exact.dtype.type(2) ** info.maxexp
    got, exact = (np.clip(values.astype(exact.dtype), -beyond, beyond) for values in (got, exact))
    largest = np.nextafter(info.max, info.dtype.type(0))  # above the largest number the spacing is infinite
    ulp = np.spacing(np.minimum(np.abs(exact), largest).astype(info.dtype)).astype(exact.dtype)
    return np.abs(got - exact) / ulp


@isa
@pytest.mark.parametrize("function", FUNCTIONS)
def test_at_most_4_ulp(function, dtype, rng):
    if dtype is np.float64 and not LONGDOUBLE_IS_LONG:
        pytest.skip("np.longdouble is no longer than float64 here; test_at_most_4_ulp_by_mpmath judges")
    x = interesting(function, dtype, rng)
    got = elementwise(Guarded(), getattr(kernels, function), x)
    with np.errstate(all="ignore"):
        exact = FUNCTIONS[function](x.astype(PRECISE[dtype]))
    np.testing.assert_array_equal(np.isnan(got), np.isnan(exact))
    errors = np.where(np.isnan(exact) | (got == exact), 0, ulp_errors(got, exact))
    worst = np.argmax(errors)
    assert errors[worst] <= 4, f"{function}({x[worst]!r}) = {got[worst]!r} is {errors[worst]} ulp off"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_at_most_4_ulp_by_mpmath(function, dtype, rng):
    """A sample, by a reference that owes nothing to the C library."""
    mpmath = pytest.importorskip("mpmath")
    formula = {"sigmoid": lambda x: 1 / (1 + mpmath.exp(-x))}.get(function) or getattr(mpmath, function)
    x = rng.choice(interesting(function, dtype, rng), 1500)
    x = x[x > 0] if function == "log" else x
    got = elementwise(Guarded(), getattr(kernels, function), x)
    with mpmath.workprec(200):
        for xi, value in zip(x.tolist(), got, strict=True):
            exact = formula(mpmath.mpf(xi))
            if exact >= np.finfo(dtype).max:
                assert value >= np.finfo(dtype).max * (1 - 4 * eps(dtype))
                continue
            ulp = float(np.spacing(np.abs(dtype(float(exact)))))
            assert abs(mpmath.mpf(float(value)) - exact) <= 4 * ulp, f"{function}({xi!r}) = {value!r}"


@isa
def test_limits(dtype):
    inf, nan = np.inf, np.nan
    limits = {
        "exp": ((-inf, 0), (inf, inf), (0, 1), (-0.0, 1), (1e30, inf), (-1e30, 0)),
        "log": ((0, -inf), (-0.0, -inf), (inf, inf), (1, 0), (-1, nan), (-inf, nan), (-1e-30, nan)),
        "tanh": ((-inf, -1), (inf, 1), (0, 0), (1e30, 1), (-1e30, -1)),
        "sigmoid": ((-inf, 0), (inf, 1), (0, 0.5), (1e30, 1), (-1e30, 0)),
    }
    for function, pairs in limits.items():
        x, expected = np.array([*pairs, (nan, nan)], dtype).T.copy()
        for repeats in (1, 9):  # in a tail and in full vectors
            got = elementwise(Guarded(), getattr(kernels, function), np.repeat(x, repeats))
            np.testing.assert_array_equal(got, np.repeat(expected, repeats), err_msg=function)


@isa
@pytest.mark.parametrize("function", FUNCTIONS)
def test_same_bits_at_every_position(function, dtype, rng):
    """The tail computes what the full vectors compute, so results do not depend on how work is cut."""
    x = np.abs(3 * rng.standard_normal(70)).astype(dtype)
    whole = elementwise(Guarded(), getattr(kernels, function), x)
    for size in range(1, 71):
        for start in {0, 70 - size}:
            got = elementwise(Guarded(), getattr(kernels, function), x[start:start + size].copy())
            np.testing.assert_array_equal(got, whole[start:start + size])


# ------------------------------------------------------------------------------------------------
# Activations, element by element
# ------------------------------------------------------------------------------------------------

ELEMENTWISE = tuple(label for label in LABELS if label not in ("linear", "softmax"))


def activated(label, Z):
    """A, and g'(Z), of one activation."""
    name, parameter = LABELS[label]
    A, dZ = np.empty_like(Z), np.empty_like(Z)
    kernels.activate(name, Z, A, parameter)
    kernels.activate_backward(name, Z if name in KEEP_Z else A, np.ones_like(Z), dZ, parameter)
    return A, dZ


def precise_gelu_by_mpmath(mpmath, z, derivative):
    tail = mpmath.erfc(-z / mpmath.sqrt(2)) / 2
    return tail + z * mpmath.npdf(z) if derivative else z * tail


@isa
@pytest.mark.parametrize("label", ELEMENTWISE)
def test_activation_error(label, dtype, rng):
    """A to 6 ulp, but for subnormal factors and, far out, the approximated gelu; g' to 4 ulp of its greatest value.

    float64 is judged by a float64 formula, so it is given a few units more.
    """
    Z = np.concatenate([all_magnitudes(dtype, rng, 20 if dtype is np.float32 else 3), np.linspace(-20, 20, 8001),
                        3 * rng.standard_normal(5000)]).astype(dtype)
    Z = Z[np.abs(Z) < (80 if label in ("exponential", "softplus") else 1e4)]
    A, dZ = activated(label, Z)
    own, exact = layer(1, label), Z.astype(np.float64)
    with np.errstate(all="ignore"):
        expected = reference.activate(own, exact)
        slope = reference.activate_backward(own, np.ones_like(exact), expected, exact)
    unit = (6 if dtype is np.float32 else 20) * eps(dtype)
    growth = 1 + np.minimum(np.abs(exact) ** 3, 400) if label == "gelu(approximate)" else 1
    smallest = float(np.finfo(dtype).smallest_subnormal)
    size = np.abs(expected)
    if label in ("mish", "gelu", "gelu(approximate)", "softplus"):  # the float64 formula's own error in the tail
        size = np.maximum(size, np.minimum(1, np.abs(exact)) * (1 if dtype is np.float64 else 1e-8))
    assert_within(A, expected, unit * growth * size + 4 * (1 + np.abs(exact)) * smallest, label)
    kinks = KINKS.get(own.activation, ())
    sure = np.all([np.abs(exact - kink) > unit * max(1, abs(kink)) for kink in kinks] or [exact == exact], axis=0)
    assert_within(dZ[sure], slope[sure], unit * np.maximum(1, np.abs(slope[sure])), f"derivative of {label}")


def test_gelu_by_mpmath(dtype, rng):
    mpmath = pytest.importorskip("mpmath")
    Z = np.concatenate([rng.uniform(-12, 6, 600), rng.standard_normal(300) * 1e-3]).astype(dtype)
    A, dZ = activated("gelu", Z)
    with mpmath.workprec(200):
        for z, a, dz in zip(Z.tolist(), A.tolist(), dZ.tolist(), strict=True):
            exact = precise_gelu_by_mpmath(mpmath, mpmath.mpf(z), False)
            assert abs(a - exact) <= 6 * eps(dtype) * abs(exact), z
            assert abs(dz - precise_gelu_by_mpmath(mpmath, mpmath.mpf(z), True)) <= 2 * eps(dtype), z


@isa
def test_activations_at_the_limits(dtype):
    """Infinity, the sign of zero, and NaN, in a tail and in whole vectors."""
    inf, nan = np.inf, np.nan
    limits = {  # at -inf, -0.0, 0.0, inf
        "relu": (0, -0.0, 0.0, inf), "relu6": (0, -0.0, 0.0, 6), "leaky_relu": (-inf, -0.0, 0.0, inf),
        "elu": (-1, -0.0, 0.0, inf), "selu": (-reference.SELU_SCALE * reference.SELU_ALPHA, -0.0, 0.0, inf),
        "softplus": (0, np.log(2), np.log(2), inf), "softsign": (-1, -0.0, 0.0, 1), "exponential": (0, 1, 1, inf),
        "hard_sigmoid": (0, 0.5, 0.5, 1), "hard_tanh": (-1, -0.0, 0.0, 1), "gelu": (-0.0, -0.0, 0.0, inf),
        "gelu(approximate)": (-0.0, -0.0, 0.0, inf), "silu": (-0.0, -0.0, 0.0, inf), "mish": (-0.0, -0.0, 0.0, inf),
    }
    for label, expected in limits.items():
        for repeats in (1, 9):
            Z = np.repeat(np.array([-inf, -0.0, 0.0, inf, nan], dtype), repeats)
            A, dZ = activated(label, Z)
            np.testing.assert_allclose(A, np.repeat([*expected, nan], repeats), rtol=4 * eps(dtype), err_msg=label)
            np.testing.assert_array_equal(np.signbit(A[~np.isnan(A)]), np.signbit(np.repeat(expected, repeats)), label)
            assert not np.isnan(dZ[~np.isnan(Z)]).any(), label


@pytest.mark.parametrize("label", ("gelu", "elu(0.5)"))
def test_activate_writes_nothing_else(label, dtype, rng):
    name, parameter = LABELS[label]
    for size in SIZES:
        memory = Guarded()
        Z = memory.put(rng.standard_normal(size).astype(dtype))
        A, dZ = memory.out(size, dtype), memory.out(size, dtype)
        kernels.activate(name, Z, A, parameter)
        kernels.activate_backward(name, Z, memory.put(np.ones(size, dtype)), dZ, parameter)
        memory.check()
        assert np.isfinite(A).all() and np.isfinite(dZ).all()


def test_activate_names_what_there_is():
    with pytest.raises(ValueError, match="'softmax'; the names are elu, exponential"):
        kernels.activate("softmax", np.zeros(3), np.zeros(3))
    with pytest.raises(ValueError, match=r"relu has no parameter, got 0\.1"):
        kernels.activate("relu", np.zeros(3), np.zeros(3), 0.1)
    with pytest.raises(ValueError, match=r"no element-by-element activation \['relu'\]"):
        kernels.activate(["relu"], np.zeros(3), np.zeros(3))


@pytest.mark.parametrize("parameter", ("1", np.ones(2), 1j))
def test_the_parameter_of_activate_is_a_number(parameter):
    """Refused before dZ is written."""
    dZ = np.full(3, 7.0)
    with pytest.raises(TypeError, match=r"the parameter of elu must be a number, got ('1'|float64 \(2,\)|1j)"):
        kernels.activate_backward("elu", np.zeros(3), np.ones(3), dZ, parameter)
    assert (dZ == 7).all()


# ------------------------------------------------------------------------------------------------
# Optimizers
# ------------------------------------------------------------------------------------------------

OPTIMIZER_SIZES = (*SIZES, 1000, 100_003)
SGD_CASES = (reference.SGD(0.1), reference.SGD(0.1, 0.9), reference.SGD(0.01, 0.5, nesterov=True))
ADAM_CASES = (reference.Adam(), reference.Adam(0.1, 0.5, 0.9, 1e-3))
ADAMAX_CASES = (reference.Adamax(), reference.Adamax(0.1, 0.5, 0.9, 1e-3))


def gradients(rng, size, dtype):
    """Of all signs and of very different magnitude, some zero."""
    g = rng.standard_normal(size) * 10.0 ** rng.uniform(-12, 3, size)
    g[::7] = 0
    return g.astype(dtype)


@pytest.mark.parametrize("optimizer", SGD_CASES, ids=str)
def test_sgd(optimizer, dtype, rng):
    lr, momentum = optimizer.learning_rate, optimizer.momentum
    for size in OPTIMIZER_SIZES:
        memory = Guarded()
        g = memory.put(gradients(rng, size, dtype))
        W = memory.out(size, dtype, rng.standard_normal(size))
        v = memory.out(size, dtype, rng.standard_normal(size) if momentum else 0)
        W0, v0, g64 = (array.astype(np.float64) for array in (W, v, g))
        kernels.sgd(W, g, v, lr, momentum, optimizer.nesterov)
        memory.check()
        expected, (velocity,) = optimizer.update(W0, g64, [v0], 1)
        bound = 4 * eps(dtype) * (np.abs(v0) + lr * np.abs(g64))
        assert_within(W, expected, bound + eps(dtype) * np.abs(expected), f"W {size}")
        if momentum:  # without, nobody reads the velocity
            assert_within(v, velocity, bound, f"velocity {size}")


@pytest.mark.parametrize("optimizer", ADAM_CASES, ids=str)
def test_adam(optimizer, dtype, rng):
    for size in OPTIMIZER_SIZES:
        for step in (1, 2, 1000, 10**7):
            memory = Guarded()
            g = memory.put(gradients(rng, size, dtype))
            W = memory.out(size, dtype, rng.standard_normal(size))
            m, v = memory.out(size, dtype, 0), memory.out(size, dtype, 0)
            if step > 1:
                m[:], v[:] = rng.standard_normal(size), rng.random(size)
            W0, m0, v0, g64 = (array.astype(np.float64) for array in (W, m, v, g))
            kernels.adam(W, g, m, v, step, optimizer.learning_rate, optimizer.beta_1, optimizer.beta_2,
                         optimizer.epsilon)
            memory.check()
            expected, (m1, v1) = optimizer.update(W0, g64, [m0, v0], step)
            m_error = 4 * eps(dtype) * (np.abs(m0) + np.abs(g64))
            assert_within(m, m1, m_error, f"m {size} step {step}")
            assert_within(v, v1, 4 * eps(dtype) * (v0 + g64**2), f"v {size} step {step}")
            pace = optimizer.learning_rate / (1 - optimizer.beta_1**step)
            pace = pace * np.sqrt(1 - optimizer.beta_2**step) / (np.sqrt(v1) + optimizer.epsilon)
            bound = eps(dtype) * np.abs(expected) + pace * (m_error + 16 * eps(dtype) * np.abs(m1))
            assert_within(W, expected, bound, f"W {size} step {step}")


@pytest.mark.parametrize("optimizer", ADAMAX_CASES, ids=str)
def test_adamax(optimizer, dtype, rng):
    for size in OPTIMIZER_SIZES:
        for step in (1, 2, 1000, 10**7):
            memory = Guarded()
            g = memory.put(gradients(rng, size, dtype))
            W = memory.out(size, dtype, rng.standard_normal(size))
            m, u = memory.out(size, dtype, 0), memory.out(size, dtype, 0)
            if step > 1:
                m[:], u[:] = rng.standard_normal(size), rng.random(size)
            W0, m0, u0, g64 = (array.astype(np.float64) for array in (W, m, u, g))
            kernels.adamax(W, g, m, u, step, optimizer.learning_rate, optimizer.beta_1, optimizer.beta_2,
                           optimizer.epsilon)
            memory.check()
            expected, (m1, u1) = optimizer.update(W0, g64, [m0, u0], step)
            m_error = 4 * eps(dtype) * (np.abs(m0) + np.abs(g64))
            assert_within(m, m1, m_error, f"m {size} step {step}")
            assert_within(u, u1, 2 * eps(dtype) * u1, f"u {size} step {step}")
            pace = optimizer.learning_rate / ((1 - optimizer.beta_1**step) * (u1 + optimizer.epsilon))
            bound = eps(dtype) * np.abs(expected) + pace * (m_error + 16 * eps(dtype) * np.abs(m1))
            assert_within(W, expected, bound, f"W {size} step {step}")


@pytest.mark.parametrize("name", ("sgd", "adam", "adamax"))
def test_optimizers_show_nan(name, dtype):
    """A NaN in the gradient reaches its weight and no other, also through Adamax's maximum."""
    W, g = np.ones(70, dtype), np.ones(70, dtype)
    g[33] = np.nan
    if name == "sgd":
        kernels.sgd(W, g, np.zeros(70, dtype), 0.1, 0.9, False)
    else:
        getattr(kernels, name)(W, g, np.zeros(70, dtype), np.zeros(70, dtype), 1, 0.1, 0.9, 0.999, 1e-7)
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(W)), [33])


# ------------------------------------------------------------------------------------------------
# Not one byte outside
# ------------------------------------------------------------------------------------------------

def call_everything(memory, rng, dtypes=DTYPES):
    """Every kernel once for every shape, in memory that kills whoever leaves it."""
    for dtype in dtypes:
        for index, shape in enumerate(SHAPES):
            activation = ACTIVATIONS[index % len(ACTIVATIONS)]
            X, W, b, dZ = dense_problem(rng, shape, dtype, activation)
            dense_forward(memory, X, W, b, activation)
            dense_backward(memory, dZ, X, W, activation)
        for B, O in LOSS_SHAPES:
            for name in FUSED_KERNELS:
                fused_loss(memory, getattr(kernels, name), *logits_and_labels(name, rng, B, O, dtype))
        for size in SIZES:
            x = np.abs(rng.standard_normal(size)).astype(dtype)
            for name in FUNCTIONS:
                elementwise(memory, getattr(kernels, name), x)
            W, m, v = (memory.out(size, dtype, 1) for _ in range(3))
            kernels.sgd(W, memory.put(x), m, 0.1, 0.9, True)
            kernels.adam(W, memory.put(x), m, v, 1, 0.1, 0.9, 0.999, 1e-7)
            kernels.adamax(W, memory.put(x), m, v, 1, 0.1, 0.9, 0.999, 1e-7)
            for name in ("relu", "tanh", "gelu"):
                kernels.activate(name, memory.put(x), memory.out(size, dtype))
                kernels.activate_backward(name, memory.put(x), memory.put(x), memory.out(size, dtype))


@pytest.mark.skipif(sys.platform == "win32", reason="needs mprotect")
def test_nothing_outside_the_arrays_is_touched(run_python):
    """In a process of its own, because the answer to a foreign byte is a segmentation fault."""
    done = run_python("""
        import faulthandler
        import numpy as np
        import test_kernels
        from guards import Fenced

        faulthandler.enable()
        for at_end in (True, False):
            test_kernels.call_everything(Fenced(at_end), np.random.default_rng(1))
        print("done")
    """)
    assert done.stdout == "done\n"


@pytest.mark.skipif(sys.platform == "win32", reason="needs mprotect")
@pytest.mark.parametrize("at_end, index", ((True, 3), (False, -1)))
def test_the_fence_works(run_python, at_end, index):
    """Reading one element outside ends the process; otherwise the test above could not fail."""
    with pytest.raises(AssertionError, match="exit status -"):
        run_python(f"""
            import ctypes
            import numpy as np
            from guards import Fenced

            x = Fenced({at_end}).put(np.ones(3, np.float32))
            ctypes.c_float.from_address(x.ctypes.data + 4 * {index}).value
        """)


# ------------------------------------------------------------------------------------------------
# The compile target
# ------------------------------------------------------------------------------------------------

@isa
def test_vector_width_is_that_of_the_target():
    """test_isa.py asks for a width; the code that was made must use those registers and no wider ones."""
    width = int(os.environ.get("FCNET_TEST_REGISTER_BYTES", kernels.simd.REGISTER_BYTES))
    assert width == kernels.simd.REGISTER_BYTES


@isa
@pytest.mark.skipif(kernels.simd.REGISTER_BYTES != 32, reason="with AVX-512 they are fast, and SSE has none")
@pytest.mark.parametrize("function", [*(given.backward for given in activations.FUNCTIONS.values() if given.backward),
                                      optimizers.adam_rows, rules.non_negative],
                         ids=lambda function: function.py_func.__name__)
def test_no_masked_store_for_this_target(function):
    """In place of a choice between two numbers, nor for the end of a row."""
    again = _jit.part(*function.signature_of_part, cached=False)(function.py_func)  # from a cache it has no assembly
    again.compile(tuple(types.CPointer(types.float32) if kind is _jit.NUMBERS else kind
                        for kind in function.signature_of_part))
    code, = again.inspect_asm().values()
    assert "%ymm" in code
    assert not re.search(r"vmaskmov\w+\s+%\w+,\s*%\w+,\s*[-\w]*\(", code)


@pytest.mark.parametrize("machine, triple", [
    ("x86_64", "x86_64-unknown-linux-gnu"), ("amd64", "x86_64-pc-windows-msvc"),
    ("aarch64", "aarch64-unknown-linux-gnu"), ("arm64", "arm64-apple-darwin"),
    ("riscv64", "riscv64-unknown-linux-gnu")])
def test_code_for_other_processors(machine, triple):
    """What reads registers becomes machine code on every processor: a line of assembler would end the process."""
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    try:
        target = binding.Target.from_triple(triple)
    except RuntimeError:
        pytest.skip(f"this LLVM does not know {triple}")
    module = ir.Module()
    module.triple = triple
    builder = ir.IRBuilder(ir.Function(module, ir.FunctionType(kernels.simd._I64, []), "step").append_basic_block())
    before = kernels.simd._flush_subnormals(builder, machine)
    kernels.simd._pause(builder, machine)
    clock = kernels.simd._ticks(builder, machine)
    kernels.simd._restore_subnormals(builder, machine, before)
    builder.ret(clock)
    code = target.create_target_machine().emit_assembly(binding.parse_assembly(str(module))).lower()
    told = {"x86_64": ("stmxcsr", "pause", "rdtsc", "ldmxcsr"), "aarch64": ("fpcr", "yield", "cntvct_el0")}
    for word in told.get({"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine), ()):
        assert word in code
