from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from breakerd.alerts.receivers import (
    DeliveryError,
    InvalidRequestError,
    RateLimitedError,
    UnauthorizedError,
    UnavailableError,
)
from breakerd.alerts.receivers.slack.web_api import (
    ADDRESS,
    MessageMissingError,
    NotEditableError,
    SlackWebApi,
)
from tests.support.webhook_receiver import RecordingServer, Reply

TOKEN = "xoxb-hidden-token"
GOOD = Reply(200, {"ok": True, "ts": "1.2"})


@pytest.fixture
def api(server: RecordingServer) -> Iterator[SlackWebApi]:
    server.answer = lambda _request: GOOD
    made = SlackWebApi(SecretStr(TOKEN), 10, server.url + "/api/")
    yield made
    made.close()


def test_the_token_is_in_the_header_only(server: RecordingServer, api: SlackWebApi) -> None:
    assert api.write("chat.postMessage", {"channel": "C1", "text": "t"}) == GOOD.body
    api.read("conversations.replies", {"channel": "C1", "ts": "1.2"})
    posted, read = server.requests
    assert (posted.method, posted.path) == ("POST", "/api/chat.postMessage")
    assert posted.json == {"channel": "C1", "text": "t"}
    assert (read.method, read.query) == ("GET", {"channel": "C1", "ts": "1.2"})
    for request in (posted, read):
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        assert TOKEN not in f"{request.path}{request.query}{request.body!r}"
    assert posted.headers["content-type"].startswith("application/json")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("invalid_auth", UnauthorizedError),
        ("token_revoked", UnauthorizedError),
        ("account_inactive", UnauthorizedError),
        ("missing_scope", UnauthorizedError),
        ("ratelimited", RateLimitedError),
        ("internal_error", UnavailableError),
        ("channel_not_found", InvalidRequestError),
        ("is_archived", InvalidRequestError),
        ("not_in_channel", InvalidRequestError),
        ("invalid_blocks", InvalidRequestError),
        ("message_not_found", MessageMissingError),
        ("edit_window_closed", NotEditableError),
    ],
)
def test_an_error_in_a_good_answer_is_named(
    server: RecordingServer, api: SlackWebApi, error: str, kind: type[Exception]
) -> None:
    server.replies = [Reply(200, {"ok": False, "error": error})]
    with pytest.raises(kind) as failure:
        api.write("chat.postMessage", {})
    assert type(failure.value) is kind


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"error": "not_in_channel"}, "invite the app to the channel with /invite"),
        ({"error": "channel_not_found"}, "set `channel` to the id of a channel"),
        ({"error": "is_archived"}, "set another `channel`, or restore this one"),
        (
            {"error": "missing_scope", "needed": "chat:write"},
            r"\(needs chat:write\); add the scope",
        ),
        ({}, "chat.postMessage: unknown_error"),
    ],
)
def test_an_error_says_what_to_do(
    server: RecordingServer, api: SlackWebApi, body: dict[str, str], told: str
) -> None:
    server.replies = [Reply(200, {"ok": False, **body})]
    with pytest.raises(DeliveryError, match=told):
        api.write("chat.postMessage", {})


@pytest.mark.parametrize("status", [200, 429])
def test_a_pause_is_as_long_as_it_is_asked_for(
    server: RecordingServer, api: SlackWebApi, status: int
) -> None:
    limited = {"ok": False, "error": "ratelimited"}
    server.replies = [Reply(status, limited, {"Retry-After": "7"})]
    with pytest.raises(RateLimitedError) as failure:
        api.write("chat.postMessage", {})
    assert failure.value.seconds == 7


@pytest.mark.parametrize("reply", [Reply(200, "<html>proxy</html>"), Reply(200, {"x": 1})])
def test_what_is_no_answer_of_slack_is_tried_again(
    server: RecordingServer, api: SlackWebApi, reply: Reply
) -> None:
    server.replies = [reply]
    with pytest.raises(UnavailableError) as failure:
        api.write("chat.postMessage", {})
    assert failure.value.maybe_applied


def test_a_token_that_is_repeated_is_not_told(server: RecordingServer, api: SlackWebApi) -> None:
    server.replies = [Reply(200, {"ok": False, "error": f"bad {TOKEN}"})]
    with pytest.raises(InvalidRequestError) as failure:
        api.write("chat.postMessage", {})
    assert TOKEN not in str(failure.value)
    assert TOKEN not in repr(vars(api))


def test_slack_is_the_address_unless_another_is_given() -> None:
    api = SlackWebApi(SecretStr(TOKEN), 10)
    assert api._address == ADDRESS
    api.close()
