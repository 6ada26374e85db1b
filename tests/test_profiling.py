"""`Sequential.profile`: what it returns, that it changes nothing, and what it refuses. No speed is asserted."""

import json
import threading

import numpy as np
import pytest

import fcnet
from fcnet import Dense, Sequential, optimizers, profiling

peak = profiling.kernel_peak
SECONDS = 1e-3  # the least number of blocks
LOSSES = [
    ("sigmoid", 1, "binary_crossentropy"), ("sigmoid", 3, "binary_crossentropy"),
    ("softmax", 3, "categorical_crossentropy"), ("softmax", 3, "sparse_categorical_crossentropy"),
    ("tanh", 2, "mean_squared_error"), ("linear", 1, "mean_squared_error"),
]  # fmt: skip


def network(units=(20, 7, 3), activation="softmax", loss="categorical_crossentropy", optimizer="adam",
            dtype="float32", **options):  # fmt: skip
    model = Sequential([Dense(units[1], "relu", input_dim=units[0], name="first")], dtype=dtype)
    for width in units[2:-1]:
        model.add(Dense(width, "relu"))
    model.add(Dense(units[-1], activation, name="last"))
    model.compile(optimizer, loss, **options)
    return model


@pytest.fixture
def two_threads():
    fcnet.set_num_threads(2)
    yield
    fcnet.set_num_threads(None)


def check(profile):
    """What holds for every profile."""
    step = profile.total.seconds
    assert sum(row.seconds for row in profile) == pytest.approx(step, rel=1e-9)
    assert profile.total.flops == sum(row.flops for row in profile)
    assert profile.peak == max(profile.peaks) > 0 and profile.steps >= 1 and profile.threads >= 1
    waiting = profile["", "launch and waiting"]
    for row in (*profile, profile.total):
        # the clocks of ticks and of seconds may differ by what an interrupt between two readings takes
        assert row.seconds >= (0 if row is not waiting else -0.05 * step)
        assert row.seconds > 0 or not row.flops  # by rows, the lowest layer has nothing to do backward
        assert row.seconds <= step * 1.05
        assert (row.gflops > 0) == (row.of_peak > 0) == (row.flops > 0)
        if row.flops:
            assert row.gflops == pytest.approx(row.flops / row.seconds / 1e9)
            assert row.of_peak == pytest.approx(row.gflops / profile.peak)


def test_rows(dtype):
    profile = network((20, 7, 5, 3), dtype=dtype, metrics=["accuracy"]).profile(1024, seconds=SECONDS)
    check(profile)
    assert isinstance(profile, profiling.Profile)
    assert (profile.network, profile.batch_size, profile.dtype) == ("20-7-5-3", 1024, np.dtype(dtype).name)
    layers = [(layer, phase) for layer in ("first", "dense", "last") for phase in ("forward", "backward", "gradient")]
    phases = "gathering the batch", "loss", "summing partial gradients", "launch and waiting"
    of_step = [("", phase) for phase in phases]
    assert [(row.layer, row.phase) for row in profile] == layers + of_step
    flops = [2 * 1024 * inputs * outputs for inputs, outputs in [(20, 7), (7, 5), (5, 3)]]
    expected = [flops[0], 0, flops[0], *[flops[1]] * 3, *[flops[2]] * 3, 0, 0, 0, 0]
    assert [row.flops for row in profile] == expected
    assert profile["first", "gradient"] is profile[2] is profile.rows[2]
    assert profile["", "step"] is profile.total
    assert len(profile) == len(expected) and profile[-1].phase == "launch and waiting"
    with pytest.raises(KeyError, match="no row"):
        profile["first", "loss"]


def test_few_weights_and_many_samples():
    profile = network().profile(1000, seconds=SECONDS)
    check(profile)
    assert profile["", "summing partial gradients"].flops == 0


def test_threads(two_threads):
    profile = network((120, 200, 10)).profile(128, seconds=SECONDS)
    check(profile)
    assert profile.threads == 2
    assert "2 threads" in str(profile)
    assert network().profile(4, seconds=SECONDS).threads == 1  # not worth a second one


def test_several_chunks():
    """A batch larger than the workspace."""
    profile = network((300, 200, 10)).profile(3000, seconds=SECONDS)
    check(profile)
    assert "summing partial gradients" not in {row.phase for row in profile}


