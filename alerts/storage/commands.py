"""Commands of operators about incidents, queued for the leader."""

from breakerd.alerts.model.incident import Incident
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
            self._execute_one(now, incident_id, command)
            self._incident_log.mark_executed(number)

    def _submit(self, incident_id: str, command: dict[str, str]) -> None:
        if not self._store.enqueue(incident_id, command):
            raise NotStoredError(f"the command cannot be saved: {self._store.problem}")

    def _execute_one(self, now: float, incident_id: str, command: dict[str, str]) -> None:
        incident = self._incident_log.find(incident_id) or self._adopt(now, incident_id)
        if incident is None or command.get("action") == ADOPT_INCIDENT:
            return
        requeue, by = command.get("action") == _RETRY, command.get("by", "")
        for delivery in incident.dead_letters.values():
            if requeue:
                delivery.requeue()
            else:
                delivery.discarded, delivery.closed = by, True
        self._incident_log.mark_changed(incident)
        event = "dead letters requeued" if requeue else "dead letters discarded"
        _log.info(event, alias=incident.alias, by=by)

    def _adopt(self, now: float, incident_id: str) -> Incident | None:
        incident = self._store.find(incident_id)
        if incident is not None:
            self._incident_log.adopt(now, incident)
        return incident
