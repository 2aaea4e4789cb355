"""The incidents of this process: in memory for who decides, and their copy in the file."""

import threading
import uuid
from collections.abc import Iterator
from dataclasses import replace

from alerts import policy
from alerts.incident import Incident, Phase
from alerts.policy import Silence
from alerts.store import Store
from breaker.log import get_logger

_log = get_logger("alerts")

_KINDS = ("*", policy.OPEN, policy.MEMORY, policy.LATENCY)
_LONGEST_SILENCE = 90 * 86400


class Ledger:
    """Incidents that are not told in full, cooldowns, and silences. Thread-safe.

    Everything is on the disk before anyone is told of it; where that fails it is told all the same,
    and written later.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._lock = threading.RLock()
        self._incidents: dict[str, Incident] = {}
        self._current: dict[str, str] = {}
        """Breaker -> its incident that is not over."""
        self._cooldowns: dict[tuple[str, str], float] = {}
        self._silences: dict[str, Silence] = {}
        self._unsaved: set[str] = set()
        self._load()

    def __iter__(self) -> Iterator[Incident]:
        return iter(list(self._incidents.values()))

    def of(self, breaker: str) -> Incident | None:
        """The incident of that breaker that is not over."""
        return self._incidents.get(self._current.get(breaker, ""))

    def breakers(self) -> list[str]:
        """The breakers with an incident that is not over."""
        return list(self._current)

    def add(self, incident: Incident) -> None:
        """Takes in a new incident."""
        with self._lock:
            self._incidents[incident.id] = incident
            self._current[incident.breaker] = incident.id
            self.save(incident)

    def save(self, incident: Incident) -> None:
        """Writes an incident down as it is now."""
        with self._lock:
            if incident.told:
                self._begin_cooldown(incident)
            if not self.store.save(incident):
                self._unsaved.add(incident.id)

    def end(self, now: float, incident: Incident) -> None:
        """Closes an incident; its breaker may have another from now on."""
        with self._lock:
            incident.close(now)
            self._current.pop(incident.breaker, None)
            self.save(incident)
        _log.info("incident over", breaker=incident.breaker, alias=incident.alias)

    def tidy(self) -> None:
        """Writes down what could not be written before, and lets go of what is told in full."""
        with self._lock:
            for number in list(self._unsaved):
                incident = self._incidents.get(number)
                if incident is None or self.store.save(incident):
                    self._unsaved.discard(number)
            for incident in [i for i in self._incidents.values() if i.done]:
                if self.store.save(incident):
                    self.store.prune()
                del self._incidents[incident.id]

    def latest(self, limit: int) -> list[Incident]:
        """The latest incidents, finished ones too, newest first."""
        with self._lock:
            known = {incident.id: incident for incident in self.store.history(limit)}
            known |= self._incidents
            return sorted(known.values(), key=lambda i: i.opened_at, reverse=True)[:limit]

    def may_tell_at(self, breaker: str, kind: str, now: float, cooldown: float) -> float:
        """When an incident that opens now may be told: now, or at the end of the cooldown."""
        told_at = self._cooldowns.get((breaker, kind))
        return now if told_at is None else max(now, told_at + cooldown)

    # --- silences

    def silenced(self, incident: Incident, now: float) -> bool:
        """Whether a silence holds that incident back now."""
        return any(
            silence.holds(incident.breaker, incident.kind, now)
            for silence in list(self._silences.values())
        )

    def silences(self, now: float) -> list[Silence]:
        """The silences that are not over."""
        return [silence for silence in list(self._silences.values()) if silence.ends_at > now]

    def add_silence(
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
        self._keep(silence)
        return silence.id

    def end_silence(self, now: float, silence_id: str) -> None:
        """Ends a silence now.

        Raises:
            KeyError: there is none of that id.
        """
        silence = self._silences[silence_id]
        self._keep(replace(silence, ends_at=min(silence.ends_at, now)))

    def _keep(self, silence: Silence) -> None:
        with self._lock:
            self._silences[silence.id] = silence
            self.store.save_silence(silence)

    # --- the file

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self.store.close()

    def _load(self) -> None:
        """Takes up what an earlier process left."""
        self.store.open()
        incidents, self._cooldowns, silences = self.store.load()
        for incident in incidents:
            self._incidents[incident.id] = incident
            if incident.phase is not Phase.CLOSED:
                self._current[incident.breaker] = incident.id
        self._silences = {silence.id: silence for silence in silences}

    def _begin_cooldown(self, incident: Incident) -> None:
        key = (incident.breaker, incident.kind)
        told_at = max(incident.opened_at, incident.not_before)
        if self._cooldowns.get(key, 0.0) < told_at:
            self._cooldowns[key] = told_at
            self.store.save_cooldown(*key, told_at)
