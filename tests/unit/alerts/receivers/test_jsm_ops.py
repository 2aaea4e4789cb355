from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

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
from breakerd.alerts.receivers.jsm_ops import JsmOpsReceiver
from tests.support.webhook_receiver import Received, RecordingServer, Reply
from tests.unit.alerts.receivers.conftest import CONTENT, LIFE

PATH = "/jsm/ops/api/cloud-1/v1/alerts"
TEAM = "4513b7ea-3b91-438f-b7e4-e3e54af9147c"
USER = "557058:bb4d9938-c3c2-455d-aaab-727aa701c0d8"


class Site:
    """One alert, and what its answers look like."""

    def __init__(self) -> None:
        self.alerts: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.notes: list[str] = []

    def answer(self, request: Received) -> Reply:
        what = f"{request.method} {request.path.removeprefix(PATH)}"
        if request.method != "GET":
            self.asked.append(what)
        if what == "POST ":
            self.alerts.append({"id": "a 1", "alias": request.json["alias"], "status": "open"})
        if what == "GET /alias":
            return self._open(request.query["alias"])
        if what == "GET ":
            return Reply(200, {"values": list(reversed(self.alerts))})
        if what == "GET /1/notes":
            return Reply(200, {"values": [{"id": "n", "note": note} for note in self.notes]})
        if what.endswith("/notes"):
            return Reply(200, {"id": "n1", "note": request.json["note"]})
        return Reply(202, {"result": "Request will be processed", "requestId": "r1"})

    def _open(self, alias: str) -> Reply:
        found = [a for a in self.alerts if a["alias"] == alias and a["status"] == "open"]
        return Reply(200, found[0]) if found else Reply(404, {"errors": [{"title": "not found"}]})


@pytest.fixture
def site(server: RecordingServer) -> Site:
    made = Site()
    server.answer = made.answer
    return made


@pytest.fixture
def receiver(server: RecordingServer) -> Iterator[JsmOpsReceiver]:
    auth = ("me@example.com", SecretStr("api-token"))
    made = JsmOpsReceiver(
        "jsm_ops.ops", "cloud-1", auth, 10, server.url, responders=(f"team:{TEAM}",)
    )
    yield made
    made.close()


def test_an_incidents_whole_life(site: Site, receiver: JsmOpsReceiver, incident: Incident) -> None:
    ids = [receiver.send(incident, step) for step in LIFE]
    assert ids == ["r1", "", "r1", "r1", "", "r1"]
    assert site.asked == [
        "POST ",
        "POST /a%201/notes",
        "PATCH /a%201/priority",
        "PATCH /a%201/priority",
        "POST /a%201/notes",
        "POST /a%201/close",
    ]


def test_what_is_sent(
    server: RecordingServer, site: Site, receiver: JsmOpsReceiver, incident: Incident
) -> None:
    receiver.send(incident, LIFE[0])
    (request,) = server.requests
    token = base64.b64encode(b"me@example.com:api-token").decode()
    assert request.headers["authorization"] == f"Basic {token}"
    assert request.json == {
        "message": CONTENT.message,
        "alias": incident.alias,
        "description": CONTENT.description,
        "responders": [{"type": "team", "id": TEAM}],
        "tags": CONTENT.tags,
        "extraProperties": CONTENT.details,
        "entity": "payments",
        "source": "breakerd",
        "priority": "P3",
    }
    assert site.alerts


UPDATE = Step(StepKind.UPDATE, priority="P3", parts=("message", "description", "tags", "details"))


def test_an_update_sends_the_texts_first(
    server: RecordingServer, site: Site, receiver: JsmOpsReceiver, incident: Incident
) -> None:
    receiver.send(incident, LIFE[0])
    incident.delivery_to(receiver.name).tags = ["Old"]
    assert receiver.send(incident, UPDATE) == "r1,r1,r1,r1,r1"
    assert site.asked[1:] == [
        "PATCH /a%201/message",
        "PATCH /a%201/description",
        "DELETE /a%201/tags",
        "POST /a%201/tags",
        "POST /a%201/extra-properties",
    ]
    changes = [request.json for request in server.requests[2:]]
    assert changes == [
        {"message": CONTENT.message},
        {"description": CONTENT.description},
        {"tags": ["Old"]},
        {"tags": CONTENT.tags},
        {"extraProperties": CONTENT.details},
    ]


