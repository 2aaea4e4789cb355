"""The checks of heartbeat and clock."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from breakerd.alerts.doctor.checks import check_clock
from breakerd.alerts.doctor.finding import CheckStatus
from breakerd.alerts.emulator import Emulator
from tests.unit.alerts.doctor.conftest import Setup

OK, FAIL, WARNING, UNKNOWN = (
    CheckStatus.OK,
    CheckStatus.FAIL,
    CheckStatus.WARNING,
    CheckStatus.UNKNOWN,
)


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [
        ("", UNKNOWN, "nobody is notified"),
        ("nope", FAIL, "there is no heartbeat 'nope'"),
        ("off", FAIL, "'off' is disabled"),
        ("old", WARNING, "'old' has expired"),
    ],
)
def test_heartbeats(
    at_emulator: Setup,
    opsgenie_emulator: Emulator,
    name: str,
    status: CheckStatus,
    words: str,
) -> None:
    for each in ("off", "old"):
        opsgenie_emulator.add_heartbeat(each)
    heartbeats = opsgenie_emulator._account.heartbeats.heartbeats
    heartbeats["off"].enabled = False
    heartbeats["old"].pinged_at = 1.0
    at_emulator.opsgenie["heartbeat"] = name
    found = at_emulator.findings()["heartbeat"]
    assert found.status is status
    assert words in found.found


def test_a_heartbeat_that_cannot_be_asked_for(
    at_emulator: Setup, opsgenie_emulator: Emulator
) -> None:
    opsgenie_emulator.fail("html", path="/v2/heartbeats")
    assert at_emulator.findings()["heartbeat"].status is UNKNOWN


@pytest.mark.parametrize(
    ("seconds", "status"),
    [(0, OK), (25, OK), (-25, OK), (60, WARNING), (-60, WARNING), (301, FAIL), (-3600, FAIL)],
)
def test_the_clock(seconds: int, status: CheckStatus) -> None:
    now = 1_800_000_000.0
    finding = check_clock(formatdate(now, usegmt=True), now + seconds)
    assert finding.status is status
    if status is not OK:
        assert ("ahead" if seconds > 0 else "behind") in finding.found


@pytest.mark.parametrize("date", ["", "now", "Mon, 99 Nov 2026 99:00:00 GMT"])
def test_a_receiver_that_does_not_know_the_time(date: str) -> None:
    assert check_clock(date, 0.0).status is UNKNOWN


def test_a_date_without_its_zone_is_in_utc() -> None:
    assert check_clock("Thu, 01 Jan 1970 00:00:10 -0000", 10.0).status is OK


def test_the_clock_is_told_by_any_answer(at_emulator: Setup, opsgenie_emulator: Emulator) -> None:
    opsgenie_emulator.api_keys = frozenset({"another"})
    found = at_emulator.findings(now=lambda: time.time() + 400)["clock"]
    assert (found.status, "ahead" in found.found) == (FAIL, True)
