"""A whole training written by hand on the public kernels: two moons, 2-25-50-50-25-1.

    python examples/moons_by_hand.py        --steps for another number of steps than 10,000

It took 12 s on one thread. A parallel kernel waits for its slowest thread, so where other programs use the
cores start it with NUMBA_NUM_THREADS=1 in the environment: the result has the same bits.

Gradient descent on the full batch of 900 points, learning rate 0.01, weights and biases from a normal
distribution times 0.1. Test accuracy 0.98 with this seed, 0.96 to 0.98 with others. It ends with status 1 if
it stays below 0.98.

The kernels write into arrays that the caller owns, so nothing is allocated in the loop.
`Sequential.fit` does all this in one compiled call.
"""

import argparse
import itertools
import sys
import time

import numpy as np

from fcnet import kernels
from fcnet.datasets import make_moons

UNITS = (2, 25, 50, 50, 25, 1)
ACTIVATION = kernels.RELU
LEARNING_RATE = 0.01
DTYPE = np.float32


def data():
    X, y = make_moons(n_samples=1000, noise=0.2, random_state=100)
    order = np.random.RandomState(42).permutation(len(X))
    X, y = X[order].astype(DTYPE), y[order].astype(DTYPE).reshape(-1, 1)
    return X[100:], y[100:], X[:100], y[:100]


def layer_views(flat):
    """W (I, O) and b (O,) of every layer: views of one flat vector."""
    views, start = [], 0
    for inputs, outputs in itertools.pairwise(UNITS):
        end = start + inputs * outputs
        views.append((flat[start:end].reshape(inputs, outputs), flat[end : end + outputs]))
        start = end + outputs
    return views


def buffers(B):
    """One (B, O) array for every layer."""
    return [np.empty((B, outputs), DTYPE) for outputs in UNITS[1:]]


def forward(layers, X, A):
    """A[k] of every layer; of the last one the logits, because the loss takes those."""
    for k, (W, b) in enumerate(layers):
        activation = ACTIVATION if k < len(layers) - 1 else kernels.LINEAR
        kernels.dense_forward(A[k - 1] if k else X, W, b, A[k], activation)


def train(X, y, steps, seed=2):
    """The trained layers and the loss before every step."""
    n_params = sum((inputs + 1) * outputs for inputs, outputs in itertools.pairwise(UNITS))
    params = np.empty(n_params, DTYPE)
    gradient, velocity = np.empty_like(params), np.zeros_like(params)
    layers, gradients = layer_views(params), layer_views(gradient)

    rng = np.random.RandomState(seed)
    for W, b in layers:
        W[:] = 0.1 * rng.randn(*W.T.shape).T
        b[:] = 0.1 * rng.randn(len(b))

    A, dZ, p = buffers(len(X)), buffers(len(X)), np.empty_like(y)
    dX = np.empty_like(X)  # where the first layer leaves the gradient of its input; not needed
    losses = np.empty(steps)
    for step in range(steps):
        forward(layers, X, A)
        losses[step] = kernels.sigmoid_binary_crossentropy(A[-1], y, p, dZ[-1])
        for k in range(len(layers) - 1, 0, -1):
            W, (dW, db) = layers[k][0], gradients[k]
            kernels.dense_backward(dZ[k], A[k - 1], W, ACTIVATION, dZ[k - 1], dW, db)
        (W, _), (dW, db) = layers[0], gradients[0]
        kernels.dense_backward(dZ[0], X, W, kernels.LINEAR, dX, dW, db)
        kernels.sgd(params, gradient, velocity, LEARNING_RATE, 0.0, False)
    return layers, losses


def accuracy(layers, X, y):
    A = buffers(len(X))
    forward(layers, X, A)
    return np.mean((A[-1] > 0) == y)  # a logit above 0 is a probability above 1/2


def main(argv=None):
    as_it_is = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=as_it_is)
    parser.add_argument("--steps", type=int, default=10_000)
    steps = parser.parse_args(argv).steps
    X, y, X_test, y_test = data()
    train(X, y, 1)  # compiles
    begin = time.perf_counter()
    layers, losses = train(X, y, steps)
    seconds = time.perf_counter() - begin
    score = accuracy(layers, X_test, y_test)
    print(f"{steps} steps in {seconds:.2f} s, {seconds / steps * 1e6:.0f} us a step")
    print(f"loss {losses[0]:.4f} -> {losses[-1]:.4f}, test accuracy {score:.2f}")
    return 0 if score >= 0.98 else 1


if __name__ == "__main__":
    sys.exit(main())
