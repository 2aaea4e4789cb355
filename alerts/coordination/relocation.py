"""Relocation: alerting goes on in another database, with all that is open, while it runs."""

from pathlib import Path
from typing import Final

from breakerd.alerts.coordination.leadership import Leadership
from breakerd.alerts.coordination.lease import Lease
from breakerd.alerts.storage.database_pointer import DatabasePointer
from breakerd.alerts.storage.incident_log import IncidentLog
from breakerd.alerts.storage.relocation import (
    living_peers,
    moved_to,
    registered,
    transfer,
    unmark,
)
from breakerd.alerts.storage.store import LeaseLostError, Store
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

_RETRY_INTERVAL: Final = 5.0
"""Seconds between two attempts to move."""
_MAX_PEER_WAIT: Final = 10.0
"""Maximum seconds that a leader waits for its peers in the other database."""
_REPORT_WAIT: Final = 1.0
"""Seconds from the arrival of the last peer until its report counts."""


class Relocation:
    """Move of one process to another database. Not thread-safe: hold the incident log's lock.

    Only the leader moves what the database holds. In the same transaction it leaves the path of the
    new one behind, after which nobody can be the leader in the old one: the peers follow, whatever
    their own settings are. So at no time do two processes send for one incident.

    Args:
        store: the shared database.
        lease: lease of this process.
        leadership: leadership of this process.
        incident_log: incidents of the leader.
        pointer: names the database for the next start; None if nothing does.
    """

    def __init__(
        self,
        store: Store,
        lease: Lease,
        leadership: Leadership,
        incident_log: IncidentLog,
        pointer: DatabasePointer | None,
    ) -> None:
        self._store = store
        self._lease = lease
        self._leadership = leadership
        self._incident_log = incident_log
        self._pointer = pointer
        self._configured = store.path
        """Path that the settings name."""
        self._wanted: Path | None = None
        """Path to move to; None if alerting stays where it is."""
        self._followed_at = float("-inf")
        self._retry_at = float("-inf")
        self._waits: _PeerWait | None = None

    def request(self, path: Path) -> None:
        """Move to that database with the next rounds; no effect if it is in use."""
        self._configured = self._wanted = path
        self._retry_at = float("-inf")
        self._settle()

    def run(self, now: float, request_timeout: float, *, leads: bool) -> bool:
        """Move if that is due; return True if the process now uses another database.

        Args:
            now: seconds since the epoch.
            request_timeout: maximum seconds of a request.
            leads: True if this process is the leader.
        """
        if not leads:
            return self._follow(now)
        if self._is_alone_elsewhere(now):
            self._wanted = self._configured
        if self._wanted is None or now < self._retry_at:
            return False
        if not self._move(now, self._wanted, request_timeout):
            self._retry_at = now + _RETRY_INTERVAL
            return False
        return True

    def waits_for_peers(self, now: float) -> bool:
        """Return True while the reports of peers that have yet to follow are missing."""
        if self._waits is not None and self._waits.is_over(now, self._store):
            self._waits = None
        return self._waits is not None

    def _move(self, now: float, path: Path, request_timeout: float) -> bool:
        """Take everything to another database, as the leader; return False if that fails."""
        target = Store(path, self._store.process)
        target.open()
        asked_at, length = self._lease.clock(), self._lease.length(request_timeout)
        unmark(target)
        term = target.acquire_lease(self._lease.boot, asked_at, length)
        peers = living_peers(self._store, self._lease.boot)
        if term is None or not self._transfer(now, target):
            problem = target.problem or self._store.problem or "it does not answer"
            self._store.relocation_problem = (
                f"incidents stay in {self._store.path}: they cannot be moved to {path}: {problem}; "
                "make it writable, or set [alerts] database to another path"
            )
            target.release()
            target.close()
            return False
        self._switch(target)
        if term:
            self._lease.take_over(term, asked_at + length)
            self._leadership.take_over(now, term)
            self._waits = _PeerWait(now, peers)
        else:
            self._lease.held = False
            self._incident_log.hand_over()
        return True

    def _transfer(self, now: float, target: Store) -> bool:
        try:
            self._incident_log.write(now)
        except LeaseLostError:
            return False
        return transfer(self._store, target)

    def _is_alone_elsewhere(self, now: float) -> bool:
        """Return True if it followed others that have gone, to where the settings do not lead."""
        if self._wanted is not None or is_same(self._configured, self._store.path):
            return False
        waited = now >= self._followed_at + _MAX_PEER_WAIT
        return waited and not living_peers(self._store, self._lease.boot)

    def _follow(self, now: float) -> bool:
        """Go where the leader has gone; if its file fails here, this process alerts by itself."""
        path = moved_to(self._store)
        if path is None:
            return False
        target = Store(path, self._store.process)
        target.open()
        transfer(self._store, target)
        self._switch(target)
        self._followed_at = now
        if not is_same(self._configured, path):
            self._store.relocation_problem = (
                f"incidents are in {path}, where another process has moved them; set [alerts] "
                "database to that path here, too"
            )
        return True

    def _switch(self, target: Store) -> None:
        former = self._store.path
        self._store.release()
        self._store.switch_to(target)
        _log.warning("incidents have moved", former=str(former), path=str(target.path))
        self._settle()

    def _settle(self) -> None:
        """Forget the request once its database is in use."""
        if is_same(self._configured, self._store.path):
            self._wanted, self._store.relocation_problem = None, ""
            if self._pointer is not None:
                self._pointer.write(self._store.path)


class _PeerWait:
    """Wait of a leader that has moved for the peers that it had.

    Without their reports, breakers that are open in them would look well.
    """

    def __init__(self, now: float, peers: set[str]) -> None:
        self._peers = peers
        self._ends_at = now + (_MAX_PEER_WAIT if peers else 0.0)

    def is_over(self, now: float, store: Store) -> bool:
        """Return True once all have followed and reported, or had time enough."""
        if self._peers and self._peers <= registered(store):
            self._peers = set()
            self._ends_at = min(self._ends_at, now + _REPORT_WAIT)
        return now >= self._ends_at


def is_same(path: Path, other: Path) -> bool:
    """Return True if both paths name one file, whether or not it exists."""
    return path.resolve() == other.resolve()
