"""Each answer of the emulator is one that OpsGenie's API description knows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from breakerd.alerts.emulator import Emulator
from breakerd.alerts.emulator.api.opsgenie import OPERATIONS
from breakerd.alerts.emulator.pytest_plugin import API_KEY
from tests.support.opsgenie_description import (
    assert_answer_conforms,
    assert_request_conforms,
    description,
    find_operation,
)

HEARTBEAT = {"name": "live", "interval": 5, "intervalUnit": "minutes", "enabled": True}
CREATION = {
    "message": "payments open",
    "alias": "payments/open",
    "description": "p95 900 ms",
    "responders": [{"type": "team", "name": "ops"}, {"type": "user", "username": "a@b.example"}],
    "tags": ["Team:ops"],
    "details": {"p95": "900 ms"},
    "actions": ["restart"],
    "entity": "payments",
    "source": "breakerd",
    "user": "breakerd",
    "note": "first seen",
    "priority": "P2",
}
ALERT = "/v2/alerts/payments%2Fopen"
BY_ALIAS = {"identifierType": "alias"}
BY_TINY_ID = {"identifierType": "tiny"}
ACTION = {"user": "u", "source": "s", "note": "n"}


class Conversation:
    """A client that holds every request and every answer against the description."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        headers = {"Authorization": f"GenieKey {API_KEY}"}
        self._client = httpx.Client(base_url=emulator.url, headers=headers, timeout=10)

    def say(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        body: object = None,
        files: dict[str, Any] | None = None,
    ) -> httpx.Response:
        """Asks what the API describes."""
        response = self.say_wrongly(method, path, query, body, files)
        entry = self.emulator.requests[-1]
        assert_request_conforms(entry.method, entry.path, entry.query, entry.headers, entry.body)
        return response

    def say_wrongly(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        body: object = None,
        files: dict[str, Any] | None = None,
        **headers: str,
    ) -> httpx.Response:
        """Asks whatever is asked; only the answer has to be described."""
        response = self._client.request(
            method, path, params=query, json=body, files=files, headers=headers
        )
        assert_answer_conforms(method, path, response.status_code, response.json())
        return response

    def close(self) -> None:
        self._client.close()


@pytest.fixture
def conversation(opsgenie_emulator: Emulator) -> Iterator[Conversation]:
    made = Conversation(opsgenie_emulator)
    yield made
    made.close()


@pytest.fixture
def alert(conversation: Conversation) -> dict[str, Any]:
    request_id = conversation.say("POST", "/v2/alerts", body=CREATION).json()["requestId"]
    answer = conversation.say("GET", f"/v2/alerts/requests/{request_id}").json()
    assert answer["data"]["isSuccess"] is True
    data: dict[str, Any] = conversation.say("GET", ALERT, BY_ALIAS).json()["data"]
    assert data["id"] == answer["data"]["alertId"]
    return data


def test_every_operation_is_described() -> None:
    for method, path in OPERATIONS:
        assert method.lower() in description()["paths"][path], (method, path)


def test_every_operation_answers_as_described(
    conversation: Conversation, alert: dict[str, Any]
) -> None:
    said: list[tuple[str, str, dict[str, str], object]] = [
        ("POST", f"{ALERT}/acknowledge", BY_ALIAS, ACTION),
        ("POST", f"{ALERT}/unacknowledge", BY_ALIAS, ACTION),
        ("POST", f"/v2/alerts/{alert['id']}/notes", {}, ACTION),
        ("POST", f"{ALERT}/responders", BY_ALIAS, {"responder": {"type": "team", "name": "db"}}),
        ("GET", f"{ALERT}/attachments", {"alertIdentifierType": "alias"}, None),
        ("PUT", f"/v2/alerts/{alert['tinyId']}/priority", BY_TINY_ID, {"priority": "P1"}),
        ("PUT", f"{ALERT}/message", BY_ALIAS, {"message": "payments OPEN 21 s"}),
        ("PUT", f"/v2/alerts/{alert['id']}/description", {}, {"description": "p95 950 ms"}),
        ("POST", f"{ALERT}/tags", BY_ALIAS, ACTION | {"tags": ["cart", "checkout"]}),
        ("DELETE", f"{ALERT}/tags", BY_ALIAS | ACTION | {"tags": "cart,none"}, None),
        ("POST", f"{ALERT}/details", BY_ALIAS, ACTION | {"details": {"p50": "9 ms"}}),
        ("DELETE", f"{ALERT}/details", BY_ALIAS | ACTION | {"keys": "p95,none"}, None),
        ("GET", f"{ALERT}/notes", BY_ALIAS | {"limit": "1", "order": "asc"}, None),
        ("GET", f"{ALERT}/logs", BY_ALIAS | {"direction": "next", "offset": "1"}, None),
        ("GET", "/v2/alerts", {"query": "status:open", "limit": "1", "sort": "alias"}, None),
        ("GET", "/v2/alerts/count", {"query": 'alias:"payments/open"'}, None),
        ("POST", f"{ALERT}/close", BY_ALIAS, None),
        ("POST", "/v2/heartbeats", {}, HEARTBEAT),
        ("GET", "/v2/heartbeats", {}, None),
        ("GET", "/v2/heartbeats/live/ping", {}, None),
        ("GET", "/v2/heartbeats/live", {}, None),
        ("POST", "/v2/heartbeats/live/disable", {}, None),
        ("POST", "/v2/heartbeats/live/enable", {}, None),
        ("DELETE", "/v2/heartbeats/live", {}, None),
        ("GET", "/v2/heartbeats/live/ping", {}, None),
    ]  # fmt: skip
    attach(conversation)
    for method, path, query, body in said:
        response = conversation.say(method, path, query, body)
        assert response.status_code in {200, 201, 202}, (method, path, response.text)
    final = conversation.emulator.alert("payments/open")
    assert final is not None
    assert (final.priority, final.status, final.acknowledged) == ("P1", "closed", False)
    assert (final.message, final.description) == ("payments OPEN 21 s", "p95 950 ms")
    assert (final.tags, final.details) == (["Team:ops", "checkout"], {"p50": "9 ms"})
    conversation.say("DELETE", ALERT, BY_ALIAS | {"user": "u", "source": "s"})
    served = {
        (entry.method, find_operation(entry.method, entry.path).path)
        for entry in conversation.emulator.requests
    }
    assert served == set(OPERATIONS)


