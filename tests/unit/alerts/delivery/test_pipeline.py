"""The receivers that the settings name, and the log where there is none."""

from __future__ import annotations

import logging

import pytest
from pydantic import SecretStr

from breakerd import (
    AlertingSettings,
)
from tests.unit.alerts.conftest import KEY, World

STAGED = {"time_before_send_alert": 60}


def test_without_a_key_the_log_takes_it_and_says_so(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "breakerd.alerts"):
        alerting = world.start(api_key=None, **STAGED)
        world.slow()
        world.after()
        world.after(60)
        world.registry.get().reset()
        world.after()
        world.after(60)
    assert world.emulator.requests == []
    assert not alerting.paging
    assert alerting.health() == {
        "ok": False,
        "stalled": False,
        "paging": False,
        "problems": ["nobody is being paged: OPSGENIE_API_KEY is not set"],
    }
    assert "nobody is being paged: OPSGENIE_API_KEY is not set" in caplog.text
    steps = [r.event for r in caplog.records if r.name == "breakerd.alerts.receivers.log"]  # type: ignore[attr-defined]
    assert steps == [f"alert {step}, nobody is paged" for step in ("create", "priority", "close")]


def test_switched_off_is_no_fault(world: World) -> None:
    alerting = world.start(enabled=False)
    assert alerting.health()["ok"]
    assert not alerting.paging
    assert alerting.opsgenie_status()["initialized"] is False


def test_a_key_that_comes_later_tells_what_goes_on(world: World) -> None:
    alerting = world.start(api_key=None)
    world.slow()
    world.after()
    settings = alerting.settings
    alerting.apply(
        AlertingSettings(
            settings.opsgenie.model_copy(update={"api_key": SecretStr(KEY)}), settings.alerts
        )
    )
    world.after()
    assert world.history() == ["created P3"]
    assert alerting.stats().counts == {("log", "delivered"): 1, ("opsgenie", "delivered"): 1}
    world.registry.get().reset()
    world.after()
    world.after(61)
    assert world.history() == ["created P3", "closed"]
    assert list(alerting._runtime.incident_log) == [], "nothing is left to be told"


def test_environments_may_not_send_or_send_otherwise(world: World) -> None:
    environments = {"DEV": {"enabled": False}, "Prod": {"enabled": True, "priority": "P1"}}
    alerting = world.start(use_environments=True, environment_settings=environments)
    world.slow()
    world.after()
    assert world.emulator.alerts()[0].priority == "P1"
    alerting.change({"environment": "dev"})
    assert not alerting.paging


def test_a_missing_team_is_told_and_the_alert_is_sent(world: World) -> None:
    alerting = world.start(team="", bookmaker_id="")
    problems = alerting.health()["problems"]
    assert [problem.split(" is ")[0] for problem in problems] == ["[opsgenie] team"]
    world.slow()
    world.after()
    (alert,) = world.emulator.alerts()
    assert alert.responders == []
    assert alert.details["Team"] == "unknown"
