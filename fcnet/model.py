"""Sequential: the thin class over parameters, engine and training."""

from __future__ import annotations

import copy
import math
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias, cast

import numpy as np

from . import (
    _runtime,
    checks,
    data,
    descriptions,
    display,
    files,
    layout,
    losses,
    metrics,
    optimizers,
    profiling,
    range_test,
    rules,
    seeds,
    training,
)
from .callbacks import Callback, History, Hooks
from .engine import Engine
from .inspection import Inspection, LayerPass
from .intake import Intake, unlabelled
from .kernels.transforms import RANDOM
from .layers import Dense, Input, Layer
from .profiling import Profile
from .range_test import RangeTest

_SETTABLE = ("name", "trainable", "history", "optimizer", "stop_training")
Reported: TypeAlias = Any
"""float, list of float or dict: a union of them would have every type checker refuse `loss, accuracy = ...`."""


class Sequential:
    """A fully connected network: layers one after the other.

    Parameters
    ----------
    layers : iterable of Layer, optional
        The layers; an `Input` may stand first. More can be added with `add`.
    name : str, optional
        Default: "sequential".
    dtype : str, default="float32"
        float32 or float64, of all parameters and arithmetic.

    Attributes
    ----------
    history : History or None
        Of the last fit, also of one that was interrupted.
    stop_training : bool
        Set to True by a callback or another Python thread, it ends the fit after the steps that run at that moment.
    optimizer : Optimizer or None
        Of the last `compile`.
    trainable : bool
        Whether every layer is; set, it is set in all layers that there are, as in Keras.

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit.
    AttributeError
        If an attribute is set that a Sequential does not have. A class of your own derived from it has what it likes.

    Examples
    --------
    >>> from fcnet import Dense, Sequential
    >>> model = Sequential([Dense(4, input_dim=2, activation="relu"), Dense(1, activation="sigmoid")])
    >>> model.count_params()
    17
    """

    def __init__(
        self, layers: Iterable[Layer | Input] | None = None, name: str | None = None, dtype: Any = "float32"
    ) -> None:
        if layers is not None and (isinstance(layers, str) or not isinstance(layers, Iterable)):
            raise TypeError(f"layers must be a list, like Sequential([Dense(8), Dense(1)]), got {layers!r}")
        self.name = "sequential" if name is None else name
        self._dtype = checks.dtype(dtype)
        self._layers: list[Layer] = []
        self._inputs: int | None = None
        self._flat: np.ndarray | None = None
        self._engine: Engine | None = None
        self._running: dict[int, training.Fit] = {}  # the fit of every Python thread
        self._feature_names: tuple[str, ...] | None = None
        self.history: History | None = None
        self.stop_training = False
        self.optimizer: optimizers.Optimizer | None = None
        self._optimizer_state: list[np.ndarray] | None = None
        self._loss: losses.Loss | None = None
        self._metrics: list[metrics.Metric] = []
        self._objective: training.Objective | None = None  # loss and metrics for the last layer
        for layer in layers or ():
            self.add(layer)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "name":
            value = checks.text(name, value)
        elif type(self) is Sequential and not (name.startswith("_") or name in _SETTABLE):
            checks.not_settable(self, name, _SETTABLE)
        object.__setattr__(self, name, value)

    # ------------------------------------------------------------------------------------------- layers

    def add(self, layer: Layer | Input) -> None:
        """Append a layer. Its weights are drawn now if the input size is known, else at the first fit.

        Adding to a model that was fitted keeps its weights and starts the optimizer afresh. The flat vector
        becomes a new one: views taken before no longer follow the model.

        Raises
        ------
        RuntimeError
            Within a hook of a fit of this model.
        TypeError
            If it is neither a layer nor, as the first thing, an Input.
        ValueError
            If it belongs to a model already (give another model the weights: see `Layer.set_weights`), or its
            input size or name does not fit.
        MemoryError
            If the parameters exceed the machine's memory.
        """
        self._need_no_fit("add")
        if isinstance(layer, Input):
            if self._layers or self._inputs is not None:
                raise ValueError(f"{layer!r} must come first, {self.name!r} has an input or layers already")
            self._inputs = layer.shape[0]
            return
        if not isinstance(layer, Layer) or type(layer) is Layer:
            raise TypeError(f"layer must be a fcnet.Dense or another layer or, first, a fcnet.Input, got {layer!r}")
        if layer.added:
            raise ValueError(
                f"{layer!r} belongs to a model already; make a new {type(layer).__name__} for every place, and copy "
                "weights with set_weights(other.get_weights())"
            )
        name = self._free_name(layer)
        previous = self._width()
        if layer.input_dim is not None and previous not in (None, layer.input_dim):
            raise ValueError(f"{name!r} has input_dim={layer.input_dim}, what comes before gives {previous}")
        if layer.input_dim is not None and previous is None and self._layers:
            raise ValueError("input_dim belongs to the first layer")
        inputs = self._inputs if self._layers else (previous or layer.input_dim)
        layers = [*self._layers, layer]
        if inputs is not None:
            self._allocate(inputs, layers)
        layer._define(name=name, added=True)
        self._layers, self._inputs, self._objective = layers, inputs, None

    def build(self, input_shape: int | Sequence[int | None]) -> None:
        """Draw the weights for inputs of this shape: (None, I), (I,) or I. Nothing happens if built already.

        Raises
        ------
        RuntimeError
            If there is no layer.
        TypeError, ValueError
            If it is no such shape, or the model was built for another number of features.
        """
        shape: Any = input_shape
        if isinstance(shape, Sequence) and len(shape) == 2:
            shape = shape[1:]  # without the number of samples
        inputs = Input(shape).shape[0]
        self._need_layers()
        if self._inputs not in (None, inputs):
            raise ValueError(f"input_shape is {input_shape!r}, the model expects {self._inputs} features")
        if self._flat is None:
            self._allocate(inputs, self._layers)
            self._inputs = inputs

    def _allocate(self, inputs: int, layers: Sequence[Layer]) -> None:
        """A flat vector for these layers: known weights kept, new ones drawn; bound when all went well."""
        places = layout.slots(inputs, layers)
        checks.memory(places[-1].stop, self._dtype)
        flat = layout.zeros(places[-1].stop, self._dtype)
        if self._flat is not None:
            flat[: self._flat.size] = self._flat
        for layer, slot in zip(layers, places, strict=True):
            if not layer.built:
                layer._initialize(flat, slot)
        self._bind(flat, zip(layers, places, strict=True))

    def _bind(self, flat: np.ndarray, places: Iterable[tuple[Layer, layout.Slot]]) -> None:
        for layer, slot in places:
            layer._bind(flat, slot)
        self._flat, self._engine = flat, None

    def _width(self) -> int | None:
        """Outputs of the layers so far; None if they are as many as the inputs, and those are not known."""
        return next((layer.units for layer in reversed(self._layers) if isinstance(layer, Dense)), self._inputs)

    def _free_name(self, layer: Layer) -> str:
        taken = {known.name for known in self._layers}
        if layer.name is not None:
            if layer.name in taken:
                raise ValueError(f"the model has a layer named {layer.name!r} already; names must differ")
            return layer.name
        candidates = (layer.kind, *(f"{layer.kind}_{i}" for i in range(1, len(taken) + 1)))
        return next(candidate for candidate in candidates if candidate not in taken)

    @property
    def layers(self) -> list[Layer]:
        """The layers, in a new list."""
        return list(self._layers)

    @property
    def trainable(self) -> bool:
        """Whether every layer is trainable; set, it is set in all layers that there are."""
        return all(layer.trainable for layer in self._layers)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        wanted = checks.flag("trainable", value)
        for layer in self._layers:
            layer.trainable = wanted

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer of this name, or at this place.

        Raises
        ------
        ValueError
            If there is no such layer, or not exactly one of the two is given.
        """
        if (name is None) == (index is None):
            raise ValueError(f"give a name or an index, got name={name!r} and index={index!r}")
        if index is not None:
            if not -len(self._layers) <= index < len(self._layers):
                raise ValueError(f"index {index!r} is outside the {len(self._layers)} layers")
            return self._layers[index]
        for layer in self._layers:
            if layer.name == name:
                return layer
        raise ValueError(f"no layer {name!r}; the layers are {[layer.name for layer in self._layers]}")

    # --------------------------------------------------------------------------------------- parameters

    @property
    def dtype(self) -> str:
        """float32 or float64."""
        return self._dtype.name

    @property
    def built(self) -> bool:
        """Whether the model has its parameters."""
        return self._flat is not None

    @property
    def parameters(self) -> np.ndarray:
        """The flat parameter vector, live: layer after layer W (I, O) row by row, then b (O,), or gamma and beta.

        Raises
        ------
        RuntimeError
            If the model is not built.
        """
        if self._flat is None:
            self._need_layers()
            raise RuntimeError(
                f"the model {self.name!r} has no parameters yet: give its first layer input_dim, or call fit"
            )
        return self._flat

    def count_params(self) -> int:
        """Number of parameters."""
        return self.parameters.size

    def get_weights(self) -> list[np.ndarray]:
        """Copies of the arrays of all layers in one list: W (I, O) and b (O,) of a Dense, gamma and beta (O,)."""
        self._ready()
        return [array for layer in self._layers for array in layer.get_weights()]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set all arrays from a list as `get_weights` gives it; the optimizer's state stays.

        Raises
        ------
        RuntimeError
            If the model is not built.
        TypeError, ValueError
            If the number of arrays, a shape or a value does not fit; nothing is changed then.
        """
        for layer, arrays in zip(self._layers, self._checked_weights(weights), strict=True):
            layer.set_weights(arrays)

    def _checked_weights(self, weights: Sequence[Any]) -> list[list[np.ndarray]]:
        """The arrays of every layer from one list, of the right shapes."""
        self._ready()
        counts = [len(layer._views()) for layer in self._layers]
        weights = checks.arrays("weights", weights)
        if len(weights) != sum(counts):
            raise ValueError(f"weights must hold {sum(counts)} arrays, W and b by layer, got {len(weights)}")
        rest = iter(weights)
        return [
            layer._checked([next(rest) for _ in range(count)])
            for layer, count in zip(self._layers, counts, strict=True)
        ]

    def summary(self, print_fn: Callable[[str], Any] = print) -> None:
        """Print the layers with their output shapes and numbers of parameters."""
        rows = [("Layer", "Output shape", "Activation", "Parameters")]
        for layer in self._layers:
            count = f"{layer.count_params():,}" if layer.built else "not built"
            width = layer.units if layer.built else layer.width(0) or "?"
            activation = str(layer.activation) if layer.kind in ("dense", "activation") else ""
            rows.append((str(layer.name), f"(None, {width})", activation, count))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)) for row in rows]
        rule = "-" * max(map(len, lines))
        total = "Not built: no input size yet"
        if self._flat is not None:
            total = f"{self._flat.size:,} parameters, {self._flat.nbytes:,} bytes in {self.dtype}"
        shown = [f'Model "{self.name}"', rule, lines[0], rule, *lines[1:], rule, total]
        print_fn("\n".join(text.rstrip() for text in shown))

    # ----------------------------------------------------------------------------------------- training

    def compile(
        self,
        optimizer: str | optimizers.Optimizer = "rmsprop",
        loss: str | losses.Loss | Callable | None = None,
        metrics: Sequence[str | metrics.Metric | Callable] | None = None,
        weighted_metrics: Sequence[str | metrics.Metric | Callable] | None = None,
    ) -> None:
        """Say how to train. The optimizer starts afresh, also when its object was used before.

        Parameters
        ----------
        optimizer : str or Optimizer, default="rmsprop"
            "adam", "sgd" or another name or an object of `fcnet.optimizers`, such as ``optimizers.SGD(0.1)``.
        loss : str, Loss or function decorated with numba.njit
            "binary_crossentropy", "sparse_categorical_crossentropy", "mean_squared_error" or another name or an
            object of `fcnet.losses`, such as ``losses.Huber(delta=0.5)``; or your own l(a, y) of one output. There is
            no default.
        metrics : list of str, Metric or function decorated with numba.njit, optional
            "accuracy" or names and objects of `fcnet.metrics`, or your own m(a, y) of one output. All samples count
            alike.
        weighted_metrics : list of the same, optional
            The same, but samples count by their sample_weight and class_weight, as they do in the loss.

        Raises
        ------
        RuntimeError
            Within a hook of a fit of this model.
        TypeError, ValueError
            If a name is unknown, the loss does not fit the last layer, or the name of a metric is another one's, or
            "loss", "epoch", "learning_rate" or one that begins with "val_", which logs have for something else.
        """
        self._need_no_fit("compile")
        if loss is None:
            raise ValueError("compile needs a loss, like compile(optimizer='adam', loss='binary_crossentropy')")
        chosen, aim, wanted = optimizers.get(optimizer), losses.get(loss), _metrics(metrics, weighted_metrics)
        self._objective = self._aim(aim, wanted) if self._layers else None
        chosen.reset()
        self.optimizer, self._optimizer_state = chosen, chosen.state
        self._loss, self._metrics = aim, wanted

    def fit(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Callback | Sequence[Callback] | None = None,
        *,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Mapping[int, float] | str | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int | Sequence[int] = 1,
        seed: int | np.random.Generator | None = None,
        resume: files.Path | None = None,
        n_threads: int | None = None,
    ) -> History:
        """Train.

        Parameters
        ----------
        x : array_like of shape (n, I)
            Samples; see `fcnet.checks.features` for what is accepted. Never written to. Or blocks (x, y) or
            (x, y, sample_weight) of them: a `fcnet.data.Blocks`, a list, a function that makes an iterator, an
            iterator, a PyTorch DataLoader, an object that has a length and gives them by number. A file of more than
            256 MiB, as `np.memmap`, is read in blocks.
        y : array_like of shape (n,), (n, 1) or (n, O)
            Labels, as the loss wants them; left out where x gives blocks.
        batch_size : int, optional
            Default 32; where x gives blocks from a list or an iterator every block is a batch, as in Keras, unless
            there is a number. A larger number than there are samples means all of them, with a warning.
        epochs : int, default=1
            Number of the last epoch.
        verbose : "auto", 0, 1 or 2, default="auto"
            0 silence, 1 or "auto" a progress bar, 2 one line an epoch.
        callbacks : list of fcnet.callbacks.Callback, optional
            Called while it trains: `fcnet.callbacks.Callback` says when. Without them several short epochs run in
            one compiled call.
        validation_split : float, default=0.0
            The share of samples, the last ones before shuffling, that is held out for validation.
        validation_data : (x, y) or (x, y, sample_weight), optional
            For validation, or what gives blocks of them; with it `validation_split` is not looked at.
        shuffle : bool, default=True
            A new order of the samples for every epoch; of blocks, where they can be had in another order, and of the
            samples in each.
        class_weight : dict of {class: weight} or "balanced", optional
            Multiplies the weights of the training samples: classes that are left out have 1; "balanced" is
            n / (k count), for n samples of k classes.
        sample_weight : array_like of shape (n,), optional
            0 or more: the loss of a batch is sum(w l) / sum(w). A sample of weight 0 is as good as absent, and one
            of weight 2 as good as there twice. (Keras divides by the number of samples.)
        initial_epoch : int, default=0
            The epoch to begin with. With a whole-number `seed`, the orders of the epochs before are skipped,
            so a fit in two parts takes the samples in the same order as one in one part, and drops the same of them.
        steps_per_epoch : int, optional
            An epoch is so many batches, and the next one goes on where it ended. For data without an end.
        validation_batch_size : int, optional
            Accepted as in Keras; neither the result nor the memory depends on it.
        validation_freq : int or list of int, default=1
            Validate after every so many epochs, or after the epochs of these numbers, counted from 1.
        seed : int or numpy.random.Generator, optional
            Of the order of the samples, and of dropout and noise. Default: the generator of `fcnet.set_seed`.
        resume : str or path, optional
            A file that `fcnet.callbacks.ModelCheckpoint` has written in a fit of such a model with the same arguments:
            this one goes on from there, with the bits of one that was never stopped. Weights, optimizer, generators,
            callbacks and History are then those of the file; `seed` and `initial_epoch` have no effect.
        n_threads : int, optional
            On how many threads to compute; the result has the same bits. Default: `fcnet.get_num_threads`.

        Returns
        -------
        History
            Also kept as `model.history`.

        Raises
        ------
        RuntimeError
            If the model is not compiled.
        TypeError, ValueError
            If an argument does not fit; nothing has changed then.
        FloatingPointError
            If training diverges, with epoch, step, loss and learning rate; parameters and optimizer are as at the
            start of that epoch, and the History has the epochs before it.
        KeyboardInterrupt
            On Ctrl-C; parameters are those of the last complete step, the History (`history`) is kept. The same holds
            for an error in a callback, and of blocks that are wrong.
        OSError, ModelFileError
            If the file to resume from can't be read, or is no checkpoint of such a fit.
        """
        objective = self._compiled("fit")
        shown = checks.verbose(verbose)
        run = checks.epoch_range(epochs, initial_epoch)
        saved = None if resume is None else self._saved_fit(resume)
        mixed = checks.flag("shuffle", shuffle)
        validated = checks.validation_epochs(validation_freq)
        if validation_batch_size is not None:
            checks.whole("validation_batch_size", validation_batch_size, 1, wrong_type=ValueError)
        steps = None if steps_per_epoch is None else checks.whole("steps_per_epoch", steps_per_epoch, 1)
        threads = checks.threads(n_threads)
        generator = seeds.generator(seed) if mixed else None
        share = 0.0 if validation_data is not None else validation_split
        intake = self._intake(objective)
        source = intake.blocks(x, y, sample_weight, always=steps is not None)
        kind: type[training.Fit] = training.Fit
        feed: data.Rows | data.Stream
        validation: Iterable[data.Arrays] | None
        if source is None:
            rows, validation = intake.split(intake.arrays(x, y, sample_weight), share, class_weight)
            intake, n = intake.fitted_to(x, rows[0]), len(rows[0])
            full = isinstance(self.optimizer, optimizers.LBFGS)
            size = checks.full_batch(batch_size, n) if full else checks.batch_size(batch_size, n)
            kind, feed = self._feed(rows, size, generator)
        else:
            self._steps_in_batches("a fit on blocks")
            intake = intake.fitted_to_first(source, class_weight)
            source, check, validation = intake.split_blocks(source, share, class_weight)
            if isinstance(source, data.Blocks):
                each: int | None = checks.batch_size(batch_size, len(source))
            else:
                checks.passes(source.once, len(run), steps)
                each = None if batch_size is None else checks.whole("batch_size", batch_size, 1, ValueError)
            feed = data.Stream(source, check, each, steps, generator)
        if validation_data is not None:
            validation = intake.validation(validation_data)
        assert intake.features is not None
        if saved is not None:
            run = saved.epochs(run.stop)
        elif seed is not None and not isinstance(seed, np.random.Generator):
            feed.skip(run.start)
        hooks = self._hooks(callbacks, objective, feed, run, validation is not None, shown)
        if saved is not None:
            saved.check(training.form(feed, validation, intake.features), feed, objective, hooks)
            self._adopt_options(saved.model)
        self._own_optimizer()  # raises before anything is drawn
        key = 0 if saved is not None else self._random_key(seed)

        network = self._trainable(objective, intake.features)
        self._feature_names = intake.names
        fit = kind(network, feed, validation, hooks, validated, key)
        with _runtime.num_threads(threads):
            return self._fit(fit, run, shown, saved)

    def _feed(
        self, rows: data.Arrays, batch_size: int, generator: np.random.Generator | None
    ) -> tuple[type[training.Fit], data.Rows]:
        """Checked rows in batches, and the kind of fit that takes them."""
        kind: type[training.Fit] = training.Fit
        if isinstance(self.optimizer, optimizers.LBFGS):
            self._need_no_chance()
            kind = training.FullBatchFit
        return kind, data.Rows(*rows, batch_size, generator)

    def _hooks(
        self, callbacks: Any, objective: training.Objective, feed: data.Rows | data.Stream, run: range,
        validated: bool, shown: int,
    ) -> Hooks:  # fmt: skip
        """The callbacks, checked."""
        params = {"verbose": shown, "epochs": run.stop, "steps": feed.steps}
        return Hooks(callbacks, self, params, training.reported(objective, validated))

    def _fit(self, fit: training.Fit, run: range, shown: int, saved: training.Saved | None = None) -> History:
        """Train with what has been checked: these epochs of a new fit, or those left of one in a file."""
        hooks, here, begun = fit.hooks, threading.get_ident(), False
        outer, before = self._running.get(here), (self.history, self.stop_training)
        try:
            self._running[here] = fit
            self.history, self.stop_training = fit.history, saved is not None and saved.state["stopped"]
            if saved is not None:
                self._adopt_state(saved.model)
            hooks.begin({} if saved is None else saved.state["callbacks"])
            begun = True
            fit.checkpoint.save()  # not before: they may have changed numbers
            fit.display = display.display(shown, run, fit.data.steps)
            if saved is not None:
                fit.resume(saved.state, saved.model.history)
            fit.run(run)
        finally:
            self._running.pop(here, None)
            if outer is not None:  # this is a fit within a hook, and that one goes on
                self._running[here] = outer
            if outer is not None or not begun:
                self.history, self.stop_training = before
            if fit.display is not None:
                fit.display.close()
        hooks.call("on_train_end", fit.logs)
        return fit.history

    def partial_fit(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        *,
        shuffle: bool = True,
        class_weight: Mapping[int, float] | str | None = None,
        sample_weight: Any = None,
        seed: int | np.random.Generator | None = None,
    ) -> Sequential:
        """Train one epoch on these samples, and go on with the next ones another time, as in scikit-learn.

        The optimizer's state stays, as between two fits. Arguments and errors are those of `fit`; the History of the
        epoch is in `history`.

        Returns
        -------
        Sequential
            The model itself.
        """
        self.fit(x, y, batch_size, verbose=0, shuffle=shuffle, class_weight=class_weight, sample_weight=sample_weight,
                 seed=seed)  # fmt: skip
        return self

    def train_on_batch(
        self,
        x: Any,
        y: Any,
        sample_weight: Any = None,
        class_weight: Mapping[int, float] | str | None = None,
        return_dict: bool = False,
    ) -> Reported:
        """One step on all samples given.

        Parameters
        ----------
        x, y, sample_weight, class_weight
            As in `fit`, but no blocks.
        return_dict : bool, default=False
            A dict by name in place of numbers.

        Returns
        -------
        float, list of float or dict
            The loss, or [loss, metrics...] if there are metrics, of the weights before the step.

        Raises
        ------
        RuntimeError, TypeError, ValueError, FloatingPointError
            As `fit` does.
        """
        objective = self._compiled("train_on_batch")
        self._steps_in_batches("train_on_batch")
        X, Y, weights = self._intake(objective).arrays(x, y, sample_weight, class_weight)
        network = self._trainable(objective, X.shape[1])
        key = self._random_key(None) if network.engine.draws else 0
        values = training.train_on_batch(network, X, Y, weights, key)
        return _reported(objective, values, return_dict)

    def evaluate(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        verbose: int | str = 0,
        sample_weight: Any = None,
        return_dict: bool = False,
        *,
        n_threads: int | None = None,
    ) -> Reported:
        """Loss and metrics of all samples.

        Parameters
        ----------
        x, y : array_like
            As in `fit`, also blocks.
        batch_size : int, optional
            Accepted as in Keras; neither the result nor the memory depends on it.
        verbose : "auto", 0, 1 or 2, default=0
            Anything but 0 prints one line. (Keras's default is a progress bar.)
        sample_weight : array_like of shape (n,), optional
            As in `fit`; for the loss, and for those metrics that were compiled as `weighted_metrics`.
        return_dict : bool, default=False
            A dict by name in place of numbers.
        n_threads : int, optional
            As in `fit`.

        Returns
        -------
        float, list of float or dict
            The loss, or [loss, metrics...] if there are metrics.

        Raises
        ------
        RuntimeError
            If the model is not compiled or not built.
        TypeError, ValueError
            If an argument does not fit.
        """
        objective = self._compiled("evaluate")
        shown = checks.verbose(verbose)
        self._ready(batch_size)
        assert self._inputs is not None
        rows = self._intake(objective).batches(x, y, sample_weight)
        with _runtime.num_threads(checks.threads(n_threads)):
            values, samples = training.evaluate(self._network(objective, self._inputs), rows)
        if shown:
            logs = dict(zip(objective.names, values, strict=True))
            print(f"{samples} samples - {display.line(logs, ' - ')}")
        return _reported(objective, values, return_dict)

    def test_on_batch(self, x: Any, y: Any, sample_weight: Any = None, return_dict: bool = False) -> Reported:
        """`evaluate` of the samples given, under Keras's name for it: the counterpart of `train_on_batch`."""
        return self.evaluate(x, y, sample_weight=sample_weight, return_dict=return_dict)

    def predict(
        self, x: Any, batch_size: int | None = None, verbose: int | str = 0, *, n_threads: int | None = None
    ) -> np.ndarray:
        """The outputs of the last layer.

        Parameters
        ----------
        x : array_like of shape (n, I)
            As in `fit`; n may be 0. Or blocks, of which labels and weights are not looked at.
        batch_size : int, optional
            Accepted as in Keras; neither the result nor the memory depends on it.
        verbose : "auto", 0, 1 or 2, default=0
            Accepted as in Keras; nothing is shown.
        n_threads : int, optional
            As in `fit`.

        Returns
        -------
        ndarray of shape (n, O)
            Of the model's dtype.

        Raises
        ------
        RuntimeError
            If the model is not built.
        TypeError, ValueError
            If an argument does not fit.
        """
        # one row in 2 microseconds: all that is checked below holds for x if the engine takes it
        plain = batch_size is None and n_threads is None and type(verbose) is int and verbose in (0, 1, 2)
        if type(x) is np.ndarray and plain:
            engine, flat = self._engine, self._flat
            if engine is not None and flat is not None:
                found = engine.predict_few(flat, x)
                if found is None:
                    found = engine.predict_many(flat, x)
                if found is not None:
                    return found
        checks.verbose(verbose)
        self._ready(batch_size)
        with _runtime.num_threads(checks.threads(n_threads)):
            blocks, n = unlabelled(x, self._dtype, self._inputs, self._feature_names)
            return training.predict(self._compiled_engine(), self.parameters, blocks, n)

    def predict_on_batch(self, x: Any) -> np.ndarray:
        """`predict`, under Keras's name for it with few samples."""
        return self.predict(x)

    # -------------------------------------------------------------------------- the mathematics, visible

    def inspect(self, x: Any, y: Any, sample_weight: Any = None) -> Inspection:
        """One forward and backward pass on all samples: loss and, of every layer, Z, A, dZ, dW and db.

        It is the network of `predict` and `evaluate`: nothing is dropped and no noise added.

        Parameters
        ----------
        x, y, sample_weight : array_like
            As in `fit`, but no blocks.

        Returns
        -------
        Inspection
            A sequence of `LayerPass`, by number or layer name, with the `loss`; the arrays are of the model's dtype.

        Raises
        ------
        RuntimeError, TypeError, ValueError
            As `evaluate` does.
        """
        network, X, Y, weights = self._pass("inspect", x, y, sample_weight)
        loss, arrays = network.engine.inspect(network.parameters, X, Y, network.objective.loss, weights)
        passes = [
            LayerPass(str(layer.name), **cast("dict[str, Any]", parts))
            for layer, parts in zip(self._layers, arrays, strict=True)
        ]
        return Inspection(float(loss), passes)

    def loss_and_gradient(self, x: Any, y: Any, sample_weight: Any = None) -> tuple[float, np.ndarray]:
        """The loss of all samples, and its gradient; nothing is dropped, as in `evaluate`.

        Parameters
        ----------
        x, y, sample_weight : array_like
            As in `fit`, but no blocks.

        Returns
        -------
        loss : float
            The mean, with the penalties of regularizers.
        gradient : ndarray of shape (n_params,)
            Of the model's dtype, in the order of `parameters`; also of layers that are frozen.

        Raises
        ------
        RuntimeError, TypeError, ValueError
            As `evaluate` does.
        """
        network, X, Y, weights = self._pass("loss_and_gradient", x, y, sample_weight)
        loss, gradient = network.engine.loss_and_gradient(network.parameters, X, Y, network.objective.loss, weights)
        return float(loss), gradient

    # ------------------------------------------------------------------------------------ learning rate

    def find_learning_rate(
        self,
        x: Any,
        y: Any,
        batch_size: int | None = None,
        *,
        sample_weight: Any = None,
        min_learning_rate: float = 1e-6,
        max_learning_rate: float = 10.0,
        steps: int = 100,
        smoothing: float = 0.9,
        seed: int | np.random.Generator = 0,
    ) -> RangeTest:
        """Try learning rates, from small to large, one for each step, and see how the loss goes.

        The steps are those of `fit`, with the compiled loss and optimizer, on copies: neither the model nor its
        optimizer changes. They end where the loss goes up for good. A weight decay, an average or an accumulation of
        the optimizer is part of the test, a schedule is not.

        Parameters
        ----------
        x, y, sample_weight : array_like
            As in `fit`.
        batch_size : int, optional
            Default 32. The rate that is found belongs to it.
        min_learning_rate, max_learning_rate : float, default=1e-6 and 10.0
            Above 0, rising.
        steps : int, default=100
            2 or more.
        smoothing : float, default=0.9
            In [0, 1): the weight of the mean so far in the smoothed loss.
        seed : int or numpy.random.Generator, default=0
            Of the order of the samples.

        Returns
        -------
        RangeTest
            With rates, losses, a suggestion and `plot`.

        Raises
        ------
        RuntimeError
            If the model is not compiled or not built.
        TypeError, ValueError
            If an argument does not fit.

        Examples
        --------
        >>> import numpy as np
        >>> from fcnet import Dense, Sequential
        >>> x = np.random.default_rng(0).normal(size=(200, 2))
        >>> model = Sequential([Dense(8, "relu", input_dim=2), Dense(1)])
        >>> model.compile("adam", "mse")
        >>> found = model.find_learning_rate(x, x[:, 0] * x[:, 1])  # doctest: +SKIP
        >>> model.optimizer.learning_rate = found.suggestion  # doctest: +SKIP
        """
        objective = self._compiled("find_learning_rate")
        self._ready()
        X, Y, weights = self._intake(objective).arrays(x, y, sample_weight)
        low = checks.real("min_learning_rate", min_learning_rate, 0, math.inf, "()")
        high = checks.real("max_learning_rate", max_learning_rate, low, math.inf, "()")
        rates = np.geomspace(low, high, checks.whole("steps", steps, 2))
        kept = checks.real("smoothing", smoothing, 0, 1, "[)")
        size = checks.batch_size(batch_size, len(X))
        generator = np.random.default_rng(checks.seed(seed))
        self._steps_in_batches("find_learning_rate")
        assert self.optimizer is not None
        network = profiling.rehearsal(self._ruled_engine(), self.parameters, self.optimizer, objective)
        return range_test.run(network, X, Y, weights, size, rates, kept, generator)

    # -------------------------------------------------------------------------------------------- speed

    def profile(self, batch_size: int = 32, x: Any = None, y: Any = None, *, seconds: float = 0.5) -> Profile:
        """Time training steps by layer and phase, with their floating-point operations and share of the peak.

        The steps are those of `fit`, with the compiled loss, metrics and optimizer, on copies: neither the model
        nor its optimizer changes, nor the random numbers of `fcnet.set_seed`.

        Parameters
        ----------
        batch_size : int, default=32
            B; with x, a larger number than there are samples means all of them, with a warning.
        x, y : array_like, optional
            Samples and labels, as in `fit`; those that fill no whole batch are left out. Default: random ones.
        seconds : float, default=0.5
            About how long to measure. Kernels that are not compiled yet, and steps of more than some 0.1 seconds,
            take longer.

        Returns
        -------
        Profile
            ``print`` shows it as a table.

        Raises
        ------
        RuntimeError
            If the model is not compiled or not built.
        TypeError, ValueError
            If an argument does not fit.
        NotImplementedError
            On processors whose clock can't be read (neither x86-64 nor ARM64).

        Examples
        --------
        >>> from fcnet import Dense, Sequential
        >>> model = Sequential([Dense(128, "relu", input_dim=784), Dense(10, "softmax")])
        >>> model.compile("adam", "categorical_crossentropy")
        >>> print(model.profile(128))  # doctest: +SKIP
        """
        objective = self._compiled("profile")
        self._steps_in_batches("profile")
        self._ready()
        budget = checks.real("seconds", seconds, 0, 3600, "(]")
        assert self._inputs is not None and self.optimizer is not None
        size = checks.whole("batch_size", batch_size, 1, wrong_type=ValueError)
        if not checks.together("x", x, "y", y):
            x, y = profiling.random_data(objective.loss.kernel, self._inputs, self._units(), size, self._dtype)
        X, Y, _ = self._intake(objective).arrays(x, y)
        size = checks.batch_size(size, len(X))
        engine = Engine(self._inputs, self._layers, self._dtype)  # its memory and its laps end with the profile
        engine.follow(self._rules())
        network = profiling.rehearsal(engine, self.parameters, self.optimizer, objective)
        return profiling.measure(network, [str(layer.name) for layer in self._layers], X, Y, size, budget)

    # -------------------------------------------------------------------------------------------- files

    def save(self, path: files.Path) -> None:
        """Write all of the model to a file, from which `fcnet.load` makes one that predicts and trains with its bits.

        It takes the place of a file that is there when it is complete, and not before. Your own functions are not in
        it, only their names. Called in a hook of a fit, by the thread that fits, it writes where the fit stands too:
        ``fit(resume=path)`` then goes on from there. docs/files.md describes the format.

        Parameters
        ----------
        path : str or path
            Any name; ".safetensors" tells other programs what it is.

        Raises
        ------
        OSError
            If the file can't be written; what was there before is still there.
        TypeError
            If something of the model can't be stored, such as the state of a callback.
        ValueError
            If a weight is not finite.
        """
        custom = descriptions.Custom()
        arrays = self._arrays()
        fit = self._running.get(threading.get_ident())
        state = None if fit is None else fit.state()
        contents = {"kind": "model", **self._description(custom, arrays)}
        contents["fit"] = None if state is None else descriptions.packed(state, "fit", arrays)
        files.write(checks.path("path", path), contents, arrays)

    def save_weights(self, path: files.Path) -> None:
        """Write the weights alone to a file, for `load_weights`; as `save` does.

        Raises
        ------
        RuntimeError, OSError, ValueError
            If the model is not built, the file can't be written, or a weight is not finite.
        """
        self._ready()
        files.write(checks.path("path", path), {"kind": "weights", "dtype": self.dtype}, self._arrays())

    def load_weights(self, path: files.Path) -> None:
        """Set all weights from a file of `save_weights` or `save`, layer after layer; the optimizer's state stays.

        Names of layers do not matter, and float32 is converted to float64, as the other way round.

        Raises
        ------
        RuntimeError
            If the model is not built.
        OSError
            If the file can't be read.
        ModelFileError
            If it is damaged, or its arrays are not those of this model; nothing has changed then.
        """
        self._ready()
        _, arrays = files.read(checks.path("path", path))
        with files.explained(path):
            self.set_weights([array for name, array in arrays.items() if name.startswith("layers.")])

    def _arrays(self) -> dict[str, np.ndarray]:
        """The weights, for a file."""
        views = {
            f"layers.{layer.name}.{part}": view
            for layer in self._layers if self.built
            for part, view in layer._views().items()
        }  # fmt: skip
        return {name: checks.weights(name, view, view.shape, view.dtype) for name, view in views.items()}

    def _description(self, custom: descriptions.Custom, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
        """Everything else, for a file; the arrays in it are added to `arrays`."""
        optimizer, history = self.optimizer, self.history
        if optimizer is not None and self.built:
            self._own_optimizer()
            vectors = optimizer.state if self._has_state() else []  # else the next fit makes new ones
            arrays |= {f"optimizer.{i}": vector for i, vector in enumerate(vectors)}
        return {
            "name": self.name,
            "dtype": self.dtype,
            "inputs": self._inputs,
            "built": self.built,
            "feature_names": self._feature_names,
            "layers": [descriptions.layer(layer, custom) for layer in self._layers],
            "optimizer": None if optimizer is None else descriptions.optimizer(optimizer, custom),
            "vectors": sum(name.startswith("optimizer.") for name in arrays),
            "loss": None if self._loss is None else descriptions.loss(self._loss, custom),
            "metrics": [descriptions.metric(metric, custom) for metric in self._metrics],
            "history": None if history is None else descriptions.packed(history.stored(), "history", arrays),
        }

    @classmethod
    def _restored(
        cls, contents: dict[str, Any], arrays: dict[str, np.ndarray], custom: descriptions.Custom
    ) -> Sequential:
        """The model that a file describes."""
        if contents["kind"] != "model":
            raise ValueError("it holds weights alone: use load_weights of a model with these layers")
        layers = [descriptions.made_layer(description, custom) for description in contents["layers"]]
        model = cls(layers, checks.text("name", contents["name"]), contents["dtype"])
        inputs, names, left = contents["inputs"], contents["feature_names"], dict(arrays)
        model._inputs = None if inputs is None else checks.whole("inputs", inputs, 1)
        for layer, description in zip(layers, contents["layers"], strict=True):
            layer._define(input_dim=checks.input_size(description["input_dim"], None))
        if checks.flag("built", contents["built"]):
            model._take_weights(left)
        if contents["loss"] is not None:
            model._take_training(contents, left, custom)
        model._feature_names = None if names is None else tuple(checks.text("feature_names", name) for name in names)
        if contents["history"] is not None:
            model.history = History.restored(model, descriptions.unpacked(contents["history"], left))
        surplus = [name for name in left if not name.startswith(("fit.", "history."))]
        if surplus:
            raise ValueError(f"it has arrays that belong to nothing: {', '.join(surplus)}")
        return model

    def _take_weights(self, arrays: dict[str, np.ndarray]) -> None:
        """Take the layers' arrays out of a file's."""
        if self._inputs is None:
            raise ValueError("inputs is null, and the model is said to be built")
        places = layout.slots(self._inputs, self._layers)
        found = [
            [self._taken(arrays, f"layers.{layer.name}.{part}", shape) for part, shape in slot.shapes.items()]
            for layer, slot in zip(self._layers, places, strict=True)
        ]
        self._bind(layout.zeros(places[-1].stop, self._dtype), zip(self._layers, places, strict=True))
        for layer, weights in zip(self._layers, found, strict=True):
            layer.set_weights(weights)

    def _taken(self, arrays: dict[str, np.ndarray], name: str, shape: tuple[int, ...]) -> np.ndarray:
        """One array of a file, of this shape and the model's dtype."""
        if name not in arrays:
            raise ValueError(f"it lacks the array {name!r}")
        array = arrays.pop(name)
        if array.shape != shape or array.dtype != self._dtype:
            raise ValueError(f"array {name!r} must be {self.dtype} {shape}, not {array.dtype} {array.shape}")
        return array

    def _take_training(
        self, contents: dict[str, Any], arrays: dict[str, np.ndarray], custom: descriptions.Custom
    ) -> None:
        """Compile as a file says, with its optimizer's vectors."""
        found = [descriptions.made_metric(metric, custom) for metric in contents["metrics"]]
        plain, weighted = ([metric for metric, counts in found if counts is which] for which in (False, True))
        loss = descriptions.made_loss(contents["loss"], custom)
        optimizer = descriptions.made_optimizer(contents["optimizer"], custom)
        self.compile(optimizer, loss, plain, weighted)
        optimizer.iterations = descriptions.steps_taken(contents["optimizer"])
        self._take_vectors(contents, arrays)

    def _take_vectors(self, contents: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        """Take the optimizer's vectors out of a file's arrays."""
        assert self.optimizer is not None
        if not self.built or contents["vectors"] == 0:
            return
        if contents["vectors"] != self.optimizer.slots:
            raise ValueError(f"{type(self.optimizer).__name__} has {self.optimizer.slots} vectors, it has "
                             f"{contents['vectors']}")  # fmt: skip
        shape = self.parameters.shape
        found = [self._taken(arrays, f"optimizer.{i}", shape) for i in range(self.optimizer.slots)]
        self.optimizer.state[:] = [layout.zeros(vector.size, self._dtype) for vector in found]
        for vector, values in zip(self.optimizer.state, found, strict=True):
            vector[:] = values

    # ---------------------------------------------------------------------------------------- internals

    def _aim(self, loss: losses.Loss, wanted: Sequence[metrics.Metric]) -> training.Objective:
        """Loss and metrics for the last layer as it is."""
        last, units = self._layers[-1], self._units()
        checks.output_fits(loss.kernel, last.activation, units, loss.from_logits)
        chosen = tuple(metrics.resolve(metric, loss.kernel, units, loss.from_logits) for metric in wanted)
        return training.Objective(loss, units, chosen)

    def _compiled(self, what: str) -> training.Objective:
        if self._loss is None:
            raise RuntimeError(f"call compile(optimizer, loss) before {what}")
        if self._objective is None:
            self._need_layers()
            self._objective = self._aim(self._loss, self._metrics)
        return self._objective

    def _need_layers(self) -> None:
        if not any(isinstance(layer, Dense) for layer in self._layers):
            raise RuntimeError(f"the model {self.name!r} has no layers; add a Dense first")

    def _need_no_fit(self, what: str) -> None:
        """Refuse what a fit that calls a hook would not follow."""
        if threading.get_ident() in self._running:
            raise RuntimeError(
                f"{what} can't be called within a hook of fit, which would go on without it: end the fit first, with "
                "stop_training"
            )

    def _units(self) -> int:
        """The number of outputs."""
        self._need_layers()
        return cast("int", self._width())

    def _random_key(self, seed: int | np.random.Generator | None) -> int:
        """The key for layers that draw numbers and have no seed of their own; without them nothing is drawn for it."""
        if not any(layer.transform in RANDOM and not layer.key for layer in self._layers):
            return 0
        if seed is None or isinstance(seed, np.random.Generator):
            seed = int(seeds.generator(seed).integers(2**63))
        return seeds.key(seed)

    def _steps_in_batches(self, what: str) -> None:
        """Refuse an optimizer that takes all samples at once."""
        if isinstance(self.optimizer, optimizers.LBFGS):
            raise ValueError(f"{what} needs an optimizer that takes steps, like 'adam'; LBFGS works in fit only")

    def _need_no_chance(self) -> None:
        """Refuse what LBFGS can't do: random numbers, as its loss is a function of the parameters, and own steps."""
        for layer in self._layers:
            if layer.transform in RANDOM:
                raise ValueError(f"LBFGS needs the same loss every time; layer {layer.name!r} draws random numbers")
            if any(rule.constraint or rule.rate != 1 for rule in layer.rules()):
                raise ValueError(
                    f"LBFGS finds its own steps; layer {layer.name!r} has a constraint or a learning_rate_multiplier"
                )

    def _ready(self, batch_size: Any = None) -> None:
        """Refuse a model that is not built, and a batch size that is none."""
        if batch_size is not None:
            checks.whole("batch_size", batch_size, 1, wrong_type=ValueError)
        self.parameters  # noqa: B018 - raises if there are none

    def _intake(self, objective: training.Objective) -> Intake:
        """What is expected of data."""
        return Intake(self._dtype, objective.loss.kernel, objective.units, self._inputs, self._feature_names)

    def _compiled_engine(self) -> Engine:
        if self._engine is None:
            assert self._inputs is not None
            self._engine = Engine(self._inputs, self._layers, self._dtype)
            _runtime.held_over_fork(self._engine)
        return self._engine

    def _network(self, objective: training.Objective, inputs: int) -> training.Network:
        if self._flat is None or self._inputs != inputs:
            self.build(inputs)
        assert self.optimizer is not None
        return training.Network(self._ruled_engine(), self.parameters, self.optimizer, objective)

    def _ruled_engine(self) -> Engine:
        """The engine, told what holds for the layers now."""
        engine, setting = self._compiled_engine(), checks.latest_setting()
        if engine.followed is not setting:
            engine.follow(self._rules())
            engine.followed = setting
        return engine

    def _rules(self) -> list[list[rules.Rule]]:
        """What holds for the arrays of every layer, as the layers are now."""
        return [layer.rules() for layer in self._layers]

    def _saved_fit(self, path: files.Path) -> training.Saved:
        """A fit of this model that stands still in a file."""
        if isinstance(self.optimizer, optimizers.LBFGS):
            raise ValueError("resume needs an optimizer that takes steps, like 'adam'; fits of LBFGS begin afresh")
        path = checks.path("resume", path)
        custom = descriptions.Custom()
        own = self._description(custom, {})
        contents, arrays = files.read(path)
        with files.explained(path):
            if contents["kind"] == "model":
                descriptions.same_fit(own, contents)
            model = Sequential._restored(contents, arrays, custom)
            if contents["fit"] is None:
                raise ValueError("it is from no fit that can be resumed: load it, and pass initial_epoch to fit")
            optimizer = model.optimizer
            if optimizer is None or not model.built or len(optimizer.state) != optimizer.slots:
                raise ValueError("it is said to be from a fit, and has no weights or vectors of the optimizer")
            return training.Saved(path, descriptions.unpacked(contents["fit"], arrays), model)

    def _adopt_options(self, other: Sequential) -> None:
        """What may be changed between steps, from a model with the same layers."""
        for layer, twin in zip(self._layers, other._layers, strict=True):
            layer.trainable = twin.trainable
        assert self.optimizer is not None and other.optimizer is not None
        descriptions.copy_hyperparameters(other.optimizer, self.optimizer)

    def _adopt_state(self, other: Sequential) -> None:
        """What steps change."""
        own, twin = self.optimizer, other.optimizer
        assert own is not None and twin is not None
        self.parameters[:] = other.parameters
        own.iterations = twin.iterations
        for vector, values in zip(own.state, twin.state, strict=True):
            vector[:] = values

    def _trainable(self, objective: training.Objective, inputs: int) -> training.Network:
        """The network with an optimizer whose state is this model's."""
        optimizer = self._own_optimizer()
        network = self._network(objective, inputs)
        if not self._has_state():
            fresh = copy.copy(optimizer)
            fresh.build(self.parameters.size, self._dtype)
            optimizer.iterations = 0
            optimizer.state[:] = fresh.state  # in the same list: Ctrl-C can't make it another model's
        return network

    def _own_optimizer(self) -> optimizers.Optimizer:
        """The optimizer, if its state is this model's."""
        optimizer = self.optimizer
        if optimizer is None or optimizer.state is not self._optimizer_state:
            raise RuntimeError(
                f"{optimizer!r} has been compiled into another model since; give each model its own optimizer"
            )
        checks.vectors(optimizer.state, self._dtype)
        return optimizer

    def _has_state(self) -> bool:
        """Whether the optimizer has the vectors that it needs for this model as it is now."""
        assert self.optimizer is not None
        return [vector.size for vector in self.optimizer.state] == [self.parameters.size] * self.optimizer.slots

    def _pass(
        self, what: str, x: Any, y: Any, sample_weight: Any
    ) -> tuple[training.Network, np.ndarray, np.ndarray, np.ndarray | None]:
        objective = self._compiled(what)
        self._ready()
        X, Y, weights = self._intake(objective).arrays(x, y, sample_weight)
        return self._network(objective, X.shape[1]), X, Y, weights

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_engine": None, "_running": {}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        # One vector for model and layers, and all of it writable, also where a pickler maps arrays read-only.
        if self._flat is not None:
            flat = np.require(self._flat, requirements=["C", "A", "W"])
            self._bind(flat, zip(self._layers, layout.slots(self._inputs or 0, self._layers), strict=True))
        if self.optimizer is not None:
            vectors = self.optimizer.state
            vectors[:] = [np.require(array, requirements=["C", "A", "W"]) for array in vectors]

    def __repr__(self) -> str:
        sizes = [self._inputs or "?", *(layer.units for layer in self._layers if isinstance(layer, Dense))]
        return f"Sequential({self.name!r}, {'-'.join(map(str, sizes))}, {self.dtype})"


def load(path: files.Path, custom_objects: Mapping[str, Any] | None = None) -> Sequential:
    """The model of a file that `Sequential.save` has written: it predicts and trains on with the same bits.

    Nothing of the file is run, and no name in it is looked up outside of fcnet's own tables.

    Parameters
    ----------
    path : str or path
    custom_objects : dict of {name: function}, optional
        Your own activations, losses, metrics, initializers and schedules, by the names that the file has for them: the
        function's name, a `fcnet.activations.Custom`'s name, the class of a schedule. Each is what was passed to the
        model at first: the function, or the object.

    Returns
    -------
    Sequential
        Compiled, if the saved one was.

    Raises
    ------
    OSError
        If the file can't be read.
    ModelFileError
        If it is no model file of fcnet's or damaged, of a newer format, or needs something that `custom_objects` lacks.

    Examples
    --------
    >>> import fcnet
    >>> model = fcnet.Sequential([fcnet.Dense(1, input_dim=2)])
    >>> model.save("line.safetensors")  # doctest: +SKIP
    >>> twin = fcnet.load("line.safetensors")  # doctest: +SKIP
    """
    custom = descriptions.Custom(checks.named("custom_objects", custom_objects))
    contents, arrays = files.read(checks.path("path", path))
    with files.explained(path):
        return Sequential._restored(contents, arrays, custom)


def _metrics(plain: Any, weighted: Any) -> list[metrics.Metric]:
    found = []
    for name, wanted in ("metrics", plain), ("weighted_metrics", weighted):
        if isinstance(wanted, str) or not isinstance(wanted, Sequence | None):
            raise TypeError(f"{name} must be a list, like ['accuracy'], got {wanted!r}")
        for identifier in wanted or ():
            metric = copy.copy(metrics.get(identifier))
            metric.weighted = name == "weighted_metrics"
            found.append(metric)
    checks.metric_names([metric.name for metric in found])
    return found


def _reported(objective: training.Objective, values: list[float], return_dict: bool) -> Reported:
    if return_dict:
        return dict(zip(objective.names, values, strict=True))
    return values[0] if len(values) == 1 else values
