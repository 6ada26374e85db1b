"""Model files: written whole or not at all, and read without trusting a byte.

The format is that of safetensors (https://github.com/huggingface/safetensors), so that other programs can read it::

    8 bytes      length of the header, little endian
    header       JSON: dtype, shape and place of every array; texts under "__metadata__"
    arrays       one after the other, in rows, little endian

The first of the texts is the checksum, at the same place in every file: the SHA-256 of the file with zeros in its
place. Then come fcnet's version, the number of the format, and the contents, which are JSON. docs/files.md tells more.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import math
import os
import re
import secrets
import stat
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, TypeAlias

import numpy as np

from ._version import __version__

try:
    import fcntl
except ImportError:  # Windows, where a file that is open can't be removed
    fcntl = None  # type: ignore[assignment]

Path: TypeAlias = str | os.PathLike[str]

FORMAT = 1
DTYPES = {"F64": "<f8", "I64": "<i8", "F32": "<f4", "I32": "<i4"}
HEADER_BYTES = 100_000_000
"""The longest header, as in safetensors."""
_BEGIN = b'{"__metadata__":{"checksum":"'
_ZEROS = b"0" * 64
_PIECE = 1 << 20
_TEMPORARY = re.compile(r"\.fcnet-[0-9a-f]{16}\.tmp")


class ModelFileError(ValueError):
    """A file that is no model file, is damaged, or does not fit.

    Attributes
    ----------
    path, reason : str
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(os.fspath(path), reason)
        self.path, self.reason = os.fspath(path), reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


# ------------------------------------------------------------------------------------------------- writing


