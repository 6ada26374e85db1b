"""The obvious float64 reference of layers without a matrix product, and of networks that have some.

Like `reference`, it imports nothing of fcnet: formulas for whole batches, in plain NumPy.  A network is a list of
`reference.Layer` and `Transform`; its parameters stand in one flat vector, layer after layer.
"""

from dataclasses import dataclass

import numpy as np
import reference
from reference import activate, activate_backward

U32 = np.uint32


@dataclass(frozen=True)
class Transform:
    """A layer without a product, with the attribute names that fcnet uses too."""

    transform: str
    transform_parameter: float = 0.0
    key: int = 0
    scale: bool = True
    center: bool = True
    activation: str = "linear"
    activation_parameter: float | None = None


def rotated(x, bits):
    return (x << U32(bits)) | (x >> U32(32 - bits))


def threefry_4x32(key, counter, rounds=20):
    """Four arrays of random words from four arrays of counter words and four words of key (Salmon et al. 2011)."""
    rotations = [(10, 26), (11, 21), (13, 27), (23, 5), (6, 20), (17, 11), (25, 10), (18, 20)]
    key = [U32(word) for word in key]
    key.append(U32(0x1BD11BDA) ^ key[0] ^ key[1] ^ key[2] ^ key[3])
    a, b, c, d = (np.asarray(word, U32) + k for word, k in zip(counter, key, strict=False))
    for n in range(rounds):
        first, second = rotations[n % 8]
        if n % 2 == 0:
            a, c = a + b, c + d
            b, d = rotated(b, first) ^ a, rotated(d, second) ^ c
        else:
            a, c = a + d, c + b
            d, b = rotated(d, first) ^ a, rotated(b, second) ^ c
        if n % 4 == 3:
            i = n // 4 + 1
            a, b, c, d = (word + key[(i + j) % 5] for j, word in enumerate((a, b, c, d)))
            d = d + U32(i)
    return a, b, c, d


