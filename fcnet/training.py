"""The loop over epochs: order of the samples, compiled steps, validation, History, divergence.

Each call of the engine runs many steps, also of several short epochs, and returns to Python after some 10 to 50 ms,
so that Ctrl-C is noticed; a step that takes longer is left in its midst (`_runtime.interruptible`). Where a call ends
changes no bit of parameters or History.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _runtime, checks, files, seeds
from .callbacks import History, Hooks
from .data import Arrays, Part, Rows, Stream
from .display import Display
from .losses import Loss, RootMeanSquaredError
from .metrics import Metric
from .optimizers import LBFGS, Optimizer

if TYPE_CHECKING:
    from .engine import Engine

# One call of the engine has at most so much work, in floating-point operations, and takes at most so long, about.
_CALL = 1e9
_STEP = 2e4  # what a step costs besides its arithmetic, in the same unit
_SECONDS = 0.05
ORDER_NUMBERS = 1 << 18  # numbers in the orders of epochs that run in one call


@dataclass(frozen=True)
class Objective:
    """What is minimized and what is reported, for an output layer of so many units."""

    loss: Loss
    units: int
    metrics: tuple[Metric, ...] = ()
    names: tuple[str, ...] = field(init=False)
    n_sums: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", ("loss", *(metric.name for metric in self.metrics)))
        object.__setattr__(self, "n_sums", 1 + sum(metric.n_sums(self.units) for metric in self.metrics))

    def values(self, sums: np.ndarray, samples: float, weight: float) -> list[float]:
        """Loss and metrics in the order of `names`, from their sums over samples of so much weight in all.

        Where the loss is NaN, so are the metrics: those that count would have made something of a NaN output.
        """
        weight = weight or 1.0  # of a part of an epoch in which no sample counts, all is 0
        values, first = [float(sums[0] / weight)], 1
        for metric in self.metrics:
            last = first + metric.n_sums(self.units)
            values.append(metric.result(sums[first:last], weight if metric.weighted else samples))
            first = last
        return [math.nan] * len(values) if math.isnan(values[0]) else values


@dataclass
class Network:
    """What is trained: the compiled side, the flat parameters, and the optimizer with its state."""

    engine: Engine
    parameters: np.ndarray
    optimizer: Optimizer
    objective: Objective

    def checkpoint(self) -> Checkpoint:
        """A copy of everything that training changes."""
        made = Checkpoint(self)
        made.save()
        return made

    def healthy(self, sums: np.ndarray) -> bool:
        """Whether losses (epochs, first column) and parameters are finite.

        Both, because the loss of a step is taken before its update.
        """
        return _finite(sums) and bool(np.isfinite(self.parameters).all())


@dataclass
class Checkpoint:
    """Parameters and optimizer state as they were at a known good moment."""

    network: Network
    live: list[np.ndarray] = field(default_factory=list)
    copies: list[np.ndarray] = field(default_factory=list)
    iterations: int = 0

    def save(self) -> None:
        """Replace the copy by the present state."""
        optimizer = self.network.optimizer
        self.live = [self.network.parameters, *optimizer.state]  # a callback may have replaced a vector
        if [copy.shape for copy in self.copies] == [*map(np.shape, self.live)]:
            for copy, array in zip(self.copies, self.live, strict=True):
                np.copyto(copy, array)
        else:  # the first time; or a vector is none that the engine will take, which says so
            self.copies = [*map(np.array, self.live)]
        self.iterations = optimizer.iterations

    def restore(self) -> None:
        """Bring back the saved state, all of it also when a signal raises in between."""
        try:
            self._copy_back()
        except BaseException:
            self._copy_back()
            raise

    def _copy_back(self) -> None:
        if not self.live:  # nothing has been saved, and nothing trained
            return
        for copy, array in zip(self.copies, self.live, strict=True):
            np.copyto(array, copy)
        optimizer = self.network.optimizer
        optimizer.state[:], optimizer.iterations = self.live[1:], self.iterations


def _finite(sums: np.ndarray) -> bool:
    """Whether the losses (epochs, first column) are; of one epoch in 0.1 us and not in 3."""
    return math.isfinite(sums[0, 0]) if len(sums) == 1 else bool(np.isfinite(sums[:, 0]).all())


def steps_per_call(n_params: int, batch_size: int) -> int:
    """How many steps one call of the engine runs at most: 2 B operations a parameter forward, 4 B backward."""
    return max(1, int(_CALL / (6.0 * n_params * batch_size + _STEP)))


def rows_per_call(n_params: int) -> int:
    """How many rows one call of the engine evaluates or predicts; a multiple of every slab."""
    return 256 * max(1, int(_runtime.LONG_FLOPS / (2.0 * n_params * 256)))


@dataclass
class Fit:
    """One fit: its data, what it records, and the loop over epochs.

    Parameters
    ----------
    network : Network
        Its parameters and its optimizer's state are updated in place.
    data : Rows or Stream
        Where the steps get their rows.
    validation : iterable of (X, Y, weights), optional
        Checked arrays, the same in every epoch.
    hooks : Hooks
        The callbacks.
    validated : callable
        Whether the epoch of this number, from 0, ends with a validation.
    key : int
        Of the random numbers of layers that have no seed of their own, see `Engine.train`.
    display : Display, optional
        Told about steps and epochs; given when the callbacks have been told of the beginning.

    Attributes
    ----------
    history : History
        Gets loss and metrics of every whole epoch.
    """

    network: Network
    data: Rows | Stream
    validation: Iterable[Arrays] | None
    hooks: Hooks
    validated: Callable[[int], bool]
    key: int
    display: Display | None = None

    def __post_init__(self) -> None:
        self.names = self.network.objective.names
        self.reported = reported(self.network.objective, self.validation is not None)
        self.history = History(self.hooks.model, self.hooks.params)
        for name in self.reported:
            self.history.history[name] = []
        self.logs: dict[str, float] = {}
        self.validations = 0  # how many values the History has of each "val_" name
        self.validating = self.telling = True  # not after an error
        self.steps_per_call = steps_per_call(self.network.engine.n_params, self.data.batch_size)
        self.stride = max(1, self.steps_per_call // 16)  # steps of the next call, see `_pace`
        self.checkpoint = Checkpoint(self.network)  # saved before `run`
        self.begun = 0  # steps of the first epoch that are taken already
        self.taken = 0  # steps of the fit; the optimizer's number may be set by a hook, or go on in one that trains
        self.sums = np.zeros((1, self.network.objective.n_sums))
        self.place: dict[str, Any] | None = None  # of the data at the beginning of the epoch
        self._columns: dict[str, int] = {}  # where the History has the logs of the last epoch

    # ---------------------------------------------------------------------------------- where it stands

    def state(self) -> dict[str, Any] | None:
        """Where the fit stands, for `resume`; None if that can't be said, as several epochs run in one call.

        To be asked between steps, by a callback. Parameters, optimizer and History are not in it.
        """
        if self.place is None:
            return None
        self._complete()
        step = self.taken - self.origin
        place = {name: seeds.stored(at) if name == "generator" and at else at for name, at in self.place.items()}
        same = form(self.data, self.validation, self.network.engine.inputs)
        return {
            "epoch": self.epoch, "step": step, "sums": self.sums[0] if step else None, "data": place,
            "form": same, "key": self.key, "validations": self.validations, "logs": self.logs,
            "stopped": self.hooks.stopped, "callbacks": self.hooks.states(),
        }  # fmt: skip

    def resume(self, state: dict[str, Any], history: History) -> None:
        """Stand where a fit of the same form stood, with its History."""
        self.key, self.begun, self.validations = state["key"], state["step"], state["validations"]
        self.logs = state["logs"]
        if self.begun:
            self.sums[0] = state["sums"]
        self.data.restore(state["data"])
        self.history.epoch, self.history.history = history.epoch, history.history
        self._columns = {name: len(history.history.get(name, ())) - 1 for name in self.logs}

    def _stand(self, epoch: int, begun: int = 0) -> None:
        """Note that the next step is one of this epoch, of which so many are taken."""
        if self.hooks.each_epoch:
            self.epoch, self.origin = epoch, self.taken - begun
            self.place = self.data.state()

    # -------------------------------------------------------------------------------------------- epochs

    def run(self, epochs: range) -> None:
        """Run the epochs; short ones several at a time unless someone looks on.

        Dropout and noise depend on the `key` and on the number of the step, counted from the first step of epoch 0: it
        lives in the number of the epoch, so that a fit that goes on with a later epoch goes on with their numbers.

        Raises
        ------
        FloatingPointError
            If loss or parameters are no longer finite. It is raised after the compiled call of the step where that
            happened and names it; parameters and optimizer are as they were at the start of that epoch.
        """
        block = 1
        if self.validation is None and not (self.hooks.each_epoch or self.hooks.stopped):
            block = self.data.epochs_at_once(self.steps_per_call, ORDER_NUMBERS)
        while epochs:
            some = epochs[: 1 if self.begun else int(min(block, self.hooks.ahead()))]
            self._stand(some[0], self.begun)
            if self.hooks.each_epoch and not self.begun:
                self.hooks.call("on_epoch_begin", some[0], {})
            self._run(some, self.data.parts(len(some)))
            epochs = epochs[len(some) :]
            if self.hooks.stopped or self.data.ended:
                break
        average = self.network.optimizer.average
        if average is not None:
            np.copyto(self.network.parameters, average)

    def _run(self, epochs: range, parts: Iterable[Part]) -> None:
        """Run epochs that stand or fall together, and record them."""
        network = self.network
        sums = self.sums if self.begun else np.zeros((len(epochs), network.objective.n_sums))
        self.sums = sums
        self.checkpoint.save()
        self.before = self.taken  # the steps up to here
        self.step, self.samples, self.weight = 0, 0, 0.0  # of an epoch, with the part that is running
        self.draws = epochs[0] * (self.data.steps or 1 << 32)  # where the length of an epoch is not known: enough
        try:
            for part in parts:
                self.samples += part.samples
                self.weight += part.weight
                self._steps(part, sums)
                if not _finite(sums):
                    break
                self.step += part.last - part.first
                if self.hooks.stopped:
                    break
            if network.healthy(sums):
                done = epochs if len(epochs) == 1 else self._whole(epochs)
                if self.samples:
                    self._record(done, sums)
                self.begun = 0  # not before: if that is cut short, `_whole` counts once more
                return
        except BaseException as error:  # Ctrl-C, a signal's handler, a hook, the data
            self.telling = isinstance(error, KeyboardInterrupt) and self.validation is None
            self.validating = False
            self._record(self._whole(epochs), sums)
            raise
        failure = self._diverged(epochs[0], sums[0, 0] / (self.weight or 1.0))  # before the optimizer forgets
        self.checkpoint.restore()
        self.taken = self.before
        if len(epochs) == 1:
            if self.hooks.diverged(epochs[0]):
                return
            raise failure
        assert isinstance(self.data, Rows)
        for i in range(len(epochs)):  # which of them it was: the same bits again, one by one
            self._run(epochs[i : i + 1], self.data.again(i))
            if self.hooks.stopped:
                return

    def _whole(self, epochs: range) -> range:
        """Those of the epochs whose steps are all taken."""
        if self.data.steps is None:
            return epochs[:0]
        return epochs[: (self.begun + self.taken - self.before) // self.data.steps]

    def _diverged(self, epoch: int, loss: float) -> FloatingPointError:
        """The error of an epoch whose last step has left loss or parameters that are not finite."""
        step = self.begun + self.taken - self.before
        of = "" if self.data.steps is None else f" of {self.data.steps}"
        self.network.optimizer.iterations -= 1
        updated = step > 1 or bool(self.history.epoch)
        return diverged(f"epoch {epoch + 1}, step {step}{of}", "that epoch", loss, self.network, updated)

    def _steps(self, part: Part, sums: np.ndarray) -> None:
        """Run the steps of a part, or fewer if the loss is no longer finite or someone asks for the end."""
        network, objective = self.network, self.network.objective
        done = self.step - part.first  # steps of the epoch before step 0 of the part
        last = max(part.first, self.begun - done)
        while last < part.last:
            if self.hooks.stopped and last > part.first:
                if len(sums) == 1:
                    self._leave_out(part.steps(last, part.last))
                    return
                assert self.data.steps is not None  # short epochs: the present one is soon done
                part = part._replace(last=-(-last // self.data.steps) * self.data.steps)
                if last == part.last:
                    return
            first, last = last, min(last + self.stride, part.last)
            if self.hooks.each_batch:
                self.hooks.call("on_train_batch_begin", done + first, {})
            if self.hooks.callbacks:  # one of them may have frozen a layer
                self.hooks.model._ruled_engine()
            begin, before = time.perf_counter(), network.optimizer.iterations
            try:
                network.engine.train(
                    network.parameters, network.optimizer, part.X, part.Y, part.orders, part.batch_size,
                    first, last, objective.loss, objective.metrics, sums, part.weights, self.key, self.draws + done,
                )  # fmt: skip
            finally:
                self.taken += network.optimizer.iterations - before
            self._pace((time.perf_counter() - begin) / (last - first))
            if not _finite(sums):
                return
            if self.display is not None:
                self.display.steps(last - first)
            if self.hooks.each_batch:
                self.hooks.call("on_train_batch_end", done + last - 1, self._so_far(part, last, sums))

    def _leave_out(self, left: Part) -> None:
        """The epoch ends without these steps."""
        self.samples -= left.samples
        self.weight -= left.weight

    def _so_far(self, part: Part, last: int, sums: np.ndarray) -> dict[str, float]:
        """Loss and metrics of the epoch's steps before step `last` of the part."""
        to_come = part.steps(last, part.last)
        samples, weight = self.samples - to_come.samples, self.weight - to_come.weight
        return dict(zip(self.names, self.network.objective.values(sums[0], samples, weight), strict=True))

    def _pace(self, step_time: float) -> None:
        """Bring the next call near _SECONDS: on a busy machine a step takes many times as long."""
        self.stride = max(1, min(self.steps_per_call, 2 * self.stride, int(_SECONDS / step_time)))

    def _record(self, epochs: range, sums: np.ndarray) -> None:
        """Append epochs to the History, and tell of them; called again, it goes on where it was cut.

        After an error nothing is validated or told any more; after Ctrl-C, what needs no validation is told.
        """
        recorded = self.history.epoch
        for epoch, row in zip(epochs, sums, strict=False):
            if recorded and epoch <= recorded[-1]:
                continue
            values = self.network.objective.values(row, self.samples, self.weight)
            logs = dict(zip(self.names, values, strict=True))
            held_out = self._validate() if self.validating and self.validated(epoch) else {}
            self._append(len(recorded), logs)
            self._append(self.validations, held_out)
            recorded.append(epoch)
            self.validations += 1 if held_out else 0
            self.logs = logs = logs | held_out
            if self.display is not None:
                self.display.epoch(epoch, logs)
            self._columns = {name: len(self.history.history[name]) - 1 for name in logs}
            self._stand(epoch + 1)
            if self.hooks.told and self.telling:
                self._tell(epoch, logs)

    def _validate(self) -> dict[str, float]:
        """Loss and metrics of the validation data, if there are any."""
        if self.validation is None:
            return {}
        values, _ = evaluate(self.network, self.validation)
        return {f"val_{name}": value for name, value in zip(self.names, values, strict=True)}

    def _append(self, place: int, logs: dict[str, float]) -> None:
        """The values to their columns, over what a cut has left there."""
        for name, value in logs.items():
            self.history.history[name][place:] = [value]

    def _tell(self, epoch: int, logs: dict[str, float]) -> None:
        """The end of the epoch to the callbacks, and what they make of the logs to the History."""
        try:
            self.hooks.call("on_epoch_end", epoch, logs)
        finally:
            self._complete()

    def _complete(self) -> None:
        """Bring to the History what callbacks have added to the logs of the last epoch, or changed in them."""
        for name, value in self.logs.items():
            if name in self._columns or name not in self.reported:  # no "val_loss" of an epoch without validation
                column = self.history.history.setdefault(name, [])
                column[self._columns.setdefault(name, len(column)) :] = [value]