@pytest.mark.parametrize("step", [*LIFE, UPDATE], ids=lambda step: f"{step.kind}{step.number}")
def test_a_preview_is_what_is_sent_without_the_token(
    server: RecordingServer, site: Site, receiver: JsmOpsReceiver, incident: Incident, step: Step
) -> None:
    shown = receiver.preview(incident, step)
    assert server.requests == []
    if step.kind is not StepKind.CREATE:
        receiver.send(incident, LIFE[0])
    receiver.send(incident, step)
    assert site.alerts
    for request in server.requests[2 if step.kind is not StepKind.CREATE else 0 :]:
        assert json.dumps(request.json, indent=2, ensure_ascii=False) in shown
    assert "api-token" not in shown


def test_responders_of_a_stage_are_told_by_their_ids(
    server: RecordingServer, site: Site, receiver: JsmOpsReceiver, incident: Incident
) -> None:
    wanted = ("team:Payments on call", f"user:{USER}")
    receiver.send(incident, replace(LIFE[0], responders=wanted))
    receiver.send(incident, replace(LIFE[2], responders=wanted))
    created, _, added, _ = server.requests
    user = {"type": "user", "id": USER}
    assert created.json["responders"] == [{"type": "team", "id": TEAM}, user]
    assert added.json == user
    assert site.asked == ["POST ", "POST /a%201/responders", "PATCH /a%201/priority"]


def test_a_responder_that_is_not_taken_does_not_hold_up_the_priority(
    server: RecordingServer, site: Site, receiver: JsmOpsReceiver, incident: Incident
) -> None:
    receiver.send(incident, LIFE[0])
    alert = Reply(200, site.alerts[0])
    server.replies = [alert, Reply(422, {"errors": [{"title": "no such user"}]})]
    assert receiver.send(incident, replace(LIFE[2], responders=(f"user:{USER}",))) == "r1"
    assert site.asked == ["POST ", "PATCH /a%201/priority"]


def test_the_minimal_form_goes_to_the_configured_responders_alone(
    server: RecordingServer, site: Site, receiver: JsmOpsReceiver, incident: Incident
) -> None:
    incident.delivery_to(receiver.name).reduced = True
    receiver.send(incident, replace(LIFE[0], responders=(f"user:{USER}",)))
    assert server.requests[0].json == {
        "message": CONTENT.message,
        "alias": incident.alias,
        "responders": [{"type": "team", "id": TEAM}],
        "source": "breakerd",
        "priority": "P3",
    }
    assert site.alerts


@pytest.mark.parametrize("step", LIFE[1:])
def test_without_an_alert_a_step_is_gone(
    site: Site, receiver: JsmOpsReceiver, incident: Incident, step: Step
) -> None:
    assert receiver.request_state(receiver.send(incident, step)) is RequestState.GONE
    assert site.asked == []


def test_closing_twice_does_no_harm(
    site: Site, receiver: JsmOpsReceiver, incident: Incident
) -> None:
    receiver.send(incident, LIFE[0])
    receiver.send(incident, LIFE[-1])
    site.alerts[0]["status"] = "closed"
    assert receiver.send(incident, LIFE[-1]) == ""
    assert site.asked == ["POST ", "POST /a%201/close"]


@pytest.mark.parametrize(
    ("alert", "state"),
    [
        ({"status": "open", "acknowledged": False}, AlertState.OPEN),
        ({"status": "open", "acknowledged": True}, AlertState.ACKNOWLEDGED),
        ({"status": "closed", "acknowledged": True}, AlertState.CLOSED),
    ],
)
def test_what_people_did_is_seen(
    site: Site,
    receiver: JsmOpsReceiver,
    incident: Incident,
    alert: dict[str, Any],
    state: AlertState,
) -> None:
    site.alerts = [{"id": "1", "alias": incident.alias, **alert}]
    assert receiver.alert_state(incident) is state


def test_an_alert_that_was_deleted_is_missing(
    site: Site, receiver: JsmOpsReceiver, incident: Incident
) -> None:
    site.alerts = [{"id": "1", "alias": incident.alias + "0", "status": "closed"}]
    assert receiver.alert_state(incident) is AlertState.MISSING


