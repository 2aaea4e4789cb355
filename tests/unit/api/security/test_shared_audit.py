from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from breakerd.api.security.audit import AuditLog
from breakerd.api.security.auth import Actor
from breakerd.api.security.shared_audit import SharedAudit
from breakerd.breaker.fleet.hub.store import AUDIT
from tests.support.fleet_members import BreakableHub, Member
from tests.support.polling import until

ADA = Actor("full token", "10.0.0.1", "ada")
Make = Callable[[str], "Process"]


class Process:
    """A process with an audit log."""

    def __init__(self, hub: BreakableHub, folder: Path, name: str) -> None:
        self.member = Member(hub, folder, name)
        self.log = AuditLog()
        SharedAudit(self.log, self.member.fleet)
        self.member.start()

    def record(self, action: str, **after: object) -> None:
        self.log.record(ADA, action, breaker="b", before={}, after=after, outcome="done")

    @property
    def actions(self) -> list[str]:
        return [each["action"] for each in self.log.entries()]


@pytest.fixture
def hub() -> BreakableHub:
    return BreakableHub()


@pytest.fixture
def make(hub: BreakableHub, tmp_path: Path) -> Iterator[Make]:
    made: list[Process] = []

    def make(name: str) -> Process:
        made.append(Process(hub, tmp_path, name))
        return made[-1]

    yield make
    for each in made:
        each.member.close()


def test_each_process_shows_what_all_were_asked_for(make: Make) -> None:
    one, other = make("a"), make("b")
    one.record("trip")
    other.record("reset")
    until(lambda: set(one.actions) == set(other.actions) == {"trip", "reset"})
    assert one.log.entries() == other.log.entries()
    assert all(each["process"] and each["id"] for each in one.log.entries())


def test_a_later_process_shows_what_was_before_it(make: Make) -> None:
    one = make("a")
    one.record("trip")
    one.member.meet()
    later = make("b")
    until(lambda: later.actions == ["trip"])


def test_what_was_recorded_while_the_hub_was_away_is_shown_later(
    make: Make, hub: BreakableHub
) -> None:
    one, other = make("a"), make("b")
    hub.away = True
    one.record("trip")
    one.member.meet()
    assert other.actions == []
    hub.away = False
    until(lambda: other.actions == ["trip"])


def test_a_hub_that_has_forgotten_gets_them_again(make: Make, hub: BreakableHub) -> None:
    one, other = make("a"), make("b")
    one.record("trip")
    until(lambda: other.actions == ["trip"])
    hub.inner.wipe()
    until(lambda: len(hub.store.changes(AUDIT).entries) == 1)
    assert one.actions == other.actions == ["trip"]


def test_values_that_stay_on_this_host(make: Make, hub: BreakableHub) -> None:
    one, other = make("a"), make("b")
    secret = {
        "api.port": "private",
        "fleet.hub": "private",
        "alerts.receivers.webhook.x.timeout": "private",
        "opsgenie.api_url": "private",
    }
    one.record("set", latency_threshold=5, **secret)
    until(lambda: other.actions == ["set"])
    assert "private" not in hub.store.changes(AUDIT).entries[0].value
    assert other.log.entries()[0]["after"] == {
        "latency_threshold": 5,
        **dict.fromkeys(secret, "(not shared)"),
    }
    assert one.log.entries()[0]["after"] == {"latency_threshold": 5, **secret}


def test_what_is_no_entry_is_left_out(
    make: Make, hub: BreakableHub, caplog: pytest.LogCaptureFixture
) -> None:
    one = make("a")
    one.record("trip")
    until(lambda: len(hub.store.changes(AUDIT).entries) == 1)
    real = json.loads(hub.store.changes(AUDIT).entries[0].value)
    for key, value in {
        "1": "{",
        "2": "[" * 100_000,
        "3": "7",
        "4": json.dumps({**real, "id": "4", "before": 3}),
        "5": json.dumps(real),
        "6": "",
        "7": json.dumps({**real, "id": "7", "action": "good", "new": 1}),
    }.items():
        hub.store.write(AUDIT, key, value)
    until(lambda: set(one.actions) == {"trip", "good"})
    assert caplog.text.count("an audit entry at the hub is invalid") == 5


def test_an_entry_that_is_too_long_stays_here(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    one = make("a")
    one.record("set", text="x" * 1_100_000)
    assert one.actions == ["set"]
    assert "in this process only" in caplog.text
