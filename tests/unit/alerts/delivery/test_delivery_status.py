"""Status of the delivery to each receiver."""

from __future__ import annotations

from typing import Any

from breakerd.alerts.delivery.delivery_status import delivery_status
from tests.unit.alerts.conftest import World

STAGED = {"time_before_send_alert": 60}


def shown(world: World) -> dict[str, Any]:
    assert world.alerting is not None
    (incident,) = world.alerting._runtime.incident_log
    return delivery_status(incident.deliveries["opsgenie"])


def test_what_was_told_is_shown_with_its_times(world: World) -> None:
    world.start(**STAGED)
    began = world.wall()
    world.slow()
    world.after()
    world.after(61)
    assert shown(world) | {"last_problem": ""} == {
        "told": True,
        "priority": "P1",
        "at": began,
        "stages": [{"at": began, "priority": "P3"}, {"at": began + 61, "priority": "P1"}],
        "closed": False,
        "closed_at": None,
        "acknowledged": False,
        "closed_manually_at": None,
        "attempts": 0,
        "next_attempt_at": None,
        "problem": "",
        "last_problem": "",
        "last_problem_at": None,
        "dead_letter_reason": None,
        "discarded": "",
        "superseded": False,
        "fallback": False,
    }


def test_what_keeps_a_receiver_from_being_told_is_shown(world: World) -> None:
    world.start()
    world.emulator.fail("error")
    world.slow()
    world.after()
    state = shown(world)
    assert (state["told"], state["priority"], state["at"]) == (False, None, None)
    assert state["attempts"] == 1
    assert "503" in state["problem"]
    assert state["last_problem_at"] == world.wall()
    assert world.wall() < state["next_attempt_at"] <= world.wall() + 1
    world.emulator.heal()
    world.after(2)
    state = shown(world)
    assert (state["told"], state["problem"], state["next_attempt_at"]) == (True, "", None)
    assert "503" in state["last_problem"], "what went wrong is not lost"


def test_the_time_of_the_closing_is_kept(world: World) -> None:
    alerting = world.start()
    world.slow()
    world.after()
    world.registry.get().reset()
    world.after()
    world.after(61)
    (summary,) = alerting.incidents()
    incident = alerting._runtime.incident_log.get(summary["id"])
    assert delivery_status(incident.deliveries["opsgenie"])["closed_at"] == world.wall()