def attach(conversation: Conversation) -> None:
    response = conversation.say(
        "POST",
        f"{ALERT}/attachments",
        {"alertIdentifierType": "alias"},
        files={"file": ("chart.png", b"png", "image/png"), "user": (None, "breakerd")},
    )
    assert response.status_code == 201, response.text


@pytest.mark.parametrize(
    ("method", "path", "query", "body", "status"),
    [
        ("POST", "/v2/alerts", {}, {}, 422),
        ("POST", "/v2/alerts", {}, [], 422),
        ("POST", "/v2/alerts", {}, {"message": "x" * 131}, 422),
        ("GET", "/v2/alerts", {"limit": "0"}, None, 422),
        ("GET", "/v2/alerts", {"query": "free words"}, None, 422),
        ("GET", "/v2/alerts/count", {"query": "colour:red"}, None, 422),
        ("GET", "/v2/alerts/none", {}, None, 404),
        ("GET", "/v2/alerts/none", {"identifierType": "name"}, None, 422),
        ("GET", "/v2/alerts/none/notes", {}, None, 404),
        ("GET", "/v2/alerts/none/logs", {}, None, 404),
        ("GET", "/v2/alerts/requests/none", {}, None, 404),
        ("POST", "/v2/alerts/none/close", {}, {}, 202),
        ("POST", "/v2/alerts/none/notes", {}, {}, 422),
        ("PUT", "/v2/alerts/none/priority", {}, {"priority": "P9"}, 422),
        ("PUT", "/v2/alerts/none/message", {}, {"message": "m"}, 202),
        ("PUT", "/v2/alerts/none/message", {}, {}, 422),
        ("PUT", "/v2/alerts/none/message", {}, {"message": "m" * 131}, 422),
        ("PUT", "/v2/alerts/none/message", {"identifierType": "name"}, {"message": "m"}, 422),
        ("PUT", "/v2/alerts/none/description", {}, {"description": ""}, 422),
        ("PUT", "/v2/alerts/none/description", {}, {"description": "d" * 15_001}, 422),
        ("POST", "/v2/alerts/none/tags", {}, {"tags": []}, 422),
        ("DELETE", "/v2/alerts/none/tags", {}, None, 422),
        ("POST", "/v2/alerts/none/details", {}, {"details": {"n": 1}}, 422),
        ("DELETE", "/v2/alerts/none/details", {}, None, 422),
        ("POST", "/v2/alerts/none/snooze", {}, {}, 501),
        ("POST", "/v2/alerts/none/responders", {}, {"responder": {}}, 422),
        ("POST", "/v2/alerts/none/attachments", {}, {}, 400),
        ("GET", "/v2/alerts/none/attachments", {}, None, 404),
        ("POST", "/v2/heartbeats", {}, {}, 422),
        ("GET", "/v2/heartbeats/none", {}, None, 404),
    ],
)
def test_errors_are_described(
    conversation: Conversation,
    method: str,
    path: str,
    query: dict[str, str],
    body: object,
    status: int,
) -> None:
    assert conversation.say_wrongly(method, path, query, body).status_code == status


@pytest.mark.parametrize(
    ("kind", "status"), [("rate_limit", 429), ("unauthorized", 401), ("error", 503)]
)
def test_faults_that_answer_are_described(
    conversation: Conversation, kind: str, status: int
) -> None:
    conversation.emulator.fail(kind)
    assert conversation.say("POST", "/v2/alerts", body=CREATION).status_code == status


def test_a_wrong_key_and_a_wrong_scheme_are_described(conversation: Conversation) -> None:
    for key in ("GenieKey other", f"Bearer {API_KEY}", API_KEY):
        response = conversation.say_wrongly("GET", "/v2/alerts", Authorization=key)
        assert response.status_code == 401


def test_what_is_not_json_is_described(opsgenie_emulator: Emulator) -> None:
    headers = {"Authorization": f"GenieKey {API_KEY}"}
    response = httpx.post(f"{opsgenie_emulator.url}/v2/alerts", content=b"{", headers=headers)
    assert response.status_code == 400
    assert_answer_conforms("POST", "/v2/alerts", 400, json.loads(response.content))
