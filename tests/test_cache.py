"""The compiled-code cache: whatever is wrong with it, the right number comes out, and at most one warning.

Most tests use a small function in place of a kernel; the last ones run the real ones in other processes.
"""

import os
import pickle
import re
import shutil
import stat
import subprocess
import sys
import textwrap
import time
import warnings
from pathlib import Path

import numba
import pytest
from fcnet.kernels import _cache, _jit, inference, steps

import fcnet
from fcnet import __main__, _requirements, ahead

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")


def next_number(x):
    return x + 1


def previous_number(x):
    return x - 1


def same_number(x):
    return x


def compute(function=next_number):
    """f(20) as a new process would compute it, and whether the code came from the cache."""
    dispatcher = numba.njit(function)
    dispatcher._cache = _cache.KernelCache(function)
    return dispatcher(20), bool(sum(dispatcher.stats.cache_hits.values()))


COMPILED, LOADED = (21, False), (21, True)


@pytest.fixture
def as_new(monkeypatch):
    """Forget what this process knows of its cache folder; called again, what it has learned since."""
    def forget(folder=None):
        if folder is not None:
            monkeypatch.setenv("FCNET_CACHE_DIR", str(folder))
        _cache._opened.cache_clear()
        monkeypatch.setattr(_cache, "_failure", None)
        monkeypatch.setattr(_cache, "_swept", False)
    yield forget
    monkeypatch.undo()
    _cache._opened.cache_clear()


@pytest.fixture
def root(tmp_path, as_new):
    """An empty cache."""
    as_new(tmp_path / "cache")
    return tmp_path / "cache"


def only_file():
    (path,) = _cache.folder().iterdir()
    return path


def one_warning(action):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = action()
    (warning,) = caught
    assert warning.category is RuntimeWarning
    assert "compiles its kernels anew" in str(warning.message) and "FCNET_CACHE_DIR" in str(warning.message)
    return result


def test_second_time_is_loaded(root):
    assert compute() == COMPILED
    assert compute() == LOADED
    assert compute(previous_number) == (19, False)
    assert len([*_cache.folder().iterdir()]) == 2
    if os.name == "posix":
        assert stat.S_IMODE(_cache.folder().stat().st_mode) == 0o700
        assert {stat.S_IMODE(path.stat().st_mode) for path in _cache.folder().iterdir()} == {0o600}


