"""exp, log, tanh and sigmoid on vectors: at most 4 ulp from the exact value over the whole range.

Each is a range reduction and a series whose terms can be read off the page; the number of terms is the least
that leaves the truncated rest below a tenth of an ulp.  `tests/test_kernels.py` measures the bound for both
dtypes, down to the smallest subnormal result; limits at infinity are right and NaN stays NaN.

Source of the reductions: W. J. Cody and W. Waite, Software Manual for the Elementary Functions, 1980.
"""

from __future__ import annotations

from math import factorial

import numpy as np

from ._jit import inline
from .simd import absolute, constant, copysign, exponent_of, fma, nearest, polynomial, scale, select

# ln 2 as high + low: n * high is exact for every exponent n.
_ln2_high = constant(0.693359375, 6.93147180369123816490e-01)
_ln2_low = constant(-2.12194440054690582e-04, 1.90821492927058770002e-10)
_log2_e = constant(1.4426950408889634, 1.4426950408889634)

_exp_lowest = constant(-105.0, -750.0)
_exp_highest = constant(90.0, 711.0)
_tanh_is_one = constant(20.0, 40.0)
_smallest_normal = constant(2.0**-126, 2.0**-1022)

# exp r = sum of r^k / k!, |r| <= ln(2)/2: the rest after r^7 is 5e-9 (float32), after r^13 4e-18 (float64)
_exp_series = polynomial([1 / factorial(k) for k in range(8)], [1 / factorial(k) for k in range(14)])
# (exp r - 1 - r) / r^2
_expm1_series = polynomial([1 / factorial(k + 2) for k in range(6)], [1 / factorial(k + 2) for k in range(12)])
# (atanh s / s - 1) / s^2 = 1/3 + s^2/5 + ..., a polynomial in s^2: s^2 <= 0.0295 for log, s^2 <= 1/9 for log1p
_atanh_series = polynomial([1 / (2 * k + 3) for k in range(4)], [1 / (2 * k + 3) for k in range(10)])
_atanh_series_wide = polynomial([1 / (2 * k + 3) for k in range(7)], [1 / (2 * k + 3) for k in range(16)])


@inline
def exp(x):
    """e^x: x = n ln 2 + r, e^x = 2^n e^r."""
    x = select(x < _exp_lowest(x), _exp_lowest(x), x)
    x = select(x > _exp_highest(x), _exp_highest(x), x)
    n = nearest(x * _log2_e(x))
    r = fma(n, -_ln2_low(x), fma(n, -_ln2_high(x), x))
    return scale(_exp_series(r), n)


@inline
def expm1(x):
    """e^x - 1 without cancellation near 0, for |x| <= 80."""
    n = nearest(x * _log2_e(x))
    r = fma(n, -_ln2_low(x), fma(n, -_ln2_high(x), x))
    power = scale(1.0 + 0.0 * r, n)
    return fma(power, fma(r * r, _expm1_series(r), r), power - 1.0)


@inline
def log(x):
    """ln x: x = 2^n m with m in [sqrt(1/2), sqrt(2)), ln m = 2 atanh((m - 1) / (m + 1))."""
    subnormal = x < _smallest_normal(x)
    normal = select(subnormal, scale(x, 60.0 + 0.0 * x), x)
    n = exponent_of(normal)
    f = scale(normal, -n) - 1.0
    s = f / (2.0 + f)
    n = select(subnormal, n - 60.0, n)
    # 2 atanh s = 2 s + ... = f - f^2/2 + s (f^2/2 + ...): f is exact, so it is added last
    half_square = 0.5 * f * f
    rest = s * (half_square + 2.0 * (s * s) * _atanh_series(s * s))
    y = n * _ln2_high(x) - ((half_square - (rest + n * _ln2_low(x))) - f)
    y = select(x == 0.0, -np.inf, y)
    y = select(x == np.inf, np.inf, y)
    return select(x >= 0.0, y, np.nan)


@inline
def log1p_of_fraction(x):
    """ln(1 + x) for 0 <= x <= 1: 2 atanh(x / (2 + x))."""
    s = x / (2.0 + x)
    return 2.0 * fma(s * (s * s), _atanh_series_wide(s * s), s)


@inline
def sigmoid(x):
    """1 / (1 + e^-x), through e^-|x| <= 1 so that nothing overflows and small results keep their digits."""
    e = exp(-absolute(x))
    return select(x < 0.0, e, 1.0) / (1.0 + e)


@inline
def log1p(x):
    """ln(1 + x) for x >= 0: what rounding 1 + x has lost is put back as the first term of a series."""
    w = 1.0 + x
    return log(w) + (x - (w - 1.0)) / w


@inline
def log1p_exp_and_sigmoid(x):
    """ln(1 + e^-|x|) and sigmoid(x), from one exponential."""
    e = exp(-absolute(x))
    return log1p_of_fraction(e), select(x < 0.0, e, 1.0) / (1.0 + e)


@inline
def tanh(x):
    """(e^2|x| - 1) / (e^2|x| + 1) with the sign of x."""
    size = absolute(x)
    size = select(size > _tanh_is_one(x), _tanh_is_one(x), size)
    t = expm1(2.0 * size)
    return copysign(t / (t + 2.0), x)
