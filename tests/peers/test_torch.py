"""Agreement with PyTorch: the same weights and batches, 100 steps, every optimizer and loss.

PyTorch was written by others from the same papers, so it finds what the reference and fcnet might both have
misunderstood.
"""

import numpy as np
import pytest
from reference import Layer, Loss, unflatten
from tables import FOCAL, LABELS, LOGITS, SMOOTH, batches, declared, layer, problem, train

from fcnet import Dense, LayerNormalization, Sequential, kernels, optimizers, regularizers, schedules
from fcnet.engine import Engine

torch = pytest.importorskip("torch", reason="PyTorch is installed by `make test-peers` only")
F = torch.nn.functional
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
    "amsgrad": lambda dtype: (
        optimizers.Adam(0.003, epsilon=ADAM_EPSILON[dtype], amsgrad=True),
        lambda params: torch.optim.Adam(params, 0.003, amsgrad=True)),
    "adamw": lambda dtype: (
        optimizers.AdamW(0.003, 0.2, epsilon=ADAM_EPSILON[dtype]),
        lambda params: torch.optim.AdamW(params, 0.003, weight_decay=0.2)),
    # Keras's 0.96^t is PyTorch's 0.96^(t momentum_decay)
    "nadam": lambda dtype: (
        optimizers.Nadam(0.003, epsilon=ADAM_EPSILON[dtype]),
        lambda params: torch.optim.NAdam(params, 0.003, eps=ADAM_EPSILON[dtype], momentum_decay=1)),
    # PyTorch adds epsilon to the root and not under it, so it is made negligible
    "adagrad": lambda dtype: (
        optimizers.Adagrad(0.03, epsilon=1e-16),
        lambda params: torch.optim.Adagrad(params, 0.03, initial_accumulator_value=0.1, eps=1e-16)),
    "rmsprop": lambda dtype: (
        optimizers.RMSprop(0.001, epsilon=1e-40),
        lambda params: torch.optim.RMSprop(params, 0.001, 0.9, eps=1e-20)),
    "rmsprop centered": lambda dtype: (
        optimizers.RMSprop(0.0005, momentum=0.5, centered=True, epsilon=1e-40),
        lambda params: torch.optim.RMSprop(params, 0.0005, 0.9, eps=1e-20, momentum=0.5, centered=True)),
}
IN_FLOAT64 = ("rmsprop", "rmsprop centered")  # where a gradient vanishes their step is rounding error / rounding error


def torch_network(params, layers, dtype):
    """The same layers without the last activation, which belongs to the loss."""
    torch_dtype = torch.float32 if dtype is np.float32 else torch.float64
    modules, inputs = [], INPUTS
    for own, (W, b) in zip(layers, unflatten(params, INPUTS, layers), strict=True):
        linear = torch.nn.Linear(inputs, own.units, dtype=torch_dtype)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(W.T.copy()))
            linear.bias.copy_(torch.from_numpy(b.copy()))
        modules += [linear, ACTIVATIONS.get(own.activation)]
        inputs = own.units
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
    if name in IN_FLOAT64 and dtype is np.float32:
        pytest.skip("no epsilon is both negligible and large enough")
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
        if name in ("adam", "amsgrad", "adamw"):
            move_epsilon(torch_optimizer, optimizer.epsilon, step)
        torch_optimizer.zero_grad()
        value = torch_loss(network(torch_X[rows]), torch_Y[rows])
        value.backward()
        torch_optimizer.step()
        torch_losses[(step - 1) // 10] += len(rows) * value.item()

    tolerance = max(TOLERANCE[dtype], 1e-9 * (name == "nadam"))  # PyTorch keeps Nadam's product in float32
    expected = flat(network)
    np.testing.assert_allclose(params, expected, rtol=0, atol=tolerance * np.abs(expected).max())
    np.testing.assert_allclose(losses, torch_losses, rtol=tolerance)
    assert np.abs(expected - start).max() > 0.05  # it was a way to go


@pytest.mark.parametrize("options", [
    {}, {"anneal_strategy": "linear"}, {"three_phase": True, "pct_start": 0.25}], ids=str)
def test_one_cycle(options):
    steps = 50
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 0.1)
    theirs = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.3, steps, cycle_momentum=False, **options)
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        theirs.step() if len(found) < steps else None
    rates = schedules.OneCycle(0.3, steps, **options)(np.arange(steps))
    np.testing.assert_allclose(rates, found, rtol=1e-12, atol=1e-15)


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


# ------------------------------------------------------------------------------------------------
# Every activation and every loss by automatic differentiation, in float64
# ------------------------------------------------------------------------------------------------

