"""Merge the settings of one breaker over those of the root, raw or validated."""

from collections.abc import Mapping
from typing import TypeVar

from breakerd.breaker.settings import SettingsModel

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
    changes: dict[str, object] = {}
    for name in own.model_fields_set:
        before, value = getattr(root, name), getattr(own, name)
        both = isinstance(before, SettingsModel) and isinstance(value, SettingsModel)
        changes[name] = merge_settings(before, value) if both else value
    return root.model_copy(update=changes)
