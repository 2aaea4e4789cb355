"""Validated settings by their raw values."""

import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar, cast

from pydantic import BaseModel

from breakerd.breaker.config.document import Document
from breakerd.breaker.config.toml.scan import Key
from breakerd.breaker.config.validate import validate

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class _Entry:
    data: Mapping[str, object]
    settings: BaseModel


class ValidationCache:
    """Keep validated settings by model and raw values, so that none is validated twice.

    Thread-safe.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._validated: dict[tuple[type[BaseModel], str], _Entry] = {}

    def validate(
        self,
        model: type[M],
        data: Mapping[str, object],
        *,
        document: Document | None = None,
        prefix: Key = (),
        where: str = "settings",
    ) -> M:
        """Return `data` as a `model`; see `breakerd.breaker.config.validate`.

        Raises:
            ConfigError: every problem in `data`.
        """
        key = (model, _raw(data))
        with self._lock:
            found = self._validated.get(key)
        if found is not None:
            return cast("M", found.settings)
        settings = validate(model, data, document=document, prefix=prefix, where=where)
        self.store(data, settings)
        return settings

    def store(self, data: Mapping[str, object], settings: BaseModel) -> None:
        """Store settings that are known to be the result of validating `data`."""
        with self._lock:
            self._validated[type(settings), _raw(data)] = _Entry(data, settings)

    def data_of(self, settings: BaseModel) -> Mapping[str, object] | None:
        """Return the raw values that `settings` were validated from; None if not in the cache."""
        with self._lock:
            entries = list(self._validated.values())
        return next((entry.data for entry in entries if entry.settings is settings), None)

    def keep(self, used: Iterable[BaseModel]) -> None:
        """Drop all settings that are not in `used`."""
        kept = set(map(id, used))
        with self._lock:
            self._validated = {k: v for k, v in self._validated.items() if id(v.settings) in kept}


def _raw(data: object) -> str:
    # JSON distinguishes 1, 1.0 and true, which compare equal in Python.
    return json.dumps(data, sort_keys=True, default=repr)
