"""The configuration file of a process: read as a whole, applied as a whole, written leaf by leaf.

The way of Alertmanager's coordinator: all who own sections of the file first do what can fail, and
only when none of them objects is the new configuration put in force, by steps that cannot fail.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from breakerd.breaker.config.atomic_write import atomic_write
from breakerd.breaker.config.document import Document, parse_document, read_document
from breakerd.breaker.config.toml_edit import edit
from breakerd.breaker.config.toml_scan import Key
from breakerd.breaker.errors import ConfigError, ConfigProblem, ConfigWriteError
from breakerd.breaker.logging import get_logger

if TYPE_CHECKING:
    from breakerd.breaker.config.file_watcher import FileWatcher

_log = get_logger(__name__)


class ConfigSubscriber(Protocol):
    """Owns sections of the file."""

    def prepare(self, document: Document) -> Callable[[], None]:
        """Does all that can fail, touching nothing; the result puts the configuration in force.

        Raises:
            ConfigError: every problem in its sections.
        """
        ...


@dataclass(frozen=True, slots=True)
class ReloadStatus:
    """How the last reading went.

    Attributes:
        successful: whether what stands in the file is in force.
        last_success_at: when the configuration in force was read, in seconds since the epoch.
        problems: what was wrong with the file, if it was.
    """

    successful: bool
    last_success_at: float
    problems: tuple[ConfigProblem, ...] = ()


class ConfigFile:
    """One TOML file, shared by all packages that have sections in it. Thread-safe.

    `lock` is held while a configuration is put in force. Subscribers take their own locks within
    it, so whoever holds one of those must not call `reload` or `change` without holding `lock`.

    Raises:
        ConfigError: the file cannot be read, or is not TOML.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = Path(path)
        self.lock = threading.RLock()
        self._subscribers: list[ConfigSubscriber] = []
        self._document = read_document(self.path)
        self._digest = _digest(self._document.text)
        """Of the content on disk that is in force."""
        self._unwritten: dict[Key, object] = {}
        self._watcher: FileWatcher | None = None
        self.status = ReloadStatus(successful=True, last_success_at=time.time())

    def subscribe(self, subscriber: ConfigSubscriber) -> None:
        """Takes a subscriber in, and puts the present content in force for it.

        Raises:
            ConfigError: its sections are wrong; it has not joined then.
        """
        with self.lock:
            apply = subscriber.prepare(self._document)
            apply()
            self._subscribers.append(subscriber)

    def unsubscribe(self, subscriber: ConfigSubscriber) -> None:
        """Lets a subscriber go."""
        with self.lock:
            self._subscribers.remove(subscriber)

    def reload(self) -> bool:
        """Reads the file, and puts it in force if nothing is wrong with it.

        False if something is: the old configuration goes on, and `status` holds the problems. A
        file that has not changed does not undo changes that could not be written to it.
        """
        with self.lock:
            try:
                self._accept(read_document(self.path))
            except ConfigError as error:
                self._reject(error)
            return self.status.successful

    def change(self, changes: Mapping[Key, object]) -> None:
        """Changes single values: checked with all else, put in force, written down.

        A None takes its key out. Writing them is no reload: they are in force already. What others
        edit in the file meanwhile stays, and comes into force with it.

        Raises:
            ConfigError: a value is wrong; nothing was changed.
            ConfigWriteError: the changes are in force, but the file is read-only, cannot be
                written, or is not TOML now; it is as it was. They are written with the next change
                that can be, and end with the next edit of the file.
        """
        with self.lock:
            text = edit(self._document.text, changes)
            self._apply(parse_document(self.path, text))
            self._unwritten.update(changes)
            try:
                self._write()
            except (ConfigError, ValueError, OSError) as error:
                reason = getattr(error, "strerror", None) or str(error)
                keys = ", ".join(".".join(key) for key in self._unwritten)
                raise ConfigWriteError(
                    f"{keys}: in force, but not written to {self.path}, so a restart will not "
                    f"know: {reason}"
                ) from error

    @property
    def document(self) -> Document:
        """What is in force."""
        return self._document

    def watch(self) -> None:
        """Applies changes of the file from now on, on a thread of its own."""
        # Not at the top: those who only read a file need not load watchdog.
        from breakerd.breaker.config.file_watcher import FileWatcher

        with self.lock:
            if self._watcher is None:
                self._watcher = FileWatcher(self.path, self._check)
                self._watcher.start()

    def close(self) -> None:
        """Stops watching."""
        with self.lock:
            watch, self._watcher = self._watcher, None
        if watch is not None:
            watch.stop()

    def _check(self) -> None:
        """Takes the file if its content is not the one in force."""
        with self.lock:
            try:
                document = read_document(self.path)
                if _digest(document.text) != self._digest or not self.status.successful:
                    self._accept(document)
            except ConfigError as error:
                self._reject(error)

    def _write(self) -> None:
        present = read_document(self.path)
        text = edit(present.text, self._unwritten)
        written = parse_document(self.path, text)
        atomic_write(self.path, text)
        _log.info(
            "configuration written",
            file=str(self.path),
            keys=[".".join(key) for key in self._unwritten],
        )
        self._unwritten.clear()
        if _digest(present.text) == self._digest:
            self._document, self._digest = written, _digest(text)
        else:
            self._digest = b""
            self.reload()

    def _accept(self, document: Document) -> None:
        """Puts in force what was read from the disk."""
        if _digest(document.text) == self._digest:
            self._apply(self._document)
        else:
            self._apply(document)
            self._digest = _digest(document.text)
            self._unwritten.clear()
        self.status = ReloadStatus(successful=True, last_success_at=time.time())
        _log.info("configuration applied", file=str(self.path))

    def _apply(self, document: Document) -> None:
        problems: list[ConfigProblem] = []
        steps: list[Callable[[], None]] = []
        for subscriber in self._subscribers:
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
            "configuration refused, the old one goes on",
            file=str(self.path),
            problems=[str(problem) for problem in error.problems],
        )


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
