"""The public kernels one by one, beside NumPy's way to do the same, checked before they are timed.

    python -m pytest benchmarks --benchmark-columns=min,median
    python -m pytest benchmarks -k "dense and 1-thread" --benchmark-json=kernels.json
    python -m pytest benchmarks --benchmark-max-time=0.3 --write        the section Kernels of RESULTS.md

Every benchmark carries its GFLOP/s and the measured FMA peak (or GB/s) in `extra_info` of the JSON file.
"""

from functools import cache

import common
import numpy as np
import pytest
from fcnet.kernels import _jit, blocking, matmul
from fcnet.kernels.simd import NV, REGISTER_BYTES
from peak import measure_peak

import fcnet
from fcnet import kernels

CORES = common.cores_allowed()
THREADS = sorted({1, min(2, CORES)})
SHAPES = [(32, 64, 64), (128, 784, 128), (256, 256, 256), (256, 512, 512), (512, 1024, 1024)]  # (B, I, O)
SQUARES = [(256, 256, 256), (512, 512, 512), (1024, 1024, 1024), (2048, 2048, 2048)]
DTYPE = np.float32

rng = np.random.default_rng(0)


def normal(*shape):
    return rng.standard_normal(shape, dtype=DTYPE)


class Case:
    """A kernel and its NumPy counterpart, each writing into the arrays that it returns."""

    def __init__(self, kernel, one_liner, flops=0, moved=0, most_threads=2):
        self.kernel, self.one_liner, self.flops, self.moved = kernel, one_liner, flops, moved
        self.most_threads = most_threads


def product(B, I, O):
    """dA = dZ W^T between panels of samples, as a thread of the network does it: the product without transposes."""
    lanes = REGISTER_BYTES // DTYPE().itemsize
    P = NV * lanes
    slabs = B // P
    dZ, W = normal(B, O), normal(I, O) / np.float32(np.sqrt(O))
    panels, dA = np.ascontiguousarray(dZ.reshape(slabs, P, O).swapaxes(1, 2)), np.empty((slabs, I, P), DTYPE)
    multiply = _jit.part_function(blocking.strip_product, DTYPE)
    address = _jit.part_address(matmul.product, DTYPE)
    near = blocking.near(slabs, O, I)
    block = O if near else blocking.block_size(O, blocking.BACKWARD_BLOCK)
    strip = blocking.strip_rows(lanes, block)

    def kernel():
        for i in range(0, I, strip):
            for k in range(0, O, block):
                multiply(W[i:, k:].ctypes.data, O, 1, O, 0, min(strip, I - i), panels[:, k:].ctypes.data, O * P,
                         min(block, O - k), dA[:, i:].ctypes.data, I * P, slabs, slabs, near, k > 0, address)
        return [dA]

    def one_liner():
        product = dZ @ W.T
        return [product.reshape(slabs, P, I).swapaxes(1, 2)]

    return Case(kernel, one_liner, flops=2 * B * I * O, most_threads=1)


def dense_forward(B, I, O):
    X, W, b, A = normal(B, I), normal(I, O) / np.float32(np.sqrt(I)), normal(O), np.empty((B, O), DTYPE)

    def kernel():
        kernels.dense_forward(X, W, b, A, kernels.RELU)
        return [A]

    return Case(kernel, lambda: [np.maximum(X @ W + b, 0)], flops=2 * B * I * O)


def dense_backward(B, I, O):
    dZ, A_prev, W = normal(B, O), np.maximum(normal(B, I), 0), normal(I, O) / np.float32(np.sqrt(O))
    dZ_prev, dW, db = np.empty_like(A_prev), np.empty_like(W), np.empty(O, DTYPE)

    def kernel():
        kernels.dense_backward(dZ, A_prev, W, kernels.RELU, dZ_prev, dW, db)
        return [dZ_prev, dW, db]

    def one_liner():
        return [(dZ @ W.T) * (A_prev > 0), A_prev.T @ dZ, dZ.sum(axis=0)]

    return Case(kernel, one_liner, flops=4 * B * I * O)


def sigmoid_binary_crossentropy(B, O):
    Z, y = 3 * normal(B, O), (normal(B, O) > 0).astype(DTYPE)
    p, dZ = np.empty_like(Z), np.empty_like(Z)

    def kernel():
        loss = kernels.sigmoid_binary_crossentropy(Z, y, p, dZ)
        return [loss, p, dZ]

    def one_liner():
        p = 1 / (1 + np.exp(-Z))
        return [np.mean(np.logaddexp(0, Z) - y * Z), p, (p - y) / y.size]

    return Case(kernel, one_liner, moved=4 * Z.nbytes)


def softmax_crossentropy(B, O):
    Z, y = 3 * normal(B, O), np.eye(O, dtype=DTYPE)[rng.integers(0, O, B)]
    p, dZ = np.empty_like(Z), np.empty_like(Z)

    def kernel():
        loss = kernels.softmax_crossentropy(Z, y, p, dZ)
        return [loss, p, dZ]

    def one_liner():
        shifted = Z - Z.max(axis=1, keepdims=True)
        e = np.exp(shifted)
        sums = e.sum(axis=1, keepdims=True)
        p = e / sums
        return [np.mean(np.log(sums[:, 0]) - (y * shifted).sum(axis=1)), p, (p - y) / B]

    return Case(kernel, one_liner, moved=4 * Z.nbytes)


