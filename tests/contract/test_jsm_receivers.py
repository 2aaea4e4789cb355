"""Our clients of Jira Service Management, against an emulator of its two APIs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from pydantic import SecretStr

from breakerd.alerts.emulator import Emulator
from breakerd.alerts.emulator.pytest_plugin import API_KEY
from breakerd.alerts.model.content import AlertContent
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.stage import Stage
from breakerd.alerts.model.step import Step, StepKind
from breakerd.alerts.receivers import (
    AlertState,
    InvalidRequestError,
    RequestState,
    UnauthorizedError,
)
from breakerd.alerts.receivers.jsm import JsmReceiver
from breakerd.alerts.receivers.jsm_ops import JsmOpsReceiver

CONTENT = AlertContent(
    "payments open", "p95 900 ms", "payments", "breakerd", "ops", ["Team:ops"], {"Host": "box"}
)
CREATE = Step(StepKind.CREATE, priority="P3")
NOTE = Step(StepKind.NOTE, note="still slow")
RAISE = Step(StepKind.PRIORITY, priority="P1", number=1)
CLOSE = Step(StepKind.CLOSE, note="over", number=1)
LIFE = (CREATE, NOTE, RAISE, replace(NOTE, note="slower yet", number=1), CLOSE)


@pytest.fixture
def receiver(jsm_emulator: Emulator) -> Iterator[JsmReceiver]:
    made = JsmReceiver("jsm", SecretStr(API_KEY), 10, jsm_emulator.url)
    yield made
    made.close()


@pytest.fixture
def ops(jsm_emulator: Emulator) -> Iterator[JsmOpsReceiver]:
    team = f"team:{jsm_emulator.add_team('ops')}"
    auth = ("me@example.com", SecretStr(API_KEY))
    made = JsmOpsReceiver("jsm_ops.a", "cloud", auth, 10, jsm_emulator.url, (team,))
    yield made
    made.close()


def incident(alias: str = "breakerd:box:payments:1") -> Incident:
    return Incident(
        id="1",
        alias=alias,
        breaker="payments",
        kind="open",
        opened_at=0.0,
        notify_at=0.0,
        stages=(Stage(0, "P3"), Stage(60, "P1")),
        content=CONTENT,
    )


def history(emulator: Emulator, alias: str) -> list[str]:
    alert = emulator.alert(alias)
    assert alert is not None
    return [line.what for line in alert.history]


def carried_out(receiver: JsmReceiver | JsmOpsReceiver, told: Incident, step: Step) -> bool:
    if step.kind is StepKind.PRIORITY:
        told.delivery_to(receiver.name).escalations = step.number
    request_id = receiver.send(told, step)
    return not request_id or receiver.request_state(request_id) is RequestState.DONE


UPDATE = Step(StepKind.UPDATE, parts=("message", "description", "tags", "details"))
NEW = replace(
    CONTENT,
    message="payments open 21 s",
    description="p95 950 ms",
    tags=["new"],
    details={"a": "b"},
)


# --- integration events


@pytest.mark.parametrize("alias", ["breakerd:payments", "a/b?c=d#e %ü", "x" * 509])
def test_an_incidents_whole_life_through_an_integration(
    jsm_emulator: Emulator, receiver: JsmReceiver, alias: str
) -> None:
    told = incident(alias)
    assert all(carried_out(receiver, told, step) for step in LIFE)
    assert history(jsm_emulator, alias) == ["created P3", "note", "closed"]
    assert history(jsm_emulator, f"{alias}:s2") == ["created P1", "note", "closed"]
    assert len(jsm_emulator.alerts()) == 2


def test_each_step_twice_does_no_harm_through_an_integration(
    jsm_emulator: Emulator, receiver: JsmReceiver
) -> None:
    told = incident()
    for step in (CREATE, RAISE, CLOSE):
        assert carried_out(receiver, told, step)
        assert carried_out(receiver, told, step)
    assert sorted(alert.alias for alert in jsm_emulator.alerts()) == [
        told.alias, f"{told.alias}:s2",
    ]  # fmt: skip
    assert all(alert.status == "closed" for alert in jsm_emulator.alerts())


@pytest.mark.parametrize("step", [NOTE, CLOSE])
def test_what_is_not_there_is_gone_for_an_integration(receiver: JsmReceiver, step: Step) -> None:
    assert receiver.request_state(receiver.send(incident(), step)) is RequestState.GONE


def test_an_integration_with_a_wrong_key_is_refused(jsm_emulator: Emulator) -> None:
    receiver = JsmReceiver("jsm", SecretStr("other"), 10, jsm_emulator.url)
    with pytest.raises(UnauthorizedError):
        receiver.send(incident(), CREATE)
    receiver.close()


def test_each_stage_carries_the_present_text_through_an_integration(
    jsm_emulator: Emulator, receiver: JsmReceiver
) -> None:
    told = incident()
    assert carried_out(receiver, told, CREATE)
    told.content = NEW
    assert carried_out(receiver, told, RAISE)
    first, second = (jsm_emulator.alert(told.alias + suffix) for suffix in ("", ":s2"))
    assert first is not None
    assert second is not None
    assert (first.message, second.message) == (CONTENT.message, NEW.message)
    assert second.description == NEW.description


# --- the Operations API


def test_an_alert_gets_a_new_text_through_the_operations_api(
    jsm_emulator: Emulator, ops: JsmOpsReceiver
) -> None:
    told = incident()
    told.delivery_to(ops.name).begin(CREATE, told.content, 0)
    assert carried_out(ops, told, CREATE)
    told.content = NEW
    told.delivery_to(ops.name).begin(UPDATE, told.content, 0)
    assert not ops.has_applied(told, UPDATE)
    assert carried_out(ops, told, UPDATE)
    alert = jsm_emulator.alert(told.alias)
    assert alert is not None
    assert (alert.message, alert.description) == (NEW.message, NEW.description)
    assert (alert.tags, alert.details) == (NEW.tags, {**CONTENT.details, **NEW.details})
    assert ops.has_applied(told, UPDATE)


@pytest.mark.parametrize("alias", ["breakerd:payments", "a/b?c=d#e %ü", "x" * 512])
def test_an_incidents_whole_life_through_the_operations_api(
    jsm_emulator: Emulator, ops: JsmOpsReceiver, alias: str
) -> None:
    told = incident(alias)
    assert all(carried_out(ops, told, step) for step in LIFE)
    assert history(jsm_emulator, alias) == [
        "created P3", "note", "priority P1", "note", "closed",
    ]  # fmt: skip
    (alert,) = jsm_emulator.alerts()
    assert alert.details == {"Host": "box"}
    assert [one["type"] for one in alert.responders] == ["team"]


def test_what_people_do_is_seen(jsm_emulator: Emulator, ops: JsmOpsReceiver) -> None:
    told = incident()
    assert ops.alert_state(told) is AlertState.MISSING
    ops.send(told, CREATE)
    assert ops.alert_state(told) is AlertState.OPEN
    jsm_emulator.acknowledge(told.alias)
    assert ops.alert_state(told) is AlertState.ACKNOWLEDGED
    jsm_emulator.close(told.alias)
    assert ops.alert_state(told) is AlertState.CLOSED


def test_what_people_delete_is_missing(jsm_emulator: Emulator, ops: JsmOpsReceiver) -> None:
    told = incident()
    ops.send(told, CREATE)
    jsm_emulator.delete(told.alias)
    assert ops.alert_state(told) is AlertState.MISSING
    assert ops.request_state(ops.send(told, RAISE)) is RequestState.GONE


def test_what_was_done_is_seen(ops: JsmOpsReceiver) -> None:
    told = incident()
    for step in LIFE:
        assert not ops.has_applied(told, step)
        carried_out(ops, told, step)
        assert ops.has_applied(told, step)


def test_responders_are_added(jsm_emulator: Emulator, ops: JsmOpsReceiver) -> None:
    told = incident()
    ops.send(told, CREATE)
    team, user = jsm_emulator.add_team("second"), jsm_emulator.add_user("me@example.com")
    wanted = (f"team:{team}", "team:by name", f"user:{user}")
    assert carried_out(ops, told, replace(RAISE, responders=wanted))
    assert [what for what in history(jsm_emulator, told.alias) if "responder" in what] == [
        f"responder {team}", f"responder {user}",
    ]  # fmt: skip


def test_each_step_twice_does_no_harm_through_the_operations_api(
    jsm_emulator: Emulator, ops: JsmOpsReceiver
) -> None:
    told = incident()
    for step in (CREATE, RAISE, CLOSE):
        assert carried_out(ops, told, step)
        assert carried_out(ops, told, step)
    (alert,) = jsm_emulator.alerts()
    assert (alert.status, alert.priority) == ("closed", "P1")


def test_a_user_with_a_wrong_token_is_refused(jsm_emulator: Emulator) -> None:
    receiver = JsmOpsReceiver("jsm_ops.a", "c", ("me", SecretStr("other")), 10, jsm_emulator.url)
    with pytest.raises(UnauthorizedError):
        receiver.send(incident(), CREATE)
    receiver.close()


def test_what_is_too_long_is_rejected(ops: JsmOpsReceiver) -> None:
    told = incident()
    told.content = replace(CONTENT, message="m" * 131)
    with pytest.raises(InvalidRequestError):
        ops.send(told, CREATE)
