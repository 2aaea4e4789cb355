from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from pydantic import SecretStr

from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.step import Step, StepKind
from breakerd.alerts.receivers import (
    AlertState,
    PausedError,
    RefusedError,
    RejectedError,
    RequestState,
    UnavailableError,
)
from breakerd.alerts.receivers.jsm import ADDRESS, JsmSink
from tests.support.webhook_receiver import Received, Receiver, Reply
from tests.unit.alerts.receivers.conftest import LIFE, Integration

PATH = "/jsm/ops/integration/v2/alerts"


@pytest.fixture
def integration(receiver: Receiver) -> Integration:
    made = Integration()
    receiver.answer = made.answer
    return made


@pytest.fixture
def sink(receiver: Receiver) -> Iterator[JsmSink]:
    made = JsmSink("jsm.ops", SecretStr("integration-key"), 10, receiver.url)
    yield made
    made.close()


def live(sink: JsmSink, incident: Incident) -> list[str]:
    """Sends a whole life, as a dispatcher would; gives the ids of the requests."""
    ids = []
    for step in LIFE:
        if step.kind is StepKind.PRIORITY:
            incident.delivery_to(sink.name).escalations = step.number
        ids.append(sink.send(incident, step))
    return ids


def test_each_stage_is_an_alert_of_its_own_and_closing_closes_all(
    integration: Integration, sink: JsmSink, incident: Incident
) -> None:
    ids = live(sink, incident)
    alias = incident.alias
    assert list(integration.accepted.values()) == [
        f"alerts {alias}",
        f"notes {alias}",
        f"alerts {alias}:s2",
        f"alerts {alias}:s3",
        f"notes {alias}:s3",
        f"close {alias}",
        f"close {alias}:s2",
        f"close {alias}:s3",
    ]
    assert ids == ["r0", "r1", "r2", "r3", "r4", "r5,r6,r7"]
    assert all(sink.look(each) is RequestState.DONE for each in ids)


def test_what_is_sent(
    receiver: Receiver, integration: Integration, sink: JsmSink, incident: Incident
) -> None:
    live(sink, incident)
    created, noted, raised, *_ = receiver.requests
    assert created.path == PATH
    assert created.headers["authorization"] == "GenieKey integration-key"
    assert (created.json["priority"], raised.json["priority"]) == ("P3", "P2")
    assert created.json["responders"] == [{"type": "team", "name": "ops"}]
    assert noted.query == {"identifierType": "alias"}
    assert noted.json["note"] == "Still open after 1 min."
    assert len(integration.accepted) == len(receiver.requests)


def test_the_minimal_form_leaves_responders_to_the_integration(
    receiver: Receiver, integration: Integration, sink: JsmSink, incident: Incident
) -> None:
    incident.delivery_to(sink.name).reduced = True
    sink.send(incident, replace(LIFE[0], responders=("team:nobody",)))
    assert integration.accepted
    assert set(receiver.requests[0].json) == {"message", "alias", "source", "user", "priority"}


def test_the_same_step_twice_is_about_the_same_alert(
    integration: Integration, sink: JsmSink, incident: Incident
) -> None:
    for step in LIFE:
        before = len(integration.accepted)
        for _ in range(2):
            sink.send(incident, step)
        accepted = list(integration.accepted.values())[before:]
        assert accepted[: len(accepted) // 2] == accepted[len(accepted) // 2 :]


def test_a_picture_is_not_sent(receiver: Receiver, sink: JsmSink, incident: Incident) -> None:
    assert sink.send(incident, Step(StepKind.ATTACH)) == ""
    assert receiver.requests == []


@pytest.mark.parametrize(
    ("states", "whole"),
    [
        ("done done", RequestState.DONE),
        ("done pending", RequestState.PENDING),
        ("failed pending", RequestState.PENDING),
        ("done failed", RequestState.FAILED),
        ("gone failed", RequestState.FAILED),
        ("done gone", RequestState.DONE),
        ("gone gone", RequestState.GONE),
        ("closed done", RequestState.DONE),
        ("refused done", RequestState.FAILED),
    ],
)
def test_several_requests_are_done_when_all_are(
    integration: Integration, sink: JsmSink, states: str, whole: RequestState
) -> None:
    for number, state in enumerate(states.split()):
        name = f"q{number}"
        if state == "refused":
            integration.statuses[name] = Reply(422, "")
        elif state != "pending":
            status = {"gone": "Alert does not exist", "closed": "Alert is already closed"}
            integration.settle(
                name, success=state == "done", status=status.get(state, ""), action="Close"
            )
    assert sink.look("q0,q1") is whole


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(401, {"message": "Could not authenticate"}), RefusedError),
        (Reply(403, ""), RefusedError),
        (Reply(422, {"message": "Alias is too long"}), RejectedError),
        (Reply(429, "", {"X-RateLimit-Period-In-Sec": "60"}), PausedError),
        (Reply(503, ""), UnavailableError),
        (Reply(202, "<html>"), UnavailableError),
        (Reply(202, ""), UnavailableError),
        (Reply(202, '{"requestId": '), UnavailableError),
        (Reply(raw=b""), UnavailableError),
    ],
)
def test_what_goes_wrong_is_named(
    receiver: Receiver, sink: JsmSink, incident: Incident, reply: Reply, kind: type[Exception]
) -> None:
    receiver.replies = [reply]
    with pytest.raises(kind) as failure:
        sink.send(incident, LIFE[0])
    assert type(failure.value) is kind
    assert "integration-key" not in str(failure.value)


def test_a_closing_that_fails_half_way_is_unanswered(
    receiver: Receiver, integration: Integration, sink: JsmSink, incident: Incident
) -> None:
    receiver.replies = [integration.answer(_closing(incident)), Reply(503, "")]
    with pytest.raises(UnavailableError):
        sink.send(incident, LIFE[-1])


def test_an_answer_about_a_request_must_make_sense(integration: Integration, sink: JsmSink) -> None:
    integration.statuses["q"] = Reply(200, {"data": "soon"})
    with pytest.raises(UnavailableError):
        sink.look("q")


def test_an_integration_shows_no_alert(sink: JsmSink, incident: Incident) -> None:
    assert sink.state(incident) is AlertState.UNKNOWN


def test_atlassian_is_the_address_unless_another_is_given() -> None:
    sink = JsmSink("jsm.ops", SecretStr("k"), 10)
    assert sink._alerts == ADDRESS + PATH
    sink.close()


def _closing(incident: Incident) -> Received:
    return Received("POST", f"{PATH}/{incident.alias}/close", {}, {}, b"{}")
