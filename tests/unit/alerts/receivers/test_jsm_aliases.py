"""Every alert that was ever created is closed in the end, whatever the settings became meanwhile.

Integration events cannot change a priority: each stage is an alert of its own, ALIAS:s2, ALIAS:s3.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from breakerd import AlertingSettings, AlertsSettings, Breaker, OpsGenieSettings
from breakerd.alerts.emulator import Emulator
from tests.support.webhook_receiver import RecordingServer, Reply
from tests.unit.alerts.conftest import KEY, World

STAGED = {"time_before_send_alert": 60}
STAGES = [
    {"after": 0.0, "priority": "P3"},
    {"after": 60.0, "priority": "P2"},
    {"after": 300.0, "priority": "P1"},
]


@pytest.fixture
def jsm(jsm_emulator: Emulator, tmp_path: Path) -> Iterator[World]:
    """World whose `[opsgenie]` is switched off, and whose receivers are at JSM's emulator."""
    made = World(jsm_emulator, tmp_path)
    yield made
    if made.alerting is not None:
        made.alerting.close()


def at(world: World, **more: object) -> dict[str, object]:
    """Return the settings of an integration at the emulator."""
    return {"key": KEY, "api_url": world.emulator.url, **more}


def change(world: World, receivers: dict[str, Any], **opsgenie: object) -> None:
    """Change the settings while an incident runs."""
    assert world.alerting is not None
    before = world.alerting.settings
    own = before.opsgenie.model_dump() | {"api_key": before.opsgenie.api_key} | opsgenie
    alerts = before.alerts.model_dump() | {"receivers": receivers}
    world.alerting.apply(
        AlertingSettings(
            OpsGenieSettings.model_validate(own), AlertsSettings.model_validate(alerts)
        )
    )
    world.after(1)


def aliases(world: World) -> list[str]:
    """Return what was created, by its number: 1 is ALIAS."""
    return [each.alias.partition(":s")[2] or "1" for each in world.emulator.alerts()]


def still_open(world: World) -> list[str]:
    return [each.alias for each in world.emulator.alerts() if each.status == "open"]


def escalate(world: World) -> Breaker:
    breaker = world.slow()
    world.after()
    world.after(61)
    return breaker


def end(world: World, breaker: Breaker) -> None:
    breaker.reset()
    world.after()
    world.after(61)
    world.after(1)


def test_the_trial_is_replaced_by_the_switch_over(jsm: World) -> None:
    jsm.alerts["receivers"] = {"jsm": {"trial": at(jsm)}}
    jsm.start(enabled=False, **STAGED)
    breaker = escalate(jsm)
    assert aliases(jsm) == ["1", "2"]
    change(jsm, {}, enabled=True, flavour="jsm")
    end(jsm, breaker)
    assert still_open(jsm) == []
    assert jsm.alerting is not None
    assert list(jsm.alerting._runtime.incident_log) == []


def test_the_trial_is_replaced_before_a_restart(jsm: World) -> None:
    jsm.alerts["receivers"] = {"jsm": {"trial": at(jsm)}}
    jsm.start(enabled=False, **STAGED)
    escalate(jsm)
    jsm.alerts["receivers"] = {}
    jsm.restart(flavour="jsm", **STAGED)
    breaker = jsm.slow()
    jsm.after()
    end(jsm, breaker)
    assert aliases(jsm) == ["1", "2"]
    assert still_open(jsm) == []


def test_a_trial_that_is_removed_closes_what_it_has(jsm: World) -> None:
    jsm.alerts["receivers"] = {"jsm": {"trial": at(jsm)}}
    jsm.start(enabled=False, **STAGED)
    breaker = escalate(jsm)
    change(jsm, {})
    jsm.after(600)
    assert len(still_open(jsm)) == 2, "the incident goes on"
    notes = [len(each.notes) for each in jsm.emulator.alerts()]
    end(jsm, breaker)
    assert still_open(jsm) == []
    assert [len(each.notes) for each in jsm.emulator.alerts()] == [n + 1 for n in notes]
    assert jsm.alerting is not None
    assert list(jsm.alerting._runtime.incident_log) == []


def test_a_trial_that_is_renamed_pages_with_each_priority_and_closes_all(jsm: World) -> None:
    jsm.alerts["receivers"] = {"jsm": {"trial": at(jsm)}}
    jsm.alerts["stages"] = STAGES
    jsm.start(enabled=False)
    breaker = escalate(jsm)
    change(jsm, {"jsm": {"real": at(jsm)}})
    jsm.after(300)
    assert aliases(jsm) == ["1", "2", "3"]
    assert [each.priority for each in jsm.emulator.alerts()] == ["P3", "P2", "P1"]
    end(jsm, breaker)
    assert still_open(jsm) == []


def test_a_trial_for_the_most_urgent_ends_before_the_other(jsm: World) -> None:
    jsm.alerts["receivers"] = {"jsm": {"trial": at(jsm, min_priority="P1")}}
    jsm.start(flavour="jsm", **STAGED)
    breaker = escalate(jsm)
    assert aliases(jsm) == ["1", "2"]
    change(jsm, {})
    end(jsm, breaker)
    assert still_open(jsm) == []


def test_the_other_ends_before_a_trial_for_the_most_urgent(jsm: World) -> None:
    jsm.alerts["receivers"] = {"jsm": {"trial": at(jsm, min_priority="P1")}}
    jsm.start(flavour="jsm", **STAGED)
    breaker = escalate(jsm)
    change(jsm, {"jsm": {"trial": at(jsm, min_priority="P1")}}, enabled=False)
    end(jsm, breaker)
    assert aliases(jsm) == ["1", "2"]
    assert still_open(jsm) == []


