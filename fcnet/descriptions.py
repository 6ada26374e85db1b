"""What layers, optimizers, losses and the rest are made of, as JSON, and such objects made from it.

A class is found by its name in the tables below and nowhere else. Functions and classes of the user's own have no place
in a file: it has a name for each, and whoever reads it passes what they stand for.
"""

from __future__ import annotations

import copy
import inspect
import itertools
import math
import numbers
from collections.abc import Mapping, MutableMapping
from typing import Any

import numpy as np

from . import (
    activations,
    checks,
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    regularizers,
    schedules,
    seeds,
)

JSON = dict[str, Any]


def _table(*kinds: type) -> dict[str, type]:
    return {kind.__name__: kind for kind in kinds}


LAYERS = _table(layers.Dense, layers.Activation, layers.Dropout, layers.GaussianNoise, layers.LayerNormalization)
OPTIMIZERS = _table(*optimizers.OPTIMIZERS.values())
LOSSES = _table(*losses.LOSSES.values())
METRICS = _table(*metrics.METRICS.values())
SCHEDULES = _table(
    schedules.Constant, schedules.PiecewiseConstantDecay, schedules.ExponentialDecay, schedules.InverseTimeDecay,
    schedules.PolynomialDecay, schedules.CosineDecay, schedules.CosineDecayRestarts, schedules.OneCycle,
)  # fmt: skip
PARTS = {
    "initializer": _table(*initializers.INITIALIZERS.values()),
    "regularizer": _table(*regularizers.REGULARIZERS.values()),
    "constraint": _table(*constraints.CONSTRAINTS.values()),
}
"""Of what a layer's options are whose names end so."""


class Custom:
    """The user's own functions and objects by name.

    When a file is written, `name` gives each a name, and `known` collects them; when it is read, `known` is what the
    caller has passed.
    """

    def __init__(self, known: Mapping[str, Any] | None = None) -> None:
        self.known = dict(known or {})

    def name(self, thing: Any, wanted: str) -> str:
        """A name of its own: the wanted one, or that with a number if something else has it."""
        for name in itertools.chain([wanted], (f"{wanted}_{i}" for i in itertools.count(1))):
            if self.known.setdefault(name, thing) == thing:
                return name
        raise AssertionError

    def __getitem__(self, name: Any) -> Any:
        if name not in self.known:
            raise ValueError(
                f"it needs {name!r}, which was not fcnet's own and is not in it: pass custom_objects={{{name!r}: ...}}"
            )
        return self.known[name]


# ------------------------------------------------------------------------------------------- plain values


def packed(value: Any, name: str, arrays: MutableMapping[str, np.ndarray]) -> Any:
    """A tree of numbers, texts, lists, dicts, arrays and generators as JSON; the arrays themselves go to `arrays`.

    Raises
    ------
    TypeError
        If there is anything else in it; the message says where.
    """
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        number = float(value)
        return number if math.isfinite(number) else {"number": repr(number)}
    if isinstance(value, np.ndarray) and value.dtype.str[1:] in ("f8", "f4", "i8", "i4"):
        arrays[name] = value if value.size else value.reshape(-1)
        return {"array": name}
    if isinstance(value, np.random.Generator):
        return {"generator": seeds.stored(seeds.state(value))}
    if isinstance(value, (list, tuple)):
        return [packed(part, f"{name}.{i}", arrays) for i, part in enumerate(value)]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {"dict": {key: packed(part, f"{name}.{key}", arrays) for key, part in value.items()}}
    raise TypeError(f"{name} can't be stored: {value!r:.80}; numbers, texts, arrays, lists and dicts of them can")


