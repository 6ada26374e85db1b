"""The reference itself: central differences, formulas against each other, and values known by hand."""

import ast
from pathlib import Path

import numpy as np
import pytest
import reference
from reference import Layer
from tables import ACTIVATIONS, COMBINATIONS, distance_to_kink, layer, layers_of, problem, targets


def numerical_gradient(f, x, h=1e-5):
    """(f(x + h) - f(x - h)) / 2h for every element of x."""
    gradient = np.empty(x.size)
    for i in range(x.size):
        shift = np.zeros(x.size)
        shift[i] = h
        shift = shift.reshape(x.shape)
        gradient[i] = (f(x + shift) - f(x - shift)) / (2 * h)
    return gradient.reshape(x.shape)


def away_from_zero(rng, shape, distance=0.01):
    Z = rng.standard_normal(shape)
    return Z + distance * np.sign(Z)


def test_imports_numpy_only():
    imported = set()
    for node in ast.walk(ast.parse(Path(reference.__file__).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported.update(name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module)
    assert imported == {"dataclasses", "math", "numpy"}


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activation_derivative(activation, rng):
    own = layer(1, activation)
    Z, dA = away_from_zero(rng, (3, 4)), rng.standard_normal((3, 4))
    numerical = numerical_gradient(lambda Z: np.sum(dA * reference.activate(own, Z)), Z)
    found = reference.activate_backward(own, dA, reference.activate(own, Z), Z)
    np.testing.assert_allclose(found, numerical, rtol=0, atol=1e-9)


def test_activation_values():
    Z = np.array([[-2.0, 0.0, 3.0]])
    np.testing.assert_array_equal(reference.relu(Z), [[0, 0, 3]])
    np.testing.assert_array_equal(reference.leaky_relu(Z), [[-0.4, 0, 3]])
    np.testing.assert_allclose(reference.sigmoid(Z), 1 / (1 + np.exp(-Z)), rtol=1e-15)
    np.testing.assert_allclose(reference.sigmoid(np.array([[-800.0, 800.0]])), [[0, 1]], atol=0)
    p = reference.softmax(np.log([[1.0, 2.0, 5.0]]))
    np.testing.assert_allclose(p, [[0.125, 0.25, 0.625]], rtol=1e-15)
    np.testing.assert_array_equal(reference.softmax(np.array([[1e4, -1e4]])), [[1, 0]])


@pytest.mark.parametrize("activation, left", (("relu", 0), ("relu6", 0), ("leaky_relu", 0.2), ("elu(0.5)", 0.5)))
def test_derivative_at_zero_is_that_of_the_left(activation, left):
    """TensorFlow's and PyTorch's convention."""
    own, zero = layer(1, activation), np.zeros((1, 1))
    np.testing.assert_array_equal(reference.activate_backward(own, zero + 1, zero, zero), left)


def loss_targets(loss, rng, samples, units):
    if loss == "categorical_crossentropy":
        return reference.softmax(rng.standard_normal((samples, units)))
    return targets(rng, samples, units, "sigmoid", loss, np.float64)


@pytest.mark.parametrize("loss", reference.LOSSES)
def test_loss_gradient_by_outputs(loss, rng):
    value, gradient = reference.LOSSES[loss]
    p, Y = rng.uniform(0.1, 0.9, (4, 3)), loss_targets(loss, rng, 4, 3)
    numerical = numerical_gradient(lambda p: np.mean(value(p, Y)), p)
    np.testing.assert_allclose(gradient(p, Y), numerical, rtol=0, atol=1e-8)


@pytest.mark.parametrize("pair", reference.FUSED, ids="-".join)
def test_fused_loss(pair, rng):
    """From the logits as from the outputs, and (p - y)/B as the chain rule and as central differences."""
    activation, loss = pair
    value, gradient = reference.FUSED[pair]
    forward, backward = reference.ACTIVATIONS[activation]
    Z, Y = 2 * rng.standard_normal((5, 3)), loss_targets(loss, rng, 5, 3)
    A = forward(Z)
    more = (2e-7 * Y / A).max() if loss == "poisson" else 0  # that of the outputs has the logarithm of A + 1e-7
    np.testing.assert_allclose(value(Z, Y), reference.LOSSES[loss][0](A, Y), rtol=1e-13, atol=more)
    chained = backward(reference.LOSSES[loss][1](A, Y), A, Z)
    np.testing.assert_allclose(gradient(Z, Y), chained, rtol=0, atol=1e-15 + more)
    numerical = numerical_gradient(lambda Z: np.mean(value(Z, Y)), Z)
    np.testing.assert_allclose(gradient(Z, Y), numerical, rtol=0, atol=1e-9)


def test_extreme_logits():
    """Wrong by 1e4: the loss is the logit; right by 1e4: it is 0."""
    Z = np.array([[1e4, -1e4], [-1e4, 1e4]])
    Y = np.array([[1.0, 0.0], [1.0, 0.0]])
    np.testing.assert_array_equal(reference.sigmoid_binary_crossentropy(Z, Y), [0, 1e4])
    np.testing.assert_array_equal(reference.softmax_crossentropy(Z, Y), [0, 2e4])
    np.testing.assert_array_equal(reference.softmax_crossentropy_sparse(Z, np.array([[0], [0]])), [0, 2e4])
    np.testing.assert_array_equal(reference.softmax_crossentropy_gradient(Z, Y), [[0, 0], [-0.5, 0.5]])
    dZ = reference.sigmoid_binary_crossentropy_gradient(Z, Y)
    np.testing.assert_array_equal(dZ, [[0, 0], [-0.25, 0.25]])


def test_metrics_by_hand():
    p, Y = np.array([[0.8, 0.1], [0.6, 0.4]]), np.array([[1.0, 0.0], [0.0, 1.0]])
    np.testing.assert_array_equal(reference.binary_accuracy(p, Y), [1, 0])
    on_threshold, ones = np.array([[0.5, 0.9]]), np.array([[1.0, 1.0]])
    np.testing.assert_array_equal(reference.binary_accuracy(on_threshold, ones), [0.5])
    np.testing.assert_array_equal(reference.categorical_accuracy(p, Y), [1, 0])
    np.testing.assert_array_equal(reference.sparse_categorical_accuracy(p, np.array([[0], [1]])), [1, 0])
    np.testing.assert_allclose(reference.mean_absolute_error(p, Y), [0.15, 0.6])
    np.testing.assert_allclose(reference.mean_squared_error(p, Y), [0.025, 0.36])


def test_flat_layout():
    layers = [Layer(2), Layer(1, use_bias=False), Layer(2)]
    assert reference.count_params(3, layers) == 3 * 2 + 2 + 2 * 1 + 1 * 2 + 2
    flat = np.arange(14.0)
    (W1, b1), (W2, b2), (W3, b3) = reference.unflatten(flat, 3, layers)
    np.testing.assert_array_equal(W1, [[0, 1], [2, 3], [4, 5]])
    np.testing.assert_array_equal(b1, [6, 7])
    np.testing.assert_array_equal(W2, [[8], [9]])
    assert b2 is None
    np.testing.assert_array_equal(W3, [[10, 11]])
    np.testing.assert_array_equal(b3, [12, 13])
    np.testing.assert_array_equal(reference.flatten([(W1, b1), (W2, b2), (W3, b3)]), flat)
    with pytest.raises(ValueError, match="13 parameters given, the layers have 14"):
        reference.unflatten(flat[:13], 3, layers)


@pytest.mark.parametrize("hidden, pair", COMBINATIONS, ids=lambda part: part if isinstance(part, str) else "-".join(
    map(str, part)))
@pytest.mark.parametrize("use_bias", (True, False), ids=("bias", "no_bias"))
def test_network_gradient(hidden, pair, use_bias, rng):
    layers = layers_of((4, 3, 2), hidden, pair[0], use_bias)
    while True:
        params, X, Y = problem(rng, 3, layers, pair[1], samples=5)
        if distance_to_kink(params, X, Y, layers, pair[1]) > 1e-3:
            break
    gradient = reference.loss_and_gradient(params, X, Y, layers, pair[1])[1]
    numerical = numerical_gradient(lambda params: reference.mean_loss(params, X, Y, layers, pair[1]), params)
    np.testing.assert_allclose(gradient, numerical, rtol=0, atol=1e-8)


def test_forward_by_hand():
    """relu([1 2] [[1 -1], [1 1]] + [0 -2]) = relu([3 -1]) = [3 0]; [3 0] [2 5] = 6."""
    layers = [Layer(2, "relu"), Layer(1, "linear", use_bias=False)]
    steps = reference.forward(np.array([1.0, -1, 1, 1, 0, -2, 2, 5]), np.array([[1.0, 2]]), layers)
    np.testing.assert_array_equal(steps[0][0], [[3, -1]])
    np.testing.assert_array_equal(steps[0][1], [[3, 0]])
    np.testing.assert_array_equal(steps[1][1], [[6]])


# (class, parameters) -> W after two steps from W = 1 with gradients 1, then 0.5, worked by hand:
BY_HAND = {
    # 1 - 0.1 = 0.9; 0.9 - 0.05
    "sgd": (reference.SGD(0.1), 0.85),
    # v = -0.1, W = 0.9; v = -0.09 - 0.05 = -0.14, W = 0.76
    "momentum": (reference.SGD(0.1, momentum=0.9), 0.76),
    # v = -0.1, W = 1 - 0.09 - 0.1 = 0.81; v = -0.14, W = 0.81 - 0.126 - 0.05 = 0.634
    "nesterov": (reference.SGD(0.1, momentum=0.9, nesterov=True), 0.634),
    # m = 0.5, v = 0.25, alpha = 0.1 sqrt(0.25)/0.5 = 0.1; W = 1 - 0.5 * 0.1/sqrt(0.25) = 0.9
    # m = 0.5, v = 0.25, alpha = 0.1 sqrt(0.4375)/0.75; W = 0.9 - 0.5 alpha/0.5 = 0.9 - 0.0881917
    "adam": (reference.Adam(0.1, beta_1=0.5, beta_2=0.75, epsilon=0), 0.9 - 0.1 * np.sqrt(0.4375) / 0.75),
    # m = 0.5, u = 1, W = 1 - 0.1 * 0.5/0.5 = 0.9; m = 0.5, u = max(0.75, 0.5), W = 0.9 - 0.05/(0.75 * 0.75)
    "adamax": (reference.Adamax(0.1, beta_1=0.5, beta_2=0.75, epsilon=0), 0.9 - 0.05 / 0.5625),
    # v = 0.5, then 0.25 + 0.125
    "rmsprop": (reference.RMSprop(0.1, rho=0.5, epsilon=0), 1 - 0.1 / np.sqrt(0.5) - 0.05 / np.sqrt(0.375)),
    # the first step once more, halved
    "rmsprop momentum": (reference.RMSprop(0.1, rho=0.5, momentum=0.5, epsilon=0),
                         1 - 0.15 / np.sqrt(0.5) - 0.05 / np.sqrt(0.375)),
    # mean 0.5 and 0.5, variance 0.5 - 0.25 and 0.375 - 0.25
    "rmsprop centered": (reference.RMSprop(0.1, rho=0.5, epsilon=0, centered=True), 0.8 - 0.05 / np.sqrt(0.125)),
    # 1 + 1, then 2.25
    "adagrad": (reference.Adagrad(0.1, initial_accumulator_value=1, epsilon=0), 1 - 0.1 / np.sqrt(2) - 0.05 / 1.5),
    # m = 0.5, v = 0.5, 0.1; then m = 0.5, v = 0.375 is less than 0.5, alpha = 0.1 sqrt(0.75)/0.75
    "amsgrad": (reference.AMSGrad(0.1, beta_1=0.5, beta_2=0.5, epsilon=0),
                0.9 - 0.05 * np.sqrt(0.75) / 0.75 / np.sqrt(0.5)),
    # mu = 0.26, 0.2696, 0.278816; m = 0.5, v = 0.25; then m = 0.5, v = 0.25
    "nadam": (reference.Nadam(0.1, beta_1=0.5, beta_2=0.75, epsilon=0),
              1 - 0.1 * (0.2696 * 0.5 / (1 - 0.26 * 0.2696) + 1)
              - 0.1 * (0.278816 * 0.5 / (1 - 0.26 * 0.2696 * 0.278816) + 0.7304 * 0.5 / (1 - 0.26 * 0.2696))
              / np.sqrt(0.25 / 0.4375)),
    "lion": (reference.Lion(0.1, beta_1=0.5, beta_2=0.75), 0.8),
    # 1 - 0.05 - 0.1 = 0.85; 0.85 - 0.0425 - 0.05
    "weight_decay": (reference.WithOptions(reference.SGD(0.1), weight_decay=0.5), 0.7575),
    "clipvalue": (reference.WithOptions(reference.SGD(0.1), clipvalue=0.7), 1 - 0.07 - 0.05),
    "clipnorm": (reference.WithOptions(reference.SGD(0.1), (slice(0, 1),), clipnorm=0.7), 1 - 0.07 - 0.05),
    "accumulation": (reference.WithOptions(reference.SGD(0.1), gradient_accumulation_steps=2), 1 - 0.075),
    # 0.9 is the first average; 0.85 and 0.9 make 0.86
    "ema": (reference.WithOptions(reference.SGD(0.1), use_ema=True, ema_momentum=0.2, ema_overwrite_frequency=2), 0.86),
    "schedule": (reference.WithOptions(reference.SGD(), learning_rate=lambda step: 0.1 / (1 + step)), 0.875),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_optimizer_by_hand(name):
    optimizer, expected = BY_HAND[name]
    W, state = np.array([1.0]), [np.zeros(1)] * optimizer.slots
    for step, gradient in enumerate((1.0, 0.5), start=1):
        W, state = optimizer.update(W, np.array([gradient]), state, step)
    np.testing.assert_allclose(W, expected, rtol=1e-14)


def test_training_lowers_the_loss_and_sums_over_samples(rng):
    layers = layers_of((5, 1), "tanh", "sigmoid")
    params, X, Y = problem(rng, 2, layers, "binary_crossentropy", samples=7)
    before = reference.mean_loss(params, X, Y, layers, "binary_crossentropy")
    loss, batches = "binary_crossentropy", [np.arange(4), np.arange(4, 7)]
    still = reference.SGD(0)
    trained, sums = reference.train(params, X, Y, layers, loss, still, batches, ("binary_accuracy",))
    np.testing.assert_array_equal(trained, params)
    np.testing.assert_allclose(sums[0], 7 * before)
    trained, _ = reference.train(params, X, Y, layers, loss, reference.SGD(0.5), 50 * batches)
    assert reference.mean_loss(trained, X, Y, layers, "binary_crossentropy") < 0.9 * before
