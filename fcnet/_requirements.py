"""The NumPy and Numba that fcnet works with; imported before anything that needs them.

What is older than `OLDEST` is refused.  What is newer than `NEWEST` is tried: most releases break nothing, and a limit
would keep everyone from them; where the kernels can't be imported with one, the error names the versions.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

OLDEST = {"numpy": (1, 26), "numba": (0, 61)}
NEWEST = {"numpy": (2, 4), "numba": (0, 68)}
"""That the tests have been run with."""
_NAMES = {"numpy": "NumPy", "numba": "Numba"}


def _installed(package: str, module: Any) -> str:
    """The version of a package, from its module or, where that can't be imported, from its files."""
    found = getattr(module, "__version__", None)
    if found is None:
        from importlib.metadata import PackageNotFoundError, version

        try:
            found = version(package)
        except PackageNotFoundError:
            return f"{_NAMES[package]} is not installed"
    return f"{_NAMES[package]} {found} is installed"


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(digits) for digits in re.findall(r"\d+", version)[:2])


def check() -> None:
    """Refuse versions that are too old, two that do not work with each other, and a compiler that is switched off.

    Raises
    ------
    ImportError
        Names what is installed and what is needed.
    """
    modules: dict[str, Any] = dict.fromkeys(OLDEST)
    cause: Exception | None = None
    for package in OLDEST:
        try:
            modules[package] = import_module(package)
        except Exception as error:  # Numba refuses a NumPy that is too new for it, and fails in other ways with others
            cause = error
            break
    if cause is None and all(_number(modules[name].__version__) >= oldest for name, oldest in OLDEST.items()):
        if modules["numba"].config.DISABLE_JIT:
            raise ImportError("fcnet needs Numba's compiler, which NUMBA_DISABLE_JIT switches off: unset it")
        return
    needed = " and ".join(f"{_NAMES[name]} {'.'.join(map(str, oldest))}" for name, oldest in OLDEST.items())
    there = ", ".join(_installed(name, module) for name, module in modules.items())
    why = "" if cause is None else f" ({cause})"
    raise ImportError(f"fcnet needs {needed} or newer that work together; {there}{why}. "
                      "Try: pip install --upgrade numpy numba") from cause  # fmt: skip


@contextlib.contextmanager
def newer_are_named() -> Iterator[None]:
    """Around the import of what uses the inside of Numba.

    Raises
    ------
    ImportError
        Names what is installed and what was tested, if the import fails with a version newer than that.
    """
    try:
        yield
    except Exception as error:
        modules = {name: import_module(name) for name in NEWEST}
        if all(_number(modules[name].__version__) <= newest for name, newest in NEWEST.items()):
            raise
        tested = " and ".join(f"{_NAMES[name]} {'.'.join(map(str, newest))}" for name, newest in NEWEST.items())
        there = ", ".join(_installed(name, module) for name, module in modules.items())
        limits = " ".join(f"'{name}<{newest[0]}.{newest[1] + 1}'" for name, newest in NEWEST.items())
        raise ImportError(f"fcnet was tested up to {tested}, and what is newer here does not fit; {there} "
                          f"({error}). Try: pip install --upgrade fcnet, or {limits}") from error
