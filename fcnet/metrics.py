"""Metrics: their names and formulas. The arithmetic is compiled, in `fcnet.kernels`.

A metric is a mean over all samples of an epoch, or a function of several sums over them, never a mean over batches.
As in Keras, its key in the History is the name it was given by: "acc" for "acc", "mse" for "mse"; an object has its
own name. Names, defaults and formulas are Keras 3's (https://keras.io/api/metrics) where nothing else is said.
"""

from __future__ import annotations

import copy
import math
from typing import Any, ClassVar

import numpy as np

from . import checks


class Metric(checks.Declared):
    """Base class. `kernel` names the sums that the kernels compute; `name` is the key in the History.

    `weighted` says whether the samples count by their weights, as those in compile's `weighted_metrics` do.
    `direction` says what callbacks take for an improvement: "min", "max", or None if it is not known.
    """

    kernel: ClassVar[str]
    default_name: ClassVar[str]
    name: str
    weighted: bool = False
    direction: ClassVar[str | None] = "min"
    flags = ("weighted",)
    settable = ("name",)

    def __init__(self, name: str | None = None) -> None:
        self.name = self.default_name if name is None else name

    def _setting(self, name: str, value: Any) -> Any:
        return checks.text(name, value) if name == "name" else super()._setting(name, value)

    def parameters(self) -> tuple[float, ...]:
        """What the kernel reads."""
        return ()

    def n_sums(self, units: int) -> int:
        """How many sums the kernel has for a last layer of so many units."""
        return 1

    def result(self, sums: np.ndarray, weight: float) -> float:
        """The metric from the kernel's sums and the sum of the weights, which is the number of samples without."""
        return float(sums[0] / weight)

    def fitted(self, units: int, sparse: bool, signed: bool) -> Metric:
        """The metric for labels that are class numbers, or outputs whose two answers lie on the sides of 0."""
        return self

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
    function: Any

    def __init__(self, function: Any, name: str | None = None) -> None:
        checks.njit("metric", function, ("a", "y"))
        self._define(function=function)
        super().__init__(function.py_func.__name__ if name is None else name)


class _ForLabels(Metric):
    """One that has to know the labels and outputs: what `fitted` told."""

    direction = "max"
    units = 1
    sparse = signed = False

    def fitted(self, units: int, sparse: bool, signed: bool) -> Metric:
        """A copy for this output."""
        found = copy.copy(self)
        found._define(units=units, sparse=sparse, signed=signed)
        return found


class TopKCategoricalAccuracy(_ForLabels):
    """The share of samples with fewer than k outputs above that of the one-hot label y (B, O).

    Parameters
    ----------
    k : int, default=5
        From 1 to O - 1.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or lies outside its range; from `compile`, if k is not below O.
    """

    kernel, default_name = "top_k_accuracy", "top_k_categorical_accuracy"
    k: int

    def __init__(self, k: int = 5, name: str | None = None) -> None:
        super().__init__(name)
        self._define(k=checks.whole("k", k, 1))

    def fitted(self, units: int, sparse: bool, signed: bool) -> Metric:
        """A copy for this output."""
        if self.k >= units:
            raise ValueError(f"{self.name}: k={self.k} of {units} outputs is always 1; k must be below {units}")
        return super().fitted(units, sparse, signed)

    def parameters(self) -> tuple[float, ...]:
        """Float64 [sparse, k]."""
        return float(self.sparse), float(self.k)


class SparseTopKCategoricalAccuracy(TopKCategoricalAccuracy):
    """The same for class numbers y (B,)."""

    default_name = "sparse_top_k_categorical_accuracy"


