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

_KINDS = ("*", policy.OPEN, policy.MEMORY, policy.LATENCY, policy.TROUBLE)
_LONGEST_SILENCE = 90 * 86400
_WRITE_AGAIN = 5.0
"""Seconds between two attempts to write what could not be written."""


class Ledger:
    """Incidents that are not told in full, cooldowns, and silences. Thread-safe.

    Everything is on the disk before anyone is told of it; where that fails it is told all the same,
    and written later.

    Args:
        store: the file, not opened yet.
        now: seconds since the epoch; what the file holds is not later.
    """

    def __init__(self, store: Store, now: float) -> None:
        self.store = store
        self._lock = threading.RLock()
        self._incidents: dict[str, Incident] = {}
        self._current: dict[str, str] = {}
        """Breaker -> its incident that is not over."""
        self._cooldowns: dict[tuple[str, str], float] = {}
        self._silences: dict[str, Silence] = {}
        self._unsaved: set[str] = set()
        self._write_at = now
        self._load(now)

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
            if incident.told_at:
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

    def tidy(self, now: float) -> None:
        """Writes down what could not be written before, and lets go of what is told in full."""
        with self._lock:
            if self._unsaved and now >= self._write_at:
                self._write_at = now + _WRITE_AGAIN
                self._write_unsaved()
            for incident in [i for i in self._incidents.values() if i.done]:
                if self.store.save(incident):
                    self.store.prune()
                del self._incidents[incident.id]

    def forget(self, receiver: str) -> None:
        """What that receiver knows does not count any more."""
        with self._lock:
            for incident in self:
                if incident.deliveries.pop(receiver, None) is not None:
                    self.save(incident)

    def latest(self, limit: int, phase: str | None = None) -> list[Incident]:
        """The latest incidents, finished ones too, newest first; all, or those in one phase."""
        with self._lock:
            known = {incident.id: incident for incident in self.store.history(limit, phase)}
            known |= self._incidents
            wanted = [i for i in known.values() if phase in {None, i.phase.value}]
            return sorted(wanted, key=lambda i: i.opened_at, reverse=True)[:limit]

    def may_tell_at(self, breaker: str, what: str, opened_at: float, cooldown: float) -> float:
        """When an incident may be told: as it opens, or at the end of the cooldown of `what`."""
        told_at = self._cooldowns.get((breaker, what))
        return opened_at if told_at is None else max(opened_at, told_at + cooldown)

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
        with self._lock:
            self._silences = {kept.id: kept for kept in self.silences(now)}
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

    def _write_unsaved(self) -> None:
        for number in list(self._unsaved):
            incident = self._incidents.get(number)
            if incident is None or self.store.save(incident):
                self._unsaved.discard(number)

    # --- the file

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self.store.close()

    def _load(self, now: float) -> None:
        """Takes up what an earlier process left, whose wall clock may have been ahead."""
        self.store.open()
        incidents, cooldowns, silences = self.store.load()
        self._cooldowns = {key: min(told_at, now) for key, told_at in cooldowns.items()}
        for incident in incidents:
            incident.rebase(now)
            self._incidents[incident.id] = incident
            if incident.phase is not Phase.CLOSED:
                self._current[incident.breaker] = incident.id
        self._silences = {silence.id: silence for silence in silences if silence.ends_at > now}
        self.store.prune_silences(now)

    def _begin_cooldown(self, incident: Incident) -> None:
        key = (incident.breaker, cooldown_of(incident.kind, drill=incident.drill))
        if self._cooldowns.get(key, 0.0) < incident.told_at:
            self._cooldowns[key] = incident.told_at
            self.store.save_cooldown(*key, incident.told_at)


def cooldown_of(kind: str, *, drill: bool) -> str:
    """What of a breaker cools down: a drill holds back no alert, and no alert a drill."""
    return f"{kind} drill" if drill else kind
