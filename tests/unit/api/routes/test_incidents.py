"""Incidents over HTTP, and what is done about those that were given up."""

from __future__ import annotations

import pytest

from breakerd.alerts.emulator.pytest_plugin import API_KEY
from tests.support.incident_plane import Plane


def test_one_alert_in_full(plane: Plane) -> None:
    alert_id = plane.trip("payments")
    shown = plane.client.get(f"/alerts/{alert_id}")
    assert shown.status_code == 200
    alert = shown.json()
    assert alert["id"] == alert_id
    assert list(alert["members"]) == ["payments"]
    assert [stage["priority"] for stage in alert["stages"]] == ["P3", "P2", "P1"]
    assert alert["deliveries"]["opsgenie"]["created"] is True
    assert API_KEY not in shown.text


def test_only_those_in_a_state(plane: Plane) -> None:
    alert_id = plane.trip("payments")
    active = plane.client.get("/alerts", params={"state": "active"}).json()["alerts"]
    assert [alert["id"] for alert in active] == [alert_id]
    assert plane.client.get("/alerts", params={"state": "closed"}).json() == {"alerts": []}
    assert plane.client.get("/alerts", params={"state": "open"}).status_code == 422


def test_dead_letters_are_requeued(plane: Plane) -> None:
    alert_id = plane.give_up()
    (listed,) = plane.client.get("/alerts").json()["alerts"]
    assert "422" in listed["dead_letters"]["opsgenie"]
    assert plane.emulator.alerts() == []
    answer = plane.client.post(f"/alerts/{alert_id}/retry")
    assert answer.status_code == 200
    assert (answer.json()["id"], answer.json()["receivers"]) == (alert_id, 1)
    plane.run()
    assert len(plane.emulator.alerts()) == 1
    (listed,) = plane.client.get("/alerts").json()["alerts"]
    assert listed["dead_letters"] == {}
    (entry,) = plane.client.get("/audit").json()["entries"]
    assert (entry["action"], entry["outcome"]) == ("retry alert", "done")
    assert entry["before"] == {"dead_letters": ["opsgenie"]}


def test_dead_letters_are_discarded(plane: Plane) -> None:
    alert_id = plane.give_up()
    answer = plane.client.post(f"/alerts/{alert_id}/discard", json={"reason": "told by phone"})
    assert (answer.status_code, answer.json()["receivers"]) == (200, 1)
    plane.run()
    (listed,) = plane.client.get("/alerts").json()["alerts"]
    assert listed["dead_letters"] == {}
    kept = plane.client.get(f"/alerts/{alert_id}").json()["deliveries"]["opsgenie"]
    assert "told by phone" in kept["discarded"]
    assert plane.emulator.alerts() == []
    (entry,) = plane.client.get("/audit").json()["entries"]
    assert entry["detail"] == f"{alert_id}: told by phone"


@pytest.mark.parametrize("verb", ["retry", "discard"])
def test_there_must_be_a_dead_letter(plane: Plane, verb: str) -> None:
    alert_id = plane.trip("payments")
    answer = plane.client.post(f"/alerts/{alert_id}/{verb}", json={"reason": "x"})
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:breakerd:problem:no-dead-letters"
    (entry,) = plane.client.get("/audit").json()["entries"]
    assert entry["outcome"] == "refused"


@pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("POST", "/retry"), ("POST", "/discard")]
)
def test_an_unknown_alert(plane: Plane, method: str, path: str) -> None:
    answer = plane.client.request(method, f"/alerts/nope{path}", json={"reason": "x"})
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:breakerd:problem:unknown-alert"


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "x", "author": "me"}])
def test_to_discard_takes_a_reason(plane: Plane, body: dict[str, str]) -> None:
    alert_id = plane.give_up()
    assert plane.client.post(f"/alerts/{alert_id}/discard", json=body).status_code == 422


def figures(plane: Plane) -> dict[str, float]:
    lines = plane.client.get("/metrics").text.splitlines()
    found = dict(line.rsplit(" ", 1) for line in lines if 'receiver="opsgenie"}' in line)
    return {name.partition("{")[0]: float(value) for name, value in found.items()}


def test_figures_of_receivers(plane: Plane) -> None:
    before = figures(plane)
    assert before["breakerd_alerts_dead_letters"] == 0
    assert before["breakerd_heartbeat_last_success_timestamp_seconds"] == 0
    assert "breakerd_alerts_last_success_timestamp_seconds" not in before
    plane.emulator.add_heartbeat("payments", interval=1)
    plane.give_up()
    plane.trip("default")
    plane.run()
    after = figures(plane)
    assert after["breakerd_alerts_dead_letters"] == 1
    for name in ("alerts", "heartbeat"):
        at = after[f"breakerd_{name}_last_success_timestamp_seconds"]
        assert 1_800_000_000 < at <= plane.wall()
