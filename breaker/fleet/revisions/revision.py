"""Revision of one setting: its value, and those before; as text for the hub and the host's disk."""

import json
import re
from math import isfinite
from typing import Any, Final, NamedTuple

from breakerd.breaker.config.toml.scan import Key
from breakerd.breaker.fleet.hub.store import Entry

CHAIN: Final = 8
"""Maximum number of earlier values that a revision names: the latest, and the oldest."""
_MAX_NAMES: Final = 10
_MAX_TEXT: Final = 65_536
"""Maximum number of characters of a revision's text."""
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


class Revision(NamedTuple):
    """Change of one setting by an operator.

    Attributes:
        key: names of the setting, as ("breakers", "payments", "wait_time") or ("wait_time",).
        value: new value; None: it was removed.
        replaced: values before, latest first; None: it was not set.
        by: who changed it; empty if that is not known.
        at: hub time of the change in seconds.
        id: id of the change; that of all settings that were changed together.
    """

    key: Key
    value: object
    replaced: tuple[object, ...] = ()
    by: str = ""
    at: float = 0.0
    id: str = ""

    @property
    def order(self) -> tuple[float, str]:
        """Return what the newest revision of a setting has the largest of."""
        return self.at, self.id

    def follows(self, value: object) -> bool:
        """Return True if `value` is one of those before."""
        return any(is_equal(value, each) for each in self.replaced)


def dotted(key: Key) -> str:
    """Return a key as in TOML, and as the key of its entry: `breakers."a.b".wait_time`."""
    return ".".join(name if _BARE.fullmatch(name) else json.dumps(name) for name in key)


def is_equal(one: object, other: object) -> bool:
    """Return True if two values mean the same: 1 and 1.0 do, 1 and True do not."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(is_equal, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_equal(one[key], other[key]) for key in one)
    return one == other


def combined(one: Revision, other: Revision) -> Revision:
    """Return the later of two revisions of a setting, with the values of the other before it."""
    if one.id == other.id:
        return max(one, other, key=lambda each: len(each.replaced))
    later, earlier = (one, other) if one.order > other.order else (other, one)
    oldest = (earlier.replaced or (earlier.value,))[-1]
    before: list[object] = [oldest]
    for value in (*later.replaced, earlier.value, *earlier.replaced):
        if not any(is_equal(value, each) for each in (later.value, *before)):
            before.insert(-1, value)
    if len(before) > CHAIN:
        before[CHAIN - 1 :] = [oldest]
    return later._replace(replaced=tuple(before))


def encode(revision: Revision) -> str:
    """Return a revision as JSON; if its values are long, without some of those before.

    Raises:
        ValueError: its value is too long, or has no form in JSON.
    """
    try:
        data = revision._replace(at=float(revision.at))._asdict()
        text = json.dumps(data, ensure_ascii=False, allow_nan=False)
    except TypeError as error:
        raise ValueError(str(error)) from None
    if len(text) <= _MAX_TEXT:
        return text
    if not revision.replaced:
        raise ValueError(f"a value of more than {_MAX_TEXT:,} characters")
    return encode(revision._replace(replaced=revision.replaced[:-1]))


def decode_entry(entry: Entry) -> Revision:
    """Return the revision that somebody has written to the hub.

    Raises:
        ValueError: it is none, or stands under the key of another one.
    """
    revision = decode(entry.value)
    if dotted(revision.key) != entry.key:
        raise ValueError("it stands under the key of another setting")
    return revision


def decode(text: str) -> Revision:
    """Return the revision of a text, whoever has written it.

    Raises:
        ValueError: it is none.
    """
    if len(text) > _MAX_TEXT:
        raise ValueError("it is too long")
    try:
        data = json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    known = data if isinstance(data, dict) else {}
    found = {name: known[name] for name in Revision._fields if name in known}
    key, replaced = found.get("key"), found.get("replaced", [])
    texts, at = (found.get("by", ""), found.get("id", "")), found.get("at")
    if "value" not in found or not isinstance(replaced, list):
        raise ValueError("it has no values")
    if not isinstance(key, list) or not _are_names(key):
        raise ValueError("it has no key")
    if not all(isinstance(each, str) for each in texts) or not texts[1]:
        raise ValueError("it has no id")
    if not isinstance(at, float) or not isfinite(at):
        raise ValueError("it has no time")
    by, number = texts
    revision = Revision(tuple(key), found["value"], tuple(replaced[:CHAIN]), by, at, number)
    encode(revision).encode()  # half of a character has no form in any file
    return revision


def _are_names(key: list[Any]) -> bool:
    return 0 < len(key) <= _MAX_NAMES and all(isinstance(name, str) and name for name in key)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
