"""Training by rows, which batches of few rows take, against slabs, the reference and central differences."""

import numpy as np
import pytest
from fcnet.kernels import blocking, few, network
from fcnet.kernels.simd import NV, REGISTER_BYTES
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import Layer
from scipy import sparse
from tables import DTYPES, OPTIMIZERS, PAIRS, assert_within, declared, eps, layers_of, problem, train
from test_network import built, check_network, check_training, networks, smooth

import fcnet
from fcnet import _runtime, planning
from fcnet.engine import Engine

isa = pytest.mark.isa
ALWAYS, NEVER = np.inf, 0
# Below, at and above a vector, the block of the product and a slab; several slabs.
BATCHES = (1, 2, 3, 4, 6, 7, 12, 13, 16, 17, 33, 50)
# Inputs, units: strips of one and of several columns, layers of several bundles, wide and narrow ones.
WIDE = ((784, 32, 10), (3, 5, 13, 16), (17, 129, 65, 33, 5), (5, 1030, 270, 7), (601, 17))
NARROW = ((200, 1), (1, 3, 1), (2500, 2), (9, 4, 33, 3, 2))


def choose(monkeypatch, share):
    monkeypatch.setattr(planning, "ROWS_SHARE", (share,))
    monkeypatch.setattr(planning, "SUMMED_SHARE", (share,))
    monkeypatch.setattr(planning, "HALVED_SHARE", (share,))
    monkeypatch.setattr(planning, "HALVED_INPUTS", np.inf)  # so that slabs have one sum, too


@pytest.fixture
def by_rows(monkeypatch):
    choose(monkeypatch, ALWAYS)


def results(widths, batch, dtype, optimizer="adam", use_bias=True, threads=1):
    """Loss, gradient, and parameters and optimizer state after two epochs with a smaller last batch."""
    inputs, *units = widths
    layers, loss = layers_of(units, "gelu", "linear", use_bias), "mean_squared_error"
    samples = 2 * batch + batch // 2
    params, X, Y = problem(np.random.default_rng(sum(widths)), inputs, layers, loss, samples, dtype)
    fcnet.set_num_threads(threads)
    trained = Engine(inputs, layers, dtype)
    found = [*trained.loss_and_gradient(params, X[:batch], Y[:batch], loss)]
    own = built(optimizer, len(params), dtype)
    orders = np.array([np.random.default_rng(seed).permutation(samples) for seed in range(2)])
    sums = train(trained, params, own, X, Y, orders, batch, loss, ("mean_absolute_error",))
    fcnet.set_num_threads(None)
    return [*found, sums, params, *own.state]


def assert_same_bits(found, expected):
    for array, wanted in zip(found, expected, strict=True):
        np.testing.assert_array_equal(array, wanted)


@isa
@pytest.mark.parametrize("widths", WIDE, ids=str)
def test_same_bits_as_slabs(widths, dtype, monkeypatch):
    monkeypatch.setattr(planning, "PARTIAL_PARAMS", 0)  # whose sums are added in another order
    for batch in BATCHES:
        both = []
        for share in (ALWAYS, NEVER):
            choose(monkeypatch, share)
            both.append(results(widths, batch, dtype, use_bias=batch != 2))
        assert_same_bits(*both)


def test_weights_beyond_the_caches(dtype, monkeypatch):
    """Forward and backward, what comes next is asked for."""
    widths = (1203, 601, 5)
    n_params = 1204 * 601 + 602 * 5
    assert 3 * n_params * np.dtype(dtype).itemsize > blocking.FAR_WEIGHTS * REGISTER_BYTES
    choose(monkeypatch, NEVER)
    expected = results(widths, 7, dtype)
    choose(monkeypatch, ALWAYS)
    assert_same_bits(results(widths, 7, dtype), expected)
    assert_same_bits(results(widths, 7, dtype, threads=2), expected)


@pytest.mark.parametrize("group", (planning.GROUP_SLABS, 1))
def test_more_slabs_than_have_their_panels_in_cache(group, dtype, monkeypatch):
    """One thread takes all of them at once, and has room for their targets, dZ and weights."""
    monkeypatch.setattr(planning, "GROUP_SLABS", group)
    inputs = blocking.NEAR // (NV * planning.LEAST_GROUP) - 1
    layers, loss = layers_of([2], "linear", "linear"), "mean_squared_error"
    with fcnet.num_threads(1):
        made = Engine(inputs, layers, dtype)
        made._set_objective(loss)
        rows = 7 * made.slab
        plan = made.plan(network.TRAIN, rows, 2)
        assert plan.by_rows and made.planner.near_slabs < plan.slabs <= plan.group
        params, X, Y = problem(np.random.default_rng(3), inputs, layers, loss, rows, dtype)
        value, gradient = made.loss_and_gradient(params, X, Y, loss)
    error = np.c_[X, np.ones(rows)] @ params.reshape(-1, 2).astype(np.float64) - Y
    exact = np.c_[X, np.ones(rows)].T @ error / rows  # of the mean over both outputs
    assert_within(value, np.mean(error**2), 50 * eps(dtype) * np.mean(error**2), "loss")
    assert_within(gradient.reshape(-1, 2), exact, 50 * eps(dtype) * np.abs(exact).max(), "gradient")


