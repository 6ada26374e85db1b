"""Central differences through the engine, in float64: every hidden activation, every output and loss.

They need no reference, only the loss: a wrong derivative cannot agree with them by a shared misunderstanding.
"""

import numpy as np
import pytest
from tables import COMBINATIONS, declared, distance_to_kink, layers_of, problem

from fcnet import losses
from fcnet.engine import Engine

WIDTHS = (5, 4, 3)
INPUTS, SAMPLES = 3, 37  # more than one slab, and no multiple of one
H = 1e-5


def smooth_problem(layers, loss):
    """The first problem in which a step of H crosses no kink: there a difference is no derivative."""
    for seed in range(1000):
        params, X, Y = problem(np.random.default_rng(seed), INPUTS, layers, loss, SAMPLES)
        if distance_to_kink(params, X, Y, layers, loss) > 20 * H:
            return params, X, Y
    raise AssertionError("no problem without a kink nearby")


@pytest.mark.parametrize("hidden, pair", COMBINATIONS, ids=lambda part: part if isinstance(part, str) else "-".join(
    map(str, part)))
def test_central_differences(hidden, pair):
    output, loss = pair
    layers = layers_of(WIDTHS, hidden, output)
    engine = Engine(INPUTS, layers, np.float64)
    params, X, Y = smooth_problem(layers, loss)
    loss = declared(loss)
    value, gradient = engine.loss_and_gradient(params, X, Y, loss)
    assert gradient.shape == (engine.n_params,) == params.shape

    def mean_loss(params):
        return losses.get(loss).total(engine.evaluate(params, X, Y, loss)[0], len(X)) / len(X)

    numerical = np.empty_like(params)
    for i in range(len(params)):
        shift = np.zeros_like(params)
        shift[i] = H
        numerical[i] = (mean_loss(params + shift) - mean_loss(params - shift)) / (2 * H)
    np.testing.assert_allclose(gradient, numerical, rtol=0, atol=1e-9 + 1e-8 * np.abs(gradient).max())
    assert value == pytest.approx(mean_loss(params), rel=1e-13)
    assert np.abs(gradient).max() > 1e-3  # there is something to compare


@pytest.mark.parametrize("activation, derivative", (
    ("relu", 0.0), ("relu6", 0.0), ("leaky_relu", 0.2), ("leaky_relu(0.01)", 0.01), ("elu(0.5)", 0.5)))
def test_derivative_at_zero_is_that_of_the_left(activation, derivative, dtype):
    """z = 0 exactly, as in every dead or zero-initialised unit: TensorFlow's and PyTorch's convention."""
    engine = Engine(1, layers_of((1, 1), activation, "linear"), dtype)
    params = np.array([0, 0, 1, 0], dtype)  # W1, b1, W2, b2
    gradient = engine.loss_and_gradient(params, np.ones((3, 1), dtype), np.ones((3, 1), dtype),
                                        "mean_squared_error")[1]
    # dZ2 = 2 (0 - 1); db1 = dZ2 W2 g'(0)
    np.testing.assert_allclose(gradient, [-2 * derivative, -2 * derivative, 0, -2], rtol=1e-6)
