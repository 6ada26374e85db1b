"""Small data sets for the examples and tests: two toy problems and a reader of MNIST's file format.

`make_circles` and `make_moons` take scikit-learn's parameters and draw in the same order from the same
generator, so a program that changes only its import keeps its points.
"""

from __future__ import annotations

import gzip
import math
import os
import zlib
from pathlib import Path
from typing import BinaryIO, TypeAlias, cast

import numpy as np

from .checks import flag, real, whole

__all__ = ["load_fashion_mnist", "load_idx", "make_circles", "make_moons"]

RandomState: TypeAlias = int | np.random.Generator | np.random.RandomState | None
Split: TypeAlias = tuple[np.ndarray, np.ndarray]


def make_circles(
    n_samples: int | tuple[int, int] = 100,
    *,
    shuffle: bool = True,
    noise: float | None = None,
    random_state: RandomState = None,
    factor: float = 0.8,
) -> Split:
    """Points on two circles round the origin: class 0 at radius 1, class 1 at radius `factor`.

    Parameters
    ----------
    n_samples : int or (int, int), default=100
        Number of points in all (an odd one goes to the inner circle), or on the (outer, inner) circle.
    shuffle : bool, default=True
        Shuffle the samples; otherwise the outer circle comes first.
    noise : float, optional
        Standard deviation of the Gaussian noise added to both coordinates.
    random_state : int, numpy.random.Generator, numpy.random.RandomState or None, default=None
        Source of the shuffling and the noise. None draws a new one every time.
    factor : float, default=0.8
        Radius of the inner circle, in [0, 1).

    Returns
    -------
    X : ndarray of shape (n_samples, 2), float64
    y : ndarray of shape (n_samples,), int64
        0 on the outer circle, 1 on the inner one.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or lies outside its range.
    """
    outer, inner = _class_sizes(n_samples)
    factor = real("factor", factor, 0, 1, "[)")
    points = np.concatenate(
        [_arc(outer, 2 * np.pi, endpoint=False), factor * _arc(inner, 2 * np.pi, endpoint=False)]
    )
    return _shuffle_and_blur(points, outer, shuffle, noise, random_state)


def make_moons(
    n_samples: int | tuple[int, int] = 100,
    *,
    shuffle: bool = True,
    noise: float | None = None,
    random_state: RandomState = None,
) -> Split:
    """Two half circles of radius 1 that reach into each other.

    Class 0 is the upper half round (0, 0), class 1 the lower half round (1, 0.5).

    Parameters
    ----------
    n_samples : int or (int, int), default=100
        Number of points in all (an odd one goes to class 1), or in each of the two classes.
    shuffle : bool, default=True
        Shuffle the samples; otherwise class 0 comes first.
    noise : float, optional
        Standard deviation of the Gaussian noise added to both coordinates.
    random_state : int, numpy.random.Generator, numpy.random.RandomState or None, default=None
        Source of the shuffling and the noise. None draws a new one every time.

    Returns
    -------
    X : ndarray of shape (n_samples, 2), float64
    y : ndarray of shape (n_samples,), int64

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or lies outside its range.
    """
    upper, lower = _class_sizes(n_samples)
    points = np.concatenate([_arc(upper, np.pi), np.array([1.0, 0.5]) - _arc(lower, np.pi)])
    return _shuffle_and_blur(points, upper, shuffle, noise, random_state)


def _arc(n: int, angle: float, endpoint: bool = True) -> np.ndarray:
    """`n` points of the unit circle from angle 0 to `angle`: (n, 2)."""
    t = np.linspace(0, angle, n, endpoint=endpoint)
    return np.column_stack([np.cos(t), np.sin(t)])


def _shuffle_and_blur(
    points: np.ndarray, n_first: int, shuffle: bool, noise: float | None, random_state: RandomState
) -> Split:
    """Label the first `n_first` points 0 and the rest 1, shuffle both alike, then add noise."""
    scale = 0.0 if noise is None else real("noise", noise, 0, math.inf, "[)")
    shuffle = flag("shuffle", shuffle)
    rng = _generator(random_state)
    labels = (np.arange(len(points)) >= n_first).astype(np.int64)
    if shuffle:
        order = np.arange(len(points))
        rng.shuffle(order)
        points, labels = points[order], labels[order]
    if noise is not None:
        points = points + rng.normal(scale=scale, size=points.shape)
    return points, labels


def _class_sizes(n_samples: int | tuple[int, int]) -> tuple[int, int]:
    """The sizes of the two classes; an odd sample goes to the second."""
    if not isinstance(n_samples, tuple):
        n = whole("n_samples", n_samples, 1)
        return n // 2, n - n // 2
    if len(n_samples) != 2:
        raise ValueError(f"n_samples must be a whole number or a pair of them, got {n_samples!r}")
    first, second = (whole("n_samples", size, 0) for size in n_samples)
    if first + second == 0:
        raise ValueError(f"n_samples must be 1 or more in all, got {n_samples!r}")
    return first, second


def _generator(random_state: RandomState) -> np.random.Generator | np.random.RandomState:
    if isinstance(random_state, np.random.Generator | np.random.RandomState):
        return random_state
    seed = None if random_state is None else whole("random_state", random_state, 0)
    if seed is not None and seed >= 2**32:
        raise ValueError(f"random_state must be below 2**32, got {seed}")
    # RandomState and not default_rng: its stream is frozen, and scikit-learn's points come from it.
    return np.random.RandomState(seed)


