"""Silences of this process and of its peers."""

import json
import threading
import uuid
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from breakerd.alerts.model.matchers import Subject
from breakerd.alerts.model.silence import Silence, SilenceRequest
from breakerd.alerts.muting.silence_index import SilenceIndex
from breakerd.alerts.storage.silence_table import SilenceTable
from breakerd.breaker.errors import NotStoredError
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

_MAX_SILENCES: Final = 1000
"""Maximum number of silences that have not ended."""
_KEPT: Final = 600.0
"""Seconds for which an ended silence is kept, so that no peer takes it for one that is missing."""

_SAME_TIME: Final = 5.0
"""Seconds by which the ends of one silence may differ, as two hosts see it."""


class Silences:
    """Silences in memory and in the database, which peers share. Thread-safe.

    A change is in the database before it counts. So a silence that was ended does not come back,
    and one that was added is not lost, whatever happens to this process. If the file is replaced,
    the silences in memory are written to the new one.

    Args:
        table: silences in the open database.
        now: seconds since the epoch.
    """

    def __init__(self, table: SilenceTable, now: float) -> None:
        self._table = table
        self._lock = threading.RLock()
        self._index = SilenceIndex()
        self._texts: dict[str, str] = {}
        """JSON texts that were read, by id, valid or not: only others need parsing."""
        self._version: str | None = None
        """Version of the table that the index is equal to; None if of none."""
        self._generation = table.generation
        table.prune(now - _KEPT)
        self.refresh()

    def refresh(self) -> None:
        """Read what peers have added or ended; costs one query if that is nothing."""
        with self._lock:
            if not self._restore():
                return
            # Read before the rows: a change in between is read again with the next refresh.
            version = self._table.version()
            if version is None or version == self._version:
                return
            rows = self._table.rows()
            # A file that was replaced in between does not hold the silences in memory yet.
            if rows is not None and self._table.generation == self._generation:
                self._load(dict(rows))
                self._version = version

    def find(self, subject: Subject, now: float) -> Silence | None:
        """Return a silence that mutes an alert about `subject` at `now`; None if none does."""
        with self._lock:
            return self._index.find(subject, now)

    def get(self, silence_id: str, now: float) -> Silence | None:
        """Return the silence of that id; None if there is none, or if it has ended."""
        with self._lock:
            silence = self._index.get(silence_id)
            return silence if silence is not None and silence.ends_at > now else None

    def unexpired(self, now: float) -> list[Silence]:
        """Return the silences that have not ended; some may not have started."""
        with self._lock:
            return [silence for silence in self._index if silence.ends_at > now]

    def add(self, now: float, request: SilenceRequest) -> Silence:
        """Add a silence and return it.

        Raises:
            ValueError: a value is invalid, or there are too many silences.
            NotStoredError: the database cannot be written; there is no silence.
        """
        with self._lock:
            self._drop_ended(now)
            if len(self._index) >= _MAX_SILENCES and len(self.unexpired(now)) >= _MAX_SILENCES:
                raise ValueError(f"there are {_MAX_SILENCES} silences already; end some first")
            silence = request.to_silence(now, uuid.uuid4().hex[:12])
            self._save(silence)
            return silence

    def end(self, now: float, silence_id: str) -> Silence:
        """End a silence now, and return it.

        Raises:
            KeyError: there is none of that id.
            NotStoredError: the database cannot be written; the silence lasts.
        """
        with self._lock:
            self.refresh()
            silence = self.get(silence_id, now)
            if silence is None:
                raise KeyError(silence_id)
            ended = replace(silence, ends_at=now)
            self._save(ended)
            return ended

    def merge(self, silences: Iterable[Silence]) -> None:
        """Add silences of another database; of two with one id the one that ends first is kept.

        Raises:
            NotStoredError: the database cannot be written; nothing was changed.
        """
        with self._lock:
            self.refresh()
            news = [each for each in silences if self._is_news(each)]
            if not self._table.merge(news):
                raise NotStoredError(f"silences cannot be saved: {self._table.problem}")
            self.refresh()

    def _is_news(self, silence: Silence) -> bool:
        known = self._index.get(silence.id)
        # Clocks of two hosts differ: what ends at about the same time is the same.
        return known is None or silence.ends_at < known.ends_at - _SAME_TIME

    def _save(self, silence: Silence) -> None:
        self._restore()
        versions = self._table.save(silence)
        if versions is None:
            raise NotStoredError(f"the silence cannot be saved: {self._table.problem}")
        self._index.put(silence)
        # Another change in between is read with the next refresh.
        self._version = versions.after if versions.before == self._version else None

    def _restore(self) -> bool:
        """Write the silences in memory to a file that is new; return False if it fails."""
        generation = self._table.generation
        if generation != self._generation:
            if not self._table.merge(self._index):
                return False
            self._generation = generation
        return True

    def _load(self, texts: dict[str, str]) -> None:
        for silence_id in {each.id for each in self._index} - texts.keys():
            self._index.remove(silence_id)
        for silence_id, text in texts.items():
            if self._texts.get(silence_id) != text and (silence := _parsed(text)):
                self._index.put(silence)
        self._texts = texts

    def _drop_ended(self, now: float) -> None:
        """Forget silences that ended a while ago, here and in the file."""
        gone = [each.id for each in self._index if each.ends_at <= now - _KEPT]
        if gone:
            self._table.prune(now - _KEPT)
        for silence_id in gone:
            self._index.remove(silence_id)
            self._texts.pop(silence_id, None)


def _parsed(text: str) -> Silence | None:
    """Parse one row; return None if it is damaged, so that the others are still read."""
    try:
        return Silence.from_dict(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        _log.error("database row is invalid", problem=repr(error), row=text[:200])
        return None