DAMAGE = {
    "empty": lambda content: b"",
    "truncated in the checksum": lambda content: content[:20],
    "truncated": lambda content: content[:len(content) // 2],
    "longer": lambda content: content + b"\0",
    "one bit of the code": lambda content: content[:-300] + bytes([content[-300] ^ 1]) + content[-299:],
    "another format": lambda content: content.replace(_cache.FORMAT, b"fcnet kernel 0\n"),
    "text": lambda content: b"<html>no space left</html>",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damaged_file_is_compiled_again_and_mended(root, damage):
    compute()
    path = only_file()
    path.write_bytes(damage(path.read_bytes()))
    assert compute() == COMPILED
    assert compute() == LOADED


def test_every_flipped_bit_is_seen(tmp_path):
    path = tmp_path / "kernel"
    _cache.write(path, b"machine code")
    good = path.read_bytes()
    assert _cache.read(path) == b"machine code"
    for bit in range(8 * len(good)):
        changed = bytearray(good)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        assert _cache.read(path) is None, bit


class Planted:
    """A pickle of it makes a folder when it is loaded."""

    def __init__(self, folder):
        self.folder = str(folder)

    def __reduce__(self):
        return os.mkdir, (self.folder,)


def test_whole_file_of_something_else(root):
    """The checksum is right, and what it is of is not a kernel, or another one."""
    compute()
    path = only_file()
    for payload in (b"no pickle", pickle.dumps(None), pickle.dumps((1, 2, 3))):
        _cache.write(path, payload)
        assert compute() == COMPILED
    compute(previous_number)
    (other,) = set(_cache.folder().iterdir()) - {path}
    other.replace(path)
    assert compute() == COMPILED


@posix
@pytest.mark.parametrize("how", ("writable by the group", "writable by all", "of another user"))
def test_planted_file_is_not_opened(root, tmp_path, how):
    compute()
    path = only_file()
    _cache.write(path, pickle.dumps(Planted(tmp_path / "planted")))
    compute()
    assert (tmp_path / "planted").is_dir()  # otherwise the test could not fail
    (tmp_path / "planted").rmdir()
    _cache.write(path, pickle.dumps(Planted(tmp_path / "planted")))
    if how == "of another user":
        if os.geteuid() != 0:
            pytest.skip("only root can give files away")
        os.chown(path, 54321, 54321)
    else:
        path.chmod(0o660 if how == "writable by the group" else 0o606)
    assert compute() == COMPILED
    assert not (tmp_path / "planted").exists()
    assert compute() == LOADED


@pytest.mark.parametrize("kind", ("a file", "below a file", "writable by all", "below writable by all", "no home"))
def test_no_folder(root, as_new, monkeypatch, kind):
    """One warning when the first kernel is compiled; none at the import, and none for the second kernel."""
    if kind == "a file":
        root.write_text("")
    elif kind == "below a file":
        root.write_text("")
        as_new(root / "cache")
    elif kind == "no home":
        monkeypatch.delenv("FCNET_CACHE_DIR")
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        monkeypatch.setattr(Path, "home", staticmethod(_no_home))
        monkeypatch.setattr(_cache.sys, "platform", "linux")
    else:
        if os.name != "posix":
            pytest.skip("POSIX permissions")
        compute()
        (root if kind.startswith("below") else _cache.folder()).chmod(0o777)
    as_new()
    assert _cache.folder() is None
    assert one_warning(lambda: (compute(), compute(previous_number))) == (COMPILED, (19, False))
    assert _cache.problem()
    assert compute() == COMPILED


def _no_home():
    raise RuntimeError("Could not determine home directory.")


def test_folder_that_can_be_read_and_not_written(root, as_new, monkeypatch):
    """As in a container with a read-only file system: what is there is loaded."""
    compute()
    as_new()

    def refuse(*args):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(_cache.os, "open", refuse)
    monkeypatch.setattr(_cache.os, "utime", refuse)
    assert compute() == LOADED
    assert one_warning(lambda: (compute(previous_number), compute(previous_number))) == ((19, False), (19, False))
    assert compute() == LOADED


@posix
def test_full_disk(run_python, tmp_path):
    """Of a file that can't be written whole, nothing stays."""
    done = run_python("""
        import resource, warnings
        import test_cache

        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
        assert test_cache.one_warning(test_cache.compute) == test_cache.COMPILED
        assert test_cache.compute() == test_cache.COMPILED
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert [*test_cache._cache.folder().iterdir()] == []
        print(test_cache._cache.problem())
    """, FCNET_CACHE_DIR=str(tmp_path / "cache"))
    assert "File too large" in done.stdout


@posix
def test_read_only_package_and_no_home(tmp_path):
    """The import says nothing, one warning comes with the first kernel, and the package is as it was."""
    sources, package = Path(__file__).resolve().parent.parent, tmp_path / "package"
    for name in ("fcnet", "kernels"):
        shutil.copytree(sources / name, package / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(__file__, package)
    there = sorted(package.rglob("*"))
    for path in there:
        path.chmod(0o555 if path.is_dir() else 0o444)
    environment = {variable: value for variable, value in os.environ.items()
                   if not variable.startswith(("FCNET", "XDG", "NUMBA_CACHE"))}
    script = """
        import warnings
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            import test_cache
        assert caught == [], caught
        assert test_cache.one_warning(test_cache.compute) == test_cache.COMPILED
        assert test_cache.compute(test_cache.previous_number) == (19, False)
        print(test_cache.fcnet.__file__)
    """
    done = subprocess.run([sys.executable, "-B", "-W", "error", "-c", textwrap.dedent(script)], cwd=package, text=True,
                          env={**environment, "HOME": os.devnull + "/home", "PYTHONPATH": str(package)},
                          capture_output=True, timeout=300)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()) == package / "fcnet" / "__init__.py" and done.stderr == ""
    assert sorted(package.rglob("*")) == there
    for path in there:
        path.chmod(0o755)


def test_two_versions_side_by_side(root, as_new, monkeypatch):
    fingerprints = ("0123456789abcdef", "fedcba9876543210")
    found = []
    for fingerprint in fingerprints * 2:
        monkeypatch.setattr(_cache, "_fingerprint", lambda fingerprint=fingerprint: fingerprint)
        as_new()
        found.append(compute())
    assert found == [COMPILED, COMPILED, LOADED, LOADED]
    assert len([*root.iterdir()]) == 2


def test_an_edit_in_any_kernel_is_another_version(tmp_path, monkeypatch):
    sources = tmp_path / "kernels"
    shutil.copytree(Path(_cache.__file__).parent, sources, ignore=shutil.ignore_patterns("__pycache__"))
    before = _cache._fingerprint()
    monkeypatch.setattr(_cache, "__file__", str(sources / "_cache.py"))
    assert _cache._fingerprint() == before
    with open(sources / "simd.py", "a") as file:
        file.write("\n")
    edited = _cache._fingerprint()
    monkeypatch.setattr(_cache.numba.config, "BOUNDSCHECK", 1)
    assert len({before, edited, _cache._fingerprint()}) == 3


def test_old_folders_and_unfinished_files_are_swept(root, as_new):
    """When a process keeps its first kernel; folders in use and those of others stay."""
    def make(name, days, folder=True):
        path = root / name
        path.mkdir(parents=True) if folder else path.write_text("half a file")
        if folder:
            (path / "some.kernel").write_text("")
        then = time.time() - days * 86400
        os.utime(path, (then, then))
        return path

    old = [make(f"kernels-{version}-0123456789abcdef", 40) for version in ("cpython-39-numba0.61.0", "numba0.60.0")]
    kept = [make("kernels-cpython-39-numba0.61.0-fedcba9876543210", 20), make("kernels-of-mine", 400),
            make("others", 400)]
    own = _cache.folder().name
    old += [make(f"{own}/0.tmp", 2, folder=False)]
    kept += [make(f"{own}/1.tmp", 0.1, folder=False)]
    assert compute() == COMPILED
    assert [path.name for path in old if path.exists()] == []
    assert all(path.exists() for path in kept)

    then = time.time() - 20 * 86400
    os.utime(root / own, (then, then))
    as_new()
    assert compute() == LOADED
    assert time.time() - (root / own).stat().st_mtime < 3600  # a folder in use is not old


def test_clear(root):
    assert fcnet.clear_cache() == 0
    compute()
    (root / "mine").write_text("stays")
    size = only_file().stat().st_size
    assert fcnet.clear_cache() == size
    assert [path.name for path in root.iterdir()] == ["mine"]
    assert compute() == COMPILED
    assert compute() == LOADED


def test_show_config_after_clear(root):
    compute()
    fcnet.clear_cache()
    lines = []
    fcnet.show_config(lines.append)
    assert f"{_cache.folder()}, 0 files, 0.0 MB" in lines[0]


@posix
def test_files_that_another_process_deletes_have_no_size(root):
    compute()
    size = only_file().stat().st_size
    (_cache.folder() / "listed and gone").symlink_to("nowhere")
    assert _cache.sizes(_cache.folder()) == [size]


def test_clear_while_another_process_clears(root, monkeypatch):
    compute()
    compute(previous_number)
    rmtree = shutil.rmtree

    def overtaken(path):
        monkeypatch.setattr(shutil, "rmtree", rmtree)
        next(path.iterdir()).unlink()
        raise FileNotFoundError

    monkeypatch.setattr(shutil, "rmtree", overtaken)
    assert fcnet.clear_cache() > 0
    assert [*root.iterdir()] == []


def test_function_that_depends_on_more_than_its_source():
    number = 1
    with pytest.raises(ValueError, match="depends on more"):
        _cache.KernelCache(lambda x: x + number)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_eight_processes_at_once(run_python, tmp_path):
    done = run_python("""
        import os, time
        import test_cache

        test_cache.compute(test_cache.same_number)  # what Numba gets ready only once
        start = time.time() + 0.3
        children = []
        for _ in range(8):
            child = os.fork()
            if child == 0:
                time.sleep(max(0, start - time.time()))
                wrong = [found for found in (test_cache.compute(), test_cache.compute(test_cache.previous_number))
                         if found[0] not in (21, 19)]
                os._exit(len(wrong))
            children.append(child)
        assert [os.waitpid(child, 0)[1] for child in children] == 8 * [0]
        assert test_cache.compute() == test_cache.LOADED
        names = sorted(path.suffix for path in test_cache._cache.folder().iterdir())
        assert names == 3 * [".kernel"], names
    """, FCNET_CACHE_DIR=str(tmp_path / "cache"))
    assert done.stderr == ""


# ------------------------------------------------------------------------------------------------
# The kernels themselves
# ------------------------------------------------------------------------------------------------

USE = """
    import sys
    import numpy as np
    from fcnet import Dense, Sequential, kernels

    model = Sequential([Dense(4, "relu", input_dim=3, kernel_initializer="ones"), Dense(1, kernel_initializer="ones")])
    model.compile("sgd", "mse")
    X = np.linspace(-1, 1, 300).reshape(100, 3)
    model.fit(X, X[:, 0], epochs=2, verbose=0, shuffle=False)
    few, many = model.predict(X[:2]), model.predict(X)
    assert np.array_equal(few, many[:2])
    print(sum(not hit for hit in kernels.compiled().values()), "scipy.linalg" in sys.modules, repr(many.sum()))
"""


def test_real_kernels(run_python, tmp_path):
    """Damaged in the cache, they are compiled again; loading them imports nothing that only compiling needs."""
    folder = tmp_path / "cache"
    run_python(USE)  # fills the cache of this run
    shutil.copytree(_cache.root(), folder)
    good = run_python(USE, FCNET_CACHE_DIR=str(folder))
    compiled, scipy, number = good.stdout.split(maxsplit=2)
    assert (compiled, scipy) == ("0", "False")
    for name in ("activations.relu-*", "losses.mean_squared_error-*"):
        for path in folder.glob(f"{_cache.folder().name}/fcnet.kernels.{name}"):
            content = bytearray(path.read_bytes())
            content[len(content) // 2] ^= 4
            path.write_bytes(content)
    mended = run_python(USE, FCNET_CACHE_DIR=str(folder))
    assert mended.stdout.split(maxsplit=2)[::2] == ["2", number]
    assert run_python(USE, FCNET_CACHE_DIR=str(folder)).stdout == good.stdout


def test_warmup_compiles_what_models_call(monkeypatch, capsys):
    """Every part for both dtypes, and the other kernels in the one form that models call them in."""
    asked = []
    monkeypatch.setattr(_jit, "part_address", lambda part, dtype: asked.append((part, dtype)))
    assert __main__.main(["warmup", "--quiet"]) == 0
    assert f"{len(asked) + 10} kernels" in capsys.readouterr().out
    assert len(set(asked)) == len(asked) == 2 * len(_jit.declared_parts) > 200
    monkeypatch.undo()
    for dtype in ("float32", "float64"):
        model = fcnet.Sequential([fcnet.Dense(1, input_dim=1)], dtype=dtype)
        model.predict([[1.0]])
    assert len(steps.run.signatures) == 1
    assert len(inference.predict_rows.signatures) == 2


def test_warmup_shows_what_it_does_and_fails_where_nothing_is_kept(monkeypatch, capsys, root, as_new):
    monkeypatch.setattr(ahead, "_kernels", lambda dtype: [(f"kernel of {dtype}", compute)])
    assert ahead.warm_up(["float64"]) == 1
    assert "kernel of float64" in capsys.readouterr().err
    shutil.rmtree(root)
    root.write_text("")
    as_new()
    with pytest.warns(RuntimeWarning, match="compiles its kernels anew"):
        assert __main__.main(["warmup", "--dtype", "float32", "--quiet"]) == 1
    assert "can't be kept" in capsys.readouterr().err
    with pytest.raises(ValueError, match="dtype"):
        ahead.warm_up(["float16"])


def test_clear_cache_command(run_python, tmp_path):
    (tmp_path / "kernels-cpython-39-numba0.61.0-0123456789abcdef").mkdir()
    done = run_python("""
        import runpy, sys
        sys.argv = ["fcnet", "clear-cache"]
        try:
            runpy.run_module("fcnet", run_name="__main__")
        except SystemExit as end:
            assert end.code == 0
    """, FCNET_CACHE_DIR=str(tmp_path))
    assert done.stdout == f"0.0 MB deleted from {tmp_path}\n"
    assert [*tmp_path.iterdir()] == []


def test_clear_cache_command_without_a_home(as_new, monkeypatch, capsys):
    monkeypatch.delenv("FCNET_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", staticmethod(_no_home))
    monkeypatch.setattr(_cache.sys, "platform", "linux")
    assert __main__.main(["clear-cache"]) == 1
    assert capsys.readouterr().err == "fcnet: Could not determine home directory.\n"


# ------------------------------------------------------------------------------------------------
# Versions
# ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("numba_source, why", (
    ('__version__ = "0.60.2"', r"Numba 0\.60\.2 is installed\. "),
    ('raise ImportError("Numba needs NumPy 1.9 or less. Got NumPy 2.5.")', r"\(Numba needs NumPy 1\.9 or less"),
    ("import numpy; numpy.no_such_name", r"Numba \S+ is installed \(.*no_such_name"),
))
def test_unsupported_versions(run_python, tmp_path, numba_source, why):
    (tmp_path / "numba.py").write_text(numba_source)
    done = run_python("""
        import sys
        sys.path.insert(0, sys.argv[1])
        try:
            import fcnet
        except ImportError as error:
            print(error)
    """, tmp_path)
    (message,) = done.stdout.splitlines()
    assert re.match(r"fcnet needs NumPy 1\.26 and Numba 0\.61 or newer", message)
    assert re.search(rf"NumPy {re.escape(_cache.np.__version__)} is installed, .*", message)
    assert re.search(why, message), message


@pytest.mark.parametrize("version, broken, said", (
    ("99.1.0", True, "fcnet was tested up to NumPy .* and Numba .*; NumPy .*, Numba 99.1.0 is installed .*_Cache.*Try"),
    ("99.1.0", False, "imported"),
    (numba.__version__, True, "cannot import name '_Cache'"),  # not the version's fault
))
def test_newer_versions(run_python, version, broken, said):
    """They are tried; where they break the import, the error names them."""
    done = run_python("""
        import sys
        import numba
        import numba.core.caching
        numba.__version__ = sys.argv[1]
        if sys.argv[2] == "True":
            del numba.core.caching._Cache
        try:
            import fcnet
            print("imported")
        except ImportError as error:
            print(error)
    """, version, broken)
    (message,) = done.stdout.splitlines()
    assert re.match(said, message), message
    if said == "imported":
        assert done.stderr == ""


def test_a_compiler_that_is_switched_off(run_python):
    done = run_python("""
        try:
            import fcnet
        except ImportError as error:
            print(error)
    """, NUMBA_DISABLE_JIT="1")
    assert done.stdout == "fcnet needs Numba's compiler, which NUMBA_DISABLE_JIT switches off: unset it\n"


def test_oldest_versions_stand_in_the_package():
    text = (Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8")
    for name, oldest in _requirements.OLDEST.items():
        assert f'"{name}>={".".join(map(str, oldest))}"' in text
