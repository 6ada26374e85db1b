"""Layers shared out by outputs, against slabs and the reference; and threads that come late, or not at all."""

import threading
import time

import numba
import numpy as np
import pytest
import test_few
from fcnet.kernels import blocking, steps
from fcnet.kernels import strips as by_layers
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import Layer
from tables import DTYPES, problem
from test_few import assert_same_bits
from test_network import built, check_network, check_training, networks

import fcnet
from fcnet import _runtime, planning
from fcnet.engine import Engine

isa = pytest.mark.isa
# One slab, several, one with a vector of samples left, more than go through a phase at a time with CHUNK_BYTES = 0.
BATCHES = (5, 32, 70, 100, 130, 1100)
# Inputs, units: narrow and wide outputs, rows of W read in place and packed, one block of the product and many.
WIDTHS = ((7, 130, 10), (784, 100, 60, 3), (33, 47, 48, 49, 100), (5, 1030, 1), (601, 17))


def choose(monkeypatch):
    monkeypatch.setattr(planning, "STRIPS_FLOPS", 0)
    monkeypatch.setattr(planning, "STRIPS_WIDTH", 0)
    monkeypatch.setattr(_runtime, "SHARE_FLOPS", 1)
    monkeypatch.setattr(planning, "PARTIAL_PARAMS", 0)
    test_few.choose(monkeypatch, test_few.NEVER)


@pytest.fixture
def by_strips(monkeypatch):
    choose(monkeypatch)
    with fcnet.num_threads(2):
        yield


@isa
@pytest.mark.parametrize("widths", WIDTHS, ids=str)
def test_same_bits_as_slabs(widths, dtype, by_strips, monkeypatch):
    monkeypatch.setattr(planning, "CHUNK_BYTES", 0)
    monkeypatch.setattr(planning, "SUMS", 60)  # two of each slab: chunks of 30 slabs by strips, of 32 without
    for batch in BATCHES:
        monkeypatch.setattr(planning, "STRIPS_FLOPS", np.inf)
        slabs = test_few.results(widths, batch, dtype, use_bias=batch != 70)
        monkeypatch.setattr(planning, "STRIPS_FLOPS", 0)
        for threads in (2, 3):
            assert_same_bits(test_few.results(widths, batch, dtype, use_bias=batch != 70, threads=threads), slabs)


@isa
def test_panels_out_of_cache(dtype, by_strips, monkeypatch):
    """Of ten slabs and more, products with many terms go by blocks of these; of one slab, all terms at once."""
    widths, batch = (1700, 650, 1600, 3), 300
    assert blocking.block_size(widths[0] + 1, blocking.FORWARD_BLOCK) < widths[0]
    assert blocking.block_size(widths[2], blocking.BACKWARD_BLOCK) < widths[2]
    several = [test_few.results(widths, batch, dtype, threads=2)]
    monkeypatch.setattr(planning, "STRIPS_FLOPS", np.inf)
    several.append(test_few.results(widths, batch, dtype))
    monkeypatch.setattr(planning, "GROUP_SLABS", 1)
    single = test_few.results(widths, batch, dtype)
    for found in several:
        assert_same_bits(found, single)


@settings(max_examples=60)
@given(networks(), st.integers(1, 150), st.sampled_from(DTYPES), st.integers(0, 2**32))
def test_any_network(net, samples, dtype, seed):
    with pytest.MonkeyPatch.context() as patch:
        choose(patch)
        patch.setattr(_runtime, "get_num_threads", lambda: 2)
        check_network(*net, samples, dtype, seed)


@pytest.mark.parametrize("optimizer", ("sgd", "everything"))
def test_training(optimizer, dtype, by_strips):
    layers = [Layer(70, "gelu"), Layer(90, "relu"), Layer(50, "softmax")]
    check_training(20, layers, "categorical_crossentropy", 260, 100, optimizer, dtype, 1)


def test_frozen_layers(dtype, by_strips, monkeypatch):
    """The lowest layers learn nothing: no gradient of theirs is computed, and their weights stay."""
    found = []
    for flops in (np.inf, 0):
        monkeypatch.setattr(planning, "STRIPS_FLOPS", flops)
        fcnet.set_seed(1)
        model = fcnet.Sequential([fcnet.Dense(60, "relu", input_shape=9), fcnet.Dense(70, "tanh"), fcnet.Dense(8)],
                                 dtype=dtype)
        model.layers[0].trainable = False
        model.compile("adam", "mean_squared_error")
        rng = np.random.default_rng(2)
        before = model.layers[0].get_weights()
        model.fit(rng.standard_normal((200, 9)), rng.standard_normal((200, 8)), batch_size=64, epochs=2, verbose=0)
        assert_same_bits(model.layers[0].get_weights(), before)
        found.append(model.get_weights())
    assert_same_bits(*found)


# --- threads -------------------------------------------------------------------------------------------

@numba.njit(nogil=True)
def enter(address, thread):
    steps._work(address, thread)


@numba.njit
def begin(address, first, last):
    steps._begin(address, first, last)
    steps._open(address)


