"""Those who do the same job: one small class each, all trained from the same weights on the same batches.

Every peer runs the whole epoch: it gathers the shuffled rows of each batch, computes forward, loss, backward
and update, and returns the mean of the loss over the epoch, as a `fit` that reports its loss must. Each is
written the way its users write it when they want speed; what is not timed (set-up, conversion of the order)
is the same for all.
"""

from __future__ import annotations

import importlib.util
import warnings
from types import MappingProxyType, SimpleNamespace

import numpy as np
from workloads import Workload

SLOPE = 0.2  # of leaky_relu below 0: Keras's


class Peer:
    """One way to train `workload`. Subclasses give the methods that raise here."""

    name = ""
    package = ""

    def __init__(self, workload: Workload, dtype=np.float32, threads: int = 1):
        self.workload, self.dtype, self.threads = workload, np.dtype(dtype), threads

    @classmethod
    def installed(cls) -> bool:
        return importlib.util.find_spec(cls.package) is not None

    @classmethod
    def supports(cls, workload: Workload) -> bool:
        return True

    def setup(self, weights, X, y) -> None:
        """Take the data, build the network."""
        raise NotImplementedError

    def reset(self, weights) -> None:
        """Start again from `weights` with a fresh optimizer."""
        raise NotImplementedError

    def prepare(self, order: np.ndarray):
        """`order`, of one epoch or several, as `run_epoch` wants it; not timed."""
        return order

    def run_epoch(self, order) -> float:
        """Train on all batches; the mean loss of the epoch, or of all of them."""
        raise NotImplementedError

    def weights(self) -> list[tuple[np.ndarray, np.ndarray]]:
        raise NotImplementedError

    def sample(self, X: np.ndarray):
        """`X`, with `batch` rows, as `predict` wants it; not timed."""
        return X

    def predict(self, X):
        """The network's outputs, in the peer's own kind of array."""
        raise NotImplementedError

    def loss(self, X, y) -> float:
        """Of the present weights over all rows, in float64 and by the same code for every peer."""
        return reference_loss(self.workload, self.weights(), X, y)


def reference_loss(workload: Workload, weights, X, y) -> float:
    A = X.astype(np.float64)
    for (W, b), activation in zip(weights, workload.activations, strict=True):
        Z = A @ W.astype(np.float64) + b
        A = {
            "relu": lambda z: np.maximum(z, 0),
            "leaky_relu": lambda z: np.maximum(z, SLOPE * z),
            "tanh": np.tanh,
            "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
        }.get(activation, lambda z: z)(Z)
    if workload.output == "sigmoid":
        return float(np.mean(np.logaddexp(0, Z) - y * Z))
    if workload.output == "softmax":
        Z = Z - Z.max(axis=1, keepdims=True)
        return float(np.mean(np.log(np.exp(Z).sum(axis=1)) - (y * Z).sum(axis=1)))
    return float(np.mean((Z - y) ** 2))


# --- fcnet --------------------------------------------------------------------------------------------


class Fcnet(Peer):
    """The compiled epoch, given its batches from outside so that all peers see the same ones."""

    name = package = "fcnet"

    def setup(self, weights, X, y):
        import fcnet
        from fcnet.engine import Engine

        fcnet.set_num_threads(self.threads)
        layers = [
            SimpleNamespace(
                units=units, activation=activation, use_bias=True, activation_parameter=None, transform=None
            )
            for units, activation in zip(self.workload.units[1:], self.workload.activations, strict=True)
        ]
        self.engine = Engine(self.workload.units[0], layers, self.dtype)
        self.X, self.y = X, y
        self.reset(weights)

    def reset(self, weights):
        self.optimizer = fcnet_optimizer(self.workload.optimizer)
        from fcnet import layout

        parts = [part.ravel() for layer in weights for part in layer]
        self.params = layout.zeros(sum(part.size for part in parts), self.dtype)  # on a cache line, as a model's
        np.concatenate(parts, out=self.params)
        self.optimizer.build(len(self.params), self.dtype)

    def prepare(self, order):
        return order.astype(np.intp).reshape(-1, self.workload.rows)

    def run_epoch(self, order):
        w, sums = self.workload, np.zeros((len(order), 1))
        arrays = self.params, self.optimizer, self.X, self.y, order
        self.engine.train(*arrays, w.batch, 0, w.steps * len(order), w.loss, (), sums)
        return sums.sum() / order.size

    def weights(self):
        return unflatten(self.params, self.workload.shapes)


