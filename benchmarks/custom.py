"""What functions of the user cost, beside the built-ins of the same formula.

    python benchmarks/custom.py
    python benchmarks/custom.py --seconds 4 --functions relu huber

How: the built-in, your function with its derivative, and your function alone, whose derivative is a central difference,
in turn, in one process on one thread. "Part" is the compiled part by itself: of an activation forward and backward
together, of a loss value and gradient, of 64 x 256 numbers, which stay in the cache. "Step" is a whole training step of
64-64-64-64 with batches of 256, the activation in all layers. Ratios are medians over rounds of the ratio within a
round. "Compile" is the time from the definition to the end of the first step less that of the second, for a function
with its derivative and all else compiled.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import common
import numpy as np
from common import in_turn, ratio, table
from fcnet.kernels import _jit, custom
from fcnet.kernels import activations as built_in
from fcnet.kernels import losses as built_in_losses
from fcnet.kernels.simd import NV, REGISTER_BYTES
from numba import njit

import fcnet
from fcnet import Dense, Sequential, activations, losses

BATCH, UNITS, DEPTH = 256, 64, 3
STEPS = 16


class Own(NamedTuple):
    """A formula and its derivative in plain Python; `by_output` is a derivative by a = g(z)."""

    formula: Callable
    derivative: Callable | None = None
    by_output: Callable | None = None


ACTIVATIONS = {
    "relu": Own(lambda z: max(z, 0.0), lambda z: 1.0 if z > 0.0 else 0.0),
    "elu": Own(lambda z: z if z > 0.0 else math.expm1(z), by_output=lambda a: 1.0 if a > 0.0 else a + 1.0),
    "tanh": Own(lambda z: math.tanh(z), by_output=lambda a: 1.0 - a * a),
    "tanh, by z": Own(lambda z: math.tanh(z), lambda z: 1.0 - math.tanh(z) ** 2),
    "silu": Own(
        lambda z: z / (1.0 + math.exp(-z)),
        lambda z: (1.0 + math.exp(-z) * (1.0 + z)) / (1.0 + math.exp(-z)) ** 2,
    ),
}
LOSSES = {
    "mean_squared_error": Own(lambda a, y: (a - y) ** 2, lambda a, y: 2.0 * (a - y)),
    "huber": Own(
        lambda a, y: 0.5 * (a - y) ** 2 if abs(a - y) <= 1.0 else abs(a - y) - 0.5,
        lambda a, y: max(min(a - y, 1.0), -1.0),
    ),
}


def compiled(own: Own, with_derivative: bool) -> dict[str, Any]:
    """Arguments of `Custom`, of functions that nothing has compiled before."""
    found = {"function": njit(own.formula)}
    if with_derivative and own.derivative:
        found["derivative"] = njit(own.derivative)
    if with_derivative and own.by_output:
        found["output_derivative"] = njit(own.by_output)
    return found


def declared(name: str, with_derivative: bool) -> activations.Custom | losses.Custom:
    own = ACTIVATIONS.get(name) or LOSSES[name]
    return (activations if name in ACTIVATIONS else losses).Custom(**compiled(own, with_derivative))


# --- the part -----------------------------------------------------------------------------------------


def activation_part(function: str | activations.Custom, memory: np.ndarray) -> Callable[[int], object]:
    """Forward and backward of UNITS x BATCH numbers: Z, A, dA are rows of `memory`."""
    own, dtype = isinstance(function, activations.Custom), memory.dtype
    parts = custom.activation(*function.functions, dtype) if own else built_in.FUNCTIONS[function]
    forward, backward = (_jit.part_function(part, dtype) for part in (parts.forward, parts.backward))
    z, a, da = (row.ctypes.data for row in memory)
    kept = z if parts.keeps_Z else a
    rows = memory[0].nbytes // (NV * REGISTER_BYTES)

    def run(number: int) -> None:
        forward(z, a, rows, parts.parameter)
        memory[2].fill(1.0)  # which all pay alike: products of products would become 0
        backward(kept, da, rows, parts.parameter)

    return run


def loss_part(loss: str | losses.Custom, memory: np.ndarray) -> Callable[[int], object]:
    """Value and gradient of as many numbers: A, Y, dA are one slab of very many outputs."""
    own, dtype = isinstance(loss, losses.Custom), memory.dtype
    part = custom.loss(loss.function, loss.derivative, dtype) if own else built_in_losses.LOSSES[loss]
    function = _jit.part_function(part, dtype)
    P = NV * REGISTER_BYTES // dtype.itemsize
    others = np.ones(P, dtype), np.ones(built_in_losses.N_PARAMETERS), np.zeros(1)
    a, y, da = (row.ctypes.data for row in memory)
    weights, parameters, sums = (array.ctypes.data for array in others)

    def run(number: int, keep: tuple = others) -> None:
        function(a, y, da, UNITS * BATCH // P, weights, 1.0 / P, parameters, sums)

    return run


# --- the step -----------------------------------------------------------------------------------------


def model_of(activation: str | activations.Custom, loss: str | losses.Custom, dtype: np.dtype) -> Sequential:
    fcnet.set_seed(0)
    sizes = [UNITS] * DEPTH
    model = Sequential([Dense(n, activation, input_dim=UNITS) if not l else Dense(n, activation)
                        for l, n in enumerate(sizes)], dtype=dtype.name)
    model.compile("sgd", loss)
    return model


def step(model: Sequential, dtype: np.dtype) -> Callable[[int], object]:
    """STEPS steps in one call, as fit runs them."""
    rng = np.random.default_rng(1)
    X, Y = rng.standard_normal((2, STEPS * BATCH, UNITS)).astype(dtype)
    return lambda number: model.fit(X, Y, batch_size=BATCH, shuffle=False, verbose=0)


def first_step(model: Sequential, dtype: np.dtype) -> float:
    """Seconds of the first step less those of the second."""
    X = np.ones((BATCH, UNITS), dtype)
    times = []
    for _ in range(2):
        begin = time.perf_counter()
        model.train_on_batch(X, X)
        times.append(time.perf_counter() - begin)
    return times[0] - times[1]


# --- all of it ----------------------------------------------------------------------------------------


def row(name: str, dtype: np.dtype, seconds: float) -> list[str]:
    """Cells of the table: the built-in, and by it your function with its derivative and with a central difference."""
    ways = {"built-in": name.partition(",")[0]}
    is_activation = name in ACTIVATIONS
    compiling = []
    models = {}
    for way in ("built-in", "derivative", "difference"):
        begin = time.perf_counter()
        if way != "built-in":
            ways[way] = declared(name, way == "derivative")
        begun = time.perf_counter() - begin
        pair = (ways[way], "mean_squared_error") if is_activation else ("relu", ways[way])
        models[way] = model_of(*pair, dtype)
        compiling.append(begun + first_step(models[way], dtype))
    part = activation_part if is_activation else loss_part
    # the same memory for all, with rows that do not begin at one place of a page
    memory = np.zeros((3, UNITS * BATCH + 320), dtype)[:, : UNITS * BATCH]
    memory[:2] = np.random.default_rng(0).standard_normal((2, UNITS * BATCH))
    parts = in_turn({way: part(function, memory) for way, function in ways.items()}, seconds)
    steps = in_turn({way: step(model, dtype) for way, model in models.items()}, seconds)
    cells = [name, dtype.name]
    for unit, times in (1e6, parts), (1e6 / STEPS, steps):
        by = [ratio(times[way], times["built-in"]) for way in ("derivative", "difference")]
        cells += [f"{unit * min(times['built-in']):.1f}", *(f"{value:.2f}" for value in by)]
    return [*cells, f"{compiling[1]:.2f}"]


def main() -> None:
    parser = common.parser(__doc__)
    parser.add_argument("--seconds", type=float, default=0.7, help="for each part and each step")
    parser.add_argument("--functions", nargs="+", default=[*ACTIVATIONS, *LOSSES], choices=[*ACTIVATIONS, *LOSSES])
    parser.add_argument("--dtypes", nargs="+", default=["float32", "float64"], choices=["float32", "float64"])
    arguments = common.parse(parser)
    fcnet.set_num_threads(1)
    header = common.header(f"1 thread; {arguments.seconds} s for each part and each step, in {common.ROUNDS} rounds")
    print(header, end="\n\n", flush=True)
    rows = [["function", "dtype", "part, us", "derivative", "difference", "step, us", "derivative", "difference",
             "compile, s"]]
    for name in arguments.functions:
        for dtype in arguments.dtypes:
            rows.append(row(name, np.dtype(dtype), arguments.seconds))
            print(*rows[-1], flush=True)
    text = """The time of the built-in, and of your function by it: with its derivative, and with the central difference
in its place."""
    print(table(rows))
    if arguments.write:
        common.write_section(arguments.write, "Your own functions", header, text, table(rows))


if __name__ == "__main__":
    main()
