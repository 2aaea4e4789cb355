from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from breakerd import Alerting, Registry, Settings
from breakerd.alerts.settings.alerting import read_settings
from breakerd.api.app import create_app
from breakerd.breaker.testing import ManualClock
from tests.support.admin_client import Client


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that is made lies in the test's own folder."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "breakers.toml"
    path.write_text(
        "# who owns this\n"
        "latency_threshold = 300  # agreed with the team\n"
        "latency_window_size = 32\n"
        "minimum_calls = 5\n"
        "[breakers.payments]\n"
        "latency_threshold = 100\n"
        "[opsgenie]\n"
        'team = "platform"  # pages them\n'
        "[alerts]\n"
        f"database = '{tmp_path / 'alerts.db'}'\n"
    )
    return path


@pytest.fixture
def registry(file: Path, clock: ManualClock) -> Iterator[Registry]:
    """Two breakers on the driven clock, from a file that is not watched."""
    with Registry.from_file(file, watch=False, clock=clock, memory=lambda: 0.5) as registry:
        yield registry


@pytest.fixture
def alerting(registry: Registry) -> Iterator[Alerting]:
    """Alerting that does nothing on its own, and logs in place of paging."""
    assert registry.config is not None
    settings = read_settings(registry.config.document)
    alerting = Alerting(registry, settings, now=lambda: 1_000_000.0)
    alerting._follow(registry.config, owned=False)
    with alerting:
        yield alerting


@pytest.fixture
def app(registry: Registry, alerting: Alerting) -> FastAPI:
    return create_app(registry, alerting, demo_endpoints=True)


@pytest.fixture
def client(app: FastAPI) -> Client:
    """A client on this machine with the made token."""
    return Client(app)


@pytest.fixture
def unfiled() -> Iterator[Registry]:
    with Registry(Settings(), memory=lambda: None) as registry:
        yield registry
