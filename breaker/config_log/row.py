"""Row of the log: one configuration that was in force, and what it has changed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from breakerd.breaker.config import Key
from breakerd.breaker.config.following.origin import Origin
from breakerd.breaker.config.following.temporary import print_of
from breakerd.breaker.config_log.masking import MASK


class KeyChange(NamedTuple):
    """Change of one key.

    Attributes:
        key: the key.
        before: value before; None: it was not set. A secret is masked.
        after: value after, the same way.
    """

    key: Key
    before: object
    after: object

    @property
    def secret(self) -> bool:
        """Return True if one of the values is a secret, which is not kept."""
        return MASK in (self.before, self.after)


@dataclass(frozen=True, slots=True)
class ConfigRow:
    """One configuration that was in force.

    Attributes:
        number: its number, from 1, in the order in which they came into force.
        at: time when it came into force, in seconds since the epoch.
        digest: hash of the values, secrets left out.
        origin: who has asked for it.
        process: host and process that wrote the row.
        temporary: keys whose values are not in the file, and end with the last process.
        written: False if its change could not be written to the file.
        data: its values by their names in the file, secrets masked.
        prints: short hashes of its secrets by key, by which one sees that a secret was changed.
        changes: what differs from the configuration before; None if that is not known.
    """

    number: int
    at: float
    digest: str
    origin: Origin
    process: str
    temporary: tuple[str, ...] = ()
    written: bool = True
    data: Mapping[str, object] = field(default_factory=dict)
    prints: Mapping[str, str] = field(default_factory=dict)
    changes: tuple[KeyChange, ...] | None = None


def difference(before: ConfigRow, after: ConfigRow) -> tuple[KeyChange, ...]:
    """Return the keys that differ, in their order; a secret that has changed is among them."""
    return data_difference(before.data, after.data, before.prints, after.prints)


def data_difference(
    before: Mapping[str, object],
    after: Mapping[str, object],
    prints_before: Mapping[str, str] = MappingProxyType({}),
    prints_after: Mapping[str, str] = MappingProxyType({}),
) -> tuple[KeyChange, ...]:
    """Return the keys whose masked values differ, or the hashes of their secrets, in order."""
    old, new = dict(leaves(before)), dict(leaves(after))
    changes = []
    for key in sorted(old.keys() | new.keys()):
        changed_secret = prints_before.get(".".join(key)) != prints_after.get(".".join(key))
        if changed_secret or print_of(old.get(key)) != print_of(new.get(key)):
            changes.append(KeyChange(key, old.get(key), new.get(key)))
    return tuple(changes)


def leaves(data: object, key: Key = ()) -> Iterator[tuple[Key, object]]:
    """Yield each value that is no table, with its key; an empty table is a value."""
    if isinstance(data, Mapping) and (data or not key):
        for name, inner in data.items():
            yield from leaves(inner, (*key, str(name)))
    elif key:
        yield key, data
