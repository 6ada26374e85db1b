"""Explicit vectors for Numba: types, operators and the few intrinsics that the kernels are made of.

Numba leaves vectorisation to LLVM, which may or may not find it.  Here a `Vector` is a Numba type of its own,
one register wide, so that a formula written once for a scalar (``1.0 / (1.0 + exp(-x))``) works on all lanes,
for float32 and float64, at whatever width the processor has.

The width and the block of the matrix product are chosen here and nowhere else:

=========  ==============  ==================  =======================================================
target     register bytes  block (rows x NV)   registers it needs
=========  ==============  ==================  =======================================================
AVX-512    64              12 rows x 2         24 sums + 2 operands + 1 broadcast of 32
AVX2       32              6 rows x 2          12 sums + 2 operands + 1 broadcast of 16
others     16              6 rows x 2          the same of 16 (SSE2) or 32 (NEON)
=========  ==============  ==================  =======================================================

Pointers: internal kernels take ``CPointer(dtype)``.  ``p + n`` is the address n elements on, ``p[n]`` the element.
"""

from __future__ import annotations

import operator
import platform
from typing import Any

import llvmlite.binding as llvm
import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models, register_default
from numba.core.imputils import lower_builtin, lower_cast, lower_getattr_generic, lower_setattr_generic
from numba.core.typing.templates import AbstractTemplate, AttributeTemplate, infer_getattr, infer_global, signature
from numba.extending import intrinsic


def _target_features() -> set[str]:
    """Features that Numba compiles for: the host's, unless NUMBA_CPU_NAME or NUMBA_CPU_FEATURES say otherwise."""
    if numba.config.CPU_FEATURES is not None:
        named = numba.config.CPU_FEATURES
        return {feature[1:] for feature in named.split(",") if feature.startswith("+")}
    if numba.config.CPU_NAME is not None and numba.config.CPU_NAME != llvm.get_host_cpu_name():
        return set()
    return {name for name, present in llvm.get_host_cpu_features().items() if present}


def _register_bytes(features: set[str]) -> int:
    if {"avx512f", "avx512dq", "avx512vl"} <= features:
        return 64
    if {"avx2", "fma"} <= features:
        return 32
    return 16


REGISTER_BYTES = _register_bytes(_target_features())
BLOCK_ROWS = 12 if REGISTER_BYTES == 64 else 6
"""Rows of the block that the matrix product keeps in registers."""
NV = 2
"""Vectors of the same block; a slab is NV vectors, one sample a lane."""
MR = 12
"""Rows of a result that are taken together, in one block or two: what a block costs besides is paid once for both."""

X86, ARM = ("x86_64", "amd64"), ("arm64", "aarch64")
"""What `platform.machine` says, in small letters."""
_I1, _I32, _I64 = ir.IntType(1), ir.IntType(32), ir.IntType(64)


# ------------------------------------------------------------------------------------------------
# Types
# ------------------------------------------------------------------------------------------------

class Vector(types.Type):
    """Floats of `dtype`: one register of them, or so many lanes."""

    def __init__(self, dtype: types.Float, lanes: int | None = None) -> None:
        self.dtype = dtype
        self.lanes = lanes or REGISTER_BYTES // (dtype.bitwidth // 8)
        super().__init__(name=f"Vector({dtype} x {self.lanes})")

    @property
    def mask(self) -> Mask:
        return Mask(self.lanes)