@isa
@pytest.mark.parametrize("widths", (*WIDE[:4], *NARROW), ids=str)
def test_same_bits_at_any_number_of_threads(widths, dtype, by_rows, monkeypatch):
    monkeypatch.setattr(_runtime, "SHARE_FLOPS", 1)
    for batch in (1, 9, 50):
        alone = results(widths, batch, dtype, "momentum")
        for threads in (2, 5):
            assert_same_bits(results(widths, batch, dtype, "momentum", threads=threads), alone)


@isa
@pytest.mark.parametrize("optimizer, fused, alone", [("sgd", True, True), ("ema", True, False),
                                                       ("clipvalue", False, False)])
@pytest.mark.parametrize("widths", (*WIDE, *NARROW), ids=str)
def test_one_sample_at_a_time(widths, optimizer, fused, alone, dtype, monkeypatch):
    """The update without a gradient, and the next sample's product with it: the bits of slabs, however it is cut."""
    monkeypatch.setattr(_runtime, "SHARE_FLOPS", 1)
    monkeypatch.setattr(planning, "PARTIAL_PARAMS", 0)
    layers, loss = layers_of(widths[1:], "tanh", "linear"), "mean_squared_error"
    given_params, X, Y = problem(np.random.default_rng(5), widths[0], layers, loss, 5, dtype)
    orders, weights = np.array([[3, 1, 4, 0, 2], [0, 2, 1, 4, 3]]), np.array([1, 0, 2, 0.5, 1], dtype)
    found = []
    ways = [(ALWAYS, 1, ()), (ALWAYS, 1, (1, 2, 6)), (ALWAYS, 2, ()), (NEVER, 1, ())]
    for share, threads, cuts in ways[: 3 if widths in NARROW else 4]:
        choose(monkeypatch, share)
        fcnet.set_num_threads(threads)
        params, own = given_params.copy(), built(optimizer, len(given_params), dtype)
        trained = Engine(widths[0], layers, dtype)
        sums = train(trained, params, own, X, Y, orders, 1, loss, (), cuts, weights)
        assert (trained._task["outer"][0] != 0) == (fused and share == ALWAYS)
        wide = few.goes_outer(widths[1], trained.slab)
        assert trained.ahead == (alone and share == ALWAYS and trained.threads == 1 and wide)
        nothing_left = alone and wide and len(widths) == 2  # for a second thread
        assert trained.threads == (1 if nothing_left else threads)
        found.append([params, sums, *own.state])
    fcnet.set_num_threads(None)
    for other in found[1:]:
        assert_same_bits(other, found[0])


@isa
@settings(max_examples=60)
@given(networks(), st.integers(1, 60), st.sampled_from(DTYPES), st.integers(0, 2**32))
def test_any_network(network, samples, dtype, seed):
    with pytest.MonkeyPatch.context() as patch:
        choose(patch, ALWAYS)
        check_network(*network, samples, dtype, seed)


@settings(max_examples=40)
@given(st.data(), st.sampled_from(DTYPES), st.sampled_from(sorted(OPTIMIZERS)), st.integers(1, 40),
       st.integers(0, 2**32))
def test_training_any_network(data, dtype, optimizer, batch, seed):
    hidden = smooth(dtype)
    pairs = [pair for pair in PAIRS if pair[0] in hidden and "crossentropy" in str(pair[1])]
    inputs, layers, loss = data.draw(networks(hidden, pairs, largest=40))
    with pytest.MonkeyPatch.context() as patch:
        choose(patch, ALWAYS)
        check_training(inputs, layers, loss, 2 * batch + 1, batch, optimizer, dtype, seed, epochs=1)


@pytest.mark.parametrize("widths", (WIDE[2], NARROW[3]), ids=str)
@pytest.mark.parametrize("batch", (1, 5, 19))
def test_central_differences(widths, batch, by_rows):
    """Of the engine's own loss, in a few random directions."""
    inputs, *units = widths
    layers, loss = layers_of(units, "tanh", "softmax"), "categorical_crossentropy"
    rng = np.random.default_rng(1)
    params, X, Y = problem(rng, inputs, layers, loss, batch)
    trained = Engine(inputs, layers, np.float64)
    assert trained.planner.by_rows(batch)
    _, gradient = trained.loss_and_gradient(params, X, Y, loss)
    for _ in range(3):
        direction = rng.standard_normal(len(params)) / np.sqrt(len(params))
        up, down = (trained.loss_and_gradient(params + h * direction, X, Y, loss)[0] for h in (1e-5, -1e-5))
        np.testing.assert_allclose(gradient @ direction, (up - down) / 2e-5, rtol=1e-6, atol=1e-9)


