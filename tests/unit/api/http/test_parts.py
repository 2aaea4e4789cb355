"""Parts that do not run are told wherever people and programs look; a request starts them."""

from __future__ import annotations

from pathlib import Path
from threading import Event

import pytest
from prometheus_client.parser import text_string_to_metric_families

from breakerd import Alerting, AlertingSettings, AlertsSettings, Registry, create_app
from breakerd.api.http.parts import Parts
from breakerd.api.security.auth import Access
from breakerd.api.security.tokens import Tokens
from tests.support.admin_client import Client

WHY = {
    "alerting": "nobody is being paged: alerting was not started",
    "file": "edits of breakers.toml are not followed: nobody watches it",
}


class Host:
    """A process with two parts that start at the first request."""

    def __init__(self) -> None:
        self.not_running = dict(WHY)
        self.uses = 0
        self.parts = Parts(self._use, lambda: self.not_running)

    def _use(self) -> None:
        self.uses += 1


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
def client(unfiled: Registry, host: Host) -> Client:
    return Client(create_app(unfiled, parts=host.parts))


def running(client: Client) -> dict[str, float]:
    families = text_string_to_metric_families(client.get("/metrics").text)
    (family,) = (each for each in families if each.name == "breakerd_part_running")
    return {sample.labels["part"]: sample.value for sample in family.samples}


def test_what_does_not_run_is_told_everywhere(client: Client) -> None:
    assert client.get("/breakers").json()["not_running"] == WHY
    assert client.get("/breaker/status").json()["not_running"] == WHY
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["ready"]) == (200, True)
    checks = ready.json()["checks"]
    assert {name for name, result in checks.items() if result == "not running"} == {*WHY}
    assert checks["ticker"] == checks["state"] == "ok"
    assert "paged:" not in ready.text  # it is public
    assert running(client) == {"alerting": 0, "file": 0, "state": 1, "ticker": 1}


def test_what_runs_is_not_told(client: Client, host: Host) -> None:
    host.not_running.clear()
    assert client.get("/breakers").json()["not_running"] == {}
    assert client.get("/breaker/status").json()["not_running"] == {}
    assert {*client.get("/readyz").json()["checks"].values()} == {"ok"}
    assert {*running(client).values()} == {1}


def test_a_part_of_another_name_is_told_as_well(client: Client, host: Host) -> None:
    host.not_running["fleet"] = "Redis does not answer"
    assert client.get("/readyz").json()["checks"]["fleet"] == "not running"
    assert running(client)["fleet"] == 0


@pytest.mark.parametrize("path", ["/breakers", "/breaker/status", "/metrics", "/readyz"])
def test_a_request_starts_the_parts(client: Client, host: Host, path: str) -> None:
    client.get(path)
    assert host.uses == 1


@pytest.mark.parametrize("path", ["/healthz", "/nowhere"])
def test_others_start_nothing(client: Client, host: Host, path: str) -> None:
    client.get(path)
    client.request("TRACE", "/breakers")
    assert host.uses == 0


def test_a_refused_request_starts_nothing(unfiled: Registry, host: Host) -> None:
    access = Access(Tokens.load(environment={"BREAKERD_TOKEN": "secret"}))
    client = Client(create_app(unfiled, access=access, parts=host.parts))
    assert client.get("/breakers").status_code == 401
    assert host.uses == 0
    assert client.get("/breakers", headers={"Authorization": "Bearer secret"}).status_code == 200
    assert host.uses == 1


def test_alerting_that_nobody_has_started_is_told_everywhere(
    unfiled: Registry, tmp_path: Path
) -> None:
    settings = AlertingSettings(alerts=AlertsSettings(database=str(tmp_path / "alerts.db")))
    client = Client(create_app(unfiled, Alerting(unfiled, settings)))
    told = client.get("/breakers").json()
    assert "never started" in told["not_running"]["alerting"]
    assert told["paging"] is False
    assert "never started" in client.get("/breaker/status").json()["not_running"]["alerting"]
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["checks"]["alerting"]) == (200, "not running")
    assert running(client)["alerting"] == 0


def test_the_first_request_starts_what_the_registry_runs() -> None:
    registry, started = Registry(), Event()
    registry.on_first_use = started.set
    client = Client(create_app(registry))
    client.get("/healthz")
    client.get("/dashboard/")
    assert not started.is_set()
    client.get("/readyz")
    assert started.is_set()
    registry.close()