def write(path: Path, contents: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Write a file in the place of the one that may be there, which stays until the new one is complete.

    Raises
    ------
    OSError
        If the file can't be written; it names the path, and what was there before is there still.
    """
    ordered = dict(sorted(arrays.items(), key=lambda item: -item[1].itemsize))  # so that all are aligned
    plain = {name: np.ascontiguousarray(array, array.dtype.newbyteorder("<")) for name, array in ordered.items()}
    header = _header(contents, {name: plain[name].reshape(array.shape) for name, array in ordered.items()})
    digest = hashlib.sha256(header)
    with replacing(path) as file:
        file.write(header)
        for array in plain.values():
            data = array.reshape(-1).view(np.uint8)
            for start in range(0, data.size, _PIECE):
                piece = data[start : start + _PIECE].tobytes()  # what is written is what was summed, come what may
                digest.update(piece)
                file.write(piece)
        file.seek(8 + len(_BEGIN))
        file.write(digest.hexdigest().encode())


def _header(contents: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> bytes:
    """The beginning of the file, with zeros for the checksum."""
    names = {dtype: name for name, dtype in DTYPES.items()}
    metadata = {
        "checksum": _ZEROS.decode(), "fcnet": __version__, "format": str(FORMAT), "contents": _json(contents)
    }  # fmt: skip
    entries, start = {"__metadata__": metadata}, 0
    for name, array in arrays.items():
        end = start + array.nbytes
        kind = names[array.dtype.newbyteorder("<").str]
        entries[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [start, end]}  # type: ignore
        start = end
    text = _json(entries).encode()
    text += b" " * (-len(text) % 8)
    if len(text) > HEADER_BYTES:
        raise ValueError(f"the description of the model takes {len(text):,} bytes, at most {HEADER_BYTES:,} fit")
    return len(text).to_bytes(8, "little") + text


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of `path` when the block has ended without an error, and is gone if not.

    It is a temporary one in the same folder until then. Those that dead processes have left there are removed.
    """
    try:
        target, folder = _target(path)
        mode = _mode(target)
        _sweep(folder)
        temporary, file = _temporary(folder)
        try:
            with file:
                yield file
                if mode is not None:
                    os.chmod(temporary, mode)
                file.flush()
                os.fsync(file.fileno())
                if fcntl is None:
                    file.close()
                os.replace(temporary, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
        _sync(folder)
    except OSError as error:
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error


def prepare(path: Path) -> None:
    """Make the folder of a file that is to be written, and refuse a path that can't be.

    Raises
    ------
    OSError
        It names the path.
    """
    try:
        target, folder = _target(path)
        os.makedirs(folder, exist_ok=True)
        _mode(target)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error


def _target(path: Path) -> tuple[str, str]:
    """The file that a path leads to, through symbolic links, and its folder; refuses a path that ends in a slash."""
    if not os.path.basename(path):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    target = os.path.realpath(path)
    return target, os.path.dirname(target)


def _mode(target: str) -> int | None:
    """The permissions of the file that is there; refuses what is none, or may not be written."""
    try:
        mode = os.stat(target).st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "not a regular file")
    if not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return stat.S_IMODE(mode)


def _temporary(folder: str) -> tuple[str, BinaryIO]:
    """A new file, locked for as long as it is open: that says that its writer lives."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    while True:
        name = os.path.join(folder, f".fcnet-{secrets.token_hex(8)}.tmp")
        file = os.fdopen(os.open(name, flags, 0o666), "wb")
        if fcntl is None:
            return name, file
        with contextlib.suppress(OSError):  # where there are no locks nobody sweeps
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(file.fileno()).st_nlink:
            return name, file
        file.close()  # swept by another process before it was locked


def _sweep(folder: str) -> None:
    """Remove temporary files whose writers are dead."""
    found = []
    with contextlib.suppress(PermissionError), os.scandir(folder) as entries:
        found = [entry.path for entry in entries if _TEMPORARY.fullmatch(entry.name)]
    for name in found:
        with contextlib.suppress(OSError):
            if fcntl is None:
                os.unlink(name)
                continue
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(name)
            finally:
                os.close(descriptor)


def _sync(folder: str) -> None:
    """Bring the names in a folder to the disk, where that can be done."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except PermissionError:  # a folder that may be written and not read
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


# ------------------------------------------------------------------------------------------------- reading


def read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Contents and arrays of a file, in the order in which they lie there.

    Nothing is allocated beyond what the file's size, as the system tells it, can hold; nothing of it is run.

    Raises
    ------
    OSError
        If the file can't be read.
    ModelFileError
        If it is not a whole file of fcnet's, of a format that this version knows.
    """
    header, data = _checked_bytes(path)
    entries = _parsed(path, header, "header")
    metadata = entries.pop("__metadata__", None)
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise ModelFileError(path, "the metadata in its header are no texts")
    _known_format(path, metadata)
    contents = _parsed(path, metadata.get("contents", ""), "contents")
    return contents, _arrays(path, entries, data)


def _checked_bytes(path: Path) -> tuple[bytes, bytearray]:
    """Header and data, once the checksum has been found right."""
    if not stat.S_ISREG(os.stat(path).st_mode) and not os.path.isdir(path):
        raise ModelFileError(path, "it is not a regular file")
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if not size:
            raise ModelFileError(path, "it is empty")
        first = file.read(8)
        length = int.from_bytes(first, "little")
        if size < 8 + len(_BEGIN) + len(_ZEROS) or length > size - 8:
            raise ModelFileError(path, f"it is no file of fcnet's, or cut off ({size:,} bytes)")
        if length > HEADER_BYTES:
            raise ModelFileError(path, f"its header has {length:,} bytes, at most {HEADER_BYTES:,} are read")
        header, data = file.read(length), bytearray(size - 8 - length)
        if len(header) != length or file.readinto(data) != len(data) or file.read(1):
            raise ModelFileError(path, "it was changed while it was read")
    begin, end = len(_BEGIN), len(_BEGIN) + len(_ZEROS)
    if not header.startswith(_BEGIN):
        raise ModelFileError(path, "it is no file of fcnet's: it does not begin with the checksum of one")
    digest = hashlib.sha256(first)
    for part in (header[:begin], _ZEROS, header[end:], data):
        digest.update(part)
    if header[begin:end] != digest.hexdigest().encode():
        raise ModelFileError(path, "it is damaged: its checksum is not that of its bytes")
    return header, data


def _parsed(path: Path, text: bytes | str, what: str) -> dict[str, Any]:
    """A JSON object without names that stand twice."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in pairs:
            if name in found:
                raise ModelFileError(path, f"its {what} has {name!r} twice")
            found[name] = value
        return found

    try:
        found = json.loads(text.decode() if isinstance(text, bytes) else text, object_pairs_hook=unique)
    except ModelFileError:
        raise
    except (ValueError, RecursionError) as error:
        raise ModelFileError(path, f"its {what} is no JSON that can be read: {error}") from None
    if not isinstance(found, dict):
        raise ModelFileError(path, f"its {what} is no JSON object")
    return found


def _known_format(path: Path, metadata: dict[str, str]) -> None:
    """Refuse a format of later versions."""
    number = metadata.get("format", "")
    if not re.fullmatch(r"[1-9][0-9]{0,8}", number):
        raise ModelFileError(path, f"its format is {number[:20]!r}, and not a number")
    if int(number) > FORMAT:
        raise ModelFileError(
            path,
            f"it was written by fcnet {metadata.get('fcnet', '')[:40]} in format {number}; this is fcnet "
            f"{__version__}, which knows formats up to {FORMAT}: use a newer version",
        )


def _arrays(path: Path, entries: dict[str, Any], data: bytearray) -> dict[str, np.ndarray]:
    """The arrays that the header lists, views of the data, which they must fill without gaps."""
    places = {name: _place(path, name, entry) for name, entry in entries.items()}
    found, start = {}, 0
    for name, (dtype, shape, (begin, end)) in sorted(places.items(), key=lambda item: item[1][2]):
        if begin != start or end - begin != math.prod(shape) * np.dtype(dtype).itemsize or end > len(data):
            raise ModelFileError(
                path, f"array {name!r} of shape {shape} is said to be bytes {begin} to {end} of {len(data)}"
            )
        found[name] = np.ndarray(shape, dtype, data, begin)
        start = end
    if start != len(data):
        raise ModelFileError(path, f"it has {len(data) - start:,} bytes that belong to no array")
    return found


def _place(path: Path, name: str, entry: Any) -> tuple[str, tuple[int, ...], tuple[int, int]]:
    """dtype, shape and place of an array, as the header tells them."""

    def numbers(value: Any, most: int) -> bool:
        return isinstance(value, list) and len(value) <= most and all(type(n) is int and 0 <= n < 2**63 for n in value)

    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise ModelFileError(path, f"its header does not say where array {name!r} lies")
    dtype, place = entry["dtype"], entry["data_offsets"]
    if not numbers(entry["shape"], 8) or not numbers(place, 2) or len(place) != 2:
        raise ModelFileError(path, f"its header does not say where array {name!r} lies")
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise ModelFileError(path, f"the dtype of array {name!r} is none of {', '.join(DTYPES)}")
    shape, (begin, end) = tuple(entry["shape"]), place
    if 0 in shape and shape != (0,):
        raise ModelFileError(path, f"array {name!r} is empty, of shape {shape}")
    return DTYPES[dtype], shape, (begin, end)


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Errors that come from what a file says, as ModelFileError."""
    try:
        yield
    except ModelFileError:
        raise
    except KeyError as error:
        raise ModelFileError(path, f"it lacks {error}") from error
    except (TypeError, ValueError) as error:
        raise ModelFileError(path, str(error)) from error
    except (AttributeError, IndexError, ArithmeticError, RuntimeError) as error:
        raise ModelFileError(path, f"its contents are not what they must be: {error}") from error
