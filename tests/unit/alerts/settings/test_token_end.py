"""API tokens that end soon."""

from __future__ import annotations

from pathlib import Path

import pytest

from breakerd import AlertingSettings
from breakerd.alerts.settings.alerting import read_settings
from breakerd.alerts.settings.token_end import expiring_tokens
from breakerd.breaker.config import parse_document
from breakerd.breaker.errors import ConfigError

NOW = 1_800_000_000.0
"""Eight o'clock on 15 January 2027, in UTC."""


def settings(lines: str) -> AlertingSettings:
    text = f'[alerts.receivers.jsm_ops.ops]\ncloud_id = "c"\nuser = "u"\nkey = "k"\n{lines}\n'
    return read_settings(parse_document(Path("f.toml"), text), {})


@pytest.mark.parametrize(
    ("day", "words"),
    [
        ("2027-01-15", "ends today"),
        ("2027-01-16", "ends tomorrow"),
        ("2027-01-28", "ends in 13 days, on 2027-01-28"),
    ],
)
def test_a_token_that_ends_soon(day: str, words: str) -> None:
    (found,) = expiring_tokens(settings(f"token_expires = {day}"), NOW)
    assert found.startswith(f"the API token of jsm_ops.ops {words}")
    assert expiring_tokens(settings(f'token_expires = "{day}"'), NOW) == [found]
    assert expiring_tokens(settings(f"token_expires = {day}\nenabled = false"), NOW) == []


@pytest.mark.parametrize("line", ["", "token_expires = 2027-01-29", "token_expires = 2027-01-14"])
def test_others(line: str) -> None:
    assert expiring_tokens(settings(line), NOW) == []


@pytest.mark.parametrize("value", ["2027", '"soon"', "2027-01-15T08:00:00Z", "true"])
def test_what_is_no_day(value: str) -> None:
    with pytest.raises(ConfigError, match=r"token_expires.*allowed: a day, such as 2026-01-31"):
        settings(f"token_expires = {value}")
