"""A change of one breaker's settings, before it is applied."""

from collections.abc import Mapping

from breakerd.breaker.config.document import Document
from breakerd.breaker.config.merge import merge, without_none
from breakerd.breaker.config.sections import BREAKERS, LEGACY_ROOT, own_data, root_data
from breakerd.breaker.config.toml.scan import Key
from breakerd.breaker.config.validate import validate
from breakerd.breaker.config.validation_cache import ValidationCache
from breakerd.breaker.errors import ConfigError, ConfigProblem
from breakerd.breaker.settings import Settings


class SettingsChange:
    """New values for settings of one breaker.

    Args:
        values: by the names of the file, dotted for those in tables ("recovery.probes"). None
            removes an optional setting.

    Raises:
        ConfigError: a name leads through the value of another.
    """

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = dict(values)
        self._tables = _nest(values)

    def apply_to(self, settings: Settings) -> Settings:
        """Return `settings` with the change.

        Raises:
            ConfigError: a value is invalid; `where` is "request".
        """
        data = merge(settings.model_dump(exclude_unset=True), self._tables)
        return validate(Settings, data, where="request")

    def check(self, document: Document, table: str | None, cache: ValidationCache) -> None:
        """Validate the table of the file that the change is made in, with the change in it.

        Args:
            document: the active content of the file.
            table: name of the table below `[breakers]`; None for the root.
            cache: keeps the result for `read_sections`.

        Raises:
            ConfigError: a value is invalid; `where` is "request".
        """
        before = root_data(document) if table is None else own_data(document, table)
        data = merge(before, self._tables)
        settings = cache.validate(Settings, data, where="request")
        # In the file, None is the absence of a key.
        cache.store(_drop_none(data), without_none(settings))

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


def _drop_none(data: Mapping[str, object]) -> dict[str, object]:
    return {
        key: _drop_none(value) if isinstance(value, dict) else value
        for key, value in data.items()
        if value is not None
    }
