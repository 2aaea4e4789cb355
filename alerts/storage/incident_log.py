"""Incident log: the unsettled incidents in memory, and their copy in the database."""

import threading
from collections.abc import Collection, Container, Iterable, Iterator
from typing import Final

from breakerd.alerts.model.delivery_plan import is_settled
from breakerd.alerts.model.incident import Incident, Phase
from breakerd.alerts.model.incident_parts.member import Member
from breakerd.alerts.model.receiver import ReceiverPolicy
from breakerd.alerts.storage.cooldowns import Cooldowns
from breakerd.alerts.storage.ledger import Ledger, NoLedger
from breakerd.alerts.storage.store import LeaseLostError, Store
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

_WRITE_RETRY_INTERVAL: Final = 5.0
"""Seconds between two attempts to write what could not be written."""
_MAX_DEAD_LETTERS: Final = 1000
"""Maximum number of incidents kept for their dead letters; the oldest are dropped."""

_MAX_OPEN: Final = 1000
"""Maximum number of open incidents in a phase that are asked for at once."""


class IncidentLog:
    """Incidents and cooldowns of the leader. Thread-safe.

    A change is on the disk before anyone is notified of it. If writing fails, people are notified
    all the same, and the change is written later. Hold `lock` while changing an incident.

    Args:
        store: the open database.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.lock = threading.RLock()
        self._incidents: dict[str, Incident] = {}
        self._current: dict[str, str] = {}
        """Name of a breaker -> id of its incident that is not closed."""
        self.ledger: Ledger = NoLedger()
        """Second store of the incidents, beside the database."""
        self.cooldowns = Cooldowns()
        self._changed: dict[str, Incident] = {}
        self.executed = 0
        """Number of the last command that took effect in memory; see `mark_executed`."""
        self._executed_saved = 0
        self._write_at = float("-inf")
        self._late = False
        """True if writing failed and `_write_at` is the time of the next attempt."""

    def __iter__(self) -> Iterator[Incident]:
        return iter(list(self._incidents.values()))

    def current(self, breaker: str) -> Incident | None:
        """Return the incident of that breaker that is not closed; None if there is none."""
        return self._incidents.get(self._current.get(breaker, ""))

    @property
    def has_open(self) -> bool:
        """True if an incident in memory is not closed."""
        return bool(self._current)

    def find(self, incident_id: str) -> Incident | None:
        """Return the unsettled incident of that id; None if there is none."""
        return self._incidents.get(incident_id)

    def get(self, incident_id: str) -> Incident:
        """Return the incident of that id, settled or not.

        Raises:
            KeyError: no incident has that id.
        """
        found = self.find(incident_id) or self.store.find(incident_id)
        if found is None:
            raise KeyError(incident_id)
        return found

    def unnotified(self, breaker: str) -> Incident | None:
        """Return the latest closed incident of that breaker, if nobody was notified of it yet."""
        closed = (
            incident
            for incident in self._incidents.values()
            if breaker in incident.members
            and incident.phase is Phase.CLOSED
            and not incident.drill_ends_at
        )
        latest = max(closed, key=lambda i: i.closed_at, default=None)
        told = latest is None or latest.notified_at or latest.merged_into
        return None if told else latest

    # --- changes

    def add(self, incident: Incident) -> None:
        """Add a new incident, or one that continues after it was closed."""
        with self.lock:
            self._incidents[incident.id] = incident
            for breaker in incident.members:
                self._current[breaker] = incident.id
            self.mark_changed(incident)

    def join(self, incident: Incident, now: float, breaker: str, member: Member) -> None:
        """Add a breaker to an incident."""
        with self.lock:
            incident.join(now, breaker, member)
            self._current[breaker] = incident.id
            self.mark_changed(incident)

    def merge(self, now: float, incident: Incident, into: Incident) -> None:
        """Move the breakers of an incident that nobody was notified of to another one."""
        with self.lock:
            for breaker, member in incident.members.items():
                self.join(into, now, breaker, member)
            incident.merged_into, incident.first_due_at = into.id, 0.0
            self.close(now, incident, f"Its breakers are in alert {into.id} now.")

    def close(self, now: float, incident: Incident, note: str = "") -> None:
        """Close an incident, so that its breakers may have another one.

        Args:
            now: seconds since the epoch.
            incident: the incident.
            note: the closing note.
        """
        with self.lock:
            incident.close(now, note)
            for breaker in incident.members:
                if self._current.get(breaker) == incident.id:
                    del self._current[breaker]
            self.mark_changed(incident)
        _log.info("incident closed", breaker=incident.breaker, alias=incident.alias)

    def mark_changed(self, incident: Incident) -> None:
        """Have the next `write` save the incident."""
        with self.lock:
            self._changed[incident.id] = incident
            if incident.notified_at:
                self.cooldowns.start(incident)

    def mark_executed(self, number: int) -> None:
        """Have the next `write` delete the commands up to `number` with what they have changed.

        Until then they stay in the database, so that none is lost with this process.
        """
        with self.lock:
            self.executed = number

    def save(self, incident: Incident) -> None:
        """Save an incident now.

        Raises:
            LeaseLostError: another process is the leader; the incident is outdated, or was left to
                the sender of the fleet.
        """
        with self.lock:
            known = self._incidents.get(incident.id)
            if known is not incident and (known is not None or self.ledger.shared):
                raise LeaseLostError(incident.id)
            self.mark_changed(incident)
            if not self._late:
                self._flush()

    def write(self, now: float) -> None:
        """Save all changes; after a failure, at most once in five seconds.

        Raises:
            LeaseLostError: another process is the leader.
        """
        with self.lock:
            if self._late and now < self._write_at:
                return
            self._late = False
            self._flush()
            self._write_at = now + _WRITE_RETRY_INTERVAL

    def compact(self, policies: tuple[ReceiverPolicy, ...]) -> None:
        """Drop from memory the incidents that are settled for all receivers of `policies`."""
        with self.lock:
            gone = [i for i in self._incidents.values() if is_settled(i, policies)]
            gone += self._oldest_dead_letters()
            saved = False
            for incident in gone:
                if incident.id in self._changed and not self._late:
                    self._flush()
                saved |= not self._late and self.store.save([(incident, True)], {})
                self.ledger.save([(incident, True)])
                self._changed.pop(incident.id, None)
                del self._incidents[incident.id]
            if saved:
                self.store.prune_closed()

    def rewrite(self) -> None:
        """Have the next `write` save everything: the file is a new one."""
        with self.lock:
            self._changed = dict(self._incidents)
            self.cooldowns.rewrite()
            self._forget_executed()
            self._late = False

    def leave_receivers(self, names: Collection[str]) -> None:
        """Record that these receivers are no longer configured; keep their states of delivery."""
        with self.lock:
            for incident in self:
                for name in incident.deliveries.keys() & names:
                    incident.leave_receiver(name)
                    self.mark_changed(incident)

    def forget_receivers(self, names: Collection[str]) -> None:
        """Delete the states of delivery to these receivers; log the alerts that stay open there."""
        with self.lock:
            self.leave_receivers(names)
            if self.ledger.shared:
                return  # another host may have them
            for incident in self:
                for name in incident.deliveries.keys() & names:
                    if incident.deliveries.pop(name).maybe_open:
                        _log.warning(
                            "alert stays open at a receiver that is no longer configured",
                            receiver=name,
                            alias=incident.alias,
                        )
                    self.mark_changed(incident)

    def _flush(self) -> None:
        if not (self._changed or self.cooldowns.changed or self._has_executed()):
            self.ledger.save(())
            return
        rows = [(incident, False) for incident in self._changed.values()]
        if self.store.save(rows, self.cooldowns.changed, self.executed):
            self._executed_saved = self.executed
            self._changed.clear()
            self.cooldowns.changed.clear()
        else:
            self._late = True
        self.ledger.save(rows)

    def _oldest_dead_letters(self) -> list[Incident]:
        dead = [
            incident
            for incident in self._incidents.values()
            if incident.phase is Phase.CLOSED and incident.dead_letters
        ]
        return sorted(dead, key=lambda i: i.opened_at)[: max(0, len(dead) - _MAX_DEAD_LETTERS)]

    def note_notified(self, incidents: Iterable[Incident]) -> None:
        """Start the cooldowns of incidents that another host has told of."""
        with self.lock:
            for incident in incidents:
                if incident.notified_at:
                    self.cooldowns.start(incident)

    # --- leadership

    def load_as_leader(self, now: float, breakers: Container[str] | None = None) -> None:
        """Load the incidents of the previous leader, whose clock may have been ahead.

        Incidents that this process opened without the database are kept beside them.

        Args:
            now: seconds since the epoch.
            breakers: load only incidents of these breakers; None: of all.
        """
        with self.lock:
            incidents, cooldowns = self.store.load()
            self.cooldowns.load(now, cooldowns)
            for incident in incidents:
                wanted = breakers is None or incident.breaker in breakers
                if wanted and incident.id not in self._incidents:
                    self.adopt(now, incident)
            self.rewrite()

    def adopt(self, now: float, incident: Incident) -> None:
        """Take over one incident of another process."""
        with self.lock:
            incident.clamp_times(now)
            self._incidents[incident.id] = incident
            if incident.phase is not Phase.CLOSED and not incident.drill_ends_at:
                for breaker in incident.members:
                    self._current.setdefault(breaker, incident.id)

    def replace(self, now: float, incident: Incident, *, settled: bool) -> None:
        """Go on with an incident as another process has left it."""
        with self.lock:
            known = self._incidents.pop(incident.id, None)
            for breaker in known.members if known is not None else ():
                if self._current.get(breaker) == incident.id:
                    del self._current[breaker]
            self._changed.pop(incident.id, None)
            if not settled:
                self.adopt(now, incident)

    def take_over(self, now: float, incident: Incident) -> None:
        """Take over an incident that another host has opened; what it repeats is closed."""
        with self.lock:
            self.replace(now, incident, settled=False)
            self.mark_changed(incident)
            others = {self._current.get(breaker, "") for breaker in incident.members}
            repeats = bool(others - {incident.id, ""}) and incident.id not in others
            if repeats and not incident.drill_ends_at and incident.phase is not Phase.CLOSED:
                self.close(now, incident, f"It goes on as alert {', '.join(sorted(others))}.")

    def hand_over(self) -> None:
        """Leave the incidents that were opened without the database to the leader."""
        with self.lock:
            self.store.hand_over(list(self._incidents.values()))
            self.discard()

    def discard(self) -> None:
        """Forget all incidents: another process is the leader, so they are outdated here."""
        with self.lock:
            self._incidents.clear()
            self._current.clear()
            self._changed.clear()
            self.cooldowns.changed.clear()
            self._forget_executed()
            self._late = False

    def _has_executed(self) -> bool:
        return self.executed != self._executed_saved

    def _forget_executed(self) -> None:
        """Have commands executed again that took effect in a memory or a file that is gone."""
        self.executed = self._executed_saved = 0

    # --- queries

    def latest(self, limit: int, phase: str | None = None) -> list[Incident]:
        """Return the latest incidents, settled ones too, newest first; all, or those in a phase."""
        with self.lock:
            known = {incident.id: incident for incident in self.store.history(limit, phase)}
            known |= self._incidents
            wanted = [i for i in known.values() if phase in {None, i.phase.value}]
            return sorted(wanted, key=lambda i: i.opened_at, reverse=True)[:limit]

    def open(self) -> list[Incident]:
        """Return all incidents that are not closed, those of another leader too, newest first."""
        phases = (Phase.ACTIVE, Phase.RESOLVING)
        return [each for phase in phases for each in self.latest(_MAX_OPEN, phase.value)]