class Mask(types.Type):
    """One truth value a lane."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        super().__init__(name=f"Mask({lanes})")


def _scalar_ir(dtype: types.Float) -> ir.Type:
    return ir.FloatType() if dtype == types.float32 else ir.DoubleType()


def _vector_ir(vector: Vector) -> ir.VectorType:
    return ir.VectorType(_scalar_ir(vector.dtype), vector.lanes)


def _integer_ir(vector: Vector) -> ir.VectorType:
    return ir.VectorType(ir.IntType(vector.dtype.bitwidth), vector.lanes)


@register_default(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, vector: Vector) -> None:
        super().__init__(manager, vector, _vector_ir(vector))


@register_default(Mask)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, manager: Any, mask: Mask) -> None:
        super().__init__(manager, mask, ir.VectorType(_I1, mask.lanes))


# ------------------------------------------------------------------------------------------------
# Records
# ------------------------------------------------------------------------------------------------

class Record(types.Type):
    """One record of an array: ``r.field`` can be read and written, and ``r[n]`` is the record n places on; it need not
    exist as long as none of its fields is asked for.

    All fields are int64 or float64.  Numba's own records would do, but compile slowly: their names are those of all
    fields, and an array of them brings reference counts along.
    """

    def __init__(self, name: str, dtype: np.dtype) -> None:
        self.length = dtype.itemsize // 8
        self.fields = {field: (place // 8, numba.from_dtype(kind)) for field, (kind, place) in dtype.fields.items()}
        super().__init__(name=f"Record({name})")


@register_default(Record)
class _RecordModel(models.PrimitiveModel):
    def __init__(self, manager: Any, record: Record) -> None:
        super().__init__(manager, record, _I64.as_pointer())


@infer_getattr
class _RecordFields(AttributeTemplate):
    key = Record

    def generic_resolve(self, record: Record, field: str) -> types.Type | None:
        return record.fields[field][1] if field in record.fields else None


@infer_global(operator.getitem)
class _RecordItem(AbstractTemplate):
    def generic(self, args: tuple, kws: dict) -> Any:
        if isinstance(args[0], Record) and isinstance(args[1], types.Integer):
            return signature(args[0], args[0], types.intp)


@lower_builtin(operator.getitem, Record, types.intp)
def _record_item(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return builder.gep(args[0], [builder.mul(args[1], ir.Constant(_I64, sig.args[0].length))])


def _field(context: Any, builder: Any, record: Record, value: ir.Value, field: str) -> ir.Value:
    place, kind = record.fields[field]
    return builder.bitcast(builder.gep(value, [ir.Constant(_I64, place)]), context.get_value_type(kind).as_pointer())


@lower_getattr_generic(Record)
def _read_field(context: Any, builder: Any, record: Record, value: Any, field: str) -> Any:
    return builder.load(_field(context, builder, record, value, field))


@lower_setattr_generic(Record)
def _write_field(context: Any, builder: Any, sig: Any, args: Any, field: str) -> None:
    builder.store(args[1], _field(context, builder, sig.args[0], args[0], field))


# ------------------------------------------------------------------------------------------------
# IR in small pieces
# ------------------------------------------------------------------------------------------------

def _constant(vector_ir: ir.VectorType, value: Any) -> ir.Constant:
    return ir.Constant(vector_ir, [value] * vector_ir.count)


def _splat(builder: ir.IRBuilder, value: ir.Value, vector_ir: ir.VectorType) -> ir.Value:
    undefined = ir.Constant(vector_ir, ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(_I32, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(_I32, vector_ir.count),
                                                                [0] * vector_ir.count))


def _call(builder: ir.IRBuilder, name: str, *args: ir.Value) -> ir.Value:
    """A lane-wise LLVM intrinsic whose arguments and result are one type."""
    kind = args[0].type
    element = kind.element if isinstance(kind, ir.VectorType) else kind
    suffix = "f32" if isinstance(element, ir.FloatType) else "f64"
    if isinstance(kind, ir.VectorType):
        suffix = f"v{kind.count}{suffix}"
    function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(kind, [kind] * len(args)),
                                              f"llvm.{name}.{suffix}")
    return builder.call(function, args)


def _fma(builder: ir.IRBuilder, a: ir.Value, b: ir.Value, c: ir.Value) -> ir.Value:
    """a * b + c, fused where the target can: llvm.fma would call a library function where it can't."""
    return _call(builder, "fmuladd", a, b, c)


def _alignment(dtype: types.Float) -> int:
    return dtype.bitwidth // 8


def _load(builder: ir.IRBuilder, address: ir.Value, vector: Vector) -> ir.Value:
    return builder.load(builder.bitcast(address, _vector_ir(vector).as_pointer()), align=_alignment(vector.dtype))


def _store(builder: ir.IRBuilder, value: ir.Value, address: ir.Value, vector: Vector) -> None:
    builder.store(value, builder.bitcast(address, _vector_ir(vector).as_pointer()), align=_alignment(vector.dtype))


def _lane_numbers(builder: ir.IRBuilder, count: ir.Value, vector: Vector) -> ir.Value:
    """Mask of the lanes below `count`."""
    kind = ir.VectorType(_I32, vector.lanes)
    numbers = ir.Constant(kind, list(range(vector.lanes)))
    return builder.icmp_signed("<", numbers, _splat(builder, builder.trunc(count, _I32), kind))


