"""The configuration file of a process: read and applied as a whole, written key by key.

Follows Alertmanager's coordinator: every owner of sections first does what can fail. Only if none
objects is the new configuration applied, by steps that cannot fail.
"""

from collections.abc import Callable, Collection
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Final

from breakerd.breaker.config.document import (
    Document,
    decode,
    parse_document,
    read_document,
    unreadable,
)
from breakerd.breaker.config.edit import edit, is_same
from breakerd.breaker.config.file.atomic_write import FileChangedError
from breakerd.breaker.config.file.not_written import not_written
from breakerd.breaker.config.file.saving import CUT_OFF_TIME, REST_TIME, Clock, Look
from breakerd.breaker.config.file.shared_file import Patience, SharedFile
from breakerd.breaker.config.following.in_force import Changes, ConfigInForce, Plan, Wanted
from breakerd.breaker.config.following.journal import ConfigJournal, NoJournal
from breakerd.breaker.config.following.outcomes import (
    ReloadCounts,
    ReloadOutcomes,
    WatchReport,
    report_on,
)
from breakerd.breaker.config.following.subscriber import (
    ConfigSubscriber,
    ReloadStatus,
    ignore_change,
)
from breakerd.breaker.config.following.temporary import Temporaries
from breakerd.breaker.config.toml.limits import MAX_BYTES
from breakerd.breaker.config.toml.scan import Key
from breakerd.breaker.errors import (
    ConfigError,
    ConfigWriteError,
)
from breakerd.breaker.fork import ProcessLock, importing, renew_after_fork
from breakerd.breaker.logging import get_logger

if TYPE_CHECKING:
    from breakerd.breaker.config.file.watcher import FileWatcher

_log = get_logger(__name__)

_CHANGE_PATIENCE: Final = Patience(1.5)
"""Seconds that a change waits for somebody who is saving the file. Less than the 2 s after which
the rest of a cut-off file is no longer expected: who saves it may be waiting for this change."""
_RELOAD_PATIENCE: Final = Patience(2.5)
"""Seconds that a reload waits: enough to read a file of which only the beginning is left."""


_BETWEEN_TRIES: Final = 1.0
"""Seconds after which a file that cannot be read is tried again, whatever tells of a change."""


