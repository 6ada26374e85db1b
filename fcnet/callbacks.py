"""Callbacks: what is called while a fit runs, and the History that it returns.

Names, arguments and meanings are Keras 3's. Epoch hooks are called once an epoch, batch hooks once for every run of
steps that is one compiled call: `Callback` says exactly when, and with what.
"""

from __future__ import annotations

import csv
import inspect
import math
import numbers
import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from . import checks, files

Logs: TypeAlias = dict[str, float]


class History:
    """What `fit` returns.

    Attributes
    ----------
    history : dict of str to list of float
        "loss", the metrics by the names they were given, all of them again with "val_" in front when there is
        validation data, and what callbacks have put into their logs, such as "learning_rate"; one value an epoch,
        with `validation_freq` one value a validation.
    epoch : list of int
        The numbers of the epochs run, from 0.
    params : dict
        "verbose", "epochs" and "steps" (batches an epoch, None if not known).
    model : Sequential
    """

    def __init__(self, model: Any, params: dict[str, Any]) -> None:
        self.model = model
        self.params = params
        self.epoch: list[int] = []
        self.history: dict[str, list[float]] = {}

    def stored(self) -> dict[str, Any]:
        """What a file has of it."""
        return {"epoch": self.epoch, "history": self.history, "params": self.params}

    @classmethod
    def restored(cls, model: Any, stored: dict[str, Any]) -> History:
        """The same from a file."""
        found = cls(model, dict(stored["params"]))
        found.epoch = [checks.whole("epoch", epoch, 0) for epoch in stored["epoch"]]
        for name, values in stored["history"].items():
            if not isinstance(values, list):
                raise TypeError(f"{name!r} of the History must be a list, got {values!r:.40}")
            found.history[name] = values
        return found

    def __repr__(self) -> str:
        return f"History({len(self.epoch)} epochs: {', '.join(self.history) or 'nothing yet'})"


class Callback:
    """Base class: override the hooks you need.

    An epoch with hooks is a compiled call of its own, or several if it is long; without any callback several short
    epochs run in one. A hook may read and change the model: predict, evaluate, set weights or the learning rate. An
    error in it ends the fit; the model is then that of the last complete step, and the History has the epochs that were
    complete.

    Attributes
    ----------
    model : Sequential
        What is trained. ``model.stop_training = True`` ends the fit after the present run of steps.
    params : dict
        "verbose", "epochs" and "steps" (batches an epoch, None if not known).
    """

    model: Any = None
    params: Mapping[str, Any] = {}

    def set_params(self, params: Mapping[str, Any]) -> None:
        """Called first, with `params`."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Called second, with `model`."""
        self.model = model

    def get_state(self) -> dict[str, Any]:
        """What `resume` needs to go on from here: numbers, texts, arrays, lists and dicts of them, by names.

        Asked for when the model is saved while it is trained, as `ModelCheckpoint` does.
        """
        return {}

    def resume(self, state: Mapping[str, Any]) -> None:
        """In the place of `on_train_begin`, in a fit that goes on from a file; `state` is what `get_state` returned."""
        self.on_train_begin({})

    def _check_state(self, state: Mapping[str, Any], model: Any) -> None:
        """Refuse a state that `resume` could not take, of a fit of this model."""

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Before the first epoch; logs are empty."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """After the last epoch, with its logs; not after an error or Ctrl-C."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Before epoch number `epoch`, counted from 0; logs are empty."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """After the epoch and its validation.

        `logs` holds loss and metrics, means over the epoch's samples as their batches saw them, and with "val_" in
        front those of the validation data. The same dict goes from callback to callback; what they add to it
        or change in it goes to the History.
        """

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a run of steps of the epoch; `batch` is the number of its first, counted from 0; logs are empty."""

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a run of steps of the epoch; `batch` is the number of its last.

        `logs` holds loss and metrics, means over the epoch's samples so far. A run is as many steps as take about
        0.05 seconds, at least one: their number depends on the machine.
        """


_EPOCH_HOOKS = ("on_epoch_begin", "on_epoch_end")
_BATCH_HOOKS = ("on_train_batch_begin", "on_train_batch_end")
_KERAS_ONLY = ("on_batch_begin", "on_batch_end", *(
    f"on_{what}_{when}" for what in ("test", "predict", "test_batch", "predict_batch") for when in ("begin", "end")
))  # fmt: skip


