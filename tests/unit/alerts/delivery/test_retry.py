"""Failures of a receiver: retries, pauses, rejected keys, dead letters."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from pydantic import SecretStr

from breakerd import AlertingSettings
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.receivers import InvalidRequestError
from breakerd.alerts.receivers.opsgenie import OpsGenieReceiver
from tests.unit.alerts.conftest import World


def outcomes(world: World) -> dict[str, int]:
    assert world.alerting is not None
    return {outcome: n for (_, outcome), n in world.alerting.stats().counts.items()}


@pytest.mark.parametrize("fault", ["down", "error", "html"])
def test_no_sensible_answer_is_tried_again(world: World, fault: str) -> None:
    world.start()
    world.emulator.fail(fault)
    world.slow()
    world.after()
    before = len(world.emulator.requests)
    world.after(0.1)
    assert len(world.emulator.requests) == before, "not at once"
    world.after(1)
    assert len(world.emulator.requests) > before
    world.emulator.heal()
    world.after(60)
    assert world.history() == ["created P3"]
    assert world.emulator.alerts()[0].count == 1


def test_pauses_grow_up_to_a_limit(world: World) -> None:
    alerting = world.start()
    world.emulator.fail("down")
    world.slow()
    pauses = []
    for _ in range(12):
        world.after(60)
        (incident,) = alerting._runtime.incident_log
        pauses.append(incident.deliveries["opsgenie"].retry_at - world.wall())
    assert pauses[0] <= 1
    assert pauses[0] < pauses[3] < pauses[6]
    assert max(pauses) <= 60
    assert alerting.stats().pending == 1
    assert alerting.stats().oldest_pending_seconds == 12 * 60
    assert outcomes(world) == {"retried": 12}


def test_a_note_that_never_comes_to_pass_does_not_hold_up_the_closing(world: World) -> None:
    world.alerts["remind_after"] = 70.0
    world.start()
    world.slow()
    world.after()
    world.emulator.fail("unapplied", path="/notes")
    world.after(71)
    assert outcomes(world)["retried"] == 1, "the reminder"
    world.registry.get().reset()
    for _ in range(10):
        world.after(61)
    assert world.history() == ["created P3", "closed"]
    assert outcomes(world)["skipped"] == 1


@pytest.mark.parametrize(
    ("path", "counted", "history"),
    [
        ("/notes", "skipped", ["created P3", "priority P1", "closed"]),
        ("/priority", "dead", ["created P3", "closed"]),
        ("/close", "dead", ["created P3", "priority P1"]),
    ],
)
def test_a_step_that_is_refused_leaves_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch, path: str, counted: str, history: list[str]
) -> None:
    world.alerts["remind_after"] = 70.0
    alerting = world.start(time_before_send_alert=60)
    ask = OpsGenieReceiver._request

    def refuse(
        receiver: OpsGenieReceiver, method: str, asked: str, **request: Any
    ) -> dict[str, object]:
        if asked.endswith(path):
            raise InvalidRequestError("422: not this one")
        return ask(receiver, method, asked, **request)

    monkeypatch.setattr(OpsGenieReceiver, "_request", refuse)
    world.slow()
    world.after()
    world.after(61)
    world.after(10)
    world.registry.get().reset()
    world.after(59)
    world.after(2)  # the recovery is told a minute after the last message
    assert world.registry.get().triggered is False
    world.after(61)
    assert world.stages() == history
    assert outcomes(world)[counted] >= 1
    assert alerting.stats().pending == 0


def test_a_wrong_address_is_no_reason_to_give_up(world: World) -> None:
    alerting = world.start(api_url=f"{world.emulator.url}/v3")
    world.slow()
    for _ in range(5):
        world.after(61)
    assert set(outcomes(world)) == {"retried"}
    assert alerting.stats().pending == 1


def test_a_receiver_that_does_not_answer_costs_a_few_attempts_a_round(world: World) -> None:
    world.start()
    world.emulator.fail("down")
    for name in "abcdefghijkl":
        world.slow(name)
    for round_number in (1, 2):
        world.after()
        assert len(world.emulator.requests) == 5 * round_number
    world.after()
    assert len({str(r.body) for r in world.emulator.requests}) == 12, "none is left out"


def test_not_one_request_while_it_asks_for_a_pause(world: World) -> None:
    world.start()
    world.emulator.fail("rate_limit", delay=30)
    world.slow("a")
    world.slow("b")
    world.after()
    assert len(world.emulator.requests) == 1
    for _ in range(29):
        world.after(1)
    assert len(world.emulator.requests) == 1
    world.emulator.heal()
    world.after(1)
    assert len(world.emulator.alerts()) == 2
    assert outcomes(world)["paused"] == 1


def test_a_refused_key_is_said_aloud_and_put_right(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    alerting = world.start()
    world.emulator.api_keys = frozenset({"rotated"})
    world.slow()
    with caplog.at_level(logging.WARNING, "breakerd.alerts"):
        world.after()
    assert not alerting.paging
    assert "opsgenie refuses the key (401" in alerting.health()["problems"][0]
    assert "refused" in caplog.text
    assert "test-key" not in caplog.text
    for _ in range(30):
        world.after(1)
    assert len(world.emulator.requests) == 1, "tried once a minute"
    settings = alerting.settings
    rotated = settings.opsgenie.model_copy(update={"api_key": SecretStr("rotated")})
    alerting.apply(AlertingSettings(rotated, settings.alerts))
    world.after()
    assert alerting.paging
    assert len(world.emulator.alerts()) == 1


def test_a_key_that_is_let_in_again_is_noticed(world: World) -> None:
    alerting = world.start()
    world.emulator.fail("unauthorized", times=1)
    world.slow()
    world.after()
    assert not alerting.paging
    world.after(60)
    assert alerting.paging
    assert len(world.emulator.alerts()) == 1


def test_a_refused_form_is_sent_once_more_in_a_smaller_one(world: World) -> None:
    alerting = world.start(tags=("x" * 60,))
    world.slow()
    (incident,) = _open_incidents(world)
    object.__setattr__(incident.content, "entity", "e" * 600)
    world.after()
    world.after()
    (alert,) = world.emulator.alerts()
    assert alert.entity == ""
    assert alert.message
    assert alert.responders
    assert outcomes(world) == {"reduced": 1, "delivered": 1}
    assert alerting.health()["ok"]


def test_what_will_never_be_taken_is_given_up_with_its_reason(world: World) -> None:
    alerting = world.start()
    world.slow()
    (incident,) = _open_incidents(world)
    object.__setattr__(incident.content, "message", "")
    world.after()
    world.after()
    assert world.emulator.alerts() == []
    assert outcomes(world) == {"reduced": 1, "dead": 1}
    (problem,) = alerting.health()["problems"]
    assert "was given up by opsgenie: 422" in problem
    requests = len(world.emulator.requests)
    world.after(3600)
    assert len(world.emulator.requests) == requests


def _open_incidents(world: World) -> list[Incident]:
    """Opens incidents without delivering yet."""
    assert world.alerting is not None
    world.alerting._runtime.observer.poll(world.alerting._runtime.now())
    world.alerting._runtime.worker._lead(world.alerting.settings)
    return list(world.alerting._runtime.incident_log)
