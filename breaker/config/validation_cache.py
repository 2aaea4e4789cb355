"""Validated settings by their raw values."""

import json
from collections.abc import Iterable, Mapping
from typing import TypeVar, cast

from pydantic import BaseModel

from breakerd.breaker.config.document import Document
from breakerd.breaker.config.toml.scan import Key
from breakerd.breaker.config.validate import validate
from breakerd.breaker.fork import ProcessLock

M = TypeVar("M", bound=BaseModel)


class ValidationCache:
    """Keep validated settings by model and raw values, so that none is validated twice.

    Thread-safe.
    """

    def __init__(self) -> None:
        self._lock = ProcessLock()
        self._validated: dict[tuple[type[BaseModel], str], BaseModel] = {}

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
            return cast("M", found)
        settings = validate(model, data, document=document, prefix=prefix, where=where)
        with self._lock:
            self._validated[key] = settings
        return settings

    def keep(self, used: Iterable[BaseModel]) -> None:
        """Drop all settings that are not in `used`."""
        kept = set(map(id, used))
        with self._lock:
            self._validated = {k: v for k, v in self._validated.items() if id(v) in kept}


def _raw(data: object) -> str:
    # JSON distinguishes 1, 1.0 and true, which compare equal in Python.
    return json.dumps(data, sort_keys=True, default=repr)
