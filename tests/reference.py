"""The obvious float64 reference: a fully connected network in plain NumPy.

It imports NumPy only and nothing of fcnet, so that agreement between the two means something.  Every
function is the formula, written once, for whole batches; speed is no concern here.

Letters: B batch, I inputs of a layer, O outputs, L layers.  Rows are samples: X (B, I), W (I, O), b (O,),
Z = X W + b and A = g(Z) are (B, O).  `dZ` is the derivative of the loss by Z, and so on; the loss is the
mean over the samples.  Everything is computed in float64, whatever comes in.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Layer:
    """One dense layer, with the attribute names that fcnet uses too."""

    units: int
    activation: str = "linear"
    use_bias: bool = True


# ------------------------------------------------------------------------------------------------
# Activations: A = g(Z), and backward: dZ from dA and A
# ------------------------------------------------------------------------------------------------

LEAKY_RELU_SLOPE = 0.2


def linear(Z):
    return Z


def linear_backward(dA, A):
    return dA


def relu(Z):
    return np.maximum(Z, 0)


def relu_backward(dA, A):
    """g'(0) = 0.  A > 0 just when Z > 0, so the output is enough."""
    return np.where(A > 0, dA, 0)


def leaky_relu(Z):
    return np.where(Z > 0, Z, LEAKY_RELU_SLOPE * Z)


def leaky_relu_backward(dA, A):
    return np.where(A > 0, dA, LEAKY_RELU_SLOPE * dA)


def sigmoid(Z):
    """1 / (1 + exp(-z)); for negative z as exp(z) / (1 + exp(z)), which neither overflows nor cancels."""
    e = np.exp(-np.abs(Z))
    return np.where(Z >= 0, 1, e) / (1 + e)


def sigmoid_backward(dA, A):
    return dA * A * (1 - A)


def tanh(Z):
    return np.tanh(Z)


def tanh_backward(dA, A):
    return dA * (1 - A**2)


