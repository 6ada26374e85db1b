"""The engine against the reference: any depth, widths, batch size and dtype, forward pass to training.

Bounds: eps times the size of what is summed times a factor.  An error of one layer goes on through the next
ones, so the factor is not that of a single product; it is about ten times the error that NumPy's own float32
arithmetic makes in the same problems.
"""

import numpy as np
import pytest
import reference
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from reference import Layer
from tables import (
    DTYPES,
    HIDDEN,
    KINKS,
    OPTIMIZERS,
    PAIRS,
    assert_within,
    batches,
    declared,
    distance_to_kink,
    eps,
    layer,
    metrics_of,
    name_of,
    problem,
    train,
)

import fcnet.engine
from fcnet import losses, optimizers
from fcnet.engine import Engine

isa = pytest.mark.isa
FACTOR = 60  # of outputs and gradients
LOSS_FACTOR = 8  # of what is a mean over the samples; of what two trainings with errors of rounding have come to


@st.composite
def networks(draw, hidden=HIDDEN, pairs=PAIRS, largest=70):
    """Input width, layers of mixed activations, loss."""
    output, loss = draw(st.sampled_from(pairs))
    widths = draw(st.lists(st.integers(1, largest), min_size=1, max_size=4))
    if output == "softmax" or "categorical" in str(loss):
        widths[-1] = max(widths[-1], 2)
    activations = [draw(st.sampled_from(hidden)) for _ in widths[:-1]] + [output]
    layers = [layer(*given, draw(st.booleans())) for given in zip(widths, activations, strict=True)]
    return draw(st.integers(1, largest)), layers, loss


def kink_is_near(params, X, Y, layers, loss, dtype):
    """Whether rounding could put some number on the other side of a kink, where the derivative jumps."""
    return distance_to_kink(params, X, Y, layers, loss) < FACTOR * eps(dtype)


def forward_sizes(params, X, layers, steps):
    """How large Z and A of every layer are, for the rounding of each number.

    Where the terms of Z cancel, rounding is relative to them and not to Z, and goes on into A with g'(Z): a tenth of
    the terms, of which FACTOR makes 6 eps.
    """
    weights = reference.unflatten(np.abs(params.astype(np.float64)), X.shape[1], layers)
    sizes, A = [], np.abs(X.astype(np.float64))
    for own, step, (W, b) in zip(layers, steps, weights, strict=True):
        terms = A @ W if b is None else A @ W + b
        slope = np.abs(reference.activate_backward(own, np.ones_like(terms), step["A"], step["Z"]))
        A = np.maximum(np.abs(step["A"]), 0.1 * slope * terms)
        sizes.append({"Z": np.maximum(np.abs(step["Z"]), 0.1 * terms), "A": A})
    return sizes


def gradient_sizes(params, X, Y, layers, loss):
    """For every parameter the greatest sum of absolute products in its array: rounding is relative to it."""
    steps = reference.backward(params, X, Y, layers, loss)
    sizes, A_prev = [], np.abs(X.astype(np.float64))
    for own, step, size in zip(layers, steps, forward_sizes(params, X, layers, steps), strict=True):
        dZ = np.maximum(np.abs(step["dZ"]), 0.1 / len(X))  # p - y is no more exact than p
        sizes.append((np.full(step["dW"].shape, (A_prev.T @ dZ).max()),
                      np.full(own.units, dZ.sum(axis=0).max()) if own.use_bias else None))
        A_prev = size["A"]
    return reference.flatten(sizes)