def test_what_stood_there_before_reaches_no_result(dtype, by_rows):
    """Rows and lanes of an earlier batch, larger or smaller, that was not finite."""
    for widths in (WIDE[2], NARROW[2], NARROW[3]):
        layers, loss = layers_of(widths[1:], "gelu", "softmax"), "mean_squared_error"
        params, X, Y = problem(np.random.default_rng(2), widths[0], layers, loss, 40, dtype)
        used = Engine(widths[0], layers, dtype)
        for before, count in ((40, 3), (1, 40), (40, 17), (5, 1)):
            used.loss_and_gradient(params, np.full_like(X[:before], np.nan), Y[:before], loss)
            clean = Engine(widths[0], layers, dtype).loss_and_gradient(params, X[:count], Y[:count], loss)
            assert_same_bits(used.loss_and_gradient(params, X[:count], Y[:count], loss), clean)


@pytest.mark.parametrize("widths", (WIDE[2], NARROW[3]), ids=str)
def test_weights_metrics_and_sparse_samples(widths, dtype, monkeypatch):
    """What the last layer's slabs and the first layer's rows are made with; the same as by slabs where sums are."""
    layers, loss = layers_of(widths[1:], "tanh", "softmax"), "categorical_crossentropy"
    _, X, Y = problem(np.random.default_rng(3), widths[0], layers, loss, 90, dtype)
    X[X < 0.3] = 0
    found = []
    for share, samples in ((ALWAYS, X), (ALWAYS, sparse.csr_array(X)), (NEVER, X)):
        choose(monkeypatch, share)
        dense = [fcnet.Dense(layer.units, layer.activation) for layer in layers]
        model = fcnet.Sequential(dense, dtype=np.dtype(dtype).name)
        model.compile(loss=declared(loss), optimizer="sgd", metrics=["accuracy"])
        fcnet.set_seed(1)
        history = model.fit(samples, Y, batch_size=37, epochs=2, verbose=0, sample_weight=np.linspace(0, 2, 90))
        found.append([*history.history["loss"], *history.history["accuracy"], *model.get_weights()])
    assert_same_bits(*found[:2])
    for array, wanted in zip(found[0], found[2], strict=True):
        np.testing.assert_allclose(array, wanted, rtol=1e-4, atol=1e-6)


def test_when_rows_are_taken():
    """A few rows of a wide network; not many rows, and not where an activation between layers looks across a sample."""
    def taken(widths, rows, hidden="relu"):
        return Engine(widths[0], layers_of(widths[1:], hidden, "softmax"), np.float32).planner.by_rows(rows)

    slab = Engine(1, [Layer(1)], np.float32).slab
    for widths in ((784, 32, 10), (1000, 1000, 10), (64, 64, 10)):
        assert taken(widths, 1) and taken(widths, slab // 4)
        assert not taken(widths, 1, "softmax")
        assert not taken(widths, 8 * slab)
    assert not taken((2, 4, 6, 6, 4, 2), slab)


def test_panels_have_room():
    """For the last rows of W with room behind them, whatever the width."""
    for width in (*range(1, 40), 1000):
        for P in (8, 16, 32):
            padded = -(-width // (P // 2)) * (P // 2)
            inside = max(0, (10_000 * width - padded) // width + 1)
            assert (10_000 - inside) * padded <= few.panel_numbers([width], P)


@pytest.mark.parametrize("learning", [(True, True, True), (False, True, True), (True, False, True),
                                      (False, False, True)])
def test_rules_and_frozen_layers_have_the_bits_of_slabs(learning, monkeypatch):
    """Frozen layers end the backward pass early; penalties, constraints and multipliers defer the update."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(11, 40)).astype("f4"), rng.normal(size=(11, 5)).astype("f4")
    found = []
    for share in (NEVER, ALWAYS):
        choose(monkeypatch, share)
        monkeypatch.setattr(planning, "PARTIAL_PARAMS", 0)
        fcnet.set_seed(3)
        model = fcnet.Sequential([
            fcnet.Dense(33, "tanh", input_dim=40, kernel_regularizer="l2", learning_rate_multiplier=0.5),
            fcnet.Dense(20, "relu", kernel_constraint="max_norm"), fcnet.Dense(5)])
        for layer, learns in zip(model.layers, learning, strict=True):
            layer.trainable = learns
        model.compile("adam", "mean_squared_error")
        before = model.get_weights()
        history = model.fit(X, y, batch_size=4, epochs=3, seed=0, verbose=0).history["loss"]
        for kept, now, learns in zip(before[::2], model.get_weights()[::2], learning, strict=True):
            assert learns != np.array_equal(kept, now)
        found.append([*model.get_weights(), np.array(history)])
    assert_same_bits(*found)
