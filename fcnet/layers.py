"""Layers: what a network consists of, and each layer's view of the flat parameter vector."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from . import activations, checks, constraints, initializers, regularizers, seeds
from .layout import Slot
from .rules import FROZEN, PLAIN, Rule


class Input:
    """The number of features, as the first thing added to a `Sequential`.

    Parameters
    ----------
    shape : tuple of int
        One number, the features: `Input(shape=(2,))`.

    Raises
    ------
    TypeError, ValueError
        If `shape` does not hold exactly one whole number of 1 or more.
    """

    def __init__(self, shape: Sequence[int] | int) -> None:
        size = checks.input_size(None, shape)
        if size is None:
            raise ValueError("shape must hold one number, the features, like (2,); got None")
        self.shape = (size,)

    def __repr__(self) -> str:
        return f"Input(shape={self.shape})"


_VIEWS = ("W", "b", "kernel", "bias", "gamma", "beta")  # of the parameters


class Layer(checks.Declared):
    """What all layers have: a name, the place of their arrays in the model's flat vector, and access to them.

    What makes the network what it is, such as `activation` or `rate`, stays as the layer was made with it. What says
    how to train it may be set at any time: `trainable`; regularizers, constraints and `learning_rate_multiplier` of a
    Dense.

    Attributes
    ----------
    name : str
        Default: the kind of layer, numbered by the place in the model: "dense", "dense_1", ...
    built : bool
        Whether the layer has its place in a model whose input size is known.
    trainable : bool
        Whether training changes the parameters. Set to False, they are frozen from the next call of the model on; in a
        hook of a fit, from its next steps on.

    Raises
    ------
    AttributeError
        If anything else is set.
    """

    kind: ClassVar[str]
    transform: ClassVar[str | None] = None  # the name that the kernels know a layer without a product by
    flags: ClassVar[tuple[str, ...]] = ("trainable",)
    name: str | None
    input_dim: int | None
    added: bool  # to a model
    trainable: bool
    learning_rate_multiplier: float = 1.0
    key: int = 0  # of its random numbers, if it has a seed of its own
    transform_parameter: float = 0.0
    activation: str | activations.Custom = "linear"
    activation_parameter: float | None = 0.0
    # The model's flat vector itself, not a view, so that pickle and deepcopy keep it one object.
    _flat: np.ndarray | None = None
    _slot: Slot | None = None

    def __init__(
        self, input_dim: int | None = None, input_shape: Sequence[int] | None = None, name: str | None = None
    ) -> None:
        size = checks.input_size(input_dim, input_shape)
        self._define(input_dim=size, name=None if name is None else checks.text("name", name), added=False)
        self.trainable = True

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _VIEWS and self.built and isinstance(value, np.ndarray):
            view = getattr(self, name, None)
            if view is not None and value.__array_interface__ == view.__array_interface__:
                return  # W -= ... has changed its numbers, and now sets what it has changed
        super().__setattr__(name, value)

    def _setting(self, name: str, value: Any) -> Any:
        if name in _VIEWS:
            raise AttributeError(f"{name} is a view of the parameters: set its numbers, with {name}[...] = values")
        return super()._setting(name, value)

    def rules(self) -> list[Rule]:
        """What holds for each of the layer's arrays in training. A frozen one has neither penalty nor constraint."""
        return [self._rule(part) if self.trainable else FROZEN for part in self.shapes(1)]

    def _rule(self, part: str) -> Rule:
        rate = self.learning_rate_multiplier
        regularizer, constraint = getattr(self, f"{part}_regularizer", None), getattr(self, f"{part}_constraint", None)
        if regularizer is None and constraint is None and rate == 1:
            return PLAIN  # asked for in every call of `train_on_batch`
        l1, l2 = (0.0, 0.0) if regularizer is None else (regularizer.l1, regularizer.l2)
        return Rule(True, rate, l1, l2, None if constraint is None else constraint.rule)

    def width(self, inputs: int) -> int:
        """Outputs for so many inputs."""
        return inputs

    def shapes(self, inputs: int) -> dict[str, tuple[int, ...]]:
        """The shapes of the layer's arrays for so many inputs, by name."""
        return {}

    @property
    def built(self) -> bool:
        """Whether the layer has its place in a model whose input size is known."""
        return self._flat is not None

    @property
    def units(self) -> int:
        """O, the number of outputs."""
        return self._place()[1].units

    def count_params(self) -> int:
        """Number of parameters."""
        return self._place()[1].size

    def get_weights(self) -> list[np.ndarray]:
        """Copies of the layer's arrays: [W (I, O), b (O,)] of a Dense, [] of a layer that has none."""
        return [view.copy() for view in self._views().values()]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set the layer's arrays, as `get_weights` lists them, from arrays of exactly their shapes.

        Raises
        ------
        TypeError, ValueError
            If the number of arrays, a shape or a value does not fit; nothing is changed then.
        """
        views = self._views()
        for view, values in zip(views.values(), self._checked(weights), strict=True):
            view[...] = values

    def _checked(self, weights: Sequence[Any]) -> list[np.ndarray]:
        """`weights` as arrays that fit the views and share no memory with them; the layer is not changed."""
        views, weights = self._views(), checks.arrays("weights", weights)
        if len(weights) != len(views):
            listed = f" ({', '.join(views)})" if views else ""
            raise ValueError(f"layer {self.name!r} has {len(views)} arrays{listed}, got {len(weights)}")
        arrays = [
            checks.weights(f"{self.name}.{part}", values, view.shape, view.dtype)
            for (part, view), values in zip(views.items(), weights, strict=True)
        ]
        return [A.copy() if np.may_share_memory(A, self._place()[0]) else A for A in arrays]

    def _views(self) -> dict[str, np.ndarray]:
        flat, slot = self._place()
        return slot.views(flat)

    def _place(self) -> tuple[np.ndarray, Slot]:
        if self._flat is None or self._slot is None:
            raise RuntimeError(
                f"layer {self.name or type(self).__name__!r} has no parameters yet: add it to a model whose input "
                "size is known (input_dim), or fit the model"
            )
        return self._flat, self._slot

    def _initialize(self, flat: np.ndarray, slot: Slot) -> None:
        """Draw the arrays into their place of `flat`."""
        for part, view in slot.views(flat).items():
            name = f"{part}_initializer"
            view[...] = checks.weights(name, getattr(self, name)(view.shape, dtype=flat.dtype), view.shape, flat.dtype)

    def _bind(self, flat: np.ndarray, slot: Slot) -> None:
        self._define(_flat=flat, _slot=slot)

    def _described(self) -> str:
        """The arguments as `repr` and `Sequential.summary` show them."""
        return ""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(filter(None, (self._described(), f'name={self.name!r}')))})"


class Dense(Layer):
    """A fully connected layer: Z = A_prev W + b, A = g(Z).

    Parameters
    ----------
    units : int
        O, the number of outputs, 1 or more.
    activation : str, Activation or function decorated with numba.njit, optional
        g, a name or an object of `fcnet.activations`, or your own g(z); None is linear.
    use_bias : bool, default=True
        Whether there is a b.
    kernel_initializer : str or callable, default="glorot_uniform"
        How W (I, O) begins.
    bias_initializer : str or callable, default="zeros"
        How b (O,) begins.
    kernel_regularizer, bias_regularizer : str or Regularizer, optional
        A penalty on W or b, part of the loss: "l1", "l2", "l1_l2" or an object of `fcnet.regularizers`.
    kernel_constraint, bias_constraint : str or Constraint, optional
        What W or b is brought back to after every update: "max_norm", "non_neg" or an object of `fcnet.constraints`.
    learning_rate_multiplier : float, default=1.0
        Above 0; times the optimizer's learning rate is that of this layer.
    input_dim : int, optional
        I, the number of features, for the first layer. Without it the model is built at its first fit.
    input_shape : tuple of int, optional
        The same as `(I,)`.
    name : str, optional
        Default: "dense", "dense_1", ... by the place in the model.

    Attributes
    ----------
    activation : str or Custom
        The name of g; of your own function, the object of `fcnet.activations`.
    activation_parameter : float
        Its parameter, if it has one.
    kernel, W : ndarray of shape (I, O)
        A live view of the model's flat parameter vector.
    bias, b : ndarray of shape (O,) or None
        The same; None without bias.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, lies outside its range, or is an unknown name.
    """

    kind = "dense"
    ranges: ClassVar = {"learning_rate_multiplier": (0, math.inf, "()")}
    settable = ("kernel_regularizer", "bias_regularizer", "kernel_constraint", "bias_constraint")
    _units: int
    use_bias: bool
    kernel_initializer: Callable[..., np.ndarray]
    bias_initializer: Callable[..., np.ndarray]
    kernel_regularizer: regularizers.Regularizer | None
    bias_regularizer: regularizers.Regularizer | None
    kernel_constraint: constraints.Constraint | None
    bias_constraint: constraints.Constraint | None

    def __init__(
        self,
        units: int,
        activation: str | activations.Activation | Callable | None = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: str | regularizers.Regularizer | None = None,
        bias_regularizer: str | regularizers.Regularizer | None = None,
        *,
        kernel_constraint: str | constraints.Constraint | None = None,
        bias_constraint: str | constraints.Constraint | None = None,
        learning_rate_multiplier: float = 1.0,
        input_dim: int | None = None,
        input_shape: Sequence[int] | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(input_dim, input_shape, name)
        self._define(
            _units=checks.whole("units", units, 1),
            **_activation(activation),
            use_bias=checks.flag("use_bias", use_bias),
            kernel_initializer=initializers.get(kernel_initializer, "kernel_initializer"),
            bias_initializer=initializers.get(bias_initializer, "bias_initializer"),
        )
        given = kernel_regularizer, bias_regularizer, kernel_constraint, bias_constraint
        for option, value in zip(self.settable, given, strict=True):
            setattr(self, option, value)
        self.learning_rate_multiplier = learning_rate_multiplier

    def _setting(self, name: str, value: Any) -> Any:
        part, _, kind = name.rpartition("_")
        if name in self.settable and kind == "regularizer":
            return regularizers.get(value, name)
        if name in self.settable:
            return constraints.get(value, name, axes=1 if part == "bias" else 2)
        return super()._setting(name, value)

    @property
    def units(self) -> int:
        """O, the number of outputs."""
        return self._units

    def width(self, inputs: int) -> int:
        """Outputs for so many inputs."""
        return self._units

    def shapes(self, inputs: int) -> dict[str, tuple[int, ...]]:
        """The shapes of W and b, or of W alone."""
        return {"kernel": (inputs, self.units)} | ({"bias": (self.units,)} if self.use_bias else {})

    @property
    def kernel(self) -> np.ndarray:
        """W (I, O), a live view of the model's flat parameter vector."""
        return self._views()["kernel"]

    @property
    def bias(self) -> np.ndarray | None:
        """b (O,), a live view of the model's flat parameter vector; None without bias."""
        return self._views().get("bias")

    W, b = kernel, bias

    def _described(self) -> str:
        return f"{self.units}, activation={_shown(self)}"