class R2Score(Metric):
    """1 - sum (y - A)^2 / sum (y - mean y)^2, of every output; targets y (B, O).

    Where all y are equal it is 1 if A is y, else 0, as in scikit-learn.

    Parameters
    ----------
    class_aggregation : "uniform_average" or "variance_weighted_average", default="uniform_average"
        The mean over the outputs, or that weighted by sum (y - mean y)^2.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or lies outside its range.
    """

    kernel, default_name, direction = "moments", "r2_score", "max"
    class_aggregation: str

    def __init__(self, class_aggregation: str = "uniform_average", name: str | None = None) -> None:
        super().__init__(name)
        kinds = ("uniform_average", "variance_weighted_average")
        self._define(class_aggregation=checks.one_of("class_aggregation", class_aggregation, kinds))

    def n_sums(self, units: int) -> int:
        """Of y, y^2 and (y - A)^2, for every output."""
        return 3 * units

    def result(self, sums: np.ndarray, weight: float) -> float:
        """The score from these sums."""
        of_y, of_squares, residual = sums.reshape(-1, 3).T
        spread = np.maximum(of_squares - of_y**2 / weight, 0)
        scores = np.where(spread == 0, np.where(residual == 0, 1.0, 0.0), 1 - _share(residual, spread))
        if self.class_aggregation == "uniform_average":
            return float(scores.mean())
        return float(np.average(scores, weights=spread)) if spread.any() else float(scores.mean())


AVERAGES = ("micro", "macro", "weighted")


class _Counts(_ForLabels):
    """A score of the counts of every output: right yes, wrong yes, wrong no."""

    kernel = "class_counts"
    threshold: float | None
    class_id: int | None
    average: str | None

    def _set(self, name: str, threshold: float | None, class_id: int | None, average: str | None) -> None:
        self._define(
            threshold=None if threshold is None else checks.real(name, threshold, -math.inf, math.inf, "()"),
            class_id=None if class_id is None else checks.whole("class_id", class_id, 0),
            average=average,
        )
        if average is not None:
            checks.one_of("average", average, AVERAGES)
            if class_id is not None:
                raise ValueError(f"class_id={class_id!r} is of one class, average={average!r} of all: give one of them")

    def fitted(self, units: int, sparse: bool, signed: bool) -> Metric:
        """A copy for this output."""
        if self.class_id is not None and self.class_id >= units:
            raise ValueError(f"{self.name}: class_id={self.class_id} is outside the {units} outputs, 0..{units - 1}")
        return super().fitted(units, sparse, signed)

    def takes_highest(self) -> bool:
        """Whether of several outputs the highest is the answer, not every one beyond the threshold."""
        return self.threshold is None and self.units > 1 and self.average is not None

    def parameters(self) -> tuple[float, ...]:
        """Float64 [sparse, whether the highest output is the answer, threshold]."""
        middle = 0.0 if self.signed else 0.5
        threshold = middle if self.threshold is None else self.threshold
        return float(self.sparse), float(self.takes_highest()), threshold

    def n_sums(self, units: int) -> int:
        """Three for every output."""
        return 3 * units

    def score(self, right: Any, wrong_yes: Any, wrong_no: Any) -> np.ndarray:
        """The score of these counts, 0 where it would be 0 / 0."""
        raise NotImplementedError

    def result(self, sums: np.ndarray, weight: float) -> float:
        """The score of one class, of all counts together, or a mean over the classes."""
        counts = sums.reshape(-1, 3).T
        if self.class_id is not None:
            return float(self.score(*counts[:, self.class_id]))
        if self.average in (None, "micro"):
            return float(self.score(*counts.sum(axis=1)))
        of_classes = counts[0] + counts[2] if self.average == "weighted" else np.ones(counts.shape[1])
        return float(_share(self.score(*counts) @ of_classes, of_classes.sum()))


