"""Change single values of a configuration, and nothing else.

The result is parsed and compared with what was wanted before anybody uses it. A wrong edit would
set another breaker: tomlkit, for example, moves lines with dotted keys below the header of another
table (python-poetry/tomlkit#588).
"""

import math
from collections.abc import Iterator, Mapping
from copy import deepcopy

from breakerd.breaker.config.document import Document, parse_document, toml_problem
from breakerd.breaker.config.file.reading import mark_of, without_mark
from breakerd.breaker.config.toml.forms import forms_of
from breakerd.breaker.config.toml.limits import TomlError, check_values
from breakerd.breaker.config.toml.scan import Key
from breakerd.breaker.errors import ConfigConflictError, ConfigError


def edit(document: Document, changes: Mapping[Key, object]) -> Document:
    """Return `document` with each key of `changes` set to its value, or removed if that is None.

    A table as a value sets each of its keys, and keeps others that are there. Missing tables are
    created. Comments, order and all other values stay.

    Raises:
        ConfigConflictError: no way was found to write a change so that it changes nothing else, or
            it leads through a value that is not a table.
        ConfigError: a value cannot be written: it has a NUL character, or is no number of 64 bits.
    """
    for key, value in _leaves(changes):
        document = _edit_one(document, key, value)
    return document


def _edit_one(document: Document, key: Key, value: object) -> Document:
    wanted = _changed(document, key, value)
    if is_same(document.data, wanted):
        return document
    try:
        check_values(wanted)
    except TomlError as error:
        raise ConfigError([toml_problem(document.path, 0, error)]) from None
    mark, text = mark_of(document.text), without_mark(document.text)
    for form in forms_of(text, key, value):
        try:
            edited = parse_document(document.path, mark + form)
        except ConfigError:
            continue
        if is_same(edited.data, wanted):
            return edited
    raise _conflict(document, key, "the way its tables are written")


def is_same(one: object, other: object) -> bool:
    """True if two values from TOML are equal, their types and those of all parts too."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    return one == other


def _leaves(changes: Mapping[Key, object]) -> Iterator[tuple[Key, object]]:
    for key, value in changes.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves({(*key, name): inner for name, inner in value.items()})
        else:
            yield key, value


def _changed(document: Document, key: Key, value: object) -> dict[str, object]:
    """Return the data of `document` with the change in it."""
    data = table = deepcopy(document.data)
    for depth, part in enumerate(key[:-1]):
        if part not in table:
            if value is None:
                return data
            table[part] = {}
        inner = table[part]
        if not isinstance(inner, dict):
            raise _conflict(document, key, f"{'.'.join(key[: depth + 1])}, which is no table")
        table = inner
    if value is None:
        table.pop(key[-1], None)
    elif value != {} or not isinstance(table.get(key[-1]), dict):
        table[key[-1]] = _as_parsed(value)
    return data


def _as_parsed(value: object) -> object:
    return [_as_parsed(each) for each in value] if isinstance(value, list | tuple) else value


def _conflict(document: Document, key: Key, found: str) -> ConfigConflictError:
    line = document.line_of(key)
    place = f"{document.path}:{line}" if line else str(document.path)
    return ConfigConflictError(
        f"{'.'.join(key)} cannot be changed in {place} because of {found}: nothing was changed. "
        "Edit the file by hand; it is applied when it is saved."
    )
