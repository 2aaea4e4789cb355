"""The configuration file of a process: read and applied as a whole, written key by key.

Follows Alertmanager's coordinator: every owner of sections first does what can fail. Only if none
objects is the new configuration applied, by steps that cannot fail.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from breakerd.breaker.config.file.atomic_write import atomic_write
from breakerd.breaker.config.document import Document, parse_document, read_document, read_text
from breakerd.breaker.config.toml_edit import edit
from breakerd.breaker.config.toml_scan import Key
from breakerd.breaker.errors import ConfigError, ConfigProblem, ConfigWriteError
from breakerd.breaker.logging import get_logger

if TYPE_CHECKING:
    from breakerd.breaker.config.file.watcher import FileWatcher

_log = get_logger(__name__)


class ConfigSubscriber(Protocol):
    """An owner of sections of the file."""

    def owns(self, section: str) -> bool:
        """Return True if the top-level key `section` belongs to this subscriber."""
        ...

    def prepare(self, document: Document) -> Callable[[], None]:
        """Do everything that can fail without changing state; return the step that applies it.

        The step cannot fail, and changes only what differs from the active configuration.

        Raises:
            ConfigError: every problem in its sections.
        """
        ...


@dataclass(frozen=True, slots=True)
class ReloadStatus:
    """The result of the last reload.

    Attributes:
        successful: True if the content of the file is active.
        last_success_at: time the active configuration was read, in seconds since the epoch.
        problems: the problems in the file; empty if there are none.
    """

    successful: bool
    last_success_at: float
    problems: tuple[ConfigProblem, ...] = ()


class ConfigFile:
    """Share one TOML file between all packages that have sections in it. Thread-safe.

    `lock` is held while a configuration is applied. Subscribers take their own locks inside it, so
    a thread that holds one of those must not call `reload` or `change` without holding `lock`.

    Raises:
        ConfigError: the file cannot be read, or is not TOML.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = Path(path)
        self.lock = threading.RLock()
        self._subscribers: list[ConfigSubscriber] = []
        self._document = read_document(self.path)
        self._digest = _digest(self._document.text)
        """Digest of the active content on disk."""
        self._unwritten: dict[Key, object] = {}
        self._watcher: FileWatcher | None = None
        self.status = ReloadStatus(successful=True, last_success_at=time.time())

    def subscribe(self, subscriber: ConfigSubscriber) -> None:
        """Add a subscriber and apply the active content to it.

        Raises:
            ConfigError: its sections are invalid; it was not added.
        """
        with self.lock:
            apply = subscriber.prepare(self._document)
            apply()
            self._subscribers.append(subscriber)

    def unsubscribe(self, subscriber: ConfigSubscriber) -> None:
        """Remove a subscriber."""
        with self.lock:
            self._subscribers.remove(subscriber)

    def reload(self) -> bool:
        """Read the file and apply it if it is valid.

        Return False if it is not: the old configuration stays active and `status` holds the
        problems. Reloading an unchanged file keeps changes that could not be written to it.
        """
        with self.lock:
            try:
                self._accept(read_text(self.path))
            except ConfigError as error:
                self._reject(error)
            return self.status.successful

    def change(self, changes: Mapping[Key, object]) -> None:
        """Change single values: check them, apply them, and write them to the file.

        None removes a key. Only the owners of the changed sections check and apply. If the file on
        disk is unchanged, its text is parsed once, with the change in it; otherwise the edit of
        others is kept, and applied after the change.

        Raises:
            ConfigError: a value is invalid; nothing was changed.
            ConfigWriteError: the changes are active, but the file is read-only, cannot be written,
                or is not TOML now; it is unmodified. They are written with the next change that
                can be, and end with the next edit of the file.
        """
        with self.lock:
            document = parse_document(self.path, edit(self._document.text, changes))
            self._apply(document, {key[0] for key in changes})
            self._unwritten.update(changes)
            try:
                self._write()
            except (ConfigError, ValueError, OSError) as error:
                reason = getattr(error, "strerror", None) or str(error)
                keys = ", ".join(".".join(key) for key in self._unwritten)
                raise ConfigWriteError(
                    f"{keys}: active, but not written to {self.path}, so a restart loses it: "
                    f"{reason}"
                ) from error

    @property
    def document(self) -> Document:
        """Return the active document."""
        return self._document

    def watch(self) -> None:
        """Apply changes of the file from now on, in a background thread."""
        # Not at the top: those who only read a file need not load watchdog.
        from breakerd.breaker.config.file.watcher import FileWatcher

        with self.lock:
            if self._watcher is None:
                self._watcher = FileWatcher(self.path, self._check)
                self._watcher.start()

    def close(self) -> None:
        """Stop watching."""
        with self.lock:
            watch, self._watcher = self._watcher, None
        if watch is not None:
            watch.stop()

    def _check(self) -> None:
        """Apply the file if its content is not the active one."""
        with self.lock:
            try:
                text = read_text(self.path)
                if _digest(text) != self._digest or not self.status.successful:
                    self._accept(text)
            except ConfigError as error:
                self._reject(error)

    def _write(self) -> None:
        """Write the active document, or the changes into what others wrote meanwhile."""
        present = read_text(self.path)
        if _digest(present) == self._digest:
            # The active document is this text with the unwritten changes in it.
            atomic_write(self.path, self._document.text)
            self._digest = _digest(self._document.text)
            self._log_written()
            return
        parse_document(self.path, present)
        written = parse_document(self.path, edit(present, self._unwritten))
        atomic_write(self.path, written.text)
        self._log_written()
        self._digest = b""
        try:
            self._accept_document(written)
        except ConfigError as error:
            self._reject(error)

    def _log_written(self) -> None:
        _log.info(
            "configuration written",
            file=str(self.path),
            keys=[".".join(key) for key in self._unwritten],
        )
        self._unwritten.clear()

    def _accept(self, text: str) -> None:
        """Apply text that was read from disk; the active text is not parsed again."""
        if _digest(text) == self._digest:
            self._accept_document(self._document, unchanged=True)
        else:
            self._accept_document(parse_document(self.path, text))

    def _accept_document(self, document: Document, *, unchanged: bool = False) -> None:
        self._apply(document)
        if not unchanged:
            self._digest = _digest(document.text)
            self._unwritten.clear()
        self.status = ReloadStatus(successful=True, last_success_at=time.time())
        _log.info("configuration applied", file=str(self.path))

    def _apply(self, document: Document, sections: Collection[str] | None = None) -> None:
        """Prepare all subscribers, then apply; with `sections`, only the owners of one of them."""
        problems: list[ConfigProblem] = []
        steps: list[Callable[[], None]] = []
        for subscriber in self._subscribers:
            if sections is not None and not any(map(subscriber.owns, sections)):
                continue
            try:
                steps.append(subscriber.prepare(document))
            except ConfigError as error:
                problems += error.problems
        if problems:
            raise ConfigError(sorted(problems, key=lambda problem: problem.line))
        for step in steps:
            step()
        self._document = document

    def _reject(self, error: ConfigError) -> None:
        if error.problems == self.status.problems:
            return
        self.status = ReloadStatus(
            successful=False,
            last_success_at=self.status.last_success_at,
            problems=error.problems,
        )
        _log.error(
            "configuration rejected",
            file=str(self.path),
            problems=[str(problem) for problem in error.problems],
        )


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
