"""Ledger: the incidents of the fleet at its hub, written by the sender and copied by the others."""

import json
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from breakerd.alerts.fleet.clocks import shifted
from breakerd.alerts.fleet.link import HubView
from breakerd.alerts.fleet.sender_lease import Role, SenderLease
from breakerd.alerts.fleet.soundness import UNREADABLE, check_incident
from breakerd.alerts.fleet.topic_reader import TopicReader
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.storage.store import LeaseLostError
from breakerd.breaker.fleet.hub.protocol import HubUnavailableError
from breakerd.breaker.fleet.hub.store import INCIDENTS, Entry, WriteRefusedError
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

_AT_ONCE: Final = 50
"""Maximum number of incidents that are written at once beside those that are asked for."""
_MAX_TIME: Final = 1.0
"""Maximum seconds in which incidents are written at once; the rest follows with the next rounds."""
_MAX_KNOWN: Final = 2_000
"""Maximum number of incidents that are known to be in the ledger, which keeps half as many."""


class LedgerRow(NamedTuple):
    """Incident as the ledger has it, in this host's time, and whether it is settled."""

    incident: Incident
    settled: bool


class HubLedger:
    """Ledger of the fleet, as one process writes and reads it. Not thread-safe, see `IncidentLog`.

    Args:
        lease: lease of the sender, whose term fences what is written.
        find_hub: returns the hub; None while it does not answer.
        now: returns seconds since the epoch.
    """

    def __init__(
        self, lease: SenderLease, find_hub: Callable[[], HubView | None], now: Callable[[], float]
    ) -> None:
        self._lease = lease
        self._find_hub = find_hub
        self._now = now
        self._reader = TopicReader(INCIDENTS)
        self._unwritten: dict[str, LedgerRow] = {}
        self._versions: dict[str, int] = {}
        """Version of each entry that this process has written or read, by the incident's id."""
        self.known: dict[str, float] = {}
        """When each incident of the ledger was closed, by its id; 0 if it is open."""

    @property
    def shared(self) -> bool:
        """True if other hosts may go on with these incidents."""
        return self._lease.role is not Role.SINGLE

    # --- the sender's

    def save(self, rows: Iterable[tuple[Incident, bool]]) -> None:
        """Write incidents, each with whether it is settled; later, if the hub is away.

        Raises:
            LeaseLostError: the hub refuses it: another process is the sender, or the hub forgot.
        """
        if self._lease.role is not Role.SENDER:
            self._unwritten = {}
            return
        unwritten = self._unwritten
        wanted = {incident.id: LedgerRow(incident, settled) for incident, settled in rows}
        others = [each for each in unwritten if each not in wanted][:_AT_ONCE]
        unwritten |= wanted
        hub = None if self._lease.hub_is_away else self._find_hub()
        until = self._now() + _MAX_TIME
        for incident_id in [*wanted, *others] if hub is not None else ():
            if hub is None or self._now() >= until or not self._write(hub, unwritten[incident_id]):
                return
            del unwritten[incident_id]

    def _write(self, hub: HubView, row: LedgerRow) -> bool:
        """Write one; return False if the hub does not answer."""
        incident = row.incident
        data = {"now": self._now(), "settled": row.settled, "incident": incident.as_dict()}
        try:
            entry = hub.store.write(
                INCIDENTS, incident.id, json.dumps(data), fence=self._lease.fence
            )
        except WriteRefusedError as error:
            self._lease.lose()
            raise LeaseLostError(str(error)) from error
        except HubUnavailableError:
            self._lease.note_away()
            return False
        except ValueError as error:
            _log.warning("an incident is too large for the hub", id=incident.id, problem=str(error))
            return True
        self._note(incident.id, entry.version, incident.closed_at)
        return True

    # --- everybody's

    def read(self, hub: HubView, *, whole: bool = False) -> list[LedgerRow]:
        """Return what others have written, as far as it is new.

        Args:
            hub: the hub.
            whole: look at all that there is.

        Raises:
            HubUnavailableError: it does not answer.
        """
        if self._lease.role is not Role.SENDER:
            self._unwritten = {}  # whoever sends now has gone on with them
        news = self._reader.read(hub, whole=whole)
        if news is None:
            return []
        if news.whole:
            self.known = {}
        if news.anew:
            self._versions = {}
        found = []
        for entry in news.entries:
            for row in _parsed(entry, self._now() - (news.now - entry.at)):
                if self._versions.get(entry.key) != entry.version:
                    found.append(row)
                self._note(entry.key, entry.version, row.incident.closed_at)
        return found

    def forget(self) -> None:
        """Take it that this host has nothing of the ledger: all is to be copied anew."""
        self._versions, self._unwritten = {}, {}

    def _note(self, incident_id: str, version: int, closed_at: float) -> None:
        """Note what the ledger has; the oldest are forgotten."""
        self._versions.pop(incident_id, None)  # the newest one is the last
        self.known.pop(incident_id, None)
        self._versions[incident_id], self.known[incident_id] = version, closed_at
        if len(self._versions) > _MAX_KNOWN:
            del self._versions[next(iter(self._versions))]
        if len(self.known) > _MAX_KNOWN:
            del self.known[next(iter(self.known))]


def _parsed(entry: Entry, written_at: float) -> list[LedgerRow]:
    """Return the incident of an entry, or nothing if somebody else has written something else."""
    try:
        data = json.loads(entry.value)
        moved = shifted(data["incident"], written_at - data["now"])
        incident = Incident.from_dict({**moved, "id": entry.key})
        check_incident(incident)
    except UNREADABLE as error:
        _log.warning("an incident at the hub is invalid", key=entry.key, problem=repr(error))
        return []
    return [LedgerRow(incident, bool(data.get("settled")))]
