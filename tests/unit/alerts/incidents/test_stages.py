"""Stages by default, by go-breaker's keys, and by the severity of a degraded breaker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from breakerd import AlertingSettings, AlertsSettings, OpsGenieSettings, Settings
from breakerd.alerts.incidents import policy
from breakerd.alerts.incidents.severity import degraded_severity
from breakerd.alerts.settings.alerting import read_settings
from breakerd.breaker.breaker import Breaker
from breakerd.breaker.config.document import parse_document
from breakerd.breaker.testing import simulate_call
from tests.unit.alerts.conftest import UNSET, World

DEFAULT: dict[str, Any] = {"time_before_send_alert": UNSET}


def stages(alerts: dict[str, object] | None = None, **opsgenie: object) -> list[tuple[float, str]]:
    settings = AlertingSettings(
        OpsGenieSettings.model_validate(opsgenie), AlertsSettings.model_validate(alerts or {})
    )
    return [(stage.after, stage.priority) for stage in policy.stages(settings)]


THREE = [(0, "P3"), (60, "P2"), (300, "P1")]


@pytest.mark.parametrize(
    ("keys", "wanted"),
    [
        ({}, THREE),
        ({"priority": "P3"}, THREE),
        ({"priority": "P2"}, [(0, "P2"), (60, "P1")]),
        ({"priority": "P1"}, [(0, "P1")]),
        ({"priority": "P5"}, [(0, "P5"), (60, "P4"), (300, "P1")]),
        ({"time_before_send_alert": 0}, [(0, "P3")]),
        ({"time_before_send_alert": 0, "priority": "P2"}, [(0, "P2")]),
        ({"time_before_send_alert": 30}, [(0, "P3"), (30, "P1")]),
        ({"initial_alert_priority": "P4"}, [(0, "P3")]),
        ({"escalated_alert_priority": "P2", "priority": "P4"}, [(0, "P4")]),
    ],
)
def test_go_breakers_keys_do_what_they_said(
    keys: dict[str, Any], wanted: list[tuple[float, str]]
) -> None:
    assert stages(**keys) == wanted


def test_the_priority_of_an_environment_counts_as_the_priority() -> None:
    policies = {"PROD": {"priority": "P2"}}
    keys: dict[str, Any] = {
        "use_environments": True,
        "environment": "prod",
        "environment_settings": policies,
    }
    assert stages(**keys) == [(0, "P2"), (60, "P1")]


def test_our_stages_win_over_all() -> None:
    own: dict[str, object] = {
        "stages": [{"after": 0, "priority": "P4"}, {"after": 9, "priority": "P2"}]
    }
    assert stages(own, time_before_send_alert=60) == [(0, "P4"), (9, "P2")]


def test_an_empty_text_is_no_key_that_is_set() -> None:
    text = '[opsgenie]\ninitial_alert_priority = ""\nescalated_alert_priority = ""\n'
    document = parse_document(Path("breakers.toml"), text)
    found = policy.stages(read_settings(document, {}))
    assert [(stage.after, stage.priority) for stage in found] == THREE


def test_by_default_it_goes_up_twice(world: World) -> None:
    alerting = world.start(**DEFAULT)
    world.slow()
    world.after()
    for _ in range(31):
        world.after(10)
    assert world.stages() == ["created P3", "priority P2", "priority P1"]
    shown = alerting.staged_alerts("default")
    assert (shown["enabled"], shown["time_before_alert"]) == (True, 60)
    assert (shown["initial_priority"], shown["escalated_priority"]) == ("P3", "P2")


def test_a_priority_that_is_posted_is_where_it_begins(world: World) -> None:
    alerting = world.start(**DEFAULT)
    alerting.change({"priority": "P2"})
    world.slow()
    world.after()
    world.after(61)
    assert world.stages() == ["created P2", "priority P1"]


# --- degraded breakers

SLO = {"success_rate": 0.99, "timeout": 1.0, "warmup": 0.0}


def burning(ten_seconds: float, five_minutes: float, *, missed: bool = True) -> Any:
    status: dict[str, Any] = {**Breaker(Settings.model_validate({"slo": SLO})).status()}
    status["slo"] = {
        **status["slo"], "missed": missed,
        "burn_rate_10s": ten_seconds, "burn_rate_5min": five_minutes,
    }  # fmt: skip
    return status


@pytest.mark.parametrize(
    ("rates", "severity"),
    [
        ((50, 50), "page"),
        ((14.4, 14.4), "page"),
        ((50, 14.3), "elevated"),
        ((14.3, 50), "elevated"),
        ((6, 6), "elevated"),
        ((50, 5.9), "low"),
        ((1, 50), "low"),
    ],
)
def test_the_severity_is_that_of_the_window_that_burns_less(
    rates: tuple[float, float], severity: str
) -> None:
    assert degraded_severity(burning(*rates)) == severity


def test_a_service_level_that_is_met_is_of_no_severity() -> None:
    assert degraded_severity(burning(50, 50, missed=False)) == "low"


def test_a_severity_falls_only_when_it_is_clearly_lower() -> None:
    assert degraded_severity(burning(13, 13), "page") == "page"
    assert degraded_severity(burning(11, 11), "page") == "elevated"
    assert degraded_severity(burning(5, 5), "elevated") == "elevated"
    assert degraded_severity(burning(4, 4), "page") == "low"


@pytest.mark.parametrize(
    ("share", "before", "severity"),
    [(0.1, "low", "page"), (0.09, "low", "low"), (0.09, "page", "page"), (0.07, "page", "low")],
)
def test_what_is_shed_decides_about_overload(share: float, before: str, severity: str) -> None:
    status = burning(0, 0, missed=False)
    status["limiter"] = {"shedding": True, "shed_share": share}
    assert degraded_severity(status, before) == severity
    status["limiter"]["shedding"] = False
    assert degraded_severity(status) == "low"


def fail(world: World, calls: int, *, every: int) -> None:
    breaker = world.registry.get()
    for number in range(calls):
        simulate_call(breaker, world.clock, 100, error=number % every == 0)
    breaker.tick()


def test_half_of_all_calls_failing_pages(world: World) -> None:
    world.registry.change("default", {"slo": SLO})
    world.start(**DEFAULT)
    fail(world, 200, every=2)
    world.after()
    for _ in range(31):
        fail(world, 10, every=2)
        world.after(10)
    assert world.registry.get().state.value == "CLOSED"
    assert world.stages() == ["created P3", "priority P2", "priority P1"]


def test_trouble_that_becomes_worse_is_raised_from_then_on(world: World) -> None:
    world.registry.change("default", {"slo": SLO})
    world.start(**DEFAULT)
    fail(world, 400, every=25)
    world.after()
    assert world.stages() == ["created P4"]
    world.after(400)
    assert world.stages() == ["created P4"], "little of the budget burns"
    fail(world, 4000, every=2)
    world.after()
    assert world.stages() == ["created P4", "priority P3"]
    world.after(59)
    assert world.stages() == ["created P4", "priority P3"]
    world.after(1)
    assert world.stages() == ["created P4", "priority P3", "priority P2"]


def test_stages_of_degraded_breakers_can_be_set(world: World) -> None:
    world.alerts["degraded_stages"] = [
        {"after": 0, "priority": "P5"}, {"after": 120, "priority": "P2"},
    ]  # fmt: skip
    world.registry.change("default", {"slo": SLO})
    world.start(**DEFAULT)
    fail(world, 200, every=2)
    world.after()
    world.after(119)
    assert world.stages() == ["created P5"]
    world.after(1)
    assert world.stages() == ["created P5", "priority P2"]


def test_the_text_of_a_late_alert_is_that_of_its_stage(world: World) -> None:
    """It is composed after the stage that is due is known."""
    world.alerts["templates"] = {"open": {"description": "$priority: $cause"}}
    world.start(**DEFAULT)
    world.registry.get("a").force_open("a test")
    world.after(61)
    (alert,) = world.emulator.alerts()
    assert alert.priority == "P2"
    assert alert.description.startswith("P2: ")
    assert "now P2" in alert.message
