"""The doubles and the counter of notifications, on which the transcripts rest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from breakerd.alerts.emulator import Emulator
from tests.golden.emulated import EmulatedReceiver
from tests.golden.notifications import notifications
from tests.golden.posted import PagerDuty, SlackApi

TOKEN = {"Authorization": "Bearer xoxb-test"}
ALERTS = "/v2/alerts"


@pytest.fixture
def pagerduty() -> Iterator[PagerDuty]:
    with PagerDuty("pagerduty", lambda: 0.0) as double:
        yield double


@pytest.fixture
def slack() -> Iterator[SlackApi]:
    with SlackApi("slack-api", lambda: 0.0) as double:
        yield double


def trigger(double: PagerDuty, severity: str, **more: Any) -> int:
    payload = {"summary": "a", "source": "box", "severity": severity}
    event = {"event_action": "trigger", "dedup_key": "key", "payload": payload}
    body = {"routing_key": "0" * 32, **event, **more}
    return httpx.post(f"{double.url}/v2/enqueue", json=body).status_code


def test_pagerduty_notifies_when_the_urgency_changes(pagerduty: PagerDuty) -> None:
    for severity in ("warning", "info", "error", "critical"):
        assert trigger(pagerduty, severity) == 202
    trigger(pagerduty, "error", event_action="resolve")
    assert [(each.action, each.notifies) for each in pagerduty.take()] == [
        ("trigger", True),
        ("trigger again", False),
        ("trigger again", True),
        ("trigger again", False),
        ("resolve", True),
    ]
    assert pagerduty.open_alerts() == []


@pytest.mark.parametrize(
    "wrong",
    [{"routing_key": "short"}, {"payload": {}}, {"dedup_key": "k" * 256}, {"links": [{}]}],
)
def test_pagerduty_refuses_what_the_api_refuses(pagerduty: PagerDuty, wrong: Any) -> None:
    assert trigger(pagerduty, "error", **wrong) == 400
    assert pagerduty.take() == []
    assert len(pagerduty.problems) == 1


def test_an_edit_of_a_message_notifies_nobody(slack: SlackApi) -> None:
    def call(method: str, **arguments: Any) -> Any:
        body = {"channel": "C0123456789", "text": "a", **arguments}
        return httpx.post(f"{slack.url}/{method}", json=body, headers=TOKEN).json()

    ts = call("chat.postMessage")["ts"]
    assert call("chat.update", ts=ts)["ok"]
    assert call("chat.postMessage", thread_ts=ts, reply_broadcast=True)["ok"]
    assert not call("chat.update", ts="1.2")["ok"]
    delivered = slack.take()
    assert [(each.action, each.notifies) for each in delivered] == [
        ("message", True),
        ("edit", False),
        ("reply in the channel, too", True),
    ]
    assert notifications(delivered)["slack-api"] == {"message 1": 2}


def test_opsgenie_notifies_of_all_but_texts(opsgenie_emulator: Emulator) -> None:
    receiver = EmulatedReceiver("opsgenie", opsgenie_emulator)
    address, by_alias = f"{receiver.url}{ALERTS}", {"identifierType": "alias"}
    with httpx.Client(headers={"Authorization": "GenieKey test-key"}, params=by_alias) as client:
        client.post(address, json={"message": "a", "alias": "a", "priority": "P3"})
        client.post(address, json={"message": "a", "alias": "a", "priority": "P3"})
        client.put(f"{address}/a/priority", json={"priority": "P1"})
        client.post(f"{address}/a/notes", json={"note": "b"})
        client.post(f"{address}/a/close", json={"note": "c"})
    delivered = receiver.take()
    assert [each.action for each in delivered] == ["create", "count", "priority", "note", "close"]
    assert notifications(delivered)["opsgenie"] == {"a": 4}
    assert receiver.problems == []
