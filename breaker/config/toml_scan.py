"""Where the statements of a TOML text stand.

tomllib tells values and tomlkit keeps their form, but neither tells where they stand. The text is
known to be valid here, so a scan need not check anything.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

Key = tuple[str, ...]

_PART: Final = r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)"""
_PATH: Final = rf"{_PART}(?:[ \t]*\.[ \t]*{_PART})*"
_ASSIGNMENT: Final = re.compile(rf"[ \t]*({_PATH})[ \t]*=")
_HEADER: Final = re.compile(rf"[ \t]*\[{{1,2}}[ \t]*({_PATH})[ \t]*\]{{1,2}}")
_TOKEN: Final = re.compile(
    r'"""(?:[^\\]|\\.)*?"""+'
    r"|'''.*?'''+"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|#[^\n]*"
    r"|[\[\]{}\n,]"
    r"|[^\[\]{}\n,#'\"]+",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Statement:
    """A `key = value`, or the header of a table.

    Attributes:
        table: the table in which it stands; of a header, the table that it opens.
        key: the whole key; of a header, the table's.
        line: the line on which it begins, from 1.
        elements: the lines on which the elements of its value begin, if that is a list.
        start: where it begins in the text.
        end: where it ends, its line break included.
    """

    table: Key
    key: Key
    line: int
    element_lines: tuple[int, ...]
    start: int
    end: int


def statements(text: str) -> Iterator[Statement]:
    """The statements of a valid TOML text, in its order."""
    table: Key = ()
    position, line = 0, 1
    while position < len(text):
        start = position
        if assignment := _ASSIGNMENT.match(text, position):
            key = table + _split_key(assignment[1])
            position, elements = _scan_value(text, assignment.end(), line)
            yield Statement(table, key, line, elements, start, position)
        elif header := _HEADER.match(text, position):
            table = _split_key(header[1])
            position = _next_line(text, header.end())
            yield Statement(table, table, line, (), start, position)
        else:
            position = _next_line(text, position)
        line += text.count("\n", start, position)


def _scan_value(text: str, position: int, line: int) -> tuple[int, tuple[int, ...]]:
    """Where the value ends, behind its line break, and the lines of its elements."""
    depth, elements, between = 0, [], True
    while position < len(text) and (token := _TOKEN.match(text, position)):
        position, word = token.end(), token[0]
        if word == "\n" and depth == 0:
            break
        if depth == 1 and between and word != "]" and word.strip() and word[0] != "#":
            elements.append(line)
            between = False
        if word in {"[", "{"}:
            depth += 1
        elif word in {"]", "}"}:
            depth -= 1
        elif word == ",":
            between = between or depth == 1
        line += word.count("\n")
    return position, tuple(elements)


def _next_line(text: str, position: int) -> int:
    return text.find("\n", position) + 1 or len(text)


def _split_key(path: str) -> Key:
    """The parts of a dotted key, unquoted."""
    parts = re.findall(_PART, path)
    return tuple(next(iter(tomllib.loads(f"{part} = 0"))) for part in parts)
