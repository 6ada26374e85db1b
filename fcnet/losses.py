"""Losses: their names, parameters and formulas. The arithmetic is compiled, in `fcnet.kernels`.

Every loss is a mean over the B samples of a batch. Names, defaults and formulas are Keras 3's
(https://keras.io/api/losses). The cross entropies are computed from the logits Z, not from the probabilities p,
so p = 0 or 1 never gives log(0).

Parameters may be changed between two fits, like those of an optimizer; nothing is compiled for it.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar, TypedDict, Unpack

from . import checks

REDUCTION = "sum_over_batch_size"


class Options(TypedDict, total=False):
    """What every loss of fcnet's takes besides its own parameters; see `Loss`."""

    name: str
    reduction: str


class Loss(checks.Declared):
    """Base class: the id that the kernels know the loss by, and its parameters as attributes.

    Parameters
    ----------
    name : str, optional
        A label, as in Keras; it goes along with copies and files, and nothing depends on it. Default: `kernel`.
    reduction : "sum_over_batch_size", optional
        Keras's default, the mean over the samples, is the only one here.

    Raises
    ------
    TypeError, ValueError
        If there is no such argument, a value has the wrong type or lies outside its range.
    """

    kernel: ClassVar[str]
    name: str
    settable: ClassVar[tuple[str, ...]] = ("name",)
    from_logits: bool = False

    def __init__(self, **parameters: Any) -> None:
        # The order of ranges and flags is that of the constructor.
        checks.keywords(type(self).__name__, parameters, (*self.ranges, *self.flags, "name", "reduction"))
        checks.one_of("reduction", parameters.pop("reduction", REDUCTION), (REDUCTION,))
        if parameters.get("name", "") is None:
            del parameters["name"]
        for name, value in parameters.items():
            setattr(self, name, value)

    def _setting(self, name: str, value: Any) -> Any:
        return checks.text(name, value) if name == "name" else super()._setting(name, value)

    def parameters(self) -> tuple[float, ...]:
        """What the kernel reads, in the order of its constants."""
        return ()

    def total(self, summed: float, weight: float) -> float:
        """The loss times the weight of its samples, from the sum over them of what the kernel computes."""
        return summed

    def __repr__(self) -> str:
        values = (f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({', '.join(values)})"


class _CrossEntropy(Loss):
    flags: ClassVar[tuple[str, ...]] = ("from_logits",)

    def __init__(self, from_logits: bool = False, **parameters: Any) -> None:
        super().__init__(from_logits=from_logits, **parameters)

    def parameters(self) -> tuple[float, ...]:
        """Float64 [from_logits, label_smoothing]."""
        return float(self.from_logits), float(getattr(self, "label_smoothing", 0.0))


class _SmoothedCrossEntropy(_CrossEntropy):
    ranges: ClassVar = {"label_smoothing": (0, 1, "[]")}
    label_smoothing: float

    def __init__(self, from_logits: bool = False, label_smoothing: float = 0.0, **parameters: Any) -> None:
        super().__init__(from_logits, label_smoothing=label_smoothing, **parameters)


class BinaryCrossentropy(_SmoothedCrossEntropy):
    """-(y log p + (1 - y) log(1 - p)), mean over outputs and samples; labels y (B, O) in [0, 1].

    With sigmoid p = 1 / (1 + exp(-Z)), this is max(Z, 0) - Z y + log(1 + exp(-|Z|)), and its gradient is
    dZ = (p - y) / (B O). Several outputs are several answers, each yes or no. Names: "binary_crossentropy", "bce".

    Parameters
    ----------
    from_logits : bool, default=False
        Whether the outputs are the logits Z: the last layer is linear then, and the loss the same as with sigmoid.
    label_smoothing : float, default=0.0
        s in [0, 1]: y is replaced by y (1 - s) + s / 2.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or lies outside its range.
    """

    kernel = name = "binary_crossentropy"


class BinaryFocalCrossentropy(_SmoothedCrossEntropy):
    """Binary cross entropy times w q^gamma: sure and right answers count little, so that rare ones are heard.

    q = y (1 - p) + (1 - y) p is the probability of the wrong answer; w = y alpha + (1 - y) (1 - alpha) with
    class balancing, else 1. Names: "binary_focal_crossentropy".

    Parameters
    ----------
    apply_class_balancing : bool, default=False
    alpha : float, default=0.25
        In [0, 1]; the weight of class 1.
    gamma : float, default=2.0
        0 or more; 0 is the binary cross entropy.
    from_logits, label_smoothing
        As in `BinaryCrossentropy`.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or lies outside its range.

    Notes
    -----
    Source: Lin, Goyal, Girshick, He, Dollar, Focal loss for dense object detection, ICCV 2017.
    """

    kernel = name = "binary_focal_crossentropy"
    flags = ("from_logits", "apply_class_balancing")
    ranges: ClassVar = {**_SmoothedCrossEntropy.ranges, "alpha": (0, 1, "[]"), "gamma": (0, math.inf, "[)")}
    apply_class_balancing: bool
    alpha: float
    gamma: float

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        **options: Unpack[Options],
    ) -> None:
        own: dict[str, Any] = dict(apply_class_balancing=apply_class_balancing, alpha=alpha, gamma=gamma)
        super().__init__(from_logits, label_smoothing, **own, **options)

    def parameters(self) -> tuple[float, ...]:
        """Float64 [from_logits, label_smoothing, gamma, alpha, apply_class_balancing]."""
        return *super().parameters(), self.gamma, self.alpha, float(self.apply_class_balancing)