class Precision(_Counts):
    """The share of those found that are right: right / (right + wrong yes); 0 if none was found.

    Parameters
    ----------
    thresholds : float, optional
        An output says yes above it. Default: 0.5, or 0 for logits and hinge losses. (Keras takes a list too.)
    class_id : int, optional
        Count this output alone. Default: all outputs together, as in Keras.
    average : "micro", "macro" or "weighted", optional
        Over classes: the counts of all together, the mean of the scores, or that weighted by how frequent the
        classes are. Then, without `thresholds`, the highest output is the answer. (Not in Keras.)

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or lies outside its range; from `compile`, if there is no such class.
    """

    default_name = "precision"

    def __init__(
        self,
        thresholds: float | None = None,
        class_id: int | None = None,
        average: str | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self._set("thresholds", thresholds, class_id, average)

    @property
    def thresholds(self) -> float | None:
        """The argument of this name."""
        return self.threshold

    def score(self, right: Any, wrong_yes: Any, wrong_no: Any) -> np.ndarray:
        """right / (right + wrong yes)."""
        return _share(right, right + wrong_yes)


class Recall(Precision):
    """The share of those there are that were found: right / (right + wrong no); 0 if there are none.

    Parameters are those of `Precision`.
    """

    default_name = "recall"

    def score(self, right: Any, wrong_yes: Any, wrong_no: Any) -> np.ndarray:
        """right / (right + wrong no)."""
        return _share(right, right + wrong_no)


class FBetaScore(_Counts):
    """(1 + beta^2) P R / (beta^2 P + R), of precision P and recall R, each class by itself.

    Of several outputs the highest is the answer; of one, above 0.5 (or 0, as in `Precision`) is yes.

    Parameters
    ----------
    average : "macro", "micro" or "weighted", default="macro"
        As in `Precision`. (Keras's default is None, an array of all classes; ask for one with `class_id`.)
    beta : float, default=1.0
        How many times as much recall counts.
    threshold : float, optional
        Outputs above it say yes, of several each for itself.
    class_id : int, optional
        The score of this class; goes with the default `average`.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or lies outside its range; from `compile`, if there is no such class.
    """

    default_name = "fbeta_score"
    beta: float

    def __init__(
        self,
        average: str = "macro",
        beta: float = 1.0,
        threshold: float | None = None,
        class_id: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        if average is None:
            raise ValueError("average=None would be an array; give class_id, or average='macro', 'micro' or 'weighted'")
        self._define(beta=checks.real("beta", beta, 0, math.inf, "()"))
        self._set("threshold", threshold, class_id, average if class_id is None or average != "macro" else None)

    def takes_highest(self) -> bool:
        """Also of one class."""
        return self.threshold is None and self.units > 1

    def score(self, right: Any, wrong_yes: Any, wrong_no: Any) -> np.ndarray:
        """(1 + beta^2) right / ((1 + beta^2) right + beta^2 wrong no + wrong yes), the same thing."""
        square = self.beta**2
        return _share((1 + square) * right, (1 + square) * right + square * wrong_no + wrong_yes)


class F1Score(FBetaScore):
    """2 P R / (P + R), the harmonic mean of precision and recall.

    Parameters
    ----------
    average, threshold, class_id
        As of `FBetaScore`.
    """

    default_name = "f1_score"

    def __init__(
        self,
        average: str = "macro",
        threshold: float | None = None,
        class_id: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, class_id, name)


class AUC(_ForLabels):
    """The area under the ROC or the precision-recall curve, from counts at evenly spaced thresholds.

    Labels with p > threshold are found; a curve has a point for every threshold. Between points, ROC is linear and
    precision-recall is interpolated as by Davis and Goadrich. All outputs count together, or each for itself.

    Parameters
    ----------
    num_thresholds : int, default=200
        From 0 to 1; at least 2. The area is off by at most the sum over the num_thresholds - 1 intervals of
        (share of the positives in it) x (share of the negatives in it) / 2.
    curve : "ROC" or "PR", default="ROC"
    multi_label : bool, default=False
        The mean of the areas of the outputs, in place of that of all together.
    from_logits : bool, default=False
        Whether outputs are logits; a loss that says so is enough.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or lies outside its range.

    Notes
    -----
    Source: Davis, Goadrich, The relationship between precision-recall and ROC curves, ICML 2006.
    """

    kernel, default_name = "histogram", "auc"
    num_thresholds: int
    curve: str
    multi_label: bool
    from_logits: bool

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        name: str | None = None,
        multi_label: bool = False,
        from_logits: bool = False,
    ) -> None:
        super().__init__(name)
        self._define(
            num_thresholds=checks.whole("num_thresholds", num_thresholds, 2),
            curve=checks.one_of("curve", curve, ("ROC", "PR")),
            multi_label=checks.flag("multi_label", multi_label),
            from_logits=checks.flag("from_logits", from_logits),
        )

    def parameters(self) -> tuple[float, ...]:
        """Float64 [sparse, intervals, from_logits, multi_label]."""
        logits = self.from_logits or self.signed
        return float(self.sparse), self.num_thresholds - 1.0, float(logits), float(self.multi_label)

    def n_sums(self, units: int) -> int:
        """Negatives and positives in every interval."""
        return 2 * (self.num_thresholds - 1) * (units if self.multi_label else 1)

    def result(self, sums: np.ndarray, weight: float) -> float:
        """The area, the mean of those of the outputs; 0 if one of the two classes is missing."""
        area = _roc_area if self.curve == "ROC" else _precision_recall_area
        intervals = sums.reshape(-1, 2, self.num_thresholds - 1)
        # found above the thresholds, from the highest one down
        found = np.zeros((*intervals.shape[:2], self.num_thresholds))
        np.cumsum(intervals[:, :, ::-1], axis=2, out=found[:, :, 1:])
        return float(np.mean([area(wrong, right) for wrong, right in found]))


def _roc_area(wrong: np.ndarray, right: np.ndarray) -> float:
    """Of the share of the positives found over the share of the negatives found."""
    return float(_share(np.diff(wrong) @ (right[1:] + right[:-1]) / 2, wrong[-1] * right[-1]))


def _precision_recall_area(wrong: np.ndarray, right: np.ndarray) -> float:
    """Of precision over recall; between two points `right` grows linearly with all found, by `slope` each.

    The integral of right / found d(right) is slope (growth + (right - slope found) ln(found / found before)).
    """
    found = wrong + right
    growth, grown = np.diff(right), np.diff(found)
    slope = _share(growth, grown)
    start = right[1:] - slope * found[1:]
    from_zero = found[:-1] == 0
    logarithms = np.log(np.where(from_zero, 1.0, found[1:]) / np.where(from_zero, 1.0, found[:-1]))
    return float(_share(slope @ (growth + start * logarithms), right[-1]))


def _share(part: Any, whole: Any) -> np.ndarray:
    """part / whole, 0 where the whole is 0; NaN stays NaN."""
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    return np.divide(part, whole, out=np.zeros(np.broadcast(part, whole).shape), where=whole != 0)


def confusion_matrix(
    y: Any, predicted: Any, sample_weight: Any = None, threshold: float = 0.5, normalize: bool = False
) -> np.ndarray:
    """How often samples of class i (row) were taken for class j (column).

    Parameters
    ----------
    y : array_like of shape (n,), (n, 1) or (n, k)
        Class numbers 0..k-1, or one-hot labels.
    predicted : array_like of shape (n,), (n, 1) or (n, k)
        What `predict` returns: of several outputs the highest is the class, one above `threshold` is class 1; or
        whole numbers, which are the classes themselves.
    sample_weight : array_like of shape (n,), optional
        What each sample counts; default 1.
    threshold : float, default=0.5
        Of one output; 0 for logits.
    normalize : bool, default=False
        Divide each row by its sum: shares of class i.

    Returns
    -------
    ndarray of shape (k, k)
        int64; float64 with weights or normalized.

    Raises
    ------
    TypeError, ValueError
        If these are no classes, or of different numbers of samples.

    Examples
    --------
    >>> confusion_matrix([0, 0, 1], [[0.2], [0.9], [0.8]])
    array([[1, 1],
           [0, 1]])
    """
    threshold = checks.real("threshold", threshold, -math.inf, math.inf, "()")
    true, k = checks.classes("y", y)
    said, others = checks.classes("predicted", predicted, threshold)
    if len(true) != len(said):
        raise ValueError(f"y has {len(true)} samples and predicted has {len(said)}; they must be equal")
    weights = checks.sample_weights(sample_weight, len(true), np.dtype(np.float64))
    k = max(k, others)
    counts = np.bincount(true * k + said, weights, k * k).reshape(k, k)
    return _share(counts, counts.sum(axis=1, keepdims=True)) if normalize else counts


_KINDS = (
    Accuracy,
    TopKCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    R2Score,
    Precision,
    Recall,
    FBetaScore,
    F1Score,
    AUC,
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
    if checks.is_function(identifier):
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
    sparse = loss == "sparse_categorical_crossentropy"
    signed = from_logits or loss in ("hinge", "squared_hinge")
    if isinstance(metric, Accuracy):
        kind: type[Metric] = CategoricalAccuracy if units > 1 else BinaryAccuracy
        if sparse:
            kind = SparseCategoricalAccuracy
        elif units == 1 and signed:
            kind = SignAccuracy
        chosen = kind(metric.name)
        chosen.weighted = metric.weighted
        return chosen
    name = metric.default_name if isinstance(metric, TopKCategoricalAccuracy) else metric.kernel
    checks.metric_fits(name, loss, units)
    return metric.fitted(units, sparse, signed)
