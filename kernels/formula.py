"""A scalar formula of the user on vectors: ``z if z > 0.0 else math.exp(z) - 1.0`` for all lanes at once.

`formula` compiles an `@njit` function anew, with the options of the kernels.  Called with a number it is what the user
wrote.  Called with a `Vector` its operators, comparisons and the functions defined here work on all lanes, and where it
branches, all ways are computed and every lane chooses (`_without_branches`).  What vectors don't have (a loop,
`math.sin`, a table) does not compile then: see `compiles`; the caller takes the numbers one by one.
"""

from __future__ import annotations

import functools
import math
import operator
from graphlib import CycleError, TopologicalSorter
from typing import Any

import numpy as np
from llvmlite import ir as llvm
from numba import types
from numba.core import errors, ir
from numba.core.analysis import compute_cfg_from_blocks
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import FunctionPass, register_pass
from numba.core.dispatcher import Dispatcher
from numba.core.imputils import lower_builtin, lower_cast
from numba.core.ir_utils import build_definitions, mk_unique_var
from numba.core.postproc import PostProcessor
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.core.untyped_passes import ReconstructSSA
from numba.extending import intrinsic, overload

from . import elementary
from ._jit import FORMULA_OPTIONS, inline, inline_with
from .simd import (
    REGISTER_BYTES,
    Mask,
    Vector,
    _define_operator,
    _splat,
    _vector_ir,
    absolute,
    constant,
    copysign,
    polynomial,
    select,
    sqrt,
)

POWERS = range(1, 17)
"""x ** n is a product for these n, and x ** -n one over it."""


# ------------------------------------------------------------------------------------------------
# Masks and numbers among vectors
# ------------------------------------------------------------------------------------------------

@lower_cast(types.Boolean, Mask)
def _boolean_to_mask(context: Any, builder: Any, from_type: Any, to_type: Mask, value: Any) -> Any:
    return _splat(builder, value, llvm.VectorType(llvm.IntType(1), to_type.lanes))


@lower_cast(Mask, Vector)
def _mask_to_vector(context: Any, builder: Any, from_type: Any, to_type: Vector, value: Any) -> Any:
    return builder.uitofp(value, _vector_ir(to_type))


@lower_cast(types.Boolean, Vector)
def _boolean_to_vector(context: Any, builder: Any, from_type: Any, to_type: Vector, value: Any) -> Any:
    return _splat(builder, context.cast(builder, value, from_type, to_type.dtype), _vector_ir(to_type))


def _define_on_masks(operation: Any, arity: int, emit: Any) -> None:
    class Template(AbstractTemplate):
        def generic(self, args: tuple, kws: dict) -> Any:
            masks = [arg for arg in args if isinstance(arg, Mask)]
            if masks and len(args) == arity and all(isinstance(arg, (Mask, types.Boolean)) for arg in args):
                return signature(masks[0], *masks[:1] * arity)

    infer_global(operation)(Template)
    lower_builtin(operation, *[Mask] * arity)(lambda context, builder, sig, args: emit(builder, *args))


_define_on_masks(bool, 1, lambda builder, m: m)
_define_on_masks(operator.not_, 1, lambda builder, m: builder.not_(m))
_define_on_masks(operator.and_, 2, lambda builder, m, n: builder.and_(m, n))
_define_on_masks(operator.or_, 2, lambda builder, m, n: builder.or_(m, n))
_define_on_masks(operator.eq, 2, lambda builder, m, n: builder.not_(builder.xor(m, n)))
_define_on_masks(operator.ne, 2, lambda builder, m, n: builder.xor(m, n))

_define_operator(operator.ne, 2, lambda builder, x, y: builder.fcmp_unordered("!=", x, y), gives_mask=True)
_define_operator(operator.pos, 1, lambda builder, x: x)
_define_operator(float, 1, lambda builder, x: x)
# as Python has them: the first one unless the second is greater (less)
_define_operator(max, 2, lambda builder, x, y: builder.select(builder.fcmp_ordered(">", y, x), y, x))
_define_operator(min, 2, lambda builder, x, y: builder.select(builder.fcmp_ordered("<", y, x), y, x))


