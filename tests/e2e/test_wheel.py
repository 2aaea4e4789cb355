"""The built wheel, in empty environments outside the repository."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from pathlib import Path

from tests.support.built_wheel import ROOT, Environment, build, contents


def test_one_package_is_installed(wheel: Path) -> None:
    files = contents(wheel)
    (record,) = (name for name in files if name.endswith(".dist-info/RECORD"))
    recorded = [line.split(",")[0] for line in files[record].decode().splitlines()]
    assert len(recorded) == len(set(recorded))
    top = {name.split("/")[0] for name in recorded}
    assert top == {"breakerd", record.split("/")[0]}
    for package in ("breaker", "alerts", "api"):
        modules = {path.relative_to(ROOT) for path in (ROOT / package).rglob("*.py")}
        assert {f"breakerd/{path}" for path in modules} <= set(recorded)
    scripts = {path.relative_to(ROOT) for path in (ROOT / "breaker/fleet").rglob("*.lua")}
    assert scripts
    assert {f"breakerd/{path}" for path in scripts} <= set(recorded)


def test_a_wheel_from_the_sdist_is_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(build("sdist", tmp_path)) as archive:
        if data_filter := getattr(tarfile, "data_filter", None):  # from 3.11.4 on
            archive.extraction_filter = data_filter
        archive.extractall(tmp_path)
    (source,) = (path for path in tmp_path.iterdir() if path.is_dir())
    again = contents(build("wheel", tmp_path / "dist", source))
    assert again == contents(wheel)


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
    assert done.stderr.endswith("extra 'api': pip install '.[api]' in a clone\n")
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
        "flask",
        "django",
        "asgiref",
        "fastapi",
        "starlette",
        "uvicorn",
        "typer",
        "alerts",
        "api",
    }
