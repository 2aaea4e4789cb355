from __future__ import annotations

import pytest

from breakerd.api.history.moments import parse_moment, parse_step, show_step

NOW = 1_777_636_800.0
"""2026-05-01, 12:00 UTC."""


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("now", NOW),
        ("-15m", NOW - 900),
        ("-1.5h", NOW - 5400),
        ("-7d", NOW - 604_800),
        ("1777636800", NOW),
        ("1777636800.25", NOW + 0.25),
        ("2026-05-01T12:00:00Z", NOW),
        ("2026-05-01T14:00:00+02:00", NOW),
        ("2026-05-01T14:00:00 02:00", NOW),  # + of a URL that nobody has escaped
        ("2026-05-01T12:00:00", NOW),
        (" 2026-05-01 ", NOW - 43_200),
    ],
)
def test_moments(text: str, moment: float) -> None:
    assert parse_moment(text, NOW) == moment


@pytest.mark.parametrize("text", ["", "yesterday", "-15", "15m", "1777636800000", "-1e3s", "nan"])
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the caller tells what is allowed
        parse_moment(text, NOW)


@pytest.mark.parametrize(("text", "step"), [("10", 10), ("10s", 10), ("5m", 300), ("1d", 86_400)])
def test_steps(text: str, step: float) -> None:
    assert parse_step(text) == step


@pytest.mark.parametrize("text", ["", "0", "0s", "-5s", "1.5s", "1w"])
def test_what_is_no_step(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the caller tells what is allowed
        parse_step(text)


def test_steps_are_shown_as_they_are_typed() -> None:
    assert [show_step(step) for step in (10, 90, 120, 7200, 86_400)] == [
        "10s", "90s", "2m", "2h", "1d"
    ]  # fmt: skip