# --- IDX: the format of MNIST and Fashion-MNIST -------------------------------------------------------
# Two zero bytes, a type code, the number of dimensions n; n sizes as big-endian uint32; then the values,
# big-endian, in C order. Source: the description of the format on the MNIST page of LeCun, Cortes, Burges.

_IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_GZIP_MAGIC = b"\x1f\x8b"
# Deflate spends at least 2 bits on a match of at most 258 bytes, so no stream grows more than 1032-fold
# (zlib's technical notes). It bounds what a declared size may make us allocate.
_DEFLATE_LIMIT = 1032
_CHUNK = 1 << 20


def load_idx(path: str | os.PathLike[str]) -> np.ndarray:
    """Read one IDX file, plain or compressed by gzip (told by its first bytes, not by its name).

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    ndarray
        C-contiguous, in native byte order, of the shape and type that the header declares.

    Raises
    ------
    OSError
        If the file cannot be opened or read.
    ValueError
        If it is not an IDX file, or if its size is not what the header declares. The message names the
        path. The declared size is compared with the file's before anything of that size is allocated.
    """
    path = Path(path)
    size = path.stat().st_size
    with open(path, "rb") as file:
        compressed = file.read(2) == _GZIP_MAGIC
        file.seek(0)
        if not compressed:
            return _read_idx(file, path, size, exact=True)
        try:
            with gzip.open(file) as stream:
                return _read_idx(cast(BinaryIO, stream), path, size * _DEFLATE_LIMIT, exact=False)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(f"{path}: damaged gzip file ({error}); fetch it again") from error


def _read_idx(stream: BinaryIO, path: Path, available: int, exact: bool) -> np.ndarray:
    """The array in `stream`, which holds `available` bytes: just so many if `exact`, else at most."""
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise ValueError(f"{path}: not an IDX file, it starts with {magic!r} where two zero bytes must stand")
    code, n_dimensions = magic[2], magic[3]
    if code not in _IDX_TYPES:
        known = ", ".join(f"0x{known:02x}" for known in _IDX_TYPES)
        raise ValueError(f"{path}: unknown IDX type 0x{code:02x}, expected one of {known}")
    if not 1 <= n_dimensions <= 32:  # NumPy 1 has 32, NumPy 2 has 64
        raise ValueError(f"{path}: the IDX header declares {n_dimensions} dimensions, expected 1 to 32")
    header = stream.read(4 * n_dimensions)
    if len(header) < 4 * n_dimensions:
        raise ValueError(f"{path}: the file ends inside its IDX header of {n_dimensions} dimensions")

    shape = tuple(int(length) for length in np.frombuffer(header, dtype=">u4"))
    dtype = np.dtype(_IDX_TYPES[code])
    declared = math.prod(shape) * dtype.itemsize  # Python integers: no overflow
    held = available - 4 - len(header)
    if declared > held or (exact and declared != held):
        bound = f"holds {held}" if exact else f"can hold at most {held}"
        raise ValueError(
            f"{path}: the header declares {shape}, {declared} bytes of data, but the file {bound}"
        )

    data = np.empty(declared, dtype=np.uint8)
    filled = 0
    while filled < declared:
        # By pieces: pages that a lying header asks for are never touched.
        count = stream.readinto(data[filled : filled + _CHUNK])  # type: ignore[attr-defined]
        if not count:
            raise ValueError(
                f"{path}: the header declares {declared} bytes of data, but only {filled} follow"
            )
        filled += count
    # Reading on to the end also makes gzip compare its checksum.
    if stream.read(1):
        raise ValueError(f"{path}: the header declares {declared} bytes of data, but more follow")
    values = data.view(dtype).reshape(shape)
    return values.astype(dtype.newbyteorder("="), copy=False)


def load_fashion_mnist(folder: str | os.PathLike[str]) -> tuple[Split, Split]:
    """Fashion-MNIST, or MNIST, from the four IDX files of its authors.

    Parameters
    ----------
    folder : str or path-like
        Holds ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte``, ``t10k-images-idx3-ubyte`` and
        ``t10k-labels-idx1-ubyte``, each as it is or with ``.gz``.

    Returns
    -------
    (X_train, y_train), (X_test, y_test)
        Images (n, 28, 28) and labels (n,), all uint8, as Keras's loader gives them.

    Raises
    ------
    FileNotFoundError
        If one of the four files is missing.
    ValueError
        If a file is malformed, or the images and labels of a set do not belong together.
    """
    return _load_set(Path(folder), "train"), _load_set(Path(folder), "t10k")


def _load_set(folder: Path, name: str) -> Split:
    images_path = _plain_or_gz(folder / f"{name}-images-idx3-ubyte")
    labels_path = _plain_or_gz(folder / f"{name}-labels-idx1-ubyte")
    images, labels = load_idx(images_path), load_idx(labels_path)
    if images.ndim != 3 or labels.ndim != 1 or len(images) != len(labels):
        raise ValueError(
            f"{images_path} and {labels_path} do not belong together: "
            f"shapes {images.shape} and {labels.shape}, expected (n, height, width) and (n,)"
        )
    return images, labels


def _plain_or_gz(path: Path) -> Path:
    compressed = path.with_name(path.name + ".gz")
    for candidate in (path, compressed):
        if candidate.is_file():
            return candidate
    raise FileNotFoundError(f"neither {path} nor {compressed} exists")
