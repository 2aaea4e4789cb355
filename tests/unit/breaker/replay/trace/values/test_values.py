from __future__ import annotations

import pytest

from breakerd.breaker.replay.trace.values import Value
from breakerd.breaker.replay.trace.values.durations import duration_parser, names_unit
from breakerd.breaker.replay.trace.values.memory import share_parser
from breakerd.breaker.replay.trace.values.outcomes import (
    CallOutcome,
    outcome_by_error,
    outcome_by_http_status,
    outcome_by_success,
    outcome_by_word,
)
from breakerd.breaker.replay.trace.values.times import (
    parse_log_date,
    parse_time,
    time_parser,
    unknown_zone,
)

SUCCESS, ERROR = CallOutcome.SUCCESS, CallOutcome.ERROR
ABANDONED, REJECTED = CallOutcome.ABANDONED, CallOutcome.REJECTED


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
        "2026-03-01T12:00:00.500000000Z",
        "2026/03/01 12:00:00.500",
        "01/Mar/2026:12:00:00.500 +0000",
        "01/Mar/2026:06:00:00.500 CST",
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
     ("7µs", 1.0, 7e-6), ("7μs", 1.0, 7e-6), (0, 1.0, 0.0), ("1m2.5s", 1.0, 62.5),
     ("1h0m0.25s", 1.0, 3600.25), ("80.5ms", 1.0, 0.0805), ("2 min", 1.0, 120), (".5s", 1.0, 0.5),
     ("0s", 1.0, 0.0), ("1.5e3 ms", 1.0, 1.5), ("PT0.08S", 1.0, 0.08), ("PT1M2S", 1.0, 62),
     ("0:00:00.080000", 1.0, 0.08), ("00:01:02.5", 1.0, 62.5)],
)  # fmt: skip
def test_durations(written: Value, unit: float, seconds: float) -> None:
    assert duration_parser(unit)(written) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "written",
    [
        -1,
        "-3",
        "",
        "fast",
        "5 apples",
        "1..2s",
        "PT",
        "1:05",
        "5s 3 apples",
        None,
        True,
        "nan",
        "inf",
        10**400,
    ],
)
def test_what_is_no_duration(written: Value) -> None:
    with pytest.raises(ValueError, match="as a duration; understood: a number from 0"):
        duration_parser(1.0)(written)


def test_a_unit_in_the_value() -> None:
    assert names_unit("12ms")
    assert names_unit("PT0.08S")
    assert not names_unit("12")
    assert not names_unit(12)


def test_zones_by_name() -> None:
    written = "18/Aug/2020:08:00:54"
    moment = parse_time("2020-08-18T08:00:54Z")
    for zone, hours in (("CDT", -5), ("UTC", 0), ("cest", 2), ("ACST", 9.5), ("+0200", 2)):
        assert parse_log_date(f"{written} {zone}") == moment - 3600 * hours
        assert unknown_zone(f"{written} {zone}") is None
    for zone in ("XYZT", "Central Daylight Time"):
        assert parse_log_date(f"{written} {zone}") == moment
        assert unknown_zone(f"{written} {zone}") == zone


def test_a_date_of_c() -> None:
    assert parse_time("Tue Aug 18 08:00:54 2020") == parse_time("2020-08-18T08:00:54Z")
    assert parse_time("Tue Aug  8 08:00:54 CDT 2020") == parse_time("2020-08-08T13:00:54Z")


@pytest.mark.parametrize(
    ("written", "outcome"),
    [("ok", SUCCESS), ("SUCCESS", SUCCESS), ("timeout", ERROR), ("Failed", ERROR), (200, SUCCESS),
     ("404", SUCCESS), (499, ABANDONED), ("460", ABANDONED), ("500", ERROR), (503.0, ERROR),
     ("abandoned", ABANDONED), ("cancelled", ABANDONED), ("rejected", REJECTED)],
)  # fmt: skip
def test_outcomes(written: Value, outcome: CallOutcome) -> None:
    assert outcome_by_word(written) is outcome
    assert outcome_by_http_status(written) is outcome


@pytest.mark.parametrize("written", ["maybe", 7, 900, None, True])
def test_what_is_no_outcome(written: Value) -> None:
    for read in (outcome_by_word, outcome_by_http_status):
        with pytest.raises(ValueError, match=r"as outcome; understood: ok, .* 100 to 599"):
            read(written)


@pytest.mark.parametrize(
    "written", [0, "0", "000", -1, "Non HTTP response code: java.net.SocketTimeoutException"]
)
def test_no_response_in_place_of_a_status(written: Value) -> None:
    assert outcome_by_http_status(written) is ERROR
    with pytest.raises(ValueError, match="as outcome"):
        outcome_by_word(written)


@pytest.mark.parametrize(
    ("written", "outcome"),
    [("", SUCCESS), ("false", SUCCESS), ("0", SUCCESS), ("-", SUCCESS), (None, SUCCESS),
     (False, SUCCESS), (0, SUCCESS), ("ok", SUCCESS), ("true", ERROR), (1, ERROR),
     ("connection refused", ERROR), ("canceled", ABANDONED)],
)  # fmt: skip
def test_fields_that_name_an_error(written: Value, outcome: CallOutcome) -> None:
    assert outcome_by_error(written) is outcome


def test_fields_that_tell_success() -> None:
    assert outcome_by_success("true") is SUCCESS
    assert outcome_by_success(True) is SUCCESS
    assert outcome_by_success("no") is ERROR
    assert outcome_by_success(0) is ERROR
    with pytest.raises(ValueError, match="for success"):
        outcome_by_success("")


def test_memory() -> None:
    assert share_parser(1.0)("0.8") == 0.8
    assert share_parser(0.01)(80) == pytest.approx(0.8)
    assert share_parser(1.0)("") is None
    assert share_parser(1.0)(None) is None
    with pytest.raises(ValueError, match="a column memory_percent holds percent"):
        share_parser(1.0)("80")
    with pytest.raises(ValueError, match="understood: 0 to 100"):
        share_parser(0.01)("much")
