"""Lease of the hub: of the leaders of all hosts, its holder sends for the fleet."""

from collections.abc import Callable
from enum import Enum
from typing import Final

from breakerd.alerts.fleet.link import FleetLink, HubView
from breakerd.breaker.fleet.hub.protocol import HubUnavailableError
from breakerd.breaker.fleet.hub.store import Fence
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

SENDER: Final = "sender"
"""Name of the lease."""
ALONE_AFTER: Final = 60.0
"""Seconds without the hub after which a host that did not send begins to send by itself."""
MARGIN: Final = 5.0
"""Seconds that the lease lasts beyond the longest request."""
_GRACE: Final = 5.0
"""Seconds in which only the former sender takes the lease of a hub that was away, or forgot."""
_SURELY_AWAY: Final = 5.0
"""Seconds without an answer after which a sender whose lease is over goes on."""
_RENEWAL: Final = 1.0
"""Seconds between two renewals."""


class Role(Enum):
    """Part that the leader of a host has in the fleet."""

    SINGLE = "single"
    """No hub joins several hosts: it sends."""
    SENDER = "sender"
    """It sends for the fleet."""
    RELAY = "relay"
    """Another host sends: it tells that one what it sees."""
    ALONE = "alone"
    """The hub has been away for too long: it sends what it sees."""


class SenderLease:
    """Lease of one host's leader. For one thread, but `may_send`.

    While the hub is away, who held it last keeps it. Others may hold it by then, if only this host
    is cut off: their alerts have the same aliases.

    Args:
        link: link to the fleet.
        holder: id of this process.
        clock: returns seconds; never jumps.
    """

    def __init__(self, link: FleetLink, holder: str, clock: Callable[[], float]) -> None:
        self.role = Role.RELAY if link.name else Role.SINGLE
        self.fence = Fence(SENDER, 0)
        """Fence of what the sender writes."""
        self.sender = ""
        """Host that sends, as the hub told last; empty if it told of none."""
        self._link = link
        self._holder = holder
        self._clock = clock
        self._sends_until = float("-inf")
        self._renew_at = float("-inf")
        self._away_since: float | None = None
        self._epoch = ""
        self._wait_until = float("-inf")
        self._longest = MARGIN

    @property
    def may_send(self) -> bool:
        """True if nobody else is the sender, as far as this process can know."""
        if self.role is not Role.SENDER:
            return self.role is not Role.RELAY
        now, away = self._clock(), self._away_since
        # A process that was stopped may find its first answer late: that alone proves nothing.
        return now < self._sends_until or (away is not None and now - away >= _SURELY_AWAY)

    @property
    def hub_is_away(self) -> bool:
        """True while the hub does not answer, or has not yet."""
        return self._away_since is not None

    def renew(self, request_timeout: float) -> Role:
        """Take the lease or renew it; return the role. Waits at most about 1 s.

        Args:
            request_timeout: maximum seconds of a request to a receiver.

        Raises:
            HubUnavailableError: the hub does not answer; `role` is what follows from that.
        """
        if not self._link.name:
            self._away_since = None
            return self._become(Role.SINGLE)
        now, hub = self._clock(), self._link.hub()
        if hub is None:
            return self.fail()
        self._longest = request_timeout + MARGIN
        if now < self._renew_at and not self.hub_is_away and hub.epoch == self._epoch:
            return self.role
        if self.returns:
            return Role.RELAY  # for what is read; `complete` tells whether the hub is back
        try:
            held = self._take(hub, now, request_timeout)
        except HubUnavailableError:
            self.fail()
            raise
        self._renew_at = now + _RENEWAL
        return self._become(Role.SENDER if held else Role.RELAY)

    def complete(self) -> None:
        """Record that all that was asked of the hub in this round was answered."""
        if self.returns:
            self._wait_until = self._clock() + _GRACE
            self._become(Role.RELAY)
        self._away_since = None

    @property
    def returns(self) -> bool:
        """True if the lease may have ended while the hub was away, and this process had none."""
        return self.role is not Role.SENDER and self.away_for >= self._longest

    def fail(self) -> Role:
        """Record that the hub has not answered; return the role that follows from that."""
        self.note_away()
        if self.role in {Role.SENDER, Role.ALONE}:
            return self.role
        return self._become(Role.ALONE if self.away_for >= ALONE_AFTER else Role.RELAY)

    def note_away(self) -> None:
        """Record that the hub has not answered, in the middle of a round."""
        if self._away_since is None:
            self._away_since = self._clock()

    def take_over(self, role: Role, away_for: float) -> None:
        """Go on as the process did that led on this host before, while the hub was away."""
        if self._link.name and role is not Role.SINGLE:
            self.role, self._away_since = role, self._clock() - away_for

    @property
    def away_for(self) -> float:
        """Seconds that the hub has been away; 0 if it is not."""
        return 0.0 if self._away_since is None else max(0.0, self._clock() - self._away_since)

    def lose(self) -> None:
        """Record that the hub has refused a write: another process sends, or the hub forgot."""
        self._renew_at = float("-inf")
        self._become(Role.RELAY)

    def end(self, holder: str) -> None:
        """End the lease of a process that leads on this host no more; no effect for others."""
        if (hub := self._link.hub()) is not None:
            try:
                hub.store.end_lease(SENDER, holder)
            except Exception as error:  # noqa: BLE001 - the end of a process must not fail
                _log.info("a lease of the hub expires by itself", problem=str(error))

    def resign(self, seconds: float = 0.0) -> None:
        """Give the lease back, if this process has it, and let others take it for that time."""
        if self.role is Role.SENDER:
            self.end(self._holder)
        if self.role is not Role.SINGLE:
            self._wait_until = self._clock() + seconds
            self._become(Role.RELAY)

    def _take(self, hub: HubView, now: float, request_timeout: float) -> bool:
        """Return True if this process holds it now."""
        if self.role is not Role.SENDER and self._epoch not in {"", hub.epoch}:
            self._wait_until = now + _GRACE
        self._epoch = hub.epoch
        if now < self._wait_until:
            return False
        found = hub.store.take_lease(SENDER, self._holder, request_timeout + MARGIN)
        self.sender = found.holder.rpartition("/")[0]
        if found.holder != self._holder:
            return False
        # What is sent last ends before anybody else may begin.
        self.fence, self._sends_until = Fence(SENDER, found.term), now + MARGIN
        return True

    def _become(self, role: Role) -> Role:
        if role is not self.role:
            _log.info("part in alerting has changed", before=self.role.value, now=role.value)
        self.role = role
        return role
