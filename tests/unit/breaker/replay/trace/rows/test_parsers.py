from __future__ import annotations

import pytest

from breakerd.breaker.replay import CallRecord
from breakerd.breaker.replay.trace.record import NoCall
from breakerd.breaker.replay.trace.rows.columns import find_columns
from breakerd.breaker.replay.trace.rows.parsers import (
    LineParser,
    csv_parser,
    join_quoted,
    json_parser,
)


def of_csv(*names: str, delimiter: str = ",") -> LineParser:
    columns = find_columns(names)
    assert columns is not None
    return csv_parser(columns, list(names), delimiter)


def of_json(*names: str) -> LineParser:
    columns = find_columns(names)
    assert columns is not None
    return json_parser(columns)


def test_a_line_of_csv() -> None:
    parse = of_csv("start", "duration_ms", "status", "memory")
    assert parse("100,250,200,0.5") == CallRecord(100, 0.25, error=False, memory=0.5)
    assert parse('"100","250","503",') == CallRecord(100, 0.25, error=True, memory=None)


def test_columns_may_stand_in_any_order_and_among_others() -> None:
    parse = of_csv("path", "status", "latency_ms", "time", delimiter=";")
    assert parse('"/a;b";500;7;100') == CallRecord(100, 0.007, error=True)


def test_a_start_from_an_end() -> None:
    assert of_csv("end", "duration")("100,2") == CallRecord(98, 2)
    assert of_csv("start", "end")("98,100") == CallRecord(98, 2)
    with pytest.raises(ValueError, match="found an end, '97', before its start, '98'"):
        of_csv("start", "end")("98,97")


def test_blank_lines_are_no_calls() -> None:
    assert of_csv("start", "duration")("  ") is None
    assert of_json("start", "duration")("") is None


def test_broken_lines_of_csv() -> None:
    parse = of_csv("start", "duration")
    with pytest.raises(ValueError, match="found 3 columns; the header has 2"):
        parse("1,2,3")
    with pytest.raises(ValueError, match="as a time"):
        parse("x,2")


def test_an_open_quote_takes_no_other_line_with_it() -> None:
    parse = of_csv("start", "duration")
    with pytest.raises(ValueError, match="its quotes do not match"):
        parse('1,"2')
    assert parse("1,2") == CallRecord(1, 2)


def test_a_line_of_json() -> None:
    parse = of_json("start", "duration_s", "error")
    assert parse('{"start": 1, "duration_s": 0.5, "error": "refused", "more": []}') == CallRecord(
        1, 0.5, error=True
    )
    assert parse('{"start": 1, "duration_s": 0.5}') == CallRecord(1, 0.5)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", r"found '\{'; wanted a JSON object"),
        ("[1]", "wanted a JSON object"),
        ("[" * 100_000, "wanted a JSON object"),
        ('{"start": 1' + "0" * 400 + ', "duration_s": 1}', "as a time"),
        ('{"start": 1, "duration_s": null}', "found None as a duration"),
        ('{"start": 1, "duration_s": [], "error": 1}', "as a duration"),
        ('{"start": {}, "duration_s": 1}', "as a time"),
        ('{"start": 1, "duration_s": 1, "error": []}', "as outcome; wanted one value"),
    ],
)
def test_broken_lines_of_json(line: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        of_json("start", "duration_s", "error")(line)


def test_outcomes_without_number_are_not_all_remembered() -> None:
    parse = of_csv("start", "duration", "error")
    for number in range(2000):
        call = parse(f"1,1,refused by {number}")
        assert isinstance(call, CallRecord)
        assert call.error


@pytest.mark.parametrize(
    "line", ['{"start": 1}', '{"msg": "started"}', "Traceback (most recent call last):", "  at x"]
)
def test_other_events_of_a_log(line: str) -> None:
    assert of_json("start", "duration_s")(line) is NoCall.OTHER


def test_calls_given_up_and_calls_that_were_rejected() -> None:
    parse = of_csv("start", "duration", "outcome")
    assert parse("1,2,abandoned") == CallRecord(1, 2, abandoned=True)
    assert parse("1,,rejected") is NoCall.REJECTED


def test_keys_in_objects() -> None:
    columns = find_columns(["event.duration", "@timestamp", "http.response.status_code"])
    assert columns is not None
    parse = json_parser(columns)
    call = CallRecord(100 - 80_000_000 * 1e-9, 80_000_000 * 1e-9, error=True)
    assert call == parse(
        '{"@timestamp": 100, "event": {"duration": 80000000}, '
        '"http": {"response": {"status_code": 503}}}'
    )
    assert call == parse(
        '{"@timestamp": 100, "event.duration": 80000000, "http.response.status_code": 503}'
    )
    assert parse('{"@timestamp": 100, "event": "started"}') is NoCall.OTHER


def test_rows_of_other_metrics() -> None:
    parse = of_csv("metric_name", "timestamp", "metric_value", "status")
    assert parse("http_req_duration,100,250,503") == CallRecord(99.75, 0.25, error=True)
    assert parse("http_req_waiting,100,250,503") is NoCall.OTHER


def test_cells_of_several_lines() -> None:
    lines = ["1,2,3", '4,5,"a', "b", 'c"', "6,7,8"]
    assert list(join_quoted(lines, 3, ",")) == [(1, "1,2,3"), (3, '4,5,"a\nb\nc"'), (1, "6,7,8")]
    parse = of_csv("start", "duration", "error")
    assert parse('4,5,"a\nb,\nc"') == CallRecord(4, 5, error=True)


def test_a_quote_never_closed_takes_no_record_with_it() -> None:
    lines = ['1,2,"3', "4,5,6", '7,8,"9']
    assert list(join_quoted(lines, 3, ",")) == [(1, '1,2,"3'), (1, "4,5,6"), (1, '7,8,"9')]
    endless = ['1,2,"3', *("x" for _ in range(500))]
    assert sum(count for count, _ in join_quoted(endless, 3, ",")) >= 400