class Hooks:
    """The callbacks of one fit.

    Parameters
    ----------
    callbacks : Callback or sequence of Callback, optional
    model : Sequential
    params : dict
        For `set_params`.
    names : dict of str to str or None
        Of the logs that every validated epoch will have: "min" or "max", whichever is better, None if not known.
    """

    def __init__(
        self, callbacks: Any, model: Any, params: Mapping[str, Any], names: Mapping[str, str | None]
    ) -> None:
        # those that write what the others have come to, last
        self.callbacks = sorted(_listed(callbacks), key=lambda callback: isinstance(callback, ModelCheckpoint))
        self.model, self.params = model, dict(params)
        self.each_batch = any(_has(callback, _BATCH_HOOKS) for callback in self.callbacks)
        self.told = self.each_batch or any(_has(callback, _EPOCH_HOOKS) for callback in self.callbacks)
        # those that read the logs alone know how long they need not: see `ahead`
        self._ahead = [callback.epochs_ahead for callback in self.callbacks if hasattr(callback, "epochs_ahead")]
        self.each_epoch = self.each_batch or any(
            _has(callback, _EPOCH_HOOKS) and not hasattr(callback, "epochs_ahead") for callback in self.callbacks
        )
        known: list[str] | None = [*names]
        for callback in self.callbacks:
            if isinstance(callback, (_Monitor, CSVLogger)):
                callback.prepare(names, known)
            if isinstance(callback, _RATE_CALLBACKS):
                _rate(callback, model)
                known = known and [*known, "learning_rate"]
            elif not hasattr(callback, "epochs_ahead") and getattr(callback.on_epoch_end, "__module__", "") != __name__:
                known = None  # it may put anything into the logs
        for callback in self.callbacks:
            callback.set_params(params)
            callback.set_model(model)

    @property
    def stopped(self) -> bool:
        """Whether someone, a callback or another Python thread, has asked for the end of the fit."""
        return bool(self.model.stop_training)

    def ahead(self) -> float:
        """How many epochs may run before the first of them is told."""
        return 1 if self.each_epoch else min((epochs() for epochs in self._ahead), default=math.inf)

    def call(self, hook: str, *arguments: Any) -> None:
        """Call the hook of every callback, in their order."""
        for callback in self.callbacks:
            getattr(callback, hook)(*arguments)

    def check(self, states: Mapping[str, Any], model: Any) -> None:
        """Refuse states with which these callbacks can't go on, or a model, which is another one with the same layers.

        What your own callbacks were like, they alone know.
        """
        for callback, state in self._with(states):
            if state is not None and getattr(callback.resume, "__module__", None) == __name__:
                callback._check_state(state, model)
            if isinstance(callback, _RATE_CALLBACKS):
                _rate(callback, model)

    def begin(self, states: Mapping[str, Any]) -> None:
        """Begin a fit, or go on with one whose callbacks had these states."""
        for callback, state in self._with(states):
            if state is None:
                callback.on_train_begin({})
            else:
                callback.resume(state)

    def _with(self, states: Mapping[str, Any]) -> Iterator[tuple[Callback, Mapping[str, Any] | None]]:
        """Every callback with its state, None if it has none."""
        left = {kind: iter(found) for kind, found in states.items()}
        for callback in self.callbacks:
            yield callback, next(left.get(type(callback).__name__, iter(())), None)

    def states(self) -> dict[str, list[dict[str, Any]]]:
        """The states of all callbacks, by the names of their classes."""
        found: dict[str, list[dict[str, Any]]] = {}
        for callback in self.callbacks:
            found.setdefault(type(callback).__name__, []).append(callback.get_state())
        return found

    def diverged(self, epoch: int) -> bool:
        """Whether a divergence in this epoch ends the fit without an error."""
        quiet = [callback for callback in self.callbacks if isinstance(callback, TerminateOnNaN)]
        for callback in quiet:
            callback.stopped_epoch = epoch
            self.model.stop_training = True
        return bool(quiet)


