"""Numba kernels of fully connected networks; installed as ``fcnet.kernels``.

Letters, used everywhere: B batch, I inputs of a layer, O outputs, L layers, P samples of a slab, K contraction.
Arrays: X, y, W, b, Z, A and their gradients dZ, dW, db, dA.  Rows are samples: Z = X W + b.

Public kernels take C-contiguous arrays of one dtype (float32 or float64) and write outputs that the caller owns.
What does not fit is refused before anything is written: see `arguments`.

- one layer: `dense_forward`, `dense_backward`
- loss and dZ from logits: `sigmoid_binary_crossentropy`, `softmax_crossentropy`, `softmax_crossentropy_sparse`
- optimizers on flat vectors: `sgd`, `adam`, `adamax`
- elementary functions on 1-D arrays: `exp`, `log`, `tanh`, `sigmoid`
- every activation by name, forward and backward, on arrays of any shape: `activate`, `activate_backward`
- whole networks: `steps.run`, and `inference.predict_rows` for a few rows, which `fcnet.engine` prepares
"""

from ._jit import compiled
from .activations import ACTIVATIONS, LEAKY_RELU, LINEAR, RELU, SIGMOID, SOFTMAX, TANH
from .crossentropy import sigmoid_binary_crossentropy, softmax_crossentropy, softmax_crossentropy_sparse
from .dense import dense_backward, dense_forward
from .elementwise import activate, activate_backward, exp, log, sigmoid, tanh
from .optimizers import adam, adamax, sgd

__all__ = [
    "ACTIVATIONS", "LEAKY_RELU", "LINEAR", "RELU", "SIGMOID", "SOFTMAX", "TANH",
    "activate", "activate_backward", "adam", "adamax", "compiled", "dense_backward", "dense_forward", "exp", "log",
    "sgd", "sigmoid", "sigmoid_binary_crossentropy", "softmax_crossentropy", "softmax_crossentropy_sparse", "tanh",
]
