"""A change of settings over HTTP is told with its progress at other hosts, which take it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from breakerd import Alerting
from breakerd.api.app import app_of
from breakerd.api.http import shared_change
from breakerd.api.http.admin import AdminContext
from breakerd.api.security.audit import AuditLog
from breakerd.api.security.settings_audit import SettingsAudit
from tests.support.admin_client import Client
from tests.support.fleet_members import BreakableHub
from tests.support.hosts_with_files import Host
from tests.support.polling import until

AWAY = "the hub is away: the other hosts get it when it is back"
ADA = {"X-Breakerd-User": "ada"}


class Plane:
    """A host with an admin plane."""

    def __init__(self, hub: BreakableHub, folder: Path, name: str) -> None:
        self.host = Host(hub, folder, name).start()
        self.host.member.called()
        self.audit = AuditLog(folder / f"{name}-audit.jsonl")
        self.host.follower.on_taken = SettingsAudit(self.audit).record
        registry = self.host.member.registry
        self.alerting = Alerting.from_file(self.host.path, registry)
        admin = AdminContext(
            registry, self.alerting, fleet=self.host.member.fleet, audit=self.audit
        )
        self.client = Client(app_of(admin))

    def patch(self, path: str, body: object) -> dict[str, Any]:
        answer = self.client.request("PATCH", path, json=body, headers=ADA)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def close(self) -> None:
        self.host.close()
        self.alerting.close()


@pytest.fixture
def hub() -> BreakableHub:
    return BreakableHub()


@pytest.fixture
def make(hub: BreakableHub, tmp_path: Path) -> Iterator[Callable[[str], Plane]]:
    made: list[Plane] = []

    def make(name: str) -> Plane:
        made.append(Plane(hub, tmp_path, name))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_a_change_is_told_with_its_progress_and_who_made_it(
    make: Callable[[str], Plane], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_change, "ANSWER_TIME", 60.0)
    one, other = make("a"), make("b")
    shared = one.patch("/breakers/payments/config", {"latency_threshold": 500})["shared"]
    assert shared == {
        "published": True,
        "applied": 2,
        "waiting": 0,
        "this_host_only": [],
        "text": "published to the fleet: applied 2, waiting 0",
    }
    assert other.host.file == one.host.file
    (entry,) = other.audit.entries()
    key = "breakers.payments.latency_threshold"
    assert (entry["right"], entry["user"], entry["action"]) == ("fleet", "ada", "take settings")
    assert (entry["before"], entry["after"]) == ({key: 800}, {key: 500})
    answer = one.client.request("POST", "/breakers/payments/memory", json={"threshold": 60})
    assert answer.status_code == 200, answer.text
    assert answer.json()["shared"]["published"]


def test_sections_are_shared_but_for_what_is_each_hosts_own(
    make: Callable[[str], Plane],
) -> None:
    one, other = make("a"), make("b")
    body = {"alerts.resolve_after": 5, "opsgenie.team": "core", "api.event_streams": 7}
    shared = one.patch("/config", body)["shared"]
    assert shared["this_host_only"] == ["api.event_streams", "opsgenie.team"]
    until(lambda: other.host.file.get("alerts") == {"resolve_after": 5})
    until(lambda: other.alerting.settings.alerts.resolve_after == 5)  # applied after it is written
    assert "shared" not in one.client.get("/config").json()
    assert "shared" not in one.patch("/config", {})


def test_a_hub_that_is_away_is_told_and_gets_it_later(
    make: Callable[[str], Plane], hub: BreakableHub
) -> None:
    one, other = make("a"), make("b")
    hub.away = True
    until(lambda: not one.host.member.fleet.hub().up)
    shared = one.patch("/breakers/payments/config", {"latency_threshold": 500})["shared"]
    assert (shared["published"], shared["text"]) == (False, AWAY)
    hub.away = False
    until(lambda: other.host.file == one.host.file)


def test_a_file_that_may_not_be_written_is_told_with_the_progress(
    make: Callable[[str], Plane],
) -> None:
    one, other = make("a"), make("b")
    one.host.path.chmod(0o444)
    answer = one.client.request(
        "PATCH", "/breakers/payments/config", json={"latency_threshold": 500}
    )
    assert answer.status_code == 409
    assert "not written to" in answer.json()["detail"]
    assert "; published to the fleet" in answer.json()["detail"]
    until(lambda: other.host.file["breakers"]["payments"]["latency_threshold"] == 500)


def test_drift_is_part_of_the_fleet(make: Callable[[str], Plane]) -> None:
    one, other = make("a"), make("b")
    other.host.edit("800", "300")
    one.patch("/breakers/payments/config", {"latency_threshold": 500})
    until(lambda: other.client.get("/fleet").json()["drift"])
    (drift,) = other.client.get("/fleet").json()["drift"]
    assert (drift["key"], drift["own"], drift["fleet"], drift["by"]) == (
        *("breakers.payments.latency_threshold", 300, 500, "ada"),
    )
    assert drift["since"] >= drift["at"]
    assert one.client.get("/fleet").json()["drift"] == []
    assert tomllib.loads(other.host.path.read_text())["wait_time"] == 10


def test_one_file_for_all_processes_is_told_by_nothing(make: Callable[[str], Plane]) -> None:
    one = make("a")
    one.host.member.runtime._wanted = one.host.member.settings
    assert "shared" not in one.patch("/breakers/payments/config", {"latency_threshold": 500})
