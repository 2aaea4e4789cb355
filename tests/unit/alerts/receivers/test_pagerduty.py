from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from pydantic import SecretStr

from breakerd.alerts.model.content import AlertContent
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.incident_parts.member import Member
from breakerd.alerts.model.step import Step, StepKind
from breakerd.alerts.receivers import (
    AlertState,
    InvalidRequestError,
    RateLimitedError,
    RequestState,
    UnauthorizedError,
    UnavailableError,
)
from breakerd.alerts.receivers.pagerduty import PagerDutyReceiver
from tests.support.webhook_receiver import RecordingServer, Reply
from tests.unit.alerts.receivers.conftest import CONTENT, LIFE, make_incident

KEY = "0123456789abcdef0123456789abcdef"
TAKEN = Reply(202, {"status": "success", "message": "Event processed", "dedup_key": "k"})


@pytest.fixture
def receiver(server: RecordingServer) -> Iterator[PagerDutyReceiver]:
    server.answer = lambda _request: TAKEN
    made = PagerDutyReceiver("pagerduty.ops", SecretStr(KEY), 10, server.url)
    yield made
    made.close()


def test_an_incidents_whole_life(
    server: RecordingServer, receiver: PagerDutyReceiver, incident: Incident
) -> None:
    assert [receiver.send(incident, step) for step in LIFE] == [""] * len(LIFE)
    events = [request.json for request in server.requests]
    assert [(e["event_action"], e.get("payload", {}).get("severity")) for e in events] == [
        ("trigger", "warning"), ("trigger", "error"), ("trigger", "critical"), ("resolve", None),
    ]  # fmt: skip
    assert {event["dedup_key"] for event in events} == {incident.alias}
    assert {event["routing_key"] for event in events} == {KEY}
    assert {request.path for request in server.requests} == {"/v2/enqueue"}


def test_what_an_event_says(
    server: RecordingServer, receiver: PagerDutyReceiver, incident: Incident
) -> None:
    incident.members["cart"] = Member("open", 0.0)
    incident.content = replace(
        CONTENT,
        description="It rejects calls.\nIncident: https://breakerd/alerts/1",
        details=CONTENT.details | {"Incident": "https://breakerd/alerts/1"},
    )
    receiver.send(incident, LIFE[0])
    event = server.requests[0].json
    assert event["payload"] == {
        "summary": CONTENT.message,
        "source": "box",
        "severity": "warning",
        "component": "payments, cart",
        "class": "open",
        "timestamp": "2027-01-15T08:00:00+00:00",
        "custom_details": {
            "since": "2027-01-15T08:00:00+00:00",
            "breakers": ["payments", "cart"],
            "description": ["It rejects calls."],
            "figures": {"Host": "box", "Percentile": "900 ms"},
        },
    }
    assert event["links"] == [
        {"href": "https://breakerd/alerts/1", "text": "Incident"},
        {"href": "https://runbook/payments", "text": "Runbook"},
    ]
    assert event["client_url"] == "https://breakerd/alerts/1"


@pytest.mark.parametrize("kind", [StepKind.UPDATE, StepKind.PRIORITY])
def test_new_evidence_triggers_again(
    server: RecordingServer, receiver: PagerDutyReceiver, incident: Incident, kind: StepKind
) -> None:
    receiver.send(incident, LIFE[0])
    incident.content = replace(CONTENT, message="payments OPEN 61 s, now P2")
    receiver.send(incident, Step(kind, "P2", note="Still open."))
    first, second = (request.json for request in server.requests)
    assert second["event_action"] == "trigger"
    assert second["dedup_key"] == first["dedup_key"]
    assert second["payload"]["summary"] == "payments OPEN 61 s, now P2"
    assert second["payload"]["severity"] == "error"
    assert second["payload"]["custom_details"]["note"] == "Still open."


def test_nothing_is_said_twice(
    server: RecordingServer, receiver: PagerDutyReceiver, incident: Incident
) -> None:
    text = "What: payments OPEN 1 min: p95 912 ms.\nImpact: all calls are rejected now."
    message = "payments OPEN 1 min, now P2: p95 912 ms, 61% rejected"
    incident.content = replace(CONTENT, message=message, description=text)
    receiver.send(incident, Step(StepKind.PRIORITY, "P2", note="Still open. P95 912 ms."))
    details = server.requests[0].json["payload"]["custom_details"]
    assert details["description"] == ["Impact: all calls are rejected now."]
    assert "note" not in details


@pytest.mark.parametrize("kind", [StepKind.NOTE, StepKind.ATTACH])
def test_what_has_no_event_is_not_sent(
    server: RecordingServer, receiver: PagerDutyReceiver, incident: Incident, kind: StepKind
) -> None:
    assert receiver.send(incident, Step(kind, note="n")) == ""
    assert receiver.preview(incident, Step(kind, note="n")) == ""
    assert server.requests == []
    assert not receiver.accepts_notes


