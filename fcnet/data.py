"""Where training steps get their rows: from arrays in memory, or from blocks that are read one after the other.

Of data that does not fit into memory a block at a time is read, checked and converted. Batches go over the ends of
blocks: what is left of one is the beginning of the first batch of the next, so all batches but an epoch's last one
have the same size, and a fit takes the same steps as from one array of the same rows in the same order.
"""

from __future__ import annotations

import mmap
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AnySet
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from . import checks, seeds
from .sparse import SparseRows

WHOLE_BYTES = 256 << 20
"""A file, or a copy in the model's dtype, of more than this is not taken into memory but read block by block."""
BLOCK_BYTES = 32 << 20
"""Size of a block in float64, where nobody says how many rows it has."""

Arrays: TypeAlias = tuple[np.ndarray, np.ndarray, np.ndarray | None]
Check: TypeAlias = Callable[[Any, Any, Any], Arrays]


class Part(NamedTuple):
    """Training steps on rows in memory, with the samples of one epoch's steps and the sum of their weights."""

    X: np.ndarray
    Y: np.ndarray
    weights: np.ndarray | None
    orders: np.ndarray | None  # (epochs, n), as `Engine.train` has it
    batch_size: int
    first: int
    last: int
    samples: int
    weight: float

    def steps(self, first: int, last: int) -> Part:
        """The steps from `first` to before `last`, all of one epoch."""
        begin, end = (min(step * self.batch_size, len(self.X)) for step in (first, last))
        weight = float(end - begin)
        if self.weights is not None:
            rows = slice(begin, end) if self.orders is None else self.orders[0, begin:end]
            weight = float(self.weights[rows].sum(dtype=np.float64))
        return self._replace(first=first, last=last, samples=end - begin, weight=weight)


def part(rows: Arrays, order: np.ndarray | None, batch_size: int, last: int) -> Part:
    """The first steps on these rows."""
    return Part(*rows, None if order is None else order[None], batch_size, 0, last, 0, 0.0).steps(0, last)


# ------------------------------------------------------------------------------------------------- in memory


