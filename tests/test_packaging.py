"""The same modules from a wheel, from an editable install and from the root of the repository."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import textwrap
import zipfile
from pathlib import Path

import pytest

import fcnet

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("fcnet", "kernels", "pyproject.toml", "LICENSE", "README.md")

WHERE = """
    import importlib.util, sys
    import fcnet, fcnet.kernels
    import fcnet.kernels.dense
    from fcnet import kernels
    from fcnet.engine import network
    assert network is fcnet.kernels.network and kernels is fcnet.kernels
    assert sys.modules["fcnet.kernels.dense"] is kernels.dense
    assert "kernels" not in sys.modules
    print(fcnet.__file__, kernels.__file__, fcnet.__version__, sep="\\n")
"""


def where(python, folder, **environment):
    """The files of fcnet and fcnet.kernels, and the version, as a Python started in `folder` sees them."""
    environment = {**os.environ, "PYTHONPATH": "", **environment}
    done = subprocess.run([python, "-W", "error", "-c", textwrap.dedent(WHERE)], cwd=folder, env=environment,
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    package, kernels, version = done.stdout.splitlines()
    assert version == fcnet.__version__
    return Path(package).resolve(), Path(kernels).resolve()


def run(*command, cwd=None):
    done = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """A copy of the sources: building leaves files behind."""
    folder = tmp_path_factory.mktemp("sources")
    for name in SOURCES:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif path.exists():
            shutil.copy(path, folder / name)
        else:  # a checkout may be without
            (folder / name).touch()
    return folder


def pip(python, *arguments, cwd):
    """pip without the network: what is needed to build is installed beside pytest."""
    run(python, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-cache-dir", *arguments,
        "--no-deps", "--no-build-isolation", "--no-index", cwd=cwd)


@pytest.fixture(scope="module")
def wheel(sources, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    pip(sys.executable, "wheel", sources, "--wheel-dir", folder, cwd=folder)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture
def venv(tmp_path):
    """A fresh environment that finds NumPy, Numba and pip where this one has them, but not this one's fcnet.

    Returns its Python and its site-packages.
    """
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv")
    python = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    site = Path(subprocess.run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
                               capture_output=True, text=True, check=True).stdout.strip())
    # Only the folder, through a .pth file: .pth files in there, like that of an editable fcnet, are not read.
    paths = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (site / "host.pth").write_text("\n".join(paths))
    return python, site


def test_wheel_contents(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    top = {name.split("/")[0] for name in names}
    assert top == {"fcnet", f"fcnet-{fcnet.__version__}.dist-info"}
    assert "fcnet/py.typed" in names
    expected = {f"fcnet/{path.name}" for path in (ROOT / "fcnet").glob("*.py")}
    expected |= {f"fcnet/kernels/{path.name}" for path in (ROOT / "kernels").glob("*.py")}
    assert {name for name in names if name.endswith(".py")} == expected


def test_source_distribution_has_all_that_its_tests_read(tmp_path):
    copy = tmp_path / "checkout"
    for name in ("benchmarks", "docs", "examples", "fcnet", "kernels", "tests"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("LICENSE", "MANIFEST.in", "Makefile", "pyproject.toml", *(path.name for path in ROOT.glob("*.md"))):
        shutil.copy(ROOT / name, copy)
    expected = {path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file()}
    run(sys.executable, "-c", "from setuptools import build_meta; build_meta.build_sdist('..')", cwd=copy)
    with tarfile.open(tmp_path / f"fcnet-{fcnet.__version__}.tar.gz") as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert expected <= names


def test_wheel_in_a_fresh_environment(wheel, venv, tmp_path):
    python, site = venv
    pip(python, "install", wheel, cwd=tmp_path)
    assert not (site / "kernels").exists()
    assert where(python, tmp_path) == (
        (site / "fcnet" / "__init__.py").resolve(), (site / "fcnet" / "kernels" / "__init__.py").resolve()
    )  # fmt: skip


@pytest.mark.parametrize("mode", ["lenient", "strict"])
def test_editable(sources, venv, tmp_path, mode):
    python, site = venv
    (tmp_path / "elsewhere").mkdir()
    copy = shutil.copytree(sources, tmp_path / "checkout")
    pip(python, "install", "--editable", copy, "--config-settings", f"editable_mode={mode}", cwd=tmp_path)
    assert not (site / "kernels").exists()
    expected = [(copy / "fcnet" / "__init__.py").resolve(), (copy / "kernels" / "__init__.py").resolve()]
    elsewhere = where(python, tmp_path / "elsewhere")
    if mode == "lenient":  # strict mode imports links to the sources
        assert list(elsewhere) == expected
    assert list(where(python, copy)) == expected


def test_root_of_the_repository(venv, sources):
    """Without installing anything."""
    python, _ = venv
    expected = tuple((sources / part / "__init__.py").resolve() for part in ("fcnet", "kernels"))
    assert where(python, sources) == expected
    assert where(python, sources / "kernels", PYTHONPATH=str(sources)) == expected


def test_this_run_uses_one_copy():
    assert Path(fcnet.kernels.__file__).resolve().parent.name == "kernels"
    assert "kernels" not in sys.modules
    assert sys.modules["fcnet.kernels"] is fcnet.kernels


def test_version_stands_in_one_place():
    assert fcnet.__version__ not in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