@intrinsic
def choose(typingctx, condition, a, b):
    """`a` where the condition holds, `b` elsewhere; any of the three may be the same for all lanes."""
    kinds = a, b
    vectors = [kind for kind in kinds if isinstance(kind, Vector)]
    truths = all(isinstance(kind, (Mask, types.Boolean)) for kind in kinds)
    if not all(isinstance(kind, (Vector, Mask, types.Number, types.Boolean)) for kind in kinds):
        return None
    if vectors:
        result = vectors[0]
    elif isinstance(condition, Mask):
        result = condition if truths else _vector_with(condition)
    else:
        masks = [kind for kind in kinds if isinstance(kind, Mask)]
        result = masks[0] if masks and truths else typingctx.unify_types(*map(types.unliteral, kinds))

    def codegen(context, builder, sig, args):
        return builder.select(*args)
    return None if result is None else signature(result, condition, result, result), codegen


def _vector_with(mask: Mask) -> Vector:
    """The vector of as many lanes."""
    return Vector(types.float32 if mask.lanes == REGISTER_BYTES // 4 else types.float64)


@intrinsic
def as_vector(typingctx, result, x):
    """What a formula returned for the vector `x` as a vector of its type; a truth is 1 or 0."""
    def codegen(context, builder, sig, args):
        return args[0]
    return x(x, x), codegen


# ------------------------------------------------------------------------------------------------
# Functions of vectors
# ------------------------------------------------------------------------------------------------

_half_is_far = constant(80.0, 360.0)


@inline
def _expm1(x):
    """e^x - 1 for all x: with t = e^(x/2) - 1 it is t (t + 2)."""
    half = 0.5 * x
    far = _half_is_far(x)
    t = elementary.expm1(select(half > far, far, select(half < -80.0, -80.0, half)))
    return t * (t + 2.0)


@inline
def _log1p(x):
    """ln(1 + x) for all x: `elementary.log1p`, whose correction is NaN at -1 and infinity."""
    w = 1.0 + x
    lost = (x - (w - 1.0)) / w
    return elementary.log(w) + select(lost == lost, lost, 0.0)


# erf x / x = 2 / sqrt(pi) sum of (-x^2)^k / (k! (2 k + 1)), a polynomial in x^2 <= 1/4
_erf_series = polynomial([2 / math.sqrt(math.pi) * (-1) ** k / (math.factorial(k) * (2 * k + 1)) for k in range(7)],
                         [2 / math.sqrt(math.pi) * (-1) ** k / (math.factorial(k) * (2 * k + 1)) for k in range(14)])


@inline
def _erf(x):
    """1 - 2 Phi(-sqrt(2) |x|) with the sign of x, and near 0 by its series, so that small results keep their digits."""
    size = absolute(x)
    _, tail = elementary.normal_density_and_tail(1.4142135623730951 * size)
    return select(size < 0.5, x * _erf_series(x * x), copysign(1.0 - 2.0 * tail, x))


@inline
def _maximum(x, y):
    """As NumPy has it: NaN if either is."""
    return choose(x > y, x, choose(x == x, y, x))


@inline
def _minimum(x, y):
    return choose(x < y, x, choose(x == x, y, x))


def _define_function(names: tuple, implementation: Any) -> None:
    def of_one(x):
        if isinstance(x, Vector):
            return lambda x: implementation(x)

    for name in names:
        overload(name, jit_options=FORMULA_OPTIONS)(of_one)


_define_function((math.exp, np.exp), elementary.exp)
_define_function((math.expm1, np.expm1), _expm1)
_define_function((math.log, np.log), elementary.log)
_define_function((math.log1p, np.log1p), _log1p)
_define_function((math.tanh, np.tanh), elementary.tanh)
_define_function((math.erf,), _erf)
_define_function((math.sqrt, np.sqrt), sqrt)
_define_function((abs, math.fabs, np.fabs, np.abs), absolute)


def _define_function_of_two(name: Any, implementation: Any) -> None:
    @overload(name, jit_options=FORMULA_OPTIONS)
    def of_two(x, y):
        if isinstance(x, Vector) or isinstance(y, Vector):
            return lambda x, y: implementation(x, y)


_define_function_of_two(np.maximum, _maximum)
_define_function_of_two(np.minimum, _minimum)


def _where(condition, *ways):
    """What `np.where` is in a formula: Numba's makes an array of one number."""


@overload(_where, jit_options=FORMULA_OPTIONS)
def _where_of_numbers(condition, *ways):
    scalars = Vector, Mask, types.Number, types.Boolean
    if len(ways) != 2 or not all(isinstance(kind, scalars) for kind in (condition, *ways)):
        return lambda condition, *ways: np.where(condition, *ways)
    if isinstance(condition, (Mask, types.Boolean)):
        return lambda condition, *ways: choose(condition, ways[0], ways[1])
    return lambda condition, *ways: choose(condition != 0, ways[0], ways[1])


# ------------------------------------------------------------------------------------------------
# Compiling
# ------------------------------------------------------------------------------------------------

@functools.cache
def formula(function: Dispatcher) -> Any:
    """The user's function, for numbers and for vectors, to be merged into its caller."""
    return inline_with(_Compiler)(function.py_func)


def compiles(function: Any, *kinds: types.Type) -> bool:
    """Whether a `formula` can be had for arguments of these types."""
    try:
        function.get_call_template(kinds, {})
    except Exception:  # Numba's own functions assert that a condition is a truth, and more
        return False
    return True


class Uncompilable(Exception):
    """What Numba says of a function, in short."""


def result_type(function: Dispatcher, arguments: int) -> types.Type:
    """What the user's function gives for so many numbers.

    Raises
    ------
    Uncompilable
        If Numba does not compile it.
    """
    compiled = formula(function)
    try:
        kinds = compiled.get_call_template((types.float64,) * arguments, {})[2]
    except Exception as error:  # one of a bytecode is no NumbaError
        raise Uncompilable(_in_short(error)) from None
    return compiled.overloads[kinds].signature.return_type


def _in_short(error: Exception) -> str:
    """Of a message of many lines those before the first example and the trace of the compiler."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = [line for line in lines if not line.startswith("Failed in nopython mode pipeline")]
    end = next((i for i, line in enumerate(said) if line.startswith(("There are", "During:", "File "))), len(said))
    return " ".join(said[:end])[:400]


def is_number(kind: types.Type) -> bool:
    """Whether it is a real number, or a truth, which counts as 1 or 0."""
    return isinstance(kind, (types.Float, types.Integer, types.Boolean))


@register_pass(mutates_CFG=True, analysis_only=False)
class _ForVectors(FunctionPass):
    """Makes formulas of the functions that a formula calls, and of one that is called with a vector, one block."""

    _name = "formula_for_vectors"

    def __init__(self) -> None:
        FunctionPass.__init__(self)

    def run_pass(self, state: Any) -> bool:
        function = state.func_ir
        for block in function.blocks.values():
            for statement in block.find_insts((ir.Raise, ir.StaticRaise, ir.DynamicRaise)):
                raise errors.UnsupportedError("raise, try and assert: training does not stop for them", statement.loc)
            for statement in block.find_insts(ir.Assign):
                value = statement.value
                if isinstance(value, (ir.Global, ir.FreeVar)) and isinstance(value.value, Dispatcher):
                    statement.value = ir.Global(value.name, formula(value.value), value.loc)
                elif _constant_of(function, statement.target) is np.where:
                    statement.value = ir.Global("where", _where, value.loc)
        if any(isinstance(kind, Vector) for kind in state.args):
            function.blocks = {0: _without_branches(function)}
        function._definitions = build_definitions(function.blocks)
        PostProcessor(function).run(emit_dels=False)
        return True


class _Compiler(CompilerBase):
    def define_pipelines(self) -> list:
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.add_pass_after(_ForVectors, ReconstructSSA)
        passes.finalize()
        return [passes]


class _OneBlock:
    """Blocks written one behind the other; what depended on the way is chosen by the condition of the way."""

    def __init__(self, first: ir.Block) -> None:
        self.block = ir.Block(first.scope, first.loc)
        self.loc = first.loc

    def assign(self, value: Any, target: ir.Var | None = None) -> ir.Var:
        if target is None:
            target = ir.Var(self.block.scope, mk_unique_var("$lanes"), self.loc)
        self.block.append(ir.Assign(value, target, self.loc))
        return target

    def both(self, a: ir.Var | None, b: ir.Var | None) -> ir.Var | None:
        """a and b; None is always."""
        if a is None or b is None:
            return a or b
        return self.assign(ir.Expr.binop(operator.and_, a, b, self.loc))

    def either(self, conditions: list) -> ir.Var | None:
        if None in conditions:
            return None
        return functools.reduce(lambda a, b: self.assign(ir.Expr.binop(operator.or_, a, b, self.loc)), conditions)

    def chosen(self, ways: list, target: ir.Var | None = None) -> ir.Var:
        """Of (condition, value), of which one holds, the value."""
        (_, value), *others = ways
        for condition, other in others:
            function = self.assign(ir.Global("choose", choose, self.loc))
            value = self.assign(ir.Expr.call(function, (condition, other, value), (), self.loc))
        return self.assign(value, target)


def _without_branches(function: ir.FunctionIR) -> ir.Block:
    """One block that computes all ways and chooses: ``if c: r = a`` becomes ``r = choose(c, a, r)``."""
    blocks = function.blocks
    ways = compute_cfg_from_blocks(blocks)
    before = {label: sorted(source for source, _ in ways.predecessors(label)) for label in sorted(ways.nodes())}
    try:
        order = [*TopologicalSorter(before).static_order()]
    except CycleError:
        raise errors.UnsupportedError("a loop", blocks[ways.entry_point()].loc) from None
    one = _OneBlock(blocks[ways.entry_point()])
    taken: dict[tuple[int, int], list] = {}  # conditions under which a block goes to another
    returned = []
    for label in order:
        come = {source: one.either(taken[source, label]) for source in before[label]}
        here = one.either(list(come.values())) if come else None
        for statement in blocks[label].body:
            one.loc = statement.loc
            value = getattr(statement, "value", None)
            if isinstance(statement, ir.Print):
                raise errors.UnsupportedError("print", one.loc)
            if isinstance(statement, ir.Jump):
                taken[label, statement.target] = [here]
            elif isinstance(statement, ir.Branch):
                no = one.assign(ir.Expr.unary(operator.not_, statement.cond, one.loc))
                taken.setdefault((label, statement.truebr), []).append(one.both(here, statement.cond))
                taken.setdefault((label, statement.falsebr), []).append(one.both(here, no))
            elif isinstance(statement, ir.Return):
                returned.append((here, statement.value))
            elif isinstance(value, ir.Expr) and value.op == "phi":
                known = [(come[source], var) for source, var in
                         zip(value.incoming_blocks, value.incoming_values, strict=True) if var is not ir.UNDEFINED]
                one.chosen(known, statement.target)
            elif isinstance(value, ir.Expr) and value.op == "binop" and value.fn is operator.pow:
                _power(one, statement, _constant_of(function, value.rhs))
            else:
                one.block.append(statement)
    result = one.assign(ir.Expr.cast(one.chosen(returned), one.loc))
    one.block.append(ir.Return(result, one.loc))
    return one.block


def _constant_of(function: ir.FunctionIR, var: ir.Var) -> Any:
    """The value of a variable that has always the same; None for another."""
    try:
        return function.infer_constant(var)
    except errors.ConstantInferenceError:
        return None


def _power(one: _OneBlock, statement: ir.Assign, exponent: Any) -> None:
    """x ** n as squares and products, where n is a small whole number that stands in the formula."""
    if not isinstance(exponent, (int, float, np.number)) or abs(exponent) not in POWERS:
        one.block.append(statement)
        return
    n, square, product = int(abs(exponent)), statement.value.lhs, None
    while n:
        if n % 2:
            product = square if product is None else one.assign(ir.Expr.binop(operator.mul, product, square, one.loc))
        n //= 2
        if n:
            square = one.assign(ir.Expr.binop(operator.mul, square, square, one.loc))
    if exponent < 0:
        product = ir.Expr.binop(operator.truediv, one.assign(ir.Const(1.0, one.loc)), product, one.loc)
    one.assign(product, statement.target)
