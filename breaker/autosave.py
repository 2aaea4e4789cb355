"""Save the state of a registry's breakers to a file periodically."""

import os
import threading
from types import TracebackType
from typing import Self

from breakerd.breaker.logging import get_logger
from breakerd.breaker.registry import Registry

_log = get_logger(__name__)


class StateAutosaver:
    """Restore a registry from a file on entry; save it every `interval` seconds and on exit.

    Failures to read or write are logged and otherwise ignored. One file serves one
    process: forked workers need an autosaver, and a file, each.

    Args:
        registry: the breakers to save.
        path: the file.
        interval: seconds between two saves; a killed process loses at most this much.

    Example:
        with Registry.from_file("config/breakers.toml") as registry:
            with StateAutosaver(registry, "var/breakers.json"):
                ...  # serve
    """

    def __init__(
        self, registry: Registry, path: str | os.PathLike[str], interval: float = 60.0
    ) -> None:
        self._registry = registry
        self._path = path
        self._interval = interval
        self._stopping = threading.Event()
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="breaker-autosave", daemon=True)

    def __enter__(self) -> Self:
        self._registry.restore(self._path)
        self._thread.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._thread.join()
        self.save()

    def save(self) -> bool:
        """Save now; return True on success. The first of consecutive failures is logged."""
        try:
            self._registry.save(self._path)
        except OSError as error:
            if not self._failing:
                _log.warning("state save failed", file=str(self._path), error=str(error))
            self._failing = True
        else:
            self._failing = False
        return not self._failing

    def _run(self) -> None:
        while not self._stopping.wait(self._interval):
            self.save()
