"""The check of the day on which an API token ends."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from breakerd.alerts.doctor.finding import CheckStatus
from breakerd.alerts.doctor.token_check import check_token_end

OK, WARNING, UNKNOWN = CheckStatus.OK, CheckStatus.WARNING, CheckStatus.UNKNOWN
TODAY = date(2027, 1, 15)
NOW = 1_800_000_000.0
"""Eight o'clock of that day, in UTC."""


@pytest.mark.parametrize(
    ("days", "status", "words"),
    [
        (365, OK, "ends in 365 days, on 2028-01-15"),
        (30, OK, "ends in 30 days, on 2027-02-14"),
        (29, WARNING, "ends in 29 days, on 2027-02-13: then this receiver pages nobody"),
        (1, WARNING, "ends tomorrow"),
        (0, WARNING, "ends today, on 2027-01-15"),
        (-1, WARNING, "was 2027-01-14, and the token is still accepted"),
        (366, WARNING, "no token lives longer than 365"),
    ],
)
def test_days_left(days: int, status: CheckStatus, words: str) -> None:
    found = check_token_end("t", TODAY + timedelta(days), NOW)
    assert found.status is status
    assert words in found.found
    assert ("id.atlassian.com" in found.advice) is (status is not OK)


def test_an_end_that_nobody_has_named() -> None:
    found = check_token_end("t", None, NOW)
    assert found.status is UNKNOWN
    assert "at most 365 days" in found.found
    assert "`token_expires`" in found.advice
