from __future__ import annotations

import pytest

from breakerd.breaker.replay import CallRecord
from breakerd.breaker.replay.trace.columns import find_columns
from breakerd.breaker.replay.trace.row_parsers import LineParser, csv_parser, json_parser


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
        ('{"start": 1}', "found None as a duration"),
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
        assert call is not None
        assert call.error
