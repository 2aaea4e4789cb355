"""Census: what is known of the processes that have a breaker, also where nothing is wrong."""

from collections.abc import Iterable
from typing import Final

from breakerd.alerts.fleet.link import FleetLink
from breakerd.alerts.fleet.naming import FleetNaming
from breakerd.alerts.fleet.sender_lease import Role, SenderLease
from breakerd.alerts.incidents.naming import Naming
from breakerd.alerts.model.content import Spread

_TELLING: Final = 15.0
"""Seconds in which all hosts have told what they observe, once the hub is back."""
_MAX_SILENCE: Final = 600.0
"""Seconds after which trouble is over that nobody speaks of, if no process has the breaker."""


class Census:
    """Census of the breakers' processes. For one thread.

    Args:
        link: link to the fleet.
        lease: lease of the sender.
    """

    def __init__(self, link: FleetLink, lease: SenderLease) -> None:
        self._link = link
        self._lease = lease
        self._naming = FleetNaming(link)
        self.peers = 0
        """Number of other processes that share the database."""
        self._shared: set[str] = set()
        """Incidents that other hosts may have trouble with, by id."""
        self._seen: dict[str, float] = {}
        """Breaker -> when it was last seen in trouble, or missed."""
        self._away_at = float("-inf")
        """When the hub was away last."""

    @property
    def naming(self) -> Naming | None:
        """Names of new incidents of the fleet; None if they are those of the host."""
        return self._naming if self._link.name else None

    def learn(self, aliases: Iterable[str]) -> None:
        """Take aliases that were used, so that none is used again."""
        self._naming.learn(aliases)

    def begin(self, incidents: Iterable[str]) -> None:
        """Take it that other hosts may have trouble with these incidents."""
        self._shared = set(incidents)

    def spread(self, breaker: str) -> Spread:
        """Return in how many processes a breaker rejects calls, as far as that is known."""
        return self._link.spread(breaker) or Spread(1 + self.peers)

    def see(self, now: float, breakers: Iterable[str]) -> None:
        """Record the breakers that are in trouble at `now`."""
        if self._lease.hub_is_away:
            self._away_at = now
        recent = {name: at for name, at in self._seen.items() if now - at < 2 * _MAX_SILENCE}
        self._seen = recent | dict.fromkeys(breakers, now)

    def is_well(self, now: float, breaker: str) -> bool:
        """Return True if a breaker is well that nobody speaks of: silence alone is no recovery.

        Some process must let its calls pass, and none that rejected them may just be silent.
        """
        if self._lease.role is Role.SINGLE or self._lease.hub_is_away:
            return True
        spread = self._link.spread(breaker)
        if spread is None:
            return False
        if spread.processes or spread.lost:
            return spread.rejecting < spread.processes and not spread.lost
        return now - self._seen.setdefault(breaker, now) >= _MAX_SILENCE

    def may_close(self, now: float, incident: str) -> bool:
        """Return True if no other host can have trouble of which this process does not hear."""
        if self._lease.role is Role.SINGLE:
            return True
        if self._lease.role is Role.ALONE and incident not in self._shared:
            return True
        return now - self._away_at >= _TELLING