ALL_ACTIVATIONS = {  # softmax and linear are in the networks above
    "relu": F.relu, "relu6": F.relu6, "leaky_relu": lambda Z: F.leaky_relu(Z, 0.2),
    "leaky_relu(0.01)": lambda Z: F.leaky_relu(Z, 0.01), "elu": F.elu, "elu(0.5)": lambda Z: F.elu(Z, 0.5),
    "selu": F.selu, "softplus": lambda Z: F.softplus(Z, threshold=1000), "softsign": F.softsign,
    "exponential": torch.exp, "sigmoid": torch.sigmoid, "tanh": torch.tanh,
    "hard_sigmoid": lambda Z: F.relu6(Z + 3) / 6,  # F.hardsigmoid has the 1/6 of float32
    "hard_tanh": F.hardtanh, "gelu": F.gelu, "gelu(approximate)": lambda Z: F.gelu(Z, approximate="tanh"),
    "silu": F.silu, "mish": F.mish,
}


def test_every_activation_has_its_counterpart():
    assert set(ALL_ACTIVATIONS) == set(LABELS) - {"linear", "softmax"}


@pytest.mark.parametrize("label", ALL_ACTIVATIONS)
def test_activation(label, rng):
    name, parameter = LABELS[label]
    Z = np.concatenate([3 * rng.standard_normal(2000), np.linspace(-40, 40, 2001), [0.0, -0.0]])
    A, dZ = np.empty_like(Z), np.empty_like(Z)
    kernels.activate(name, Z, A, parameter)
    kernels.activate_backward(name, Z if name in ("gelu", "silu", "mish") else A, np.ones_like(Z), dZ, parameter)
    torch_Z = torch.tensor(Z, requires_grad=True)
    expected = ALL_ACTIVATIONS[label](torch_Z)
    expected.sum().backward()
    np.testing.assert_allclose(A, expected.detach(), rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(dZ, torch_Z.grad, rtol=1e-13, atol=1e-14)


def smoothed(Y, s, classes):
    return Y * (1 - s) + s / classes


def focal(p, Y, gamma=2.0, alpha=0.25, balanced=False):
    """As torchvision's sigmoid_focal_loss has it."""
    right = p * Y + (1 - p) * (1 - Y)
    weight = alpha * Y + (1 - alpha) * (1 - Y) if balanced else 1
    return (weight * (1 - right) ** gamma * F.binary_cross_entropy(p, Y, reduction="none")).mean()


def categorical_hinge(A, Y):
    return torch.clamp(((1 - Y) * A).max(dim=1).values - (Y * A).sum(dim=1) + 1, min=0).mean()


S = SMOOTH[1]
ALL_LOSSES = (  # loss, activation of the last layer, PyTorch's loss from the logits
    (Loss("binary_crossentropy", (SMOOTH,)), "sigmoid",
     lambda Z, Y: F.binary_cross_entropy_with_logits(Z, smoothed(Y, S, 2))),
    (Loss("binary_crossentropy", (LOGITS,)), "linear", F.binary_cross_entropy_with_logits),
    (Loss("binary_crossentropy", (SMOOTH,)), "softmax",
     lambda Z, Y: F.binary_cross_entropy(F.softmax(Z, 1), smoothed(Y, S, 2))),
    (Loss("categorical_crossentropy", (SMOOTH,)), "softmax", lambda Z, Y: F.cross_entropy(Z, Y, label_smoothing=S)),
    (Loss("categorical_crossentropy", (LOGITS,)), "linear", F.cross_entropy),
    (Loss("sparse_categorical_crossentropy", (LOGITS,)), "linear", lambda Z, Y: F.cross_entropy(Z, Y[:, 0].long())),
    ("binary_focal_crossentropy", "sigmoid", lambda Z, Y: focal(torch.sigmoid(Z), Y)),
    (Loss("binary_focal_crossentropy", FOCAL), "sigmoid", lambda Z, Y: focal(torch.sigmoid(Z), Y, 1.5, 0.3, True)),
    (Loss("binary_focal_crossentropy", FOCAL), "softmax", lambda Z, Y: focal(F.softmax(Z, 1), Y, 1.5, 0.3, True)),
    ("mean_squared_error", "linear", F.mse_loss),
    ("root_mean_squared_error", "linear", lambda A, Y: F.mse_loss(A, Y).sqrt()),
    ("mean_absolute_error", "linear", F.l1_loss),
    ("mean_absolute_percentage_error", "linear", lambda A, Y: 100 * ((A - Y) / Y).abs().mean()),
    ("mean_squared_logarithmic_error", "softplus",
     lambda Z, Y: F.mse_loss(torch.log1p(F.softplus(Z)), torch.log1p(Y))),
    ("huber", "linear", F.huber_loss),
    (Loss("huber", (("delta", 0.3),)), "linear", lambda A, Y: F.huber_loss(A, Y, delta=0.3)),
    ("log_cosh", "linear", lambda A, Y: torch.log(torch.cosh(A - Y)).mean()),
    ("poisson", "exponential", F.poisson_nll_loss),
    ("poisson", "softplus", lambda Z, Y: F.poisson_nll_loss(F.softplus(Z), Y, log_input=False, eps=1e-7)),
    ("kl_divergence", "softmax", lambda Z, Y: F.kl_div(F.log_softmax(Z, 1), Y, reduction="batchmean")),
    ("hinge", "tanh", lambda Z, Y: torch.clamp(1 - (2 * Y - 1) * torch.tanh(Z), min=0).mean()),
    ("squared_hinge", "linear", lambda Z, Y: (torch.clamp(1 - Y * Z, min=0) ** 2).mean()),
    ("categorical_hinge", "softmax", lambda Z, Y: categorical_hinge(F.softmax(Z, 1), Y)),
)


@pytest.mark.parametrize("loss, activation, torch_loss", ALL_LOSSES, ids=lambda part: "" if callable(part) else str(
    part))
def test_loss(loss, activation, torch_loss, rng):
    layers = [layer(9, "tanh"), layer(3, activation)]
    params, X, Y = problem(rng, INPUTS, layers, loss, SAMPLES)
    value, gradient = Engine(INPUTS, layers, np.float64).loss_and_gradient(params, X, Y, declared(loss))
    network = torch_network(params, layers, np.float64)
    torch_value = torch_loss(network(torch.from_numpy(X)), torch.from_numpy(Y))
    torch_value.backward()
    expected = flat(network, of=lambda tensor: tensor.grad)
    np.testing.assert_allclose(value, torch_value.item(), rtol=1e-12)
    np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-12 * np.abs(expected).max())