def softmax(Z):
    e = np.exp(Z - Z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def softmax_backward(dA, A):
    """Product with the Jacobian diag(a) - a a^T of every row."""
    return A * (dA - np.sum(dA * A, axis=1, keepdims=True))


ACTIVATIONS = {  # name: (forward, backward)
    "linear": (linear, linear_backward),
    "relu": (relu, relu_backward),
    "leaky_relu": (leaky_relu, leaky_relu_backward),
    "sigmoid": (sigmoid, sigmoid_backward),
    "tanh": (tanh, tanh_backward),
    "softmax": (softmax, softmax_backward),
}


# ------------------------------------------------------------------------------------------------
# Losses: one number a sample, and dA, the derivative of their mean by the outputs
# ------------------------------------------------------------------------------------------------

def one_hot(labels, classes):
    """(B, 1) or (B,) class indices -> (B, classes)."""
    return np.eye(classes)[np.asarray(labels).reshape(-1).astype(int)]


def binary_crossentropy(p, Y):
    return -np.mean(Y * np.log(p) + (1 - Y) * np.log1p(-p), axis=1)


def binary_crossentropy_gradient(p, Y):
    return (p - Y) / (p * (1 - p)) / p.size


def categorical_crossentropy(p, Y):
    return -np.sum(Y * np.log(p), axis=1)


def categorical_crossentropy_gradient(p, Y):
    return -Y / p / len(p)


def sparse_categorical_crossentropy(p, labels):
    return categorical_crossentropy(p, one_hot(labels, p.shape[1]))


def sparse_categorical_crossentropy_gradient(p, labels):
    return categorical_crossentropy_gradient(p, one_hot(labels, p.shape[1]))


def mean_squared_error(A, Y):
    return np.mean((A - Y) ** 2, axis=1)


def mean_squared_error_gradient(A, Y):
    return 2 * (A - Y) / A.size


LOSSES = {  # name: (loss of every sample, gradient of the mean loss by the outputs)
    "binary_crossentropy": (binary_crossentropy, binary_crossentropy_gradient),
    "categorical_crossentropy": (categorical_crossentropy, categorical_crossentropy_gradient),
    "sparse_categorical_crossentropy":
        (sparse_categorical_crossentropy, sparse_categorical_crossentropy_gradient),
    "mean_squared_error": (mean_squared_error, mean_squared_error_gradient),
}


# The same losses from the logits: nothing overflows, and p = 0 or 1 never meets a logarithm.

def sigmoid_binary_crossentropy(Z, Y):
    """-y log p - (1 - y) log(1 - p) with p = sigmoid(z) is max(z, 0) - z y + log(1 + exp(-|z|))."""
    return np.mean(np.maximum(Z, 0) - Z * Y + np.log1p(np.exp(-np.abs(Z))), axis=1)


def sigmoid_binary_crossentropy_gradient(Z, Y):
    return (sigmoid(Z) - Y) / Z.size


def log_softmax(Z):
    Z = Z - Z.max(axis=1, keepdims=True)
    return Z - np.log(np.sum(np.exp(Z), axis=1, keepdims=True))


def softmax_crossentropy(Z, Y):
    return -np.sum(Y * log_softmax(Z), axis=1)


def softmax_crossentropy_gradient(Z, Y):
    """Every row of Y sums to one."""
    return (softmax(Z) - Y) / len(Z)


def softmax_crossentropy_sparse(Z, labels):
    return softmax_crossentropy(Z, one_hot(labels, Z.shape[1]))


def softmax_crossentropy_sparse_gradient(Z, labels):
    return softmax_crossentropy_gradient(Z, one_hot(labels, Z.shape[1]))


FUSED = {  # (output activation, loss): (loss of every sample, dZ), both from the logits
    ("sigmoid", "binary_crossentropy"): (sigmoid_binary_crossentropy, sigmoid_binary_crossentropy_gradient),
    ("softmax", "categorical_crossentropy"): (softmax_crossentropy, softmax_crossentropy_gradient),
    ("softmax", "sparse_categorical_crossentropy"):
        (softmax_crossentropy_sparse, softmax_crossentropy_sparse_gradient),
}


# ------------------------------------------------------------------------------------------------
# Metrics: one number a sample
# ------------------------------------------------------------------------------------------------

def binary_accuracy(p, Y):
    return np.mean(Y == (p > 0.5), axis=1)


def categorical_accuracy(p, Y):
    return (p.argmax(axis=1) == Y.argmax(axis=1)).astype(float)


def sparse_categorical_accuracy(p, labels):
    return (p.argmax(axis=1) == labels.reshape(-1)).astype(float)


def mean_absolute_error(A, Y):
    return np.mean(np.abs(A - Y), axis=1)


METRICS = {
    "binary_accuracy": binary_accuracy,
    "categorical_accuracy": categorical_accuracy,
    "sparse_categorical_accuracy": sparse_categorical_accuracy,
    "mean_squared_error": mean_squared_error,
    "mean_absolute_error": mean_absolute_error,
}


# ------------------------------------------------------------------------------------------------
# Flat layout: layer after layer, W row by row, then b
# ------------------------------------------------------------------------------------------------

def count_params(inputs, layers):
    count = 0
    for layer in layers:
        count += inputs * layer.units + layer.use_bias * layer.units
        inputs = layer.units
    return count


def unflatten(flat, inputs, layers):
    """Flat vector -> [(W, b), ...] as views; b is None without a bias."""
    weights, start = [], 0
    for layer in layers:
        W = flat[start:start + inputs * layer.units].reshape(inputs, layer.units)
        start += W.size
        b = flat[start:start + layer.units] if layer.use_bias else None
        start += layer.units if layer.use_bias else 0
        weights.append((W, b))
        inputs = layer.units
    if start != len(flat):
        raise ValueError(f"{len(flat)} parameters given, the layers have {start}")
    return weights


def flatten(weights):
    """[(W, b), ...] -> flat vector."""
    return np.concatenate([part.ravel() for W, b in weights for part in (W, b) if part is not None])


# ------------------------------------------------------------------------------------------------
# The network
# ------------------------------------------------------------------------------------------------

def forward(params, X, layers):
    """[(Z, A), ...] of every layer."""
    X, params = np.asarray(X, np.float64), np.asarray(params, np.float64)
    A, steps = X, []
    for layer, (W, b) in zip(layers, unflatten(params, X.shape[1], layers), strict=True):
        Z = A @ W if b is None else A @ W + b
        A = ACTIVATIONS[layer.activation][0](Z)
        steps.append((Z, A))
    return steps


def predict(params, X, layers):
    return forward(params, X, layers)[-1][1]


def losses_of_samples(params, X, Y, layers, loss):
    """(B,) loss of every sample."""
    Z, A = forward(params, X, layers)[-1]
    Y = np.asarray(Y, np.float64)
    fused = FUSED.get((layers[-1].activation, loss))
    return fused[0](Z, Y) if fused else LOSSES[loss][0](A, Y)


def mean_loss(params, X, Y, layers, loss):
    return np.mean(losses_of_samples(params, X, Y, layers, loss))


def backward(params, X, Y, layers, loss):
    """[dict of Z, A, dZ, dW, db, ...] of every layer.

    From the last layer down: dZ = dA g'(Z) (or (p - y)/B where loss and activation belong together),
    dW = A_prev^T dZ, db = sum of dZ over the samples, dA_prev = dZ W^T.
    """
    X, Y = np.asarray(X, np.float64), np.asarray(Y, np.float64)
    weights = unflatten(np.asarray(params, np.float64), X.shape[1], layers)
    steps = forward(params, X, layers)
    Z, A = steps[-1]
    output = layers[-1].activation
    if (output, loss) in FUSED:
        _, gradient = FUSED[output, loss]
        dZ = gradient(Z, Y)
    else:
        (_, gradient), (_, activation_backward) = LOSSES[loss], ACTIVATIONS[output]
        dZ = activation_backward(gradient(A, Y), A)

    found = []
    for index in reversed(range(len(layers))):
        Z, A = steps[index]
        A_prev = steps[index - 1][1] if index else X
        W, b = weights[index]
        found.append(dict(Z=Z, A=A, dZ=dZ, dW=A_prev.T @ dZ, db=None if b is None else dZ.sum(axis=0)))
        if index:
            dZ = ACTIVATIONS[layers[index - 1].activation][1](dZ @ W.T, A_prev)
    return found[::-1]


def loss_and_gradient(params, X, Y, layers, loss):
    """Mean loss and the flat gradient."""
    steps = backward(params, X, Y, layers, loss)
    return mean_loss(params, X, Y, layers, loss), flatten([(step["dW"], step["db"]) for step in steps])


def evaluate(params, X, Y, layers, loss, metrics=()):
    """Mean loss and mean metrics."""
    A, Y = predict(params, X, layers), np.asarray(Y, np.float64)
    means = [np.mean(METRICS[name](A, Y)) for name in metrics]
    return np.array([mean_loss(params, X, Y, layers, loss), *means])


# ------------------------------------------------------------------------------------------------
# Optimizers: (params, gradient, state, step) -> (params, state), in Keras's formulas; step counts from 1
# ------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class SGD:
    """v = mu v - lr g; W += v, or with Nesterov's look ahead W += mu v - lr g."""

    learning_rate: float = 0.01
    momentum: float = 0.0
    nesterov: bool = False
    slots = 1

    def update(self, W, g, state, step):
        (v,) = state
        v = self.momentum * v - self.learning_rate * g
        W = W + self.momentum * v - self.learning_rate * g if self.nesterov else W + v
        return W, [v]


@dataclass(frozen=True)
class Adam:
    """Kingma and Ba 2015, algorithm 1 with the order of computation at the end of their section 2."""

    learning_rate: float = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    slots = 2

    def update(self, W, g, state, step):
        m, v = state
        alpha = self.learning_rate * np.sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step)
        m = m + (g - m) * (1 - self.beta_1)
        v = v + (g**2 - v) * (1 - self.beta_2)
        W = W - m * alpha / (np.sqrt(v) + self.epsilon)
        return W, [m, v]


