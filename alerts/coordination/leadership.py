"""Leadership: acquires the lease, and hands incidents over when it changes hands."""

from breakerd.alerts.coordination.lease import Lease
from breakerd.alerts.incidents.observer import BreakerObserver
from breakerd.alerts.settings.alerting import AlertingSettings
from breakerd.alerts.storage.incident_log import IncidentLog
from breakerd.alerts.storage.store import Store


class Leadership:
    """Leadership of one process. Not thread-safe: hold the incident log's lock.

    Args:
        store: the shared database.
        lease: lease of this process.
        incident_log: incidents of the leader.
        observer: observer of this process.
    """

    def __init__(
        self, store: Store, lease: Lease, incident_log: IncidentLog, observer: BreakerObserver
    ) -> None:
        self._store = store
        self._lease = lease
        self._incident_log = incident_log
        self._observer = observer
        self._term = 0
        self._registered = False

    def take_over(self, now: float, term: int) -> None:
        """Lead on in another database, where this process holds the lease of that term.

        What that database held before is added to the present incidents.
        """
        self._term, self._registered = term, False
        self._incident_log.load_as_leader(now)

    def acquire(self, now: float, settings: AlertingSettings) -> bool:
        """Acquire or renew the lease; return True if this process is the leader.

        A new leader loads what the previous one left.

        Args:
            now: seconds since the epoch.
            settings: present settings.
        """
        lease, incident_log = self._lease, self._incident_log
        if self._store.reopened():
            self._registered = False
            incident_log.rewrite()
        if not self._registered:
            self._registered = self._store.register(lease.boot)
        held, standalone = lease.held, lease.standalone
        leads = lease.renew(settings.alerts.request_timeout)
        if held and not leads:
            if standalone:
                incident_log.hand_over()
            incident_log.discard()
        elif (
            leads and not lease.standalone and (lease.term != self._term or standalone or not held)
        ):
            if held and not standalone:
                # Another process was the leader in between.
                incident_log.discard()
            self._term = lease.term
            incident_log.load_as_leader(now)
        elif leads and not held and self._store.busy:
            # The previous leader is stuck in a write. Do not repeat what it has delivered.
            incident_log.load_as_leader(now, self._observer.observations)
        return leads
