"""The silences in force, for whoever decides what may be told."""

import uuid
from dataclasses import replace

from alerts import policy
from alerts.incident import Incident
from alerts.policy import Silence
from alerts.store import Store

_KINDS = ("*", policy.OPEN, policy.MEMORY, policy.LATENCY, policy.TROUBLE)
_LONGEST_SILENCE = 90 * 86400


class Silencer:
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

    def why_held(self, incident: Incident, now: float) -> str:
        """Which silence holds that incident back now; empty if none does."""
        for silence in list(self._silences.values()):
            if silence.holds(incident.breaker, incident.kind, now):
                return f"silenced by {silence.author}: {silence.reason}"
        return ""

    def silences(self, now: float) -> list[Silence]:
        """The silences that are not over."""
        return [silence for silence in list(self._silences.values()) if silence.ends_at > now]

    def add(
        self, now: float, *, breaker: str, kind: str, author: str, reason: str, seconds: float
    ) -> str:
        """Holds alerts back for `seconds` from now; returns the silence's id.

        Raises:
            ValueError: a value makes no sense.
        """
        sensible = kind in _KINDS and 0 < seconds <= _LONGEST_SILENCE
        if not (sensible and breaker and author and reason):
            raise ValueError(
                f"a silence needs a breaker, an author, a reason, a kind of {', '.join(_KINDS)}, "
                f"and more than 0 s to 90 days; got breaker={breaker!r}, author={author!r}, "
                f"reason={reason!r}, kind={kind!r}, {seconds} s"
            )
        silence = Silence(uuid.uuid4().hex[:12], breaker, kind, author, reason, now, now + seconds)
        self._keep(now, silence)
        return silence.id

    def end(self, now: float, silence_id: str) -> None:
        """Ends a silence now.

        Raises:
            KeyError: there is none of that id.
        """
        silence = self._silences[silence_id]
        self._keep(now, replace(silence, ends_at=min(silence.ends_at, now)))

    def _keep(self, now: float, silence: Silence) -> None:
        kept = {each.id: each for each in self.silences(now)}
        self._silences = kept | {silence.id: silence}
        self._store.save_silence(silence)
