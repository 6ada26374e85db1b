"""exp, log, tanh, sigmoid and the tail of the normal law on vectors: at most 4 ulp from the exact value, everywhere.

Each is a range reduction and a series whose terms can be read off the page; the number of terms is the least
that leaves the truncated rest below a tenth of an ulp.  `tests/test_kernels.py` measures the bound for both
dtypes, down to the smallest subnormal result; limits at infinity are right and NaN stays NaN.

Source of the reductions: W. J. Cody and W. Waite, Software Manual for the Elementary Functions, 1980.  Of the tail:
M. M. Shepherd and J. G. Laframboise, Chebyshev approximation of (1 + 2x) exp(x^2) erfc(x), 1981.
"""

from __future__ import annotations

from math import factorial
from math import log as ln

import numpy as np

from ._jit import inline
from .simd import absolute, constant, copysign, exponent_of, fma, nearest, polynomial, power_of_2, scale, select

# ln 2 as high + low: n * high is exact for every exponent n.
_ln2_high = constant(0.693359375, 6.93147180369123816490e-01)
_ln2_low = constant(-2.12194440054690582e-04, 1.90821492927058770002e-10)
_log2_e = constant(1.4426950408889634, 1.4426950408889634)

_2_log2_e = constant(2 / ln(2), 2 / ln(2))

_exp_lowest = constant(-105.0, -750.0)
_exp_highest = constant(90.0, 711.0)
_tanh_is_one = constant(20.0, 40.0)
_smallest_normal = constant(2.0**-126, 2.0**-1022)
_tail_centre = constant(4.0, 5.0)

# exp r = sum of r^k / k!, |r| <= ln(2)/2: the rest after r^7 is 5e-9 (float32), after r^13 4e-18 (float64)
_exp_series = polynomial([1 / factorial(k) for k in range(8)], [1 / factorial(k) for k in range(14)])
# (exp r - 1 - r) / r^2
_expm1_series = polynomial([1 / factorial(k + 2) for k in range(6)], [1 / factorial(k + 2) for k in range(12)])
# (2^f - 1) / f, |f| <= 1/2
_exp2m1_series = polynomial([ln(2) ** (k + 1) / factorial(k + 1) for k in range(7)],
                            [ln(2) ** (k + 1) / factorial(k + 1) for k in range(13)])
# (atanh s / s - 1) / s^2 = 1/3 + s^2/5 + ..., a polynomial in s^2: s^2 <= 0.0295 for log, s^2 <= 1/9 for log1p
_atanh_series = polynomial([1 / (2 * k + 3) for k in range(4)], [1 / (2 * k + 3) for k in range(10)])
_atanh_series_wide = polynomial([1 / (2 * k + 3) for k in range(7)], [1 / (2 * k + 3) for k in range(16)])

# (1 + x) e^(x^2/2) Phi(-x) in t = (x - c) / (x + c), Phi being the distribution of the normal law, for all x >= 0:
# the interpolation in Chebyshev's nodes, multiplied out; the rest is 9e-9 (float32, c = 4), 3e-17 (float64, c = 5)
_tail_series = polynomial(
    [0.4720532025409131, -0.0967034761937519, 0.01399992119493159, 0.028600282327336166, -0.03220122241479871,
     0.01793706101184596, -0.004987548936366289, -0.0002898238613865762, 0.0006648009035477298, -8.599175619421792e-05,
     -5.801647096041202e-05, 1.3089655024523745e-05],
    [0.46151582985003775, -0.09155228183400893, 0.03103036842596369, 0.010002352385220747, -0.02640104296630763,
     0.02453696324390185, -0.015170415402525146, 0.006522000665119207, -0.0016760723444742157, 7.79161509574746e-06,
     0.00018233414474988366, -5.3607652870422455e-05, -9.896096712884405e-06, 9.060011716331426e-06,
     -7.034836922558877e-08, -1.3077682743993349e-06, 1.278804945396261e-07, 1.9663442631364518e-07,
     -2.6287875968778985e-08, -3.120147211147667e-08, 3.6280682399194867e-09, 4.500725392479864e-09,
     -2.8233272215141205e-10, -3.9886338590692045e-10])


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
    power = power_of_2(x * _log2_e(x))
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
    """(e^2|x| - 1) / (e^2|x| + 1) with the sign of x; e^2|x| = 2^n 2^f.

    The product below is rounded, but an error of x is never larger, relatively, in tanh x: x tanh' x <= tanh x.
    """
    size = absolute(x)
    size = select(size > _tanh_is_one(x), _tanh_is_one(x), size)
    both = size * _2_log2_e(x)
    f = both - nearest(both)
    power = power_of_2(both)
    t = fma(power, f * _exp2m1_series(f), power - 1.0)
    return copysign(t / (t + 2.0), x)


@inline
def normal_density_and_tail(x):
    """e^(-x^2/2) and Phi(-x), the share of the normal law beyond x, for x >= 0."""
    x = select(x > 40.0, 40.0, x)
    # x = high + rest, where high^2 is exact: the rounding of x^2 would be multiplied by x^2
    high = 0.03125 * nearest(32.0 * x)
    small = 0.5 * (x - high) * (x + high)
    square = 0.5 * high * high
    half = square + small
    bell = exp(-half)
    bell = bell - bell * ((square - half) + small)
    t = (x - _tail_centre(x)) / (x + _tail_centre(x))
    return bell, bell * (_tail_series(t) / (1.0 + x))
