"""The same network in plain vectorised NumPy: what `demo.py` compares with, and the mathematics in 50 lines.

ReLU in the hidden layers, one sigmoid output, binary cross entropy, gradient descent. Rows are samples.
"""

import numpy as np


def forward(layers, X):
    """[X, A1, A2, ..., Z of the last layer]: the input, every layer's output, and at the end the logits."""
    outputs = [X]
    for W, b in layers[:-1]:
        outputs.append(np.maximum(outputs[-1] @ W + b, 0))
    W, b = layers[-1]
    outputs.append(outputs[-1] @ W + b)
    return outputs


def loss_of(Z, y):
    """Binary cross entropy from the logits: ln(1 + e^Z) - y Z, which never takes the logarithm of 0."""
    return np.mean(np.logaddexp(0, Z) - y * Z)


def step(layers, X, y, learning_rate):
    """One step of gradient descent, in place; the loss before it."""
    *A, Z = forward(layers, X)
    dZ = (1 / (1 + np.exp(-Z)) - y) / len(X)  # (p - y) / B
    for k in range(len(layers) - 1, -1, -1):
        W, b = layers[k]
        dW = A[k].T @ dZ
        db = dZ.sum(axis=0)
        if k:
            dZ = (dZ @ W.T) * (A[k] > 0)  # ReLU's derivative from its output
        W -= learning_rate * dW
        b -= learning_rate * db
    return loss_of(Z, y)


def train(layers, X, y, epochs, batch_size, learning_rate):
    """Train in place, the rows in their order; the mean loss of every epoch."""
    history = []
    for _ in range(epochs):
        total = 0.0
        for start in range(0, len(X), batch_size):
            Xb, yb = X[start : start + batch_size], y[start : start + batch_size]
            total += step(layers, Xb, yb, learning_rate) * len(Xb)
        history.append(total / len(X))
    return history


def accuracy(layers, X, y):
    return np.mean((forward(layers, X)[-1] > 0) == y)