def _masked_load(builder: ir.IRBuilder, address: ir.Value, mask: ir.Value, vector: Vector) -> ir.Value:
    kind = _vector_ir(vector)
    function = cgutils.get_or_insert_function(
        builder.module,
        ir.FunctionType(kind, [kind.as_pointer(), _I32, mask.type, kind]),
        f"llvm.masked.load.v{vector.lanes}f{vector.dtype.bitwidth}.p0")
    return builder.call(function, [builder.bitcast(address, kind.as_pointer()),
                                   ir.Constant(_I32, _alignment(vector.dtype)), mask, _constant(kind, 0.0)])


def _masked_store(builder: ir.IRBuilder, value: ir.Value, address: ir.Value, mask: ir.Value, vector: Vector) -> None:
    kind = _vector_ir(vector)
    function = cgutils.get_or_insert_function(
        builder.module,
        ir.FunctionType(ir.VoidType(), [kind, kind.as_pointer(), _I32, mask.type]),
        f"llvm.masked.store.v{vector.lanes}f{vector.dtype.bitwidth}.p0")
    builder.call(function, [value, builder.bitcast(address, kind.as_pointer()),
                            ir.Constant(_I32, _alignment(vector.dtype)), mask])


def _store_first(builder: ir.IRBuilder, value: ir.Value, address: ir.Value, count: ir.Value, vector: Vector) -> None:
    """Store so many of the first lanes: all if there are no more, none if `count` is negative."""
    if REGISTER_BYTES == 64:
        _masked_store(builder, value, address, _lane_numbers(builder, count, vector), vector)
    else:
        _store_by_parts(builder, value, address, count, vector)


def _store_by_parts(builder: ir.IRBuilder, value: ir.Value, address: ir.Value, count: ir.Value, vector: Vector) -> None:
    """All lanes, or half of them, a quarter and so on, by the bits of `count`.

    Of processors with AVX2 some run a masked store as microcode, 28 cycles on a Zen 3; smaller vectors have none.
    """
    def at_least(n: int) -> ir.Value:
        return builder.icmp_signed(">=", count, ir.Constant(_I64, n))

    with builder.if_else(at_least(vector.lanes)) as (whole, less):
        with whole:
            _store(builder, value, address, vector)
        with less, builder.if_then(at_least(1)):
            rest, place = cgutils.alloca_once_value(builder, value), cgutils.alloca_once_value(builder, address)
            size = vector.lanes // 2
            while size:
                bit = builder.and_(count, ir.Constant(_I64, size))
                with builder.if_then(builder.icmp_unsigned("!=", bit, ir.Constant(_I64, 0))):
                    now, here = builder.load(rest), builder.load(place)
                    first = builder.shuffle_vector(now, now, ir.Constant(ir.VectorType(_I32, size), list(range(size))))
                    builder.store(first, builder.bitcast(here, first.type.as_pointer()), align=_alignment(vector.dtype))
                    behind = ir.Constant(ir.VectorType(_I32, vector.lanes),
                                         [min(lane + size, vector.lanes - 1) for lane in range(vector.lanes)])
                    builder.store(builder.shuffle_vector(now, now, behind), rest)
                    builder.store(builder.gep(here, [ir.Constant(_I64, size)]), place)
                size //= 2


