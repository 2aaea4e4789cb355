from __future__ import annotations

import textwrap

import pytest

from breakerd.breaker.config.toml.scan import statements

SAMPLE = '''\
# a = 0
a = 1
"quoted key" = 'x = "y" # not a comment'
dotted . "p.q".r = 3
text = """
b = 2
# [no] ""\\"""" # c
literal = \'\'\'
[no]
c = 3\'\'\'

list = [ # one
  1, [2,
  3],
  # none
  "]", { x = "}", y = [
    4] },
]
inline = { d = 4, e = { f = 5 } }
[ table . sub ] # comment ]
g = 6

[[array]]
h = 7
[[array]]
h = 8
[table]
when = 1979-05-27T07:32:00Z
end = [1]'''


def lines_in(text: str) -> list[tuple[str, int]]:
    return [(".".join(s.key), s.line) for s in statements(text)]


EXPECTED = [
    ("a", 2),
    ("quoted key", 3),
    ("dotted.p.q.r", 4),
    ("text", 5),
    ("literal", 8),
    ("list", 12),
    ("inline", 19),
    ("table.sub", 20),
    ("table.sub.g", 21),
    ("array", 23),
    ("array.h", 24),
    ("array", 25),
    ("array.h", 26),
    ("table", 27),
    ("table.when", 28),
    ("table.end", 29),
]


def test_every_statement_is_found_on_its_line() -> None:
    assert lines_in(SAMPLE) == EXPECTED


def test_windows_line_breaks_count_as_one() -> None:
    assert lines_in(SAMPLE.replace("\n", "\r\n")) == EXPECTED


def test_elements_of_a_list_have_lines_of_their_own() -> None:
    lines = {".".join(s.key): s.element_lines for s in statements(SAMPLE)}
    assert lines["list"] == (13, 13, 16, 16)
    assert lines["table.end"] == (29,)
    assert lines["a"] == ()


def test_statements_cover_the_text_from_key_to_line_break() -> None:
    text = "# c\na = [\n1]\n\n[t]\nb = 2"
    assert [text[s.start : s.end] for s in statements(text)] == ["a = [\n1]\n", "[t]\n", "b = 2"]
    assert [s.table for s in statements(text)] == [(), ("t",), ("t",)]


@pytest.mark.parametrize("text", ["", "\n", "# only a comment", "   \n\t\n"])
def test_a_text_without_statements_has_none(text: str) -> None:
    assert list(statements(text)) == []


def test_indented_statements_are_found() -> None:
    text = textwrap.indent("a = 1\n[t]\nb = 2\n", "  ")
    assert lines_in(text) == [("a", 1), ("t", 2), ("t.b", 3)]