def check_network(inputs, layers, loss, samples, dtype, seed):
    """Outputs, loss, metrics, gradient and everything between, for one network."""
    params, X, Y = problem(np.random.default_rng(seed), inputs, layers, loss, samples, dtype)
    assume(not kink_is_near(params, X, Y, layers, loss, dtype))
    engine = Engine(inputs, layers, dtype)
    assert engine.n_params == reference.count_params(inputs, layers)
    before = [array.copy() for array in (params, X, Y)]
    unit = FACTOR * eps(dtype)
    steep = eps(dtype) * max(FACTOR, sureness(params, X, layers, loss))  # of what has gone through the loss

    outputs = engine.predict(params, X)
    assert outputs.dtype == dtype
    expected = reference.predict(params, X, layers)
    assert_within(outputs, expected, unit * max(1, np.abs(expected).max()), "outputs")

    expected_loss = reference.mean_loss(params, X, Y, layers, loss)
    value, gradient = engine.loss_and_gradient(params, X, Y, declared(loss))
    whole = 100 if loss == "mean_absolute_percentage_error" else 1
    loss_bound = LOSS_FACTOR * eps(dtype) * (whole + expected_loss) * growth(params, X, layers)
    assert_within(value, expected_loss, loss_bound, "loss")
    assert gradient.dtype == dtype
    sizes = gradient_sizes(params, X, Y, layers, loss)
    _, expected_gradient = reference.loss_and_gradient(params, X, Y, layers, loss)
    assert_within(gradient, expected_gradient, steep * sizes, "gradient")

    inspected_loss, steps = engine.inspect(params, X, Y, declared(loss))
    assert_within(inspected_loss, expected_loss, loss_bound, "inspected loss")
    expected_steps = reference.backward(params, X, Y, layers, loss)
    forward = forward_sizes(params, X, layers, expected_steps)
    for index, (step, wanted, size) in enumerate(zip(steps, expected_steps, forward, strict=True)):
        assert (step["db"] is None) == (not layers[index].use_bias)
        for name in ("Z", "A"):
            assert_within(step[name], wanted[name], unit * max(size[name].max(), 0.1 / samples),
                          f"{name} of layer {index}")
        assert_within(step["dZ"], wanted["dZ"], steep * max(np.abs(wanted["dZ"]).max(), 0.1 / samples),
                      f"dZ of layer {index}")
    parts = reference.flatten([(step["dW"], step["db"]) for step in steps])
    assert_within(parts, gradient, steep * sizes, "dW and db of inspect")

    for array, copy in zip((params, X, Y), before, strict=True):
        np.testing.assert_array_equal(array, copy, err_msg="an input was changed")


@isa
@settings(max_examples=150)
@given(networks(), st.integers(1, 150), st.sampled_from(DTYPES), st.integers(0, 2**32))
def test_any_network(network, samples, dtype, seed):
    check_network(*network, samples, dtype, seed)


@isa
@pytest.mark.parametrize("samples", (1, 31, 700))
def test_large_network(samples, dtype):
    """Beyond every blocking boundary, and with enough work to be shared between threads."""
    layers = [Layer(600, "relu"), Layer(130, "tanh"), Layer(10, "softmax")]
    loss = "sparse_categorical_crossentropy"
    params, X, Y = problem(np.random.default_rng(8), 200, layers, loss, samples, dtype)
    engine = Engine(200, layers, dtype)
    unit = FACTOR * eps(dtype)
    assert_within(engine.predict(params, X), reference.predict(params, X, layers), unit, "outputs")

    value, gradient = engine.loss_and_gradient(params, X, Y, loss)
    expected_loss, expected = reference.loss_and_gradient(params, X, Y, layers, loss)
    assert_within(value, expected_loss, LOSS_FACTOR * eps(dtype) * (1 + expected_loss), "loss")
    # Of 420,000 z some are too close to relu's kink, where the gradient of that unit's own weights jumps.
    Z = reference.forward(params, X, layers)[0][0]
    sure = np.abs(Z).min(axis=0) > unit * np.abs(Z).max()
    assert np.mean(sure) > 0.9
    bounds = reference.unflatten(unit * gradient_sizes(params, X, Y, layers, loss), 200, layers)
    for array in bounds[0]:
        array[..., ~sure] = np.inf
    assert_within(gradient, expected, reference.flatten(bounds), "gradient")


