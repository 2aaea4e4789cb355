"""A TOML file as it was read: its values, and the line on which each key stands."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from breaker.errors import ConfigError, ConfigProblem

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """One reading of a configuration file."""

    path: Path
    text: str
    data: dict[str, object]
    _lines: dict[Key, int] = field(repr=False)

    def line_of(self, key: Key) -> int:
        """The line, from 1, of `key`, or of the nearest table around it; 0 if there is none."""
        while key:
            if line := self._lines.get(key):
                return line
            key = key[:-1]
        return 0


def read_document(path: str | Path) -> Document:
    """Reads and parses the file.

    Raises:
        ConfigError: it cannot be read, is not UTF-8, or is not TOML.
    """
    path = Path(path)
    try:
        text = path.read_bytes().decode()
    except UnicodeDecodeError as error:
        found = f"byte {error.object[error.start]:#04x} at offset {error.start}"
        raise _unusable(path, 0, found, "UTF-8 text") from None
    except OSError as error:
        raise _unusable(path, 0, error.strerror or str(error), "a readable file") from None
    return parse_document(path, text)


def parse_document(path: Path, text: str) -> Document:
    """Parses `text` as the content of `path`.

    Raises:
        ConfigError: it is not TOML.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"line (\d+)", str(error))
        line = int(at[1]) if at else text.count("\n") + 1
        raise _unusable(path, line, str(error), "TOML 1.0") from None
    return Document(path, text, data, dict(_key_lines(text.replace("\r\n", "\n"))))


def _unusable(path: Path, line: int, found: str, allowed: str) -> ConfigError:
    return ConfigError([ConfigProblem(str(path), line, "", found, allowed)])


# tomllib tells values and tomlkit keeps their form, but neither tells where they stand. The text
# is known to be valid here, so a scan for keys need not check anything.

_KEY_PART: Final = r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)"""
_KEY_PATH: Final = re.compile(rf"[ \t]*({_KEY_PART}(?:[ \t]*\.[ \t]*{_KEY_PART})*)[ \t]*")
_VALUE_TOKEN: Final = re.compile(
    r'"""(?:[^\\]|\\.)*?"""+'
    r"|'''.*?'''+"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|#[^\n]*"
    r"|[\[\]{}\n]"
    r"|[^\[\]{}\n#'\"]+",
    re.DOTALL,
)


def _key_lines(text: str) -> Iterator[tuple[Key, int]]:
    table: Key = ()
    position, line = 0, 1
    while position < len(text):
        start = position
        if path := _KEY_PATH.match(text, position):
            key = table + _parts(path[1])
            yield key, line
            position = _end_of_value(text, path.end())
        elif header := re.compile(r"[ \t]*\[{1,2}").match(text, position):
            path = _KEY_PATH.match(text, header.end())
            table = _parts(path[1]) if path else ()
            yield table, line
            position = _end_of_value(text, path.end() if path else header.end(), header=True)
        else:
            position = text.find("\n", position) + 1 or len(text)
        line += text.count("\n", start, position)


def _end_of_value(text: str, position: int, *, header: bool = False) -> int:
    """Where the statement ends, behind its line break; brackets and strings may span lines."""
    depth = 0
    while position < len(text) and (token := _VALUE_TOKEN.match(text, position)):
        position = token.end()
        if token[0] in {"[", "{"}:
            depth += 1
        elif token[0] in {"]", "}"}:
            depth -= 1
        elif token[0] == "\n" and (depth <= 0 or header):
            return position
    return len(text)


def _parts(path: str) -> Key:
    """The parts of a dotted key, unquoted."""
    parts = re.findall(_KEY_PART, path)
    return tuple(next(iter(tomllib.loads(f"{part} = 0"))) for part in parts)
