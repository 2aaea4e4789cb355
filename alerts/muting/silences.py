"""The silences in force, for whoever decides what may be told."""

import uuid
from dataclasses import replace

from breakerd.alerts.model.silence import Silence, SilenceRequest
from breakerd.alerts.storage.store import Store

_MOST = 1000
"""So many silences may be in force at once."""


class Silences:
    """Silences, in memory and in the file, where other processes of it find them. Thread-safe.

    Args:
        store: the file, open.
        now: seconds since the epoch; what is over by then is forgotten.
    """

    def __init__(self, store: Store, now: float) -> None:
        self._store = store
        self._silences: dict[str, Silence] = {}
        store.prune_silences(now)
        self.refresh(now)

    def refresh(self, now: float) -> None:
        """Takes up what other processes have added or ended."""
        found = {silence.id: silence for silence in self._store.silences()}
        if not self._store.problem:
            self._silences = {id_: each for id_, each in found.items() if each.ends_at > now}

    def unexpired(self, now: float) -> list[Silence]:
        """The silences that are not over."""
        return [silence for silence in list(self._silences.values()) if silence.ends_at > now]

    def add(self, now: float, wanted: SilenceRequest) -> str:
        """Holds alerts back; returns the silence's id.

        Raises:
            ValueError: a value makes no sense, or there are too many silences.
        """
        if len(self.unexpired(now)) >= _MOST:
            raise ValueError(f"there are {_MOST} silences already; end some of them first")
        silence = wanted.to_silence(now, uuid.uuid4().hex[:12])
        self._keep(now, silence)
        return silence.id

    def end(self, now: float, silence_id: str) -> None:
        """Ends a silence now.

        Raises:
            KeyError: there is none of that id.
        """
        self.refresh(now)
        silence = self._silences[silence_id]
        self._keep(now, replace(silence, ends_at=min(silence.ends_at, now)))

    def _keep(self, now: float, silence: Silence) -> None:
        kept = {each.id: each for each in self.unexpired(now)}
        self._silences = kept | {silence.id: silence}
        self._store.save_silence(silence)