def test_batch_in_chunks(dtype):
    """A batch larger than the workspace: the gradient is carried over from chunk to chunk."""
    layers, loss = [Layer(13, "tanh"), Layer(3, "sigmoid")], "binary_crossentropy"
    engine = Engine(7, layers, dtype)
    samples = int(2.3 * engine.planner.chunk_limit * engine.slab)
    params, X, Y = problem(np.random.default_rng(12), 7, layers, loss, samples, dtype)
    value, gradient = engine.loss_and_gradient(params, X, Y, loss)
    expected_loss, expected = reference.loss_and_gradient(params, X, Y, layers, loss)
    assert_within(value, expected_loss, LOSS_FACTOR * eps(dtype) * (1 + expected_loss), "loss")
    sizes = gradient_sizes(params, X, Y, layers, loss)
    assert_within(gradient, expected, FACTOR * eps(dtype) * sizes, "gradient")
    outputs = engine.predict(params, X)
    assert_within(outputs, reference.predict(params, X, layers), FACTOR * eps(dtype), "outputs")
    check_training(7, layers, loss, samples, samples - 5, "adam", dtype, seed=12)


@given(networks(pairs=[pair for pair in PAIRS if pair[0] != "linear"]), st.integers(1, 150),
       st.sampled_from(DTYPES), st.integers(0, 2**32))
def test_metrics(network, samples, dtype, seed):
    inputs, layers, loss = network
    params, X, Y = problem(np.random.default_rng(seed), inputs, layers, loss, samples, dtype)
    outputs = reference.predict(params, X, layers)
    unit = FACTOR * eps(dtype)
    # An output on the threshold, or two that tie, may fall to either side.
    assume(min(np.abs(outputs - 0.5).min(), np.abs(outputs).min()) > unit)
    if outputs.shape[1] > 1:
        best = np.sort(outputs, axis=1)
        assume((best[:, -1] - best[:, -2]).min() > unit)
    metrics = metrics_of(loss)
    got = Engine(inputs, layers, dtype).evaluate(params, X, Y, declared(loss), metrics)
    assert got.dtype == np.float64 and got.shape == (1 + len(metrics),)
    got[0] = losses.get(declared(loss)).total(got[0], samples)
    got /= samples
    expected = reference.evaluate(params, X, Y, layers, loss, metrics)
    bound = LOSS_FACTOR * eps(dtype) * (1 + np.abs(expected)) * growth(params, X, layers)
    assert_within(got, expected, bound, str(metrics))


# ------------------------------------------------------------------------------------------------
# Training
# ------------------------------------------------------------------------------------------------

def built(name, n_params, dtype):
    """fcnet's optimizer with its state allocated."""
    class_name, parameters = OPTIMIZERS[name]
    optimizer = getattr(optimizers, class_name)(**parameters)
    optimizer.build(n_params, dtype)
    return optimizer


def smooth(dtype):
    """Hidden activations of training tests: in float32 a z may drift across relu's kink in some step."""
    return HIDDEN if dtype is np.float64 else tuple(a for a in HIDDEN if a.split("(")[0] not in KINKS)


JUMPS = ("absolute", "hinge", "huber")  # losses whose derivative jumps, or its derivative


def growth(params, X, layers):
    """By how much exp(z) magnifies the rounding of z, relative to itself: that is eps z."""
    if layers[-1].activation != "exponential":
        return 1.0
    return 1 + np.abs(reference.forward(params, X, layers)[-1][0]).max()


def sureness(params, X, layers, loss):
    """By how much ln(1 - p) magnifies the rounding of p, which a fused loss does not compute."""
    if layers[-1].activation != "softmax" or not name_of(loss).startswith("binary"):
        return 1.0
    P = reference.forward(params, X, layers)[-1][1]
    return 1 / max(min(P.min(), 1 - P.max()), 1e-7)