def _opaque(builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
    """The same number, about which the optimizer knows nothing."""
    return builder.asm(ir.FunctionType(value.type, [value.type]), "", "=r,0", [value], side_effect=False)


# ------------------------------------------------------------------------------------------------
# Operators
# ------------------------------------------------------------------------------------------------

@lower_cast(types.Float, Vector)
@lower_cast(types.Integer, Vector)
def _number_to_vector(context: Any, builder: Any, from_type: Any, to_type: Vector, value: Any) -> Any:
    return _splat(builder, context.cast(builder, value, from_type, to_type.dtype), _vector_ir(to_type))


def _vector_of(args: tuple) -> Vector | None:
    found = [arg for arg in args if isinstance(arg, Vector)]
    numbers = all(isinstance(arg, (Vector, Mask, types.Number, types.Boolean)) for arg in args)
    return found[0] if found and numbers else None


def _define_operator(operation: Any, arity: int, emit: Any, gives_mask: bool = False) -> None:
    class Template(AbstractTemplate):
        def generic(self, args: tuple, kws: dict) -> Any:
            vector = _vector_of(args) if len(args) == arity else None
            if vector is not None:
                return signature(vector.mask if gives_mask else vector, *[vector] * arity)

    infer_global(operation)(Template)
    lower_builtin(operation, *[Vector] * arity)(lambda context, builder, sig, args: emit(builder, *args))


_define_operator(operator.add, 2, lambda builder, x, y: builder.fadd(x, y))
_define_operator(operator.sub, 2, lambda builder, x, y: builder.fsub(x, y))
_define_operator(operator.mul, 2, lambda builder, x, y: builder.fmul(x, y))
_define_operator(operator.truediv, 2, lambda builder, x, y: builder.fdiv(x, y))
_define_operator(operator.neg, 1, lambda builder, x: builder.fneg(x))
_define_operator(operator.lt, 2, lambda builder, x, y: builder.fcmp_ordered("<", x, y), gives_mask=True)
_define_operator(operator.le, 2, lambda builder, x, y: builder.fcmp_ordered("<=", x, y), gives_mask=True)
_define_operator(operator.gt, 2, lambda builder, x, y: builder.fcmp_ordered(">", x, y), gives_mask=True)
_define_operator(operator.ge, 2, lambda builder, x, y: builder.fcmp_ordered(">=", x, y), gives_mask=True)
_define_operator(operator.eq, 2, lambda builder, x, y: builder.fcmp_ordered("==", x, y), gives_mask=True)


@infer_global(operator.add)
class _PointerAdd(AbstractTemplate):
    def generic(self, args: tuple, kws: dict) -> Any:
        if len(args) == 2 and isinstance(args[0], types.CPointer) and isinstance(args[1], types.Integer):
            return signature(args[0], args[0], types.intp)


@lower_builtin(operator.add, types.CPointer, types.intp)
def _pointer_add(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return builder.gep(args[0], [args[1]])


# ------------------------------------------------------------------------------------------------
# Memory
# ------------------------------------------------------------------------------------------------

@intrinsic
def lanes(typingctx, p):
    """Lanes of a vector of the type that `p` points to, a constant to the compiler."""
    def codegen(context, builder, sig, args):
        return ir.Constant(_I64, Vector(p.dtype).lanes)
    return types.intp(p), codegen


@intrinsic
def load(typingctx, p):
    """The vector at `p`, aligned or not."""
    vector = Vector(p.dtype)

    def codegen(context, builder, sig, args):
        return _load(builder, args[0], vector)
    return vector(p), codegen


@intrinsic
def store(typingctx, value, p):
    """Write the vector (or the number, into all lanes) to `p`."""
    vector = Vector(p.dtype)

    def codegen(context, builder, sig, args):
        _store(builder, args[0], args[1], vector)
        return context.get_dummy_value()
    return types.void(vector, p), codegen


@intrinsic
def lanes_of_float64(typingctx):
    """Lanes of a vector of float64."""
    def codegen(context, builder, sig, args):
        return ir.Constant(_I64, REGISTER_BYTES // 8)
    return types.intp(), codegen


@intrinsic
def load_float64(typingctx, p):
    """A vector of float64 from so many numbers at `p`, float32 or float64."""
    wide = Vector(types.float64)

    def codegen(context, builder, sig, args):
        kind = ir.VectorType(_scalar_ir(p.dtype), wide.lanes)
        value = builder.load(builder.bitcast(args[0], kind.as_pointer()), align=_alignment(p.dtype))
        return value if p.dtype == types.float64 else builder.fpext(value, _vector_ir(wide))
    return wide(p), codegen


@intrinsic
def store_float64(typingctx, value, p):
    """The counterpart of `load_float64`."""
    wide = Vector(types.float64)

    def codegen(context, builder, sig, args):
        kind = ir.VectorType(_scalar_ir(p.dtype), wide.lanes)
        value = args[0] if p.dtype == types.float64 else builder.fptrunc(args[0], kind)
        builder.store(value, builder.bitcast(args[1], kind.as_pointer()), align=_alignment(p.dtype))
        return context.get_dummy_value()
    return types.void(wide, p), codegen


@intrinsic
def load_upto(typingctx, p, count):
    """The first `count` lanes from `p`, zeros in the others; the memory behind them is not touched.

    Any larger `count` means a whole vector, so that one loop body serves rows of any length.
    """
    vector = Vector(p.dtype)

    def codegen(context, builder, sig, args):
        whole = builder.icmp_signed(">=", args[1], ir.Constant(_I64, vector.lanes))
        with builder.if_else(whole) as (then, otherwise):
            with then:
                full = _load(builder, args[0], vector)
                then_block = builder.block
            with otherwise:
                part = _masked_load(builder, args[0], _lane_numbers(builder, args[1], vector), vector)
                otherwise_block = builder.block
        value = builder.phi(_vector_ir(vector))
        value.add_incoming(full, then_block)
        value.add_incoming(part, otherwise_block)
        return value
    return vector(p, types.intp), codegen


@intrinsic
def store_upto(typingctx, value, p, count):
    """The counterpart of `load_upto`."""
    vector = Vector(p.dtype)

    def codegen(context, builder, sig, args):
        whole = builder.icmp_signed(">=", args[2], ir.Constant(_I64, vector.lanes))
        with builder.if_else(whole) as (then, otherwise):
            with then:
                _store(builder, args[0], args[1], vector)
            with otherwise:
                _store_first(builder, *args, vector)
        return context.get_dummy_value()
    return types.void(vector, p, types.intp), codegen


@intrinsic
def apart(typingctx, p):
    """The pointer `p`, as one that the compiler takes for another.

    Where one place is read and written, a choice between its number and a new one would become a masked store: see
    `_store_by_parts`.
    """
    def codegen(context, builder, sig, args):
        return _opaque(builder, args[0])
    return p(p), codegen


@intrinsic
def prefetch(typingctx, p):
    """Ask for the cache line at `p`; an address that is not mapped does no harm."""
    def codegen(context, builder, sig, args):
        _prefetch(builder, args[0])
        return context.get_dummy_value()
    return types.void(p), codegen


TO_L2 = 2
"""The locality of a prefetch that goes past the L1 cache."""


@intrinsic
def prefetch_far(typingctx, p):
    """`prefetch` past the L1 cache, into L2."""
    def codegen(context, builder, sig, args):
        _prefetch(builder, args[0], TO_L2)
        return context.get_dummy_value()
    return types.void(p), codegen


def _prefetch(builder: ir.IRBuilder, address: ir.Value, locality: int = 3) -> None:
    byte = ir.IntType(8).as_pointer()
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(ir.VoidType(), [byte, _I32, _I32, _I32]), "llvm.prefetch.p0")
    builder.call(function, [builder.bitcast(address, byte), ir.Constant(_I32, 0), ir.Constant(_I32, locality),
                            ir.Constant(_I32, 1)])


# Between threads: what one of them wrote before `store_release` or `fetch_add`, another sees after `load_acquire` or
# `fetch_add` has given it the number.

@intrinsic
def fetch_add(typingctx, p, n):
    """What stands at `p`, to which n is added, as one operation that no other thread comes between."""
    def codegen(context, builder, sig, args):
        return builder.atomic_rmw("add", args[0], args[1], "acq_rel")
    return types.intp(p, types.intp), codegen


@intrinsic
def load_acquire(typingctx, p):
    """What stands at `p`, now."""
    def codegen(context, builder, sig, args):
        return builder.load_atomic(args[0], "acquire", 8)
    return types.intp(p), codegen


@intrinsic
def store_release(typingctx, p, n):
    """Put n to `p`."""
    def codegen(context, builder, sig, args):
        builder.store_atomic(args[1], args[0], "release", 8)
        return context.get_dummy_value()
    return types.void(p, types.intp), codegen


@intrinsic
def pause(typingctx):
    """Some cycles for the core's other thread, while this one waits."""
    def codegen(context, builder, sig, args):
        _pause(builder, platform.machine().lower())
        return context.get_dummy_value()
    return types.void(), codegen


def _pause(builder: ir.IRBuilder, machine: str) -> None:
    if machine in X86:
        _intrinsic(builder, "llvm.x86.sse2.pause", ir.VoidType())
    elif machine in ARM:
        _intrinsic(builder, "llvm.aarch64.hint", ir.VoidType(), ir.Constant(_I32, 1))


@intrinsic
def ticks(typingctx):
    """The processor's clock, which counts at one rate whatever the core's frequency; 0 where it can't be read."""
    def codegen(context, builder, sig, args):
        return _ticks(builder, platform.machine().lower())
    return types.intp(), codegen


def _ticks(builder: ir.IRBuilder, machine: str) -> ir.Value:
    if machine in ARM:
        return _read_register(builder, "CNTVCT_EL0")
    return _intrinsic(builder, "llvm.readcyclecounter", _I64) if machine in X86 else ir.Constant(_I64, 0)


# Not by lines of assembler: Numba's LLVM has no parser for them, and ends the process.

def _intrinsic(builder: ir.IRBuilder, name: str, result: ir.Type, *arguments: ir.Value) -> ir.Value:
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), arguments)


