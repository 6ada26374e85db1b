"""Random numbers as a function of where they are used: of key, layer, step, sample and feature, and of nothing else.

Threefry-4x32 with 20 rounds turns a counter of four 32-bit words into four random ones::

    key        low and high word of the seed, number of the layer, 0
    counter    place of the sample in its batch, feature // 4, low and high word of the step
    result     one word for each of the features 4j .. 4j + 3

So neither threads nor the order of the work nor the dtype changes a number, and none has to be kept.  Lanes are
samples, as everywhere.  It is made of additions, rotations and exclusive ors, which vectors of every width have.

Source: J. Salmon, M. Moraes, R. Dror, D. Shaw, Parallel random numbers: as easy as 1, 2, 3, 2011.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from ._jit import inline
from .elementary import log
from .simd import _I32, _I64, Vector, _constant, _splat, _vector_ir, copysign, polynomial, select, sqrt

ROUNDS = 20
_ROTATIONS = (10, 26), (11, 21), (13, 27), (23, 5), (6, 20), (17, 11), (25, 10), (18, 20)
_PARITY = 0x1BD11BDA  # what the fifth word of the key begins with
_FRACTION_BITS = 23  # of a random word: (n + 1/2) / 2^23 is exact in float32 too, and neither 0 nor 1


@intrinsic
def uniforms(typingctx, key, layer, step, sample, block, p):
    """Four vectors of uniform numbers in (0, 1), of features 4 `block` .. 4 `block` + 3; lanes from `sample` on.

    Of each word the upper 23 bits are used; the numbers lie in the middle of 2^23 equal parts.
    """
    vector = Vector(p.dtype)
    words = ir.VectorType(_I32, vector.lanes)

    def codegen(context, builder, sig, args):
        def word(value, shift=0):
            return builder.trunc(builder.lshr(value, ir.Constant(_I64, shift)), _I32)

        key, layer, step, sample, block = args[:5]
        keys = [word(key), word(key, 32), word(layer), ir.Constant(_I32, 0)]
        parity = ir.Constant(_I32, _PARITY)
        for value in keys:
            parity = builder.xor(parity, value)
        keys = [_splat(builder, value, words) for value in (*keys, parity)]
        samples = builder.add(_splat(builder, word(sample), words), ir.Constant(words, list(range(vector.lanes))))
        counter = [samples, *(_splat(builder, value, words) for value in (word(block), word(step), word(step, 32)))]
        result = []
        for value in _emit_threefry(builder, words, keys, counter):
            fraction = builder.lshr(value, _constant(words, 32 - _FRACTION_BITS))
            number = builder.sitofp(fraction, _vector_ir(vector))
            result.append(builder.fmul(builder.fadd(number, _constant(_vector_ir(vector), 0.5)),
                                       _constant(_vector_ir(vector), 2.0**-_FRACTION_BITS)))
        return cgutils.pack_array(builder, result)

    index = types.intp
    return types.UniTuple(vector, 4)(index, index, index, index, index, p), codegen


def _emit_threefry(builder, words, keys, x):
    rotate = cgutils.get_or_insert_function(builder.module, ir.FunctionType(words, [words] * 3),
                                            f"llvm.fshl.v{words.count}i32")
    x = [builder.add(value, key) for value, key in zip(x, keys, strict=False)]
    for n in range(ROUNDS):
        for i, rotation in zip((0, 2), _ROTATIONS[n % 8], strict=True):
            j = i + 1 if n % 2 == 0 else 3 - i
            x[i] = builder.add(x[i], x[j])
            x[j] = builder.xor(builder.call(rotate, [x[j], x[j], _constant(words, rotation)]), x[i])
        if n % 4 == 3:
            injection = n // 4 + 1
            x = [builder.add(value, keys[(injection + i) % 5]) for i, value in enumerate(x)]
            x[3] = builder.add(x[3], _constant(words, injection))
    return x


# sin(pi/2 s) = s (c[0] + c[1] s^2 + ...), |s| <= 1: the rest after s^11 is 6e-8, after s^21 3e-17
_QUARTER = 1.5707963267948966


def _sine_terms(count):
    terms, term = [], _QUARTER
    for k in range(count):
        terms.append(term)
        term *= -_QUARTER**2 / ((2 * k + 2) * (2 * k + 3))
    return terms


_sine_series = polynomial(_sine_terms(6), _sine_terms(11))


@inline
def _quarter_sine(s):
    """sin(pi/2 s) for |s| <= 1."""
    return s * _sine_series(s * s)


@inline
def normals(u, v):
    """Two independent standard normal numbers from two uniform ones: sqrt(-2 ln u) times cos and sin of 2 pi v.

    With the angle a = pi (v - 1/2):  cos 2 pi v = sin^2 a - cos^2 a,  sin 2 pi v = -2 sin a cos a.
    Source: G. Box, M. Muller, A note on the generation of random normal deviates, 1958.
    """
    radius = sqrt(-2.0 * log(u))
    w = 2.0 * v - 1.0
    size = select(w < 0.0, -w, w)
    sine, cosine = copysign(_quarter_sine(size), w), _quarter_sine(1.0 - size)
    return radius * (sine - cosine) * (sine + cosine), radius * (-2.0 * sine * cosine)
