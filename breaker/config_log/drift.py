"""Drift of a file: what is in force and not in it, or in it and not in force."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final
from weakref import ref

from breakerd.breaker.config import ConfigFile, Document, Key, parse_document
from breakerd.breaker.config.document import decode
from breakerd.breaker.config.file.reading import FileReadError, read_bytes
from breakerd.breaker.config.following.temporary import value_at
from breakerd.breaker.config.toml.limits import MAX_BYTES
from breakerd.breaker.config_log.masking import Masker
from breakerd.breaker.config_log.row import data_difference
from breakerd.breaker.errors import ConfigError


class Cause(StrEnum):
    """Why a value is in force that the file does not have."""

    TEMPORARY = "temporary"
    """Somebody has set it until the restart."""
    NOT_WRITTEN = "not written"
    """A change could not be written to the file."""
    REFUSED = "refused"
    """The file has errors: what it had before is in force."""
    NOT_APPLIED = "not applied"
    """The file was edited, and is not in force yet, or is not followed."""
    ENVIRONMENT = "environment"
    """An environment variable, or a file that one names, wins over the file."""
    FLEET = "fleet"
    """Another value was set for all hosts of the fleet."""


CAUSES: Final = tuple(Cause)


@dataclass(frozen=True, slots=True)
class DriftedKey:
    """One key whose value in force is not the file's.

    Attributes:
        key: the key in the file; empty for the file as a whole.
        in_force: value in force; None: not set. A secret is masked.
        in_file: value of the file, the same way.
        cause: why they differ.
        text: the cause as a sentence.
        by: who has set it; empty if that is not known.
        at: time when it was set in seconds since the epoch; 0 if that is not known.
    """

    key: Key
    in_force: object
    in_file: object
    cause: Cause
    text: str
    by: str = ""
    at: float = 0.0


class FileDrift:
    """Drift of one file in this process. Thread-safe: what it remembers is only to be quick.

    Args:
        config: the file, which is held weakly: whoever remembers its drift does not keep it.
        masker: masks its secrets; None: values are not told.
    """

    def __init__(self, config: ConfigFile, masker: Masker | None = None) -> None:
        self._file = ref(config)
        self._masker = masker
        self._on_disk: tuple[bytes, Document | ConfigError] | None = None
        self._last: tuple[tuple[object, ...], list[DriftedKey]] | None = None

    @property
    def _config(self) -> ConfigFile:
        config = self._file()
        if config is None:
            raise ReferenceError("the configuration file is not in use any more")
        return config

    def found(self) -> list[DriftedKey]:
        """Return the keys, in their order, as far as this process and its file know."""
        config, last = self._config, self._last
        seen = (_stamp(config.path), config.known, config.document, config.lasting, config.status)
        if last is not None and all(_is_same(*each) for each in zip(last[0], seen, strict=True)):
            return last[1]
        found = sorted(self._all(), key=lambda each: each.key)
        self._last = (seen, found)
        return found

    def _all(self) -> Iterator[DriftedKey]:
        config = self._config
        active, lasting = self._values(config.document), self._values(config.lasting)
        for each in config.temporary:
            values = value_at(active, each.key), value_at(lasting, each.key)
            text = "set until the restart" + (f": {each.reason}" if each.reason else "")
            yield DriftedKey(each.key, *values, Cause.TEMPORARY, text, each.by, each.at)
        for key in config.unwritten:
            text = "a change that could not be written to the file: a restart loses it"
            yield DriftedKey(key, value_at(active, key), None, Cause.NOT_WRITTEN, text)
        yield from self._differing(lasting)

    def _differing(self, lasting: Mapping[str, object]) -> Iterator[DriftedKey]:
        """Yield what the file on disk has, and was not taken in."""
        config = self._config
        try:
            content = read_bytes(config.path, MAX_BYTES)
        except FileReadError as error:
            yield DriftedKey((), None, None, Cause.REFUSED, f"the file cannot be read: {error}")
            return
        if content == config.known:
            return
        document = self._parsed(content)
        if isinstance(document, ConfigError):
            yield DriftedKey((), None, None, Cause.REFUSED, f"the file has errors: {document}")
            return
        cause, text = Cause.NOT_APPLIED, "the file was edited, and is not in force yet"
        if problems := config.status.problems:
            cause, text = Cause.REFUSED, f"the file has errors: {problems[0]}"
        in_file = self._values(document)
        for each in data_difference(config.lasting.data, document.data):
            values = value_at(lasting, each.key), value_at(in_file, each.key)
            yield DriftedKey(each.key, *values, cause, text)

    def _values(self, document: Document) -> Mapping[str, object]:
        return self._masker.data(document) if self._masker is not None else {}

    def _parsed(self, content: bytes) -> Document | ConfigError:
        known = self._on_disk
        if known is not None and known[0] == content:
            return known[1]
        path = self._config.path
        found: Document | ConfigError
        try:
            found = parse_document(path, decode(path, content))
        except ConfigError as error:
            found = error
        self._on_disk = (content, found)
        return found


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError:
        return ()
    return (found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size)


def _is_same(one: object, other: object) -> bool:
    return one is other or (isinstance(one, tuple) and one == other)