def _listed(callbacks: Any) -> list[Callback]:
    if callbacks is None:
        return []
    found = [callbacks] if isinstance(callbacks, Callback) else callbacks
    if not isinstance(found, Sequence) or isinstance(found, str):
        raise TypeError(f"callbacks must be a list of fcnet.callbacks.Callback objects, got {callbacks!r}")
    for callback in found:
        if not isinstance(callback, Callback):
            fix = f"; pass an object, {callback.__name__}(...)" if isinstance(callback, type) else ""
            raise TypeError(f"callbacks must hold fcnet.callbacks.Callback objects, got {callback!r}{fix}")
        never = [name for name in _KERAS_ONLY if hasattr(callback, name)]
        if never:
            text = f"{type(callback).__name__} has {', '.join(never)}, which fcnet never calls"
            if any("on_batch_" in name for name in never):
                text += "; the hooks of batches are on_train_batch_begin and on_train_batch_end"
            warnings.warn(text, stacklevel=5)
    return [*found]


def _has(callback: Callback, hooks: Sequence[str]) -> bool:
    """Whether a callback has one of these hooks of its own."""
    return any(getattr(getattr(callback, hook), "__func__", None) is not getattr(Callback, hook) for hook in hooks)


def _rate(callback: Callback, model: Any) -> float:
    """The learning rate of the model's optimizer, which must be a number to be set."""
    rate = model.optimizer.learning_rate
    if not isinstance(rate, numbers.Real):
        there = (f"and {type(model.optimizer).__name__} has none:" if rate is None else
                 f"which is the schedule {rate!r}; give the optimizer a number, or")
        raise ValueError(f"{type(callback).__name__} sets optimizer.learning_rate, {there} leave the callback out")
    return float(rate)


class _Monitor(Callback):
    """What EarlyStopping and ReduceLROnPlateau share: the value they watch, and what an improvement is."""

    names: Mapping[str, str | None] = {}  # of the logs that every validated epoch has
    _kept: tuple[str, ...] = ("best", "wait")  # of the attributes, in a file

    def __init__(self, monitor: str, min_delta: float, patience: int, verbose: int, mode: str) -> None:
        self.monitor = checks.text("monitor", monitor)
        self.min_delta = abs(checks.real("min_delta", min_delta, -math.inf, math.inf, "()"))
        self.patience = checks.whole("patience", patience, 0)
        self.verbose = checks.verbose(verbose)
        if mode not in ("auto", "min", "max"):
            raise ValueError(f"mode must be 'auto', 'min' or 'max', got {mode!r}")
        self.mode = mode
        self.best: float | None = None
        self.wait = 0

    def prepare(self, names: Mapping[str, str | None], known: Sequence[str] | None) -> None:
        """Refuse a fit whose logs do not suit, before it begins.

        Every validated epoch has these names; `known` are all that there can be, None where another callback may add
        to them.
        """
        self.names = names
        if known is not None:
            self.check_monitor(known)
        self._direction()

    def check_monitor(self, names: Sequence[str]) -> None:
        """Refuse a name that the logs will not have."""
        if self.monitor not in names:
            fix = "; 'val_' names need validation_data or validation_split" if self.monitor.startswith("val_") else ""
            raise ValueError(
                f"{type(self).__name__} monitors {self.monitor!r}, which is not among {', '.join(names)}{fix}"
            )

    def get_state(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self._kept}

    def resume(self, state: Mapping[str, Any]) -> None:
        self._check_state(state, self.model)
        self.on_train_begin({})
        for name in self._kept:
            setattr(self, name, state[name])

    def _check_state(self, state: Mapping[str, Any], model: Any) -> None:
        missing = [name for name in self._kept if name not in state]
        if missing:
            raise ValueError(f"{type(self).__name__} can't go on: the file lacks its {', '.join(missing)}")
        for name in self._kept:
            if name == "best":
                best = state[name]
                if best is not None and (isinstance(best, bool) or not isinstance(best, numbers.Real)):
                    raise TypeError(f"best of {type(self).__name__} must be a number, got {best!r:.40}")
            elif name != "best_weights":
                checks.whole(f"{name} of {type(self).__name__}", state[name], 0)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.best, self.wait = None, 0
        self._sign = self._direction()

    def _direction(self) -> int:
        """1 if more is better, -1 if less is."""
        plain = self.names.get(self.monitor.removeprefix("val_"))  # also where the name itself is found missing later
        better = self.names.get(self.monitor, plain) if self.mode == "auto" else self.mode
        if better is None:
            raise ValueError(
                f"{type(self).__name__} can't know whether more {self.monitor!r} is better or less; pass mode='min' "
                "or mode='max'"
            )
        return 1 if better == "max" else -1

    def _value(self, logs: Logs | None) -> float | None:
        """What is watched; None after an epoch without validation."""
        logs = logs or {}
        if self.monitor not in logs and self.monitor not in self.names:
            self.check_monitor([*logs])
        value = logs.get(self.monitor)
        if value is None:
            return None
        try:
            return float(value)
        except (TypeError, ValueError, RuntimeError):  # the last one is of a tensor of several numbers
            raise TypeError(
                f"{type(self).__name__} monitors {self.monitor!r}, which must be a number, got {value!r:.60}"
            ) from None

    def _better(self, value: float, than: float | None) -> bool:
        if math.isnan(value):  # never, so that it is not the best for good
            return False
        return than is None or self._sign * value - self.min_delta > self._sign * than


