"""The built wheel beside a host project that has packages named `api`, `alerts` and `breaker`."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest

import breakerd
from tests.support.built_wheel import Environment

TOKEN: Final = "a-token"
SECRETS: Final = {"BREAKERD_TOKEN": TOKEN}

HOST: Final = {
    "pyproject.toml": """
        [tool.pytest.ini_options]
        pythonpath = ["."]
    """,
    "breakers.toml": """
        latency_threshold = 300

        [breakers.payments]
        latency_threshold = 100

        [alerts]
        database = "alerts.db"
    """,
    "breaker/__init__.py": """
        OWNER = "the host's fuses"
    """,
    "alerts/__init__.py": """
        OWNER = "the host's alerts"
    """,
    "api/__init__.py": """
        OWNER = "the host's API"
    """,
    "api/app.py": """
        from collections.abc import AsyncIterator
        from contextlib import asynccontextmanager

        from fastapi import FastAPI, HTTPException

        import alerts
        import api
        import breaker
        from breakerd import Alerting, BreakerOpenError, Registry, admin_router

        registry = Registry.from_file("breakers.toml")
        alerting = Alerting.from_file("breakers.toml", registry)
        payments = registry.get("payments")


        @asynccontextmanager
        async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
            with registry, alerting:
                yield


        app = FastAPI(lifespan=lifespan)
        app.include_router(admin_router(registry, alerting), prefix="/ops")


        @app.get("/pay")
        async def pay() -> dict[str, bool]:
            try:
                async with payments.guard():
                    return {"paid": True}
            except BreakerOpenError as error:
                raise HTTPException(503, str(error)) from error


        @app.get("/packages")
        def packages() -> dict[str, list[str]]:
            return {p.__name__: [p.OWNER, p.__file__] for p in (alerts, api, breaker)}
    """,
    "tests/test_host.py": """
        from collections.abc import Iterator
        from pathlib import Path

        import pytest
        from fastapi.testclient import TestClient

        import alerts
        import api
        import breaker
        from api.app import app, payments

        ROOT = Path(__file__).parents[1]
        TOKEN = {"Authorization": "Bearer a-token"}


        @pytest.fixture
        def client() -> Iterator[TestClient]:
            with TestClient(app) as client:
                yield client


        def test_the_host_imports_its_own_packages() -> None:
            for package in (alerts, api, breaker):
                assert Path(package.__file__).is_relative_to(ROOT)


        def test_payments_are_guarded_and_alerts_are_listed(client: TestClient) -> None:
            assert client.get("/pay").json() == {"paid": True}
            payments.force_open()
            assert client.get("/pay").status_code == 503
            alerts = []
            while not alerts:
                alerts = client.get("/ops/alerts", headers=TOKEN).json()["alerts"]
            assert alerts[0]["breaker"] == "payments"
    """,
}


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return Environment(tmp_path_factory.mktemp("installed"), wheel, "api", groups=("host",))


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """The folder of the host project."""
    for name, text in HOST.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        lines = text.strip("\n").splitlines()
        path.write_text("\n".join(line.removeprefix(" " * 8) for line in lines).rstrip() + "\n")
    return tmp_path


def test_the_command_runs_where_the_host_is_importable(installed: Environment, host: Path) -> None:
    version = installed.run("breakerd", "--version", folder=host, PYTHONPATH=".")
    assert (version.returncode, version.stdout) == (0, f"breakerd {breakerd.__version__}\n")
    check = installed.run("breakerd", "check", "breakers.toml", folder=host, PYTHONPATH=".")
    assert (check.returncode, check.stdout) == (0, "breakers.toml: no errors\n"), check.stderr


def test_the_hosts_own_tests_pass(installed: Environment, host: Path) -> None:
    done = installed.run("pytest", "-q", folder=host, **SECRETS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


@pytest.mark.parametrize(
    "command",
    [
        ("uvicorn", "api.app:app", "--port", "0"),
        (
            *("gunicorn", "api.app:app", "--bind", "127.0.0.1:0", "--no-control-socket"),
            *("--worker-class", "uvicorn_worker.UvicornWorker"),
        ),
    ],
    ids=["uvicorn", "gunicorn"],
)
def test_the_host_is_served(installed: Environment, host: Path, command: tuple[str, ...]) -> None:
    with _serving(installed, host, *command) as url, _client(url) as client:
        packages = client.get("/packages").json()
        assert {name: owner for name, (owner, _) in packages.items()} == {
            "alerts": "the host's alerts",
            "api": "the host's API",
            "breaker": "the host's fuses",
        }
        assert all(Path(path).is_relative_to(host) for _, path in packages.values())
        assert client.get("/pay").json() == {"paid": True}
        assert client.post("/ops/breakers/payments/trip").status_code == 200
        assert client.get("/pay").status_code == 503
        assert client.get("/ops/breakers/payments/status").json()["state"] == "OPEN"
        assert client.get("/ops/alerts").status_code == 200
        assert client.get("/ops/readyz").json()["checks"]["alerting"] == "ok"


@contextmanager
def _serving(installed: Environment, host: Path, program: str, *arguments: str) -> Iterator[str]:
    """Run the host under a server, and give the address that it logs."""
    with subprocess.Popen(
        [installed.bin / program, *arguments],
        cwd=host,
        env=installed.variables(**SECRETS),
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stderr is not None
        log: list[str] = []
        try:
            for line in server.stderr:
                log.append(line)
                if address := re.search(r"http://127\.0\.0\.1:[1-9]\d*", line):
                    break
            else:
                raise AssertionError("".join(log))
            rest = threading.Thread(target=log.extend, args=(server.stderr,))
            rest.start()
            yield address[0]
        finally:
            server.terminate()
            server.wait()
        rest.join()
    assert server.returncode in {0, -15}, "".join(log)
    assert "Traceback" not in "".join(log), "".join(log)


def _client(url: str) -> httpx.Client:
    return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program that asks a type checker for the type of each public name."""
    path = tmp_path / "program.py"
    path.write_text(
        "import breakerd\n" + "".join(f"reveal_type(breakerd.{n})\n" for n in breakerd.__all__)
    )
    return path


