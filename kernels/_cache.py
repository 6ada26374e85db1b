"""Compiled kernels on disk.

Numba's own cache (``cache=True``) loads a damaged file as code that computes wrong numbers, runs old code after an
edit in another file, and hands its errors to the user.  So the files here are ours: one for every function, signature
and processor, in a folder that belongs to the user and is named by all that the code depends on.  What a file holds is
a pickle: it is opened only if nobody else can have written it, and loaded only if its checksum is right.  Whatever
goes wrong, the kernel is compiled instead; if that can't be kept for the next process, one warning says so.
"""

from __future__ import annotations

import functools
import hashlib
import os
import pickle
import platform
import re
import shutil
import stat
import sys
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import llvmlite
import numba
import numpy as np
from numba.core.caching import _Cache
from numba.core.compiler import CompileResult
from numba.core.runtime import rtsys
from numba.core.serialize import dumps

FORMAT = b"fcnet kernel 1\n"
SUFFIX = ".kernel"
_CHECKSUM_BYTES = 32
_FOLDER_NAME = re.compile(r"kernels-.*numba[^-]+-[0-9a-f]{16}")
_DAY = 86400
KEPT_DAYS = 30
"""Folders of other versions are deleted when no process has used them for so many days."""

# what changes the code that Numba makes of the same source
_COMPILER_OPTIONS = "OPT", "BOUNDSCHECK", "DEBUGINFO_DEFAULT", "LOOP_VECTORIZE", "SLP_VECTORIZE", "DISABLE_INTEL_SVML"


# ------------------------------------------------------------------------------------------------
# The folder
# ------------------------------------------------------------------------------------------------

def _fingerprint() -> str:
    """Of every kernel source, the versions and the compiler's options: an edited callee must not run as old code."""
    digest = hashlib.sha256()
    sources = sorted(Path(__file__).parent.glob("*.py"))
    if not sources:  # as in a zip file
        raise FileNotFoundError("the sources of the kernels are not on the disk")
    for path in sources:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    options = [str(getattr(numba.config, name, None)) for name in _COMPILER_OPTIONS]
    digest.update(repr((sys.version_info[:2], getattr(sys, "abiflags", ""), platform.machine(), numba.__version__,
                        llvmlite.__version__, np.__version__, options)).encode())
    return digest.hexdigest()[:16]


def root() -> Path:
    """The folder above those of all versions.

    Raises
    ------
    RuntimeError
        If the user has no home folder.
    """
    if os.environ.get("FCNET_CACHE_DIR"):
        return Path(os.environ["FCNET_CACHE_DIR"]).absolute()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "fcnet"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "fcnet"
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".cache") / "fcnet"


def _only_ours(state: os.stat_result) -> bool:
    """Whether nobody but the user and root can have written it."""
    if os.name != "posix":
        return True
    return state.st_uid in (os.geteuid(), 0) and not state.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _open_folder() -> Path:
    """The folder of this version, private to the user."""
    folder = root() / f"kernels-{sys.implementation.cache_tag}-numba{numba.__version__}-{_fingerprint()}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    state = folder.stat()
    if not _only_ours(state):
        raise PermissionError(f"{folder} can be written by other users")
    for above in folder.parents:  # a sticky bit, as of /tmp, keeps others from replacing what is not theirs
        if os.name == "posix" and above.stat().st_mode & (stat.S_IWOTH | stat.S_ISVTX) == stat.S_IWOTH:
            raise PermissionError(f"{above} can be written by all users")
    if time.time() - state.st_mtime > _DAY:
        with suppress(OSError):
            os.utime(folder)  # in use: see `sweep`
    return folder


@functools.cache
def _opened() -> Path | OSError | RuntimeError:
    """The folder, or why there is none; once in a process."""
    try:
        return _open_folder()
    except (OSError, RuntimeError) as error:
        return error


def folder() -> Path | None:
    """Where this process looks for compiled kernels; None if there can be no such folder."""
    found = _opened()
    return found if isinstance(found, Path) else None


def _folders() -> Iterator[Path]:
    """The folders of all versions."""
    for path in root().glob("kernels-*"):
        if _FOLDER_NAME.fullmatch(path.name) and path.is_dir() and not path.is_symlink():
            yield path


def sizes(folder: Path) -> list[int]:
    """Of the files in a folder that may have been cleared, and in which other processes delete and rename."""
    found = []
    for path in folder.glob("*"):
        with suppress(FileNotFoundError):
            found.append(path.stat().st_size)
    return found


