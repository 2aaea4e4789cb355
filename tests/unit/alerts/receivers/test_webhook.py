from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

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
from breakerd.alerts.receivers.webhook import (
    WebhookReceiver,
    signature,
    verify,
)
from breakerd.alerts.settings.template import FIELDS, template_problem
from tests.support.webhook_receiver import RecordingServer, Reply
from tests.unit.alerts.receivers.conftest import CONTENT, LIFE

KEY = SecretStr("signing-key")
Make = Callable[..., WebhookReceiver]


@pytest.fixture
def make(server: RecordingServer) -> Iterator[Make]:
    made: list[WebhookReceiver] = []

    def make_one(**options: Any) -> WebhookReceiver:
        url = SecretStr(f"{server.url}/hooks/hidden-token")
        made.append(WebhookReceiver("webhook.own", url, 10, **options))
        return made[-1]

    yield make_one
    for receiver in made:
        receiver.close()


def test_an_incidents_whole_life(server: RecordingServer, make: Make, incident: Incident) -> None:
    receiver = make()
    assert [receiver.send(incident, step) for step in LIFE] == [""] * len(LIFE)
    bodies = [request.json for request in server.requests]
    assert [(body["event"], body["priority"], body["note"]) for body in bodies] == [
        ("create", "P3", ""),
        ("note", "P3", "Still open after 1 min."),
        ("priority", "P2", ""),
        ("priority", "P1", ""),
        ("note", "P3", "Still open after 10 min."),
        ("close", "P3", "Over: it lasted 11 min."),
    ]
    assert bodies[0] == {
        "version": 2,
        "event": "create",
        "alias": incident.alias,
        "breaker": "payments",
        "breakers": ["payments"],
        "breakers_count": 1,
        "kind": "open",
        "priority": "P3",
        "message": CONTENT.message,
        "description": CONTENT.description,
        "note": "",
        "opened_at": 1_800_000_000.0,
        "since": "2027-01-15T08:00:00+00:00",
        "drill": False,
        "links": {"Runbook": "https://runbook/payments"},
        "tags": CONTENT.tags,
        "details": CONTENT.details,
    }
    assert server.requests[0].headers["content-type"] == "application/json"
    assert "x-breakerd-signature" not in server.requests[0].headers


def test_the_same_step_has_the_same_key_and_each_step_its_own(
    server: RecordingServer, make: Make, incident: Incident
) -> None:
    receiver = make()
    for step in (*LIFE, *LIFE):
        receiver.send(incident, step)
    keys = [request.headers["idempotency-key"] for request in server.requests]
    assert keys[: len(LIFE)] == keys[len(LIFE) :]
    assert len(set(keys)) == len(LIFE)


@pytest.mark.parametrize("kind", [StepKind.ATTACH, StepKind.UPDATE])
def test_what_has_no_event_is_not_posted(
    server: RecordingServer, make: Make, incident: Incident, kind: StepKind
) -> None:
    assert make().send(incident, Step(kind)) == make().preview(incident, Step(kind)) == ""
    assert server.requests == []


def test_a_stage_has_its_note_and_the_text_of_now(
    server: RecordingServer, make: Make, incident: Incident
) -> None:
    make().send(incident, Step(StepKind.PRIORITY, "P2", note="Still open after 1 min."))
    body = server.requests[0].json
    assert (body["event"], body["priority"]) == ("priority", "P2")
    assert (body["note"], body["message"]) == ("Still open after 1 min.", CONTENT.message)


def test_a_note_and_the_end_have_their_own_text_and_no_figures_of_before(
    server: RecordingServer, make: Make, incident: Incident
) -> None:
    incident.content = replace(CONTENT, details=CONTENT.details | {"Cause": "p95", "State": "OPEN"})
    incident.resolving_since, incident.stage = incident.opened_at + 480, 2
    receiver = make()
    receiver.send(incident, Step(StepKind.NOTE, note="Well again after 8 min."))
    receiver.send(incident, Step(StepKind.CLOSE, note="Over: it lasted 8 min."))
    note, end = (request.json for request in server.requests)
    assert note["message"] == "payments: Well again after 8 min."
    assert note["description"] == "Well again after 8 min."
    assert end["message"] == "Resolved after 8 min (was P1): payments"
    assert end["description"] == end["note"] == "Over: it lasted 8 min."
    assert note["details"] == end["details"] == CONTENT.details


def test_the_preview_is_what_is_posted(
    server: RecordingServer, make: Make, incident: Incident
) -> None:
    receiver = make(template='{"t": "$priority since $since"}')
    receiver.send(incident, LIFE[0])
    assert json.loads(receiver.preview(incident, LIFE[0])) == server.requests[0].json
    assert server.requests[0].json == {"t": "P3 since 2027-01-15T08:00:00+00:00"}
    assert make(template="no JSON: $alias").preview(incident, LIFE[0]).startswith("no JSON: ")


def test_own_headers_go_along(server: RecordingServer, make: Make, incident: Incident) -> None:
    headers = {"Authorization": SecretStr("Bearer abc"), "Content-Type": SecretStr("text/x-own")}
    make(headers=headers).send(incident, LIFE[0])
    received = server.requests[0].headers
    assert (received["authorization"], received["content-type"]) == ("Bearer abc", "text/x-own")