class FcnetFit(Peer):
    """What a user calls: `fit` with its own shuffling, many epochs a call."""

    name = "fcnet fit"
    package = "fcnet"
    own_batches = True
    epochs = 1

    def setup(self, weights, X, y):
        import fcnet

        fcnet.set_num_threads(self.threads)
        self.X, self.y = X, y
        w = self.workload
        self.model = fcnet.Sequential([fcnet.Input(shape=(w.units[0],))], dtype=self.dtype.name)
        for units, activation in zip(w.units[1:], w.activations, strict=True):
            self.model.add(fcnet.Dense(units, activation=activation))
        self.model.compile(loss=w.loss, optimizer=fcnet_optimizer(w.optimizer))
        self.reset(weights)

    def reset(self, weights):
        self.model.set_weights([part for layer in weights for part in layer])

    def run_epoch(self, order):
        history = self.model.fit(self.X, self.y, epochs=self.epochs, batch_size=self.workload.batch, verbose=0)
        return history.history["loss"][-1]

    def predict(self, X):
        return self.model.predict(X)

    def weights(self):
        parts = self.model.get_weights()
        return list(zip(parts[0::2], parts[1::2], strict=True))


def fcnet_optimizer(settings):
    import fcnet

    keywords = {key: value for key, value in settings.items() if key != "name"}
    kinds = {"sgd": fcnet.optimizers.SGD, "adam": fcnet.optimizers.Adam, "adamax": fcnet.optimizers.Adamax}
    return kinds[settings["name"]](**keywords)


def unflatten(flat, shapes):
    """Views of W and b of every layer in the flat vector W1 b1 W2 b2 ..."""
    layers, start = [], 0
    for inputs, outputs in shapes:
        end = start + inputs * outputs
        layers.append((flat[start:end].reshape(inputs, outputs), flat[end : end + outputs]))
        start = end + outputs
    return layers


# --- NumPy --------------------------------------------------------------------------------------------


