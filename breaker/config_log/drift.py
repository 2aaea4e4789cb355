"""Drift of a file: what is in force and not in it, or in it and not in force."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from breakerd.breaker.config import ConfigFile, Document, Key, parse_document
from breakerd.breaker.config.document import decode
from breakerd.breaker.config.file.reading import FileReadError, read_bytes
from breakerd.breaker.config.following.temporary import TemporaryValue, value_at
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
        config: the file.
        masker: masks its secrets.
    """

    def __init__(self, config: ConfigFile, masker: Masker) -> None:
        self._config = config
        self._masker = masker
        self._on_disk: tuple[bytes, Document | ConfigError] | None = None

    def keys(self) -> list[DriftedKey]:
        """Return the keys, in their order, as far as this process and its file know."""
        config = self._config
        active = self._masker.data(config.document)
        lasting = self._masker.data(config.lasting)
        found = [_temporary(each, lasting) for each in config.temporary]
        for key in config.unwritten:
            text = "a change that could not be written to the file: a restart loses it"
            found.append(DriftedKey(key, value_at(active, key), None, Cause.NOT_WRITTEN, text))
        told = {each.key for each in found}
        found += [each for each in self._differing(lasting) if each.key not in told]
        return sorted(found, key=lambda each: each.key)

    def _differing(self, lasting: dict[str, object]) -> Iterator[DriftedKey]:
        """Yield what the file on disk has, and was not taken in."""
        config = self._config
        try:
            content = read_bytes(config.path, MAX_BYTES)
        except FileReadError as error:
            text = f"the file cannot be read: {error}"
            yield DriftedKey((), None, None, Cause.REFUSED, text)
            return
        if content == config.known:
            return
        refused = not config.status.successful
        cause = Cause.REFUSED if refused else Cause.NOT_APPLIED
        text = "the file has errors" if refused else "the file was edited, and is not in force yet"
        if refused and config.status.problems:
            text = f"{text}: {config.status.problems[0]}"
        document = self._parsed(content)
        if isinstance(document, ConfigError):
            yield DriftedKey((), None, None, Cause.REFUSED, f"the file has errors: {document}")
            return
        for each in data_difference(lasting, self._masker.data(document)):
            yield DriftedKey(each.key, each.before, each.after, cause, text)

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


def _temporary(value: TemporaryValue, lasting: dict[str, object]) -> DriftedKey:
    reason = f": {value.reason}" if value.reason else ""
    text = f"set until the restart{reason}"
    in_file = value_at(lasting, value.key)
    return DriftedKey(value.key, value.value, in_file, Cause.TEMPORARY, text, value.by, value.at)
