"""The incidents that are not told in full, in memory, and their copy in the file."""

import threading
from collections.abc import Container, Iterable, Iterator

from breakerd.alerts.model.delivery_plan import is_settled
from breakerd.alerts.model.incident import Incident, Phase
from breakerd.alerts.model.receiver import ReceiverPolicy
from breakerd.alerts.storage.store import LeaseLostError, Store
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

_WRITE_AGAIN = 5.0
"""Seconds between two attempts to write what could not be written."""
_DEAD_LETTERS = 1000
"""So many incidents are kept for their dead letters; beyond them the oldest go."""


class IncidentLog:
    """Incidents and cooldowns of the process that sends. Thread-safe.

    What is written is on the disk before anyone is told of it; where that fails it is told all the
    same, and written later. Whoever changes an incident holds `lock`.

    Args:
        store: the file, open.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.lock = threading.RLock()
        self._incidents: dict[str, Incident] = {}
        self._current: dict[str, str] = {}
        """Breaker -> its incident that is not over."""
        self._cooldowns: dict[tuple[str, str], float] = {}
        self._changed: dict[str, Incident] = {}
        self._changed_cooldowns: dict[tuple[str, str], float] = {}
        self._write_at = float("-inf")
        self._late = False
        """Whether writing has failed and `_write_at` is when to try again."""

    def __iter__(self) -> Iterator[Incident]:
        return iter(list(self._incidents.values()))

    def current(self, breaker: str) -> Incident | None:
        """The incident of that breaker that is not over."""
        return self._incidents.get(self._current.get(breaker, ""))

    def find(self, incident_id: str) -> Incident | None:
        """The incident of that id, if something of it is still to be told."""
        return self._incidents.get(incident_id)

    def unnotified(self, breaker: str) -> Incident | None:
        """The latest incident of that breaker that is over, and that nobody was told of yet."""
        over = (
            incident
            for incident in self._incidents.values()
            if breaker in incident.members and incident.phase is Phase.CLOSED
        )
        latest = max(over, key=lambda i: i.closed_at, default=None)
        return latest if latest is not None and not latest.notified_at else None

    # --- changes

    def add(self, incident: Incident) -> None:
        """Takes in a new incident, or one that goes on after it was over."""
        with self.lock:
            self._incidents[incident.id] = incident
            for breaker in incident.members:
                self._current[breaker] = incident.id
            self.mark_changed(incident)

    def join(self, incident: Incident, now: float, breaker: str, kind: str) -> None:
        """Makes a breaker part of an incident."""
        with self.lock:
            incident.join(now, breaker, kind)
            self._current[breaker] = incident.id
            self.mark_changed(incident)

    def close(self, now: float, incident: Incident, ended_by: str = "") -> None:
        """Closes an incident; its breakers may have another from now on."""
        with self.lock:
            incident.close(now, ended_by)
            for breaker in incident.members:
                if self._current.get(breaker) == incident.id:
                    del self._current[breaker]
            self.mark_changed(incident)
        _log.info("incident over", breaker=incident.breaker, alias=incident.alias)

    def mark_changed(self, incident: Incident) -> None:
        """Notes that an incident is to be written down as it is now, by the next `write`."""
        with self.lock:
            self._changed[incident.id] = incident
            if incident.notified_at:
                self._begin_cooldown(incident)

    def save(self, incident: Incident) -> None:
        """Writes an incident down as it is now.

        Raises:
            LeaseLostError: another process sends.
        """
        with self.lock:
            self.mark_changed(incident)
            if not self._late:
                self._flush()

    def write(self, now: float) -> None:
        """Writes down what has changed.

        Raises:
            LeaseLostError: another process sends.
        """
        with self.lock:
            if self._late and now < self._write_at:
                return
            self._late = False
            self._flush()
            self._write_at = now + _WRITE_AGAIN

    def compact(self, receivers: tuple[ReceiverPolicy, ...]) -> None:
        """Lets go of what all of `receivers` were told in full."""
        with self.lock:
            gone = [i for i in self._incidents.values() if is_settled(i, receivers)]
            gone += self._oldest_dead_letters()
            for incident in gone:
                if incident.id in self._changed and not self._late:
                    self._flush()
                if not self._late and self.store.save([(incident, True)], {}):
                    self.store.prune_closed()
                self._changed.pop(incident.id, None)
                del self._incidents[incident.id]

    def rewrite(self) -> None:
        """Has everything written again: the file is a new one."""
        with self.lock:
            self._changed = dict(self._incidents)
            self._changed_cooldowns = dict(self._cooldowns)
            self._late = False

    def forget_receivers(self, receivers: Iterable[str]) -> None:
        """What those receivers know does not count any more."""
        with self.lock:
            for incident in self:
                known = [name for name in receivers if name in incident.deliveries]
                for name in known:
                    del incident.deliveries[name]
                if known:
                    self.mark_changed(incident)

    def _flush(self) -> None:
        if not self._changed and not self._changed_cooldowns:
            return
        rows = [(incident, False) for incident in self._changed.values()]
        if self.store.save(rows, self._changed_cooldowns):
            self._changed.clear()
            self._changed_cooldowns.clear()
        else:
            self._late = True

    def _oldest_dead_letters(self) -> list[Incident]:
        dead = [
            incident
            for incident in self._incidents.values()
            if incident.phase is Phase.CLOSED and incident.dead_letters
        ]
        return sorted(dead, key=lambda i: i.opened_at)[: max(0, len(dead) - _DEAD_LETTERS)]

    # --- cooldowns

    def notify_at(self, breaker: str, what: str, opened_at: float, cooldown: float) -> float:
        """When an incident may be told: as it opens, or at the end of the cooldown of `what`."""
        notified_at = self._cooldowns.get((breaker, what))
        return opened_at if notified_at is None else max(opened_at, notified_at + cooldown)

    def _begin_cooldown(self, incident: Incident) -> None:
        key = (incident.breaker, cooldown_key(incident.kind, drill=incident.drill))
        if self._cooldowns.get(key, 0.0) < incident.notified_at:
            self._cooldowns[key] = self._changed_cooldowns[key] = incident.notified_at

    # --- which process

    def load_as_leader(self, now: float, breakers: Container[str] | None = None) -> None:
        """Takes up what the process that sent before has left, whose clock may have been ahead.

        What this one knows already, from a time without the file, goes on beside it.

        Args:
            now: seconds since the epoch.
            breakers: only their incidents; all if None.
        """
        with self.lock:
            incidents, cooldowns = self.store.load()
            self._cooldowns = {k: min(at, now) for k, at in cooldowns.items()} | self._cooldowns
            for incident in incidents:
                wanted = breakers is None or incident.breaker in breakers
                if wanted and incident.id not in self._incidents:
                    self.adopt(now, incident)
            self.rewrite()

    def adopt(self, now: float, incident: Incident) -> None:
        """Takes up one incident of another process."""
        with self.lock:
            incident.clamp_times(now)
            self._incidents[incident.id] = incident
            if incident.phase is not Phase.CLOSED:
                for breaker in incident.members:
                    self._current.setdefault(breaker, incident.id)

    def hand_over(self) -> None:
        """Leaves what was begun without the file to the process that sends."""
        with self.lock:
            self.store.hand_over(list(self._incidents.values()))
            self.discard()

    def discard(self) -> None:
        """Another process sends: what this one knows of incidents is out of date."""
        with self.lock:
            self._incidents.clear()
            self._current.clear()
            self._changed.clear()
            self._changed_cooldowns.clear()
            self._late = False

    # --- what may be asked

    def latest(self, limit: int, phase: str | None = None) -> list[Incident]:
        """The latest incidents, finished ones too, newest first; all, or those in one phase."""
        with self.lock:
            known = {incident.id: incident for incident in self.store.history(limit, phase)}
            known |= self._incidents
            wanted = [i for i in known.values() if phase in {None, i.phase.value}]
            return sorted(wanted, key=lambda i: i.opened_at, reverse=True)[:limit]


def cooldown_key(kind: str, *, drill: bool) -> str:
    """What of a breaker cools down: a drill holds back no alert, and no alert a drill."""
    return f"{kind} drill" if drill else kind


__all__ = ["IncidentLog", "LeaseLostError", "cooldown_key"]
