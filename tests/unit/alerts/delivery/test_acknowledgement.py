"""Acknowledging and closing of alerts by people at the receiver."""

from __future__ import annotations

import httpx
import pytest

from breakerd.alerts.model.incident import Incident
from tests.unit.alerts.conftest import KEY, World

STAGED = {"time_before_send_alert": 60}


def act(world: World, what: str) -> None:
    """Somebody does that to the latest alert."""
    alias = world.emulator.alerts()[-1].alias
    url = f"{world.emulator.url}/v2/alerts/{alias}/{what}?identifierType=alias"
    headers = {"Authorization": f"GenieKey {KEY}"}
    httpx.post(url, json={"user": "ann"}, headers=headers).raise_for_status()


def test_what_somebody_acknowledged_is_not_escalated(world: World) -> None:
    alerting = world.start(**STAGED)
    world.slow()
    world.after()
    act(world, "acknowledge")
    world.after(60)
    world.after(600)
    assert world.emulator.alerts()[0].priority == "P3"
    assert alerting.incidents()[0]["acknowledged"]
    world.registry.get().reset()
    world.after()
    world.after(61)
    assert world.history() == ["created P3", "acknowledged", "closed"]


def test_what_nobody_acknowledges_any_more_is_escalated(world: World) -> None:
    world.start(**STAGED)
    world.slow()
    world.after()
    act(world, "acknowledge")
    world.after(60)
    act(world, "unacknowledge")
    world.after(61)
    assert world.stages() == ["created P3", "priority P1"]


def test_what_becomes_weightier_is_raised_though_somebody_acknowledged_the_lesser(
    world: World,
) -> None:
    world.start()
    breaker = world.slow_without_a_trip()
    world.after()
    act(world, "acknowledge")
    breaker.force_open("worse")
    world.after(61)
    assert "Now open" in world.notes()[0]


def test_what_somebody_closed_stays_closed(world: World) -> None:
    world.alerts["on_manual_close"] = "respect"
    alerting = world.start(**STAGED)
    world.slow()
    world.after()
    act(world, "close")
    world.after(60)
    world.after(3600)
    world.registry.get().reset()
    world.after()
    world.after(61)
    assert world.history() == ["created P3", "closed"]
    assert len(world.emulator.alerts()) == 1
    assert alerting.stats().pending == 0


def test_what_somebody_closed_is_opened_again_if_that_is_wanted(world: World) -> None:
    world.alerts |= {"on_manual_close": "reopen", "reopen_after": 300.0}
    world.start(**STAGED)
    world.slow()
    world.after()
    act(world, "close")
    world.after(61)
    world.after(299)
    assert len(world.emulator.alerts()) == 1
    world.after(61)
    world.after()
    assert [alert.status for alert in world.emulator.alerts()] == ["closed", "open"]
    assert world.emulator.alerts()[1].alias == world.emulator.alerts()[0].alias
    world.registry.get().reset()
    world.after()
    world.after(61)
    assert world.emulator.alerts()[1].status == "closed"


def test_a_receiver_that_does_not_tell_stops_no_page(world: World) -> None:
    world.start(**STAGED)
    world.slow()
    world.after()
    world.emulator.fail("error", path="GET /v2/alerts/breakerd")
    world.after(60)
    assert world.emulator.alerts()[0].priority == "P3", "it is asked once more"
    world.after(16)
    world.after(1)
    assert world.emulator.alerts()[0].priority == "P1"


def test_a_key_that_may_not_ask_stops_no_page(world: World) -> None:
    alerting = world.start(**STAGED)
    world.slow()
    world.after()
    world.emulator.fail("unauthorized", path="GET /v2/alerts/breakerd")
    world.after(60)
    assert world.emulator.alerts()[0].priority == "P1"
    assert alerting.paging


def test_reminders_come_at_growing_intervals(world: World) -> None:
    world.alerts["remind_after"] = 900.0
    world.start()
    world.slow()
    world.after()
    notified_at = []
    for minute in range(5, 24 * 60, 5):
        before = len(world.notes())
        world.after(300)
        if len(world.notes()) > before:
            notified_at.append(minute)
    assert notified_at == [15, 45, 105, 225, 465, 825, 1185]
    assert world.notes()[1].startswith("Still open after 45 min. ")


@pytest.mark.parametrize("limit", [60, 21_600])
def test_reminders_have_a_longest_pause(world: World, limit: int) -> None:
    world.alerts["remind_after"] = float(limit)
    world.start()
    world.slow()
    world.after()
    world.after(3 * 86400)
    before = len(world.notes())
    world.after(6 * 3600)
    assert len(world.notes()) == before + 1


def test_what_was_acknowledged_while_the_raising_failed_is_not_raised(world: World) -> None:
    world.start(**STAGED)
    world.slow()
    world.after()
    world.emulator.fail("down", path="PUT ")
    world.after(60)
    assert world.emulator.alerts()[0].priority == "P3"
    act(world, "acknowledge")
    world.emulator.heal()
    for _ in range(5):
        world.after(2)
    assert world.emulator.alerts()[0].priority == "P3"


def test_a_pause_that_is_asked_for_while_people_are_asked_about_holds_for_all(
    world: World,
) -> None:
    """A 429 on the question whether somebody acknowledged; nothing at all is sent meanwhile."""
    alerting = world.start(**STAGED)
    world.slow()
    world.after()
    world.emulator.fail("rate_limit", path="GET /v2/alerts/", delay=30)
    before = len(world.emulator.requests)
    world.after(60)
    assert [entry.status for entry in world.emulator.requests[before:]] == [429]
    assert alerting.stats().counts["opsgenie", "paused"] == 1
    for _ in range(29):
        world.after(1)
    assert len(world.emulator.requests) == before + 1
    world.emulator.heal()
    world.after(1)
    assert world.history()[-1:] == ["priority P1"], "and then as if nothing had been"


def test_it_is_kept_when_it_was_seen_and_when_it_was_withdrawn(world: World) -> None:
    alerting = world.start(time_before_send_alert=600)
    world.slow()
    world.after()
    (incident,) = alerting._runtime.incident_log
    act(world, "acknowledge")
    world.after(61)
    acknowledged = world.wall()
    act(world, "unacknowledge")
    world.after(61)
    seen = [(acknowledged, True), (world.wall(), False)]
    assert incident.deliveries["opsgenie"].acknowledgements == seen
    again = Incident.from_dict(incident.as_dict())
    assert again.deliveries["opsgenie"].acknowledgements == seen
