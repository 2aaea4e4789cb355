"""Limits of a configuration beyond TOML's own: what no sensible file holds, and what would hang.

Without them, some files that are TOML end in a RecursionError, take minutes to parse, or hold
values that fail far from where they stand.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

from breakerd.breaker.config.toml.scan import Key

MAX_BYTES: Final = 1_048_576
"""Maximum size of a configuration file, in bytes."""
MAX_DEPTH: Final = 32
"""Maximum number of tables and lists inside one another."""
MAX_PARTS: Final = 32_768
"""Maximum number of keys, tables and list items in a file."""
MAX_WORD: Final = 1000
"""Maximum length of a key without quotes, a number, or another word, in characters."""

_INTEGER: Final = "whole numbers of 64 bits"
_DEPTH: Final = f"tables and lists at most {MAX_DEPTH} deep"
_PARTS: Final = f"at most {MAX_PARTS:,} keys, tables and list items"
_WORD: Final = f"words without quotes of at most {MAX_WORD} characters"
# Without backtracking, and an end may be missing: nothing is looked at twice, or remembered.
_STRING: Final = re.compile(
    r"""
    \"{3} (?> (?: [^"\\]++ | \\. | \"(?!\"\") )* ) (?: \"{3,} )?   # a basic string of several lines
    | '{3} (?> (?: [^']++ | '(?!'') )* ) (?: '{3,} )?               # a literal one
    | \" (?> (?: [^"\\\n]++ | \\[^\n] )* ) \"?
    | ' [^'\n]*+ '?
    | \# [^\n]*+                                                    # a comment
    """,
    re.DOTALL | re.VERBOSE,
)
_PART: Final = re.compile(r"[=,.\[]")
"""What comes with each key, part of a key, table and list item."""
_BRACKET: Final = re.compile(r"[\[\]{}]")
_LONG_WORD: Final = re.compile(rf"(?<![\w.+:-])[\w.+:-]{{{MAX_WORD + 1}}}")
_LONG_KEY: Final = re.compile(rf"(?<![\w.-])(?:[\w-]++[ \t]*+\.[ \t]*+){{{MAX_DEPTH}}}")
_PROBLEM: Final = re.compile(
    r"(?P<what>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)"
)
_SYNTAX: Final = (
    "Cannot declare a table twice",
    "Cannot mutate immutable namespace",
    "Cannot overwrite a value",
    "Cannot redefine namespace",
    "Duplicate inline table key",
    "Escaped character is not a Unicode scalar value",
    "Expected '=' after a key in a key/value pair",
    "Expected ']' at the end of a table declaration",
    "Expected ']]' at the end of an array declaration",
    "Expected newline or end of document after a statement",
    "Found invalid character",
    "Illegal character",
    "Invalid date or datetime",
    "Invalid hex value",
    "Invalid initial character for a key part",
    "Invalid statement",
    "Invalid value",
    "Unclosed array",
    "Unclosed inline table",
    "Unescaped '\\' in a string",
    "Unterminated string",
)
"""Descriptions of parser errors, without the keys and characters of the file that these quote: a
secret may be among them."""


class TomlError(Exception):
    """A text is no usable TOML.

    Attributes:
        line: line of the problem, from 1; 0 if it is known by `key` only.
        key: key of the problem; empty if it is known by `line` only.
        found: what was found there; never a part of the text.
        allowed: what is allowed.
    """

    def __init__(self, line: int, found: str, allowed: str, key: Key = ()) -> None:
        super().__init__(f"found {found}; allowed: {allowed}")
        self.line = line
        self.key = key
        self.found = found
        self.allowed = allowed


def parse(text: str) -> dict[str, object]:
    """Parse TOML; takes time in proportion to its length, whatever it holds.

    Raises:
        TomlError: it is not TOML, or exceeds the limits.
    """
    plain = _STRING.sub(lambda found: "q" + "\n" * found[0].count("\n"), text)
    _check_size(plain)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(str(error), text) from None
    check_values(data)
    return data


def _check_size(plain: str) -> None:
    """Check, before it is parsed, what would take long or much memory to parse."""
    if long := _LONG_KEY.search(plain):
        raise TomlError(_line_at(plain, long.start()), "a key of too many parts", _DEPTH)
    if position := _too_deep(plain):
        raise TomlError(_line_at(plain, position), "deeper nesting", _DEPTH)
    if part := next(islice(_PART.finditer(plain), MAX_PARTS, None), None):
        raise TomlError(_line_at(plain, part.start()), "too many keys", _PARTS)
    if long := _LONG_WORD.search(plain):
        is_number = long[0][0].isdigit()
        found = "a number of too many digits" if is_number else "a word that is too long"
        raise TomlError(_line_at(plain, long.start()), found, _INTEGER if is_number else _WORD)


def _too_deep(plain: str) -> int:
    """Return the position of the first bracket that is too deep, which is never 0; 0 if none is."""
    depth = 0
    for bracket in _BRACKET.finditer(plain):
        depth = depth + 1 if bracket[0] in "[{" else max(0, depth - 1)
        if depth > MAX_DEPTH:
            return bracket.start()
    return 0


def check_values(data: Mapping[str, object]) -> None:
    """Check the keys and values of parsed data.

    Raises:
        TomlError: one exceeds the limits.
    """
    for key, value in _entries(data):
        if len(key) > MAX_DEPTH:
            raise TomlError(0, "deeper nesting", _DEPTH, key[:MAX_DEPTH])
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise TomlError(0, "a number of too many digits", _INTEGER, key)
        for text in (key[-1], value):
            if isinstance(text, str) and (found := _unusable(text)):
                raise TomlError(0, found, "text without it", key)


def _entries(data: Mapping[str, object]) -> Iterator[tuple[Key, object]]:
    """Yield all keys and values; without recursion, because the depth is not known yet."""
    pending: list[tuple[Key, object]] = [((name,), value) for name, value in data.items()]
    while pending:
        key, value = pending.pop()
        yield key, value
        if isinstance(value, Mapping):
            pending += [((*key, name), inner) for name, inner in value.items()]
        elif isinstance(value, list | tuple):
            pending += [((*key, str(index)), inner) for index, inner in enumerate(value)]


def _unusable(text: str) -> str:
    if "\0" in text:
        return "a NUL character"
    return "" if text.isascii() or not re.search("[\ud800-\udfff]", text) else "half a character"


def _syntax_error(message: str, text: str) -> TomlError:
    found = _PROBLEM.fullmatch(message)
    line = int(found["line"]) if found and found["line"] else text.count("\n") + 1
    what = found["what"] if found else ""
    if what.startswith("Cannot declare"):
        what = _SYNTAX[0]
    said = next((known for known in _SYNTAX if what.startswith(known)), "No valid statement")
    place = f" at column {found['column']}" if found and found["column"] else ""
    return TomlError(line, said[0].lower() + said[1:] + place, "TOML 1.0")


def _line_at(plain: str, position: int) -> int:
    return plain.count("\n", 0, position) + 1
