"""Find the positions of the statements in a TOML text.

tomllib returns values and tomlkit keeps formatting, but neither returns positions. The text is
known to be valid here, so the scan checks nothing.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

Key = tuple[str, ...]

# (?>(?:…)*) in place of (?:…)*+, which does not match in CPython before 3.11.5
# (https://github.com/python/cpython/issues/106052).
_PART: Final = r"""(?:"(?>(?:[^"\\\n]++|\\.)*)"|'[^'\n]*+'|[A-Za-z0-9_-]++)"""
_PATH: Final = rf"{_PART}(?:[ \t]*\.[ \t]*{_PART})*"
_ASSIGNMENT: Final = re.compile(rf"[ \t]*({_PATH})[ \t]*=")
_HEADER: Final = re.compile(rf"[ \t]*\[{{1,2}}[ \t]*({_PATH})[ \t]*\]{{1,2}}")
_TOKEN: Final = re.compile(
    r'"""(?>(?:[^"\\]++|\\.|"(?!""))*)"{3,}'
    r"|'''(?>(?:[^']++|'(?!''))*)'{3,}"
    r'|"(?>(?:[^"\\\n]++|\\.)*)"'
    r"|'[^'\n]*+'"
    r"|#[^\n]*+"
    r"|[\[\]{}\n,]"
    r"|[^\[\]{}\n,#'\"]++",
    re.DOTALL,
)
_BETWEEN: Final = re.compile(r"\n++|[ \t\r]*+(?:#[^\n]*+)?\n")
"""A line that is empty, or holds a comment alone; or several without a single character."""


@dataclass(frozen=True, slots=True)
class Statement:
    """Describe one `key = value`, or the header of a table.

    Attributes:
        table: the table that contains it; for a header, the table it opens.
        key: the full key; for a header, the key of the table.
        line: its first line, from 1.
        element_lines: the first line of each element, if the value is a list.
        start: offset of its first character.
        end: offset after its line break.
        value: start and end offset of the value, without a trailing comment; None for a header.
        in_array: True if it belongs to an array of tables.
    """

    table: Key
    key: Key
    line: int
    element_lines: tuple[int, ...]
    start: int
    end: int
    value: tuple[int, int] | None = None
    in_array: bool = False


def statements(text: str) -> Iterator[Statement]:
    """Yield the statements of a valid TOML text in order."""
    table: Key = ()
    arrays: set[Key] = set()
    in_array = False
    position, line = 0, 1
    while position < len(text):
        while between := _BETWEEN.match(text, position):
            line += text.count("\n", position, between.end())
            position = between.end()
        start = position
        if assignment := _ASSIGNMENT.match(text, position):
            key = table + _split_key(assignment[1])
            position, value, elements = _scan_value(text, assignment.end(), line)
            yield Statement(table, key, line, elements, start, position, value, in_array)
        elif header := _HEADER.match(text, position):
            table = _split_key(header[1])
            if header[0].lstrip().startswith("[["):
                arrays.add(table)
            in_array = any(table[:length] in arrays for length in range(1, len(table) + 1))
            position = _next_line(text, header.end())
            yield Statement(table, table, line, (), start, position, in_array=in_array)
        else:
            position = _next_line(text, position)
        line += text.count("\n", start, position)


def _scan_value(
    text: str, position: int, line: int
) -> tuple[int, tuple[int, int], tuple[int, ...]]:
    """Return the offset after the line break, the value's offsets, and its elements' lines."""
    depth, elements, between = 0, [], True
    while text[position : position + 1] in {" ", "\t"}:
        position += 1
    begin = end = position
    while position < len(text) and (token := _TOKEN.match(text, position)):
        position, word = token.end(), token[0]
        if word == "\n" and depth == 0:
            break
        if depth == 1 and between and word != "]" and word.strip() and word[0] != "#":
            elements.append(line)
            between = False
        if word.strip() and word[0] != "#":
            end = position - (len(word) - len(word.rstrip()))
        if word in {"[", "{"}:
            depth += 1
        elif word in {"]", "}"}:
            depth -= 1
        elif word == ",":
            between = between or depth == 1
        line += word.count("\n")
    return position, (begin, end), tuple(elements)


def _next_line(text: str, position: int) -> int:
    return text.find("\n", position) + 1 or len(text)


def _split_key(path: str) -> Key:
    """Return the unquoted parts of a dotted key."""
    return tuple(_unquote(part) for part in re.findall(_PART, path))


def _unquote(part: str) -> str:
    if part[0] == "'" or (part[0] == '"' and "\\" not in part):
        return part[1:-1]
    return next(iter(tomllib.loads(f"{part} = 0"))) if part[0] == '"' else part


def comments(text: str) -> Iterator[tuple[int, str]]:
    """Yield the comments of a valid TOML text, each with its line, from 1."""
    line = 1
    for token in _TOKEN.finditer(text):
        if token[0].startswith("#"):
            yield line, token[0].rstrip("\r")
        line += token[0].count("\n")


@dataclass(frozen=True, slots=True)
class InlineEntry:
    """Describe one `key = value` of an inline table.

    Attributes:
        key: the key, relative to the inline table.
        start: offset of its first character.
        value: start and end offset of the value.
    """

    key: Key
    start: int
    value: tuple[int, int]


def inline_entries(text: str, begin: int) -> tuple[list[InlineEntry], int]:
    """Return the entries of the inline table that begins at `begin`, and the offset of its end.

    The end is that of its closing brace.
    """
    entries: list[InlineEntry] = []
    position = begin + 1
    while assignment := _ASSIGNMENT.match(text, position):
        start = assignment.start(1)
        value, position = _scan_inline_value(text, assignment.end())
        entries.append(InlineEntry(_split_key(assignment[1]), start, value))
        if text[position] == "}":
            break
        position += 1
    return entries, text.index("}", position)


def _scan_inline_value(text: str, position: int) -> tuple[tuple[int, int], int]:
    """Return the value's offsets, and the offset of the comma or brace after it."""
    depth = 0
    while text[position : position + 1] in {" ", "\t"}:
        position += 1
    begin = end = position
    while token := _TOKEN.match(text, position):
        word = token[0]
        if depth == 0 and word in {",", "}"}:
            break
        depth += (word in {"[", "{"}) - (word in {"]", "}"})
        position = token.end()
        if word.strip():
            end = position - (len(word) - len(word.rstrip()))
    return (begin, end), position
