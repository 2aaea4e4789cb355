"""Settings between hosts: brings an operator's changes to the others, and theirs to this host."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Event
from typing import Final

from breakerd.breaker.clock import CLOCK
from breakerd.breaker.config import ConfigFile, Document, Key
from breakerd.breaker.fleet.asked_change import AskedChange, present_change
from breakerd.breaker.fleet.drift import Drift, Published
from breakerd.breaker.fleet.hub.store import SETTINGS, Changes, Entry
from breakerd.breaker.fleet.revisions.allowed import ALERTS, is_never_shared, is_plain
from breakerd.breaker.fleet.revisions.book import RevisionBook
from breakerd.breaker.fleet.revisions.file_writer import FileWriter, Taken
from breakerd.breaker.fleet.revisions.offers import EndOffer, RevisionOffer
from breakerd.breaker.fleet.revisions.revision import Revision, decode_entry, dotted, encode
from breakerd.breaker.fleet.revisions.revisions_file import KEPT, RevisionsFile
from breakerd.breaker.fleet.revisions.values import (
    difference,
    shared_values,
    unshared_changes,
    without_old_root,
)
from breakerd.breaker.fleet.runtime.fleet import Fleet
from breakerd.breaker.fork import renew_after_fork
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

_PUBLISH_TIME: Final = 1.0
"""Maximum seconds that an answer waits for the hub to have a change."""
_TELL_TIME: Final = 0.3
"""Maximum seconds until this process has told the others that its settings have changed."""
_PAUSE: Final = 0.1
"""Seconds between two questions how far a change has come."""
_FIRST_CHECK: Final = 10.0
_LONGEST_CHECK: Final = 600.0
"""Seconds between two questions whether all processes have the same drift."""


class SettingsFollower:
    """Shares the settings of one configuration file with other hosts. Thread-safe.

    The processes of one host share the file: with the hub in a file there is nothing to do. `take`
    and `look` are for the fleet's thread.

    Args:
        config: the file of this process.
        fleet: membership of this process.
        kept: file that remembers, for a restart, what was taken.
    """

    topic: Final = SETTINGS

    def __init__(self, config: ConfigFile, fleet: Fleet, kept: RevisionsFile) -> None:
        self.on_taken: Taken = _tell_nobody
        """Called with what this process has written into the file for another host."""
        self._config = config
        self._fleet = fleet
        self._kept = kept
        self._book = RevisionBook()
        self._writer = FileWriter(config, self._book, self._tell_taken)
        self._name: str | None = None
        """Name of the fleet that the book is about; None before its first look."""
        self._epoch = ""
        self._due = False
        self._check_due = float("inf")
        self._check_pause = _FIRST_CHECK
        config.on_change = self._on_change
        config.subscribe(self)
        fleet.shared_settings = self
        fleet.follow(self)
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Leave what waits for the hub, and what is being written, to the parent."""
        self._book.leave_to_parent()
        self._writer.writes = False

    # --- subscriber of the file

    def owns(self, _section: str) -> bool:
        """Return False: it only wants to know that the file was read again."""
        return False

    def prepare(self, _document: Document) -> Callable[[], None]:
        """Return the step that has the file looked at anew."""
        return self._reconsider

    def _reconsider(self) -> None:
        self._book.reconsider()
        self._check_pause = _FIRST_CHECK
        self._due = True

    # --- changes of this process

    def published(self, asked: AskedChange, timeout: float) -> Published | None:
        """Return how far a change has come, after at most `timeout` seconds; None if nowhere.

        Args:
            asked: the change.
            timeout: seconds.
        """
        if not (asked.keys or asked.kept):
            return None
        kept = tuple(sorted(map(dotted, asked.kept)))
        if not asked.keys:
            return Published(shared=False, done=True, kept=kept)
        until = CLOCK.monotonic() + timeout
        done = self._wait_for_hub(asked, min(timeout, _PUBLISH_TIME))
        result = Published(shared=True, done=done, kept=kept)
        return self._counted(result, asked, until) if done else result

    def drift(self) -> list[Drift]:
        """Return what differs on this host, in the order of the keys."""
        if not self._in_force:
            return []
        return self._book.drift(shared_values(self._config.lasting))

    @property
    def _in_force(self) -> bool:
        """True if there are other hosts, which have files of their own."""
        return self._fleet.settings.address.remote

    def _on_change(self, before: Document, after: Document) -> None:
        if self._writer.writes or not self._in_force:
            return
        try:
            self._publish(before, after)
        except Exception:  # noqa: BLE001 - the change itself is done
            _log.exception("a change of settings is on this host only")

    def _publish(self, before: Document, after: Document) -> None:
        asked, number, at = present_change(), uuid.uuid4().hex, self._fleet.hub_time()
        asked.digest = self._fleet.digest()
        changed = difference(shared_values(before), shared_values(after))
        for key, (old, new) in sorted(changed.items()):
            revision = Revision(key, new, (old,), asked.by, at, number)
            if not _can_be_shared(revision):
                asked.kept.add(key)
                continue
            asked.keys.add(key)
            self._book.add(revision)
            self._fleet.offer(SETTINGS, dotted(key), RevisionOffer(self._book, key))
        asked.kept |= unshared_changes(before, after)
        self._due = True

    def _wait_for_hub(self, asked: AskedChange, timeout: float) -> bool:
        until = CLOCK.monotonic() + timeout
        while self._book.waits(asked.keys):
            if CLOCK.monotonic() >= until or not self._fleet.hub().up:
                return False
            Event().wait(_PAUSE / 5)
        return True

    def _counted(self, result: Published, asked: AskedChange, until: float) -> Published:
        """Return the result with the processes that have the settings of this one, or had."""
        told_until = CLOCK.monotonic() + _TELL_TIME
        while self._fleet.digest() == asked.digest:
            if CLOCK.monotonic() >= told_until:
                return result  # of alerting, or of no breaker here: nothing tells who has it
            Event().wait(_PAUSE / 5)
        while True:
            found = [each.info.digest for each in self._fleet.members() if not each.silent]
            waiting = found.count(asked.digest)
            if not waiting or CLOCK.monotonic() >= until:
                applied = found.count(self._fleet.digest())
                return replace(result, applied=applied, waiting=waiting)
            Event().wait(_PAUSE)

    # --- the fleet's thread

    def take(self, changes: Changes) -> None:
        """Take the revisions of other hosts; bring back what the hub has forgotten."""
        if not self._in_force:
            return
        self._enter_fleet(changes.now)
        lost = set()
        ended = []
        for entry in changes.entries:
            if not entry.value:
                self._book.forget(entry.key)
                ended.append(entry.key)
                continue
            revision = _decoded(entry)
            if revision is not None and self._book.merge(revision):
                lost.add(revision.key)
        self._bring_back(changes, lost)
        if ended:
            self._kept.change(self._name or "", (), ended, changes.now)
        self._reconsider()

    def look(self, now: float) -> None:
        """Write into the file what it is to take, if anything; at most about 1 s.

        Args:
            now: time in seconds on a clock that does not jump.
        """
        if not self._in_force:
            return
        if self._due and self._writer.is_due(now):
            self._enter_fleet(self._fleet.hub_time())
            self._due = not self._writer.write(now)
            self._note()
            self._check_due = min(self._check_due, now + self._check_pause)
        elif now >= self._check_due:
            self._check_due = float("inf")
            if self._end_what_nobody_has():
                self._check_due = now + self._check_pause
                self._check_pause = min(2 * self._check_pause, _LONGEST_CHECK)

    def _tell_taken(self, taken: Sequence[tuple[Revision, object]]) -> None:
        self.on_taken(taken)

    def _enter_fleet(self, now: float) -> None:
        """Know what this host has taken in the fleet; begin anew in another one."""
        name = self._fleet.settings.name
        if name == self._name:
            return
        if self._name is not None:
            self._book.clear()
            self._epoch = ""
        self._name = name
        kept = self._kept.read(name)
        self._book.restore(
            each for each in kept if now - each.at < KEPT and not is_never_shared(each.key)
        )

    def _bring_back(self, changes: Changes, lost: set[Key]) -> None:
        """Offer the hub the revisions that are in force here, and that it lacks."""
        in_force = self._book.in_force(shared_values(self._config.lasting))
        if changes.epoch != self._epoch:
            self._epoch = changes.epoch
            there = {each.key for each in changes.entries}
            lost |= {each.key for each in in_force if dotted(each.key) not in there}
        for each in in_force:
            if each.key in lost and changes.now - each.at < KEPT:
                self._book.bring(each.key)
                self._fleet.offer(SETTINGS, dotted(each.key), RevisionOffer(self._book, each.key))

    def _note(self) -> None:
        """Remember what the file has, and since when it differs; let the others know."""
        # In this order, without the lock, for which others may wait long: what became active in
        # between is noted later.
        document = self._config.lasting
        unwritten = [without_old_root(each) for each in self._config.unwritten]
        now = self._fleet.hub_time()
        taken = self._book.note(shared_values(document), unwritten, now)
        if taken:
            self._kept.change(self._name or "", taken, (), now)
            self._fleet.exchange_soon()

    def _end_what_nobody_has(self) -> bool:
        """End revisions if every process has other values, the same ones; True if any differ.

        So a new file on all hosts ends the drift from what was set before.
        """
        differing = self._book.differing(shared_values(self._config.lasting))
        # The settings of alerting are no part of what the processes tell each other.
        told = [each for each in differing if each.key[0] != ALERTS]
        if not told:
            return False
        digests = {each.info.digest for each in self._fleet.members()}
        # That of now: an edit a moment ago has been told to nobody yet.
        if digests != {self._fleet.present_digest()}:
            return True
        for revision in told:
            _log.info("every process has another value, which counts", key=dotted(revision.key))
            self._fleet.offer(SETTINGS, dotted(revision.key), EndOffer(revision))
        return True


def _decoded(entry: Entry) -> Revision | None:
    """Return the revision of an entry; None if it is none that a host may take."""
    try:
        revision = decode_entry(entry)
    except ValueError as error:
        _log.warning("a revision at the hub is invalid", key=entry.key, problem=str(error))
        return None
    if is_never_shared(revision.key):
        _log.warning("a revision of a setting that is each host's own", key=entry.key)
        return None
    return revision


def _can_be_shared(revision: Revision) -> bool:
    try:
        encode(revision)
    except ValueError:
        return False
    return revision.value is None or is_plain(revision.value)


def _tell_nobody(_taken: Sequence[tuple[Revision, object]]) -> None:
    """Tell nobody what was taken."""
