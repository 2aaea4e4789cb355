"""Build the wheel and the sdist of this project, and install the wheel as a user does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Literal
from zipfile import ZipFile

ROOT = Path(__file__).resolve().parents[2]
_OUTSIDE = ("COV", "PYTHONPATH", "BREAKERD_", "OPSGENIE_")
"""Prefixes of variables that a user does not have."""


def build(kind: Literal["sdist", "wheel"], folder: Path, source: Path = ROOT) -> Path:
    """Build a distribution of the project in `source` into `folder`, and return its path."""
    run(sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", folder, folder=source)
    (made,) = folder.glob("breakerd-*.whl" if kind == "wheel" else "breakerd-*.tar.gz")
    return made


def contents(wheel: Path) -> dict[str, bytes]:
    """Return the files of a wheel by their names."""
    with ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def run(*command: str | Path, folder: Path = ROOT, **variables: str) -> str:
    """Run a command that must succeed, and return its standard error."""
    done = subprocess.run(
        [*map(str, command)],
        cwd=folder,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stderr


def uv_run(*arguments: str | Path, **variables: str) -> str:
    """Run uv without network, and return its standard error."""
    import uv  # not there where scripts/test-bounds runs the other tests

    return run(uv.find_uv_bin(), "--offline", *arguments, folder=ROOT, **variables)


class Environment:
    """A virtual environment that holds the wheel and what it needs, in the locked versions.

    What is locked is in uv's cache, as the tests' own environment has it; so nothing is fetched.

    Args:
        folder: an empty folder outside the repository; commands run in it.
        wheel: the wheel to install.
        extras: extras of the wheel.
        groups: dependency groups of the project to install as well.
    """

    def __init__(
        self, folder: Path, wheel: Path, *extras: str, groups: tuple[str, ...] = ()
    ) -> None:
        self.folder = folder
        self.bin = folder / "env" / "bin"
        uv_run("venv", "--python", sys.executable, folder / "env")
        wanted = [f"--extra={extra}" for extra in extras] + [f"--group={name}" for name in groups]
        uv_run(
            *("sync", "--frozen", "--no-dev", "--no-install-project", *wanted),
            UV_PROJECT_ENVIRONMENT=str(folder / "env"),
        )
        named = f"{wheel}[{','.join(extras)}]"
        said = uv_run("pip", "install", "--python", self.bin / "python", named)
        installed = [line for line in said.splitlines() if line.startswith(" + ")]
        assert [line.split("==")[0] for line in installed] == [" + breakerd"], said

    @property
    def site_packages(self) -> Path:
        """The folder that the wheel is installed in."""
        (folder,) = self.folder.glob("env/lib/python3*/site-packages")
        return folder

    def variables(self, **more: str) -> dict[str, str]:
        """The environment of a command: that of a user who never saw the repository."""
        return {k: v for k, v in os.environ.items() if not k.startswith(_OUTSIDE)} | more

    def run(
        self, program: str, *arguments: str, folder: Path | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run one of the environment's programs to its end."""
        return subprocess.run(
            [self.bin / program, *arguments],
            cwd=folder or self.folder,
            env=self.variables(**variables),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