class Steps:
    """Three steps on three threads, prepared but not taken."""

    def __init__(self, monkeypatch):
        inputs, layers, loss, samples = 30, [Layer(60, "relu"), Layer(100, "tanh"), Layer(4)], "mean_squared_error", 300
        self.params, self.X, self.Y = problem(np.random.default_rng(3), inputs, layers, loss, samples, np.float32)
        self.engine = Engine(inputs, layers, np.float32)
        self.optimizer = built("adam", self.engine.n_params, np.float32)
        self.optimizer.clipnorm = 1.0  # phases over pieces, too
        self.sums = np.zeros((1, 1))
        with monkeypatch.context() as patched:
            patched.setattr(self.engine, "_enter", self.prepare)
            with fcnet.num_threads(3):
                self.engine.train(self.params, self.optimizer, self.X, self.Y, None, 100, 0, 3, loss, (), self.sums)

    def prepare(self, first, last):
        assert self.engine.threads == 3
        begin(self.engine._task_address, first, last)
        assert self.engine._task["units"][0] > 0

    def take(self, *threads):
        """These threads, one after the other."""
        for thread in threads:
            enter(self.engine._task_address, thread)

    def result(self):
        return [self.params, self.sums, *self.optimizer.state]


@pytest.fixture
def expected(by_strips, monkeypatch):
    steps = Steps(monkeypatch)
    steps.take(0)
    assert np.isfinite(steps.params).all() and steps.sums[0, 0] > 0
    before = Steps(monkeypatch)
    assert not np.array_equal(before.params, steps.params)
    return steps.result()


@pytest.mark.parametrize("order", ([2], [1, 0], [2, 1, 0]), ids=str)
def test_one_thread_can_do_all(order, expected, monkeypatch):
    """As where a threading layer runs the threads of a region one after the other, in any order, or has too few."""
    steps = Steps(monkeypatch)
    steps.take(*order)
    assert_same_bits(steps.result(), expected)


@pytest.mark.parametrize("seed", range(8))
def test_threads_come_at_any_time(seed, expected, monkeypatch):
    rng = np.random.default_rng(seed)
    steps = Steps(monkeypatch)

    def late(thread, delay):
        time.sleep(delay)
        steps.take(thread)

    crew = [threading.Thread(target=late, args=(thread, rng.uniform(0, 0.002))) for thread in range(3)]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()
    assert_same_bits(steps.result(), expected)


# --- which way -------------------------------------------------------------------------------------------

@pytest.mark.parametrize("widths, batch, threads, strips", [
    ((784, 512, 512, 10), 256, 2, True), ((784, 300, 100, 10), 64, 2, True), ((200, 200, 200, 10), 32, 2, True),
    ((784, 512, 512, 10), 256, 1, False), ((784, 128, 10), 128, 2, False), ((64, 64, 10), 8192, 2, False),
    ((20, 200, 10), 32, 2, False)], ids=str)
def test_choice_of_strips(widths, batch, threads, strips):
    inputs, *units = widths
    chosen, rng = Engine(inputs, [Layer(width) for width in units], np.float32), np.random.default_rng(4)
    X, Y = rng.standard_normal((batch, inputs), np.float32), np.zeros((batch, units[-1]), np.float32)
    with fcnet.num_threads(threads):
        chosen.loss_and_gradient(np.zeros(chosen.n_params, np.float32), X, Y, "mean_squared_error")
    assert (chosen._present.phases["part"][0] == chosen._part(by_layers.gather)) == strips
    assert chosen.threads in (1, threads)


@pytest.mark.parametrize("widths, slabs, optimizer, threads", [
    ((784, 128, 10), 4, "sgd", 2), ((784, 128, 10), 1, "sgd", 2), ((784, 128, 10), 1 / 2, "sgd", 1),
    ((1000, 1000, 10), 1 / 4, "sgd", 2), ((1000, 1000, 10), 0, "momentum", 2), ((1000, 1000, 10), 0, "sgd", 1),
    ((1000, 1000, 1000, 10), 0, "sgd", 2), ((2, 4, 6, 6, 4, 1), 1, "sgd", 1),
    ((20, 16, 16, 16, 16, 3), 4, "sgd", 1), ((20, 16, 16, 16, 16, 3), 16, "sgd", 2)], ids=str)
def test_choice_of_threads(widths, slabs, optimizer, threads):
    """0 slabs stand for one sample."""
    inputs, *units = widths
    chosen, rng = Engine(inputs, [Layer(width) for width in units], np.float32), np.random.default_rng(4)
    batch = max(1, int(slabs * chosen.slab))
    X, Y = rng.standard_normal((batch, inputs), np.float32), np.zeros((batch, units[-1]), np.float32)
    params, sums = np.zeros(chosen.n_params, np.float32), np.zeros((1, 1))
    with fcnet.num_threads(2):
        chosen.train(params, built(optimizer, len(params), np.float32), X, Y, np.arange(batch)[None], batch, 0, 1,
                     "mean_squared_error", (), sums)
    assert chosen.threads == threads
