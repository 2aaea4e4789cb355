"""A change of one breaker's settings, before it is applied."""

from collections.abc import Mapping

from breakerd.breaker.config.document import Document
from breakerd.breaker.config.merge import merge_settings
from breakerd.breaker.config.sections import (
    BREAKERS,
    LEGACY_ROOT,
    complete,
    contradictions,
    own_data,
    root_data,
)
from breakerd.breaker.config.toml_scan import Key
from breakerd.breaker.config.validate import unknown_key, validate
from breakerd.breaker.config.validation_cache import ValidationCache
from breakerd.breaker.errors import ConfigError, ConfigProblem
from breakerd.breaker.settings import Settings


class SettingsChange:
    """New values for settings of one breaker.

    Args:
        values: by the names of the file, dotted for those in tables ("recovery.probes"). None
            removes a setting, which then has the value of the root, or its default.

    Raises:
        ConfigError: a name leads through the value of another, or an unknown one is removed.
    """

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = dict(values)
        self._tables = _nest(values)
        removed = [tuple(dotted.split(".")) for dotted, value in values.items() if value is None]
        if problems := [each for key in removed if (each := unknown_key(Settings, key))]:
            raise ConfigError(problems)

    def apply_to(self, settings: Settings) -> Settings:
        """Return `settings` with the change.

        Raises:
            ConfigError: a value is invalid; `where` is "request".
        """
        data = _changed(settings.model_dump(exclude_unset=True), self._tables)
        changed = validate(Settings, data, where="request")
        _require_consistency(changed)
        return changed

    def check(self, document: Document, table: str | None, cache: ValidationCache) -> None:
        """Validate the table of the file that the change is made in, with the change in it.

        Args:
            document: the active content of the file.
            table: name of the table below `[breakers]`; None for the root.
            cache: keeps the result for `read_sections`.

        Raises:
            ConfigError: a value is invalid; `where` is "request".
        """
        if table is None:
            data = _changed(root_data(document), self._tables)
            _require_consistency(cache.validate(Settings, data, where="request"))
            return
        root = cache.validate(Settings, root_data(document), document=document)
        data = complete(_changed(own_data(document, table), self._tables), root)
        own = cache.validate(Settings, data, where="request")
        _require_consistency(merge_settings(root, own))

    def file_keys(self, document: Document, table: str | None) -> dict[Key, object]:
        """Return the values by their keys in the file; arguments as for `check`."""
        older = document.data.get(LEGACY_ROOT)
        keys: dict[Key, object] = {}
        for dotted, value in self._values.items():
            key: Key = tuple(dotted.split("."))
            if table is not None:
                key = (BREAKERS, table, *key)
            elif isinstance(older, dict) and key[0] not in document.data:
                key = (LEGACY_ROOT, *key)
            keys[key] = value
        return keys


def _nest(values: Mapping[str, object]) -> dict[str, object]:
    """Return the values as nested tables.

    Raises:
        ConfigError: a name leads through the value of another.
    """
    nested: dict[str, object] = {}
    for dotted, value in values.items():
        *tables, leaf = dotted.split(".")
        target = nested
        for table in tables:
            inner = target.setdefault(table, {})
            if not isinstance(inner, dict):
                raise ConfigError(
                    [ConfigProblem("request", 0, dotted, "a key in a value", "a table")]
                )
            target = inner
        target[leaf] = value
    return nested


def _changed(before: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    """Return `before` with the changes in it; None removes a key."""
    result = dict(before)
    for key, value in changes.items():
        present = result.get(key)
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping):
            inner = _changed(present if isinstance(present, dict) else {}, value)
            # To remove a key of a table that is not there makes no table.
            if inner or isinstance(present, dict) or not value:
                result[key] = inner
        else:
            result[key] = value
    return result


def _require_consistency(settings: Settings) -> None:
    """Raise a ConfigError if settings do not fit each other."""
    if problems := contradictions(None, settings):
        raise ConfigError(problems)
