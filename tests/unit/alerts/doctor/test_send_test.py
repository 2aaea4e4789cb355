"""The test alert: sent, confirmed, and closed whatever goes wrong in between."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from breakerd import AlertingSettings, AlertsSettings, OpsGenieSettings
from breakerd.alerts.doctor.finding import CheckStatus, Finding
from breakerd.alerts.doctor.send_test import AlertProbe, make_probe_alert, send_probes
from breakerd.alerts.emulator import Emulator
from breakerd.alerts.emulator.pytest_plugin import API_KEY
from breakerd.alerts.receivers.factory import configured_receivers
from breakerd.alerts.settings.receivers import ReceiversSettings
from tests.support.webhook_receiver import RecordingServer, Reply

OK, FAIL = CheckStatus.OK, CheckStatus.FAIL


def settings_of(url: str, key: str = API_KEY) -> AlertingSettings:
    opsgenie = OpsGenieSettings(
        enabled=True, api_key=SecretStr(key), api_url=url, team="payments", min_priority="P1"
    )
    return AlertingSettings(opsgenie, AlertsSettings(request_timeout=5.0))


def tried(url: str, *, timeout: float = 5.0) -> list[Finding]:
    """Findings of a test alert, with no pause between attempts to close it."""
    settings = settings_of(url)
    (configured,) = configured_receivers(settings)
    receiver = configured.make()
    found = list(AlertProbe(receiver, make_probe_alert(settings), timeout, pause=0.0).run())
    receiver.close()
    assert API_KEY not in str(found)
    return found


def statuses(found: list[Finding]) -> list[CheckStatus]:
    return [finding.status for finding in found]


def test_sent_confirmed_and_closed(opsgenie_emulator: Emulator) -> None:
    found = list(send_probes(settings_of(opsgenie_emulator.url)))
    assert statuses(found) == [OK, OK]
    (alert,) = opsgenie_emulator.alerts()
    assert (alert.status, alert.priority, alert.tags) == ("closed", "P5", ["Test:true"])
    assert alert.message.startswith("TEST from breakerd on ")
    assert [happening.what for happening in alert.history] == ["created P5", "closed"]
    assert "delivered after" in found[0].found
    assert "closed after" in found[1].found


def test_each_receiver_is_tried_and_the_log_is_not(tmp_path: Path) -> None:
    assert list(send_probes(AlertingSettings())) == []
    with RecordingServer() as receiver:
        receivers = {"webhook": {"ops": {"url": f"{receiver.url}/hook", "fallback": True}}}
        alerts = AlertsSettings(
            database=str(tmp_path), receivers=ReceiversSettings.model_validate(receivers)
        )
        found = list(send_probes(AlertingSettings(alerts=alerts)))
    assert [(each.check, each.status) for each in found] == [("test webhook.ops", OK)] * 2
    assert len(receiver.requests) == 2


def test_a_key_that_is_refused_leaves_nothing_to_close(opsgenie_emulator: Emulator) -> None:
    opsgenie_emulator.api_keys = frozenset({"another"})
    found = tried(opsgenie_emulator.url)
    assert statuses(found) == [FAIL]
    assert "was not delivered: 401" in found[0].found
    assert [request.method for request in opsgenie_emulator.requests] == ["POST"]


def test_one_that_may_have_arrived_is_closed(opsgenie_emulator: Emulator) -> None:
    opsgenie_emulator.fail("drop", times=1)
    found = tried(opsgenie_emulator.url)
    assert statuses(found) == [FAIL, OK]
    (alert,) = opsgenie_emulator.alerts()
    assert alert.status == "closed"


def test_one_whose_status_is_never_told_is_closed(opsgenie_emulator: Emulator) -> None:
    opsgenie_emulator.fail("down", path="GET /v2/alerts/requests")
    found = tried(opsgenie_emulator.url, timeout=0.0)
    assert statuses(found) == [FAIL, FAIL]
    assert "execution is not confirmed" in found[0].found
    assert "may still be open" in found[1].found
    (alert,) = opsgenie_emulator.alerts()
    assert alert.status == "closed"


def test_a_status_that_is_told_late_is_waited_for(opsgenie_emulator: Emulator) -> None:
    opsgenie_emulator.fail("error", path="GET /v2/alerts/requests", times=1)
    assert statuses(tried(opsgenie_emulator.url)) == [OK, OK]


def test_one_that_is_accepted_and_not_carried_out(opsgenie_emulator: Emulator) -> None:
    opsgenie_emulator.fail("unapplied", times=1)
    found = tried(opsgenie_emulator.url)
    assert "not executed" in found[0].found
    assert statuses(found) == [FAIL, OK]


@pytest.mark.parametrize("kind", ["error", "rate_limit"])
def test_closing_is_insisted_on(opsgenie_emulator: Emulator, kind: str) -> None:
    opsgenie_emulator.fail(kind, path="/close", times=2, delay=0.0)
    found = tried(opsgenie_emulator.url, timeout=0.5)
    assert statuses(found) == [OK, OK]
    (alert,) = opsgenie_emulator.alerts()
    assert alert.status == "closed"


def test_one_that_cannot_be_closed_is_named(opsgenie_emulator: Emulator) -> None:
    opsgenie_emulator.fail("error", path="/close")
    found = tried(opsgenie_emulator.url)
    (alert,) = opsgenie_emulator.alerts()
    assert statuses(found) == [OK, FAIL]
    assert f"{alert.alias} may still be open" in found[1].found


def test_whoever_listens_no_more_leaves_nothing_open(opsgenie_emulator: Emulator) -> None:
    findings = send_probes(settings_of(opsgenie_emulator.url))
    next(findings)
    findings.close()  # type: ignore[attr-defined]  # it is a generator, as an interrupt ends it
    (alert,) = opsgenie_emulator.alerts()
    assert alert.status == "closed"


def test_a_form_that_is_refused() -> None:
    with RecordingServer(lambda _: Reply(422, {"message": "no such team"})) as receiver:
        found = tried(receiver.url)
    assert "422: no such team" in found[0].found
