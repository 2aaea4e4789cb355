"""Values of the settings in a configuration file that hosts share, and how to change them there."""

from collections.abc import Iterator, Mapping

from breakerd.breaker.config.document import Document
from breakerd.breaker.config.sections import BREAKERS, LEGACY_ROOT, root_data
from breakerd.breaker.config.toml.scan import Key
from breakerd.breaker.fleet.revisions.allowed import ALERTS, is_known
from breakerd.breaker.fleet.revisions.revision import is_equal

Values = Mapping[Key, object]
"""Value of each setting that is set, by its key; those of tables are apart."""


def shared_values(document: Document) -> dict[Key, object]:
    """Return the values that hosts share; those of the root in its present spelling."""
    data: dict[str, object] = dict(root_data(document))
    data |= {name: document.data[name] for name in (BREAKERS, ALERTS) if name in document.data}
    return {key: value for key, value in _leaves((), data) if is_known(key)}


def difference(before: Values, after: Values) -> dict[Key, tuple[object, object]]:
    """Return the values before and after of each setting that differs; None: not set."""
    return {
        key: (before.get(key), after.get(key))
        for key in {**before, **after}
        if not is_equal(before.get(key), after.get(key))
    }


def unshared_changes(before: Document, after: Document) -> set[Key]:
    """Return the settings that differ, and that are each host's own."""
    changed = difference(dict(_leaves((), before.data)), dict(_leaves((), after.data)))
    return {key for key in changed if not is_known(without_old_root(key))}


def without_old_root(key: Key) -> Key:
    """Return a key of the file as hosts share it: that of the root in its present spelling."""
    return key[1:] if key[0] == LEGACY_ROOT and len(key) > 1 else key


def file_changes(document: Document, wanted: Values) -> dict[Key, object]:
    """Return the changes of a file that lead to the wanted values; None removes one.

    A table of which nothing would be left is removed as a whole.
    """
    present = shared_values(document)
    left = {key for key in present if wanted.get(key, present[key]) is not None}
    left |= {key for key, value in wanted.items() if value is not None}
    changes: dict[Key, object] = {}
    for key, value in wanted.items():
        place = _emptied(key, left) if value is None else key
        changes[_in_file(document, place)] = value
    return changes


def _emptied(key: Key, left: set[Key]) -> Key:
    """Return the outermost table around a removed setting that has nothing left in it."""
    shortest = 3 if key[0] == BREAKERS else 2 if key[0] == ALERTS else 1
    for length in range(shortest, len(key)):
        if not any(each[:length] == key[:length] for each in left):
            return key[:length]
    return key


def _in_file(document: Document, key: Key) -> Key:
    """Return where the file has a setting: some have the root's in an older table."""
    older = document.data.get(LEGACY_ROOT)
    at_root = key[0] not in {BREAKERS, ALERTS}
    if at_root and isinstance(older, dict) and key[0] not in document.data:
        return (LEGACY_ROOT, *key)
    return key


def _leaves(key: Key, value: object) -> Iterator[tuple[Key, object]]:
    if isinstance(value, Mapping) and (value or not key):
        for name, inner in value.items():
            yield from _leaves((*key, str(name)), inner)
    elif key:
        yield key, value
