from __future__ import annotations

import pytest

from breakerd.api.security.refusals import Refusals


def test_refusals_in_between_are_told_as_a_number(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    refusals = Refusals(lambda: now)
    for now in (0.0, 1.0, 59.0, 61.0, 62.0, 200.0):
        refusals.note("10.1.2.3", f"GET /{now}", "The token is not valid.")
    told = [(line.split("GET /")[1].split()[0], line.split("=")[-1]) for line in caplog.messages]
    assert told == [("0.0", "0"), ("61.0", "2"), ("200.0", "1")]


def test_what_a_client_sends_is_cut_and_made_printable(caplog: pytest.LogCaptureFixture) -> None:
    Refusals().note("10.1.2.3", "GET /\n\x1b[31m" + "x" * 40_000, "y" * 40_000)
    (line,) = caplog.messages
    assert len(line) < 1_000
    assert line.isprintable()
