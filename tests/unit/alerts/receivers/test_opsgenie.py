from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest
from pydantic import SecretStr

from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.step import Step, StepKind
from breakerd.alerts.pictures.chart import Chart
from breakerd.alerts.receivers import (
    AlertState,
    InvalidRequestError,
    RequestState,
    UnavailableError,
)
from breakerd.alerts.receivers import opsgenie as module
from breakerd.alerts.receivers.opsgenie import OpsGenieReceiver
from breakerd.alerts.settings.opsgenie import OpsGenieSettings
from tests.support.charts import CHARTS
from tests.support.webhook_receiver import RecordingServer, Reply
from tests.unit.alerts.receivers.conftest import CONTENT, LIFE, make_incident

KEY = "genie-key"
TAKEN = Reply(202, {"result": "Request will be processed", "requestId": "r1"})
WANTED = ("team:Second line", "user:me@example.com", "escalation:Later", "schedule:Nights")
AS_SENT = [
    {"type": "team", "name": "Second line"},
    {"type": "user", "username": "me@example.com"},
    {"type": "escalation", "name": "Later"},
    {"type": "schedule", "name": "Nights"},
]


@pytest.fixture
def receiver(server: RecordingServer) -> Iterator[OpsGenieReceiver]:
    server.answer = lambda _request: TAKEN
    settings = OpsGenieSettings(enabled=True, api_key=SecretStr(KEY), api_url=server.url)
    made = OpsGenieReceiver(settings, timeout=10)
    yield made
    made.close()


def test_the_first_stages_responders_are_told_beside_the_team(
    server: RecordingServer, receiver: OpsGenieReceiver, incident: Incident
) -> None:
    receiver.send(incident, replace(LIFE[0], responders=WANTED))
    team = {"type": "team", "name": "ops"}
    assert server.requests[0].json["responders"] == [team, *AS_SENT]


def test_later_responders_are_added_before_the_priority_changes(
    server: RecordingServer, receiver: OpsGenieReceiver, incident: Incident
) -> None:
    assert receiver.send(incident, replace(LIFE[2], responders=WANTED)) == "r1"
    *added, raised = server.requests
    assert [request.json["responder"] for request in added] == AS_SENT
    assert all(request.path.endswith("/responders") for request in added)
    assert (raised.method, raised.json) == ("PUT", {"priority": "P2"})
    assert {request.query["identifierType"] for request in server.requests} == {"alias"}