class NumPy(Peer):
    """Vectorised, every array allocated once and written in place, one flat vector for the update."""

    name = "NumPy"
    package = "numpy"

    def setup(self, weights, X, y):
        w, dtype = self.workload, self.dtype
        self.X, self.y = X, y
        self.Xb, self.yb = np.empty((w.batch, w.units[0]), dtype), np.empty((w.batch, w.units[-1]), dtype)
        self.A = [np.empty((w.batch, units), dtype) for units in w.units[1:]]
        self.dZ = [np.empty_like(A) for A in self.A]
        self.gate = [
            np.empty(A.shape, bool if activation == "relu" else dtype)
            for A, activation in zip(self.A, w.activations, strict=True)
        ]
        self.reset(weights)

    def reset(self, weights):
        self.params = np.concatenate([part.ravel() for layer in weights for part in layer])
        self.layers = unflatten(self.params, self.workload.shapes)
        self.gradient = np.empty_like(self.params)
        self.gradients = unflatten(self.gradient, self.workload.shapes)
        self.scratch = np.empty_like(self.params)
        self.m, self.v, self.step = np.zeros_like(self.params), np.zeros_like(self.params), 0

    def run_epoch(self, order):
        batch, total = self.workload.batch, 0.0
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            # mode="clip": with the default, take() goes through a buffer of its own.
            np.take(self.X, rows, axis=0, out=self.Xb, mode="clip")
            np.take(self.y, rows, axis=0, out=self.yb, mode="clip")
            total += self.loss_and_gradient()
            self.update()
        return total * batch / len(order)

    def loss_and_gradient(self):
        w, last = self.workload, len(self.layers) - 1
        self.forward(self.Xb)
        # The last A holds the logits; dZ of the last layer, and the loss, from them.
        Z, y, dZ = self.A[last], self.yb, self.dZ[last]
        if w.output == "sigmoid":
            loss = np.mean(np.logaddexp(0, Z) - y * Z)
            np.negative(Z, out=dZ)
            np.exp(dZ, out=dZ)
            dZ += 1
            np.reciprocal(dZ, out=dZ)
            dZ -= y
            dZ /= y.size
        elif w.output == "softmax":
            Z -= Z.max(axis=1, keepdims=True)
            np.exp(Z, out=dZ)
            sums = dZ.sum(axis=1, keepdims=True)
            loss = (np.log(sums).sum() - np.vdot(y, Z)) / w.batch
            dZ /= sums
            dZ -= y
            dZ /= w.batch
        else:
            np.subtract(Z, y, out=dZ)
            loss = np.vdot(dZ, dZ) / y.size
            dZ *= 2 / y.size

        for k in range(last, -1, -1):
            dW, db = self.gradients[k]
            np.matmul((self.A[k - 1] if k else self.Xb).T, self.dZ[k], out=dW)
            np.sum(self.dZ[k], axis=0, out=db)
            if k:
                np.matmul(self.dZ[k], self.layers[k][0].T, out=self.dZ[k - 1])
                self.apply_derivative(k - 1)
        return float(loss)

    def forward(self, X):
        """A of every hidden layer, and the logits."""
        last = len(self.layers) - 1
        for k, (W, b) in enumerate(self.layers):
            Z = self.A[k]
            np.matmul(self.A[k - 1] if k else X, W, out=Z)
            Z += b
            if k < last:
                self.activate(k, Z)

    def predict(self, X):
        self.forward(X)
        Z, output = self.A[-1], self.workload.output
        if output == "sigmoid":
            np.reciprocal(np.exp(-Z) + 1, out=Z)
        elif output == "softmax":
            Z -= Z.max(axis=1, keepdims=True)
            np.exp(Z, out=Z)
            Z /= Z.sum(axis=1, keepdims=True)
        return Z

    def activate(self, k, Z):
        activation = self.workload.activations[k]
        if activation == "relu":
            np.maximum(Z, 0, out=Z)
        elif activation == "leaky_relu":
            np.multiply(Z, SLOPE, out=self.gate[k])
            np.maximum(Z, self.gate[k], out=Z)
        elif activation == "tanh":
            np.tanh(Z, out=Z)
        elif activation == "sigmoid":
            np.negative(Z, out=Z)
            np.exp(Z, out=Z)
            Z += 1
            np.reciprocal(Z, out=Z)

    def apply_derivative(self, k):
        """dZ = dA * g'(Z), with g' from the output A of the layer."""
        A, gate, activation = self.A[k], self.gate[k], self.workload.activations[k]
        if activation == "relu":
            np.greater(A, 0, out=gate)
        elif activation == "leaky_relu":
            # 1 where A > 0, else the slope: NumPy's where() has no out.
            np.greater(A, 0, out=gate)
            gate *= 1 - SLOPE
            gate += SLOPE
        elif activation == "tanh":
            np.multiply(A, A, out=gate)
            np.subtract(1, gate, out=gate)
        else:
            np.subtract(1, A, out=gate)
            gate *= A
        self.dZ[k] *= gate

    def update(self):
        o, g, scratch = self.workload.optimizer, self.gradient, self.scratch
        if o["name"] == "sgd":
            g *= -o["learning_rate"]
            if o["momentum"]:
                self.m *= o["momentum"]
                self.m += g
                g = self.m
            self.params += g
            return
        self.step += 1
        if o["name"] == "adamax":
            self.m *= o["beta_1"]
            self.v *= o["beta_2"]
            np.maximum(self.v, np.abs(g, out=scratch), out=self.v)
            g *= 1 - o["beta_1"]
            self.m += g
            np.add(self.v, o["epsilon"], out=scratch)
            np.divide(self.m, scratch, out=scratch)
            scratch *= o["learning_rate"] / (1 - o["beta_1"] ** self.step)
            self.params -= scratch
            return
        rate = o["learning_rate"] * np.sqrt(1 - o["beta_2"] ** self.step) / (1 - o["beta_1"] ** self.step)
        for moment, value, beta in (
            (self.m, g, o["beta_1"]),
            (self.v, np.square(g, out=scratch), o["beta_2"]),
        ):
            moment *= beta
            value *= 1 - beta
            moment += value
        np.sqrt(self.v, out=scratch)
        scratch += o["epsilon"]
        np.divide(self.m, scratch, out=scratch)
        scratch *= rate
        self.params -= scratch

    def weights(self):
        return self.layers


