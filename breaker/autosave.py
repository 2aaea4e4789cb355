"""Keeps the state of a registry's breakers in a file while they run."""

import os
import threading
from types import TracebackType
from typing import Self

from breakerd.breaker.logging import get_logger
from breakerd.breaker.registry import Registry

_log = get_logger(__name__)


class StateAutosaver:
    """Restores a registry from a file on entry, saves it every `interval` seconds and on exit.

    A file that cannot be read or written is logged, and hinders nothing. One file serves one
    process: forked workers need an autosaver, and a file, each.

    Args:
        registry: whose breakers are kept.
        path: the file.
        interval: seconds between two saves; as much is lost at most when the process is killed.

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
        """Saves now; whether that could be done. A failure is logged when it begins."""
        try:
            self._registry.save(self._path)
        except OSError as error:
            if not self._failing:
                _log.warning("state cannot be saved", file=str(self._path), error=str(error))
            self._failing = True
        else:
            self._failing = False
        return not self._failing

    def _run(self) -> None:
        while not self._stopping.wait(self._interval):
            self.save()
