"""Processes and databases of another version, and reports without facts."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import pytest

from breakerd import Alerting
from breakerd.alerts.incidents.observation import PeerReport
from tests.unit.alerts.conftest import World

NEWER_THAN_0_1 = [
    "plans", "stage_note", "stage_times", "revision", "composed_at", "composed_revision", "holds",
    "counts", "drill_ends_at", "flapped_at", "flap_openings", "flap_notes", "merged_into", "former",
]  # fmt: skip
NEW_IN_A_DELIVERY = [
    "most_escalations", "told", "revision", "content", "sent", "tags", "update_failures",
    "update_retry_at", "closed_at", "last_problem", "last_problem_at", "reference",
]  # fmt: skip


def as_before(data: dict[str, Any]) -> dict[str, Any]:
    """An incident as version 0.1 wrote it."""
    for name in NEWER_THAN_0_1:
        del data[name]
    for delivery in data["deliveries"].values():
        for name in NEW_IN_A_DELIVERY:
            del delivery[name]
    for name in ("topic", "cause", "template_problem"):
        del data["content"][name]
    members = {name: member[:3] for name, member in data["members"].items()}
    return data | {
        "rejected": 7,
        "peak": {**(data["peak"] or {}), "rejected": 7},
        "notes": [note["text"] for note in data["notes"]],
        "members": members,
    }


def as_later(data: dict[str, Any]) -> dict[str, Any]:
    """An incident of a version to come, before it was set back."""
    for part in (data, data["content"], data["rules"], data["counts"], data["stages"][0]):
        part["new"] = 1
    members = {name: [*member, "new"] for name, member in data["members"].items()}
    return data | {"members": members}


@pytest.mark.parametrize("change", [as_before, as_later])
def test_an_alert_that_another_version_left_open_is_kept_escalated_and_closed(
    world: World, change: Any
) -> None:
    world.alerts["stages"] = [{"after": 0, "priority": "P3"}, {"after": 60, "priority": "P1"}]
    world.start()
    world.slow()
    world.after()
    assert world.stages() == ["created P3"]
    with sqlite3.connect(world.database) as connection:
        ((data,),) = connection.execute("SELECT data FROM incidents")
        written = json.dumps(change(json.loads(data)))
        connection.execute("UPDATE incidents SET data = ?", [written])
    connection.close()
    alerting = world.restart()
    breaker = world.slow()
    world.after(61)
    assert world.stages() == ["created P3", "priority P1"]
    breaker.reset()
    world.after()
    world.after(61)
    assert world.stages() == ["created P3", "priority P1", "closed"]
    assert alerting.incidents()[0]["phase"] == "closed"
    assert len(world.emulator.alerts()) == 1


def test_what_a_process_of_another_version_sees_is_told() -> None:
    text = json.dumps(
        {"observations": [["a", "open", 5.0, False]], "details": {}, "closing_reasons": {}}
    )
    report = PeerReport.from_json(text)
    assert report.observations["a"].kind == "open"
    assert report.context("a") is None
    assert report.closing_reason("a") == ""
    later = {"breaker": "b", "kind": "open", "since": 5.0, "new": 1}
    report = PeerReport.from_json(
        json.dumps({"process": "1", "observations": [later], "contexts": {"b": {"new": 1}}})
    )
    assert report.observations["b"].since == 5.0
    assert report.context("b") is None


def test_a_breaker_without_facts_is_told_all_the_same(world: World) -> None:
    """A report has facts of its first breakers only."""
    world.start()
    assert world.alerting is not None
    registry = world.make_registry()
    peer = Alerting(registry, world.alerting.settings, now=world.wall)
    peer.start()
    for number in range(23):
        registry.get(f"b{number:02}").force_open("a test")
    peer.run_once()
    for _ in range(5):
        world.after(1)
    alerts = {alert.message: alert for alert in world.emulator.alerts()}
    assert len(alerts) == 23
    assert "Breaker:b22" in alerts["b22 open"].tags
    peer.close()