def _read_register(builder: ir.IRBuilder, name: str) -> ir.Value:
    return _intrinsic(builder, "llvm.read_volatile_register.i64", _I64, builder.module.add_metadata([name]))


def _write_register(builder: ir.IRBuilder, name: str, value: ir.Value) -> None:
    _intrinsic(builder, "llvm.write_register.i64", ir.VoidType(), builder.module.add_metadata([name]), value)


_MXCSR_FLUSH = 0x8040  # results (bit 15) and operands (bit 6) that are subnormal count as zero
_FPCR_FLUSH = 1 << 24


@intrinsic
def flush_subnormals(typingctx):
    """From here on subnormal numbers count as zero, on this thread; returns what `restore_subnormals` needs.

    A multiply-add with a subnormal takes some hundred cycles, and the gradient of a network that has learned its data
    is full of them.
    """
    def codegen(context, builder, sig, args):
        return _flush_subnormals(builder, platform.machine().lower())
    return types.intp(), codegen


def _flush_subnormals(builder: ir.IRBuilder, machine: str) -> ir.Value:
    if machine in X86:
        state = cgutils.alloca_once(builder, _I32)
        _control_register(builder, "stmxcsr", state)
        before = builder.load(state)
        builder.store(builder.or_(before, ir.Constant(_I32, _MXCSR_FLUSH)), state)
        _control_register(builder, "ldmxcsr", state)
        return builder.zext(before, _I64)
    if machine in ARM:
        before = _read_register(builder, "FPCR")
        _write_register(builder, "FPCR", builder.or_(before, ir.Constant(_I64, _FPCR_FLUSH)))
        return before
    return ir.Constant(_I64, 0)


