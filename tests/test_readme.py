"""The Python blocks of the README and of every page under docs/, page by page, in order, and of docstrings, run."""

import contextlib
import doctest
import importlib
import io
import re
from pathlib import Path

import pytest

import fcnet

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page):
    """(first line, code) of every Python block."""
    text = page.read_text(encoding="utf-8")
    return [(text.count("\n", 0, block.start(1)) + 1, block[1]) for block in BLOCK.finditer(text)]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_blocks(page):
    found = blocks(page)
    if page.name != "performance.md":
        assert found, f"{page.name} has no Python block"
    names = {"__name__": page.stem}
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            for line, code in found:
                # Blank lines in front, so that a traceback shows the line of the page.
                exec(compile("\n" * (line - 1) + code, str(page), "exec"), names)
    finally:
        fcnet.set_num_threads(None)


@pytest.mark.parametrize("name", ["activations", "kernels.threads", "layers", "metrics", "model", "schedules"])
def test_examples_of_docstrings(name):
    found = doctest.testmod(importlib.import_module(f"fcnet.{name}"))
    assert found.attempted and not found.failed


def test_links_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
            written_by_make_bench = target.endswith("RESULTS.md")
            assert "://" in target or written_by_make_bench or (page.parent / target).exists(), (page, target)


def test_the_readme_example_reaches_its_goal():
    names = {}
    _, code = blocks(ROOT / "README.md")[0]
    fcnet.set_seed(0)
    exec(compile(code, "README.md", "exec"), names)
    assert names["accuracy"] > 0.95
