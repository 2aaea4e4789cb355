from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from pydantic import SecretStr

from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.step import Step, StepKind
from breakerd.alerts.receivers import (
    AlertState,
    InvalidRequestError,
    RateLimitedError,
    RequestState,
    UnauthorizedError,
    UnavailableError,
)
from breakerd.alerts.receivers.jsm import ADDRESS, JsmReceiver
from tests.support.webhook_receiver import Received, RecordingServer, Reply
from tests.unit.alerts.receivers.conftest import LIFE, Integration

PATH = "/jsm/ops/integration/v2/alerts"


@pytest.fixture
def integration(server: RecordingServer) -> Integration:
    made = Integration()
    server.answer = made.answer
    return made


@pytest.fixture
def receiver(server: RecordingServer) -> Iterator[JsmReceiver]:
    made = JsmReceiver("jsm.ops", SecretStr("integration-key"), 10, server.url)
    yield made
    made.close()


def live(receiver: JsmReceiver, incident: Incident) -> list[str]:
    """Sends a whole life, as a dispatcher would; gives the ids of the requests."""
    ids = []
    for step in LIFE:
        if step.kind is StepKind.PRIORITY:
            incident.delivery_to(receiver.name).escalations = step.number
        ids.append(receiver.send(incident, step))
    return ids


def test_each_stage_is_an_alert_of_its_own_and_closing_closes_all(
    integration: Integration, receiver: JsmReceiver, incident: Incident
) -> None:
    ids = live(receiver, incident)
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
    assert all(receiver.request_state(each) is RequestState.DONE for each in ids)


def test_what_is_sent(
    server: RecordingServer, integration: Integration, receiver: JsmReceiver, incident: Incident
) -> None:
    live(receiver, incident)
    created, noted, raised, *_ = server.requests
    assert created.path == PATH
    assert created.headers["authorization"] == "GenieKey integration-key"
    assert (created.json["priority"], raised.json["priority"]) == ("P3", "P2")
    assert created.json["responders"] == [{"type": "team", "name": "ops"}]
    assert noted.query == {"identifierType": "alias"}
    assert noted.json["note"] == "Still open after 1 min."
    assert len(integration.accepted) == len(server.requests)


@pytest.mark.parametrize("step", LIFE, ids=lambda step: f"{step.kind}{step.number}")
def test_a_preview_is_what_is_sent_without_the_key(
    server: RecordingServer,
    integration: Integration,
    receiver: JsmReceiver,
    incident: Incident,
    step: Step,
) -> None:
    incident.delivery_to(receiver.name).escalations = 2
    shown = receiver.preview(incident, step)
    assert not integration.accepted
    receiver.send(incident, step)
    for request in server.requests:
        assert json.dumps(request.json, indent=2, ensure_ascii=False) in shown
    assert shown.count(PATH) == len(server.requests)
    assert "integration-key" not in shown


def test_the_minimal_form_leaves_responders_to_the_integration(
    server: RecordingServer, integration: Integration, receiver: JsmReceiver, incident: Incident
) -> None:
    incident.delivery_to(receiver.name).reduced = True
    receiver.send(incident, replace(LIFE[0], responders=("team:nobody",)))
    assert integration.accepted
    assert set(server.requests[0].json) == {"message", "alias", "source", "user", "priority"}


def test_the_same_step_twice_is_about_the_same_alert(
    integration: Integration, receiver: JsmReceiver, incident: Incident
) -> None:
    for step in LIFE:
        before = len(integration.accepted)
        for _ in range(2):
            receiver.send(incident, step)
        accepted = list(integration.accepted.values())[before:]
        assert accepted[: len(accepted) // 2] == accepted[len(accepted) // 2 :]


def test_a_picture_is_not_sent(
    server: RecordingServer, receiver: JsmReceiver, incident: Incident
) -> None:
    assert receiver.send(incident, Step(StepKind.ATTACH)) == ""
    assert server.requests == []


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
    integration: Integration, receiver: JsmReceiver, states: str, whole: RequestState
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
    assert receiver.request_state("q0,q1") is whole


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(401, {"message": "Could not authenticate"}), UnauthorizedError),
        (Reply(403, ""), UnauthorizedError),
        (Reply(422, {"message": "Alias is too long"}), InvalidRequestError),
        (Reply(429, "", {"X-RateLimit-Period-In-Sec": "60"}), RateLimitedError),
        (Reply(503, ""), UnavailableError),
        (Reply(202, "<html>"), UnavailableError),
        (Reply(202, ""), UnavailableError),
        (Reply(202, '{"requestId": '), UnavailableError),
        (Reply(raw=b""), UnavailableError),
    ],
)
def test_what_goes_wrong_is_named(
    server: RecordingServer,
    receiver: JsmReceiver,
    incident: Incident,
    reply: Reply,
    kind: type[Exception],
) -> None:
    server.replies = [reply]
    with pytest.raises(kind) as failure:
        receiver.send(incident, LIFE[0])
    assert type(failure.value) is kind
    assert "integration-key" not in str(failure.value)


def test_a_closing_that_fails_half_way_is_unanswered(
    server: RecordingServer, integration: Integration, receiver: JsmReceiver, incident: Incident
) -> None:
    server.replies = [integration.answer(_closing(incident)), Reply(503, "")]
    with pytest.raises(UnavailableError):
        receiver.send(incident, LIFE[-1])


def test_an_answer_about_a_request_must_make_sense(
    integration: Integration, receiver: JsmReceiver
) -> None:
    integration.statuses["q"] = Reply(200, {"data": "soon"})
    with pytest.raises(UnavailableError):
        receiver.request_state("q")


def test_an_integration_shows_no_alert(receiver: JsmReceiver, incident: Incident) -> None:
    assert receiver.alert_state(incident) is AlertState.UNKNOWN


def test_atlassian_is_the_address_unless_another_is_given() -> None:
    receiver = JsmReceiver("jsm.ops", SecretStr("k"), 10)
    assert receiver._alerts == ADDRESS + PATH
    receiver.close()


def _closing(incident: Incident) -> Received:
    return Received("POST", f"{PATH}/{incident.alias}/close", {}, {}, b"{}")


@pytest.mark.parametrize("nested", [True, False])
def test_a_status_may_be_under_data_or_at_the_top(
    integration: Integration, receiver: JsmReceiver, *, nested: bool
) -> None:
    status = {"isSuccess": True, "status": "Created alert"}
    integration.statuses["q"] = Reply(200, {"data": status} if nested else status)
    assert receiver.request_state("q") is RequestState.DONE