@intrinsic
def restore_subnormals(typingctx, before):
    """Undo `flush_subnormals`: the thread belongs to somebody else's program."""
    def codegen(context, builder, sig, args):
        _restore_subnormals(builder, platform.machine().lower(), args[0])
        return context.get_dummy_value()
    return types.void(types.intp), codegen


def _restore_subnormals(builder: ir.IRBuilder, machine: str, before: ir.Value) -> None:
    if machine in X86:
        state = cgutils.alloca_once(builder, _I32)
        builder.store(builder.trunc(before, _I32), state)
        _control_register(builder, "ldmxcsr", state)
    elif machine in ARM:
        _write_register(builder, "FPCR", before)


def _control_register(builder: ir.IRBuilder, operation: str, state: ir.Value) -> None:
    _intrinsic(builder, f"llvm.x86.sse.{operation}", ir.VoidType(), builder.bitcast(state, ir.IntType(8).as_pointer()))


@intrinsic
def data(typingctx, array):
    """Pointer to the first element of an array."""
    pointer = types.CPointer(array.dtype)

    def codegen(context, builder, sig, args):
        return context.make_array(sig.args[0])(context, builder, args[0]).data
    return pointer(array), codegen


@intrinsic
def pointer_like(typingctx, address, p):
    """The integer `address` as a pointer of the type of `p`."""
    def codegen(context, builder, sig, args):
        return builder.inttoptr(args[0], args[1].type)
    return p(types.intp, p), codegen


@intrinsic
def as_integers(typingctx, p):
    """The pointer `p` as one to integers."""
    def codegen(context, builder, sig, args):
        return builder.bitcast(args[0], context.get_value_type(sig.return_type))
    return types.CPointer(types.intp)(p), codegen


def address_of(element: types.Type) -> Any:
    """A function that takes an integer address and gives a pointer to `element`."""
    return _address_as(types.CPointer(element))


def record_at(name: str, dtype: np.dtype) -> Any:
    """A function that takes an integer address and gives the `Record` there."""
    return _address_as(Record(name, dtype))


def _address_as(pointer: types.Type) -> Any:
    @intrinsic
    def convert(typingctx, address):
        def codegen(context, builder, sig, args):
            return builder.inttoptr(args[0], context.get_value_type(pointer))
        return pointer(types.intp), codegen
    return convert


