"""Agreement with PyTorch: the same weights and batches, 100 steps, every optimizer and loss.

PyTorch was written by others from the same papers, so it finds what the reference and fcnet might both have
misunderstood.
"""

import numpy as np
import pytest
from reference import Layer, unflatten
from tables import batches, problem, train

from fcnet import optimizers
from fcnet.engine import Engine

torch = pytest.importorskip("torch", reason="PyTorch is installed by `make test-peers` only")
torch.set_num_threads(1)  # its threads cost more than these networks

INPUTS, SAMPLES, BATCH, EPOCHS = 6, 195, 20, 10  # 10 steps an epoch, the last one of 15 samples
TOLERANCE = {np.float32: 1e-4, np.float64: 1e-10}

OUTPUTS = {  # loss: (activation, units, PyTorch's loss from logits or outputs)
    "binary_crossentropy": ("sigmoid", 3, torch.nn.BCEWithLogitsLoss()),
    "categorical_crossentropy": ("softmax", 4, torch.nn.CrossEntropyLoss()),
    "sparse_categorical_crossentropy": ("softmax", 4, lambda Z, labels: torch.nn.functional.cross_entropy(
        Z, labels[:, 0].long())),
    "mean_squared_error": ("linear", 2, torch.nn.MSELoss()),
}
ACTIVATIONS = {"relu": torch.nn.ReLU(), "leaky_relu": torch.nn.LeakyReLU(0.2), "tanh": torch.nn.Tanh(),
               "sigmoid": torch.nn.Sigmoid()}

# Where a gradient all but vanishes, Adam's step is rounding error / epsilon, so float32 needs a larger one.
ADAM_EPSILON = {np.float32: 1e-3, np.float64: 1e-7}
# PyTorch's Adamax has epsilon in another place: u = max(beta_2 u, |g| + epsilon).  No choice of its epsilon
# gives Keras's u + epsilon, so it is made negligible.
ADAMAX_EPSILON = {np.float32: 1e-12, np.float64: 1e-16}

OPTIMIZERS = {  # name: (fcnet's, PyTorch's) of a dtype
    "sgd": lambda dtype: (optimizers.SGD(0.1), lambda params: torch.optim.SGD(params, 0.1)),
    "momentum": lambda dtype: (optimizers.SGD(0.02, 0.9), lambda params: torch.optim.SGD(params, 0.02, 0.9)),
    "nesterov": lambda dtype: (
        optimizers.SGD(0.02, 0.9, nesterov=True),
        lambda params: torch.optim.SGD(params, 0.02, 0.9, nesterov=True)),
    "adam": lambda dtype: (
        optimizers.Adam(0.003, epsilon=ADAM_EPSILON[dtype]), lambda params: torch.optim.Adam(params, 0.003)),
    "adamax": lambda dtype: (
        optimizers.Adamax(0.003, epsilon=ADAMAX_EPSILON[dtype]),
        lambda params: torch.optim.Adamax(params, 0.003, eps=ADAMAX_EPSILON[dtype])),
}


def torch_network(params, layers, dtype):
    """The same layers without the last activation, which belongs to the loss."""
    torch_dtype = torch.float32 if dtype is np.float32 else torch.float64
    modules, inputs = [], INPUTS
    for layer, (W, b) in zip(layers, unflatten(params, INPUTS, layers), strict=True):
        linear = torch.nn.Linear(inputs, layer.units, dtype=torch_dtype)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(W.T.copy()))
            linear.bias.copy_(torch.from_numpy(b.copy()))
        modules += [linear, ACTIVATIONS.get(layer.activation)]
        inputs = layer.units
    return torch.nn.Sequential(*modules[:-1])


def flat(network, of=lambda tensor: tensor.detach()):
    """The network's parameters, or what belongs to them, in fcnet's layout."""
    return np.concatenate([part for linear in network if isinstance(linear, torch.nn.Linear)
                           for part in (of(linear.weight).numpy().T.ravel(), of(linear.bias).numpy())])


def move_epsilon(optimizer, epsilon, step):
    """Keras's Adam is lr sqrt(1 - beta_2^t)/(1 - beta_1^t) m/(sqrt(v) + eps).  PyTorch divides v by
    1 - beta_2^t first, which is the same with an epsilon of eps/sqrt(1 - beta_2^t)."""
    for group in optimizer.param_groups:
        group["eps"] = epsilon / np.sqrt(1 - group["betas"][1]**step)


@pytest.mark.parametrize("hidden", (("relu", "tanh"), ("leaky_relu", "sigmoid")), ids="-".join)
@pytest.mark.parametrize("loss", OUTPUTS)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_100_steps(name, loss, hidden, dtype, rng):
    activation, units, torch_loss = OUTPUTS[loss]
    layers = [Layer(8, hidden[0]), Layer(7, hidden[1]), Layer(units, activation)]
    start, X, Y = problem(rng, INPUTS, layers, loss, SAMPLES, dtype)
    orders = np.array([rng.permutation(SAMPLES) for _ in range(EPOCHS)])

    optimizer, make_torch_optimizer = OPTIMIZERS[name](dtype)
    engine, params = Engine(INPUTS, layers, dtype), start.copy()
    optimizer.build(engine.n_params, dtype)
    losses = train(engine, params, optimizer, X, Y, orders, BATCH, loss)[:, 0]
    assert optimizer.iterations == 100

    network = torch_network(start, layers, dtype)
    torch_optimizer = make_torch_optimizer(network.parameters())
    torch_X, torch_Y = torch.from_numpy(X), torch.from_numpy(Y)
    torch_losses = np.zeros(EPOCHS)
    for step, rows in enumerate(batches(orders, BATCH), start=1):
        if name == "adam":
            move_epsilon(torch_optimizer, optimizer.epsilon, step)
        torch_optimizer.zero_grad()
        value = torch_loss(network(torch_X[rows]), torch_Y[rows])
        value.backward()
        torch_optimizer.step()
        torch_losses[(step - 1) // 10] += len(rows) * value.item()

    tolerance = TOLERANCE[dtype]
    expected = flat(network)
    np.testing.assert_allclose(params, expected, rtol=0, atol=tolerance * np.abs(expected).max())
    np.testing.assert_allclose(losses, torch_losses, rtol=tolerance)
    assert np.abs(expected - start).max() > 0.05  # it was a way to go


@pytest.mark.parametrize("loss", OUTPUTS)
def test_gradient(loss, dtype, rng):
    """By automatic differentiation, before any optimizer has its say."""
    activation, units, torch_loss = OUTPUTS[loss]
    layers = [Layer(33, "relu"), Layer(17, "leaky_relu"), Layer(units, activation)]
    params, X, Y = problem(rng, INPUTS, layers, loss, SAMPLES, dtype)
    value, gradient = Engine(INPUTS, layers, dtype).loss_and_gradient(params, X, Y, loss)
    network = torch_network(params, layers, dtype)
    torch_value = torch_loss(network(torch.from_numpy(X)), torch.from_numpy(Y))
    torch_value.backward()
    expected = flat(network, of=lambda tensor: tensor.grad)
    tolerance = 1e-5 if dtype is np.float32 else 1e-13
    np.testing.assert_allclose(value, torch_value.item(), rtol=tolerance)
    np.testing.assert_allclose(gradient, expected, rtol=0, atol=tolerance * np.abs(expected).max())
