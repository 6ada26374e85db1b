"""The elementary functions on plain 1-D arrays of one dtype: ``exp(x, out)`` writes ``out[i] = e^x[i]``.

They make `elementary` measurable on its own; memory limits them, so each is a plain loop on one thread.

`activate` and `activate_backward` do the same for the activations, which are many: these two are Python functions
around the compiled parts that networks use, so an activation is compiled when it is first asked for, and once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import activations, elementary
from ._jit import part_function, public_serial_kernel
from .arguments import ARRAYS, NEEDED, check_arrays, described
from .simd import NV, REGISTER_BYTES, data, lanes, load_upto, store_upto


@public_serial_kernel
def exp(x, out):
    """out = e^x."""
    check_arrays((x,), (out,))
    if x.shape != out.shape:
        raise ValueError("exp takes x and out of one shape")
    for i in range(0, x.size, lanes(data(x))):
        n = x.size - i
        store_upto(elementary.exp(load_upto(data(x) + i, n)), data(out) + i, n)


@public_serial_kernel
def log(x, out):
    """out = ln x; -inf at 0, NaN below."""
    check_arrays((x,), (out,))
    if x.shape != out.shape:
        raise ValueError("log takes x and out of one shape")
    for i in range(0, x.size, lanes(data(x))):
        n = x.size - i
        store_upto(elementary.log(load_upto(data(x) + i, n)), data(out) + i, n)


@public_serial_kernel
def tanh(x, out):
    """out = tanh x."""
    check_arrays((x,), (out,))
    if x.shape != out.shape:
        raise ValueError("tanh takes x and out of one shape")
    for i in range(0, x.size, lanes(data(x))):
        n = x.size - i
        store_upto(elementary.tanh(load_upto(data(x) + i, n)), data(out) + i, n)


@public_serial_kernel
def sigmoid(x, out):
    """out = 1 / (1 + e^-x)."""
    check_arrays((x,), (out,))
    if x.shape != out.shape:
        raise ValueError("sigmoid takes x and out of one shape")
    for i in range(0, x.size, lanes(data(x))):
        n = x.size - i
        store_upto(elementary.sigmoid(load_upto(data(x) + i, n)), data(out) + i, n)


def activate(activation: str, Z: np.ndarray, A: np.ndarray, parameter: float | None = None) -> None:
    """A = g(Z), element by element, for any activation of `Dense` but linear and softmax.

    Parameters
    ----------
    activation : str
        Its name, such as "gelu".
    Z : array
        C-contiguous, of any shape.
    A : array of the shape and dtype of Z
        Written; may be Z.
    parameter : float, optional
        The one that leaky_relu (slope), elu (alpha) and gelu (1 for the approximation by tanh) have.

    Raises
    ------
    TypeError
        If an array is not C-contiguous and of the one dtype, or can't be written, or the parameter is no number.
    ValueError
        If there is no such activation, it has no parameter, or the shapes differ.
    """
    function, number = _function(activation, parameter)
    _check("activate", (A,), Z=Z, A=A)
    _call_part(function.forward, Z, A, number)


def activate_backward(activation: str, kept: np.ndarray, dA: np.ndarray, dZ: np.ndarray,
                      parameter: float | None = None) -> None:
    """dZ = dA g'(Z), element by element.

    Parameters
    ----------
    activation : str
        As in `activate`.
    kept : array
        A, the output; for gelu, silu and mish, which are not monotone, Z.
    dA : array of the same shape and dtype
    dZ : array of the same shape and dtype
        Written; may be dA.
    parameter : float, optional
        As in `activate`.

    Raises
    ------
    TypeError, ValueError
        As by `activate`.
    """
    function, number = _function(activation, parameter)
    _check("activate_backward", (dZ,), kept=kept, dA=dA, dZ=dZ)
    if dZ is not dA:
        dZ[...] = dA
    _call_part(function.backward, kept, dZ, number)


def _check(name: str, written: tuple[Any, ...], **arrays: Any) -> None:
    """What a compiled kernel asks of its arrays."""
    fit = all(type(array) in ARRAYS and array.flags.c_contiguous for array in arrays.values())
    if not fit or {array.dtype for array in arrays.values()} not in ({np.dtype("f4")}, {np.dtype("f8")}) \
            or not all(array.flags.writeable for array in written):
        raise TypeError(f"{name} takes {NEEDED}; {_came(arrays)}")
    if len({array.shape for array in arrays.values()}) > 1:
        raise ValueError(f"{name} takes {', '.join(arrays)} of one shape; {_came(arrays)}")


def _came(arrays: dict[str, Any]) -> str:
    return f"got {', '.join(f'{argument} {described(array)}' for argument, array in arrays.items())}"


def _function(activation: str, parameter: float | None) -> tuple[activations.Function, float]:
    """The parts of an activation, and its parameter."""
    function = activations.FUNCTIONS.get(activation) if isinstance(activation, str) else None
    if function is None or activation in ("linear", "softmax"):
        names = ", ".join(sorted(set(activations.FUNCTIONS) - {"linear", "softmax"}))
        raise ValueError(f"no element-by-element activation {activation!r}; the names are {names}")
    if parameter is not None and not function.parametric:
        raise ValueError(f"{activation} has no parameter, got {parameter!r}")
    if not (parameter is None or isinstance(parameter, (int, float, np.bool_, np.integer, np.floating))):
        raise TypeError(f"the parameter of {activation} must be a number, got {described(parameter)}")
    return function, float(function.parameter if parameter is None else parameter)


def _call_part(part: Any, source: np.ndarray, target: np.ndarray, parameter: float) -> None:
    """A part works on whole rows of a slab; what is left over goes through one row of its own."""
    dtype = target.dtype
    compiled = part_function(part, dtype)
    row = NV * REGISTER_BYTES // dtype.itemsize
    rows, rest = divmod(target.size, row)
    compiled(source.ctypes.data, target.ctypes.data, rows, parameter)
    if rest:
        last = np.zeros((2, row), dtype)
        tails = source.reshape(-1)[-rest:], target.reshape(-1)[-rest:]
        last[0, :rest], last[1, :rest] = tails
        compiled(last[0].ctypes.data, last[1].ctypes.data, 1, parameter)
        tails[1][:] = last[1, :rest]
