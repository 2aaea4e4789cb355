from __future__ import annotations

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
from breakerd.alerts.receivers.slack import SlackReceiver
from tests.support.webhook_receiver import RecordingServer, Reply
from tests.unit.alerts.receivers.conftest import CONTENT, LIFE, make_incident

PATH = "/services/T000/B000/hidden"


@pytest.fixture
def receiver(server: RecordingServer) -> Iterator[SlackReceiver]:
    server.answer = lambda _request: Reply(200, "ok")
    made = SlackReceiver("slack.ops", SecretStr(server.url + PATH), 10)
    yield made
    made.close()


def test_an_incidents_whole_life(
    server: RecordingServer, receiver: SlackReceiver, incident: Incident
) -> None:
    assert [receiver.send(incident, step) for step in LIFE] == [""] * len(LIFE)
    assert {request.path for request in server.requests} == {PATH}
    texts = [request.json["text"].split("\n") for request in server.requests]
    escaped = "payments open: p95 900 ms &gt; 600 ms"
    assert [text[0] for text in texts] == [
        f":rotating_light: *P3* {escaped}",
        f":memo: *P3* {escaped}",
        f":arrow_double_up: *P2* {escaped}",
        f":arrow_double_up: *P1* {escaped}",
        f":memo: *P3* {escaped}",
        f":white_check_mark: *P3* {escaped}",
    ]
    assert texts[-1][1] == "Over: it lasted 11 min."


def test_the_opening_has_the_description(
    server: RecordingServer, receiver: SlackReceiver, incident: Incident
) -> None:
    receiver.send(incident, LIFE[0])
    blocks = [block["text"]["text"] for block in server.requests[0].json["blocks"]]
    assert blocks[1] == "```It &lt;opened&gt; &amp; rejects calls.```"


def test_a_block_is_no_longer_than_slack_takes(
    server: RecordingServer, receiver: SlackReceiver
) -> None:
    content = replace(CONTENT, description="x" + "<" * 15_000)
    receiver.send(make_incident(content=content), LIFE[0])
    receiver.send(make_incident(content=content), Step(StepKind.NOTE, note="&" * 25_000))
    for request in server.requests:
        assert all(len(block["text"]["text"]) <= 3000 for block in request.json["blocks"])


def test_a_description_that_is_cut_stays_within_its_fence(
    server: RecordingServer, receiver: SlackReceiver
) -> None:
    content = replace(CONTENT, description="x" + "<" * 15_000)
    receiver.send(make_incident(content=content), LIFE[0])
    text = server.requests[0].json["blocks"][1]["text"]["text"]
    assert text.startswith("```x&lt;&lt;")
    assert text.endswith("&lt;…```")


def test_a_picture_is_not_posted(
    server: RecordingServer, receiver: SlackReceiver, incident: Incident
) -> None:
    assert receiver.send(incident, Step(StepKind.ATTACH)) == ""
    assert server.requests == []


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