def unpacked(value: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """The tree that was packed; its arrays are copies."""
    if isinstance(value, list):
        return [unpacked(part, arrays) for part in value]
    if not isinstance(value, dict):
        return value
    ((kind, of),) = value.items()
    if kind == "number":
        return {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}[of]
    if kind == "array":
        return np.array(arrays[of], arrays[of].dtype.newbyteorder("="))
    if kind == "generator":
        return seeds.restored(of)
    if kind == "dict":
        return {key: unpacked(part, arrays) for key, part in of.items()}
    raise ValueError(f"it has {kind!r} where a number, array, generator or dict must be")


# ------------------------------------------------------------------------------------------------ objects


def described(value: Any, table: Mapping[str, type], custom: Custom) -> JSON | None:
    """An object of a class in the table as the class and its arguments; of another one, a name for it."""
    if value is None:
        return None
    kind = type(value)
    if table.get(kind.__name__) is not kind:
        return {"custom": custom.name(value, getattr(value, "__name__", kind.__name__))}
    return {"class": kind.__name__} | _arguments(value)


def _arguments(value: Any) -> JSON:
    """What the object's class was called with; arguments that are None are left out."""
    parameters = inspect.signature(type(value)).parameters.values()
    names = [known.name for known in parameters if known.kind is not known.VAR_KEYWORD]
    found = {name: packed(getattr(value, name), name, {}) for name in names}
    return {name: part for name, part in found.items() if part is not None}


def made(description: Any, table: Mapping[str, type], custom: Custom, what: str) -> Any:
    """The object that was described."""
    if description is None:
        return None
    if "custom" in description:
        return custom[description["custom"]]
    arguments = {name: unpacked(value, {}) for name, value in description.items() if name != "class"}
    return _class(description, table, what)(**arguments)


def _class(description: JSON, table: Mapping[str, type], what: str) -> type:
    name = description["class"]
    if not isinstance(name, str) or name not in table:
        checks.unknown(what, name, table)
    return table[name]


def activation(value: activations.Activation, custom: Custom) -> JSON:
    """An activation by its name and parameter."""
    if not isinstance(value, activations.Custom):
        return {"name": value.name} | ({value.parameter_name: value.parameter} if value.parameter_name else {})
    function, derivative, _ = value.functions
    plain = derivative is None and value.name == function.py_func.__name__
    return {"custom": custom.name(function if plain else value, value.name), "derivative": value.derivative}


def made_activation(description: JSON, custom: Custom) -> activations.Activation:
    """The activation that was described."""
    if "custom" in description:
        found = activations.get(custom[description["custom"]])
        _same_derivative(description, found.derivative, "activations.Custom")
        return found
    name = description["name"]
    if not isinstance(name, str) or name not in activations.ACTIVATIONS:
        checks.unknown("activation", name, activations.ACTIVATIONS)
    known = activations.ACTIVATIONS[name]
    values = {key: value for key, value in description.items() if key != "name"}
    if known.parameter_name == "approximate":
        values = {key: bool(value) for key, value in values.items()}
    return known(**values)


def _same_derivative(description: JSON, derivative: Any, kind: str) -> None:
    if description["derivative"] != derivative:
        raise ValueError(
            f"{description['custom']!r} had the derivative {description['derivative']}, the one in custom_objects has "
            f"{derivative}: pass {kind}(function, derivative)"
        )


def layer(value: layers.Layer, custom: Custom) -> JSON:
    """A layer by its class and options."""
    kind = type(value)
    found: JSON = {"class": kind.__name__}
    for name in inspect.signature(kind).parameters:
        ending = name.rpartition("_")[2]
        if name == "activation":
            chosen = activations.get(value.activation)
            if chosen.parameter_name:
                whether = chosen.parameter_name == "approximate"
                parameter = bool(value.activation_parameter) if whether else value.activation_parameter
                chosen = chosen(**{chosen.parameter_name: parameter})
            found[name] = activation(chosen, custom)
        elif ending in PARTS:
            found[name] = described(getattr(value, name), PARTS[ending], custom)
        elif name != "input_shape":
            found[name] = packed(getattr(value, name), name, {})
    return found | {"trainable": value.trainable}


def made_layer(description: JSON, custom: Custom) -> layers.Layer:
    """The layer that was described, in no model yet; it does not know its number of inputs."""
    arguments: JSON = {}
    for name, value in description.items():
        ending = name.rpartition("_")[2]
        if name == "activation":
            arguments[name] = made_activation(value, custom)
        elif ending in PARTS:
            arguments[name] = made(value, PARTS[ending], custom, ending)
        elif name not in ("class", "trainable", "input_dim"):
            arguments[name] = unpacked(value, {})
    found = _class(description, LAYERS, "layer")(**arguments)
    found.trainable = description["trainable"]
    return found


def optimizer(value: optimizers.Optimizer, custom: Custom) -> JSON:
    """An optimizer by its class, hyperparameters and number of steps; its vectors are arrays of the file."""
    kind = type(value)
    found = {"class": kind.__name__, "iterations": value.iterations}
    found |= {name: getattr(value, name) for name in _hyperparameters(kind)}
    if isinstance(value.learning_rate, schedules.Schedule):
        found["learning_rate"] = described(value.learning_rate, SCHEDULES, custom)
    return found


def _hyperparameters(kind: type[optimizers.Optimizer]) -> tuple[str, ...]:
    return (*kind.ranges, *kind.flags, *kind.options, *(["m"] if kind is optimizers.LBFGS else []))


def made_optimizer(description: JSON, custom: Custom) -> optimizers.Optimizer:
    """The optimizer that was described, without steps and vectors."""
    found = _class(description, OPTIMIZERS, "optimizer")()
    set_hyperparameters(found, description, custom)
    return found


def steps_taken(description: JSON) -> int:
    """The number of steps of the optimizer that was described."""
    return checks.count("iterations", description["iterations"], 0)


def set_hyperparameters(value: optimizers.Optimizer, description: JSON, custom: Custom) -> None:
    """Bring an optimizer of the same class to what was described; a schedule of the user's own stays if it has one."""
    for name in _hyperparameters(type(value)):
        setting = description[name]
        if name == "learning_rate" and isinstance(setting, dict):
            setting = made(setting, SCHEDULES, custom, "schedule")
            if not isinstance(setting, schedules.Schedule):
                raise TypeError(f"learning_rate must be a schedule, got {setting!r}")
        setattr(value, name, setting)


def copy_hyperparameters(source: optimizers.Optimizer, target: optimizers.Optimizer) -> None:
    """Those of one optimizer to another of the same class."""
    for name in optimizers.CLIPPING:  # at most one of them can be set
        setattr(target, name, None)
    for name in _hyperparameters(type(source)):
        setattr(target, name, getattr(source, name))


def same_fit(own: JSON, other: JSON) -> None:
    """Refuse a model that can't go on with the fit of another one; how weights begin does not matter."""
    if len(own["layers"]) != len(other["layers"]):
        raise ValueError(f"it has {len(other['layers'])} layers, the model has {len(own['layers'])}")
    pairs = [(f"layer {mine['name']!r}", _lasting(mine), _lasting(its))
             for mine, its in zip(own["layers"], other["layers"], strict=True)]  # fmt: skip
    for name in "dtype", "loss", "metrics":
        pairs.append((name, {name: own[name]}, {name: other[name]}))
    pairs.append(("optimizer", {"class": own["optimizer"]["class"]}, {"class": other["optimizer"]["class"]}))
    for what, mine, its in pairs:
        for name in sorted(mine.keys() | its.keys()):
            was, is_now = its.get(name), mine.get(name)
            if was != is_now:
                raise ValueError(f"it is of another model: {what} had {name} {was!r:.80}, and has {is_now!r:.80}")


def _lasting(layer: JSON) -> JSON:
    """What training leaves as it is."""
    return {name: value for name, value in layer.items()
            if name not in ("trainable", "input_dim") and not name.endswith("_initializer")}  # fmt: skip


def loss(value: losses.Loss, custom: Custom) -> JSON:
    """A loss by its class and parameters, and its name if it has one of its own."""
    if not isinstance(value, losses.Custom):
        found = described(value, LOSSES, custom)
        assert found is not None
        return found | ({} if value.name == value.kernel else {"name": value.name})
    name, derivative = value.function.py_func.__name__, value.derivative
    thing = value.function if derivative is None else value
    slope = None if derivative is None else derivative.py_func.__name__
    return {"custom": custom.name(thing, name), "derivative": slope}


def made_loss(description: JSON, custom: Custom) -> losses.Loss:
    """The loss that was described."""
    found = losses.get(made(description, LOSSES, custom, "loss"))
    if isinstance(found, losses.Custom):
        slope = None if found.derivative is None else found.derivative.py_func.__name__
        _same_derivative(description, slope, "losses.Custom")
    return found


def metric(value: metrics.Metric, custom: Custom) -> JSON:
    """A metric by its class, arguments, name, and whether weights count."""
    if isinstance(value, metrics.Custom):
        found: JSON | None = {"custom": custom.name(value.function, value.function.py_func.__name__)}
    else:
        found = described(value, METRICS, custom)
    assert found is not None
    return found | {"name": value.name, "weighted": value.weighted}


def made_metric(description: JSON, custom: Custom) -> tuple[metrics.Metric, bool]:
    """The metric that was described, and whether weights count."""
    arguments = {name: value for name, value in description.items() if name != "weighted"}
    found = copy.copy(metrics.get(made(arguments, METRICS, custom, "metric")))
    found.name = checks.text("name", description["name"])
    return found, checks.flag("weighted", description["weighted"])
