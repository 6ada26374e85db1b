"""Activations: their names, parameters and formulas. The arithmetic is compiled, in `fcnet.kernels.activations`.

Names, defaults and formulas are Keras 3's (https://keras.io/api/layers/activations). The derivative is written
in terms of what the backward pass uses: the output A = g(Z) where that is enough, else Z.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from . import checks


@dataclass(frozen=True)
class Activation:
    """One activation: the name that `Dense` and the kernels know it by, g and its derivative.

    Some have one parameter. Called with another value of it, an activation gives one with that value:
    ``Dense(8, activation=activations.elu(alpha=0.5))``.

    Attributes
    ----------
    name : str
        The name of the activation.
    formula, derivative : str
        g(Z) and g'(Z).
    parameter_name : str
        Empty if there is none.
    parameter : float
        Its value.
    """

    name: str
    formula: str
    derivative: str
    parameter_name: str = ""
    parameter: float = 0.0

    def __call__(self, *arrays: Any, **parameters: Any) -> Activation:
        """The same activation with another parameter, such as ``leaky_relu(negative_slope=0.1)``.

        Raises
        ------
        TypeError
            If the activation has no parameter of this name, or is called with an array or a number without a name.
        ValueError
            If the value is negative or not finite.
        """
        name = self.parameter_name
        if arrays:
            form = f"{self.name}({name}=...)" if name else self.name
            raise TypeError(
                f"activation {self.name!r} is given to a layer, like Dense(8, activation={form}), and can't be called "
                f"with an argument without a name, got {type(arrays[0]).__name__}; on arrays: fcnet.kernels.activate"
            )
        if list(parameters) not in ([], [name]):
            has = f"has the parameter {name!r}" if name else "has no parameters"
            raise TypeError(f"activation {self.name!r} {has}, got {', '.join(map(repr, parameters))}")
        if not parameters:
            return self
        value = parameters[name]
        if name == "approximate":
            return replace(self, parameter=float(checks.flag(name, value)))
        return replace(self, parameter=checks.real(name, value, 0, math.inf, "[)"))

    def __str__(self) -> str:
        value: Any = bool(self.parameter) if self.parameter_name == "approximate" else self.parameter
        return f"{self.name}({self.parameter_name}={value})" if self.parameter_name else self.name


class Custom(Activation):
    """Your own activation, element by element: functions compiled by Numba. See docs/custom.md.

    ``Dense(8, activation=my_function)`` is short for ``Dense(8, activation=Custom(my_function))``.

    Parameters
    ----------
    function : function decorated with numba.njit
        g(z), from one number to one number.
    derivative : function decorated with numba.njit, optional
        g'(z). Default: the central difference of `function` in float64, which calls it twice.
    output_derivative : function decorated with numba.njit, optional
        Instead of `derivative`: g' by the output a = g(z), as 1 - a^2 of tanh. Z is not kept then.
    name : str, optional
        Default: that of the function.

    Attributes
    ----------
    functions : tuple
        `function`, the derivative or None, and whether that is one by the output.

    Raises
    ------
    TypeError
        If a function is not compiled by Numba, takes another number of arguments, does not compile for numbers, or
        does not return one number.
    ValueError
        If both derivatives are given.

    Examples
    --------
    >>> import math, numba
    >>> from fcnet import Dense, activations
    >>> @numba.njit
    ... def scaled_tanh(z):
    ...     return 1.7159 * math.tanh(2.0 / 3.0 * z)
    >>> Dense(8, activation=scaled_tanh)
    Dense(8, activation=Custom(scaled_tanh), name=None)
    """

    functions: tuple[Any, Any, bool]

    def __init__(
        self, function: Any, derivative: Any = None, output_derivative: Any = None, name: str | None = None
    ) -> None:
        checks.njit("activation", function, ("z",))
        if derivative is not None and output_derivative is not None:
            raise ValueError("give derivative, of z, or output_derivative, of a = g(z), not both")
        if derivative is not None:
            checks.njit("derivative", derivative, ("z",))
        if output_derivative is not None:
            checks.njit("output_derivative", output_derivative, ("a",))
        called = function.py_func.__name__
        slope, by = (derivative, "Z") if output_derivative is None else (output_derivative, "A")
        shown = "central difference" if slope is None else f"{slope.py_func.__name__}({by})"
        super().__init__(called if name is None else checks.text("name", name), f"{called}(Z)", shown)
        object.__setattr__(self, "functions", (function, slope, output_derivative is not None))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Custom) and (self.name, self.functions) == (other.name, other.functions)

    def __hash__(self) -> int:
        return hash((self.name, self.functions))

    def __repr__(self) -> str:
        return f"Custom({self.name})"


linear = Activation("linear", "Z", "1")
relu = Activation("relu", "max(Z, 0)", "1 where A > 0, else 0")
relu6 = Activation("relu6", "min(max(Z, 0), 6)", "1 where 0 < A < 6, else 0")
leaky_relu = Activation(
    "leaky_relu", "Z where Z > 0, else negative_slope Z", "1 where A > 0, else negative_slope", "negative_slope", 0.2
)
elu = Activation("elu", "Z where Z > 0, else alpha (exp(Z) - 1)", "1 where A > 0, else A + alpha", "alpha", 1.0)
selu = Activation(
    "selu", "1.0507 Z where Z > 0, else 1.0507 * 1.6733 (exp(Z) - 1)", "1.0507 where A > 0, else A + 1.7581"
)
softplus = Activation("softplus", "log(1 + exp(Z))", "1 - exp(-A)")
softsign = Activation("softsign", "Z / (1 + |Z|)", "(1 - |A|)^2")
exponential = Activation("exponential", "exp(Z)", "A")
sigmoid = Activation("sigmoid", "1 / (1 + exp(-Z))", "A (1 - A)")
hard_sigmoid = Activation("hard_sigmoid", "min(max(Z + 3, 0), 6) / 6", "1/6 where 0 < A < 1, else 0")
tanh = Activation("tanh", "tanh(Z)", "1 - A^2")
hard_tanh = Activation("hard_tanh", "min(max(Z, -1), 1)", "1 where -1 < A < 1, else 0")
gelu = Activation(
    "gelu",
    "Z Phi(Z), Phi(Z) = (1 + erf(Z / sqrt(2))) / 2; with approximate=True "
    "Z (1 + tanh(sqrt(2 / pi) (Z + 0.044715 Z^3))) / 2",
    "Phi(Z) + Z exp(-Z^2 / 2) / sqrt(2 pi)",
    "approximate",
    False,
)
silu = Activation("silu", "Z sigmoid(Z)", "sigmoid(Z) (1 + Z (1 - sigmoid(Z)))")
mish = Activation("mish", "Z tanh(log(1 + exp(Z)))", "T + Z (1 - T^2) sigmoid(Z), T = tanh(log(1 + exp(Z)))")
softmax = Activation("softmax", "exp(Z) / sum of exp(Z) over the units", "dZ = A (dA - sum of A dA)")
swish = silu

ACTIVATIONS = {
    known.name: known
    for known in (
        linear, relu, relu6, leaky_relu, elu, selu, softplus, softsign, exponential, sigmoid, hard_sigmoid, tanh,
        hard_tanh, gelu, silu, mish, softmax,
    )
}  # fmt: skip
ACTIVATIONS["swish"] = swish


def get(identifier: Any) -> Activation:
    """The activation of a name ("relu"), an object, or a function decorated with numba.njit; None means linear.

    Raises
    ------
    ValueError
        If the name is not known; the message has the valid names and the nearest one.
    TypeError
        If `identifier` is neither a name nor an Activation nor a function that can be one.
    """
    if identifier is None:
        return linear
    if isinstance(identifier, Activation):
        if not isinstance(identifier, Custom) and identifier.name not in ACTIVATIONS:
            checks.unknown("activation", identifier.name, ACTIVATIONS)
        return identifier
    if isinstance(identifier, str) and identifier in ACTIVATIONS:
        return ACTIVATIONS[identifier]
    if checks.is_function(identifier):
        return Custom(identifier)
    checks.unknown("activation", identifier, ACTIVATIONS)