class FullBatchFit(Fit):
    """A fit by `optimizers.LBFGS`: an epoch is an iteration over all samples. Batch hooks are not called."""

    def state(self) -> None:
        """Nothing: what SciPy has collected of the loss is not known."""

    def run(self, epochs: range) -> None:
        """Minimize the loss; the network has the parameters of the last iteration, also after Ctrl-C.

        Raises
        ------
        FloatingPointError
            If the loss is not finite at the start.
        """
        optimizer, parameters = self.network.optimizer, self.network.parameters
        assert isinstance(optimizer, LBFGS)
        self.rules = self.hooks.model._rules()  # of the whole fit: what SciPy minimizes stays the same function
        self.all = next(iter(self.data.parts(1)))
        self.samples, self.weight = self.all.samples, self.all.weight
        minimize = checks.extra("scipy.optimize", "scipy", "LBFGS").minimize
        trial = np.empty_like(parameters)
        remaining = iter(epochs)
        epoch = next(remaining, None)

        def loss_and_gradient(values: np.ndarray) -> tuple[float, np.ndarray]:
            trial[:] = values
            return self._loss_and_gradient(trial)

        def accepted(intermediate_result: Any) -> None:
            nonlocal epoch
            assert epoch is not None
            if not (math.isfinite(intermediate_result.fun) and np.isfinite(intermediate_result.x).all()):
                raise FloatingPointError(
                    f"training diverged in epoch {epoch + 1}: the loss is {intermediate_result.fun}. Parameters are as "
                    "they were before that epoch. Scale inputs and targets"
                )
            parameters[:] = intermediate_result.x
            optimizer.iterations += 1
            if self.display is not None:
                self.display.steps(1)
            sums = summed(self.network, self.all.X, self.all.Y, self.all.weights)
            self._record(range(epoch, epoch + 1), sums[None])
            epoch = next(remaining, None)
            if self.hooks.stopped:
                raise StopIteration
            if epoch is not None:
                self._begin(epoch)

        if epoch is None:
            return
        if not math.isfinite(self._loss_and_gradient(parameters)[0]):
            raise FloatingPointError("the loss is not finite at the start of the fit: scale inputs and targets")
        self._begin(epoch)
        options = {"maxcor": optimizer.m, "ftol": optimizer.tol, "gtol": optimizer.gradient_tol,
                   "maxiter": len(epochs), "maxfun": sys.maxsize}  # fmt: skip
        found = minimize(loss_and_gradient, parameters.astype(np.float64), jac=True, method="L-BFGS-B",
                         callback=accepted, options=options)  # fmt: skip
        optimizer.message = "STOP: by a callback" if self.hooks.stopped else str(found.message)

    def _begin(self, epoch: int) -> None:
        if self.hooks.each_epoch:
            self.hooks.call("on_epoch_begin", epoch, {})

    def _loss_and_gradient(self, parameters: np.ndarray) -> tuple[float, np.ndarray]:
        """Of all samples, in float64; in pieces, so that Ctrl-C is noticed."""
        network, X, Y, weights = self.network, self.all.X, self.all.Y, self.all.weights
        network.engine.follow(self.rules)
        loss, gradient = 0.0, np.zeros(len(parameters))
        rows = rows_per_call(3 * network.engine.n_params)
        if isinstance(network.objective.loss, RootMeanSquaredError):
            rows = len(X)  # the root of a mean is no mean of roots
        for first in range(0, len(X), rows):
            part = slice(first, first + rows)
            of_part = None if weights is None else weights[part]
            value, slope = network.engine.loss_and_gradient(
                parameters, X[part], Y[part], network.objective.loss, of_part
            )
            share = total_weight(X[part], of_part) / self.weight
            loss += share * value
            gradient += share * slope
        network.engine.arrays.hold(gradient)
        return loss, gradient