def test_table():
    profile = network().profile(batch_size=32, seconds=SECONDS)
    lines = str(profile).splitlines()
    assert lines[0].startswith("20-7-3, batch 32, float32, 1 thread, ")
    assert lines[1].startswith("FMA peak ")
    assert lines[3].split() == ["Layer", "Phase", "us", "a", "step", "of", "time", "MFLOP", "GFLOP/s", "of", "peak"]
    assert lines[5].startswith("first ") and lines[8].startswith("last ")
    assert lines[11].startswith("gathering the batch")
    assert [len(line.split()) for line in lines[5:8]] == [7, 3, 6]  # no product backward of the first layer
    assert lines[-1].startswith("step ") and " 100.0% " in lines[-1]
    assert all(line == line.rstrip() for line in lines)
    assert len({len(line) for line in (lines[3], lines[5], lines[7], lines[-1])}) == 1
    assert len(repr(profile).splitlines()) == 1 and "20-7-3, batch 32" in repr(profile)


def test_plain_data():
    profile = network().profile(32, seconds=SECONDS)
    found = json.loads(json.dumps(profile.to_dict()))
    assert found["network"] == "20-7-3"
    assert found["peak"] == profile.peak and found["peaks"] == [*profile.peaks]
    assert found["total"]["seconds"] == profile.total.seconds
    assert [row["flops"] for row in found["rows"]] == [row.flops for row in profile]


# ------------------------------------------------------------------------------------------------- no trace

@pytest.mark.parametrize("optimizer", [optimizers.SGD(), optimizers.SGD(0.1, momentum=0.9), optimizers.Adam()],
                         ids=["sgd", "momentum", "adam"])  # fmt: skip
@pytest.mark.parametrize("trained", [False, True])
def test_nothing_changes(optimizer, trained):
    model = network(optimizer=optimizer)
    X, y = profiling.random_data("categorical_crossentropy", 20, 3, 8, np.dtype(np.float32))
    if trained:
        model.fit(X, y, epochs=2, verbose=0, seed=0)
    state, history = model.optimizer.state, model.history
    before = [model.parameters.copy(), *(array.copy() for array in state)]
    iterations, rate = model.optimizer.iterations, model.optimizer.learning_rate
    fcnet.set_seed(3)
    number = fcnet.seeds.generator(None).integers(1 << 60)
    fcnet.set_seed(3)

    model.profile(16, seconds=SECONDS)
    model.profile(16, X, y, seconds=SECONDS)

    assert fcnet.seeds.generator(None).integers(1 << 60) == number
    assert model.optimizer is optimizer and model.optimizer.state is state and model.history is history
    assert (model.optimizer.iterations, model.optimizer.learning_rate) == (iterations, rate)
    for old, new in zip(before, [model.parameters, *state], strict=True):
        assert old.tobytes() == new.tobytes()
    model.fit(X, y, epochs=1, verbose=0)  # and it trains on


def test_data_are_read_only():
    X, y = np.ones((50, 20), np.float32), np.eye(3, dtype=np.float32)[np.zeros(50, int)]
    X.flags.writeable = y.flags.writeable = False
    profile = network().profile(16, X, y, seconds=SECONDS)
    assert profile.batch_size == 16


def test_a_batch_larger_than_the_data():
    X, y = np.ones((5, 20)), np.eye(3)[[0, 1, 2, 0, 1]]
    with pytest.warns(UserWarning, match="batch_size is 32 and there are 5 samples"):
        profile = network().profile(32, X, y, seconds=SECONDS)
    assert profile.batch_size == 5 and profile.total.flops == 6 * 5 * (20 * 7 + 7 * 3) - 2 * 5 * 20 * 7


@pytest.mark.parametrize("activation, units, loss", LOSSES)
def test_random_data_fit_the_loss(activation, units, loss, dtype):
    X, y = profiling.random_data(loss, 4, units, 10, np.dtype(dtype))
    assert X.dtype == y.dtype == dtype and len(X) == len(y) and len(X) % 10 == 0
    np.testing.assert_array_equal(fcnet.checks.targets(y, np.dtype(dtype), loss, units, len(X)), y)
    assert len(np.unique(y)) == (units if loss.startswith("sparse") else 2)
    model = network((4, 6, units), activation, loss, dtype=dtype)
    check(model.profile(10, seconds=SECONDS))