WEIGHTED = (  # loss, activation of the last layer, PyTorch's losses of the samples from the logits
    ("binary_crossentropy", "sigmoid",
     lambda Z, Y: F.binary_cross_entropy_with_logits(Z, Y, reduction="none").mean(dim=1)),
    ("sparse_categorical_crossentropy", "softmax", lambda Z, Y: F.cross_entropy(Z, Y[:, 0].long(), reduction="none")),
    ("mean_squared_error", "linear", lambda Z, Y: F.mse_loss(Z, Y, reduction="none").mean(dim=1)),
)


@pytest.mark.parametrize("loss, activation, torch_loss", WEIGHTED, ids=lambda part: "" if callable(part) else part)
def test_weighted_loss(loss, activation, torch_loss, rng):
    layers = [layer(9, "tanh"), layer(3, activation)]
    params, X, Y = problem(rng, INPUTS, layers, loss, SAMPLES)
    weights = rng.integers(0, 3, SAMPLES) * rng.random(SAMPLES)
    value, gradient = Engine(INPUTS, layers, np.float64).loss_and_gradient(params, X, Y, loss, weights)
    network, w = torch_network(params, layers, np.float64), torch.from_numpy(weights)
    torch_value = (w * torch_loss(network(torch.from_numpy(X)), torch.from_numpy(Y))).sum() / w.sum()
    torch_value.backward()
    expected = flat(network, of=lambda tensor: tensor.grad)
    np.testing.assert_allclose(value, torch_value.item(), rtol=1e-12)
    np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-12 * np.abs(expected).max())


def test_class_weights_are_those_of_cross_entropy(rng):
    """PyTorch's mean with weights of the classes is sum(w l) / sum(w) too."""
    model = Sequential([Dense(4, "softmax", input_dim=INPUTS)], dtype="float64")
    model.compile("sgd", "sparse_categorical_crossentropy")
    X, y, by_class = rng.standard_normal((SAMPLES, INPUTS)), rng.integers(0, 4, SAMPLES), {0: 2.0, 2: 0.5, 3: 0.0}
    Z = X @ model.get_weights()[0]
    expected = F.cross_entropy(torch.from_numpy(Z), torch.from_numpy(y), torch.tensor([2, 1, 0.5, 0]).double())
    assert model.train_on_batch(X, y, class_weight=by_class) == pytest.approx(expected.item(), rel=1e-12)


def test_layer_normalization_and_penalty(dtype, rng):
    """Loss and gradient of a normalised network with l2, by autograd."""
    model = Sequential([
        Dense(20, "tanh", input_dim=5, kernel_regularizer=regularizers.L2(0.02)), LayerNormalization(epsilon=1e-3),
        Dense(3, "softmax", bias_regularizer=regularizers.L2(0.1)),
    ], dtype=np.dtype(dtype).name)  # fmt: skip
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.parameters[:] = rng.uniform(-1, 1, model.count_params())
    X, y = rng.standard_normal((70, 5)).astype(dtype), rng.integers(0, 3, 70)
    value, gradient = model.loss_and_gradient(X, y)

    W, b, gamma, beta, V, c = arrays = [torch.tensor(array, requires_grad=True) for array in model.get_weights()]
    A = torch.nn.functional.layer_norm(torch.tanh(torch.tensor(X) @ W + b), (20,), gamma, beta, eps=1e-3)
    loss = torch.nn.functional.cross_entropy(A @ V + c, torch.tensor(y)) + 0.02 * (W**2).sum() + 0.1 * (c**2).sum()
    loss.backward()
    expected = np.concatenate([array.grad.numpy().ravel() for array in arrays])
    unit = 60 * float(np.finfo(dtype).eps)
    np.testing.assert_allclose(value, loss.item(), rtol=unit)
    np.testing.assert_allclose(gradient, expected, atol=unit * np.abs(expected).max())