# --- scikit-learn -------------------------------------------------------------------------------------


class ScikitLearn(Peer):
    """MLPClassifier and MLPRegressor: `partial_fit` runs one epoch over rows put in order before."""

    name = "scikit-learn"
    package = "sklearn"
    activations = MappingProxyType({"relu": "relu", "tanh": "tanh", "sigmoid": "logistic"})

    @classmethod
    def supports(cls, workload):
        """One activation for all hidden layers, two optimizers, and for two classes only one output."""
        hidden = {*workload.activations[:-1]}
        two_classes = workload.output == "softmax" and workload.units[-1] == 2
        known = hidden <= {*cls.activations} and workload.optimizer["name"] in ("sgd", "adam")
        return known and len(hidden) <= 1 and not two_classes

    def setup(self, weights, X, y):
        from sklearn.neural_network import MLPClassifier, MLPRegressor

        w, o = self.workload, self.workload.optimizer
        self.X, self.y = X, y
        self.classes = None
        # Its squared error is half the sum over the outputs, Keras's the mean over them.
        scale = 1.0
        if w.output == "sigmoid":
            self.y, self.classes = y.ravel().astype(int), [0, 1]
        elif w.output == "softmax":
            self.y, self.classes = y.argmax(axis=1), np.arange(y.shape[1])
        else:
            scale = 2 / y.shape[1]
            self.y = y.ravel() if y.shape[1] == 1 else y
        self.loss_scale = 2.0 if self.classes is None else 1.0
        common = {
            "hidden_layer_sizes": w.units[1:-1],
            "activation": self.activations[w.activations[0]] if len(w.units) > 2 else "identity",
            "solver": o["name"],
            "alpha": 0.0,
            "batch_size": w.batch,
            "shuffle": False,
            "random_state": 0,
        }
        if o["name"] == "sgd":
            extra = {
                "learning_rate_init": o["learning_rate"] * scale,
                "momentum": o["momentum"],
                "nesterovs_momentum": False,
            }
        else:
            extra = {key: o[key] for key in ("beta_1", "beta_2")}
            extra |= {"learning_rate_init": o["learning_rate"], "epsilon": o["epsilon"] / scale}
        self.model = (MLPRegressor if self.classes is None else MLPClassifier)(**common, **extra)
        self.partial_fit(self.X, self.y)  # builds the arrays
        self.reset(weights)

    def partial_fit(self, X, y):
        if self.classes is None:
            self.model.partial_fit(X, y)
        else:
            self.model.partial_fit(X, y, classes=self.classes)

    def reset(self, weights):
        for k, (W, b) in enumerate(weights):
            self.model.coefs_[k][...] = W
            self.model.intercepts_[k][...] = b
        self.model.__dict__.pop("_optimizer", None)  # a new one, with new state, at the next call

    def run_epoch(self, order):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.partial_fit(self.X[order], self.y[order])
        return self.model.loss_ * self.loss_scale

    def predict(self, X):
        return self.model.predict(X) if self.classes is None else self.model.predict_proba(X)

    def weights(self):
        return list(zip(self.model.coefs_, self.model.intercepts_, strict=True))


# --- PyTorch ------------------------------------------------------------------------------------------