class EarlyStopping(_Monitor):
    """End the fit when a value has not improved for `patience` epochs.

    Parameters
    ----------
    monitor : str, default="val_loss"
        A name of the logs.
    min_delta : float, default=0
        An improvement is a change by more than this.
    patience : int, default=0
        The epoch that is the `patience`-th in a row without improvement is the last; 0 means the first such one.
    verbose : int, default=0
        1 prints when it stops and what it restores.
    mode : "auto", "min" or "max", default="auto"
        Whether less or more is better; "auto" goes by the metric.
    baseline : float, optional
        Epochs whose value is no better than this do not count as improvements.
    restore_best_weights : bool, default=False
        At the end of the fit, also one that was not stopped, the weights become those of the best epoch.
    start_from_epoch : int, default=0
        Epochs before this one, counted from 0, do not count at all.

    Attributes
    ----------
    stopped_epoch : int
        The number of the last epoch, 0 if the fit was not stopped.
    best, best_epoch, best_weights
        Of the best epoch; the weights only with `restore_best_weights`, as `get_weights` gives them. They are kept
        when Ctrl-C or an error ends the fit, after which nothing is restored.

    Raises
    ------
    ValueError
        From `fit`, if the logs have no such name or "auto" does not know it.
    """

    _kept = ("best", "wait", "best_epoch", "best_weights", "stopped_epoch")

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, min_delta, patience, verbose, mode)
        self.baseline = None if baseline is None else checks.real("baseline", baseline, -math.inf, math.inf, "()")
        self.restore_best_weights = checks.flag("restore_best_weights", restore_best_weights)
        self.start_from_epoch = checks.whole("start_from_epoch", start_from_epoch, 0)
        self.best_weights: Any = None
        self.best_epoch = self.stopped_epoch = 0

    def _check_state(self, state: Mapping[str, Any], model: Any) -> None:
        super()._check_state(state, model)
        if state["best_weights"] is not None:
            if state["best"] is None:
                raise ValueError("best_weights of EarlyStopping belong to no best value")
            model._checked_weights(state["best_weights"])

    def on_train_begin(self, logs: Logs | None = None) -> None:
        super().on_train_begin(logs)
        self.best_weights = None
        self.best_epoch = self.stopped_epoch = 0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        value = self._value(logs)
        if value is None or epoch < self.start_from_epoch:
            return
        self.wait += 1
        if self._better(value, self.best):
            self.best, self.best_epoch = value, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self._better(value, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.verbose and self.stopped_epoch:
            print(f"Epoch {self.stopped_epoch + 1}: {self.monitor} has not improved, the fit ends")
        if self.best_weights is not None:
            if self.verbose:
                print(f"The weights are those of epoch {self.best_epoch + 1}, {self.monitor} {self.best:g}")
            self.model.set_weights(self.best_weights)


class ReduceLROnPlateau(_Monitor):
    """Multiply the learning rate by `factor` when a value has not improved for `patience` epochs.

    The History has the rate of every epoch as "learning_rate".

    Parameters
    ----------
    monitor : str, default="val_loss"
        A name of the logs.
    factor : float, default=0.1
        In (0, 1).
    patience : int, default=10
        Epochs without improvement before the rate is reduced.
    verbose : int, default=0
        1 prints every reduction.
    mode : "auto", "min" or "max", default="auto"
        Whether less or more is better; "auto" goes by the metric.
    min_delta : float, default=1e-4
        An improvement is a change by more than this.
    cooldown : int, default=0
        Epochs after a reduction that are not counted.
    min_lr : float, default=0
        The rate is never made less.

    Raises
    ------
    ValueError
        From `fit`, if the logs have no such name, "auto" does not know it, or the optimizer's rate is a schedule.
    """

    _kept = ("best", "wait", "cooldown_counter")

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, min_delta, patience, verbose, mode)
        self.factor = checks.real("factor", factor, 0, 1, "()")
        self.cooldown = checks.whole("cooldown", cooldown, 0)
        self.min_lr = checks.real("min_lr", min_lr, 0, math.inf, "[)")
        self.cooldown_counter = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        super().on_train_begin(logs)
        self.cooldown_counter = 0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = {} if logs is None else logs
        rate = logs["learning_rate"] = _rate(self, self.model)
        value = self._value(logs)
        if value is None:
            return
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.wait = 0
        if self._better(value, self.best):
            self.best, self.wait = value, 0
        elif self.cooldown_counter == 0:
            self.wait += 1
            # a rate that rounding left above min_lr, like 0.1 * 0.1 above 0.01, is min_lr
            if self.wait >= self.patience and rate > self.min_lr * (1 + 1e-6):
                self._reduce(epoch, rate)

    def _reduce(self, epoch: int, rate: float) -> None:
        reduced = max(rate * self.factor, self.min_lr)
        self.model.optimizer.learning_rate = reduced
        self.cooldown_counter, self.wait = self.cooldown, 0
        if self.verbose:
            print(f"Epoch {epoch + 1}: {self.monitor} has not improved, learning_rate is now {reduced:g}")


