"""The option of the other scripts."""

from pathlib import Path

import common


def pytest_addoption(parser):
    parser.addoption("--write", nargs="?", const=common.RESULTS, type=Path, metavar="FILE",
                     help="write the section Kernels of this file, RESULTS.md if none is named")