def uniforms(key, layer, step, samples, features):
    """(samples, features) numbers in (0, 1): word j % 4 of the counter (sample, j // 4, step)."""
    low = 0xFFFFFFFF
    sample, block = np.meshgrid(np.arange(samples), np.arange(-(-features // 4)), indexing="ij")
    counter = [sample, block, np.full_like(sample, step & low), np.full_like(sample, step >> 32 & low)]
    with np.errstate(over="ignore"):
        words = threefry_4x32([key & low, key >> 32 & low, layer, 0], counter)
    words = np.stack(words, axis=-1).reshape(samples, -1)[:, :features]
    return ((words >> U32(9)) + 0.5) / 2**23


def normals(key, layer, step, samples, features):
    """Box and Muller: of each four uniform numbers two pairs."""
    u = uniforms(key, layer, step, samples, -(-features // 4) * 4)
    radius, angle = np.sqrt(-2 * np.log(u[:, 0::2])), 2 * np.pi * u[:, 1::2]
    pairs = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
    return pairs.reshape(samples, -1)[:, :features]


def shapes(inputs, layers):
    """[shapes of the layer's arrays] of every layer."""
    found = []
    for layer in layers:
        if layer.transform is None:
            found.append([(inputs, layer.units)] + [(layer.units,)] * layer.use_bias)
            inputs = layer.units
        else:
            learns = layer.transform == "layer_normalization"
            found.append([(inputs,)] * (learns * (layer.scale + layer.center)))
    return found


def unflatten(params, inputs, layers):
    """[arrays of the layer] of every layer, views."""
    start, found = 0, []
    for group in shapes(inputs, layers):
        found.append([])
        for shape in group:
            size = int(np.prod(shape))
            found[-1].append(params[start:start + size].reshape(shape))
            start += size
    assert start == len(params)
    return found


def forward(params, X, layers, draw=None):
    """[(A_prev, Z, A, what the backward pass needs), ...]; `draw` is (key, step) in training, else None."""
    A, steps = np.asarray(X, np.float64), []
    for l, (layer, arrays) in enumerate(zip(layers, unflatten(np.asarray(params, np.float64), A.shape[1], layers),
                                            strict=True)):
        A_prev, extra = A, None
        if layer.transform is None:
            Z = A_prev @ arrays[0] + (arrays[1] if layer.use_bias else 0)
            A = activate(layer, Z)
        elif layer.transform == "activation":
            Z = A_prev
            A = activate(layer, Z)
        elif layer.transform == "layer_normalization":
            Z = A_prev
            s = np.sqrt(A_prev.var(axis=1, keepdims=True) + layer.transform_parameter)
            x = (A_prev - A_prev.mean(axis=1, keepdims=True)) / s
            A, extra = x, (x, s)
            rest = iter(arrays)
            A = A * next(rest) if layer.scale else A
            A = A + next(rest) if layer.center else A
        else:
            Z, extra = A_prev, 1.0
            if draw is not None:
                numbers = (layer.key or draw[0], l, draw[1], *A_prev.shape)
                if layer.transform == "dropout":
                    extra = (uniforms(*numbers) > layer.transform_parameter) / (1 - layer.transform_parameter)
                    A = A_prev * extra
                else:
                    A = A_prev + layer.transform_parameter * normals(*numbers)
        steps.append((A_prev, Z, A, extra))
    return steps


def backward(params, X, Y, layers, loss, draw=None):
    """[dict of Z, A, dZ and the gradients of the layer's arrays, ...] of every layer."""
    params, Y = np.asarray(params, np.float64), np.asarray(Y, np.float64)
    arrays, steps = unflatten(params, X.shape[1], layers), forward(params, X, layers, draw)
    _, Z, A, _ = steps[-1]
    _, gradient, by_logits = reference.loss_of(layers, loss)
    dA, dZ = (None, gradient(Z, Y)) if by_logits else (gradient(A, Y), None)
    found = []
    for layer, own, (A_prev, Z, A, extra) in zip(layers[::-1], arrays[::-1], steps[::-1], strict=True):
        own_gradients = []
        if layer.transform in (None, "activation"):
            dZ = activate_backward(layer, dA, A, Z) if dZ is None else dZ
            dA_prev = dZ
            if layer.transform is None:
                own_gradients = [A_prev.T @ dZ, dZ.sum(axis=0)][:len(own)]
                dA_prev = dZ @ own[0].T
        elif layer.transform == "layer_normalization":
            x, s = extra
            own_gradients = [(dA * x).sum(axis=0)] * layer.scale + [dA.sum(axis=0)] * layer.center
            d = dA * own[0] if layer.scale else dA
            dZ = dA_prev = (d - d.mean(axis=1, keepdims=True) - x * (d * x).mean(axis=1, keepdims=True)) / s
        else:
            dZ = dA_prev = dA * extra if layer.transform == "dropout" else dA
        found.append(dict(Z=Z, A=A, dZ=dZ, gradients=own_gradients))
        dA, dZ = dA_prev, None
    return found[::-1]


def predict(params, X, layers, draw=None):
    return forward(params, X, layers, draw)[-1][2]


def mean_loss(params, X, Y, layers, loss, draw=None):
    _, Z, A, _ = forward(params, X, layers, draw)[-1]
    value, _, by_logits = reference.loss_of(layers, loss)
    return np.mean(value(Z if by_logits else A, np.asarray(Y, np.float64)))


def loss_and_gradient(params, X, Y, layers, loss, draw=None):
    steps = backward(params, X, Y, layers, loss, draw)
    flat = np.concatenate([array.ravel() for step in steps for array in step["gradients"]])
    return mean_loss(params, X, Y, layers, loss, draw), flat


def train(params, X, Y, layers, loss, optimizer, batches, key=0, first_draw=0):
    """One step a batch: the parameters after the last, and the sum of the losses, each before its own step."""
    params = np.array(params, np.float64)
    state, total = [np.zeros_like(params) for _ in range(optimizer.slots)], 0.0
    for step, rows in enumerate(batches):
        draw = key, first_draw + step
        value, gradient = loss_and_gradient(params, X[rows], Y[rows], layers, loss, draw)
        total += len(rows) * value
        params, state = optimizer.update(params, gradient, state, step + 1)
    return params, total