def rounded_training(params, X, Y, layers, loss, optimizer, steps, metrics, dtype, seed):
    """`reference.train` with an error of rounding, drawn at random, in all that a step computes and keeps.

    What such errors have grown to at the end is what the problem makes of them: nothing in a fit that settles, and many
    times the error of a step where the trajectory is unstable or a small gradient is normalised. Half of each error is
    the same in all steps, as it is where a constant of the optimizer is rounded.
    """
    rng = np.random.default_rng(seed)
    drift = rng.uniform(-1, 1, 2 + optimizer.slots)
    params = params.astype(np.float64)
    state, sums = [np.zeros_like(params) for _ in range(optimizer.slots)], np.zeros(1 + len(metrics))
    for step, rows in enumerate(steps, start=1):
        x, y = X[rows], Y[rows]
        unit = eps(dtype) * sureness(params, x, layers, loss)
        sums += len(rows) * (reference.evaluate(params, x, y, layers, loss, metrics) + unit * rng.uniform(-1, 1))
        _, gradient = reference.loss_and_gradient(params, x, y, layers, loss)
        gradient += unit * gradient_sizes(params, x, y, layers, loss) * (rng.uniform(-1, 1, gradient.size) + drift[0])
        params, state = optimizer.update(params, gradient, state, step)
        params, *state = (array * (1 + eps(dtype) * (rng.uniform(-1, 1, array.size) + always))
                          for array, always in zip((params, *state), drift[1:], strict=True))
    return params, sums


def check_training(inputs, layers, loss, samples, batch_size, optimizer_name, dtype, seed, epochs=2):
    rng = np.random.default_rng(seed)
    params, X, Y = problem(rng, inputs, layers, loss, samples, dtype)
    engine = Engine(inputs, layers, dtype)
    optimizer = built(optimizer_name, engine.n_params, dtype)
    wanted_optimizer = reference.optimizer(*OPTIMIZERS[optimizer_name], inputs, layers)
    metrics = ("mean_absolute_error",) if "sparse" not in str(loss) else ()
    orders = np.array([rng.permutation(samples) for _ in range(epochs)])
    trained = params.copy()
    sums = train(engine, trained, optimizer, X, Y, orders, batch_size, loss, metrics).sum(axis=0)
    steps = batches(orders, batch_size)
    expected, expected_sums = reference.train(params, X, Y, layers, loss, wanted_optimizer, steps, metrics)
    rounded = [rounded_training(params, X, Y, layers, loss, wanted_optimizer, steps, metrics, dtype, draw)
               for draw in range(3)]
    grown = max(np.abs(weights - expected).max() for weights, _ in rounded)
    grown_sums = np.max([np.abs(found - expected_sums) for _, found in rounded], axis=0)
    bound = LOSS_FACTOR * (grown + eps(dtype) * np.abs(expected).max())
    assert_within(trained, expected, bound, f"{optimizer_name}: params")
    bound_of_sums = LOSS_FACTOR * (grown_sums + eps(dtype) * (samples + expected_sums))
    assert_within(sums, expected_sums, bound_of_sums, "sums")
    return np.abs(expected - params).max() / bound


@isa
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training(optimizer, dtype):
    """Two epochs of an ordinary network; the last batch is a partial one."""
    layers = [Layer(13, "tanh"), Layer(6, "sigmoid"), Layer(3, "softmax")]
    moved = check_training(7, layers, "categorical_crossentropy", 83, 20, optimizer, dtype, seed=3)
    assert moved > 1000  # against the error allowed


@pytest.mark.parametrize("optimizer", ("sgd", "momentum", "clipnorm", "accumulation"))
@pytest.mark.parametrize("hidden, samples, batch_size", ((13, 83, 20), (13, 1200, 600), (400, 1800, 1500)))
def test_training_by_the_root_of_a_mean(optimizer, hidden, samples, batch_size):
    """Also of a batch in several chunks or groups of slabs, the last one a partial one."""
    layers = [Layer(hidden, "tanh"), Layer(3)]
    check_training(50, layers, "root_mean_squared_error", samples, batch_size, optimizer, np.float64, 6, epochs=1)


