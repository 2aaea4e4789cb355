"""The built wheel, in empty environments outside the repository."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import uv

ROOT = Path(__file__).resolve().parents[2]


def run(*command: str | Path, **set_too: str) -> str:
    """What it said on its standard error."""
    done = subprocess.run(
        [*map(str, command)],
        cwd=ROOT,
        env=os.environ | set_too,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def uv_run(*arguments: str | Path, **set_too: str) -> str:
    return run(uv.find_uv_bin(), "--offline", *arguments, **set_too)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder)
    (wheel,) = folder.glob("breakerd-*.whl")
    return wheel


class Environment:
    """A virtual environment that holds the wheel and what it needs, in the locked versions.

    What is locked is in uv's cache, as the tests' own environment has it; so nothing is fetched.
    """

    def __init__(self, folder: Path, wheel: Path, *extras: str) -> None:
        self.folder = folder
        self.bin = folder / "env" / "bin"
        uv_run("venv", "--python", sys.executable, folder / "env")
        wanted = [f"--extra={extra}" for extra in extras]
        uv_run(
            *("sync", "--frozen", "--no-dev", "--no-install-project", *wanted),
            UV_PROJECT_ENVIRONMENT=str(folder / "env"),
        )
        named = f"{wheel}[{','.join(extras)}]"
        said = uv_run("pip", "install", "--python", self.bin / "python", named)
        installed = [line for line in said.splitlines() if line.startswith(" + ")]
        assert [line.split("==")[0] for line in installed] == [" + breakerd"], said

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        outside = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        return subprocess.run(
            [self.bin / program, *arguments],
            cwd=self.folder,
            env=outside,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


def test_everything(wheel: Path, tmp_path: Path) -> None:
    installed = Environment(tmp_path, wheel, "all")
    _imports(installed)
    _serves_and_trips(installed)


def _imports(installed: Environment) -> None:
    program = (
        "import breakerd, breakerd.api.app, breakerd.alerts.emulator, pathlib\n"
        "for package in (breakerd, breakerd.breaker, breakerd.alerts, breakerd.api):\n"
        "    print(package.__file__)\n"
        "assert (pathlib.Path(breakerd.__file__).parent / 'py.typed').exists()\n"
        "b = breakerd.Breaker()\n"
        "b.trip()\n"
        "assert not b.allow()\n"
    )
    done = installed.run("python", "-W", "error", "-c", program)
    assert done.returncode == 0, done.stderr
    for path in done.stdout.splitlines():
        assert Path(path).is_relative_to(installed.folder)


def _serves_and_trips(installed: Environment) -> None:
    with subprocess.Popen(
        [installed.bin / "breakerd", "serve", "--port", "0"],
        cwd=installed.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as service:
        try:
            assert service.stdout is not None
            url = service.stdout.readline().rpartition(" ")[2].strip()
            done = installed.run("breakerd", "trip", "--url", url)
            assert (done.returncode, done.stdout) == (0, "Breaker tripped: OPEN\n"), done.stderr
            status = installed.run("breakerd", "status", "--json", "--url", url)
            assert json.loads(status.stdout)["triggered"]
        finally:
            service.terminate()
    assert service.returncode == 0


def test_the_breaker_alone(wheel: Path, tmp_path: Path) -> None:
    installed = Environment(tmp_path, wheel)
    done = installed.run("python", "-c", "from breakerd import Breaker; assert Breaker().allow()")
    assert done.returncode == 0, done.stderr
    done = installed.run("python", "-c", "import httpx")
    assert done.returncode == 1
    done = installed.run("breakerd", "--version")
    assert done.returncode == 1
    assert done.stderr.endswith("is not installed: pip install 'breakerd[api]'\n")
    assert done.stderr.count("\n") == 1


def test_breaker_pulls_in_neither_network_nor_web() -> None:
    program = (
        "import sys, breakerd, breakerd.breaker.testing\n"
        "breakerd.Breaker()\n"
        "assert 'breakerd.breaker.integrations' not in sys.modules\n"
        "import breakerd.breaker.integrations.asgi, breakerd.breaker.integrations.wsgi\n"
        "print(*{name.removeprefix('breakerd.').split('.')[0] for name in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert "breaker" in loaded
    assert not loaded & {
        "httpx",
        "requests",
        "fastapi",
        "starlette",
        "uvicorn",
        "typer",
        "alerts",
        "api",
    }