class Activation(Layer):
    """An activation by itself: A = g(A_prev).

    Parameters
    ----------
    activation : str, Activation or function decorated with numba.njit
        g, as of `Dense`.
    input_dim, input_shape, name
        As of `Dense`.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or is an unknown name.

    Examples
    --------
    Normalise before the activation:

    >>> from fcnet import Activation, Dense, LayerNormalization, Sequential
    >>> model = Sequential([Dense(8, input_dim=2), LayerNormalization(), Activation("relu"), Dense(1)])
    """

    kind = transform = "activation"

    def __init__(
        self,
        activation: str | activations.Activation | Callable,
        *,
        input_dim: int | None = None,
        input_shape: Sequence[int] | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(input_dim, input_shape, name)
        self._define(**_activation(activation))

    def _described(self) -> str:
        return _shown(self)


class _Random(Layer):
    """A layer that draws random numbers in training."""

    seed: int | None

    def __init__(
        self, seed: int | None, input_dim: int | None, input_shape: Sequence[int] | None, name: str | None
    ) -> None:
        super().__init__(input_dim, input_shape, name)
        own = None if seed is None else checks.whole("seed", seed, 0)
        self._define(seed=own, key=0 if own is None else seeds.key(own))


class Dropout(_Random):
    """In training each input is 0 with probability `rate`, else it is divided by 1 - rate; elsewhere A = A_prev.

    Parameters
    ----------
    rate : float
        In [0, 1).
    seed : int, optional
        0 or more. Default: that of `fit`, or of `fcnet.set_seed`. With a seed of its own the layer draws the same
        numbers in every fit that begins at the same epoch.
    input_dim, input_shape, name
        As of `Dense`.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or lies outside its range.

    Notes
    -----
    Source: N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever, R. Salakhutdinov, Dropout: a simple way to
    prevent neural networks from overfitting, JMLR 15 (2014). Where the random numbers come from is told in
    `fcnet.kernels.counter`.
    """

    kind = transform = "dropout"
    rate: float

    def __init__(
        self,
        rate: float,
        seed: int | None = None,
        *,
        input_dim: int | None = None,
        input_shape: Sequence[int] | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(seed, input_dim, input_shape, name)
        share = checks.real("rate", rate, 0, 1, "[)")
        # between two of the numbers that are drawn, and the same in float32 and float64
        self._define(rate=share, transform_parameter=min(round(share * 2.0**23), 2**23 - 1) / 2.0**23)

    def _described(self) -> str:
        return f"{self.rate}" + ("" if self.seed is None else f", seed={self.seed}")


class GaussianNoise(_Random):
    """In training a normal number of mean 0 and standard deviation `stddev` is added to each input.

    Parameters
    ----------
    stddev : float
        0 or more.
    seed : int, optional
        As of `Dropout`.
    input_dim, input_shape, name
        As of `Dense`.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or lies outside its range.
    """

    kind = transform = "gaussian_noise"
    stddev: float

    def __init__(
        self,
        stddev: float,
        seed: int | None = None,
        *,
        input_dim: int | None = None,
        input_shape: Sequence[int] | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(seed, input_dim, input_shape, name)
        deviation = checks.real("stddev", stddev, 0, math.inf, "[)")
        self._define(stddev=deviation, transform_parameter=deviation)

    def _described(self) -> str:
        return f"{self.stddev}" + ("" if self.seed is None else f", seed={self.seed}")


class LayerNormalization(Layer):
    """Each sample to mean 0 and variance 1 over its features, then to those that the layer learns.

    ::

        A = gamma (A_prev - mean) / sqrt(variance + epsilon) + beta

    Parameters
    ----------
    epsilon : float, default=1e-3
        Above 0.
    center : bool, default=True
        Whether there is a beta.
    scale : bool, default=True
        Whether there is a gamma.
    beta_initializer : str or callable, default="zeros"
        How beta (O,) begins.
    gamma_initializer : str or callable, default="ones"
        How gamma (O,) begins.
    input_dim, input_shape, name
        As of `Dense`.

    Attributes
    ----------
    gamma, beta : ndarray of shape (O,) or None
        Live views of the model's flat parameter vector.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, lies outside its range, or is an unknown name.

    Notes
    -----
    Source: J. Ba, J. Kiros, G. Hinton, Layer normalization, 2016.
    """

    kind = transform = "layer_normalization"
    epsilon: float
    center: bool
    scale: bool
    beta_initializer: Callable[..., np.ndarray]
    gamma_initializer: Callable[..., np.ndarray]

    def __init__(
        self,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        *,
        input_dim: int | None = None,
        input_shape: Sequence[int] | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(input_dim, input_shape, name)
        added = checks.real("epsilon", epsilon, 0, math.inf, "()")
        self._define(
            epsilon=added,
            transform_parameter=added,
            center=checks.flag("center", center),
            scale=checks.flag("scale", scale),
            beta_initializer=initializers.get(beta_initializer, "beta_initializer"),
            gamma_initializer=initializers.get(gamma_initializer, "gamma_initializer"),
        )

    def shapes(self, inputs: int) -> dict[str, tuple[int, ...]]:
        """The shapes of gamma and beta, as far as the layer has them."""
        present = ("gamma", self.scale), ("beta", self.center)
        return {name: (inputs,) for name, wanted in present if wanted}

    @property
    def gamma(self) -> np.ndarray | None:
        """gamma (O,), a live view of the model's flat parameter vector; None without it."""
        return self._views().get("gamma")

    @property
    def beta(self) -> np.ndarray | None:
        """beta (O,), a live view of the model's flat parameter vector; None without it."""
        return self._views().get("beta")

    def _described(self) -> str:
        return f"epsilon={self.epsilon}"


def _activation(identifier: Any) -> dict[str, Any]:
    """What a layer keeps of an activation."""
    chosen = activations.get(identifier)
    name = chosen if isinstance(chosen, activations.Custom) else chosen.name
    return {"activation": name, "activation_parameter": chosen.parameter}


def _shown(layer: Layer) -> str:
    """A layer's activation as text, with its parameter if that is not the default."""
    activation = activations.get(layer.activation)
    if layer.activation_parameter == activation.parameter:
        return repr(layer.activation)
    return f"{layer.activation}({activation.parameter_name}={layer.activation_parameter!r})"
