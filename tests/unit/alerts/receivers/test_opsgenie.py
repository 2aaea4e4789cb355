from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest
from pydantic import SecretStr

from breakerd.alerts.model.chart import Chart
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.step import Step, StepKind
from breakerd.alerts.receivers import AlertState, RejectedError, UnavailableError
from breakerd.alerts.receivers import opsgenie as module
from breakerd.alerts.receivers.opsgenie import OpsGenieSink
from breakerd.alerts.settings.alerting import OpsGenieSettings
from tests.support.webhook_receiver import Receiver, Reply
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
def sink(receiver: Receiver) -> Iterator[OpsGenieSink]:
    receiver.answer = lambda _request: TAKEN
    settings = OpsGenieSettings(enabled=True, api_key=SecretStr(KEY), api_url=receiver.url)
    made = OpsGenieSink(settings, timeout=10)
    yield made
    made.close()


def test_the_first_stages_responders_are_told_beside_the_team(
    receiver: Receiver, sink: OpsGenieSink, incident: Incident
) -> None:
    sink.send(incident, replace(LIFE[0], responders=WANTED))
    team = {"type": "team", "name": "ops"}
    assert receiver.requests[0].json["responders"] == [team, *AS_SENT]


def test_later_responders_are_added_before_the_priority_changes(
    receiver: Receiver, sink: OpsGenieSink, incident: Incident
) -> None:
    assert sink.send(incident, replace(LIFE[2], responders=WANTED)) == "r1"
    *added, raised = receiver.requests
    assert [request.json["responder"] for request in added] == AS_SENT
    assert all(request.path.endswith("/responders") for request in added)
    assert (raised.method, raised.json) == ("PUT", {"priority": "P2"})
    assert {request.query["identifierType"] for request in receiver.requests} == {"alias"}


def test_a_responder_that_is_not_taken_does_not_hold_up_the_priority(
    receiver: Receiver, sink: OpsGenieSink, incident: Incident, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.replies = [Reply(422, {"message": "no such team"})]
    with caplog.at_level(logging.ERROR):
        assert sink.send(incident, replace(LIFE[2], responders=WANTED[:1])) == "r1"
    assert receiver.requests[-1].json == {"priority": "P2"}
    assert "no such team" in caplog.text


def test_the_minimal_form_tells_the_team_alone(
    receiver: Receiver, sink: OpsGenieSink, incident: Incident
) -> None:
    incident.delivery_to(sink.name).reduced = True
    sink.send(incident, replace(LIFE[0], responders=WANTED))
    assert receiver.requests[0].json["responders"] == [{"type": "team", "name": "ops"}]


# --- pictures


CHART = Chart("payments: latest 3 calls", (100, 900, 950), 600.0)


@pytest.fixture
def charted() -> Incident:
    return make_incident("a/b", replace(CONTENT, chart=CHART))


def test_a_picture_is_attached(receiver: Receiver, sink: OpsGenieSink, charted: Incident) -> None:
    receiver.replies = [Reply(200, {"result": "Attachment uploaded successfully"})]
    assert sink.send(charted, Step(StepKind.ATTACH)) == ""
    (request,) = receiver.requests
    assert request.path == "/v2/alerts/a%2Fb/attachments"
    assert request.query == {"alertIdentifierType": "alias"}
    assert request.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert request.headers["authorization"] == f"GenieKey {KEY}"
    assert b"\x89PNG\r\n" in request.body
    assert b'name="file"; filename="last-minutes.png"' in request.body


def test_without_a_chart_there_is_nothing_to_attach(
    receiver: Receiver, sink: OpsGenieSink, incident: Incident
) -> None:
    assert sink.send(incident, Step(StepKind.ATTACH)) == ""
    assert receiver.requests == []


def test_a_picture_that_cannot_be_drawn_is_done_without(
    receiver: Receiver,
    sink: OpsGenieSink,
    charted: Incident,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(chart: Chart) -> bytes:
        raise RuntimeError(f"no font for {chart.title}")

    monkeypatch.setattr(module, "draw", fail)
    with caplog.at_level(logging.ERROR):
        assert sink.send(charted, Step(StepKind.ATTACH)) == ""
    assert receiver.requests == []
    assert "a picture cannot be drawn" in caplog.text


@pytest.mark.parametrize(
    ("reply", "kind"), [(Reply(404), UnavailableError), (Reply(413), RejectedError)]
)
def test_a_picture_that_is_not_taken_is_told(
    receiver: Receiver, sink: OpsGenieSink, charted: Incident, reply: Reply, kind: type[Exception]
) -> None:
    receiver.replies = [reply]
    with pytest.raises(kind):
        sink.send(charted, Step(StepKind.ATTACH))


# --- answers


@pytest.mark.parametrize("body", ["<html>", "", "{", {"data": "x", "requestId": "r"}])
def test_an_answer_about_an_alert_must_make_sense(
    receiver: Receiver, sink: OpsGenieSink, incident: Incident, body: object
) -> None:
    receiver.answer = lambda _request: Reply(200, body)
    with pytest.raises(UnavailableError):
        sink.state(incident)
    with pytest.raises(UnavailableError):
        sink.look("r1")


def test_an_alert_that_was_deleted_is_missing(
    receiver: Receiver, sink: OpsGenieSink, incident: Incident
) -> None:
    receiver.replies = [Reply(404, {"message": "Alert does not exist"})]
    assert sink.state(incident) is AlertState.MISSING


@pytest.mark.parametrize("data", [None, "text", ["text"], {"note": "x"}, [{"note": "other"}], []])
def test_notes_that_make_no_sense_are_not_the_one(
    receiver: Receiver, sink: OpsGenieSink, incident: Incident, data: object
) -> None:
    receiver.replies = [Reply(200, {"data": data, "requestId": "r"})]
    assert not sink.has(incident, LIFE[1])