def test_the_other_is_gone_after_a_restart(jsm: World) -> None:
    trial = {"trial": at(jsm, min_priority="P1")}
    jsm.alerts |= {"receivers": {"jsm": {"other": at(jsm), **trial}}, "stages": STAGES}
    jsm.start(enabled=False)
    escalate(jsm)
    jsm.after(300)
    jsm.alerts["receivers"] = {"jsm": trial}
    jsm.restart(enabled=False)
    breaker = jsm.slow()
    jsm.after()
    end(jsm, breaker)
    assert aliases(jsm) == ["1", "2", "3"]
    assert still_open(jsm) == []


def test_a_second_receiver_is_added_late_and_the_first_removed(jsm: World) -> None:
    jsm.alerts["receivers"] = {"jsm": {"first": at(jsm)}}
    jsm.alerts["stages"] = STAGES
    jsm.start(enabled=False)
    breaker = escalate(jsm)
    change(jsm, {"jsm": {"first": at(jsm), "second": at(jsm)}})
    jsm.after(300)
    change(jsm, {"jsm": {"second": at(jsm)}})
    end(jsm, breaker)
    assert still_open(jsm) == []


def test_there_and_back_again(jsm: World, opsgenie_emulator: Emulator) -> None:
    jsm.alerts["stages"] = STAGES
    jsm.start(api_url=opsgenie_emulator.url)
    breaker = jsm.slow()
    jsm.after()
    change(jsm, {}, flavour="jsm", api_url=jsm.emulator.url)
    jsm.after(61)
    change(jsm, {}, flavour="opsgenie", api_url=opsgenie_emulator.url)
    jsm.after(300)
    end(jsm, breaker)
    assert aliases(jsm) == ["1", "2"]
    assert still_open(jsm) == []
    (alert,) = opsgenie_emulator.alerts()
    told = ("created", "priority", "closed")
    what = [each.what for each in alert.history if each.what.startswith(told)]
    assert what == ["created P3", "priority P2", "priority P1", "closed"]
    assert jsm.alerting is not None
    assert list(jsm.alerting._runtime.incident_log) == []


def test_one_that_is_created_late_closes_what_it_created(
    jsm: World, opsgenie_emulator: Emulator
) -> None:
    jsm.alerts["receivers"] = {"jsm": {"late": at(jsm, min_priority="P2")}}
    jsm.alerts["stages"] = STAGES
    jsm.start(api_url=opsgenie_emulator.url)
    breaker = escalate(jsm)
    jsm.after(300)
    assert [each.priority for each in jsm.emulator.alerts()] == ["P2", "P1"]
    end(jsm, breaker)
    assert still_open(jsm) == []


def test_one_that_somebody_closed_by_hand_is_closed_with_the_others(jsm: World) -> None:
    jsm.start(flavour="jsm", **STAGED)
    breaker = escalate(jsm)
    jsm.emulator.close(jsm.emulator.alerts()[0].alias)
    end(jsm, breaker)
    assert still_open(jsm) == []


# --- receivers that are no longer configured


def events(server: RecordingServer) -> list[str]:
    return [request.json["event_action"] for request in server.requests]


def test_a_former_receiver_gets_nothing_but_the_end(jsm: World, server: RecordingServer) -> None:
    server.answer = lambda _request: Reply(202, {"status": "success"})
    pagerduty = {"pagerduty": {"a": {"key": "k", "api_url": server.url}}}
    jsm.alerts["receivers"] = pagerduty
    jsm.start(enabled=False, **STAGED)
    breaker = jsm.slow()
    jsm.after()
    change(jsm, {})
    jsm.after(61)
    jsm.after(600)
    assert events(server) == ["trigger"]
    end(jsm, breaker)
    assert events(server) == ["trigger", "resolve"]


def test_a_receiver_that_is_configured_again_goes_on(jsm: World, server: RecordingServer) -> None:
    server.answer = lambda _request: Reply(202, {"status": "success"})
    pagerduty = {"pagerduty": {"a": {"key": "k", "api_url": server.url}}}
    jsm.alerts["receivers"] = pagerduty
    jsm.start(enabled=False, **STAGED)
    breaker = jsm.slow()
    jsm.after()
    change(jsm, {})
    change(jsm, pagerduty)
    jsm.after(61)
    end(jsm, breaker)
    severities = [r.json.get("payload", {}).get("severity") for r in server.requests]
    assert severities[0] == "warning"
    assert "critical" in severities
    assert events(server)[-1] == "resolve"


@pytest.mark.parametrize(
    "refusal", [Reply(400, {"errors": ["Invalid routing key"]}), Reply(503, "")]
)
def test_a_former_receiver_that_cannot_be_told_is_given_up_and_named(
    jsm: World, server: RecordingServer, caplog: pytest.LogCaptureFixture, refusal: Reply
) -> None:
    server.answer = lambda _request: Reply(202, {"status": "success"})
    jsm.alerts["receivers"] = {"pagerduty": {"a": {"key": "k", "api_url": server.url}}}
    jsm.start(enabled=False, **STAGED)
    breaker = jsm.slow()
    jsm.after()
    change(jsm, {})
    server.answer = lambda _request: refusal
    with caplog.at_level(logging.WARNING, "breakerd.alerts.storage"):
        end(jsm, breaker)
        for _ in range(40):
            jsm.after(61)
    (record,) = (r for r in caplog.records if "stays open" in r.getMessage())
    assert vars(record)["fields"]["receiver"] == "pagerduty.a"
    assert jsm.alerting is not None
    assert list(jsm.alerting._runtime.incident_log) == []
