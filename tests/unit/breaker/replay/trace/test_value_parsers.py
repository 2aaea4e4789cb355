from __future__ import annotations

import pytest

from breakerd.breaker.replay.trace.value_parsers import (
    Value,
    duration_parser,
    failed_by_error,
    failed_by_status,
    failed_by_success,
    parse_time,
    share_parser,
    time_parser,
)


@pytest.mark.parametrize(
    "written",
    [
        1772366400.5,
        "1772366400.5",
        1772366400500,
        "1772366400500000",
        1772366400500000000,
        "2026-03-01T12:00:00.5Z",
        "2026-03-01T13:00:00.500+01:00",
        "2026-03-01 12:00:00,500",
    ],
)
def test_one_moment_in_every_spelling(written: Value) -> None:
    assert parse_time(written) == pytest.approx(1772366400.5, abs=1e-6)


def test_a_small_number_is_seconds_since_the_trace_began() -> None:
    assert parse_time("12.5") == 12.5


@pytest.mark.parametrize("written", ["yesterday", "", None, True, "nan", "inf", -1, 10**400])
def test_what_is_no_moment(written: Value) -> None:
    with pytest.raises(ValueError, match="as a time; understood: seconds"):
        parse_time(written)


def test_a_moment_whose_unit_is_named() -> None:
    assert time_parser(0.001)("1500") == 1.5
    assert time_parser(None)("1500") == 1500
    with pytest.raises(ValueError, match="as a time"):
        time_parser(0.001)("noon")


@pytest.mark.parametrize(
    ("written", "unit", "seconds"),
    [("12", 0.001, 0.012), (0.25, 1.0, 0.25), ("1.5s", 0.001, 1.5), ("250 ms", 1.0, 0.25),
     ("7µs", 1.0, 7e-6), (0, 1.0, 0.0)],
)  # fmt: skip
def test_durations(written: Value, unit: float, seconds: float) -> None:
    assert duration_parser(unit)(written) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "written", [-1, "-3", "", "fast", "5 apples", "1..2s", None, True, "nan", "inf", 10**400]
)
def test_what_is_no_duration(written: Value) -> None:
    with pytest.raises(ValueError, match="as a duration; understood: a number from 0"):
        duration_parser(1.0)(written)


@pytest.mark.parametrize(
    ("written", "failed"),
    [("ok", False), ("SUCCESS", False), ("timeout", True), ("Failed", True), (200, False),
     ("404", False), (499, False), ("500", True), (503.0, True)],
)  # fmt: skip
def test_outcomes(written: Value, *, failed: bool) -> None:
    assert failed_by_status(written) is failed


@pytest.mark.parametrize("written", ["maybe", 0, 7, 900, None, True])
def test_what_is_no_outcome(written: Value) -> None:
    with pytest.raises(ValueError, match=r"as outcome; understood: ok, .* 100 to 599"):
        failed_by_status(written)


@pytest.mark.parametrize(
    ("written", "failed"),
    [("", False), ("false", False), ("0", False), ("-", False), (None, False), (False, False),
     (0, False), ("ok", False), ("true", True), (1, True), ("connection refused", True)],
)  # fmt: skip
def test_fields_that_name_an_error(written: Value, *, failed: bool) -> None:
    assert failed_by_error(written) is failed


def test_fields_that_tell_success() -> None:
    assert not failed_by_success("true")
    assert not failed_by_success(True)
    assert failed_by_success("no")
    assert failed_by_success(0)
    with pytest.raises(ValueError, match="for success"):
        failed_by_success("")


def test_memory() -> None:
    assert share_parser(1.0)("0.8") == 0.8
    assert share_parser(0.01)(80) == pytest.approx(0.8)
    assert share_parser(1.0)("") is None
    assert share_parser(1.0)(None) is None
    with pytest.raises(ValueError, match="a column memory_percent holds percent"):
        share_parser(1.0)("80")
    with pytest.raises(ValueError, match="understood: 0 to 100"):
        share_parser(0.01)("much")