def test_the_preview_is_the_event_without_the_key(
    server: RecordingServer, receiver: PagerDutyReceiver, incident: Incident
) -> None:
    receiver.send(incident, LIFE[0])
    shown = json.loads(receiver.preview(incident, LIFE[0]))
    assert shown | {"routing_key": KEY} == server.requests[0].json
    assert KEY not in receiver.preview(incident, LIFE[0])


def test_a_drill_is_marked(receiver: PagerDutyReceiver, incident: Incident) -> None:
    incident.drill = True
    shown = json.loads(receiver.preview(incident, LIFE[0]))
    assert shown["payload"]["summary"] == f"[DRILL] {CONTENT.message}"


def test_names_that_do_not_fit_into_the_component_are_counted(
    receiver: PagerDutyReceiver, incident: Incident
) -> None:
    incident.members = {f"breaker-{n}": Member("open", 0.0) for n in range(100)}
    payload = json.loads(receiver.preview(incident, LIFE[0]))["payload"]
    assert len(payload["component"]) <= 255
    assert payload["component"].endswith(" more")
    assert len(payload["custom_details"]["breakers"]) == 100


@pytest.mark.parametrize(
    ("priority", "severity"),
    [("P1", "critical"), ("P2", "error"), ("P3", "warning"), ("P4", "info"), ("P5", "info")],
)
def test_priorities_are_severities(
    server: RecordingServer,
    receiver: PagerDutyReceiver,
    incident: Incident,
    priority: str,
    severity: str,
) -> None:
    receiver.send(incident, Step(StepKind.CREATE, priority=priority))
    assert server.requests[0].json["payload"]["severity"] == severity


def test_the_minimal_form_has_what_is_mandatory_only(
    server: RecordingServer, receiver: PagerDutyReceiver, incident: Incident
) -> None:
    incident.delivery_to(receiver.name).reduced = True
    receiver.send(incident, LIFE[0])
    event = server.requests[0].json
    assert set(event["payload"]) == {"summary", "source", "severity", "component", "class"}
    assert "links" not in event


def test_what_is_too_long_is_shortened(
    server: RecordingServer, receiver: PagerDutyReceiver
) -> None:
    content = replace(CONTENT, message="m" * 2000)
    long, other = (make_incident("a" * 300 + end, content) for end in ("1", "2"))
    receiver.send(long, LIFE[0])
    receiver.send(other, LIFE[0])
    first, second = (request.json for request in server.requests)
    assert len(first["payload"]["summary"]) == 1024
    assert len(first["dedup_key"]) == 255
    assert first["dedup_key"] != second["dedup_key"]


def test_an_incident_without_a_host_has_a_source(
    server: RecordingServer, receiver: PagerDutyReceiver
) -> None:
    receiver.send(make_incident(content=AlertContent("m", "", "", "breakerd")), LIFE[0])
    assert server.requests[0].json["payload"]["source"] == "breakerd"


def test_the_same_step_twice_is_the_same_event(
    server: RecordingServer, receiver: PagerDutyReceiver, incident: Incident
) -> None:
    for step in LIFE[:1] * 2:
        receiver.send(incident, step)
    assert server.requests[0].body == server.requests[1].body


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (
            Reply(400, {"status": "invalid event", "errors": ["'summary' is missing"]}),
            InvalidRequestError,
        ),
        (
            Reply(400, {"status": "invalid event", "errors": ["Length of 'routing_key' is wrong"]}),
            UnauthorizedError,
        ),
        (Reply(400, "Invalid routing key"), UnauthorizedError),
        (Reply(429, "", {"Retry-After": "5"}), RateLimitedError),
        (Reply(500, ""), UnavailableError),
        (Reply(200, "<html>proxy</html>"), UnavailableError),
        (Reply(202, ""), UnavailableError),
    ],
)
def test_what_goes_wrong_is_named(
    server: RecordingServer,
    receiver: PagerDutyReceiver,
    incident: Incident,
    reply: Reply,
    kind: type[Exception],
) -> None:
    server.replies = [reply]
    with pytest.raises(kind) as failure:
        receiver.send(incident, LIFE[0])
    assert type(failure.value) is kind


def test_a_key_that_is_repeated_is_not_told(
    server: RecordingServer, receiver: PagerDutyReceiver, incident: Incident
) -> None:
    server.replies = [Reply(400, f"routing key {KEY} is unknown")]
    with pytest.raises(UnauthorizedError) as failure:
        receiver.send(incident, LIFE[0])
    assert KEY not in str(failure.value)
    assert KEY not in repr(vars(receiver))


def test_events_go_one_way(receiver: PagerDutyReceiver, incident: Incident) -> None:
    assert receiver.request_state("any") is RequestState.DONE
    assert receiver.alert_state(incident) is AlertState.UNKNOWN


def test_an_accepted_event_needs_no_words(
    server: RecordingServer, receiver: PagerDutyReceiver, incident: Incident
) -> None:
    server.answer = lambda _request: Reply(202, {"dedup_key": "k"})
    assert receiver.send(incident, LIFE[0]) == ""
