"""Member of a fleet: one process, which exchanges with the hub for all of its breakers.

Whoever owns it calls `exchange` once an interval, from a thread of its own. No call waits for that:
what a view brings ends in the decisions that each breaker prepares anyway.
"""

from collections.abc import Callable, Mapping
from typing import Final
from zlib import crc32

from breakerd.breaker.breaker import Breaker
from breakerd.breaker.fleet.follower import Follower
from breakerd.breaker.fleet.hub.protocol import Hub
from breakerd.breaker.fleet.messages import MemberInfo, Report, View

SILENCE: Final = 3.0
"""Seconds without an answer after which the members decide alone."""


class FleetMember:
    """One process in a fleet. Not thread-safe: one exchange at a time.

    Args:
        hub: where the members meet.
        info: facts of this process.
        clock: the breakers' clock, in seconds.
        breakers: breakers by pool, `NAME|GROUP`.
    """

    def __init__(
        self,
        hub: Hub,
        info: MemberInfo,
        clock: Callable[[], float],
        breakers: Mapping[str, Breaker],
    ) -> None:
        self._hub = hub
        self._info = info
        self._clock = clock
        self._offset = 0.0
        """Hub time less the time of the breakers' clock."""
        self._seq = 0
        self._epoch = ""
        self._heard_at = clock()
        self.alone = True
        """True while the hub does not answer, or never did."""
        self._followers = {
            pool: Follower(
                pool,
                info.scopes,
                breaker.machinery.core,
                self._hub_time,
                crc32(f"{info.id} {info.incarnation} {pool}".encode()) / 2**32,
            )
            for pool, breaker in breakers.items()
        }

    def exchange(self) -> bool:
        """Exchange once with the hub, or twice if there is something to say at once.

        Return False if the hub cannot be reached.
        """
        try:
            if self._exchange_once():
                self._exchange_once()
        except ConnectionError:
            self._note_silence()
            return False
        return True

    def _exchange_once(self) -> bool:
        self._seq += 1
        report = Report(
            member=self._info,
            seq=self._seq,
            epoch=self._epoch,
            breakers=tuple(each.report() for each in self._followers.values()),
        )
        view = self._hub.exchange(report)
        return self._apply(view)

    def _apply(self, view: View) -> bool:
        self._heard_at = self._clock()
        self._offset = view.now - self._heard_at
        self._epoch = view.epoch
        self.alone = False
        again = [self._followers[each.pool].apply(each) for each in view.breakers]
        return any(again)

    def _note_silence(self) -> None:
        if self.alone or self._clock() - self._heard_at < SILENCE:
            return
        self.alone = True
        for follower in self._followers.values():
            follower.decide_alone()

    def _hub_time(self, now: float) -> float:
        return now + self._offset