@dataclass(frozen=True)
class Adamax:
    """Kingma and Ba 2015, algorithm 2: the second moment is a decaying maximum."""

    learning_rate: float = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    slots = 2

    def update(self, W, g, state, step):
        m, u = state
        m = m + (g - m) * (1 - self.beta_1)
        u = np.maximum(self.beta_2 * u, np.abs(g))
        W = W - self.learning_rate * m / ((1 - self.beta_1**step) * (u + self.epsilon))
        return W, [m, u]


# ------------------------------------------------------------------------------------------------
# Training
# ------------------------------------------------------------------------------------------------

def train(params, X, Y, layers, loss, optimizer, batches, metrics=()):
    """One step a batch, in order.

    Parameters
    ----------
    batches : iterable of index arrays
        The rows of every batch.

    Returns
    -------
    params : (n_params,) after the last step
    sums : (1 + len(metrics),) of the loss and the metrics of all samples, each before its own step
    """
    params = np.array(params, np.float64)
    state = [np.zeros_like(params) for _ in range(optimizer.slots)]
    sums = np.zeros(1 + len(metrics))
    for step, rows in enumerate(batches, start=1):
        sums += len(rows) * evaluate(params, X[rows], Y[rows], layers, loss, metrics)
        gradient = loss_and_gradient(params, X[rows], Y[rows], layers, loss)[1]
        params, state = optimizer.update(params, gradient, state, step)
    return params, sums
