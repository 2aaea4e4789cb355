"""Changes of `[history]` by request: what may be changed, and the check of it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from breakerd.breaker.config import Document, Key, validate
from breakerd.breaker.config.merge import nested, patched
from breakerd.breaker.config.show_value import format_value
from breakerd.breaker.config.validate import unknown_key
from breakerd.breaker.errors import ConfigError, ConfigProblem
from breakerd.breaker.record.settings import SECTION, HistorySettings

_REQUEST: Final = "request"
_CHANGEABLE: Final = frozenset({"enabled", "keep", "keep_fine", "max_mb"})
_IN_FILE: Final = "a change in the file only: it says where the record is written"
_NO_RECORD: Final = "a change in the file of a process that keeps a record: this one keeps none"


def refusal(key: Key, value: object, *, kept: bool) -> ConfigProblem | None:
    """Return the problem with changing a key of `[history]` by request; None if it may be.

    Args:
        key: the key in the file.
        value: the value asked for.
        kept: True if the process has a record that follows the file.
    """
    inner = key[1:]
    if not kept:
        return _problem(key, value, _NO_RECORD)
    if inner and (unknown_key(HistorySettings, inner) or inner[0] in _CHANGEABLE):
        return None
    return _problem(key, value, _IN_FILE)


def check_changes(document: Document, changes: Mapping[Key, object]) -> None:
    """Check changes of `[history]` against the file.

    Raises:
        ConfigError: a key is unknown, or a value invalid; `where` is "request".
    """
    inner = {key[1:]: value for key, value in changes.items()}
    unknown = (unknown_key(HistorySettings, key) for key in inner)
    if problems := [replace(each, key=f"{SECTION}.{each.key}") for each in unknown if each]:
        raise ConfigError(problems)
    present = document.data.get(SECTION, {})
    data = patched(present if isinstance(present, dict) else {}, nested(inner))
    validate(HistorySettings, data, prefix=(SECTION,), where=_REQUEST)


def _problem(key: Key, value: object, allowed: str) -> ConfigProblem:
    return ConfigProblem(_REQUEST, 0, ".".join(key), format_value(value), allowed)
