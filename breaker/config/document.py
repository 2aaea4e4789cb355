"""A parsed TOML file: its values, and the line of each key."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from breakerd.breaker.config.file.reading import FileReadError, read_bytes, without_mark
from breakerd.breaker.config.file.saving import wait_for_writer
from breakerd.breaker.config.show_value import shown_name
from breakerd.breaker.config.toml.limits import MAX_BYTES, TomlError, parse
from breakerd.breaker.config.toml.scan import Key, statements
from breakerd.breaker.errors import ConfigError, ConfigProblem


@dataclass(frozen=True, slots=True)
class Document:
    """The content of a configuration file at one time; `repr` shows none of it, nor its secrets."""

    path: Path
    text: str = field(repr=False)
    data: dict[str, object] = field(repr=False)
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

    def lifted(self, table: str) -> "Document":
        """Return the document with the lines of the keys in `table` for those of the root too."""
        lines = {key[1:]: line for key, line in self._lines.items() if key[0] == table and key[1:]}
        return replace(self, _lines=lines | self._lines) if lines else self


def read_document(path: str | Path) -> Document:
    """Read and parse the file; wait for a program that is writing it, for at most 1.5 s.

    Raises:
        ConfigError: it cannot be read, is not UTF-8, or is not TOML.
    """
    wait_for_writer(Path(path))
    return parse_document(Path(path), read_text(path))


def read_text(path: str | Path) -> str:
    """Return the content of the file, unparsed.

    Raises:
        ConfigError: it cannot be read, is too large, or is not UTF-8.
    """
    try:
        return decode(Path(path), read_bytes(path, MAX_BYTES))
    except FileReadError as error:
        raise ConfigError([unreadable(Path(path), str(error))]) from None


def unreadable(path: Path, found: str) -> ConfigProblem:
    """Return the problem of a file that cannot be read."""
    allowed = f"a readable file of at most {MAX_BYTES:,} bytes"
    return ConfigProblem(str(path), 0, "", found, allowed)


def decode(path: Path, raw: bytes) -> str:
    """Return the bytes read from `path` as text.

    Raises:
        ConfigError: they are not UTF-8.
    """
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        found = f"byte {raw[error.start]:#04x} at offset {error.start}"
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError([ConfigProblem(str(path), line, "", found, "UTF-8 text")]) from None


def parse_document(path: Path, text: str) -> Document:
    """Parse `text` as the content of `path`; a byte order mark is passed over.

    Raises:
        ConfigError: it is not TOML, or exceeds the limits of a configuration.
    """
    body = without_mark(text)
    try:
        data = parse(body)
    except TomlError as error:
        line = error.line or Document(path, text, {}, _find_lines(body)).line_of(error.key)
        raise ConfigError([toml_problem(path, line, error)]) from None
    return Document(path, text, data, _find_lines(body))


def toml_problem(path: Path, line: int, error: TomlError) -> ConfigProblem:
    """Return the problem of a text, or of a value for it, that is no usable TOML."""
    key = ".".join(map(shown_name, error.key))
    return ConfigProblem(str(path), line, key, error.found, error.allowed)


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
