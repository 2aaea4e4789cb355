"""A parsed TOML file: its values, and the line of each key."""

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from breakerd.breaker.config.toml_scan import Key, statements
from breakerd.breaker.errors import ConfigError, ConfigProblem


@dataclass(frozen=True, slots=True)
class Document:
    """The content of a configuration file at one time."""

    path: Path
    text: str
    data: dict[str, object]
    _lines: dict[Key, int] = field(repr=False)

    def line_of(self, key: Key) -> int:
        """Return the line, from 1, of `key` or of the nearest table around it; 0 if there is none.

        The last part of the key of a list element is its index.
        """
        while key:
            if line := self._lines.get(key):
                return line
            key = key[:-1]
        return 0


def read_document(path: str | Path) -> Document:
    """Read and parse the file.

    Raises:
        ConfigError: it cannot be read, is not UTF-8, or is not TOML.
    """
    return parse_document(Path(path), read_text(path))


def read_text(path: str | Path) -> str:
    """Return the content of the file, unparsed.

    Raises:
        ConfigError: it cannot be read, or is not UTF-8.
    """
    path = Path(path)
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError as error:
        found = f"byte {error.object[error.start]:#04x} at offset {error.start}"
        raise _file_error(path, 0, found, "UTF-8 text") from None
    except OSError as error:
        raise _file_error(path, 0, error.strerror or str(error), "a readable file") from None


def parse_document(path: Path, text: str) -> Document:
    """Parse `text` as the content of `path`.

    Raises:
        ConfigError: it is not TOML.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"line (\d+)", str(error))
        line = int(at[1]) if at else text.count("\n") + 1
        raise _file_error(path, line, str(error), "TOML 1.0") from None
    return Document(path, text, data, _find_lines(text))


def _find_lines(text: str) -> dict[Key, int]:
    exact: dict[Key, int] = {}
    # A table that no header opens begins with the first key in it.
    implied: dict[Key, int] = {}
    for statement in statements(text):
        exact[statement.key] = statement.line
        for length in range(1, len(statement.key)):
            implied.setdefault(statement.key[:length], statement.line)
        for index, line in enumerate(statement.element_lines):
            exact[*statement.key, str(index)] = line
    return implied | exact


def _file_error(path: Path, line: int, found: str, allowed: str) -> ConfigError:
    return ConfigError([ConfigProblem(str(path), line, "", found, allowed)])
