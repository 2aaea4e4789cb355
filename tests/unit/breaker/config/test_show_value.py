from __future__ import annotations

import datetime as dt

import pytest

from breakerd.breaker.config.show_value import SHOWN, format_value, show_value, shown_name

NUMBER = {"type": "number"}
TEXT = {"type": "string"}
WORD = {"type": "string", "enum": ["P1", "P2"]}
OPTIONAL_NUMBER = {"anyOf": [{"type": "number"}, {"type": "null"}]}
OPTIONAL_TEXT = {"anyOf": [{"type": "string"}, {"type": "null"}]}
SECRET = {"anyOf": [{"type": "string", "writeOnly": True}, {"type": "null"}]}


@pytest.mark.parametrize(
    ("value", "schema", "shown"),
    [
        (95, NUMBER, "95"),
        ("95", NUMBER, '"95"'),
        ("95 %", OPTIONAL_NUMBER, '"95 %"'),
        ("P9", WORD, '"P9"'),
        (["P9"], {"type": "array", "items": WORD}, '["P9"]'),
        (["P9"], WORD, '["P9"]'),
        (True, TEXT, "true"),
        (7, OPTIONAL_TEXT, "7"),
        ("25:00", {**TEXT, SHOWN: True}, '"25:00"'),
        (["a", 1], {"type": "array", "items": TEXT, SHOWN: True}, "a list that is not shown"),
        (None, SECRET, "null"),
        (dt.date(2026, 1, 1), NUMBER, "2026-01-01"),
    ],
)
def test_a_value_is_shown_where_no_text_is_due(
    value: object, schema: dict[str, object], shown: str
) -> None:
    assert show_value(value, schema) == shown


@pytest.mark.parametrize(
    ("value", "schema", "shown"),
    [
        ("S3CRET", TEXT, "text that is not shown"),
        ("S3CRET", OPTIONAL_TEXT, "text that is not shown"),
        ("S3CRET", SECRET, "text that is not shown"),
        ("S3CRET", {"type": "object"}, "text that is not shown"),
        ("S3CRET", {"type": "array", "items": TEXT}, "text that is not shown"),
        ("S3CRET" * 4, NUMBER, "text that is not shown"),
        ("S3CRET/x", WORD, "text that is not shown"),
        (1234567890123, SECRET, "a number that is not shown"),
        (1.5, SECRET, "a number that is not shown"),
        (True, SECRET, "a truth value that is not shown"),
        (dt.date(2026, 1, 1), SECRET, "a date that is not shown"),
        (["S3CRET"], SECRET, "a list that is not shown"),
        (["S3CRET"], TEXT, "a list that is not shown"),
        ([["S3CRET" * 4]], NUMBER, "a list that is not shown"),
        ([{"key": "S3CRET"}], {"type": "object"}, "a list that is not shown"),
        ({"key": "S3CRET"}, NUMBER, "a table"),
    ],
)
def test_what_may_be_a_secret_is_told_by_its_kind(
    value: object, schema: dict[str, object], shown: str
) -> None:
    assert show_value(value, schema) == shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("payments-2", "payments-2"),
        ("eu.payments", "eu.payments"),
        ("On Call", "On Call"),
        ("", ""),
        ("Authorization: Bearer S3CRET", "…"),
        ("x" * 101, "…"),
    ],
)
def test_a_name_is_shown_if_it_is_one(name: str, shown: str) -> None:
    assert shown_name(name) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (True, "true"),
        ("a\nb", '"a\\nb"'),
        ([1, 2], "[1, 2]"),
        ({"a": 1}, "a table"),
        (None, "null"),
        ("x" * 100, '"' + "x" * 58 + "…"),
    ],
)
def test_values_are_shown_as_in_the_file_and_not_at_length(value: object, shown: str) -> None:
    assert format_value(value) == shown