class LearningRateScheduler(Callback):
    """Set the learning rate before every epoch.

    The History has the rate of every epoch as "learning_rate".

    Parameters
    ----------
    schedule : callable
        ``schedule(epoch, learning_rate)``, or ``schedule(epoch)``: the new rate from the epoch's number, counted
        from 0, and the present rate.
    verbose : int, default=0
        1 prints every rate.

    Raises
    ------
    TypeError
        If `schedule` is no function.
    ValueError
        From `fit`, if the optimizer's rate is a schedule, or what `schedule` returns is not a number above 0.
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        if not callable(schedule):
            raise TypeError(f"schedule must be a function of epoch and learning rate, got {schedule!r}")
        self.schedule = schedule
        self.verbose = checks.verbose(verbose)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        rate = _rate(self, self.model)
        self.model.optimizer.learning_rate = self.schedule(*(epoch, rate)[: self._arguments()])
        if self.verbose:
            print(f"Epoch {epoch + 1}: learning_rate is {self.model.optimizer.learning_rate:g}")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if logs is not None:
            logs["learning_rate"] = _rate(self, self.model)

    def _arguments(self) -> int:
        try:
            inspect.signature(self.schedule).bind(0, 0.0)
        except TypeError:
            return 1
        except ValueError:  # a function without a signature
            pass
        return 2


class CSVLogger(Callback):
    """Write the logs of every epoch to a file, a line an epoch.

    The columns are "epoch", counted from 0, and the names of the logs in alphabetical order; "NA" stands where an
    epoch has no value, as without validation under `validation_freq`. Every line is in the file when its epoch is over.

    Parameters
    ----------
    filename : str or path
    separator : str, default=","
        One character.
    append : bool, default=False
        Go on with a file that exists; its columns must be the same.

    Raises
    ------
    OSError
        From `fit`, if the file can't be written.
    ValueError
        From `fit`, if the file to append to has other columns.
    """

    names: Mapping[str, str | None] = {}  # of the logs that every validated epoch has

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        self.filename = os.fspath(filename)
        if not isinstance(separator, str) or len(separator) != 1:
            raise ValueError(f"separator must be one character, got {separator!r}")
        self.separator = separator
        self.append = checks.flag("append", append)
        self._columns: list[str] | None = None

    def prepare(self, names: Mapping[str, str | None], known: Sequence[str] | None) -> None:
        """Refuse a file with other columns, before the fit begins; see `_Monitor.prepare`."""
        self.names = names
        if self.append and known is not None and os.path.exists(self.filename):
            self._there(["epoch", *sorted({*known})])

    def get_state(self) -> dict[str, Any]:
        """The columns, and how long the file is."""
        return {"columns": self._columns, "size": os.path.getsize(self.filename)}

    def resume(self, state: Mapping[str, Any]) -> None:
        """Go on after the last line that the fit had written then."""
        os.truncate(self.filename, state["size"])
        self._columns = state["columns"]

    def _check_state(self, state: Mapping[str, Any], model: Any) -> None:
        columns = state["columns"]
        if columns is not None and (not columns or columns != [checks.text("columns", name) for name in columns]):
            raise ValueError(f"columns of CSVLogger must be names, got {columns!r:.40}")
        if os.path.getsize(self.filename) < checks.whole("size of CSVLogger", state["size"], 0):
            raise ValueError(f"{self.filename} is not the log of the fit that is resumed: it is shorter")

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._columns = None
        with open(self.filename, "a" if self.append else "w", encoding="utf-8"):
            pass

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = logs or {}
        if self._columns is None:
            columns = ["epoch", *sorted({*self.names, *logs})]
            self._columns = self._there(columns)
            if self._columns is None:
                self._columns = columns
                self._write(*columns)
        self._write(str(epoch), *(logs.get(name, "NA") for name in self._columns[1:]))

    def _there(self, columns: list[str]) -> list[str] | None:
        """The columns that the file has, which must be these, in any order; None if it is empty."""
        with open(self.filename, encoding="utf-8", newline="") as file:
            there = next(csv.reader(file, delimiter=self.separator), None)
        if there is not None and (sorted(there) != sorted(columns) or there[0] != "epoch"):
            raise ValueError(f"{self.filename} has the columns {there}, this fit has {columns}; use another file")
        return there

    def _write(self, *row: Any) -> None:
        with open(self.filename, "a", encoding="utf-8", newline="") as file:
            csv.writer(file, delimiter=self.separator).writerow(row)


class LambdaCallback(Callback):
    """Functions as hooks.

    Parameters
    ----------
    on_epoch_begin, on_epoch_end, on_train_begin, on_train_end, on_train_batch_begin, on_train_batch_end : callable, \
    optional
        Each with the arguments of the hook of its name; see `Callback`.

    Raises
    ------
    TypeError
        If one is no function.
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
    ) -> None:
        for name, function in [*locals().items()]:
            if name.startswith("on_") and function is not None:
                if not callable(function):
                    raise TypeError(f"{name} must be a function, got {function!r}")
                setattr(self, name, function)


