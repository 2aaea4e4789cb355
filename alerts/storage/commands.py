"""Commands of operators about incidents, queued for the leader."""

from collections.abc import Mapping

from breakerd.alerts.model.incident import Incident, Phase
from breakerd.alerts.storage.incident_log import IncidentLog
from breakerd.alerts.storage.store import ADOPT_INCIDENT, Store
from breakerd.breaker.encoding.printable import encodable
from breakerd.breaker.errors import NotStoredError
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

_RETRY = "retry"
_DISCARD = "discard"


class CommandQueue:
    """Commands about incidents: submitted in any process, executed by the leader.

    They are in the database until their effect is. Thread-safe, apart from `execute`.

    Args:
        store: the database.
        incident_log: incidents that the commands are about.
    """

    def __init__(self, store: Store, incident_log: IncidentLog) -> None:
        self._store = store
        self._incident_log = incident_log

    def retry(self, incident_id: str) -> None:
        """Requeue the dead letters of an incident.

        Raises:
            NotStoredError: the database cannot be written; nothing was changed.
        """
        self._submit(incident_id, {"action": _RETRY})

    def discard(self, incident_id: str, author: str, reason: str) -> None:
        """Discard the dead letters of an incident.

        Raises:
            NotStoredError: the database cannot be written; nothing was changed.
        """
        self._submit(incident_id, {"action": _DISCARD, "by": encodable(f"{author}: {reason}")})

    def adopt(self, incident: Incident) -> None:
        """Have the leader take over a new incident.

        Raises:
            NotStoredError: the database cannot be written; there is no incident.
        """
        if not self._store.hand_over([incident]):
            raise NotStoredError(f"the incident cannot be saved: {self._store.problem}")

    def execute(self, now: float) -> None:
        """Execute all queued commands. Only for the leader, which holds the incident log's lock."""
        for number, incident_id, command in self._store.commands(self._incident_log.executed):
            self.execute_one(now, incident_id, command)
            self._incident_log.mark_executed(number)

    def execute_one(
        self,
        now: float,
        incident_id: str,
        command: Mapping[str, str],
        incident: Incident | None = None,
    ) -> None:
        """Execute one command, as the leader, which holds the incident log's lock.

        Args:
            now: seconds since the epoch.
            incident_id: incident that it is about.
            command: what is to be done.
            incident: incident of another host that is to be taken over.
        """
        if command.get("action") == ADOPT_INCIDENT:
            self._adopt(now, incident_id, incident)
            return
        found = self._incident_log.find(incident_id) or self._adopt(now, incident_id, incident)
        if found is None:
            return
        requeue, by = command.get("action") == _RETRY, command.get("by", "")
        for delivery in found.dead_letters.values():
            if requeue:
                delivery.requeue()
            else:
                delivery.discarded, delivery.closed = by, True
        self._incident_log.mark_changed(found)
        event = "dead letters requeued" if requeue else "dead letters discarded"
        _log.info(event, alias=found.alias, by=by)

    def _submit(self, incident_id: str, command: dict[str, str]) -> None:
        if not self._store.enqueue(incident_id, command):
            raise NotStoredError(f"the command cannot be saved: {self._store.problem}")

    def _adopt(
        self, now: float, incident_id: str, incident: Incident | None = None
    ) -> Incident | None:
        """Take an incident over that the leader does not have; return it, None if there is none.

        One that is over here is taken over only if people were told of it afterwards.
        """
        known = self._incident_log.find(incident_id)
        if known is not None and (incident is None or known.phase is not Phase.CLOSED):
            return known
        stored = known or self._store.find(incident_id)
        ended_at = stored.closed_at if stored is not None and stored.phase is Phase.CLOSED else 0.0
        if incident is not None and ended_at and incident.notified_at <= ended_at:
            return known
        found = incident or stored
        if found is not None:
            self._incident_log.take_over(now, found)
        return found