class PyTorch(Peer):
    """Eager mode, as in its tutorials: Linear layers, autograd, an optimizer of torch.optim."""

    name = "PyTorch"
    package = "torch"

    def setup(self, weights, X, y):
        import torch

        torch.set_num_threads(self.threads)
        self.torch = torch
        self.X, self.y = torch.from_numpy(X), torch.from_numpy(y)
        functional = torch.nn.functional
        if self.workload.output == "sigmoid":
            self.criterion = functional.binary_cross_entropy_with_logits
        elif self.workload.output == "softmax":
            self.y = self.y.argmax(dim=1)  # its fastest form
            self.criterion = functional.cross_entropy
        else:
            self.criterion = functional.mse_loss
        activation = {
            "relu": torch.nn.ReLU,
            "leaky_relu": lambda: torch.nn.LeakyReLU(SLOPE),
            "tanh": torch.nn.Tanh,
            "sigmoid": torch.nn.Sigmoid,
        }
        modules = []
        for k, (inputs, outputs) in enumerate(self.workload.shapes):
            modules += [activation[self.workload.activations[k - 1]]()] if k else []
            modules += [torch.nn.Linear(inputs, outputs, dtype=getattr(torch, self.dtype.name))]
        self.model = torch.nn.Sequential(*modules)
        self.reset(weights)

    def reset(self, weights):
        torch, o = self.torch, self.workload.optimizer
        with torch.no_grad():
            for layer, (W, b) in zip(self.linear_layers(), weights, strict=True):
                layer.weight.copy_(torch.from_numpy(W.T))
                layer.bias.copy_(torch.from_numpy(b))
        if o["name"] == "sgd":
            kind, keywords = torch.optim.SGD, {"momentum": o["momentum"]}
        else:
            kind = {"adam": torch.optim.Adam, "adamax": torch.optim.Adamax}[o["name"]]
            keywords = {"betas": (o["beta_1"], o["beta_2"]), "eps": o["epsilon"]}
        if o["name"] != "adamax":  # which has no such form
            keywords["fused"] = True  # up to 10 % faster here than the default, and nowhere slower
        self.optimizer = kind(self.model.parameters(), lr=o["learning_rate"], **keywords)

    def linear_layers(self):
        return [module for module in self.model if isinstance(module, self.torch.nn.Linear)]

    def prepare(self, order):
        return self.torch.from_numpy(order)

    def run_epoch(self, order):
        total = self.torch.zeros((), dtype=self.X.dtype)
        for rows in order.split(self.workload.batch):
            self.optimizer.zero_grad()
            loss = self.criterion(self.model(self.X[rows]), self.y[rows])
            loss.backward()
            self.optimizer.step()
            total += loss.detach()
        return total.item() * self.workload.batch / len(order)

    def sample(self, X):
        return self.torch.from_numpy(X)

    def predict(self, X):
        with self.torch.inference_mode():
            Z = self.model(X)
            if self.workload.output == "sigmoid":
                return Z.sigmoid()
            return Z.softmax(dim=1) if self.workload.output == "softmax" else Z

    def weights(self):
        return [(layer.weight.detach().numpy().T, layer.bias.detach().numpy()) for layer in self.linear_layers()]


# --- JAX ----------------------------------------------------------------------------------------------


