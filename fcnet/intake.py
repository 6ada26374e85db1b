"""From what a user gives a model as data to what its network takes: checked arrays, or blocks of them.

An `Intake` says what a model expects of samples, labels and weights, and knows every way to them: arrays, tables and
sparse matrices as a whole, files and iterators block by block, what is held out of them, and data for validation.
It knows nothing of layers, optimizers and batches. `checks` looks at one array, and `data` cuts rows into batches.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from . import checks, data


class Intake(NamedTuple):
    """What a model expects of its data.

    Parameters
    ----------
    dtype : numpy.dtype
        float32 or float64.
    loss : str
        Canonical name; it says what labels may be.
    units : int
        O, the units of the last layer.
    features : int or None
        I; None if the model is not built, and will be for those of the first samples.
    names : tuple of str or None
        The columns of the table that it was fitted with.
    """

    dtype: np.dtype[Any]
    loss: str
    units: int
    features: int | None
    names: tuple[str, ...] | None

    def arrays(
        self, x: Any, y: Any, sample_weight: Any = None, class_weight: Any = None, block: bool = False
    ) -> data.Arrays:
        """Checked samples, labels and weights of all rows, or of a block of them."""
        X = samples(x, self.dtype, self.features, self.names)
        Y = checks.targets(y, self.dtype, self.loss, self.units, len(X))
        weights = checks.sample_weights(sample_weight, len(X), self.dtype, block)
        return X, Y, self._by_class(class_weight, Y, weights, block)

    def _by_class(
        self, class_weight: Any, Y: np.ndarray, weights: np.ndarray | None, block: bool = False
    ) -> np.ndarray | None:
        return checks.class_weights(class_weight, Y, self.loss, self.units, weights, self.dtype, block)

    def fitted_to(self, x: Any, X: np.ndarray) -> Intake:
        """What the model expects once it is fitted to X, which has been made of x."""
        return self._replace(features=X.shape[1], names=checks.feature_names(x) or self.names)

    def fitted_to_first(self, source: data.Blocks | data.Pieces, class_weight: Any = None) -> Intake:
        """The same of blocks, from rows that are checked before anything changes."""
        x, y, sample_weight = source.first()
        if isinstance(source, data.Blocks):
            class_weight = None  # that is for all their labels together
        return self.fitted_to(x, self.arrays(x, y, sample_weight, class_weight, block=True)[0])

    # ----------------------------------------------------------------------------------------- to train on

    def split(self, rows: data.Arrays, share: float, class_weight: Any) -> tuple[data.Arrays, list[data.Arrays] | None]:
        """The rows to train on, weighted by class, and those held out."""
        X, Y, weights = rows
        held_out = None
        if share:
            kept = checks.split(share, len(X))
            own, others = (None, None) if weights is None else (weights[:kept], weights[kept:])
            _some_weights(own, others)
            held_out = [(X[kept:], Y[kept:], others)]
            X, Y, weights = X[:kept], Y[:kept], own
        return (X, Y, self._by_class(class_weight, Y, weights)), held_out

    def split_blocks(
        self, source: data.Blocks | data.Pieces, share: float, class_weight: Any
    ) -> tuple[data.Blocks | data.Pieces, data.Check, data.Checked | None]:
        """The blocks to train on, what makes arrays of one, weighted by class, and the blocks held out."""
        if not isinstance(source, data.Blocks):
            if share:
                raise ValueError("validation_split needs arrays or fcnet.data.Blocks; pass validation_data")
            return source, self._check(class_weight), None
        held_out = None
        if share:
            source, others = source.split(checks.split(share, len(source)))
            _some_weights(source.weights, others.weights)
            held_out = data.Checked(others, self._check())
        if class_weight is not None:  # from all labels: "balanced" counts them
            labels = source.y if source.y is None else source.y[:]
            Y = checks.targets(labels, self.dtype, self.loss, self.units, len(source))
            source = source.with_weights(self._by_class(class_weight, Y, source.weights))
        return source, self._check(), held_out

    def _check(self, class_weight: Any = None) -> data.Check:
        """What makes arrays for the kernels of a block."""
        return partial(self.arrays, class_weight=class_weight, block=True)

    # ------------------------------------------------------------------------------------------- whole or not

    def blocks(self, x: Any, y: Any, sample_weight: Any, always: bool = False) -> data.Blocks | data.Pieces | None:
        """Where blocks are read; None for arrays that are taken as a whole."""
        if y is None and isinstance(x, (list, tuple)) and len(x) in (2, 3) and all(map(checks.is_array, x)):
            came = f"a {type(x).__name__} of {len(x)} arrays"
            raise ValueError(f"x is {came}: pass X and y as two arguments, like fit(X, y)")
        if data.is_stream(x, y) or (y is None and isinstance(x, (list, tuple))):
            source = data.source(x, y, sample_weight)
        elif always or data.too_large(x, self.dtype):
            source = data.Blocks(x, y, sample_weight)
        else:
            return None
        if isinstance(source, data.Blocks):
            return source.with_weights(checks.sample_weights(source.weights, len(source), self.dtype))
        return source

    def batches(self, x: Any, y: Any, sample_weight: Any) -> Iterable[data.Arrays]:
        """All rows for an evaluation, as a whole or block after block."""
        source = self.blocks(x, y, sample_weight)
        if source is None:
            return [self.arrays(x, y, sample_weight)]
        return data.Checked(source, self._check())

    def validation(self, validation_data: Any) -> Iterable[data.Arrays]:
        """The validation data, the same in every epoch."""
        if data.is_stream(validation_data):
            x, y, sample_weight = validation_data, None, None
        elif data.lists_blocks(validation_data):
            raise ValueError("validation_data is a list of blocks: pass a function that returns it, lambda: blocks")
        else:
            x, y, sample_weight = checks.data("validation_data", validation_data)
        rows = self.batches(x, y, sample_weight)
        if isinstance(rows, data.Checked):
            checks.passes(isinstance(rows.source, data.Pieces) and rows.source.once, 2, None, "validation_data")
            self.fitted_to_first(rows.source)  # refuses here what would else come in an epoch's midst
        return rows


def samples(
    x: Any, dtype: np.dtype[Any], features: int | None, names: tuple[str, ...] | None, least: int = 1
) -> np.ndarray:
    """Checked samples; at least so many."""
    checks.same_features(names, x)
    return checks.features(x, dtype, features, least)


def unlabelled(
    x: Any, dtype: np.dtype[Any], features: int | None, names: tuple[str, ...] | None
) -> tuple[Iterable[np.ndarray], int | None]:
    """All samples for a prediction, as a whole or block after block, and how many; None if that is not known."""

    def check(x: Any, y: Any = None, sample_weight: Any = None) -> data.Arrays:
        X = samples(x, dtype, features, names, least=0)
        return X, X, None

    if not (data.is_stream(x) or data.too_large(x, dtype)):
        X = samples(x, dtype, features, names, least=0)
        return [X], len(X)
    source = data.source(x, None, None) if data.is_stream(x) else data.Blocks(x)
    return (X for X, _, _ in data.Checked(source, check)), len(source) if isinstance(source, data.Blocks) else None


def _some_weights(own: np.ndarray | None, held_out: np.ndarray | None) -> None:
    """Refuse a split that leaves one side without weight."""
    checks.some_weight("sample_weight of the held-out samples", held_out)
    checks.some_weight("sample_weight of the samples to train on", own)