class ConfigFile:
    """Share one TOML file between all packages that have sections in it. Thread-safe.

    `lock` is held while a configuration is applied. Subscribers take their own locks inside it, so
    a thread that holds one of those must not call `reload` or `change` without holding `lock`.

    Raises:
        ConfigError: the file cannot be read, or is not TOML.
    """

    def __init__(self, path: str | PathLike[str], *, clock: Clock | None = None) -> None:
        # Whole: a daemon changes its folder later.
        self.path = Path(path).absolute()
        self.lock = ProcessLock()
        self._in_force = ConfigInForce(read_document(Path(path)))
        known = self.lasting.text.encode()
        self._file = SharedFile(self.path, MAX_BYTES, self.lock, known, clock or Clock())
        self._in_sync = True
        """True if the lasting document is the known file with the unwritten changes in it."""
        self._unwritten: dict[Key, object] = {}
        self.on_change: Callable[[Document, Document], None] = ignore_change
        """Called with the lasting documents before and after each `change`, under `lock`; raises
        nothing. Edits by others, which a reload takes in, are no changes."""
        self.journal: ConfigJournal = NoJournal()
        """Told what comes into force."""
        self._watcher: FileWatcher | None = None
        self.outcomes = ReloadOutcomes(self.path)
        renew_after_fork(self)

    def subscribe(self, subscriber: ConfigSubscriber) -> None:
        """Add a subscriber and apply the active content to it.

        Raises:
            ConfigError: its sections are invalid; it was not added.
        """
        with self.lock:
            apply = subscriber.prepare(self._in_force.active)
            apply()
            self._in_force.subscribers.append(subscriber)

    def unsubscribe(self, subscriber: ConfigSubscriber) -> None:
        """Remove a subscriber."""
        with self.lock:
            self._in_force.subscribers.remove(subscriber)

    def has_owner(self, section: str) -> bool:
        """Return True if a subscriber owns the top-level key `section`."""
        return any(subscriber.owns(section) for subscriber in self._in_force.subscribers)

    def reload(self) -> bool:
        """Read the file and apply it if it is valid.

        Return False if it is not: the old configuration stays active and `status` holds the
        problems. Reloading an unchanged file keeps changes that could not be written to it.

        Raises:
            ConfigConflictError: somebody has been saving the file for 2.5 s; nothing was changed.
        """

        def act(look: Look) -> Callable[[], None]:
            self._take_in(look, forced=True)
            return _nothing

        self._file.once_at_rest(act, _RELOAD_PATIENCE)
        return self.status.successful

    def change(
        self,
        changes: Wanted,
        patience: Patience | None = None,
    ) -> None:
        """Change single values: check them, write them to the file, and apply them.

        Only the owners of the changed sections check and apply. What others changed in the file
        meanwhile, people or processes, is applied first and kept.

        Args:
            changes: new values, or what returns them for the lasting document. Called again if
                others change the file meanwhile. What it raises is passed on; nothing is changed.
            patience: time to wait for others, if not the usual one.

        Raises:
            ConfigError: a value is invalid; nothing was changed.
            ConfigConflictError: the file cannot be edited as it is written, or somebody has been
                saving it for 1.5 s; nothing was changed.
            ConfigWriteError: the changes are active, but the file is read-only, cannot be written,
                or is not TOML now; it is unmodified. They are written with the next change that
                can be, and end with the next edit of the file.
        """
        self._file.once_at_rest(
            lambda look: self._change(look, changes), patience or _CHANGE_PATIENCE
        )

    @property
    def unwritten(self) -> Collection[Key]:
        """Return the keys whose values are active, and could not be written to the file."""
        return tuple(self._unwritten)

    def overlay(self, values: Temporaries) -> None:
        """Put temporary values in force, in place of those before; they are not written.

        Each ends when the file has another value for its key, and with a `change` of it.

        Raises:
            ConfigError: a value is invalid; nothing was changed.
        """
        with self.lock:
            self._in_force.apply(self._in_force.plan_changes({}, values))

    def preview(self, changes: Wanted, temporary: Temporaries | None = None) -> Plan:
        """Check a change that is not made, and return what would be in force.

        Args:
            changes: as for `change`.
            temporary: temporary values in place of those in force.

        Raises:
            ConfigError: a value is invalid.
            ConfigConflictError: the file cannot be edited as it is written.
        """
        with self.lock:
            self.refresh()
            return self._in_force.plan_changes(changes, temporary)

    @property
    def document(self) -> Document:
        """Return the active document: its values are in force, temporary ones too."""
        return self._in_force.active

    @property
    def lasting(self) -> Document:
        """Return the same without temporary values: what the file has, or is to have."""
        return self._in_force.lasting

    @property
    def temporary(self) -> Temporaries:
        """Return the values that are in force over those of the file."""
        return self._in_force.temporary

    @property
    def known(self) -> bytes:
        """Return the content of the file when it was last taken in, or written."""
        return self._file.known

    def refresh(self) -> float:
        """Apply the file if its content is not the active one, and nobody is saving it.

        Return the seconds after which to look again; 0 if that is not necessary.
        """
        with self.lock:
            look, wait = self._file.look()
            if not wait:
                self._take_in(look)
                return _BETWEEN_TRIES if look.content is None else 0.0
            if look.age < REST_TIME:
                return REST_TIME - look.age
            if look.age + wait <= CUT_OFF_TIME + 0.1:  # else somebody is known to be writing it
                self._report(look)
            return wait

    @property
    def status(self) -> ReloadStatus:
        """Return the result of the last reload."""
        return self.outcomes.status

    @property
    def watching(self) -> bool:
        """True if changes of the file are applied in this process."""
        return (watcher := self._watcher) is not None and watcher.alive

    @property
    def watch_report(self) -> WatchReport:
        """Return how edits of the file are noticed in this process."""
        return report_on(self._watcher)

    def watch(self) -> None:
        """Apply changes of the file from now on, in a background thread of this process.

        Raises:
            RuntimeError: no thread can be started.
        """
        # Not at the top: those who only read a file need not load watchdog.
        with importing():
            from breakerd.breaker.config.file.watcher import FileWatcher

        with self.lock:
            if self._watcher is None:
                watcher = FileWatcher(self.path, self.refresh)
                watcher.start()
                self._watcher = watcher

    def close(self) -> None:
        """Stop watching."""
        with self.lock:
            watch, self._watcher = self._watcher, None
        if watch is not None:
            watch.stop()

    def after_fork(self) -> None:
        """Forget the watcher, whose thread does not run in a forked child, and what was counted."""
        self._watcher, self.outcomes.counts = None, ReloadCounts()

    def _report(self, look: Look) -> None:
        """Report a file whose rest is waited for, if it is no TOML as it is."""
        try:
            self._parse(look)
        except ConfigError as error:
            self.outcomes.reject(error.problems)

    def _take_in(self, look: Look, *, forced: bool = False) -> Document | None:
        """Apply the content of the file if it is valid; an unchanged one only if `forced`.

        Return the document on disk, valid or not; None if it is not TOML.
        """
        if self.lock.interrupted:
            self._repair()
        unchanged = self._in_sync and look.content == self._file.known
        if unchanged and self.status.successful and not forced:
            return self.lasting
        document = None
        try:
            document = self.lasting if unchanged else self._parse(look)
            plan = self._in_force.plan_document(document)
        except ConfigError as error:
            self.outcomes.reject(error.problems, asked=forced)
            return document
        if look.content is not None and not unchanged:
            self._file.known, self._in_sync = look.content, True
            self._unwritten.clear()
        same = is_same(document.data, self.lasting.data)
        self._in_force.apply(plan)
        self.journal.taken_in()
        self.outcomes.accept(changed=not same)
        return document

    def _repair(self) -> None:
        """Apply anew, in a forked child, what a thread of the parent was about to change."""
        self.lock.interrupted = self._in_sync = False
        self._in_force.apply(self._in_force.plan_document(self.lasting))

    def _parse(self, look: Look) -> Document:
        if look.content is None:
            raise ConfigError([unreadable(self.path, look.problem)])
        return parse_document(self.path, decode(self.path, look.content))

    def _change(self, look: Look, wanted: Wanted) -> Callable[[], None] | None:
        """Write changes; return the step that applies them, None if others were faster."""
        on_disk = self._take_in(look)
        plan = self._in_force.plan_changes(wanted)
        unwritten = {**self._unwritten, **plan.changes}
        failure: ConfigWriteError | None = None
        self.journal.writing(plan.active)
        try:
            self._write(look, plan.lasting, on_disk, unwritten)
        except FileChangedError:
            return None
        except (ConfigError, OSError) as error:
            failure = not_written(self.path, unwritten, error)

        def finish() -> None:
            self._unwritten = unwritten if failure else {}
            before = self.lasting
            self._in_force.apply(plan)
            self.journal.changed(plan.active, written=failure is None)
            self.on_change(before, plan.lasting)
            if failure:
                raise failure
            if not self._in_sync:
                self.refresh()  # it may be valid with the change

        return finish

    def _write(
        self, look: Look, document: Document, on_disk: Document | None, changes: Changes
    ) -> None:
        """Write the lasting document, or the changes into what others wrote and is not active."""
        in_sync = self._in_sync and look.content == self._file.known
        if on_disk is None:
            raise ConfigError(self.status.problems)
        written = document if in_sync else edit(on_disk, changes)
        self._file.replace(written.text.encode(), look)
        self._in_sync = in_sync
        _log.info("configuration written", file=str(self.path), keys=[*map(".".join, changes)])


def _nothing() -> None:
    """Apply nothing: it has been applied."""
