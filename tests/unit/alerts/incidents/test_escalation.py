"""Stages of an incident, and what delays them."""

from __future__ import annotations

from pydantic import SecretStr

from breakerd import (
    AlertingSettings,
)
from tests.unit.alerts.conftest import KEY, World

STAGED = {"time_before_send_alert": 60}


def test_escalation_waits_while_it_is_quiet(world: World) -> None:
    world.start(**STAGED)
    world.slow()
    world.after()
    world.registry.get().reset()
    world.after(30)
    world.after(35)
    assert world.emulator.alerts()[0].priority == "P3"
    world.slow()
    world.after(1)
    assert world.emulator.alerts()[0].priority == "P1"


def test_editing_the_stages_does_not_touch_an_incident_that_runs(world: World) -> None:
    alerting = world.start(**STAGED)
    world.slow()
    world.after()
    alerting.change({"time_before_send_alert": 10, "escalated_alert_priority": "P2"})
    world.after(30)
    assert world.emulator.alerts()[0].priority == "P3"
    world.after(30)
    assert world.emulator.alerts()[0].priority == "P1"


def test_a_wall_clock_that_was_set_back_does_not_put_off_a_stage(world: World) -> None:
    alerting = world.start(**STAGED, alert_cooldown_seconds=300)
    world.slow()
    world.after()
    world.wall.advance(-86_400)
    alerting = world.restart(**STAGED, alert_cooldown_seconds=300)
    world.slow()
    world.after(30)
    (pending,) = alerting.staged_alerts("default")["pending_alerts"].values()
    assert pending["escalates_in_seconds"] == 30
    world.after(30)
    assert world.emulator.alerts()[0].priority == "P1"


def test_a_silence_holds_back_escalation(world: World) -> None:
    alerting = world.start(**STAGED)
    world.slow()
    world.after()
    alerting.add_silence(author="ana", reason="known", seconds=120, kind="open")
    world.after(90)
    assert world.emulator.alerts()[0].priority == "P3"
    world.after(31)
    assert world.emulator.alerts()[0].priority == "P1"


def test_what_the_log_escalated_is_told_at_its_priority(world: World) -> None:
    alerting = world.start(api_key=None, **STAGED)
    world.slow()
    world.after()
    world.after(61)
    settings = alerting.settings
    alerting.apply(
        AlertingSettings(
            settings.opsgenie.model_copy(update={"api_key": SecretStr(KEY)}), settings.alerts
        )
    )
    world.after()
    assert world.history()[0] == "created P1"


def test_a_stage_that_waits_for_the_receiver_covers_the_note_about_flaps(world: World) -> None:
    world.start(**STAGED)
    breaker = world.slow()
    world.after()
    for _ in range(2):
        breaker.reset()
        world.after(20)
        world.slow()
        world.after(11)
    world.after(60)
    world.after(1)
    assert world.history() == ["created P3", "priority P1"]


def test_a_stage_says_how_often_it_came_back(world: World) -> None:
    alerting = world.start(**STAGED)
    breaker = world.slow()
    world.after()
    breaker.reset()
    world.after(20)
    world.slow()
    world.after(41)
    world.after(1)
    (shown,) = alerting.incidents()
    note = alerting.incident(shown["id"])["stage_note"]  # type: ignore[index]
    assert note.endswith("Opened and closed once in the last 41 s.")
