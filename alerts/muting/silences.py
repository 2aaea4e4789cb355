"""Silences of this process and of its peers."""

import uuid
from dataclasses import replace
from typing import Final

from breakerd.alerts.model.silence import Silence, SilenceRequest
from breakerd.alerts.storage.store import Store

_MAX_SILENCES: Final = 1000
"""Maximum number of silences that have not ended."""


class Silences:
    """Silences in memory and in the database, which peers share. Thread-safe.

    Args:
        store: the open database.
        now: seconds since the epoch; silences that have ended by then are deleted.
    """

    def __init__(self, store: Store, now: float) -> None:
        self._store = store
        self._silences: dict[str, Silence] = {}
        store.prune_silences(now)
        self.refresh(now)

    def refresh(self, now: float) -> None:
        """Read what peers have added or ended."""
        found = {silence.id: silence for silence in self._store.silences()}
        if not self._store.problem:
            self._silences = {id_: each for id_, each in found.items() if each.ends_at > now}

    def unexpired(self, now: float) -> list[Silence]:
        """Return the silences that have not ended; some may not have started."""
        return [silence for silence in list(self._silences.values()) if silence.ends_at > now]

    def add(self, now: float, request: SilenceRequest) -> str:
        """Add a silence and return its id.

        Raises:
            ValueError: a value is invalid, or there are too many silences.
        """
        if len(self.unexpired(now)) >= _MAX_SILENCES:
            raise ValueError(f"there are {_MAX_SILENCES} silences already; end some of them first")
        silence = request.to_silence(now, uuid.uuid4().hex[:12])
        self._save(now, silence)
        return silence.id

    def end(self, now: float, silence_id: str) -> None:
        """End a silence now.

        Raises:
            KeyError: there is none of that id.
        """
        self.refresh(now)
        silence = self._silences[silence_id]
        self._save(now, replace(silence, ends_at=min(silence.ends_at, now)))

    def _save(self, now: float, silence: Silence) -> None:
        kept = {each.id: each for each in self.unexpired(now)}
        self._silences = kept | {silence.id: silence}
        self._store.save_silence(silence)
