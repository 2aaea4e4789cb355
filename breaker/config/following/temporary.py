"""Temporary values: in force over those of the file, and never written to it."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace

from breakerd.breaker.config.document import Document
from breakerd.breaker.config.toml.scan import Key


@dataclass(frozen=True, slots=True)
class TemporaryValue:
    """One value that is in force in place of the file's.

    It counts only as long as the file has the value that it was set over: who edits that key of the
    file wants the edit to count.

    Attributes:
        key: the key in the file.
        value: the value in force; None: the key counts as not set.
        over: hash of the file's value, see `print_of`.
        by: who has set it; empty if that is not known.
        at: time when it was set, in seconds since the epoch.
        reason: reason that was given; empty if none was.
    """

    key: Key
    value: object
    over: str
    by: str = ""
    at: float = 0.0
    reason: str = ""


Temporaries = tuple[TemporaryValue, ...]


def still_valid(document: Document, values: Iterable[TemporaryValue]) -> Temporaries:
    """Return those whose key the file has left as it was."""
    return tuple(
        each for each in values if print_of(value_at(document.data, each.key)) == each.over
    )


def overlaid(document: Document, values: Iterable[TemporaryValue]) -> Document:
    """Return the document with the temporary values in its data, not in its text."""
    valid = still_valid(document, values)
    if not valid:
        return document
    data = deepcopy(document.data)
    for each in valid:
        _set(data, each.key, each.value)
    return replace(document, data=data)


def without(values: Iterable[TemporaryValue], keys: Collection[Key]) -> Temporaries:
    """Return those values that are at, above or below none of the keys."""
    return tuple(each for each in values if not any(_touch(each.key, key) for key in keys))


def print_of(value: object) -> str:
    """Return a hash of a value of the file, which differs also where only the types do."""
    text = json.dumps(value, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]


def value_at(data: Mapping[str, object], key: Key) -> object:
    """Return the value at `key`; None if there is none."""
    value: object = data
    for name in key:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _touch(one: Key, other: Key) -> bool:
    length = min(len(one), len(other))
    return one[:length] == other[:length]


def _set(data: dict[str, object], key: Key, value: object) -> None:
    table = data
    for name in key[:-1]:
        inner = table.setdefault(name, {})
        if not isinstance(inner, dict):
            return  # it is no table: then it is not what the value was set over
        table = inner
    if value is None:
        table.pop(key[-1], None)
    else:
        table[key[-1]] = deepcopy(value)