class TerminateOnNaN(Callback):
    """End the fit without an error when loss or parameters are no longer finite.

    Parameters and optimizer are then as they were at the start of that epoch, the History ends before it, and
    `on_train_end` is called as after any fit. Without this callback `fit` raises FloatingPointError.

    Attributes
    ----------
    stopped_epoch : int or None
        The number of the epoch that diverged, counted from 0.
    """

    stopped_epoch: int | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.stopped_epoch = None


class ModelCheckpoint(_Monitor):
    """Write the model to a file as it is trained, after all other callbacks, wherever it stands among them.

    Files are those of `Sequential.save`: complete at any time, also when the process is killed while it writes.
    ``fit(resume=filepath)`` goes on from one with the bits of a fit that was never stopped.

    Parameters
    ----------
    filepath : str or path
        ``{epoch}``, counted from 1, and ``{name}`` of every name of the logs are replaced, with formats such as
        "{epoch:03d}-{val_loss:.2f}.safetensors". Without them every file replaces the one before. Missing folders are
        made.
    monitor : str, default="val_loss"
        A name of the logs; looked at with `save_best_only`.
    verbose : int, default=0
        1 prints every file that is written.
    save_best_only : bool, default=False
        Write only when the value is better than all before, also those of earlier fits with this object.
    save_weights_only : bool, default=False
        Write with `Sequential.save_weights`; there is no resuming from such a file.
    mode : "auto", "min" or "max", default="auto"
        Whether less or more is better; "auto" goes by the metric.
    save_freq : "epoch", int or None, default="epoch"
        After every epoch, or every so many; None is never, for `minutes` alone. (Keras counts batches, not epochs.)
    minutes : float, optional
        Besides, when so many have passed since the last file: also within an epoch, between two steps.

    Raises
    ------
    OSError
        From `fit`, if a file can't be written; before training where that can be known.
    ValueError
        From `fit`, if the logs lack a name of `monitor` or `filepath`, a format of it does not fit, or "auto" does not
        know what is better.
    """

    _kept = ("best", "running")

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int | None = "epoch",
        minutes: float | None = None,
    ) -> None:
        super().__init__(monitor, 0, 0, verbose, mode)
        self.filepath = checks.path("filepath", filepath)
        self.save_best_only = checks.flag("save_best_only", save_best_only)
        self.save_weights_only = checks.flag("save_weights_only", save_weights_only)
        if save_freq is not None and save_freq != "epoch":
            save_freq = checks.whole("save_freq", save_freq, 1)
        self.save_freq = save_freq
        self.minutes = None if minutes is None else checks.real("minutes", minutes, 0, math.inf, "[)")
        if save_freq is None and minutes is None:
            raise ValueError("save_freq and minutes are both None: nothing would be written")
        if minutes is not None:
            self._check_clock()
            # hooks of batches only for those who want them
            setattr(self, "on_train_batch_end", self._look_at_clock)  # noqa: B010
        self.running = 0  # the number of the epoch
        self._written = 0.0

    def _check_clock(self) -> None:
        """Refuse what only the end of an epoch knows."""
        if self.save_best_only:
            raise ValueError("minutes does not go with save_best_only, which looks at whole epochs")
        try:
            self._path(0, {})
        except ValueError as error:
            raise ValueError(f"with minutes, filepath can have {{epoch}} alone, got {self.filepath!r}") from error

    def prepare(self, names: Mapping[str, str | None], known: Sequence[str] | None) -> None:
        super().prepare(names, known)
        try:
            self._path(0, dict.fromkeys(names if known is None else known, 0.5))
        except ValueError as error:
            if known is not None or not isinstance(error.__cause__, KeyError):  # else another callback may add the name
                raise

    def check_monitor(self, names: Sequence[str]) -> None:
        if self.save_best_only:
            super().check_monitor(names)

    def _direction(self) -> int:
        return super()._direction() if self.save_best_only else 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        best = self.best  # of the fits before, so that this one writes over their best file with a better one alone
        super().on_train_begin(logs)
        self.best = best
        if "{" not in os.path.dirname(self.filepath):
            files.prepare(self.filepath)
        self._written = time.monotonic()

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self.running = epoch

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        every = 1 if self.save_freq == "epoch" else self.save_freq
        if (every is not None and (epoch + 1) % int(every) == 0 and self._best(logs)) or self._late():
            self._save(epoch, logs or {})

    def _best(self, logs: Logs | None) -> bool:
        """Whether to write by the value."""
        if not self.save_best_only:
            return True
        value = self._value(logs)
        if value is None or not self._better(value, self.best):
            return False
        self.best = value
        return True

    def _late(self) -> bool:
        return self.minutes is not None and time.monotonic() - self._written >= 60 * self.minutes

    def _look_at_clock(self, batch: int, logs: Logs | None = None) -> None:
        if self._late():
            self._save(self.running, {})

    def _path(self, epoch: int, logs: Logs) -> str:
        """The file of an epoch with these logs."""
        try:
            return self.filepath.format(epoch=epoch + 1, **{name: logs[name] for name in logs if name != "epoch"})
        except KeyError as error:
            names = ", ".join(["epoch", *logs])
            raise ValueError(f"filepath {self.filepath!r} has {error}; epoch {epoch + 1} has {names}") from error
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise ValueError(f"filepath {self.filepath!r} can't be filled in: {error}") from error

    def _save(self, epoch: int, logs: Logs) -> None:
        path = self._path(epoch, logs)
        files.prepare(path)
        (self.model.save_weights if self.save_weights_only else self.model.save)(path)
        self._written = time.monotonic()
        if self.verbose:
            print(f"Epoch {epoch + 1}: {path} written")


_RATE_CALLBACKS = (LearningRateScheduler, ReduceLROnPlateau)