@intrinsic
def call(typingctx, callee, args):
    """Call a compiled part with the tuple `args`; it returns nothing.

    `callee` is its address (see ``_jit.part_address``), or in a kernel for plain arrays the part itself, linked in.
    (Where `args` hold a part they must not begin with it: Numba would take them for a tuple of functions.)
    """
    if isinstance(callee, types.Dispatcher):
        signature = typingctx.resolve_function_type(callee, tuple(map(types.unliteral, args)), {})

        def link(context, builder, sig, values):
            passed = [context.cast(builder, value, given, wanted) for value, given, wanted in zip(
                cgutils.unpack_tuple(builder, values[1]), args, signature.args, strict=True)]
            context.get_function(callee, signature)(builder, passed)
            return context.get_dummy_value()
        return types.void(callee, args), link

    def codegen(context, builder, sig, values):
        passed = cgutils.unpack_tuple(builder, values[1])
        # as Numba calls its functions: a result, which is None, and an error, which there is not, have places of theirs
        places = [cgutils.alloca_once(builder, _I64.as_pointer(), name=name) for name in ("result", "error")]
        kind = ir.FunctionType(_I32, [value.type for value in (*places, *passed)])
        builder.call(builder.inttoptr(values[0], kind.as_pointer()), (*places, *passed))
        return context.get_dummy_value()
    return types.void(types.intp, args), codegen


@intrinsic
def call_system(typingctx, address):
    """Call the function of the operating system at `address`, which takes no arguments."""
    def codegen(context, builder, sig, args):
        builder.call(builder.inttoptr(args[0], ir.FunctionType(ir.VoidType(), []).as_pointer()), ())
        return context.get_dummy_value()
    return types.void(types.intp), codegen


# ------------------------------------------------------------------------------------------------
# Lane-wise functions
# ------------------------------------------------------------------------------------------------

@intrinsic
def splat(typingctx, number, p):
    """A vector of `number` in every lane, for the type that `p` points to."""
    vector = Vector(p.dtype)

    def codegen(context, builder, sig, args):
        return args[0]
    return vector(vector, p), codegen


@intrinsic
def select(typingctx, mask, a, b):
    """`a` where the mask is true, `b` elsewhere."""
    vector = _vector_of((a, b))

    def codegen(context, builder, sig, args):
        return builder.select(*args)
    return vector(mask, vector, vector), codegen


@intrinsic
def fma(typingctx, a, b, c):
    """a * b + c."""
    vector = _vector_of((a, b, c))

    def codegen(context, builder, sig, args):
        return _fma(builder, *args)
    return vector(vector, vector, vector), codegen


@intrinsic
def sqrt(typingctx, x):
    """The square root of every lane."""
    def codegen(context, builder, sig, args):
        return _call(builder, "sqrt", args[0])
    return x(x), codegen


@intrinsic
def absolute(typingctx, x):
    """The absolute value of every lane."""
    def codegen(context, builder, sig, args):
        return _call(builder, "fabs", args[0])
    return x(x), codegen


@intrinsic
def copysign(typingctx, x, sign):
    """The magnitude of `x` with the sign of `sign`."""
    def codegen(context, builder, sig, args):
        return _call(builder, "copysign", *args)
    return x(x, x), codegen


@intrinsic
def total(typingctx, x):
    """The sum of all lanes as a float64: the second half is added to the first, until one lane is left."""
    def codegen(context, builder, sig, args):
        value = args[0]
        if x.dtype != types.float64:
            value = builder.fpext(value, ir.VectorType(ir.DoubleType(), x.lanes))
        count = x.lanes
        while count > 1:
            count //= 2
            pick = ir.VectorType(_I32, count)
            low, high = (builder.shuffle_vector(value, value, ir.Constant(pick, list(range(start, start + count))))
                         for start in (0, count))
            value = builder.fadd(low, high)
        return builder.extract_element(value, ir.Constant(_I32, 0))
    return types.float64(x), codegen


# ------------------------------------------------------------------------------------------------
# The parts of a floating-point number, for exp and log
# ------------------------------------------------------------------------------------------------

class _Format:
    """Where IEEE 754 keeps what, for one dtype."""

    def __init__(self, dtype: types.Float) -> None:
        self.fraction_bits = 23 if dtype == types.float32 else 52
        self.bias = 127 if dtype == types.float32 else 1023
        # Adding this number rounds to the nearest integer, which then stands in the lowest bits.
        self.rounder = 1.5 * 2.0 ** self.fraction_bits


