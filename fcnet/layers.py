"""Layers: what a network consists of, and each layer's view of the flat parameter vector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import activations, checks, initializers
from .layout import Slot


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


class Dense:
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

    def __init__(
        self,
        units: int,
        activation: str | activations.Activation | Callable | None = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        *,
        input_dim: int | None = None,
        input_shape: Sequence[int] | None = None,
        name: str | None = None,
    ) -> None:
        self.units = checks.whole("units", units, 1)
        chosen = activations.get(activation)
        self.activation = chosen if isinstance(chosen, activations.Custom) else chosen.name
        self.activation_parameter = chosen.parameter
        self.use_bias = checks.flag("use_bias", use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer, "kernel_initializer")
        self.bias_initializer = initializers.get(bias_initializer, "bias_initializer")
        self.input_dim = checks.input_size(input_dim, input_shape)
        self.name = None if name is None else checks.text("name", name)
        # The model's flat vector itself, not a view, so that pickle and deepcopy keep it one object.
        self._flat: np.ndarray | None = None
        self._slot: Slot | None = None

    @property
    def built(self) -> bool:
        """Whether the layer has its parameters."""
        return self._flat is not None

    @property
    def kernel(self) -> np.ndarray:
        """W (I, O), a live view of the model's flat parameter vector."""
        flat, slot = self._place()
        return slot.kernel(flat)

    @property
    def bias(self) -> np.ndarray | None:
        """b (O,), a live view of the model's flat parameter vector; None without bias."""
        flat, slot = self._place()
        return slot.bias(flat)

    W, b = kernel, bias

    def count_params(self) -> int:
        """Number of parameters."""
        slot = self._place()[1]
        return slot.stop - slot.start

    def get_weights(self) -> list[np.ndarray]:
        """Copies of [W (I, O), b (O,)], or [W] without bias."""
        return [view.copy() for view in self._views().values()]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set W and b from arrays of exactly their shapes.

        Raises
        ------
        TypeError, ValueError
            If the number of arrays, a shape or a value does not fit; nothing is changed then.
        """
        views = self._views()
        for view, values in zip(views.values(), self._checked(weights), strict=True):
            view[...] = values

    def _checked(self, weights: Sequence[Any]) -> list[np.ndarray]:
        """`weights` as arrays that fit the views; the layer is not changed."""
        views = self._views()
        if len(weights) != len(views):
            raise ValueError(
                f"layer {self.name!r} has {len(views)} arrays ({', '.join(views)}), got {len(weights)}"
            )
        return [
            checks.weights(f"{self.name}.{part}", values, view.shape, view.dtype)
            for (part, view), values in zip(views.items(), weights, strict=True)
        ]

    def _views(self) -> dict[str, np.ndarray]:
        bias = self.bias
        return {"kernel": self.kernel} | ({} if bias is None else {"bias": bias})

    def _place(self) -> tuple[np.ndarray, Slot]:
        if self._flat is None or self._slot is None:
            raise RuntimeError(
                f"layer {self.name or 'Dense'!r} has no parameters yet: add it to a model whose input size "
                "is known (input_dim), or fit the model"
            )
        return self._flat, self._slot

    def _initialize(self, flat: np.ndarray, slot: Slot) -> None:
        """Draw W and b into their place of `flat`."""
        parts = [("kernel_initializer", self.kernel_initializer, slot.kernel(flat))]
        bias = slot.bias(flat)
        if bias is not None:
            parts.append(("bias_initializer", self.bias_initializer, bias))
        for name, initializer, view in parts:
            values = initializer(view.shape, dtype=flat.dtype)
            view[...] = checks.weights(name, values, view.shape, flat.dtype)

    def _bind(self, flat: np.ndarray, slot: Slot) -> None:
        self._flat, self._slot = flat, slot

    def __repr__(self) -> str:
        activation = activations.get(self.activation)
        shown = repr(self.activation)
        if self.activation_parameter != activation.parameter:
            shown = f"{self.activation}({activation.parameter_name}={self.activation_parameter!r})"
        return f"Dense({self.units}, activation={shown}, name={self.name!r})"
