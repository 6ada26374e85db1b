"""scikit-learn's MLPClassifier and MLPRegressor, trained by fcnet: change the import, keep the program.

The two classes are scikit-learn's own, with its parameters, checks, labels, attributes and warnings; what they
replace is the arithmetic: the network is a `Sequential`, and an epoch a call of its kernels. scikit-learn's
objective is `factor` times a loss of fcnet's (`_objective`), plus ``alpha / 2 |W|^2`` divided by the batch size.

The order of the samples comes from another generator, so the same `random_state` gives the same first weights but not
the same bits. docs/scikit-learn.md says what else differs.

Keyword-only parameters after scikit-learn's own are fcnet's; their defaults change nothing.
"""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

try:
    import sklearn.neural_network as reference
    from scipy import optimize
    from scipy.special import xlogy
    from sklearn.base import _fit_context, is_classifier
    from sklearn.exceptions import ConvergenceWarning, NotFittedError
    from sklearn.metrics import accuracy_score, r2_score
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import LabelBinarizer
    from sklearn.utils import check_random_state
    from sklearn.utils._param_validation import Interval, InvalidParameterError, StrOptions
    from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight
    from sklearn.utils.metaestimators import available_if
    from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target
    from sklearn.utils.optimize import _check_optimize_result
    from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
except ImportError as error:
    raise ImportError(
        f"fcnet.sklearn needs scikit-learn 1.6 or later ({error}): pip install 'fcnet[sklearn]'"
    ) from error

from . import _runtime, activations, checks, losses, optimizers, regularizers, training
from .callbacks import Callback
from .layers import Dense, Dropout
from .model import Sequential

_FLOATS = np.dtype(np.float32), np.dtype(np.float64)
_ACTIVATIONS = {"identity": "linear", "logistic": "sigmoid", "exp": "exponential"}


