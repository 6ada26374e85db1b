"""The elementary functions on plain 1-D arrays of one dtype: ``exp(x, out)`` writes ``out[i] = e^x[i]``.

They make `elementary` measurable on its own; memory limits them, so each is a plain loop on one thread.
"""

from __future__ import annotations

from . import elementary
from ._jit import serial_kernel
from .simd import data, lanes, load_upto, store_upto


@serial_kernel
def exp(x, out):
    """out = e^x."""
    for i in range(0, x.size, lanes(data(x))):
        n = x.size - i
        store_upto(elementary.exp(load_upto(data(x) + i, n)), data(out) + i, n)


@serial_kernel
def log(x, out):
    """out = ln x; -inf at 0, NaN below."""
    for i in range(0, x.size, lanes(data(x))):
        n = x.size - i
        store_upto(elementary.log(load_upto(data(x) + i, n)), data(out) + i, n)


@serial_kernel
def tanh(x, out):
    """out = tanh x."""
    for i in range(0, x.size, lanes(data(x))):
        n = x.size - i
        store_upto(elementary.tanh(load_upto(data(x) + i, n)), data(out) + i, n)


@serial_kernel
def sigmoid(x, out):
    """out = 1 / (1 + e^-x)."""
    for i in range(0, x.size, lanes(data(x))):
        n = x.size - i
        store_upto(elementary.sigmoid(load_upto(data(x) + i, n)), data(out) + i, n)
