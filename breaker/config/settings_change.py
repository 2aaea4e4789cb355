"""A change of one breaker's settings, before it is applied."""

from collections.abc import Mapping

from breakerd.breaker.config.document import Document
from breakerd.breaker.config.merge import merge_settings, nested, patched
from breakerd.breaker.config.sections import (
    BREAKERS,
    LEGACY_ROOT,
    complete,
    contradictions,
    own_data,
    root_data,
)
from breakerd.breaker.config.toml.scan import Key
from breakerd.breaker.config.validate import unknown_key, validate
from breakerd.breaker.config.validation_cache import ValidationCache
from breakerd.breaker.errors import ConfigError
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
        self._values = {tuple(dotted.split(".")): value for dotted, value in values.items()}
        self._tables = nested(self._values)
        removed = [key for key, value in self._values.items() if value is None]
        if problems := [each for key in removed if (each := unknown_key(Settings, key))]:
            raise ConfigError(problems)

    def apply_to(self, settings: Settings) -> Settings:
        """Return `settings` with the change.

        Raises:
            ConfigError: a value is invalid; `where` is "request".
        """
        data = patched(settings.model_dump(exclude_unset=True), self._tables)
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
            data = complete(patched(root_data(document), self._tables), Settings())
            _require_consistency(cache.validate(Settings, data, where="request"))
            return
        root = cache.validate(
            Settings, complete(root_data(document), Settings()), document=document
        )
        data = complete(patched(own_data(document, table), self._tables), root)
        own = cache.validate(Settings, data, where="request")
        _require_consistency(merge_settings(root, own))

    def file_keys(self, document: Document, table: str | None) -> dict[Key, object]:
        """Return the values by their keys in the file; arguments as for `check`."""
        older = document.data.get(LEGACY_ROOT)
        keys: dict[Key, object] = {}
        for key, value in self._values.items():
            above: Key = ()
            if table is not None:
                above = (BREAKERS, table)
            elif isinstance(older, dict) and key[0] not in document.data:
                above = (LEGACY_ROOT,)
            keys[*above, *key] = value
        return keys


def _require_consistency(settings: Settings) -> None:
    """Raise a ConfigError if settings do not fit each other."""
    if problems := contradictions(None, settings):
        raise ConfigError(problems)