class CategoricalCrossentropy(_SmoothedCrossEntropy):
    """-sum of y log p over the classes, mean over samples; labels y (B, O) one-hot or probabilities.

    With softmax p, this is log(sum of exp(Z)) - sum of y Z, and its gradient is dZ = (p - y) / B.
    Name: "categorical_crossentropy".

    Parameters
    ----------
    from_logits : bool, default=False
        Whether the outputs are the logits Z: the last layer is linear then, and the loss the same as with softmax.
    label_smoothing : float, default=0.0
        s in [0, 1]: y is replaced by y (1 - s) + s / O.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or lies outside its range.

    Notes
    -----
    Source of label smoothing: Szegedy and others, Rethinking the Inception architecture for computer vision,
    CVPR 2016, section 7.
    """

    kernel = name = "categorical_crossentropy"


class SparseCategoricalCrossentropy(_CrossEntropy):
    """The same as `CategoricalCrossentropy` for labels y (B,) that are class numbers 0..O-1.

    Name: "sparse_categorical_crossentropy".

    Parameters
    ----------
    from_logits : bool, default=False
        As in `CategoricalCrossentropy`.

    Raises
    ------
    TypeError
        If it is no bool.
    """

    kernel = name = "sparse_categorical_crossentropy"


class MeanSquaredError(Loss):
    """(A - y)^2, mean over outputs and samples; targets y (B, O), any activation.

    Gradient: dA = 2 (A - y) / (B O). Names: "mean_squared_error", "mse".
    """

    kernel = name = "mean_squared_error"


class RootMeanSquaredError(Loss):
    """The root of (A - y)^2, mean over outputs and the samples of a batch; targets y (B, O), any activation.

    Gradient: that of the mean squared error, divided by twice the root; 0 where the root is. As it is no mean over
    samples, the loss of an epoch is the mean of those of its batches, weighted by their samples; `evaluate` takes the
    root of the mean over all samples. Names: "root_mean_squared_error", "rmse".
    """

    kernel = name = "root_mean_squared_error"

    def total(self, summed: float, weight: float) -> float:
        """The root of the mean square, times the weight; NaN stays NaN."""
        return math.sqrt(summed * weight)


class MeanAbsoluteError(Loss):
    """|A - y|, mean over outputs and samples: the median, where the squared error has the mean.

    Gradient: dA = sign(A - y) / (B O), 0 where A = y. Names: "mean_absolute_error", "mae".
    """

    kernel = name = "mean_absolute_error"


class MeanAbsolutePercentageError(Loss):
    """100 |A - y| / |y|, |y| being 1e-7 or more, mean over outputs and samples.

    Gradient: dA = 100 sign(A - y) / |y| / (B O). Names: "mean_absolute_percentage_error", "mape".
    """

    kernel = name = "mean_absolute_percentage_error"


class MeanSquaredLogarithmicError(Loss):
    """(log(1 + A) - log(1 + y))^2, mean over outputs and samples; A and y are raised to 1e-7 where below.

    Gradient: dA = 2 (log(1 + A) - log(1 + y)) / (1 + A) / (B O), 0 where A was raised.
    Names: "mean_squared_logarithmic_error", "msle".
    """

    kernel = name = "mean_squared_logarithmic_error"


class Huber(Loss):
    """e^2 / 2 where |e| <= delta, else delta |e| - delta^2 / 2, e = A - y; mean over outputs and samples.

    Gradient: dA = e / (B O), e cut off at delta and -delta. Name: "huber".

    Parameters
    ----------
    delta : float, default=1.0
        Above 0: errors beyond it count linearly.

    Raises
    ------
    ValueError
        If delta is not above 0.

    Notes
    -----
    Source: Huber, Robust estimation of a location parameter, Annals of Mathematical Statistics 35, 1964.
    """

    kernel = name = "huber"
    ranges: ClassVar = {"delta": (0, math.inf, "()")}
    delta: float

    def __init__(self, delta: float = 1.0, **options: Unpack[Options]) -> None:
        super().__init__(delta=delta, **options)

    def parameters(self) -> tuple[float, ...]:
        """Float64 [delta]."""
        return (self.delta,)