class Rows:
    """All samples in memory.

    Parameters
    ----------
    X, Y, weights : ndarray of shape (n, I), (n, O) or (n, 1), and (n,) or None
        Checked.
    batch_size : int
        B; the last batch of an epoch may be smaller.
    generator : numpy.random.Generator or None
        Of the order of the rows, another one in every epoch; None leaves them as they stand.
    """

    ended = False

    def __init__(
        self, X: np.ndarray, Y: np.ndarray, weights: np.ndarray | None, batch_size: int,
        generator: np.random.Generator | None,
    ) -> None:  # fmt: skip
        self.batch_size, self.steps = batch_size, -(-len(X) // batch_size)
        self._all = part((X, Y, weights), None, batch_size, self.steps)
        self._generator = generator if self.steps > 1 else None  # of a single batch the order does not matter
        self._in_place = np.arange(len(X), dtype=np.intp)
        self._orders = np.empty((0, len(X)), np.intp)

    def epochs_at_once(self, steps: int, numbers: int) -> int:
        """How many epochs make so many steps, with so many numbers in their orders; at least one."""
        return max(1, min(steps // self.steps, numbers // len(self._in_place)))

    def skip(self, epochs: int) -> None:
        """Draw the orders of so many epochs for nothing."""
        for _ in range(epochs):
            self.parts(1)

    def parts(self, epochs: int) -> list[Part]:
        """The steps of the next epochs, in one part."""
        steps = self._all._replace(last=epochs * self.steps)
        if self._generator is None:
            return [steps]
        if len(self._orders) < epochs:
            self._orders = np.empty((epochs, len(self._in_place)), np.intp)
        for order in self._orders[:epochs]:
            order[:] = self._in_place  # so that an epoch's order depends on the generator alone
            self._generator.shuffle(order)
        return [steps._replace(orders=self._orders)]

    def form(self) -> dict[str, Any]:
        """What is the same in every fit on data like these."""
        return {"data": "arrays", "samples": len(self._in_place), "batch_size": self.batch_size,
                "shuffle": _kind(self._generator)}  # fmt: skip

    def state(self) -> dict[str, Any]:
        """Where the next epoch begins, for `restore`."""
        return {"generator": None if self._generator is None else seeds.state(self._generator)}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken."""
        if self._generator is not None:
            seeds.restore(self._generator, state["generator"])

    def again(self, epoch: int) -> list[Part]:
        """Of the epochs that `parts` gave last, one once more."""
        orders = None if self._generator is None else self._orders[epoch : epoch + 1]
        return [self._all._replace(orders=orders)]


# ---------------------------------------------------------------------------------------------------- blocks


class Block(NamedTuple):
    """Rows as they were read, and where they come from."""

    x: Any
    y: Any
    weights: Any
    row: Callable[[int], int]  # from a row of the block to its number in all the data
    order: np.ndarray | None = None


class Blocks:
    """Samples in a file or an array, to be read block by block; for `fit`, `evaluate` and `predict`.

    `fit` and the others make one by themselves from a file of more than 256 MiB, `np.memmap` or what
    ``np.load(mmap_mode="r")`` gives, and from an array of which they would need so large a copy.

    Parameters
    ----------
    x : array of shape (n, I)
        `np.memmap`, ndarray, a sparse matrix, or anything that has a `shape` and gives arrays for slices, as HDF5
        data sets do. Of any real dtype; a block at a time is converted.
    y : array of shape (n,), (n, 1) or (n, O), optional
        Of the same kinds, or a list. Beside an x in memory it is read once as a whole.
    sample_weight : array of shape (n,), optional
        The same.
    rows : int, optional
        Rows of a block. Default: as many as make 32 MiB in float64.

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit.
    """

    def __init__(self, x: Any, y: Any = None, sample_weight: Any = None, rows: int | None = None) -> None:
        self.x, self.y, self.weights = (_sliceable(array) for array in (x, y, sample_weight))
        if len(self.x.shape) != 2:
            raise ValueError(f"X: expected 2-D (samples, features), got {self.x.shape}")
        for name, array in (("y", self.y), ("sample_weight", self.weights)):
            if array is not None and not array.shape:
                raise ValueError(f"{name}: expected one value for each of {len(self)} samples, got {array!r:.40}")
            if array is not None and array.shape[:1] != self.x.shape[:1]:
                raise ValueError(f"X has {len(self)} samples and {name} has {array.shape[0]}; they must be equal")
        by_size = BLOCK_BYTES // (8 * max(1, self.x.shape[1]))
        self.rows = max(1, by_size) if rows is None else checks.whole("rows", rows, 1)
        # of an array in memory rows can be taken from anywhere
        self.scattered = _sliced_at_once(self.x) and not mapped(self.x)
        if self.scattered and y is not None and not _sliced_at_once(self.y):
            self.y = np.asarray(self.y[:])  # of what is read by slices they can't

    def __len__(self) -> int:
        return int(self.x.shape[0])

    def __repr__(self) -> str:
        return f"Blocks({len(self)} samples of {self.x.shape[1]} features, {self.rows} rows a block)"

    def with_weights(self, weights: np.ndarray | None) -> Blocks:
        """The same with other weights."""
        return Blocks(self.x, self.y, weights, self.rows)

    def split(self, kept: int) -> tuple[Blocks, Blocks]:
        """The first `kept` rows, and the others."""
        return self._part(0, kept), self._part(kept, len(self))

    def _part(self, first: int, last: int) -> Blocks:
        x, y, weights = (_span(array, first, last) for array in (self.x, self.y, self.weights))
        return Blocks(x, y, weights, self.rows)

    def _at(self, rows: Any) -> tuple[Any, Any, Any]:
        """x, y and weights of some rows."""
        x, y, weights = (None if array is None else array[rows] for array in (self.x, self.y, self.weights))
        return x, y, weights

    def first(self) -> tuple[Any, Any, Any]:
        """A row, its label and its weight."""
        return self._at(slice(1))

    def skip(self, epochs: int, generator: np.random.Generator) -> None:
        """Draw the orders of so many epochs for nothing."""
        for _ in range(epochs):
            for _ in self._places(generator):
                pass

    def blocks(self, generator: np.random.Generator | None = None) -> Iterator[Block]:
        """All blocks once; in a new order, and their rows too, if there is a generator."""
        for rows, order in self._places(generator):
            numbers = rows if isinstance(rows, np.ndarray) else range(rows.start, rows.stop)
            x, y, weights = self._at(rows)
            if checks.length(x) != len(numbers):  # the order, and a prediction, have so many rows
                raise ValueError(
                    f"X has {len(self)} samples, but gave {checks.length(x)} for the {len(numbers)} from row "
                    f"{numbers[0]} on; it must not change while it is read"
                )
            yield Block(x, y, weights, numbers.__getitem__, order)

    def _places(self, generator: np.random.Generator | None) -> Iterator[tuple[Any, np.ndarray | None]]:
        """Which rows a block has, and in which order they are to be taken."""
        n = len(self)
        if generator is None or not self.scattered:
            starts = np.arange(0, n, self.rows)
            if generator is not None:
                generator.shuffle(starts)
            for start in starts.tolist():
                rows = slice(start, min(start + self.rows, n))
                yield rows, None if generator is None else _shuffled(rows.stop - start, generator)
            return
        order = _shuffled(n, generator)
        for start in range(0, n, self.rows):
            yield order[start : start + self.rows], None


class _Span:
    """Some rows of what gives arrays for slices, read when they are asked for."""

    def __init__(self, array: Any, first: int, last: int) -> None:
        self._array, self._first, self.shape = array, first, (last - first, *array.shape[1:])

    def __getitem__(self, rows: slice) -> Any:
        start, stop, _ = rows.indices(self.shape[0])
        return self._array[self._first + start : self._first + stop]


def _span(array: Any, first: int, last: int) -> Any:
    """Rows of an array, none of which is read before its turn."""
    if array is None:
        return None
    return array[first:last] if _sliced_at_once(array) else _Span(array, first, last)


class Pieces:
    """Blocks that come from a list, an iterator, a function that makes one, or an object like PyTorch's DataLoader.

    Each is (x, y) or (x, y, sample_weight); for `predict` also x or (x,). What has a length and gives blocks by their
    numbers, and has no iterator of its own, is as good as a list.
    """

    def __init__(self, source: Any) -> None:
        self.source = source
        self.listed = isinstance(source, Sequence) or checks.counted(source)
        # an iterator goes by once; of everything else a new one can be had
        self.once = isinstance(source, Iterator)
        self._begun: Iterator[Any] | None = None

    def first(self) -> tuple[Any, Any, Any]:
        """The first block, which comes again when it is its turn."""
        if self.listed:
            return _unpacked(self.source[0] if len(self.source) else None)
        pieces = iter(self._fresh())
        piece = next(pieces, None)
        self._begun = _after(piece, pieces)
        return _unpacked(piece)

    def _fresh(self) -> Iterable[Any]:
        made = self.source() if callable(self.source) else self.source
        if not isinstance(made, Iterable):
            raise TypeError(f"{self.source!r} must give an iterator of blocks (x, y), got {made!r}")
        return made

    def skip(self, epochs: int, generator: np.random.Generator) -> None:
        """Nothing: what comes is not known."""

    def blocks(self, generator: np.random.Generator | None = None) -> Iterator[Block]:
        """All blocks once, those of a list in a new order, and the rows of each, if there is a generator."""
        if self.listed:  # by number: iterating would go on until there is an IndexError
            n = len(self.source)
            pieces: Iterable[Any] = map(self.source.__getitem__, range(n) if generator is None else
                                        _shuffled(n, generator).tolist())  # fmt: skip
        else:
            pieces, self._begun = self._begun or self._fresh(), None
        start = 0
        for piece in pieces:
            x, y, weights = _unpacked(piece)
            n = checks.length(x)
            order = None if generator is None else _shuffled(n, generator)
            yield Block(x, y, weights, range(start, start + n).__getitem__, order)
            start += n


def _after(piece: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield piece
    yield from rest


def _unpacked(piece: Any) -> tuple[Any, Any, Any]:
    if checks.is_array(piece):
        piece = (piece,)
    if not isinstance(piece, (tuple, list)) or len(piece) not in (1, 2, 3):
        came = "no block" if piece is None else type(piece).__name__
        if isinstance(piece, (tuple, list)):
            came += f" of {len(piece)}"
        raise ValueError(f"a block must be (x, y) or (x, y, sample_weight), got {came}")
    if getattr(piece[0], "ndim", None) == 1:
        raise ValueError(
            f"a block must have an X of (samples, features), got one of shape {tuple(piece[0].shape)}; if these are "
            "single samples, put many of them into each block, as a DataLoader does"
        )
    x, y, weights = (*piece, None, None)[:3]
    return x, y, weights


def _shuffled(n: int, generator: np.random.Generator) -> np.ndarray:
    order = np.arange(n, dtype=np.intp)
    generator.shuffle(order)
    return order


def _sliceable(array: Any) -> Any:
    """The array itself where slices of it are arrays; of a table, its values."""
    if hasattr(array, "tocsr"):
        return array.tocsr()
    ready = array is None or (hasattr(array, "shape") and not hasattr(array, "to_numpy"))
    return array if ready else np.asarray(array)


def _sliced_at_once(array: Any) -> bool:
    """Whether a slice of it is there without reading: of an array or a sparse matrix."""
    return isinstance(array, np.ndarray) or hasattr(array, "tocsr")


def mapped(array: np.ndarray) -> bool:
    """Whether the array is in a file."""
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    return isinstance(base, mmap.mmap)


def too_large(x: Any, dtype: np.dtype[Any]) -> bool:
    """Whether x is to be read in blocks: more than WHOLE_BYTES, and in a file or to be copied."""
    if not isinstance(x, np.ndarray) or x.ndim != 2 or x.dtype.kind not in "fiub":
        return False
    as_it_is = x.dtype == dtype and x.flags.carray
    return x.size * dtype.itemsize > WHOLE_BYTES and (mapped(x) or not as_it_is)


def is_stream(x: Any, y: Any = None) -> bool:
    """Whether x gives blocks, and is no array, table or list. What gives items by number has rows, where y is given."""
    if isinstance(x, Blocks):
        return True
    if isinstance(x, (Sequence, Mapping, AnySet)) or checks.is_array(x):
        return False
    return callable(x) or isinstance(x, Iterable) or (y is None and checks.counted(x))


def lists_blocks(value: Any) -> bool:
    """Whether value is a list of blocks, and can't be (x, y), as the x in it would not be 2-D."""
    return isinstance(value, (list, tuple)) and len(value) > 0 and all(
        isinstance(piece, (list, tuple)) and len(piece) in (2, 3) and getattr(piece[0], "ndim", 0) == 2
        for piece in value
    )  # fmt: skip


def source(x: Any, y: Any, sample_weight: Any) -> Blocks | Pieces:
    """Where the blocks come from that x gives, with their labels and weights."""
    if y is not None or sample_weight is not None:
        name = "y" if y is not None else "sample_weight"
        raise ValueError(f"x gives blocks, which hold labels and weights themselves: leave {name} out")
    return x if isinstance(x, Blocks) else Pieces(x)


# ------------------------------------------------------------------------------------------ blocks to batches


class Checked:
    """The blocks of a source in their order, each checked when its turn comes."""

    def __init__(self, source: Blocks | Pieces, check: Check) -> None:
        self.source, self._check = source, check

    def __iter__(self) -> Iterator[Arrays]:
        for block in self.source.blocks():
            yield checked(block, self._check)


def checked(block: Block, check: Check) -> Arrays:
    """X, Y and weights of a block; an error names the row that it has in all the data."""
    try:
        return check(block.x, block.y, block.weights)
    except (TypeError, ValueError) as error:
        text = re.sub(r"\brow (\d+)", lambda found: f"row {block.row(int(found[1]))}", str(error))
        raise (TypeError if isinstance(error, TypeError) else ValueError)(text) from None


class Stream:
    """Training steps on blocks.

    Parameters
    ----------
    source : Blocks or Pieces
    check : callable
        From (x, y, weights) as they were read to arrays for the kernels.
    batch_size : int or None
        None makes every block a batch.
    steps_per_epoch : int or None
        The next epoch goes on where one ends. None means all blocks once.
    generator : numpy.random.Generator or None
        Of the order of blocks and rows.

    Attributes
    ----------
    steps : int or None
        Of an epoch; None if that is not known.
    """

    def __init__(
        self, source: Blocks | Pieces, check: Check, batch_size: int | None, steps_per_epoch: int | None,
        generator: np.random.Generator | None,
    ) -> None:  # fmt: skip
        self.source, self._check, self._generator = source, check, generator
        self._batch = batch_size
        self.batch_size = batch_size or 1
        self.steps = self._steps_per_epoch = steps_per_epoch
        if steps_per_epoch is None and isinstance(source, Blocks):
            self.steps = -(-len(source) // self.batch_size)
        self.ended = False
        self._on = self._for_ever()
        self._rest: Part | None = None
        self._pass_begin = self._generator_state()
        self._pass_steps = 0  # that have been taken of the pass, where an epoch is no pass

    def epochs_at_once(self, steps: int, numbers: int) -> int:
        """One."""
        return 1

    def skip(self, epochs: int) -> None:
        """Draw the orders of so many epochs for nothing, where an epoch is a pass over known rows."""
        if self._steps_per_epoch is None and self._generator is not None:
            self.source.skip(epochs, self._generator)

    def form(self) -> dict[str, Any]:
        """What is the same in every fit on data like these."""
        samples = len(self.source) if isinstance(self.source, Blocks) else None
        return {"data": "blocks", "samples": samples, "batch_size": self._batch,
                "steps_per_epoch": self._steps_per_epoch, "shuffle": _kind(self._generator)}  # fmt: skip

    def _generator_state(self) -> dict[str, Any] | None:
        return None if self._generator is None else seeds.state(self._generator)

    def state(self) -> dict[str, Any]:
        """Where the next epoch begins, for `restore`: how the pass began, and how many of its steps are taken."""
        if self._steps_per_epoch is None:
            return {"generator": self._generator_state(), "steps": 0}
        return {"generator": self._pass_begin, "steps": self._pass_steps}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken. What has been trained on is read again, or taken from an iterator."""
        if self._generator is not None:
            seeds.restore(self._generator, state["generator"])
        for _ in self._take(state["steps"]):
            pass

    def parts(self, epochs: int) -> Iterator[Part]:
        """The steps of the next epoch; `ended` when the data has run out."""
        if self._steps_per_epoch is None:
            nothing = True
            for steps in self._pass():
                nothing = False
                yield steps
            if nothing:
                self.ended = True
                warnings.warn(
                    "the data gave no block in this epoch; the fit ends. Pass a function that makes a new iterator "
                    "whenever it is called",
                    stacklevel=6,
                )
        else:
            yield from self._take(self._steps_per_epoch)

    def _take(self, left: int) -> Iterator[Part]:
        """So many of the next steps."""
        while left:
            now = self._rest or next(self._on, None)
            if now is None:
                self.ended = True
                warnings.warn(
                    f"the data ran out {left} step{'s' * (left > 1)} before the end of an epoch of steps_per_epoch="
                    f"{self._steps_per_epoch}; the fit ends. Pass a function that makes a new iterator, or fewer "
                    "epochs or steps",
                    stacklevel=7,
                )
                return
            taken = min(left, now.last - now.first)
            self._rest = now.steps(now.first + taken, now.last) if taken < now.last - now.first else None
            self._pass_steps += taken
            yield now if self._rest is None else now.steps(now.first, now.first + taken)
            left -= taken

    def _for_ever(self) -> Iterator[Part]:
        """One pass after the other, while there is any."""
        some = True
        while some:
            some = False
            self._pass_begin, self._pass_steps = self._generator_state(), 0
            for steps in self._pass():
                some = True
                yield steps
            if isinstance(self.source, Pieces) and self.source.once:
                return

    def _pass(self) -> Iterator[Part]:
        """All blocks once, cut into batches."""
        size = self._batch
        carried: Arrays | None = None
        for block in self.source.blocks(self._generator):
            rows = checked(block, self._check)
            n = len(rows[0])
            if size is None:
                yield part(rows, None, n, 1)
                continue
            order = np.arange(n, dtype=np.intp) if block.order is None else block.order
            if carried is not None:
                here = size - len(carried[0])
                carried = _joined(carried, _taken(rows, order[:here]))
                order = order[here:]
                if len(carried[0]) < size:
                    continue
                yield part(carried, None, size, 1)
                carried = None
            steps = len(order) // size
            if steps:
                yield part(rows, order, size, steps)
            if steps * size < len(order):
                carried = _taken(rows, order[steps * size :])
        if carried is not None:
            assert size is not None
            yield part(carried, None, size, 1)


def _kind(generator: np.random.Generator | None) -> str | None:
    """The kind of a generator."""
    return None if generator is None else type(generator.bit_generator).__name__


def _taken(rows: Arrays, order: np.ndarray) -> Arrays:
    X, Y, weights = rows
    return X[order], Y[order], None if weights is None else weights[order]


def _joined(one: Arrays, other: Arrays) -> Arrays:
    """The rows of both; weights are 1 where only one has them."""
    weights = None
    if one[2] is not None or other[2] is not None:
        both = [np.ones(len(X), X.dtype) if w is None else w for X, _, w in (one, other)]
        weights = np.concatenate(both)
    if isinstance(one[0], SparseRows) != isinstance(other[0], SparseRows):
        raise TypeError("a batch has rows of a sparse block and of a dense one: make all blocks of one kind")
    X = one[0].followed_by(other[0]) if isinstance(one[0], SparseRows) else np.concatenate([one[0], other[0]])
    return X, np.concatenate([one[1], other[1]]), weights