def test_root_of_nothing(dtype):
    """Where all errors are 0, so are loss and gradient; nothing is NaN, and a NaN stays one."""
    engine, X = Engine(1, [Layer(1)], dtype), np.array([[1], [2]], dtype)
    params = np.array([2, 1], dtype)
    value, gradient = engine.loss_and_gradient(params, X, 2 * X + 1, "root_mean_squared_error")
    assert value == 0 and not gradient.any()
    value, gradient = engine.loss_and_gradient(params, X, 2 * X + 4, "root_mean_squared_error")  # all errors are -3
    assert value == 3
    np.testing.assert_allclose(gradient, [-1.5, -1], rtol=1e-6)
    _, (step,) = engine.inspect(params, X, 2 * X + 4, "root_mean_squared_error")
    np.testing.assert_allclose(step["dZ"], [[-0.5], [-0.5]], rtol=1e-6)
    value, gradient = engine.loss_and_gradient(params * dtype(np.nan), X, X, "root_mean_squared_error")
    assert np.isnan(value) and np.isnan(gradient).all()


@given(st.data(), st.sampled_from(DTYPES), st.integers(1, 150), st.integers(1, 150), st.integers(0, 2**32))
def test_training_any_network(data, dtype, samples, batch_size, seed):
    inputs, layers, loss = data.draw(networks(hidden=smooth(dtype), pairs=[
        pair for pair in PAIRS if pair[0] in smooth(dtype) and not any(word in str(pair[1]) for word in JUMPS)],
        largest=40))
    optimizer = data.draw(st.sampled_from(sorted(OPTIMIZERS)))
    check_training(inputs, layers, loss, samples, min(batch_size, samples), optimizer, dtype, seed, epochs=1)


@isa
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training_large(optimizer):
    """Tiles of dW, their update, and the parallel regions: 700 samples in two full batches and a part."""
    layers = [Layer(600, "tanh"), Layer(130, "leaky_relu"), Layer(10, "softmax")]
    loss = "sparse_categorical_crossentropy"
    check_training(200, layers, loss, 700, 300, optimizer, np.float64, seed=5, epochs=1)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_steps_in_pieces(optimizer, dtype, rng):
    """Coming back to Python between any two steps, also between epochs, changes no bit."""
    layers, loss = [Layer(9, "relu"), Layer(1, "sigmoid")], "binary_crossentropy"
    params, X, Y = problem(rng, 5, layers, loss, 50, dtype)
    engine = Engine(5, layers, dtype)
    orders = np.array([rng.permutation(50) for _ in range(3)])  # 7 steps each
    results = []
    for cuts in ((), (7, 14), (1, 4, 5, 9, 20)):
        own, trained = built(optimizer, engine.n_params, dtype), params.copy()
        sums = train(engine, trained, own, X, Y, orders, 8, loss, ("binary_accuracy",), cuts)
        results.append((trained, *own.state, sums))
    for pieces in results[1:]:
        for array, whole in zip(pieces, results[0], strict=True):
            np.testing.assert_array_equal(array, whole)


OF_THE_CALLER = {"params", "gradient", "X", "Y", "order", "out", "sums", "weights", "rates", "state_1", "state_2",
                 "state_3", "average", "accumulated"}


def arrays_of(thing):
    if isinstance(thing, np.ndarray):
        return [thing]
    thing = list(thing.values()) if isinstance(thing, dict) else thing
    return [array for one in thing for array in arrays_of(one)] if isinstance(thing, list | tuple) else []


def dangling(engine):
    """Fields of the task, and of the plan for few rows, with an address in memory that the engine does not hold."""
    arrays = arrays_of(list(vars(engine).values()))
    held = [(array.ctypes.data, array.ctypes.data + max(array.nbytes, 1)) for array in arrays]
    records = [engine._task[0], *(engine._plan_record if engine._few_shapes else ())]
    return [(name, hex(record[name])) for record in records for name in record.dtype.names
            if record.dtype[name].kind == "i" and name not in OF_THE_CALLER and record[name] > 1 << 32
            and record[name] not in engine._addresses.values()
            and not any(start <= record[name] < end for start, end in held)]


