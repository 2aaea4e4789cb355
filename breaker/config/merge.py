"""Merge settings: those of one breaker over those of the root, and changes over those in force."""

from collections.abc import Mapping
from typing import TypeVar

from breakerd.breaker.errors import ConfigError, ConfigProblem
from breakerd.breaker.settings import SettingsModel
from breakerd.breaker.settings_parts import overlaid

M = TypeVar("M", bound=SettingsModel)


def merge(root: Mapping[str, object], own: Mapping[str, object]) -> dict[str, object]:
    """Return `own` over `root`; tables are merged key by key."""
    result = dict(root)
    for key, value in own.items():
        before = result.get(key)
        both = isinstance(before, dict) and isinstance(value, dict)
        result[key] = merge(before, value) if both else value  # type: ignore[arg-type]  # both are dicts
    return result


def merge_settings(root: M, own: M) -> M:
    """Return what `own` sets over `root`, as if their merged tables had been validated.

    Nothing is validated again. This holds because each setting is validated by itself; what two
    settings say together is checked by `Settings.contradictions`.
    """
    return root.model_copy(update=overlaid(root, own))


def nested(changes: Mapping[tuple[str, ...], object]) -> dict[str, object]:
    """Return changes of single keys as nested tables.

    Raises:
        ConfigError: a key leads through the value of another.
    """
    tables: dict[str, object] = {}
    for key, value in changes.items():
        target = tables
        for name in key[:-1]:
            inner = target.setdefault(name, {})
            if not isinstance(inner, dict):
                found = "a key in a value"
                raise ConfigError([ConfigProblem("request", 0, ".".join(key), found, "a table")])
            target = inner
        target[key[-1]] = value
    return tables


def patched(before: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    """Return raw settings with nested changes in them; None removes a key."""
    result = dict(before)
    for key, value in changes.items():
        present = result.get(key)
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping):
            inner = patched(present if isinstance(present, dict) else {}, value)
            # To remove a key of a table that is not there makes no table.
            if inner or isinstance(present, dict) or not value:
                result[key] = inner
        else:
            result[key] = value
    return result
