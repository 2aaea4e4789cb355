from __future__ import annotations

import importlib.util
import logging

import pytest
from pydantic import SecretStr

from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.step import Step, StepKind
from breakerd.alerts.receivers import AlertState, RequestState, UnavailableError
from breakerd.alerts.receivers import apprise as module
from breakerd.alerts.receivers.apprise import AppriseSink, missing
from tests.support.webhook_receiver import Receiver, Reply
from tests.unit.alerts.receivers.conftest import CONTENT, LIFE


def url_of(receiver: Receiver, path: str = "hidden") -> SecretStr:
    return SecretStr(receiver.url.replace("http:", "json:") + f"/{path}")


def test_an_incidents_whole_life(receiver: Receiver, incident: Incident) -> None:
    sink = AppriseSink("apprise.all", url_of(receiver), 10)
    assert [sink.send(incident, step) for step in LIFE] == [""] * len(LIFE)
    assert [(r.json["title"], r.json["type"], r.json["message"]) for r in receiver.requests] == [
        (f"P3 create: {CONTENT.message}", "failure", CONTENT.description),
        (f"P2 priority: {CONTENT.message}", "failure", CONTENT.description),
        (f"P1 priority: {CONTENT.message}", "failure", CONTENT.description),
        (f"P3 close: {CONTENT.message}", "success", "Over: it lasted 11 min."),
    ]
    sink.close()


def test_notes_are_sent_where_they_are_wanted(receiver: Receiver, incident: Incident) -> None:
    sink = AppriseSink("apprise.all", url_of(receiver), 10, notes=True)
    sink.send(incident, LIFE[1])
    assert [(r.json["type"], r.json["message"]) for r in receiver.requests] == [
        ("info", "Still open after 1 min.")
    ]


def test_a_picture_is_not_sent(receiver: Receiver, incident: Incident) -> None:
    sink = AppriseSink("apprise.all", url_of(receiver), 10, notes=True)
    assert sink.send(incident, Step(StepKind.ATTACH)) == ""
    assert receiver.requests == []


def test_each_address_is_told_and_one_that_fails_is_told_of(
    receiver: Receiver, incident: Incident, caplog: pytest.LogCaptureFixture
) -> None:
    urls = " ".join(url_of(receiver, path).get_secret_value() for path in ("hidden1", "hidden2"))
    sink = AppriseSink("apprise.all", SecretStr(urls), 10)
    receiver.answer = lambda request: Reply(500 if request.path == "/hidden2" else 200)
    with caplog.at_level(logging.DEBUG), pytest.raises(UnavailableError) as failure:
        sink.send(incident, LIFE[0])
    assert sorted(request.path for request in receiver.requests) == ["/hidden1", "/hidden2"]
    assert "hidden" not in caplog.text
    assert "hidden" not in str(failure.value)


def test_a_service_that_drips_does_not_hold_up_for_longer_than_the_time_out(
    receiver: Receiver, incident: Incident
) -> None:
    receiver.replies = [Reply(raw=b"HTTP/1.1 200 OK\r\n", drips=b"X-More: 1\r\n")]
    sink = AppriseSink("apprise.all", url_of(receiver), 0.3)
    with pytest.raises(UnavailableError):
        sink.send(incident, LIFE[0])


def test_an_address_that_is_not_known_is_told_by_its_number(
    caplog: pytest.LogCaptureFixture,
) -> None:
    urls = SecretStr("json://127.0.0.1 nonsense://hidden")
    with caplog.at_level(logging.DEBUG):
        assert missing(urls) == "address that apprise knows in place 2"
        with pytest.raises(ValueError, match=r"apprise\.all lacks address") as failure:
            AppriseSink("apprise.all", urls, 10)
    assert "hidden" not in str(failure.value)
    assert "hidden" not in caplog.text


def test_without_the_package_it_is_told_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> None:
        """No module is installed."""

    monkeypatch.setattr(module, "find_spec", nothing)
    assert "the extra `apprise`" in missing(SecretStr("json://127.0.0.1/only-here"))
    assert importlib.util.find_spec("apprise") is not None


def test_messages_go_one_way(receiver: Receiver, incident: Incident) -> None:
    sink = AppriseSink("apprise.all", url_of(receiver), 10)
    assert sink.look("any") is RequestState.DONE
    assert sink.state(incident) is AlertState.UNKNOWN
