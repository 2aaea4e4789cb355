"""Texts of others on a terminal."""

from __future__ import annotations

import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from breakerd.breaker.encoding.printable import (
    encodable,
    printable,
    printable_json,
    printable_lines,
)

ANY_TEXT = st.text(st.characters(exclude_categories=()))
DIRECTIONS = {chr(code) for code in (0x061C, *range(0x200E, 0x2010), *range(0x202A, 0x202F))} | {
    chr(code) for code in range(0x2066, 0x206A)
}


def is_safe(text: str) -> bool:
    """No controls, line or paragraph separators, surrogates, or overrides of the direction."""
    return not any(
        unicodedata.category(each) in {"Cc", "Zl", "Zp", "Cs"} or each in DIRECTIONS
        for each in text
    )


@given(ANY_TEXT)
def test_a_line_holds_nothing_that_a_terminal_obeys(text: str) -> None:
    assert is_safe(printable(text))
    assert is_safe(printable_lines(text).replace("\n", "").replace("\t", ""))
    if is_safe(text) and "\ufeff" not in text:
        assert printable(text) == printable_lines(text) == text


def test_it_shows_what_was_there() -> None:
    hostile = "a\x1b[31mb\n\x9bc\u202ed\u2028\x7f\ud800\t"
    assert printable(hostile) == r"a\x1b[31mb\n\x9bc\u202ed\u2028\x7f\ud800\t"
    assert printable_lines("a\n\tb\r\x1b[2J") == "a\n\tb\\r\\x1b[2J"


@given(st.dictionaries(ANY_TEXT, ANY_TEXT))
def test_json_keeps_the_true_text(value: dict[str, str]) -> None:
    text = printable_json(value)
    assert is_safe(text)
    assert json.loads(text) == value


@given(ANY_TEXT)
def test_every_text_can_be_encoded(text: str) -> None:
    encodable(text).encode()
    if is_safe(text):
        assert encodable(text) == text
