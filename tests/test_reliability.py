"""docs/reliability.md: every promise in it names tests, and the tests exist."""

import ast
import re
from functools import cache
from pathlib import Path

TESTS = Path(__file__).resolve().parent
PAGE = (TESTS.parent / "docs" / "reliability.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`([\w/]+\.py)(?:::(\w+))?(?:\[([^\]`]+)\])?`")


def promises():
    """(promise or fault and answer, what shows it) of every row of a table."""
    rows = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if line.startswith("| ")]
    return [row for row in rows if row[0] not in ("promise", "fault")]


@cache
def functions(path):
    """The functions and classes of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def test_every_promise_names_tests_that_exist():
    rows = promises()
    assert len(rows) > 100
    for promise, *answer, shown in rows:
        named = NAMED.findall(shown)
        assert named and shown.count(".py") == len(named) and len(answer) < 2, f"{promise!r}: no test is named"
        for file, function, case in named:
            path = TESTS / file
            assert path.is_file(), f"{promise!r}: no file {file}"
            assert not function or function in functions(path), f"{promise!r}: no {function} in {file}"
            assert f'"{case or function}' in path.read_text(encoding="utf-8") or not case, f"{promise!r}: no {case!r}"