@pytest.mark.parametrize("optimizer", ("sgd", "adam", "clipnorm"))
@pytest.mark.parametrize("flops", (0, np.inf), ids=("strips", "slabs"))
def test_memory_is_held(optimizer, flops, dtype, rng, monkeypatch):
    """Whatever ran before, by rows, as slabs, few rows or many: what the kernels are told to use is still there."""
    monkeypatch.setattr(fcnet.planning, "STRIPS_FLOPS", flops)
    monkeypatch.setattr(fcnet.planning, "STRIPS_WIDTH", 0)
    monkeypatch.setattr(fcnet.engine._runtime, "SHARE_FLOPS", 1)
    monkeypatch.setattr(fcnet.engine._runtime, "get_num_threads", lambda: 2)
    layers, loss, samples = [Layer(70, "tanh"), Layer(3, "softmax")], "categorical_crossentropy", 700
    params, X, Y = problem(rng, 9, layers, loss, samples, dtype)
    engine = Engine(9, layers, dtype)
    trainer = built(optimizer, engine.n_params, dtype)
    assert engine.planner.by_rows(1) and not engine.planner.by_rows(samples)
    order = np.arange(samples)[None]

    def fit(batch_size):
        trainer.iterations = 0
        train(engine, params, trainer, X, Y, order, batch_size, loss)

    calls = {"by rows": lambda: fit(1), "as slabs": lambda: fit(300), "whole": lambda: fit(samples),
             "one row": lambda: engine.predict(params, X[:1]), "rows": lambda: engine.predict(params, X),
             "evaluate": lambda: engine.evaluate(params, X, Y, loss, ("mean_absolute_error",)),
             "gradient": lambda: engine.loss_and_gradient(params, X, Y, loss),
             "inspect": lambda: engine.inspect(params, X[:5], Y[:5], loss)}
    for first in calls:
        for second in calls:
            for name in (first, second):
                calls[name]()
                assert not dangling(engine), f"{first}, then {second}"
    assert np.isfinite(params).all()


@settings(max_examples=40)
@given(st.data(), st.sampled_from(DTYPES))
def test_calls_in_any_order(data, dtype):
    """What an engine has prepared for earlier calls changes no bit of a later one's: each beside a new engine."""
    layers, loss, samples = [Layer(20, "tanh"), Layer(3, "softmax")], "categorical_crossentropy", 300
    params, X, Y = problem(np.random.default_rng(1), 9, layers, loss, samples, dtype)
    weights = np.random.default_rng(2).random(samples).astype(dtype)
    used = Engine(9, layers, dtype)
    sizes = st.sampled_from((1, 2, 30, 100, samples))
    for _ in range(data.draw(st.integers(2, 12), "calls")):
        call = data.draw(st.sampled_from(("train", "evaluate", "predict", "gradient", "inspect")), "call")
        n, batch = data.draw(sizes, "rows"), data.draw(sizes, "batch")
        weighted, name = data.draw(st.booleans(), "weighted"), data.draw(st.sampled_from(("sgd", "adam", "clipnorm")))
        metrics = data.draw(st.sampled_from(((), ("mean_absolute_error",))), "metrics")
        threads = data.draw(st.integers(1, 2), "threads")
        found = []
        for engine in used, Engine(9, layers, dtype):
            own, some = params.copy(), weights[:n] if weighted else None
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(fcnet.engine._runtime, "SHARE_FLOPS", 1)
                patch.setattr(fcnet.engine._runtime, "get_num_threads", lambda threads=threads: threads)
                if call == "train":
                    optimizer = built(name, engine.n_params, dtype)
                    found.append([own, train(engine, own, optimizer, X[:n], Y[:n], np.arange(n)[None], batch, loss,
                                             metrics, weights=some)])
                elif call == "evaluate":
                    found.append([engine.evaluate(own, X[:n], Y[:n], loss, metrics, some)])
                elif call == "predict":
                    found.append([engine.predict(own, X[:n])])
                elif call == "gradient":
                    found.append([*engine.loss_and_gradient(own, X[:n], Y[:n], loss, some)])
                else:
                    found.append([engine.inspect(own, X[:n], Y[:n], loss, some)[0]])
        for got, expected in zip(*found, strict=True):
            np.testing.assert_array_equal(got, expected)


