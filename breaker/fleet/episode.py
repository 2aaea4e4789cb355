"""Episode: one time of trouble of one breaker in one scope, and how it may change.

The record is shared through the hub and changed by compare-and-set only. Each change raises its
version; a change of phase raises its generation too, so that what was seen before counts no more.
Pure: times are in seconds of the hub's clock.
"""

from typing import Final, NamedTuple

OPEN, RAMP, CLOSED = "open", "ramp", "closed"
"""Phases: only leased probes pass; a share of the calls passes; all calls pass."""
FAILURES, OVERLOAD = "failure_streak", "overload"
"""Reasons: most units fail; more calls are in flight than are served in time."""
GOOD_SPELL: Final = 15.0
"""Seconds after the end of an episode within which another trip is a relapse."""
MAX_RELAPSES: Final = 6
"""Largest number of relapses that is counted."""


class Episode(NamedTuple):
    """One time of trouble; see the module.

    Attributes:
        version: number of changes since the first.
        generation: number of changes of phase, by which counts are told apart.
        phase: `open`, `ramp` or `closed`.
        opened: time of the trip.
        since: time of the last change.
        share: share of the calls admitted while `phase` is `ramp`.
        first_slot: number of the slot in which the trouble began.
        usual_milli: usual number of calls in flight before it, times 1000; 0 if it is not known.
        relapses: recoveries in a row that did not last.
        bad: members in trouble when it opened, one for each second; calls in flight in an overload.
        units: members that had calls then; calls that may be in flight in an overload.
        reason: `failure_streak` or `overload`.
        doubling: seconds in which the share doubles by itself; 0 if it does not.
    """

    version: int = 0
    generation: int = 0
    phase: str = CLOSED
    opened: float = 0.0
    since: float = 0.0
    share: float = 1.0
    first_slot: int = 0
    usual_milli: int = 0
    relapses: int = 0
    bad: int = 0
    units: int = 0
    reason: str = ""
    doubling: float = 0.0

    def share_at(self, now: float) -> float:
        """Return the share of the calls admitted at `now`."""
        if not self.doubling:
            return self.share
        growth: float = 2.0 ** (max(0.0, now - self.since) / self.doubling)
        return min(1.0, self.share * growth)

    @property
    def in_force(self) -> bool:
        """True unless all calls pass."""
        return self.phase != CLOSED


NONE: Final = Episode()
"""The record before the first episode."""


def opened(before: Episode, now: float, found: "Trouble", share: float = 0.0) -> Episode:
    """Return the episode that opens at `now`, after `before`.

    With a share above 0 it begins with the ramp: the dependency is overloaded, and not down.
    """
    relapsed = before.phase == RAMP or now - before.since < GOOD_SPELL
    again = before.version > 0 and relapsed
    return Episode(
        version=before.version + 1,
        generation=before.generation + 1,
        phase=RAMP if share else OPEN,
        opened=before.opened if before.phase == RAMP else now,
        since=now,
        share=round(share, 4),
        first_slot=found.first_slot,
        usual_milli=found.usual_milli or before.usual_milli,
        relapses=min(MAX_RELAPSES, before.relapses + 1) if again else 0,
        bad=found.bad,
        units=found.units,
        reason=found.reason,
    )


def ramping(before: Episode, now: float, share: float, doubling: float = 0.0) -> Episode:
    """Return the episode with another share, or with the first share after the probes."""
    begins = before.phase != RAMP
    return before._replace(
        version=before.version + 1,
        generation=before.generation + begins,
        phase=RAMP,
        since=now,
        share=round(share, 4),
        doubling=doubling,
    )


def closed(before: Episode, now: float) -> Episode:
    """Return the episode after its end: all calls pass."""
    return before._replace(
        version=before.version + 1,
        generation=before.generation + 1,
        phase=CLOSED,
        since=now,
        share=1.0,
        doubling=0.0,
    )


class Trouble(NamedTuple):
    """Finding of a test: units in trouble, of how many, since which slot, and why."""

    bad: int
    units: int
    first_slot: int
    usual_milli: int = 0
    reason: str = FAILURES


def accepts(held: Episode, expected: int, proposal: Episode) -> bool:
    """Return True if a hub that holds `held` is to take `proposal`.

    It must follow what its author has seen, `expected`. A hub that holds less than that has lost
    changes, and takes them back.
    """
    return held.version <= expected and proposal.version > held.version