def form(data: Rows | Stream, validation: Any, features: int) -> dict[str, Any]:
    """What must be the same where a fit is resumed."""
    return data.form() | {"features": features, "validation data": validation is not None}


@dataclass
class Saved:
    """A fit that stands still in a file.

    Parameters
    ----------
    path : str
    state : dict
        As `Fit.state` has given it.
    model : Sequential
        The model with weights, optimizer and History as they were then.
    """

    path: str
    state: dict[str, Any]
    model: Any

    def __post_init__(self) -> None:
        for name in "epoch", "step", "validations":
            checks.whole(name, self.state[name], 0)
        checks.flag("stopped", self.state["stopped"])
        if not -(2**63) <= checks.whole("key", self.state["key"], -(2**63)) < 2**63:
            raise ValueError("key of its fit has more than 64 bits")
        kinds: dict[str, type] = {"form": dict, "data": dict, "logs": dict, "callbacks": dict}
        if self.state["step"]:
            kinds["sums"] = np.ndarray
        for name, kind in kinds.items():
            if not isinstance(self.state[name], kind):
                raise TypeError(f"{name} of its fit is {self.state[name]!r:.40}")
        for states in self.state["callbacks"].values():
            if not isinstance(states, list) or not all(isinstance(state, dict) for state in states):
                raise TypeError(f"callbacks of its fit are {self.state['callbacks']!r:.40}")
        checks.whole("steps", self.state["data"].setdefault("steps", 0), 0)
        if "generator" not in self.state["data"] or self.model.history is None:
            raise ValueError("its fit has no generator or no History")

    def epochs(self, last: int) -> range:
        """Those that are left of so many."""
        first = self.state["epoch"]
        if self.state["stopped"]:
            return range(first, first)
        if last < first + bool(self.state["step"]):
            place = f"within epoch {first + 1}" if self.state["step"] else f"at the end of epoch {first}"
            raise files.ModelFileError(self.path, f"epochs is {last}, and the fit in it stands {place} already")
        return range(first, last)

    def check(self, form: dict[str, Any], feed: Rows | Stream, objective: Objective, hooks: Hooks) -> None:
        """Refuse a fit of another form, and what the one of that form can't have left: all that will be adopted.

        Raises
        ------
        ModelFileError
            Nothing has changed then.
        """
        with files.explained(self.path):
            for name, value in form.items():
                was = self.state["form"].get(name)
                if was != value:
                    raise ValueError(
                        f"{name} is {value!r}, and was {was!r:.80} in the fit that it is from; data and arguments must "
                        "be the same"
                    )
            self.model.build(form["features"])  # refuses another number than it has
            self._check_place(form, feed.steps, objective.n_sums)
            self._check_history(objective.names, form["validation data"])
            hooks.check(self.state["callbacks"], self.model)

    def _check_place(self, form: dict[str, Any], steps: int | None, n_sums: int) -> None:
        """Of the epoch and the data."""
        epoch, step, place = (self.state[name] for name in ("epoch", "step", "data"))
        if steps is not None and step > steps:
            raise ValueError(f"its fit stands at step {step} of {steps}")
        if place["steps"] > epoch * (form.get("steps_per_epoch") or 0):
            raise ValueError(f"its fit has taken {place['steps']} steps of its data in {epoch} epochs")
        if form["shuffle"] is not None:
            seeds.restored(place["generator"])
        sums = self.state["sums"]
        if step and not (sums.shape == (n_sums,) and sums.dtype == np.float64 and np.isfinite(sums[0])):
            raise ValueError("the sums of its epoch are not those of its loss and metrics")

    def _check_history(self, names: Sequence[str], validated: bool) -> None:
        """Of the epochs before."""
        history, last = self.model.history, self.state["epoch"]
        if any(epoch >= after for epoch, after in pairwise([*history.epoch, last])):
            raise ValueError("the epochs of its History do not lead to that of its fit")
        counts = dict.fromkeys(names, len(history.epoch))
        if validated:
            counts |= {f"val_{name}": self.state["validations"] for name in names}
        for name, count in counts.items():
            if len(history.history[name]) != count:
                raise ValueError(f"its History has {len(history.history[name])} values of {name!r}, and not {count}")