def test_every_block_starts_from_the_same_parameters():
    model = network(optimizer=optimizers.SGD(0.1))
    X, y = profiling.random_data("categorical_crossentropy", 20, 3, 8, np.dtype(np.float32))
    engine = profiling.Engine(20, model.layers, np.dtype(np.float32))
    copy = profiling.rehearsal(engine, model.parameters, model.optimizer, model._objective)
    timer = profiling._Timer(copy, X, y, 8)
    for steps in (1, 5, 3):
        timer.block(steps)
        assert copy.optimizer.iterations == steps + 1
        assert not np.array_equal(copy.parameters, model.parameters)
    timer.checkpoint.restore()
    np.testing.assert_array_equal(copy.parameters, model.parameters)


# --------------------------------------------------------------------------------------------------- errors

def test_errors():
    model = Sequential([Dense(3, input_dim=2)])
    with pytest.raises(RuntimeError, match="compile"):
        model.profile(8)
    late = Sequential([Dense(3)])
    late.compile("sgd", "mse")
    with pytest.raises(RuntimeError, match="no parameters yet"):
        late.profile(8)
    model = network()
    for wrong in (0, -1, 2.5, "8", True, None):
        with pytest.raises(ValueError, match="batch_size"):
            model.profile(wrong)
    for wrong in (0, -1, "1", np.nan, np.inf):
        with pytest.raises(ValueError, match="seconds"):
            model.profile(8, seconds=wrong)
    with pytest.raises(ValueError, match="x is given without y"):
        model.profile(8, np.ones((8, 20)))
    with pytest.raises(ValueError, match="y is given without x"):
        model.profile(8, y=np.ones((8, 3)))
    with pytest.raises(ValueError, match="the model expects 20"):
        model.profile(8, np.ones((8, 19)), np.ones((8, 3)) / 3)


def test_a_processor_without_a_clock(monkeypatch):
    monkeypatch.setattr(peak, "clock", lambda: 0)
    with pytest.raises(NotImplementedError, match="clock"):
        network().profile(8)


# ----------------------------------------------------------------------------------------------------- peak

def test_multiply_adds(dtype):
    """Each sum goes to x[1] / (1 - x[0]), whatever it starts from."""
    x = np.array([0.5, 3.0, 0.0], dtype)
    lanes = profiling.REGISTER_BYTES // x.itemsize
    peak.multiply_adds(x, 200)
    assert x.tolist() == [0.5, 3.0, 6.0 * peak.SUMS * lanes]
    x[:] = 2.0, 1.0, 0.0  # one round: 2 (2 j) + 1 for the sums j = 1, 2, ...
    peak.multiply_adds(x, 1)
    assert x[2] == lanes * sum(4 * j + 1 for j in range(1, peak.SUMS + 1))


def test_peak(dtype):
    before = threading.active_count()
    ceiling = profiling.Peak(dtype, 2, seconds=1e-4)
    assert ceiling.sample() > 0
    assert threading.active_count() == before


def test_laps_bound_the_threads(two_threads):
    """More threads than rows would count in foreign memory."""
    model = network((120, 200, 10))
    X, y = profiling.random_data("categorical_crossentropy", 120, 10, 256, np.dtype(np.float32))
    engine = profiling.Engine(120, model.layers, np.dtype(np.float32))
    engine.count_laps(np.zeros((1, 16), np.int64))
    engine.loss_and_gradient(model.parameters, X, y, "categorical_crossentropy")
    assert engine.threads == 1


def test_the_product_made_ahead_counts_where_it_is_timed():
    """Of one sample and plain SGD: with the first layer's update."""
    product = 2 * 64 * 32
    ahead, apart = (network((64, 32, 3), optimizer=name).profile(batch_size=1, seconds=SECONDS)
                    for name in (optimizers.SGD(), optimizers.SGD(momentum=0.9)))
    assert [ahead["first", phase].flops for phase in profiling.PHASES] == [0, 0, 2 * product]
    assert [apart["first", phase].flops for phase in profiling.PHASES] == [product, 0, product]
    assert ahead.total.flops == apart.total.flops
