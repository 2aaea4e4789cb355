"""Changes of settings by the keys of the file, without what stays the same."""

import json
from collections.abc import Iterator, Mapping
from typing import Final

from pydantic import BaseModel

_PARTIAL: Final = "candidate"
"""Table of which only what is set has a meaning: the rest of it is as in force."""


def dotted_changes(
    changed: Mapping[str, tuple[object, object]],
) -> dict[str, tuple[object, object]]:
    """Return (before, after) of each value that differs, by its dotted key, in JSON's types.

    Of a table that was added or removed, and of a candidate, only what is set is told. None stands
    for a value that is not set.
    """
    return {
        key: pair
        for name, (before, after) in changed.items()
        for key, pair in _changes(name, before, after)
    }


def changes_text(changed: Mapping[str, tuple[object, object]]) -> str:
    """Return changes as `breakerd config log` words them: `wait_time: 5 → 10; slo.timeout: …`."""
    return "; ".join(
        f"{key}: {_shown(before)} → {_shown(after)}"
        for key, (before, after) in dotted_changes(changed).items()
    )


def _changes(
    name: str, before: object, after: object
) -> Iterator[tuple[str, tuple[object, object]]]:
    if not (isinstance(before, BaseModel) or isinstance(after, BaseModel)):
        yield name, (before, after)
        return
    only_set = name == _PARTIAL or before is None or after is None
    old, new = _leaves(name, before, only_set), _leaves(name, after, only_set)
    for key in dict.fromkeys([*old, *new]):
        pair = old.get(key), new.get(key)
        if pair[0] != pair[1]:
            yield key, pair


def _leaves(name: str, value: object, only_set: bool) -> dict[str, object]:
    if not isinstance(value, BaseModel):
        return {}
    return dict(_flat(name, value.model_dump(mode="json", exclude_unset=only_set)))


def _flat(name: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for inner, each in value.items():
            yield from _flat(f"{name}.{inner}", each)
    elif value is not None:
        yield name, value


def _shown(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # as people write it in the file
    return "not set" if value is None else json.dumps(value, ensure_ascii=False, default=str)
