"""What operators want done with an incident, carried to the process that sends."""

from breakerd.alerts.model.incident import Incident
from breakerd.alerts.storage.incident_log import IncidentLog
from breakerd.alerts.storage.store import ADOPT_INCIDENT, Store
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

_RETRY = "retry"
_DISCARD = "discard"


class CommandQueue:
    """CommandQueue about incidents: made in any process, granted in the one that sends.

    They are in the file until they are granted. Where there is none, they are granted at once.

    Args:
        store: the file.
        incident_log: whose incidents they are about.
    """

    def __init__(self, store: Store, incident_log: IncidentLog) -> None:
        self._store = store
        self._incident_log = incident_log

    def retry(self, incident_id: str) -> None:
        """What was given up of that incident is to be tried again."""
        self._make(incident_id, {"action": _RETRY})

    def discard(self, incident_id: str, author: str, reason: str) -> None:
        """What was given up of that incident is to be let be."""
        self._make(incident_id, {"action": _DISCARD, "by": f"{author}: {reason}"})

    def execute(self, now: float) -> None:
        """Does what was wished for. For the process that sends, which holds the incident_log's lock."""
        for incident_id, wish in self._store.dequeue_all():
            self._do(now, incident_id, wish)

    def _make(self, incident_id: str, wish: dict[str, str]) -> None:
        if not self._store.enqueue(incident_id, wish):
            with self._incident_log.lock:
                self._do(0.0, incident_id, wish)

    def _do(self, now: float, incident_id: str, wish: dict[str, str]) -> None:
        incident = self._incident_log.find(incident_id) or self._taken_up(now, incident_id)
        if incident is None or wish.get("action") == ADOPT_INCIDENT:
            return
        requeued, by = wish.get("action") == _RETRY, wish.get("by", "")
        for delivery in incident.dead_letters.values():
            if requeued:
                delivery.requeue()
            else:
                delivery.discarded, delivery.closed = by, True
        self._incident_log.mark_changed(incident)
        event = "dead letters requeued" if requeued else "dead letters discarded"
        _log.info(event, alias=incident.alias, by=by)

    def _taken_up(self, now: float, incident_id: str) -> Incident | None:
        incident = self._store.find(incident_id)
        if incident is not None:
            self._incident_log.adopt(now, incident)
        return incident