def reported(objective: Objective, validation: bool) -> dict[str, str | None]:
    """The names of the logs of a fit, and whether "min" or "max" is better, None if that is not known."""
    names = {"loss": "min"} | {metric.name: metric.direction for metric in objective.metrics}
    return names | {f"val_{name}": better for name, better in names.items() if validation}


def total_weight(X: np.ndarray, weights: np.ndarray | None) -> float:
    """The sum of the weights of the samples, 1 each by default."""
    return len(X) if weights is None else float(weights.sum(dtype=np.float64))


def train_on_batch(
    network: Network, X: np.ndarray, Y: np.ndarray, weights: np.ndarray | None, key: int = 0
) -> list[float]:
    """One step on all rows of X; loss and metrics are those before the update.

    For dropout and noise the step has the number that the optimizer counts.

    Raises
    ------
    FloatingPointError
        If loss or parameters are no longer finite; the step is then undone.
    """
    samples, weight = len(X), total_weight(X, weights)
    checkpoint = network.checkpoint()
    sums = np.zeros((1, network.objective.n_sums))
    network.engine.train(
        network.parameters, network.optimizer, X, Y, None, samples, 0, 1,
        network.objective.loss, network.objective.metrics, sums, weights, key, network.optimizer.iterations,
    )  # fmt: skip
    if not network.healthy(sums):
        checkpoint.restore()
        raise diverged("this step", "it", sums[0, 0] / weight, network, network.optimizer.iterations > 0)
    return network.objective.values(sums[0], samples, weight)


