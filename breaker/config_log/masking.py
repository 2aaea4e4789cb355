"""Configurations as they may be kept and shown: without secrets."""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any, Final, NamedTuple

from pydantic import BaseModel

from breakerd.breaker.config import Document, Key
from breakerd.breaker.config.sections import FOREIGN_SECTIONS
from breakerd.breaker.config.validate import secret_keys

MASK: Final = "********"
"""Text in the place of a secret."""
_TOML: Final = "$toml"
"""Name that a value without a form in JSON stands under: a date or a time, as in TOML."""


class Masked(NamedTuple):
    """A configuration without its secrets.

    Attributes:
        text: its values as JSON, in the order of their names.
        digest: hash of the text: 16 hexadecimal digits.
        secrets: the secrets, by their keys.
    """

    text: str
    digest: str
    secrets: dict[Key, str]


class Masker:
    """Masks the secrets of a file, as the settings models mark them. Thread-safe.

    Args:
        models: settings models of the sections that are not the breakers', by name. All values of a
            section of others that is not among them are masked.
    """

    def __init__(self, models: Mapping[str, type[BaseModel]]) -> None:
        self._models = models
        self._last: tuple[Document, Masked] | None = None

    def mask(self, document: Document) -> Masked:
        """Return the active values of a document without the secrets."""
        known = self._last
        if known is not None and known[0] is document:
            return known[1]
        secrets: dict[Key, str] = {}
        data = {name: self._section(name, each, secrets) for name, each in document.data.items()}
        text = as_json(data)
        digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]
        masked = Masked(text, digest, secrets)
        self._last = (document, masked)
        return masked

    def data(self, document: Document) -> dict[str, object]:
        """Return the masked values by their names in the file."""
        found: dict[str, object] = from_json(self.mask(document).text)
        return found

    def _section(self, name: str, value: object, secrets: dict[Key, str]) -> object:
        model = self._models.get(name)
        if model is not None and isinstance(value, Mapping):
            hidden = {(name, *key) for key in secret_keys(model, value)}
            return _masked((name,), value, hidden, secrets)
        if name in FOREIGN_SECTIONS:
            return _masked((name,), value, None, secrets)
        return value


def _masked(key: Key, value: object, hidden: set[Key] | None, secrets: dict[Key, str]) -> object:
    """Return a value with those at the keys in `hidden` masked; all, if that is None."""
    if isinstance(value, Mapping):
        return {
            name: _masked((*key, str(name)), each, hidden, secrets) for name, each in value.items()
        }
    if isinstance(value, list) and not (hidden is None or key in hidden):
        return [_masked((*key, str(i)), each, hidden, secrets) for i, each in enumerate(value)]
    if hidden is None or key in hidden:
        secrets[key] = str(value)
        return MASK
    return value


def as_json(value: object) -> str:
    """Return values of TOML as JSON on one line, in the order of their names."""
    return json.dumps(value, sort_keys=True, default=_toml, ensure_ascii=False)


def from_json(text: str) -> Any:
    """Return the values of TOML that `as_json` has made text of."""
    return json.loads(text, object_hook=_from_toml)


def shown(value: object) -> object:
    """Return a value of TOML as JSON has it for people: dates and times as text."""
    if isinstance(value, Mapping):
        return {name: shown(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [shown(each) for each in value]
    return value.isoformat() if isinstance(value, date | time) else value


def _toml(value: object) -> dict[str, str]:
    if isinstance(value, datetime | date | time):
        return {_TOML: value.isoformat()}
    raise TypeError(f"{type(value).__name__} is no value of TOML")


def _from_toml(table: dict[str, Any]) -> Any:
    if table.keys() != {_TOML} or not isinstance(table[_TOML], str):
        return table
    return tomllib.loads(f"value = {table[_TOML]}")["value"]
