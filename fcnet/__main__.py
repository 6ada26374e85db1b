"""``python -m fcnet``: compile the kernels ahead, delete them, or show what fcnet runs on."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from . import ahead, checks, configuration
from .kernels import _cache


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m fcnet", description="Compile fcnet's kernels ahead, delete them, or show what it runs on."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    warm = commands.add_parser("warmup", help="compile every kernel, so that no later process has to")
    warm.add_argument("--dtype", nargs="+", choices=checks.DTYPES, default=checks.DTYPES, help="default: both")
    warm.add_argument("--quiet", action="store_true", help="no progress bar")
    commands.add_parser("clear-cache", help="delete the compiled kernels of all versions")
    commands.add_parser("config", help="show versions, threads, processor and cache")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit status."""
    given = _parser().parse_args(arguments)
    if given.command == "config":
        configuration.show_config()
        return 0
    try:
        if given.command == "clear-cache":
            print(f"{ahead.clear_cache() / 1e6:.1f} MB deleted from {_cache.root()}")
            return 0
        count = ahead.warm_up(given.dtype, progress=not given.quiet)
    except RuntimeError as error:
        print(f"fcnet: {error}", file=sys.stderr)
        return 1
    print(f"{count} kernels are in {_cache.folder()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