def polynomial(float32: list[float], float64: list[float]) -> Any:
    """A function of a vector: c[0] + c[1] x + c[2] x^2 + ... by Horner's rule, coefficients by dtype."""
    @intrinsic
    def horner(typingctx, x):
        coefficients = float32 if x.dtype == types.float32 else float64

        def codegen(context, builder, sig, args):
            kind = _vector_ir(x)
            result: ir.Value = _constant(kind, coefficients[-1])
            for coefficient in reversed(coefficients[:-1]):
                result = _fma(builder, result, args[0], _constant(kind, coefficient))
            return result
        return x(x), codegen
    return horner


def constant(float32: float, float64: float) -> Any:
    """A function that gives the constant for the dtype of its argument, in every lane."""
    @intrinsic
    def of(typingctx, x):
        def codegen(context, builder, sig, args):
            return _constant(_vector_ir(x), float32 if x.dtype == types.float32 else float64)
        return x(x), codegen
    return of


@intrinsic
def nearest(typingctx, x):
    """The nearest integer, for |x| below 2**21; NaN stays NaN."""
    rounder = _Format(x.dtype).rounder

    def codegen(context, builder, sig, args):
        shift = _constant(_vector_ir(x), rounder)
        return builder.fsub(builder.fadd(args[0], shift), shift)
    return x(x), codegen


@intrinsic
def power_of_2(typingctx, x):
    """2**n for n = nearest(x), with which it shares the first addition; 2**n must be a normal number."""
    form = _Format(x.dtype)

    def codegen(context, builder, sig, args):
        kind, integers = _vector_ir(x), _integer_ir(x)
        rounded = builder.fadd(args[0], _constant(kind, form.rounder))
        exponent = builder.shl(builder.bitcast(rounded, integers), _constant(integers, form.fraction_bits))
        return builder.bitcast(builder.add(exponent, builder.bitcast(_constant(kind, 1.0), integers)), kind)
    return x(x), codegen


@intrinsic
def scale(typingctx, x, n):
    """x * 2**n for integral n (as floats); gradual underflow and overflow to infinity as IEEE 754 has them.

    One instruction of AVX-512; elsewhere the power is applied in two halves, each a normal number, so that only the
    last product rounds.
    """
    form = _Format(x.dtype)

    def scalef(context, builder, sig, args):
        kind, letter = _vector_ir(x), "s" if x.dtype == types.float32 else "d"
        every, nearest_even = ir.IntType(x.lanes), ir.Constant(_I32, 4)
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(kind, [kind, kind, kind, every, _I32]),
            f"llvm.x86.avx512.mask.scalef.p{letter}.512")
        return builder.call(function, [*args, _constant(kind, 0.0), ir.Constant(every, -1), nearest_even])

    def halves(context, builder, sig, args):
        value, exponent = args
        kind, integers = _vector_ir(x), _integer_ir(x)
        # The integer without a conversion, whose result for NaN would be undefined.
        rounder = _constant(kind, form.rounder)
        n_bits = builder.sub(builder.bitcast(builder.fadd(exponent, rounder), integers),
                             builder.bitcast(rounder, integers))
        half = builder.ashr(n_bits, _constant(integers, 1))
        for part in (half, builder.sub(n_bits, half)):
            biased = builder.add(part, _constant(integers, form.bias))
            power = builder.bitcast(builder.shl(biased, _constant(integers, form.fraction_bits)), kind)
            value = builder.fmul(value, power)
        return value
    return x(x, x), scalef if REGISTER_BYTES == 64 else halves


@intrinsic
def exponent_of(typingctx, x):
    """n for which x / 2**n lies in [sqrt(1/2), sqrt(2)), for positive normal x."""
    form = _Format(x.dtype)

    def codegen(context, builder, sig, args):
        kind, integers = _vector_ir(x), _integer_ir(x)
        # sqrt(1/2) as bits: what is taken off before the exponent is cut out, so that it is rounded.
        offset = builder.sub(builder.bitcast(args[0], integers),
                             builder.bitcast(_constant(kind, 0.70710678118654752), integers))
        n = builder.ashr(offset, _constant(integers, form.fraction_bits))
        rounder = _constant(kind, form.rounder)
        as_float = builder.bitcast(builder.add(n, builder.bitcast(rounder, integers)), kind)
        return builder.fsub(as_float, rounder)
    return x(x), codegen