def test_all_breakers_are_named_and_in_the_minimal_form_some(
    server: RecordingServer, make: Make, incident: Incident
) -> None:
    incident.members = {f"b{n}": Member("open", 0.0) for n in range(10_000)}
    receiver = make()
    receiver.send(incident, LIFE[0])
    incident.delivery_to(receiver.name).reduced = True
    receiver.send(incident, LIFE[0])
    full, minimal = (request.json for request in server.requests)
    assert (len(full["breakers"]), len(minimal["breakers"])) == (10_000, 100)
    assert full["breakers_count"] == minimal["breakers_count"] == 10_000


def test_the_minimal_form_is_short(server: RecordingServer, make: Make, incident: Incident) -> None:
    receiver = make()
    incident.delivery_to(receiver.name).reduced = True
    receiver.send(incident, LIFE[0])
    body = server.requests[0].json
    assert (body["description"], body["tags"], body["details"]) == ("", [], {})
    assert body["message"] == CONTENT.message


# --- signatures


def test_a_body_is_signed_as_the_page_says(
    server: RecordingServer, make: Make, incident: Incident
) -> None:
    make(key=KEY).send(incident, LIFE[0])
    (request,) = server.requests
    header = request.headers["x-breakerd-signature"]
    time, digest = (part.split("=")[1] for part in header.split(","))
    signed = time.encode() + b"." + request.body
    assert digest == hmac.new(b"signing-key", signed, hashlib.sha256).hexdigest()
    assert verify(KEY, request.body, header, float(time))


@pytest.mark.parametrize(
    ("key", "body", "now", "valid"),
    [
        ("signing-key", b"body", 1000, True),
        ("signing-key", b"body", 1300, True),
        ("signing-key", b"body", 700, True),
        ("signing-key", b"body", 1301, False),
        ("signing-key", b"body", 699, False),
        ("signing-key", b"other", 1000, False),
        ("other", b"body", 1000, False),
    ],
)
def test_a_signature_holds_for_its_key_body_and_time(
    key: str, body: bytes, now: float, *, valid: bool
) -> None:
    assert verify(SecretStr(key), body, signature(KEY, b"body", 1000), now) is valid


@pytest.mark.parametrize(
    "header", ["", "t=,v1=", "v1=abc,t=1", f"t=1,v1={'0' * 64}", f"t=9e9,v1={'0' * 64}"]
)
def test_what_is_no_signature_is_refused(header: str) -> None:
    assert not verify(KEY, b"body", header, 1.0)


def test_the_time_cannot_be_put_forward() -> None:
    old = signature(KEY, b"body", 1000)
    assert not verify(KEY, b"body", old.replace("t=1000", "t=9000"), 9000)


# --- templates


def test_a_template_is_filled_in_with_what_fits_into_json(
    server: RecordingServer, make: Make, incident: Incident
) -> None:
    incident.members["orders"] = Member("open", 0.0)
    text = (
        '{"text": "$message $$5 ${description}", "in": "$breakers", "at": $opened_at, "d": $drill}'
    )
    receiver = make(template=text)
    details = {"Host": "$kind"}
    incident.content = replace(incident.content, details=details)
    receiver.send(incident, Step(StepKind.NOTE, note='"quoted"\n$alias'))
    assert server.requests[0].json == {
        "text": 'payments, orders: "quoted" $5 "quoted"\n$alias',
        "in": "payments, orders",
        "at": 1_800_000_000.0,
        "d": False,
    }


def test_values_are_not_templates_and_cannot_leave_their_string(
    server: RecordingServer, make: Make, incident: Incident
) -> None:
    note = '", "admin": true, "x": "$alias \\ \n\u2028ü'
    make(template='{"note": "$note"}').send(incident, Step(StepKind.NOTE, note=note))
    assert server.requests[0].json == {"note": note}


def test_every_field_may_be_used(server: RecordingServer, make: Make, incident: Incident) -> None:
    template = json.dumps({name: f"${name}" for name in FIELDS})
    assert template_problem(template) == ""
    make(template=template).send(incident, LIFE[0])
    assert set(server.requests[0].json) == set(FIELDS)


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("$password", "$NAME of event"),
        ("$mesage", "did you mean $message?"),
        ("100 $", "$$ for a dollar sign"),
        ("${a.b}", "${NAME}"),
    ],
)
def test_a_template_that_cannot_be_filled_in_is_told(template: str, problem: str) -> None:
    assert problem in template_problem(template)


# --- what goes wrong


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(401), UnauthorizedError),
        (Reply(422), InvalidRequestError),
        (Reply(413), InvalidRequestError),
        (Reply(429, "", {"Retry-After": "5"}), RateLimitedError),
        (Reply(502, "<html>"), UnavailableError),
        (Reply(raw=b""), UnavailableError),
    ],
)
def test_what_goes_wrong_is_named(
    server: RecordingServer, make: Make, incident: Incident, reply: Reply, kind: type[Exception]
) -> None:
    server.replies = [reply]
    with pytest.raises(kind) as failure:
        make().send(incident, LIFE[0])
    assert type(failure.value) is kind


def test_no_secret_is_told(server: RecordingServer, make: Make, incident: Incident) -> None:
    def repeat(request: Any) -> Reply:
        return Reply(422, f"{request.path} {request.headers['x-own']}")

    server.answer = repeat
    receiver = make(key=KEY, headers={"X-Own": SecretStr("header-value")})
    with pytest.raises(InvalidRequestError) as failure:
        receiver.send(incident, LIFE[0])
    assert "hidden-token" not in str(failure.value)
    assert "header-value" not in str(failure.value)


def test_a_webhook_goes_one_way(make: Make, incident: Incident) -> None:
    assert make().request_state("any") is RequestState.DONE
    assert make().alert_state(incident) is AlertState.UNKNOWN