def sweep(kept_days: float = KEPT_DAYS) -> None:
    """Delete the folders of other versions that were not used for so long, and files that were never finished."""
    own, now = folder(), time.time()
    with suppress(OSError, RuntimeError):
        for path in _folders():
            if path != own and now - path.stat().st_mtime > kept_days * _DAY:
                shutil.rmtree(path, ignore_errors=True)
    for path in own.glob("*.tmp") if own else ():
        with suppress(OSError):
            if now - path.stat().st_mtime > _DAY:
                path.unlink()


def clear() -> int:
    """Delete the compiled kernels of all versions from the disk; how many bytes that were."""
    size = 0
    with suppress(RuntimeError):
        for path in _folders():
            size += sum(sizes(path))
            while path.exists():
                with suppress(FileNotFoundError):  # another process was faster with a file
                    shutil.rmtree(path)
    return size


# ------------------------------------------------------------------------------------------------
# The files
# ------------------------------------------------------------------------------------------------

def _checksum(name: str, payload: Any) -> bytes:
    """Of a file's name and content: one that is renamed holds another kernel's code."""
    digest = hashlib.blake2b(name.encode() + b"\0", digest_size=_CHECKSUM_BYTES)
    digest.update(payload)
    return digest.digest()


def read(path: Path) -> memoryview | None:
    """The content of a file; None if it is damaged or others may have written it.

    Raises
    ------
    OSError
        If it is not there or can't be read.
    """
    with open(path, "rb") as file:
        if not _only_ours(os.fstat(file.fileno())):
            return None
        content = memoryview(file.read())
    head, payload = bytes(content[:len(FORMAT) + _CHECKSUM_BYTES]), content[len(FORMAT) + _CHECKSUM_BYTES:]
    return payload if head == FORMAT + _checksum(path.name, payload) else None


def write(path: Path, payload: bytes) -> None:
    """A file that is there as a whole or not at all, whoever else writes it.

    Raises
    ------
    OSError
        If that can't be; nothing is left then.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # someone may have cleared the cache
    temporary = path.with_name(f"{uuid.uuid4().hex}.tmp")
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600),
                  "wb") as file:
            file.write(FORMAT + _checksum(path.name, payload))
            file.write(payload)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


_failure: str | None = None
_swept = False


def _give_up(reason: Exception) -> None:
    """Keep no kernels any more in this process, and say so."""
    global _failure
    _failure = str(reason)
    warnings.warn(f"fcnet compiles its kernels anew in every process: they can't be kept ({reason}); set "
                  "FCNET_CACHE_DIR to a folder that only you can write to", RuntimeWarning, stacklevel=2)


def problem() -> str | None:
    """Why kernels that are compiled now are not kept; None if they are."""
    found = _opened()
    return str(found) if isinstance(found, Exception) else _failure


class KernelCache(_Cache):
    """What Numba asks for compiled forms of a function, and gives them to."""

    def __init__(self, function: Callable) -> None:
        if function.__closure__:
            raise ValueError(f"{function.__qualname__} depends on more than its source: it can't be cached")
        self._name = f"{function.__module__}.{function.__qualname__}-{function.__code__.co_firstlineno}"

    def _path(self, folder: Path, signature: Any, codegen: Any) -> Path:
        form = hashlib.sha256(repr((str(signature), codegen.magic_tuple())).encode()).hexdigest()[:24]
        return folder / f"{self._name}-{form}{SUFFIX}"

    def load_overload(self, signature: Any, target_context: Any) -> CompileResult | None:
        """The compiled form; None if it has to be compiled."""
        there = folder()
        if there is None:
            return None
        try:
            payload = read(self._path(there, signature, target_context.codegen()))
            if payload is None:
                return None
            # Numba's cache would get ready to compile here, and import half of itself, and SciPy: 0.4 s
            rtsys.initialize(target_context)
            return CompileResult._rebuild(target_context, *pickle.loads(payload))
        except Exception:  # whatever is wrong with it, what is compiled now takes its place
            return None

    def save_overload(self, signature: Any, result: CompileResult) -> None:
        """Keep a compiled form for the next process."""
        global _swept
        if _failure is not None or result.lifted or result.library.has_dynamic_globals:
            return
        found = _opened()
        if isinstance(found, Exception):
            _give_up(found)
            return
        try:
            write(self._path(found, signature, result.codegen), dumps(result._reduce()))
        except Exception as error:
            _give_up(error)
            return
        if not _swept:
            _swept = True
            sweep()

    @property
    def cache_path(self) -> str | None:
        there = folder()
        return None if there is None else str(there)

    def enable(self) -> None:
        """Always."""

    def disable(self) -> None:
        """Never."""

    def flush(self) -> None:
        """See `clear`."""
