"""The obvious float64 reference: a fully connected network in plain NumPy.

It imports NumPy only and nothing of fcnet, so that agreement between the two means something.  Every
function is the formula, written once, for whole batches; speed is no concern here.

Letters: B batch, I inputs of a layer, O outputs, L layers.  Rows are samples: X (B, I), W (I, O), b (O,),
Z = X W + b and A = g(Z) are (B, O).  `dZ` is the derivative of the loss by Z, and so on; the loss is the
mean over the samples.  Everything is computed in float64, whatever comes in.
"""

import math
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Layer:
    """One dense layer, with the attribute names that fcnet uses too."""

    units: int
    activation: str = "linear"
    use_bias: bool = True
    activation_parameter: float | None = None
    transform: str | None = None  # the other kinds of layers are in reference_layers.py


# ------------------------------------------------------------------------------------------------
# Activations: A = g(Z), and backward: dZ from dA and Z, or from A where that is the shorter formula
# ------------------------------------------------------------------------------------------------

def linear(Z):
    return Z


def linear_backward(dA, A, Z=None):
    return dA


def relu(Z):
    return np.maximum(Z, 0)


def relu_backward(dA, A, Z=None):
    """g'(0) = 0.  A > 0 just when Z > 0, so the output is enough."""
    return np.where(A > 0, dA, 0)


def relu6(Z):
    return np.clip(Z, 0, 6)


def relu6_backward(dA, A, Z):
    return np.where((Z > 0) & (Z < 6), dA, 0)


def leaky_relu(Z, slope=0.2):
    return np.where(Z > 0, Z, slope * Z)


def leaky_relu_backward(dA, A, Z=None, slope=0.2):
    return np.where(A > 0, dA, slope * dA)


def elu(Z, alpha=1.0):
    return np.where(Z > 0, Z, alpha * np.expm1(np.minimum(Z, 0)))


def elu_backward(dA, A, Z, alpha=1.0):
    return np.where(Z > 0, dA, dA * alpha * np.exp(np.minimum(Z, 0)))


# Klambauer et al. 2017, equation (14)
SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


def selu(Z):
    return SELU_SCALE * elu(Z, SELU_ALPHA)


def selu_backward(dA, A, Z):
    return SELU_SCALE * elu_backward(dA, A, Z, SELU_ALPHA)


def softplus(Z):
    return np.logaddexp(0, Z)


def softplus_backward(dA, A, Z):
    return dA * sigmoid(Z)


def softsign(Z):
    return np.sign(Z) * (1 - 1 / (1 + np.abs(Z))) if np.isinf(Z).any() else Z / (1 + np.abs(Z))


def softsign_backward(dA, A, Z):
    return dA / (1 + np.abs(Z)) ** 2


def exponential(Z):
    return np.exp(Z)


def exponential_backward(dA, A, Z):
    return dA * A


def hard_sigmoid(Z):
    return np.clip(Z + 3, 0, 6) / 6


def hard_sigmoid_backward(dA, A, Z):
    return np.where(np.abs(Z) < 3, dA / 6, 0)


def hard_tanh(Z):
    return np.clip(Z, -1, 1)


def hard_tanh_backward(dA, A, Z):
    return np.where(np.abs(Z) < 1, dA, 0)


def normal_distribution(Z):
    return np.vectorize(math.erfc, otypes=[float])(-Z / math.sqrt(2)) / 2


def gelu(Z, approximate=0.0):
    """Hendrycks and Gimpel 2016, section 2."""
    if approximate:
        return Z * (1 + np.tanh(np.sqrt(2 / np.pi) * (Z + 0.044715 * Z**3))) / 2
    return Z * normal_distribution(Z)


def gelu_backward(dA, A, Z, approximate=0.0):
    if approximate:
        t = np.tanh(np.sqrt(2 / np.pi) * (Z + 0.044715 * Z**3))
        return dA * ((1 + t) / 2 + Z / 2 * (1 - t**2) * np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * Z**2))
    return dA * (normal_distribution(Z) + Z * np.exp(-(Z**2) / 2) / np.sqrt(2 * np.pi))