class _Compiled:
    """What both classes have: a `Sequential` in place of scikit-learn's forward and backward pass."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "activation": [StrOptions({*_ACTIVATIONS, *activations.ACTIVATIONS}), activations.Activation, list, tuple],
        "solver": [StrOptions({"lbfgs", *optimizers.OPTIMIZERS}), optimizers.Optimizer],
        "dropout": [Interval(Real, 0, 1, closed="left"), list, tuple],
        "callbacks": [None, list, tuple],
        "n_threads": [None, Interval(Integral, 1, None, closed="left")],
        "dtype": [None, StrOptions({"float32", "float64"})],
    }

    if TYPE_CHECKING:  # parameters, and what scikit-learn's classes have

        def __getattr__(self, name: str) -> Any: ...

    # ------------------------------------------------------------------------------------------------ fit

    def _is_stochastic(self) -> bool:
        if self.solver == "lbfgs":
            raise AttributeError("partial_fit is only available for stochastic optimizers. lbfgs is not stochastic.")
        return True

    def _validate_params(self) -> None:
        """As scikit-learn does; where a name is unknown, the nearest one is told besides."""
        try:
            super()._validate_params()  # type: ignore[misc]
        except InvalidParameterError as error:
            for name in ("activation", "solver", "loss"):
                value = getattr(self, name)
                if isinstance(value, str) and f"The {name!r} parameter" in str(error):
                    known = next(one for one in self._parameter_constraints[name] if isinstance(one, StrOptions))
                    hint = checks.nearest(value, (option for option in known.options if option.islower()))
                    raise InvalidParameterError(f"{error} {hint}".rstrip()) from None
            raise

    def _fit(self, X: Any, y: Any, sample_weight: Any = None, incremental: bool = False, validation: Any = None) -> Any:
        try:
            with _all_or_nothing(self, self.warm_start and not incremental):
                return self._train_on(X, y, sample_weight, incremental, validation)
        except Exception:
            self._validate_params()  # scikit-learn does so in the first partial_fit only; one set since may be to blame
            raise

    def _train_on(self, X: Any, y: Any, sample_weight: Any, incremental: bool, validation: Any) -> Any:
        hidden = self.hidden_layer_sizes
        hidden = list(hidden) if hasattr(hidden, "__iter__") else [hidden]
        if np.any(np.array(hidden) <= 0):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {hidden}.")
        hidden = [checks.whole("hidden_layer_sizes", units, 1) for units in hidden]
        first = not hasattr(self, "coefs_") or (not self.warm_start and not incremental)
        if not first:
            self._restore_views()
        labels = y
        X, Y, sample_weight = self._arrays(X, y, sample_weight, incremental, first)
        dtype = Y.dtype
        if getattr(self, "class_weight", None) is not None:
            name = "class_weight" if sample_weight is None else "class_weight times sample_weight"
            weight = self._weights_by_class(labels).astype(X.dtype)
            sample_weight = weight if sample_weight is None else weight * sample_weight
            checks.some_weight(name, sample_weight)
        checks.sample_weights(sample_weight, len(Y), dtype)  # before alpha is divided by what they add up to
        self._random_state = check_random_state(self.random_state)
        if validation is not None:
            validation = self._held_out(validation)
        with _runtime.num_threads(self.n_threads):
            if first:
                self._build([X.shape[1], *hidden, Y.shape[1]], dtype)
            if self.solver == "lbfgs":
                self._minimize(X, Y, sample_weight)
            else:
                self._train(X, Y, sample_weight, incremental, validation)
        if not np.isfinite(self._model.parameters).all():
            raise _not_finite()
        return self

    def _arrays(
        self, X: Any, y: Any, sample_weight: Any, incremental: bool, reset: bool
    ) -> tuple[Any, np.ndarray, np.ndarray | None]:
        """Checked samples, of which sparse ones stay so, the network's targets for them, and their weights."""
        X, y = self._checked(X, y, incremental, reset)
        if sample_weight is not None:
            checks.undisguised("sample_weight", sample_weight)
            with checks.located(sample_weight=sample_weight):
                sample_weight = _check_sample_weight(sample_weight, X, dtype=X.dtype)
        dtype = np.dtype(self.dtype or X.dtype)
        if isinstance(X, np.ndarray) and X.dtype != dtype:
            X = checks.normalised("X", X, dtype)
        return X, checks.normalised("y", y.reshape(len(y), -1), dtype), sample_weight

    def _weights_by_class(self, labels: Any) -> np.ndarray:
        """Of every sample; the dict may name classes that these samples, a part of a stream, have none of."""
        given, classes = self.class_weight, self.classes_
        if isinstance(given, dict) and not self._label_binarizer.y_type_.startswith("multilabel"):
            given = dict(zip(classes, compute_class_weight(given, classes=classes, y=classes), strict=True))
        return compute_sample_weight(given, labels if hasattr(labels, "tocsr") else np.asarray(labels))

    def _held_out(self, validation: Any) -> tuple[Any, np.ndarray, np.ndarray | None]:
        """The same of `validation_data`, which may lack classes, also where `warm_start` needs all of them."""
        if self.solver == "lbfgs":
            raise ValueError(
                "validation_data is looked at after every epoch, and solver='lbfgs' has none: leave it out, or use "
                "solver=fcnet.optimizers.LBFGS(), whose epochs are its iterations"
            )
        as_fitted: Any = copy.copy(self)
        as_fitted.warm_start = False
        held_out = as_fitted._arrays(*checks.data("validation_data", validation), incremental=True, reset=False)
        if self.early_stopping and not is_classifier(self) and len(held_out[1]) < 2:
            raise ValueError("validation_data has 1 sample, and the score of early_stopping, R2, needs 2 or more")
        return held_out

    def _checked(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Any]:
        """Samples and targets as scikit-learn's checks leave them, but for what those let pass."""
        if incremental and not (reset or self.warm_start) and self._is_plain(X):
            Y = self._plain_targets(y, len(X))
            if Y is not None:
                return X, Y
        checks.undisguised("X", X)
        if is_classifier(self):
            checks.labels(y)
        else:
            checks.undisguised("y", y)
        try:
            with checks.located(X=X, y=y):
                return self._validate_input(X, y, incremental, reset=reset)
        except ValueError as error:
            if is_classifier(self) and "Unknown label type" in str(error):
                raise ValueError(f"{error}; for continuous y use a regressor, MLPRegressor") from error
            raise

    def _is_plain(self, X: Any) -> bool:
        """True if X is an array that all checks would leave as it is; they take 0.1 to 1 ms, this 2 microseconds."""
        if type(X) is not np.ndarray or len(X) == 0 or "feature_names_in_" in self.__dict__:
            return False
        return any(checks.is_ready(X, dtype, self.n_features_in_) for dtype in _FLOATS)

    def _plain_targets(self, y: Any, samples: int) -> np.ndarray | None:
        """The targets of an array y that all checks would let pass, as they leave them; None if it may be another."""
        if type(y) is not np.ndarray or y.shape != (samples,):
            return None
        if not is_classifier(self):
            return y if y.dtype in _FLOATS and np.isfinite(y).all() else None
        classes = self.classes_
        several = self._label_binarizer.y_type_ in ("binary", "multiclass") and len(classes) > 1
        if not several or y.dtype.kind not in "iubU" or y.dtype.kind != classes.dtype.kind:
            return None
        numbers = np.minimum(np.searchsorted(classes, y), len(classes) - 1)
        if not (classes[numbers] == y).all():
            return None
        return (numbers if len(classes) == 2 else numbers[:, None] == np.arange(len(classes))).astype(bool)

    def _build(self, sizes: Sequence[int], dtype: Any) -> None:
        """A network of these sizes, with first weights as scikit-learn draws them, that no epoch has judged."""
        self.n_iter_ = self.t_ = 0
        self.n_layers_, self.n_outputs_ = len(sizes), sizes[-1]
        self.out_activation_ = self._output()
        self._assemble(sizes, dtype)
        for W, b in zip(self.coefs_, self.intercepts_, strict=True):
            bound = math.sqrt((2.0 if self.activation == "logistic" else 6.0) / sum(W.shape))
            W[...] = self._random_state.uniform(-bound, bound, W.shape)
            b[...] = self._random_state.uniform(-bound, bound, b.shape)
        for name in ("validation_loss_curve_", "_no_improvement_count"):  # of another network
            vars(self).pop(name, None)

    def _begin_curves(self) -> None:
        """What the end of an epoch is judged by, as before the first one."""
        self.loss_curve_: list[float] = []
        self._no_improvement_count = 0
        early = self.early_stopping
        self.best_loss_ = None if early else np.inf
        self.validation_scores_: list[float] | None = [] if early else None
        self.best_validation_score_ = -np.inf if early else None
        self._best = self._model.parameters.copy() if early else None

    def _assemble(self, sizes: Sequence[int], dtype: Any) -> None:
        """The layers, with weights of zero."""
        names = self._hidden_activations(len(sizes) - 2)
        rates = self.dropout if isinstance(self.dropout, Sequence) else [self.dropout] * (len(sizes) - 2)
        if len(rates) != len(sizes) - 2:
            hidden = len(sizes) - 2
            raise ValueError(f"dropout must have one rate for each of the {hidden} hidden layers, got {rates!r}")
        self._penalties, model = [], Sequential(dtype=dtype)
        for i, (inputs, outputs) in enumerate(pairwise(sizes)):
            last = i == len(sizes) - 2
            activation = _ACTIVATIONS.get(self.out_activation_, self.out_activation_) if last else names[i]
            self._penalties.append(regularizers.L2(0.0))
            model.add(Dense(outputs, activation, input_dim=inputs if i == 0 else None,
                            kernel_initializer="zeros", kernel_regularizer=self._penalties[-1]))  # fmt: skip
            if not last and rates[i]:
                model.add(Dropout(rates[i]))
        self._model = model
        self._bind_views()

    def _hidden_activations(self, count: int) -> list[Any]:
        chosen = self.activation
        several = list(chosen) if isinstance(chosen, list | tuple) else [chosen] * count
        if len(several) != count:
            raise ValueError(f"activation must name one for each of the {count} hidden layers, got {chosen!r}")
        return [_ACTIVATIONS.get(name, name) if isinstance(name, str) else name for name in several]

    def _output(self) -> str:
        if not is_classifier(self):
            return "exp" if self.loss == "poisson" else "identity"
        return "softmax" if self._label_binarizer.y_type_ == "multiclass" else "logistic"

    def _objective(self) -> tuple[Any, float]:
        """The loss, and `factor`: scikit-learn sums over the outputs what fcnet takes the mean of, and halves squares.

        To divide the objective by it, gradient and penalty are divided: the step of gradient descent takes it in the
        rate, that of Adam in epsilon.
        """
        if self.loss == "squared_error":
            return losses.MeanSquaredError(), self.n_outputs_ / 2
        if self.loss == "poisson":
            return losses.Poisson(), float(self.n_outputs_)
        if self.loss != "log_loss":
            chosen = copy.deepcopy(losses.get(self.loss))
            if is_classifier(self) and chosen.kernel == "sparse_categorical_crossentropy":
                raise ValueError(f"loss={self.loss!r} takes numbers of classes, an estimator makes columns of them: "
                                 "loss='log_loss' is the same of these")  # fmt: skip
            return chosen, 1.0
        if self.out_activation_ == "softmax":
            return losses.CategoricalCrossentropy(), 1.0
        return losses.BinaryCrossentropy(), float(self.n_outputs_)

    def _penalize(self, samples: float, factor: float) -> None:
        l2 = 0.5 * float(self.alpha) / (samples * factor)
        for penalty in self._penalties:
            if penalty.l2 != l2:  # what is set, the engine reads anew
                penalty.l2 = l2

    def _seed(self) -> int:
        return int(self._random_state.randint(np.iinfo(np.int32).max))

    # --------------------------------------------------------------------------------- stochastic solvers

    def _train(self, X: Any, Y: np.ndarray, weights: Any, incremental: bool, validation: Any) -> None:
        """Epochs, until `_Rules` stop them."""
        if self.early_stopping and incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        begun = "_no_improvement_count" in vars(self)  # else the network is new, or L-BFGS was at it alone
        if not begun or bool(self.early_stopping) == (self.validation_scores_ is None):
            self._begin_curves()
        if validation is not None and not hasattr(self, "validation_loss_curve_"):
            self.validation_loss_curve_: list[float] = []
        loss, factor = self._objective()
        if not incremental or self._model.optimizer is None:
            self._model.compile(self._optimizer_for(factor), loss)
            # part of the optimizer: as in scikit-learn, what is set before a partial_fit leaves it as it is
            plan = self.learning_rate if self.solver == "sgd" else "constant"
            self._schedule = plan, float(self.learning_rate_init), float(self.power_t)
        held_out = validation
        if validation is None and self.early_stopping:
            X, Y, weights, held_out = self._split(X, Y, weights)
            checks.some_weight("sample_weight of those not held out", weights)
        rows = X.shape[0]
        batch = 200 if self.batch_size == "auto" else int(self.batch_size)
        if self.batch_size != "auto" and batch > rows:
            warnings.warn("Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
                          stacklevel=4)  # fmt: skip
        batch = min(batch, rows)
        if isinstance(self._model.optimizer, optimizers.LBFGS):
            batch = rows
        self._penalize(batch if weights is None else batch * float(np.mean(weights)), factor)
        self.n_iter_ = 0
        rules = _Rules(self, rows, factor, self._constant(Y, weights), held_out)
        try:
            epochs = 1 if incremental else self.max_iter
            self._run(X, Y, weights, batch, epochs, validation, [rules, *(self.callbacks or ())])
        except FloatingPointError as error:
            text = f"{error}"
            if self.solver == "sgd" and factor != 1:
                text += f" (learning_rate is {factor:g} times learning_rate_init)"
            if not self.early_stopping:
                raise _not_finite(f" In detail: {text}") from error
            self.validation_scores_ = [*(self.validation_scores_ or []), np.nan]
            warnings.warn(text, ConvergenceWarning, stacklevel=4)
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=4)
        if self.early_stopping:
            self._model.parameters[...] = self._best
        if not incremental and self.n_iter_ == self.max_iter and not rules.stopped:
            warnings.warn(f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the optimization "
                          "hasn't converged yet.", ConvergenceWarning, stacklevel=4)  # fmt: skip

    def _run(
        self, X: Any, Y: np.ndarray, weights: Any, batch: int, epochs: int, validation: Any, told: list[Any]
    ) -> None:
        """Epochs of the model; as its `fit`, without looking through X again. `validation` is for `val_loss` alone."""
        model, generator = self._model, np.random.default_rng(self._seed()) if self.shuffle else None
        objective, dtype, samples = model._compiled("fit"), model.parameters.dtype, X.shape[0]
        Y = checks.targets(Y, dtype, objective.loss.kernel, self.n_outputs_, samples)
        rows = _rows(X, dtype), Y, checks.sample_weights(weights, samples, dtype)
        kind, feed = model._feed(rows, batch, generator)
        checked = None if validation is None else model._intake(objective).validation(validation)
        hooks = model._hooks(told, objective, feed, range(epochs), checked is not None, 0)
        network = model._trainable(objective, X.shape[1])
        # random_state begins again with every call, t_ goes on: no two of them drop the same units
        key = model._random_key(self._seed() + self.t_) if network.engine.draws else 0
        fit = kind(network, feed, checked, hooks, lambda epoch: True, key)
        try:
            model._fit(fit, range(epochs), 0)
        except Exception:  # all that a partial_fit has changed is in the copy that its one epoch began with
            fit.checkpoint.restore()
            raise

    def _optimizer_for(self, factor: float) -> Any:
        if self.solver == "sgd":
            nesterov = self.nesterovs_momentum and self.momentum > 0
            return optimizers.SGD(float(self.learning_rate_init) * factor, self.momentum, nesterov)
        if self.solver == "adam":
            return optimizers.Adam(self.learning_rate_init, self.beta_1, self.beta_2, float(self.epsilon) / factor)
        chosen = copy.deepcopy(optimizers.get(self.solver))
        if isinstance(self.solver, str) and "learning_rate" in chosen.ranges:
            chosen.learning_rate = self.learning_rate_init
        return chosen

    def _constant(self, Y: np.ndarray, weights: Any) -> float:
        """What scikit-learn's loss has besides the terms that depend on the network."""
        if self.loss != "poisson":
            return 0.0
        return float(np.average(xlogy(Y, Y) - Y, axis=0, weights=weights).sum())

    def _split(self, X: Any, Y: np.ndarray, weights: Any) -> tuple[Any, np.ndarray, Any, tuple[Any, np.ndarray, Any]]:
        """Samples to train with, and those held out."""
        parts = [X, Y] if weights is None else [X, Y, weights]
        stratify = Y > 0 if is_classifier(self) and self.n_outputs_ == 1 else None
        split = train_test_split(
            *parts, random_state=self._random_state, test_size=self.validation_fraction, stratify=stratify
        )
        kept, out = split[::2], split[1::2]
        if out[0].shape[0] < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
            )
        return kept[0], kept[1], (kept[2] if len(kept) > 2 else None), (*out, None)[:3]

    def _judge(self, X: Any, Y: np.ndarray, weights: Any) -> float:
        """Accuracy or R^2 of samples that were held out; NaN if the network's answer is not finite."""
        P = self._outputs(X)
        if not np.isfinite(P).all():
            return np.nan
        if is_classifier(self):
            decode = self._label_binarizer.inverse_transform
            single = self.n_outputs_ == 1
            return accuracy_score(decode(Y.ravel() if single else Y), decode(P.ravel() if single else P),
                                  sample_weight=weights)  # fmt: skip
        return r2_score(Y, P, sample_weight=weights)

    # -------------------------------------------------------------------------------------------- L-BFGS

    def _minimize(self, X: Any, Y: np.ndarray, weights: Any) -> None:
        """SciPy's L-BFGS-B on loss and gradient of all samples."""
        loss, factor = self._objective()
        model, dtype = self._model, self._model.parameters.dtype
        model._need_no_chance()
        aim = model._aim(loss, ())
        Y = checks.targets(Y, dtype, aim.loss.kernel, self.n_outputs_, len(Y))
        rows, of_rows = _rows(X, dtype), checks.sample_weights(weights, len(Y), dtype)
        self._penalize(len(Y) if weights is None else float(np.sum(weights)), factor)
        engine = model._ruled_engine()

        def value_and_gradient(parameters: np.ndarray) -> tuple[float, np.ndarray]:
            model.parameters[...] = parameters
            value, gradient = engine.loss_and_gradient(model.parameters, rows, Y, aim.loss, of_rows)
            return factor * value, factor * gradient.astype(np.float64)

        options = {"maxfun": self.max_fun, "maxiter": self.max_iter, "gtol": float(self.tol)}
        found = optimize.minimize(
            value_and_gradient, model.parameters.astype(np.float64), method="L-BFGS-B", jac=True, options=options
        )
        if not np.isfinite(found.fun):
            raise _not_finite(f" In detail: the loss is {found.fun}, and no step of L-BFGS was better")
        model.parameters[...] = found.x
        self.n_iter_ = _check_optimize_result("lbfgs", found, self.max_iter)
        self.loss_ = found.fun / self._outputs_of_mean() + self._constant(Y, weights)

    def _outputs_of_mean(self) -> int:
        """How many outputs `loss_` is the mean of."""
        return self.n_outputs_ if self.loss == "squared_error" else 1

    # ------------------------------------------------------------------------------------------- predict

    def _forward_pass_fast(self, X: Any, check_input: bool = True) -> np.ndarray:
        """The network's outputs; scikit-learn's methods call it."""
        outputs = self._plain_outputs(X) if check_input else None
        if outputs is not None:
            return outputs
        if check_input:
            checks.undisguised("X", X)
            with checks.located(X=X):
                X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
        self._restore_views()
        with _runtime.num_threads(self.n_threads):
            return self._outputs(X)

    def _outputs(self, X: Any) -> np.ndarray:
        model = self._model
        rows = _rows(X, model.parameters.dtype)
        return training.predict(model._compiled_engine(), model.parameters, [rows], len(rows))

    def _plain_outputs(self, X: Any) -> np.ndarray | None:
        """The outputs, in microseconds for few rows; None if X is not such that all checks would pass."""
        model = self.__dict__.get("_model")
        if model is None or type(X) is not np.ndarray or "feature_names_in_" in self.__dict__:
            return None
        self._restore_views()
        engine = model._compiled_engine()
        few = engine.predict_few(model.parameters, X)
        if few is not None:
            return few
        with _runtime.num_threads(self.n_threads):
            return engine.predict_many(model.parameters, X)

    def to_sklearn(self) -> Any:
        """scikit-learn's estimator with the same parameters and weights.

        Returns
        -------
        sklearn.neural_network.MLPClassifier or MLPRegressor
            Its predictions are equal but for rounding. Its activation is that of the network, whatever `set_params`
            has said since the fit. `dropout`, `class_weight` and `callbacks`, which matter to training alone, are
            left out.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        ValueError
            If scikit-learn has no such activation, loss or solver.
        """
        check_is_fitted(self)
        self._restore_views()
        kind = reference.MLPClassifier if is_classifier(self) else reference.MLPRegressor
        names = kind._get_param_names()
        parameters = {name: value for name, value in self.get_params(deep=False).items() if name in names}
        other = kind(**{**parameters, "activation": self._fitted_activation()})
        lacks = f"scikit-learn's {kind.__name__} has no counterpart of {self!r}"
        try:
            other._validate_params()
        except InvalidParameterError as error:
            raise ValueError(f"{lacks}: {error}") from None
        only = "log_loss" if is_classifier(self) else "squared_error"
        if "loss" not in names and self.loss != only:
            raise ValueError(f"{lacks}: its loss is {only!r}, got {self.loss!r}")
        other.__dict__.update({name: copy.deepcopy(value) for name, value in _results(self).items()})
        other.loss, other._random_state = self.loss, check_random_state(self.random_state)
        other.coefs_ = [W.copy() for W in self.coefs_]
        other.intercepts_ = [b.copy() for b in self.intercepts_]
        if self.early_stopping:
            other._best_coefs, other._best_intercepts = other.coefs_, other.intercepts_
        return other

    def _fitted_activation(self) -> Any:
        """That of the hidden layers in scikit-learn's word; where it has none, as it is."""
        dense = [layer for layer in self._model.layers if isinstance(layer, Dense)]
        theirs: dict[Any, str] = {known: name for name, known in _ACTIVATIONS.items()}
        hidden = [theirs.get(layer.activation, layer.activation) for layer in dense[:-1]]
        if not hidden:
            return self.activation
        return hidden[0] if all(one == hidden[0] for one in hidden) else hidden

    # --------------------------------------------------------------------- weights: views that can be set

    def _bind_views(self) -> None:
        """`coefs_` and `intercepts_` as views of the model's parameters."""
        dense = [layer for layer in self._model.layers if isinstance(layer, Dense)]
        self.coefs_: list[Any] = [layer.kernel for layer in dense]
        self.intercepts_: list[Any] = [layer.bias for layer in dense]
        self._views = (*self.coefs_, *self.intercepts_)

    def _restore_views(self) -> None:
        """Where a view was replaced by another array, its values go into the parameters."""
        if "_model" not in vars(self):
            raise NotFittedError(
                f"coefs_ and intercepts_ were set in an {type(self).__name__} that was never fitted: set them after a "
                "fit, or set them in scikit-learn's class and pass that to fcnet.sklearn.from_sklearn"
            )
        present = (*self.coefs_, *self.intercepts_)
        if len(present) == len(self._views) and all(a is view for a, view in zip(present, self._views, strict=True)):
            return
        layers = len(self._views) // 2
        if len(self.coefs_) != layers or len(self.intercepts_) != layers:
            came = f"{len(self.coefs_)} and {len(self.intercepts_)}"
            raise ValueError(f"coefs_ and intercepts_ must keep {layers} arrays each, got {came}")
        names = [f"{name}[{i}]" for name in ("coefs_", "intercepts_") for i in range(layers)]
        arrays = [checks.weights(name, array, view.shape, view.dtype).copy()  # it may be the view of another layer
                  for name, array, view in zip(names, present, self._views, strict=True)]  # fmt: skip
        for array, view in zip(arrays, self._views, strict=True):
            view[...] = array
        self.coefs_, self.intercepts_ = list(self._views[:layers]), list(self._views[layers:])

    def __getstate__(self) -> dict[str, Any]:
        if "_model" in self.__dict__:
            self._restore_views()
        state = dict(super().__getstate__())  # type: ignore[call-overload]
        for name in ("coefs_", "intercepts_", "_views"):
            state.pop(name, None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[misc]
        if "_model" in self.__dict__:
            self._bind_views()


class _Rules(Callback):
    """What scikit-learn does at the end of an epoch: loss curve, scores, learning rate, whether to stop."""

    def __init__(self, estimator: Any, rows: int, factor: float, constant: float, held_out: Any) -> None:
        self.estimator, self.rows, self.factor, self.constant = estimator, rows, factor, constant
        self.held_out = held_out
        self.held_out_constant = 0.0 if held_out is None else estimator._constant(*held_out[1:])
        self.schedule, self.rate, self.power = estimator._schedule
        self.stopped = False

    def epochs_ahead(self) -> float:
        """How many epochs may run before they are judged: none but the last of them can end the fit."""
        estimator = self.estimator
        if estimator.early_stopping or self.schedule != "constant":
            return 1
        return max(1, float(estimator.n_iter_no_change) - estimator._no_improvement_count + 1)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Record the epoch, and judge it."""
        estimator, optimizer = self.estimator, self.model.optimizer
        assert logs is not None
        estimator.n_iter_ += 1
        estimator.t_ += self.rows
        estimator.loss_ = self._value(logs["loss"], self.constant)
        estimator.loss_curve_.append(estimator.loss_)
        if "val_loss" in logs:
            estimator.validation_loss_curve_.append(self._value(logs["val_loss"], self.held_out_constant))
        if estimator.verbose:
            print(f"Iteration {estimator.n_iter_}, loss = {estimator.loss_:.8f}")
        estimator._no_improvement_count = 0 if self._improved() else estimator._no_improvement_count + 1
        if self.schedule == "invscaling":
            optimizer.learning_rate = self.rate / (estimator.t_ + 1) ** self.power * self.factor
        if estimator._no_improvement_count > estimator.n_iter_no_change:
            self._no_progress(optimizer)

    def _value(self, loss: float, constant: float) -> float:
        return self.factor * loss / self.estimator._outputs_of_mean() + constant

    def _improved(self) -> bool:
        estimator = self.estimator
        if not estimator.early_stopping:
            improved = not estimator.loss_ > estimator.best_loss_ - float(estimator.tol)
            estimator.best_loss_ = min(estimator.best_loss_, estimator.loss_)
            return improved
        score = estimator._judge(*self.held_out)
        estimator.validation_scores_.append(score)
        if estimator.verbose:
            print(f"Validation score: {score:f}")
        improved = not score < estimator.best_validation_score_ + float(estimator.tol)
        if score > estimator.best_validation_score_:
            estimator.best_validation_score_ = score
            estimator._best = self.model.parameters.copy()
        return improved

    def _no_progress(self, optimizer: Any) -> None:
        estimator = self.estimator
        what = "Validation score" if estimator.early_stopping else "Training loss"
        epochs = f"for {estimator.n_iter_no_change} consecutive epochs."
        text = f"{what} did not improve more than tol={estimator.tol:f} {epochs}"
        adaptive = self.schedule == "adaptive"
        if adaptive and optimizer.learning_rate / self.factor > 1e-6:
            optimizer.learning_rate /= 5
            estimator._no_improvement_count = 0
            text += f" Setting learning rate to {optimizer.learning_rate / self.factor:f}"
        else:
            self.model.stop_training = self.stopped = True
            text += " Learning rate too small. Stopping." if adaptive else " Stopping."
        if estimator.verbose:
            print(text)


class MLPClassifier(_Compiled, reference.MLPClassifier):
    """scikit-learn's MLPClassifier on fcnet's kernels.

    Parameters
    ----------
    hidden_layer_sizes, activation, solver, alpha, batch_size, learning_rate, learning_rate_init, power_t, max_iter, \
    shuffle, random_state, tol, verbose, warm_start, momentum, nesterovs_momentum, early_stopping, \
    validation_fraction, beta_1, beta_2, epsilon, n_iter_no_change, max_fun
        scikit-learn's, with the same meanings and defaults. `activation` may also be any activation of fcnet, or a
        list with one for each hidden layer; `solver` any optimizer of fcnet by its name, with `learning_rate_init`,
        or an object, as it is.
    loss : str or fcnet.losses.Loss, default="log_loss"
        "log_loss" is scikit-learn's.
    class_weight : dict, list of dict, "balanced" or None, default=None
        Weights of the classes, times `sample_weight`; with several labels a list with one dict for each of them.
    dropout : float or list of float, default=0.0
        Rate after the hidden layers, or after each of them; not with L-BFGS.
    callbacks : list of fcnet.callbacks.Callback, optional
        Told about every epoch of the stochastic solvers.
    n_threads : int, optional
        Threads while fitting and predicting; default as `fcnet.get_num_threads`.
    dtype : "float32" or "float64", optional
        Of weights and arithmetic. Default: that of X, as in scikit-learn; float32 takes about half the time.

    Attributes
    ----------
    coefs_, intercepts_ : list of ndarray
        Views of the network's parameters: what is written to them, or put into the lists, is what predicts.
    validation_loss_curve_ : list of float
        Of the fits that were given `validation_data`; with `warm_start` one after the other, as `loss_curve_`.

    Notes
    -----
    All other attributes and methods are scikit-learn's: see its MLPClassifier.
    """

    _parameter_constraints: ClassVar = {
        **reference.MLPClassifier._parameter_constraints,
        **_Compiled._parameter_constraints,
        "loss": [StrOptions({"log_loss", *losses.LOSSES}), losses.Loss],
        "class_weight": [StrOptions({"balanced"}), dict, list, None],
    }

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: Any = "adam",
        alpha: Any = 0.0001,
        batch_size: Any = "auto",
        learning_rate: Any = "constant",
        learning_rate_init: Any = 0.001,
        power_t: Any = 0.5,
        max_iter: Any = 200,
        shuffle: Any = True,
        random_state: Any = None,
        tol: Any = 1e-4,
        verbose: Any = False,
        warm_start: Any = False,
        momentum: Any = 0.9,
        nesterovs_momentum: Any = True,
        early_stopping: Any = False,
        validation_fraction: Any = 0.1,
        beta_1: Any = 0.9,
        beta_2: Any = 0.999,
        epsilon: Any = 1e-8,
        n_iter_no_change: Any = 10,
        max_fun: Any = 15000,
        loss: Any = "log_loss",
        class_weight: Any = None,
        dropout: Any = 0.0,
        callbacks: Any = None,
        n_threads: Any = None,
        dtype: Any = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.loss = loss
        self.class_weight = class_weight
        self.dropout = dropout
        self.callbacks = callbacks
        self.n_threads = n_threads
        self.dtype = dtype

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, validation_data: Any = None) -> MLPClassifier:
        """Fit to samples X (n, I), dense or CSR, and labels y (n,), or (n, O) of 0 and 1.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (n, I)
        y : array_like of shape (n,) or (n, O)
        sample_weight : array_like of shape (n,), optional
        validation_data : (X, y) or (X, y, sample_weight), optional
            Their loss goes to `validation_loss_curve_`; with `early_stopping` no samples are held out, and the score
            is that of these. Not with ``solver="lbfgs"``, which has no epochs.

        Returns
        -------
        MLPClassifier
            Itself.

        Raises
        ------
        TypeError, ValueError
            If an argument does not fit, or training diverges; the estimator is then as it was before, as after an
            error in a callback.
        """
        return self._fit(X, y, sample_weight, validation=validation_data)

    @available_if(_Compiled._is_stochastic)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> MLPClassifier:
        """One epoch over the samples; all `classes` must be named in the first call. Errors are those of `fit`.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.
        classes : array_like, optional

        Returns
        -------
        MLPClassifier
            Itself.
        """
        with _all_or_nothing(self):
            checks.labels(y)
            if _check_partial_fit_first_call(self, classes):
                multilabel = type_of_target(y).startswith("multilabel")
                self._label_binarizer = LabelBinarizer().fit(y if multilabel else classes)
            return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: Any) -> np.ndarray:
        """The classes (n,), or the labels (n, O), of X (n, I)."""
        P = self._plain_outputs(X)
        if P is None:
            return super().predict(X)
        classes = self._label_binarizer.classes_  # as scikit-learn's predict: classes_ can be set
        if self.out_activation_ == "softmax":
            return classes[P.argmax(axis=1)]
        if self.n_outputs_ == 1 and len(classes) == 2:
            return classes[(P[:, 0] > 0.5).view(np.int8)]
        return super().predict(X)


class MLPRegressor(_Compiled, reference.MLPRegressor):
    """scikit-learn's MLPRegressor on fcnet's kernels.

    Parameters
    ----------
    loss : str or fcnet.losses.Loss, default="squared_error"
        "squared_error" and "poisson" are scikit-learn's; any other one of fcnet goes with a linear output.
    hidden_layer_sizes, activation, solver, alpha, batch_size, learning_rate, learning_rate_init, power_t, max_iter, \
    shuffle, random_state, tol, verbose, warm_start, momentum, nesterovs_momentum, early_stopping, \
    validation_fraction, beta_1, beta_2, epsilon, n_iter_no_change, max_fun
        As in `MLPClassifier`.
    dropout, callbacks, n_threads, dtype
        As in `MLPClassifier`.

    Attributes
    ----------
    coefs_, intercepts_, validation_loss_curve_
        As in `MLPClassifier`.

    Notes
    -----
    All other attributes and methods are scikit-learn's: see its MLPRegressor.
    """

    _parameter_constraints: ClassVar = {
        **reference.MLPRegressor._parameter_constraints,
        **_Compiled._parameter_constraints,
        "loss": [StrOptions({"squared_error", "poisson", *losses.LOSSES}), losses.Loss],
    }

    def __init__(
        self,
        loss: Any = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: Any = "adam",
        alpha: Any = 0.0001,
        batch_size: Any = "auto",
        learning_rate: Any = "constant",
        learning_rate_init: Any = 0.001,
        power_t: Any = 0.5,
        max_iter: Any = 200,
        shuffle: Any = True,
        random_state: Any = None,
        tol: Any = 1e-4,
        verbose: Any = False,
        warm_start: Any = False,
        momentum: Any = 0.9,
        nesterovs_momentum: Any = True,
        early_stopping: Any = False,
        validation_fraction: Any = 0.1,
        beta_1: Any = 0.9,
        beta_2: Any = 0.999,
        epsilon: Any = 1e-8,
        n_iter_no_change: Any = 10,
        max_fun: Any = 15000,
        dropout: Any = 0.0,
        callbacks: Any = None,
        n_threads: Any = None,
        dtype: Any = None,
    ) -> None:
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.dropout = dropout
        self.callbacks = callbacks
        self.n_threads = n_threads
        self.dtype = dtype

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, validation_data: Any = None) -> MLPRegressor:
        """Fit to samples X (n, I), dense or CSR, and values y (n,) or (n, O).

        Parameters
        ----------
        X : array_like or sparse matrix of shape (n, I)
        y : array_like of shape (n,) or (n, O)
        sample_weight : array_like of shape (n,), optional
        validation_data : (X, y) or (X, y, sample_weight), optional
            As in `MLPClassifier.fit`.

        Returns
        -------
        MLPRegressor
            Itself.

        Raises
        ------
        TypeError, ValueError
            As `MLPClassifier.fit` does.
        """
        return self._fit(X, y, sample_weight, validation=validation_data)

    @available_if(_Compiled._is_stochastic)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """One epoch over the samples; arguments and errors as in `fit`.

        Returns
        -------
        MLPRegressor
            Itself.
        """
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: Any) -> np.ndarray:
        """The values (n,) or (n, O) for X (n, I)."""
        P = self._plain_outputs(X)
        if P is None:
            return super().predict(X)
        return P[:, 0] if self.n_outputs_ == 1 else P


def from_sklearn(fitted: Any) -> MLPClassifier | MLPRegressor:
    """The estimator of this module with parameters and weights of a fitted one of scikit-learn's.

    Parameters
    ----------
    fitted : sklearn.neural_network.MLPClassifier or MLPRegressor

    Returns
    -------
    MLPClassifier or MLPRegressor
        Its predictions are equal but for rounding. Training can go on with `partial_fit` or `warm_start`; the
        optimizer starts afresh.

    Raises
    ------
    TypeError
        If it is another kind of estimator.
    sklearn.exceptions.NotFittedError
        If it is not fitted.
    """
    kinds = {reference.MLPClassifier: MLPClassifier, reference.MLPRegressor: MLPRegressor}
    if type(fitted) not in kinds:
        raise TypeError(f"fitted must be scikit-learn's MLPClassifier or MLPRegressor, got {type(fitted).__name__}")
    check_is_fitted(fitted)
    new = kinds[type(fitted)](**fitted.get_params(deep=False))
    new.__dict__.update({name: copy.deepcopy(value) for name, value in _results(fitted).items()})
    new._random_state = check_random_state(0)
    sizes = [fitted.coefs_[0].shape[0], *(len(b) for b in fitted.intercepts_)]
    new._assemble(sizes, fitted.coefs_[0].dtype)
    new.coefs_, new.intercepts_ = list(fitted.coefs_), list(fitted.intercepts_)
    new._restore_views()
    new._best = new._model.parameters.copy() if fitted.early_stopping else None  # such a fit ends with the best weights
    return new


def _results(fitted: Any) -> dict[str, Any]:
    """What scikit-learn's estimator knows after a fit, but for the weights and the optimizer."""
    names = {"coefs_", "intercepts_", "validation_loss_curve_"}
    kept = {name: value for name, value in vars(fitted).items() if name.endswith("_") and name not in names}
    private = ("_label_binarizer", "_no_improvement_count")
    return kept | {name: vars(fitted)[name] for name in private if name in vars(fitted)}


@contextmanager
def _all_or_nothing(estimator: Any, weights: bool = False) -> Iterator[None]:
    """After an error inside, the estimator is as it was before; `weights` says whether those of its network are copied.

    A fit with `warm_start` needs that. Any other one makes a new network, and the steps of a partial_fit are undone in
    `_run`: as it may be called very often, nothing that is large, or grows, is copied for it.
    """
    model = vars(estimator).get("_model")
    parts = [part for part in (estimator, model, getattr(model, "optimizer", None)) if part is not None]
    before = [dict(vars(part)) for part in parts]
    curves = [(value, len(value)) for value in before[0].values() if isinstance(value, list)]
    parameters = model.parameters.copy() if weights and model is not None else None
    try:
        yield
    except Exception:
        for part, attributes in zip(parts, before, strict=True):
            vars(part).clear()
            vars(part).update(attributes)
        checks.note_setting()
        for curve, length in curves:
            del curve[length:]
        if parameters is not None:
            model.parameters[...] = parameters
        raise


def _rows(X: Any, dtype: Any) -> Any:
    """Samples in which scikit-learn has found every value finite, as the kernels take them."""
    if isinstance(X, np.ndarray) and X.dtype == dtype:
        return np.require(X, requirements=["C", "A"])
    return checks.features(X, dtype)


def _not_finite(more: str = "") -> ValueError:
    return ValueError(
        "Solver produced non-finite parameter weights. The input data may contain large values and need to be "
        f"preprocessed.{more}"
    )
