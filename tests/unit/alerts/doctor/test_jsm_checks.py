"""Checks of Jira Service Management, at real servers."""

from __future__ import annotations

import pytest

from breakerd.alerts.doctor.finding import CheckStatus, Finding
from breakerd.alerts.emulator import Emulator
from breakerd.alerts.emulator.pytest_plugin import API_KEY
from tests.support.webhook_receiver import RecordingServer, Reply
from tests.unit.alerts.doctor.conftest import Setup

OK, FAIL, WARNING, UNKNOWN = (
    CheckStatus.OK,
    CheckStatus.FAIL,
    CheckStatus.WARNING,
    CheckStatus.UNKNOWN,
)


def test_an_integration(setup: Setup, jsm_emulator: Emulator) -> None:
    setup.opsgenie |= {"flavour": "jsm", "api_url": jsm_emulator.url}
    found = setup.findings()
    assert found["jsm"].status is OK
    assert found["heartbeat"].status is FAIL
    assert found["clock"].status is OK
    jsm_emulator.api_keys = frozenset({"another"})
    found = setup.findings()
    assert found["jsm"].status is FAIL
    assert "rejects the key: 401" in found["jsm"].found


@pytest.mark.parametrize("status", [500, 302])
def test_no_integration(setup: Setup, status: int) -> None:
    with RecordingServer(lambda _: Reply(status)) as receiver:
        setup.opsgenie |= {"flavour": "jsm", "api_url": receiver.url}
        found = setup.findings()
    assert found["jsm"].status is FAIL
    assert f"answers {status}" in found["jsm"].found
    found = setup.findings()
    assert "does not respond" in found["jsm"].found


def jsm_site(setup: Setup, emulator: Emulator, **more: object) -> dict[str, Finding]:
    setup.opsgenie["enabled"] = False
    receiver = {"cloud_id": "c", "user": "ada", "key": API_KEY, "api_url": emulator.url, **more}
    integration = {"key": API_KEY, "api_url": emulator.url}
    setup.alerts["receivers"] = {"jsm_ops": {"ops": receiver}, "jsm": {"in": integration}}
    return setup.findings()


def test_a_site(setup: Setup, jsm_emulator: Emulator) -> None:
    team = jsm_emulator.add_team("payments")
    jsm_emulator.add_heartbeat("beat", interval=1)
    found = jsm_site(
        setup,
        jsm_emulator,
        responders=[f"team:{team}", "team:nope", "user:ada"],
        heartbeat="beat",
        heartbeat_team=team,
    )
    assert found["jsm.in"].status is OK
    assert found["jsm_ops.ops"].status is OK
    assert found[f"jsm_ops.ops team {team}"].found == "is payments"
    assert found["jsm_ops.ops team nope"].status is FAIL
    assert found["jsm_ops.ops heartbeat"].status is OK


def test_a_site_that_is_not_set_up(setup: Setup, jsm_emulator: Emulator) -> None:
    found = jsm_site(setup, jsm_emulator, heartbeat="beat")
    assert found["jsm_ops.ops heartbeat"].found == "it has no team"
    found = jsm_site(setup, jsm_emulator)
    assert found["jsm_ops.ops heartbeat"].status is UNKNOWN
    jsm_emulator.fail("error", path="/teams")
    found = jsm_site(setup, jsm_emulator, responders=["team:x"])
    assert "cannot be checked" in found["jsm_ops.ops"].found
    jsm_emulator.heal()
    jsm_emulator.api_keys = frozenset({"another"})
    found = jsm_site(setup, jsm_emulator)
    assert "rejects the key: 401" in found["jsm_ops.ops"].found


def test_a_site_that_does_not_exist(setup: Setup) -> None:
    with Emulator(mode="jsm", cloud_id="another") as emulator:
        found = jsm_site(setup, emulator)
        assert "site 'c' does not exist" in found["jsm_ops.ops"].found
    found = jsm_site(setup, emulator)
    assert "does not respond" in found["jsm_ops.ops"].found
