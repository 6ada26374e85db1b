"""The first layer shared out by its inputs, against slabs, the reference and sparse rows."""

import numpy as np
import pytest
import test_few
from fcnet.kernels import network
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import Layer
from scipy import sparse
from tables import DTYPES
from test_few import assert_same_bits
from test_network import check_network, check_training, networks

import fcnet
from fcnet import _runtime, layout, planning
from fcnet.engine import Engine

isa = pytest.mark.isa
# One slab, several, one with a vector of samples left, more than have half their inputs in the L2 cache.
BATCHES = (5, 32, 70, 100, 1100)
# Inputs, units: one block of outputs and several, rows of W read in place and packed, one layer and more.
WIDTHS = ((784, 128, 10), (300, 7), (97, 50, 30, 3), (785, 200, 1))


def choose(monkeypatch):
    test_few.choose(monkeypatch, test_few.NEVER)
    monkeypatch.setattr(planning, "HALVED_INPUTS", 1)
    monkeypatch.setattr(planning, "HALVED_WORK", 0)
    monkeypatch.setattr(planning, "STRIPS_FLOPS", np.inf)
    monkeypatch.setattr(planning, "PARTIAL_PARAMS", 0)
    monkeypatch.setattr(_runtime, "SHARE_FLOPS", 1)


@pytest.fixture
def by_inputs(monkeypatch):
    choose(monkeypatch)


@isa
@pytest.mark.parametrize("widths", WIDTHS, ids=str)
def test_same_bits_at_any_number_of_threads(widths, dtype, by_inputs):
    made = Engine(widths[0], [Layer(width) for width in widths[1:]], dtype)
    made._set_objective("mean_squared_error")
    for batch in BATCHES:
        with fcnet.num_threads(2):
            assert made.plan(network.TRAIN, batch, widths[-1]).by_inputs or batch == 1100
        alone = test_few.results(widths, batch, dtype, use_bias=batch != 70)
        for threads in (2, 5):
            assert_same_bits(test_few.results(widths, batch, dtype, use_bias=batch != 70, threads=threads), alone)


@isa
@pytest.mark.parametrize("widths, batch", [((784, 128, 10), 256), ((1539, 150, 10), 128)], ids=str)
def test_room_for_half_of_the_weights(widths, batch, dtype, by_inputs, monkeypatch):
    """One thread copies strips of a half that fit behind its scratch, though all panels are too large for the cache."""
    beyond, made, zeros = 1 << 17, [], layout.zeros

    def guarded(size, kind):
        made.append(zeros(size + beyond, kind))
        made[-1][size:] = 777
        return made[-1][:size]

    monkeypatch.setattr(layout, "zeros", guarded)
    test_few.results(widths, batch, dtype)
    assert len(made) > 3
    for array in made:
        np.testing.assert_array_equal(array[-beyond:], 777)


@settings(max_examples=60)
@given(networks(), st.integers(72, 200), st.integers(1, 150), st.sampled_from(DTYPES), st.integers(0, 2**32))
def test_any_network(net, inputs, samples, dtype, seed):
    with pytest.MonkeyPatch.context() as patch:
        choose(patch)
        patch.setattr(_runtime, "get_num_threads", lambda: 2)
        check_network(inputs, *net[1:], samples, dtype, seed)


@pytest.mark.parametrize("optimizer", ("sgd", "everything"))
def test_training(optimizer, dtype, by_inputs):
    layers = [Layer(70, "gelu"), Layer(50, "softmax")]
    with fcnet.num_threads(2):
        check_training(120, layers, "categorical_crossentropy", 260, 100, optimizer, dtype, 1)


def test_sparse_rows_and_frozen_layers(dtype, by_inputs):
    """Sparse rows, which no thread can have a part of, go by slabs, to the same bits."""
    rng = np.random.default_rng(2)
    X, y = rng.standard_normal((200, 150)).astype(dtype), rng.standard_normal((200, 8)).astype(dtype)
    X[rng.random(X.shape) < 0.8] = 0
    for frozen in (False, True):
        found = []
        for samples in (X, sparse.csr_array(X)):
            fcnet.set_seed(1)
            model = fcnet.Sequential([fcnet.Dense(60, "relu", input_shape=150), fcnet.Dense(8)], dtype=dtype)
            model.layers[0].trainable = not frozen
            model.compile("adam", "mean_squared_error")
            before = model.layers[0].get_weights()
            with fcnet.num_threads(2):
                model.fit(samples, y, batch_size=64, epochs=2, verbose=0)
            assert np.array_equal(model.layers[0].get_weights()[0], before[0]) == frozen
            found.append(model.get_weights())
        assert_same_bits(*found)


def test_which_networks(monkeypatch):
    """Many inputs, most of the weights in the first layer, neither too few samples nor too many for the cache."""
    monkeypatch.setattr(_runtime, "get_num_threads", lambda: 2)
    plans = {}
    for widths, slabs in (((784, 128, 10), 4), ((784, 128, 10), 1), ((784, 128, 10), 1 / 2), ((784, 512, 10), 8),
                          ((784, 128, 10), 32), ((128, 64, 10), 4), ((300, 100, 300), 2)):
        made = Engine(widths[0], [Layer(width) for width in widths[1:]], np.float32)
        batch = int(slabs * made.slab)
        made._set_objective("mean_squared_error")
        plan = made.plan(network.TRAIN, batch, widths[-1])
        plans[widths, batch] = plan.by_inputs
        assert plan.by_inputs == (plan.half > 0)
        assert made.plan(network.TRAIN, batch, widths[-1], sparse=True).half == plan.half
        assert not made.plan(network.TRAIN, batch, widths[-1], sparse=True).by_inputs
    assert [*plans.values()] == [True, True, False, False, False, False, False]
