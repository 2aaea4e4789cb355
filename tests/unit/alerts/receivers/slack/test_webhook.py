from __future__ import annotations

import json
from collections.abc import Iterator

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
from breakerd.alerts.receivers.slack import SlackReceiver
from tests.support.webhook_receiver import RecordingServer, Reply
from tests.unit.alerts.receivers.conftest import LIFE

PATH = "/services/T000/B000/hidden"


@pytest.fixture
def receiver(server: RecordingServer) -> Iterator[SlackReceiver]:
    server.answer = lambda _request: Reply(200, "ok")
    made = SlackReceiver("slack.ops", SecretStr(server.url + PATH), 10)
    yield made
    made.close()


STAGE = Step(StepKind.PRIORITY, "P2", note="Still open after 1 min, now P2.", number=1)


def test_a_stage_is_one_message_with_its_note_and_the_text_of_now(
    server: RecordingServer, receiver: SlackReceiver, incident: Incident
) -> None:
    life = (LIFE[0], STAGE, Step(StepKind.NOTE, note="Open again."), LIFE[-1])
    assert [receiver.send(incident, step) for step in life] == [""] * len(life)
    assert {request.path for request in server.requests} == {PATH}
    blocks = [
        [block["text"]["text"] for block in request.json["blocks"]] for request in server.requests
    ]
    escaped = "payments open: p95 900 ms &gt; 600 ms"
    description = "It &lt;opened&gt; &amp; rejects calls."
    runbook, where = "<https://runbook/payments|Runbook>", "*Where:* box"
    assert blocks == [
        [f"🚨 *P3* {escaped}", description, runbook, where],
        [f"⏫ *P2* {escaped}", "Still open after 1 min, now P2.", description, runbook, where],
        ["📝 payments: Open again."],
        ["✅ Resolved after 0 s (was P3): payments", "Over: it lasted 11 min."],
    ]


@pytest.mark.parametrize("kind", [StepKind.ATTACH, StepKind.UPDATE])
def test_what_cannot_be_posted_is_not(
    server: RecordingServer, receiver: SlackReceiver, incident: Incident, kind: StepKind
) -> None:
    assert receiver.send(incident, Step(kind)) == receiver.preview(incident, Step(kind)) == ""
    assert server.requests == []


def test_the_preview_is_what_is_posted(
    server: RecordingServer, receiver: SlackReceiver, incident: Incident
) -> None:
    receiver.send(incident, STAGE)
    assert json.loads(receiver.preview(incident, STAGE)) == server.requests[0].json
    assert "hidden" not in receiver.preview(incident, STAGE)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(400, "invalid_payload"), InvalidRequestError),
        (Reply(403, "action_prohibited"), UnauthorizedError),
        (Reply(410, "channel_is_archived"), InvalidRequestError),
        (Reply(429, "", {"Retry-After": "5"}), RateLimitedError),
        (Reply(500, "rollup_error"), UnavailableError),
        (Reply(200, " <!doctype html>sign in"), UnavailableError),
    ],
)
def test_what_goes_wrong_is_named(
    server: RecordingServer,
    receiver: SlackReceiver,
    incident: Incident,
    reply: Reply,
    kind: type[Exception],
) -> None:
    server.replies = [reply]
    with pytest.raises(kind) as failure:
        receiver.send(incident, LIFE[0])
    assert type(failure.value) is kind


def test_the_address_is_not_told(
    server: RecordingServer, receiver: SlackReceiver, incident: Incident
) -> None:
    server.replies = [Reply(404, f"no_service: {PATH}")]
    with pytest.raises(UnavailableError) as failure:
        receiver.send(incident, LIFE[0])
    assert "hidden" not in str(failure.value)


def test_messages_go_one_way(receiver: SlackReceiver, incident: Incident) -> None:
    assert receiver.request_state("any") is RequestState.DONE
    assert receiver.alert_state(incident) is AlertState.UNKNOWN