def test_a_responder_that_is_not_taken_does_not_hold_up_the_priority(
    server: RecordingServer,
    receiver: OpsGenieReceiver,
    incident: Incident,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server.replies = [Reply(422, {"message": "no such team"})]
    with caplog.at_level(logging.ERROR):
        assert receiver.send(incident, replace(LIFE[2], responders=WANTED[:1])) == "r1"
    assert server.requests[-1].json == {"priority": "P2"}
    assert "no such team" in caplog.text


def test_the_minimal_form_tells_the_team_alone(
    server: RecordingServer, receiver: OpsGenieReceiver, incident: Incident
) -> None:
    incident.delivery_to(receiver.name).reduced = True
    receiver.send(incident, replace(LIFE[0], responders=WANTED))
    assert server.requests[0].json["responders"] == [{"type": "team", "name": "ops"}]


# --- updates, and what would be sent


UPDATE = Step(StepKind.UPDATE, priority="P3", parts=("message", "description", "tags", "details"))


def test_an_update_sends_the_texts_first(
    server: RecordingServer, receiver: OpsGenieReceiver, incident: Incident
) -> None:
    incident.delivery_to(receiver.name).tags = ["Old", "a,b"]
    assert receiver.send(incident, UPDATE) == "r1,r1,r1,r1,r1"
    asked = [(r.method, r.path.rpartition("/")[2]) for r in server.requests]
    assert asked == [
        ("PUT", "message"),
        ("PUT", "description"),
        ("DELETE", "tags"),
        ("POST", "tags"),
        ("POST", "details"),
    ]
    assert server.requests[0].json == {"message": CONTENT.message}
    assert server.requests[2].query["tags"] == "Old"
    assert server.requests[4].json["details"] == CONTENT.details
    assert {request.query["identifierType"] for request in server.requests} == {"alias"}


def test_an_empty_description_is_left_as_it_is(
    server: RecordingServer, receiver: OpsGenieReceiver
) -> None:
    bare = make_incident("a", replace(CONTENT, description="", tags=[], details={}))
    assert receiver.send(bare, replace(UPDATE, parts=("description", "tags", "details"))) == ""
    assert server.requests == []


@pytest.mark.parametrize(
    ("states", "overall"),
    [
        ("done done", RequestState.DONE),
        ("done gone", RequestState.DONE),
        ("gone gone", RequestState.GONE),
        ("done failed", RequestState.FAILED),
        ("done unknown failed", RequestState.PENDING),
    ],
)
def test_an_update_is_done_once_all_its_requests_are(
    server: RecordingServer, receiver: OpsGenieReceiver, states: str, overall: RequestState
) -> None:
    answers = {
        "done": Reply(200, {"data": {"isSuccess": True}}),
        "gone": Reply(200, {"data": NONE}),
        "failed": Reply(200, {"data": {"isSuccess": False, "status": "Too many tags"}}),
        "unknown": Reply(404, {"message": "not yet"}),
    }
    server.answer = lambda request: answers[request.path.rpartition("/")[2]]
    assert receiver.request_state(",".join(states.split())) is overall


@pytest.mark.parametrize("part", ["message", "description", "tags", "details"])
def test_an_update_shows_in_the_alert_if_each_part_does(
    server: RecordingServer, receiver: OpsGenieReceiver, incident: Incident, part: str
) -> None:
    shown: dict[str, object] = {
        "message": CONTENT.message,
        "description": CONTENT.description,
        "tags": [*CONTENT.tags, "by a rule"],
        "details": {**CONTENT.details, "by": "a rule"},
    }
    server.answer = lambda _request: Reply(200, {"data": shown})
    assert receiver.has_applied(incident, UPDATE)
    shown[part] = None
    assert not receiver.has_applied(incident, UPDATE)


@pytest.mark.parametrize("step", [*LIFE, UPDATE], ids=lambda step: step.kind.value)
def test_a_preview_is_what_is_sent_without_the_key(
    server: RecordingServer, receiver: OpsGenieReceiver, incident: Incident, step: Step
) -> None:
    shown = receiver.preview(incident, replace(step, responders=()))
    assert server.requests == []
    receiver.send(incident, step)
    for request in server.requests:
        assert f"{request.method} {request.path}" in shown
        assert json.dumps(request.json, indent=2, ensure_ascii=False) in shown
    assert KEY not in shown
    assert server.url not in shown


# --- pictures


CHART = CHARTS["usual"]


@pytest.fixture
def charted() -> Incident:
    return make_incident("a/b", replace(CONTENT, chart=CHART))


def test_a_picture_is_attached(
    server: RecordingServer, receiver: OpsGenieReceiver, charted: Incident
) -> None:
    server.replies = [Reply(200, {"result": "Attachment uploaded successfully"})]
    assert receiver.send(charted, Step(StepKind.ATTACH)) == ""
    (request,) = server.requests
    assert request.path == "/v2/alerts/a%2Fb/attachments"
    assert request.query == {"alertIdentifierType": "alias"}
    assert request.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert request.headers["authorization"] == f"GenieKey {KEY}"
    assert b"\x89PNG\r\n" in request.body
    assert b'name="file"; filename="last-minutes.png"' in request.body


def test_without_a_chart_there_is_nothing_to_attach(
    server: RecordingServer, receiver: OpsGenieReceiver, incident: Incident
) -> None:
    assert receiver.send(incident, Step(StepKind.ATTACH)) == ""
    assert server.requests == []


def test_a_picture_that_cannot_be_drawn_is_done_without(
    server: RecordingServer,
    receiver: OpsGenieReceiver,
    charted: Incident,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(chart: Chart) -> bytes:
        raise RuntimeError(f"no font for {chart.title}")

    monkeypatch.setattr(module, "draw", fail)
    with caplog.at_level(logging.ERROR):
        assert receiver.send(charted, Step(StepKind.ATTACH)) == ""
    assert server.requests == []
    assert "chart cannot be drawn" in caplog.text


@pytest.mark.parametrize(
    ("reply", "kind"), [(Reply(404), UnavailableError), (Reply(413), InvalidRequestError)]
)
def test_a_picture_that_is_not_taken_is_told(
    server: RecordingServer,
    receiver: OpsGenieReceiver,
    charted: Incident,
    reply: Reply,
    kind: type[Exception],
) -> None:
    server.replies = [reply]
    with pytest.raises(kind):
        receiver.send(charted, Step(StepKind.ATTACH))


# --- answers


@pytest.mark.parametrize("body", ["<html>", "", "{", {"data": "x", "requestId": "r"}])
def test_an_answer_about_an_alert_must_make_sense(
    server: RecordingServer, receiver: OpsGenieReceiver, incident: Incident, body: object
) -> None:
    server.answer = lambda _request: Reply(200, body)
    with pytest.raises(UnavailableError):
        receiver.alert_state(incident)
    with pytest.raises(UnavailableError):
        receiver.request_state("r1")


def test_an_alert_that_was_deleted_is_missing(
    server: RecordingServer, receiver: OpsGenieReceiver, incident: Incident
) -> None:
    server.replies = [Reply(404, {"message": "Alert does not exist"})]
    assert receiver.alert_state(incident) is AlertState.MISSING


@pytest.mark.parametrize("data", [None, "text", ["text"], {"note": "x"}, [{"note": "other"}], []])
def test_notes_that_make_no_sense_are_not_the_one(
    server: RecordingServer, receiver: OpsGenieReceiver, incident: Incident, data: object
) -> None:
    server.replies = [Reply(200, {"data": data, "requestId": "r"})]
    assert not receiver.has_applied(incident, LIFE[1])


DONE = {"isSuccess": True, "status": "Created alert", "action": "Create"}
NONE = {"isSuccess": False, "status": "Alert does not exist"}


@pytest.mark.parametrize(
    ("body", "state"),
    [
        ({"data": DONE, "requestId": "r1", "took": 0.1}, RequestState.DONE),
        ({"data": DONE}, RequestState.DONE),
        (DONE, RequestState.DONE),
        ({"data": {"isSuccess": "true"}}, RequestState.DONE),
        ({"data": {"isSuccess": "false"}}, RequestState.FAILED),
        ({"data": NONE}, RequestState.GONE),
        (
            {"data": {"isSuccess": False, "action": "CLOSE", "status": "Already closed"}},
            RequestState.DONE,
        ),
    ],
)
def test_a_status_is_what_says_whether_it_succeeded(
    server: RecordingServer,
    receiver: OpsGenieReceiver,
    body: dict[str, object],
    state: RequestState,
) -> None:
    server.answer = lambda _request: Reply(200, body)
    assert receiver.request_state("r1") is state


@pytest.mark.parametrize(
    ("data", "state"),
    [
        ({"status": "open"}, AlertState.OPEN),
        ({"status": "Closed", "acknowledged": True}, AlertState.CLOSED),
        ({"status": "open", "acknowledged": "true"}, AlertState.ACKNOWLEDGED),
        ({"status": "open", "acknowledged": "false"}, AlertState.OPEN),
    ],
)
def test_an_alert_is_what_has_a_status(
    server: RecordingServer,
    receiver: OpsGenieReceiver,
    incident: Incident,
    data: dict[str, object],
    state: AlertState,
) -> None:
    server.answer = lambda _request: Reply(200, {"data": data})
    assert receiver.alert_state(incident) is state


def test_a_note_is_found_in_an_answer_without_an_id(
    server: RecordingServer, receiver: OpsGenieReceiver, incident: Incident
) -> None:
    server.replies = [Reply(200, {"data": [{"note": LIFE[1].note}]})]
    assert receiver.has_applied(incident, LIFE[1])


def test_only_a_request_that_is_asked_about_needs_an_id(
    server: RecordingServer, receiver: OpsGenieReceiver, incident: Incident
) -> None:
    server.answer = lambda request: (
        Reply(202, {}) if request.path.endswith("/responders") else TAKEN
    )
    assert receiver.send(incident, replace(LIFE[2], responders=WANTED)) == "r1"
    server.answer = lambda _request: Reply(202, {})
    with pytest.raises(UnavailableError):
        receiver.send(incident, LIFE[0])
