"""The compiled build does what the interpreted one does, from the same source."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parents[2]
TESTS = (
    "test_breaker.py",
    "test_hot_path.py",
    "test_guard.py",
    "test_quick_guard.py",
    "test_snapshot.py",
    "test_threads.py",
)

ONLY_COMPILED = """
from breaker import hot_path

assert hot_path.__file__.endswith(".so"), hot_path.__file__
"""
"""A plug-in for pytest."""

pytestmark = [
    pytest.mark.needs("gcc"),
    pytest.mark.needs("Python.h"),
    pytest.mark.skipif(
        bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        reason="the build is for a Python with a GIL",
    ),
]


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package `breaker`, the extension in it."""
    folder = tmp_path_factory.mktemp("compiled")
    shutil.copytree(
        ROOT / "breaker",
        folder / "breaker",
        ignore=shutil.ignore_patterns("__pycache__", "*.so"),
    )
    said = run(ROOT / "hatch_build.py", folder / "breaker", cwd=ROOT)
    assert said.returncode == 0, said.stderr
    assert Path(said.stdout.strip()).parent == folder / "breaker"
    (folder / "only_compiled.py").write_text(ONLY_COMPILED)
    return folder


def run(*arguments: str | Path, cwd: Path, **set_too: str) -> subprocess.CompletedProcess[str]:
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("COV")}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**inherited, **set_too},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def test_the_extension_is_what_is_imported(compiled: Path) -> None:
    said = run("-c", "from breaker import hot_path; print(hot_path.__file__)", cwd=compiled)
    assert said.stdout.strip().startswith(str(compiled / "breaker" / "hot_path."))
    assert said.stdout.strip().endswith(".so")


@pytest.mark.parametrize("file", TESTS)
def test_it_passes_the_breakers_own_tests(compiled: Path, file: str) -> None:
    tests = ROOT / "tests" / "unit" / "breaker" / file
    paths = f"pythonpath={compiled} {ROOT}"
    options = ("-q", "-p", "no:cacheprovider", "-p", "only_compiled", "-o", paths)
    said = run("-m", "pytest", *options, "-c", ROOT / "pyproject.toml", tests, cwd=compiled)
    assert said.returncode == 0, said.stdout
    assert " passed" in said.stdout


@pytest.mark.parametrize(("asked", "tag"), [("1", f"cp3{sys.version_info.minor}-"), ("", "py3-")])
def test_a_wheel_is_compiled_only_if_that_is_asked_for(
    tmp_path: Path, asked: str, tag: str
) -> None:
    build = ("-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path)
    said = run(*build, cwd=ROOT, HATCH_BUILD_HOOK_ENABLE_CUSTOM=asked)
    assert said.returncode == 0, said.stderr
    (wheel,) = tmp_path.iterdir()
    assert f"-{tag}" in wheel.name
    names = ZipFile(wheel).namelist()
    assert "breaker/hot_path.py" in names
    assert any(name.endswith(".so") for name in names) == bool(asked)