@pytest.mark.parametrize(
    ("alert", "done"),
    [
        ({"status": "open", "priority": "P3"}, {"create"}),
        ({"status": "open", "priority": "P2"}, {"create", "priority P2"}),
        ({"status": "closed", "priority": "P1"}, {"create", "priority P1", "close"}),
    ],
)
def test_what_was_done_is_seen(
    site: Site, receiver: JsmOpsReceiver, incident: Incident, alert: dict[str, Any], done: set[str]
) -> None:
    site.alerts = [{"id": "1", "alias": incident.alias, **alert}]
    site.notes = [LIFE[1].note]
    expected = {*done, "note Still open after 1 min."}
    steps = {f"{step.kind} {step.note or step.priority}": step for step in LIFE}
    steps["create"], steps["close"] = steps.pop("create P3"), steps.pop(f"close {LIFE[-1].note}")
    assert {
        name for name, step in steps.items() if receiver.has_applied(incident, step)
    } == expected


def test_what_is_not_there_was_not_done(
    site: Site, receiver: JsmOpsReceiver, incident: Incident
) -> None:
    assert not any(receiver.has_applied(incident, step) for step in LIFE)
    assert site.asked == []


@pytest.mark.parametrize(
    ("reply", "state"),
    [
        (Reply(200, {"isSuccess": True, "action": "Create", "status": "Created"}), "DONE"),
        (Reply(200, {"isSuccess": False, "action": "Create", "status": "failed"}), "FAILED"),
        (
            Reply(200, {"isSuccess": False, "action": "Close", "status": "Alert does not exist"}),
            "GONE",
        ),
        (Reply(404, ""), "PENDING"),
        (Reply(422, ""), "FAILED"),
    ],
)
def test_what_became_of_a_request(
    server: RecordingServer, receiver: JsmOpsReceiver, reply: Reply, state: str
) -> None:
    server.replies = [reply]
    assert receiver.request_state("r 1").name == state
    assert server.requests[0].path == f"{PATH}/requests/r%201"


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(401, ""), UnauthorizedError),
        (Reply(422, {"errors": [{"title": "message is too long"}]}), InvalidRequestError),
        (Reply(429, "", {"Retry-After": "5"}), RateLimitedError),
        (Reply(500, ""), UnavailableError),
        (Reply(200, "<html>"), UnavailableError),
        (Reply(200, {"id": "1"}), UnavailableError),
    ],
)
def test_what_goes_wrong_is_named(
    server: RecordingServer,
    receiver: JsmOpsReceiver,
    incident: Incident,
    reply: Reply,
    kind: type[Exception],
) -> None:
    server.replies = [reply]
    with pytest.raises(kind) as failure:
        receiver.send(incident, LIFE[0])
    assert type(failure.value) is kind
    assert "api-token" not in str(failure.value)


def test_a_picture_is_not_sent(site: Site, receiver: JsmOpsReceiver, incident: Incident) -> None:
    receiver.send(incident, LIFE[0])
    assert receiver.send(incident, Step(StepKind.ATTACH)) == ""
    assert site.asked == ["POST "]


def test_what_is_not_needed_may_be_missing(
    server: RecordingServer, receiver: JsmOpsReceiver, incident: Incident
) -> None:
    """The alert is closed, so it is searched for; odd entries of the list are passed over."""
    alias = incident.alias

    def answer(request: Received) -> Reply:
        if request.path.endswith("/alias"):
            return Reply(404, {})
        if request.method == "GET":
            odd = [None, "x", {"alias": alias}, {"alias": "other", "id": "2"}]
            return Reply(200, {"values": [*odd, {"alias": alias, "id": "1", "status": "open"}]})
        return Reply(
            200, {} if request.path.endswith(("/notes", "/responders")) else {"requestId": 7}
        )

    server.answer = answer
    assert receiver.alert_state(incident) is AlertState.OPEN
    assert receiver.send(incident, LIFE[1]) == ""
    assert receiver.send(incident, replace(LIFE[2], responders=(f"team:{TEAM}",))) == "7"


@pytest.mark.parametrize("values", [None, "x", [None], {}])
def test_a_list_that_makes_no_sense_shows_no_alert(
    server: RecordingServer, receiver: JsmOpsReceiver, incident: Incident, values: object
) -> None:
    server.answer = lambda request: (
        Reply(404, {}) if request.path.endswith("/alias") else Reply(200, {"values": values})
    )
    assert receiver.alert_state(incident) is AlertState.MISSING