def sgd(n):
    params, gradient, velocity = normal(n), normal(n), np.zeros(n, DTYPE)
    params_numpy = params.copy()

    def kernel():
        kernels.sgd(params, gradient, velocity, 0.01, 0.0, False)
        return [params]

    def one_liner():
        np.subtract(params_numpy, DTYPE(0.01) * gradient, out=params_numpy)
        return [params_numpy]

    return Case(kernel, one_liner, moved=5 * params.nbytes)  # the kernel passes over the velocity too


def adam(n):
    gradient = normal(n)
    state = params, m, v = normal(n), np.zeros(n, DTYPE), np.zeros(n, DTYPE)
    state_numpy = [a.copy() for a in state]

    def kernel():
        kernels.adam(params, gradient, m, v, 1, 0.001, 0.9, 0.999, 1e-7)
        return state

    def one_liner():
        params, m, v = state_numpy
        m[:] = DTYPE(0.9) * m + DTYPE(0.1) * gradient
        v[:] = DTYPE(0.999) * v + DTYPE(0.001) * gradient**2
        rate = DTYPE(0.001 * np.sqrt(1 - 0.999) / (1 - 0.9))
        params -= rate * m / (np.sqrt(v) + DTYPE(1e-7))
        return state_numpy

    return Case(kernel, one_liner, moved=7 * params.nbytes)


def elementwise(name, n):
    x, out = normal(n), np.empty(n, DTYPE)

    def kernel():
        getattr(kernels, name)(x, out)
        return [out]

    return Case(kernel, lambda: [getattr(np, name)(x)], moved=2 * x.nbytes)


CASES = {
    **{f"product {B}x{I}x{O}": (product, B, I, O) for B, I, O in SQUARES},
    **{f"dense_forward {B}x{I}x{O}": (dense_forward, B, I, O) for B, I, O in SHAPES},
    **{f"dense_backward {B}x{I}x{O}": (dense_backward, B, I, O) for B, I, O in SHAPES},
    "sigmoid_binary_crossentropy 1000x1": (sigmoid_binary_crossentropy, 1000, 1),
    "sigmoid_binary_crossentropy 10000x10": (sigmoid_binary_crossentropy, 10_000, 10),
    "softmax_crossentropy 128x10": (softmax_crossentropy, 128, 10),
    "softmax_crossentropy 10000x10": (softmax_crossentropy, 10_000, 10),
    "sgd 1000000": (sgd, 1_000_000),
    "adam 1000000": (adam, 1_000_000),
    "exp 100000": (elementwise, "exp", 100_000),
    "tanh 100000": (elementwise, "tanh", 100_000),
}


@cache
def peak(threads):
    return measure_peak(DTYPE, threads)


@pytest.fixture(scope="module")
def measured(request):
    """{(kernel, threads): {how: (seconds, rate)}} of all tests, written at the end with --write."""
    found = {}
    yield found
    file = request.config.getoption("--write")
    if file:
        rows = [["kernel", "threads", "fcnet, us", "NumPy, us", "NumPy / fcnet", "fcnet's rate", "of peak"]]
        for (name, threads), by in found.items():
            if {"fcnet", "numpy"} <= {*by}:
                (ours, *rate), (theirs, *_) = by["fcnet"], by["numpy"]
                times = f"{ours * 1e6:,.1f}", f"{theirs * 1e6:,.1f}", f"{theirs / ours:.2f}"
                rows.append([name, str(threads), *times, *rate])
        header = common.header("float32; medians of pytest-benchmark")
        common.write_section(file, "Kernels", header, common.table(rows))


@pytest.fixture(params=THREADS, ids=lambda threads: f"{threads}-thread")
def threads(request):
    threadpoolctl = pytest.importorskip("threadpoolctl", reason="limits NumPy's threads; scikit-learn brings it")
    fcnet.set_num_threads(request.param)
    with threadpoolctl.threadpool_limits(request.param):
        yield request.param
    fcnet.set_num_threads(CORES)


@pytest.mark.parametrize("how", ["fcnet", "numpy"])
@pytest.mark.parametrize("name", CASES)
def test_kernel(benchmark, measured, name, threads, how):
    make, *arguments = CASES[name]
    case = make(*arguments)
    if threads > case.most_threads:
        pytest.skip("a part of one thread")
    for got, expected in zip([np.copy(a) for a in case.kernel()], case.one_liner(), strict=True):
        np.testing.assert_allclose(got, expected, rtol=2e-4, atol=2e-5 * max(1, np.abs(expected).max()))

    benchmark.group = f"{name}, {threads} thread(s)"
    benchmark(case.kernel if how == "fcnet" else case.one_liner)
    if benchmark.stats is None:  # --benchmark-disable
        return
    seconds = benchmark.stats.stats.median
    unit, work = ("GFLOP/s", case.flops) if case.flops else ("GB/s", case.moved)
    rate = benchmark.extra_info[unit] = round(work / seconds / 1e9, 2)
    share = ""
    if case.flops:
        benchmark.extra_info["FMA peak, GFLOP/s"] = round(peak(threads), 1)
        share = f"{rate / peak(threads):.0%}"
    measured.setdefault((name, threads), {})[how] = seconds, f"{rate} {unit}", share
