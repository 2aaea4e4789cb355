"""Merge the settings of one breaker over those of the root, raw or validated."""

from collections.abc import Mapping
from typing import Any, TypeVar, cast

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

    Nothing is validated again. This holds because each setting is validated by itself: the models
    of a breaker have no validator that compares two settings.
    """
    changes: dict[str, object] = {}
    for name in own.model_fields_set:
        before, value = getattr(root, name), getattr(own, name)
        both = isinstance(before, SettingsModel) and isinstance(value, SettingsModel)
        changes[name] = merge_settings(before, value) if both else value
    return root.model_copy(update=changes)


def without_none(settings: M) -> M:
    """Return `settings` without the settings that are explicitly None, as if they were not set."""
    values: dict[str, Any] = {}
    for name in settings.model_fields_set:
        value = getattr(settings, name)
        if value is not None:
            values[name] = without_none(value) if isinstance(value, SettingsModel) else value
    return cast("M", type(settings).model_construct(None, **values))
