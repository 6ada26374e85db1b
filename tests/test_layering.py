"""Imports go one way, and the compiler's options are named in one module."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
KERNELS = sorted((ROOT / "kernels").glob("*.py"))
MODULES = sorted((ROOT / "fcnet").glob("*.py"))

# A module of fcnet imports only what stands above it here, and the kernels.
ORDER = (
    "_requirements", "_version", "_runtime", "configuration", "sparse", "checks", "seeds", "data", "intake", "layout",
    "initializers", "regularizers", "constraints", "activations", "losses", "metrics",
    "schedules", "optimizers", "inspection", "rules", "layers", "files", "descriptions", "datasets", "planning",
    "engine", "callbacks", "display", "training", "profiling", "range_test", "model", "sklearn", "ahead",
    "__init__", "__main__",
)  # fmt: skip

NJIT_OPTIONS = {
    "parallel", "fastmath", "cache", "nogil", "error_model", "boundscheck", "inline", "forceinline",
    "nopython", "forceobj", "looplift", "locals",
}  # fmt: skip
COMPILERS = {"njit", "jit", "vectorize", "guvectorize", "generated_jit", "stencil", "cfunc"}


def imports(path):
    """(level, module, names) of every import, also of those inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield 0, alias.name, []
        elif isinstance(node, ast.ImportFrom):
            yield node.level, node.module or "", [alias.name for alias in node.names]


def siblings(path):
    """The modules of its own package that a module imports."""
    for level, module, names in imports(path):
        if level == 1:
            yield from [module.split(".")[0]] if module else names


def test_every_module_has_its_place():
    assert {path.stem for path in MODULES} == set(ORDER), "a new module needs a place in ORDER"


@pytest.mark.parametrize("path", KERNELS, ids=lambda path: path.stem)
def test_kernels_know_nothing_of_fcnet(path):
    for level, module, _ in imports(path):
        assert level <= 1, f"{path.name} imports from outside kernels/"
        if level == 0:
            assert module.split(".")[0] not in ("fcnet", "kernels"), f"{path.name}: use relative imports"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_fcnet_imports_upward_only(path):
    for level, module, _ in imports(path):
        assert level <= 1
        if level == 0:
            assert module.split(".")[0] not in ("fcnet", "kernels"), f"{path.name}: use relative imports"
    above = ORDER[: ORDER.index(path.stem)]
    for sibling in siblings(path):
        assert sibling == "kernels" or sibling in above, f"{path.stem} must not import {sibling}"


@pytest.mark.parametrize("path", KERNELS, ids=lambda path: path.stem)
def test_only_jit_names_compiler_options(path):
    if path.stem == "_jit":
        return
    for level, module, names in imports(path):
        if level == 0 and module.split(".")[0] == "numba":
            assert not COMPILERS & set(names), f"{path.name}: take decorators from _jit"
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            called_on_numba = isinstance(node.value, ast.Name) and node.value.id in ("numba", "nb")
            assert not (called_on_numba and node.attr in COMPILERS), f"{path.name}: take decorators from _jit"
        if isinstance(node, ast.Call):
            named = {keyword.arg for keyword in node.keywords} & NJIT_OPTIONS
            assert not named, f"{path.name}, line {node.lineno}: {named} belong in _jit"


def test_model_is_importable_without_the_slow_modules(run_python):
    """tqdm, matplotlib and scikit-learn are imported when they are used."""
    run_python("""
        import sys, fcnet
        slow = {"tqdm", "matplotlib", "sklearn", "pandas", "torch", "jax"} & set(sys.modules)
        assert not slow, slow
    """)
