"""The whole check, and the checks of the settings."""

from __future__ import annotations

import pytest

from breakerd.alerts.doctor.finding import CheckStatus
from breakerd.alerts.emulator import Emulator
from tests.unit.alerts.doctor.conftest import Setup

OK, FAIL, WARNING, UNKNOWN = (
    CheckStatus.OK,
    CheckStatus.FAIL,
    CheckStatus.WARNING,
    CheckStatus.UNKNOWN,
)


def test_all_is_well(at_emulator: Setup) -> None:
    at_emulator.alerts["receivers"] = {
        "slack": {"us": {"url": "https://x.test/abc", "fallback": True}}
    }
    found = at_emulator.findings()
    statuses = {check: finding.status for check, finding in found.items()}
    assert statuses == {
        "receivers": OK,
        "fallback": OK,
        "links": OK,
        "identity": OK,
        "key": OK,
        "region": UNKNOWN,
        "team payments": OK,
        "heartbeat": OK,
        "clock": OK,
        "slack.us": UNKNOWN,
        "database": OK,
    }
    assert found["heartbeat"].found == "'beat', pinged every 20 s, expires after 1 min"


def test_nothing_is_written_there(at_emulator: Setup, opsgenie_emulator: Emulator) -> None:
    at_emulator.findings()
    assert {request.method for request in opsgenie_emulator.requests} == {"GET"}
    assert "ping" not in str([request.path for request in opsgenie_emulator.requests])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"api_key": None}, "OPSGENIE_API_KEY is not set"),
        ({"enabled": False}, "is not enabled"),
    ],
)
def test_nobody_is_paged(setup: Setup, change: dict[str, object], words: str) -> None:
    setup.opsgenie |= change
    found = setup.findings()
    assert found["receivers"].status is FAIL
    assert words in found["receivers"].found
    assert "key" not in found


def test_a_receiver_that_cannot_be_told(setup: Setup) -> None:
    setup.opsgenie["enabled"] = False
    setup.alerts["receivers"] = {"pagerduty": {"ops": {"min_priority": "P2"}}}
    found = setup.findings()
    assert found["pagerduty.ops"].status is FAIL
    assert "it has no key" in found["pagerduty.ops"].found


def test_from_which_priority_on(setup: Setup) -> None:
    setup.opsgenie["enabled"] = False
    setup.alerts["receivers"] = {"pagerduty": {"ops": {"key": "k", "min_priority": "P2"}}}
    assert setup.findings()["receivers"].found == "pagerduty.ops from P2 on"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "`public_url` in [api] is empty"),
        ("http://127.0.0.1:8080", "nobody reaches"),
        ("http://localhost/ops", "nobody reaches"),
        ("http://[::1]:8080", "nobody reaches"),
    ],
)
def test_alerts_that_link_to_nowhere(setup: Setup, url: str, words: str) -> None:
    setup.public_url = url
    found = setup.findings()["links"]
    assert found.status is WARNING
    assert words in found.found
    assert "such as https://" in found.advice
    setup.opsgenie["enabled"] = False
    assert "links" not in setup.findings(), "the log needs none"


def test_the_urgency_of_pagerduty(setup: Setup) -> None:
    setup.opsgenie["enabled"] = False
    setup.alerts["receivers"] = {"pagerduty": {"ops": {"key": "k"}}}
    found = setup.findings()["pagerduty.ops urgency"]
    assert found.status is UNKNOWN
    assert "alert severity" in found.advice


def test_fields_that_nobody_has_set(at_emulator: Setup) -> None:
    del at_emulator.opsgenie["bookmaker_id"]
    found = at_emulator.findings()["identity"]
    assert found.status is WARNING
    assert "bookmaker_id is not set" in found.found
