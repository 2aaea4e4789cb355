from __future__ import annotations

import importlib.util
import logging

import pytest
from pydantic import SecretStr

from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.incident_parts.member import Member
from breakerd.alerts.model.step import Step, StepKind
from breakerd.alerts.receivers import AlertState, RequestState, UnavailableError
from breakerd.alerts.receivers import apprise as module
from breakerd.alerts.receivers.apprise import AppriseReceiver, missing_requirement, render
from tests.support.webhook_receiver import RecordingServer, Reply
from tests.unit.alerts.receivers.conftest import CONTENT, LIFE


def url_of(server: RecordingServer, path: str = "hidden") -> SecretStr:
    return SecretStr(server.url.replace("http:", "json:") + f"/{path}")


STAGE = Step(StepKind.PRIORITY, "P2", note="Still open after 1 min, now P2.", number=1)
NOTE = Step(StepKind.NOTE, note="Open again.")
END = Step(StepKind.CLOSE, note="Over: it lasted 42 s.", number=1)


def test_an_incidents_whole_life(server: RecordingServer, incident: Incident) -> None:
    receiver = AppriseReceiver("apprise.all", url_of(server), 10)
    incident.resolving_since = incident.opened_at + 42
    life = (Step(StepKind.CREATE, "P3"), STAGE, NOTE, END)
    assert [receiver.send(incident, step) for step in life] == [""] * len(life)
    assert [(r.json["title"], r.json["type"], r.json["message"]) for r in server.requests] == [
        (f"P3 {CONTENT.message}", "failure", CONTENT.description),
        (f"P2 {CONTENT.message}", "failure", f"{STAGE.note}\n\n{CONTENT.description}"),
        ("Resolved after 42 s (was P3): payments", "success", "Over: it lasted 42 s."),
    ]
    receiver.close()


def test_notes_are_sent_where_they_are_wanted(server: RecordingServer, incident: Incident) -> None:
    receiver = AppriseReceiver("apprise.all", url_of(server), 10, notes=True)
    assert receiver.accepts_notes
    assert not AppriseReceiver("apprise.all", url_of(server), 10).accepts_notes
    receiver.send(incident, NOTE)
    assert [(r.json["title"], r.json["type"], r.json["message"]) for r in server.requests] == [
        ("payments: Open again.", "info", "Open again.")
    ]


def test_all_breakers_are_named(incident: Incident) -> None:
    incident.members |= {name: Member("open", 0.0) for name in ("cart", "checkout")}
    _, body = render(incident, STAGE, "apprise.all")
    assert body.split("\n\n")[:2] == [STAGE.note, "Breakers: payments, cart, checkout"]


def test_a_body_is_never_empty(incident: Incident) -> None:
    incident.delivery_to("apprise.all").reduced = True
    assert render(incident, Step(StepKind.CREATE, "P3"), "apprise.all") == (
        f"P3 {CONTENT.message}",
        f"P3 {CONTENT.message}",
    )
    title, body = render(incident, Step(StepKind.CLOSE), "apprise.all")
    assert body == title


def test_the_preview_is_title_and_body(server: RecordingServer, incident: Incident) -> None:
    receiver = AppriseReceiver("apprise.all", url_of(server), 10)
    assert receiver.preview(incident, END).splitlines()[-1] == "Over: it lasted 42 s."
    assert receiver.preview(incident, Step(StepKind.UPDATE)) == ""


def test_a_mail_keeps_its_lines(server: RecordingServer, incident: Incident) -> None:
    url = SecretStr(url_of(server).get_secret_value() + "?format=html")
    receiver = AppriseReceiver("apprise.mail", url, 10)
    receiver.send(incident, STAGE)
    assert "<br" in server.requests[0].json["message"]
    assert "&lt;opened&gt;" in server.requests[0].json["message"]


@pytest.mark.parametrize("kind", [StepKind.ATTACH, StepKind.UPDATE])
def test_what_cannot_be_sent_is_not(
    server: RecordingServer, incident: Incident, kind: StepKind
) -> None:
    receiver = AppriseReceiver("apprise.all", url_of(server), 10, notes=True)
    assert receiver.send(incident, Step(kind)) == ""
    assert server.requests == []


def test_each_address_is_told_and_one_that_fails_is_told_of(
    server: RecordingServer, incident: Incident, caplog: pytest.LogCaptureFixture
) -> None:
    urls = " ".join(url_of(server, path).get_secret_value() for path in ("hidden1", "hidden2"))
    receiver = AppriseReceiver("apprise.all", SecretStr(urls), 10)
    server.answer = lambda request: Reply(500 if request.path == "/hidden2" else 200)
    with caplog.at_level(logging.DEBUG), pytest.raises(UnavailableError) as failure:
        receiver.send(incident, LIFE[0])
    assert sorted(request.path for request in server.requests) == ["/hidden1", "/hidden2"]
    assert "hidden" not in caplog.text
    assert "hidden" not in str(failure.value)


def test_a_service_that_drips_does_not_hold_up_for_longer_than_the_time_out(
    server: RecordingServer, incident: Incident
) -> None:
    server.replies = [Reply(raw=b"HTTP/1.1 200 OK\r\n", drips=b"X-More: 1\r\n")]
    receiver = AppriseReceiver("apprise.all", url_of(server), 0.3)
    with pytest.raises(UnavailableError):
        receiver.send(incident, LIFE[0])


def test_an_address_that_is_not_known_is_told_by_its_number(
    caplog: pytest.LogCaptureFixture,
) -> None:
    urls = SecretStr("json://127.0.0.1 nonsense://hidden")
    with caplog.at_level(logging.DEBUG):
        assert missing_requirement(urls) == "URL supported by apprise in place 2"
        with pytest.raises(ValueError, match=r"apprise\.all has no URL") as failure:
            AppriseReceiver("apprise.all", urls, 10)
    assert "hidden" not in str(failure.value)
    assert "hidden" not in caplog.text


def test_without_the_package_it_is_told_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> None:
        """No module is installed."""

    monkeypatch.setattr(module, "find_spec", nothing)
    assert "the extra `apprise`" in missing_requirement(SecretStr("json://127.0.0.1/only-here"))
    assert importlib.util.find_spec("apprise") is not None


def test_messages_go_one_way(server: RecordingServer, incident: Incident) -> None:
    receiver = AppriseReceiver("apprise.all", url_of(server), 10)
    assert receiver.request_state("any") is RequestState.DONE
    assert receiver.alert_state(incident) is AlertState.UNKNOWN