class LogCosh(Loss):
    """log(cosh(A - y)), mean over outputs and samples: like e^2 / 2 near 0 and |e| - log 2 far away.

    Gradient: dA = tanh(A - y) / (B O). Names: "log_cosh", "logcosh".
    """

    kernel = name = "log_cosh"


class Poisson(Loss):
    """A - y log A, mean over outputs and samples: counts y, of which A > 0 is the mean.

    With exponential outputs A = e^Z it is computed from the logits, e^Z - y Z, and dZ = (A - y) / (B O). Other outputs
    should be positive, too, as softplus is; of them the logarithm is that of A + 1e-7, as in Keras, and
    dA = (1 - y / (A + 1e-7)) / (B O).
    Name: "poisson".
    """

    kernel = name = "poisson"


class KLDivergence(Loss):
    """Sum of y log(y / A) over the outputs, both kept between 1e-7 and 1; mean over samples.

    Gradient: dA = -y / A / B, 0 where A was moved. Names: "kl_divergence", "kld".

    Notes
    -----
    Source: Kullback and Leibler, On information and sufficiency, Annals of Mathematical Statistics 22, 1951.
    """

    kernel = name = "kl_divergence"


class Hinge(Loss):
    """max(1 - y A, 0), mean over outputs and samples; labels y are 1 and -1, or 1 and 0, which then means -1.

    Gradient: dA = -y / (B O) where y A < 1, else 0. Name: "hinge".
    """

    kernel = name = "hinge"


class SquaredHinge(Loss):
    """max(1 - y A, 0)^2, mean over outputs and samples; labels as in `Hinge`.

    Gradient: dA = -2 y max(1 - y A, 0) / (B O). Name: "squared_hinge".
    """

    kernel = name = "squared_hinge"


class CategoricalHinge(Loss):
    """max(n - p + 1, 0), p = sum of y A, n = the greatest (1 - y) A; mean over samples; labels y (B, O) one-hot.

    Gradient: 1 / B for the greatest (1 - y) A times 1 - y, and -y / B for all, where the loss is not 0.
    Name: "categorical_hinge".
    """

    kernel = name = "categorical_hinge"


class Custom(Loss):
    """Your own loss l(a, y) of one output, mean over outputs and samples: compiled by Numba. See docs/custom.md.

    ``compile(loss=my_function)`` is short for ``compile(loss=Custom(my_function))``.

    Parameters
    ----------
    function : function decorated with numba.njit
        l(a, y), from an output and its target to one number.
    derivative : function decorated with numba.njit, optional
        dl/da, of (a, y). Default: the central difference of `function` in float64, which calls it twice.

    Raises
    ------
    TypeError
        If a function is not compiled by Numba, takes another number of arguments, does not compile for numbers, or
        does not return one number.
    """

    kernel = name = "custom"
    settable = ("function", "derivative")
    function: Any
    derivative: Any

    def __init__(self, function: Any, derivative: Any = None) -> None:
        self.function, self.derivative = function, derivative

    def _setting(self, name: str, value: Any) -> Any:
        if name == "function" or (name == "derivative" and value is not None):
            checks.njit("loss" if name == "function" else name, value, ("a", "y"))
        return super()._setting(name, value)

    def __repr__(self) -> str:
        return f"Custom({self.function.py_func.__name__})"


_KINDS = (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
    MeanSquaredError,
    RootMeanSquaredError,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredLogarithmicError,
    Huber,
    LogCosh,
    Poisson,
    KLDivergence,
    Hinge,
    SquaredHinge,
    CategoricalHinge,
)
LOSSES: dict[str, type[Loss]] = {
    **{kind.kernel: kind for kind in _KINDS},
    **{kind.__name__: kind for kind in _KINDS},
    **dict.fromkeys(("bce", "BCE"), BinaryCrossentropy),
    **dict.fromkeys(("mse", "MSE"), MeanSquaredError),
    **dict.fromkeys(("rmse", "RMSE"), RootMeanSquaredError),
    **dict.fromkeys(("mae", "MAE"), MeanAbsoluteError),
    **dict.fromkeys(("mape", "MAPE"), MeanAbsolutePercentageError),
    **dict.fromkeys(("msle", "MSLE"), MeanSquaredLogarithmicError),
    **dict.fromkeys(("kld", "KLD", "kullback_leibler_divergence"), KLDivergence),
    "logcosh": LogCosh,
}


def get(identifier: Any) -> Loss:
    """The loss of a name ("mse", "mean_squared_error", "MeanSquaredError"), a class, an object, or a function.

    Raises
    ------
    ValueError
        If the name is not known; the message has the valid names and the nearest one.
    TypeError
        If `identifier` is neither a name nor a Loss nor a function that can be one.
    """
    if checks.is_function(identifier):
        return Custom(identifier)
    return checks.declared("loss", identifier, Loss, LOSSES)
