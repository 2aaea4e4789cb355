"""Revisions that one process knows, and what follows from them for its host's file."""

from collections.abc import Collection, Iterable, Mapping
from math import inf, nextafter
from typing import Final

from breakerd.breaker.config.toml.scan import Key
from breakerd.breaker.fleet.drift import EDITED, TAKING, Drift
from breakerd.breaker.fleet.hub.store import Entry
from breakerd.breaker.fleet.revisions.allowed import is_known
from breakerd.breaker.fleet.revisions.revision import (
    Revision,
    combined,
    decode_entry,
    dotted,
    encode,
    is_equal,
)
from breakerd.breaker.fork import ProcessLock

_UNKNOWN: Final = "this version does not have that setting"


class RevisionBook:
    """Newest revision of each setting, and what became of it here. Thread-safe.

    A host's file takes a revision if it holds a value from before, or that of the last one that it
    has taken. If it had taken this one, and holds another value now, it was edited since: it keeps
    its own.
    """

    def __init__(self) -> None:
        self._lock = ProcessLock()
        self._known: dict[Key, Revision] = {}
        self._pending: dict[Key, Revision] = {}
        """Revisions of this process that the hub does not have yet."""
        self._taken: dict[Key, Revision] = {}
        """Last revision that this host's file has had."""
        self._refused: dict[str, str] = {}
        """Reasons for which revisions are not taken, by their ids."""
        self._since: dict[Key, float] = {}
        """Hub time at which a setting was first seen to differ."""

    # --- changes of this process, and the hub

    def add(self, revision: Revision) -> None:
        """Add a change of this process, which the hub is to get."""
        key = revision.key
        with self._lock:
            known = self._known.get(key)
            if known is not None:
                at = max(revision.at, nextafter(known.at, inf))
                revision = combined(revision._replace(at=at), known)
            self._known[key] = self._pending[key] = revision

    def merge(self, revision: Revision) -> bool:
        """Take what the hub has; return True if that lacks what is known here."""
        key = revision.key
        with self._lock:
            known = self._known.get(key)
            merged = revision if known is None else combined(revision, known)
            self._known[key] = merged
            pending = self._pending.get(key)
            if pending is None:
                return merged.id != revision.id
            self._pending[key] = merged
            self._settle(key, revision.id)
            return False

    def forget(self, key: str) -> None:
        """Forget the revision of an entry that was removed, unless a change waits for the hub."""
        with self._lock:
            for each in [each for each in self._known if dotted(each) == key]:
                if each not in self._pending:
                    self._drop(each)

    def bring(self, key: Key) -> None:
        """Let the hub get a revision again that it has forgotten."""
        with self._lock:
            if key in self._known:
                self._pending.setdefault(key, self._known[key])

    def text(self, key: Key, present: Entry | None) -> tuple[str | None, str]:
        """Return the text to write over `present`, and the id of the revision that then stands.

        None as the text: nothing is to be written.
        """
        with self._lock:
            own = self._pending.get(key)
            if own is None:
                return None, ""
            found = _readable(present)
            merged = own if found is None else combined(own, found)
            self._known[key] = self._pending[key] = merged
            return (None if found == merged else _encoded(merged)), merged.id

    def settle(self, key: Key, number: str) -> None:
        """Note that the hub has the revision with that id, and no change waits, unless later."""
        with self._lock:
            self._settle(key, number)

    def leave_to_parent(self) -> None:
        """Leave what waits for the hub, in a forked child, to its parent."""
        self._pending.clear()

    def waits(self, keys: Iterable[Key]) -> bool:
        """Return True if the hub does not have the revisions of these settings yet."""
        with self._lock:
            return any(key in self._pending for key in keys)

    # --- this host's file

    def plan(self, values: Mapping[Key, object]) -> dict[Key, Revision]:
        """Return the revisions that the file is to take.

        Args:
            values: values that hosts share, as they are here.
        """
        with self._lock:
            return {
                key: revision
                for key, revision in self._known.items()
                if self._is_to_be_taken(revision, values.get(key))
            }

    def note(
        self, values: Mapping[Key, object], unwritten: Collection[Key], now: float
    ) -> tuple[Revision, ...]:
        """Note what is in the file, and what differs; return what the file has taken newly.

        Args:
            values: values that hosts share, as they are here.
            unwritten: settings, or tables of them, that are not in the file as they are here.
            now: hub time in seconds.
        """
        taken = []
        with self._lock:
            for key, revision in self._known.items():
                if not is_equal(values.get(key), revision.value):
                    self._since.setdefault(key, now)
                    continue
                self._since.pop(key, None)
                in_file = not any(key[: len(each)] == each for each in unwritten)
                if in_file and self._taken_id(key) != revision.id:
                    self._taken[key] = revision
                    taken.append(revision)
        return tuple(taken)

    def refuse(self, revisions: Iterable[Revision], reason: str) -> None:
        """Keep revisions out, until `reconsider`."""
        with self._lock:
            self._refused |= {each.id: reason for each in revisions}

    def reconsider(self) -> None:
        """Try again what was kept out: the file has changed, or more is known."""
        with self._lock:
            self._refused.clear()

    def drift(self, values: Mapping[Key, object]) -> list[Drift]:
        """Return the settings that differ from their newest revision, in the order of the keys."""
        with self._lock:
            return sorted(
                (
                    self._drift(revision, values.get(key))
                    for key, revision in self._known.items()
                    if not is_equal(values.get(key), revision.value)
                ),
                key=lambda each: each.key,
            )

    def in_force(self, values: Mapping[Key, object]) -> list[Revision]:
        """Return the revisions whose values are those of this host."""
        with self._lock:
            found = list(self._known.values())
        return [each for each in found if is_equal(values.get(each.key), each.value)]

    def differing(self, values: Mapping[Key, object]) -> list[Revision]:
        """Return the revisions of settings that this host's file has a value of its own for."""
        with self._lock:
            return [
                each
                for key, each in self._known.items()
                if not is_equal(values.get(key), each.value)
                and key not in self._pending
                and not self._is_to_be_taken(each, values.get(key))
            ]

    def clear(self) -> None:
        """Forget everything: this process is in another fleet."""
        with self._lock:
            for each in (self._known, self._pending, self._taken):
                each.clear()
            self._refused.clear()
            self._since.clear()

    def restore(self, revisions: Iterable[Revision]) -> None:
        """Know the revisions that this host's file has had, from its disk."""
        with self._lock:
            for each in revisions:
                self._known.setdefault(each.key, each)
                self._taken.setdefault(each.key, each)

    def _is_to_be_taken(self, revision: Revision, own: object) -> bool:
        taken = self._taken.get(revision.key)
        follows = revision.follows(own) or (taken is not None and is_equal(own, taken.value))
        return (
            follows
            and not is_equal(own, revision.value)
            and revision.id not in self._refused
            and self._taken_id(revision.key) != revision.id
            and is_known(revision.key)
        )

    def _taken_id(self, key: Key) -> str:
        return self._taken[key].id if key in self._taken else ""

    def _settle(self, key: Key, number: str) -> None:
        if key in self._pending and self._pending[key].id == number:
            del self._pending[key]

    def _drift(self, revision: Revision, own: object) -> Drift:
        if not is_known(revision.key):
            reason = _UNKNOWN
        elif revision.id in self._refused:
            reason = self._refused[revision.id]
        else:
            reason = TAKING if self._is_to_be_taken(revision, own) else EDITED
        return Drift(
            key=dotted(revision.key),
            own=own,
            fleet=revision.value,
            by=revision.by,
            at=revision.at,
            since=self._since.get(revision.key, revision.at),
            reason=reason,
        )

    def _drop(self, key: Key) -> None:
        self._known.pop(key, None)
        self._taken.pop(key, None)
        self._since.pop(key, None)


def _encoded(revision: Revision) -> str | None:
    try:
        return encode(revision)
    except ValueError:  # of somebody else, and as long as any may be
        return None


def _readable(entry: Entry | None) -> Revision | None:
    """Return the revision of an entry; None if it was removed, or is none."""
    if entry is None or not entry.value:
        return None
    try:
        return decode_entry(entry)
    except ValueError:
        return None