HOSTS_OWN = (
    "failed_result'?: (def (Any) -> object)",
    "fallback'?: (def (Exception) -> Any)",
    "failed_result: (def (Any) -> object)",
    "fallback: (def (Exception) -> Any)",
)
"""Functions of the host on results of the host: these may have any type."""


def test_mypy_sees_the_types_of_all_public_names(installed: Environment, program: Path) -> None:
    arguments = ("--strict", "--config-file=", "--python-executable", installed.bin / "python")
    said = _checked("mypy", *arguments, "--cache-dir", program.parent / "cache", program)
    revealed = [line.partition("Revealed type is ")[2] for line in said.splitlines()[:-1]]
    types = dict(zip(breakerd.__all__, revealed, strict=True))
    for text in HOSTS_OWN:
        types = {name: found.replace(text, "") for name, found in types.items()}
    assert {name: found for name, found in types.items() if re.search(r"\bAny\b", found)} == {}
    assert types["__version__"] == '"str"'
    assert types["Breaker"].endswith('-> breakerd.breaker.breaker.Breaker"')


def test_pyright_sees_the_types_of_all_public_names(installed: Environment, program: Path) -> None:
    said = _checked(
        "basedpyright", "--outputjson", "--pythonpath", installed.bin / "python", program
    )
    diagnostics = json.loads(said)["generalDiagnostics"]
    types = dict(zip(breakerd.__all__, (d["message"] for d in diagnostics), strict=True))
    for name, found in types.items():
        expected = r"str" if name == "__version__" else rf"type\[{name}\]|\(.*\) -> .*"
        assert re.fullmatch(rf'Type of "breakerd\.{name}" is "({expected})"', found, re.DOTALL)
        assert not re.search(r"\b(Any|Unknown)\b", found), found


def _checked(checker: str, *arguments: str | Path) -> str:
    """Run a type checker of the tests' own environment, and return what it prints."""
    done = subprocess.run(
        [Path(sys.executable).with_name(checker), *arguments],
        cwd=Path(arguments[-1]).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
