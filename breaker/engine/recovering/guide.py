"""Orders of an episode for one breaker: leased probes, then a share of its calls."""

from math import inf


class Guide:
    """Orders of a fleet to one breaker. Not thread-safe.

    Args:
        credit: 0 to 1; which of its first calls a share admits, different for each member, so that
            the first calls of many members do not all pass, or all fail to.
    """

    __slots__ = ("_credit", "_doubling", "_share", "_since", "_until", "results")

    def __init__(self, credit: float = 0.0) -> None:
        self._share, self._since, self._doubling = 0.0, 0.0, 0.0
        self.results: list[bool] = []
        """Results of leased probes, True for a good one; whoever tells the fleet clears them."""
        self._credit = credit
        self._until = -inf

    def lend(self, until: float) -> None:
        """Let one probe pass before `until`, in seconds of the breaker's clock."""
        self._until = until

    @property
    def lends(self) -> bool:
        """True while a probe was lent, and has not gone. It may be too late for it."""
        return self._until != -inf

    def take_probe(self, now: float) -> bool:
        """Return True if a call may go as a probe, and count it."""
        if now >= self._until:
            return False
        self._until = -inf
        return True

    @property
    def share(self) -> float:
        """Share of the calls that passed in the ramp when it was set."""
        return self._share

    def set_share(self, share: float, since: float, doubling: float) -> None:
        """Let a share of the calls pass, which doubles by itself in that time; 0: it does not."""
        self._share, self._since, self._doubling = share, since, doubling

    def take_share(self, now: float) -> bool:
        """Return True for the present share of the calls, evenly spread."""
        share = self._share
        if self._doubling:
            share = min(1.0, share * 2.0 ** (max(0.0, now - self._since) / self._doubling))
        self._credit += share
        if round(self._credit, 9) < 1:
            return False
        self._credit -= 1
        return True

    def revoke(self) -> bool:
        """Take back a probe that has not gone; return True if there was one."""
        lent, self._until = self.lends, -inf
        return lent