def test_one_sample_and_one_unit(dtype):
    """W = 2, b = 1, x = 3, y = 5: z = 7, loss 4, dZ = 4, dW = 12, db = 4; lr 0.1 gives 0.8 and 0.6."""
    engine = Engine(1, [Layer(1)], dtype)
    params, X, Y = (np.array(values, dtype) for values in ([2, 1], [[3]], [[5]]))
    optimizer = optimizers.SGD(learning_rate=0.1)
    optimizer.build(2, dtype)
    sums = train(engine, params, optimizer, X, Y, np.zeros((1, 1), int), 1, "mean_squared_error")
    np.testing.assert_allclose(sums, [[4]], rtol=1e-6)
    np.testing.assert_allclose(params, [0.8, 0.6], rtol=1e-6)


@pytest.mark.parametrize("output, loss", [("softmax", "categorical_crossentropy"), ("linear", "mean_squared_error"),
                                          ("sigmoid", "binary_crossentropy"), ("tanh", "mean_squared_error")])
def test_lanes_without_samples(output, loss, dtype):
    """What stands in lanes and vectors that have no sample reaches no result: NaN there changes no bit."""
    layers = [Layer(7, "tanh"), Layer(40, "relu"), Layer(3, output)]
    samples = Engine(5, layers, dtype).slab * 5
    params, X, Y = problem(np.random.default_rng(1), 5, layers, loss, samples, dtype)
    for count in (1, 3, samples // 10, samples // 10 + 1, samples // 5 + 2, samples // 2 + 1, samples - 1):
        clean, used = Engine(5, layers, dtype), Engine(5, layers, dtype)
        poisoned = np.full_like(X, np.nan)
        used.loss_and_gradient(params, poisoned, Y, loss)
        used.predict(params, poisoned)
        expected, gradient = clean.loss_and_gradient(params, X[:count], Y[:count], loss)
        value, found = used.loss_and_gradient(params, X[:count], Y[:count], loss)
        assert value == expected
        np.testing.assert_array_equal(found, gradient)
        np.testing.assert_array_equal(used.predict(params, X[:count]), clean.predict(params, X[:count]))


def test_diverged_training_shows_nan(dtype):
    """A weight that is not finite reaches the loss and the outputs; relu does not turn it into 0."""
    layers = [Layer(5, "relu"), Layer(3, "relu"), Layer(1, "sigmoid")]
    params, X, Y = problem(np.random.default_rng(0), 4, layers, "binary_crossentropy", 20, dtype)
    params[3] = np.nan
    engine = Engine(4, layers, dtype)
    assert np.isnan(engine.loss_and_gradient(params, X, Y, "binary_crossentropy")[0])
    assert np.all(np.isnan(engine.predict(params, X)))


def test_subnormals_are_the_callers_own(dtype):
    """Inside, numbers too small to be normal count as zero; afterwards the thread computes with them as before."""
    tiny = np.finfo(dtype).smallest_normal
    layers = [Layer(4, "linear", False), Layer(1, "linear", False)]
    engine = Engine(1, layers, dtype)
    params = np.array([tiny / 2, 1, 1, 1, 1, 0, 0, 0], dtype)
    X, Y = np.ones((40, 1), dtype), np.zeros((40, 1), dtype)
    for rows in (1, 40):
        assert np.all(engine.predict(params, X[:rows]) == 0)
        assert dtype(tiny) / dtype(2) > 0
    engine.loss_and_gradient(params, X, Y, "mean_squared_error")
    train(engine, params, optimizers.SGD(0.1), X, Y, np.arange(40)[None], 40, "mean_squared_error")
    assert np.all(np.full(4, tiny, dtype) / dtype(2) > 0)
