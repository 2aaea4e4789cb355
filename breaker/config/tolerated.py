"""Values that are not allowed, but loaded with a warning, because go-breaker takes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from breakerd.breaker.config.document import Document
from breakerd.breaker.config.show_value import format_value, shown_name
from breakerd.breaker.config.toml.scan import Key
from breakerd.breaker.logging import get_logger

NOT_SET: Final = "not set, as in go-breaker"


@dataclass(frozen=True, slots=True)
class ConfigWarning:
    """A tolerated value in a configuration.

    Attributes:
        where: the file.
        line: line in the file, from 1.
        key: dotted key.
        found: the value found, as text.
        taken: what it is taken as, in words.
    """

    where: str
    line: int
    key: str
    found: str
    taken: str

    def __str__(self) -> str:
        return f"{self.where}:{self.line}: {self.key}: found {self.found}; taken as {self.taken}"


def tolerated(document: Document, key: Key, value: object, taken: str) -> ConfigWarning:
    """Return the warning of `value` at `key` of the file."""
    return ConfigWarning(
        str(document.path),
        document.line_of(key),
        ".".join(map(shown_name, key)),
        format_value(value),
        taken,
    )


class WarningLog:
    """Log the warnings of a configuration once, however often it is applied."""

    def __init__(self, name: str) -> None:
        """Log by the logger `name`."""
        self._log = get_logger(name)
        self._told: set[tuple[str, str]] = set()

    def tell(self, warnings: Sequence[ConfigWarning]) -> None:
        """Log those that were not in the configuration before; their lines may have moved."""
        for warning in warnings:
            if (warning.key, warning.found) not in self._told:
                self._log.warning("configuration value tolerated", problem=str(warning))
        self._told = {(warning.key, warning.found) for warning in warnings}
