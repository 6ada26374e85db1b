"""Metrics: their names and formulas. The arithmetic is compiled, in `fcnet.kernels`.

A metric is a mean over all samples of an epoch. As in Keras, its key in the History is the name it was given
by: "acc" for "acc", "mse" for "mse"; an object has its own name.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from . import checks


class Metric:
    """Base class. `kernel` names the sums that the kernels compute; `name` is the key in the History.

    `weighted` says whether the samples count by their weights, as those in compile's `weighted_metrics` do.
    `direction` says what callbacks take for an improvement: "min", "max", or None if it is not known.
    """

    kernel: ClassVar[str]
    default_name: ClassVar[str]
    weighted: bool = False
    direction: ClassVar[str | None] = "min"

    def __init__(self, name: str | None = None) -> None:
        self.name = self.default_name if name is None else name

    def parameters(self) -> tuple[float, ...]:
        """What the kernel reads."""
        return ()

    def n_sums(self, units: int) -> int:
        """How many sums the kernel has for a last layer of so many units."""
        return 1

    def result(self, sums: np.ndarray, weight: float) -> float:
        """The metric from the kernel's sums and the sum of the weights, which is the number of samples without."""
        return float(sums[0] / weight)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self.name!r})"


class BinaryAccuracy(Metric):
    """The share of outputs with (p > 0.5) equal to y, mean over outputs and samples."""

    kernel = default_name = "binary_accuracy"
    direction = "max"


class CategoricalAccuracy(Metric):
    """The share of samples whose largest output is where the one-hot label y (B, O) is largest."""

    kernel = default_name = "categorical_accuracy"
    direction = "max"


class SparseCategoricalAccuracy(Metric):
    """The share of samples whose largest output is at the class number y (B,)."""

    kernel = default_name = "sparse_categorical_accuracy"
    direction = "max"


class MeanSquaredError(Metric):
    """(A - y)^2, mean over outputs and samples."""

    kernel = default_name = "mean_squared_error"


class MeanAbsoluteError(Metric):
    """|A - y|, mean over outputs and samples."""

    kernel = default_name = "mean_absolute_error"


class RootMeanSquaredError(Metric):
    """The square root of the mean squared error over all samples of the epoch."""

    kernel, default_name = "mean_squared_error", "root_mean_squared_error"

    def result(self, sums: np.ndarray, weight: float) -> float:
        """The root of the mean square; NaN stays NaN."""
        return math.sqrt(sums[0] / weight)


class SignAccuracy(Metric):
    """The share of outputs with (A > 0) equal to (y > 0), for logits and hinge losses."""

    kernel = default_name = "sign_accuracy"
    direction = "max"


class MeanAbsolutePercentageError(Metric):
    """100 |A - y| / |y|, |y| being 1e-7 or more, mean over outputs and samples."""

    kernel = default_name = "mean_absolute_percentage_error"


class MeanSquaredLogarithmicError(Metric):
    """(log(1 + A) - log(1 + y))^2, mean over outputs and samples."""

    kernel = default_name = "mean_squared_logarithmic_error"


class LogCoshError(Metric):
    """log(cosh(A - y)), mean over outputs and samples."""

    kernel, default_name = "log_cosh", "logcosh"


class Poisson(Metric):
    """A - y log(A + 1e-7), mean over outputs and samples."""

    kernel = default_name = "poisson"


class KLDivergence(Metric):
    """Sum of y log(y / A) over the outputs, mean over samples."""

    kernel = default_name = "kl_divergence"


class Hinge(Metric):
    """max(1 - y A, 0), mean over outputs and samples; y as for the loss."""

    kernel = default_name = "hinge"


class SquaredHinge(Metric):
    """max(1 - y A, 0)^2, mean over outputs and samples; y as for the loss."""

    kernel = default_name = "squared_hinge"


class CategoricalHinge(Metric):
    """max(n - p + 1, 0), p = sum of y A, n = the greatest (1 - y) A; mean over samples."""

    kernel = default_name = "categorical_hinge"


class Accuracy(Metric):
    """Binary, categorical or sparse categorical accuracy: `resolve` picks the one that fits."""

    kernel = default_name = "accuracy"
    direction = "max"


class Custom(Metric):
    """Your own metric m(a, y) of one output, mean over outputs and samples: compiled by Numba. See docs/custom.md.

    ``compile(metrics=[my_function])`` is short for ``compile(metrics=[Custom(my_function)])``.

    Parameters
    ----------
    function : function decorated with numba.njit
        m(a, y), from an output and its target to one number.
    name : str, optional
        Default: that of the function.

    Raises
    ------
    TypeError
        If the function is not compiled by Numba, takes another number of arguments, does not compile for numbers, or
        does not return one number.
    """

    kernel = "custom"
    direction = None

    def __init__(self, function: Any, name: str | None = None) -> None:
        checks.njit("metric", function, ("a", "y"))
        self.function = function
        super().__init__(function.py_func.__name__ if name is None else checks.text("name", name))


_KINDS = (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    MeanSquaredError,
    MeanAbsoluteError,
    RootMeanSquaredError,
    SignAccuracy,
    MeanAbsolutePercentageError,
    MeanSquaredLogarithmicError,
    LogCoshError,
    Poisson,
    KLDivergence,
    Hinge,
    SquaredHinge,
    CategoricalHinge,
)
METRICS: dict[str, type[Metric]] = {
    **{kind.default_name: kind for kind in _KINDS},
    **{kind.__name__: kind for kind in _KINDS},
    "acc": Accuracy,
    **dict.fromkeys(("mse", "MSE"), MeanSquaredError),
    **dict.fromkeys(("mae", "MAE"), MeanAbsoluteError),
    **dict.fromkeys(("rmse", "RMSE"), RootMeanSquaredError),
    **dict.fromkeys(("mape", "MAPE"), MeanAbsolutePercentageError),
    **dict.fromkeys(("msle", "MSLE"), MeanSquaredLogarithmicError),
    **dict.fromkeys(("kld", "KLD"), KLDivergence),
    "log_cosh": LogCoshError,
}


def get(identifier: Any) -> Metric:
    """The metric of a name, a class, an object, or a function decorated with numba.njit.

    Raises
    ------
    ValueError
        If the name is not known; the message has the valid names and the nearest one.
    TypeError
        If `identifier` is neither a name nor a Metric nor a function that can be one.
    """
    if callable(identifier) and not isinstance(identifier, type):
        return Custom(identifier)
    metric = checks.declared("metric", identifier, Metric, METRICS)
    if isinstance(identifier, str):
        metric.name = identifier
    return metric


def resolve(metric: Metric, loss: str, units: int, from_logits: bool = False) -> Metric:
    """The metric for this loss and output, with Keras's rule for "accuracy".

    One unit: binary; class numbers: sparse categorical; several units: categorical.  Outputs that are logits or
    that a hinge loss drives apart are right on the side of 0, where probabilities are on the side of 0.5. (Keras
    compares them with 0.5 as well.)

    Raises
    ------
    ValueError
        If the metric needs labels of another kind than the loss.
    """
    if isinstance(metric, Accuracy):
        kind: type[Metric] = CategoricalAccuracy if units > 1 else BinaryAccuracy
        if loss == "sparse_categorical_crossentropy":
            kind = SparseCategoricalAccuracy
        elif units == 1 and (from_logits or loss in ("hinge", "squared_hinge")):
            kind = SignAccuracy
        chosen = kind(metric.name)
        chosen.weighted = metric.weighted
        return chosen
    checks.metric_fits(metric.kernel, loss, units)
    return metric