class Jax(Peer):
    """A whole epoch, or several, in one `lax.scan`, jitted, parameters and optimizer state donated."""

    name = "JAX"
    package = "jax"

    def setup(self, weights, X, y):
        import jax

        if self.dtype == np.float64:
            jax.config.update("jax_enable_x64", True)
        self.jax = jax
        self.X, self.y = jax.device_put(X), jax.device_put(y)
        self.epoch = self.compile_epoch()
        self.outputs = jax.jit(self.outputs_of)
        self.reset(weights)

    def logits(self, params, X):
        nn = self.jax.nn
        activate = {
            "relu": nn.relu,
            "leaky_relu": lambda Z: nn.leaky_relu(Z, SLOPE),
            "tanh": self.jax.numpy.tanh,
            "sigmoid": nn.sigmoid,
        }
        A = X
        for (W, b), activation in zip(params[:-1], self.workload.activations, strict=False):
            A = activate[activation](A @ W + b)
        W, b = params[-1]
        return A @ W + b

    def outputs_of(self, params, X):
        Z, nn = self.logits(params, X), self.jax.nn
        return {"sigmoid": nn.sigmoid, "softmax": nn.softmax}.get(self.workload.output, lambda Z: Z)(Z)

    def compile_epoch(self):
        jax, w = self.jax, self.workload
        jnp, o = jax.numpy, w.optimizer

        def loss_of(params, X, y):
            Z = self.logits(params, X)
            if w.output == "sigmoid":
                return jnp.mean(jax.nn.softplus(Z) - y * Z)
            if w.output == "softmax":
                return -jnp.mean(jnp.sum(y * jax.nn.log_softmax(Z), axis=1))
            return jnp.mean((Z - y) ** 2)

        tree_map = jax.tree_util.tree_map

        def update(params, gradient, m, v, step):
            if o["name"] == "sgd" and not o["momentum"]:
                return tree_map(lambda p, g: p - o["learning_rate"] * g, params, gradient), m, v
            if o["name"] == "sgd":
                m = tree_map(lambda m, g: o["momentum"] * m - o["learning_rate"] * g, m, gradient)
                return tree_map(lambda p, m: p + m, params, m), m, v
            if o["name"] == "adamax":
                rate = o["learning_rate"] / (1 - o["beta_1"] ** step)
                m = tree_map(lambda m, g: o["beta_1"] * m + (1 - o["beta_1"]) * g, m, gradient)
                v = tree_map(lambda v, g: jnp.maximum(o["beta_2"] * v, jnp.abs(g)), v, gradient)
                return tree_map(lambda p, m, v: p - rate * m / (v + o["epsilon"]), params, m, v), m, v
            rate = o["learning_rate"] * jnp.sqrt(1 - o["beta_2"] ** step) / (1 - o["beta_1"] ** step)
            m = tree_map(lambda m, g: o["beta_1"] * m + (1 - o["beta_1"]) * g, m, gradient)
            v = tree_map(lambda v, g: o["beta_2"] * v + (1 - o["beta_2"]) * g * g, v, gradient)
            return tree_map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) + o["epsilon"]), params, m, v), m, v

        def epoch(state, X, y, order):
            def step(state, rows):
                params, m, v, count = state
                # The indices are known to be inside: no check, no masking.
                Xb = X.at[rows].get(mode="promise_in_bounds")
                yb = y.at[rows].get(mode="promise_in_bounds")
                loss, gradient = jax.value_and_grad(loss_of)(params, Xb, yb)
                return (*update(params, gradient, m, v, count + 1), count + 1), loss

            state, losses = jax.lax.scan(step, state, order)
            return state, jnp.mean(losses)

        return jax.jit(epoch, donate_argnums=0)

    def reset(self, weights):
        jnp, o = self.jax.numpy, self.workload.optimizer

        def copies():
            return [(jnp.array(W), jnp.array(b)) for W, b in weights]

        def zeros():
            return self.jax.tree_util.tree_map(jnp.zeros_like, copies())

        slots = 2 if o["name"] != "sgd" else 1 if o["momentum"] else 0
        self.state = (
            copies(),
            zeros() if slots >= 1 else (),
            zeros() if slots == 2 else (),
            jnp.zeros((), self.dtype),
        )

    def prepare(self, order):
        return self.jax.device_put(order.astype(np.int32).reshape(-1, self.workload.batch))

    def run_epoch(self, order):
        self.state, loss = self.epoch(self.state, self.X, self.y, order)
        return float(self.jax.block_until_ready(loss))

    def sample(self, X):
        return self.jax.device_put(X)

    def predict(self, X):
        return self.outputs(self.state[0], X).block_until_ready()

    def weights(self):
        return [(np.asarray(W), np.asarray(b)) for W, b in self.state[0]]


PEERS = {peer.name: peer for peer in (Fcnet, FcnetFit, NumPy, ScikitLearn, PyTorch, Jax)}