def silu(Z):
    return Z * sigmoid(Z)


def silu_backward(dA, A, Z):
    s = sigmoid(Z)
    return dA * (s + Z * s * (1 - s))


def mish(Z):
    return Z * np.tanh(softplus(Z))


def mish_backward(dA, A, Z):
    t = np.tanh(softplus(Z))
    return dA * (t + Z * (1 - t**2) * sigmoid(Z))


def sigmoid(Z):
    """1 / (1 + exp(-z)); for negative z as exp(z) / (1 + exp(z)), which neither overflows nor cancels."""
    e = np.exp(-np.abs(Z))
    return np.where(Z >= 0, 1, e) / (1 + e)


def sigmoid_backward(dA, A, Z=None):
    return dA * A * (1 - A)


def tanh(Z):
    return np.tanh(Z)


def tanh_backward(dA, A, Z=None):
    return dA * (1 - A**2)


def softmax(Z):
    e = np.exp(Z - Z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def softmax_backward(dA, A, Z=None):
    """Product with the Jacobian diag(a) - a a^T of every row."""
    return A * (dA - np.sum(dA * A, axis=1, keepdims=True))


ACTIVATIONS = {  # name: (forward, backward)
    "linear": (linear, linear_backward),
    "relu": (relu, relu_backward),
    "relu6": (relu6, relu6_backward),
    "leaky_relu": (leaky_relu, leaky_relu_backward),
    "elu": (elu, elu_backward),
    "selu": (selu, selu_backward),
    "softplus": (softplus, softplus_backward),
    "softsign": (softsign, softsign_backward),
    "exponential": (exponential, exponential_backward),
    "sigmoid": (sigmoid, sigmoid_backward),
    "hard_sigmoid": (hard_sigmoid, hard_sigmoid_backward),
    "tanh": (tanh, tanh_backward),
    "hard_tanh": (hard_tanh, hard_tanh_backward),
    "gelu": (gelu, gelu_backward),
    "silu": (silu, silu_backward),
    "mish": (mish, mish_backward),
    "softmax": (softmax, softmax_backward),
}


def activate(layer, Z):
    return ACTIVATIONS[layer.activation][0](Z, *_parameter(layer))


def activate_backward(layer, dA, A, Z):
    return ACTIVATIONS[layer.activation][1](dA, A, Z, *_parameter(layer))


def _parameter(layer):
    return () if layer.activation_parameter is None else (layer.activation_parameter,)


# ------------------------------------------------------------------------------------------------
# Losses: one number a sample, and dA, the derivative of their mean by the outputs
# ------------------------------------------------------------------------------------------------

def one_hot(labels, classes):
    """(B, 1) or (B,) class indices -> (B, classes)."""
    return np.eye(classes)[np.asarray(labels).reshape(-1).astype(int)]


EPSILON = 1e-7  # Keras's, where a formula has one


def smooth(Y, label_smoothing, classes):
    return Y * (1 - label_smoothing) + label_smoothing / classes


def binary_crossentropy(p, Y, label_smoothing=0.0):
    Y = smooth(Y, label_smoothing, 2)
    return -np.mean(Y * np.log(p) + (1 - Y) * np.log1p(-p), axis=1)


def binary_crossentropy_gradient(p, Y, label_smoothing=0.0):
    return (p - smooth(Y, label_smoothing, 2)) / (p * (1 - p)) / p.size


def focal_factor(p, Y, gamma, alpha, apply_class_balancing):
    """(1 - p_t)^gamma, p_t being the probability of the right answer, times the weight of the class."""
    weight = Y * alpha + (1 - Y) * (1 - alpha) if apply_class_balancing else 1
    return weight * (1 - (Y * p + (1 - Y) * (1 - p))) ** gamma


def binary_focal_crossentropy(p, Y, label_smoothing=0.0, gamma=2.0, alpha=0.25, apply_class_balancing=False):
    Y = smooth(Y, label_smoothing, 2)
    entropy = -(Y * np.log(p) + (1 - Y) * np.log1p(-p))
    return np.mean(focal_factor(p, Y, gamma, alpha, apply_class_balancing) * entropy, axis=1)


def binary_focal_crossentropy_gradient(p, Y, label_smoothing=0.0, gamma=2.0, alpha=0.25, apply_class_balancing=False):
    """The product rule; 1 - p_t has the derivative 1 - 2 y."""
    Y = smooth(Y, label_smoothing, 2)
    entropy = -(Y * np.log(p) + (1 - Y) * np.log1p(-p))
    slope = (p - Y) / (p * (1 - p))
    of_factor = gamma * focal_factor(p, Y, gamma - 1, alpha, apply_class_balancing) * (1 - 2 * Y)
    return (focal_factor(p, Y, gamma, alpha, apply_class_balancing) * slope + of_factor * entropy) / p.size


def categorical_crossentropy(p, Y, label_smoothing=0.0):
    return -np.sum(smooth(Y, label_smoothing, p.shape[1]) * np.log(p), axis=1)


def categorical_crossentropy_gradient(p, Y, label_smoothing=0.0):
    return -smooth(Y, label_smoothing, p.shape[1]) / p / len(p)


def sparse_categorical_crossentropy(p, labels):
    return categorical_crossentropy(p, one_hot(labels, p.shape[1]))


def sparse_categorical_crossentropy_gradient(p, labels):
    return categorical_crossentropy_gradient(p, one_hot(labels, p.shape[1]))


def mean_absolute_error(A, Y):
    return np.mean(np.abs(A - Y), axis=1)


def mean_absolute_error_gradient(A, Y):
    return np.sign(A - Y) / A.size


def mean_absolute_percentage_error(A, Y):
    return 100 * np.mean(np.abs(A - Y) / np.maximum(np.abs(Y), EPSILON), axis=1)


def mean_absolute_percentage_error_gradient(A, Y):
    return 100 * np.sign(A - Y) / np.maximum(np.abs(Y), EPSILON) / A.size


def log1p_above_epsilon(A):
    return np.log1p(np.maximum(A, EPSILON))


def mean_squared_logarithmic_error(A, Y):
    return np.mean((log1p_above_epsilon(A) - log1p_above_epsilon(Y)) ** 2, axis=1)


def mean_squared_logarithmic_error_gradient(A, Y):
    error = log1p_above_epsilon(A) - log1p_above_epsilon(Y)
    return np.where(A > EPSILON, 2 * error / (1 + np.maximum(A, 0)), 0) / A.size


def huber(A, Y, delta=1.0):
    error = np.abs(A - Y)
    return np.mean(np.where(error <= delta, error**2 / 2, delta * error - delta**2 / 2), axis=1)


def huber_gradient(A, Y, delta=1.0):
    return np.clip(A - Y, -delta, delta) / A.size


def log_cosh(A, Y):
    """log((e^x + e^-x) / 2)"""
    return np.mean(np.logaddexp(A - Y, Y - A) - np.log(2), axis=1)


def log_cosh_gradient(A, Y):
    return np.tanh(A - Y) / A.size


def poisson(A, Y):
    return np.mean(A - Y * np.log(A + EPSILON), axis=1)


def poisson_gradient(A, Y):
    return (1 - Y / (A + EPSILON)) / A.size


def kl_divergence(A, Y):
    A, Y = np.clip(A, EPSILON, 1), np.clip(Y, EPSILON, 1)
    return np.sum(Y * np.log(Y / A), axis=1)


def kl_divergence_gradient(A, Y):
    return np.where((A >= EPSILON) & (A <= 1), -np.clip(Y, EPSILON, 1) / A, 0) / len(A)


def hinge(A, Y):
    Y = np.where(Y == 0, -1, Y)
    return np.mean(np.maximum(1 - Y * A, 0), axis=1)


def hinge_gradient(A, Y):
    Y = np.where(Y == 0, -1, Y)
    return np.where(Y * A < 1, -Y, 0) / A.size


def squared_hinge(A, Y):
    Y = np.where(Y == 0, -1, Y)
    return np.mean(np.maximum(1 - Y * A, 0) ** 2, axis=1)


def squared_hinge_gradient(A, Y):
    Y = np.where(Y == 0, -1, Y)
    return -2 * Y * np.maximum(1 - Y * A, 0) / A.size


def categorical_hinge(A, Y):
    right, wrong = np.sum(Y * A, axis=1), np.max((1 - Y) * A, axis=1)
    return np.maximum(wrong - right + 1, 0)


def categorical_hinge_gradient(A, Y):
    highest = one_hot(np.argmax((1 - Y) * A, axis=1), A.shape[1])
    return np.where(categorical_hinge(A, Y)[:, None] > 0, (1 - Y) * highest - Y, 0) / len(A)


def mean_squared_error(A, Y):
    return np.mean((A - Y) ** 2, axis=1)


def mean_squared_error_gradient(A, Y):
    return 2 * (A - Y) / A.size


LOSSES = {  # name: (loss of every sample, gradient of the mean loss by the outputs)
    "binary_crossentropy": (binary_crossentropy, binary_crossentropy_gradient),
    "binary_focal_crossentropy": (binary_focal_crossentropy, binary_focal_crossentropy_gradient),
    "categorical_crossentropy": (categorical_crossentropy, categorical_crossentropy_gradient),
    "sparse_categorical_crossentropy":
        (sparse_categorical_crossentropy, sparse_categorical_crossentropy_gradient),
    "mean_squared_error": (mean_squared_error, mean_squared_error_gradient),
    "root_mean_squared_error": (mean_squared_error, mean_squared_error_gradient),  # its root is taken of the mean
    "mean_absolute_error": (mean_absolute_error, mean_absolute_error_gradient),
    "mean_absolute_percentage_error":
        (mean_absolute_percentage_error, mean_absolute_percentage_error_gradient),
    "mean_squared_logarithmic_error":
        (mean_squared_logarithmic_error, mean_squared_logarithmic_error_gradient),
    "huber": (huber, huber_gradient),
    "log_cosh": (log_cosh, log_cosh_gradient),
    "poisson": (poisson, poisson_gradient),
    "kl_divergence": (kl_divergence, kl_divergence_gradient),
    "hinge": (hinge, hinge_gradient),
    "squared_hinge": (squared_hinge, squared_hinge_gradient),
    "categorical_hinge": (categorical_hinge, categorical_hinge_gradient),
}


@dataclass(frozen=True)
class Loss:
    """A loss with parameters, by their names in fcnet and Keras; where there are none, its name will do."""

    name: str
    parameters: tuple[tuple[str, float], ...] = ()

    def __str__(self):
        return "-".join([self.name, *(f"{name}={value}" for name, value in self.parameters)])


def loss_of(layers, loss):
    """(loss of every sample, its gradient, whether both are by the logits), of functions of (outputs, Y)."""
    name, parameters = (loss.name, dict(loss.parameters)) if isinstance(loss, Loss) else (loss, {})
    output = layers[-1].activation
    if parameters.pop("from_logits", False):
        output = "softmax" if "categorical" in name else "sigmoid"
    fused = (output, name) in FUSED
    value, gradient = FUSED[output, name] if fused else LOSSES[name]
    return (lambda A, Y: value(A, Y, **parameters)), (lambda A, Y: gradient(A, Y, **parameters)), fused


# The same losses from the logits: nothing overflows, and p = 0 or 1 never meets a logarithm.

def sigmoid_binary_crossentropy(Z, Y, label_smoothing=0.0):
    """-y log p - (1 - y) log(1 - p) with p = sigmoid(z) is max(z, 0) - z y + log(1 + exp(-|z|))."""
    Y = smooth(Y, label_smoothing, 2)
    return np.mean(np.maximum(Z, 0) - Z * Y + np.log1p(np.exp(-np.abs(Z))), axis=1)


def sigmoid_binary_crossentropy_gradient(Z, Y, label_smoothing=0.0):
    return (sigmoid(Z) - smooth(Y, label_smoothing, 2)) / Z.size


def sigmoid_binary_focal_crossentropy(Z, Y, label_smoothing=0.0, **focal):
    return binary_focal_crossentropy(sigmoid(Z), Y, label_smoothing, **focal)


def sigmoid_binary_focal_crossentropy_gradient(Z, Y, label_smoothing=0.0, **focal):
    p = sigmoid(Z)
    return binary_focal_crossentropy_gradient(p, Y, label_smoothing, **focal) * p * (1 - p)


def log_softmax(Z):
    Z = Z - Z.max(axis=1, keepdims=True)
    return Z - np.log(np.sum(np.exp(Z), axis=1, keepdims=True))


def softmax_crossentropy(Z, Y, label_smoothing=0.0):
    return -np.sum(smooth(Y, label_smoothing, Z.shape[1]) * log_softmax(Z), axis=1)


def softmax_crossentropy_gradient(Z, Y, label_smoothing=0.0):
    """Every row of Y sums to one."""
    return (softmax(Z) - smooth(Y, label_smoothing, Z.shape[1])) / len(Z)


def softmax_crossentropy_sparse(Z, labels):
    return softmax_crossentropy(Z, one_hot(labels, Z.shape[1]))


def softmax_crossentropy_sparse_gradient(Z, labels):
    return softmax_crossentropy_gradient(Z, one_hot(labels, Z.shape[1]))


def exponential_poisson(Z, Y):
    return np.mean(np.exp(Z) - Y * Z, axis=1)


def exponential_poisson_gradient(Z, Y):
    return (np.exp(Z) - Y) / Z.size


FUSED = {  # (output activation, loss): (loss of every sample, dZ), both from the logits
    ("sigmoid", "binary_crossentropy"): (sigmoid_binary_crossentropy, sigmoid_binary_crossentropy_gradient),
    ("sigmoid", "binary_focal_crossentropy"):
        (sigmoid_binary_focal_crossentropy, sigmoid_binary_focal_crossentropy_gradient),
    ("softmax", "categorical_crossentropy"): (softmax_crossentropy, softmax_crossentropy_gradient),
    ("softmax", "sparse_categorical_crossentropy"):
        (softmax_crossentropy_sparse, softmax_crossentropy_sparse_gradient),
    ("exponential", "poisson"): (exponential_poisson, exponential_poisson_gradient),
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


def sign_accuracy(A, Y):
    return np.mean((Y > 0) == (A > 0), axis=1)


METRICS = {
    "binary_accuracy": binary_accuracy,
    "sign_accuracy": sign_accuracy,
    "categorical_accuracy": categorical_accuracy,
    "sparse_categorical_accuracy": sparse_categorical_accuracy,
    **{name: LOSSES[name][0] for name in (
        "mean_squared_error", "mean_absolute_error", "mean_absolute_percentage_error",
        "mean_squared_logarithmic_error", "log_cosh", "poisson", "kl_divergence", "hinge", "squared_hinge",
        "categorical_hinge")},
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
        A = activate(layer, Z)
        steps.append((Z, A))
    return steps


def predict(params, X, layers):
    return forward(params, X, layers)[-1][1]


def losses_of_samples(params, X, Y, layers, loss):
    """(B,) loss of every sample."""
    Z, A = forward(params, X, layers)[-1]
    Y = np.asarray(Y, np.float64)
    value, _, by_logits = loss_of(layers, loss)
    return value(Z if by_logits else A, Y)


def mean_loss(params, X, Y, layers, loss, sample_weight=None):
    """sum(w l) / sum(w), or its root."""
    mean = np.average(losses_of_samples(params, X, Y, layers, loss), weights=sample_weight)
    return np.sqrt(mean) if loss == "root_mean_squared_error" else mean


def backward(params, X, Y, layers, loss, sample_weight=None):
    """[dict of Z, A, dZ, dW, db, ...] of every layer.

    From the last layer down: dZ = dA g'(Z) (or (p - y)/B where loss and activation belong together),
    dW = A_prev^T dZ, db = sum of dZ over the samples, dA_prev = dZ W^T.  With weights w, dZ of the last layer is
    that times B w / sum(w); that of a root of l is that of l divided by 2 sqrt(l).
    """
    X, Y = np.asarray(X, np.float64), np.asarray(Y, np.float64)
    weights = unflatten(np.asarray(params, np.float64), X.shape[1], layers)
    steps = forward(params, X, layers)
    Z, A = steps[-1]
    _, gradient, by_logits = loss_of(layers, loss)
    dZ = gradient(Z, Y) if by_logits else activate_backward(layers[-1], gradient(A, Y), A, Z)
    if sample_weight is not None:
        dZ = dZ * (len(X) * np.asarray(sample_weight, np.float64) / np.sum(sample_weight, dtype=float))[:, None]
    if loss == "root_mean_squared_error":
        dZ = dZ / (2 * mean_loss(params, X, Y, layers, loss, sample_weight))

    found = []
    for index in reversed(range(len(layers))):
        Z, A = steps[index]
        A_prev = steps[index - 1][1] if index else X
        W, b = weights[index]
        found.append(dict(Z=Z, A=A, dZ=dZ, dW=A_prev.T @ dZ, db=None if b is None else dZ.sum(axis=0)))
        if index:
            dZ = activate_backward(layers[index - 1], dZ @ W.T, A_prev, steps[index - 1][0])
    return found[::-1]


def loss_and_gradient(params, X, Y, layers, loss, sample_weight=None):
    """Mean loss and the flat gradient."""
    steps = backward(params, X, Y, layers, loss, sample_weight)
    return mean_loss(params, X, Y, layers, loss, sample_weight), flatten([(step["dW"], step["db"]) for step in steps])


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


@dataclass(frozen=True)
class AMSGrad(Adam):
    """Reddi, Kale and Kumar 2018, algorithm 2, with Adam's factor for the first steps."""

    slots = 3

    def update(self, W, g, state, step):
        m, v, greatest = state
        alpha = self.learning_rate * np.sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step)
        m = self.beta_1 * m + (1 - self.beta_1) * g
        v = self.beta_2 * v + (1 - self.beta_2) * g**2
        greatest = np.maximum(greatest, v)
        return W - alpha * m / (np.sqrt(greatest) + self.epsilon), [m, v, greatest]


@dataclass(frozen=True)
class Nadam(Adam):
    """Dozat 2016, algorithm 2, with momentum mu_t = beta_1 (1 - 0.96^t / 2)."""

    def update(self, W, g, state, step):
        m, v = state
        mu = [self.beta_1 * (1 - 0.96**t / 2) for t in range(1, step + 2)]
        m = self.beta_1 * m + (1 - self.beta_1) * g
        v = self.beta_2 * v + (1 - self.beta_2) * g**2
        ahead = mu[-1] * m / (1 - np.prod(mu)) + (1 - mu[-2]) * g / (1 - np.prod(mu[:-1]))
        W = W - self.learning_rate * ahead / (np.sqrt(v / (1 - self.beta_2**step)) + self.epsilon)
        return W, [m, v]


@dataclass(frozen=True)
class RMSprop:
    """Tieleman and Hinton 2012; centered and with momentum Graves 2013, equations 38 to 41."""

    learning_rate: float = 0.001
    rho: float = 0.9
    momentum: float = 0.0
    epsilon: float = 1e-7
    centered: bool = False
    slots = 3

    def update(self, W, g, state, step):
        square, velocity, mean = state
        square = self.rho * square + (1 - self.rho) * g**2
        mean = self.rho * mean + (1 - self.rho) * g
        variance = square - mean**2 if self.centered else square
        velocity = self.momentum * velocity + self.learning_rate * g / np.sqrt(variance + self.epsilon)
        return W - velocity, [square, velocity, mean]


@dataclass(frozen=True)
class Adagrad:
    """Duchi, Hazan and Singer 2011; the state begins with initial_accumulator_value."""

    learning_rate: float = 0.001
    initial_accumulator_value: float = 0.1
    epsilon: float = 1e-7
    slots = 1

    def update(self, W, g, state, step):
        squares = state[0] + g**2 + (self.initial_accumulator_value if step == 1 else 0)
        return W - self.learning_rate * g / np.sqrt(squares + self.epsilon), [squares]


@dataclass(frozen=True)
class Lion:
    """Chen and others 2023, algorithm 2."""

    learning_rate: float = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.99
    slots = 1

    def update(self, W, g, state, step):
        (m,) = state
        W = W - self.learning_rate * np.sign(self.beta_1 * m + (1 - self.beta_1) * g)
        return W, [self.beta_2 * m + (1 - self.beta_2) * g]


def shortened(g, limit):
    """A vector of at most this Euclidean norm."""
    norm = np.linalg.norm(g)
    return g * (limit / norm) if norm > limit else g


@dataclass(frozen=True)
class WithOptions:
    """What Keras's optimizers do around their formula; `variables` are the slices of every W and b."""

    formula: object
    variables: tuple = ()
    learning_rate: object = None  # a function of the steps before this one
    weight_decay: float = 0.0
    clipnorm: float = np.inf
    clipvalue: float = np.inf
    global_clipnorm: float = np.inf
    use_ema: bool = False
    ema_momentum: float = 0.99
    ema_overwrite_frequency: int | None = None
    gradient_accumulation_steps: int = 1

    @property
    def slots(self):
        return self.formula.slots + 2

    def update(self, W, g, state, step):
        *state, average, together = state
        updates, position = divmod(step - 1, self.gradient_accumulation_steps)
        together = together + g
        if position == self.gradient_accumulation_steps - 1:
            g, together = together / self.gradient_accumulation_steps, 0 * together
            g = np.clip(g, -self.clipvalue, self.clipvalue)
            for part in self.variables:
                g[part] = shortened(g[part], self.clipnorm)
            g = shortened(g, self.global_clipnorm)
            formula = self.formula
            if self.learning_rate is not None:
                formula = replace(formula, learning_rate=self.learning_rate(step - 1))
            W = W - formula.learning_rate * self.weight_decay * W
            W, state = formula.update(W, g, state, updates + 1)
        momentum = self.ema_momentum if updates else 0
        average = momentum * average + (1 - momentum) * W
        if self.use_ema and self.ema_overwrite_frequency and (updates + 1) % self.ema_overwrite_frequency == 0:
            W = average
        return W, [*state, average, together]


def optimizer(class_name, parameters, inputs, layers):
    """The optimizer of fcnet's class of this name and its parameters, options included."""
    parameters = dict(parameters)
    if parameters.pop("amsgrad", False):
        class_name = "AMSGrad"
    if class_name == "AdamW":
        class_name, parameters = "Adam", {"weight_decay": 0.004} | parameters
    options = {name: parameters.pop(name) for name in list(parameters) if name in WithOptions.__dataclass_fields__}
    if not callable(options.get("learning_rate", callable)):
        parameters["learning_rate"] = options.pop("learning_rate")
    formula = globals()[class_name](**parameters)
    if not options:
        return formula
    variables, start = [], 0
    for pair in unflatten(np.zeros(count_params(inputs, layers)), inputs, layers):
        for part in pair:
            if part is not None:
                variables.append(slice(start, start + part.size))
                start += part.size
    return WithOptions(formula, tuple(variables), **options)


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