def evaluate(network: Network, data: Iterable[Arrays]) -> tuple[list[float], int]:
    """Loss and metrics of all rows of (X, Y, weights) after (X, Y, weights), and the number of rows."""
    sums, samples, weight = np.zeros(network.objective.n_sums), 0, 0.0
    for rows in data:
        sums += summed(network, *rows)
        samples += len(rows[0])
        weight += total_weight(rows[0], rows[2])
    if not samples:
        raise ValueError("the data to evaluate has no samples; an iterator gives them only once")
    if weight == 0:
        raise ValueError(f"sample_weight is 0 for all {samples} samples; at least one must count")
    return network.objective.values(sums, samples, weight), samples


def summed(network: Network, X: np.ndarray, Y: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """The sums over all rows that loss and metrics come from."""
    objective = network.objective
    sums = np.zeros(objective.n_sums)
    for some_X, some_Y, some_weights in _cut(X, Y, weights, rows_per_call(network.engine.n_params)):
        sums += network.engine.evaluate(
            network.parameters, some_X, some_Y, objective.loss, objective.metrics, some_weights
        )
    weight = total_weight(X, weights)
    sums[0] = objective.loss.total(sums[0], weight)
    sums[0] += network.engine.arrays.penalty(network.parameters) * weight
    return sums


def _cut(X: np.ndarray, Y: np.ndarray, weights: np.ndarray | None, rows: int) -> Iterable[Arrays]:
    """Parts of at most so many rows; few ones as they are, not as views whose addresses the engine does not know."""
    if len(X) <= rows:
        yield X, Y, weights
        return
    for first in range(0, len(X), rows):
        part = slice(first, first + rows)
        yield X[part], Y[part], None if weights is None else weights[part]


def predict(engine: Engine, parameters: np.ndarray, data: Iterable[np.ndarray], n: int | None) -> np.ndarray:
    """The outputs (n, O) for all rows of X after X, n in all, or None if that is not known."""
    rows = rows_per_call(engine.n_params)
    parts = (engine.predict(parameters, X[first : first + rows]) for X in data for first in range(0, len(X), rows))
    if n is None or n <= rows:
        found = [*parts]
        return found[0] if len(found) == 1 else np.concatenate([np.empty((0, engine.outputs), engine.dtype), *found])
    out, start = np.empty((n, engine.outputs), engine.dtype), 0
    for part in parts:
        out[start : start + len(part)] = part
        start += len(part)
    return out


def diverged(when: str, before: str, loss: float, network: Network, updated: bool) -> FloatingPointError:
    """The error for a loss or parameters that are no longer finite, of the optimizer's next step.

    `updated` says whether there were steps before: without any, a loss that is not finite is no matter of the rate.
    """
    last, fix = network.engine.activations[-1], None
    if network.objective.loss.kernel == "poisson" and math.isnan(loss) and last not in checks.NOT_NEGATIVE:
        fix = (
            "Poisson takes the logarithm of the outputs: give the last layer activation='exponential' or 'softplus', "
            f"it has {last!r}"
        )
    if not (updated or math.isfinite(loss)):
        return FloatingPointError(
            f"training diverged in {when}: the loss is {loss} before any update, in {network.engine.dtype}. "
            f"{fix or 'Scale inputs and targets, or start from other weights'}"
        )
    rate = network.optimizer.current_learning_rate
    what = f"the loss is {loss}" if not math.isfinite(loss) else f"parameters are not finite (loss {loss:g})"
    return FloatingPointError(
        f"training diverged in {when}: {what} with learning_rate={rate:g}. Parameters and optimizer are as they were "
        f"before {before}. {fix or f'Use a lower learning rate, such as {rate / 10:g}, or scale inputs and targets'}"
    )
